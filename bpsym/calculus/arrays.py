"""Expressions over whole arrays. Each axis of an array has the index that runs along it.

    z[s,i] = sum_j W[i,j] x[s,j] + b[i]        x @ W.T + b
    dx[i]  = dd[i-1] where i >= 1, else 0      zeros, with dd in place of [1:]

An array expression can be written out again: `expanded` gives the index expression that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from sympy import Expr, Mul, Piecewise, Symbol, sympify

from bpsym.calculus.affine import Affine, affine, nonnegative
from bpsym.calculus.domains import back, conditions_of, indices_in, known_box, may_be_counted
from bpsym.calculus.nodes import Condition, FirstGreatest, Guard, Index, Maximum, NonNegative, Read, sum_over

Axes = tuple[Symbol, ...]


@dataclass(frozen=True)
class ArrayRead:
    """T[at], the places `at` affine in the axes: all of T, a slice of it, or what an array of indices picks."""

    name: str
    at: tuple[Expr, ...]
    axes: Axes


@dataclass(frozen=True)
class Scalar:
    """A number, or an expression in sizes."""

    value: Expr
    axes: Axes = ()


@dataclass(frozen=True)
class Ramp:
    """The values of an index, along its own axis."""

    axes: Axes


@dataclass(frozen=True)
class Transposed:
    """The array with its axes in another order."""

    array: Array
    axes: Axes


@dataclass(frozen=True)
class Spread:
    """The array with axes of length 1 where `axes` has an index that the array lacks."""

    array: Array
    axes: Axes


@dataclass(frozen=True)
class MatMul:
    """sum over `index` of left[..., index] right[index, ...]"""

    left: Array
    right: Array
    index: Index
    axes: Axes


@dataclass(frozen=True)
class Einsum:
    """sum over `indices` of the product of the arrays"""

    arrays: tuple[Array, ...]
    indices: tuple[Index, ...]
    axes: Axes

    @property
    def subscripts(self) -> str:
        """ab,cb->ac: a letter for each index."""
        every = dict.fromkeys(axis for one in self.arrays for axis in one.axes)
        letters = dict(zip(every, "abcdefghijklmnopqrstuvwxyz", strict=False))
        inputs = ",".join("".join(letters[axis] for axis in one.axes) for one in self.arrays)
        return f"{inputs}->{''.join(letters[axis] for axis in self.axes)}"


@dataclass(frozen=True)
class Reduced:
    """The sum (or what else `REDUCTIONS` has) along the axes of these indices, the innermost first."""

    reduction: str
    array: Array
    indices: tuple[Index, ...]
    axes: Axes


@dataclass(frozen=True)
class ArgMaxIs:
    """1 where `at` is the lowest value of the index at which the array is greatest, else 0.

    The array's other axes are some of `axes`, in the same order.
    """

    array: Array
    index: Index
    at: Expr
    axes: Axes


@dataclass(frozen=True)
class Bounded:
    """The array along its axis `box` as far as `index` runs, which depends on other axes; minus infinity beyond."""

    array: Array
    box: Index
    index: Index
    axes: Axes

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Box >= lower, upper >= box"""
        lower, upper = self.box - self.index.lower, self.index.upper - self.box
        return NonNegative(lower), NonNegative(upper)


@dataclass(frozen=True)
class Elementwise:
    """`function` of the arguments, which broadcast to `axes`."""

    function: Callable[..., Any]
    arguments: tuple[Array, ...]
    axes: Axes


@dataclass(frozen=True)
class Masked:
    """The array where all conditions hold, 0 elsewhere."""

    array: Array
    conditions: tuple[Condition, ...]
    axes: Axes


@dataclass(frozen=True)
class Indicator:
    """1 where all conditions hold, 0 elsewhere."""

    conditions: tuple[Condition, ...]
    axes: Axes


@dataclass(frozen=True)
class Placed:
    """Zeros, but for the elements [at], which are the array's; `at` is affine in the indices `inner`.

    The array broadcasts to the axes `inner`.
    """

    array: Array
    at: tuple[Expr, ...]
    inner: Axes
    axes: Axes


Array = (
    ArrayRead
    | Scalar
    | Ramp
    | Transposed
    | Spread
    | MatMul
    | Einsum
    | Reduced
    | ArgMaxIs
    | Bounded
    | Elementwise
    | Masked
    | Indicator
    | Placed
)


def maximum_over(body: Any, *indices: Index) -> Expr:
    """Maximum of `body` over the indices, the last one innermost."""
    for index in reversed(indices):
        body = Maximum(body, index, index.lower, index.upper)
    return sympify(body, strict=True)


REDUCTIONS: dict[str, Callable[..., Expr]] = {"sum": sum_over, "max": maximum_over}
"""What an axis may be reduced by, under NumPy's name for it: the node that stands for it."""


def cases(*parts: Any) -> Expr:
    """value, test, value, test, ... as a Piecewise."""
    return Piecewise(*zip(parts[::2], parts[1::2], strict=True))


def live(expr: Any, fixed: Iterable[Symbol] = ()) -> Axes:
    """The indices in an index expression that are not fixed."""
    return indices_in(expr.free_symbols, fixed)


