"""Names of elements and layers, in formulas and in code."""

from __future__ import annotations

import keyword
from itertools import product

import pytest

import bpsym
from bpsym.calculus.equations import Program, Tensor, find
from bpsym.errors import UsageError
from bpsym.network.training_program import training_program
from bpsym.network.training_rule import TrainingRule
from bpsym.notation.names import Names
from bpsym.notation.packs import load_pack, pack_names

API = {"Parameters", "INITIAL", "initialize", "forward", "loss", "gradients", "update", "train", "parameters",
       "learning_rate", "steps", "progress"}  # fmt: skip


def network(*widths: int, bias: str = "none", activations: tuple[str, ...] = ()) -> bpsym.Network:
    kinds = activations or ("sigmoid",) * (len(widths) - 1)
    layers = tuple(
        bpsym.Dense(units=units, activation=kind, bias=bias)
        for units, kind in zip(widths[1:], kinds, strict=True)
    )
    return bpsym.Network(inputs=widths[0], layers=layers)


def named(pack: str, net: bpsym.Network) -> tuple[Names, Program]:
    return Names.of(pack, net), training_program(net, TrainingRule(), 1)


def adjoint(program: Program, name: str) -> Tensor:
    tensor = find(program, "adjoint", name)
    assert tensor is not None
    return tensor


def test_the_blog_numbers_its_nodes_through_the_network() -> None:
    names, program = named("blog", network(2, 2, 1))
    first, second = program["W1"], program["W2"]
    assert [names.latex(first, at) for at in product(range(2), range(2))] == [
        "w_{31}",
        "w_{32}",
        "w_{41}",
        "w_{42}",
    ]
    assert [names.code(second, (0, j)) for j in range(2)] == ["w53", "w54"]
    assert names.latex(program["z1"], (1,)) == "z_4"
    assert names.latex(program["a2"], (0,)) == "y_5"
    assert names.latex(program["t"], (0,)) == r"y_{\mathrm{out}}"
    assert names.code(program["t"], (0,)) == "y_out"
    assert names.code(adjoint(program, "z1"), (0,)) == "delta3"
    assert names.latex(adjoint(program, "z2"), (0,)) == r"\delta_5"
    assert names.code(adjoint(program, "W1"), (1, 0)) == "dw41"
    assert names.latex(adjoint(program, "W1"), (1, 0)) == r"\frac{\partial C}{\partial w_{41}}"


def test_the_blog_writes_layers_bold_with_the_number_beside_them() -> None:
    names, program = named("blog", network(2, 2, 1))
    assert names.layer(program["W1"]) == r"\boldsymbol{W}0"
    assert names.layer(program["z2"]) == r"\boldsymbol{z}2"
    assert names.layer(program["x"]) == r"\boldsymbol{X}"
    assert names.code(program["W1"]) == "W0"
    assert names.code(adjoint(program, "z2")) == "delta2"


def test_the_blogs_biases_belong_to_nodes_and_a_shared_one_to_its_layer() -> None:
    names, program = named("blog", network(2, 2, 2, bias="neuron"))
    assert [names.latex(program["b1"], (i,)) for i in range(2)] == ["b_3", "b_4"]
    assert names.latex(program["t"], (1,)) == "t_6"
    names, program = named("blog", network(2, 2, 2, bias="layer"))
    assert names.latex(program["b2"]) == "b_{(2)}"


def test_an_index_of_two_digits_gets_a_comma_in_print_and_an_underscore_in_code() -> None:
    names, program = named("blog", network(3, 6, 3))
    assert names.latex(program["W2"], (0, 0)) == "w_{10,4}"
    assert names.latex(program["W1"], (0, 0)) == "w_{41}"
    assert names.code(program["W2"], (1, 0)) == "w11_4"
    assert names.code(program["W1"], (0, 2)) == "w4_3"


def test_the_standard_notation_counts_units_in_each_layer() -> None:
    names, program = named("standard", network(2, 2, 1, bias="neuron"))
    assert names.latex(program["W1"], (0, 1)) == "w^{(1)}_{12}"
    assert names.latex(program["b2"], (0,)) == "b^{(2)}_1"
    assert names.latex(program["a1"], (1,)) == "a^{(1)}_2"
    assert names.latex(adjoint(program, "z1"), (1,)) == r"\delta^{(1)}_2"


def test_a_sample_is_marked_from_one() -> None:
    names, program = named("blog", network(2, 2, 1))
    assert names.latex(program["a2"], (0,), sample=0) == "y_5^{[1]}"
    names, program = named("standard", network(2, 2, 1))
    assert names.latex(program["a1"], (0,), sample=1) == "a^{(1)[2]}_1"
    assert names.latex(program["x"], (0,), sample=1) == "x_1^{[2]}"


def test_the_activation_is_one_letter_unless_layers_differ() -> None:
    names, _ = named("blog", network(2, 2, 1))
    assert names.function(1) == "f"
    names, _ = named("blog", network(2, 2, 1, activations=("tanh", "sigmoid")))
    assert names.function(2) == "f_{(2)}"


@pytest.mark.parametrize("pack", pack_names())
@pytest.mark.parametrize("widths", [(2, 2, 1), (1, 1), (4, 5, 3, 2), (12, 11, 10)])
@pytest.mark.parametrize("bias", ["none", "neuron", "layer"])
def test_names_in_code_are_unique_identifiers_and_none_of_the_trainers(
    pack: str, widths: tuple[int, ...], bias: str
) -> None:
    names, program = named(pack, network(*widths, bias=bias))
    tensors = [
        one
        for one in program.tensors.values()
        if one.role.kind not in ("loss", "sample_loss", "learning_rate")
    ]
    seen: list[str] = []
    for tensor in tensors:
        if tensor.origin is not None and tensor.origin.kind == "update":
            continue
        extents = [
            range(int(n)) for n, axis in zip(tensor.shape, tensor.role.axes, strict=True) if axis is not None
        ]
        seen += [names.code(tensor, at) for at in product(*extents)]
    assert len(set(seen)) == len(seen)
    for name in seen:
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert name not in API
        assert name not in dir(tuple)


def test_an_unknown_notation_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'blog'"):
        load_pack("blok")


@pytest.mark.parametrize(("pack", "signs"), [("standard", ("f_1", "f_2")), ("blog", ("f_{(1)}", "f_{(2)}"))])
def test_layers_with_the_same_activation_have_the_same_sign_for_it(pack: str, signs: tuple[str, str]) -> None:
    layers = [{"units": 1, "activation": one} for one in ("relu", "relu", "identity")]
    latex = bpsym.derive(bpsym.Example(notation=pack, network={"inputs": 1, "layers": layers})).to_latex()
    assert all(f"${sign}(z)$ &" in latex for sign in signs)
    assert signs[0].replace("1", "3") not in latex
    assert f"{signs[0]}'(z)$ is taken to be $0$" in latex
