"""Arithmetic with cases: c * {a; b} is {c a; c b}, the cases outside and one expression for each."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from sympy import Add, Expr, Mul, Piecewise, Rational, false, sign, true
from sympy.core.relational import Ge, Gt, Le, Lt

from bpsym.calculus.functions import Abs, Max, Min
from bpsym.calculus.nodes import Binder, Guard, Read

MOST_TESTS = 3
"""With more tests of the same elements than this, cases stay where they stand."""


def with_cases_outside(expr: Any) -> Any:
    """An equal expression, for every value, with as few cases as there are, and |x| for x sgn(x).

    What depends on other elements than the tests stays outside: w {a; b} is no {w a; w b}.
    """
    if expr.has(Binder, Guard) or not expr.has(Piecewise, sign):
        return expr
    plain = _without_signs(expr)
    return _outside(plain.xreplace({one: _solved(one) for one in _tests(plain)}))


def _outside(expr: Any) -> Any:
    tests = _tests(expr)
    if not tests or not all(isinstance(one, (Ge, Gt, Le, Lt)) for one in tests):
        return expr
    if len(tests) <= MOST_TESTS and all(expr.atoms(Read) <= one.atoms(Read) for one in tests):
        return _split(expr)
    if isinstance(expr, Mul):
        return _product(expr)
    return Add(*map(_outside, expr.args)) if isinstance(expr, Add) else expr


def _product(expr: Mul) -> Expr:
    """Each group of factors with cases of the same elements, and with them what depends on these alone."""
    left = list(expr.args)
    groups = []
    for tested in dict.fromkeys(frozenset(one.atoms(Read)) for one in _tests(expr)):
        inside = [factor for factor in left if factor.atoms(Read) <= tested]
        if any(factor.has(Piecewise) for factor in inside):
            left = [factor for factor in left if factor not in inside]
            groups.append(Mul(*inside))
    parts = [_outside(one) if one != expr else one for one in groups]
    return Mul(*left, *parts, evaluate=False) if left else Mul(*parts)


def _split(expr: Any, known: tuple[Any, ...] = ()) -> Any:
    """Cases by the first test, and in each branch by those that are left; known: what holds already."""
    tests = _tests(expr)
    if not tests:
        return expr
    first = tests[0]
    yes, no = (
        _split(_decided((*known, test), expr.xreplace({test: true, test.negated: false})), (*known, test))
        for test in (first, first.negated)
    )
    if yes == no:
        return yes
    if yes.has(Piecewise) and not no.has(Piecewise):
        return Piecewise((no, first.negated), (yes, True))
    return Piecewise((yes, first), (no, True))


def _decided(tests: tuple[Any, ...], expr: Any) -> Any:
    """The expression with u for max(u, v), and v for min(u, v), where the tests say that u is the greater."""
    positive = [_primitive(test.gts - test.lts) for test in tests]
    decided = {
        one: greater if isinstance(one, Max) else less
        for one in sorted(expr.atoms(Max, Min), key=str)
        for greater, less in permutations(one.args, 2)
        if len(one.args) == 2 and _primitive(greater - less) in positive
    }
    return _decided(tests, expr.xreplace(decided)) if decided else expr


def _primitive(expr: Expr) -> Expr:
    """The expression without a rational factor above 0."""
    return expr.expand().as_content_primitive()[1]


def _tests(expr: Any) -> list[Any]:
    """What the expression's cases depend on, in an order of its own."""
    found = {test for one in expr.atoms(Piecewise) for _, test in one.args if test not in (true, false)}
    return sorted(found, key=str)


def _solved(test: Any) -> Any:
    """The same test of a single element, for it: z >= 0 for z >= z/10, z <= 1 for max(z, -1) <= 1."""
    if not isinstance(test, (Ge, Gt, Le, Lt)):
        return test
    decided = _DECIDED.get((type(test), type(test.lhs)))
    if decided is not None:
        rest = [one for one in test.lhs.args if test.func(one, test.rhs) != decided]
        return _solved(test.func(rest[0], test.rhs)) if len(rest) == 1 else test
    difference = test.lhs - test.rhs
    reads = list(difference.atoms(Read))
    factor = difference.coeff(reads[0]) if len(reads) == 1 else Rational(0)
    if not factor.is_Rational or factor == 0:
        return test
    bound = reads[0] - difference / factor
    return (test.func if factor > 0 else test.reversed.func)(reads[0], bound) if bound.is_Rational else test


_DECIDED: dict[Any, Any] = {
    (Le, Max): true, (Lt, Max): true, (Ge, Min): true, (Gt, Min): true,
    (Le, Min): false, (Lt, Min): false, (Ge, Max): false, (Gt, Max): false,
}  # fmt: skip
"""What counts for nothing in a test of the greater or lesser of two: a true one of both, a false one of either."""


def _without_signs(expr: Any) -> Any:
    """The expression with |x| for x sgn(x), also at 0."""
    return expr.replace(lambda one: isinstance(one, Mul) and one.has(sign), _of_size)


def _of_size(product: Mul) -> Expr:
    factors = list(product.args)
    for one in product.args:
        if isinstance(one, sign) and one.args[0] in factors:
            factors.remove(one)
            factors.remove(one.args[0])
            factors.append(Abs(one.args[0]))
    return Mul(*factors)


__all__ = ["with_cases_outside"]
