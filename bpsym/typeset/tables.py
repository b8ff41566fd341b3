"""Numbers in matrices beside each other, and in tables of what each sample contributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from bpsym.derivation.forms import Amount, Numerals, SampleData, SampleTable
from bpsym.derivation.worth import approximate
from bpsym.typeset.equations import ROOM, relation
from bpsym.typeset.marks import COLUMN_GAP, matrix, numeral, rows_of
from bpsym.typeset.mathematics import Mathematics
from bpsym.typeset.numbers import Numeral, result, rounded, rounds_to, short
from bpsym.typeset.pieces import Pieces, joined, total_width, width

SIZES = {"": (1.0, COLUMN_GAP), r"\small": (10 / 11, 5.0), r"\footnotesize": (9 / 11, 5.0)}
"""The sizes in which a matrix is tried, with their parts of the plain one, and the room between its columns in points.

Where it is too wide even so, its columns are divided between several lines; each number keeps its digits.
"""

MATRIX_ROOM = ROOM + 15.0
"""The width of a line of matrices, in points at 11 pt: no number stands beside it."""

DIVIDED = r"\small"
"""The size of a matrix that is divided."""

_BETWEEN, _CELL, _LEAST = 20.0, 12.0, 45.0
_RELATION, _BRACKETS, _DOTS = 16.0, 5.0, 16.0
_GUARDS = 20


@dataclass(frozen=True)
class Line:
    """What stands on one line; size: the command for a smaller size, where it has a wide matrix."""

    text: str
    size: str


Grid = list[list[Pieces]]


def numeral_lines(block: Numerals, mathematics: Mathematics, digits: int) -> list[Line]:
    """Each matrix with its letter, as many on a line as there is room for."""
    lines: list[Line] = []
    used = MATRIX_ROOM
    for form, value in block.rows:
        left = mathematics.tex(form)
        entries, exact = mathematics.entries(value, digits, given=mathematics.is_given(form))
        beside = width(left) + _RELATION
        start = f"{left} {relation(exact)} "
        size = next((one for one in SIZES if _wide(entries, one, beside) <= MATRIX_ROOM), None)
        if size is None:
            lines += [Line(text, DIVIDED) for text in _divided(start, entries, beside)]
            used = MATRIX_ROOM
            continue
        text = start + joined(entries[0][0] if _is_single(entries) else matrix(entries))
        wide = _wide(entries, size, beside) + _BETWEEN
        if size or used + wide > MATRIX_ROOM + _BETWEEN:
            lines.append(Line(text, size))
            used = 0.0
        else:
            lines[-1] = replace(lines[-1], text=rf"{lines[-1].text} \qquad {text}")
        used = MATRIX_ROOM if size else used + wide
    return lines


def _is_single(entries: Grid) -> bool:
    return len(entries) == len(entries[0]) == 1


def _wide(entries: Grid, size: str, beside: float) -> float:
    """How wide the matrix is in this size, with its letter."""
    part, gap = SIZES[size]
    return (
        part * beside
        + sum(part * _column_width(column) + gap for column in zip(*entries, strict=True))
        + _BRACKETS
    )


def _column_width(column: Iterable[Pieces]) -> float:
    return max(map(total_width, column))


def _divided(start: str, entries: Grid, beside: float) -> Iterator[str]:
    """The matrix in as many lines as its columns need, of about equally many; dots where it goes on."""
    ways = [_parts(entries, count) for count in range(1, len(entries[0]) + 1)]
    room = beside + 2 * _DOTS
    fitting = (parts for parts in ways if all(_wide(part, DIVIDED, room) <= MATRIX_ROOM for part in parts))
    parts = next(fitting, ways[-1])
    for place, part in enumerate(parts):
        first, last = place == 0, place == len(parts) - 1
        before = rf"{start}\left[" if first else r"\cdots \; \left."
        after = r"\right]" if last else r"\right. \; \cdots"
        yield rf"{before}\begin{{matrix}} {rows_of(part)} \end{{matrix}}{after}"


def _parts(entries: Grid, count: int) -> list[Grid]:
    """So many matrices of successive columns."""
    columns = len(entries[0])
    ends = [columns * number // count for number in range(count + 1)]
    return [[row[first:last] for row in entries] for first, last in pairwise(ends)]


@dataclass(frozen=True)
class Row:
    """The cells of a table's row; ruled: whether a line is drawn below it, gap: with so much room above the line."""

    cells: tuple[str, ...]
    ruled: bool = False
    gap: str = ""


@dataclass(frozen=True)
class Table:
    rows: tuple[Row, ...]
    columns: int


