"""NumPy source for whole programs: as a reader would want it, and run as it is printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Integer, Max, Piecewise, exp, tanh

from bpsym.calculus.arithmetic import double
from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.evaluate import evaluate
from bpsym.calculus.nodes import Divisible, Guard, Index, NonNegative, Zero, size, sum_over
from bpsym.codegen import numpy_program
from bpsym.codegen.array_text import ArrayText
from bpsym.codegen.numpy_program import numpy_lines
from bpsym.errors import ProgramError
from tests import programs
from tests.programs import PROGRAMS, loss, maximum_over
from tests.test_arrays import as_array, compare
from tests.test_calculus import rational_inputs
from tests.test_schedule import elman

RUN: dict[str, Callable[[], Program]] = {**PROGRAMS, "textbook elman": elman}


def lines(program: Program) -> str:
    return "\n".join(numpy_lines(program))


def executed(program: Program, inputs: dict[str, Any]) -> dict[str, Any]:
    """The names that the printed source leaves behind."""
    names = {one.name: as_array(one, inputs[one.name])[()] for one in program.inputs}
    names["np"] = np
    exec(compile(lines(program), "printed", "exec"), names)  # noqa: S102  (what is printed is what is judged)
    return names


@pytest.mark.parametrize("name", RUN)
def test_the_printed_source_has_the_numbers_of_the_scalar_evaluation(name: str) -> None:
    run(backward(RUN[name]()).program)


def run(program: Program) -> None:
    inputs = rational_inputs(program, 4)
    found, expected = executed(program, inputs), evaluate(program, inputs, double())
    for tensor in program.tensors.values():
        elements = as_array(tensor, expected.get(tensor.name, {}))
        assert np.shape(found[tensor.name]) == elements.shape, tensor.name
        np.testing.assert_allclose(found[tensor.name], elements, rtol=1e-12, atol=1e-13, err_msg=tensor.name)


def test_no_name_of_a_tensor_is_taken_for_an_index() -> None:
    """The tensors t and k, indices t and k."""
    t, later, k = Index("t", 4), Index("t", lower=1, upper=3), Index("k", 4)
    given, out = Tensor("t", (t,)), Tensor("k", (t,))
    total = sum_over(Guard(given[k], later - k >= 0), k)
    run(Program((given,), (Equation(out, (0,), given[0]), Equation(out, (later,), out[later - 1] + total))))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lambda", "the tensor lambda: the name lambda is that of Python or NumPy"),
        ("np", "the tensor np: the name np is that of Python or NumPy"),
        ("range", "is that of Python or NumPy"),
        ("n", "the tensor n: the name n is that of the size n"),
        ("a b", "the tensor a b: the name a b is no name in Python"),
    ],
)
def test_a_name_that_means_something_else_in_the_source_is_refused(name: str, said: str) -> None:
    i = Index("i", size("n"))
    x = Tensor(name, (i,))
    program = Program((x,), (loss(sum_over(x[i] ** 2, i)),))
    with pytest.raises(ProgramError, match=said):
        numpy_lines(program)
    assert numpy_lines(program, lambda tensor: {name: "x"}.get(tensor.name, tensor.name)) == (
        "C = (x**2).sum()",
    )


def test_an_index_of_any_name_has_a_name_in_the_source() -> None:
    """Indices called as a keyword and as NumPy; n is 4. A size keeps its name to itself."""
    for name in ("if", "np", "n"):
        t, later = Index(name, size("n")), Index(name, lower=1, upper=size("n") - 1)
        x, h = Tensor("x", (t,)), Tensor("h", (t,))
        equations = (Equation(h, (0,), x[0]), Equation(h, (later,), later * h[later - 1] + x[later]))
        program = Program((x,), (*equations, loss(sum_over(t * h[t], t))))
        if name == "n":
            with pytest.raises(ProgramError, match="the index n has the name of the size n"):
                lines(program)
            return
        source = lines(program)
        names: dict[str, Any] = {"np": np, "n": 4, "x": np.array([1.0, 2.0, 3.0, 4.0])}
        exec(compile(source, "printed", "exec"), names)  # noqa: S102
        assert list(names["h"]) == [1, 3, 9, 31]
        assert names["C"] == 3 + 18 + 93


def test_a_recurrence_of_symbolic_length_is_a_loop_to_its_size() -> None:
    program = backward(symbolic_recurrence()).program
    assert lines(program) == SYMBOLIC
    names: dict[str, Any] = {"np": np, "n": 1, "x": np.array([2.0])}
    exec(compile(SYMBOLIC, "printed", "exec"), names)  # noqa: S102
    assert names["dx"] == 4.0


def symbolic_recurrence() -> Program:
    n = size("n")
    t, later = Index("t", n), Index("t", lower=1, upper=n - 1)
    x, h = Tensor("x", (t,)), Tensor("h", (t,))
    equations = (Equation(h, (0,), x[0]), Equation(h, (later,), tanh(h[later - 1] + x[later])))
    return Program((x,), (*equations, loss(sum_over(h[t] ** 2, t))))


SYMBOLIC = """\
h = np.zeros(n)
h[0] = x[0]
for t in range(1, n):
    h[t] = np.tanh(x[t] + h[t - 1])
