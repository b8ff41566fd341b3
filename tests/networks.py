"""Networks that hypothesis draws, as plain records: for the handwritten trainer and for bpsym alike."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.witness import handwritten

if TYPE_CHECKING:
    import bpsym

ACTIVATIONS = ("sigmoid", "tanh", "identity")
LOSSES = ("half_squared_error", "squared_error")

Rows = list[list[Fraction]]


@dataclass(frozen=True)
class Drawn:
    """A network with exact decimals for its parameters (flat, layer by layer) and its data."""

    network: handwritten.Network
    parameters: tuple[Fraction, ...]
    x: Rows
    t: Rows
    learning_rate: Fraction

    def floats(self) -> tuple[handwritten.Parameters, list[list[float]], list[list[float]], float]:
        """Parameters, x, t and the learning rate in double precision."""
        flat = [float(number) for number in self.parameters]
        x, t = ([[float(entry) for entry in row] for row in rows] for rows in (self.x, self.t))
        return handwritten.unflatten(self.network, flat), x, t, float(self.learning_rate)

    def example(self, notation: str = "standard") -> bpsym.Example:
        import bpsym

        exact = handwritten.unflatten(self.network, self.parameters)
        layers = tuple(
            bpsym.Dense(
                units=layer.units,
                activation=layer.activation,
                bias=layer.bias,
                weights=here.weights,
                biases={"none": None, "layer": here.biases[0] if here.biases else None}.get(
                    layer.bias, here.biases
                ),
            )
            for layer, here in zip(self.network.layers, exact, strict=True)
        )
        return bpsym.Example(
            notation=notation,
            network=bpsym.Network(
                inputs=self.network.inputs,
                loss=self.network.loss,
                reduction=self.network.reduction,
                layers=layers,
            ),
            data={"x": self.x, "t": self.t},
            training={"learning_rate": self.learning_rate, "steps": 1},
        )


def decimals(least: int = -15, most: int = 15) -> st.SearchStrategy[Fraction]:
    return st.integers(least, most).map(lambda tenths: Fraction(tenths, 10))


@st.composite
def networks(draw: st.DrawFn) -> Drawn:
    """1-4 layers, 1-5 units, biases or not, 1-5 samples, each activation, loss and reduction."""
    widths = draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    layers = tuple(
        handwritten.Layer(
            units, draw(st.sampled_from(ACTIVATIONS)), draw(st.sampled_from(("none", "neuron", "layer")))
        )
        for units in widths[1:]
    )
    network = handwritten.Network(
        widths[0], layers, draw(st.sampled_from(LOSSES)), draw(st.sampled_from(("mean", "sum")))
    )
    count = sum(
        units * before + {"none": 0, "neuron": units, "layer": 1}[layer.bias]
        for before, units, layer in zip(widths, widths[1:], layers, strict=False)
    )
    samples = draw(st.integers(1, 5))

    def rows(width: int) -> Rows:
        return [draw(st.lists(decimals(), min_size=width, max_size=width)) for _ in range(samples)]

    parameters = draw(st.lists(decimals(), min_size=count, max_size=count))
    return Drawn(network, tuple(parameters), rows(widths[0]), rows(widths[-1]), draw(decimals(1, 10)))
