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
from bpsym.codegen.network_text import backward_names, forward_names, given, shape_of, trained
from bpsym.codegen.python_target import unpacked
from bpsym.examples.example import Example
from bpsym.network import roles
from bpsym.network.calls import calls
from bpsym.network.training_program import training_program
from bpsym.notation.names import Names

_INDENT = "    "


@dataclass(frozen=True)
class NumpyTarget:
    """The data of the NumPy template, for one example in one notation."""

    example: Example
    names: Names
    citations: Citations

    def data(self, command: str) -> dict[str, Any]:
        own = trained(self.program)
        fields = [self.names.code(tensor) for tensor in own]
        output = self.program[f"a{len(self.example.network.layers)}"]
        lines = {
            "shape": shape_of(self.names),
            "command": command,
            "flow": wrap(f"A batch goes {self._flow()}; a row is a sample.", WIDTH),
            "fields": [
                {"name": self.names.code(t), "type": "np.ndarray" if t.indices else "float"} for t in own
            ],
            "initial": self._initial(own),
            "draws": [self._draw(tensor) for tensor in own],
            "shapes": [{"name": self.names.code(tensor), "shape": self._shape(tensor)} for tensor in own],
            "unpacked": unpacked(fields, _INDENT, " = parameters"),
            "output": self.names.code(output),
            "input_count": self.names.widths[0],
            "target_count": self.names.widths[-1],
            "forward": self._forward(),
            "backward": self._backward(),
            "loss": self._loss(),
            "gradients": self._gradients(own),
            "steps": self._steps(own),
        }
        # last: what the lines call is known when they are written
        called = {"functions": self.functions.ordered, "imports": self._imports()}
        return lines | called

    def _imports(self) -> list[str]:
        return sorted(self.functions.imports | {"random"})

    @cached_property
    def program(self) -> Program:
        optimizer = self.example.training
        program = training_program(self.example.network, optimizer, symbolic_widths=True, code=True)
        return inline(program, ["E"])

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

    def _initial(self, own: tuple[Tensor, ...]) -> list[dict[str, Any]]:
        numbers = given(self.example)
        if numbers is None:
            return []
        return [
            {"lines": _literal(f"    {self.names.code(tensor)}=", numbers[tensor.name])} for tensor in own
        ]

    def _draw(self, tensor: Tensor) -> dict[str, Any]:
        sizes = [self.names.widths[layer] for layer in tensor.role.axes]
        name = self.names.code(tensor)
        if tensor.role.kind == roles.BIASES:
            return {"field": name, "value": f"np.zeros({sizes[0]})" if sizes else "0.0"}
        rows, columns = sizes
        return {"field": name, "value": f"matrix({rows}, {columns})"}

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
        return Assignment(target, self.text(equation, f"{_INDENT}{target} = "))

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
        return [self._group("error terms, from the output back", backward_names(self.program))]

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
            for line in self.text(self.program.equation(name), f"        {self.names.code(tensor)}=", ",")
        ]
        return {"lines": lines, "cited": cited(n for (name, _), n in self.citations.items() if name in names)}

    def _steps(self, own: tuple[Tensor, ...]) -> dict[str, Any]:
        names = [f"{tensor.name}+" for tensor in own]
        lines = [
            line
            for tensor, name in zip(own, names, strict=True)
            for line in self.text(self.program.equation(name), f"        {self.names.code(tensor)}=", ",")
        ]
        gradients = [self.names.code(self.program[f"d{tensor.name}"]) for tensor in own]
        return {
            "lines": lines,
            "cited": cited(n for (name, _), n in self.citations.items() if name in names),
            "unpacked": unpacked(gradients, _INDENT, " = slopes"),
        }


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
