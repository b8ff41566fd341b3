"""Around the steps of a trainer: what it starts with, batches, stopping and going on, what it refuses."""

from __future__ import annotations

import random
import statistics
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sympy.core.cache import clear_cache

import bpsym
from bpsym import api
from bpsym.calculus import backward, nodes
from bpsym.codegen.expression_text import WIDTH
from bpsym.codegen.module import imported, source
from bpsym.network.initializers import INITIALIZERS
from bpsym.network.start import drawn_weights, initial_parameters
from bpsym.notation.names import Names

targets = pytest.mark.parametrize("target", api.targets())

X = [[0.1 * row, 0.3 - 0.2 * row] for row in range(5)]
T = [[0.5 - 0.1 * row] for row in range(5)]


def text_of(example: bpsym.Example, target: str) -> str:
    return source(example, target, Names.of(example.notation, example.network), {}, "a test")


def trainer_of(example: bpsym.Example, target: str) -> Any:
    return imported(text_of(example, target), f"trainer_{target}")


def flat(numbers: Any) -> list[float]:
    return [float(entry) for one in numbers for entry in np.ravel(one)]


def example_of(init: Any = "xavier_uniform", **training: Any) -> bpsym.Example:
    layers = [
        bpsym.Dense(units=3, activation="tanh", init=init),
        bpsym.Dense(units=1, activation="sigmoid", init=init),
    ]
    return bpsym.Example(network=bpsym.Network(inputs=2, layers=layers), training=training)


# What training starts with ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("seed", [0, 7])
def test_one_seed_gives_the_same_numbers_everywhere_to_the_last_bit(name: str, seed: int) -> None:
    example = example_of(name)
    drawn = drawn_weights(example.network, seed)
    expected = [*flat(drawn["W1"]), 0, 0, 0, *flat(drawn["W2"]), 0]
    for target in api.targets():
        assert flat(trainer_of(example, target).initialize(seed)) == expected


SPREADS = {  # of 40 inputs and 60 units
    "zeros": 0,
    "normal": 1,
    "uniform": 2 / 12**0.5,
    "xavier_normal": (2 / 100) ** 0.5,
    "xavier_uniform": (6 / 100) ** 0.5 / 3**0.5,
    "he_normal": (2 / 40) ** 0.5,
    "he_uniform": (6 / 40) ** 0.5 / 3**0.5,
    "lecun_normal": (1 / 40) ** 0.5,
}
"""Standard deviations; an even distribution from -a to a has a / sqrt(3)."""


@pytest.mark.parametrize("name", INITIALIZERS)
def test_an_initializer_has_the_spread_of_its_definition(name: str) -> None:
    network = bpsym.Network(inputs=40, layers=[bpsym.Dense(units=60, init=name)])
    numbers = [entry for row in drawn_weights(network, 1)["W1"] for entry in row]
    assert statistics.pstdev(numbers) == pytest.approx(SPREADS[name], rel=0.05)
    assert statistics.fmean(numbers) == pytest.approx(0, abs=0.05)


def test_the_numbers_are_those_of_pythons_generator() -> None:
    """random.Random(0) begins 0.8444218515250481, 0.7579544029403025."""
    init = {"name": "uniform", "low": 0, "high": 1}
    network = bpsym.Network(inputs=2, layers=[bpsym.Dense(units=1, init=init)])
    assert drawn_weights(network, 0)["W1"] == ((0.8444218515250481, 0.7579544029403025),)


@targets
def test_a_layers_own_seed_goes_before_the_trainings(target: str) -> None:
    own = example_of({"name": "uniform", "seed": 3}, seed=5)
    common = example_of("uniform", seed=5)
    other = example_of("uniform", seed=6)
    assert flat(trainer_of(own, target).INITIAL) == flat(trainer_of(own, target).initialize(99))
    assert flat(trainer_of(common, target).INITIAL) == flat(trainer_of(common, target).initialize(5))
    assert flat(trainer_of(common, target).INITIAL) != flat(trainer_of(other, target).INITIAL)


@targets
def test_layers_with_and_without_weights_may_be_mixed(target: str) -> None:
    layers = [
        bpsym.Dense(units=2, init="he_normal"),
        bpsym.Dense(units=1, weights=[[0.25, -0.5]], biases=[0.125]),
        bpsym.Dense(units=2, init="lecun_normal", biases=[1, 2]),
    ]
    network = bpsym.Network(inputs=2, layers=layers)
    trainer = trainer_of(bpsym.Example(network=network, training={"seed": 4}), target)
    exact = initial_parameters(network, 4)
    assert exact is not None
    expected = [float(number) for one in exact.values() for number in np.ravel(np.array(one, dtype=object))]
    assert flat(trainer.INITIAL) == expected
    assert expected[6:9] == [0.25, -0.5, 0.125]
    assert expected[-2:] == [1.0, 2.0]
    assert exact["W1"] == tuple(tuple(map(Fraction, row)) for row in drawn_weights(network, 4)["W1"])


