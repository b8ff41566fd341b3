"""The numbers of an example: its values before training, after one step, and what becomes of the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from bpsym.calculus.equations import Program, find
from bpsym.calculus.evaluate import Evaluator, Values, digits
from bpsym.examples.example import Example
from bpsym.network.forward import LEARNING_RATE_TENSOR, parameters
from bpsym.network.start import initial_parameters
from bpsym.network.training_program import first_step
from bpsym.network.update_rule import update_rule

DIGITS = 40
"""What everything in a derivation is computed with, before it is rounded once, in print."""

LONGEST, MOST_WORK = 1000, 50_000
"""The most steps, and the most steps times samples times parameters, that are computed with so many digits."""

LONGEST_DOUBLE = 30_000_000
"""The most that the generated trainer computes for a derivation."""

MOST_PRODUCTS = 20_000
"""With more samples times parameters than this, only what belongs to the one sample shown has numbers."""

Inputs = dict[str, Any]
LongTraining = Callable[[int], Mapping[str, Any]]
"""steps -> the parameters after them, by tensor name: element -> number, computed in double precision."""


class OnDemand(dict[str, dict[tuple[int, ...], Any]]):
    """The values of a program's tensors, each computed when it is first asked for."""

    def __init__(self, program: Program, inputs: Mapping[str, Any]) -> None:
        super().__init__()
        self.evaluator = Evaluator(program, digits(DIGITS))
        self.evaluator.run(inputs, only=())

    def __missing__(self, name: str) -> _Elements:
        self[name] = found = _Elements(self.evaluator, name)
        return found


class _Elements(dict[tuple[int, ...], Any]):
    def __init__(self, evaluator: Evaluator, name: str) -> None:
        super().__init__()
        self.evaluator, self.name = evaluator, name

    def __missing__(self, at: tuple[int, ...]) -> Any:
        self[at] = value = self.evaluator.element(self.name, at)
        return value


@dataclass(frozen=True)
class Trained:
    """steps: how many; values: every element after them; double: computed in double precision."""

    steps: int
    values: Values
    double: bool = False


@dataclass(frozen=True)
class Numbers:
    """The values before any step, and after `steps`; `after_one` and `trained` are None where there is no training.

    whole: whether numbers of all samples together are computed, not only those of one.
    """

    before: Values
    after_one: Values | None
    trained: Trained | None
    whole: bool = True


def numbers(
    example: Example, program: Program, sample: int, long_training: LongTraining | None = None
) -> Numbers | None:
    """All numbers of the example, or of this sample if there are very many; None where some are not given."""
    inputs = _inputs(example, program)
    if inputs is None:
        return None
    if _products(program) > MOST_PRODUCTS:
        one = {name: _row(inputs[name], sample) for name in ("x", "t")}
        return Numbers(OnDemand(program, inputs | one), None, None, whole=False)
    before, steps = OnDemand(program, inputs), example.training.steps
    if not steps:
        return Numbers(before, None, None)
    after_one = OnDemand(program, _next(program, inputs, before))
    in_batches = example.training.batch_size is not None
    return Numbers(before, after_one, _trained(program, inputs, after_one, steps, long_training, in_batches))


def _row(rows: Any, sample: int) -> Mapping[tuple[int, int], Any]:
    """One sample's numbers, by their place among all."""
    return {(sample, place): number for place, number in enumerate(rows[sample])}


def _trained(
    program: Program,
    inputs: Inputs,
    after_one: OnDemand,
    steps: int,
    long_training: LongTraining | None,
    in_batches: bool,
) -> Trained | None:
    cost = steps * _products(program)
    if not in_batches and (long_training is None or (steps <= LONGEST and cost <= MOST_WORK)):
        return Trained(steps, _after(program, inputs, after_one, steps))
    if cost > LONGEST_DOUBLE or long_training is None:
        return None
    return Trained(steps, OnDemand(program, inputs | dict(long_training(steps))), double=True)


def _after(program: Program, inputs: Inputs, after_one: OnDemand, steps: int) -> OnDemand:
    """The values after so many steps, all of them with many digits."""
    updated = [one.name for tensor in program.inputs if (one := find(program, "update", tensor.name))]
    now = _next(program, inputs, after_one)
    run = Evaluator(program, digits(DIGITS))
    for _ in range(steps - 2):
        run.run(now, only=updated)
        now = _next(program, inputs, run.values)
    return OnDemand(program, now) if steps > 1 else after_one


def _products(program: Program) -> int:
    """Samples times parameters."""
    samples = next(tensor.shape[0] for tensor in program.inputs if None in tensor.role.axes)
    return int(samples) * sum(int(prod(tensor.shape)) for tensor in parameters(program))


def _next(program: Program, inputs: Inputs, values: Values) -> Inputs:
    """The inputs with the parameters, and what the optimiser remembers, after the step that the values hold."""
    new = dict(inputs)
    for tensor in program.inputs:
        updated = find(program, "update", tensor.name)
        if updated is not None:
            places = product(*(range(int(extent)) for extent in tensor.shape))
            new[tensor.name] = {at: values[updated.name][at] for at in places}
    return new


def _inputs(example: Example, program: Program) -> Inputs | None:
    start = initial_parameters(example.network, example.training.seed)
    if example.data is None or example.data.t is None or start is None:
        return None
    inputs: Inputs = {
        "x": example.data.x,
        "t": example.data.t,
        LEARNING_RATE_TENSOR.name: example.training.learning_rate,
    } | first_step(program, update_rule(example.training))
    return inputs | start
