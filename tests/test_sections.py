"""What the sections of a derivation contain, from which facts; numbers against computations written for these tests."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import pytest

import bpsym
from bpsym import api
from bpsym.derivation.forms import Equations, Layer, Numerals, Partial, Remark, Section
from tests.shown import rows
from tests.test_shown import number, rowwise

X, T = [[0.5, -1], [2, 0.25], [-0.75, 1.5]], [[1], [-0.5], [0.25]]
W1, W2 = [[0.3, -0.6], [0.8, 0.1]], [[0.7, -0.4]]


def dense(activation: str, weights: Any = None, **more: Any) -> bpsym.Dense:
    units = len(weights) if weights is not None else more.pop("units", 2)
    return bpsym.Dense(units=units, activation=activation, weights=weights, **({"bias": "none"} | more))


def example(*layers: bpsym.Dense, x: Any = X, t: Any = T, **more: Any) -> bpsym.Example:
    training = more.pop("training", {"learning_rate": 0.5, "steps": 1})
    data = {"data": {"x": x} | ({"t": t} if t is not None else {})} if x is not None else {}
    inputs = len(x[0]) if x is not None else 2
    network = bpsym.Network(inputs=inputs, layers=layers, **more)
    trained = {"training": training} if training else {}
    return bpsym.Example(notation="standard", network=network, **data, **trained)


def small(samples: int = 3, **more: Any) -> bpsym.Example:
    """2-2-1: tanh, then the identity; half the squared error."""
    return example(dense("tanh", W1), dense("identity", W2), x=X[:samples], t=T[:samples], **more)


def section(document: bpsym.Document, key: str) -> Section:
    (found,) = (one for one in document.derivation.sections if one.key == key)
    return found


def text_of(document: bpsym.Document, heading: str, lang: str = "en") -> str:
    """The section's text."""
    _, _, rest = document.to_latex(lang).partition(rf"\bpsymheading{{{heading}}}")
    assert rest
    return rest.partition(r"\bpsymheading")[0]


def remarks(document: bpsym.Document, key: str) -> list[str]:
    return [block.key for block in section(document, key).blocks if isinstance(block, Remark)]


# A handwritten 2-2-1 network -------------------------------------------------------------------------------------


def outputs(w1: Any, x: list[float]) -> list[float]:
    return [math.tanh(sum(w * one for w, one in zip(row, x, strict=True))) for row in w1]


def loss_of(w1: Any, w2: Any, x: list[float], t: list[float]) -> float:
    y = sum(w * a for w, a in zip(w2[0], outputs(w1, x), strict=True))
    return (y - t[0]) ** 2 / 2


def slopes(w1: Any, w2: Any, x: list[float], t: list[float], w2_after: Any = None) -> tuple[Any, Any]:
    """d/dW1 and d/dW2 of one sample; w2_after: the weights that the error terms of the hidden layer go through."""
    a = outputs(w1, x)
    delta = sum(w * one for w, one in zip(w2[0], a, strict=True)) - t[0]
    hidden = [delta * w * (1 - one**2) for w, one in zip((w2_after or w2)[0], a, strict=True)]
    return [[d * one for one in x] for d in hidden], [[delta * one for one in a]]


# What is given ---------------------------------------------------------------------------------------------------


def test_a_single_input_is_given() -> None:
    one = example(dense("tanh", [[0.4]]), x=[[3]], t=[[1]])
    assert "x_1 &= 3 " in text_of(bpsym.derive(one), "What is given")


def test_numbers_that_are_given_are_shown_where_others_are_not() -> None:
    one = example(
        dense("sigmoid", bias="neuron"), dense("identity", [[1, 2]], biases=[0.75], bias="neuron"), t=None
    )
    document = bpsym.derive(one)
    given = text_of(document, "What is given")
    assert r"= \begin{bmatrix} 0.5 \\ -1 \end{bmatrix}" in given
    assert r"= \begin{bmatrix} 1 & 2 \end{bmatrix}" in given
    assert r"b^{(2)}_1 &= 0.75" in given
    assert r"\eta &= 0.5" in given
    assert r"\boldsymbol{W}^{(1)} &=" not in given
    assert len(rowwise(given)[0]) == len(X) + 1
    assert r"\approx" not in document.to_latex()


