"""Every entry of a registry goes through the whole system because it exists."""

from __future__ import annotations

from collections.abc import Iterator

import jinja2
import jinja2.meta
import pytest

import bpsym
from bpsym import api, resources
from bpsym.codegen.targets import TARGETS
from bpsym.network.activations import ACTIVATIONS, Activation
from bpsym.network.losses import LOSSES
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.notation.names import Names
from bpsym.typeset.latex import document_names
from tests.witness.activations import called
from tests.witness.recompute import lines

SOFTSIGN = Activation("softsign", value="z / (1 + abs(z))")


def network(
    activation: str = "sigmoid", loss: str = "half_squared_error", optimizer: str = "sgd"
) -> bpsym.Example:
    last = "sigmoid" if activation == "softmax" else activation  # a softmax of one unit is always 1
    layers = (
        bpsym.Dense(units=2, activation=activation, weights=[[0.1, -0.8], [0.4, 0.6]], biases=[0.2, 0]),
        bpsym.Dense(units=1, activation=last, bias="layer", weights=[[0.3, 0.9]], biases=-0.1),
    )
    return bpsym.Example(
        notation="blog",
        network=bpsym.Network(inputs=2, layers=layers, loss=loss),
        data={"x": [[0.35, 0.9]], "t": [[0.5]]},
        training={"learning_rate": 0.1, "steps": 3, "optimizer": optimizer},
    )


def goes_through(example: bpsym.Example) -> None:
    """Derived and typeset in every language and document, each line recomputed; generated for every target."""
    document = bpsym.derive(example)
    for lang in api.languages():
        for kind in api.document_formats():
            found = lines(document.to_latex(lang, kind), called(document))
            assert len(found) > 20
            assert [line for line in found if not line.ok] == []
    losses = []
    for target in api.targets():
        trainer = bpsym.trainer(example, target=target)
        parameters, before, *_ = trainer.train(trainer.INITIAL, [[0.35, 0.9]], [[0.5]], 0.1, 3)
        assert trainer.loss(parameters, [[0.35, 0.9]], [[0.5]]) < before[0]
        losses.append(before)
    assert losses[0] == pytest.approx(losses[1], rel=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_goes_through_the_whole_system(activation: str) -> None:
    goes_through(network(activation=activation))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_goes_through_the_whole_system(loss: str) -> None:
    goes_through(network(loss=loss))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_goes_through_the_whole_system(optimizer: str) -> None:
    goes_through(network(optimizer=optimizer))


@pytest.fixture(name="one_more_activation")
def _one_more_activation() -> Iterator[None]:
    ACTIVATIONS[SOFTSIGN.name] = SOFTSIGN
    yield
    del ACTIVATIONS[SOFTSIGN.name]


@pytest.mark.usefixtures("one_more_activation")
def test_an_activation_is_one_record_and_its_name_serves_until_it_has_words() -> None:
    goes_through(network(activation="softsign"))
    assert "softsign" in bpsym.derive(network(activation="softsign")).to_latex()


@pytest.mark.parametrize("notation", api.notations())
@pytest.mark.parametrize("lang", api.languages())
def test_every_notation_is_derived_in_every_language(notation: str, lang: str) -> None:
    latex = bpsym.derive(bpsym.load("blog"), notation=notation).to_latex(lang)
    assert latex.count(r"\begin{align}") > 8
    assert "<" not in latex.split(r"\begin{verbatim}")[0].replace("[<-]", "").replace("->", "").replace(
        "<->", ""
    )


def test_what_the_command_line_offers_is_what_there_is() -> None:
    assert set(api.targets()) == set(TARGETS)
    assert api.document_formats() == document_names()


@pytest.mark.parametrize("target", api.targets())
def test_everything_that_a_code_template_is_given_is_used(target: str) -> None:
    example = bpsym.load("blog")
    record = TARGETS[target]
    data = record.writer(example, Names.of("blog", example.network), {}).data("command")
    text = (resources.template_folder() / "codegen" / record.template).read_text(encoding="utf-8")
    assert set(data) == jinja2.meta.find_undeclared_variables(jinja2.Environment(autoescape=True).parse(text))


def test_long_training_is_done_in_double_precision_and_said_to_be() -> None:
    example = network()
    long = example.model_copy(update={"training": type(example.training)(learning_rate=0.1, steps=1200)})
    latex = bpsym.derive(long).to_latex()
    assert "double precision" in latex
    trainer = bpsym.trainer(long)
    parameters, *_ = trainer.train(trainer.INITIAL, [[0.35, 0.9]], [[0.5]], 0.1, 1200)
    assert rf"w_{{31}} &\approx {parameters.w31:.6f}" in latex or f"{parameters.w31:.7f}"[:8] in latex
