"""Where the nodes of a network stand in its picture, and what is written on its edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bpsym.derivation.forms import Element, Picture
from bpsym.typeset.phrases import Phrases

ACROSS, DOWN = 3.4, 1.9
"""Centimetres between layers and between nodes, where there are few."""

WIDEST, TALLEST = 8.2, 13.0
"""Centimetres that a picture may have."""

MOST_LABELS = 6
"""With more edges than this between two layers, weights are not written on them."""

_POSITION = "0.28"
"""Where labels stand on an edge: near its start, where crossing edges are still apart."""


def picture(
    block: Picture, phrases: Phrases, node: Callable[[Element], str], tex: Callable[[Any], str]
) -> dict[str, Any]:
    """The data of the picture's template: nodes, edges, arrows in and out, and the layers' names."""
    tallest, last = max(map(len, block.nodes)), len(block.nodes) - 1
    across, down = min(ACROSS, WIDEST / last), min(DOWN, TALLEST / tallest)
    nodes = [
        {
            "name": f"n{layer}-{unit}",
            "x": _cm(layer * across),
            "y": _cm(_height(unit, len(units)) * down),
            "text": node(one),
        }
        for layer, units in enumerate(block.nodes)
        for unit, one in enumerate(units)
    ]
    return {
        "size": _cm(min(0.8, 0.85 * down)),
        "nodes": nodes,
        "edges": [edge for layer, rows in enumerate(block.edges) for edge in _edges(layer, rows, tex)],
        "inputs": [{"node": f"n0-{unit}", "text": tex(one)} for unit, one in enumerate(block.nodes[0])],
        "outputs": [
            {"node": f"n{last}-{unit}", "text": tex(one)} for unit, one in enumerate(block.nodes[-1])
        ],
        "captions": [
            {
                "x": _cm(layer * across),
                "y": _cm(-(tallest / 2) * down - 0.1),
                "text": _caption(layer, last, phrases),
            }
            for layer in range(last + 1)
        ],
    }


def _edges(
    layer: int, rows: tuple[tuple[Element, ...], ...], tex: Callable[[Any], str]
) -> list[dict[str, str]]:
    labelled = len(rows) * len(rows[0]) <= MOST_LABELS
    return [
        {
            "start": f"n{layer}-{start}",
            "end": f"n{layer + 1}-{end}",
            "label": f" node[pos={_POSITION}, sloped, above] {{${tex(weight)}$}}" if labelled else "",
        }
        for end, row in enumerate(rows)
        for start, weight in enumerate(row)
    ]


def _height(unit: int, count: int) -> float:
    """Above the middle, in distances between nodes."""
    return (count - 1) / 2 - unit


def _cm(value: float) -> str:
    return f"{value:.2f}"


def _caption(layer: int, last: int, phrases: Phrases) -> str:
    if layer == 0:
        return phrases.get("layers", "input")
    if layer == last:
        return phrases.get("layers", "output")
    return phrases.get("layers", "hidden" if last == 2 else "hidden_many", layer=str(layer))
