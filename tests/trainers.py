"""Trainers of networks that are written in a line, without their derivation."""

from __future__ import annotations

from typing import Any

import bpsym
from bpsym.codegen.module import imported, source
from bpsym.notation.names import Names


def source_of(network: bpsym.Network, target: str, notation: str = "blog") -> str:
    """The trainer's source; it cites nothing."""
    example = bpsym.Example(notation=notation, network=network)
    return source(example, target, Names.of(notation, network), {}, "a test")


def trainer_of(network: bpsym.Network, target: str, notation: str = "blog") -> Any:
    return imported(source_of(network, target, notation), f"trainer_{target}")
