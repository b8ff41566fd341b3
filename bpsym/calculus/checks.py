"""What a program must fulfil before any work is done with it, and what is said where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from math import inf
from typing import Any

from sympy import (
    Add,
    Derivative,
    Expr,
    Integer,
    Integral,
    Mul,
    Piecewise,
    Product,
    Subs,
    Sum,
    Symbol,
    true,
)

from bpsym.calculus.affine import Affine, Box, affine, box_of, follows, is_whole, minimum, nonnegative
from bpsym.calculus.circles import check_circles
from bpsym.calculus.nodes import Bound, Guard, Index, Maximum, NonNegative, Read
from bpsym.calculus.points import instances, number_at, points, reached, shown
from bpsym.calculus.tensors import Access, Equation, Tensor, counted
from bpsym.errors import ProgramError

Parts = Mapping[str, tuple[Equation, ...]]
"""The equations that define elements of a tensor, by its name."""


def check(inputs: tuple[Tensor, ...], equations: tuple[Equation, ...], parts: Parts) -> None:
    """ProgramError where a read is undefined or out of range, or an element is defined twice, never or by itself.

    `equations`: those that are new; the others of `parts` make up a program that was checked before.
    """
    tensors = _named(inputs, parts)
    for equation in equations:
        _check_equation(equation, tensors)
    new = {equation.tensor.name: parts[equation.tensor.name] for equation in equations}
    for of in new.values():
        _check_overlaps(of)
        _check_complete(of)
    check_circles(new)


def _named(inputs: tuple[Tensor, ...], parts: Parts) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for tensor in inputs:
        if tensor.name in tensors:
            raise ProgramError(f"two inputs are called {tensor.name}")
        if tensor.name in parts:
            raise ProgramError(f"{parts[tensor.name][0]}: {tensor.name} is an input and has an equation too")
        tensors[tensor.name] = tensor
    return tensors | {name: of[0].tensor for name, of in parts.items()}


# One equation ----------------------------------------------------------------------------------------------------


def _check_equation(equation: Equation, tensors: Mapping[str, Tensor]) -> None:
    known = tensors[equation.tensor.name]
    if equation.tensor is not known and equation.tensor != known:
        raise ProgramError(f"{equation}: {equation.tensor.name} has two shapes or two roles")
    _check_target(equation)
    for node, ranges, conditions in equation.nodes:
        if type(node) in _CHECKS:
            _CHECKS[type(node)](equation, node, Access(equation, equation.target, ranges, conditions))
    _check_symbols(equation)
    for access in equation.accesses:
        _check_read(access, tensors)


def _check_target(equation: Equation) -> None:
    own = equation.tensor.indices
    if equation.at == own and len(set(own)) == len(own):
        return
    if len(equation.at) != len(own):
        raise ProgramError(f"{equation}: {equation.tensor.name} has {counted(len(own))}")
    for index in equation.at:
        if isinstance(index, Index):
            for bound in (index.lower, index.upper):
                if any(not symbol.is_positive for symbol in bound.free_symbols):
                    raise ProgramError(
                        f"{equation}: the range of {index} in the target depends on {bound} (guard the value instead)"
                    )
        elif any(not symbol.is_positive for symbol in index.free_symbols):
            if isinstance(index, Symbol):
                raise ProgramError(f"{equation}: {index} is an index without a range (write Index)")
            raise ProgramError(f"{equation}: the target's index {index} must be an index or a number")
    if len(equation.indices) != sum(isinstance(index, Index) for index in equation.at):
        raise ProgramError(f"{equation}: an index stands twice in the target")
    _check_in_range(Access(equation, equation.target, equation.ranges), equation.tensor)


def _check_symbols(equation: Equation) -> None:
    """Whatever stands in the right-hand side is an index of the target, or a size."""
    unknown = _loose(equation.value, equation.indices)
    for symbol in sorted(unknown, key=str):
        read = next(
            (one for one in sorted(equation.value.atoms(Read), key=str) if symbol in one.free_symbols), None
        )
        where = f"{symbol} in {read}" if read else f"{symbol}"
        raise ProgramError(f"{equation}: {where} is an index without a range")


def _loose(expr: Any, known: tuple[Index, ...]) -> set[Symbol]:
    """The symbols in it that are neither sizes nor known; those that a node binds are its own."""
    if isinstance(expr, Symbol):
        return set() if isinstance(expr, Bound) or expr in known or expr.is_positive else {expr}
    found: set[Symbol] = set()
    for part in expr.args:
        if part.args or isinstance(part, Symbol):
            found |= _loose(part, known)
    return found


def _check_cases(equation: Equation, cases: Piecewise, _: Access) -> None:
    if cases.args[-1][1] != true:
        raise ProgramError(f"{equation}: {cases} has no value where none of its conditions holds")


def _check_conditions(equation: Equation, guard: Guard, _: Access) -> None:
    """Whatever stands in a condition is an affine index expression."""
    for one in guard.conditions:
        _whole(one.args[0], equation, "the condition ", one)


def _refuse(equation: Equation, node: Expr, _: Access) -> None:
    raise ProgramError(f"{equation}: {node} has an index of its own (write sum_over)")


def _whole(expr: Expr, equation: Equation, what: str, node: Any) -> Affine:
    """The index expression of the node; ProgramError says where it is none (text is made then only: it costs)."""
    try:
        return affine(expr)
    except ProgramError as wrong:
        raise ProgramError(f"{equation}: in {what}{node}, {wrong}") from None


def _check_read(access: Access, tensors: Mapping[str, Tensor]) -> None:
    equation, read = access.equation, access.read
    if read.name not in tensors:
        raise ProgramError(f"{equation}: nothing defines {read.name}, which it reads")
    own = tensors[read.name].indices
    if len(read.at) != len(own):
        raise ProgramError(f"{equation}: {read} has {counted(len(read.at))}, the tensor {len(own)}")
    for at in read.at:
        if not isinstance(at, Symbol):
            _whole(at, equation, "", read)
    _check_in_range(access, tensors[read.name])


# Ranges ----------------------------------------------------------------------------------------------------------


def _check_in_range(access: Access, tensor: Tensor) -> None:
    known = {symbol: (lower, upper) for symbol, lower, upper in access.ranges}
    ends = [(own.lower, own.upper) for own in tensor.indices]
    if all(known.get(at) == own for at, own in zip(access.read.at, ends, strict=True)):
        return
    box, certain = box_of(access.ranges), (*access.conditions, *_dependent(access))
    for at, own in zip(access.read.at, tensor.indices, strict=True):
        value, last = affine(at), affine(own.upper)
        inside = follows(value, certain, box) and follows(last - value, certain, box)
        if not (inside and is_whole(value, certain)):
            said = _leaving(access, tensor, box)
            if said is not None:
                raise ProgramError(f"{access.equation}: {said}")


def _dependent(access: Access) -> list[NonNegative]:
    """What holds for an index whose range depends on others: it is at least its lower, at most its upper end."""
    depending = [
        (symbol, end, sign)
        for symbol, lower, upper in access.ranges
        for end, sign in ((lower, 1), (upper, -1))
        if any(not size.is_positive for size in end.free_symbols)
    ]
    return [NonNegative((symbol - end) * sign) for symbol, end, sign in depending]


def _leaving(access: Access, tensor: Tensor, box: Box) -> str | None:
    """Where the read leaves the tensor; None where trying all points shows that it does not."""
    sizes = _sizes(access, tensor)
    if sizes or _points(box) > _MANY:
        for corner in _corners(access.read, tensor, box):
            if not access.conditions:
                return _said(access, tensor, corner, {})
    if not sizes and _points(box) > _MANY:
        return _unproved(access, tensor)
    for numbers in instances(sizes):
        for point in reached(access, numbers):
            if _outside(access.read, tensor, point):
                place = {symbol: Integer(value) for symbol, value in point.items()}
                return _said(access, tensor, place, numbers)
    return _unproved(access, tensor) if sizes else None


_MANY = 20_000
"""More points than this are not tried one by one."""


def _sizes(access: Access, tensor: Tensor) -> set[Symbol]:
    """The sizes that the read, its range or the tensor's depends on."""
    parts = [*access.read.at, *tensor.shape, *(one.args[0] for one in access.conditions)]
    parts += [end for _, *ends in access.ranges for end in ends]
    return {symbol for part in parts for symbol in part.free_symbols if symbol.is_positive}


