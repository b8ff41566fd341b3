"""Ordered forms as source text, with no more parentheses than needed, and lines of limited length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from bpsym.notation.order import (
    Call,
    Cases,
    Comparison,
    Element,
    Form,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Size,
    Sum,
    Total,
)

WIDTH = 79
"""The longest line: listings of this width fit on a page."""

CASES, SUM, MATMUL, PRODUCT, POWER, ATOM = range(6)
"""How strongly an expression binds; a matrix product stands in brackets among other factors."""


@dataclass(frozen=True)
class Named:
    """A part whose text is known already, such as an element's name."""

    text: str


@dataclass(frozen=True)
class ExpressionText:
    """leaf: the text of an element, of a sum over an index, or of a size, and how strongly it binds;
    call: the text of a function of arguments, as (name, texts of the arguments).
    whole: whether whole numbers are written without a point.
    """

    leaf: Callable[[Any], tuple[str, int]]
    call: Callable[[str, list[str]], str]
    whole: bool = False

    def text(self, form: Form) -> str:
        return _WRITE[type(form)](self, form)

    def lines(self, start: str, form: Form, end: str = "") -> list[str]:
        """Start form end, over as many lines as it takes; the start's blanks are the indentation."""
        line = f"{start}{self.text(form)}{end}"
        if len(line) <= WIDTH:
            return [line]
        indent = " " * (len(start) - len(start.lstrip()))
        if isinstance(form, Call) and len(form.arguments) == 1:
            return self._broken_call(start, form, end)
        inner = f"{indent}    {self.text(form)}"
        if len(inner) <= WIDTH:
            return [f"{start}(", inner, f"{indent}){end}"]
        return [f"{start}(", *self._operands(form, indent + "    "), f"{indent}){end}"]

    def _broken_call(self, start: str, form: Call, end: str) -> list[str]:
        """name( on the first line, the argument below it"""
        opening, closing = self.call(form.name, ["\n"]).split("\n")
        broken = self.lines(f"{start}{opening}", form.arguments[0], f"{closing}{end}")
        indent = broken[-1][: len(broken[-1]) - len(broken[-1].lstrip())]
        return [
            broken[0].removesuffix("("),
            *broken[1:-1],
            f"{indent}{broken[-1].lstrip().removeprefix(')')}",
        ]

    def _operands(self, form: Form, indent: str) -> list[str]:
        """An operand a line, each with the operator before it."""
        found: list[str] = []
        for operator, operand, strength in _operands(form):
            line = f"{indent}{operator}{self.bracketed(operand, strength)}"
            if len(line) <= WIDTH or len(_operands(operand)) == 1:
                found.append(line)
            else:
                found += [f"{indent}{operator}(", *self._operands(operand, indent + "    "), f"{indent})"]
        return found

    def bracketed(self, form: Form, strength: int) -> str:
        text = self.text(form)
        return f"({text})" if self._strength(form) < strength else text

    def _strength(self, form: Form) -> int:
        if isinstance(form, _LEAVES):
            return self.leaf(form)[1]
        if isinstance(form, Number) and (form.value < 0 or not terminates(form.value)):
            return SUM if form.value < 0 else PRODUCT
        return _STRENGTH.get(type(form), ATOM)

    def sum(self, form: Sum) -> str:
        return "".join(f"{sign}{self.bracketed(term, need)}" for sign, term, need in _spaced(_operands(form)))

    def product(self, form: Product) -> str:
        return "".join(f"{sign}{self.bracketed(one, need)}" for sign, one, need in _spaced(_operands(form)))

    def negative(self, form: Negative) -> str:
        if isinstance(form.body, Power):  # as formatters write it
            return f"-({self.text(form.body)})"
        return f"-{self.bracketed(form.body, PRODUCT)}"

    def quotient(self, form: Quotient) -> str:
        return f"{self.bracketed(form.over, MATMUL)} / {self.bracketed(form.under, POWER)}"

    def power(self, form: Power) -> str:
        base = self.bracketed(form.base, ATOM)
        exponent = self.exponent(form.exponent)
        simple = base.isidentifier() and exponent.lstrip("-").replace(".", "").isalnum()
        return f"{base}{'**' if simple else ' ** '}{exponent}"

    def exponent(self, form: Form) -> str:
        if not isinstance(form, Number):
            return self.bracketed(form, ATOM)
        return str(form.value) if form.value.denominator == 1 else number(form.value)

    def called(self, form: Call) -> str:
        """A function of something; without arguments, a constant."""
        under_root = _under_root(form.arguments[0]) if form.name == "sqrt" else ""
        return self.call(form.name, [under_root or self.text(one) for one in form.arguments])

    def compared(self, form: Comparison) -> str:
        return f"{self.text(form.left)} {form.sign} {self.text(form.right)}"

    def cases(self, form: Cases) -> str:
        return f"{self.bracketed(form.first, SUM)} if {self.text(form.test)} else {self.text(form.other)}"

    def number(self, form: Number) -> str:
        return str(form.value) if self.whole and form.value.denominator == 1 else number(form.value)


