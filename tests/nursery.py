"""A process that has imported what is slow to import, and runs each test in a child of its own.

    python -m tests.nursery      in the folder whose tests are run; one test's id a line in, one line of JSON out

A child starts in milliseconds with SymPy and pytest loaded, but with nothing of the project: it imports that itself.
"""

from __future__ import annotations

import json
import os
import sys
from tempfile import TemporaryFile


def main() -> None:
    import hypothesis.strategies  # noqa: F401
    import mpmath  # noqa: F401
    import numpy as np  # noqa: F401
    import pytest  # noqa: F401
    import sympy  # noqa: F401

    own = sorted(name for name in sys.modules if name.startswith(("bpsym", "tests.")))
    assert not own, f"imported already: {own}"
    for line in sys.stdin:
        sys.stdout.write(json.dumps(outcome(line.rstrip("\n"))) + "\n")
        sys.stdout.flush()


_OPTIONS = ["-x", "-q", "--brief", "-p", "no:cacheprovider", "-p", "no:xdist"]
_OPTIONS += [
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]  # hypothesis is imported before pytest can rewrite it


def outcome(test: str) -> dict[str, object]:
    """What pytest returns for the test, and the end of what it says."""
    with TemporaryFile("w+", encoding="utf-8") as said:
        child = os.fork()
        if child == 0:
            os._exit(run(test, said.fileno()))
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return {"code": os.waitstatus_to_exitcode(status), "said": said.read()[-2000:]}


def run(test: str, output: int) -> int:
    import pytest

    os.dup2(output, 1)
    os.dup2(output, 2)
    code = int(pytest.main([*_OPTIONS, test]))
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    main()
