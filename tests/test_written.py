"""How formulas and numbers are written: what must not be misread, and nothing that says nothing."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from sympy import Piecewise, Rational

import bpsym
from bpsym.calculus.cases import with_cases_outside
from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import Applied, Cases, Comparison, Element, Number, Numerals, Variable
from bpsym.derivation.worth import worth
from bpsym.network.activations import activation_of
from bpsym.publish import tex
from bpsym.typeset.marks import numeral
from bpsym.typeset.mathematics import Mathematics
from bpsym.typeset.numbers import numeric_line
from bpsym.typeset.pieces import joined
from tests.shown import FORMS, SHOWN, document_of, example, layer
from tests.test_derivation import steps
from tests.test_documents import display_formulas
from tests.test_shown import number
from tests.witness import recompute
from tests.witness.activations import called


def identities(**more: object) -> bpsym.Document:
    """A 2-2-1 network that is linear, with one sample."""
    layers = (layer(2, 2, "identity", 1), layer(1, 2, "identity", 2))
    return bpsym.derive(example(2, layers, [[0.5]], **more))  # type: ignore[arg-type]


# Pages ------------------------------------------------------------------------------------------------------------


def tall(inputs: int, units: int) -> bpsym.Example:
    """A layer of many units, with numbers so short that its matrices stand as a whole."""
    weights = [[(row + column) % 5 - 2 for column in range(inputs)] for row in range(units)]
    only = bpsym.Dense(units=units, activation="sigmoid", bias="none", weights=weights)
    return bpsym.Example(
        network=bpsym.Network(inputs=inputs, layers=(only,)),
        data={"x": [[1, -1, 0.5][:inputs]], "t": [[1] * units]},
    )


TALL = {f"{inputs}-{units}": tall(inputs, units) for inputs, units in ((3, 10), (3, 12), (2, 13))}
"""Scalar form with as many rows as a matrix may have, and one more, where each has a line of its own."""


@pytest.mark.latex
@pytest.mark.parametrize("name", TALL)
@pytest.mark.parametrize("kind", ["article", "fragment"])
def test_nothing_runs_off_a_page(name: str, kind: str) -> None:
    text = bpsym.derive(TALL[name]).to_latex(document=kind)
    host = "\\documentclass[11pt,a4paper]{article}\\usepackage{amsmath,tikz}\\begin{document}"
    whole = text if kind == "article" else f"{host}\n\\input{{part}}\n\\end{{document}}\n"
    assert tex.faults(tex.compiled(whole, {"part.tex": text}).log) == ()


def test_a_display_of_tall_matrices_may_be_broken_between_them_and_a_small_one_not() -> None:
    tall, small = (bpsym.derive(one).to_latex() for one in (TALL["3-12"], SHOWN["squared softmax"]))
    given, forward = r"\boldsymbol{W}^{(1)} &= \begin{bmatrix}", r"\boldsymbol{z}^{(1)} &= \boldsymbol{W}"
    for text, breakable in ((tall, True), (small, False)):
        for start in (given, forward):
            display = text[: text.index(start)].rpartition(r"\begingroup")[2]
            assert (r"\allowdisplaybreaks" in display) == breakable


@pytest.mark.parametrize("preset", ["mazur", "nielsen", "xor", "softmax"])
def test_a_step_of_several_rows_is_not_broken_over_two_pages_unless_it_is_very_long(preset: str) -> None:
    """Where a display may be broken, either each of its steps is short, or steps follow each other in one list."""
    text = bpsym.derive(bpsym.load(preset)).to_latex()
    whole = text[: text.index("The update}")]
    for display in re.findall(
        r"\\allowdisplaybreaks\n\\begin\{align\*?\}\n(.*?)\n\\end\{align", whole, re.DOTALL
    ):
        steps = re.split(r"\n(?!\s*&)", display)
        assert len(steps) > 1
        assert min(step.count("\n") for step in steps) < 2


def test_no_single_line_of_a_paragraph_stands_alone_on_a_page_of_an_article() -> None:
    article, fragment = (
        bpsym.derive(bpsym.load("blog")).to_latex(document=one) for one in ("article", "fragment")
    )
    for penalty in ("club", "widow", "displaywidow"):
        assert rf"\{penalty}penalty=10000" in article.partition(r"\begin{document}")[0]
        assert rf"\{penalty}penalty" not in fragment


def test_rows_of_the_table_of_symbols_with_marks_above_have_more_room() -> None:
    rows = {name: bpsym.derive(bpsym.load("blog"), notation=name).to_latex() for name in ("standard", "blog")}
    for name, text in rows.items():
        table = text.partition(r"\begin{tabular}")[2].partition(r"\end{tabular}")[0]
        assert (r"\tabularnewline[2pt]" in table) == (name == "standard")


def test_rows_of_symbols_with_marks_above_and_below_have_more_room_than_rows_of_numbers() -> None:
    text = document_of("softmax").to_latex()
    assert r"w^{(1)}_{12} \\[4pt] w^{(1)}_{21}" in text
    assert re.search(r"\d \\\\ -?\d", text)
    assert not re.search(r"\d \\\\\[4pt] -?\d", text)


# Factors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("form", FORMS)
def test_no_two_numbers_stand_beside_each_other_as_if_they_were_one(name: str, form: str) -> None:
    for formula in display_formulas(document_of(name, form).to_latex()):
        assert not re.search(r"(?<![a-z^_{\d.])\d+(?:\.\d+)? (?:\d|\\frac\{\d)", formula), formula


def test_a_factor_one_is_not_written_beside_another() -> None:
    """The outputs are the weighted sums themselves, and a bias enters them with the factor 1."""
    text = identities(loss="squared_error").to_latex()
    assert r"&= 2 \bigl(a^{(2)}_1 - t\bigr) \notag" in text
    assert not re.search(r"(?:=|\\approx|\\cdot) 1 (?:\\cdot|[a-z(]|\\bigl)", text)


def test_where_every_factor_is_one_a_single_one_stays() -> None:
    text = identities().to_latex()
    assert r"f'(z^{(2)}_1) \cdot f'(z^{(1)}_1) &= 1" + "\n" in text
    assert not re.search(r"= 1 = 1\b", text)


def test_one_output_has_no_mean_over_the_outputs() -> None:
    document = identities(loss="mean_squared_error")
    assert r"\frac{1}{1}" not in document.to_latex()
    assert "factors=(Number" not in repr(steps(document.derivation)["loss"].forms)


def test_numbers_of_ones_own_formula_have_a_dot_between_them() -> None:
    layers = (layer(1, 2, "2 * 3 * tanh(z) * 0.3", 1),)
    text = bpsym.derive(example(2, layers, [[0.5]])).to_latex()
    assert r"2 \cdot 3 " in text
    assert r"\cdot 0.3" in text


def one_neuron(activation: str = "identity", loss: str = "half_squared_error", **more: Any) -> str:
    """The derivation of a network with one weight."""
    only = bpsym.Dense(units=1, activation=activation, bias="none", weights=[[0.4]])
    network = bpsym.Network(inputs=1, layers=[only], loss=loss)
    training = {"learning_rate": 0.1, "steps": 1} | more
    data = {"x": [[1]], "t": [[0.5]]}
    return bpsym.derive(
        bpsym.Example(notation="standard", network=network, data=data, training=training)
    ).to_latex()


def test_a_zero_that_a_computation_leaves_has_a_dot_before_a_symbol() -> None:
    """Else 0 times x_1 reads as a hexadecimal number."""
    text = one_neuron(loss="max(abs(a - t) - 0.1, 0)")
    assert r"&= 0 \cdot x_1 \notag" in text
    assert not re.search(r"(?:=|\\approx|\+|-) [01] [a-z]", text)
    assert r"2 z" in one_neuron("z**2 + 2 * z")


def test_a_function_with_its_argument_in_brackets_has_a_dot_before_the_next_factor() -> None:
    text = one_neuron("tanh(z) * z", "absolute_error")
    assert r"\tanh(z) \cdot z" in text
    assert not re.search(r"operatorname\{sgn\}(?:\([^()]*\)|\\bigl\(.*?\\bigr\)) [a-z]", text)
    assert r"z e^{z} z" in one_neuron("z * exp(z) * z")


@pytest.mark.parametrize("name", ["adagrad", "rmsprop"])
def test_the_gradient_in_an_update_is_not_set_small_on_top_of_a_fraction(name: str) -> None:
    text = one_neuron(optimizer=name)
    line = next(line for line in text.split("\n") if "prefix update-w1-11" in line)
    assert (
        r"- \frac{\eta}{\sqrt{h_{w^{(1)}_{11}}} + \varepsilon} \cdot \frac{\partial L}{\partial w^{(1)}_{11}}"
        in line
    )
    assert not re.search(r"\\frac\{[^{}]*\\frac", text)
    found = recompute.lines(text, {})
    assert len(found) > 5
    assert [one for one in found if not one.ok] == []


# Means, penalties, functions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 5, 8, 10, 20])
def test_a_mean_over_samples_is_a_fraction_for_any_number_of_them(count: int) -> None:
    text = bpsym.derive(example(2, (layer(1, 2, "tanh", 1),), [[0.5]] * count)).to_latex()
    assert text.count(rf"\frac{{1}}{{{count}}} \sum_{{s=1}}^{{{count}}}") == 4
    assert not re.search(r"\d\.\d+ \\(?:sum|left)", text)


@pytest.mark.parametrize(("penalty", "written"), [("l1", r"\lvert w"), ("l2", r"\bigl(w")])
def test_a_rate_that_happens_to_be_one_over_the_samples_stays_a_rate(penalty: str, written: str) -> None:
    """Five samples, and a rate that comes out as 0.2: no factor that mean and penalty share."""
    rate = {"l1": 0.2, "l2": 0.4}[penalty]
    one = example(2, (layer(1, 2, "tanh", 1),), [[0.5]] * 5, **{penalty: rate})
    text = bpsym.derive(one).to_latex()
    assert rf"&= \frac{{1}}{{5}} \sum_{{s=1}}^{{5}} L^{{[s]}} + 0.2 \sum_{{j=1}}^{{2}} {written}" in text
    assert r"&= \frac{1}{5} (L^{[1]} + L^{[2]} + L^{[3]} + L^{[4]} + L^{[5]}) + 0.2" in text


def test_the_name_of_a_function_has_room_before_it() -> None:
    text = document_of("penalties").to_latex()
    assert r"0.001 \operatorname{sgn}(w" in text
    assert r"\mathrm{sgn}" not in text


# Matrices of numbers ----------------------------------------------------------------------------------------------


def leaves(value: Any) -> list[float]:
    return [leaf for part in value for leaf in leaves(part)] if isinstance(value, tuple) else [float(value)]


@pytest.mark.parametrize(("name", "digits"), [("indexed adam", 6), ("indexed", 3)])
def test_each_number_of_a_matrix_has_its_own_digits_and_none_but_zero_is_printed_as_zero(
    name: str, digits: int
) -> None:
    """All six that are asked for, where the matrix is not too wide for them even in small letters."""
    document = document_of(name, "index")
    blocks = [block for section in document.derivation.sections for block in section.blocks]
    true = [leaves(value) for one in blocks if isinstance(one, Numerals) for _, value in one.rows]
    printed = printed_matrices(document.to_latex())
    assert len(printed) == len(true) > 10
    smallest = min(abs(entry) for row in true for entry in row if entry)
    assert smallest < (1e-6 if name == "indexed adam" else 1e-3)
    for row, expected in zip(printed, true, strict=True):
        assert row == pytest.approx(expected, rel=5.0001 * 10**-digits, abs=0)


def printed_matrices(text: str) -> list[list[float]]:
    """The numbers of each matrix that stands by itself, column by column of its lines where it is divided."""
    displays = [
        display.replace("\n", " ")
        for display in re.findall(r"\\begin\{equation\*\}(.*?)\\end\{equation\*\}", text, re.DOTALL)
        if "begin{array}" not in display
    ]
    found: list[list[list[float]]] = []
    for display in displays:
        if display.strip().startswith(r"\cdots"):
            found[-1] = [a + b for a, b in zip(found[-1], rows_in(display), strict=True)]
        else:
            found += [rows_in(one) for one in re.findall(r"(?:\\approx|=)(.*?)(?:\\qquad|$)", display)]
    return [[entry for row in matrix for entry in row] for matrix in found]


def rows_in(matrix: str) -> list[list[float]]:
    inside = re.sub(r"\\(?:begin|end)\{b?matrix\}|\\left.|\\right.|\\;|\\cdots", "", matrix)
    return [[float(number(entry.strip())) for entry in row.split("&")] for row in inside.split(r"\\")]


def ten_by_ten() -> bpsym.Example:
    only = layer(10, 10, "tanh", 1)
    return example(10, (only,), [[0.1 * unit for unit in range(10)]], training={"optimizer": "adam"})


def test_a_matrix_too_wide_for_its_digits_is_divided_and_loses_none() -> None:
    """Ten columns, printed with the six digits of all results."""
    text = bpsym.derive(ten_by_ten(), form="index").to_latex()
    assert r"\scriptsize" not in text.partition(r"\begin{verbatim}")[0].rpartition(r"\begingroup")[0]
    matrices = [one for one in printed_matrices(text) if len(one) == 100]
    assert len(matrices) >= 4
    divided = re.findall(r"\\cdots \\; \\left\..*?\\right(?:\]|\. \\; \\cdots)", text, re.DOTALL)
    assert len(divided) > 3
    entries = re.findall(r"-?\d[\d.]*", " ".join(divided).replace("10^{-", ""))
    mantissas = [one.lstrip("-0.").replace(".", "") for one in entries if "." in one]
    assert set(map(len, mantissas)) == {6}


@pytest.mark.latex
def test_a_divided_matrix_is_no_wider_than_a_plain_article() -> None:
    text = bpsym.derive(ten_by_ten(), form="index").to_latex(document="fragment")
    host = "\\documentclass[11pt,a4paper]{article}\\usepackage{amsmath,tikz}\\begin{document}"
    assert (
        tex.faults(tex.compiled(f"{host}\n\\input{{part}}\n\\end{{document}}\n", {"part.tex": text}).log)
        == ()
    )


# Tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.latex
def test_the_line_under_the_head_of_a_table_keeps_apart_from_what_stands_lowest_in_it() -> None:
    """TeX's own measure of each head: its line lies 1.5ex or 3ex below the depth of a strut."""
    text = document_of("penalties").to_latex()
    heads = [
        (cell.strip(), gap)
        for head, gap in re.findall(r"\\begin\{array\}.*?\n(.*?) \\\\\[([\d.]+ex)\] \\hline", text)
        for cell in head.split(" & ")[1:]
    ]
    assert {gap for _, gap in heads} == {"1.5ex", "3ex"}
    measured = "".join(
        rf"\setbox0\hbox{{${cell}$}}\dimen0=\dp\strutbox\advance\dimen0 {gap}\advance\dimen0 -\dp0 "
        r"\immediate\write-1{ROOM \the\dimen0}"
        for cell, gap in heads
    )
    host = r"\documentclass[11pt,a4paper]{article}\usepackage{amsmath}\begin{document}x " + measured
    rooms = re.findall(r"^ROOM ([-\d.]+)pt", tex.compiled(host + r"\end{document}").log, re.MULTILINE)
    assert len(rooms) == len(heads)
    assert min(map(float, rooms)) > 3


