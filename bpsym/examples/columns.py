"""Files of samples: columns by name, out of CSV text (decimals stay exact) or of NPZ arrays."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from bpsym.errors import InputError, Problem, shown
from bpsym.network.exact import exact

Column = tuple[Fraction, ...]
"""A number a sample."""

MOST_SAID = 5
"""So many wrong places of one file are named; of the others, how many there are."""


class Columns(Protocol):
    """What a file holds, by name. InputError names the places of what is wrong."""

    @property
    def kind(self) -> str:
        """What one of them is called."""
        ...

    @property
    def names(self) -> tuple[str, ...]: ...

    def numbers(self, name: str) -> tuple[Column, ...]:
        """The columns of this name: one of a CSV file, all columns of an array."""
        ...

    def labels(self, name: str) -> tuple[str, ...]:
        """The texts of the column of this name."""
        ...


def opened(path: Path) -> Columns:
    """The columns of the file. InputError where it cannot be read, or is no such file."""
    if path.is_dir():
        raise InputError(f"{path.name or path} is a folder (write the path of a file, as in samples.csv)")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path.name} is no file of samples (write one that ends with .csv or .npz)")
    return reader(path.name, _content(path))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        where = "in the folder of the example" if path.parent == Path() else f"in {path.parent}"
        raise InputError(
            f"there is no file {path.name} {where} (the path starts from the example's folder)"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path.name} cannot be read: {reason.lower()}") from None


# CSV --------------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class CsvColumns:
    """rows: the fields of each sample, as many as the header has; lines: the line on which each ends, from 1."""

    file: str
    header: tuple[str, ...]
    rows: tuple[list[str], ...]
    lines: tuple[int, ...]
    kind: str = "column"

    @property
    def names(self) -> tuple[str, ...]:
        return self.header

    def numbers(self, name: str) -> tuple[Column, ...]:
        cache: dict[str, Fraction] = {}
        texts = self._texts(name)
        wrong = list(self._wrong(name, texts, cache))
        if wrong:
            raise InputError(said(wrong))
        return (tuple(map(cache.__getitem__, texts)),)

    def labels(self, name: str) -> tuple[str, ...]:
        found = self._texts(name)
        empty = [line for label, line in zip(found, self.lines, strict=True) if not label]
        if empty:
            raise InputError(
                f"{self.file}, line {empty[0]}, column {name!r}: empty (write the sample's class)"
            )
        return found

    def _texts(self, name: str) -> tuple[str, ...]:
        at = self.header.index(name)
        return tuple(row[at].strip() for row in self.rows)

    def _wrong(self, name: str, texts: tuple[str, ...], cache: dict[str, Fraction]) -> Iterator[str]:
        """What is no number, with its place; the numbers of all texts go into the cache."""
        for text, line in zip(texts, self.lines, strict=True):
            if text in cache:
                continue
            try:
                cache[text] = exact_text(text)
            except InputError as error:
                yield f"{self.file}, line {line}, column {name!r}: {error}"


def exact_text(text: str) -> Fraction:
    """The number that a decimal text says, exactly. InputError where it says none."""
    if not text:
        raise InputError("empty (write a number)")
    if not _NUMBER.fullmatch(text):
        hint = " (write a point for the comma)" if _NUMBER.fullmatch(text.replace(",", ".")) else ""
        raise InputError(f"{shown(text)} is no number{hint}")
    return exact(Decimal(text))


def _read_csv(file: str, content: bytes) -> CsvColumns:
    rows = _csv_rows(file, _utf8(file, content))
    if not rows:
        raise InputError(
            f"{file} is empty (write a header with the names of the columns, and a line a sample)"
        )
    header = tuple(name.strip() for name in rows[0][1])
    _check_separator(file, header)
    _check_header(file, header)
    samples = rows[1:]
    if not samples:
        raise InputError(f"{file} has a header and no samples (write a line for each sample)")
    wrong = [
        f"{file}, line {line}: {len(row)} fields, but the header has {len(header)}"
        for line, row in samples
        if len(row) != len(header)
    ]
    wrong += [f"{file}: two columns are named {shown(name)}" for name in _twice(header)]
    if wrong:
        raise InputError(said(wrong))
    return CsvColumns(file, header, tuple(row for _, row in samples), tuple(line for line, _ in samples))


def _check_header(file: str, header: tuple[str, ...]) -> None:
    """InputError where a sample stands in the first line."""
    if all(map(_NUMBER.fullmatch, header)):
        inputs = [f"x{number}" for number in range(1, len(header))] or ["x1"]
        inputs = inputs if len(inputs) <= MOST_SAID else ["x1", "x2", "…"]
        names = [*inputs, "t"] if len(header) > 1 else inputs
        raise InputError(
            f"{file}: the first line is numbers: a header with the names of the columns is missing"
            f" (write {','.join(names)} above it)"
        )


def _check_separator(file: str, header: tuple[str, ...]) -> None:
    """InputError where another character than a comma stands between the names of the columns."""
    for separator, name in _SEPARATORS.items():
        if len(header) == 1 and separator in header[0]:
            raise InputError(
                f"{file}: {name}s stand between the columns (write commas, and points in numbers)"
            )


_SEPARATORS = {";": "semicolon", "\t": "tab"}
"""What spreadsheets put between columns where a comma belongs to the numbers."""


def _utf8(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{file}, line {line}: not UTF-8 (save the file as UTF-8)") from None


def _csv_rows(file: str, text: str) -> list[tuple[int, list[str]]]:
    """Each row that is not blank, with the line on which it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: not CSV: {error}") from None


