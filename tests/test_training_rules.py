"""What a step does to a parameter: optimisers, schedules, clips, penalties, frozen parameters, the order of updates.

Most of it on one weight w with the loss w^2 / 2, whose gradient is w, so that each rule can be written down by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

import mpmath
import numpy as np
import pytest

import bpsym
from bpsym import api
from bpsym.calculus.arithmetic import digits
from bpsym.calculus.equations import find
from bpsym.calculus.evaluate import evaluate
from bpsym.codegen.module import imported, source
from bpsym.network.choices import Choice
from bpsym.network.clips import CLIPS
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.network.schedules import SCHEDULES
from bpsym.network.start import initial_parameters
from bpsym.network.training_program import training_program
from bpsym.network.training_rule import TrainingRule
from bpsym.network.update_rule import update_rule
from bpsym.notation.names import Names
from tests.running import ROOT

X, T = [[1.0]], [[0.0]]

targets = pytest.mark.parametrize("target", api.targets())


def one_weight(w: Any = 2, *, l1: Any = 0, l2: Any = 0, **training: Any) -> bpsym.Example:
    """z = w x with x = 1, t = 0: the loss is w^2 / 2."""
    layer = bpsym.Dense(units=1, bias="none", weights=[[w]])
    network = bpsym.Network(inputs=1, layers=[layer], l1=l1, l2=l2)
    data = {"x": [[1]], "t": [[0]]}
    return bpsym.Example(notation="blog", network=network, data=data, training=training)


def trainer_of(example: bpsym.Example, target: str) -> Any:
    """The trainer, without a derivation that it would cite."""
    names = Names.of(example.notation, example.network)
    return imported(source(example, target, names, {}, "a test"), f"trainer_{target}")


def flat(parameters: Any) -> list[float]:
    return [float(entry) for one in parameters for entry in np.ravel(one)]


def path(example: bpsym.Example, target: str, steps: int, rate: float) -> list[float]:
    """The weight after 1, 2, ... steps."""
    trainer = trainer_of(example, target)
    return [flat(trainer.train(trainer.INITIAL, X, T, rate, count)[0])[0] for count in range(1, steps + 1)]


# Optimisers, each written down again from PyTorch's documentation, with g = w ----------------------------------------


def sgd(w: float, eta: float) -> Iterator[float]:
    while True:
        w -= eta * w
        yield w


def momentum(w: float, eta: float, mu: float = 0.9, tau: float = 0.0) -> Iterator[float]:
    buffer = None
    while True:
        buffer = w if buffer is None else mu * buffer + (1 - tau) * w
        w -= eta * buffer
        yield w


def nesterov(w: float, eta: float, mu: float = 0.9) -> Iterator[float]:
    buffer = None
    while True:
        buffer = w if buffer is None else mu * buffer + w
        w -= eta * (w + mu * buffer)
        yield w


def adagrad(
    w: float, eta: float, decay: float = 0.0, start: float = 0.0, eps: float = 1e-10
) -> Iterator[float]:
    total, step = start, 0
    while True:
        step += 1
        total += w * w
        w -= eta / (1 + (step - 1) * decay) * w / (math.sqrt(total) + eps)
        yield w


def rmsprop(
    w: float,
    eta: float,
    alpha: float = 0.99,
    mu: float = 0.0,
    centered: bool = False,
    eps: float = 1e-8,
) -> Iterator[float]:
    square = mean = buffer = 0.0
    while True:
        square = alpha * square + (1 - alpha) * w * w
        mean = alpha * mean + (1 - alpha) * w
        root = math.sqrt(square - mean * mean if centered else square) + eps
        buffer = mu * buffer + w / root
        w -= eta * buffer
        yield w


def adam(
    w: float, eta: float, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, decay: float = 0.0
) -> Iterator[float]:
    first = second = 0.0
    step = 0
    while True:
        step += 1
        g = w
        w *= 1 - eta * decay
        first = b1 * first + (1 - b1) * g
        second = b2 * second + (1 - b2) * g * g
        w -= eta * (first / (1 - b1**step)) / (math.sqrt(second / (1 - b2**step)) + eps)
        yield w


CASES: dict[str, tuple[Any, Callable[[float, float], Iterator[float]]]] = {
    "sgd": ("sgd", sgd),
    "momentum": ("momentum", momentum),
    "momentum, dampened": (
        {"name": "momentum", "momentum": 0.8, "dampening": 0.3},
        lambda w, eta: momentum(w, eta, 0.8, 0.3),
    ),
    "nesterov": ("nesterov", nesterov),
    "adagrad": ("adagrad", adagrad),
    "adagrad, decayed": (
        {"name": "adagrad", "lr_decay": 0.1, "initial_accumulator_value": 0.2},
        lambda w, eta: adagrad(w, eta, 0.1, 0.2),
    ),
    "rmsprop": ("rmsprop", rmsprop),
    "rmsprop, centered, with momentum": (
        {"name": "rmsprop", "momentum": 0.5, "centered": True},
        lambda w, eta: rmsprop(w, eta, mu=0.5, centered=True),
    ),
    "adam": ("adam", adam),
    "adam, other betas": (
        {"name": "adam", "betas": [0.8, 0.9], "eps": 0.01},
        lambda w, eta: adam(w, eta, 0.8, 0.9, 0.01),
    ),
    "adamw": ("adamw", lambda w, eta: adam(w, eta, decay=0.01)),
}


@targets
@pytest.mark.parametrize("case", CASES)
def test_an_optimizer_steps_as_its_definition_says(case: str, target: str) -> None:
    optimizer, by_hand = CASES[case]
    found = path(one_weight(optimizer=optimizer), target, 6, 0.3)
    assert found == pytest.approx(list(islice(by_hand(2.0, 0.3), 6)), rel=1e-13)


def test_every_optimizer_is_written_down_by_hand() -> None:
    assert {case.partition(",")[0] for case in CASES} == set(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_with_a_gradient_of_zero_changes_no_parameter(name: str) -> None:
    """adamw decays weights all the same, but 0 stays 0."""
    trainer = trainer_of(one_weight(0, optimizer=name), "python")
    assert flat(trainer.train(trainer.INITIAL, X, T, 0.3, 3)[0]) == [0.0]


def test_what_a_setting_makes_superfluous_is_left_out() -> None:
    def lines(optimizer: Any) -> list[str]:
        return [
            f"{line.name} = {line.formula}" for line in update_rule(TrainingRule(optimizer=optimizer)).lines
        ]

    assert lines("momentum") == ["v = momentum * v + g", "p = p - eta * v"]
    assert lines("rmsprop") == [
        "h = alpha * h + (1 - alpha) * g ** 2",
        "p = p - eta * (g / (sqrt(h) + eps))",
    ]
    assert lines("adagrad") == ["h = h + g ** 2", "p = p - eta * g / (sqrt(h) + eps)"]
    dampened = lines({"name": "momentum", "dampening": 0.5})
    assert dampened[0] == "undamped = 1 if n <= 1 else 1 - dampening"


def test_biases_are_decayed_by_adamw_too() -> None:
    layer = bpsym.Dense(units=1, weights=[[0]], biases=[2])
    example = one_weight().model_copy(update={"network": bpsym.Network(inputs=1, layers=[layer])})
    decayed = example.model_copy(update={"training": type(example.training)(optimizer="adamw")})
    trainer = trainer_of(decayed, "numpy")
    bias = flat(trainer.train(trainer.INITIAL, [[0.0]], T, 0.3, 2)[0])[1]
    assert bias == pytest.approx(list(islice(adam(2.0, 0.3, decay=0.01), 2))[-1], rel=1e-13)


# Schedules: the weight shrinks by 1 - rate -----------------------------------------------------------------------------


def rates(schedule: Any, target: str, steps: int) -> list[float]:
    """The learning rates of the first steps, of which the example's is 0.5."""
    ways = [2.0, *path(one_weight(schedule=schedule), target, steps, 0.5)]
    return [1 - after / before for before, after in pairwise(ways)]