_WRITE: dict[type, Callable[[ExpressionText, Any], str]] = {
    Number: ExpressionText.number,
    Named: lambda _, form: form.text,
    Comparison: ExpressionText.compared,
    Cases: ExpressionText.cases,
    Element: lambda self, form: self.leaf(form)[0],
    Total: lambda self, form: self.leaf(form)[0],
    Size: lambda self, form: self.leaf(form)[0],
    Sum: ExpressionText.sum,
    Product: lambda self, form: self.product(form),
    Negative: ExpressionText.negative,
    Quotient: ExpressionText.quotient,
    Power: ExpressionText.power,
    Call: lambda self, form: self.called(form),
}

_LEAVES = (Element, Total, Size)
_STRENGTH = {Cases: CASES, Sum: SUM, Negative: SUM, Product: PRODUCT, Quotient: PRODUCT, Power: POWER}


def _operands(form: Form) -> list[tuple[str, Form, int]]:
    """(operator before it, operand, how strongly it must bind)"""
    if isinstance(form, Sum):
        return [("", form.terms[0], SUM)] + [
            ("- ", term.body, MATMUL) if isinstance(term, Negative) else ("+ ", term, MATMUL)
            for term in form.terms[1:]
        ]
    if isinstance(form, Product):
        first, *rest = _factors(form)
        return [("", first, PRODUCT), *(("* ", factor, POWER) for factor in rest)]
    if isinstance(form, Quotient):
        over = _operands(form.over) if isinstance(form.over, Product) else [("", form.over, MATMUL)]
        return [*over, ("/ ", form.under, POWER)]
    return [("", form, SUM)]


def _factors(form: Product) -> list[Form]:
    """The factors of the product and of those in it, after one number for all numbers."""
    found = list(_leaves(form))
    numbers = [one.value for one in found if isinstance(one, Number)]
    if len(numbers) < 2 and (not numbers or isinstance(found[0], Number)):
        return found
    whole = prod(numbers, start=Fraction(1))
    rest = [one for one in found if not isinstance(one, Number)]
    return [Number(whole), *rest] if whole != 1 or not rest else rest


def _leaves(form: Product) -> Iterator[Form]:
    for factor in form.factors:
        if isinstance(factor, Product):
            yield from _leaves(factor)
        else:
            yield factor


def _spaced(operands: list[tuple[str, Form, int]]) -> list[tuple[str, Form, int]]:
    return [(f" {sign}" if sign else "", operand, strength) for sign, operand, strength in operands]


def number(value: Fraction) -> str:
    """A literal that is the nearest double; a quotient where the decimal does not end."""
    return repr(float(value)) if terminates(value) else f"{value.numerator}.0 / {value.denominator}.0"


def _under_root(form: Form) -> str:
    return str(form.value) if isinstance(form, Number) and form.value.denominator == 1 else ""


def terminates(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1
