"""Example files and records: exact numbers, every error at once, each with its place and what to write."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bpsym
from bpsym import api
from bpsym.errors import InputError, UsageError
from bpsym.examples.positions import positions, too_deep
from bpsym.examples.toml_reader import read

KNOWN = {"notation": api.notations(), "lang": api.languages()}

GOOD = """\
notation = "blog"
[network]
inputs = 2
loss = "half_squared_error"

[[network.layers]]
units = 2
activation = "sigmoid"
bias = "none"
weights = [[0.1, 0.8], [0.4, 0.6]]

[[network.layers]]
units = 1
activation = "sigmoid"
weights = [[0.3, 0.9]]
biases = [-0.25]

[data]
x = [[0.35, 0.9]]
t = [[0.5]]

[training]
learning_rate = 1
steps = 100
"""


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(text, "mine.toml", KNOWN)
    return str(caught.value).splitlines()


def changed(old: str, new: str) -> list[str]:
    assert GOOD.count(old) >= 1
    return problems(GOOD.replace(old, new, 1))


def test_decimals_stay_exact() -> None:
    example = read(GOOD, "mine.toml", KNOWN)
    first, second = example.network.layers
    assert first.weights == ((Fraction(1, 10), Fraction(4, 5)), (Fraction(2, 5), Fraction(3, 5)))
    assert second.biases == (Fraction(-1, 4),)
    assert example.training.learning_rate == 1
    assert bpsym.Dense(units=1, weights=[[0.1]]).weights == ((Fraction(1, 10),),)


def test_the_blogs_preset_has_the_posts_numbers() -> None:
    """REFERENCE: X = (0.35, 0.9), y_out = 0.5, W0 = [[0.1, 0.8], [0.4, 0.6]], W1 = [0.3, 0.9], rate 1."""
    example = bpsym.load("blog")
    assert [
        [[str(float(w)) for w in row] for row in layer.weights or ()] for layer in example.network.layers
    ] == [
        [["0.1", "0.8"], ["0.4", "0.6"]],
        [["0.3", "0.9"]],
    ]
    assert example.data is not None
    assert example.data.x == ((Fraction(7, 20), Fraction(9, 10)),)
    assert example.data.t == ((Fraction(1, 2),),)
    assert (example.training.learning_rate, example.training.steps) == (1, 100)


def test_the_same_example_can_be_made_in_python() -> None:
    layers = (
        bpsym.Dense(units=2, activation="sigmoid", bias="none", weights=[[0.1, 0.8], [0.4, 0.6]]),
        bpsym.Dense(units=1, activation="sigmoid", weights=[[0.3, 0.9]], biases=[-0.25]),
    )
    example = bpsym.Example(
        notation="blog",
        network=bpsym.Network(inputs=2, layers=layers),
        data={"x": [[0.35, 0.9]], "t": [[0.5]]},
        training={"learning_rate": 1, "steps": 100},
    )
    assert example == read(GOOD, "mine.toml", KNOWN)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"sigmoid"', '"sigmiod"', "mine.toml:8:14: network.layers[0].activation: unknown activation 'sigmiod' (did you mean 'sigmoid'?)"),
        ("inputs = 2", "inptus = 2", "mine.toml:3:1: network.inptus: unknown key (did you mean 'inputs'?)"),
        ("inputs = 2\n", "", "mine.toml:2:1: network.inputs: missing (write inputs = 2)"),
        ("units = 2\n", "", "mine.toml:6:1: network.layers[0].units: missing (write units = 2)"),
        ('notation = "blog"', 'notation = "blok"', "mine.toml:1:12: notation: unknown notation 'blok' (did you mean 'blog'?)"),
        ("[[0.3, 0.9]]", "[[0.3]]", "mine.toml:15:11: network.layers[1].weights: 1 row of 1 number, but layer 2 has 1 unit and 2 inputs (write 1 row of 2 numbers)"),
        ("[[0.1, 0.8], [0.4, 0.6]]", "[[0.1, 0.8], [0.4]]", "mine.toml:10:24: network.layers[0].weights[1]: a row of 1 number, but every row needs 2 (write 2 numbers)"),
        ("biases = [-0.25]", "biases = [1, 2]", "mine.toml:16:10: network.layers[1].biases: 2 numbers, but layer 2 has 1 unit (write 1 number)"),
        ("[[0.5]]", "[[0.5], [0.5]]", "mine.toml:20:5: data.t: 2 rows, but x has 1 row (write one row of t for each row of x)"),
        ("[[0.35, 0.9]]", '[[0.35, "0.9"]]', "mine.toml:19:13: data.x[0][1]: must be a number, not the text '0.9' (write it without quotes)"),
        ("steps = 100", "steps = 1.5", "mine.toml:24:9: training.steps: must be a whole number, not 1.5"),
        ("learning_rate = 1", "learning_rate = -1", "mine.toml:23:17: training.learning_rate: must not be negative"),
        ('loss = "half_squared_error"', 'loss = "squared_eror"', "mine.toml:4:8: network.loss: unknown loss 'squared_eror' (did you mean 'squared_error'?)"),
        ("steps = 100", "update = [1]", "mine.toml:24:10: training.update: must be text in quotes, not an array"),
        ('"sigmoid"', "[]", "mine.toml:8:14: network.layers[0].activation: must be text in quotes, not an array"),
        ("[[0.3, 0.9]]", '[["w", 0.9]]', "mine.toml:15:13: network.layers[1].weights[0][0]: must be a number, not the text 'w'"),
        ("units = 2", "units = 600000", "mine.toml:7:9: network.layers[0].units: layer 1 has 600000 x 2 weights, more than 1,000,000 (write fewer units)"),
        ('units = 1\nactivation = "sigmoid"', 'units = 1\nactivation = "softmax"', "mine.toml:14:14: network.layers[1].activation: softmax is over the units of a layer, and layer 2 has one, whose output would always be 1 (write activation = \"sigmoid\", or more units)"),
        ("[training]", "[trainign]", "mine.toml:22:1: trainign: unknown key (did you mean 'training'?)"),
    ],
)  # fmt: skip
def test_an_error_has_its_place_its_key_and_what_to_write(old: str, new: str, expected: str) -> None:
    found = changed(old, new)
    assert any(line.startswith(expected) for line in found), found


def test_every_error_of_a_file_is_said_at_once_in_its_order() -> None:
    text = (
        GOOD.replace("inputs = 2", 'inputs = "two"')
        .replace('"sigmoid"', '"sigmiod"')
        .replace("[[0.3, 0.9]]", "[[0.3, nan]]")
    )
    text = text.replace("t = [[0.5]]", "t = [[0.5, 1]]").replace("steps = 100", "steps = -1\nspeed = 3")
    found = problems(text)
    keys = [line.split(": ")[1] for line in found]
    assert keys == [
        "network.inputs",
        "network.layers[0].activation",
        "network.layers[1].activation",
        "network.layers[1].weights[0][1]",
        "data.t[0]",
        "training.steps",
        "training.speed",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("steps = 100", "epochs = 3", "24:1: training.epochs: unknown key (write steps = 100, one for each batch; train counts epochs with --epochs)"),
        ("steps = 100", "l2 = 0.1", "24:1: training.l2: unknown key (it belongs below [network])"),
        ("steps = 100", "lr = 0.1", "24:1: training.lr: unknown key (write learning_rate = 0.5)"),
        ("steps = 100", 'title = "mine"', "24:1: training.title: unknown key (write it above the first table)"),
        ("biases = [-0.25]", "seed = 3", "16:1: network.layers[1].seed: unknown key (it belongs below [data] or [training])"),
        ('notation = "blog"', 'loss = "huber"', "1:1: loss: unknown key (it belongs below [network])"),
        ("[data]", "[[layers]]\nunits = 1\n[data]", "18:1: layers: unknown key (write [[network.layers]] for each layer)"),
        ("weights = [[0.3, 0.9]]", 'init = "glorot_uniform"', "15:8: network.layers[1].init: unknown initializer 'glorot_uniform' (here it is 'xavier_uniform')"),
        ("weights = [[0.3, 0.9]]", 'init = { name = "kaiming_normal" }', "15:17: network.layers[1].init.name: unknown initializer 'kaiming_normal' (here it is 'he_normal')"),
        ("inputs = 2", "inputs = 1000000000", "3:10: network.inputs: 1000000000 inputs, more than 1,000,000 (write fewer inputs)"),
    ],
)  # fmt: skip
def test_a_word_of_elsewhere_is_answered_with_where_it_belongs_or_what_it_is_here(
    old: str, new: str, expected: str
) -> None:
    assert f"mine.toml:{expected}" in changed(old, new)


def test_targets_that_the_loss_is_not_for_are_refused_each_at_its_place() -> None:
    text = GOOD.replace("half_squared_error", "binary_cross_entropy").replace(
        "[[0.5]]", "[[0.5], [1.5], [1], [-2]]"
    )
    assert problems(text.replace("[[0.35, 0.9]]", "[[1, 2], [1, 2], [1, 2], [1, 2]]")) == [
        f"mine.toml:20:{column}: data.t[{row}][0]: {number}, but binary_cross_entropy is for targets from 0 to 1"
        " (write one of these, or another loss)"
        for column, row, number in ((14, 1, "1.5"), (26, 3, "-2"))
    ]
    assert read(GOOD.replace("half_squared_error", "binary_cross_entropy"), "mine.toml", KNOWN)


def test_rows_of_unequal_length_are_measured_by_the_network_alone() -> None:
    found = changed("[[0.1, 0.8], [0.4, 0.6]]", "[[0.15, 0.2, 0.3], [0.25, 0.3]]")
    assert found == [
        "mine.toml:10:12: network.layers[0].weights[0]: a row of 3 numbers, but every row needs 2 (write 2 numbers)"
    ]
    third = changed("[[0.1, 0.8], [0.4, 0.6]]", "[[0.15, 0.2, 0.3], [0.25, 0.3], [1, 2]]")
    assert [line.split(": ")[1] for line in third] == [
        "network.layers[0].weights",
        "network.layers[0].weights[0]",
    ]


def test_inputs_that_are_no_rows_are_not_counted_as_rows() -> None:
    assert [line.split(": ")[1] for line in changed("[[0.35, 0.9]]", "[0.05, 0.1]")] == [
        "data.x[0]",
        "data.x[1]",
    ]


def test_one_place_is_complained_of_once_with_all_that_is_known() -> None:
    text = GOOD.replace("[[0.1, 0.8], [0.4, 0.6]]", "[[0.1, 0.8]]").replace("inputs = 2", "inputs = 3")
    assert problems(text)[0] == (
        "mine.toml:10:11: network.layers[0].weights: 1 row of 2 numbers, but layer 1 has 2 units and 3 inputs"
        " (write 2 rows of 3 numbers)"
    )
    assert len(problems(text)) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", r"mine\.toml:1:1: the file is empty \(write inputs"),
        ("a = ", r"mine\.toml:1:\d+: not TOML: "),
        ("a = 1\na = 2\n", r"mine\.toml:2:\d+: not TOML: "),
        ("x = " + "[" * 200_000, r"mine\.toml:1:105: brackets nest more than 100 deep"),
        ("x = '" + "[" * 200 + "'  # " + "[" * 200, r"mine\.toml:1:1: x: unknown key"),
        ('x = """' + "[" * 200 + '\n"""', r"mine\.toml:1:1: x: unknown key"),
    ],
)  # fmt: skip
def test_what_is_no_example_is_refused_with_a_place(text: str, expected: str) -> None:
    assert any(re.match(expected, line) for line in problems(text)), problems(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[network]\ninputs = 2\n[network.layers]\nunits = 1\n[[network.layers]]\nunits = 2\n", "3:1: not TOML: a layer in single brackets (write [[network.layers]] for each layer)"),
        ("[network.layers]\nunits = 1\n[network.layers]\nunits = 2\n", "1:1: not TOML: a layer in single brackets (write [[network.layers]] for each layer)"),
        ("[network]\ninputs = 1\n[network]\nl2 = 1\n", "3:1: not TOML: [network] is written twice (write its keys below the first one)"),
        ("[training]\nlearning_rate = 0,5\nsteps = 1\n", "2:17: not TOML: a comma in a number (write a point: 0.5)"),
        ("x = [[0,5 0,9]]\n", "1:7: not TOML: a comma in a number (write a point: 0.5, and a comma after it)"),
        ("[network]\nloss = “squared_error”\n", '2:8: not TOML: a typographic quote, “ (write straight ones: ")'),
        ('loss = "squared_error”\n', '1:22: not TOML: a typographic quote, ” (write straight ones: ")'),
        ("[t]\na = 1\nb = 2\na = 3\nc = 4\n", "4:1: not TOML: a has a value already (leave one of the two out)"),
        ("[t]\na = 1\n  a = [\n  [1],\n  [2],\n]\nc = 4\n", "3:3: not TOML: a has a value already (leave one of the two out)"),
        ("a = { b = 1, b = 2 }\n", "1:1: not TOML: a key is written twice between the braces (leave one of them out)"),
        ("[t]\na = 1\n[[t]]\nb = 1\n", "3:1: not TOML: [t] is written twice (write its keys below the first one)"),
        ("b = 1\na.b = 1\na.b.c = 2\n", "3:1: not TOML: a.b.c has a value already (leave one of the two out)"),
        ("a = True\n", "1:5: not TOML: True (write true)"),
        ("loss = squared_error  # of all\n", '1:8: not TOML: text without quotes (write "squared_error")'),
        ("x = [[1，2]]\n", "1:8: not TOML: ， is another character than , (write ,)"),
        ('x = ["a，"，1]\n', "1:10: not TOML: ， is another character than , (write ,)"),
        ("x = [\n  [1、2],\n]\n", "2:5: not TOML: 、 is another character than , (write ,)"),
        ("title = “a，b”\n", '1:9: not TOML: a typographic quote, “ (write straight ones: ")'),
        ("units＝1\n", "1:6: not TOML: ＝ is another character than = (write =)"),
        ("units： 1\n", "1:6: not TOML: ： is another character than = (write =)"),
        ("x = ［[1, 2]］\n", "1:5: not TOML: ［ is another character than [ (write [)"),
        ("［network］\n", "1:1: not TOML: ［ is another character than [ (write [)"),
        ("x = [[1, 2］]\n", "1:11: not TOML: ］ is another character than ] (write ])"),
        ("x = [[1, −2]]\n", "1:10: not TOML: − is another character than - (write -)"),
        ("x = [[1; 2]]  # ；\n", "1:8: not TOML: a semicolon in an array (write a comma)"),
        ("x = [[1, -1 / 3]]\n", '1:10: not TOML: a fraction without quotes (write "-1/3")'),
        ("rate = 1/3\n", '1:8: not TOML: a fraction without quotes (write "1/3")'),
        ("x = [[0.5 -2]]\n", "1:7: not TOML: no comma after 0.5 (write one between two numbers)"),
        ("units: 4\n", "1:6: not TOML: a colon after a key (write = for it)"),
        ("rate = .5\n", "1:8: not TOML: a number without a digit before its point (write 0.5)"),
    ],
)  # fmt: skip
def test_a_usual_slip_is_answered_with_what_to_write(text: str, expected: str) -> None:
    assert problems(text) == [f"mine.toml:{expected}"]


def test_records_made_in_python_are_checked_too() -> None:
    with pytest.raises(InputError, match="must be at least 1"):
        bpsym.Dense(units=0)
    with pytest.raises(InputError, match="unknown activation"):
        bpsym.Dense(units=1, activation="sigmiod")
    with pytest.raises(InputError, match=r"layers\[0\].weights"):
        bpsym.Network(inputs=3, layers=(bpsym.Dense(units=1, weights=[[1, 2]]),))


def test_a_preset_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"unknown preset 'blgo' \(did you mean 'blog'\?\); the path of a file ends"
    ):
        bpsym.load("blgo")


def test_an_examples_own_options_are_those_of_the_command_line() -> None:
    example = read(GOOD + '\n[derivation]\nlang = "zh"\ndigits = 4\n', "mine.toml", KNOWN)
    latex = bpsym.derive(example).to_latex()
    assert r"\documentclass[11pt,a4paper]{ctexart}" in latex
    assert bpsym.derive(example).digits == 4
    assert bpsym.derive(example, digits=7).digits == 7
    assert any(
        "derivation.lang: unknown lang 'fr'" in line
        for line in problems(GOOD + '[derivation]\nlang = "fr"\n')
    )


# Positions -------------------------------------------------------------------------------------------------------

TOML = '''\
# a comment with [brackets] = 1
"quoted.key" = 'a # b'
a.b = { c = 1, "d" = [1, 2] }
many = [
  [1, 2],  # first
  [3, """x
]""", 4],
]

[[t]]
u = 1
[t.v]
w = 2
[[t]]
u = 3
'''


@pytest.mark.parametrize(
    ("key", "key_place", "value_place"),
    [
        (("quoted.key",), (2, 1), (2, 16)),
        (("a", "b"), (3, 3), (3, 7)),
        (("a", "b", "c"), (3, 9), (3, 13)),
        (("a", "b", "d", 1), None, (3, 26)),
        (("many", 0), None, (5, 3)),
        (("many", 1, 1), None, (6, 7)),
        (("many", 1, 2), None, (7, 7)),
        (("t", 0, "u"), (11, 1), (11, 5)),
        (("t", 0, "v", "w"), (13, 1), (13, 5)),
        (("t", 1, "u"), (15, 1), (15, 5)),
        (("t", 1, "missing"), None, (14, 1)),
        (("t", 0, "v", "missing"), None, (12, 1)),
        (("missing",), None, (1, 1)),
    ],
)
def test_keys_and_values_are_found_where_they_stand(key: Any, key_place: Any, value_place: Any) -> None:
    found = positions(TOML)
    assert found.of_value(key) == value_place
    if key_place is not None:
        assert found.of_key(key) == key_place


def test_brackets_in_strings_and_comments_do_not_nest() -> None:
    assert too_deep("x = [" * 3 + "'" + "[" * 500 + "'") is None
    assert too_deep("# " + "[" * 500) is None
    assert too_deep("\n" + "[" * 101) == (2, 101)


# Fuzz ------------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [*GOOD.split(), "[", "]", "{", "}", '"', "'", '"""', "=", ",", "nan", "-inf", "1e999999999", "true", "[[]]", "\n",
     "[data]", "a.b.c = 1", "\x00", "é", "{ a = 1 }", "1979-05-27", "0x10", "[[network.layers]]", "#"]
)  # fmt: skip


@settings(max_examples=400)
@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.lists(PIECES, max_size=3))
def test_a_mutated_file_is_read_or_refused_with_places(start: int, gone: int, put: list[str]) -> None:
    text = GOOD[:start] + " ".join(put) + GOOD[start + gone :]
    try:
        read(text, "mine.toml", KNOWN)
    except InputError as error:
        for line in str(error).splitlines():
            assert re.match(r"mine\.toml:\d+:\d+: ", line), line
