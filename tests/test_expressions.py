"""Formulas that people write: what can be written, and that whatever else is written does nothing but be refused."""

from __future__ import annotations

import math
import time
from fractions import Fraction
from typing import Any

import pytest
import sympy

import bpsym
from bpsym import api
from bpsym.errors import InputError
from bpsym.examples.toml_reader import read as read_file
from bpsym.network.activations import activation_of
from bpsym.network.description import Dense, Network
from bpsym.network.expressions import FUNCTIONS, read, read_own, to_sympy
from bpsym.network.losses import loss_of
from tests.trainers import source_of, trainer_of

Z = sympy.Symbol("z", real=True)

REFUSED = [
    ("__import__('os').system('id')", "a function is called by its name"),
    ("().__class__", "only + - * / **, brackets"),
    ("z.__class__", "only + - * / **, brackets"),
    ("9**9**9**9", "an exponent must be a number"),
    ("z**1000", "too large"),
    ("z**z", "an exponent must be a number"),
    ("(" * 10_000 + "z" + ")" * 10_000, "characters, more than"),
    ("(" * 60 + "z" + ")" * 60, "nests deeper"),
    ("[" * 60 + "z" + "]" * 60, "nests deeper"),
    ("z" + " + z" * 110, "more than 100 operations inside each other"),
    ("-" * 400 + "z", "more than 100 operations inside each other"),
    ("y + 1", "unknown name 'y' (write z)"),
    ("sinh(z)", "unknown function 'sinh'"),
    ("eval(z)", "unknown function 'eval'"),
    ("erfc(z)", "unknown function 'erfc'"),
    ("total(z)", "unknown function 'total'"),
    ("max(z)", "max takes 2 arguments"),
    ("exp(z, z)", "exp takes 1 argument, and is given 2"),
    ("exp(*z)", "only + - * / **, brackets"),
    ("z @ z", "the operator MatMult is not known"),
    ("z if z > 0 else 1", "no condition can be written (write max, min or abs)"),
    ("z > 0", "only + - * / **, brackets"),
    ("z and z", "only + - * / **, brackets"),
    ("'z'", "is no number"),
    ("True", "is no number"),
    ("None", "is no number"),
    ("...", "is no number"),
    ("1j * z", "is no number"),
    ("z +", "cannot be read"),
    ("", "cannot be read"),
    ("z; z", "cannot be read"),
    ("z = 1", "cannot be read"),
    ("~z", "only - and + can be written"),
    ("exp(x=z)", "a function is called by its name"),
    ("lambda: z", "only + - * / **, brackets"),
    ("[z for z in z]", "only + - * / **, brackets"),
    ("{z: z}", "only + - * / **, brackets"),
    ("f'{z}'", "only + - * / **, brackets"),
    ("(y := z)", "only + - * / **, brackets"),
    ("z[0]", "only + - * / **, brackets"),
    ("9" * 480, "a part of it is no real number"),
    ("1e999 * z", "a number is too large"),
    ("(10**100)**100 * z", "more than 1000 digits"),
    ("10**100 * 10**100 * 10**100 * 10**100 * 10**100 * 10**100 * 10**100 * 10**100 * 10**100 * 10**100 * z", "more than 1000 digits"),
    ("((((2**(-100))**100)**100)**100) * z", "more than 1000 digits"),
    ("exp(exp(exp(9))) * z", "a part of it is no real number"),
    ("max(z, exp(exp(9)))", "a part of it is no real number"),
    ("z + 1 / 0", "a part of it is no real number"),
    ("log(-1) * z", "a part of it is no real number"),
    ("(-8)**0.5 * z", "a part of it is no real number"),
    ("sqrt(-2)", "a part of it is no real number"),
    ("ｚ + 1", "characters that are no formula's"),
    ("z² + 1", "characters that are no formula's"),
    ("z\x00", "characters that are no formula's"),
    ("z\n+ 1", "characters that are no formula's"),
    ("z\t+ 1", "characters that are no formula's"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=range(len(REFUSED)))
def test_a_formula_that_is_none_is_refused_at_once(text: str, message: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        read(text, ("z",))
    assert time.perf_counter() - start < 0.5
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["1 / (z - z)", "log(0 * z)", "sqrt(-1 - 0 * z)", "max(z, sqrt(-1 - z**2))"])
def test_a_formula_that_is_no_real_number_anywhere_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no real number"):
        activation_of(text)


def test_nothing_is_executed(tmp_path: Any) -> None:
    mark = tmp_path / "mark"
    for text in (
        f"__import__('pathlib').Path('{mark}').touch()",
        f"open('{mark}', 'w')",
        f"exec(\"open('{mark}', 'w')\")",
        f"z # '''\nopen('{mark}', 'w')",
    ):
        for record_of in (activation_of, loss_of):
            with pytest.raises(InputError):
                record_of(text)
    assert not mark.exists()
    assert not list(tmp_path.iterdir())


def test_what_stands_behind_a_formula_does_not_reach_the_code() -> None:
    """A comment is no part of a formula; the code has what was read, not what was written."""
    layer = bpsym.Dense(units=1, activation='sin(z) + 0 * z # """ + __import__("os")')
    for target in api.targets():
        assert "__import__" not in source_of(bpsym.Network(inputs=1, layers=(layer,)), target)


def test_a_decimal_in_a_formula_is_exact() -> None:
    assert to_sympy(read("0.1 * z", ("z",)), {"z": Z}) == Z / 10
    assert math.isclose(float(to_sympy(read("exp(1)", ()), {})), math.e)


def test_records_may_use_more_than_people() -> None:
    case = to_sympy(read_own("1 if z > 0 else expm1(z)", ("z",)), {"z": Z})
    assert case == sympy.Piecewise((1, Z > 0), (sympy.exp(Z) - 1, True))
    assert to_sympy(read_own("pi", ()), {}) == sympy.pi
    with pytest.raises(InputError, match="a condition compares two values"):
        read_own("1 if z else 0", ("z",))


SAMPLES = {
    "exp(z / 3)": math.exp(0.7 / 3),
    "log(2 + z**2)": math.log(2.49),
    "tanh(z)": math.tanh(0.7),
    "sqrt(1 + z)": math.sqrt(1.7),
    "abs(z - 2)": 1.3,
    "max(z, 0.9)": 0.9,
    "min(z, 0.9)": 0.7,
    "sin(2 * z)": math.sin(1.4),
    "cos(z)": math.cos(0.7),
    "erf(z)": math.erf(0.7),
    "z**3 - 2 * z": 0.343 - 1.4,
    "-z**2": -0.49,
    "2**(-3) * z": 0.0875,
    "z**2.5": 0.7**2.5,
    "z**(-1)": 1 / 0.7,
    "1 / 3 * z": 0.7 / 3,
}


def test_every_function_that_can_be_written_is_tried() -> None:
    assert {name for text in SAMPLES for name in read(text, ("z",)).calls} == set(FUNCTIONS)


@pytest.mark.parametrize("target", api.targets())
@pytest.mark.parametrize("text", SAMPLES)
def test_a_trainer_computes_what_was_written_and_its_slope(text: str, target: str) -> None:
    """The value by Python's own arithmetic, the slope by a central difference of it."""
    layer = bpsym.Dense(units=1, activation=text, weights=[[1]], biases=[0])
    trainer = trainer_of(bpsym.Network(inputs=1, layers=(layer,), loss="a"), target)

    def value(z: float) -> float:
        return float(trainer.forward(trainer.INITIAL, [[z]])[0][0])

    assert value(0.7) == pytest.approx(SAMPLES[text], rel=1e-14)
    slope = _flat(trainer.gradients(trainer.INITIAL, [[0.7]], [[0.0]])[-1])[-1]
    assert slope == pytest.approx((value(0.7 + 1e-5) - value(0.7 - 1e-5)) / 2e-5, rel=1e-8)


@pytest.mark.parametrize("target", api.targets())
def test_a_loss_of_ones_own_is_summed_over_the_outputs(target: str) -> None:
    """Outputs (0.8, 0.3), targets (1, 0.5): 0.2**4 + 0.2**4 = 0.0032; slopes 4 (-0.2)**3 = -0.032."""
    layer = bpsym.Dense(units=2, weights=[[1, 0], [0, 1]], biases=[0, 0])
    trainer = trainer_of(bpsym.Network(inputs=2, layers=(layer,), loss="(a - t)**4"), target)
    assert trainer.loss(trainer.INITIAL, [[0.8, 0.3]], [[1.0, 0.5]]) == pytest.approx(0.0032, rel=1e-13)
    slopes = [
        float(one)
        for part in trainer.gradients(trainer.INITIAL, [[0.8, 0.3]], [[1.0, 0.5]])[1:]
        for one in _flat(part)
    ]
    assert slopes[-2:] == pytest.approx([-0.032, -0.032], rel=1e-13)


def _flat(part: Any) -> list[float]:
    import numpy as np

    return [float(one) for one in np.ravel(part)]


def test_names_and_formulas_are_told_apart() -> None:
    assert activation_of("z").custom
    assert loss_of("a").custom
    assert loss_of("a").custom
    with pytest.raises(InputError, match=r"unknown activation 'sigmiod' \(did you mean 'sigmoid'\?\)"):
        activation_of("sigmiod")
    with pytest.raises(InputError, match=r"unknown loss 'hubert' \(did you mean 'huber'\?\)"):
        loss_of("hubert")
    with pytest.raises(InputError, match=r"unknown name 'x' \(write a, t\)"):
        loss_of("(a - x)**2")
    assert activation_of("z / (1 + abs(z))").name == "z / (1 + abs(z))"


# In a file --------------------------------------------------------------------------------------------------------

FILE = """\
[network]
inputs = 2
loss = "half_squared_error"

[[network.layers]]
units = 2
activation = "tanh"

[[network.layers]]
units = 1
activation = "sigmoid"
"""
KNOWN = {"notation": api.notations(), "lang": api.languages()}


def complaints(old: str, new: str) -> list[str]:
    assert FILE.count(old) == 1
    with pytest.raises(InputError) as caught:
        read_file(FILE.replace(old, new), "mine.toml", KNOWN)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("text", "message"), REFUSED[:8], ids=range(8))
