"""What f and f' are in a document, by formulas of our own: for recomputing its lines."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tests.witness.recompute import PRECISE, precise, sigmoid

Function = Callable[[Any], Any]


def exp(z: Any) -> Any:
    return PRECISE.exp(precise(z))


def tanh(z: Any) -> Any:
    return PRECISE.tanh(precise(z))


def step(below: Fraction) -> Function:
    """1 above 0, else the number."""
    return lambda z: Fraction(1) if z > 0 else below


def gelu_slope(z: Any) -> Any:
    return PRECISE.ncdf(precise(z)) + precise(z) * PRECISE.npdf(precise(z))


HUNDREDTH = Fraction(1, 100)

FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "identity": (lambda z: z, lambda _: Fraction(1)),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (tanh, lambda z: 1 - tanh(z) ** 2),
    "relu": (lambda z: max(z, Fraction(0)), step(Fraction(0))),
    "leaky_relu": (lambda z: z if z > 0 else z / 100, step(HUNDREDTH)),
    "elu": (lambda z: z if z > 0 else exp(z) - 1, lambda z: Fraction(1) if z > 0 else exp(z)),
    "softplus": (lambda z: PRECISE.log(1 + exp(z)), sigmoid),
    "silu": (lambda z: precise(z) * sigmoid(z), lambda z: sigmoid(z) * (1 + precise(z) * (1 - sigmoid(z)))),
    "gelu": (lambda z: precise(z) * PRECISE.ncdf(precise(z)), gelu_slope),
    "softsign": (lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2),
    "z / (1 + abs(z))": (lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2),
}
"""f and its derivative. A softmax has no letter: its outputs are written out."""


def called(document: Any) -> dict[str, Function]:
    """The functions of the document, by what they are called there."""
    return called_in(document.names)


def called_in(names: Any) -> dict[str, Function]:
    """The functions of a network, by what they are called in a notation."""
    return {
        names.function(layer, order): FUNCTIONS[activation][order]
        for layer, activation in enumerate(names.activations, start=1)
        if activation in FUNCTIONS
        for order in (0, 1)
    }
