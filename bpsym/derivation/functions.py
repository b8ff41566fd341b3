"""Activations as forms: f(z), its slope as a textbook writes it, the lines in which the slope is derived."""

from __future__ import annotations

import ast

from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import Applied, Element, Form
from bpsym.notation.formulas import formula_form
from bpsym.derivation.setting import Setting
from bpsym.network.activations import Activation, activation_of
from bpsym.network.expressions import Formula


def activation(setting: Setting, layer: int) -> Activation:
    """The record of the layer's activation."""
    return activation_of(setting.activation(layer))


def slope_form(setting: Setting, layer: int, before: Read, after: Read) -> Form:
    """f'(z): what a textbook has where that is a formula in a alone, else the sign f' itself."""
    slope = activation(setting, layer).slope_formula
    if slope is not None and is_in_outputs(slope):
        return setting.activated(formula_form(slope, {"a": Element(after)}))
    return Applied(layer, setting.activation(layer), Element(before), order=1)


def is_in_outputs(formula: Formula) -> bool:
    """Whether it is a formula in a alone, without functions or cases."""
    parts = list(ast.walk(formula.tree))
    return not any(
        isinstance(part, (ast.Call, ast.IfExp)) or (isinstance(part, ast.Name) and part.id != "a")
        for part in parts
    )
