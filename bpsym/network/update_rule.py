"""A training rule as lines, in the order in which they are computed: what a step does to one parameter.

    shrink = max_norm / max(max_norm, norm)      clip
    g      = shrink * g
    rate   = eta * gamma**(n - 1)                schedule
    m      = beta1 * m + (1 - beta1) * g         states of the optimiser
    p      = p - rate * m                        the parameter

A name means its newest value, as in a program. Settings that are 0 are put in, and whatever they leave without effect
is left out: with dampening = 0, momentum does not ask which step it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bpsym.network.choices import Choice, Settings, numbers
from bpsym.network.clips import CLIPS
from bpsym.network.expressions import Formula, read_own
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.network.roles import CLIPPED, RATE, SHARED, STATE
from bpsym.network.schedules import SCHEDULES
from bpsym.network.training_rule import TrainingRule

PARAMETER = "parameter"
CLIP, SCHEDULE, OPTIMIZER = "clip", "schedule", "optimizer"
ARGUMENTS = ("p", "g", "eta", "n")
"""What every formula may read: the parameter, its gradient, the learning rate, the number of this step."""

ONE_FOR_ALL = (SHARED, RATE)
"""The kinds of lines that are one number; the others are one for each parameter."""

_PLACES = {CLIPPED: "g", RATE: "eta", PARAMETER: "p"}
"""What a line of this kind is called in the formulas after it."""


@dataclass(frozen=True)
class Line:
    """name = formula. kind: SHARED or RATE (one number), CLIPPED, STATE or PARAMETER (one for each parameter).

    part: CLIP, SCHEDULE or OPTIMIZER. start: of a state, its value before the first step.
    """

    kind: str
    name: str
    formula: Formula
    part: str
    start: Any = 0

    @property
    def tensor_name(self) -> str:
        """What a number for all parameters is called in the Program."""
        return RATE if self.kind == RATE else self.name

    @property
    def reads(self) -> tuple[str, ...]:
        """The names in the formula, in the order of the text."""
        return tuple(dict.fromkeys(_names(self.formula.tree)))


@dataclass(frozen=True)
class UpdateRule:
    """lines: in the order in which they are computed; settings: the numbers that they read, by name."""

    lines: tuple[Line, ...]
    settings: Mapping[str, Any]

    def of(self, kind: str, name: str = "") -> Line:
        """The line of this kind, and of this name where there are several."""
        return next(line for line in self.lines if line.kind == kind and name in ("", line.name))

    @property
    def states(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.kind == STATE)

    @property
    def has_state(self) -> bool:
        """Whether a step depends on the steps before it, or on how many there were."""
        return bool(self.states) or any("n" in line.reads for line in self.lines)


def update_rule(rule: TrainingRule) -> UpdateRule:
    """The lines of the clip, the schedule and the optimiser."""
    settings = {**_settings(rule.clip, CLIPS), **_settings(rule.schedule, SCHEDULES)}
    settings |= _settings(rule.optimizer, OPTIMIZERS)
    lines = _needed(_without_effect(list(_lines(rule, settings)), settings))
    read = {name for line in lines for name in line.reads}
    return UpdateRule(tuple(lines), {name: value for name, value in settings.items() if name in read})


def _settings(one: Choice | None, records: Mapping[str, Any]) -> dict[str, Any]:
    if one is None:
        return {}
    settings: Settings = records[one.name].settings
    return numbers(one, settings)


def _lines(rule: TrainingRule, settings: Mapping[str, Any]) -> Iterator[Line]:
    known = [*ARGUMENTS, *settings]

    def line(part: str, kind: str, name: str, text: str, start: Any = 0) -> Line:
        known.append(name)
        return Line(kind, name, read_own(text, tuple(known)), part, start)

    if rule.clip is not None:
        clip = CLIPS[rule.clip.name]
        yield from (line(CLIP, SHARED, name, text) for name, text in clip.scalars.items())
        yield line(CLIP, CLIPPED, _PLACES[CLIPPED], clip.value)
    if rule.schedule is not None:
        yield line(SCHEDULE, RATE, _PLACES[RATE], SCHEDULES[rule.schedule.name].value)
    optimizer = OPTIMIZERS[rule.optimizer.name]
    yield from (line(OPTIMIZER, SHARED, name, text) for name, text in optimizer.scalars.items())
    for name, text in optimizer.states.items():
        start = settings[optimizer.start[name]] if name in optimizer.start else 0
        yield line(OPTIMIZER, STATE, name, text, start)
    yield line(OPTIMIZER, PARAMETER, _PLACES[PARAMETER], optimizer.value)


def _without_effect(lines: list[Line], settings: Mapping[str, Any]) -> Iterator[Line]:
    """The lines with zeros and switches put in; one that only renames, or remembers nothing, goes into its readers."""
    known: dict[str, ast.expr] = {
        name: ast.Constant(int(value))
        for name, value in settings.items()
        if isinstance(value, bool) or value == 0
    }
    for line in lines:
        tree = _folded(line.formula.tree, known)
        remembers = line.kind != STATE or line.name in _names(tree)
        if not remembers or (line.kind == SHARED and isinstance(tree, ast.Name | ast.Constant)):
            known[line.name] = tree
        else:
            yield replace(line, formula=Formula(ast.unparse(tree), tree))


def _needed(lines: Iterable[Line]) -> list[Line]:
    """The lines that the parameter's new value depends on."""
    kept: list[Line] = []
    wanted: set[str] = set()
    for line in reversed(list(lines)):
        if line.kind == PARAMETER or line.name in wanted:
            kept.append(line)
            wanted |= set(line.reads)
    return kept[::-1]


def _names(tree: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _folded(tree: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
    """The formula with trees for names, and without what 0 and 1 make superfluous."""
    return _Fold(known).visit(ast.parse(ast.unparse(tree), mode="eval").body)  # type: ignore[no-any-return]


@dataclass
class _Fold(ast.NodeTransformer):
    known: Mapping[str, ast.expr]

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Pow) and _is(left, 0) and ast.unparse(right) == "n":
            return ast.Constant(0)  # as the first step is 1
        for operator, side, number, result in _SUPERFLUOUS:
            operand, other = (left, right) if side == "left" else (right, left)
            if isinstance(node.op, operator) and _is(operand, number):
                return other if result is None else ast.Constant(result)
        return ast.BinOp(left, node.op, right)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        body, orelse = self.visit(node.body), self.visit(node.orelse)
        if ast.unparse(body) == ast.unparse(orelse):
            return body  # type: ignore[no-any-return]
        return ast.IfExp(self.visit(node.test), body, orelse)


_SUPERFLUOUS: tuple[tuple[type, str, int, int | None], ...] = (
    (ast.Add, "left", 0, None),
    (ast.Add, "right", 0, None),
    (ast.Sub, "right", 0, None),
    (ast.Mult, "left", 0, 0),
    (ast.Mult, "right", 0, 0),
    (ast.Mult, "left", 1, None),
    (ast.Mult, "right", 1, None),
    (ast.Div, "left", 0, 0),
    (ast.Div, "right", 1, None),
)
"""(operator, side, number there, what the whole is: None for the other side)"""


def _is(node: ast.expr, number: int) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value == number)