def test_with_indices_too_the_given_numbers_are_shown() -> None:
    one = example(dense("sigmoid", units=8), dense("identity", [[1, 2, 3, 4, 5, 6, 7, 8]]), t=None)
    document = bpsym.derive(one, form="index")
    given = section(document, "given")
    names = [form.name for block in given.blocks if isinstance(block, Numerals) for form, _ in block.rows]
    assert names == ["x", "W2"]


@pytest.mark.parametrize("lang", api.languages())
@pytest.mark.parametrize("form", ["scalar", "index"])
def test_everything_without_numbers_is_named_once_and_in_one_sentence(form: str, lang: str) -> None:
    one = example(dense("sigmoid", bias="neuron"), dense("tanh", units=1, bias="neuron"), t=None)
    text = text_of(bpsym.derive(one, form=form), {"en": "What is given", "zh": "已知数据"}[lang], lang)
    names = [
        r"\boldsymbol{W}^{(1)}",
        r"\boldsymbol{b}^{(1)}",
        r"\boldsymbol{W}^{(2)}",
        "b^{(2)}_1",
        "t^{[s]}",
    ]
    (line,) = (
        line for line in text.splitlines() if {"en": "stays in symbols", "zh": "用符号表示"}[lang] in line
    )
    assert re.findall(r"\$(.*?)\$", line) == names
    assert not any(name in text.replace(line, "") for name in names)
    assert r"\eta &= 0.5" in text


def test_where_all_numbers_are_given_nothing_is_said_of_symbols() -> None:
    for form in ("scalar", "index"):
        assert "symbols" not in text_of(bpsym.derive(small(), form=form), "What is given")


def test_a_network_without_anything_given_shows_no_numbers() -> None:
    given = text_of(bpsym.derive(example(dense("sigmoid"), x=None, training=None)), "What is given")
    assert r"\eta" not in given
    assert not re.search(r"= -?\d", given)


@pytest.mark.parametrize("lang", api.languages())
def test_with_a_general_f_given_numbers_are_shown_and_nothing_is_computed(lang: str) -> None:
    one = example(dense("elu", W1), dense("generic", W2))
    document = bpsym.derive(one)
    heading = {"en": "What is given", "zh": "已知数据"}[lang]
    assert r"= \begin{bmatrix} 0.3 & -0.6 \\ 0.8 & 0.1 \end{bmatrix}" in text_of(document, heading, lang)
    assert r"\approx" not in document.to_latex(lang)
    keys = [one.key for one in document.derivation.sections]
    assert "update" in keys
    assert "second_pass" not in keys


# All samples -----------------------------------------------------------------------------------------------------


def test_inputs_and_targets_of_every_sample_stand_in_a_table() -> None:
    head, *body = rowwise(text_of(bpsym.derive(small()), "What is given"))[0]
    assert head == [r"\text{sample $s$}", "x_1^{[s]}", "x_2^{[s]}", "t^{[s]}"]
    expected = [[n, *x, *t] for n, (x, t) in enumerate(zip(X, T, strict=True), start=1)]
    assert [[float(number(cell)) for cell in row] for row in body] == expected


def test_samples_with_many_inputs_are_in_no_table() -> None:
    one = example(dense("tanh", rows(1, 11, 1)), x=rows(2, 11, 2), t=[[1], [0]])
    assert rowwise(text_of(bpsym.derive(one), "What is given")) == []


