"""Records that a person writes: frozen, checked when they are made, and wrong in sentences for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bpsym.errors import InputError, Problem, UnknownKey, did_you_mean, shown
from bpsym.network.choices import Choice
from bpsym.network.exact import native


@dataclass(frozen=True)
class Misfit(Problem):
    """Values that are right each, and do not fit together."""


def _described(schema: dict[str, Any], record: type[Any]) -> None:
    """Put what a record says about its keys into its JSON schema."""
    for key, text in record.about.items():
        schema["properties"][key]["description"] = text


class Record(BaseModel):
    """A frozen model; InputError names everything that is wrong with it, each by its key.

    `write`: for a key, what one would write in a file; `about`: what the key says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_described)
    write: ClassVar[Mapping[str, str]] = {}
    about: ClassVar[Mapping[str, str]] = {}

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**{key: native(value) for key, value in values.items()})
        except ValidationError as error:
            raise InputError(_problems(type(self), error)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise self._unchangeable(name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise self._unchangeable(name)

    def _unchangeable(self, name: str) -> InputError:
        record, known = type(self).__name__, tuple(keys(type(self)).values())
        message = f"{record} is not changed once it is made (make a new one, as in {record}({name}=..., ...))"
        if name not in known:
            message = f"{record} has no such field{did_you_mean(name, known)}"
        return InputError(Problem(message, (name,)))


def refuse(misfits: Iterable[Misfit]) -> None:
    """InputError where there is any misfit."""
    found = tuple(misfits)
    if found:
        raise InputError(found)


def keys(record: type[Record]) -> dict[str, str]:
    """The key of each of the record's fields: another one than its name where the name is taken."""
    return {name: field.alias or name for name, field in record.model_fields.items()}


def plain(value: Any) -> Any:
    """Records as tables, as a file gives them."""
    if isinstance(value, Record):
        return {key: plain(getattr(value, name)) for name, key in keys(type(value)).items()}
    if isinstance(value, Choice):
        return value.table()
    if isinstance(value, tuple) and any(isinstance(entry, Record) for entry in value):
        return [plain(entry) for entry in value]
    return value


_SENTENCES = {
    "missing": "missing",
    "extra_forbidden": "unknown key{key_near}",
    "literal_error": "unknown {name} {shown}{value_near}",
    "int_type": "must be a whole number, not {shown}",
    "int_from_float": "must be a whole number, not {shown}",
    "bool_type": "must be true or false, not {shown}",
    "string_type": "must be text in quotes, not {shown}",
    "tuple_type": "must be an array, not {shown}",
    "dict_type": "must be a table, not {shown}",
    "model_type": "must be a table, not {shown}",
    "model_attributes_type": "must be a table, not {shown}",
    "greater_than_equal": "must be at least {ge}, not {shown}",
    "less_than_equal": "must be at most {le}, not {shown}",
    "too_short": "must not be empty",
}
"""What is wrong, by pydantic's name for it."""


def _problems(record: type[Record], error: ValidationError) -> Iterator[Problem]:
    for found in error.errors(include_url=False):
        key, context = found["loc"], found.get("ctx", {})
        if found["type"] == "too_short" and found["input"]:
            continue  # its entries are wrong, each, and have been named
        inner = context.get("error")
        if isinstance(inner, InputError):
            yield from (
                _hinted(record, replace(problem, key=key + problem.key)) for problem in inner.problems
            )
            continue
        kind = UnknownKey if found["type"] == "extra_forbidden" else Problem
        name = str(next((part for part in reversed(key) if isinstance(part, str)), "value"))
        facts = {
            "name": name,
            "shown": _shown(found["input"]),
            "key_near": did_you_mean(name, keys(record).values()),
            "value_near": did_you_mean(str(found["input"]), _quoted(context.get("expected", ""))),
        }
        what = "string_type" if _is_no_name(found) else found["type"]
        sentence = _SENTENCES.get(what, found["msg"])
        yield _hinted(record, kind(sentence.format_map(facts | context), key))


def _shown(value: Any) -> str:
    """The value as a message names it: a Dense, or what stands there."""
    if not isinstance(value, Record):
        return shown(value)
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _is_no_name(found: Mapping[str, Any]) -> bool:
    """Whether one of several names is wanted, and something else stands there."""
    return found["type"] == "literal_error" and not isinstance(found["input"], str)


def _quoted(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"'([^']*)'", text))


def _hinted(record: type[Record], problem: Problem) -> Problem:
    """The problem with what to write, where it does not say so; a misfit says so where it can."""
    if isinstance(problem, Misfit):
        return problem
    field = problem.key[0] if problem.key else None
    if len(problem.key) != 1 or field not in record.write or problem.message.endswith(")"):
        return problem
    return replace(problem, message=f"{problem.message} (write {record.write[str(field)]})")