C = (h**2).sum()
dC = 1.0
dh = np.zeros(n)
dh[n - 1] = 2.0 * dC * h[n - 1]
for t in reversed(range(n - 1)):
    dh[t] = 2.0 * dC * h[t] + dh[t + 1] * (1.0 - np.tanh(x[t + 1] + h[t]) ** 2)
dx = np.zeros(n)
dx[1:] = dh[1:] * (1.0 - np.tanh(x[1:] + h[:-1]) ** 2)
dx[0] += dh[0]"""


def one_line(value: Callable[[Any, Any, Any], Any]) -> str:
    """y[i,j] = value(x, i, j), run and printed."""
    i, j = Index("i", 3), Index("j", 4)
    x, y = Tensor("x", (i,)), Tensor("y", (i, j))
    program = Program((x,), (Equation(y, (i, j), value(x, i, j)), loss(sum_over(y[i, j] ** 2, i, j))))
    run(program)
    run(backward(program).program)
    return lines(program).splitlines()[0]


def test_a_value_without_the_last_index_is_the_same_in_every_column() -> None:
    assert one_line(lambda x, i, _: tanh(x[i])) == "y = np.broadcast_to(np.tanh(x[:, None]), (3, 4))"
    one_line(lambda x, i, _: (1 + i) * tanh(x[i]) * x[2 - i])
    one_line(lambda x, i, _: tanh(Guard(x[i] ** 2, i >= 1)))
    k = Index("k", 3)
    one_line(lambda x, i, _: exp(sum_over(x[k] * x[i], k)))
    one_line(lambda x, i, _: (1 + i) * maximum_over(x[k] * x[i], k))


def test_a_sum_of_what_does_not_vary_counts_its_values() -> None:
    k = Index("k", 3)
    one_line(lambda x, i, j: sum_over(Guard(x[i], Divisible(i + k, Integer(2))), k) + j)
    one_line(lambda x, i, j: sum_over(Guard(x[i] ** 2, 2 * k <= i), k) * x[0] + j)
    one_line(lambda x, i, j: sum_over(Guard(x[i] ** 2, k <= j - 3), k))


def test_a_maximum_of_nothing_but_zeros_is_zero() -> None:
    k = Index("k", 3)
    one_line(lambda x, i, _: x[i] + maximum_over(Guard(x[i], i >= 7), k))
    one_line(lambda x, i, _: x[i] + maximum_over(Guard(x[k], i >= 7), k))
    one_line(lambda x, i, _: x[i] + maximum_over(Guard(x[k], i - k >= 1, k - i >= 1), k))


def test_a_maximum_over_half_a_range_ends_where_half_of_it_does() -> None:
    """max of x[k] over k <= i / 2 - 1 / 4 + j / 2, half a step beside the whole numbers."""
    k = Index("k", 3)

    def value(x: Any, i: Any, j: Any) -> Any:
        return maximum_over(Guard(x[k], 2 * i + 2 * j - 4 * k - 1 >= 0), k)

    one_line(value)
    found = ArrayText(Program((), ()), lambda tensor: tensor.name)
    i = Index("i", 3)
    assert found.truth((NonNegative(i / 2 + k / 3 - 1),), (i, k)) == "3 * i[:, None] + 2 * k >= 6"
    assert found.truth((Zero(i / 2 - k),), (i, k)) == "i[:, None] - 2 * k == 0"


def test_equal_parts_of_one_line_are_filled_once() -> None:
    source = one_line(lambda x, i, _: tanh(Guard(x[i - 1], i >= 1)) + exp(Guard(x[i - 1], i >= 1)))
    assert source == "part = np.zeros(3)"
    i = Index("i", 3)
    x, y = Tensor("x", (i,)), Tensor("y", (i,))
    value = tanh(Guard(x[i - 1], i >= 1)) + exp(Guard(x[i - 1], i >= 1))
    assert lines(Program((x,), (Equation(y, (i,), value),))).count("np.zeros") == 1


def test_what_is_no_array_expression_as_a_whole_is_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = numpy_program.proved
    monkeypatch.setattr(
        numpy_program, "proved", lambda equation, fixed: whole(equation, fixed) if fixed else None
    )
    k = Index("k", 3)
    i, y, x, s = Index("i", 4), Tensor("y", (Index("i", 4),)), Tensor("x", (k,)), Tensor("s", (k,))
    value = sum_over(Guard(x[k], Divisible(i + k, Integer(3))), k)
    program = Program((x,), (Equation(y, (i,), value), Equation(s, (k,), x[k] * y[0])))
    run(program)
    assert "for k2 in range(3):\n    s[k2] = x[k2] * y[0]" in lines(program)


def test_adjoints_of_strides_in_two_directions_are_written() -> None:
    """Conditions that divide, on two and three indices, one of them settled by another."""
    i, j, k = Index("i", 3), Index("j", 3), Index("k", 3)
    a, b = Tensor("A", (Index("p", 6), Index("q", 4))), Tensor("B", (Index("p", 5), Index("q", 4)))
    y = Tensor("y", (i, j))
    at, of = (2 * k + 2 * j + 1, 3 * i - j + 3), (3 * i + j + 1, 2 * i + 3 * j - 1)
    inside = [
        bound for place, last in zip((*at, *of), (5, 3, 4, 3), strict=True) for bound in (place, last - place)
    ]
    left, right = map(NonNegative, inside[:4]), map(NonNegative, inside[4:])
    value = sum_over(
        (Guard(b[of], *right) + 1) * Guard(a[at], *left, Divisible(i + 2 * j + 1, Integer(4))), k
    )
    program = Program((a, b), (Equation(y, (i, j), value), loss(sum_over(y[i, j] ** 3, i, j))))
    run(backward(program).program)
    compare(backward(program).program)


def test_cases_may_have_several_conditions() -> None:
    def both(x: Any, i: Any, _: Any) -> Any:
        return Piecewise(
            (x[i] ** 2, (x[i] > 0) & (x[2 - i] < 1)), (x[i], (x[i] < -1) | (x[0] > 0)), (1, True)
        )

    one_line(both)
    one_line(lambda x, i, _: Max(x[i], x[2 - i], x[1]))
    one_line(lambda x, i, j: Piecewise((x[i], j >= 1), (0, True)))


# To be read ------------------------------------------------------------------------------------------------------


def test_a_dense_network_reads_like_a_textbook() -> None:
    assert lines(backward(programs.dense(*map(size, ("m", "n0", "n1", "n2")))).program) == DENSE


DENSE = """\
z = x @ W.T + b
a = np.tanh(z)
u = a @ V.T + c
y = 1.0 / (1.0 + np.exp(-u))
C = 0.5 * ((y - t) ** 2).sum() / m
dC = 1.0
dy = dC * (y - t) / m
du = dy * np.exp(-u) / (1.0 + np.exp(-u)) ** 2
da = du @ V
dz = da * (1.0 - np.tanh(z) ** 2)
dt = dC * (t - y) / m
dc = du.sum(axis=0)
dV = du.T @ a
db = dz.sum(axis=0)
dW = dz.T @ x
dx = dz @ W"""


def test_softmax_keeps_the_axis_that_it_sums_over() -> None:
    assert lines(backward(programs.softmax_cross_entropy()).program) == SOFTMAX


SOFTMAX = """\
p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
C = -(t * np.log(p)).sum()
dC = 1.0
dp = -dC * t / p
dt = -dC * np.log(p)
dz = (
    dp * np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    - (
        (dp * np.exp(z)).sum(axis=1, keepdims=True)
        * np.exp(z)
        / np.exp(z).sum(axis=1, keepdims=True) ** 2
    )
)"""


def test_a_recurrence_is_a_loop_forwards_and_one_backwards() -> None:
    assert lines(backward(elman()).program) == ELMAN


ELMAN = """\
h = np.zeros((6, 3))
h[0] = h0
z = np.zeros((6, 3))
z[0] = 0.0
for t in range(1, 6):
    z[t] = V @ x[t] + W @ h[t - 1] + b
    h[t] = np.tanh(z[t])
