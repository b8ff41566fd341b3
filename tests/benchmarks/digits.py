"""The generated NumPy trainer on `digits` beside scikit-learn's MLPClassifier of the same shape, rule and batches.

One BLAS thread; rounds are interleaved, each with a seed of its own; the fastest of each counts, and the mean accuracy
on the same samples held back. What the loop of `train` adds is measured in the same rounds:

    pip install -e ".[benchmarks]" && python tests/benchmarks/digits.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # before NumPy is imported
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import numpy as np  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

import bpsym  # noqa: E402
from bpsym import api  # noqa: E402
from bpsym.training.loop import Run, Standing, looks  # noqa: E402
from bpsym.training.samples import Samples, samples  # noqa: E402
from bpsym.training.settings import epoch_of, with_settings  # noqa: E402

LIMIT = 0.97
Round = Callable[[int], tuple[float, float]]
"""Seed to (seconds, accuracy)."""


def accuracy(outputs: Any, parts: Samples) -> float:
    return float(np.mean(np.argmax(outputs, axis=1) == np.array(parts.judged.classes)))


def rounds_of(example: Any) -> dict[str, Round]:
    parts = samples(example, "numpy")
    training, judged = parts.training, parts.judged
    settings = example.training
    rate, epochs = float(settings.learning_rate), settings.steps // epoch_of(example)
    steps = epochs * epoch_of(example)

    def made(seed: int) -> tuple[Any, Standing]:
        trainer = api.trainer(with_settings(example, {"seed": seed}), "numpy", cited=False)
        state = trainer.initial_state(trainer.INITIAL) if hasattr(trainer, "initial_state") else None
        return trainer, Standing(0, trainer.INITIAL, state)

    def bare(seed: int) -> tuple[float, float]:
        trainer, start = made(seed)
        own = {} if start.state is None else {"state": start.state}
        began = time.perf_counter()
        parameters = trainer.train(start.parameters, training.x, training.t, rate, steps, **own)[0]
        seconds = time.perf_counter() - began
        return seconds, accuracy(trainer.forward(parameters, judged.x), parts)

    def looped(seed: int, every: int | None) -> tuple[float, float]:
        trainer, start = made(seed)
        began = time.perf_counter()
        *_, (_, last) = looks(Run(trainer, parts, rate), start, steps, every)
        return time.perf_counter() - began, last.accuracy or 0.0

    def scikit(seed: int) -> tuple[float, float]:
        rule = dict(settings.optimizer.settings)
        first, second = (float(beta) for beta in rule["betas"])
        network = MLPClassifier(
            (32,), activation="relu", solver="adam", alpha=0.0, batch_size=settings.batch_size,
            learning_rate_init=rate, beta_1=first, beta_2=second, epsilon=float(rule["eps"]),
            max_iter=epochs, tol=0.0, n_iter_no_change=epochs, random_state=seed,
        )  # fmt: skip
        labels = np.array(training.classes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            began = time.perf_counter()
            network.fit(training.x, labels)
            seconds = time.perf_counter() - began
        return seconds, accuracy(network.predict_proba(judged.x), parts)

    return {
        "MLPClassifier.fit": scikit,
        "trainer.train": bare,
        "train": lambda seed: looped(seed, None),
        "train --log": lambda seed: looped(seed, epoch_of(example)),
    }


def main() -> int:
    """Print times (as ratios to scikit-learn's) and accuracies; 1 where the trainer's is not above the limit."""
    parser = argparse.ArgumentParser(description="digits, beside scikit-learn.")
    parser.add_argument("--rounds", type=int, default=9)
    count = parser.parse_args().rounds

    rounds = rounds_of(bpsym.load("digits"))
    found = [{name: one(seed) for name, one in rounds.items()} for seed in range(1, count + 1)]
    least = {name: min(each[name][0] for each in found) for name in rounds}
    mean = {name: sum(each[name][1] for each in found) / count for name in rounds}
    for name in rounds:
        ratio = least[name] / least["MLPClassifier.fit"]
        print(f"{name:20} {least[name]:6.2f} s {ratio:6.2f}   accuracy {mean[name]:.2%}")
    print(f"train / trainer.train {least['train'] / least['trainer.train']:.2f}")
    return int(mean["trainer.train"] < LIMIT)


if __name__ == "__main__":
    sys.exit(main())
