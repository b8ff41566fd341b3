"""An order of execution for a program: each tensor after those it reads, a recurrence along the axis that orders it.

h[0] = h0,  h[t] = tanh(w h[t-1] + x[t])     once, then for t = 1, 2, ...
dh[t] = 2 h[t] + f(dh[t+1]) where t < T-1    once at T-1, then for t = T-2, ..., 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sympy import Expr

from bpsym.calculus.affine import Affine, affine, nonnegative
from bpsym.calculus.circles import Order, components, graph_of, orders
from bpsym.calculus.domains import canonical, indices_in, settled
from bpsym.calculus.equations import Equation, Program, reads
from bpsym.calculus.nodes import Condition, Divisible, Index, NonNegative, Zero
from bpsym.calculus.tensors import Access
from bpsym.errors import ProgramError


@dataclass(frozen=True)
class Once:
    """All elements of the equation at once, but for the indices of the loops around it."""

    equation: Equation


@dataclass(frozen=True)
class Loop:
    """The steps in their order for each value of the index, from its upper limit down if `backwards`."""

    index: Index
    backwards: bool
    steps: tuple[Step, ...]


Step = Once | Loop


def schedule(program: Program) -> tuple[Step, ...]:
    """The program's equations, each after what it reads."""
    targets = {equation.tensor.name for equation in program.equations}
    accesses = [
        access
        for equation in program.equations
        for access in equation.accesses
        if access.read.name in targets
    ]
    pieces = [_piece(equation, frozenset(accesses)) for equation in program.equations]
    return tuple(_ordered(pieces, orders(accesses)))


@dataclass(frozen=True)
class Piece:
    """An equation, or a part of one at a place of the loops around it; the reads in it that its order depends on."""

    equation: Equation
    accesses: tuple[Access, ...]

    @property
    def name(self) -> str:
        return self.equation.tensor.name


def _piece(equation: Equation, accesses: frozenset[Access]) -> Piece:
    """The equation with those of its reads that are not under a condition that holds nowhere."""
    known = tuple(access for access in equation.accesses if access in accesses)
    return _still_read(Piece(equation, known), settled(equation.value)) if known else Piece(equation, ())


def _still_read(piece: Piece, value: Expr) -> Piece:
    names = {read.name for read in reads(value)}
    kept = tuple(access for access in piece.accesses if access.read.name in names)
    return Piece(piece.equation, kept)


def _ordered(pieces: Iterable[Piece], known: tuple[Order, ...]) -> Iterator[Step]:
    """Steps for the pieces; known: the orders of their circles."""
    pieces = tuple(pieces)
    accesses = [access for piece in pieces for access in piece.accesses]
    names = {piece.name for piece in pieces}
    inside = [access for access in accesses if access.read.name in names]
    for component in components(graph_of(inside, (piece.name for piece in pieces))):
        own = tuple(piece for piece in pieces if piece.name in component)
        if any(access.read.name in component for piece in own for access in piece.accesses):
            (order,) = (order for order in known if component <= order.axes.keys())
            yield from _along(own, order)
        else:
            yield from (Once(piece.equation) for piece in own)


# Along an axis -----------------------------------------------------------------------------------------------------


def _along(pieces: tuple[Piece, ...], order: Order) -> Iterator[Step]:
    """A loop for each segment of the time in which the same equations hold; a segment of one value, once."""
    segments = list(pairwise(_cuts(pieces, order)))
    for lower, stop in reversed(segments) if order.backwards else segments:
        upper = stop - Affine(1, {})
        here = [piece for piece in pieces if _lasts(piece, order, lower, upper)]
        index = Index(_name(here, order), lower=lower.expr(), upper=upper.expr())
        time = index if lower != upper else index.lower
        steps = tuple(_ordered([_at(piece, order, time) for piece in here], order.inner))
        yield from steps if lower == upper or not steps else (Loop(index, order.backwards, steps),)


