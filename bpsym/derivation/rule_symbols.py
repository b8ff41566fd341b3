"""What the symbols of a training rule mean: settings, numbers of a step, states, and what a sequential update adds.

A phrase is chosen by what a symbol is, never by its letter: by the kind of its tensor and its name in the record, or
by what the record says that the name means (the v of momentum is a velocity, the v of Adam a second moment).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bpsym.calculus.backward import adjoint_name
from bpsym.calculus.equations import Tensor
from bpsym.derivation.forms import Element, Form, Value, Variable
from bpsym.derivation.setting import Setting
from bpsym.network import roles
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.network.training_program import STEP_TENSOR, setting_tensor, state_tensor
from bpsym.network.update_rule import PARAMETER, Line, UpdateRule, update_rule

SymbolRow = tuple[tuple[Form, ...], str, Mapping[str, Any]]
"""Symbols, the key of what they mean, the terms of that phrase."""


def rule_symbols(setting: Setting) -> Iterator[SymbolRow]:
    """Each symbol of the rule's lines: settings in the order in which they are given, then what is computed."""
    rule = update_rule(setting.example.training)
    first = setting.trained()[0]
    computed = (_tensor(setting, line, first) for line in rule.lines if line.kind != PARAMETER)
    for tensor in (*_read(rule), *computed):
        yield (_symbol(setting, tensor),), _key(setting, tensor), _terms(setting, tensor, first)
    yield from _sequential(setting)


def _read(rule: UpdateRule) -> Iterator[Tensor]:
    """The settings, and the number of the step where a line reads it."""
    yield from map(setting_tensor, rule.settings)
    if any("n" in line.reads for line in rule.lines):
        yield STEP_TENSOR


def _tensor(setting: Setting, line: Line, parameter: Tensor) -> Tensor:
    """What the line computes, for this parameter where each has its own."""
    if line.kind == roles.STATE:
        return state_tensor(line.name, parameter)
    return setting.program[f"g.{parameter.name}" if line.kind == roles.CLIPPED else line.tensor_name]


def _key(setting: Setting, tensor: Tensor) -> str:
    """setting_momentum, state_velocity, rate, ..."""
    kind, name = tensor.role.kind, tensor.role.name
    if kind not in (roles.SETTING, roles.SHARED, roles.STATE):
        return str(kind)
    if kind == roles.STATE:
        return state_key(setting, name)
    return f"{kind}_{meaning(setting, name)}"


def state_key(setting: Setting, name: str) -> str:
    """state_velocity, ...; with "_from" where it does not begin at 0."""
    return f"state_{meaning(setting, name)}{'_from' if state_start(setting, name) else ''}"


def state_start(setting: Setting, name: str) -> Any:
    """What the state is before the first step."""
    return update_rule(setting.example.training).of(roles.STATE, name).start


def meaning(setting: Setting, name: str) -> str:
    """What a name of the optimiser's record is, by which its words are found; the name itself where that tells."""
    return OPTIMIZERS[setting.example.training.optimizer.name].means.get(name, name)


def _terms(setting: Setting, tensor: Tensor, parameter: Tensor) -> dict[str, Any]:
    is_state = tensor.role.kind == roles.STATE
    return {
        "name": tensor.role.name.replace("_", " "),
        "start": Value(state_start(setting, tensor.role.name) if is_state else 0),
        "step": Variable(setting.names.latex(STEP_TENSOR)),
        "parameter": _symbol(setting, parameter),
    }


def _sequential(setting: Setting) -> Iterator[SymbolRow]:
    """The first error term, and the first gradient, that a sequential update computes with new parameters."""
    nodes = setting.names.pack.conventions["nodes"]
    sums = (setting.tensor(roles.PRE_ACTIVATION, layer) for layer in setting.layers)
    for tensor, base in _first_new(setting, sums):
        layer = base.role.layer
        terms = {"node": setting.names.node(layer, 0), "layer": layer}
        yield (_symbol(setting, tensor),), f"sequential_error_term_{nodes}", terms
    for tensor, base in _first_new(setting, iter(setting.trained())):
        yield (_symbol(setting, tensor),), "sequential_gradient", {"parameter": _symbol(setting, base)}


def _first_new(setting: Setting, tensors: Iterator[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """The first of the tensors whose derivative is taken with new parameters: that derivative, and the tensor."""
    names = ((f"{adjoint_name(one.name)} {roles.SEQUENTIAL}", one) for one in tensors)
    known = [(setting.program[name], one) for name, one in names if name in setting.program.tensors]
    return known[:1]


def _symbol(setting: Setting, tensor: Tensor) -> Element:
    return Element(setting.elements(tensor)[0])
