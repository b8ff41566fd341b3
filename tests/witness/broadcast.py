"""The blog's own code with its slip, in plain loops: what a right trainer must not give.

In the post a row times a column becomes a matrix, because NumPy broadcasts:

    l2_delta = (t - l2) * l2 * (1 - l2)
    l1_error = l2_delta * W1                    a row; W1.T.dot(l2_delta) would be right
    l1_delta = l1_error * l1 * (1 - l1)         row times column: a matrix
    W1 += l2_delta * l1.T
    W0 += l0.T.dot(l1_delta)                    a row, added to both rows of W0; l1_delta.dot(l0.T) would be right
"""

from __future__ import annotations

from typing import Any

import mpmath

Number = Any


def sigmoid(z: Number) -> Number:
    return 1 / (1 + mpmath.exp(-z))


def outputs(w0: list[list[Number]], w1: list[Number], x: list[Number]) -> tuple[list[Number], Number]:
    """(the hidden layer's outputs, the network's output)"""
    hidden = [sigmoid(row[0] * x[0] + row[1] * x[1]) for row in w0]
    return hidden, sigmoid(w1[0] * hidden[0] + w1[1] * hidden[1])


def loss(w0: list[list[Number]], w1: list[Number], x: list[Number], t: Number) -> Number:
    return (t - outputs(w0, w1, x)[1]) ** 2 / 2


def step(
    w0: list[list[Number]], w1: list[Number], x: list[Number], t: Number
) -> tuple[list[list[Number]], list[Number]]:
    hidden, y = outputs(w0, w1, x)
    delta = (t - y) * y * (1 - y)
    error_row = [delta * w for w in w1]
    delta_matrix = [[error * h * (1 - h) for error in error_row] for h in hidden]
    added_row = [x[0] * delta_matrix[0][j] + x[1] * delta_matrix[1][j] for j in range(2)]
    return [[row[j] + added_row[j] for j in range(2)] for row in w0], [
        w + delta * h for w, h in zip(w1, hidden, strict=True)
    ]


def train(
    w0: list[list[Number]], w1: list[Number], x: list[Number], t: Number, steps: int
) -> tuple[list[list[Number]], list[Number], list[Number]]:
    """(W0, W1, the loss before each step)"""
    losses = []
    for _ in range(steps):
        losses.append(loss(w0, w1, x, t))
        w0, w1 = step(w0, w1, x, t)
    return w0, w1, losses
