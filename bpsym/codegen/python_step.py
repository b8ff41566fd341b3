"""The step of a plain-Python trainer: what its update rule does to each parameter, line by line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpsym.calculus.equations import Origin, Tensor
from bpsym.codegen.assignments import Assignment, Group, cited
from bpsym.codegen.expression_text import Named
from bpsym.codegen.network_text import newest_error_terms, trained
from bpsym.codegen.python_text import INDENT, INNER, PythonText, called, headed, listed, loop, unpacked
from bpsym.codegen.stepping import COMMENTS, Stepping
from bpsym.network import roles
from bpsym.network.expressions import Formula
from bpsym.network.training_program import Written, written_update
from bpsym.network.update_rule import PARAMETER, UpdateRule
from bpsym.notation.formulas import formula_form
from bpsym.notation.order import Element, Form

ABOUT_GRADIENTS = "error term of the node entered * output of the node left"


@dataclass(frozen=True)
class PythonStep:
    """code: the program as text; forward: the groups of lines that make the outputs."""

    code: PythonText
    rule: UpdateRule
    stepping: Stepping
    forward: Callable[[], list[Group]]

    def lines(self) -> list[str]:
        """The body of `_step`."""
        return self._sequential() if self.stepping.is_sequential else self._simultaneous()

    def state(self) -> list[dict[str, Any]]:
        """The class of what is remembered, and how it begins; nothing where nothing is."""
        if not self.rule.has_state:
            return []
        fields = self._state_fields()
        starts = [
            f"*[{float(line.start)!r}] * {len(self._fields_of(line.name))}" for line in self.rule.states
        ]
        begin = f"State({', '.join(['0', *starts])})"
        return [{"fields": fields, "count": len(fields) + 1, "begin": begin}]

    # all parameters at once --------------------------------------------------------------------------------------

    def _simultaneous(self) -> list[str]:
        new = {one.names["p"].name: one for one in self._written if one.line.kind == PARAMETER}
        slopes = [
            name if tensor.name in new else "_"
            for tensor in self._own
            for name in self.code.elements(f"d{tensor.name}")
        ]
        made = [line for tensor in self._own for line in self._keywords(tensor, new.get(tensor.name))]
        state = called("    return parameters, State(", ["step", *self._state_fields()], ")")
        return [
            *unpacked(self._parameters, INDENT, " = parameters"),
            *(unpacked(slopes, INDENT, " = slopes") if new else []),
            *self._unpacked_state(),
            *self._before_parameters(),
            f"    # against the gradient, all at once  {cited(one.citation for one in made)}",
            "    parameters = Parameters(" if self.rule.has_state else "    return Parameters(",
            *(line for one in made for line in one.lines),
            "    )",
            *(state if self.rule.has_state else []),
        ]

    def _keywords(self, tensor: Tensor, new: Written | None) -> tuple[Assignment, ...]:
        """name=its new value, for each element; a frozen one keeps its value."""
        if new is None:
            names = self.code.elements(tensor.name)
            return tuple(Assignment(name, (f"{INNER}{name}={name},",)) for name in names)
        return self._made(new, lambda target: f"{INNER}{target}=", ",")

    # layer by layer, from the output back ------------------------------------------------------------------------

    def _sequential(self) -> list[str]:
        lines = [*unpacked(self._parameters, INDENT, " = parameters"), *self._unpacked_state()]
        lines += [*(f"    {line}" for line in self.stepping.count), *self._before_parameters()]
        for layer in reversed(self._layers):
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
        kept = self._kept(layer)
        if not own and not kept:
            return []
        gradients = [one.names["g"].name for one in own]
        zeros = [f"    {name} = 0.0" for one in gradients for name in self.code.elements(one)]
        updates = [line for one in own for line in self._after_loop(one)]
        return [
            *zeros,
            *([f"    layer{layer} = []"] if kept else []),
            *self._layer_loop(layer, gradients),
            *(
                listed(kept, f"{INNER}layer{layer}.append((", ",))" if len(kept) == 1 else "))")
                if kept
                else []
            ),
            *([f"    # against the gradient of layer {layer}", *updates] if own else []),
        ]

    def _layer_loop(self, layer: int, gradients: list[str]) -> list[str]:
        """The loop over the samples: the first one begins with the outputs, the others where the last one ended."""
        first = layer == self._layers[-1]
        inputs = self.code.kind(roles.INPUT)
        if first:
            head = loop([inputs, self.code.kind(roles.TARGET)], ("inputs", "targets"), ("x", "t"))
        else:
            before = self._kept(layer + 1)
            head = loop([inputs, before], ("inputs", "values"), ("x", f"layer{layer + 1}"))
        groups = self.forward() if first else []
        errors = newest_error_terms(self.code.program, layer)
        groups.append(Group("error terms", tuple(line for name in errors for line in self.code.of(name))))
        if gradients:
            groups.append(Group(ABOUT_GRADIENTS, self.code.additions(gradients)))
        return [*head, *(line for group in groups for line in headed(group, INNER))]

    def _after_loop(self, one: Written) -> list[str]:
        """The gradient when all samples have been added, and the parameter's step against it."""
        gradient = one.names["g"].name
        pairs = zip(self.code.elements(gradient), self.code.finished(gradient), strict=True)
        lines = [f"    {name} = {value}" for name, value in pairs if name != value]
        return lines + [
            line for made in self._made(one, lambda name: f"    {name} = ") for line in made.lines
        ]

    def _kept(self, layer: int) -> list[str]:
        """What the loops of the layers before this one read of each sample, beside the inputs."""
        program = self.code.program
        later = [
            one
            for one in program.equations
            if one.tensor.is_adjoint and one.tensor.role.layer < layer and self._is_used(one.tensor)
        ]
        own = {one.tensor.name for one in later}
        read = {name for one in later for name in one.reads if name not in own}
        per_sample = [
            tensor
            for tensor in program.tensors.values()
            if tensor.name in read and None in tensor.role.axes and tensor.role.kind != roles.INPUT
        ]
        return [name for tensor in per_sample for name in self.code.elements(tensor.name)]

    def _is_used(self, adjoint: Tensor) -> bool:
        """Whether a sequential step reads it: the newest of its kind."""
        origin: Origin | None = adjoint.origin
        newest = [
            one for one in self.code.program.tensors.values() if one.is_adjoint and one.origin == origin
        ][-1]
        frozen = adjoint.role.kind in (roles.WEIGHTS, roles.BIASES) and not any(
            one.names["g"].name == adjoint.name for one in self._written if one.line.kind == PARAMETER
        )
        return newest == adjoint and not frozen

    # lines of the rule -------------------------------------------------------------------------------------------

    @cached_property
    def _own(self) -> tuple[Tensor, ...]:
        return trained(self.code.program)

    @cached_property
    def _parameters(self) -> list[str]:
        return [name for tensor in self._own for name in self.code.elements(tensor.name)]

    @cached_property
    def _layers(self) -> range:
        return range(1, max(tensor.role.layer for tensor in self._own) + 1)

    @cached_property
    def _written(self) -> tuple[Written, ...]:
        return written_update(self.code.program, self.rule)

    def _before_parameters(self) -> list[str]:
        """The lines of the clip, of the schedule, and of what the optimiser remembers."""
        lines: list[str] = []
        part = ""
        for one in self._written:
            if one.line.kind != PARAMETER:
                lines += [] if one.line.part == part else [f"    # {COMMENTS[one.line.part]}"]
                part = one.line.part
                lines += [
                    line for made in self._made(one, lambda name: f"    {name} = ") for line in made.lines
                ]
        return lines

    def _made(self, one: Written, start: Callable[[str], str], end: str = "") -> tuple[Assignment, ...]:
        stamp = self.code.stamps.stamp(self._form(one))
        return self.code.lines(one.tensor, stamp, start, end, self.code.whole_text)

    def _form(self, one: Written) -> Form:
        """The line's formula in its own order, with elements for its names."""
        elements = {name: Element(one.names[name]) for name in one.line.reads if name in one.names}
        names = [own["p"].name for own in one.everywhere]

        def total(summand: Formula) -> Form:
            text = self.code.whole_text.text(formula_form(summand, {"g": Named("g")}))
            return Named(f"sum({text} for g in {self.code.parts('slopes', names)})")

        return formula_form(one.line.formula, elements, {"total": total})

    def _state_tensors(self) -> list[Tensor]:
        return [one for one in self.code.program.inputs if one.role.kind == roles.STATE]

    def _fields_of(self, state: str) -> list[str]:
        tensors = [one for one in self._state_tensors() if one.role.name == state]
        return [name for tensor in tensors for name in self.code.elements(tensor.name)]

    def _state_fields(self) -> list[str]:
        return [name for tensor in self._state_tensors() for name in self.code.elements(tensor.name)]

    def _unpacked_state(self) -> list[str]:
        if not self.rule.has_state:
            return []
        return [*unpacked(["step", *self._state_fields()], INDENT, " = state"), "    step += 1"]
