"""Lines of plain Python for a Program: one for each element, and sums over the samples as loops that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from textwrap import wrap
from typing import Any

from bpsym.calculus.equations import Program, Tensor, reads
from bpsym.calculus.nodes import IndexSum, Read, outermost
from bpsym.codegen.assignments import Assignment, Citations, Group, Key
from bpsym.codegen.expression_text import ATOM, WIDTH, ExpressionText
from bpsym.codegen.functions import Functions
from bpsym.codegen.network_text import positions, trained
from bpsym.codegen.stamping import Place, Stamp, Stamps
from bpsym.network import roles
from bpsym.network.forward import SAMPLES
from bpsym.notation.names import At, Names
from bpsym.notation.order import Form, Size, reading_order

INDENT = " " * 4
INNER = " " * 8


def _leaf(form: Any) -> tuple[str, int]:
    return (form.name if isinstance(form, Size) else "w"), ATOM


@dataclass(frozen=True)
class PythonText:
    """program: a step of training, the samples' axis kept; functions: what its lines call."""

    program: Program
    names: Names
    citations: Citations
    functions: Functions
    known: dict[tuple[str, At], str] = field(default_factory=dict)

    @cached_property
    def text(self) -> ExpressionText:
        return ExpressionText(_leaf, self.functions.called)

    @cached_property
    def whole_text(self) -> ExpressionText:
        """The same, with whole numbers as such."""
        return ExpressionText(_leaf, self.functions.called, whole=True)

    # names -----------------------------------------------------------------------------------------------------

    @cached_property
    def extended(self) -> Program:
        """The program, with each sum over the samples as an input, such as +dW1."""
        sums = tuple(replace(self.program[name], name=f"+{name}") for name in self.summed())
        return Program((*self.program.inputs, *sums), self.program.equations)

    @cached_property
    def stamps(self) -> Stamps:
        return Stamps(self.extended, self.element, self.whole_sum)

    def element(self, tensor: str, at: At) -> str:
        """The code name of a tensor's element."""
        if (tensor, at) not in self.known:
            self.known[tensor, at] = self.names.code(self.extended[tensor], at)
        return self.known[tensor, at]

    def elements(self, tensor: str) -> list[str]:
        """The code names of a tensor's elements, row by row."""
        return [self.element(tensor, at) for at in positions(self.program[tensor])]

    def kind(self, kind: str) -> list[str]:
        """The code names of the elements of the input of this kind."""
        (tensor,) = (one for one in self.program.inputs if one.role.kind == kind)
        return self.elements(tensor.name)

    # lines -----------------------------------------------------------------------------------------------------

    def of(self, name: str, indent: str = INNER) -> tuple[Assignment, ...]:
        """Target = value, for each element of the tensor."""
        equation = self.program.equation(name)
        stamp = self.stamps.of(equation.value)
        return self.lines(equation.tensor, stamp, lambda target: f"{indent}{target} = ")

    def lines(
        self,
        tensor: Tensor,
        stamp: Stamp,
        start: Callable[[str], str],
        end: str = "",
        text: ExpressionText | None = None,
    ) -> tuple[Assignment, ...]:
        """The line start(target) value end, for each element of the tensor."""
        found = []
        for at, place in places(tensor):
            target = self.element(tensor.name, at)
            lines = (text or self.text).lines(start(target), stamp(place), end)
            found.append(Assignment(target, tuple(lines), self.cited((tensor.name, at))))
        return tuple(found)

    def cited(self, key: Key) -> int:
        """The number of the element's equation; the loss is cited as the one of a sample, which is derived."""
        return self.citations.get(("E", ()) if key[0] == "C" else key, 0)

    # sums over the samples -------------------------------------------------------------------------------------

    def summed(self) -> list[str]:
        """The tensors whose equation has a sum over the samples: the loss, and derivatives by parameters."""
        return [one.tensor.name for one in self.program.equations if self.sum_of(one.tensor.name) is not None]

    def sum_of(self, name: str) -> IndexSum | None:
        """The sum over the samples in the tensor's equation."""
        value = self.program.equation(name).value
        return next((one for one in outermost(value, (IndexSum,)) if not one.upper.is_Integer), None)

    def additions(self, names: list[str]) -> tuple[Assignment, ...]:
        """What a sample adds to each element of these tensors."""
        found: list[Assignment] = []
        for name in names:
            total = self.sum_of(name)
            if total is not None:
                stamp = self.stamps.of(total.opened(SAMPLES)[1])
                found += self.lines(self.program[name], stamp, lambda target: f"{INNER}{target} += ")
        return tuple(found)

    def finished(self, name: str) -> list[str]:
        """Each element's value when all samples have been added."""
        return [self.text.text(form) for form in self._finished(name)]

    def _finished(self, name: str) -> list[Form]:
        equation = self.program.equation(name)
        total, value = self.sum_of(name), equation.value
        if total is not None:
            value = value.xreplace({total: Read(f"+{name}", *equation.tensor.indices)})
        stamp = self.stamps.of(value)
        return [stamp(place) for _, place in places(equation.tensor)]

    def finished_loss(self) -> tuple[list[str], str]:
        """The loss when all samples have been added, and before it the lines that add what is no sample's."""
        (form,) = self._finished("C")
        others = [
            one for one in outermost(self.program.equation("C").value, (IndexSum,)) if one.upper.is_Integer
        ]
        loss = self.element("C", ())
        if not others:
            return [], self.text.text(form)
        return ["    # the loss of all samples", *self.text.lines(f"    {loss} = ", form)], loss

    # sums over a whole parameter -------------------------------------------------------------------------------

    def whole_sum(self, node: IndexSum) -> str:
        """A sum over all elements of one parameter, as one over its part of `parameters`; "" where it is none."""
        indices: list[Any] = []
        body: Any = node
        while isinstance(body, IndexSum):
            index, body = body.opened(f"'{body.height}")
            indices.append(index)
        found = tuple(dict.fromkeys(reads(body)))
        if len(found) != 1 or found[0].at != tuple(indices):
            return ""
        tensor = self.program[found[0].name]
        if tensor.role.kind not in (roles.WEIGHTS, roles.BIASES):
            return ""
        text = self.text.text(reading_order(body.xreplace({found[0]: Read("w")}), self.program))
        return f"sum({text} for w in {self.parts('parameters', [tensor.name])})"

    def parts(self, flat: str, names: list[str]) -> str:
        """Where these tensors stand in a tuple of all parameters: slopes, or slopes[:4] + slopes[6:8]."""
        runs: list[list[int]] = []
        place = 0
        for tensor in trained(self.program):
            first, place = place, place + len(self.elements(tensor.name))
            if tensor.name in names and runs and runs[-1][1] == first:
                runs[-1][1] = place
            elif tensor.name in names:
                runs.append([first, place])
        return " + ".join(_slice(flat, first, last, place) for first, last in runs) or "()"


