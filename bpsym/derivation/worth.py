"""The number that a form stands for, exact as long as it can be."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from functools import cache, reduce, singledispatch
from typing import Any

import mpmath

from bpsym.calculus.arithmetic import KNOWN, chosen, is_exact, rational_root, sign_of, told_apart
from bpsym.calculus.cancellation import FINER
from bpsym.calculus.equations import Program
from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import (
    Activated,
    Amount,
    Applied,
    Call,
    Cases,
    Comparison,
    Element,
    Form,
    Matrix,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Summation,
    changed,
)
from bpsym.network.activations import Activation, activation_of
from bpsym.notation.formulas import formula_form
from bpsym.notation.order import reading_order

PRECISE = mpmath.mp.clone()
"""The context of all numbers that are not exact."""
PRECISE.dps = 60

DIGITS = 40
"""What everything in a derivation is computed with, before it is rounded once, in print."""

MOST_DIGITS = DIGITS * FINER[-1]
"""Numbers that are the same to all digits are equal where there are so many; where there are fewer, that is open."""

Lookup = Callable[[Element], Amount]
"""The number of an element."""


def worth(form: Form, lookup: Lookup) -> Any:
    """The form's number (a Fraction where only rational operations are met), or rows of them for a matrix."""
    return _worth(form, lookup)


def approximate(value: Amount) -> Any:
    """The number in the precise context."""
    if isinstance(value, (int, Fraction)):
        return PRECISE.mpf(value.numerator) / value.denominator
    return PRECISE.mpf(value)


MOST_PLACES = 3000
"""Numbers beyond this power of ten, or as near to 0, are not shown: their fractions would fill the memory."""


def is_beyond(value: Amount) -> bool:
    """Whether it is a floating-point number beyond that, or as near to 0."""
    if isinstance(value, (int, Fraction)):
        return False
    _, mantissa, exponent, bits = value._mpf_
    return bool(mantissa) and abs(exponent + bits) > MOST_PLACES * 3.33


SAME = Fraction(1, 10**34)
"""Numbers nearer to each other than this, relatively, are the same: they were computed to 40 digits."""


def order(left: Amount, right: Amount) -> int:
    """-1, 0 or 1: whether the left number is less than the right one, the same, or greater."""
    one, other = map(approximate, (left, right))
    if abs(one - other) <= approximate(SAME) * max(abs(one), abs(other)):
        return 0
    return 1 if one > other else -1


def holds(test: Comparison, lookup: Lookup) -> bool:
    """Whether the comparison is true of the numbers; Undecided where their digits do not show it."""
    return bool(_COMPARE[test.sign](*_alike(_worth(test.left, lookup), _worth(test.right, lookup))))


def decided(form: Any, lookup: Lookup) -> Any:
    """The form with the branch that the numbers choose for each of its cases."""
    if isinstance(form, Cases):
        return decided(form.first if holds(form.test, lookup) else form.other, lookup)
    if isinstance(form, tuple):
        return tuple(decided(part, lookup) for part in form)
    if not is_dataclass(form) or isinstance(form, Element):
        return form
    parts = {each.name: decided(getattr(form, each.name), lookup) for each in fields(form)}
    return replace(form, **parts)  # type: ignore[type-var]


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}


def _both(left: Amount, right: Amount, operate: Callable[[Any, Any], Any]) -> Amount:
    exact = isinstance(left, (int, Fraction)) and isinstance(right, (int, Fraction))
    return operate(left, right) if exact else operate(approximate(left), approximate(right))


@singledispatch
def _worth(form: Any, lookup: Lookup) -> Any:  # noqa: ARG001  (the registered ones use it)
    raise TypeError(f"{type(form).__name__} has no number")


@_worth.register(Number)
def _(form: Number, _: Lookup) -> Any:
    return Fraction(form.value)


@_worth.register(Element)
def _(form: Element, lookup: Lookup) -> Any:
    return lookup(form)


@_worth.register(Activated)
def _(form: Activated, lookup: Lookup) -> Any:
    return lookup(form.after)


@_worth.register(Sum)
def _(form: Sum, lookup: Lookup) -> Any:
    return reduce(lambda a, b: _both(a, b, operator.add), (_worth(term, lookup) for term in form.terms))


@_worth.register(Product)
def _(form: Product, lookup: Lookup) -> Any:
    return reduce(_times, (_worth(factor, lookup) for factor in form.factors))


