"""The samples of the first step, where a step does not see all of them."""

from __future__ import annotations

import random

from bpsym.examples.data import Data
from bpsym.examples.example import Example


def first_batch(example: Example) -> tuple[int, ...]:
    """The samples (from 0) that the first step sees, as a generated trainer draws them."""
    training = example.training
    rows = list(range(0 if example.data is None else len(example.data.x)))
    if training.batch_size is None:
        return tuple(rows)
    if training.shuffle:
        random.Random(f"{training.seed or 0} 0").shuffle(rows)  # noqa: S311  (an order of samples, no secret)
    return tuple(rows[: training.batch_size])


def of_samples(example: Example, samples: tuple[int, ...]) -> Example:
    """The example with these samples only."""
    data = example.data
    if data is None or samples == tuple(range(len(data.x))):
        return example
    x, t = (None if rows is None else tuple(rows[sample] for sample in samples) for rows in (data.x, data.t))
    return example.model_copy(update={"data": Data(x=x, t=t)})
