"""Documents, trainers and the picture of each example, as files; and whether they are still what would be written."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from bpsym import api
from bpsym.errors import MissingProgramError, OutputError, UsageError
from bpsym.publish import manifest, tex
from bpsym.publish.manifest import Folder, Manifest
from bpsym.resources import files

if TYPE_CHECKING:
    pass

PICTURED, PICTURE = "derivation.en.tex", "derivation.en.png"


@dataclass(frozen=True)
class Generated:
    """One example: made_from as it was asked for, texts by the files' names; left_out: what is said of the others."""

    folder: str
    made_from: str
    texts: Mapping[str, bytes]
    left_out: str = ""


@dataclass(frozen=True)
class Plan:
    """What should be in a folder, beside what is known to be in it."""

    root: Path
    old: Manifest
    generated: tuple[Generated, ...]
    removed: tuple[tuple[str, str], ...]

    @property
    def new(self) -> Manifest:
        """The manifest after all is written, pictures as they were."""
        kept = {
            name: replace(
                folder,
                files={file: folder.files[file] for file in folder.files if (name, file) not in self.removed},
            )
            for name, folder in self.old.folders.items()
        }
        made = {each.folder: Folder(each.made_from, self._entries(each)) for each in self.generated}
        return Manifest({name: folder for name, folder in (kept | made).items() if folder.files})

    @property
    def texts(self) -> dict[Path, bytes]:
        """Every text by its path; the manifest first: should writing break off, what it lists may still be replaced."""
        listed = {self.root / manifest.NAME: self.new.text().encode()}
        return listed | {
            self.root / each.folder / name: text
            for each in self.generated
            for name, text in each.texts.items()
        }

    def _entries(self, each: Generated) -> dict[str, manifest.Entry]:
        picture = self.old.entry(each.folder, PICTURE)
        entries = {name: manifest.written(text) for name, text in each.texts.items()}
        return entries | ({PICTURE: picture} if picture else {})


def generate(names: Sequence[str], root: Path, say: Callable[[str], None], *, force: bool = False) -> None:
    """Write everything of these examples (of all presets, where none is named) into the folder `root`.

    OutputError where a file is in the way that bpsym did not write; nothing is written then.
    """
    plan = _plan(names, root, force)
    for path in _in_the_way(plan):
        raise OutputError(
            f"{path}: already there, and not written by bpsym; move it away, or choose another folder with -o"
        )
    for each in plan.generated:
        files.make_folder(root / each.folder)
    files.write_all({path: text for path, text in plan.texts.items() if _content(path) != text})
    for folder, name in plan.removed:
        files.remove(root / folder / name)
    for each in plan.generated:
        if each.left_out:
            say(f"{root / each.folder}: {each.left_out}")
    _remake_pictures(plan, say)


def check(names: Sequence[str], root: Path, *, force: bool = False) -> str:
    """What `generate` would change, as a diff and one line for each file that is missing or too many; "" if nothing."""
    plan = _plan(names, root, force)
    stale = [_difference(path, text) for path, text in plan.texts.items() if _content(path) != text]
    too_many = [f"listed no longer: {root / folder / name}\n" for folder, name in plan.removed]
    return "".join([*stale, *_stale_pictures(plan), *too_many])


def _plan(names: Sequence[str], root: Path, force: bool) -> Plan:
    if root.exists() and not root.is_dir():
        raise OutputError(f"{root}: cannot be written into: it is not a folder")
    old = manifest.read(root)
    made_from = _folders(names or api.presets())
    generated = tuple(_generated(folder, name, force) for folder, name in made_from.items())
    kept = {each.folder: {*each.texts, PICTURE} for each in generated}
    if not names:
        kept |= {
            folder: set()
            for folder, known in old.folders.items()
            if folder not in kept and known.made_from == folder
        }
    removed = tuple(
        (folder, name) for folder in kept for name in _listed(old, folder) if name not in kept[folder]
    )
    return Plan(root, old, generated, removed)


def _folders(names: Sequence[str]) -> dict[str, str]:
    """The name of each example's folder -> what it is made from. UsageError where two would share a folder."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        folder = _package(Path(name).stem) if name not in api.presets() else name
        if folder in found:
            raise UsageError(
                f"{found[folder]} and {name} would both be written into a folder {folder}; rename one"
            )
        found[folder] = name
    return found


def _package(stem: str) -> str:
    """A name that Python can import: my-net -> my_net, 2-2-1 -> _2_2_1, class -> class_."""
    name = re.sub(r"\W|^(?=\d)", "_", stem)
    return f"{name}_" if keyword.iskeyword(name) else name


def _generated(folder: str, made_from: str, force: bool) -> Generated:
    with api.placed(made_from):
        example = api.load(made_from)
        texts = api.files(example, force=force)
    encoded = {name: text.encode() for name, text in texts.items()}
    return Generated(folder, made_from, encoded, api.left_out(example, force=force))


def _listed(known: Manifest, folder: str) -> tuple[str, ...]:
    return tuple(known.folders[folder].files) if folder in known.folders else ()


def _in_the_way(plan: Plan) -> list[Path]:
    """Files that would be replaced or removed, but are not as bpsym left them and not known to it."""
    listed = {plan.root / manifest.NAME}
    listed |= {
        plan.root / folder / name for folder in plan.old.folders for name in plan.old.folders[folder].files
    }
    return [
        path for path, text in plan.texts.items() if path not in listed and _content(path) not in (None, text)
    ]


def _content(path: Path) -> bytes | None:
    """What is in a file; None where there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise files.unwritable(path, error) from error


def _difference(path: Path, text: bytes) -> str:
    content = _content(path)
    if content is None:
        return f"missing: {path}\n"
    old, new = (each.decode("utf-8", errors="replace").splitlines(keepends=True) for each in (content, text))
    lines = unified_diff(old, new, str(path), f"{path} (as it would be generated)")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _stale_pictures(plan: Plan) -> list[str]:
    """A line for each listed picture that is not there, or shows an older text."""
    found = []
    for each in plan.generated:
        known, path = plan.old.entry(each.folder, PICTURE), plan.root / each.folder / PICTURE
        if known and not path.is_file():
            found.append(f"missing: {path}\n")
        elif known and known != manifest.pictured(each.texts[PICTURED]):
            found.append(f"stale: {path} (shows an older {PICTURED}; generate again where TeX is)\n")
    return found


def _remake_pictures(plan: Plan, say: Callable[[str], None]) -> None:
    """Make the pictures anew whose text has changed. Where there is no TeX, pictures and manifest stay as they are."""
    current = plan.new
    for each in plan.generated:
        if PICTURED not in each.texts:
            continue
        path, entry = plan.root / each.folder / PICTURE, manifest.pictured(each.texts[PICTURED])
        known = plan.old.entry(each.folder, PICTURE)
        if known == entry and path.is_file():
            continue
        if known is None and path.exists():
            say(f"{path}: left alone: it was not written by bpsym")
            continue
        try:
            picture = tex.page_as_png(tex.compiled(each.texts[PICTURED].decode()).pdf)
        except MissingProgramError as error:
            say(f"{path}: not made: {error}")
            return
        folder = current.folders[each.folder]
        updated = replace(folder, files={**folder.files, PICTURE: entry})
        current = Manifest({**current.folders, each.folder: updated})
        files.write_all({plan.root / manifest.NAME: current.text().encode(), path: picture})
