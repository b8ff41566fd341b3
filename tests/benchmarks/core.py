"""What `backward` costs, as ratios in one run: it grows neither with the width of a network nor with like layers.

Run it as `OMP_NUM_THREADS=1 python tests/benchmarks/core.py`. Peers take turns; each figure is the least of many rounds.
It exits with 1 where a limit is missed, with `--slack 2` only where one is missed by twice (for a machine with other work).
With `--slow` it differentiates the composed loss of the deep network by SymPy too, which takes minutes.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import sympy  # noqa: E402
from sympy.core.cache import clear_cache  # noqa: E402

import bpsym  # noqa: E402
from bpsym.calculus import backward as calculus  # noqa: E402
from bpsym.calculus.arithmetic import double  # noqa: E402
from bpsym.calculus.array_evaluate import evaluate_arrays  # noqa: E402
from bpsym.calculus.equations import Program, Read  # noqa: E402
from bpsym.calculus.evaluate import evaluate  # noqa: E402
from bpsym.calculus.unroll import unroll  # noqa: E402
from bpsym.network.forward import forward_program  # noqa: E402

ROUNDS = 15

DEEP = (2, 3, 2, 3, 2, 3, 2, 3, 1)
"""Eight sigmoid layers without biases: 45 weights."""

COMPOSED_SECONDS = 107.9
"""What `--slow` measured on two shared cores, SymPy 1.14: sympy.diff of the composed loss by each of 45 weights."""

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
    """Seconds with nothing remembered, neither by us nor by SymPy."""
    calculus._contributed_once.cache_clear()
    clear_cache()
    start = time.process_time()
    run()
    return time.process_time() - start


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


def composed_seconds(program: Program) -> float:
    """Seconds of sympy.diff of the whole loss by each weight, the loss written in plain symbols."""
    flat = unroll(program)
    known: dict[str, sympy.Expr] = {
        tensor.name: sympy.Symbol(tensor.name, real=True) for tensor in flat.inputs
    }
    for equation in flat.equations:
        place = {read: known[read.name] for read in equation.value.atoms(Read)}
        known[equation.tensor.name] = equation.value.xreplace(place)
    weights = [known[tensor.name] for tensor in flat.inputs if tensor.name.startswith("W")]
    loss = known[flat.equations[-1].tensor.name]
    start = time.perf_counter()
    for weight in weights:
        sympy.diff(loss, weight)
    return time.perf_counter() - start


def share_of_assumptions(program: Program) -> float:
    """The part of a first `backward` that is spent in sympy/core/assumptions.py and in what it calls.

    Nothing is remembered, neither by us nor by SymPy; the least of some profiles of processor time. The functions of
    that file call each other: the greatest cumulative time is that of all of them.
    """
    return min(_share(lambda: calculus.backward(program)) for _ in range(5))


def _share(run: Callable[[], object]) -> float:
    calculus._contributed_once.cache_clear()
    clear_cache()
    profile = cProfile.Profile(time.process_time)
    profile.runcall(run)
    functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    inside = [
        times[3] for (file, *_), times in functions.items() if file.endswith("sympy/core/assumptions.py")
    ]
    return max(inside) / max(times[3] for times in functions.values())


def clocked(run: Callable[[], object]) -> float:
    """Those of the clock that it takes once."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def zeros(shape: tuple[int, ...]) -> object:
    return [zeros(shape[1:]) for _ in range(shape[0])] if shape else 0.0


EXCESSES: list[float] = [0.0]
"""Each figure over its limit."""


def said(what: str, figure: float, limit: str, excess: float = 0.0) -> None:
    print(f"{what:44} {figure:10.2f}  ({limit})" + ("  MISSED" if excess > 1 else ""))
    EXCESSES.append(excess)


def at_most(what: str, figure: float, limit: float, unit: str = "") -> None:
    said(what, figure, f"at most {limit:g}{unit}", figure / limit)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slack", type=float, default=1.0)
    parser.add_argument("--slow", action="store_true")
    asked = parser.parse_args()
    deep = program(*DEEP, bias="none")
    found = least(
        {
            "2-2-1": program(2, 2, 1),
            "784-30-10, 10 samples": program(784, 30, 10, samples=10),
            "one layer of 3": program(3, 3, samples=2),
            "50 layers of 3": program(*[3] * 51, samples=2),
            "8 layers, 45 weights": deep,
        }
    )
    for name, seconds in found.items():
        print(f"backward of {name:32} {1000 * seconds:10.1f} ms")
    at_most("784-30-10 against 2-2-1", found["784-30-10, 10 samples"] / found["2-2-1"], 1.5)
    at_most("50 equal layers against one", found["50 layers of 3"] / found["one layer of 3"], 5)
    at_most("first call against the import of SymPy", process(FIRST_CALL) / process(IMPORT), 0.2)
    composed = composed_seconds(deep) if asked.slow else COMPOSED_SECONDS
    times = composed / found["8 layers, 45 weights"]
    said("sympy.diff of 8 layers against backward", times, "at least 1000", 1000 / times)
    wide = program(784, 30, 10)
    at_most("share of SymPy's assumptions", share_of_assumptions(wide), 0.2)
    large = calculus.backward(program(784, 30, 10, samples=10)).program
    inputs = {tensor.name: zeros(tuple(int(extent) for extent in tensor.shape)) for tensor in large.inputs}
    at_most("784-30-10, 10 samples, as arrays", clocked(lambda: evaluate_arrays(large, inputs)), 3, " s")
    said("the same element by element", clocked(lambda: evaluate(large, inputs, double())), "no limit")
    return 1 if max(EXCESSES) > asked.slack else 0


if __name__ == "__main__":
    sys.exit(main())
