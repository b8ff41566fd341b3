"""Files as people spoil them: read, or refused in lines that each have a place; never slowly, never with a traceback."""

from __future__ import annotations

import copy
import re
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sympy  # noqa: F401  (its import is no part of reading a file)
from hypothesis import given, settings
from hypothesis import strategies as st

import bpsym
from bpsym import api
from bpsym.errors import InputError
from bpsym.examples.toml_reader import read
from tests.running import bpsym as run

KNOWN = api.known()
A_SECOND = 1.0
PLACED = re.compile(r"mine\.toml:[1-9]\d*:[1-9]\d*: \S")

GOOD = """\
title = "A file with everything"
source = "ours"
notation = "blog"

[network]
inputs = 2
loss = "half_squared_error"
reduction = "mean"
l2 = 0.01

[[network.layers]]
type = "dense"
units = 2
activation = "tanh"
bias = "layer"
weights = [[0.1, 0.8], [0.4, 0.6]]
biases = 0.5
frozen = ["biases"]

[[network.layers]]
units = 2
activation = "sigmoid"
init = { name = "uniform", low = -0.5, high = 0.5 }

[[network.layers]]
units = 1
activation = "z / (1 + abs(z))"
bias = "none"
init = "he_normal"

[data]
x = [[0.35, 0.9], [1, -2.5e-3]]
t = [[0.5], [1]]

[training]
learning_rate = 0.5
steps = 100
batch_size = 1
shuffle = true
seed = 7
update = "simultaneous"
optimizer = { name = "adam", betas = [0.9, 0.99], eps = 1e-8 }
schedule = { name = "step", step_size = 10, gamma = 0.5 }

[training.clip]
name = "norm"
max_norm = 1

[derivation]
lang = "zh"
digits = 6
weights = ["w31"]
sample = 2

[phrases]
node = "neuron"
"""


def table() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(GOOD)


def refused(text: str) -> list[str]:
    """What is said against the text, checked: each line has a place, and all of it came within a second."""
    start = time.process_time()
    try:
        read(text, "mine.toml", KNOWN)
        lines: list[str] = []
    except InputError as error:
        lines = str(error).splitlines()
        assert lines
    assert time.process_time() - start < A_SECOND
    for line in lines:
        assert PLACED.match(line), line
        row, column = map(int, line.split(":")[1:3])
        assert row <= text.count("\n") + 1
        assert column <= max(len(each) for each in text.split("\n")) + 1
    return lines


def test_the_file_is_right_before_it_is_spoilt() -> None:
    assert refused(GOOD) == []
    assert bpsym.Example(**table()) == read(GOOD, "mine.toml", KNOWN)


# Spoilt as a table ------------------------------------------------------------------------------------------------


