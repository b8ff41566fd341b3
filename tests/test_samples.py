"""Samples from files: exact numbers, labels, the validation part; what is wrong is said with its places."""

from __future__ import annotations

import re
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpsym
from bpsym import api
from bpsym.errors import InputError
from bpsym.examples.samples import one_hot, split
from bpsym.examples.toml_reader import read

KNOWN = api.known()

HEAD = "[network]\ninputs = 2\n[[network.layers]]\nunits = {units}\n[data]\n"

FLOWERS = "length,width,kind\n5.1,0.35,setosa\n7.0,1.4,versicolor\n6.3,2.5,virginica\n4.9,.2,setosa\n"


def example(folder: Path, data: str, units: int = 1) -> bpsym.Example:
    return read(HEAD.format(units=units) + data, "mine.toml", KNOWN, folder)


def problems(folder: Path, data: str, units: int = 1) -> list[str]:
    with pytest.raises(InputError) as caught:
        example(folder, data, units)
    lines = str(caught.value).splitlines()
    assert all(re.match(r"mine\.toml:\d+:\d+: ", line) for line in lines), lines
    return lines


def saved(folder: Path, content: str | bytes, name: str = "samples.csv") -> str:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return f'file = "{name}"\n'


def data_of(folder: Path, content: str | bytes, keys: str, units: int = 1) -> bpsym.Data:
    found = example(folder, saved(folder, content) + keys, units).data
    assert found is not None
    return found


# What is read -----------------------------------------------------------------------------------------------------


def test_decimals_of_a_file_stay_exact(tmp_path: Path) -> None:
    data = data_of(tmp_path, "a,b,c\n0.1,-2,1e-3\n+.5,3.,0.30\n", 'inputs = ["c", "a"]\ntargets = "b"')
    assert data.x == ((Fraction(1, 1000), Fraction(1, 10)), (Fraction(3, 10), Fraction(1, 2)))
    assert data.t == ((Fraction(-2),), (Fraction(3),))
    assert (data.validation_x, data.validation_t, data.classes) == (None, None, None)


def test_all_columns_but_the_targets_are_inputs_where_none_are_named(tmp_path: Path) -> None:
    data = data_of(tmp_path, "a,t,b\n1,2,3\n", 'targets = "t"')
    assert (data.x, data.t) == (((1, 3),), ((2,),))
    assert data_of(tmp_path, "a,b\n1,3\n", "").t is None


def test_labels_become_one_output_a_class_in_sorted_order(tmp_path: Path) -> None:
    data = data_of(tmp_path, FLOWERS, 'targets = "kind"\none_hot = true', 3)
    assert data.classes == ("setosa", "versicolor", "virginica")
    assert data.t == ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0))


def test_labels_that_are_numbers_are_sorted_as_numbers() -> None:
    assert one_hot(("10", "9", "2", "9"))[1] == ("2", "9", "10")
    assert one_hot(("10", "9", "b", "9"))[1] == ("10", "9", "b")
    rows, classes = one_hot(("1", "1.0", "0"))
    assert (rows, classes) == (((0, 1), (0, 1), (1, 0)), ("0", "1"))


def test_the_scale_is_for_the_inputs(tmp_path: Path) -> None:
    data = data_of(tmp_path, "a,b,t\n16,8,16\n", 'targets = "t"\nscale = 0.0625')
    assert (data.x, data.t) == (((1, Fraction(1, 2)),), ((16,),))


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa,b\n1,2\n",
        '"a","b"\r\n"1"," 2"\r\n',
        " a , b \n1,2\n\n,\n",
        'a,b,"a remark, with ""commas""\nand lines"\n1,2,"x,\ny"\n',
    ],
)
def test_a_byte_order_mark_quotes_blank_lines_and_spaces_do_no_harm(text: str, tmp_path: Path) -> None:
    assert data_of(tmp_path, text, 'inputs = ["a", "b"]').x == ((1, 2),)


def test_a_path_starts_from_the_folder_of_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    saved(inner, "a,b\n1,2\n")
    (inner / "mine.toml").write_text(HEAD.format(units=1) + 'file = "samples.csv"\n')
    monkeypatch.chdir(tmp_path)
    loaded = bpsym.load("inner/mine.toml").data
    assert loaded is not None
    assert loaded.x == ((1, 2),)
    assert bpsym.Data(file="inner/samples.csv").x == ((1, 2),)
    with pytest.raises(InputError, match=r"no file samples\.csv"):
        bpsym.Data(file="samples.csv")


