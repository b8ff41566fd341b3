"""What a person describes: written back as a file, checked by an editor's schema, begun with `new`, limited in words."""

from __future__ import annotations

import json
import re
import time
import tomllib
from array import array
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational

import bpsym
from bpsym import api
from bpsym.errors import InputError, UsageError
from bpsym.examples.toml_reader import read
from bpsym.examples.toml_text import number
from bpsym.network import limits
from bpsym.network.choices import REQUIRED
from bpsym.network.clips import CLIPS
from bpsym.network.initializers import INITIALIZERS
from bpsym.network.optimizers import OPTIMIZERS
from bpsym.network.schedules import SCHEDULES
from tests.running import ROOT
from tests.running import bpsym as run

KNOWN = api.known()
PRESETS = ROOT / "bpsym" / "examples" / "presets"


# Exact numbers as text --------------------------------------------------------------------------------------------

fractions = st.one_of(
    st.integers(-(10**25), 10**25).map(Fraction),
    st.fractions(),
    st.decimals(allow_nan=False, allow_infinity=False, places=7).map(Fraction),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(Fraction),
    st.tuples(st.integers(-99, 99), st.integers(-320, 300)).map(lambda pair: Fraction(pair[0]) * Fraction(10) ** pair[1]),
)  # fmt: skip


