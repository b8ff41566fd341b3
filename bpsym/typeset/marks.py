"""Printed numbers and matrices, fractions and brackets, of what is printed already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bpsym.typeset.numbers import Numeral
from bpsym.typeset.pieces import Piece, Pieces, enclosed, joined, piece, total_width, unbroken

_SIZES = ("", "big", "Big", "bigg", "Bigg", "Bigg")
"""Of brackets around brackets, from the inside out."""

_TALL = (r"\frac", r"\sum", r"\begin")


def fenced(
    pieces: Pieces, fence: tuple[str, str] = ("(", ")"), *, raised: bool = False, after_sign: bool = False
) -> Pieces:
    """The pieces in brackets as large as they need; raised: they have something above the line."""
    text = joined(pieces)
    if any(tall in text for tall in _TALL):
        gap = r"\!" if after_sign else ""  # else TeX leaves a gap between the sign and the bracket
        return unbroken(_between(rf"{gap}\left", r"\right", fence, pieces))
    if fence[0] not in text and not raised:
        return _between("", "", fence, pieces)
    inner = next((size for size in reversed(_SIZES) if rf"\{size}l{fence[0]}" in text), "")
    larger = _SIZES[_SIZES.index(inner) + 1]
    return _between(rf"\{larger}l", rf"\{larger}r", fence, pieces)


def _between(left: str, right: str, fence: tuple[str, str], pieces: Pieces) -> Pieces:
    """The pieces between these brackets of this size."""
    opening, closing = fence
    gap = "" if opening == "(" else " "
    return enclosed(f"{left}{opening}{gap}", pieces, f"{right}{closing}")


def numeral(number: Numeral) -> Pieces:
    """The number with its sign; brackets are its surroundings' affair."""
    digits, power = number.parts()
    (plain,) = piece(_scientific(digits, power) if power else digits)
    if not number.negative:
        return (plain,)
    return (replace(plain, text=f"-{plain.text}", width=plain.width + _MINUS),)


_MINUS = 8.6
"""The width of a sign before a number."""


def _scientific(digits: str, power: int) -> str:
    """1.5 * 10^{-8}; of a whole 1 there is only the power: 10^{-8}."""
    return rf"10^{{{power}}}" if digits == "1" else rf"{digits} \cdot 10^{{{power}}}"


def printed_result(value: Any) -> Pieces:
    """Numerals as a number, or rows of them as a matrix."""
    if isinstance(value, tuple):
        return matrix([[numeral(entry) for entry in row] for row in value])
    return numeral(value)


def matrix(rows: list[list[Pieces]]) -> Pieces:
    """Rows of printed entries, as wide as the widest of each column."""
    width = sum(max(map(total_width, column)) + COLUMN_GAP for column in zip(*rows, strict=True))
    return (Piece(rf"\begin{{bmatrix}} {rows_of(rows)} \end{{bmatrix}}", width + 5.0, height=len(rows)),)


COLUMN_GAP = 11.0
"""The room between two columns of a matrix, in points at 11 pt."""


def rows_of(rows: list[list[Pieces]]) -> str:
    """What stands inside the brackets of a matrix."""
    printed = [" & ".join(map(joined, row)) for row in rows]
    return rf" \\{_apart(printed)} ".join(printed)


def _apart(rows: list[str]) -> str:
    """More room between rows with fractions, or with marks both above and below the line, which would touch."""
    return "[4pt]" if any(r"\frac" in row or ("_" in row and "^" in row) for row in rows) else ""


def fraction(over: Pieces, under: Pieces, sign: str = "") -> Pieces:
    """One above the other, with the sign before both."""
    (top,), (bottom,) = unbroken(over), unbroken(under)
    text = rf"{sign}\frac{{{top.text}}}{{{bottom.text}}}"
    return (replace(top, text=text, width=max(top.width, bottom.width) + 2.4 + len(sign) * 8.5),)
