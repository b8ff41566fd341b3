"""An example: a network, numbers for it, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from bpsym.errors import InputError, Key, Problem, shown
from bpsym.examples.data import Data, data_misfits, file_misfits
from bpsym.examples.toml_text import toml
from bpsym.network.choices import Choice, Chosen
from bpsym.network.description import Network, known_loss, layer_widths, network_misfits, not_negative
from bpsym.network.exact import Exact, exact
from bpsym.network.record import Misfit, Record, keys, plain, refuse
from bpsym.network.training_rule import TrainingRule, rule_misfits


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
    about: ClassVar[Mapping[str, str]] = {
        **TrainingRule.about,
        "learning_rate": "How far a step goes.",
        "steps": "How many steps are made; each is one update of all parameters.",
        "batch_size": "A step sees the next so many samples; all of them, where nothing is said.",
        "shuffle": "Whether the samples are drawn anew at the start of each epoch.",
        "seed": "Of the shuffling, and of initial weights that are drawn.",
    }

    learning_rate: Annotated[
        Exact, not_negative("a step goes against the gradient", "learning_rate = 0.5")
    ] = Fraction(1)
    steps: Annotated[int, Field(ge=0, strict=True)] = 0
    batch_size: Annotated[int, Field(ge=1, strict=True)] | None = None
    shuffle: Annotated[bool, Field(strict=True)] = False
    seed: Annotated[int, Field(ge=0, strict=True)] | None = None


class DerivationOptions(Record):
    """What the command line's options of the same names say."""

    about: ClassVar[Mapping[str, str]] = {
        "style": "The style of the code that is listed.",
        "form": "How gradients are written: each weight's, with indices, or what fits (auto).",
        "detail": "How much is shown.",
        "digits": "Significant digits of a result.",
        "lang": "The language, where the command line names none.",
        "weights": "Single weights that are shown in full, by their names in code.",
        "sample": "The sample that is shown in full, counted from 1; where there are batches, within the first one.",
    }
    write: ClassVar[Mapping[str, str]] = {
        "digits": "digits = 6",
        "weights": 'weights = ["w31"]',
        "sample": "sample = 1",
    }

    style: str | None = None
    form: str | None = None
    detail: str | None = None
    digits: Annotated[int, Field(ge=1, le=15, strict=True)] | None = None
    lang: str | None = None
    weights: tuple[str, ...] = ()
    sample: Annotated[int, Field(ge=1, strict=True)] | None = None


def _words(value: Any) -> dict[str, Any]:
    """Words by their keys, and tables of words by their languages. InputError names every entry that is neither."""
    if not isinstance(value, Mapping):
        raise InputError(f"must be a table, not {shown(value)}")
    tables = {key: entry for key, entry in value.items() if isinstance(entry, Mapping)}
    inner = [((key, name), word) for key, table in tables.items() for name, word in table.items()]
    outer = [((key,), word) for key, word in value.items() if key not in tables]
    wrong = [
        Problem(f"must be text in quotes, not {shown(word)}", key)
        for key, word in (*outer, *inner)
        if not isinstance(word, str)
    ]
    if wrong:
        raise InputError(wrong)
    return {key: dict(entry) if key in tables else entry for key, entry in value.items()}


_WORD = {"type": "string"}
Words = Annotated[
    dict[str, Any],
    PlainValidator(_words),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [_WORD, {"type": "object", "additionalProperties": _WORD}],
            },
        }
    ),
]


class Example(Record):
    """All that an example's file says. InputError names everything that is wrong, each by its key."""

    write: ClassVar[Mapping[str, str]] = {"network": "[network] with inputs = 2, and [[network.layers]]"}
    about: ClassVar[Mapping[str, str]] = {
        "title": "The title of the document.",
        "source": "Where the example comes from.",
        "notation": "Names and conventions of formulas and code.",
        "network": "Inputs, layers and loss.",
        "data": "The samples. Without them the derivation has symbols.",
        "training": "The learning rate, the steps, and how a step is made.",
        "derivation": "What the command line's options of the same names say.",
        "phrases": "Words of one's own, in the example's own language; in [phrases.zh] those of another.",
    }

    title: str | None = None
    source: str | None = None
    notation: str = "standard"
    network: Network
    data: Data | None = None
    training: Training = Training()
    derivation: DerivationOptions = DerivationOptions()
    phrases: Words | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse(example_misfits(plain(self) | {"data": self.data}))
        return self

    def to_toml(self) -> str:
        """A file that reads back as an equal example (in the same folder, where it names a file of samples)."""
        return toml(written(self))

    def words(self, lang: str, own: str) -> dict[str, str]:
        """The example's words in a language; own: the example's own language, that of words under no other."""
        given = self.phrases or {}
        plain_words = {key: word for key, word in given.items() if isinstance(word, str)}
        return (plain_words if lang == own else {}) | dict(given.get(lang, {}))


def example_misfits(table: Mapping[str, Any]) -> Iterator[Misfit]:
    """What does not fit together in an example's table; what is missing or of another type is passed over."""
    network, data = table.get("network"), table.get("data")
    yield from network_misfits(network, ("network",))
    yield from rule_misfits(table.get("training"), ("training",))
    widths = layer_widths(network)
    outputs = widths[-1] if len(widths) > 1 else None
    read = _from_file(data)
    if read is not None:
        yield from file_misfits(read, ("data",), widths[0], outputs)
        if read.t is not None:
            yield from islice(target_misfits(network, read.t, lambda *_: ("data", "targets")), 1)
    elif data is not None:
        table = plain(data)
        table = table if isinstance(table, Mapping) else {}
        yield from data_misfits(table, ("data",), widths[0], outputs)
        yield from target_misfits(network, table.get("t"), lambda row, place: ("data", "t", row, place))


def target_misfits(network: Any, t: Any, at: Callable[[int, int], Key]) -> Iterator[Misfit]:
    """The targets that the loss is not for; at: the key of one, by its row and place."""
    loss = known_loss(network)
    if loss is None or loss.targets is None:
        return
    least, most = loss.targets
    for row, place, number in _numbers(t):
        if not least <= number <= most:
            message = f"{float(number):g}, but {loss.name} is for targets from {least} to {most}"
            yield Misfit(f"{message} (write one of these, or another loss)", at(row, place))


def _numbers(rows: Any) -> Iterator[tuple[int, int, Fraction]]:
    """Every number in the rows, with its place; what is none is passed over."""
    for at, row in enumerate(rows if isinstance(rows, list | tuple) else ()):
        for place, entry in enumerate(row if isinstance(row, list | tuple) else ()):
            with suppress(InputError):
                yield at, place, exact(entry)


def _from_file(data: Any) -> Data | None:
    """The data of a file, where the file is right."""
    if isinstance(data, Mapping) and isinstance(data.get("file"), str):
        with suppress(InputError):
            data = Data(**data)
    return data if isinstance(data, Data) and data.file is not None else None


def written(record: Record) -> dict[str, Any]:
    """What was said of the record, by its keys: a table that makes an equal one."""
    fields = type(record).model_fields
    return {
        key: _written(getattr(record, name), fields[name].metadata)
        for name, key in keys(type(record)).items()
        if name in record.model_fields_set and getattr(record, name) is not None
    }


def _written(value: Any, metadata: list[Any]) -> Any:
    if isinstance(value, Record):
        return written(value)
    if isinstance(value, Choice):
        chosen = next(one for one in metadata if isinstance(one, Chosen))
        return chosen.written(value)
    if isinstance(value, tuple):
        return [_written(entry, metadata) for entry in value]
    return value
