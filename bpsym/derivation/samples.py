"""All samples side by side: what is given of each, its loss, what it contributes to a gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from sympy import Add, Expr, Symbol

from bpsym.calculus.equations import Tensor
from bpsym.calculus.nodes import IndexSum, Read
from bpsym.derivation.forms import (
    Amount,
    Block,
    Element,
    Form,
    Layer,
    Numerals,
    Partial,
    Remark,
    SampleData,
    SampleTable,
)
from bpsym.derivation.setting import FEW, LARGEST, Setting
from bpsym.network import roles

S = Symbol("s")
"""The letter of any sample."""

MOST_ENTRIES = 600
"""With more numbers than this in the contributions of the samples, only those of the sample in full are shown."""


def of_sample(read: Read, sample: Any) -> Read:
    """The same element of another sample: samples are the first index."""
    return Read(read.name, sample, *read.at[1:])


def _remark(setting: Setting, key: str, ending: str = "") -> Remark:
    """The sentence before a table, as many samples as it has: `key`, and how many of them it shows, and the ending."""
    terms = {"samples": setting.samples, "shown": len(setting.samples_shown)}
    return Remark("_".join(filter(None, (key, _part(setting), ending))), terms)


def _part(setting: Setting) -> str:
    shown = setting.samples_shown
    if len(shown) == setting.samples:
        return "both" if setting.samples == 2 else ""
    return "few" if len(shown) == FEW else "some"


def _reduction(setting: Setting) -> str:
    return setting.reduction


# What is given, and the losses -----------------------------------------------------------------------------------


def samples_given(setting: Setting) -> Iterator[Block]:
    """Inputs and targets of each sample, where there are several and few enough of both."""
    data = setting.example.data
    if data is None or setting.samples == 1:
        return
    kinds = (
        (setting.tensor(roles.INPUT), data.x),
        (setting.tensor(roles.TARGET, setting.layers[-1]), data.t),
    )
    columns = [
        (Element(of_sample(read, S)), tuple(rows[sample][unit] for sample in setting.samples_shown))
        for tensor, rows in kinds
        if rows is not None
        for unit, read in enumerate(setting.elements(tensor))
    ]
    if max(setting.names.widths[0], setting.names.widths[-1]) <= LARGEST:
        yield _remark(setting, "samples_given")
        yield SampleData(tuple(columns), setting.samples_shown, setting.samples)


def loss_table(setting: Setting, total: Read) -> Iterator[Block]:
    """The loss of each sample, and of the whole."""
    if setting.samples == 1 or not setting.whole:
        return
    read = Read(setting.tensor(roles.SAMPLE_LOSS).name, S)
    each = tuple(setting.amount(of_sample(read, sample)) for sample in range(setting.samples))
    column = (Element(read), each, _penalty(setting, total), Element(total), setting.amount(total))
    yield _remark(setting, "losses", _reduction(setting))
    ends = ("penalty_itself", "loss")
    yield SampleTable((column,), setting.samples_shown, _reduction(setting) == "mean", ends)


# What each contributes -------------------------------------------------------------------------------------------


def contribution_table(setting: Setting, gradients: Sequence[Read]) -> Iterator[Block]:
    """What each sample contributes to these gradients: a column for each of them."""
    if not setting.whole:
        return
    columns = tuple(_column(setting, read) for read in gradients)
    new = any(_is_sequential(setting, read) for read in gradients)
    table = SampleTable(columns, setting.samples_shown, _reduction(setting) == "mean")
    ending = _reduction(setting) + ("_penalised" if table.penalised else "")
    yield Remark("sample_by_sample") if new else _remark(setting, "contributions", ending)
    yield table


def _column(setting: Setting, read: Read) -> tuple[Any, ...]:
    each = tuple(_contributed(setting, read, sample) for sample in range(setting.samples))
    return _head(setting, read), each, _penalty(setting, read), Element(read), setting.amount(read)


def _head(setting: Setting, gradient: Read) -> Form:
    """The derivative of any sample's loss; with new parameters it is none, and stands as the product that it is."""
    if _is_sequential(setting, gradient):
        return setting.ordered(contribution(setting, gradient, S))
    return sample_partial(setting, gradient, S)


