"""Where the nodes of a network stand in its picture, and what is written on its edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bpsym.derivation.forms import Element, Picture
from bpsym.typeset.phrases import Phrases

ACROSS, DOWN = 3.4, 1.9
"""Centimetres between layers and between nodes."""

_POSITION = "0.28"
"""Where labels stand on an edge: near its start, where crossing edges are still apart."""


def picture(
    block: Picture, phrases: Phrases, node: Callable[[Element], str], tex: Callable[[Any], str]
) -> dict[str, Any]:
    """The data of the picture's template: nodes, edges, arrows in and out, and the layers' names."""
    tallest = max(len(layer) for layer in block.nodes)
    nodes = [
        {
            "name": f"n{layer}-{unit}",
            "x": _cm(layer * ACROSS),
            "y": _cm(_height(unit, len(units))),
            "text": node(one),
        }
        for layer, units in enumerate(block.nodes)
        for unit, one in enumerate(units)
    ]
    edges = [
        {"start": f"n{layer}-{start}", "end": f"n{layer + 1}-{end}", "text": tex(weight), "pos": _POSITION}
        for layer, rows in enumerate(block.edges)
        for end, row in enumerate(rows)
        for start, weight in enumerate(row)
    ]
    last = len(block.nodes) - 1
    return {
        "nodes": nodes,
        "edges": edges,
        "inputs": [{"node": f"n0-{unit}", "text": tex(one)} for unit, one in enumerate(block.nodes[0])],
        "outputs": [
            {"node": f"n{last}-{unit}", "text": tex(one)} for unit, one in enumerate(block.nodes[-1])
        ],
        "captions": [
            {
                "x": _cm(layer * ACROSS),
                "y": _cm(-(tallest / 2) * DOWN - 0.1),
                "text": _caption(layer, last, phrases),
            }
            for layer in range(last + 1)
        ],
    }


def _height(unit: int, count: int) -> float:
    return ((count - 1) / 2 - unit) * DOWN


def _cm(value: float) -> str:
    return f"{value:.2f}"


def _caption(layer: int, last: int, phrases: Phrases) -> str:
    if layer == 0:
        return phrases.get("layers", "input")
    if layer == last:
        return phrases.get("layers", "output")
    return phrases.get("layers", "hidden" if last == 2 else "hidden_many", layer=str(layer))
