"""An index equation as operations on whole arrays: products with transposes, elementwise operations, sums.

    z[s,i] = sum_j W[i,j] x[s,j] + b[i]        x @ W.T + b
    dW[i,j] = sum_s dz[s,i] x[s,j]             dz.T @ x

Each array expression knows which index each of its axes runs over, so that it can be written out again: `expanded`
gives back an index expression, and `contraction` returns only what expands to the equation it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from itertools import combinations
from typing import Any

from sympy import Expr, Mul, Piecewise, Symbol, sympify

from bpsym.calculus.equations import Equation
from bpsym.calculus.nodes import Index, IndexSum, Read, sum_over
from bpsym.calculus.rewrites import pull_constants
from bpsym.errors import ProgramError

Axes = tuple[Symbol, ...]


@dataclass(frozen=True)
class ArrayRead:
    """A whole tensor; axes: the index that each of its axes runs over."""

    name: str
    axes: Axes


@dataclass(frozen=True)
class Scalar:
    """A number, or an expression in sizes."""

    value: Expr
    axes: Axes = ()


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
class SumOver:
    """The sum along the axes of these indices."""

    array: Array
    indices: tuple[Index, ...]
    axes: Axes


@dataclass(frozen=True)
class Elementwise:
    """`function` of the arguments, which broadcast to `axes`."""

    function: Callable[..., Any]
    arguments: tuple[Array, ...]
    axes: Axes


Array = ArrayRead | Scalar | Transposed | Spread | MatMul | SumOver | Elementwise


def contraction(equation: Equation) -> Array:
    """The right-hand side as an array expression with the target's axes, proved by expansion.

    ProgramError where a read is shifted, repeated or at a number: such equations are for `unroll`.
    """
    found = aligned(array(pull_constants(equation.value), equation.indices), equation.indices)
    if normal(expanded(found)) != normal(equation.value):
        raise ProgramError(f"{equation}: no array expression for it")
    return found


def normal(expr: Expr) -> Expr:
    """The expression with constants pulled out of sums and common forms expanded, to compare it."""
    return pull_constants(expr).expand(deep=False)


def array(expr: Any, wanted: Axes, depth: int = 0) -> Array:
    """The expression as an array; axes come in the order of `wanted`, as far as that costs nothing."""
    if isinstance(expr, Read):
        return _read(expr)
    if isinstance(expr, IndexSum):
        return _sum(expr, wanted, depth)
    if not expr.args or not expr.has(Read):
        return Scalar(expr)
    if isinstance(expr, Piecewise):
        raise ProgramError(f"{expr} has cases")
    return _elementwise(expr.func, [array(part, wanted, depth) for part in expr.args], wanted)


def _read(read: Read) -> Array:
    if len(set(read.at)) != len(read.at) or not all(isinstance(at, Symbol) for at in read.at):
        raise ProgramError(f"{read} is no plain read")
    return ArrayRead(read.name, tuple(read.at))


def _elementwise(function: Callable[..., Any], arguments: list[Array], wanted: Axes) -> Array:
    """The widest argument's axes if it has all of them, else all in the order that is wanted, others last."""
    every = tuple(dict.fromkeys(index for one in arguments for index in one.axes))
    widest = max(arguments, key=lambda one: len(one.axes)).axes
    axes = widest if len(widest) == len(every) else tuple(sorted(every, key=lambda one: _place(one, wanted)))
    return Elementwise(function, tuple(aligned(one, axes) for one in arguments), axes)


def _place(index: Symbol, wanted: Axes) -> int:
    return wanted.index(index) if index in wanted else len(wanted)


def aligned(one: Array, axes: Axes) -> Array:
    """The array with these axes, as far as broadcasting does not do that by itself."""
    order = tuple(index for index in axes if index in one.axes)
    if order != one.axes:
        one = one.array if isinstance(one, Transposed) and one.array.axes == order else Transposed(one, order)
    if order == axes[len(axes) - len(order) :]:
        return one
    first = axes.index(order[0])
    return Spread(one, axes[first:])


def _sum(total: IndexSum, wanted: Axes, depth: int) -> Array:
    """A matrix product where the summand is a product of two groups of factors, else a sum along axes."""
    index, body = total.opened(f"k{depth}")
    factors = [array(factor, wanted, depth + 1) for factor in Mul.make_args(body)]
    plain = [factor for factor in factors if index not in factor.axes]
    summed = _summed([factor for factor in factors if index in factor.axes], index, wanted)
    return _elementwise(Mul, [*plain, summed], wanted) if plain else summed


def _summed(factors: list[Array], index: Index, wanted: Axes) -> Array:
    for count in range(len(factors) - 1, 0, -1):
        for chosen in combinations(range(len(factors)), count):
            left = _joined([factor for place, factor in enumerate(factors) if place in chosen], wanted)
            right = _joined([factor for place, factor in enumerate(factors) if place not in chosen], wanted)
            if _multiplies(left, right, index):
                return _matmul(left, right, index, wanted)
    whole = _joined(factors, wanted)
    axes = _without(whole.axes, index)
    if isinstance(whole, SumOver):
        return SumOver(whole.array, (*whole.indices, index), axes)
    return SumOver(whole, (index,), axes)


def _joined(factors: list[Array], wanted: Axes) -> Array:
    return factors[0] if len(factors) == 1 else _elementwise(Mul, factors, wanted)


def _without(axes: Axes, index: Symbol) -> Axes:
    return tuple(axis for axis in axes if axis != index)


def _multiplies(left: Array, right: Array, index: Index) -> bool:
    """Whether the two share the index and no other one, and are matrices or vectors."""
    return set(left.axes) & set(right.axes) == {index} and len(left.axes) <= 2 and len(right.axes) <= 2


def _matmul(left: Array, right: Array, index: Index, wanted: Axes) -> Array:
    """The product whose axes stand as wanted: x @ W.T for [s,i], dz.T @ x for [i,j]."""
    first, second = ([_place(axis, wanted) for axis in _without(one.axes, index)] for one in (left, right))
    if first > second:
        left, right = right, left
    left = aligned(left, (*_without(left.axes, index), index))
    right = aligned(right, (index, *_without(right.axes, index)))
    return MatMul(left, right, index, (*_without(left.axes, index), *_without(right.axes, index)))


# Written out again ---------------------------------------------------------------------------------------------


@singledispatch
def expanded(one: Any) -> Expr:
    """The index expression that the array expression stands for."""
    raise TypeError(type(one))


@expanded.register(ArrayRead)
def _(one: ArrayRead) -> Expr:
    return Read(one.name, *one.axes)


@expanded.register(Scalar)
def _(one: Scalar) -> Expr:
    return sympify(one.value, strict=True)


@expanded.register(Transposed)
@expanded.register(Spread)
def _(one: Transposed | Spread) -> Expr:
    return expanded(one.array)


@expanded.register(MatMul)
def _(one: MatMul) -> Expr:
    return pull_constants(sum_over(expanded(one.left) * expanded(one.right), one.index))


@expanded.register(SumOver)
def _(one: SumOver) -> Expr:
    return sum_over(expanded(one.array), *reversed(one.indices))


@expanded.register(Elementwise)
def _(one: Elementwise) -> Expr:
    return one.function(*map(expanded, one.arguments))


__all__ = ["Array", "contraction", "expanded"]
