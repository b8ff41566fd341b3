"""Layers that bpsym does not offer yet: the slopes at their kinks, and what their gradients must be.

`tests/programs.py` writes down their forward equations; `tests/test_calculus.py` holds all of them against witnesses.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product
from typing import Any

import pytest
import sympy
from sympy import Abs, Expr, Max, Min, Symbol

from bpsym.calculus.arithmetic import EXACT, digits, double
from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import evaluate
from bpsym.calculus.nodes import (
    AtGreatest,
    FirstGreatest,
    Guard,
    Index,
    IndexSum,
    Maximum,
    Read,
    rename_reads,
    size,
    sum_over,
)
from bpsym.calculus.rewrites import inline, map_reads, pull_constants, rescale
from bpsym.calculus.unroll import expanded_sums, unroll
from bpsym.errors import ProgramError
from tests import programs
from tests.programs import (  # noqa: F401  (other tests take the programs from here)
    attention,
    batch_normalisation,
    convolution_2d,
    layer_normalisation,
    leaky,
    lstm,
    maximum_over,
    regularised,
    uneven_stride,
)
from tests.test_calculus import rational_inputs

PROGRAMS = programs.LAYERS
"""The programs of this file's title, for other tests to run over."""

FIFTY = digits(50)
I, K = Index("i", 3), Index("k", 3)


def slopes(value: Expr, *given: Any) -> list[Any]:
    """d value / d x, x a vector of the given numbers."""
    return gradient(of_vector(value, len(given)), given)


def of_vector(value: Expr, extent: int) -> Program:
    return Program((Tensor("x", (Index("n", extent),)),), (Equation(Tensor("C"), (), value),))


def gradient(program: Program, given: Any) -> list[Any]:
    """dx of the program, the same from its equations and from their elements written out."""
    whole = evaluate(backward(program).program, {"x": given}, EXACT)["dx"]
    flat = {f"x[{place}]": {(): value} for place, value in enumerate(given)}
    unrolled = evaluate(backward(unroll(program)).program, flat, EXACT)
    found = [whole[at,] for at in range(len(given))]
    assert found == [unrolled[f"dx[{at}]"][()] for at in range(len(given))]
    return found


def x(at: Any) -> Read:
    return Read("x", at)


# Kinks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "slope"), [(2, 1), (-2, 0), (0, 0)])
def test_relu_has_slope_0_at_0(given: int, slope: int) -> None:
    assert slopes(Max(0, x(0)), given) == [slope]
    assert slopes(-Min(0, -x(0)), given) == [slope]


@pytest.mark.parametrize(("given", "slope"), [(2, 1), (-2, -1), (0, 0)])
def test_an_absolute_value_has_slope_0_at_0(given: int, slope: int) -> None:
    assert slopes(Abs(x(0)), given) == [slope]


def test_the_slope_of_an_absolute_value_has_no_slope_of_its_own() -> None:
    """d/dx (sign(x) x^2) is 2 x sign(x), 0 at 0: no delta."""
    assert slopes(sympy.sign(x(0)) * x(0) ** 2, -3) == [6]
    assert slopes(sympy.sign(x(0)) * x(0) + x(0), 0) == [1]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_tie_of_maxima_goes_to_the_lowest_index_in_whatever_order_they_are_written(order: Any) -> None:
    places = [x(at) for at in order]
    assert slopes(Max(*places), 5, 5, 5) == [1, 0, 0]
    assert slopes(Max(*places), 4, 5, 5) == [0, 1, 0]
    assert slopes(Min(*places), 5, 4, 4) == [0, 1, 0]


def test_the_tenth_element_comes_after_the_second() -> None:
    assert slopes(Max(x(10), x(2)), *[7] * 11)[2] == 1


def test_in_pairs_the_even_element_comes_first_and_of_neighbours_the_lower_one() -> None:
    pairs = sum_over(Max(x(2 * I + 1), x(2 * I)), I)
    assert slopes(pairs, *[1] * 6) == [1, 0, 1, 0, 1, 0]
    later = Index("t", lower=1, upper=3)
    assert slopes(sum_over(Max(x(later), x(later - 1)), later), *[1] * 4) == [1, 1, 1, 0]


