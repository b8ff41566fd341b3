"""How long a user waits: `derive --latex` as a whole process, against `python -c "import sympy"`.

Rounds are interleaved and the fastest of each command counts, so that what else the machine does matters little.
All modules are compiled once, before, as `pip install` leaves them:

    python tests/benchmarks/startup.py [--rounds N] [--limit RATIO]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MEASURE = "import sympy"

COMMANDS = {
    "python -c 'import sympy'": ["-c", MEASURE],
    "python -c 'pass'": ["-c", "pass"],
    "bpsym --help": ["-m", "bpsym", "--help"],
    "bpsym derive --latex": ["-m", "bpsym", "derive", "--latex"],
    "bpsym derive --latex --lang zh": ["-m", "bpsym", "derive", "--latex", "--lang", "zh"],
}
LIMITED = "bpsym derive --latex"


def seconds(arguments: list[str], compiled: str) -> float:
    """The time of one whole process; compiled: the folder for its bytecode."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def fastest(rounds: int) -> dict[str, float]:
    """The least time of each command, over interleaved rounds; a first round compiles, and warms the disk."""
    with tempfile.TemporaryDirectory() as compiled:

        def each() -> dict[str, float]:
            return {name: seconds(arguments, compiled) for name, arguments in COMMANDS.items()}

        each()
        times = [each() for _ in range(rounds)]
    return {name: min(each[name] for each in times) for name in COMMANDS}


def main() -> int:
    """Print the ratios; 1 where a derivation takes more than `--limit` times the import of SymPy."""
    parser = argparse.ArgumentParser(description="Time of a derivation against the import of SymPy.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--limit", type=float, default=float("inf"))
    options = parser.parse_args()

    least = fastest(options.rounds)
    unit = least["python -c 'import sympy'"]
    for name, time_taken in least.items():
        print(f"{name:32} {time_taken * 1000:7.0f} ms {time_taken / unit:6.2f}")
    return int(least[LIMITED] / unit > options.limit)


if __name__ == "__main__":
    sys.exit(main())