def _points(box: Box) -> float:
    """At most how many points the box has, each size counted as without end."""
    count = 1.0
    for symbol in box:
        least, most = minimum(Affine(0, {symbol: 1}), box), minimum(Affine(0, {symbol: -1}), box)
        count *= inf if least is None or most is None else max(0, 1 - most - least)
    return count


def _corners(read: Read, tensor: Tensor, box: Box) -> Iterator[dict[Symbol, Expr]]:
    """Corners of the box at which the read is outside of the tensor, whatever the sizes are."""
    for at, own in zip(read.at, tensor.indices, strict=True):
        beyond = affine(at) - affine(own.upper)
        for value, end in ((beyond, 1), (affine(at), 0)):
            corner = _corner(value, box, end)
            extreme = affine(value.expr().xreplace(corner))
            if nonnegative((extreme if end else -extreme) - Affine(1, {}), {}):
                yield corner


def _corner(value: Affine, box: Box, end: int) -> dict[Symbol, Expr]:
    """The point of the box at which the value is least (end 0) or greatest (end 1); else the lowest."""
    ends: dict[Symbol, Affine] = {}
    for symbol in reversed(list(box)):
        ends[symbol] = box[symbol][
            end if value.coefficient(symbol) > 0 else 1 - end if value.coefficient(symbol) else 0
        ]
        value = value.put(symbol, ends[symbol])
    corner: dict[Symbol, Expr] = {}
    for symbol in box:
        corner[symbol] = ends[symbol].expr().xreplace(corner)
    return corner


