"""Formulas as forms; they are made where forms are."""

from bpsym.notation.formulas import formula_form

__all__ = ["formula_form"]
