"""What a formula's value can be: intervals that hold every value, closed, as floating point rounds to their ends."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bpsym.network.expressions import Formula


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, both included; None where there is no end."""

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        low, high = (None if end is None else f"{end:g}" for end in (self.low, self.high))
        if low is None or high is None:
            return "of any size" if low == high else f"above {low}" if high is None else f"below {high}"
        return f"between {low} and {high}"

    @property
    def ends(self) -> tuple[float, float]:
        return (
            -math.inf if self.low is None else self.low,
            math.inf if self.high is None else self.high,
        )

    def is_inside(self, other: Interval) -> bool:
        """Whether it keeps off the other's ends."""
        (low, high), (least, most) = self.ends, other.ends
        return (low > least or least == -math.inf) and (high < most or most == math.inf)

    def ends_met_in(self, other: Interval) -> tuple[float, ...] | None:
        """The other's ends that it reaches without going beyond; None where it may go beyond."""
        (low, high), (least, most) = self.ends, other.ends
        if low < least or high > most:
            return None
        return tuple(end for end, met in ((least, low), (most, high)) if end == met and math.isfinite(end))


REAL = Interval()


def interval(formula: Formula, names: Mapping[str, Interval]) -> Interval:
    """An interval that the formula's value never leaves, each name standing for any number of its interval."""
    return interval_of(formula.tree, names)


def interval_of(tree: ast.expr, names: Mapping[str, Interval]) -> Interval:
    """The same of a part of a formula."""
    return _made(*_ends(tree, {name: one.ends for name, one in names.items()}))


Ends = tuple[float, float]
_ALL: Ends = (-math.inf, math.inf)


def _made(low: float, high: float) -> Interval:
    if math.isnan(low) or math.isnan(high):
        return REAL
    return Interval(None if low == -math.inf else low, None if high == math.inf else high)


def _ends(node: ast.expr, names: Mapping[str, Ends]) -> Ends:
    match node:
        case ast.Name(id=name):
            return names.get(name, _ALL)
        case ast.Constant(value=float() | int() as value):
            return float(value), float(value)
        case ast.UnaryOp(op=op, operand=operand):
            low, high = _ends(operand, names)
            return (-high, -low) if isinstance(op, ast.USub) else (low, high)
        case ast.BinOp():
            return _of_operation(node, names)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _CALLS:
            return _CALLS[name](*(_ends(one, names) for one in arguments))
        case ast.IfExp(body=body, orelse=orelse):
            return _hull(_ends(body, names), _ends(orelse, names))
    return _ALL


def _of_operation(node: ast.BinOp, names: Mapping[str, Ends]) -> Ends:
    one, other = _ends(node.left, names), _ends(node.right, names)
    if isinstance(node.op, ast.Pow):
        return _power(one, other[0])
    if isinstance(node.op, ast.Mult) and ast.dump(node.left) == ast.dump(node.right):
        return _power(one, 2.0)
    return _BINARY[type(node.op)](one, other)


def _hull(*several: Ends) -> Ends:
    return min(low for low, _ in several), max(high for _, high in several)


def _sum(one: Ends, other: Ends) -> Ends:
    return one[0] + other[0], one[1] + other[1]


def _difference(one: Ends, other: Ends) -> Ends:
    return one[0] - other[1], one[1] - other[0]


def _product(one: Ends, other: Ends) -> Ends:
    products = [0.0 if 0 in (a, b) else a * b for a in one for b in other]
    return min(products), max(products)


def _quotient(one: Ends, other: Ends) -> Ends:
    low, high = other
    if low < 0 < high or low == high == 0:
        return _ALL
    return _product(one, (-math.inf if high == 0 else 1 / high, math.inf if low == 0 else 1 / low))


def _power(base: Ends, exponent: float) -> Ends:
    low, high = base
    if exponent < 0:
        return _quotient((1.0, 1.0), _power(base, -exponent))
    if exponent != int(exponent):
        return _grown(max(low, 0.0), exponent), _grown(max(high, 0.0), exponent)
    if exponent % 2 == 1:
        return _grown(low, exponent), _grown(high, exponent)
    ends = sorted((_grown(low, exponent), _grown(high, exponent)))
    return (0.0, ends[1]) if low < 0 < high else (ends[0], ends[1])


def _grown(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf if base > 0 or exponent % 2 == 0 else -math.inf


def _exp(ends: Ends) -> Ends:
    low, high = (math.exp(min(end, 709.0)) if end < 709 else math.inf for end in ends)
    return low, high


def _log(ends: Ends) -> Ends:
    low, high = (-math.inf if end <= 0 else math.inf if end == math.inf else math.log(end) for end in ends)
    return low, high


def _abs(ends: Ends) -> Ends:
    low, high = ends
    return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


_BINARY: dict[type, Callable[[Ends, Ends], Ends]] = {
    ast.Add: _sum,
    ast.Sub: _difference,
    ast.Mult: _product,
    ast.Div: _quotient,
}
_CALLS: dict[str, Callable[..., Ends]] = {
    "exp": _exp,
    "log": _log,
    "tanh": lambda ends: (math.tanh(ends[0]), math.tanh(ends[1])),
    "erf": lambda ends: (math.erf(ends[0]), math.erf(ends[1])),
    "sin": lambda _: (-1.0, 1.0),
    "cos": lambda _: (-1.0, 1.0),
    "abs": _abs,
    "sqrt": lambda ends: _power(ends, 0.5),
    "max": lambda one, other: (max(one[0], other[0]), max(one[1], other[1])),
    "min": lambda one, other: (min(one[0], other[0]), min(one[1], other[1])),
}


__all__ = ["REAL", "Interval", "interval", "interval_of"]
