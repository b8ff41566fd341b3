"""Numbers for a program in double precision, whole arrays at a time, in the order of its schedule."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import reduce, singledispatchmethod
from math import prod
from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer, Symbol

from bpsym.calculus.affine import Affine, affine
from bpsym.calculus.arrays import (
    ArgMaxIs,
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
    first_place,
    fits,
    slots,
)
from bpsym.calculus.contraction import element_by_element, proved
from bpsym.calculus.equations import Equation, Program
from bpsym.calculus.nodes import Condition, Divisible, Index, NonNegative, Zero
from bpsym.calculus.rewrites import needed
from bpsym.calculus.schedule import Loop, Once, Step, schedule
from bpsym.errors import ProgramError

if TYPE_CHECKING:
    import numpy as np

Loops = dict[Symbol, int]
"""The loop indices' values."""
Compute = Callable[[Loops], Any]
"""What computes an array, an index or a number."""


def evaluate_arrays(
    program: Program,
    inputs: Mapping[str, Any],
    *,
    sizes: Mapping[str, int] | None = None,
    only: Iterable[str] | None = None,
) -> dict[str, np.ndarray]:
    """All tensors, or those that the tensors `only` need.

    inputs: name -> array, nested rows, or a dict element -> number; sizes: the number for each size symbol, by name.
    """
    return ArrayEvaluator(needed(program, only) if only is not None else program, sizes).run(inputs)


