"""Recomputes every numeric line of a LaTeX document from its printed text. Shares nothing with bpsym.

A display is split into rows, rows into sides at = and the approximate sign. A side without symbols is evaluated with
fractions (with 60 digits where a function is met) and compared with the side after it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath

PRECISE = mpmath.mp.clone()
PRECISE.dps = 60

Function = Callable[[Any], Any]
Value = Any  # a Fraction, an mpmath number, or rows of them (a list of lists)

DISPLAY = re.compile(r"\\begin\{(align\*?|equation\*?|aligned)\}(.*?)\\end\{\1\}|\\\[(.*?)\\\]", re.DOTALL)
INLINE = re.compile(r"(?<!\\)\$([^$]*)\$")
LISTING = re.compile(
    r"\\begin\{verbatim\}.*?\\end\{verbatim\}|\\begin\{tikzpicture\}.*?\\end\{tikzpicture\}", re.DOTALL
)
RELATION = re.compile(r"(\\approx|\\leftarrow|(?<![<>])=)")
NEUTRAL = re.compile(
    r"\\(?:notag|nonumber|allowdisplaybreaks|qquad|quad|[,;!:])|\\label\{[^}]*\}|&|\\(?=[ ])|\{\}"
)
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<matrix>\\begin\{[bp]matrix\}.*?\\end\{[bp]matrix\})"
    r"|(?P<bracket>\\(?:left|right|[bB]igg?[lr]?)\s*(?:[()\[\]]|\\[lr](?:vert|floor)))|(?P<command>\\[a-zA-Z]+)|(?P<one>.))",
    re.DOTALL,
)


class CannotRead(ValueError):
    """A line that looks numeric and cannot be read."""


@dataclass(frozen=True)
class Line:
    """left relation right; why says what is wrong with it, if anything is."""

    left: str
    relation: str
    right: str
    why: str = ""

    @property
    def ok(self) -> bool:
        return not self.why


@dataclass(frozen=True)
class Bare:
    """A symbolic left side with a bare number."""

    left: str
    relation: str
    right: str


def sigmoid(z: Any) -> Any:
    return 1 / (1 + PRECISE.exp(-precise(z)))


def lines(latex: str, functions: Mapping[str, Function]) -> list[Line]:
    """Every operation with its printed result: two sides, both numeric, the first one with something to compute."""
    found = []
    for sides in equated(latex):
        for (left, _), (right, relation) in pairwise(sides):
            if is_numeric(left, functions) and is_numeric(right, functions) and not is_bare(left):
                found.append(compared(left, relation, right, functions))
    return found


def bare_values(latex: str, functions: Mapping[str, Function]) -> list[Bare]:
    """Every number that stands behind symbols, without an operation."""
    return [
        Bare(left, relation, right)
        for sides in equated(latex)
        for (left, _), (right, relation) in pairwise(sides)
        if not is_numeric(left, functions) and is_numeric(right, functions) and is_bare(right)
    ]


def equated(latex: str) -> list[list[tuple[str, str]]]:
    """For each equation of the document its sides, each with the relation before it."""
    text = LISTING.sub("", "\n".join(re.sub(r"(?<!\\)%.*", "", line) for line in latex.splitlines()))
    displays = [match[2] or match[3] for match in DISPLAY.finditer(text)]
    rest = DISPLAY.sub("", text)
    found = [sides(equation) for display in displays for equation in equations(display)]
    found += [sides(match[1]) for match in INLINE.finditer(rest)]
    return [one for one in found if len(one) > 1]


def equations(display: str) -> list[str]:
    """A display's equations: a row that begins with & or an operator goes on with the one before."""
    joined: list[str] = []
    for row in split_rows(display):
        left = row.split("&", 1)[0] if "&" in row else row
        if joined and not NEUTRAL.sub("", left).strip():
            joined[-1] += " " + row
        else:
            joined.append(row)
    return [row for row in joined if row.strip()]


