"""The sections of a derivation, in the order in which they are read; each is a function of the setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bpsym.calculus.equations import Tensor
from bpsym.calculus.nodes import Read
from bpsym.derivation.chains import Path
from bpsym.derivation.forms import (
    Amount,
    Applied,
    Block,
    Element,
    Equations,
    Form,
    Listing,
    Matrix,
    Partial,
    Picture,
    Product,
    Remark,
    Section,
    Step,
    Sum,
    SymbolTable,
    Value,
    ValueTable,
    Variable,
)
from bpsym.derivation.formulas import formula_form
from bpsym.derivation.setting import MOST_PATHS, Setting, slug
from bpsym.derivation.worth import worth
from bpsym.network import roles
from bpsym.network.activations import ACTIVATIONS
from bpsym.network.forward import LEARNING_RATE_TENSOR
from bpsym.network.training_program import trained_parameters


def sections(setting: Setting) -> tuple[Section, ...]:
    """Everything that is shown, from the table of symbols to the trainer's code."""
    return tuple(section for write in ORDER for section in write(setting))


def symbols(setting: Setting) -> Iterator[Section]:
    """One symbol of each kind, and what it means."""
    last = len(setting.layers)
    nodes = setting.names.pack.conventions["nodes"]
    weight = setting.elements(setting.tensor(roles.WEIGHTS, 1))[0]
    node: dict[str, object] = {"node": setting.names.node(1, 0), "layer": 1}
    of: dict[str, object] = {"to": setting.names.node(1, 0), "from": setting.names.node(0, 0), "layer": 1}
    z, a = (setting.elements(setting.tensor(kind, 1))[0] for kind in (roles.PRE_ACTIVATION, roles.ACTIVATION))
    delta = setting.elements(setting.derived("adjoint", setting.tensor(roles.PRE_ACTIVATION, 1)))[0]
    loss, target = _sample_loss(setting), setting.elements(setting.tensor(roles.TARGET, last))
    rows: list[tuple[tuple[Form, ...], str, dict[str, object]]] = [
        (tuple(map(Element, setting.elements(setting.tensor(roles.INPUT)))), "input", {}),
        ((Element(weight),), f"weight_{nodes}", of),
    ]
    biases = _biases(setting)
    if biases:
        layer = biases[0].role.layer
        shared = "shared_bias" if not biases[0].role.axes else f"bias_{nodes}"
        terms: dict[str, object] = {"node": setting.names.node(layer, 0), "layer": layer}
        rows.append(((Element(setting.elements(biases[0])[0]),), shared, terms))
    rows += [
        ((Element(z),), f"pre_activation_{nodes}", node),
        ((Element(a),), f"activation_{nodes}", node),
        (tuple(map(Element, target)), "target", {}),
        ((Element(loss),), "loss", {}),
        ((Element(delta),), f"error_term_{nodes}", node | {"partial": Partial(Element(loss), Element(z))}),
        ((Element(Read(LEARNING_RATE_TENSOR.name)),), "learning_rate", {}),
    ]
    for layer in _first_of_each_activation(setting):
        name = setting.activation(layer)
        formula = formula_form(ACTIVATIONS[name].formula, {"z": Variable("z")})
        applied = Applied(layer, name, Variable("z"))
        rows.append(((applied,), f"function_{name}", {"formula": formula, "name": name.replace("_", " ")}))
    wholes = [setting.tensor(kind, 1) for kind in (roles.WEIGHTS, roles.PRE_ACTIVATION, roles.ACTIVATION)]
    rows.append((tuple(map(setting.layer, wholes)), "whole", {"layer": 1}))
    yield Section("symbols", (SymbolTable(tuple(rows)),))


