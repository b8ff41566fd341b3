"""The Program of a network's gradients: its forward equations, and what `backward` makes of them."""

from __future__ import annotations

from bpsym.calculus.backward import adjoint_name, backward
from bpsym.calculus.equations import Program, Tensor
from bpsym.calculus.rewrites import constant_value, inline, needed, rescale
from bpsym.network.description import Network
from bpsym.network.forward import forward_program, parameters
from bpsym.network.roles import ACTIVATION, BIASES, LOSS, SAMPLE_LOSS, WEIGHTS


def gradient_program(
    network: Network, samples: int | None = None, *, symbolic_widths: bool = False
) -> Program:
    """Forward and backward.

    The error terms are those of one sample's own loss, dE[s]/dz[s,i]; what the reduction does to them stands in the
    parameters' gradients only. The adjoints of activations and losses are put into their readers.
    """
    forward = forward_program(network, samples, symbolic_widths=symbolic_widths)
    program = inline(backward(forward).program, [adjoint_name("C")])
    scale = constant_value(program, adjoint_name("E"))
    inner = [t.name for t in program.tensors.values() if _is_sample_adjoint(t)]
    if scale is not None and scale != 1:
        program = rescale(program, inner, scale)
    hidden = [name for name in inner if program[name].role.kind in (ACTIVATION, SAMPLE_LOSS)]
    program = inline(program, hidden)
    kept = [*(adjoint_name(one.name) for one in parameters(program)), "C"]
    return needed(program, kept)


def _is_sample_adjoint(tensor: Tensor) -> bool:
    """Whether it is the derivative by something of one sample, not by a parameter that all samples share."""
    return tensor.is_adjoint and tensor.role.kind not in (WEIGHTS, BIASES, LOSS)