def test_arrays_are_read_with_the_shortest_decimals_of_their_precision(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "s.npz",
        single=np.array([[0.1, 2.5], [0.3, -1.0]], np.float32),
        double=np.array([0.1, 1e-300]),
        labels=np.array(["b", "a"]),
        flags=np.array([True, False]),
    )
    data = example(tmp_path, 'file = "s.npz"\ninputs = "single"\ntargets = "labels"\none_hot = true', 2).data
    assert data is not None
    assert data.x == ((Fraction(1, 10), Fraction(5, 2)), (Fraction(3, 10), -1))
    assert (data.t, data.classes) == (((0, 1), (1, 0)), ("a", "b"))
    both = example(tmp_path, 'file = "s.npz"\ninputs = ["double", "flags"]').data
    assert both is not None
    assert both.x == ((Fraction(1, 10), 1), (Fraction(1, 10**300), 0))


# The validation part ----------------------------------------------------------------------------------------------


def test_a_seed_always_holds_the_same_samples_back(tmp_path: Path) -> None:
    """Python's own generator: random.Random(1).shuffle(list(range(10))) is [6, 8, 9, 7, 5, 3, 0, 4, 1, 2]."""
    rows = "a,b\n" + "".join(f"{number},0\n" for number in range(10))
    data = data_of(tmp_path, rows, "validation = 0.3\nseed = 1")
    assert data.validation_x is not None
    assert [row[0] for row in data.validation_x] == [6, 8, 9]
    assert [row[0] for row in data.x] == [0, 1, 2, 3, 4, 5, 7]
    other = data_of(tmp_path, rows, "validation = 0.3\nseed = 2")
    assert other.validation_x != data.validation_x


@pytest.mark.parametrize(("count", "share", "held"), [(10, "1/4", 3), (1797, "1/5", 359), (2, "1/2", 1)])
def test_the_share_is_rounded_to_whole_samples(count: int, share: str, held: int) -> None:
    training, validation = split(count, Fraction(share), 0)
    assert len(validation) == held
    assert sorted(training + validation) == list(range(count))


def test_targets_go_with_their_inputs(tmp_path: Path) -> None:
    rows = "a,b,t\n" + "".join(f"{number},0,{number}\n" for number in range(20))
    data = data_of(tmp_path, rows, 'targets = "t"\nvalidation = 0.5')
    assert data.t is not None
    assert data.validation_x is not None
    assert data.validation_t is not None
    assert [row[0] for row in data.x] == [row[0] for row in data.t]
    assert [row[0] for row in data.validation_x] == [row[0] for row in data.validation_t]


# What is wrong ----------------------------------------------------------------------------------------------------

