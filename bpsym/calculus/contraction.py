"""An index equation as operations on whole arrays: products with transposes, elementwise operations, sums.

    z[s,i] = sum_j W[i,j] x[s,j] + b[i]        x @ W.T + b
    dW[i,j] = sum_s dz[s,i] x[s,j]             dz.T @ x

`contraction` returns only what expands to the equation it was given (`arrays.expanded`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sympy import Add, Expr, Mul, Piecewise, S, Symbol

from bpsym.calculus.arrays import (
    ArgMaxIs,
    Array,
    ArrayRead,
    Axes,
    Bounded,
    Einsum,
    Elementwise,
    Indicator,
    Masked,
    MatMul,
    Placed,
    Ramp,
    Reduced,
    Scalar,
    Spread,
    Transposed,
    cases,
    expanded,
    live,
)
from bpsym.calculus.domains import (
    Domain,
    back,
    boxed,
    conditions_of,
    count_of,
    domain,
    open_conditions,
    settled,
    terms,
)
from bpsym.calculus.equations import Equation
from bpsym.calculus.nodes import (
    Binder,
    Condition,
    FirstGreatest,
    Fresh,
    Guard,
    Index,
    IndexSum,
    Maximum,
    Read,
    Zero,
)
from bpsym.calculus.rewrites import pull_constants
from bpsym.calculus.schedule import Loop, Once
from bpsym.errors import ProgramError


def contraction(equation: Equation, fixed: Iterable[Symbol] = ()) -> Array:
    """The right-hand side as an array expression with the target's axes, proved by expansion.

    Indices in `fixed` are numbers in it: those of the loops around the equation.
    """
    found = proved(equation, fixed)
    if found is None:
        raise ProgramError(f"{equation}: no array expression for it")
    return found


def proved(equation: Equation, fixed: Iterable[Symbol] = ()) -> Array | None:
    """The array expression; None where what was found is not proved to be the equation's right-hand side."""
    known = frozenset(fixed)
    axes = tuple(index for index in equation.indices if index not in known)
    found = aligned(Recognition(axes, known).whole(equation.value), axes)
    return found if normal(expanded(found), known) == normal(equation.value, known) else None


def element_by_element(equation: Equation, fixed: Iterable[Symbol] = ()) -> Loop:
    """The equation in a loop along its first axis, for one that is no array expression as a whole."""
    known = frozenset(fixed)
    for index in equation.indices:
        if index not in known:
            return Loop(index, backwards=False, steps=(Once(equation),))
    raise ProgramError(f"{equation}: no array expression for it")


def normal(expr: Any, fixed: Iterable[Symbol] = ()) -> Expr:
    """The expression in a form to compare it: terms with where they are not zero, constants out of sums."""
    known = frozenset(fixed)
    forms: list[Any] = []
    while expr not in forms and len(forms) < _ROUNDS:
        forms.append(expr)
        expr = _lowest(settled(expr, known), known)
    if expr in forms:  # the last form, or the least of those that turn into each other
        expr = min(forms[forms.index(expr) :], key=str)
    return pull_constants(expr).expand(deep=False)


_ROUNDS = 12
"""After so many an expression is left as it is: what is not proved then is computed in a loop."""


def _lowest(expr: Any, fixed: frozenset[Symbol]) -> Any:
    """The expression with each guard's conditions in their lowest terms."""
    if not expr.args or isinstance(expr, (Read, Condition)):
        return expr
    if isinstance(expr, Binder):
        return _lowest_binder(expr, fixed)
    if isinstance(expr, Guard):
        return _lowest_guard(_lowest(expr.body, fixed), expr.conditions, fixed)
    return expr.func(*(_lowest(part, fixed) for part in expr.args))


def _lowest_binder(expr: Binder, fixed: frozenset[Symbol]) -> Expr:
    """Its conditions in the terms that they have over the whole box of a triangle."""
    index, body = expr.opened(f"'{expr.height}")
    box, _ = boxed(index, fixed)
    body = _lowest(body.xreplace({index: box}), fixed).xreplace({box: index})
    made: Expr = type(expr)(body, index, *expr.args[2:])
    return made


