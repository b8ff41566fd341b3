"""Nielsen's update_mini_batch and backprop (network.py, network2.py), one sample at a time, as his chapters print them."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-z))


def backprop(weights: list[Any], biases: list[Any], x: Any, y: Any, cost: str) -> tuple[list[Any], list[Any]]:
    """BP1 to BP4."""
    activations, zs = [x], []
    for w, b in zip(weights, biases, strict=True):
        zs.append(w @ activations[-1] + b)
        activations.append(sigmoid(zs[-1]))
    slope = sigmoid(zs[-1]) * (1 - sigmoid(zs[-1])) if cost == "quadratic" else 1.0
    delta = (activations[-1] - y) * slope
    nabla_b, nabla_w = [delta], [np.outer(delta, activations[-2])]
    for layer in range(2, len(weights) + 1):
        z = zs[-layer]
        delta = (weights[-layer + 1].T @ delta) * sigmoid(z) * (1 - sigmoid(z))
        nabla_b.insert(0, delta)
        nabla_w.insert(0, np.outer(delta, activations[-layer - 1]))
    return nabla_w, nabla_b


def update_mini_batch(
    weights: list[Any],
    biases: list[Any],
    batch: list[tuple[Any, Any]],
    eta: float,
    lmbda: float,
    n: int,
    cost: str,
) -> tuple[list[Any], list[Any]]:
    """w -> (1 - eta lambda / n) w - eta / m sum of nabla w; b -> b - eta / m sum of nabla b."""
    sum_w, sum_b = [np.zeros(w.shape) for w in weights], [np.zeros(b.shape) for b in biases]
    for x, y in batch:
        nabla_w, nabla_b = backprop(weights, biases, x, y, cost)
        sum_w = [s + g for s, g in zip(sum_w, nabla_w, strict=True)]
        sum_b = [s + g for s, g in zip(sum_b, nabla_b, strict=True)]
    m = len(batch)
    return (
        [(1 - eta * (lmbda / n)) * w - (eta / m) * s for w, s in zip(weights, sum_w, strict=True)],
        [b - (eta / m) * s for b, s in zip(biases, sum_b, strict=True)],
    )
