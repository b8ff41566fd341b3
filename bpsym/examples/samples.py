"""The samples of a file: which columns are inputs and targets, labels as rows of 0 and 1, the validation part."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from bpsym.errors import InputError, Key, did_you_mean, shown
from bpsym.examples.columns import Column, Columns, exact_text, opened
from bpsym.network.record import Misfit, refuse

T = TypeVar("T")

FOLDER: ContextVar[Path] = ContextVar("FOLDER", default=Path())
"""Where the path of a file of samples starts from: the folder of the example that is being read."""

MOST_OFFERED = 12

LABELS = "for labels of classes, write one_hot = true"
LABELS_TO_NAME = 'for labels of classes, write targets = "{name}" and one_hot = true'
"""What to write where a column holds texts."""

Matrix = tuple[tuple[Fraction, ...], ...]
Names = str | tuple[str, ...]


@dataclass(frozen=True)
class Samples:
    """x, t: of the training part; classes: the label of each output, where targets are labels."""

    x: Matrix
    t: Matrix | None = None
    validation_x: Matrix | None = None
    validation_t: Matrix | None = None
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Selection:
    """What of a file is meant: inputs, None for all columns but the targets; targets, None for none of them."""

    file: str
    inputs: Names | None
    targets: Names | None
    one_hot: bool
    scale: Fraction
    validation: Fraction | None
    seed: int

    def samples(self) -> Samples:
        """The file's samples. InputError names all that is wrong, each by the key that says it."""
        columns = _keyed("file", lambda: opened(FOLDER.get() / self.file))
        inputs, targets = self._inputs(columns), listed("targets", self.targets)
        refuse(
            chain(
                _unknown(columns, inputs | targets), _both(inputs, targets), _twice(inputs), _twice(targets)
            )
        )
        x, (t, classes) = _together(
            lambda: _rows(columns, inputs, self.scale, LABELS_TO_NAME if self.targets is None else ""),
            lambda: self._targets(columns, targets),
        )
        return self._split(x, t, classes)

    def _inputs(self, columns: Columns) -> dict[Key, str]:
        targets = listed("targets", self.targets).values()
        if self.inputs is not None:
            return listed("inputs", self.inputs)
        others = [name for name in columns.names if name not in targets]
        if not others:
            raise InputError(Misfit(f"no {columns.kind} is left for the inputs", ("targets",)))
        return {("file", number): name for number, name in enumerate(others)}

    def _targets(
        self, columns: Columns, names: dict[Key, str]
    ) -> tuple[Matrix | None, tuple[str, ...] | None]:
        if not names:
            return None, None
        if not self.one_hot:
            return _rows(columns, names, Fraction(1), LABELS if len(names) == 1 else ""), None
        labels = _keyed("targets", lambda: columns.labels(next(iter(names.values()))))
        t, classes = one_hot(labels)
        if len(classes) == 1:
            message = f"all samples have the class {shown(classes[0])}, and there is nothing to learn"
            raise InputError(Misfit(f"{message} (name the column of labels, or add samples)", ("targets",)))
        return t, classes

    def _split(self, x: Matrix, t: Matrix | None, classes: tuple[str, ...] | None) -> Samples:
        if t is not None and len(x) != len(t):
            raise InputError(Misfit(f"{len(t)} targets, but {len(x)} samples of inputs", ("targets",)))
        if self.validation is None:
            return Samples(x, t, classes=classes)
        training, held_back = split(len(x), self.validation, self.seed)
        parts = Samples(
            _picked(x, training),
            None if t is None else _picked(t, training),
            _picked(x, held_back),
            None if t is None else _picked(t, held_back),
            classes,
        )
        refuse(_unseen(parts))
        return parts


def listed(key: str, names: Names | None) -> dict[Key, str]:
    """Each name by the key of the place where it is said."""
    if isinstance(names, str):
        return {(key,): names}
    return {(key, number): name for number, name in enumerate(names or ())}


def one_hot(labels: tuple[str, ...]) -> tuple[Matrix, tuple[str, ...]]:
    """A row of 0 and one 1 for each label, and the classes in order: as numbers if all are, else as texts."""
    order = _numbers(labels)
    key: Callable[[str], Any] = order.__getitem__ if order else str
    first: dict[Any, str] = {}
    for label in labels:
        first.setdefault(key(label), label)
    classes = sorted(first)
    rows = {each: tuple(Fraction(int(each == other)) for other in classes) for each in classes}
    return tuple(rows[key(label)] for label in labels), tuple(first[each] for each in classes)


def _numbers(labels: tuple[str, ...]) -> dict[str, Fraction] | None:
    """The number that each label is; None where one is none."""
    try:
        return {label: exact_text(label) for label in set(labels)}
    except InputError:
        return None


