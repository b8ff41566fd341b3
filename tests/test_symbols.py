"""The table of symbols: what a training rule calls its numbers and states, in each language, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest

import bpsym
from bpsym import api
from bpsym.derivation.forms import Derivation, Element, Equations, SymbolTable, changed
from bpsym.network import roles
from bpsym.network.choices import Setting
from bpsym.network.clips import CLIPS
from bpsym.network.optimizers import OPTIMIZERS, Optimizer
from bpsym.network.schedules import SCHEDULES
from bpsym.typeset.phrases import load_phrases
from tests.shown import mazur
from tests.test_training_rules import one_weight

REGISTRIES: Mapping[str, Mapping[str, Any]] = {
    "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "clip": CLIPS,
}  # fmt: skip


# Every symbol of every rule ----------------------------------------------------------------------------------------


def of_effect(setting: Setting) -> Any:
    """A value that leaves nothing out: no zero, no false."""
    if setting.switch:
        return True
    if setting.default not in (0, None) and isinstance(setting.default, (int, float, tuple)):
        return list(setting.default) if setting.parts else setting.default
    return 3 if setting.whole else Fraction(1, 4)


def in_full(part: str, name: str) -> bpsym.Example:
    """One weight, trained by this record with all of its settings."""
    settings = {key: of_effect(one) for key, one in REGISTRIES[part][name].settings.items()}
    return one_weight(**{part: {"name": name} | settings, "steps": 1})


RULES = [(part, name) for part, records in REGISTRIES.items() for name in records]
EXAMPLES = {
    **{f"{part} {name}": in_full(part, name) for part, name in RULES},
    **{name: one_weight(optimizer=name, steps=1) for name in OPTIMIZERS},
    "sequential": mazur(update="sequential"),
    "nothing trained": bpsym.Example(
        network=bpsym.Network(
            inputs=1,
            layers=[bpsym.Dense(units=1, bias="none", weights=[[1]], frozen=["weights"])],
        ),
        data={"x": [[1]], "t": [[0]]},
        training={"optimizer": "adam", "steps": 1},
    ),
}

OF_A_RULE = (
    roles.STEP,
    roles.SETTING,
    roles.SHARED,
    roles.RATE,
    roles.CLIPPED,
    roles.STATE,
    roles.SEQUENTIAL,
)


def explained(derivation: Derivation) -> dict[tuple[str, str], str]:
    """(kind, name) of each symbol of the rule in the table -> the key of what it means."""
    (table,) = (
        block for one in derivation.sections for block in one.blocks if isinstance(block, SymbolTable)
    )
    rows = [(kind, key) for forms, key, _ in table.rows for kind in kinds(derivation, forms)]
    assert len(rows) == len(dict(rows))
    return dict(rows)


def printed(derivation: Derivation) -> set[tuple[str, str]]:
    """(kind, name) of each symbol of the rule that stands in an equation."""
    return {
        kind
        for section in derivation.sections
        for block in section.blocks
        if isinstance(block, Equations)
        for step in block.steps
        for kind in kinds(derivation, (step.lhs, *step.forms))
    }


def kinds(derivation: Derivation, forms: Any) -> Iterator[tuple[str, str]]:
    found: list[Element] = []
    changed(forms, lambda element: found.append(element) or element)  # type: ignore[func-returns-value]
    for element in found:
        role = derivation.program[element.read.name].role
        kind = role.name if role.name == roles.SEQUENTIAL else role.kind
        if kind in OF_A_RULE:
            sums = role.kind == roles.PRE_ACTIVATION
            yield kind, ("error term" if sums else "gradient") if kind == roles.SEQUENTIAL else role.name


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("form", ["scalar", "index"])
def test_each_symbol_of_a_rule_that_is_printed_is_explained_and_no_other(name: str, form: str) -> None:
    derivation = bpsym.derive(EXAMPLES[name], form=form).derivation
    assert set(explained(derivation)) == printed(derivation)


def unnamed(example: bpsym.Example) -> list[str]:
    """Which phrases the example's rule lacks, each as what to write where."""
    keys = explained(bpsym.derive(example).derivation).values()
    tables = {lang: load_phrases(lang, example.notation).tables["symbols"] for lang in api.languages()}
    return [
        f'bpsym/typeset/phrases/{lang}.toml: no words for a symbol (write {key} = "..." in [symbols])'
        for lang, phrases in tables.items()
        for key in keys
        if key not in phrases
    ]


@pytest.mark.parametrize(("part", "name"), RULES)
def test_each_symbol_of_a_rule_has_words_in_each_language(part: str, name: str) -> None:
    assert unnamed(in_full(part, name)) == []


def test_no_words_are_left_over_for_symbols_that_no_rule_has() -> None:
    known = {key for one in EXAMPLES.values() for key in explained(bpsym.derive(one).derivation).values()}
    for lang in api.languages():
        words = load_phrases(lang, "standard").tables["symbols"]
        of_rules = {key for key in words if re.match("(setting|shared|state)_", key)} - {"shared_bias"}
        assert of_rules <= known


LION = Optimizer(
    "lion",
    about="Lion",
    settings={"blend": Setting(0.9, least=0, below=1), "momentum": Setting(0.99, least=0, below=1)},
    states={"v": "momentum * v + (1 - momentum) * g"},
    value="p - eta * (blend * v + g)",
    means={"v": "trend"},
)
"""A record that is thrown away again."""