def split_rows(display: str) -> list[str]:
    """At \\\\ outside of matrices."""
    rows, depth, start, place = [], 0, 0, 0
    while place < len(display):
        if display.startswith(r"\begin{", place):
            depth += 1
        elif display.startswith(r"\end{", place):
            depth -= 1
        elif display.startswith("\\\\", place):
            if depth == 0:
                rows.append(display[start:place])
                start = place + 2
            place += 1
        place += 1
    return [*rows, display[start:]]


def sides(equation: str) -> list[tuple[str, str]]:
    matrices: list[str] = []

    def kept(match: re.Match[str]) -> str:
        matrices.append(match[0])
        return f"\x00{len(matrices) - 1}\x00"

    text = re.sub(r"\\begin\{[bp]matrix\}.*?\\end\{[bp]matrix\}", kept, equation, flags=re.DOTALL)
    text = NEUTRAL.sub(" ", text)
    parts = RELATION.split(text)
    relations = ["", *parts[1::2]]
    back = [
        re.sub(r"\x00(\d+)\x00", lambda match: matrices[int(match[1])], part).strip() for part in parts[::2]
    ]
    return list(zip(back, relations, strict=True))


KNOWN = {
    r"\cdot", r"\frac", r"\tfrac", r"\dfrac", r"\exp", r"\tanh", r"\ln", r"\sqrt", r"\odot", r"\times",
    r"\sin", r"\cos", r"\max", r"\min", r"\lvert", r"\rvert", r"\lfloor", r"\rfloor", r"\pi", r"\bigm",
    r"\left", r"\right", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr", r"\biggl", r"\biggr", r"\big", r"\Big", r"\begin", r"\end",
}  # fmt: skip


def is_numeric(text: str, functions: Mapping[str, Function]) -> bool:
    """Whether the side has digits and nothing but numbers, operators and known functions."""
    plain = re.sub(r"\\(?:begin|end)\{[bp]matrix\}", " ", text)
    for name in sorted(functions, key=len, reverse=True):
        plain = re.sub(rf"{re.escape(name)}(?=\s*(?:\\!)?\s*(?:\\left|\\bigl|\\Bigl)?\s*\()", " ", plain)
    plain = re.sub(r"\be\^", "^", plain)
    plain = re.sub(r"\\operatorname\{(?:erf|sgn)\}", " ", plain)
    commands = set(re.findall(r"\\[a-zA-Z]+", plain))
    letters = re.sub(r"\\[a-zA-Z]+", "", plain)
    return bool(re.search(r"\d", plain)) and commands <= KNOWN and not re.search(r"[a-zA-Z_']", letters)


NUMBER = r"-?(?:\d+(?:\.\d+)?(?:\s*\\cdot\s*10\^\{-?\d+\})?|10\^\{-?\d+\})"


def is_bare(text: str) -> bool:
    """Whether the side is one number, or a matrix of numbers."""
    matrix = re.fullmatch(r"\\begin\{([bp]matrix)\}(.*)\\end\{\1\}", text.strip(), re.DOTALL)
    entries = re.split(r"\\\\|&", matrix[2]) if matrix else [text]
    return all(re.fullmatch(NUMBER, entry.strip()) for entry in entries)


def compared(left: str, relation: str, right: str, functions: Mapping[str, Function]) -> Line:
    """The line, with what is wrong: = must be exact, the approximate sign must round to what is printed, and not be ="""
    why = ugly(left) or ugly(right)
    if why:
        return Line(left, relation, right, why)
    computed, printed = entries(evaluate(left, functions)), entries(evaluate(right, functions))
    units = [
        unit(entry) for entry in re.split(r"\\\\|&", re.sub(r"\\(?:begin|end)\{[bp]matrix\}", "", right))
    ]
    if len(computed) != len(printed):
        return Line(left, relation, right, "of two shapes")
    exact = all(as_fraction(one) == other for one, other in zip(computed, printed, strict=True))
    if relation == "=" and not exact:
        why = why or "= between sides that differ"
    if relation == r"\approx" and exact:
        why = why or "the sides are equal: write ="
    if is_bare(right) and not exact:
        for one, other, place in zip(computed, printed, units, strict=True):
            if round_half_even(one, place) != other:
                why = why or f"computed {mpmath.nstr(precise(one), 15)}"
    return Line(left, relation, right, why)


