"""What a network is: its inputs, its layers and its loss, with exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bpsym.errors import InputError, Key, did_you_mean, shown
from bpsym.network.activations import activation_of
from bpsym.network.choices import Choice, Chosen
from bpsym.network.exact import Exact, RowOrOne, Rows
from bpsym.network.initializers import INITIALIZERS
from bpsym.network.losses import Loss, loss_of
from bpsym.network.record import Misfit, Record, plain, refuse


def known_name(kind: str, names: Mapping[str, Any]) -> AfterValidator:
    """A check that a name is in a registry; InputError names the nearest one."""

    def check(name: str) -> str:
        if name not in names:
            raise InputError(f"unknown {kind} {name!r}{did_you_mean(name, names)}")
        return name

    return AfterValidator(check)


def resolved(record_of: Callable[[str], Any]) -> AfterValidator:
    """A check that a text names a record, or is a formula; InputError says what is wrong with it."""

    def check(text: str) -> str:
        record_of(text)
        return text

    return AfterValidator(check)


def not_negative(why: str, write: str) -> AfterValidator:
    """A check that a number is at least 0; InputError says why, and what to write."""

    def check(value: Any) -> Any:
        if value < 0:
            raise InputError(f"must not be negative: {why} (write {write})")
        return value

    return AfterValidator(check)


Count = Annotated[int, Field(ge=1, strict=True)]


class Dense(Record):
    """z = W a + b, y = f(z).

    weights: (units, units of the layer before), a row the weights into one unit; biases: (units,), or one number
    where bias is "layer". frozen: which of the two are not trained; init: how weights that are not given are drawn.
    InputError where they do not fit.
    """

    write: ClassVar[Mapping[str, str]] = {
        "units": "units = 2",
        "activation": 'activation = "sigmoid"',
        "bias": 'bias = "neuron"',
        "weights": "weights = [[0.1, 0.8], [0.4, 0.6]]",
        "biases": "biases = [0.1, 0.2]",
        "frozen": 'frozen = ["biases"]',
        "init": 'init = "xavier_uniform"',
    }

    about: ClassVar[Mapping[str, str]] = {
        "type": "The kind of layer.",
        "units": "The number of units (neurons).",
        "activation": 'The activation: a name, "generic" for a general f, or a formula in z.',
        "bias": "A bias for each unit (neuron), one that the layer's units share (layer), or none.",
        "weights": "One row a unit: the weights into it, from each unit of the layer before.",
        "biases": "One number a unit, or one number where the layer shares it.",
        "frozen": "What is not trained.",
        "init": "How weights that are not given are drawn; biases start at 0.",
    }

    type: Literal["dense"] = "dense"
    units: Count
    activation: Annotated[str, resolved(activation_of)] = "identity"
    bias: Literal["none", "neuron", "layer"] = "neuron"
    weights: Rows | None = None
    biases: RowOrOne | None = None
    frozen: tuple[Literal["weights", "biases"], ...] = ()
    init: Annotated[Choice | None, Chosen("initializer", INITIALIZERS, optional=True)] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse(layer_misfits(plain(self)))
        return self


def _several(layers: Any) -> Any:
    """InputError for one layer where an array of them is wanted."""
    if isinstance(layers, Record):
        name = type(layers).__name__
        raise InputError(f"must be an array, not a {name} alone (write layers=[{name}(...)])")
    return layers


class Network(Record):
    """Layers one after the other, and the loss of their last outputs.

    reduction: what becomes of the samples' losses; l1 times the sum of |W| and l2 / 2 times that of W^2, over all
    weights, are added to the result. InputError where a layer's weights do not fit the layer before.
    """

    write: ClassVar[Mapping[str, str]] = {
        "inputs": "inputs = 2",
        "loss": 'loss = "half_squared_error"',
        "reduction": 'reduction = "mean"',
        "l1": "l1 = 0.001",
        "l2": "l2 = 0.001",
        "layers": "[[network.layers]] with units = 2",
    }

    about: ClassVar[Mapping[str, str]] = {
        "inputs": "The number of inputs.",
        "loss": "The loss of a sample: a name, or a formula in one output a and its target t, summed over outputs.",
        "reduction": "Whether the samples' losses are averaged or summed.",
        "l1": "This times the sum of all |w| is added to the loss.",
        "l2": "Half of this times the sum of all squared weights is added to the loss.",
        "layers": "The layers, from the first hidden one to the output layer.",
    }

    inputs: Count
    loss: Annotated[str, resolved(loss_of)] = "half_squared_error"
    reduction: Literal["mean", "sum"] = "mean"
    l1: Annotated[Exact, not_negative("it would make weights grow", "l1 = 0.001")] = Fraction(0)
    l2: Annotated[Exact, not_negative("it would make weights grow", "l2 = 0.001")] = Fraction(0)
    layers: Annotated[tuple[Dense, ...], Field(min_length=1), BeforeValidator(_several)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse(network_misfits(plain(self)))
        return self


def network_misfits(network: Any, key: Key = ()) -> Iterator[Misfit]:
    """What does not fit in a table of a network; what is missing or of another type is passed over."""
    widths = layer_widths(network)
    for number, layer in enumerate(_layers(network)):
        yield from layer_misfits(layer, (*key, "layers", number), number + 1, widths[number])
    yield from _loss_misfits(network, key)
    yield from _size_misfits(widths, key)


MOST_PARAMETERS = 1_000_000


def _size_misfits(widths: tuple[int | None, ...], key: Key) -> Iterator[Misfit]:
    """Layers with more weights than anybody derives or trains here."""
    inputs = widths[0]
    if inputs and inputs > MOST_PARAMETERS:
        yield Misfit(
            f"{shown(inputs)} inputs, more than {MOST_PARAMETERS:,} (write fewer inputs)", (*key, "inputs")
        )
        widths = (None, *widths[1:])
    for number, (before, units) in enumerate(pairwise(widths)):
        if before and units and before * units > MOST_PARAMETERS:
            has = f"layer {number + 1} has {shown(units)} x {shown(before)} weights"
            limit = f"more than {MOST_PARAMETERS:,}"
            yield Misfit(f"{has}, {limit} (write fewer units)", (*key, "layers", number, "units"))


def _loss_misfits(network: Any, key: Key) -> Iterator[Misfit]:
    """Outputs that can be where the loss has no value."""
    if not isinstance(network, Mapping):
        return
    layers = _layers(network)
    if not layers or not isinstance(layers[-1], Mapping):
        return
    last = layers[-1]
    named = last.get("activation", Dense.model_fields["activation"].default)
    loss, activation = _known(loss_of, network.get("loss")), _known(activation_of, named)
    if loss is None or activation is None or loss.accepts(activation):
        return
    one = last.get("units") == 1
    fitting = [name for name in loss.fused if not (one and activation_of(name).is_layer_wide)]
    where = ("layers", len(layers) - 1, "activation") if "activation" in last else ("loss",)
    yield Misfit(loss.objection(activation, fitting), (*key, *where))


def known_loss(network: Any) -> Loss | None:
    """The loss of a table of a network; None where it names none that there is."""
    text = network.get("loss") if isinstance(network, Mapping) else None
    loss: Loss | None = _known(loss_of, text)
    return loss


def _known(record_of: Callable[[str], Any], text: Any) -> Any:
    """The record that the text names; None where it names none, which is said elsewhere."""
    try:
        return record_of(text) if isinstance(text, str) else None
    except InputError:
        return None


def layer_misfits(
    layer: Any, key: Key = (), number: int | None = None, before: int | None = None
) -> Iterator[Misfit]:
    """What does not fit in a table of a layer; number: from 1; before: the units of the layer before."""
    if not isinstance(layer, Mapping):
        return
    name = "the layer" if number is None else f"layer {number}"
    units = _count(layer.get("units"))
    yield from rows_misfits(
        layer.get("weights"),
        (*key, "weights"),
        rows=units,
        columns=before,
        reason=_reason(name, units, before),
    )
    yield from _biases_misfits(layer, name, units, (*key, "biases"))
    yield from _constant_misfits(layer, name, (*key, "activation"))
    if layer.get("weights") is not None and layer.get("init") is not None:
        message = "weights are given, so that there is nothing to draw (leave out init, or weights)"
        yield Misfit(message, (*key, "init"))


def _constant_misfits(layer: Mapping[str, Any], name: str, key: Key) -> Iterator[Misfit]:
    """An activation by name over all units of a layer, where there is one unit: a share of one is always 1."""
    activation = _known(activation_of, layer.get("activation"))
    if activation is None or layer.get("units") != 1 or not activation.is_layer_wide or activation.custom:
        return
    message = (
        f"{activation.name} is over the units of a layer, and {name} has one, whose output would always be 1"
    )
    yield Misfit(f'{message} (write activation = "sigmoid", or more units)', key)


def layer_widths(network: Any) -> tuple[int | None, ...]:
    """The number of inputs, and of each layer's units, in a table of a network; None where unknown."""
    inputs = network.get("inputs") if isinstance(network, Mapping) else None
    units = (layer.get("units") if isinstance(layer, Mapping) else None for layer in _layers(network))
    return (_count(inputs), *map(_count, units))