def _lowest_guard(body: Expr, conditions: tuple[Condition, ...], fixed: frozenset[Symbol]) -> Expr:
    axes = tuple(dict.fromkeys(axis for one in conditions for axis in live(one, fixed)))
    found = domain(conditions, axes)
    if found is None:
        return Add()
    guards = [guard for axis, image in found.images.items() for guard in conditions_of(axis, image)]
    every = open_conditions(back(one, found.images) for one in (*guards, *found.left))
    inner = settled(body.xreplace(dict(found.images)), fixed)
    number, rest = back(inner, found.images).as_coeff_Mul()
    return number * Guard(rest, *(every or ()))


def array(expr: Any, wanted: Axes, fixed: Iterable[Symbol] = ()) -> Array:
    """The expression as an array; axes come in the order of `wanted`, as far as that costs nothing."""
    return Recognition(wanted, frozenset(fixed)).whole(expr)


@dataclass(frozen=True)
class Recognition:
    """wanted: the order of axes to keep to; fixed: the indices of the loops around."""

    wanted: Axes
    fixed: frozenset[Symbol] = frozenset()

    def whole(self, expr: Any) -> Array:
        """The sum of the expression's terms, each in its place."""
        found = [self.term(conditions, body) for conditions, body in terms(expr, self.fixed)]
        return self.elementwise(Add, found) if len(found) > 1 else (found or [Scalar(Add())])[0]

    def term(self, conditions: tuple[Condition, ...], body: Expr) -> Array:
        """The body where the conditions hold: in a part of the axes, under a mask where they are no part."""
        if not conditions:
            return self.plain(body)
        axes = self.ordered([axis for one in (body, *conditions) for axis in live(one, self.fixed)])
        found = domain(conditions, axes)
        if found is None:
            return Scalar(Add())
        return self.placed(found, body.xreplace(dict(found.images)), axes)

    def placed(self, found: Domain, body: Expr, axes: Axes) -> Array:
        at = tuple(found.images[axis] for axis in axes)
        inner = tuple(dict.fromkeys(index for image in at for index in live(image, self.fixed)))
        within = Recognition(inner, self.fixed)
        array = within.whole(body)
        array = within.masked(array, found.left) if found.left else array
        return array if at == axes else Placed(aligned(array, inner), at, inner, axes)

    def plain(self, expr: Any) -> Array:
        if not isinstance(expr, Read) and not expr.has(Read, Binder) and not live(expr, self.fixed):
            return Scalar(expr)
        return _READERS.get(type(expr), Recognition.function)(self, expr)

    def function(self, expr: Any) -> Array:
        return self.elementwise(expr.func, [self.plain(part) for part in expr.args])

    def piecewise(self, expr: Piecewise) -> Array:
        parts = [part for pair in expr.args for part in pair.args]
        return self.elementwise(cases, [self.plain(part) for part in parts])

    def read(self, read: Read) -> Array:
        axes = tuple(dict.fromkeys(index for at in read.at for index in live(at, self.fixed)))
        several = any(len(live(at, self.fixed)) > 1 for at in read.at)
        return ArrayRead(read.name, read.at, self.ordered(axes) if several else axes)

    def ordered(self, axes: Iterable[Symbol]) -> Axes:
        """The axes as they are wanted, others last."""
        return tuple(sorted(dict.fromkeys(axes), key=self.place))

    def place(self, index: Symbol) -> int:
        return self.wanted.index(index) if index in self.wanted else len(self.wanted)

    def elementwise(self, function: Callable[..., Any], arguments: list[Array]) -> Array:
        """The widest argument's axes if it has all of them, else all in the order that is wanted, others last."""
        every = tuple(dict.fromkeys(index for one in arguments for index in one.axes))
        widest = max(arguments, key=lambda one: len(one.axes)).axes
        axes = widest if len(widest) == len(every) else self.ordered(every)
        return Elementwise(function, tuple(aligned(one, axes) for one in arguments), axes)

    # maxima ----------------------------------------------------------------------------------------------------

    def maximum(self, greatest: Maximum) -> Array:
        index, whole = self.over(greatest)
        return _reduced("max", whole, index) if index in whole.axes else whole

    def first_greatest(self, one: FirstGreatest) -> Array:
        index, whole = self.over(one)
        (at,) = one.outside
        if index not in whole.axes:
            return self.plain(Guard(S.One, Zero(at - index.lower)))
        axes = self.ordered((*_without(whole.axes, index), *live(at, self.fixed)))
        order = tuple(axis for axis in (*axes, index) if axis in whole.axes)
        return ArgMaxIs(turned(whole, order), index, at, axes)

    def over(self, one: Binder) -> tuple[Index, Array]:
        """The body of a maximum with its index as an axis; what a triangle leaves out is minus infinity.

        Without the index as an axis, where the body turns out to be the same everywhere.
        """
        index, body = one.opened(f"'{one.height}")
        box, triangle = boxed(index, self.fixed)
        whole = self.whole(body.xreplace({index: box}))
        if box not in whole.axes:
            return index, whole
        needed = [axis for condition in triangle for axis in live(condition, self.fixed)]
        if not set(needed) <= set(whole.axes):
            zeros = [Elementwise(Mul, (Scalar(S.Zero), Ramp((axis,))), (axis,)) for axis in needed]
            whole = self.elementwise(Add, [whole, *zeros])
        if not triangle:
            return index, whole
        return index, Bounded(whole, box, index, tuple(index if axis == box else axis for axis in whole.axes))

    # masks -----------------------------------------------------------------------------------------------------

    def masked(self, one: Array, conditions: tuple[Condition, ...]) -> Array:
        """The array where the conditions hold; times ones and zeros where it lacks an axis of theirs."""
        axes = self.ordered(index for condition in conditions for index in live(condition, self.fixed))
        if set(axes) <= set(one.axes):
            return Masked(one, conditions, one.axes)
        return self.elementwise(Mul, [one, Indicator(conditions, axes)])

    # sums ------------------------------------------------------------------------------------------------------

    def sum(self, total: IndexSum) -> Array:
        """A matrix product where the summand is a product of two groups of factors, else a sum along axes."""
        index, body = total.opened(f"'{total.height}")
        conditions, body = (body.conditions, body.body) if isinstance(body, Guard) else ((), body)
        factors = [self.plain(factor) for factor in Mul.make_args(body) if factor != 1]
        for condition in conditions:
            factors = self.masked_factors(factors, condition)
        outside = [factor for factor in factors if index not in factor.axes]
        summed = self.summed([factor for factor in factors if index in factor.axes], index)
        return self.elementwise(Mul, [*outside, summed]) if outside else summed

    def masked_factors(self, factors: list[Array], condition: Condition) -> list[Array]:
        """The mask on the first factor that has all its axes, else as a factor of its own.

        A sum whose terms have conditions of their own takes none: they would not be those of one factor any more.
        """
        axes = self.ordered(live(condition, self.fixed))
        for number, factor in enumerate(factors):
            if isinstance(factor, Masked) and set(axes) <= set(factor.axes):
                both = Masked(factor.array, (*factor.conditions, condition), factor.axes)
                return [*factors[:number], both, *factors[number + 1 :]]
        for number, factor in enumerate(factors):
            if set(axes) <= set(factor.axes) and len(terms(expanded(factor), self.fixed)) == 1:
                one = Masked(factor, (condition,), factor.axes)
                return [*factors[:number], one, *factors[number + 1 :]]
        return [*factors, Indicator((condition,), axes)]

    def summed(self, factors: list[Array], index: Index) -> Array:
        """Sum over the index of the product; of no factors, as many as the index has values."""
        if not factors:
            count, some = count_of(index)
            return self.plain(Guard(count, *some))
        for count in range(len(factors) - 1, 0, -1):
            for chosen in combinations(range(len(factors)), count):
                left = self.joined([factor for place, factor in enumerate(factors) if place in chosen])
                right = self.joined([factor for place, factor in enumerate(factors) if place not in chosen])
                if _multiplies(left, right, index):
                    return self.matmul(left, right, index)
        every = self.ordered(axis for factor in factors for axis in factor.axes)
        if len(factors) > 1 and all(len(factor.axes) < len(every) for factor in factors):
            return Einsum(tuple(factors), (index,), _without(every, index))
        return _reduced("sum", self.joined(factors), index)

    def joined(self, factors: list[Array]) -> Array:
        """The product of at least one array."""
        return factors[0] if len(factors) == 1 else self.elementwise(Mul, factors)

    def matmul(self, left: Array, right: Array, index: Index) -> Array:
        """The product whose axes stand as wanted: x @ W.T for [s,i], dz.T @ x for [i,j]; W @ h for a vector h."""
        if self.swapped(left, right, index):
            left, right = right, left
        left = turned(left, (*_without(left.axes, index), index))
        right = turned(right, (index, *_without(right.axes, index)))
        return MatMul(left, right, index, (*_without(left.axes, index), *_without(right.axes, index)))

    def swapped(self, left: Array, right: Array, index: Index) -> bool:
        """Whether the right factor goes first: by the order that is wanted, beside a vector without a transpose."""
        if len(right.axes) == 1 and len(left.axes) == 2:
            return bool(left.axes[0] == index)
        if len(left.axes) == 1 and len(right.axes) == 2:
            return bool(right.axes[1] == index)
        first, second = ([self.place(axis) for axis in _without(one.axes, index)] for one in (left, right))
        return first > second


