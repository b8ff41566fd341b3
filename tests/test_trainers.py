"""Generated trainers against the handwritten one, central differences, and the blog's figures."""

from __future__ import annotations

import ast
import math
import re
import sys
import warnings
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings

import bpsym
from bpsym import api
from tests.networks import Drawn, networks
from tests.witness import broadcast, handwritten
from tests.witness.differences import central_differences

TOLERANCE = {"python": 1e-12, "numpy": 1e-10}
X, T = [[0.35, 0.9]], [[0.5]]
targets = pytest.mark.parametrize("target", api.targets())


def blog(target: str) -> Any:
    return bpsym.trainer(bpsym.load("blog"), target=target)


def flat(parameters: Any) -> list[float]:
    return [float(entry) for one in parameters for entry in np.ravel(one)]


def rows(outputs: Any) -> list[float]:
    return [float(entry) for row in outputs for entry in row]


# Against the handwritten trainer ---------------------------------------------------------------------------------


@targets
@settings(max_examples=80)
@given(drawn=networks())
def test_a_trainer_agrees_with_the_handwritten_one(target: str, drawn: Drawn) -> None:
    network, tolerance = drawn.network, TOLERANCE[target]
    parameters, x, t, rate = drawn.floats()
    trainer = bpsym.trainer(drawn.example(), target=target, cited=False)
    scaled, xs, ts = (
        handwritten.scaled_parameters(parameters),
        handwritten.scaled_rows(x),
        handwritten.scaled_rows(t),
    )
    outputs = [entry for row in handwritten.forward(network, scaled, xs) for entry in row]
    assert handwritten.discrepancy(rows(trainer.forward(trainer.INITIAL, x)), outputs) <= tolerance
    loss = [handwritten.loss(network, scaled, xs, ts)]
    assert handwritten.discrepancy([trainer.loss(trainer.INITIAL, x, t)], loss) <= tolerance
    gradients = handwritten.flatten(handwritten.gradients(network, scaled, xs, ts))
    assert handwritten.discrepancy(flat(trainer.gradients(trainer.INITIAL, x, t)), gradients) <= tolerance
    after = handwritten.flatten(handwritten.step(network, scaled, xs, ts, rate))
    assert handwritten.discrepancy(flat(trainer.update(trainer.INITIAL, x, t, rate)), after) <= tolerance


@targets
@settings(max_examples=25)
@given(drawn=networks())
def test_a_hundred_steps_agree_wherever_the_order_of_sums_does_not_matter(target: str, drawn: Drawn) -> None:
    network = drawn.network
    parameters, x, t, rate = drawn.floats()
    try:
        right, losses = handwritten.train(network, parameters, x, t, rate, 100)
        control, _ = handwritten.train(network, parameters, x, t, rate, 100, reverse=True)
    except OverflowError:
        return
    expected, other = handwritten.flatten(right), handwritten.flatten(control)
    if not all(
        math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-11) for a, b in zip(expected, other, strict=True)
    ):
        return
    trainer = bpsym.trainer(drawn.example(), target=target, cited=False)
    found, found_losses = trainer.train(trainer.INITIAL, x, t, rate, 100)
    assert flat(found) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found_losses == pytest.approx(losses, rel=1e-9, abs=1e-9)


@settings(max_examples=15)
@given(drawn=networks())
def test_gradients_are_the_slopes_of_the_trainers_own_loss(drawn: Drawn) -> None:
    """Central differences of the handwritten loss at 50 digits."""
    _, x, t, _ = drawn.floats()
    network = drawn.network

    def loss(point: list[Any]) -> Any:
        exact = [[[mpmath.mpf(entry) for entry in row] for row in part] for part in (x, t)]
        return handwritten.loss(network, handwritten.unflatten(network, point), *exact)

    expected = central_differences(loss, [float(number) for number in drawn.parameters])
    trainer = bpsym.trainer(drawn.example(), cited=False)
    found = flat(trainer.gradients(trainer.INITIAL, x, t))
    assert found == pytest.approx([float(slope) for slope in expected], rel=1e-9, abs=1e-11)


