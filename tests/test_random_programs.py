"""Programs that hypothesis draws: dense layers, tied weights, sums, maxima, shifts, strides, guards and elementwise functions."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Expr, Rational, exp, tanh

from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.nodes import Guard, Index, Read, sum_over
from tests import test_calculus
from tests.programs import maximum_over

SIZES = st.integers(1, 4)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """At most five equations; each reads vectors and matrices that stand before it, the last one is the loss."""
    extents = draw(st.lists(SIZES, min_size=2, max_size=2))
    rows, columns = (Index(name, extent) for name, extent in zip("ij", extents, strict=True))
    known = [Tensor("x", (rows,)), Tensor("y", (columns,)), Tensor("A", (rows, columns))]
    inputs = tuple(known)
    equations: list[Equation] = []
    for number in range(draw(st.integers(1, 4))):
        target = Tensor(f"e{number}", (Index(draw(st.sampled_from("pq")), draw(SIZES)),))
        value = draw(values(known, target.indices[0]))
        equations.append(Equation(target, target.indices, value))
        known.append(target)
    last = equations[-1].tensor
    everything = sum_over(last[last.indices[0]] ** 2, last.indices[0])
    once_more = draw(st.sampled_from(known))
    everything += sum_over(once_more.element * 2, *once_more.indices)
    return Program(inputs, (*equations, Equation(Tensor("C"), (), everything)))


@st.composite
def values(draw: st.DrawFn, known: list[Tensor], free: Index) -> Expr:
    """A right-hand side in one free index: one or two terms, each a dense layer or a function of a reduction."""
    kinds = [term(known, free), term(known, free), tied(known, free)]
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
def term(draw: st.DrawFn, known: list[Tensor], free: Index) -> Expr:
    tensor = draw(st.sampled_from(known))
    summed = Index("k", draw(SIZES))
    at, guards = [], []
    for own in tensor.indices:
        place = draw(places(free, summed))
        at.append(place)
        guards += [place >= 0, own.upper - place >= 0]
    inside: Any = Read(tensor.name, *at)
    if draw(st.booleans()):
        inside = inside**2 * draw(st.sampled_from([Rational(1, 2), Rational(-3, 4), 1]))
    inside = Guard(
        inside, *(condition for condition in guards if condition not in (True, False)), *impossible(guards)
    )
    reduced = draw(st.sampled_from([sum_over, sum_over, sum_over, maximum_over]))
    total = reduced(inside, summed)
    outside = draw(st.sampled_from([lambda z: z, tanh, lambda z: exp(z / 4), lambda z: 1 / (2 + z**2)]))
    return outside(total)


def impossible(guards: list[Any]) -> list[Any]:
    """A condition that never holds, where one of the guards is plainly false."""
    from bpsym.calculus.nodes import NonNegative

    return [NonNegative(Rational(-1))] if any(guard == False for guard in guards) else []  # noqa: E712  (SymPy's false)


@st.composite
def places(draw: st.DrawFn, free: Index, summed: Index) -> Expr:
    """An index expression: a free or summed index, shifted, with a stride, reversed, their sum, or a number."""
    stride, shift = draw(st.integers(1, 3)), draw(st.integers(-2, 2))
    kinds = [
        free + shift,
        summed + shift,
        stride * free - shift,
        free + stride * summed - shift,
        shift - summed,
        free * 0 + abs(shift),
    ]
    return draw(st.sampled_from(kinds))


random_programs = settings(
    max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@random_programs
@given(programs())
def test_the_square_commutes_on_random_programs(program: Program) -> None:
    test_calculus.check_square(program, points=2)


@random_programs
@given(programs())
def test_random_gradients_are_central_differences(program: Program) -> None:
    test_calculus.test_the_gradients_equal_central_differences_at_fifty_digits(program)
