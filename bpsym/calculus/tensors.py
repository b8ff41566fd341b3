"""Tensors, the equations that define their elements, and the reads in them.

    z1[s,i] = sum_j W1[i,j] x[s,j] + b1[i]

is `Equation(z1, (s, i), sum_over(W1[i, j] * x[s, j], j) + b1[i])`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Basic, Derivative, Expr, Float, Integer, Piecewise, Subs, Symbol, SympifyError, sympify
from sympy.concrete.expr_with_limits import ExprWithLimits

from bpsym.calculus.nodes import Binder, Condition, Guard, Index, Maximum, Read
from bpsym.errors import ProgramError

Ranges = tuple[tuple[Symbol, Expr, Expr], ...]
"""(index, its lowest, its highest value); those of an index may depend on the ones before it."""


Node = tuple[Any, Ranges, tuple[Condition, ...]]
"""A node where it stands: for all values in the ranges at which the conditions hold."""


@dataclass(frozen=True)
class Origin:
    """Where a derived tensor comes from: the "adjoint", the "update" or an "element" of the tensor `of`.

    Of an element, `at` is its position (None where an axis is kept) and `inner` the origin of the whole tensor.
    """

    kind: str
    of: str
    at: tuple[Any, ...] = ()
    inner: Origin | None = None


@dataclass(frozen=True)
class Tensor:
    """A named array of real numbers; each index runs from 0. `role` means something to those who made it only."""

    name: str
    indices: tuple[Index, ...] = ()
    role: Any = None
    origin: Origin | None = None

    def __post_init__(self) -> None:
        for index in self.indices:
            if not isinstance(index, Index):
                raise ProgramError(f"tensor {self.name}: {index} is an index without a range (write Index)")
            if index.lower != 0:
                raise ProgramError(f"tensor {self.name}: index {index} must start at 0, not at {index.lower}")
            _check_extent(self, index)

    @property
    def shape(self) -> tuple[Expr, ...]:
        return tuple(index.upper + 1 for index in self.indices)

    @property
    def element(self) -> Read:
        """The element at the tensor's own indices."""
        return Read(self.name, *self.indices)

    @property
    def is_adjoint(self) -> bool:
        """Whether it is a derivative of the loss, or an element of one."""
        origin = self.origin
        if origin is not None and origin.kind == "element":
            origin = origin.inner
        return origin is not None and origin.kind == "adjoint"

    def __getitem__(self, at: Any) -> Read:
        at = at if isinstance(at, tuple) else (at,)
        if len(at) != len(self.indices):
            raise ProgramError(
                f"{self.name}[{', '.join(map(str, at))}]: the tensor has {counted(len(self.indices))}"
            )
        try:
            return Read(self.name, *at)
        except SympifyError:
            raise ProgramError(
                f"{self.name}[{', '.join(map(str, at))}]: an index is an Index or a whole number"
            ) from None


def counted(count: int) -> str:
    """1 index, 2 indices"""
    return "1 index" if count == 1 else f"{count} indices"


def _check_extent(tensor: Tensor, index: Index) -> None:
    if isinstance(index.upper, Integer):
        if index.upper.p < 0:
            raise ProgramError(f"tensor {tensor.name}: index {index} has no value (extent {index.upper + 1})")
        return
    if any(not symbol.is_positive for symbol in index.upper.free_symbols):
        raise ProgramError(f"tensor {tensor.name}: index {index} runs to {index.upper}, which is no size")
    if not index.upper.is_integer or index.upper.has(Float):
        raise ProgramError(
            f"tensor {tensor.name}: index {index} has the extent {index.upper + 1}, which is no whole number"
        )


@dataclass(frozen=True)
class Equation:
    """tensor[at] = value, for all values of the free indices in `at`.

    `slopes` are textbook forms of partial derivatives: (read, its derivative, which may read the target itself).
    """

    tensor: Tensor
    at: tuple[Expr, ...]
    value: Expr
    slopes: tuple[tuple[Read, Expr], ...] = ()

    def __post_init__(self) -> None:
        if not (isinstance(self.at, tuple) and all(isinstance(one, Basic) for one in (*self.at, self.value))):
            object.__setattr__(self, "at", tuple(sympify(index, strict=True) for index in self.at))
            object.__setattr__(self, "value", sympify(self.value, strict=True))

    @property
    def target(self) -> Read:
        return Read(self.tensor.name, *self.at)

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        """The free indices, in the order of the target."""
        return tuple(dict.fromkeys(index for index in self.at if isinstance(index, Index)))

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names of the tensors that the right-hand side reads, in order of first appearance."""
        return tuple(dict.fromkeys(access.read.name for access in self.accesses))

    @cached_property
    def accesses(self) -> tuple[Access, ...]:
        """Every read of the right-hand side, where it stands."""
        return tuple(
            Access(self, node, ranges, conditions)
            for node, ranges, conditions in self.nodes
            if isinstance(node, Read)
        )

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the right-hand side that are checked, with the ranges and the conditions around them."""
        return tuple(_nodes(self.value, self.ranges, ()))

    @property
    def ranges(self) -> Ranges:
        """Those of the free indices."""
        return tuple((index, index.lower, index.upper) for index in self.indices)

    def __str__(self) -> str:
        return f"{self.target} = {self.value}"


def reads(expr: Any) -> Iterator[Read]:
    """Every tensor read in the expression, sums opened by their bound index, as SymPy orders the parts."""
    if isinstance(expr, Read):
        yield expr
    elif not isinstance(expr, Condition):
        for part in expr.args:
            yield from reads(part)


@dataclass(frozen=True)
class Access:
    """A read where it stands in an equation: for all values in `ranges` at which `conditions` hold."""

    equation: Equation
    read: Read
    ranges: Ranges
    conditions: tuple[Condition, ...] = ()


_CHECKED = (Read, Maximum, Guard, Piecewise, ExprWithLimits, Derivative, Subs)


def _nodes(expr: Any, ranges: Ranges, conditions: tuple[Condition, ...]) -> Iterator[Node]:
    if isinstance(expr, _CHECKED):
        yield expr, ranges, conditions
    if isinstance(expr, Read):
        return
    parts = expr.args
    if isinstance(expr, Binder):
        parts, ranges = expr.args[:1], (*ranges, (expr.args[1], expr.lower, expr.upper))
    elif isinstance(expr, Guard):
        parts, conditions = expr.args[:1], (*conditions, *expr.conditions)
    for part in parts:
        yield from _nodes(part, ranges, conditions)
