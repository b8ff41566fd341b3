"""What changes from one step of a computation to the next: for each tensor, one with its new value."""

from __future__ import annotations

from dataclasses import replace

from bpsym.calculus.equations import Origin, Tensor


def updated_name(name: str) -> str:
    """What a tensor is called after the step."""
    return f"{name}+"


def updated(tensor: Tensor) -> Tensor:
    """The tensor after the step."""
    return replace(tensor, name=updated_name(tensor.name), origin=Origin("update", tensor.name))
