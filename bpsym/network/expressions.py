"""Formulas as people write them: read by a whitelist, kept in the order in which they were written.

One text serves print (in order), SymPy (for the calculus and the proofs) and code. Nothing is ever executed.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from bpsym.errors import InputError, shown

FUNCTIONS = ("exp", "log", "tanh", "sqrt", "abs", "max", "min", "sin", "cos", "erf")
"""What everybody may call."""

OWN_FUNCTIONS = ("log1p", "expm1", "erfc", "sign", "floor", "sigmoid", "softplus", "normal_cdf", "total")
"""What the records of bpsym call too; total(...) is a sum, of what and over what is said where it is read."""

CONSTANTS = ("pi",)
"""Names that stand for a number in the records of bpsym."""

LONGEST = 500
DEEPEST = 50
LARGEST_EXPONENT = 100
MOST_DIGITS = 1000
MOST_OPERATIONS = 100


@dataclass(frozen=True)
class Formula:
    """A checked formula; `tree` is its syntax tree, in the order of the text."""

    text: str
    tree: ast.expr

    def __str__(self) -> str:
        return self.text

    @cached_property
    def calls(self) -> tuple[str, ...]:
        """The names of the functions that are called, in the order of the text."""
        found = [node for node in _nodes(self.tree) if isinstance(node, ast.Call)]
        return tuple(dict.fromkeys(node.func.id for node in found if isinstance(node.func, ast.Name)))

    @cached_property
    def decimals(self) -> tuple[Fraction, ...]:
        """The numbers that are written with a point."""
        found = [node.value for node in _nodes(self.tree) if isinstance(node, ast.Constant)]
        return tuple(Fraction(repr(value)) for value in found if isinstance(value, float))

    @cached_property
    def is_arithmetic(self) -> bool:
        """Whether there is nothing in it but + - * / ** , names and numbers."""
        return not any(isinstance(node, ast.Call | ast.IfExp) for node in _nodes(self.tree))

    @cached_property
    def has_cases(self) -> bool:
        """Whether what is computed depends on which value is greater: an `if`, max or min."""
        return any(isinstance(node, ast.IfExp) for node in _nodes(self.tree)) or bool(
            {"max", "min"} & set(self.calls)
        )

    def uses(self, name: str) -> int:
        """How often the name stands in it."""
        return sum(isinstance(node, ast.Name) and node.id == name for node in _nodes(self.tree))


def read(text: str, names: tuple[str, ...], calls: tuple[str, ...] = ()) -> Formula:
    """The formula in these names; `calls` may be applied beside the usual functions. InputError says what is wrong."""
    return _read(text, _Checker(text, names, (*FUNCTIONS, *calls)))


def read_own(text: str, names: tuple[str, ...], calls: tuple[str, ...] = ()) -> Formula:
    """A formula of a record of bpsym: more functions than people are offered, any exponents, `u if y > x else v`."""
    checker = _Checker(text, (*names, *CONSTANTS), (*FUNCTIONS, *OWN_FUNCTIONS, *calls), own=True)
    return _read(text, checker)


def _read(text: str, checker: _Checker) -> Formula:
    if len(text) > LONGEST:
        raise InputError(f"the formula has {len(text)} characters, more than {LONGEST}")
    if not text.isascii() or not text.isprintable():
        raise InputError(
            f"the formula {shown(text)} has characters that are no formula's (write z ** 2, not z²)"
        )
    if _brackets(text) > DEEPEST:
        raise InputError(f"the formula {shown(text)} nests deeper than {DEEPEST} brackets")
    if not checker.own and _POWER_OF_E.search(text):
        checker.refuse("e is no name here (write exp(...) for a power of e)")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        checker.refuse_slips()
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InputError(f"the formula {shown(text)} cannot be read: {reason}") from None
    if _depth(tree) > MOST_OPERATIONS:
        checker.refuse(f"more than {MOST_OPERATIONS} operations inside each other")
    checker.check(tree)
    if not checker.own:
        checker.check_constants(tree)
    return Formula(ast.unparse(tree), tree)


def _brackets(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _depth(tree: ast.AST) -> int:
    """How many operations stand inside each other, counted without recursion."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes in the order of the text."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        yield from _nodes(child)


