"""A step as rows: symbols, then numbers, then the value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from bpsym.calculus.evaluate import Values
from bpsym.derivation.forms import (
    Element,
    Form,
    Layer,
    Matrix,
    Step,
    Summation,
    SumOver,
    components,
)
from bpsym.typeset.marks import printed_result
from bpsym.typeset.mathematics import Mathematics
from bpsym.typeset.numbers import numeric_line
from bpsym.typeset.pieces import Piece, Pieces, after, joined, lines, total_height, total_width, width

ROOM = 330.0
"""The width of a formula with its number, in points at 11 pt: a plain article's text is 360 wide."""

_INDENT, _RELATION, _NUMBER = 20.0, 16.0, 24.0
"""The widths before a line that goes on, of a relation, and of the equation's number."""

NARROWEST = 140.0
"""The least room for right-hand sides: with less, products would break inside their brackets."""

_BELOW = ROOM - _RELATION - _NUMBER - 10.0
"""The room for right-hand sides below their left-hand side."""

MOST_ROWS, MOST_COLUMNS = 12, 10
"""The largest matrix that is printed as one; amsmath allows ten columns."""


@dataclass(frozen=True)
class Row:
    """One line of an aligned display; `label` on the first row of a step that has a number.

    height: of how many lines of text it is; unrepeatable: no numbers that could be printed give its value.
    """

    left: str
    relation: str
    right: str
    label: str = ""
    height: int = 1
    unrepeatable: bool = False


@dataclass(frozen=True)
class Equated:
    """A right-hand side and the relation before it; unrepeatable: a value without the line of numbers that gives it."""

    relation: str
    pieces: Pieces
    unrepeatable: bool = False


def rows(
    step: Step, mathematics: Mathematics, values: Values | None, digits: int, room: float, compact: bool
) -> tuple[Row, ...]:
    """The step's rows: its forms, the last one with numbers, and its value; several on a row where it is compact.

    A left-hand side that leaves too little room has a row of its own, above the others. None where nothing is equal
    to it but itself.
    """
    left = mathematics.pieces(step.lhs)
    sides = _right_sides(step, mathematics, values, digits)
    if not sides:
        return ()
    if room >= NARROWEST:
        first, *rest = _of_sides(sides, room, compact)
        return (replace(first, left=joined(left), label=step.label), *rest)
    above, *more = lines(left, ROOM - _NUMBER - _INDENT)
    below = [replace(row, relation=rf"\quad {row.relation}") for row in _of_sides(sides, _BELOW, compact)]
    start = Row("", "", joined(above), step.label, total_height(above))
    return (start, *map(_continued, more), *below)


def _of_sides(sides: list[Equated], room: float, compact: bool) -> Iterator[Row]:
    """A row for each side, more for a long one, fewer where they are gathered."""
    for side in _gathered(sides, room) if compact else sides:
        first, *rest = (
            [side.pieces] if total_width(side.pieces) <= room else lines(side.pieces, room - _INDENT)
        )
        unrepeatable = side.unrepeatable and not rest
        yield Row("", side.relation, joined(first), height=total_height(first), unrepeatable=unrepeatable)
        yield from map(_continued, rest)


def _continued(line: Pieces) -> Row:
    return Row("", "", rf"\qquad {{}}{joined(line)}", height=total_height(line))


def fitting(step: Step, mathematics: Mathematics, values: Values | None, digits: int) -> tuple[Step, ...]:
    """The step, or its components where a matrix of it is too large for the page."""
    if not step.entries:
        return (step,)
    room = room_beside(mathematics.pieces(step.lhs))
    sides = _right_sides(step, mathematics, values, digits)
    too_wide = any(total_width(side.pieces) > room for side in sides)
    too_many = len(step.entries) > MOST_ROWS or len(step.entries[0]) > MOST_COLUMNS
    return components(step) if too_wide or too_many else (step,)


