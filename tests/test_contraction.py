"""Index equations as whole arrays: proved by expansion, and executed by NumPy."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sympy import Rational, exp, tanh

from bpsym.calculus.backward import backward
from bpsym.calculus.contraction import (
    Array,
    ArrayRead,
    Elementwise,
    MatMul,
    Scalar,
    Spread,
    SumOver,
    Transposed,
    contraction,
    expanded,
)
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import double, evaluate
from bpsym.calculus.nodes import Index, Read, size, sum_over
from bpsym.calculus.rewrites import pull_constants
from bpsym.errors import ProgramError
from tests.test_calculus import autoencoder, dense, rational_inputs, softmax_cross_entropy

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
    assert isinstance(one, SumOver)
    assert one.axes == (I,)
    shared = of(Tensor("g"), (), sum_over(D[S, I], S, I))
    assert isinstance(shared, SumOver)
    assert len(shared.indices) == 2


def test_an_axis_that_is_missing_in_front_of_others_is_made() -> None:
    v = Tensor("v", (S,))
    found = of(Tensor("z", (S, I)), (S, I), v[S] * D[S, I])
    assert isinstance(found, Elementwise)
    assert any(isinstance(argument, Spread) for argument in found.arguments)


@pytest.mark.parametrize(
    "value", [X[S, J + 1 - 1] * 0 + Read("A", I, I), Read("x", 0, J), Read("x", S, J + 1)]
)
def test_what_is_no_plain_read_is_refused(value: Any) -> None:
    with pytest.raises(ProgramError, match="is no plain read"):
        of(Tensor("z", (S, J)), (S, J), value)


PROGRAMS: dict[str, Callable[[], Program]] = {
    "dense": dense,
    "softmax": softmax_cross_entropy,
    "tied": autoencoder,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_numpy_computes_what_the_equations_say(name: str) -> None:
    program = backward(PROGRAMS[name]()).program
    inputs = rational_inputs(program, 2)
    values = evaluate(program, inputs, double())
    arrays = {tensor: as_array(program[tensor], elements) for tensor, elements in values.items()}
    compared = 0
    for equation in program.equations:
        found = contraction(equation)
        assert pull_constants(expanded(found)).expand(deep=False) == pull_constants(equation.value).expand(
            deep=False
        )
        computed = np.broadcast_to(run(found, arrays), [int(extent) for extent in equation.tensor.shape])
        np.testing.assert_allclose(computed, arrays[equation.tensor.name], rtol=1e-12, atol=1e-14)
        compared += 1
    assert compared > 4


def as_array(tensor: Tensor, elements: dict[tuple[int, ...], Any]) -> Any:
    found = np.zeros([int(extent) for extent in tensor.shape])
    for at, value in elements.items():
        found[at] = float(value)
    return found


def run(one: Array, arrays: dict[str, Any]) -> Any:
    """The array expression, executed with NumPy, by its definition."""
    match one:
        case ArrayRead(name=name):
            return arrays[name]
        case Scalar(value=value):
            return float(Fraction(int(value.p), int(value.q)))
        case Transposed(array=inner, axes=axes):
            return np.transpose(run(inner, arrays), [inner.axes.index(axis) for axis in axes])
        case Spread(array=inner, axes=axes):
            return run(inner, arrays)[tuple(slice(None) if axis in inner.axes else None for axis in axes)]
        case MatMul(left=left, right=right):
            return run(left, arrays) @ run(right, arrays)
        case SumOver(array=inner, indices=indices):
            return run(inner, arrays).sum(axis=tuple(inner.axes.index(index) for index in indices))
        case Elementwise(function=function, arguments=arguments):
            return NUMPY[function.__name__](*(run(argument, arrays) for argument in arguments))
    raise TypeError(one)


NUMPY: dict[str, Callable[..., Any]] = {
    "Add": lambda *terms: sum(terms),
    "Mul": lambda *factors: (
        np.prod(np.broadcast_arrays(*factors), axis=0) if len(factors) > 1 else factors[0]
    ),
    "Pow": lambda base, exponent: base**exponent,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
}
assert {exp.__name__, tanh.__name__} <= NUMPY.keys()
assert Rational
