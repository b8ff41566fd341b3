"""An example: a network, numbers for it, and how it is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from bpsym.network.description import Network
from bpsym.network.exact import Exact, Rows
from bpsym.network.record import Record


class Data(Record):
    """x: (samples, inputs); t: (samples, outputs)."""

    x: Rows
    t: Rows


class Training(Record):
    """A step is one update with all samples."""

    learning_rate: Exact = 1  # type: ignore[assignment]
    steps: Annotated[int, Field(ge=0, strict=True)] = 0
    optimizer: str = "sgd"
    update: Literal["simultaneous"] = "simultaneous"


class Example(Record):
    """What a person writes."""

    title: str | None = None
    source: str | None = None
    notation: str = "standard"
    network: Network
    data: Data | None = None
    training: Training = Training()
    derivation: dict[str, Any] | None = None
    phrases: dict[str, str] = {}
