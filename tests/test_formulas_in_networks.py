"""Networks with formulas of one's own: derived, printed, trained, and refused where a value is no real number."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import bpsym
from bpsym import api
from bpsym.derivation.derive import derivation
from bpsym.errors import InputError
from bpsym.notation.names import Names
from tests import running


def network(hidden: str = "sigmoid", last: str = "sigmoid", loss: str = "half_squared_error") -> Any:
    layers = (
        bpsym.Dense(units=2, activation=hidden, weights=[[0.1, 0.8], [0.4, 0.6]], biases=[0.1, 0.2]),
        bpsym.Dense(units=1, activation=last, weights=[[0.3, 0.9]], biases=[0.1]),
    )
    return bpsym.Network(inputs=2, loss=loss, layers=layers)


def example(**formulas: str) -> bpsym.Example:
    return bpsym.Example(
        network=network(**formulas),
        data=bpsym.Data(x=[[0.35, 0.9], [0.2, 0.4]], t=[[0.5], [0.2]]),
        training=bpsym.Training(learning_rate=0.1, steps=2),
    )


FORMULAS = (
    "exp(z)", "exp(-z)", "1 + exp(z)", "2*z", "z**2", "z", "-z", "abs(z)", "max(0, z)", "z/(1+abs(z))", "sin(z)",
    "erf(z)", "tanh(z)", "1/(1+exp(-z))",
)  # fmt: skip


@pytest.mark.parametrize("layer", ["hidden", "last"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_network_with_a_formula_is_derived_and_trained_in_any_layer(formula: str, layer: str) -> None:
    one = example(**{layer: formula})
    document = bpsym.derive(one)
    assert "f_" in document.to_latex()
    step = [float(number) for number in _after_one_step(document)]
    for target in ("python", "numpy"):
        trainer = bpsym.trainer(one, target)
        parameters = trainer.train(trainer.INITIAL, one_data()[0], one_data()[1], 0.1, 1)[0]
        flat = _flat(parameters)
        assert len(flat) == len(step)
        assert all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(flat, step, strict=True))


def one_data() -> tuple[Any, Any]:
    return [[0.35, 0.9], [0.2, 0.4]], [[0.5], [0.2]]


def _flat(parameters: Any) -> list[float]:
    if hasattr(parameters, "ravel"):
        return [float(number) for number in parameters.ravel()]
    if isinstance(parameters, (list, tuple)):
        return [number for part in parameters for number in _flat(part)]
    return [float(parameters)]


def _after_one_step(document: bpsym.Document) -> list[Any]:
    """W1, b1, W2, b2 in the order in which trainers have them."""
    values = document.derivation.values[0]
    places = {
        "W1": [(0, 0), (0, 1), (1, 0), (1, 1)],
        "b1": [(0,), (1,)],
        "W2": [(0, 0), (0, 1)],
        "b2": [(0,)],
    }
    return [values[f"{name}+"][at] for name in places for at in places[name]]


def test_a_slope_that_is_the_output_itself_is_still_the_slope_in_the_error_term() -> None:
    latex = bpsym.derive(example(last="exp(z)")).to_latex(document="fragment")
    assert r"\bigl(a^{(2)[1]}_1 - t^{[1]}\bigr) \cdot f_2'(z^{(2)[1]}_1)" in latex
    assert "so little is left" not in latex
    assert bpsym.derive(example(last="exp(z)"), form="index").to_latex("zh")


def test_a_slope_that_cancels_is_the_sign_of_the_slope_where_none_is_declared() -> None:
    latex = bpsym.derive(example(last="exp(z)", loss="a - t * log(a)")).to_latex(document="fragment")
    assert "Here is why so little is left" in latex
    assert r"\cdot f_2'(z^{(2)[1]}_1) \notag \\" in latex


# Values that are no real numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", ["sqrt(z - 9)", "log(z - 9)", "(z - 9)**0.5", "sqrt(-1 - z*z)", "max(0, sqrt(z - 9))"])  # fmt: skip
def test_an_activation_without_a_real_value_is_named_with_its_layer_unit_sample_and_sum(formula: str) -> None:
    with pytest.raises(InputError) as caught:
        bpsym.derive(example(hidden=formula))
    (problem,) = caught.value.problems
    assert problem.key == ("network", "layers", 0, "activation")
    z = f"{0.35 * 0.1 + 0.9 * 0.8 + 0.1:.6g}"
    assert f"{formula!r} has no real value at z = {z}, in unit 1 of layer 1, for sample 1" in problem.message


@pytest.mark.parametrize("formula", ["sqrt(a - t - 9)", "log(a - 9)", "sqrt(-1 - a*a)"])
def test_a_loss_without_a_real_value_is_named_with_its_sample_output_and_target(formula: str) -> None:
    with pytest.raises(InputError) as caught:
        bpsym.derive(example(loss=formula))
    (problem,) = caught.value.problems
    assert problem.key == ("network", "loss")
    assert (
        f"{formula!r} has no real value at a = 0.720436, t = 0.5, of output 1, for sample 1"
        in problem.message
    )


@pytest.mark.parametrize(
    ("formula", "x", "where"),
    [
        ("1/z", 0, "'1/z' has no real value at z = 0,"),
        ("log(z)", 0, "'log(z)' has no real value at z = 0,"),
        ("sqrt(z)", 0, "has no slope at z = 0, a = 0,"),
        ("sqrt(z)", 3, "has no real value at z = -0.556624, in unit 1 of layer 1, for sample 1 after 1 step"),
    ],
)
def test_a_value_that_is_none_before_or_after_a_step_is_said_with_the_step(formula: str, x: int, where: str) -> None:  # fmt: skip
    layer = bpsym.Dense(units=1, activation=formula, weights=[[1]], biases=[0])
    one = bpsym.Example(
        network=bpsym.Network(inputs=1, layers=(layer,)),
        data=bpsym.Data(x=[[x]], t=[[0.5]]),
        training=bpsym.Training(learning_rate=1, steps=2),
    )
    with pytest.raises(InputError, match=where.replace("(", r"\(").replace(")", r"\)")):
        bpsym.derive(one)


def test_the_command_says_it_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[network]\ninputs = 1\n[[network.layers]]\nunits = 1\nactivation = "sqrt(z)"\nweights = [[-1]]\n'
        "biases = [0]\n[data]\nx = [[1]]\nt = [[1]]\n[training]\nlearning_rate = 1\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", "bpsym", "derive", str(file), "--latex"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    where = f"{file}:5:14: network.layers[0].activation: "
    assert (
        f"{where}'sqrt(z)' has no real value at z = -1, in unit 1 of layer 1, for sample 1" in result.stderr
    )
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("target", api.targets())
def test_a_trainer_is_made_where_the_derivation_has_no_numbers(target: str) -> None:
    for one in (example(hidden="sqrt(z - 9)"), example(loss="sqrt(a - t - 9)")):
        assert bpsym.trainer(one, target).train


@pytest.mark.parametrize("name", ["agh", "blog", "digits", "nielsen", "softmax", "xor"])
def test_the_numbering_of_equations_does_not_depend_on_numbers(name: str) -> None:
    one = bpsym.load(name)
    names = Names.of(one.notation, one.network)
    assert derivation(one, names).citations == derivation(one, names, numeric=False).citations


def one_unit(activation: str, loss: str, weight: str, x: int, t: str) -> bpsym.Example:
    layer = bpsym.Dense(units=1, activation=activation, bias="none", weights=[[Fraction(weight)]])
    return bpsym.Example(
        network=bpsym.Network(inputs=1, loss=loss, layers=(layer,)),
        data={"x": [[x]], "t": [[Fraction(t)]]},
        training={"learning_rate": Fraction("0.1"), "steps": 3},
    )


HALF = "half_squared_error"


@pytest.mark.parametrize(
    ("activation", "loss", "weight", "x", "t", "gradient"),
    [
        ("max(z, 0.3)", HALF, "0.1", 3, "1", 0),
        ("max(z - 0.1, 0.2)", HALF, "0.1", 3, "1", 0),
        ("abs(z - 0.3)", HALF, "0.1", 3, "1", 0),
        ("min(z, 0.7)", HALF, "0.1", 7, "1", 0),
        ("max(z, 0.3) + z", HALF, "0.1", 3, "1", (0.6 - 1) * 3),
        ("identity", "max(a - t, 0.3)", "0.8", 1, "0.5", 0),
        ("identity", "max(abs(a - t) - 0.1, 0)", "0.6", 1, "0.5", 0),
        ("identity", "max(abs(a - t) - 0.1, 0)**2", "0.1", 3, "0.2", 0),
    ],
)
def test_decimals_that_stand_exactly_on_a_kink_stand_there(
    activation: str, loss: str, weight: str, x: int, t: str, gradient: float
) -> None:
    """By hand: at a kink |u| counts as having slope 0, and max and min that of the number."""
    document = bpsym.derive(one_unit(activation, loss, weight, x, t))
    document.to_latex()
    after = float(document.derivation.values[0]["W1+"][0, 0])
    assert after == pytest.approx(float(weight) - 0.1 * gradient, rel=1e-12)


def test_the_branch_of_a_decimal_is_the_one_it_belongs_to() -> None:
    """1.1 - 0.1 is 1, where huber is still half of the square."""
    text = bpsym.derive(one_unit("identity", "huber", "1.1", 1, "0.1")).to_latex()
    assert r"&= \frac{1}{2} \cdot (1.1 - 0.1)^2" in text


def test_a_loss_that_moves_to_the_other_side_of_its_target_has_not_changed() -> None:
    """|0.55 - 0.5| = |0.45 - 0.5|; in double precision they differ."""
    one = one_unit("identity", "absolute_error", "0.55", 1, "0.5")
    assert "it has not changed" in bpsym.derive(one).to_latex()


@pytest.mark.parametrize(("weight", "t"), [("15", "0"), ("15", "1"), ("40", "0"), ("100", "1")])
def test_a_saturated_output_is_derived_with_the_loss_that_is_left(weight: str, t: str) -> None:
    """By hand: -ln(1 - a) = w + ln(1 + e**-w), and -ln(a) = ln(1 + e**-w)."""
    document = bpsym.derive(one_unit("sigmoid", "binary_cross_entropy", weight, 1, t))
    document.to_latex()
    left = math.log1p(math.exp(-float(weight)))
    assert float(document.derivation.values[0]["E"][0,]) == pytest.approx(left + float(weight) * (t == "0"))


def test_of_a_loss_that_hardly_changes_is_said_by_how_much() -> None:
    """A step down a slope: the loss falls by the slope's square times the learning rate, to first order."""
    text = bpsym.derive(one_unit("sigmoid", "half_squared_error", "25", 1, "0.5")).to_latex()
    found = re.search(r"has fallen by only about \$(\S+) \\cdot 10\^{-(\d+)}\$", text)
    assert found is not None
    slope = 0.5 * math.exp(-25)
    assert float(found[1]) * 10 ** -int(found[2]) == pytest.approx(0.1 * slope**2, rel=1e-2)


