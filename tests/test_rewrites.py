"""Rewrites that make programs safe and readable: each leaves every value as it was."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from sympy import Integer, exp, log, tanh

import bpsym
from bpsym.calculus.arithmetic import digits, double
from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import Values, evaluate
from bpsym.calculus.functions import softplus
from bpsym.calculus.nodes import Index, size, sum_over
from bpsym.calculus.recognition import factors, recognised, with_reads
from bpsym.calculus.rewrites import common_factors_out, split_sums
from bpsym.calculus.safe import fused, log_of, shifted
from bpsym.network.activations import ACTIVATIONS
from bpsym.network.forward import forward_program, parameters
from bpsym.network.gradients import gradient_program
from bpsym.network.losses import LOSSES, loss_of

FIFTY = digits(50)
PAIRS = [
    (activation, loss)
    for activation, loss in product(ACTIVATIONS, LOSSES)
    if loss_of(loss).accepts(ACTIVATIONS[activation])
    and (loss == "huber" or activation in ("softmax", "sigmoid", "relu"))
]
pairs = pytest.mark.parametrize(("activation", "loss"), PAIRS)


def network(activation: str, loss: str, hidden: str = "tanh") -> bpsym.Network:
    layers = (
        bpsym.Dense(units=2, activation=hidden),
        bpsym.Dense(units=3, activation=activation, bias="layer"),
    )
    return bpsym.Network(inputs=2, layers=layers, loss=loss)


def inputs_of(program: Program, seed: int = 3) -> dict[str, Any]:
    draw = random.Random(seed)
    return {
        tensor.name: {
            at: Fraction(draw.randint(-90, 90), 97)
            for at in product(*(range(int(extent)) for extent in tensor.shape))
        }
        for tensor in program.inputs
    }


def same(before: Values, after: Values, names: Any) -> None:
    for name in names:
        for at, value in before[name].items():
            assert abs(value - after[name][at]) <= 1e-40 * (1 + abs(value)), (name, at)


@pytest.mark.parametrize(
    ("activation", "loss"),
    [("sigmoid", "binary_cross_entropy"), ("sigmoid", "cross_entropy"), ("softmax", "cross_entropy")],
)
def test_a_fused_logarithm_has_the_same_value(activation: str, loss: str) -> None:
    program = forward_program(network(activation, loss), 2)
    after = fused(program)
    assert after.equation("E").value != program.equation("E").value
    assert "a2" not in after.equation("E").reads
    inputs = inputs_of(program)
    same(evaluate(program, inputs, FIFTY), evaluate(after, inputs, FIFTY), program.tensors)


def test_what_is_no_logarithm_of_an_exponential_stays_as_it_is() -> None:
    program = forward_program(network("0.2 + 0.1 * tanh(z)", "cross_entropy"), 2)
    assert fused(program) == program
    assert log_of(2 + exp(Tensor("x")[()])) is None


def test_logarithms_are_worked_out_by_hand() -> None:
    """ln(1 / (1 + e^-u)) = u - ln(1 + e^u); ln(1 - 1 / (1 + e^-u)) = -ln(1 + e^u); ln(e^u / sum e^v) = u - ln sum e^v."""
    u, j = Tensor("u")[()], Index("j", 3)
    several = Tensor("v", (j,))
    assert log_of(1 / (1 + exp(-u))) == u - softplus(u)
    assert log_of(1 - 1 / (1 + exp(-u))) == -softplus(u)
    assert log_of(1 / (1 + exp(u))) == -softplus(u)
    total = sum_over(exp(several[j]), j)
    assert log_of(exp(u) / total) == u - log(total)


@pairs
def test_the_gradients_stay_what_the_chain_rule_made_them(activation: str, loss: str) -> None:
    """The whole pipeline against `backward` of the equations as they are written."""
    made = network(activation, loss, hidden="softmax")
    plain = backward(forward_program(made, 2)).program
    program = gradient_program(made, 2)
    inputs = inputs_of(program)
    names = ["C", *(f"d{one.name}" for one in parameters(program))]
    same(evaluate(plain, inputs, FIFTY, only=names), evaluate(program, inputs, FIFTY), names)


@pytest.mark.parametrize(
    ("activation", "loss", "delta"),
    [
        ("softmax", "cross_entropy", "sum(t[s, _1], _1=0..2)*a2[s, i] - t[s, i]"),
        ("sigmoid", "binary_cross_entropy", "a2[s, i] - t[s, i]"),
        ("sigmoid", "cross_entropy", "(a2[s, i] - 1)*t[s, i]"),
        ("softmax", "half_squared_error", "(-sum(a2[s, _1]*da2[s, _1], _1=0..2) + da2[s, i])*a2[s, i]"),
        ("sigmoid", "half_squared_error", "(1 - a2[s, i])*(a2[s, i] - t[s, i])*a2[s, i]"),
        ("identity", "absolute_error", "sign(a2[s, i] - t[s, i])"),
    ],
)
def test_the_output_error_terms_are_those_of_the_textbooks(activation: str, loss: str, delta: str) -> None:
    program = gradient_program(network(activation, loss))
    assert str(program.equation("dz2").value) == delta


def test_a_softmax_in_a_hidden_layer_reads_its_outputs_and_no_exponential() -> None:
    program = gradient_program(network("sigmoid", "half_squared_error", hidden="softmax"))
    assert str(program.equation("dz1").value) == "(-sum(a1[s, _1]*da1[s, _1], _1=0..1) + da1[s, i])*a1[s, i]"


def test_what_a_forward_equation_computes_is_read_from_it() -> None:
    s, i = Index("s", size("m")), Index("i", 3)
    z, a = Tensor("z", (s, i)), Tensor("a", (s, i))
    known = [Equation(a, (s, i), tanh(z[s, i]))]
    assert with_reads(1 - tanh(z[s, i]) ** 2, known) == 1 - a[s, i] ** 2
    assert with_reads(tanh(z[s, 2]) * z[s, 0], known) == a[s, 2] * z[s, 0]
    assert with_reads(tanh(2 * z[s, i]), known) == tanh(2 * z[s, i])
    logistic = [Equation(a, (s, i), 1 / (1 + exp(-z[s, i])))]
    assert with_reads(3 / (1 + exp(-z[s, i])) ** 2, logistic) == 3 * a[s, i] ** 2
    assert with_reads(1 / (1 + exp(z[s, i])), logistic) == 1 / (1 + exp(z[s, i]))


def test_what_belongs_to_another_sample_is_not_taken_for_it() -> None:
    s, r, i, j = Index("s", 4), Index("r", 4), Index("i", 3), Index("j", 3)
    z, a = Tensor("z", (s, i)), Tensor("a", (s, i))
    known = [Equation(a, (s, i), exp(z[s, i]) / sum_over(exp(z[s, j]), j))]
    assert with_reads(exp(z[r, i]) / sum_over(exp(z[r, j]), j), known) == a[r, i]
    other = exp(z[r, i]) / sum_over(exp(z[0, j]), j)
    assert with_reads(other, known) == other


def test_factors_are_taken_apart() -> None:
    u, v = Tensor("u")[()], Tensor("v")[()]
    assert sorted(map(str, factors(exp(u + 2 * v) / v**2))) == sorted(
        ["exp(u[])", "exp(v[])", "exp(v[])", "1/v[]", "1/v[]"]
    )
    assert factors(Integer(3)) == [Integer(3)]


def test_recognition_leaves_programs_without_anything_to_recognise_alone() -> None:
    back = backward(forward_program(network("identity", "half_squared_error"), 2)).program
    assert recognised(back).equation("dz2") == back.equation("dz2")


@pairs
def test_shifted_exponentials_have_the_same_values(activation: str, loss: str) -> None:
    program = gradient_program(network(activation, loss, hidden="softmax"), 2)
    after = shifted(program, lambda kind, tensor, axis: kind)
    inputs = inputs_of(program)
    same(
        evaluate(program, inputs, FIFTY),
        evaluate(after, inputs, FIFTY),
        [one.tensor.name for one in program.equations],
    )
    assert {"maximum z1", "shifted z1", "exponential z1", "total z1"} <= set(after.tensors)


def test_a_shifted_softmax_is_finite_where_the_plain_one_overflows() -> None:
    """Scores of 800, 0 and -800, for a hundred bits and for doubles: the loss of the first is 0, of the last 1600."""
    program = gradient_program(network("softmax", "cross_entropy"), 1)
    after = shifted(program, lambda kind, tensor, axis: kind)
    inputs = inputs_of(program) | {"W2": dict.fromkeys(product(range(3), range(2)), 0.0), "b2": {(): 0.0}}
    z2 = after.equation("z2")
    scores = Program(
        (*after.inputs, Tensor("z", z2.tensor.indices)),
        tuple(
            Equation(one.tensor, one.at, Tensor("z", z2.tensor.indices)[one.at])
            if one.tensor.name == "z2"
            else one
            for one in after.equations
        ),
    )
    floats = {name: {at: float(value) for at, value in elements.items()} for name, elements in inputs.items()}
    scores_of = {(0, 0): 800.0, (0, 1): 0.0, (0, 2): -800.0}
    for target, expected in (((1.0, 0.0, 0.0), 0.0), ((0.0, 0.0, 1.0), 1600.0)):
        given = floats | {"z": scores_of, "t": {(0, k): target[k] for k in range(3)}}
        values = evaluate(scores, given, double(), only=["C", "dz2"])
        assert values["C"][()] == expected
        assert [values["dz2"][0, k] for k in range(3)] == [float(k == 0) - target[k] for k in range(3)]


def test_sums_are_split_where_a_factor_comes_out() -> None:
    k, s = Index("k", 3), Index("s", size("m"))
    t, z, c = Tensor("t", (s, k)), Tensor("z", (s, k)), Tensor("c", (s,))
    whole = sum_over(t[s, k] * (c[s] - z[s, k]), k)
    assert split_sums(whole) == c[s] * sum_over(t[s, k], k) - sum_over(t[s, k] * z[s, k], k)
    together = sum_over(t[s, k] - z[s, k] ** 2, k)
    assert split_sums(together) == together


def test_common_factors_come_out() -> None:
    a, x, y = (Tensor(name)[()] for name in "axy")
    assert common_factors_out(a * x - a * y) == a * (x - y)
    assert common_factors_out(a * x - y) == a * x - y
    assert common_factors_out(a * x) == a * x
