"""What every section of a derivation is written from: one network, one program, one sample in full."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from sympy import Add, Expr, Integer, S, Symbol

from bpsym.calculus.arithmetic import Undecided
from bpsym.calculus.cancellation import FINER, settled
from bpsym.calculus.equations import Equation, Program, Tensor, find
from bpsym.calculus.evaluate import Values
from bpsym.calculus.nodes import IndexSum, Read
from bpsym.derivation.chains import Chains
from bpsym.derivation.forms import Activated, Element, Form, Layer, Matrix, Product, Range, changed
from bpsym.derivation.real import NO_NUMBER
from bpsym.derivation.training import Numbers, OnDemand
from bpsym.derivation.worth import DIGITS, PRECISE, Lookup, decided, is_beyond, worth
from bpsym.errors import ProgramError
from bpsym.examples.example import Example
from bpsym.network import roles
from bpsym.network.activations import activation_of
from bpsym.network.forward import SAMPLES, parameters
from bpsym.notation.names import Names, Unit
from bpsym.notation.order import reading_order

MOST_PATHS = 40
"""With more chains than this in all, error terms take their place."""

MOST_OF_ONE = 8
"""The chains of a single parameter that is asked for are shown, as far as there are no more of them than this."""

MOST_LINES = 40
"""With more gradients of single parameters than this, equations are shown with indices."""

MOST_SAMPLES, FEW = 12, 3
"""Of more samples than this, the first few are shown, and the one that is computed in full."""

LARGEST = 10
"""The most rows, and columns, of a matrix whose numbers are shown in index form."""


@dataclass(frozen=True)
class Setting:
    """What a derivation is written of.

    program: forward, backward and update; forward: the equations as a person writes them; sample: the one (from 0)
    that is shown in full; weights: the code names of those that are shown in full however many there are;
    gradient_form: "auto", "scalar" or "index"; batch: the samples (from 0) of the first step, where it does not see
    all; given: the numbers of the example, which may be too few to compute anything.
    """

    example: Example
    names: Names
    program: Program
    forward: Program
    chains: Chains
    numbers: Numbers | None
    samples: int
    sample: int = 0
    weights: tuple[str, ...] = ()
    gradient_form: str = "auto"
    batch: tuple[int, ...] = ()
    given: Values = field(default_factory=dict)

    @cached_property
    def indexed(self) -> bool:
        """Whether equations are shown with indices, a layer at a time."""
        if self.gradient_form != "auto":
            return self.gradient_form == "index"
        return self.trained_count > MOST_LINES

    @property
    def trained_count(self) -> int:
        """How many numbers are trained."""
        return sum(prod(self.shape(tensor)) for tensor in self.trained())

    @cached_property
    def trained_kinds(self) -> tuple[str, ...]:
        """Of weights and biases, what is trained."""
        kinds = {tensor.role.kind for tensor in self.trained()}
        return tuple(kind for kind in (roles.WEIGHTS, roles.BIASES) if kind in kinds)

    @property
    def trained_words(self) -> str:
        """Which word there is for all that is trained: "weights" where it is nothing else, else "parameters".

        "weights_one", "parameters_one" where it is one number.
        """
        words = "weights" if self.trained_kinds == (roles.WEIGHTS,) else "parameters"
        return f"{words}_one" if self.trained_count == 1 else words

    @property
    def reduction(self) -> str:
        """How the loss of the whole comes from those of the samples: there is "one", or it is their "mean" or "sum"."""
        return self.example.network.reduction if self.samples > 1 else "one"

    @property
    def whole_loss(self) -> str:
        """The same, and whether a penalty is added."""
        return f"{self.reduction}_penalised" if self.names.penalised else self.reduction

    @cached_property
    def updates_in_turn(self) -> bool:
        """Whether a step depends on parameters that are updated before it, as in a sequential update."""
        return any(tensor.role.name == roles.SEQUENTIAL for tensor in self.program.tensors.values())

    @property
    def layers(self) -> range:
        """The layers that compute, the first one 1."""
        return range(1, len(self.example.network.layers) + 1)

    @property
    def before(self) -> OnDemand | None:
        return self.numbers.before if self.numbers else None

    @property
    def known(self) -> Values:
        """All numbers before training, or those that are given."""
        return self.given if self.before is None else self.before

    @property
    def whole(self) -> bool:
        """Whether there are numbers of all samples together, not only of the one that is shown."""
        return self.numbers is not None and self.numbers.whole

    def activation(self, layer: int) -> str:
        return self.example.network.layers[layer - 1].activation

    def shown(self, tensor: Tensor) -> tuple[Read, ...]:
        """The elements that have a line each: all of them, or the general one in index form."""
        return (self.general(tensor),) if self.indexed else self.elements(tensor)

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

    def base(self, gradient: Read) -> Tensor:
        """What the gradient is the derivative by."""
        origin = self.program[gradient.name].origin
        if origin is None:
            raise ProgramError(f"{gradient} is no derivative")
        return self.program[origin.of]

    def elements(self, tensor: Tensor) -> tuple[Read, ...]:
        """The tensor's elements in row order, those of the one sample where it has samples."""
        if tensor.name not in self._elements:
            ranges = [
                [self.sample] if index.name == SAMPLES else range(int(index.upper) + 1)
                for index in tensor.indices
            ]
            self._elements[tensor.name] = tuple(Read(tensor.name, *at) for at in product(*ranges))
        return self._elements[tensor.name]

    @cached_property
    def _elements(self) -> dict[str, tuple[Read, ...]]:
        return {}

    def element(self, tensor: Tensor, *units: int) -> Read:
        """The element at these units, of the one sample where the tensor has samples."""
        rest = iter(units)
        return Read(
            tensor.name, *(self.sample if index.name == SAMPLES else next(rest) for index in tensor.indices)
        )

    def general(self, tensor: Tensor) -> Read:
        """The element at the letters of its indices; at 0 where an index has no other value."""
        return Read(tensor.name, *(0 if index.upper == 0 else index for index in tensor.indices))

    def ranges(self, tensor: Tensor) -> tuple[Range, ...]:
        """What the letters of a general element's units run over."""
        return tuple(
            Range(index.name, layer, int(index.upper) + 1)
            for index, layer in zip(tensor.indices, tensor.role.axes, strict=True)
            if layer is not None and index.upper != 0
        )

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Rows and columns, the samples' axis left out."""
        plain = [int(index.upper) + 1 for index in tensor.indices if index.name != SAMPLES]
        return (*plain, *(1,) * (2 - len(plain)))

    def is_small(self, tensor: Tensor) -> bool:
        """Whether all of its numbers are shown."""
        return not self.indexed or max(self.shape(tensor)) <= LARGEST

    def rows(self, tensor: Tensor) -> tuple[tuple[Read, ...], ...]:
        """The tensor as rows: a vector is a column."""
        elements = self.elements(tensor)
        width = self.shape(tensor)[1]
        return tuple(elements[start : start + width] for start in range(0, len(elements), width))

    def form(self, read: Read) -> Form:
        """The right-hand side of the element's equation, in reading order.

        Sums are written out, but for those over samples; of a general element none is.
        """
        return self.ordered(self.value_of(read))

    def value_of(self, read: Read) -> Expr:
        """The right-hand side of the element's equation; sums over units are written out but for general elements."""
        value = self.value_at(read)
        return value if self._is_shown_in_general(read) else self.written_out(value)

    def value_at(self, read: Read) -> Expr:
        """The right-hand side of the element's equation as it is."""
        equation = self.equation(read)
        place = {index: value for index, value in zip(equation.at, read.at, strict=True) if index.is_Symbol}
        return equation.value.xreplace(place)

    def _is_shown_in_general(self, read: Read) -> bool:
        """Whether it stands for all elements of its tensor, also where that has only one."""
        return _is_general(read) or (self.indexed and read == self.general(self.program[read.name]))

    def written_out(self, expr: Any) -> Any:
        """The expression with each sum over units written out."""
        if isinstance(expr, IndexSum):
            if self._runs_over_samples(expr):
                index, body = expr.opened(f"'{expr.height}")
                return IndexSum(self.written_out(body), index, expr.lower, expr.upper)
            values = range(int(expr.lower), int(expr.upper) + 1)
            return Add(*(self.written_out(expr.open(Integer(value))) for value in values))
        if not expr.args or isinstance(expr, Read):
            return expr
        return expr.func(*map(self.written_out, expr.args))

    def _runs_over_samples(self, total: IndexSum) -> bool:
        index, body = total.opened("'probe")
        return any(
            at == index and own.name == SAMPLES
            for read in body.atoms(Read)
            for at, own in zip(read.at, self.program[read.name].indices, strict=True)
        )

    def opened(self, expr: Any, sample: int | Symbol | None = None) -> Any:
        """The expression with the term of one sample, or with all terms, for each sum over samples."""
        if isinstance(expr, IndexSum) and self._runs_over_samples(expr):
            terms = map(Integer, range(int(expr.upper) + 1)) if sample is None else [S(sample)]
            return Add(*(self.opened(expr.open(term), sample) for term in terms))
        if not expr.args or isinstance(expr, Read):
            return expr
        return expr.func(*(self.opened(part, sample) for part in expr.args))

    def has_adjoint(self, kind: str, layer: int) -> bool:
        return find(self.program, "adjoint", self.tensor(kind, layer).name) is not None

    def reached(self) -> list[int]:
        """The layers whose error terms some gradient needs."""
        return [layer for layer in self.layers if self.has_adjoint(roles.PRE_ACTIVATION, layer)]

    def paths_to(self, name: str) -> int:
        """How many chains lead to each element of a parameter: one through each unit of every later layer."""
        own = self.program[name].role.layer
        over_layers = [layer for layer in self.layers if layer >= own and self._is_layer_wide(layer)]
        return prod(self.names.widths[own + 1 :]) * prod(self.names.widths[layer] for layer in over_layers)

    def _is_layer_wide(self, layer: int) -> bool:
        return activation_of(self.activation(layer)).is_layer_wide

    def equation(self, read: Read) -> Equation:
        name = read.name
        return (self.forward if self.forward.of(name) else self.program).equation(name)

    def ordered(self, expr: Expr) -> Form:
        return reading_order(expr, self.program, opened=True)

    def activated(self, form: Form) -> Form:
        """The form with f(z) for each output of a neuron, for packs that write it so."""
        if isinstance(form, Product):
            return Product(
                tuple(part if self._has_target(part) else self._activated(part) for part in form.factors)
            )
        return self._activated(form)

    def _activated(self, form: Form) -> Form:
        return changed(form, self._as_function)

    def _as_function(self, element: Element) -> Form:
        tensor = self.program[element.read.name]
        if tensor.origin is not None or tensor.role.kind != roles.ACTIVATION:
            return element
        if self._is_layer_wide(tensor.role.layer):
            return element
        before = self.tensor(roles.PRE_ACTIVATION, tensor.role.layer)
        return Activated(tensor.role.layer, Element(Read(before.name, *element.read.at)), element)

    def _has_target(self, form: Form) -> bool:
        """Whether a target stands in the form: then it is the loss's slope, in which outputs stay outputs."""
        found: list[Element] = []

        def seen(element: Element) -> Element:
            if self.program[element.read.name].role.kind == roles.TARGET:
                found.append(element)
            return element

        changed(form, seen)
        return bool(found)

    @property
    def samples_shown(self) -> tuple[int, ...]:
        """The samples (from 0) that have a row in tables."""
        if self.samples <= MOST_SAMPLES:
            return tuple(range(self.samples))
        return tuple(sorted({*range(FEW), self.sample}))

    def matrix(self, tensor: Tensor) -> Matrix:
        return Matrix(tuple(tuple(Element(read) for read in row) for row in self.rows(tensor)))

    def layer(self, tensor: Tensor) -> Layer:
        return Layer(tensor.name, self.sample)

    def parameters(self) -> tuple[Tensor, ...]:
        return parameters(self.program)

    def trained(self) -> tuple[Tensor, ...]:
        """The parameters that are updated."""
        return tuple(one for one in self.parameters() if find(self.program, "update", one.name) is not None)

    def code(self, read: Read) -> str:
        """The element's name in code."""
        return self.names.code(self.program[read.name], tuple(map(int, units(self.program, read))))

    def amount(self, read: Read, values: Values | None = None) -> Any:
        """The element's number before training (or in `values`), None where there is none."""
        known = values if values is not None else self.before
        if known is None or _is_general(read) or not (self.whole or self._of_one_sample(read)):
            return None
        name, at = _place(read)
        return known[name][at]

    def start_of(self, read: Read) -> Any:
        """An input's number before training, None where it is not given."""
        if self.before is not None:
            return self.amount(read)
        name, at = _place(read)
        return self.given[name][at] if name in self.given else None

    def worth(self, form: Form) -> Any:
        """The form's number before training, None where there is none, or none that can be shown."""
        if self.before is None:
            return None
        try:
            found = settled(lambda digits: self._with_digits(worth, form, digits), DIGITS)
        except NO_NUMBER:  # as the slope of sqrt(z) at 0, which no gradient needs
            return None
        return None if is_beyond(found) else found

    def decided(self, form: Form) -> Form:
        """The form with the branch of each of its cases that the sample's numbers choose, where there are any."""
        for times in (1, *FINER) if self.before is not None else ():
            try:
                return self._with_digits(decided, form, DIGITS * times)
            except Undecided:
                continue
        return form

    def _with_digits(self, compute: Callable[[Form, Lookup], Any], form: Form, digits: int) -> Any:
        """What is computed from the form and the numbers before training with so many digits."""
        before = self.before
        if digits == DIGITS or before is None:
            return compute(form, lambda one: self.amount(one.read))
        with PRECISE.workdps(digits):
            return compute(form, lambda one: before.precisely(*_place(one.read), digits))

    def _of_one_sample(self, read: Read) -> bool:
        """Whether the number needs no other sample than its own."""
        tensor = self.program[read.name]
        return (tensor.origin is None and tensor.role.kind != roles.LOSS) or None in tensor.role.axes

    def amounts(self, tensor: Tensor, values: Values | None = None) -> Any:
        """The tensor's numbers, as rows."""
        rows = tuple(tuple(self.amount(read, values) for read in row) for row in self.rows(tensor))
        return None if rows[0][0] is None else rows

    def label(self, kind: str, read: Read) -> str:
        """A label's slug: lower case, digits and hyphens."""
        name = self.names.code(self.program[read.name]) if _is_general(read) else self.code(read)
        return slug(f"{kind}-{name}" if kind else name)


def _place(read: Read) -> tuple[str, tuple[int, ...]]:
    return read.name, tuple(int(index) for index in read.at)


def _is_general(read: Read) -> bool:
    return any(not at.is_Integer for at in read.at)


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def units(program: Program, read: Read) -> tuple[Unit, ...]:
    """The element's position without the samples' axis; an index by its letter."""
    own = program[read.name].indices
    return tuple(unit(at) for at, index in zip(read.at, own, strict=True) if index.name != SAMPLES)


def unit(at: Expr) -> Unit:
    return int(at) if at.is_Integer else str(at)


__all__ = [
    "FEW",
    "LARGEST",
    "MOST_LINES",
    "MOST_OF_ONE",
    "MOST_PATHS",
    "MOST_SAMPLES",
    "Setting",
    "slug",
    "unit",
    "units",
]