def network(setting: Setting) -> Iterator[Section]:
    nodes = [setting.elements(setting.tensor(roles.ACTIVATION, layer)) for layer in (0, *setting.layers)]
    edges = [setting.rows(setting.tensor(roles.WEIGHTS, layer)) for layer in setting.layers]
    picture = Picture(
        tuple(tuple(map(Element, layer)) for layer in nodes),
        tuple(tuple(tuple(map(Element, row)) for row in rows) for rows in edges),
    )
    yield Section("network", (picture,))


def given(setting: Setting) -> Iterator[Section]:
    """The matrices, with their numbers."""
    target = setting.tensor(roles.TARGET, len(setting.layers))
    steps = [
        Step(
            "",
            setting.layer(tensor),
            (setting.matrix(tensor),),
            setting.amounts(tensor),
            entries=setting.matrix(tensor).rows,
        )
        for tensor in (setting.tensor(roles.INPUT), *setting.parameters(), target)
        if len(setting.elements(tensor)) > 1
    ]
    single = [
        read
        for tensor in (*setting.parameters(), target)
        if len(setting.elements(tensor)) == 1
        for read in setting.elements(tensor)
    ]
    steps += [Step("", Element(read), (Element(read),), setting.amount(read)) for read in single]
    rate = Read(LEARNING_RATE_TENSOR.name)
    steps.append(Step("", Element(rate), (Element(rate),), setting.amount(rate)))
    yield Section("given", (Remark("row_and_column"), Equations(tuple(steps), compact=True)))


def forward(setting: Setting) -> Iterator[Section]:
    """Each layer as a matrix, as components, with numbers, with values."""
    blocks: list[Block] = []
    for layer in setting.layers:
        blocks.append(Remark("into_layer", {"layer": layer}))
        blocks.append(Equations((_pre_activations(setting, layer), _activations(setting, layer))))
    yield Section("forward", tuple(blocks))


def _pre_activations(setting: Setting, layer: int) -> Step:
    z, w = setting.tensor(roles.PRE_ACTIVATION, layer), setting.tensor(roles.WEIGHTS, layer)
    product: Form = Product((setting.layer(w), setting.layer(setting.tensor(roles.ACTIVATION, layer - 1))))
    if setting.has(roles.BIASES, layer):
        product = Sum((product, setting.layer(setting.tensor(roles.BIASES, layer))))
    components = _column(setting.form(read) for read in setting.elements(z))
    return Step(
        f"z-{layer}",
        setting.layer(z),
        (product, components),
        setting.amounts(z),
        entries=setting.matrix(z).rows,
    )


def _activations(setting: Setting, layer: int) -> Step:
    z, a = setting.tensor(roles.PRE_ACTIVATION, layer), setting.tensor(roles.ACTIVATION, layer)
    name = setting.activation(layer)
    forms = tuple(Applied(layer, name, argument) for argument in (setting.layer(z), setting.matrix(z)))
    return Step(f"a-{layer}", setting.layer(a), forms, setting.amounts(a), entries=setting.matrix(a).rows)


def _column(entries: Iterator[Form]) -> Form:
    return Matrix(tuple((entry,) for entry in entries))


def loss(setting: Setting) -> Iterator[Section]:
    read = _sample_loss(setting)
    blocks: list[Block] = [
        Equations((Step("loss", Element(read), (setting.form(read),), setting.amount(read)),))
    ]
    if setting.samples > 1:
        total = _total_loss(setting)
        step = Step("total-loss", Element(total), (setting.form(total),), setting.amount(total))
        blocks += [Remark(f"loss_{setting.example.network.reduction}"), Equations((step,), compact=True)]
    yield Section("loss", (*blocks, Remark(_aim(setting), {"loss": Element(_total_loss(setting))})))


def _aim(setting: Setting) -> str:
    return "aim_biases" if _biases(setting) else "aim"


def _biases(setting: Setting) -> list[Tensor]:
    return [tensor for tensor in setting.parameters() if tensor.role.kind == roles.BIASES]