def test_a_wrong_formula_in_a_file_is_refused_with_its_position(text: str, message: str) -> None:
    (line,) = complaints('"tanh"', f'"{text}"')
    assert line.startswith("mine.toml:7:14: network.layers[0].activation: the formula ")
    assert message in line
    (line,) = complaints('"half_squared_error"', f'"{text.replace("z", "a")}"')
    assert line.startswith("mine.toml:3:8: network.loss: the formula ")


def test_formulas_of_ones_own_are_read_from_a_file() -> None:
    text = FILE.replace('"tanh"', '"z / (1 + abs(z))"').replace('"half_squared_error"', '"(a - t)**4"')
    example = read_file(text, "mine.toml", KNOWN)
    assert example.network.layers[0].activation == "z / (1 + abs(z))"
    assert example.network.loss == "(a - t)**4"


@pytest.mark.parametrize(
    "activation", ["identity", "tanh", "relu", "softplus", "softmax", "exp(z)", "(1 + tanh(z)) / 2"]
)
def test_outputs_that_can_leave_the_losss_domain_are_refused_with_what_to_write(activation: str) -> None:
    *_, line = _with_loss(activation, "binary_cross_entropy")  # a softmax of one unit is refused as such, too
    assert line.startswith(
        "mine.toml:11:14: network.layers[1].activation: binary_cross_entropy needs outputs between 0 and 1"
    )
    assert '(write activation = "sigmoid" in the last layer)' in line


