"""Program -> Program, each with its proof in the tests: the tensors that are kept keep their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sympy import Add, Expr, Mul

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
        if one.tensor.name not in scaled:
            return raised
        return Add(*((term / factor).expand(deep=False, mul=False) for term in Add.make_args(raised)))

    return Program(program.inputs, tuple(replace(one, value=value(one)) for one in program.equations))


def constant_value(program: Program, name: str) -> Expr | None:
    """The tensor's value where it is the same for all elements and reads nothing, else None."""
    definition = program.equation(name)
    expr = definition.value
    free = any(isinstance(symbol, Index) for symbol in expr.free_symbols)
    return None if free or expr.has(Read) else expr


def split_sums(expr: Any) -> Any:
    """sum_k (c f[k] + g[k]) as c sum_k f[k] + sum_k g[k], products multiplied out."""
    if not expr.args or isinstance(expr, Read):
        return expr
    if not isinstance(expr, IndexSum):
        parts = expr.func(*map(split_sums, expr.args))
        return parts.expand(deep=False) if isinstance(parts, Mul) else parts
    index, body = expr.opened(f"'{expr.height}")
    terms = Add.make_args(split_sums(body).expand(deep=False))
    apart = [term for term in terms if _has_constant(term, index)]
    rest = Add(*(term for term in terms if term not in apart))
    return Add(*(pull_constants(IndexSum(term, index, expr.lower, expr.upper)) for term in (*apart, rest)))


def _has_constant(term: Expr, index: Index) -> bool:
    """Whether a factor of the term, other than a number, does not depend on the index."""
    return any(index not in factor.free_symbols and not factor.is_number for factor in Mul.make_args(term))


def common_factors_out(expr: Expr) -> Expr:
    """A x - a y as a (x - y)"""
    terms = [Mul.make_args(term) for term in Add.make_args(expr)]
    shared = [factor for factor in terms[0] if not factor.is_number and all(factor in term for term in terms)]
    if len(terms) < 2 or not shared:
        return expr
    common = Mul(*shared)
    return common * Add(*(Mul(*term) / common for term in terms))
