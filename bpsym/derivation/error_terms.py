"""Error terms, defined once each, layer by layer; gradients as an error term times what enters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Add, Expr, Integer, preorder_traversal

from bpsym.calculus.backward import adjoint_name
from bpsym.calculus.equations import Tensor
from bpsym.calculus.nodes import IndexSum, Read
from bpsym.derivation.forms import (
    Block,
    Cited,
    Element,
    Equations,
    Form,
    Partial,
    Remark,
    Section,
    Step,
    product_of,
)
from bpsym.derivation.functions import activation, slope_at, slope_form, without_slope
from bpsym.derivation.gradients import every_chain, inset, singles, trained_of
from bpsym.derivation.numerals import numerals, without_number
from bpsym.derivation.opening import is_shared, of_kind, sample_loss
from bpsym.derivation.output_layer import cancelled, over_the_layer
from bpsym.derivation.samples import contribution, contribution_matrices, contribution_table, sample_partial
from bpsym.derivation.setting import Setting
from bpsym.network import roles


def error_terms(setting: Setting) -> Iterator[Section]:
    """Delta of each node, from the output back; each gradient as an error term times what enters."""
    blocks: list[Block] = [Remark("error_terms_lead" if every_chain(setting) else "error_terms_alone_lead")]
    seen = set(map(setting.activation, setting.reached())) if every_chain(setting) else set()
    for layer in reversed(setting.reached()):
        blocks += _of_layer(setting, layer, seen)
    blocks += _gradients(setting)
    blocks += _singles(setting)
    yield Section("error_terms", tuple(blocks))


def _deltas(setting: Setting, layer: int) -> Tensor:
    return setting.derived("adjoint", setting.tensor(roles.PRE_ACTIVATION, layer))


def _of_layer(setting: Setting, layer: int, seen: set[str]) -> Iterator[Block]:
    """The layer's error terms; before them, which equations they use; after them, the slope of a new activation.

    seen: the activations whose slopes have been derived.
    """
    tensor = _deltas(setting, layer)
    is_last, by_outputs = layer == setting.layers[-1], setting.has_adjoint(roles.ACTIVATION, layer)
    if not is_last:
        yield _from_later_ones(setting, layer, by_outputs)
    if by_outputs:
        yield _output_slopes(setting, layer)
    record = activation(setting, layer)
    new = () if record.name in seen else inset(setting, layer)
    seen.add(record.name)
    if record.is_layer_wide:
        yield from (*new, *over_the_layer(setting, layer))
    yield Equations(tuple(delta_step(setting, layer, delta) for delta in setting.shown(tensor)))
    if is_last:
        yield from cancelled(setting)
    if setting.indexed:
        yield from numerals(setting, without_number(setting, [tensor]))
    if not record.is_layer_wide:
        yield from new


def _from_later_ones(setting: Setting, layer: int, by_outputs: bool) -> Remark:
    """What the error terms of the layer, or the derivatives by its outputs, are made of."""
    later = _deltas(setting, layer + 1)
    key = "error_terms_back_outputs" if by_outputs else "error_terms_back"
    ending = "_one" if setting.names.widths[layer + 1] == 1 else ""
    return Remark(f"{key}{ending}", {"terms": _few(setting, later), "cited": _cited(setting, later)})


def _output_slopes(setting: Setting, layer: int) -> Equations:
    """The loss by each output of the layer, which its error terms read more than once."""
    tensor = setting.derived("adjoint", setting.tensor(roles.ACTIVATION, layer))
    steps = [
        Step(
            setting.label("", read),
            Element(read),
            (setting.form(read),),
            setting.amount(read),
            ranges=setting.ranges(tensor) if setting.indexed else (),
        )
        for read in setting.shown(tensor)
    ]
    return Equations(tuple(steps), compact=True)


def _few(setting: Setting, tensor: Tensor) -> tuple[Form, ...]:
    return tuple(Element(read) for read in setting.shown(tensor))


def _cited(setting: Setting, *tensors: Tensor) -> Cited:
    return Cited(
        tuple(tuple(setting.label("", read) for read in setting.shown(tensor)) for tensor in tensors)
    )


def delta_step(setting: Setting, layer: int, delta: Read) -> Step:
    """The definition of an error term, and what it is; of one with new parameters, only the latter."""
    tensor = setting.program[delta.name]
    in_general = setting.indexed and delta == setting.general(tensor)
    start = Element(
        setting.general(setting.tensor(roles.SAMPLE_LOSS)) if in_general else sample_loss(setting)
    )
    z = Element(Read(setting.tensor(roles.PRE_ACTIVATION, layer).name, *delta.at))
    partial = () if tensor.role.name == roles.SEQUENTIAL else (Partial(start, z),)
    return Step(
        setting.label("new" if tensor.role.name == roles.SEQUENTIAL else "", delta),
        Element(delta),
        (*partial, *error_forms(setting, layer, delta)),
        setting.amount(delta),
        ranges=setting.ranges(tensor) if in_general else (),
    )


def error_forms(setting: Setting, layer: int, delta: Read) -> tuple[Form, ...]:
    """What an error term is; after softmax, also what is left of it where the targets sum to 1."""
    form = error_form(setting, layer, delta)
    ones = targets_sum_to_one(setting) if layer == setting.layers[-1] else None
    if ones is None or not ones:
        return (form,)
    value = setting.value_of(delta)
    shorter = _with_ones(setting, value)
    return (form,) if shorter == value else (form, setting.ordered(shorter))


def targets_sum_to_one(setting: Setting) -> bool | None:
    """Whether each sample's targets do; None where they are not given."""
    data = setting.example.data
    return None if data is None or data.t is None else all(sum(row) == 1 for row in data.t)


