"""Where a function bends: which of its slopes is taken, always the same one.

max(0, z) and |z| have slope 0 at 0; max(x[0], x[1]) gives its whole slope to x[0] where both are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import And, Expr, Max, Min, Piecewise, Symbol, sign

from bpsym.calculus.nodes import Read


def without_kinks(expr: Expr, nodes: Mapping[Symbol, Expr]) -> Expr:
    """The expression with cases for Max, Min and sign, so that SymPy takes the slope of a case.

    Equal arguments of Max and Min: a number comes first, then the element that stands first in its tensor.
    `nodes`: what the symbols of the expression stand for.
    """
    if not expr.has(*_CASES):
        return expr
    if expr.func not in _CASES:
        return expr.func(*(without_kinks(part, nodes) for part in expr.args))
    parts = sorted(expr.args, key=lambda part: _place(part.xreplace(nodes)))
    return _CASES[expr.func](parts, [without_kinks(part, nodes) for part in parts])


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


def counted_text(text: str) -> list[tuple[int, str]]:
    """The text cut at its numbers, which are compared as such."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]
