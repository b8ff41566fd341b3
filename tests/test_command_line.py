"""The command line as a user meets it: what it prints, where, and with which exit code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bpsym import __version__, api, cli
from bpsym.errors import UsageError
from tests.running import COMMAND, ROOT, bpsym, environment

GOOD = """\
[network]
inputs = 2
loss   = "half_squared_error"

[[network.layers]]
units      = 2
activation = "sigmoid"
bias       = "none"
weights    = [[0.1, 0.8], [0.4, 0.6]]

[[network.layers]]
units      = 1
activation = "sigmoid"
bias       = "none"
weights    = [[0.3, 0.9]]

[data]
x = [[0.35, 0.9]]
t = [[0.5]]

[training]
learning_rate = 1
steps         = 2
"""

# what is changed in the good file, and how the message about it begins
WRONG_FILES = {
    "not TOML": ("inputs = 2", "inputs = = 2", "bad.toml:2:"),
    "unknown key": (
        'activation = "sigmoid"\nbias       = "none"\nweights    = [[0.1',
        'activaton  = "sigmoid"\nbias       = "none"\nweights    = [[0.1',
        "bad.toml:7:1: network.layers[0].activaton: ",
    ),
    "unknown table": ("[training]", "[trainning]", "bad.toml:21:"),
    "unknown activation": (
        '[[network.layers]]\nunits      = 2\nactivation = "sigmoid"',
        '[[network.layers]]\nunits      = 2\nactivation = "sigmiod"',
        "bad.toml:7:14: network.layers[0].activation: ",
    ),
    "wrong type": ("inputs = 2", 'inputs = "two"', "bad.toml:2:10: network.inputs: "),
    "ragged weights": ("[0.4, 0.6]", "[0.4]", "bad.toml:9:27: network.layers[0].weights[1]: "),
    "weights that do not fit the units": (
        "units      = 2",
        "units      = 3",
        "bad.toml:9:14: network.layers[0].weights: ",
    ),
    "not a number": ("[[0.1, 0.8]", "[[nan, 0.8]", "bad.toml:9:16: network.layers[0].weights[0][0]: "),
    "infinity": ("[[0.1, 0.8]", "[[-inf, 0.8]", "bad.toml:9:16: network.layers[0].weights[0][0]: "),
    "a sample of wrong length": ("x = [[0.35, 0.9]]", "x = [[0.35]]", "bad.toml:18:6: data.x[0]: "),
    "a target of wrong length": ("t = [[0.5]]", "t = [[0.5, 0.5]]", "bad.toml:19:6: data.t[0]: "),
    "no samples": ("x = [[0.35, 0.9]]", "x = []", "bad.toml:18:5: data.x: "),
    "zero units": ("units      = 2", "units      = 0", "bad.toml:6:14: network.layers[0].units: "),
    "200,000 open brackets": (GOOD, "x = " + "[" * 200_000, "bad.toml:1:105: "),
    "empty": (GOOD, "", "bad.toml"),
}

# a word that does not exist, and what the message must offer instead
MISSPELT = {
    "preset": (["derive", "blgo"], "'blog'"),
    "command": (["derve"], "'derive'"),
    "option": (["derive", "--lnag", "en"], "'--lang'"),
    "option of generate": (["generate", "--chek"], "'--check'"),
    "language": (["derive", "--lang", "zhh"], "'zh'"),
    "notation": (["derive", "--notation", "standart"], "'standard'"),
    "document": (["derive", "--document", "artikel"], "'article'"),
    "weight": (["derive", "--weight", "w311"], "'w31'"),
}

OTHER_MISUSE = {
    "no command": [],
    "too many examples": ["derive", "blog", "blog"],
    "digits that are no number": ["derive", "--digits", "six"],
    "no digits": ["derive", "--digits", "0"],
    "a missing file": ["derive", "missing.toml"],
    "a folder": ["derive", "."],
    "a folder with a file's name": ["derive", "folder.toml"],
    "an unknown preset to generate": ["generate", "blgo"],
}


def assert_refused(result: subprocess.CompletedProcess[bytes], code: int = 2) -> str:
    """Check that nothing but one message came out; the message."""
    message = result.stderr.decode()
    assert result.returncode == code, message
    assert result.stdout == b""
    assert message.strip()
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize("what", WRONG_FILES)
def test_a_wrong_file_is_refused_with_the_place_and_the_key(what: str, tmp_path: Path) -> None:
    old, new, beginning = WRONG_FILES[what]
    assert old in GOOD
    (tmp_path / "bad.toml").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    message = assert_refused(bpsym("derive", "bad.toml", "-o", "out.tex", cwd=tmp_path))
    assert any(line.startswith(beginning) for line in message.splitlines()), message
    assert len(message) < 2_000
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(GOOD.encode() + b'title = "\xe9"\n')
    message = assert_refused(bpsym("derive", "bad.toml", cwd=tmp_path))
    assert message.startswith("bad.toml:24:")
    assert "UTF-8" in message


def test_every_error_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("inputs = 2", 'inputs = "two"').replace("steps         = 2", "steps         = -1")
    (tmp_path / "bad.toml").write_text(wrong, encoding="utf-8")
    message = assert_refused(bpsym("derive", "bad.toml", cwd=tmp_path))
    assert "bad.toml:2:10: network.inputs: " in message
    assert "bad.toml:23:17: training.steps: " in message


@pytest.mark.parametrize("what", MISSPELT)
def test_a_misspelt_word_is_answered_with_the_right_one(what: str, tmp_path: Path) -> None:
    arguments, meant = MISSPELT[what]
    message = assert_refused(bpsym(*arguments, cwd=tmp_path))
    assert "did you mean" in message.lower()
    assert meant in message


@pytest.mark.parametrize("what", OTHER_MISUSE)
def test_misuse_is_answered_with_a_message_and_exit_code_2(what: str, tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    assert_refused(bpsym(*OTHER_MISUSE[what], cwd=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["folder.toml"]


BATCHES = (
    GOOD.replace("[[0.35, 0.9]]", "[[0.35, 0.9], [1, 2], [3, 4]]")
    .replace("[[0.5]]", "[[0.5], [1], [0]]")
    .replace("weights    = [[0.1, ", 'frozen     = ["weights"]\nweights    = [[0.1, ')
    + "batch_size    = 2\n\n[derivation]\n"
)
TRAINED = "(choose from: w2_11, w2_12)"
OF_THE_BATCH = "there is no sample 3: the first batch has 2 of 3 (write 1 to 2)"
FROZEN = f"w1_12 is frozen, a constant: there is no partial derivative to show {TRAINED}"

# what [derivation] says, the options, and the message
NOT_SHOWN = {
    "a sample beyond the batch": ("sample = 3", [], f"net.toml:28:10: derivation.sample: {OF_THE_BATCH}"),
    "a sample of the option": ("sample = 2", ["--sample", "3"], f"--sample: {OF_THE_BATCH}"),
    "an unknown weight": ('weights = ["w2_12", "w9"]', [], f"net.toml:28:21: derivation.weights[1]: unknown weight 'w9' {TRAINED}"),
    "a frozen weight": ('weights = ["w1_12"]', [], f"net.toml:28:12: derivation.weights[0]: {FROZEN}"),
    "frozen weights of the option": ("", ["--weight", "w1_12", "--weight", "w2_12"], f"--weight: {FROZEN}"),
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_SHOWN)
def test_what_cannot_be_shown_is_refused_where_it_is_asked_for(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said, options, message = NOT_SHOWN[what]
    monkeypatch.chdir(tmp_path)
    Path("net.toml").write_text(BATCHES + said, encoding="utf-8")
    assert cli.main(["derive", "net.toml", *options, "-o", "out.tex"]) == 2
    assert capsys.readouterr().err == f"{message}\n"
    assert not Path("out.tex").exists()


def test_wrong_samples_and_weights_of_a_file_are_said_at_once_and_an_option_goes_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = BATCHES + 'sample = 3\nweights = ["w9"]'
    Path("net.toml").write_text(text, encoding="utf-8")
    assert cli.main(["generate", "net.toml"]) == 2
    said = capsys.readouterr().err
    assert "net.toml:28:10: derivation.sample: " in said
    assert "net.toml:29:12: derivation.weights[0]: " in said
    instead = ["--sample", "2", "--weight", "w2_11"]
    assert cli.main(["derive", "net.toml", *instead, "-o", "out.tex"]) == 0


def test_of_many_weights_some_are_offered_and_of_none_that_there_are_none() -> None:
    with pytest.raises(UsageError) as many:
        api.derive(api.load("digits"), weights=("q",))
    assert str(many.value).endswith("w1_1_11, w1_1_12, …)")
    network = api.load("blog").network
    layers = tuple(one.model_copy(update={"frozen": ("weights",)}) for one in network.layers)
    frozen = network.model_copy(update={"layers": layers})
    with pytest.raises(UsageError) as none:
        api.derive(api.load("blog").model_copy(update={"network": frozen}), weights=("w31",))
    assert str(none.value).endswith("there is no partial derivative to show (nothing is trained)")


def test_a_good_file_is_derived(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD, encoding="utf-8")
    result = bpsym("derive", "good.toml", "--latex", "-o", "out.tex", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert rb"\begin{document}" in (tmp_path / "out.tex").read_bytes()


@pytest.mark.parametrize("where", ["folder", "no/such/folder/out.tex", "file/out.tex", "/dev/full"])
def test_an_output_that_cannot_be_written_is_refused(where: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    message = assert_refused(bpsym("derive", "-o", where, cwd=tmp_path))
    assert message.startswith(where)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("arguments", [["derive"], ["--help"], ["--version"]])
def test_a_full_disk_behind_stdout_is_said(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=-1, cwd=ROOT, check=False)
    assert result.returncode == 2
    assert "no space left" in result.stderr.decode().lower()
    assert "Traceback" not in result.stderr.decode()


@pytest.mark.parametrize(
    "arguments", [["derive"], ["examples"], ["--help"], ["derive", "--help"], ["--version"]]
)
def test_a_reader_that_closes_the_pipe_early_is_no_error(arguments: list[str]) -> None:
    process = subprocess.Popen([*COMMAND, *arguments], stdout=-1, stderr=-1, cwd=ROOT, env=environment())
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (0, b"")


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "load", interrupted)
    assert cli.main(["derive"]) == 130


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["derive", "--help"], ["generate", "--help"], ["train", "--help"], ["--version"]],
)
def test_help_imports_neither_sympy_nor_numpy(arguments: list[str]) -> None:
    assert not {"sympy", "numpy", "jinja2", "rich"} & _imported(*arguments)


def test_the_list_of_commands_says_whole_sentences() -> None:
    listed = bpsym("--help", COLUMNS="80").stdout.decode().partition("Commands:\n")[2].splitlines()
    assert len(listed) >= 6
    assert all(line.endswith(".") and not line.endswith("...") for line in listed), listed


def test_it_is_said_that_a_sample_of_batches_is_counted_within_the_first_one() -> None:
    assert "of batches, within the first one" in " ".join(bpsym("derive", "--help").stdout.decode().split())
    assert "(with batches, the N-th of the first one)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_list_of_commands_does_not_wait_for_pydantic() -> None:
    assert "pydantic" not in _imported("--help")  # typer itself needs it once a command has options


def test_a_derivation_needs_no_numpy() -> None:
    imported = _imported("derive", "--latex")
    assert "sympy" in imported
    assert "numpy" not in imported


def _imported(*arguments: str) -> set[str]:
    """The top-level modules that a command line imports."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bpsym", *arguments],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=environment(),
    )
    found = re.findall(r"^import time:.*\|\s*([\w.]+)$", result.stderr.decode(), re.MULTILINE)
    assert "bpsym.cli" in found
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("document", ["article", "fragment"])
@pytest.mark.parametrize("seed", ["0", "1", "20231"])
def test_the_output_is_the_committed_one_for_every_hash_seed(lang: str, document: str, seed: str) -> None:
    arguments = ["derive", "blog", "--latex", "--lang", lang, "--document", document]
    result = bpsym(*arguments, PYTHONHASHSEED=seed)
    stem = {"article": "derivation", "fragment": "fragment"}[document]
    assert result.stderr == b""
    assert result.stdout == (ROOT / "generated" / "blog" / f"{stem}.{lang}.tex").read_bytes()