@dataclass(frozen=True)
class Column:
    """The head, and a number for each shown sample; of a gradient, their mean or sum, the penalty, the gradient."""

    cells: tuple[str, ...]
    width: float


def sample_tables(
    block: SampleTable, mathematics: Mathematics, digits: int, words: dict[str, str]
) -> list[Table]:
    """As many gradients in a table as the page is wide."""
    first = _first_column(block, words)
    columns = [_column(block, one, mathematics, digits) for one in block.columns]
    before_total = len(_numbers(block.samples, len(block.columns[0][1])))
    return [_rows(first, chunk, ruled=(0, before_total)) for chunk in _chunks(first, columns)]


def _chunks(first: tuple[str, ...], columns: list[Column]) -> list[list[Column]]:
    """As many columns together as the page is wide."""
    beside = max(_LEAST, *map(width, first))
    chunks: list[list[Column]] = []
    used = ROOM
    for column in columns:
        if used + column.width > ROOM:
            chunks.append([])
            used = beside
        chunks[-1].append(column)
        used += column.width
    return chunks


def _with_gaps(samples: tuple[int, ...], count: int, cells: Iterable[str]) -> list[str]:
    """The cells of the samples that are shown, with dots where some of all are left out."""
    found: list[str] = []
    expected = 0
    for sample, cell in zip(samples, cells, strict=True):
        found += [r"\vdots"] * (sample != expected) + [cell]
        expected = sample + 1
    return found + [r"\vdots"] * (expected != count)


def _numbers(samples: tuple[int, ...], count: int) -> list[str]:
    return _with_gaps(samples, count, [str(sample + 1) for sample in samples])


def data_tables(
    block: SampleData, mathematics: Mathematics, digits: int, words: dict[str, str]
) -> list[Table]:
    """What is given of each sample, as many columns in a table as the page is wide."""
    first = (rf"\text{{{words['sample']}}}", *_numbers(block.samples, block.count))
    columns = []
    for form, amounts in block.columns:
        cells = [joined(numeral(short(one) or rounded(one, digits))) for one in amounts]
        texts = (mathematics.tex(form), *_with_gaps(block.samples, block.count, cells))
        columns.append(Column(texts, max(map(width, texts)) + _CELL))
    return [_rows(first, chunk, ruled=(0,)) for chunk in _chunks(first, columns)]


def _first_column(block: SampleTable, words: dict[str, str]) -> tuple[str, ...]:
    numbers = _numbers(block.samples, len(block.columns[0][1]))
    last = [words["mean"] if block.mean else words["sum"]]
    if block.penalised:
        last += [words[key] for key in block.ends]
    head, *ends = (rf"\text{{{word}}}" for word in (words["sample"], *last))
    return (head, *numbers, *ends)


def _rows(first: tuple[str, ...], chunk: list[Column], ruled: tuple[int, ...]) -> Table:
    """The table with lines below these rows."""
    cells = zip(first, *(column.cells for column in chunk), strict=True)
    head, *rows = (Row(row, ruled=place in ruled) for place, row in enumerate(cells))
    tall = any(r"\dfrac" in cell for cell in head.cells)
    return Table((replace(head, gap="[3ex]" if tall else "[1.5ex]"), *rows), len(chunk))


def _column(block: SampleTable, one: tuple[Any, ...], mathematics: Mathematics, digits: int) -> Column:
    head, amounts, penalty, _, total = one
    shown, mean = _recomputable(block, amounts, digits)
    numbers = [joined(numeral(number)) for number in shown]
    cells = [
        mathematics.tex(head).replace(r"\frac", r"\dfrac"),
        *_with_gaps(block.samples, len(amounts), numbers),
        joined(numeral(mean)),
    ]
    if block.penalised:
        ends = (result(Fraction(0) if part is None else part, digits)[0] for part in (penalty, total))
        cells += [joined(numeral(part)) for part in ends]
    return Column(tuple(cells), max(map(width, cells)) + _CELL)


def _recomputable(
    block: SampleTable, amounts: tuple[Amount, ...], digits: int
) -> tuple[list[Numeral], Numeral]:
    """The shown samples' numbers, and the mean or sum: with so many digits that it can be computed from them."""
    scale = Fraction(1, len(amounts)) if block.mean else Fraction(1)
    total = sum(map(approximate, amounts)) * approximate(scale)
    if all(isinstance(one, (int, Fraction)) for one in amounts):
        total = sum(amounts, Fraction(0)) * scale
    wanted = result(total, digits)[0]
    for guard in range(_GUARDS):
        numerals = [short(one) or rounded(one, digits + guard) for one in amounts]
        if rounds_to(sum((one.value for one in numerals), Fraction(0)) * scale, wanted):
            break
    return [numerals[sample] for sample in block.samples], wanted
