"""Rewrites that keep every number in the range of floating point; all tensors keep their values.

fused      log of what another equation defines: log(exp(z) / sum exp(z)) = z - log sum exp(z)
shifted    exponentials of differences to the greatest: exp(z) / sum exp(z) = e / sum e, e = exp(z - max z)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sympy import Add, Expr, Mul, Pow, exp, log

from bpsym.calculus.equations import Equation, Origin, Program, Tensor
from bpsym.calculus.functions import softplus
from bpsym.calculus.nodes import Binder, Index, IndexSum, Maximum, Read, sum_over
from bpsym.calculus.recognition import factors
from bpsym.calculus.rewrites import map_reads, put, split_sums

# Logarithms of what another equation defines ---------------------------------------------------------------------


def fused(program: Program) -> Program:
    """The program with each log(a) and log(1 - a) worked out by the equation of a, where that is an exponential's."""
    return Program(program.inputs, tuple(_fused(one, program) for one in program.equations))


def _fused(equation: Equation, program: Program) -> Equation:
    value = _mapped(equation.value, lambda part: _log_worked_out(part, program))
    if value == equation.value:
        return equation
    return replace(equation, value=split_sums(value), slopes=())


def _mapped(expr: Any, change: Callable[[Any], Any]) -> Any:
    """The expression with change(part) for each of its parts, the innermost first."""
    if isinstance(expr, Binder):
        return expr.with_body(lambda body: _mapped(body, change))
    if not expr.args or isinstance(expr, Read):
        return expr
    return change(expr.func(*(_mapped(part, change) for part in expr.args)))


def _log_worked_out(expr: Any, program: Program) -> Any:
    """log(a) as a sum without it, where a's equation allows that."""
    if not isinstance(expr, log):
        return expr
    defined = [one for read in expr.atoms(Read) for one in program.of(read.name)]
    if len(defined) != 1 or defined[0].at != defined[0].tensor.indices:
        return expr
    found = log_of(put(expr.args[0], defined[0]))
    return expr if found is None else found


def log_of(expr: Any) -> Expr | None:
    """log(expr) where expr is exp(u) / sum_j exp(v), 1 / (1 + exp(u)) or 1 - 1 / (1 + exp(u)); else None."""
    exponents = [factor.args[0] for factor in factors(expr) if isinstance(factor, exp)]
    others = [factor for factor in factors(expr) if not isinstance(factor, exp)]
    if exponents and all(
        isinstance(1 / one, IndexSum) and _is_exponential((1 / one).args[0]) for one in others
    ):
        return Add(*exponents, *(-log(1 / one) for one in others))
    if (u := _logistic(expr)) is not None:
        return -_softplus(u)
    if (u := _logistic(1 - expr)) is not None:
        return -_softplus(-u)
    return None


def _is_exponential(expr: Any) -> bool:
    return isinstance(expr, exp)


def _logistic(expr: Any) -> Expr | None:
    """u, where the expression is 1 / (1 + exp(u))."""
    rest = 1 / expr - 1
    return rest.args[0] if isinstance(rest, exp) else None


def _softplus(u: Expr) -> Expr:
    """log(1 + exp(u)), of an argument without a sign: softplus(-u) = softplus(u) - u."""
    return softplus(-u) + u if u.could_extract_minus_sign() else softplus(u)


# Exponentials of differences to the greatest -----------------------------------------------------------------------

MAXIMUM, SHIFTED, EXPONENTIAL, TOTAL = "maximum", "shifted", "exponential", "total"
"""The kinds of the tensors that `shifted` adds."""

Roles = Callable[[str, Tensor, int], Any]
"""(kind, tensor, axis) -> the role of the new tensor of this kind; the axis is the one that is summed over."""


@dataclass(frozen=True)
class _Shift:
    """What belongs to the sum of exp(T) along one axis of T."""

    of: Tensor
    axis: int
    maximum: Tensor
    shifted: Tensor
    exponential: Tensor
    total: Tensor

    def without(self, at: tuple[Any, ...]) -> tuple[Any, ...]:
        return at[: self.axis] + at[self.axis + 1 :]

    def equations(self) -> tuple[Equation, ...]:
        own = self.of.indices
        index, rest = own[self.axis], self.without(own)
        return (
            Equation(self.maximum, rest, Maximum(self.of.element, index, index.lower, index.upper)),
            Equation(self.shifted, own, self.of.element - self.maximum.element),
            Equation(self.exponential, own, exp(self.shifted.element)),
            Equation(self.total, rest, sum_over(self.exponential.element, index)),
        )


