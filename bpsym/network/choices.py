"""What is chosen by its name, with settings.

In a file: optimizer = "adam", or a table with name = "adam" and betas = [0.9, 0.99].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import ge, gt, le, lt
from typing import Any, Protocol

from pydantic_core import core_schema

from bpsym.errors import InputError, Problem, UnknownKey, did_you_mean, shown
from bpsym.network.exact import QUOTIENT, exact, exact_row, native

REQUIRED: Any = object()
"""The default of a setting that has none."""

NAME = "name"


@dataclass(frozen=True)
class Setting:
    """A number with bounds: least <= it <= most, above < it < below; not_below: another setting, at most this one.

    default: REQUIRED where it must be given, None where it may be absent. whole: no fraction; switch: true or false.
    parts: of an array, what formulas call its numbers. write: what one would write in a file.
    """

    default: Any = REQUIRED
    least: int | None = None
    most: int | None = None
    above: int | None = None
    below: int | None = None
    not_below: str = ""
    whole: bool = False
    switch: bool = False
    parts: tuple[str, ...] = ()
    write: str = ""

    def read(self, value: Any) -> Any:
        """The setting's exact value; InputError says what is wrong with it."""
        if self.switch:
            return _switch(value)
        if not self.parts:
            return self.bounded(_whole(value) if self.whole else exact(value))
        row = exact_row(value)
        if len(row) != len(self.parts):
            raise InputError(f"must be {len(self.parts)} numbers, not {len(row)}")
        return _each(row, self.bounded)

    def bounded(self, value: Any) -> Any:
        """The number; InputError where it is out of bounds."""
        for limit, word, holds in (
            (self.least, "at least", ge),
            (self.above, "above", gt),
            (self.most, "at most", le),
            (self.below, "below", lt),
        ):
            if limit is not None and not holds(value, limit):
                raise InputError(f"must be {word} {limit}, not {_decimal(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the value."""
        if self.switch:
            return {"type": "boolean"}
        limits = {
            "minimum": self.least,
            "maximum": self.most,
            "exclusiveMinimum": self.above,
            "exclusiveMaximum": self.below,
        }
        number: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        number |= {key: limit for key, limit in limits.items() if limit is not None}
        number = number if self.whole else {"anyOf": [number, QUOTIENT]}
        if not self.parts:
            return number
        count = len(self.parts)
        return {"type": "array", "items": number, "minItems": count, "maxItems": count}


Settings = Mapping[str, Setting]


class Record(Protocol):
    """What a registry of choices holds; one may say in `also` what it is called elsewhere."""

    @property
    def settings(self) -> Settings: ...


@dataclass(frozen=True)
class Choice:
    """A name and all of its settings, in the order of the record; choice["momentum"] is one."""

    name: str
    settings: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, setting: str) -> Any:
        return dict(self.settings)[setting]

    def __str__(self) -> str:
        return self.name

    def table(self) -> dict[str, Any]:
        """The choice as a file says it, without what is absent."""
        return {NAME: self.name} | {key: value for key, value in self.settings if value is not None}


@dataclass(frozen=True)
class Chosen:
    """The annotation of a field that is a Choice among records; `what` is what the field's errors call it."""

    what: str
    records: Mapping[str, Record]
    optional: bool = False

    def read(self, value: Any) -> Choice | None:
        """The choice; InputError names everything that is wrong with it, each by its key below the field."""
        if value is None and self.optional:
            return None
        table = value.table() if isinstance(value, Choice) else value
        table = {NAME: table} if isinstance(table, str) else table
        if not isinstance(table, Mapping):
            raise InputError(f"must be a name in quotes, or a table with name = ..., not {shown(value)}")
        return choice(self.what, self.records, table, named=table is not value)

    def written(self, one: Choice) -> str | dict[str, Any]:
        """What a file says to make this choice: the name alone where all settings are the usual ones."""
        settings = self.records[one.name].settings
        usual = {
            key: setting.read(setting.default) for key, setting in settings.items() if _has_default(setting)
        }
        own = {key: value for key, value in one.table().items() if key not in usual or usual[key] != value}
        return own if len(own) > 1 else one.name

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        del schema, handler
        return {"anyOf": list(_schemas(self.records))}


def choice(
    what: str, records: Mapping[str, Record], table: Mapping[str, Any], *, named: bool = False
) -> Choice:
    """The choice that a table makes; named: it was no table, but a name alone."""
    name = table.get(NAME)
    below = () if named else (NAME,)
    given = {str(key): value for key, value in table.items() if key != NAME}
    if not isinstance(name, str) or name not in records:
        raise InputError(
            [Problem(_no_name(what, records, name, given), below), *_strange(what, records, given)]
        )
    settings = records[name].settings
    problems = [*_unknown(what, name, settings, given)]
    found: dict[str, Any] = {}
    for key, setting in settings.items():
        try:
            found[key] = _setting(what, name, key, setting, given)
        except InputError as error:
            problems += [_hinted(one, key, setting) for one in error.problems]
    problems += _crossed(settings, found, given)
    if problems:
        raise InputError(problems)
    return Choice(name, tuple(found.items()))


