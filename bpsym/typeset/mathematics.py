"""Forms as TeX, in symbols or with numbers in the place of the symbols; the same for LaTeX and everything like it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import singledispatchmethod
from typing import Any

from bpsym.calculus.equations import Program
from bpsym.derivation.forms import (
    Activated,
    Applied,
    Call,
    Cases,
    Comparison,
    Element,
    Form,
    Layer,
    Matrix,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Range,
    Size,
    Sum,
    Summation,
    SumOver,
    Variable,
)
from bpsym.derivation.setting import unit, units
from bpsym.derivation.worth import holds
from bpsym.network.activations import GENERIC
from bpsym.notation.names import Names, Unit
from bpsym.typeset.branches import branches
from bpsym.typeset.marks import fenced, fraction, matrix, numeral
from bpsym.typeset.numbers import Numeral, result, short
from bpsym.typeset.pieces import Piece, Pieces, after, enclosed, joined, piece, total_width, unbroken

Numerals = Callable[[Element], Numeral]


@dataclass(frozen=True)
class Mathematics:
    """Prints forms in one notation.

    numerals: the number for each symbol, None to print symbols; depth: how many brackets stand around; nested: whether
    it stands in a fraction, or below a root, where another fraction would be too small to read.
    """

    names: Names
    program: Program
    marked: bool
    numerals: Numerals | None = None
    depth: int = 0
    nested: bool = False

    def tex(self, form: Form) -> str:
        return joined(self.pieces(form))

    def with_numbers(self, numerals: Numerals) -> Mathematics:
        return replace(self, numerals=numerals)

    def _inside(self) -> Mathematics:
        return replace(self, depth=self.depth + 1)

    @singledispatchmethod
    def pieces(self, form: Any) -> Pieces:
        raise TypeError(f"{type(form).__name__} cannot be printed")

    @pieces.register(Number)
    def _(self, form: Number) -> Pieces:
        value = form.value
        decimal = short(value)
        if decimal is not None and not self._is_fraction(value):
            return numeral(decimal)
        sign = "-" if value < 0 else ""
        return fraction(piece(str(abs(value.numerator))), piece(str(value.denominator)), sign)

    def _is_fraction(self, value: Fraction) -> bool:
        """Whether it is written as one: halves, quarters, ... where no formula of this network has them as decimals."""
        decimals = (one.denominator % value.denominator == 0 for one in self.names.decimals)
        return value.denominator in _FRACTIONS and not any(decimals)

    @pieces.register(Element)
    def _(self, form: Element) -> Pieces:
        if self.numerals is not None:
            return numeral(self.numerals(form))
        return piece(self.symbol(form))

    def symbol(self, form: Element) -> str:
        """The element's name."""
        tensor = self.program[form.read.name]
        return self.names.latex(
            tensor, units(self.program, form.read), self._sample(form.read.name, form.read.at)
        )

    def _sample(self, name: str, at: Any) -> Unit | None:
        """Which sample the element belongs to, if samples are told apart."""
        axes = self.program[name].role.axes
        return unit(at[axes.index(None)]) if self.marked and None in axes else None

    @pieces.register(Layer)
    def _(self, form: Layer) -> Pieces:
        sample = form.sample if self.marked and None in self.program[form.name].role.axes else None
        return piece(self.names.layer(self.program[form.name], sample))

    @pieces.register(Variable)
    def _(self, form: Variable) -> Pieces:
        return piece(form.name)

    @pieces.register(Partial)
    def _(self, form: Partial) -> Pieces:
        over, under = (rf"\partial {self.tex(part)}" for part in (form.of, form.by))
        return fraction(piece(over), piece(under))

    @pieces.register(Activated)
    def _(self, form: Activated) -> Pieces:
        if self.numerals is not None:
            return numeral(self.numerals(form.after))
        if self.names.pack.conventions["slope"] == "activation":
            return piece(self.symbol(form.after))
        return piece(f"{self._function(form.layer, form.before)}({self.symbol(form.before)})")

    def _function(self, layer: int, argument: Form, order: int = 0) -> str:
        """The sign of an activation; of the neuron's own, where each may have another."""
        own = self.names.activations[layer - 1] == GENERIC.name and isinstance(argument, Element)
        unit = units(self.program, argument.read)[0] if own else None
        return self.names.function(layer, order, unit)

    @pieces.register(Applied)
    def _(self, form: Applied) -> Pieces:
        letter = self._function(form.layer, form.argument, form.order)
        if isinstance(form.argument, Matrix):
            return unbroken(enclosed(rf"{letter}\!\left(", self.pieces(form.argument), r"\right)"))
        return unbroken(enclosed(f"{letter}(", self._inside().pieces(form.argument), ")"))

    @pieces.register(Matrix)
    def _(self, form: Matrix) -> Pieces:
        return matrix([[self._inside().pieces(entry) for entry in row] for row in form.rows])

    @pieces.register(Negative)
    def _(self, form: Negative) -> Pieces:
        body = self._bracketed(form.body, (Sum, Negative))
        return body if self._is_zero(form.body) else after("-", body)

    def _is_zero(self, form: Form) -> bool:
        """Whether a number stands for it that is 0, which has no sign."""
        if self.numerals is None or not isinstance(form, (Number, Element, Activated)):
            return False
        return joined(self.pieces(form)) == "0"

    @pieces.register(Sum)
    def _(self, form: Sum) -> Pieces:
        found = self.pieces(form.terms[0])
        level = 2 * self.depth
        for term in form.terms[1:]:
            body, sign = (term.body, "-") if isinstance(term, Negative) else (term, "+")
            found += after(f" {sign} ", self._bracketed(body, (Sum, Negative)), level)
        return found

    @pieces.register(Product)
    def _(self, form: Product) -> Pieces:
        form = self._on_the_line(form)
        found = self._factor(form.factors[0], last=False)
        for place, (before, factor) in enumerate(zip(form.factors, form.factors[1:], strict=False), start=2):
            printed = self._factor(factor, last=place == len(form.factors))
            sign = r" \cdot " if _begins_with_digit(printed) else self._sign(form, before, factor)
            level = 2 * self.depth + 1 if sign == r" \cdot " else None
            found += after(sign, printed, level)
        return found

    def _factor(self, form: Form, *, last: bool) -> Pieces:
        """A factor; a sum over an index needs brackets unless nothing comes after it."""
        return self._bracketed(
            form, (Sum, Negative, Cases) if last else (Sum, Negative, Cases, Summation, SumOver)
        )

    def _sign(self, product: Product, before: Form, factor: Form) -> str:
        """What stands between two factors: nothing much between symbols, a dot between numbers and long factors."""
        if self.numerals is not None:
            return r" \cdot "
        if isinstance(before, (Activated, Applied)) and before in _parts(factor):
            return r"\,"
        if isinstance(before, Layer) and isinstance(factor, Layer):
            return r"\,"
        if before in (_NOTHING, _ONE) or (isinstance(before, Call) and before.name not in _MARKS):
            return r" \cdot "
        long = (Partial, Sum, Product, Applied, Activated, Quotient, Power, Negative)
        if _is_number(before) or not any(isinstance(one, long) for one in product.factors):
            return r" \, " if isinstance(factor, Element) and r"\frac" in self.symbol(factor) else " "
        return r" \cdot "

    @pieces.register(SumOver)
    def _(self, form: SumOver) -> Pieces:
        below = rf"_{{{form.index}}}" if form.index else ""
        return (Piece(rf"\sum{below} ", 23.0), *self._bracketed(form.body, (Sum, Negative)))

    @pieces.register(Summation)
    def _(self, form: Summation) -> Pieces:
        lower, upper = (self._limit(form.layer, limit) for limit in (form.lower, form.upper))
        sign = Piece(rf"\sum_{{{form.index}={lower}}}^{{{upper}}} ", 23.0)
        return (sign, *self._bracketed(form.body, (Sum, Negative)))

    def _limit(self, layer: int | None, limit: Form) -> str:
        """A limit of a sum, in the numbers that nodes or samples have."""
        if isinstance(limit, Number):
            return self.names.written(layer, int(limit.value))
        return self.tex(limit)

    def range(self, one: Range) -> str:
        """I = 1, ..., 4"""
        first, last = (self.names.written(one.layer, number) for number in (0, one.units - 1))
        dots = r", \ldots, " if one.units > 2 else ", "
        return f"{one.letter} = {first}{dots}{last}"

    @pieces.register(Size)
    def _(self, form: Size) -> Pieces:
        return piece(form.name)

    @pieces.register(Cases)
    def _(self, form: Cases) -> Pieces:
        if self.numerals is not None:
            return self.pieces(self.chosen(form))
        known = branches(form)
        printed = [rf"{self.tex(value)}, & {self.tex(test)}" for value, test in known]
        rows = (r" \\[4pt] " if any(r"\frac" in row for row in printed) else r" \\ ").join(printed)
        inner = max(total_width(self.pieces(part)) for branch in known for part in branch)
        text = rf"\begin{{cases}} {rows} \end{{cases}}"
        return (Piece(text, 2 * inner + 30.0, height=len(known)),)

    def chosen(self, form: Cases) -> Form:
        """The branch that the numbers choose, of cases within cases too."""
        numerals = self.numerals

        def value(element: Element) -> Any:
            return numerals(element).value  # type: ignore[misc]

        branch = form.first if holds(form.test, value) else form.other
        return self.chosen(branch) if isinstance(branch, Cases) else branch

    @pieces.register(Comparison)
    def _(self, form: Comparison) -> Pieces:
        return self.pieces(form.left) + after(f" {_RELATIONS[form.sign]} ", self.pieces(form.right))

    @pieces.register(Quotient)
    def _(self, form: Quotient) -> Pieces:
        over, beside = self._apart(form.over)
        if beside:
            return self.pieces(Product((Quotient(over, form.under), *beside)))
        if self.nested:
            over = self._bracketed(form.over, (Sum, Negative))
            return unbroken(
                over
                + after(
                    "/",
                    self._bracketed(
                        form.under, (Sum, Negative, Product, Quotient, *self._product(form.under))
                    ),
                )
            )
        flat = replace(self, depth=0, nested=True)
        return fraction(flat.pieces(form.over), flat.pieces(form.under))

    def _on_the_line(self, form: Product) -> Product:
        """For u * (v dL/dw / q), (u v / q) * dL/dw: a fraction is not set small on top of another."""
        *before, last = form.factors
        over, beside = self._apart(last.over) if isinstance(last, Quotient) else (last, ())
        if not beside or any(isinstance(one, Quotient) or self._is_tall(one) for one in before):
            return form
        above = (*before, *(() if over == _ONE else (over,)))
        return Product((Quotient(_product_of(above), last.under), *beside))

    def _apart(self, over: Form) -> tuple[Form, tuple[Form, ...]]:
        """What stands above a line, without the factors at its end that are fractions themselves, and those factors.

        So too where numbers stand for them: the lines of a step have one shape.
        """
        factors = over.factors if isinstance(over, Product) else (over,)
        kept = len(factors)
        while kept and self._is_tall(factors[kept - 1]):
            kept -= 1
        return _product_of(factors[:kept]), factors[kept:]

    def _is_tall(self, form: Form) -> bool:
        return isinstance(form, Partial) or (isinstance(form, Element) and r"\frac" in self.symbol(form))

    @pieces.register(Power)
    def _(self, form: Power) -> Pieces:
        exponent, base = self.tex(_sign_first(form.exponent)), self._settled(form.base)
        kinds = (Sum, Negative, Product, Quotient, Power, Summation, SumOver, *self._marked(base))
        raised = f"^{{{exponent}}}" if len(exponent) > 1 else f"^{exponent}"
        return enclosed("", self._bracketed(base, kinds), raised)

    @pieces.register(Call)
    def _(self, form: Call) -> Pieces:
        inner = replace(self, nested=True)
        arguments = ", ".join(inner.tex(_sign_first(one)) for one in form.arguments)
        if form.name in _CONSTANTS:
            return piece(_CONSTANTS[form.name])
        if form.name in _ENCLOSING:
            left, right = _ENCLOSING[form.name]
            return piece(f"{left}{arguments}{right}")
        if form.name in _FENCES:
            return unbroken(fenced(piece(arguments), _FENCES[form.name]))
        sign = _SIGNS.get(form.name, rf"\operatorname{{{form.name}}}")
        if len(form.arguments) == 1 and _is_flat_atom(form.arguments[0], arguments):
            return piece(f"{sign}({arguments})")
        return unbroken(after(sign, fenced(piece(arguments), after_sign=True)))

    def _bracketed(self, form: Form, kinds: tuple[type, ...]) -> Pieces:
        """The form, in brackets where it is one of these kinds or a negative number."""
        form = self._settled(form)
        if isinstance(form, Negative) and self._is_zero(form.body):
            return self.pieces(form)
        if not isinstance(form, kinds) and not self._is_negative(form):
            return self.pieces(form)
        raised = isinstance(form, _ATOMS) and "^" in joined(self.pieces(form))
        return fenced(self._inside().pieces(form), raised=raised)

    def _settled(self, form: Form) -> Form:
        """The branch that the numbers choose, of cases with numbers; any other form as it is."""
        return self.chosen(form) if isinstance(form, Cases) and self.numerals is not None else form

    def _marked(self, form: Form) -> tuple[type, ...]:
        """The form's own kind, where its symbol or number is a fraction or has something above the line already."""
        written = isinstance(form, _ATOMS) or (isinstance(form, Call) and form.name == "exp")
        text = joined(self.pieces(form)) if written else ""
        return (type(form),) if "^" in text or r"\frac" in text else ()

    def _product(self, form: Form) -> tuple[type, ...]:
        """The form's own kind, where its number is printed as a product with a power of ten."""
        return (type(form),) if isinstance(form, _ATOMS) and r"\cdot" in joined(self.pieces(form)) else ()

    def _is_negative(self, form: Form) -> bool:
        if isinstance(form, Number):
            return form.value < 0
        if self.numerals is None or not isinstance(form, (Element, Activated)):
            return False
        return self.numerals(form if isinstance(form, Element) else form.after).negative

    def is_given(self, form: Form) -> bool:
        """Whether it stands for numbers that somebody gave, and that are computed from nothing."""
        name = form.read.name if isinstance(form, Element) else form.name if isinstance(form, Layer) else None
        return name is not None and not self.program.of(name)

    def amount(self, value: Any, digits: int, *, given: bool = False) -> tuple[Pieces, bool]:
        """A result and whether it is printed exactly; rows of results as a matrix."""
        entries, exact = self.entries(value, digits, given=given)
        return (matrix(entries) if isinstance(value, tuple) else entries[0][0]), exact

    def entries(self, value: Any, digits: int, *, given: bool = False) -> tuple[list[list[Pieces]], bool]:
        """Rows of results, of a single one too, and whether all of them are printed exactly."""
        rows = value if isinstance(value, tuple) else ((value,),)
        found = [[result(entry, digits, given=given) for entry in row] for row in rows]
        exact = all(known for row in found for _, known in row)
        return [[numeral(printed) for printed, _ in row] for row in found], exact


