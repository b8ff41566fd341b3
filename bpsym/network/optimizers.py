"""Optimisers: one record each. A formula is in the parameter `p`, its gradient `g` and the learning rate `eta`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpsym.network.expressions import Formula, read, to_sympy


@dataclass(frozen=True)
class Optimizer:
    """value: the parameter after one step."""

    name: str
    value: str

    @cached_property
    def formula(self) -> Formula:
        return read(self.value, ("p", "g", "eta"))

    def at(self, p: Any, g: Any, eta: Any) -> Any:
        """The parameter after one step, in SymPy."""
        return to_sympy(self.formula, {"p": p, "g": g, "eta": eta})


SGD = Optimizer("sgd", value="p - eta * g")

OPTIMIZERS = {record.name: record for record in (SGD,)}
