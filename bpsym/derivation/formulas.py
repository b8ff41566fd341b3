"""A formula that somebody wrote, as a form, in the order in which it was written."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fractions import Fraction

from bpsym.derivation.forms import (
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
from bpsym.network.expressions import Formula


def formula_form(formula: Formula, names: Mapping[str, Form]) -> Form:
    """The formula with forms for its names."""
    return _form(formula.tree, names)


def _form(node: ast.expr, names: Mapping[str, Form]) -> Form:
    match node:
        case ast.Name(id=name):
            return names[name]
        case ast.Constant(value=value):
            return Number(Fraction(repr(value)))
        case ast.UnaryOp(operand=operand):
            return Negative(_form(operand, names))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return Sum((*_terms(_form(left, names)), _form(right, names)))
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return Sum((*_terms(_form(left, names)), Negative(_form(right, names))))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _times(_form(left, names), _form(right, names))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return Quotient(_form(left, names), _form(right, names))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return Power(_form(left, names), _form(right, names))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return Call(name, tuple(_form(argument, names) for argument in arguments))
        case ast.IfExp():
            return Cases(_branches(node, names))
    raise TypeError(ast.dump(node))


def _branches(node: ast.expr, names: Mapping[str, Form]) -> tuple[tuple[Form, Comparison], ...]:
    """u if c else v: u where c holds, v where it does not; v may be such a choice itself."""
    match node:
        case ast.IfExp(
            test=ast.Compare(left=left, ops=[operator], comparators=[right]), body=body, orelse=orelse
        ):
            known = Comparison(_form(left, names), _OPERATORS[type(operator)], _form(right, names))
            if isinstance(orelse, ast.IfExp):
                return ((_form(body, names), known), *_branches(orelse, names))
            return ((_form(body, names), known), (_form(orelse, names), known.opposite))
    raise TypeError(ast.dump(node))


_OPERATORS: Mapping[type, str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}


def _times(left: Form, right: Form) -> Form:
    if isinstance(left, Negative):
        return Negative(_times(left.body, right))
    return Product((*_factors(left), right))


def _terms(form: Form) -> tuple[Form, ...]:
    return form.terms if isinstance(form, Sum) else (form,)


def _factors(form: Form) -> tuple[Form, ...]:
    return form.factors if isinstance(form, Product) else (form,)