RATES = {
    "step": ({"name": "step", "step_size": 3, "gamma": 0.5}, [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]),
    "step of one": ({"name": "step", "step_size": 1, "gamma": 0.5}, [0.5, 0.25, 0.125]),
    "exponential": ({"name": "exponential", "gamma": 0.9}, [0.5, 0.45, 0.405]),
    "cosine": (
        {"name": "cosine", "T_max": 4, "eta_min": 0.1},
        [0.5, 0.3 + 0.2 * math.sqrt(0.5), 0.3, 0.3 - 0.2 * math.sqrt(0.5), 0.1, 0.3 - 0.2 * math.sqrt(0.5)],
    ),
    "warmup": ({"name": "warmup", "steps": 4}, [0.125, 0.25, 0.375, 0.5, 0.5]),
    "warmup of one": ({"name": "warmup", "steps": 1}, [0.5, 0.5]),
}


@targets
@pytest.mark.parametrize("case", RATES)
def test_a_schedule_gives_each_step_its_rate(case: str, target: str) -> None:
    schedule, expected = RATES[case]
    assert rates(schedule, target, len(expected)) == pytest.approx(expected, rel=1e-12)


def test_every_schedule_has_its_rates() -> None:
    assert {case.partition(" ")[0] for case in RATES} == set(SCHEDULES)