def test_a_tie_goes_to_the_lower_of_two_elements_whose_order_depends_on_the_index() -> None:
    i, j = Index("i", 4), Index("j", 4)
    assert slopes(sum_over(Max(x(i), x(3 - i)), i), *[1] * 4) == [2, 2, 0, 0]
    assert slopes(sum_over(Min(x(3 - i), x(i)), i), *[1] * 4) == [2, 2, 0, 0]
    assert slopes(sum_over(Max(x(i), x(j)), i, j), *[1] * 4) == [7, 5, 3, 1]
    assert slopes(sum_over(Max(x(i), x(j)), i, j), 1, 2, 2, 1) == [3, 7, 5, 1]
    low, high = Index("i", 2), Index("j", lower=1, upper=3)
    assert slopes(sum_over(Max(x(2 * low), 2 * x(high), x(0)), low, high), 2, 1, 1, 1) == [6, 0, 0, 0]


def test_a_tie_goes_to_the_upper_triangle_of_a_matrix_and_its_transpose() -> None:
    i, j = Index("i", 3), Index("j", 3)
    a = Tensor("A", (i, j))
    program = Program((a,), (Equation(Tensor("C"), (), sum_over(Max(a[j, i], a[i, j]) * (1 + i), i, j)),))
    found = evaluate(backward(program).program, {"A": ((1,) * 3,) * 3}, EXACT)["dA"]
    # for i <= j, element (i, j) gets 1 + i and 1 + j, the diagonal once
    expected = [[1, 3, 4], [0, 2, 5], [0, 0, 3]]
    assert [[found[row, column] for column in range(3)] for row in range(3)] == expected


def test_a_tie_goes_to_the_lower_of_two_elements_of_one_row() -> None:
    i, j = Index("i", 3), Index("j", 3)
    a = Tensor("A", (i, j))
    program = Program((a,), (Equation(Tensor("C"), (), sum_over(Max(a[i, 2 - j], a[i, j]), i, j)),))
    found = evaluate(backward(program).program, {"A": ((1,) * 3,) * 3}, EXACT)["dA"]
    assert [[found[row, column] for column in range(3)] for row in range(3)] == [[2, 1, 0]] * 3


def test_a_tie_of_two_tensors_goes_to_the_one_whose_name_comes_first_written_out_too() -> None:
    one, other = Tensor("x", (I,)), Tensor("x1", (I,))
    program = Program((one, other), (Equation(Tensor("C"), (), sum_over(Max(other[I], one[I]), I)),))
    whole = evaluate(backward(program).program, {"x": (1, 1, 1), "x1": (1, 1, 1)}, EXACT)
    flat = {f"{name}[{at}]": {(): 1} for name in ("x", "x1") for at in range(3)}
    unrolled = evaluate(backward(unroll(program)).program, flat, EXACT)
    for at in range(3):
        assert (whole["dx"][at,], whole["dx1"][at,]) == (1, 0)
        assert (unrolled[f"dx[{at}]"][()], unrolled[f"dx1[{at}]"][()]) == (1, 0)


def test_a_tie_inside_a_tie_is_decided_too() -> None:
    assert slopes(Max(Min(x(0), x(1)), x(2)), 3, 3, 3) == [1, 0, 0]
    assert slopes(Max(x(0) + 1, Min(2 * x(1), 4)), 3, 2) == [1, 0]


def test_a_maximum_over_an_index_gives_its_whole_slope_to_the_lowest() -> None:
    assert slopes(maximum_over(x(I), I), 1, 4, 4) == [0, 1, 0]
    assert slopes(maximum_over(x(2 - I), I), 4, 1, 4) == [0, 0, 1]
    assert slopes(maximum_over(x(I) ** 2, I), -3, 3, 3) == [-6, 0, 0]


def test_overlapping_windows_each_give_their_slope_to_their_own_lowest_index() -> None:
    """Windows 0..2 and 2..4 of 5 1 5 5 0: the first takes element 0, the second element 2."""
    i = Index("i", 2)
    assert slopes(sum_over(maximum_over(x(2 * i + K), K), i), 5, 1, 5, 5, 0) == [1, 0, 1, 0, 0]


def test_a_term_has_no_slope_where_its_guard_does_not_hold() -> None:
    assert slopes(sum_over(Guard(x(I) ** 2, I >= 1), I), 3, 3, 3) == [0, 6, 6]


def test_a_padded_window_whose_zero_is_greatest_has_no_slope() -> None:
    at = I + K - 1
    inside = maximum_over(Guard(x(at), at >= 0, at <= 2), K)
    assert slopes(inside.xreplace({I: sympy.Integer(0)}), -1, -2, -1) == [0, 0, 0]
    assert slopes(inside.xreplace({I: sympy.Integer(1)}), -1, -2, -1) == [1, 0, 0]
    assert slopes(sum_over(inside, I), -1, -2, -1) == [1, 0, 0]