# Equal, or nearly so ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "z", "order", "printed", "exact"),
    [
        ("tanh", 300, 0, "1.00000", False),
        ("tanh", 10**8, 0, "1.00000", False),
        ("sigmoid", 300, 0, "1.00000", False),
        ("gelu", 300, 0, "300.000", False),
        ("elu", -300, 0, "-1.00000", False),
        ("elu", 300, 0, "300", True),
        ("sigmoid", 0, 0, "0.5", True),
        ("tanh", 0, 0, "0", True),
        ("gelu", 0, 0, "0", True),
        ("gelu", 0, 1, "0.5", True),
        ("sqrt(z) + sin(z - 4)", 4, 0, "2", True),
        ("z**0.5", 4, 0, "2", True),
        ("z**0.5", 2, 0, "1.41421", False),
    ],
)
def test_a_function_that_only_comes_near_a_number_is_not_equal_to_it(
    activation: str, z: int, order: int, printed: str, exact: bool
) -> None:
    """The exponential, the hyperbolic tangent and their like are rational at 0 alone (Hermite, Lindemann)."""
    element = Element(Read("z"))
    form = Applied(1, activation, element, order)
    line = numeric_line(form, lambda _: Fraction(z), worth(form, lambda _: Fraction(z)), 6)
    assert joined(numeral(line.result)) == printed
    assert line.exact == exact