class ArrayEvaluator:
    """A program made ready to be run many times: each equation is compiled once, to operations on whole arrays."""

    def __init__(self, program: Program, sizes: Mapping[str, int] | None = None) -> None:
        import numpy

        self.np = numpy
        self.program = program
        self.sizes = dict(sizes or {})
        self.arrays: dict[str, Any] = {}
        self.functions = _functions(numpy)
        self.shapes = {name: self.shape(tensor.shape) for name, tensor in program.tensors.items()}
        self.steps = [self.step(one, ()) for one in schedule(program)]

    def run(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """All tensors; see `evaluate_arrays`."""
        self.arrays = {one.name: self.given(one.name, inputs) for one in self.program.inputs}
        targets = (name for name in self.shapes if name not in self.arrays)
        self.arrays |= {name: self.np.zeros(self.shapes[name]) for name in targets}
        with self.np.errstate(all="ignore"):
            for step in self.steps:
                step({})
        return self.arrays

    def given(self, name: str, inputs: Mapping[str, Any]) -> Any:
        if name not in inputs:
            raise ProgramError(f"{name} has no value: it is no input that was given")
        rows, shape = inputs[name], self.shapes[name]
        if isinstance(rows, Mapping):
            found = self.np.zeros(shape)
            for at, value in rows.items():
                found[at] = float(value)
            return found
        found = self.np.asarray(rows, dtype=float)
        if found.shape != shape:
            raise ProgramError(f"{name} has shape {found.shape}, but the program takes {shape}")
        return found

    # steps -----------------------------------------------------------------------------------------------------

    def step(self, one: Step, fixed: Axes) -> Callable[[Loops], None]:
        return self.once(one.equation, fixed) if isinstance(one, Once) else self.loop(one, fixed)

    def once(self, equation: Equation, fixed: Axes) -> Callable[[Loops], None]:
        found = proved(equation, fixed)
        if found is None:
            return self.loop(element_by_element(equation, fixed), fixed)
        compute = self.array(found)
        axes = tuple(index for index in equation.indices if index not in fixed)
        place = self.places(equation.at, axes, self.program[equation.tensor.name].shape)

        def assign(loops: Loops) -> None:
            self.arrays[equation.tensor.name][place(loops)] = compute(loops)

        return assign

    def loop(self, one: Loop, fixed: Axes) -> Callable[[Loops], None]:
        steps = [self.step(inner, (*fixed, one.index)) for inner in one.steps]
        lower, upper = self.whole(one.index.lower), self.whole(one.index.upper)

        def run(loops: Loops) -> None:
            values = range(lower(loops), upper(loops) + 1)
            for value in reversed(values) if one.backwards else values:
                for step in steps:
                    step({**loops, one.index: value})

        return run

    # whole numbers -----------------------------------------------------------------------------------------------

    def whole(self, expr: Expr) -> Compute:
        """An index expression as a function of the loop indices; a fraction is rounded down."""
        value, divisor = affine(expr).whole(), affine(expr).denominator
        constant, known = int(value.constant), []
        for symbol, coefficient in value.terms.items():
            if self.is_size(symbol):
                constant += int(coefficient) * self.extent(symbol)
            else:
                known.append((symbol, int(coefficient)))
        if not known:
            number = constant // divisor
            return lambda _: number
        return lambda loops: (constant + sum(c * loops[symbol] for symbol, c in known)) // divisor

    def is_size(self, symbol: Any) -> bool:
        """Whether it is a size, or a product of sizes."""
        return not isinstance(symbol, Index) and bool(symbol.is_positive)

    def extent(self, symbol: Any) -> int:
        """The number for a size, or for a product of sizes."""
        factors = symbol.name.split("*")
        missing = [name for name in factors if name not in self.sizes]
        if missing:
            raise ProgramError(f"the size {missing[0]} has no number (give sizes={{{missing[0]!r}: ...}})")
        return prod(self.sizes[name] for name in factors)

    def shape(self, extents: tuple[Expr, ...]) -> tuple[int, ...]:
        return tuple(self.whole(extent)({}) for extent in extents)

    def grid(self, expr: Expr, axes: Axes) -> Compute:
        """The index expression's values along these axes."""
        value, divisor = affine(expr).whole(), affine(expr).denominator
        ramps = [(self.ramp(s, axes), int(c)) for s, c in value.terms.items() if s in axes]
        others = Affine(value.constant, {s: c for s, c in value.terms.items() if s not in axes})
        rest = self.whole(others.expr())
        return lambda loops: (sum(ramp(loops) * c for ramp, c in ramps) + rest(loops)) // divisor

    def ramp(self, index: Any, axes: Axes) -> Compute:
        lower, upper = self.whole(index.lower), self.whole(index.upper)
        shape = [1] * len(axes)
        shape[axes.index(index)] = -1
        return lambda loops: self.np.arange(lower(loops), upper(loops) + 1).reshape(shape)

    def places(self, at: tuple[Expr, ...], axes: Axes, shape: tuple[Expr, ...]) -> Compute:
        """What to put in brackets behind a tensor of this shape for the elements [at]."""
        found = slots(at, axes)
        if found is not None and fits(at, shape):
            parts = [self.slot(one) for one in found]
        else:
            parts = [self.picked(place, axes, extent) for place, extent in zip(at, shape, strict=True)]
        return self.once_for_all(lambda loops: tuple(part(loops) for part in parts), at, axes)

    def once_for_all(self, compute: Compute, exprs: Iterable[Any], axes: Axes) -> Compute:
        """Computed now, where no loop index has a part in it."""
        bounds = [bound for axis in axes for bound in (axis.lower, axis.upper)]
        symbols = {symbol for expr in (*exprs, *bounds) for symbol in expr.free_symbols}
        if any(symbol not in axes and not self.is_size(symbol) for symbol in symbols):
            return compute
        value = compute({})
        return lambda _: value

    def slot(self, one: Slot) -> Compute:
        start, last = self.whole(one.start), self.whole(one.last)
        if one.index is None:
            return start
        step = one.step
        if step > 0:
            return lambda loops: slice(start(loops), max(0, last(loops) + 1), step)
        return lambda loops: slice(start(loops), last(loops) - 1 if last(loops) else None, step)

    def picked(self, place: Expr, axes: Axes, extent: Expr) -> Compute:
        grid, count = self.grid(place, axes), self.whole(extent)
        return lambda loops: self.np.clip(grid(loops), 0, count(loops) - 1)

    def truth(self, conditions: tuple[Condition, ...], axes: Axes) -> Compute:
        tests = [self.test(one, axes) for one in conditions]
        compute = lambda loops: reduce(operator.and_, (test(loops) for test in tests))  # noqa: E731
        return self.once_for_all(compute, conditions, axes)

    def test(self, one: Condition, axes: Axes) -> Compute:
        value = affine(one.args[0])
        value = value if isinstance(one, Divisible) else value.whole()
        grid, holds = self.grid(value.expr(), axes), _HOLDS[type(one)]
        return lambda loops: holds(grid(loops), one)

    # arrays ------------------------------------------------------------------------------------------------------

    @singledispatchmethod
    def array(self, one: Any) -> Compute:
        """What computes the array."""
        raise TypeError(type(one))

    @array.register
    def _(self, one: ArrayRead) -> Compute:
        place, name = self.places(one.at, one.axes, self.program[one.name].shape), one.name
        return lambda loops: self.arrays[name][place(loops)]

    @array.register
    def _(self, one: Scalar) -> Compute:
        known = [symbol for symbol in one.value.free_symbols if self.is_size(symbol)]
        value = one.value.xreplace({symbol: Integer(self.extent(symbol)) for symbol in known})
        if not value.free_symbols:
            number = _number(value)
            return lambda _: number
        return lambda loops: _number(
            value.xreplace({symbol: Integer(number) for symbol, number in loops.items()})
        )

    @array.register
    def _(self, one: Ramp) -> Compute:
        return self.once_for_all(self.ramp(one.axes[0], one.axes), (), one.axes)

    @array.register
    def _(self, one: Transposed) -> Compute:
        inner, order = self.array(one.array), [one.array.axes.index(axis) for axis in one.axes]
        return lambda loops: self.np.transpose(inner(loops), order)

    @array.register
    def _(self, one: Spread) -> Compute:
        inner = self.array(one.array)
        at = tuple(slice(None) if axis in one.array.axes else None for axis in one.axes)
        return lambda loops: inner(loops)[at]

    @array.register
    def _(self, one: MatMul) -> Compute:
        left, right = self.array(one.left), self.array(one.right)
        return lambda loops: left(loops) @ right(loops)

    @array.register
    def _(self, one: Einsum) -> Compute:
        arrays, subscripts = [self.array(part) for part in one.arrays], one.subscripts
        return lambda loops: self.np.einsum(subscripts, *(part(loops) for part in arrays))

    @array.register
    def _(self, one: Reduced) -> Compute:
        inner, axes = self.array(one.array), tuple(one.array.axes.index(index) for index in one.indices)
        function = getattr(self.np, one.reduction)
        return lambda loops: function(inner(loops), axis=axes)

    @array.register
    def _(self, one: ArgMaxIs) -> Compute:
        inner, axis = self.array(one.array), one.array.axes.index(one.index)
        lower = self.whole(first_place(one))
        spread = tuple(slice(None) if axis in one.array.axes else None for axis in one.axes)
        at = self.grid(one.at, one.axes)

        def found(loops: Loops) -> Any:
            greatest = self.np.asarray(inner(loops).argmax(axis=axis))[spread] + lower(loops)
            return self.np.where(greatest == at(loops), 1.0, 0.0)

        return found

    @array.register
    def _(self, one: Bounded) -> Compute:
        inner, truth = self.array(one.array), self.truth(one.conditions, one.array.axes)
        return lambda loops: self.np.where(truth(loops), inner(loops), -self.np.inf)

    @array.register
    def _(self, one: Elementwise) -> Compute:
        function = self.functions[one.function.__name__]
        arguments = [self.array(part) for part in one.arguments]
        return lambda loops: function(*(part(loops) for part in arguments))

    @array.register
    def _(self, one: Masked) -> Compute:
        inner, truth = self.array(one.array), self.truth(one.conditions, one.axes)
        return lambda loops: self.np.where(truth(loops), inner(loops), 0.0)

    @array.register
    def _(self, one: Indicator) -> Compute:
        truth = self.truth(one.conditions, one.axes)
        return lambda loops: self.np.where(truth(loops), 1.0, 0.0)

    @array.register
    def _(self, one: Placed) -> Compute:
        inner = self.array(one.array)
        extents = tuple(axis.upper - axis.lower + 1 for axis in one.axes)
        at = tuple(place - axis.lower for place, axis in zip(one.at, one.axes, strict=True))
        place = self.places(at, one.inner, extents)
        shape = [self.whole(extent) for extent in extents]

        def placed(loops: Loops) -> Any:
            whole = self.np.zeros([extent(loops) for extent in shape])
            whole[place(loops)] = inner(loops)
            return whole

        return placed


def _number(value: Any) -> float | bool:
    return bool(value) if value.is_Boolean else float(value)


_HOLDS: dict[type, Callable[[Any, Any], Any]] = {
    NonNegative: lambda values, _: values >= 0,
    Zero: lambda values, _: values == 0,
    Divisible: lambda values, one: values % int(one.args[1]) == 0,
}


def _functions(np: Any) -> dict[str, Callable[..., Any]]:
    """NumPy's function for each of SymPy's, by its name."""
    from math import erf, erfc

    plain = ("exp", "log", "tanh", "sin", "cos", "sinh", "cosh", "sqrt", "sign")
    return {name: getattr(np, name) for name in plain} | {
        "Add": lambda *terms: reduce(operator.add, terms),
        "Mul": lambda *factors: reduce(operator.mul, factors),
        "Pow": operator.pow,
        "Abs": np.abs,
        "Max": lambda *values: reduce(np.maximum, values),
        "Min": lambda *values: reduce(np.minimum, values),
        "erf": np.vectorize(erf, otypes=[float]),
        "erfc": np.vectorize(erfc, otypes=[float]),
        "And": lambda *tests: reduce(operator.and_, tests),
        "Or": lambda *tests: reduce(operator.or_, tests),
        "StrictGreaterThan": operator.gt,
        "GreaterThan": operator.ge,
        "StrictLessThan": operator.lt,
        "LessThan": operator.le,
        "Equality": operator.eq,
        "Unequality": operator.ne,
        "cases": lambda *parts: _chosen(np, parts),
    }


def _chosen(np: Any, parts: tuple[Any, ...]) -> Any:
    """value, test, value, test, ...: the first value whose test holds."""
    found = np.nan
    for value, test in reversed(list(zip(parts[::2], parts[1::2], strict=True))):
        found = np.where(test, value, found)
    return found


__all__ = ["ArrayEvaluator", "evaluate_arrays"]