def gradients(setting: Setting) -> Iterator[Section]:
    """From the last layer to the first: the equations on the way, then each parameter's chain of partials."""
    shown: set[str] = set()
    every = _every_chain(setting)
    for layer in reversed(setting.layers):
        reads = [read for tensor in _of_layer(setting, layer) for read in setting.elements(tensor)]
        chained = [read for read in reads if every or setting.code(read) in setting.weights]
        if not chained:
            continue
        output = layer == setting.layers[-1]
        lead = "output_gradients_lead" if output else "hidden_gradients_lead"
        blocks: list[Block] = [
            Remark(lead, {"parameters": tuple(map(Element, reads))}),
            Equations(_way(setting, layer)),
        ]
        for number, read in enumerate(chained):
            blocks.append(Equations((_chain(setting, read),)))
            name = setting.activation(layer)
            if number == 0 and name not in shown:
                shown.add(name)
                blocks += _inset(layer, name)
        key = "output_gradients" if output else "hidden_gradients"
        if not output and len(setting.layers) > 2:
            key = "hidden_gradients_many"
        yield Section(key, tuple(blocks), terms={"layer": layer})


def _every_chain(setting: Setting) -> bool:
    parameters = (read for tensor in setting.parameters() for read in setting.elements(tensor))
    return sum(setting.chains.count(read) for read in parameters) <= MOST_PATHS


def _of_layer(setting: Setting, layer: int) -> Iterator[Tensor]:
    for kind in (roles.WEIGHTS, roles.BIASES):
        if setting.has(kind, layer):
            yield setting.tensor(kind, layer)


def _way(setting: Setting, layer: int) -> tuple[Step, ...]:
    """The equations from the loss down to the layer's weighted sums."""
    start = _sample_loss(setting)
    steps = [Step("", Element(start), (setting.form(start),))]
    for number in range(len(setting.layers), layer - 1, -1):
        z, a = setting.tensor(roles.PRE_ACTIVATION, number), setting.tensor(roles.ACTIVATION, number)
        for before, after in zip(setting.elements(z), setting.elements(a), strict=True):
            steps.append(
                Step("", Element(after), (Applied(number, setting.activation(number), Element(before)),))
            )
            steps.append(Step("", Element(before), (setting.form(before),)))
    return tuple(steps)


def _chain(setting: Setting, read: Read) -> Step:
    """Partials along each path, then the local derivatives in their place."""
    paths = setting.chains.paths(read)
    partials = _total([_partials(path) for path in paths])
    slopes = _total([_slopes(setting, path) for path in paths])
    value = None if setting.before is None else worth(slopes, lambda one: setting.amount(one.read))
    return Step(
        setting.label("chain", read),
        Partial(Element(_sample_loss(setting)), Element(read)),
        (partials, slopes),
        value,
    )


def _partials(path: Path) -> Form:
    return _product([Partial(Element(link.of), Element(link.by)) for link in path])


def _slopes(setting: Setting, path: Path) -> Form:
    factors: list[Form] = []
    for link in path:
        form = setting.ordered(link.slope)
        if link.equation.tensor.role.kind == roles.ACTIVATION:
            form = setting.activated(form)
        factors += form.factors if isinstance(form, Product) else (form,)
    return _product(factors)


def _product(factors: list[Form]) -> Form:
    return Product(tuple(factors)) if len(factors) > 1 else factors[0]


def _total(terms: list[Form]) -> Form:
    return Sum(tuple(terms)) if len(terms) > 1 else terms[0]


def _inset(layer: int, name: str) -> list[Block]:
    """The activation's derivative, line by line."""
    record, z = ACTIVATIONS[name], Variable("z")
    applied = Applied(layer, name, z)
    names = {"z": z, "a": applied}
    lines = record.line_formulas or (record.slope_formula,)
    steps = (
        Step("", applied, (formula_form(record.formula, names),)),
        Step(
            f"slope-{slug(name)}",
            Applied(layer, name, z, order=1),
            tuple(formula_form(f, names) for f in lines),
        ),
    )
    return [Remark("inset", {"function": applied}), Equations(steps), Remark("other_activation")]