@pytest.mark.parametrize("form", FORMS)
def test_what_is_given_is_printed_as_it_is_computed_with(form: str) -> None:
    weights = [[0.123456789, -1 / 3], [0.5, 1e-7]]
    only = bpsym.Dense(units=2, activation="tanh", weights=weights, biases=[0.12345678, 0])
    one = bpsym.Example(
        network=bpsym.Network(inputs=2, layers=(only,)),
        data={"x": [[-0.987654321, 1]], "t": [[0.1234567, 1]]},
        training={"learning_rate": 0.10000001},
    )
    text = bpsym.derive(one, form=form).to_latex()
    given = text[text.index("What is given") : text.index("The forward pass")]
    for printed in (
        "0.123456789",
        "-0.333333",
        "0.5",
        "10^{-7}",
        "0.12345678",
        "-0.987654321",
        "0.1234567",
    ):
        assert f" {printed} " in given
    assert r"\eta &= 0.10000001" in given or r"\eta = 0.10000001" in given
    assert "0.123457" not in given


# Lines ------------------------------------------------------------------------------------------------------------


def test_under_a_wide_left_hand_side_products_are_not_broken_inside_their_brackets() -> None:
    widths = ((2, "tanh"), (1, "sigmoid"), (2, "softplus"), (1, "tanh"))
    layers = tuple(
        layer(units, before, activation, seed)
        for seed, ((before, _), (units, activation)) in enumerate(pairwise(((2, ""), *widths)))
    )
    document = bpsym.derive(example(2, layers, [[1], [0]]))
    text = document.to_latex()
    product = text[text.index("contains the factor") :].partition(r"\end{align*}")[0]
    left, *right = product.partition(r"\begin{align*}")[2].strip().split(r" \\")
    assert left.count("f_") == 4
    assert "=" not in left
    assert 3 <= len(right) <= 5
    assert not any(re.search(r"^\s*&[\s\\a-z{}]*-", one) for one in right)
    read = recompute.lines(product + r"\end{align*}", called(document))
    assert len(read) == 1
    assert read[0].ok