@pytest.mark.parametrize(
    ("activation", "weight", "said"),
    [
        ("tanh", "25", "in its first 30 digits, nothing has changed"),  # it falls by about 1e-44
        ("relu", "-1", "it has not changed"),  # no parameter moves
    ],
)
def test_that_a_loss_has_not_changed_is_said_where_it_is_certain(
    activation: str, weight: str, said: str
) -> None:
    text = bpsym.derive(one_unit(activation, "half_squared_error", weight, 1, "0.5")).to_latex()
    assert said in text


def test_of_a_value_that_no_printed_digits_give_that_is_said() -> None:
    """1 - a is about e**-100: more than 40 digits of a are 9."""
    document = bpsym.derive(one_unit("sigmoid", "half_squared_error", "100", 1, "0.5"))
    assert r"\quad \text{(from more digits than are printed)}" in document.to_latex()
    assert r"\quad \text{（用更多位数字算得）}" in document.to_latex("zh")
    near = bpsym.derive(one_unit("sigmoid", "half_squared_error", "10", 1, "0.5"))
    assert "more digits than" not in near.to_latex()


def test_a_network_that_diverges_is_refused_before_its_numbers_fill_the_memory() -> None:
    layers = tuple(bpsym.Dense(units=1, activation="z**2", bias="none", weights=[[3]]) for _ in range(2))
    example = bpsym.Example(
        network=bpsym.Network(inputs=1, layers=layers),
        data={"x": [[5]], "t": [[0]]},
        training={"learning_rate": 10, "steps": 50},
    )
    with pytest.raises(InputError, match=r"beyond 10\*\*3000.*write a smaller learning rate"):
        bpsym.derive(example)


