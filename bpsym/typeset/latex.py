"""A derivation as LaTeX: blocks to text; documents are templates around them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jinja2

from bpsym import resources
from bpsym.derivation.forms import (
    Block,
    Cited,
    Derivation,
    Element,
    Equations,
    FirstOf,
    Items,
    Listing,
    Numerals,
    Picture,
    Remark,
    SampleData,
    SampleTable,
    Section,
    SymbolTable,
    Value,
    ValueTable,
)
from bpsym.derivation.setting import units
from bpsym.errors import UsageError, did_you_mean
from bpsym.notation.names import Names
from bpsym.typeset.equations import Row, fitting, relation, room_beside, rows
from bpsym.typeset.mathematics import Mathematics
from bpsym.typeset.numbers import apart
from bpsym.typeset.phrases import Phrases
from bpsym.typeset.picture import picture
from bpsym.typeset.pieces import joined
from bpsym.typeset.tables import data_tables, numeral_lines, sample_tables

FOLDER = "latex"
DOCUMENTS = "documents"

_LISTED = 3
_CITED = 3
"""Of more equations than this, only the first and the last of those that follow each other are named."""

_UNBROKEN, _OF_ONE_STEP = 8, 16
"""A display of no more rows than this stays on one page, and one of a single step of no more rows than that,"""

_TALLEST = 24
"""if it is of no more lines than this: a row with a matrix is as high as the lines of that."""

_MOST_ROOMY = 18
"""The rows of a table of symbols that has room to spare on its page."""

_LONG = 3
"""Steps of so many rows have displays of their own, where all of them would not stay on one page."""


@dataclass(frozen=True)
class Latex:
    """Prints one derivation in one language; digits: how many significant ones a result has."""

    derivation: Derivation
    names: Names
    phrases: Phrases
    digits: int
    example: str
    title: str | None = None

    @property
    def mathematics(self) -> Mathematics:
        return Mathematics(self.names, self.derivation.program, self.derivation.marked)

    def document(self, kind: str) -> str:
        """The whole text; kind is a template's name, "article" or "fragment"."""
        if kind not in document_names():
            raise UsageError(f"unknown document {kind!r}{did_you_mean(kind, document_names())}")
        widths = "-".join(map(str, self.names.widths))
        sections = [
            {
                "heading": self._phrase("headings", section.heading, section.terms),
                "blocks": self._blocks(section),
            }
            for section in self.derivation.sections
        ]
        return _template(f"{DOCUMENTS}/{kind}.tex.jinja").render(
            first_line=self.phrases.get("latex", "first_line"),
            documentclass=self.phrases.get("latex", "class"),
            title=escaped(self._own_title() or self.phrases.get("document", "title", shape=widths)),
            generated=self.phrases.get("document", "generated", example=self.example),
            embed=self.phrases.get("document", "embed"),
            sections=sections,
        )

    def _own_title(self) -> str:
        """The title of the example's own, where the fonts of this language's documents have its letters."""
        title = self.title or ""
        return title if all(letter < self.phrases.get("latex", "letters_below") for letter in title) else ""

    def _blocks(self, section: Section) -> list[str]:
        """The blocks, with blank lines where paragraphs begin: not before a display, which would leave a gap there."""
        found: list[str] = []
        for block in section.blocks:
            display = isinstance(block, (Equations, ValueTable, Numerals, SampleData, SampleTable))
            same_paragraph = isinstance(block, Remark) and block.continues
            text = self.block(block, section)
            found.append(text if display or same_paragraph else f"\n{text}")
        return found

    def block(self, block: Block, section: Section) -> str:
        return _BLOCKS[type(block)](self, block, section)

    def equations(self, block: Equations, section: Section) -> str:
        values = self.derivation.values[section.state] if self.derivation.values else None
        found = []
        for whole in block.steps:
            steps = fitting(whole, self.mathematics, values, self.digits)
            room = min(room_beside(self.mathematics.pieces(step.lhs)) for step in steps)
            compact = block.compact or len(steps) > 1
            found += [rows(step, self.mathematics, values, self.digits, room, compact) for step in steps]
        found = [step for step in found if step]
        alone = not block.compact and _breakable(found) and all(len(step) >= _LONG for step in found)
        displays = [[step] for step in found] if alone else [found]
        return "\n".join(map(self._display, displays))

    def _display(self, steps: list[tuple[Row, ...]]) -> str:
        """These steps, aligned with each other."""
        lines = [row for step in steps for row in step]
        numbered = any(row.label for row in lines)
        return _template("equations.tex.jinja").render(
            environment="align" if numbered else "align*",
            breakable=_breakable(steps),
            rows=[
                {"left": row.left, "right": self._right(row), "tag": _tag(row.label, numbered)}
                for row in lines
            ],
        )

    def _right(self, row: Row) -> str:
        """The relation and what is on the right of it; of a value that no printed numbers give, that it is one."""
        parts = [row.relation, row.right]
        if row.unrepeatable:
            parts.append(rf"\quad \text{{{self.phrases.get('document', 'unrepeatable')}}}")
        return " ".join(filter(None, parts))

    def remark(self, block: Remark, _: Section) -> str:
        return self._phrase("remarks", block.key, block.terms)

    def items(self, block: Items, _: Section) -> str:
        found = [self._phrase("conventions", one.key, one.terms) for one in block.remarks]
        return _template("items.tex.jinja").render(items=[one for one in found if one])

    def numerals(self, block: Numerals, _: Section) -> str:
        """Matrices beside each other, in as many lines as they need."""
        lines = numeral_lines(block, self.mathematics, self.digits)
        return _template("numerals.tex.jinja").render(lines=lines)

    def samples(self, block: SampleTable, _: Section) -> str:
        tables = sample_tables(block, self.mathematics, self.digits, self._table_words())
        return _template("samples.tex.jinja").render(tables=tables)

    def data(self, block: SampleData, _: Section) -> str:
        tables = data_tables(block, self.mathematics, self.digits, self._table_words())
        return _template("samples.tex.jinja").render(tables=tables)

    def _table_words(self) -> dict[str, str]:
        return {key: self.phrases.get("table", key) for key in self.phrases.tables["table"]}

    def symbols(self, block: SymbolTable, _: Section) -> str:
        names = [self._listed(forms) for forms, _, _ in block.rows]
        meanings = [self._phrase("symbols", key, terms) for _, key, terms in block.rows]
        marked = any("^" in name for name in names)  # above the line, where they would touch the row before
        roomy = marked and len(names) <= _MOST_ROOMY
        rows = [{"symbols": name, "meaning": text} for name, text in zip(names, meanings, strict=True)]
        return _template("symbols.tex.jinja").render(rows=rows, gap="[2pt]" if roomy else "")

    def _listed(self, forms: tuple[Any, ...]) -> str:
        """All the symbols, or the first and the last of many."""
        names = [self._tex(form) for form in forms]
        if len(names) > _LISTED:
            return rf"${names[0]}, \ldots, {names[-1]}$"
        return self.phrases.get("list", "comma").join(f"${name}$" for name in names)

    def picture(self, block: Picture, _: Section) -> str:
        plain = replace(self.mathematics, marked=False)
        return _template("network.tex.jinja").render(picture(block, self.phrases, self._node, plain.tex))

    def values(self, block: ValueTable, _: Section) -> str:
        lines = []
        for form, amount in block.rows:
            pieces, exact = self.mathematics.amount(amount, self.digits)
            lines.append(
                {
                    "left": self._tex(form),
                    "right": f"{relation(exact)} {joined(pieces)}",
                    "tag": "",
                }
            )
        return _template("equations.tex.jinja").render(
            environment="align*", breakable=len(lines) > _UNBROKEN, rows=lines
        )

    def listing(self, block: Listing, _: Section) -> str:
        return _template("listing.tex.jinja").render(text=block.text.rstrip("\n"))

    def _tex(self, form: Any) -> str:
        return self.mathematics.tex(form)

    def _node(self, element: Element) -> str:
        """What stands in a node's circle: its number where nodes are numbered through, else its output."""
        if self.names.pack.conventions["nodes"] == "network":
            tensor = self.derivation.program[element.read.name]
            return self.names.written(tensor.role.layer, units(self.derivation.program, element.read)[0])
        return replace(self.mathematics, marked=False).tex(element)

    def _phrase(self, table: str, key: str, terms: Any) -> str:
        return self.phrases.get(table, key, **{name: self._term(term) for name, term in terms.items()})

    def _term(self, term: Any) -> str:
        if isinstance(term, tuple):
            return self.phrases.listed([self._term(part) for part in term])
        if isinstance(term, FirstOf):
            return self.phrases.listed([self._term(part) for part in term.parts], more=True)
        if isinstance(term, Remark):
            return self._phrase("remarks", term.key, term.terms)
        if isinstance(term, (int, str)):
            return str(term)
        if isinstance(term, Cited):
            return self._cited(term)
        if isinstance(term, Value):
            digits = self.digits if term.unlike is None else apart(term.amount, term.unlike, self.digits)
            return f"${joined(self.mathematics.amount(term.amount, digits)[0])}$"
        return f"${self._tex(term)}$"

    def _cited(self, cited: Cited) -> str:
        """The numbers of the equations, as TeX counts them; of a group of many, the first and the last."""
        groups = [[rf"\eqref{{\bpsymprefix {label}}}" for label in group] for group in cited.groups]
        few = sum(map(len, groups)) <= _CITED
        return self.phrases.listed(
            [text for group in groups for text in (group if few else self._range(group))]
        )

    def _range(self, labels: list[str]) -> list[str]:
        if len(labels) <= 2:
            return labels
        return [self.phrases.get("list", "range", first=labels[0], last=labels[-1])]


