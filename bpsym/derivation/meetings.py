"""Whether the numbers of a sample bring a unit exactly to a place where its slope is one that was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from sympy import Add, Symbol

from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import Element, Form, Negative, Number, Remark, Sum, changed
from bpsym.derivation.functions import activation
from bpsym.derivation.samples import of_sample
from bpsym.derivation.setting import Setting
from bpsym.derivation.worth import approximate
from bpsym.network import roles
from bpsym.network.activations import Activation
from bpsym.network.losses import Loss, loss_of
from bpsym.network.ties import ties
from bpsym.notation.formulas import formula_form

DOUBLE = 2.0**-53
"""Numbers that differ by less, relatively, are the same in double precision."""


def met_in_a_sample(setting: Setting) -> Remark | None:
    """Of the first sample in which a unit is at such a place, exactly or in double precision, but not both."""
    if setting.before is None:
        return None
    others = setting.samples_shown if setting.whole else ()
    shown = dict.fromkeys((setting.sample, *others))
    for sample in shown:
        found = [_how_near(setting, *pair) for pair in _meetings(setting, sample)]
        key = next((one for one in ("kink_met", "kink_near") if one in found), None)
        if key is not None:
            return Remark(key) if setting.samples == 1 else Remark(f"{key}_in", {"sample": sample + 1})
    return None


def _how_near(setting: Setting, left: Form, right: Form) -> str | None:
    """The key of what is said where they are equal, but need not be for a trainer, or are so for a trainer only."""
    difference = Sum((left, Negative(right)))
    known, size = setting.worth(difference), setting.worth(right)
    if known is None or size is None:
        return None
    if known == 0:
        return None if all(map(_is_binary, _given(setting, difference))) else "kink_met"
    return "kink_near" if abs(approximate(known)) < DOUBLE * abs(approximate(size)) else None


def _is_binary(number: Any) -> bool:
    """Whether it is a whole number, or one divided by a power of 2."""
    return Fraction(number).denominator.bit_count() == 1


def _given(setting: Setting, difference: Form) -> Iterator[Any]:
    """The given numbers that are not multiplied by 0 on their way to it."""
    found: dict[Read, None] = {}
    changed(difference, lambda element: _follow(setting, element.read, found))
    return (setting.amount(read) for read in found if not setting.forward.of(read.name))


def _follow(setting: Setting, read: Read, found: dict[Read, None]) -> None:
    """Adds the element and all that it is computed from."""
    if read in found:
        return
    found[read] = None
    for term in _terms(setting, read):
        reads = sorted(term.atoms(Read), key=str)
        if not (term.is_Mul and any(setting.amount(one) == 0 for one in reads)):
            for one in reads:
                _follow(setting, one, found)


def _terms(setting: Setting, read: Read) -> tuple[Any, ...]:
    """The terms of what the element is computed from; none of what is given."""
    return Add.make_args(setting.written_out(setting.value_at(read))) if setting.forward.of(read.name) else ()


def _meetings(setting: Setting, sample: int) -> Iterator[tuple[Form, Form]]:
    """What is equal where a slope is chosen, for each unit, in this sample."""
    for pair in _meetings_of_shown(setting):
        yield changed(pair, lambda one: Element(in_sample(setting, one.read, sample)))


def _meetings_of_shown(setting: Setting) -> Iterator[tuple[Form, Form]]:
    """The same in the sample that is shown."""
    for layer in setting.reached():
        record = activation(setting, layer)
        for z in setting.elements(setting.tensor(roles.PRE_ACTIVATION, layer)):
            if record.kink is not None:
                yield Element(z), Number(Fraction(record.kink.at))
            yield from _sides(record, {"z": Element(z)})
    last, loss = setting.layers[-1], loss_of(setting.example.network.loss)
    ends = (setting.elements(setting.tensor(kind, last)) for kind in (roles.ACTIVATION, roles.TARGET))
    for a, t in zip(*ends, strict=True):
        if loss.kink is not None:
            yield Element(a), Element(t)
        yield from _sides(loss, {"a": Element(a), "t": Element(t)})


def _sides(record: Activation | Loss, names: Mapping[str, Form]) -> Iterator[tuple[Form, Form]]:
    for tie in ties(record.formula) if record.custom else ():
        yield formula_form(tie.left, names), formula_form(tie.right, names)


def in_sample(setting: Setting, read: Read, sample: int | Symbol) -> Read:
    """The element of this sample, where its tensor has samples."""
    has_samples = None in setting.program[read.name].role.axes
    return of_sample(read, sample) if has_samples else read
