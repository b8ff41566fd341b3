"""Activations: one record each. A formula is in z, its slope in z and a = f(z), `f` the activation itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpsym.network.expressions import Formula, read, to_sympy


@dataclass(frozen=True)
class Activation:
    """a = f(z), elementwise.

    value: f(z); slope: f'(z) as a textbook has it, in a and z; lines: how the slope is derived, each line equal to
    the one before; scalar, array: the same function, safe in floating point for every z, for one number and for a
    whole array. `value` serves where `scalar` or `array` is not given. steepest: the least upper bound of |f'(z)|.
    """

    name: str
    value: str
    slope: str
    lines: tuple[str, ...] = ()
    scalar: str = ""
    array: str = ""
    steepest: str = "1"

    @cached_property
    def formula(self) -> Formula:
        return read(self.value, ("z",))

    @cached_property
    def slope_formula(self) -> Formula:
        return read(self.slope, ("z", "a"))

    @cached_property
    def line_formulas(self) -> tuple[Formula, ...]:
        return tuple(read(line, ("z", "a")) for line in self.lines)

    @cached_property
    def scalar_formula(self) -> Formula:
        return read(self.scalar or self.value, ("z",))

    @cached_property
    def array_formula(self) -> Formula:
        return read(self.array or self.value, ("z",))

    @cached_property
    def steepest_formula(self) -> Formula:
        return read(self.steepest, ())

    def at(self, z: Any) -> Any:
        """f(z) in SymPy."""
        return to_sympy(self.formula, {"z": z})

    def slope_at(self, z: Any, a: Any) -> Any:
        """f'(z) in SymPy, by the textbook's form, with a = f(z)."""
        return to_sympy(self.slope_formula, {"z": z, "a": a})


IDENTITY = Activation("identity", value="z", slope="1")

SIGMOID = Activation(
    "sigmoid",
    value="1 / (1 + exp(-z))",
    slope="a * (1 - a)",
    lines=(
        "-(1 / (1 + exp(-z)))**2 * (-exp(-z))",
        "1 / (1 + exp(-z)) * (exp(-z) / (1 + exp(-z)))",
        "1 / (1 + exp(-z)) * (1 - 1 / (1 + exp(-z)))",
        "a * (1 - a)",
    ),
    scalar="1 / (1 + exp(-z)) if z >= 0 else exp(z) / (1 + exp(z))",
    steepest="1 / 4",
)

TANH = Activation(
    "tanh",
    value="tanh(z)",
    slope="1 - a**2",
    lines=(
        "((exp(z) + exp(-z)) * (exp(z) + exp(-z)) - (exp(z) - exp(-z)) * (exp(z) - exp(-z))) / (exp(z) + exp(-z))**2",
        "1 - ((exp(z) - exp(-z)) / (exp(z) + exp(-z)))**2",
        "1 - a**2",
    ),
)

ACTIVATIONS = {record.name: record for record in (IDENTITY, SIGMOID, TANH)}
