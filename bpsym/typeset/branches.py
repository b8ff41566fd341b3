"""The branches of nested cases, each with all that must hold for it: -0.3 < z < 0.6."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from bpsym.derivation.forms import Cases, Comparison, Form, Negative, Number, Quotient


@dataclass(frozen=True)
class Bound:
    """A number as it is written, and the comparison's sign before it: > 0 or >= 0, < 1 or <= 1."""

    sign: str
    form: Form

    @property
    def value(self) -> Fraction:
        return _number(self.form) or Fraction(0)

    @property
    def strict(self) -> bool:
        return self.sign in ("<", ">")


@dataclass(frozen=True)
class Interval:
    """What is above the lower bound and below the upper one."""

    lower: Bound | None = None
    upper: Bound | None = None

    @property
    def is_empty(self) -> bool:
        if self.lower is None or self.upper is None:
            return False
        touches = self.lower.value == self.upper.value
        open_ended = self.lower.strict or self.upper.strict
        return self.lower.value > self.upper.value or (touches and open_ended)

    def within(self, bound: Bound) -> Interval:
        """The part of it that the bound leaves."""
        if bound.sign in (">", ">="):
            old, key = self.lower, (bound.value, bound.strict)
            return self if old and (old.value, old.strict) >= key else replace(self, lower=bound)
        old, key = self.upper, (-bound.value, bound.strict)
        return self if old and (-old.value, old.strict) >= key else replace(self, upper=bound)

    def of(self, form: Form) -> Comparison | None:
        """The form in the interval, as a comparison, or a chain of two; None where everything is in it."""
        if self.lower and self.upper:
            if self.lower.value == self.upper.value:
                return Comparison(form, "=", self.upper.form)
            first = Comparison(self.lower.form, _TURNED[self.lower.sign], form)
            return Comparison(first, self.upper.sign, self.upper.form)
        bound = self.lower or self.upper
        return Comparison(form, bound.sign, bound.form) if bound else None


_TURNED = {">": "<", ">=": "<="}


def branches(form: Cases) -> tuple[tuple[Form, Comparison], ...]:
    """Each value with what must hold for it; no two overlap.

    Where a test compares anything but the form that the first one compares, with anything but a number, the cases
    that it splits are left in one another.
    """
    if _number(form.test.right) is None:
        return ((form.first, form.test), (form.other, form.test.opposite))
    found = _apart(form, form.test.left, Interval())
    return tuple((value, shown) for value, where in found if (shown := where.of(form.test.left)) is not None)


def _apart(form: Form, tested: Form, where: Interval) -> Iterator[tuple[Form, Interval]]:
    """The values of nested cases in an interval of what is tested, each with the part of it that it has."""
    if where.is_empty:
        return
    if not isinstance(form, Cases) or form.test.left != tested or _number(form.test.right) is None:
        yield form, where
        return
    for value, test in ((form.first, form.test), (form.other, form.test.opposite)):
        yield from _apart(value, tested, where.within(Bound(test.sign, test.right)))


def _number(form: Form) -> Fraction | None:
    """The number that the form is, as it stands in a test."""
    match form:
        case Number(value):
            return Fraction(value)
        case Negative(body):
            inner = _number(body)
            return None if inner is None else -inner
        case Quotient(over, under):
            top, bottom = _number(over), _number(under)
            return None if top is None or not bottom else top / bottom
    return None
