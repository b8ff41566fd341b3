"""What bpsym offers to Python: load an example, derive it, generate its trainers, use one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bpsym import resources
from bpsym.errors import InputError, Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from bpsym.calculus.equations import Tensor
    from bpsym.derivation.forms import Derivation
    from bpsym.examples.example import Example
    from bpsym.notation.names import Names

LANGUAGE = "en"
FILE = "FILE"
"""What an example that is no preset is called on the command line."""

DIGITS = 6
"""Significant digits of a result, where nothing else is said."""

FORMS = ("auto", "scalar", "index")
"""How gradients are written: each weight's, with indices, or what fits the network."""

MOST_OFFERED = 12
"""So many weights are named for one that is not there."""

_OPTIONS = {"sample": "--sample", "weights": "--weight"}
"""The options that say what an example's [derivation] says."""

STYLES = ("readable",)
"""The styles of generated code."""

DETAILS = ("full",)
"""How much of a derivation is shown."""


def presets() -> tuple[str, ...]:
    """The names of the examples that come with bpsym."""
    return resources.names("examples/presets", ".toml")


def languages() -> tuple[str, ...]:
    """The languages that derivations are written in."""
    return resources.names("typeset/phrases", ".toml")


def notations() -> tuple[str, ...]:
    """The notations that there are packs for."""
    return resources.names("notation/packs", ".toml")


def document_formats() -> tuple[str, ...]:
    """The kinds of LaTeX document: one that compiles as it is, and one to be put into another document."""
    return resources.names("templates/latex/documents", ".tex.jinja")


def targets() -> tuple[str, ...]:
    """What trainers can be generated for."""
    return resources.names("templates/codegen", ".py.jinja")


def load(name_or_path: str | Path) -> Example:
    """The preset of this name, or the example in a TOML file.

    UsageError for a preset that does not exist; InputError, with every error of the file, for a wrong one.
    """
    from bpsym.examples.toml_reader import load as read

    return read(str(name_or_path), known())


def placed(name_or_path: str | Path) -> AbstractContextManager[None]:
    """Where what is made of this example is refused, the error says the place in its file too."""
    from bpsym.examples.toml_reader import placed

    return placed(str(name_or_path))


def known() -> dict[str, tuple[str, ...]]:
    """The names that an example may say, by its keys; "phrases": the keys of its own words."""
    from bpsym.typeset.phrases import word_keys

    return {
        "notation": notations(),
        "lang": languages(),
        "style": STYLES,
        "form": FORMS,
        "detail": DETAILS,
        "phrases": word_keys(),
    }


def descriptions() -> dict[str, tuple[str, str]]:
    """Each preset's title and source."""
    import tomllib

    tables = {name: tomllib.loads(resources.text(f"examples/presets/{name}.toml")) for name in presets()}
    return {name: (table.get("title", ""), table.get("source", "")) for name, table in tables.items()}


def schema() -> str:
    """The JSON schema of example files, for editors; the names of registries are those of this installation."""
    from bpsym.examples.schema import schema as described

    return described(known())


def new_example(lang: str = LANGUAGE) -> str:
    """The text of a commented example for a person to change, in a language."""
    if lang not in languages():
        raise UsageError(f"unknown language {lang!r}{did_you_mean(lang, languages())}")
    return resources.text(f"templates/publish/new.{lang}.toml")


@dataclass(frozen=True)
class Document:
    """A derivation that can be printed. `derivation` is the data."""

    example: Example
    derivation: Derivation
    names: Names
    digits: int

    def to_latex(self, lang: str | None = None, document: str = "article") -> str:
        """LaTeX that compiles as it is ("article"), or for another document to `input` ("fragment").

        lang: the example's own language (English, where it names none) if nothing is said. The title of a preset is
        printed in its own language only, one that a person wrote in each that has the letters.
        """
        from bpsym.typeset.latex import Latex, escaped
        from bpsym.typeset.phrases import load_phrases

        own = self.example.derivation.lang or LANGUAGE
        lang = lang or own
        words = {key: escaped(word) for key, word in self.example.words(lang, own).items()}
        phrases = load_phrases(lang, self.names.pack.name, words)
        name = name_of(self.example)
        title = self.example.title if lang == own or name == FILE else None
        latex = Latex(self.derivation, self.names, phrases, self.digits, name, title)
        return latex.document(document)


def derive(
    example: Example,
    *,
    notation: str | None = None,
    form: str | None = None,
    digits: int | None = None,
    weights: tuple[str, ...] = (),
    sample: int | None = None,
    force: bool = False,
) -> Document:
    """The derivation of the example's network, in formulas and in numbers.

    form: "scalar" writes the gradient of each weight, "index" a layer's with indices, "auto" what fits; weights: code
    names of weights whose chain of partials is shown however many there are; sample: the one (from 1) that is shown
    in full; digits: significant digits of a result. UsageError where what is asked for is very long, unless `force`.
    """
    _check_example("derive", example)
    own = example.derivation
    made = _Made(
        example,
        notation,
        weights=weights or own.weights,
        sample=sample or own.sample,
        form=form or own.form or FORMS[0],
        force=force,
    )
    made.check_derivation()
    derived = _with_listing(made.derivation, made.source)
    return Document(example, derived, made.names, digits or own.digits or DIGITS)