@targets
def test_where_nothing_is_said_a_training_starts_with_xavier_and_seed_0(target: str) -> None:
    silent = example_of(None)
    assert flat(trainer_of(silent, target).INITIAL) == flat(trainer_of(example_of(), target).initialize(0))
    assert initial_parameters(silent.network) is None


def test_init_beside_weights_is_refused() -> None:
    with pytest.raises(bpsym.InputError, match=r"init: weights are given, .* \(leave out init, or weights\)"):
        bpsym.Dense(units=1, weights=[[1]], init="zeros")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"low": 2, "high": -0.5}, "init.high: high must not be below low: low is 2, and high is -0.5"),
        ({"low": 1.5}, "init.low: high must not be below low: low is 1.5, and high is 1"),
        ({"high": -2}, "init.high: high must not be below low: low is -1, and high is -2"),
    ],
)
def test_an_interval_that_ends_before_it_begins_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(bpsym.InputError) as caught:
        bpsym.Dense(units=1, init={"name": "uniform", **settings})
    assert str(caught.value) == f"{message} (write low = -1, high = 1)"


def test_an_interval_may_be_a_point_and_a_spread_may_be_none_but_not_negative() -> None:
    assert bpsym.Dense(units=1, init={"name": "uniform", "low": 1, "high": 1}).init is not None
    assert bpsym.Dense(units=1, init={"name": "normal", "std": 0}).init is not None
    with pytest.raises(bpsym.InputError, match=r"init.std: must be at least 0, not -1 \(write std = 1\)"):
        bpsym.Dense(units=1, init={"name": "normal", "std": -1})


# Batches ---------------------------------------------------------------------------------------------------------------


def batches(samples: int, size: int, steps: int, *, seed: int | None) -> list[list[int]]:
    """The rows of each step's batch; not shuffled without a seed."""
    found: list[list[int]] = []
    epoch = 0
    while len(found) < steps:
        rows = list(range(samples))
        if seed is not None:
            random.Random(f"{seed} {epoch}").shuffle(rows)
        found += [rows[start : start + size] for start in range(0, samples, size)]
        epoch += 1
    return found[:steps]


@targets
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_step_sees_the_next_batch_of_its_epoch(shuffle: bool, optimizer: str, target: str) -> None:
    training = {"batch_size": 2, "shuffle": shuffle, "seed": 3, "optimizer": optimizer}
    trainer = trainer_of(example_of(**training), target)
    after, losses, *state = trainer.train(trainer.INITIAL, X, T, 0.5, 8)
    parameters, expected = trainer.INITIAL, []
    own = [trainer.initial_state(parameters)] if optimizer == "adam" else []
    for rows in batches(5, 2, 8, seed=3 if shuffle else None):
        x, t = [X[row] for row in rows], [T[row] for row in rows]
        expected.append(trainer.loss(parameters, x, t))
        made = trainer.update(parameters, *own, x, t, 0.5)
        parameters, *own = made if own else (made,)
    assert losses == expected
    assert flat(after) == flat(parameters)
    assert [flat(one) for one in state] == [flat(one) for one in own]


def test_a_batch_larger_than_the_data_is_all_of_them() -> None:
    whole, large = (trainer_of(example_of(**one), "python") for one in ({}, {"batch_size": 9}))
    assert flat(whole.train(whole.INITIAL, X, T, 0.5, 3)[0]) == flat(
        large.train(large.INITIAL, X, T, 0.5, 3)[0]
    )


# Stopping and going on ---------------------------------------------------------------------------------------------------


KINDS: dict[str, dict[str, Any]] = {
    "sgd": {},
    "batches": {"batch_size": 2, "shuffle": True},
    "momentum": {"optimizer": "momentum", "batch_size": 2, "shuffle": True},
    "adam": {"optimizer": "adam", "clip": {"name": "norm", "max_norm": 0.01}},
    "schedule": {"schedule": {"name": "cosine", "T_max": 9}},
    "sequential": {"update": "sequential"},
    "sequential schedule": {"update": "sequential", "schedule": {"name": "warmup", "steps": 5}},
}


