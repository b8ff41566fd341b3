"""The Program of one step of training: forward, backward and update. Everything below reads this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Add, Expr, S

from bpsym.calculus.backward import adjoint_name
from bpsym.calculus.equations import Equation, Program, Tensor, find
from bpsym.calculus.nodes import Read, rename_reads, sum_over
from bpsym.calculus.rewrites import needed
from bpsym.calculus.update import updated
from bpsym.network import roles
from bpsym.network.description import Network
from bpsym.network.expressions import Formula, Summand, to_sympy
from bpsym.network.forward import LEARNING_RATE_TENSOR, parameters
from bpsym.network.gradients import gradient_program
from bpsym.network.roles import Role
from bpsym.network.training_rule import SEQUENTIAL, TrainingRule
from bpsym.network.update_rule import PARAMETER, Line, UpdateRule, update_rule

STEP_TENSOR = Tensor("n", (), Role(roles.STEP))


def training_program(
    network: Network,
    rule: TrainingRule,
    samples: int | None = None,
    *,
    symbolic_widths: bool = False,
    code: bool = False,
) -> Program:
    """Forward, backward and update: the one set of gradients that everything reads.

    `code`: as a trainer computes it, with calls of its functions, and safe in floating point.
    """
    program = gradient_program(network, samples, symbolic_widths=symbolic_widths, code=code)
    program = with_frozen(program, frozen_names(network))
    program = with_update(program, update_rule(rule), frozen_names(network))
    return with_sequential_update(program) if rule.update == SEQUENTIAL else program


def frozen_names(network: Network) -> tuple[str, ...]:
    """The names of the tensors that are not trained."""
    letters = {roles.WEIGHTS: "W", roles.BIASES: "b"}
    return tuple(
        f"{letters[kind]}{number}"
        for number, layer in enumerate(network.layers, start=1)
        for kind in layer.frozen
    )


def trained_parameters(program: Program) -> tuple[Tensor, ...]:
    """The parameters that a step changes."""
    return tuple(one for one in parameters(program) if find(program, "update", one.name) is not None)


# Frozen parameters are constants: their derivative is 0 ----------------------------------------------------------


def with_frozen(program: Program, frozen: tuple[str, ...]) -> Program:
    """The program in which the derivatives by these tensors are 0, without what only they needed."""
    zero = {adjoint_name(name) for name in frozen}
    if not zero & set(program.tensors):
        return program
    equations = tuple(
        replace(one, value=S.Zero, slopes=()) if one.tensor.name in zero else one for one in program.equations
    )
    outputs = [
        one.name
        for one in program.tensors.values()
        if one.role.kind == roles.ACTIVATION and one.origin is None
    ]
    kept = [*(adjoint_name(one.name) for one in parameters(program)), "C", *outputs]
    return needed(Program(program.inputs, equations), kept)


# The update, line by line of its rule ----------------------------------------------------------------------------


def with_update(program: Program, rule: UpdateRule, frozen: tuple[str, ...] = ()) -> Program:
    """The program with the rule's lines for each parameter that is not frozen, and what they read as inputs."""
    trained = tuple(one for one in parameters(program) if one.name not in frozen)
    writer = _Writer(rule, program, trained)
    equations = tuple(writer.equations())
    return program.extended(equations, (LEARNING_RATE_TENSOR, *writer.inputs()))


def state_tensor(name: str, parameter: Tensor) -> Tensor:
    """What the optimiser remembers of the parameter under this name."""
    role = parameter.role
    of = Role(roles.STATE, role.layer, role.axes, name, role.kind)
    return Tensor(f"{name}.{parameter.name}", parameter.indices, of)


