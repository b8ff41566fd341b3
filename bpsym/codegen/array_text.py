"""Array expressions as NumPy source: x @ W.T + b, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), dd * x[1:] ** 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, singledispatchmethod
from keyword import kwlist
from typing import Any

from sympy import Expr, Piecewise, Symbol

from bpsym.calculus.affine import Affine, affine, nonnegative
from bpsym.calculus.arrays import (
    ArgMaxIs,
    Array,
    ArrayRead,
    Axes,
    Bounded,
    Einsum,
    Elementwise,
    Indicator,
    Masked,
    MatMul,
    Placed,
    Ramp,
    Reduced,
    Scalar,
    Slot,
    Spread,
    Transposed,
    cases,
    expanded,
    first_place,
    fits,
    slots,
)
from bpsym.calculus.domains import may_be_counted
from bpsym.calculus.equations import Program, Tensor
from bpsym.calculus.nodes import Binder, Condition, Divisible, Guard, Index, NonNegative, Read, Zero
from bpsym.codegen.expression_text import ATOM, MATMUL, ExpressionText, terminates
from bpsym.errors import ProgramError
from bpsym.notation.order import (
    Call,
    Element,
    Form,
    Number,
    Power,
    Product,
    Quotient,
    Size,
    Total,
    reading_order,
)

LIBRARY = {
    name: f"np.{name}" for name in ("exp", "log", "tanh", "sqrt", "abs", "sin", "cos", "sinh", "cosh", "sign")
} | {"max": "np.maximum", "min": "np.minimum"}  # fmt: skip


def library_call(name: str, arguments: list[str]) -> str:
    """NumPy's function of these arguments."""
    return f"{LIBRARY[name]}({', '.join(arguments)})"


_COMPARISONS = {
    "StrictGreaterThan": ">", "GreaterThan": ">=", "StrictLessThan": "<", "LessThan": "<=", "Equality": "==",
    "Unequality": "!=",
}  # fmt: skip


RESERVED = ("np", "range", "reversed", "max", *kwlist)
"""Names that mean something in the source."""

_AMONG = {"And": "&", "Or": "|"}


class _NumpyText(ExpressionText):
    """NumPy's maximum and minimum take two arguments."""

    def called(self, form: Call) -> str:
        if form.name in ("max", "min") and len(form.arguments) > 2:
            first, *rest = form.arguments
            form = Call(form.name, (first, Call(form.name, tuple(rest))))
        return super().called(form)

    def product(self, form: Product) -> str:
        """A third of it as / 3."""
        first, *rest = form.factors
        if not isinstance(first, Number) or terminates(first.value):
            return super().product(form)
        numerator = [Number(Fraction(first.value.numerator))] if first.value.numerator != 1 else []
        factors = (*numerator, *rest)
        over = Product(factors) if len(factors) > 1 else factors[0]
        return self.text(Quotient(over, Number(Fraction(first.value.denominator))))


