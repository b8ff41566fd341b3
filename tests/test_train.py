"""Training from the command line: the generated trainer's numbers, whatever is asked for beside them."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpsym
from bpsym import api, cli
from bpsym.errors import DivergenceError
from bpsym.training import loop, progress, session
from bpsym.training.samples import class_of, samples
from tests.running import COMMAND, ROOT, environment
from tests.running import bpsym as run

targets = pytest.mark.parametrize("target", api.targets())
formats = pytest.mark.parametrize("suffix", ["json", "npz"])

NETWORK = """\
[network]
inputs = 2
loss   = "half_squared_error"

[[network.layers]]
units      = 3
activation = "tanh"
weights    = [[0.1, 0.8], [0.4, -0.6], [-0.3, 0.2]]
biases     = [0.1, 0, -0.2]

[[network.layers]]
units      = 1
activation = "sigmoid"
bias       = "layer"
weights    = [[0.3, -0.9, 0.5]]

[data]
x = [[0, 0], [0, 1], [1, 0], [1, 1], [0.5, 0.25]]
t = [[0], [1], [1], [0], [1]]

"""
RULES = {
    "plain": "learning_rate = 0.5\nsteps = 40",
    "batches": "learning_rate = 0.5\nsteps = 40\nbatch_size = 2",
    "shuffled": "learning_rate = 0.5\nsteps = 40\nbatch_size = 2\nshuffle = true\nseed = 7",
    "momentum": 'learning_rate = 0.2\nsteps = 40\noptimizer = "nesterov"',
    "adam": 'learning_rate = 0.1\nsteps = 40\nbatch_size = 2\nshuffle = true\nseed = 7\noptimizer = "adam"\n'
    'schedule = { name = "cosine", T_max = 40 }',
}
rules = pytest.mark.parametrize("rule", RULES)

# one linear unit that is thrown further off at each step
GROWING = """\
[network]
inputs = 1
loss   = "squared_error"

[[network.layers]]
units   = 1
weights = [[1]]

[data]
x = [[20]]
t = [[3]]

[training]
learning_rate = 10
steps         = 1000
"""


@pytest.fixture(autouse=True)
def generated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps are no part of a trainer: one is enough for the many runs of a test."""
    generate = api.trainer

    def trainer(example: Any, target: str = "python", **options: Any) -> Any:
        settings = {**dict(example.training), "steps": 0}
        key = repr((example.notation, example.network, settings, target, options))
        if key not in TRAINERS:
            TRAINERS[key] = generate(example, target, **options)
        return TRAINERS[key]

    monkeypatch.setattr(api, "trainer", trainer)


TRAINERS: dict[str, Any] = {}


def example_file(folder: Path, rule: str = "plain") -> str:
    (folder / "net.toml").write_text(NETWORK + "[training]\n" + RULES[rule] + "\n", encoding="utf-8")
    return str(folder / "net.toml")


def trained(folder: Path, *arguments: Any) -> int:
    """The exit code of `train` in this process, in this folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return cli.main(["train", *map(str, arguments)])
    finally:
        os.chdir(before)


def saved(file: Path) -> dict[str, Any]:
    """Parameters, state, and what else there is, of either format."""
    if file.suffix == ".json":
        return dict(json.loads(file.read_text(encoding="utf-8")))
    with np.load(file) as arrays:
        table: dict[str, Any] = json.loads(str(arrays["about"])) | {"parameters": {}}
        table["state"] = None if "state" in table else {}
        for key in arrays.files:
            kind, _, name = key.partition(".")
            if name:
                table[kind][name] = arrays[key].tolist()
    return table


def lists(record: Any) -> Any:
    """A trainer's record as tables and lists."""
    if record is None:
        return None
    return {name: np.asarray(value).tolist() for name, value in record._asdict().items()}


def by_hand(example: Any, target: str, steps: int) -> tuple[Any, Any]:
    """Parameters and state (None without) after steps of the trainer that `generate` writes."""
    trainer = bpsym.trainer(example, target=target)
    part = samples(example, target).training
    rate = float(example.training.learning_rate)
    parameters, _, *state = trainer.train(trainer.INITIAL, part.x, part.t, rate, steps)
    return lists(parameters), lists(state[0]) if state else None


# The numbers -----------------------------------------------------------------------------------------------------


@targets
def test_the_blogs_network_ends_where_it_is_known_to_end(target: str) -> None:
    """REFERENCE: the loss and the weights after 100 steps."""
    result = run("train", "blog", "--target", target, "--save", "-")
    assert result.returncode == 0
    table = json.loads(result.stdout)
    assert table["step"] == 100
    assert table["loss"] == pytest.approx(2.918213772e-07, rel=1e-9)
    flat = [entry for one in table["parameters"].values() for entry in np.ravel(one)]
    known = [0.099497286575, 0.798707308337, 0.356500280268, 0.488143577833, -0.300472254293, 0.325336028224]
    assert flat == pytest.approx(known, abs=1e-11)
    assert "2.918214e-07" in result.stderr.decode()


def test_nothing_is_on_stdout_unless_it_is_asked_for() -> None:
    result = run("train", "blog")
    assert (result.returncode, result.stdout) == (0, b"")
    assert re.search(rb"blog: 100 steps in .* s \(numpy, .* steps/s\)", result.stderr)


@targets
@rules
def test_the_numbers_are_those_of_the_generated_trainer(rule: str, target: str, tmp_path: Path) -> None:
    file = example_file(tmp_path, rule)
    assert trained(tmp_path, file, "--target", target, "--save", "run.json") == 0
    table = saved(tmp_path / "run.json")
    assert (table["parameters"], table["state"]) == by_hand(bpsym.load(file), target, 40)


