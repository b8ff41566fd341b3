"""Every combination: both targets against the NumPy trainer written by hand, central differences, and PyTorch."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import bpsym
from bpsym import api
from bpsym.calculus.arithmetic import double
from bpsym.calculus.backward import adjoint_name
from bpsym.calculus.evaluate import evaluate
from bpsym.calculus.update import updated
from bpsym.network.forward import parameters
from bpsym.network.training_program import first_step, training_program
from bpsym.network.update_rule import update_rule
from tests.combinations import OPTIMIZERS, SCHEDULES, Combination, combinations, numbered
from tests.witness.differences import central_differences
from tests.witness.numpy_trainer import (
    ACTIVATIONS,
    LOSSES,
    OWN_ACTIVATIONS,
    OWN_LOSSES,
    Choice,
    Layer,
    Network,
    Parameters,
    Rule,
    Trainer,
)
from tests.witness.rounding import discrepancy, joined, precise, with_scales

ONE_STEP = 1e-11
TWENTY_STEPS = 1e-9
CONTROL = 1e-11
DIVERGED = 1e6
DIFFERENCES = 8
"""Of how many parameters of a network the central differences are taken."""

targets = pytest.mark.parametrize("target", api.targets())


# The trainer under test ------------------------------------------------------------------------------------------


def one_update(trainer: Any, x: Any, t: Any, rate: float) -> Any:
    """The parameters after one step from the start."""
    if hasattr(trainer, "initial_state"):
        return trainer.update(trainer.INITIAL, trainer.initial_state(trainer.INITIAL), x, t, rate)[0]
    return trainer.update(trainer.INITIAL, x, t, rate)


def close(found: Any, right: Any, tolerance: float) -> bool:
    return np.allclose(joined(found), joined(right), rtol=tolerance, atol=tolerance)


# Against the witness ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """What a network has before and after its first step."""

    outputs: Any
    loss: Any
    gradients: Any
    update: Any

    def discrepancies(self, right: Start, scaled: Start | None = None) -> dict[str, float]:
        """By name, relative to the scales of `right`, or of `scaled`."""
        return {
            name: discrepancy(
                getattr(self, name), getattr(right, name), None if scaled is None else getattr(scaled, name)
            )
            for name in ("outputs", "loss", "gradients", "update")
        }


def start_of_trainer(trainer: Any, combination: Combination) -> Start:
    x, t = (rows.tolist() for rows in combination.data)
    return Start(
        trainer.forward(trainer.INITIAL, x),
        [trainer.loss(trainer.INITIAL, x, t)],
        trainer.gradients(trainer.INITIAL, x, t),
        one_update(trainer, x, t, combination.rate),
    )


def start_of_witness(combination: Combination) -> Start:
    """With scales."""
    witness = Trainer(combination.network, combination.rule)
    parameters = tuple(map(with_scales, combination.parameters))
    x, t = map(with_scales, combination.data)
    return Start(
        [witness.forward(parameters, x)],
        [witness.loss(parameters, x, t)],
        witness.gradients(parameters, x, t),
        witness.update(parameters, None, x, t, combination.rate)[0],
    )


def too_far(discrepancies: dict[str, float]) -> dict[str, float]:
    """Those that are too large."""
    return {name: found for name, found in discrepancies.items() if not found <= ONE_STEP}


def slopes_of_loss(combination: Combination, places: list[int]) -> list[Any]:
    """Of the witness's loss by some of the parameters, at fifty digits, by central differences."""
    network, start = combination.network, joined(combination.parameters)
    x, t = map(precise, combination.data)
    shapes = network.shapes()
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def loss(point: list[Any]) -> Any:
        whole = precise(start)
        whole[places] = point
        parts = zip(np.split(whole, ends), shapes, strict=True)
        return Trainer(network).loss(tuple(part.reshape(shape) for part, shape in parts), x, t)

    return central_differences(loss, start[places].tolist())


def some_trained(combination: Combination) -> list[int]:
    """The places of a few trained parameters among all."""
    network = combination.network
    sizes = [int(np.prod(shape)) for shape in network.shapes()]
    trained = np.flatnonzero(np.repeat(network.trained(), sizes)).tolist()
    return sorted(random.Random(7).sample(trained, min(len(trained), DIFFERENCES)))