def rows_misfits(
    value: Any, key: Key, *, rows: int | None, columns: int | None, reason: str
) -> Iterator[Misfit]:
    """Rows of unequal length, each; else whatever is not of the shape (rows, columns), where known, for this reason."""
    lengths = _row_lengths(value)
    if lengths is None:
        return
    wanted = " of ".join(
        part for part in (rows and counted(rows, "row"), columns and counted(columns, "number")) if part
    )
    if len(set(lengths)) > 1:
        yield from _ragged(lengths, key, columns)
        wrong = rows is not None and len(lengths) != rows
    else:
        wrong = (rows, columns) != (rows and len(lengths), columns and max(lengths, default=0))
    if wrong:
        yield Misfit(f"{_shape(lengths)}, but {reason} (write {'rows of ' if not rows else ''}{wanted})", key)


def counted(number: int, noun: str) -> str:
    """1 row, 2 rows"""
    return f"{number} {noun}" if number == 1 else f"{number or 'no'} {noun}s"


def _ragged(lengths: tuple[int, ...], key: Key, columns: int | None) -> Iterator[Misfit]:
    width = lengths[0] if columns is None else columns
    others = "the first row has" if columns is None else "every row needs"
    for number, length in enumerate(lengths):
        if length != width:
            message = f"a row of {counted(length, 'number')}, but {others} {width} (write {counted(width, 'number')})"
            yield Misfit(message, (*key, number))


