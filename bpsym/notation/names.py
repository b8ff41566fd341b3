"""The names of one network's quantities in one notation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bpsym.calculus.equations import Tensor
from bpsym.network import roles
from bpsym.network.description import Network
from bpsym.network.roles import Role
from bpsym.notation.packs import Pack, load_pack

At = tuple[int, ...]
"""The position of an element: unit numbers from 0, the samples' axis left out; () for the whole tensor."""

_ERROR_TERM = "error_term"


@dataclass(frozen=True)
class Names:
    """pack: the notation; widths: units of each layer, the inputs first; activations: name of each layer's."""

    pack: Pack
    widths: tuple[int, ...]
    activations: tuple[str, ...]

    @classmethod
    def of(cls, notation: str, network: Network) -> Names:
        widths = (network.inputs, *(layer.units for layer in network.layers))
        return cls(load_pack(notation), widths, tuple(layer.activation for layer in network.layers))

    def node(self, layer: int, unit: int) -> int:
        """The number that the unit (from 0) of the layer bears."""
        if self.pack.conventions["nodes"] == "layer":
            return unit + 1
        return sum(self.widths[:layer]) + unit + 1

    @property
    def _wide(self) -> bool:
        """Whether some node has a number of two digits."""
        last = (self.node(layer, width - 1) for layer, width in enumerate(self.widths))
        return max(last) > 9

    def latex(self, tensor: Tensor, at: At = (), sample: int | None = None) -> str:
        """An element's name in a formula; `sample` counts from 0, None where there is only one."""
        kind = _kind(tensor)
        if kind is None:
            inner = self.latex(_base(tensor), at, sample)
            return rf"\frac{{\partial {self.pack.latex['loss']}}}{{\partial {inner}}}"
        pattern = self.pack.latex[self._element_key(kind, tensor)]
        return self._filled(pattern, tensor, at, sample, lambda one: self.latex(one, at, sample))

    def layer(self, tensor: Tensor, sample: int | None = None) -> str:
        """The name of the whole vector or matrix in a formula."""
        kind = _kind(tensor)
        if kind is None:
            inner = self.layer(_base(tensor), sample)
            return rf"\frac{{\partial {self.pack.latex['loss']}}}{{\partial {inner}}}"
        table = (
            self.pack.layers
            if kind in self.pack.layers and tensor.role.axes[-1:] != (None,)
            else self.pack.latex
        )
        if kind == roles.BIASES and not tensor.role.axes:
            table, kind = self.pack.latex, "shared_bias"
        return self._filled(table[kind], tensor, (), sample, lambda one: self.layer(one, sample))

    def code(self, tensor: Tensor, at: At = ()) -> str:
        """An identifier for an element, or with `at` = () for the whole tensor."""
        kind = _kind(tensor)
        if kind is None:
            return f"d{self.code(_base(tensor), at)}"
        whole = not at and any(axis is not None for axis in tensor.role.axes)
        known = whole and kind in self.pack.code_layers
        pattern = self.pack.code_layers[kind] if known else self.pack.code[self._element_key(kind, tensor)]
        return self._filled(pattern, tensor, at, None, lambda one: self.code(one, at))

    def function(self, layer: int) -> str:
        """The activation of a layer in a formula."""
        if len(set(self.activations)) == 1:
            return self.pack.function["default"]
        return self._put(self.pack.function["several"], {"layer": str(layer)})

    def _element_key(self, kind: str, tensor: Tensor) -> str:
        if kind == roles.TARGET and self.widths[-1] == 1:
            return "only_target"
        return "shared_bias" if kind == roles.BIASES and not tensor.role.axes else kind

    def _filled(
        self, pattern: str, tensor: Tensor, at: At, sample: int | None, inner: Callable[[Tensor], str]
    ) -> str:
        """The pattern with the tensor's words; inner: the name of the parameter that it belongs to."""
        role = tensor.role
        layers = [axis for axis in role.axes if axis is not None]
        numbers = [str(self.node(layer, unit)) for layer, unit in zip(layers, at, strict=False)]
        wide = any(len(number) > 1 for number in numbers)
        return self._put(
            pattern,
            {
                "to": numbers[0] if numbers else "",
                "from": numbers[1] if len(numbers) > 1 else "",
                "node": numbers[0] if numbers else "",
                "layer": str(role.layer),
                "matrix": str(role.layer - 1),
                "comma": "," if wide else "",
                "underscore": "_" if self._wide else "",
                "mark": self._mark(sample),
                "input_mark": "" if sample is None else f"^{{[{sample + 1}]}}",
                "name": role.name,
                "NAME": role.name.upper(),
                "symbol": self.pack.symbols.get(role.name, _upright(role.name)),
                "parameter": inner(_parameter(tensor)) if role.of else "",
            },
        )

    def _mark(self, sample: int | None) -> str:
        return "" if sample is None else self._put(self.pack.conventions["mark"], {"sample": str(sample + 1)})

    def _put(self, pattern: str, words: dict[str, str]) -> str:
        filled = re.sub(r"<(\w+)>", lambda match: words[match[1]], pattern)
        return re.sub(r"(?<=[_^])\{(\w)\}", r"\1", filled)


def _kind(tensor: Tensor) -> str | None:
    """The kind under which packs list the tensor; None for a derivative that has no name of its own."""
    if tensor.is_adjoint:
        return _ERROR_TERM if tensor.role.kind == roles.PRE_ACTIVATION else None
    return str(tensor.role.kind)


def _parameter(tensor: Tensor) -> Tensor:
    """The parameter that a state, or a clipped gradient, belongs to."""
    role = tensor.role
    return Tensor("", tensor.indices, Role(role.of, role.layer, role.axes))


def _upright(name: str) -> str:
    """A name that has no symbol, in a formula."""
    return name if len(name) < 2 else rf"\mathrm{{{name.replace('_', ' ')}}}"


def _base(tensor: Tensor) -> Tensor:
    """The tensor that a derivative was taken by; one without an origin is its own."""
    return tensor if tensor.origin is None else Tensor(tensor.origin.of, tensor.indices, tensor.role)
