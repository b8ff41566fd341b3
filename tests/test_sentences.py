"""Every sentence of a derivation is true of what stands below it, in each language."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

import bpsym
from bpsym import api
from bpsym.derivation.forms import Remark, SampleTable
from bpsym.network.initializers import INITIALIZERS
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.typeset.phrases import load_phrases
from tests.shown import ADAM, MOMENTUM, NUMERIC, SHOWN, document_of, example, layer, rows
from tests.test_derivation import steps

FORMS = ("scalar", "index")
LANGUAGES = api.languages()

FROZEN_WEIGHTS: dict[str, Any] = {"frozen": ["weights"]}
FROZEN_BIASES: dict[str, Any] = {"frozen": ["biases"]}
FROZEN: dict[str, Any] = {"frozen": ["weights", "biases"]}

PENALTY = {"en": "penalty", "zh": "惩罚项"}
DESCENT = {"en": "moves against its gradient", "zh": "沿着梯度的反方向"}


def written(one: bpsym.Example, lang: str, **asked: Any) -> str:
    """The document without its listing."""
    return without_listing(bpsym.derive(one, **asked), lang)


def without_listing(document: bpsym.Document, lang: str) -> str:
    return document.to_latex(lang).partition(r"\begin{verbatim}")[0]


def section(text: str, *headings: str) -> str:
    """What stands below the first of these headings that there is."""
    heading = next(one for one in headings if rf"\bpsymheading{{{one}}}" in text)
    return text.partition(rf"\bpsymheading{{{heading}}}")[2].partition(r"\bpsymheading")[0]


def prose(text: str) -> str:
    """The text with a mark in the place of every display."""
    shown = re.sub(
        r"\\begin\{(align\*?|equation\*|tikzpicture|tabular)\}.*?\\end\{\1\}",
        "<display>",
        text,
        flags=re.DOTALL,
    )
    return re.sub(
        r"\\(begingroup|endgroup|allowdisplaybreaks|small|footnotesize|setlength\{\\arraycolsep\}\{[^}]*\})\n?",
        "",
        shown,
    )


def said(one: bpsym.Example, **asked: Any) -> list[str]:
    """The keys of all remarks."""
    sections = bpsym.derive(one, **asked).derivation.sections
    return [block.key for each in sections for block in each.blocks if isinstance(block, Remark)]


def two_layers(samples: int = 1, first: Any = None, second: Any = None, **more: Any) -> bpsym.Example:
    layers = (layer(2, 2, "tanh", 1, **(first or {})), layer(1, 2, "sigmoid", 2, **(second or {})))
    return example(2, layers, rows(samples, 1, 5), **more)


def one_unit(**more: Any) -> bpsym.Example:
    own = {key: more.pop(key) for key in ("bias", "frozen") if key in more}
    return example(1, (layer(1, 1, "sigmoid", 1, **own),), [[1]], **more)


# Penalties --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("samples", [1, 3, 14])
def test_where_a_penalty_is_added_every_sentence_of_a_sum_says_so(
    samples: int, reduction: str, lang: str
) -> None:
    text = written(two_layers(samples, l2=0.01, reduction=reduction), lang)
    plain = written(two_layers(samples, reduction=reduction), lang)
    row = next(line for line in text.splitlines() if line.startswith("$J$ &"))
    assert PENALTY[lang] in row
    assert PENALTY[lang] in prose(section(text, "The loss", "损失函数"))
    of_gradients = prose(section(text, "Error terms", "误差项"))
    assert of_gradients.count(PENALTY[lang]) == (1 if samples == 1 else 2)
    if samples > 1:
        item = next(line for line in text.splitlines() if r"\item" in line and "$s$" in line)
        assert PENALTY[lang] in item
    assert PENALTY[lang] not in plain.partition(r"\begin{document}")[2]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_tables_row_of_the_penalty_is_said_to_be_its_derivative(lang: str) -> None:
    text = written(two_layers(3, l1=0.01), lang)
    assert {"en": r"\text{penalty's slope}", "zh": r"\text{惩罚项的导数}"}[lang] in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_of_biases_alone_no_penalty_adds_to_a_gradient(lang: str) -> None:
    one = two_layers(3, FROZEN_WEIGHTS, FROZEN_WEIGHTS, l2=0.01)
    text = section(written(one, lang), "Error terms", "误差项")
    assert PENALTY[lang] not in text
    tables = [
        block
        for each in bpsym.derive(one).derivation.sections
        for block in each.blocks
        if each.key == "error_terms" and isinstance(block, SampleTable)
    ]
    assert [table.penalised for table in tables] == [False]


@pytest.mark.parametrize(
    ("samples", "settings", "words"),
    [
        (1, {}, "损失"),
        (3, {}, "总损失，即各样本损失的平均值"),
        (3, {"reduction": "sum"}, "总损失，即各样本损失之和"),
        (1, {"l2": 0.1}, "总损失（含惩罚项）"),
        (3, {"l2": 0.1}, "总损失，即各样本损失的平均值加上惩罚项"),
    ],
)
def test_the_symbol_of_the_loss_means_what_it_is(samples: int, settings: dict[str, Any], words: str) -> None:
    text = written(two_layers(samples, **settings), "zh")
    found = re.findall(r"^\$[JL]\$ & \\raggedright (\S+) ", text, re.MULTILINE)
    assert found[-1] == words


# What is given ----------------------------------------------------------------------------------------------------


def drawn(*inits: Any, **training: Any) -> bpsym.Example:
    """Layers of two units each; of None, all is given."""
    layers = tuple(
        layer(2, 2, "tanh", number, biases=[0.1, 0.2])
        if init is None
        else bpsym.Dense(units=2, activation="tanh", init=init)
        for number, init in enumerate(inits, start=1)
    )
    return example(2, layers, [[1, 0]], training=training)


GAUSS = {"name": "normal", "mean": 0, "std": 0.5}


@pytest.mark.parametrize(
    ("one", "english", "chinese"),
    [
        (
            drawn("xavier_uniform", "xavier_uniform", seed=7),
            ["The weights are drawn at random, with seed 7: Glorot (Xavier)", "The biases start at 0."],
            ["权重是随机抽取的（随机种子 7）：Glorot（Xavier）初始化", "偏置的初值为 0。"],
        ),
        (
            drawn("he_normal", None, {"name": "he_normal", "seed": 4}),
            [
                "The weights of layer 1 are drawn at random, with seed 0: He initialisation",
                "The weights of layer 3 are drawn at random, with seed 4: He initialisation",
                "The weights of layer 2 are given.",
                "Biases that are not given start at 0.",
            ],
            ["第 1 层的权重是随机抽取的（随机种子 0）：He 初始化", "第 2 层的权重是给定的。"],
        ),
        (
            drawn(GAUSS, "zeros", GAUSS, seed=1),
            [
                "The weights of layers 1 and 3 are drawn at random, with seed 1:"
                " from a normal distribution with mean $0$ and standard deviation $0.5$.",
                "The weights of layer 2 are not given; they start at 0.",
            ],
            ["第 1、3 层的权重是随机抽取的（随机种子 1）", "第 2 层的权重没有给出，初值取 0。"],
        ),
        (
            drawn({"name": "uniform", "low": -0.25, "high": 0.25}),
            ["uniformly from the interval from $-0.25$ to $0.25$."],
            ["服从 $-0.25$ 到 $0.25$ 之间的均匀分布。"],
        ),
    ],
)
def test_weights_that_are_drawn_are_said_to_be(
    one: bpsym.Example, english: list[str], chinese: list[str]
) -> None:
    for lang, heading, sentences in (("en", "What is given", english), ("zh", "已知数据", chinese)):
        text = section(written(one, lang), heading)
        assert [words for words in sentences if words not in text] == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initialiser_has_words(name: str, lang: str) -> None:
    text = section(written(drawn(name), lang), "What is given", "已知数据")
    assert {"en": "The weights are ", "zh": "权重"}[lang] in text.partition(r"\begin")[0]
    assert f"initializer_{name}" in load_phrases(lang, "standard").tables["remarks"] or name == "zeros"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_of_given_weights_nothing_is_said_to_be_drawn(lang: str) -> None:
    assert (
        prose(section(written(drawn(None, None), lang), "What is given", "已知数据")).strip() == "<display>"
    )


# Batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("size", [1, 2])
def test_samples_are_said_to_be_shuffled_and_numbered_anew_where_they_are(
    size: int, shuffle: bool, lang: str
) -> None:
    one = two_layers(5, training={"batch_size": size, "shuffle": shuffle})
    text = written(one, lang)
    anew = {"en": ("drawn anew", "of the shuffled data"), "zh": ("重新打乱", "打乱顺序后的数据")}[lang]
    assert [words in text for words in anew] == [shuffle, shuffle]
    assert ({"en": "numbered from 1 here", "zh": "重新编号"}[lang] in text) == (shuffle and size > 1)
    items = [line for line in text.splitlines() if line.startswith(r"\item")]
    first = {"en": r"\item A step sees", "zh": r"\item 每一步"}[lang]
    marks = [number for number, line in enumerate(items) if "$s$" in line]
    batch = next(number for number, line in enumerate(items) if line.startswith(first))
    assert marks == ([] if size == 1 else [batch + 1])


# What is trained --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_where_only_biases_are_trained_nothing_is_said_of_changing_weights(form: str) -> None:
    one = two_layers(1, FROZEN_WEIGHTS, FROZEN_WEIGHTS)
    english, chinese = (written(one, lang, form=form) for lang in ("en", "zh"))
    assert "Only the biases can be changed" in english
    assert "The gradient of a weight" not in english
    assert r"\bpsymheading{The forward pass with the new parameters}" in english
    assert "能够调整的只有偏置" in chinese
    assert "每个权重的" not in chinese
    assert r"\bpsymheading{更新参数}" in chinese
    assert r"\bpsymheading{用更新后的参数再做一次前向传播}" in chinese


def test_the_headings_speak_of_weights_alone_where_there_are_no_biases() -> None:
    text = written(bpsym.load("blog"), "zh")
    assert r"\bpsymheading{更新权值}" in text
    assert r"\bpsymheading{用新的权值再做一次正向传播}" in text
    assert r"\bpsymheading{更新参数}" in written(two_layers(), "zh")


CHANGED = {"en": "Only {} can be changed.", "zh": "能够调整的只有{}；"}


@pytest.mark.parametrize(
    ("one", "english", "chinese"),
    [
        (two_layers(), "the weights and the biases", "权重和偏置"),
        (
            two_layers(1, FROZEN_WEIGHTS),
            "the weights and the biases that are not frozen",
            "未冻结的权重和偏置",
        ),
        (two_layers(1, FROZEN_BIASES, FROZEN_BIASES), "the weights", "权重"),
        (two_layers(1, FROZEN), "the weights and the bias that are not frozen", "未冻结的权重和偏置"),
        (two_layers(1, FROZEN, FROZEN_WEIGHTS), "the bias that is not frozen", "未冻结的偏置"),
        (one_unit(), "the weight and the bias", "权重和偏置"),
        (one_unit(bias="none"), "the weight", "权重"),
    ],
)
def test_what_can_be_changed_is_what_is_not_frozen(one: bpsym.Example, english: str, chinese: str) -> None:
    assert CHANGED["en"].format(english) in written(one, "en")
    assert CHANGED["zh"].format(chinese) in written(one, "zh")


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ({"frozen": ["weights"]}, "the weights are frozen: they are constants"),
        ({"frozen": ["biases"]}, "the biases are frozen: they are constants"),
        ({"frozen": ["biases"], "bias": "layer"}, "the bias is frozen: it is a constant"),
        (FROZEN | {"bias": "layer"}, "the weights and the bias are frozen: they are constants"),
    ],
)
def test_what_is_frozen_is_counted(first: dict[str, Any], said: str) -> None:
    assert rf"\item In layer 1, {said}" in written(two_layers(1, first), "en")


def test_layers_in_which_the_same_is_frozen_are_named_together() -> None:
    text = written(two_layers(1, FROZEN_BIASES, FROZEN_BIASES), "en")
    assert r"\item In layers 1 and 2, the biases are frozen: they are constants" in text
    text = written(two_layers(1, FROZEN_BIASES, FROZEN_BIASES), "zh")
    assert r"\item 第 1、2 层的偏置被冻结" in text


@pytest.mark.parametrize("training", [{}, ADAM, MOMENTUM, *({"optimizer": name} for name in OPTIMIZERS)])
def test_of_a_single_parameter_nothing_is_said_in_the_plural(training: dict[str, Any]) -> None:
    one = one_unit(bias="none", l1=0.1, l2=0.1, training=training)
    text, plain = (written(each, "en") for each in (one, one_unit(bias="none")))
    several = (
        "each parameter",
        "any parameter",
        "All gradients",
        "clipped gradients",
        "new weights",
        "all weights",
    )
    assert not [words for words in several if words in text or words in plain]
    assert "In addition, a second penalty is added" in text
    assert "iases are not penalised" not in text
    chinese = section(written(one, "zh"), "更新权重")
    assert not [
        words
        for words in ("各个参数", "各个梯度", "全体梯度", "所有的梯度", "所有权重", "它们")
        if words in chinese
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_how_a_bias_acts_is_said_once(lang: str) -> None:
    text = written(two_layers(1, {"bias": "layer"}), lang)
    said = {"en": "added to the weighted sum", "zh": "加在加权和上"}[lang]
    assert section(text, "Conventions", "约定").count(said) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_that_biases_are_not_penalised_is_said_once_where_there_are_any(lang: str) -> None:
    words = {"en": "Biases are not penalised", "zh": "惩罚项中不含偏置"}[lang]
    none = {"bias": "none"}
    assert written(two_layers(1, l1=0.1, l2=0.1), lang).count(words) == 1
    assert words not in written(two_layers(1, none, none, l1=0.1, l2=0.1), lang)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("samples", "reduction"), [(1, "mean"), (3, "mean"), (3, "sum")])
@pytest.mark.parametrize("bias", ["neuron", "layer"])
def test_a_bias_gradient_is_said_to_be_what_is_printed(
    bias: str, samples: int, reduction: str, lang: str
) -> None:
    one = two_layers(samples, {"bias": bias}, {"bias": bias}, reduction=reduction)
    kind = reduction if samples > 1 else "one"
    of_biases = [key for key in said(one) if "bias_gradient" in key]
    shared = [f"shared_bias_gradient_{kind}"] if bias == "layer" else []
    assert of_biases == [f"bias_gradient_{kind}", *shared]  # the layer of one unit has a bias of its own
    text = written(one, lang)
    whole = {"en": ["averaged over", "over the 3 samples"], "zh": ["再对 3 个样本"]}[lang]
    assert any(words in text for words in whole) == (samples > 1)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_only_plain_descent_is_said_to_go_against_the_gradient(name: str, lang: str) -> None:
    text = written(two_layers(training={"optimizer": name}), lang)
    assert (DESCENT[lang] in text) == (name == "sgd")


STATES = {
    "momentum": {"en": ["velocity"], "zh": ["动量"]},
    "nesterov": {"en": ["velocity"], "zh": ["动量"]},
    "adagrad": {"en": ["sum of its squared gradients"], "zh": ["平方和（逐步累加）"]},
    "rmsprop": {"en": ["average of its squared"], "zh": ["平方的滑动平均"]},
    "adam": {
        "en": ["first moment estimate of each", "second moment estimate of each"],
        "zh": ["一阶矩估计，", "二阶矩估计，"],
    },
    "adamw": {
        "en": ["first moment estimate of each", "second moment estimate of each"],
        "zh": ["一阶矩估计，", "二阶矩估计，"],
    },
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", STATES)
def test_what_an_optimiser_keeps_is_said_in_its_own_words_before_it_is_computed(name: str, lang: str) -> None:
    text = prose(section(written(two_layers(training={"optimizer": name}), lang), "The update", "更新参数"))
    leads = [line for line in text.splitlines() if any(words in line for words in STATES[name][lang])]
    assert len(leads) == len(STATES[name][lang])
    assert all(line.endswith((":", "：")) for line in leads)
    assert "以及：" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("frozen", "bias", "units", "english", "chinese"),
    [
        ((), "neuron", 1, "Each parameter", "各个参数"),
        ((), "none", 2, "Each weight", "各个权重"),
        ((), "none", 1, "The weight", "权重"),
        (("weights",), "neuron", 2, "Each bias", "各个偏置"),
        (("weights",), "neuron", 1, "The bias", "偏置"),
    ],
)
def test_what_moves_against_its_gradient_is_called_what_it_is(
    frozen: tuple[str, ...], bias: str, units: int, english: str, chinese: str, lang: str
) -> None:
    one = example(1, (layer(units, 1, "tanh", 1, bias=bias, frozen=frozen),), [[1] * units])
    (line,) = [line for line in written(one, lang).splitlines() if DESCENT[lang] in line]
    assert line.partition(DESCENT[lang])[0].strip() == {"en": english, "zh": chinese}[lang]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_corrected_stands_before_its_correction(lang: str) -> None:
    text = written(two_layers(training={"optimizer": "adam"}), lang)
    places = [text.index(one) for one in (r"m_{w^{(1)}_{11}} &", r"v_{w^{(1)}_{11}} &", "c_1 &", "c_2 &")]
    assert places == sorted(places)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("start", [0, 0.25])
def test_a_sum_of_squares_that_begins_above_0_is_said_to(start: float, lang: str) -> None:
    optimizer = {"name": "adagrad", "initial_accumulator_value": start}
    text = written(two_layers(training={"optimizer": optimizer}), lang)
    begun = {"en": "begun at $0.25$", "zh": "从 $0.25$ 开始"}[lang]
    assert text.count(begun) == (2 if start else 0)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["adam", "adamw"])
@pytest.mark.parametrize(
    ("betas", "corrected"),
    [([0, 0], set()), ([0, 0.9], {"c_2"}), ([0.9, 0], {"c_1"}), ([0.8, 0.9], {"c_1", "c_2"})],
)
def test_only_a_moment_that_is_remembered_is_corrected(
    betas: list[float], corrected: set[str], name: str, lang: str
) -> None:
    """With a beta of 0, the moment is the gradient itself, or its square: neither it nor its correction is there."""
    one = two_layers(training={"optimizer": {"name": name, "betas": betas}})
    text = written(one, lang)
    assert {factor for factor in ("c_1", "c_2") if factor in text} == corrected
    moments = {"c_1": "$m$", "c_2": "$v$"}
    assert {factor for factor, moment in moments.items() if moment in text} == corrected
    assert ("0^n" in text, "0 ** n" in bpsym.generate(one)) == (False, False)


def test_a_shared_number_stands_before_the_first_line_that_reads_it() -> None:
    text = written(NUMERIC["own"], "en")
    assert text.index(r"\tau_n &") < text.index(r"v_{w^{(1)}_{11}} &")
    text = written(two_layers(training=ADAM), "en")
    assert text.index(r"\lVert g\rVert &") < text.index(r"\sigma &") < text.index(r"\hat{g}_{w^{(1)}_{11}} &")


# Gradients --------------------------------------------------------------------------------------------------------


def test_the_first_section_of_gradients_continues_nothing() -> None:
    leads = {
        "both": (two_layers(), {}, ["gradients_first", "gradients_next"]),
        "output": (two_layers(1, FROZEN), {}, ["gradients_only"]),
        "hidden": (two_layers(1, None, FROZEN), {}, ["gradients_only"]),
        "asked": (NUMERIC["indexed"], {"weights": ("w1_23",)}, ["gradients_only_one"]),
    }
    for one, asked, keys in leads.values():
        sections = bpsym.derive(one, **asked).derivation.sections
        found = [each.blocks[0].key for each in sections if each.key.endswith("_gradients")]  # type: ignore[union-attr]
        assert found == keys


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_hidden_section_that_comes_first_says_what_the_loss_depends_on(lang: str) -> None:
    text = written(two_layers(1, None, FROZEN), lang)
    assert {"en": "Next we need", "zh": "还需要求"}[lang] not in text
    assert {"en": "The loss depends on them through", "zh": "损失经下列各式依赖于这些参数："}[lang] in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_error_term_is_not_said_to_be_summed(lang: str) -> None:
    of_one, of_two = (
        section(written(one, lang), "Error terms", "误差项") for one in (two_layers(), NUMERIC["sequential"])
    )
    words = {"en": "add up the products", "zh": "加权求和"}[lang]
    assert words not in of_one
    assert words in of_two


def test_the_chinese_calls_a_cited_equation_an_equation() -> None:
    for one in SHOWN.values():
        before = re.findall(r"(.{2})\\eqref", written(one, "zh"), re.DOTALL)
        assert before
        assert {words.strip()[-1] for words in before} <= {"式", "、", "至", "}"}
    assert "（见式 " in written(two_layers(), "zh")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("samples", "more"), [(7, False), (12, True)])
def test_samples_whose_targets_do_not_sum_to_one_are_all_named_or_it_is_said(
    samples: int, more: bool, lang: str
) -> None:
    one = example(2, (layer(2, 2, "softmax", 1),), [[1, 1]] * samples, loss="cross_entropy")
    text = section(written(one, lang), "Error terms", "误差项")
    names = {
        ("en", False): "samples 1, 2, 3, 4, 5, 6 and 7 do",
        ("en", True): "samples 1, 2, 3, 4, 5 and others do",
        ("zh", False): "样本 1、2、3、4、5、6、7，",
        ("zh", True): "样本 1、2、3、4、5 等，",
    }
    assert names[lang, more] in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_large_batch_is_named_in_the_languages_own_words(lang: str) -> None:
    text = written(two_layers(40, training={"batch_size": 12, "shuffle": True}), lang)
    some = {"en": r"the samples (\d+, ){4}\d+ and others of", "zh": "编号为 (\\d+、){4}\\d+ 等，"}
    assert re.search(some[lang], text)
    assert "..." not in prose(text)


# Paragraphs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_leads_to_a_display_has_a_paragraph_of_its_own(name: str, lang: str) -> None:
    for form in FORMS:
        lines = prose(without_listing(document_of(name, form), lang)).splitlines()
        for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
            if line.endswith((":", "：")):
                assert before.strip() == "", (before, line)
                assert after.startswith("<display>"), (line, after)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_gradients_begin_a_paragraph_and_those_of_biases_go_on_in_it(lang: str) -> None:
    text = prose(written(NUMERIC["indexed"], lang))
    words = {"en": ("The gradient of a weight", "A bias acts like"), "zh": ("于是，", "偏置相当于")}[lang]
    paragraph = next(one for one in text.split("\n\n") if words[0] in one)
    assert paragraph.strip().startswith(words[0])
    assert words[1] in paragraph


@pytest.mark.parametrize("lang", LANGUAGES)
def test_several_arrays_are_left_out_in_one_sentence(lang: str) -> None:
    wide = example(12, (layer(12, 12, "tanh", 1), layer(2, 12, "sigmoid", 2)), [[0, 1]])
    text = written(wide, lang)
    given = section(text, "What is given", "已知数据")
    expected = {
        "en": r"The numbers of $\boldsymbol{x}$ (12 entries), $\boldsymbol{W}^{(1)}$ ($12 \times 12$),"
        r" $\boldsymbol{b}^{(1)}$ (12 entries) and $\boldsymbol{W}^{(2)}$ ($2 \times 12$) are left out.",
        "zh": r"$\boldsymbol{x}$（12 个分量）、$\boldsymbol{W}^{(1)}$（$12 \times 12$）、"
        r"$\boldsymbol{b}^{(1)}$（12 个分量）、$\boldsymbol{W}^{(2)}$（$2 \times 12$）的数值从略。",
    }
    assert expected[lang] in given
    assert given.count({"en": "left out", "zh": "从略"}[lang]) == 1


# Slopes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_bounds_of_the_slopes_stand_in_one_sentence_and_a_constant_is_no_bound(lang: str) -> None:
    layers = (
        layer(2, 2, "identity", 1),
        layer(2, 2, "gelu", 2),
        layer(2, 2, "sigmoid", 3),
        layer(1, 2, "tanh", 4),
    )
    text = section(
        written(example(2, layers, [[0.5]]), lang), "Why gradients vanish or explode", "梯度消失与梯度爆炸"
    )
    bounds = ["$f_1'(z) = 1$", r"$f_3'(z) \le \frac{1}{4}$", r"$f_4'(z) \le 1$"]
    lines = [line for line in text.splitlines() if any(one in line for one in bounds)]
    assert len(lines) == 1
    assert all(one in lines[0] for one in bounds)


@pytest.mark.parametrize(
    ("first", "parameter"), [({}, "w^{(1)}_{11}"), (FROZEN_WEIGHTS, "b^{(1)}_1"), (FROZEN, None)]
)
def test_the_product_of_slopes_is_that_of_a_parameter_that_has_a_chain(
    first: dict[str, Any], parameter: str | None
) -> None:
    text = section(written(two_layers(1, first), "en"), "Why gradients vanish or explode")
    assert re.findall(r"the chain of \$(.*?)\$ contains", text) == ([parameter] if parameter else [])
    assert ("f_1'" in text) == (parameter is not None)


def test_what_explodes_is_the_product_of_weights_and_slopes() -> None:
    text = written(bpsym.load("blog"), "zh")
    assert "权值与激活函数导数的乘积大于 1" in text
    assert "各个因子大于 1" not in text


@pytest.mark.parametrize("name", NUMERIC)
def test_no_side_of_an_equation_only_repeats_the_one_before(name: str) -> None:
    lines = written(NUMERIC[name], "en").splitlines()
    assert [line for line in lines if re.search(r"= (\S+) =\s+\1(?: |$)", line)] == []
    ends = [re.search(r"&?= (\S+)(?: \\notag)?(?: \\\\)?$", line) for line in lines]
    pairs = zip(ends, ends[1:], lines[1:], strict=False)
    assert not [
        line for one, other, line in pairs if one and other and line.startswith(" &=") and one[1] == other[1]
    ]


# Softmax ----------------------------------------------------------------------------------------------------------

HIDDEN = example(2, (layer(2, 2, "softmax", 1), layer(1, 2, "identity", 2)), [[0.5]])
BOTH = example(
    2, (layer(2, 2, "softmax", 1), layer(2, 2, "softmax", 2)), [[0, 1], [1, 0]], loss="cross_entropy"
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("one", [HIDDEN, BOTH], ids=["hidden", "both"])
def test_the_partials_of_softmax_are_derived_once_wherever_it_stands(one: bpsym.Example, form: str) -> None:
    labels = re.findall(r"\\label\{\\bpsymprefix (.*?)\}", written(one, "en", form=form))
    assert labels.count("layer-own") == labels.count("layer-other") == labels.count("layer-error-term-1") == 1
    first = "delta1-1" if form == "scalar" else "delta1"
    assert labels.index("layer-own") < labels.index("layer-error-term-1") < labels.index(first)


def test_error_terms_of_a_hidden_softmax_read_nothing_that_does_not_stand_above() -> None:
    found = steps(bpsym.derive(HIDDEN).derivation)
    assert list(found).index("da1-1") < list(found).index("delta1-1")
    x = HIDDEN.data.x[0]  # type: ignore[union-attr]
    first, second = ([[float(w) for w in row] for row in rows(*shape)] for shape in ((2, 2, 1), (1, 2, 2)))
    z = [sum(w * float(part) for w, part in zip(row, x, strict=True)) for row in first]
    a = [math.exp(one) / sum(map(math.exp, z)) for one in z]
    slope = sum(w * one for w, one in zip(second[0], a, strict=True)) - 0.5
    by_outputs = [slope * w for w in second[0]]
    for unit in (0, 1):
        assert float(found[f"da1-{unit + 1}"].value) == pytest.approx(by_outputs[unit], rel=1e-12)
        expected = sum(by_outputs[k] * a[k] * ((k == unit) - a[unit]) for k in (0, 1))
        assert float(found[f"delta1-{unit + 1}"].value) == pytest.approx(expected, rel=1e-12)


def test_a_sum_runs_over_a_letter_that_means_nothing_else_in_its_equation() -> None:
    text = written(HIDDEN, "en", form="index")
    assert r"\sum_{k=1}^{2} \frac{\partial L}{\partial a^{(1)}_k} a^{(1)}_k\right) \cdot a^{(1)}_i" in text
    assert r"\sum_{i=1}" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_symbol_of_a_softmax_layer_is_said_to_be_an_output(lang: str) -> None:
    row = next(line for line in written(HIDDEN, lang).splitlines() if line.startswith("$a^{(1)}_i$ &"))
    assert {"en": "the output of unit $i$ of layer 1, a softmax layer", "zh": "第 1 层第 $i$ 个神经元的输出"}[
        lang
    ] in row
    assert {"en": "the activation", "zh": "激活函数"}[lang] not in row


# Words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_what_another_activation_changes_is_said_once(form: str) -> None:
    assert said(two_layers(), form=form).count("inset") == 2
    assert said(two_layers(), form=form).count("other_activation") == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_weight_of_the_first_layer_comes_from_an_input(lang: str) -> None:
    text = written(two_layers(), lang)
    came = {
        "en": ("from input 1 to unit 1", "from input 1."),
        "zh": ("连接第 1 个输入与", "由第 1 个输入指向"),
    }
    assert [words for words in came[lang] if words not in text] == []
    other = written(example(1, (layer(1, 1, "tanh", 1), layer(2, 1, "tanh", 2)), [[1, 0]]), lang)
    assert {"en": "from unit 1 of the layer before", "zh": "由上一层第 1 个神经元指向"}[lang] in other


@pytest.mark.parametrize("samples", [1, 3])
def test_the_chinese_calls_the_loss_that_is_added_up_the_total_loss_everywhere(samples: int) -> None:
    text = written(two_layers(samples, l2=0.1), "zh")
    assert "总的损失" not in text
    assert (r"\text{总损失}" in text) == (samples > 1)


def test_the_chinese_says_what_textbooks_say() -> None:
    text = written(NUMERIC["frozen"], "zh")
    assert "修正线性单元（ReLU）" in text
    assert "带泄露的修正线性单元（Leaky ReLU）" in text
    assert "线性整流" not in text
    assert "偏差修正" in written(NUMERIC["adam"], "zh")
    assert "梯度下降的核心" not in written(bpsym.load("blog"), "zh")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_head_of_the_table_of_samples_says_what_s_is(lang: str) -> None:
    assert {"en": r"\text{sample $s$} &", "zh": r"\text{样本 $s$} &"}[lang] in written(two_layers(3), lang)


# One sample in full, single weights, what became of the loss ---------------------------------------------------------


def of_two_samples(lang: str, data: Any = None, **asked: Any) -> str:
    layers = [bpsym.Dense(units=2, activation="tanh"), bpsym.Dense(units=1, activation="tanh")]
    if data is not None:
        layers = [
            one.model_copy(update={"init": bpsym.Dense(units=1, init="lecun_normal").init}) for one in layers
        ]
    network = bpsym.Network(inputs=1, layers=layers)
    known = data or {"x": [[1], [2]], "t": [[0], [1]]}
    return written(bpsym.Example(network=network, data=known), lang, **asked)


SAMPLE_SHOWN = {
    "numbers": {
        "en": "the numbers of a single sample are those of sample 2",
        "zh": "单个样本的数值，除注明者外，都是样本 2 的",
    },
    "written": {"en": "Sample 2 is written out in full", "zh": "下面对样本 2 写出完整的式子"},
    "in_full": {"en": "Sample 2 is computed in full", "zh": "下面对样本 2 给出完整的演算过程"},
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("has_numbers", "form", "said"),
    [
        (True, "scalar", "in_full"),
        (True, "index", "numbers"),
        (False, "scalar", "written"),
        (False, "index", None),
    ],
)
def test_what_is_shown_of_which_sample_is_said(
    lang: str, has_numbers: bool, form: str, said: str | None
) -> None:
    data = {"x": [[1], [2]], "t": [[0], [1]]} if has_numbers else None
    text = of_two_samples(lang, data, form=form, sample=2)
    assert [key for key, words in SAMPLE_SHOWN.items() if words[lang] in text] == ([said] if said else [])


def test_a_single_weight_with_many_chains_is_taken_from_its_error_term() -> None:
    """w1_11 of 1-2-3-2 has 6 chains, of 1-2-3-3 it has 9."""
    for outputs, chained in ((2, True), (3, False)):
        widths = (2, 3, outputs)
        layers = [bpsym.Dense(units=units, activation="tanh", init="lecun_normal") for units in widths]
        network = bpsym.Network(inputs=1, layers=layers)
        data = {"x": [[1]], "t": [[0] * outputs]}
        text = written(bpsym.Example(network=network, data=data), "en", form="index", weights=["w1_11"])
        assert (r"\bpsymprefix chain-w1-11" in text) == chained
        assert ("In full, the derivative with respect to $w^{(1)}_{11}$" in text) != chained
    single = text.partition("In full, the derivative")[2].partition(r"\bpsymheading")[0]
    assert r"\delta^{(1)}_1 &= \frac{\partial L}{\partial z^{(1)}_1}" in single
    assert r"\quad (i =" not in single


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("rate", "rose"), [("0.1", False), ("3", True)])
def test_that_the_loss_is_greater_in_the_end_is_said(lang: str, rate: str, rose: bool) -> None:
    """(w - 1)**2 / 2 with w = 0: each step multiplies w - 1 by 1 - rate."""
    only = bpsym.Dense(units=1, activation="identity", bias="none", weights=[[0]])
    training = {"learning_rate": float(rate), "steps": 2}
    one = bpsym.Example(
        network=bpsym.Network(inputs=1, layers=(only,)), data={"x": [[1]], "t": [[1]]}, training=training
    )
    words = {"en": "greater now than before the first step", "zh": "损失比第一步之前还大"}
    assert (words[lang] in written(one, lang)) == rose


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("activation", "lines"), [("relu", False), ("sigmoid", True), ("z**3", False)])
def test_line_by_line_is_said_of_more_than_one_line(lang: str, activation: str, lines: bool) -> None:
    only = bpsym.Dense(units=1, activation=activation, bias="none", weights=[[1]])
    one = bpsym.Example(network=bpsym.Network(inputs=1, layers=(only,)), data={"x": [[1]], "t": [[1]]})
    words = {"en": "Line by line, we find it like this:", "zh": "推导如下："}
    assert (words[lang] in written(one, lang)) == lines


def test_tanh_is_spelled_in_exponentials_before_it_is_differentiated_in_them() -> None:
    only = bpsym.Dense(units=1, activation="tanh", bias="none", weights=[[1]])
    one = bpsym.Example(network=bpsym.Network(inputs=1, layers=(only,)), data={"x": [[1]], "t": [[1]]})
    text = written(one, "en")
    assert (
        r"f(z) &= \tanh(z) \notag \\" + "\n" + r" &= \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}"
        in text.replace("e^z", "e^{z}")
    )


def test_a_sum_over_outputs_of_losses_with_several_terms_has_no_brackets_within() -> None:
    only = bpsym.Dense(units=2, activation="sigmoid", bias="none", weights=[[1], [2]])
    network = bpsym.Network(inputs=1, layers=(only,), loss="binary_cross_entropy")
    one = bpsym.Example(network=network, data={"x": [[1]], "t": [[1, 0]]})
    line = section(written(one, "en"), "The loss").partition(r"\label")[0]
    assert line.count(r"\ln") == 2
    assert "+ (t" not in line
    assert r"+ \bigl(t" not in section(written(one, "en"), "The loss")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_that_a_general_f_leaves_nothing_to_compute_is_said_beside_given_numbers(lang: str) -> None:
    words = {"en": "nothing is computed from the numbers", "zh": "因此不代入数值计算"}
    for activation, said in (("generic", True), ("tanh", False)):
        first = bpsym.Dense(units=1, activation=activation, weights=[[0.5]])
        network = bpsym.Network(inputs=1, layers=(first, bpsym.Dense(units=1)))
        assert (words[lang] in written(bpsym.Example(network=network, data={"x": [[1]]}), lang)) == said


def test_a_wide_matrix_that_is_given_stands_as_a_matrix_of_its_numbers() -> None:
    """4 x 5 numbers of six digits: with the symbols before them they would be 20 lines."""
    layers = (
        bpsym.Dense(units=5, weights=[[0.1]] * 5),
        bpsym.Dense(units=4, init="lecun_normal", frozen=["weights"]),
    )
    network = bpsym.Network(inputs=1, layers=layers)
    one = bpsym.Example(network=network, data={"x": [[1]], "t": [[0, 0, 0, 1]]})
    text = section(written(one, "en", form="scalar"), "What is given")
    assert r"w^{(2)}_{11} &\approx" not in text
    assert re.search(r"\\boldsymbol\{W\}\^\{\(2\)\} \\approx \\begin\{bmatrix\}", text)
    assert r"\begin{bmatrix} w^{(1)}_{11} \\" in text
