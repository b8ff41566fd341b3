"""Where guarded terms are not zero: conditions on indices as parts of their ranges.

Guard(f[p], 6 - p >= 0, 3 | p)   for p = 0..7   is   f[3 q]   for q = 0..2, at p = 3 q
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import ceil, floor, gcd
from typing import Any

from sympy import Add, Expr, Integer, Mul, Pow, S, Symbol

from bpsym.calculus.affine import Affine, Box, affine, holds, nonnegative
from bpsym.calculus.nodes import (
    Binder,
    Condition,
    Divisible,
    FirstGreatest,
    Guard,
    Index,
    IndexSum,
    Maximum,
    NonNegative,
    Read,
    Zero,
)

Fixed = frozenset[Symbol]
Images = Mapping[Symbol, Expr]


def indices_in(symbols: Iterable[Any], fixed: Iterable[Symbol] = ()) -> tuple[Index, ...]:
    """The indices among the symbols that are not fixed, in an order of their own."""
    known = frozenset(fixed)
    return tuple(
        sorted({one for one in symbols if isinstance(one, Index) and one not in known}, key=_index_key)
    )


def _index_key(index: Index) -> tuple[str, ...]:
    return (index.name, str(index.lower), str(index.upper))


def _condition_key(one: Condition) -> tuple[Any, ...]:
    indices = indices_in(one.free_symbols)
    return (type(one).__name__, *map(str, one.args), *map(_index_key, indices))


def known_box(symbols: Iterable[Any]) -> dict[Symbol, tuple[Affine, Affine]]:
    """The ranges of the indices among the symbols; those that bound others stand before them."""
    box: dict[Symbol, tuple[Affine, Affine]] = {}
    for index in indices_in(symbols):
        bounds = index.lower.free_symbols | index.upper.free_symbols
        for symbol, ends in known_box(bounds).items():
            box.setdefault(symbol, ends)
        box.setdefault(index, (affine(index.lower), affine(index.upper)))
    return box


# Conditions ------------------------------------------------------------------------------------------------------


def canonical(one: Condition) -> Condition:
    """The condition in its lowest terms: 2 k + 2 i - 1 >= 0 is k + i - 1 >= 0; 2 divides p - 2 k where 2 divides p."""
    return _CANONICAL[type(one)](one)


def _nonnegative(one: Condition) -> Condition:
    value = affine(one.args[0]).whole()
    common = _common(value)
    terms = {symbol: int(c) // common for symbol, c in value.terms.items()}
    return NonNegative(Affine(floor(Fraction(value.constant) / common), terms).expr())


def _zero(one: Condition) -> Condition:
    value = affine(one.args[0]).whole()
    common = gcd(_common(value), int(value.constant))
    sign = -1 if value.terms and value.terms[min(value.terms, key=str)] < 0 else 1
    return Zero((value * Fraction(sign, max(common, 1))).expr())


def _divisible(one: Condition) -> Condition:
    value, divisor = affine(one.args[0]), int(one.args[1])
    rest = Affine(value.constant % divisor, {s: c % divisor for s, c in value.terms.items() if c % divisor})
    return Divisible(rest.expr(), Integer(divisor))


def _common(value: Affine) -> int:
    return reduce(gcd, (int(c) for c in value.terms.values()), 0) or 1


_CANONICAL = {NonNegative: _nonnegative, Zero: _zero, Divisible: _divisible}


def open_conditions(conditions: Iterable[Condition]) -> tuple[Condition, ...] | None:
    """The conditions that do not hold everywhere, in a fixed order; None where one holds nowhere."""
    kept = []
    for one in map(canonical, conditions):
        known = holds(one, known_box(one.free_symbols))
        if known is False:
            return None
        kept += [one] if known is None else []
    return tuple(sorted(dict.fromkeys(kept), key=_condition_key))


# Parts of a range --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """The values of an index where conditions hold, as an expression in an index of their own; what is left of them."""

    image: Expr
    left: tuple[Condition, ...] = ()


def part(index: Index, conditions: Iterable[Condition]) -> Part | None:
    """Conditions on this index alone (and on what is fixed), as a part of its range; None where it is empty."""
    lower, upper = affine(index.lower), affine(index.upper)
    step, rest, left = 1, 0, []
    for one in conditions:
        value = affine(one.args[0])
        if isinstance(one, Divisible):
            found = _class(value, index, int(one.args[1]))
            if found is None:
                left.append(one)
                continue
            joined = _joined_classes((step, rest), found)
            if joined is None:
                return None
            step, rest = joined
            continue
        for known in [value, -value] if isinstance(one, Zero) else [value]:
            bounds = _bounded(known, index, lower, upper)
            if bounds is None:
                left.append(NonNegative(known.expr()))
            else:
                lower, upper = bounds
    return _strided(index, lower, upper, (step, rest), tuple(left))


def _bounded(value: Affine, index: Index, lower: Affine, upper: Affine) -> tuple[Affine, Affine] | None:
    """Value >= 0 put into the limits; None where it cannot be compared with them."""
    sign = value.coefficient(index)
    limit = (value - Affine(0, {index: sign})) * (Fraction(-1) / Fraction(sign))
    if any(c != int(c) for c in limit.terms.values()):
        return None
    round_ = ceil if sign > 0 else floor
    bound = Affine(round_(limit.constant), {s: int(c) for s, c in limit.terms.items()})
    box = known_box(symbol for side in (bound, lower, upper) for symbol in side.terms)
    if sign > 0:
        if nonnegative(bound - lower, box):
            return bound, upper
        return (lower, upper) if nonnegative(lower - bound, box) else None
    if nonnegative(upper - bound, box):
        return lower, bound
    return (lower, upper) if nonnegative(bound - upper, box) else None


def _class(value: Affine, index: Index, divisor: int) -> tuple[int, int] | None:
    """Where the divisor divides, as (step, rest), the index = rest + a multiple of step; None with sizes in it."""
    if set(value.terms) != {index}:
        return None
    factor, constant = int(value.coefficient(index)), int(value.constant)
    step = divisor // gcd(factor, divisor)
    rests = [rest for rest in range(step) if (factor * rest + constant) % divisor == 0]
    return (step, rests[0]) if rests else (0, 0)


def _joined_classes(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int] | None:
    if 0 in (one[0], other[0]):
        return None
    step = one[0] * other[0] // gcd(one[0], other[0])
    rests = [r for r in range(step) if r % one[0] == one[1] % one[0] and r % other[0] == other[1] % other[0]]
    return (step, rests[0]) if rests else None


def _strided(
    index: Index, lower: Affine, upper: Affine, every: tuple[int, int], left: tuple[Condition, ...]
) -> Part | None:
    step, rest = every
    if step > 1 and (lower.terms or upper.terms):
        stride = Divisible(index - rest, Integer(step))
        return _strided(index, lower, upper, (1, 0), (*left, stride))
    if step > 1:
        first = int(lower.constant) + (rest - int(lower.constant)) % step
        count = (int(upper.constant) - first) // step
        if count < 0:
            return None
        if count == 0:
            return Part(Integer(first), left)
        return Part(first + step * Index(f"{index.name}:{step}:{first}", lower=0, upper=count), left)
    width = upper - lower
    if not width.terms and width.constant < 0:
        return None
    if (lower.expr(), upper.expr()) == (index.lower, index.upper):
        return Part(index, left)
    if not width.terms and width.constant == 0:
        return Part(lower.expr(), left)
    return Part(Index(index.name, lower=lower.expr(), upper=upper.expr()), left)


def conditions_of(axis: Index, image: Expr) -> tuple[Condition, ...]:
    """The conditions on the axis that say that its value is in the image."""
    if image == axis:
        return ()
    inner = [symbol for symbol in indices_in(image.free_symbols) if _is_inner(symbol, axis)]
    if not inner:
        return (Zero(axis - image),)
    (index,) = inner
    value = affine(image)
    step = int(value.coefficient(index))
    rest = affine(axis) - value.put(index, Affine(0, {}))
    guards = [
        NonNegative((rest - affine(index.lower) * step).expr()),
        NonNegative((affine(index.upper) * step - rest).expr()),
    ]
    return (*guards, Divisible(rest.expr(), Integer(step)))


def _is_inner(symbol: Index, axis: Index) -> bool:
    """Whether the index runs over a part of the axis (and is not another axis, or fixed)."""
    return bool(symbol.name.partition(":")[0] == axis.name)


def back(expr: Any, images: Images) -> Any:
    """The expression in the axes again, in place of the indices of their parts."""
    values: dict[Symbol, Expr] = {}
    for axis, image in images.items():
        for index in indices_in(image.free_symbols):
            if index != axis and _is_inner(index, axis):
                step = image.coeff(index)
                values[index] = (axis - image.xreplace({index: S.Zero})) / step
    return expr.xreplace(values) if values else expr


@dataclass(frozen=True)
class Domain:
    """Where conditions hold: each axis as an expression in inner indices, and the conditions left, in these."""

    images: Images
    left: tuple[Condition, ...]


def domain(conditions: Iterable[Condition], axes: tuple[Index, ...]) -> Domain | None:
    """The part of the axes' box where the conditions hold; None where it is empty."""
    images: dict[Symbol, Expr] = {axis: axis for axis in axes}
    todo = list(conditions)
    for one in [one for one in todo if isinstance(one, Zero)]:
        solved = _diagonal(one.xreplace(images), axes)
        if solved is not None:
            axis, value = solved
            todo.remove(one)
            todo += [NonNegative(axis - axis.lower), NonNegative(axis.upper - axis)]
            images = {key: image.xreplace({axis: value}) for key, image in images.items()}
            todo = [other.xreplace({axis: value}) for other in todo]
    known = open_conditions(todo)
    if known is None:
        return None
    left = [one for one in known if len(_among(one, axes)) != 1]
    for axis in axes:
        found = part(axis, [one for one in known if _among(one, axes) == (axis,)])
        if found is None:
            return None
        if found.image != axis:
            images = {key: image.xreplace({axis: found.image}) for key, image in images.items()}
        left = [one.xreplace({axis: found.image}) for one in (*left, *found.left)]
    rest = open_conditions(left)
    return None if rest is None else Domain(images, rest)