WRONG = {
    "empty": ("", "", "6:8: data.file: samples.csv is empty (write a header"),
    "blank": ("\n\n", "", "6:8: data.file: samples.csv is empty (write a header"),
    "header only": ("a,b\n", "", "6:8: data.file: samples.csv has a header and no samples"),
    "ragged": ("a,b\n1,2\n1\n1,2,3\n", "", "6:8: data.file: samples.csv, line 4: 3 fields, but the header has 2"),
    "no number": ("a,b\n1,2\n1,two\n", "", "6:8: data.file: samples.csv, line 3, column 'b': 'two' is no number"),
    "an empty field": ("a,b\n1,2\n1,\n", "", "6:8: data.file: samples.csv, line 3, column 'b': empty (write a number)"),
    "a comma for the point": ('a,b\n1,"2,5"\n', "", "6:8: data.file: samples.csv, line 2, column 'b': '2,5' is no number (write a point for the comma)"),
    "nan": ("a,b\n1,nan\n", "", "6:8: data.file: samples.csv, line 2, column 'b': 'nan' is no number"),
    "1_000": ("a,b\n1,1_000\n", "", "6:8: data.file: samples.csv, line 2, column 'b': '1_000' is no number"),
    "too large": ("a,b\n1,1e999\n", "", "6:8: data.file: samples.csv, line 2, column 'b': 1E+999 is outside the range"),
    "an open quote": ('a,b\n1,"2\n', "", "6:8: data.file: samples.csv, line 2: not CSV: "),
    "not UTF-8": (b"a,b\n1,\xff\n", "", "6:8: data.file: samples.csv, line 2: not UTF-8"),
    "one name twice": ("a,a\n1,2\n", "", "6:8: data.file: samples.csv: two columns are named 'a'"),
    "a missing column": ("lenght,b\n1,2\n", 'inputs = ["b", "length"]', "7:16: data.inputs[1]: the file has no column 'length' (did you mean 'lenght'?)"),
    "a missing target": ("a,b\n1,2\n", 'targets = "label"', "7:11: data.targets: the file has no column 'label' (choose from: a, b)"),
    "a number in a named column": ("a,b,t\n1,2,x\n", 'targets = ["t"]', "7:12: data.targets[0]: samples.csv, line 2, column 't': 'x' is no number"),
    "input and target": ("a,b\n1,2\n", 'inputs = ["a", "b"]\ntargets = "b"', "8:11: data.targets: 'b' is among the inputs too"),
    "an input twice": ("a,b\n1,2\n", 'inputs = ["a", "a"]', "7:16: data.inputs[1]: 'a' is named twice (write it once)"),
    "a target twice": ("a,b,c\n1,2,3\n", 'targets = ["c", "c"]', "7:17: data.targets[1]: 'c' is named twice (write it once)"),
    "nothing left": ("a\n1\n", 'targets = "a"', "7:11: data.targets: no column is left for the inputs"),
    "too many columns": ("a,b,c\n1,2,3\n", "", "6:8: data.file: 3 columns of inputs, but the network has 2 inputs (write inputs = 3 in [network], or name the columns)"),
    "too few columns": ("a,b,c\n1,2,3\n", 'inputs = ["a"]', "7:10: data.inputs: 1 column of inputs, but the network has 2 inputs"),
    "too many classes": (FLOWERS, 'targets = "kind"\none_hot = true', "7:11: data.targets: 3 classes, but the network has 1 output (write units = 3 in the last layer)"),
    "several columns of labels": ("a,b,t,u\n1,2,3,4\n", 'targets = ["t", "u"]\none_hot = true', "8:11: data.one_hot: one_hot needs one column of labels"),
    "one_hot alone": ("a,b\n1,2\n", "one_hot = true", "7:11: data.one_hot: one_hot needs one column of labels"),
    "nobody held back": ("a,b\n1,2\n1,2\n", "validation = 0.1", "7:14: data.validation: 0.1 of 2 samples is none of them"),
    "everybody held back": ("a,b\n1,2\n1,2\n", "validation = 0.9", "7:14: data.validation: 0.9 of 2 samples is all of them"),
    "a share above 1": ("a,b\n1,2\n", "validation = 20", "7:14: data.validation: must be between 0 and 1"),
    "no scale": ("a,b\n1,2\n", "scale = 0", "7:9: data.scale: must not be 0"),
    "x beside a file": ("a,b\n1,2\n", "x = [[1, 2]]", "7:5: data.x: x and file are given"),
    "a misspelt key": ("a,b\n1,2\n", 'target = "b"', "7:1: data.target: unknown key (did you mean 'targets'?)"),
    "labels": (FLOWERS, 'targets = "kind"', "7:11: data.targets: samples.csv, line 2, column 'kind': 'setosa' is no number (for labels of classes, write one_hot = true)"),
    "labels among the inputs": (FLOWERS, "", "6:8: data.file: samples.csv, line 2, column 'kind': 'setosa' is no number (for labels of classes, write targets = \"kind\" and one_hot = true)"),
    "one class": ("a,b,kind\n1,2,x\n3,4,x\n", 'targets = "kind"\none_hot = true', "7:11: data.targets: all samples have the class 'x', and there is nothing to learn (name the column of labels, or add samples)"),
    "semicolons": ("a;b;c\n1,5;2;3\n", "", "6:8: data.file: samples.csv: semicolons stand between the columns (write commas, and points in numbers)"),
    "tabs": ("a\tb\n1\t2\n", 'targets = "b"', "6:8: data.file: samples.csv: tabs stand between the columns (write commas, and points in numbers)"),
    "no header": ("0,0,1\n1,-.5,1e1\n", "", "6:8: data.file: samples.csv: the first line is numbers: a header with the names of the columns is missing (write x1,x2,t above it)"),
    "no header over one column": ("1\n2\n", "", "6:8: data.file: samples.csv: the first line is numbers: a header with the names of the columns is missing (write x1 above it)"),
    "no header over many columns": ("1,2,3,4,5,6,7\n", "", "6:8: data.file: samples.csv: the first line is numbers: a header with the names of the columns is missing (write x1,x2,…,t above it)"),
    "names that are none": ("a,b\n1,2\n", "inputs = [1]", "7:10: data.inputs: must be a name or an array of names"),
}  # fmt: skip


def test_a_column_may_have_a_number_for_a_name_beside_others(tmp_path: Path) -> None:
    assert len(example(tmp_path, saved(tmp_path, "1,two\n3,4\n")).data.x) == 1


