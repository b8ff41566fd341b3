"""Planted faults: each is put into a copy of the project, where a named test must then fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.running import PATIENCE, ROOT, environment


@dataclass(frozen=True)
class Fault:
    """In `file`, `right` (which stands there once) is replaced by `wrong`; `test` must fail then."""

    name: str
    file: str
    right: str
    wrong: str
    test: str


FAULTS = (
    Fault(
        "a sign",
        "bpsym/network/optimizers.py",
        'value="p - eta * g"',
        'value="p + eta * g"',
        "tests/test_activations.py::test_gradient_descent_goes_against_the_gradient",
    ),
    Fault(
        "a missing f'",
        "bpsym/calculus/backward.py",
        "term = (upstream * one.slope).xreplace(apart)",
        "term = upstream.xreplace(apart)",
        "tests/test_calculus.py::test_the_gradients_equal_those_of_the_composed_loss",
    ),
    Fault(
        "a transposed index",
        "bpsym/calculus/backward.py",
        "place = dict(zip(at, places, strict=True))",
        "place = dict(zip(at, reversed(places), strict=True))",
        "tests/test_calculus.py::test_a_dense_layer_gives_the_four_equations_of_backpropagation",
    ),
    Fault(
        "a forgotten path",
        "bpsym/calculus/backward.py",
        "terms[one.read.name].append(term)",
        "terms[one.read.name][:] = [term]",
        "tests/test_calculus.py::test_every_path_to_a_tied_weight_is_summed",
    ),
    Fault(
        "a dropped guard",
        "bpsym/calculus/backward.py",
        "inner = Guard(term.xreplace(solution.values), *solution.inner)",
        "inner = term.xreplace(solution.values)",
        "tests/test_layers_to_come.py",
    ),
    Fault(
        "a dropped outer guard",
        "bpsym/calculus/backward.py",
        "return Guard(inner, *solution.outer)",
        "return inner",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a widened range",
        "bpsym/calculus/solving.py",
        "guards += [_at_least_zero(value - lower), _at_least_zero(upper - value)]",
        "guards += [_at_least_zero(value - lower)]",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a forgotten divisibility",
        "bpsym/calculus/solving.py",
        "        if value != rest:\n            guards.append(",
        "        if value == rest and step != 1:\n            guards.append(",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "swapped limits of a sum",
        "bpsym/calculus/solving.py",
        "        live[symbol] = (bound, upper)\n",
        "        live[symbol] = (lower, bound)\n",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a lost inner slope",
        "bpsym/calculus/backward.py",
        "yield read, slope * inner, sums + more, guards + conditions",
        "yield read, slope, sums + more, guards + conditions",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a lost outer slope",
        "bpsym/calculus/backward.py",
        "yield read, slope * inner, sums + more, guards + conditions",
        "yield read, inner, sums + more, guards + conditions",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a lost condition",
        "bpsym/calculus/backward.py",
        "yield read, slope * inner, sums + more, guards + conditions",
        "yield read, slope * inner, sums + more, conditions",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a lost sum",
        "bpsym/calculus/backward.py",
        "return sum_over(term.xreplace(place), *left)",
        "return sum_over(term.xreplace(place), *left[1:])",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a forgotten rename",
        "bpsym/calculus/nodes.py",
        "body = _rename(body, index, bound)",
        "body = body.xreplace({})",
        "tests/test_calculus.py",
    ),
    Fault(
        "a captured index",
        "bpsym/calculus/nodes.py",
        "        height = 1 + _height(body)\n",
        "        height = 1\n",
        "tests/test_calculus.py",
    ),
    Fault(
        "a triangle taken for its box",
        "bpsym/calculus/solving.py",
        "guards += [_at_least_zero(upper - Affine(0, {index: 1}))] if most != upper else []",
        "guards += []",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "an adjoint from the wrong element",
        "bpsym/calculus/backward.py",
        "upstream = Read(adjoint_name(one.equation.tensor.name), *one.equation.at)",
        "upstream = Read(adjoint_name(one.equation.tensor.name), *reversed(one.equation.at))",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a seed of two",
        "bpsym/calculus/backward.py",
        "terms[loss].append(S.One)",
        "terms[loss].append(S.One * 2)",
        "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits",
    ),
    Fault(
        "a wrong minimum",
        "bpsym/calculus/affine.py",
        "value = value.put(symbol, box[symbol][0 if coefficient > 0 else 1])",
        "value = value.put(symbol, box[symbol][1 if coefficient > 0 else 0])",
        "tests/test_calculus.py",
    ),
    Fault(
        "a factor pulled out twice",
        "bpsym/calculus/rewrites.py",
        "return Mul(*outside, IndexSum(Mul(*inside), index, expr.lower, expr.upper))",
        "return Mul(*outside, IndexSum(body, index, expr.lower, expr.upper))",
        "tests/test_calculus.py::test_rescaled_error_terms_leave_the_gradients_as_they_are",
    ),
    Fault(
        "a product the wrong way round",
        "bpsym/calculus/contraction.py",
        "        return first > second\n",
        "        return first < second\n",
        "tests/test_contraction.py",
    ),
    Fault(
        "a lost parenthesis",
        "bpsym/typeset/mathematics.py",
        "if not isinstance(form, kinds) and not self._is_negative(form):",
        "if not self._is_negative(form):",
        "tests/test_numeric_lines.py::test_a_fresh_derivation_recomputes_too",
    ),
    Fault(
        "a loop the wrong way round",
        "bpsym/calculus/schedule.py",
        "one.never_below if backwards else one.never_above",
        "one.never_above if backwards else one.never_below",
        "tests/test_schedule.py",
    ),
    Fault(
        "parts of an axis in the wrong order",
        "bpsym/calculus/schedule.py",
        "in reversed(segments) if backwards else segments:",
        "in segments:",
        "tests/test_schedule.py",
    ),
    Fault(
        "a step of a loop before what it reads",
        "bpsym/calculus/schedule.py",
        "found.append(frozenset(stack[start:]))",
        "found.insert(0, frozenset(stack[start:]))",
        "tests/test_schedule.py",
    ),
    Fault(
        "a guard that ends one step late",
        "bpsym/calculus/schedule.py",
        "value.constant + 1)",
        "value.constant + 2)",
        "tests/test_schedule.py",
    ),
    Fault(
        "a part of an axis from its start",
        "bpsym/calculus/domains.py",
        "(rest - int(lower.constant)) % step",
        "0 * rest",
        "tests/test_arrays.py",
    ),
    Fault(
        "a lost limit of a sum",
        "bpsym/calculus/domains.py",
        "            return bound, upper\n",
        "            return lower, upper\n",
        "tests/test_arrays.py",
    ),
    Fault(
        "a condition that no mask has",
        "bpsym/calculus/contraction.py",
        "both = Masked(factor.array, (*factor.conditions, condition), factor.axes)",
        "both = Masked(factor.array, (condition,), factor.axes)",
        "tests/test_contraction.py",
    ),
    Fault(
        "an unproved recognition",
        "bpsym/calculus/contraction.py",
        "if normal(expanded(found), known) != normal(equation.value, known):",
        "if expanded(found) is None:",
        "tests/test_contraction.py",
    ),
    Fault(
        "a slice that is one short",
        "bpsym/calculus/array_evaluate.py",
        "slice(start(loops), last(loops) + 1, step)",
        "slice(start(loops), last(loops), step)",
        "tests/test_arrays.py",
    ),
    Fault(
        "a new axis on the wrong side",
        "bpsym/calculus/array_evaluate.py",
        "        at = tuple(slice(None) if axis in one.array.axes else None for axis in one.axes",
        "        at = tuple(slice(None) if axis in one.array.axes else None for axis in one.axes[::-1]",
        "tests/test_arrays.py",
    ),
    Fault(
        "a mask on the wrong side",
        "bpsym/codegen/array_text.py",
        "if signs == (1, -1) else",
        "if signs == (-1, 1) else",
        "tests/test_numpy_source.py",
    ),
    Fault(
        "a part written over another",
        "bpsym/codegen/numpy_program.py",
        '"=" if number == 0 and plain is None else "+="',
        '"="',
        "tests/test_numpy_source.py",
    ),
)


@pytest.fixture(scope="module", name="copy")
def _copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without its history, in a folder where it may be broken."""
    copy = tmp_path_factory.mktemp("planted") / "project"
    ignored = shutil.ignore_patterns(".git", "__pycache__", ".*_cache", "*.egg-info", "dist")
    shutil.copytree(ROOT, copy, ignore=ignored)
    return copy


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_turns_its_test_red(fault: Fault, copy: Path) -> None:
    path = copy / fault.file
    text = path.read_text(encoding="utf-8")
    assert text.count(fault.right) == 1, "the line that is broken stands there no more"
    path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", fault.test],
            cwd=copy,
            env=environment(PYTHONPATH=str(copy), PYTEST_ADDOPTS="", PYTHONDONTWRITEBYTECODE="1"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            text=True,
            check=False,
        )
    finally:
        path.write_text(text, encoding="utf-8")
    assert run.returncode == 1, run.stdout[-2000:]  # 1: tests failed; 2 and above would be no test at all