# Cases ------------------------------------------------------------------------------------------------------------

SLOPES = {
    "max(z, 0)": r"\begin{cases} 1, & z > 0 \\ 0, & z \le 0 \end{cases}",
    "max(z, 0.1*z)": r"\begin{cases} 1, & z \ge 0 \\ 0.1, & z < 0 \end{cases}",
    "max(0, 1 - z)": r"\begin{cases} 0, & z \ge 1 \\ -1, & z < 1 \end{cases}",
    "min(max(z, -1), 1)": r"\begin{cases} 0, & z \ge 1 \\ 1, & -1 < z < 1 \\ 0, & z \le -1 \end{cases}",
    "max(-1, min(1, z))": r"\begin{cases} 0, & z \le -1 \\ 0, & z \ge 1 \\ 1, & -1 < z < 1 \end{cases}",
    "max(z, 0)**2": r"\begin{cases} 2 z, & z > 0 \\ 0, & z \le 0 \end{cases}",
    "max(0, 1 - z)**2": r"\begin{cases} 0, & z \ge 1 \\ 2 (z - 1), & z < 1 \end{cases}",
    "min(max(z, -1), 1)**3": r"\begin{cases} 0, & z \ge 1 \\ 3 z^2, & -1 < z < 1 \\ 0, & z \le -1 \end{cases}",
    "z / (1 + abs(z))": r"\frac{1}{1 + \lvert z\rvert} - \frac{\lvert z\rvert}{(1 + \lvert z\rvert)^2}",
    "z * abs(z)": r"2 \lvert z\rvert",
}