def _diagonal(one: Condition, axes: tuple[Index, ...]) -> tuple[Index, Expr] | None:
    """The condition i = j + c, for axes i and j, as (i, j + c)."""
    value = affine(one.args[0])
    among = _among(one, axes)
    if len(among) < 2 or abs(value.coefficient(among[0])) != 1:
        return None
    axis = among[0]
    return axis, ((value - Affine(0, {axis: value.coefficient(axis)})) * -value.coefficient(axis)).expr()


def _among(one: Condition, axes: tuple[Index, ...]) -> tuple[Index, ...]:
    return tuple(axis for axis in axes if axis in one.free_symbols)


# Terms and where they are not zero -----------------------------------------------------------------------------------

Term = tuple[tuple[Condition, ...], Expr]


def terms(expr: Any, fixed: Fixed = frozenset()) -> list[Term]:
    """The expression as a sum of terms, each with the conditions outside of which it is zero.

    Conditions come out of products and sums; those on a summed index alone narrow its range.
    """
    return _merged(_TERMS.get(type(expr), _no_conditions)(expr, fixed))


def _merged(found: Iterable[Term]) -> list[Term]:
    """Terms under the same conditions as one."""
    merged: dict[tuple[Condition, ...], list[Expr]] = {}
    for conditions, body in found:
        known = open_conditions(conditions)
        if known is not None and body != 0:
            merged.setdefault(known, []).append(body)
    return [(conditions, _added(bodies)) for conditions, bodies in merged.items()]


