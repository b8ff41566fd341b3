"""NumPy: one line for each index equation, as products, broadcasting and sums of whole arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Any

from bpsym.calculus.contraction import contraction
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.rewrites import inline
from bpsym.codegen.array_text import ArrayText
from bpsym.codegen.assignments import Assignment, Citations, Group, cited
from bpsym.codegen.expression_text import WIDTH
from bpsym.codegen.functions import NUMPY, Functions
from bpsym.codegen.network_text import (
    backward_names,
    constants,
    drawing,
    drawn_initial,
    forward_names,
    given,
    is_given,
    shape_of,
    trained,
)
from bpsym.codegen.numpy_step import NumpyStep, zeros
from bpsym.codegen.python_text import headed, unpacked
from bpsym.codegen.stepping import Dialect, Stepping
from bpsym.examples.example import Example
from bpsym.network import roles
from bpsym.network.calls import calls
from bpsym.network.training_program import training_program
from bpsym.network.update_rule import UpdateRule, update_rule
from bpsym.notation.names import Names

DIALECT = Dialect(
    check="parameters, x, t = _checked(parameters, x, t)",
    check_rate='_checked_array("learning_rate", learning_rate, ())',
    check_state="state = _checked_state(state)",
    rows="x[rows], t[rows]",
    result="parameters",
)

_INDENT = "    "


@dataclass(frozen=True)
class NumpyTarget:
    """The data of the NumPy template, for one example in one notation."""

    example: Example
    names: Names
    citations: Citations

    def data(self, command: str) -> dict[str, Any]:
        own = trained(self.program)
        start = self._start(own)
        fields = [self.names.code(tensor) for tensor in own]
        output = self.program[f"a{len(self.example.network.layers)}"]
        data = {
            "shape": shape_of(self.names),
            "command": command,
            "flow": wrap(f"A batch goes {self._flow()}; a row is a sample.", WIDTH),
            "fields": [
                {"name": self.names.code(t), "type": "np.ndarray" if t.indices else "float"} for t in own
            ],
            "initial": self._given(own) if is_given(self.example) else [],
            "drawn": self._drawn(own),
            "constants": constants(self.example, self.rule.settings),
            "start": start,
            "shapes": [{"name": self.names.code(tensor), "shape": self._shape(tensor)} for tensor in own],
            "unpacked": unpacked(fields, _INDENT, " = parameters"),
            "output": self.names.code(output),
            "input_count": self.names.widths[0],
            "target_count": self.names.widths[-1],
            "forward": self._forward(),
            "backward": self._backward(),
            "loss": self._loss(),
            "gradients": self._gradients(own),
            "step": {"arguments": self.stepping.step_arguments, "lines": self.step.lines()},
            "state": self.step.state(),
            "update": self.stepping.update(),
            "train": self.stepping.train(),
            "batches": [{}] if self.stepping.has_batches else [],
            "count": self.stepping.count,
        }
        # last: what the lines call is known when they are written
        imports = sorted(self.functions.imports | self.stepping.modules(start["lines"]))
        return data | {"functions": self.functions.ordered, "imports": imports}

    @cached_property
    def program(self) -> Program:
        program = training_program(
            self.example.network, self.example.training, symbolic_widths=True, code=True
        )
        return inline(program, ["E"])

    @cached_property
    def rule(self) -> UpdateRule:
        return update_rule(self.example.training)

    @cached_property
    def stepping(self) -> Stepping:
        return Stepping(self.example, DIALECT)

    @cached_property
    def step(self) -> NumpyStep:
        return NumpyStep(
            self.program,
            self.names,
            self.citations,
            self.rule,
            self.stepping,
            self.functions.called,
            self._shape,
            lambda name: self._assignment(name).lines,
            lambda: [line for group in self._forward() for line in headed(group, _INDENT)],
        )

    @cached_property
    def functions(self) -> Functions:
        return Functions(calls(self.example.network), NUMPY)

    def _flow(self) -> str:
        kinds = (roles.INPUT, roles.PRE_ACTIVATION, roles.ACTIVATION)
        layers = [
            one for one in self.program.tensors.values() if one.origin is None and one.role.kind in kinds
        ]
        return " -> ".join(self.names.code(one) for one in layers)

    def _shape(self, tensor: Tensor) -> str:
        sizes = [str(self.names.widths[layer]) for layer in tensor.role.axes]
        return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"

    # what training starts with ---------------------------------------------------------------------------------

    def _given(self, own: tuple[Tensor, ...]) -> list[dict[str, Any]]:
        numbers = given(self.example)
        return [
            {"lines": _literal(f"    {self.names.code(tensor)}=", numbers[tensor.name])}
            for tensor in own
            if tensor.name in numbers
        ]

    def _drawn(self, own: tuple[Tensor, ...]) -> list[dict[str, Any]]:
        """INITIAL where something is drawn for it: the draw, and what is given all the same."""
        if is_given(self.example):
            return []
        return [{"value": drawn_initial(self.example), "given": self._given(own)}]

    def _start(self, own: tuple[Tensor, ...]) -> dict[str, Any]:
        start = drawing(self.example, self.names, NUMPY.library)
        draws = [
            {"field": self.names.code(one), "value": self._draw(one, start["draws"][one.role.layer - 1])}
            for one in own
        ]
        matrix: list[dict[str, Any]] = [{}] if any(start["draws"]) else []
        return {"doc": start["doc"], "lines": start["lines"], "draws": draws, "matrix": matrix}

    def _draw(self, tensor: Tensor, drawn: tuple[str, ...]) -> str:
        sizes = [str(self.names.widths[layer]) for layer in tensor.role.axes]
        if tensor.role.kind != roles.WEIGHTS or not drawn:
            return zeros(self._shape(tensor)) if sizes else "0.0"
        generator, method, *arguments = drawn
        return f"matrix({', '.join([*sizes, f'{generator}.{method}', *arguments])})"

    # lines of code ---------------------------------------------------------------------------------------------

    @cached_property
    def writer(self) -> ArrayText:
        return ArrayText(self.program, self.names.code, self.functions.called)

    def text(self, equation: Equation, start: str, end: str = "") -> tuple[str, ...]:
        """The right-hand side as array operations, which `contraction` has proved."""
        return self.writer.lines(contraction(equation), start, end)

    def _assignment(self, name: str) -> Assignment:
        equation = self.program.equation(name)
        target = self.names.code(equation.tensor)
        if set(contraction(equation).axes) == set(equation.indices):
            return Assignment(target, self.text(equation, f"{_INDENT}{target} = "))
        # a slope that is the same for every sample, or every unit
        sizes = [
            "m" if layer is None else str(self.names.widths[layer]) for layer in equation.tensor.role.axes
        ]
        lines = self.text(equation, f"{_INDENT}{target} = np.broadcast_to(", f", ({', '.join(sizes)}))")
        return Assignment(target, lines)

    def _group(self, comment: str, tensors: list[str]) -> Group:
        numbers = [number for (name, _), number in self.citations.items() if name in tensors]
        blanks = tuple(Assignment("", (), number) for number in numbers)
        return Group(comment, (*(self._assignment(name) for name in tensors), *blanks))

    def _forward(self) -> list[Group]:
        return [
            self._group(f"layer {number}", names)
            for number, names in enumerate(forward_names(self.program), start=1)
        ]

    def _backward(self) -> list[Group]:
        names = backward_names(self.program)
        return [self._group("error terms, from the output back", names)] if names else []

    def _loss(self) -> dict[str, Any]:
        number = self.citations.get(("E", ()), 0)
        return {
            "lines": self.text(
                self.program.equation("C"), f"{_INDENT}{self.names.code(self.program['C'])} = "
            ),
            "name": self.names.code(self.program["C"]),
            "cited": cited([number]),
        }

    def _gradients(self, own: tuple[Tensor, ...]) -> dict[str, Any]:
        names = [f"d{tensor.name}" for tensor in own]
        lines = [
            line
            for tensor, name in zip(own, names, strict=True)
            for line in self._gradient(name, f"        {self.names.code(tensor)}=")
        ]
        return {"lines": lines, "cited": cited(n for (name, _), n in self.citations.items() if name in names)}

    def _gradient(self, name: str, start: str) -> tuple[str, ...]:
        """A keyword argument; that of a frozen parameter is an array of zeros."""
        equation = self.program.equation(name)
        if equation.value == 0 and equation.indices:
            return (f"{start}{zeros(self._shape(equation.tensor))},",)
        return self.text(equation, start, ",")


def _literal(start: str, rows: Any) -> list[str]:
    """Numbers as a float, an array, or an array over several lines."""
    if not isinstance(rows, (list, tuple)):
        return [f"{start}{float(rows)!r},"]
    if not isinstance(rows[0], (list, tuple)):
        return _wrapped(start, [repr(float(entry)) for entry in rows])
    return _wrapped(start, [f"[{', '.join(repr(float(entry)) for entry in row)}]" for row in rows])


def _wrapped(start: str, entries: list[str]) -> list[str]:
    line = f"{start}np.array([{', '.join(entries)}]),"
    if len(line) <= WIDTH:
        return [line]
    inner = [line for entry in entries for line in _entry(f"{entry},")]
    return [f"{start}np.array(", "        [", *inner, "        ]", "    ),"]


def _entry(entry: str) -> list[str]:
    """A number or a row of them, over as many lines as it takes."""
    blanks = " " * 12
    return wrap(entry, WIDTH, initial_indent=blanks, subsequent_indent=blanks + " ")
