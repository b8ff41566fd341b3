"""What generated trainers compute for |z| <= 10,000, against formulas of our own with 60 digits.

Within 4 ulp, or 4e-16 times the largest term that cancels (1, where none is larger), without overflow or warning.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest

import bpsym
from bpsym import api
from bpsym.network.activations import ACTIVATIONS
from bpsym.network.losses import LOSSES
from tests.trainers import trainer_of

M = mpmath.mp.clone()
M.dps = 60
ONE = M.mpf(1)

NEAR = (
    0.0,
    5e-324,
    1e-310,
    2.3e-308,
    1e-300,
    1e-20,
    1e-8,
    1e-3,
    0.1,
    0.5,
    0.7517915247,
    1.0,
    1.5,
    2.0,
    3.0,
    5.0,
    8.3,
    10.0,
)
FAR = (
    20.0,
    30.1,
    36.7,
    37.0,
    37.5,
    38.6,
    40.0,
    88.8,
    100.0,
    709.7,
    709.8,
    710.0,
    745.1,
    745.2,
    746.0,
    1000.0,
    9999.9,
    1e4,
)
DRAWN = tuple(random.Random(5).uniform(-1, 1) * 10 ** random.Random(n).uniform(-3, 4) for n in range(60))
POINTS = tuple(sign * z for z in (*NEAR, *FAR) for sign in (1, -1)) + DRAWN
TARGETS = (0.0, 1.0, 0.5, 0.3, -0.7, 2.5)

targets = pytest.mark.parametrize("target", api.targets())


def sigmoid(z: Any) -> Any:
    return 1 / (1 + M.exp(-z))


def density(z: Any) -> Any:
    return M.exp(-z * z / 2) / M.sqrt(2 * M.pi)


def distribution(z: Any) -> Any:
    return M.erfc(-z / M.sqrt(2)) / 2


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "identity": (lambda z: z, lambda z: ONE),
    "sigmoid": (sigmoid, lambda z: M.exp(-abs(z)) / (1 + M.exp(-abs(z))) ** 2),
    "tanh": (M.tanh, lambda z: 1 / M.cosh(z) ** 2),
    "relu": (lambda z: max(z, M.mpf(0)), lambda z: ONE if z > 0 else 0 * ONE),
    "leaky_relu": (lambda z: z if z > 0 else z / 100, lambda z: ONE if z > 0 else ONE / 100),
    "elu": (lambda z: z if z > 0 else M.expm1(z), lambda z: ONE if z > 0 else M.exp(z)),
    "softplus": (lambda z: M.log1p(M.exp(z)), sigmoid),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * sigmoid(-z))),
    "gelu": (lambda z: z * distribution(z), lambda z: distribution(z) + z * density(z)),
}
"""f and f', by formulas of our own."""

SEVERAL = ((0.1, -0.2, 0.3), (1e4, -1e4, 0.0), (1e4, 1e4, 1e4), (-1e4, -1e4, -9999.0), (745.2, 0.0, -745.2), (37.0, 0.0, -37.0),
           (709.8, 709.8, -1.0), (1e-8, 0.0, -1e-8), (0.0, 0.0, 0.0), (5e-324, 0.0, -5e-324), (9999.5, 1e4, 3.0))  # fmt: skip


@contextmanager
def nothing_warns() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        yield


@cache
def one_unit(activation: str, loss: str, target: str, width: int = 1) -> Any:
    """z = x, for each unit; the gradients of the biases are the slopes of the loss by z."""
    rows = [[int(i == j) for j in range(width)] for i in range(width)]
    layer = bpsym.Dense(units=width, activation=activation, weights=rows, biases=[0] * width)
    return trainer_of(bpsym.Network(inputs=width, layers=(layer,), loss=loss), target)


def slopes(trainer: Any, x: Any, t: Any) -> list[float]:
    gradients = trainer.gradients(trainer.INITIAL, [list(x)], [list(t)])
    return [float(entry) for part in gradients for entry in np.ravel(part)][-len(x) :]


def near(found: float, exact: Any, largest: Any = 1) -> bool:
    error = abs(M.mpf(float(found)) - exact)
    return bool(error <= max(4 * math.ulp(float(exact)), 4e-16 * max(ONE, abs(largest))))


@targets
@pytest.mark.parametrize("activation", [name for name, one in ACTIVATIONS.items() if not one.is_layer_wide])
def test_an_activation_and_its_slope_are_right_for_every_number(activation: str, target: str) -> None:
    value, slope = FUNCTIONS[activation]
    trainer = one_unit(activation, "a", target)
    with nothing_warns():
        for z in POINTS:
            ((found,),) = np.array(trainer.forward(trainer.INITIAL, [[z]])).tolist()
            assert near(found, value(M.mpf(z))), (z, found, value(M.mpf(z)))
            (steep,) = slopes(trainer, [z], [0.0])
            assert near(steep, slope(M.mpf(z))), (z, steep, slope(M.mpf(z)))


@targets
def test_gelus_tail_is_right_to_thirteen_digits(target: str) -> None:
    value, slope = FUNCTIONS["gelu"]
    trainer = one_unit("gelu", "a", target)
    for step in range(1, 1480):
        z = -37.4 * step / 1480
        ((found,),) = np.array(trainer.forward(trainer.INITIAL, [[z]])).tolist()
        assert abs(found - value(M.mpf(z))) <= 1e-13 * abs(value(M.mpf(z)))
        if z < -1:
            (steep,) = slopes(trainer, [z], [0.0])
            assert abs(steep - slope(M.mpf(z))) <= 1e-13 * abs(slope(M.mpf(z)))


