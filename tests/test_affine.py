"""Index arithmetic: affine expressions over boxes, and solving e(i, k) = p; trying all points is the witness."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational, Symbol

from bpsym.calculus.affine import Affine, affine, box_of, follows, holds, minimum, nonnegative
from bpsym.calculus.nodes import Condition, Divisible, Index, NonNegative, Zero, size
from bpsym.calculus.solving import Solution, solve
from bpsym.errors import ProgramError

I, J, N = Index("i", 4), Index("j", lower=-1, upper=3), size("n")
SMALL = st.integers(-3, 3)
WITNESS = settings(max_examples=300)


# Affine expressions ----------------------------------------------------------------------------------------------


def test_an_expression_is_its_constant_and_its_coefficients() -> None:
    assert affine(2 * I - J / 3 + 5) == Affine(5, {I: 2, J: Fraction(-1, 3)})
    assert affine(2 * (I + J) - 2 * I) == Affine(0, {J: 2})
    assert affine(Rational(3, 2)) == Affine(Fraction(3, 2), {})
    assert affine(I - I + 0 * J) == Affine(0, {})


def test_a_product_of_sizes_is_a_size() -> None:
    (symbol,) = affine(N * size("m")).terms
    assert symbol.is_positive


@pytest.mark.parametrize("expr", [I * J, I**2, I / J, N**I])
def test_what_is_no_combination_of_indices_is_refused(expr: Expr) -> None:
    with pytest.raises(ProgramError, match="is not a whole-number combination of indices"):
        affine(expr)


@given(SMALL, SMALL, SMALL, SMALL, SMALL, SMALL)
def test_arithmetic_is_that_of_the_expressions(a: int, b: int, c: int, d: int, e: int, f: int) -> None:
    one, other = a * I + b * J + c, d * I + e * J + f
    assert affine(one) + affine(other) == affine((one + other).expand())
    assert affine(one) - affine(other) == affine((one - other).expand())
    assert affine(one) * d == affine((one * d).expand())
    assert affine(one).put(I, affine(other)) == affine(one.xreplace({I: other}).expand())
    assert affine(affine(one).expr()) == affine(one)


@given(st.fractions(-2, 2, max_denominator=6), st.fractions(-2, 2, max_denominator=6))
def test_whole_multiplies_by_the_least_number_that_suffices(a: Fraction, b: Fraction) -> None:
    whole = Affine(a, {I: b} if b else {}).whole()
    factors = [factor for factor in range(1, 37) if (a * factor).denominator == (b * factor).denominator == 1]
    assert (whole.constant, whole.coefficient(I)) == (a * factors[0], b * factors[0])


# Bounds ----------------------------------------------------------------------------------------------------------


@WITNESS
@given(SMALL, SMALL, SMALL, SMALL, st.integers(0, 3), SMALL, st.integers(0, 3))
def test_the_minimum_over_a_box_is_the_least_of_its_points(
    a: int, b: int, c: int, low: int, more: int, other: int, others: int
) -> None:
    box = box_of([(I, Integer(low), Integer(low + more)), (J, Integer(other), Integer(other + others))])
    values = [
        a * i + b * j + c
        for i in range(low, low + more + 1)
        for j in range(other, other + others + 1)
    ]  # fmt: skip
    assert minimum(affine(a * I + b * J + c), box) == min(values)
    assert nonnegative(affine(a * I + b * J + c), box) == (min(values) >= 0)


@given(SMALL, SMALL, SMALL)
def test_the_minimum_over_a_triangle_is_no_more_than_the_least_of_its_points(a: int, b: int, c: int) -> None:
    box = box_of([(I, Integer(0), Integer(3)), (J, Integer(0), I)])
    least = minimum(affine(a * I + b * J + c), box)
    assert least is not None
    assert least <= min(a * i + b * j + c for i in range(4) for j in range(i + 1))


@given(SMALL, SMALL, SMALL)
def test_a_bound_with_a_size_holds_for_every_size(a: int, b: int, c: int) -> None:
    """a i + b n + c, i from 0 to n - 1."""
    least = minimum(affine(a * I + b * N + c), box_of([(I, Integer(0), N - 1)]))
    values = [a * i + b * n + c for n in range(1, 12) for i in range(n)]
    if least is None:
        assert min(values) < min(a * i + b * n + c for n in range(1, 3) for i in range(n))
    else:
        assert least == min(values)


@WITNESS
@given(SMALL, SMALL, SMALL, st.sampled_from([NonNegative, Zero, Divisible]), st.integers(2, 3))
def test_a_condition_holds_where_it_holds_at_every_point(
    a: int, b: int, c: int, kind: type[Condition], divisor: int
) -> None:
    value = a * I + b * J + c
    condition = kind(value, Integer(divisor)) if kind is Divisible else kind(value)
    box = box_of([(I, I.lower, I.upper), (J, J.lower, J.upper)])
    truths = {true_at(condition, {I: i, J: j}) for i in range(4) for j in range(-1, 4)}
    known = holds(condition, box)
    assert known is None or truths == {known}
    if kind is NonNegative:
        assert known is (None if len(truths) == 2 else truths.pop())


@WITNESS
@given(SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, st.sampled_from([NonNegative, Zero]))
def test_what_follows_from_a_condition_is_true_wherever_it_holds(
    a: int, b: int, c: int, d: int, e: int, f: int, kind: type[Condition]
) -> None:
    condition = kind(sympified(d * I + e * J + f))
    box = box_of([(I, I.lower, I.upper), (J, J.lower, J.upper)])
    if follows(affine(sympified(a * I + b * J + c)), [condition], box):
        for i, j in product(range(4), range(-1, 4)):
            assert not true_at(condition, {I: i, J: j}) or a * i + b * j + c >= 0


def test_a_condition_bounds_what_is_written_with_its_multiples() -> None:
    box = box_of([(I, Integer(0), N - 1)])
    assert follows(affine(2 * N - 2 - 6 * I), [NonNegative(N - 1 - 3 * I)], box)
    assert not follows(affine(2 * N - 3 - 6 * I), [NonNegative(N - 1 - 3 * I)], box)
    assert not follows(affine(I - 1), [Divisible(I, Integer(2))], box)


def sympified(expr: Any) -> Expr:
    return Integer(expr) if isinstance(expr, int) else expr


def true_at(condition: Condition, point: dict[Symbol, int]) -> bool:
    value = Rational(condition.args[0].xreplace({symbol: Integer(v) for symbol, v in point.items()}))
    if isinstance(condition, NonNegative):
        return bool(value >= 0)
    return bool(value == 0) if isinstance(condition, Zero) else bool(value % condition.args[1] == 0)


# Solving ---------------------------------------------------------------------------------------------------------


def test_a_renaming_solves_for_every_index_and_leaves_nothing() -> None:
    p, q, k = Index("p", 4), Index("q", 3), Index("k", 3)
    assert solve((I, k), (p, q), (I, k), ()) == Solution({I: p, k: q}, (), (), ())


def test_a_shift_leaves_a_range_and_a_stride_a_divisibility() -> None:
    p = Index("p", 9)
    shifted = solve((I + 2,), (p,), (I,), ())
    assert shifted is not None
    assert shifted.values == {I: p - 2}
    assert set(shifted.outer) == {NonNegative(p - 2), NonNegative(5 - p)}
    strided = solve((2 * I,), (p,), (I,), ())
    assert strided is not None
    assert Divisible(p, Integer(2)) in strided.outer


def test_a_condition_on_one_summed_index_narrows_its_sum() -> None:
    """c[i] reads x[j], j <= i: x[p] is reached from i >= p."""
    p, below = Index("p", 4), Index("j", lower=0, upper=I)
    solution = solve((below,), (p,), (I, below), ())
    assert solution is not None
    assert solution.ranges == ((I, p, Integer(3)),)
    assert (solution.inner, solution.outer) == ((), ())


def test_a_read_that_never_meets_the_place_has_no_solution() -> None:
    assert solve((Integer(5),), (Index("p", 4),), (I,), ()) is None
    assert solve((2 * I + 1, 2 * I), (Index("p", 4), Index("q", 4)), (I,), (NonNegative(-1 - I),)) is None


@WITNESS
@given(
    st.tuples(SMALL, SMALL, SMALL), st.tuples(SMALL, SMALL, SMALL), st.booleans(),
    st.integers(1, 4), st.integers(1, 4), st.booleans(), st.tuples(SMALL, SMALL, SMALL),
)  # fmt: skip
def test_the_solutions_are_the_points_that_meet_the_place(
    first: tuple[int, int, int], second: tuple[int, int, int], two: bool, rows: int, columns: int,
    triangle: bool, guard: tuple[int, int, int],
) -> None:  # fmt: skip
    """At each place p, the values of the summed indices are exactly those (i, k) with e(i, k) = p and the guard."""
    i = Index("i", rows)
    k = Index("k", lower=0, upper=i) if triangle else Index("k", columns)
    at = tuple(sympified(a * i + b * k + c) for a, b, c in ((first, second) if two else (first,)))
    places = tuple(Index(name, 4) for name in ("p", "q")[: len(at)])
    condition = NonNegative(sympified(guard[0] * i + guard[1] * k + guard[2]))
    solution = solve(at, places, (i, k), (condition,))
    points = [
        {i: row, k: column} for row in range(rows) for column in range(row + 1 if triangle else columns)
    ]
    for place in product(range(4), repeat=len(at)):
        here = dict(zip(places, place, strict=True))
        expected = [
            (point[i], point[k])
            for point in points
            if true_at(condition, point)
            and all(number(e, point) == p for e, p in zip(at, place, strict=True))
        ]
        assert sorted(met(solution, (i, k), here)) == sorted(expected)


@settings(max_examples=100)
@given(*[st.sampled_from([-3, -2, 2, 3])] * 4, st.integers(0, 3), st.booleans())
def test_two_places_are_met_by_two_indices_whatever_the_coefficients(
    a: int, b: int, c: int, d: int, e: int, shared: bool
) -> None:
    """p = a i + b k and q = c i + d k + e, all places of 13 by 13 tried; coefficients of which none is 1."""
    i, k, extra = Index("i", 3), Index("k", 3), Index("r", 2)
    at = tuple(e + 6 * (extra if shared else 0) for e in (a * i + b * k, c * i + d * k + e))
    places = tuple(Index(name, 13) for name in ("p", "q"))
    summed = (i, k, extra)
    solution = solve(at, places, summed, ())
    expected: dict[Any, list[Any]] = {}
    for values in product(range(3), range(3), range(2)):
        place = tuple(int(number(e, dict(zip(summed, values, strict=True)))) for e in at)
        expected.setdefault(place, []).append(values)
    for place in product(range(13), repeat=2):
        here = dict(zip(places, place, strict=True))
        assert sorted(met(solution, summed, here)) == sorted(expected.get(place, []))


def number(expr: Expr, point: dict[Any, int]) -> Any:
    return expr.xreplace({symbol: Integer(value) for symbol, value in point.items()})


def met(solution: Solution | None, indices: tuple[Index, ...], here: dict[Index, int]) -> Iterator[Any]:
    """The values of the indices that the solution sums over at a place."""
    if solution is None or not all(true_at(one, here) for one in solution.outer):
        return
    ranges = [range(int(number(low, here)), int(number(high, here)) + 1) for _, low, high in solution.ranges]
    for values in product(*ranges):
        point = {**here, **dict(zip((symbol for symbol, *_ in solution.ranges), values, strict=True))}
        if all(true_at(one, point) for one in solution.inner):
            yield tuple(int(number(solution.values.get(index, index), point)) for index in indices)