_BLOCKS: dict[type, Callable[[Latex, Any, Section], str]] = {
    Equations: Latex.equations,
    Remark: Latex.remark,
    SymbolTable: Latex.symbols,
    Picture: Latex.picture,
    ValueTable: Latex.values,
    Listing: Latex.listing,
    Items: Latex.items,
    Numerals: Latex.numerals,
    SampleData: Latex.data,
    SampleTable: Latex.samples,
}


def _breakable(steps: list[tuple[Row, ...]]) -> bool:
    """Whether a page may end inside of the display."""
    lines = [row for step in steps for row in step]
    most = _OF_ONE_STEP if len(steps) == 1 else _UNBROKEN
    return len(lines) > most or sum(row.height for row in lines) > _TALLEST


def _tag(label: str, numbered: bool) -> str:
    if label:
        return rf" \label{{\bpsymprefix {label}}}"
    return r" \notag" if numbered else ""


def document_names() -> tuple[str, ...]:
    """The kinds of document that there are templates for."""
    return resources.names(f"templates/{FOLDER}/{DOCUMENTS}", ".tex.jinja")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.template_folder() / FOLDER),
        block_start_string="<%",  # TeX itself uses {% and {#
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (TeX is no HTML; what a user writes goes through `escaped`)
    )


@cache
def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


def escaped(text: str) -> str:
    """Plain text for TeX."""
    return re.sub(r"[\\&%$#_{}~^]", lambda match: _SPECIAL.get(match[0], "\\" + match[0]), text)


_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
