"""Reading example files."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

from bpsym import resources
from bpsym.examples.example import Example


def load(name_or_path, known):  # type: ignore
    path = resources.place(f"examples/presets/{name_or_path}.toml")
    if not path.is_file():
        path = Path(name_or_path)
    return Example(**tomllib.loads(path.read_text(), parse_float=Decimal))
