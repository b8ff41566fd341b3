"""The loop: stretches of the generated trainer's own `train`, and a look at where it stands after each.

A stretch makes the same steps as a longer one: what the next step depends on (parameters, state, number of steps made)
is handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature
from math import inf, isfinite, nan
from time import perf_counter
from types import ModuleType
from typing import Any

from bpsym.errors import DivergenceError
from bpsym.training.samples import Part, Samples, class_of

STRETCH = 0.1
"""Seconds between two looks."""

LOOKING = 0.03
"""The share of the time that may go into looks that nobody's log asks for."""


@dataclass(frozen=True)
class Standing:
    """What the next step depends on; state: the optimiser's, None where it has none."""

    step: int
    parameters: Any
    state: Any = None


@dataclass(frozen=True)
class Look:
    """How good the parameters are after so many steps.

    loss: of all samples that are trained on; validation_loss: of those held back; accuracy: the share of right classes,
    among those held back where there are any.
    """

    step: int
    loss: float
    validation_loss: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class Run:
    """A trainer, what it is given, and who may ask it to stop."""

    trainer: ModuleType
    samples: Samples
    learning_rate: float
    stop: Callable[[], bool] = lambda: False

    def look(self, standing: Standing) -> Look:
        """DivergenceError where the loss is not finite."""
        loss = self._loss(standing, self.samples.training)
        if not isfinite(loss):
            raise DivergenceError(standing.step, loss)
        held_back = self.samples.validation
        return Look(
            standing.step,
            loss,
            self._loss(standing, held_back) if held_back else None,
            self._accuracy(standing),
        )

    def advance(self, standing: Standing, steps: int) -> Standing:
        """So many steps further, or as many as are made until it is asked to stop.

        DivergenceError at the first loss that is not finite.
        """
        watch = _Watch(self.stop)
        part = self.samples.training
        try:
            parameters, _, *state = self.trainer.train(
                standing.parameters,
                part.x,
                part.t,
                self.learning_rate,
                steps,
                progress=watch.progress,
                **_continuation(self.trainer, standing),
            )
        except ArithmeticError:  # plain Python raises where NumPy goes on with infinity
            raise DivergenceError(standing.step + watch.calls, inf) from None
        except ValueError:  # the logarithm of a negative number; parameters that are not finite
            raise DivergenceError(standing.step + watch.calls, nan) from None
        if not isfinite(watch.loss):
            raise DivergenceError(standing.step + watch.calls - 1, watch.loss)
        return Standing(standing.step + watch.calls - watch.stopped, parameters, *state)

    def _loss(self, standing: Standing, part: Part) -> float:
        try:
            return float(self.trainer.loss(standing.parameters, part.x, part.t))
        except ArithmeticError:
            return inf
        except ValueError:
            return nan

    def _accuracy(self, standing: Standing) -> float | None:
        if not self.samples.have_classes:
            return None
        part = self.samples.judged
        outputs = self.trainer.forward(standing.parameters, part.x)
        rows = outputs.tolist() if hasattr(outputs, "tolist") else outputs
        right = sum(class_of(row) == wanted for row, wanted in zip(rows, part.classes or (), strict=True))
        return right / len(rows)


class _Watch:
    """What a trainer's progress sees: how many losses there were, and the last of them."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self.calls = 0
        self.loss = 0.0
        self.stopped = False
        self._stop = stop

    def progress(self, step: int, loss: float) -> bool:
        del step  # of this stretch, or of the whole training: as the trainer counts
        self.calls += 1
        self.loss = loss
        self.stopped = self._stop() or not -inf < loss < inf
        return self.stopped


def _continuation(trainer: ModuleType, standing: Standing) -> dict[str, Any]:
    """How a trainer is told to go on: by its state, by the number of steps made, or not at all."""
    if hasattr(trainer, "initial_state"):
        return {"state": standing.state}
    if "start" in signature(trainer.train).parameters:
        return {"start": standing.step}
    return {}


def looks(run: Run, standing: Standing, steps: int, every: int | None) -> Iterator[tuple[Standing, Look]]:
    """Where the training stands at its start, now and then, after each `every` steps (if given), and at its end."""
    pace = _Pace()
    look = run.look(standing)
    yield standing, look
    while standing.step < steps and not run.stop():
        ahead = steps - standing.step
        if every is not None:
            ahead = min(ahead, every - standing.step % every)
        began = perf_counter()
        standing_after = run.advance(standing, min(ahead, pace.steps))
        made, standing = standing_after.step - standing.step, standing_after
        trained = perf_counter()
        look = run.look(standing)
        yield standing, look
        pace = pace.after(made, trained - began, perf_counter() - trained)


@dataclass(frozen=True)
class _Pace:
    """How many steps the next stretch should have."""

    steps: int = 1

    def after(self, made: int, training: float, looking: float) -> _Pace:
        """The pace after a stretch of so many steps took so long, and the look at it."""
        seconds = max(STRETCH, looking / LOOKING)
        wanted = made * seconds / max(training, 1e-9)
        return _Pace(max(1, int(min(wanted, 10 * self.steps))))
