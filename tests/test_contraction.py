"""Index equations as whole arrays: proved by expansion, and executed by NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from sympy import Eq, Integer

from bpsym.calculus.array_evaluate import evaluate_arrays
from bpsym.calculus.arrays import (
    Array,
    ArrayRead,
    Einsum,
    Elementwise,
    Indicator,
    Masked,
    MatMul,
    Placed,
    Reduced,
    Spread,
    Transposed,
    expanded,
)
from bpsym.calculus.backward import backward
from bpsym.calculus.contraction import Recognition, contraction, normal
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.nodes import Divisible, Guard, Index, Read, size, sum_over
from bpsym.calculus.schedule import Loop, Once, Step, schedule
from bpsym.errors import ProgramError
from tests.programs import PROGRAMS

S, I, J = (Index(name, size(extent)) for name, extent in zip("sij", ("m", "n", "k"), strict=True))
X, W, B, D = Tensor("x", (S, J)), Tensor("W", (I, J)), Tensor("b", (I,)), Tensor("d", (S, I))


def of(target: Tensor, at: tuple[Index, ...], value: Any) -> Array:
    return contraction(Equation(target, at, value))


def test_a_dense_layer_is_a_product_with_the_transposed_weights() -> None:
    found = of(Tensor("z", (S, I)), (S, I), sum_over(W[I, J] * X[S, J], J) + B[I])
    assert isinstance(found, Elementwise)
    product, bias = found.arguments
    assert isinstance(product, MatMul)
    assert isinstance(product.left, ArrayRead)
    assert product.left.name == "x"
    assert isinstance(product.right, Transposed)
    assert isinstance(bias, ArrayRead)


def test_a_gradient_of_weights_is_the_transposed_error_times_the_input() -> None:
    found = of(Tensor("g", (I, J)), (I, J), sum_over(D[S, I] * X[S, J], S))
    assert isinstance(found, MatMul)
    assert isinstance(found.left, Transposed)
    assert isinstance(found.right, ArrayRead)


def test_a_bias_is_summed_over_the_samples_and_a_shared_one_over_everything() -> None:
    one = of(Tensor("g", (I,)), (I,), sum_over(D[S, I], S))
    assert isinstance(one, Reduced)
    assert one.axes == (I,)
    shared = of(Tensor("g"), (), sum_over(D[S, I], S, I))
    assert isinstance(shared, Reduced)
    assert len(shared.indices) == 2


def test_an_axis_that_is_missing_in_front_of_others_is_made() -> None:
    v = Tensor("v", (S,))
    found = of(Tensor("z", (S, I)), (S, I), v[S] * D[S, I])
    assert isinstance(found, Elementwise)
    assert any(isinstance(argument, Spread) for argument in found.arguments)


def test_a_product_with_a_vector_needs_no_transpose() -> None:
    v, u = Tensor("v", (J,)), Tensor("u", (I,))
    behind = of(Tensor("z", (I,)), (I,), sum_over(W[I, J] * v[J], J))
    before = of(Tensor("z", (J,)), (J,), sum_over(W[I, J] * u[I], I))
    assert isinstance(behind, MatMul)
    assert isinstance(before, MatMul)
    assert isinstance(behind.left, ArrayRead)
    assert isinstance(before.right, ArrayRead)


def test_a_product_that_keeps_a_common_axis_is_an_einsum() -> None:
    """Scores of several heads: sum_j q[s,i,j] k[s,k,j]."""
    k = Index("k", 4)
    q, keys = Tensor("q", (S, I, J)), Tensor("keys", (S, k, J))
    found = of(Tensor("e", (S, I, k)), (S, I, k), sum_over(q[S, I, J] * keys[S, k, J], J))
    assert isinstance(found, Einsum)
    assert found.subscripts == "abc,adc->adb"  # keys, q -> s, i, k


P, Q = Index("p", 8), Index("q", 8)
V = Tensor("v", (P,))


def test_a_guard_on_one_index_is_a_place_in_zeros() -> None:
    """3 | p and p <= 6 for p in 0..7: at 0, 3, 6."""
    value = Guard(Read("y", P / 3), 6 - P >= 0, Divisible(P, Integer(3)))
    found = of(V, (P,), value)
    assert isinstance(found, Placed)
    (at,), (inner,) = found.at, found.inner
    assert at == 3 * inner
    assert (inner.lower, inner.upper) == (0, 2)
    assert found.array == ArrayRead("y", (inner,), (inner,))


def test_a_guard_on_two_indices_that_are_equal_is_the_diagonal() -> None:
    found = of(Tensor("A", (P, Q)), (P, Q), Guard(Read("d", P), Eq(P, Q)))
    assert isinstance(found, Placed)
    assert found.at == (Q, Q)
    assert found.array == ArrayRead("d", (Q,), (Q,))


def test_a_triangle_is_a_mask_on_the_factor_that_has_its_axes_or_ones_and_zeros() -> None:
    below = Index("k", lower=0, upper=P)
    masked = of(V, (P,), sum_over(Read("e", P, below), below))
    assert isinstance(masked, Reduced)
    assert isinstance(masked.array, Masked)
    ones = of(V, (P,), sum_over(Read("x", below), below))
    assert isinstance(ones, MatMul)
    assert isinstance(ones.left, Indicator)


def test_an_index_may_be_a_number_like_others() -> None:
    """p^2 x[p]: positions, not elements."""
    x, y = Tensor("x", (P,)), Tensor("y", (P,))
    program = Program((x,), (Equation(y, (P,), P**2 * x[P]),))
    assert list(evaluate_arrays(program, {"x": [1.0] * 8})["y"]) == [p**2 for p in range(8)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_array_expressions_stand_for_their_equations(name: str) -> None:
    found = list(pairs(schedule(backward(PROGRAMS[name]()).program), ()))
    assert found
    for equation, fixed in found:
        assert normal(expanded(contraction(equation, fixed)), fixed) == normal(equation.value, fixed)


def pairs(steps: Iterable[Step], fixed: tuple[Index, ...]) -> Iterator[tuple[Equation, tuple[Index, ...]]]:
    """Each equation with the loop indices around it."""
    for step in steps:
        if isinstance(step, Once):
            yield step.equation, fixed
        else:
            yield from pairs(step.steps, (*fixed, step.index))


def test_what_is_not_equal_is_not_taken_for_equal() -> None:
    """The form in which expressions are compared tells a guard's limits, strides and diagonals apart."""
    x = Read("x", P)
    values = [
        Guard(x, P >= 1), Guard(x, P >= 2), Guard(x, P <= 6), Guard(x, Eq(P, 1)), Guard(x, Divisible(P, Integer(2))),
        Guard(x, Divisible(P - 1, Integer(2))), Guard(x, Divisible(P, Integer(3))), Guard(x, Eq(P, Q)), Guard(x, P >= Q),
        Guard(x, Q >= P), sum_over(Guard(x, P >= Q), Q), sum_over(Guard(x, Q >= P), Q), x, 2 * x, 8 * x,
    ]  # fmt: skip
    forms = [normal(value) for value in values]
    assert len(set(forms)) == len(forms)


def test_a_wrong_recognition_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recognition, "whole", lambda self, value: ArrayRead("x", (P,), (P,)))
    with pytest.raises(ProgramError, match="no array expression for it"):
        contraction(Equation(V, (P,), 2 * Read("x", P)))


def test_loops_keep_their_index_as_a_number() -> None:
    """h[t,i] = sum_j W[i,j] h[t-1,j]: a vector each step."""
    t, i, j = Index("t", lower=1, upper=3), Index("i", 2), Index("j", 2)
    h = Tensor("h", (Index("t", 4), i))
    value = sum_over(Read("W", i, j) * h[t - 1, j], j)
    found = contraction(Equation(h, (t, i), value), (t,))
    assert isinstance(found, MatMul)
    assert found.right == ArrayRead("h", (t - 1, found.index), (found.index,))
    assert isinstance(
        schedule(
            Program(
                (Tensor("W", (i, j)), Tensor("o", (i,))),
                (Equation(h, (0, i), Read("o", i)), Equation(h, (t, i), value)),
            )
        )[1],
        Loop,
    )