def twenty_steps(combination: Combination) -> tuple[Parameters, list[float]] | None:
    """What the witness has then; None where its control with reversed sums has something else, or where it diverges."""
    runs = []
    with np.errstate(all="ignore"):
        for reverse in (False, True):
            witness = Trainer(combination.network, combination.rule, reverse)
            runs.append(
                witness.train(
                    combination.parameters, *combination.data, combination.rate, 20, combination.batches(20)
                )[:2]
            )
    (right, losses), (control, others) = runs
    calm = np.abs(joined((*right, losses))).max() <= DIVERGED  # not so where there is a nan
    same = close((*right, losses), (*control, others), CONTROL)
    return (right, losses) if calm and same else None


def after_twenty_steps(trainer: Any, combination: Combination) -> Any:
    x, t = (rows.tolist() for rows in combination.data)
    parameters, losses = trainer.train(trainer.INITIAL, x, t, combination.rate, 20)[:2]
    return (*parameters, losses)


@targets
def test_a_trainer_of_any_combination_agrees_with_the_witness_and_with_differences(target: str) -> None:
    told: list[bool] = []

    @settings(max_examples=25)
    @given(combination=combinations())
    def every(combination: Combination) -> None:
        trainer = bpsym.trainer(combination.example(), target, cited=False)
        found, right = start_of_trainer(trainer, combination), start_of_witness(combination)
        assert too_far(found.discrepancies(right)) == {}
        places = some_trained(combination)
        slopes = [joined(found.gradients)[places]], [slopes_of_loss(combination, places)]
        assert discrepancy(*slopes, [joined(right.gradients)[places]]) <= ONE_STEP
        end = twenty_steps(combination)
        told.append(end is not None)
        assert end is None or close(after_twenty_steps(trainer, combination), (*end[0], end[1]), TWENTY_STEPS)

    every()
    assert sum(told) >= 0.8 * len(told)


# Each choice by itself, against the witness and PyTorch ------------------------------------------------------------


def with_every_bias(activation: str, outputs: str, loss: str = "squared_error", **more: Any) -> Network:
    layers = (Layer(3, activation, "neuron"), Layer(2, "tanh", "layer"), Layer(2, outputs, "none"))
    return Network(2, layers, loss, **more)


OUTPUTS = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}
PENALISED = with_every_bias("gelu", "tanh", "huber", l1=0.02, l2=0.1)
FROZEN = (Layer(3, "silu", "neuron", ("weights",)), Layer(2, "tanh", "layer", ("biases",)), Layer(2, "tanh"))

KNOWN_TO_PYTORCH = {
    **{name: (with_every_bias(name, name), Rule()) for name in ACTIVATIONS},
    **{name: (with_every_bias("silu", OUTPUTS.get(name, "tanh"), name), Rule()) for name in LOSSES},
    **{f"{one}": (PENALISED, Rule(one)) for one in OPTIMIZERS},
    **{f"{one}": (with_every_bias("elu", "tanh"), Rule(schedule=one)) for one in SCHEDULES if one},
    "clip by value": (PENALISED, Rule(clip=Choice("value", {"clip_value": 0.05}))),
    "sum": (with_every_bias("softplus", "identity", reduction="sum"), Rule(Choice("nesterov"))),
    "frozen": (Network(2, FROZEN, l1=0.02, l2=0.1), Rule(Choice("adamw"))),
}
UNKNOWN_TO_PYTORCH = {
    **{name: (with_every_bias(name, name), Rule()) for name in OWN_ACTIVATIONS},
    **{name: (with_every_bias("silu", "tanh", name), Rule()) for name in OWN_LOSSES},
    "clip by norm": (PENALISED, Rule(Choice("momentum"), clip=Choice("norm", {"max_norm": 0.2}))),
    "sequential": (with_every_bias("sigmoid", "silu"), Rule(update="sequential")),
}


@pytest.fixture(scope="module", name="made")
def _made(request: pytest.FixtureRequest) -> tuple[Combination, Any]:
    """A choice's combination, and its trainer; of module scope, so that the tests of one stand side by side."""
    target, name = request.param
    combination = numbered(*(KNOWN_TO_PYTORCH | UNKNOWN_TO_PYTORCH)[name])
    return combination, bpsym.trainer(combination.example(), target, cited=False)


