"""The update of every parameter, and what training leads to."""

from __future__ import annotations

from collections.abc import Iterator

from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import Block, Element, Equations, Form, Remark, Section, Step, ValueTable
from bpsym.derivation.numerals import numerals
from bpsym.derivation.opening import total_loss
from bpsym.derivation.setting import Setting


def update(setting: Setting) -> Iterator[Section]:
    """Every parameter after one step."""
    steps = [
        _update(setting, read)
        for tensor in setting.trained()
        for read in setting.shown(tensor)
    ]
    blocks: list[Block] = [Remark("update_lead"), Equations(tuple(steps), compact=True)]
    if setting.indexed:
        blocks += numerals(setting, [setting.derived("update", tensor) for tensor in setting.trained()])
    yield Section("update", (*blocks, Remark("simultaneous")))


def _update(setting: Setting, read: Read) -> Step:
    tensor = setting.program[read.name]
    new = Read(setting.derived("update", tensor).name, *read.at)
    return Step(
        setting.label("update", read),
        Element(read),
        (setting.form(new),),
        setting.amount(new),
        becomes=True,
        ranges=setting.ranges(tensor) if setting.indexed else (),
    )


def trained(setting: Setting) -> Iterator[Section]:
    """The loss and the parameters after all steps."""
    if setting.numbers is None or setting.numbers.trained is None:
        return
    run = setting.numbers.trained
    rows: list[tuple[Form, object]] = [(Element(total_loss(setting)), setting.amount(total_loss(setting), run.values))]
    if not setting.indexed:
        rows += [
            (Element(one), setting.amount(one, run.values))
            for tensor in setting.trained()
            for one in setting.elements(tensor)
        ]
    blocks: list[Block] = [ValueTable(tuple(rows))]
    if setting.indexed:
        blocks += numerals(setting, setting.trained(), run.values)
    lead = Remark("trained_double" if run.double else "trained_lead", {"steps": run.steps})
    yield Section("trained", (lead, *blocks), state=1, terms={"steps": run.steps})