def _with_ones(setting: Setting, value: Expr) -> Expr:
    """The value with 1 for the sum of a sample's targets."""
    target = setting.tensor(roles.TARGET, setting.layers[-1])

    def is_sum(part: Expr) -> bool:
        terms = [part.args[0]] if isinstance(part, IndexSum) else list(Add.make_args(part))
        reads = all(isinstance(one, Read) and one.name == target.name for one in terms)
        return reads and (isinstance(part, IndexSum) or len(terms) == setting.names.widths[-1] > 1)

    sums = [part for part in preorder_traversal(value) if isinstance(part, (IndexSum, Add)) and is_sum(part)]
    return value.xreplace({part: Integer(1) for part in sums})


def error_form(setting: Setting, layer: int, delta: Read) -> Form:
    """What an error term is, with the slope of its activation last."""
    before, after = (
        Read(setting.tensor(kind, layer).name, *delta.at) for kind in (roles.PRE_ACTIVATION, roles.ACTIVATION)
    )
    value = setting.value_of(delta)
    rest = without_slope(value, slope_at(setting, layer, before, after))
    if rest is None:
        return setting.ordered(value)
    return product_of(setting.ordered(rest), slope_form(setting, layer, before, after))


def _gradients(setting: Setting) -> Iterator[Block]:
    """Each gradient; of several samples, what the shown one contributes, and the table of all contributions."""
    tensors = [tensor for layer in reversed(setting.layers) for tensor in trained_of(setting, layer)]
    yield from _what_gradients_are(setting)
    steps = [
        _gradient(setting, read) for one in tensors for read in setting.shown(setting.derived("adjoint", one))
    ]
    yield Equations(tuple(steps), compact=True)
    adjoints = [setting.derived("adjoint", tensor) for tensor in tensors]
    if setting.indexed:
        yield from contribution_matrices(setting, adjoints)
        yield from numerals(setting, without_number(setting, adjoints) if setting.samples == 1 else adjoints)
    elif setting.samples > 1:
        yield from _contributions(setting, [read for one in adjoints for read in setting.elements(one)])


def _singles(setting: Setting) -> Iterator[Block]:
    """Single parameters that are asked for: the neuron's error term written out, times what enters."""
    for read in singles(setting):
        layer = setting.program[read.name].role.layer
        deltas = [
            delta
            for delta in setting.elements(_deltas(setting, layer))
            if not read.at or delta.at[-1] == read.at[0]
        ]
        gradient = Read(adjoint_name(read.name), *read.at)
        form = setting.ordered(contribution(setting, gradient, setting.sample))
        steps = [replace(delta_step(setting, layer, delta), label="") for delta in deltas]
        partial = sample_partial(setting, gradient, setting.sample)
        steps.append(Step(setting.label("single", read), partial, (form,), setting.worth(form)))
        yield Remark("single", {"parameter": Element(read)})
        yield Equations(tuple(steps))


def _what_gradients_are(setting: Setting) -> Iterator[Remark]:
    """What is to be said of the gradients of weights, and of biases, in one paragraph."""
    deltas = [_deltas(setting, layer) for layer in reversed(setting.reached())]
    terms = {"samples": setting.samples, "cited": _cited(setting, *deltas)}
    for number, kind in enumerate(_gradient_kinds(setting)):
        yield Remark(kind, terms, continues=number > 0)


def _gradient_kinds(setting: Setting) -> Iterator[str]:
    """The keys of those sentences: only of what is trained."""
    if roles.WEIGHTS in setting.trained_kinds:
        yield f"weight_gradient_{setting.reduction}"
        if setting.names.penalised:
            yield "weight_gradient_penalised"
    of_biases = [tensor for tensor in of_kind(setting, roles.BIASES) if tensor in setting.trained()]
    shared = {is_shared(setting, tensor) for tensor in of_biases}
    if False in shared:
        yield f"bias_gradient_{setting.reduction}"
    if True in shared:
        yield f"shared_bias_gradient_{setting.reduction}"


def _gradient(setting: Setting, read: Read) -> Step:
    ranges = setting.ranges(setting.program[read.name]) if setting.indexed else ()
    return Step(
        setting.label("", read), Element(read), (setting.form(read),), setting.amount(read), ranges=ranges
    )


def _contributions(setting: Setting, gradients: list[Read]) -> Iterator[Block]:
    """What the shown sample contributes to each gradient, and what every one does."""
    steps = [
        Step("", sample_partial(setting, read, setting.sample), (form,), setting.worth(form))
        for read in gradients
        for form in [setting.ordered(contribution(setting, read, setting.sample))]
    ]
    yield Remark("contribution_lead", {"sample": setting.sample + 1})
    yield Equations(tuple(steps), compact=True)
    yield from contribution_table(setting, gradients)


__all__ = ["error_form", "error_terms"]
