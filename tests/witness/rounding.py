"""Numbers that know how far rounding may have moved them, and the functions of a witness on every kind of number.

A `Rounded` has a value and a scale: the sum of the absolute values of the terms that form it, those of its operands
included. A right computation in double precision, in whatever order, is wrong by some units of 1e-16 times the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

SECOND_ORDER = 1e-16
"""What the product of two roundings is worth beside one of them."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """value: float or mpf; scale: the absolute values of all terms, as the first-order error of each operation has them."""

    value: Any
    scale: Any

    def __add__(self, other: Any) -> Rounded:
        other = rounded(other)
        return Rounded(self.value + other.value, self.scale + other.scale)

    def __mul__(self, other: Any) -> Rounded:
        other = rounded(other)
        first = abs(self.value) * other.scale + self.scale * abs(other.value)
        return Rounded(self.value * other.value, first + SECOND_ORDER * self.scale * other.scale)

    def reciprocal(self) -> Rounded:
        return Rounded(1 / self.value, abs(1 / self.value) + self.scale / self.value**2)

    def __neg__(self) -> Rounded:
        return Rounded(-self.value, self.scale)

    def __abs__(self) -> Rounded:
        return Rounded(abs(self.value), self.scale)

    def __sub__(self, other: Any) -> Rounded:
        return self + -other

    def __rsub__(self, other: Any) -> Rounded:
        return -self + other

    def __truediv__(self, other: Any) -> Rounded:
        return self * (other.reciprocal() if isinstance(other, Rounded) else 1 / other)

    def __rtruediv__(self, other: Any) -> Rounded:
        return self.reciprocal() * other

    def __pow__(self, exponent: int) -> Rounded:
        slope = exponent * self.value ** (exponent - 1)
        return self._through(self.value**exponent, slope)

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < rounded(other).value)

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > rounded(other).value)

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    __radd__ = __add__
    __rmul__ = __mul__

    def _through(self, value: Any, slope: Any) -> Rounded:
        """f(self): f is rounded itself, and passes on what its argument has."""
        return Rounded(value, abs(value) + abs(slope) * self.scale + SECOND_ORDER * self.scale**2)

    def exp(self) -> Rounded:
        value = _library(self.value).exp(self.value)
        return self._through(value, value)

    def expm1(self) -> Rounded:
        value = _library(self.value).expm1(self.value)
        return self._through(value, value + 1)

    def log(self) -> Rounded:
        return self._through(_library(self.value).log(self.value), 1 / self.value)

    def log1p(self) -> Rounded:
        return self._through(_library(self.value).log1p(self.value), 1 / (1 + self.value))

    def tanh(self) -> Rounded:
        value = _library(self.value).tanh(self.value)
        return self._through(value, 1 - value**2)

    def sin(self) -> Rounded:
        library = _library(self.value)
        return self._through(library.sin(self.value), library.cos(self.value))

    def cos(self) -> Rounded:
        library = _library(self.value)
        return self._through(library.cos(self.value), library.sin(self.value))

    def erfc(self) -> Rounded:
        library = _library(self.value)
        return self._through(library.erfc(self.value), 2 / math.sqrt(math.pi) * library.exp(-(self.value**2)))

    def sqrt(self) -> Rounded:
        """The root of a sum of squares: near 0 it is as uncertain as what was squared, never more."""
        value = _library(self.value).sqrt(self.value)
        most = _library(self.scale).sqrt(self.scale)
        return Rounded(value, value + (min(self.scale / (2 * value), most) if value > 0 else most))


def rounded(number: Any) -> Rounded:
    """The number; what is given as a number is exact up to its own rounding."""
    return number if isinstance(number, Rounded) else Rounded(number, abs(number))


def _library(number: Any) -> Any:
    return math if isinstance(number, float | int) else mpmath


# --- arrays --------------------------------------------------------------------------------------------------------


def _each(function: Callable[[Any], Any], array: Any) -> np.ndarray:
    array = np.asarray(array)
    result = np.empty(array.shape, dtype=object)
    for place, number in np.ndenumerate(array):
        result[place] = function(number)
    return result


def with_scales(array: Any) -> np.ndarray:
    """An array of floats as one of `Rounded`."""
    return _each(lambda number: rounded(float(number)), array)


def precise(array: Any) -> np.ndarray:
    """An array of numbers as one of mpf, at mpmath's working precision."""
    return _each(lambda number: mpmath.mpf(float(number)), array)


def values(array: Any) -> np.ndarray:
    """The floats of an array of any kind of number."""
    return _each(lambda number: number.value if isinstance(number, Rounded) else number, array).astype(float)


def scales(array: Any) -> np.ndarray:
    """How large the terms of each entry are together, as floats; of a mere number, its absolute value."""
    return _each(lambda number: rounded(number).scale, array).astype(float)


def joined(arrays: Iterable[Any]) -> np.ndarray:
    """All entries, array by array, row by row."""
    return np.concatenate([np.ravel(array) for array in arrays])


def discrepancy(found: Iterable[Any], right: Iterable[Any], scaled: Iterable[Any] | None = None) -> float:
    """The largest difference of two entries, relative to the scale of the right one; inf where one is not finite.

    found, right: numbers or arrays of them, as many in all. scaled: where the scales are from, if not from `right`.
    """
    right = joined(right)
    difference = np.abs(values(joined(found)) - values(right))
    room = scales(right) if scaled is None else np.maximum(scales(joined(scaled)), np.abs(values(right)))
    if not np.isfinite(difference).all():
        return math.inf
    apart = difference > 0
    return float((difference[apart] / np.maximum(room[apart], 5e-324)).max(initial=0.0))


def _function(name: str, many: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of an array: NumPy's for floats, else each entry's own."""

    def one(number: Any) -> Any:
        return getattr(number, name)() if isinstance(number, Rounded) else getattr(mpmath, name)(number)

    def apply(array: Any) -> np.ndarray:
        return _each(one, array) if np.asarray(array).dtype == object else many(array)

    return apply


exp = _function("exp", np.exp)
expm1 = _function("expm1", np.expm1)
log = _function("log", np.log)
log1p = _function("log1p", np.log1p)
tanh = _function("tanh", np.tanh)
sin = _function("sin", np.sin)
cos = _function("cos", np.cos)
sqrt = _function("sqrt", np.sqrt)
erfc = _function("erfc", np.vectorize(math.erfc, otypes=[float]))
