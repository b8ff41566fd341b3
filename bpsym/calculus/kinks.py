"""Where a function bends: which of its slopes is taken, always the same one.

max(0, z) and |z| have slope 0 at 0; max(x[0], x[1]) gives its whole slope to x[0] where both are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr, Max, Min, Piecewise, S, Symbol, sign

from bpsym.calculus.nodes import Read, first_greatest

Order = Callable[[Expr], Any]


def without_kinks(expr: Expr, nodes: Mapping[Symbol, Expr]) -> Expr:
    """The expression with cases for Max, Min and sign, so that SymPy takes the slope of a case.

    Equal arguments of Max and Min: a number comes first, then the element that stands first in its tensor.
    `nodes`: what the symbols of the expression stand for.
    """
    if not expr.has(*_CASES):
        return expr
    parts = [without_kinks(part, nodes) for part in expr.args]
    if expr.func in _CASES:
        return _CASES[expr.func](sorted(parts, key=lambda part: _place(part.xreplace(nodes))))
    return expr.func(*parts)


_CASES: dict[Any, Callable[[list[Expr]], Expr]] = {
    Max: lambda parts: first_greatest(parts, parts),
    Min: lambda parts: first_greatest([-part for part in parts], parts),
    sign: lambda parts: Piecewise((S.One, parts[0] > 0), (S.NegativeOne, parts[0] < 0), (S.Zero, True)),
}


def _place(expr: Expr) -> tuple[Any, ...]:
    """Where the expression's reads stand: x[2 i] before x[2 i + 1], `x[2]` before `x[10]`, numbers before all."""
    return sorted(map(_read_place, expr.atoms(Read))), _counted(str(expr))


def _read_place(read: Read) -> tuple[Any, ...]:
    offsets = [at.as_coeff_Add() for at in read.at]
    return _counted(read.name), [(_counted(str(rest)), int(offset)) for offset, rest in offsets]


def _counted(text: str) -> list[tuple[int, str]]:
    """The text cut at its numbers, which are compared as such."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]
