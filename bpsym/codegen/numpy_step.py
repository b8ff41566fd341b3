"""The step of a NumPy trainer: what its update rule does to each array, line by line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpsym.calculus.equations import Program, Tensor
from bpsym.codegen.assignments import Citations, cited
from bpsym.codegen.expression_text import ATOM, ExpressionText, Named
from bpsym.codegen.network_text import newest_error_terms, trained
from bpsym.codegen.python_text import INDENT, INNER, called, unpacked
from bpsym.codegen.stepping import COMMENTS, Stepping
from bpsym.network import roles
from bpsym.network.expressions import Formula
from bpsym.network.training_program import Written, written_update
from bpsym.network.update_rule import PARAMETER, UpdateRule
from bpsym.notation.formulas import formula_form
from bpsym.notation.names import Names
from bpsym.notation.order import Element, Form, Sum


def zeros(shape: str) -> str:
    """An array of zeros; shape: (2, 3) or (2,)"""
    return f"np.zeros({shape.strip('(,)') if ', ' not in shape else shape})"


@dataclass(frozen=True)
class NumpyStep:
    """call: the text of a function of arguments; shape: of a parameter, as text; line: target = value of a tensor;
    forward: the lines that make the outputs.
    """

    program: Program
    names: Names
    citations: Citations
    rule: UpdateRule
    stepping: Stepping
    call: Callable[[str, list[str]], str]
    shape: Callable[[Tensor], str]
    line: Callable[[str], tuple[str, ...]]
    forward: Callable[[], list[str]]

    def lines(self) -> list[str]:
        """The body of `_step`."""
        return self._sequential() if self.stepping.is_sequential else self._simultaneous()

    def state(self) -> list[dict[str, Any]]:
        """The class of what is remembered, and how it begins; nothing where nothing is."""
        if not self.rule.has_state:
            return []
        fields = [
            {
                "name": self.names.code(one),
                "type": "np.ndarray" if one.indices else "float",
                "shape": self.shape(one) if one.indices else "()",
                "begin": self._begin(one),
            }
            for one in self._states
        ]
        return [{"fields": fields, "count": len(fields) + 1}]

    def _begin(self, state: Tensor) -> str:
        start = float(self.rule.of(roles.STATE, state.role.name).start)
        if not state.indices:
            return repr(start)
        return f"np.full({self.shape(state)}, {start!r})" if start else zeros(self.shape(state))

    # all parameters at once --------------------------------------------------------------------------------------

    def _simultaneous(self) -> list[str]:
        new = {one.names["p"].name: one for one in self._written if one.line.kind == PARAMETER}
        slopes = [
            self.names.code(self.program[f"d{tensor.name}"]) if tensor.name in new else "_"
            for tensor in self._own
        ]
        state = called("    return parameters, State(", ["step", *map(self.names.code, self._states)], ")")
        return [
            *unpacked(self._parameters, INDENT, " = parameters"),
            *(unpacked(slopes, INDENT, " = slopes") if new else []),
            *self._unpacked_state(),
            *self._before_parameters(),
            f"    # against the gradient, all at once  {self._cited([f'{one.name}+' for one in self._own])}",
            "    parameters = Parameters(" if self.rule.has_state else "    return Parameters(",
            *(line for one in self._own for line in self._keyword(one, new.get(one.name))),
            "    )",
            *(state if self.rule.has_state else []),
        ]

    def _keyword(self, tensor: Tensor, new: Written | None) -> list[str]:
        name = self.names.code(tensor)
        return [f"{INNER}{name}={name},"] if new is None else self._made(new, f"{INNER}{name}=", ",")

    # layer by layer, from the output back ------------------------------------------------------------------------

    def _sequential(self) -> list[str]:
        lines = [*unpacked(self._parameters, INDENT, " = parameters"), *self._unpacked_state()]
        lines += [
            *(f"    {line}" for line in self.stepping.count),
            *self._before_parameters(),
            *self.forward(),
        ]
        last = max(tensor.role.layer for tensor in self._own)
        for layer in range(last, 0, -1):
            lines += self._layer_step(layer)
        values = [f"{name}={name}" for name in self._parameters]
        if not self.rule.has_state:
            return [*lines, *called("    return Parameters(", values, ")")]
        return [
            *lines,
            *called("    parameters = Parameters(", values, ")"),
            "    return parameters, State(step)",
        ]

    def _layer_step(self, layer: int) -> list[str]:
        """The layer's error terms, its gradients, and at once its new parameters."""
        own = [one for one in self._written if one.line.kind == PARAMETER and one.tensor.role.layer == layer]
        errors = newest_error_terms(self.program, layer)
        gradients = [one.names["g"].name for one in own]
        made = [line for one in (*errors, *gradients) for line in self.line(one)]
        steps = [
            line
            for one in own
            for line in self._made(one, f"    {self.names.code(self.program[one.names['p'].name])} = ")
        ]
        return [f"    # against the gradient of layer {layer}", *made, *steps] if made else []

    # lines of the rule -------------------------------------------------------------------------------------------

    @cached_property
    def _own(self) -> tuple[Tensor, ...]:
        return trained(self.program)

    @cached_property
    def _parameters(self) -> list[str]:
        return [self.names.code(tensor) for tensor in self._own]

    @cached_property
    def _states(self) -> list[Tensor]:
        return [one for one in self.program.inputs if one.role.kind == roles.STATE]

    @cached_property
    def _written(self) -> tuple[Written, ...]:
        return written_update(self.program, self.rule)

    def _cited(self, names: list[str]) -> str:
        return cited(number for (name, _), number in self.citations.items() if name in names)

    def _before_parameters(self) -> list[str]:
        """The lines of the clip, of the schedule, and of what the optimiser remembers."""
        lines: list[str] = []
        part = ""
        for one in self._written:
            if one.line.kind != PARAMETER:
                lines += [] if one.line.part == part else [f"    # {COMMENTS[one.line.part]}"]
                part = one.line.part
                lines += self._made(one, f"    {self.names.code(one.tensor)} = ")
        return lines

    def _made(self, one: Written, start: str, end: str = "") -> list[str]:
        text = ExpressionText(self._leaf, self.call, whole=True)
        return text.lines(start, self._form(one), end)

    def _leaf(self, form: Element) -> tuple[str, int]:
        return self.names.code(self.program[form.read.name]), ATOM

    def _form(self, one: Written) -> Form:
        """The line's formula in its own order, with arrays for its names."""
        elements = {name: Element(one.names[name]) for name in one.line.reads if name in one.names}

        def total(summand: Formula) -> Form:
            terms = [self._summed(summand, own["g"]) for own in one.everywhere]
            return Sum(tuple(terms)) if len(terms) > 1 else terms[0]

        return formula_form(one.line.formula, elements, {"total": total})

    def _summed(self, summand: Formula, gradient: Tensor) -> Form:
        """The sum of the formula over the elements of one array."""
        text = ExpressionText(self._leaf, self.call, whole=True)
        inside = text.text(formula_form(summand, {"g": Named(self.names.code(gradient))}))
        return Named(f"({inside}).sum()" if gradient.indices else inside)

    def _unpacked_state(self) -> list[str]:
        if not self.rule.has_state:
            return []
        names = ["step", *map(self.names.code, self._states)]
        return [*unpacked(names, INDENT, " = state"), "    step += 1"]
