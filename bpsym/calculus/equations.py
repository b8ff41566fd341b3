"""Programs: index equations over tensors, checked when they are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from sympy import S

from bpsym.calculus.checks import check
from bpsym.calculus.nodes import Guard, Index, IndexSum, Maximum, Read, rename_reads, sum_over
from bpsym.calculus.tensors import Equation, Origin, Tensor, reads
from bpsym.errors import ProgramError


@dataclass(frozen=True)
class Program:
    """Equations over tensors: every read in range, each element defined once, no circle that no index orders.

    ProgramError names the equation, the read and the index value at which something is wrong.
    """

    inputs: tuple[Tensor, ...]
    equations: tuple[Equation, ...]
    _by_name: dict[str, tuple[Equation, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check(self.equations)

    def _check(self, new: tuple[Equation, ...]) -> None:
        by_name: dict[str, tuple[Equation, ...]] = {}
        for equation in self.equations:
            by_name[equation.tensor.name] = (*by_name.get(equation.tensor.name, ()), equation)
        object.__setattr__(self, "_by_name", by_name)
        check(self.inputs, new, by_name)

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

    def leading_to(self, names: Iterable[str]) -> frozenset[str]:
        """The tensors that the named ones' values depend on, and these."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [read for equation in self.of(name) for read in equation.reads]
        return frozenset(found)

    def extended(self, equations: tuple[Equation, ...], inputs: tuple[Tensor, ...] = ()) -> Program:
        """The program with more inputs and equations after its own."""
        more = object.__new__(Program)  # its equations so far have been checked already
        object.__setattr__(more, "inputs", (*self.inputs, *inputs))
        object.__setattr__(more, "equations", (*self.equations, *equations))
        more._check(equations)
        return more

    def __str__(self) -> str:
        return "\n".join(map(str, self.equations))


def find(program: Program, kind: str, of: str) -> Tensor | None:
    """The tensor that was derived in this way ("adjoint", "update") from the tensor `of`."""
    for tensor in program.tensors.values():
        if tensor.origin is not None and (tensor.origin.kind, tensor.origin.of) == (kind, of):
            return tensor
    return None


__all__ = [
    "Equation",
    "Guard",
    "Index",
    "IndexSum",
    "Maximum",
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
