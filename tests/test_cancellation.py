"""Sums whose terms cancel exactly: they are 0, in the numbers and in print, and small numbers stay what they are."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest
from sympy import Abs, Expr, cos, cosh, exp, sin, sinh, tanh

import bpsym
from bpsym.calculus.arithmetic import digits
from bpsym.calculus.cancellation import CertainZeros
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import evaluate
from bpsym.calculus.nodes import Read

X, Y = Read("x"), Read("y")


def number(value: Expr, x: Any, y: Any = 0, known: int = 40) -> Any:
    program = Program((Tensor("x", ()), Tensor("y", ())), (Equation(Tensor("s", ()), (), value),))
    return CertainZeros(program, known).run({"x": {(): Fraction(x)}, "y": {(): Fraction(y)}})["s"][()]


@pytest.mark.parametrize(
    "value",
    [
        sin(X) ** 2 + cos(X) ** 2 - 1,
        exp(X) - sinh(X) - cosh(X),
        tanh(X) * cosh(X) - sinh(X),
        10**12 * sin(X + Y) - 10**12 * (sin(X) * cos(Y) + cos(X) * sin(Y)),
    ],
)
def test_what_cancels_exactly_is_zero(value: Expr) -> None:
    assert any(left_over(value, number) != 0 for number in NUMBERS)
    assert [number(value, one, "0.77") for one in NUMBERS] == [0] * len(NUMBERS)


NUMBERS = [Fraction(one, 100) for one in range(1, 100, 4)]


def left_over(value: Expr, x: Fraction) -> Any:
    """What 40 digits leave of it."""
    program = Program((Tensor("x", ()), Tensor("y", ())), (Equation(Tensor("s", ()), (), value),))
    return evaluate(program, {"x": {(): x}, "y": {(): Fraction("0.77")}}, digits(40))["s"][()]


@pytest.mark.parametrize("power", [15, 25, 33, 38])
def test_a_small_number_stays_what_it_is_and_gains_the_digits_that_cancelled(power: int) -> None:
    """exp(x) - 1 - x is nearly x**2 / 2: the decimal module computes it with 150 digits."""
    with localcontext() as context:
        context.prec = 150
        x = Decimal(10) ** -power
        expected = x.exp() - 1 - x
    found = number(exp(X) - 1 - X, Fraction(1, 10**power), known=4 * power)
    assert found != 0
    assert abs(Decimal(str(found)) / expected - 1) < Decimal(10) ** -10


def test_zeros_are_zero_for_what_is_computed_from_them() -> None:
    """s / |s| of a sum that cancels has no value; of its remains it would be 1 or -1."""
    total = Equation(Tensor("s", ()), (), tanh(X) * cosh(X) - sinh(X))
    sign = Equation(Tensor("sign", ()), (), Read("s") / Abs(Read("s")))
    program = Program((Tensor("x", ()),), (total, sign))
    for one in NUMBERS:
        with pytest.raises(ZeroDivisionError):
            CertainZeros(program, 40).run({"x": {(): one}})


SHARED = """\
[network]
inputs = 2
loss = "cross_entropy"

[[network.layers]]
units = 3
activation = "softmax"
bias = "layer"
weights = [[0.1, -0.2], [0.3, 0.4], [0.5, 0.7]]
biases = 0.2

[data]
x = [[0.3, 0.9], [0.5, 0.1]]
t = [[0, 1, 0], [1, 0, 0]]

[training]
learning_rate = 0.5
steps = 2
"""


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("samples", [1, 2])
def test_the_bias_that_a_softmax_layer_shares_has_the_gradient_zero(
    samples: int, lang: str, tmp_path: Path
) -> None:
    """Its gradient is the sum of p - t over the outputs, 1 - 1: adding the same to all z changes no probability."""
    file = tmp_path / "shared.toml"
    one = SHARED.replace(", [0.5, 0.1]]", "]").replace(", [1, 0, 0]]", "]")
    file.write_text(one if samples == 1 else SHARED, encoding="utf-8")
    latex = bpsym.derive(bpsym.load(file)).to_latex(lang=lang)
    assert r"= 0.2 - 0.5 \cdot 0 = 0.2" in latex
    assert r"10^{-4" not in latex


def test_gradients_that_cancel_over_the_samples_are_zero(tmp_path: Path) -> None:
    """tanh is odd: samples x and -x with the same target slope give opposite contributions to the bias."""
    file = tmp_path / "odd.toml"
    file.write_text(
        """\
