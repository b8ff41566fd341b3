"""Why a loss is not finite: the usual causes, with this run's numbers."""

from __future__ import annotations

from bpsym.examples.example import Example

LARGE = 10
"""Inputs beyond this are worth scaling."""


def usual_causes(example: Example, step: int = 1) -> str:
    """One cause a line, with what to write; before the first step, none that training would have to bring about."""
    rate = float(example.training.learning_rate)
    largest = max(abs(float(entry)) for row in example.data.x for entry in row) if example.data else 0
    slower = min(rate / 10, 1)
    causes = [f"the learning rate, {rate:g}, is too large (try --learning-rate {slower:g})"] if step else []
    if largest > LARGE:
        causes.append(
            f"inputs are large, up to {largest:g} (scale them: scale = {1 / largest:.3g} below [data])"
        )
    if example.training.clip is None and step:
        causes.append('gradients explode (clip = { name = "norm", max_norm = 1 } below [training])')
    causes.append(
        "weights start too large (init of the layers), or a loss is not defined for these outputs and targets"
    )
    return "".join(f"\n  * {cause}" for cause in causes)
