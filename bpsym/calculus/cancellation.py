"""Sums whose terms cancel exactly: floating point leaves a small number where 0 is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from bpsym.calculus.arithmetic import exact_or_digits
from bpsym.calculus.equations import Program
from bpsym.calculus.evaluate import Evaluator, Values

_BITS_A_DIGIT = 3.33

_SHRUNK = 10
"""By so many digits a number shrinks, at least, that is zero and is computed with more digits."""

_FINER = (1.5, 10)
"""With so many times the digits a doubtful number is computed again: 1 - tanh(300) is not 0."""


def settled(value: Any, known: int, again: Callable[[int], Any]) -> Any:
    """The number, or an exact zero.

    value: computed with `known` digits; again: computes it with so many. Only what is small enough to be left over
    where terms of ordinary size cancel is computed again: a small number stays as it is, a zero shrinks.
    """
    if not _is_doubtful(value, known):
        return value
    for digits in finer(known):
        better = again(digits)
        if not hasattr(better, "_mpf_"):
            return better
        if value and better and _magnitude(value) - _magnitude(better) <= _bits(_SHRUNK):
            return better
        value = better
    return value if value and _magnitude(value) > -_bits(0.9 * finer(known)[-1]) else Fraction(0)


def finer(known: int) -> tuple[int, ...]:
    """The numbers of digits with which doubtful numbers are computed again."""
    return tuple(int(known * times) for times in _FINER)


def _is_doubtful(value: Any, digits: int) -> bool:
    """Whether it is a floating-point number that is 0, or less than 10**-(digits / 2)."""
    return hasattr(value, "_mpf_") and (not value or _magnitude(value) < -_bits(digits / 2))


def _magnitude(value: Any) -> int:
    """The power of two that is next above |value|."""
    _, _, exponent, bits = value._mpf_
    return int(exponent + bits)


def _bits(digits: float) -> float:
    return digits * _BITS_A_DIGIT


class CertainZeros(Evaluator):
    """An evaluator with so many digits in which what is exactly zero is 0, whatever cancels."""

    def __init__(self, program: Program, known: int) -> None:
        super().__init__(program, exact_or_digits(known))
        self.known = known
        self.given: Mapping[str, Any] = {}
        self._finer: dict[int, Evaluator] = {}
        self._ready: set[int] = set()

    def run(self, inputs: Mapping[str, Any], only: Iterable[str] | None = None) -> Values:
        """See `Evaluator.run`."""
        self.given = inputs
        self._ready.clear()
        return super().run(inputs, only)

    def computed(self, name: str, at: tuple[int, ...]) -> Any:
        value = super().computed(name, at)
        sure = settled(value, self.known, lambda digits: self.precisely(name, at, digits))
        return self.arithmetic.own(sure)

    def precisely(self, name: str, at: tuple[int, ...], digits: int) -> Any:
        """The element with this many digits."""
        if digits not in self._finer:
            self._finer[digits] = Evaluator(self.program, exact_or_digits(digits))
        evaluator = self._finer[digits]
        if digits not in self._ready:
            evaluator.run(self.given, only=())
            self._ready.add(digits)
        evaluator.reach(name, at)
        return evaluator.values[name][at]
