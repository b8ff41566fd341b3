"""Vectors and matrices of numbers, as far as they are small enough to be read."""

from __future__ import annotations

from collections.abc import Iterable

from bpsym.calculus.equations import Tensor
from bpsym.calculus.evaluate import Values
from bpsym.derivation.forms import Block, Element, Numerals, Remark
from bpsym.derivation.setting import Setting


def numerals(setting: Setting, tensors: Iterable[Tensor], values: Values | None = None) -> list[Block]:
    """The numbers of these tensors where there are any; of those too large, their shapes in words."""
    known = [tensor for tensor in tensors if _has_numbers(setting, tensor, values)]
    small = [tensor for tensor in known if setting.is_small(tensor)]
    blocks: list[Block] = []
    if small:
        rows = tuple((_left(setting, tensor), setting.amounts(tensor, values)) for tensor in small)
        blocks.append(Numerals(rows))
    for tensor in known:
        if tensor not in small:
            height, width = setting.shape(tensor)
            kind = "vector" if width == 1 else "row" if height == 1 else "matrix"
            terms = {"symbol": setting.layer(tensor), "rows": height, "columns": width}
            blocks.append(Remark(f"too_large_{kind}", terms))
    return blocks


def _has_numbers(setting: Setting, tensor: Tensor, values: Values | None) -> bool:
    return setting.amount(setting.elements(tensor)[0], values) is not None


def _left(setting: Setting, tensor: Tensor) -> object:
    """A letter for the whole; of a single number, its own name."""
    elements = setting.elements(tensor)
    return Element(elements[0]) if len(elements) == 1 else setting.layer(tensor)
