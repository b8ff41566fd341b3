"""TeX: a document's PDF and log, and a page of it as a picture."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bpsym.errors import MissingProgramError, OutputError

PACKAGES = {
    "latexmk": "latexmk",
    "pdflatex": "texlive-latex-base and texlive-pictures",
    "xelatex": "texlive-xetex, texlive-lang-chinese and texlive-fonts-recommended",
    "pdftoppm": "poppler-utils",
}
"""Which Debian package brings a program, with what bpsym's documents need beside it."""

FAULTS = (
    r"^! .*",
    r"^.*Missing character.*",
    r"^.*undefined references.*",
    r"^.*Reference .* undefined.*",
    r"^.*multiply[- ]defined.*",
)
OVERFULL = re.compile(r"^Overfull \\[hv]box \((?P<points>[\d.]+)pt too (?:wide|high)\).*", re.MULTILINE)
SECONDS = 120


@dataclass(frozen=True)
class Compiled:
    """What TeX made of a document."""

    pdf: bytes
    log: str
    aux: str


def engine(source: str) -> str:
    """The TeX that the document asks for: "xelatex" where its first lines say so, else "pdflatex"."""
    return "xelatex" if re.search(r"^% *!TeX program *= *xelatex", source, re.MULTILINE) else "pdflatex"


def compiled(source: str, beside: Mapping[str, str] | None = None) -> Compiled:
    """The compiled document; beside: files that it inputs, by their names.

    MissingProgramError where there is no TeX; OutputError with TeX's first complaint where it stops.
    """
    program = engine(source)
    latexmk, _ = found("latexmk"), found(program)
    with TemporaryDirectory(prefix="bpsym-") as name:
        folder = Path(name)
        for file, text in {"document.tex": source, **(beside or {})}.items():
            (folder / file).write_bytes(text.encode())
        mode = "-pdfxe" if program == "xelatex" else "-pdf"
        options = ["-norc", mode, "-interaction=nonstopmode", "-halt-on-error"]
        result = _run([latexmk, *options, "document.tex"], folder)
        log = _text(folder / "document.log")
        if result.returncode:
            raise OutputError(f"TeX stopped: {_first_complaint(log) or result.stdout.strip()[-500:]}")
        return Compiled((folder / "document.pdf").read_bytes(), log, _text(folder / "document.aux"))


def faults(log: str, allowed_points: float = 1.0) -> tuple[str, ...]:
    """The lines of a log that no published document may have: errors, lost characters, references, overfull boxes."""
    complaints = [match[0] for pattern in FAULTS for match in re.finditer(pattern, log, re.MULTILINE)]
    wide = [match[0] for match in OVERFULL.finditer(log) if float(match["points"]) > allowed_points]
    return (*complaints, *wide)


def page_as_png(pdf: bytes, page: int = 1, dots_per_inch: int = 110) -> bytes:
    """One page as a picture. MissingProgramError where pdftoppm is not there."""
    pdftoppm = found("pdftoppm")
    with TemporaryDirectory(prefix="bpsym-") as name:
        folder = Path(name)
        (folder / "document.pdf").write_bytes(pdf)
        options = ["-png", "-singlefile", "-r", str(dots_per_inch), "-f", str(page), "-l", str(page)]
        result = _run([pdftoppm, *options, "document.pdf", "page"], folder)
        if result.returncode:
            raise OutputError(f"pdftoppm stopped: {result.stdout.strip()[-500:]}")
        return (folder / "page.png").read_bytes()


def found(program: str) -> str:
    """Where a program is. MissingProgramError names the package that brings it."""
    path = shutil.which(program)
    if path is None:
        package = PACKAGES[program]
        raise MissingProgramError(
            f"{program} is not installed; on Debian and Ubuntu it comes with {package}", package
        )
    return path


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run in the folder, with lines of the log unbroken and nothing read or written outside the folder."""
    environment = os.environ | {
        "max_print_line": "10000",
        "openout_any": "p",
        "SOURCE_DATE_EPOCH": "0",
        "FORCE_SOURCE_DATE": "1",
    }
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OutputError(f"{Path(command[0]).name} did not end within {SECONDS} seconds") from error


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace") if path.exists() else ""


def _first_complaint(log: str) -> str:
    match = re.search(r"^! .*(?:\n.*){0,6}", log, re.MULTILINE)
    return match[0] if match else ""
