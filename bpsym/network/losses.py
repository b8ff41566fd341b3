"""Losses: one record each. A formula is in one output `a` and its target `t`, and is summed over the outputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from bpsym.errors import InputError, did_you_mean
from bpsym.network.activations import Activation, Kink, check_formula, for_people
from bpsym.network.expressions import Formula, read, read_own, to_sympy
from bpsym.network.intervals import REAL, Interval
from bpsym.network.usual_names import usual_name

_NAMES = ("a", "t")


@dataclass(frozen=True)
class Loss:
    """The loss of one sample is `factor` times the sum over the outputs of value(a, t).

    slope: the derivative of factor * value by a, as a textbook has it; derived by SymPy where none is declared.
    factor: a number, which may depend on the number K of outputs.
    scalar, array, slope_scalar, slope_array: value and slope, without the factor, safe in floating point.
    kink: the output at which there is no derivative, and the slope that is chosen there.
    domain: what a must be strictly between; fused: activations after which the loss is rewritten so that it is finite
    where their output rounds to an end of the domain.
    targets: the least and the greatest target for which it is a loss.
    custom: a formula that somebody wrote, and no record of a registry.
    """

    name: str
    value: str
    slope: str = ""
    factor: str = "1"
    scalar: str = ""
    array: str = ""
    slope_scalar: str = ""
    slope_array: str = ""
    kink: Kink | None = None
    domain: Interval = REAL
    fused: tuple[str, ...] = ()
    targets: tuple[int, int] | None = None
    custom: bool = False

    @cached_property
    def formula(self) -> Formula:
        return read(self.value, _NAMES) if self.custom else read_own(self.value, _NAMES)

    @cached_property
    def slope_formula(self) -> Formula | None:
        return read_own(self.slope, (*_NAMES, "K")) if self.slope else None

    @cached_property
    def factor_formula(self) -> Formula:
        return read_own(self.factor, ("K",))

    @cached_property
    def scalar_formula(self) -> Formula:
        return read_own(self.scalar or self.value, _NAMES)

    @cached_property
    def array_formula(self) -> Formula:
        return read_own(self.array or self.value, _NAMES)

    @cached_property
    def slope_scalar_formula(self) -> Formula | None:
        text = self.slope_scalar or self.slope
        return read_own(text, _NAMES) if text else None

    @cached_property
    def slope_array_formula(self) -> Formula | None:
        text = self.slope_array or self.slope
        return read_own(text, _NAMES) if text else None

    def at(self, a: Any, t: Any) -> Any:
        """The part of one output, without the factor, in SymPy."""
        return to_sympy(self.formula, {"a": a, "t": t})

    def factor_of(self, outputs: Any) -> Any:
        """The factor, for so many outputs, in SymPy."""
        return to_sympy(self.factor_formula, {"K": outputs})

    def slope_at(self, a: Any, t: Any, outputs: Any = 1) -> Any:
        """The derivative by one output, factor included, in SymPy."""
        if self.slope_formula is not None:
            return to_sympy(self.slope_formula, {"a": a, "t": t, "K": outputs})
        from sympy import Dummy, diff

        place = Dummy(real=True)
        return self.factor_of(outputs) * diff(self.at(place, t), place).xreplace({place: a})

    def accepts(self, activation: Activation) -> bool:
        """Whether the outputs of the activation stay where the loss has a value, in floating point too."""
        return activation.name in self.fused or activation.range.is_inside(self.domain)

    def objection(self, activation: Activation, fitting: Sequence[str]) -> str:
        """Why it does not accept the activation, with what to write: one of those that fit."""
        why = f"{self.name} needs outputs {self.domain}, and {self._reason(activation, fitting)}"
        write = " or ".join(f'"{name}"' for name in fitting)
        return f"{why} (write activation = {write} in the last layer)"

    def _reason(self, activation: Activation, fitting: Sequence[str]) -> str:
        """What of the activation's outputs: mathematics takes them out of the domain, or floating point alone."""
        if activation.leaves(self.domain):
            return f"those of {activation.name} can be others"
        met = activation.range.ends_met_in(self.domain)
        if met is None:
            return f"nothing shows that those of {activation.name} stay there"
        rounded = f"those of {activation.name} can round to {' or '.join(f'{end:g}' for end in met)}"
        return (
            f"{rounded} in floating point; with {' or '.join(fitting)} the loss is rewritten to stay finite"
        )


HALF_SQUARED_ERROR = Loss("half_squared_error", value="(a - t)**2", slope="a - t", factor="1 / 2")
SQUARED_ERROR = Loss("squared_error", value="(a - t)**2", slope="2 * (a - t)")
MEAN_SQUARED_ERROR = Loss("mean_squared_error", value="(a - t)**2", slope="2 / K * (a - t)", factor="1 / K")

ABSOLUTE_ERROR = Loss("absolute_error", value="abs(a - t)", slope="sign(a - t)", kink=Kink("t", "0"))

HUBER = Loss(
    "huber",
    value="1 / 2 * (a - t)**2 if abs(a - t) <= 1 else abs(a - t) - 1 / 2",
    slope="max(-1, min(1, a - t))",
    slope_scalar="max(-1.0, min(1.0, a - t))",
    slope_array="max(-1.0, min(1.0, a - t))",
)

BINARY_CROSS_ENTROPY = Loss(
    "binary_cross_entropy",
    value="-(t * log(a) + (1 - t) * log(1 - a))",
    slope="(a - t) / (a * (1 - a))",
    domain=Interval(0, 1),
    fused=("sigmoid",),
    targets=(0, 1),
)

CROSS_ENTROPY = Loss(
    "cross_entropy",
    value="-t * log(a)",
    slope="-t / a",
    domain=Interval(0, None),
    fused=("softmax", "sigmoid"),
)

LOSSES = {
    record.name: record
    for record in (
        HALF_SQUARED_ERROR,
        SQUARED_ERROR,
        MEAN_SQUARED_ERROR,
        ABSOLUTE_ERROR,
        HUBER,
        BINARY_CROSS_ENTROPY,
        CROSS_ENTROPY,
    )
}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def loss_of(text: str) -> Loss:
    """The record of this name, or one for the expression in a and t. InputError says what is wrong with it."""
    if text in LOSSES:
        return LOSSES[text]
    if usual := usual_name(text, LOSSES):
        raise InputError(f"unknown loss {text!r}{usual}")
    if text not in _NAMES and _NAME.fullmatch(text):
        raise InputError(f"unknown loss {text!r}{did_you_mean(text, (*LOSSES, 'a formula in a and t'))}")
    return _custom(text)


@lru_cache(maxsize=256)
def _custom(text: str) -> Loss:
    from sympy import Dummy

    made = Loss(text, value=text, custom=True)
    a, t = Dummy(real=True), Dummy(real=True)
    with for_people("a and t", "(a - t)**2"):
        check_formula(made.formula, a, lambda: (made.at(a, t), made.slope_at(a, t)), "a")
    return made


__all__ = ["LOSSES", "Loss", "loss_of"]
