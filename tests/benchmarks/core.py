"""What `backward` costs, as ratios in one run: it grows neither with the width of a network nor with like layers.

Run it as `OMP_NUM_THREADS=1 python tests/benchmarks/core.py`. Peers take turns; each figure is the least of many rounds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import bpsym  # noqa: E402
from bpsym.calculus import backward as calculus  # noqa: E402
from bpsym.calculus.equations import Program  # noqa: E402
from bpsym.calculus.evaluate import double, evaluate  # noqa: E402
from bpsym.network.forward import forward_program  # noqa: E402

ROUNDS = 15

FIRST_CALL = """
import time, sympy, bpsym
from bpsym.network.forward import forward_program
layers = tuple(bpsym.Dense(units=units, activation="sigmoid", bias="none") for units in (2, 1))
program = forward_program(bpsym.Network(inputs=2, layers=layers), 1)
from bpsym.calculus.backward import backward
start = time.perf_counter()
backward(program)
print(time.perf_counter() - start)
"""

IMPORT = "import time; start = time.perf_counter(); import sympy; print(time.perf_counter() - start)"


def program(*widths: int, samples: int = 1, bias: str = "neuron") -> Program:
    layers = tuple(bpsym.Dense(units=units, activation="sigmoid", bias=bias) for units in widths[1:])
    return forward_program(bpsym.Network(inputs=widths[0], layers=layers), samples)


def taken(run: Callable[[], object]) -> float:
    calculus._contributed_once.cache_clear()
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def least(programs: dict[str, Program]) -> dict[str, float]:
    """Seconds of `backward` for each, in turns."""
    found = dict.fromkeys(programs, float("inf"))
    for _ in range(ROUNDS):
        for name, one in programs.items():
            found[name] = min(found[name], taken(lambda one=one: calculus.backward(one)))  # type: ignore[misc]
    return found


def process(code: str) -> float:
    """Seconds that a fresh process prints, the least of some."""
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    runs = (subprocess.run(command, env=environment, capture_output=True, check=True) for _ in range(5))
    return min(float(run.stdout) for run in runs)


def zeros(shape: tuple[int, ...]) -> object:
    return [zeros(shape[1:]) for _ in range(shape[0])] if shape else 0.0


def main() -> None:
    found = least(
        {
            "2-2-1": program(2, 2, 1),
            "784-30-10, 10 samples": program(784, 30, 10, samples=10),
            "one layer of 3": program(3, 3, samples=2),
            "50 layers of 3": program(*[3] * 51, samples=2),
        }
    )
    for name, seconds in found.items():
        print(f"backward of {name:22} {1000 * seconds:8.1f} ms")
    print(
        f"784-30-10 against 2-2-1       {found['784-30-10, 10 samples'] / found['2-2-1']:8.2f}  (at most 1.5)"
    )
    print(
        f"50 equal layers against one   {found['50 layers of 3'] / found['one layer of 3']:8.2f}  (at most 5)"
    )
    first, imported = process(FIRST_CALL), process(IMPORT)
    print(f"first call against the import {first / imported:8.2f}  (at most 0.2)")
    large = calculus.backward(program(784, 30, 10, samples=10)).program
    inputs = {tensor.name: zeros(tuple(int(extent) for extent in tensor.shape)) for tensor in large.inputs}
    start = time.perf_counter()
    evaluate(large, inputs, double())
    print(f"evaluating 784-30-10          {time.perf_counter() - start:8.2f} s (at most 3)")


if __name__ == "__main__":
    main()
