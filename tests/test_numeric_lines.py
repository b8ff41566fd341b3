"""Every numeric line of every document is recomputed from its printed text, by an evaluator of its own."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import bpsym
from bpsym import api
from bpsym.notation.names import Names
from bpsym.typeset import equations
from bpsym.typeset.numbers import numeric_line
from tests.running import ROOT
from tests.shown import FORMS, SHOWN, document_of
from tests.test_witnesses import BLOG, blog_data, blog_parameters
from tests.witness import handwritten
from tests.witness.activations import called_in
from tests.witness.recompute import PRECISE, CannotRead, bare_values, lines, precise, sigmoid

BLOGS = {"f": sigmoid}
DOCUMENTS = sorted((ROOT / "generated").glob("*/*.tex"))

COUNTS = {
    "agh": 0, "blog": 37, "digits": 2, "iamtrask_three_layer": 76, "iamtrask_two_layer": 18, "mazur": 47,
    "nielsen": 79, "nielsen_cross_entropy": 75, "nielsen_neuron": 13, "softmax": 68, "xor": 44,
}  # fmt: skip
"""How many lines with an operation each preset's documents have: none may be lost."""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_numeric_line_recomputes_from_its_printed_text(path: Path) -> None:
    example = bpsym.load(path.parent.name)
    found = lines(path.read_text(encoding="utf-8"), called_in(Names.of(example.notation, example.network)))
    assert [line for line in found if not line.ok] == []
    assert len(found) == COUNTS[path.parent.name]


def test_every_committed_document_is_read() -> None:
    assert len(DOCUMENTS) == 4 * len(api.presets())


def test_a_fresh_derivation_recomputes_too() -> None:
    """Not only what was committed: what the code prints now."""
    found = lines(bpsym.derive(bpsym.load("blog")).to_latex(), BLOGS)
    assert len(found) == COUNTS["blog"]
    assert all(line.ok for line in found)


def test_the_values_after_a_hundred_steps_are_the_handwritten_trainers() -> None:
    text = (ROOT / "generated" / "blog" / "derivation.en.tex").read_text(encoding="utf-8")
    shown = {bare.left: bare.right for bare in bare_values(text, BLOGS)}
    parameters, _ = handwritten.train(BLOG, blog_parameters(), *blog_data(), steps=100, learning_rate=1)
    numbers = dict(
        zip(
            ("w_{31}", "w_{32}", "w_{41}", "w_{42}", "w_{53}", "w_{54}"),
            handwritten.flatten(parameters),
            strict=True,
        )
    )
    numbers["C"] = handwritten.loss(BLOG, parameters, *blog_data())
    for name, value in numbers.items():
        mantissa, _, power = shown[name].partition(r" \cdot 10^{")
        printed = Fraction(mantissa) * Fraction(10) ** int(power.rstrip("}") or 0)
        digits = len(mantissa.lstrip("-0.").replace(".", ""))
        assert digits == 6
        assert abs(Fraction(str(value)) - printed) <= abs(printed) * Fraction(5, 10**6)


def example(**changes: Any) -> bpsym.Example:
    """A 2-2-2 network with negative numbers, biases, two activations and two samples."""
    layers = (
        bpsym.Dense(
            units=2, activation="tanh", bias="layer", weights=[[0.15, -0.2], [0.25, 0.3]], biases=0.35
        ),
        bpsym.Dense(
            units=2,
            activation="sigmoid",
            bias="neuron",
            weights=[[0.4, 0.45], [-0.5, 0.55]],
            biases=[0.6, -0.6],
        ),
    )
    network = bpsym.Network(inputs=2, layers=layers, loss=changes.pop("loss", "half_squared_error"))
    return bpsym.Example(
        notation=changes.pop("notation", "blog"),
        network=network,
        data={"x": [[0.05, 0.1], [-1, 0.3]], "t": [[0.01, 0.99], [0, 1]]},
        training={"learning_rate": 0.5, "steps": 20},
    )


@pytest.mark.parametrize("notation", api.notations())
@pytest.mark.parametrize("loss", ["half_squared_error", "squared_error"])
@pytest.mark.parametrize("digits", [3, 6, 12])
def test_lines_of_other_networks_recompute_with_any_number_of_digits(
    notation: str, loss: str, digits: int
) -> None:
    document = bpsym.derive(example(notation=notation, loss=loss), digits=digits)
    tanh = PRECISE.tanh
    functions = {
        document.names.function(1): lambda z: tanh(precise(z)),
        document.names.function(2): sigmoid,
    }
    found = lines(document.to_latex(), functions)
    assert [line for line in found if not line.ok] == []
    assert len(found) > 50


def one_weight(**training: Any) -> bpsym.Example:
    """z = 0.5 x with x = 1: the gradient is 0.5 less the target."""
    layer = bpsym.Dense(units=1, bias="none", weights=[[0.5]])
    data = {"x": [[1]], "t": [[training.pop("target", 0)]]}
    network = bpsym.Network(inputs=1, layers=[layer])
    return bpsym.Example(notation="blog", network=network, data=data, training={"steps": 1} | training)


def recomputed(example: bpsym.Example) -> str:
    """The document, after its lines are recomputed."""
    latex = bpsym.derive(example).to_latex()
    assert [line for line in lines(latex, {}) if not line.ok] == []
    return latex.partition(r"\begin{verbatim}")[0]


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "adamw"])
def test_a_small_gradient_that_is_squared_stands_in_brackets(name: str) -> None:
    """Without them TeX refuses the line: 10^{-5}^2 has two superscripts."""
    for target, shown in (
        ("0.49998335488", r"\bigl(1.664512 \cdot 10^{-5}\bigr)^2"),
        ("0.50001664512", r"\bigl(-1.664512 \cdot 10^{-5}\bigr)^2"),
        ("0.49999", r"\bigl(10^{-5}\bigr)^2"),
        ("0.4", "0.1^2"),
    ):
        latex = recomputed(one_weight(optimizer=name, target=Fraction(target)))
        assert f" {shown} " in latex
        assert "}^2" not in latex.replace(r"\frac{1}{2}", "")


