"""The samples that a trainer is given, in the arrays or lists of its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bpsym.errors import InputError, Problem
from bpsym.examples.data import Data
from bpsym.examples.example import Example
from bpsym.network.description import Network

Exacts = Sequence[Sequence[Fraction]]


@dataclass(frozen=True)
class Part:
    """x: (samples, inputs) and t: (samples, outputs), and the class of each sample where t names classes.

    classes: None where t names none.
    """

    x: Any
    t: Any
    classes: tuple[int, ...] | None


@dataclass(frozen=True)
class Samples:
    """The part that is trained on, and the part that is held back."""

    training: Part
    validation: Part | None

    @property
    def judged(self) -> Part:
        """The part that the accuracy is of."""
        return self.validation or self.training

    @property
    def have_classes(self) -> bool:
        return all(part.classes is not None for part in (self.training, self.judged))


def samples(example: Example, target: str) -> Samples:
    """The example's samples in double precision. InputError where it has none, or no targets."""
    data = example.data
    if data is None:
        message = (
            "missing: there is nothing to train with (write [data] with x = [[0.35, 0.9]] and t = [[0.5]])"
        )
        raise InputError(Problem(message, ("data",)))
    if data.t is None:
        key = "t" if data.file is None else "targets"
        message = f"missing: there is nothing to train towards (write {Data.write[key]})"
        raise InputError(Problem(message, ("data", key)))
    are_classes = _are_classes(example.network, (*data.t, *(data.validation_t or ())))
    held_back = None
    if data.validation_x is not None and data.validation_t is not None:
        held_back = _part(target, data.validation_x, data.validation_t, are_classes)
    return Samples(_part(target, data.x, data.t, are_classes), held_back)


def class_of(outputs: Sequence[float]) -> int:
    """The output that is largest, the first where several are; of a single one whether it is above 1/2."""
    if len(outputs) == 1:
        return int(outputs[0] > 0.5)
    return outputs.index(max(outputs))


def _part(target: str, x: Exacts, t: Exacts, are_classes: bool) -> Part:
    classes = tuple(class_of([float(entry) for entry in row]) for row in t) if are_classes else None
    return Part(_rows(target, x), _rows(target, t), classes)


def _rows(target: str, rows: Exacts) -> Any:
    """Lists of lists for plain Python, an array for whatever else there is."""
    lists = [[float(entry) for entry in row] for row in rows]
    if target == "python":
        return lists
    import numpy as np

    return np.array(lists)


def _are_classes(network: Network, t: Exacts) -> bool:
    """Whether each row of targets is one-hot, or for a single sigmoid 0 or 1, and both are there."""
    if not all(entry in (0, 1) for row in t for entry in row):
        return False
    if len(t[0]) > 1:
        return all(sum(row) == 1 for row in t)
    return network.layers[-1].activation == "sigmoid" and len(set(t)) == 2
