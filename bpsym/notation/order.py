"""The one reading-order pass: a SymPy expression, which has lost the order of its parts, as an ordered form.

Sums: what is added before what is subtracted, plain numbers first, biases last; w31 x1 + w32 x2 + b3, 1 - a, a - t.
Products: the number, the learning rate, the loss's slope (a - t), error terms, weights, outputs, then what is
computed from them; delta5 w53 y3 (1 - y3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sympy import Add, Expr, Mul, Piecewise, Pow, Rational, Symbol

from bpsym.calculus.cases import with_cases_outside
from bpsym.calculus.equations import Program, Tensor
from bpsym.calculus.nodes import AtGreatest, Binder, Guard, IndexSum, Read
from bpsym.network import roles

Form = Any
"""One of the records below, or one that a derivation adds to them."""


@dataclass(frozen=True)
class Number:
    """A number of the formula itself, such as 1/2."""

    value: Fraction


@dataclass(frozen=True)
class Element:
    """An element of a tensor."""

    read: Read


@dataclass(frozen=True)
class Sum:
    """terms[0] + terms[1] + ...; a `Negative` term is subtracted."""

    terms: tuple[Form, ...]


@dataclass(frozen=True)
class Negative:
    """- body"""

    body: Form


@dataclass(frozen=True)
class Product:
    """factors[0] factors[1] ..."""

    factors: tuple[Form, ...]


@dataclass(frozen=True)
class Quotient:
    """over / under"""

    over: Form
    under: Form


@dataclass(frozen=True)
class Power:
    """base ** exponent"""

    base: Form
    exponent: Form


@dataclass(frozen=True)
class Call:
    """name(arguments), a function that SymPy knows."""

    name: str
    arguments: tuple[Form, ...]


@dataclass(frozen=True)
class Comparison:
    """left < right, with the sign that says which"""

    left: Form
    sign: str
    right: Form

    @property
    def opposite(self) -> Comparison:
        """What holds where this does not."""
        return Comparison(self.left, _OPPOSITE[self.sign], self.right)


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True)
class Cases:
    """first where the test holds, else other"""

    first: Form
    test: Comparison
    other: Form


@dataclass(frozen=True)
class Size:
    """A width or a number of samples that is still a symbol."""

    name: str


@dataclass(frozen=True)
class Total:
    """What is written as a whole: a sum or a maximum over an index, a guarded term, cases."""

    node: Expr


@dataclass(frozen=True)
class Summation:
    """A sum over an index, not written out, in reading order.

    layer: whose units the index counts, None where it counts samples; lower, upper: from 0.
    """

    index: str
    lower: Form
    upper: Form
    layer: int | None
    body: Form


RANKS: Mapping[str, float] = {
    roles.TARGET: 0,
    roles.SETTING: 1,
    roles.STEP: 1,
    roles.SHARED: 1,
    roles.LEARNING_RATE: 1,
    roles.RATE: 1,
    roles.STATE: 1.5,
    roles.CLIPPED: 2,
    "adjoint": 2,
    roles.WEIGHTS: 3,
    roles.INPUT: 4,
    roles.ACTIVATION: 4,
    roles.PRE_ACTIVATION: 5,
    roles.SAMPLE_LOSS: -0.5,
    roles.LOSS: -0.5,
    roles.BIASES: 7,
}
"""What stands further left in a product, by kind; derivatives are all of one kind."""

_LAST = 9


def reading_order(expr: Expr, program: Program, *, opened: bool = False) -> Form:
    """The expression as an ordered form; ranks come from the roles of the program's tensors.

    opened: sums over an index and cases are forms of what stands in them; else each is a whole.
    """
    names = frozenset(map(str, expr.free_symbols))
    return _Order(program, opened, names).form(with_cases_outside(expr) if opened else expr)


@dataclass(frozen=True)
class _Order:
    """taken: the letters that mean something around what is written."""

    program: Program
    opened: bool
    taken: frozenset[str] = frozenset()

    def form(self, expr: Any) -> Form:
        if isinstance(expr, Rational):
            return Number(Fraction(expr.p, expr.q))
        if isinstance(expr, Read):
            return Element(expr)
        if isinstance(expr, Symbol):
            return Size(expr.name)
        if isinstance(expr, AtGreatest) and expr.terms == expr.values:
            return Call("max", tuple(map(self.form, expr.terms)))
        if self.opened and isinstance(expr, tuple(_OPENED)):
            return _OPENED[type(expr)](self, expr)
        if isinstance(expr, (Binder, Guard, Piecewise)):
            return Total(expr)
        if isinstance(expr, (Add, Mul, Pow)):
            return _COMPOUND[type(expr)](self, expr)
        return Call(_NAMES.get(type(expr).__name__, type(expr).__name__), tuple(map(self.form, expr.args)))

    def summation(self, expr: IndexSum) -> Form:
        """A sum over an index, under the letter that one expects at its place."""
        probe, summand = expr.opened("'probe")
        reads = sorted(summand.atoms(Read), key=lambda read: (self.rank(read), self.position(read)))
        place = next(
            (
                (read, axis)
                for read in reads
                if self.rank(read) != _LAST
                for axis, at in enumerate(read.at)
                if at == probe
            ),
            None,
        )
        if place is None:
            return Total(expr)
        letter = self.letter(*place)
        index = probe.renamed(letter)
        layer = self.program[place[0].name].role.axes[place[1]]
        limits = self.form(expr.lower), self.form(expr.upper)
        inside = replace(self, taken=self.taken | {letter})
        return Summation(letter, *limits, layer, inside.form(expr.open(index)))

    def letter(self, read: Read, axis: int) -> str:
        """The letter s for samples, j for units that weights come from, i for those they lead into, else k."""
        role: roles.Role = self.program[read.name].role
        if role.axes[axis] is None:
            return SAMPLE_LETTER
        wanted = "i" if self.program[read.name].is_adjoint else "k"
        if role.kind == roles.WEIGHTS:
            wanted = "ij"[axis]
        letters: tuple[str, ...] = (wanted, *_LETTERS)
        return next(one for one in letters if one not in self.taken)

    def cases(self, expr: Piecewise) -> Form:
        (value, test), *rest = expr.args
        known = Comparison(self.form(test.lhs), test.rel_op, self.form(test.rhs))
        (other, is_rest), *_ = rest
        return Cases(self.form(value), known, self.form(other if is_rest == True else Piecewise(*rest)))  # noqa: E712

    def sum(self, expr: Add) -> Form:
        if all(map(_is_negative, expr.args)):
            return Negative(self.form(-expr))
        common = self.common_factor(expr)
        if common != 1:
            return Product((self.form(common), self.sum(Add(*(term / common for term in expr.args)))))
        ordered = sorted(expr.args, key=lambda term: (_is_negative(term), self.key(term)))
        return Sum(tuple(Negative(self.form(-t)) if _is_negative(t) else self.form(t) for t in ordered))

    def common_factor(self, expr: Add) -> Rational:
        """A rational that all terms share, up to their signs: 1/2 a + 1/2 b, 2 a - 2 t.

        A mean over samples, and a penalty whose rate happens to be 1 / samples, share none.
        """
        sizes = {abs(term.as_coeff_Mul()[0]) for term in expr.args}
        alike = len(set(map(self.is_over_samples, expr.args))) == 1
        return sizes.pop() if len(sizes) == 1 and alike else Rational(1)

    def is_over_samples(self, term: Expr) -> bool:
        """Whether it is a sum over samples, up to a factor; of sums that stand as a whole none is."""
        if not self.opened:
            return False
        sums = (self.summation(part) for part in Mul.make_args(term) if isinstance(part, IndexSum))
        return any(isinstance(one, Summation) and one.layer is None for one in sums)

    def product(self, expr: Mul) -> Form:
        if _is_negative(expr):
            return Negative(self.form(-expr))
        root = _root_below(expr)
        if root is not None:
            return Quotient(self.form(expr * root), self.form(root))
        under = [factor for factor in expr.args if _is_inverse(factor)]
        if under:
            over = Mul(*(factor for factor in expr.args if factor not in under))
            return Quotient(self.form(over), self.form(Mul(*(1 / factor for factor in under))))
        first, *rest = map(self.form, sorted(expr.args, key=self.factor_key))
        return Product((_as_mean(first, rest), *rest))

    def power(self, expr: Pow) -> Form:
        if _is_inverse(expr):
            return Quotient(Number(Fraction(1)), self.form(1 / expr))
        if expr.exp == Rational(1, 2):
            return Call("sqrt", (self.form(expr.base),))
        return Power(self.form(expr.base), self.form(expr.exp))

    def factor_key(self, factor: Expr) -> tuple[Any, ...]:
        """Numbers first; then by the leading element, what is computed from an element after the element."""
        plain = isinstance(factor, Read)
        leading = self.ranked(factor)[:1]
        first = leading[0] if leading else (-2 if factor.is_number else -1, ())
        if first[0] == RANKS[roles.TARGET]:
            alone = self.opened and all(rank == first[0] for rank, _ in self.ranked(factor))
            return (_LAST if alone and not plain else 0.5, not plain, first[1], str(factor))
        return (first[0], not plain, first[1], str(factor))

    def key(self, term: Expr) -> tuple[Any, ...]:
        """Terms in the order of their elements, biases last."""
        ranked = self.ranked(term)
        return (bool(ranked) and ranked[0][0] == RANKS[roles.BIASES], ranked, str(term))

    def ranked(self, expr: Expr) -> list[tuple[float, tuple[Any, ...]]]:
        """Rank and position of every element in the expression, the leading one first."""
        return sorted((self.rank(read), self.position(read)) for read in expr.atoms(Read))

    def rank(self, read: Read) -> float:
        tensor = self.program.tensors.get(read.name)
        if tensor is None:
            return _LAST
        if tensor.role is None:
            return RANKS["adjoint"] if tensor.is_adjoint else _LAST - self.is_given(tensor)
        return RANKS["adjoint"] if tensor.is_adjoint else RANKS.get(tensor.role.kind, _LAST)

    def is_given(self, tensor: Tensor) -> bool:
        """Whether it is an input: those stand before what is computed."""
        return not self.program.of(tensor.name)

    def position(self, read: Read) -> tuple[Any, ...]:
        """Where the element stands in its tensor; of an element on its own, where it stood."""
        places = tuple((0, int(at)) if at.is_Integer else (1, str(at)) for at in read.at)
        tensor = self.program.tensors.get(read.name)
        if tensor is None or tensor.origin is None or tensor.origin.kind != "element":
            return (read.name, *places)
        known = tuple((0, at) for at in tensor.origin.at if at is not None)
        return (tensor.origin.of, *known, *places)


SAMPLE_LETTER = "s"
_LETTERS = "kjinpq"

_COMPOUND: Mapping[type, Any] = {Add: _Order.sum, Mul: _Order.product, Pow: _Order.power}
_OPENED: Mapping[type, Any] = {IndexSum: _Order.summation, Piecewise: _Order.cases}
_NAMES = {"Abs": "abs", "Max": "max", "Min": "min"}


def _as_mean(factor: Form, rest: list[Form]) -> Form:
    """1/n as a fraction before a sum over n samples; else the factor as it is, a rate of 0.2 as that."""
    counts = {
        one.upper.value + 1
        for one in rest
        if isinstance(one, Summation) and one.layer is None and isinstance(one.upper, Number)
    }
    if isinstance(factor, Number) and factor.value.numerator == 1 and factor.value.denominator in counts:
        return Quotient(Number(Fraction(1)), Number(Fraction(factor.value.denominator)))
    return factor


def _is_negative(expr: Expr) -> bool:
    return bool(expr.as_coeff_Mul()[0] < 0)


def _is_inverse(expr: Expr) -> bool:
    return isinstance(expr, Pow) and bool(expr.exp.is_Rational) and bool(expr.exp < 0)


def _root_below(expr: Mul) -> Expr | None:
    """sqrt(2) where the product has sqrt(2)/2, which is 1/sqrt(2)."""
    number, _ = expr.as_coeff_Mul()
    roots = [
        one for one in expr.args if isinstance(one, Pow) and one.base.is_Integer and one.exp == Rational(1, 2)
    ]
    return next((one for one in roots if number.q > 1 and (number * one.base).q == 1), None)
