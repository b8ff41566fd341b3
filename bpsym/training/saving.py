"""A run in a file: its parameters by name, its state, how far it is, and of what it is, as JSON or NPZ."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any

from bpsym.errors import InputError, Key, Problem, key_path, shown
from bpsym.examples.example import Example, Training
from bpsym.network.choices import Choice
from bpsym.network.record import plain
from bpsym.network.training_rule import TrainingRule
from bpsym.training.loop import Look, Standing
from bpsym.training.settings import SETTINGS, settings_of

KIND = "training by bpsym"
MOST_STEPS = 2**53
"""Up to here every whole number is one in double precision; nobody makes so many steps."""

STARTS = ("weights", "biases", "init")
"""What of a layer says where training starts: a run that goes on has other parameters."""


@dataclass(frozen=True)
class Saved:
    """A run as a file holds it; parameters and state by the names of their fields, arrays as lists.

    fingerprint: what the network is and what a step does, key by key; data: a hash of the samples.
    """

    step: int
    loss: float
    settings: Mapping[str, Any]
    fingerprint: Mapping[str, Any]
    data: str
    parameters: Mapping[str, Any]
    state: Mapping[str, Any] | None

    @property
    def target(self) -> str:
        return str(self.fingerprint["target"])


def saved(example: Example, target: str, standing: Standing, look: Look) -> Saved:
    """What to keep of a run."""
    return Saved(
        standing.step,
        look.loss,
        settings_of(example),
        fingerprint(example, target),
        data_hash(example),
        _named(standing.parameters),
        _named(standing.state),
    )


def fingerprint(example: Example, target: str) -> dict[str, Any]:
    """What must be the same for training to go on, by the keys of an example's file."""
    rule = {key: value for key, value in plain(example.training).items() if key in TrainingRule.model_fields}
    whole = {"notation": example.notation, "network": plain(example.network), "training": rule}
    return {"target": target} | {
        key_path(key): value for key, value in _leaves(whole) if not set(STARTS) & set(key)
    }


def data_hash(example: Example) -> str:
    """The training samples, as a number of sixteen hexadecimal digits."""
    data = example.data
    rows = (
        [] if data is None else [[list(map(float, row)) for row in part or ()] for part in (data.x, data.t)]
    )
    return sha256(repr(rows).encode()).hexdigest()[:16]


def check_same(found: Saved, example: Example, target: str, file: Path) -> None:
    """InputError, with every difference, where the run is of another network or makes other steps."""
    wanted = fingerprint(example, target)
    of = {"target": f"asked for (write --target {found.target}, or leave --target out)"}
    differences = [
        f"\n  {key}: {_told(found.fingerprint, key)} in this run, {_told(wanted, key)} {of.get(key, 'in the example')}"
        for key in {**wanted, **found.fingerprint}
        if found.fingerprint.get(key) != wanted.get(key)
    ]
    if differences:
        raise InputError(
            Problem(f"a run of another network, or by another rule{''.join(differences)}", file=str(file))
        )


def restored(found: Saved, like: Standing, file: Path) -> Standing:
    """The parameters and the state in the trainer's own types, which `like` has. InputError where they do not fit."""
    try:
        parameters = _restored(like.parameters, found.parameters, ("parameters",))
        return Standing(found.step, parameters, _restored(like.state, found.state, ("state",)))
    except InputError as error:
        raise InputError([Problem(each.message, each.key, str(file)) for each in error.problems]) from None


def written(run: Saved, suffix: str) -> bytes:
    """The run in the format of files that end so."""
    return FORMATS[suffix].write(vars(run))


def read(file: Path) -> Saved:
    """The run in a file. InputError where it is none."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(
            Problem(f"cannot be read: {(error.strerror or str(error)).lower()}", file=str(file))
        ) from None
    try:
        table = FORMATS[file.suffix.lower()].read(content)
        return _run(table)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(Problem("is no run that --save has written", file=str(file))) from None


def _run(table: Mapping[str, Any]) -> Saved:
    """ValueError (an InputError is one), KeyError or TypeError where a table is no run."""
    run = Saved(**{key: value for key, value in table.items() if key != "kind"})
    Training(**run.settings)
    whole = isinstance(run.step, int) and 0 <= run.step <= MOST_STEPS
    tables = all(isinstance(one, dict) for one in (run.settings, run.fingerprint, run.parameters))
    if (
        table["kind"] != KIND
        or not whole
        or not tables
        or "target" not in run.fingerprint
        or set(run.settings) != set(SETTINGS)
    ):
        raise ValueError
    return run


# Formats ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Format:
    """A run's table to bytes and back."""

    write: Callable[[Mapping[str, Any]], bytes]
    read: Callable[[bytes], dict[str, Any]]


