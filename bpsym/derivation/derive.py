"""Program and numbers to a derivation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bpsym.calculus.backward import backward
from bpsym.calculus.equations import Program
from bpsym.calculus.evaluate import Values
from bpsym.calculus.nodes import Read
from bpsym.derivation.batches import first_batch, of_samples
from bpsym.derivation.chains import Chains
from bpsym.derivation.forms import Derivation, Element, Equations, Layer, Section, Step
from bpsym.derivation.sections import sections
from bpsym.derivation.setting import Setting, units
from bpsym.derivation.training import LongTraining, given, numbers
from bpsym.errors import UsageError, did_you_mean
from bpsym.examples.example import Example
from bpsym.network.forward import forward_program, parameters
from bpsym.network.training_program import training_program
from bpsym.notation.names import Names


def derivation(
    example: Example,
    names: Names,
    *,
    sample: int = 0,
    weights: tuple[str, ...] = (),
    form: str = "auto",
    long_training: LongTraining | None = None,
    numeric: bool = True,
) -> Derivation:
    """The example's derivation; sample: the one (from 0) shown in full; weights: code names whose chain is shown.

    form: how gradients are written, "scalar", "index", or "auto": what fits; numeric:
    whether there are numbers, which the numbering of the equations does not depend on.
    """
    batch = first_batch(example)
    every, example = example, of_samples(example, batch)
    samples = len(batch) or 1
    if not 0 <= sample < samples:
        raise UsageError(f"there is no sample {sample + 1}: the example has {samples}")
    program = training_program(example.network, example.training, samples)
    forward = forward_program(example.network, samples)
    _check_weights(program, names, weights)
    found = numbers(example, program, sample, long_training, every) if numeric else None
    setting = Setting(
        example,
        names,
        program,
        forward,
        Chains(backward(forward), Read("E", sample)),
        found,
        samples,
        sample,
        weights,
        form,
        batch if example is not every else (),
        given(example, program) if numeric and found is None else {},
    )
    numbered = _numbered(sections(setting))
    known: tuple[Values, ...] = (setting.known, (setting.numbers and setting.numbers.after_one) or {})
    return Derivation(numbered, known, program, samples > 1, _citations(setting, numbered))


def _check_weights(program: Program, names: Names, weights: tuple[str, ...]) -> None:
    """UsageError where one is no weight of the network."""
    if not weights:
        return
    own = tuple(
        names.code(tensor, at)
        for tensor in parameters(program)
        for at in _positions(tuple(map(int, tensor.shape)))
    )
    for weight in weights:
        if weight not in own:
            raise UsageError(f"unknown weight {weight!r}{did_you_mean(weight, own)}")


def _positions(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    places: list[tuple[int, ...]] = [()]
    for extent in shape:
        places = [(*place, value) for place in places for value in range(extent)]
    return places


def _numbered(written: tuple[Section, ...]) -> tuple[Section, ...]:
    """The sections with their labelled steps numbered from 1."""
    count = 0

    def step(one: Step) -> Step:
        nonlocal count
        if not one.label:
            return one
        count += 1
        return replace(one, number=count)

    return tuple(
        replace(
            section,
            blocks=tuple(
                replace(block, steps=tuple(map(step, block.steps))) if isinstance(block, Equations) else block
                for block in section.blocks
            ),
        )
        for section in written
    )


def _citations(setting: Setting, written: tuple[Section, ...]) -> Mapping[tuple[str, tuple[int, ...]], int]:
    """The number of the equation that defines each element; a layer's equation defines all of its elements."""
    found: dict[tuple[str, tuple[int, ...]], int] = {}
    for step in _steps(written):
        if not step.number:
            continue
        for read in _defined(setting, step):
            place = tuple(map(int, units(setting.program, read)))
            found.setdefault((read.name, place), step.number)
    return found


def _defined(setting: Setting, step: Step) -> tuple[Read, ...]:
    """The elements that the step defines: all of a tensor's, of a layer's letter or at the letters of indices."""
    if isinstance(step.lhs, Layer):
        return setting.elements(setting.program[step.lhs.name])
    if not isinstance(step.lhs, Element):
        return ()
    tensor, at = setting.program[step.lhs.read.name], step.lhs.read.at
    if step.becomes:
        tensor = setting.derived("update", tensor)
    general = any(not index.is_Integer for index in at)
    return setting.elements(tensor) if general else (Read(tensor.name, *at),)


def _steps(written: tuple[Section, ...]) -> list[Step]:
    return [
        step
        for section in written
        for block in section.blocks
        if isinstance(block, Equations)
        for step in block.steps
    ]
