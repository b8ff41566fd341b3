"""Conditions as parts of ranges, and terms as sums of guarded ones: against every point, tried one by one."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr, Integer

from bpsym.calculus.affine import affine
from bpsym.calculus.domains import (
    back,
    canonical,
    conditions_of,
    domain,
    indices_in,
    open_conditions,
    part,
    settled,
    terms,
)
from bpsym.calculus.nodes import (
    Condition,
    Divisible,
    Guard,
    Index,
    IndexSum,
    NonNegative,
    Read,
    Zero,
    sum_over,
)
from bpsym.calculus.points import fulfilled, number_at, points

I, K = Index("i", lower=-1, upper=4), Index("k", lower=0, upper=5)
T = Index("t", lower=0, upper=3)
BOX = [{I: i, K: k, T: t} for i, k, t in product(range(-1, 5), range(6), range(4))]
SMALL = st.integers(-3, 3)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """A condition on some of i, k and t."""
    value = sum((draw(SMALL) * index for index in (I, K, T)), Integer(draw(st.integers(-4, 4))))
    kind = draw(st.sampled_from([NonNegative, NonNegative, Zero, Divisible]))
    return kind(value, Integer(draw(st.integers(2, 4)))) if kind is Divisible else kind(value)


@st.composite
def conditions_on(draw: st.DrawFn, *indices: Index) -> Condition:
    one = draw(conditions())
    others = {index: Integer(0) for index in (I, K, T) if index not in indices}
    return one.xreplace(others)


def all_hold(found: Any, point: dict[Any, int]) -> bool:
    return all(fulfilled(one, point) for one in found)


@given(conditions())
def test_a_condition_in_its_lowest_terms_holds_where_it_did(one: Condition) -> None:
    assert [fulfilled(canonical(one), point) for point in BOX] == [fulfilled(one, point) for point in BOX]


@given(st.lists(conditions(), max_size=3))
def test_only_what_holds_everywhere_is_left_out(found: list[Condition]) -> None:
    left = open_conditions(found)
    for point in BOX:
        assert (left is not None and all_hold(left, point)) == all_hold(found, point)


@given(st.lists(conditions_on(K, T), min_size=1, max_size=3))
def test_a_part_of_a_range_and_what_is_left_are_the_points_that_meet_the_conditions(
    found: list[Condition],
) -> None:
    """With t a number: the part may have t in its ends."""
    own = [one for one in found if K in one.free_symbols]
    some = part(K, own)
    for t in range(4):
        expected = [k for k in range(6) if all_hold(own, {K: k, T: t})]
        assert sorted(reached(some, t)) == expected


def test_a_stride_starts_at_the_first_value_that_it_meets() -> None:
    assert reached(part(K, [Divisible(K - 1, Integer(2))]), 0) == [1, 3, 5]
    assert reached(part(K, [Divisible(K - 1, Integer(2)), NonNegative(K - 2)]), 0) == [3, 5]


def reached(some: Any, t: int) -> list[int]:
    """The values of k in the part, where what is left of the conditions holds."""
    if some is None:
        return []
    inner = indices_in(some.image.free_symbols, {T})
    ranges = tuple((index, index.lower, index.upper) for index in inner)
    found = [{**point, K: int(number_at(affine(some.image), point))} for point in points(ranges, {T: t})]
    return [point[K] for point in found if all_hold(some.left, point)]


@given(st.lists(conditions_on(I, K), max_size=3))
def test_a_domain_and_what_is_left_are_the_points_that_meet_the_conditions(found: list[Condition]) -> None:
    some = domain(found, (I, K))
    expected = sorted((p[I], p[K]) for p in BOX if p[T] == 0 and all_hold(found, p))
    if some is None:
        assert expected == []
        return
    inner = indices_in(symbol for image in some.images.values() for symbol in image.free_symbols)
    ranges = tuple((index, index.lower, index.upper) for index in inner)
    at = [
        tuple(int(number_at(affine(some.images[axis]), point)) for axis in (I, K))
        for point in points(ranges, {})
        if all_hold(some.left, point)
    ]
    assert sorted(at) == expected


@given(st.lists(conditions_on(K), max_size=3))
def test_the_conditions_of_a_part_say_what_is_in_it(found: list[Condition]) -> None:
    some = part(K, [one for one in found if K in one.free_symbols])
    if some is None:
        return
    said = [back(one, {K: some.image}) for one in conditions_of(K, some.image)]
    assert [k for k in range(6) if all_hold(said, {K: k})] == sorted(reached(some, 0))


def weigh(expr: Any, point: dict[Any, int]) -> Fraction:
    """The value of sums, products and guards by their definition; x[e] is 1 + e + e^2 / 10."""
    if isinstance(expr, Read):
        (at,) = (number_at(affine(place), point) for place in expr.at)
        return 1 + Fraction(at) + Fraction(at) ** 2 / 10
    if isinstance(expr, Guard):
        return weigh(expr.body, point) if all_hold(expr.conditions, point) else Fraction(0)
    if isinstance(expr, IndexSum):
        index, body = expr.opened("bound")
        ends = (int(number_at(affine(end), point)) for end in (expr.lower, expr.upper))
        lower, upper = ends
        return sum((weigh(body, {**point, index: value}) for value in range(lower, upper + 1)), Fraction(0))
    if expr.is_Add:
        return sum((weigh(one, point) for one in expr.args), Fraction(0))
    if expr.is_Pow:
        return weigh(expr.base, point) ** int(expr.exp)
    if expr.is_Mul:
        left, right = expr.as_two_terms()
        return weigh(left, point) * weigh(right, point)
    return Fraction(int(number_at(affine(expr), point)))


@st.composite
def expressions(draw: st.DrawFn) -> Expr:
    """A sum of two guarded sums of products over k, some over a triangle."""
    total: Any = Integer(0)
    for _ in range(2):
        run = draw(st.sampled_from([K, Index("k", lower=0, upper=T), Index("k", lower=T - 1, upper=4)]))
        factors = [
            Guard(
                Read("x", draw(SMALL) * run + draw(SMALL) * T),
                *draw(st.lists(conditions_on(K, T), max_size=2)),
            )
            for _ in range(2)
        ]
        body = (factors[0] ** draw(st.integers(1, 2)) * factors[1]).xreplace({K: run})
        total += sum_over(Guard(body, *draw(st.lists(conditions_on(T), max_size=1))), run)
    return total


@given(expressions(), st.booleans())
def test_terms_add_up_to_the_expression_whether_an_index_is_fixed_or_not(expr: Expr, fixed: bool) -> None:
    known = frozenset({T} if fixed else ())
    for t in range(4):
        point = {T: t}
        assert weigh(settled(expr, known), point) == weigh(expr, point)
        added = sum(weigh(body, point) for some, body in terms(expr, known) if all_hold(some, point))
        assert added == weigh(expr, point)


@pytest.mark.parametrize("fixed", [frozenset(), frozenset({T})])
def test_a_condition_that_is_no_limit_stays_in_the_sum(fixed: Any) -> None:
    """2 k <= t: half of t is no limit of k."""
    value = sum_over(Guard(Read("x", K), NonNegative(T - 2 * K)), K)
    assert all(weigh(settled(value, fixed), {T: t}) == weigh(value, {T: t}) for t in range(4))


@pytest.mark.parametrize("fixed", [frozenset(), frozenset({T})])
def test_a_sum_over_no_value_counts_none(fixed: Any) -> None:
    """k <= t - 3 has no value at t = 0, not minus two."""
    value = sum_over(Guard(Read("x", T), NonNegative(T - 3 - K)), K)
    assert all(weigh(settled(value, fixed), {T: t}) == weigh(value, {T: t}) for t in range(4))
