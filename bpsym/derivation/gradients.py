"""Chains of partials, parameter by parameter, and the derivatives of the activations that they need."""

from __future__ import annotations

from collections.abc import Iterator

from bpsym.calculus.equations import Tensor
from bpsym.calculus.nodes import Read
from bpsym.derivation.chains import Link, Path
from bpsym.derivation.forms import (
    Applied,
    Block,
    Element,
    Equations,
    Form,
    Partial,
    Remark,
    Section,
    Step,
    Sum,
    Variable,
    product_of,
)
from bpsym.derivation.functions import activation, slope_form, slope_lines
from bpsym.derivation.opening import sample_loss
from bpsym.derivation.output_layer import is_cancelled, layer_partials
from bpsym.derivation.passes import general, output
from bpsym.derivation.setting import MOST_OF_ONE, MOST_PATHS, Setting, slug
from bpsym.network import roles
from bpsym.notation.formulas import formula_form


def gradients(setting: Setting) -> Iterator[Section]:
    """From the last layer to the first: the equations on the way, then each parameter's chain of partials."""
    shown: set[str] = set()
    slopes_in_cases = _slopes_in_cases(setting)
    every = every_chain(setting)
    chained = {layer: _chained(setting, layer, every) for layer in reversed(setting.layers)}
    sections = [layer for layer, reads in chained.items() if reads]
    for layer in sections:
        lead = _lead(sections, layer) + ("_one" if len(chained[layer]) == 1 else "")
        blocks: list[Block] = [
            Remark(lead, {"parameters": tuple(map(Element, chained[layer]))}),
            Equations(_way(setting, layer)),
            *(slopes_in_cases if not shown else ()),
        ]
        for number, read in enumerate(chained[layer]):
            blocks.append(Equations((_chain(setting, read),)))
            if every and number == 0:
                blocks += _insets(setting, layer, shown)
        yield Section(_key(setting, layer), tuple(blocks), terms={"layer": layer})


def _insets(setting: Setting, layer: int, shown: set[str]) -> Iterator[Block]:
    """The derivatives of the activations from the last layer back to this one that have not been shown."""
    for on_the_way in range(setting.layers[-1], layer - 1, -1):
        if setting.activation(on_the_way) not in shown:
            shown.add(setting.activation(on_the_way))
            yield from inset(setting, on_the_way)


def _chained(setting: Setting, layer: int, every: bool) -> list[Read]:
    """The layer's parameters whose chains are shown."""
    reads = [read for tensor in trained_of(setting, layer) for read in setting.elements(tensor)]
    return [read for read in reads if _is_chained(setting, read, every)]


def _lead(sections: list[int], layer: int) -> str:
    """What the layer's section begins with, among those of these layers."""
    if layer != sections[0]:
        return "gradients_next"
    return "gradients_first" if len(sections) > 1 else "gradients_only"


def _key(setting: Setting, layer: int) -> str:
    if layer == setting.layers[-1]:
        return "output_gradients"
    return "hidden_gradients" if len(setting.layers) == 2 else "hidden_gradients_many"


def every_chain(setting: Setting) -> bool:
    """Whether there are so few chains that all are shown."""
    if setting.indexed:
        return False
    reads = (read for tensor in setting.trained() for read in setting.elements(tensor))
    return sum(setting.chains.count(read) for read in reads) <= MOST_PATHS


def _is_chained(setting: Setting, read: Read, every: bool) -> bool:
    return every or (is_asked_for(setting, read) and setting.paths_to(read.name) <= MOST_OF_ONE)


def is_asked_for(setting: Setting, read: Read) -> bool:
    return bool(setting.weights) and setting.code(read) in setting.weights


def singles(setting: Setting) -> list[Read]:
    """What is asked for and reached over so many paths that its chain would not be read."""
    return [
        read
        for tensor in setting.trained()
        if setting.paths_to(tensor.name) > MOST_OF_ONE
        for read in setting.elements(tensor)
        if is_asked_for(setting, read)
    ]


def trained_of(setting: Setting, layer: int) -> list[Tensor]:
    """The layer's parameters that are trained, its weights first."""
    return [tensor for tensor in setting.trained() if tensor.role.layer == layer]


