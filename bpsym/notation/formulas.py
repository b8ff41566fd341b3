"""A formula that somebody wrote, as a form, in the order in which it was written."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction

from bpsym.network.expressions import Formula
from bpsym.notation.order import (
    Call,
    Cases,
    Comparison,
    Form,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
)

Calls = Mapping[str, Callable[[Formula], Form]]
"""For functions that are no forms of their own: their argument -> the form of the whole."""


def formula_form(formula: Formula, names: Mapping[str, Form], calls: Calls | None = None) -> Form:
    """The formula with forms for its names, and for the functions in `calls`."""
    return _form(formula.tree, names, calls or {})


def _form(node: ast.expr, names: Mapping[str, Form], calls: Calls) -> Form:
    def inner(part: ast.expr) -> Form:
        return _form(part, names, calls)

    match node:
        case ast.Name(id=name):
            return names[name] if name in names else Call(name.capitalize(), ())
        case ast.Constant(value=value):
            return Number(Fraction(repr(value)))
        case ast.UnaryOp(operand=operand):
            return Negative(inner(operand))
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](inner(left), inner(right))
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in calls:
            return calls[name](Formula(ast.unparse(argument), argument))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return Call(name, tuple(map(inner, arguments)))
        case ast.IfExp(test=ast.Compare(left=left, ops=[op], comparators=[right]), body=body, orelse=orelse):
            return Cases(inner(body), Comparison(inner(left), _SIGNS[type(op)], inner(right)), inner(orelse))
    raise TypeError(ast.dump(node))


_SIGNS: dict[type, str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}


def _times(left: Form, right: Form) -> Form:
    if isinstance(left, Negative):
        return Negative(_times(left.body, right))
    return Product((*_factors(left), right))


def _terms(form: Form) -> tuple[Form, ...]:
    return form.terms if isinstance(form, Sum) else (form,)


def _factors(form: Form) -> tuple[Form, ...]:
    return form.factors if isinstance(form, Product) else (form,)


_BINARY: dict[type, Callable[[Form, Form], Form]] = {
    ast.Add: lambda left, right: Sum((*_terms(left), right)),
    ast.Sub: lambda left, right: Sum((*_terms(left), Negative(right))),
    ast.Mult: _times,
    ast.Div: Quotient,
    ast.Pow: Power,
}