def test_of_several_ends_that_are_known_the_nearest_bounds_a_case() -> None:
    """Steps at 3, 1 and -1, from the right, and the same from the left."""
    document = document_of("own")
    mathematics = Mathematics(document.names, document.derivation.program, marked=False)
    for sign, borders, shown in ((">=", (3, 1, -1), r"-1 \le z < 1"), ("<=", (-3, -1, 1), r"-1 < z \le 1")):
        form: Any = Number(Fraction(0))
        for value, border in enumerate(reversed(borders), start=1):
            test = Comparison(Variable("z"), sign, Number(Fraction(border)))
            form = Cases(Number(Fraction(value)), test, form)
        assert f"1, & {shown} " in mathematics.tex(form)


def test_rows_of_cases_with_fractions_have_more_room_than_others() -> None:
    text = one_neuron(loss="huber")
    half, rest = r"\frac{1}{2} \bigl(a^{(1)}_1 - t\bigr)^2", r"\lvert a^{(1)}_1 - t\rvert"
    assert rf"\begin{{cases}} {half}, & {rest} \le 1 \\[4pt] {rest} - \frac{{1}}{{2}}, & {rest} > 1" in text
    assert rf"\begin{{cases}} a^{{(1)}}_1 - t, & {rest} \le 1 \\ \operatorname{{sgn}}" in text