def shifted(program: Program, roles: Roles) -> Program:
    """The program with the greatest of T taken off T wherever exp(T) is summed along an axis."""
    shifts: dict[str, _Shift] = {}
    for equation in program.equations:
        for total in _sums_of_exponentials(equation.value):
            found = _shift(total, program, roles)
            if found is not None:
                shifts.setdefault(found.of.name, found)
    equations: list[Equation] = []
    for equation in program.equations:
        equations.append(_with_shifts(equation, shifts))
        if equation.tensor.name in shifts:
            equations += shifts[equation.tensor.name].equations()
    return Program(program.inputs, tuple(equations))


def _sums_of_exponentials(expr: Any) -> Iterator[IndexSum]:
    if isinstance(expr, IndexSum) and _is_exponential(expr.args[0]):
        yield expr
    elif not isinstance(expr, Read):
        for part in expr.args:
            yield from _sums_of_exponentials(part)


def _shift(total: IndexSum, program: Program, roles: Roles) -> _Shift | None:
    """The tensors for this sum; None where it is not of one tensor along one whole axis."""
    index, body = total.opened("'axis")
    read = body.args[0]
    if not isinstance(read, Read) or len(program.of(read.name)) != 1 or read.at.count(index) != 1:
        return None
    tensor, axis = program[read.name], read.at.index(index)
    own = tensor.indices[axis]
    if (own.lower, own.upper) != (index.lower, index.upper):
        return None

    def made(kind: str, indices: tuple[Index, ...]) -> Tensor:
        return Tensor(f"{kind} {tensor.name}", indices, roles(kind, tensor, axis), Origin(kind, tensor.name))

    whole = tensor.indices
    rest = whole[:axis] + whole[axis + 1 :]
    pairs = ((MAXIMUM, rest), (SHIFTED, whole), (EXPONENTIAL, whole), (TOTAL, rest))
    return _Shift(tensor, axis, *(made(kind, indices) for kind, indices in pairs))


def _with_shifts(equation: Equation, shifts: dict[str, _Shift]) -> Equation:
    value = equation.value
    for shift in shifts.values():
        value = _with_shift(value, shift)
    return replace(equation, value=_mapped(value, _one_exponential))


def _one_exponential(expr: Any) -> Any:
    """exp(u) exp(v) as exp(u + v): a quotient over a single summand, of which one factor overflows."""
    if not isinstance(expr, Mul):
        return expr
    exponents = [factor.args[0] for factor in factors(expr) if isinstance(factor, exp)]
    others = [factor for factor in factors(expr) if not isinstance(factor, exp)]
    return Mul(exp(Add(*exponents)), *others) if len(exponents) > 1 else expr


def _with_shift(value: Expr, shift: _Shift) -> Expr:
    """exp(T) / sum exp(T) and log sum exp(T), by what is shifted; what is added to such a log is shifted too."""
    quotients = _mapped(value, lambda part: _quotient(part, shift))
    logs = _mapped(quotients, lambda part: _log_of_sum(part, shift))
    if logs == quotients:
        return quotients
    return split_sums(_reads_replaced(logs, shift))


def _read_of_sum(expr: Any, shift: _Shift) -> Read | None:
    """The read T[...] under sum exp(T[...]), where the expression is this sum."""
    if not isinstance(expr, IndexSum) or not _is_exponential(expr.args[0]):
        return None
    read = expr.args[0].args[0]
    return read if isinstance(read, Read) and read.name == shift.of.name else None


def _quotient(expr: Any, shift: _Shift) -> Any:
    if not isinstance(expr, (Mul, Pow)):
        return expr
    left = factors(expr)
    for under in list(left):
        read = _read_of_sum(1 / under, shift)
        over = next((one for one in left if read is not None and _is_over(one, read, shift)), None)
        if read is None or over is None:
            continue
        left.remove(under)
        left.remove(over)
        at = over.args[0].at
        left += [Read(shift.exponential.name, *at), 1 / Read(shift.total.name, *shift.without(at))]
    return Mul(*left)


def _is_over(expr: Any, under: Read, shift: _Shift) -> bool:
    """Whether it is exp(T) at the same place as the sum, but for the axis."""
    if not isinstance(expr, exp) or not isinstance(expr.args[0], Read) or expr.args[0].name != shift.of.name:
        return False
    return shift.without(expr.args[0].at) == shift.without(under.at)


def _log_of_sum(expr: Any, shift: _Shift) -> Any:
    read = _read_of_sum(expr.args[0], shift) if isinstance(expr, log) else None
    if read is None:
        return expr
    at = shift.without(read.at)
    return Read(shift.maximum.name, *at) + log(Read(shift.total.name, *at))


def _reads_replaced(expr: Any, shift: _Shift) -> Any:
    """T[...] as what is shifted, and the maximum."""

    def change(read: Read) -> Expr:
        if read.name != shift.of.name:
            return read
        return Read(shift.shifted.name, *read.at) + Read(shift.maximum.name, *shift.without(read.at))

    return map_reads(expr, change)


__all__ = ["EXPONENTIAL", "MAXIMUM", "SHIFTED", "TOTAL", "fused", "log_of", "shifted"]