@targets
@pytest.mark.parametrize("kind", KINDS)
def test_training_goes_on_exactly_where_it_stopped(kind: str, target: str) -> None:
    trainer = trainer_of(example_of(seed=1, **KINDS[kind]), target)
    seen: list[int] = []

    def stop_before_step_3(step: int, loss: float) -> bool:
        seen.append(step)
        return step == 3

    whole, losses, *state = trainer.train(trainer.INITIAL, X, T, 0.5, 7)
    half, first, *between = trainer.train(trainer.INITIAL, X, T, 0.5, 7, stop_before_step_3)
    assert seen == [0, 1, 2, 3]
    assert first == losses[:3]
    more = {"state": between[0]} if between else {"start": len(first)}
    rest, second, *after = trainer.train(half, X, T, 0.5, 4, **more)
    assert first + second == losses
    assert flat(rest) == flat(whole)
    assert [flat(one) for one in after] == [flat(one) for one in state]


@targets
def test_a_state_counts_the_steps_and_is_named_after_the_parameters(target: str) -> None:
    trainer = trainer_of(example_of(optimizer="adam"), target)
    _, _, state = trainer.train(trainer.INITIAL, X, T, 0.5, 3)
    assert state.step == 3
    first = {"python": ("step", "m_w1_11", "m_w1_12"), "numpy": ("step", "m_W1", "m_b1")}[target]
    assert trainer.State._fields[:3] == first
    assert len(set(trainer.State._fields)) == len(trainer.State._fields)


@targets
def test_a_state_that_does_not_fit_is_refused(target: str) -> None:
    trainer = trainer_of(example_of(optimizer="momentum"), target)
    state = trainer.initial_state(trainer.INITIAL)
    for wrong, message in (
        (state[:-1], "state has shape"),
        (state._replace(step=-1), "state: step is -1"),
        ((0, *(np.nan * np.asarray(one) + np.nan for one in state[1:])), "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            trainer.update(trainer.INITIAL, wrong, X, T, 0.5)
    plain = trainer_of(example_of(), target)
    with pytest.raises(ValueError, match="start is -1"):
        plain.train(plain.INITIAL, X, T, 0.5, 1, start=-1)


# The text ----------------------------------------------------------------------------------------------------------------


@targets
@pytest.mark.parametrize("kind", KINDS)
def test_no_line_is_longer_than_a_page_is_wide(kind: str, target: str) -> None:
    for notation in api.notations():
        example = example_of(**KINDS[kind]).model_copy(update={"notation": notation})
        assert max(map(len, text_of(example, target).splitlines())) <= WIDTH


def test_adam_in_numpy_reads_like_the_lecture() -> None:
    text = text_of(example_of(optimizer="adam", schedule={"name": "exponential", "gamma": 0.99}), "numpy")
    for line in (
        "BETA1 = 0.9",
        "    rate = learning_rate * GAMMA ** (step - 1)",
        "    c1 = 1 - BETA1**step",
        "    m_W1 = BETA1 * m_W1 + (1 - BETA1) * dW1",
        "    v_W1 = BETA2 * v_W1 + (1 - BETA2) * dW1**2",
        "        W1=W1 - rate * (m_W1 / c1) / (np.sqrt(v_W1 / c2) + EPS),",
    ):
        assert line in text.splitlines()


def test_momentum_in_plain_python_reads_like_the_lecture() -> None:
    text = text_of(example_of(optimizer="momentum"), "python")
    for line in (
        "MOMENTUM = 0.9",
        "    v_w1_11 = MOMENTUM * v_w1_11 + dw1_11",
        "        w1_11=w1_11 - learning_rate * v_w1_11,",
    ):
        assert line in text.splitlines()


def test_plain_sgd_carries_nothing_of_the_others() -> None:
    for target in api.targets():
        text = text_of(example_of(), target)
        assert all(word not in text for word in ("State", " state", "_batches", "BATCH_SIZE", "floor"))


def test_a_wider_network_asks_sympy_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Formulas are made once a tensor and stamped for each weight."""
    counts = []
    made = nodes.Read.__new__

    def counted(cls: Any, name: Any, *at: Any) -> Any:
        counts[-1] += 1
        return made(cls, name, *at)

    monkeypatch.setattr(nodes.Read, "__new__", counted)
    for width in (3, 4, 40):
        layers = [bpsym.Dense(units=width, activation="tanh"), bpsym.Dense(units=width)]
        network = bpsym.Network(inputs=width, layers=layers, l2=0.1)
        backward._contributed_once.cache_clear()
        clear_cache()
        counts.append(0)
        text_of(bpsym.Example(network=network, training={"optimizer": "adam"}), "python")
    assert 0 < counts[2] == counts[1]  # ten times the width, a hundred times the weights
