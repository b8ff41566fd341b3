"""What a derivation begins with: symbols, conventions, the network, what is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sympy import Symbol

from bpsym.calculus.backward import adjoint_name
from bpsym.calculus.equations import Tensor
from bpsym.calculus.nodes import Read
from bpsym.derivation.called import called, one_or_many
from bpsym.derivation.forms import (
    Applied,
    Block,
    Element,
    Equations,
    FirstOf,
    Form,
    Items,
    Layer,
    Number,
    Partial,
    Picture,
    Remark,
    Section,
    Step,
    SymbolTable,
    Variable,
)
from bpsym.derivation.functions import activation, first_of_each_activation, layer_calls, letter
from bpsym.derivation.kinks import kinks
from bpsym.derivation.numerals import numerals
from bpsym.derivation.rule_symbols import rule_symbols
from bpsym.derivation.samples import S, of_sample, samples_given
from bpsym.derivation.setting import Setting
from bpsym.derivation.starting import start
from bpsym.network import roles
from bpsym.network.forward import LEARNING_RATE_TENSOR
from bpsym.network.training_rule import SEQUENTIAL, SIMULTANEOUS
from bpsym.notation.formulas import formula_form

Terms = dict[str, Any]

MOST_LISTED, FEW = 10, 5
"""The most samples that are all named, and how many of more are."""

MOST_DRAWN = 16
"""With a layer of more units than this, there is no picture: nobody could read it."""


def sample_loss(setting: Setting) -> Read:
    """The loss of the sample that is shown."""
    return setting.elements(setting.tensor(roles.SAMPLE_LOSS))[0]


def total_loss(setting: Setting) -> Read:
    """The loss that training makes small."""
    return Read(setting.tensor(roles.LOSS).name)


def of_kind(setting: Setting, kind: str) -> list[Tensor]:
    """The network's weights, or biases, layer by layer."""
    return [tensor for tensor in setting.parameters() if tensor.role.kind == kind]


def is_shared(setting: Setting, bias: Tensor) -> bool:
    """Whether several units of the layer have this one bias."""
    return not bias.role.axes and setting.names.widths[bias.role.layer] > 1


MOST_BESIDE_SYMBOLS = 4
"""The numbers of a matrix with more columns stand without the matrix of their symbols."""


def symbols(setting: Setting) -> Iterator[Section]:
    """One symbol of each kind, and what it means."""
    yield Section("symbols", (SymbolTable(tuple(_symbols(setting))),))


def _symbols(setting: Setting) -> Iterator[tuple[tuple[Form, ...], str, Mapping[str, Any]]]:
    nodes = setting.names.pack.conventions["nodes"]
    yield _counted(setting, setting.tensor(roles.INPUT), "input")
    weights = setting.tensor(roles.WEIGHTS, 1)
    yield (Element(setting.elements(weights)[0]),), f"weight_{nodes}", _ends(setting, 1)
    for tensor in _first_biases(setting):
        key = "shared_bias" if is_shared(setting, tensor) else f"bias_{nodes}"
        yield (Element(setting.elements(tensor)[0]),), key, _node(setting, tensor.role.layer)
    z = setting.elements(setting.tensor(roles.PRE_ACTIVATION, 1))[0]
    yield (Element(z),), f"pre_activation_{nodes}", _node(setting, 1)
    a = setting.elements(setting.tensor(roles.ACTIVATION, 1))[0]
    yield (Element(a),), f"activation_{nodes}", _node(setting, 1)
    yield _counted(setting, setting.tensor(roles.TARGET, setting.layers[-1]), "target")
    yield from _loss_symbols(setting)
    for layer in setting.reached()[:1]:
        z = setting.elements(setting.tensor(roles.PRE_ACTIVATION, layer))[0]
        delta = Read(adjoint_name(z.name), *z.at)
        partial = Partial(Element(sample_loss(setting)), Element(z))
        yield (Element(delta),), f"error_term_{nodes}", _node(setting, layer) | {"partial": partial}
    if setting.trained():
        yield (Element(Read(LEARNING_RATE_TENSOR.name)),), "learning_rate", {}
        yield from rule_symbols(setting)
    for layer in first_of_each_activation(setting):
        yield _function(setting, layer)
    wholes = [setting.tensor(kind, 1) for kind in (roles.WEIGHTS, roles.PRE_ACTIVATION, roles.ACTIVATION)]
    yield tuple(map(setting.layer, wholes)), "whole", {}


