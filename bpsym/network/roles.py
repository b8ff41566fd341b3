"""What a tensor is in a network: its kind and its layer. Notations name tensors by this, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """kind: one of those below.

    layer counts from 1; the inputs are the activations of layer 0. `axes` says of each axis
    whose nodes it counts: a layer, or None for the samples. name: which one of several of its kind (of a state, "m"
    or "v"). of: of what belongs to a parameter, the parameter's kind.
    """

    kind: str
    layer: int = 0
    axes: tuple[int | None, ...] = ()
    name: str = ""
    of: str = ""


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

RATE = "rate"
"""The learning rate of this step, where a schedule changes it."""

STEP = "step"
"""The number of this step; the first one is 1."""

SETTING = "setting"
"""A number of an optimiser, a schedule or a clip, such as beta1."""

CLIPPED = "clipped"
"""The gradient that a step is made with, where it is clipped."""

SHARED = "shared"
"""A number of this step that all parameters share, such as the norm of all gradients."""

STATE = "state"
"""What an optimiser remembers of a parameter from one step to the next."""

SEQUENTIAL = "sequential"
"""The name of a derivative that is taken with the new parameters of the layers after it."""