def error_terms(setting: Setting) -> Iterator[Section]:
    """Delta of each node, from the output back; each gradient as an error term times an output."""
    start = Element(_sample_loss(setting))
    deltas: list[Step] = []
    products: list[Step] = []
    for layer in reversed(setting.layers):
        z = setting.tensor(roles.PRE_ACTIVATION, layer)
        for before, delta in zip(
            setting.elements(z), setting.elements(setting.derived("adjoint", z)), strict=True
        ):
            forms = (Partial(start, Element(before)), setting.activated(setting.form(delta)))
            deltas.append(Step(setting.label("", delta), Element(delta), forms, setting.amount(delta)))
        for tensor in _of_layer(setting, layer):
            products += [
                Step(setting.label("", read), Element(read), (setting.form(read),), setting.amount(read))
                for read in setting.elements(setting.derived("adjoint", tensor))
            ]
    yield Section(
        "error_terms",
        (
            Remark("error_terms_lead"),
            Equations(tuple(deltas)),
            Remark(_gradients_lead(setting), {"samples": setting.samples}),
            *map(Remark, _of_biases(setting)),
            Equations(tuple(products), compact=True),
        ),
    )


def _of_biases(setting: Setting) -> list[str]:
    """What is to be said of the gradients of biases."""
    kinds = {bool(tensor.role.axes) for tensor in _biases(setting)}
    return [
        key
        for one_each, key in ((True, "bias_gradient"), (False, "shared_bias_gradient"))
        if one_each in kinds
    ]


def _gradients_lead(setting: Setting) -> str:
    if setting.samples == 1:
        return "gradients_lead"
    return f"gradients_{setting.example.network.reduction}_lead"


def update(setting: Setting) -> Iterator[Section]:
    """Every parameter after one step."""
    steps = [
        Step(
            setting.label("update", read),
            Element(read),
            (setting.form(Read(updated.name, *read.at)),),
            setting.amount(Read(updated.name, *read.at)),
            becomes=True,
        )
        for tensor in trained_parameters(setting.program)
        for updated in [setting.derived("update", tensor)]
        for read in setting.elements(tensor)
    ]
    yield Section(
        "update", (Remark("update_lead"), Equations(tuple(steps), compact=True), Remark("simultaneous"))
    )


def second_pass(setting: Setting) -> Iterator[Section]:
    """The same forward pass with the new parameters, and what became of the loss."""
    if setting.numbers is None or setting.numbers.after_one is None:
        return
    after = setting.numbers.after_one
    steps: list[Step] = []
    for layer in setting.layers:
        z, a = setting.tensor(roles.PRE_ACTIVATION, layer), setting.tensor(roles.ACTIVATION, layer)
        name = setting.activation(layer)
        entered, left = setting.elements(z), setting.elements(a)
        steps += [Step("", Element(one), (setting.form(one),), setting.amount(one, after)) for one in entered]
        steps += [
            Step("", Element(output), (Applied(layer, name, Element(one)),), setting.amount(output, after))
            for one, output in zip(entered, left, strict=True)
        ]
    read = _sample_loss(setting)
    steps.append(
        Step("loss-after-one-step", Element(read), (setting.form(read),), setting.amount(read, after))
    )
    total = _total_loss(setting)
    losses = setting.amount(total), setting.amount(total, after)
    compared = {"loss": Element(total), "before": Value(losses[0]), "after": Value(losses[1])}
    blocks = (
        Remark("second_pass_lead"),
        Equations(tuple(steps), compact=True),
        Remark(_what_became(*losses), compared),
    )
    yield Section("second_pass", blocks, state=1)


def _what_became(before: Amount, after: Amount) -> str:
    """The key of what is said of the two losses."""
    if after == before:
        return "unchanged"
    return "fell" if after < before else "rose"


