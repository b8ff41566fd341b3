"""Initialisers of weights: one record each, and the numbers that they give.

A formula is in the settings and in `fan_in` and `fan_out`, the units of the layer before and of the layer itself.
The numbers come from Python's random.Random, weight by weight, row by row, layer by layer; a generated trainer does
the same, so that it gets the same numbers, to the last bit.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bpsym.network.choices import Choice, Setting, Settings
from bpsym.network.expressions import Formula, in_doubles, read_own

if TYPE_CHECKING:
    from bpsym.network.description import Dense, Network

NAMES = ("fan_in", "fan_out")


@dataclass(frozen=True)
class Initializer:
    """draw: the method of random.Random that gives each weight, from `arguments`; without it, each weight is 0.

    spread: what the arguments call `spread`. about, source: what it does, for people. A seed of its own goes before
    that of the training.
    """

    name: str
    about: str
    draw: str = ""
    arguments: tuple[str, ...] = ()
    spread: str = ""
    own: Settings = field(default_factory=dict)
    source: str = ""

    @property
    def settings(self) -> Settings:
        return {**self.own, "seed": SEED}

    @cached_property
    def spread_formula(self) -> Formula | None:
        return read_own(self.spread, (*NAMES, *self.own)) if self.spread else None

    @cached_property
    def argument_formulas(self) -> tuple[Formula, ...]:
        return tuple(read_own(text, ("spread", *self.own)) for text in self.arguments)

    def given(self, settings: Mapping[str, float], fan_in: int, fan_out: int) -> tuple[float, ...]:
        """What `draw` is given in a layer with so many units before it, and so many of its own."""
        names: dict[str, Any] = {**settings, "fan_in": fan_in, "fan_out": fan_out}
        if self.spread_formula is not None:
            names["spread"] = in_doubles(self.spread_formula, names)
        return tuple(in_doubles(formula, names) for formula in self.argument_formulas)


SEED = Setting(None, least=0, whole=True, write="seed = 1")
"""Of an initialiser; optional."""

_EVEN = {"draw": "uniform", "arguments": ("-spread", "spread")}
_NORMAL = {"draw": "gauss", "arguments": ("0", "spread")}
_GLOROT = (
    'Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.'
)
_HE = 'He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.'
_LECUN = 'LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998.'

ZEROS = Initializer("zeros", "0")

NORMAL = Initializer(
    "normal",
    "drawn from a normal distribution",
    draw="gauss",
    arguments=("mean", "std"),
    own={"mean": Setting(0, write="mean = 0"), "std": Setting(1, least=0, write="std = 1")},
)

UNIFORM = Initializer(
    "uniform",
    "drawn evenly from an interval",
    draw="uniform",
    arguments=("low", "high"),
    own={"low": Setting(-1, write="low = -1"), "high": Setting(1, write="high = 1")},
)

XAVIER_NORMAL = Initializer(
    "xavier_normal",
    "drawn with a standard deviation of sqrt(2 / (inputs + outputs))",
    spread="sqrt(2 / (fan_in + fan_out))",
    source=_GLOROT,
    **_NORMAL,  # type: ignore[arg-type]
)

XAVIER_UNIFORM = Initializer(
    "xavier_uniform",
    "drawn evenly from +-sqrt(6 / (inputs + outputs))",
    spread="sqrt(6 / (fan_in + fan_out))",
    source=_GLOROT,
    **_EVEN,  # type: ignore[arg-type]
)

HE_NORMAL = Initializer(
    "he_normal",
    "drawn with a standard deviation of sqrt(2 / inputs)",
    spread="sqrt(2 / fan_in)",
    source=_HE,
    **_NORMAL,  # type: ignore[arg-type]
)

HE_UNIFORM = Initializer(
    "he_uniform",
    "drawn evenly from +-sqrt(6 / inputs)",
    spread="sqrt(6 / fan_in)",
    source=_HE,
    **_EVEN,  # type: ignore[arg-type]
)

LECUN_NORMAL = Initializer(
    "lecun_normal",
    "drawn with a standard deviation of sqrt(1 / inputs)",
    spread="sqrt(1 / fan_in)",
    source=_LECUN,
    **_NORMAL,  # type: ignore[arg-type]
)

INITIALIZERS = {
    record.name: record
    for record in (
        ZEROS,
        NORMAL,
        UNIFORM,
        XAVIER_NORMAL,
        XAVIER_UNIFORM,
        HE_NORMAL,
        HE_UNIFORM,
        LECUN_NORMAL,
    )
}

DEFAULT = Choice(XAVIER_UNIFORM.name, (("seed", None),))
"""How a trainer draws what is neither given nor said to be drawn."""


def init_of(layer: Dense) -> Choice:
    """How the layer's weights are drawn."""
    return layer.init or DEFAULT


def initial_seed(network: Network, seed: int | None) -> int:
    """The seed that a network starts with; seed: that of its training."""
    return seed if seed is not None and any(layer.init for layer in network.layers) else 0


def settings_in_doubles(init: Choice) -> dict[str, float]:
    """The initialiser's numbers, as a trainer has them."""
    return {name: float(value) for name, value in init.settings if name != "seed"}


def drawn_weights(network: Network, seed: int) -> dict[str, tuple[tuple[float, ...], ...]]:
    """The weights that `initialize(seed)` of a trainer draws, by tensor name."""
    common = random.Random(seed)  # noqa: S311  (numbers to start from, not secrets)
    found = {}
    before = network.inputs
    for number, layer in enumerate(network.layers, start=1):
        init = init_of(layer)
        own = init["seed"]
        generator = common if own is None else random.Random(own)  # noqa: S311
        found[f"W{number}"] = _rows(init, generator, layer.units, before)
        before = layer.units
    return found


def _rows(init: Choice, generator: random.Random, rows: int, columns: int) -> tuple[tuple[float, ...], ...]:
    record = INITIALIZERS[init.name]
    if not record.draw:
        return ((0.0,) * columns,) * rows
    draw = getattr(generator, record.draw)
    arguments = record.given(settings_in_doubles(init), columns, rows)
    return tuple(tuple(draw(*arguments) for _ in range(columns)) for _ in range(rows))


def initial_parameters(network: Network, seed: int | None = None) -> dict[str, Any] | None:
    """The exact numbers that an example's training starts with, by tensor name: given, else drawn by its layer's init.

    None where the weights of some layer are neither. Biases that are not given are 0. seed: that of the training.
    """
    drawn = (
        drawn_weights(network, initial_seed(network, seed)) if any(one.init for one in network.layers) else {}
    )
    found: dict[str, Any] = {}
    for number, layer in enumerate(network.layers, start=1):
        name = f"W{number}"
        if layer.weights is None and layer.init is None:
            return None
        found[name] = layer.weights or tuple(tuple(map(Fraction, row)) for row in drawn[name])
        if layer.bias != "none":
            found[f"b{number}"] = given_biases(layer)
    return found


def given_biases(layer: Dense) -> Any:
    """The layer's biases: a row, or one number; 0 where they are not given."""
    zeros: Any = Fraction(0) if layer.bias == "layer" else (Fraction(0),) * layer.units
    return zeros if layer.biases is None else layer.biases


__all__ = [
    "INITIALIZERS",
    "Initializer",
    "drawn_weights",
    "given_biases",
    "init_of",
    "initial_parameters",
    "initial_seed",
    "settings_in_doubles",
]
