"""How everything that a network can have is shown: each printed line recomputed, each number from a source of its own."""

from __future__ import annotations

import math
import re
import time
from fractions import Fraction
from typing import Any

import mpmath
import pytest

import bpsym
from bpsym import api
from bpsym.derivation.forms import Derivation, Equations, SampleTable
from bpsym.derivation.worth import worth
from bpsym.network.clips import CLIPS
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.publish import tex
from bpsym.typeset.phrases import load_phrases
from tests.shown import FORMS, GENERIC, NUMERIC, SHOWN, document_of, mazur, rows
from tests.test_derivation import steps
from tests.test_documents import CLASS, FIRST_LINE, complaints, display_formulas, in_each_language
from tests.witness.activations import called
from tests.witness.recompute import bare_values, lines


def rowwise(text: str) -> list[list[list[str]]]:
    """The cells of each table of the document, row by row."""
    found = re.findall(r"\\begin\{array\}\{[^}]*\}(.*?)\\end\{array\}", text, re.DOTALL)
    plain = [re.sub(r"\\hline|\[[\d.]+ex\]", "", table) for table in found]
    return [
        [[cell.strip() for cell in row.split("&")] for row in table.split(r"\\") if row.strip()]
        for table in plain
    ]


def number(cell: str) -> Fraction:
    mantissa, power = parts(cell)
    return Fraction(mantissa) * Fraction(10) ** power


def place(cell: str) -> Fraction:
    """One unit in the last place of a printed number."""
    mantissa, power = parts(cell)
    return Fraction(10) ** (power - len(mantissa.partition(".")[2]))


def parts(cell: str) -> tuple[str, int]:
    """The digits and the power of ten; 10^{-8} is 1 times it."""
    mantissa, _, power = cell.replace("10^{", r"1 \cdot 10^{", "cdot" not in cell).partition(r" \cdot 10^{")
    return mantissa, int(power.rstrip("}") or 0)


# Lines, references, TeX, KaTeX -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMERIC)
@pytest.mark.parametrize("form", FORMS)
def test_every_printed_line_recomputes(name: str, form: str) -> None:
    derived = document_of(name, form)
    for lang in api.languages():
        found = lines(derived.to_latex(lang), called(derived))
        assert [line for line in found if not line.ok] == []
        assert form == "index" or len(found) > 15


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("form", FORMS)
def test_every_cited_equation_has_its_label_once(name: str, form: str) -> None:
    text = document_of(name, form).to_latex("zh")
    labels = re.findall(r"\\label\{\\bpsymprefix ([^}]*)\}", text)
    cited = re.findall(r"\\eqref\{\\bpsymprefix ([^}]*)\}", text)
    assert cited
    assert set(cited) <= set(labels)
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("lang", in_each_language)
def test_a_fragment_of_each_network_fits_on_its_pages(name: str, lang: str) -> None:
    """In both forms, one after the other, each with a prefix of its own for its labels."""
    host = f"{FIRST_LINE[lang]}\\documentclass[11pt,a4paper]{{{CLASS[lang]}}}\\usepackage{{amsmath,tikz}}"
    inputs = "\\newcommand{\\bpsymprefix}{}" + "".join(
        f"\\renewcommand{{\\bpsymprefix}}{{{form}:}}\\input{{{form}}}\\clearpage\n" for form in FORMS
    )
    fragments = {
        f"{form}.tex": without_listing(document_of(name, form).to_latex(lang, "fragment")) for form in FORMS
    }
    text = f"{host}\n\\begin{{document}}\n{inputs}\\end{{document}}\n"
    assert tex.faults(tex.compiled(text, fragments).log) == ()


def without_listing(text: str) -> str:
    return re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", text, flags=re.DOTALL)


@pytest.mark.katex
def test_katex_in_strict_mode_sets_every_formula_of_each_network() -> None:
    texts = (
        document_of(name, form).to_latex(lang, "fragment")
        for name in SHOWN
        for form in FORMS
        for lang in api.languages()
    )
    assert complaints(list(dict.fromkeys(one for text in texts for one in display_formulas(text)))) == []


# What a form is, is what its number is ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMERIC)
def test_every_value_is_that_of_the_form_before_it(name: str) -> None:
    """The update rule's own text among them, which the Program computes from in SymPy's order."""
    derivation = document_of(name, "scalar").derivation
    compared = 0
    for section in derivation.sections:
        values = derivation.values[section.state]
        for block in section.blocks:
            for step in block.steps if isinstance(block, Equations) else ():
                if step.value is None or isinstance(step.value, tuple) or "SumOver" in repr(step.forms[-1]):
                    continue
                found = worth(
                    step.forms[-1], lambda one, known=values: known[one.read.name][place_of(one.read)]
                )
                assert abs(precise(found) - precise(step.value)) < mpmath.mpf(10) ** -30, step.lhs
                compared += 1
    assert compared > 10


