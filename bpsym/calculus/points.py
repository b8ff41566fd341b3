"""Index values one by one: where something is wrong is said with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from sympy import Symbol

from bpsym.calculus.affine import Affine, Number, affine
from bpsym.calculus.nodes import Condition, Divisible, NonNegative
from bpsym.calculus.tensors import Access, Ranges

Point = dict[Symbol, int]


def number_at(value: Affine, point: Mapping[Symbol, int]) -> Number:
    """The value at the point, which has a number for each of its symbols (KeyError names another)."""
    return value.constant + sum(c * point[symbol] for symbol, c in value.terms.items())


def fulfilled(condition: Condition, point: Mapping[Symbol, int]) -> bool:
    """Whether the condition holds at the point."""
    value = number_at(affine(condition.args[0]), point)
    if isinstance(condition, NonNegative):
        return value >= 0
    return value % int(condition.args[1]) == 0 if isinstance(condition, Divisible) else value == 0


def points(ranges: Ranges, start: Mapping[Symbol, int]) -> Iterator[Point]:
    """Every point of the ranges, lowest first, with the values of `start` added."""
    if not ranges:
        yield dict(start)
        return
    (symbol, lower, upper), *others = ranges
    first, last = (int(number_at(affine(bound), start)) for bound in (lower, upper))
    for value in [start[symbol]] if symbol in start else range(first, last + 1):
        if first <= value <= last:
            yield from points(tuple(others), {**start, symbol: value})


def reached(access: Access, start: Mapping[Symbol, int]) -> Iterator[Point]:
    """The points at which the read is made."""
    for point in points(access.ranges, start):
        if all(fulfilled(one, point) for one in access.conditions):
            yield point


def instances(sizes: Iterable[Symbol]) -> Iterator[Point]:
    """Small numbers for the sizes, the same one for all if there are many; one empty point if there are none."""
    names = sorted(sizes, key=str)
    if len(names) > 3:
        return (dict.fromkeys(names, number) for number in range(1, 5))
    numbers = sorted(product(range(1, 5), repeat=len(names)), key=sum)
    return (dict(zip(names, some, strict=True)) for some in numbers)


def shown(point: Mapping[Symbol, object]) -> str:
    """As in `i = 2, j = 0`."""
    return ", ".join(f"{symbol} = {value}" for symbol, value in point.items())