C = 0.5 * (h**2).sum()
dC = 1.0
dh = np.zeros((6, 3))
dh[5] = dC * h[5]
dz = np.zeros((6, 3))
dz[5] = dh[5] * (1.0 - np.tanh(z[5]) ** 2)
for t in reversed(range(1, 5)):
    dh[t] = dC * h[t] + dz[t + 1] @ W
    dz[t] = dh[t] * (1.0 - np.tanh(z[t]) ** 2)
dz[0] = 0.0
dh[0] = dC * h[0] + dz[1] @ W
db = dz[1:].sum(axis=0)
dV = dz[1:].T @ x[1:]
dW = dz[1:].T @ h[:-1]
dh0 = dh[0]
dx = np.zeros((6, 2))
dx[1:] = dz[1:] @ V"""


def test_attention_reads_like_a_textbook() -> None:
    assert lines(backward(programs.attention()).program) == ATTENTION


ATTENTION = """\
e = np.tril(np.exp(q @ k.T / np.sqrt(2)))
n = np.tril(e).sum(axis=1)
o = np.tril(e) @ v / n[:, None]
C = (o**2).sum()
dC = 1.0
do = 2.0 * dC * o
dn = -(do * (np.tril(e) @ v)).sum(axis=1) / n**2
de = np.tril(dn[:, None] + do @ v.T / n[:, None])
dv = np.tril(e).T @ (do / n[:, None])
dk = (np.tril(de) * np.exp(q @ k.T / np.sqrt(2))).T @ q / np.sqrt(2)
dq = (np.tril(de) * np.exp(q @ k.T / np.sqrt(2))) @ k / np.sqrt(2)"""


def test_cases_are_where_and_maxima_are_maximum() -> None:
    s, k = Index("s", 2), Index("k", 3)
    z = Tensor("z", (s, k))

    def line(value: Any) -> str:
        return lines(Program((z,), (Equation(Tensor("a", (s, k)), (s, k), value),)))

    assert (
        line(Piecewise((z[s, k], z[s, k] > 0), (z[s, k] / 100, True))) == "a = np.where(z > 0, z, 0.01 * z)"
    )
    assert line(Max(0, z[s, k])) == "a = np.maximum(0.0, z)"
    three = Piecewise((exp(z[s, k]), z[s, k] < -1), (z[s, k], z[s, k] <= 1), (1, True))
    assert line(three) == "a = np.where(z < -1, np.exp(z), np.where(z <= 1, z, 1.0))"


def test_shifts_are_slices_and_their_adjoints_are_added_to_slices() -> None:
    *_, zeros, first, second = numpy_lines(backward(programs.shifted()).program)
    assert zeros == "dx = np.zeros(5)"
    assert first == "dx[:-1] = dd * x[1:] ** 2"
    assert second == "dx[1:] += 2.0 * dd * x[1:] * x[:-1]"


def test_strides_are_slices_too() -> None:
    source = numpy_lines(backward(programs.uneven_stride()).program)
    assert "y = x[1:6:2] * x[::3] ** 2" in source
    assert "dx[1:6:2] += dy * x[::3] ** 2" in source


def test_a_triangle_is_a_matrix_of_ones_and_zeros() -> None:
    source = numpy_lines(backward(programs.cumulative()).program)
    assert "c = np.tri(4) @ x**2" in source
    assert "dx = 2.0 * (np.tri(4).T @ dc) * x" in source
