"""The Program of a network: its forward equations, layer by layer, and the loss."""

from __future__ import annotations

from typing import Any

from sympy import Abs, Add, Expr, Integer, Rational

from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.nodes import Index, Read, size, sum_over
from bpsym.network.activations import ACTIVATIONS
from bpsym.network.description import Dense, Network
from bpsym.network.expressions import to_sympy
from bpsym.network.losses import LOSSES
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


def forward_program(
    network: Network, samples: int | None = None, *, symbolic_widths: bool = False
) -> Program:
    """z[s,i] = sum_j W[i,j] a[s,j] + b[i], a[s,i] = f(z[s,i]) for each layer; E[s], the loss of a sample; C.

    `samples`: how many there are; None for the symbol m. `symbolic_widths`: n0, n1, ... instead of the numbers.
    """
    s = Index(SAMPLES, size("m") if samples is None else samples)
    widths = (network.inputs, *(layer.units for layer in network.layers))
    extents = [size(f"n{number}") if symbolic_widths else width for number, width in enumerate(widths)]
    inputs: list[Tensor] = []
    equations: list[Equation] = []
    before = Tensor("x", (s, Index(_FROM, extents[0])), Role(INPUT, 0, (None, 0)))
    inputs.append(before)
    for number, layer in enumerate(network.layers, start=1):
        parameters, defined = _dense(number, layer, extents[number], s, before)
        inputs += parameters
        equations += defined
        before = defined[-1].tensor
    target = Tensor(
        "t", (s, before.indices[1]), Role(TARGET, len(network.layers), (None, len(network.layers)))
    )
    losses = _losses(network, s, before, target, _penalty(network, inputs))
    return Program((*inputs, target), (*equations, *losses))


def parameters(program: Program) -> tuple[Tensor, ...]:
    """Weights and biases, layer by layer."""
    return tuple(tensor for tensor in program.inputs if tensor.role.kind in (WEIGHTS, BIASES))


def _dense(
    number: int, layer: Dense, units: Any, s: Index, before: Tensor
) -> tuple[list[Tensor], list[Equation]]:
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
    a = Tensor(f"a{number}", (s, i), Role(ACTIVATION, number, (None, number)))
    activation = ACTIVATIONS[layer.activation]
    slope = activation.slope_at(z[s, i], a[s, i])
    return parameters, [
        Equation(z, (s, i), value),
        Equation(a, (s, i), activation.at(z[s, i]), ((z[s, i], slope),)),
    ]


def _penalty(network: Network, inputs: list[Tensor]) -> Expr:
    """l1 sum |W| + l2/2 sum W^2 over all weights"""
    weights = [tensor for tensor in inputs if tensor.role.kind == WEIGHTS]
    absolute = Add(*(sum_over(Abs(one.element), *one.indices) for one in weights))
    squared = Add(*(sum_over(one.element**2, *one.indices) for one in weights))
    return Rational(network.l1) * absolute + Rational(network.l2) / 2 * squared


def _losses(
    network: Network, s: Index, output: Tensor, target: Tensor, penalty: Expr
) -> tuple[Equation, Equation]:
    k = Index("k", output.shape[1])
    loss = LOSSES[network.loss]
    factor = to_sympy(loss.factor_formula, {})
    of_sample = Tensor("E", (s,), Role(SAMPLE_LOSS, 0, (None,)))
    total = Tensor("C", (), Role(LOSS))
    samples: Expr = s.upper + 1
    scale = 1 / samples if network.reduction == "mean" else Integer(1)
    return (
        Equation(of_sample, (s,), factor * sum_over(loss.at(output[s, k], target[s, k]), k)),
        Equation(total, (), scale * sum_over(of_sample[s], s) + penalty),
    )


LEARNING_RATE_TENSOR = Tensor("eta", (), Role(LEARNING_RATE))
