"""Where a formula of somebody's own bends: |u|, or sqrt(u**2), where u = 0, max(u, v) and min(u, v) where u = v."""

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

HALF = Fraction(1, 2)

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
    found = (_tie(node) for node in _in_order(formula.tree))
    return tuple(one for one in found if one is not None and _depends(one))


def _depends(tie: Tie) -> bool:
    """Whether it is not between two numbers, as in abs(2)."""
    return not (_is_number(tie.left.tree) and _is_number(tie.right.tree))


def _in_order(node: ast.AST) -> list[ast.AST]:
    return [node, *(one for child in ast.iter_child_nodes(node) for one in _in_order(child))]


def _called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _tie(node: Any) -> Tie | None:
    root = _root_of_square(node)
    if root is not None:
        return _named(node, root, _ZERO, _ZERO)
    if _called(node) not in _ARGUMENTS:
        return None
    left, right = (*node.args, _ZERO)[:2]
    is_right = _called(node) == "abs" or (_is_number(right) and not _is_number(left))
    return _named(node, left, right, right if is_right else left)


def _named(*nodes: Any) -> Tie:
    return Tie(*(Formula(ast.unparse(node), node) for node in nodes))


def _root_of_square(node: Any) -> ast.expr | None:
    """u, where the node is sqrt(u**2) or (u**2)**0.5, which are |u|."""
    match node:
        case ast.Call(func=ast.Name(id="sqrt"), args=[inner]):
            return _squared(inner)
        case ast.BinOp(left=inner, op=ast.Pow(), right=ast.Constant(value=exponent)) if exponent == HALF:
            return _squared(inner)
    return None


def _squared(node: Any) -> ast.expr | None:
    match node:
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=2)):
            return base
        case ast.BinOp(left=base, op=ast.Mult(), right=other) if ast.dump(base) == ast.dump(other):
            return base
    return None


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
