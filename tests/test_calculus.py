"""The calculus: programs that refuse nonsense, and a chain rule that three independent witnesses agree with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import mpmath
import pytest
import sympy
from sympy import Rational, Symbol, exp, lambdify, tanh

from bpsym.calculus.arithmetic import EXACT, digits, double
from bpsym.calculus.backward import adjoint_name, backward
from bpsym.calculus.equations import Equation, Program, Tensor, find
from bpsym.calculus.evaluate import Evaluator, evaluate
from bpsym.calculus.nodes import AtGreatest, Fresh, Index, IndexSum, Read, size, sum_over
from bpsym.calculus.rewrites import inline, needed, pull_constants, rescale
from bpsym.calculus.unroll import element_name, unroll
from bpsym.calculus.update import updated
from bpsym.errors import ProgramError
from tests.programs import (  # noqa: F401  (other tests take the programs from here)
    PROGRAMS,
    autoencoder,
    cumulative,
    dense,
    diagonal,
    fused_cross_entropy,
    padded_convolution,
    recurrence,
    shifted,
    softmax_cross_entropy,
    widths,
)
from tests.witness.differences import central_differences

S, I, J, K = Index("s", 2), Index("i", 3), Index("j", 2), Index("k", 2)
FIFTY = digits(50)
PRECISE = mpmath.mp.clone()
PRECISE.dps = 50


@pytest.fixture(params=PROGRAMS, name="program")
def _program(request: pytest.FixtureRequest) -> Program:
    program: Program = PROGRAMS[request.param]()
    return program


# Witnesses -------------------------------------------------------------------------------------------------------


def rational_inputs(program: Program, seed: int) -> dict[str, dict[tuple[int, ...], Fraction]]:
    """Small rationals for every element of every input; no 0 and no two alike, so that no kink is met."""
    numbers = different_numbers(random.Random(seed))
    return {
        tensor.name: {at: next(numbers) for at in product(*(range(int(extent)) for extent in tensor.shape))}
        for tensor in program.inputs
    }


def different_numbers(draw: random.Random) -> Iterator[Fraction]:
    drawn = set()
    while True:
        number = Fraction(draw.choice([-1, 1]) * draw.randint(1, 40), draw.randint(10, 30))
        if number not in drawn:
            drawn.add(number)
            yield number


def near(one: Any, other: Any, tolerance: str) -> bool:
    return bool(abs(one - other) <= mpmath.mpf(tolerance) * max(1, abs(one), abs(other)))


def test_the_square_commutes(program: Program) -> None:
    check_square(program, points=5)


def check_square(program: Program, points: int) -> None:
    """`unroll(backward(P))` and `backward(unroll(P))` define the same targets with the same values."""
    first, second = unroll(backward(program).program), backward(unroll(program)).program
    targets = {str(one.target): one.tensor.name for one in first.equations}
    assert targets.keys() == {str(one.target) for one in second.equations}
    one, other = Evaluator(first, FIFTY), Evaluator(second, FIFTY)
    for seed in range(points):
        flat = {
            f"{name}[{','.join(map(str, at))}]" if at else name: {(): value}
            for name, elements in rational_inputs(program, seed).items()
            for at, value in elements.items()
        }
        values, others = one.run(flat), other.run(flat)
        for name in targets.values():
            assert near(values[name][()], others[name][()], "1e-45"), name


def test_the_gradients_equal_central_differences_at_fifty_digits(program: Program) -> None:
    inputs = rational_inputs(program, 7)
    values = evaluate(backward(program).program, inputs, FIFTY)
    places = [(name, at) for name, elements in inputs.items() for at in elements]
    run = Evaluator(program, FIFTY)

    def loss(flat: list[Any]) -> Any:
        moved: dict[str, dict[tuple[int, ...], Any]] = {name: {} for name in inputs}
        for (name, at), value in zip(places, flat, strict=True):
            moved[name][at] = value
        return run.run(moved, only=["C"])["C"][()]

    start = [FIFTY.number(inputs[name][at]) for name, at in places]
    for (name, at), difference in zip(places, central_differences(loss, start), strict=True):
        found = values.get(adjoint_name(name), {}).get(at, 0)
        assert near(found, difference, "1e-20"), (name, at)


def composed(program: Program) -> tuple[Any, dict[str, Any]]:
    """The loss as one SymPy expression in plain symbols, by putting every equation into its readers."""
    flat = unroll(program)
    symbols = {tensor.name: Symbol(f"v{number}", real=True) for number, tensor in enumerate(flat.inputs)}
    known: dict[str, Any] = dict(symbols)

    def value(name: str) -> Any:
        if name not in known:
            (equation,) = flat.of(name)
            known[name] = plain(equation.value)
        return known[name]

    def plain(expr: Any) -> Any:
        if isinstance(expr, Read):
            return value(expr.name)
        if isinstance(expr, AtGreatest):
            assert expr.terms == expr.values
            return sympy.Max(*map(plain, expr.terms))
        return expr.func(*map(plain, expr.args)) if expr.args else expr

    return value("C"), symbols


def test_the_gradients_equal_those_of_the_composed_loss(program: Program) -> None:
    whole, symbols = composed(program)
    inputs = rational_inputs(program, 3)
    values = evaluate(backward(program).program, inputs, FIFTY)
    arguments = tuple(symbols.values())
    with mpmath.workdps(50):
        point = [FIFTY.number(value) for elements in inputs.values() for value in elements.values()]
        places = [(name, at) for name, elements in inputs.items() for at in elements]
        for symbol, (name, at) in zip(arguments, places, strict=True):
            assert symbols[element_name(name, at) if at else name] == symbol
            slope = lambdify(arguments, sympy.diff(whole, symbol), [{"Heaviside": step}, "mpmath"], cse=True)
            assert near(values[f"d{name}"][at], slope(*point), "1e-40"), (name, at)


def step(value: Any, _at_zero: Any = None) -> int:
    assert value != 0, "a kink was sampled"
    return int(value > 0)


@pytest.mark.parametrize("ones", [False, True], ids=["as usual", "the smallest"])
@pytest.mark.parametrize(
    "made", [made for made in PROGRAMS.values() if widths(made)], ids=lambda made: made.__name__
)
def test_symbolic_sizes_give_the_gradients_of_the_numbers(made: Callable[..., Program], ones: bool) -> None:
    numbers = smallest(made) if ones else widths(made)
    symbolic = backward(made(**{name: size(name) for name in numbers})).program
    program = made(**numbers)
    inputs = rational_inputs(program, 11)
    general = evaluate(symbolic, inputs, FIFTY, sizes=numbers)
    special = evaluate(backward(program).program, inputs, FIFTY)
    assert general.keys() == special.keys()
    for name, elements in special.items():
        assert general[name].keys() == elements.keys()
        for at, value in elements.items():
            assert near(general[name][at], value, "1e-45"), (name, at)


def smallest(made: Callable[..., Program]) -> dict[str, int]:
    """All 1; all 2 where some tensor has no element then."""
    ones = dict.fromkeys(widths(made), 1)
    try:
        made(**ones)
    except ProgramError:
        return dict.fromkeys(ones, 2)
    return ones


# What comes out, written down ------------------------------------------------------------------------------------


def test_a_dense_layer_gives_the_four_equations_of_backpropagation() -> None:
    program = backward(dense(*map(size, ("m", "n0", "n1", "n2")))).program
    s, i, j, k = (
        Index(name, size(extent)) for name, extent in zip("sijk", ("m", "n0", "n1", "n2"), strict=True)
    )

    def read(name: str, *at: Index) -> Read:
        return Read(name, *at)

    assert program.equation("da").value == sum_over(read("V", k, j) * read("du", s, k), k)
    assert program.equation("dc").value == sum_over(read("du", s, k), s)
    assert program.equation("dV").value == sum_over(read("du", s, k) * read("a", s, j), s)
    assert program.equation("dW").value == sum_over(read("dz", s, j) * read("x", s, i), s)


def test_the_fused_cross_entropy_gives_p_sum_t_minus_t_without_simplify() -> None:
    k, r = Index("k", 3), Index("r", 3)
    z, t = Read("z", k), Read("t", k)
    value = backward(fused_cross_entropy()).program.equation("dz").value
    p = exp(z) / sum_over(exp(Read("z", r)), r)
    assert value == Read("dC") * p * sum_over(t, k) - Read("dC") * t


def test_every_path_to_a_tied_weight_is_summed() -> None:
    equation = backward(autoencoder()).program.equation("dW")
    assert len(sympy.Add.make_args(equation.value)) == 2


def test_a_triangular_sum_turns_around_in_its_adjoint() -> None:
    """dc/dx reaches x[j] from every i >= j, so that the adjoint's sum starts at j."""
    i = Index("i", 4)
    above = Index("k", lower=i, upper=3)
    value = backward(cumulative()).program.equation("dx").value
    assert value == sum_over(2 * Read("x", i) * Read("dc", above), above)