@settings(max_examples=500)
@given(fractions)
def test_every_exact_number_reads_back_from_its_text(value: Fraction) -> None:
    table = tomllib.loads(f"x = {number(value)}", parse_float=Decimal)
    assert bpsym.Training(learning_rate=abs(value)).learning_rate == abs(value)
    layer = bpsym.Dense(units=1, weights=[[table["x"]]])
    assert layer.weights == ((value,),)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2", "2"),
        ("-1/4", "-0.25"),
        ("1/10", "0.1"),
        ("1/5", "0.2"),
        ("-3/125", "-0.024"),
        ("1/3", '"1/3"'),
        ("-22/7", '"-22/7"'),
        ("1/10000000", "1e-7"),
        (Fraction(10**300), "1e300"),
        (Fraction(2**63), "9223372036854775808.0"),
        (Fraction(1, 2**20), "9.5367431640625e-7"),
    ],
)
def test_a_number_is_written_as_a_person_would(value: Any, text: str) -> None:
    assert number(Fraction(value)) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1/0", "divides by 0"),
        ("1/3 ", "must be a number, not the text"),
        ("0.1/3", "must be a number, not the text"),
        ("٣/4", "must be a number, not the text"),
        ("1" * 5000 + "/3", "has more than 1323 digits"),
        (Fraction(1, 3**5000), "has more than 1323 digits"),
        ("9" * 400 + "/3", "outside the range of floating-point numbers"),
    ],
)
def test_what_is_no_fraction_of_whole_numbers_is_refused(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bpsym.Dense(units=1, weights=[[value]])


# Numbers and arrays of NumPy --------------------------------------------------------------------------------------


def test_numbers_of_numpy_are_read_as_they_print() -> None:
    training = bpsym.Training(learning_rate=np.float32(0.1), steps=np.int64(3), shuffle=np.bool_(True))
    assert (training.learning_rate, training.steps, training.shuffle) == (Fraction(1, 10), 3, True)
    layer = bpsym.Dense(
        units=np.uint8(2), bias="layer", biases=np.float64(0.3), weights=[[np.float16(0.7)], [1]]
    )
    assert (layer.units, layer.biases, layer.weights) == (2, Fraction(3, 10), ((Fraction(7, 10),), (1,)))
    assert type(layer.units) is type(training.steps) is int
    drawn = {"name": "normal", "std": np.float32(0.1), "seed": np.int64(1)}
    assert bpsym.Dense(units=1, init=drawn) == bpsym.Dense(units=1, init=drawn | {"std": 0.1, "seed": 1})
    assert bpsym.Network(inputs=np.int32(1), layers=[{"units": np.int32(4)}]).layers[0].units == 4


def test_arrays_of_numpy_are_read_as_lists() -> None:
    weights, biases = np.array([[0.1, 0.8], [0.4, 0.6]], dtype=np.float32), np.array([1, 2])
    written = bpsym.Dense(units=2, weights=[[0.1, 0.8], [0.4, 0.6]], biases=[1, 2])
    assert bpsym.Dense(units=2, weights=weights, biases=biases) == written
    assert bpsym.Dense(units=2, weights=tuple(weights), biases=array("d", biases)) == written
    assert bpsym.Data(x=weights, t=weights[:, :1]) == bpsym.Data(x=[[0.1, 0.8], [0.4, 0.6]], t=[[0.1], [0.4]])
    assert bpsym.Dense(units=1, bias="layer", biases=np.array(0.5)).biases == Fraction(1, 2)
    adam = {"name": "adam", "betas": np.array([0.8, 0.9])}
    assert bpsym.Training(optimizer=adam).optimizer["betas"] == (Fraction(4, 5), Fraction(9, 10))


def test_numbers_of_sympy_are_exact() -> None:
    assert bpsym.Training(learning_rate=Rational(1, 3), steps=Integer(2)).learning_rate == Fraction(1, 3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"units": np.float64(2)}, "units: must be a whole number, not 2.0"),
        ({"units": np.array([2])}, "units: must be a whole number, not an array"),
        ({"units": np.bool_(True)}, "units: must be a whole number, not true"),
        ({"units": 1, "weights": np.ones(1)}, "weights[0]: must be an array of numbers, as in [0.1, 0.8], not 1.0"),
        ({"units": 1, "weights": np.ones((1, 1, 1))}, "weights[0][0]: must be a number, not an array"),
        ({"units": 1, "biases": [np.bool_(True)]}, "biases[0]: must be a number, not true"),
        ({"units": 1, "biases": [np.float32("nan")]}, "biases[0]: must be a finite number, not nan"),
        ({"units": 1, "biases": np.array([2j])}, "biases[0]: must be a number, not 2j"),
        ({"units": 1, "biases": np.array(["a"])}, "biases[0]: must be a number, not the text 'a'"),
    ],
)  # fmt: skip
def test_what_numpy_has_besides_is_refused_as_ever(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        bpsym.Dense(**wrong)
    assert str(caught.value).startswith(message)


def test_one_layer_without_a_list_is_refused_in_one_line() -> None:
    with pytest.raises(InputError) as caught:
        bpsym.Network(inputs=1, layers=bpsym.Dense(units=1))
    assert str(caught.value) == "layers: must be an array, not a Dense alone (write layers=[Dense(...)])"
    with pytest.raises(InputError, match=r"network: must be a table, not a Dense \(write"):
        bpsym.Example(network=bpsym.Dense(units=1))


def test_a_record_is_not_changed_and_says_what_to_do() -> None:
    layer = bpsym.Dense(units=2)

    def remove() -> None:
        del layer.units

    for change in (lambda: setattr(layer, "units", 3), remove):
        with pytest.raises(InputError) as caught:
            change()
        message = "units: Dense is not changed once it is made (make a new one, as in Dense(units=..., ...))"
        assert str(caught.value) == message
    wrong = "unit"
    with pytest.raises(InputError, match=r"^unit: Dense has no such field \(did you mean 'units'\?\)$"):
        setattr(layer, wrong, 3)
    data, x = bpsym.Data(x=[[1]]), "x"
    with pytest.raises(InputError, match=r"^x: Data is not changed once it is made"):
        setattr(data, x, [[2]])
    assert (layer, data) == (bpsym.Dense(units=2), bpsym.Data(x=[[1]]))


# An example as a file ---------------------------------------------------------------------------------------------

numbers = st.one_of(
    st.integers(-20, 20).map(lambda tenths: Fraction(tenths, 10)), st.fractions(-2, 2, max_denominator=9)
)
positive = st.fractions(Fraction(1, 100), 2, max_denominator=100)
words = st.text(max_size=12)


def rows(count: int, width: int) -> st.SearchStrategy[list[list[Fraction]]]:
    return st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=count, max_size=count)


def choices(records: Any) -> st.SearchStrategy[Any]:
    """A name, or a table with some of the settings: values that are right for every setting there is."""

    def table(name: str) -> st.SearchStrategy[Any]:
        asked = records[name].settings
        values = {key: _setting(setting) for key, setting in asked.items()}
        required = {key: values[key] for key, setting in asked.items() if setting.default is REQUIRED}
        optional = {key: value for key, value in values.items() if key not in required}
        drawn = st.fixed_dictionaries({"name": st.just(name), **required}, optional=optional)
        return drawn.filter(lambda made: all(_in_order(made, key, one) for key, one in asked.items()))

    return st.sampled_from(sorted(records)).flatmap(table)


def _in_order(made: dict[str, Any], key: str, setting: Any) -> bool:
    """Whether the setting is not below the one that it must not be below, where both are given."""
    return not {key, setting.not_below} <= made.keys() or made[setting.not_below] <= made[key]


