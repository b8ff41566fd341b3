"""The update of every parameter, line by line of its rule, and what training leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bpsym.calculus.backward import adjoint_name
from bpsym.calculus.equations import Tensor
from bpsym.calculus.nodes import Read
from bpsym.calculus.update import updated
from bpsym.derivation.called import one_or_many
from bpsym.derivation.error_terms import delta_step
from bpsym.derivation.forms import (
    Block,
    Element,
    Equations,
    Form,
    Remark,
    Section,
    Step,
    SumOver,
    Value,
    ValueTable,
    Variable,
)
from bpsym.derivation.numerals import numerals, without_number
from bpsym.derivation.opening import total_loss
from bpsym.derivation.rule_symbols import state_key
from bpsym.derivation.samples import contribution_table, each_sample
from bpsym.derivation.second_pass import is_little
from bpsym.derivation.setting import MOST_LINES, Setting
from bpsym.derivation.training import Trained
from bpsym.derivation.worth import order
from bpsym.network import roles
from bpsym.network.expressions import Formula
from bpsym.network.forward import LEARNING_RATE_TENSOR
from bpsym.network.training_program import STEP_TENSOR, setting_tensor, state_tensor
from bpsym.network.update_rule import PARAMETER, Line, UpdateRule, update_rule
from bpsym.notation.formulas import formula_form

_PARAMETER = "p"

_DESCENT = {"p", "eta", "g"}
"""What a new parameter depends on where it moves against its gradient, and nothing else is done."""


def update(setting: Setting) -> Iterator[Section]:
    """Every parameter after one step."""
    if not setting.trained():
        yield Section("update", (Remark("nothing_trained"),), variant=setting.trained_words)
        return
    writer = _Writer(setting, update_rule(setting.example.training))
    blocks = list(_sequential(setting, writer) if setting.updates_in_turn else writer.blocks())
    if writer.indexed and setting.whole:
        blocks += [Remark("after_step"), *numerals(setting, writer.changed())]
    if setting.updates_in_turn:
        blocks.append(Remark("sequential"))
    elif setting.trained_count > 1:
        blocks.append(Remark("simultaneous"))
    yield Section("update", tuple(blocks), variant=setting.trained_words)


def lines_as_needed(rule: UpdateRule) -> list[Line]:
    """The rule's lines, a number that all parameters share just before the first line that reads it."""
    found: list[Line] = []
    waiting: list[Line] = []
    for line in rule.lines:
        if line.kind == roles.SHARED:
            waiting.append(line)
            continue
        wanted = _needed(waiting, line)
        found += [*wanted, line]
        waiting = [one for one in waiting if one not in wanted]
    return found


def _needed(waiting: list[Line], line: Line) -> list[Line]:
    """Those of the waiting lines that this one reads, or that one of them reads."""
    wanted: list[Line] = []
    reads = set(line.reads)
    for one in reversed(waiting):
        if one.name in reads:
            wanted.insert(0, one)
            reads |= set(one.reads)
    return wanted


