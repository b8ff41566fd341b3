"""Digits: half-even rounding, guard digits, and when = may stand."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import Element, Negative, Number, Product, Sum
from bpsym.typeset.marks import numeral
from bpsym.typeset.numbers import numeric_line, result, rounded, short
from bpsym.typeset.pieces import joined

A, B, C = (Element(Read(name)) for name in "abc")


def text(value: Fraction, digits: int = 6) -> str:
    return joined(numeral(rounded(value, digits)))


@pytest.mark.parametrize(
    ("value", "digits", "printed"),
    [
        ("0.690283492907644405", 6, "0.690283"),
        ("0.0276740349387178682", 6, "0.0276740"),
        ("0.000929071160809660", 6, "0.000929071"),
        ("2.918213772e-07", 6, r"2.91821 \cdot 10^{-7}"),
        ("-2.918213772e-07", 3, r"-2.92 \cdot 10^{-7}"),
        ("0.0001", 6, "0.000100000"),
        ("0.00009999999", 6, r"0.000100000"),
        ("999999.4", 6, "999999"),
        ("1000000", 6, r"1.00000 \cdot 10^{6}"),
        ("1e-8", 1, "10^{-8}"),
        ("-1e-8", 1, "-10^{-8}"),
        ("2e-8", 1, r"2 \cdot 10^{-8}"),
        ("1e-8", 2, r"1.0 \cdot 10^{-8}"),
        ("0.25", 1, "0.2"),
        ("0.35", 1, "0.4"),
        ("-0.0", 6, "0"),
        ("123456.5", 6, "123456"),
        ("7", 2, "7.0"),
    ],
)
def test_a_number_is_rounded_half_even_to_significant_digits(value: str, digits: int, printed: str) -> None:
    assert text(Fraction(value), digits) == printed


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=12), st.integers(2, 15))
def test_rounding_agrees_with_the_decimal_module(value: Decimal, digits: int) -> None:
    expected = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value)
    assert rounded(Fraction(value), digits).value == Fraction(expected)


def test_a_computed_number_is_printed_as_a_short_decimal_where_it_is_rational() -> None:
    value = Fraction("0.1") * Fraction("0.35") + Fraction("0.8") * Fraction("0.9")
    assert result(value, 6) == (short(value), True)
    assert joined(numeral(short(value))) == "0.755"  # type: ignore[arg-type]
    assert short(Fraction(2, 3)) is None


def test_a_number_that_is_not_rational_is_no_short_decimal_however_near() -> None:
    """1 - tanh(300) is about 10^-260."""
    context = mpmath.mp.clone()
    context.dps = 40
    near = context.tanh(300)
    assert near == 1
    assert short(near) is None
    assert result(near, 6) == (rounded(1, 6), False)


def test_of_a_power_of_ten_that_is_given_only_the_power_is_printed() -> None:
    assert joined(numeral(short(Fraction("1e-8")))) == "10^{-8}"  # type: ignore[arg-type]
    assert joined(numeral(short(Fraction("1e6")))) == "10^{6}"  # type: ignore[arg-type]
    assert joined(numeral(short(Fraction("0.1")))) == "0.1"  # type: ignore[arg-type]


def values(**numbers: str) -> dict[Element, Fraction]:
    return {Element(Read(name)): Fraction(number) for name, number in numbers.items()}


def test_the_fewest_guard_digits_that_make_a_line_recomputable_are_used() -> None:
    """0.690283 gives 1/2 (0.690283 - 0.5)^2 = 0.01810381...; with 0.6902835 it is 0.0181039, the true value."""
    known = values(a="0.690283492907644405", b="0.5")
    form = Product((Number(Fraction(1, 2)), Sum((A, Negative(B))), Sum((A, Negative(B)))))
    line = numeric_line(form, lambda one: known[one], Fraction("0.018103903836566779"), 6)
    assert joined(numeral(line.number(A))) == "0.6902835"
    assert not line.shown_exact
    assert not line.exact


def test_equals_stands_only_where_the_printed_line_is_exact() -> None:
    known = values(a="0.35", b="0.1")
    exact = numeric_line(Product((A, B)), lambda one: known[one], Fraction("0.035"), 6)
    assert exact.shown_exact
    assert exact.exact
    third = {A: Fraction(1, 3), B: Fraction(3)}
    rounded_line = numeric_line(Product((A, B)), lambda one: third[one], Fraction(1), 6)
    assert not rounded_line.shown_exact
    assert not rounded_line.exact  # 0.333333 * 3 is 0.999999, printed; 1 is the truth


@given(
    st.lists(st.fractions(Fraction(-9), Fraction(9), max_denominator=977), min_size=3, max_size=3),
    st.integers(3, 8),
)
def test_every_line_recomputes_from_what_is_printed(numbers: list[Fraction], digits: int) -> None:
    a, b, c = numbers
    known = {A: a, B: b, C: c}
    value = a * b - c
    line = numeric_line(Sum((Product((A, B)), Negative(C))), lambda one: known[one], value, digits)
    printed = line.number(A).value * line.number(B).value - line.number(C).value
    unit = Fraction(10) ** line.result.exponent
    assert round(printed / unit) == line.result.coefficient
    assert (printed == line.result.value) == line.exact


@given(st.integers(-20_000, 20_000), st.integers(1, 10**6), st.integers(1, 10**6))
def test_numbers_of_any_size_are_rounded(power: int, over: int, under: int) -> None:
    """Python turns no whole number of more than 4,300 digits into text: that is not needed."""
    number = Fraction(over, under) * Fraction(10) ** power
    found = rounded(number, 6)
    assert abs(found.value - number) * 2 <= Fraction(10) ** found.exponent
    assert 10**5 <= found.coefficient < 10**6
