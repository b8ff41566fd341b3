"""The forward pass and the loss."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from sympy import Add, Expr, Symbol

from bpsym.calculus.equations import Tensor
from bpsym.calculus.nodes import Read
from bpsym.derivation.called import called_trained, one_or_many
from bpsym.derivation.forms import (
    Applied,
    Block,
    Element,
    Equations,
    Form,
    Matrix,
    Negative,
    Number,
    Product,
    Quotient,
    Remark,
    Section,
    Step,
    Sum,
    Summation,
)
from bpsym.derivation.functions import activation, letter
from bpsym.derivation.numerals import numerals
from bpsym.derivation.opening import sample_loss, total_loss
from bpsym.derivation.samples import loss_table
from bpsym.derivation.setting import Setting
from bpsym.network import roles
from bpsym.network.losses import loss_of
from bpsym.notation.formulas import formula_form

MOST_TERMS = 6
"""A loss of more samples than this is shown as a sum over an index only."""


def forward(setting: Setting) -> Iterator[Section]:
    """Each layer as a matrix, as components, with numbers, with values; or with indices."""
    blocks: list[Block] = []
    for layer in setting.layers:
        blocks.append(Remark("into_layer", {"layer": layer}))
        if setting.indexed:
            z, a = (setting.tensor(kind, layer) for kind in (roles.PRE_ACTIVATION, roles.ACTIVATION))
            steps = (general(setting, f"z-{layer}", z), general(setting, f"a-{layer}", a))
            blocks += [Equations(steps), *numerals(setting, (z, a))]
        elif activation(setting, layer).is_layer_wide:
            blocks.append(
                Equations((_pre_activations(setting, layer), *_over_the_layer(setting, layer)), compact=True)
            )
        else:
            blocks.append(Equations((_pre_activations(setting, layer), _activations(setting, layer))))
    yield Section("forward", tuple(blocks))


def general(setting: Setting, label: str, tensor: Tensor) -> Step:
    """The tensor's equation at the letters of its indices."""
    read = setting.general(tensor)
    return Step(label, Element(read), (output(setting, read),), ranges=setting.ranges(tensor))


def output(setting: Setting, read: Read) -> Form:
    """The element's right-hand side; f(z) of an activation."""
    tensor = setting.program[read.name]
    layer = tensor.role.layer
    if tensor.role.kind == roles.SAMPLE_LOSS:
        return _loss_form(setting, read)
    if tensor.role.kind != roles.ACTIVATION or activation(setting, layer).is_layer_wide:
        return setting.form(read)
    before = Read(setting.tensor(roles.PRE_ACTIVATION, layer).name, *read.at)
    return Applied(layer, setting.activation(layer), Element(before))


def _pre_activations(setting: Setting, layer: int) -> Step:
    z, w = setting.tensor(roles.PRE_ACTIVATION, layer), setting.tensor(roles.WEIGHTS, layer)
    product: Form = Product((setting.layer(w), setting.layer(setting.tensor(roles.ACTIVATION, layer - 1))))
    if setting.has(roles.BIASES, layer):
        product = Sum((product, setting.layer(setting.tensor(roles.BIASES, layer))))
    components = Matrix(tuple((setting.form(read),) for read in setting.elements(z)))
    rows = setting.matrix(z).rows
    return Step(f"z-{layer}", setting.layer(z), (product, components), setting.amounts(z), entries=rows)


def _activations(setting: Setting, layer: int) -> Step:
    z, a = setting.tensor(roles.PRE_ACTIVATION, layer), setting.tensor(roles.ACTIVATION, layer)
    name = setting.activation(layer)
    forms: tuple[Form, ...] = tuple(
        Applied(layer, name, argument) for argument in (setting.layer(z), setting.matrix(z))
    )
    if activation(setting, layer).is_unspecified:
        forms = (Matrix(tuple((output(setting, read),) for read in setting.elements(a))),)
    return Step(f"a-{layer}", setting.layer(a), forms, setting.amounts(a), entries=setting.matrix(a).rows)


