"""Whole programs over arrays: every program of the tests, in its scheduled order, against the scalar evaluation."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from bpsym.calculus.array_evaluate import ArrayEvaluator, evaluate_arrays
from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Program, Tensor
from bpsym.calculus.evaluate import double, evaluate
from tests.programs import PROGRAMS, dense
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


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(programs())
def test_random_programs_have_the_numbers_of_the_scalar_evaluation(program: Program) -> None:
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
