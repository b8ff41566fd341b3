"""Reads in the place of what a tensor's equation computes already.

a[s,i] = exp(z[s,i]) / sum_j exp(z[s,j])
dz[s,i] = exp(z[s,i]) / sum_j exp(z[s,j]) - t[s,i]   becomes   dz[s,i] = a[s,i] - t[s,i]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Add, Expr, Integer, Mul, Pow, Symbol, exp

from bpsym.calculus.equations import Equation, Program
from bpsym.calculus.nodes import Binder, Condition, Index, IndexSum, Read

Binding = dict[Symbol, Expr]


def recognised(program: Program) -> Program:
    """The program with reads of a tensor for its right-hand side, wherever that stands in an adjoint's equation."""
    known = known_equations(program)
    return Program(
        program.inputs,
        tuple(
            replace(one, value=with_reads(one.value, known)) if one.tensor.is_adjoint else one
            for one in program.equations
        ),
    )


def known_equations(program: Program) -> list[Equation]:
    """The equations whose right-hand sides are looked for."""
    return [one for one in program.equations if _can_be_met(one)]


def _can_be_met(one: Equation) -> bool:
    """Whether it defines a whole tensor, by more than a sum or another tensor's element."""
    plain = isinstance(one.value, (Read, Add, IndexSum)) or not one.value.has(Read)
    return not plain and not one.tensor.is_adjoint and one.at == one.tensor.indices


def with_reads(expr: Any, known: Sequence[Equation]) -> Any:
    """The expression with a read for each part that is the right-hand side of a known equation."""
    if not expr.args or isinstance(expr, (Read, Condition)):
        return expr
    if isinstance(expr, Binder):
        return expr.with_body(lambda body: with_reads(body, known))
    expr = expr.func(*(with_reads(part, known) for part in expr.args))
    for one in known:
        expr = _with_read(expr, one)
    return expr


def _with_read(expr: Any, known: Equation) -> Any:
    """The expression with the read as often as the factors of the right-hand side are among its factors."""
    pattern, left = factors(known.value), factors(expr)
    found: list[Expr] = []
    while True:
        match = next(_chosen(pattern, left, {}, frozenset(known.indices)), None)
        if match is None or not set(known.indices) <= match[0].keys():
            return Mul(*left, *found) if found else expr
        binding, left = match
        found.append(known.target.xreplace(binding))


def factors(expr: Any) -> list[Expr]:
    """The factors of a product, powers and exponentials of sums taken apart: x**-2 exp(u + v) has four."""
    return [factor for one in Mul.make_args(expr) for factor in _taken_apart(one)]


def _taken_apart(expr: Any) -> list[Expr]:
    if isinstance(expr, Pow) and isinstance(expr.exp, Integer) and abs(expr.exp) <= _MOST:
        sign = 1 if expr.exp > 0 else -1
        return [Pow(expr.base, sign)] * abs(int(expr.exp))
    if isinstance(expr, exp):
        return [factor for term in Add.make_args(expr.args[0]) for factor in _exponential(term)]
    return [expr]


_MOST = 8
"""The highest power that is taken apart."""


def _exponential(term: Expr) -> list[Expr]:
    count, rest = term.as_coeff_Mul()
    if isinstance(count, Integer) and 1 < count <= _MOST and rest != 1:
        return [exp(rest)] * int(count)
    return [exp(term)]


def _chosen(
    pattern: list[Expr], among: list[Expr], binding: Binding, free: frozenset[Symbol]
) -> Iterator[tuple[Binding, list[Expr]]]:
    """Each way to find the pattern's factors among others: what its free indices are, and the factors left."""
    if not pattern:
        yield binding, among
        return
    first, *rest = pattern
    for place, candidate in enumerate(among):
        for found in matches(first, candidate, binding, free):
            yield from _chosen(rest, among[:place] + among[place + 1 :], found, free)


def matches(pattern: Any, expr: Any, binding: Binding, free: frozenset[Symbol]) -> Iterator[Binding]:
    """Each choice of the free indices that makes the pattern equal to the expression."""
    if pattern in free:
        if binding.get(pattern, expr) == expr:
            yield binding | {pattern: expr}
    elif pattern == expr and not (isinstance(pattern, Read) or pattern.has(Read)):
        yield binding
    elif pattern.func == expr.func and len(pattern.args) == len(expr.args) and pattern.args:
        if isinstance(pattern, Binder):
            yield from _matching_bodies(pattern, expr, binding, free)
        elif isinstance(pattern, (Add, Mul)):
            for found, _ in _chosen(list(pattern.args), list(expr.args), binding, free):
                yield found
        else:
            yield from _matching_in_turn(pattern.args, expr.args, binding, free)


def _matching_bodies(
    one: Binder, other: Binder, binding: Binding, free: frozenset[Symbol]
) -> Iterator[Binding]:
    index = Index(f"'{max(one.height, other.height)}#", lower=0, upper=0)
    parts = (one.open(index), *one.args[2:]), (other.open(index), *other.args[2:])
    yield from _matching_in_turn(*parts, binding, free)


def _matching_in_turn(
    patterns: Sequence[Any], exprs: Sequence[Any], binding: Binding, free: frozenset[Symbol]
) -> Iterator[Binding]:
    if not patterns:
        yield binding
        return
    for found in matches(patterns[0], exprs[0], binding, free):
        yield from _matching_in_turn(patterns[1:], exprs[1:], found, free)


__all__ = ["factors", "known_equations", "matches", "recognised", "with_reads"]
