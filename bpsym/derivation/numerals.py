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
    large = [tensor for tensor in known if tensor not in small]
    if len(large) == 1:
        blocks.append(_size(setting, "too_large", large[0]))
    elif large:
        blocks.append(Remark("too_large", {"arrays": tuple(_size(setting, "size", one) for one in large)}))
    return blocks


def without_number(setting: Setting, tensors: list[Tensor]) -> list[Tensor]:
    """Those whose equation with indices is not one of a single number, which it has beside it."""
    return [one for one in tensors if setting.amount(setting.general(one)) is None]


def _size(setting: Setting, key: str, tensor: Tensor) -> Remark:
    """What is said of the tensor's size."""
    height, width = setting.shape(tensor)
    kind = "vector" if width == 1 else "row" if height == 1 else "matrix"
    return Remark(f"{key}_{kind}", {"symbol": setting.layer(tensor), "rows": height, "columns": width})


def _has_numbers(setting: Setting, tensor: Tensor, values: Values | None) -> bool:
    return setting.amount(setting.elements(tensor)[0], values) is not None


def _left(setting: Setting, tensor: Tensor) -> object:
    """A letter for the whole; of a single number, its own name."""
    elements = setting.elements(tensor)
    return Element(elements[0]) if len(elements) == 1 else setting.layer(tensor)
