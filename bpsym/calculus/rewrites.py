"""Program -> Program, each with its proof in the tests: the tensors that are kept keep their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sympy import Expr, Mul

from bpsym.calculus.equations import Equation, Program
from bpsym.calculus.nodes import Binder, Index, IndexSum, Read
from bpsym.errors import ProgramError


def needed(program: Program, targets: Iterable[str]) -> Program:
    """The equations that the targets' values depend on, and all inputs."""
    wanted = program.leading_to(targets)
    return Program(program.inputs, tuple(one for one in program.equations if one.tensor.name in wanted))


def inline(program: Program, names: Iterable[str]) -> Program:
    """The program without these tensors: each read of one replaced by its right-hand side."""
    for name in names:
        definition = program.equation(name)
        if len(definition.indices) != len(definition.at):
            raise ProgramError(f"{definition}: only an equation for all elements can be put into others")
        program = Program(
            program.inputs,
            tuple(
                replace(one, value=put(one.value, definition))
                for one in program.equations
                if one.tensor.name != name
            ),
        )
    return program


def put(expr: Expr, definition: Equation) -> Expr:
    """The expression with the definition's right-hand side for each read of its target."""

    def replaced(read: Read) -> Expr:
        return definition.value.xreplace(dict(zip(definition.indices, read.at, strict=True)))

    return map_reads(expr, lambda read: replaced(read) if read.name == definition.tensor.name else read)


def map_reads(expr: Any, change: Callable[[Read], Expr]) -> Any:
    """The expression with change(read) for each read; sums and maxima are opened under names of their own."""
    if isinstance(expr, Read):
        return change(expr)
    if isinstance(expr, Binder):
        return expr.with_body(lambda body: map_reads(body, change))
    if not expr.args:
        return expr
    parts = [map_reads(part, change) for part in expr.args]
    return expr.func(*parts) if any(a is not b for a, b in zip(parts, expr.args, strict=True)) else expr


def pull_constants(expr: Any) -> Any:
    """sum_k c f[k] as c sum_k f[k], for factors c that do not depend on k."""
    if not expr.args or isinstance(expr, Read):
        return expr
    if isinstance(expr, Binder) and not isinstance(expr, IndexSum):
        return expr.with_body(pull_constants)
    if not isinstance(expr, IndexSum):
        return expr.func(*map(pull_constants, expr.args))
    index, body = expr.opened(f"'{expr.height}")
    body = pull_constants(body)
    inside = [factor for factor in Mul.make_args(body) if index in factor.free_symbols]
    outside = [factor for factor in Mul.make_args(body) if index not in factor.free_symbols]
    return Mul(*outside, IndexSum(Mul(*inside), index, expr.lower, expr.upper))


def rescale(program: Program, names: Iterable[str], factor: Expr) -> Program:
    """Each named tensor divided by `factor`; the others keep their values.

    Every tensor T of `names` stands for T / factor afterwards: reads get the factor, definitions lose it.
    """
    scaled = set(names)

    def value(one: Equation) -> Expr:
        raised = map_reads(one.value, lambda read: factor * read if read.name in scaled else read)
        raised = pull_constants(raised)
        return (raised / factor).expand(deep=False, mul=False) if one.tensor.name in scaled else raised

    return Program(program.inputs, tuple(replace(one, value=value(one)) for one in program.equations))


def constant_value(program: Program, name: str) -> Expr | None:
    """The tensor's value where it is the same for all elements and reads nothing, else None."""
    definition = program.equation(name)
    expr = definition.value
    free = any(isinstance(symbol, Index) for symbol in expr.free_symbols)
    return None if free or expr.has(Read) else expr
