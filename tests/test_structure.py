"""The floors of the house, held against the imports; and what must not be found in it."""

from __future__ import annotations

import ast
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.running import ROOT

PACKAGE = ROOT / "bpsym"

# bottom up; rooms that stand beside each other never import each other
FLOORS = (
    {"errors", "resources"},
    {"calculus"},
    {"network"},
    {"notation"},
    {"examples"},
    {"derivation"},
    {"typeset", "codegen"},
    {"api"},
    {"publish", "training"},
    {"cli"},
    {"__main__"},
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
NEVER = {("codegen", "derivation")}
BESIDE = {("resources", "errors")}  # what is missing from an installation is an error of the same tree

FORBIDDEN = {"__import__", "eval", "exec", "lambdify", "parse_expr", "simplify"}

TOP_LEVEL = {
    ".ci",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "bpsym",
    "generated",
    "pyproject.toml",
    "templates",
    "tests",
}

PATHS = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """bpsym/calculus/backward.py -> bpsym.calculus.backward; a folder's __init__.py -> the folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in PATHS}


def room(module: str) -> str:
    """The room that a module belongs to."""
    return module.split(".")[1]


def imports(path: Path) -> set[str]:
    """The modules of bpsym that a file imports anywhere in it, for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & MODULES) | ({str(node.module)} if inner - MODULES else set())
    return {name for name in found if name.partition(".")[0] == "bpsym"}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_lower_floors_or_its_own_room(path: Path) -> None:
    module = module_name(path)
    if module == "bpsym":
        return  # it hands on names of every floor
    here = room(module)
    for name in imports(path) - {"bpsym"}:
        there = room(name)
        lower = FLOOR[there] < FLOOR[here] or (here, there) in BESIDE
        assert here == there or lower, f"{module} imports {name}"
        assert (here, there) not in NEVER, f"{module} imports {name}"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_command_line_knows_the_package_as_a_whole(path: Path) -> None:
    taken = [
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "bpsym"
        for alias in node.names
        if f"bpsym.{alias.name}" not in MODULES
    ]
    assert set(taken) <= ({"__version__"} if module_name(path) == "bpsym.cli" else set())


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module_name(path): imports(path) - {"bpsym"} for path in PATHS if module_name(path) != "bpsym"}
    order = list(TopologicalSorter({name: deps - {name} for name, deps in graph.items()}).static_order())
    assert set(graph) <= set(order)


def test_a_circle_would_be_found() -> None:
    with pytest.raises(ValueError, match="cycle"):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_importing_bpsym_imports_no_room() -> None:
    top = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    at_once = [node for node in top.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not [node for node in at_once if "bpsym" in ast.unparse(node)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_a_user_wrote_can_be_executed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not mentioned(node) & FORBIDDEN, f"{path}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and "sympify" in mentioned(node.func):
            written = [ast.unparse(keyword) for keyword in node.keywords]
            assert "strict=True" in written, f"{path}:{node.lineno}: sympify of a text executes it"


def mentioned(node: ast.AST) -> set[str]:
    """The names that a node itself mentions."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return {name}
        case ast.ImportFrom(names=names) | ast.Import(names=names):
            return {alias.name for alias in names}
    return set()


def test_every_room_of_the_house_is_known() -> None:
    rooms = {room(module) for module in MODULES if module != "bpsym"}
    assert rooms <= set(FLOOR)


def test_the_top_level_holds_what_every_open_project_has_and_no_more() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.partition("/")[0] for line in listed.stdout.splitlines()} == TOP_LEVEL


def test_names_are_handed_on_from_where_they_live() -> None:
    import bpsym
    from bpsym import api, errors

    assert bpsym.load is api.load
    assert bpsym.BpsymError is errors.BpsymError
    assert set(bpsym.__all__) == set(dir(bpsym))
    assert all(getattr(bpsym, name) is not None for name in bpsym.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = bpsym.no_such_name