# The blog's figures ----------------------------------------------------------------------------------------------


@targets
def test_the_blogs_figures_are_right_to_thirteen_digits(target: str) -> None:
    trainer = blog(target)
    assert rows(trainer.forward(trainer.INITIAL, X)) == pytest.approx([0.690283492907644405], rel=1e-13)
    assert trainer.loss(trainer.INITIAL, X, T) == pytest.approx(0.018103903836566779, rel=1e-13)
    gradients = [
        0.000929071160809660, 0.00238904012779626883, 0.00286007577244545501, 0.00735448055771688431,
        0.0276740349387178682, 0.0270016369910074140,
    ]  # fmt: skip
    assert flat(trainer.gradients(trainer.INITIAL, X, T)) == pytest.approx(gradients, rel=1e-13)
    after = [
        0.099070928839190339, 0.797610959872203731, 0.397139924227554544, 0.592645519442283115,
        0.272325965061282131, 0.872998363008992585,
    ]  # fmt: skip
    moved = trainer.update(trainer.INITIAL, X, T, 1.0)
    assert flat(moved) == pytest.approx(after, rel=1e-13)
    assert rows(trainer.forward(moved, X)) == pytest.approx([0.682018583264294181], rel=1e-13)
    assert trainer.loss(moved, X, T) == pytest.approx(0.016565382326770397, rel=1e-13)


@targets
def test_after_two_and_a_hundred_steps_the_loss_is_the_right_one(target: str) -> None:
    trainer = blog(target)
    parameters, losses = trainer.train(trainer.INITIAL, X, T, 1.0, 100)
    assert losses[2] == pytest.approx(0.015126955254448, rel=1e-12)
    assert trainer.loss(parameters, X, T) == pytest.approx(2.918213772e-07, rel=1e-9)
    after = [0.099497286575, 0.798707308337, 0.356500280268, 0.488143577833, -0.300472254293, 0.325336028224]
    assert flat(parameters) == pytest.approx(after, abs=1e-12)


@targets
def test_the_numbers_of_the_broadcast_slip_are_not_ours(target: str) -> None:
    trainer = blog(target)
    with mpmath.workdps(30):
        start = [[mpmath.mpf("0.1"), mpmath.mpf("0.8")], [mpmath.mpf("0.4"), mpmath.mpf("0.6")]]
        w0, w1, losses = broadcast.train(
            start,
            [mpmath.mpf("0.3"), mpmath.mpf("0.9")],
            [mpmath.mpf("0.35"), mpmath.mpf("0.9")],
            mpmath.mpf("0.5"),
            100,
        )
    parameters, ours = trainer.train(trainer.INITIAL, X, T, 1.0, 100)
    assert float(losses[99]) == pytest.approx(5.92944818e-07, rel=1e-8)
    assert ours[99] != pytest.approx(float(losses[99]), rel=1e-2)
    assert ours[1] != pytest.approx(float(losses[1]), rel=1e-4)
    for found, slipped in zip(flat(parameters), (*w0[0], *w0[1], *w1), strict=True):
        assert abs(found - float(slipped)) > 1e-5
    assert flat(parameters)[0] - flat(parameters)[2] != pytest.approx(0.1 - 0.4, abs=1e-3)


# What a user may give --------------------------------------------------------------------------------------------