def _first_biases(setting: Setting) -> list[Tensor]:
    """The first layer's biases that have a number each, and the first one without, where there is any."""
    first: dict[bool, Tensor] = {}
    for tensor in of_kind(setting, roles.BIASES):
        first.setdefault(bool(tensor.role.axes), tensor)
    return list(first.values())


def _counted(setting: Setting, tensor: Tensor, key: str) -> tuple[tuple[Form, ...], str, Mapping[str, Any]]:
    """The tensor's elements, called in the singular where there is one."""
    elements = setting.elements(tensor)
    return tuple(map(Element, elements)), key if len(elements) > 1 else f"{key}_one", {}


def _loss_symbols(setting: Setting) -> Iterator[tuple[tuple[Form, ...], str, Mapping[str, Any]]]:
    if setting.samples > 1 or setting.names.penalised:
        key = "sample_loss" if setting.samples > 1 else "bare_loss"
        yield (Element(sample_loss(setting)),), key, {"sample": setting.sample + 1}
    yield (Element(total_loss(setting)),), f"loss_{setting.whole_loss}", {}


def _node(setting: Setting, layer: int) -> Terms:
    return {"node": setting.names.node(layer, 0), "layer": layer}


def _ends(setting: Setting, layer: int) -> Terms:
    return {"to": setting.names.node(layer, 0), "from": setting.names.node(layer - 1, 0), "layer": layer}


def _function(setting: Setting, layer: int) -> tuple[tuple[Form, ...], str, Mapping[str, Any]]:
    record, z = activation(setting, layer), Variable("z")
    key = "function_custom" if record.custom else f"function_{record.name}"
    terms: Terms = {"name": "" if record.custom else record.name.replace("_", " ")}
    if record.is_unspecified:
        nodes = setting.names.pack.conventions["nodes"]
        before = setting.elements(setting.tensor(roles.PRE_ACTIVATION, layer))[0]
        return (
            (Applied(layer, record.name, Element(before)),),
            f"function_generic_{nodes}",
            _node(setting, layer),
        )
    if record.is_layer_wide:
        at = letter(setting, roles.PRE_ACTIVATION, layer, Symbol("i"))
        formula = formula_form(record.formula, {"z": Element(at)}, layer_calls(setting, layer, Symbol("k")))
        output = Element(letter(setting, roles.ACTIVATION, layer, Symbol("i")))
        alone = setting.names.widths[layer] == 1
        number = setting.names.node(layer, 0) if alone else Variable("i")
        unit = Remark(f"unit_of_{setting.names.pack.conventions['nodes']}", {"unit": number, "layer": layer})
        return (output,), key, terms | {"formula": formula, "unit": unit}
    return (Applied(layer, record.name, z),), key, terms | {"formula": formula_form(record.formula, {"z": z})}


def conventions(setting: Setting) -> Iterator[Section]:
    """What derivations of this network differ in, as it is chosen here."""
    yield Section("conventions", (Items(tuple(_conventions(setting))),))


def _conventions(setting: Setting) -> Iterator[Remark]:
    network = setting.example.network
    yield _index_order(setting)
    yield Remark(f"loss_{network.loss}")
    if setting.batch:
        key = "batch_shuffled" if setting.example.training.shuffle else "batch"
        terms = {"count": len(setting.batch), "samples": numbered(setting.batch)}
        yield Remark(key if len(setting.batch) > 1 else f"{key}_one", terms)
    if setting.samples > 1:
        yield Remark(f"samples_{setting.whole_loss}", {"samples": setting.samples})
        yield from _of_one_sample(setting)
    yield from _biases(setting)
    yield from kinks(setting)
    yield from _frozen(setting)
    yield from _penalties(setting)
    if setting.trained() and (setting.trained_count > 1 or _update(setting) != SIMULTANEOUS):
        yield Remark(f"update_{_update(setting)}")