def test_the_sample_that_is_shown_is_in_every_shortened_table() -> None:
    one = example(dense("tanh", [[0.3]]), x=rows(20, 1, 1), t=rows(20, 1, 2))
    text = bpsym.derive(one, sample=12).to_latex()
    given, *others = [[row[0] for row in table] for table in rowwise(text)]
    assert given == [r"\text{sample $s$}", "1", "2", "3", r"\vdots", "12", r"\vdots"]
    assert others == [[*given, r"\text{mean}"]] * 2
    assert "The contributions of 4 of the 20 samples" in text
    last = [row[0] for row in rowwise(bpsym.derive(one, sample=20).to_latex())[0]]
    assert last == [r"\text{sample $s$}", "1", "2", "3", r"\vdots", "20"]


@pytest.mark.parametrize("form", ["scalar", "index"])
def test_the_loss_of_every_sample_is_printed(form: str) -> None:
    document = bpsym.derive(small(l2=0.1), form=form)
    (_, *body) = rowwise(text_of(document, "The loss"))[0]
    losses = [loss_of(W1, W2, x, t) for x, t in zip(X, T, strict=True)]
    penalty = 0.05 * sum(w**2 for row in (*W1, *W2) for w in row)
    expected = [*losses, sum(losses) / 3, penalty, sum(losses) / 3 + penalty]
    assert [row[0] for row in body[3:]] == [r"\text{mean}", r"\text{penalty}", r"\text{total loss}"]
    assert [float(number(row[1])) for row in body] == pytest.approx(expected, rel=1e-5)


def test_with_indices_the_loss_of_a_single_sample_is_printed() -> None:
    text = text_of(bpsym.derive(small(samples=1), form="index"), "The loss")
    (found,) = re.findall(r"L \\approx (\S+)", text)
    assert float(found) == pytest.approx(loss_of(W1, W2, X[0], T[0]), rel=1e-5)


def test_sequential_gradients_are_sums_that_can_be_followed_sample_by_sample() -> None:
    """By hand: the new W2 first; the hidden layer's error terms then go through it."""
    training = {"learning_rate": 0.5, "steps": 1, "update": "sequential"}
    document = bpsym.derive(small(training=training, reduction="sum"))
    ends = [slopes(W1, W2, x, t)[1] for x, t in zip(X, T, strict=True)]
    new = [[w - 0.5 * sum(one[0][j] for one in ends) for j, w in enumerate(W2[0])]]
    each = [slopes(W1, W2, x, t, new)[0] for x, t in zip(X, T, strict=True)]
    tables = rowwise(text_of(document, "The update"))
    assert tables[0][0][1] == r"\tilde{\delta}^{(1)[s]}_1 x_1^{[s]}"
    for n, (first, second) in enumerate(each, start=1):
        cells = [cell for table in tables for cell in table[n][1:]]
        assert [float(number(cell)) for cell in cells] == pytest.approx([*first, *second], rel=1e-5)
    assert tables[0][4][0] == r"\text{sum}"
    assert "which is the gradient" not in text_of(document, "The update")


def test_with_indices_the_sequential_error_terms_of_every_sample_are_shown() -> None:
    training = {"learning_rate": 0.5, "steps": 1, "update": "sequential"}
    document = bpsym.derive(small(training=training, reduction="sum"), form="index")
    ends = [slopes(W1, W2, x, t)[1] for x, t in zip(X, T, strict=True)]
    new = [[w - 0.5 * sum(one[0][j] for one in ends) for j, w in enumerate(W2[0])]]
    first = next(one for one in section(document, "update").blocks if isinstance(one, Numerals))
    for (form, column), x, t in zip(first.rows, X, T, strict=True):
        assert isinstance(form, Layer)
        expected = [row[0] / x[0] for row in slopes(W1, W2, x, t, new)[0]]
        assert [float(row[0]) for row in column] == pytest.approx(expected, rel=1e-12)


# With indices ----------------------------------------------------------------------------------------------------


