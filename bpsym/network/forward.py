"""The Program of a network: its forward equations, layer by layer, and the loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sympy import Add, Expr, Integer, Rational

from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.functions import Abs, unspecified
from bpsym.calculus.nodes import Index, Read, size, sum_over
from bpsym.network.activations import activation_of
from bpsym.network.calls import activation_name, activation_slope, loss_name, loss_slope
from bpsym.network.description import Network
from bpsym.network.losses import loss_of
from bpsym.network.roles import (
    ACTIVATION,
    BIASES,
    INPUT,
    LEARNING_RATE,
    LOSS,
    PRE_ACTIVATION,
    SAMPLE_LOSS,
    TARGET,
    WEIGHTS,
    Role,
)

SAMPLES = "s"
"""The name of the samples' index."""

_UNIT = "i"
_FROM = "j"
_OTHER = "l"

OUTPUT_LOSS = "e"
"""The loss of one output, which is a tensor of its own where code calls a function for it."""


def forward_program(
    network: Network, samples: int | None = None, *, symbolic_widths: bool = False, code: bool = False
) -> Program:
    """z[s,i] = sum_j W[i,j] a[s,j] + b[i], a[s,i] = f(z[s,i]) for each layer; E[s], the loss of a sample; C.

    `samples`: how many there are; None for the symbol m. `symbolic_widths`: n0, n1, ... instead of the numbers.
    `code`: slopes that are more than arithmetic are calls of the trainer's functions.
    """
    s = Index(SAMPLES, size("m") if samples is None else samples)
    widths = (network.inputs, *(layer.units for layer in network.layers))
    extents = [size(f"n{number}") if symbolic_widths else width for number, width in enumerate(widths)]
    inputs: list[Tensor] = []
    equations: list[Equation] = []
    before = Tensor("x", (s, Index(_FROM, extents[0])), Role(INPUT, 0, (None, 0)))
    inputs.append(before)
    for number in range(1, len(network.layers) + 1):
        parameters, defined = _dense(network, number, extents[number], s, before, code)
        inputs += parameters
        equations += defined
        before = defined[-1].tensor
    target = Tensor(
        "t", (s, before.indices[1]), Role(TARGET, len(network.layers), (None, len(network.layers)))
    )
    losses = _losses(network, s, before, target, code)
    *parts, whole = losses
    penalised = replace(whole, value=whole.value + _penalty(network, inputs))
    return Program((*inputs, target), (*equations, *parts, penalised))


def parameters(program: Program) -> tuple[Tensor, ...]:
    """Weights and biases, layer by layer."""
    return tuple(tensor for tensor in program.inputs if tensor.role.kind in (WEIGHTS, BIASES))


def _dense(
    network: Network, number: int, units: Any, s: Index, before: Tensor, code: bool
) -> tuple[list[Tensor], list[Equation]]:
    layer = network.layers[number - 1]
    i, j = Index(_UNIT, units), Index(_FROM, before.shape[1])
    weights = Tensor(f"W{number}", (i, j), Role(WEIGHTS, number, (number, number - 1)))
    parameters = [weights]
    value = sum_over(weights[i, j] * before[s, j], j)
    if layer.bias != "none":
        axes = (i,) if layer.bias == "neuron" else ()
        biases = Tensor(f"b{number}", axes, Role(BIASES, number, (number,) * len(axes)))
        parameters.append(biases)
        value += Read(biases.name, *axes)
    z = Tensor(f"z{number}", (s, i), Role(PRE_ACTIVATION, number, (None, number)))
    return parameters, [Equation(z, (s, i), value), _activated(network, number, z, code)]


def _activated(network: Network, number: int, z: Tensor, code: bool) -> Equation:
    """a[s,i] = f(z[s,i]), or of all z[s,j] of the layer; with its textbook slope, or with a call of it for code."""
    s, i = z.indices
    a = Tensor(f"a{number}", (s, i), Role(ACTIVATION, number, (None, number)))
    activation = activation_of(network.layers[number - 1].activation)
    meant: dict[str, Any] = {
        "total": lambda summand: sum_over(summand({"z": z[s, i.renamed(_OTHER)]}), i.renamed(_OTHER)),
        "f": lambda u: unspecified(f"f{number}")(i, u),
    }
    value = activation.at(z[s, i], meant)
    if activation.is_layer_wide:
        return Equation(a, (s, i), value)
    call = activation_slope(activation, activation_name(network, number)) if code else None
    slope = activation.slope_at(z[s, i], a[s, i], meant)
    if call is not None:
        slope = call.at(*({"z": z, "a": a}[name][s, i] for name in call.arguments))
    return Equation(a, (s, i), value, ((z[s, i], slope),))


def _penalty(network: Network, inputs: list[Tensor]) -> Expr:
    """l1 sum |W| + l2/2 sum W^2 over all weights"""
    weights = [tensor for tensor in inputs if tensor.role.kind == WEIGHTS]
    absolute = Add(*(sum_over(Abs(one.element), *one.indices) for one in weights))
    squared = Add(*(sum_over(one.element**2, *one.indices) for one in weights))
    return Rational(network.l1) * absolute + Rational(network.l2) / 2 * squared


def _losses(network: Network, s: Index, output: Tensor, target: Tensor, code: bool) -> tuple[Equation, ...]:
    k = Index("k", output.shape[1])
    loss, layers = loss_of(network.loss), len(network.layers)
    a, t = output[s, k], target[s, k]
    of_output = Tensor(OUTPUT_LOSS, (s, k), Role(SAMPLE_LOSS, layers, (None, layers)))
    of_sample = Tensor("E", (s,), Role(SAMPLE_LOSS, 0, (None,)))
    total = Tensor("C", (), Role(LOSS))
    samples: Expr = s.upper + 1
    scale = 1 / samples if network.reduction == "mean" else Integer(1)
    factor = loss.factor_of(network.layers[-1].units)
    slope = loss_slope(loss, loss_name(network)) if code else None
    parts = () if slope is None else (Equation(of_output, (s, k), loss.at(a, t), ((a, slope.at(a, t)),)),)
    part = loss.at(a, t) if slope is None else of_output[s, k]
    return (
        *parts,
        Equation(of_sample, (s,), factor * sum_over(part, k)),
        Equation(total, (), scale * sum_over(of_sample[s], s)),
    )


LEARNING_RATE_TENSOR = Tensor("eta", (), Role(LEARNING_RATE))
