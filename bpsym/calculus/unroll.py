"""Index equations written out element by element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from sympy import Expr, Integer

from bpsym.calculus.equations import Equation, Origin, Program, Tensor
from bpsym.calculus.nodes import Binder, Condition, Guard, Index, Read
from bpsym.errors import ProgramError


def unroll(program: Program, keep: tuple[str, ...] = ()) -> Program:
    """The program with a tensor of its own for each element; axes whose index has a name in `keep` stay axes.

    The tensor of element (0, 1) of W is called `W[0,1]`, so that its adjoint and the element of W's adjoint share
    one name.
    """
    inputs = [element for tensor in program.inputs for element in elements(tensor, keep)]
    equations = [one for equation in program.equations for one in written_out(program, equation, keep)]
    return Program(tuple(inputs), tuple(equations))


def elements(tensor: Tensor, keep: tuple[str, ...] = ()) -> Iterator[Tensor]:
    """The tensor's elements in row order."""
    for at in _positions(tensor.indices, keep):
        yield _element(tensor, at)


def written_out(program: Program, equation: Equation, keep: tuple[str, ...] = ()) -> Iterator[Equation]:
    """One equation for each value of the free indices that are not kept."""
    free = equation.indices
    for values in _positions(free, keep):
        place = {index: value for index, value in zip(free, values, strict=True) if value is not index}
        at = tuple(index.xreplace(place) for index in equation.at)
        element = _element(
            equation.tensor, tuple(None if isinstance(index, Index) else index for index in at)
        )
        slopes = tuple(
            (
                _elementwise(program, read.xreplace(place), keep),
                _elementwise(program, slope.xreplace(place), keep),
            )
            for read, slope in equation.slopes
        )
        value = _elementwise(program, equation.value.xreplace(place), keep)
        yield Equation(element, tuple(index for index in at if isinstance(index, Index)), value, slopes)


def _positions(indices: tuple[Index, ...], keep: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    ranges = []
    for index in indices:
        if index.name in keep:
            ranges.append([index])
        elif not (index.lower.is_Integer and index.upper.is_Integer):
            raise ProgramError(
                f"index {index} runs from {index.lower} to {index.upper}: put a number in, or keep it"
            )
        else:
            ranges.append([Integer(value) for value in range(int(index.lower), int(index.upper) + 1)])
    return product(*ranges)


def _element(tensor: Tensor, at: tuple[Any, ...]) -> Tensor:
    """The tensor of one element; an entry of `at` that is no number keeps its axis."""
    fixed = tuple(int(entry) if isinstance(entry, Integer) else None for entry in at)
    if all(entry is None for entry in fixed) and fixed:
        return tensor
    kept = tuple(index for index, entry in zip(tensor.indices, fixed, strict=True) if entry is None)
    name = element_name(tensor.name, fixed) if fixed else tensor.name
    return replace(
        tensor, name=name, indices=kept, origin=Origin("element", tensor.name, fixed, tensor.origin)
    )


def element_name(name: str, at: tuple[int | None, ...]) -> str:
    """`W[0,1]`; a kept axis shows as `:`."""
    return f"{name}[{','.join(':' if entry is None else str(entry) for entry in at)}]"


def _elementwise(program: Program, expr: Any, keep: tuple[str, ...]) -> Any:
    """The expression with each read turned into a read of the element's own tensor, and sums written out."""
    if isinstance(expr, Read):
        own = program[expr.name].indices
        at = [None if index.name in keep else at for at, index in zip(expr.at, own, strict=True)]
        kept = [at for at, index in zip(expr.at, own, strict=True) if index.name in keep]
        return Read(_element(program[expr.name], tuple(at)).name, *kept)
    if isinstance(expr, Binder):
        return _written_out(program, expr, keep)
    if isinstance(expr, Guard):
        return Guard(_elementwise(program, expr.body, keep), *expr.conditions)
    if not expr.args or isinstance(expr, Condition):
        return expr
    return expr.func(*(_elementwise(program, part, keep) for part in expr.args))


def _written_out(program: Program, node: Binder, keep: tuple[str, ...]) -> Expr:
    def inside(body: Expr) -> Expr:
        return _elementwise(program, body, keep)

    if node.values() is None or _runs_over_kept(program, node, keep):
        return node.with_body(inside)
    return node.with_terms(inside)


def _runs_over_kept(program: Program, node: Binder, keep: tuple[str, ...]) -> bool:
    index, body = node.opened("'probe")
    return any(
        own.name in keep and at.has(index)
        for read in body.atoms(Read)
        for at, own in zip(read.at, program[read.name].indices, strict=True)
    )


def expanded_sums(expr: Any) -> Any:
    """The expression with every sum and maximum of known limits written out."""
    if isinstance(expr, Binder):
        return expr.with_body(expanded_sums) if expr.values() is None else expr.with_terms(expanded_sums)
    if not expr.args or isinstance(expr, Read):
        return expr
    return expr.func(*map(expanded_sums, expr.args))
