"""The derivation: the blog's order, right numbers, and proofs that what is shown is what is true."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import pytest

import bpsym
from bpsym import api
from bpsym.derivation.forms import Derivation, Element, Equations, Listing, Partial, Step
from bpsym.derivation.worth import worth
from bpsym.errors import UsageError
from bpsym.network.optimizers import OPTIMIZERS, Optimizer
from tests.shown import SHOWN, document_of
from tests.test_training_rules import one_weight
from tests.witness.recompute import equated

RIGHT = {
    "chain-w53": "0.0276740349387178682",
    "chain-w54": "0.0270016369910074140",  # 0.9 less the updated w54
    "chain-w31": "0.000929071160809660",
    "chain-w32": "0.00238904012779626883",
    "chain-w41": "0.00286007577244545501",
    "chain-w42": "0.00735448055771688431",
    "delta5": "0.0406811251123390390",
    "delta3": "0.00265448903088474314",
    "delta4": "0.00817164506412987145",
    "loss": "0.018103903836566779",
    "loss-after-one-step": "0.016565382326770397",
    "update-w31": "0.099070928839190339",
    "update-w32": "0.797610959872203731",
    "update-w41": "0.397139924227554544",
    "update-w42": "0.592645519442283115",
    "update-w53": "0.272325965061282131",
    "update-w54": "0.872998363008992585",
}
"""REFERENCE: the blog's network, recomputed independently with 40 digits."""


def steps(derivation: Derivation) -> dict[str, Step]:
    return {
        step.label: step
        for section in derivation.sections
        for block in section.blocks
        if isinstance(block, Equations)
        for step in block.steps
        if step.label
    }


@pytest.fixture(scope="module", name="blog")
def _blog() -> bpsym.Document:
    return bpsym.derive(bpsym.load("blog"))


def test_the_sections_stand_in_the_order_of_the_blog(blog: bpsym.Document) -> None:
    assert [section.key for section in blog.derivation.sections] == [
        "symbols", "conventions", "network", "given", "forward", "loss", "output_gradients", "hidden_gradients", "error_terms",
        "update", "second_pass", "trained", "vanishing", "code",
    ]  # fmt: skip


@pytest.mark.parametrize("label", RIGHT)
def test_the_blogs_numbers_are_right_to_thirteen_digits(blog: bpsym.Document, label: str) -> None:
    found = steps(blog.derivation)[label].value
    assert abs(found - mpmath.mpf(RIGHT[label])) < abs(mpmath.mpf(RIGHT[label])) * mpmath.mpf("1e-13")


def test_after_a_hundred_steps_the_loss_is_the_right_one_not_the_codes(blog: bpsym.Document) -> None:
    (section,) = (one for one in blog.derivation.sections if one.key == "trained")
    values = dict(section.blocks[1].rows)  # type: ignore[union-attr]
    numbers = [float(value) for value in values.values()]
    assert numbers[0] == pytest.approx(2.918213772e-07, rel=1e-9)
    assert numbers[1:] == pytest.approx(
        [0.099497286575, 0.798707308337, 0.356500280268, 0.488143577833, -0.300472254293, 0.325336028224],
        abs=1e-12,
    )


def test_every_chain_multiplies_out_to_the_gradient_of_the_program(blog: bpsym.Document) -> None:
    found = steps(blog.derivation)
    for name in ("w31", "w32", "w41", "w42", "w53", "w54"):
        assert abs(found[f"chain-{name}"].value - found[f"d{name}"].value) < 1e-35


def test_a_hidden_weight_is_reached_over_every_output() -> None:
    """2-2-2: two paths to each hidden weight, and their sum is its gradient."""
    derivation = bpsym.derive(two_outputs()).derivation
    found = steps(derivation)
    chain = found["chain-w31"]
    assert len(chain.forms[0].terms) == 2
    assert abs(chain.value - found["dw31"].value) < 1e-35


def two_outputs(samples: int = 1, steps: int = 0) -> bpsym.Example:
    data = {
        "x": [["0.05", "0.10"], ["0.3", "-0.2"]][:samples],
        "t": [["0.01", "0.99"], ["0.5", "0.2"]][:samples],
    }
    exact = {key: [[Fraction(entry) for entry in row] for row in rows] for key, rows in data.items()}
    return bpsym.Example(
        notation="blog",
        network=bpsym.Network(
            inputs=2,
            layers=(
                bpsym.Dense(
                    units=2,
                    activation="sigmoid",
                    bias="layer",
                    weights=[[0.15, 0.2], [0.25, 0.3]],
                    biases=0.35,
                ),
                bpsym.Dense(
                    units=2,
                    activation="sigmoid",
                    bias="layer",
                    weights=[[0.4, 0.45], [0.5, 0.55]],
                    biases=0.6,
                ),
            ),
        ),
        data=exact,
        training={"learning_rate": 0.5, "steps": steps},
    )


