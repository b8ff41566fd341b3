"""Nothing is special to 2-2-1: wider, deeper and larger networks derive, recompute and fit on their pages."""

from __future__ import annotations

import random
import re
from fractions import Fraction
from itertools import pairwise

import pytest

import bpsym
from bpsym import api
from bpsym.publish import tex
from tests.test_documents import CLASS, FIRST_LINE, in_each_language
from tests.witness.recompute import PRECISE, lines, precise, sigmoid


def numbers(draw: random.Random, count: int) -> list[Fraction]:
    return [Fraction(draw.randint(-999999, 999999), 10**6) for _ in range(count)]


def network(*widths: int, notation: str, bias: str, samples: int) -> bpsym.Example:
    """tanh and sigmoid layers in turn, with numbers of six digits and both signs."""
    draw = random.Random(1)
    layers = []
    for place, (before, units) in enumerate(pairwise(widths)):
        biases = {"none": None, "neuron": numbers(draw, units), "layer": Fraction(-1, 3)}[bias]
        layers.append(
            bpsym.Dense(
                units=units,
                activation=("tanh", "sigmoid")[place % 2],
                bias=bias,
                weights=[numbers(draw, before) for _ in range(units)],
                biases=biases,
            )
        )
    data = {
        end: [numbers(draw, width) for _ in range(samples)]
        for end, width in (("x", widths[0]), ("t", widths[-1]))
    }
    return bpsym.Example(
        title=r"50% of {x_1} & \TeX #1",
        notation=notation,
        network=bpsym.Network(inputs=widths[0], layers=tuple(layers)),
        data=data,
        training={"learning_rate": Fraction(1, 3), "steps": 5},
    )


NETWORKS = {
    "3-3-2": network(3, 3, 2, notation="blog", bias="neuron", samples=1),
    "12-11-3": network(12, 11, 3, notation="standard", bias="neuron", samples=1),
    "2-2-2-2-2": network(2, 2, 2, 2, 2, notation="standard", bias="layer", samples=2),
    "5-4-3": network(5, 4, 3, notation="blog", bias="none", samples=3),
    "1-1": network(1, 1, notation="blog", bias="neuron", samples=1),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("lang", in_each_language)
def test_a_fragment_of_any_network_fits_on_its_pages(name: str, lang: str) -> None:
    fragment = bpsym.derive(NETWORKS[name]).to_latex(lang, "fragment")
    host = f"{FIRST_LINE[lang]}\\documentclass[11pt,a4paper]{{{CLASS[lang]}}}\\usepackage{{amsmath,tikz}}"
    result = tex.compiled(
        f"{host}\n\\begin{{document}}\n\\input{{fragment}}\n\\end{{document}}\n", {"fragment.tex": fragment}
    )
    assert tex.faults(result.log) == ()
    assert r"Overfull \vbox" not in result.log


@pytest.mark.latex
def test_a_title_of_ones_own_is_set_as_it_is_written() -> None:
    latex = bpsym.derive(NETWORKS["1-1"]).to_latex("en")
    assert r"\title{50\% of \{x\_1\} \& \textbackslash{}TeX \#1}" in latex
    assert tex.faults(tex.compiled(latex).log) == ()


def titled(title: str, lang: str, own: str | None = None) -> str:
    """What stands as the title of a network of one's own."""
    network = NETWORKS["1-1"].network
    example = bpsym.Example(title=title, network=network, derivation={"lang": own} if own else {})
    (found,) = re.findall(r"\\title\{(.*)\}", bpsym.derive(example).to_latex(lang))
    return str(found)


@pytest.mark.parametrize("lang", api.languages())
@pytest.mark.parametrize("own", [None, "en", "zh"])
def test_a_title_of_ones_own_is_printed_in_every_language_that_has_its_letters(
    own: str | None, lang: str
) -> None:
    assert titled("Étude 1", lang, own) == "Étude 1"
    assert (titled("第一个网络", lang, own) == "第一个网络") == (lang == "zh")


@pytest.mark.parametrize("name", ["blog", "mazur"])
def test_the_english_title_of_a_preset_is_printed_in_english_only(name: str) -> None:
    document = bpsym.derive(bpsym.load(name))
    english = rf"\title{{{document.example.title}}}"
    assert [english in document.to_latex(lang) for lang in ("en", "zh")] == [True, False]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_numeric_line_of_any_network_recomputes(name: str) -> None:
    document = bpsym.derive(NETWORKS[name], form="scalar")
    functions = {
        document.names.function(layer): (
            sigmoid if activation == "sigmoid" else lambda z: PRECISE.tanh(precise(z))
        )
        for layer, activation in enumerate(document.names.activations, start=1)
    }
    found = lines(document.to_latex("en", "fragment"), functions)
    assert [line for line in found if not line.ok] == []
    assert len(found) > 10


@pytest.mark.parametrize("target", api.targets())
@pytest.mark.parametrize("name", NETWORKS)
def test_a_trainer_of_any_network_has_the_derivations_loss(name: str, target: str) -> None:
    example = NETWORKS[name]
    assert example.data is not None
    x, t = ([[float(entry) for entry in row] for row in rows] for rows in (example.data.x, example.data.t))
    trainer = bpsym.trainer(example, target=target)
    loss = bpsym.derive(example).derivation.values[0]["C"][()]
    assert trainer.loss(trainer.INITIAL, x, t) == pytest.approx(float(loss), rel=1e-12)
    assert max(map(len, bpsym.generate(example, target=target).splitlines())) <= 84
