"""The command line: words in, exit code out.

0: done; 1: a check failed, a file is stale, a loss is not finite; 2: wrong usage or wrong input, said in one message;
3: an outside program is missing; 130: interrupted. What a command makes goes to stdout, everything else to stderr.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from typer.main import get_command

from bpsym import __version__, api
from bpsym.errors import BpsymError, OutputError, UsageError, did_you_mean

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
MOST_DIGITS = 15
STDOUT = Path("-")

Force = Annotated[bool, typer.Option("--force", help="Also where what is asked for is very long.")]

app = typer.Typer(
    name="bpsym",
    help="Derive backpropagation symbolically, and generate trainers from the same equations.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs more than the whole of this module
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        write_out(f"bpsym {__version__}\n")
        raise typer.Exit


@app.callback()
def bpsym(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def derive(
    example: Annotated[
        str, typer.Argument(metavar="EXAMPLE", help="A preset's name, or a TOML file.")
    ] = "blog",
    latex: Annotated[bool, typer.Option("--latex", show_default=False, help="As LaTeX: the default.")] = True,
    lang: Annotated[
        str | None, typer.Option(metavar="|".join(api.languages()), help="Language of the text.")
    ] = None,
    notation: Annotated[
        str | None, typer.Option(metavar="|".join(api.notations()), help="Names and conventions.")
    ] = None,
    document: Annotated[
        str, typer.Option(metavar="|".join(api.document_formats()), help="A whole one, or one to \\input.")
    ] = "article",
    form: Annotated[
        str | None,
        typer.Option(metavar="|".join(api.FORMS), help="Gradients weight by weight, or with indices."),
    ] = None,
    digits: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=MOST_DIGITS, help="Significant digits of a result.")
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Show this weight's chain; repeatable.")
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="The sample shown in full; of batches, within the first one."),
    ] = None,
    force: Force = False,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", show_default="stdout", help="Where to write.")
    ] = STDOUT,
) -> None:
    """Derive backpropagation, in formulas and in numbers."""
    del latex  # so far there is no other format
    if output.suffix.lower() == ".pdf":
        raise UsageError(
            f"-o {output}: what is written is LaTeX (write -o {output.with_suffix('.tex')}, and compile it)"
        )
    if lang is not None:
        _known("--lang", lang, api.languages())
    _known("--document", document, api.document_formats())
    if notation is not None:
        _known("--notation", notation, api.notations())
    if form is not None:
        _known("--form", form, api.FORMS)
    with api.placed(example):
        derived = api.derive(
            api.load(example),
            notation=notation,
            form=form,
            digits=digits,
            weights=tuple(weight or ()),
            sample=sample,
            force=force,
        )
        text = derived.to_latex(lang, document)
    _write(output, text)


@app.command()
def generate(
    examples: Annotated[
        list[str] | None,
        typer.Argument(metavar="EXAMPLE", help="Presets or TOML files; all presets if none."),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write.")] = Path(
        "generated"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; show what is stale, and end with 1.")
    ] = False,
    force: Force = False,
) -> None:
    """Write every document and trainer."""
    from bpsym.publish import generate as publishing

    if not check:
        publishing.generate(examples or (), output, _say, force=force)
        return
    stale = publishing.check(examples or (), output, force=force)
    write_out(stale)
    if stale:
        _say(f"{output} is stale; this brings it up to date: {_again(examples or (), output)}")
        raise typer.Exit(FAILED)


@app.command()
def train(
    example: Annotated[str, typer.Argument(metavar="EXAMPLE", help="A preset's name, or a TOML file.")],
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Updates in all, those of a resumed run included."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="The same in passes over all samples.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(api.targets()),
            help="The trainer to run: numpy, whose time hardly grows with the network, if nothing is said.",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="X", help="As in the example's file.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", min=1, help="Samples of a step.")] = None,
    shuffle: Annotated[
        bool | None, typer.Option("--shuffle/--no-shuffle", help="Draw batches anew for each epoch.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Of shuffling, and of weights that are drawn.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Parameters and state, as .json or .npz; - for JSON on stdout."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Go on from what --save wrote, with its settings.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Losses and accuracy; a resumed run's go below.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Steps from row to row of the log: an epoch, or a hundredth."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png|svg", help="The same as a picture (needs matplotlib).")
    ] = None,
    force: Force = False,
) -> None:
    """Train a network with its own generated trainer.

    Progress goes to stderr. Ctrl-C stops after the step, and saves. The accuracy is that of the samples held back for
    validation, where there are any.
    """
    from bpsym.training.request import Request
    from bpsym.training.session import train as run

    if target is not None:
        _known("--target", target, api.targets())
    if steps is not None and epochs is not None:
        raise UsageError("--steps and --epochs say the same in two ways: give one of them")
    asked = {
        "steps": steps,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "shuffle": shuffle,
        "seed": seed,
    }
    settings = {key: value for key, value in asked.items() if value is not None}
    request = Request(
        api.load(example), example, target, settings, epochs, every, save, resume, log, plot, force
    )
    with api.placed(example):
        outcome = run(request, sys.stderr, _say)
    write_out(outcome.text)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


@app.command("examples")
def list_examples() -> None:
    """List the presets, with their titles and sources."""
    described = api.descriptions()
    width = max(map(len, described))
    lines = [
        f"{name:{width}}  {title}\n{'':{width}}  from: {source}\n"
        for name, (title, source) in described.items()
    ]
    write_out("".join(lines))


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file that is not there yet.")],
    lang: Annotated[
        str, typer.Option(metavar="|".join(api.languages()), help="Language of the comments.")
    ] = api.LANGUAGE,
) -> None:
    """Write a commented example for you to change.

    A file that is there is never touched.
    """
    from bpsym.resources.files import create

    _known("--lang", lang, api.languages())
    if file.suffix != ".toml" and file.name:
        raise UsageError(
            f"{file}: the name of an example's file ends with .toml (write {file.with_suffix('.toml')})"
        )
    create(file, api.new_example(lang).encode())
    _say(f"{file} is written; next: {shlex.join([*_called().split(), 'derive', str(file)])}")


@app.command("schema")
def print_schema() -> None:
    """Print the JSON schema of example files, for editors."""
    write_out(api.schema())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (the process's own, where none is given) and return its exit code."""
    _speak_utf8()
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except BpsymError as error:
        return _complain(str(error), error.exit_code)
    except typer.TyperException as error:
        return _complain(_usage(error), WRONG)
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough
        return DONE
    except OSError as error:  # a disk is full, a terminal is gone: no mistake of the program's
        return _complain(str(error), WRONG)
    finally:
        _let_go()