@pytest.mark.parametrize(
    ("weight", "rate", "steps", "said"),
    [
        ("1e145", "1e300", 3, "14:17: training.learning_rate: a weight of layer 1 is beyond 10**3000, or as near to 0 (write a smaller learning rate"),
        ("3", "1e300", 1, "14:17: training.learning_rate: an output of layer 1 is beyond 10**3000, or as near to 0 after 1 step (write a smaller learning rate"),
        ("1e305", "1", 0, "4:1: network.layers[0]: an output of layer 1 is beyond 10**3000, or as near to 0 (write smaller weights or inputs)"),
    ],
)  # fmt: skip
def test_a_value_beyond_all_limits_is_called_by_its_layer_and_has_a_place(
    weight: str, rate: str, steps: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(
        f"""[network]
inputs = 1

[[network.layers]]
units = 1
activation = "z**10"
bias = "none"
weights = [[{weight}]]

[data]
x = [[5]]
t = [[0]]
[training]
learning_rate = {rate}
steps = {steps}
""",
        encoding="utf-8",
    )
    result = running.bpsym("derive", "m.toml", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().startswith(f"m.toml:{said}")


def test_a_slope_too_near_to_zero_to_be_shown_fills_no_memory() -> None:
    """silu at -0.5e40: its slope is about e to the power of -10**39."""
    layer = bpsym.Dense(units=1, activation="silu", bias="none", weights=[[-1]])
    network = bpsym.Network(inputs=1, layers=(layer,))
    example = bpsym.Example(network=network, data={"x": [[10**40]], "t": [[0]]}, training={"steps": 0})
    with pytest.raises(InputError, match="as near to 0"):
        bpsym.derive(example).to_latex()
    positive = bpsym.Example(network=network, data={"x": [[-(10**40)]], "t": [[0]]}, training={"steps": 0})
    assert r"\label{" in bpsym.derive(positive).to_latex()
