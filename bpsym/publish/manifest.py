"""`manifest.json`: which files of a folder bpsym wrote, so that it never touches another one.

    {"blog": {"made from": "blog", "files": {"trainer_numpy.py": {"sha256": "..."},
                                             "derivation.en.png": {"source": "..."}}}}

A text has its own hash; a picture, which differs between versions of TeX, has that of the text it was made from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bpsym.errors import OutputError

NAME = "manifest.json"


@dataclass(frozen=True)
class Entry:
    """One written file: `kind` says what was hashed, "sha256" (the file) or "source" (what a picture shows)."""

    kind: str
    hash: str


@dataclass(frozen=True)
class Folder:
    """What one example became: made_from as on the command line, files by their names."""

    made_from: str
    files: Mapping[str, Entry]


@dataclass(frozen=True)
class Manifest:
    """The folders by their names."""

    folders: Mapping[str, Folder]

    def text(self) -> str:
        """The content of the manifest's file, in the order of the names."""
        table = {
            name: {
                "made from": folder.made_from,
                "files": {file: {entry.kind: entry.hash} for file, entry in sorted(folder.files.items())},
            }
            for name, folder in sorted(self.folders.items())
        }
        return json.dumps(table, indent=2, ensure_ascii=False) + "\n"

    def entry(self, folder: str, file: str) -> Entry | None:
        """What is known of a file; None of one that bpsym did not write."""
        return self.folders[folder].files.get(file) if folder in self.folders else None


def written(content: bytes) -> Entry:
    """The entry of a file with this content."""
    return Entry("sha256", sha256(content).hexdigest())


def pictured(source: bytes) -> Entry:
    """The entry of a picture of this source."""
    return Entry("source", sha256(source).hexdigest())


def read(root: Path) -> Manifest:
    """The manifest in this folder; an empty one where there is none. OutputError for one that bpsym did not write."""
    path = root / NAME
    try:
        return _manifest(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return Manifest({})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise OutputError(
            f"{path}: not a manifest that bpsym wrote; move it away, or choose another folder with -o"
        ) from error


def _manifest(table: dict[str, Any]) -> Manifest:
    return Manifest({_plain(name): _folder(folder) for name, folder in table.items()})


def _folder(table: dict[str, Any]) -> Folder:
    files = {
        _plain(name): Entry(*map(str, next(iter(entry.items())))) for name, entry in table["files"].items()
    }
    return Folder(str(table["made from"]), files)


def _plain(name: str) -> str:
    """The name, if it is one. ValueError for a path, which could lead out of the folder."""
    if name in ("", ".", "..") or any(separator in name for separator in "/\\:\0"):
        raise ValueError(name)
    return name