def test_a_step_schedule_steps_at_the_right_step_however_late() -> None:
    """floor((n - 1) / 49) of whole numbers, where (n - 1) * (1 / 49) would fall below."""
    example = one_weight(schedule={"name": "step", "step_size": 49, "gamma": 0.5})
    for target in api.targets():
        trainer = trainer_of(example, target)
        state = trainer.State(49)
        after, _ = trainer.update(trainer.INITIAL, state, X, T, 0.5)
        assert flat(after) == [2 - 0.25 * 2]


# Clips --------------------------------------------------------------------------------------------------------------


def two_weights(target: str, weights: list[float], **training: Any) -> list[float]:
    """The step of two weights whose gradient is the pair itself, at rate 1: outputs w1 and w2, targets 0."""
    layer = bpsym.Dense(units=2, bias="none", weights=[[w] for w in weights])
    example = bpsym.Example(network=bpsym.Network(inputs=1, layers=[layer]), training=training)
    trainer = trainer_of(example, target)
    after = trainer.train(trainer.INITIAL, [[1.0]], [[0.0, 0.0]], 1.0, 1)[0]
    return [before - now for before, now in zip(weights, flat(after), strict=True)]


@targets
def test_a_norm_is_clipped_over_all_gradients_together(target: str) -> None:
    """(3, 4) has the norm 5"""
    clip = {"name": "norm", "max_norm": 1}
    assert two_weights(target, [3.0, -4.0], clip=clip) == pytest.approx([0.6, -0.8], rel=1e-14)
    assert two_weights(target, [0.3, -0.4], clip=clip) == pytest.approx([0.3, -0.4], rel=1e-14)
    assert two_weights(target, [3.0, -4.0], clip={"name": "norm", "max_norm": 5}) == [3.0, -4.0]


@targets
def test_a_norm_of_zero_is_clipped_without_a_division_by_zero(target: str) -> None:
    assert two_weights(target, [0.0, 0.0], clip={"name": "norm", "max_norm": 0.5}) == [0.0, 0.0]


def test_where_optimizers_and_clips_are_not_pytorchs_the_readme_says_so() -> None:
    """clip_grad_norm_ multiplies by max_norm / (norm + 1e-6), and nearly all of torch.optim takes a weight_decay."""
    said = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "weight decay is said by `l2` or `adamw` alone" in said
    assert [name for name, one in OPTIMIZERS.items() if "weight_decay" in one.settings] == ["adamw"]
    assert "`norm` clips without PyTorch's added 1e-6" in said
    # 3 * 1 / (5 + 1e-6) is 0.6 - 1.2e-7
    assert two_weights("python", [3.0, 4.0], clip={"name": "norm", "max_norm": 1})[0] == pytest.approx(
        0.6, abs=1e-9
    )