def test_a_new_optimizer_without_words_is_shown_by_its_names_and_the_words_that_it_lacks_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(OPTIMIZERS, "lion", LION)  # type: ignore[arg-type]
    example = one_weight(optimizer="lion", steps=1)
    table = meanings(bpsym.derive(example).to_latex())
    assert table[r"\mathrm{blend}"] == "a setting of the update, blend"
    assert table[r"\mu"] == "the momentum coefficient"
    assert table["v_{w_{21}}"] == "what the optimiser remembers of the gradient with respect to $w_{21}$"
    assert unnamed(example) == [
        f'bpsym/typeset/phrases/{lang}.toml: no words for a symbol (write {key} = "..." in [symbols])'
        for lang in api.languages()
        for key in ("setting_blend", "state_trend")
    ]


# What they mean -----------------------------------------------------------------------------------------------------


def meanings(latex: str) -> dict[str, str]:
    """Symbol -> what the table says of it."""
    table = latex.partition(r"\begin{tabular}")[2].partition(r"\end{tabular}")[0]
    return dict(re.findall(r"\$(.*?)\$[^&]*& \\raggedright (.*?) \\tabularnewline", table))


MEANINGS: dict[str, dict[str, tuple[str, str]]] = {
    "optimizer momentum": {
        r"\mu": ("momentum coefficient", "动量系数"),
        r"\tau": ("dampening", "阻尼系数"),
        "v_{w_{21}}": ("velocity of $w_{21}$", "$w_{21}$ 的动量"),
    },
    "optimizer nesterov": {r"\mu": ("momentum coefficient", "动量系数"), "v_{w_{21}}": ("velocity", "动量")},
    "optimizer adagrad": {
        r"\kappa": ("decay coefficient of the learning rate", "学习率衰减系数"),
        r"\varepsilon": ("keeps the divisor from being 0", "防止除数为零的小常数"),
        r"\eta'_n": ("decayed learning rate of step $n$", "第 $n$ 步衰减后的学习率"),
        "h_{w_{21}}": ("sum of the squared gradients", "平方和"),
    },
    "optimizer rmsprop": {
        r"\alpha": ("smoothing constant", "平滑系数"),
        "h_{w_{21}}": ("moving average of the squared gradients", "梯度平方的滑动平均"),
        "m_{w_{21}}": ("moving average of the gradients", "梯度的滑动平均"),
        "v_{w_{21}}": ("velocity of $w_{21}$: the decaying sum of its scaled gradients", "缩放后"),
    },
    "optimizer adam": {
        r"\beta_1": ("decay rate of the first moment", "一阶矩估计的衰减率"),
        r"\beta_2": ("decay rate of the second moment", "二阶矩估计的衰减率"),
        r"\varepsilon": ("keeps the divisor from being 0", "防止除数为零的小常数"),
        "n": ("number of the current step", "当前步数"),
        "c_1": ("bias correction of the first moment", "一阶矩估计的偏差修正系数"),
        "c_2": ("bias correction of the second moment", "二阶矩估计的偏差修正系数"),
        "m_{w_{21}}": ("first moment estimate", "一阶矩估计"),
        "v_{w_{21}}": ("second moment estimate", "二阶矩估计"),
    },
    "optimizer adamw": {
        r"\lambda": ("weight decay coefficient", "权值衰减系数"),
        "v_{w_{21}}": ("second moment estimate", "二阶矩估计"),
    },
    "schedule step": {
        "S": ("steps between two decays", "学习率衰减的间隔步数"),
        r"\gamma": ("decay factor", "学习率衰减因子"),
        r"\eta_n": ("learning rate of step $n$", "第 $n$ 步的学习率"),
    },
    "schedule exponential": {r"\gamma": ("decay factor", "学习率衰减因子")},
    "schedule cosine": {
        "T": ("steps of the cosine annealing", "余弦退火的步数"),
        r"\eta_{\min}": ("minimum of the learning rate", "学习率的最小值"),
    },
    "schedule warmup": {"N": ("warm-up steps", "预热的步数")},
    "clip norm": {
        r"\rho": ("clipping threshold: the largest norm", "裁剪阈值，即全体梯度的范数的上限"),
        r"\lVert g\rVert": ("norm of all gradients", "全体梯度 $g$ 的范数"),
        r"\sigma": ("scaling factor of the clipping", "缩放系数"),
        r"\hat{g}_{w_{21}}": ("clipped gradient with respect to $w_{21}$", "裁剪后的值"),
    },
    "clip value": {r"\rho": ("clipping threshold: the largest absolute value", "绝对值的上限")},
    "sequential": {
        r"\tilde{\delta}_3": ("error term of node 3, computed with the updated", "更新后的参数算出的结点 3 的误差项"),
        r"\tilde{g}_{w_{31}}": ("gradient with respect to $w_{31}$, computed with the updated", "更新后的参数算出的 $w_{31}$ 的梯度"),
    },
}  # fmt: skip
"""The field's terms: those of PyTorch's documentation, and of Chinese textbooks."""


@pytest.mark.parametrize("name", MEANINGS)
def test_a_symbol_means_what_it_means_in_its_own_rule(name: str) -> None:
    document = bpsym.derive(EXAMPLES[name])
    for place, lang in enumerate(("en", "zh")):
        table = meanings(document.to_latex(lang))
        for symbol, words in MEANINGS[name].items():
            assert words[place] in table[symbol]


def test_a_table_without_a_rule_of_many_symbols_has_the_learning_rate_alone() -> None:
    table = meanings(bpsym.derive(one_weight(steps=1)).to_latex())
    assert table[r"\eta"] == "the learning rate"
    assert not {r"\mu", "n", r"\varepsilon", r"\eta_n"} & set(table)
