"""The nodes that an index equation adds to SymPy: indices, tensor reads, sums and guards.

All of them are inert. SymPy's own ``Sum`` folds conditions out of nested scopes and captures bound indices when
something is put into it; here a sum is opened with a fresh index first, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sympy import Basic, Expr, S, Symbol, sympify
from sympy.core.relational import Eq, Ge, Gt, Le, Lt
from sympy.core.symbol import Str

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
        return Read(name, *self.at)

    def _sympystr(self, printer: Any) -> str:
        return f"{self.name}[{', '.join(printer.doprint(index) for index in self.at)}]"


class Bound(Symbol):  # type: ignore[misc]
    """The nameless index of a sum, told from those of the sums inside it by its height above the innermost."""

    __slots__ = ()

    def __new__(cls, height: int) -> Bound:
        bound: Bound = Symbol.__xnew__(cls, f"_{height}", integer=True)
        return bound


class IndexSum(Expr):  # type: ignore[misc]
    """sum of `body` over one index. Two sums that differ only in the name of the index are the same object."""

    __slots__ = ("height",)
    is_commutative = True
    is_real = True
    height: int

    def __new__(cls, body: Any, index: Symbol, lower: Any, upper: Any) -> Expr:
        body, lower, upper = (sympify(part, strict=True) for part in (body, lower, upper))
        count = upper - lower
        if body == 0 or (count.is_Integer and count < 0):
            return S.Zero
        if count == 0:
            return body.xreplace({index: lower})
        height = 1 + _height(body)
        bound = Bound(height)
        if index != bound:
            body = _rename(body, index, bound)
        return cls._made(body, bound, lower, upper)

    @classmethod
    def _made(cls, body: Expr, bound: Bound, lower: Expr, upper: Expr) -> IndexSum:
        made: IndexSum = Expr.__new__(cls, body, bound, lower, upper)
        made.height = int(bound.name[1:])
        return made

    @property
    def lower(self) -> Expr:
        return self.args[2]

    @property
    def upper(self) -> Expr:
        return self.args[3]

    @property
    def free_symbols(self) -> set[Basic]:
        body, bound, lower, upper = self.args
        free: set[Basic] = (body.free_symbols - {bound}) | lower.free_symbols | upper.free_symbols
        return free

    def open(self, index: Symbol) -> Expr:
        """The summand, with `index` (not used anywhere in it) for the bound index."""
        return _rename(self.args[0], self.args[1], index)

    def opened(self, name: str) -> tuple[Index, Expr]:
        """An index of this sum's range under a name that is free in it, and the summand with it."""
        index = Index(name, lower=self.lower, upper=self.upper)
        return index, self.open(index)

    def _xreplace(self, rule: dict[Basic, Basic]) -> tuple[Basic, bool]:
        if self in rule:
            return rule[self], True
        index, body = self.opened(f"'{self.height}")
        while index in rule or any(index in value.free_symbols for value in rule.values()):
            index, body = self.opened(index.name + "'")
        body, body_changed = body._xreplace(rule)
        lower, lower_changed = self.lower._xreplace(rule)
        upper, upper_changed = self.upper._xreplace(rule)
        if not (body_changed or lower_changed or upper_changed):
            return self, False
        return IndexSum(body, index, lower, upper), True

    def _sympystr(self, printer: Any) -> str:
        body, bound, lower, upper = (printer.doprint(part) for part in self.args)
        return f"sum({body}, {bound}={lower}..{upper})"


def _height(expr: Basic) -> int:
    if isinstance(expr, IndexSum):
        return expr.height
    return max((_height(part) for part in expr.args), default=0)


def _rename(expr: Basic, old: Symbol, new: Symbol) -> Any:
    """`expr` with one symbol for another that no sum inside it binds."""
    if expr == old:
        return new
    if not expr.args:
        return expr
    parts = [_rename(part, old, new) for part in expr.args]
    if all(part is before for part, before in zip(parts, expr.args, strict=True)):
        return expr
    return IndexSum._made(*parts) if isinstance(expr, IndexSum) else expr.func(*parts)


class Condition(Basic):  # type: ignore[misc]
    """A condition on indices: `NonNegative(e)`, `Zero(e)` or `Divisible(e, k)`, with e affine."""


class NonNegative(Condition):
    """e >= 0"""


class Zero(Condition):
    """e = 0"""


class Divisible(Condition):
    """k divides e"""


_RELATIONS: dict[type, Callable[[Expr], Condition]] = {
    Ge: lambda difference: NonNegative(difference),
    Gt: lambda difference: NonNegative(difference - 1),
    Le: lambda difference: NonNegative(-difference),
    Lt: lambda difference: NonNegative(-difference - 1),
    Eq: lambda difference: Zero(difference),
}


def condition(relation: Any) -> Condition:
    """The condition that a SymPy relation between affine index expressions stands for."""
    if isinstance(relation, Condition):
        return relation
    if type(relation) not in _RELATIONS:
        raise ProgramError(f"{relation} is no condition on indices (write <=, <, >=, > or Eq)")
    return _RELATIONS[type(relation)](relation.lhs - relation.rhs)


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
        at = [rename_reads(index, names) for index in expr.at]
        return Read(names.get(expr.name, expr.name), *at)
    if not expr.args or isinstance(expr, Condition):
        return expr
    parts = [rename_reads(part, names) for part in expr.args]
    if all(part is before for part, before in zip(parts, expr.args, strict=True)):
        return expr
    return IndexSum._made(*parts) if isinstance(expr, IndexSum) else expr.func(*parts)


def outermost(expr: Any, kinds: tuple[type, ...]) -> Iterator[Any]:
    """The nodes of these kinds that stand in no other of them, as SymPy orders the parts."""
    if isinstance(expr, kinds):
        yield expr
    else:
        for part in expr.args:
            yield from outermost(part, kinds)
