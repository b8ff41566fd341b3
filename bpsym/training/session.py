"""One run, from what the command line says to the files it leaves."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO

from bpsym.errors import DivergenceError
from bpsym.resources.files import write_all
from bpsym.training import log, plotting, saving, summary
from bpsym.training.causes import causes
from bpsym.training.interruption import Interruption, after_the_step
from bpsym.training.loop import Look, Standing, looks
from bpsym.training.plan import Plan, plan
from bpsym.training.progress import shown
from bpsym.training.request import STDOUT, Request, check_files

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """text: what belongs on stdout; exit_code: not 0 where a signal stopped the run."""

    text: str
    exit_code: int


@dataclass(frozen=True)
class Course:
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
    planned = plan(request)
    for remark in planned.remarks:
        say(remark)
    with after_the_step() as interruption:
        course = _trained(planned, interruption, stream)
        contents = _contents(planned, course)
        write_all(contents)
    stopped = course.last.step < planned.steps
    if stopped:
        say(summary.stopped(course.last, planned.steps))
    say(summary.summary(request.name, planned.target, course.looks[0], course.last, course.seconds))
    if contents:
        say(summary.files(contents))
    return Outcome(_text(planned, course), interruption.exit_code if stopped else 0)


def _one_thread() -> None:
    """One thread for matrix products, unless the user says otherwise.

    On networks of this size more threads wait for each other; and sums in an order that depends on the number of cores
    would not be the same again.
    """
    for name in ("OPENBLAS_NUM", "MKL_NUM", "OMP_NUM", "VECLIB_MAXIMUM"):
        os.environ.setdefault(f"{name}_THREADS", "1")


def _trained(planned: Plan, interruption: Interruption, stream: IO[str] | None) -> Course:
    """The whole course, or as much of it as was looked at before somebody asked twice to stop."""
    logged = {"--log", "--plot"} & set(planned.request.outputs)
    began = perf_counter()
    latest: tuple[Standing, Look] | None = None
    seen: list[Look] = []
    try:
        with _without_warnings(), shown(stream, planned.start.step, planned.steps) as show:
            course = looks(
                planned.run(interruption), planned.start, planned.steps, planned.every if logged else None
            )
            for latest in course:
                show(latest[1])
                seen.append(latest[1])
        interruption.may_break = False
    except DivergenceError as error:
        raise _explained(error, planned) from None
    except KeyboardInterrupt:
        pass  # what was looked at last is kept
    if latest is None:
        raise KeyboardInterrupt
    standing, last = latest
    before = (look for look in seen if look is not last)  # a second signal may come before it is among them
    return Course(standing, (*before, last), perf_counter() - began)


def _explained(error: DivergenceError, planned: Plan) -> DivergenceError:
    """The error with its example, what may have brought it about, and what became of the files."""
    request = planned.request
    why = causes(planned.example, request.name, error.step)
    kept = summary.kept(request.outputs.values())
    return DivergenceError(error.step, error.loss, f"{why}{kept}", request.name)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """NumPy warns of an overflow where the loss itself says what became of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _contents(planned: Plan, course: Course) -> dict[Path, bytes]:
    """What is written into each file."""
    rows = _rows(planned, course)
    made: dict[str, Callable[[str], bytes]] = {
        "--save": lambda suffix: saving.written(_saved(planned, course), suffix),
        "--log": lambda _: log.written(rows),
        "--plot": lambda suffix: plotting.drawn(rows, planned.request.name, suffix),
    }
    return {path: made[option](path.suffix.lower()) for option, path in planned.request.outputs.items()}


def _rows(planned: Plan, course: Course) -> list[Look]:
    """The looks that a log shows: those it had of the steps before, then each `every` steps and the last.

    Where the log has a row at the step that this run begins with, it stays, unless that was only the end of a run that
    wrote the same rows: a run that goes on has the log of one that never stopped.
    """
    start, every = planned.start.step, planned.every
    before = [look for look in planned.logged if look.step < start]
    rows = range(0, start, every)  # a run may have made very many steps, and have no log
    same_rows = len(before) == len(rows) and all(
        look.step == step for look, step in zip(before, rows, strict=True)
    )
    begun = any(look.step == start for look in planned.logged) and not same_rows
    ends = (course.last.step, start) if begun else (course.last.step,)
    seen = {look.step: look for look in course.looks}  # where a run is stopped, there may be two looks
    return before + [look for step, look in seen.items() if step % every == 0 or step in ends]


def _text(planned: Plan, course: Course) -> str:
    return saving.written(_saved(planned, course), ".json").decode() if planned.request.save == STDOUT else ""


def _saved(planned: Plan, course: Course) -> saving.Saved:
    return saving.saved(planned.example, planned.target, course.standing, course.last)