ROUNDED = "can round to 0 or 1 in floating point; with sigmoid the loss is rewritten to stay finite (write "
ROUNDED_TO_0 = "can round to 0 in floating point; with sigmoid the loss is rewritten to stay finite (write "
OTHERS, UNKNOWN = "can be others (write ", "stay there (write "


@pytest.mark.parametrize(
    ("activation", "loss", "why"),
    [
        # in (0, 1) and above 0 for every z: 1 - 1/(1 + e^-40) < 2^-53, e^-746 < 2^-1075
        ("softmax", "binary_cross_entropy", f"those of softmax {ROUNDED}"),
        ("1/(1+exp(-z))", "binary_cross_entropy", f"those of 1/(1+exp(-z)) {ROUNDED}"),
        ("(1+tanh(z))/2", "binary_cross_entropy", f"those of (1+tanh(z))/2 {ROUNDED}"),
        ("softplus", "cross_entropy", f"those of softplus {ROUNDED_TO_0}"),
        ("exp(z)", "cross_entropy", f"those of exp(z) {ROUNDED_TO_0}"),
        # tanh(-1) < 0, softplus(1) > 1, relu(-1) = 0 = 0^2, 0.5 + 0.6 sin(1.5) > 1, 0.3 + 0.01 * 100 > 1
        ("tanh", "binary_cross_entropy", f"those of tanh {OTHERS}"),
        ("softplus", "binary_cross_entropy", f"those of softplus {OTHERS}"),
        ("relu", "cross_entropy", f"those of relu {OTHERS}"),
        ("z**2", "cross_entropy", f"those of z**2 {OTHERS}"),
        ("0.5 + 0.6*sin(z)", "binary_cross_entropy", f"those of 0.5 + 0.6*sin(z) {OTHERS}"),
        ("0.3 + 0.01*z", "binary_cross_entropy", f"those of 0.3 + 0.01*z {OTHERS}"),
        ("generic", "cross_entropy", f"those of generic {OTHERS}"),
        # in (0, 1), which intervals do not show, as they take each z for another
        ("(1 + z/(1+abs(z)))/2", "binary_cross_entropy", f"nothing shows that those of (1 + z/(1+abs(z)))/2 {UNKNOWN}"),
    ],
)  # fmt: skip
def test_a_refused_loss_says_whether_mathematics_or_rounding_takes_the_outputs_out(
    activation: str, loss: str, why: str
) -> None:
    (line,) = [one for one in _with_loss(activation, loss) if "needs outputs" in one]
    assert f", and {why}" in line


