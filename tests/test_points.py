"""Index values one by one: the witness of what is said with numbers is a plain loop."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Eq, Integer

from bpsym.calculus.affine import affine
from bpsym.calculus.nodes import Divisible, Guard, Index, NonNegative, Read, Zero, size, sum_over
from bpsym.calculus.points import fulfilled, instances, number_at, points, reached, shown
from bpsym.calculus.tensors import Equation, Tensor

I, J, N, M = Index("i", 4), Index("j", lower=-1, upper=3), size("n"), size("m")
SMALL = st.integers(-3, 3)


@given(SMALL, SMALL, SMALL, SMALL, SMALL)
def test_the_number_at_a_point_is_that_of_the_expression(a: int, b: int, c: int, i: int, j: int) -> None:
    assert number_at(affine(Integer(c) + a * I + b * J), {I: i, J: j}) == a * i + b * j + c
    assert number_at(affine(I / 2 + c), {I: i}) == Fraction(i, 2) + c


def test_a_symbol_without_a_number_is_named() -> None:
    with pytest.raises(KeyError, match="n"):
        number_at(affine(I + N), {I: 0})


@given(SMALL, SMALL, st.integers(2, 4))
def test_a_condition_is_fulfilled_where_its_formula_is(a: int, i: int, k: int) -> None:
    assert fulfilled(NonNegative(I + a), {I: i}) == (i + a >= 0)
    assert fulfilled(Zero(I + a), {I: i}) == (i + a == 0)
    assert fulfilled(Divisible(I + a, k), {I: i}) == ((i + a) % k == 0)


def test_points_come_lowest_first_and_a_triangle_has_those_below_its_edge() -> None:
    ranges = ((I, Integer(0), Integer(2)), (J, I, N))
    assert [(point[I], point[J]) for point in points(ranges, {N: 2})] == [
        (i, j) for i in range(3) for j in range(i, 3)
    ]


def test_what_is_given_is_kept_and_out_of_range_there_is_no_point() -> None:
    ranges = ((I, Integer(0), Integer(2)), (J, I, Integer(2)))
    assert list(points(ranges, {I: 1})) == [{I: 1, J: 1}, {I: 1, J: 2}]
    assert list(points(ranges, {I: 3})) == []
    assert list(points((), {N: 4})) == [{N: 4}]


def test_a_read_is_reached_where_its_guard_holds() -> None:
    x, j = Tensor("x", (Index("p", 9),)), Index("j", 3)
    value = sum_over(Guard(Read("x", I + j), I - j >= 0, Divisible(I + j, 2)), j)
    (access,) = Equation(Tensor("y", (I,)), (I,), value).accesses
    bound = access.ranges[-1][0]
    assert [(point[I], point[bound]) for point in reached(access, {})] == [
        (i, k) for i in range(4) for k in range(3) if i >= k and (i + k) % 2 == 0
    ]
    assert x.shape == (9,)


def test_a_read_under_an_equation_of_indices_is_reached_on_the_diagonal() -> None:
    j = Index("j", 3)
    (access,) = Equation(Tensor("y", (I,)), (I,), sum_over(Guard(Read("x", j), Eq(I, j)), j)).accesses
    assert [point[I] for point in reached(access, {})] == [0, 1, 2]


def test_sizes_are_tried_from_the_smallest_on() -> None:
    assert list(instances(())) == [{}]
    assert list(instances({N})) == [{N: number} for number in range(1, 5)]
    both = list(instances({N, M}))
    assert len(both) == 16
    assert both[:3] == [{M: 1, N: 1}, {M: 1, N: 2}, {M: 2, N: 1}]
    assert sorted(tuple(one.values()) for one in both) == sorted(product(range(1, 5), repeat=2))
    many = [size(name) for name in "abcd"]
    assert list(instances(many)) == [dict.fromkeys(many, number) for number in range(1, 5)]


def test_a_point_is_said_as_one_writes_it() -> None:
    assert shown({I: 2, J: 0}) == "i = 2, j = 0"
