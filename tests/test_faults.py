"""Planted faults: each is put into a copy of the project, where a named test must then fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.running import PATIENCE, ROOT, environment


@dataclass(frozen=True)
class Fault:
    """In `file`, `right` (which stands there once) is replaced by `wrong`; `test` must fail then."""

    name: str
    file: str
    right: str
    wrong: str
    test: str


FAULTS = (
    Fault(
        "a sign",
        "bpsym/network/optimizers.py",
        'value="p - eta * g"',
        'value="p + eta * g"',
        "tests/test_activations.py::test_gradient_descent_goes_against_the_gradient",
    ),
    Fault(
        "a missing f'",
        "bpsym/calculus/backward.py",
        "term = (upstream * one.slope).xreplace(apart)",
        "term = upstream.xreplace(apart)",
        "tests/test_calculus.py::test_the_gradients_equal_those_of_the_composed_loss",
    ),
    Fault(
        "a transposed index",
        "bpsym/calculus/backward.py",
        "place = dict(zip(at, places, strict=True))",
        "place = dict(zip(at, reversed(places), strict=True))",
        "tests/test_calculus.py::test_a_dense_layer_gives_the_four_equations_of_backpropagation",
    ),
    Fault(
        "a forgotten path",
        "bpsym/calculus/backward.py",
        "terms[one.read.name].append(term)",
        "terms[one.read.name][:] = [term]",
        "tests/test_calculus.py::test_every_path_to_a_tied_weight_is_summed",
    ),
    Fault(
        "a lost parenthesis",
        "bpsym/typeset/mathematics.py",
        "if not isinstance(form, kinds) and not self._is_negative(form):",
        "if not self._is_negative(form):",
        "tests/test_numeric_lines.py::test_a_fresh_derivation_recomputes_too",
    ),
)


@pytest.fixture(scope="module", name="copy")
def _copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without its history, in a folder where it may be broken."""
    copy = tmp_path_factory.mktemp("planted") / "project"
    ignored = shutil.ignore_patterns(".git", "__pycache__", ".*_cache", "*.egg-info", "dist")
    shutil.copytree(ROOT, copy, ignore=ignored)
    return copy


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_turns_its_test_red(fault: Fault, copy: Path) -> None:
    path = copy / fault.file
    text = path.read_text(encoding="utf-8")
    assert text.count(fault.right) == 1, "the line that is broken stands there no more"
    path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", fault.test],
            cwd=copy,
            env=environment(PYTHONPATH=str(copy), PYTEST_ADDOPTS="", PYTHONDONTWRITEBYTECODE="1"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            text=True,
            check=False,
        )
    finally:
        path.write_text(text, encoding="utf-8")
    assert run.returncode == 1, run.stdout[-2000:]  # 1: tests failed; 2 and above would be no test at all