def test_with_indices_each_sample_has_its_matrices_of_contributions() -> None:
    document = bpsym.derive(small(), form="index")
    blocks = [
        block
        for block in section(document, "error_terms").blocks
        if isinstance(block, Numerals) and isinstance(block.rows[0][0], Partial)
    ]
    assert [block.rows[0][0].of.read.at[0] for block in blocks] == [0, 1, 2]
    for block, x, t in zip(blocks, X, T, strict=True):
        found = {form.by.name: amount for form, amount in block.rows if isinstance(form.by, Layer)}
        for name, expected in zip(("W1", "W2"), slopes(W1, W2, x, t), strict=True):
            assert [[float(one) for one in row] for row in found[name]] == [
                pytest.approx(row, rel=1e-12) for row in expected
            ]
    assert "contributions_mean_is_gradient" in remarks(document, "error_terms")
    assert "contributions_penalised_mean_is_gradient" in remarks(
        bpsym.derive(small(l2=0.1), form="index"), "error_terms"
    )


def test_with_indices_the_new_forward_pass_is_shown_in_numbers() -> None:
    document = bpsym.derive(small(samples=1), form="index")
    first, second = slopes(W1, W2, X[0], T[0])
    w1, w2 = (
        [[w - 0.5 * d for w, d in zip(*pair, strict=True)] for pair in zip(*both, strict=True)]
        for both in ((W1, first), (W2, second))
    )
    found = [
        row
        for block in section(document, "second_pass").blocks
        if isinstance(block, Numerals)
        for row in block.rows
    ]
    (_, a1), (_, sample_loss) = found[1], found[-1]
    assert [float(row[0]) for row in a1] == pytest.approx(outputs(w1, X[0]), rel=1e-12)
    assert float(sample_loss[0][0]) == pytest.approx(loss_of(w1, w2, X[0], T[0]), rel=1e-12)


@pytest.mark.parametrize("samples", [1, 3])
def test_with_indices_a_layer_of_one_unit_has_no_letter(samples: int) -> None:
    """Whatever letter stands on the left has its range on the right."""
    text = bpsym.derive(small(samples), form="index").to_latex().partition(r"\begin{verbatim}")[0]
    body = text.partition("The forward pass")[2]
    assert r"\delta^{(2)}_i" not in body
    assert r"w^{(2)}_{ij}" not in body
    assert r"w^{(2)}_{1j}" in body
    assert r"\delta^{(2)" in body
    for block in section(bpsym.derive(small(samples), form="index"), "error_terms").blocks:
        for step in block.steps if isinstance(block, Equations) else ():
            read = getattr(step.lhs, "read", None)
            letters = {str(at) for at in read.at if not at.is_Integer} - {"s"} if read else set()
            assert letters == {one.letter for one in step.ranges} or not read


# Chains ----------------------------------------------------------------------------------------------------------


def frozen(activation: str, weights: Any, *which: str) -> bpsym.Dense:
    return dense(activation, weights, frozen=which, bias="neuron", biases=[0.1] * len(weights))


def slopes_shown(document: bpsym.Document) -> set[int]:
    """The layers whose slopes stand in the section on vanishing gradients."""
    return {
        step.lhs.layer
        for block in section(document, "vanishing").blocks
        if isinstance(block, Equations)
        for step in block.steps
        if hasattr(step.lhs, "layer")
    }


def test_slopes_are_shown_only_of_layers_that_a_chain_passes() -> None:
    layers = (frozen("gelu", W1, "weights", "biases"), dense("sigmoid", W1), dense("tanh", W2))
    document = bpsym.derive(example(*layers))
    assert slopes_shown(document) == {2, 3}
    (product,) = (
        one
        for one in section(document, "vanishing").blocks
        if isinstance(one, Remark) and "parameter" in one.terms
    )
    assert str(product.terms["parameter"].read.name) == "W2"
    assert "f_1'" not in text_of(document, "Why gradients vanish or explode")
    alone = bpsym.derive(example(frozen("gelu", W1, "weights", "biases"), dense("tanh", W2)))
    assert not {"vanishing_product", "vanishing_path"} & set(remarks(alone, "vanishing"))