def _name(pieces: Iterable[Piece], order: Order) -> str:
    """What the equations call the axis."""
    places = [piece.equation.at[order.axes[piece.name]] for piece in pieces]
    return next((place.name for place in places if isinstance(place, Index)), "t")


def _at(piece: Piece, order: Order, time: Expr) -> Piece:
    """The piece at one time, with its reads of what is made at the same time."""
    equation, place = piece.equation, piece.equation.at[order.axes[piece.name]]
    staying = Piece(equation, tuple(one for one in piece.accesses if one in order.staying))
    if not isinstance(place, Index):
        return staying
    here = {place: time - order.shifts[piece.name]}
    value = settled(equation.value.xreplace(here), frozenset(indices_in(time.free_symbols)))
    at = tuple(index.xreplace(here) for index in equation.at)
    return _still_read(Piece(Equation(equation.tensor, at, value), staying.accesses), value)


# Where equations begin and end to hold -----------------------------------------------------------------------------


def _ends(piece: Piece, order: Order) -> tuple[Affine, Affine]:
    """The first time at which the piece holds, and the first one after it."""
    place, shift = piece.equation.at[order.axes[piece.name]], order.shifts[piece.name]
    lower, upper = (place.lower, place.upper) if isinstance(place, Index) else (place, place)
    return affine(lower + shift), affine(upper + shift + 1)


def _lasts(piece: Piece, order: Order, lower: Affine, upper: Affine) -> bool:
    """Whether the piece holds from lower to upper."""
    first, stop = _ends(piece, order)
    return _at_most(first, lower) and _at_most(upper + Affine(1, {}), stop)


def _at_most(one: Affine, other: Affine) -> bool:
    """One <= other, whatever the sizes are."""
    return nonnegative(other - one, {})


def _cuts(pieces: Iterable[Piece], order: Order) -> list[Affine]:
    """The times at which an equation begins or ends to hold, or a guard on its index, in their order.

    A guard that cannot be put among the others for all sizes is not one of them: it stays in the loop.
    """
    cuts: list[Affine] = []
    for piece in pieces:
        for end in _ends(piece, order):
            if not _put_among(cuts, end):
                first, stop = (one.expr() for one in _ends(piece, order))
                raise ProgramError(
                    f"a recurrence runs from {first} to {stop - 1}: put a number in for its length"
                )
    for piece in pieces:
        first, stop = _ends(piece, order)
        for cut in _changes(piece, order):
            if _at_most(first, cut) and _at_most(cut, stop):
                _put_among(cuts, cut)
    return cuts


def _put_among(cuts: list[Affine], cut: Affine) -> bool:
    """Put the cut in its place; False where it has none for all sizes."""
    before = [one for one in cuts if _at_most(one, cut)]
    if not all(one in before or _at_most(cut, one) for one in cuts):
        return False
    if cut not in cuts:
        cuts.insert(len(before), cut)
    return True


def _changes(piece: Piece, order: Order) -> Iterator[Affine]:
    """The times from which on a condition on the index alone holds, or does not any more."""
    index = piece.equation.at[order.axes[piece.name]]
    shift = Affine(order.shifts[piece.name], {})
    for one in sorted(piece.equation.value.atoms(Condition), key=str):
        if (
            isinstance(index, Index)
            and indices_in(one.free_symbols) == (index,)
            and not isinstance(one, Divisible)
        ):
            value = affine(canonical(one).args[0])
            sign = int(value.coefficient(index))
            if abs(sign) == 1:
                rest = (value - Affine(0, {index: sign})) * -sign
                yield from (cut + shift for cut in _CHANGES[type(one)](rest, sign))


_CHANGES: dict[type, Callable[[Affine, int], tuple[Affine, ...]]] = {
    NonNegative: lambda end, sign: (end,) if sign > 0 else (end + Affine(1, {}),),
    Zero: lambda end, _: (end, end + Affine(1, {})),
}
"""index >= end, index <= end or index = end, where it begins to hold, or ends to"""


__all__ = ["Loop", "Once", "Step", "schedule"]