@dataclass
class _Writer:
    """newest: for each name of the rule, what it means now; that of what each parameter has its own by parameter."""

    rule: UpdateRule
    program: Program
    trained: tuple[Tensor, ...]
    newest: dict[str, Read] = field(default_factory=dict)
    own: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.newest = {"eta": LEARNING_RATE_TENSOR.element, "n": STEP_TENSOR.element}
        self.newest |= {name: setting_tensor(name).element for name in self.rule.settings}
        self.own = {one.name: {"p": one, "g": self.program[adjoint_name(one.name)]} for one in self.trained}
        for one in self.trained:
            self.own[one.name] |= {line.name: state_tensor(line.name, one) for line in self.rule.states}

    def inputs(self) -> Iterator[Tensor]:
        """The settings, the step's number and the states before the step."""
        yield from map(setting_tensor, self.rule.settings)
        if self.rule.has_state:
            yield STEP_TENSOR
        for line in self.rule.states:
            yield from (state_tensor(line.name, one) for one in self.trained)

    def equations(self) -> Iterator[Equation]:
        for line in self.rule.lines:
            yield from _WRITE[line.kind](self, line)
        if self.rule.has_state:
            yield Equation(updated(STEP_TENSOR), (), STEP_TENSOR.element + 1)

    def shared(self, line: Line) -> Iterator[Equation]:
        """One number for all parameters."""
        rate = line.kind == roles.RATE
        name = "rate" if rate else line.name
        tensor = Tensor(name, (), Role(line.kind, name="" if rate else line.name))
        yield Equation(tensor, (), self.value(line.formula))
        self.newest[line.name] = tensor.element

    def each(self, line: Line) -> Iterator[Equation]:
        """One equation for each parameter."""
        for one in self.trained:
            own = self.own[one.name]
            tensor = self.target(line, one)
            yield Equation(tensor, one.indices, self.value(line.formula, own))
            own[line.name] = tensor

    def target(self, line: Line, parameter: Tensor) -> Tensor:
        if line.kind == roles.CLIPPED:
            role = replace(parameter.role, kind=roles.CLIPPED, of=parameter.role.kind)
            return Tensor(f"g.{parameter.name}", parameter.indices, role)
        return updated(parameter if line.kind == PARAMETER else state_tensor(line.name, parameter))

    def value(self, formula: Formula, own: Mapping[str, Tensor] | None = None) -> Expr:
        elements = {name: tensor.element for name, tensor in (own or {}).items()}
        return to_sympy(formula, self.newest | elements, {"total": self.total})

    def total(self, summand: Summand) -> Expr:
        """The sum over all elements of all trained parameters."""
        return Add(*(self.summed(summand, own) for own in self.own.values()))

    def summed(self, summand: Summand, own: Mapping[str, Tensor]) -> Any:
        elements = {name: tensor.element for name, tensor in own.items()}
        return sum_over(summand(elements), *own["p"].indices)


_WRITE = {
    roles.SHARED: _Writer.shared,
    roles.RATE: _Writer.shared,
    roles.CLIPPED: _Writer.each,
    roles.STATE: _Writer.each,
    PARAMETER: _Writer.each,
}


def setting_tensor(name: str) -> Tensor:
    return Tensor(f"setting {name}", (), Role(roles.SETTING, name=name))


# Sequential update: reads of the layers after it are reads of their new parameters ---------------------------------


def with_sequential_update(program: Program) -> Program:
    """The program in which each step is made along derivatives that use the new parameters of the layers after.

    From the output back: delta[s,i] = sum_k delta[s,k] W+[k,i] f'(z[s,i]), with W+ for W. The gradients stay.
    """
    new_weights = {
        one.name: updated(one).name for one in trained_parameters(program) if one.role.kind == roles.WEIGHTS
    }
    other: dict[str, str] = {}
    added: list[Equation] = []
    for one in program.equations:
        if one.tensor.is_adjoint:
            of_parameter = one.tensor.role.kind in (roles.WEIGHTS, roles.BIASES)
            value = rename_reads(one.value, other if of_parameter else other | new_weights)
            if value != one.value:
                tensor = _sequential(one.tensor)
                other[one.tensor.name] = tensor.name
                added.append(Equation(tensor, one.at, value))
    steps = tuple(
        replace(one, value=rename_reads(one.value, other)) if _is_step(one) else one
        for one in program.equations
    )
    return Program(program.inputs, (*steps, *added))


def _is_step(equation: Equation) -> bool:
    origin = equation.tensor.origin
    return origin is not None and origin.kind == "update"


def _sequential(adjoint: Tensor) -> Tensor:
    role = replace(adjoint.role, name=roles.SEQUENTIAL)
    return replace(adjoint, name=f"{adjoint.name} sequential", role=role)


# Numbers ---------------------------------------------------------------------------------------------------------


def first_step(program: Program, rule: UpdateRule) -> dict[str, Any]:
    """The numbers that the first step reads beside the network's own: settings, the step's number, states."""
    found: dict[str, Any] = {}
    for tensor in program.inputs:
        if tensor.role.kind == roles.SETTING:
            found[tensor.name] = rule.settings[tensor.role.name]
        elif tensor.role.kind == roles.STEP:
            found[tensor.name] = 1
        elif tensor.role.kind == roles.STATE:
            found[tensor.name] = _full(tensor, rule.of(roles.STATE, tensor.role.name).start)
    return found


def _full(tensor: Tensor, number: Any) -> Any:
    """An array of the tensor's shape with this number everywhere."""
    value = number
    for extent in reversed(tensor.shape):
        value = (value,) * int(extent)
    return value


__all__ = [
    "STEP_TENSOR",
    "first_step",
    "frozen_names",
    "setting_tensor",
    "state_tensor",
    "trained_parameters",
    "training_program",
    "with_frozen",
    "with_sequential_update",
    "with_update",
]
