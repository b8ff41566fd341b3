"""Where the nodes of a network stand in its picture, and what is written on its edges."""

from __future__ import annotations

from collections.abc import Callable
from math import dist, inf
from typing import Any

from bpsym.derivation.forms import Element, Picture
from bpsym.typeset.phrases import Phrases

ACROSS, DOWN = 3.4, 1.9
"""Centimetres between layers and between nodes, where there are few."""

WIDEST, TALLEST = 8.2, 13.0
"""Centimetres that a picture may have."""

MOST_LABELS = 6
"""With more edges than this between two layers, weights are not written on them."""

_POSITIONS = (0.28, 0.72, *(number / 50 for number in range(7, 44)))
"""Where a label may stand on an edge, the best first: near its start, where crossing edges are still apart."""

_ABOVE = 0.2
"""Centimetres from an edge to the middle of its label."""

_FROM_EDGES, _FROM_LABELS = 0.3, 0.55
"""Centimetres from the middle of a label to the other edges, and to the middles of other labels."""

Point = tuple[float, float]
Edge = tuple[Point, Point]


def picture(
    block: Picture, phrases: Phrases, node: Callable[[Element], str], tex: Callable[[Any], str]
) -> dict[str, Any]:
    """The data of the picture's template: nodes, edges, arrows in and out, and the layers' names."""
    tallest, last = max(map(len, block.nodes)), len(block.nodes) - 1
    across, down = min(ACROSS, WIDEST / last), min(DOWN, TALLEST / tallest)
    places = [
        [(layer * across, _height(unit, len(units)) * down) for unit in range(len(units))]
        for layer, units in enumerate(block.nodes)
    ]
    nodes = [
        {"name": f"n{layer}-{unit}", "x": _cm(x), "y": _cm(y), "text": node(block.nodes[layer][unit])}
        for layer, points in enumerate(places)
        for unit, (x, y) in enumerate(points)
    ]
    return {
        "size": _cm(min(0.8, 0.85 * down)),
        "nodes": nodes,
        "edges": [
            edge
            for layer, rows in enumerate(block.edges)
            for edge in _edges(layer, rows, tex, places[layer], places[layer + 1])
        ],
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
    layer: int,
    rows: tuple[tuple[Element, ...], ...],
    tex: Callable[[Any], str],
    starts: list[Point],
    ends: list[Point],
) -> list[dict[str, str]]:
    labelled = len(rows) * len(rows[0]) <= MOST_LABELS
    edges = [(start, end, weight) for end, row in enumerate(rows) for start, weight in enumerate(row)]
    positions = label_positions([(starts[start], ends[end]) for start, end, _ in edges])
    return [
        {
            "start": f"n{layer}-{start}",
            "end": f"n{layer + 1}-{end}",
            "label": f" node[pos={position:g}, sloped, above] {{${tex(weight)}$}}" if labelled else "",
        }
        for (start, end, weight), position in zip(edges, positions, strict=True)
    ]


def label_positions(edges: list[Edge]) -> list[float]:
    """For each edge how far along it its label stands, as a part of its length: apart from edges and other labels."""
    found = [_POSITIONS[0]] * len(edges)
    for _ in range(2):  # the second time, all the others have a place
        for number, edge in enumerate(edges):
            others = [one for one in edges if one != edge]
            labels = [_label(one, part) for one, part in zip(edges, found, strict=True) if one != edge]

            def room(
                part: float, edge: Edge = edge, others: list[Edge] = others, labels: list[Point] = labels
            ) -> float:
                middle = _label(edge, part)
                beside = min((_distance(middle, one) for one in others), default=inf)
                between = min((dist(middle, one) for one in labels), default=inf)
                return min(1.0, beside / _FROM_EDGES, between / _FROM_LABELS)

            found[number] = max(_POSITIONS, key=room)
    return found


def _label(edge: Edge, part: float) -> Point:
    """The middle of a label that stands on the edge, above it."""
    (x, y), (right, top) = edge
    length = dist(*edge)
    across, up = (right - x) / length, (top - y) / length
    return x + part * (right - x) - _ABOVE * up, y + part * (top - y) + _ABOVE * across


def _distance(point: Point, edge: Edge) -> float:
    """From the point to the nearest point of the edge."""
    (x, y), (right, top) = edge
    along = ((point[0] - x) * (right - x) + (point[1] - y) * (top - y)) / dist(*edge) ** 2
    part = min(1.0, max(0.0, along))
    return dist(point, (x + part * (right - x), y + part * (top - y)))


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