@targets
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "identity"])
def test_nothing_overflows_and_nothing_warns(target: str, activation: str) -> None:
    layer = bpsym.Dense(units=1, activation=activation, bias="none", weights=[[1]])
    trainer = bpsym.trainer(bpsym.Example(network=bpsym.Network(inputs=1, layers=(layer,))), target=target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for z in (-1e4, -745.2, -709.9, -37.0, 0.0, 37.0, 709.9, 1e4):
            (output,) = rows(trainer.forward(trainer.INITIAL, [[z]]))
            assert math.isfinite(output)
            with mpmath.workdps(30):
                exact = {
                    "sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)),
                    "tanh": mpmath.tanh,
                    "identity": mpmath.mpf,
                }
                right = exact[activation](mpmath.mpf(z))
                assert abs(output - right) <= 4e-16 * abs(right) + mpmath.mpf("1e-307")
            assert all(map(math.isfinite, flat(trainer.gradients(trainer.INITIAL, [[z]], [[0.5]]))))


@targets
@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        ([[1.0]], T, "x has shape (1, 1), but it must be (samples, 2)"),
        ([[1.0, 2.0, 3.0]], T, "x has shape (1, 3), but it must be (samples, 2)"),
        ([], T, "x has shape (0,), but it must be (samples, 2)"),
        ([[]], T, "x has shape (1, 0), but it must be (samples, 2)"),
        ([1.0, 2.0, 3.0], T, "x has shape (3,), but it must be (samples, 2)"),
        ([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], T, "x has shape (1, 2, 3), but it must be (samples, 2)"),
        (np.ones((1, 2, 3)), T, "x has shape (1, 2, 3), but it must be (samples, 2)"),
        (1.0, T, "x has shape (), but it must be (samples, 2)"),
        ([[1.0, 2.0], [3.0]], T, "x has rows of several lengths, but it must be (samples, 2)"),
        ([[1.0, 2.0], 3.0], T, "x has rows of several lengths, but it must be (samples, 2)"),
        (X, [[1.0, 2.0, 3.0]], "t has shape (1, 3), but it must be (samples, 1)"),
        (X, [[0.5], [0.5]], "t has shape (2, 1), but x has 1 samples: it must be (1, 1)"),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_named_in_the_same_words_by_every_target(
    target: str, x: Any, t: Any, message: str
) -> None:
    refused(target, x, t, rf"^{re.escape(message)}$")


@targets
@pytest.mark.parametrize(
    ("x", "t"),
    [
        ([[math.nan, 1.0]], T),
        (X, [[math.inf]]),
        ([["a", 1.0]], T),
        ([["0.1", "0.2"]], T),
        ([[None, 1.0]], T),
        (X, [[1j]]),
        (X, [[10**400]]),
    ],
)  # fmt: skip
def test_what_is_no_finite_number_is_named(target: str, x: Any, t: Any) -> None:
    refused(target, x, t, rf"^{'x' if t is T else 't'} holds .* is no finite number$")


def refused(target: str, x: Any, t: Any, message: str) -> None:
    """Every function that is given data says the message."""
    trainer = blog(target)
    for call in (
        lambda: trainer.loss(trainer.INITIAL, x, t),
        lambda: trainer.gradients(trainer.INITIAL, x, t),
        lambda: trainer.update(trainer.INITIAL, x, t, 1.0),
        lambda: trainer.train(trainer.INITIAL, x, t, 1.0, 2),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@targets
def test_lists_tuples_arrays_and_fractions_are_data(target: str) -> None:
    trainer = blog(target)
    right = trainer.loss(trainer.INITIAL, [[0.5, 0.25]], [[1.0]])
    for x, t in (
        (((0.5, 0.25),), [(1,)]),
        (np.array([[0.5, 0.25]]), np.ones((1, 1))),
        ([np.array([0.5, 0.25])], [[True]]),
        ([[Fraction(1, 2), Fraction(1, 4)]], [[Fraction(1)]]),
    ):
        assert trainer.loss(trainer.INITIAL, x, t) == right


@targets
def test_wrong_parameters_rates_and_steps_are_named(target: str) -> None:
    trainer = blog(target)
    first = trainer.Parameters._fields[0]
    with pytest.raises(ValueError, match=r"^parameters"):
        trainer.forward(trainer.INITIAL[:1], X)
    for wrong in (trainer.INITIAL[0] * math.nan, "0.1", None):
        with pytest.raises(ValueError, match=r"^parameters.*finite"):
            trainer.forward(trainer.INITIAL._replace(**{first: wrong}), X)
    for rate in (math.inf, "0.1", None):
        with pytest.raises(ValueError, match=r"^learning_rate holds .* is no finite number$"):
            trainer.update(trainer.INITIAL, X, T, rate)
    with pytest.raises(ValueError, match=r"^learning_rate "):
        trainer.update(trainer.INITIAL, X, T, [0.1])
    for steps in (-1, 1.5, 2.0, True, "2", None, np.bool_(True)):
        for number in ({"steps": steps}, {"steps": 1, "start": steps}):
            with pytest.raises(ValueError, match=r"^(steps|start) is .*, but must be 0, 1, 2, \.\.\.$"):
                trainer.train(trainer.INITIAL, X, T, 1.0, **number)


@targets
def test_a_whole_number_of_numpy_is_a_number_of_steps(target: str) -> None:
    trainer = blog(target)
    same = trainer.train(trainer.INITIAL, X, T, np.float64(0.5), np.int64(2), start=np.uint8(1))
    assert same[1] == trainer.train(trainer.INITIAL, X, T, 0.5, 2)[1]


@targets
def test_train_gives_the_loss_before_each_step_and_tells_of_its_progress(target: str) -> None:
    trainer = blog(target)
    told: list[tuple[int, float]] = []
    _, losses = trainer.train(
        trainer.INITIAL, X, T, 1.0, 3, progress=lambda step, loss: told.append((step, loss))
    )
    assert [step for step, _ in told] == [0, 1, 2]
    assert [loss for _, loss in told] == losses
    assert losses[0] == trainer.loss(trainer.INITIAL, X, T)
    same, none = trainer.train(trainer.INITIAL, X, T, 1.0, 0)
    assert flat(same) == flat(trainer.INITIAL)
    assert none == []


@settings(max_examples=20)
@given(drawn=networks())
def test_one_seed_gives_the_same_start_in_both_targets(drawn: Drawn) -> None:
    python, numpy = (
        bpsym.trainer(drawn.example(), target=target, cited=False) for target in ("python", "numpy")
    )
    assert flat(python.initialize(7)) == flat(numpy.initialize(7))
    assert flat(python.initialize(7)) == flat(python.initialize(7))
    start = handwritten.unflatten(drawn.network, flat(python.initialize(7)))
    before = drawn.network.inputs
    for layer, here in zip(drawn.network.layers, start, strict=True):
        limit = math.sqrt(6 / (before + layer.units))
        assert all(abs(weight) <= limit for row in here.weights for weight in row)
        assert not any(here.biases)
        before = layer.units


def test_weights_are_drawn_evenly_up_to_the_limit_of_glorot_and_bengio() -> None:
    trainer = bpsym.trainer(
        bpsym.Example(network=bpsym.Network(inputs=15, layers=(bpsym.Dense(units=25),))), target="numpy"
    )
    weights = trainer.initialize(1)[0]
    limit = math.sqrt(6 / 40)
    assert 0.97 * limit < np.abs(weights).max() <= limit
    assert abs(weights.mean()) < 0.09 * limit
    assert weights.std() == pytest.approx(limit / math.sqrt(3), rel=0.06)


@pytest.mark.parametrize(
    ("target", "allowed"),
    [("python", set(sys.stdlib_module_names)), ("numpy", {*sys.stdlib_module_names, "numpy"})],
)
def test_a_trainer_imports_nothing_of_bpsym(target: str, allowed: set[str]) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(bpsym.generate(bpsym.load("blog"), target=target))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported
    assert imported <= allowed


def test_the_committed_trainers_are_those_that_are_imported() -> None:
    from generated.blog import trainer_numpy, trainer_python

    for module, target in ((trainer_python, "python"), (trainer_numpy, "numpy")):
        assert flat(module.INITIAL) == flat(blog(target).INITIAL)
        assert module.loss(module.INITIAL, X, T) == blog(target).loss(blog(target).INITIAL, X, T)
