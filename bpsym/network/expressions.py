"""Formulas as people write them: read by a whitelist, kept in the order in which they were written.

One text serves print (in order), SymPy (for the calculus and the proofs) and code. Nothing is ever executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bpsym.errors import InputError

FUNCTIONS = ("exp", "log", "tanh", "sqrt", "abs", "max", "min", "sin", "cos", "erf")
LONGEST = 500
DEEPEST = 50
LARGEST_EXPONENT = 100


@dataclass(frozen=True)
class Formula:
    """A checked formula; `tree` is its syntax tree, in the order of the text."""

    text: str
    tree: ast.expr

    def __str__(self) -> str:
        return self.text


def read(text: str, names: tuple[str, ...], calls: tuple[str, ...] = ()) -> Formula:
    """The formula in these names; `calls` may be applied beside the usual functions. InputError says what is wrong."""
    if len(text) > LONGEST:
        raise InputError(f"the formula has {len(text)} characters, more than {LONGEST}")
    if _brackets(text) > DEEPEST:
        raise InputError(f"the formula {text[:40]!r} nests deeper than {DEEPEST} brackets")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"the formula {text!r} cannot be read: {error}") from None
    _check(tree, text, names, (*FUNCTIONS, *calls))
    return Formula(text.strip(), tree)


def _brackets(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_COMPARISONS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)


def _check(node: ast.AST, text: str, names: tuple[str, ...], calls: tuple[str, ...]) -> None:
    def refuse(what: str) -> None:
        raise InputError(f"the formula {text!r}: {what}")

    match node:
        case ast.Name(id=name):
            if name not in names:
                refuse(f"unknown name {name!r} (write {', '.join(names)})")
        case ast.Constant(value=value):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                refuse(f"{value!r} is no number")
        case ast.BinOp(left=left, op=op, right=right):
            if not isinstance(op, _OPERATORS):
                refuse(f"the operator {type(op).__name__} is not known (write + - * / **)")
            if isinstance(op, ast.Pow):
                _check_exponent(right, refuse)
            _check(left, text, names, calls)
            _check(right, text, names, calls)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, text, names, calls)
        case ast.IfExp(test=ast.Compare(left=left, ops=[op], comparators=[right]), body=body, orelse=orelse):
            if not isinstance(op, _COMPARISONS):
                refuse("a condition compares with <, <=, > or >=")
            for part in (left, right, body, orelse):
                _check(part, text, names, calls)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            if name not in calls:
                refuse(f"unknown function {name!r} (write {', '.join(calls)})")
            if len(arguments) != (2 if name in ("max", "min") else 1):
                refuse(f"{name} is given {len(arguments)} arguments")
            for argument in arguments:
                _check(argument, text, names, calls)
        case _:
            refuse("only + - * / **, brackets, numbers, names and functions can be written")


def _check_exponent(node: ast.expr, refuse: Callable[[str], None]) -> None:
    match node:
        case ast.Constant(value=value) | ast.UnaryOp(operand=ast.Constant(value=value)):
            if not isinstance(value, (int, float)) or abs(value) > LARGEST_EXPONENT:
                refuse(f"the exponent {value!r} is too large (at most {LARGEST_EXPONENT})")
        case _:
            refuse("an exponent must be a number")


def to_sympy(formula: Formula, names: Mapping[str, Any], calls: Mapping[str, Any] | None = None) -> Any:
    """The formula as a SymPy expression, with `names` and `calls` put in."""
    import sympy

    functions: dict[str, Any] = {
        name: getattr(sympy, name.capitalize() if name in ("abs", "max", "min") else name)
        for name in FUNCTIONS
    }
    return _Reader(names, functions | dict(calls or {})).read(formula.tree)


@dataclass(frozen=True)
class _Reader:
    names: Mapping[str, Any]
    calls: Mapping[str, Any]

    def read(self, node: ast.AST) -> Any:
        import sympy

        match node:
            case ast.Name(id=name):
                return self.names[name]
            case ast.Constant(value=value):
                return sympy.Rational(repr(value))
            case ast.UnaryOp(op=op, operand=operand):
                return -self.read(operand) if isinstance(op, ast.USub) else self.read(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](self.read(left), self.read(right))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.calls[name](*map(self.read, arguments))
            case ast.IfExp(
                test=ast.Compare(left=left, ops=[op], comparators=[right]), body=body, orelse=orelse
            ):
                test = _COMPARE[type(op)](self.read(left), self.read(right))
                return sympy.Piecewise((self.read(body), test), (self.read(orelse), True))
        raise TypeError(node)


_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
}
