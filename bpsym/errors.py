"""The one tree of errors.

BpsymError                    everything that bpsym refuses
├── InputError                an example (a file, or records made in Python) is wrong; says where
├── UsageError                an unknown preset, option or option's value
├── ProgramError              a calculus program that makes no sense
├── MissingProgramError       an outside program is not installed; says which package brings it
├── OutputError               something cannot be written
└── DivergenceError           a loss that is not finite
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

Key = tuple[str | int, ...]
"""The way to a value: keys of tables, and positions in arrays counted from 0."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_SHOWN = 40
_LONGEST_GUESSED = 100


class BpsymError(Exception):
    """Whatever bpsym refuses; `exit_code` is the command line's."""

    exit_code: ClassVar[int] = 2


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what to write; lines and columns count from 1, None or empty where unknown."""

    message: str
    key: Key = ()
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (place, key_path(self.key), self.message) if part)


@dataclass(frozen=True)
class UnknownKey(Problem):
    """A key that no record has."""


class InputError(BpsymError, ValueError):
    """Wrong input; `problems` are all that were found, and str() is one line each.

    It is a ValueError too, so that a record inside another one hands all of its problems on.
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        super().__init__(problems)
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class UsageError(BpsymError):
    """A preset, an option or an option's value that does not exist."""


class ProgramError(BpsymError):
    """A calculus program that makes no sense."""


class MissingProgramError(BpsymError):
    """An outside program is missing; `package` brings it."""

    exit_code = 3

    def __init__(self, message: str, package: str) -> None:
        super().__init__(message, package)
        self.package = package

    def __str__(self) -> str:
        return str(self.args[0])


class OutputError(BpsymError):
    """Something cannot be written."""


class DivergenceError(BpsymError):
    """A loss that is not finite, after so many steps; causes: what to look at, for people; example: by its name."""

    exit_code = 1

    def __init__(self, step: int, loss: float, causes: str = "", example: str = "") -> None:
        super().__init__(step, loss, causes, example)
        self.step = step
        self.loss = loss
        self.causes = causes
        self.example = example

    def __str__(self) -> str:
        when = (
            f"after {self.step:,} {'step' if self.step == 1 else 'steps'}" if self.step else "before any step"
        )
        of = f"{self.example}: " if self.example else ""
        return f"{of}{when} the loss is {self.loss}{self.causes}"


def key_path(key: Key) -> str:
    """network.layers[1].activation"""
    path = ""
    for part in key:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + (part if _BARE_KEY.fullmatch(part) else json.dumps(part))
    return path


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The end of a message: (did you mean 'sigmoid'?), or all choices in their order where none is near."""
    import difflib

    listed = tuple(choices)
    lowered = {choice.lower(): choice for choice in reversed(listed)}
    near = difflib.get_close_matches(word.lower(), lowered, 1) if len(word) <= _LONGEST_GUESSED else []
    if near:
        return f" (did you mean {lowered[near[0]]!r}?)"
    return f" (choose from: {', '.join(listed)})" if listed else ""


def shown(value: Any) -> str:
    """The value as a message names it: short, in one line, as a file writes it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…")
        case dict():
            return "a table"
        case list() | tuple():
            return "an array"
        case int() if abs(value) >= 10**_LONGEST_SHOWN:  # Python refuses to print very long integers
            return "a number that long"
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