@pytest.mark.parametrize(
    ("targets", "write"),
    [
        (("0", "1"), "one_hot = true for labels of classes, or units = 1"),
        (("0", "0.5"), "units = 1"),
    ],
)
def test_one_column_of_whole_numbers_for_several_outputs_may_be_labels(
    targets: tuple[str, str], write: str, tmp_path: Path
) -> None:
    data = saved(tmp_path, f"a,b,t\n1,2,{targets[0]}\n3,4,{targets[1]}\n") + 'targets = "t"'
    assert problems(tmp_path, data, units=2) == [
        "mine.toml:7:11: data.targets: 1 column of targets, but the network has 2 outputs"
        f" (write {write} in the last layer)"
    ]


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_file_is_said_with_its_place(what: str, tmp_path: Path) -> None:
    content, keys, expected = WRONG[what]
    found = problems(tmp_path, saved(tmp_path, content) + keys)
    assert any(line.startswith(f"mine.toml:{expected}") for line in found), found


def test_targets_of_a_file_that_the_loss_is_not_for_are_refused_once(tmp_path: Path) -> None:
    (tmp_path / "samples.csv").write_text("a,b,c\n1,2,1\n1,2,2\n3,4,-1\n", encoding="utf-8")
    head = HEAD.format(units=1).replace("inputs = 2", 'inputs = 2\nloss = "binary_cross_entropy"')
    head = head.replace("units = 1", 'units = 1\nactivation = "sigmoid"')
    with pytest.raises(InputError) as caught:
        read(head + 'file = "samples.csv"\ntargets = "c"\n', "mine.toml", KNOWN, tmp_path)
    assert str(caught.value) == (
        "mine.toml:9:11: data.targets: 2, but binary_cross_entropy is for targets from 0 to 1"
        " (write one of these, or another loss)"
    )


def test_of_texts_in_one_of_several_targets_or_beside_numbers_no_classes_are_made(tmp_path: Path) -> None:
    several = problems(tmp_path, saved(tmp_path, "a,b,t,u\n1,2,3,x\n") + 'targets = ["t", "u"]')
    beside = problems(tmp_path, saved(tmp_path, "a,b,t\n1,2,x\n1,2,y\n1,2,3\n") + 'targets = "t"')
    assert (len(several), len(beside)) == (1, 2)
    assert not any("one_hot" in line for line in (*several, *beside))


def test_of_labels_in_an_array_it_is_said_what_to_write(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=np.zeros((2, 2)), t=np.array(["a", "b"]))
    (found,) = problems(tmp_path, 'file = "s.npz"\ninputs = "x"\ntargets = "t"')
    assert found.endswith("array 't' holds <U1, not numbers (for labels of classes, write one_hot = true)")


def test_a_class_that_only_validation_has_is_named(tmp_path: Path) -> None:
    """Of ten samples, seed 1 holds back the seventh, the ninth and the tenth."""
    rows = "a,b,kind\n" + "".join(f"{n},0,{'rare' if n == 8 else 'often'}\n" for n in range(10))
    keys = 'targets = "kind"\none_hot = true\nvalidation = 0.3\nseed = 1'
    found = problems(tmp_path, saved(tmp_path, rows) + keys, 2)
    assert found == [
        "mine.toml:9:14: data.validation: class 'rare' is in the validation part only"
        " (choose another seed, or a smaller validation)"
    ]


def test_many_wrong_numbers_are_five_and_a_count(tmp_path: Path) -> None:
    found = problems(tmp_path, saved(tmp_path, "a,b\n1,2\n" + "1,x\n" * 100))
    assert len(found) == 6
    assert found[-1].endswith("data.file: and 95 more")


