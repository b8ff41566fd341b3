"""Affine integer expressions over indices, as plain dictionaries: what they can be at least, at most, and zero for.

SymPy's assumptions can answer the same questions, at ten times the cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from sympy import Add, Expr, Integer, Mul, Rational, Symbol

from bpsym.calculus.conditions import Condition, Divisible, NonNegative, Zero
from bpsym.errors import ProgramError

Number = int | Fraction


@dataclass(frozen=True)
class Affine:
    """constant + sum of coefficient * symbol; symbols without a range in a box are sizes, at least 1.

    A product of sizes is a size too, under a symbol of its own.
    """

    constant: Number
    terms: Mapping[Symbol, Number]

    def __add__(self, other: Affine) -> Affine:
        terms = dict(self.terms)
        for symbol, coefficient in other.terms.items():
            terms[symbol] = terms.get(symbol, 0) + coefficient
        return Affine(self.constant + other.constant, {s: c for s, c in terms.items() if c})

    def __neg__(self) -> Affine:
        return self * -1

    def __sub__(self, other: Affine) -> Affine:
        return self + -other

    def __mul__(self, factor: Number) -> Affine:
        return Affine(self.constant * factor, {s: c * factor for s, c in self.terms.items() if c * factor})

    def coefficient(self, symbol: Symbol) -> Number:
        """That of the symbol; 0 where it does not occur."""
        return self.terms.get(symbol, 0)

    def put(self, symbol: Symbol, value: Affine) -> Affine:
        """The expression with `value` for the symbol."""
        coefficient = self.coefficient(symbol)
        if not coefficient:
            return self
        rest = {s: c for s, c in self.terms.items() if s != symbol}
        return Affine(self.constant, rest) + value * coefficient

    @property
    def denominator(self) -> int:
        """The least whole number that makes every coefficient whole."""
        return lcm(*(Fraction(number).denominator for number in (self.constant, *self.terms.values())))

    def whole(self) -> Affine:
        """The expression times its denominator."""
        return self * self.denominator

    def expr(self) -> Expr:
        """The same for SymPy."""
        return Add(_exact(self.constant), *(_exact(c) * symbol for symbol, c in self.terms.items()))


def _exact(number: Number) -> Expr:
    return Rational(number.numerator, number.denominator)


def affine(expr: Expr) -> Affine:
    """The expression as an `Affine`; ProgramError where it is none."""
    if isinstance(expr, Integer):
        return Affine(int(expr), {})
    if isinstance(expr, Rational):
        return Affine(Fraction(expr.p, expr.q), {})
    if isinstance(expr, Symbol):
        return Affine(0, {expr: 1})
    if isinstance(expr, Add):
        total = Affine(0, {})
        for part in expr.args:
            total = total + affine(part)
        return total
    if isinstance(expr, Mul):
        factor, rest = expr.as_coeff_Mul()
        if isinstance(factor, Rational) and factor != 1:
            return affine(rest) * (int(factor) if factor.q == 1 else Fraction(factor.p, factor.q))
        if isinstance(expr.expand(), Add):
            return affine(expr.expand())
        if all(isinstance(part, Symbol) and part.is_positive for part in expr.args):
            return Affine(0, {Symbol(str(expr), integer=True, positive=True): 1})
    raise ProgramError(f"the index expression {expr} is not a whole-number combination of indices")


Box = Mapping[Symbol, tuple[Affine, Affine]]


def minimum(value: Affine, box: Box) -> Number | None:
    """The least value over the box, whatever the sizes are; None where it has no bound that holds for all sizes.

    Ranges may depend on symbols that stand earlier in the box.
    """
    for symbol in reversed(list(box)):
        coefficient = value.coefficient(symbol)
        if coefficient:
            value = value.put(symbol, box[symbol][0 if coefficient > 0 else 1])
    if any(coefficient < 0 for coefficient in value.terms.values()):
        return None
    return value.constant + sum(value.terms.values())


def nonnegative(value: Affine, box: Box) -> bool:
    """Whether value >= 0 all over the box, whatever the sizes are."""
    least = minimum(value, box)
    return least is not None and least >= 0


def holds(condition: Condition, box: Box) -> bool | None:
    """True where the condition holds all over the box, False where it holds nowhere in it, else None."""
    value = affine(condition.args[0])
    if isinstance(condition, NonNegative):
        if nonnegative(value, box):
            return True
        return False if nonnegative(-value - Affine(1, {}), box) else None
    if isinstance(condition, Zero):
        if nonnegative(value, box) and nonnegative(-value, box):
            return True
        one = Affine(1, {})
        return False if nonnegative(value - one, box) or nonnegative(-value - one, box) else None
    divisor = int(condition.args[1])
    if all(c % divisor == 0 for c in value.terms.values()):
        return value.constant % divisor == 0
    return None


def follows(value: Affine, conditions: Iterable[Condition], box: Box) -> bool:
    """Whether value >= 0 over the part of the box where the conditions hold (each condition tried by itself)."""
    value = value.whole()
    if nonnegative(value, box):
        return True
    for condition in conditions:
        if isinstance(condition, Divisible):
            continue
        known = affine(condition.args[0])
        both = [known, -known] if isinstance(condition, Zero) else [known]
        if any(nonnegative(value - one * factor, box) for one in both for factor in _factors(value, one)):
            return True
    return False


def _factors(value: Affine, known: Affine) -> list[Number]:
    """Positive multiples of what is known that cancel a symbol of the value."""
    shared = [Fraction(c) / known.terms[symbol] for symbol, c in value.terms.items() if symbol in known.terms]
    return [1, *(factor for factor in shared if factor > 0)]


def is_whole(value: Affine, conditions: Iterable[Condition]) -> bool:
    """Whether the value is a whole number wherever the conditions hold, as far as their divisibilities say it."""
    if value.denominator == 1:
        return True
    divisible = [one for one in conditions if isinstance(one, Divisible)]
    if not divisible:
        return False
    first, *others = divisible
    quotient = affine(first.args[0]) * Fraction(1, int(first.args[1]))
    multiples = range(int(first.args[1]))
    return any(is_whole(value - quotient * multiple, others) for multiple in multiples)


def box_of(ranges: Iterable[tuple[Symbol, Expr, Expr]]) -> dict[Symbol, tuple[Affine, Affine]]:
    """(symbol, lower, upper), ... as a box: symbol -> (lower, upper)."""
    return {symbol: (affine(lower), affine(upper)) for symbol, lower, upper in ranges}


__all__ = ["Affine", "Box", "affine", "box_of", "follows", "holds", "is_whole", "minimum", "nonnegative"]
