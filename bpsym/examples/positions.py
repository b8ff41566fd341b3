"""Where the keys and values of a TOML text stand. No TOML library for Python tells; what they are is tomllib's affair.

The text is one that tomllib has read: the scanner follows headers, keys, arrays, inline tables and strings, and
checks nothing.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field

from bpsym.errors import Key

Place = tuple[int, int]
"""Line and column, both from 1."""

DEEPEST = 100


@dataclass
class Positions:
    """For each key's path: where the key stands, where its value begins, and where its table's header stands."""

    keys: dict[Key, Place] = field(default_factory=dict)
    values: dict[Key, Place] = field(default_factory=dict)
    headers: dict[Key, Place] = field(default_factory=dict)

    def of_value(self, key: Key) -> Place:
        """Where the value begins; of what is missing, its table's header; the beginning if that is the file."""
        for found in (self.values, self.headers):
            if key in found:
                return found[key]
        return self.of_value(key[:-1]) if key else (1, 1)

    def of_key(self, key: Key) -> Place:
        """Where the key stands."""
        for found in (self.keys, self.headers):
            if key in found:
                return found[key]
        return self.of_value(key)


def positions(text: str) -> Positions:
    """The positions of a text that tomllib reads."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


def too_deep(text: str) -> Place | None:
    """Where brackets nest deeper than tomllib can follow; None if nowhere. Strings and comments do not count."""
    depth = 0
    scanner = _Scanner(text)
    while scanner.place < len(text):
        character = text[scanner.place]
        if character in "\"'":
            scanner.string()
            continue
        if character == "#":
            scanner.comment()
            continue
        depth += (character in "[{") - (character in "]}" and depth > 0)
        if depth > DEEPEST:
            return scanner.where(scanner.place)
        scanner.place += 1
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.found = Positions()
        self.lines = [0, *(number + 1 for number, character in enumerate(text) if character == "\n")]
        self.counts: dict[Key, int] = {}

    def where(self, place: int) -> Place:
        line = bisect_right(self.lines, place)
        return line, place - self.lines[line - 1] + 1

    def peek(self, count: int = 1) -> str:
        return self.text[self.place : self.place + count]

    def document(self) -> None:
        table: Key = ()
        while self.skip("\n\r \t"):
            if self.peek() == "[":
                table = self.header()
            else:
                self.pair(table)

    def skip(self, blanks: str) -> bool:
        """Go past blanks and comments; whether anything is left."""
        while self.peek() and (self.peek() in blanks or self.peek() == "#"):
            if self.peek() == "#":
                self.comment()
            else:
                self.place += 1
        return self.place < len(self.text)

    def comment(self) -> None:
        end = self.text.find("\n", self.place)
        self.place = len(self.text) if end < 0 else end

    def header(self) -> Key:
        start, many = self.where(self.place), self.peek(2) == "[["
        self.place += 1 + many
        parts = [part for part, _ in self.names()]
        self.place += 1 + many
        path = (*self.entered(tuple(parts[:-1])), parts[-1])
        if many:
            number = self.counts.get(path, -1) + 1
            self.counts[path] = number
            self.found.headers.setdefault(path, start)
            path = (*path, number)
        self.found.headers.setdefault(path, start)
        return path

    def entered(self, parts: tuple[str, ...]) -> Key:
        """The path, with the number of the last table of each array of tables on it."""
        path: Key = ()
        for part in parts:
            path = (*path, part)
            if path in self.counts:
                path = (*path, self.counts[path])
        return path

    def pair(self, table: Key) -> None:
        path = table
        for part, place in self.names():
            path = (*path, part)
            self.found.keys.setdefault(path, self.where(place))
        self.place += 1  # =
        self.skip(" \t")
        self.value(path)

    def names(self) -> list[tuple[str, int]]:
        """The parts of a dotted key, each with its place."""
        found: list[tuple[str, int]] = []
        while True:
            self.skip(" \t")
            start = self.place
            if self.peek() in ("'", '"'):
                self.string()
            else:
                while self.peek() and self.peek() not in " \t.=]":
                    self.place += 1
            found.append((_unquoted(self.text[start : self.place]), start))
            self.skip(" \t")
            if self.peek() != ".":
                return found
            self.place += 1

    def value(self, path: Key) -> None:
        self.found.values.setdefault(path, self.where(self.place))
        if self.peek() == "[":
            self.array(path)
        elif self.peek() == "{":
            self.inline_table(path)
        elif self.peek() in ("'", '"'):
            self.string()
        else:
            while self.peek() and self.peek() not in ",]}\n#":
                self.place += 1

    def array(self, path: Key) -> None:
        self.place += 1
        number = 0
        while self.skip("\n\r \t,") and self.peek() != "]":
            self.value((*path, number))
            number += 1
        self.place += 1

    def inline_table(self, path: Key) -> None:
        self.place += 1
        while self.skip("\n\r \t,") and self.peek() != "}":
            self.pair(path)
        self.place += 1

    def string(self) -> None:
        """Go past a string of any of the four kinds; past an open one, to the end of the text or line."""
        quote = self.peek()
        many = self.peek(3) == quote * 3
        end = quote * 3 if many else quote
        self.place += len(end)
        while self.place < len(self.text) and self.peek(len(end)) != end:
            if not many and self.peek() == "\n":
                return
            self.place += 2 if quote == '"' and self.peek() == "\\" else 1
        self.place += len(end)
        while many and self.peek() == quote:  # up to two more quotes belong to the text
            self.place += 1


def _unquoted(name: str) -> str:
    if name[:1] not in ("'", '"'):
        return name
    return str(next(iter(tomllib.loads(f"{name} = 0"))))
