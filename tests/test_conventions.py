"""What is chosen where a function has no slope is stated, for formulas of one's own too, and trainers do the same."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

import bpsym
from bpsym import api


def network(activation: str = "identity", loss: str = "half_squared_error", **more: object) -> bpsym.Network:
    layer = bpsym.Dense(units=1, activation=activation, weights=[[1]], biases=[0])
    return bpsym.Network(inputs=1, layers=(layer,), loss=loss, **more)


def conventions(of: bpsym.Network, lang: str = "en") -> str:
    example = bpsym.Example(network=of, notation="standard", data={"x": [[0.5]], "t": [[3]]})
    box = re.search(
        r"\\begin\{itemize\}(.*?)\\end\{itemize\}", bpsym.derive(example).to_latex(lang), re.DOTALL
    )
    assert box is not None
    return box[1]


@pytest.mark.parametrize(
    ("formula", "stated"),
    [
        ("max(z, 0)", {"0": "0"}),
        ("max(0, 1 - z)", {"1": "0"}),
        ("max(z, 0.1*z)", {"0": "1"}),
        ("abs(z)", {"0": "0"}),
        ("min(max(z, -1), 1)", {"-1": "0", "1": "0"}),
        ("abs(z**2 - 1)", {"-1": "0", "1": "0"}),
        ("max(z, 2*z - 1) + abs(z - 3)", {"1": "0", "3": "2"}),
        ("abs(z)**3 + z", {}),
        ("sqrt(z**2)", {"0": "0"}),
        ("(z**2)**0.5 + z", {"0": "1"}),
        ("sqrt((z - 1)*(z - 1))", {"1": "0"}),
        ("sqrt(z**4)", {}),
        ("z * abs(-2) + max(exp(1), 2)", {}),
        ("z / (1 + abs(z))", {}),
        ("sin(z)", {}),
        ("relu", {"0": "0"}),
        ("leaky_relu", {"0": "0.01"}),
    ],
)
def test_the_slope_at_each_kink_is_stated(formula: str, stated: dict[str, str]) -> None:
    """By hand: 2 z - 1 = z at 1, where z counts: slope 1 - 1 = 0; at 3 2 z - 1 is greater, and |z - 3| adds 0."""
    text = conventions(network(formula))
    found = re.findall(r"At \$z = (\S+)\$ there is no derivative; \$f'\(z\)\$ is taken to be \$(\S+)\$", text)
    assert dict(found) == stated
    assert len(found) == text.count("no derivative")


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("abs(sin(z))", r"Where $\sin(z) = 0$, $\lvert \sin(z)\rvert$ has no derivative; 0 is taken for it."),
        ("abs(z**2 - 2)", r"Where $z^2 - 2 = 0$,"),
        ("max(exp(z), z + 1)", r"Where $e^{z} = z + 1$, $\max(e^{z}, z + 1)$ has no derivative"),
        ("max(exp(z), z + 1)", "it is differentiated there like $e^{z}$."),
        ("abs(z**100 - z - 1)", "Where $z^{100} - z - 1 = 0$,"),
        ("z / abs(z)", "At $z = 0$ there is no derivative, and no slope is taken in its place."),
    ],
)
def test_where_a_kink_is_no_rational_number_the_rule_is_stated(formula: str, said: str) -> None:
    assert said in conventions(network(formula))


@pytest.mark.parametrize(
    ("loss", "a", "t", "slope", "said"),
    [
        ("abs(a - t)", 2.0, 2.0, 0.0, "Where an output is exactly its target, the loss has no derivative; $0$"),
        ("max(a, t)", 2.0, 2.0, 1.0, "Where an output is exactly its target, the loss has no derivative; $1$"),
        ("max(0, 1 - a*t)", 0.5, 2.0, 0.0, "Where $1 - a^{(1)}_1 t = 0$, the loss has no derivative"),
        ("max(1 - a*t, 0)", 0.5, 2.0, 0.0, "Where $1 - a^{(1)}_1 t = 0$, the loss has no derivative"),
        ("max(a*t, a)", 5.0, 1.0, 1.0, "is differentiated there like $a^{(1)}_1 t$"),
    ],
)  # fmt: skip
def test_the_slope_at_the_kink_of_a_loss_is_stated_and_taken(
    loss: str, a: float, t: float, slope: float, said: str
) -> None:
    of = network(loss=loss)
    assert said in conventions(of)
    for target in api.targets():
        trainer = bpsym.trainer(bpsym.Example(network=of), target)
        gradients = trainer.gradients(trainer.INITIAL, [[a]], [[t]])
        assert float(gradients[-1] if target == "python" else gradients[-1][0]) == slope


@pytest.mark.parametrize("lang", api.languages())
@pytest.mark.parametrize(
    ("of", "is_there"),
    [
        (network("abs(z)"), True),
        (network("abs(z) ** 3"), True),
        (network(loss="absolute_error"), True),
        (network(l1=0.1), True),
        (network("z / abs(z)"), False),
        (network("tanh"), False),
        (network("max(z, 0)"), False),
    ],
)
def test_where_a_sign_occurs_its_value_at_0_is_said(of: bpsym.Network, is_there: bool, lang: str) -> None:
    said = {"en": "and 0 for $u = 0$", "zh": "在 $u = 0$ 时为 0"}[lang]
    assert (said in conventions(of, lang)) == is_there


def test_kinks_of_layers_that_nothing_is_derived_through_are_not_stated() -> None:
    layers = (
        bpsym.Dense(
            units=1, activation="abs(z)", weights=[[1]], biases=[0], frozen=["weights", "biases"]
        ),
        bpsym.Dense(units=1, activation="relu", weights=[[1]], biases=[0]),
    )  # fmt: skip
    text = conventions(bpsym.Network(inputs=1, layers=layers))
    assert text.count("no derivative") == 1
    assert "sgn" not in text


@pytest.mark.parametrize(
    ("activation", "loss", "weight", "x", "t", "stands"),
    [
        ("max(z, 0.3)", "half_squared_error", "0.1", 3, "1", True),
        ("max(z, 0.3)", "half_squared_error", "0.1", 2, "1", False),
        ("relu", "half_squared_error", "0.1", 0, "1", False),  # nor is the product with 0
        ("relu", "half_squared_error", "0.5", 0, "1", False),  # 0.5 is a binary number: nothing is rounded
        ("identity", "absolute_error", "0.1", 3, "0.3", True),
        ("identity", "absolute_error", "0.1", 3, "0.4", False),
        ("identity", "max(a - t, 0.3)", "0.8", 1, "0.5", True),
        ("tanh", "half_squared_error", "0.1", 0, "1", False),
    ],
)
def test_that_a_unit_stands_exactly_on_a_kink_is_said(
    activation: str, loss: str, weight: str, x: int, t: str, stands: bool
) -> None:
    layer = bpsym.Dense(units=1, activation=activation, weights=[[Fraction(weight)]], bias="none")
    example = bpsym.Example(
        network=bpsym.Network(inputs=1, layers=(layer,), loss=loss),
        data={"x": [[x]], "t": [[Fraction(t)]]},
        training={"learning_rate": 0.1},
    )
    assert ("a unit stands exactly at such a place" in bpsym.derive(example).to_latex()) == stands


def test_in_index_form_that_a_unit_stands_on_a_kink_is_said_too() -> None:
    """One sample and one unit: the element with letters is that of the unit itself."""
    layer = bpsym.Dense(units=1, activation="relu", weights=[[0.3, 0.2]], biases=[-0.5])
    example = bpsym.Example(
        network=bpsym.Network(inputs=2, layers=(layer,)),
        data={"x": [[1, 1]], "t": [[1]]},
        training={"steps": 1},
    )
    for form in ("scalar", "index"):
        assert "a unit stands exactly at such a place" in bpsym.derive(example, form=form).to_latex()


def test_of_several_samples_that_is_said_of_the_one_in_which_it_happens() -> None:
    """0.3 * 1 + 0.2 * 1 - 0.5 = 0 in the second sample; 0.3 is no binary number."""
    layer = bpsym.Dense(units=1, activation="relu", weights=[[0.3, 0.2]], biases=[-0.5])
    network = bpsym.Network(inputs=2, layers=(layer,))
    example = bpsym.Example(network=network, data={"x": [[2, 1], [1, 1]], "t": [[0.5], [1]]})
    assert "In sample 2, a unit stands exactly at such a place." in bpsym.derive(example).to_latex()
    assert "样本 2 中，恰好有神经元落在这样的点上" in bpsym.derive(example).to_latex("zh")


@pytest.mark.parametrize(
    ("loss", "wrong"),
    [
        (
            "max(a-t, 0) + min(a-t, 0) + (a-t)**2",
            True,
        ),  # its slope is 1 + 2 (a - t); at a = t, max and min both add 0
        ("max(a-t, 0) + min(t-a, 0) + (a-t)**2", False),  # max(u, 0) + min(-u, 0) is 0, of slope 0
        ("abs(a-t) + max(a-t, 0)", False),  # there is a kink
    ],
)
def test_that_the_slopes_taken_at_a_losss_kinks_do_not_cancel_as_the_kinks_do_is_said(
    loss: str, wrong: bool
) -> None:
    text = conventions(network(loss=loss))
    assert ("the kinks of the loss cancel, but the slopes that are taken at them do not" in text) == wrong


def test_the_same_place_of_two_terms_is_stated_once() -> None:
    assert conventions(network(loss="abs(a-t) + abs(a-t)")).count("no derivative") == 1


def of_widths(*widths: int) -> bpsym.Network:
    layers = tuple(bpsym.Dense(units=units, activation="tanh") for units in widths[1:])
    return bpsym.Network(inputs=widths[0], layers=layers)


@pytest.mark.parametrize(
    ("widths", "weight"),
    [
        ((2, 2, 1), "$w^{(1)}_{21}$ leads into unit 2 of layer 1, from input 1"),
        ((3, 1), "$w^{(1)}_{12}$ leads into unit 1 of layer 1, from input 2"),
        ((1, 1, 3), "$w^{(2)}_{21}$ leads into unit 2 of layer 2, from unit 1 "),
        ((1, 1, 1), "$w^{(1)}_{11}$ leads into unit 1 of layer 1, from input 1"),
    ],
)
def test_the_order_of_indices_is_shown_by_indices_that_differ(widths: tuple[int, ...], weight: str) -> None:
    text = bpsym.derive(bpsym.Example(network=of_widths(*widths), notation="standard")).to_latex()
    assert weight in text
    assert ("its first index is the unit that it leads into" in text) == (max(widths) == 1)


LEFT_ALONE: dict[str, tuple[tuple[str, ...], ...]] = {
    "one layer": ((),),
    "the first layer frozen": (("weights", "biases"), ()),
    "biases only after it": ((), ("weights",)),
    "two layers": ((), ()),
}
"""Of each layer, what is frozen."""


@pytest.mark.parametrize("lang", api.languages())
@pytest.mark.parametrize("name", LEFT_ALONE)
def test_a_sequential_update_is_no_other_than_descent_where_no_new_parameter_is_read(
    name: str, lang: str
) -> None:
    """By hand: an error term reads the weights of the layer after it, and those only."""
    layers = tuple(
        bpsym.Dense(units=1, activation="tanh", weights=[[0.5]], biases=[0.1], frozen=frozen)
        for frozen in LEFT_ALONE[name]
    )
    text = bpsym.derive(
        bpsym.Example(
            network=bpsym.Network(inputs=1, layers=layers),
            data={"x": [[1]], "t": [[0]]},
            training={"steps": 1, "update": "sequential"},
        )
    ).to_latex(lang)
    differs = {
        "en": ("This is not exactly gradient descent", "one after the other"),
        "zh": ("这不是梯度下降", "各层依次更新"),
    }[lang]
    same = {"en": "it is exactly gradient descent", "zh": "与梯度下降完全相同"}[lang]
    assert [words in text for words in differs] == [name == "two layers"] * 2
    assert (same in text) == (name != "two layers")


@pytest.mark.parametrize(
    ("formula", "wrong"),
    [
        ("max(z, 0) + min(z, 0)", {"0": ("0", "1")}),
        ("max(abs(z) - 1, 0) - max(1 - abs(z), 0)", {"-1": ("0", "-1"), "1": ("0", "1")}),
        ("max(z, 0) + 0.5*min(z, 0)", {}),
    ],
)
def test_a_slope_that_is_wrong_where_kinks_cancel_is_said_to_be(
    formula: str, wrong: dict[str, tuple[str, str]]
) -> None:
    """By hand: max(z, 0) + min(z, 0) = z, and the other one is |z| - 1; the last one has a kink."""
    found = re.findall(
        r"At \$z = (\S+)\$, .* computed as \$(\S+)\$ .* derivative is \$(\S+)\$",
        conventions(network(formula)),
    )
    assert {at: (taken, right) for at, taken, right in found} == wrong
