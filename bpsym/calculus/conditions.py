"""Conditions on indices, as terms of a program carry them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Add, Basic, Expr, sympify


class Condition(Basic):  # type: ignore[misc]
    """A condition on indices: `NonNegative(e)`, `Zero(e)` or `Divisible(e, k)`, with e affine."""

    def __new__(cls, *parts: Any) -> Condition:
        made: Condition = Basic.__new__(cls, *(sympify(part, strict=True) for part in parts))
        return made

    def _sympystr(self, printer: Any) -> str:
        return _said(self, printer.doprint)


class NonNegative(Condition):
    """e >= 0"""


class Zero(Condition):
    """e = 0"""


class Divisible(Condition):
    """k divides e"""


def _said(one: Condition, written: Callable[[Any], str]) -> str:
    """As in `i >= 1` for i - 1 >= 0, i <= n - 1 for n - 1 - i >= 0, i = j for i - j = 0."""
    if isinstance(one, Divisible):
        return f"{written(one.args[1])} divides {written(one.args[0])}"
    terms = Add.make_args(one.args[0])
    plus, minus = ([term * sign for term in terms if _is_index(term * sign)] for sign in (1, -1))
    if not plus and not minus:
        plus = list(terms)
    left, factor = (plus, -1) if plus or not minus else (minus, 1)
    right = factor * (one.args[0] + factor * Add(*left))
    relation = "=" if isinstance(one, Zero) else ">=" if factor < 0 else "<="
    return f"{written(Add(*left))} {relation} {written(right)}"


def _is_index(term: Expr) -> bool:
    """Whether the term is a positive multiple of an index (and no size)."""
    sizes = all(symbol.is_positive for symbol in term.free_symbols)
    return not sizes and not term.could_extract_minus_sign()
