"""Initialisers of weights: one record each.

A formula is in the settings and in `fan_in` and `fan_out`, the units of the layer before and of the layer itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bpsym.network.choices import Setting, Settings
from bpsym.network.expressions import Formula, in_doubles, read_own

NAMES = ("fan_in", "fan_out")


@dataclass(frozen=True)
class Initializer:
    """draw: the method of random.Random that gives each weight, from `arguments`; without it, each weight is 0.

    spread: what the arguments call `spread`. about, source: what it does, for people; also: its names elsewhere. A seed
    of its own goes before that of the training.
    """

    name: str
    about: str
    draw: str = ""
    arguments: tuple[str, ...] = ()
    spread: str = ""
    own: Settings = field(default_factory=dict)
    source: str = ""
    also: tuple[str, ...] = ()

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
    own={"low": Setting(-1, write="low = -1"), "high": Setting(1, not_below="low", write="high = 1")},
)

XAVIER_NORMAL = Initializer(
    "xavier_normal",
    "drawn with a standard deviation of sqrt(2 / (inputs + outputs))",
    spread="sqrt(2 / (fan_in + fan_out))",
    also=("glorot_normal",),
    source=_GLOROT,
    **_NORMAL,  # type: ignore[arg-type]
)

XAVIER_UNIFORM = Initializer(
    "xavier_uniform",
    "drawn evenly from +-sqrt(6 / (inputs + outputs))",
    spread="sqrt(6 / (fan_in + fan_out))",
    also=("glorot_uniform",),
    source=_GLOROT,
    **_EVEN,  # type: ignore[arg-type]
)

HE_NORMAL = Initializer(
    "he_normal",
    "drawn with a standard deviation of sqrt(2 / inputs)",
    spread="sqrt(2 / fan_in)",
    also=("kaiming_normal",),
    source=_HE,
    **_NORMAL,  # type: ignore[arg-type]
)

HE_UNIFORM = Initializer(
    "he_uniform",
    "drawn evenly from +-sqrt(6 / inputs)",
    spread="sqrt(6 / fan_in)",
    also=("kaiming_uniform",),
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
