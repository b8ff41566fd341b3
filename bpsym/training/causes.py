"""Why a loss is not finite: the value that is none, or the usual causes with this run's numbers."""

from __future__ import annotations

from collections.abc import Iterator

from bpsym import api
from bpsym.errors import InputError, shown
from bpsym.examples.example import Example, Training
from bpsym.network.activations import Activation, activation_of
from bpsym.network.losses import Loss, loss_of

LARGE = 10
"""Inputs beyond this are worth scaling."""


def causes(example: Example, name: str, step: int) -> str:
    """One cause a line, with what to write; before the first step, none that training would have to bring about."""
    found = [] if step else _without_value(example, name)
    return "".join(f"\n  * {cause}" for cause in found or _usual(example, step))


def _without_value(example: Example, name: str) -> list[str]:
    """What a derivation says of the numbers that training starts with, of all samples, where one is no real number."""
    try:
        with api.placed(name):
            api.derive(example.model_copy(update={"training": Training(seed=example.training.seed)}))
    except InputError as error:
        return str(error).splitlines()
    return []


_NAMED = " (an activation or a loss that has a name is computed so that it does not)"


def _formulas(example: Example) -> list[str]:
    """The formulas of somebody's own that call an exponential function."""
    layers = example.network.layers
    records: list[Activation | Loss] = [*(activation_of(one.activation) for one in layers)]
    records.append(loss_of(example.network.loss))
    return list(dict.fromkeys(one.value for one in records if one.custom and "exp" in one.formula.calls))


def _usual(example: Example, step: int) -> Iterator[str]:
    rate = float(example.training.learning_rate)
    largest = max(abs(float(entry)) for row in example.data.x for entry in row) if example.data else 0
    given = all(layer.weights for layer in example.network.layers)
    for formula in _formulas(example):
        yield f"the formula {shown(formula)} overflows, as exp(z) does from z = 710 on{_NAMED}"
    if step:
        yield f"the learning rate, {rate:g}, is too large (try --learning-rate {min(rate / 10, 1):g})"
    if largest > LARGE:
        yield f"inputs are large, up to {largest:g} (scale them: scale = {1 / largest:.3g} below [data])"
    if example.training.clip is None and step:
        yield 'gradients explode (clip = { name = "norm", max_norm = 1 } below [training])'
    yield f"weights start too large ({'those that are given' if given else 'init of the layers'})"
    yield "an activation or the loss has no value for these numbers (give another one)"
