"""The nodes that an index equation adds to SymPy: indices, tensor reads, sums, maxima and guards.

All of them are inert. SymPy's own ``Sum`` folds conditions out of nested scopes and captures bound indices when
something is put into it; here a node with an index of its own is opened with a fresh index first, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cmp_to_key
from typing import Any, NamedTuple

from sympy import Add, Basic, Expr, Function, Integer, Mul, Piecewise, Pow, S, Symbol, false, sympify, true
from sympy.core.relational import Eq, Ge, Gt, Le, Lt
from sympy.core.symbol import Str

from bpsym.calculus.affine import affine
from bpsym.calculus.conditions import Condition, Divisible, NonNegative, Zero
from bpsym.errors import ProgramError


def size(name: str) -> Symbol:
    """A symbol for a width or a number of samples: a whole number, at least 1."""
    return Symbol(name, integer=True, positive=True)


class Index(Symbol):  # type: ignore[misc]
    """A whole number that runs from `lower` to `upper`, both included. Equal in name and range is equal."""

    __slots__ = ("lower", "upper")
    lower: Expr
    upper: Expr

    def __new__(cls, name: str, extent: Any = None, *, lower: Any = 0, upper: Any = None) -> Index:
        index: Index = Symbol.__xnew__(cls, name, integer=True)
        index.lower = sympify(lower, strict=True)
        index.upper = sympify(extent, strict=True) - 1 if upper is None else sympify(upper, strict=True)
        return index

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.lower, self.upper)

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.name,), {"lower": self.lower, "upper": self.upper}

    def renamed(self, name: str) -> Index:
        return Index(name, lower=self.lower, upper=self.upper)


class Fresh(Index):
    """An index that is made on the way: never equal to one that a person made, whatever its name is."""

    __slots__ = ()


class Read(Expr):  # type: ignore[misc]
    """One element of a tensor, `T[e1, e2, ...]`; of a scalar, `T[()]`. A real number, as far as SymPy is concerned."""

    is_commutative = True
    is_real = True

    def __new__(cls, name: str | Str, *at: Any) -> Read:
        label = name if isinstance(name, Str) else Str(name)
        read: Read = Expr.__new__(cls, label, *(sympify(index, strict=True) for index in at))
        return read

    @property
    def name(self) -> str:
        return str(self.args[0].name)

    @property
    def at(self) -> tuple[Expr, ...]:
        return tuple(self.args[1:])

    def renamed(self, name: str) -> Read:
        read: Read = Expr.__new__(Read, Str(name), *self.args[1:])
        return read

    def _sympystr(self, printer: Any) -> str:
        return f"{self.name}[{', '.join(printer.doprint(index) for index in self.at)}]"


class Way(NamedTuple):
    """One way into a node: what is inside, the node's slope by it, for each of `sums`, where `conditions` hold."""

    inside: Expr
    slope: Expr
    sums: tuple[Index, ...] = ()
    conditions: tuple[Condition, ...] = ()


class Bound(Symbol):  # type: ignore[misc]
    """The nameless index of a `Binder`, told from those inside it by its height above the innermost."""

    __slots__ = ()

    def __new__(cls, height: int) -> Bound:
        bound: Bound = Symbol.__xnew__(cls, f"_{height}", integer=True)
        return bound


