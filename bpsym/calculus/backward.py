"""The chain rule for index equations. There is no other rule of differentiation in bpsym.

For each equation Y[i] = f and each tensor T that f reads at T[e], e depending on i and on sum indices k:

    dC/dT[p]  =  sum over the equations, their reads, and all i, k with e(i,k) = p of   dC/dY[i] * df/dT[e(i,k)]

1. local slope:   df/dT[e], by SymPy, one read at a time;
2. contribution:  e(i,k) = p solved for the summed indices;
3. ranges:        what a solved index must fulfil, kept as a condition where it is not certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from sympy import Add, Dummy, Expr, S

from bpsym.calculus.contributions import (
    Contribution,
    Found,
    Places,
    adjoint,
    adjoint_name,
    contributed,
    free_prefix,
)
from bpsym.calculus.equations import Equation, Program
from bpsym.calculus.kinks import without_kinks
from bpsym.calculus.nodes import (
    AtGreatest,
    Binder,
    Condition,
    Guard,
    Index,
    IndexSum,
    Read,
    outermost,
    sum_over,
)
from bpsym.calculus.placeholders import placeholder
from bpsym.calculus.solving import is_plain, renamed_apart, solve
from bpsym.calculus.tensors import counted
from bpsym.errors import ProgramError


@dataclass(frozen=True)
class Backward:
    """The program with all adjoints appended, and the local derivatives that they were built from."""

    program: Program
    found: tuple[Found, ...]

    @cached_property
    def contributions(self) -> tuple[Contribution, ...]:
        """The local derivatives, in the order of the equations."""
        return tuple(one.contribution() for one in self.found)


def backward(program: Program, loss: str | None = None) -> Backward:
    """Append dC/dT for every tensor T; C is the scalar `loss`, else the last equation's target.

    dC/dT[p] = sum over the reads T[e] of each equation Y[i] = f: dC/dY[i] * df/dT[e], where e = p;
    0 where no read leads to C.
    """
    if loss is None:
        if not program.equations:
            raise ProgramError("a program without equations has no loss")
        loss = program.equations[-1].tensor.name
    if program[loss].indices:
        raise ProgramError(f"{loss} has {counted(len(program[loss].indices))}, a loss none: sum it over them")
    leading = program.leading_to([loss])
    prefix = free_prefix(program)
    found: list[Found] = []
    terms: dict[str, list[Expr]] = {name: [] for name in program.tensors}
    terms[loss].append(S.One)
    for equation in program.equations:
        if equation.tensor.name in leading:
            for one in contributed(equation, program, prefix, _contributed_once):
                found.append(one)
                terms[one.read].append(one.added())
    adjoints = [adjoint(program[name], Add(*terms[name]), prefix) for name in reversed(terms)]
    return Backward(program.extended(tuple(adjoints)), tuple(found))


@lru_cache(maxsize=4096)
def _contributed_once(equation: Equation, places: Places) -> tuple[tuple[Contribution, Expr], ...]:
    indices = dict(places)
    return tuple((one, _contribute(one, indices[one.read.name])) for one in local_derivatives(equation))


# 1. Local slopes ------------------------------------------------------------------------------------------------


def local_derivatives(equation: Equation) -> tuple[Contribution, ...]:
    """The slope d target / d read for each read of the equation; a declared textbook slope where there is one."""
    return tuple(
        Contribution(equation, read, slope, sums, conditions)
        for read, slope, sums, conditions in _slopes(equation.value, 1, dict(equation.slopes))
    )


_INERT = (Read, Binder, Guard, AtGreatest)


def _slopes(
    value: Expr, depth: int, declared: Mapping[Read, Expr]
) -> Iterator[tuple[Read, Expr, tuple[Index, ...], tuple[Condition, ...]]]:
    """Replace the outermost reads and sums by placeholders, differentiate by each, put them back.

    Where a placeholder stands for a sum, a maximum or a guarded term, go on inside and multiply.
    """
    places = {
        node: placeholder(number) for number, node in enumerate(dict.fromkeys(outermost(value, _INERT)))
    }
    nodes = {place: node for node, place in places.items()}
    asked = not places.keys() <= declared.keys()
    scalar = without_kinks(value.xreplace(places), nodes) if asked else S.Zero
    for node, place in places.items():
        slope = declared[node] if node in declared else _derivative(scalar, place).xreplace(nodes)
        if slope == 0:
            continue
        if isinstance(node, Read):
            yield node, slope, (), ()
            continue
        for way in node.ways(depth):
            for read, inner, more, conditions in _slopes(way.inside, depth + 1, {}):
                yield read, slope * way.slope * inner, way.sums + more, way.conditions + conditions


def _derivative(scalar: Expr, place: Dummy) -> Expr:
    """The derivative by a placeholder; SymPy's `diff` would ask of each result whether it is 0, half of all work."""
    return scalar._eval_derivative(place)


# 2. and 3. Contributions and their ranges ------------------------------------------------------------------------


def _contribute(one: Contribution, places: tuple[Index, ...]) -> Expr:
    """What the read adds to dC/dT[p], p the tensor's own indices `places`."""
    apart = renamed_apart((*one.equation.indices, *one.sums))
    upstream = Read(adjoint_name(one.equation.tensor.name), *one.equation.at)
    term = (upstream * one.slope).xreplace(apart)
    at = tuple(index.xreplace(apart) for index in one.read.at)
    summed = tuple(apart.values())
    conditions = tuple(condition.xreplace(apart) for condition in one.conditions)
    if is_plain(at, places, summed, conditions):
        place = dict(zip(at, places, strict=True))
        left = [index for index in summed if index not in place]
        return sum_over(term.xreplace(place), *left)
    solution = solve(at, places, summed, conditions)
    if solution is None:
        return S.Zero
    inner = Guard(term.xreplace(solution.values), *solution.inner)
    for symbol, lower, upper in reversed(solution.ranges):
        inner = IndexSum(inner, symbol, lower, upper)
    return Guard(inner, *solution.outer)


__all__ = ["Backward", "Contribution", "adjoint_name", "backward", "local_derivatives"]
