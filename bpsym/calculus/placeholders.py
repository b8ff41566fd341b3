"""Real numbers that stand for reads and sums while SymPy differentiates."""

from __future__ import annotations

from functools import lru_cache

from sympy import Dummy


class Place(Dummy):  # type: ignore[misc]
    """A real number of which nothing else is known; SymPy need not search for it."""

    __slots__ = ()
    is_zero = is_positive = is_negative = is_nonnegative = is_nonpositive = is_nonzero = None
    is_extended_positive = is_extended_negative = is_extended_nonnegative = is_extended_nonpositive = None
    is_extended_nonzero = is_integer = is_noninteger = is_rational = is_irrational = is_even = is_odd = None
    is_algebraic = is_transcendental = is_prime = is_composite = None


@lru_cache(maxsize=256)
def placeholder(number: int) -> Dummy:
    """Always the same ones: what SymPy found out about one it need not find out again."""
    return Place(f"p{number}", real=True)