def _outside(read: Read, tensor: Tensor, point: Mapping[Symbol, int]) -> bool:
    pairs = zip(read.at, tensor.indices, strict=True)
    numbers = [(number_at(affine(at), point), number_at(affine(own.upper), point)) for at, own in pairs]
    return any(not 0 <= number <= last or number % 1 for number, last in numbers)


def _said(access: Access, tensor: Tensor, place: Mapping[Symbol, Expr], sizes: Mapping[Symbol, int]) -> str:
    """x[i + 1] reads x[3] at i = 2, but x has indices 0 to 2"""
    read = access.read
    verb = "defines" if read == access.equation.target else "reads"
    element = Read(read.name, *(at.xreplace(dict(place)).expand() for at in read.at))
    used = {s: place[s] for s, *_ in access.ranges if any(s in at.free_symbols for at in read.at)}
    happens = (f" at {shown(used)}" if used else "") + (f" with {shown(sizes)}" if sizes else "")
    told = f"{read} {verb} {element}{happens}" if used else f"{verb} {read}{happens}"
    return f"{told}, but {_has(tensor)}"


def _unproved(access: Access, tensor: Tensor) -> str:
    return f"{access.read} is not certain to stay in its range (write a Guard around it): {_has(tensor)}"


def _has(tensor: Tensor) -> str:
    ranges = (f"0 to {index.upper}" for index in tensor.indices)
    return f"{tensor.name} has indices {' and '.join(ranges)}"


