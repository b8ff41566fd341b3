"""Kinds of numbers: fractions, floating point with any number of digits, both in one, and double precision."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import mpmath


@dataclass(frozen=True)
class Arithmetic:
    """A kind of numbers.

    number: how a rational becomes one; own: how any number does; functions: by SymPy's name for them; alike: numbers
    of this kind as numbers that can be compared with each other.
    """

    number: Callable[[Fraction], Any]
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    own: Callable[[Any], Any] = lambda value: value
    alike: Callable[..., Sequence[Any]] = lambda *values: values


class Undecided(ArithmeticError):  # noqa: N818  (no error: a question for more digits)
    """Two numbers are the same to all of their digits: whether they are equal, these do not show."""


_NAMES = ("exp", "log", "tanh", "sin", "cos", "erf", "erfc", "sinh", "cosh", "sqrt")
_EXACT: dict[str, Callable[..., Any]] = {
    "Abs": abs,
    "Max": max,
    "Min": min,
    "Pow": operator.pow,
    "floor": math.floor,
    "sign": lambda value: value * 0 + (value > 0) - (value < 0),
}


def times(left: Any, right: Any) -> Any:
    """The product; of an exact zero and whatever else, an exact zero."""
    for one in (left, right):
        if isinstance(one, Fraction) and not one:
            return one
    return left * right


def digits(count: int) -> Arithmetic:
    """Floating point with this many decimal digits."""
    context = mpmath.mp.clone()
    context.dps = count
    functions = {name: getattr(context, name) for name in _NAMES}
    functions |= _EXACT | {"Pi": lambda: +context.pi, "Exp1": lambda: +context.e}
    functions["softplus"] = lambda value: context.log1p(context.exp(value))

    def number(value: Fraction) -> Any:
        return context.mpf(value.numerator) / value.denominator

    def own(value: Any) -> Any:
        return number(Fraction(value)) if isinstance(value, (int, Fraction)) else +context.convert(value)

    return Arithmetic(number, functions, own)


EXACT = Arithmetic(lambda value: value, _EXACT)
"""Fractions; a program with any other function has no exact value (ProgramError names it)."""

MOST_BITS = 1000
"""A fraction with a longer numerator or denominator becomes a floating-point number."""

KNOWN: Mapping[tuple[str, Any], Fraction] = {
    (name, Fraction(at)): Fraction(value)
    for name, at, value in (
        ("exp", 0, 1), ("log", 1, 0), ("tanh", 0, 0), ("erf", 0, 0), ("sin", 0, 0), ("cos", 0, 1), ("sinh", 0, 0),
        ("cosh", 0, 1), ("erfc", 0, 1),
    )
}  # fmt: skip
"""The only rational arguments at which these functions have a rational value."""


def rational_root(value: Any) -> Fraction | None:
    """The square root of a fraction that is the square of one."""
    if not isinstance(value, (int, Fraction)) or value < 0:
        return None
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return root if root * root == value else None


def chosen(choose: Callable[[Sequence[Any]], Any], alike: Callable[..., Sequence[Any]]) -> Callable[..., Any]:
    """Max or min of numbers of several kinds: the one that is chosen stays what it is."""

    def function(*values: Any) -> Any:
        comparable = list(alike(*values))
        return values[comparable.index(choose(comparable))]

    return function


def is_exact(value: Any) -> bool:
    """Whether the number is a fraction, and not one of so many digits."""
    return isinstance(value, (int, Fraction))


def told_apart(numbers: Sequence[Any], decides: bool) -> Sequence[Any]:
    """The numbers; Undecided where the greatest or the least of them is there twice, unless that decides it."""
    if not decides and any(numbers.count(one) > 1 for one in (min(numbers), max(numbers))):
        raise Undecided
    return numbers


def sign_of(value: Any, decides: bool) -> Fraction:
    """-1, 0 or 1; Undecided where the number is 0 in all of its digits, unless that decides it."""
    if not value and not is_exact(value) and not decides:
        raise Undecided
    return Fraction((value > 0) - (value < 0))


def exact_or_digits(count: int, *, decides: bool = False) -> Arithmetic:
    """Fractions as long as there are only rational operations, then floating point with this many decimal digits.

    So a weight of 0.1 times an input of 3 is exactly 0.3, and stands exactly on a kink at 0.3. decides: whether
    numbers are equal that are so in all digits; if not, comparing them raises Undecided.
    """
    floating = digits(count)

    def near(value: Any) -> Any:
        return floating.number(Fraction(value)) if isinstance(value, (int, Fraction)) else value

    def own(value: Any) -> Any:
        if isinstance(value, (int, Fraction)):
            short = max(value.numerator.bit_length(), value.denominator.bit_length()) <= MOST_BITS
            return Fraction(value) if short else near(value)
        return floating.own(value) if value else Fraction(0)

    def alike(*values: Any) -> Sequence[Any]:
        return values if all(map(is_exact, values)) else told_apart([*map(near, values)], decides)

    def power(base: Any, exponent: Any) -> Any:
        """Exact for a whole exponent that is not too great, and for a half where the root is rational."""
        if isinstance(exponent, Fraction) and exponent.denominator == 1:
            whole = int(exponent)
            return (base if abs(whole) <= MOST_BITS else near(base)) ** whole
        root = rational_root(base) if abs(exponent) == Fraction(1, 2) else None
        return near(base) ** near(exponent) if root is None else root ** int(2 * exponent)

    def of(name: str) -> Callable[[Any], Any]:
        function = floating.functions[name]
        return lambda value: (
            KNOWN[name, value] if is_exact(value) and (name, value) in KNOWN else function(near(value))
        )

    def square_root(value: Any) -> Any:
        root = rational_root(value)
        return floating.functions["sqrt"](near(value)) if root is None else root

    functions = dict(floating.functions) | {name: of(name) for name in (*_NAMES, "softplus")}
    functions |= {"sqrt": square_root, "Pow": power, "floor": lambda value: Fraction(math.floor(value))}
    functions["sign"] = lambda value: sign_of(value, decides)
    functions |= {"Max": chosen(max, alike), "Min": chosen(min, alike)}
    return Arithmetic(lambda value: value, functions, own, alike)


def double() -> Arithmetic:
    """Double precision."""
    functions: dict[str, Callable[..., Any]] = {name: getattr(math, name) for name in _NAMES}
    functions |= _EXACT | {"Pi": lambda: math.pi, "Exp1": lambda: math.e}
    functions["softplus"] = lambda value: max(value, 0.0) + math.log1p(math.exp(-abs(value)))
    return Arithmetic(float, functions)
