"""Networks that hypothesis draws over everything a description may choose, for the NumPy witness and for bpsym alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

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
    activation_of,
    in_order,
    loss_of,
    shuffled,
)

if TYPE_CHECKING:
    import bpsym

OUTPUTS = {"binary_cross_entropy": ("sigmoid",), "cross_entropy": ("softmax", "sigmoid")}
"""The activations of the last layer that keep the outputs where the loss is defined."""

OPTIMIZERS = (
    Choice("sgd"),
    Choice("momentum"),
    Choice("momentum", {"momentum": 0.5, "dampening": 0.25}),
    Choice("momentum", {"dampening": 1}),
    Choice("nesterov"),
    Choice("nesterov", {"momentum": 0.6}),
    Choice("adagrad"),
    Choice("adagrad", {"lr_decay": 0.125, "eps": 1e-6, "initial_accumulator_value": 0.5}),
    Choice("rmsprop"),
    Choice("rmsprop", {"alpha": 0.75, "eps": 1e-4, "momentum": 0.5}),
    Choice("rmsprop", {"alpha": 0.875, "centered": True}),
    Choice("rmsprop", {"alpha": 0, "eps": 0.01}),
    Choice("adam"),
    Choice("adam", {"betas": [0.0, 0.9]}),
    Choice("adam", {"betas": [0.75, 0.95], "eps": 1e-4}),
    Choice("adamw"),
    Choice("adamw", {"betas": [0.8, 0.9], "weight_decay": 0.125}),
)
SCHEDULES = (
    None,
    Choice("step", {"step_size": 3}),
    Choice("step", {"step_size": 4, "gamma": 0.5}),
    Choice("exponential", {"gamma": 0.9}),
    Choice("cosine", {"T_max": 12}),
    Choice("cosine", {"T_max": 8, "eta_min": 0.01}),
    Choice("warmup", {"steps": 6}),
)
CLIPS = (
    None,
    None,
    Choice("norm", {"max_norm": 0.25}),
    Choice("norm", {"max_norm": 2}),
    Choice("value", {"clip_value": 0.05}),
)
PENALTIES = (0.0, 0.0, 0.01, 0.25)

CLEARANCE = 1e-3
"""How far a drawn network stays from every kink."""

LARGEST_PRE_ACTIVATION = 20.0
TRIES = 60
SEED = 3
"""Of the shuffling."""


@dataclass(frozen=True)
class Combination:
    """A network, how it is trained, and exact decimals for its parameters and its data."""

    network: Network
    rule: Rule
    numbers: tuple[Any, ...]  # nested tuples of fractions, one of each parameter's shape
    x: tuple[tuple[Fraction, ...], ...]
    t: tuple[tuple[Fraction, ...], ...]
    learning_rate: Fraction
    batch_size: int | None = None
    shuffle: bool = False

    @cached_property
    def parameters(self) -> Parameters:
        return tuple(np.array(number, dtype=float) for number in self.numbers)

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.x, dtype=float), np.array(self.t, dtype=float)

    @property
    def rate(self) -> float:
        return float(self.learning_rate)

    def batches(self, steps: int) -> list[Any] | None:
        """The rows of each step; None where every step sees all."""
        if self.batch_size is None:
            return None
        if self.shuffle:
            return shuffled(len(self.x), self.batch_size, steps, SEED)
        return in_order(len(self.x), self.batch_size, steps)

    def example(self, notation: str = "standard") -> bpsym.Example:
        import bpsym

        numbers = iter(self.numbers)
        layers = tuple(
            bpsym.Dense(
                units=layer.units,
                activation=layer.activation,
                bias=layer.bias,
                weights=next(numbers),
                biases=None if layer.bias == "none" else next(numbers),
                frozen=layer.frozen,
            )
            for layer in self.network.layers
        )
        return bpsym.Example(
            notation=notation,
            network=bpsym.Network(
                inputs=self.network.inputs,
                loss=self.network.loss,
                reduction=self.network.reduction,
                l1=self.network.l1,
                l2=self.network.l2,
                layers=layers,
            ),
            data={"x": self.x, "t": self.t},
            training=self._training(),
        )

    def _training(self) -> dict[str, Any]:
        table: dict[str, Any] = {
            "learning_rate": self.learning_rate,
            "steps": 1,
            "optimizer": _table(self.rule.optimizer),
            "update": self.rule.update,
        }
        if self.rule.schedule is not None:
            table["schedule"] = _table(self.rule.schedule)
        if self.rule.clip is not None:
            table["clip"] = _table(self.rule.clip)
        if self.batch_size is not None:
            table |= {"batch_size": self.batch_size, "shuffle": self.shuffle, "seed": SEED}
        return table


def _table(choice: Choice) -> dict[str, Any]:
    return {"name": choice.name, **choice.settings}


@st.composite
def combinations(draw: st.DrawFn) -> Combination:
    """1-4 layers, 1-6 units, 1-6 samples, and all that the contract lets one choose; clear of kinks."""
    network = draw(_networks())
    samples = draw(st.integers(1, 6))
    combination = Combination(
        network,
        draw(rules()),
        (),
        (),
        (),
        learning_rate=draw(st.sampled_from((Fraction(1, 100), Fraction(1, 10), Fraction(1, 2)))),
        batch_size=draw(st.none() | st.integers(1, samples)),
        shuffle=draw(st.booleans()),
    )
    found = next(_settled(combination, samples, draw(st.integers(0, 10**6))), None)
    assume(found is not None)
    assert found is not None
    return found


def numbered(network: Network, rule: Rule, samples: int = 3, seed: int = 1) -> Combination:
    """This network and this rule, with numbers clear of kinks."""
    unnumbered = Combination(network, rule, (), (), (), Fraction(1, 10))
    return next(_settled(unnumbered, samples, seed))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    if draw(st.integers(0, 4)) == 0:
        return Rule(update="sequential", schedule=draw(st.sampled_from(SCHEDULES)))
    optimizer, schedule, clip = (draw(st.sampled_from(kind)) for kind in (OPTIMIZERS, SCHEDULES, CLIPS))
    return Rule(optimizer, schedule=schedule, clip=clip)


@st.composite
def _networks(draw: st.DrawFn) -> Network:
    widths = draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    loss = draw(st.sampled_from(sorted(LOSSES | OWN_LOSSES)))
    anything = sorted(ACTIVATIONS | OWN_ACTIVATIONS)
    layers = [draw(_layers(units, anything)) for units in widths[1:-1]]
    layers.append(draw(_layers(widths[-1], OUTPUTS.get(loss, anything))))
    if not any(Network(1, tuple(layers)).trained()):
        layers[0] = replace(layers[0], frozen=())
    return Network(
        widths[0],
        tuple(layers),
        loss,
        draw(st.sampled_from(("mean", "sum"))),
        draw(st.sampled_from(PENALTIES)),
        draw(st.sampled_from(PENALTIES)),
    )


@st.composite
def _layers(draw: st.DrawFn, units: int, activations: Any) -> Layer:
    bias = draw(st.sampled_from(("none", "neuron", "layer")))
    freezable: list[tuple[str, ...]] = [(), (), ("weights",)]
    if bias != "none":
        freezable += [("biases",), ("weights", "biases")]
    fitting = [one for one in activations if units > 1 or one != "softmax"]  # of one unit it is always 1
    return Layer(units, draw(st.sampled_from(fitting)), bias, draw(st.sampled_from(freezable)))


def _settled(combination: Combination, samples: int, seed: int) -> Iterator[Combination]:
    """The combination with numbers, drawn until they keep clear of kinks."""
    chance = random.Random(seed)
    for _ in range(TRIES):
        drawn = _with_numbers(combination, samples, chance)
        if is_clear(drawn):
            yield drawn


def _with_numbers(combination: Combination, samples: int, chance: random.Random) -> Combination:
    network = combination.network
    return replace(
        combination,
        numbers=tuple(_filled(shape, chance) for shape in network.shapes()),
        x=tuple(_row(network.inputs, chance, -150, 150) for _ in range(samples)),
        t=tuple(_target(network, chance) for _ in range(samples)),
    )


def _filled(shape: tuple[int, ...], chance: random.Random) -> Any:
    if not shape:
        return _hundredths(chance, -100, 100)
    return tuple(_filled(shape[1:], chance) for _ in range(shape[0]))


def _row(width: int, chance: random.Random, least: int, most: int) -> tuple[Fraction, ...]:
    return tuple(_hundredths(chance, least, most) for _ in range(width))


def _target(network: Network, chance: random.Random) -> tuple[Fraction, ...]:
    """Within [0, 1] where the loss is a cross-entropy, now and then with a single 1 as for classes."""
    units = network.layers[-1].units
    if network.loss not in OUTPUTS:
        return _row(units, chance, -150, 150)
    if chance.random() < 0.5:
        one = chance.randrange(units)
        return tuple(Fraction(int(place == one)) for place in range(units))
    return _row(units, chance, 0, 100)


def _hundredths(chance: random.Random, least: int, most: int) -> Fraction:
    return Fraction(chance.randint(least, most), 100)


def is_clear(combination: Combination) -> bool:
    """Whether no kink is near, no pre-activation large, and no output where a logarithm is lost."""
    network, (x, t) = combination.network, combination.data
    with np.errstate(all="ignore"):
        passes = Trainer(network).passes(combination.parameters, x)
    if not all(np.abs(one.z).max() <= LARGEST_PRE_ACTIVATION for one in passes):
        return False
    kinks = [
        np.abs(one.z - kink).min()
        for one, layer in zip(passes, network.layers, strict=True)
        for kink in activation_of(layer.activation).kinks
    ]
    outputs = passes[-1].a
    kinks += [np.abs(outputs - t - kink).min() for kink in loss_of(network.loss).kinks]
    if network.l1:
        kinks += [np.abs(p).min() for p in combination.parameters if p.ndim == 2]
    if network.loss == "binary_cross_entropy":
        kinks += [outputs.min(), 1 - outputs.max()]
    return all(distance >= CLEARANCE for distance in kinks) and _clipping_is_clear(combination)


def _clipping_is_clear(combination: Combination) -> bool:
    clip = combination.rule.clip
    if clip is None:
        return True
    gradients = Trainer(combination.network).gradients(combination.parameters, *combination.data)
    (limit,) = clip.settings.values()
    flat = np.concatenate([np.ravel(g) for g in gradients])
    measured = np.array([np.linalg.norm(flat)]) if clip.name == "norm" else np.abs(flat)
    return bool((np.abs(measured - limit) > 1e-6).all())
