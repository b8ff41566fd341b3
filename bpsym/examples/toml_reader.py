"""Example files: read by tomllib, checked by the records, every error said at once with its place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from bpsym import resources
from bpsym.errors import InputError, Key, Problem, UnknownKey, UsageError, did_you_mean, shown
from bpsym.examples.data import Data
from bpsym.examples.example import DerivationOptions, Example, Training, example_misfits
from bpsym.examples.positions import DEEPEST, Place, Positions, positions, too_deep
from bpsym.examples.samples import FOLDER
from bpsym.examples.toml_slips import slip
from bpsym.network.description import Dense, Network
from bpsym.network.record import Misfit, Record, keys

PRESETS = "examples/presets"

Known = Mapping[str, tuple[str, ...]]
"""The names that upper rooms know, by the last part of the key that says one; "phrases": the keys of words."""

_NAMED: tuple[Key, ...] = (
    ("notation",),
    ("derivation", "lang"),
    ("derivation", "style"),
    ("derivation", "form"),
    ("derivation", "detail"),
)
"""Where a file says such a name."""

_DEEPEST_TABLE = 4
"""The length of the key of a layer's key: network.layers[0].units."""

_MINIMAL = "inputs = 2 under [network], and units = 1 under [[network.layers]]"


def load(name_or_path: str, known: Known) -> Example:
    """The preset of this name, or the example in the file at this path.

    A path has a separator, ends with .toml, or is there. UsageError for an unknown preset, InputError for a wrong file.
    """
    text, file, folder = _source(name_or_path)
    return read(text, file, known, folder)


@contextmanager
def placed(name_or_path: str) -> Iterator[None]:
    """Where what is made of this example is refused, the error says the place in its file too."""
    try:
        yield
    except InputError as error:
        if not all(one.key and one.file is None for one in error.problems):
            raise
        text, file, _ = _source(name_or_path)
        raise InputError(_placed(list(error.problems), text, file)) from None


def _source(name_or_path: str) -> tuple[str, str, Path]:
    """The text of the preset or file, the file's name, and the folder that paths in it start from."""
    presets = resources.names(PRESETS, ".toml")
    if name_or_path in presets:
        text = resources.text(f"{PRESETS}/{name_or_path}.toml")
        return text, f"{name_or_path}.toml", resources.place(PRESETS)
    path = Path(name_or_path)
    if path.name == name_or_path and path.suffix != ".toml" and not path.exists():
        hint = did_you_mean(name_or_path, presets)
        raise UsageError(f"unknown preset {name_or_path!r}{hint}; the path of a file ends with .toml")
    return _text(path), name_or_path, path.parent


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


def read(text: str, file: str, known: Known, folder: Path = Path()) -> Example:
    """The example that the text describes; folder: where the paths in it start from.

    InputError names all that is wrong, each with file, line and column.
    """
    table = _table(text, file)
    problems = list(unknown_names(table, known))
    example = None
    before = FOLDER.set(folder)
    try:
        example = Example(**table)
    except InputError as error:
        problems += _without_doubles(error.problems, list(example_misfits(table)))
    finally:
        FOLDER.reset(before)
    if example is None or problems:
        raise InputError(_placed(list(map(_at_home, problems)), text, file))
    return example


def _without_doubles(problems: Iterable[Problem], misfits: list[Misfit]) -> list[Problem]:
    """The problems, and the misfits of the whole: what a part says of the same place, or array of rows, knows less."""
    places = {_rows(one.key) for one in misfits}
    return [one for one in problems if not (isinstance(one, Misfit) and _rows(one.key) in places)] + misfits


def _rows(key: Key) -> Key:
    """The array of rows that a key is of, or is in; of a layer, the key itself."""
    return key[:-1] if len(key) > 1 and isinstance(key[-1], int) and key[-2] != "layers" else key


_TABLES: Mapping[str, type[Record]] = {
    "[network]": Network,
    "[[network.layers]]": Dense,
    "[data]": Data,
    "[training]": Training,
    "[derivation]": DerivationOptions,
}

_MEANT = {
    "layers": "[[network.layers]] for each layer",
    "epochs": "steps = 100, one for each batch; train counts epochs with --epochs",
    "lr": "learning_rate = 0.5",
    "learning-rate": "learning_rate = 0.5",
    "eta": "learning_rate = 0.5",
    "weight_decay": 'l2 = 0.001 below [network], or optimizer = { name = "adamw", weight_decay = 0.001 }',
    "title": "it above the first table",
    "source": "it above the first table",
    "notation": "it above the first table",
}
"""What to write for words that other libraries have, or that stand in another place here."""


def _at_home(problem: Problem) -> Problem:
    """An unknown key that belongs to another table, or is another one's name, with what to write."""
    name = str(problem.key[-1]) if problem.key else ""
    homes = [table for table, record in _TABLES.items() if name in keys(record).values()]
    if (
        not isinstance(problem, UnknownKey)
        or len(problem.key) > _DEEPEST_TABLE
        or not (homes or name in _MEANT)
    ):
        return problem
    hint = f"write {_MEANT[name]}" if name in _MEANT else f"it belongs below {' or '.join(homes)}"
    return replace(problem, message=f"unknown key ({hint})")


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
    """What tomllib says, or what to write where it is a usual slip, with the position, or the last line without one."""
    place = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    what = re.sub(r" \(at [^()]*\)$", "", message)
    at = (int(place[1]), int(place[2])) if place else (_last_line(text), 1)
    said, (line, column) = slip(what, text, at) or (f"{what[:1].lower()}{what[1:]}", at)
    return Problem(f"not TOML: {said}", file=file, line=line, column=column)


def _last_line(text: str) -> int:
    return len(text.splitlines()) or 1


def unknown_names(table: Mapping[str, Any], known: Known) -> Iterator[Problem]:
    """The names in an example's table that no upper room knows."""
    for key in _NAMED:
        value = _found(table, key)
        names = known.get(str(key[-1]))
        if isinstance(value, str) and names is not None and value not in names:
            yield Problem(f"unknown {key[-1]} {shown(value)}{did_you_mean(value, names)}", key)
    yield from _unknown_words(_found(table, ("phrases",)), known, ("phrases",))


def _found(table: Any, key: Key) -> Any:
    for part in key:
        table = table.get(part) if isinstance(table, Mapping) else None
    return table


def _unknown_words(table: Any, known: Known, key: Key) -> Iterator[Problem]:
    if not isinstance(table, Mapping) or "phrases" not in known:
        return
    languages = known["lang"] if len(key) == 1 else ()
    for name, value in table.items():
        if isinstance(value, Mapping) and name in languages:
            yield from _unknown_words(value, known, (*key, name))
        elif name not in known["phrases"]:
            near = did_you_mean(name, (*known["phrases"], *languages))
            yield UnknownKey(f"unknown key{near}", (*key, name))


def _placed(problems: list[Problem], text: str, file: str) -> list[Problem]:
    """The problems with their places, in the order of the file."""
    where = positions(text)
    placed = {one: _place(one, where) for one in problems}
    ordered = sorted(placed, key=lambda one: placed[one])
    return [replace(one, file=file, line=placed[one][0], column=placed[one][1]) for one in ordered]


def _place(problem: Problem, where: Positions) -> Place:
    return where.of_key(problem.key) if isinstance(problem, UnknownKey) else where.of_value(problem.key)