def _check_not_empty(equation: Equation, maximum: Maximum, place: Access) -> None:
    """Whether the maximum is over one value at least, wherever it is needed; what no point shows is left open."""
    if (maximum.upper - maximum.lower).is_nonnegative:
        return
    width, box = affine(maximum.upper - maximum.lower), box_of(place.ranges)
    sizes = {symbol for symbol in width.terms if symbol.is_positive} | _sizes(place, equation.tensor)
    if follows(width, (*place.conditions, *_dependent(place)), box) or (not sizes and _points(box) > _MANY):
        return
    for numbers in instances(sizes):
        for point in reached(place, numbers):
            if number_at(width, point) < 0:
                at = {symbol: point[symbol] for symbol in box}
                told = " with ".join(shown(one) for one in (at, numbers) if one)
                raise ProgramError(
                    f"{equation}: {maximum} is over an empty range" + (f" at {told}" if told else "")
                )


_CHECKS: dict[type, Callable[[Equation, Any, Access], None]] = {
    Maximum: _check_not_empty,
    Guard: _check_conditions,
    Piecewise: _check_cases,
    **dict.fromkeys((Sum, Product, Integral, Derivative, Subs), _refuse),
}
"""What is checked of a node; the access says for which elements of the target it is needed."""


# All equations of one tensor -------------------------------------------------------------------------------------


def _check_overlaps(parts: tuple[Equation, ...]) -> None:
    for first, second in combinations(parts, 2):
        if not any(map(_apart, first.at, second.at)):
            both = Read(first.tensor.name, *map(_common, first.at, second.at))
            raise ProgramError(f"{second}: defines {both}, which {first} defines already")


def _ends(index: Expr) -> tuple[Affine, Affine]:
    """The lowest and the highest value of a target's index."""
    return (affine(index.lower), affine(index.upper)) if isinstance(index, Index) else (affine(index),) * 2


def _apart(one: Expr, other: Expr) -> bool:
    """Whether two target indices never meet."""
    (low, high), (other_low, other_high) = _ends(one), _ends(other)
    step = Affine(-1, {})
    return nonnegative(other_low - high + step, {}) or nonnegative(low - other_high + step, {})


def _common(one: Expr, other: Expr) -> Expr:
    """The greater of the lowest values of two target indices."""
    low, other_low = _ends(one)[0], _ends(other)[0]
    return (low if nonnegative(low - other_low, {}) else other_low).expr()


def _check_complete(parts: tuple[Equation, ...]) -> None:
    """Whether the parts, which do not overlap, have as many elements as the tensor."""
    tensor = parts[0].tensor
    if len(parts) == 1 and all(map(_is_whole, parts[0].at, tensor.indices)):
        return
    defined = Add(*(Mul(*map(_extent, part.at)) for part in parts))
    if (defined - Mul(*tensor.shape)).expand() != 0:
        raise ProgramError(f"{parts[0]}: nothing defines {_missing(parts, tensor)}")


def _is_whole(at: Expr, own: Index) -> bool:
    return isinstance(at, Index) and (at.lower, at.upper) == (own.lower, own.upper)


def _extent(index: Expr) -> Expr:
    return index.upper - index.lower + 1 if isinstance(index, Index) else Integer(1)


def _missing(parts: tuple[Equation, ...], tensor: Tensor) -> str:
    """The first element that no part defines."""
    ends = [end for part in parts for at in part.at for end in _ends(at)]
    sizes = {symbol for end in ends for symbol in end.terms} | set().union(
        *(e.free_symbols for e in tensor.shape)
    )
    ranges = tuple((index, index.lower, index.upper) for index in tensor.indices)
    for numbers in instances(sizes):
        for point in points(ranges, numbers):
            at = [point[index] for index in tensor.indices]
            if not any(_defines(part, at, numbers) for part in parts):
                return f"{Read(tensor.name, *at)}" + (f" with {shown(numbers)}" if numbers else "")
    return f"some elements of {tensor.name}"


def _defines(part: Equation, at: list[int], sizes: Mapping[Symbol, int]) -> bool:
    ends = [[number_at(end, sizes) for end in _ends(index)] for index in part.at]
    return all(low <= value <= high for (low, high), value in zip(ends, at, strict=True))