def _setting(setting: Any) -> st.SearchStrategy[Any]:
    if setting.switch:
        return st.booleans()
    if setting.whole:
        return st.integers(1, 9)
    within = st.fractions(Fraction(1, 10), Fraction(9, 10), max_denominator=30)
    return st.tuples(*[within] * len(setting.parts)).map(list) if setting.parts else within


@st.composite
def layers(draw: st.DrawFn, before: int, units: int) -> dict[str, Any]:
    bias = draw(st.sampled_from(("none", "neuron", "layer")))
    layer: dict[str, Any] = {
        "units": units,
        "bias": bias,
        "activation": draw(st.sampled_from(("sigmoid", "tanh", "identity"))),
    }
    start = draw(st.sampled_from(("given", "drawn", "nothing")))
    if start == "given":
        layer["weights"] = draw(rows(units, before))
        if bias != "none" and draw(st.booleans()):
            layer["biases"] = draw(numbers) if bias == "layer" else draw(rows(1, units))[0]
    if start == "drawn":
        layer["init"] = draw(choices(INITIALIZERS))
    if draw(st.booleans()):
        layer["frozen"] = draw(st.sampled_from((["weights"], ["biases"], ["weights", "biases"])))
    return layer


@st.composite
def examples(draw: st.DrawFn) -> bpsym.Example:
    """Anything that a person may say, as a table of Python."""
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    network: dict[str, Any] = {
        "inputs": widths[0],
        "layers": [draw(layers(a, b)) for a, b in pairwise(widths)],
        **draw(st.fixed_dictionaries({}, optional={
            "loss": st.sampled_from(("half_squared_error", "squared_error")),
            "reduction": st.sampled_from(("mean", "sum")),
            "l1": positive,
            "l2": positive,
        })),
    }  # fmt: skip
    samples = draw(st.integers(1, 3))
    data = st.fixed_dictionaries({"x": rows(samples, widths[0])}, optional={"t": rows(samples, widths[-1])})
    training = st.fixed_dictionaries({}, optional={
        "learning_rate": positive,
        "steps": st.integers(0, 10),
        "optimizer": choices(OPTIMIZERS),
        "schedule": choices(SCHEDULES),
        "clip": choices(CLIPS),
        "batch_size": st.integers(1, 3),
        "shuffle": st.booleans(),
        "seed": st.integers(0, 2**70),
    })  # fmt: skip
    derivation = st.fixed_dictionaries({}, optional={
        "digits": st.integers(1, 15),
        "lang": st.sampled_from(KNOWN["lang"]),
        "form": st.sampled_from(KNOWN["form"]),
        "weights": st.lists(words, max_size=2),
        "sample": st.integers(1, 3),
    })  # fmt: skip
    own_words = st.dictionaries(st.sampled_from(KNOWN["phrases"]), words, max_size=2)
    return bpsym.Example(**draw(st.fixed_dictionaries({"network": st.just(network)}, optional={
        "title": words,
        "source": words,
        "notation": st.sampled_from(KNOWN["notation"]),
        "data": data,
        "training": training,
        "derivation": derivation,
        "phrases": st.one_of(own_words, own_words.map(lambda table: {"zh": table})),
    })))  # fmt: skip


def test_a_seed_of_any_size_reads_back() -> None:
    """2**63 is beyond what every reader knows; with a point it would be no whole number."""
    one = bpsym.Example(network={"inputs": 1, "layers": [{"units": 1}]}, training={"seed": 2**63})
    assert "seed = 9223372036854775808\n" in one.to_toml()
    assert read(one.to_toml(), "again.toml", KNOWN) == one


@settings(max_examples=300)
@given(examples())
def test_an_example_reads_back_from_its_toml_as_an_equal_one(example: bpsym.Example) -> None:
    text = example.to_toml()
    again = read(text, "again.toml", KNOWN)
    assert again == example
    assert again.to_toml() == text


@settings(max_examples=100)
@given(examples())
def test_what_an_example_writes_is_right_by_the_schema(example: bpsym.Example) -> None:
    valid_by_the_schema(example.to_toml())


@pytest.mark.parametrize("name", api.presets())
def test_a_preset_reads_back_from_its_toml(name: str) -> None:
    example = bpsym.load(name)
    assert read(example.to_toml(), "again.toml", KNOWN, PRESETS) == example


