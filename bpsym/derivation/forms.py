"""What a step of a derivation is made of: small ordered records, because SymPy loses a teacher's order.

The ordered expressions themselves (sums, products, ...) are those of `notation.order`; here stand the forms that only
a derivation has, and the steps and sections that hold them. Nothing is text, nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from fractions import Fraction
from typing import Any

from bpsym.calculus.equations import Program
from bpsym.calculus.evaluate import Values
from bpsym.notation.order import (
    Call,
    Cases,
    Comparison,
    Element,
    Form,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Size,
    Sum,
    Summation,
)

Amount = Any
"""A number: a Fraction where it is exact, else an mpmath number."""


@dataclass(frozen=True)
class Partial:
    """d of / d by"""

    of: Form
    by: Form


@dataclass(frozen=True)
class Activated:
    """The output of a neuron where it stands for f(z): packs differ in whether f(z) or a is written."""

    layer: int
    before: Element
    after: Element


@dataclass(frozen=True)
class Applied:
    """f(argument), f the activation of the layer, of which `order` derivatives are taken."""

    layer: int
    activation: str
    argument: Form
    order: int = 0


@dataclass(frozen=True)
class Layer:
    """A whole tensor as one letter; of one sample where it has samples, or of any, which is a letter."""

    name: str
    sample: int | str = 0


@dataclass(frozen=True)
class Matrix:
    """Rows of forms; a column where each row has one."""

    rows: tuple[tuple[Form, ...], ...]


@dataclass(frozen=True)
class SumOver:
    """A sum in a general formula, over what is written below the sign."""

    index: str
    body: Form


@dataclass(frozen=True)
class Variable:
    """A letter that stands for any number, as in f'(z)."""

    name: str


@dataclass(frozen=True)
class Value:
    """A number in a sentence, unrounded; unlike: another one, from which it must differ in print too."""

    amount: Amount
    unlike: Amount | None = None


@dataclass(frozen=True)
class Step:
    """lhs = forms[0] = forms[1] ... = value.

    The line with numbers is the last form with numbers for its symbols; a printer makes it. `value` is unrounded
    (rows of numbers for a matrix), None where there are no numbers. `becomes`: an assignment, not an equation.
    `entries`: what a layer's letter stands for, row by row, so that a line too wide can be written out.
    `ranges`: for which indices it holds.
    """

    label: str
    lhs: Form
    forms: tuple[Form, ...]
    value: Any = None
    number: int = 0
    becomes: bool = False
    entries: tuple[tuple[Form, ...], ...] = ()
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True)
class Range:
    """What the letter of an index runs over: the units of a layer, all of them."""

    letter: str
    layer: int
    units: int


def components(step: Step) -> tuple[Step, ...]:
    """The step of a layer as one of the layer as a whole, in symbols, and one for each entry, with its numbers."""
    whole = (replace(step, forms=step.forms[:-1], value=None, entries=()),) if len(step.forms) > 1 else ()
    last = _entries(step.forms[-1])
    values = step.value if step.value is not None else tuple((None,) * len(row) for row in last)
    rows = zip(step.entries, last, values, strict=True)
    label = step.label if not whole else ""
    found = [Step("", lhs, (form,), value) for row in rows for lhs, form, value in zip(*row, strict=True)]
    found[0] = replace(found[0], label=label, number=0 if whole else step.number)
    return (*whole, *found)


def _entries(form: Form) -> tuple[tuple[Form, ...], ...]:
    """The entries of a matrix, or of a function of one."""
    if isinstance(form, Applied):
        return tuple(tuple(replace(form, argument=entry) for entry in row) for row in _entries(form.argument))
    rows: tuple[tuple[Form, ...], ...] = form.rows
    return rows


@dataclass(frozen=True)
class Equations:
    """Steps that stand together, aligned; `compact`: several sides of a step share a line where they fit."""

    steps: tuple[Step, ...]
    compact: bool = False


@dataclass(frozen=True)
class Remark:
    """A sentence: `key` names it among the phrases, `terms` is what is put in (forms, tuples of them, remarks).

    continues: whether it goes on in the paragraph of the sentence before.
    """

    key: str
    terms: Mapping[str, Any] = field(default_factory=dict)
    continues: bool = False


