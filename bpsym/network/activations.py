"""Activations: one record each. A formula is in z, its slope in z and a = f(z), `f` the activation itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from bpsym.errors import InputError, did_you_mean, shown
from bpsym.network.expressions import Formula, read, read_own, to_sympy
from bpsym.network.intervals import REAL, Interval, interval
from bpsym.network.usual_names import usual_name


@dataclass(frozen=True)
class Kink:
    """Where a formula has no derivative, and the slope that is chosen there."""

    at: str
    slope: str


@dataclass(frozen=True)
class Activation:
    """a = f(z) for each unit by itself, or, where the formula has total(...), over all units of a layer.

    value: f(z).
    slope: f'(z) as a textbook has it, in a and z; derived by SymPy where none is declared. Of a layer, da_i/dz_i.
    spelled: f(z) in the functions that the lines have, where `value` is a name.
    lines: how the slope is derived, each line equal to the one before.
    other, other_lines: of a layer, da_i/dz_j for another unit j, in z, a and in y, b, which are z_j, a_j.
    scalar, array: the value, safe in floating point for every z, for one number and for a whole array.
    slope_scalar, slope_array: the slope, likewise; needed where `slope` is more than arithmetic in a.
    steepest: the least upper bound of |f'(z)|, where it is known.
    kink: where f has no derivative.
    outputs: what a can be in floating point, where the formula alone does not say it.
    custom: a formula that somebody wrote, and no record of a registry.
    """

    name: str
    value: str
    slope: str = ""
    spelled: str = ""
    lines: tuple[str, ...] = ()
    other: str = ""
    other_lines: tuple[str, ...] = ()
    scalar: str = ""
    array: str = ""
    slope_scalar: str = ""
    slope_array: str = ""
    steepest: str = ""
    kink: Kink | None = None
    outputs: Interval | None = None
    custom: bool = False

    @cached_property
    def formula(self) -> Formula:
        reader = read if self.custom else read_own
        return reader(self.value, ("z",), () if self.custom else ("f",))

    @cached_property
    def spelled_formula(self) -> Formula | None:
        return read_own(self.spelled, ("z",)) if self.spelled else None

    @cached_property
    def slope_formula(self) -> Formula | None:
        return read_own(self.slope, ("z", "a")) if self.slope else None

    @cached_property
    def line_formulas(self) -> tuple[Formula, ...]:
        return tuple(read_own(line, ("z", "a")) for line in self.lines)

    @cached_property
    def other_formulas(self) -> tuple[Formula, ...]:
        """The lines of da_i/dz_j, the last one `other` itself."""
        return tuple(read_own(line, ("z", "a", "y", "b")) for line in (*self.other_lines, self.other) if line)

    @cached_property
    def scalar_formula(self) -> Formula:
        return read_own(self.scalar or self.value, ("z",), ("f",))

    @cached_property
    def array_formula(self) -> Formula:
        return read_own(self.array or self.value, ("z",), ("f",))

    @cached_property
    def slope_scalar_formula(self) -> Formula | None:
        text = self.slope_scalar or self.slope
        return read_own(text, ("z", "a")) if text else None

    @cached_property
    def slope_array_formula(self) -> Formula | None:
        text = self.slope_array or self.slope
        return read_own(text, ("z", "a")) if text else None

    @cached_property
    def steepest_formula(self) -> Formula | None:
        return read_own(self.steepest, ()) if self.steepest else None

    @property
    def is_layer_wide(self) -> bool:
        """Whether an output depends on every z of its layer."""
        return "total" in self.formula.calls

    @property
    def is_unspecified(self) -> bool:
        """Whether f is any function: there is nothing to compute."""
        return "f" in self.formula.calls

    @cached_property
    def range(self) -> Interval:
        """What a can be."""
        if self.outputs is not None:
            return self.outputs
        return REAL if self.is_layer_wide or self.is_unspecified else interval(self.formula, {"z": REAL})

    def at(self, z: Any, calls: Mapping[str, Any] | None = None) -> Any:
        """f(z) in SymPy; calls: what total(...) of a layer, and an unspecified f, are."""
        return to_sympy(self.formula, {"z": z}, calls)

    def slope_at(self, z: Any, a: Any, calls: Mapping[str, Any] | None = None) -> Any:
        """f'(z) in SymPy, by the textbook's form where there is one, with a = f(z)."""
        if self.slope_formula is not None:
            return to_sympy(self.slope_formula, {"z": z, "a": a}, calls)
        from sympy import Dummy, diff

        place = Dummy(real=True)
        return diff(self.at(place, calls), place).xreplace({place: z})

    def leaves(self, domain: Interval) -> bool:
        """Whether f, as mathematics has it, is seen to leave the domain, or to be at an end of it."""
        if self.is_layer_wide:
            return False
        return self.is_unspecified or any(_is_out(self.at(z), domain) for z in _seen())


def _seen() -> Iterator[Any]:
    """Where a formula is looked at for a value out of a loss's domain."""
    from sympy import Rational

    return (
        sign * Rational(size) for size in ("0", "1/2", "1", "3/2", "2", "4", "10", "100") for sign in (1, -1)
    )


