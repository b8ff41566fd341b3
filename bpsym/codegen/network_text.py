"""What a module of either target says of its network: header, parameters, their start."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import product
from textwrap import wrap
from typing import Any

from bpsym.calculus.equations import Program, Tensor
from bpsym.codegen.expression_text import WIDTH
from bpsym.codegen.functions import text
from bpsym.examples.example import Example
from bpsym.network import roles
from bpsym.network.choices import Choice
from bpsym.network.expressions import Formula
from bpsym.network.forward import SAMPLES, parameters
from bpsym.network.initializers import INITIALIZERS
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.network.start import given_biases, init_of, initial_seed, settings_in_doubles
from bpsym.notation.names import At, Names


def shape_of(names: Names) -> str:
    """2-2-1"""
    return "-".join(map(str, names.widths))


def flow(program: Program, names: Names) -> str:
    """The way of a sample: x1, x2 -> z3, z4 -> y3, y4 -> z5 -> y5."""
    kinds = (roles.INPUT, roles.PRE_ACTIVATION, roles.ACTIVATION)
    layers = [one for one in program.tensors.values() if one.origin is None and one.role.kind in kinds]
    return " -> ".join(", ".join(element_names(one, names)) for one in layers)


def positions(tensor: Tensor) -> Iterator[tuple[int, ...]]:
    """The elements' positions in row order, the samples' axis left out."""
    return product(*(range(int(index.upper) + 1) for index in tensor.indices if index.name != SAMPLES))


def element_names(tensor: Tensor, names: Names) -> list[str]:
    return [names.code(tensor, at) for at in positions(tensor)]


def trained(program: Program) -> tuple[Tensor, ...]:
    return parameters(program)


# What training starts with ---------------------------------------------------------------------------------------


def given(example: Example) -> dict[str, Any]:
    """The numbers of the parameters that the example gives, by tensor name; biases absent beside weights are 0."""
    found: dict[str, Any] = {}
    for number, layer in enumerate(example.network.layers, start=1):
        if layer.weights is not None:
            found[f"W{number}"] = layer.weights
        if layer.bias != "none" and (layer.weights is not None or layer.biases is not None):
            found[f"b{number}"] = given_biases(layer)
    return found


def is_given(example: Example) -> bool:
    """Whether there is nothing to draw."""
    return all(layer.weights is not None for layer in example.network.layers)


def drawn_initial(example: Example) -> str:
    """How a module draws what it starts with."""
    return f"initialize({initial_seed(example.network, example.training.seed)})"


def at_position(rows: Any, at: At) -> Any:
    for place in at:
        rows = rows[place]
    return rows


def drawing(example: Example, names: Names, library: Mapping[str, str]) -> dict[str, Any]:
    """The docstring and the first lines of `initialize`, and for each layer how a weight is drawn ("" where it is 0).

    library: the target's names of functions.
    """
    found = [
        _drawn(number, init_of(layer), fans, library)
        for number, (layer, fans) in enumerate(
            zip(example.network.layers, zip(names.widths, names.widths[1:], strict=False), strict=True),
            start=1,
        )
    ]
    draws = [draw for _, draw in found]
    common = ["draw = random.Random(seed)"] if any(one[:1] == ("draw",) for one in draws) else []
    return {
        "doc": _about([init_of(layer) for layer in example.network.layers]),
        "lines": common + [line for lines, _ in found for line in lines],
        "draws": draws,
    }


def _drawn(
    number: int, init: Choice, fans: tuple[int, int], library: Mapping[str, str]
) -> tuple[list[str], tuple[str, ...]]:
    """The lines before the first weight, and (generator, method, arguments) of a weight; () where it is 0."""
    record = INITIALIZERS[init.name]
    if not record.draw:
        return [], ()
    lines: list[str] = []
    generator = "draw"
    if init["seed"] is not None:
        generator = f"draw{number}"
        lines.append(f"{generator} = random.Random({init['seed']})")
    settings = settings_in_doubles(init)
    known: dict[str, Any] = {**settings, "fan_in": fans[0], "fan_out": fans[1]}
    if record.spread_formula is not None:
        spread = f"{'limit' if record.draw == 'uniform' else 'deviation'}{number}"
        lines.append(f"{spread} = {text(_filled(record.spread_formula, known), library)}")
        known["spread"] = spread
    arguments = [text(_filled(formula, known), library) for formula in record.argument_formulas]
    return lines, (generator, record.draw, *arguments)


def _filled(formula: Formula, known: Mapping[str, Any]) -> Formula:
    """The formula with these numbers, or names, for its names."""

    class Filled(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            value = known.get(node.id, node.id)
            return ast.Name(value) if isinstance(value, str) else ast.Constant(value)

    tree = Filled().visit(ast.parse(formula.text, mode="eval").body)
    return Formula(ast.unparse(tree), tree)


def _about(inits: list[Choice]) -> list[str]:
    """What a layer's weights are, where all are alike, or layer by layer; and where it comes from."""
    kinds = {init.name: INITIALIZERS[init.name] for init in inits}
    if len(kinds) == 1:
        (record,) = kinds.values()
        lines = [f"Weights {record.about}, biases 0."]
    else:
        lines = ["Weights drawn layer by layer, biases 0.", ""]
        lines += [f"Layer {number}: {kinds[init.name].about}." for number, init in enumerate(inits, start=1)]
    sources = dict.fromkeys(record.source for record in kinds.values() if record.source)
    for source in sources:
        lines += ["", *wrap(source, WIDTH - 4)]
    return [f'"""{lines[0]}"""'] if len(lines) == 1 else [f'"""{lines[0]}', *lines[1:], '"""']


# How it is trained -----------------------------------------------------------------------------------------------


def constants(example: Example, settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """The module's constants: the settings of the update, then those of its batches."""
    code = {name: _literal(value) for name, value in settings.items()}
    training = example.training
    if training.batch_size is not None:
        code |= {"batch_size": repr(training.batch_size), "shuffle": repr(training.shuffle)}
        code["seed"] = repr(training.seed or 0)
    return [{"name": name.upper(), "value": value} for name, value in code.items()]


def _literal(value: Any) -> str:
    return repr(value) if isinstance(value, int) else repr(float(value))


def optimizer_about(example: Example) -> str:
    """What a step is a step of."""
    return OPTIMIZERS[example.training.optimizer.name].about


# What is computed in each layer ----------------------------------------------------------------------------------


def forward_names(program: Program) -> list[list[str]]:
    """The names of what is computed in each layer, in the order of the equations."""
    layers: dict[int, list[str]] = {}
    for equation in program.equations:
        tensor = equation.tensor
        if not tensor.is_adjoint and tensor.role.kind in _OF_LAYERS:
            layers.setdefault(tensor.role.layer, []).append(tensor.name)
    return [layers[number] for number in sorted(layers)]


_OF_LAYERS = (
    roles.PRE_ACTIVATION, roles.MAXIMUM, roles.SHIFTED, roles.EXPONENTIAL, roles.TOTAL, roles.ACTIVATION,
)  # fmt: skip


def backward_names(program: Program) -> list[str]:
    """The names of the error terms, and of what they are computed from, from the last layer back."""
    kinds = (roles.PRE_ACTIVATION, roles.ACTIVATION)
    return [
        one.tensor.name
        for one in program.equations
        if one.tensor.is_adjoint and one.tensor.role.kind in kinds
    ]


def newest_error_terms(program: Program, layer: int) -> list[str]:
    """Of one layer: the sequential ones where there are any."""
    names = [name for name in backward_names(program) if program[name].role.layer == layer]
    return list({program[name].origin: name for name in names}.values())
