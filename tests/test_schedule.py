"""An order of execution: what is read before who reads it, recurrences along the axis that orders them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import tanh

from bpsym.calculus.affine import affine
from bpsym.calculus.arithmetic import double
from bpsym.calculus.array_evaluate import evaluate_arrays
from bpsym.calculus.backward import backward
from bpsym.calculus.circles import circles, components, order_of
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import evaluate
from bpsym.calculus.nodes import Guard, Index, NonNegative, Read, size, sum_over
from bpsym.calculus.points import number_at, reached
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


def symbolic(length: Any) -> Program:
    """h[0] = x[0], h[t] = tanh(h[t-1] + x[t]) + sum of x[k] over k <= t - 3."""
    t, k, later = Index("t", length), Index("k", length), Index("t", lower=1, upper=length - 1)
    x, h = Tensor("x", (t,)), Tensor("h", (t,))
    earlier = sum_over(Guard(x[k], k <= later - 3), k) + sum_over(Guard(x[length - 1], k <= later - 3), k)
    return Program(
        (x,),
        (
            Equation(h, (0,), x[0]),
            Equation(h, (later,), tanh(h[later - 1] + x[later]) + earlier),
            Equation(Tensor("C"), (), sum_over(h[t] ** 2, t)),
        ),
    )


@pytest.mark.parametrize("length", [1, 2, 3, 6])
def test_a_recurrence_of_symbolic_length_has_the_numbers_of_one_of_known_length(length: int) -> None:
    whole, known = backward(symbolic(size("n"))).program, backward(symbolic(length)).program
    inputs = rational_inputs(known, 2)
    expected, found = evaluate(known, inputs, double()), evaluate_arrays(whole, inputs, sizes={"n": length})
    for name in known.tensors:
        elements = as_array(known[name], expected[name])
        np.testing.assert_allclose(found[name], elements, rtol=1e-12, atol=1e-13)


def test_parts_that_no_size_tells_apart_are_refused() -> None:
    """h[t] for t < n from below, from n on: which of 3 and n comes first?"""
    n = size("n")
    t, first, second = Index("t", n + 3), Index("t", lower=1, upper=n - 1), Index("t", lower=n, upper=n + 2)
    h, g = Tensor("h", (t,)), Tensor("g", (Index("t", n + 3),))
    three, later = Index("t", lower=0, upper=2), Index("t", lower=3, upper=n + 2)
    equations = (
        Equation(h, (0,), 1),
        Equation(h, (first,), g[first - 1]),
        Equation(h, (second,), 2 * g[second - 1]),
        Equation(g, (three,), h[three]),
        Equation(g, (later,), 3 * h[later]),
    )
    with pytest.raises(ProgramError, match="put a number in for its length"):
        schedule(Program((), equations))


def test_shifts_order_a_circle_whose_reads_go_both_ways() -> None:
    """z[t] = tanh(h[t-2] + x[t-1]), h[t] = z[t+1]^2 + x[t]: the steps -2 and 1 add up to -1."""
    t, start, later = Index("t", 6), Index("t", lower=0, upper=1), Index("t", lower=2, upper=6)
    x, h, z = Tensor("x", (t,)), Tensor("h", (t,)), Tensor("z", (Index("t", 7),))
    program = Program(
        (x,),
        (
            Equation(z, (start,), x[start]),
            Equation(z, (later,), tanh(h[later - 2] + x[later - 1])),
            Equation(h, (t,), z[t + 1] ** 2 + x[t]),
            Equation(Tensor("C"), (), sum_over(h[t] ** 2, t)),
        ),
    )
    compare(backward(program).program)


def test_a_read_under_a_guard_that_never_holds_needs_no_loop() -> None:
    """t >= 9, of t < 5."""
    w, h = Tensor("w", (T,)), Tensor("h", (T,))
    program = Program((w,), (Equation(h, (T,), w[T] + Guard(h[T - 1], T >= 1) * Guard(w[T], T >= 9)),))
    assert not loops(program)
    compare(program)


def test_a_part_of_a_matrix_inside_a_loop_is_placed_in_its_row() -> None:
    i = Index("i", 3)
    x, h = Tensor("x", (i,)), Tensor("h", (T, i))
    value = Guard(h[T - 1, i], T >= 1) / 2 + Guard(x[i - 1], i >= 1)
    compare(Program((x,), (Equation(h, (T, i), value),)))


# Orders ----------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(-2, 2)), min_size=1, max_size=5))
def test_what_is_read_was_made_before_or_at_the_same_time(reads: list[tuple[int, int, int]]) -> None:
    """Three vectors that read each other at offsets; by the definition of an order, element by element."""
    vectors = [Tensor(name, (T,)) for name in "abc"]
    values: list[Any] = [0, 0, 0]
    for into, of, offset in reads:
        at = T + offset
        values[into] += Guard(Read(vectors[of].name, at), NonNegative(at), NonNegative(4 - at))
    equations = [Equation(one, (T,), value) for one, value in zip(vectors, values, strict=True)]
    accesses = [access for equation in equations for access in equation.accesses]
    for circle in circles(accesses):
        order = order_of(circle)
        if order is None:
            continue
        for access in circle:
            made, read = (order.shifts[name] for name in (access.equation.tensor.name, access.read.name))
            for point in reached(access, {}):
                (here,), (there,) = (
                    [number_at(affine(at), point) for at in places]
                    for places in (access.equation.at, access.read.at)
                )
                ahead = (there + read - here - made) * (-1 if order.backwards else 1)
                assert ahead < 0 or (ahead == 0 and access in order.staying)


def test_components_are_the_names_that_reach_each_other_and_stand_before_who_reads_them() -> None:
    """By hand: a <-> b, both read c, d reads a; c reads itself."""
    graph = {"d": ["a"], "a": ["b"], "b": ["a", "c"], "c": ["c"]}
    assert list(components(graph)) == [frozenset("c"), frozenset("ab"), frozenset("d")]


def test_a_long_chain_has_its_components_too() -> None:
    graph = {str(number): [str(number + 1)] for number in range(5000)}
    assert len(list(components(graph))) == 5001
