"""Pictures of networks: nothing in them covers anything else, and they are no wider than the text."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations, pairwise, product
from math import hypot
from typing import Any

import pytest

import bpsym
from bpsym.typeset.phrases import load_phrases
from bpsym.typeset.picture import picture

HEIGHT, WIDTH = 0.46, 0.64
r"""Centimetres that TeX gives to $w^{(1)}_{11}$ in \small at 11 pt: 18.16 pt, 10.44 pt and 2.67 pt below the line."""

CAPTIONS = {
    "input layer": 1.67,
    "output layer": 1.89,
    "hidden layer": 1.89,
    "hidden": 1.03,
    "output": 1.03,
    "input": 0.82,
    "layer 1": 1.03,
}
"""Centimetres that TeX gives to words, so measured; a line of `hidden layer 1` is 2.18."""

TEXT = 360 / 28.45
"""Centimetres that a line of a plain article has, at 11 pt on A4."""

Point = complex
SHAPES = [
    tuple((before, after)[place % 2] for place in range(layers))
    for before, after in product(range(1, 7), repeat=2)
    for layers in (2, 3, 4, 5, 6)
]
DEEP = [(2,) * 9, (1,) * 11, (3, 1) * 5]
MIXED = [(2, 4, 4, 4, 2), (3, 5, 5, 5, 5, 3), (6, 1, 2, 6, 3), (1, 2, 3, 4, 5, 6)]


@cache
def drawn(shape: tuple[int, ...], lang: str = "en") -> dict[str, Any]:
    """The picture of these layers, in the standard notation's names."""

    def name(element: Any) -> str:
        letter, layer, unit = element
        return rf"{letter}^{{({layer})}}_{{{unit}}}" if layer else f"x_{unit}"

    nodes = tuple(tuple(("a", layer, unit + 1) for unit in range(units)) for layer, units in enumerate(shape))
    edges = tuple(
        tuple(
            tuple(("w", layer, f"{to}{start}") for start in range(1, before + 1))
            for to in range(1, after + 1)
        )
        for layer, (before, after) in enumerate(pairwise(shape), start=1)
    )
    block: Any = type("Block", (), {"nodes": nodes, "edges": edges})
    return picture(block, load_phrases(lang, "standard"), name, name)


def placed(data: dict[str, Any]) -> dict[str, Point]:
    return {one["name"]: complex(float(one["x"]), float(one["y"])) for one in data["nodes"]}


def label_boxes(data: dict[str, Any]) -> dict[int, tuple[Point, ...]]:
    """The corners of each label, as TikZ sets a sloped node above or below its edge, by the edge's number."""
    nodes, found = placed(data), {}
    radius = float(data["size"]) / 2
    for number, edge in enumerate(data["edges"]):
        written = re.search(r"pos=([\d.]+), sloped, (above|below), inner sep=([\d.]+)cm", edge["label"])
        if written:
            start, end = nodes[edge["start"]], nodes[edge["end"]]
            along = (end - start) / abs(end - start)
            start, end = start + radius * along, end - radius * along  # TikZ counts from border to border
            side = 1 if written[2] == "above" else -1
            off = side * 1j * along * (float(written[3]) + HEIGHT / 2)
            middle = start + float(written[1]) * (end - start) + off
            found[number] = tuple(
                middle + along * (x * WIDTH / 2 + y * 1j * HEIGHT / 2)
                for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
            )
    return found


def apart(one: tuple[Point, ...], other: tuple[Point, ...]) -> bool:
    """Whether a line along a side of one of two convex figures has them on its two sides."""
    for figure in (one, other):
        for a, b in zip(figure, (*figure[1:], figure[0]), strict=True):
            normal = (b - a) * 1j
            first, second = (
                [(point * normal.conjugate()).real for point in points] for points in (one, other)
            )
            if max(first) < min(second) or max(second) < min(first):
                return True
    return False


def circle(middle: Point, radius: float) -> tuple[Point, ...]:
    """A polygon around it."""
    return tuple(middle + radius * 1.02 * complex(*at) for at in _COMPASS)


_COMPASS = [(x / hypot(x, y), y / hypot(x, y)) for x, y in (
    (1, 0), (2, 1), (1, 1), (1, 2), (0, 1), (-1, 2), (-1, 1), (-2, 1),
    (-1, 0), (-2, -1), (-1, -1), (-1, -2), (0, -1), (1, -2), (1, -1), (2, -1),
)]  # fmt: skip


@pytest.mark.parametrize("shape", [*SHAPES, *MIXED, *DEEP], ids=lambda shape: "-".join(map(str, shape)))
def test_no_label_of_a_picture_covers_another_an_edge_or_a_node(shape: tuple[int, ...]) -> None:
    data = drawn(shape)
    nodes, boxes = placed(data), label_boxes(data)
    assert len(boxes) >= len(shape) - 1, "an edge between any two layers has a label"
    for one, other in combinations(boxes.values(), 2):
        assert apart(one, other)
    for number, box in boxes.items():
        for place, edge in enumerate(data["edges"]):
            if place != number:
                assert apart(box, (nodes[edge["start"]], nodes[edge["end"]]))
        for middle in nodes.values():
            assert apart(box, circle(middle, float(data["size"]) / 2))


@pytest.mark.parametrize("shape", [*SHAPES, *MIXED, *DEEP], ids=lambda shape: "-".join(map(str, shape)))
def test_captions_of_a_picture_stand_apart_and_below_everything(shape: tuple[int, ...]) -> None:
    data = drawn(shape)
    spans = []
    for caption in data["captions"]:
        wide = max(
            CAPTIONS.get(re.sub(r"\d+", "1", line.strip()), 2.18) for line in caption["text"].split(r"\\")
        )
        spans.append((float(caption["x"]) - wide / 2, float(caption["x"]) + wide / 2))
    assert all(left[1] < right[0] - 0.1 for left, right in pairwise(spans))
    corners = [corner.imag for box in label_boxes(data).values() for corner in box]
    lowest = min(corners + [point.imag - float(data["size"]) / 2 for point in placed(data).values()])
    assert all(float(caption["y"]) < lowest for caption in data["captions"])


@pytest.mark.parametrize("shape", [*MIXED, *DEEP], ids=lambda shape: "-".join(map(str, shape)))
def test_a_picture_is_no_wider_than_the_text(shape: tuple[int, ...]) -> None:
    data = drawn(shape)
    scale = float((re.search(r"scale=([\d.]+)", data["scaled"]) or [0, 1])[1])
    xs = [point.real for point in placed(data).values()]
    assert scale * (max(xs) - min(xs) + float(data["size"]) + 2 * data["arrow_length"]) < TEXT
    assert scale > 0.45


def test_few_edges_all_have_their_labels_and_of_many_the_outermost() -> None:
    assert len(label_boxes(drawn((2, 2, 2, 2, 1)))) == 4 + 4 + 4 + 2
    assert set(label_boxes(drawn((4, 4)))) == {0, 15}


def test_an_arrow_says_nothing_that_its_node_says() -> None:
    """In the standard notation a node has its output's name; in the blog's, its number."""
    network = bpsym.Network(inputs=1, layers=[bpsym.Dense(units=1, bias="none")])
    arrow = r"\+\+\(-?1\.1, 0\)"
    for notation, count in (("standard", 0), ("blog", 2)):
        text = bpsym.derive(bpsym.Example(network=network, notation=notation)).to_latex()
        assert len(re.findall(arrow, text)) == 2
        assert len(re.findall(rf"{arrow} node", text)) == count
