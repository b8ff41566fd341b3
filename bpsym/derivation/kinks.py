"""Which slope is taken where a function has none: stated with a record, found from a formula of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sympy import Symbol, sign

from bpsym.calculus.arithmetic import Undecided
from bpsym.calculus.equations import Program
from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import (
    Applied,
    Call,
    Comparison,
    Element,
    Form,
    Number,
    Remark,
    Value,
    Variable,
)
from bpsym.derivation.functions import activation, first_of_each_activation, letter
from bpsym.derivation.meetings import in_sample, met_in_a_sample
from bpsym.derivation.real import NO_NUMBER
from bpsym.derivation.samples import S
from bpsym.derivation.setting import Setting
from bpsym.derivation.worth import MOST_DIGITS, PRECISE, approximate, derived_slope, worth
from bpsym.network import roles
from bpsym.network.activations import Activation
from bpsym.network.losses import Loss, loss_of
from bpsym.network.ties import Tie, places, ties
from bpsym.notation.formulas import formula_form
from bpsym.notation.order import reading_order

NEAR, LITTLE = Fraction(1, 10**30), Fraction(1, 10**15)
"""How far from a place the slopes beside it are taken, and by how much they must differ for a kink."""

DECIMALS = 10**12
"""The slope beside a place is rounded to a whole number of parts of this size, where it is stated."""

TARGETS = (Fraction(3, 7), Fraction(-5, 3), Fraction(2))
"""Targets at which the kinks of a loss are looked for: what is the same at all of them is said of every target."""

SIGN = "sign"
"""The key of what is said of the sign function; it is left out again where no equation shows one."""

Slope = Callable[[Any], Any]


def kinks(setting: Setting) -> Iterator[Remark]:
    """Of the activations and of the loss, as far as their slopes are needed."""
    reached = setting.reached()
    stated: list[Remark] = []
    for remark in _all(setting, reached):
        if remark not in stated:
            stated.append(remark)
    yield from stated
    if stated and (met := met_in_a_sample(setting)) is not None:
        yield met
    if any(equation.value.has(sign) for equation in setting.program.equations):
        yield Remark(SIGN, {"sign": Call("sign", (Variable("u"),))})


def _all(setting: Setting, reached: Sequence[int]) -> Iterator[Remark]:
    """Those of each activation, and of the loss; two ties at one place have the same."""
    for layer in first_of_each_activation(setting, reached):
        yield from _of_activation(setting, layer)
    if reached:
        yield from _of_loss(setting, loss_of(setting.example.network.loss))


def _of_activation(setting: Setting, layer: int) -> Iterator[Remark]:
    record, z = activation(setting, layer), Variable("z")
    known = [] if record.kink is None else [(Fraction(record.kink.at), Fraction(record.kink.slope))]
    rules: list[Tie] = []
    if record.custom:
        slope = _where_defined(record, _slope(derived_slope(record), lambda at: {"z": at}))
        found = {tie: places(tie, "z", {}) for tie in ties(record.formula)}
        rules = [tie for tie, at in found.items() if at is None]
        at_ties = sorted({one for at in found.values() for one in at or ()})
        known = _bends(slope, at_ties)
        yield from _wrong(at_ties, slope, layer, record)
    sign_of_slope = Applied(layer, record.name, z, order=1)
    for at, value in known:
        terms: dict[str, Any] = {"at": _equal(z, Number(at))}
        chosen = {"slope": sign_of_slope, "value": _amount(value)}
        yield Remark("kink_none", terms) if value is None else Remark("kink", terms | chosen)
    yield from (_rule(tie, {"z": z}) for tie in rules)


def _wrong(at_ties: list[Fraction], slope: Slope, layer: int, record: Activation) -> Iterator[Remark]:
    """Places at which kinks cancel, but not the slopes that are taken there: max(z, 0) + min(z, 0) is z."""
    z = Variable("z")
    for at in at_ties:
        if _is_wrong(slope, at):
            here, beside, _ = _around(slope, at)
            right = Fraction(int(PRECISE.nint(approximate(beside) * DECIMALS)), DECIMALS)
            slopes = {"slope": Applied(layer, record.name, z, order=1), "value": _amount(here)}
            yield Remark("kink_wrong", {"at": _equal(z, Number(at)), "right": Number(right)} | slopes)


def _is_wrong(slope: Slope, place: Fraction) -> bool:
    """Whether the slopes on both sides are the same, but not the one at the place."""
    here, left, right = _around(slope, place)
    return None not in (here, left, right) and _same(left, right) and not _same(here, left)


def _of_loss(setting: Setting, record: Loss) -> Iterator[Remark]:
    if record.kink is not None:
        yield Remark("kink_loss", {"value": Number(Fraction(record.kink.slope))})
    if not record.custom:
        return
    last = setting.layers[-1]
    names: dict[str, Form] = {
        name: Element(in_sample(setting, letter(setting, kind, last, Symbol("k")), S))
        for name, kind in (("a", roles.ACTIVATION), ("t", roles.TARGET))
    }
    for tie in ties(record.formula):
        found = [_bends_of_loss(record, tie, target) for target in TARGETS]
        known = [one for one in found if one is not None]
        values = {value for one in known for _, value in one}
        if len(known) < len(found) or len(values) > 1 or None in values:
            yield _rule(tie, names)
        elif values:
            at_target = all(at == target for one, target in zip(known, TARGETS, strict=True) for at, _ in one)
            yield Remark(
                "kink_loss" if at_target else "kink_loss_at",
                {"value": _amount(values.pop())} | ({} if at_target else {"tie": _place(tie, names)}),
            )
        if any(_is_wrong(*one) for target in TARGETS for one in _places_of_loss(record, tie, target) or ()):
            yield Remark("kink_loss_wrong", {"tie": _place(tie, names)})


def _bends_of_loss(record: Loss, tie: Tie, target: Fraction) -> list[tuple[Fraction, Any]] | None:
    at = _places_of_loss(record, tie, target)
    return None if at is None else [bend for slope, place in at for bend in _bends(slope, [place])]


def _places_of_loss(record: Loss, tie: Tie, target: Fraction) -> list[tuple[Slope, Fraction]] | None:
    """The outputs at which the tie is met, each with the loss's slope; None where they are not known as numbers."""
    at = places(tie, "a", {"t": target})
    form = reading_order(record.slope_at(Read("a"), Read("t")), Program((), ()), opened=True)
    slope = _slope(form, lambda place: {"a": place, "t": target})
    return None if at is None else [(slope, place) for place in at]


