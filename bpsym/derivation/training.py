"""The numbers of an example: its values before training, after one step, and what becomes of the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod
from operator import getitem
from typing import Any

from bpsym.calculus.cancellation import CertainZeros
from bpsym.calculus.equations import Program, find
from bpsym.calculus.evaluate import Values
from bpsym.derivation.real import NO_NUMBER, RealValues
from bpsym.derivation.worth import DIGITS
from bpsym.errors import InputError
from bpsym.examples.example import Example
from bpsym.network.activations import Activation, activation_of
from bpsym.network.description import Network
from bpsym.network.forward import LEARNING_RATE_TENSOR, forward_program, parameters
from bpsym.network.limits import is_general
from bpsym.network.losses import Loss, loss_of
from bpsym.network.start import initial_parameters, known_parameters
from bpsym.network.ties import ties
from bpsym.network.training_program import first_step
from bpsym.network.update_rule import update_rule

LONGEST, MOST_WORK = 1000, 50_000
"""The most steps, and the most steps times samples times parameters, that are computed with so many digits."""

LONGEST_DOUBLE = 30_000_000
"""The most that the generated trainer computes for a derivation."""

APART = 1e-6
"""Parameters that differ by more than this, relatively above 1, are not the same but for rounding."""

MOST_PRODUCTS = 20_000
"""With more samples times parameters than this, only what belongs to the one sample shown has numbers."""

Inputs = dict[str, Any]
LongTraining = Callable[[int], Mapping[str, Any]]
"""steps -> the parameters after them, by tensor name: element -> number, computed in double precision."""


class OnDemand(dict[str, dict[tuple[int, ...], Any]]):
    """The values of a program's tensors, each computed when it is first asked for; steps: made before."""

    def __init__(
        self, network: Network, evaluator: CertainZeros, inputs: Mapping[str, Any], steps: int = 0
    ) -> None:
        super().__init__()
        evaluator.run(inputs, only=())
        self.real = RealValues(network, evaluator, _after_steps(steps))

    def __missing__(self, name: str) -> _Elements:
        self[name] = found = _Elements(self.real, name)
        return found

    def precisely(self, name: str, at: tuple[int, ...], digits: int) -> Any:
        """The element with this many digits."""
        return self.real.evaluator.precisely(name, at, digits)


class _Elements(dict[tuple[int, ...], Any]):
    def __init__(self, real: RealValues, name: str) -> None:
        super().__init__()
        self.real, self.name = real, name

    def __missing__(self, at: tuple[int, ...]) -> Any:
        self[at] = value = self.real.element(self.name, at)
        return value


def _after_steps(steps: int) -> str:
    return f" after {steps:,} step{'s' if steps > 1 else ''}" if steps else ""


@dataclass(frozen=True)
class Trained:
    """steps: how many; values: every element after them; double: computed in double precision.

    losses: in batches, the loss of all samples before and after, where they are not too many. apart: whether the
    generated trainer ends elsewhere, since it rounds, and a slope is chosen at some place.
    """

    steps: int
    values: Values
    double: bool = False
    losses: tuple[Any, ...] = ()
    apart: bool = False


@dataclass(frozen=True)
class Numbers:
    """The values before any step, and after `steps`; `after_one` and `trained` are None where there is no training.

    whole: whether numbers of all samples together are computed, not only those of one.
    """

    before: OnDemand
    after_one: OnDemand | None
    trained: Trained | None
    whole: bool = True


def numbers(
    example: Example,
    program: Program,
    sample: int,
    long_training: LongTraining | None = None,
    every: Example | None = None,
) -> Numbers | None:
    """All numbers of the example, or of this sample if there are very many; None where some are not given.

    every: the example with all samples, where this one has only those of a batch.
    """
    inputs = _inputs(example, program)
    if inputs is None:
        return None
    network = example.network
    if _products(program) > MOST_PRODUCTS:
        one = {name: _row(inputs[name], sample) for name in ("x", "t")}
        return Numbers(OnDemand(network, _evaluator(program), inputs | one), None, None, whole=False)
    before, steps = OnDemand(network, _evaluator(program), inputs), example.training.steps
    if not steps:
        return Numbers(before, None, None)
    after_one = OnDemand(network, _evaluator(program), _next(program, inputs, before), steps=1)
    return Numbers(
        before, after_one, _trained(example, program, inputs, after_one, every or example, long_training)
    )


def _evaluator(program: Program) -> CertainZeros:
    return CertainZeros(program, DIGITS)