_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_POWER_OF_E = re.compile(r"(?<![\w.])e\s*(\^|\*\*)", re.ASCII)
_SLIPS = (
    (re.compile(r"(?<![\w.])(\d+),(\d+)"), r"a comma in a number (write \1.\2)"),
    (re.compile(r"\|([^|]+)\|"), r"bars are no function (write abs(\1))"),
    (
        re.compile(r"(?<![\w.])(\d+\.?\d*)\s*(?!e[+-]?\d|(?:if|else|and|or|not|in|is|for)\b)([A-Za-z_]\w*)"),
        r"no sign of multiplication (write \1*\2)",
    ),
)
"""What is written as on paper, and what to say of it."""
_COMPARISONS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)


@dataclass(frozen=True)
class _Checker:
    """Walks a syntax tree; whatever is not listed in _CHECKS is refused."""

    text: str
    names: tuple[str, ...]
    calls: tuple[str, ...]
    own: bool = False

    def check(self, node: ast.AST) -> None:
        if isinstance(node, ast.Tuple):
            self.refuse_slips()
        known = _CHECKS.get(type(node))
        if known is None:
            self.refuse("only + - * / **, brackets, numbers, names and functions can be written")
        else:
            known(self, node)

    def refuse_slips(self) -> None:
        """Refuse what is written as on paper, with what to write."""
        for pattern, what in _SLIPS:
            if found := pattern.search(self.text):
                self.refuse(found.expand(what))

    def refuse(self, what: str) -> None:
        raise InputError(f"the formula {shown(self.text)}: {what}")

    def name(self, node: ast.Name) -> None:
        if node.id not in self.names:
            self.refuse(f"unknown name {node.id!r} (write {', '.join(self.names)})")

    def constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            self.refuse(f"{shown(node.value)} is no number")
        elif isinstance(node.value, float) and not math.isfinite(node.value):
            self.refuse("a number is too large (at most 1.7e308)")

    def binary(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.BitXor):
            self.refuse(f"^ is no power here (write {self.text.strip().replace('^', '**')})")
        if not isinstance(node.op, _OPERATORS):
            self.refuse(f"the operator {type(node.op).__name__} is not known (write + - * / **)")
        if isinstance(node.op, ast.Pow) and not self.own:
            self.exponent(node)
        self.check(node.left)
        self.check(node.right)

    def exponent(self, power: ast.BinOp) -> None:
        node = power.right
        number = node.operand if isinstance(node, ast.UnaryOp) else node
        if not isinstance(number, ast.Constant) or not isinstance(number.value, (int, float)):
            self.refuse(f"an exponent must be a number{_exponent_hint(power)}")
        elif abs(number.value) > LARGEST_EXPONENT:
            self.refuse(f"the exponent {shown(number.value)} is too large (at most {LARGEST_EXPONENT})")

    def unary(self, node: ast.UnaryOp) -> None:
        if not isinstance(node.op, (ast.USub, ast.UAdd)):
            self.refuse("of the signs, only - and + can be written")
        self.check(node.operand)

    def conditional(self, node: ast.IfExp) -> None:
        test = node.test
        if not self.own:
            self.refuse("no condition can be written (write max, min or abs)")
        elif not (
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
            write = "log" if node.func.id == "ln" else ", ".join(self.calls)
            self.refuse(f"unknown function {node.func.id!r} (write {write})")
        elif len(node.args) != (takes := 2 if node.func.id in ("max", "min") else 1):
            self.refuse(f"{node.func.id} takes {_counted(takes)}, and is given {len(node.args) or 'none'}")
        for argument in node.args:
            self.check(argument)

    def check_constants(self, tree: ast.expr) -> None:
        """Refuse what SymPy would work out to a number without end, or to none: 10**100**..., 1 / 0, log(-1)."""
        if _digits(tree) > MOST_DIGITS:
            self.refuse(f"its numbers grow to more than {MOST_DIGITS} digits")
        try:
            _constant(tree)
        except (ArithmeticError, ValueError):
            self.refuse("a part of it is no real number that a computer can hold")


def _counted(arguments: int) -> str:
    return f"{arguments} argument{'s' if arguments > 1 else ''}"


def _exponent_hint(power: ast.BinOp) -> str:
    """What to write for an exponent that is worked out: the number, or another place for the brackets."""
    base = ast.unparse(power.left)
    base = base if isinstance(power.left, ast.Name) else f"({base})"
    try:
        value = _constant(power.right)
    except (ArithmeticError, ValueError, KeyError):
        value = None
    if value is None or abs(value) > LARGEST_EXPONENT or len(base) > LARGEST_EXPONENT:
        return " (write it in digits, as z ** 2; for 2 ** z, write exp(z * log(2)))"
    write = f" (write {base} ** {value:.15g}"
    if isinstance(power.right, ast.BinOp) and isinstance(power.right.op, ast.Pow):
        inner, outer = ast.unparse(power.right.left), ast.unparse(power.right.right)
        write += f"; or put the inner power in brackets: ({base} ** {inner}) ** {outer}"
    return f"{write})"


_CHECKS: dict[type, Callable[[_Checker, Any], None]] = {
    ast.Name: _Checker.name,
    ast.Constant: _Checker.constant,
    ast.BinOp: _Checker.binary,
    ast.UnaryOp: _Checker.unary,
    ast.IfExp: _Checker.conditional,
    ast.Call: _Checker.call,
}


def _digits(node: ast.AST) -> float:
    """An upper bound of the digits of any number in the formula, worked out exactly."""
    if isinstance(node, ast.Constant):
        return len(str(node.value)) if isinstance(node.value, int) else 330
    parts = sum(map(_digits, ast.iter_child_nodes(node)))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        exponent = _constant(node.right)
        return _digits(node.left) * max(1.0, abs(exponent or 0.0))
    return parts


def _constant(node: ast.AST) -> float | None:
    """The value of a part without names, in double precision; None where there are names in it."""
    match node:
        case ast.Constant(value=float() | int() as value):
            return float(value)
        case ast.UnaryOp(op=op, operand=operand):
            inner = _constant(operand)
            return -inner if inner is not None and isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            return _worked_out(_BINARY[type(op)], (left, right))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _worked_out(_IN_DOUBLES.get(name, lambda *_: 0.0), arguments)
        case ast.IfExp(test=ast.Compare(left=left, comparators=[right]), body=body, orelse=orelse):
            return _worked_out(lambda *_: 0.0, (left, right, body, orelse))
    return None


def _worked_out(operation: Callable[..., Any], parts: Any) -> float | None:
    values = [_constant(part) for part in parts]
    if any(value is None for value in values):
        return None
    result = operation(*values)
    if isinstance(result, complex) or not math.isfinite(result):
        raise ArithmeticError
    return float(result)


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
_IN_DOUBLES: dict[str, Callable[..., Any]] = {
    name: getattr(math, name) for name in ("exp", "log", "tanh", "sqrt", "sin", "cos", "erf")
} | {"abs": abs, "max": max, "min": min}

Summand = Callable[[Mapping[str, Any]], Any]
"""names -> the formula with other values for these names"""


def to_sympy(formula: Formula, names: Mapping[str, Any], calls: Mapping[str, Any] | None = None) -> Any:
    """The formula as a SymPy expression, with `names` and `calls` put in; calls["total"] is given a `Summand`.

    Where u = v, max(u, v) has slope 0 if one of them is a number, else that of u; |u| has slope 0 where u = 0.
    """
    import sympy

    constants = {name: getattr(sympy, name) for name in CONSTANTS}
    return _Reader(constants | dict(names), _functions() | dict(calls or {})).read(formula.tree)


def _functions() -> dict[str, Any]:
    import sympy
    from sympy import Integer

    from bpsym.calculus import functions

    plain = ("exp", "log", "tanh", "sqrt", "sin", "cos", "erf", "erfc", "sign", "floor")
    return {name: getattr(sympy, name) for name in plain} | {
        "abs": functions.Abs,
        "max": functions.Max,
        "min": functions.Min,
        "log1p": lambda u: sympy.log(1 + u),
        "expm1": lambda u: sympy.exp(u) - 1,
        "sigmoid": lambda u: 1 / (1 + sympy.exp(-u)),
        "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
        "normal_cdf": lambda u: (1 + sympy.erf(u / sympy.sqrt(Integer(2)))) / 2,
    }


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


__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "OWN_FUNCTIONS",
    "Formula",
    "Summand",
    "in_doubles",
    "read",
    "read_own",
    "to_sympy",
]