def test_mazurs_network_has_his_gradients() -> None:
    """Mazur, "A Step by Step Backpropagation Example": E 0.298371109, dE/dw5 0.082167041, dE/dw1 0.000438568."""
    found = steps(bpsym.derive(two_outputs()).derivation)
    assert float(found["loss"].value) == pytest.approx(0.298371109, abs=5e-10)
    assert float(found["chain-w53"].value) == pytest.approx(0.082167041, abs=5e-10)
    assert float(found["chain-w31"].value) == pytest.approx(0.000438568, abs=5e-10)
    assert float(found["delta5"].value) == pytest.approx(0.138498562, abs=5e-10)


def test_a_shared_bias_is_reached_over_every_neuron_of_its_layer() -> None:
    found = steps(bpsym.derive(two_outputs()).derivation)
    chain = found["chain-b-2"]
    assert len(chain.forms[0].terms) == 2
    assert abs(chain.value - found["db-2"].value) < 1e-35


def test_with_several_samples_the_gradient_is_the_mean_of_the_samples_chains() -> None:
    example = two_outputs(samples=2)
    each = [steps(bpsym.derive(example, sample=number).derivation)["chain-w31"].value for number in (1, 2)]
    mean = steps(bpsym.derive(example).derivation)["dw31"].value
    assert abs(sum(each) / 2 - mean) < 1e-35
    assert "w_{31}" in bpsym.derive(example).to_latex()
    assert "^{[1]}" in bpsym.derive(example).to_latex()


def test_every_value_is_that_of_its_last_form(blog: bpsym.Document) -> None:
    """What a line shows as a formula is what its number is."""
    derivation = blog.derivation
    compared = 0
    for section in derivation.sections:
        values = derivation.values[section.state]

        def lookup(element: Element, known: Any = values) -> Any:
            return known[element.read.name][tuple(int(index) for index in element.read.at)]

        for block in section.blocks:
            for step in block.steps if isinstance(block, Equations) else ():
                if step.value is None or step.label == "":
                    continue
                found = worth(step.forms[-1], lookup)
                flat = zip(rows(found), rows(step.value), strict=True)
                assert all(abs(one - other) < 1e-35 for one, other in flat), step.label
                compared += 1
    assert compared >= 20


def rows(value: Any) -> list[Any]:
    return (
        [leaf for part in value for leaf in rows(part)]
        if isinstance(value, tuple)
        else [mpmath.mpf(1) * _number(value)]
    )


def _number(value: Any) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def test_a_chain_shows_partials_then_local_derivatives(blog: bpsym.Document) -> None:
    chain = steps(blog.derivation)["chain-w31"]
    assert isinstance(chain.lhs, Partial)
    assert len(chain.forms[0].factors) == 5
    latex = blog.to_latex()
    assert (
        r"\frac{\partial C}{\partial y_5} \cdot \frac{\partial y_5}{\partial z_5} \cdot \frac{\partial z_5}{\partial y_3}"
        r" \cdot \frac{\partial y_3}{\partial z_3} \cdot \frac{\partial z_3}{\partial w_{31}}" in latex
    )
    assert r"(y_5 - y_{\mathrm{out}}) \cdot f(z_5)\,\bigl(1 - f(z_5)\bigr)" in latex


def test_above_forty_paths_error_terms_are_shown_and_single_chains_on_request() -> None:
    wide = bpsym.Example(
        network=bpsym.Network(
            inputs=2,
            layers=(
                bpsym.Dense(units=3, activation="tanh"),
                bpsym.Dense(units=4, activation="sigmoid"),
            ),
        ),
        notation="blog",
    )
    found = steps(bpsym.derive(wide).derivation)
    assert not [label for label in found if label.startswith("chain")]
    assert "delta3" in found
    asked = steps(bpsym.derive(wide, weights=("w41",)).derivation)
    assert [label for label in asked if label.startswith("chain")] == ["chain-w41"]


def test_an_unknown_weight_or_sample_is_refused_with_the_right_words() -> None:
    example = bpsym.load("blog")
    with pytest.raises(UsageError, match="unknown weight 'w33' \\(did you mean 'w53'"):
        bpsym.derive(example, weights=("w33",))
    with pytest.raises(UsageError, match="there is no sample 2: the example has 1"):
        bpsym.derive(example, sample=2)