@targets
def test_the_options_are_what_the_file_would_say(target: str, tmp_path: Path) -> None:
    asked = ["--learning-rate", 0.25, "--batch-size", 3, "--shuffle", "--seed", 4, "--epochs", 6]
    assert trained(tmp_path, example_file(tmp_path), "--target", target, *asked, "--save", "run.json") == 0
    rule = "[training]\nlearning_rate = 0.25\nbatch_size = 3\nshuffle = true\nseed = 4\n"
    (tmp_path / "other.toml").write_text(NETWORK + rule, encoding="utf-8")
    table = saved(tmp_path / "run.json")
    assert table["step"] == 12  # five samples are two batches
    assert table["parameters"] == by_hand(bpsym.load(tmp_path / "other.toml"), target, 12)[0]


@pytest.mark.parametrize(
    ("samples_", "batch", "steps"), [(5, None, 3), (5, 5, 3), (5, 2, 9), (6, 2, 9), (5, 9, 3)]
)
def test_an_epoch_sees_each_sample_once(samples_: int, batch: int | None, steps: int, tmp_path: Path) -> None:
    rows = ", ".join(["[0.35, 0.9]"] * samples_)
    text = example_text = bpsym.load("blog").to_toml()
    text = re.sub(r"^x = .*$", f"x = [{rows}]", example_text, flags=re.MULTILINE)
    text = re.sub(r"^t = .*$", f"t = [{', '.join(['[0.5]'] * samples_)}]", text, flags=re.MULTILINE)
    (tmp_path / "many.toml").write_text(text, encoding="utf-8")
    batches = [] if batch is None else ["--batch-size", batch]
    assert trained(tmp_path, "many.toml", "--epochs", 3, *batches, "--save", "run.json") == 0
    assert saved(tmp_path / "run.json")["step"] == steps


def test_a_seed_draws_another_start_where_an_example_gives_none(tmp_path: Path) -> None:
    free = re.sub(r"^(weights|biases) .*\n", "", NETWORK, flags=re.MULTILINE)
    (tmp_path / "free.toml").write_text(free + "[training]\nsteps = 0\n", encoding="utf-8")
    trainer = bpsym.trainer(bpsym.load(tmp_path / "free.toml"), target="numpy")
    for seed in (1, 2):
        assert trained(tmp_path, "free.toml", "--seed", seed, "--steps", 0, "--save", "run.json") == 0
        assert saved(tmp_path / "run.json")["parameters"] == lists(trainer.initialize(seed))


# Going on --------------------------------------------------------------------------------------------------------


@formats
@targets
@rules
def test_a_run_that_goes_on_gets_the_numbers_of_one_that_never_stopped(
    rule: str, target: str, suffix: str, tmp_path: Path
) -> None:
    """To the last bit, wherever it stopped: at once, within an epoch, at its end."""
    file = example_file(tmp_path, rule)
    assert trained(tmp_path, file, "--target", target, "--save", f"whole.{suffix}") == 0
    for stops in ([0], [1], [17], [3, 4, 18], [39]):
        begun: list[Any] = []
        for steps in (*stops, 40):
            assert (
                trained(
                    tmp_path, file, "--target", target, "--steps", steps, *begun, "--save", f"part.{suffix}"
                )
                == 0
            )
            begun = ["--resume", f"part.{suffix}"]
        assert saved(tmp_path / f"part.{suffix}") == saved(tmp_path / f"whole.{suffix}")
        assert (tmp_path / f"part.{suffix}").read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()


