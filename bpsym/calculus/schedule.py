"""An order of execution for a program: each tensor after those it reads, a recurrence along the axis that orders it.

h[0] = h0,  h[t] = tanh(w h[t-1] + x[t])     once, then for t = 1, 2, ...
dh[t] = 2 h[t] + f(dh[t+1]) where t < T-1    once at T-1, then for t = T-2, ..., 0
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from sympy import Expr, Integer

from bpsym.calculus.affine import Affine, affine, follows
from bpsym.calculus.arrays import live
from bpsym.calculus.domains import canonical, known_box, settled
from bpsym.calculus.equations import Equation, Program
from bpsym.calculus.nodes import Binder, Condition, Divisible, Guard, Index, NonNegative, Read, Zero
from bpsym.errors import ProgramError


@dataclass(frozen=True)
class Once:
    """All elements of the equation at once, but for the indices of the loops around it."""

    equation: Equation


@dataclass(frozen=True)
class Loop:
    """The steps in their order for each value of the index, from its upper limit down if `backwards`."""

    index: Index
    backwards: bool
    steps: tuple[Step, ...]


Step = Once | Loop


def schedule(program: Program) -> tuple[Step, ...]:
    """The program's equations, each after what it reads; ProgramError where no axis orders a circle."""
    return tuple(_ordered(program.equations, ()))


@dataclass(frozen=True)
class Use:
    """One read of another tensor (or the same) at `at`, by an equation, where conditions hold."""

    equation: Equation
    read: Read
    conditions: tuple[Condition, ...]


def _ordered(equations: tuple[Equation, ...], looped: tuple[dict[str, int], ...]) -> Iterator[Step]:
    """Steps for these equations; looped: for each loop around, the axis of each tensor that it runs along."""
    names = tuple(dict.fromkeys(equation.tensor.name for equation in equations))
    uses = [use for use in _uses(equations) if use.read.name in names and _at_this_step(use, looped)]
    for component in _components(names, _graph(uses)):
        own = tuple(one for one in equations if one.tensor.name in component)
        inside = [use for use in uses if {use.equation.tensor.name, use.read.name} <= component]
        yield from _loops(own, inside, looped) if inside else map(Once, own)


def _uses(equations: Iterable[Equation]) -> Iterator[Use]:
    for equation in equations:
        for read, conditions in _reads(equation.value, ()):
            yield Use(equation, read, conditions)


def _reads(expr: Any, conditions: tuple[Condition, ...]) -> Iterator[tuple[Read, tuple[Condition, ...]]]:
    """Each read with the conditions around it; sums opened."""
    if isinstance(expr, Read):
        yield expr, conditions
    elif isinstance(expr, Binder):
        yield from _reads(expr.opened(f"'{expr.height}")[1], conditions)
    elif isinstance(expr, Guard):
        yield from _reads(expr.body, (*conditions, *expr.conditions))
    elif not isinstance(expr, Condition):
        for inner in expr.args:
            yield from _reads(inner, conditions)


def _at_this_step(use: Use, looped: tuple[dict[str, int], ...]) -> bool:
    """Whether the read may be of the same step of all loops around (an earlier step's values are there already)."""
    return all(_offset(use, axes).may_be_zero for axes in looped)


# The graph of tensors --------------------------------------------------------------------------------------------


def _graph(uses: Iterable[Use]) -> dict[str, list[str]]:
    graph: dict[str, list[str]] = {}
    for use in uses:
        graph.setdefault(use.equation.tensor.name, []).append(use.read.name)
    return graph


