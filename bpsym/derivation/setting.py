"""What every section of a derivation is written from: one network, one program, one sample in full."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

from sympy import Expr

from bpsym.calculus.equations import Equation, Program, Tensor, find
from bpsym.calculus.evaluate import Values
from bpsym.calculus.nodes import Read
from bpsym.calculus.unroll import expanded_sums
from bpsym.derivation.chains import Chains
from bpsym.derivation.forms import Activated, Element, Form, Layer, Matrix, Product
from bpsym.derivation.training import Numbers
from bpsym.errors import ProgramError
from bpsym.examples.example import Example
from bpsym.network import roles
from bpsym.network.forward import SAMPLES, parameters
from bpsym.notation.names import Names
from bpsym.notation.order import reading_order

MOST_PATHS = 40
"""With more chains than this in all, error terms take their place."""


@dataclass(frozen=True)
class Setting:
    """program: forward, backward and update; sample: the one (from 0) that is shown in full; weights: the code names
    of those whose chain is shown however many there are; gradient_form: "auto", "scalar" or "index".
    """

    example: Example
    names: Names
    program: Program
    chains: Chains
    numbers: Numbers | None
    samples: int
    sample: int = 0
    weights: tuple[str, ...] = ()
    gradient_form: str = "auto"

    @property
    def layers(self) -> range:
        """The layers that compute, the first one 1."""
        return range(1, len(self.example.network.layers) + 1)

    @property
    def before(self) -> Values | None:
        return self.numbers.before if self.numbers else None

    def activation(self, layer: int) -> str:
        return self.example.network.layers[layer - 1].activation

    @cached_property
    def _by_role(self) -> dict[tuple[str, int], Tensor]:
        return {(t.role.kind, t.role.layer): t for t in self.program.tensors.values() if t.origin is None}

    def tensor(self, kind: str, layer: int = 0) -> Tensor:
        """The network's tensor of this kind in this layer; the activations of layer 0 are the inputs."""
        if kind == roles.ACTIVATION and layer == 0:
            kind = roles.INPUT
        return self._by_role[kind, layer]

    def has(self, kind: str, layer: int) -> bool:
        return (kind, layer) in self._by_role

    def derived(self, kind: str, tensor: Tensor) -> Tensor:
        """The "adjoint" or "update" of the tensor."""
        found = find(self.program, kind, tensor.name)
        if found is None:
            raise ProgramError(f"{tensor.name} has no {kind}")
        return found

    def elements(self, tensor: Tensor) -> tuple[Read, ...]:
        """The tensor's elements in row order, those of the one sample where it has samples."""
        ranges = [
            [self.sample] if index.name == SAMPLES else range(int(index.upper) + 1)
            for index in tensor.indices
        ]
        return tuple(Read(tensor.name, *at) for at in product(*ranges))

    def element(self, tensor: Tensor, *units: int) -> Read:
        """The element at these units, of the one sample where the tensor has samples."""
        rest = iter(units)
        return Read(
            tensor.name, *(self.sample if index.name == SAMPLES else next(rest) for index in tensor.indices)
        )

    def rows(self, tensor: Tensor) -> tuple[tuple[Read, ...], ...]:
        """The tensor as rows: a vector is a column."""
        elements = self.elements(tensor)
        plain = [index for index in tensor.indices if index.name != SAMPLES]
        width = int(plain[1].upper) + 1 if len(plain) > 1 else 1
        return tuple(elements[start : start + width] for start in range(0, len(elements), width))

    def form(self, read: Read) -> Form:
        """The right-hand side of the element's equation, sums written out, in reading order."""
        return self.ordered(self.value_of(read))

    def value_of(self, read: Read) -> Expr:
        equation = self.equation(read)
        place = {index: value for index, value in zip(equation.at, read.at, strict=True) if index.is_Symbol}
        return expanded_sums(equation.value.xreplace(place))

    def equation(self, read: Read) -> Equation:
        return self.program.equation(read.name)

    def ordered(self, expr: Expr) -> Form:
        return reading_order(expr, self.program)

    def activated(self, form: Form) -> Form:
        """The form with f(z) for each output of a neuron, for packs that write it so."""
        outputs = {
            Element(after): Activated(layer, Element(before), Element(after))
            for layer in self.layers
            for before, after in zip(
                self.elements(self.tensor(roles.PRE_ACTIVATION, layer)),
                self.elements(self.tensor(roles.ACTIVATION, layer)),
                strict=True,
            )
        }
        if isinstance(form, Product):
            return Product(
                tuple(part if self._has_target(part) else replaced(part, outputs) for part in form.factors)
            )
        return replaced(form, outputs)

    def _has_target(self, form: Form) -> bool:
        """Whether a target stands in the form: then it is the loss's slope, in which outputs stay outputs."""
        last = len(self.layers)
        targets = {Element(read): None for read in self.elements(self.tensor(roles.TARGET, last))}
        return bool(replaced(form, targets) != form)

    def matrix(self, tensor: Tensor) -> Matrix:
        return Matrix(tuple(tuple(Element(read) for read in row) for row in self.rows(tensor)))

    def layer(self, tensor: Tensor) -> Layer:
        return Layer(tensor.name, self.sample)

    def parameters(self) -> tuple[Tensor, ...]:
        return parameters(self.program)

    def code(self, read: Read) -> str:
        """The element's name in code."""
        return self.names.code(self.program[read.name], units(self.program, read))

    def amount(self, read: Read, values: Values | None = None) -> Any:
        """The element's number before training (or in `values`), None where there are none."""
        known = values if values is not None else self.before
        return None if known is None else known[read.name][tuple(int(index) for index in read.at)]

    def amounts(self, tensor: Tensor) -> Any:
        """The tensor's numbers, as rows."""
        if self.before is None:
            return None
        return tuple(tuple(self.amount(read) for read in row) for row in self.rows(tensor))

    def label(self, kind: str, read: Read) -> str:
        """A label's slug: lower case, digits and hyphens."""
        return slug(f"{kind}-{self.code(read)}" if kind else self.code(read))


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def units(program: Program, read: Read) -> tuple[int, ...]:
    """The element's position without the samples' axis."""
    own = program[read.name].indices
    return tuple(int(at) for at, index in zip(read.at, own, strict=True) if index.name != SAMPLES)


def replaced(form: Any, rule: dict[Any, Any]) -> Any:
    """The form with each part that the rule lists replaced."""
    if form in rule:
        return rule[form]
    if isinstance(form, tuple):
        return tuple(replaced(part, rule) for part in form)
    if isinstance(form, Element) or not is_dataclass(form):
        return form
    parts = {each.name: replaced(getattr(form, each.name), rule) for each in fields(form)}
    return replace(form, **parts)  # type: ignore[type-var]


__all__ = ["MOST_PATHS", "Setting", "replaced", "slug", "units"]