def test_no_kink_leaves_a_heaviside_or_a_delta_also_when_differentiated_twice() -> None:
    value = Max(0, x(0)) ** 2 + Abs(x(1)) ** 3 + maximum_over(x(I), I) ** 2
    back = backward(of_vector(value, 3)).program
    summed = back.extended((Equation(Tensor("G"), (), sum_over(back["dx"][I] ** 2, I)),))
    twice = backward(summed, "G").program
    for equation in twice.equations:
        assert not equation.value.has(sympy.Heaviside, sympy.DiracDelta, sympy.Derivative)
    found = evaluate(twice, {"x": (3, -2, 1)}, EXACT)
    # C = 2 x0^2 + |x1|^3: dx = (4 x0, -3 x1^2, 0), G = 16 x0^2 + 9 x1^4
    assert [found["dx"][at,] for at in range(3)] == [12, -12, 0]
    second = found["ddx"]
    assert [second[at,] for at in range(3)] == [32 * 3, 36 * -8, 0]


# The nodes -------------------------------------------------------------------------------------------------------

FIRST = FirstGreatest(x(K), K, 0, 2, Symbol("p", integer=True))


def test_maxima_that_differ_in_the_index_alone_are_the_same_object() -> None:
    other = Index("q", 3)
    assert maximum_over(x(I), I) == maximum_over(x(other), other)
    assert maximum_over(x(I), I) != sum_over(x(I), I)


def test_what_stands_outside_of_the_bound_index_is_replaced_without_being_captured() -> None:
    put = FIRST.xreplace({Symbol("p", integer=True): K})
    assert put == FirstGreatest(x(I), I, 0, 2, K)
    assert put.free_symbols == {K}


def test_a_maximum_over_one_value_is_that_and_over_none_is_refused() -> None:
    assert Maximum(x(K), K, 1, 1) == x(1)
    with pytest.raises(ProgramError, match="a Maximum over an empty range has no value"):
        Maximum(x(K), K, 2, 1)
    with pytest.raises(ProgramError, match="is over an empty range at n = 1"):
        of_vector(Maximum(x(0) * K, K, 1, size("n") - 1), 1)


def test_rewrites_go_through_maxima() -> None:
    total = maximum_over(sum_over(3 * x(I) * Read("y", K), K), I)
    assert pull_constants(total) == maximum_over(3 * x(I) * sum_over(Read("y", K), K), I)
    assert {read.name for read in rename_reads(total, {"x": "z"}).atoms(Read)} == {"y", "z"}
    assert map_reads(maximum_over(x(I), I), lambda read: 2 * read) == maximum_over(2 * x(I), I)
    assert rename_reads(FIRST, {"x": "z"}) == FirstGreatest(Read("z", K), K, 0, 2, Symbol("p", integer=True))
    assert expanded_sums(maximum_over(x(I), I)) == AtGreatest(*map(x, range(3)), *map(x, range(3)))


def test_putting_a_definition_into_a_maximum_keeps_its_value() -> None:
    program = programs.max_pooling()
    pooled = Program(
        program.inputs,
        (Equation(Tensor("v", program["x"].indices), program["x"].indices, program["x"].element * 2),
         *(Equation(one.tensor, one.at, rename_reads(one.value, {"x": "v"})) for one in program.equations)),
    )  # fmt: skip
    inputs = rational_inputs(pooled, 4)
    assert evaluate(inline(pooled, ["v"]), inputs, EXACT)["C"] == evaluate(pooled, inputs, EXACT)["C"]
    back = backward(pooled).program
    scaled = rescale(back, ["dv", "dx"], sympy.Rational(1, 2))
    assert evaluate(scaled, inputs, EXACT)["dw"] == evaluate(back, inputs, EXACT)["dw"]


def test_a_kept_axis_stays_in_a_maximum() -> None:
    """The samples stay an axis, the units are written out; the maxima are the same."""
    program = programs.shifted_log_sum_exp()
    kept = unroll(program, keep=("s",))
    assert [one.tensor.name for one in kept.equations] == ["m", "C"]
    assert kept.equation("C").value.has(IndexSum)
    z = {(0, 0): 1.0, (0, 1): 3.0, (0, 2): 2.0, (1, 0): 5.0, (1, 1): 4.0, (1, 2): 0.5}
    columns = {
        f"z[:,{k}]": {(s,): value for (s, column), value in z.items() if column == k} for k in range(3)
    }
    assert evaluate(kept, columns, double())["m"] == {(0,): 3.0, (1,): 5.0}
    assert evaluate(kept, columns, double())["C"] == evaluate(program, {"z": z}, double())["C"]