def generate(
    example: Example, target: str = "python", *, notation: str | None = None, force: bool = False
) -> str:
    """The source of the example's trainer for a target, "python" or "numpy".

    UsageError where it would be very long, unless `force`.
    """
    _check_example("generate", example)
    made = _Made(example, notation, force=force)
    made.check_trainer(target)
    return made.source(target)


def trainer(
    example: Example,
    target: str = "python",
    *,
    notation: str | None = None,
    force: bool = False,
    cited: bool = True,
) -> ModuleType:
    """The generated source as an imported module.

    cited: whether its comments give the numbers of the derivation's equations; without them it is there sooner.
    """
    from bpsym.codegen.module import imported

    _check_example("trainer", example)
    made = _Made(example, notation, force=force)
    made.check_trainer(target)
    return imported(made.source(target, cited=cited), f"trainer_{target}")


def _check_example(function: str, example: object) -> None:
    """UsageError for what is no example, with what to write."""
    from bpsym.examples.example import Example

    if isinstance(example, Example):
        return
    named = isinstance(example, str | Path)
    write = f'load("{example}")' if named else "Example(network=...)"
    given = f"{str(example)!r}" if named else f"the type {type(example).__name__}"
    raise UsageError(
        f"bpsym.{function} takes an Example, not {given} (write bpsym.{function}(bpsym.{write}))"
    )


def files(example: Example, *, force: bool = False) -> dict[str, str]:
    """Every text file of `generated/<name>/`, by its name: of an example without numbers there are no trainers."""
    own = example.derivation
    made = _Made(example, weights=own.weights, sample=own.sample, form=own.form or FORMS[0], force=force)
    made.check_derivation()
    derived = _with_listing(made.derivation, made.source)
    document = Document(example, derived, made.names, example.derivation.digits or DIGITS)
    latex = {
        f"{stem}.{lang}.tex": document.to_latex(lang, kind)
        for kind, stem in (("article", "derivation"), ("fragment", "fragment"))
        for lang in languages()
    }
    trainers = {f"trainer_{target}.py": made.source(target) for target in made.targets()}
    return latex | trainers | {"__init__.py": '"""Generated by bpsym; do not edit."""\n'}


def left_out(example: Example, *, force: bool = False) -> str:
    """Which trainers `files` does not have, why, and what to do; "" where it has all."""
    from bpsym.network import limits

    missing = set(targets()) - set(_Made(example, force=force).targets())
    return limits.left_out(example.network) if missing else ""


def name_of(example: Example) -> str:
    """What the example is called on the command line."""
    title = example.title
    for name in presets() if title else ():
        if str(title) in resources.text(f"examples/presets/{name}.toml") and load(name) == example:
            return name
    return FILE


