"""Dense networks trained with plain loops, the formulas written down by hand.

    z_i = sum_j W[i][j] y_j + b_i          y_i = f(z_i)
    delta_i = dC/dy_i f'(z_i)              at the outputs
    delta_j = sum_i W[i][j] delta_i f'(z_j)    before them
    dC/dW[i][j] = delta_i y_j              dC/db_i = delta_i, summed over the layer where the bias is shared

Every function takes any kind of number: floats, mpmath's mpf (at its working precision), and `Scaled`, a number that
remembers the absolute values of all the terms that were added to form it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath

Number = Any  # float, mpmath.mpf or Scaled
Rows = list[list[Number]]


@dataclass(frozen=True)
class Layer:
    units: int
    activation: str
    bias: str = "none"  # "none", "neuron" (one each), "layer" (one shared)


@dataclass(frozen=True)
class Network:
    inputs: int
    layers: tuple[Layer, ...]
    loss: str = "half_squared_error"
    reduction: str = "mean"


@dataclass(frozen=True)
class LayerParameters:
    weights: Rows  # row = to this neuron, column = from the layer before
    biases: list[Number]  # none, one a neuron, or a single one that is shared


Parameters = list[LayerParameters]


# --- numbers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scaled:
    """A number with the sum of the absolute values of all terms added to form it (factors multiply their sums)."""

    value: Number
    scale: Number

    def __add__(self, other: Number) -> Scaled:
        other = scaled(other)
        return Scaled(self.value + other.value, self.scale + other.scale)

    def __sub__(self, other: Number) -> Scaled:
        other = scaled(other)
        return Scaled(self.value - other.value, self.scale + other.scale)

    def __mul__(self, other: Number) -> Scaled:
        other = scaled(other)
        return Scaled(self.value * other.value, self.scale * other.scale)

    def __rsub__(self, other: Number) -> Scaled:
        return scaled(other) - self

    def __truediv__(self, divisor: int) -> Scaled:
        return Scaled(self.value / divisor, self.scale / divisor)

    __radd__ = __add__
    __rmul__ = __mul__


def scaled(number: Number) -> Scaled:
    return number if isinstance(number, Scaled) else Scaled(number, abs(number))


def scaled_rows(rows: Iterable[Iterable[Number]]) -> Rows:
    return [[scaled(number) for number in row] for row in rows]


def scaled_parameters(parameters: Parameters) -> Parameters:
    return [LayerParameters(scaled_rows(p.weights), [scaled(b) for b in p.biases]) for p in parameters]


def discrepancy(actual: Sequence[Number], expected: Sequence[Scaled]) -> float:
    """The largest difference, each relative to the larger of the entry and its scale; nan or inf where one is not finite."""
    if len(actual) != len(expected):
        raise ValueError(f"{len(actual)} numbers against {len(expected)}")
    worst = 0.0
    for number, right in zip(actual, expected, strict=True):
        difference = abs(number - right.value)
        if difference != 0:
            worst = _larger(worst, float(difference / max(abs(right.value), right.scale)))
    return worst


def _larger(left: float, right: float) -> float:
    return right if math.isnan(right) else max(left, right)


# --- activations and losses ----------------------------------------------------------------------------------------


def _exp(z: Number) -> Number:
    return math.exp(z) if isinstance(z, float | int) else mpmath.exp(z)


def _sigmoid(z: Number) -> Number:
    if z >= 0:
        return 1 / (1 + _exp(-z))
    return _exp(z) / (1 + _exp(z))


def _tanh(z: Number) -> Number:
    return math.tanh(z) if isinstance(z, float | int) else mpmath.tanh(z)


def _relu(z: Number) -> Number:
    return z if z > 0 else 0 * z


def _one(y: Number) -> Number:
    return 1 + 0 * y


# name: (the value at z, the slope written in y = f(z))
ACTIVATIONS: dict[str, tuple[Callable[[Number], Number], Callable[[Number], Number]]] = {
    "identity": (lambda z: z, _one),
    "sigmoid": (_sigmoid, lambda y: y * (1 - y)),
    "tanh": (_tanh, lambda y: 1 - y * y),
    "relu": (_relu, lambda y: _one(y) if y > 0 else 0 * y),
}

# name: (the error of one output, its derivative by the output)
LOSSES: dict[str, tuple[Callable[[Number, Number], Number], Callable[[Number, Number], Number]]] = {
    "half_squared_error": (lambda y, t: (y - t) * (y - t) / 2, lambda y, t: y - t),
    "squared_error": (lambda y, t: (y - t) * (y - t), lambda y, t: 2 * (y - t)),
}


def activation(name: str, z: Number) -> Number:
    value, slope = ACTIVATIONS[name]
    if not isinstance(z, Scaled):
        return value(z)
    y = value(z.value)
    passed_on = abs(slope(y)) * z.scale
    return Scaled(y, passed_on if name in ("identity", "relu") else abs(y) + passed_on)


def slope(name: str, y: Number) -> Number:
    """f'(z), written in y = f(z)."""
    if isinstance(y, Scaled) and name in ("identity", "relu"):
        return scaled(ACTIVATIONS[name][1](y.value))
    return ACTIVATIONS[name][1](y)