def test_equations_alike_up_to_names_are_differentiated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from bpsym.calculus import backward as module

    count = 0
    original = module.local_derivatives

    def counted(equation: Equation) -> tuple[module.Contribution, ...]:
        nonlocal count
        count += 1
        return original(equation)

    monkeypatch.setattr(module, "local_derivatives", counted)
    module._contributed_once.cache_clear()
    s, i = Index("s", 2), Index("i", 2)
    tensors = [Tensor(f"a{number}", (s, i)) for number in range(20)]
    layers = [Equation(after, (s, i), tanh(before[s, i])) for before, after in pairwise(tensors)]
    loss = Equation(Tensor("C"), (), sum_over(tensors[-1][s, i], s, i))
    back = backward(Program((tensors[0],), (*layers, loss))).program
    assert count == 2
    assert back.equation("da3").value.has(Read("a3", s, i))


def test_what_is_renamed_stands_as_sympy_would_have_written_it(program: Program) -> None:
    """Renaming asks SymPy nothing; its sums, products and powers are the objects that SymPy makes of their parts."""
    for equation in backward(program).program.equations:
        for part in sympy.preorder_traversal(equation.value):
            if isinstance(part, (sympy.Add, sympy.Mul, sympy.Pow)):
                assert part.func(*part.args) == part
                assert part.is_commutative


