"""Networks with formulas of one's own: derived, printed, trained, and refused where a value is no real number."""

from __future__ import annotations

import math
from typing import Any

import pytest

import bpsym


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
    assert "That so little is left" not in latex
    assert bpsym.derive(example(last="exp(z)"), form="index").to_latex("zh")


def test_a_slope_that_cancels_is_the_sign_of_the_slope_where_none_is_declared() -> None:
    latex = bpsym.derive(example(last="exp(z)", loss="a - t * log(a)")).to_latex(document="fragment")
    assert "That so little is left" in latex
    assert r"\cdot f_2'(z^{(2)[1]}_1) \notag \\" in latex