# --- the formulas --------------------------------------------------------------------------------------------------


def add(terms: Sequence[Number], reverse: bool) -> Number:
    """The sum of the terms, from the first to the last or the other way round."""
    ordered = list(reversed(terms)) if reverse else list(terms)
    total = ordered[0]
    for term in ordered[1:]:
        total = total + term
    return total


def outputs_of_layers(
    network: Network, parameters: Parameters, sample: Sequence[Number], reverse: bool = False
) -> Rows:
    """[the sample, the first layer's outputs, ..., the last layer's outputs]"""
    outputs = [list(sample)]
    for layer, here in zip(network.layers, parameters, strict=True):
        row = []
        for i in range(layer.units):
            terms = [here.weights[i][j] * outputs[-1][j] for j in range(len(outputs[-1]))]
            if layer.bias == "neuron":
                terms.append(here.biases[i])
            if layer.bias == "layer":
                terms.append(here.biases[0])
            row.append(activation(layer.activation, add(terms, reverse)))
        outputs.append(row)
    return outputs


def forward(network: Network, parameters: Parameters, x: Rows, reverse: bool = False) -> Rows:
    """The outputs, one row a sample."""
    return [outputs_of_layers(network, parameters, sample, reverse)[-1] for sample in x]


def loss(network: Network, parameters: Parameters, x: Rows, t: Rows, reverse: bool = False) -> Number:
    error, _ = LOSSES[network.loss]
    samples = []
    for outputs, targets in zip(forward(network, parameters, x, reverse), t, strict=True):
        samples.append(add([error(y, target) for y, target in zip(outputs, targets, strict=True)], reverse))
    total = add(samples, reverse)
    return total / len(samples) if network.reduction == "mean" else total


def error_terms(
    network: Network, parameters: Parameters, outputs: Rows, targets: Sequence[Number], reverse: bool = False
) -> Rows:
    """delta of every neuron for one sample, layer by layer."""
    _, derivative = LOSSES[network.loss]
    last = len(network.layers) - 1
    deltas: Rows = [[] for _ in network.layers]
    for number in range(last, -1, -1):
        name = network.layers[number].activation
        for j in range(network.layers[number].units):
            y = outputs[number + 1][j]
            if number == last:
                passed_back = derivative(y, targets[j])
            else:
                weights, after = parameters[number + 1].weights, deltas[number + 1]
                passed_back = add([weights[i][j] * after[i] for i in range(len(after))], reverse)
            deltas[number].append(passed_back * slope(name, y))
    return deltas


