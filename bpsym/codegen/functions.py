"""The activations that a module needs: inline, imported, or defined at its top, in their safe form."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from bpsym.network.activations import Activation
from bpsym.network.expressions import Formula


@dataclass(frozen=True)
class Function:
    """name: what the module calls, "" where the formula is its argument; body: of its definition, "" if imported."""

    name: str
    body: str = ""
    value: str = ""

    def at(self, argument: str) -> str:
        return f"{self.name}({argument})" if self.name else argument


def function(activation: Activation, formula: Formula, library: Mapping[str, str]) -> Function:
    """How a module computes the activation by this formula; library: the target's name for each function."""
    tree = formula.tree
    if isinstance(tree, ast.Name):
        return Function("")
    if isinstance(tree, ast.Call) and isinstance(tree.args[0], ast.Name):
        return Function(_called(tree, library))
    return Function(activation.name, text(formula, library), activation.formula.text)


def text(formula: Formula, library: Mapping[str, str]) -> str:
    """The formula in the target's language, in the order in which it was written."""
    tree = ast.parse(formula.text, mode="eval")
    return ast.unparse(ast.fix_missing_locations(_Renamed(library).visit(tree)))


def used(formula: Formula, library: Mapping[str, str]) -> tuple[str, ...]:
    """The target's names of the functions that the formula calls."""
    calls = [node for node in ast.walk(formula.tree) if isinstance(node, ast.Call)]
    return tuple(dict.fromkeys(_called(node, library) for node in calls))


def _called(node: ast.Call, library: Mapping[str, str]) -> str:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    return library.get(name, name)


@dataclass
class _Renamed(ast.NodeTransformer):
    library: Mapping[str, str]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.args = [self.visit(argument) for argument in node.args]
        node.func = ast.parse(_called(node, self.library), mode="eval").body
        return node