@dataclass(frozen=True)
class FirstOf:
    """In a sentence: the first few of more."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Cited:
    """Equations that a sentence names, in groups of such as follow each other: their numbers, as TeX counts them."""

    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Items:
    """Sentences, one below the other."""

    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Numerals:
    """Vectors and matrices with their numbers, as many beside each other as the page holds."""

    rows: tuple[tuple[Form, Any], ...]


@dataclass(frozen=True)
class SampleTable:
    """What each sample contributes to each gradient.

    columns: (what, its amount for each sample, what the penalties add or None, the gradient); `samples`: which are
    shown, from 0; mean: whether the samples' amounts are averaged; ends: keys of the words for the last two.
    """

    columns: tuple[tuple[Form, tuple[Amount, ...], Amount | None, Form, Amount], ...]
    samples: tuple[int, ...]
    mean: bool
    ends: tuple[str, str] = ("penalty", "gradient")

    @property
    def penalised(self) -> bool:
        """Whether penalties add to any of the gradients."""
        return any(penalty is not None for _, _, penalty, _, _ in self.columns)


@dataclass(frozen=True)
class SampleData:
    """What is given of each sample: (what, its number for each of the `samples`, from 0) columns; count: of all."""

    columns: tuple[tuple[Form, tuple[Amount, ...]], ...]
    samples: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class SymbolTable:
    """Rows of (symbols, key of what they mean, terms of that phrase)."""

    rows: tuple[tuple[tuple[Form, ...], str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Picture:
    """The network: for each layer its nodes; for each edge (to, from) between layers its weight."""

    nodes: tuple[tuple[Element, ...], ...]
    edges: tuple[tuple[tuple[Element, ...], ...], ...]


@dataclass(frozen=True)
class ValueTable:
    """Numbers without an operation: (what, its value) rows."""

    rows: tuple[tuple[Form, Any], ...]


@dataclass(frozen=True)
class Listing:
    """The place for a trainer's text; `target` is what it was generated for."""

    target: str
    text: str = ""


Block = (
    Equations
    | Remark
    | Items
    | Numerals
    | SampleData
    | SampleTable
    | SymbolTable
    | Picture
    | ValueTable
    | Listing
)


@dataclass(frozen=True)
class Section:
    """key names the heading among the phrases, with `variant` where the section has several.

    state: which of the derivation's values its symbols have.
    """

    key: str
    blocks: tuple[Block, ...]
    state: int = 0
    terms: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""

    @property
    def heading(self) -> str:
        return f"{self.key}_{self.variant}" if self.variant else self.key


@dataclass(frozen=True)
class Derivation:
    """All sections; `values[state]`: each element's unrounded number before, and after, one step of training.

    `marked`: whether symbols show their sample, because there are several. `citations`: (tensor, unit positions) ->
    the number of the equation that defines the element.
    """

    sections: tuple[Section, ...]
    values: tuple[Values, ...]
    program: Program
    marked: bool
    citations: Mapping[tuple[str, tuple[int, ...]], int]


ONE = Number(Fraction(1))


def product_of(*forms: Form) -> Form:
    """The forms' factors as one product, in which a factor 1 is not written; 1 where there is no other."""
    factors = [part for one in forms for part in (one.factors if isinstance(one, Product) else (one,))]
    written = tuple(factor for factor in factors if factor != ONE)
    return Product(written) if len(written) > 1 else (*written, ONE)[0]


def changed(form: Any, change: Callable[[Element], Any]) -> Any:
    """The form with change(element) for each of its elements."""
    if isinstance(form, Element):
        return change(form)
    if isinstance(form, tuple):
        return tuple(changed(part, change) for part in form)
    if not is_dataclass(form):
        return form
    parts = {each.name: changed(getattr(form, each.name), change) for each in fields(form)}
    return replace(form, **parts)  # type: ignore[type-var]


__all__ = [
    "ONE",
    "Activated",
    "Amount",
    "Applied",
    "Block",
    "Call",
    "Cases",
    "Cited",
    "Comparison",
    "Derivation",
    "Element",
    "Equations",
    "FirstOf",
    "Form",
    "Fraction",
    "Items",
    "Layer",
    "Listing",
    "Matrix",
    "Negative",
    "Number",
    "Numerals",
    "Partial",
    "Picture",
    "Power",
    "Product",
    "Quotient",
    "Range",
    "Remark",
    "SampleData",
    "SampleTable",
    "Section",
    "Size",
    "Step",
    "Sum",
    "SumOver",
    "Summation",
    "SymbolTable",
    "Value",
    "ValueTable",
    "Variable",
    "changed",
    "components",
    "product_of",
]
