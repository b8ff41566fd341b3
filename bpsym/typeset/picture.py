"""Where the nodes of a network stand in its picture, and what is written on its edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from bpsym.derivation.forms import Element, Picture
from bpsym.typeset.phrases import Phrases
from bpsym.typeset.pieces import width

ACROSS, DOWN = 3.4, 1.9
"""Centimetres between layers and between nodes, where there are few."""

CLOSEST = 1.9
"""Centimetres between layers, at least: a picture that is too wide with them is drawn smaller as a whole."""

WIDEST, TALLEST = 12.4, 13.0
"""Centimetres that a picture may have: a plain article's text is 12.6 wide."""

MOST_LABELS = 6
"""With more edges than this between two layers, only the outermost have labels; so where more do not fit."""

_POSITIONS = (0.28, 0.72, *(number / 50 for number in range(7, 44)))
"""Where a label may stand on an edge, the best first: near its start, where crossing edges are still apart."""

_ARROW = 1.1
"""Centimetres that an arrow into the network or out of it is long."""

_GAP = 0.1
"""Centimetres between a label and its edge; other edges, labels and nodes keep half as far away at least."""

_SMALL = 10 / 11 / 28.45
"""Centimetres of what is a point wide at 11 pt, in the picture's letters."""

_TALL, _LOW = 0.46, 0.24
"""Centimetres that a label is high with a mark above the line, and without one."""

Edge = tuple[complex, complex]
"""Points are complex numbers: x to the right, y up."""


@dataclass(frozen=True)
class Box:
    """How large a label is, in centimetres."""

    width: float
    height: float


@dataclass(frozen=True)
class Label:
    """Where a label stands: so far along its edge, as a part of what is seen of it, above (1) or below it (-1)."""

    part: float
    side: int = 1


def picture(
    block: Picture, phrases: Phrases, node: Callable[[Element], str], tex: Callable[[Any], str]
) -> dict[str, Any]:
    """The data of the picture's template: nodes, edges, arrows in and out, and the layers' names."""
    tallest, last = max(map(len, block.nodes)), len(block.nodes) - 1
    texts = [[node(one) for one in layer] for layer in block.nodes]
    inputs, outputs = (_beside(block.nodes[layer], texts[layer], tex) for layer in (0, last))
    down = min(DOWN, TALLEST / tallest)
    size = min(0.8, 0.85 * down)
    wide = WIDEST - size - sum(_ARROW + max(map(_width, side)) for side in (inputs, outputs))
    across = max(min(ACROSS, wide / last), CLOSEST)
    places = [
        [complex(layer * across, _height(unit, len(units)) * down) for unit in range(len(units))]
        for layer, units in enumerate(block.nodes)
    ]
    return {
        "scaled": _scaled(wide / (last * across)),
        "size": _cm(size),
        "nodes": [
            {
                "name": f"n{layer}-{unit}",
                "x": _cm(point.real),
                "y": _cm(point.imag),
                "text": texts[layer][unit],
            }
            for layer, points in enumerate(places)
            for unit, point in enumerate(points)
        ],
        "edges": [
            edge
            for layer, rows in enumerate(block.edges)
            for edge in _edges(layer, rows, tex, (places[layer], places[layer + 1]), size / 2)
        ],
        "arrow_length": _ARROW,
        "inputs": [{"node": f"n0-{unit}", "label": _end("left", text)} for unit, text in enumerate(inputs)],
        "outputs": [
            {"node": f"n{last}-{unit}", "label": _end("right", text)} for unit, text in enumerate(outputs)
        ],
        "captions": [
            {"x": _cm(layer * across), "y": _cm(-_height(0, tallest) * down - size / 2 - 0.4), "text": text}
            for layer, text in enumerate(_captions(last, phrases, across))
        ],
    }


def _scaled(part: float) -> str:
    """The options that draw everything so much smaller."""
    return f", scale={part:.2f}, transform shape" if part < 0.995 else ""


def _beside(layer: tuple[Element, ...], texts: list[str], tex: Callable[[Any], str]) -> list[str]:
    """What stands at the arrows into or out of a layer: nothing that its nodes say already."""
    names = [tex(one) for one in layer]
    return [""] * len(names) if names == texts else names


def _end(side: str, text: str) -> str:
    return f" node[{side}] {{${text}$}}" if text else ""


def _width(text: str) -> float:
    """Centimetres that a name takes in the picture's letters, with some room around it."""
    return width(text) * _SMALL + 0.25 if text else 0.0