def test_without_numbers_the_derivation_stays_in_symbols() -> None:
    network = bpsym.Network(inputs=2, layers=(bpsym.Dense(units=1, activation="sigmoid", bias="none"),))
    latex = bpsym.derive(bpsym.Example(network=network, notation="blog")).to_latex()
    assert r"\approx" not in latex
    assert r"\frac{\partial C}{\partial w_{31}}" in latex


def test_the_listing_is_the_generated_trainer(blog: bpsym.Document) -> None:
    (listing,) = blog.derivation.sections[-1].blocks[1:]
    assert isinstance(listing, Listing)
    assert listing.text == bpsym.generate(bpsym.load("blog"), target="python")


def test_labels_are_unique_slugs_and_numbers_run_from_one(blog: bpsym.Document) -> None:
    for example in (blog, bpsym.derive(two_outputs(samples=2, steps=3))):
        found = list(steps(example.derivation).values())
        assert [step.number for step in found] == list(range(1, len(found) + 1))
        assert all(re.fullmatch("[a-z0-9-]+", step.label) for step in found)
        labels = re.findall(r"\\label\{\\bpsymprefix ([^}]*)\}", example.to_latex())
        assert len(set(labels)) == len(labels) == len(found)


def test_both_languages_have_the_same_phrases_with_the_same_placeholders() -> None:
    import tomllib

    from bpsym import resources

    def placeholders(text: str) -> set[str]:
        return {name for name in re.findall(r"\{(\w+)\}", text) if not name.startswith("word_")}

    english, chinese = (
        tomllib.loads(resources.text(f"typeset/phrases/{lang}.toml")) for lang in ("en", "zh")
    )
    assert english.keys() == chinese.keys()
    for table, phrases in english.items():
        own = {key: text for key, text in chinese[table].items() if isinstance(text, str)}
        assert phrases.keys() == own.keys(), table
        for key, text in phrases.items():
            assert placeholders(text) == placeholders(own[key]), (table, key)


def test_the_chinese_uses_the_blogs_words_for_the_blog_and_a_teachers_elsewhere() -> None:
    blog = bpsym.derive(bpsym.load("blog"))
    ours = blog.to_latex(lang="zh")
    assert all(word in ours for word in ("权值", "正向传播", "结点", "梯度消失", "误差项"))
    assert "残差" not in ours
    standard = bpsym.derive(bpsym.load("blog"), notation="standard").to_latex(lang="zh")
    assert all(word in standard for word in ("权重", "前向传播", "神经元"))
    assert "权值" not in standard


@pytest.mark.parametrize(("rate", "words"), [(0, "it has not changed"), (1, "has fallen"), (60, "has risen")])
def test_what_became_of_the_loss_is_said_as_it_is(rate: int, words: str) -> None:
    layer = bpsym.Dense(units=1, activation="identity", bias="none", weights=[[0.5]])
    example = bpsym.Example(
        network=bpsym.Network(inputs=1, layers=(layer,)),
        data={"x": [[0.3]], "t": [[1]]},
        training={"learning_rate": rate, "steps": 1},
    )
    assert words in bpsym.derive(example).to_latex()


def test_biases_are_spoken_of_where_there_are_any() -> None:
    def text(bias: str) -> str:
        layer = bpsym.Dense(units=2, activation="sigmoid", bias=bias)
        return bpsym.derive(bpsym.Example(network=bpsym.Network(inputs=1, layers=(layer,)))).to_latex()

    assert "the weights and the biases can be changed" not in text("none")
    assert "its gradient is the error term itself" in text("neuron")
    assert "the sum of the layer's error terms" in text("layer")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("form", ["scalar", "index"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"l1": "1/10", "l2": "1/10"},
        {"update": "sequential"},
        {"optimizer": "adam", "clip": {"name": "norm", "max_norm": 1}},
        {"batch_size": 1},
    ],
    ids=str,
)
def test_where_all_is_frozen_nothing_is_said_of_training_but_that_there_is_none(
    settings: dict[str, Any], form: str, lang: str
) -> None:
    of_network = {key: value for key, value in settings.items() if key in ("l1", "l2")}
    of_training = {key: value for key, value in settings.items() if key not in of_network}
    layers = tuple(
        bpsym.Dense(
            units=units, weights=[[0.5] * 2] * units, biases=[0.1] * units, frozen=("weights", "biases")
        )
        for units in (2, 1)
    )
    example = bpsym.Example(
        network=bpsym.Network(inputs=2, layers=layers, **of_network),
        data=bpsym.Data(x=[[1, 2], [3, 4]], t=[[1], [2]]),
        training=bpsym.Training(learning_rate=0.1, steps=3, **of_training),
    )
    document = bpsym.derive(example, form=form)
    keys = [section.key for section in document.derivation.sections]
    assert keys == ["symbols", "conventions", "network", "given", "forward", "loss", "update", "code"]
    latex = document.to_latex(lang).partition(r"\begin{verbatim}")[0]
    assert {"en": "All parameters are frozen", "zh": "所有参数都是冻结的"}[lang] in latex
    assert r"\eta" not in latex