def test_second_derivatives_come_from_backward_of_backward() -> None:
    """d2/dx2 of x^2 y^3 is 2 y^3; d2/dxdy is 6 x y^2."""
    x, y = Tensor("x"), Tensor("y")
    program = Program((x, y), (Equation(Tensor("C"), (), x[()] ** 2 * y[()] ** 3),))
    twice = backward(backward(program).program, "dx").program
    values = evaluate(twice, {"x": Fraction(3), "y": Fraction(5)}, EXACT)
    assert values["dx"][()] == 2 * 3 * 125
    assert values["ddx"][()] == 2 * 125
    assert values["ddy"][()] == 6 * 3 * 25


def test_the_second_derivatives_of_a_small_network_are_central_differences_of_its_gradients() -> None:
    """All 81 of a 2-2-1 network with tanh; each gradient is differentiated as a loss."""
    flat = unroll(backward(dense(1, 2, 2, 1)).program)
    inputs = {tensor.name: {(): value} for tensor, value in zip(flat.inputs, small_rationals(), strict=False)}
    parameters = [name for name in inputs if name[0] in "WbVc"]
    assert len(parameters) == 9

    def gradients(point: list[Any]) -> list[Any]:
        moved = {**inputs, **{name: {(): value} for name, value in zip(parameters, point, strict=True)}}
        found = evaluate(flat, moved, FIFTY, only=[f"d{name}" for name in parameters])
        return [found[f"d{name}"][()] for name in parameters]

    start = [FIFTY.number(inputs[name][()]) for name in parameters]
    for row, name in enumerate(parameters):
        twice = backward(flat, f"d{name}").program
        found = evaluate(twice, inputs, FIFTY, only=[f"dd{other}" for other in parameters])
        differences = central_differences(lambda point, row=row: gradients(point)[row], start)
        for other, difference in zip(parameters, differences, strict=True):
            assert near(found[f"dd{other}"][()], difference, "1e-20"), (name, other)


def small_rationals() -> Iterator[Fraction]:
    draw = random.Random(12)
    while True:
        yield Fraction(draw.randint(-30, 30), 29)


def test_second_derivatives_come_with_indices_too() -> None:
    """H v, from the loss sum dW v of the program with its adjoints: central differences of dW along v."""
    back = backward(dense(1, 2, 2, 1)).program
    direction = Tensor("v", back["W"].indices)
    along = Equation(Tensor("D"), (), sum_over(back["dW"].element * direction.element, *direction.indices))
    twice = backward(back.extended((along,), (direction,)), "D").program
    inputs = rational_inputs(twice, 5)
    found = evaluate(twice, inputs, FIFTY)["ddW"]

    def moved(by: list[Any]) -> dict[tuple[int, ...], Any]:
        weights = {
            at: FIFTY.number(w) + by[0] * FIFTY.number(inputs["v"][at]) for at, w in inputs["W"].items()
        }
        values: dict[tuple[int, ...], Any] = evaluate(back, {**inputs, "W": weights}, FIFTY, only=["dW"])[
            "dW"
        ]
        return values

    for at, value in found.items():
        (difference,) = central_differences(lambda by, at=at: moved(by)[at], [FIFTY.number(Fraction(0))])
        assert near(value, difference, "1e-20"), at


