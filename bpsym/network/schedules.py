"""Schedules of the learning rate: one record each.

A formula is in the learning rate `eta` of the example, the number `n` of this step (the first one is 1), and the
settings, which have PyTorch's names.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bpsym.network.choices import Setting, Settings


@dataclass(frozen=True)
class Schedule:
    """value: the learning rate of step n."""

    name: str
    value: str
    settings: Settings = field(default_factory=dict)


def _steps(write: str) -> Setting:
    return Setting(least=1, whole=True, write=write)


STEP = Schedule(
    "step",
    settings={"step_size": _steps("step_size = 100"), "gamma": Setting(0.1, above=0, write="gamma = 0.1")},
    value="eta * gamma**floor((n - 1) / step_size)",
)

EXPONENTIAL = Schedule(
    "exponential",
    settings={"gamma": Setting(above=0, write="gamma = 0.99")},
    value="eta * gamma**(n - 1)",
)

COSINE = Schedule(
    "cosine",
    settings={"T_max": _steps("T_max = 1000"), "eta_min": Setting(0, least=0, write="eta_min = 0")},
    value="eta_min + (eta - eta_min) * (1 + cos(pi * (n - 1) / T_max)) / 2",
)

WARMUP = Schedule("warmup", settings={"steps": _steps("steps = 100")}, value="eta * min(1, n / steps)")

SCHEDULES = {record.name: record for record in (STEP, EXPONENTIAL, COSINE, WARMUP)}
