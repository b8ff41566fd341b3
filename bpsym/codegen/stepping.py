"""The functions around a step: `update` and `train`, with state or without, with all samples or in batches."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from bpsym.codegen.expression_text import WIDTH
from bpsym.codegen.network_text import optimizer_about
from bpsym.examples.example import Example
from bpsym.network.training_rule import SEQUENTIAL
from bpsym.network.update_rule import CLIP, OPTIMIZER, SCHEDULE, update_rule

_PROGRESS = "progress(step, loss), if given, is called before each step, and ends the training there by returning True."
_START = "start: how many steps were made before."
_STATE = "state: what the steps before left; without it, training begins."


COMMENTS = {
    CLIP: "clipped gradients",
    SCHEDULE: "the learning rate of this step",
    OPTIMIZER: "what is remembered of the gradients",
}
"""What stands above the lines of each part of an update rule."""


@dataclass(frozen=True)
class Dialect:
    """How a target's module checks its arguments, takes rows, and gives parameters back.

    check, check_rate, check_steps, check_state: lines; rows: x and t of a batch; result: what train returns.
    """

    check: str
    check_rate: str
    check_state: str
    rows: str
    result: str


@dataclass(frozen=True)
class Stepping:
    """What the functions of one example's module are given, and give back."""

    example: Example
    dialect: Dialect

    @property
    def is_sequential(self) -> bool:
        return self.example.training.update == SEQUENTIAL

    @property
    def has_state(self) -> bool:
        return update_rule(self.example.training).has_state

    @property
    def has_batches(self) -> bool:
        return self.example.training.batch_size is not None

    @property
    def step_arguments(self) -> str:
        """What `_step` is given."""
        given = ["x, t"] if self.is_sequential else ["slopes"]
        return ", ".join(["parameters", *self._state, *given, "learning_rate"])

    @property
    def _state(self) -> list[str]:
        return ["state"] if self.has_state else []

    @property
    def count(self) -> list[str]:
        """The number of samples, where it is divided by."""
        return ["m = len(x)"] if self.example.network.reduction == "mean" else []

    def modules(self, drawing: list[str]) -> set[str]:
        """What is imported to draw numbers with; drawing: the lines before the first one is drawn."""
        return {"random"} if drawing or self.has_batches else set()

    def update(self) -> dict[str, Any]:
        what = "Parameters and state" if self.has_state else "Parameters"
        slopes = [] if self.is_sequential else ["_, slopes = _loss_and_gradients(parameters, x, t)"]
        return {
            "arguments": ", ".join(["parameters", *self._state, "x, t, learning_rate"]),
            "doc": f"{what} after one step of {optimizer_about(self.example)}.",
            "lines": [
                self.dialect.check,
                *([self.dialect.check_state] if self.has_state else []),
                self.dialect.check_rate,
                *slopes,
                f"return _step({self.step_arguments})",
            ],
        }

    def train(self) -> dict[str, Any]:
        last = "state=None" if self.has_state else "start=0"
        returned = f"return {self.dialect.result}, losses{', state' if self.has_state else ''}"
        return {
            "arguments": f"parameters, x, t, learning_rate, steps, progress=None, {last}",
            "doc": self._train_doc(),
            "lines": [*self._before(), "losses = []", *self._loop(), returned],
        }

    def _train_doc(self) -> list[str]:
        plain = "Parameters after so many steps, and the loss before each of them."
        lines = [
            "Parameters after so many steps, the loss before each, and the state."
            if self.has_state
            else plain
        ]
        batch = ["A step sees the next BATCH_SIZE samples; its loss is theirs."] if self.has_batches else []
        about = " ".join([*batch, _PROGRESS, _STATE if self.has_state else _START])
        return [*lines, "", *wrap(about, WIDTH - 4)]

    def _before(self) -> list[str]:
        state = [
            "if state is None:",
            "    state = initial_state(parameters)",
            self.dialect.check_state,
        ]
        return [
            self.dialect.check,
            self.dialect.check_rate,
            '_check_count("steps", steps)',
            *(state if self.has_state else ['_check_count("start", start)']),
        ]

    def _loop(self) -> list[str]:
        start = "state.step" if self.has_state else "start"
        batched = self.has_batches
        head = (
            f"for step, rows in _batches(len(x), {start}, steps):"
            if batched
            else f"for step in range({start}, {start} + steps):"
        )
        pair = "x_batch, t_batch" if batched else "x, t"
        slopes = "_" if self.is_sequential else "slopes"
        results = ", ".join(["parameters", *self._state])
        inner = [
            *([f"{pair} = {self.dialect.rows}"] if batched else []),
            f"value, {slopes} = _loss_and_gradients(parameters, {pair})",
            "if progress is not None and progress(step, value):",
            "    break",
            "losses.append(value)",
            f"{results} = _step({self.step_arguments.replace('x, t', pair)})",
        ]
        return [head, *(f"    {line}" for line in inner)]


__all__ = ["Dialect", "Stepping"]