def test_a_number_is_written_as_its_author_wrote_it_also_where_it_is_derived_from_it() -> None:
    text = one_neuron("abs(z - 0.5) + 1/2 * z")
    assert r"\lvert z - 0.5\rvert + \frac{1}{2} z" in text
    assert r"f'(z) &= 0.5 + \operatorname{sgn}(z - 0.5)" in text
    assert r"L &= \frac{1}{2} \bigl(a" in text
    text = one_neuron("abs(z - 1/2)")
    assert r"\lvert z - 1/2\rvert" in text
    assert r"z - \frac{1}{2}\right)" in text
    assert r"\frac{3}{2}" not in one_neuron("1.5 * z**2")


MIXED = (
    "max(z, 0) * min(z, 2) + abs(z - 1)",
    "max(0, 1 - z)**2 - z * abs(z)",
)


@pytest.mark.parametrize("formula", SLOPES)
def test_the_slope_of_ones_own_formula_has_its_cases_outside_and_its_arithmetic_done(formula: str) -> None:
    layers = (layer(1, 2, formula, 1),)
    text = bpsym.derive(example(2, layers, [[0.5]])).to_latex()
    assert f"f'(z) &= {SLOPES[formula]}" in text


@pytest.mark.parametrize("formula", [*SLOPES, *MIXED])
def test_cases_put_outside_change_no_value_at_their_borders_either(formula: str) -> None:
    """Compared with SymPy's own derivative, with numbers put in."""
    z = Read("z")
    plain = activation_of(formula).slope_at(z, None)
    for twice in range(-6, 7):
        assert with_cases_outside(plain).subs(z, Rational(twice, 2)) == plain.subs(z, Rational(twice, 2))