def choices(known: Iterable[str]) -> Any:
    times = [(target, name) for name in known for target in api.targets()]
    return pytest.mark.parametrize("made", times, indirect=True, ids="-".join)


@choices([*KNOWN_TO_PYTORCH, *UNKNOWN_TO_PYTORCH])
def test_a_trainer_of_each_choice_agrees_with_the_witness(made: tuple[Combination, Any]) -> None:
    combination, trainer = made
    assert too_far(start_of_trainer(trainer, combination).discrepancies(start_of_witness(combination))) == {}
    end = twenty_steps(combination)
    assert end is not None
    assert close(after_twenty_steps(trainer, combination), (*end[0], end[1]), TWENTY_STEPS)


# The equations themselves, from which derivations are printed -----------------------------------------------------


def array_of(numbers: dict[tuple[int, ...], Any]) -> np.ndarray:
    """An array from its elements."""
    array = np.empty(tuple(1 + last for last in max(numbers)), dtype=object)
    for place, number in numbers.items():
        array[place] = number
    return array


def steps_of_equations(combination: Combination, steps: int) -> list[Start]:
    """What the equations of a step give, step after step; each begins with what the one before has made."""
    example = combination.example()
    rule = example.training
    program = training_program(example.network, rule, len(combination.x))
    names = [one.name for one in parameters(program)]
    inputs = {"x": combination.x, "t": combination.t, "eta": combination.learning_rate}
    inputs |= dict(zip(names, combination.numbers, strict=True)) | first_step(program, update_rule(rule))
    starts = []
    for _ in range(steps):
        values = evaluate(program, inputs, double())
        for tensor in program.inputs:
            if (new := updated(tensor).name) in values:
                inputs[tensor.name] = array_of(values[new]).tolist()
        starts.append(
            Start(
                [array_of(values[f"a{len(combination.network.layers)}"])],
                [values["C"][()]],
                [array_of(values[adjoint_name(name)]) for name in names],
                [np.array(inputs[name], dtype=float) for name in names],
            )
        )
    return starts


@pytest.mark.parametrize("name", [*KNOWN_TO_PYTORCH, *UNKNOWN_TO_PYTORCH])
def test_the_equations_of_each_choice_agree_with_the_witness(name: str) -> None:
    network, rule = (KNOWN_TO_PYTORCH | UNKNOWN_TO_PYTORCH)[name]
    combination = numbered(network, rule)
    first, *_, last = steps_of_equations(combination, 8)
    assert too_far(first.discrepancies(start_of_witness(combination))) == {}
    right, losses, _ = Trainer(network, rule).train(
        combination.parameters, *combination.data, combination.rate, 8
    )
    assert close((*last.update, last.loss), (*right, losses[-1]), TWENTY_STEPS)


# PyTorch ---------------------------------------------------------------------------------------------------------


@pytest.mark.torch
@choices(KNOWN_TO_PYTORCH)
def test_a_trainer_of_each_choice_does_what_pytorch_does(made: tuple[Combination, Any]) -> None:
    from tests.witness import torch_trainer

    combination, trainer = made
    found, right = start_of_trainer(trainer, combination), start_of_pytorch(combination)
    assert too_far(found.discrepancies(right, start_of_witness(combination))) == {}
    parameters, losses = torch_trainer.train(
        combination.network,
        combination.rule,
        combination.parameters,
        *combination.data,
        combination.rate,
        20,
    )
    assert twenty_steps(combination) is not None
    assert close(after_twenty_steps(trainer, combination), (*parameters, losses), TWENTY_STEPS)


def start_of_pytorch(combination: Combination) -> Start:
    from tests.witness import torch_trainer

    network, parameters, (x, t) = combination.network, combination.parameters, combination.data
    after, losses = torch_trainer.train(network, combination.rule, parameters, x, t, combination.rate, 1)
    gradients = torch_trainer.gradients(network, parameters, x, t)
    return Start([torch_trainer.forward(network, parameters, x)], losses, gradients, after)
