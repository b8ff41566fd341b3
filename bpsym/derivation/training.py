"""The numbers of an example: its values before training, after one step, and what becomes of the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bpsym.calculus.equations import Program, find
from bpsym.calculus.evaluate import Evaluator, Values, digits
from bpsym.examples.example import Example
from bpsym.network.forward import LEARNING_RATE_TENSOR
from bpsym.network.start import initial_parameters
from bpsym.network.training_program import first_step
from bpsym.network.update_rule import update_rule

DIGITS = 40
"""What everything in a derivation is computed with, before it is rounded once, in print."""

LONGEST = 1000
"""The most steps that are computed with so many digits; longer training is the generated trainer's."""

Inputs = dict[str, Any]
LongTraining = Callable[[int], Mapping[str, Any]]
"""steps -> the parameters after them, by tensor name: element -> number, computed in double precision."""


@dataclass(frozen=True)
class Trained:
    """steps: how many; values: every element after them; double: computed in double precision."""

    steps: int
    values: Values
    double: bool = False


@dataclass(frozen=True)
class Numbers:
    """The values before any step, and after `steps`; `after_one` and `trained` are None where there is no training."""

    before: Values
    after_one: Values | None
    trained: Trained | None


def numbers(example: Example, program: Program, long_training: LongTraining | None = None) -> Numbers | None:
    """All numbers of the example; None where weights or data are not given."""
    inputs = _inputs(example, program)
    if inputs is None:
        return None
    run = Evaluator(program, digits(DIGITS))
    before = run.run(inputs)
    steps = example.training.steps
    if not steps:
        return Numbers(before, None, None)
    after_one = run.run(_next(program, inputs, before))
    if steps <= LONGEST or long_training is None:
        return Numbers(before, after_one, _train(run, program, inputs, after_one, steps))
    found = long_training(steps)
    return Numbers(before, after_one, Trained(steps, run.run(inputs | dict(found)), double=True))


def _train(run: Evaluator, program: Program, inputs: Inputs, values: Values, steps: int) -> Trained:
    for _ in range(steps - 1):
        values = run.run(_next(program, inputs, values))
    return Trained(steps, values)


def _next(program: Program, inputs: Inputs, values: Values) -> Inputs:
    """The inputs with the parameters, and what the optimiser remembers, after the step that the values hold."""
    new = dict(inputs)
    for tensor in program.inputs:
        updated = find(program, "update", tensor.name)
        if updated is not None:
            new[tensor.name] = values[updated.name]
    return new


def _inputs(example: Example, program: Program) -> Inputs | None:
    start = initial_parameters(example.network, example.training.seed)
    if example.data is None or start is None:
        return None
    inputs: Inputs = {
        "x": example.data.x,
        "t": example.data.t,
        LEARNING_RATE_TENSOR.name: example.training.learning_rate,
    } | first_step(program, update_rule(example.training))
    return inputs | start