def test_where_the_weights_of_a_layer_are_frozen_its_bias_has_the_chain() -> None:
    document = bpsym.derive(example(frozen("gelu", W1, "weights"), dense("tanh", W2)))
    (product,) = (
        one
        for one in section(document, "vanishing").blocks
        if isinstance(one, Remark) and "parameter" in one.terms
    )
    assert str(product.terms["parameter"].read.name) == "b1"


def test_a_factor_of_one_of_several_products_is_said_to_be_that() -> None:
    one_path = bpsym.derive(small())
    several = bpsym.derive(example(dense("tanh", W1), dense("tanh", W1), dense("identity", W2)))
    assert "vanishing_product" in remarks(one_path, "vanishing")
    assert "vanishing_path" in remarks(several, "vanishing")
    assert "vanishing_product" not in remarks(several, "vanishing")


def test_where_the_last_layer_is_frozen_the_first_chain_begins_the_derivation() -> None:
    document = bpsym.derive(example(dense("tanh", W1), frozen("identity", W2, "weights", "biases")))
    assert remarks(document, "hidden_gradients")[0] == "gradients_only"


def test_a_single_parameter_is_spoken_of_as_one() -> None:
    text = bpsym.derive(example(dense("tanh", [[0.5]]), dense("tanh", [[0.25]]), x=[[1]], t=[[0]])).to_latex()
    assert "we need the derivative of the loss with respect to $w^{(2)}_{11}$. The loss depends on it" in text
    assert "we need the derivative with respect to $w^{(1)}_{11}$." in text


def test_of_another_activation_no_chain_is_spoken_where_there_is_none() -> None:
    document = bpsym.derive(small(), form="index")
    said = text_of(document, "Error terms")
    assert "With a different activation" in said
    assert "chain" not in said
    assert "With a different activation" in bpsym.derive(small()).to_latex()


@pytest.mark.parametrize("form", ["scalar", "index"])
def test_where_the_loss_cancels_the_slope_another_activation_is_not_said_to_change_it_alone(
    form: str,
) -> None:
    """With the cross-entropy, the sigmoid's slope a (1 - a) is left in the chains only, not in a - t."""
    one = example(dense("sigmoid", W2), t=[[1], [0], [1]], loss="binary_cross_entropy")
    assert ("other_activation" in said_in(bpsym.derive(one, form=form))) == (form == "scalar")


def said_in(document: bpsym.Document) -> set[str]:
    """The keys of all remarks."""
    return {
        block.key
        for each in document.derivation.sections
        for block in each.blocks
        if isinstance(block, Remark)
    }


def test_two_samples_are_both_and_a_matrix_of_one_row_is_a_row() -> None:
    text = bpsym.derive(small(samples=2)).to_latex()
    assert "The contributions of both samples" in text
    assert "all 2" not in text
    wide = example(dense("tanh", rows(1, 11, 1)), x=rows(2, 11, 2), t=[[1], [0]])
    text = bpsym.derive(wide, form="index").to_latex()
    assert r"\partial \boldsymbol{W}^{(1)}}$ is a row of 11 entries" in text
    assert "has 1 rows" not in text


# What training makes of it ---------------------------------------------------------------------------------------


def test_losses_that_differ_are_printed_so_that_they_do() -> None:
    """(0.5 - 1)^2 / 2 = 0.125; its slope by w is -0.5, so that a step of 1e-9 takes 2.5e-10 from it."""
    one = example(
        dense("identity", [[0.5]]), x=[[1]], t=[[1]], training={"learning_rate": 1e-9, "steps": 1}
    )  # fmt: skip
    found = re.search(r"has fallen from \$(\S+)\$ to \$(\S+)\$", bpsym.derive(one).to_latex())
    assert found is not None
    before, after = map(Fraction, found.groups())
    assert before == Fraction("0.125")
    assert abs(before - after - Fraction("2.5e-10")) < Fraction("5e-10")
    assert before > after


