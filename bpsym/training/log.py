"""The course of a run as a table: step, loss, validation loss, accuracy."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, fields
from io import StringIO
from pathlib import Path

from bpsym.errors import InputError, Problem
from bpsym.training.loop import Look

HEADER = [field.name for field in fields(Look)]


def written(looks: Iterable[Look]) -> bytes:
    """CSV; what there is none of is left empty."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(astuple(look) for look in looks)
    return stream.getvalue().encode()


def read(file: Path) -> tuple[Look, ...]:
    """The rows of a log; none where there is no file yet, or nothing in it. InputError where it is no log."""
    if not file.exists():
        return ()
    try:
        lines = list(csv.reader(StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
    except (OSError, ValueError, csv.Error):
        lines = [[]]
    if lines and lines[0] != HEADER:
        raise _refused(file, f"is no log that --log has written: its first line is not {','.join(HEADER)}")
    return tuple(_look(file, line, row) for line, row in enumerate(lines[1:], start=2))


def _look(file: Path, line: int, row: list[str]) -> Look:
    try:
        step, *numbers = row
        return Look(int(step), *(float(number) if number else None for number in numbers))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise _refused(file, "is a log with a line that --log has not written", line) from None


def _refused(file: Path, message: str, line: int | None = None) -> InputError:
    hint = "left as it is; give --log another name, or remove the file"
    return InputError(Problem(f"{message} ({hint})", file=str(file), line=line))
