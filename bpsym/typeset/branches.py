"""The branches of nested cases, each with all that must hold for it: -0.3 < z < 0.6."""

from __future__ import annotations

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
            first = Comparison(self.lower.form, _TURNED[self.lower.sign], form)
            return Comparison(first, self.upper.sign, self.upper.form)
        bound = self.lower or self.upper
        return Comparison(form, bound.sign, bound.form) if bound else None


_TURNED = {">": "<", ">=": "<="}


def branches(form: Cases) -> tuple[tuple[Form, Comparison], ...]:
    """Each value with what must hold for it; where all tests compare the same with numbers, no two overlap."""
    plain = form.branches
    tests = [test for _, test in plain]
    if (
        len(plain) == 2
        or len({test.left for test in tests}) > 1
        or any(_number(one.right) is None for one in tests)
    ):
        return plain
    found: list[tuple[Form, Comparison]] = []
    left = Interval()
    for value, test in plain:
        here = left.within(Bound(test.sign, test.right))
        shown = here.of(test.left)
        if shown is not None and not here.is_empty:
            found.append((value, shown))
        left = left.within(Bound(test.opposite.sign, test.right))
    return tuple(found)


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
