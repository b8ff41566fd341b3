"""Tensors, index equations and programs, checked when they are made.

    z1[s,i] = sum_j W1[i,j] x[s,j] + b1[i]

is `Equation(z1, (s, i), sum_over(W1[i, j] * x[s, j], j) + b1[i])`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Expr, S, Symbol, sympify

from bpsym.calculus.affine import Affine, affine, box_of, follows, nonnegative
from bpsym.calculus.nodes import Condition, Guard, Index, IndexSum, Read, rename_reads, sum_over
from bpsym.errors import ProgramError


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
            if (index.upper + 1).is_positive is False:
                raise ProgramError(
                    f"tensor {self.name}: index {index} has no value (extent {index.upper + 1})"
                )

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
                f"{self.name}[{', '.join(map(str, at))}]: the tensor has {len(self.indices)} indices"
            )
        return Read(self.name, *at)


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
        object.__setattr__(self, "at", tuple(sympify(index, strict=True) for index in self.at))
        object.__setattr__(self, "value", sympify(self.value, strict=True))

    @property
    def target(self) -> Read:
        return Read(self.tensor.name, *self.at)

    @property
    def indices(self) -> tuple[Index, ...]:
        """The free indices, in the order of the target."""
        return tuple(dict.fromkeys(index for index in self.at if isinstance(index, Index)))

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the tensors that the right-hand side reads, in order of first appearance."""
        return tuple(dict.fromkeys(read.name for read in reads(self.value)))

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
class Program:
    """Equations over tensors: every read defined and in range, each element defined once, no circle.

    ProgramError names the equation and what is wrong with it.
    """

    inputs: tuple[Tensor, ...]
    equations: tuple[Equation, ...]
    _by_name: dict[str, tuple[Equation, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, tuple[Equation, ...]] = {}
        for equation in self.equations:
            by_name[equation.tensor.name] = (*by_name.get(equation.tensor.name, ()), equation)
        object.__setattr__(self, "_by_name", by_name)
        _check(self)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Inputs first, then targets in the order of their equations."""
        named = {tensor.name: tensor for tensor in self.inputs}
        return named | {equation.tensor.name: equation.tensor for equation in self.equations}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise ProgramError(f"unknown tensor {name}")
        return self.tensors[name]

    def of(self, name: str) -> tuple[Equation, ...]:
        """The equations that define the tensor; none for an input."""
        return self._by_name.get(name, ())

    def equation(self, name: str) -> Equation:
        """The one equation that defines the tensor."""
        (equation,) = self.of(name)
        return equation

    def extended(self, equations: tuple[Equation, ...], inputs: tuple[Tensor, ...] = ()) -> Program:
        """The program with more inputs and equations after its own."""
        return Program((*self.inputs, *inputs), (*self.equations, *equations))

    def __str__(self) -> str:
        return "\n".join(map(str, self.equations))


def find(program: Program, kind: str, of: str) -> Tensor | None:
    """The tensor that was derived in this way ("adjoint", "update") from the tensor `of`."""
    for tensor in program.tensors.values():
        if tensor.origin is not None and (tensor.origin.kind, tensor.origin.of) == (kind, of):
            return tensor
    return None


def _check(program: Program) -> None:
    for given in program.inputs:
        if program.of(given.name):
            raise ProgramError(
                f"{program.of(given.name)[0]}: {given.name} is an input and has an equation too"
            )
    for name, tensor in program.tensors.items():
        for other in program.of(name):
            if other.tensor != tensor:
                raise ProgramError(f"{other}: {name} has two shapes or two roles")
    for equation in program.equations:
        _check_target(equation)
        _check_reads(program, equation, equation.value, _ranges(equation.indices), ())
    _check_overlaps(program)
    _check_circles(program)


def _ranges(indices: tuple[Index, ...]) -> tuple[tuple[Symbol, Expr, Expr], ...]:
    return tuple((index, index.lower, index.upper) for index in indices)


def _check_target(equation: Equation) -> None:
    if len(equation.at) != len(equation.tensor.indices):
        raise ProgramError(f"{equation}: {equation.tensor.name} has {len(equation.tensor.indices)} indices")
    for index in equation.at:
        if not isinstance(index, Index) and index.free_symbols:
            if isinstance(index, Symbol):
                raise ProgramError(f"{equation}: {index} is an index without a range (write Index)")
            raise ProgramError(f"{equation}: the target's index {index} must be an index or a number")
    if len(set(equation.indices)) != sum(isinstance(index, Index) for index in equation.at):
        raise ProgramError(f"{equation}: an index stands twice in the target")
    _check_in_range(equation, equation.target, equation.tensor, _ranges(equation.indices), ())


def _check_reads(
    program: Program,
    equation: Equation,
    expr: Any,
    ranges: tuple[Any, ...],
    conditions: tuple[Condition, ...],
) -> None:
    if isinstance(expr, Read):
        if expr.name not in program.tensors:
            raise ProgramError(f"{equation}: nothing defines {expr.name}, which it reads")
        tensor = program.tensors[expr.name]
        if len(expr.at) != len(tensor.indices):
            raise ProgramError(
                f"{equation}: {expr} has {len(expr.at)} indices, the tensor {len(tensor.indices)}"
            )
        _check_in_range(equation, expr, tensor, ranges, conditions)
    elif isinstance(expr, IndexSum):
        bound = expr.args[1]
        _check_reads(program, equation, expr.args[0], (*ranges, (bound, expr.lower, expr.upper)), conditions)
    elif isinstance(expr, Guard):
        _check_reads(program, equation, expr.body, ranges, (*conditions, *expr.conditions))
    elif isinstance(expr, Symbol):
        if not expr.is_positive and expr not in {symbol for symbol, *_ in ranges}:
            raise ProgramError(f"{equation}: {expr} is an index without a range")
    else:
        for part in expr.args:
            _check_reads(program, equation, part, ranges, conditions)


def _check_in_range(
    equation: Equation, read: Read, tensor: Tensor, ranges: tuple[Any, ...], conditions: tuple[Condition, ...]
) -> None:
    known = {symbol: (lower, upper) for symbol, lower, upper in ranges}
    for place, (at, own) in enumerate(zip(read.at, tensor.indices, strict=True)):
        if known.get(at) == (own.lower, own.upper):
            continue
        for symbol in sorted(at.free_symbols, key=str):
            if symbol not in known and not symbol.is_positive:
                raise ProgramError(f"{equation}: {symbol} in {read} is an index without a range")
        box, value = box_of(ranges), affine(at)
        below = follows(value, conditions, box)
        if not below or not follows(affine(own.upper) - value, conditions, box):
            what = "below 0" if not below else f"above {own.upper}"
            raise ProgramError(f"{equation}: index {place} of {read} can be {what}, outside {tensor.name}")


def _check_overlaps(program: Program) -> None:
    for name in program.tensors:
        parts = program.of(name)
        for number, first in enumerate(parts):
            for second in parts[number + 1 :]:
                if not any(map(_apart, first.at, second.at)):
                    raise ProgramError(f"{second}: defines elements of {name} that {first} defines already")


def _apart(one: Expr, other: Expr) -> bool:
    """Whether two target indices never meet."""

    def ends(index: Expr) -> tuple[Affine, Affine]:
        if isinstance(index, Index):
            return affine(index.lower), affine(index.upper)
        return affine(index), affine(index)

    (low, high), (other_low, other_high) = ends(one), ends(other)
    step = Affine(-1, {})
    return nonnegative(other_low - high + step, {}) or nonnegative(low - other_high + step, {})


def _check_circles(program: Program) -> None:
    """Refuse equations that read each other in a circle, unless an index orders them (a recurrence)."""
    state: dict[str, int] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        state[name] = 1
        for equation in program.of(name):
            for other in equation.reads:
                if state.get(other) == 1 and not _ordered(
                    program, (*path, name)[(*path, name).index(other) :]
                ):
                    raise ProgramError(f"{equation}: reads {other} in a circle that no index orders")
                if other not in state:
                    visit(other, (*path, name))
        state[name] = 2

    for name in program.tensors:
        if name not in state:
            visit(name, ())


def _ordered(program: Program, circle: tuple[str, ...]) -> bool:
    """Whether the offsets of the reads along some index add up to other than 0 around the circle."""
    totals: list[int] | None = None
    for name, after in zip(circle, (*circle[1:], circle[0]), strict=True):
        offsets: list[int] | None = None
        for equation in program.of(name):
            for read in reads(equation.value):
                if read.name == after:
                    steps = [_offset(target, at) for target, at in zip(equation.at, read.at, strict=False)]
                    offsets = (
                        steps
                        if offsets is None
                        else [a if a == b else 0 for a, b in zip(offsets, steps, strict=False)]
                    )
        offsets = offsets or []
        totals = offsets if totals is None else [a + b for a, b in zip(totals, offsets, strict=False)]
    return any(totals or ())


def _offset(target: Expr, at: Expr) -> int:
    difference = at - target
    return int(difference) if difference.is_Integer else 0


__all__ = [
    "Equation",
    "Guard",
    "Index",
    "IndexSum",
    "Origin",
    "Program",
    "Read",
    "S",
    "Tensor",
    "find",
    "reads",
    "rename_reads",
    "sum_over",
]
