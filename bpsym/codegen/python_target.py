"""Plain Python: one line for each scalar equation, inside a loop over the samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Any

from bpsym.calculus.equations import Program, Tensor
from bpsym.calculus.rewrites import inline
from bpsym.codegen.assignments import Citations, Group
from bpsym.codegen.expression_text import WIDTH
from bpsym.codegen.functions import PYTHON, Functions
from bpsym.codegen.network_text import (
    at_position,
    backward_names,
    constants,
    drawing,
    drawn_initial,
    flow,
    forward_names,
    given,
    is_given,
    positions,
    shape_of,
    trained,
)
from bpsym.codegen.python_step import ABOUT_GRADIENTS, PythonStep
from bpsym.codegen.python_text import PythonText, listed, loop, unpacked
from bpsym.codegen.stepping import Dialect, Stepping
from bpsym.examples.example import Example
from bpsym.network import roles
from bpsym.network.calls import calls
from bpsym.network.training_program import training_program
from bpsym.network.update_rule import UpdateRule, update_rule
from bpsym.notation.names import Names

TEMPLATE = "python.py.jinja"

DIALECT = Dialect(
    check="_check(parameters, x, t)",
    check_rate='_check_numbers("learning_rate", [learning_rate])',
    check_state="_check_state(state)",
    rows="[x[row] for row in rows], [t[row] for row in rows]",
    result="Parameters(*parameters)",
)


@dataclass(frozen=True)
class PythonTarget:
    """The data of the plain-Python template, for one example in one notation."""

    example: Example
    names: Names
    citations: Citations

    def data(self, command: str) -> dict[str, Any]:
        own = trained(self.program)
        fields = [name for tensor in own for name in self.code.elements(tensor.name)]
        start = drawing(self.example, self.names, PYTHON.library)
        penalties, loss = self.code.finished_loss()
        data = {
            "shape": shape_of(self.names),
            "command": command,
            "flow": wrap(f"A sample goes {flow(self.program, self.names)}.", WIDTH),
            "fields": fields,
            "initial": self._given(own) if is_given(self.example) else [],
            "drawn": self._drawn(own),
            "constants": constants(self.example, self.rule.settings),
            "start": {
                "doc": start["doc"],
                "lines": start["lines"],
                "draws": self._draws(own, start["draws"]),
            },
            "unpacked": unpacked(fields, "    ", " = parameters"),
            "each_sample": self._loop([roles.INPUT]),
            "each_pair": self._loop([roles.INPUT, roles.TARGET]),
            "outputs": listed(self._outputs(), "        outputs.append([", "])"),
            "input_count": self.names.widths[0],
            "target_count": self.names.widths[-1],
            "forward": self._forward(),
            "backward": self._backward(),
            "accumulators": [name for tensor in self._summed for name in self.code.elements(tensor)],
            "added": self._added(),
            "loss": loss,
            "penalties": penalties,
            "gradients": [
                {"field": name, "value": value}
                for tensor in own
                for name, value in zip(
                    self.code.elements(tensor.name), self.code.finished(f"d{tensor.name}"), strict=True
                )
            ],
            "step": {"arguments": self.stepping.step_arguments, "lines": self.step.lines()},
            "state": self.step.state(),
            "update": self.stepping.update(),
            "train": self.stepping.train(),
            "batches": [{}] if self.stepping.has_batches else [],
            "count": self.stepping.count,
            "modules": sorted(self.stepping.modules(start["lines"])),
        }
        return data | {"imports": self._imports(start["lines"]), "functions": self.functions.ordered}

    @cached_property
    def program(self) -> Program:
        return inline(training_program(self.example.network, self.example.training, code=True), ["E"])

    @cached_property
    def code(self) -> PythonText:
        return PythonText(self.program, self.names, self.citations, self.functions)

    @cached_property
    def rule(self) -> UpdateRule:
        return update_rule(self.example.training)

    @cached_property
    def stepping(self) -> Stepping:
        return Stepping(self.example, DIALECT)

    @cached_property
    def step(self) -> PythonStep:
        return PythonStep(self.code, self.rule, self.stepping, self._forward)

    @cached_property
    def functions(self) -> Functions:
        return Functions(calls(self.example.network), PYTHON)

    def _imports(self, start: list[str]) -> list[str]:
        found = {"sqrt"} if any("sqrt(" in line for line in start) else set()
        return sorted(self.functions.imports | found | {"isfinite"})

    # what training starts with ---------------------------------------------------------------------------------

    def _drawn(self, own: tuple[Tensor, ...]) -> list[dict[str, Any]]:
        """INITIAL where something is drawn for it: the draw, and what is given all the same."""
        if is_given(self.example):
            return []
        return [{"value": drawn_initial(self.example), "given": self._given(own)}]

    def _given(self, own: tuple[Tensor, ...]) -> list[dict[str, Any]]:
        numbers = given(self.example)
        return [
            {"field": name, "value": repr(float(at_position(numbers[tensor.name], at)))}
            for tensor in own
            if tensor.name in numbers
            for name, at in zip(self.code.elements(tensor.name), positions(tensor), strict=True)
        ]

    def _draws(self, own: tuple[Tensor, ...], draws: list[tuple[str, ...]]) -> list[dict[str, str]]:
        found = []
        for tensor in own:
            generator, *call = draws[tensor.role.layer - 1] or ("",)
            drawn = generator and tensor.role.kind == roles.WEIGHTS
            value = f"{generator}.{call[0]}({', '.join(call[1:])})" if drawn else "0.0"
            found += [{"field": name, "value": value} for name in self.code.elements(tensor.name)]
        return found

    # lines of code ---------------------------------------------------------------------------------------------

    def _loop(self, kinds: list[str]) -> list[str]:
        """The head of the loop over the samples; the rows are taken apart below it where they are long."""
        rows = [self.code.kind(kind) for kind in kinds]
        return loop(rows, ("inputs", "targets")[: len(rows)], ("x", "t")[: len(rows)])

    def _outputs(self) -> list[str]:
        return self.code.elements(f"a{len(self.example.network.layers)}")

    def _forward(self) -> list[Group]:
        return [
            Group(f"layer {number}", tuple(one for name in names for one in self.code.of(name)))
            for number, names in enumerate(forward_names(self.program), start=1)
        ]

    def _backward(self) -> list[Group]:
        lines = [one for name in backward_names(self.program) for one in self.code.of(name)]
        return [Group("error terms, from the output back", tuple(lines))] if lines else []

    @cached_property
    def _summed(self) -> list[str]:
        """The loss, and each derivative by a parameter, in which there is a sum over the samples."""
        every = ["C", *(f"d{tensor.name}" for tensor in trained(self.program))]
        return [name for name in every if self.code.sum_of(name) is not None]

    def _added(self) -> list[Group]:
        """What each sample adds to the loss and to the gradients."""
        groups = (("loss", self._summed[:1]), (ABOUT_GRADIENTS, self._summed[1:]))
        return [Group(comment, self.code.additions(names)) for comment, names in groups if names]


__all__ = ["TEMPLATE", "PythonTarget"]
