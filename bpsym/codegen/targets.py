"""The targets that trainers are generated for: one record each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpsym.codegen.numpy_target import NumpyTarget
from bpsym.codegen.python_target import PythonTarget


@dataclass(frozen=True)
class Target:
    """writer: (example, names, citations) -> an object whose data(command) fills the template."""

    name: str
    template: str
    writer: Callable[..., Any]


TARGETS = {
    record.name: record
    for record in (
        Target("python", "python.py.jinja", PythonTarget),
        Target("numpy", "numpy.py.jinja", NumpyTarget),
    )
}
