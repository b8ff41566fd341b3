"""Whole files or none, and only files that bpsym wrote."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bpsym import api
from bpsym.errors import MissingProgramError, OutputError, UsageError
from bpsym.publish import generate, manifest, tex
from bpsym.publish.manifest import Entry
from bpsym.resources import files

PNG = b"\x89PNG of "
TEXTS = {"derivation.en.tex": "a document\n", "trainer_python.py": "x = 1\ny = 2\n", "__init__.py": ""}


class StandIn:
    """The rooms below, and TeX, with answers that a test can change."""

    def __init__(self) -> None:
        self.presets: tuple[str, ...] = ("blog",)
        self.texts = dict(TEXTS)
        self.left_out = ""
        self.compiled: list[str] = []
        self.has_tex = True

    def compile(self, source: str) -> tex.Compiled:
        if not self.has_tex:
            raise MissingProgramError("latexmk is not installed", "latexmk")
        self.compiled.append(source)
        return tex.Compiled(source.encode(), "", "")


@pytest.fixture
def below(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    below = StandIn()
    monkeypatch.setattr(api, "presets", lambda: below.presets)
    monkeypatch.setattr(api, "load", lambda name: name)
    monkeypatch.setattr(api, "files", lambda example, force: dict(below.texts))
    monkeypatch.setattr(api, "left_out", lambda example, force: below.left_out)
    monkeypatch.setattr(tex, "compiled", below.compile)
    monkeypatch.setattr(tex, "page_as_png", lambda pdf: PNG + pdf)
    return below


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "generated"


def write(root: Path, *names: str) -> list[str]:
    said: list[str] = []
    generate.generate(names, root, said.append)
    return said


def listing(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def manifest_of(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "manifest.json").read_text(encoding="utf-8")))


# --- generate and --check -------------------------------------------------------------------------


def test_every_file_is_written_and_listed_with_its_hash(below: StandIn, root: Path) -> None:
    assert write(root) == []
    assert listing(root) == [
        *(f"blog/{name}" for name in sorted([*TEXTS, "derivation.en.png"])),
        "manifest.json",
    ]
    assert manifest_of(root) == {
        "blog": {
            "made from": "blog",
            "files": {
                "__init__.py": {"sha256": sha256(b"").hexdigest()},
                "derivation.en.png": {"source": sha256(b"a document\n").hexdigest()},
                "derivation.en.tex": {"sha256": sha256(b"a document\n").hexdigest()},
                "trainer_python.py": {"sha256": sha256(b"x = 1\ny = 2\n").hexdigest()},
            },
        }
    }


def test_what_is_left_out_is_said_where_something_is_written(below: StandIn, root: Path) -> None:
    below.left_out = "no trainers: nothing to compute"
    assert write(root) == [f"{root / 'blog'}: no trainers: nothing to compute"]


def test_what_was_just_generated_is_not_stale(below: StandIn, root: Path) -> None:
    write(root)
    assert generate.check((), root) == ""


def test_nothing_is_touched_that_is_as_it_would_be_written(below: StandIn, root: Path) -> None:
    write(root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    write(root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before


def test_a_stale_file_shows_as_a_diff_from_what_is_there_to_what_would_be(below: StandIn, root: Path) -> None:
    write(root)
    (root / "blog" / "trainer_python.py").write_bytes(b"x = 1\ny = 3\n")
    assert "\n-y = 3\n+y = 2\n" in generate.check((), root)
    write(root)
    assert generate.check((), root) == ""


def test_a_missing_file_is_named(below: StandIn, root: Path) -> None:
    write(root)
    (root / "blog" / "__init__.py").unlink()
    assert generate.check((), root) == f"missing: {root / 'blog' / '__init__.py'}\n"


def test_everything_is_missing_before_the_first_time(below: StandIn, root: Path) -> None:
    assert len(generate.check((), root).splitlines()) == len(TEXTS) + 1
    assert not root.exists()


def test_a_file_that_is_written_no_longer_is_named_and_then_removed(below: StandIn, root: Path) -> None:
    write(root)
    del below.texts["trainer_python.py"]
    assert f"listed no longer: {root / 'blog' / 'trainer_python.py'}\n" in generate.check((), root)
    write(root)
    assert "blog/trainer_python.py" not in listing(root)
    assert generate.check((), root) == ""


def test_a_preset_that_is_no_more_leaves_nothing_behind(below: StandIn, root: Path) -> None:
    below.presets = ("blog", "old")
    write(root)
    below.presets = ("blog",)
    assert f"listed no longer: {root / 'old' / '__init__.py'}\n" in generate.check((), root)
    write(root)
    assert not (root / "old").exists()
    assert "old" not in manifest_of(root)


def test_the_files_of_examples_that_were_not_asked_for_stay(below: StandIn, root: Path) -> None:
    write(root, "mine.toml")
    write(root)
    write(root, "blog")
    assert set(manifest_of(root)) == {"blog", "mine"}
    assert "mine/trainer_python.py" in listing(root)
    assert generate.check((), root) == generate.check(("mine.toml",), root) == ""


def test_a_file_that_bpsym_did_not_write_is_never_replaced(below: StandIn, root: Path) -> None:
    (root / "blog").mkdir(parents=True)
    (root / "blog" / "trainer_python.py").write_text("mine")
    with pytest.raises(OutputError, match=r"trainer_python\.py: already there, and not written by bpsym"):
        write(root)
    assert listing(root) == ["blog/trainer_python.py"]
    assert (root / "blog" / "trainer_python.py").read_text() == "mine"


def test_an_unlisted_file_that_is_right_already_is_taken_over(below: StandIn, root: Path) -> None:
    (root / "blog").mkdir(parents=True)
    (root / "blog" / "trainer_python.py").write_bytes(TEXTS["trainer_python.py"].encode())
    write(root)
    assert "trainer_python.py" in manifest_of(root)["blog"]["files"]


def test_a_file_of_ones_own_beside_the_generated_ones_stays(below: StandIn, root: Path) -> None:
    write(root)
    (root / "blog" / "notes.txt").write_text("mine")
    write(root)
    assert (root / "blog" / "notes.txt").read_text() == "mine"
    assert generate.check((), root) == ""


def test_two_examples_that_would_share_a_folder_are_refused(below: StandIn, root: Path) -> None:
    with pytest.raises(UsageError, match=r"a/net\.toml and b/net\.toml would both be written"):
        write(root, "a/net.toml", "b/net.toml")
    with pytest.raises(UsageError):
        write(root, "blog", "my/blog.toml")
    assert not root.exists()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("class.toml", "class_"),
        ("my-net.toml", "my_net"),
        ("2-2-1.toml", "_2_2_1"),
        ("netz_ä.toml", "netz_ä"),
    ],
)
def test_a_folder_is_a_package_that_python_can_import(
    below: StandIn, root: Path, name: str, folder: str
) -> None:
    write(root, name)
    assert list(manifest_of(root)) == [folder]
    compile(f"import generated.{folder}", "", "exec")


@pytest.mark.parametrize("name", ["...toml", "a b.toml", "../up.toml"])
def test_a_folder_is_never_outside_the_one_asked_for(below: StandIn, root: Path, name: str) -> None:
    write(root, name)
    (folder,) = manifest_of(root)
    assert (root / folder / "__init__.py").is_file()
    assert [path.name for path in root.parent.iterdir()] == ["generated"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"blog": []}',
        '{"blog": {"files": {}}}',
        '{"..": {"made from": "x", "files": {}}}',
        '{"blog": {"made from": "blog", "files": {"../../passwd": {"sha256": "0"}}}}',
    ],
)
def test_a_manifest_that_bpsym_did_not_write_is_refused(below: StandIn, root: Path, text: str) -> None:
    root.mkdir()
    (root / "manifest.json").write_text(text)
    with pytest.raises(OutputError, match="not a manifest that bpsym wrote"):
        write(root)
    assert listing(root) == ["manifest.json"]


def test_a_file_where_the_folder_should_be_is_refused(below: StandIn, root: Path) -> None:
    root.write_text("mine")
    with pytest.raises(OutputError, match="not a folder"):
        write(root)
    with pytest.raises(OutputError, match="not a folder"):
        generate.check((), root)
    assert root.read_text() == "mine"


# --- pictures -------------------------------------------------------------------------------------


def test_a_picture_is_made_anew_only_where_its_text_changed(below: StandIn, root: Path) -> None:
    write(root)
    below.texts["trainer_python.py"] = "x = 2\n"
    write(root)
    assert below.compiled == ["a document\n"]
    below.texts["derivation.en.tex"] = "another document\n"
    write(root)
    assert (root / "blog" / "derivation.en.png").read_bytes() == PNG + b"another document\n"
    assert generate.check((), root) == ""


def test_a_picture_that_was_deleted_is_missed_and_made_again(below: StandIn, root: Path) -> None:
    write(root)
    (root / "blog" / "derivation.en.png").unlink()
    assert generate.check((), root) == f"missing: {root / 'blog' / 'derivation.en.png'}\n"
    write(root)
    assert generate.check((), root) == ""


def test_without_tex_texts_are_written_and_the_picture_and_its_entry_stay(below: StandIn, root: Path) -> None:
    write(root)
    below.has_tex, below.texts["derivation.en.tex"] = False, "another document\n"
    said = write(root)
    assert said == [f"{root / 'blog' / 'derivation.en.png'}: not made: latexmk is not installed"]
    assert (root / "blog" / "derivation.en.png").read_bytes() == PNG + b"a document\n"
    entry = manifest_of(root)["blog"]["files"]["derivation.en.png"]
    assert entry == {"source": sha256(b"a document\n").hexdigest()}
    assert generate.check((), root).startswith(f"stale: {root / 'blog' / 'derivation.en.png'} ")


def test_without_tex_from_the_start_nothing_is_stale(below: StandIn, root: Path) -> None:
    below.has_tex = False
    write(root)
    assert generate.check((), root) == ""


def test_a_picture_of_ones_own_is_left_alone(below: StandIn, root: Path) -> None:
    (root / "blog").mkdir(parents=True)
    (root / "blog" / "derivation.en.png").write_bytes(b"mine")
    assert write(root) == [f"{root / 'blog' / 'derivation.en.png'}: left alone: it was not written by bpsym"]
    assert (root / "blog" / "derivation.en.png").read_bytes() == b"mine"


# --- single files ---------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "out.tex"
    path.write_text("old")
    path.chmod(0o640)
    files.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["out.tex"]


def test_a_new_file_gets_the_permissions_that_new_files_get(tmp_path: Path) -> None:
    files.write(tmp_path / "out.tex", b"new")
    (tmp_path / "plain").touch()
    assert (tmp_path / "out.tex").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    files.write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_to_and_never_replaced() -> None:
    files.write(Path(os.devnull), b"new")
    assert not Path(os.devnull).is_file()
    assert Path(os.devnull).exists()


@pytest.mark.parametrize("failing", ["write", "replace"])
def test_nothing_is_left_half_written_when_the_disk_is_full(
    failing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "one").write_text("old")
    monkeypatch.setattr(*{"write": (files, "_stage"), "replace": (Path, "replace")}[failing], full)
    with pytest.raises(OutputError, match="no space left on device"):
        files.write_all({tmp_path / "one": b"new", tmp_path / "two": b"new"})
    monkeypatch.undo()
    assert (tmp_path / "one").read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_a_read_only_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "out.tex").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match="read-only"):
        files.write(tmp_path / "out.tex", b"new")
    assert (tmp_path / "out.tex").read_text() == "old"


def test_the_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    known = manifest.Manifest(
        {"a": manifest.Folder("a.toml", {"x": Entry("sha256", "0"), "y": Entry("source", "1")})}
    )
    (tmp_path / manifest.NAME).write_text(known.text(), encoding="utf-8")
    assert manifest.read(tmp_path) == known
