"""Small networks with everything that a derivation has to show, for the tests of documents."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import bpsym


def rows(height: int, width: int, seed: int) -> list[list[float]]:
    """Numbers of two digits and both signs."""
    draw = random.Random(seed)
    return [[round(draw.uniform(-1, 1), 2) for _ in range(width)] for _ in range(height)]


def layer(units: int, before: int, activation: str, seed: int, **more: Any) -> bpsym.Dense:
    return bpsym.Dense(units=units, activation=activation, weights=rows(units, before, seed), **more)


def example(inputs: int, layers: tuple[bpsym.Dense, ...], t: list[list[float]], **more: Any) -> bpsym.Example:
    training = {"learning_rate": 0.5, "steps": 3} | more.pop("training", {})
    notation = more.pop("notation", "standard")
    return bpsym.Example(
        notation=notation,
        network=bpsym.Network(inputs=inputs, layers=layers, **more),
        data={"x": rows(len(t), inputs, 3), "t": t},
        training=training,
    )


def mazur(**training: Any) -> bpsym.Example:
    """Matt Mazur's network, its biases frozen."""
    layers = (
        bpsym.Dense(
            units=2, activation="sigmoid", bias="layer", weights=[[0.15, 0.2], [0.25, 0.3]], biases=0.35,
            frozen=["biases"],
        ),
        bpsym.Dense(
            units=2, activation="sigmoid", bias="layer", weights=[[0.4, 0.45], [0.5, 0.55]], biases=0.6,
            frozen=["biases"],
        ),
    )  # fmt: skip
    return bpsym.Example(
        notation="blog",
        network=bpsym.Network(inputs=2, layers=layers),
        data={"x": [[0.05, 0.1]], "t": [[0.01, 0.99]]},
        training={"learning_rate": 0.5, "steps": 1} | training,
    )


ADAM = {
    "optimizer": "adam",
    "clip": {"name": "norm", "max_norm": 0.1},
    "schedule": {"name": "warmup", "steps": 4},
}
MOMENTUM = {"optimizer": {"name": "momentum", "dampening": 0.5}, "clip": {"name": "value", "clip_value": 0.1}}

NUMERIC = {
    "sequential": mazur(update="sequential"),
    "softmax": example(2, (layer(3, 2, "tanh", 1), layer(3, 3, "softmax", 2)), [[0, 1, 0]], loss="cross_entropy"),
    "targets": example(2, (layer(3, 2, "softmax", 1),), [[0, 1, 0], [1, 1, 0]], loss="cross_entropy", notation="blog"),
    "squared softmax": example(2, (layer(2, 2, "softmax", 1),), [[0, 1]]),
    "small gradients": example(
        2, (layer(1, 2, "tanh", 1), layer(1, 1, "identity", 2)), [[0.3777]], notation="blog",
        training={"optimizer": "adagrad", "schedule": {"name": "step", "step_size": 2_500_000}},
    ),
    "two classes": example(2, (layer(2, 2, "gelu", 1), layer(1, 2, "sigmoid", 2)), [[1]], loss="binary_cross_entropy"),
    "own": example(
        2, (layer(2, 2, "z / (1 + abs(z))", 1), layer(2, 2, "silu", 2, bias="none")), [[1, 3]], loss="(a - t)**4",
        training=MOMENTUM,
    ),
    "frozen": example(
        2, (layer(2, 2, "relu", 1, frozen=["weights", "biases"]), layer(2, 2, "leaky_relu", 2)), [[1, 3]], loss="huber"
    ),
    "penalties": example(
        3, (layer(2, 3, "elu", 1), layer(2, 2, "softplus", 2)), [[0, 1], [1, 0]], l1=0.001, l2=0.01,
        loss="mean_squared_error",
    ),
    "adam": example(
        2, (layer(2, 2, "relu", 1), layer(1, 2, "identity", 2)), [[0.5], [-1]], l2=0.01, training=ADAM,
        loss="absolute_error",
    ),
    "batches": example(
        2, (layer(2, 2, "tanh", 1), layer(1, 2, "identity", 2)), [[0.1], [0.2], [0.3], [0.4], [0.5]], notation="blog",
        training={"batch_size": 2, "shuffle": True, "seed": 4},
    ),
    "sum": example(
        2, (layer(2, 2, "sigmoid", 1, bias="layer"), layer(1, 2, "tanh", 2)), [[0], [1], [1], [0]], reduction="sum"
    ),
    "indexed": example(3, (layer(8, 3, "tanh", 1), layer(4, 8, "sigmoid", 2)), rows(14, 4, 4), l2=0.1),
    "indexed adam": example(
        3, (layer(4, 3, "relu", 1), layer(2, 4, "softmax", 2)), [[0, 1], [1, 0]], loss="cross_entropy", training=ADAM,
        l2=0.01,
    ),
}  # fmt: skip

GENERIC = bpsym.Example(
    notation="blog",
    network=bpsym.Network(
        inputs=2,
        layers=tuple(bpsym.Dense(units=units, activation="generic", bias="none") for units in (3, 2, 1)),
    ),
)
"""The page of AGH Kraków: 2-3-2-1, a general f for each neuron, and no numbers."""

SHOWN = NUMERIC | {"generic": GENERIC}

FORMS = ("scalar", "index")


@cache
def document_of(name: str, form: str = "auto") -> bpsym.Document:
    """The derivation of one of them, made once."""
    return bpsym.derive(SHOWN[name], form=form)
