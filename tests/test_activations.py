"""Every record of the registries: its textbook forms are proved, its safe forms measured."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import pytest
import sympy

from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import digits, evaluate
from bpsym.errors import InputError
from bpsym.network.activations import ACTIVATIONS, Activation
from bpsym.network.expressions import Formula, read, to_sympy
from bpsym.network.losses import LOSSES, Loss

Z, A, T = sympy.Symbol("z", real=True), sympy.Symbol("a", real=True), sympy.Symbol("t", real=True)
POINTS = tuple(sympy.Rational(random.Random(n).randint(-400, 400), 97) for n in range(12))
PRECISE = mpmath.mp.clone()
PRECISE.dps = 40

activations = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def equal(one: Any, other: Any, symbol: Any = Z) -> bool:
    """Equal to 30 digits at random rationals."""
    return all(abs((one - other).xreplace({symbol: point}).evalf(40)) < 1e-30 for point in POINTS)


def put(activation: Activation, formula: Formula) -> Any:
    return to_sympy(formula, {"z": Z, "a": activation.at(Z)})


@activations
def test_the_slope_of_an_activation_is_its_derivative(activation: Activation) -> None:
    assert equal(sympy.diff(activation.at(Z), Z), activation.slope_at(Z, activation.at(Z)))


@activations
def test_each_line_of_a_derivative_is_proved_equal_to_the_one_before(activation: Activation) -> None:
    lines = [sympy.diff(activation.at(Z), Z), *(put(activation, line) for line in activation.line_formulas)]
    lines.append(put(activation, activation.slope_formula))
    for before, line in pairwise(lines):
        assert equal(before, line)


def test_a_planted_wrong_line_is_refused() -> None:
    sigmoid = ACTIVATIONS["sigmoid"]
    for wrong in ("(1 / (1 + exp(-z)))**2 * (-exp(-z))", "a * (1 + a)", "z * (1 - z)", "a - a**3"):
        assert not equal(sympy.diff(sigmoid.at(Z), Z), put(sigmoid, read(wrong, ("z", "a"))))


@activations
def test_the_safe_forms_are_the_activation(activation: Activation) -> None:
    for formula in (activation.scalar_formula, activation.array_formula):
        assert equal(activation.at(Z), to_sympy(formula, {"z": Z}))


@activations
def test_the_steepest_slope_is_a_bound_that_is_nearly_reached(activation: Activation) -> None:
    slope = sympy.lambdify(Z, sympy.diff(activation.at(Z), Z), "mpmath")
    bound = float(to_sympy(activation.steepest_formula, {}))
    steepest = max(abs(slope(mpmath.mpf(number) / 64)) for number in range(-640, 641))
    assert bound - 1e-3 <= steepest <= bound + 1e-12


def test_activations_have_the_values_of_a_table() -> None:
    """Abramowitz and Stegun, table 4.15: tanh 0.5 = 0.46211 71573, tanh 1 = 0.76159 41560.

    sigmoid(z) = (1 + tanh(z/2)) / 2
    """
    at = {name: record.at for name, record in ACTIVATIONS.items()}
    assert float(at["tanh"](sympy.Rational(1, 2))) == pytest.approx(0.4621171573, abs=5e-11)
    assert float(at["tanh"](sympy.Integer(1))) == pytest.approx(0.7615941560, abs=5e-11)
    assert float(at["sigmoid"](sympy.Integer(1))) == pytest.approx((1 + 0.4621171573) / 2, abs=5e-11)
    assert at["identity"](sympy.Rational(3, 7)) == sympy.Rational(3, 7)


@losses
def test_the_slope_of_a_loss_is_its_derivative(loss: Loss) -> None:
    factor = to_sympy(loss.factor_formula, {})
    assert sympy.expand(sympy.diff(factor * loss.at(A, T), A) - loss.slope_at(A, T)) == 0


def test_each_loss_has_a_value_worked_out_by_hand() -> None:
    """Outputs (0.8, 0.3), targets (1, 0.5): errors -0.2, -0.2; squares 0.04 + 0.04 = 0.08, half of it 0.04."""
    by_hand = {"half_squared_error": Fraction(4, 100), "squared_error": Fraction(8, 100)}
    assert by_hand.keys() == LOSSES.keys()
    pairs = ((sympy.Rational(8, 10), sympy.Integer(1)), (sympy.Rational(3, 10), sympy.Rational(1, 2)))
    for name, expected in by_hand.items():
        loss = LOSSES[name]
        total = to_sympy(loss.factor_formula, {}) * sum(loss.at(a, t) for a, t in pairs)
        assert Fraction(total.p, total.q) == expected


@activations
def test_the_calculus_gives_the_declared_slope(activation: Activation) -> None:
    """backward through the record's equation, against mpmath's own numeric derivative."""
    z, a = Tensor("z"), Tensor("a")
    equation = Equation(a, (), activation.at(z[()]), ((z[()], activation.slope_at(z[()], a[()])),))
    program = Program((z,), (equation, Equation(Tensor("C"), (), a[()])))
    back = backward(program).program
    function: Callable[[Any], Any] = sympy.lambdify(Z, activation.at(Z), PRECISE)
    for point in POINTS:
        value = evaluate(back, {"z": Fraction(point.p, point.q)}, digits(40))["dz"][()]
        assert abs(value - PRECISE.diff(function, PRECISE.mpf(point.p) / point.q)) < 1e-15


# Formulas that people write --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('id')", "a function is called by its name"),
        ("().__class__", "only + - * / **, brackets"),
        ("9**9**9**9", "an exponent must be a number"),
        ("z**1000", "too large"),
        ("(" * 10_000 + "z" + ")" * 10_000, "characters, more than"),
        ("(" * 60 + "z" + ")" * 60, "nests deeper"),
        ("y + 1", "unknown name 'y' (write z)"),
        ("sinh(z)", "unknown function 'sinh'"),
        ("max(z)", "max is given 1 arguments"),
        ("z @ z", "the operator MatMult is not known"),
        ("z if z else 1", "a condition compares two values"),
        ("'z'", "is no number"),
        ("True", "is no number"),
        ("z +", "cannot be read"),
        ("", "cannot be read"),
        ("~z", "only - and + can be written"),
        ("exp(x=z)", "a function is called by its name"),
    ],
)
def test_a_formula_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text, ("z",))
    assert message in str(caught.value)


def test_a_decimal_in_a_formula_is_exact() -> None:
    assert to_sympy(read("0.1 * z", ("z",)), {"z": Z}) == Z / 10
    assert math.isclose(float(to_sympy(read("exp(1)", ()), {})), math.e)
