"""One run, from what the command line says to the files it leaves."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO, Any

from bpsym import api
from bpsym.errors import DivergenceError, UsageError
from bpsym.examples.example import Example
from bpsym.resources.files import writable, write_all
from bpsym.training import log, plotting, saving, summary
from bpsym.training.causes import usual_causes
from bpsym.training.interruption import Interruption, after_the_step
from bpsym.training.loop import Look, Run, Standing, looks
from bpsym.training.progress import shown
from bpsym.training.samples import samples
from bpsym.training.settings import epoch_of, settings_of, steps_of, with_settings

DEFAULT_TARGET = "numpy"
STDOUT = Path("-")
ROWS = 100
"""Rows of a log, where training has neither batches nor an interval of its own."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What the command line says; settings: those of the example that it changes."""

    example: Example
    name: str
    target: str | None
    settings: Mapping[str, Any]
    epochs: int | None = None
    every: int | None = None
    save: Path | None = None
    resume: Path | None = None
    log: Path | None = None
    plot: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """text: what belongs on stdout; exit_code: not 0 where a signal stopped the run."""

    text: str
    exit_code: int


@dataclass(frozen=True)
class _Course:
    """Where a run has come to, and every look at it since it began."""

    standing: Standing
    looks: tuple[Look, ...]
    seconds: float

    @property
    def last(self) -> Look:
        return self.looks[-1]


def train(request: Request, stream: IO[str] | None, say: Say) -> Outcome:
    """Train, and write what is asked for, all of it or nothing; stream: where progress is shown.

    Every file is checked before the first step. DivergenceError where the loss is not finite: nothing is written then.
    """
    _one_thread()
    check_files(request)
    plan = _plan(request, say)
    with after_the_step() as interruption:
        course = _trained(plan, interruption, stream)
        written = _write(plan, course)
    if interruption() and course.last.step < plan.steps:
        say(summary.stopped(course.last, plan.steps))
    say(summary.summary(request.name, plan.target, course.looks[0], course.last, course.seconds))
    if written:
        say(summary.files(written))
    stopped = course.last.step < plan.steps
    return Outcome(_text(plan, course), interruption.exit_code if stopped else 0)


def _one_thread() -> None:
    """One thread for matrix products, unless the user says otherwise.

    On networks of this size more threads wait for each other; and sums in an order that depends on the number of cores
    would not be the same again.
    """
    for library in ("OPENBLAS", "MKL", "OMP", "VECLIB"):
        name = f"{library}_{'MAXIMUM' if library == 'VECLIB' else 'NUM'}_THREADS"
        os.environ.setdefault(name, "1")


def check_files(request: Request) -> None:
    """UsageError for a name that does not say which format; OutputError for what cannot be written."""
    for option, path, suffixes in (
        ("--save", request.save, tuple(saving.FORMATS)),
        ("--resume", request.resume, tuple(saving.FORMATS)),
        ("--log", request.log, (".csv",)),
        ("--plot", request.plot, plotting.SUFFIXES),
    ):
        if path is not None and not (path == STDOUT and option == "--save"):
            _check_suffix(option, path, suffixes)
            if option != "--resume":
                writable(path)
    if request.plot is not None:
        plotting.require()


def _check_suffix(option: str, path: Path, suffixes: tuple[str, ...]) -> None:
    if path.suffix.lower() not in suffixes:
        instead = " or ".join(str(Path(path.stem or "run").with_suffix(suffix)) for suffix in suffixes)
        raise UsageError(f"{option}: {path} must end in {' or '.join(suffixes)} (write {option} {instead})")


@dataclass(frozen=True)
class _Plan:
    """All that is decided before the first step."""

    request: Request
    example: Example
    target: str
    run: Callable[[Interruption], Run]
    start: Standing
    steps: int
    every: int


