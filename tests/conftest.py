"""What every test may count on: hypothesis draws the same each time, and what is not installed is said."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "fresh", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("brief", settings.get_profile("steady"), phases=[Phase.generate])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fresh",
        action="store_true",
        help="let hypothesis draw new cases (they are the same ones otherwise)",
    )
    parser.addoption(
        "--brief",
        action="store_true",
        help="let hypothesis fail with the first case that it meets, not the smallest",
    )


def pytest_configure(config: pytest.Config) -> None:
    chosen = [name for name in ("fresh", "brief") if config.getoption(f"--{name}")]
    settings.load_profile(*(chosen or ["steady"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != "test_tiny.py")  # the whole system in a second, first


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program that is not here; where CI=true, nothing may be skipped."""
    for marker, missing in NEEDS.items():
        if item.get_closest_marker(marker) and (reason := missing()):
            refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            refuse(reason)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where CI=true, a run in which anything was skipped has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@cache
def _without_latex() -> str:
    return _without_programs("latexmk", "pdflatex") or _without_package("tikz.sty", "texlive-pictures")


@cache
def _without_xelatex() -> str:
    return _without_programs("latexmk", "xelatex") or _without_package("ctexart.cls", "texlive-lang-chinese")


@cache
def _without_pdftoppm() -> str:
    return _without_programs("pdftoppm")


@cache
def _without_katex() -> str:
    if without := _without_programs("node"):
        return without
    asked = subprocess.run(["node", "-e", "require('katex')"], capture_output=True, check=False)
    return "node finds no package katex (npm install katex, NODE_PATH)" if asked.returncode else ""


@cache
def _without_torch() -> str:
    return "" if importlib.util.find_spec("torch") else 'PyTorch is not installed (pip install -e ".[torch]")'


def _without_programs(*names: str) -> str:
    return ", ".join(f"{name} is not installed" for name in names if shutil.which(name) is None)


def _without_package(file: str, package: str) -> str:
    found = subprocess.run(["kpsewhich", file], capture_output=True, check=False).stdout
    return "" if found.strip() else f"TeX lacks {file} ({package})"


NEEDS = {
    "latex": _without_latex,
    "xelatex": _without_xelatex,
    "pdftoppm": _without_pdftoppm,
    "katex": _without_katex,
    "torch": _without_torch,
}