def _over_the_layer(setting: Setting, layer: int) -> Iterator[Step]:
    """The outputs of a function of the whole layer: in general, then one by one."""
    tensor = setting.tensor(roles.ACTIVATION, layer)
    read = letter(setting, roles.ACTIVATION, layer, tensor.indices[-1])
    yield Step(f"a-{layer}", Element(read), (setting.form(read),), ranges=setting.ranges(tensor))
    for one in setting.elements(tensor):
        yield Step("", Element(one), (setting.form(one),), setting.amount(one))


def loss(setting: Setting) -> Iterator[Section]:
    blocks: list[Block] = [Equations((_sample_loss(setting),))]
    total = total_loss(setting)
    if setting.whole_loss != "one":
        step = Step("total-loss", Element(total), _total_loss(setting), setting.amount(total))
        blocks += [Remark(f"loss_{setting.whole_loss}"), Equations((step,), compact=True)]
        if not _has_every_loss(setting):
            blocks += loss_table(setting, total)
    if setting.indexed and (setting.samples == 1 or not setting.whole):
        blocks += numerals(setting, (setting.tensor(roles.SAMPLE_LOSS),))
    if setting.trained():
        terms = {"loss": Element(total), "changed": called_trained(setting)}
        blocks.append(Remark(f"aim{one_or_many(setting, setting.trained())}", terms))
    yield Section("loss", tuple(blocks))


def _has_every_loss(setting: Setting) -> bool:
    """Whether the line of the whole loss has the numbers of all samples."""
    return not (setting.indexed or setting.names.penalised or setting.samples > MOST_TERMS)


def _sample_loss(setting: Setting) -> Step:
    tensor, read = setting.tensor(roles.SAMPLE_LOSS), sample_loss(setting)
    if setting.indexed:
        letter = setting.general(tensor)
        return Step("loss", Element(letter), (output(setting, letter),))
    return Step("loss", Element(read), (output(setting, read),), setting.amount(read))


def _loss_form(setting: Setting, read: Read) -> Form:
    """The loss of a sample in the order of its record: written out, or as a sum over the outputs."""
    record, layer = loss_of(setting.example.network.loss), setting.layers[-1]
    width = setting.names.widths[layer]

    def of_output(unit: Any) -> Form:
        names = {
            name: Element(Read(setting.tensor(kind, layer).name, *read.at, unit))
            for name, kind in (("a", roles.ACTIVATION), ("t", roles.TARGET))
        }
        return formula_form(record.formula, names)

    letters = (Symbol("k"),) if setting.indexed and width > 1 else tuple(range(width))
    terms = tuple(map(of_output, letters))
    negative = all(isinstance(term, Negative) for term in terms)
    if negative:
        terms = tuple(term.body for term in terms)
    total = _added(terms)
    if len(terms) < width:
        total = Summation("k", Number(Fraction(0)), Number(Fraction(width - 1)), layer, total)
    factor = formula_form(record.factor_formula, {"K": Number(Fraction(width))})
    whole = total if record.factor_of(width) == 1 else Product((factor, total))
    return Negative(whole) if negative else whole


def _added(terms: tuple[Form, ...]) -> Form:
    """The sum of what may be sums, without brackets."""
    if len(terms) == 1:
        return terms[0]
    return Sum(tuple(part for term in terms for part in (term.terms if isinstance(term, Sum) else (term,))))


def _total_loss(setting: Setting) -> tuple[Form, ...]:
    """As sums over an index; then written out, as far as there are few terms."""
    value: Expr = setting.equation(total_loss(setting)).value
    general, opened = setting.ordered(value), setting.opened(value)
    if setting.indexed or setting.samples > MOST_TERMS:
        return (general,)
    if setting.example.network.reduction == "sum" or setting.samples == 1:
        written = setting.written_out(opened)
        return tuple(dict.fromkeys((general, setting.ordered(written if _is_short(written) else opened))))
    tensor = setting.tensor(roles.SAMPLE_LOSS)
    terms = tuple(Element(Read(tensor.name, sample)) for sample in range(setting.samples))
    mean = Product((Quotient(Number(Fraction(1)), Number(Fraction(setting.samples))), Sum(terms)))
    return (general, Sum((mean, *general.terms[1:])) if isinstance(general, Sum) else mean)


def _is_short(expr: Expr) -> bool:
    return len(Add.make_args(expr)) <= MOST_TERMS


__all__ = ["forward", "loss", "output"]