def place_of(read: Any) -> tuple[int, ...]:
    return tuple(int(index) for index in read.at)


def precise(value: Any) -> Any:
    with mpmath.workdps(50):
        return (
            mpmath.mpf(value.numerator) / value.denominator
            if isinstance(value, Fraction)
            else mpmath.mpf(value)
        )


# Error terms ------------------------------------------------------------------------------------------------------


def test_after_softmax_an_error_term_is_the_output_less_the_target() -> None:
    derivation = document_of("softmax").derivation
    z = [float(derivation.values[0]["z2"][0, unit]) for unit in range(3)]
    total = sum(map(math.exp, z))
    found = steps(derivation)
    for unit, target in enumerate((0, 1, 0), start=1):
        expected = math.exp(z[unit - 1]) / total - target
        assert float(found[f"delta2-{unit}"].value) == pytest.approx(expected, rel=1e-12)


def test_the_lines_to_a_softmax_error_term_are_shown_and_targets_that_do_not_sum_to_one_are_named() -> None:
    ones = document_of("softmax").to_latex()
    assert ones.count(r"\sum_{k \ne i}") == 2
    assert r"&= a^{(2)}_1 - t_1 \notag" in ones
    assert "sum to 1, so only the output minus the target is left" in ones
    other = document_of("targets").to_latex()
    assert "The targets of sample 2 do not sum to 1" in other
    assert r"= y_i^{[1]} \sum_{k=3}^{5} t_k^{[1]} - t_i^{[1]}" in other


def test_a_softmax_chain_over_all_outputs_is_the_gradient() -> None:
    """Each pair of output and sum has one local derivative, though the equation reads the sum twice."""
    found = steps(document_of("squared softmax").derivation)
    chain, gradient = found["chain-w1-12"], found["dw1-12"]
    assert len(chain.forms[0].terms) == 2
    assert abs(precise(chain.value) - precise(gradient.value)) < mpmath.mpf(10) ** -30


def test_after_a_sigmoid_binary_cross_entropy_cancels_line_by_line() -> None:
    text = document_of("two classes").to_latex()
    assert r"\frac{a^{(2)}_1 - t}{a^{(2)}_1 \cdot \bigl(1 - a^{(2)}_1\bigr)} \cdot a^{(2)}_1" in text
    assert r"&= a^{(2)}_1 - t" in text


def test_a_general_f_is_each_neurons_own_and_no_number_is_printed() -> None:
    text = without_listing(bpsym.derive(GENERIC).to_latex())
    assert r"f_6'(z_6)" in text
    assert r"\delta_8 \cdot w_{86} \cdot f_6'(z_6)" in text
    assert r"\approx" not in text
    assert bare_values(text, {}) == []


# Samples ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["targets", "penalties", "adam", "sum", "batches"])
def test_the_printed_contributions_have_the_printed_mean_or_sum(name: str) -> None:
    example = NUMERIC[name]
    derivation = bpsym.derive(example).derivation
    count = sum(
        len(block.columns)
        for one in derivation.sections
        for block in one.blocks
        if isinstance(block, SampleTable)
    )
    seen = 0
    for head, *body in rowwise(bpsym.derive(example).to_latex()):
        samples = [row for row in body if row[0].isdigit()]
        if len(samples) == len(body):  # what is given
            continue
        last = body[len(samples)]
        for column in range(1, len(head)):
            total = sum((number(row[column]) for row in samples), Fraction(0))
            expected = total / len(samples) if "mean" in last[0] else total
            unit = place(last[column])
            assert round(expected / unit) * unit == number(last[column])
            seen += 1
    assert seen == count > 0


@pytest.mark.parametrize("name", ["targets", "penalties", "sum"])
def test_contributions_and_penalty_make_the_gradient(name: str) -> None:
    derivation = document_of(name).derivation
    tables = [block for one in derivation.sections for block in one.blocks if isinstance(block, SampleTable)]
    assert [table.ends[1] for table in tables] == ["loss"] * (name == "penalties") + ["gradient"]
    for _, amounts, penalty, _, gradient in (column for table in tables for column in table.columns):
        total = sum(map(precise, amounts)) / (len(amounts) if tables[0].mean else 1)
        assert abs(total + precise(penalty or 0) - precise(gradient)) < mpmath.mpf(10) ** -14