def written(value: Any) -> str:
    """The value as TOML, inline: a writer of its own."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{key(name)} = {written(one)}" for name, one in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case str():
            return key(value, bare=False)
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
    return str(value)


def key(name: str, *, bare: bool = True) -> str:
    if bare and re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in name)
    return f'"{escaped}"'


def document(values: dict[str, Any], style: str) -> str:
    """As inline tables, or under headers."""
    if style == "inline":
        return "".join(f"{key(name)} = {written(one)}\n" for name, one in values.items())
    plain = {name: one for name, one in values.items() if not isinstance(one, dict)}
    tables = {name: one for name, one in values.items() if isinstance(one, dict)}
    text = document(plain, "inline")
    for name, one in tables.items():
        many = one.get("layers") if name == "network" else None
        rest = {inner: value for inner, value in one.items() if inner != "layers" or not is_tables(many)}
        text += f"\n[{key(name)}]\n{document(rest, 'inline')}"
        if is_tables(many):
            text += "".join(f"\n[[{key(name)}.layers]]\n{document(each, 'inline')}" for each in many)
    return text


def is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything in the table."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    return found + [place for name, one in inner for place in places(one, (*path, name))]


RUBBISH = st.recursive(
    st.one_of(
        st.none().map(lambda _: {}),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.sampled_from(
            [0, -1, 1.5, "1/3", "1/0", float("nan"), float("inf"), 10**400, 1e308, -1e-308, date(1979, 5, 27), "", "z", "(" * 60,
             "__import__('os')", "9**9**9**9", "sigmiod", "adamm", "\n", "\x00", "é" * 200, "generic", "softmax", "log(z)"]
        ),
        st.text(max_size=20),
        st.floats(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip

OPERATIONS = ("drop", "rename", "retype", "text", "nest", "double", "move")


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    values = table()
    for _ in range(draw(st.integers(1, 4))):
        spoil(draw, values)
    return document(values, draw(st.sampled_from(("inline", "headers"))))


def spoil(draw: st.DrawFn, values: dict[str, Any]) -> None:
    """Change one thing, anywhere."""
    paths = places(values)
    if not paths:
        return
    *way, last = draw(st.sampled_from(paths))
    parent: Any = values
    for part in way:
        parent = parent[part]
    here = parent[last]
    match draw(st.sampled_from(OPERATIONS)):
        case "drop":
            del parent[last]
        case "rename" if isinstance(parent, dict):
            name = draw(st.one_of(st.text(max_size=10), st.just(f"{last}s"), st.just(last[::-1])))
            parent[name] = parent.pop(last)
        case "text":
            parent[last] = str(here)
        case "nest":
            parent[last] = draw(st.sampled_from(([here], {"a": here}, [[here]], [here, here])))
        case "double" if isinstance(parent, list):
            parent.append(copy.deepcopy(here))
        case "move":
            values[draw(st.sampled_from(("data", "inputs", "network", "x")))] = copy.deepcopy(here)
        case _:
            parent[last] = draw(RUBBISH)


@settings(max_examples=1_500)
@given(spoilt())
def test_a_spoilt_table_is_read_or_refused_with_places(text: str) -> None:
    refused(text)


# Spoilt as a text -------------------------------------------------------------------------------------------------

PIECES = (
    "[", "]", "{", "}", "'", '"', '"""', "'''", "=", ",", ".", "#", "\\", "\n", "\r\n", "\r", "\t", "\x00", "\x7f", "é", "\ufeff", "\u2028",
    "nan", "-inf", "1e999999999", "0x10", "1_000", "+.5", "true", "1979-05-27T07:32:00Z", "[[]]", "[[network.layers]]", "[network]",
    "[data]", "network.inputs = 3", "a.b.c = 1", '"a b".c = 1', "{ a = 1 }", '"""\nline\n"""', "'''\n[data]\n'''", "x = [\n1,\n]",
    "[" * 120, "{a=" * 120, "9" * 5000, "'" * 7, "[network.layers]", "[network.layers.init]", "[[data]]", "# [data]", "training = 1",
)  # fmt: skip

pieces = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=3)


@settings(max_examples=1_000)
@given(st.integers(0, len(GOOD)), st.integers(0, 40), pieces)
def test_a_spoilt_text_is_read_or_refused_with_places(start: int, gone: int, put: list[str]) -> None:
    refused(GOOD[:start] + "".join(put) + GOOD[start + gone :])


@settings(max_examples=200)
@given(st.integers(0, len(GOOD)), st.binary(max_size=20))
def test_a_file_with_any_bytes_is_read_or_refused_with_places(start: int, put: bytes) -> None:
    content = GOOD.encode()
    spoilt_bytes = content[:start] + put + content[start:]
    refused_as_a_file(spoilt_bytes)


def refused_as_a_file(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.toml"
        path.write_bytes(content)
        try:
            bpsym.load(path)
        except InputError as error:
            for line in str(error).splitlines():
                assert PLACED.match(line.removeprefix(f"{folder}/")), line


# Through the command line -----------------------------------------------------------------------------------------

WORST = (
    "", "\n", "\x00", "network = 1", "[network]", "[[network]]", "[network]\ninputs = 2\nlayers = []", "[" * 10_000, "a = " + "{a=" * 2_000,
    "a = " + "9" * 100_000, "[network]\ninputs = " + "9" * 4_000, "a.b = 1\na = 2", "[a]\n[a]", '"' * 5, "a = '''", "a = 1979-05-27",
    GOOD.replace('"tanh"', '"' + "(" * 10_000 + '"'), GOOD.replace("0.1", "nan"), GOOD.replace("[data]", "[dota]"),
    GOOD.replace('"tanh"', "\"__import__('os').system('id')\""), GOOD.replace("units", "unit"), GOOD.encode().replace(b"ours", b"\xff\xfe"),
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(WORST)))
def test_the_command_line_refuses_the_worst_with_places_and_without_a_traceback(
    number: int, tmp_path: Path
) -> None:
    content = WORST[number]
    (tmp_path / "mine.toml").write_bytes(content.encode() if isinstance(content, str) else content)
    start = time.perf_counter()
    result = run("derive", "mine.toml", cwd=tmp_path)
    assert (
        time.perf_counter() - start < 10 * A_SECOND
    )  # of which the start of Python is most, on a busy machine
    assert result.returncode == 2
    assert result.stdout == b""
    lines = result.stderr.decode().splitlines()
    assert lines
    assert all(PLACED.match(line) for line in lines), lines
    assert len(result.stderr) < 10_000