def _way(setting: Setting, layer: int) -> tuple[Step, ...]:
    """The equations from the loss down to the layer's weighted sums."""
    if setting.indexed:
        tensors = [setting.tensor(roles.SAMPLE_LOSS)]
        for number in range(len(setting.layers), layer - 1, -1):
            tensors += [setting.tensor(kind, number) for kind in (roles.ACTIVATION, roles.PRE_ACTIVATION)]
        return tuple(general(setting, "", tensor) for tensor in tensors)
    reads = [sample_loss(setting)]
    for number in range(len(setting.layers), layer - 1, -1):
        z, a = (setting.tensor(kind, number) for kind in (roles.PRE_ACTIVATION, roles.ACTIVATION))
        reads += [
            read for pair in zip(setting.elements(a), setting.elements(z), strict=True) for read in pair
        ]
    return tuple(Step("", Element(read), (output(setting, read),)) for read in reads)


def _slopes_in_cases(setting: Setting) -> list[Block]:
    """The loss by each output, where that is in cases: those of this sample, which the chains are written with."""
    steps = []
    outputs = setting.tensor(roles.ACTIVATION, setting.layers[-1])
    for link in setting.chains.below(sample_loss(setting)):
        if link.by.name != outputs.name:
            continue
        form = setting.ordered(link.slope)
        chosen = setting.decided(form)
        if chosen != form:
            lhs = Partial(Element(link.of), Element(link.by))
            steps.append(Step("", lhs, (form, chosen), setting.worth(chosen)))
    return [Equations(tuple(steps))] if steps else []


def _chain(setting: Setting, read: Read) -> Step:
    """Partials along each path, then the local derivatives in their place."""
    paths = setting.chains.paths(read)
    partials = _total([_partials(path) for path in paths])
    slopes = _total([_slopes(setting, path) for path in paths])
    value = setting.worth(slopes)
    return Step(
        setting.label("chain", read),
        Partial(Element(sample_loss(setting)), Element(read)),
        (partials, slopes),
        value,
    )


def _partials(path: Path) -> Form:
    return product_of(*(Partial(Element(link.of), Element(link.by)) for link in path))


def _slopes(setting: Setting, path: Path) -> Form:
    return product_of(*(link_slope(setting, link) for link in path))


def link_slope(setting: Setting, link: Link) -> Form:
    """The local derivative; of an activation as a textbook has it."""
    role = link.equation.tensor.role
    if role.kind != roles.ACTIVATION:
        return setting.decided(setting.ordered(link.slope))
    record = activation(setting, role.layer)
    if record.is_layer_wide and not record.other_formulas:
        return setting.ordered(link.slope)
    if record.is_layer_wide and link.of.at != link.by.at:
        outputs = {"a": Element(link.of), "b": Element(Read(link.of.name, *link.by.at))}
        return formula_form(record.other_formulas[-1], outputs)
    return slope_form(setting, role.layer, link.by, link.of)


def _total(terms: list[Form]) -> Form:
    return Sum(tuple(terms)) if len(terms) > 1 else terms[0]


def inset(setting: Setting, layer: int) -> list[Block]:
    """The activation's derivative, line by line, or those of a layer's as a whole; none of one that is not said."""
    record, z = activation(setting, layer), Variable("z")
    if record.is_layer_wide:
        return list(layer_partials(setting, layer))
    if record.is_unspecified:
        return []
    applied = Applied(layer, record.name, z)
    values = [one for one in (record.formula, record.spelled_formula) if one is not None]
    lines = slope_lines(setting, layer, z)
    steps = (
        Step("", applied, tuple(formula_form(one, {"z": z}) for one in values)),
        Step(f"slope-{_place(setting, layer)}", Applied(layer, record.name, z, order=1), lines),
    )
    lead = Remark("inset" if len(lines) > 1 else "inset_short", {"function": applied})
    found: list[Block] = [lead, Equations(steps)]
    return found + ([Remark("other_activation")] if _is_replaceable(setting, layer) else [])


def _is_replaceable(setting: Setting, layer: int) -> bool:
    """Whether nothing but the derivative would be another with another activation: not where the loss cancels it."""
    return every_chain(setting) or layer != setting.layers[-1] or not is_cancelled(setting)


def _place(setting: Setting, layer: int) -> str:
    """The activation's name, or its layer's number where it is a formula of one's own."""
    record = activation(setting, layer)
    return str(layer) if record.custom else slug(record.name)