@dataclass
class _Writer:
    """Prints the lines of a rule; newest: what a name of the rule means by now."""

    setting: Setting
    rule: UpdateRule
    newest: dict[str, Read] = field(default_factory=dict)
    own: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.newest = {"eta": LEARNING_RATE_TENSOR.element, "n": STEP_TENSOR.element}
        self.newest |= {name: setting_tensor(name).element for name in self.rule.settings}
        for one in self.setting.trained():
            gradient = self.setting.program[self._gradient(one)]
            states = {line.name: state_tensor(line.name, one) for line in self.rule.states}
            self.own[one.name] = {"p": one, "g": gradient} | states

    @property
    def indexed(self) -> bool:
        """Whether the lines stand with indices: also where there are few parameters, but many lines for each."""
        each = [line for line in self.rule.lines if line.kind not in (roles.SHARED, roles.RATE)]
        many = len(each) > 1 and self.setting.trained_count * len(each) > MOST_LINES
        return self.setting.indexed or many

    def shown(self, parameter: Tensor) -> tuple[Read, ...]:
        return (self.setting.general(parameter),) if self.indexed else self.setting.elements(parameter)

    def changed(self) -> list[Tensor]:
        """What a step changes: the new states, and the new parameters."""
        names = [line.name for line in self.rule.states] + [_PARAMETER]
        return [self.own[one.name][name] for name in names for one in self.setting.trained()]

    def _gradient(self, parameter: Tensor) -> str:
        """The derivative that the step is made along: with new parameters, where there is such a one."""
        name = adjoint_name(parameter.name)
        other = f"{name} {roles.SEQUENTIAL}"
        return other if other in self.setting.program.tensors else name

    def blocks(self) -> Iterator[Block]:
        for line in lines_as_needed(self.rule):
            yield from self.line(line, list(self.setting.trained()))

    def line(self, line: Line, parameters: list[Tensor]) -> Iterator[Block]:
        """The line's equations, for these parameters."""
        yield Remark(self._lead(line, parameters), self._terms(line))
        shared = line.kind in (roles.SHARED, roles.RATE)
        steps = (
            [self.shared(line)] if shared else [step for one in parameters for step in self.each(line, one)]
        )
        yield Equations(tuple(steps), compact=True)
        if line.kind == roles.CLIPPED and self.indexed and self.setting.whole:
            clipped = [self.own[one.name][line.name] for one in parameters]
            yield from numerals(self.setting, without_number(self.setting, clipped))

    def _lead(self, line: Line, parameters: list[Tensor]) -> str:
        """The key of what is said of the line: line_c1, line_rate, state_velocity, line_descent_weights_one, ..."""
        ending = one_or_many(self.setting, parameters)
        if line.kind == roles.STATE:
            return f"{state_key(self.setting, line.name)}{ending}"
        if line.kind == PARAMETER:
            descends = set(line.reads) == _DESCENT and not self.setting.updates_in_turn
            lead = f"descent_{_kinds(parameters)}" if descends else line.kind
            return f"line_{lead}{ending}"
        lead = line.kind if line.kind in (roles.RATE, roles.CLIPPED) else line.name
        return f"line_{lead}{ending if 'g' in line.reads else ''}"

    def _terms(self, line: Line) -> dict[str, object]:
        terms: dict[str, dict[str, object]] = {
            roles.RATE: {"number": 1},
            roles.STATE: {"start": Value(line.start)},
        }
        return terms.get(line.kind, {})

    def shared(self, line: Line) -> Step:
        """One number for all parameters."""
        read = Read("rate" if line.kind == roles.RATE else line.name)
        step = Step(
            self.setting.label("step", read),
            Element(read),
            (self.form(line.formula, None),),
            self.setting.amount(read),
        )
        self.newest[line.name] = read
        return step

    def each(self, line: Line, parameter: Tensor) -> Iterator[Step]:
        """One equation for each element that is shown."""
        own = dict(self.own[parameter.name])
        target = self._target(line, parameter)
        shown = {PARAMETER: parameter, roles.CLIPPED: target}.get(line.kind, own.get(line.name, target))
        for read in self.shown(parameter):
            left, new = Read(shown.name, *read.at), Read(target.name, *read.at)
            elements = {name: Read(tensor.name, *read.at) for name, tensor in own.items()}
            yield Step(
                self.setting.label("update" if line.kind == PARAMETER else "step", left),
                Element(left),
                (self.form(line.formula, elements),),
                self.setting.amount(new),
                becomes=line.kind != roles.CLIPPED,
                ranges=self.setting.ranges(parameter) if self.indexed else (),
            )
        self.own[parameter.name][line.name] = target

    def _target(self, line: Line, parameter: Tensor) -> Tensor:
        if line.kind == roles.CLIPPED:
            return self.setting.program[f"g.{parameter.name}"]
        return updated(parameter if line.kind == PARAMETER else state_tensor(line.name, parameter))

    def form(self, formula: Formula, own: dict[str, Read] | None) -> Form:
        names = {name: Element(read) for name, read in (self.newest | (own or {})).items()}
        calls: dict[str, Callable[[Formula], Form]] = {
            "total": lambda inner: SumOver("", formula_form(inner, {"g": Variable("g")}))
        }
        return formula_form(formula, names, calls)