class Binder(Expr):  # type: ignore[misc]
    """A node over `body` with an index of its own; two that differ only in the index's name are the same object.

    Its parts: body, index, lower and upper limit, and what stands outside of the index's scope.
    """

    __slots__ = ("height",)
    is_commutative = True
    is_real = True
    height: int
    word: str

    def __new__(cls, body: Any, index: Symbol, lower: Any, upper: Any, *outside: Any) -> Expr:
        body, lower, upper = (sympify(part, strict=True) for part in (body, lower, upper))
        outside = tuple(sympify(part, strict=True) for part in outside)
        count = upper - lower
        if count.is_Integer and count < 0:
            return cls.written_out(lower, (), *outside)
        if count == 0:
            return cls.written_out(lower, (body.xreplace({index: lower}),), *outside)
        height = 1 + _height(body)
        bound = Bound(height)
        if index != bound:
            body = _rename(body, index, bound)
        return cls._made(body, bound, lower, upper, *outside)

    @classmethod
    def _made(cls, body: Expr, bound: Bound, lower: Expr, upper: Expr, *outside: Expr) -> Binder:
        made: Binder = Expr.__new__(cls, body, bound, lower, upper, *outside)
        made.height = int(bound.name[1:])
        return made

    @classmethod
    def written_out(cls, lower: Expr, terms: Sequence[Expr], *outside: Expr) -> Expr:
        """The value, from the body's at lower, lower + 1, ..."""
        raise NotImplementedError

    def slope(self, index: Symbol) -> Expr:
        """Its partial derivative by the body at `index`."""
        raise NotImplementedError

    def ways(self, depth: int) -> Iterator[Way]:
        index, body = self.opened(f"k'{depth}")
        if (slope := self.slope(index)) != 0:
            yield Way(body, slope, (index,))

    @property
    def lower(self) -> Expr:
        return self.args[2]

    @property
    def upper(self) -> Expr:
        return self.args[3]

    @property
    def outside(self) -> tuple[Expr, ...]:
        return tuple(self.args[4:])

    @property
    def free_symbols(self) -> set[Basic]:
        body, bound, *others = self.args
        free: set[Basic] = body.free_symbols - {bound}
        return free.union(*(other.free_symbols for other in others))

    def open(self, index: Symbol) -> Expr:
        """The body, with `index` (not used anywhere in it) for the bound index."""
        return _rename(self.args[0], self.args[1], index)

    def opened(self, name: str) -> tuple[Index, Expr]:
        """A fresh index of this node's range, under a name that no fresh one free in it has, and the body with it."""
        index = Fresh(name, lower=self.lower, upper=self.upper)
        return index, self.open(index)

    def with_body(self, change: Callable[[Expr], Expr]) -> Expr:
        """The node over change(body)."""
        index, body = self.opened(f"'{self.height}")
        made: Expr = type(self)(change(body), index, *self.args[2:])
        return made

    def values(self) -> range | None:
        """What the bound index runs over; None where that depends on other symbols."""
        known = self.lower.is_Integer and self.upper.is_Integer
        return range(int(self.lower), int(self.upper) + 1) if known else None

    def with_terms(self, change: Callable[[Expr], Expr]) -> Expr:
        """The node written out, with change(body at each value) for its terms; its limits are numbers."""
        terms = [change(self.open(Integer(value))) for value in self.values() or ()]
        return self.written_out(self.lower, terms, *self.outside)

    def _xreplace(self, rule: dict[Basic, Basic]) -> tuple[Basic, bool]:
        if self in rule:
            return rule[self], True
        index, body = self.opened(f"'{self.height}")
        while index in rule or any(index in value.free_symbols for value in rule.values()):
            index, body = self.opened(index.name + "'")
        replaced = [part._xreplace(rule) for part in (body, *self.args[2:])]
        if not any(changed for _, changed in replaced):
            return self, False
        body, *others = (part for part, _ in replaced)
        return type(self)(body, index, *others), True

    def _sympystr(self, printer: Any) -> str:
        body, bound, lower, upper, *outside = (printer.doprint(part) for part in self.args)
        return f"{self.word}({', '.join((body, f'{bound}={lower}..{upper}', *outside))})"


class IndexSum(Binder):
    """sum of `body` over one index"""

    __slots__ = ()
    word = "sum"

    def __new__(cls, body: Any, index: Symbol, lower: Any, upper: Any) -> Expr:
        return S.Zero if body == 0 else super().__new__(cls, body, index, lower, upper)

    @classmethod
    def written_out(cls, lower: Expr, terms: Sequence[Expr], *outside: Expr) -> Expr:  # noqa: ARG003
        return Add(*terms)

    def slope(self, index: Symbol) -> Expr:  # noqa: ARG002
        return S.One


