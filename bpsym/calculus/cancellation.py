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


def settled(value: Any, known: int, again: Callable[[], Any]) -> Any:
    """The number, or an exact zero.

    value: computed with `known` digits; again: computes it with more. Only what is small enough to be left over
    where terms of ordinary size cancel is computed again: a small number stays as it is, a zero shrinks.
    """
    if not _is_small(value, known / 2):
        return value
    better = again()
    return Fraction(0) if better == 0 or _magnitude(value) - _magnitude(better) > _bits(_SHRUNK) else better


def _is_small(value: Any, digits: float) -> bool:
    """Whether it is a floating-point number other than 0 that is less than 10**-digits."""
    return bool(hasattr(value, "_mpf_") and value._mpf_[1]) and _magnitude(value) < -_bits(digits)


def _magnitude(value: Any) -> int:
    """The power of two that is next above |value|."""
    _, _, exponent, bits = value._mpf_
    return int(exponent + bits)


def _bits(digits: float) -> float:
    return digits * _BITS_A_DIGIT


class CertainZeros(Evaluator):
    """An evaluator with so many digits in which what is exactly zero is 0, whatever cancels.

    finer: the same with half as many digits more.
    """

    def __init__(self, program: Program, known: int) -> None:
        super().__init__(program, exact_or_digits(known))
        self.known = known
        self.given: Mapping[str, Any] = {}
        self._finer: Evaluator | None = None
        self._is_ready = False

    def run(self, inputs: Mapping[str, Any], only: Iterable[str] | None = None) -> Values:
        """See `Evaluator.run`."""
        self.given, self._is_ready = inputs, False
        return super().run(inputs, only)

    def computed(self, name: str, at: tuple[int, ...]) -> Any:
        value = super().computed(name, at)
        sure = settled(value, self.known, lambda: self.precisely(name, at))
        return self.arithmetic.own(sure)

    def precisely(self, name: str, at: tuple[int, ...]) -> Any:
        """The element with half as many digits more."""
        if self._finer is None:
            self._finer = Evaluator(self.program, exact_or_digits(self.known + self.known // 2))
        if not self._is_ready:
            self._finer.run(self.given, only=())
            self._is_ready = True
        self._finer.reach(name, at)
        return self._finer.values[name][at]
