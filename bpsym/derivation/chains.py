"""The paths from a loss to a parameter: chains of the local derivatives that `backward` found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from sympy import Expr, Integer, Symbol

from bpsym.calculus.backward import Backward, Contribution
from bpsym.calculus.equations import Equation
from bpsym.calculus.nodes import Read, truth
from bpsym.calculus.unroll import expanded_sums


@dataclass(frozen=True)
class Link:
    """d of / d by, of one element by one that its equation reads."""

    equation: Equation
    of: Read
    by: Read
    slope: Expr


Path = tuple[Link, ...]


class Chains:
    """The local derivatives between elements, below one element of the loss."""

    def __init__(self, back: Backward, start: Read) -> None:
        self.start = start
        self._by_equation: dict[str, list[Contribution]] = {}
        for one in back.contributions:
            self._by_equation.setdefault(one.equation.tensor.name, []).append(one)
        self._links: dict[Read, tuple[Link, ...]] = {}
        self._leading: dict[tuple[Read, Read], bool] = {}

    def below(self, element: Read) -> tuple[Link, ...]:
        """The element's local derivatives by each element that its equation reads."""
        if element not in self._links:
            found = self._by_equation.get(element.name, [])
            self._links[element] = _joined(link for one in found for link in _instances(one, element))
        return self._links[element]

    def paths(self, end: Read) -> tuple[Path, ...]:
        """Every chain from the loss to the element, in the order of the units on the way."""
        return tuple(self.each_path(end))

    def each_path(self, end: Read) -> Iterator[Path]:
        """The same, one after the other."""
        return self._paths(self.start, end)

    def count(self, end: Read) -> int:
        """How many paths there are, without walking along each."""
        return self._counts.get(end, 0)

    @cached_property
    def _counts(self) -> dict[Read, int]:
        """How many paths lead to each element: every path to an element goes on along each of its links."""
        counts: dict[Read, int] = {self.start: 1}
        for element in self._downward():
            for link in self.below(element):
                counts[link.by] = counts.get(link.by, 0) + counts[element]
        return counts

    def _downward(self) -> list[Read]:
        """Every element below the loss, after all those that read it."""
        found: dict[Read, None] = {}

        def visit(element: Read) -> None:
            for link in self.below(element):
                if link.by not in found:
                    visit(link.by)
            found[element] = None

        visit(self.start)
        return list(reversed(found))

    def _paths(self, element: Read, end: Read) -> Iterator[Path]:
        if element == end:
            yield ()
        elif self._leads(element, end):
            for link in self.below(element):
                for rest in self._paths(link.by, end):
                    yield (link, *rest)

    def _leads(self, element: Read, end: Read) -> bool:
        """Whether some path from the element reaches the other."""
        key = (element, end)
        if key not in self._leading:
            self._leading[key] = element == end or any(
                self._leads(link.by, end) for link in self.below(element)
            )
        return self._leading[key]


def _joined(links: Iterable[Link]) -> tuple[Link, ...]:
    """One link for each element that is read, where an equation reads it in several places."""
    found: dict[Read, Link] = {}
    for link in links:
        known = found.get(link.by)
        found[link.by] = link if known is None else replace(known, slope=known.slope + link.slope)
    return tuple(found.values())


def _instances(one: Contribution, element: Read) -> Iterator[Link]:
    """The contribution for this element of the target, at each value of its sum indices."""
    place: dict[Symbol, Expr] = {}
    for index, value in zip(one.equation.at, element.at, strict=True):
        if index.is_Symbol:
            place[index] = value
        elif index != value:
            return
    ranges = [range(int(index.lower), int(index.upper) + 1) for index in one.sums]
    for values in product(*ranges):
        full: Mapping[Symbol, Expr] = place | {
            index: Integer(value) for index, value in zip(one.sums, values, strict=True)
        }
        if all(truth(condition.xreplace(full)) for condition in one.conditions):
            slope = expanded_sums(one.slope.xreplace(full))
            yield Link(one.equation, element, one.read.xreplace(full), slope)