@rules
@pytest.mark.parametrize("stop", [17, 18])
def test_a_log_that_goes_on_is_that_of_a_run_that_never_stopped(stop: int, rule: str, tmp_path: Path) -> None:
    file = example_file(tmp_path, rule)
    assert trained(tmp_path, file, "--log", "whole.csv", "--every", 3) == 0
    with stopped_after(stop):
        assert trained(tmp_path, file, "--log", "part.csv", "--every", 3, "--save", "part.json") == 130
    assert trained(tmp_path, file, "--log", "part.csv", "--every", 3, "--resume", "part.json") == 0
    assert (tmp_path / "part.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_run_goes_on_with_its_own_settings_and_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = example_file(tmp_path)
    first = ["--target", "python", "--learning-rate", 0.1, "--batch-size", 2]
    assert trained(tmp_path, file, *first, "--steps", 20, "--save", "whole.json") == 0
    assert trained(tmp_path, file, *first, "--steps", 9, "--save", "part.json") == 0
    capsys.readouterr()
    assert trained(tmp_path, file, "--steps", 20, "--resume", "part.json", "--save", "part.json") == 0
    assert (tmp_path / "part.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    said = capsys.readouterr().err
    assert "learning_rate = 0.1, as in part.json (the example has 0.5)" in said
    assert "batch_size = 2, as in part.json (the example has None)" in said


def test_a_finished_run_says_how_it_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(tmp_path, "blog", "--save", "run.json") == 0
    assert trained(tmp_path, "blog", "--resume", "run.json") == 0
    assert "nothing is left to do: 100 steps are made (--steps 200 goes on)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("steps", "asked", "said"),
    [
        (
            50,
            [],
            "steps = 7, as in k.json (the example has 50; write --steps 50)\nnothing is left to do: 7 steps",
        ),
        (3, [], "steps = 7, as in k.json (the example has 3)\n"),
        (50, ["--steps", 9], ""),
        (50, ["--epochs", 9], ""),
    ],
)
def test_steps_that_the_file_has_otherwise_are_said(
    steps: int, asked: list[Any], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(example_file(tmp_path))
    assert trained(tmp_path, file, "--steps", 7, "--save", "k.json") == 0
    file.write_text(
        file.read_text(encoding="utf-8").replace("steps = 40", f"steps = {steps}"), encoding="utf-8"
    )
    capsys.readouterr()
    assert trained(tmp_path, file, "--resume", "k.json", *asked) == 0
    found = capsys.readouterr().err
    assert found.startswith(said)
    assert ("the example has" in found) == bool(said)


def test_other_samples_are_remarked_upon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(example_file(tmp_path))
    assert trained(tmp_path, file, "--save", "run.json") == 0
    file.write_text(file.read_text(encoding="utf-8").replace("[0.5, 0.25]]", "[0.5, 0.5]]"), encoding="utf-8")
    assert trained(tmp_path, file, "--resume", "run.json", "--steps", 50) == 0
    assert "the samples are others than those of run.json" in capsys.readouterr().err


OTHERS = {
    "units": (
        "units      = 3",
        "units      = 2",
        "weights    = [[0.1, 0.8], [0.4, -0.6], [-0.3, 0.2]]\nbiases     = [0.1, 0, -0.2]",
        "",
        "network.layers[0].units: 3 in this run, 2 in the example",
    ),
    "activation": ('"tanh"', '"identity"', "", "", "network.layers[0].activation: 'tanh' in this run"),
    "loss": (
        '"half_squared_error"',
        '"squared_error"',
        "",
        "",
        "network.loss: 'half_squared_error' in this run",
    ),
    "bias": (
        'bias       = "layer"',
        'bias       = "none"',
        "",
        "",
        "network.layers[1].bias: 'layer' in this run",
    ),
    "optimiser": (
        "steps = 40",
        'optimizer = "adam"',
        "",
        "",
        "training.optimizer.name: 'sgd' in this run, 'adam'",
    ),
    "notation": (
        "[network]",
        'notation = "blog"\n[network]',
        "",
        "",
        "notation: 'standard' in this run, 'blog'",
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_networks_run_is_refused_with_what_differs(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, also, instead, message = OTHERS[what]
    file = Path(example_file(tmp_path))
    assert trained(tmp_path, file, "--save", "run.json") == 0
    before = (tmp_path / "run.json").read_bytes()
    text = file.read_text(encoding="utf-8").replace(old, new, 1).replace(also, instead)
    if what == "units":
        text = text.replace("[[0.3, -0.9, 0.5]]", "[[0.3, -0.9]]")
    file.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert trained(tmp_path, file, "--resume", "run.json", "--save", "run.json", "--steps", 50) == 2
    said = capsys.readouterr().err
    assert said.startswith("run.json: ")
    assert message in said
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_run_of_the_other_target_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(tmp_path, "blog", "--save", "run.json") == 0
    assert trained(tmp_path, "blog", "--resume", "run.json", "--target", "python") == 2
    said = capsys.readouterr().err
    assert (
        "target: 'numpy' in this run, 'python' asked for (write --target numpy, or leave --target out)"
        in said
    )


def _without(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda table: table.pop(key)


SPOILT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no step": _without("step"),
    "no parameters": _without("parameters"),
    "no kind": _without("kind"),
    "something else": lambda table: table.update(extra=1),
    "steps that are no number": lambda table: table.update(step="ten"),
    "steps below 0": lambda table: table.update(step=-1),
    "more steps than anybody makes": lambda table: table.update(step=10**30),
    "a whole number that is too large": lambda table: table["parameters"].update(b2=10**400),
    "an array with a whole number that is too large": lambda table: table["parameters"].update(
        W2=[[0.3, 10**400, 0.5]]
    ),
    "parameters that are none": lambda table: table.update(parameters=[1, 2]),
    "other names": lambda table: table["parameters"].update(W7=table["parameters"].pop("W1")),
    "another shape": lambda table: table["parameters"].update(W1=[[1, 2]]),
    "ragged rows": lambda table: table["parameters"].update(W1=[[1, 2], [3], [4, 5]]),
    "words": lambda table: table["parameters"].update(W1="weights"),
    "not a number": lambda table: table["parameters"].update(b2=math.nan),
    "an array with something that is no number": lambda table: table["parameters"].update(
        W2=[[0.3, math.inf, 0.5]]
    ),
    "no number": lambda table: table["parameters"].update(b2=None),
    "a state where there is none": lambda table: table.update(state={"step": 3}),
    "settings that do not exist": lambda table: table["settings"].update(colour=1),
    "a setting that is wrong": lambda table: table["settings"].update(batch_size=-2),
}


@targets
@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_run_is_refused(
    how: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = example_file(tmp_path)
    assert trained(tmp_path, file, "--target", target, "--save", "run.json") == 0
    table = saved(tmp_path / "run.json")
    if target == "python":
        table["parameters"] = {f"W{number}": 1 for number in range(9)} | {"b2": 1} | table["parameters"]
    SPOILT[how](table)
    (tmp_path / "run.json").write_text(json.dumps(table), encoding="utf-8")
    capsys.readouterr()
    assert trained(tmp_path, file, "--resume", "run.json", "--steps", 50) == 2
    said = capsys.readouterr().err
    assert said.startswith("run.json: ")
    assert "Traceback" not in said


@pytest.mark.parametrize("options", [[], ["--log", "run.csv"]])
def test_a_run_of_very_many_steps_goes_on(options: list[str], tmp_path: Path) -> None:
    file = example_file(tmp_path)
    assert trained(tmp_path, file, "--save", "run.json") == 0
    table = saved(tmp_path / "run.json") | {"step": 10**15}
    (tmp_path / "run.json").write_text(json.dumps(table), encoding="utf-8")
    assert trained(tmp_path, file, "--resume", "run.json", *options, "--steps", 10**15 + 1) == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b""),
        ("b.json", b"[1]"),
        ("c.json", b"{" * 100_000),
        ("d.json", b"\xff\xfe"),
        ("e.npz", b""),
        ("f.npz", b"PK\x03\x04 zip"),
    ],
)
def test_what_is_no_run_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    result = run("train", "blog", "--resume", name, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.decode() == f"{name}: is no run that --save has written\n"


# Stopping --------------------------------------------------------------------------------------------------------


@contextmanager
def stopped_after(steps: int) -> Iterator[None]:
    """A Ctrl-C that comes before the loss of the step after so many is known."""

    class Asked:
        exit_code = 130
        made = -1

        def __call__(self) -> bool:
            return self.made >= steps

    before = session.after_the_step, loop._Watch.progress
    asked = Asked()

    @contextmanager
    def counting() -> Iterator[Any]:
        yield asked

    def progress(self: Any, step: int, loss: float) -> bool:
        asked.made += 1
        return before[1](self, step, loss)

    session.after_the_step, loop._Watch.progress = counting, progress  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        session.after_the_step, loop._Watch.progress = before  # type: ignore[method-assign]


@formats
@targets
@pytest.mark.parametrize("rule", ["plain", "shuffled", "adam"])
def test_an_interrupted_run_keeps_what_it_has_and_goes_on(
    rule: str, target: str, suffix: str, tmp_path: Path
) -> None:
    file = example_file(tmp_path, rule)
    asked = ["--target", target, "--log", "run.csv"]
    assert trained(tmp_path, file, *asked, "--save", f"whole.{suffix}") == 0
    with stopped_after(13):
        assert trained(tmp_path, file, *asked, "--save", f"run.{suffix}") == 130
    assert saved(tmp_path / f"run.{suffix}")["step"] == 13
    assert trained(tmp_path, file, *asked, "--resume", f"run.{suffix}", "--save", f"run.{suffix}") == 0
    assert (tmp_path / f"run.{suffix}").read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@targets
def test_a_signal_stops_after_the_step_and_saves(target: str, number: int, code: int, tmp_path: Path) -> None:
    command = [
        *COMMAND,
        "train",
        "blog",
        "--target",
        target,
        "--learning-rate",
        "0.001",
        "--steps",
        "1000000000",
    ]
    process = subprocess.Popen([*command, "--save", "run.json"], cwd=tmp_path, env=environment(), stderr=-1)
    assert process.stderr is not None
    first = process.stderr.readline()  # a line of progress: it is under way
    assert first.startswith(b"step "), first
    process.send_signal(number)
    rest = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == code
    assert "Traceback" not in rest
    table = saved(tmp_path / "run.json")
    assert f"Stopped after {table['step']:,} of 1,000,000,000 steps." in rest
    assert "Written: run.json" in rest
    trainer = bpsym.trainer(bpsym.load("blog"), target=target)
    parameters, _ = trainer.train(trainer.INITIAL, [[0.35, 0.9]], [[0.5]], 0.001, table["step"])
    assert table["parameters"] == lists(parameters)


@pytest.mark.parametrize("pause", [0.001, 0.02])
@targets
def test_many_signals_in_a_row_save_and_end_with_130(target: str, pause: float, tmp_path: Path) -> None:
    asked = ["--target", target, "--learning-rate", "0.001", "--steps", "1000000000", "--save", "run.json"]
    process = subprocess.Popen(
        [*COMMAND, "train", "blog", *asked], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith(b"step ")
    for _ in range(8):
        process.send_signal(signal.SIGINT)
        time.sleep(pause)
    rest = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 130, rest
    assert "Traceback" not in rest
    assert saved(tmp_path / "run.json")["step"] > 0


@pytest.mark.parametrize("signals", [1, 3])
@targets
def test_a_second_signal_breaks_the_step_off_and_saves_what_was_looked_at_last(
    target: str, signals: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step after 17 is never made; signals that come while files are written do no harm."""
    file = example_file(tmp_path)
    progress, write, made = loop._Watch.progress, session.write_all, []

    def ask(count: int) -> None:
        for _ in range(count):
            signal.raise_signal(signal.SIGINT)

    def asking(self: Any, step: int, loss: float) -> bool:
        made.append(loss)
        if len(made) == 18:
            ask(signals)
        return progress(self, step, loss)

    def writing(contents: Any) -> None:
        ask(3)
        write(contents)

    monkeypatch.setattr(loop._Watch, "progress", asking)
    monkeypatch.setattr(session, "write_all", writing)
    assert (
        trained(tmp_path, file, "--target", target, "--save", "run.json", "--log", "run.csv", "--every", 1)
        == 130
    )
    assert saved(tmp_path / "run.json")["step"] == 17
    assert [int(row["step"]) for row in read_log(tmp_path / "run.csv")] == [*range(18)]
    expected, _ = by_hand(bpsym.load(file), target, 17)
    assert saved(tmp_path / "run.json")["parameters"] == expected


def test_a_signal_after_the_last_word_changes_no_exit_code() -> None:
    """Two come while a command ends, one after it."""
    script = (
        "import os, signal, sys\n"
        "from bpsym import __main__, cli\n"
        "def interrupted():\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        return 130\n"
        "cli.main = interrupted\n"
        "code = __main__.main()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(code)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, check=False
    )
    assert (result.returncode, result.stderr) == (130, b"")


@pytest.mark.parametrize("module", ["numpy", "pydantic", "bpsym.training.session"])
def test_an_interruption_while_something_loads_ends_with_130_and_no_word(module: str, tmp_path: Path) -> None:
    """The module's import sends the signal that Ctrl-C sends."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n",
        encoding="utf-8",
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    result = run("train", "blog", "--save", "run.json", cwd=tmp_path, PYTHONPATH=path)
    assert (result.returncode, result.stdout, result.stderr) == (130, b"", b"")
    assert not (tmp_path / "run.json").exists()


def test_a_second_signal_does_not_wait() -> None:
    from bpsym.training.interruption import after_the_step

    before = signal.getsignal(signal.SIGINT)
    with after_the_step() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)  # a third changes nothing
        assert interruption.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is before


# A loss that is not finite ---------------------------------------------------------------------------------------


def steps_until_infinite() -> int:
    """w goes down by 10 * 2 (20 w + b - 3) * 20, b by 10 * 2 (20 w + b - 3); the loss is (20 w + b - 3)^2."""
    w, b, step = 1.0, 0.0, 0
    while abs(error := 20 * w + b - 3) <= math.sqrt(sys.float_info.max):
        w, b, step = w - 10 * 2 * error * 20, b - 10 * 2 * error, step + 1
    return step


@targets
@pytest.mark.parametrize("steps", [1000, steps_until_infinite()])
def test_a_loss_that_is_not_finite_stops_and_overwrites_nothing(
    target: str, steps: int, tmp_path: Path
) -> None:
    (tmp_path / "growing.toml").write_text(GROWING, encoding="utf-8")
    before = {"run.json": "mine", "run.csv": "step,loss,validation_loss,accuracy\n0,0.5,,\n"}
    for name, text in before.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    asked = ["--save", "run.json", "--log", "run.csv", "--plot", "run.png", "--steps", str(steps)]
    result = run("train", "growing.toml", "--target", target, *asked, cwd=tmp_path)
    said = result.stderr.decode()
    assert (result.returncode, result.stdout) == (1, b"")
    assert said.startswith(f"growing.toml: after {steps_until_infinite()} steps the loss is inf\n")
    assert said.endswith("\nNothing is written: run.json, run.csv, run.png stay as they were.\n")
    assert "--learning-rate 1)" in said
    assert "scale = 0.05" in said
    assert "Warning" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["growing.toml", "run.csv", "run.json"]
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in before} == before


@targets
def test_a_value_that_is_none_before_any_step_is_named_as_a_derivation_does(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second sample, with z = -10 * 1, has no square root; the batches begin with the first one."""
    text = GROWING.replace("weights = [[1]]", 'activation = "sqrt(z)"\nweights = [[-10]]')
    text = text.replace("[[20]]", "[[-20], [1]]").replace("[[3]]", "[[3], [3]]") + "batch_size = 1\n"
    (tmp_path / "root.toml").write_text(text, encoding="utf-8")
    assert trained(tmp_path, "root.toml", "--target", target, "--save", "run.json") == 1
    assert capsys.readouterr().err == (
        "root.toml: before any step the loss is nan\n"
        "  * root.toml:7:14: network.layers[0].activation: 'sqrt(z)' has no real value at z = -10, in unit 1 of"
        " layer 1, for sample 2 (write other weights or inputs, or another formula)\n"
        "Nothing is written: run.json stays as it was.\n"
    )
    assert not (tmp_path / "run.json").exists()


@targets
def test_a_formula_with_exponentials_is_named_where_it_overflows(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """z is 50 * 20: ln(1 + e**1000) is 1000 nearly, but exp(1000) is beyond double precision."""
    text = GROWING.replace("weights = [[1]]", 'activation = "log(1 + exp(z))"\nweights = [[50]]')
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    assert trained(tmp_path, "own.toml", "--target", target) == 1
    assert (
        "the formula 'log(1 + exp(z))' overflows, as exp(z) does from z = 710 on" in capsys.readouterr().err
    )


class FakeTrainer:
    """A trainer whose loss is what a list says."""

    INITIAL = ()

    def __init__(self, losses: list[float]) -> None:
        self.losses = losses

    def loss(self, parameters: Any, x: Any, t: Any) -> float:
        return 1.0

    def train(self, parameters: Any, x: Any, t: Any, rate: float, steps: int, progress: Any) -> Any:
        for step, loss in enumerate(self.losses[:steps]):
            if progress(step, loss):
                break
        return parameters, []


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_the_step_of_a_wrong_loss_is_said(wrong: float) -> None:
    fake: Any = FakeTrainer([1.0, 1.0, wrong, 1.0])
    course = loop.Run(fake, samples(bpsym.load("blog"), "python"), 1.0)
    with pytest.raises(DivergenceError, match="after 5 steps the loss is") as caught:
        course.advance(loop.Standing(3, ()), 4)
    assert str(caught.value.loss) == str(wrong)


@pytest.mark.parametrize(
    ("error", "loss"), [(OverflowError, "inf"), (ZeroDivisionError, "inf"), (ValueError, "nan")]
)
def test_a_loss_that_python_refuses_to_compute_is_not_finite(error: type[Exception], loss: str) -> None:
    """The exponential of 1000 and the logarithm of -1 raise, where NumPy goes on."""

    class Raising(FakeTrainer):
        def train(self, parameters: Any, x: Any, t: Any, rate: float, steps: int, progress: Any) -> Any:
            super().train(parameters, x, t, rate, steps, progress)
            raise error

    fake: Any = Raising([1.0, 1.0])
    course = loop.Run(fake, samples(bpsym.load("blog"), "python"), 1.0)
    with pytest.raises(DivergenceError, match=f"after 5 steps the loss is {loss}"):
        course.advance(loop.Standing(3, ()), 4)


# Measures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [([0.2, 0.5, 0.3], 1), ([0.4, 0.4, 0.2], 0), ([0.51], 1), ([0.5], 0), ([-3.0, -1.0], 1)],
)
def test_a_class_is_the_largest_output(outputs: list[float], expected: int) -> None:
    assert class_of(outputs) == expected


@pytest.mark.parametrize(
    ("units", "activation", "t", "expected"),
    [
        (1, "sigmoid", [[0], [1], [1]], (0, 1, 1)),
        (1, "sigmoid", [[0], [1], [0.5]], None),
        (1, "sigmoid", [[0], [0], [0]], None),
        (1, "sigmoid", [[1], [1], [1]], None),
        (1, "tanh", [[0], [1], [1]], None),
        (2, "tanh", [[0, 1], [1, 0], [0, 1]], (1, 0, 1)),
        (2, "sigmoid", [[0, 1], [1, 1], [0, 1]], None),
        (2, "sigmoid", [[0, 1], [0.5, 0.5], [0, 1]], None),
        (3, "identity", [[0, 0, 1], [0, 1, 0], [1, 0, 0]], (2, 1, 0)),
    ],
)
def test_targets_name_classes_where_they_are_one_hot_or_zero_or_one_of_a_sigmoid(
    units: int, activation: str, t: Any, expected: Any
) -> None:
    example = bpsym.Example(
        network=bpsym.Network(inputs=1, layers=[bpsym.Dense(units=units, activation=activation)]),
        data={"x": [[0], [1], [2]], "t": t},
    )
    assert samples(example, "python").training.classes == expected


HELD_BACK = """\
[network]
inputs = 1
loss   = "half_squared_error"

[[network.layers]]
units      = 1
activation = "sigmoid"
weights    = [[1]]
biases     = [-2]

[data]
file       = "samples.csv"
targets    = "t"
validation = 0.4
seed       = 1

[training]
learning_rate = 0.5
steps         = 10
"""


def test_one_class_in_one_part_has_an_accuracy_where_the_other_part_has_both(tmp_path: Path) -> None:
    """One of four samples is held back, and is of one class alone."""
    (tmp_path / "samples.csv").write_text("x,t\n0,0\n1,1\n2,0\n3,1\n", encoding="utf-8")
    text = HELD_BACK.replace("validation = 0.4", "validation = 0.25")
    (tmp_path / "net.toml").write_text(text, encoding="utf-8")
    parts = samples(bpsym.load(tmp_path / "net.toml"), "python")
    assert parts.validation is not None
    assert len(parts.validation.classes or ()) == 1
    assert parts.have_classes


@targets
def test_validation_is_of_the_samples_held_back(target: str, tmp_path: Path) -> None:
    """Losses and accuracy before training from sigmoid(x - 2), by hand, of the two samples of five."""
    rows = [(0.0, 0), (1.0, 0), (3.0, 1), (4.0, 1), (1.5, 1)]
    (tmp_path / "samples.csv").write_text("x,t\n" + "".join(f"{x},{t}\n" for x, t in rows), encoding="utf-8")
    (tmp_path / "held.toml").write_text(HELD_BACK, encoding="utf-8")
    assert trained(tmp_path, "held.toml", "--target", target, "--log", "run.csv") == 0
    data = bpsym.load(tmp_path / "held.toml").data
    assert data is not None
    held_back = [
        (float(x), float(t)) for (x,), (t,) in zip(data.validation_x, data.validation_t, strict=True)
    ]
    trained_on = [(float(x), float(t)) for (x,), (t,) in zip(data.x, data.t, strict=True)]
    assert (len(held_back), sorted(held_back + trained_on)) == (2, sorted((x, float(t)) for x, t in rows))

    def output(x: float) -> float:
        return 1 / (1 + math.exp(2 - x))

    first = read_log(tmp_path / "run.csv")[0]
    for part, key in ((trained_on, "loss"), (held_back, "validation_loss")):
        mean = sum((output(x) - t) ** 2 / 2 for x, t in part) / len(part)
        assert float(first[key]) == pytest.approx(mean, rel=1e-13)
    assert float(first["accuracy"]) == sum((x > 2) == t for x, t in held_back) / 2


def test_digits_learns_97_percent_of_what_it_has_not_seen_in_under_30_seconds(tmp_path: Path) -> None:
    began = time.perf_counter()
    result = run("train", "digits", "--log", "run.csv", cwd=tmp_path)
    assert time.perf_counter() - began < 30
    assert result.returncode == 0
    assert float(read_log(tmp_path / "run.csv")[-1]["accuracy"]) >= 0.97


# Log and plot ----------------------------------------------------------------------------------------------------


def read_log(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@targets
def test_a_log_has_the_loss_after_each_step(target: str, tmp_path: Path) -> None:
    """REFERENCE: the blog's losses after 0, 1, 2 and 100 steps."""
    assert trained(tmp_path, "blog", "--target", target, "--log", "run.csv") == 0
    rows = read_log(tmp_path / "run.csv")
    assert list(rows[0]) == ["step", "loss", "validation_loss", "accuracy"]
    assert [int(row["step"]) for row in rows] == list(range(101))
    known = {0: 0.018103903836566779, 1: 0.016565382326770397, 2: 0.015126955254448, 100: 2.918213772e-07}
    for step, loss in known.items():
        assert float(rows[step]["loss"]) == pytest.approx(loss, rel=1e-9)
    assert {(row["validation_loss"], row["accuracy"]) for row in rows} == {("", "")}


@pytest.mark.parametrize(
    ("asked", "steps"),
    [
        (["--steps", 1000], [*range(0, 1001, 10)]),
        (["--steps", 7], [*range(8)]),
        (["--steps", 20, "--every", 8], [0, 8, 16, 20]),
        (["--epochs", 4, "--batch-size", 2], [0, 3, 6, 9, 12]),
    ],
)
def test_a_log_has_a_row_for_each_interval(asked: list[Any], steps: list[int], tmp_path: Path) -> None:
    assert trained(tmp_path, example_file(tmp_path), *asked, "--log", "run.csv") == 0
    assert [int(row["step"]) for row in read_log(tmp_path / "run.csv")] == steps


@pytest.mark.parametrize(
    ("first", "then", "steps"),
    [
        ([10], [1000], [*range(10), *range(10, 1001, 10)]),  # the README's two commands
        ([10], [30, "--every", 7], [*range(11), 14, 21, 28, 30]),
        ([10, "--every", 4], [20, "--every", 5], [0, 4, 8, 10, 15, 20]),
        ([10, "--every", 100], [20, "--every", 7], [0, 10, 14, 20]),
        ([10, "--every", 4], [20, "--every", 4], [0, 4, 8, 12, 16, 20]),
    ],
)
def test_a_log_keeps_the_rows_of_the_steps_before_whatever_the_interval(
    first: list[Any], then: list[Any], steps: list[int], tmp_path: Path
) -> None:
    files = ["--save", "run.json", "--log", "run.csv"]
    asked = [example_file(tmp_path), "--steps"]
    assert trained(tmp_path, *asked, *first, *files) == 0
    before = {row["step"]: row for row in read_log(tmp_path / "run.csv")}
    assert trained(tmp_path, *asked, *then, "--resume", "run.json", *files) == 0
    rows = read_log(tmp_path / "run.csv")
    assert [int(row["step"]) for row in rows] == steps
    assert all(row == before.get(row["step"], row) for row in rows)


def test_rows_of_a_continuation_that_was_given_up_are_replaced(tmp_path: Path) -> None:
    asked = [example_file(tmp_path), "--log", "run.csv", "--every", 4]
    assert trained(tmp_path, *asked, "--steps", 8, "--save", "run.json") == 0
    assert trained(tmp_path, *asked, "--steps", 40, "--resume", "run.json") == 0
    assert trained(tmp_path, *asked, "--steps", 16, "--resume", "run.json", "--learning-rate", 0.1) == 0
    assert [int(row["step"]) for row in read_log(tmp_path / "run.csv")] == [0, 4, 8, 12, 16]


NO_LOGS = {
    "samples": (b"x1,x2,t\n0,1,1\n", "run.csv: is no log that --log has written"),
    "no text": (b"\xff\xfe", "run.csv: is no log that --log has written"),
    "a line of a stranger": (
        b"step,loss,validation_loss,accuracy\n0,0.5,,\nten,1,,\n",
        "run.csv:3: is a log with",
    ),
}


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("what", NO_LOGS)
def test_a_table_that_is_no_log_is_never_overwritten(
    what: str, resumed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, message = NO_LOGS[what]
    assert trained(tmp_path, "blog", "--save", "run.json") == 0
    before = (tmp_path / "run.json").read_bytes()
    (tmp_path / "run.csv").write_bytes(content)
    capsys.readouterr()
    begun = ["--resume", "run.json"] if resumed else []
    asked = [*begun, "--steps", 10**12, "--save", "run.json", "--log", "run.csv"]
    assert trained(tmp_path, "blog", *asked) == 2
    said = capsys.readouterr().err
    assert said.startswith(message)
    assert "give --log another name, or remove the file" in said
    assert (tmp_path / "run.csv").read_bytes() == content
    assert (tmp_path / "run.json").read_bytes() == before


def test_an_empty_file_and_a_spreadsheets_copy_of_a_log_are_logs(tmp_path: Path) -> None:
    (tmp_path / "run.csv").touch()
    asked = ["blog", "--log", "run.csv", "--save", "run.json"]
    assert trained(tmp_path, *asked, "--steps", 3) == 0
    text = (tmp_path / "run.csv").read_text(encoding="utf-8")
    (tmp_path / "run.csv").write_text(text, encoding="utf-8-sig", newline="\r\n")
    assert trained(tmp_path, *asked, "--steps", 5, "--resume", "run.json") == 0
    assert [int(row["step"]) for row in read_log(tmp_path / "run.csv")] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("suffix", "beginning"), [("png", b"\x89PNG\r\n"), ("svg", b"<?xml")])
def test_a_plot_is_the_same_each_time(suffix: str, beginning: bytes, tmp_path: Path) -> None:
    file = example_file(tmp_path)
    for name in ("one", "two"):
        assert trained(tmp_path, file, "--plot", f"{name}.{suffix}") == 0
    one, two = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "two"))
    assert one.startswith(beginning)
    assert one == two
    if suffix == "svg":
        assert {"loss", "accuracy", "step"} <= set(re.findall(r">(\w+)</text>", one.decode()))


def test_without_matplotlib_a_plot_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError('no such module')\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    asked = ["--steps", "1000000000", "--plot", "run.png", "--save", "run.json"]
    result = run("train", "blog", *asked, cwd=tmp_path, PYTHONPATH=path)
    assert (result.returncode, result.stdout) == (3, b"")
    assert result.stderr.decode().startswith("--plot needs matplotlib")
    assert "pip install 'bpsym[plots]'" in result.stderr.decode()
    assert not (tmp_path / "run.json").exists()


# Misuse ----------------------------------------------------------------------------------------------------------

MISUSE = {
    "no example": ([], "Missing argument 'EXAMPLE'"),
    "an unknown preset": (["blgo"], "(did you mean 'blog'?)"),
    "a misspelt option": (["blog", "--stesp", "3"], "(did you mean '--steps'?)"),
    "a misspelt target": (["blog", "--target", "nunpy"], "(did you mean 'numpy'?)"),
    "steps and epochs": (["blog", "--steps", "3", "--epochs", "3"], "give one of them"),
    "steps below 0": (["blog", "--steps", "-1"], "--steps"),
    "no samples in a batch": (["blog", "--batch-size", "0"], "--batch-size"),
    "a rate below 0": (["blog", "--learning-rate", "-1"], "--learning-rate: must not be negative: a step goes against the gradient (write --learning-rate 0.5)\n"),
    "a rate that is no number": (["net.toml", "--learning-rate", "nan"], "--learning-rate: must be a finite number, not nan (write --learning-rate 0.5)\n"),
    "an infinite rate": (["net.toml", "--steps", "3", "--learning-rate", "inf"], "--learning-rate: must be a finite number"),
    "a seed below 0": (["blog", "--seed", "-1"], "--seed"),
    "an interval of 0": (["blog", "--every", "0"], "--every"),
    "epochs below 0": (["blog", "--epochs", "-1"], "--epochs"),
    "no file to go on from": (["blog", "--resume", "no.json"], "no.json: cannot be read: no such file"),
    "a run in no known format": (["blog", "--resume", "run.txt"], "(write --resume run.json or run.npz)"),
    "a save in no known format": (["blog", "--save", "run.txt"], "(write --save run.json or run.npz)"),
    "a save without a suffix": (["blog", "--save", "run"], "(write --save run.json or run.npz)"),
    "a log that is no CSV": (["blog", "--log", "run.txt"], "(write --log run.csv)"),
    "a plot as PDF": (["blog", "--plot", "run.pdf"], "(write --plot run.png or run.svg)"),
    "a missing folder": (["blog", "--save", "no/run.json"], "there is no folder no"),
    "a missing folder of the log": (["blog", "--log", "no/run.csv"], "there is no folder no"),
    "a link into a missing folder": (["blog", "--save", "link.json"], "link.json: cannot be written: it is a link to /no/such/run.json, and there is no folder /no/such"),
    "a link to itself": (["blog", "--save", "loop.json"], "loop.json: cannot be written: "),
    "a folder": (["blog", "--save", "folder.json"], "it is a folder"),
    "the log on stdout": (["blog", "--log", "-"], "must end in .csv"),
    "no number of steps": (["nosteps.toml"], "(write --steps 100, or steps = 100 below [training]"),
    "a general f": (["agh"], "agh.toml:14:14: network.layers[0].activation: layers 1, 2, 3 have a general f"),
    "no samples": (["nodata.toml", "--steps", "3"], "nodata.toml:1:1: data: missing: there is nothing to train with"),
    "no targets": (["notargets.toml", "--steps", "3"], "notargets.toml:17:1: data.t: missing: there is nothing to train towards (write t = [[0.5]]"),
    "no targets of a file": (["nolabels.toml", "--steps", "3"], 'nolabels.toml:17:1: data.targets: missing: there is nothing to train towards (write targets = ["label"])'),
}  # fmt: skip


@pytest.mark.parametrize("what", MISUSE)
def test_misuse_is_answered_in_one_message_before_training(what: str, tmp_path: Path) -> None:
    arguments, message = MISUSE[what]
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.json").symlink_to("/no/such/run.json")
    (tmp_path / "loop.json").symlink_to("loop.json")
    example_file(tmp_path)
    (tmp_path / "nosteps.toml").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "nodata.toml").write_text(NETWORK[: NETWORK.index("[data]")], encoding="utf-8")
    (tmp_path / "notargets.toml").write_text(NETWORK[: NETWORK.index("t = ")], encoding="utf-8")
    (tmp_path / "samples.csv").write_text("p,q\n1,2\n", encoding="utf-8")
    without = NETWORK[: NETWORK.index("x = ")] + 'file = "samples.csv"\ninputs = ["p", "q"]\n'
    (tmp_path / "nolabels.toml").write_text(without, encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = run("train", *arguments, cwd=tmp_path)
    said = result.stderr.decode()
    assert (result.returncode, result.stdout) == (2, b""), said
    assert message in said
    assert "net.toml:" not in said
    assert "Traceback" not in said
    assert "steps/s" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("option", ["--save", "--log", "--plot", "--resume"])
def test_files_are_looked_at_before_anything_is_done(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(session, "plan", too_late)
    suffix = {"--log": "csv", "--plot": "svg"}.get(option, "json")
    names = [f"run.{suffix}x"] if option == "--resume" else [f"run.{suffix}x", f"no/run.{suffix}"]
    for name in names:
        assert trained(tmp_path, "blog", option, name) == 2


def test_two_outputs_in_one_file_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.csv.json").symlink_to("run.csv")
    assert trained(tmp_path, "blog", "--log", "run.csv", "--save", "run.csv.json") == 2
    assert "is named by another option, too" in capsys.readouterr().err


def test_a_general_f_is_refused_with_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = NETWORK.replace('"tanh"', '"generic"') + "[training]\nsteps = 3\n"
    (tmp_path / "general.toml").write_text(text, encoding="utf-8")
    assert trained(tmp_path, "general.toml") == 2
    assert 'activation = "sigmoid"' in capsys.readouterr().err


# Progress --------------------------------------------------------------------------------------------------------


def in_terminal(*arguments: str, cwd: Path, **changes: str) -> str:
    """What a terminal of 80 columns gets on stderr."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=environment(COLUMNS="80", LINES="24", **changes), stderr=follower
    )
    os.close(follower)
    parts = []
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux, where the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(leader)
    assert process.wait() == 0
    return b"".join(parts).decode()


def test_a_terminal_shows_a_bar_with_loss_accuracy_speed_and_time_left(tmp_path: Path) -> None:
    shown = in_terminal(
        "train", example_file(tmp_path), "--steps", "3000", cwd=tmp_path, TERM="xterm-256color"
    )
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)
    assert re.search(r"━+ *[\d,]+/3,000 +[\d,.]+ steps/s, \d:\d\d:\d\d left", plain), plain
    assert re.search(r"loss 0\.\d+, accuracy \d+\.\d %", plain)
    assert "\x1b[3" in shown  # colours
    assert plain.rstrip().splitlines()[-3].endswith("steps/s)")


def test_nothing_is_coloured_where_no_color_is_set(tmp_path: Path) -> None:
    changes = {"TERM": "xterm-256color", "NO_COLOR": "1"}
    shown = in_terminal("train", example_file(tmp_path), "--steps", "3000", cwd=tmp_path, **changes)
    assert "━" in shown
    assert not re.search(r"\x1b\[[\d;]*m", shown.replace("\x1b[0m", ""))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_lines_come_at_growing_intervals_where_no_bar_can_be(
    stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress, "perf_counter", lambda: clock[0])
    monkeypatch.setenv("TERM", "dumb")
    said = stream()
    with progress.shown(said, 0, 1000) as show:
        for second in range(1000):
            clock[0] = float(second)
            show(loop.Look(second, 0.5, 0.25, 0.975))
    lines = said.getvalue().splitlines()
    assert lines[0] == (
        "step 2 of 1,000: loss 0.5, validation 0.25, accuracy 97.5 %, 1.00 steps/s, 0:16:38 left"
    )
    at = [int(line.split()[1]) for line in lines]
    assert at[:6] == [2, 6, 14, 30, 62, 122]
    assert at[-1] - at[-2] == 60


# The loop --------------------------------------------------------------------------------------------------------


@targets
@rules
@pytest.mark.parametrize("lengths", [[40], [1] * 40, [3, 1, 7, 29], [39, 1]])
def test_stretches_make_the_steps_of_one_training(
    lengths: list[int], rule: str, target: str, tmp_path: Path
) -> None:
    example = bpsym.load(example_file(tmp_path, rule))
    trainer = bpsym.trainer(example, target=target)
    state = trainer.initial_state(trainer.INITIAL) if hasattr(trainer, "initial_state") else None
    standing = loop.Standing(0, trainer.INITIAL, state)
    course = loop.Run(trainer, samples(example, target), float(example.training.learning_rate))
    for length in lengths:
        standing = course.advance(standing, length)
    assert standing.step == 40
    assert (lists(standing.parameters), lists(standing.state)) == by_hand(example, target, 40)


@targets
@pytest.mark.parametrize("preset", ["blog", "nielsen_cross_entropy", "softmax", "iamtrask_three_layer"])
def test_a_trainer_without_citations_computes_the_same(preset: str, target: str) -> None:
    example = bpsym.load(preset)
    cited, plain = (api.generate(example, target), api._Made(example).source(target, cited=False))

    def code(text: str) -> list[str]:
        return [line.split("#")[0].rstrip() for line in text.splitlines()]

    assert code(cited) == code(plain)
    assert cited != plain