def _of_one_sample(setting: Setting) -> Iterator[Remark]:
    """Which sample is computed, or in symbols written out, where equations are not those of every sample."""
    if setting.indexed and setting.before is None:
        return
    key = "numbers" if setting.indexed else "written" if setting.before is None else "in_full"
    yield Remark(f"sample_{key}", {"sample": setting.sample + 1})


def _penalties(setting: Setting) -> Iterator[Remark]:
    """The penalties that are added, and that biases have none, where there are any."""
    rates = {key: getattr(setting.example.network, key) for key in ("l1", "l2")}
    first, *others = [key for key, rate in rates.items() if rate] or [""]
    ending = one_or_many(setting, of_kind(setting, roles.WEIGHTS))
    if first:
        yield Remark(f"{first}{ending}", {"rate": Number(rates[first])})
        yield from (Remark(f"{key}_too{ending}", {"rate": Number(rates[key])}) for key in others)
        yield from [Remark("biases_unpenalised")] if of_kind(setting, roles.BIASES) else []


def _index_order(setting: Setting) -> Remark:
    """Which index of a weight is which, by one whose indices differ where there is such a one."""
    nodes = setting.names.pack.conventions["nodes"]
    examples = [_example_weight(setting, layer) for layer in setting.layers]
    terms = next((one for one in examples if one["to"] != one["from"]), examples[0])
    key = f"index_order_{nodes}{'_one' if terms['to'] == terms['from'] else ''}"
    if nodes == "network":
        return Remark(key, terms)
    end = "from_input" if terms["layer"] == 1 else "from_unit"
    return Remark(key, terms | {"from": Remark(end, {"unit": terms["from"]})})


def _example_weight(setting: Setting, layer: int) -> Terms:
    """The layer's weight into its second unit from the first one before, or as near to that as there is one."""
    weights = setting.tensor(roles.WEIGHTS, layer)
    rows, columns = setting.shape(weights)
    to, before = (1, 0) if rows > 1 else (0, min(1, columns - 1))
    ends = {"to": setting.names.node(layer, to), "from": setting.names.node(layer - 1, before)}
    return {"weight": Element(Read(weights.name, to, before)), "layer": layer} | ends


def _update(setting: Setting) -> str:
    """What a step is: a sequential one in which nothing comes before anything is what a simultaneous one is."""
    update = setting.example.training.update
    return "sequential_alone" if update == SEQUENTIAL and not setting.updates_in_turn else update