def _row(rows: Any, sample: int) -> Mapping[tuple[int, int], Any]:
    """One sample's numbers, by their place among all."""
    return {(sample, place): number for place, number in enumerate(rows[sample])}


def _trained(
    example: Example,
    program: Program,
    inputs: Inputs,
    after_one: OnDemand,
    every: Example,
    long_training: LongTraining | None,
) -> Trained | None:
    steps, in_batches = example.training.steps, example.training.batch_size is not None
    cost = steps * _products(program)
    if not in_batches and (long_training is None or (steps <= LONGEST and cost <= MOST_WORK)):
        values = _after(example.network, program, inputs, after_one, steps)
        doubted = long_training is not None and _has_kinks(example.network)
        return Trained(steps, values, apart=doubted and _ends_elsewhere(long_training, steps, values))
    if cost > LONGEST_DOUBLE or long_training is None:
        return None
    found = _trained_long(long_training, steps)
    after = OnDemand(example.network, _evaluator(program), inputs | found, steps)
    losses = _losses(every, (inputs, inputs | found)) if every is not example else ()
    return Trained(steps, after, double=True, losses=losses)


def _losses(every: Example, states: tuple[Inputs, ...]) -> tuple[Any, ...]:
    """The loss of all samples, with each of these parameters."""
    data = _data(every)
    program = forward_program(every.network, len(data["x"]))
    if _products(program) > MOST_PRODUCTS:
        return ()
    runs = [OnDemand(every.network, _evaluator(program), state | data) for state in states]
    return tuple(run[program.equations[-1].tensor.name][()] for run in runs)


def _has_kinks(network: Network) -> bool:
    """Whether there is a place at which a slope is chosen."""
    records: list[Activation | Loss] = [*(activation_of(layer.activation) for layer in network.layers)]
    records.append(loss_of(network.loss))
    return any(one.kink is not None or (one.custom and ties(one.formula)) for one in records)


def _ends_elsewhere(long_training: LongTraining | None, steps: int, values: Values) -> bool:
    """Whether training in double precision leads to other parameters than these."""
    try:
        rounded = _trained_long(long_training, steps) if long_training else {}
    except InputError:
        return False
    pairs = ((values[name][at], one) for name, elements in rounded.items() for at, one in elements.items())
    return any(abs(float(exact) - float(one)) > APART * max(1, abs(float(exact))) for exact, one in pairs)


def _trained_long(long_training: LongTraining, steps: int) -> Inputs:
    """InputError where training meets what is no real number."""
    try:
        return dict(long_training(steps))
    except NO_NUMBER:
        raise InputError(
            f"in {steps:,} steps of training, a value is met that is no real number, or too large"
            " (write fewer steps, or a smaller learning rate)"
        ) from None


def _after(network: Network, program: Program, inputs: Inputs, after_one: OnDemand, steps: int) -> OnDemand:
    """The values after so many steps, all of them with many digits."""
    if steps == 1:
        return after_one
    now, run = _next(program, inputs, after_one), CertainZeros(program, 2 * DIGITS, every=False)
    for made in range(2, steps):
        now = _next(program, inputs, OnDemand(network, run, now, made))
    return OnDemand(network, _evaluator(program), now, steps)


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


def given(example: Example, program: Program) -> dict[str, dict[tuple[int, ...], Any]]:
    """The numbers that an example gives, by tensor and place; of the training only where it says something of it."""
    known = _rule(example, program) if "training" in example.model_fields_set else {}
    known = known | _data(example) | known_parameters(example.network, example.training.seed)
    return {
        tensor.name: {
            at: _entry(known[tensor.name], at)
            for at in product(*(range(int(extent)) for extent in tensor.shape))
        }
        for tensor in program.inputs
        if tensor.name in known
    }


def _entry(rows: Any, at: tuple[int, ...]) -> Any:
    return reduce(getitem, at, rows)


def _data(example: Example) -> Inputs:
    data = example.data
    return {} if data is None else {name: rows for name, rows in (("x", data.x), ("t", data.t)) if rows}


def _rule(example: Example, program: Program) -> Inputs:
    rate = {LEARNING_RATE_TENSOR.name: example.training.learning_rate}
    return rate | first_step(program, update_rule(example.training))


def _inputs(example: Example, program: Program) -> Inputs | None:
    """Every number that is needed; None where some are not given, or where an f is any function."""
    start, data = initial_parameters(example.network, example.training.seed), _data(example)
    if start is None or len(data) < 2 or any(map(is_general, example.network.layers)):
        return None
    return _rule(example, program) | data | start
