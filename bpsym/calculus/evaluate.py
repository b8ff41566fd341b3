"""Numbers for a program, of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from sympy import Add, And, Expr, Integer, Mul, Or, Piecewise, Pow, Rational, Symbol, false, true
from sympy.core.relational import Relational

from bpsym.calculus.arithmetic import Arithmetic, times
from bpsym.calculus.equations import Equation, Program
from bpsym.calculus.nodes import (
    AtGreatest,
    Binder,
    Bound,
    Condition,
    Divisible,
    FirstGreatest,
    Guard,
    Index,
    IndexSum,
    Maximum,
    NonNegative,
    Read,
)
from bpsym.errors import ProgramError

Values = dict[str, dict[tuple[int, ...], Any]]
"""Tensor name -> element's index -> number."""


def evaluate(
    program: Program,
    inputs: Mapping[str, Any],
    arithmetic: Arithmetic,
    *,
    sizes: Mapping[str, int] | None = None,
    only: Iterable[str] | None = None,
) -> Values:
    """All tensors' elements, or those that the tensors `only` need.

    inputs: name -> nested rows (or a dict element -> number) of exact numbers, or of numbers of the arithmetic.
    sizes: the number for each size symbol, by name.
    """
    return Evaluator(program, arithmetic, sizes).run(inputs, only)


def _elements(rows: Any, arithmetic: Arithmetic) -> dict[tuple[int, ...], Any]:
    if isinstance(rows, Mapping):
        return {at: _number(value, arithmetic) for at, value in rows.items()}
    found: dict[tuple[int, ...], Any] = {}

    def walk(part: Any, at: tuple[int, ...]) -> None:
        if isinstance(part, (list, tuple)):
            for number, entry in enumerate(part):
                walk(entry, (*at, number))
        else:
            found[at] = _number(part, arithmetic)

    walk(rows, ())
    return found


def _number(value: Any, arithmetic: Arithmetic) -> Any:
    return arithmetic.number(Fraction(value)) if isinstance(value, (int, Fraction)) else arithmetic.own(value)


_DEPTH = 16
"""So many elements are computed inside of each other; each takes some calls of Python's few hundred."""


class _TooDeep(Exception):  # noqa: N818  (no error: what is to be computed first)
    def __init__(self, name: str, at: tuple[int, ...]) -> None:
        self.name, self.at = name, at


Environment = dict[Symbol, int]
Closure = Callable[[Environment], Any]


