"""A printed line of code, and the numbers of the equations that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Key = tuple[str, tuple[int, ...]]
"""A tensor of the program, and an element's position without the samples' axis."""

Citations = Mapping[Key, int]


@dataclass(frozen=True)
class Assignment:
    """target = value, as text; `lines` is how it is printed; `citation` the equation's number, 0 for none."""

    target: str
    lines: tuple[str, ...]
    citation: int = 0


@dataclass(frozen=True)
class Group:
    """Assignments under one comment."""

    comment: str
    assignments: tuple[Assignment, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(line for one in self.assignments for line in one.lines)

    @property
    def cited(self) -> str:
        """The comment's equation numbers: (4), (7)-(9)."""
        return cited(one.citation for one in self.assignments)


def cited(numbers: Iterable[int]) -> str:
    """Equation numbers, three and more in a row as a range."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers) - {0}):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(_run(run) for run in runs)


def _run(run: list[int]) -> str:
    if len(run) < 3:
        return ", ".join(f"({number})" for number in run)
    return f"({run[0]})-({run[-1]})"
