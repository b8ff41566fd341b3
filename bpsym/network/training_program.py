"""The Program of one step of training: forward, backward and update."""

from __future__ import annotations

from bpsym.calculus.equations import Program
from bpsym.calculus.update import update
from bpsym.network.description import Network
from bpsym.network.forward import LEARNING_RATE_TENSOR, parameters
from bpsym.network.gradients import gradient_program
from bpsym.network.optimizers import OPTIMIZERS


def training_program(
    network: Network,
    optimizer: str,
    samples: int | None = None,
    *,
    symbolic_widths: bool = False,
    code: bool = False,
) -> Program:
    """Forward, backward and update: the one set of gradients that everything reads."""
    program = gradient_program(network, samples, symbolic_widths=symbolic_widths, code=code)
    rule = OPTIMIZERS[optimizer].at
    return update(program, parameters(program), rule, LEARNING_RATE_TENSOR)
