"""Backpropagation of your network, derived symbolically; trainers generated from the same equations.

    example = bpsym.load("blog")
    print(bpsym.derive(example).to_latex())
    trainer = bpsym.trainer(example, target="numpy")

The names are handed on when they are first asked for: `import bpsym` alone imports nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpsym.api import Document, derive, generate, load, trainer
    from bpsym.errors import BpsymError, InputError, MissingProgramError, OutputError, UsageError
    from bpsym.examples.data import Data
    from bpsym.examples.example import DerivationOptions, Example, Training
    from bpsym.network.description import Dense, Network

__version__ = "0.1.0"

__all__ = [
    "BpsymError",
    "Data",
    "Dense",
    "DerivationOptions",
    "Document",
    "Example",
    "InputError",
    "MissingProgramError",
    "Network",
    "OutputError",
    "Training",
    "UsageError",
    "__version__",
    "derive",
    "generate",
    "load",
    "trainer",
]

_HOMES = {
    "bpsym.api": ("Document", "derive", "generate", "load", "trainer"),
    "bpsym.errors": ("BpsymError", "InputError", "MissingProgramError", "OutputError", "UsageError"),
    "bpsym.examples.data": ("Data",),
    "bpsym.examples.example": ("DerivationOptions", "Example", "Training"),
    "bpsym.network.description": ("Dense", "Network"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """The object of this name, from the module where it lives. AttributeError for a name that is not offered."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOME[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