def test_of_many_samples_the_first_few_contributions_are_shown_and_it_is_said() -> None:
    example = bpsym.Example(
        network=bpsym.Network(
            inputs=1, layers=(bpsym.Dense(units=1, activation="tanh", weights=[[0.3]], bias="none"),)
        ),
        data={"x": rows(20, 1, 1), "t": rows(20, 1, 2)},
    )
    text = bpsym.derive(example).to_latex()
    given, *tables = [[row[0] for row in table] for table in rowwise(text)]
    assert given == [r"\text{sample $s$}", "1", "2", "3", r"\vdots"]
    assert tables == [[*given, r"\text{mean}"]] * 2
    assert "contributions of the first 3 of the 20 samples" in text


def test_the_first_batch_is_the_one_that_the_trainer_draws() -> None:
    example = NUMERIC["batches"]
    document = bpsym.derive(example)
    trainer = bpsym.trainer(example)
    assert example.data is not None
    x, t = ([[float(one) for one in row] for row in part] for part in (example.data.x, example.data.t))
    parameters, losses = trainer.train(trainer.INITIAL, x, t, 0.5, 1)[:2]
    assert float(document.derivation.values[0]["C"][()]) == pytest.approx(losses[0], rel=1e-12)
    assert float(document.derivation.values[1]["W1"][1, 0]) == pytest.approx(parameters[2], rel=1e-12)
    assert "A step sees at most 2 samples at a time" in document.to_latex()


# Index form -------------------------------------------------------------------------------------------------------


def test_above_forty_gradients_equations_have_indices_and_numbers_are_matrices() -> None:
    text = document_of("indexed").to_latex()
    assert r"z^{(1)[s]}_i &= \sum_{j=1}^{3} w^{(1)}_{ij} x_j^{[s]} + b^{(1)}_i" in text
    assert r"\left(\sum_{k=1}^{4} \delta^{(2)[s]}_k w^{(2)}_{ki}\right)" in text
    assert r"\frac{\partial J}{\partial w^{(2)}_{ij}} &= \frac{1}{14} \sum_{s=1}^{14}" in text
    assert r"(i = 1, \ldots, 8,\ j = 1, \ldots, 3)" in text
    assert r"\frac{\partial J}{\partial \boldsymbol{W}^{(1)}} \approx \begin{bmatrix}" in text


def test_both_forms_have_the_same_numbers() -> None:
    one, other = (document_of("indexed", form).derivation for form in FORMS)
    for state in (0, 1):
        for name in ("W1", "W2", "b1"):
            at = (1,) if name == "b1" else (1, 2)
            assert one.values[state][name][at] == other.values[state][name][at]


def test_a_single_weight_is_shown_in_full_on_request() -> None:
    found = steps(bpsym.derive(NUMERIC["indexed"], weights=("w1_23", "b2_1")).derivation)
    assert {label for label in found if label.startswith("chain")} == {"chain-w1-23", "chain-b2-1"}
    assert len(found["chain-w1-23"].forms[0].terms) == 4


def test_a_large_network_is_derived_in_seconds_and_its_large_matrices_are_left_out() -> None:
    example = bpsym.Example(
        network=bpsym.Network(
            inputs=64,
            layers=(
                bpsym.Dense(units=32, activation="tanh", weights=rows(32, 64, 1)),
                bpsym.Dense(units=10, activation="softmax", weights=rows(10, 32, 2)),
            ),
            loss="cross_entropy",
        ),
        data={
            "x": rows(1437, 64, 3),
            "t": [[int(unit == row % 10) for unit in range(10)] for row in range(1437)],
        },
        training={"steps": 1000},
    )
    start = time.process_time()
    text = bpsym.derive(example, weights=("w2_3_4",)).to_latex()
    assert time.process_time() - start < 10
    assert (
        r"The numbers of $\boldsymbol{x}^{[1]}$ (64 entries), $\boldsymbol{W}^{(1)}$ ($32 \times 64$),"
        in text
    )
    assert r"$\boldsymbol{\delta}^{(1)[1]}$ has 32 entries; their numbers are left out." in text
    assert r"\boldsymbol{\delta}^{(2)[1]} \approx \begin{bmatrix}" in text
    assert "import numpy as np" in text


# Updates ----------------------------------------------------------------------------------------------------------


def test_the_sequential_update_gives_the_published_loss() -> None:
    """Mazur: E after one round 0.291027924, which is the sequential rule's."""
    document = bpsym.derive(mazur(update="sequential"))
    found = steps(document.derivation)
    assert float(found["loss-after-one-step"].value) == pytest.approx(0.29102792390544, abs=1e-14)
    simultaneous = steps(bpsym.derive(mazur()).derivation)
    assert float(simultaneous["loss-after-one-step"].value) == pytest.approx(0.291027774, abs=5e-10)
    text = document.to_latex()
    assert (
        text.index(r"w_{53} &\leftarrow")
        < text.index(r"\tilde{\delta}_3 &=")
        < text.index(r"w_{31} &\leftarrow")
    )