def _write_json(table: Mapping[str, Any]) -> bytes:
    return (json.dumps({"kind": KIND, **table}, indent=1, allow_nan=False) + "\n").encode()


def _read_json(content: bytes) -> dict[str, Any]:
    table = json.loads(content)
    if not isinstance(table, dict):
        raise TypeError
    return table


def _write_npz(table: Mapping[str, Any]) -> bytes:
    """Each array under its key's path, "parameters.W0"; the rest as JSON, under "about"."""
    import numpy as np

    tensors = {key: table[key] for key in _TENSORS if table[key] is not None}
    about = {"kind": KIND} | {key: value for key, value in table.items() if key not in tensors}
    arrays: dict[str, Any] = {".".join(map(str, key)): np.asarray(value) for key, value in _entries(tensors)}
    stream = BytesIO()
    np.savez(stream, about=np.asarray(json.dumps(about, allow_nan=False)), **arrays)
    return stream.getvalue()


def _read_npz(content: bytes) -> dict[str, Any]:
    from zipfile import BadZipFile

    import numpy as np

    try:
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            lists = {key: arrays[key].tolist() for key in arrays.files}
    except (OSError, EOFError, BadZipFile):
        raise ValueError from None
    table: dict[str, Any] = json.loads(lists.pop("about"))
    for key, value in lists.items():
        *tables, name = key.split(".")
        inner = table
        for each in tables:
            inner = inner.setdefault(each, {})
        inner[name] = value
    return table


_TENSORS = ("parameters", "state")
FORMATS = {".json": Format(_write_json, _read_json), ".npz": Format(_write_npz, _read_npz)}


# Trees of names --------------------------------------------------------------------------------------------------


def _named(value: Any) -> Any:
    """Named tuples as tables, arrays as lists, numbers as Python's own."""
    if hasattr(value, "_asdict"):
        return {name: _named(entry) for name, entry in value._asdict().items()}
    return value.tolist() if hasattr(value, "tolist") else value


def _entries(table: Any, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    """What is in tables within tables, with its key."""
    if not isinstance(table, dict):
        yield key, table
        return
    for name, value in table.items():
        yield from _entries(value, (*key, name))


def _leaves(value: Any, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Every number and word of a description, with its key."""
    value = value.table() if isinstance(value, Choice) else value
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _leaves(entry, (*key, name))
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield from _leaves(entry, (*key, number))
    elif value is not None:
        yield key, value if isinstance(value, int | str) else float(value)


def _restored(like: Any, value: Any, key: Key) -> Any:
    if hasattr(like, "_fields"):
        if not isinstance(value, dict) or list(value) != list(like._fields):
            names = ", ".join(value) if isinstance(value, dict) else "nothing"
            raise InputError(Problem(f"holds {names}, but the trainer has {', '.join(like._fields)}", key))
        return type(like)(
            **{name: _restored(getattr(like, name), value[name], (*key, name)) for name in value}
        )
    return _array(like, value, key) if hasattr(like, "shape") else _number(like, value, key)


def _array(like: Any, value: Any, key: Key) -> Any:
    import numpy as np

    try:
        array = np.asarray(value, dtype=np.asarray(like).dtype)
    except (ValueError, TypeError, OverflowError):
        raise InputError(Problem("holds something that is no number, or too large", key)) from None
    if array.shape != np.shape(like):
        raise InputError(Problem(f"has shape {array.shape}, but the trainer has {np.shape(like)}", key))
    if not np.isfinite(array).all():
        raise InputError(Problem("holds a number that is not finite", key))
    return array[()]


def _number(like: Any, value: Any, key: Key) -> Any:
    if like is None and value is None:
        return None
    if not _is_finite(value) or like is None:
        raise InputError(
            Problem(f"must be {'absent' if like is None else 'a finite number'}, not {shown(value)}", key)
        )
    return type(like)(value)


def _is_finite(value: Any) -> bool:
    """Whether it is a number within double precision."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:
        return False


def _told(table: Mapping[str, Any], key: str) -> str:
    return shown(table[key]) if key in table else "absent"
