"""The committed documents through the real programs: TeX for all of them, KaTeX for the fragments' formulas."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from bpsym import api
from bpsym.errors import MissingProgramError, OutputError
from bpsym.publish import tex
from tests.running import ROOT

GENERATED = ROOT / "generated"

FIRST_LINE = {"en": "", "zh": "% !TeX program = xelatex\n"}
CLASS = {"en": "article", "zh": "ctexart"}

needs_tex = {"en": pytest.mark.latex, "zh": pytest.mark.xelatex}
in_each_language = [pytest.param(lang, marks=needs_tex[lang]) for lang in api.languages()]
for_each_preset = pytest.mark.parametrize("preset", api.presets())


def committed(preset: str, file: str) -> str:
    return (GENERATED / preset / file).read_bytes().decode("utf-8")


@cache
def compiled(preset: str, lang: str) -> tex.Compiled:
    return tex.compiled(committed(preset, f"derivation.{lang}.tex"))


@cache
def embedded(preset: str, lang: str, packages: str) -> tex.Compiled:
    """A fragment inside somebody's plain document: 11 pt on A4, the class's own margins, only these packages."""
    host = [
        f"{FIRST_LINE[lang]}\\documentclass[11pt,a4paper]{{{CLASS[lang]}}}",
        f"\\usepackage{{{packages}}}",
        "\\begin{document}",
        "\\section{Backpropagation}",
        "\\input{fragment}",
        "\\end{document}",
    ]
    return tex.compiled("\n".join(host) + "\n", {"fragment.tex": committed(preset, f"fragment.{lang}.tex")})


@for_each_preset
@pytest.mark.parametrize("lang", in_each_language)
def test_an_article_compiles_without_a_complaint(preset: str, lang: str) -> None:
    result = compiled(preset, lang)
    assert result.pdf.startswith(b"%PDF")
    assert tex.faults(result.log) == ()


@for_each_preset
@pytest.mark.parametrize("lang", in_each_language)
@pytest.mark.parametrize("packages", ["amsmath,tikz", "amsmath"])
def test_a_fragment_compiles_in_a_plain_document_without_a_complaint(
    preset: str, lang: str, packages: str
) -> None:
    result = embedded(preset, lang, packages)
    assert result.pdf.startswith(b"%PDF")
    assert tex.faults(result.log) == ()


@for_each_preset
@pytest.mark.parametrize("lang", api.languages())
def test_a_fragment_loads_and_defines_nothing_for_its_host(preset: str, lang: str) -> None:
    text = committed(preset, f"fragment.{lang}.tex")
    for command in (
        "usepackage",
        "RequirePackage",
        "documentclass",
        "newcommand",
        "renewcommand",
        "def",
        "let",
    ):
        assert not re.search(rf"\\{command}(?![a-zA-Z])", text), command


@for_each_preset
@pytest.mark.parametrize("lang", api.languages())
def test_labels_are_plain_and_each_stands_once(preset: str, lang: str) -> None:
    labels = re.findall(r"\\label\{([^}]*)\}", committed(preset, f"derivation.{lang}.tex"))
    assert labels
    assert len(labels) == len(set(labels))
    assert all(re.fullmatch(r"\\bpsymprefix ?[a-z0-9-]+", label) for label in labels), labels


# --- the numbers that the trainers cite -----------------------------------------------------------

CITED = re.compile(r"#.*?(?P<cited>\(\d+\)(?:(?:, | to | ?[-–] ?)\(\d+\))*)\s*$", re.MULTILINE)


def citations(source: str) -> set[int]:
    """The equation numbers at the end of a module's comments: `# … (18), (21)`, a range by its ends."""
    return {int(number) for match in CITED.finditer(source) for number in re.findall(r"\d+", match["cited"])}


def numbered_labels(aux: str) -> dict[int, str]:
    """Equation number -> label, as TeX counted."""
    return {int(number): label for label, number in re.findall(r"\\newlabel\{(bp:[^}]*)\}\{\{(\d+)\}", aux)}


def test_citations_are_found_at_the_end_of_comments_only() -> None:
    source = """
x = f(1)  # forward (3)
# error terms      (18), (21)
# all of them (22) to (27)
y = 2  # (4) is not at the end
z = (5)
"""
    assert citations(source) == {3, 18, 21, 22, 27}


COMMITTED = [
    (preset, target)
    for preset in api.presets()
    for target in api.targets()
    if (GENERATED / preset / f"trainer_{target}.py").exists()
]
"""A general f has no trainer, and one for the digits would have a line for each of 2,410 parameters."""


def test_every_preset_but_two_has_all_its_trainers() -> None:
    without = {(preset, target) for preset in api.presets() for target in api.targets()} - set(COMMITTED)
    assert without == {("agh", "python"), ("agh", "numpy"), ("digits", "python")}


@pytest.mark.parametrize("lang", in_each_language)
@pytest.mark.parametrize(("preset", "target"), COMMITTED)
def test_a_trainer_cites_equations_that_the_document_numbers_so(preset: str, lang: str, target: str) -> None:
    labels = numbered_labels(compiled(preset, lang).aux)
    cited = citations(committed(preset, f"trainer_{target}.py"))
    assert cited
    assert cited <= set(labels)