def test_after_batches_the_loss_of_all_samples_is_printed() -> None:
    """By hand: two steps, each with the next sample."""
    one = small(training={"learning_rate": 0.5, "steps": 2, "batch_size": 1})
    w1, w2 = W1, W2
    for x, t in zip(X[:2], T[:2], strict=True):
        both = zip((w1, w2), slopes(w1, w2, x, t), strict=True)
        w1, w2 = (
            [[w - 0.5 * d for w, d in zip(*pair, strict=True)] for pair in zip(*pairs, strict=True)]
            for pairs in both
        )
    losses = [sum(loss_of(*w, x, t) for x, t in zip(X, T, strict=True)) / 3 for w in ((W1, W2), (w1, w2))]
    text = bpsym.derive(one).to_latex()
    found = re.search(r"was \$(\S+)\$ before the first step; now it is \$(\S+)\$", text)
    assert found is not None
    assert [float(one) for one in found.groups()] == pytest.approx(losses, rel=1e-5)
    assert "A step sees one sample at a time" in text
    assert "such steps in all" not in text


@pytest.mark.parametrize("form", ["scalar", "index"])
def test_after_one_step_with_all_samples_nothing_is_shown_again(form: str) -> None:
    keys = [
        [one.key for one in bpsym.derive(small(training={"steps": steps}), form=form).derivation.sections]
        for steps in (1, 2)
    ]
    assert [one for one in keys[1] if one not in keys[0]] == ["trained"]


@pytest.mark.parametrize("lang", api.languages())
def test_steps_and_samples_of_batches_are_counted_in_words_that_fit(lang: str) -> None:
    def of(**training: int) -> str:
        text = bpsym.derive(small(training=training)).to_latex(lang)
        heading = {"en": r"\\bpsymheading\{After .*", "zh": r"\\bpsymheading\{(更新一步|迭代 \d+ 次)之后\}"}
        return text[re.search(heading[lang], text).start() :].partition("begin{")[0]  # type: ignore[union-attr]

    one_step, single, several = (
        of(steps=1, batch_size=2),
        of(steps=2, batch_size=1),
        of(steps=2, batch_size=2),
    )
    assert not re.search(r"\b1 (steps|次)", one_step)
    counted = {
        "en": ("the next sample ", "the next samples"),
        "zh": ("接下来的一个样本", "接下来的一批样本"),
    }[lang]
    assert [words in single for words in counted] == [True, False]
    assert [words in several for words in counted] == [False, True]
    assert not any(words in one_step for words in counted)


@pytest.mark.parametrize("outputs", [1, 2])
def test_one_input_and_one_target_are_spoken_of_in_the_singular(outputs: int) -> None:
    x, weights = [[0.5] * outputs], [[0.25] * outputs] * outputs
    text = text_of(bpsym.derive(example(dense("tanh", weights), x=x, t=x)), "Symbols")
    assert ("the input " in text, "the inputs " in text) == (outputs == 1, outputs == 2)
    assert ("the target:" in text, "the targets:" in text) == (outputs == 1, outputs == 2)


def test_a_layer_of_one_unit_shares_its_bias_with_nobody() -> None:
    layers = (dense("tanh", W1, bias="layer", biases=0.1), dense("tanh", W2, bias="layer", biases=0.2))
    wide, narrow = (
        bpsym.derive(example(*layers)),
        bpsym.derive(example(dense("tanh", W2, bias="layer", biases=0.1))),
    )
    kinds = [one for one in remarks(wide, "error_terms") if "bias" in one]
    assert kinds == ["bias_gradient_mean", "shared_bias_gradient_mean"]
    assert [one for one in remarks(narrow, "error_terms") if "bias" in one] == ["bias_gradient_mean"]
    assert "share one bias" not in narrow.to_latex()
    said = text_of(wide, "Conventions")
    assert "In layer 1, all neurons share one bias" in said
    assert "In layer 2, each neuron has a bias of its own" in said
    assert "共用" not in narrow.to_latex("zh")