@targets
def test_values_are_clipped_each(target: str) -> None:
    clip = {"name": "value", "clip_value": 0.5}
    assert two_weights(target, [3.0, -4.0], clip=clip) == [0.5, -0.5]
    assert two_weights(target, [0.25, -0.5], clip=clip) == [0.25, -0.5]
    assert set(CLIPS) == {"norm", "value"}


@targets
def test_frozen_parameters_do_not_count_in_the_norm(target: str) -> None:
    layers = [
        bpsym.Dense(units=1, bias="none", weights=[[2]], frozen=["weights"]),
        bpsym.Dense(units=1, bias="none", weights=[[3]]),
    ]
    clip = {"name": "norm", "max_norm": 1}
    example = bpsym.Example(network=bpsym.Network(inputs=1, layers=layers), training={"clip": clip})
    trainer = trainer_of(example, target)
    after = trainer.train(trainer.INITIAL, X, T, 1.0, 1)[0]
    assert flat(after) == [2.0, 2.0]


# Penalties ----------------------------------------------------------------------------------------------------------


@targets
def test_penalties_are_added_once_to_the_loss_and_to_the_gradient(target: str) -> None:
    """w^2/2 + 0.1 |w| + 0.2/2 w^2 at w = -2: 2 + 0.2 + 0.4; its derivative -2 - 0.1 - 0.4."""
    trainer = trainer_of(one_weight(-2, l1=0.1, l2=0.2), target)
    x, t = [[1.0], [1.0]], [[0.0], [0.0]]
    assert trainer.loss(trainer.INITIAL, x, t) == pytest.approx(2.6, rel=1e-14)
    assert flat(trainer.gradients(trainer.INITIAL, x, t)) == pytest.approx([-2.5], rel=1e-14)
    assert trainer.train(trainer.INITIAL, x, t, 0.1, 1)[1] == pytest.approx([2.6], rel=1e-14)


@targets
def test_the_slope_of_l1_at_zero_is_zero(target: str) -> None:
    trainer = trainer_of(one_weight(0, l1=0.1), target)
    assert flat(trainer.gradients(trainer.INITIAL, X, T)) == [0.0]


@targets
def test_nielsens_l2_is_written_as_lambda_over_n(target: str) -> None:
    """w <- (1 - eta lambda / n) w - (eta / m) sum of the samples' gradients; biases without the factor."""
    eta, lam, n = 0.5, Fraction(1, 2), 4

    def network(l2: Any) -> bpsym.Example:
        layers = [
            bpsym.Dense(units=2, activation="sigmoid", weights=[[0.1, -0.3], [0.7, 0.2]], biases=[0.4, -0.6]),
            bpsym.Dense(units=1, activation="sigmoid", weights=[[0.5, -0.8]], biases=[0.3]),
        ]
        return bpsym.Example(network=bpsym.Network(inputs=2, layers=layers, l2=l2))

    x, t = [[0.1, 0.2], [0.3, -0.4]], [[1.0], [0.0]]
    plain, decayed = trainer_of(network(0), target), trainer_of(network(lam / n), target)
    gradients = plain.gradients(plain.INITIAL, x, t)
    after = decayed.update(decayed.INITIAL, x, t, eta)
    for field in plain.Parameters._fields:
        w, g, new = (np.asarray(getattr(one, field)) for one in (plain.INITIAL, gradients, after))
        keep = 1.0 if field.startswith("b") else 1 - eta * float(lam) / n
        assert np.allclose(new, keep * w - eta * g, rtol=1e-14, atol=1e-16)


# Frozen parameters and shared biases --------------------------------------------------------------------------------


