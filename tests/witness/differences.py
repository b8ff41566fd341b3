"""Slopes without any calculus: central differences at many digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath


def number(value: Any) -> Any:
    """value as an mpf of the working precision: decimals from text, fractions divided out, floats as they are."""
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return mpmath.mpf(value)


def central_differences(
    function: Callable[[list[Any]], Any], at: Sequence[Any], digits: int = 50
) -> list[Any]:
    """[(function(p + h e_k) - function(p - h e_k)) / 2h for every k], with h = 10**(-digits/3).

    Wrong by about h**2 times the third derivative, and by 10**-digits / h from rounding: some 32 digits are right of 50.
    """
    with mpmath.workdps(digits):
        h = mpmath.mpf(10) ** -(digits // 3)
        point = [number(value) for value in at]
        slopes = []
        for k in range(len(point)):
            above = [*point[:k], point[k] + h, *point[k + 1 :]]
            below = [*point[:k], point[k] - h, *point[k + 1 :]]
            slopes.append((function(above) - function(below)) / (2 * h))
        return slopes