def split(count: int, share: Fraction, seed: int) -> tuple[list[int], list[int]]:
    """The numbers of the samples to train with and of those held back, drawn by the seed, each in the file's order.

    The share is rounded to whole samples, a half upwards. InputError where one of the parts would be empty.
    """
    held = int(share * count + Fraction(1, 2))
    if not 0 < held < count:
        left = "none" if held == 0 else "all"
        raise InputError(Misfit(f"{float(share):g} of {count} samples is {left} of them", ("validation",)))
    order = list(range(count))
    random.Random(seed).shuffle(order)  # noqa: S311  (samples are no secret)
    return sorted(order[held:]), sorted(order[:held])


def _rows(columns: Columns, names: dict[Key, str], scale: Fraction, labels: str) -> Matrix:
    """A row a sample of the numbers in these columns, times the scale; labels: what to write where they are none."""
    found = _together(*(_numbers_of(columns, key, name, labels) for key, name in names.items()))
    lengths = {len(column) for group in found for column in group}
    if len(lengths) > 1:
        counts = " and ".join(map(str, sorted(lengths)))
        raise InputError(Misfit(f"the arrays have {counts} samples", (next(iter(names))[0],)))
    scaled = (_scaled(column, scale) for group in found for column in group)
    return tuple(zip(*scaled, strict=True))


def _numbers_of(columns: Columns, key: Key, name: str, labels: str) -> Callable[[], tuple[Column, ...]]:
    place = ("file",) if key[0] == "file" else key
    return lambda: _keyed_at(place, lambda: _numbers_or_hint(columns, name, labels))


def _numbers_or_hint(columns: Columns, name: str, labels: str) -> tuple[Column, ...]:
    """The numbers of the column. InputError: of one without any number, the first, and what to write for labels."""
    try:
        return columns.numbers(name)
    except InputError as error:
        if not labels or not _are_labels(columns, name):
            raise
        raise InputError(f"{error.problems[0].message} ({labels.format(name=name)})") from None


def _are_labels(columns: Columns, name: str) -> bool:
    """Whether no sample has a number there, but each a text."""
    try:
        return all(_numbers((label,)) is None for label in set(columns.labels(name)))
    except InputError:
        return False


def _scaled(column: Column, scale: Fraction) -> Column:
    if scale == 1:
        return column
    scaled = {number: number * scale for number in set(column)}
    return tuple(map(scaled.__getitem__, column))


def _picked(rows: Matrix, numbers: list[int]) -> Matrix:
    return tuple(rows[number] for number in numbers)


def _unknown(columns: Columns, names: dict[Key, str]) -> Iterator[Misfit]:
    for key, name in names.items():
        if name not in columns.names:
            offered = columns.names[:MOST_OFFERED] + (("…",) if len(columns.names) > MOST_OFFERED else ())
            near = did_you_mean(name, columns.names)
            hint = near if "did you mean" in near else did_you_mean("", offered)
            yield Misfit(f"the file has no {columns.kind} {shown(name)}{hint}", key)


def _both(inputs: dict[Key, str], targets: dict[Key, str]) -> Iterator[Misfit]:
    for key, name in targets.items():
        if name in inputs.values():
            yield Misfit(f"{shown(name)} is among the inputs too (write it in one of the two)", key)


def _twice(names: dict[Key, str]) -> Iterator[Misfit]:
    said = list(names.values())
    for place, (key, name) in enumerate(names.items()):
        if name in said[:place]:
            yield Misfit(f"{shown(name)} is named twice (write it once)", key)


def _unseen(parts: Samples) -> Iterator[Misfit]:
    """The classes that no sample of the training part has."""
    if parts.classes is None or parts.t is None:
        return
    for number, label in enumerate(parts.classes):
        if not any(row[number] for row in parts.t):
            message = f"class {shown(label)} is in the validation part only"
            yield Misfit(f"{message} (choose another seed, or a smaller validation)", ("validation",))


def _keyed(key: str, read: Callable[[], T]) -> T:
    return _keyed_at((key,), read)


def _keyed_at(key: Key, read: Callable[[], T]) -> T:
    """What is read; its problems under this key."""
    try:
        return read()
    except InputError as error:
        raise InputError([Misfit(problem.message, key) for problem in error.problems]) from None


def _together(*reads: Callable[[], Any]) -> list[Any]:
    """What each of them reads. InputError with the problems of all."""
    found: list[Any] = []
    problems: list[Misfit] = []
    for read in reads:
        try:
            found.append(read())
        except InputError as error:
            problems += (Misfit(one.message, one.key) for one in error.problems)
    refuse(problems)
    return found
