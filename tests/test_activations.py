"""Every record of the registries: its textbook forms are proved; its values are those of tables; slopes at kinks."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import pytest
import sympy

import bpsym
from bpsym import api
from bpsym.calculus.arithmetic import digits
from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import evaluate
from bpsym.network.activations import ACTIVATIONS, GENERIC, Activation, activation_of
from bpsym.network.expressions import Formula, read_own, to_sympy
from bpsym.network.forward import forward_program
from bpsym.network.gradients import gradient_program
from bpsym.network.intervals import REAL, Interval, interval
from bpsym.network.losses import LOSSES, Loss, loss_of
from tests.trainers import trainer_of

Z, Y, V, A, T = (sympy.Symbol(name, real=True) for name in ("z", "y", "v", "a", "t"))
DRAW = random.Random(11)
POINTS = tuple(
    {symbol: sympy.Rational(DRAW.randint(-400, 400), 97) for symbol in (Z, Y, V, T)}
    | {A: sympy.Rational(DRAW.randint(1, 96), 97)}
    for _ in range(12)
)
PRECISE = mpmath.mp.clone()
PRECISE.dps = 40

activations = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def equal(one: Any, other: Any) -> bool:
    """Equal to 30 digits at random rationals."""
    return all(abs((one - other).xreplace(point).evalf(40)) < 1e-30 for point in POINTS)


def over_three(own: Any) -> Mapping[str, Any]:
    """total(...) over a layer of three units, whose z are Z, Y and V."""
    return {"total": lambda summand: sum(summand({"z": one}) for one in (Z, Y, V))}


def put(activation: Activation, formula: Formula) -> Any:
    """The formula, with a and b for the outputs at Z and Y."""
    outputs = {"a": activation.at(Z, over_three(Z)), "b": activation.at(Y, over_three(Y))}
    return to_sympy(formula, {"z": Z, "y": Y} | outputs, over_three(Z))


@activations
def test_the_slope_of_an_activation_is_its_derivative(activation: Activation) -> None:
    a = activation.at(Z, over_three(Z))
    assert equal(sympy.diff(a, Z), activation.slope_at(Z, a, over_three(Z)))


@activations
def test_each_line_of_a_derivative_is_proved_equal_to_the_one_before(activation: Activation) -> None:
    a = activation.at(Z, over_three(Z))
    lines = [sympy.diff(a, Z), *(put(activation, line) for line in activation.line_formulas)]
    assert activation.slope_formula is not None
    lines.append(put(activation, activation.slope_formula))
    for before, line in pairwise(lines):
        assert equal(before, line)


@pytest.mark.parametrize("name", [name for name, one in ACTIVATIONS.items() if one.is_layer_wide])
def test_each_line_of_the_derivative_by_another_unit_is_proved_too(name: str) -> None:
    activation = ACTIVATIONS[name]
    lines = [sympy.diff(activation.at(Z, over_three(Z)), Y)]
    lines += [put(activation, line) for line in activation.other_formulas]
    assert len(lines) > 1
    for before, line in pairwise(lines):
        assert equal(before, line)


def test_a_planted_wrong_line_is_refused() -> None:
    sigmoid = ACTIVATIONS["sigmoid"]
    for wrong in ("(1 / (1 + exp(-z)))**2 * (-exp(-z))", "a * (1 + a)", "z * (1 - z)", "a - a**3"):
        assert not equal(sympy.diff(sigmoid.at(Z), Z), put(sigmoid, read_own(wrong, ("z", "a"))))
    softmax = ACTIVATIONS["softmax"]
    for wrong in ("a * b", "-a * a", "-b", "-a * (1 - b)"):
        right = sympy.diff(softmax.at(Z, over_three(Z)), Y)
        assert not equal(right, put(softmax, read_own(wrong, ("z", "a", "y", "b"))))


@activations
def test_the_safe_forms_are_the_activation_and_its_slope(activation: Activation) -> None:
    a = activation.at(Z, over_three(Z))
    for formula in (activation.scalar_formula, activation.array_formula):
        assert equal(a, put(activation, formula))
    for slope in (activation.slope_scalar_formula, activation.slope_array_formula):
        assert slope is not None
        assert equal(activation.slope_at(Z, a, over_three(Z)), put(activation, slope))


@activations
def test_a_steepest_slope_that_is_stated_is_a_bound_that_is_nearly_reached(activation: Activation) -> None:
    if activation.steepest_formula is None:
        return
    slope = sympy.lambdify(Z, sympy.diff(activation.at(Z), Z), "mpmath")
    bound = float(to_sympy(activation.steepest_formula, {}))
    steepest = max(abs(slope(mpmath.mpf(number) / 64)) for number in range(-640, 641) if number)
    assert bound - 1e-3 <= steepest <= bound + 1e-12


def test_activations_have_the_values_of_a_table() -> None:
    """Abramowitz and Stegun, tables 4.15, 7.1, 4.4: tanh 0.5 = 0.46211 71573, tanh 1 = 0.76159 41560,
    exp(-1) = 0.36787 94412, ln 2 = 0.69314 71806; P(1) = 0.84134 47461, the normal distribution within one sigma.

    sigmoid(z) = (1 + tanh(z/2)) / 2, silu(1) = sigmoid(1), gelu(1) = P(1), elu(-1) = exp(-1) - 1.
    """
    half, one = sympy.Rational(1, 2), sympy.Integer(1)
    expected = {
        "tanh": ((half, 0.4621171573), (one, 0.7615941560)),
        "sigmoid": ((one, (1 + 0.4621171573) / 2),),
        "identity": ((half, 0.5),),
        "relu": ((half, 0.5), (-half, 0.0)),
        "leaky_relu": ((half, 0.5), (-2 * one, -0.02)),
        "elu": ((half, 0.5), (-one, 0.3678794412 - 1)),
        "softplus": ((0 * one, 0.6931471806),),
        "silu": ((one, (1 + 0.4621171573) / 2), (-one, (0.4621171573 - 1) / 2)),
        "gelu": ((one, 0.8413447461), (-one, 0.8413447461 - 1)),
    }
    assert expected.keys() == {name for name, record in ACTIVATIONS.items() if not record.is_layer_wide}
    for name, pairs in expected.items():
        for z, value in pairs:
            assert float(ACTIVATIONS[name].at(z)) == pytest.approx(value, abs=6e-11)


@pytest.mark.parametrize("target", api.targets())
def test_softmax_of_one_two_three(target: str) -> None:
    """exp(-2), exp(-1), 1 = 0.135335283, 0.367879441, 1, divided by their sum 1.503214724; and its logarithm,
    0.407605964, is the cross-entropy of the third.
    """
    unit = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    layer = bpsym.Dense(units=3, activation="softmax", weights=unit, bias="none")
    trainer = trainer_of(bpsym.Network(inputs=3, layers=(layer,), loss="cross_entropy"), target)
    (outputs,) = trainer.forward(trainer.INITIAL, [[1.0, 2.0, 3.0]])
    assert list(outputs) == pytest.approx([0.090030573, 0.244728471, 0.665240956], abs=1e-9)
    loss = trainer.loss(trainer.INITIAL, [[1.0, 2.0, 3.0]], [[0.0, 0.0, 1.0]])
    assert loss == pytest.approx(0.407605964, abs=1e-9)


@losses
def test_the_slope_of_a_loss_is_its_derivative(loss: Loss) -> None:
    derivative = loss.factor_of(3) * sympy.diff(loss.at(A, T), A)
    assert equal(derivative, loss.slope_at(A, T, 3))


@losses
def test_the_safe_forms_are_the_loss_and_its_slope(loss: Loss) -> None:
    names = {"a": A, "t": T}
    for formula in (loss.scalar_formula, loss.array_formula):
        assert equal(loss.at(A, T), to_sympy(formula, names))
    for text in (loss.slope_scalar, loss.slope_array):
        if text:
            slope = to_sympy(read_own(text, ("a", "t")), names)
            assert equal(sympy.diff(loss.at(A, T), A), slope)


def test_each_loss_has_a_value_worked_out_by_hand() -> None:
    """Outputs (0.8, 0.3), targets (1, 0.5): errors -0.2, -0.2; squares 0.04 + 0.04 = 0.08, half of it 0.04.

    Abramowitz and Stegun, table 4.2: ln 0.8 = -0.22314 35513, ln 0.3 = -1.20397 28043, ln 0.7 = -0.35667 49439.
    binary: 0.2231435513 + (1.2039728043 + 0.3566749439) / 2; cross-entropy: 0.2231435513 + 1.2039728043 / 2.
    """
    by_hand = {
        "half_squared_error": 0.04,
        "squared_error": 0.08,
        "mean_squared_error": 0.04,
        "absolute_error": 0.4,
        "huber": 0.04,
        "binary_cross_entropy": 1.0034674254,
        "cross_entropy": 0.82512995345,
    }
    assert by_hand.keys() == LOSSES.keys()
    pairs = ((sympy.Rational(8, 10), sympy.Integer(1)), (sympy.Rational(3, 10), sympy.Rational(1, 2)))
    for name, expected in by_hand.items():
        loss = LOSSES[name]
        total = loss.factor_of(2) * sum(loss.at(a, t) for a, t in pairs)
        assert float(total) == pytest.approx(expected, abs=6e-11), name


def test_huber_is_linear_far_out() -> None:
    """Errors -0.2 and 2.8: 0.2**2 / 2 = 0.02 and 2.8 - 0.5 = 2.3."""
    huber = LOSSES["huber"]
    assert huber.at(sympy.Rational(8, 10), sympy.Integer(1)) == sympy.Rational(2, 100)
    assert huber.at(sympy.Rational(33, 10), sympy.Rational(1, 2)) == sympy.Rational(23, 10)
    assert huber.at(-sympy.Rational(23, 10), sympy.Rational(1, 2)) == sympy.Rational(23, 10)


@pytest.mark.parametrize("target", api.targets())
@pytest.mark.parametrize(
    ("loss", "activation", "expected"),
    [
        ("half_squared_error", "identity", 0.04),
        ("squared_error", "identity", 0.08),
        ("mean_squared_error", "identity", 0.04),
        ("absolute_error", "identity", 0.4),
        ("huber", "identity", 0.04),
        ("(a - t)**4", "identity", 0.0032),
        ("binary_cross_entropy", "sigmoid", 1.0034674254),
        ("cross_entropy", "sigmoid", 0.82512995345),
    ],
)
def test_a_trainer_has_the_value_worked_out_by_hand(
    loss: str, activation: str, expected: float, target: str
) -> None:
    """The same outputs and targets as above; for the sigmoid, its z is ln(a / (1 - a)). 2 * 0.2**4 = 0.0032."""
    layer = bpsym.Dense(units=2, activation=activation, weights=[[1, 0], [0, 1]], bias="none")
    trainer = trainer_of(bpsym.Network(inputs=2, layers=(layer,), loss=loss), target)
    x = (
        [0.8, 0.3]
        if activation == "identity"
        else [float(PRECISE.log(4)), float(PRECISE.log(3) - PRECISE.log(7))]
    )
    assert trainer.loss(trainer.INITIAL, [x], [[1.0, 0.5]]) == pytest.approx(expected, abs=6e-11)


@pytest.mark.parametrize("name", [name for name, one in ACTIVATIONS.items() if not one.is_layer_wide])
def test_the_calculus_gives_the_declared_slope(name: str) -> None:
    """backward through the record's equation, with and without its declared slope, against a numeric derivative."""
    activation = ACTIVATIONS[name]
    z, a = Tensor("z"), Tensor("a")
    declared = ((z[()], activation.slope_at(z[()], a[()])),)
    function: Callable[[Any], Any] = sympy.lambdify(Z, activation.at(Z), "mpmath")
    for slopes in (declared, ()):
        equation = Equation(a, (), activation.at(z[()]), slopes)
        back = backward(Program((z,), (equation, Equation(Tensor("C"), (), a[()])))).program
        for point in POINTS:
            at = point[Z]
            value = evaluate(back, {"z": Fraction(at.p, at.q)}, digits(40))["dz"][()]
            with mpmath.workdps(40):
                assert abs(value - mpmath.diff(function, mpmath.mpf(at.p) / at.q)) < 1e-15


