"""A table as TOML text that tomllib reads back as the same: numbers exact, a record's keys in their order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from bpsym.network.exact import LARGEST_EXPONENT, MOST_DIGITS, SMALLEST_EXPONENT

WIDEST = 100
_LARGEST_INTEGER = 2**63 - 1
"""The largest that every TOML reader knows."""


def toml(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """The table's own pairs, then its tables under their headers."""
    plain = {key: value for key, value in table.items() if not _is_headed(value)}
    headed = {key: value for key, value in table.items() if _is_headed(value)}
    parts = ["".join(f"{_key(key)} = {text(value, len(key) + 3)}\n" for key, value in plain.items())]
    for key, value in headed.items():
        parts += _headed((*path, key), value)
    return "\n".join(part for part in parts if part)


def _headed(path: tuple[str, ...], value: Any) -> Iterator[str]:
    name = ".".join(map(_key, path))
    if not isinstance(value, Mapping):
        yield from (f"[[{name}]]\n{toml(one, path)}" for one in value)
    elif not value or any(not _is_headed(one) for one in value.values()):
        yield f"[{name}]\n{toml(value, path)}"
    else:
        yield toml(value, path)


def _is_headed(value: Any) -> bool:
    """Whether it is a table or an array of tables: they stand under headers, after everything else."""
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(one, Mapping) for one in value)
    )


def text(value: Any, start: int = 0) -> str:
    """A value as TOML writes it; start: how many characters stand before it on its line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _quoted(value)
        case int():  # a seed, or how many: never with a point
            return str(value)
        case Fraction():
            return number(value)
    entries = [text(entry) for entry in value]
    line = f"[{', '.join(entries)}]"
    if start + len(line) <= WIDEST or not any(isinstance(entry, list | tuple) for entry in value):
        return line
    return "[\n" + "".join(f"  {entry},\n" for entry in entries) + "]"


def number(value: Fraction) -> str:
    """The exact number: 2, 0.1, 1e-10; in quotes as a quotient, "1/3", where it has no decimal."""
    if value.denominator == 1 and abs(value) <= _LARGEST_INTEGER:
        return str(value)
    decimal = _decimal(value)
    if decimal is None:
        return f'"{value}"'
    written = str(decimal).lower().replace("e+", "e")
    return written if set(written) & set(".e") else f"{written}.0"


def _decimal(value: Fraction) -> Decimal | None:
    """The decimal that is exactly the fraction; None where there is none that a file may hold."""
    places = max(_power(value.denominator, 2), _power(value.denominator, 5))
    digits, rest = divmod(value.numerator * 10**places, value.denominator)
    if rest:
        return None
    decimal = Decimal(digits).scaleb(-places, _EXACT).normalize(_EXACT)
    fits = len(decimal.as_tuple().digits) <= MOST_DIGITS
    return decimal if fits and SMALLEST_EXPONENT <= decimal.adjusted() <= LARGEST_EXPONENT else None


_EXACT = Context(prec=10_000)


def _power(number: int, prime: int) -> int:
    power = 0
    while number % prime == 0:
        number //= prime
        power += 1
    return power


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
