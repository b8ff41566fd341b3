"""Where a function bends: which of its slopes is taken, always the same one.

max(0, z) and |z| have slope 0 at 0; max(x[0], x[1]) gives its whole slope to x[0] where both are equal, and so does
max(x[i], x[3-i]) to x[i] for i <= 1, to x[3-i] for i >= 2. Of expressions with more than one read each, the order in
which they are written with indices decides: their ties may go elsewhere when the indices are written out as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from sympy import Add, And, Dummy, Expr, Max, Min, Piecewise, S, Symbol, sign

from bpsym.calculus.affine import Affine, affine
from bpsym.calculus.nodes import Binder, Guard, NonNegative, Read, Zero, outermost


def without_kinks(expr: Expr, nodes: dict[Symbol, Expr]) -> Expr:
    """The expression with cases for Max, Min and sign, so that SymPy takes the slope of a case.

    Equal arguments of Max and Min: a number comes first, then the element that stands first in its tensor.
    `nodes`: what the symbols of the expression stand for; a symbol is added for each condition on indices.
    """
    if not expr.has(*_CASES):
        return expr
    if expr.func not in _CASES:
        return expr.func(*(without_kinks(part, nodes) for part in expr.args))
    parts = sorted(expr.args, key=lambda part: _place(part.xreplace(nodes)))
    values = {part: without_kinks(part, nodes) for part in parts}
    return Add(
        *(
            weight * _CASES[expr.func](order, [values[part] for part in order])
            for weight, order in _orders(parts, nodes)
        )
    )


# Who comes first -------------------------------------------------------------------------------------------------


def _orders(parts: Sequence[Expr], nodes: dict[Symbol, Expr]) -> list[tuple[Expr, list[Expr]]]:
    """The orders in which the parts may stand, each with 1 where the indices are such that they do, else 0."""
    orders: list[tuple[Expr, list[Expr]]] = [(S.One, [])]
    for part in parts:
        orders = [one for weight, order in orders for one in _inserted(part, weight, order, nodes)]
    return orders


def _inserted(
    part: Expr, weight: Expr, order: list[Expr], nodes: dict[Symbol, Expr]
) -> Iterator[tuple[Expr, list[Expr]]]:
    """The part before the first of the others before which it stands, else behind all."""
    for place, other in enumerate(order):
        before = _before(part.xreplace(nodes), other.xreplace(nodes))
        if before != 0:
            known = before if before == 1 else Dummy("before", real=True)
            nodes |= {} if before == 1 else {known: before}
            yield weight * known, [*order[:place], part, *order[place:]]
            weight *= 1 - known
    if weight != 0:
        yield weight, [*order, part]


def _before(part: Expr, other: Expr) -> Expr:
    """1 where the one element that the part reads stands before that of the other, in the same tensor; else 0."""
    reads = [list(outermost(one, (Read, Binder))) for one in (part, other)]
    if any(len(found) != 1 or isinstance(found[0], Binder) for found in reads):
        return S.Zero
    (one,), (two,) = reads
    if one.name != two.name:
        return S.Zero
    return _positive([affine(there) - affine(here) for here, there in zip(one.at, two.at, strict=True)])


def _positive(differences: list[Affine]) -> Expr:
    """1 where the first of the differences that is not 0 is greater than 0, else 0."""
    if not differences:
        return S.Zero
    first, *others = differences
    difference = first.whole().expr()
    return Guard(S.One, NonNegative(difference - 1)) + Guard(_positive(others), Zero(difference))


# What is taken ---------------------------------------------------------------------------------------------------


def _first(parts: Sequence[Expr], values: Sequence[Expr], sign: int) -> Expr:
    """The value of the first part that is greatest (sign 1) or least (-1)."""
    cases = [
        (value, And(*(part * sign >= other * sign for other in parts[place:])))
        for place, (part, value) in enumerate(zip(parts, values, strict=True), start=1)
    ]
    return Piecewise(*cases[:-1], (values[-1], True))


_CASES: dict[Any, Callable[[Sequence[Expr], Sequence[Expr]], Expr]] = {
    Max: lambda parts, values: _first(parts, values, 1),
    Min: lambda parts, values: _first(parts, values, -1),
    sign: lambda parts, _: Piecewise((1, parts[0] > 0), (-1, parts[0] < 0), (0, True)),
}


def _place(expr: Expr) -> tuple[Any, ...]:
    """Where the expression's reads stand: x[2 i] before x[2 i + 1], `x[2]` before `x[10]`, numbers before all."""
    return sorted(map(_read_place, expr.atoms(Read))), counted_text(str(expr))


def _read_place(read: Read) -> tuple[Any, ...]:
    offsets = [at.as_coeff_Add() for at in read.at]
    return counted_text(read.name), [(counted_text(str(rest)), int(offset)) for offset, rest in offsets]


@lru_cache(maxsize=1024)
def counted_text(text: str) -> tuple[tuple[int, str], ...]:
    """The text cut at its numbers, which are compared as such; `x[1]` stands before `x1[0]`, as x does before x1."""
    parts = re.split(r"(\d+|\[)", text)
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
