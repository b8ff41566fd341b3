"""What the command line asks of a run; its files are checked before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpsym.errors import UsageError
from bpsym.examples.example import Example
from bpsym.resources.files import writable
from bpsym.training import plotting, saving

STDOUT = Path("-")


@dataclass(frozen=True)
class Request:
    """settings: those of the example that the command line changes; force: a trainer however long."""

    example: Example
    name: str
    target: str | None
    settings: Mapping[str, Any]
    epochs: int | None = None
    every: int | None = None
    save: Path | None = None
    resume: Path | None = None
    log: Path | None = None
    plot: Path | None = None
    force: bool = False

    @property
    def outputs(self) -> dict[str, Path]:
        """The files that are written, by their options."""
        save = None if self.save == STDOUT else self.save
        named = {"--save": save, "--log": self.log, "--plot": self.plot}
        return {option: path for option, path in named.items() if path is not None}


_SUFFIXES = {
    "--save": tuple(saving.FORMATS),
    "--resume": tuple(saving.FORMATS),
    "--log": (".csv",),
    "--plot": plotting.SUFFIXES,
}


def check_files(request: Request) -> None:
    """UsageError for a name that does not say which format, or says two things; OutputError for what cannot be written.

    MissingProgramError where a picture is asked for and nothing can draw it.
    """
    for option, path in request.outputs.items():
        _check_suffix(option, path)
        writable(path)
        if path.resolve() in {other.resolve() for name, other in request.outputs.items() if name != option}:
            raise UsageError(f"{option}: {path} is named by another option, too")
    if request.resume is not None:
        _check_suffix("--resume", request.resume)
    if request.plot is not None:
        plotting.require()


def _check_suffix(option: str, path: Path) -> None:
    suffixes = _SUFFIXES[option]
    if path.suffix.lower() not in suffixes:
        instead = " or ".join(str(path.with_suffix(suffix)) for suffix in suffixes) if path.name else "a name"
        raise UsageError(f"{option}: {path} must end in {' or '.join(suffixes)} (write {option} {instead})")
