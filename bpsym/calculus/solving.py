"""Solving e(i,k) = p for the summed indices i, k, and keeping what the solved ones must still fulfil."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from sympy import Expr, Integer, Symbol

from bpsym.calculus.affine import Affine, Number, affine, box_of, holds, nonnegative
from bpsym.calculus.nodes import Condition, Divisible, Fresh, Index, NonNegative, Zero

Ranges = dict[Symbol, tuple[Affine, Affine]]


@dataclass(frozen=True)
class Solution:
    """The solved indices' values; the ranges still summed over, outermost first; the conditions left.

    `inner` conditions depend on a summed index, `outer` ones do not.
    """

    values: dict[Symbol, Expr]
    ranges: tuple[tuple[Symbol, Expr, Expr], ...]
    inner: tuple[Condition, ...]
    outer: tuple[Condition, ...]


def renamed_apart(indices: tuple[Index, ...]) -> dict[Index, Index]:
    """A fresh index for each, in their bounds too; an index may bound those after it."""
    apart: dict[Index, Index] = {}
    for place, index in enumerate(indices):
        lower, upper = index.lower.xreplace(apart), index.upper.xreplace(apart)
        apart[index] = Fresh(f"{index.name}'{place}", lower=lower, upper=upper)
    return apart


def is_plain(
    at: tuple[Expr, ...],
    places: tuple[Index, ...],
    summed: tuple[Index, ...],
    conditions: tuple[Condition, ...],
) -> bool:
    """Whether T is read at distinct indices that run over all of T: then e = p is a renaming."""
    if conditions or len(set(at)) != len(at):
        return False
    ranges = {index: (index.lower, index.upper) for index in summed}
    free = all(not bound.free_symbols & set(summed) for pair in ranges.values() for bound in pair)
    return free and all(ranges.get(e) == (own.lower, own.upper) for e, own in zip(at, places, strict=True))


def solve(
    at: tuple[Expr, ...],
    places: tuple[Index, ...],
    summed: tuple[Index, ...],
    conditions: Iterable[Condition],
) -> Solution | None:
    """Solve at = places for as many of the summed indices as possible; None where no index value can fulfil it."""
    place_box: Ranges = box_of((index, index.lower, index.upper) for index in places)
    live, guards = _boxed(summed)
    guards = [*guards, *conditions]
    todo = [affine(e) - affine(place) for e, place in zip(at, places, strict=True)]
    values: dict[Symbol, Affine] = {}
    while todo and (choice := _choice(todo, live)):
        number, symbol = choice
        equation = todo.pop(number).whole()
        coefficient = equation.coefficient(symbol)
        rest = (equation - Affine(0, {symbol: coefficient})) * (-1 if coefficient > 0 else 1)
        step = coefficient if coefficient > 0 else -coefficient
        value = rest if step == 1 else rest * _inverse(step)
        lower, upper = live.pop(symbol)
        guards += [_at_least_zero(value - lower), _at_least_zero(upper - value)]
        if value != rest:
            guards.append(Divisible(rest.expr(), Integer(step)))
        todo = [other.put(symbol, value) for other in todo]
        values = {old: known.put(symbol, value) for old, known in values.items()} | {symbol: value}
        guards = [_put(guard, symbol, value) for guard in guards]
    guards += [Zero(left.whole().expr()) for left in todo if left.terms or left.constant]
    return _kept(values, guards, live, place_box)


def _inverse(number: Number) -> Fraction:
    return 1 / Fraction(number)


def _boxed(summed: tuple[Index, ...]) -> tuple[Ranges, list[Condition]]:
    """Ranges that do not depend on each other, and the conditions that make up for it (a triangle in its box)."""
    box: Ranges = {}
    guards: list[Condition] = []
    for index in summed:
        lower, upper = affine(index.lower), affine(index.upper)
        least, most = _extreme(lower, box, 0), _extreme(upper, box, 1)
        guards += [_at_least_zero(Affine(0, {index: 1}) - lower)] if least != lower else []
        guards += [_at_least_zero(upper - Affine(0, {index: 1}))] if most != upper else []
        box[index] = (least, most)
    return box, guards


def _extreme(value: Affine, box: Ranges, end: int) -> Affine:
    """The least (end 0) or greatest (end 1) value over the box, as an expression in sizes."""
    for symbol in reversed(list(box)):
        coefficient = value.coefficient(symbol)
        if coefficient:
            value = value.put(symbol, box[symbol][end if coefficient > 0 else 1 - end])
    return value


def _choice(todo: list[Affine], live: Ranges) -> tuple[int, Symbol] | None:
    """Which equation to solve for which index: coefficient 1 or -1 first, then the fewest other indices."""
    options = [
        (
            abs(equation.coefficient(symbol)) != 1,
            sum(other in live for other in equation.terms),
            number,
            place,
        )
        for number, equation in enumerate(todo)
        for place, symbol in enumerate(live)
        if equation.coefficient(symbol)
    ]
    if not options:
        return None
    *_, number, place = min(options)
    return number, list(live)[place]


def _at_least_zero(value: Affine) -> Condition:
    return NonNegative(value.whole().expr())


def _put(guard: Condition, symbol: Symbol, value: Affine) -> Condition:
    before = affine(guard.args[0])
    after = before.put(symbol, value)
    if after is before:
        return guard
    whole = after.whole()
    if isinstance(guard, Divisible):
        factor = next((Fraction(w, a) for w, a in _pairs(whole, after) if a), Fraction(1))
        return Divisible(whole.expr(), Integer(int(guard.args[1] * factor)))
    put: Condition = guard.func(whole.expr())
    return put


def _pairs(whole: Affine, part: Affine) -> list[tuple[Fraction, Fraction]]:
    pairs = [(whole.terms[symbol], coefficient) for symbol, coefficient in part.terms.items()]
    return [(Fraction(w), Fraction(p)) for w, p in (*pairs, (whole.constant, part.constant))]


def _kept(
    values: dict[Symbol, Affine], guards: list[Condition], live: Ranges, place_box: Ranges
) -> Solution | None:
    """Drop the conditions that always hold; let those on one summed index narrow its range; sort the others."""
    for guard in list(guards):
        known = holds(guard, {**place_box, **live})
        if known is False:
            return None
        if known:
            guards.remove(guard)
    guards = [guard for guard in guards if not _narrows(guard, live, place_box)]
    inner = tuple(guard for guard in guards if guard.free_symbols & set(live))
    return Solution(
        {symbol: value.expr() for symbol, value in values.items()},
        tuple((symbol, lower.expr(), upper.expr()) for symbol, (lower, upper) in live.items()),
        inner,
        tuple(guard for guard in guards if guard not in inner),
    )


def _narrows(guard: Condition, live: Ranges, place_box: Ranges) -> bool:
    """Turn `symbol >= bound` or `symbol <= bound` into a limit of the sum, where one limit implies the other."""
    if not isinstance(guard, NonNegative):
        return False
    value = affine(guard.args[0])
    symbols = [symbol for symbol in live if value.coefficient(symbol)]
    if len(symbols) != 1 or abs(value.coefficient(symbols[0])) != 1:
        return False
    (symbol,) = symbols
    sign = value.coefficient(symbol)
    bound = (value - Affine(0, {symbol: sign})) * -sign
    lower, upper = live[symbol]
    if sign > 0 and nonnegative(bound - lower, place_box):
        live[symbol] = (bound, upper)
        return True
    if sign < 0 and nonnegative(upper - bound, place_box):
        live[symbol] = (lower, bound)
        return True
    return nonnegative((lower - bound) if sign > 0 else (bound - upper), place_box)
