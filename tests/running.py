"""The real command line, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "bpsym"]
PATIENCE = 300


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, in which this checkout's bpsym is imported from any folder."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | changes


def bpsym(*arguments: str, cwd: Path = ROOT, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """`python -m bpsym` with these arguments, in this folder; changes: environment variables."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
