"""Printed mathematics with its width, and with the places where a line may end."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

Pieces = tuple["Piece", ...]


@dataclass(frozen=True)
class Piece:
    """A stretch of TeX that is never broken; width in points at 11 pt; a line may end before it if `level` is set.

    height: of how many lines of text it is, as a matrix of its rows.
    Low levels are broken first: sums before products, the outside before the inside of parentheses.
    """

    text: str
    width: float
    level: int | None = None
    height: int = 1


_DIGIT, _LETTER, _CHARACTER, _SCRIPT = 5.5, 6.0, 11.0, 0.75
_WIDTHS = {
    r"\cdot": 8.0, r"\,": 1.9, r"\partial": 6.0, r"\boldsymbol": 3.0, r"\mathrm": 0.0, r"\operatorname": 2.0,
    r"\text": 0.0, r"\bigl": 0.8, r"\bigr": 0.8, r"\tanh": 22.0, r"\ln": 10.0, r"\exp": 18.0,
    r"\left": 1.5, r"\right": 1.5, "+": 13.4, "-": 13.4, "=": 14.6, ".": 3.1, ",": 4.9, "(": 4.3, ")": 4.3,
    "[": 3.1, "]": 3.1, r"\sqrt": 9.0, r"\lvert": 3.0, r"\rvert": 3.0, r"\!": -1.9,
    r"\approx": 14.6, r"\leftarrow": 17.0,
    r"\lfloor": 4.9, r"\rfloor": 4.9, r"\max": 21.0, r"\min": 19.0, r"\sin": 14.0, r"\cos": 16.0,
}  # fmt: skip
_GROUP = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
_FRACTION = re.compile(rf"\\frac({_GROUP})({_GROUP})")
_TOKEN = re.compile(rf"\\frac{_GROUP}{_GROUP}|\\[a-zA-Z]+|\\.|[_^]{_GROUP}|[_^].|.", re.DOTALL)


def width(tex: str) -> float:
    """About how wide a name or a number is, in points at 11 pt."""
    total = script = 0.0
    for token in _TOKEN.findall(tex):
        if token[0] in "_^":
            inner = _SCRIPT * width(token[1:].removeprefix("{").removesuffix("}")) + 0.5
            total += max(inner - script, 0.0)  # a subscript stands below the superscript
            script = max(inner, script)
            continue
        script = 0.0
        total += _token_width(token)
    return total


def _token_width(token: str) -> float:
    if fraction := _FRACTION.fullmatch(token):
        return max(map(width, fraction.groups())) + 2.4
    if token in _WIDTHS or token[0] == "\\":
        return _WIDTHS.get(token, _LETTER)
    if token.isalnum():
        return _DIGIT if token.isdigit() else _LETTER if token.isascii() else _CHARACTER
    return 0.0


def piece(tex: str) -> Pieces:
    return (Piece(tex, width(tex)),)


def joined(pieces: Pieces) -> str:
    return "".join(one.text for one in pieces)


def total_width(pieces: Pieces) -> float:
    return sum(one.width for one in pieces)


def total_height(pieces: Pieces) -> int:
    return max((one.height for one in pieces), default=1)


def after(operator: str, pieces: Pieces, level: int | None = None) -> Pieces:
    """The pieces with an operator before them; a line may end before the operator if a level is given."""
    first, *rest = pieces
    text = f"{operator}{first.text}"
    return (replace(first, text=text, width=first.width + width(operator), level=level), *rest)


def enclosed(left: str, pieces: Pieces, right: str) -> Pieces:
    """The pieces with brackets around them."""
    opened = after(left, pieces)
    last = opened[-1]
    return (*opened[:-1], replace(last, text=last.text + right, width=last.width + width(right)))


def unbroken(pieces: Pieces) -> Pieces:
    """The pieces as one."""
    return (Piece(joined(pieces), total_width(pieces), height=total_height(pieces)),)


def lines(pieces: Pieces, room: float) -> list[Pieces]:
    """The pieces in as few lines as they need, of about equal length, broken outside before inside.

    Where a term of a sum needs several lines itself, every term starts a new one.
    """
    levels = sorted({one.level for one in pieces[1:] if one.level is not None})
    if total_width(pieces) <= room or not levels:
        return [pieces]
    segments = _segments(pieces, levels[0])
    if all(total_width(segment) <= room for segment in segments):
        return _balanced(segments, room)
    if levels[0] % 2 == 0:
        return [line for segment in segments for line in lines(segment, room)]
    small = [part for segment in segments for part in _whole_or_parts(segment, room)]
    return _balanced(small, room)


def _whole_or_parts(segment: Pieces, room: float) -> list[Pieces]:
    return [segment] if total_width(segment) <= room else lines(segment, room)


def _segments(pieces: Pieces, level: int) -> list[Pieces]:
    found: list[Pieces] = [pieces[:1]]
    for one in pieces[1:]:
        if one.level is not None and one.level <= level:
            found.append((one,))
        else:
            found[-1] = (*found[-1], one)
    return found


def _balanced(segments: list[Pieces], room: float) -> list[Pieces]:
    """As few lines as possible, the longest of them as short as possible."""
    best = _filled(segments, room)
    while True:
        longest = max(map(total_width, best))
        tighter = _filled(segments, longest - 0.1)
        if len(tighter) > len(best) or max(map(total_width, tighter)) >= longest:
            return best
        best = tighter


def _filled(segments: list[Pieces], room: float) -> list[Pieces]:
    found: list[Pieces] = [segments[0]]
    for segment in segments[1:]:
        if total_width(found[-1]) + total_width(segment) <= room:
            found[-1] = (*found[-1], *segment)
        else:
            found.append(segment)
    return found