def trained(setting: Setting) -> Iterator[Section]:
    """The loss and the parameters after all steps."""
    if setting.numbers is None or setting.numbers.trained is None:
        return
    run = setting.numbers.trained
    read = _total_loss(setting)
    rows: list[tuple[Form, object]] = [(Element(read), setting.amount(read, run.values))]
    rows += [
        (Element(one), setting.amount(one, run.values))
        for tensor in setting.parameters()
        for one in setting.elements(tensor)
    ]
    lead = Remark("trained_double" if run.double else "trained_lead", {"steps": run.steps})
    yield Section("trained", (lead, ValueTable(tuple(rows))), state=1, terms={"steps": run.steps})


def vanishing(setting: Setting) -> Iterator[Section]:
    """The slopes that this network's chains are multiplied with."""
    steps: list[Step] = []
    for layer in reversed(setting.layers):
        z, a = setting.tensor(roles.PRE_ACTIVATION, layer), setting.tensor(roles.ACTIVATION, layer)
        for before, after in zip(setting.elements(z), setting.elements(a), strict=True):
            slope = _slope(setting, after)
            value = None if setting.before is None else worth(slope, lambda one: setting.amount(one.read))
            lhs = Applied(layer, setting.activation(layer), Element(before), order=1)
            steps.append(Step("", lhs, (slope,), value))
    blocks: list[Block] = [Remark("vanishing_lead"), Equations(tuple(steps), compact=True)]
    for name in dict.fromkeys(setting.activation(layer) for layer in setting.layers):
        steepest = ACTIVATIONS[name].steepest_formula
        layer = next(number for number in setting.layers if setting.activation(number) == name)
        terms = {"slope": Applied(layer, name, Variable("z"), order=1), "bound": formula_form(steepest, {})}
        blocks.append(Remark("steepest", terms))
    if len(setting.layers) > 1:
        blocks += _product_of_slopes(setting)
    blocks.append(Remark("vanishing_end"))
    yield Section("vanishing", tuple(blocks))


def _product_of_slopes(setting: Setting) -> list[Block]:
    """The slopes on the first path to the first weight, multiplied."""
    weight = setting.elements(setting.tensor(roles.WEIGHTS, 1))[0]
    path = setting.chains.paths(weight)[0]
    links = [link for link in path if link.equation.tensor.role.kind == roles.ACTIVATION]
    form = _product(
        [
            Applied(
                link.equation.tensor.role.layer,
                setting.activation(link.equation.tensor.role.layer),
                Element(link.by),
                1,
            )
            for link in links
        ]
    )
    slopes = _product([setting.activated(setting.ordered(link.slope)) for link in links])
    value = None if setting.before is None else worth(slopes, lambda one: setting.amount(one.read))
    return [
        Remark("vanishing_product", {"weight": Element(weight)}),
        Equations((Step("", form, (slopes,), value),), compact=True),
    ]


def _slope(setting: Setting, after: Read) -> Form:
    (link,) = setting.chains.below(after)
    return setting.activated(setting.ordered(link.slope))


def code(_: Setting) -> Iterator[Section]:
    yield Section("code", (Remark("code_lead"), Listing("trainer_python.py")))


def _sample_loss(setting: Setting) -> Read:
    return setting.elements(setting.tensor(roles.SAMPLE_LOSS))[0]


def _total_loss(setting: Setting) -> Read:
    return Read(setting.tensor(roles.LOSS).name)


def _first_of_each_activation(setting: Setting) -> Iterator[int]:
    seen: set[str] = set()
    for layer in setting.layers:
        if setting.activation(layer) not in seen:
            seen.add(setting.activation(layer))
            yield layer


ORDER: tuple[Callable[[Setting], Iterator[Section]], ...] = (
    symbols,
    network,
    given,
    forward,
    loss,
    gradients,
    error_terms,
    update,
    second_pass,
    trained,
    vanishing,
    code,
)
