"""One step of training as equations: a new tensor for each parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sympy import Expr

from bpsym.calculus.equations import Equation, Origin, Program, Tensor, find
from bpsym.calculus.nodes import Read
from bpsym.errors import ProgramError

Rule = Callable[[Read, Read, Expr], Expr]
"""(parameter, its gradient, learning rate) -> the parameter after the step."""


def updated_name(name: str) -> str:
    """What a parameter is called after the step."""
    return f"{name}+"


def update(program: Program, parameters: Iterable[Tensor], rule: Rule, rate: Tensor) -> Program:
    """Append P+[i] = rule(P[i], dP[i], rate) for each parameter; all gradients are those at the old parameters."""
    return program.extended(tuple(_updated(program, one, rule, rate) for one in parameters), (rate,))


def _updated(program: Program, parameter: Tensor, rule: Rule, rate: Tensor) -> Equation:
    gradient = find(program, "adjoint", parameter.name)
    if gradient is None:
        raise ProgramError(f"{parameter.name} has no adjoint: the loss does not depend on it")
    new = replace(parameter, name=updated_name(parameter.name), origin=Origin("update", parameter.name))
    return Equation(new, parameter.indices, rule(parameter.element, gradient.element, rate.element))
