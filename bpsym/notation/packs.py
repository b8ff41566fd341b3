"""Notation packs: data files with names and conventions."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from bpsym import resources
from bpsym.errors import UsageError, did_you_mean

FOLDER = "notation/packs"
SYMBOLS = "notation/symbols.toml"


@dataclass(frozen=True)
class Pack:
    """One notation: how each kind of quantity is written, as an element and as a layer, in print and in code.

    symbols: what numbers and states are called in print, by their own names.
    """

    name: str
    conventions: Mapping[str, str]
    function: Mapping[str, str]
    latex: Mapping[str, str]
    layers: Mapping[str, str]
    code: Mapping[str, str]
    code_layers: Mapping[str, str]
    symbols: Mapping[str, str]


_WORDS: Mapping[str, dict[str, str]] = {
    "code": {
        "maximum": "top<layer>",
        "shifted": "shifted<layer>_<node>",
        "exponential": "e<layer>_<node>",
        "total": "total<layer>",
    },
    "code_layers": {"shifted": "shifted<layer>", "exponential": "e<layer>"},
}
"""What a softmax is computed from, in code, where a pack says nothing else."""


def pack_names() -> tuple[str, ...]:
    return resources.names(FOLDER, ".toml")


@cache
def load_pack(name: str) -> Pack:
    """The pack of this name; UsageError names the nearest one where there is none."""
    if name not in pack_names():
        raise UsageError(f"unknown notation {name!r}{did_you_mean(name, pack_names())}")
    table = tomllib.loads(resources.text(f"{FOLDER}/{name}.toml"))
    parts = {
        key: _WORDS.get(key, {}) | table[key]
        for key in ("conventions", "function", "latex", "layers", "code", "code_layers")
    }
    symbols = tomllib.loads(resources.text(SYMBOLS)) | table.get("symbols", {})
    return Pack(name=name, symbols=symbols, **parts)