# What gradients must be ------------------------------------------------------------------------------------------


def test_the_maximum_cancels_out_of_the_gradient_of_the_shifted_log_sum_exp() -> None:
    inputs = rational_inputs(programs.shifted_log_sum_exp(), 2)
    found = evaluate(backward(programs.shifted_log_sum_exp()).program, inputs, FIFTY)["dz"]
    for (s, k), value in found.items():
        powers = [FIFTY.functions["exp"](FIFTY.number(inputs["z"][s, other])) for other in range(3)]
        assert abs(value - powers[k] / sum(powers)) < 1e-45


def test_attention_masked_by_a_condition_is_attention_masked_by_a_tensor_of_ones_and_zeros() -> None:
    inputs = rational_inputs(programs.attention(), 6)
    mask = {(t, u): int(u <= t) for t, u in product(range(3), repeat=2)}
    one = evaluate(backward(programs.attention()).program, inputs, FIFTY)
    other = evaluate(backward(programs.attention_masked()).program, {**inputs, "mask": mask}, FIFTY)
    for name in ("C", "dq", "dk", "dv"):
        assert all(abs(other[name][at] - value) < 1e-45 for at, value in one[name].items()), name


def test_a_recurrence_from_zero_is_one_whose_given_state_is_zero() -> None:
    zero = {(i,): 0 for i in range(2)}
    for given, without, states in (
        (programs.elman, programs.elman_from_zero, ["start"]),
        (programs.lstm, programs.lstm_from_zero, ["h0", "c0"]),
    ):
        inputs = rational_inputs(without(), 8)
        start = dict.fromkeys(states, zero)
        one = evaluate(backward(without()).program, inputs, FIFTY)
        other = evaluate(backward(given()).program, {**inputs, **start}, FIFTY)
        for name in inputs:
            assert all(abs(other[f"d{name}"][at] - v) < 1e-45 for at, v in one[f"d{name}"].items()), name


def test_an_embedding_sends_the_gradient_to_the_rows_that_were_looked_up() -> None:
    program = backward(programs.embedding()).program
    one_hot = ((0, 1, 0), (0, 1, 0))
    found = evaluate(program, {"one_hot": one_hot, "table": ((1, 2), (3, 4), (5, 6))}, FIFTY)
    assert all(found["dtable"][n, i] == 0 for n in (0, 2) for i in range(2))
    # d (x exp x) / dx = (1 + x) exp x, for two samples
    exponential = FIFTY.functions["exp"]
    assert abs(found["dtable"][1, 0] - 2 * 4 * exponential(FIFTY.number(Fraction(3)))) < 1e-40


def test_an_l1_term_adds_the_sign_and_an_l2_term_the_weight() -> None:
    inputs = {"W": ((2, 0, -3), (1, 1, 1)), "x": (0, 0, 0), "t": (0, 0)}
    found = evaluate(backward(programs.penalties()).program, inputs, EXACT)["dW"]
    tenth = Fraction(1, 10)
    assert [found[0, j] for j in range(3)] == [tenth + 2 * tenth, 0, -tenth - 3 * tenth]


def test_softmax_and_cross_entropy_in_two_equations_have_the_gradient_of_the_fused_form() -> None:
    inputs = rational_inputs(programs.softmax_cross_entropy(samples=1), 9)
    row = {name: {(k,): v for (_, k), v in elements.items()} for name, elements in inputs.items()}
    two = evaluate(backward(programs.softmax_cross_entropy(samples=1)).program, inputs, FIFTY)["dz"]
    fused = evaluate(backward(programs.fused_cross_entropy()).program, row, FIFTY)["dz"]
    assert all(abs(two[0, k] - fused[k,]) < 1e-45 for k in range(3))


def test_a_window_that_slides_costs_no_case_of_its_own() -> None:
    """The adjoint of max-pooling is written with the node that says which index was greatest."""
    equation = backward(programs.max_pooling()).program.equation("dx")
    assert equation.value.has(FirstGreatest)
    assert not equation.value.has(sympy.Piecewise)