def test_of_a_file_of_samples_the_name_is_written_not_the_rows(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("a,b,t\n1,2,3\n")
    text = '[network]\ninputs = 2\n\n[[network.layers]]\nunits = 1\n\n[data]\nfile = "s.csv"\ntargets = "t"\nscale = 0.5\n'
    example = read(text, "mine.toml", KNOWN, tmp_path)
    assert example.to_toml() == text


# The schema -------------------------------------------------------------------------------------------------------


@cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(api.schema()))


def valid_by_the_schema(text: str) -> None:
    validator().validate(tomllib.loads(text))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(api.schema()))


@pytest.mark.parametrize("name", api.presets())
def test_presets_are_right_by_the_schema(name: str) -> None:
    valid_by_the_schema((PRESETS / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("inputs = 2", "inputs = 0"),
        ("units = 2", 'units = "two"'),
        ("units = 2", "unitz = 2"),
        ('bias = "none"', 'bias = "both"'),
        ('notation = "blog"', 'notation = "blok"'),
        ("steps = 100", "steps = 1.5"),
        ("steps = 100", 'optimizer = "adamm"'),
        ("steps = 100", 'optimizer = { name = "adam", betaz = [0.9, 0.99] }'),
        ("steps = 100", 'clip = "norm"'),
        ("x = [[0.35, 0.9]]", "x = [[true, 0.9]]"),
        ("[training]", '[derivation]\nform = "matrix"\n[training]'),
        ("[training]", '[phrases]\nnodes = "neurons"\n[training]'),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(old: str, new: str) -> None:
    text = (PRESETS / "blog.toml").read_text(encoding="utf-8")
    assert old in text
    wrong = text.replace(old, new, 1)
    with pytest.raises(InputError):
        read(wrong, "mine.toml", KNOWN)
    with pytest.raises(jsonschema.ValidationError):
        valid_by_the_schema(wrong)


def test_every_key_is_described_and_names_are_offered() -> None:
    schema = json.loads(api.schema())
    tables = {"Example": schema, **schema["$defs"]}
    undescribed = [
        f"{name}.{key}"
        for name, table in tables.items()
        for key, value in table["properties"].items()
        if not value.get("description")
    ]
    assert undescribed == []
    dense = schema["$defs"]["Dense"]["properties"]
    assert {"sigmoid", "generic"} <= set(dense["activation"]["anyOf"][0]["enum"])
    assert schema["properties"]["notation"]["enum"] == list(api.notations())


def test_the_command_prints_the_schema() -> None:
    result = run("schema")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == api.schema()


# A new file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", api.languages())
def test_a_new_file_is_a_commented_example_that_loads_and_derives(lang: str, tmp_path: Path) -> None:
    result = run("new", "mine.toml", "--lang", lang, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, b"")
    text = (tmp_path / "mine.toml").read_text(encoding="utf-8")
    assert text.count("#") > 20
    assert all(len(line) <= 120 for line in text.splitlines())
    valid_by_the_schema(text)
    example = bpsym.load(tmp_path / "mine.toml")
    latex = bpsym.derive(example).to_latex()
    assert ("ctexart" in latex) == (lang == "zh")
    assert example.title in latex


def test_new_files_say_the_same_in_every_language() -> None:
    def content(lang: str) -> dict[str, Any]:
        table = tomllib.loads(api.new_example(lang))
        return {key: value for key, value in table.items() if key not in ("title", "derivation")}

    def keys(lang: str) -> list[str]:
        """The keys of all lines, those that are commented out too."""
        lines = (line.lstrip("# ") for line in api.new_example(lang).splitlines())
        return [
            line.partition("=")[0].strip() for line in lines if line.partition("=")[0].strip().isidentifier()
        ]

    assert all(content(lang) == content("en") for lang in api.languages())
    assert all(keys(lang) == keys("en") for lang in api.languages())


@pytest.mark.parametrize("lang", api.languages())
def test_what_a_new_file_has_in_comments_may_be_written(lang: str) -> None:
    """Every key that is commented out, put in by itself: no key of it is unknown."""
    lines = api.new_example(lang).splitlines()
    for place, line in enumerate(lines):
        key, equals, _ = line.removeprefix("# ").partition("=")
        if not (line.startswith("# ") and equals and key.strip().isidentifier()):
            continue
        header = next((one for one in reversed(lines[:place]) if one.lstrip("# ").startswith("[")), "")
        opened = [header.lstrip("# ")] if header.startswith("# [") else []
        changed = [*lines[:place], *opened, line.removeprefix("# "), *lines[place + 1 :]]
        assert "unknown" not in complaint("\n".join(changed)), line


@pytest.mark.parametrize("lang", api.languages())
def test_a_new_file_shows_how_settings_of_training_are_written(lang: str) -> None:
    """With all of [training] that is commented out put in, and the optimizer with the settings that its comment shows."""
    before, header, training = api.new_example(lang).partition("[training]\n")
    training, following, after = training.partition("\n\n")
    lines = [line.removeprefix("# ") for line in training.splitlines()]
    rule = read(before + header + "\n".join(lines) + following + after, "mine.toml", KNOWN).training
    assert (str(rule.optimizer), str(rule.schedule), str(rule.clip)) == ("adam", "step", "norm")
    (shown,) = (re.findall(r"\{.*\}", line)[0] for line in lines if line.startswith("optimizer"))
    assert str(bpsym.Training(**tomllib.loads(f"optimizer = {shown}")).optimizer) == "adam"


def test_the_settings_of_training_in_the_readme_may_be_written() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"`((?:optimizer|schedule|clip) = \{[^`]*\})`", readme)
    assert {line.split()[0] for line in shown} == {"optimizer", "schedule", "clip"}
    rule = bpsym.Training(**tomllib.loads("\n".join(shown)))
    assert (str(rule.optimizer), str(rule.schedule), str(rule.clip)) == ("adam", "step", "norm")


def complaint(text: str) -> str:
    """What is said against the text; nothing where it is read."""
    try:
        read(text, "mine.toml", KNOWN)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("lang", api.languages())
def test_a_new_file_names_the_commands_that_take_it(lang: str) -> None:
    text = api.new_example(lang)
    for command in ("derive", "generate", "train"):
        assert f"python -m bpsym {command} FILE" in text


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("precious")
    for name in ("mine.toml", "no/mine.toml", "."):
        result = run("new", name, cwd=tmp_path)
        assert result.returncode == 2
        assert b"Traceback" not in result.stderr
    assert (tmp_path / "mine.toml").read_text() == "precious"
    assert run("new", "mine.toml", "--lang", "fr", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("name", ["mine", "mazur", "mine.tom", "mine.TOML"])
def test_a_new_file_has_a_name_that_the_other_commands_take(name: str, tmp_path: Path) -> None:
    result = run("new", name, cwd=tmp_path)
    assert result.returncode == 2
    wanted = Path(name).stem
    expected = f"{name}: the name of an example's file ends with .toml (write {wanted}.toml)"
    assert result.stderr.decode().strip() == expected
    assert not list(tmp_path.iterdir())


def test_a_derivation_is_not_written_into_a_pdf(tmp_path: Path) -> None:
    result = run("derive", "blog", "-o", "out.pdf", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, b"")
    expected = "-o out.pdf: what is written is LaTeX (write -o out.tex, and compile it)"
    assert result.stderr.decode().strip() == expected
    assert not list(tmp_path.iterdir())


# An example's own words -------------------------------------------------------------------------------------------

WORDED = """\
notation = "blog"
[network]
inputs = 1
[[network.layers]]
units = 1
weights = [[1]]
[data]
x = [[1]]
t = [[0]]
[phrases]
node = "cell & unit"
[phrases.zh]
forward = "往前走"
"""


def test_an_examples_own_words_stand_in_its_documents() -> None:
    document = bpsym.derive(read(WORDED, "mine.toml", KNOWN))
    assert r"the output of cell \& unit 2" in document.to_latex("en")
    assert "往前走" in document.to_latex("zh")
    assert "cell" not in document.to_latex("zh")


def test_unknown_words_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        read(WORDED.replace("node =", "nod =").replace("forward =", "foward ="), "mine.toml", KNOWN)
    assert str(caught.value).splitlines() == [
        "mine.toml:11:1: phrases.nod: unknown key (did you mean 'node'?)",
        "mine.toml:13:1: phrases.zh.foward: unknown key (did you mean 'forward'?)",
    ]
    with pytest.raises(InputError, match=r"mine.toml:11:8: phrases.node: must be text in quotes, not 1"):
        read(WORDED.replace('"cell & unit"', "1"), "mine.toml", KNOWN)


@pytest.mark.parametrize("function", [bpsym.derive, bpsym.generate, bpsym.trainer])
def test_what_is_no_example_is_refused_with_what_to_write(function: Any) -> None:
    name = f"bpsym.{function.__name__}"
    network = bpsym.Network(inputs=1, layers=[bpsym.Dense(units=1)])
    for wrong, message in (
        ("blog", f"not 'blog' (write {name}(bpsym.load(\"blog\")))"),
        (Path("my.toml"), f"not 'my.toml' (write {name}(bpsym.load(\"my.toml\")))"),
        (network, f"not the type Network (write {name}(bpsym.Example(network=...)))"),
        (None, f"not the type NoneType (write {name}(bpsym.Example(network=...)))"),
    ):
        with pytest.raises(UsageError) as caught:
            function(wrong)
        assert str(caught.value) == f"{name} takes an Example, {message}"


def test_names_that_no_upper_room_knows_are_refused_in_python_too() -> None:
    layer = bpsym.Dense(units=1, weights=[[1]])
    example = bpsym.Example(
        notation="blok",
        network=bpsym.Network(inputs=1, layers=(layer,)),
        derivation={"form": "matrix"},
    )
    with pytest.raises(InputError) as caught:
        bpsym.derive(example)
    assert str(caught.value).splitlines() == [
        "notation: unknown notation 'blok' (did you mean 'blog'?)",
        "derivation.form: unknown form 'matrix' (choose from: auto, scalar, index)",
    ]


# Limits -----------------------------------------------------------------------------------------------------------


def wide(*widths: int, bias: str = "neuron") -> bpsym.Example:
    layers = tuple(bpsym.Dense(units=units, bias=bias) for units in widths[1:])
    return bpsym.Example(network=bpsym.Network(inputs=widths[0], layers=layers))


@pytest.mark.parametrize(
    ("bias", "count"), [("none", 64 * 32 + 32 * 10), ("neuron", 2410), ("layer", 64 * 32 + 32 * 10 + 2)]
)
def test_all_parameters_are_counted(bias: str, count: int) -> None:
    assert limits.parameter_count(wide(64, 32, 10, bias=bias).network) == count


def test_a_long_plain_python_trainer_is_refused_with_the_numbers_and_what_to_use() -> None:
    example = wide(100, 50)
    start = time.perf_counter()
    with pytest.raises(UsageError) as caught:
        bpsym.generate(example, "python")
    assert time.perf_counter() - start < 1
    assert str(caught.value) == (
        "the network has 5,050 parameters, and a plain-Python trainer has a line for each of them (at most 5,000);"
        " use the target numpy, or --force"
    )
    assert "class Parameters" in bpsym.generate(example, "numpy")


def test_what_generate_leaves_out_is_said_with_the_numbers_and_what_to_use() -> None:
    """The weights and biases of 1 to 1000, and of 1000 to 1: 2 * 1000 + 1001."""
    long = wide(1, 1000, 1)
    assert api.left_out(long) == (
        "no trainer_python.py: the network has 3,001 parameters, and a plain-Python trainer has a line for each of"
        " them (at most 1,000 beside the documents); use trainer_numpy.py, or --force"
    )
    assert api.left_out(long, force=True) == api.left_out(wide(1, 2, 1)) == ""
    assert api.left_out(bpsym.load("agh")) == (
        "no trainers: layers 1, 2, 3 have a general f, which can be derived but not computed; to train, give an"
        ' activation, as in activation = "sigmoid"'
    )


def test_force_writes_a_long_trainer_all_the_same() -> None:
    assert bpsym.generate(wide(100, 50), "python", force=True).count("\n") > 5050


def test_long_derivations_are_refused_with_the_numbers_and_what_to_use() -> None:
    start = time.perf_counter()
    with pytest.raises(
        UsageError, match=r"2,010 parameters, a line for each \(at most 2,000\); use --form index"
    ):
        bpsym.derive(wide(200, 10), form="scalar")
    with pytest.raises(UsageError, match=r"chains of this weight are 2,500 lines.* \(at most 2,000\)"):
        bpsym.derive(wide(1, 2, 50, 50), weights=("w1_1_1",))
    assert time.perf_counter() - start < 2


def test_the_chains_of_all_weights_together_are_what_counts() -> None:
    network = wide(3, 4, 5, 6).network
    assert [limits.chain_count(network, layer) for layer in (1, 2, 3)] == [30, 6, 1]
    limits.check_chains(network, (1,) * 66)
    with pytest.raises(UsageError, match=r"chains of these 67 weights are 2,010 lines"):
        limits.check_chains(network, (1,) * 67)


def test_unknown_forms_are_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"unknown form 'scalr' \(did you mean 'scalar'\?\)"):
        bpsym.derive(bpsym.load("blog"), form="scalr")
    result = run("derive", "--form", "indx")
    assert result.returncode == 2
    assert b"did you mean 'index'?" in result.stderr