@for_each_preset
@pytest.mark.parametrize("lang", in_each_language)
def test_the_numbers_that_code_is_given_are_those_that_tex_counts(preset: str, lang: str) -> None:
    given = set(api.derive(api.load(preset)).derivation.citations.values())
    assert given
    assert given <= set(numbered_labels(compiled(preset, lang).aux))


@for_each_preset
@pytest.mark.latex
@pytest.mark.xelatex
def test_an_equation_has_the_same_number_in_every_language(preset: str) -> None:
    english, *others = [numbered_labels(compiled(preset, lang).aux) for lang in api.languages()]
    assert all(other == english for other in others)


# --- KaTeX ----------------------------------------------------------------------------------------

DISPLAYS = re.compile(
    r"\\begin\{(?P<name>(?:align|equation|gather)\*?)\}.*?\\end\{(?P=name)\}|\\\[.*?\\\]", re.DOTALL
)

STRICT_KATEX = """
const katex = require("katex");
const formulas = JSON.parse(require("fs").readFileSync(0, "utf8"));
const complaints = formulas.flatMap((formula) => {
  try {
    katex.renderToString(formula, {displayMode: true, throwOnError: true, strict: "error"});
    return [];
  } catch (error) {
    return [`${error.message}\\n${formula}`];
  }
});
process.stdout.write(JSON.stringify(complaints));
"""


def display_formulas(text: str) -> list[str]:
    """Every displayed formula, without its labels."""
    prose = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", text, flags=re.DOTALL)
    return [re.sub(r"\s*\\label\{[^}]*\}", "", match[0]) for match in DISPLAYS.finditer(prose)]


def complaints(formulas: list[str]) -> list[str]:
    """What KaTeX in strict mode says of them."""
    result = subprocess.run(
        ["node", "-e", STRICT_KATEX], input=json.dumps(formulas).encode(), capture_output=True, check=True
    )
    return list(json.loads(result.stdout))


def test_displayed_formulas_are_found_outside_listings() -> None:
    text = r"\begin{align}a &= b \label{bp:a}\end{align}\begin{verbatim}\[ no \]\end{verbatim}\[ c \]"
    assert display_formulas(text) == [r"\begin{align}a &= b\end{align}", r"\[ c \]"]


@pytest.mark.katex
def test_katex_complains_of_what_it_cannot_set() -> None:
    assert complaints([r"\begin{align}a &= b\end{align}"]) == []
    assert len(complaints([r"\nosuchcommand", r"\frac{a}{b", "\\text{a} 误差"])) == 3


@for_each_preset
@pytest.mark.katex
@pytest.mark.parametrize("lang", api.languages())
def test_katex_in_strict_mode_sets_every_displayed_formula(preset: str, lang: str) -> None:
    formulas = display_formulas(committed(preset, f"fragment.{lang}.tex"))
    assert formulas
    assert complaints(formulas) == []


# --- the checks themselves ------------------------------------------------------------------------


def test_each_fault_of_a_log_is_found() -> None:
    log = """\
Overfull \\hbox (0.9pt too wide) in paragraph at lines 1--2
Overfull \\hbox (1.2pt too wide) in paragraph at lines 3--4
Missing character: There is no 误 in font cmr10!
LaTeX Warning: Reference `bp:x' on page 1 undefined on input line 7.
! Undefined control sequence.
Overfull \\vbox (0.5pt too high) has occurred while \\output is active []
Overfull \\vbox (259.6pt too high) has occurred while \\output is active []
"""
    assert len(tex.faults(log)) == 5


def test_the_engine_is_the_one_that_the_document_asks_for() -> None:
    assert tex.engine("% !TeX program = xelatex\n\\documentclass{ctexart}") == "xelatex"
    assert tex.engine("\\documentclass{article}") == "pdflatex"


@pytest.mark.latex
def test_a_planted_fault_is_found_in_a_real_log() -> None:
    wide = (
        "\\documentclass{article}\\begin{document}\\noindent\\rule{400pt}{1pt}\\ref{nowhere}\\end{document}"
    )
    found = tex.faults(tex.compiled(wide).log)
    assert any("Overfull" in each for each in found)
    assert any("nowhere" in each for each in found)


@pytest.mark.latex
def test_a_document_that_tex_refuses_is_an_error_with_its_complaint() -> None:
    with pytest.raises(OutputError, match="Undefined control sequence"):
        tex.compiled("\\documentclass{article}\\begin{document}\\nosuchcommand\\end{document}")


@pytest.mark.latex
@pytest.mark.pdftoppm
def test_a_page_becomes_a_picture() -> None:
    made = tex.compiled("\\documentclass{article}\\begin{document}x\\end{document}")
    assert tex.page_as_png(made.pdf).startswith(b"\x89PNG")


def test_a_missing_program_names_the_package_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError, match="latexmk is not installed") as caught:
        tex.compiled("\\documentclass{article}")
    assert caught.value.exit_code == 3
