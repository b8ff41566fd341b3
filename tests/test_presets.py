"""Every preset gives the figures that its source publishes, or the right ones where the source is wrong."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpsym
from bpsym import api
from bpsym.errors import InputError
from bpsym.examples.toml_reader import read
from tests.running import ROOT
from tests.running import bpsym as run
from tests.witness import nielsen

PRESETS = ROOT / "bpsym" / "examples" / "presets"
targets = pytest.mark.parametrize("target", api.targets())


def text_of(name: str, *changes: tuple[str, str]) -> str:
    text = (PRESETS / f"{name}.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def changed(name: str, *changes: tuple[str, str]) -> bpsym.Example:
    """The preset with some of its text replaced."""
    return read(text_of(name, *changes), f"{name}.toml", api.known(), PRESETS)


def floats(rows: Any) -> list[list[float]]:
    return [[float(entry) for entry in row] for row in rows]


class Run:
    """A preset's generated trainer with its samples."""

    def __init__(self, example: bpsym.Example, target: str) -> None:
        self.trainer: Any = bpsym.trainer(example, target=target)
        data = example.data
        assert data is not None
        assert data.t is not None
        self.x, self.t = floats(data.x), floats(data.t)
        if target == "numpy":
            self.x, self.t = np.array(self.x), np.array(self.t)  # type: ignore[assignment]
        self.rate = float(example.training.learning_rate)
        self.parameters: Any = self.trainer.INITIAL

    def step(self, steps: int) -> None:
        self.parameters = self.trainer.train(self.parameters, self.x, self.t, self.rate, steps)[0]

    @property
    def loss(self) -> float:
        return float(self.trainer.loss(self.parameters, self.x, self.t))

    @property
    def outputs(self) -> list[float]:
        return [float(entry) for row in self.trainer.forward(self.parameters, self.x) for entry in row]

    @property
    def gradients(self) -> list[float]:
        return flat(self.trainer.gradients(self.parameters, self.x, self.t))

    @property
    def numbers(self) -> list[float]:
        return flat(self.parameters)


def flat(parameters: Any) -> list[float]:
    return [float(entry) for one in parameters for entry in np.ravel(one)]


def printed(values: list[float], digits: int) -> list[float]:
    """As a source prints them."""
    return [round(value, digits) for value in values]


# All of them ------------------------------------------------------------------------------------------------------


def test_presets_are_the_systems_that_the_blog_builds_on_and_points_to() -> None:
    assert set(api.presets()) == {
        "agh", "blog", "digits", "iamtrask_three_layer", "iamtrask_two_layer", "mazur", "nielsen",
        "nielsen_cross_entropy", "nielsen_neuron", "softmax", "xor",
    }  # fmt: skip


@pytest.mark.parametrize("name", api.presets())
def test_a_preset_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    example = bpsym.load(name)
    assert example.title
    assert example.source
    assert api.name_of(example) == name
    assert example.notation == ("blog" if name == "blog" else "standard")


def test_presets_are_listed_with_their_titles_and_sources() -> None:
    result = run("examples")
    assert (result.returncode, result.stderr) == (0, b"")
    lines = result.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(api.presets())
    assert all(line.strip().startswith("from: ") for line in lines[1::2])
    assert any("Matt Mazur" in line for line in lines)


# iamtrask ---------------------------------------------------------------------------------------------------------


@targets
def test_iamtrasks_two_layers_give_his_outputs_and_weights(target: str) -> None:
    """Published: the outputs in the pass before the 10,000th update, and the weights after it."""
    found = Run(bpsym.load("iamtrask_two_layer"), target)
    found.step(9_999)
    assert printed(found.outputs, 8) == [0.00966449, 0.00786506, 0.99358898, 0.99211957]
    found.step(1)
    assert printed(found.numbers, 8) == [9.67299303, -0.2078435, -4.62963669]


@targets
def test_iamtrasks_three_layers_give_his_six_errors(target: str) -> None:
    """Published: the mean |error| before the updates 0, 10,000, ... 50,000."""
    found = Run(bpsym.load("iamtrask_three_layer"), target)
    errors = []
    for _ in range(6):
        outputs = zip(found.outputs, (0, 1, 1, 0), strict=True)
        errors.append(f"{sum(abs(t - a) for a, t in outputs) / 4:.12g}")
        found.step(10_000)
    assert errors == [
        "0.496410031903", "0.00858452565325", "0.00578945986251", "0.00462917677677", "0.00395876528027", "0.00351012256786",
    ]  # fmt: skip


# Nielsen ----------------------------------------------------------------------------------------------------------

BOTH_2 = (("[[0.6]]", "[[2]]"), ("biases = [0.9]", "biases = [2]"))
CROSS_ENTROPY = ('loss = "half_squared_error"', 'loss = "binary_cross_entropy"')


