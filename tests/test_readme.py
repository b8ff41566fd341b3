"""The README is true: every block of it is run, in the order in which a reader meets them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bpsym.publish import tex
from tests.running import ROOT, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A fenced block: the language after the fence, what is inside, and the line of the README where it begins."""

    language: str
    text: str
    line: int


def blocks(markdown: str) -> list[Block]:
    fences = re.finditer(r"^```(\w*)\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)
    return [Block(fence[1], fence[2], markdown[: fence.start()].count("\n") + 1) for fence in fences]


BLOCKS = blocks(README)


def of_language(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def run(command: list[str], folder: Path) -> str:
    """What a command prints in this folder; it must end with 0 and complain of nothing."""
    result = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode("utf-8")


def sessions(text: str) -> list[tuple[str, str]]:
    """Each command after a `$`, and the output shown below it (which may end in `...`)."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    assert parts[0] == ""
    return list(zip(parts[1::2], parts[2::2], strict=True))


def assert_begins(real: str, shown: str) -> None:
    assert real.startswith(re.sub(r"^\.\.\.\n\Z", "", shown, flags=re.MULTILINE))


def run_console(block: Block, folder: Path) -> None:
    for command, shown in sessions(block.text):
        words = shlex.split(command)
        assert words[0] == "python", command
        assert_begins(run([sys.executable, *words[1:]], folder), shown)


def run_python(block: Block, folder: Path) -> None:
    """The block prints what the next block shows, if that one is a text."""
    (folder / "block.py").write_text(block.text, encoding="utf-8")
    printed = run([sys.executable, "block.py"], folder)
    following = BLOCKS[BLOCKS.index(block) + 1]
    if following.language == "text":
        assert_begins(printed, following.text)


def save_toml(block: Block, folder: Path) -> None:
    (folder / "mine.toml").write_text(block.text, encoding="utf-8")


def leave_to_another_test(block: Block, folder: Path) -> None:
    pass


RUNNERS: dict[str, Callable[[Block, Path], None]] = {
    "console": run_console,
    "python": run_python,
    "toml": save_toml,
    "text": leave_to_another_test,  # it is what the block before prints
    "sh": leave_to_another_test,  # it installs: CI runs it
    "latex": leave_to_another_test,  # it needs TeX
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader tries the README out: what one block writes, the next ones read."""
    folder = tmp_path_factory.mktemp("reader")
    for block in BLOCKS:
        try:
            RUNNERS[block.language](block, folder)
        except AssertionError as error:
            raise AssertionError(f"README.md:{block.line}: {error}") from error
    return folder


def test_every_block_runs_and_prints_what_the_readme_shows(folder: Path) -> None:
    assert (folder / "derivation.tex").is_file()
    assert (folder / "mine.tex").is_file()
    assert (folder / "made" / "mine" / "trainer_numpy.py").is_file()


@pytest.mark.latex
def test_the_fragments_are_embedded_as_the_readme_says(folder: Path) -> None:
    first, second = ([*block.text.splitlines()] for block in of_language("latex"))
    assert (len(first), len(second)) == (3, 3)
    fragments = {
        f"{name}.tex": (folder / f"{name}.tex").read_text(encoding="utf-8") for name in ("derivation", "xor")
    }
    for lines in (first, [*first, *second]):
        result = tex.compiled(host(lines), fragments)
        assert tex.faults(result.log) == ()
    without_prefix = host([*first, second[1]])
    assert "multiply defined" in tex.compiled(without_prefix, fragments).log


def host(lines: list[str]) -> str:
    """A document of somebody's own with these lines in it."""
    preamble = [line for line in lines if line.startswith(r"\usepackage")]
    body = [line for line in lines if line not in preamble]
    return "\n".join(
        [
            r"\documentclass[11pt,a4paper]{article}",
            *preamble,
            r"\begin{document}",
            *body,
            r"\end{document}",
            "",
        ]
    )


def test_the_commands_that_install_are_run_by_ci() -> None:
    run_by_ci = [line.strip() for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()]
    commands = [block.text.strip() for block in of_language("sh")]
    assert commands == [
        "pip install . && python -m bpsym derive --latex",
        'pip install -e ".[test]" && pytest',
    ]
    for command in commands:
        assert any(line == command or line.startswith(f"{command} >") for line in run_by_ci), command


def test_the_command_is_shown_with_the_beginning_of_its_real_output() -> None:
    (command, shown), *_ = sessions(of_language("console")[0].text)
    assert command == "python -m bpsym derive --latex"
    assert len(shown.splitlines()) >= 5


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)]*)\)", README)
    local = [link for link in links if "://" not in link]
    assert "generated/blog/derivation.en.png" in local
    assert [link for link in local if not (ROOT / link).is_file()] == []


def test_a_shown_output_is_compared_from_its_beginning() -> None:
    assert sessions("$ one\na\nb\n...\n$ two\n") == [("one", "a\nb\n...\n"), ("two", "")]
    assert_begins("a\nb\nc\n", "a\nb\n...\n")
    with pytest.raises(AssertionError):
        assert_begins("a\nb\nc\n", "a\nc\n...\n")