class Maximum(Binder):
    """The greatest `body` over one index, whose range is not empty; a tie is decided for its lowest value."""

    __slots__ = ()
    word = "max"

    @classmethod
    def written_out(cls, lower: Expr, terms: Sequence[Expr], *outside: Expr) -> Expr:  # noqa: ARG003
        if not terms:
            raise ProgramError("a Maximum over an empty range has no value")
        return AtGreatest(*terms, *terms)

    def slope(self, index: Symbol) -> Expr:
        return FirstGreatest(*self.args, index)


class FirstGreatest(Binder):
    """1 where the last part, an index expression, is the lowest index at which `body` is greatest; else 0."""

    __slots__ = ()
    word = "first_greatest"

    @classmethod
    def written_out(cls, lower: Expr, terms: Sequence[Expr], *outside: Expr) -> Expr:
        (at,) = outside
        hits = [Guard(S.One, Zero(at - lower - place)) for place in range(len(terms))]
        return AtGreatest(*terms, *hits) if terms else S.Zero

    def slope(self, index: Symbol) -> Expr:  # noqa: ARG002
        return S.Zero


class AtGreatest(Expr):  # type: ignore[misc]
    """The value that belongs to the greatest term; to the first of these, where several are equal.

    Its parts: the terms, then as many values. SymPy's Piecewise breaks where one stands in a condition of another.
    """

    is_commutative = True
    is_real = True

    def __new__(cls, *parts: Any) -> Expr:
        values = parts[len(parts) // 2 :]
        return sympify(values[0], strict=True) if len(set(values)) == 1 else Expr.__new__(cls, *parts)

    @property
    def terms(self) -> tuple[Expr, ...]:
        return tuple(self.args[: len(self.args) // 2])

    @property
    def values(self) -> tuple[Expr, ...]:
        return tuple(self.args[len(self.args) // 2 :])

    def ways(self, depth: int) -> Iterator[Way]:  # noqa: ARG002
        for place, value in enumerate(self.values):
            chosen = [S.One if place == other else S.Zero for other in range(len(self.values))]
            yield Way(value, AtGreatest(*self.terms, *chosen))


def _height(expr: Basic) -> int:
    if isinstance(expr, Binder):
        return expr.height
    return max((_height(part) for part in expr.args), default=0)


def _rename(expr: Basic, old: Symbol, new: Symbol) -> Any:
    """`expr` with one symbol for another that no node inside it binds."""
    if expr == old:
        return new
    if not expr.args:
        return expr
    parts = [_rename(part, old, new) for part in expr.args]
    return _renamed(expr, parts) if isinstance(new, Symbol) else _with_parts(expr, parts)


def _with_parts(expr: Basic, parts: list[Any]) -> Any:
    """`expr` with these parts, which bind what the present ones do; itself where they are the present ones."""
    if all(part is before for part, before in zip(parts, expr.args, strict=True)):
        return expr
    return expr._made(*parts) if isinstance(expr, Binder) else expr.func(*parts)


_RELATIONS: dict[type, Callable[[Expr], Condition]] = {
    Ge: lambda difference: NonNegative(difference),
    Gt: lambda difference: NonNegative(difference - 1),
    Le: lambda difference: NonNegative(-difference),
    Lt: lambda difference: NonNegative(-difference - 1),
    Eq: lambda difference: Zero(difference),
}

_TRUTHS: dict[Any, Condition] = {true: NonNegative(0), false: NonNegative(-1)}
"""SymPy and Python write down at once what needs no index value: n - 1 >= 0 is true for a size n."""


def condition(relation: Any) -> Condition:
    """The condition that a SymPy relation between affine index expressions, or a truth, stands for."""
    if isinstance(relation, Condition):
        return relation
    if relation in _TRUTHS:
        return _TRUTHS[relation]
    if type(relation) not in _RELATIONS:
        raise ProgramError(f"{relation} is no condition on indices (write <=, <, >=, > or Eq)")
    made = _RELATIONS[type(relation)](relation.lhs - relation.rhs)
    try:
        affine(made.args[0])
    except ProgramError as wrong:
        raise ProgramError(f"{relation} is no condition on indices: {wrong}") from None
    return made


class Guard(Expr):  # type: ignore[misc]
    """`body` where all conditions hold, 0 elsewhere (nothing in it is evaluated there)."""

    is_commutative = True
    is_real = True

    def __new__(cls, body: Any, *conditions: Any) -> Expr:
        body = sympify(body, strict=True)
        flat = list(dict.fromkeys(map(condition, conditions)))
        if isinstance(body, Guard):
            flat += [one for one in body.conditions if one not in flat]
            body = body.body
        truths = [truth(one) for one in flat]
        if body == 0 or False in truths:
            return S.Zero
        left = [one for one, known in zip(flat, truths, strict=True) if known is None]
        return Expr.__new__(cls, body, *left) if left else body

    @property
    def body(self) -> Expr:
        return self.args[0]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(self.args[1:])

    def ways(self, depth: int) -> Iterator[Way]:  # noqa: ARG002
        yield Way(self.body, S.One, (), self.conditions)


def truth(one: Condition) -> bool | None:
    """Whether a condition without indices holds; None where it still depends on one."""
    value = one.args[0]
    if not value.is_Integer:
        return None
    if isinstance(one, NonNegative):
        return bool(value >= 0)
    return bool(value == 0) if isinstance(one, Zero) else bool(value % one.args[1] == 0)


def sum_over(body: Any, *indices: Index) -> Expr:
    """Sum of `body` over the indices, the last one innermost."""
    for index in reversed(indices):
        body = IndexSum(body, index, index.lower, index.upper)
    return sympify(body, strict=True)


def rename_reads(expr: Any, names: dict[str, str]) -> Any:
    """`expr` with each tensor called by its new name; those without one keep theirs."""
    if isinstance(expr, Read):
        return expr.renamed(names[expr.name]) if expr.name in names else expr
    if not expr.args or isinstance(expr, Condition):
        return expr
    parts = [rename_reads(part, names) for part in expr.args]
    return _renamed(expr, parts)


def _renamed(expr: Any, parts: list[Any]) -> Any:
    """`expr` with these parts, which are the present ones under other names."""
    if all(part is before for part, before in zip(parts, expr.args, strict=True)):
        return expr
    return _REBUILT.get(type(expr), _rebuilt)(expr, parts)


def _rebuilt(expr: Any, parts: list[Any]) -> Any:
    if isinstance(expr, Function) and not isinstance(expr, Piecewise):
        return expr.func(*parts, evaluate=False)
    return _with_parts(expr, parts)


def _reordered(expr: Any, parts: list[Any]) -> Any:
    """The sum or product of the parts; a number stays in front, the others stand in SymPy's order."""
    first = 1 if parts[0].is_Number else 0
    ordered = [*parts[:first], *sorted(parts[first:], key=_SYMPY_ORDER)]
    return expr.func._from_args(ordered, is_commutative=True)


_SYMPY_ORDER = cmp_to_key(Basic.compare)


_REBUILT: dict[type, Callable[[Any, list[Any]], Any]] = {
    Add: _reordered,
    Mul: _reordered,
    Pow: lambda _, parts: Pow(*parts, evaluate=False),
}
"""What had no simpler value under one name has none under another: SymPy need not look for one."""


def outermost(expr: Any, kinds: tuple[type, ...]) -> Iterator[Any]:
    """The nodes of these kinds that stand in no other of them, as SymPy orders the parts."""
    if isinstance(expr, kinds):
        yield expr
    else:
        for part in expr.args:
            yield from outermost(part, kinds)


__all__ = [
    "AtGreatest",
    "Binder",
    "Bound",
    "Condition",
    "Divisible",
    "FirstGreatest",
    "Fresh",
    "Guard",
    "Index",
    "IndexSum",
    "Maximum",
    "NonNegative",
    "Read",
    "Way",
    "Zero",
    "condition",
    "outermost",
    "rename_reads",
    "size",
    "sum_over",
    "truth",
]