@targets
@pytest.mark.parametrize(
    ("changes", "before", "after", "weight", "bias"),
    [
        ((), 0.817574, 0.093956, -1.283132, -0.983132),
        (BOTH_2, 0.982014, 0.202848, -0.684293, -0.684293),
        ((*BOTH_2, CROSS_ENTROPY), 0.982014, 0.012009, -2.205020, -2.205020),
    ],
)
def test_nielsens_neuron_learns_as_he_shows(
    target: str, changes: Any, before: float, after: float, weight: float, bias: float
) -> None:
    """Published: 0.82 -> 0.09 from w = 0.6, b = 0.9; 0.98 -> 0.20 from w = b = 2, where cross-entropy learns faster.

    Six digits: computed independently, in double precision.
    """
    found = Run(
        changed("nielsen_neuron", *(each for each in changes if each[0] in text_of("nielsen_neuron"))), target
    )
    assert printed(found.outputs, 6) == [before]
    found.step(300)
    assert printed(found.outputs, 6) == [after]
    assert printed(found.numbers, 6) == [weight, bias]


@targets
@pytest.mark.parametrize(
    ("name", "cost", "lmbda"),
    [("nielsen", "quadratic", 0.0), ("nielsen_cross_entropy", "cross-entropy", 0.06)],
)
def test_nielsens_networks_train_as_his_programs_do(target: str, name: str, cost: str, lmbda: float) -> None:
    example = bpsym.load(name)
    layers = example.network.layers
    weights = [np.array(floats(layer.weights)) for layer in layers]
    biases = [np.array(floats([layer.biases])[0]) for layer in layers]
    found = Run(example, target)
    batch = [(np.array(x), np.array(t)) for x, t in zip(found.x, found.t, strict=True)]
    for _ in range(100):
        weights, biases = nielsen.update_mini_batch(weights, biases, batch, found.rate, lmbda, 3, cost)
        found.step(1)
        expected = [entry for w, b in zip(weights, biases, strict=True) for entry in (*w.ravel(), *b)]
        assert found.numbers == pytest.approx(expected, rel=1e-11, abs=1e-12)


# Mazur ------------------------------------------------------------------------------------------------------------


@targets
def test_mazurs_first_round_has_all_his_digits_but_those_of_the_last_error(target: str) -> None:
    """Published: E 0.298371109, dE/dw5 0.082167041, dE/dw1 0.000438568, the new weights; not: E after the round."""
    found = Run(bpsym.load("mazur"), target)
    assert printed(found.outputs, 9) == [0.751365070, 0.772928465]
    assert found.loss == pytest.approx(0.29837110876000, abs=5e-15)
    gradients = dict(zip(found.trainer.Parameters._fields, found.gradients, strict=False))
    assert round(found.gradients[0], 9) == 0.000438568
    assert 0.082167041 in printed(found.gradients, 9), gradients
    found.step(1)
    new = printed(found.numbers, 8)
    assert [one for one in new if one not in (0.35, 0.6)] == [
        0.14978072, 0.19956143, 0.24975114, 0.29950229, 0.35891648, 0.40866619, 0.51130127, 0.56137012,
    ]  # fmt: skip
    assert [one for one in new if one in (0.35, 0.6)] == [0.35, 0.6]
    assert round(found.loss, 9) == 0.291027774


@targets
def test_mazurs_ten_thousand_rounds_end_at_the_right_outputs(target: str) -> None:
    """Right by an independent computation; published are 0.015912196, 0.984065734 (sequential) and 0.0000351085."""
    found = Run(bpsym.load("mazur"), target)
    found.step(9_999)
    assert round(found.loss, 10) == 0.0000351085
    found.step(1)
    assert found.outputs == pytest.approx([0.015913620444, 0.984064273515], abs=1e-11)
    assert found.loss == pytest.approx(3.51018778e-05, rel=1e-8)


@targets
def test_mazurs_own_last_figures_are_those_of_the_sequential_rule(target: str) -> None:
    sequential = ("steps = 10000", 'steps = 10000\nupdate = "sequential"')
    found = Run(changed("mazur", sequential), target)
    found.step(1)
    assert found.loss == pytest.approx(0.29102792390544, abs=5e-14)
    found.step(9_999)
    assert printed(found.outputs, 9) == [0.015912196, 0.984065734]


# Our own ----------------------------------------------------------------------------------------------------------


