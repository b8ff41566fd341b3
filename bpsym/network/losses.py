"""Losses: one record each. A formula is in one output `a` and its target `t`, and is summed over the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpsym.network.expressions import Formula, read, to_sympy


@dataclass(frozen=True)
class Loss:
    """The loss of one sample is `factor` times the sum over the outputs of value(a, t).

    slope: the derivative of factor * value by a, as a textbook has it.
    """

    name: str
    value: str
    slope: str
    factor: str = "1"

    @cached_property
    def formula(self) -> Formula:
        return read(self.value, ("a", "t"))

    @cached_property
    def slope_formula(self) -> Formula:
        return read(self.slope, ("a", "t"))

    @cached_property
    def factor_formula(self) -> Formula:
        return read(self.factor, ())

    def at(self, a: Any, t: Any) -> Any:
        """The part of one output, without the factor, in SymPy."""
        return to_sympy(self.formula, {"a": a, "t": t})

    def slope_at(self, a: Any, t: Any) -> Any:
        """The derivative by one output, factor included, in SymPy."""
        return to_sympy(self.slope_formula, {"a": a, "t": t})


HALF_SQUARED_ERROR = Loss("half_squared_error", value="(a - t)**2", slope="a - t", factor="1 / 2")
SQUARED_ERROR = Loss("squared_error", value="(a - t)**2", slope="2 * (a - t)")

LOSSES = {record.name: record for record in (HALF_SQUARED_ERROR, SQUARED_ERROR)}