def _twice(names: tuple[str, ...]) -> list[str]:
    return [name for place, name in enumerate(names) if name in names[:place] and names.index(name) < place]


# NPZ --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NpzColumns:
    """arrays: by name, each (samples,) or (samples, columns)."""

    file: str
    arrays: dict[str, Any]
    kind: str = "array"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    def numbers(self, name: str) -> tuple[Column, ...]:
        array = self._checked(name)
        columns = array.T if array.ndim == 2 else (array,)
        cache: dict[Any, Fraction] = {}
        wrong = list(self._wrong(name, array, cache))
        if wrong:
            raise InputError(said(wrong))
        return tuple(tuple(cache[entry] for entry in column.tolist()) for column in columns)

    def labels(self, name: str) -> tuple[str, ...]:
        array = self._checked(name, kinds="biufU")
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise InputError(f"{self._called(name)} has shape {array.shape}, but labels are (samples,)")
        return tuple(map(str, array.tolist()))

    def _called(self, name: str) -> str:
        return f"{self.file}, array {name!r}"

    def _checked(self, name: str, kinds: str = "biuf") -> Any:
        array = self.arrays[name]
        if isinstance(array, InputError):
            raise array
        if array.dtype.kind not in kinds:
            raise InputError(f"{self._called(name)} holds {array.dtype}, not numbers")
        if array.ndim not in (1, 2) or 0 in array.shape:
            raise InputError(
                f"{self._called(name)} has shape {array.shape} (write one of (samples,) or (samples, columns))"
            )
        return array

    def _wrong(self, name: str, array: Any, cache: dict[Any, Fraction]) -> Iterator[str]:
        """What is no number, with its place; the exact numbers of all entries go into the cache."""
        import numpy as np

        for entry in np.unique(array):
            try:
                # the shortest decimal of its own precision: 0.1 in single precision too
                cache[entry.item()] = (
                    exact(Decimal(str(entry))) if array.dtype.kind == "f" else exact(int(entry))
                )
            except InputError as error:
                same = np.isnan(array) if np.isnan(entry) else array == entry
                place = "".join(f"[{at}]" for at in np.argwhere(same)[0].tolist())
                yield f"{self._called(name)}{place}: {error}"


def _read_npz(file: str, content: bytes) -> NpzColumns:
    import numpy as np

    try:
        archive = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile):
        raise InputError(f"{file} is no NPZ file (write one with numpy.savez)") from None
    if not hasattr(archive, "files"):
        raise InputError(f"{file} holds a single array, not an NPZ file (write one with numpy.savez)")
    return NpzColumns(file, {name: _array(archive, file, name) for name in archive.files})


def _array(archive: Any, file: str, name: str) -> Any:
    """The array, or the error that it is: only what is asked for need be right."""
    try:
        return archive[name]
    except (ValueError, EOFError, OSError, MemoryError, zipfile.BadZipFile):
        return InputError(f"{file}, array {name!r} holds objects, or is damaged (save an array of numbers)")


_READERS: dict[str, Callable[[str, bytes], Columns]] = {".csv": _read_csv, ".npz": _read_npz}


def said(wrong: list[str]) -> list[Problem]:
    """The first of the problems, and how many more there are."""
    more = [f"and {len(wrong) - MOST_SAID} more"] if len(wrong) > MOST_SAID else []
    return [Problem(message) for message in [*wrong[:MOST_SAID], *more]]
