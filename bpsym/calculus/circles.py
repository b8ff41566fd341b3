"""Equations that read each other in a circle: a recurrence where an index orders them, refused where none does.

Along an axis, a read T[e] in the equation of Y[i] takes a step e - i. If the steps of every circle add up to less than
0 (or, for all circles, to more), no element needs itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import product

from sympy import Expr, Symbol

from bpsym.calculus.affine import Affine, Number, affine, box_of, follows, minimum
from bpsym.calculus.nodes import Read
from bpsym.calculus.points import instances, number_at, reached
from bpsym.calculus.tensors import Access, Equation
from bpsym.errors import ProgramError

Parts = Mapping[str, tuple[Equation, ...]]
Axes = dict[str, int]
"""For each tensor of a circle, the axis along which it is looked at."""


def check_circles(parts: Parts) -> None:
    """ProgramError where equations read each other in a circle that no index orders."""
    graph = {name: {read for part in of for read in part.reads} & parts.keys() for name, of in parts.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        for circle in _components(graph):
            found = [access for name in circle for part in parts[name] for access in part.accesses]
            found = [access for access in found if access.read.name in circle]
            if not _ordered(found):
                raise ProgramError(_said(found)) from None


def _components(graph: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, ...]]:
    """The tensors that lead to each other, in the order of the program."""
    reachable = {name: _reachable(graph, name) for name in graph}
    seen: set[str] = set()
    for name in graph:
        component = tuple(other for other in graph if other in reachable[name] and name in reachable[other])
        if component and name not in seen:
            seen |= set(component)
            yield component


def _reachable(graph: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """What the tensor reads, and what that reads; itself only if there is a circle."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = set(graph.get(waiting.pop(), ())) - found
        found |= new
        waiting += sorted(new)
    return found


# Steps along an axis ---------------------------------------------------------------------------------------------


def _ordered(found: Sequence[Access]) -> bool:
    """Whether an axis orders all circles; where some only stay on their place along it, another one orders those."""
    graph = {access.equation.tensor.name: set[str]() for access in found}
    for access in found:
        graph[access.equation.tensor.name].add(access.read.name)
    for circle in _components(graph):
        inside = [one for one in found if set(_edge(one)) <= set(circle)]
        first = inside[0].equation.tensor
        choices = product(range(len(first.indices)), (1, -1))
        if not any(_ordered_along(inside, _axes(inside, first.name, axis), sign) for axis, sign in choices):
            return False
    return True


def _axes(found: Sequence[Access], start: str, axis: int) -> Axes:
    """The axis of every tensor of the circle that goes with the axis of the first."""
    axes = {start: axis}
    for _ in found:
        for access in found:
            name, read = access.equation.tensor.name, access.read
            if name in axes and read.name not in axes and axes[name] < len(access.equation.at):
                index = access.equation.at[axes[name]]
                along = [place for place, at in enumerate(read.at) if index in at.free_symbols]
                axes[read.name] = along[0] if along else axes[name]
    return axes


def _ordered_along(found: Sequence[Access], axes: Axes, sign: int) -> bool:
    steps = [_greatest_step(access, axes, sign) for access in found]
    edges: dict[tuple[str, str], Number] = {}
    for access, step in zip(found, steps, strict=True):
        if step is None:
            return False
        edges[_edge(access)] = max(step, edges.get(_edge(access), step))
    total = _longest(edges)
    if any(total[name, name] > 0 for name in axes):
        return False
    staying = [one for one, step in zip(found, steps, strict=True) if step == _closing(one, total)]
    return not staying or (len(staying) < len(found) and _ordered(staying))


def _edge(access: Access) -> tuple[str, str]:
    return access.equation.tensor.name, access.read.name


def _closing(access: Access, total: dict[tuple[str, str], Number]) -> Number:
    """The step of this read with which the longest circle through it adds up to 0."""
    name, read = _edge(access)
    return 0 if name == read else -total[read, name]


def _longest(steps: dict[tuple[str, str], Number]) -> dict[tuple[str, str], Number]:
    """The greatest sum of steps on a way from one tensor to another (Floyd and Warshall)."""
    total = dict(steps)
    names = tuple(dict.fromkeys(name for edge in steps for name in edge))
    for middle, start, end in product(names, repeat=3):
        if (start, middle) in total and (middle, end) in total:
            way = total[start, middle] + total[middle, end]
            total[start, end] = max(way, total.get((start, end), way))
    return total


def _greatest_step(access: Access, axes: Axes, sign: int) -> Number | None:
    """The greatest value of sign * (e - i) along the axis; None where there is none for all sizes."""
    target, read = access.equation.at, access.read.at
    here, there = axes[access.equation.tensor.name], axes[access.read.name]
    if here >= len(target) or there >= len(read):
        return None
    back = (affine(target[here]) - affine(read[there])) * sign
    box = box_of(access.ranges)
    least = minimum(back, box)
    certain = [number for number in (1, 0) if follows(back - Affine(number, {}), access.conditions, box)]
    known = [*certain, *([least] if least is not None else [])]
    return -max(known) if known else None


# What is said ----------------------------------------------------------------------------------------------------


def _said(found: Sequence[Access]) -> str:
    """y[i] = z[i]: in a circle that no index orders: y[0] reads z[0], z[0] reads y[0]"""
    equation = found[0].equation
    told = f"{equation}: reads {found[0].read} in a circle that no index orders"
    circle = _circle_of_elements(found)
    pairs = zip(circle, (*circle[1:], *circle[:1]), strict=True)
    return told + (": " + ", ".join(f"{one} reads {other}" for one, other in pairs) if circle else "")


def _circle_of_elements(found: Sequence[Access]) -> tuple[Read, ...]:
    """Elements that need each other, at small sizes; none where there are none, or too many to look at."""
    sizes = {symbol for access in found for symbol in _symbols(access) if symbol.is_positive}
    for numbers in instances(sizes):
        graph: dict[Read, set[Read]] = {}
        for access in found:
            for count, point in enumerate(reached(access, numbers)):
                if count == _MANY:
                    return ()
                graph.setdefault(_element(access.equation.target, point), set()).add(
                    _element(access.read, point)
                )
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as circle:
            return tuple(reversed(circle.args[1][1:]))
    return ()


_MANY = 5_000


def _symbols(access: Access) -> set[Symbol]:
    parts: list[Expr] = [*access.read.at, *access.equation.at]
    parts += [end for _, *ends in access.ranges for end in ends]
    return {symbol for part in parts for symbol in part.free_symbols}


def _element(read: Read, point: Mapping[Symbol, int]) -> Read:
    return Read(read.name, *(number_at(affine(at), point) for at in read.at))