def _frozen(setting: Setting) -> Iterator[Remark]:
    """What is frozen, layers of which it is the same together."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for layer, dense in zip(setting.layers, setting.example.network.layers, strict=True):
        kinds = tuple(
            kind
            for kind in (roles.WEIGHTS, roles.BIASES)
            if kind in dense.frozen and setting.has(kind, layer)
        )
        alike.setdefault(kinds, []).append(layer)
    for same, layers in alike.items():
        frozen = [setting.tensor(kind, layer) for layer in layers for kind in same]
        if frozen:
            ending = "_layers" if len(layers) > 1 else one_or_many(setting, frozen)
            terms = {"layers": tuple(map(str, layers)), "parameters": called(setting, frozen)}
            yield Remark(f"frozen{ending}", terms)


def _biases(setting: Setting) -> Iterator[Remark]:
    layers = setting.example.network.layers
    kinds = ["neuron" if one.bias == "layer" and one.units == 1 else one.bias for one in layers]
    if len(set(kinds)) == 1:
        alone = kinds[0] != "none" and one_or_many(setting, of_kind(setting, roles.BIASES))
        yield Remark("biases_one" if alone else f"biases_{kinds[0]}")
        return
    for layer, kind in zip(setting.layers, kinds, strict=True):
        yield Remark(f"biases_of_layer_{kind}", {"layer": layer})
    yield Remark("biases_added")


def numbered(samples: Iterable[int]) -> tuple[str, ...] | FirstOf:
    """These samples (from 0) by their numbers (from 1); the first few of very many."""
    numbers = tuple(str(sample + 1) for sample in samples)
    return numbers if len(numbers) <= MOST_LISTED else FirstOf(numbers[:FEW])


def network(setting: Setting) -> Iterator[Section]:
    """The picture, where there is room for it."""
    if max(setting.names.widths) > MOST_DRAWN:
        return
    nodes = [setting.elements(setting.tensor(roles.ACTIVATION, layer)) for layer in (0, *setting.layers)]
    edges = [setting.rows(setting.tensor(roles.WEIGHTS, layer)) for layer in setting.layers]
    picture = Picture(
        tuple(tuple(map(Element, layer)) for layer in nodes),
        tuple(tuple(tuple(map(Element, row)) for row in rows) for rows in edges),
    )
    yield Section("network", (picture,))


def given(setting: Setting) -> Iterator[Section]:
    """What has numbers, with them; of several samples, a table of all. Then what is left as symbols."""
    target = setting.tensor(roles.TARGET, setting.layers[-1])
    tensors = [setting.tensor(roles.INPUT), *setting.parameters(), target, *_of_the_step(setting)]
    known = [one for one in tensors if setting.start_of(setting.elements(one)[0]) is not None]
    if not known:
        yield Section("given", (Remark("nothing_given"),))
        return
    left = tuple(_whole(setting, one) for one in tensors if one not in known)
    blocks = [*start(setting), *_numbers(setting, known), *samples_given(setting)]
    yield Section("given", (*blocks, *_left(setting, left)))


def _left(setting: Setting, left: tuple[Form, ...]) -> Iterator[Remark]:
    """What stays in symbols, and that an f which is any function leaves nothing to compute."""
    if left:
        yield Remark("left_symbolic", {"symbols": left})
    if any(activation(setting, layer).is_unspecified for layer in setting.layers):
        yield Remark("left_general", continues=bool(left))


def _of_the_step(setting: Setting) -> list[Tensor]:
    """The learning rate and the settings of the rule, where something is trained."""
    kinds = (roles.LEARNING_RATE, roles.SETTING) if setting.trained() else ()
    return [one for one in setting.program.inputs if one.role.kind in kinds]


def _numbers(setting: Setting, known: list[Tensor]) -> Iterator[Block]:
    """The numbers of these tensors; with indices, and of wide ones, side by side, as far as they are small."""
    of_the_step = _of_the_step(setting)
    apart = [one for one in known if setting.indexed or setting.shape(one)[1] > MOST_BESIDE_SYMBOLS]
    arrays = [one for one in apart if one not in of_the_step]
    yield from numerals(setting, arrays, setting.known)
    lines = [one for one in known if one not in arrays]
    steps = [_matrix(setting, one) for one in lines if len(setting.elements(one)) > 1]
    steps += [_single(setting, one) for one in lines if len(setting.elements(one)) == 1]
    if steps:
        yield Equations(tuple(steps), compact=True)


def _whole(setting: Setting, tensor: Tensor) -> Form:
    """Its letter, or its only element; of what each sample has, that of any sample."""
    elements = setting.elements(tensor)
    of_samples = setting.samples > 1 and None in tensor.role.axes
    if len(elements) > 1:
        return Layer(tensor.name, "s" if of_samples else setting.sample)
    return Element(of_sample(elements[0], S) if of_samples else elements[0])


def _single(setting: Setting, tensor: Tensor) -> Step:
    (read,) = setting.elements(tensor)
    return Step("", Element(read), (Element(read),), setting.start_of(read))


def _matrix(setting: Setting, tensor: Tensor) -> Step:
    matrix = setting.matrix(tensor)
    rows = tuple(tuple(setting.start_of(read) for read in row) for row in setting.rows(tensor))
    return Step("", setting.layer(tensor), (matrix,), rows, entries=matrix.rows)
