"""Which settings a run has: the example's, the saved run's that it goes on with, and what the command line says."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from bpsym.errors import InputError, Problem, UsageError
from bpsym.examples.example import Example, Training

SETTINGS = ("learning_rate", "steps", "batch_size", "shuffle", "seed")
"""What a run may have otherwise than its example says; the rest decides what a step is."""


def with_settings(example: Example, settings: Mapping[str, Any]) -> Example:
    """The example, trained with these settings."""
    own = {key: value for key, value in example.training if key in example.training.model_fields_set}
    return example.model_copy(update={"training": Training(**{**own, **settings})})


def check_options(settings: Mapping[str, Any]) -> None:
    """UsageError where a setting of the command line is wrong, by its option."""
    try:
        Training(**settings)
    except InputError as error:
        raise UsageError("\n".join(map(_as_option, error.problems))) from None


def _as_option(problem: Problem) -> str:
    """--learning-rate: must be a finite number, not nan (write --learning-rate 0.5)"""
    key = str(problem.key[0])
    option = f"--{key.replace('_', '-')}"
    return f"{option}: {problem.message.replace(f'{key} = ', f'{option} ')}"


def settings_of(example: Example) -> dict[str, Any]:
    """The settings as plain numbers."""
    return {key: _number(getattr(example.training, key)) for key in SETTINGS}


def epoch_of(example: Example) -> int:
    """The number of steps in which each sample is seen once."""
    count = len(example.data.x) if example.data else 1
    return ceil(count / (example.training.batch_size or count))


def steps_of(example: Example, epochs: int | None) -> int:
    """The number of steps when training is over. UsageError where nothing says so."""
    steps = example.training.steps if epochs is None else epochs * epoch_of(example)
    if not steps and "steps" not in example.training.model_fields_set and epochs is None:
        raise UsageError(
            "how many steps? (write --steps 100, or steps = 100 below [training] in the example)"
        )
    return steps


def _number(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else float(value)
