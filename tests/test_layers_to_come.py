"""Forward equations of layers that bpsym does not offer yet, differentiated by the same chain rule: it needs no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sympy import Expr, Integer, Piecewise, Rational, exp, log, sqrt, tanh

from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.nodes import Guard, Index, sum_over
from tests import test_calculus


def sigmoid(z: Any) -> Any:
    return 1 / (1 + exp(-z))


def lstm() -> Program:
    """Input, forget and output gates and a cell, over three steps, from a zero state."""
    t, later = Index("t", 3), Index("t", lower=1, upper=2)
    i, j, d = Index("i", 2), Index("j", 2), Index("d", 2)
    x = Tensor("x", (t, d))
    inputs: list[Tensor] = [x]
    equations: list[Equation] = []
    h, c = Tensor("h", (t, i)), Tensor("c", (t, i))
    gates = {}
    for name in ("a", "f", "o", "g"):
        w, u, b = Tensor(f"W{name}", (i, d)), Tensor(f"U{name}", (i, j)), Tensor(f"b{name}", (i,))
        inputs += [w, u, b]
        z = Tensor(name, (t, i))
        squash: Callable[[Any], Any] = tanh if name == "g" else sigmoid
        first = sum_over(w[i, d] * x[0, d], d) + b[i]
        then = sum_over(w[i, d] * x[later, d], d) + sum_over(u[i, j] * h[later - 1, j], j) + b[i]
        equations += [Equation(z, (0, i), squash(first)), Equation(z, (later, i), squash(then))]
        gates[name] = z
    a, f, o, g = (gates[name] for name in "afog")
    equations += [
        Equation(c, (0, i), a[0, i] * g[0, i]),
        Equation(c, (later, i), f[later, i] * c[later - 1, i] + a[later, i] * g[later, i]),
        Equation(h, (t, i), o[t, i] * tanh(c[t, i])),
        Equation(Tensor("C"), (), sum_over(h[t, i] ** 2, t, i)),
    ]
    return Program(tuple(inputs), tuple(equations))


def convolution_2d(stride: int = 2, padding: int = 1) -> Program:
    """A 3x3 kernel over a 4x4 picture with stride 2 and zero padding."""
    p, q = Index("p", 4), Index("q", 4)
    i, j, k, r = Index("i", 2), Index("j", 2), Index("k", 3), Index("r", 3)
    x, w, y = Tensor("x", (p, q)), Tensor("w", (k, r)), Tensor("y", (i, j))
    row, column = stride * i + k - padding, stride * j + r - padding
    inside = Guard(w[k, r] * x[row, column], row >= 0, row <= 3, column >= 0, column <= 3)
    return Program(
        (x, w),
        (
            Equation(y, (i, j), sum_over(inside, k, r)),
            Equation(Tensor("C"), (), sum_over(y[i, j] ** 2, i, j)),
        ),
    )


def layer_normalisation() -> Program:
    """Mean and variance over the units of a sample, scale and shift."""
    s, i, j = Index("s", 2), Index("i", 3), Index("j", 3)
    x, g, b = Tensor("x", (s, i)), Tensor("g", (i,)), Tensor("b", (i,))
    mean, variance, y = Tensor("mean", (s,)), Tensor("variance", (s,)), Tensor("y", (s, i))
    return Program(
        (x, g, b),
        (
            Equation(mean, (s,), sum_over(x[s, j], j) / 3),
            Equation(variance, (s,), sum_over((x[s, j] - mean[s]) ** 2, j) / 3),
            Equation(y, (s, i), g[i] * (x[s, i] - mean[s]) / sqrt(variance[s] + Rational(1, 100)) + b[i]),
            Equation(Tensor("C"), (), sum_over(y[s, i] ** 3, s, i)),
        ),
    )


def batch_normalisation() -> Program:
    """Mean and variance over the samples of a unit."""
    s, r, i = Index("s", 3), Index("r", 3), Index("i", 2)
    x = Tensor("x", (s, i))
    mean, variance, y = Tensor("mean", (i,)), Tensor("variance", (i,)), Tensor("y", (s, i))
    return Program(
        (x,),
        (
            Equation(mean, (i,), sum_over(x[r, i], r) / 3),
            Equation(variance, (i,), sum_over((x[r, i] - mean[i]) ** 2, r) / 3),
            Equation(y, (s, i), (x[s, i] - mean[i]) / sqrt(variance[i] + Rational(1, 100))),
            Equation(Tensor("C"), (), sum_over(y[s, i] ** 3, s, i)),
        ),
    )


def attention() -> Program:
    """Scaled dot products, softmax over what is not later, values."""
    t, d = Index("t", 3), Index("d", 2)
    u = Index("u", lower=0, upper=t)
    q, k, v = (Tensor(name, (t, d)) for name in "qkv")
    e, n, o = Tensor("e", (t, Index("u", 3))), Tensor("n", (t,)), Tensor("o", (t, d))
    whole = Index("u", 3)
    score = sum_over(q[t, d] * k[whole, d], d) / sqrt(Integer(2))
    return Program(
        (q, k, v),
        (
            Equation(e, (t, whole), Guard(exp(score), t - whole >= 0)),
            Equation(n, (t,), sum_over(e[t, u], u)),
            Equation(o, (t, d), sum_over(e[t, u] * v[u, d], u) / n[t]),
            Equation(Tensor("C"), (), sum_over(o[t, d] ** 2, t, d)),
        ),
    )


def regularised() -> Program:
    """A residual connection, an embedding by one-hot rows, an L2 term, and log-sum-exp."""
    s, i, j, n = Index("s", 2), Index("i", 2), Index("j", 2), Index("n", 3)
    one_hot, table, w = Tensor("one_hot", (s, n)), Tensor("table", (n, i)), Tensor("W", (i, j))
    x, y = Tensor("x", (s, i)), Tensor("y", (s, i))
    penalty: Expr = sum_over(w[i, j] ** 2, i, j) / 20
    return Program(
        (one_hot, table, w),
        (
            Equation(x, (s, i), sum_over(one_hot[s, n] * table[n, i], n)),
            Equation(y, (s, i), x[s, i] + tanh(sum_over(w[i, j] * x[s, j], j))),
            Equation(Tensor("C"), (), sum_over(log(sum_over(exp(y[s, i]), i)), s) + penalty),
        ),
    )


def leaky() -> Program:
    """A kink: 2 x where x > 0, else x / 10."""
    i = Index("i", 4)
    x, y = Tensor("x", (i,)), Tensor("y", (i,))
    value = Piecewise((2 * x[i], x[i] > 0), (x[i] / 10, True))
    return Program((x,), (Equation(y, (i,), value), Equation(Tensor("C"), (), sum_over(y[i] ** 2, i))))


def uneven_stride() -> Program:
    """A stride that does not divide: every third element of eight, and a dilated read."""
    p, i = Index("p", 8), Index("i", 3)
    x, y = Tensor("x", (p,)), Tensor("y", (i,))
    return Program(
        (x,),
        (Equation(y, (i,), x[3 * i] ** 2 * x[2 * i + 1]), Equation(Tensor("C"), (), sum_over(y[i] ** 2, i))),
    )


PROGRAMS = (
    lstm, convolution_2d, layer_normalisation, batch_normalisation, attention, regularised, leaky, uneven_stride,
)  # fmt: skip
each = pytest.mark.parametrize("made", PROGRAMS, ids=lambda made: made.__name__)


@each
def test_the_square_commutes(made: Callable[[], Program]) -> None:
    test_calculus.test_the_square_commutes(made())


@each
def test_the_gradients_equal_central_differences(made: Callable[[], Program]) -> None:
    test_calculus.test_the_gradients_equal_central_differences_at_fifty_digits(made())
