"""The samples of an example: rows that it gives, or a file that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Self, TypeGuard

from pydantic import AfterValidator, Field, PlainValidator, PrivateAttr, WithJsonSchema, model_validator

from bpsym.errors import InputError, Key, shown
from bpsym.examples.samples import Matrix, Names, Samples, Selection
from bpsym.network.description import counted, rows_misfits
from bpsym.network.exact import Exact, Rows
from bpsym.network.record import Misfit, Record, plain, refuse


def _column_names(value: Any) -> Names:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise InputError(f'must be a name or an array of names, as in ["x1", "x2"], not {shown(value)}')


def _share(value: Fraction) -> Fraction:
    if not 0 < value < 1:
        raise InputError("must be between 0 and 1: the share of the samples that is held back")
    return value


def _not_zero(value: Fraction) -> Fraction:
    if value == 0:
        raise InputError("must not be 0: all inputs would be")
    return value


ColumnNames = Annotated[
    Names,
    PlainValidator(_column_names),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]
GivenRows = Annotated[Rows, Field(min_length=1)]


class Data(Record):
    """x: (samples, inputs), the training part's rows; t: (samples, outputs), None where there are no targets.

    Given as they are, or by a file: then validation_x, validation_t are the part that is held back, if any, and
    classes the labels of the outputs where targets are labels (one_hot), sorted. InputError where something is
    wrong with the file, or does not fit together.
    """

    write: ClassVar[Mapping[str, str]] = {
        "x": "x = [[0.35, 0.9]], a row for each sample",
        "t": "t = [[0.5]], a row for each sample",
        "file": 'file = "samples.csv"',
        "inputs": 'inputs = ["x1", "x2"]',
        "targets": 'targets = ["label"]',
        "one_hot": "one_hot = true",
        "scale": "scale = 0.0625",
        "validation": "validation = 0.2",
        "seed": "seed = 1",
    }
    about: ClassVar[Mapping[str, str]] = {
        "x": "The inputs: one row a sample, one number an input.",
        "t": "The targets: one row a sample, one number an output.",
        "file": "Instead of x and t: a CSV file with a header, or an NPZ file; its path from the example's folder.",
        "inputs": "The file's columns (or arrays) that are inputs; by default all that are not targets.",
        "targets": "The file's columns (or arrays) that are targets.",
        "one_hot": "Whether the targets are labels of classes: one output for each class, in sorted order.",
        "scale": "What each input is multiplied by.",
        "validation": "The share of the samples that is held back from training.",
        "seed": "Which samples are held back is drawn by this number.",
    }

    given_x: GivenRows | None = Field(default=None, alias="x")
    given_t: GivenRows | None = Field(default=None, alias="t")
    file: str | None = None
    inputs: ColumnNames | None = None
    targets: ColumnNames | None = None
    one_hot: Annotated[bool, Field(strict=True)] = False
    scale: Annotated[Exact, AfterValidator(_not_zero)] | None = None
    validation: Annotated[Exact, AfterValidator(_share)] | None = None
    seed: Annotated[int, Field(ge=0, strict=True)] | None = None

    _samples: Samples = PrivateAttr()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse(data_misfits(plain(self)))
        self._samples = self._read()
        return self

    def _read(self) -> Samples:
        if self.file is None:
            return Samples(self.given_x or (), self.given_t)
        return Selection(
            self.file,
            self.inputs,
            self.targets,
            self.one_hot,
            Fraction(1) if self.scale is None else self.scale,
            self.validation,
            self.seed or 0,
        ).samples()

    @property
    def x(self) -> Matrix:
        return self._samples.x

    @property
    def t(self) -> Matrix | None:
        return self._samples.t

    @property
    def validation_x(self) -> Matrix | None:
        return self._samples.validation_x

    @property
    def validation_t(self) -> Matrix | None:
        return self._samples.validation_t

    @property
    def classes(self) -> tuple[str, ...] | None:
        return self._samples.classes


def data_misfits(
    data: Mapping[str, Any], key: Key = (), inputs: int | None = None, outputs: int | None = None
) -> Iterator[Misfit]:
    """What does not fit in a table of data; inputs, outputs: of the network, where known."""
    if data.get("file") is not None:
        yield from _file_misfits(data, key)
        return
    yield from _without_file(data, key)
    for name, width, ends in (("x", inputs, "input"), ("t", outputs, "output")):
        rows = data.get(name)
        if isinstance(rows, list | tuple):
            yield from _row_misfits(rows, (*key, name), width, ends)
    x, t = data.get("x"), data.get("t")
    if _are_rows(x) and _are_rows(t) and len(x) != len(t):
        has = f"{counted(len(t), 'row')}, but x has {counted(len(x), 'row')}"
        yield Misfit(f"{has} (write one row of t for each row of x)", (*key, "t"))


def file_misfits(data: Data, key: Key, inputs: int | None, outputs: int | None) -> Iterator[Misfit]:
    """What of a file does not fit the network."""
    if inputs is not None and len(data.x[0]) != inputs:
        said = "file" if data.inputs is None else "inputs"
        has = f"{counted(len(data.x[0]), 'column')} of inputs, but the network has {counted(inputs, 'input')}"
        yield Misfit(
            f"{has} (write inputs = {len(data.x[0])} in [network], or name the columns)", (*key, said)
        )
    if outputs is None or data.t is None or len(data.t[0]) == outputs:
        return
    found = len(data.t[0])
    has = f"{found} classes" if data.classes else f"{counted(found, 'column')} of targets"
    labels = "one_hot = true for labels of classes, or " if found == 1 and _are_whole(data.t) else ""
    fits = f"write {labels}units = {found} in the last layer"
    yield Misfit(f"{has}, but the network has {counted(outputs, 'output')} ({fits})", (*key, "targets"))


def _are_whole(rows: Matrix) -> bool:
    return all(number.denominator == 1 for row in rows for number in row)


def _are_rows(value: Any) -> TypeGuard[Sequence[Any]]:
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(row, list | tuple) for row in value)
    )


_OF_A_FILE = ("inputs", "targets", "one_hot", "scale", "validation", "seed")


def _without_file(data: Mapping[str, Any], key: Key) -> Iterator[Misfit]:
    if data.get("x") is None:
        yield Misfit(f"missing (write {Data.write['x']}; or {Data.write['file']})", (*key, "x"))
    for name in _OF_A_FILE:
        if data.get(name) not in (None, False):
            yield Misfit(
                'is for the samples of a file (leave it out, or write file = "samples.csv")', (*key, name)
            )


def _file_misfits(data: Mapping[str, Any], key: Key) -> Iterator[Misfit]:
    for name in ("x", "t"):
        if data.get(name) is not None:
            yield Misfit(f"{name} and file are given (write one of the two)", (*key, name))
    if data.get("one_hot") is True and not _is_one_name(data.get("targets")):
        yield Misfit('one_hot needs one column of labels (write targets = "label")', (*key, "one_hot"))


def _is_one_name(names: Any) -> bool:
    return isinstance(names, str) or (isinstance(names, list | tuple) and len(names) == 1)


def _row_misfits(rows: Any, key: Key, width: int | None, ends: str) -> Iterator[Misfit]:
    """Rows that are not as long as the network is wide; where that is unknown, rows of unequal length."""
    if width is None:
        yield from (
            one for one in rows_misfits(rows, key, rows=None, columns=None, reason="") if one.key != key
        )
        return
    for number, row in enumerate(rows):
        if isinstance(row, list | tuple) and len(row) != width:
            wants = f"the network has {counted(width, ends)}"
            message = (
                f"a row of {counted(len(row), 'number')}, but {wants} (write {counted(width, 'number')})"
            )
            yield Misfit(message, (*key, number))