def equal_neighbours(latex: str) -> list[str]:
    """The sides that stand twice in an equation, one beside the other, as in x = 1 = 1."""
    return [left for sides in equated(latex) for (left, _), (right, _) in pairwise(sides) if left == right]


@pytest.mark.parametrize("name", SHOWN)
def test_no_side_of_an_equation_is_said_twice(name: str) -> None:
    for form in ("scalar", "index"):
        assert equal_neighbours(document_of(name, form).to_latex()) == []


def test_a_factor_of_one_is_one_and_no_more() -> None:
    training = {"optimizer": {"name": "momentum", "dampening": 0.5}}
    latex = bpsym.derive(one_weight(**training, steps=1)).to_latex()
    assert r"\tau_n &= \begin{cases} 1, & n \le 1 \\ 1 - \tau, & n > 1 \end{cases} = 1 \label" in latex


def test_brackets_are_as_large_as_what_they_enclose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIMIZERS, "down", Optimizer("down", about="", value="p - eta * abs(g)"))

    def text(**training: Any) -> str:
        return bpsym.derive(one_weight(**training, steps=1)).to_latex().partition(r"\begin{verbatim}")[0]

    clipped = text(clip={"name": "value", "clip_value": 0.1})
    gradient = r"\frac{\partial C}{\partial w_{21}}"
    assert rf"\max\!\left(-\rho, \min\!\left({gradient}, \rho\right)\right)" in clipped
    assert r"= \max\bigl(-0.1, \min(2, 0.1)\bigr) \label" in clipped
    assert rf"\left({gradient}\right)^2" in text(optimizer="adagrad")
    assert rf"\eta \left\lvert {gradient}\right\rvert" in text(optimizer="down")


SIZES = ("", "big", "Big", "bigg", "Bigg")


def nested(latex: str) -> set[tuple[str, str]]:
    """The sizes of brackets, each with that of the brackets around it."""
    found, around = set(), ["none"]
    for size, bracket in re.findall(r"(?:\\([bB]igg?)[lr]|\\left|\\right)?([()])", latex):
        if bracket == "(":
            found.add((size, around[-1]))
            around.append(size)
        else:
            around.pop()
    return found


@pytest.mark.parametrize("name", api.presets())
def test_brackets_around_brackets_are_larger(name: str) -> None:
    latex = bpsym.derive(bpsym.load(name)).to_latex("zh", "fragment").partition(r"\begin{verbatim}")[0]
    displays = re.findall(r"\\begin\{align\*?\}.*?\\end\{align", latex, re.DOTALL)
    pairs = {pair for text in displays for pair in nested(re.sub(r"\^\{\(\d\)|_\{\(\d\)", "", text))}
    sized = {(inner, outer) for inner, outer in pairs if inner and outer not in ("", "none")}
    assert all(SIZES.index(inner) < SIZES.index(outer) for inner, outer in sized)
    assert name != "nielsen_cross_entropy" or ("big", "Big") in sized


def test_rounding_down_has_brackets_of_its_own() -> None:
    latex = bpsym.derive(one_weight(schedule={"name": "step", "step_size": 100}, steps=1)).to_latex()
    assert r"\gamma^{\lfloor (n - 1)/S\rfloor} = 1 \cdot 0.1^{\lfloor (1 - 1)/100\rfloor} = 1 \label" in latex
    assert "floor}" not in latex.replace("rfloor}", "")


def test_what_is_raised_twice_or_a_fraction_stands_in_brackets() -> None:
    layer = bpsym.Dense(units=1, activation="exp(z)**2 + (1/2)**2 * abs(1/z)", weights=[[0.3]])
    latex = bpsym.derive(bpsym.Example(network=bpsym.Network(inputs=1, layers=(layer,)))).to_latex()
    assert r"(e^{z})^2 + \left(\frac{1}{2}\right)^2 \cdot \lvert 1/z\rvert" in latex