def test_a_test_and_its_opposite_tell_the_same_two_cases_apart() -> None:
    z = Read("z")
    both = Piecewise((1, z > 0), (2, True)) + Piecewise((10, z <= 0), (20, True))
    assert with_cases_outside(both) in (
        Piecewise((21, z > 0), (12, True)),
        Piecewise((12, z <= 0), (21, True)),
    )


def test_the_slope_of_a_hinge_is_zero_or_the_target_and_the_rest_of_the_chain_stays_outside() -> None:
    layers = (layer(2, 2, "tanh", 1),)
    text = bpsym.derive(example(2, layers, [[1, -1]], loss="max(0, 1 - a*t)")).to_latex()
    cases = r"\begin{cases} 0, & t_1 a^{(1)}_1 \ge 1 \\ -t_1, & t_1 a^{(1)}_1 < 1 \end{cases}"
    assert cases in text
    assert not re.search(r"-0(?![.\d])", text[text.index("The loss}") : text.index("The code}")])
    assert r"\left(-" not in text


def test_chains_are_written_with_the_case_that_the_sample_is_in_which_is_shown_before_them() -> None:
    """Huber's loss of two outputs: one less than 1 away from its target, one more."""
    layers = (layer(2, 2, "tanh", 1), layer(2, 2, "identity", 2))
    one = example(2, layers, [[0.5, 3]], loss="huber")
    document = bpsym.derive(one)
    found = steps(document.derivation)
    chains = [step for label, step in found.items() if label.startswith("chain")]
    assert len(chains) == 12
    assert not any("Cases" in repr(step.forms) for step in chains)
    text = document.to_latex()
    for unit, chosen in ((1, r"a^{(2)}_1 - t_1"), (2, r"\operatorname{sgn}\bigl(a^{(2)}_2 - t_2\bigr)")):
        start = text.index(rf"\frac{{\partial L}}{{\partial a^{{(2)}}_{unit}}} &= \begin{{cases}}")
        assert text[start:].split(r" \\" + "\n")[1].startswith(f" &= {chosen}")
    assert [line for line in recompute.lines(text, called(document)) if not line.ok] == []


def test_without_numbers_no_case_is_chosen() -> None:
    layers = tuple(bpsym.Dense(units=units, activation="tanh") for units in (2, 1))
    one = bpsym.Example(network=bpsym.Network(inputs=2, layers=layers, loss="huber"))
    found = steps(bpsym.derive(one).derivation)
    assert "Cases" in repr(found["chain-w2-11"].forms)


def test_zero_has_no_sign_where_a_target_of_zero_is_subtracted() -> None:
    layers = (layer(2, 2, "tanh", 1),)
    document = bpsym.derive(example(2, layers, [[0, -9]], loss="max(0, 1 - a*t)"))
    found = recompute.lines(document.to_latex(), called(document))
    assert len(found) > 10
    assert [line for line in found if not line.ok] == []


@pytest.mark.parametrize(
    ("loss", "slope"),
    [
        ("exp(a*t)", r"t \cdot e^{t a^{(1)}_1} \cdot"),
        ("log(1 + exp(-a*t))", r"-\frac{t e^{-t a^{(1)}_1}}{1 + e^{-t a^{(1)}_1}}"),
    ],
)
def test_the_target_stands_before_what_is_computed_with_it(loss: str, slope: str) -> None:
    assert slope in one_neuron("tanh", loss=loss)