def _added(bodies: list[Expr]) -> Expr:
    return bodies[0] if len(bodies) == 1 else Add(*bodies)


def _no_conditions(expr: Any, fixed: Fixed) -> list[Term]:
    """What is no sum, product or guard: its parts are written out as terms themselves."""
    if not expr.args or isinstance(expr, (Read, Condition)):
        return [((), expr)]
    if isinstance(expr, Binder):
        return [((), expr.with_body(lambda body: settled(body, fixed)))]
    return [((), expr.func(*(settled(one, fixed) for one in expr.args)))]


def _of_sum(expr: Add, fixed: Fixed) -> list[Term]:
    return [term for one in expr.args for term in terms(one, fixed)]


def _of_product(expr: Mul, fixed: Fixed) -> list[Term]:
    conditions: list[Condition] = []
    factors = []
    for factor in expr.args:
        found = terms(factor, fixed)
        if not found:
            return []
        conditions += found[0][0] if len(found) == 1 else ()
        factors.append(found[0][1] if len(found) == 1 else _joined(found))
    return [(tuple(conditions), Mul(*factors))]


def _of_power(expr: Pow, fixed: Fixed) -> list[Term]:
    """A positive power of 0 is 0."""
    found = terms(expr.base, fixed) if expr.exp.is_Rational and expr.exp > 0 else []
    if len(found) != 1:
        return _no_conditions(expr, fixed)
    ((conditions, body),) = found
    return [(conditions, body**expr.exp)]


def _of_guard(expr: Guard, fixed: Fixed) -> list[Term]:
    return [((*conditions, *expr.conditions), body) for conditions, body in terms(expr.body, fixed)]


def _of_maximum(expr: Maximum, fixed: Fixed) -> list[Term]:
    """Over a body that is the same everywhere, this body."""
    index, body = expr.opened(f"'{expr.height}")
    body = settled(body, fixed)
    if index not in body.free_symbols:
        return terms(body, fixed)
    return [((), Maximum(body, index, expr.lower, expr.upper))]


def _of_first_greatest(expr: FirstGreatest, fixed: Fixed) -> list[Term]:
    """Over a body that is the same everywhere, 1 at the first place."""
    index, body = expr.opened(f"'{expr.height}")
    body = settled(body, fixed)
    (at,) = expr.outside
    if index not in body.free_symbols:
        return [((Zero(at - expr.lower),), S.One)]
    return [((), FirstGreatest(body, index, expr.lower, expr.upper, at))]


