"""The words of a derivation in one language, with the words that a notation prefers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bpsym import resources
from bpsym.errors import UsageError, did_you_mean

FOLDER = "typeset/phrases"


@dataclass(frozen=True)
class Phrases:
    """tables: table -> key -> phrase; words: what stands for {word_...} in the phrases."""

    language: str
    tables: Mapping[str, Mapping[str, str]]
    words: Mapping[str, str]

    def get(self, table: str, key: str, **terms: str) -> str:
        """The phrase with its placeholders filled; "function_relu" is "function" until it has words of its own."""
        phrases = self.tables[table]
        phrase = phrases[key] if key in phrases else phrases[key.partition("_")[0]]
        return phrase.format(**self.words, **terms)

    def listed(self, items: list[str], *, more: bool = False) -> str:
        """a, b and c; more: of still more items, the first ones."""
        separators = self.tables["list"]
        if more:
            return separators["more"].format(first=separators["comma"].join(items))
        if len(items) == 1:
            return items[0]
        return separators["comma"].join(items[:-1]) + separators["last"] + items[-1]


def language_names() -> tuple[str, ...]:
    return resources.names(FOLDER, ".toml")


@cache
def _tables(language: str) -> dict[str, Any]:
    return tomllib.loads(resources.text(f"{FOLDER}/{language}.toml"))


def word_keys() -> tuple[str, ...]:
    """The keys of the words that a notation, or an example, may have its own for."""
    words = _tables(language_names()[0])["words"]
    return tuple(key for key, word in words.items() if isinstance(word, str))


def load_phrases(language: str, notation: str, own: Mapping[str, str] | None = None) -> Phrases:
    """The phrases of a language; own: words of an example's own.

    UsageError names the nearest language where there is none of this name.
    """
    if language not in language_names():
        raise UsageError(f"unknown language {language!r}{did_you_mean(language, language_names())}")
    tables = _tables(language)
    known = tables["words"]
    plain = {key: word for key, word in known.items() if isinstance(word, str)}
    words = plain | known.get(notation, {}) | dict(own or {})
    return Phrases(language, tables, {f"word_{key}": word for key, word in words.items()})