# Kinks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "slope"),
    [
        ("relu", 0, 0),
        ("leaky_relu", 0, Fraction(1, 100)),
        ("elu", 0, 1),
        ("abs(z)", 0, 0),
        ("max(0, z)", 0, 0),
        ("max(z, 0)", 0, 0),
        ("min(z, 0)", 0, 0),
        ("min(0, z)", 0, 0),
        ("min(max(z, -1), 1)", -1, 0),
        ("min(max(z, -1), 1)", 1, 0),
        ("max(z, 2 * z)", 0, 1),
        ("max(2 * z, z)", 0, 2),
        ("min(z, 2 * z)", 0, 1),
        ("min(2 * z, z)", 0, 2),
        ("abs(z - 1) + z", 1, 1),
        ("max(max(z, 0), 2 * z)", 0, 0),
        ("max(2 * z, max(z, 0))", 0, 2),
        ("z / (1 + abs(z))", 0, 1),
    ],
)
def test_the_slope_at_a_kink_is_the_one_that_is_stated(text: str, at: int, slope: Fraction) -> None:
    activation = activation_of(text)
    found = activation.slope_at(sympy.Integer(at), activation.at(sympy.Integer(at)))
    assert Fraction(found.p, found.q) == slope
    for target in api.targets():
        layer = bpsym.Dense(units=1, activation=text, weights=[[1]], biases=[0])
        trainer = trainer_of(bpsym.Network(inputs=1, layers=(layer,), loss="a"), target)
        gradients = trainer.gradients(trainer.INITIAL, [[float(at)]], [[0.0]])
        assert float(gradients[-1] if target == "python" else gradients[-1][0]) == float(slope)


