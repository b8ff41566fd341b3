"""NumPy source for any program: a line for each equation, in an order that can be run, loops for recurrences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sympy import Add, Expr, S

from bpsym.calculus.arrays import Array, Axes, Einsum, Elementwise, MatMul, Placed, Reduced, Scalar, spanned
from bpsym.calculus.contraction import element_by_element, proved
from bpsym.calculus.equations import Equation, Program, Tensor
from bpsym.calculus.schedule import Loop, Once, Step, schedule
from bpsym.codegen.array_text import RESERVED, ArrayText
from bpsym.errors import ProgramError

_INDENT = "    "


def numpy_lines(program: Program, code: Callable[[Tensor], str] | None = None) -> tuple[str, ...]:
    """The program as NumPy source, from its inputs under their names to all its tensors.

    code: a tensor's name in the source; its own name if not given. ProgramError where that can be no name there.
    """
    written = _Source(program, ArrayText(program, code or (lambda tensor: tensor.name)))
    _check_names(written.text)
    body = tuple(line for step in schedule(program) for line in written.top(step))
    return (*(f"{name} = {text}" for name, text in written.text.ramps.items()), *body)


def _check_names(text: ArrayText) -> None:
    """ProgramError where a tensor or a size has a name that means something else in the source, or two have one."""
    owners: dict[str, str] = dict.fromkeys(RESERVED, "Python or NumPy")
    named = [(name, f"the size {name}") for name in text.sizes]
    named += [(text.code(tensor), f"the tensor {tensor.name}") for tensor in text.program.tensors.values()]
    for name, owner in named:
        if not name.isidentifier() or name in owners:
            why = f"is that of {owners[name]}" if name in owners else "is no name in Python"
            raise ProgramError(
                f"{owner}: the name {name} {why} (give it another one, or one in the source: code=...)"
            )
        owners[name] = owner


@dataclass
class _Source:
    program: Program
    text: ArrayText
    made: set[str] = field(default_factory=set)
    """Tensors that have their zeros already."""
    arrays: dict[tuple[Equation, Axes], Array | None] = field(default_factory=dict)

    def top(self, step: Step) -> Iterator[str]:
        """The step, after zeros for the tensors that it fills part by part."""
        for equation in _equations(step):
            tensor = equation.tensor
            if tensor.name not in self.made and not self.is_whole(step, equation):
                self.made.add(tensor.name)
                yield f"{self.text.code(tensor)} = {self.text.zeros(tensor.shape)}"
        yield from self.step(step, ())

    def is_whole(self, step: Step, equation: Equation) -> bool:
        """Whether the equation is all of its tensor."""
        whole = isinstance(step, Once) and equation.at == equation.tensor.indices
        return whole and self.array(equation, ()) is not None

    def array(self, equation: Equation, fixed: Axes) -> Array | None:
        if (equation, fixed) not in self.arrays:
            self.arrays[equation, fixed] = proved(equation, fixed)
        return self.arrays[equation, fixed]

    def step(self, step: Step, fixed: Axes) -> Iterator[str]:
        if isinstance(step, Once):
            yield from self.once(step.equation, fixed)
            return
        yield self.head(step)
        for inner in step.steps:
            for line in self.step(inner, (*fixed, step.index)):
                yield _INDENT + line

    def head(self, loop: Loop) -> str:
        lower, stop = self.text.whole(loop.index.lower), self.text.whole(loop.index.upper + 1)
        values = f"range({stop})" if lower == "0" else f"range({lower}, {stop})"
        return f"for {self.text.loop(loop.index)} in {f'reversed({values})' if loop.backwards else values}:"

    def once(self, equation: Equation, fixed: Axes) -> Iterator[str]:
        array = self.array(equation, fixed)
        if array is None:
            yield from self.step(element_by_element(equation, fixed), fixed)
            return
        axes = tuple(index for index in equation.indices if index not in fixed)
        plain, placed = _parts(array)
        lines = [*self.assigned(equation, axes, plain, bool(placed))]
        for number, part in enumerate(placed):
            sign = "=" if number == 0 and plain is None else "+="
            lines += self.placed(equation, axes, part, sign)
        yield from self.text.preparation()
        yield from lines

    def assigned(self, equation: Equation, axes: Axes, plain: Array | None, more: bool) -> Iterator[str]:
        """The line for what is not placed; zeros where that is nothing."""
        tensor = equation.tensor
        name = self.text.code(tensor)
        if tensor.name in self.made:
            if plain is not None:
                target = self.text.picked(tensor, self.text.places(equation.at, axes, tensor.shape))
                yield from self.text.lines(plain, f"{target if target != name else f'{name}[:]'} = ")
        elif plain in (None, Scalar(S.Zero)):
            yield f"{name} = {self.text.zeros(tensor.shape)}"
        elif plain and spanned(plain) == set(axes) and (_is_fresh(plain) or not more):
            yield from self.text.lines(plain, f"{name} = ")
        elif more:
            yield f"{name} = {self.text.zeros(tensor.shape)}"
            yield from self.text.lines(plain, f"{name} += ")
        else:
            start = f"{name} = np.broadcast_to("
            yield from self.text.lines(plain, start, f", {self.text.shape(tensor.shape)})")

    def placed(self, equation: Equation, axes: Axes, part: Placed, sign: str) -> Iterator[str]:
        """target[1:] += what is in this part of it."""
        images: dict[Any, Expr] = dict(zip(part.axes, part.at, strict=True))
        at = tuple(place.xreplace(images) for place in equation.at)
        rest = tuple(index for place in at for index in place.free_symbols if index in axes)
        inner = (*part.inner, *(index for index in rest if index not in part.inner))
        target = self.text.picked(equation.tensor, self.text.places(at, inner, equation.tensor.shape))
        yield from self.text.lines(part.array, f"{target} {sign} ")


def _equations(step: Step) -> Iterator[Equation]:
    if isinstance(step, Once):
        yield step.equation
    else:
        for inner in step.steps:
            yield from _equations(inner)


def _parts(array: Array) -> tuple[Array | None, list[Placed]]:
    """The array as a sum: what is everywhere, and what has a place."""
    terms = array.arguments if isinstance(array, Elementwise) and array.function is Add else (array,)
    placed = [one for one in terms if isinstance(one, Placed)]
    plain = [one for one in terms if not isinstance(one, Placed)]
    if not placed or not plain:
        return (array if plain else None), placed
    axes = max((one.axes for one in plain), key=len)
    return plain[0] if len(plain) == 1 else Elementwise(Add, tuple(plain), axes), placed


def _is_fresh(array: Array) -> bool:
    """Whether the array is a new one, which may be added to."""
    return isinstance(array, (Elementwise, MatMul, Einsum, Reduced))


__all__ = ["numpy_lines"]
