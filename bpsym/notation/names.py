"""The names of one network's quantities in one notation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from bpsym.calculus.equations import Tensor
from bpsym.network import roles
from bpsym.network.activations import activation_of
from bpsym.network.description import Network
from bpsym.network.expressions import Formula
from bpsym.network.losses import loss_of
from bpsym.network.roles import Role
from bpsym.notation.packs import Pack, load_pack

Unit = int | str
"""The number of a unit or a sample, from 0, or the letter of an index that runs over them."""

At = tuple[int, ...]
"""The position of an element: unit numbers from 0, the samples' axis left out; () for the whole tensor."""

Place = tuple[Unit, ...]
"""The same in a formula, where letters may stand for units."""


def _own_formulas(network: Network) -> list[Formula]:
    """Those that somebody wrote for this network."""
    activations = [activation_of(layer.activation) for layer in network.layers]
    loss = loss_of(network.loss)
    found = [one.formula for one in activations if one.custom]
    return [*found, loss.formula] if loss.custom else found


_ERROR_TERM = "error_term"


@dataclass(frozen=True)
class Names:
    """pack: the notation; widths: units of each layer, the inputs first; activations: name of each layer's.

    penalised: whether the loss has more parts than the samples' losses; decimals: the numbers that somebody's own
    formulas write with a point.
    """

    pack: Pack
    widths: tuple[int, ...]
    activations: tuple[str, ...]
    penalised: bool = False
    decimals: tuple[Fraction, ...] = ()

    @classmethod
    def of(cls, notation: str, network: Network) -> Names:
        widths = (network.inputs, *(layer.units for layer in network.layers))
        activations = tuple(layer.activation for layer in network.layers)
        decimals = tuple(number for formula in _own_formulas(network) for number in formula.decimals)
        return cls(load_pack(notation), widths, activations, bool(network.l1 or network.l2), decimals)

    def node(self, layer: int, unit: int) -> int:
        """The number that the unit (from 0) of the layer bears."""
        if self.pack.conventions["nodes"] == "layer":
            return unit + 1
        return sum(self.widths[:layer]) + unit + 1

    def written(self, layer: int | None, unit: Unit) -> str:
        """A unit as it is written: its node's number, or the index's letter; of samples where layer is None."""
        if isinstance(unit, str):
            return unit
        return str(unit + 1 if layer is None else self.node(layer, unit))

    @property
    def _wide(self) -> bool:
        """Whether some node has a number of two digits."""
        last = (self.node(layer, width - 1) for layer, width in enumerate(self.widths))
        return max(last) > 9

    def latex(self, tensor: Tensor, at: Place = (), sample: Unit | None = None) -> str:
        """An element's name in a formula; `sample` counts from 0, None where there is only one."""
        kind = _printed_kind(tensor)
        if kind is None:
            return self._partial(tensor, self.latex(_base(tensor), at, sample), sample)
        key = "penalised_loss" if kind == roles.LOSS and self.penalised else self._element_key(kind, tensor)
        return self._filled(self.pack.latex[key], tensor, at, sample, lambda one: self.latex(one, at, sample))

    def layer(self, tensor: Tensor, sample: Unit | None = None) -> str:
        """The name of the whole vector or matrix in a formula."""
        kind = _printed_kind(tensor)
        if kind is None:
            return self._partial(tensor, self.layer(_base(tensor), sample), sample)
        table = (
            self.pack.layers
            if kind in self.pack.layers and tensor.role.axes[-1:] != (None,)
            else self.pack.latex
        )
        if kind == roles.BIASES and not tensor.role.axes:
            table, kind = self.pack.latex, "shared_bias"
        return self._filled(table[kind], tensor, (), sample, lambda one: self.layer(one, sample))

    def _partial(self, tensor: Tensor, by: str, sample: Unit | None) -> str:
        """The derivative of the loss; of a sample's own loss by what is the sample's own."""
        kind = roles.SAMPLE_LOSS if None in tensor.role.axes else roles.LOSS
        of = self.latex(Tensor("", (), Role(kind)), (), sample)
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def code(self, tensor: Tensor, at: At = ()) -> str:
        """An identifier for an element, or with `at` = () for the whole tensor."""
        kind = _kind(tensor)
        if kind is None:
            return f"d{self.code(_base(tensor), at)}"
        whole = not at and any(axis is not None for axis in tensor.role.axes)
        known = whole and kind in self.pack.code_layers
        pattern = self.pack.code_layers[kind] if known else self.pack.code[self._element_key(kind, tensor)]
        return self._filled(pattern, tensor, at, None, lambda one: self.code(one, at))

    def function(self, layer: int, order: int = 0, unit: Unit | None = None) -> str:
        """The activation of a layer, or its derivative, in a formula; of one unit, where each has its own.

        Layers with the same activation have the same sign for it.
        """
        functions = list(dict.fromkeys(self.activations))
        key = "unit" if unit is not None else "default" if len(functions) == 1 else "several"
        number = functions.index(self.activations[layer - 1]) + 1
        words = {
            "layer": str(layer),
            "number": str(number),
            "prime": "'" * order,
            "raised_prime": r"\prime" * order,
        }
        return self._put(self.pack.function[key], words | {"node": self.written(layer, unit or 0)})

    def _element_key(self, kind: str, tensor: Tensor) -> str:
        if kind == roles.TARGET and self.widths[-1] == 1:
            return "only_target"
        return "shared_bias" if kind == roles.BIASES and not tensor.role.axes else kind

    def _filled(
        self, pattern: str, tensor: Tensor, at: Place, sample: Unit | None, inner: Callable[[Tensor], str]
    ) -> str:
        """The pattern with the tensor's words; inner: the name of the parameter that it belongs to."""
        role = tensor.role
        layers = [axis for axis in role.axes if axis is not None]
        numbers = [self.written(layer, unit) for layer, unit in zip(layers, at, strict=False)]
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
                "input_mark": "" if sample is None else f"^{{[{self.written(None, sample)}]}}",
                "name": role.name,
                "NAME": role.name.upper(),
                "symbol": self.pack.symbols.get(role.name, _upright(role.name)),
                "parameter": inner(_parameter(tensor)) if "<parameter>" in pattern else "",
            },
        )

    def _mark(self, sample: Unit | None) -> str:
        if sample is None:
            return ""
        return self._put(self.pack.conventions["mark"], {"sample": self.written(None, sample)})

    def _put(self, pattern: str, words: dict[str, str]) -> str:
        filled = re.sub(r"<(\w+)>", lambda match: words[match[1]], pattern)
        return re.sub(r"(?<=[_^])\{(\w)\}", r"\1", filled)