def _plan(request: Request, say: Say) -> _Plan:
    found = saving.read(request.resume) if request.resume else None
    target = request.target or (found.target if found else DEFAULT_TARGET)
    example = with_settings(request.example, {**(found.settings if found else {}), **request.settings})
    example = with_settings(example, {"steps": steps_of(example, request.epochs)})
    parts = samples(example, target)
    trainer = api.trainer(example, target, force=request.force, cited=False)
    rate = float(example.training.learning_rate)
    start = _start(trainer, example.training.seed or 0)
    if found and request.resume:
        saving.fits(found, example, target, request.resume)
        start = saving.restored(found, start, request.resume)
        for difference in _differences(request, example, found):
            say(difference)
    steps = max(example.training.steps, start.step)
    if found and start.step == steps:
        say(f"nothing is left to do: {steps:,} steps are made (--steps {2 * steps or 100} goes on)")
    return _Plan(
        request,
        example,
        target,
        lambda stop: Run(trainer, parts, rate, stop),
        start,
        steps,
        _every(request, example),
    )


def _start(trainer: Any, seed: int) -> Standing:
    """Nothing learnt yet: the example's parameters, or what is drawn where it gives none."""
    parameters = trainer.INITIAL if hasattr(trainer, "INITIAL") else trainer.initialize(seed)
    initial_state = getattr(trainer, "initial_state", None)
    return Standing(0, parameters, initial_state(parameters) if initial_state else None)


def _differences(request: Request, example: Example, found: saving.Saved) -> Iterator[str]:
    """What a run that goes on has otherwise than its example says."""
    said = settings_of(request.example)
    for key, value in settings_of(example).items():
        if value != said[key] and key not in request.settings and key != "steps":
            yield f"{key} = {value}, as in {request.resume} (the example has {said[key]})"
    if saving.data_hash(example) != found.data:
        yield f"the samples are others than those of {request.resume}"


def _every(request: Request, example: Example) -> int:
    """Steps from one row of the log to the next: an epoch, where there are batches."""
    if request.every is not None:
        return request.every
    if example.training.batch_size is not None:
        return epoch_of(example)
    return max(1, example.training.steps // ROWS)


def _trained(plan: _Plan, interruption: Interruption, stream: IO[str] | None) -> _Course:
    logged = plan.request.log or plan.request.plot
    began = perf_counter()
    standing, seen = plan.start, []
    try:
        with _without_warnings(), shown(stream, plan.start.step, plan.steps) as show:
            course = looks(plan.run(interruption), plan.start, plan.steps, plan.every if logged else None)
            for standing, look in course:  # noqa: B007  (the last one is kept)
                show(look)
                seen.append(look)
    except DivergenceError as error:
        raise DivergenceError(error.step, error.loss, usual_causes(plan.example)) from None
    return _Course(standing, tuple(seen), perf_counter() - began)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """NumPy warns of an overflow where the loss itself says what became of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _rows(plan: _Plan, course: _Course) -> list[Look]:
    """The looks that a log shows: those of a run that was not interrupted, and the last."""
    before = log.read(plan.request.log) if plan.request.resume and plan.request.log else []
    rows = [look for look in before if look.step < plan.start.step] + list(course.looks)
    return [look for look in rows if look.step % plan.every == 0 or look is course.last]


def _write(plan: _Plan, course: _Course) -> list[Path]:
    request = plan.request
    contents: dict[Path, bytes] = {}
    if request.save is not None and request.save != STDOUT:
        contents[request.save] = saving.written(_saved(plan, course), request.save.suffix.lower())
    rows = _rows(plan, course)
    if request.log is not None:
        contents[request.log] = log.written(rows)
    if request.plot is not None:
        contents[request.plot] = plotting.drawn(rows, request.name, request.plot.suffix.lower())
    write_all(contents)
    return list(contents)


def _text(plan: _Plan, course: _Course) -> str:
    return saving.written(_saved(plan, course), ".json").decode() if plan.request.save == STDOUT else ""


def _saved(plan: _Plan, course: _Course) -> saving.Saved:
    return saving.saved(plan.example, plan.target, course.standing, course.last)
