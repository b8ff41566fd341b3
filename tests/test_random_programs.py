"""Programs that hypothesis draws.

Dense layers, tied weights, sums, maxima, shifts, strides, parts, guards, recurrences and elementwise functions.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Expr, Rational, exp, tanh

from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.nodes import Divisible, Guard, Index, Read, sum_over
from tests import test_calculus
from tests.programs import maximum_over

SIZES = st.integers(1, 4)


@st.composite
def programs(draw: st.DrawFn, *, everything: bool = False) -> Program:
    """At most five equations; each reads vectors and matrices that stand before it, the last one is the loss.

    With `everything`, a target is a vector or a matrix, may read itself one or two places before or behind, and
    indices are divided where that is whole.
    """
    extents = draw(st.lists(SIZES, min_size=2, max_size=2))
    rows, columns = (Index(name, extent) for name, extent in zip("ij", extents, strict=True))
    known = [Tensor("x", (rows,)), Tensor("y", (columns,)), Tensor("A", (rows, columns))]
    inputs = tuple(known)
    equations: list[Equation] = []
    for number in range(draw(st.integers(1, 4))):
        axes = tuple(
            Index(name, draw(SIZES))
            for name in draw(st.sampled_from(["p", "q", *(["pq"] if everything else [])]))
        )
        target = Tensor(f"e{number}", axes)
        value = draw(values(known, axes, everything))
        if everything and draw(st.integers(0, 3)) == 0:
            value += draw(recurrent(target))
        equations.append(Equation(target, target.indices, value))
        known.append(target)
    last = equations[-1].tensor
    total = sum_over(last.element**2, *last.indices)
    once_more = draw(st.sampled_from(known))
    total += sum_over(once_more.element * 2, *once_more.indices)
    return Program(inputs, (*equations, Equation(Tensor("C"), (), total)))


@st.composite
def recurrent(draw: st.DrawFn, target: Tensor) -> Expr:
    """What the target has of itself, one or two places away along its first axis."""
    axis, *others = target.indices
    away = draw(st.sampled_from([-2, -1, 1, 2]))
    before = tanh(Read(target.name, axis + away, *others))
    guards = [axis + away >= 0] if away < 0 else [axis.upper - axis - away >= 0]
    if draw(st.booleans()):
        guards.append(Divisible(axis + draw(st.integers(0, 1)), 2))
    return Guard(before / 2, *guards)


@st.composite
def values(draw: st.DrawFn, known: list[Tensor], axes: tuple[Index, ...], divided: bool) -> Expr:
    """A right-hand side in the free indices: one or two terms, each a dense layer or a function of a reduction."""
    kinds = [term(known, axes, divided), term(known, axes, divided), tied(known, axes[0])]
    terms = [draw(draw(st.sampled_from(kinds))) for _ in range(draw(st.integers(1, 2)))]
    return sum(terms[1:], terms[0])


@st.composite
def tied(draw: st.DrawFn, known: list[Tensor], free: Index) -> Expr:
    """A matrix times a vector, and its transpose times what comes out, as far as the extents go."""
    matrix = next(tensor for tensor in known if len(tensor.indices) == 2)
    vector = draw(st.sampled_from([tensor for tensor in known if len(tensor.indices) == 1]))
    rows, columns = matrix.indices
    k = Index("k", lower=0, upper=min(columns.upper, vector.indices[0].upper))
    r = Index("r", lower=0, upper=rows.upper)
    hidden = tanh(sum_over(matrix[r, k] * vector[k], k))
    if draw(st.booleans()):
        return sum_over(hidden, r) / (1 + free)
    return sum_over(Guard(matrix[r, free] * hidden, columns.upper - free >= 0), r)


@st.composite
def term(draw: st.DrawFn, known: list[Tensor], axes: tuple[Index, ...], divided: bool) -> Expr:
    tensor = draw(st.sampled_from(known))
    summed = Index("k", draw(SIZES))
    at, guards = [], []
    for own in tensor.indices:
        place, conditions = draw(places(draw(st.sampled_from(axes)), summed, divided))
        at.append(place)
        guards += [place >= 0, own.upper - place >= 0, *conditions]
    inside: Any = Read(tensor.name, *at)
    if draw(st.booleans()):
        inside = inside**2 * draw(st.sampled_from([Rational(1, 2), Rational(-3, 4), 1]))
    reduced = draw(st.sampled_from([sum_over, sum_over, sum_over, maximum_over]))
    total = reduced(Guard(inside, *guards), summed)
    outside = draw(st.sampled_from([lambda z: z, tanh, lambda z: exp(z / 4), lambda z: 1 / (2 + z**2)]))
    return outside(total)


@st.composite
def places(draw: st.DrawFn, free: Index, summed: Index, divided: bool) -> tuple[Expr, list[Any]]:
    """An index expression: a free or summed index, shifted, with a stride, reversed, their sum, a part, or a number.

    With it comes the condition under which it is whole.
    """
    stride, other, shift = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(-2, 2))
    kinds: list[tuple[Any, list[Any]]] = [
        (free + shift, []),
        (summed + shift, []),
        (stride * free - shift, []),
        (other * free + stride * summed - shift, []),
        (stride * summed - other * free, []),
        (shift - summed, []),
        (free * 0 + abs(shift), []),
    ]
    if divided:
        kinds += [
            ((free + shift) / 2, [Divisible(free + shift, 2)]),
            ((summed - free) / stride, [Divisible(summed - free, stride)]),
        ]
    return draw(st.sampled_from(kinds))


random_programs = settings(
    max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@random_programs
@given(programs(everything=True))
def test_the_square_commutes_on_random_programs(program: Program) -> None:
    test_calculus.check_square(program, points=2)


@random_programs
@given(programs(everything=True))
def test_random_gradients_are_central_differences(program: Program) -> None:
    test_calculus.test_the_gradients_equal_central_differences_at_fifty_digits(program)
