"""Whole programs over arrays: every program of the tests, in its scheduled order, against the scalar evaluation."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Expr, Integer, tanh

from bpsym.calculus.arithmetic import double
from bpsym.calculus.array_evaluate import ArrayEvaluator, evaluate_arrays
from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import evaluate
from bpsym.calculus.nodes import Divisible, Guard, Index, NonNegative, sum_over
from tests.programs import PROGRAMS, dense, maximum_over
from tests.test_calculus import rational_inputs
from tests.test_random_programs import programs

every = pytest.mark.parametrize("name", PROGRAMS)


def as_array(tensor: Tensor, elements: dict[tuple[int, ...], Any]) -> Any:
    found = np.zeros([int(extent) for extent in tensor.shape])
    for at, value in elements.items():
        found[at] = float(value)
    return found


@every
def test_arrays_have_the_numbers_of_the_scalar_evaluation(name: str) -> None:
    compare(backward(PROGRAMS[name]()).program)


def compare(program: Program) -> None:
    """Every tensor by both evaluations."""
    inputs = rational_inputs(program, 3)
    expected, found = evaluate(program, inputs, double()), evaluate_arrays(program, inputs)
    assert found.keys() == program.tensors.keys()
    for tensor in program.tensors.values():
        elements = as_array(tensor, expected.get(tensor.name, {}))
        np.testing.assert_allclose(found[tensor.name], elements, rtol=1e-12, atol=1e-13, err_msg=tensor.name)


many = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@many
@given(programs())
def test_random_programs_have_the_numbers_of_the_scalar_evaluation(program: Program) -> None:
    compare(backward(program).program)


@st.composite
def recurrences(draw: st.DrawFn) -> Program:
    """Two tensors over a time and an axis that read each other's earlier (or later) elements, and sums of inputs."""
    steps, units, inputs = draw(st.integers(2, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    t, i, k = Index("t", steps), Index("i", units), Index("k", inputs)
    x, a = Tensor("x", (k,)), Tensor("A", (t, k))
    h, z = Tensor("h", (t, i)), Tensor("z", (t, i))
    sign, ahead = draw(st.sampled_from([1, -1])), draw(st.integers(0, 2))
    small = st.integers(-2, 2)

    def earlier(tensor: Tensor, count: int) -> Expr:
        """The element some steps before, half of it, where there is one."""
        at, unit = t - sign * count, draw(st.sampled_from([i, i.upper - i]))
        return Guard(tanh(tensor[at, unit]), NonNegative(at), NonNegative(t.upper - at)) / 2

    def given_sum() -> Expr:
        """A sum over inputs, or the greatest of them, under conditions that mix time and place."""
        place = draw(small) * t + draw(small) * k + draw(small)
        limits = [NonNegative(place), NonNegative(k.upper - place)]
        mixed = draw(small) * t + draw(small) * k + draw(small)
        limits += draw(st.sampled_from([[], [NonNegative(mixed)], [Divisible(mixed, Integer(2))]]))
        read = draw(st.sampled_from([x[place], a[t, place]]))
        return draw(st.sampled_from([sum_over, sum_over, maximum_over]))(Guard(read**2, *limits), k)

    z_value = given_sum() + earlier(h, draw(st.integers(ahead + 1, ahead + 2)))
    h_value = draw(st.sampled_from([given_sum(), 1 + i])) * earlier(z, -ahead) + earlier(
        h, draw(st.integers(1, 2))
    )
    return Program(
        (x, a),
        (
            Equation(z, (t, i), z_value),
            Equation(h, (t, i), h_value),
            Equation(Tensor("C"), (), sum_over((1 + t) * h[t, i] ** 2, t, i)),
        ),
    )


@settings(many, max_examples=100)
@given(recurrences())
def test_random_recurrences_have_the_numbers_of_the_scalar_evaluation(program: Program) -> None:
    compare(backward(program).program)


def test_a_wide_network_takes_milliseconds() -> None:
    """784-30-10, 10 samples, forward and backward: the first run compiles, the second one is arithmetic alone."""
    program = backward(dense(10, 784, 30, 10)).program
    draw = np.random.default_rng(0)
    inputs = {one.name: draw.normal(size=[int(n) for n in one.shape]) / 30 for one in program.inputs}
    start = time.perf_counter()
    evaluator = ArrayEvaluator(program)
    evaluator.run(inputs)
    middle = time.perf_counter()
    evaluator.run(inputs)
    end = time.perf_counter()
    assert middle - start < 3
    assert end - middle < 0.5
