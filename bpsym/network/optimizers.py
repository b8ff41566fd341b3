"""Optimisers: one record each, as PyTorch defines them.

A formula is in the parameter `p`, its gradient `g`, the learning rate `eta`, the number `n` of this step (the first
one is 1), the settings, and whatever is defined above it: each name means its newest value, as in a program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpsym.network.choices import Setting, Settings


@dataclass(frozen=True)
class Optimizer:
    """about: what a step is a step of; value: the parameter after it.

    scalars: what all parameters share; states: what each parameter remembers, from one step to the next, by the
    formula of its new value; a state is 0 before the first step, or the setting that `start` names. means: what a
    setting, a scalar or a state is, where its name does not tell; the words for it are found by that.
    """

    name: str
    about: str
    value: str
    settings: Settings = field(default_factory=dict)
    scalars: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    start: Mapping[str, str] = field(default_factory=dict)
    means: Mapping[str, str] = field(default_factory=dict)


_NO_MOMENTUM = 'or optimizer = "sgd" for none'
_MOMENTUM = Setting(0.9, above=0, below=1, write=f"momentum = 0.9, {_NO_MOMENTUM}")
_EPS = Setting(1e-8, above=0, write="eps = 1e-8")
_BETAS = Setting((0.9, 0.999), least=0, below=1, parts=("beta1", "beta2"), write="betas = [0.9, 0.999]")

SGD = Optimizer("sgd", about="gradient descent", value="p - eta * g")

MOMENTUM = Optimizer(
    "momentum",
    about="descent with momentum",
    settings={"momentum": _MOMENTUM, "dampening": Setting(0, least=0, most=1, write="dampening = 0")},
    scalars={"undamped": "1 if n <= 1 else 1 - dampening"},
    states={"v": "momentum * v + undamped * g"},
    means={"v": "velocity"},
    value="p - eta * v",
)

NESTEROV = Optimizer(
    "nesterov",
    about="Nesterov's descent",
    settings={"momentum": _MOMENTUM},
    states={"v": "momentum * v + g"},
    means={"v": "velocity"},
    value="p - eta * (g + momentum * v)",
)

ADAGRAD = Optimizer(
    "adagrad",
    about="Adagrad",
    settings={
        "lr_decay": Setting(0, least=0, write="lr_decay = 0"),
        "eps": Setting(1e-10, above=0, write="eps = 1e-10"),
        "initial_accumulator_value": Setting(0, least=0, write="initial_accumulator_value = 0"),
    },
    scalars={"decayed": "eta / (1 + (n - 1) * lr_decay)"},
    states={"h": "h + g**2"},
    start={"h": "initial_accumulator_value"},
    means={"h": "sum_of_squares"},
    value="p - decayed * g / (sqrt(h) + eps)",
)

RMSPROP = Optimizer(
    "rmsprop",
    about="RMSProp",
    settings={
        "alpha": Setting(0.99, least=0, most=1, write="alpha = 0.99"),
        "eps": _EPS,
        "momentum": Setting(0, least=0, below=1, write="momentum = 0"),
        "centered": Setting(False, switch=True, write="centered = false"),
    },
    states={
        "h": "alpha * h + (1 - alpha) * g**2",
        "m": "alpha * m + (1 - alpha) * g",
        "v": "momentum * v + g / (sqrt(h - centered * m**2) + eps)",
    },
    means={"h": "mean_square", "m": "mean", "v": "scaled_velocity"},
    value="p - eta * v",
)

_MOMENTS = {"m": "beta1 * m + (1 - beta1) * g", "v": "beta2 * v + (1 - beta2) * g**2"}
_MEANS = {"m": "first_moment", "v": "second_moment", "c1": "first_correction", "c2": "second_correction"}
_CORRECTIONS = {"c1": "1 - beta1**n", "c2": "1 - beta2**n"}

ADAM = Optimizer(
    "adam",
    about="Adam",
    settings={"betas": _BETAS, "eps": _EPS},
    scalars=_CORRECTIONS,
    states=_MOMENTS,
    means=_MEANS,
    value="p - eta * (m / c1) / (sqrt(v / c2) + eps)",
)

ADAMW = Optimizer(
    "adamw",
    about="AdamW",
    settings={**ADAM.settings, "weight_decay": Setting(0.01, least=0, write="weight_decay = 0.01")},
    scalars=_CORRECTIONS,
    states=_MOMENTS,
    means=_MEANS,
    value="p - eta * weight_decay * p - eta * (m / c1) / (sqrt(v / c2) + eps)",
)

OPTIMIZERS = {
    record.name: record for record in (SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM, ADAMW)
}  # fmt: skip
