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
from bpsym.network.expressions import Summand, to_sympy
from bpsym.network.forward import LEARNING_RATE_TENSOR, parameters
from bpsym.network.gradients import gradient_program
from bpsym.network.roles import Role
from bpsym.network.training_rule import SEQUENTIAL, TrainingRule
from bpsym.network.update_rule import ONE_FOR_ALL, PARAMETER, Line, UpdateRule, update_rule

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


@dataclass(frozen=True)
class Written:
    """One equation of the update as its rule has it: tensor = formula, at the tensor's own indices.

    line: of the rule. names: the element that each name of the formula means. everywhere: the same for each
    trained parameter, for `total(...)`.
    """

    line: Line
    tensor: Tensor
    names: Mapping[str, Read]
    everywhere: tuple[Mapping[str, Tensor], ...] = ()

    @property
    def equation(self) -> Equation:
        value = to_sympy(self.line.formula, self.names, {"total": self._total})
        return Equation(self.tensor, self.tensor.indices, value)

    def _total(self, summand: Summand) -> Expr:
        """The sum over all elements of all trained parameters."""
        return Add(*(_summed(summand, own) for own in self.everywhere))


def _summed(summand: Summand, own: Mapping[str, Tensor]) -> Any:
    return sum_over(summand(_elements(own)), *own["p"].indices)


def _elements(tensors: Mapping[str, Tensor]) -> dict[str, Read]:
    return {name: tensor.element for name, tensor in tensors.items()}


def with_update(program: Program, rule: UpdateRule, frozen: tuple[str, ...] = ()) -> Program:
    """The program with the rule's lines for each parameter that is not frozen, and what they read as inputs."""
    trained = tuple(one for one in parameters(program) if one.name not in frozen)
    equations = [one.equation for one in written_update(program, rule, trained)]
    inputs = [LEARNING_RATE_TENSOR, *map(setting_tensor, rule.settings)]
    if rule.has_state:
        equations.append(Equation(updated(STEP_TENSOR), (), STEP_TENSOR.element + 1))
        inputs.append(STEP_TENSOR)
    inputs += [state_tensor(line.name, one) for line in rule.states for one in trained]
    return program.extended(tuple(equations), tuple(inputs))


def written_update(
    program: Program, rule: UpdateRule, trained: tuple[Tensor, ...] | None = None
) -> tuple[Written, ...]:
    """The rule's lines for the trained parameters, in the order in which they are computed."""
    return tuple(_Writer(rule, program, trained_parameters(program) if trained is None else trained).lines())


def setting_tensor(name: str) -> Tensor:
    """A number of the optimiser, the schedule or the clip."""
    return Tensor(f"setting {name}", (), Role(roles.SETTING, name=name))


def state_tensor(name: str, parameter: Tensor) -> Tensor:
    """What the optimiser remembers of the parameter under this name."""
    role = parameter.role
    of = Role(roles.STATE, role.layer, role.axes, name, role.kind)
    return Tensor(f"{name}.{parameter.name}", parameter.indices, of)


@dataclass
class _Writer:
    """shared: what each name of the rule means now; own: the same of what each parameter has for itself."""

    rule: UpdateRule
    program: Program
    trained: tuple[Tensor, ...]
    shared: dict[str, Tensor] = field(default_factory=dict)
    own: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shared = {"eta": LEARNING_RATE_TENSOR, "n": STEP_TENSOR}
        self.shared |= {name: setting_tensor(name) for name in self.rule.settings}
        states = self.rule.states
        self.own = {
            one.name: {"p": one, "g": self.gradient(one)}
            | {line.name: state_tensor(line.name, one) for line in states}
            for one in self.trained
        }

    def gradient(self, parameter: Tensor) -> Tensor:
        """What a step goes against: the gradient, or what takes its place in a sequential update."""
        adjoint = self.program[adjoint_name(parameter.name)]
        return self.program.tensors.get(_sequential(adjoint).name, adjoint)

    def lines(self) -> Iterator[Written]:
        for line in self.rule.lines if self.trained else ():
            yield from self.one_for_all(line) if line.kind in ONE_FOR_ALL else self.one_for_each(line)

    def one_for_all(self, line: Line) -> Iterator[Written]:
        tensor = Tensor(line.tensor_name, (), Role(line.kind, name=line.name))
        everywhere = tuple(dict(own) for own in self.own.values())
        yield Written(line, tensor, _elements(self.shared), everywhere)
        self.shared[line.name] = tensor

    def one_for_each(self, line: Line) -> Iterator[Written]:
        for one in self.trained:
            own = self.own[one.name]
            tensor = self.target(line, one)
            yield Written(line, tensor, _elements(self.shared | own))
            own[line.name] = tensor

    def target(self, line: Line, parameter: Tensor) -> Tensor:
        if line.kind == roles.CLIPPED:
            role = replace(parameter.role, kind=roles.CLIPPED, of=parameter.role.kind)
            return Tensor(f"g.{parameter.name}", parameter.indices, role)
        return updated(parameter if line.kind == PARAMETER else state_tensor(line.name, parameter))


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
    "Written",
    "first_step",
    "frozen_names",
    "setting_tensor",
    "state_tensor",
    "trained_parameters",
    "training_program",
    "with_frozen",
    "with_sequential_update",
    "with_update",
    "written_update",
]
