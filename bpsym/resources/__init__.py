"""Where bpsym's data files are: templates, packs, presets and phrases, installed or in a checkout."""

from __future__ import annotations

from pathlib import Path

from bpsym.errors import BpsymError

_PACKAGE = Path(__file__).resolve().parent.parent
_TEMPLATES = "templates"


def template_folder() -> Path:
    """The folder of templates: inside the package in a wheel, beside it in a checkout (and an editable install)."""
    places = (_PACKAGE / _TEMPLATES, _PACKAGE.parent / _TEMPLATES)
    for place in places:
        if place.is_dir():
            return place
    raise BpsymError(
        f"the templates are missing from this installation (looked in {places[0]} and {places[1]})"
    )


def place(relative: str) -> Path:
    """The path of a file or folder that the package brings, such as "notation/packs"; it need not exist."""
    first, _, rest = relative.partition("/")
    return template_folder() / rest if first == _TEMPLATES else _PACKAGE / relative


def text(relative: str) -> str:
    """The text of a file that the package brings; BpsymError where the installation lacks it."""
    try:
        return place(relative).read_text(encoding="utf-8")
    except OSError as error:
        raise BpsymError(f"{relative} is missing from this installation: {error.strerror}") from error


def names(folder: str, suffix: str) -> tuple[str, ...]:
    """The names, without the suffix, of the folder's files that end with it, sorted; none where there is no folder."""
    found = place(folder).glob(f"*{suffix}")
    return tuple(sorted(path.name.removesuffix(suffix) for path in found if path.is_file()))
