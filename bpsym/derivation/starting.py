"""What a network starts with, where not all of it is given: how weights are drawn, from which seed, in which layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bpsym.derivation.forms import Remark, Value
from bpsym.derivation.setting import Setting
from bpsym.network.choices import Choice
from bpsym.network.description import Dense
from bpsym.network.initializers import INITIALIZERS
from bpsym.network.start import initial_seed

GIVEN, DRAWN, SET = "given", "drawn", "set"


def start(setting: Setting) -> Iterator[Remark]:
    """How the weights are drawn, layers of one kind together, and what biases start at; nothing where all are given."""
    layers = setting.example.network.layers
    if not any(map(_is_drawn, layers)):
        return
    for number, (key, terms, places) in enumerate(_groups(setting)):
        every = len(places) == len(layers)
        ending = "" if every else "_layer" if len(places) == 1 else "_layers"
        yield Remark(f"{key}{ending}", terms | {"layers": tuple(map(str, places))}, continues=number > 0)
    yield from _biases(layers)


def _is_drawn(layer: Dense) -> bool:
    """Whether an initialiser says what its weights are."""
    return layer.init is not None and layer.weights is None


def _groups(setting: Setting) -> list[tuple[str, dict[str, Any], list[int]]]:
    """What is said of weights, and of which layers (from 1); of those that are neither given nor drawn, nothing."""
    found: list[tuple[str, dict[str, Any], list[int]]] = []
    for place, layer in enumerate(setting.example.network.layers, start=1):
        said = _said(setting, layer)
        same = next((places for key, terms, places in found if (key, terms) == said), None)
        if same is not None:
            same.append(place)
        elif said is not None:
            found.append((*said, [place]))
    return found


def _said(setting: Setting, layer: Dense) -> tuple[str, dict[str, Any]] | None:
    if layer.weights is not None:
        return GIVEN, {}
    return None if layer.init is None else _drawn(setting, layer.init)


def _drawn(setting: Setting, init: Choice) -> tuple[str, dict[str, Any]]:
    """What is said of weights that this initialiser draws."""
    if not INITIALIZERS[init.name].draw:
        return SET, {}
    own = {name: Value(value) for name, value in init.settings if name != "seed"}
    seed = init["seed"]
    common = initial_seed(setting.example.network, setting.example.training.seed)
    how = Remark(f"initializer_{init.name}", own | {"name": init.name.replace("_", " ")})
    return DRAWN, {"seed": str(common if seed is None else seed), "initializer": how}


def _biases(layers: tuple[Dense, ...]) -> Iterator[Remark]:
    """That biases start at 0, where some are not given beside weights that are."""
    own = [layer for layer in layers if layer.bias != "none"]
    left = [layer for layer in own if layer.biases is None and (layer.weights or layer.init)]
    if left:
        yield Remark("biases_start" if len(left) == len(own) else "biases_start_some", continues=True)


__all__ = ["start"]
