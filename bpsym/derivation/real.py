"""Values that are no real numbers: which activation or loss has none, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from bpsym.calculus.cancellation import CertainZeros
from bpsym.calculus.equations import Tensor
from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import Element
from bpsym.derivation.worth import MOST_PLACES, PRECISE, is_beyond, worth
from bpsym.errors import InputError, Problem, ProgramError, shown
from bpsym.network import roles
from bpsym.network.description import Network
from bpsym.network.losses import loss_of
from bpsym.notation.formulas import formula_form

NO_NUMBER = (ArithmeticError, TypeError, ValueError)
"""What is raised where an operation has no real result, as 1 / 0 or max(0, sqrt(-1))."""

_WRITE = "(write other weights or inputs, or another formula)"

_RATE = ("training", "learning_rate")

_SMALLER = "(write a smaller learning rate or fewer steps, or smaller weights or inputs)"

_SMALLER_START = "(write smaller weights or inputs)"

_CALLED = {
    roles.WEIGHTS: "a weight",
    roles.BIASES: "a bias",
    roles.PRE_ACTIVATION: "z",
    roles.ACTIVATION: "an output",
    roles.SAMPLE_LOSS: "a sample's loss",
    roles.LOSS: "the loss",
}
"""What a value is called, by its kind; anything else is a number of the step."""

Place = tuple[int, ...]


def is_real(value: Any) -> bool:
    """Whether it is a finite real number."""
    if isinstance(value, (int, Fraction)):
        return True
    return hasattr(value, "_mpf_") and bool(PRECISE.isfinite(value))


def _has_value(compute: Callable[[], Any]) -> bool:
    try:
        return is_real(compute())
    except NO_NUMBER:
        return False


@dataclass(frozen=True)
class RealValues:
    """The elements of a network's program; when: with which parameters, in the words of an error."""

    network: Network
    evaluator: CertainZeros
    when: str = ""

    def element(self, name: str, at: Place) -> Any:
        """The element; InputError names the first activation or loss that has no real value."""
        try:
            value = self._reached(name, at)
        except NO_NUMBER:
            value = None
        if is_real(value) and is_beyond(value):
            raise InputError(self._unlike(name, f"beyond 10**{MOST_PLACES}, or as near to 0"))
        if not is_real(value):
            raise InputError(next(self._problems(), self._unlike(name, "no real number")))
        return value

    def _unlike(self, name: str, what: str) -> Problem:
        """The problem that a value is beyond all limits: at the learning rate after a step, else at its layer."""
        tensor = self.evaluator.program.tensors[name]
        trained = bool(self.when) or (tensor.origin is not None and tensor.origin.kind == "update")
        layer = tensor.role.layer
        place = ("network", "layers", layer - 1) if layer else ("network", "loss")
        message = f"{_called(tensor)} is {what}{self.when} {_SMALLER if trained else _SMALLER_START}"
        return Problem(message, _RATE if trained else place)

    def _problems(self) -> Iterator[Problem]:
        """What is said of each value that is no real number, in the order of the program."""
        for tensor in self.evaluator.program.tensors.values():
            describe = _DESCRIBE.get((tensor.role.kind, tensor.is_adjoint))
            for at in product(*(range(int(extent)) for extent in tensor.shape)):
                if describe is not None and not self._is_fine(tensor.name, at):
                    yield from describe(self, tensor.role.layer, at)

    def _is_fine(self, name: str, at: Place) -> bool:
        try:
            return _has_value(lambda: self._reached(name, at))
        except ProgramError:  # of a sample that is not computed
            return True

    def _reached(self, name: str, at: Place) -> Any:
        self.evaluator.reach(name, at)
        return self.evaluator.values[name][at]

    def activation(self, layer: int, at: Place) -> Iterator[Problem]:
        """f(z) of a unit, where f has no real value."""
        z = self._reached(f"z{layer}", at)
        name = self.network.layers[layer - 1].activation
        yield self._problem(f"{shown(name)} has no real value at z = {_short(z)}", layer, at)

    def slope(self, layer: int, at: Place) -> Iterator[Problem]:
        """The loss by z of a unit, where f, or after the last layer the loss, has no slope."""
        z, a = (_short(self._reached(f"{letter}{layer}", at)) for letter in "za")
        loss = f", or {shown(self.network.loss)}," if layer == len(self.network.layers) else ""
        name = self.network.layers[layer - 1].activation
        yield self._problem(f"{shown(name)}{loss} has no slope at z = {z}, a = {a}", layer, at)

    def _problem(self, what: str, layer: int, at: Place) -> Problem:
        sample, unit = (number + 1 for number in at)
        place = f"in unit {unit} of layer {layer}, for sample {sample}{self.when}"
        return Problem(f"{what}, {place} {_WRITE}", ("network", "layers", layer - 1, "activation"))

    def loss(self, _: int, at: Place) -> Iterator[Problem]:
        """The loss of a sample, at each output where it has no real value."""
        (sample,), last = at, len(self.network.layers)
        names = {name: Element(Read(name)) for name in ("a", "t")}
        form = formula_form(loss_of(self.network.loss).formula, names)
        for unit in range(self.network.layers[-1].units):
            values = {name: self._reached(of, (sample, unit)) for name, of in (("a", f"a{last}"), ("t", "t"))}
            if not _has_value(lambda values=values: worth(form, lambda one: values[one.read.name])):  # type: ignore[misc]
                what = (
                    f"{shown(self.network.loss)} has no real value at a = {_short(values['a'])},"
                    f" t = {_short(values['t'])}"
                )
                place = f"of output {unit + 1}, for sample {sample + 1}{self.when}"
                yield Problem(f"{what}, {place} {_WRITE}", ("network", "loss"))


_DESCRIBE: dict[tuple[str, bool], Callable[[RealValues, int, Place], Iterator[Problem]]] = {
    (roles.ACTIVATION, False): RealValues.activation,
    (roles.SAMPLE_LOSS, False): RealValues.loss,
    (roles.PRE_ACTIVATION, True): RealValues.slope,
}


def _called(tensor: Tensor) -> str:
    """What it is, as in: the derivative of the loss by an output of layer 2"""
    role = tensor.role
    named = _CALLED.get(role.kind, "a number of the step")
    by = "the derivative of the loss by " if tensor.is_adjoint else ""
    return f"{by}{named}{f' of layer {role.layer}' if role.layer else ''}"


def _short(value: Any) -> str:
    return f"{float(value):.6g}"


__all__ = ["NO_NUMBER", "RealValues", "is_real"]
