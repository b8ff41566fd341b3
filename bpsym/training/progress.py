"""What is shown while a run goes on: a bar in a terminal, now and then a line elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import IO

from bpsym.training.loop import Look

Show = Callable[[Look], None]

FIRST_LINE, MOST_SECONDS = 2.0, 60.0
"""The first line comes after so long; then the time between two doubles, up to the most."""


@contextmanager
def shown(stream: IO[str] | None, start: int, steps: int) -> Iterator[Show]:
    """A function to call with each look; start: the number of steps made before."""
    if stream is None:
        yield lambda _: None
    elif stream.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(stream, start, steps) as show:
            yield show
    else:
        yield _lines(stream, start, steps)


def facts(look: Look) -> str:
    """The measures in a line: loss 0.01656, validation 0.02, accuracy 97.2 %."""
    parts = [f"loss {look.loss:.4g}"]
    if look.validation_loss is not None:
        parts.append(f"validation {look.validation_loss:.4g}")
    if look.accuracy is not None:
        parts.append(f"accuracy {look.accuracy:.1%}".replace("%", " %"))
    return ", ".join(parts)


def pace(made: int, left: int, seconds: float) -> str:
    """The speed so far, and the time left at it: 1,200 steps/s, 0:00:04 left."""
    if not made or seconds <= 0:
        return ""
    speed = made / seconds
    whole = round(left / speed)
    return f"{speed:,.{0 if speed >= 10 else 2}f} steps/s, {whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02} left"


def _lines(stream: IO[str], start: int, steps: int) -> Show:
    began = perf_counter()
    wait, due = FIRST_LINE, FIRST_LINE

    def show(look: Look) -> None:
        nonlocal wait, due
        seconds = perf_counter() - began
        if seconds >= due and look.step < steps:
            wait = min(2 * wait, MOST_SECONDS)
            due = seconds + wait
            speed = pace(look.step - start, steps - look.step, seconds)
            print(f"step {look.step:,} of {steps:,}: {facts(look)}, {speed}", file=stream, flush=True)

    return show


@contextmanager
def _bar(stream: IO[str], start: int, steps: int) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(
        BarColumn(bar_width=None),
        TextColumn("{task.description}", markup=False),
        console=Console(file=stream),
        auto_refresh=False,  # a thread of its own would take time from the steps
        transient=True,  # the summary says the rest
        expand=True,
    )
    task = bar.add_task("", total=steps, completed=start)
    began = perf_counter()

    def show(look: Look) -> None:
        speed = pace(look.step - start, steps - look.step, perf_counter() - began)
        text = (
            f"{look.step:,}/{steps:,}  {speed}\n{facts(look)}"  # in a line of its own, so that 80 columns do
        )
        bar.update(task, completed=look.step, description=text, refresh=True)

    with bar:
        yield show
