"""What a tensor is in a network: its kind and its layer. Notations name tensors by this, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """kind: INPUT, WEIGHTS, BIASES, PRE_ACTIVATION, ACTIVATION, TARGET, SAMPLE_LOSS, LOSS or LEARNING_RATE.

    layer counts from 1; the inputs are the activations of layer 0. `axes` says of each axis
    whose nodes it counts: a layer, or None for the samples.
    """

    kind: str
    layer: int = 0
    axes: tuple[int | None, ...] = ()


INPUT = "input"
WEIGHTS = "weights"
BIASES = "biases"
PRE_ACTIVATION = "pre_activation"
ACTIVATION = "activation"
TARGET = "target"
SAMPLE_LOSS = "sample_loss"
LOSS = "loss"
LEARNING_RATE = "learning_rate"

# what a softmax is computed from, in code
MAXIMUM = "maximum"
SHIFTED = "shifted"
EXPONENTIAL = "exponential"
TOTAL = "total"