@pytest.mark.parametrize(
    ("steps", "shown"),
    [(4, "1/4"), (10**6, "1/10^{6}"), (2_500_000, r"1/\bigl(2.5 \cdot 10^{6}\bigr)")],
)
def test_a_large_number_that_something_is_divided_by_stands_in_brackets_where_it_is_a_product(
    steps: int, shown: str
) -> None:
    latex = recomputed(one_weight(schedule={"name": "warmup", "steps": steps}))
    assert shown in latex


# The evaluator itself --------------------------------------------------------------------------------------------

GOOD = r"""
\begin{align}
\frac{\partial C}{\partial w_{31}}
  &= \frac{\partial C}{\partial y_5} \cdot \frac{\partial y_5}{\partial z_5} \label{bp:dw31} \\
  &= (y_5 - y_{\mathrm{out}}) \cdot f(z_5)\,\bigl(1 - f(z_5)\bigr) \notag \\
  &\approx (0.6902835 - 0.5) \cdot 0.6902835 \cdot (1 - 0.6902835) \notag \\
  &\qquad {} \cdot 0.3 \cdot 0.6802672 \cdot (1 - 0.6802672) \cdot 0.35 \notag \\
  &\approx 0.000929071 \notag
\end{align}
"""


def test_a_line_over_two_rows_is_one_line() -> None:
    (line,) = lines(GOOD, BLOGS)
    assert line.ok
    assert line.right == "0.000929071"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (r"\[ 0.1 \cdot 0.35 + 0.8 \cdot 0.9 = 0.755 \]", ""),
        (r"\[ f(0.755) \approx 0.680267 \]", ""),
        (r"\[ f\!\left(\begin{bmatrix} 0.755 \\ 0.68 \end{bmatrix}\right) \approx \begin{bmatrix} 0.680267 \\ 0.663739 \end{bmatrix} \]", ""),
        (r"\[ \frac{1}{2} \cdot (0.6902835 - 0.5)^2 \approx 0.0181039 \]", ""),
        (r"\[ 0.5 + (-0.2) \cdot 0.1 = 0.48 \]", ""),
        (r"\[ \bigl(2 \cdot 10^{-5}\bigr)^2 = 4 \cdot 10^{-10} \]", ""),
        (r"\[ \bigl(10^{-5}\bigr)^2 = 10^{-10} \]", ""),
        (r"\[ 2 \cdot 10^{-5} \cdot 0.5 = 10^{-5} \]", ""),
        (r"\[ 1/3 \cdot 10^{-5} \approx 3 \cdot 10^{-6} \]", ""),
        (r"\[ 0.5 \cdot 0.1^{\lfloor (8 - 1)/3 \rfloor} = 0.005 \]", ""),
        (r"\[ \max\!\left(-0.1, \min\bigl(0.3, 0.2\bigr)\right) = 0.2 \]", ""),
        (r"\[ 0.5 \cdot 0.1^{\bigl\lfloor (9 + 1)/3 \bigr\rfloor} = 0.05 \]", "= between sides that differ"),
        (r"\[ 3 \cdot 10^{-7} \cdot 2 = 6 \cdot 10^{-7} \]", ""),
        (r"\[ f(0.755) \approx 0.680268 \]", "computed"),
        (r"\[ 0.1 \cdot 0.35 = 0.036 \]", "= between sides that differ"),
        (r"\[ 0.1 \cdot 0.35 \approx 0.035 \]", "the sides are equal"),
        (r"\[ 1 - 0.690283 \cdot 0.690283 \approx 0.213792 \]", "computed"),
        (r"\[ 0.5 + -0.2 = 0.3 \]", "without brackets"),
        (r"\[ 0.5 \cdot -0.2 = -0.1 \]", "without brackets"),
        (r"\[ 0.5 - 0.5 = -0 \]", "minus zero"),
        (r"\[ 0.001 \cdot 0.02 = 0.00002 \]", "should be scientific"),
        (r"\[ (0.1 - 0.5) \cdot 2 = 0.8 \]", "= between sides that differ"),
    ],
)  # fmt: skip
def test_right_lines_pass_and_wrong_ones_are_named(text: str, why: str) -> None:
    (line,) = lines(text, BLOGS)
    assert why in line.why
    assert bool(why) == bool(line.why)


@pytest.mark.parametrize(
    "text",
    [
        r"\[ 2 \cdot 10^{-5}^2 = 4 \cdot 10^{-10} \]",
        r"\[ 2 \cdot (3 + 4 = 14 \]",
        r"\[ 2 \cdot \cdot 3 = 6 \]",
        r"\[ 2 + + 3 = 5 \]",
    ],
)
def test_a_line_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(CannotRead):
        lines(text, BLOGS)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SHOWN)
def test_no_line_of_these_documents_is_left_without_its_numbers(
    name: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a saturated output may have none: then no number of digits makes the line recomputable."""
    made = []

    def seen(*arguments: Any) -> Any:
        made.append(numeric_line(*arguments))
        return made[-1]

    monkeypatch.setattr(equations, "numeric_line", seen)
    document_of(name, form).to_latex()
    assert made or form == "index" or name == "generic"  # which have few lines with numbers, or none
    assert None not in made