@targets
def test_what_is_frozen_has_no_derivative_and_is_not_updated(target: str) -> None:
    layers = [
        bpsym.Dense(
            units=2,
            activation="tanh",
            bias="layer",
            weights=[[0.5, 1], [-1, 0.2]],
            biases=0.3,
            frozen=["weights"],
        ),
        bpsym.Dense(units=1, weights=[[0.7, -0.4]], biases=[0.1], frozen=["biases"]),
    ]
    network = bpsym.Network(inputs=2, layers=layers, l2=0.1)
    free = bpsym.Network(inputs=2, layers=[one.model_copy(update={"frozen": ()}) for one in layers], l2=0.1)
    held, loose = (trainer_of(bpsym.Example(network=one), target) for one in (network, free))
    x, t = [[1.0, 0.5], [0.2, -0.3]], [[0.3], [0.1]]
    assert held.loss(held.INITIAL, x, t) == loose.loss(loose.INITIAL, x, t)
    slopes, all_slopes = held.gradients(held.INITIAL, x, t), loose.gradients(loose.INITIAL, x, t)
    after = held.update(held.INITIAL, x, t, 0.5)
    for field in held.Parameters._fields:
        start, slope, new = (np.asarray(getattr(one, field)) for one in (held.INITIAL, slopes, after))
        if field.startswith(("w1", "W1", "b2")):
            assert not np.any(slope)
            assert np.array_equal(new, start)
        else:
            assert np.array_equal(slope, np.asarray(getattr(all_slopes, field)))
            assert np.array_equal(new, start - 0.5 * slope)
        assert np.shape(slope) == np.shape(start)


@targets
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_optimizer_touches_what_is_frozen(name: str, target: str) -> None:
    """Not even by adamw's decay; and nothing is remembered of it."""
    layer = bpsym.Dense(units=1, weights=[[2]], biases=[3], frozen=["weights"])
    network = bpsym.Network(inputs=1, layers=[layer], l2=0.1)
    trainer = trainer_of(bpsym.Example(network=network, training={"optimizer": name}), target)
    after = flat(trainer.train(trainer.INITIAL, X, T, 0.1, 3)[0])
    assert after[0] == 2.0
    assert after[1] != 3.0
    remembered = trainer.State._fields if hasattr(trainer, "State") else ()
    assert not [field for field in remembered if "w1" in field.lower()]


def test_error_terms_that_only_frozen_parameters_need_are_not_computed() -> None:
    layers = [
        bpsym.Dense(units=2, activation="tanh", frozen=["weights", "biases"]),
        bpsym.Dense(units=1),
    ]
    program = training_program(bpsym.Network(inputs=1, layers=layers), TrainingRule())
    assert "dz1" not in program.tensors
    assert program.equation("dW1").value == 0
    assert find(program, "update", "W1") is None
    assert find(program, "update", "W2") is not None


@targets
def test_a_shared_bias_gets_the_gradients_of_all_units(target: str) -> None:
    layer = bpsym.Dense(units=3, bias="layer", weights=[[0], [0], [0]], biases=1)
    trainer = trainer_of(bpsym.Example(network=bpsym.Network(inputs=1, layers=[layer])), target)
    slopes = trainer.gradients(trainer.INITIAL, [[1.0]], [[0.0, 0.5, 3.0]])
    assert flat(slopes)[-1] == pytest.approx(1.0 + 0.5 - 2.0, rel=1e-14)


# The order of updates: Mazur's network, whose published loss after one round is the sequential rule's --------------------

MAZUR_X, MAZUR_T = [[0.05, 0.10]], [[0.01, 0.99]]


def mazur(update: str) -> bpsym.Example:
    layers = [
        bpsym.Dense(
            units=2,
            activation="sigmoid",
            bias="layer",
            weights=weights,
            biases=bias,
            frozen=["biases"],
        )
        for weights, bias in (([[0.15, 0.20], [0.25, 0.30]], 0.35), ([[0.40, 0.45], [0.50, 0.55]], 0.60))
    ]
    network = bpsym.Network(inputs=2, layers=layers)
    data = {"x": [[0.05, 0.10]], "t": [[0.01, 0.99]]}
    return bpsym.Example(
        network=network, data=data, training={"learning_rate": 0.5, "steps": 1, "update": update}
    )


