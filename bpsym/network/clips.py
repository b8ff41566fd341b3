"""Ways of clipping gradients: one record each.

A formula is in a gradient `g`, the settings, which have PyTorch's names, and whatever is defined above it.
`total(...)` is the sum over all trained parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpsym.network.choices import Setting, Settings


@dataclass(frozen=True)
class Clip:
    """value: the gradient that the step is made with; scalars: what all gradients share."""

    name: str
    value: str
    settings: Settings = field(default_factory=dict)
    scalars: Mapping[str, str] = field(default_factory=dict)


NORM = Clip(
    "norm",
    settings={"max_norm": Setting(above=0, write="max_norm = 1")},
    scalars={"norm": "sqrt(total(g**2))", "shrink": "max_norm / max(max_norm, norm)"},
    value="shrink * g",
)

VALUE = Clip(
    "value",
    settings={"clip_value": Setting(above=0, write="clip_value = 1")},
    value="max(-clip_value, min(g, clip_value))",
)

CLIPS = {record.name: record for record in (NORM, VALUE)}
