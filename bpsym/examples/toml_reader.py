"""Example files: read by tomllib, checked by the records, every error said at once with its place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from bpsym import resources
from bpsym.errors import InputError, Problem, UnknownKey, UsageError, did_you_mean, shown
from bpsym.examples.example import Example, example_misfits
from bpsym.examples.positions import DEEPEST, Place, Positions, positions, too_deep

PRESETS = "examples/presets"

Known = Mapping[str, tuple[str, ...]]
"""The names that upper rooms know: "notation" and "lang"."""

_NAMED = {"notation": ("notation",), "lang": ("derivation", "lang")}
"""Where a file says such a name."""

_MINIMAL = "inputs = 2 under [network], and units = 1 under [[network.layers]]"


def load(name_or_path: str, known: Known) -> Example:
    """The preset of this name, or the example in the file at this path.

    A path has a separator, ends with .toml, or is there. UsageError for an unknown preset, InputError for a wrong file.
    """
    presets = resources.names(PRESETS, ".toml")
    if name_or_path in presets:
        return read(resources.text(f"{PRESETS}/{name_or_path}.toml"), f"{name_or_path}.toml", known)
    path = Path(name_or_path)
    if path.name == name_or_path and path.suffix != ".toml" and not path.exists():
        hint = did_you_mean(name_or_path, presets)
        raise UsageError(f"unknown preset {name_or_path!r}{hint}; the path of a file ends with .toml")
    return read(_text(path), name_or_path, known)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(Problem("there is no such file", file=str(path))) from None
    except IsADirectoryError:
        raise InputError(Problem("is a folder (write the path of a TOML file)", file=str(path))) from None
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", file=str(path))) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        message = f"byte {data[error.start]:#04x} is not UTF-8 (save the file as UTF-8)"
        raise InputError(Problem(message, file=str(path), line=line, column=column)) from None


def read(text: str, file: str, known: Known) -> Example:
    """The example that the text describes. InputError names all that is wrong, each with file, line and column."""
    table = _table(text, file)
    problems = list(_unknown_names(table, known))
    example = None
    try:
        example = Example(**table)
    except InputError as error:
        problems += error.problems
        problems += [one for one in example_misfits(table) if one not in problems]
    if example is None or problems:
        raise InputError(_placed(problems, text, file))
    return example


def _table(text: str, file: str) -> dict[str, Any]:
    if not text.strip():
        raise InputError(Problem(f"the file is empty (write {_MINIMAL})", file=file, line=1, column=1))
    if deep := too_deep(text):
        message = f"brackets nest more than {DEEPEST} deep"
        raise InputError(Problem(message, file=file, line=deep[0], column=deep[1]))
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_syntax(str(error), text, file)) from None
    except (RecursionError, ValueError) as error:
        raise InputError(Problem(f"not TOML: {error}", file=file, line=_last_line(text), column=1)) from None


def _syntax(message: str, text: str, file: str) -> Problem:
    """What tomllib says, with its position, or the last line where it gives none."""
    place = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    what = re.sub(r" \(at [^()]*\)$", "", message)
    line, column = (int(place[1]), int(place[2])) if place else (_last_line(text), 1)
    return Problem(f"not TOML: {what[:1].lower()}{what[1:]}", file=file, line=line, column=column)


def _last_line(text: str) -> int:
    return len(text.splitlines()) or 1


def _unknown_names(table: dict[str, Any], known: Known) -> Iterator[Problem]:
    for what, key in _NAMED.items():
        value: Any = table
        for part in key:
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str) and what in known and value not in known[what]:
            yield Problem(f"unknown {what} {shown(value)}{did_you_mean(value, known[what])}", key)


def _placed(problems: list[Problem], text: str, file: str) -> list[Problem]:
    """The problems with their places, in the order of the file."""
    where = positions(text)
    placed = {one: _place(one, where) for one in problems}
    ordered = sorted(placed, key=lambda one: placed[one])
    return [replace(one, file=file, line=placed[one][0], column=placed[one][1]) for one in ordered]


def _place(problem: Problem, where: Positions) -> Place:
    return where.of_key(problem.key) if isinstance(problem, UnknownKey) else where.of_value(problem.key)
