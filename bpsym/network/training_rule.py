"""How a step of training changes the parameters: the optimiser, and what is done to gradients and rate before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from bpsym.errors import Key, shown
from bpsym.network.choices import Choice, Chosen, chosen_name
from bpsym.network.clips import CLIPS
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.network.record import Misfit, Record, plain, refuse
from bpsym.network.schedules import SCHEDULES

SIMULTANEOUS = "simultaneous"
SEQUENTIAL = "sequential"


class TrainingRule(Record):
    """clip: what becomes of the gradients; schedule: of the learning rate; then the optimiser makes its step.

    update: with "sequential", the error terms of a layer use the parameters, already updated, of the layers after it.
    """

    write: ClassVar[Mapping[str, str]] = {
        "optimizer": 'optimizer = "adam"',
        "update": 'update = "simultaneous"',
        "schedule": 'schedule = { name = "step", step_size = 100 }',
        "clip": 'clip = { name = "norm", max_norm = 1 }',
    }

    about: ClassVar[Mapping[str, str]] = {
        "optimizer": "What makes a step out of the gradients: a name, or a table with name and settings.",
        "update": "All parameters at once, or from the last layer to the first with those already updated.",
        "schedule": "How the learning rate changes with the steps.",
        "clip": "How large gradients are cut.",
    }

    optimizer: Annotated[Choice, Chosen("optimizer", OPTIMIZERS)] = Choice("sgd")
    update: Literal["simultaneous", "sequential"] = "simultaneous"
    schedule: Annotated[Choice | None, Chosen("schedule", SCHEDULES, optional=True)] = None
    clip: Annotated[Choice | None, Chosen("clip", CLIPS, optional=True)] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse(rule_misfits(plain(self)))
        return self


def rule_misfits(rule: Any, key: Key = ()) -> Iterator[Misfit]:
    """What does not fit in a table of a training rule; what is missing or of another type is passed over."""
    if not isinstance(rule, Mapping) or rule.get("update") != SEQUENTIAL:
        return
    name = chosen_name(rule.get("optimizer", "sgd"))
    if name is not None and name != "sgd":
        message = f'"sequential" is made for the optimizer "sgd", not for {shown(name)}'
        yield Misfit(f'{message} (write update = "simultaneous", or optimizer = "sgd")', (*key, "update"))
    if isinstance(rule.get("clip"), str | Mapping):
        message = '"sequential" updates before all gradients are known, which clip needs'
        yield Misfit(f'{message} (write update = "simultaneous", or leave clip out)', (*key, "update"))