def ugly(text: str) -> str:
    if re.search(r"(?:\\cdot|\+|(?<!\^\{)(?<=\d)\s*-)\s*-\s*\d", text):
        return "a negative number without brackets"
    if re.search(r"(?:^|[({&=]|\\\\)\s*-\s*0(?:\.0*)?(?![\d.])", text):
        return "minus zero"
    if is_bare(text) and "10^" not in text and "matrix" not in text:
        number = abs(Fraction(text.strip()))
        if number >= 10**6 or 0 < number < Fraction(1, 10**4):
            return "should be scientific"
    return ""


def unit(printed: str) -> Fraction:
    """The value of one unit in the last printed place."""
    power = re.match(r"\s*-?10\^\{(-?\d+)\}", printed)
    if power is not None:
        return Fraction(10) ** int(power[1])
    match = re.match(r"\s*-?\d+(?:\.(\d+))?(?:\s*\\cdot\s*10\^\{(-?\d+)\})?", printed)
    if match is None:
        return Fraction(1)
    return Fraction(10) ** (int(match[2] or 0) - len(match[1] or ""))


def round_half_even(value: Any, place: Fraction) -> Fraction:
    return round(as_fraction(value) / place) * place


def as_fraction(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    sign, mantissa, exponent, _ = value._mpf_
    power = Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)
    return (-1 if sign else 1) * int(mantissa) * power


def precise(value: Any) -> Any:
    return (
        PRECISE.mpf(value.numerator) / value.denominator
        if isinstance(value, Fraction)
        else PRECISE.mpf(value)
    )


def entries(value: Value) -> list[Any]:
    return [entry for row in value for entry in row] if isinstance(value, list) else [value]


def evaluate(text: str, functions: Mapping[str, Function]) -> Value:
    """The side's value. CannotRead where it is not understood."""
    reader = _Reader(text, functions)
    value = reader.sum()
    if reader.peek():
        raise CannotRead(f"{text!r} at {reader.peek()!r}")
    return value


ELEMENTARY = {
    rf"\{name}": getattr(PRECISE, own)
    for name, own in (("tanh", "tanh"), ("ln", "log"), ("sin", "sin"), ("cos", "cos"), ("exp", "exp"))
}
UPRIGHT: dict[str, Function] = {
    "erf": lambda z: PRECISE.erf(precise(z)),
    "sgn": lambda z: Fraction((z > 0) - (z < 0)),
}