def _gathered(sides: list[Equated], room: float) -> list[Equated]:
    """Successive sides on one line, as long as they fit."""
    found = sides[:1]
    for side in sides[1:]:
        joint = (*found[-1].pieces, *after(f" {side.relation} ", side.pieces))
        if total_width(joint) <= room:
            found[-1] = Equated(found[-1].relation, joint, side.unrepeatable)
        else:
            found.append(side)
    return found


def _right_sides(step: Step, mathematics: Mathematics, values: Values | None, digits: int) -> list[Equated]:
    """The forms, the line of numbers and the result; of sides that read the same, as 1 = 1, the first."""
    sides = _symbolic(step, mathematics) + _numeric(step, mathematics, values, digits)
    before = [None, *(joined(side.pieces) for side in sides)]
    return [side for side, text in zip(sides, before, strict=False) if joined(side.pieces) != text]


def _symbolic(step: Step, mathematics: Mathematics) -> list[Equated]:
    sides = _sides(step, mathematics)
    if step.ranges:
        sides[-1] = Equated(sides[-1].relation, (*sides[-1].pieces, _ranges(step, mathematics)))
    return sides


def _ranges(step: Step, mathematics: Mathematics) -> Piece:
    """The values of the indices, at the end of a line or below it."""
    text = r",\ ".join(map(mathematics.range, step.ranges))
    return Piece(rf" \quad ({text})", 10.0 + width(text), 0)


def _sides(step: Step, mathematics: Mathematics) -> list[Equated]:
    sides = [Equated("=", mathematics.pieces(form)) for form in step.forms if form != step.lhs]
    if (
        isinstance(step.lhs, Layer)
        and step.value is not None
        and is_plain(step.forms[-1])
        and len(step.forms) > 1
    ):
        return [Equated("=", mathematics.pieces(form)) for form in step.forms]
    if step.becomes:
        return [Equated(r"\leftarrow", sides[0].pieces), *sides[1:]]
    return sides


def _numeric(step: Step, mathematics: Mathematics, values: Values | None, digits: int) -> list[Equated]:
    if values is None or step.value is None:
        return []
    last = step.forms[-1]
    if is_plain(last) or has_total(last):
        given = is_plain(last) and mathematics.is_given(step.lhs)
        pieces, exact = mathematics.amount(step.value, digits, given=given)
        return [Equated(relation(exact), pieces)]

    def lookup(element: Element) -> Any:
        return values[element.read.name][tuple(int(index) for index in element.read.at)]

    line = numeric_line(last, lookup, step.value, digits)
    if line is None:
        return [Equated(relation(False), mathematics.amount(step.value, digits)[0], unrepeatable=True)]
    numbers = mathematics.with_numbers(line.number).pieces(last)
    return [
        Equated(relation(line.shown_exact), numbers),
        Equated(relation(line.exact), printed_result(line.result)),
    ]


def relation(exact: bool) -> str:
    """Equal as printed, or only nearly so."""
    return "=" if exact else r"\approx"


def is_plain(form: Form) -> bool:
    """Whether there is nothing to compute in it: a symbol, or a matrix of symbols."""
    if isinstance(form, Matrix):
        return all(isinstance(entry, Element) for row in form.rows for entry in row)
    return isinstance(form, Element)


def has_total(form: Form) -> bool:
    """Whether a sum in it is not written out, so that there is no line of its numbers."""
    if isinstance(form, tuple):
        return any(map(has_total, form))
    if isinstance(form, (Summation, SumOver)) or not is_dataclass(form):
        return isinstance(form, (Summation, SumOver))
    return any(has_total(getattr(form, each.name)) for each in fields(form))


def room_beside(left: Pieces) -> float:
    """The room for right-hand sides beside a left-hand side, its relation and the equation's number."""
    return ROOM - total_width(left) - _RELATION - _NUMBER


__all__ = ["ROOM", "Equated", "Row", "is_plain", "room_beside", "rows"]