def test_blog_and_latex_are_the_defaults() -> None:
    assert bpsym("derive").stdout == bpsym("derive", "blog", "--latex", "--lang", "en").stdout


def test_stdout_is_utf_8_with_line_feeds_whatever_the_locale() -> None:
    result = bpsym("derive", "--lang", "zh", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0
    assert "正向传播" in result.stdout.decode("utf-8")
    assert b"\r" not in result.stdout


def test_a_chinese_document_asks_for_xelatex_in_its_first_line() -> None:
    assert bpsym("derive", "--lang", "zh").stdout.startswith(b"% !TeX program = xelatex\n")


def test_more_digits_are_printed_where_they_are_asked_for() -> None:
    text = bpsym("derive", "--digits", "9").stdout.decode()
    assert "0.000929071161" in text  # REFERENCE: dC/dw31 = 0.000929071160809660


def test_the_version_is_said() -> None:
    assert bpsym("--version").stdout.decode() == f"bpsym {__version__}\n"


def test_nothing_is_coloured_where_no_color_is_set() -> None:
    result = bpsym("--help", NO_COLOR="1", FORCE_COLOR="1")
    assert b"\x1b" not in result.stdout + result.stderr


def test_generate_writes_where_it_is_told_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD, encoding="utf-8")
    result = bpsym("generate", "good.toml", "-o", "made", cwd=tmp_path, PATH="")
    assert result.returncode == 0, result.stderr.decode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.toml", "made"]
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["good", "manifest.json"]
    assert bpsym("generate", "good.toml", "-o", "made", "--check", cwd=tmp_path).returncode == 0


def test_a_stale_file_is_shown_as_a_diff_and_ends_with_1(tmp_path: Path) -> None:
    assert bpsym("generate", "blog", "-o", "made", cwd=tmp_path, PATH="").returncode == 0
    stale = tmp_path / "made" / "blog" / "trainer_python.py"
    stale.write_text(
        stale.read_text(encoding="utf-8").replace("def loss", "def lost"), encoding="utf-8", newline="\n"
    )
    result = bpsym("generate", "blog", "-o", "made", "--check", cwd=tmp_path)
    assert result.returncode == 1
    assert b"\n-def lost" in result.stdout
    assert b"\n+def loss" in result.stdout
    assert b"python -m bpsym generate blog -o made" in result.stderr


def test_what_is_committed_is_what_would_be_generated() -> None:
    result = bpsym("generate", "--check")
    assert (result.returncode, result.stdout.decode()) == (0, "")