def _times(left: Amount, right: Amount) -> Amount:
    """The product; of an exact zero and whatever else, an exact zero."""
    nothing = any(isinstance(one, Fraction) and one == 0 for one in (left, right))
    return Fraction(0) if nothing else _both(left, right, operator.mul)


@_worth.register(Summation)
def _(form: Summation, lookup: Lookup) -> Any:
    first, last = (int(_worth(limit, lookup)) for limit in (form.lower, form.upper))
    terms = (_worth(summand(form, number), lookup) for number in range(first, last + 1))
    return reduce(lambda a, b: _both(a, b, operator.add), terms)


def summand(form: Summation, number: int) -> Form:
    """The term of a sum over an index at this value of the index."""

    def at(element: Element) -> Element:
        read = element.read
        return Element(Read(read.name, *(number if str(one) == form.index else one for one in read.at)))

    return changed(form.body, at)


@_worth.register(Negative)
def _(form: Negative, lookup: Lookup) -> Any:
    return -_worth(form.body, lookup)


@_worth.register(Quotient)
def _(form: Quotient, lookup: Lookup) -> Any:
    over, under = _worth(form.over, lookup), _worth(form.under, lookup)
    if isinstance(under, (int, Fraction)):
        return _times(over, 1 / Fraction(under))
    return _times(over, 1 / under)


@_worth.register(Power)
def _(form: Power, lookup: Lookup) -> Any:
    base, exponent = _worth(form.base, lookup), _worth(form.exponent, lookup)
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        return base ** int(exponent)
    if exponent == Fraction(1, 2) and (root := rational_root(base)) is not None:
        return root
    return approximate(base) ** approximate(exponent)


@_worth.register(Call)
def _(form: Call, lookup: Lookup) -> Any:
    if not form.arguments:
        return +getattr(PRECISE, form.name.lower())
    arguments = [_worth(one, lookup) for one in form.arguments]
    if form.name in _RATIONAL:
        return _RATIONAL[form.name](*arguments)
    if form.name == "sqrt" and (root := rational_root(arguments[0])) is not None:
        return root
    if is_exact(arguments[0]) and (form.name, arguments[0]) in KNOWN:
        return KNOWN[form.name, arguments[0]]
    return getattr(PRECISE, form.name)(*map(approximate, arguments))


def _sign(value: Amount) -> Amount:
    return sign_of(value, PRECISE.dps >= MOST_DIGITS)


def _alike(*values: Amount) -> Sequence[Any]:
    """The numbers in one context; Undecided where the greatest or the least one is there twice, to all its digits."""
    if all(map(is_exact, values)):
        return values
    return told_apart([*map(approximate, values)], PRECISE.dps >= MOST_DIGITS)


_RATIONAL: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "max": chosen(max, _alike),
    "min": chosen(min, _alike),
    "sign": _sign,
    "floor": lambda value: Fraction(math.floor(value)),
}
"""Functions whose value is exact where their arguments are."""


@_worth.register(Cases)
def _(form: Cases, lookup: Lookup) -> Any:
    return _worth(form.first if holds(form.test, lookup) else form.other, lookup)


@_worth.register(Applied)
def _(form: Applied, lookup: Lookup) -> Any:
    record = activation_of(form.activation)
    if isinstance(form.argument, Matrix):
        rows = form.argument.rows
        return tuple(tuple(_worth(_at(form, entry), lookup) for entry in row) for row in rows)
    after = formula_form(record.formula, {"z": form.argument})
    if form.order == 0:
        return _worth(after, lookup)
    if record.slope_formula is None:
        return _worth(changed(derived_slope(record), lambda _: form.argument), lookup)
    return _worth(formula_form(record.slope_formula, {"z": form.argument, "a": after}), lookup)


_Z = Read("z")


@cache
def derived_slope(record: Activation) -> Form:
    """The slope of an activation that declares none, with an element for z."""
    return reading_order(record.slope_at(_Z, None), Program((), ()), opened=True)


def _at(form: Applied, argument: Form) -> Applied:
    return Applied(form.layer, form.activation, argument, form.order)


@_worth.register(Matrix)
def _(form: Matrix, lookup: Lookup) -> Any:
    return tuple(tuple(_worth(entry, lookup) for entry in row) for row in form.rows)