def test_a_frozen_parameter_has_neither_gradient_nor_update() -> None:
    document = document_of("frozen")
    found = steps(document.derivation)
    assert "update-w2-11" in found
    assert not [label for label in found if "w1-" in label or "b1-" in label]
    assert "In layer 1, the weights and the biases are frozen" in document.to_latex()


def test_the_first_step_of_adam_is_shown_with_its_states() -> None:
    """By hand: m = 0.1 g, v = 0.001 g^2, corrected g and g^2, so that a step is rate * g / (|g| + eps)."""
    derivation = document_of("adam").derivation
    found = steps(derivation)
    assert float(found["step-rate"].value) == pytest.approx(0.5 / 4)
    gradient = float(derivation.values[0]["g.W2"][0, 0])
    norm = math.hypot(
        *(float(one) for name in ("g.W1", "g.b1", "g.W2", "g.b2") for one in all_of(derivation, name))
    )
    assert norm == pytest.approx(0.1, rel=1e-12)
    old, new = (float(derivation.values[state]["W2"][0, 0]) for state in (0, 1))
    assert new == pytest.approx(old - 0.125 * gradient / (abs(gradient) + 1e-8), rel=1e-12)


def all_of(derivation: Derivation, name: str) -> list[Any]:
    shape = tuple(map(int, derivation.program[name].shape))
    places = (
        [(row, column) for row in range(shape[0]) for column in range(shape[1])] if len(shape) == 2 else []
    )
    return [derivation.values[0][name][at] for at in places or [(row,) for row in range(shape[0])]]


# Words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said", "unsaid"),
    [
        (
            "frozen",
            ["At $z = 0$ there is no derivative", "In layer 1, the weights and the biases are frozen"],
            ["penalty", "mean over"],
        ),
        ("penalties", ["half of $0.01$ times", "$0.001$ times", "mean over the 2 samples"], ["frozen"]),
        (
            "sum",
            ["sum over the 4 samples", "without dividing", "In layer 1, all neurons share one"],
            ["penalty"],
        ),
        (
            "sequential",
            ["The update is sequential", "In layers 1 and 2, the biases are frozen"],
            ["All gradients are"],
        ),
    ],
)
def test_only_the_conventions_that_apply_are_said(name: str, said: list[str], unsaid: list[str]) -> None:
    text = document_of(name).to_latex()
    box = re.search(r"\\begin\{itemize\}(.*?)\\end\{itemize\}", text, re.DOTALL)
    assert box is not None
    assert [words for words in said if words not in box[1]] == []
    assert [words for words in unsaid if words in box[1]] == []


@pytest.mark.parametrize("name", SHOWN)
def test_chinese_documents_have_no_english_words_in_their_sentences(name: str) -> None:
    prose = without_listing(document_of(name).to_latex("zh").split(r"\maketitle")[1])
    prose = re.sub(
        r"\\begin\{(align\*?|equation\*|tikzpicture|tabular)\}.*?\\end\{\1\}|\\\[.*?\\\]|\$[^$]*\$",
        "",
        prose,
        flags=re.DOTALL,
    )
    prose = re.sub(r"\\(?:label|eqref)\{[^}]*\}|\\[a-zA-Z]+", "", prose)
    words = set(re.findall(r"[A-Za-z]{2,}", prose))
    assert words <= {"document", "pt", "center", "itemize", "softmax", "ReLU", "tikzpicture"}, words


def test_every_line_of_every_rule_has_words_of_its_own() -> None:
    """A number that all parameters share is said to be what it is, not only to be shared."""
    shared = {name for one in (*OPTIMIZERS.values(), *CLIPS.values()) for name in one.scalars}
    for lang in api.languages():
        phrases = load_phrases(lang, "standard").tables["remarks"]
        assert [name for name in sorted(shared) if f"line_{name}" not in phrases] == []


def test_every_state_of_every_optimiser_is_named_where_it_is_computed() -> None:
    states = {one.means.get(name, name) for one in OPTIMIZERS.values() for name in one.states}
    for lang in api.languages():
        phrases = load_phrases(lang, "standard").tables["remarks"]
        named = {key.removeprefix("state_") for key in phrases if key.startswith("state_")} - {"one"}
        begun = {"sum_of_squares_from"}
        assert named == states | begun | {f"{name}_one" for name in states | begun}
