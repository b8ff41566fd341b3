"""The functions that a module needs: inline, imported, or defined at its top, in their safe form."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from textwrap import wrap
from typing import Any

from sympy import Piecewise

from bpsym.calculus.equations import Program
from bpsym.codegen.expression_text import ATOM, CASES, WIDTH, ExpressionText
from bpsym.network.calls import Call
from bpsym.network.expressions import Formula
from bpsym.network.intervals import REAL, interval_of
from bpsym.notation.order import Total, reading_order

Arguments = list[str]

_INDENT = "    "
_SHORT = 40
"""The longest slope that stands in a line, and is no function of its own."""


@dataclass(frozen=True)
class Language:
    """How a target writes functions.

    library: its name for each function that it has; imported: what must be imported for a name in its text;
    written_out: definitions of what no library has; formula: which form of a call it takes; conditional: the text of
    `body if test else other`; promise: what is said of a safe form; quiet: a line that silences an overflow to inf.
    """

    library: Mapping[str, str]
    imported: Mapping[str, str]
    written_out: Mapping[str, str]
    formula: Callable[[Call], Formula | None]
    conditional: str
    promise: str
    quiet: str = ""


@dataclass
class Functions:
    """What the lines of one module call. Definitions and imports are collected while the lines are written.

    known: the trainer's own functions by name.
    """

    known: Mapping[str, Call]
    language: Language
    imports: set[str] = field(default_factory=set)
    definitions: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def called(self, name: str, arguments: Arguments) -> str:
        """The call's text."""
        call = self.known.get(name)
        if call is not None and name not in self.language.imported and name not in self.language.library:
            inline = self._inline(call, arguments)
            if inline is not None:
                return inline
            self._define(name, self._of_call)
        elif name in self.language.written_out:
            self._define(name, self._of_text)
        text = self.language.library.get(name, name)
        self._import(text)
        return f"{text}({', '.join(arguments)})" if arguments else text

    @property
    def ordered(self) -> list[tuple[str, ...]]:
        """The definitions: those that any network's trainer may have, then the network's own, layer by layer."""
        names = list(self.known)
        place = {name: names.index(name) if name in self.known else -1 for name in self.definitions}
        return [
            self.definitions[name] for name in sorted(self.definitions, key=lambda name: (place[name], name))
        ]

    def _import(self, text: str) -> None:
        for part in re.findall(r"[A-Za-z_]\w*(?:\.\w+)?", text):
            if part in self.language.imported:
                self.imports.add(self.language.imported[part])

    def _define(self, name: str, lines: Callable[[str], tuple[str, ...]]) -> None:
        if name not in self.definitions:
            self.definitions[name] = ()
            found = lines(name)  # which defines what it calls itself before
            del self.definitions[name]
            self.definitions[name] = found

    def _of_text(self, name: str) -> tuple[str, ...]:
        text = self.language.written_out[name]
        self._import(re.sub(r'"""[^"]*"""|#.*', "", text))
        return tuple(text.splitlines())

    # formulas ----------------------------------------------------------------------------------------------------

    def _inline(self, call: Call, arguments: Arguments) -> str | None:
        """The formula itself: a library's function of the argument, or a short slope that mentions it once."""
        formula = self.language.formula(call)
        if formula is None or not all(text.isidentifier() for text in arguments):
            return None
        tree = formula.tree
        plain = isinstance(tree, ast.Call) and all(isinstance(one, ast.Name) for one in tree.args)
        once = call.is_slope and all(formula.uses(name) <= 1 for name in call.arguments)
        if not plain and not (once and len(formula.text) <= _SHORT):
            return None
        text = self.formula(formula, dict(zip(call.arguments, arguments, strict=True)))
        return f"({text})" if isinstance(tree, ast.IfExp) and not text.endswith(")") else text

    def formula(self, formula: Formula, names: Mapping[str, str] | None = None) -> str:
        """The formula in the target's language, in the order in which it was written."""
        return hugged(self._text(formula.tree, names or {}))

    def _text(self, node: ast.expr, names: Mapping[str, str]) -> str:
        tree = ast.parse(ast.unparse(node), mode="eval").body
        return ast.unparse(ast.fix_missing_locations(_Written(self, names).visit(tree)))

    def derived(self, call: Call) -> list[str]:
        """The return statement of a function that SymPy derived."""
        nothing = Program((), ())
        return self.writer(nothing, lambda form: form.name).lines(
            "return ", reading_order(call.derived, nothing)
        )

    def writer(self, program: Program, name: Callable[[Any], str]) -> ExpressionText:
        """What writes forms with these functions; name: of an element or a symbol."""

        def leaf(form: Any) -> tuple[str, int]:
            if isinstance(form, Total) and isinstance(form.node, Piecewise):
                strength = ATOM if self.language.conditional.endswith(")") else CASES
                return self.cases(form.node, program, written), strength
            return name(form), ATOM

        written = ExpressionText(leaf, self.called)
        return written

    def cases(self, expr: Piecewise, program: Program, writer: ExpressionText) -> str:
        """The cases in the target's words, as 1.0 if z > 0 else 0.0"""

        def text(part: Any) -> str:
            return writer.text(reading_order(part, program))

        *several, (last, _) = expr.args
        result = text(last)
        for value, test in reversed(several):
            left, right = (str(side) if side.is_Integer else text(side) for side in (test.lhs, test.rhs))
            words = {"test": f"{left} {test.rel_op} {right}", "body": text(value), "orelse": result}
            result = self.language.conditional.format(**words)
        return result

    def _of_call(self, name: str) -> tuple[str, ...]:
        call = self.known[name]
        formula = self.language.formula(call)
        body = self.derived(call) if formula is None else _returned(self.formula(formula))
        if formula is not None and self.language.quiet and _may_overflow(formula):
            body = [self.language.quiet, *(_INDENT + line for line in body)]
        head = f"def {name}({', '.join(call.arguments)}):"
        return (head, *_docstring(call, self.language), *(_INDENT + line for line in body))