def _of_index_sum(expr: IndexSum, fixed: Fixed) -> list[Term]:
    opened, body = expr.opened(f"'{expr.height}")
    index, triangle = boxed(opened, fixed)
    found = terms(body.xreplace({opened: index}), fixed)
    if not triangle and not any(conditions for conditions, _ in found):
        found = [((), _joined(found))]
    return [
        term for conditions, one in found for term in _summed((*conditions, *triangle), one, index, fixed)
    ]


def _summed(conditions: tuple[Condition, ...], body: Expr, index: Index, fixed: Fixed) -> list[Term]:
    known = open_conditions(conditions)
    if known is None:
        return []
    own = [one for one in known if indices_in(one.free_symbols, fixed) == (index,)]
    outer = tuple(one for one in known if index not in one.free_symbols)
    found = part(index, own)
    if found is None:
        return []
    body = body.xreplace({index: found.image})
    others = (one for one in known if one not in (*own, *outer))
    both = [one.xreplace({index: found.image}) for one in (*found.left, *others)]
    inner = indices_in(found.image.free_symbols, fixed)
    if not inner:
        return [((*outer, *both), body)]
    mixed = open_conditions(both)
    return [] if mixed is None else [_total(outer, mixed, body, inner[0])]


def _total(outer: tuple[Condition, ...], mixed: tuple[Condition, ...], body: Expr, index: Index) -> Term:
    """Sum over the index of the body where the conditions hold; factors without the index stand before it."""
    factors = Mul.make_args(body)
    inside = Mul(*(one for one in factors if index in one.free_symbols))
    outside = [one for one in factors if index not in one.free_symbols]
    if inside == 1 and not mixed:
        count, some = count_of(index)
        return (*outer, *some), Mul(*outside, count)
    return outer, Mul(*outside, IndexSum(Guard(inside, *mixed), index, index.lower, index.upper))


def count_of(index: Index) -> tuple[Expr, tuple[Condition, ...]]:
    """How many values the index has, where conditions hold; elsewhere it has none."""
    count = index.upper - index.lower + 1
    return count, () if may_be_counted(index) else (NonNegative(count),)


def may_be_counted(index: Index) -> bool:
    """Whether upper - lower + 1 is never less than 0."""
    count = affine(index.upper) - affine(index.lower) + Affine(1, {})
    return nonnegative(count, known_box(count.terms))


def boxed(index: Index, fixed: Fixed = frozenset()) -> tuple[Index, tuple[Condition, ...]]:
    """The index with limits that depend on no other one, and the conditions that make up for it (a triangle)."""
    lower, upper = affine(index.lower), affine(index.upper)
    least, most = _extreme(lower, fixed, 0), _extreme(upper, fixed, 1)
    if (least, most) == (lower, upper):
        return index, ()
    box = Index(index.name, lower=least.expr(), upper=most.expr())
    guards = [(affine(box) - lower, least != lower), (upper - affine(box), most != upper)]
    return box, tuple(NonNegative(value.expr()) for value, needed in guards if needed)


def _extreme(value: Affine, fixed: Fixed, end: int) -> Affine:
    """The least (end 0) or greatest (end 1) value over the ranges of the indices that are not fixed."""
    box: Box = known_box(value.terms)
    for symbol in reversed(list(box)):
        coefficient = value.coefficient(symbol)
        if coefficient and symbol not in fixed:
            value = value.put(symbol, box[symbol][end if coefficient > 0 else 1 - end])
    return value


def _joined(found: Iterable[Term]) -> Expr:
    return _added([Guard(body, *conditions) for conditions, body in found] or [S.Zero])


def settled(expr: Any, fixed: Fixed = frozenset()) -> Any:
    """The expression as the sum of its terms."""
    if not expr.args or isinstance(expr, (Read, Condition)):
        return expr
    if isinstance(expr, Expr):
        return _joined(terms(expr, fixed))
    return expr.func(*(settled(one, fixed) for one in expr.args))  # a comparison, a case


_TERMS: dict[type, Any] = {
    Add: _of_sum,
    Mul: _of_product,
    Pow: _of_power,
    Guard: _of_guard,
    IndexSum: _of_index_sum,
    Maximum: _of_maximum,
    FirstGreatest: _of_first_greatest,
}


__all__ = [
    "Domain",
    "Part",
    "Term",
    "back",
    "boxed",
    "canonical",
    "conditions_of",
    "count_of",
    "domain",
    "known_box",
    "may_be_counted",
    "open_conditions",
    "part",
    "settled",
    "terms",
]