def _kinds(parameters: list[Tensor]) -> str:
    """What they are called together: "weights", "biases", or "parameters" where there are both."""
    kinds = {one.role.kind for one in parameters}
    return kinds.pop() if len(kinds) == 1 else "parameters"


def _sequential(setting: Setting, writer: _Writer) -> Iterator[Block]:
    """From the last layer to the first: error terms with the parameters that are new already, then the update."""
    *shared, last = writer.rule.lines
    for line in shared:
        yield from writer.line(line, [])
    for layer in reversed(setting.layers):
        z = setting.tensor(roles.PRE_ACTIVATION, layer)
        name = f"{adjoint_name(z.name)} {roles.SEQUENTIAL}"
        if name in setting.program.tensors:
            tensor = setting.program[name]
            yield Remark("sequential_back", {"layer": layer})
            yield Equations(tuple(delta_step(setting, layer, read) for read in setting.shown(tensor)))
            yield from (
                each_sample(setting, tensor) if setting.indexed and without_number(setting, [tensor]) else ()
            )
        parameters = [one for one in setting.trained() if one.role.layer == layer]
        gradients = [setting.program[writer.own[one.name]["g"].name] for one in parameters]
        new = [one for one in gradients if one.role.name == roles.SEQUENTIAL]
        if new:
            steps = [_gradient(setting, read) for one in new for read in setting.shown(one)]
            yield Equations(tuple(steps), compact=True)
            yield from numerals(setting, without_number(setting, new) if setting.indexed else [])
            if setting.samples > 1 and not setting.indexed:
                reads = [read for one in new for read in setting.elements(one)]
                yield from contribution_table(setting, reads)
        if parameters:
            yield from writer.line(last, parameters)


def _gradient(setting: Setting, read: Read) -> Step:
    ranges = setting.ranges(setting.program[read.name]) if setting.indexed else ()
    return Step("", Element(read), (setting.form(read),), setting.amount(read), ranges=ranges)


def trained(setting: Setting) -> Iterator[Section]:
    """The loss and the parameters after all steps; after one step with all samples they stand above."""
    run = setting.numbers.trained if setting.numbers else None
    if run is None or (run.steps == 1 and not setting.batch):
        return
    rows: list[tuple[Form, object]] = []
    if not setting.batch:  # else it would be that of the first batch
        rows.append((Element(total_loss(setting)), setting.amount(total_loss(setting), run.values)))
    if not setting.indexed:
        rows += [
            (Element(one), setting.amount(one, run.values))
            for tensor in setting.trained()
            for one in setting.elements(tensor)
        ]
    blocks: list[Block] = [ValueTable(tuple(rows))] if rows else []
    if setting.indexed:
        blocks += numerals(setting, setting.trained(), run.values)
    if run.losses:
        before, after = run.losses
        terms = {"before": Value(before, after), "after": Value(after, before)}
        blocks.append(Remark("trained_losses", terms))
    if rows and _has_risen(setting, run):
        blocks.append(Remark("trained_rose"))
    if run.apart:
        blocks.append(Remark("trained_apart"))
    lead = Remark(_trained_lead(setting, run), {"steps": run.steps})
    variant = "one" if run.steps == 1 else ""
    yield Section("trained", (lead, *blocks), state=1, terms={"steps": run.steps}, variant=variant)


def _has_risen(setting: Setting, run: Trained) -> bool:
    """Whether the loss is greater after all steps than before the first one, and not by next to nothing."""
    total = total_loss(setting)
    before, after = setting.amount(total), setting.amount(total, run.values)
    return not setting.batch and order(after, before) > 0 and not is_little(before, after)


def _trained_lead(setting: Setting, run: Trained) -> str:
    """The key of what the section begins with."""
    if not setting.batch:
        return "trained_double" if run.double else "trained_lead"
    if run.steps == 1:
        return "trained_batches_one"
    key = "trained_batches_single" if len(setting.batch) == 1 else "trained_batches"
    return f"{key}_shuffled" if setting.example.training.shuffle else key
