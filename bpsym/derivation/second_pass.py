"""The forward pass with the new parameters, and what became of the loss."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from bpsym.calculus.arithmetic import is_exact
from bpsym.calculus.evaluate import Values
from bpsym.derivation.forms import Amount, Block, Element, Equations, Remark, Section, Step, Value
from bpsym.derivation.numerals import numerals
from bpsym.derivation.opening import sample_loss, total_loss
from bpsym.derivation.passes import output
from bpsym.derivation.setting import Setting
from bpsym.derivation.worth import PRECISE, approximate, order
from bpsym.network import roles


def second_pass(setting: Setting) -> Iterator[Section]:
    """The same forward pass with the new parameters, and what became of the loss."""
    if setting.numbers is None or setting.numbers.after_one is None:
        return
    after = setting.numbers.after_one
    blocks = [
        Remark("second_pass_lead"),
        *(_layers_again if setting.indexed else _pass_again)(setting, after),
    ]
    total = total_loss(setting)
    losses = setting.amount(total), setting.amount(total, after)
    became = Remark(_what_became(setting, *losses), {"loss": Element(total)} | _compared(*losses))
    yield Section("second_pass", (*blocks, became), state=1, variant=setting.trained_words)


def _pass_again(setting: Setting, after: Values) -> Iterator[Block]:
    reads = [
        read
        for layer in setting.layers
        for kind in (roles.PRE_ACTIVATION, roles.ACTIVATION)
        for read in setting.elements(setting.tensor(kind, layer))
    ]
    steps = [Step("", Element(read), (output(setting, read),), setting.amount(read, after)) for read in reads]
    read = sample_loss(setting)
    last = Step("loss-after-one-step", Element(read), (output(setting, read),), setting.amount(read, after))
    yield Equations((*steps, last), compact=True)


def _layers_again(setting: Setting, after: Values) -> Iterator[Block]:
    """The numbers of each layer, and the loss of the sample."""
    for layer in setting.layers:
        tensors = [setting.tensor(kind, layer) for kind in (roles.PRE_ACTIVATION, roles.ACTIVATION)]
        yield from numerals(setting, tensors, after)
    yield from numerals(setting, (setting.tensor(roles.SAMPLE_LOSS),), after)


LITTLE = Fraction(1, 10**9)
"""Of a relative change smaller than this, its size is given, not both losses with all digits that differ."""


def _what_became(setting: Setting, before: Amount, after: Amount) -> str:
    """The key of what is said of the two losses."""
    key = {-1: "fell", 0: "unchanged", 1: "rose"}[order(after, before)]
    if key == "unchanged":
        return (
            key if (is_exact(before) and is_exact(after)) or not _has_slope(setting) else "unchanged_nearly"
        )
    return f"{key}_little" if is_little(before, after) else key


def _has_slope(setting: Setting) -> bool:
    """Whether the loss has a gradient that is not 0."""
    gradients = (setting.derived("adjoint", tensor) for tensor in setting.trained())
    return any(setting.amount(read) != 0 for one in gradients for read in setting.elements(one))


def is_little(before: Amount, after: Amount) -> bool:
    """Whether the loss has changed, but relatively by less than that."""
    change = abs(approximate(after) - approximate(before))
    return order(before, after) != 0 and bool(change < approximate(LITTLE) * abs(approximate(before)))


def _compared(before: Amount, after: Amount) -> dict[str, Value]:
    """Both losses with as many digits as tell them apart, or by how much they differ where those are many."""
    if is_little(before, after):
        change = PRECISE.nstr(abs(approximate(after) - approximate(before)), 3)
        return {"after": Value(after), "change": Value(Fraction(change))}
    return {"before": Value(before, unlike=after), "after": Value(after, unlike=before)}
