"""Plain Python: one line for each scalar equation, inside a loop over the samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Any

from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.nodes import IndexSum, Read
from bpsym.calculus.rewrites import inline, map_reads
from bpsym.calculus.unroll import unroll
from bpsym.codegen.assignments import Assignment, Citations, Group, cited
from bpsym.codegen.expression_text import WIDTH, ExpressionText
from bpsym.codegen.functions import PYTHON, Functions
from bpsym.codegen.network_text import (
    at_position,
    backward_names,
    element_names,
    fans,
    flow,
    forward_names,
    given,
    positions,
    shape_of,
    trained,
)
from bpsym.examples.example import Example
from bpsym.network import roles
from bpsym.network.calls import calls
from bpsym.network.forward import SAMPLES
from bpsym.network.training_program import training_program
from bpsym.notation.names import Names
from bpsym.notation.order import Size, reading_order

TEMPLATE = "python.py.jinja"

_INDENT = " " * 8


@dataclass(frozen=True)
class PythonTarget:
    """The data of the plain-Python template, for one example in one notation."""

    example: Example
    names: Names
    citations: Citations

    def data(self, command: str) -> dict[str, Any]:
        own = trained(self.program)
        fields = [name for tensor in own for name in element_names(tensor, self.names)]
        lines = {
            "shape": shape_of(self.names),
            "command": command,
            "flow": wrap(f"A sample goes {flow(self.program, self.names)}.", WIDTH),
            "fields": fields,
            "initial": self._initial(own),
            "fans": fans(self.names),
            "draws": [
                {"field": name, "layer": t.role.layer, "drawn": t.role.kind == roles.WEIGHTS}
                for t in own
                for name in element_names(t, self.names)
            ],
            "unpacked": unpacked(fields, "    ", " = parameters"),
            "each_sample": self._loop([roles.INPUT]),
            "each_pair": self._loop([roles.INPUT, roles.TARGET]),
            "outputs": listed(self._outputs(), "        outputs.append([", "])"),
            "input_count": self.names.widths[0],
            "target_count": self.names.widths[-1],
            "forward": self._forward(),
            "backward": self._backward(),
            "accumulators": [target for target, _, _ in self._accumulated()],
            "added": self._added(),
            "loss": self._finished("C"),
            "gradients": [
                {"field": field, "value": self._finished(f"d{tensor.name}", at)}
                for tensor in own
                for field, at in zip(element_names(tensor, self.names), positions(tensor), strict=True)
            ],
            "steps": self._steps(own),
        }
        # last: what the lines call is known when they are written
        return lines | {"functions": self.functions.ordered, "imports": self._imports()}

    @cached_property
    def program(self) -> Program:
        program = training_program(self.example.network, self.example.training, code=True)
        return inline(program, ["E"])

    @cached_property
    def scalars(self) -> dict[tuple[str, tuple[int, ...]], Equation]:
        """Every element's own equation; the samples' axis is kept."""
        return {_key(one.tensor): one for one in unroll(self.program, (SAMPLES,)).equations}

    @cached_property
    def functions(self) -> Functions:
        return Functions(calls(self.example.network), PYTHON)

    def _imports(self) -> list[str]:
        return sorted(self.functions.imports | {"isfinite", "sqrt"})

    def _initial(self, own: tuple[Tensor, ...]) -> list[dict[str, Any]]:
        numbers = given(self.example)
        if numbers is None:
            return []
        return [
            {"field": name, "value": repr(float(at_position(numbers[tensor.name], at)))}
            for tensor in own
            for name, at in zip(element_names(tensor, self.names), positions(tensor), strict=True)
        ]

    def _kind(self, kind: str) -> list[str]:
        (tensor,) = (one for one in self.program.inputs if one.role.kind == kind)
        return element_names(tensor, self.names)

    def _loop(self, kinds: list[str]) -> list[str]:
        """The head of the loop over the samples; the rows are taken apart below it where they are long."""
        names = [self._kind(kind) for kind in kinds]
        rows = [bracketed(one) for one in names] if len(names) > 1 else [comma_separated(names[0])]
        source = "zip(x, t)" if len(names) > 1 else "x"
        line = f"    for {', '.join(rows)} in {source}:"
        if len(line) <= WIDTH:
            return [line]
        whole = ("inputs", "targets")[: len(names)]
        below = [
            line
            for one, name in zip(names, whole, strict=True)
            for line in unpacked(one, _INDENT, f" = {name}")
        ]
        return [f"    for {', '.join(whole)} in {source}:", *below]

    def _outputs(self) -> list[str]:
        last = len(self.example.network.layers)
        return element_names(self.program[f"a{last}"], self.names)

    # lines of code ---------------------------------------------------------------------------------------------

    def _name(self, read: Read) -> str:
        """The code name of a read of an unrolled program."""
        if read.name in self._accumulators:
            return self._accumulators[read.name]
        name, at = _key(self._tensors[read.name])
        return self.names.code(self.program[name], at)

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        return unroll(self.program, (SAMPLES,)).tensors

    @cached_property
    def _accumulators(self) -> dict[str, str]:
        return {f"+{target}": target for target, _, _ in self._accumulated()}

    def _text(self) -> ExpressionText:
        return self.functions.writer(
            self._ranked, lambda form: form.name if isinstance(form, Size) else self._name(form.read)
        )

    def _assignment(self, equation: Equation, indent: str, operator: str = "=") -> Assignment:
        target = self._name(Read(equation.tensor.name))
        form = reading_order(equation.value, self._ranked)
        lines = tuple(self._text().lines(f"{indent}{target} {operator} ", form))
        return Assignment(target, lines, self.citations.get(_key(equation.tensor), 0))

    @cached_property
    def _ranked(self) -> Program:
        return unroll(self.program, (SAMPLES,))

    def _of(self, name: str, indent: str = _INDENT) -> tuple[Assignment, ...]:
        return tuple(self._assignment(self.scalars[name, at], indent) for at in positions(self.program[name]))

    def _forward(self) -> list[Group]:
        return [
            Group(f"layer {number}", tuple(one for name in names for one in self._of(name)))
            for number, names in enumerate(forward_names(self.program), start=1)
        ]

    def _backward(self) -> list[Group]:
        names = backward_names(self.program)
        return [
            Group("error terms, from the output back", tuple(one for name in names for one in self._of(name)))
        ]

    def _accumulated(self) -> Iterator[tuple[str, tuple[str, tuple[int, ...]], IndexSum]]:
        """(code name, key, sum) of every sum over the samples."""
        own = [("C", ()), *((f"d{t.name}", at) for t in trained(self.program) for at in positions(t))]
        for key in own:
            sums = sorted(self.scalars[key].value.atoms(IndexSum), key=str)
            for node in sums:
                yield self.names.code(self.program[key[0]], key[1]), key, node

    def _added(self) -> list[Group]:
        """What each sample adds to the loss and to the gradients."""
        losses: list[Assignment] = []
        others: list[Assignment] = []
        for target, key, node in self._accumulated():
            body = map_reads(node.opened(SAMPLES)[1], lambda read: Read(read.name))
            form = reading_order(body, self._ranked)
            lines = tuple(self._text().lines(f"{_INDENT}{target} += ", form))
            kind = losses if key[0] == "C" else others
            kind.append(Assignment(target, lines, self.citations.get(_cited_as(key), 0)))
        about = "error term of the node entered * output of the node left"
        return [Group("loss", tuple(losses)), Group(about, tuple(others))]

    def _finished(self, name: str, at: tuple[int, ...] = ()) -> str:
        """The value after the loop, with the accumulators for the sums over the samples."""
        value = self.scalars[name, at].value
        target = f"+{self.names.code(self.program[name], at)}"
        value = value.xreplace({node: Read(target) for node in value.atoms(IndexSum)})
        return self._text().text(reading_order(value, self._ranked))

    def _steps(self, own: tuple[Tensor, ...]) -> dict[str, Any]:
        assignments = []
        for tensor in own:
            for at in positions(tensor):
                equation = self.scalars[f"{tensor.name}+", at]
                form = reading_order(equation.value, self._ranked)
                field = self.names.code(tensor, at)
                value = tuple(self._text().lines(f"        {field}=", form, ","))
                citation = self.citations.get((f"{tensor.name}+", at), 0)
                assignments.append(Assignment(field, value, citation))
        gradients = [
            self.names.code(self.program[f"d{tensor.name}"], at) for tensor in own for at in positions(tensor)
        ]
        return {
            "lines": [line for one in assignments for line in one.lines],
            "cited": cited(one.citation for one in assignments),
            "unpacked": unpacked(gradients, "    ", " = slopes"),
        }


def _key(tensor: Tensor) -> tuple[str, tuple[int, ...]]:
    """The tensor that an unrolled element comes from, and its position without the kept axis."""
    if tensor.origin is None or tensor.origin.kind != "element":
        return tensor.name, ()
    return tensor.origin.of, tuple(at for at in tensor.origin.at if at is not None)


def _cited_as(key: tuple[str, tuple[int, ...]]) -> tuple[str, tuple[int, ...]]:
    """The loss is cited as the one of a sample, which is the one that is derived."""
    return ("E", ()) if key[0] == "C" else key


def listed(names: list[str], start: str, end: str) -> list[str]:
    """Start names end, on one line or over several."""
    line = f"{start}{', '.join(names)}{end}"
    if len(line) <= WIDTH:
        return [line]
    blanks = " " * (len(start) - len(start.lstrip()) + 4)
    return [
        start.rstrip(),
        *wrap(f"{', '.join(names)},", WIDTH, initial_indent=blanks, subsequent_indent=blanks),
        f"{blanks[4:]}{end}",
    ]


def comma_separated(names: list[str]) -> str:
    return bracketed(names) if len(names) == 1 else ", ".join(names)


def bracketed(names: list[str]) -> str:
    return f"({names[0]},)" if len(names) == 1 else f"({', '.join(names)})"


def unpacked(names: list[str], indent: str, end: str) -> list[str]:
    """Names to be assigned from a tuple, on one line or on a line each."""
    line = f"{indent}{', '.join(names)}{',' if len(names) == 1 else ''}{end}"
    if len(names) == 1:
        line = f"{indent}({names[0]},){end}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{indent}(", *(f"{indent}    {name}," for name in names), f"{indent}){end}"]


__all__ = ["TEMPLATE", "PythonTarget"]
