"""Formulas as people write them: read by a whitelist, kept in the order in which they were written.

One text serves print (in order), SymPy (for the calculus and the proofs) and code. Nothing is ever executed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bpsym.errors import InputError

FUNCTIONS = ("exp", "log", "tanh", "sqrt", "abs", "max", "min", "sin", "cos", "erf")
OWN_FUNCTIONS = ("floor", "total")
"""What the records of bpsym call too; total(...) is a sum, of what and over what is said where it is read."""

CONSTANTS = ("pi",)
"""Names that stand for a number in the records of bpsym."""

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
    return _read(text, _Checker(text, names, (*FUNCTIONS, *calls)))


def read_own(text: str, names: tuple[str, ...], calls: tuple[str, ...] = ()) -> Formula:
    """A formula of a record of bpsym: more functions than people are offered, and exponents of any kind."""
    return _read(text, _Checker(text, (*names, *CONSTANTS), (*FUNCTIONS, *OWN_FUNCTIONS, *calls), own=True))


def _read(text: str, checker: _Checker) -> Formula:
    if len(text) > LONGEST:
        raise InputError(f"the formula has {len(text)} characters, more than {LONGEST}")
    if _brackets(text) > DEEPEST:
        raise InputError(f"the formula {text[:40]!r} nests deeper than {DEEPEST} brackets")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"the formula {text!r} cannot be read: {error}") from None
    checker.check(tree)
    return Formula(text.strip(), tree)


def _brackets(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_COMPARISONS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)


@dataclass(frozen=True)
class _Checker:
    """Walks a syntax tree; whatever is not listed in _CHECKS is refused."""

    text: str
    names: tuple[str, ...]
    calls: tuple[str, ...]
    own: bool = False

    def check(self, node: ast.AST) -> None:
        known = _CHECKS.get(type(node))
        if known is None:
            self.refuse("only + - * / **, brackets, numbers, names and functions can be written")
        else:
            known(self, node)

    def refuse(self, what: str) -> None:
        raise InputError(f"the formula {self.text!r}: {what}")

    def name(self, node: ast.Name) -> None:
        if node.id not in self.names:
            self.refuse(f"unknown name {node.id!r} (write {', '.join(self.names)})")

    def constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            self.refuse(f"{node.value!r} is no number")

    def binary(self, node: ast.BinOp) -> None:
        if not isinstance(node.op, _OPERATORS):
            self.refuse(f"the operator {type(node.op).__name__} is not known (write + - * / **)")
        if isinstance(node.op, ast.Pow) and not self.own:
            self.exponent(node.right)
        self.check(node.left)
        self.check(node.right)

    def exponent(self, node: ast.expr) -> None:
        number = node.operand if isinstance(node, ast.UnaryOp) else node
        if not isinstance(number, ast.Constant) or not isinstance(number.value, (int, float)):
            self.refuse("an exponent must be a number")
        elif abs(number.value) > LARGEST_EXPONENT:
            self.refuse(f"the exponent {number.value!r} is too large (at most {LARGEST_EXPONENT})")

    def unary(self, node: ast.UnaryOp) -> None:
        if not isinstance(node.op, (ast.USub, ast.UAdd)):
            self.refuse("of the signs, only - and + can be written")
        self.check(node.operand)

    def conditional(self, node: ast.IfExp) -> None:
        test = node.test
        if not (
            isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], _COMPARISONS)
        ):
            self.refuse("a condition compares two values with <, <=, > or >=")
        else:
            for part in (test.left, *test.comparators, node.body, node.orelse):
                self.check(part)

    def call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name) or node.keywords:
            self.refuse("a function is called by its name, as in exp(z)")
        elif node.func.id not in self.calls:
            self.refuse(f"unknown function {node.func.id!r} (write {', '.join(self.calls)})")
        elif len(node.args) != (2 if node.func.id in ("max", "min") else 1):
            self.refuse(f"{node.func.id} is given {len(node.args)} arguments")
        for argument in node.args:
            self.check(argument)


_CHECKS: dict[type, Callable[[_Checker, Any], None]] = {
    ast.Name: _Checker.name,
    ast.Constant: _Checker.constant,
    ast.BinOp: _Checker.binary,
    ast.UnaryOp: _Checker.unary,
    ast.IfExp: _Checker.conditional,
    ast.Call: _Checker.call,
}


Summand = Callable[[Mapping[str, Any]], Any]
"""names -> the formula with other values for these names"""


def to_sympy(formula: Formula, names: Mapping[str, Any], calls: Mapping[str, Any] | None = None) -> Any:
    """The formula as a SymPy expression, with `names` and `calls` put in; calls["total"] is given a `Summand`."""
    import sympy

    functions: dict[str, Any] = {
        name: getattr(sympy, name.capitalize() if name in ("abs", "max", "min") else name)
        for name in (*FUNCTIONS, "floor")
    }
    constants = {name: getattr(sympy, name) for name in CONSTANTS}
    return _Reader(constants | dict(names), functions | dict(calls or {})).read(formula.tree)


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
            case ast.Call(func=ast.Name(id="total"), args=[summand]):
                return self.calls["total"](
                    lambda names: _Reader({**self.names, **names}, self.calls).read(summand)
                )
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


def in_doubles(formula: Formula, names: Mapping[str, float]) -> float:
    """The formula's value in double precision, operation by operation, as a trainer computes it."""
    return float(_in_doubles(formula.tree, names))


def _in_doubles(node: ast.AST, names: Mapping[str, float]) -> Any:
    match node:
        case ast.Name(id=name):
            return names[name]
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=op, operand=operand):
            value = _in_doubles(operand, names)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_in_doubles(left, names), _in_doubles(right, names))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return getattr(math, name)(*(_in_doubles(argument, names) for argument in arguments))
    raise TypeError(node)