def test_without_samples_the_loss_is_that_of_no_sample() -> None:
    one = example(dense("generic"), x=None, training=None, l2=0.01)
    symbols = text_of(bpsym.derive(one), "Symbols")
    assert "the loss without the penalty" in symbols
    assert "sample" not in symbols


SOFTMAX = {"units": 2, "activation": "softmax", "weights": [[1], [2]], "biases": [0.1, 0.2]}
LAST = {"units": 1, "activation": "tanh", "weights": [[1, 2]], "biases": [0.1]}


@pytest.mark.parametrize("frozen", [[], ["weights", "biases"]])
@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("form", ["scalar", "index"])
def test_the_partials_of_softmax_are_derived_once_and_before_error_terms_use_them(
    form: str, hidden: bool, frozen: list[str]
) -> None:
    first = {"units": 1, "activation": "identity", "weights": [[1]], "biases": [0]}
    layers = [first, SOFTMAX | {"frozen": frozen}, *([LAST] if hidden else [])]
    example = bpsym.Example(
        network={"inputs": 1, "layers": layers, "loss": "half_squared_error" if hidden else "cross_entropy"},
        data={"x": [[0.5]], "t": [[1]] if hidden else [[1, 0]]},
        training={"learning_rate": 0.1},
    )
    text = bpsym.derive(example, form=form).to_latex()
    assert text.count(r"\label{\bpsymprefix layer-own}") == 1
    error_terms = text.index(r"\label{\bpsymprefix delta2")
    assert text.index(r"\label{\bpsymprefix layer-other}") < error_terms


def vanishing_of(activation: str, loss: str) -> str:
    layers = [
        {"units": 2, "activation": "tanh", "weights": [[0.5], [0.25]], "biases": [0, 0]},
        {"units": 2, "activation": activation, "weights": [[1, 2], [0, 1]], "biases": [0, 0]},
    ]
    example = bpsym.Example(
        network={"inputs": 1, "layers": layers, "loss": loss},
        data={"x": [[0.5]], "t": [[1, 0]]},
        training={"learning_rate": 0.1},
    )
    text = bpsym.derive(example).to_latex()
    return text[text.index("Why gradients vanish") : text.index(r"\bpsymheading{The code}")]


@pytest.mark.parametrize(
    ("activation", "loss", "of_outputs", "why"),
    [
        ("sigmoid", "half_squared_error", True, ""),
        ("sigmoid", "binary_cross_entropy", False, "the loss has cancelled the slope"),
        ("softmax", "cross_entropy", False, "A softmax layer has no such slopes"),
    ],
)
def test_only_slopes_that_chains_are_multiplied_with_are_said_to_vanish(
    activation: str, loss: str, of_outputs: bool, why: str
) -> None:
    text = vanishing_of(activation, loss)
    assert "'(z^{(1)}_1)" in text
    assert ("'(z^{(2)}_1)" in text) == of_outputs
    assert why in text
    assert ("has no such" in text or "cancelled" in text) == bool(why)


def test_a_step_along_new_gradients_is_not_called_descent() -> None:
    layers = [
        {"units": 1, "activation": "tanh", "bias": "none", "weights": [[0.5]]},
        {"units": 1, "activation": "tanh", "bias": "none", "weights": [[1]]},
    ]
    example = bpsym.Example(
        network={"inputs": 1, "layers": layers},
        data={"x": [[0.5]], "t": [[1]]},
        training={"learning_rate": 0.1, "update": "sequential"},
    )
    assert "moves against its gradient" not in bpsym.derive(example).to_latex()


def test_biases_that_are_not_there_are_not_called_frozen() -> None:
    layers = [{"units": 1, "activation": "tanh", "bias": "none", "frozen": ["biases"], "weights": [[0.5]]}]
    example = bpsym.Example(network={"inputs": 1, "layers": layers}, data={"x": [[0.5]], "t": [[1]]})
    assert "frozen" not in bpsym.derive(example).to_latex()
