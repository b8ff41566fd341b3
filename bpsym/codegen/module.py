"""A trainer's source, and that source as an imported module."""

from __future__ import annotations

import hashlib
import linecache
import sys
from functools import cache
from importlib.abc import SourceLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import Any

import jinja2

from bpsym import resources
from bpsym.codegen.assignments import Citations
from bpsym.codegen.targets import TARGETS
from bpsym.errors import UsageError, did_you_mean
from bpsym.examples.example import Example
from bpsym.network.activations import activation_of
from bpsym.notation.names import Names

FOLDER = "codegen"


def source(example: Example, target: str, names: Names, citations: Citations, command: str) -> str:
    """The module's text; citations: the number of the equation that defines each element; command: what makes it."""
    if target not in TARGETS:
        raise UsageError(f"unknown target {target!r}{did_you_mean(target, tuple(TARGETS))}")
    _refuse_unspecified(example)
    record = TARGETS[target]
    data: dict[str, Any] = record.writer(example, names, citations).data(command)
    text = _environment().get_template(record.template).render(data)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _refuse_unspecified(example: Example) -> None:
    """UsageError where an activation is any function: a trainer has nothing to compute then."""
    general = [
        str(number)
        for number, layer in enumerate(example.network.layers, start=1)
        if activation_of(layer.activation).is_unspecified
    ]
    if general:
        which = f"layer{'s' if len(general) > 1 else ''} {', '.join(general)}"
        raise UsageError(
            f'a trainer needs an activation that can be computed, but that of {which} is "generic"'
            ' (write activation = "sigmoid", or an expression such as "z / (1 + abs(z))")'
        )


class _Loader(SourceLoader):
    """Loads a module from a text that is in no file."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    def get_data(self, path: str) -> bytes:
        del path
        return self.text.encode()

    def get_filename(self, fullname: str) -> str:
        del fullname
        return self.file


def imported(text: str, name: str) -> ModuleType:
    """The source as a module, of which inspect.getsource and tracebacks know the lines."""
    full = f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if full in sys.modules:
        return sys.modules[full]
    file = f"<{full}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    loader = _Loader(text, file)
    spec = spec_from_loader(full, loader)
    if spec is None:
        raise ImportError(f"{full} cannot be loaded")
    module = module_from_spec(spec)
    sys.modules[full] = module
    loader.exec_module(module)
    return module


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.template_folder() / FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (Python is no HTML)
    )