[network]
inputs = 1

[[network.layers]]
units = 1
activation = "tanh"
weights = [[0.7]]
biases = [0]

[data]
x = [[0.3], [-0.3]]
t = [[0.1], [-0.1]]

[training]
learning_rate = 0.5
steps = 3
""",
        encoding="utf-8",
    )
    latex = bpsym.derive(bpsym.load(file)).to_latex()
    assert r"0 - 0.5 \cdot 0 = 0" in latex


def test_a_slope_that_no_gradient_needs_may_have_no_value(tmp_path: Path) -> None:
    """sqrt(z) has none at 0; the layer is frozen, so that nothing is derived through it."""
    file = tmp_path / "frozen.toml"
    file.write_text(
        """\
[network]
inputs = 1

[[network.layers]]
units = 1
activation = "sqrt(z)"
weights = [[0]]
frozen = ["weights", "biases"]

[[network.layers]]
units = 1
activation = "sigmoid"
weights = [[0.1]]
biases = [0.3]

[data]
x = [[0.3]]
t = [[0]]

[training]
learning_rate = 0.5
""",
        encoding="utf-8",
    )
    latex = bpsym.derive(bpsym.load(file)).to_latex()
    assert r"f_2'(z^{(2)}_1)" in latex
    assert r"f_1'" not in latex
    assert r"\infty" not in latex


SATURATED = [("sigmoid", z) for z in (20, 118, 130, 134, 138, 150, 700, -400)] + [
    ("tanh", z) for z in (66, 400)
]


@pytest.mark.parametrize(("activation", "z"), SATURATED)
def test_every_digit_of_a_saturated_gradient_is_right(activation: str, z: int) -> None:
    """a f'(z), in mpmath with 2,000 digits."""
    layer = bpsym.Dense(units=1, activation=activation, weights=[[z]], biases=[0])
    network = bpsym.Network(inputs=1, layers=(layer,))
    example = bpsym.Example(network=network, data={"x": [[1]], "t": [[0]]})
    derivation = bpsym.derive(example).derivation
    assert derivation.values is not None
    gradient = next(
        one for one in derivation.program.tensors.values() if one.is_adjoint and one.origin.of == "b1"
    )
    found = derivation.values[0][gradient.name][0,]
    with mpmath.workdps(2000):
        a = {"sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)), "tanh": mpmath.tanh}[activation](mpmath.mpf(z))
        slope = {"sigmoid": a * (1 - a), "tanh": 1 - a * a}[activation]
        assert abs(mpmath.mpf(str(found)) / (a * slope) - 1) < mpmath.mpf(10) ** -38


def test_what_is_lost_in_a_sum_is_not_lost_in_print() -> None:
    """Sample 1 contributes e**-150 (half of it to the mean), sample 2 about e**-165: neither drops out."""
    layer = bpsym.Dense(units=1, activation="sigmoid", weights=[[150]], biases=[0])
    network = bpsym.Network(inputs=1, layers=(layer,))
    example = bpsym.Example(network=network, data={"x": [[1], [-1.1]], "t": [[0], [1]]})
    text = bpsym.derive(example).to_latex()
    assert text.count(r"3.58755 \cdot 10^{-66}") >= 4
    assert "10^{-7" in text
    assert r"-1.09744" not in text


def test_digits_that_cancel_within_a_loss_are_computed_too() -> None:
    """-ln(1 - a) = 130 + ln(1 + e**-130), though 1 - a has only three of 60 digits."""
    layer = bpsym.Dense(units=1, activation="sigmoid", weights=[[130]], biases=[0])
    network = bpsym.Network(inputs=1, layers=(layer,), loss="-log(1 - a) + 0*t")
    example = bpsym.Example(network=network, data={"x": [[1]], "t": [[0]]})
    derivation = bpsym.derive(example).derivation
    assert derivation.values is not None
    found = derivation.values[0]["E"][0,]
    assert abs(mpmath.mpf(str(found)) - 130) < mpmath.mpf(10) ** -35


def of_one_weight(activations: tuple[str, ...], weights: tuple[Any, ...], loss: str, t: Any) -> bpsym.Example:
    layers = tuple(
        bpsym.Dense(units=1, activation=one, bias="none", weights=[[weight]])
        for one, weight in zip(activations, weights, strict=True)
    )
    network = bpsym.Network(inputs=1, layers=layers, loss=loss)
    return bpsym.Example(
        network=network, data={"x": [[1]], "t": [[t]]}, training={"learning_rate": 0.1, "steps": 2}
    )


def gradient(example: bpsym.Example, of: str) -> Any:
    derivation = bpsym.derive(example).derivation
    assert derivation.values is not None
    tensors = derivation.program.tensors.values()
    found = next(
        one.name for one in tensors if one.origin is not None and one.is_adjoint and one.origin.of == of
    )
    return mpmath.mpf(str(derivation.values[0][found][0, 0]))


def test_a_number_that_is_hardly_above_zero_is_above_zero() -> None:
    """ln(1 + e**-150) is e**-150 nearly, where relu has the slope 1: dE/dw2 = (a - 1) e**-150."""
    example = of_one_weight(("softplus", "relu"), (-150, 1), "half_squared_error", 1)
    found = gradient(example, "W2")
    assert abs(found / -mpmath.exp(-150) - 1) < mpmath.mpf(10) ** -14


@pytest.mark.parametrize("loss", ["absolute_error", "abs(a - t)", "max(a - t, t - a)"])
@pytest.mark.parametrize("z", [80, 120, 400])
def test_a_saturated_output_is_on_its_own_side_of_its_target(loss: str, z: int) -> None:
    """sigmoid(z) is less than 1 for every z: the loss 1 - a has the slope -1, and dE/dw is -a (1 - a)."""
    found = gradient(of_one_weight(("sigmoid",), (z,), loss, 1), "W1")
    with mpmath.workdps(1000):
        a = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
        assert abs(found / (-a * (1 - a)) - 1) < mpmath.mpf(10) ** -14


def test_a_hinge_ends_where_it_ends() -> None:
    """1 - a t = e**-150 nearly, for a = sigmoid(150), t = 1."""
    derivation = bpsym.derive(of_one_weight(("sigmoid",), (150,), "max(0, 1 - a*t)", 1)).derivation
    assert derivation.values is not None
    assert float(derivation.values[0]["E"][0,]) == pytest.approx(math.exp(-150), rel=1e-12)


@pytest.mark.parametrize(("z", "near"), [(30, False), (40, True), (120, True)])
def test_a_unit_that_double_precision_puts_on_a_kink_is_said_to_be_near_it(z: int, near: bool) -> None:
    """1 - sigmoid(40) is 4e-18; 2**-53 is 1.1e-16."""
    document = bpsym.derive(of_one_weight(("sigmoid",), (z,), "absolute_error", 1))
    assert ("comes so near to such a place" in document.to_latex()) == near
    assert ("双精度浮点数已分辨不出" in document.to_latex("zh")) == near


def test_a_logarithm_that_is_nearly_a_whole_number_is_not_said_to_be_one() -> None:
    text = bpsym.derive(of_one_weight(("identity",), (1500,), "log(1 + exp(a*t))", 1)).to_latex()
    assert r"\approx 1500.00" in text
    assert "= 1500.00" not in text


@pytest.mark.parametrize(("t", "apart"), [("0.3", True), ("0.35", False)])
def test_that_a_trainer_ends_elsewhere_is_said(t: str, apart: bool) -> None:
    """|w - 0.3| from w = 0 in steps of 0.1: exactly on the target after three; 0.1 + 0.1 + 0.1 > 0.3 in floats."""
    layer = bpsym.Dense(units=1, activation="identity", bias="none", weights=[[0]])
    network = bpsym.Network(inputs=1, layers=(layer,), loss="absolute_error")
    example = bpsym.Example(
        network=network, data={"x": [[1]], "t": [[Fraction(t)]]}, training={"learning_rate": 0.1, "steps": 20}
    )
    document = bpsym.derive(example)
    assert ("ends elsewhere here" in document.to_latex()) == apart
    assert ("在这里会得到不同的结果" in document.to_latex("zh")) == apart
