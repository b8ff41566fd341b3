"""Functions that SymPy lacks, or has in another sense: each says its own derivative, and nothing works it out further."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Expr, Function, Integer, S, exp, sign


class Abs(Function):  # type: ignore[misc]
    """|u| of a real number; its slope is the sign of u, which is 0 at 0."""

    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, u: Any) -> Any:
        return abs(u) if u.is_Rational else None

    def fdiff(self, argindex: int = 1) -> Expr:  # noqa: ARG002
        return sign(self.args[0])


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


@lru_cache(maxsize=None)
def unspecified(letter: str, order: int = 0) -> type[Unspecified]:
    """The function that is called by this letter, or its derivative of this order."""
    return type(letter + "'" * order, (Unspecified,), {"letter": letter, "order": order})