def first_place(one: ArgMaxIs) -> Expr:
    """The value of the index at the array's first place along it."""
    inner = one.array.array if isinstance(one.array, Transposed) else one.array
    return inner.box.lower if isinstance(inner, Bounded) else one.index.lower


def spanned(one: Array) -> set[Symbol]:
    """The axes along which the array has an element for each value of the index, and not one for all of them."""
    if isinstance(one, Spread):
        return spanned(one.array)
    if isinstance(one, Elementwise):
        return set[Symbol]().union(*map(spanned, one.arguments))
    return set(one.axes)


# How a read picks its elements -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """Along one axis of a tensor: start, start + step, ..., for as many values as `index` has; one place if None."""

    start: Expr
    step: int = 0
    index: Index | None = None

    @property
    def last(self) -> Expr:
        return (
            self.start
            if self.index is None
            else self.start + self.step * (self.index.upper - self.index.lower)
        )


def slots(at: tuple[Expr, ...], axes: Axes) -> tuple[Slot, ...] | None:
    """The places as slices: each axis in one place of its own and in this order; None where they are none."""
    found, used = [], []
    for place in at:
        own = [axis for axis in axes if axis in place.free_symbols]
        if len(own) > 1:
            return None
        found.append(_slot(place, *own))
        used += own
    whole = all(slot is not None for slot in found) and tuple(used) == axes
    return tuple(slot for slot in found if slot is not None) if whole else None


def _slot(place: Expr, index: Any = None) -> Slot | None:
    if index is None:
        return Slot(place)
    value = affine(place)
    step = value.coefficient(index)
    if step < 0 and not may_be_counted(index):
        return None  # where the index has no value, the slice would not end before it begins
    start = value.put(index, affine(index.lower))
    fractions = (step, start.constant, *start.terms.values())
    return Slot(start.expr(), int(step), index) if all(part == int(part) for part in fractions) else None


def fits(at: tuple[Expr, ...], shape: tuple[Expr, ...]) -> bool:
    """Whether the places are certain to lie in a tensor of this shape (under a guard they need not)."""
    for place, extent in zip(at, shape, strict=True):
        box, value = known_box(place.free_symbols), affine(place)
        below_end = affine(extent) - value - Affine(1, {})
        if not (nonnegative(value, box) and nonnegative(below_end, box)):
            return False
    return True


# Written out again ---------------------------------------------------------------------------------------------


@singledispatch
def expanded(one: Any) -> Expr:
    """The index expression that the array expression stands for."""
    raise TypeError(type(one))


@expanded.register(ArrayRead)
def _(one: ArrayRead) -> Expr:
    return Read(one.name, *one.at)


@expanded.register(Scalar)
def _(one: Scalar) -> Expr:
    return sympify(one.value, strict=True)


@expanded.register(Ramp)
def _(one: Ramp) -> Expr:
    return one.axes[0]


@expanded.register(Transposed)
@expanded.register(Spread)
def _(one: Transposed | Spread) -> Expr:
    return expanded(one.array)


@expanded.register(MatMul)
def _(one: MatMul) -> Expr:
    return sum_over(expanded(one.left) * expanded(one.right), one.index)


@expanded.register(Einsum)
def _(one: Einsum) -> Expr:
    return sum_over(Mul(*map(expanded, one.arrays)), *reversed(one.indices))


@expanded.register(Reduced)
def _(one: Reduced) -> Expr:
    return REDUCTIONS[one.reduction](expanded(one.array), *reversed(one.indices))


@expanded.register(ArgMaxIs)
def _(one: ArgMaxIs) -> Expr:
    index = one.index
    return FirstGreatest(expanded(one.array), index, index.lower, index.upper, one.at)


@expanded.register(Bounded)
def _(one: Bounded) -> Expr:
    return expanded(one.array).xreplace({one.box: one.index})


@expanded.register(Elementwise)
def _(one: Elementwise) -> Expr:
    return one.function(*map(expanded, one.arguments))


@expanded.register(Masked)
def _(one: Masked) -> Expr:
    return Guard(expanded(one.array), *one.conditions)


@expanded.register(Indicator)
def _(one: Indicator) -> Expr:
    return Guard(1, *one.conditions)


@expanded.register(Placed)
def _(one: Placed) -> Expr:
    images = dict(zip(one.axes, one.at, strict=True))
    guards = [guard for axis, image in images.items() for guard in conditions_of(axis, image)]
    return Guard(back(expanded(one.array), images), *(back(guard, images) for guard in guards))


__all__ = [
    "REDUCTIONS",
    "ArgMaxIs",
    "Array",
    "ArrayRead",
    "Axes",
    "Bounded",
    "Einsum",
    "Elementwise",
    "Indicator",
    "Masked",
    "MatMul",
    "Placed",
    "Ramp",
    "Reduced",
    "Scalar",
    "Slot",
    "Spread",
    "Transposed",
    "cases",
    "expanded",
    "first_place",
    "fits",
    "live",
    "slots",
    "spanned",
]
