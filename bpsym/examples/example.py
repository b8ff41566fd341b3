"""An example: a network, numbers for it, and how it is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from bpsym.errors import Key
from bpsym.network.description import (
    Network,
    counted,
    layer_widths,
    network_misfits,
    not_negative,
    rows_misfits,
)
from bpsym.network.exact import Exact, Rows
from bpsym.network.record import Misfit, Record, plain, refuse
from bpsym.network.training_rule import TrainingRule, rule_misfits


class Data(Record):
    """x: (samples, inputs); t: (samples, outputs); at least one sample, and as many rows in both."""

    write: ClassVar[Mapping[str, str]] = {"x": "x = [[0.35, 0.9]], a row for each sample", "t": "t = [[0.5]]"}

    x: Annotated[Rows, Field(min_length=1)]
    t: Annotated[Rows, Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse(data_misfits(plain(self)))
        return self


class Training(TrainingRule):
    """The loss goes down along learning_rate times the gradient.

    A step is one update, with all samples, or with the next batch_size of them; shuffle draws them anew for each
    epoch. seed: of the shuffling, and of the layers' init.
    """

    write: ClassVar[Mapping[str, str]] = {
        **TrainingRule.write,
        "learning_rate": "learning_rate = 0.5",
        "steps": "steps = 100",
        "batch_size": "batch_size = 10",
        "shuffle": "shuffle = true",
        "seed": "seed = 1",
    }

    learning_rate: Annotated[
        Exact, not_negative("a step goes against the gradient", "learning_rate = 0.5")
    ] = Field(default=1, validate_default=True)
    steps: Annotated[int, Field(ge=0, strict=True)] = 0
    batch_size: Annotated[int, Field(ge=1, strict=True)] | None = None
    shuffle: Annotated[bool, Field(strict=True)] = False
    seed: Annotated[int, Field(ge=0, strict=True)] | None = None


class DerivationOptions(Record):
    """What the command line's options of the same names say."""

    digits: Annotated[int, Field(ge=1, le=15, strict=True)] | None = None
    lang: str | None = None
    weights: tuple[str, ...] = ()
    sample: Annotated[int, Field(ge=1, strict=True)] | None = None


class Example(Record):
    """All that an example's file says. InputError names everything that is wrong, each by its key."""

    write: ClassVar[Mapping[str, str]] = {"network": "[network] with inputs = 2, and [[network.layers]]"}

    title: str | None = None
    source: str | None = None
    notation: str = "standard"
    network: Network
    data: Data | None = None
    training: Training = Training()
    derivation: DerivationOptions = DerivationOptions()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse(example_misfits(plain(self)))
        return self


def example_misfits(table: Mapping[str, Any]) -> Iterator[Misfit]:
    """What does not fit together in an example's table; what is missing or of another type is passed over."""
    network, data = table.get("network"), table.get("data")
    yield from network_misfits(network, ("network",))
    yield from rule_misfits(table.get("training"), ("training",))
    widths = layer_widths(network)
    if isinstance(data, Mapping):
        yield from data_misfits(data, ("data",), widths[0], widths[-1] if len(widths) > 1 else None)


def data_misfits(
    data: Mapping[str, Any], key: Key = (), inputs: int | None = None, outputs: int | None = None
) -> Iterator[Misfit]:
    """What does not fit in a table of data; inputs, outputs: of the network, where known."""
    for name, width, ends in (("x", inputs, "input"), ("t", outputs, "output")):
        rows = data.get(name)
        if isinstance(rows, list | tuple):
            yield from _row_misfits(rows, (*key, name), width, ends)
    x, t = data.get("x"), data.get("t")
    if isinstance(x, list | tuple) and isinstance(t, list | tuple) and x and t and len(x) != len(t):
        has = f"{counted(len(t), 'row')}, but x has {counted(len(x), 'row')}"
        yield Misfit(f"{has} (write one row of t for each row of x)", (*key, "t"))


def _row_misfits(rows: Any, key: Key, width: int | None, ends: str) -> Iterator[Misfit]:
    """Rows that are not as long as the network is wide; where that is unknown, rows of unequal length."""
    if width is None:
        yield from (
            one for one in rows_misfits(rows, key, rows=None, columns=None, reason="") if one.key != key
        )
        return
    for number, row in enumerate(rows):
        if isinstance(row, list | tuple) and len(row) != width:
            wants = f"the network has {counted(width, ends)}"
            message = (
                f"a row of {counted(len(row), 'number')}, but {wants} (write {counted(width, 'number')})"
            )
            yield Misfit(message, (*key, number))
