"""What a Program refuses when it is made, and what it says: the equation, the read, the index value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Eq, Max, Ne, Piecewise, Rational, Sum, Symbol, tanh

from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.nodes import (
    Divisible,
    Guard,
    Index,
    Maximum,
    NonNegative,
    Read,
    condition,
    size,
    sum_over,
)
from bpsym.errors import ProgramError

I, N = Index("i", 3), size("n")


def vector(name: str = "x", extent: Any = 3) -> Tensor:
    return Tensor(name, (Index("i", extent),))


def refused(inputs: tuple[Tensor, ...], *equations: Equation) -> str:
    with pytest.raises(ProgramError) as caught:
        Program(inputs, equations)
    return str(caught.value)


X, Y, Z, H = vector(), vector("y"), vector("z"), vector("h", 4)
LATER = Index("t", lower=1, upper=3)


# What is read ----------------------------------------------------------------------------------------------------


def test_a_read_that_nothing_defines_is_refused_with_its_equation() -> None:
    message = refused((), Equation(Tensor("C"), (), Read("x", 0)))
    assert message == "C[] = x[0]: nothing defines x, which it reads"


def test_a_read_in_the_condition_of_a_case_is_a_read() -> None:
    value = Piecewise((X[I], Read("nowhere", I) > 0), (0, True))
    assert "nothing defines nowhere, which it reads" in refused((X,), Equation(Y, (I,), value))
    value = Piecewise((X[I], X[I + 1] > 0), (0, True))
    assert "x[i + 1] reads x[3] at i = 2" in refused((X,), Equation(Y, (I,), value))


def test_cases_that_leave_something_open_are_refused() -> None:
    message = refused((X,), Equation(Y, (I,), Piecewise((X[I], X[I] > 0))))
    assert message.endswith("has no value where none of its conditions holds")


def test_an_input_with_an_equation_is_refused() -> None:
    assert "x is an input and has an equation too" in refused((X,), Equation(X, (I,), 2 * I))


def test_two_shapes_of_one_tensor_are_refused() -> None:
    other = Tensor("y", (Index("i", 4),))
    assert "y has two shapes" in refused((X,), Equation(Y, (0,), X[0]), Equation(other, (1,), X[0]))


def test_a_wrong_number_of_indices_is_refused() -> None:
    with pytest.raises(ProgramError, match=r"x\[0, 1\]: the tensor has 1 index"):
        _ = X[0, 1]
    assert "x[] has 0 indices, the tensor 1" in refused((X,), Equation(Tensor("C"), (), Read("x")))
    assert "y has 1 index" in refused((X,), Equation(Y, (), X[0]))


# Indices without a range -----------------------------------------------------------------------------------------

PLAIN = Symbol("q", integer=True)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (X[PLAIN], "q in x[q] is an index without a range"),
        (sum_over(X[0], Index("k", lower=0, upper=PLAIN)), "q is an index without a range"),
        (Guard(X[0], PLAIN >= 1), "q is an index without a range"),
        (PLAIN * X[0], "q is an index without a range"),
        (Maximum(X[0] * PLAIN, Index("k", 3), 0, 2), "q is an index without a range"),
    ],
)
def test_an_index_without_a_range_is_refused(value: Any, said: str) -> None:
    assert said in refused((X,), Equation(Tensor("C"), (), value))


def test_a_target_has_indices_or_numbers() -> None:
    assert "q is an index without a range" in refused((X,), Equation(Y, (PLAIN,), X[0]))
    assert "the target's index i + 1 must be an index or a number" in refused(
        (X,), Equation(H, (I + 1,), X[I])
    )
    matrix = Tensor("A", (Index("i", 3), Index("j", 3)))
    assert "an index stands twice in the target" in refused((X,), Equation(matrix, (I, I), X[I]))


def test_the_range_of_a_target_depends_on_no_other_index() -> None:
    matrix, below = Tensor("A", (I, Index("j", 3))), Index("j", lower=0, upper=I)
    message = refused((X,), Equation(matrix, (I, below), X[I] * X[below]))
    assert "the range of j in the target depends on i (guard the value instead)" in message
    with pytest.raises(ProgramError, match="index j runs to i, which is no size"):
        Tensor("A", (I, below))


@pytest.mark.parametrize("extent", [2.5, 3.0, Rational(3, 2), N / 2])
def test_an_extent_that_is_no_whole_number_is_refused(extent: Any) -> None:
    with pytest.raises(ProgramError, match=r"tensor x: index i has the extent .*, which is no whole number"):
        vector(extent=extent)


def test_two_inputs_of_one_name_are_refused() -> None:
    assert refused((X, X), Equation(Y, (I,), X[I])) == "two inputs are called x"
    assert refused((X, vector(extent=4)), Equation(Y, (I,), X[I])) == "two inputs are called x"


def test_a_node_of_sympy_with_an_index_of_its_own_is_refused() -> None:
    message = refused((X,), Equation(Tensor("C"), (), Sum(X[I], (I, 0, 2))))
    assert message.endswith("Sum(x[i], (i, 0, 2)) has an index of its own (write sum_over)")


def test_a_tensor_without_elements_is_refused() -> None:
    with pytest.raises(ProgramError, match="index i has no value"):
        vector(extent=0)


def test_a_condition_that_is_none_is_refused() -> None:
    with pytest.raises(ProgramError, match="is no condition on indices"):
        Guard(Read("x", 0), Symbol("flag"))
    assert Guard(Read("x", 0), Eq(I, 1)).conditions


@pytest.mark.parametrize(
    ("relation", "said"),
    [
        (X[I] > 0, r"x\[i\] > 0 is no condition on indices: the index expression x\[i\] is not"),
        (I * I <= 2, r"i\*\*2 <= 2 is no condition on indices: the index expression i\*\*2 is not"),
        (Ne(I, 1), r"Ne\(i, 1\) is no condition on indices \(write <=, <, >=, > or Eq\)"),
    ],
)
def test_a_condition_is_on_indices_and_affine(relation: Any, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        Guard(X[I] ** 2, relation)


def test_a_condition_that_was_made_by_hand_is_refused_with_the_program() -> None:
    message = refused((X,), Equation(Y, (I,), Guard(X[I], NonNegative(X[I] - 1))))
    assert "the index expression x[i] is not a whole-number combination of indices" in message
    message = refused((X,), Equation(Y, (I,), Guard(1, Divisible(I**2, 2))))
    assert message.startswith("y[i] = Guard(1, 2 divides i**2): in the condition 2 divides i**2, the index")


def test_a_condition_that_is_decided_already_is_one() -> None:
    assert Guard(X[I], True) == Guard(X[I], N >= 1) == X[I]
    assert Guard(X[I], False) == Guard(X[I], N <= 0) == 0


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (I >= 1, "i >= 1"), (I > 0, "i >= 1"), (I <= 2, "i <= 2"), (I >= -1, "i >= -1"), (I <= N - 1, "i <= n - 1"),
        (Eq(I, 1), "i = 1"), (Divisible(I - 1, 2), "2 divides i - 1"), (NonNegative(N - 2), "n - 2 >= 0"),
        (2 * I >= N + LATER, "2*i >= t + n"), (I + LATER <= 3, "i + t <= 3"),
    ],
)  # fmt: skip
def test_a_condition_is_said_as_one_writes_it(written: Any, said: str) -> None:
    assert str(condition(written)) == said
    assert str(Guard(X[I], written)) == f"Guard(x[i], {said})"


# Reads out of range ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (X[I + 1], "y[i] = x[i + 1]: x[i + 1] reads x[3] at i = 2, but x has indices 0 to 2"),
        (X[I - 1], "y[i] = x[i - 1]: x[i - 1] reads x[-1] at i = 0, but x has indices 0 to 2"),
        (X[1 - 2 * I], "x[1 - 2*i] reads x[-1] at i = 1, but x has indices 0 to 2"),
        (X[4], "reads x[4], but x has indices 0 to 2"),
        (Guard(X[I - 2], I >= 1), "x[i - 2] reads x[-1] at i = 1, but"),
        (Guard(X[I + 1], I >= 1), "x[i + 1] reads x[3] at i = 2, but"),
        (Guard(X[I - 1], Eq(I, 0)), "x[i - 1] reads x[-1] at i = 0, but"),
        (sum_over(X[p := Index("p", 4)], p), "x[_1] reads x[3] at _1 = 3, but"),
        (sum_over(X[k := Index("k", lower=0, upper=I + 1)], k), "x[_1] reads x[3] at _1 = 3, but"),
        (Maximum(X[I + 1 - PLAIN], PLAIN, 0, 2), "reads x[-1] at i = 0, _1 = 2, but"),
        (Max(0, X[I + 1]), "x[i + 1] reads x[3] at i = 2"),
    ],
)  # fmt: skip
def test_a_read_that_leaves_its_range_is_refused_with_the_index_at_which_it_does(
    value: Any, said: str
) -> None:
    assert said in refused((X,), Equation(Y, (I,), value))


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (I**2, "y[i] = x[i**2]: in x[i**2], the index expression i**2 is not a whole-number combination of indices"),
        (I // 2, "in x[floor(i/2)], the index expression floor(i/2) is not"),
        (I + 0.5, "in x[i + 0.5], the index expression 0.500000000000000 is not"),
    ],
)  # fmt: skip
def test_a_read_at_no_combination_of_indices_is_refused_with_its_equation(at: Any, said: str) -> None:
    assert said in refused((X,), Equation(Y, (I,), X[at]))


def test_a_target_at_no_whole_number_is_refused() -> None:
    message = refused((X,), Equation(Y, (Rational(1, 2),), X[0]))
    assert message.startswith("y[1/2] = x[0]: defines y[1/2], but y has")


def test_an_index_is_no_text() -> None:
    with pytest.raises(ProgramError, match=r"x\[a\]: an index is an Index or a whole number"):
        _ = X["a"]


def test_a_read_between_two_elements_is_refused_unless_a_divisibility_guards_it() -> None:
    message = refused((X,), Equation(Y, (I,), X[I / 2]))
    assert message.endswith("x[i/2] reads x[1/2] at i = 1, but x has indices 0 to 2")
    Program((X,), (Equation(Y, (I,), Guard(X[I / 2], Divisible(I, 2))),))
    both = (Divisible(I, 2), Divisible(LATER, 3))
    Program((X,), (Equation(Y, (I,), sum_over(Guard(X[I / 2 - LATER / 3 + 1], *both), LATER)),))
    assert "x[1/3]" in refused((X,), Equation(Y, (I,), Guard(X[I / 3], Divisible(I - 1, 2))))
    x, i = vector(extent=N), Index("i", N)
    assert "x[1/2] at i = 1 with n = 2" in refused((x,), Equation(vector("y", N), (i,), Read("x", i / 2)))
    Program((x,), (Equation(vector("y", N), (i,), Guard(Read("x", i / 2), Divisible(i, 2))),))


def test_a_maximum_over_a_range_that_is_empty_somewhere_is_refused() -> None:
    before = Index("k", lower=0, upper=I - 1)
    maximum = Maximum(X[before], before, before.lower, before.upper)
    message = refused((X,), Equation(Y, (I,), maximum))
    assert message.endswith("max(x[_1], _1=0..i - 1) is over an empty range at i = 0")
    Program((X,), (Equation(Y, (I,), Guard(maximum, I >= 1)),))
    x, i = vector(extent=N), Index("i", N)
    behind = Index("k", lower=i + 1, upper=N - 1)
    message = refused((x,), Equation(vector("y", N), (i,), Maximum(x[behind], behind, i + 1, N - 1)))
    assert message.endswith("is over an empty range at i = 0 with n = 1")


def test_of_several_indices_all_are_said() -> None:
    matrix, j = Tensor("A", (Index("i", 3), Index("j", 2))), Index("j", 2)
    message = refused((matrix,), Equation(Y, (I,), sum_over(matrix[I, j + 1], j)))
    assert message.endswith(
        "A[i, _1 + 1] reads A[0, 2] at i = 0, _1 = 1, but A has indices 0 to 2 and 0 to 1"
    )


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (lambda i: i + 1, "x[i + 1] reads x[n] at i = n - 1, but x has indices 0 to n - 1"),
        (lambda i: i - 1, "x[i - 1] reads x[-1] at i = 0, but x has indices 0 to n - 1"),
        (lambda i: 2 * i, "x[2*i] reads x[2] at i = 1 with n = 2, but x has indices 0 to n - 1"),
        (lambda i: i * 0 + 2, "reads x[2] with n = 1, but x has indices 0 to n - 1"),
    ],
)  # fmt: skip
def test_a_symbolic_range_is_left_in_symbols_or_at_the_smallest_numbers(at: Any, said: str) -> None:
    i = Index("i", N)
    message = refused((vector(extent=N),), Equation(vector("y", N), (i,), Read("x", at(i))))
    assert message.endswith(said)


def test_what_cannot_be_proved_for_every_size_is_refused_with_what_to_write() -> None:
    """Two conditions that prove it only together: with sizes as symbols they are not combined."""
    i, j = Index("i", N), Index("j", N)
    inside = Guard(Read("x", 2 * i), N - 1 - i - j >= 0, j - i >= 0)
    message = refused((vector(extent=N),), Equation(vector("y", N), (i,), sum_over(inside, j)))
    assert message.endswith(
        "x[2*i] is not certain to stay in its range (write a Guard around it): x has indices 0 to n - 1"
    )
    proved = Guard(inside, N - 1 - 2 * i >= 0)
    Program((vector(extent=N),), (Equation(vector("y", N), (i,), sum_over(proved, j)),))


def test_a_guard_makes_a_read_safe() -> None:
    Program((X,), (Equation(Y, (I,), Guard(X[I - 1], I >= 1)),))
    Program((X,), (Equation(Y, (I,), Guard(X[2 - 2 * I], I <= 1)),))


def test_a_strict_condition_leaves_out_its_limit() -> None:
    Program((X,), (Equation(Y, (I,), Guard(X[I - 1], I > 0) + Guard(X[I + 1], I < 2)),))


def test_a_guard_that_only_all_points_prove_suffices() -> None:
    """i + j <= 2 and j >= i together, none alone, keep 2 i in 0 to 2."""
    j = Index("j", 3)
    value = sum_over(Guard(X[2 * I] * X[j], 2 - I - j >= 0, j - I >= 0), j)
    Program((X,), (Equation(Y, (I,), value),))


def test_an_empty_part_of_a_triangle_is_not_read() -> None:
    """sum over j from i + 1 to 2 of x[i + 1]: at i = 2 there is no j."""
    above = Index("j", lower=I + 1, upper=2)
    Program((X,), (Equation(Y, (I,), sum_over(X[I + 1] * X[above], above)),))
    i = Index("i", N)
    rest = Index("j", lower=i + 1, upper=N - 1)
    x, y = vector(extent=N), vector("y", N)
    Program((x,), (Equation(y, (i,), sum_over(x[i + 1] * x[rest], rest)),))


@settings(max_examples=200)
@given(
    st.integers(-2, 2), st.integers(-3, 3), st.integers(-2, 2), st.integers(1, 4), st.integers(1, 4),
    st.integers(-2, 2), st.integers(-2, 3),
)  # fmt: skip
def test_what_is_refused_is_exactly_what_leaves(
    a: int, b: int, c: int, rows: int, columns: int, d: int, e: int
) -> None:
    """A witness by trying: x[a i + c k + b] under the guard d i + k + e >= 0, x with three elements."""
    i, k = Index("i", rows), Index("k", columns)
    at, guard = a * i + c * k + b, d * i + k + e >= 0
    inside = Guard(Read("x", at), *([] if guard == True else [guard])) if guard != False else Read("x", 0)  # noqa: E712
    reached = [a * p + c * q + b for p in range(rows) for q in range(columns) if d * p + q + e >= 0]
    leaves = guard != False and any(not 0 <= value <= 2 for value in reached)  # noqa: E712
    equation = Equation(vector("y", rows), (i,), sum_over(inside, k))
    if leaves:
        assert "but x has indices 0 to 2" in refused((X,), equation)
    else:
        Program((X,), (equation,))


# Definitions -----------------------------------------------------------------------------------------------------


def test_an_element_defined_twice_is_refused() -> None:
    message = refused((X,), Equation(Y, (I,), X[I]), Equation(Y, (1,), X[0]))
    assert message == "y[1] = x[0]: defines y[1], which y[i] = x[i] defines already"
    upper = Index("p", lower=1, upper=2)
    message = refused((X,), Equation(Y, (Index("q", 2),), X[0]), Equation(Y, (upper,), X[upper]))
    assert message == "y[p] = x[p]: defines y[1], which y[q] = x[0] defines already"


def test_parts_that_overlap_on_one_axis_alone_do_not_overlap() -> None:
    matrix = Tensor("A", (Index("i", 3), Index("j", 2)))
    Program((X,), (Equation(matrix, (I, 0), X[I]), Equation(matrix, (I, 1), 2 * X[I])))


@pytest.mark.parametrize(
    ("equations", "missing"),
    [
        ([Equation(H, (LATER,), X[0])], "h[0]"),
        ([Equation(H, (0,), X[0]), Equation(H, (Index("t", lower=2, upper=3),), X[0])], "h[1]"),
        ([Equation(H, (Index("t", 3),), X[0])], "h[3]"),
        ([Equation(H, (2,), X[0])], "h[0]"),
    ],
)
def test_an_element_that_no_equation_defines_is_refused(equations: list[Equation], missing: str) -> None:
    assert refused((X,), *equations) == f"{equations[0]}: nothing defines {missing}"


def test_an_element_that_is_missing_at_a_symbolic_size_is_refused() -> None:
    h, later = vector("h", N + 1), Index("t", lower=2, upper=N)
    message = refused((X,), Equation(h, (0,), X[0]), Equation(h, (later,), X[0]))
    assert message == "h[0] = x[0]: nothing defines h[1] with n = 1"
    whole = Index("t", lower=1, upper=N)
    Program((X,), (Equation(h, (0,), X[0]), Equation(h, (whole,), X[0])))


def test_a_target_out_of_its_tensor_is_refused() -> None:
    assert "defines y[3], but y has indices 0 to 2" in refused((X,), Equation(Y, (3,), X[0]))
    wide = Index("q", 4)
    assert "y[q] defines y[3] at q = 3, but" in refused((X,), Equation(Y, (wide,), X[0]))


# Circles ---------------------------------------------------------------------------------------------------------

T = Index("t", 4)


def start(tensor: Tensor) -> Equation:
    return Equation(tensor, (0,), X[0])


@pytest.mark.parametrize(
    ("equations", "said"),
    [
        ([Equation(Y, (I,), Z[I]), Equation(Z, (I,), 2 * Y[I])], "y[0] reads z[0], z[0] reads y[0]"),
        ([Equation(Y, (I,), 1 + Y[I])], "y[0] reads y[0]"),
        ([Equation(Y, (I,), 1 + sum_over(Y[k := Index("k", 3)], k))], "y[0] reads y[0]"),
        ([Equation(Y, (I,), 1 + Y[2 - I])], "y[0] reads y[2], y[2] reads y[0]"),
        (
            [Equation(Y, (I,), Guard(Z[I - 1], I >= 1)), Equation(Z, (I,), Guard(Y[I + 1], I <= 1))],
            "y[1] reads z[0], z[0] reads y[1]",
        ),
        (
            [Equation(Y, (I,), Guard(Y[I - 1], I >= 1) + Guard(Y[I + 1], I <= 1))],
            "y[0] reads y[1], y[1] reads y[0]",
        ),
        ([start(H), Equation(H, (LATER,), H[LATER - 1] * H[LATER])], "h[1] reads h[1]"),
    ],
)
def test_a_circle_that_no_index_orders_is_refused_with_elements_that_need_each_other(
    equations: list[Equation], said: str
) -> None:
    message = refused((X,), *equations)
    assert message.endswith(f"in a circle that no index orders: {said}")
    assert message.startswith(tuple(f"{equation}: reads " for equation in equations))


@pytest.mark.parametrize(
    "equations",
    [
        [start(H), Equation(H, (LATER,), tanh(H[LATER - 1]))],
        [Equation(H, (T,), X[0] + Guard(H[T + 1], T <= 2))],
        [Equation(H, (T,), X[0] + Guard(H[T - 1], T >= 1) + Guard(H[T - 2], T >= 2))],
        [Equation(H, (T,), X[0] + sum_over(H[u := Index("u", lower=0, upper=T - 1)], u))],
        [Equation(H, (T,), X[0] + sum_over(Guard(H[u := Index("u", 4)], T - u >= 1), u))],
        [
            Equation(H, (T,), X[0] + Guard(vector("g", 4)[T - 1], T >= 1)),
            Equation(vector("g", 4), (T,), 2 * H[T]),
        ],
    ],
    ids=["first order", "backwards", "second order", "a triangle", "a guarded sum", "through another tensor"],
)
def test_a_recurrence_that_an_index_orders_is_accepted(equations: list[Equation]) -> None:
    program = Program((X,), tuple(equations))
    h = program["h"]
    total = Equation(Tensor("C"), (), sum_over(h[T] ** 2, T))
    assert backward(program.extended((total,))).program.of("dh")


def test_a_recurrence_over_two_axes_is_ordered_by_one_after_the_other() -> None:
    i, j = Index("i", 3), Index("j", 3)
    g = Tensor("g", (i, j))
    up, left = Guard(g[i - 1, j], i >= 1), Guard(g[i, j - 1], j >= 1)
    Program((X,), (Equation(g, (i, j), X[0] + up + 2 * left),))
    back = Guard(g[i - 1, j + 1], i >= 1, j <= 1)
    Program((X,), (Equation(g, (i, j), X[0] + back + left),))
    right = Guard(g[i, j + 1], j <= 1)
    assert "in a circle" in refused((X,), Equation(g, (i, j), X[0] + right + left))


def test_a_symbolic_circle_is_said_with_its_elements_too() -> None:
    i = Index("i", N)
    y, z = vector("y", N), vector("z", N)
    message = refused((), Equation(y, (i,), z[i]), Equation(z, (i,), y[i]))
    assert message.endswith("in a circle that no index orders: y[0] reads z[0], z[0] reads y[0]")


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(-2, 2)), min_size=1, max_size=4))
def test_what_is_accepted_has_no_element_that_needs_itself(reads: list[tuple[bool, bool, int]]) -> None:
    """A witness by trying: y and z read each other at offsets, over four places."""
    values: dict[str, Any] = {"y": X[0], "z": X[0]}
    needs: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for into_y, from_y, offset in reads:
        name, other = "yz"[not into_y], "yz"[not from_y]
        at = T + offset
        values[name] += Guard(Read(other, at), *(one for one in (at >= 0, at <= 3) if one != True))  # noqa: E712
        for place in range(4):
            if 0 <= place + offset <= 3:
                needs.setdefault((name, place), set()).add((other, place + offset))
    equations = tuple(Equation(vector(name, 4), (T,), value) for name, value in values.items())
    try:
        Program((X,), equations)
    except ProgramError:
        return
    assert not any(place in reachable(needs, place) for place in needs)


def reachable(needs: dict[tuple[str, int], set[tuple[str, int]]], start: tuple[str, int]) -> set[Any]:
    found: set[Any] = set()
    waiting = [start]
    while waiting:
        new = needs.get(waiting.pop(), set()) - found
        found |= new
        waiting += list(new)
    return found


# What backward refuses -------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_is_refused() -> None:
    program = Program((X,), (Equation(Y, (I,), X[I] ** 2),))
    with pytest.raises(ProgramError, match=r"y has 1 index, a loss none: .*sum"):
        backward(program)
    with pytest.raises(ProgramError, match="a program without equations has no loss"):
        backward(Program((X,), ()))
    with pytest.raises(ProgramError, match="unknown tensor nowhere"):
        backward(program, "nowhere")