def numbers(one: Choice, settings: Settings) -> dict[str, Any]:
    """What a record's formulas read: each setting's number by its name, an array's by the names of its parts."""
    found: dict[str, Any] = {}
    for key, value in one.settings:
        parts = settings[key].parts
        found |= dict(zip(parts, value, strict=True)) if parts else {key: value}
    return found


def chosen_name(value: Any) -> str | None:
    """The name in a field of a table that may be wrong; None where there is none."""
    name = value.get(NAME) if isinstance(value, Mapping) else value
    return name if isinstance(name, str) else None


def _setting(what: str, name: str, key: str, setting: Setting, given: Mapping[str, Any]) -> Any:
    if key in given:
        return setting.read(given[key])
    if setting.default is REQUIRED:
        raise InputError(f"missing: {what} {name!r} has no default for it (write {setting.write})")
    return None if setting.default is None else setting.read(setting.default)


def _hinted(problem: Problem, key: str, setting: Setting) -> Problem:
    """The problem below the setting's key, with what to write, where it does not say so."""
    hint = "" if problem.message.endswith(")") else f" (write {setting.write})"
    return replace(problem, message=f"{problem.message}{hint}", key=(key, *problem.key))


def _unknown(what: str, name: str, settings: Settings, given: Mapping[str, Any]) -> Iterator[Problem]:
    for key in given:
        if key not in settings:
            hint = did_you_mean(str(key), settings) or f" ({what} {name!r} has no settings)"
            yield UnknownKey(f"unknown setting of {what} {name!r}{hint}", (str(key),))


def _no_name(what: str, records: Mapping[str, Record], name: Any, given: Mapping[str, Any]) -> str:
    """What is wrong with a name that is none of the records'; of a missing one, what the settings beside it are of."""
    if name is None:
        meant = (one for one, record in records.items() if given and given.keys() <= record.settings.keys())
        return f"missing (write name = {_quoted(next(meant, next(iter(records))))})"
    if not isinstance(name, str):
        return f"must be text in quotes, not {shown(name)}"
    named = {other: one for one, record in records.items() for other in getattr(record, "also", ())}
    hint = f" (here it is {named[name]!r})" if name in named else did_you_mean(name, records)
    return f"unknown {what} {shown(name)}{hint}"


def _strange(what: str, records: Mapping[str, Record], given: Mapping[str, Any]) -> Iterator[Problem]:
    """The settings that no record has."""
    every = tuple(dict.fromkeys(key for record in records.values() for key in record.settings))
    for key in given:
        if key not in every:
            yield UnknownKey(f"unknown setting of any {what}{did_you_mean(key, every)}", (key,))


def _crossed(settings: Settings, found: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Problem]:
    """The settings that are below those that they must not be below; the one that is given is named."""
    for key, setting in settings.items():
        other = setting.not_below
        if other in found and key in found and found[key] < found[other]:
            said = key if key in given else other
            has = f"{other} is {_decimal(found[other])}, and {key} is {_decimal(found[key])}"
            message = (
                f"{key} must not be below {other}: {has} (write {settings[other].write}, {setting.write})"
            )
            yield Problem(message, (said,))


def _schemas(records: Mapping[str, Record]) -> Iterator[dict[str, Any]]:
    alone = [name for name, one in records.items() if not any(_required(one.settings))]
    if alone:
        yield {"enum": alone}
    for name, one in records.items():
        yield {
            "type": "object",
            "properties": {NAME: {"const": name}} | {key: s.schema() for key, s in one.settings.items()},
            "required": [NAME, *_required(one.settings)],
            "additionalProperties": False,
        }


def _has_default(setting: Setting) -> bool:
    return setting.default is not REQUIRED and setting.default is not None


def _required(settings: Settings) -> Iterator[str]:
    return (key for key, setting in settings.items() if setting.default is REQUIRED)


def _switch(value: Any) -> bool:
    value = native(value)
    if not isinstance(value, bool):
        raise InputError(f"must be true or false, not {shown(value)}")
    return value


def _whole(value: Any) -> int:
    value = native(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"must be a whole number, not {shown(value)}")
    return value


def _each(row: tuple[Fraction, ...], check: Any) -> tuple[Fraction, ...]:
    problems: list[Problem] = []
    for number, value in enumerate(row):
        try:
            check(value)
        except InputError as error:
            problems += [replace(one, key=(number, *one.key)) for one in error.problems]
    if problems:
        raise InputError(problems)
    return row


def _decimal(value: Any) -> str:
    """The number as a person writes it, where its decimal ends."""
    if isinstance(value, int) or value.denominator == 1:
        return shown(int(value))
    return shown(float(value))


def _quoted(name: str) -> str:
    return f'"{name}"'
