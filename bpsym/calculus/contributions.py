"""Local derivatives as records. Equations that are alike up to names are differentiated once, under blank names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sympy import Expr

from bpsym.calculus.equations import Equation, Origin, Program, Tensor
from bpsym.calculus.kinks import counted_text
from bpsym.calculus.nodes import Condition, Index, Read, rename_reads

PREFIX = "d"


def adjoint_name(name: str) -> str:
    """What the derivative of the loss by the tensor is called in a program."""
    return PREFIX + name


def free_prefix(program: Program) -> str:
    """d, or as many d as it takes that no adjoint is called like a tensor of the program (second derivatives)."""
    prefix = PREFIX
    while any(prefix + name in program.tensors for name in program.tensors):
        prefix += PREFIX
    return prefix


def adjoint(tensor: Tensor, value: Expr, prefix: str) -> Equation:
    """The derivative of the loss by the tensor, at all of its indices, is the value."""
    derived = replace(tensor, name=prefix + tensor.name, origin=Origin("adjoint", tensor.name))
    return Equation(derived, tensor.indices, value)


@dataclass(frozen=True)
class Contribution:
    """One local derivative: of `equation` by the element `read`, at one value of each of the indices `sums`.

    `slope` is d target / d read. It is the whole derivative where `conditions` hold, and 0 elsewhere.
    """

    equation: Equation
    read: Read
    slope: Expr
    sums: tuple[Index, ...] = ()
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Found:
    """A contribution of an equation under blank names, and whom these stand for in `equation`."""

    equation: Equation
    blank: Contribution
    term: Expr
    names: dict[str, str]

    @property
    def read(self) -> str:
        """The name of the tensor to whose adjoint it adds."""
        return self.names[self.blank.read.name]

    def added(self) -> Expr:
        """What it adds there."""
        term: Expr = rename_reads(self.term, self.names)
        return term

    def contribution(self) -> Contribution:
        """It under the equation's own names."""
        read, slope = (rename_reads(part, self.names) for part in (self.blank.read, self.blank.slope))
        return replace(self.blank, equation=self.equation, read=read, slope=slope)


Places = tuple[tuple[str, tuple[Index, ...]], ...]
"""The names of the tensors that an equation is about, each with the tensor's own indices."""

Differentiate = Callable[[Equation, Places], tuple[tuple[Contribution, Expr], ...]]
"""The local derivatives of an equation, each with what it adds to the adjoint of its read."""


def contributed(
    equation: Equation, program: Program, prefix: str, differentiate: Differentiate
) -> Iterator[Found]:
    """The equation's contributions: those of the equation under blank names, which `differentiate` remembers."""
    names = sorted({equation.tensor.name, *equation.reads}, key=counted_text)
    blank = {name: f"#{number}" for number, name in enumerate(names)}
    own = {number: name for name, number in blank.items()}
    own[adjoint_name(blank[equation.tensor.name])] = prefix + equation.tensor.name
    places = tuple((blank[name], program[name].indices) for name in names)
    for one, term in differentiate(_renamed(equation, blank), places):
        yield Found(equation, one, term, own)


def _renamed(equation: Equation, names: dict[str, str]) -> Equation:
    tensor = Tensor(names[equation.tensor.name], equation.tensor.indices)
    slopes = tuple((rename_reads(read, names), rename_reads(slope, names)) for read, slope in equation.slopes)
    return Equation(tensor, equation.at, rename_reads(equation.value, names), slopes)
