"""Activations as forms: f(z), its slope as a textbook writes it, the lines in which the slope is derived."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from sympy import Expr, Mul, Symbol

from bpsym.calculus.functions import unspecified
from bpsym.calculus.nodes import Read
from bpsym.calculus.recognition import known_equations, with_reads
from bpsym.derivation.forms import Applied, Element, Form, SumOver, changed
from bpsym.derivation.setting import Setting
from bpsym.derivation.worth import derived_slope
from bpsym.network import roles
from bpsym.network.activations import Activation, activation_of
from bpsym.network.expressions import Formula
from bpsym.notation.formulas import formula_form


def activation(setting: Setting, layer: int) -> Activation:
    """The record of the layer's activation."""
    return activation_of(setting.activation(layer))


def first_of_each_activation(setting: Setting, layers: Iterable[int] | None = None) -> list[int]:
    """For each activation of the network, or of these layers, the first layer that has it."""
    first: dict[str, int] = {}
    for layer in sorted(setting.layers if layers is None else layers):
        first.setdefault(setting.activation(layer), layer)
    return list(first.values())


def slope_form(setting: Setting, layer: int, before: Read, after: Read) -> Form:
    """f'(z): what a textbook has where that is a formula in a alone, else the sign f' itself."""
    slope = activation(setting, layer).slope_formula
    if slope is not None and is_in_outputs(slope):
        return setting.activated(formula_form(slope, {"a": Element(after)}))
    return Applied(layer, setting.activation(layer), Element(before), order=1)


def slope_form_of(setting: Setting, layer: int, after: Read) -> Form:
    """The textbook's slope, in the output itself; the sign f' where none is declared."""
    slope = activation(setting, layer).slope_formula
    if slope is None:
        before = Read(setting.tensor(roles.PRE_ACTIVATION, layer).name, *after.at)
        return Applied(layer, setting.activation(layer), Element(before), order=1)
    return formula_form(slope, {"a": Element(after)})


def slope_at(setting: Setting, layer: int, before: Read, after: Read) -> Any:
    """f'(z) in SymPy, as it stands in the program; None for a layer whose outputs depend on all of its sums."""
    record = activation(setting, layer)
    if record.is_layer_wide:
        return None
    unit = before.at[-1]
    slope = record.slope_at(before, after, {"f": lambda u: unspecified(f"f{layer}")(unit, u)})
    if record.slope_formula is not None:
        return slope
    return with_reads(
        slope, [one for one in known_equations(setting.forward) if one.tensor.name == after.name]
    )


def letter(setting: Setting, kind: str, layer: int, index: Symbol) -> Read:
    """The element at a letter, of the sample that is shown, or of any in index form; of a single unit, that one."""
    alone, tensor = setting.names.widths[layer] == 1, setting.tensor(kind, layer)
    sample = setting.general(tensor).at[0] if setting.indexed else setting.sample
    return Read(tensor.name, sample, 0 if alone else index)


def layer_calls(setting: Setting, layer: int, index: Symbol) -> dict[str, Callable[[Formula], Form]]:
    """What total(...) of a layer is: a sum over all of its units, under this letter."""
    z = Element(letter(setting, roles.PRE_ACTIVATION, layer, index))
    return {"total": lambda inner: SumOver(str(index), formula_form(inner, {"z": z}))}


def slope_lines(setting: Setting, layer: int, z: Form) -> tuple[Form, ...]:
    """The lines in which the slope of the layer's activation is derived; one where no more are declared."""
    record = activation(setting, layer)
    names = {"z": z, "a": Applied(layer, record.name, z)}
    if record.slope_formula is None:
        return (changed(derived_slope(record), lambda _: z),)
    return tuple(formula_form(line, names) for line in record.line_formulas or (record.slope_formula,))


def without_slope(value: Expr, slope: Expr | None) -> Expr | None:
    """The value without its factor `slope`; None where it has no such factor, or nothing is to be seen of it."""
    if slope is None:
        return None
    left = list(Mul.make_args(value))
    factors = Mul.make_args(slope)
    if slope.is_number or not all(factor in left for factor in factors):
        return None
    for factor in factors:
        left.remove(factor)
    return Mul(*left) if left else None


def is_in_outputs(formula: Formula) -> bool:
    """Whether it is a formula in a alone, without functions or cases."""
    parts = list(ast.walk(formula.tree))
    return not any(
        isinstance(part, (ast.Call, ast.IfExp)) or (isinstance(part, ast.Name) and part.id != "a")
        for part in parts
    )