@targets
def test_the_exclusive_or_is_learnt_from_its_start(target: str) -> None:
    """The first loss by hand: outputs tanh(0.5 a1 - 0.7 a2 + 0.1) with a1 = tanh(0.1), ... against 0, 1, 1, 0."""
    found = Run(bpsym.load("xor"), target)
    rows = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    hidden = [(math.tanh(0.4 * a + 0.8 * b + 0.1), math.tanh(0.9 * a + 0.6 * b - 0.3)) for a, b, _ in rows]
    outputs = [math.tanh(0.5 * one - 0.7 * two + 0.1) for one, two in hidden]
    loss = sum((output - row[2]) ** 2 / 2 for output, row in zip(outputs, rows, strict=True)) / 4
    assert found.loss == pytest.approx(loss, rel=1e-14)
    found.step(128)
    assert found.loss > 0.01
    found.step(1)
    assert found.loss < 0.01
    found.step(871)
    assert found.loss < 0.0002
    assert [round(output) for output in found.outputs] == [0, 1, 1, 0]


@targets
def test_three_classes_are_told_apart(target: str) -> None:
    """One step by hand: delta = p - t at the outputs, W2^T delta (1 - a^2) in the hidden layer, means over samples."""
    example = bpsym.load("softmax")
    found = Run(example, target)
    w1, w2 = (np.array(floats(layer.weights)) for layer in example.network.layers)
    b1, b2 = (np.array(floats([layer.biases])[0]) for layer in example.network.layers)
    x, t = np.array(found.x), np.array(found.t)
    a = np.tanh(x @ w1.T + b1)
    e = np.exp(a @ w2.T + b2)
    p = e / e.sum(axis=1, keepdims=True)
    assert found.loss == pytest.approx(-np.log(p[t == 1]).mean(), rel=1e-14)
    delta2 = (p - t) / 3
    delta1 = delta2 @ w2 * (1 - a**2)
    slopes = [*(delta1.T @ x).ravel(), *delta1.sum(0), *(delta2.T @ a).ravel(), *delta2.sum(0)]
    assert found.gradients == pytest.approx(slopes, rel=1e-12, abs=1e-15)
    found.step(200)
    assert found.loss < 0.05
    rows = np.array(found.outputs).reshape(3, 3)
    assert rows.argmax(axis=1).tolist() == [0, 1, 2]


# Digits -----------------------------------------------------------------------------------------------------------


def test_the_digits_are_those_of_the_test_set_of_uci() -> None:
    """optdigits.names: 1797 samples with 64 values from 0 to 16; so many of each class."""
    lines = (PRESETS / "digits.csv").read_text(encoding="utf-8").splitlines()
    rows = [list(map(int, line.split(","))) for line in lines[1:]]
    assert (len(rows), {len(row) for row in rows}) == (1797, {65})
    assert (min(min(row[:64]) for row in rows), max(max(row[:64]) for row in rows)) == (0, 16)
    counts = Counter(row[64] for row in rows)
    assert [counts[digit] for digit in range(10)] == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    data = bpsym.load("digits").data
    assert data is not None
    assert data.classes == tuple("0123456789")
    assert data.validation_x is not None
    assert (len(data.x), len(data.validation_x)) == (1438, 359)
    assert sum(map(sum, data.x)) + sum(map(sum, data.validation_x)) == sum(sum(row[:64]) for row in rows) / 16


def test_the_digits_are_learnt_to_97_percent_of_those_never_seen() -> None:
    example = bpsym.load("digits")
    trainer: Any = bpsym.trainer(example, target="numpy")
    data = example.data
    assert data is not None
    x, t, new_x, new_t = (
        np.array(floats(rows)) for rows in (data.x, data.t, data.validation_x, data.validation_t)
    )
    start = trainer.initialize(1)
    rate = float(example.training.learning_rate)
    parameters, losses, _ = trainer.train(start, x, t, rate, example.training.steps)
    right = trainer.forward(parameters, new_x).argmax(axis=1) == new_t.argmax(axis=1)
    assert right.mean() >= 0.97
    assert losses[-1] < losses[0] / 10


# AGH --------------------------------------------------------------------------------------------------------------


@targets
def test_a_general_f_has_no_trainer_and_it_is_said_what_to_give(target: str) -> None:
    for ask in (bpsym.generate, bpsym.trainer):
        with pytest.raises(InputError, match=r'layers 1, 2, 3 have a general f.*activation = "sigmoid"'):
            ask(bpsym.load("agh"), target=target)


@pytest.mark.parametrize("name", api.presets())
def test_a_preset_derives_in_every_language(name: str) -> None:
    document = bpsym.derive(bpsym.load(name))
    for lang in api.languages():
        latex = document.to_latex(lang)
        assert latex.rstrip().endswith(r"\end{document}")


def test_a_general_f_is_generated_as_documents_only(tmp_path: Path) -> None:
    result = run("generate", "agh", "-o", str(tmp_path))
    assert result.returncode == 0, result.stderr.decode()
    found = {path.name for path in (tmp_path / "agh").iterdir()}
    assert not [name for name in found if name.startswith("trainer")]
    assert {f"{stem}.{lang}.tex" for stem in ("derivation", "fragment") for lang in api.languages()} <= found