@activations
def test_a_kink_that_is_stated_has_the_slope_that_is_stated(activation: Activation) -> None:
    if activation.kink is None:
        return
    at, slope = (to_sympy(read_own(text, ()), {}) for text in (activation.kink.at, activation.kink.slope))
    assert activation.slope_at(at, activation.at(at)) == slope


def test_the_absolute_error_has_slope_zero_where_there_is_no_error() -> None:
    loss = LOSSES["absolute_error"]
    assert loss.kink is not None
    assert (loss.kink.at, loss.kink.slope) == ("t", "0")
    assert loss.slope_at(T, T) == 0
    assert loss_of("abs(a - t)").slope_at(T, T) == 0


# What outputs can be -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.1 + 0.8 / (1 + exp(-z))", 0.1, 0.9),
        ("exp(z)", 0, None),
        ("1 + z**2", 1, None),
        ("-exp(-abs(z))", -1, 0),
        ("(1 + tanh(z)) / 2", 0, 1),
        ("min(max(z, -1), 2)", -1, 2),
        ("sin(z) * 3", -3, 3),
        ("z**3", None, None),
        ("1 / z", None, None),
        ("1 / (2 + z * z)", 0, 0.5),
        ("sqrt(4 + abs(z))", 2, None),
        ("log(1 + exp(z))", 0, None),
    ],
)
def test_what_a_formula_can_be_is_bounded(text: str, low: float | None, high: float | None) -> None:
    found = activation_of(text).range
    assert (found.low, found.high) == (low, high)