_FRACTIONS = tuple(2**power for power in range(1, 11))
"""Denominators of numbers in formulas that are no decimals: a half, a mean over 32 samples."""

_RELATIONS = {"=": "=", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}

_CONSTANTS = {"Pi": r"\pi"}

_ATOMS = (Element, Activated, Number)
"""What is printed as one symbol or one number."""

_SIGNS = {"sign": r"\operatorname{sgn}", "log": r"\ln"} | {
    name: rf"\{name}" for name in ("tanh", "sin", "cos", "max", "min")
}
"""Functions whose arguments stand in brackets, where they are not written upright by their own names."""


def _sign_first(form: Form) -> Form:
    """-(u / v) for (-u) / v, where nothing stands before it: e^{-z^2/2}."""
    if isinstance(form, Quotient) and isinstance(form.over, Negative):
        return Negative(Quotient(form.over.body, form.under))
    return form


_ENCLOSING = {"exp": ("e^{", "}"), "sqrt": (r"\sqrt{", "}")}

_FENCES = {"abs": (r"\lvert", r"\rvert"), "floor": (r"\lfloor", r"\rfloor")}
"""Functions that are written as brackets of their own."""

_MARKS = (*_CONSTANTS, *_ENCLOSING, *_FENCES)
"""What is called and not followed by an argument in brackets, which the next factor would seem to belong to."""

