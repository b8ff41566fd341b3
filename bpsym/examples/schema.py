"""The JSON schema of example files: what an editor offers and underlines while one writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from bpsym.examples.example import Example, written
from bpsym.network.activations import ACTIVATIONS
from bpsym.network.choices import Choice
from bpsym.network.losses import LOSSES
from bpsym.network.record import Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Defaults(GenerateJsonSchema):
    """Exact numbers and records stand in the schema as a file has them."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, Fraction):
            return int(dft) if dft.denominator == 1 else float(dft)
        if isinstance(dft, Choice):
            return dft.name
        return written(dft) if isinstance(dft, Record) else super().encode_default(dft)


def schema(known: Mapping[str, tuple[str, ...]]) -> str:
    """The schema as JSON; known: the names that upper rooms know, as the reader of files takes them."""
    made: dict[str, Any] = _for_people(Example.model_json_schema(schema_generator=_Defaults))
    records = made["$defs"]
    for record in records.values():
        record.pop("description", None)  # it speaks to readers of the code
    _offer(made["properties"], "notation", known["notation"])
    for key in ("lang", "style", "form", "detail"):
        _offer(records["DerivationOptions"]["properties"], key, known[key])
    _suggest(records["Dense"]["properties"], "activation", (*ACTIVATIONS, "generic"))
    _suggest(records["Network"]["properties"], "loss", tuple(LOSSES))
    made["properties"]["phrases"]["propertyNames"] = {"enum": [*known["phrases"], *known["lang"]]}
    about = {"$schema": DIALECT, "title": "bpsym example", "description": "An example file of bpsym (TOML)."}
    return json.dumps(made | about, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _offer(properties: dict[str, Any], key: str, names: Sequence[str]) -> None:
    """One of these names, and nothing else."""
    properties[key]["enum"] = list(names)


def _suggest(properties: dict[str, Any], key: str, names: Sequence[str]) -> None:
    """One of these names, or a formula."""
    del properties[key]["type"]
    properties[key]["anyOf"] = [{"enum": list(names)}, {"type": "string"}]


def _for_people(node: Any) -> Any:
    """Without null, which TOML does not have, and without titles that are the key once more."""
    if isinstance(node, list):
        return [_for_people(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _for_people(value) for key, value in node.items() if not _is_noise(key, value)}
    others = [one for one in kept.pop("anyOf", ()) if one != {"type": "null"}]
    if len(others) == 1:
        return kept | others[0]
    return kept | ({"anyOf": others} if others else {})


def _is_noise(key: str, value: Any) -> bool:
    return (key, value) == ("default", None) or (key == "title" and isinstance(value, str))