_READERS: dict[type, Callable[[Recognition, Any], Array]] = {
    Read: Recognition.read,
    Index: lambda _, index: Ramp((index,)),
    Fresh: lambda _, index: Ramp((index,)),
    IndexSum: Recognition.sum,
    Maximum: Recognition.maximum,
    FirstGreatest: Recognition.first_greatest,
    Guard: Recognition.whole,
    Piecewise: Recognition.piecewise,
}


def aligned(one: Array, axes: Axes) -> Array:
    """The array with these axes, as far as broadcasting does not do that by itself."""
    if isinstance(one, Elementwise) and one.axes != axes[len(axes) - len(one.axes) :]:
        return Elementwise(one.function, tuple(aligned(part, axes) for part in one.arguments), axes)
    one = turned(one, tuple(index for index in axes if index in one.axes))
    if one.axes == axes[len(axes) - len(one.axes) :]:
        return one
    return Spread(one, axes[axes.index(one.axes[0]) :])


def turned(one: Array, order: Axes) -> Array:
    """The array with its axes in this order."""
    if order == one.axes:
        return one
    if isinstance(one, Transposed):
        return turned(one.array, order)
    if isinstance(one, MatMul) and len(order) == 2:  # (A B)' = B' A'
        left, right = (turned(part, part.axes[::-1]) for part in (one.right, one.left))
        return MatMul(left, right, one.index, order)
    return Transposed(one, order)


def _reduced(name: str, whole: Array, index: Index) -> Array:
    """The reduction along one more axis."""
    axes = _without(whole.axes, index)
    if isinstance(whole, Reduced) and whole.reduction == name:
        return Reduced(name, whole.array, (*whole.indices, index), axes)
    if isinstance(whole, Einsum) and name == "sum":
        return Einsum(whole.arrays, (*whole.indices, index), axes)
    return Reduced(name, whole, (index,), axes)


def _without(axes: Axes, index: Symbol) -> Axes:
    return tuple(axis for axis in axes if axis != index)


def _multiplies(left: Array, right: Array, index: Index) -> bool:
    """Whether the two share the index and no other one, and are matrices or vectors."""
    return set(left.axes) & set(right.axes) == {index} and len(left.axes) <= 2 and len(right.axes) <= 2


__all__ = [
    "Array",
    "Recognition",
    "aligned",
    "array",
    "contraction",
    "element_by_element",
    "normal",
    "proved",
]
