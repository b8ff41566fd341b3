"""Numbers that are fractions as long as they can be."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from bpsym.calculus.arithmetic import MOST_BITS, exact_or_digits

MIXED = exact_or_digits(40)
THIRD = Fraction(1, 3)


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("Max", (THIRD, Fraction(3, 10)), THIRD),
        ("Abs", (-THIRD,), THIRD),
        ("sqrt", (Fraction(4, 9),), Fraction(2, 3)),
        ("Pow", (Fraction(4, 9), Fraction(-1, 2)), Fraction(3, 2)),
        ("exp", (Fraction(0),), 1),
        ("cos", (Fraction(0),), 1),
    ],
)
def test_what_is_rational_stays_a_fraction(
    name: str, arguments: tuple[Fraction, ...], value: Fraction
) -> None:
    found = MIXED.functions[name](*arguments)
    assert isinstance(found, Fraction)
    assert found == value


@pytest.mark.parametrize("name", ["exp", "tanh", "erf", "sqrt", "softplus"])
def test_what_is_not_has_so_many_digits(name: str) -> None:
    with mpmath.workdps(60):
        reference = {"softplus": lambda u: mpmath.log1p(mpmath.exp(u))}.get(name) or getattr(mpmath, name)
        error = abs(MIXED.functions[name](THIRD) - reference(mpmath.mpf(1) / 3))
        assert error < mpmath.mpf(10) ** -39


def test_both_kinds_are_compared() -> None:
    root = MIXED.functions["sqrt"](Fraction(2))
    assert MIXED.functions["Max"](root, Fraction(1)) == root
    assert isinstance(MIXED.functions["Min"](Fraction(1), root), Fraction)
    left, right = MIXED.alike(root, THIRD)
    assert left > right


def test_a_fraction_that_grows_long_becomes_a_floating_point_number() -> None:
    longest = Fraction(1, 2 ** (MOST_BITS - 1))
    assert isinstance(MIXED.own(longest), Fraction)
    assert not isinstance(MIXED.own(longest / 2), Fraction)
    assert MIXED.own(longest / 2) == longest / 2