@targets
@pytest.mark.parametrize(
    ("update", "expected"), [("sequential", 0.29102792390544), ("simultaneous", 0.291027774)]
)
def test_mazurs_loss_after_one_round_tells_the_two_rules_apart(
    update: str, expected: float, target: str
) -> None:
    trainer = trainer_of(mazur(update), target)
    assert trainer.loss(trainer.INITIAL, MAZUR_X, MAZUR_T) == pytest.approx(0.298371109, abs=5e-10)
    after, losses = trainer.train(trainer.INITIAL, MAZUR_X, MAZUR_T, 0.5, 1)
    assert trainer.loss(after, MAZUR_X, MAZUR_T) == pytest.approx(expected, abs=5e-10)
    assert flat(after) == flat(trainer.update(trainer.INITIAL, MAZUR_X, MAZUR_T, 0.5))
    assert losses == [trainer.loss(trainer.INITIAL, MAZUR_X, MAZUR_T)]


@pytest.mark.parametrize(
    ("update", "expected"), [("sequential", "0.29102792390544"), ("simultaneous", "0.291027774")]
)
def test_the_program_has_the_order_of_updates_too(update: str, expected: str) -> None:
    """The trainer's lines follow each other; here stands which weights each equation reads."""
    example = mazur(update)
    program = training_program(example.network, example.training, 1)
    assert example.data is not None
    inputs: dict[str, Any] = {"x": example.data.x, "t": example.data.t, "eta": Fraction(1, 2)}
    start = initial_parameters(example.network)
    assert start is not None
    values = evaluate(program, inputs | start, digits(30))
    new = {name: values.get(f"{name}+", value) for name, value in start.items()}
    loss = evaluate(program, inputs | new, digits(30), only=["C"])["C"][()]
    assert abs(loss - mpmath.mpf(expected)) < mpmath.mpf("5e-10")


@targets
def test_mazurs_published_outputs_after_ten_thousand_rounds_are_sequential(target: str) -> None:
    trainer = trainer_of(mazur("sequential"), target)
    after, _ = trainer.train(trainer.INITIAL, MAZUR_X, MAZUR_T, 0.5, 10_000)
    assert np.ravel(trainer.forward(after, MAZUR_X)) == pytest.approx([0.015912196, 0.984065734], abs=5e-10)


@targets
def test_gradients_are_the_true_ones_whatever_the_order_of_updates(target: str) -> None:
    one, other = (trainer_of(mazur(update), target) for update in ("sequential", "simultaneous"))
    found, expected = (flat(each.gradients(each.INITIAL, MAZUR_X, MAZUR_T)) for each in (one, other))
    assert found == expected
    assert found[5] == pytest.approx(0.082167041, abs=5e-10)
    assert found[0] == pytest.approx(0.000438568, abs=5e-10)


@targets
def test_a_sequential_update_uses_new_weights_layer_by_layer(target: str) -> None:
    """Three layers of one unit, by hand: delta of a layer is the next one's times the next one's new weight."""
    layers = [bpsym.Dense(units=1, bias="none", weights=[[w]]) for w in (0.5, -0.8, 1.5)]
    example = bpsym.Example(network=bpsym.Network(inputs=1, layers=layers), training={"update": "sequential"})
    trainer = trainer_of(example, target)
    (x, t), eta, (w1, w2, w3) = (2.0, 0.7), 0.1, (0.5, -0.8, 1.5)
    a1, a2, a3 = w1 * x, w2 * w1 * x, w3 * w2 * w1 * x
    delta = a3 - t
    w3 -= eta * delta * a2
    delta *= w3
    w2 -= eta * delta * a1
    delta *= w2
    w1 -= eta * delta * x
    after, _ = trainer.train(trainer.INITIAL, [[x]], [[t]], eta, 1)
    assert flat(after) == pytest.approx([w1, w2, w3], rel=1e-14)


