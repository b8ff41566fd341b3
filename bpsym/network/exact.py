"""Exact numbers: what a person writes as 0.1 is 1/10, and stays it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Integral, Rational, Real
from operator import index
from typing import Annotated, Any, TypeVar

from pydantic import PlainValidator, WithJsonSchema

from bpsym.errors import InputError, Problem, shown

T = TypeVar("T")

LARGEST_EXPONENT = 308
SMALLEST_EXPONENT = -323
MOST_DIGITS = 1000
_LONGEST = MOST_DIGITS - SMALLEST_EXPONENT
"""So many digits the two parts of a fraction may have: of a decimal they have no more."""
_DECIMAL = re.compile(r"\s*[+-]?[\d.,]+([eE][+-]?\d+)?\s*", re.ASCII)
_QUOTIENT = re.compile(r"(-?\d+)/(\d+)", re.ASCII)


def native(value: Any) -> Any:
    """Whole numbers, switches and arrays of other libraries as Python's own; anything else as it is."""
    if hasattr(value, "__index__") and not isinstance(value, bool | int):
        with suppress(TypeError):
            return index(value)
    if _is_array(value):
        return list(value)
    plain = value.tolist() if hasattr(value, "tolist") else value
    return plain if isinstance(plain, bool) else value


def _is_array(value: Any) -> bool:
    """Whether it is an array of another library, with at least one axis."""
    return hasattr(value, "tolist") and getattr(value, "ndim", 1) > 0


def exact(value: Any) -> Fraction:
    """The number as a fraction; a float, of any width, by its shortest decimal, so that 0.1 is 1/10.

    What has no decimal is given as a Fraction, or as a text: "1/3". InputError for anything else, and for what no
    float can hold.
    """
    match value:
        case bool():
            raise InputError(f"must be a number, not {shown(value)} (write 1 or 0)")
        case str():
            return _of_quotient(str(value))
        case Integral():
            return _within_floats(Fraction(int(value)))
        case Rational():
            return _of_fraction(Fraction(int(value.numerator), int(value.denominator)))
        case float():
            return _of_decimal(Decimal(float.__repr__(value)))
        case Decimal():
            return _of_decimal(value)
        case Real():
            return _of_real(value)
    if hasattr(value, "tolist") and not _is_array(value):
        return exact(value.tolist())
    raise InputError(f"must be a number, not {shown(native(value))}")


def exact_row(values: Any) -> tuple[Fraction, ...]:
    """The numbers of an array; InputError names every entry that is none."""
    return _each(values, exact, "numbers, as in [0.1, 0.8]")


def exact_rows(values: Any) -> tuple[tuple[Fraction, ...], ...]:
    """The rows of an array of arrays; InputError names every entry that is no number."""
    return _each(values, exact_row, "rows, as in [[0.1, 0.8], [0.4, 0.6]]")


def exact_row_or_one(values: Any) -> tuple[Fraction, ...] | Fraction:
    """The numbers of an array, or one number."""
    values = native(values)
    return exact_row(values) if isinstance(values, list | tuple) else exact(values)


QUOTIENT = {"type": "string", "pattern": r"^-?\d+/\d+$"}
"""The JSON schema of a fraction as a text."""

_NUMBER = {"anyOf": [{"type": "number"}, QUOTIENT]}
_ROW = {"type": "array", "items": _NUMBER}

Exact = Annotated[Fraction, PlainValidator(exact), WithJsonSchema(_NUMBER)]
Row = Annotated[tuple[Fraction, ...], PlainValidator(exact_row), WithJsonSchema(_ROW)]
Rows = Annotated[
    tuple[tuple[Fraction, ...], ...],
    PlainValidator(exact_rows),
    WithJsonSchema({"type": "array", "items": _ROW}),
]
RowOrOne = Annotated[
    tuple[Fraction, ...] | Fraction,
    PlainValidator(exact_row_or_one),
    WithJsonSchema({"anyOf": [_ROW, _NUMBER]}),
]


def _each(values: Any, read: Callable[[Any], T], wanted: str) -> tuple[T, ...]:
    values = native(values)
    if not isinstance(values, list | tuple):
        raise InputError(f"must be an array of {wanted}, not {shown(values)}")
    entries: list[T] = []
    problems: list[Problem] = []
    for number, value in enumerate(values):
        try:
            entries.append(read(value))
        except InputError as error:
            problems += [replace(problem, key=(number, *problem.key)) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return tuple(entries)


def _of_quotient(text: str) -> Fraction:
    """1/3, of whole numbers; what can be written as a decimal should be."""
    found = _QUOTIENT.fullmatch(text)
    if found is None:
        hint = " (write it without quotes)" if _DECIMAL.fullmatch(text) else ""
        raise InputError(f"must be a number, not the text {shown(text)}{hint}")
    over, under = found.groups()
    if max(len(over), len(under)) > _LONGEST + 1:
        raise InputError(f"{shown(text)} has more than {_LONGEST} digits (write fewer)")
    if not int(under):
        raise InputError(f"{shown(text)} divides by 0")
    return _within_floats(Fraction(int(over), int(under)))


def _of_fraction(value: Fraction) -> Fraction:
    if max(abs(value.numerator), value.denominator) > 10**_LONGEST:
        raise InputError(f"the fraction has more than {_LONGEST} digits (write fewer)")
    return _within_floats(value)


def _of_real(value: Any) -> Fraction:
    """A float of another library, by what it prints."""
    try:
        return _of_decimal(Decimal(str(value)))
    except InvalidOperation:
        raise InputError(f"must be a number, not {shown(value)}") from None


def _of_decimal(value: Decimal) -> Fraction:
    if not value.is_finite():
        raise InputError(f"must be a finite number, not {str(value).lower()}")
    # before the fraction is made: that of 1e999999999 has as many digits
    if value and not SMALLEST_EXPONENT <= value.adjusted() <= LARGEST_EXPONENT:
        raise InputError(f"{shown(value)} is outside the range of floating-point numbers (1e-323 to 1.7e308)")
    if len(value.as_tuple().digits) > MOST_DIGITS:
        raise InputError(f"{shown(value)} has more than {MOST_DIGITS} digits (write fewer)")
    return _within_floats(Fraction(value))


def _within_floats(value: Fraction) -> Fraction:
    try:
        float(value)
    except OverflowError:
        raise InputError(
            "the number is outside the range of floating-point numbers (at most 1.7e308)"
        ) from None
    return value
