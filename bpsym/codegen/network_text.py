"""What a module of either target says of its network: header, parameters, their start."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from bpsym.calculus.equations import Program, Tensor
from bpsym.examples.example import Example
from bpsym.network import roles
from bpsym.network.forward import SAMPLES, parameters
from bpsym.notation.names import At, Names


def shape_of(names: Names) -> str:
    """2-2-1"""
    return "-".join(map(str, names.widths))


def flow(program: Program, names: Names) -> str:
    """The way of a sample: x1, x2 -> z3, z4 -> y3, y4 -> z5 -> y5."""
    kinds = (roles.INPUT, roles.PRE_ACTIVATION, roles.ACTIVATION)
    layers = [one for one in program.tensors.values() if one.origin is None and one.role.kind in kinds]
    return " -> ".join(", ".join(element_names(one, names)) for one in layers)


def positions(tensor: Tensor) -> Iterator[At]:
    """The elements' positions in row order, the samples' axis left out."""
    return product(*(range(int(index.upper) + 1) for index in tensor.indices if index.name != SAMPLES))


def element_names(tensor: Tensor, names: Names) -> list[str]:
    return [names.code(tensor, at) for at in positions(tensor)]


def given(example: Example) -> dict[str, Any] | None:
    """The parameters' numbers by tensor name, where the example gives them; biases absent beside weights are 0."""
    found: dict[str, Any] = {}
    for number, layer in enumerate(example.network.layers, start=1):
        if layer.weights is None:
            return None
        found[f"W{number}"] = layer.weights
        zeros: Any = 0 if layer.bias == "layer" else (0,) * layer.units
        found[f"b{number}"] = zeros if layer.biases is None else layer.biases
    return found


def at_position(rows: Any, at: At) -> Any:
    for place in at:
        rows = rows[place]
    return rows


def fans(names: Names) -> list[dict[str, Any]]:
    """Inputs and outputs of each layer."""
    pairs = zip(names.widths, names.widths[1:], strict=False)
    return [
        {"number": number, "inputs": inputs, "outputs": outputs}
        for number, (inputs, outputs) in enumerate(pairs, start=1)
    ]


def trained(program: Program) -> tuple[Tensor, ...]:
    return parameters(program)


def forward_names(program: Program) -> list[list[str]]:
    """The names of what is computed in each layer, in the order of the equations."""
    layers: dict[int, list[str]] = {}
    for equation in program.equations:
        tensor = equation.tensor
        if not tensor.is_adjoint and tensor.role.kind in _OF_LAYERS:
            layers.setdefault(tensor.role.layer, []).append(tensor.name)
    return [layers[number] for number in sorted(layers)]


_OF_LAYERS = (
    roles.PRE_ACTIVATION, roles.MAXIMUM, roles.SHIFTED, roles.EXPONENTIAL, roles.TOTAL, roles.ACTIVATION,
)  # fmt: skip


def backward_names(program: Program) -> list[str]:
    """The names of the error terms, and of what they are computed from, from the last layer back."""
    kinds = (roles.PRE_ACTIVATION, roles.ACTIVATION)
    return [
        one.tensor.name
        for one in program.equations
        if one.tensor.is_adjoint and one.tensor.role.kind in kinds
    ]