def _slice(flat: str, first: int, last: int, size: int) -> str:
    if (first, last) == (0, size):
        return flat
    return f"{flat}[{first or ''}:{last if last < size else ''}]"


def places(tensor: Tensor) -> Iterator[tuple[tuple[int, ...], Place]]:
    """Each element's position, and the values of the tensor's indices there."""
    own = [index for index in tensor.indices if index.name != SAMPLES]
    for at in positions(tensor):
        yield at, dict(zip(own, at, strict=True))


# Layout --------------------------------------------------------------------------------------------------------------


def headed(group: Group, indent: str) -> list[str]:
    """The group's lines under its comment."""
    return [f"{indent}# {group.comment}  {group.cited}".rstrip(), *group.lines]


def loop(rows: list[list[str]], wholes: tuple[str, ...], sources: tuple[str, ...]) -> list[str]:
    """The head of a loop over samples; the rows are taken apart below it where they are long."""
    parts = [bracketed(one) for one in rows] if len(rows) > 1 else [comma_separated(rows[0])]
    source = f"zip({', '.join(sources)})" if len(sources) > 1 else sources[0]
    line = f"    for {', '.join(parts)} in {source}:"
    if len(line) <= WIDTH:
        return [line]
    below = [
        line for one, name in zip(rows, wholes, strict=True) for line in unpacked(one, INNER, f" = {name}")
    ]
    return [f"    for {', '.join(wholes)} in {source}:", *below]


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


def called(start: str, names: list[str], end: str) -> list[str]:
    """Start names end, on one line or on a line each."""
    line = f"{start}{', '.join(names)}{end}"
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(start) - len(start.lstrip()))
    return [start, *(f"{indent}    {name}," for name in names), f"{indent}{end}"]


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