def write_out(text: str) -> None:
    """The text on stdout, all of it. OutputError where stdout is closed or full; BrokenPipeError where nobody reads."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"standard output: cannot be written: {(error.strerror or str(error)).lower()}"
        ) from error


def _run(arguments: list[str]) -> int:
    command = get_command(app)
    with command.make_context(_called(), arguments) as context:
        command.invoke(context)
    return DONE


def _called() -> str:
    """What the user typed to get here."""
    return "python -m bpsym" if Path(sys.argv[0]).name == "__main__.py" else "bpsym"


def _known(option: str, value: str, choices: tuple[str, ...]) -> None:
    """UsageError for a value that the option does not have."""
    if value not in choices:
        raise UsageError(f"{option}: unknown value {value!r}{did_you_mean(value, choices)}")


def _write(path: Path, text: str) -> None:
    if path == STDOUT:
        write_out(text)
        return
    from bpsym.resources.files import write

    write(path, text.encode())


def _again(examples: Sequence[str], output: Path) -> str:
    where = [] if output == Path("generated") else ["-o", str(output)]
    return shlex.join([*_called().split(), "generate", *examples, *where])


def _usage(error: typer.TyperException) -> str:
    """The message of wrong usage, with the nearest option where one is unknown, and where to read more."""
    context: Any = getattr(error, "ctx", None)
    if context is None:
        return error.format_message()
    message = error.format_message()
    if hasattr(error, "possibilities"):
        option: str = getattr(error, "option_name", "")
        options = [name for each in context.command.get_params(context) for name in each.opts]
        message = f"no such option: {option}{did_you_mean(option, options)}"
    if not message.startswith("Usage:"):
        return f"{message}\nTry '{context.command_path} --help'."
    return message


def _complain(message: str, code: int) -> int:
    _say(message)
    return code


def _say(message: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError):
            print(message, file=sys.stderr, flush=True)  # noqa: T201  (the one place that speaks to the user)


def _speak_utf8() -> None:
    """UTF-8 with a bare line feed on every system; a name that is no UTF-8 is shown escaped."""
    for stream, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", newline="\n", errors=errors)


def _let_go() -> None:
    """Flush what is left; a stream that takes nothing more must not be flushed again when Python ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _give_up(stream)


def _give_up(stream: IO[str]) -> None:
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