def _kind(tensor: Tensor) -> str | None:
    """The kind under which packs list the tensor; None for a derivative that has no name of its own."""
    if tensor.is_adjoint:
        return _ERROR_TERM if tensor.role.kind == roles.PRE_ACTIVATION else None
    return str(tensor.role.kind)


def _printed_kind(tensor: Tensor) -> str | None:
    """The kind in formulas, where a derivative with new parameters is another one than that with the old ones."""
    kind = _kind(tensor)
    return f"sequential_{kind or 'gradient'}" if tensor.role.name == roles.SEQUENTIAL else kind


def _parameter(tensor: Tensor) -> Tensor:
    """The parameter that a state, a gradient or a clipped gradient belongs to."""
    role = tensor.role
    if not role.of:
        return replace(_base(tensor), role=replace(role, name=""))
    return Tensor("", tensor.indices, Role(role.of, role.layer, role.axes))


def _upright(name: str) -> str:
    """A name that has no symbol, in a formula."""
    return name if len(name) < 2 else rf"\mathrm{{{name.replace('_', ' ')}}}"


def _base(tensor: Tensor) -> Tensor:
    """The tensor that a derivative was taken by; one without an origin is its own."""
    return tensor if tensor.origin is None else Tensor(tensor.origin.of, tensor.indices, tensor.role)