# What is said of a rule that does not fit --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"optimizer": "adm"}, "optimizer: unknown optimizer 'adm' (did you mean 'adam'?)"),
        (
            {"optimizer": {"name": "adam", "betas": [0.9, 1]}},
            "optimizer.betas[1]: must be below 1, not 1 (write betas = [0.9, 0.999])",
        ),
        (
            {"optimizer": {"name": "adam", "betas": [0.9]}},
            "optimizer.betas: must be 2 numbers, not 1 (write betas = [0.9, 0.999])",
        ),
        (
            {"optimizer": {"name": "adam", "beta": 1}},
            "optimizer.beta: unknown setting of optimizer 'adam' (did you mean 'betas'?)",
        ),
        (
            {"optimizer": {"name": "sgd", "momentum": 0.9}},
            "optimizer.momentum: unknown setting of optimizer 'sgd' (optimizer 'sgd' has no settings)",
        ),
        ({"optimizer": {}}, 'optimizer.name: missing (write name = "sgd")'),
        ({"optimizer": {"momentum": 0.9}}, 'optimizer.name: missing (write name = "momentum")'),
        ({"clip": {"clip_value": 1}}, 'clip.name: missing (write name = "value")'),
        (
            {"clip": {"max_nrm": 1}},
            'clip.name: missing (write name = "norm")\n'
            "clip.max_nrm: unknown setting of any clip (did you mean 'max_norm'?)",
        ),
        (
            {"schedule": {"gama": 1, "steps": 3}},
            'schedule.name: missing (write name = "step")\n'
            "schedule.gama: unknown setting of any schedule (did you mean 'gamma'?)",
        ),
        (
            {"optimizer": {"name": "adan", "momentm": 1, "eps": 1}},
            "optimizer.name: unknown optimizer 'adan' (did you mean 'adam'?)\n"
            "optimizer.momentm: unknown setting of any optimizer (did you mean 'momentum'?)",
        ),
        (
            {"optimizer": {"name": 3, "lr_decy": 1}},
            "optimizer.name: must be text in quotes, not 3\n"
            "optimizer.lr_decy: unknown setting of any optimizer (did you mean 'lr_decay'?)",
        ),
        (
            {"optimizer": 3},
            'optimizer: must be a name in quotes, or a table with name = ..., not 3 (write optimizer = "adam")',
        ),
        (
            {"optimizer": {"name": "rmsprop", "centered": 1}},
            "optimizer.centered: must be true or false, not 1 (write centered = false)",
        ),
        (
            {"schedule": "cosine"},
            "schedule.T_max: missing: schedule 'cosine' has no default for it (write T_max = 1000)",
        ),
        (
            {"schedule": {"name": "step", "step_size": 1.5}},
            "schedule.step_size: must be a whole number, not 1.5 (write step_size = 100)",
        ),
        (
            {"clip": {"name": "norm", "max_norm": 0}},
            "clip.max_norm: must be above 0, not 0 (write max_norm = 1)",
        ),
        ({"batch_size": 0}, "batch_size: must be at least 1, not 0 (write batch_size = 10)"),
        ({"shuffle": 1}, "shuffle: must be true or false, not 1 (write shuffle = true)"),
        (
            {"update": "sequential", "optimizer": "adam"},
            'update: "sequential" is made for the optimizer "sgd", not for \'adam\''
            ' (write update = "simultaneous", or optimizer = "sgd")',
        ),
        (
            {"update": "sequential", "clip": {"name": "norm", "max_norm": 1}},
            'update: "sequential" updates before all gradients are known, which clip needs'
            ' (write update = "simultaneous", or leave clip out)',
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_what_to_write(training: Any, message: str) -> None:
    with pytest.raises(bpsym.InputError) as caught:
        bpsym.Training(**training)
    assert str(caught.value) == message


def test_a_choice_has_all_of_its_settings_and_is_read_again_as_it_is() -> None:
    choice = bpsym.Training(optimizer="adam").optimizer
    assert choice == Choice(
        "adam", (("betas", (Fraction(9, 10), Fraction(999, 1000))), ("eps", Fraction(1, 10**8)))
    )
    assert choice["eps"] == Fraction(1, 10**8)
    assert bpsym.Training(optimizer=choice).optimizer == choice
    assert bpsym.Training(optimizer=choice.table()).optimizer == choice
    assert hash(choice) == hash(bpsym.Training(optimizer={"name": "adam"}).optimizer)


def test_settings_of_one_rule_never_share_a_name() -> None:
    """They are constants of one module."""
    names = [
        name
        for records in (OPTIMIZERS, SCHEDULES, CLIPS)
        for name in sorted({name for record in records.values() for name in record.settings})
    ]
    assert sorted(names) == sorted(set(names))


# Against PyTorch ------------------------------------------------------------------------------------------------------


def _of_torch(make: Callable[[Any], Any], schedule: Callable[[Any], Any] | None, steps: int) -> list[float]:
    import torch

    tensors = [
        torch.tensor(rows, dtype=torch.float64, requires_grad=True)
        for rows in ([[0.1, 0.8], [0.4, 0.6]], [[0.3, 0.9]])
    ]
    x, t = (torch.tensor(rows, dtype=torch.float64) for rows in ([[0.35, 0.9], [0.1, -0.3]], [[0.5], [0.2]]))
    optimizer = make(tensors)
    scheduler = schedule(optimizer) if schedule is not None else None
    for _ in range(steps):
        optimizer.zero_grad()
        y = torch.sigmoid(torch.sigmoid(x @ tensors[0].T) @ tensors[1].T)
        (((y - t) ** 2) / 2).sum(dim=1).mean().backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return [float(entry) for tensor in tensors for entry in tensor.detach().flatten()]


TORCH: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "sgd": ({"optimizer": "sgd"}, "SGD", {}),
    "momentum": ({"optimizer": "momentum"}, "SGD", {"momentum": 0.9}),
    "dampening": (
        {"optimizer": {"name": "momentum", "dampening": 0.3}},
        "SGD",
        {"momentum": 0.9, "dampening": 0.3},
    ),
    "nesterov": ({"optimizer": "nesterov"}, "SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ({"optimizer": "adagrad"}, "Adagrad", {}),
    "rmsprop": ({"optimizer": "rmsprop"}, "RMSprop", {}),
    "centered": (
        {"optimizer": {"name": "rmsprop", "centered": True, "momentum": 0.3}},
        "RMSprop",
        {"centered": True, "momentum": 0.3},
    ),
    "adam": ({"optimizer": "adam"}, "Adam", {}),
    "adamw": ({"optimizer": "adamw"}, "AdamW", {}),
}
SCHEDULERS = {
    "step": ({"name": "step", "step_size": 3}, "StepLR", {"step_size": 3}),
    "exponential": ({"name": "exponential", "gamma": 0.9}, "ExponentialLR", {"gamma": 0.9}),
    "cosine": ({"name": "cosine", "T_max": 7}, "CosineAnnealingLR", {"T_max": 7}),
    "none": (None, "", {}),
}


@pytest.mark.torch
@targets
@pytest.mark.parametrize("schedule", SCHEDULERS)
@pytest.mark.parametrize("case", TORCH)
def test_twenty_steps_are_those_of_pytorch(case: str, schedule: str, target: str) -> None:
    import torch

    training, name, options = TORCH[case]
    own, scheduler, its = SCHEDULERS[schedule]
    example = bpsym.load("blog").model_copy(
        update={"training": bpsym.Training(**training, **({} if own is None else {"schedule": own}))}
    )
    trainer = trainer_of(example, target)
    x, t = [[0.35, 0.9], [0.1, -0.3]], [[0.5], [0.2]]
    for steps, near in ((1, 1e-11), (20, 1e-9)):
        expected = _of_torch(
            lambda tensors: getattr(torch.optim, name)(tensors, lr=0.1, **options),
            (lambda one: getattr(torch.optim.lr_scheduler, scheduler)(one, **its)) if scheduler else None,
            steps,
        )
        after = trainer.train(trainer.INITIAL, x, t, 0.1, steps)[0]
        assert flat(after) == pytest.approx(expected, rel=near, abs=1e-13)