def _biases_misfits(layer: Mapping[str, Any], name: str, units: int | None, key: Key) -> Iterator[Misfit]:
    biases, bias = layer.get("biases"), layer.get("bias", "neuron")
    if biases is None:
        return
    is_row = isinstance(biases, list | tuple)
    if bias == "none":
        yield Misfit('biases are given, but bias is "none" (leave them out, or write bias = "neuron")', key)
    elif bias == "layer" and is_row:
        yield Misfit(f'an array, but bias is "layer": one number for all of {name} (write biases = 0.1)', key)
    elif bias == "neuron" and not is_row:
        yield Misfit(
            'one number, but bias is "neuron": one for each unit (write an array, or bias = "layer")', key
        )
    elif bias == "neuron" and units is not None and len(biases) != units:
        has = f"{counted(len(biases), 'number')}, but {name} has {counted(units, 'unit')}"
        yield Misfit(f"{has} (write {counted(units, 'number')})", key)


def _reason(name: str, units: int | None, before: int | None) -> str:
    has = [units and counted(units, "unit"), before and counted(before, "input")]
    return f"{name} has {' and '.join(part for part in has if part)}"


def _shape(lengths: tuple[int, ...]) -> str:
    rows = counted(len(lengths), "row")
    return f"{rows} of {counted(lengths[0], 'number')}" if len(set(lengths)) == 1 else rows


def _layers(network: Any) -> list[Any] | tuple[Any, ...]:
    layers = network.get("layers") if isinstance(network, Mapping) else None
    return layers if isinstance(layers, list | tuple) else ()


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _row_lengths(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list | tuple) or not all(isinstance(row, list | tuple) for row in value):
        return None
    return tuple(len(row) for row in value)