_NOTHING, _ONE = Number(Fraction(0)), Number(Fraction(1))
"""Factors that only a computation leaves beside a symbol, where they would be read as a part of its name."""


def _product_of(factors: tuple[Form, ...]) -> Form:
    """Their product; 1 where there are none."""
    return Product(factors) if len(factors) > 1 else factors[0] if factors else _ONE


def _is_number(form: Form) -> bool:
    """Whether it is a number of the formula itself: 2, or 1/2."""
    if isinstance(form, Quotient):
        return isinstance(form.over, Number) and isinstance(form.under, Number)
    return isinstance(form, Number)


def _is_flat_atom(form: Form, text: str) -> bool:
    """Whether it is one symbol or number, and no fraction."""
    return isinstance(form, _ATOMS) and r"\frac" not in text


def _begins_with_digit(pieces: Pieces) -> bool:
    """Whether it would be read as one number with a number before it: 1 1, 2 1/2."""
    return re.match(r"\d|\\frac\{\d", pieces[0].text) is not None


def _parts(form: Form) -> tuple[Form, ...]:
    """The form's parts, at any depth of sums and products."""
    inner: tuple[Form, ...] = ()
    if isinstance(form, Sum):
        inner = form.terms
    elif isinstance(form, Product):
        inner = form.factors
    elif isinstance(form, Negative):
        inner = (form.body,)
    elif isinstance(form, Power):
        inner = (form.base,)
    return (form, *(part for one in inner for part in _parts(one)))
