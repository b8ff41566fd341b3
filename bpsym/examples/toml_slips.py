"""Slips of who writes TOML for the first time: what tomllib says of a line, and what to write there instead."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bpsym.examples.positions import Place


@dataclass(frozen=True)
class Slip:
    """said: what tomllib says; line: what it says it of, with the wrong part in a group `here`; write: the message.

    above: whether the line that is meant may stand above the one that tomllib names, as the key of a long array does.
    """

    said: str
    line: str
    write: str
    above: bool = False


_ONE_LAYER = re.compile(r"^[ \t]*(\[[ \t]*network[ \t]*\.[ \t]*layers[ \t]*\])", re.MULTILINE)
_LAYERS = re.compile(r"\s*\[+\s*network\s*\.\s*layers\s*\]")
_TWICE = "Cannot (overwrite|declare)"

_PLAIN = {"：": "=", "−": "-", "–": "-", "、": ","}
"""What a character stands for that has no plain form of its own, or another one here."""

_BEFORE = r"""(?:"[^"]*"|'[^']*'|[^#"'“”])*?"""
"""What stands before the wrong part, its strings whole."""

SLIPS = (
    Slip(
        "Unclosed|Expected|Invalid|Illegal",
        _BEFORE + r"(?P<here>[\uff01-\uff5e\u2212\u2013\u3001])",
        "{here} is another character than {plain} (write {plain})",
    ),
    Slip("Expected '='", r"""\s*[\w"'.-]+\s*(?P<here>:)""", "a colon after a key (write = for it)"),
    Slip(
        _TWICE,
        r"\s*(?P<here>\[+\s*(?P<name>[^\[\]]+?)\s*\])",
        "[{name}] is written twice (write its keys below the first one)",
    ),
    Slip(
        _TWICE,
        r"""\s*(?P<here>[\w"'.-]+)\s*=""",
        "{here} has a value already (leave one of the two out)",
        above=True,
    ),
    Slip(
        "Duplicate inline table key",
        r"""(?P<here>.*)""",
        "a key is written twice between the braces (leave one of them out)",
    ),
    Slip(
        "Expected newline", r"[^=]+=\s*[+-]?(?P<here>\d+,\d+)", "a comma in a number (write a point: {point})"
    ),
    Slip(
        "Unclosed array",
        r".*?(?P<here>\b\d+,\d+)(?=[ \t;]+[+-]?\d)",
        "a comma in a number (write a point: {point}, and a comma after it)",
    ),
    Slip(
        "Unclosed array|Expected newline",
        _BEFORE + r"(?P<here>[+-]?\d[\d.]*[ \t]*/[ \t]*\d[\d.]*)",
        'a fraction without quotes (write "{close}")',
    ),
    Slip("Unclosed array", _BEFORE + r"(?P<here>;)", "a semicolon in an array (write a comma)"),
    Slip(
        "Unclosed array",
        _BEFORE + r"(?P<here>[+-]?\d[\w.]*)[ \t]+[+-]?[\d.]",
        "no comma after {here} (write one between two numbers)",
    ),
    Slip(
        "Invalid value|Illegal character|Expected",
        r"""[^#]*?(?P<here>[“”„‘’«»])""",
        'a typographic quote, {here} (write straight ones: ")',
    ),
    Slip("Invalid value", r"[^=]+=\s*(?P<here>True|False)\b", "{here} (write {small})"),
    Slip(
        "Invalid value", r"[^=]+=\s*(?P<here>[A-Za-z]\w*)\s*(#.*)?$", 'text without quotes (write "{here}")'
    ),
    Slip(
        "Invalid value",
        r"[^=]+=[^#]*?(?<![\w.])(?P<here>\.\d+)",
        "a number without a digit before its point (write 0{here})",
    ),
)


def slip(said: str, text: str, place: Place) -> tuple[str, Place] | None:
    """What to say instead of what tomllib says of this place, and where; None where it is no slip that is known."""
    lines = text.splitlines()
    number = min(place[0], len(lines))
    if re.match(_TWICE, said) and _LAYERS.match(lines[number - 1]) and (single := _ONE_LAYER.search(text)):
        line = text.count("\n", 0, single.start(1)) + 1
        column = single.start(1) - (text.rfind("\n", 0, single.start(1)) + 1) + 1
        return "a layer in single brackets (write [[network.layers]] for each layer)", (line, column)
    for one in SLIPS:
        if re.match(one.said, said) and (found := _found(one, lines, number)):
            line, match = found
            here = match["here"]
            words = {
                "point": here.replace(",", "."),
                "small": here.lower(),
                "plain": _PLAIN.get(here) or unicodedata.normalize("NFKC", here),
                "close": re.sub(r"\s|^\+", "", here),
            }
            words |= match.groupdict()
            return one.write.format_map(words), (line, match.start("here") + 1)
    return None


def _found(one: Slip, lines: list[str], number: int) -> tuple[int, re.Match[str]] | None:
    """The line, and what of it is wrong."""
    for line in range(number, 0 if one.above else number - 1, -1):
        if match := re.match(one.line, lines[line - 1]):
            return line, match
    return None