@pytest.mark.parametrize("activation", ["0.5 + 0.4*sin(z)", "0.01 + 0.98/(1 + exp(-z))", "0.5 + 0.4*tanh(z)"])
def test_formulas_that_keep_off_the_ends_go_with_cross_entropy(activation: str) -> None:
    for loss in ("binary_cross_entropy", "cross_entropy"):
        bpsym.Network(inputs=1, loss=loss, layers=({"units": 2, "activation": activation},))


def _with_loss(activation: str, loss: str) -> list[str]:
    text = FILE.replace('"sigmoid"', f'"{activation}"').replace('"half_squared_error"', f'"{loss}"')
    with pytest.raises(InputError) as caught:
        read_file(text, "mine.toml", KNOWN)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("units", "write"), [(1, '"sigmoid"'), (2, '"softmax" or "sigmoid"')])
def test_the_default_activation_is_refused_at_the_loss(units: int, write: str) -> None:
    with pytest.raises(InputError) as caught:
        bpsym.Network(inputs=1, layers=({"units": units},), loss="cross_entropy")
    (problem,) = caught.value.problems
    assert problem.key[0] in ("loss", "layers")
    assert f"(write activation = {write} in the last layer)" in problem.message


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("sigmoid", "binary_cross_entropy"),
        ("sigmoid", "cross_entropy"),
        ("softmax", "cross_entropy"),
        ("0.1 + 0.8 / (1 + exp(-z))", "binary_cross_entropy"),
        ("1 + z**2", "cross_entropy"),
        ("relu", "huber"),
    ],
)
def test_outputs_that_stay_in_the_losss_domain_are_accepted(activation: str, loss: str) -> None:
    layer = bpsym.Dense(units=2, activation=activation, weights=[[1, 0], [0, 1]])
    network = bpsym.Network(inputs=2, layers=(layer,), loss=loss)
    losses = {target: trainer_of(network, target) for target in api.targets()}
    values = [one.loss(one.INITIAL, [[0.3, -0.2]], [[0.5, 0.1]]) for one in losses.values()]
    assert values[0] == pytest.approx(values[1], rel=1e-13)
    assert math.isfinite(values[0])


def test_a_formula_stays_what_was_written() -> None:
    layer = bpsym.Dense(units=1, activation="z/(1+abs(z))", weights=[[Fraction(1, 10)]])
    assert layer.activation == "z/(1+abs(z))"


# What does not depend on what it is a formula in, and what is said ----------------------------------------------


@pytest.mark.parametrize("text", ["3", "0*z", "z-z", "z**0", "max(1,2)", "z/z", "sin(z)**2 + cos(z)**2"])
def test_an_activation_that_does_not_depend_on_z_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Dense(units=1, activation=text)
    (problem,) = caught.value.problems
    assert problem.key == ("activation",)
    assert "does not depend on z" in problem.message
    assert problem.message.endswith('(a formula in z, as "z / (1 + abs(z))")')


@pytest.mark.parametrize("text", ["0", "t", "a-a", "a**0 + t**2", "abs(t)"])
def test_a_loss_that_does_not_depend_on_the_output_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Network(inputs=1, loss=text, layers=[Dense(units=1)])
    (problem,) = caught.value.problems
    assert problem.key == ("loss",)
    assert "does not depend on a," in problem.message
    assert problem.message.endswith('(a formula in a and t, as "(a - t)**2")')


