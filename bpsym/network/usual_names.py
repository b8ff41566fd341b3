"""Names as other libraries and books write them: which of the known ones is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpsym.network.expressions import FUNCTIONS

ALSO = {
    "linear": "identity",
    "none": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
    "categoricalcrossentropy": "cross_entropy",
    "binarycrossentropy": "binary_cross_entropy",
    "bce": "binary_cross_entropy",
    "mse": "mean_squared_error",
    "mae": "absolute_error",
}
"""What a name without capitals, hyphens and underscores is called here."""

_CALLED = re.compile(r"\s*(?P<name>[A-Za-z][\w -]*)\([^()]*\)\s*", re.ASCII)
_NAME = re.compile(r"\s*[A-Za-z][\w -]*", re.ASCII)


def usual_name(text: str, known: Iterable[str]) -> str:
    """The end of a message: what to write for a known name in other letters, or for one that is called; else ""."""
    names = {_bare(name): name for name in known}
    if (called := _CALLED.fullmatch(text)) and called["name"].strip() not in FUNCTIONS:
        name = names.get(_bare(called["name"])) or _other(_bare(called["name"]), names)
        return f' (write "{name}")' if name else ""
    if not _NAME.fullmatch(text):
        return ""
    if (bare := _bare(text)) in names:
        return f" (did you mean {names[bare]!r}?)"
    other = _other(bare, names)
    return f" (here it is {other!r})" if other else ""


def _other(bare: str, names: dict[str, str]) -> str:
    other = ALSO.get(bare, "")
    return other if other in names.values() else ""


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
