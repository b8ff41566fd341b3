"""A network's loss and its gradients as one Program: the pipeline of rewrites from the forward equations on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sympy import Expr

from bpsym.calculus.backward import adjoint_name, backward
from bpsym.calculus.equations import Equation, Program, Tensor, reads
from bpsym.calculus.recognition import recognised
from bpsym.calculus.rewrites import (
    common_factors_out,
    constant_value,
    inline,
    needed,
    pull_constants,
    rescale,
)
from bpsym.calculus.safe import SHIFTED, fused, shifted
from bpsym.network.activations import activation_of
from bpsym.network.calls import activation_name, activation_value, loss_name, loss_value
from bpsym.network.description import Network
from bpsym.network.forward import OUTPUT_LOSS, forward_program, parameters
from bpsym.network.losses import loss_of
from bpsym.network.roles import ACTIVATION, BIASES, LOSS, SAMPLE_LOSS, WEIGHTS, Role


def gradient_program(
    network: Network, samples: int | None = None, *, symbolic_widths: bool = False, code: bool = False
) -> Program:
    """Forward and backward: the loss C, the outputs, and dC/dP for each parameter P.

    Logarithms of exponentials are worked out first. The error terms are those of one sample's own loss,
    dE[s]/dz[s,i]; what the reduction does to them stands in the parameters' gradients only. The adjoints of
    activations and losses are put into their one reader; what a forward equation computes already is read from it.
    `code`: activations and losses are calls of the trainer's functions, exponentials are shifted by their maximum.
    """
    forward = fused(forward_program(network, samples, symbolic_widths=symbolic_widths, code=code))
    wanted = [*(adjoint_name(one.name) for one in parameters(forward)), "C", f"a{len(network.layers)}"]
    program = needed(recognised(backward(forward).program), [*wanted, adjoint_name("E")])
    program = _of_one_sample(inline(program, [adjoint_name("C")]))
    program = _tidied(inline(program, _read_once(program)))
    if code:
        program = _called(network, shifted(program, _roles))
    return needed(program, wanted)


def _of_one_sample(program: Program) -> Program:
    """The error terms as those of one sample's own loss."""
    scale = constant_value(program, adjoint_name("E"))
    inner = [one.name for one in program.tensors.values() if _is_sample_adjoint(one)]
    return program if scale is None or scale == 1 else rescale(program, inner, scale)


def _is_sample_adjoint(tensor: Tensor) -> bool:
    """Whether it is the derivative by something of one sample, not by a parameter that all samples share."""
    return tensor.is_adjoint and tensor.role.kind not in (WEIGHTS, BIASES, LOSS)


def _read_once(program: Program) -> list[str]:
    """The adjoints of losses, and those of activations that are read in one place."""
    counts: dict[str, int] = {}
    for equation in program.equations:
        for read in reads(equation.value):
            counts[read.name] = counts.get(read.name, 0) + 1
    inner = [one for one in program.tensors.values() if _is_sample_adjoint(one)]
    return [
        one.name
        for one in inner
        if one.role.kind == SAMPLE_LOSS or (one.role.kind == ACTIVATION and counts.get(one.name, 0) == 1)
    ]


def _tidied(program: Program) -> Program:
    """Error terms with what does not depend on a sum's index before it, and with common factors before a bracket."""

    def value(one: Equation) -> Expr:
        if not _is_sample_adjoint(one.tensor):
            return one.value
        tidy: Expr = common_factors_out(pull_constants(one.value))
        return tidy

    return Program(program.inputs, tuple(replace(one, value=value(one)) for one in program.equations))


def _roles(kind: str, tensor: Tensor, axis: int) -> Role:
    """The role of what `shifted` adds: the layer's, with the axes that are left."""
    axes = tensor.role.axes
    return Role(
        kind, tensor.role.layer, axes if kind in (SHIFTED, "exponential") else axes[:axis] + axes[axis + 1 :]
    )


def _called(network: Network, program: Program) -> Program:
    """The program with calls of the trainer's functions for activations and losses."""
    values: dict[str, Expr] = {}
    for number, layer in enumerate(network.layers, start=1):
        call = activation_value(activation_of(layer.activation), activation_name(network, number))
        if call is not None:
            values[f"a{number}"] = call.at(program[f"z{number}"].element)
    call = loss_value(loss_of(network.loss), loss_name(network))
    if call is not None:
        k = program[OUTPUT_LOSS].indices
        values[OUTPUT_LOSS] = call.at(
            *(program[name].element.func(name, *k) for name in (f"a{len(network.layers)}", "t"))
        )
    equations = tuple(replace(one, value=values.get(one.tensor.name, one.value)) for one in program.equations)
    made = Program(program.inputs, equations)
    return inline(made, [*([OUTPUT_LOSS] if call is not None else ()), *_shifts_read_once(made)])


def _shifts_read_once(program: Program) -> list[str]:
    kinds: list[Any] = [one for one in program.tensors.values() if one.role.kind == SHIFTED]
    count = {
        one.name: sum(read.name == one.name for eq in program.equations for read in reads(eq.value))
        for one in kinds
    }
    return [name for name, times in count.items() if times <= 1]