@dataclass
class ArrayText:
    """code: a tensor's name in the source; call: the text of a function of arguments.

    While a line is written, what must stand before it is collected: `ramps`, the indices' values as arrays by their
    name, good for the whole module, and `before`, lines for this one alone, which fill what is `filled`.
    """

    program: Program
    code: Callable[[Tensor], str]
    call: Callable[[str, list[str]], str] = library_call
    ramps: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    loops: dict[str, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    filled: dict[Placed, str] = field(default_factory=dict)

    def preparation(self) -> list[str]:
        """The lines that must stand before the one that was written."""
        lines, self.before, self.filled = self.before, [], {}
        return lines

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """The names of the sizes in the program."""
        extents = [extent for tensor in self.program.tensors.values() for extent in tensor.shape]
        values = [equation.value for equation in self.program.equations]
        found = {symbol for expr in (*extents, *values) for symbol in expr.free_symbols if symbol.is_positive}
        return tuple(sorted(symbol.name for symbol in found))

    def lines(self, one: Array, start: str, end: str = "") -> tuple[str, ...]:
        """Start, the array expression, end; over as many lines as it takes."""
        form, writer = self.written(one)
        return tuple(writer.lines(start, form, end))

    def text(self, one: Array) -> str:
        """The array expression on one line."""
        form, writer = self.written(one)
        return writer.text(form)

    def written(self, one: Array) -> tuple[Form, ExpressionText]:
        """The elementwise part of the expression in reading order, and what writes its leaves."""
        leaves: dict[Any, Array] = {}
        form = reading_order(_flat(one, leaves), self.program)
        return form, _NumpyText(lambda leaf: self.leaf(leaf, leaves), self.call)

    def leaf(self, form: Any, leaves: dict[Any, Array]) -> tuple[str, int]:
        if isinstance(form, Size):
            ramp = next((array for node, array in leaves.items() if str(node) == form.name), None)
            return (self.array(ramp) if ramp else self.size(form.name)), ATOM
        array = leaves[form.read if isinstance(form, Element) else form.node]
        return self.array(array), MATMUL if isinstance(array, MatMul) else ATOM

    def operand(self, one: Array) -> str:
        """The array in brackets, unless something may stand right behind it as it is."""
        form, writer = self.written(one)
        atom = isinstance(form, (Element, Call)) or (isinstance(form, Total) and writer.leaf(form)[1] == ATOM)
        return writer.text(form) if atom else f"({writer.text(form)})"

    def factor(self, one: Array) -> str:
        """The array as one side of a matrix product."""
        form, writer = self.written(one)
        return writer.text(form) if isinstance(form, Power) else self.operand(one)

    # leaves ----------------------------------------------------------------------------------------------------

    @singledispatchmethod
    def array(self, one: Any) -> str:
        """The text of an array that is no elementwise expression."""
        raise TypeError(type(one))

    @array.register
    def _(self, one: ArrayRead) -> str:
        tensor = self.program[one.name]
        entries = self.entries(one.at, one.axes, tensor)
        return self.picked(tensor, entries)

    @array.register
    def _(self, one: Ramp) -> str:
        return self.ramp(one.axes[0])

    @array.register
    def _(self, one: Transposed) -> str:
        if len(one.axes) == 2:
            return f"{self.operand(one.array)}.T"
        order = tuple(one.array.axes.index(axis) for axis in one.axes)
        return f"{self.operand(one.array)}.transpose{order}"

    @array.register
    def _(self, one: Spread) -> str:
        inner = one.array
        if isinstance(inner, Reduced) and _keeps(inner, one.axes):
            return self.reduced(inner, ", keepdims=True")
        entries = [":"] * len(inner.axes)
        if isinstance(inner, ArrayRead) and slots(inner.at, inner.axes) is not None:
            return self.spread_read(inner, one.axes)
        marks = ", ".join(entries.pop() if axis in inner.axes else "None" for axis in one.axes)
        return f"{self.operand(inner)}[{marks}]"

    def spread_read(self, one: ArrayRead, axes: Axes) -> str:
        """Slices and new axes in one pair of brackets."""
        tensor = self.program[one.name]
        if not fits(one.at, tensor.shape):
            marks = ", ".join(":" if axis in one.axes else "None" for axis in axes)
            return f"{self.array(one)}[{marks}]"
        places = slots(one.at, one.axes) or ()
        rest = list(zip(places, tensor.shape, strict=True))
        entries: list[str] = []
        for axis in axes:
            if axis not in one.axes:
                entries.append("None")
                continue
            while rest[0][0].index is None:
                entries.append(self.slot(*rest.pop(0)))
            entries.append(self.slot(*rest.pop(0)))
        return f"{self.code(tensor)}[{', '.join([*entries, *(self.slot(*one) for one in rest)])}]"

    @array.register
    def _(self, one: MatMul) -> str:
        return f"{self.factor(one.left)} @ {self.factor(one.right)}"

    @array.register
    def _(self, one: Einsum) -> str:
        return f'np.einsum("{one.subscripts}", {", ".join(map(self.text, one.arrays))})'

    @array.register
    def _(self, one: Reduced) -> str:
        return self.reduced(one)

    def reduced(self, one: Reduced, more: str = "") -> str:
        places = sorted(one.array.axes.index(index) for index in one.indices)
        inside = self.operand(one.array)
        if len(places) == len(one.array.axes) and not more:
            return f"{inside}.{one.reduction}()"
        return f"{inside}.{one.reduction}(axis={places[0] if len(places) == 1 else tuple(places)}{more})"

    @array.register
    def _(self, one: ArgMaxIs) -> str:
        position = f"{self.operand(one.array)}.argmax(axis={one.array.axes.index(one.index)})"
        marks = ", ".join(":" if axis in one.array.axes else "None" for axis in one.axes)
        at = self.grid(affine(one.at) - affine(first_place(one)), one.axes)
        spread = f"[{marks}]" if not marks.startswith("None") and "None" in marks else ""
        return f"np.where({position}{spread} == {at}, 1.0, 0.0)"

    @array.register
    def _(self, one: Bounded) -> str:
        return f"np.where({self.truth(one.conditions, one.array.axes)}, {self.text(one.array)}, -np.inf)"

    @array.register
    def _(self, one: Elementwise) -> str:
        """Cases: np.where(z > 0, z, 0.01 * z)."""
        *pairs, (last, _) = zip(one.arguments[::2], one.arguments[1::2], strict=True)
        text = self.text(last)
        for value, test in reversed(pairs):
            text = f"np.where({self.comparison(test)}, {self.text(value)}, {text})"
        return text

    def comparison(self, one: Any) -> str:
        """A test: z > 0, or (z > 0) & (z < 1)."""
        name, parts = _comparison(one)
        if name in _AMONG:
            return f" {_AMONG[name]} ".join(f"({self.comparison(part)})" for part in parts)
        left, right = map(self.plain, parts)
        return f"{left} {_COMPARISONS[name]} {right}"

    def plain(self, one: Array) -> str:
        """The text; a whole number without its point."""
        return str(one.value) if isinstance(one, Scalar) and one.value.is_Integer else self.text(one)

    @array.register
    def _(self, one: Masked) -> str:
        band = _band(one.conditions, one.axes)
        if band is not None:
            name, diagonal = band
            return f"np.{name}({self.text(one.array)}{f', {diagonal}' if diagonal else ''})"
        return f"np.where({self.truth(one.conditions, one.axes)}, {self.text(one.array)}, 0.0)"

    @array.register
    def _(self, one: Indicator) -> str:
        band = _band(one.conditions, one.axes)
        if band is None or len(one.axes) != 2:
            return f"np.where({self.truth(one.conditions, one.axes)}, 1.0, 0.0)"
        name, diagonal = band
        rows, columns = (self.whole(axis.upper - axis.lower + 1) for axis in one.axes)
        return _tri(rows, columns, diagonal) if name == "tril" else f"{_tri(columns, rows, -diagonal)}.T"

    @array.register
    def _(self, one: Placed) -> str:
        """Zeros of their own, filled on lines before."""
        if one in self.filled:
            return self.filled[one]
        name = self.filled[one] = self.free("part")
        self.parts.append(name)
        shape = tuple(axis.upper - axis.lower + 1 for axis in one.axes)
        at = tuple(place - axis.lower for place, axis in zip(one.at, one.axes, strict=True))
        entries = self.places(at, one.inner, shape)
        value = self.lines(one.array, f"{name}[{', '.join(entries)}] = ")
        self.before += [f"{name} = {self.zeros(shape)}", *value]
        return name

    # places ------------------------------------------------------------------------------------------------------

    def picked(self, tensor: Tensor, entries: list[str]) -> str:
        while entries and entries[-1] == ":":
            entries.pop()
        return f"{self.code(tensor)}[{', '.join(entries)}]" if entries else self.code(tensor)

    def entries(self, at: tuple[Expr, ...], axes: Axes, tensor: Tensor) -> list[str]:
        return self.places(at, axes, tensor.shape)

    def places(self, at: tuple[Expr, ...], axes: Axes, shape: tuple[Expr, ...]) -> list[str]:
        """What stands in brackets behind a tensor of this shape for the elements [at]."""
        found = slots(at, axes)
        if found is not None and fits(at, shape):
            return [self.slot(one, extent) for one, extent in zip(found, shape, strict=True)]
        return [self.clipped(place, axes, extent) for place, extent in zip(at, shape, strict=True)]

    def slot(self, one: Slot, extent: Expr) -> str:
        """3, :, 1:, :-1, 1:6:2, ::-1"""
        if one.index is None:
            return self.whole(one.start)
        step, first, last = one.step, one.start, one.last
        if step < 0:
            stop = "" if last == 0 else self.whole(last - 1)
            start = "" if first == extent - 1 else self.whole(first)
            return f"{start}:{stop}:{step}"
        start = "" if first == 0 else self.whole(first)
        over = affine(last) + Affine(step, {}) - affine(extent)
        stop = "-1" if last == extent - 2 and step == 1 else self.whole(last + 1)
        stop = "" if nonnegative(over, {}) else stop
        if not may_be_counted(one.index):
            stop = f"max(0, {self.whole(last + 1)})"
        return f"{start}:{stop}" + (f":{step}" if step > 1 else "")

    def clipped(self, place: Expr, axes: Axes, extent: Expr) -> str:
        text = self.grid(affine(place), axes)
        return text if fits((place,), (extent,)) else f"np.clip({text}, 0, {self.whole(extent - 1)})"

    def grid(self, value: Affine, axes: Axes) -> str:
        """2 * i[:, None] + k - 1, the values of an index expression along these axes."""
        whole, divisor = value.whole(), value.denominator
        terms = [(int(c), self.along(symbol, axes)) for symbol, c in whole.terms.items()]
        terms.sort(key=lambda term: term[0] < 0)
        parts = [(c, text if abs(c) == 1 else f"{abs(c)} * {text}") for c, text in terms]
        parts += [(int(whole.constant), str(abs(int(whole.constant))))] if whole.constant or not parts else []
        first, *rest = parts
        text = ("-" if first[0] < 0 else "") + first[1]
        text += "".join(f" {'-' if c < 0 else '+'} {part}" for c, part in rest)
        if divisor == 1:
            return text
        return f"({text}) // {divisor}" if len(parts) > 1 else f"{text} // {divisor}"

    def along(self, symbol: Any, axes: Axes) -> str:
        if symbol not in axes:
            return self.name(symbol)
        behind = len(axes) - 1 - axes.index(symbol)
        return self.ramp(symbol) + (f"[:{', None' * behind}]" if behind else "")

    def ramp(self, index: Any) -> str:
        """The values of an index as an array: by name where they are the same everywhere."""
        lower, stop = self.whole(index.lower), self.whole(index.upper + 1)
        text = f"np.arange({stop})" if lower == "0" else f"np.arange({lower}, {stop})"
        if any(isinstance(one, Index) for one in (index.lower + index.upper).free_symbols):
            return text
        own = self.own_name(index)
        for name, known in self.ramps.items():
            if (name.rstrip("0123456789"), known) == (own, text):
                return name
        name = self.free(own)
        self.ramps[name] = text
        return name

    def truth(self, conditions: tuple[Condition, ...], axes: Axes) -> str:
        tests = [_TESTS[type(one)](self, one, axes) for one in conditions]
        return tests[0] if len(tests) == 1 else " & ".join(f"({test})" for test in tests)

    def at_least(self, one: Condition, axes: Axes) -> str:
        """As i + k >= 1, without a minus."""
        value = affine(one.args[0]).whole()
        left = Affine(max(value.constant, 0), {s: c for s, c in value.terms.items() if c > 0})
        right = left - value
        if not left.terms:
            return f"{self.grid(right, axes)} <= {self.grid(left, axes)}"
        return f"{self.grid(left, axes)} >= {self.grid(right, axes)}"

    def equals(self, one: Condition, axes: Axes) -> str:
        return f"{self.grid(affine(one.args[0]).whole(), axes)} == 0"

    def divides(self, one: Condition, axes: Axes) -> str:
        return f"({self.grid(affine(one.args[0]), axes)}) % {one.args[1]} == 0"

    # names and numbers -------------------------------------------------------------------------------------------

    def whole(self, expr: Expr) -> str:
        """An index expression or a size."""
        return self.grid(affine(expr), ())

    def zeros(self, shape: tuple[Expr, ...]) -> str:
        return f"np.zeros({self.shape(shape)})"

    def shape(self, extents: tuple[Expr, ...]) -> str:
        sizes = [self.whole(extent) for extent in extents]
        return sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"

    def size(self, name: str) -> str:
        """A size, or the index of a loop."""
        return self.loops.get(name, name)

    def name(self, symbol: Any) -> str:
        return self.size(symbol.name)

    def loop(self, index: Index) -> str:
        """What the index of a loop is called: its own name where nothing else has it."""
        if index.name not in self.loops:
            self.loops[index.name] = self.free(self.own_name(index))
        return self.loops[index.name]

    def own_name(self, index: Any) -> str:
        """The index's name, as far as it is one in Python; ProgramError where a size has it too."""
        name: str = index.name.partition(":")[0]
        if name in self.sizes:
            raise ProgramError(f"the index {name} has the name of the size {name} (give it another one)")
        return name if name.isidentifier() else "k"

    def free(self, wanted: str) -> str:
        """The name, with a number behind it where it is taken."""
        taken = {self.code(tensor) for tensor in self.program.tensors.values()}
        taken |= {*RESERVED, *self.sizes, *self.ramps, *self.loops.values(), *self.parts}
        return next(name for name in _numbered(wanted) if name not in taken)


_TESTS: dict[type, Callable[[ArrayText, Condition, Axes], str]] = {
    NonNegative: ArrayText.at_least,
    Zero: ArrayText.equals,
    Divisible: ArrayText.divides,
}


def _comparison(one: Any) -> tuple[str, tuple[Array, ...]]:
    """The comparison's name in SymPy, and its sides; between sizes and loop indices it is a scalar as a whole."""
    if isinstance(one, Scalar):
        return type(one.value).__name__, tuple(map(Scalar, one.value.args))
    return one.function.__name__, one.arguments


def _tri(rows: str, columns: str, diagonal: int) -> str:
    if not diagonal:
        return f"np.tri({rows})" if rows == columns else f"np.tri({rows}, {columns})"
    return f"np.tri({rows}, {columns}, {diagonal})"


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}{number}"
        number += 1


