"""The functions that a trainer calls by name: activations, their slopes, losses, each in a form safe for every number.

In a program for code, a[s,i] = relu(z[s,i]) has the slope relu_slope(z[s,i]). Arithmetic such as a (1 - a) needs none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bpsym.network.activations import Activation, activation_of
from bpsym.network.description import Network
from bpsym.network.expressions import Formula
from bpsym.network.losses import Loss, loss_of


@dataclass(frozen=True)
class Call:
    """name(arguments). scalar, array: its formula for numbers and for whole arrays; None where SymPy derived it:
    then `derived` is the expression, in symbols of the arguments' names. `meaning`: what it is, as text.
    """

    name: str
    arguments: tuple[str, ...]
    meaning: str
    scalar: Formula | None = None
    array: Formula | None = None
    derived: Any = None
    safe: bool = False
    is_slope: bool = False

    def at(self, *arguments: Any) -> Any:
        """The call in SymPy: a function of which nothing more is known."""
        from sympy import Function

        return Function(self.name, real=True)(*arguments)


def activation_value(activation: Activation, name: str) -> Call | None:
    """f(z) as a call; None for arithmetic, and for a whole layer."""
    if activation.is_layer_wide or activation.formula.is_arithmetic:
        return None
    safe = "exp" in activation.formula.calls and bool(activation.scalar or activation.array)
    text = activation.formula.text
    return Call(name, ("z",), text, activation.scalar_formula, activation.array_formula, safe=safe)


def activation_slope(activation: Activation, name: str) -> Call | None:
    """f'(z) as a call; None for arithmetic, and for a whole layer."""
    if activation.is_layer_wide or (activation.slope_formula or activation.formula).is_arithmetic:
        return None
    of = f"the slope of {name}"
    scalar, array = activation.slope_scalar_formula, activation.slope_array_formula
    if scalar is None or array is None:
        return Call(
            f"{name}_slope", ("z",), of, derived=activation.slope_at(_symbol("z"), None), is_slope=True
        )
    used = tuple(one for one in ("z", "a") if scalar.uses(one) or array.uses(one))
    return Call(f"{name}_slope", used, of, scalar, array, is_slope=True)


def loss_value(loss: Loss, name: str) -> Call | None:
    """The loss of one output as a call; None where its formula can stand in a line."""
    if not loss.formula.has_cases:
        return None
    return Call(name, ("a", "t"), loss.formula.text, loss.scalar_formula, loss.array_formula)


def loss_slope(loss: Loss, name: str) -> Call | None:
    """The slope of the loss of one output, without the factor, as a call."""
    if not loss.formula.has_cases:
        return None
    of = f"the slope of {name}"
    scalar, array = loss.slope_scalar_formula, loss.slope_array_formula
    if scalar is None or array is None:
        derived = loss.slope_at(_symbol("a"), _symbol("t"))
        return Call(f"{name}_slope", ("a", "t"), of, derived=derived, is_slope=True)
    return Call(f"{name}_slope", ("a", "t"), of, scalar, array, is_slope=True)


def _symbol(name: str) -> Any:
    from sympy import Symbol

    return Symbol(name, real=True)


def activation_name(network: Network, layer: int) -> str:
    """What the layer's activation (from 1) is called in code: its own name, or f; f1, f2 where several are custom."""
    activation = activation_of(network.layers[layer - 1].activation)
    if not activation.custom:
        return activation.name
    custom = [one.activation for one in network.layers if activation_of(one.activation).custom]
    different = list(dict.fromkeys(custom))
    return "f" if len(different) == 1 else f"f{different.index(activation.name) + 1}"


def loss_name(network: Network) -> str:
    loss = loss_of(network.loss)
    return "output_loss" if loss.custom else loss.name


def calls(network: Network) -> dict[str, Call]:
    """Every function that a trainer of the network may call, by name."""
    return {one.name: one for one in _calls(network) if one is not None}


def _calls(network: Network) -> Iterator[Call | None]:
    # what safe forms, and rewrites, call
    for activation in (activation_of("sigmoid"), activation_of("softplus")):
        yield activation_value(activation, activation.name)
    for number, layer in enumerate(network.layers, start=1):
        activation, name = activation_of(layer.activation), activation_name(network, number)
        yield activation_value(activation, name)
        yield activation_slope(activation, name)
    loss, name = loss_of(network.loss), loss_name(network)
    yield loss_value(loss, name)
    yield loss_slope(loss, name)


__all__ = [
    "Call",
    "activation_name",
    "activation_slope",
    "activation_value",
    "calls",
    "loss_name",
    "loss_slope",
    "loss_value",
]
