"""The same networks in PyTorch, in double precision: its layers, its losses, its gradients, its optimisers.

Import it where PyTorch is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from tests.witness.numpy_trainer import Choice, Network, Parameters, Rule

Tensor = torch.Tensor

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "softplus": lambda z: functional.softplus(z, threshold=1e9),  # it is z above 20 otherwise
    "silu": functional.silu,
    "gelu": functional.gelu,
    "softmax": lambda z: torch.softmax(z, dim=1),
}

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "half_squared_error": lambda a, t: functional.mse_loss(a, t, reduction="sum") / 2,
    "squared_error": lambda a, t: functional.mse_loss(a, t, reduction="sum"),
    "mean_squared_error": lambda a, t: functional.mse_loss(a, t, reduction="sum") / a.shape[1],
    "absolute_error": lambda a, t: functional.l1_loss(a, t, reduction="sum"),
    "huber": lambda a, t: functional.huber_loss(a, t, reduction="sum"),
    "binary_cross_entropy": lambda a, t: functional.binary_cross_entropy(a, t, reduction="sum"),
    "cross_entropy": lambda a, t: -(t * torch.log(a)).sum(),
}
"""Summed over the samples, each loss."""

LOSSES_OF_SCORES: dict[tuple[str, str], Callable[[Tensor, Tensor], Tensor]] = {
    ("softmax", "cross_entropy"): lambda z, t: functional.cross_entropy(z, t, reduction="sum"),
    ("sigmoid", "binary_cross_entropy"): lambda z, t: functional.binary_cross_entropy_with_logits(
        z, t, reduction="sum"
    ),
}
"""From the last pre-activations, where PyTorch has the two in one."""

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda parameters, lr, momentum=0.9, **settings: torch.optim.SGD(
        parameters, lr=lr, momentum=momentum, **settings
    ),
    "nesterov": lambda parameters, lr, momentum=0.9: torch.optim.SGD(
        parameters, lr=lr, momentum=momentum, nesterov=True
    ),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}

SCHEDULES: dict[str, Callable[..., torch.optim.lr_scheduler.LRScheduler]] = {
    "step": torch.optim.lr_scheduler.StepLR,
    "exponential": torch.optim.lr_scheduler.ExponentialLR,
    "cosine": torch.optim.lr_scheduler.CosineAnnealingLR,
    "warmup": lambda optimizer, steps: torch.optim.lr_scheduler.LinearLR(
        optimizer, start_factor=1 / steps, end_factor=1.0, total_iters=steps - 1
    ),
}

CLIPS: dict[str, Callable[..., Any]] = {"value": torch.nn.utils.clip_grad_value_}
"""Its clip_grad_norm_ divides by the norm and 1e-6."""


def scores(network: Network, parameters: list[Tensor], x: Tensor) -> Tensor:
    """The last layer's pre-activations."""
    numbers = iter(parameters)
    for number, layer in enumerate(network.layers):
        weights = next(numbers)
        z = functional.linear(x, weights)
        if layer.bias != "none":
            z = z + next(numbers)
        if number == len(network.layers) - 1:
            return z
        x = ACTIVATIONS[layer.activation](z)
    raise ValueError("no layers")


def loss(network: Network, parameters: list[Tensor], x: Tensor, t: Tensor) -> Tensor:
    z, activation = scores(network, parameters, x), network.layers[-1].activation
    if of_scores := LOSSES_OF_SCORES.get((activation, network.loss)):
        total = of_scores(z, t)
    else:
        total = LOSSES[network.loss](ACTIVATIONS[activation](z), t)
    if network.reduction == "mean":
        total = total / len(x)
    for tensor, shape in zip(parameters, network.shapes(), strict=True):
        if len(shape) == 2:
            total = total + network.l1 * tensor.abs().sum() + network.l2 / 2 * tensor.square().sum()
    return total


def forward(network: Network, parameters: Parameters, x: Any) -> np.ndarray:
    z = scores(network, _tensors(network, parameters), torch.tensor(x, dtype=torch.double))
    return ACTIVATIONS[network.layers[-1].activation](z).detach().numpy()


def gradients(network: Network, parameters: Parameters, x: Any, t: Any) -> Parameters:
    """By autograd; 0 for what is frozen."""
    tensors = _tensors(network, parameters)
    loss(network, tensors, *_data(x, t)).backward()
    return tuple((torch.zeros_like(p) if p.grad is None else p.grad).numpy() for p in tensors)


def train(
    network: Network, rule: Rule, parameters: Parameters, x: Any, t: Any, learning_rate: float, steps: int
) -> tuple[Parameters, list[float]]:
    """(parameters after the steps, the loss before each step), all samples in every step"""
    tensors, data = _tensors(network, parameters), _data(x, t)
    trained = [p for p in tensors if p.requires_grad]
    optimizer = OPTIMIZERS[rule.optimizer.name](trained, lr=learning_rate, **rule.optimizer.settings)
    scheduler = _chosen(SCHEDULES, rule.schedule, optimizer)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(network, tensors, *data)
        value.backward()
        losses.append(value.item())
        _chosen(CLIPS, rule.clip, trained)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return tuple(p.detach().numpy() for p in tensors), losses


def _chosen(table: dict[str, Callable[..., Any]], choice: Choice | None, of: Any) -> Any:
    return None if choice is None else table[choice.name](of, **choice.settings)


def _tensors(network: Network, parameters: Parameters) -> list[Tensor]:
    return [
        torch.tensor(np.asarray(p, dtype=float), requires_grad=trained)
        for p, trained in zip(parameters, network.trained(), strict=True)
    ]


def _data(x: Any, t: Any) -> tuple[Tensor, Tensor]:
    return torch.tensor(x, dtype=torch.double), torch.tensor(t, dtype=torch.double)
