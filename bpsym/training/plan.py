"""All that is decided before the first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

from bpsym import api
from bpsym.examples.example import Example
from bpsym.training import log, saving
from bpsym.training.loop import Look, Run, Standing
from bpsym.training.request import Request
from bpsym.training.samples import Samples, samples
from bpsym.training.settings import check_options, epoch_of, settings_of, steps_of, with_settings

DEFAULT_TARGET = "numpy"
ROWS = 100
"""Rows of a log, where training has neither batches nor an interval of its own."""


@dataclass(frozen=True)
class Plan:
    """start: where the run begins; steps: where it ends; every: the steps from one row of the log to the next.

    logged: the rows that the log has, of the run that goes on.
    """

    request: Request
    example: Example
    target: str
    trainer: ModuleType
    samples: Samples
    start: Standing
    steps: int
    every: int
    logged: tuple[Look, ...]
    remarks: tuple[str, ...]

    def run(self, stop: Callable[[], bool]) -> Run:
        return Run(self.trainer, self.samples, float(self.example.training.learning_rate), stop)


def plan(request: Request) -> Plan:
    """What is to be done. InputError or UsageError where the example, the options and a saved run do not fit."""
    check_options(request.settings)
    logged = log.read(request.log) if request.log else ()
    found = saving.read(request.resume) if request.resume else None
    target = request.target or (found.target if found else DEFAULT_TARGET)
    example = with_settings(request.example, {**(found.settings if found else {}), **request.settings})
    trainer = api.trainer(example, target, force=request.force, cited=False)
    parts = samples(example, target)
    example = with_settings(example, {"steps": steps_of(example, request.epochs)})
    if found and request.resume:
        saving.check_same(found, example, target, request.resume)
    start = _beginning(trainer, request)
    if found and request.resume:
        start = saving.restored(found, start, request.resume)
    steps = max(example.training.steps, start.step)
    remarks = tuple(_remarks(request, example, found, steps)) if found else ()
    every = _every(request, example)
    return Plan(
        request,
        example,
        target,
        trainer,
        parts,
        start,
        steps,
        every,
        logged if found else (),
        remarks,
    )


def _beginning(trainer: ModuleType, request: Request) -> Standing:
    """Where a training starts: at the example's parameters; those of one that gives none are drawn by `--seed`."""
    layers = request.example.network.layers
    drawn = "seed" in request.settings and not any(layer.weights or layer.biases for layer in layers)
    parameters = trainer.initialize(request.settings["seed"]) if drawn else trainer.INITIAL
    initial_state = getattr(trainer, "initial_state", None)
    return Standing(0, parameters, initial_state(parameters) if initial_state else None)


def _remarks(request: Request, example: Example, found: saving.Saved, steps: int) -> Iterator[str]:
    """What a run that goes on has otherwise than its example says, and whether it goes on."""
    said = settings_of(request.example)
    asked = {*request.settings, *(("steps",) if request.epochs is not None or not said["steps"] else ())}
    for key, value in settings_of(example).items():
        if value != said[key] and key not in asked:
            longer = f"; write --steps {said[key]}" if key == "steps" and said[key] > found.step else ""
            yield f"{key} = {value}, as in {request.resume} (the example has {said[key]}{longer})"
    if saving.data_hash(example) != found.data:
        yield f"the samples are others than those of {request.resume}"
    if found.step == steps:
        yield f"nothing is left to do: {steps:,} steps are made (--steps {2 * steps or 100} goes on)"


def _every(request: Request, example: Example) -> int:
    if request.every is not None:
        return request.every
    if example.training.batch_size is not None:
        return epoch_of(example)
    return max(1, example.training.steps // ROWS)
