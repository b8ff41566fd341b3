"""An order of execution: what is read before who reads it, recurrences along the axis that orders them."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sympy import tanh

from bpsym.calculus.array_evaluate import evaluate_arrays
from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import double, evaluate
from bpsym.calculus.nodes import Guard, Index, size, sum_over
from bpsym.calculus.schedule import Loop, Once, schedule
from bpsym.errors import ProgramError
from tests.programs import PROGRAMS, lstm, recurrence
from tests.test_arrays import as_array, compare, every
from tests.test_calculus import rational_inputs

T = Index("t", 5)
LATER = Index("t", lower=1, upper=4)


def loops(program: Program) -> list[Loop]:
    return [step for step in schedule(program) if isinstance(step, Loop)]


def elman(steps: int = 6, units: int = 3, inputs: int = 2) -> Program:
    """z[t] = W h[t-1] + V x[t] + b, h[t] = tanh z[t], from a given h[0]."""
    every, t = Index("t", steps), Index("t", lower=1, upper=steps - 1)
    i, j, k = Index("i", units), Index("j", units), Index("k", inputs)
    x, h0, w = Tensor("x", (every, k)), Tensor("h0", (i,)), Tensor("W", (i, j))
    v, b = Tensor("V", (i, k)), Tensor("b", (i,))
    z, h = Tensor("z", (every, i)), Tensor("h", (every, i))
    sums = sum_over(w[i, j] * h[t - 1, j], j) + sum_over(v[i, k] * x[t, k], k) + b[i]
    return Program(
        (x, h0, w, v, b),
        (
            Equation(h, (0, i), h0[i]),
            Equation(z, (0, i), 0),
            Equation(z, (t, i), sums),
            Equation(h, (t, i), tanh(z[t, i])),
            Equation(Tensor("C"), (), sum_over(h[every, i] ** 2, every, i) / 2),
        ),
    )


def test_a_recurrence_runs_forwards_and_its_adjoint_backwards() -> None:
    forwards, backwards = loops(backward(recurrence()).program)
    assert (forwards.backwards, backwards.backwards) == (False, True)
    assert (forwards.index.lower, forwards.index.upper) == (1, 3)
    assert (backwards.index.lower, backwards.index.upper) == (0, 2)


def test_what_starts_a_recurrence_stands_before_its_loop() -> None:
    first, second, *_ = schedule(recurrence())
    assert isinstance(first, Once)
    assert str(first.equation.target) == "h[0]"
    assert isinstance(second, Loop)


def test_within_a_step_of_a_loop_each_equation_follows_what_it_reads() -> None:
    (loop,) = loops(lstm(4))
    names = [step.equation.tensor.name for step in loop.steps if isinstance(step, Once)]
    assert sorted(names) == sorted("afogch")
    assert names.index("h") > names.index("c")
    assert all(names.index(gate) > names.index("h") for gate in "afog")  # of the step that begins with h


def test_many_tensors_run_backwards_together() -> None:
    _, loop = loops(backward(elman()).program)
    assert loop.backwards
    names = [step.equation.tensor.name for step in loop.steps if isinstance(step, Once)]
    assert names == ["dh", "dz"]


@every
def test_equations_may_stand_in_any_order(name: str) -> None:
    program = backward(PROGRAMS[name]()).program
    equations = list(program.equations)
    random.Random(5).shuffle(equations)
    compare(Program(program.inputs, tuple(equations)))
    compare(Program(program.inputs, program.equations[::-1]))


def test_a_longer_recurrence_has_the_numbers_of_the_scalar_evaluation() -> None:
    compare(backward(elman()).program)


def test_a_read_of_all_earlier_steps_runs_forwards() -> None:
    """h[t] = x[t] + sum of h[u] over u < t, by hand: 1, 2, 4, 8, 16."""
    x, h = Tensor("x", (T,)), Tensor("h", (T,))
    u = Index("u", lower=0, upper=LATER - 1)
    program = Program((x,), (Equation(h, (0,), x[0]), Equation(h, (LATER,), x[LATER] + sum_over(h[u], u))))
    assert len(loops(program)) == 1
    assert list(evaluate_arrays(program, {"x": [1] * 5})["h"]) == [1, 2, 4, 8, 16]


def test_a_read_that_a_guard_keeps_in_range_begins_the_recurrence() -> None:
    """h[t] = 1 + 2 h[t-1] where t >= 1: 1, 3, 7, 15, 31."""
    h = Tensor("h", (T,))
    program = Program((), (Equation(h, (T,), 1 + Guard(2 * h[T - 1], T >= 1)),))
    assert list(evaluate_arrays(program, {})["h"]) == [1, 3, 7, 15, 31]


def test_two_axes_in_a_circle_are_two_loops() -> None:
    """Paths on a grid: n[i,j] = n[i-1,j] + n[i,j-1], ones at the edges; binomial coefficients."""
    i, j = Index("i", 4), Index("j", 4)
    down, right = Index("i", lower=1, upper=3), Index("j", lower=1, upper=3)
    n = Tensor("n", (i, j))
    program = Program(
        (),
        (
            Equation(n, (0, j), 1),
            Equation(n, (down, 0), 1),
            Equation(n, (down, right), n[down - 1, right] + n[down, right - 1]),
        ),
    )
    (outer,) = loops(program)
    assert any(isinstance(step, Loop) for step in outer.steps)
    assert list(evaluate_arrays(program, {})["n"][3]) == [1, 4, 10, 20]


def test_a_circle_along_different_axes_of_two_tensors_is_ordered() -> None:
    """a[t,i] and b[i,t] read each other; t is the second axis of b."""
    i = Index("i", 2)
    a, b, x = Tensor("a", (T, i)), Tensor("b", (i, T)), Tensor("x", (i,))
    equations = (
        Equation(a, (0, i), x[i]),
        Equation(a, (LATER, i), b[i, LATER - 1] + 1),
        Equation(b, (i, T), 2 * a[T, i]),
    )
    program = Program((x,), equations)
    inputs = rational_inputs(program, 1)
    expected = evaluate(program, inputs, double())
    found = evaluate_arrays(program, inputs)
    np.testing.assert_allclose(found["b"], as_array(b, expected["b"]), rtol=1e-12)


def test_a_recurrence_of_unknown_length_is_refused() -> None:
    n = size("n")
    t, later = Index("t", n), Index("t", lower=1, upper=n - 1)
    h = Tensor("h", (t,))
    program = Program((), (Equation(h, (0,), 1), Equation(h, (later,), 2 * h[later - 1])))
    with pytest.raises(ProgramError, match="put a number in for its length"):
        schedule(program)
