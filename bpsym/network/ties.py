"""Where a formula of somebody's own bends: |u| where u = 0, max(u, v) and min(u, v) where u = v."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf
from typing import Any

from bpsym.network.expressions import Formula, to_sympy

MOST_CHOICES = 64
"""Of a formula with more choices between the arguments of its functions, the places are not looked for."""

HIGHEST = 10
"""Of a polynomial of a higher degree than this, zeros are not looked for."""

_ZERO = ast.Constant(0)


@dataclass(frozen=True)
class Tie:
    """`call` has two slopes where left = right; it is that of `taken` which counts there."""

    call: Formula
    left: Formula
    right: Formula
    taken: Formula


def ties(formula: Formula) -> tuple[Tie, ...]:
    """Those of the formula, in the order of the text."""
    nodes = [node for node in _in_order(formula.tree) if _called(node) in _ARGUMENTS]
    return tuple(_tie(node) for node in nodes)


def _in_order(node: ast.AST) -> list[ast.AST]:
    return [node, *(one for child in ast.iter_child_nodes(node) for one in _in_order(child))]


def _called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _tie(call: Any) -> Tie:
    left, right = (*call.args, _ZERO)[:2]
    taken = right if _called(call) == "abs" or (_is_number(right) and not _is_number(left)) else left
    return Tie(*(Formula(ast.unparse(node), node) for node in (call, left, right, taken)))


def _is_number(node: ast.expr) -> bool:
    """Whether SymPy sees a number in it, whatever its names are."""
    return bool(_worked_out(Formula(ast.unparse(node), node), {}).is_number)


def _worked_out(formula: Formula, known: Mapping[str, Any]) -> Any:
    from sympy import Dummy

    names = {node.id for node in _in_order(formula.tree) if isinstance(node, ast.Name)}
    return to_sympy(formula, {name: Dummy(name, real=True) for name in sorted(names)} | dict(known))


_ARGUMENTS: dict[str, Any] = {
    "abs": lambda u: (u, -u),
    "max": lambda u, v: (u, v),
    "min": lambda u, v: (u, v),
}
"""What a function that bends is equal to, on one side of the bend and on the other."""


def places(tie: Tie, unknown: str, others: Mapping[str, Fraction]) -> tuple[Fraction, ...] | None:
    """Candidates for the values of the unknown at which left = right; None where they are not known exactly.

    others: the numbers of the other names.
    """
    from sympy import Dummy, Rational

    x = Dummy(real=True)
    names = {name: Rational(one.numerator, one.denominator) for name, one in others.items()} | {unknown: x}
    choices = _choices(_worked_out(tie.left, names) - _worked_out(tie.right, names))
    if len(choices) > MOST_CHOICES:
        return None
    found = [_roots(choice, x) for choice in choices]
    if any(one is None for one in found):
        return None
    return tuple(sorted({root for one in found if one is not None for root in one}))


def _choices(expr: Any) -> list[Any]:
    """The expression without functions that bend, for each choice between the arguments of each of them."""
    if not expr.args:
        return [expr]
    found: list[Any] = []
    for parts in product(*map(_choices, expr.args)):
        arguments = _ARGUMENTS.get(type(expr).__name__.lower())
        found += arguments(*parts) if arguments else [expr.func(*parts)]
        if len(found) > MOST_CHOICES:
            break
    return found


def _degree(expr: Any, x: Any) -> float:
    """The highest power of x that the numerator can have; infinite where there is more than quotients of powers."""
    if expr == x or expr.is_Rational:
        return int(expr == x)
    if expr.is_Pow and expr.exp.is_Integer:
        return abs(int(expr.exp)) * _degree(expr.base, x)
    return sum(_degree(part, x) for part in expr.args) if expr.is_Add or expr.is_Mul else inf


def _roots(expr: Any, x: Any) -> tuple[Fraction, ...] | None:
    """The real zeros of a quotient of polynomials that are not too long, if all of them are rational."""
    from sympy import Poly, together

    if _degree(expr, x) > HIGHEST:
        return None
    numerator = together(expr).as_numer_denom()[0]
    if numerator.is_number:
        return ()
    polynomial = Poly(numerator, x)
    roots = sorted(polynomial.ground_roots())
    return tuple(Fraction(one.p, one.q) for one in roots) if len(roots) == polynomial.count_roots() else None


__all__ = ["Tie", "places", "ties"]