def test_wrong_numbers_of_inputs_and_targets_are_said_together_with_other_errors(tmp_path: Path) -> None:
    text = HEAD.format(units=1) + saved(tmp_path, "a,b,t\nx,1,y\n") + 'targets = "t"\n[training]\nsteps = -1'
    with pytest.raises(InputError) as caught:
        read(text, "mine.toml", KNOWN, tmp_path)
    keys = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert keys == ["data.file", "data.targets", "training.steps"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("missing.csv", "there is no file missing.csv in "),
        ("missing/a.csv", "there is no file a.csv in "),
        ("samples.txt", "samples.txt is no file of samples (write one that ends with .csv or .npz)"),
        ("folder.csv", "folder.csv is a folder (write the path of a file"),
        ("folder", "folder is a folder (write the path of a file"),
        (".", "is a folder (write the path of a file, as in samples.csv)"),
        ("", "is a folder (write the path of a file, as in samples.csv)"),
        ("a\\u0000.csv", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_so(file: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder").mkdir()
    (found,) = problems(tmp_path, f'file = "{file}"')
    assert found.startswith("mine.toml:6:8: data.file: ")
    assert expected in found


WRONG_ARRAYS: dict[str, tuple[Any, str]] = {
    "objects": (np.array([[1, "a"]], object), "7:10: data.inputs: s.npz, array 'x' holds objects, or is damaged"),
    "texts": (np.array([["a", "b"]]), "7:10: data.inputs: s.npz, array 'x' holds <U1, not numbers"),
    "complex numbers": (np.array([[1j, 2]]), "7:10: data.inputs: s.npz, array 'x' holds complex128, not numbers"),
    "three axes": (np.zeros((1, 2, 2)), "7:10: data.inputs: s.npz, array 'x' has shape (1, 2, 2)"),
    "no axis": (np.array(1.0), "7:10: data.inputs: s.npz, array 'x' has shape ()"),
    "no samples": (np.zeros((0, 2)), "7:10: data.inputs: s.npz, array 'x' has shape (0, 2)"),
    "nan": (np.array([[1, 2], [3, np.nan]]), "7:10: data.inputs: s.npz, array 'x'[1][1]: must be a finite number, not nan"),
    "infinity": (np.array([[1, -np.inf]]), "7:10: data.inputs: s.npz, array 'x'[0][1]: must be a finite number, not -infinity"),
    "another width": (np.zeros((3, 3)), "7:10: data.inputs: 3 columns of inputs, but the network has 2 inputs"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG_ARRAYS)
def test_what_is_wrong_with_an_array_is_said_with_its_place(what: str, tmp_path: Path) -> None:
    array, expected = WRONG_ARRAYS[what]
    np.savez(tmp_path / "s.npz", x=array)
    (found,) = problems(tmp_path, 'file = "s.npz"\ninputs = "x"')
    assert found.startswith(f"mine.toml:{expected}")


def test_arrays_of_other_numbers_of_samples_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=np.zeros((3, 2)), t=np.zeros((2, 1)), u=np.zeros(3), v=np.zeros(2))
    (found,) = problems(tmp_path, 'file = "s.npz"\ninputs = "x"\ntargets = "t"')
    assert found.startswith("mine.toml:8:11: data.targets: 2 targets, but 3 samples")
    (found,) = problems(tmp_path, 'file = "s.npz"\ninputs = ["u", "v"]')
    assert found.startswith("mine.toml:7:10: data.inputs: the arrays have 2 and 3 samples")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"rubbish", b"\x80\x04K\x01."])
def test_what_is_no_npz_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, saved(tmp_path, content, "s.npz") + 'inputs = "x"')
    assert found.startswith("mine.toml:6:8: data.file: s.npz is no NPZ file")


def test_a_single_array_is_no_npz_file(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.zeros(2))
    (found,) = problems(tmp_path, saved(tmp_path, (tmp_path / "s.npy").read_bytes(), "s.npz"))
    assert "holds a single array" in found


def test_keys_of_a_file_without_a_file_are_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, 'x = [[1, 2]]\ntargets = "t"\nvalidation = 0.2')
    assert [line.split(": ")[1] for line in found] == ["data.targets", "data.validation"]
    assert problems(tmp_path, "t = [[1]]") == [
        'mine.toml:5:1: data.x: missing (write x = [[0.35, 0.9]], a row for each sample; or file = "samples.csv")'
    ]


def test_samples_by_the_thousand_are_read_in_a_moment(tmp_path: Path) -> None:
    names = ",".join(f"p{number}" for number in range(64))
    rows = "".join(",".join(str((n * k) % 17) for k in range(64)) + f",{n % 10}\n" for n in range(1800))
    saved(tmp_path, f"{names},label\n{rows}")
    start = time.perf_counter()
    data = bpsym.Data(
        file=str(tmp_path / "samples.csv"), targets="label", one_hot=True, scale="1/16", validation=0.2
    )
    assert time.perf_counter() - start < 1
    assert len(data.x) == 1440


def test_a_sample_without_a_label_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    file = saved(tmp_path, "a,kind\n1,x\n2,\n3,y\n")
    (problem,) = problems(tmp_path, file + 'targets = "kind"\none_hot = true', 2)
    assert "samples.csv, line 3, column 'kind': empty (write the sample's class)" in problem