def _returned(text: str) -> list[str]:
    """The return statement, a long call over several lines."""
    if len(text) + len("return ") + len(_INDENT) <= WIDTH or not text.endswith(")"):
        return [f"return {text}"]
    head, _, arguments = text.partition("(")
    return [f"return {head}(", f"{_INDENT}{arguments[:-1]}", ")"]


def _docstring(call: Call, language: Language) -> list[str]:
    promise = language.promise if call.safe else ""
    text = f"{call.meaning[:1].upper()}{call.meaning[1:]}" if call.is_slope else hugged(call.meaning)
    line = f'{_INDENT}"""{text}{promise}."""'
    if len(line) <= WIDTH:
        return [line]
    lines = wrap(f"{text}{promise}.", WIDTH, initial_indent=f'{_INDENT}"""', subsequent_indent=_INDENT)
    return [*lines, f'{_INDENT}"""']


def _may_overflow(formula: Formula) -> bool:
    """Whether exp is met with what can be any large number."""
    exponents = [
        node.args[0]
        for node in ast.walk(formula.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exp"
    ]
    return any(interval_of(one, {"z": REAL, "a": REAL, "t": REAL}).high is None for one in exponents)


def text(formula: Formula, library: Mapping[str, str]) -> str:
    """The formula with the library's names of functions, where nothing but these is called."""
    return Functions({}, replace(PYTHON, library=library, written_out={})).formula(formula)


def hugged(text: str) -> str:
    """Powers as a formatter writes them: z**2, but (a - t) ** 2."""
    text = re.sub(r"(?<![\w.)\]])([A-Za-z_][\w.]*|\d[\w.]*) \*\* (-?[\w.]+)(?![\w(.])", r"\1**\2", text)
    return re.sub(r"(?<![\w)\]] )-([\w.]+\*\*[\w.]+)", r"-(\1)", text)


@dataclass
class _Written(ast.NodeTransformer):
    """The tree with the target's functions, other names, and cases as the target writes them."""

    functions: Functions
    names: Mapping[str, str]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.names:
            return _parsed(self.names[node.id])
        if node.id in self.functions.language.library:
            return _parsed(self.functions.called(node.id, []))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        arguments = [ast.unparse(self.visit(argument)) for argument in node.args]
        return _parsed(self.functions.called(name, arguments))

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        test, body, orelse = (ast.unparse(self.visit(part)) for part in (node.test, node.body, node.orelse))
        words = {"test": test, "body": _with_point(body), "orelse": _with_point(orelse)}
        return _parsed(self.functions.language.conditional.format(**words))


def _with_point(text: str) -> str:
    """A whole number that is a result as a float."""
    return f"{text}.0" if text.removeprefix("-").isdigit() else text


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


_NORMAL_CDF = '''\
def normal_cdf(z):
    """(1 + erf(z / sqrt(2))) / 2, to full precision far below 0 too."""
    x = -z / {sqrt}(2)
    if not 3 < x < 30:
        return 0.5 * {erfc}(x)
    # erfc(x) falls like exp(-x**2): make up for what rounding did to x**2
    x1, z1 = round(x * 2**20) / 2**20, round(z * 2**20) / 2**20
    x2, z2 = x - x1, z - z1
    gain = x1 * x1 - 0.5 * z1 * z1 + (x1 + x) * x2 - 0.5 * (z1 + z) * z2
    return 0.5 * {erfc}(x) * (1.0 + gain)'''

_SIGN = '''\
def sign(x):
    """1 above 0, -1 below 0, and 0 at 0."""
    return float(x > 0) - float(x < 0)'''

PYTHON = Language(
    library={"abs": "abs", "max": "max", "min": "min", "Pi": "pi", "pi": "pi", "Exp1": "e"},
    imported={name: name for name in dir(math) if not name.startswith("_")},
    written_out={"sign": _SIGN, "normal_cdf": _NORMAL_CDF.format(sqrt="sqrt", erfc="erfc")},
    formula=lambda call: call.scalar,
    conditional="{body} if {test} else {orelse}",
    promise=", without overflow for any z",
)

_OF_EACH_ENTRY = "@np.vectorize(otypes=[float])\n"

NUMPY = Language(
    library={
        name: f"np.{name}"
        for name in (
            "exp", "log", "tanh", "sqrt", "abs", "sin", "cos", "floor", "sinh", "cosh", "sign", "log1p", "expm1", "pi",
        )
    } | {"max": "np.maximum", "min": "np.minimum", "Pi": "np.pi", "Exp1": "np.e"},
    imported={"math.erf": "math", "math.erfc": "math", "math.sqrt": "math"},
    written_out={
        "normal_cdf": _OF_EACH_ENTRY + _NORMAL_CDF.format(sqrt="math.sqrt", erfc="math.erfc"),
        "erf": f'{_OF_EACH_ENTRY}def erf(x):\n    """The error function, which NumPy lacks."""\n    return math.erf(x)',
    },
    formula=lambda call: call.array,
    conditional="np.where({test}, {body}, {orelse})",
    promise=", without a warning for any z",
    quiet='with np.errstate(over="ignore"):',
)  # fmt: skip


__all__ = ["NUMPY", "PYTHON", "Functions", "Language", "hugged", "text"]