def gradients(
    network: Network, parameters: Parameters, x: Rows, t: Rows, reverse: bool = False
) -> Parameters:
    """The derivative of the loss by every parameter, in the parameters' arrangement."""
    samples = []
    for sample, targets in zip(x, t, strict=True):
        outputs = outputs_of_layers(network, parameters, sample, reverse)
        samples.append((outputs, error_terms(network, parameters, outputs, targets, reverse)))

    def reduced(terms: list[Number]) -> Number:
        total = add(terms, reverse)
        return total / len(samples) if network.reduction == "mean" else total

    result = []
    for number, layer in enumerate(network.layers):
        columns = len(parameters[number].weights[0])
        weights = [
            [
                reduced([deltas[number][i] * outputs[number][j] for outputs, deltas in samples])
                for j in range(columns)
            ]
            for i in range(layer.units)
        ]
        biases: list[Number] = []
        if layer.bias == "neuron":
            biases = [reduced([deltas[number][i] for _, deltas in samples]) for i in range(layer.units)]
        if layer.bias == "layer":
            biases = [reduced([delta for _, deltas in samples for delta in deltas[number]])]
        result.append(LayerParameters(weights, biases))
    return result


def step(
    network: Network, parameters: Parameters, x: Rows, t: Rows, learning_rate: Number, reverse: bool = False
) -> Parameters:
    """Parameters after one step of gradient descent: all gradients at the old parameters, then all updates."""
    moved = []
    for old, gradient in zip(parameters, gradients(network, parameters, x, t, reverse), strict=True):
        weights = [
            [w - learning_rate * g for w, g in zip(row, slopes, strict=True)]
            for row, slopes in zip(old.weights, gradient.weights, strict=True)
        ]
        biases = [b - learning_rate * g for b, g in zip(old.biases, gradient.biases, strict=True)]
        moved.append(LayerParameters(weights, biases))
    return moved


def train(
    network: Network,
    parameters: Parameters,
    x: Rows,
    t: Rows,
    learning_rate: Number,
    steps: int,
    reverse: bool = False,
) -> tuple[Parameters, list[Number]]:
    """(parameters after the steps, the loss before each step)"""
    losses = []
    for _ in range(steps):
        losses.append(loss(network, parameters, x, t, reverse))
        parameters = step(network, parameters, x, t, learning_rate, reverse)
    return parameters, losses


def scaled_training(
    network: Network, parameters: Parameters, x: Rows, t: Rows, learning_rate: Number, steps: int
) -> tuple[Parameters, list[Scaled]]:
    """What `train` gives, each number with its scale; a step's scales start afresh from the values before it."""
    xs, ts = scaled_rows(x), scaled_rows(t)
    losses = []
    current = scaled_parameters(parameters)
    for _ in range(steps):
        current = scaled_parameters(values(current))
        losses.append(loss(network, current, xs, ts))
        current = step(network, current, xs, ts, learning_rate)
    return current, losses


def values(parameters: Parameters) -> Parameters:
    """The parameters without their scales."""
    return [
        LayerParameters([[w.value for w in row] for row in p.weights], [b.value for b in p.biases])
        for p in parameters
    ]


# --- one list of all parameters ------------------------------------------------------------------------------------


def flatten(parameters: Parameters) -> list[Number]:
    """Layer by layer: the weights row by row, then the biases."""
    flat: list[Number] = []
    for here in parameters:
        for row in here.weights:
            flat.extend(row)
        flat.extend(here.biases)
    return flat


def unflatten(network: Network, flat: Sequence[Number]) -> Parameters:
    """The inverse of `flatten`."""
    numbers = iter(flat)
    parameters, columns = [], network.inputs
    for layer in network.layers:
        weights = [[next(numbers) for _ in range(columns)] for _ in range(layer.units)]
        count = {"none": 0, "neuron": layer.units, "layer": 1}[layer.bias]
        parameters.append(LayerParameters(weights, [next(numbers) for _ in range(count)]))
        columns = layer.units
    if list(numbers):
        raise ValueError("more numbers than parameters")
    return parameters
