"""The numbers that training starts with: given, or drawn by an initialiser.

They come from Python's random.Random, weight by weight, row by row, layer by layer; a generated trainer does the
same, so that it gets the same numbers, to the last bit.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

from bpsym.network.choices import Choice
from bpsym.network.description import Dense, Network
from bpsym.network.initializers import INITIALIZERS, XAVIER_UNIFORM

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

    None where the weights of some layer are neither. seed: that of the training.
    """
    found = known_parameters(network, seed)
    return found if all(f"W{number}" in found for number in range(1, len(network.layers) + 1)) else None


def known_parameters(network: Network, seed: int | None = None) -> dict[str, Any]:
    """The numbers that are given, or drawn; biases that are not given are 0 beside weights that are."""
    drawn = (
        drawn_weights(network, initial_seed(network, seed)) if any(one.init for one in network.layers) else {}
    )
    found: dict[str, Any] = {}
    for number, layer in enumerate(network.layers, start=1):
        name, has_weights = f"W{number}", layer.weights is not None or layer.init is not None
        if has_weights:
            found[name] = layer.weights or tuple(tuple(map(Fraction, row)) for row in drawn[name])
        if layer.bias != "none" and (has_weights or layer.biases is not None):
            found[f"b{number}"] = given_biases(layer)
    return found


def given_biases(layer: Dense) -> Any:
    """The layer's biases: a row, or one number; 0 where they are not given."""
    zeros: Any = Fraction(0) if layer.bias == "layer" else (Fraction(0),) * layer.units
    return zeros if layer.biases is None else layer.biases