_ROUNDING = 1e-12


def _is_out(value: Any, domain: Interval) -> bool:
    """Whether an exact number is at an end of the domain, or clearly beyond."""
    low, high = domain.ends
    if not value.is_comparable:
        return False
    return value in (low, high) or not low - _ROUNDING < value.evalf(30) < high + _ROUNDING


IDENTITY = Activation("identity", value="z", slope="1", steepest="1")

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
    outputs=Interval(0, 1),  # below -745 and above 37 it rounds to 0 and 1
)

TANH = Activation(
    "tanh",
    value="tanh(z)",
    slope="1 - a**2",
    spelled="(exp(z) - exp(-z)) / (exp(z) + exp(-z))",
    lines=(
        "((exp(z) + exp(-z)) * (exp(z) + exp(-z)) - (exp(z) - exp(-z)) * (exp(z) - exp(-z))) / (exp(z) + exp(-z))**2",
        "1 - ((exp(z) - exp(-z)) / (exp(z) + exp(-z)))**2",
        "1 - a**2",
    ),
    steepest="1",
)

RELU = Activation(
    "relu",
    value="max(0, z)",
    slope="1 if z > 0 else 0",
    scalar="max(0.0, z)",
    array="max(z, 0.0)",
    steepest="1",
    kink=Kink("0", "0"),
)

LEAKY_RELU = Activation(
    "leaky_relu",
    value="z if z > 0 else 0.01 * z",
    slope="1 if z > 0 else 0.01",
    steepest="1",
    kink=Kink("0", "0.01"),
)

ELU = Activation(
    "elu",
    value="z if z > 0 else exp(z) - 1",
    slope="1 if z > 0 else exp(z)",
    scalar="z if z > 0 else expm1(z)",
    array="z if z > 0 else expm1(min(z, 0.0))",
    slope_array="exp(min(z, 0.0))",
    steepest="1",
)

SOFTPLUS = Activation(
    "softplus",
    value="log(1 + exp(z))",
    slope="1 / (1 + exp(-z))",
    lines=("1 / (1 + exp(z)) * exp(z)", "1 / (1 + exp(-z))"),
    scalar="max(z, 0.0) + log1p(exp(-abs(z)))",
    array="max(z, 0.0) + log1p(exp(-abs(z)))",
    slope_scalar="sigmoid(z)",
    slope_array="sigmoid(z)",
    steepest="1",
    outputs=Interval(0, None),  # below -745 it rounds to 0
)

SILU = Activation(
    "silu",
    value="z / (1 + exp(-z))",
    slope="1 / (1 + exp(-z)) * (1 + z * (1 - 1 / (1 + exp(-z))))",
    lines=(
        "1 / (1 + exp(-z)) + z * exp(-z) / (1 + exp(-z))**2",
        "1 / (1 + exp(-z)) + z * (1 / (1 + exp(-z))) * (1 - 1 / (1 + exp(-z)))",
        "1 / (1 + exp(-z)) * (1 + z * (1 - 1 / (1 + exp(-z))))",
    ),
    scalar="z * sigmoid(z)",
    array="z * sigmoid(z)",
    slope_scalar="sigmoid(z) * (1 + z * sigmoid(-z))",
    slope_array="sigmoid(z) * (1 + z * sigmoid(-z))",
)