@activations
def test_an_activation_stays_in_its_range(activation: Activation) -> None:
    low, high = activation.range.ends
    for point in POINTS:
        assert low <= float(activation.at(Z, over_three(Z)).xreplace(point)) <= high


def test_an_interval_is_inside_another_where_it_keeps_off_its_ends() -> None:
    unit = Interval(0, 1)
    assert Interval(0.1, 0.9).is_inside(unit)
    assert not Interval(0, 0.5).is_inside(unit)
    assert not REAL.is_inside(unit)
    assert unit.is_inside(REAL)
    assert interval(activation_of("z").formula, {"z": unit}) == Interval(0, 1)


# A general f -----------------------------------------------------------------------------------------------------


def test_a_general_f_is_derived_one_for_each_unit() -> None:
    layers = (
        bpsym.Dense(units=2, activation="generic", bias="none"),
        bpsym.Dense(units=1, activation="generic"),
    )
    network = bpsym.Network(inputs=2, layers=layers)
    program = gradient_program(network, 1)
    assert str(program.equation("a1")) == "a1[s, i] = f1(i, z1[s, i])"
    assert str(program.equation("dz2")) == "dz2[s, i] = (a2[s, 0] - t[s, 0])*f2'(i, z2[s, i])"
    assert str(program.equation("dz1")) == "dz1[s, i] = f1'(i, z1[s, i])*W2[0, i]*dz2[s, 0]"
    assert GENERIC.is_unspecified


@pytest.mark.parametrize("target", api.targets())
def test_a_trainer_of_a_general_f_is_refused_with_what_to_give(target: str) -> None:
    layers = (bpsym.Dense(units=2, activation="tanh"), bpsym.Dense(units=1, activation="generic"))
    with pytest.raises(bpsym.BpsymError) as caught:
        trainer_of(bpsym.Network(inputs=2, layers=layers), target)
    assert 'layer 2 is "generic"' in str(caught.value)
    assert 'write activation = "sigmoid"' in str(caught.value)


def test_a_layer_wide_activation_needs_no_declared_slope() -> None:
    network = bpsym.Network(inputs=2, layers=(bpsym.Dense(units=2, activation="softmax"),))
    assert forward_program(network, 1).equation("a1").slopes == ()
