"""How numbers are printed: significant digits, guard digits, and the relation that stands before them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor, log10
from typing import Any

from bpsym.derivation.forms import Amount, Element, Form
from bpsym.derivation.real import NO_NUMBER
from bpsym.derivation.worth import SAME, decided, is_beyond, order, worth

SHORT = 10
"""A number with no more significant digits than this is printed as it is, where it stands in an operation."""

_DECIMAL = 25

_MOST_GUARD_DIGITS = 30


@dataclass(frozen=True)
class Numeral:
    """coefficient * 10**exponent, printed with all digits of the coefficient."""

    coefficient: int
    exponent: int

    @property
    def value(self) -> Fraction:
        return self.coefficient * _power_of_ten(self.exponent)

    @property
    def negative(self) -> bool:
        return self.coefficient < 0

    @property
    def scientific(self) -> bool:
        """Below 10**-4 and from 10**6 on."""
        return self.coefficient != 0 and not Fraction(1, 10**4) <= abs(self.value) < 10**6

    def parts(self) -> tuple[str, int]:
        """The digits without a sign, and the power of ten that they are multiplied with."""
        digits = str(abs(self.coefficient))
        if not self.scientific:
            return _fixed(digits, self.exponent), 0
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return mantissa, self.exponent + len(digits) - 1


def _power_of_ten(exponent: int) -> Fraction:
    return Fraction(10**exponent) if exponent >= 0 else Fraction(1, 10**-exponent)


def _fixed(digits: str, exponent: int) -> str:
    if exponent >= 0:
        return digits + "0" * exponent
    digits = digits.rjust(1 - exponent, "0")
    return f"{digits[:exponent]}.{digits[exponent:]}"


def exactly(value: Amount) -> Fraction:
    """The number as a fraction; a computed one that agrees with a decimal of 25 digits is that decimal.

    Else a tie, as 0.3925 on its way to three digits, would be decided by the last bits of a computation.
    OverflowError where it is too large, or too near to 0, for a fraction.
    """
    if isinstance(value, (int, Fraction)):
        return Fraction(value)
    if is_beyond(value):
        raise OverflowError("the number's fraction would fill the memory")
    sign, mantissa, exponent, _ = value._mpf_
    power = Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)
    number = power * int(-mantissa if sign else mantissa)
    decimal = _to_digits(number, _DECIMAL).value
    return decimal if abs(decimal - number) <= SAME * abs(number) else number


def rounded(value: Amount, digits: int) -> Numeral:
    """The number rounded half-even to so many significant digits."""
    return _to_digits(exactly(value), digits)


def _to_digits(number: Fraction, digits: int) -> Numeral:
    if number == 0:
        return Numeral(0, 0)
    exponent = _magnitude(abs(number)) - digits + 1
    coefficient = round(number / _power_of_ten(exponent))
    if abs(coefficient) == 10**digits:
        return Numeral(coefficient // 10, exponent + 1)
    return Numeral(coefficient, exponent)


def _magnitude(number: Fraction) -> int:
    """The greatest e with 10**e <= number."""
    guess = floor((number.numerator.bit_length() - number.denominator.bit_length()) * log10(2)) + 1
    while _power_of_ten(guess) > number:
        guess -= 1
    return guess


def short(value: Amount, longest: int = SHORT) -> Numeral | None:
    """The number without any rounding, where it is rational and has at most `longest` significant digits.

    tanh(300) is no such number, however near to 1 it is.
    """
    if not isinstance(value, (int, Fraction)):
        return None
    numeral = _to_digits(Fraction(value), longest)
    return _stripped(numeral) if numeral.value == value else None


def _stripped(numeral: Numeral) -> Numeral:
    coefficient, exponent = numeral.coefficient, numeral.exponent
    while coefficient and coefficient % 10 == 0:
        coefficient, exponent = coefficient // 10, exponent + 1
    return Numeral(coefficient, exponent)


def result(value: Amount, digits: int, *, given: bool = False) -> tuple[Numeral, bool]:
    """A result as it is printed, and whether that is exactly the number; what is given stands as in an operation."""
    numeral = short(value, max(digits, SHORT) if given else digits)
    return (rounded(value, digits), False) if numeral is None else (numeral, True)


def apart(value: Amount, other: Amount, digits: int) -> int:
    """How many digits, at least so many, tell two numbers from each other; no more than before if they are equal."""
    if order(value, other) == 0:
        return digits
    numbers = range(digits, digits + _MOST_GUARD_DIGITS)
    return next((one for one in numbers if rounded(value, one).value != rounded(other, one).value), digits)


@dataclass(frozen=True)
class NumericLine:
    """A form printed with numbers, and its result.

    number: the numeral of each symbol; shown_exact: no symbol's number was rounded; result: a numeral or rows of
    them; exact: the line, computed as printed, is exactly the result.
    """

    number: Callable[[Element], Numeral]
    shown_exact: bool
    result: Any
    exact: bool


def numeric_line(
    form: Form, lookup: Callable[[Element], Amount], value: Any, digits: int
) -> NumericLine | None:
    """The line with the fewest guard digits that make it recomputable from what is printed.

    Its printed numbers, put into the form and computed exactly, round half-even to the printed result. None where no
    number of guard digits does that: of a saturated output, which is 1 to all of its digits.
    """
    for guard in range(_MOST_GUARD_DIGITS):
        try:
            line = _attempt(form, lookup, value, digits, digits + guard)
        except NO_NUMBER:  # as of ln(1 - 1.00000)
            continue
        if line is not None:
            return line
    return None


def _attempt(
    form: Form, lookup: Callable[[Element], Amount], value: Any, digits: int, count: int
) -> NumericLine | None:
    """The line with numbers of so many digits; None where its result is another one."""
    shown: dict[Element, tuple[Numeral, bool]] = {}

    def number(element: Element) -> Numeral:
        if element not in shown:
            amount = lookup(element)
            plain = short(amount)
            shown[element] = (plain, True) if plain is not None else (rounded(amount, count), False)
        return shown[element][0]

    chosen = decided(form, lambda element: number(element).value)
    shown.clear()  # a number that only decides between cases is not printed
    found = worth(chosen, lambda element: number(element).value)
    results = _both(found, value, lambda one, known: _result(one, known, digits))
    pairs = list(zip(_flat(found), _flat(results), strict=True))
    if not all(_agrees(one, numeral, digits) for one, numeral in pairs):
        return None
    exact = all(_is_exactly(one, numeral) for one, numeral in pairs)
    return NumericLine(number, all(known for _, known in shown.values()), results, exact)


def _result(found: Amount, value: Amount, digits: int) -> Numeral:
    """The value as it is printed: as rounded, where a function of what is printed only comes near a short number."""
    return result(value, digits)[0] if _is_rational(found) else rounded(value, digits)


def _is_exactly(found: Amount, numeral: Numeral) -> bool:
    return _is_rational(found) and found == numeral.value


def _is_rational(found: Amount) -> bool:
    """Whether what is found can be a decimal: tanh(300) is not 1, and ln(1 + e**1500) not 1500."""
    return isinstance(found, (int, Fraction))


def rounds_to(found: Amount, numeral: Numeral) -> bool:
    """Whether the number, rounded half-even to the numeral's last place, is the numeral."""
    return round(exactly(found) / _power_of_ten(numeral.exponent)) == numeral.coefficient


def _agrees(found: Amount, numeral: Numeral, digits: int) -> bool:
    """Whether the number rounds to the result; what should be 0 is less than a unit of the last digit of 1."""
    return rounds_to(found, numeral) and (
        numeral.coefficient != 0 or abs(exactly(found)) < Fraction(1, 10**digits)
    )


def _both(one: Any, other: Any, join: Callable[[Any, Any], Any]) -> Any:
    """Rows of join(a, b) for rows of a and b."""
    if isinstance(one, tuple):
        return tuple(_both(a, b, join) for a, b in zip(one, other, strict=True))
    return join(one, other)


def _flat(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in _flat(part)] if isinstance(value, tuple) else [value]
