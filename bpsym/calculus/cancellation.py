"""Sums whose terms cancel: how many digits are left of them, and which are exactly 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from mpmath.libmp import mpf_sub

from bpsym.calculus.arithmetic import exact_or_digits
from bpsym.calculus.equations import Program
from bpsym.calculus.evaluate import Evaluator, Values

_BITS_A_DIGIT = 3.33

_LOST = 5
"""By so many digits fewer than it is computed with, a number must be the same when computed with more."""

NO_NUMBER = (ArithmeticError, ValueError)
"""What is raised where there is no number, or where its digits do not show it: 1 / u, sign(u), u = 1 - tanh(300)."""

FINER = (2, 10, 80)
"""With so many times the digits a number is computed again, until two in a row agree: 1 - tanh(300) is not 0."""


def settled(
    compute: Callable[[int], Any], known: int, is_doubted: Callable[[Any], bool] = lambda _: True
) -> Any:
    """The number that two computations with ever more digits agree on, or an exact zero.

    compute: the number with so many digits; known: with how many it is computed at first; is_doubted: whether such a
    number is computed again. What still shrinks with the most digits is 0.
    """
    best: Any = None
    for times in (1, *FINER):
        try:
            better = compute(known * times)
        except NO_NUMBER:
            if times == FINER[-1] and best is None:
                raise
            continue
        if not _is_floating(better) or (best is not None and _agree(best, better, known - _LOST)):
            return better
        if best is None and not is_doubted(better):
            return better
        best = better
    return best if best and _magnitude(best) > -_bits(0.9 * known * FINER[-1]) else Fraction(0)


def _is_floating(value: Any) -> bool:
    """Whether it is a finite floating-point number, and not a fraction."""
    return hasattr(value, "_mpf_") and (not value or value._mpf_[1] != 0)


def _agree(one: Any, other: Any, digits: int) -> bool:
    """Whether two numbers that are not 0 have so many digits in common."""
    if not (one and other):
        return False
    _, mantissa, exponent, bits = mpf_sub(one._mpf_, other._mpf_)
    return not mantissa or exponent + bits < _magnitude(other) - _bits(digits)


def _magnitude(value: Any) -> int:
    """The power of two that is next above |value|."""
    _, _, exponent, bits = value._mpf_
    return int(exponent + bits)


def _bits(digits: float) -> float:
    return digits * _BITS_A_DIGIT


class CertainZeros(Evaluator):
    """An evaluator with so many digits, all of them right whatever cancels; what is exactly zero is 0.

    every: whether each number is computed twice; if not, only what is nearer to 0 than half of the digits reach, and
    fewer digits may be right where larger numbers cancel.
    """

    def __init__(self, program: Program, known: int, *, every: bool = True) -> None:
        super().__init__(program, exact_or_digits(known))
        self.known = known
        self.every = every
        self.given: Mapping[str, Any] = {}
        self._finer: dict[int, _Finer] = {}
        self._ready: set[int] = set()

    def run(self, inputs: Mapping[str, Any], only: Iterable[str] | None = None) -> Values:
        """See `Evaluator.run`."""
        self.given = inputs
        self._ready.clear()
        return super().run(inputs, only)

    def computed(self, name: str, at: tuple[int, ...]) -> Any:
        first = super().computed

        def compute(digits: int) -> Any:
            return first(name, at) if digits == self.known else self.precisely(name, at, digits)

        value = settled(compute, self.known, self._is_doubted)
        if isinstance(value, Fraction):
            for finer in self._finer.values():
                finer.forget(name, at)
        return self.arithmetic.own(value)

    def _is_doubted(self, value: Any) -> bool:
        return self.every or not value or _magnitude(value) < -_bits(self.known / 2)

    def precisely(self, name: str, at: tuple[int, ...], digits: int) -> Any:
        """The element with this many digits."""
        if digits not in self._finer:
            self._finer[digits] = _Finer(self, digits)
        evaluator = self._finer[digits]
        if digits not in self._ready:
            evaluator.run(self.given, only=())
            self._ready.add(digits)
        evaluator.reach(name, at)
        return evaluator.values[name][at]


class _Finer(Evaluator):
    """An evaluator with more digits; what is exact in the values of the other one is so here too."""

    def __init__(self, settled: CertainZeros, digits: int) -> None:
        super().__init__(
            settled.program, exact_or_digits(digits, decides=digits == settled.known * FINER[-1])
        )
        self.settled = settled

    def computed(self, name: str, at: tuple[int, ...]) -> Any:
        known = self.settled.values.get(name, {}).get(at)
        return known if isinstance(known, Fraction) else super().computed(name, at)

    def forget(self, name: str, at: tuple[int, ...]) -> None:
        """Compute the element anew when it is read again."""
        self.values.get(name, {}).pop(at, None)
