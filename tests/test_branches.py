"""Nested cases are printed with all that must hold for each: no two overlap, and nothing is left out."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bpsym
from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import Cases, Comparison, Element, Form, Number
from bpsym.derivation.worth import holds
from bpsym.typeset.branches import branches

Z = Element(Read("z"))
SIGNS = ("<", "<=", ">", ">=")
TESTS = st.lists(st.tuples(st.sampled_from(SIGNS), st.integers(-2, 2)), min_size=2, max_size=4)


SMALL = st.integers(-2, 2)
TREES = st.recursive(
    st.builds(lambda value: Number(Fraction(value)), st.integers(0, 9)),
    lambda inner: st.builds(
        lambda first, sign, bound, other: Cases(first, Comparison(Z, sign, Number(Fraction(bound))), other),
        inner,
        st.sampled_from(SIGNS),
        SMALL,
        inner,
    ),
    max_leaves=8,
)


def nested(tests: list[tuple[str, int]]) -> Cases:
    """Branch n has the value n."""
    form: Form = Number(Fraction(len(tests)))
    for number, (sign, bound) in reversed(list(enumerate(tests))):
        form = Cases(Number(Fraction(number)), Comparison(Z, sign, Number(Fraction(bound))), form)
    assert isinstance(form, Cases)
    return form


def true_at(test: Comparison, place: Fraction) -> bool:
    """Of a chain of two comparisons, both."""
    if isinstance(test.left, Comparison):
        inner = test.left
        return true_at(inner, place) and true_at(Comparison(inner.right, test.sign, test.right), place)
    return holds(test, lambda _: place)


def first_true(form: Form, place: Fraction) -> Fraction:
    """The value that Cases defines: of the first test that holds."""
    while isinstance(form, Cases):
        form = form.first if holds(form.test, lambda _: place) else form.other
    assert isinstance(form, Number)
    return Fraction(form.value)


@given(TESTS, st.integers(-6, 6))
def test_exactly_one_branch_holds_at_any_place_and_it_is_the_first_true_one(
    tests: list[tuple[str, int]], halves: int
) -> None:
    place, form = Fraction(halves, 2), nested(tests)
    values = [value for value, test in branches(form) if true_at(test, place)]
    assert values == [Number(first_true(form, place))]


@given(TREES, st.integers(-6, 6))
def test_cases_within_either_branch_are_told_apart_too(form: Form, halves: int) -> None:
    place = Fraction(halves, 2)
    if isinstance(form, Cases):
        values = [value for value, test in branches(form) if true_at(test, place)]
        assert values == [Number(first_true(form, place))]
    assert not contradictory(form)


def contradictory(form: Form) -> bool:
    """Whether nothing lies between two bounds that are printed."""
    bounds = [test for _, test in branches(form)] if isinstance(form, Cases) else []
    chains = [(one.left.left, one.right) for one in bounds if isinstance(one.left, Comparison)]
    return any(low.value >= high.value for low, high in chains)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("formula", "printed"),
    [
        ("min(max(z, -0.3), 0.6)", r"0, & z \ge 0.6 \\ 1, & -0.3 < z < 0.6 \\ 0, & z \le -0.3"),
        (
            "max(0, min(1, z/6 + 1/2))",
            r"0, & z \le -3 \\[4pt] 0, & z \ge 3 \\[4pt] \frac{1}{6}, & -3 < z < 3",
        ),
    ],
)
def test_the_slope_of_a_formula_that_saturates_has_three_branches(formula: str, printed: str) -> None:
    layer = {"units": 1, "activation": formula, "weights": [[1]], "biases": [0]}
    example = bpsym.Example(network={"inputs": 1, "layers": [layer]}, data={"x": [[0.5]], "t": [[3]]})
    assert printed in bpsym.derive(example).to_latex()