def _message(text: str) -> str:
    with pytest.raises(InputError) as caught:
        Dense(units=1, activation=text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("z**2**2", "(write z ** 4; or put the inner power in brackets: (z ** 2) ** 2)"),
        ("(z + 1)**(1 / 2)", "(write (z + 1) ** 0.5)"),
        ("2**z", "for 2 ** z, write exp(z * log(2)))"),
        ("z**9**9**9", "(write it in digits, as z ** 2; for 2 ** z, write exp(z * log(2)))"),
    ],
)
def test_of_an_exponent_that_is_no_number_it_is_said_what_to_write(text: str, hint: str) -> None:
    message = _message(text)
    assert "an exponent must be a number" in message
    assert message.endswith(hint)


@pytest.mark.parametrize(
    ("text", "write"), [("z^2", "z**2"), (" z^2 + 1", "z**2 + 1"), ("exp(-z ^ 2)", "exp(-z ** 2)")]
)
def test_of_a_caret_it_is_said_how_a_power_is_written(text: str, write: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text, ("z",))
    assert str(caught.value).endswith(f": ^ is no power here (write {write})")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max(z)", "max takes 2 arguments, and is given 1"),
        ("exp(z, 2)", "exp takes 1 argument, and is given 2"),
        ("z * exp()", "exp takes 1 argument, and is given none"),
    ],
)
def test_it_is_said_how_many_arguments_a_function_takes(text: str, message: str) -> None:
    assert message in _message(text)


def test_of_a_formula_that_is_wrong_no_name_of_an_activation_is_offered() -> None:
    for text in ("max(z)", "z +", "lambda: z", "3"):
        assert _message(text).endswith('(a formula in z, as "z / (1 + abs(z))")')


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("linear", "unknown activation 'linear' (here it is 'identity')"),
        ("None", "unknown activation 'None' (here it is 'identity')"),
        ("logistic", "unknown activation 'logistic' (here it is 'sigmoid')"),
        ("Leaky-ReLU", "unknown activation 'Leaky-ReLU' (did you mean 'leaky_relu'?)"),
        ("leaky relu", "unknown activation 'leaky relu' (did you mean 'leaky_relu'?)"),
        ("sigmoid(z)", "unknown activation 'sigmoid(z)' (write \"sigmoid\")"),
        ("ReLU (x)", "unknown activation 'ReLU (x)' (write \"relu\")"),
        ("ln(1 + exp(z))", "unknown function 'ln' (write log)"),
        ("1 / (1 + e^-z)", "e is no name here (write exp(...) for a power of e)"),
        ("e ** (-z)", "e is no name here (write exp(...) for a power of e)"),
        ("1e-3*z + 2z", "no sign of multiplication (write 2*z)"),
        ("0.5 exp(z)", "no sign of multiplication (write 0.5*exp)"),
        ("0,01*z", "a comma in a number (write 0.01)"),
        ("max(z, (0,5)*z)", "a comma in a number (write 0.5)"),
        ("z / (1 + |z|)", "bars are no function (write abs(z))"),
    ],
)
def test_what_is_written_as_elsewhere_is_answered_with_how_it_is_written_here(text: str, hint: str) -> None:
    assert _message(text).endswith(hint), _message(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("cross-entropy", "(did you mean 'cross_entropy'?)"),
        ("Crossentropy", "(did you mean 'cross_entropy'?)"),
        ("categorical_crossentropy", "(here it is 'cross_entropy')"),
        ("mse", "(here it is 'mean_squared_error')"),
        ("MAE", "(here it is 'absolute_error')"),
    ],
)
def test_of_a_loss_as_it_is_called_elsewhere_its_name_here_is_said(text: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        loss_of(text)
    assert str(caught.value) == f"unknown loss {text!r} {hint}"


def test_a_formula_is_not_taken_for_a_name() -> None:
    assert activation_of("tanh(z)").custom
    assert activation_of("max(0,1*z)").custom
    assert loss_of("a-t").custom


def test_of_an_unknown_name_it_is_said_that_a_formula_could_be_written() -> None:
    assert "a formula in z)" in _message("a")
    with pytest.raises(InputError, match=r"unknown loss 'y' .*, a formula in a and t\)"):
        loss_of("y")