def test_second_derivatives_are_the_slope_of_the_squared_gradient_along_a_direction(program: Program) -> None:
    """G = sum of the squares of all gradients, differentiated by all inputs, against one central difference."""
    back = backward(program).program
    squares = [sum_over(back[f"d{one.name}"].element ** 2, *one.indices) for one in program.inputs]
    twice = backward(back.extended((Equation(Tensor("G"), (), sympy.Add(*squares)),)), "G").program
    inputs, along = rational_inputs(program, 4), rational_inputs(program, 5)
    found = evaluate(twice, inputs, FIFTY)
    slope = sum(
        found[f"dd{name}"][at] * FIFTY.number(step)
        for name, steps in along.items()
        for at, step in steps.items()
    )

    def squared(by: list[Any]) -> Any:
        moved = {
            name: {
                at: FIFTY.number(value) + by[0] * FIFTY.number(along[name][at])
                for at, value in elements.items()
            }
            for name, elements in inputs.items()
        }
        gradients = evaluate(back, moved, FIFTY, only=[f"d{name}" for name in inputs])
        return sum(value**2 for name in inputs for value in gradients[f"d{name}"].values())

    (difference,) = central_differences(squared, [FIFTY.number(Fraction(0))])
    assert near(slope, difference, "1e-20")


@pytest.mark.parametrize("name", ["i'", "i'0", "k'1", "k'1'1", "'1", "'2", "i''", "#0", "_1", "i:2:0"])
def test_an_index_may_have_any_name(name: str) -> None:
    """The indices that are made on the way are others, also where they are called the same."""

    def gradients(called: str) -> Iterator[Any]:
        own, i, k = Index(called, 3), Index("i", 3), Index("k", 3)
        x, y, z = Tensor("x", (own,)), Tensor("y", (i,)), Tensor("z", (own,))
        program = Program(
            (x,),
            (
                Equation(y, (i,), x[2 - i] ** 2 * (1 + i)),
                Equation(z, (own,), sum_over(y[i] ** 2 * (1 + own) * sum_over(x[k] * x[own], k), i)),
                Equation(Tensor("C"), (), sum_over(z[own], own)),
            ),
        )
        for same in (program, inline(pulled(program), ["y"])):
            yield evaluate(backward(same).program, {"x": (2, 3, 5)}, EXACT)["dx"]

    (expected, other), found = gradients("q"), list(gradients(name))
    assert found == [expected, expected]
    assert other == expected


def pulled(program: Program) -> Program:
    return Program(
        program.inputs, tuple(replace(one, value=pull_constants(one.value)) for one in program.equations)
    )


# Sums ------------------------------------------------------------------------------------------------------------


def test_two_sums_that_differ_in_the_index_alone_are_the_same_object() -> None:
    assert sum_over(Read("x", I), I) == sum_over(Read("x", other := Index("q", 3)), other)


def test_a_bound_index_is_not_captured() -> None:
    """sum_i x[i] y[p] with i put in for p: the outer i stays outside."""
    p = Index("p", 3)
    total = sum_over(Read("x", I) * Read("y", p), I)
    put = total.xreplace({p: I})
    assert put == sum_over(Read("x", fresh := Index("q", 3)) * Read("y", I), fresh)
    assert put != sum_over(Read("x", I) * Read("y", I), I)


@pytest.mark.parametrize("kind", [Index, Fresh])
def test_nothing_that_is_put_in_is_captured_by_a_name_that_a_sum_takes(kind: type[Index]) -> None:
    """A sum opens itself as '1 when something is put into it; an index called '1 that is put in stays free."""
    taken, p = kind("'1", 3), Index("p", 3)
    put = sum_over(Read("A", I, p), I).xreplace({p: taken})
    assert put.free_symbols == {taken}
    assert put == sum_over(Read("A", I, taken), I)


def test_a_sum_inside_a_sum_keeps_its_own_index() -> None:
    total = sum_over(Read("A", I, K) * sum_over(Read("B", J), J), I, K)
    assert total.xreplace({Read("B", Symbol("none")): Read("x")}) == total
    values = evaluate(
        Program(
            (Tensor("A", (I, K)), Tensor("B", (J,))),
            (Equation(Tensor("C"), (), total),),
        ),
        {"A": ((1, 2), (3, 4), (5, 6)), "B": (10, 1)},
        EXACT,
    )
    assert values["C"][()] == 21 * 11


def test_a_sum_over_nothing_is_zero_and_over_one_value_its_term() -> None:
    assert IndexSum(Read("x", I), I, 2, 1) == 0
    assert IndexSum(Read("x", I), I, 2, 2) == Read("x", 2)


