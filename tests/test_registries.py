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
from bpsym.network.losses import LOSSES, Loss
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.notation.names import Names
from bpsym.typeset.latex import document_names
from tests.trainers import trainer_of
from tests.witness.activations import called
from tests.witness.recompute import lines

ONE_MORE_ACTIVATION = Activation("one_more_activation", value="z / (1 + abs(z))", slope="1 / (1 + abs(z))**2")
SHARES = Activation("shares", value="(1 + z**2) / total(1 + z**2)")
ONE_MORE_LOSS = Loss("one_more_loss", value="(a - t)**4", slope="4 * (a - t)**3")
"""Records that are thrown away again: an activation, one of a whole layer, and a loss."""


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


ELEMENTWISE = [name for name, record in ACTIVATIONS.items() if not record.is_layer_wide]


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_every_activation_goes_through_the_whole_system(activation: str) -> None:
    goes_through(network(activation=activation))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_goes_through_the_whole_system(loss: str) -> None:
    goes_through(network(loss=loss))


def is_trained(activation: str, loss: str) -> None:
    """A trainer of each target: central differences of its loss are its gradients, and a step makes it smaller."""
    unit = {"units": 3, "weights": [[0.1, -0.8], [0.4, 0.6], [0.3, 0.5]], "biases": [0.2, 0, -0.1]}
    layer = bpsym.Dense(activation=activation, **unit)
    x, t = [[0.35, 0.9], [-0.2, 0.4]], [[0.5, 0.2, 0.3], [0.1, 0.6, 0.3]]
    for target in api.targets():
        trainer = trainer_of(bpsym.Network(inputs=2, layers=(layer,), loss=loss), target)
        start = trainer.INITIAL
        before, after = (trainer.loss(one, x, t) for one in (start, trainer.update(start, x, t, 0.01)))
        assert after < before
        step = 1e-6
        for place, slope in enumerate(trainer.gradients(start, x, t)):
            if getattr(slope, "shape", ()) == ():
                sides = [[*start[:place], start[place] + h, *start[place + 1 :]] for h in (step, -step)]
                up, down = (trainer.loss(trainer.Parameters(*one), x, t) for one in sides)
                assert slope == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name not in ELEMENTWISE])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_layer_wide_activation_is_trained_with_every_loss_that_it_suits(
    activation: str, loss: str
) -> None:
    if LOSSES[loss].accepts(ACTIVATIONS[activation]):
        is_trained(activation, loss)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_goes_through_the_whole_system(optimizer: str) -> None:
    goes_through(network(optimizer=optimizer))


@pytest.fixture(name="one_more_of_each")
def _one_more_of_each() -> Iterator[None]:
    ACTIVATIONS.update({ONE_MORE_ACTIVATION.name: ONE_MORE_ACTIVATION, SHARES.name: SHARES})
    LOSSES[ONE_MORE_LOSS.name] = ONE_MORE_LOSS
    yield
    del ACTIVATIONS[ONE_MORE_ACTIVATION.name], ACTIVATIONS[SHARES.name], LOSSES[ONE_MORE_LOSS.name]


@pytest.mark.usefixtures("one_more_of_each")
def test_an_activation_is_one_record_and_its_name_serves_until_it_has_words() -> None:
    goes_through(network(activation="one_more_activation"))
    assert "one_more_activation" in bpsym.derive(network(activation="one_more_activation")).to_latex()


@pytest.mark.usefixtures("one_more_of_each")
def test_a_loss_is_one_record() -> None:
    goes_through(network(loss="one_more_loss"))
    is_trained("one_more_activation", "one_more_loss")


@pytest.mark.usefixtures("one_more_of_each")
@pytest.mark.parametrize("loss", ["half_squared_error", "one_more_loss", "huber"])
def test_a_layer_wide_activation_is_one_record(loss: str) -> None:
    is_trained("shares", loss)


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
