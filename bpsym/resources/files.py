"""Writing files: all of each or nothing, all of them or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bpsym.errors import OutputError


def write(path: Path, content: bytes) -> None:
    """Put the content into the file. OutputError where that cannot be done; the old file is then as it was.

    What is no regular file (a device, a pipe) is written to as it stands, and never replaced.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        _write_into(path, content)
    else:
        write_all({path: content})


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Put each content into its file, in this order; none is touched before all of them are on the disk.

    OutputError where one cannot be written: a folder, a missing folder, no permission, no space left.
    """
    staged: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            target = writable(path)
            staged[target] = _stage(target, content)
        for target, temporary in staged.items():
            temporary.replace(target)
    except OSError as error:
        raise unwritable(Path(error.filename or path), error) from error
    finally:
        for temporary in staged.values():
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def create(path: Path, content: bytes) -> None:
    """Put the content into a new file. OutputError where there is one already, or where none can be made."""
    try:
        with path.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        raise OutputError(f"{path}: already there, and left as it is; choose another name") from None
    except OSError as error:
        raise unwritable(path, error) from error


def make_folder(path: Path) -> None:
    """The folder and those above it. OutputError where a file is in the way."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def remove(path: Path) -> None:
    """Remove a file, if it is there, and its folder, if nothing else is in it."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    with suppress(OSError):  # not empty
        path.parent.rmdir()


def writable(path: Path) -> Path:
    """Where the file really is (a link stays a link). OutputError for what cannot be replaced by a file."""
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        raise OutputError(f"{path}: cannot be written: it is a link that leads back to itself") from None
    if target.is_dir():
        raise OutputError(f"{path}: cannot be written: it is a folder; name a file in it")
    if not target.parent.is_dir():
        link = f"it is a link to {target}, and " if path.is_symlink() else ""
        folder = target.parent if link else path.parent
        raise OutputError(f"{path}: cannot be written: {link}there is no folder {folder}")
    if target.exists() and not os.access(target, os.W_OK):
        raise OutputError(f"{path}: cannot be written: it is read-only")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: cannot be written: the folder {path.parent} is read-only")
    return target


def unwritable(path: Path, error: OSError) -> OutputError:
    """What to say where the system refuses."""
    return OutputError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}")


def _stage(target: Path, content: bytes) -> Path:
    """The content in a new file beside the target, with the permissions that the target has or would get."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
        if target.exists():
            shutil.copymode(target, temporary)
    except BaseException as error:
        if not isinstance(error, FileExistsError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(target)  # the user knows nothing of the temporary one
        raise
    return temporary


def _write_into(path: Path, content: bytes) -> None:
    try:
        with path.open("wb", buffering=0) as stream:
            stream.write(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(path, error) from error