def _components(names: tuple[str, ...], graph: dict[str, list[str]]) -> list[frozenset[str]]:
    """Strongly connected components, what is read before who reads it (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[frozenset[str]] = []

    def visit(name: str) -> None:
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in graph.get(name, ()):
            if other not in number:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == number[name]:
            start = stack.index(name)
            found.append(frozenset(stack[start:]))
            del stack[start:]

    for name in names:
        if name not in number:
            visit(name)
    return found


# Along an axis -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offset:
    """What is known of read index minus target index along an axis."""

    never_above: bool
    never_below: bool
    may_be_zero: bool


def _offset(use: Use, axes: dict[str, int]) -> Offset:
    target, place = use.equation.at[axes[use.equation.tensor.name]], use.read.at[axes[use.read.name]]
    offset = affine(place) - affine(target)
    box = known_box(place.free_symbols | target.free_symbols)
    one = Affine(1, {})
    known = [condition for condition in use.conditions if not isinstance(condition, Divisible)]
    above, below = (follows(value, known, box) for value in (-offset, offset))
    apart = follows(-offset - one, known, box) or follows(offset - one, known, box)
    return Offset(above, below, not apart)


def _loops(
    equations: tuple[Equation, ...], uses: list[Use], looped: tuple[dict[str, int], ...]
) -> Iterator[Step]:
    """The equations of a circle, along the first axis that orders it."""
    first = uses[0].equation.tensor
    for axis in range(len(first.indices)):
        axes = _axes(first.name, axis, equations, uses)
        if axes is None or any(other.get(first.name) == axis for other in looped):
            continue
        split = tuple(one for equation in equations for one in _split(equation, axes[equation.tensor.name]))
        names = {one.tensor.name for one in equations}
        inside = [use for use in _uses(split) if use.read.name in names and _at_this_step(use, looped)]
        offsets = [_offset(use, axes) for use in inside]
        for backwards in (False, True):
            if all(one.never_below if backwards else one.never_above for one in offsets):
                if all(one.may_be_zero for one in offsets):
                    break
                yield from _along(split, axes, backwards, looped)
                return
    circle = " and ".join(dict.fromkeys(use.equation.tensor.name for use in uses))
    raise ProgramError(f"{uses[0].equation}: no axis orders the circle of {circle}")


def _axes(name: str, axis: int, equations: tuple[Equation, ...], uses: list[Use]) -> dict[str, int] | None:
    """For each tensor the axis that goes with this axis of the first one, as the reads line them up."""
    axes, todo = {name: axis}, [name]
    while todo:
        known = todo.pop()
        for use in uses:
            if use.equation.tensor.name == known and use.read.name not in axes:
                place = _lined_up(use, axes[known])
                if place is not None:
                    axes[use.read.name] = place
                    todo.append(use.read.name)
    whole = all(equation.tensor.name in axes for equation in equations)
    return axes if whole else None


def _lined_up(use: Use, axis: int) -> int | None:
    """The axis of the read tensor whose place moves with this axis of the target."""
    target = use.equation.at[axis]
    if not isinstance(target, Index):
        return None
    return next((place for place, at in enumerate(use.read.at) if target in at.free_symbols), None)


def _along(
    equations: tuple[Equation, ...], axes: dict[str, int], backwards: bool, looped: tuple[dict[str, int], ...]
) -> Iterator[Step]:
    """A loop for each segment of the axis in which the same equations hold; a segment of one place, once."""
    segments = _segments(equations, axes)
    for lower, upper in reversed(segments) if backwards else segments:
        here = [one for one in equations if _meets(one.at[axes[one.tensor.name]], lower, upper)]
        index = Index(_name(here, axes), lower=lower, upper=upper)
        place: Expr = index if lower != upper else Integer(lower)
        fixed = tuple(_at(one, axes[one.tensor.name], place) for one in here)
        steps = tuple(_ordered(fixed, (*looped, axes)))
        yield from steps if lower == upper else (Loop(index, backwards, steps),)


def _name(equations: Iterable[Equation], axes: dict[str, int]) -> str:
    """What the equations call the axis."""
    places = [one.at[axes[one.tensor.name]] for one in equations]
    return next((place.name for place in places if isinstance(place, Index)), "t")


def _at(equation: Equation, axis: int, place: Expr) -> Equation:
    """The equation at one place of the axis."""
    here = equation.at[axis]
    if not isinstance(here, Index):
        return equation
    at = tuple(index.xreplace({here: place}) for index in equation.at)
    return Equation(
        equation.tensor, at, settled(equation.value.xreplace({here: place}), frozenset(live(place)))
    )


def _segments(equations: Iterable[Equation], axes: dict[str, int]) -> list[tuple[int, int]]:
    """The axis cut where an equation begins or ends to hold."""
    ends = [_ends(one.at[axes[one.tensor.name]]) for one in equations]
    cuts = sorted({lower for lower, _ in ends} | {upper + 1 for _, upper in ends})
    return [(lower, upper - 1) for lower, upper in pairwise(cuts)]


def _ends(place: Expr) -> tuple[int, int]:
    lower, upper = (place.lower, place.upper) if isinstance(place, Index) else (place, place)
    if not (lower.is_Integer and upper.is_Integer):
        raise ProgramError(f"a recurrence runs from {lower} to {upper}: put a number in for its length")
    return int(lower), int(upper)


def _meets(place: Expr, lower: int, upper: int) -> bool:
    first, last = _ends(place)
    return first <= lower and upper <= last


# Guards on the axis alone ------------------------------------------------------------------------------------------


def _split(equation: Equation, axis: int) -> Iterator[Equation]:
    """The equation for each part of the axis in which the guards on its index alone hold or do not."""
    index = equation.at[axis]
    if not isinstance(index, Index):
        yield equation
        return
    lower, upper = _ends(index)
    cuts = {lower, upper + 1}
    for one in equation.value.atoms(Condition):
        if one.free_symbols == {index}:
            cuts |= {cut for cut in _cuts(one, index) if lower < cut <= upper}
    ordered = sorted(cuts)
    for start, stop in pairwise(ordered):
        piece: Expr = Integer(start) if start == stop - 1 else Index(index.name, lower=start, upper=stop - 1)
        yield (
            _at(equation, axis, piece)
            if (start, stop - 1) != (lower, upper)
            else replace(equation, value=settled(equation.value))
        )


def _cuts(one: Condition, index: Index) -> Iterator[int]:
    """The values of the index at which the condition begins or ends to hold."""
    if isinstance(one, Divisible):
        return
    yield from _CUTS[type(canonical(one))](affine(canonical(one).args[0]), index)


def _begins(value: Affine, index: Index) -> Iterator[int]:
    """From -c on where c + k >= 0; up to c where c - k >= 0."""
    sign = value.coefficient(index)
    yield int(-value.constant if sign > 0 else value.constant + 1)


def _alone(value: Affine, index: Index) -> Iterator[int]:
    place = -value.constant * value.coefficient(index)
    yield from (int(place), int(place) + 1)


_CUTS: dict[type, Any] = {NonNegative: _begins, Zero: _alone}


__all__ = ["Loop", "Once", "Step", "schedule"]
