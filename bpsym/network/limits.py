"""How large a network may be for what is written weight by weight: said in words before the machine suffers."""

from __future__ import annotations

from math import prod

from bpsym.errors import InputError, Problem, UsageError
from bpsym.network.activations import activation_of
from bpsym.network.description import Dense, Network

MOST_SCALAR_PARAMETERS = 5_000
"""Of a trainer in plain Python: it has a line for each of them."""

MOST_GENERATED = 1_000
"""Of a plain-Python trainer that is written beside the documents without being asked for by itself."""

MOST_SCALAR_LINES = 2_000
"""Of a derivation: of gradients that are written weight by weight, and of chains that are asked for."""


def parameter_count(network: Network) -> int:
    """All weights and biases."""
    befores = (network.inputs, *(layer.units for layer in network.layers))
    return sum(map(_parameters, network.layers, befores))


def _parameters(layer: Dense, before: int) -> int:
    biases = {"none": 0, "neuron": layer.units, "layer": 1}
    return layer.units * before + biases[layer.bias]


def chain_count(network: Network, layer: int) -> int:
    """The ways from the loss to one weight into a unit of this layer (the first one 1).

    They go through each unit of every later layer; where all outputs of a layer depend on each z, through each twice.
    """
    wide = (each for each in network.layers[layer - 1 :] if activation_of(each.activation).is_layer_wide)
    return prod(each.units for each in (*network.layers[layer:], *wide))


def check_computable(network: Network) -> None:
    """InputError where a layer has a general f: there is a derivation in symbols, and nothing to compute."""
    general = general_layers(network)
    if general:
        raise InputError(Problem(_not_computed(general), ("network", "layers", general[0] - 1, "activation")))


def general_layers(network: Network) -> list[int]:
    """The layers, from 1, that have a general f."""
    return [number for number, layer in enumerate(network.layers, start=1) if is_general(layer)]


def _not_computed(general: list[int]) -> str:
    which = f"layer {general[0]} has" if len(general) == 1 else f"layers {', '.join(map(str, general))} have"
    return (
        f"{which} a general f, which can be derived but not computed; to train, give an activation, as in"
        ' activation = "sigmoid"'
    )


def is_general(layer: Dense) -> bool:
    return activation_of(layer.activation).is_unspecified


def check_scalar_trainer(network: Network) -> None:
    """UsageError where a plain-Python trainer would be too long."""
    if parameter_count(network) > MOST_SCALAR_PARAMETERS:
        raise UsageError(
            f"{_long(network)} (at most {MOST_SCALAR_PARAMETERS:,}); use the target numpy, or --force"
        )


def left_out(network: Network) -> str:
    """Which trainers are not written beside the documents, why, and what to do; "" where all of them are."""
    general = general_layers(network)
    if general:
        return f"no trainers: {_not_computed(general)}"
    if parameter_count(network) > MOST_GENERATED:
        return (
            f"no trainer_python.py: {_long(network)} (at most {MOST_GENERATED:,} beside the documents); use"
            " trainer_numpy.py, or --force"
        )
    return ""


def _long(network: Network) -> str:
    count = parameter_count(network)
    return f"the network has {count:,} parameters, and a plain-Python trainer has a line for each of them"


def check_scalar_form(network: Network) -> None:
    """UsageError where the gradients, weight by weight, would be too many lines."""
    count = parameter_count(network)
    if count > MOST_SCALAR_LINES:
        raise UsageError(
            f"--form scalar would write the gradients of {count:,} parameters, a line for each (at most"
            f" {MOST_SCALAR_LINES:,}); use --form index, with --weight NAME for single weights, or --force"
        )


def check_chains(network: Network, layers: tuple[int, ...]) -> None:
    """UsageError where the chains of these weights, each given by its layer, would be too many lines."""
    count = sum(chain_count(network, layer) for layer in layers)
    if count > MOST_SCALAR_LINES:
        which = "this weight" if len(layers) == 1 else f"these {len(layers)} weights"
        raise UsageError(
            f"--weight: the chains of {which} are {count:,} lines, one for each way through the later layers (at"
            f" most {MOST_SCALAR_LINES:,}); ask for fewer weights or for some of a later layer, or use --force"
        )
