"""Functions that SymPy lacks, or means otherwise: each says its own derivative, and stays in one piece."""

from __future__ import annotations

from functools import cache
from typing import Any

from sympy import Expr, Function, Integer, Piecewise, S, exp, sign


class Abs(Function):  # type: ignore[misc]
    """|u| of a real number; its slope is the sign of u, which is 0 at 0."""

    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, u: Any) -> Any:
        return abs(u) if u.is_Rational else None

    def fdiff(self, argindex: int = 1) -> Expr:  # noqa: ARG002
        return sign(self.args[0])


class Max(Function):  # type: ignore[misc]
    """The greater of u and v; where they are equal, a number counts, else u."""

    nargs = 2
    is_real = True

    @classmethod
    def eval(cls, u: Any, v: Any) -> Any:
        return (u if u >= v else v) if u.is_Rational and v.is_Rational else None

    def fdiff(self, argindex: int = 1) -> Expr:
        u, v = self.args
        return _first_or_second(argindex, u > v if _counts_second(u, v) else u >= v)


class Min(Function):  # type: ignore[misc]
    """The lesser of u and v; where they are equal, a number counts, else u."""

    nargs = 2
    is_real = True

    @classmethod
    def eval(cls, u: Any, v: Any) -> Any:
        return (u if u <= v else v) if u.is_Rational and v.is_Rational else None

    def fdiff(self, argindex: int = 1) -> Expr:
        u, v = self.args
        return _first_or_second(argindex, u < v if _counts_second(u, v) else u <= v)


def _counts_second(u: Expr, v: Expr) -> bool:
    """Whether v is what counts where u and v are equal: where it is a number and u is none."""
    return bool(v.is_number and not u.is_number)


def _first_or_second(argindex: int, first_counts: Any) -> Expr:
    one, other = (S.One, S.Zero) if argindex == 1 else (S.Zero, S.One)
    return Piecewise((one, first_counts), (other, True))


class softplus(Function):  # type: ignore[misc]  # noqa: N801  (named as it is written)
    """log(1 + exp(u)) in one piece, so that it can be computed without overflow."""

    nargs = 1
    is_real = True

    def fdiff(self, argindex: int = 1) -> Expr:  # noqa: ARG002
        return S.One / (1 + exp(-self.args[0]))


class Unspecified(Function):  # type: ignore[misc]
    """f(k, u): a function of u that is not said, one for each value of the indices k. Made by `unspecified`."""

    is_real = True
    letter = ""
    order = 0

    def fdiff(self, argindex: int = 1) -> Expr:
        if argindex != len(self.args):
            return Integer(0)
        return unspecified(self.letter, self.order + 1)(*self.args)


@cache
def unspecified(letter: str, order: int = 0) -> type[Unspecified]:
    """The function that is called by this letter, or its derivative of this order."""
    return type(letter + "'" * order, (Unspecified,), {"letter": letter, "order": order})
