"""What is said at a run's end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bpsym.training.loop import Look


def summary(name: str, target: str, first: Look, last: Look, seconds: float) -> str:
    """The steps made and their speed, and each measure before and after them."""
    made = last.step - first.step
    speed = f", {made / seconds:,.0f} steps/s" if made and seconds > 0 else ""
    before = f" (after {first.step:,} before)" if first.step else ""
    head = f"{name}: {_counted(made, 'step')}{before} in {seconds:.1f} s ({target}{speed})"
    return "\n".join([head, *_measures(first, last)])


def stopped(last: Look, steps: int) -> str:
    """The first word about a run that was interrupted."""
    return f"Stopped after {last.step:,} of {_counted(steps, 'step')}."


def files(written: Iterable[Path]) -> str:
    """What was written."""
    return f"Written: {', '.join(map(str, written))}"


def kept(left: Iterable[Path]) -> str:
    """What was not written, on a line of its own; "" where nothing was to be."""
    names = list(map(str, left))
    stay = "stays as it was" if len(names) == 1 else "stay as they were"
    return f"\nNothing is written: {', '.join(names)} {stay}." if names else ""


def _measures(first: Look, last: Look) -> Iterator[str]:
    for field, form in _FORMS.items():
        before, after = getattr(first, field), getattr(last, field)
        if before is not None and after is not None:
            yield f"  {field.replace('_', ' '):16}{form(before)} -> {form(after)}"


def _number(value: float) -> str:
    return f"{value:.7g}"


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


_FORMS = {"loss": _number, "validation_loss": _number, "accuracy": _share}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