class Evaluator:
    """A program made ready to be run many times: each equation is compiled once, to a closure over its indices.

    An element is computed when it is first read, so that equations may stand in any order, recurrences too.
    """

    def __init__(
        self, program: Program, arithmetic: Arithmetic, sizes: Mapping[str, int] | None = None
    ) -> None:
        self.program = program
        self.arithmetic = arithmetic
        self.sizes = dict(sizes or {})
        self.values: Values = {}
        self.compiled: dict[int, Closure] = {}
        self.bounds: dict[Expr, int] = {}
        self.depth = 0

    def run(self, inputs: Mapping[str, Any], only: Iterable[str] | None = None) -> Values:
        """All tensors' elements, or those that the tensors `only` need; see `evaluate`."""
        self.values = {
            tensor.name: _elements(inputs[tensor.name], self.arithmetic)
            for tensor in self.program.inputs
            if tensor.name in inputs
        }
        for name in self.program.tensors if only is None else only:
            self.complete(name)
        return self.values

    def complete(self, name: str) -> None:
        """Compute every element of the tensor."""
        for equation in self.program.of(name):
            for environment in self.places(equation.indices):
                self.reach(name, tuple(self.whole(index)(environment) for index in equation.at))

    def reach(self, name: str, at: tuple[int, ...]) -> None:
        """Compute the element; one that lies too deep below it first, however long the chain of reads is."""
        waiting = [(name, at)]
        while waiting:
            self.depth = 0
            try:
                self.element(*waiting[-1])
                waiting.pop()
            except _TooDeep as deep:
                waiting.append((deep.name, deep.at))

    def places(self, indices: tuple[Index, ...]) -> Iterable[Environment]:
        ranges = [range(self.bound(index.lower), self.bound(index.upper) + 1) for index in indices]
        return (dict(zip(indices, at, strict=True)) for at in product(*ranges))

    def bound(self, expr: Expr) -> int:
        """The number that the limit of an index is; each is worked out once."""
        if expr not in self.bounds:
            self.bounds[expr] = int(self.whole(expr)({}))
        return self.bounds[expr]

    def element(self, name: str, at: tuple[int, ...]) -> Any:
        known = self.values.setdefault(name, {})
        if at not in known:
            if self.depth == _DEPTH:
                raise _TooDeep(name, at)
            self.depth += 1
            known[at] = self.computed(name, at)
            self.depth -= 1
        return known[at]

    def computed(self, name: str, at: tuple[int, ...]) -> Any:
        for equation in self.program.of(name):
            environment = self.matching(equation, at)
            if environment is not None:
                if id(equation) not in self.compiled:
                    self.compiled[id(equation)] = self.compile(equation.value)
                return self.compiled[id(equation)](environment)
        raise ProgramError(f"{name}[{', '.join(map(str, at))}] has no value: it is no input that was given")

    def matching(self, equation: Equation, at: tuple[int, ...]) -> Environment | None:
        environment: Environment = {}
        for index, value in zip(equation.at, at, strict=True):
            if isinstance(index, Index):
                if not self.bound(index.lower) <= value <= self.bound(index.upper):
                    return None
                environment[index] = value
            elif self.bound(index) != value:
                return None
        return environment

    def whole(self, expr: Expr) -> Closure:
        """An index expression as a function of the environment."""
        if isinstance(expr, Integer):
            constant = int(expr)
            return lambda _: constant
        if isinstance(expr, Symbol):
            if expr.name in self.sizes:
                given = self.sizes[expr.name]
                return lambda _: given
            if not isinstance(expr, (Index, Bound)):
                raise ProgramError(f"no number was given for the size {expr} (sizes={{{expr.name!r}: ...}})")
            return lambda environment: environment[expr]
        if isinstance(expr, Rational):
            part = Fraction(expr.p, expr.q)
            return lambda _: part
        parts = [self.whole(part) for part in expr.args]
        if isinstance(expr, Add):
            return lambda environment: _integer(sum(part(environment) for part in parts))
        if isinstance(expr, Mul):
            return lambda environment: _integer(_product(part(environment) for part in parts))
        raise ProgramError(f"{expr} is no whole-number combination of indices")

    def compile(self, expr: Any) -> Closure:
        if isinstance(expr, Rational):
            constant = self.arithmetic.number(Fraction(expr.p, expr.q))
            return lambda _: constant
        if isinstance(expr, Read):
            name, at = expr.name, [self.whole(index) for index in expr.at]
            return lambda environment: self.element(name, tuple(index(environment) for index in at))
        if isinstance(expr, Symbol):
            whole, number = self.whole(expr), self.arithmetic.number
            return lambda environment: number(Fraction(whole(environment)))
        if isinstance(expr, Binder):
            return self.compile_binder(expr)
        if isinstance(expr, AtGreatest):
            return self.compile_choice(expr)
        if isinstance(expr, Guard):
            body, conditions = (
                self.compile(expr.body),
                [self.compile_condition(one) for one in expr.conditions],
            )
            zero = self.arithmetic.number(Fraction(0))
            return lambda e: body(e) if all(one(e) for one in conditions) else zero
        if isinstance(expr, Piecewise):
            return self.compile_piecewise(expr)
        return self.compile_function(expr)

    def compile_function(self, expr: Any) -> Closure:
        parts = [self.compile(part) for part in expr.args]
        if isinstance(expr, Add):
            return lambda environment: _total(part(environment) for part in parts)
        if isinstance(expr, Mul):
            return lambda environment: _product(part(environment) for part in parts)
        if isinstance(expr, Pow) and isinstance(expr.exp, Integer):
            base, exponent = parts[0], int(expr.exp)
            return lambda environment: base(environment) ** exponent
        function = self.arithmetic.functions.get(type(expr).__name__)
        if function is None:
            raise ProgramError(f"{expr}: {type(expr).__name__} is no function of this arithmetic")
        return lambda environment: function(*(part(environment) for part in parts))

    def compile_binder(self, expr: Binder) -> Closure:
        index, inside = expr.opened(f"'{expr.height}")
        body, lower, upper = self.compile(inside), self.whole(expr.lower), self.whole(expr.upper)
        outside = [self.whole(part) for part in expr.outside]
        reduced, number, alike = _REDUCED[type(expr)], self.arithmetic.number, self.arithmetic.alike
        chooses = not isinstance(expr, IndexSum)

        def value(environment: Environment) -> Any:
            first = int(lower(environment))
            values = range(first, int(upper(environment)) + 1)
            terms = [body({**environment, index: value}) for value in values]
            if chooses:  # a maximum, or which term it is
                terms = list(alike(*terms))
            result = reduced(terms, *(int(part(environment)) - first for part in outside))
            return number(Fraction(result)) if isinstance(result, int) else result

        return value

    def compile_choice(self, expr: AtGreatest) -> Closure:
        terms, values = ([self.compile(part) for part in parts] for parts in (expr.terms, expr.values))
        alike = self.arithmetic.alike

        def chosen(environment: Environment) -> Any:
            found = alike(*(term(environment) for term in terms))
            return values[found.index(max(found))](environment)

        return chosen

    def compile_condition(self, one: Condition) -> Closure:
        value = self.whole(one.args[0])
        if isinstance(one, NonNegative):
            return lambda environment: value(environment) >= 0
        if isinstance(one, Divisible):
            divisor = int(one.args[1])
            return lambda environment: value(environment) % divisor == 0
        return lambda environment: value(environment) == 0

    def compile_piecewise(self, expr: Piecewise) -> Closure:
        branches = [(self.compile_truth(test), self.compile(value)) for value, test in expr.args]

        def chosen(environment: Environment) -> Any:
            return next(value(environment) for test, value in branches if test(environment))

        return chosen

    def compile_truth(self, test: Any) -> Closure:
        if isinstance(test, (And, Or)):
            parts, among = [self.compile_truth(part) for part in test.args], _AMONG[type(test)]
            return lambda environment: among(part(environment) for part in parts)
        if isinstance(test, Relational):
            left, right, compare = self.compile(test.lhs), self.compile(test.rhs), _COMPARE[test.rel_op]
            alike = self.arithmetic.alike
            return lambda environment: compare(*alike(left(environment), right(environment)))
        if test in (true, false):
            return lambda _: test == true
        raise ProgramError(f"{test} is no comparison")


_AMONG: dict[type, Callable[[Iterable[bool]], bool]] = {And: all, Or: any}

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _integer(value: Any) -> Any:
    return int(value) if value == int(value) else value


def _total(terms: Iterable[Any]) -> Any:
    result = None
    for term in terms:
        result = term if result is None else result + term
    return result


def _greatest(terms: list[Any]) -> Any:
    if not terms:
        raise ProgramError("a Maximum over an empty range has no value")
    return max(terms)


def _is_first_greatest(terms: list[Any], place: int) -> int:
    return int(bool(terms) and terms.index(max(terms)) == place)


_REDUCED: dict[type, Callable[..., Any]] = {
    IndexSum: lambda terms: _total(terms) if terms else 0,
    Maximum: _greatest,
    FirstGreatest: _is_first_greatest,
}
"""What each node makes of its body's values in order (and of a place among them)."""


def _product(factors: Iterable[Any]) -> Any:
    result = None
    for factor in factors:
        result = factor if result is None else times(result, factor)
    return result
