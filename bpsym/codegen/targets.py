"""The targets that trainers are generated for: one record each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Writer = Callable[..., Any]
"""(example, names, citations) -> an object whose data(command) fills the template."""


@dataclass(frozen=True)
class Target:
    """load: imports the writer, when it is first needed; a derivation lists one trainer and waits for no other."""

    name: str
    template: str
    load: Callable[[], Writer]

    @property
    def writer(self) -> Writer:
        return self.load()


def _python() -> Writer:
    from bpsym.codegen.python_target import PythonTarget

    return PythonTarget


def _numpy() -> Writer:
    from bpsym.codegen.numpy_target import NumpyTarget

    return NumpyTarget


TARGETS = {
    record.name: record
    for record in (
        Target("python", "python.py.jinja", _python),
        Target("numpy", "numpy.py.jinja", _numpy),
    )
}