GELU = Activation(
    "gelu",
    value="z / 2 * (1 + erf(z / sqrt(2)))",
    slope="1 / 2 * (1 + erf(z / sqrt(2))) + z / sqrt(2 * pi) * exp(-z**2 / 2)",
    scalar="z * normal_cdf(z)",
    array="z * normal_cdf(z)",
    slope_scalar="normal_cdf(z) + z * exp(-(z * z) / 2) / sqrt(2 * pi)",
    slope_array="normal_cdf(z) + z * exp(-(z * z) / 2) / sqrt(2 * pi)",
)

SOFTMAX = Activation(
    "softmax",
    value="exp(z) / total(exp(z))",
    slope="a * (1 - a)",
    lines=(
        "(exp(z) * total(exp(z)) - exp(z) * exp(z)) / total(exp(z))**2",
        "exp(z) / total(exp(z)) * (1 - exp(z) / total(exp(z)))",
        "a * (1 - a)",
    ),
    other="-a * b",
    other_lines=(
        "-exp(z) * exp(y) / total(exp(z))**2",
        "-(exp(z) / total(exp(z))) * (exp(y) / total(exp(z)))",
    ),
    outputs=Interval(0, 1),
)

ACTIVATIONS = {
    record.name: record
    for record in (IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, SOFTPLUS, SILU, GELU, SOFTMAX)
}

GENERIC = Activation("generic", value="f(z)")
"""Any function, one for each unit: for derivations in symbols."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def activation_of(text: str) -> Activation:
    """The record of this name, or one for the expression in z. InputError says what is wrong with it."""
    if text in ACTIVATIONS:
        return ACTIVATIONS[text]
    if text == GENERIC.name:
        return GENERIC
    if usual := usual_name(text, ACTIVATIONS):
        raise InputError(f"unknown activation {text!r}{usual}")
    if text != "z" and _NAME.fullmatch(text):
        known = (*ACTIVATIONS, GENERIC.name, "a formula in z")
        raise InputError(f"unknown activation {text!r}{did_you_mean(text, known)}")
    return _custom(text)


@lru_cache(maxsize=256)
def _custom(text: str) -> Activation:
    from sympy import Dummy

    made, z = Activation(text, value=text, custom=True), Dummy(real=True)
    with for_people("z", "z / (1 + abs(z))"):
        check_formula(made.formula, z, lambda: (made.at(z), made.slope_at(z, None)), "z")
    return made


@contextmanager
def for_people(names: str, write: str) -> Iterator[None]:
    """What is wrong with somebody's formula, with what to write, where it does not say so."""
    try:
        yield
    except InputError as error:
        hint = f' (a formula in {names}, as "{write}")'
        raise InputError(
            replace(one, message=one.message + ("" if one.message.endswith(")") else hint))
            for one in error.problems
        ) from None


def check_formula(formula: Formula, of: Any, worked_out: Callable[[], tuple[Any, Any]], name: str) -> None:
    """InputError where an expression, or its slope, is no real number for any value, or does not depend on `of`."""
    from sympy import I, nan, oo, zoo

    try:
        value, slope = worked_out()
        real = not any(one.has(I, nan, oo, zoo, -oo) for one in (value, slope))
    except TypeError:  # SymPy refuses to compare what is not real
        real = False
    if not real:
        raise InputError(
            f"the formula {shown(formula.text)} is no real number (it divides by 0, or takes a log or root of none)"
        )
    if slope == 0 or of not in value.free_symbols:
        raise InputError(
            f"the formula {shown(formula.text)} does not depend on {name}, so that nothing could be learned"
        )


__all__ = ["ACTIVATIONS", "GENERIC", "Activation", "Kink", "activation_of", "check_formula", "for_people"]