def _edges(
    layer: int,
    rows: tuple[tuple[Element, ...], ...],
    tex: Callable[[Any], str],
    places: tuple[list[complex], list[complex]],
    radius: float,
) -> list[dict[str, str]]:
    edges = [(start, end, tex(weight)) for end, row in enumerate(rows) for start, weight in enumerate(row)]
    lines = [(places[0][start], places[1][end]) for start, end, _ in edges]
    labels = label_places(Between(lines, [_box(weight) for *_, weight in edges], radius))
    return [
        {
            "start": f"n{layer}-{start}",
            "end": f"n{layer + 1}-{end}",
            "label": _printed(labels[number], weight) if number in labels else "",
        }
        for number, (start, end, weight) in enumerate(edges)
    ]


def _box(label: str) -> Box:
    return Box(width(label) * _SMALL + 0.1, _TALL if "^" in label else _LOW)


def _printed(label: Label, weight: str) -> str:
    side = "above" if label.side > 0 else "below"
    return f" node[pos={label.part:g}, sloped, {side}, inner sep={_GAP:g}cm] {{${weight}$}}"


@dataclass(frozen=True)
class Between:
    """The edges between two layers, the boxes of their labels, and the radius of the nodes at their ends."""

    edges: list[Edge]
    boxes: list[Box]
    radius: float

    def room(self, number: int, labels: Mapping[int, Label]) -> float:
        """From the label of this edge to what is nearest to it, in centimetres: less than 0 inside of it."""
        corners = self.corners(number, labels[number])
        lines = [one for other, one in enumerate(self.edges) if other != number]
        boxes = [self.corners(other, label) for other, label in labels.items() if other != number]
        nodes = {point for edge in self.edges for point in edge}
        free = [_between(corners, one) for one in (*lines, *boxes)]
        free += [_between(corners, (node,)) - self.radius for node in nodes]
        return min(free)

    def fits(self, number: int, labels: Mapping[int, Label]) -> bool:
        return self.room(number, labels) >= _GAP / 2

    def corners(self, number: int, label: Label) -> tuple[complex, ...]:
        """The corners of a label, from the one below the start of its text around it."""
        start, end = self.edges[number]
        length, box = abs(end - start), self.boxes[number]
        along = (end - start) / length
        way = self.radius + label.part * (length - 2 * self.radius)
        middle = start + along * (way + label.side * 1j * (_GAP + box.height / 2))
        return tuple(
            middle + along * complex(x * box.width / 2, y * box.height / 2)
            for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        )


def label_places(between: Between) -> dict[int, Label]:
    """The labels by the numbers of their edges: of all of them, else of the outermost, where they fit."""
    count = len(between.edges)
    if count <= MOST_LABELS:
        found = {number: Label(_POSITIONS[0]) for number in range(count)}
        for _ in range(2):  # the second time, all the others have a place
            for number in found:
                found = _moved(number, found, between)
        if all(between.fits(number, found) for number in found):
            return found
    outermost = {0: Label(0.5), count - 1: Label(0.5, side=-1)} if count > 1 else {0: Label(0.5)}
    return {number: label for number, label in outermost.items() if between.fits(number, outermost)}


def _moved(number: int, labels: dict[int, Label], between: Between) -> dict[int, Label]:
    """The labels with this one at the first place where it fits, else where it has the most room."""
    ways = [labels | {number: Label(part)} for part in _POSITIONS]
    fitting = (way for way in ways if between.fits(number, way))
    return next(fitting, None) or max(ways, key=partial(between.room, number))


def _between(one: tuple[complex, ...], other: tuple[complex, ...]) -> float:
    """The widest strip between two convex figures that runs along a side of one of them; less than 0 without one."""
    return max(_strip(one, other, b - a) for figure in (one, other) for a, b in pairwise(figure))


def _strip(one: tuple[complex, ...], other: tuple[complex, ...], along: complex) -> float:
    across = (1j * along / abs(along)).conjugate()
    first, second = ([(point * across).real for point in figure] for figure in (one, other))
    return max(min(second) - max(first), min(first) - max(second))


def _height(unit: int, count: int) -> float:
    """Above the middle, in distances between nodes."""
    return (count - 1) / 2 - unit


def _cm(value: float) -> str:
    return f"{value:.2f}"


def _captions(last: int, phrases: Phrases, across: float) -> list[str]:
    """The layers' names, all of them in two lines where there is no room for one between two layers."""
    names = [_caption(layer, last, phrases) for layer in range(last + 1)]
    if all(_width(name) <= across for name in names):
        return names
    return [name.replace(" ", r" \\ ", 1) for name in names]


def _caption(layer: int, last: int, phrases: Phrases) -> str:
    if layer == 0:
        return phrases.get("layers", "input")
    if layer == last:
        return phrases.get("layers", "output")
    return phrases.get("layers", "hidden" if last == 2 else "hidden_many", layer=str(layer))
