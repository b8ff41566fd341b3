"""Programs that the tests differentiate, written down as forward equations only: no derivative stands here.

A parameter that is a `Width` may be a symbol; the others are whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from sympy import Abs, Expr, Max, Min, Piecewise, Rational, exp, log, sqrt, tanh

from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.nodes import Guard, Index, Maximum, sum_over

Width = Any


def sigmoid(z: Any) -> Any:
    return 1 / (1 + exp(-z))


def maximum_over(body: Any, index: Index) -> Any:
    return Maximum(body, index, index.lower, index.upper)


def loss(value: Any) -> Equation:
    return Equation(Tensor("C"), (), value)


# Dense layers ----------------------------------------------------------------------------------------------------


def dense(samples: Width = 2, inputs: Width = 3, hidden: Width = 2, outputs: Width = 2) -> Program:
    """A batch through two dense layers with biases: tanh, then the sigmoid; mean of half the squared errors."""
    s, i, j, k = (
        Index(name, extent) for name, extent in zip("sijk", (samples, inputs, hidden, outputs), strict=True)
    )
    x, t = Tensor("x", (s, i)), Tensor("t", (s, k))
    w, b, v, c = Tensor("W", (j, i)), Tensor("b", (j,)), Tensor("V", (k, j)), Tensor("c", (k,))
    z, a, u, y = Tensor("z", (s, j)), Tensor("a", (s, j)), Tensor("u", (s, k)), Tensor("y", (s, k))
    return Program(
        (x, w, b, v, c, t),
        (
            Equation(z, (s, j), sum_over(w[j, i] * x[s, i], i) + b[j]),
            Equation(a, (s, j), tanh(z[s, j])),
            Equation(u, (s, k), sum_over(v[k, j] * a[s, j], j) + c[k]),
            Equation(y, (s, k), sigmoid(u[s, k])),
            loss(sum_over((y[s, k] - t[s, k]) ** 2, s, k) / (2 * (s.upper + 1))),
        ),
    )


def autoencoder(inputs: Width = 3, hidden: Width = 2) -> Program:
    """A matrix and its transpose: tied weights."""
    i, j = Index("i", inputs), Index("j", hidden)
    x, w, h, y = Tensor("x", (i,)), Tensor("W", (j, i)), Tensor("h", (j,)), Tensor("y", (i,))
    return Program(
        (x, w),
        (
            Equation(h, (j,), tanh(sum_over(w[j, i] * x[i], i))),
            Equation(y, (i,), sum_over(w[j, i] * h[j], j)),
            loss(sum_over((y[i] - x[i]) ** 2, i)),
        ),
    )


def residual(samples: Width = 2, units: Width = 2) -> Program:
    """y = x + tanh(W x): the gradient reaches x on two paths."""
    s, i, j = Index("s", samples), Index("i", units), Index("j", units)
    x, w, y = Tensor("x", (s, i)), Tensor("W", (i, j)), Tensor("y", (s, i))
    return Program(
        (x, w),
        (
            Equation(y, (s, i), x[s, i] + tanh(sum_over(w[i, j] * x[s, j], j))),
            loss(sum_over(y[s, i] ** 2, s, i)),
        ),
    )


def embedding(samples: Width = 2, words: Width = 3, units: Width = 2) -> Program:
    """One-hot rows times a table."""
    s, n, i = Index("s", samples), Index("n", words), Index("i", units)
    one_hot, table, x = Tensor("one_hot", (s, n)), Tensor("table", (n, i)), Tensor("x", (s, i))
    return Program(
        (one_hot, table),
        (
            Equation(x, (s, i), sum_over(one_hot[s, n] * table[n, i], n)),
            loss(sum_over(exp(x[s, i]) * x[s, i], s, i)),
        ),
    )


def penalties(units: Width = 2, inputs: Width = 3) -> Program:
    """An L1 term beside an L2 term, on the weights of a linear layer."""
    i, j = Index("i", units), Index("j", inputs)
    w, x, t, y = Tensor("W", (i, j)), Tensor("x", (j,)), Tensor("t", (i,)), Tensor("y", (i,))
    absolute, square = sum_over(Abs(w[i, j]), i, j), sum_over(w[i, j] ** 2, i, j)
    return Program(
        (w, x, t),
        (
            Equation(y, (i,), sum_over(w[i, j] * x[j], j)),
            loss(sum_over((y[i] - t[i]) ** 2, i) + absolute / 10 + square / 20),
        ),
    )


def regularised() -> Program:
    """An embedding, a residual connection, log-sum-exp and an L2 term in one program."""
    s, i, j, n = Index("s", 2), Index("i", 2), Index("j", 2), Index("n", 3)
    one_hot, table, w = Tensor("one_hot", (s, n)), Tensor("table", (n, i)), Tensor("W", (i, j))
    x, y = Tensor("x", (s, i)), Tensor("y", (s, i))
    penalty: Expr = sum_over(w[i, j] ** 2, i, j) / 20
    return Program(
        (one_hot, table, w),
        (
            Equation(x, (s, i), sum_over(one_hot[s, n] * table[n, i], n)),
            Equation(y, (s, i), x[s, i] + tanh(sum_over(w[i, j] * x[s, j], j))),
            loss(sum_over(log(sum_over(exp(y[s, i]), i)), s) + penalty),
        ),
    )


def repeated_columns(rows: Width = 2, columns: Width = 3) -> Program:
    """y[i,j] = tanh(x[i]), the same in every column, and a product with it."""
    i, j, k = Index("i", rows), Index("j", columns), Index("k", 2)
    x, w, y, z = Tensor("x", (i,)), Tensor("W", (j, k)), Tensor("y", (i, j)), Tensor("z", (i, k))
    return Program(
        (x, w),
        (
            Equation(y, (i, j), tanh(x[i])),
            Equation(z, (i, k), sum_over(y[i, j] * w[j, k], j)),
            loss(sum_over(z[i, k] ** 2, i, k)),
        ),
    )


# Softmax ---------------------------------------------------------------------------------------------------------


def softmax_cross_entropy(samples: Width = 2, classes: Width = 3) -> Program:
    """Softmax and cross-entropy as two equations, over a batch."""
    s, k, r = Index("s", samples), Index("k", classes), Index("r", classes)
    z, t, p = Tensor("z", (s, k)), Tensor("t", (s, k)), Tensor("p", (s, k))
    return Program(
        (z, t),
        (
            Equation(p, (s, k), exp(z[s, k]) / sum_over(exp(z[s, r]), r)),
            loss(-sum_over(t[s, k] * log(p[s, k]), s, k)),
        ),
    )


def fused_cross_entropy(classes: Width = 3) -> Program:
    """sum_k t (log sum exp z - z)"""
    k, r = Index("k", classes), Index("r", classes)
    z, t = Tensor("z", (k,)), Tensor("t", (k,))
    value = sum_over(t[k], k) * log(sum_over(exp(z[r]), r)) - sum_over(t[k] * z[k], k)
    return Program((z, t), (loss(value),))


def shifted_log_sum_exp(samples: Width = 2, classes: Width = 3) -> Program:
    """max z + log sum exp(z - max z): the maximum cancels out of the gradient."""
    s, k, r = Index("s", samples), Index("k", classes), Index("r", classes)
    z, m = Tensor("z", (s, k)), Tensor("m", (s,))
    return Program(
        (z,),
        (
            Equation(m, (s,), maximum_over(z[s, r], r)),
            loss(sum_over(m[s] + log(sum_over(exp(z[s, k] - m[s]), k)), s)),
        ),
    )


# Recurrences -----------------------------------------------------------------------------------------------------


def recurrence() -> Program:
    """h[t] = tanh(w h[t-1] + x[t]) from a given h[0]: two equations of one tensor."""
    t, later = Index("t", 4), Index("t", lower=1, upper=3)
    x, w, start, h = Tensor("x", (t,)), Tensor("w"), Tensor("h0"), Tensor("h", (t,))
    return Program(
        (x, w, start),
        (
            Equation(h, (0,), start[()]),
            Equation(h, (later,), tanh(w[()] * h[later - 1] + x[later])),
            loss(sum_over(h[t] ** 2, t)),
        ),
    )


def elman(steps: Width = 3, inputs: Width = 2, units: Width = 2) -> Program:
    """h[t] = tanh(W x[t-1] + U h[t-1] + b), from a given h[0]."""
    return _elman(steps, inputs, units, given=True)


def elman_from_zero(steps: Width = 3, inputs: Width = 2, units: Width = 2) -> Program:
    """As `elman`, from h[0] = 0."""
    return _elman(steps, inputs, units, given=False)


def _elman(steps: Width, inputs: Width, units: Width, *, given: bool) -> Program:
    step, t, later = Index("step", steps), Index("t", steps + 1), Index("t", lower=1, upper=steps)
    d, i, j = Index("d", inputs), Index("i", units), Index("j", units)
    x, w, u, b = Tensor("x", (step, d)), Tensor("W", (i, d)), Tensor("U", (i, j)), Tensor("b", (i,))
    start, h = Tensor("start", (i,)), Tensor("h", (t, i))
    z = sum_over(w[i, d] * x[later - 1, d], d) + sum_over(u[i, j] * h[later - 1, j], j) + b[i]
    return Program(
        (x, w, u, b, *((start,) if given else ())),
        (
            Equation(h, (0, i), start[i] if given else 0),
            Equation(h, (later, i), tanh(z)),
            loss(sum_over(h[t, i] ** 2, t, i)),
        ),
    )


def lstm(steps: Width = 2, inputs: Width = 2, units: Width = 2) -> Program:
    """Input, forget and output gates and a cell, from a given state."""
    return _lstm(steps, inputs, units, given=True)


def lstm_from_zero(steps: Width = 2, inputs: Width = 2, units: Width = 2) -> Program:
    """As `lstm`, from h[0] = c[0] = 0."""
    return _lstm(steps, inputs, units, given=False)


def _lstm(steps: Width, inputs: Width, units: Width, *, given: bool) -> Program:
    step, t, later = Index("step", steps), Index("t", steps + 1), Index("t", lower=1, upper=steps)
    d, i, j = Index("d", inputs), Index("i", units), Index("j", units)
    x, h, c = Tensor("x", (step, d)), Tensor("h", (t, i)), Tensor("c", (t, i))
    given_h, given_c = Tensor("h0", (i,)), Tensor("c0", (i,))
    tensors: list[Tensor] = [x, given_h, given_c] if given else [x]
    gates, equations = {}, []
    for name, squash in (("a", sigmoid), ("f", sigmoid), ("o", sigmoid), ("g", tanh)):
        w, u, b = Tensor(f"W{name}", (i, d)), Tensor(f"U{name}", (i, j)), Tensor(f"b{name}", (i,))
        tensors += [w, u, b]
        gates[name] = gate = Tensor(name, (step, i))
        z = sum_over(w[i, d] * x[step, d], d) + sum_over(u[i, j] * h[step, j], j) + b[i]
        equations.append(Equation(gate, (step, i), squash(z)))
    a, f, o, g = (gate[later - 1, i] for gate in gates.values())
    equations += [
        Equation(c, (0, i), given_c[i] if given else 0),
        Equation(c, (later, i), f * c[later - 1, i] + a * g),
        Equation(h, (0, i), given_h[i] if given else 0),
        Equation(h, (later, i), o * tanh(c[later, i])),
        loss(sum_over(h[t, i] ** 2, t, i)),
    ]
    return Program(tuple(tensors), tuple(equations))


# Shifts, strides, triangles --------------------------------------------------------------------------------------


def shifted(length: Width = 4) -> Program:
    """Differences of neighbours: x is read at i and at i + 1."""
    i, j = Index("i", length + 1), Index("j", length)
    x, d = Tensor("x", (i,)), Tensor("d", (j,))
    return Program((x,), (Equation(d, (j,), x[j + 1] ** 2 * x[j]), loss(sum_over(d[j] ** 3, j))))


def reversed_read(length: Width = 4) -> Program:
    """y[i] = x[n - 1 - i]^2 x[i]: a stride of -1."""
    i = Index("i", length)
    x, y = Tensor("x", (i,)), Tensor("y", (i,))
    return Program((x,), (Equation(y, (i,), x[length - 1 - i] ** 2 * x[i]), loss(sum_over(y[i] ** 2, i))))


def uneven_stride() -> Program:
    """A stride that does not divide: every third element of eight, and a dilated read."""
    p, i = Index("p", 8), Index("i", 3)
    x, y = Tensor("x", (p,)), Tensor("y", (i,))
    return Program((x,), (Equation(y, (i,), x[3 * i] ** 2 * x[2 * i + 1]), loss(sum_over(y[i] ** 2, i))))


def cumulative(length: Width = 4) -> Program:
    """c[i] = sum over j <= i of x[j]^2: a triangle."""
    i = Index("i", length)
    j = Index("j", lower=0, upper=i)
    x, c = Tensor("x", (i,)), Tensor("c", (i,))
    return Program((x,), (Equation(c, (i,), sum_over(x[j] ** 2, j)), loss(sum_over(c[i] ** 2, i))))


def triangular(length: Width = 3) -> Program:
    """sum over j <= i of A[i,j] x[i] x[j]^2: a lower triangle of a matrix."""
    i, whole = Index("i", length), Index("j", length)
    j = Index("j", lower=0, upper=i)
    a, x = Tensor("A", (i, whole)), Tensor("x", (i,))
    return Program((a, x), (loss(sum_over(a[i, j] * x[i] * x[j] ** 2, i, j)),))


def diagonal(length: Width = 3) -> Program:
    """A[i,i] beside A[i,j]."""
    i, j = Index("i", length), Index("j", length)
    a = Tensor("A", (i, j))
    return Program((a,), (loss(sum_over(a[i, i] ** 3, i) * sum_over(a[i, j] ** 2, i, j)),))


def constant_index() -> Program:
    """A[0,1] and A[2,i]: reads with numbers."""
    i, j = Index("i", 3), Index("j", 3)
    a, y = Tensor("A", (i, j)), Tensor("y", (i,))
    return Program(
        (a,),
        (Equation(y, (i,), a[2, i] ** 2 * a[0, 1]), loss(sum_over(y[i] ** 2, i) + a[0, 1] ** 2 * a[2, 2])),
    )


# Convolutions ----------------------------------------------------------------------------------------------------


def _convolution(
    outputs: Width, taps: Width, stride: int = 1, dilation: int = 1, padding: int = 0
) -> Program:
    """y[i] = sum_k w[k] x[stride i + dilation k - padding], 0 where x ends; its length fits exactly."""
    length = stride * (outputs - 1) + dilation * (taps - 1) + 1 - 2 * padding
    p, i, k = Index("p", length), Index("i", outputs), Index("k", taps)
    x, w, y = Tensor("x", (p,)), Tensor("w", (k,)), Tensor("y", (i,))
    at = stride * i + dilation * k - padding
    read = Guard(w[k] * x[at], at >= 0, at <= length - 1) if padding else w[k] * x[at]
    return Program((x, w), (Equation(y, (i,), sum_over(read, k)), loss(sum_over(y[i] ** 2, i))))


def convolution(outputs: Width = 4, taps: Width = 3) -> Program:
    return _convolution(outputs, taps)


def strided_convolution(outputs: Width = 3, taps: Width = 3) -> Program:
    return _convolution(outputs, taps, stride=2)


def dilated_convolution(outputs: Width = 3, taps: Width = 3) -> Program:
    return _convolution(outputs, taps, dilation=2)


def zero_padded_convolution(outputs: Width = 4, taps: Width = 3) -> Program:
    return _convolution(outputs, taps, padding=1)


def padded_convolution(outputs: Width = 3, taps: Width = 3) -> Program:
    """Stride, dilation and zero padding."""
    return _convolution(outputs, taps, stride=2, dilation=2, padding=1)


def convolution_2d(stride: int = 2, padding: int = 1) -> Program:
    """A 3x3 kernel over a 4x4 picture with stride 2 and zero padding."""
    p, q = Index("p", 4), Index("q", 4)
    i, j, k, r = Index("i", 2), Index("j", 2), Index("k", 3), Index("r", 3)
    x, w, y = Tensor("x", (p, q)), Tensor("w", (k, r)), Tensor("y", (i, j))
    row, column = stride * i + k - padding, stride * j + r - padding
    inside = Guard(w[k, r] * x[row, column], row >= 0, row <= 3, column >= 0, column <= 3)
    return Program((x, w), (Equation(y, (i, j), sum_over(inside, k, r)), loss(sum_over(y[i, j] ** 2, i, j))))


# Normalisation ---------------------------------------------------------------------------------------------------


def layer_normalisation(samples: Width = 2, units: Width = 3) -> Program:
    """Mean and variance over the units of a sample, scale and shift."""
    s, i, j = Index("s", samples), Index("i", units), Index("j", units)
    x, g, b = Tensor("x", (s, i)), Tensor("g", (i,)), Tensor("b", (i,))
    mean, variance, y = Tensor("mean", (s,)), Tensor("variance", (s,)), Tensor("y", (s, i))
    return Program(
        (x, g, b),
        (
            Equation(mean, (s,), sum_over(x[s, j], j) / units),
            Equation(variance, (s,), sum_over((x[s, j] - mean[s]) ** 2, j) / units),
            Equation(y, (s, i), g[i] * (x[s, i] - mean[s]) / sqrt(variance[s] + Rational(1, 100)) + b[i]),
            loss(sum_over(y[s, i] ** 3, s, i)),
        ),
    )


def batch_normalisation(samples: Width = 3, units: Width = 2) -> Program:
    """Mean and variance over the samples of a unit."""
    s, r, i = Index("s", samples), Index("r", samples), Index("i", units)
    x = Tensor("x", (s, i))
    mean, variance, y = Tensor("mean", (i,)), Tensor("variance", (i,)), Tensor("y", (s, i))
    return Program(
        (x,),
        (
            Equation(mean, (i,), sum_over(x[r, i], r) / samples),
            Equation(variance, (i,), sum_over((x[r, i] - mean[i]) ** 2, r) / samples),
            Equation(y, (s, i), (x[s, i] - mean[i]) / sqrt(variance[i] + Rational(1, 100))),
            loss(sum_over(y[s, i] ** 3, s, i)),
        ),
    )


# Attention -------------------------------------------------------------------------------------------------------


def attention(steps: Width = 3, units: Width = 2) -> Program:
    """Scaled dot products, softmax over what is not later (a condition on indices), values."""
    t, d, whole = Index("t", steps), Index("d", units), Index("u", steps)
    u = Index("u", lower=0, upper=t)
    q, k, v = (Tensor(name, (t, d)) for name in "qkv")
    e, n, o = Tensor("e", (t, whole)), Tensor("n", (t,)), Tensor("o", (t, d))
    score = sum_over(q[t, d] * k[whole, d], d) / sqrt(units)
    return Program(
        (q, k, v),
        (
            Equation(e, (t, whole), Guard(exp(score), t - whole >= 0)),
            Equation(n, (t,), sum_over(e[t, u], u)),
            Equation(o, (t, d), sum_over(e[t, u] * v[u, d], u) / n[t]),
            loss(sum_over(o[t, d] ** 2, t, d)),
        ),
    )


def attention_masked(steps: Width = 3, units: Width = 2) -> Program:
    """As `attention`, the mask a given tensor: 1 where u <= t, 0 elsewhere."""
    t, d, u = Index("t", steps), Index("d", units), Index("u", steps)
    q, k, v = (Tensor(name, (t, d)) for name in "qkv")
    mask, e, n, o = Tensor("mask", (t, u)), Tensor("e", (t, u)), Tensor("n", (t,)), Tensor("o", (t, d))
    score = sum_over(q[t, d] * k[u, d], d) / sqrt(units)
    return Program(
        (q, k, v, mask),
        (
            Equation(e, (t, u), mask[t, u] ** 2 * exp(score)),
            Equation(n, (t,), sum_over(e[t, u], u)),
            Equation(o, (t, d), sum_over(e[t, u] * v[u, d], u) / n[t]),
            loss(sum_over(o[t, d] ** 2, t, d)),
        ),
    )


# Kinks -----------------------------------------------------------------------------------------------------------


def relu(length: Width = 4) -> Program:
    """max(0, x), weighted."""
    i = Index("i", length)
    x, w, y = Tensor("x", (i,)), Tensor("w", (i,)), Tensor("y", (i,))
    return Program((x, w), (Equation(y, (i,), Max(0, x[i])), loss(sum_over(w[i] * y[i], i))))


def leaky(length: Width = 4) -> Program:
    """2 x where x > 0, else x / 10."""
    i = Index("i", length)
    x, y = Tensor("x", (i,)), Tensor("y", (i,))
    value = Piecewise((2 * x[i], x[i] > 0), (x[i] / 10, True))
    return Program((x,), (Equation(y, (i,), value), loss(sum_over(y[i] ** 2, i))))


def pairwise_maximum(outputs: Width = 3) -> Program:
    """max(x[2 i], x[2 i + 1]) and the least of neighbours."""
    p, i = Index("p", 2 * outputs), Index("i", outputs)
    x, w, y = Tensor("x", (p,)), Tensor("w", (i,)), Tensor("y", (i,))
    value = Max(x[2 * i], x[2 * i + 1])
    lesser = Min(x[2 * i], x[2 * i + 1])
    return Program((x, w), (Equation(y, (i,), value), loss(sum_over(w[i] * y[i] + y[i] * lesser, i))))


def max_pooling(outputs: Width = 3, window: Width = 3) -> Program:
    """y[i] = max_k x[2 i + k]: windows that overlap."""
    i, k = Index("i", outputs), Index("k", window)
    p = Index("p", 2 * (outputs - 1) + window)
    x, w, y = Tensor("x", (p,)), Tensor("w", (i,)), Tensor("y", (i,))
    return Program(
        (x, w), (Equation(y, (i,), maximum_over(x[2 * i + k] ** 3, k)), loss(sum_over(w[i] * y[i] ** 2, i)))
    )


def max_pooling_2d() -> Program:
    """The maxima of 2x2 squares, one index inside the other."""
    p, q, i, j = Index("p", 4), Index("q", 4), Index("i", 2), Index("j", 2)
    k, r = Index("k", 2), Index("r", 2)
    x, w, y = Tensor("x", (p, q)), Tensor("w", (i, j)), Tensor("y", (i, j))
    pooled = maximum_over(maximum_over(x[2 * i + k, 2 * j + r], r), k)
    return Program((x, w), (Equation(y, (i, j), pooled), loss(sum_over(w[i, j] * y[i, j] ** 2, i, j))))


def padded_pooling(outputs: Width = 3) -> Program:
    """max_k x[i + k - 1], 0 where x ends."""
    i, k = Index("i", outputs), Index("k", 3)
    x, w, y = Tensor("x", (i,)), Tensor("w", (i,)), Tensor("y", (i,))
    at = i + k - 1
    inside = Guard(x[at], at >= 0, at <= outputs - 1)
    return Program((x, w), (Equation(y, (i,), maximum_over(inside, k)), loss(sum_over(w[i] * y[i] ** 2, i))))


def running_maximum(length: Width = 4) -> Program:
    """m[t] = max over u <= t of x[u]: a triangle."""
    t = Index("t", length)
    u = Index("u", lower=0, upper=t)
    x, w, m = Tensor("x", (t,)), Tensor("w", (t,)), Tensor("m", (t,))
    return Program((x, w), (Equation(m, (t,), maximum_over(x[u], u)), loss(sum_over(w[t] * m[t] ** 2, t))))


LAYERS: tuple[Callable[..., Program], ...] = (
    residual, embedding, penalties, regularised, repeated_columns, shifted_log_sum_exp,
    elman, elman_from_zero, lstm, lstm_from_zero,
    convolution, strided_convolution, dilated_convolution, zero_padded_convolution, convolution_2d,
    layer_normalisation, batch_normalisation, attention, attention_masked,
    relu, leaky, pairwise_maximum, max_pooling, max_pooling_2d, padded_pooling, running_maximum,
    uneven_stride, triangular, reversed_read, constant_index,
)  # fmt: skip
"""What bpsym does not offer as a layer yet."""

BASICS: tuple[Callable[..., Program], ...] = (
    dense, softmax_cross_entropy, fused_cross_entropy, autoencoder, shifted, padded_convolution, recurrence,
    cumulative, diagonal,
)  # fmt: skip

PROGRAMS: dict[str, Callable[..., Program]] = {made.__name__: made for made in (*BASICS, *LAYERS)}
"""Every program of this file by its name; each can be called without arguments."""


def widths(made: Callable[..., Program]) -> dict[str, int]:
    """The parameters that may be symbols, with the numbers that they have otherwise."""
    parameters = signature(made).parameters.values()
    return {one.name: one.default for one in parameters if one.annotation == "Width"}