@targets
@pytest.mark.parametrize("width", [2, 3])
def test_softmax_and_its_slopes_are_right_for_every_number(width: int, target: str) -> None:
    trainer = one_unit("softmax", "(a - t)**2", target, width)
    for z in SEVERAL:
        x, t = z[:width], (0.2, -0.3, 1.0)[:width]
        weights = [M.exp(M.mpf(entry) - max(x)) for entry in x]
        a = [weight / sum(weights) for weight in weights]
        with nothing_warns():
            (found,) = np.array(trainer.forward(trainer.INITIAL, [list(x)])).tolist()
            steep = slopes(trainer, x, t)
        assert all(map(near, found, a)), x
        back = [2 * (one - M.mpf(target)) for one, target in zip(a, t, strict=True)]
        mean = sum(one * other for one, other in zip(a, back, strict=True))
        for found_slope, one, other in zip(steep, a, back, strict=True):
            assert near(found_slope, one * (other - mean), 4), (x, found_slope)


LOSS_OF: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "half_squared_error": (lambda d, _: d**2 / 2, lambda d, _: d),
    "squared_error": (lambda d, _: d**2, lambda d, _: 2 * d),
    "mean_squared_error": (lambda d, _: d**2, lambda d, _: 2 * d),
    "absolute_error": (lambda d, _: abs(d), lambda d, _: M.sign(d)),
    "huber": (
        lambda d, _: d**2 / 2 if abs(d) <= 1 else abs(d) - ONE / 2,
        lambda d, _: max(-ONE, min(ONE, d)),
    ),
}
"""The loss of one output with error d, and its slope."""

ON_SIGMOID: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "binary_cross_entropy": (
        lambda z, t: t * M.log1p(M.exp(-z)) + (1 - t) * M.log1p(M.exp(z)),
        lambda z, t: sigmoid(z) - t,
    ),
    "cross_entropy": (lambda z, t: t * M.log1p(M.exp(-z)), lambda z, t: -t * sigmoid(-z)),
}
"""The same of a sigmoid's output, by its z."""


@targets
@pytest.mark.parametrize("loss", LOSS_OF)
def test_a_loss_and_its_slope_are_right_for_every_output(loss: str, target: str) -> None:
    value, slope = LOSS_OF[loss]
    trainer = one_unit("identity", loss, target)
    with nothing_warns():
        for z in POINTS:
            for t in TARGETS:
                error, largest = M.mpf(z) - M.mpf(t), max(1, abs(z), abs(t))
                found = trainer.loss(trainer.INITIAL, [[z]], [[t]])
                assert near(found, value(error, t), 2 * largest * max(1, abs(error))), (z, t, found)
                (steep,) = slopes(trainer, [z], [t])
                assert near(steep, slope(error, t), 2 * largest), (z, t, steep)


@targets
@pytest.mark.parametrize("loss", ON_SIGMOID)
def test_a_loss_on_a_sigmoid_is_right_for_every_number(loss: str, target: str) -> None:
    value, slope = ON_SIGMOID[loss]
    trainer = one_unit("sigmoid", loss, target)
    with nothing_warns():
        for z in POINTS:
            for t in TARGETS:
                found = trainer.loss(trainer.INITIAL, [[z]], [[t]])
                assert near(found, value(M.mpf(z), M.mpf(t)), abs(z) * max(1, abs(t))), (z, t, found)
                (steep,) = slopes(trainer, [z], [t])
                assert near(steep, slope(M.mpf(z), M.mpf(t)), max(1, abs(t))), (z, t, steep)


@targets
@pytest.mark.parametrize(
    "t", [(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.2, 0.3, 0.5), (0.5, -0.2, 3.0), (0.0, 0.0, 0.0)]
)
def test_cross_entropy_of_a_softmax_is_right_for_every_number(t: tuple[float, ...], target: str) -> None:
    trainer = one_unit("softmax", "cross_entropy", target, 3)
    for x in SEVERAL:
        top = max(x)
        total = sum(M.exp(M.mpf(entry) - top) for entry in x)
        below = [M.mpf(entry) - top for entry in x]
        loss = sum(M.mpf(one) * (M.log(total) - s) for one, s in zip(t, below, strict=True))
        largest = max(abs(M.mpf(one) * s) for one, s in zip(t, below, strict=True))
        with nothing_warns():
            found, steep = trainer.loss(trainer.INITIAL, [list(x)], [list(t)]), slopes(trainer, x, t)
        assert near(found, loss, largest), (x, found, loss)
        for one, s, found_slope in zip(t, below, steep, strict=True):
            exact = M.exp(s) / total * sum(map(M.mpf, t)) - M.mpf(one)
            assert near(found_slope, exact, 4), (x, found_slope, exact)


def test_every_activation_and_loss_is_held_against_a_formula_of_our_own() -> None:
    assert set(FUNCTIONS) | {"softmax"} == set(ACTIVATIONS)
    assert set(LOSS_OF) | set(ON_SIGMOID) == set(LOSSES)