def test_constants_come_out_of_a_sum() -> None:
    m = size("m")
    assert pull_constants(sum_over(Read("x", I) / m, I)) == sum_over(Read("x", I), I) / m


# Evaluation ------------------------------------------------------------------------------------------------------


def test_rational_programs_have_rational_values() -> None:
    """(1/2)(3/4 - 1/3)^2 + ... by hand: 1/2 (5/12)^2 = 25/288."""
    x, t = Tensor("x"), Tensor("t")
    program = Program((x, t), (Equation(Tensor("C"), (), (x[()] - t[()]) ** 2 / 2),))
    values = evaluate(program, {"x": Fraction(3, 4), "t": Fraction(1, 3)}, EXACT)
    assert values["C"][()] == Fraction(25, 288)


def test_double_precision_agrees_with_fifty_digits() -> None:
    program, inputs = dense(), rational_inputs(dense(), 1)
    exact, floating = evaluate(program, inputs, FIFTY), evaluate(program, inputs, double())
    assert float(exact["C"][()]) == pytest.approx(floating["C"][()], rel=1e-14)


def test_a_missing_input_is_named() -> None:
    x = Tensor("x")
    with pytest.raises(ProgramError, match=r"^x\[\] has no value"):
        evaluate(Program((x,), (Equation(Tensor("C"), (), 2 * x[()]),)), {}, EXACT)


def test_a_function_without_a_value_and_a_size_without_a_number_are_named() -> None:
    x = Tensor("x", (Index("i", size("n")),))
    i = x.indices[0]
    gamma = Program((x,), (Equation(Tensor("C"), (), sympy.gamma(x[0])),))
    with pytest.raises(ProgramError, match=r"gamma\(x\[0\]\): gamma is no function of this arithmetic"):
        evaluate(gamma, {"x": (1,)}, EXACT, sizes={"n": 1})
    total = Program((x,), (Equation(Tensor("C"), (), sum_over(x[i], i)),))
    with pytest.raises(ProgramError, match=r"no number was given for the size n \(sizes=\{'n': ...\}\)"):
        evaluate(total, {"x": (1,)}, EXACT)


def test_a_recurrence_may_be_as_long_as_one_likes() -> None:
    """h[t] = h[t-1] + w, h[0] = w: h[1999] = 2000 w, and dC/dw = 2000."""
    t, later = Index("t", 2000), Index("t", lower=1, upper=1999)
    h, w = Tensor("h", (t,)), Tensor("w")
    steps = Equation(h, (0,), w[()]), Equation(h, (later,), h[later - 1] + w[()])
    program = backward(Program((w,), (*steps, Equation(Tensor("C"), (), h[1999])))).program
    values = evaluate(program, {"w": 3}, EXACT, only=["C", "dw"])
    assert (values["C"][()], values["dw"][()]) == (6000, 2000)


# Rewrites --------------------------------------------------------------------------------------------------------


def test_putting_equations_into_their_readers_keeps_every_other_value() -> None:
    back = backward(dense()).program
    inputs = rational_inputs(dense(), 5)
    small = inline(back, ["dC", "dy", "da"])
    before, after = evaluate(back, inputs, FIFTY), evaluate(small, inputs, FIFTY)
    for name in ("dW", "db", "dV", "dc", "dx"):
        assert all(near(after[name][at], value, "1e-45") for at, value in before[name].items()), name


def test_rescaled_error_terms_leave_the_gradients_as_they_are() -> None:
    back = inline(backward(dense()).program, ["dC"])
    inputs = rational_inputs(dense(), 5)
    scaled = rescale(back, ["dy", "du", "da", "dz", "dx", "dt"], Rational(1, 2))
    before, after = evaluate(back, inputs, FIFTY), evaluate(scaled, inputs, FIFTY)
    assert all(near(after["du"][at] / 2, value, "1e-45") for at, value in before["du"].items())
    for name in ("dW", "db", "dV", "dc"):
        assert all(near(after[name][at], value, "1e-45") for at, value in before[name].items()), name


def test_only_what_the_targets_need_is_left() -> None:
    left = needed(backward(dense()).program, ["dV"])
    assert {one.tensor.name for one in left.equations} == {"z", "a", "u", "y", "dC", "dy", "du", "dV"}


def test_an_update_reads_the_old_parameters_only() -> None:
    back, eta = backward(dense()).program, Tensor("eta")
    new = updated(back["W"])
    value = back["W"].element - eta.element * back["dW"].element
    step = back.extended((Equation(new, back["W"].indices, value),), (eta,))
    assert set(step.equation("W+").reads) == {"W", "dW", "eta"}
    assert find(step, "update", "W") == new
