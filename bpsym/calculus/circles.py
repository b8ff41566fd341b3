"""Equations that read each other in a circle: a recurrence where an index orders them, refused where none does.

Along an axis, a read T[e] in the equation of Y[i] takes a step e - i. If the steps of every circle add up to at most 0
(or, for all circles, to at least 0), each tensor has a shift such that what is read is made before, or at the same time
i + shift; what is made at the same time is ordered along another axis. For

    z[t] = tanh(h[t-2]),  h[t] = z[t+1]^2

the steps are -2 and 1, the shifts 0 and 1: h[t-1] is made together with z[t], right after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import product
from math import floor

from sympy import Expr, Symbol

from bpsym.calculus.affine import Affine, Number, affine, box_of, follows, minimum
from bpsym.calculus.nodes import Read
from bpsym.calculus.points import instances, number_at, reached
from bpsym.calculus.tensors import Access, Equation
from bpsym.errors import ProgramError

Parts = Mapping[str, tuple[Equation, ...]]
Graph = Mapping[str, Iterable[str]]
"""For each tensor those that it reads."""
Axes = dict[str, int]
"""For each tensor of a circle, the axis along which it is looked at."""


@dataclass(frozen=True)
class Order:
    """An element at i along its tensor's axis is made at the time i + shift, the latest first if `backwards`.

    staying: the reads that may be of something made at the same time; `inner` orders their circles.
    """

    axes: Axes
    backwards: bool
    shifts: Mapping[str, int]
    staying: tuple[Access, ...]
    inner: tuple[Order, ...]


def check_circles(parts: Parts) -> None:
    """ProgramError where equations read each other in a circle that no index orders."""
    graph = {name: {read for part in of for read in part.reads} & parts.keys() for name, of in parts.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        for found in circles(access for of in parts.values() for part in of for access in part.accesses):
            if order_of(found) is None:
                raise ProgramError(_said(found)) from None


def orders(found: Iterable[Access]) -> tuple[Order, ...]:
    """One for each circle of the reads in a program."""
    return tuple(order for order in map(order_of, circles(found)) if order is not None)


def circles(found: Iterable[Access]) -> Iterator[tuple[Access, ...]]:
    """The reads inside each circle of tensors."""
    reads = tuple(found)
    for component in components(graph_of(reads)):
        inside = tuple(access for access in reads if set(_edge(access)) <= component)
        if inside:
            yield inside


def graph_of(found: Iterable[Access], names: Iterable[str] = ()) -> dict[str, dict[str, None]]:
    """Who reads whom, in the order of the reads; the names are in it whether they read anything or not."""
    graph: dict[str, dict[str, None]] = {name: {} for name in names}
    for access in found:
        name, read = _edge(access)
        graph.setdefault(name, {})[read] = None
    return graph


def components(graph: Graph) -> Iterator[frozenset[str]]:
    """Strongly connected components, what is read before who reads it (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    path: dict[str, None] = {}
    for root in graph:
        waiting = [] if root in number else [root]
        while waiting:
            name = waiting[-1]
            if name not in number:
                number[name] = low[name] = len(number)
                path[name] = None
            new = [other for other in graph.get(name, ()) if other not in number]
            if new:
                waiting.append(new[0])
                continue
            waiting.pop()
            low[name] = min([number[name], *(low[other] for other in graph.get(name, ()) if other in path)])
            if low[name] == number[name]:
                yield frozenset(_popped(path, name))


def _popped(path: dict[str, None], name: str) -> Iterator[str]:
    """What stands on the path from the name on."""
    last = None
    while last != name:
        last, _ = path.popitem()
        yield last


# Steps along an axis ---------------------------------------------------------------------------------------------


def order_of(found: Sequence[Access], used: frozenset[tuple[str, int]] = frozenset()) -> Order | None:
    """The order of one circle along the first axis that has one; None without one.

    used: (tensor, axis) for the axes of the orders around.
    """
    first = found[0].equation.tensor
    for axis, backwards in product(range(len(first.indices)), (False, True)):
        axes = _axes(found, first.name, axis)
        if used.isdisjoint(axes.items()):
            order = _order_along(found, axes, backwards, used)
            if order is not None:
                return order
    return None


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


def _order_along(
    found: Sequence[Access], axes: Axes, backwards: bool, used: frozenset[tuple[str, int]]
) -> Order | None:
    steps: dict[Access, int] = {}
    for access in found:
        step = _greatest_step(access, axes, -1 if backwards else 1)
        if step is None:
            return None
        steps[access] = step
    delays = _delays(steps)
    if delays is None:
        return None
    staying = tuple(access for access, step in steps.items() if _stays(access, step, delays))
    inner = [order_of(circle, used | axes.items()) for circle in circles(staying)]
    if len(staying) == len(steps) or None in inner:
        return None
    shifts = {name: -delay if backwards else delay for name, delay in delays.items()}
    return Order(axes, backwards, shifts, staying, tuple(one for one in inner if one is not None))


def _edge(access: Access) -> tuple[str, str]:
    return access.equation.tensor.name, access.read.name


def _delays(steps: Mapping[Access, int]) -> dict[str, int] | None:
    """The least delays, from 0 on, with step + delay of what is read <= delay of what is made.

    None where a circle's steps add up to more than 0. (Longest ways from each tensor, as Floyd and Warshall find them.)
    """
    total: dict[tuple[str, str], int] = {}
    for access, step in steps.items():
        total[_edge(access)] = max(step, total.get(_edge(access), step))
    names = tuple(dict.fromkeys(name for edge in total for name in edge))
    for middle, start, end in product(names, repeat=3):
        if (start, middle) in total and (middle, end) in total:
            way = total[start, middle] + total[middle, end]
            total[start, end] = max(way, total.get((start, end), way))
    if any(total[name, name] > 0 for name in names):
        return None
    return {name: max(0, *(total[name, other] for other in names)) for name in names}


def _stays(access: Access, step: int, delays: Mapping[str, int]) -> bool:
    """Whether what is read may be made at the same time."""
    name, read = _edge(access)
    return step + delays[read] == delays[name]


def _greatest_step(access: Access, axes: Axes, sign: int) -> int | None:
    """The greatest value of sign * (e - i) along the axis; None where there is none for all sizes."""
    target, read = access.equation.at, access.read.at
    here, there = axes[access.equation.tensor.name], axes[access.read.name]
    if here >= len(target) or there >= len(read):
        return None
    back = (affine(target[here]) - affine(read[there])) * sign
    box = box_of(access.ranges)
    least = minimum(back, box)
    certain = [number for number in (1, 0) if follows(back - Affine(number, {}), access.conditions, box)]
    known: list[Number] = [*certain, *([least] if least is not None else [])]
    return floor(-max(known)) if known else None


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