def _slope(form: Form, numbers: Callable[[Any], Mapping[str, Any]]) -> Slope:
    def at(place: Any) -> Any:
        known = numbers(place)
        return worth(form, lambda element: known[element.read.name])

    return at


def _where_defined(record: Activation, slope: Slope) -> Slope:
    """The slope, of which there is none where f has no value: that of z / |z| is 0, but not at 0."""
    value = formula_form(record.formula, {"z": Element(Read("z"))})

    def at(place: Any) -> Any:
        worth(value, lambda _: place)
        return slope(place)

    return at


def _bends(slope: Slope, at: Any) -> list[tuple[Fraction, Any]]:
    """The places without a derivative, each with the slope that is taken there; None where there is none to take."""
    return [(place, _or_none(slope, place)) for place in at if _is_bent(slope, place)]


def _is_bent(slope: Slope, place: Fraction) -> bool:
    """Whether the slopes on both sides differ, or there is none at the place, as of sqrt(|z|) and z / |z| at 0."""
    here, left, right = _around(slope, place)
    return None in (here, left, right) or not _same(left, right)


def _around(slope: Slope, place: Fraction) -> tuple[Any, Any, Any]:
    """The slope at the place, just before it and just after it; None where there is none."""
    here, left, right = (
        _or_none(slope, at) for at in (place, *map(approximate, (place - NEAR, place + NEAR)))
    )
    return here, left, right


def _same(one: Any, other: Any) -> bool:
    return bool(abs(approximate(one) - approximate(other)) <= approximate(LITTLE))


def _or_none(slope: Slope, place: Any) -> Any:
    try:
        return slope(place)
    except Undecided:
        with PRECISE.workdps(MOST_DIGITS):
            return slope(place)
    except NO_NUMBER:
        return None


def _amount(value: Any) -> Form | Value:
    return Number(value) if isinstance(value, Fraction) else Value(value)


def _rule(tie: Tie, names: Mapping[str, Form]) -> Remark:
    """Which of its arguments a function is differentiated as, where the places are not known as numbers."""
    taken = formula_form(tie.taken, names)
    terms = {"tie": _place(tie, names), "call": formula_form(tie.call, names)}
    if isinstance(taken, Number):
        return Remark("kink_zero", terms)
    return Remark("kink_like", terms | {"taken": taken})


def _place(tie: Tie, names: Mapping[str, Form]) -> Form:
    left, right = (formula_form(one, names) for one in (tie.left, tie.right))
    return _equal(right, left) if isinstance(left, Number) else _equal(left, right)


def _equal(left: Form, right: Form) -> Form:
    return Comparison(left, "=", right)
