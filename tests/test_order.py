"""Reading order: what SymPy sorts is put back as a teacher writes it."""

from __future__ import annotations

import bpsym
from bpsym.calculus.equations import Program
from bpsym.calculus.unroll import unroll
from bpsym.codegen.expression_text import ATOM, ExpressionText
from bpsym.network.training_program import training_program
from bpsym.network.training_rule import TrainingRule
from bpsym.notation.names import Names
from bpsym.notation.order import Number, Product, reading_order


def lines(
    *widths: int, bias: str = "none", activation: str = "sigmoid", loss: str = "half_squared_error"
) -> dict[str, str]:
    """Target -> right-hand side, in the blog's code names, of one sample's equations."""
    layers = tuple(bpsym.Dense(units=units, activation=activation, bias=bias) for units in widths[1:])
    network = bpsym.Network(inputs=widths[0], layers=layers, loss=loss)
    program = training_program(network, TrainingRule(), 1)
    names, flat = Names.of("blog", network), unroll(program)
    writer = ExpressionText(
        lambda form: (name(flat, program, names, form.read.name), ATOM),
        lambda name, arguments: f"{name}({', '.join(arguments)})",
    )
    return {
        name(flat, program, names, one.tensor.name): writer.text(reading_order(one.value, flat))
        for one in flat.equations
    }


def name(flat: Program, program: Program, names: Names, element: str) -> str:
    origin = flat[element].origin
    assert origin is not None
    tensor = program[origin.of]
    axes = zip(tensor.role.axes, origin.at, strict=True) if origin.at else ()
    code = names.code(tensor, tuple(at for axis, at in axes if axis is not None))
    return code if tensor.origin is None or tensor.origin.kind != "update" else f"new_{code}"


def test_a_weighted_sum_goes_by_the_inputs_and_ends_with_its_bias() -> None:
    found = lines(2, 2, 1, bias="neuron")
    assert found["z3"] == "w31 * x1 + w32 * x2 + b3"
    assert found["z5"] == "w53 * y3 + w54 * y4 + b5"


def test_an_error_term_starts_with_what_comes_from_the_output() -> None:
    found = lines(2, 2, 2)
    assert found["delta5"] == "(y5 - t5) * y5 * (1.0 - y5)"
    assert found["delta3"] == "(delta5 * w53 + delta6 * w63) * y3 * (1.0 - y3)"
    assert lines(2, 2, 1)["delta3"] == "delta5 * w53 * y3 * (1.0 - y3)"


def test_a_gradient_is_an_error_term_times_an_output() -> None:
    found = lines(2, 2, 1)
    assert found["dw31"] == "delta3 * x1"
    assert found["dw54"] == "delta5 * y4"


def test_an_update_subtracts_the_rate_times_the_gradient() -> None:
    assert lines(2, 2, 1)["new_w31"] == "w31 - learning_rate * dw31"


def test_the_square_of_tanh_is_taken_from_one() -> None:
    assert lines(2, 2, 1, activation="tanh")["delta3"] == "delta5 * w53 * (1.0 - y3**2)"


def test_a_common_factor_stands_before_the_sum() -> None:
    assert lines(2, 2, 2)["C"] == "0.5 * ((y5 - t5) ** 2 + (y6 - t6) ** 2)" or lines(2, 2, 2)["C"] == "C"
    assert lines(2, 2, loss="squared_error", activation="identity")["delta3"] == "2.0 * (y3 - t3)"


def test_more_than_nine_inputs_are_added_in_their_order() -> None:
    found = lines(11, 1)
    assert found["z12"].startswith("w12_1 * x1 + w12_2 * x2 + w12_3 * x3")
    assert found["z12"].endswith("w12_9 * x9 + w12_10 * x10 + w12_11 * x11")


def test_a_plain_number_is_a_number() -> None:
    from sympy import Rational

    program = training_program(bpsym.load("blog").network, TrainingRule(), 1)
    assert isinstance(reading_order(Rational(1, 2), program), Number)
    assert not isinstance(reading_order(Rational(1, 2), program), Product)
