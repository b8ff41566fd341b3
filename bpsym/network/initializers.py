"""Initialisers of weights: one record each.

A formula is in the settings and in `fan_in` and `fan_out`, the units of the layer before and of the layer itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bpsym.network.choices import Setting, Settings


@dataclass(frozen=True)
class Initializer:
    """draw: a method of Python's random.Random, which gives each weight; arguments: formulas of what it is given.

    Without `draw`, each weight is 0. A seed of its own goes before that of the training.
    """

    name: str
    draw: str = ""
    arguments: tuple[str, ...] = ()
    own: Settings = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return {**self.own, "seed": SEED}


SEED = Setting(None, least=0, whole=True, write="seed = 1")
"""Of an initialiser; optional."""

INITIALIZERS = {
    record.name: record
    for record in (
        Initializer("zeros"),
        Initializer(
            "normal",
            "gauss",
            ("mean", "std"),
            {"mean": Setting(0, write="mean = 0"), "std": Setting(1, least=0, write="std = 1")},
        ),
        Initializer(
            "uniform",
            "uniform",
            ("low", "high"),
            {"low": Setting(-1, write="low = -1"), "high": Setting(1, write="high = 1")},
        ),
        Initializer("xavier_normal", "gauss", ("0", "sqrt(2 / (fan_in + fan_out))")),
        Initializer(
            "xavier_uniform",
            "uniform",
            ("-sqrt(6 / (fan_in + fan_out))", "sqrt(6 / (fan_in + fan_out))"),
        ),
        Initializer("he_normal", "gauss", ("0", "sqrt(2 / fan_in)")),
        Initializer("he_uniform", "uniform", ("-sqrt(6 / fan_in)", "sqrt(6 / fan_in)")),
        Initializer("lecun_normal", "gauss", ("0", "sqrt(1 / fan_in)")),
    )
}
