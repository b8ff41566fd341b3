"""One ordered form for all elements of a tensor, stamped for each: SymPy is asked once a tensor, not once a weight.

z[s,i] = sum_j W[i,j] x[s,j] + b[i] becomes w31 x1 + w32 x2 + b3 at i = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import singledispatchmethod
from typing import Any

from sympy import Expr, Symbol

from bpsym.calculus.equations import Program
from bpsym.calculus.nodes import IndexSum, Maximum
from bpsym.codegen.expression_text import Named
from bpsym.network.forward import SAMPLES
from bpsym.notation.order import Call, Element, Form, Sum, Total, reading_order

Place = Mapping[Symbol, int]
"""A value for each index."""

Stamp = Callable[[Place], Form]


class Stamps:
    """program: whose roles put an expression in reading order; name: (tensor, units) -> an element's name in code.

    whole: the text of a sum that is not to be written out, "" of one that is.
    """

    def __init__(
        self,
        program: Program,
        name: Callable[[str, tuple[int, ...]], str],
        whole: Callable[[IndexSum], str] = lambda _: "",
    ) -> None:
        self.program = program
        self.name = name
        self.whole = whole

    def of(self, expr: Expr) -> Stamp:
        """The expression in reading order, as a function of its indices' values."""
        return self.stamp(reading_order(expr, self.program))

    @singledispatchmethod
    def stamp(self, form: Any) -> Stamp:
        """A form of other forms: each of them stamped."""
        if isinstance(form, tuple):
            stamps = [self.stamp(part) for part in form]
            return lambda place: tuple(stamp(place) for stamp in stamps)
        if not is_dataclass(form) or isinstance(form, type):
            return lambda _: form
        parts = {each.name: self.stamp(getattr(form, each.name)) for each in fields(form)}
        return lambda place: replace(form, **{name: stamp(place) for name, stamp in parts.items()})

    @stamp.register
    def _(self, form: Element) -> Stamp:
        tensor = form.read.name
        own = self.program[tensor].indices
        at = [_value(value) for value, index in zip(form.read.at, own, strict=True) if index.name != SAMPLES]
        return lambda place: Named(self.name(tensor, tuple(value(place) for value in at)))

    @stamp.register
    def _(self, form: Sum) -> Stamp:
        stamps = [(self.stamp(term), isinstance(term, Total)) for term in form.terms]

        def stamped(place: Place) -> Form:
            terms: list[Form] = []
            for stamp, is_total in stamps:
                term = stamp(place)
                terms += term.terms if is_total and isinstance(term, Sum) else (term,)
            return Sum(tuple(terms))

        return stamped

    @stamp.register
    def _(self, form: Total) -> Stamp:
        text = self.whole(form.node)
        if text:
            return lambda _: Named(text)
        index, body = form.node.opened(f"'{form.node.height}")
        values = range(int(index.lower), int(index.upper) + 1)
        term = self.of(body)
        join = _JOINED[type(form.node)]
        return lambda place: join([term({**place, index: value}) for value in values])


def _added(terms: list[Form]) -> Form:
    found: list[Form] = []
    for term in terms:
        found += term.terms if isinstance(term, Sum) else (term,)
    return Sum(tuple(found)) if len(found) > 1 else found[0]


def _greatest(terms: list[Form]) -> Form:
    return Call("max", tuple(terms)) if len(terms) > 1 else terms[0]


_JOINED: Mapping[type, Callable[[list[Form]], Form]] = {IndexSum: _added, Maximum: _greatest}
"""What becomes of the terms of a sum, and of a maximum, that is written out."""


def _value(expr: Any) -> Callable[[Place], int]:
    """An index expression as a function of the indices' values."""
    if expr.is_Integer:
        constant = int(expr)
        return lambda _: constant
    if isinstance(expr, Symbol):
        return lambda place: place[expr]
    return lambda place: int(expr.xreplace(dict(place)))
