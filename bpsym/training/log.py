"""The course of a run as a table: step, loss, validation loss, accuracy."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, fields
from io import StringIO
from pathlib import Path

from bpsym.training.loop import Look

HEADER = [field.name for field in fields(Look)]


def written(looks: Iterable[Look]) -> bytes:
    """CSV; what there is none of is left empty."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(astuple(look) for look in looks)
    return stream.getvalue().encode()


def read(file: Path) -> list[Look]:
    """The rows of a log; none where the file is no log."""
    try:
        header, *rows = csv.reader(StringIO(file.read_text(encoding="utf-8")))
        return [_look(*row) for row in rows] if header == HEADER else []
    except (OSError, ValueError, TypeError):
        return []


def _look(step: str, *numbers: str) -> Look:
    return Look(int(step), *(float(number) if number else None for number in numbers))  # type: ignore[arg-type]