def _is_sequential(setting: Setting, gradient: Read) -> bool:
    """Whether it is made with new parameters: then it is no derivative of the loss."""
    return bool(setting.program[gradient.name].role.name == roles.SEQUENTIAL)


def contribution_matrices(setting: Setting, gradients: Sequence[Tensor]) -> Iterator[Block]:
    """The same where there are too many for columns: a matrix for each sample and layer, as far as they are small."""
    small = [one for one in gradients if setting.is_small(one)]
    if setting.samples == 1 or not setting.whole or not small:
        return
    shown, entries = setting.samples_shown, sum(prod(setting.shape(one)) for one in small)
    if len(shown) * entries > MOST_ENTRIES:
        shown = (setting.sample,)
    for sample in shown:
        yield Remark("contribution_lead", {"sample": sample + 1})
        yield Numerals(tuple(_matrix_row(setting, one, sample) for one in small))
    penalised = any(_penalty(setting, setting.elements(one)[0]) is not None for one in small)
    yield Remark(f"contributions_{'penalised_' if penalised else ''}{_reduction(setting)}_is_gradient")


def each_sample(setting: Setting, tensor: Tensor) -> Iterator[Block]:
    """The numbers of a layer's units for each sample, as far as there are few."""
    if not setting.whole or not setting.is_small(tensor):
        return
    shown = setting.samples_shown
    if len(shown) * len(setting.elements(tensor)) > MOST_ENTRIES:
        shown = (setting.sample,)
    yield Numerals(tuple(_vector_row(setting, tensor, sample) for sample in shown))


def _vector_row(setting: Setting, tensor: Tensor, sample: int) -> tuple[Form, Any]:
    reads = [of_sample(read, sample) for read in setting.elements(tensor)]
    form = Layer(tensor.name, sample) if len(reads) > 1 else Element(reads[0])
    return form, tuple((setting.amount(read),) for read in reads)


def _matrix_row(setting: Setting, gradient: Tensor, sample: int) -> tuple[Form, Any]:
    elements = setting.elements(gradient)
    by = setting.base(elements[0])
    whole: Form = setting.layer(by) if len(elements) > 1 else Element(_parameter(setting, elements[0]))
    loss = Element(Read(setting.tensor(roles.SAMPLE_LOSS).name, sample))
    rows = setting.rows(gradient)
    amounts = tuple(tuple(_contributed(setting, read, sample) for read in row) for row in rows)
    return Partial(loss, whole), amounts


def sample_partial(setting: Setting, gradient: Read, sample: Any) -> Partial:
    """D of the sample's loss / d by the gradient's parameter."""
    of = Read(setting.tensor(roles.SAMPLE_LOSS).name, sample)
    return Partial(Element(of), Element(_parameter(setting, gradient)))


def _parameter(setting: Setting, gradient: Read) -> Read:
    return Read(setting.base(gradient).name, *gradient.at)


def _contributed(setting: Setting, gradient: Read, sample: int) -> Amount:
    return setting.worth(setting.ordered(contribution(setting, gradient, sample)))


def contribution(setting: Setting, gradient: Read, sample: Any) -> Expr:
    """D of the sample's own loss / d by the parameter."""
    sums, _ = _split(_written_out(setting, gradient))
    opened = setting.opened(sums, sample)
    return opened * setting.samples if _reduction(setting) == "mean" else opened


def _penalty(setting: Setting, read: Read) -> Amount | None:
    """What the penalties add to the loss, or to a gradient."""
    _, rest = _split(_written_out(setting, read))
    return None if rest == 0 else setting.worth(setting.ordered(rest))


def _written_out(setting: Setting, read: Read) -> Expr:
    return setting.written_out(setting.value_at(read))


def _split(value: Expr) -> tuple[Expr, Expr]:
    """What depends on samples, and what does not."""
    terms = Add.make_args(value)
    sums = [term for term in terms if term.has(IndexSum)]
    return Add(*sums), Add(*(term for term in terms if term not in sums))


__all__ = [
    "contribution",
    "contribution_matrices",
    "contribution_table",
    "each_sample",
    "loss_table",
    "sample_partial",
    "samples_given",
]
