"""Numbers in matrices beside each other, and in tables of what each sample contributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from bpsym.derivation.forms import Amount, Numerals, SampleTable
from bpsym.derivation.worth import approximate
from bpsym.typeset.equations import ROOM, relation
from bpsym.typeset.mathematics import Mathematics, numeral
from bpsym.typeset.numbers import Numeral, result, rounded, rounds_to, short
from bpsym.typeset.pieces import Pieces, joined, total_width, width

FEWEST = 3
"""The fewest digits of a number in a matrix that is too wide with more."""

SIZES = {"": 1.0, r"\footnotesize": 0.83, r"\scriptsize": 0.73}
"""The sizes in which a matrix is tried, with their parts of the plain one: smaller ones before fewer digits."""

_BETWEEN, _CELL, _LEAST = 20.0, 12.0, 45.0
_GUARDS = 20


@dataclass(frozen=True)
class Line:
    """What stands on one line; size: the command for a smaller size, where it has a wide matrix."""

    text: str
    size: str


def numeral_lines(block: Numerals, mathematics: Mathematics, digits: int) -> list[Line]:
    """Each matrix with its letter, as many on a line as there is room for."""
    lines: list[list[str]] = []
    sizes: list[str] = []
    used = ROOM
    for form, value in block.rows:
        left = mathematics.tex(form)
        amount = partial(mathematics.amount, given=mathematics.is_given(form))
        pieces, exact, size = _matrix(value, amount, digits, ROOM - width(left) - 16.0)
        wide = width(left) + 16.0 + total_width(pieces) + _BETWEEN
        if size or used + wide > ROOM + _BETWEEN:
            lines.append([])
            sizes.append(size)
            used = 0.0
        lines[-1].append(f"{left} {relation(exact)} {joined(pieces)}")
        used = ROOM if size else used + wide
    return [Line(r" \qquad ".join(line), size) for line, size in zip(lines, sizes, strict=True)]


def _matrix(
    value: Any, amount: Callable[[Any, int], tuple[Pieces, bool]], digits: int, room: float
) -> tuple[Pieces, bool, str]:
    """Each number with its own digits, as elsewhere; in a smaller size where they do not fit, then with fewer."""
    if isinstance(value, tuple) and len(value) == len(value[0]) == 1:
        value = value[0][0]
    for count in range(digits, FEWEST - 1, -1):
        pieces, exact = amount(value, count)
        for size, part in SIZES.items():
            if total_width(pieces) * part <= room:
                return pieces, exact, size
    return pieces, exact, size


@dataclass(frozen=True)
class Row:
    """The cells of a table's row; ruled: whether a line is drawn below it."""

    cells: tuple[str, ...]
    ruled: bool = False


@dataclass(frozen=True)
class Table:
    rows: tuple[Row, ...]
    columns: int


@dataclass(frozen=True)
class Column:
    """One gradient: the head, what each shown sample contributes, their mean or sum, the penalty, the gradient."""

    cells: tuple[str, ...]
    width: float


def sample_tables(
    block: SampleTable, mathematics: Mathematics, digits: int, words: dict[str, str]
) -> list[Table]:
    """As many gradients in a table as the page is wide."""
    first = _first_column(block, words)
    beside = max(_LEAST, *map(width, first))
    chunks: list[list[Column]] = []
    used = ROOM
    for one in block.columns:
        column = _column(block, one, mathematics, digits)
        if used + column.width > ROOM:
            chunks.append([])
            used = beside
        chunks[-1].append(column)
        used += column.width
    return [_table(first, chunk, block) for chunk in chunks]


def _first_column(block: SampleTable, words: dict[str, str]) -> tuple[str, ...]:
    dots = () if len(block.samples) == len(block.columns[0][1]) else (r"\vdots",)
    numbers = [str(sample + 1) for sample in block.samples]
    last = [words["mean"] if block.mean else words["sum"]]
    if block.penalised:
        last += [words["penalty"], words["gradient"]]
    head, *ends = (rf"\text{{{word}}}" for word in (words["sample"], *last))
    return (head, *numbers, *dots, *ends)


def _table(first: tuple[str, ...], chunk: list[Column], block: SampleTable) -> Table:
    count = len(block.samples) + (len(block.samples) < len(block.columns[0][1]))
    cells = zip(first, *(column.cells for column in chunk), strict=True)
    return Table(tuple(Row(row, ruled=place in (0, count)) for place, row in enumerate(cells)), len(chunk))


def _column(block: SampleTable, one: tuple[Any, ...], mathematics: Mathematics, digits: int) -> Column:
    head, amounts, penalty, _, total = one
    shown, mean = _recomputable(block, amounts, digits)
    dots = () if len(block.samples) == len(amounts) else (r"\vdots",)
    cells = [
        mathematics.tex(head).replace(r"\frac", r"\dfrac"),
        *(joined(numeral(number)) for number in shown),
        *dots,
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