@dataclass(frozen=True)
class _Made:
    """One example in one notation: its derivation, and trainers that cite it."""

    example: Example
    notation: str | None = None
    weights: tuple[str, ...] = ()
    sample: int | None = None
    form: str = FORMS[0]
    force: bool = False

    @cached_property
    def names(self) -> Names:
        from bpsym.notation.names import Names

        return Names.of(self.notation or self.example.notation, self.example.network)

    @cached_property
    def derivation(self) -> Derivation:
        return self._derived(numeric=True)

    @cached_property
    def citations(self) -> Mapping[tuple[str, tuple[int, ...]], int]:
        """The number of the equation that defines each element; of a derivation that is there already, else of one in
        symbols alone.
        """
        made: Derivation | None = self.__dict__.get("derivation")
        return (made or self._derived(numeric=False)).citations

    def _derived(self, *, numeric: bool) -> Derivation:
        from bpsym.derivation.derive import derivation

        sample = 1 if self.sample is None else self.sample
        return derivation(
            self.example,
            self.names,
            sample=sample - 1,
            weights=self.weights,
            form=self.form,
            long_training=self._train,
            numeric=numeric,
        )

    def check_derivation(self) -> None:
        """InputError for what the example's file says and is not there; UsageError for what an option says so, and for
        what would be very long.
        """
        from bpsym.examples.toml_reader import unknown_names
        from bpsym.network import limits
        from bpsym.network.record import plain

        wrong = list(unknown_names(plain(self.example), known()))
        if wrong:
            raise InputError(wrong)
        self._check_shown()
        if self.form not in FORMS:
            raise UsageError(f"unknown form {self.form!r}{did_you_mean(self.form, FORMS)}")
        if self.force:
            return
        if self.form == "scalar":
            limits.check_scalar_form(self.example.network)
        if self.weights:
            layers = self._parameters
            limits.check_chains(self.example.network, tuple(layers[one].role.layer for one in self.weights))

    def _check_shown(self) -> None:
        """InputError for a sample or weights of the example's file that are not there, UsageError for an option's."""
        wrong = [*self._wrong_sample(), *self._wrong_weights()]
        own = {key: getattr(self.example.derivation, key) == getattr(self, key) for key in _OPTIONS}
        of_file = [one for one in wrong if own[str(one.key[1])]]
        if of_file:
            raise InputError(of_file)
        if wrong:
            raise UsageError("\n".join(f"{_OPTIONS[str(one.key[1])]}: {one.message}" for one in wrong))

    def _wrong_sample(self) -> Iterator[Problem]:
        """Where the sample that is to be shown is not among those of the first step."""
        data, batch = self.example.data, self.example.training.batch_size
        count = len(data.x) if data else 1
        seen = min(count, batch or count)
        if self.sample is None or self.sample <= seen:
            return
        who = f"the first batch has {seen} of {count}" if seen < count else f"the example has {count}"
        hint = f" (write 1 to {seen})" if seen > 1 else " (leave it out)"
        yield Problem(f"there is no sample {self.sample}: {who}{hint}", ("derivation", "sample"))

    def _wrong_weights(self) -> Iterator[Problem]:
        """Where a weight that is asked for is not there, or is not trained."""
        if not self.weights:
            return
        from bpsym.network.training_program import frozen_names

        frozen = frozen_names(self.example.network)
        trained = [name for name, tensor in self._parameters.items() if tensor.name not in frozen]
        for number, weight in enumerate(self.weights):
            if weight not in trained:
                yield Problem(self._why_not(weight, trained), ("derivation", "weights", number))

    def _why_not(self, weight: str, trained: list[str]) -> str:
        offered = trained[:MOST_OFFERED] + ["…"] * (len(trained) > MOST_OFFERED)
        if weight not in self._parameters:
            near = did_you_mean(weight, self._parameters)
            return f"unknown weight {weight!r}{near if 'did you mean' in near else did_you_mean('', offered)}"
        hint = did_you_mean("", offered) or " (nothing is trained)"
        return f"{weight} is frozen, a constant: there is no partial derivative to show{hint}"

    @cached_property
    def _parameters(self) -> Mapping[str, Tensor]:
        """The tensor that each weight and bias is of, by its name in code."""
        from bpsym.network.forward import forward_program, parameters

        return {
            self.names.code(tensor, at): tensor
            for tensor in parameters(forward_program(self.example.network))
            for at in product(*(range(int(extent)) for extent in tensor.shape))
        }

    def check_trainer(self, target: str) -> None:
        """InputError where there is nothing to compute, UsageError where the trainer would be very long."""
        from bpsym.network import limits

        limits.check_computable(self.example.network)
        if target == "python" and not self.force:
            limits.check_scalar_trainer(self.example.network)

    def targets(self) -> tuple[str, ...]:
        """What `files` has trainers for: with a general f nothing, in plain Python none that is very long."""
        from bpsym.network import limits

        if limits.general_layers(self.example.network):
            return ()
        long = limits.parameter_count(self.example.network) > limits.MOST_GENERATED
        return tuple(one for one in targets() if self.force or not long or one != "python")

    def source(self, target: str, *, cited: bool = True) -> str:
        from bpsym.codegen.module import source

        if target not in targets():
            raise UsageError(f"unknown target {target!r}{did_you_mean(target, targets())}")
        command = f"python -m bpsym generate {name_of(self.example)}"
        return source(self.example, target, self.names, self.citations if cited else {}, command)

    def _train(self, steps: int) -> Mapping[str, Any]:
        """The parameters after long training, which the generated plain-Python trainer does in double precision."""
        from bpsym.codegen.module import imported, source
        from bpsym.network.forward import forward_program, parameters

        made = imported(source(self.example, "python", self.names, {}, ""), "trainer_python")
        data, rate = self.example.data, float(self.example.training.learning_rate)
        if data is None or data.t is None:
            raise UsageError("there is nothing to train with: the example has no data")
        x, t = ([[float(entry) for entry in row] for row in rows] for rows in (data.x, data.t))
        numbers = map(Fraction, made.train(made.INITIAL, x, t, rate, steps)[0])
        return {
            tensor.name: {
                at: next(numbers) for at in product(*(range(int(extent)) for extent in tensor.shape))
            }
            for tensor in parameters(forward_program(self.example.network))
        }


def _with_listing(derivation: Derivation, source: Callable[[str], str]) -> Derivation:
    """The derivation with the text of its trainer in its place; source: of each target."""
    from bpsym.derivation.forms import Listing

    return replace(
        derivation,
        sections=tuple(
            replace(
                section,
                blocks=tuple(
                    replace(block, text=source(block.target)) if isinstance(block, Listing) else block
                    for block in section.blocks
                ),
            )
            for section in derivation.sections
        ),
    )