def _flat(one: Array, leaves: dict[Any, Array]) -> Any:
    """The elementwise part as one scalar expression, in which a node stands for each leaf."""
    if isinstance(one, Scalar):
        return one.value
    if isinstance(one, Elementwise) and one.function is not cases:
        return one.function(*(_flat(argument, leaves) for argument in one.arguments))
    node = expanded(one)
    if not isinstance(node, (Read, Binder, Guard, Piecewise, Symbol)):
        node = Read(f"'{len(leaves)}")  # a transposed expression, an operand by itself
    leaves[node] = one
    return node


def _keeps(one: Reduced, axes: Axes) -> bool:
    """Whether the reduced axes are where the new ones are wanted."""
    kept = [axis in one.axes for axis in one.array.axes]
    return kept == [axis in one.axes for axis in axes]


def _band(conditions: tuple[Condition, ...], axes: Axes) -> tuple[str, int] | None:
    """One condition that leaves a triangle of the last two axes: NumPy's name for it, and the diagonal."""
    if len(conditions) != 1 or not isinstance(conditions[0], NonNegative) or len(axes) < 2:
        return None
    value, (row, column) = affine(conditions[0].args[0]), axes[-2:]
    signs = (value.coefficient(row), value.coefficient(column))
    if set(value.terms) != {row, column} or signs not in ((1, -1), (-1, 1)):
        return None
    start = value.put(row, affine(row.lower)).put(column, affine(column.lower))
    if start.terms:
        return None
    return ("tril", int(start.constant)) if signs == (1, -1) else ("triu", -int(start.constant))


__all__ = ["LIBRARY", "RESERVED", "ArrayText"]