class _Reader:
    def __init__(self, text: str, functions: Mapping[str, Function]) -> None:
        self.text = text
        self.functions = functions
        self.tokens = [match[0].strip() for match in TOKEN.finditer(text) if match[0].strip()]
        self.tokens = [
            re.sub(r"^\\(?:left|right|[bB]igg?[lr]?)\s*(?=[()\[\]\\])", "", one) for one in self.tokens
        ]
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise CannotRead(f"{self.text!r}: {expected or 'more'} expected, {token!r} found")
        self.place += 1
        return token

    def sum(self) -> Value:
        value = self.product()
        while self.peek() in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            value = add(value, self.product(), sign)
        return value

    def product(self) -> Value:
        if self.peek() == "-":
            self.take()
            return times(Fraction(-1), self.product())
        value = self.power()
        while self.peek() and self.peek() not in ("+", "-", ")", "]", "}", "&", ",", r"\rvert", r"\rfloor"):
            if self.peek() == "/":
                self.take()
                value = over(value, self.power())
                continue
            if self.peek() in (r"\cdot", r"\odot", r"\times"):
                self.take()
            value = times(value, self.power())
        return value

    def power(self) -> Value:
        base = self.atom()
        if self.peek() == "^":
            self.take()
            exponent = self.group()
            if isinstance(exponent, Fraction) and exponent.denominator == 1:
                return base ** int(exponent)
            return precise(base) ** precise(exponent)
        return base

    def group(self) -> Value:
        if self.peek() != "{":
            return self.atom()
        self.take("{")
        value = self.sum()
        self.take("}")
        return value

    def atom(self) -> Value:
        token = self.peek()
        if token == "(":
            self.take()
            value = self.sum()
            self.take(")")
            return value
        if token == "{":
            return self.group()
        if re.fullmatch(r"\d+(?:\.\d+)?", token):
            return Fraction(self.take())
        if token.startswith(r"\begin"):
            return self.matrix(self.take())
        if token in (r"\frac", r"\tfrac", r"\dfrac"):
            self.take()
            return over(self.group(), self.group())
        if token == "e":
            self.take()
            self.take("^")
            return PRECISE.exp(precise(self.group()))
        return self.named(token)

    def named(self, token: str) -> Value:
        """A constant, or a function by a name of its own."""
        if token == r"\pi":
            self.take()
            return +PRECISE.pi
        if token == r"\lvert":
            self.take()
            value = self.sum()
            self.take(r"\rvert")
            return abs(value)
        if token == r"\lfloor":
            self.take()
            value = self.sum()
            self.take(r"\rfloor")
            return Fraction(math.floor(value))
        if token == r"\sqrt":
            self.take()
            return PRECISE.sqrt(precise(self.group()))
        if token in ELEMENTARY:
            self.take()
            return ELEMENTARY[token](precise(self.atom()))
        if token in (r"\max", r"\min"):
            return self.extreme(max if self.take() == r"\max" else min)
        if token == r"\operatorname":
            self.take()
            self.take("{")
            name = "".join(self.take() for _ in range(3))
            self.take("}")
            return UPRIGHT[name](self.atom())
        return self.call()

    def extreme(self, chosen: Callable[..., Any]) -> Value:
        self.take("(")
        values = [self.sum()]
        while self.peek() == ",":
            self.take()
            values.append(self.sum())
        self.take(")")
        exact = all(isinstance(one, Fraction) for one in values)
        return chosen(values if exact else map(precise, values))

    def call(self) -> Value:
        for name, function in sorted(self.functions.items(), key=lambda item: -len(item[0])):
            spelled = [one[0].strip() for one in TOKEN.finditer(name)]
            if self.tokens[self.place : self.place + len(spelled)] == spelled:
                self.place += len(spelled)
                argument = self.atom()
                if isinstance(argument, list):
                    return [[function(entry) for entry in row] for row in argument]
                return function(argument)
        raise CannotRead(f"{self.text!r} at {self.peek()!r}")

    def matrix(self, text: str) -> Value:
        inner = re.sub(r"\\(?:begin|end)\{[bp]matrix\}", "", text)
        return [[evaluate(entry, self.functions) for entry in row.split("&")] for row in inner.split(r"\\")]


def add(one: Value, other: Value, sign: int) -> Value:
    if isinstance(one, list):
        return [[add(a, b, sign) for a, b in zip(r, q, strict=True)] for r, q in zip(one, other, strict=True)]
    one, other = both(one, other)
    return one + sign * other


def times(one: Value, other: Value) -> Value:
    if isinstance(one, list) and isinstance(other, list):
        return [
            [
                total([times(a, row[j]) for a, row in zip(line, other, strict=True)])
                for j in range(len(other[0]))
            ]
            for line in one
        ]
    if isinstance(one, list) or isinstance(other, list):
        scalar, rows = (other, one) if isinstance(one, list) else (one, other)
        return [[times(scalar, entry) for entry in row] for row in rows]
    one, other = both(one, other)
    return one * other


def over(one: Value, other: Value) -> Value:
    one, other = both(one, other)
    return one / other


def total(values: list[Value]) -> Value:
    result = values[0]
    for value in values[1:]:
        result = add(result, value, 1)
    return result


def both(one: Value, other: Value) -> tuple[Value, Value]:
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one, other
    return precise(one), precise(other)
