"""Planted faults: each is put into a copy of the project, where a named test must then fail."""

from __future__ import annotations

import compileall
import json
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


_GRADIENTS = "tests/test_calculus.py::test_the_gradients_equal_central_differences_at_fifty_digits"

EQUATIONS = "tests/test_oracle.py::test_the_equations_of_each_choice_agree_with_the_witness"
TRAINERS = "tests/test_oracle.py::test_a_trainer_of_each_choice_agrees_with_the_witness"

_CLIP = """\
    if rule.clip is not None:
        clip = CLIPS[rule.clip.name]
        yield from (line(CLIP, SHARED, name, text) for name, text in clip.scalars.items())
        yield line(CLIP, CLIPPED, _PLACES[CLIPPED], clip.value)
"""
_STATES = """\
    if rule.schedule is not None:
        yield line(SCHEDULE, RATE, _PLACES[RATE], SCHEDULES[rule.schedule.name].value)
    optimizer = OPTIMIZERS[rule.optimizer.name]
    yield from (line(OPTIMIZER, SHARED, name, text) for name, text in optimizer.scalars.items())
    for name, text in optimizer.states.items():
        start = settings[optimizer.start[name]] if name in optimizer.start else 0
        yield line(OPTIMIZER, STATE, name, text, start)
"""

FAULTS = (
    Fault(
        "a sign",
        "bpsym/network/optimizers.py",
        'value="p - eta * g"',
        'value="p + eta * g"',
        f"{EQUATIONS}[sgd]",
    ),
    Fault(
        "a missing f'",
        "bpsym/calculus/backward.py",
        "term = (upstream * one.slope).xreplace(apart)",
        "term = upstream.xreplace(apart)",
        f"{_GRADIENTS}[dense]",
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
        "terms[one.read].append(one.added())",
        "terms[one.read][:] = [one.added()]",
        f"{_GRADIENTS}[autoencoder]",
    ),
    Fault(
        "a dropped guard",
        "bpsym/calculus/backward.py",
        "inner = Guard(term.xreplace(solution.values), *solution.inner)",
        "inner = term.xreplace(solution.values)",
        f"{_GRADIENTS}[padded_convolution]",
    ),
    Fault(
        "a dropped outer guard",
        "bpsym/calculus/backward.py",
        "return Guard(inner, *solution.outer)",
        "return inner",
        f"{_GRADIENTS}[shifted]",
    ),
    Fault(
        "a lost inner slope",
        "bpsym/calculus/backward.py",
        "slope * way.slope * inner, way",
        "slope * way.slope, way",
        f"{_GRADIENTS}[cumulative]",
    ),
    Fault(
        "a lost outer slope",
        "bpsym/calculus/backward.py",
        "slope * way.slope * inner, way",
        "way.slope * inner, way",
        f"{_GRADIENTS}[softmax_cross_entropy]",
    ),
    Fault(
        "a maximum taken for a sum",
        "bpsym/calculus/backward.py",
        "slope * way.slope * inner, way",
        "slope * inner, way",
        f"{_GRADIENTS}[max_pooling]",
    ),
    Fault(
        "a lost condition",
        "bpsym/calculus/backward.py",
        "way.conditions + conditions",
        "conditions",
        "tests/test_layers_to_come.py::test_a_term_has_no_slope_where_its_guard_does_not_hold",
    ),
    Fault(
        "a lost sum",
        "bpsym/calculus/backward.py",
        "return sum_over(term.xreplace(place), *left)",
        "return sum_over(term.xreplace(place), *left[1:])",
        f"{_GRADIENTS}[dense]",
    ),
    Fault(
        "an adjoint from the wrong element",
        "bpsym/calculus/backward.py",
        "upstream = Read(adjoint_name(one.equation.tensor.name), *one.equation.at)",
        "upstream = Read(adjoint_name(one.equation.tensor.name), *reversed(one.equation.at))",
        f"{_GRADIENTS}[dense]",
    ),
    Fault(
        "a seed of two",
        "bpsym/calculus/backward.py",
        "terms[loss].append(S.One)",
        "terms[loss].append(S.One * 2)",
        f"{_GRADIENTS}[diagonal]",
    ),
    Fault(
        "a range that is not the whole one taken for a renaming",
        "bpsym/calculus/solving.py",
        "all(ranges.get(e) == (own.lower, own.upper) for",
        "all(e in ranges for",
        f"{_GRADIENTS}[recurrence]",
    ),
    Fault(
        "an element read twice taken for two",
        "bpsym/calculus/solving.py",
        "if conditions or len(set(at)) != len(at):",
        "if conditions:",
        f"{_GRADIENTS}[diagonal]",
    ),
    Fault(
        "an adjoint that takes another's name",
        "bpsym/calculus/contributions.py",
        "    while any(prefix + name in program.tensors for name in program.tensors):\n        prefix += PREFIX\n",
        "",
        "tests/test_calculus.py::test_second_derivatives_come_from_backward_of_backward",
    ),
    Fault(
        "a divisor cut to a whole number",
        "bpsym/calculus/solving.py",
        "equation = todo.pop(number).whole()",
        "equation = todo.pop(number)",
        "tests/test_affine.py::test_two_places_are_met_by_two_indices_whatever_the_coefficients",
    ),
    Fault(
        "a fresh name that is taken",
        "bpsym/calculus/solving.py",
        'apart[index] = Fresh(f"{index.name}\'{place}"',
        'apart[index] = Index(f"{index.name}\'{place}"',
        "tests/test_calculus.py::test_an_index_may_have_any_name[i'0]",
    ),
    Fault(
        "an opened index that is taken",
        "bpsym/calculus/nodes.py",
        "index = Fresh(name, lower=self.lower, upper=self.upper)",
        "index = Index(name, lower=self.lower, upper=self.upper)",
        "tests/test_calculus.py::test_an_index_may_have_any_name['1]",
    ),
    Fault(
        "two of a tensor's elements always in the order in which they are written",
        "bpsym/calculus/kinks.py",
        "        if before != 0:\n",
        "        if before == 1:\n",
        "tests/test_layers_to_come.py::"
        "test_a_tie_goes_to_the_lower_of_two_elements_whose_order_depends_on_the_index",
    ),
    Fault(
        "a transposed element whose second index has no say",
        "bpsym/calculus/kinks.py",
        " + Guard(_positive(others), Zero(difference))",
        "",
        "tests/test_layers_to_come.py::test_a_tie_goes_to_the_lower_of_two_elements_of_one_row",
    ),
    Fault(
        "a renamed sum in its old order",
        "bpsym/calculus/nodes.py",
        "*sorted(parts[first:], key=_SYMPY_ORDER)]",
        "*parts[first:]]",
        "tests/test_calculus.py::test_what_is_renamed_stands_as_sympy_would_have_written_it[lstm]",
    ),
    Fault(
        "a read between two elements",
        "bpsym/calculus/affine.py",
        "    if not divisible:\n        return False\n",
        "    if not divisible:\n        return True\n",
        "tests/test_refusals.py::test_a_read_between_two_elements_is_refused_unless_a_divisibility_guards_it",
    ),
    Fault(
        "a maximum over nothing",
        "bpsym/calculus/checks.py",
        "            if number_at(width, point) < 0:\n",
        "            if number_at(width, point) < -1:\n",
        "tests/test_refusals.py::test_a_maximum_over_a_range_that_is_empty_somewhere_is_refused",
    ),
    Fault(
        "an element that is computed however deep it lies",
        "bpsym/calculus/evaluate.py",
        "if self.depth == _DEPTH:",
        "if self.depth < 0:",
        "tests/test_calculus.py::test_a_recurrence_may_be_as_long_as_one_likes",
    ),
    Fault(
        "a dropped condition beside a divisibility",
        "bpsym/calculus/solving.py",
        "        if value != rest:\n            guards.append(",
        "        if value != rest and not todo:\n            guards.append(",
        "tests/test_affine.py::test_two_places_are_met_by_two_indices_whatever_the_coefficients",
    ),
    Fault(
        "a widened range",
        "bpsym/calculus/solving.py",
        "guards += [_at_least_zero(value - lower), _at_least_zero(upper - value)]",
        "guards += [_at_least_zero(value - lower)]",
        f"{_GRADIENTS}[shifted]",
    ),
    Fault(
        "a forgotten divisibility",
        "bpsym/calculus/solving.py",
        "        if value != rest:\n            guards.append(",
        "        if value == rest and step != 1:\n            guards.append(",
        f"{_GRADIENTS}[uneven_stride]",
    ),
    Fault(
        "swapped limits of a sum",
        "bpsym/calculus/solving.py",
        "        live[symbol] = (bound, upper)\n",
        "        live[symbol] = (lower, bound)\n",
        f"{_GRADIENTS}[cumulative]",
    ),
    Fault(
        "a triangle taken for its box",
        "bpsym/calculus/solving.py",
        "guards += [_at_least_zero(upper - Affine(0, {index: 1}))] if most != upper else []",
        "guards += []",
        f"{_GRADIENTS}[triangular]",
    ),
    Fault(
        "a sign lost in solving",
        "bpsym/calculus/solving.py",
        "* (-1 if coefficient > 0 else 1)",
        "* -1",
        f"{_GRADIENTS}[reversed_read]",
    ),
    Fault(
        "an equation of two that is not kept",
        "bpsym/calculus/solving.py",
        "    guards += [Zero(left.whole().expr()) for left in todo if left.terms or left.constant]\n",
        "",
        f"{_GRADIENTS}[diagonal]",
    ),
    Fault(
        "a divisor that does not grow with what it divides",
        "bpsym/calculus/solving.py",
        "Integer(int(guard.args[1] * factor))",
        "guard.args[1]",
        "tests/test_affine.py::test_the_solutions_are_the_points_that_meet_the_place",
    ),
    Fault(
        "a wrong minimum",
        "bpsym/calculus/affine.py",
        "value = value.put(symbol, box[symbol][0 if coefficient > 0 else 1])",
        "value = value.put(symbol, box[symbol][1 if coefficient > 0 else 0])",
        "tests/test_affine.py::test_the_minimum_over_a_box_is_the_least_of_its_points",
    ),
    Fault(
        "a size that may be 0",
        "bpsym/calculus/affine.py",
        "return value.constant + sum(value.terms.values())",
        "return value.constant",
        "tests/test_affine.py::test_a_bound_with_a_size_holds_for_every_size",
    ),
    Fault(
        "a condition that proves too much",
        "bpsym/calculus/affine.py",
        "if any(nonnegative(value - one * factor, box)",
        "if any(nonnegative(value + one * factor, box)",
        "tests/test_affine.py::test_what_follows_from_a_condition_is_true_wherever_it_holds",
    ),
    Fault(
        "a coefficient that is forgotten",
        "bpsym/calculus/affine.py",
        "return Affine(self.constant, rest) + value * coefficient",
        "return Affine(self.constant, rest) + value",
        "tests/test_affine.py::test_arithmetic_is_that_of_the_expressions",
    ),
    Fault(
        "a remainder that is overlooked",
        "bpsym/calculus/affine.py",
        "return value.constant % divisor == 0",
        "return True",
        "tests/test_affine.py::test_a_condition_holds_where_it_holds_at_every_point",
    ),
    Fault(
        "a forgotten rename",
        "bpsym/calculus/nodes.py",
        "            body = _rename(body, index, bound)",
        "            body = body.xreplace({})",
        "tests/test_calculus.py::test_two_sums_that_differ_in_the_index_alone_are_the_same_object",
    ),
    Fault(
        "a captured index",
        "bpsym/calculus/nodes.py",
        "        height = 1 + _height(body)\n",
        "        height = 1\n",
        "tests/test_calculus.py::test_a_sum_inside_a_sum_keeps_its_own_index",
    ),
    Fault(
        "an index that is free where something is put in",
        "bpsym/calculus/nodes.py",
        "while index in rule or any(index in value.free_symbols for value in rule.values()):",
        "while index in rule:",
        "tests/test_calculus.py::test_nothing_that_is_put_in_is_captured_by_a_name_that_a_sum_takes",
    ),
    Fault(
        "a strict comparison that is not",
        "bpsym/calculus/nodes.py",
        "Gt: lambda difference: NonNegative(difference - 1)",
        "Gt: lambda difference: NonNegative(difference)",
        "tests/test_refusals.py::test_a_strict_condition_leaves_out_its_limit",
    ),
    Fault(
        "a sum over nothing that is one",
        "bpsym/calculus/nodes.py",
        "return Add(*terms)",
        "return Add(*terms) if terms else S.One",
        "tests/test_calculus.py::test_a_sum_over_nothing_is_zero_and_over_one_value_its_term",
    ),
    Fault(
        "a tie that goes to the last",
        "bpsym/calculus/kinks.py",
        "for place, (part, value) in enumerate(zip(parts, values, strict=True), start=1)",
        "for place, (part, value) in enumerate(zip(parts[::-1], values[::-1], strict=True), start=1)",
        "tests/test_layers_to_come.py::test_in_pairs_the_even_element_comes_first_and_of_neighbours_the_lower_one",
    ),
    Fault(
        "a kink without a stated slope",
        "bpsym/calculus/kinks.py",
        "sign: lambda parts, _: Piecewise((1, parts[0] > 0),",
        "sign: lambda parts, _: Piecewise((1, parts[0] >= 0),",
        "tests/test_layers_to_come.py::test_the_slope_of_an_absolute_value_has_no_slope_of_its_own",
    ),
    Fault(
        "a tie of maxima that is shared",
        "bpsym/calculus/evaluate.py",
        "terms.index(max(terms)) == place",
        "max(terms) == terms[place]",
        "tests/test_layers_to_come.py::test_a_maximum_over_an_index_gives_its_whole_slope_to_the_lowest",
    ),
    Fault(
        "a sum that leaves out its last term",
        "bpsym/calculus/evaluate.py",
        "int(upper(environment)) + 1)\n            terms",
        "int(upper(environment)))\n            terms",
        "tests/test_calculus.py::test_a_sum_inside_a_sum_keeps_its_own_index",
    ),
    Fault(
        "one condition of two",
        "bpsym/calculus/evaluate.py",
        "lambda e: body(e) if all(one(e) for one in conditions) else zero",
        "lambda e: body(e) if any(one(e) for one in conditions) else zero",
        f"{_GRADIENTS}[zero_padded_convolution]",
    ),
    Fault(
        "an axis written out backwards",
        "bpsym/calculus/unroll.py",
        "        at = tuple(index.xreplace(place) for index in equation.at)\n",
        "        at = tuple(index.xreplace(place) for index in equation.at)[::-1]\n",
        "tests/test_calculus.py::test_the_square_commutes[dense]",
    ),
    Fault(
        "a kept axis that is summed away",
        "bpsym/calculus/unroll.py",
        "if node.values() is None or _runs_over_kept(program, node, keep):",
        "if node.values() is None:",
        "tests/test_layers_to_come.py::test_a_kept_axis_stays_in_a_maximum",
    ),
    Fault(
        "a factor pulled out twice",
        "bpsym/calculus/rewrites.py",
        "return Mul(*outside, IndexSum(Mul(*inside), index, expr.lower, expr.upper))",
        "return Mul(*outside, IndexSum(body, index, expr.lower, expr.upper))",
        "tests/test_calculus.py::test_constants_come_out_of_a_sum",
    ),
    Fault(
        "a rescaled definition that keeps its factor",
        "bpsym/calculus/rewrites.py",
        "return Add(*((term / factor).expand(deep=False, mul=False) for term in Add.make_args(raised)))",
        "return raised",
        "tests/test_calculus.py::test_rescaled_error_terms_leave_the_gradients_as_they_are",
    ),
    Fault(
        "a read that may leave its range at the end",
        "bpsym/calculus/checks.py",
        "inside = follows(value, certain, box) and follows(last - value, certain, box)",
        "inside = follows(value, certain, box)",
        "tests/test_refusals.py::test_what_is_refused_is_exactly_what_leaves",
    ),
    Fault(
        "parts that overlap",
        "bpsym/calculus/checks.py",
        "if not any(map(_apart, first.at, second.at)):",
        "if False and not any(map(_apart, first.at, second.at)):",
        "tests/test_refusals.py::test_an_element_defined_twice_is_refused",
    ),
    Fault(
        "a missing element",
        "bpsym/calculus/checks.py",
        "if (defined - Mul(*tensor.shape)).expand() != 0:",
        "if False:",
        "tests/test_refusals.py::test_an_element_that_no_equation_defines_is_refused",
    ),
    Fault(
        "a circle that stays on its place",
        "bpsym/calculus/circles.py",
        "if any(total[name, name] > 0 for name in names):",
        "if any(total[name, name] > 99 for name in names):",
        "tests/test_refusals.py::test_what_is_accepted_has_no_element_that_needs_itself",
    ),
    Fault(
        "reads of two directions",
        "bpsym/calculus/circles.py",
        "total[_edge(access)] = max(step, total.get(_edge(access), step))",
        "total[_edge(access)] = min(step, total.get(_edge(access), step))",
        "tests/test_refusals.py::test_what_is_accepted_has_no_element_that_needs_itself",
    ),
    Fault(
        "a product the wrong way round",
        "bpsym/calculus/contraction.py",
        "        return first > second\n",
        "        return first < second\n",
        "tests/test_contraction.py::test_a_dense_layer_is_a_product_with_the_transposed_weights",
    ),
    Fault(
        "a lost parenthesis",
        "bpsym/typeset/mathematics.py",
        "if not isinstance(form, kinds) and not self._is_negative(form):",
        "if not self._is_negative(form):",
        "tests/test_numeric_lines.py::test_a_fresh_derivation_recomputes_too",
    ),
    Fault(
        "a power raised without brackets",
        "bpsym/typeset/mathematics.py",
        """if "^" in text or r"\\frac" in text else ()""",
        """if r"\\frac" in text else ()""",
        "tests/test_numeric_lines.py::test_a_small_gradient_that_is_squared_stands_in_brackets[adagrad]",
    ),
    Fault(
        "a symbol with the meaning of another",
        "bpsym/network/optimizers.py",
        '"m": "first_moment", "v": "second_moment"',
        '"m": "second_moment", "v": "first_moment"',
        "tests/test_symbols.py::test_a_symbol_means_what_it_means_in_its_own_rule[optimizer adam]",
    ),
    Fault(
        "a loop the wrong way round",
        "bpsym/calculus/schedule.py",
        "(Loop(index, order.backwards, steps),)",
        "(Loop(index, not order.backwards, steps),)",
        "tests/test_schedule.py::test_a_recurrence_runs_forwards_and_its_adjoint_backwards",
    ),
    Fault(
        "parts of an axis in the wrong order",
        "bpsym/calculus/schedule.py",
        "in reversed(segments) if order.backwards else segments:",
        "in segments:",
        "tests/test_schedule.py::test_a_longer_recurrence_has_the_numbers_of_the_scalar_evaluation",
    ),
    Fault(
        "a step of a loop before what it reads",
        "bpsym/calculus/schedule.py",
        "for component in components(graph_of(inside, (piece.name for piece in pieces))):",
        "for component in reversed(list(components(graph_of(inside, (piece.name for piece in pieces))))):",
        "tests/test_schedule.py::test_within_a_step_of_a_loop_each_equation_follows_what_it_reads",
    ),
    Fault(
        "a guard that ends one step late",
        "bpsym/calculus/schedule.py",
        "if sign > 0 else (end + Affine(1, {}),),",
        "if sign > 0 else (end + Affine(2, {}),),",
        "tests/test_schedule.py::test_a_recurrence_runs_forwards_and_its_adjoint_backwards",
    ),
    Fault(
        "a part of an axis from its start",
        "bpsym/calculus/domains.py",
        "(rest - int(lower.constant)) % step",
        "0 * rest",
        "tests/test_domains.py::test_a_stride_starts_at_the_first_value_that_it_meets",
    ),
    Fault(
        "a lost limit of a sum",
        "bpsym/calculus/domains.py",
        "            return bound, upper\n",
        "            return lower, upper\n",
        "tests/test_domains.py::test_a_part_of_a_range_and_what_is_left_are_the_points_that_meet_the_conditions",
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
        "return found if normal(expanded(found), known) == normal(equation.value, known) else None",
        "return found",
        "tests/test_contraction.py::test_a_wrong_recognition_is_refused",
    ),
    Fault(
        "a slice that is one short",
        "bpsym/calculus/array_evaluate.py",
        "slice(start(loops), max(0, last(loops) + 1), step)",
        "slice(start(loops), max(0, last(loops)), step)",
        "tests/test_arrays.py::test_arrays_have_the_numbers_of_the_scalar_evaluation[shifted]",
    ),
    Fault(
        "a new axis on the wrong side",
        "bpsym/calculus/array_evaluate.py",
        "        at = tuple(slice(None) if axis in one.array.axes else None for axis in one.axes",
        "        at = tuple(slice(None) if axis in one.array.axes else None for axis in one.axes[::-1]",
        "tests/test_arrays.py::test_arrays_have_the_numbers_of_the_scalar_evaluation[softmax_cross_entropy]",
    ),
    Fault(
        "a mask on the wrong side",
        "bpsym/codegen/array_text.py",
        "if signs == (1, -1) else",
        "if signs == (-1, 1) else",
        "tests/test_numpy_source.py::test_attention_reads_like_a_textbook",
    ),
    Fault(
        "a part written over another",
        "bpsym/codegen/numpy_program.py",
        '"=" if number == 0 and plain is None else "+="',
        '"="',
        "tests/test_numpy_source.py::test_shifts_are_slices_and_their_adjoints_are_added_to_slices",
    ),
    Fault(
        "a condition that is no limit and is lost",
        "bpsym/calculus/domains.py",
        "for one in (*found.left, *others)]",
        "for one in others]",
        "tests/test_domains.py::test_a_condition_that_is_no_limit_stays_in_the_sum",
    ),
    Fault(
        "a sum over less than nothing",
        "bpsym/calculus/domains.py",
        "return count, () if may_be_counted(index) else (NonNegative(count),)",
        "return count, ()",
        "tests/test_domains.py::test_a_sum_over_no_value_counts_none",
    ),
    Fault(
        "a shift the wrong way",
        "bpsym/calculus/circles.py",
        "-delay if backwards else delay for",
        "delay if backwards else -delay for",
        "tests/test_schedule.py::test_shifts_order_a_circle_whose_reads_go_both_ways",
    ),
    Fault(
        "a column that is not spread",
        "bpsym/calculus/arrays.py",
        "        return spanned(one.array)\n",
        "        return set(one.axes)\n",
        "tests/test_numpy_source.py::test_a_value_without_the_last_index_is_the_same_in_every_column",
    ),
    Fault(
        "a logarithm with the wrong sign",
        "bpsym/calculus/safe.py",
        "return -_softplus(u)",
        "return _softplus(u)",
        "tests/test_rewrites.py::test_logarithms_are_worked_out_by_hand",
    ),
    Fault(
        "a shift that is forgotten in the loss",
        "bpsym/calculus/safe.py",
        "return Read(shift.maximum.name, *at) + log(Read(shift.total.name, *at))",
        "return log(Read(shift.total.name, *at))",
        "tests/test_rewrites.py::test_shifted_exponentials_have_the_same_values",
    ),
    Fault(
        "an element recognised as another",
        "bpsym/calculus/recognition.py",
        "if binding.get(pattern, expr) == expr:",
        "if True:",
        "tests/test_rewrites.py::test_what_belongs_to_another_sample_is_not_taken_for_it",
    ),
    Fault(
        "softmax without its shift",
        "bpsym/network/gradients.py",
        "program = _called(network, shifted(program, _roles))",
        "program = _called(network, program)",
        "tests/test_safety.py::test_cross_entropy_of_a_softmax_is_right_for_every_number",
    ),
    Fault(
        "cross-entropy without its fusion",
        "bpsym/network/gradients.py",
        "forward = fused(forward_program(network, samples, symbolic_widths=symbolic_widths, code=code))",
        "forward = forward_program(network, samples, symbolic_widths=symbolic_widths, code=code)",
        "tests/test_safety.py::test_a_loss_on_a_sigmoid_is_right_for_every_number",
    ),
    Fault(
        "an unsafe softplus",
        "bpsym/network/activations.py",
        '    scalar="max(z, 0.0) + log1p(exp(-abs(z)))",\n',
        "",
        "tests/test_safety.py::test_an_activation_and_its_slope_are_right_for_every_number",
    ),
    Fault(
        "a slope of leaky ReLU that leaks at 0",
        "bpsym/network/activations.py",
        'slope="1 if z > 0 else 0.01"',
        'slope="1 if z >= 0 else 0.01"',
        "tests/test_activations.py::test_the_slope_at_a_kink_is_the_one_that_is_stated",
    ),
    Fault(
        "a cross-entropy with the wrong sign",
        "bpsym/network/losses.py",
        'value="-t * log(a)"',
        'value="t * log(a)"',
        "tests/test_activations.py::test_each_loss_has_a_value_worked_out_by_hand",
    ),
    Fault(
        "an exponent of any size",
        "bpsym/network/expressions.py",
        "elif abs(number.value) > LARGEST_EXPONENT:",
        "elif abs(number.value) > 10 * LARGEST_EXPONENT:",
        "tests/test_expressions.py::test_a_formula_that_is_none_is_refused_at_once",
    ),
    Fault(
        "a comment that reaches the code",
        "bpsym/network/expressions.py",
        "return Formula(ast.unparse(tree), tree)",
        "return Formula(text.strip(), tree)",
        "tests/test_expressions.py::test_what_stands_behind_a_formula_does_not_reach_the_code",
    ),
    Fault(
        "a slope",
        "bpsym/network/activations.py",
        'slope="1 if z > 0 else 0.01"',
        'slope="1 if z > 0 else 0.1"',
        f"{EQUATIONS}[leaky_relu]",
    ),
    Fault(
        "a schedule that is a step early",
        "bpsym/network/schedules.py",
        "floor((n - 1) / step_size)",
        "floor(n / step_size)",
        f"{EQUATIONS}[step step_size=3]",
    ),
    Fault(
        "a missing correction of the bias to 0",
        "bpsym/network/optimizers.py",
        '"c1": "1 - beta1**n"',
        '"c1": "1"',
        f"{EQUATIONS}[adam]",
    ),
    Fault(
        "a penalty for biases",
        "bpsym/network/forward.py",
        "if tensor.role.kind == WEIGHTS]",
        "if tensor.role.kind in (WEIGHTS, BIASES)]",
        f"{EQUATIONS}[sgd]",
    ),
    Fault(
        "gradients that are clipped after the optimiser has seen them",
        "bpsym/network/update_rule.py",
        _CLIP + _STATES,
        _STATES + _CLIP,
        f"{EQUATIONS}[clip by norm]",
    ),
    Fault(
        "sequential error terms over old weights",
        "bpsym/network/training_program.py",
        "other if of_parameter else other | new_weights",
        "other",
        f"{EQUATIONS}[sequential]",
    ),
    Fault(
        "a mean for a sum",
        "bpsym/network/forward.py",
        'if network.reduction == "mean" else Integer(1)',
        'if network.reduction == "mean" else 1 / samples',
        f"{EQUATIONS}[sum]",
    ),
    Fault(
        "a softmax whose denominator is taken for a constant",
        "bpsym/network/forward.py",
        "        return Equation(a, (s, i), value)\n",
        "        return Equation(a, (s, i), value, ((value.as_numer_denom()[1], Integer(0)),))\n",
        f"{EQUATIONS}[softmax]",
    ),
    Fault(
        "a threshold",
        "bpsym/network/losses.py",
        "if abs(a - t) <= 1 else",
        "if abs(a - t) <= 2 else",
        f"{EQUATIONS}[huber]",
    ),
    Fault(
        "the gradient of a shared bias from its first unit alone",
        "bpsym/calculus/backward.py",
        "return sum_over(term.xreplace(place), *left)",
        "return sum_over(term.xreplace(place | {one: S.Zero for one in left[1:]}), *left[:1])",
        f"{EQUATIONS}[sgd]",
    ),
    Fault(
        "a step early in one target",
        "bpsym/codegen/python_step.py",
        "    step += 1",
        "    step += 2",
        f"{TRAINERS}[python-adam]",
    ),
    Fault(
        "a bias correction left out",
        "bpsym/network/optimizers.py",
        '(m / c1) / (sqrt(v / c2) + eps)",\n)\n\nADAMW',
        'm / (sqrt(v / c2) + eps)",\n)\n\nADAMW',
        "tests/test_training_rules.py::test_an_optimizer_steps_as_its_definition_says",
    ),
    Fault(
        "dampening in the first step",
        "bpsym/network/optimizers.py",
        "1 if n <= 1 else 1 - dampening",
        "1 if n <= 0 else 1 - dampening",
        "tests/test_training_rules.py::test_an_optimizer_steps_as_its_definition_says",
    ),
    Fault(
        "Nesterov's look ahead left out",
        "bpsym/network/optimizers.py",
        "p - eta * (g + momentum * v)",
        "p - eta * v",
        "tests/test_training_rules.py::test_an_optimizer_steps_as_its_definition_says",
    ),
    Fault(
        "a schedule a step late",
        "bpsym/network/schedules.py",
        "eta * gamma**(n - 1)",
        "eta * gamma**n",
        "tests/test_training_rules.py::test_a_schedule_gives_each_step_its_rate",
    ),
    Fault(
        "a warm-up that goes on",
        "bpsym/network/schedules.py",
        "eta * min(1, n / steps)",
        "eta * n / steps",
        "tests/test_training_rules.py::test_a_schedule_gives_each_step_its_rate",
    ),
    Fault(
        "a norm that stretches",
        "bpsym/network/clips.py",
        "max_norm / max(max_norm, norm)",
        "max_norm / norm",
        "tests/test_training_rules.py::test_a_norm_is_clipped_over_all_gradients_together",
    ),
    Fault(
        "an l2 without its half",
        "bpsym/network/forward.py",
        "Rational(network.l2) / 2",
        "Rational(network.l2)",
        "tests/test_training_rules.py::test_penalties_are_added_once_to_the_loss_and_to_the_gradient",
    ),
    Fault(
        "frozen parameters that decay",
        "bpsym/network/training_program.py",
        "trained = tuple(one for one in parameters(program) if one.name not in frozen)",
        "trained = parameters(program)",
        "tests/test_training_rules.py::test_no_optimizer_touches_what_is_frozen",
    ),
    Fault(
        "old weights in a sequential update",
        "bpsym/network/training_program.py",
        "value = rename_reads(one.value, other if of_parameter else other | new_weights)",
        "value = rename_reads(one.value, other)",
        "tests/test_training_rules.py::test_the_program_has_the_order_of_updates_too",
    ),
    Fault(
        "fans exchanged",
        "bpsym/network/start.py",
        "record.given(settings_in_doubles(init), columns, rows)",
        "record.given(settings_in_doubles(init), rows, columns)",
        "tests/test_starting_and_stopping.py::test_an_initializer_has_the_spread_of_its_definition",
    ),
    Fault(
        "one seed for every epoch",
        "templates/codegen/python.py.jinja",
        'random.Random(f"{SEED} {epoch}")',
        'random.Random(f"{SEED} 0")',
        "tests/test_starting_and_stopping.py::test_a_step_sees_the_next_batch_of_its_epoch",
    ),
    Fault(
        "a loss counted though its step was not made",
        "bpsym/codegen/stepping.py",
        '"if progress is not None and progress(step, value):",\n            "    break",\n            "losses.append(value)",',
        '"losses.append(value)",\n            "if progress is not None and progress(step, value):",\n            "    break",',
        "tests/test_starting_and_stopping.py::test_training_goes_on_exactly_where_it_stopped",
    ),
    Fault(
        "a number that gives way where max meets it",
        "bpsym/calculus/functions.py",
        "return bool(v.is_number and not u.is_number)",
        "return False",
        "tests/test_activations.py::test_the_slope_at_a_kink_is_the_one_that_is_stated[max(z, 0)-0-0]",
    ),
    Fault(
        "a kink said to have the slope of the other argument",
        "bpsym/network/ties.py",
        "_named(node, left, right, right if is_right else left)",
        "_named(node, left, right, right)",
        "tests/test_conventions.py::test_the_slope_at_the_kink_of_a_loss_is_stated_and_taken[max(a*t, a)-5.0-1.0-1.0-"
        "is differentiated there like $a^{(1)}_1 t$]",
    ),
    Fault(
        "a place of a kink with the wrong sign",
        "bpsym/network/ties.py",
        "_worked_out(tie.left, names) - _worked_out(tie.right, names)",
        "_worked_out(tie.left, names) + _worked_out(tie.right, names)",
        "tests/test_conventions.py::test_the_slope_at_each_kink_is_stated[max(z, 2*z - 1) + abs(z - 3)-stated6]",
    ),
    Fault(
        "a kink where both slopes are the same",
        "bpsym/derivation/kinks.py",
        "approximate(one) - approximate(other)) <= approximate(LITTLE)",
        "approximate(one) - approximate(other)) < 0",
        "tests/test_conventions.py::test_the_slope_at_each_kink_is_stated[z / (1 + abs(z))-stated13]",
    ),
    Fault(
        "a table without the sample that is shown",
        "bpsym/derivation/setting.py",
        "sorted({*range(FEW), self.sample})",
        "sorted({*range(FEW)})",
        "tests/test_sections.py::test_the_sample_that_is_shown_is_in_every_shortened_table",
    ),
    Fault(
        "contributions that are not scaled back from the mean",
        "bpsym/derivation/samples.py",
        'return opened * setting.samples if _reduction(setting) == "mean" else opened',
        "return opened",
        "tests/test_sections.py::test_with_indices_each_sample_has_its_matrices_of_contributions",
    ),
    Fault(
        "slopes of a layer that no chain passes",
        "bpsym/derivation/closing.py",
        "for layer in setting.reached() if",
        "for layer in setting.layers if",
        "tests/test_sections.py::test_slopes_are_shown_only_of_layers_that_a_chain_passes",
    ),
    Fault(
        "numbers through a function that is not said",
        "bpsym/derivation/training.py",
        " or any(map(is_general, example.network.layers))",
        "",
        "tests/test_sections.py::test_with_a_general_f_given_numbers_are_shown_and_nothing_is_computed[en]",
    ),
)


class Nursery:
    """The project without its history, in a folder where it may be broken, and the process that tests it there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        ignored = shutil.ignore_patterns(".git", "__pycache__", ".*_cache", "*.egg-info", "dist")
        shutil.copytree(ROOT, self.folder, ignore=ignored)
        # compiled files that are compared by content: a line is broken and mended within one tick of the clock
        hashed = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(self.folder / "bpsym", quiet=2, invalidation_mode=hashed)
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            cwd=self.folder,
            env=environment(PYTHONPATH=str(self.folder), PYTEST_ADDOPTS="", **one_thread),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def outcome(self, test: str) -> dict[str, Any]:
        """What pytest returns for the test in the folder as it is now, and what it says."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(test, file=self.process.stdin, flush=True)
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def close(self) -> None:
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module", name="nursery")
def _nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("planted"))
    yield nursery
    nursery.close()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_turns_its_test_red(fault: Fault, nursery: Nursery) -> None:
    path = nursery.folder / fault.file
    text = path.read_text(encoding="utf-8")
    assert text.count(fault.right) == 1, "the line that is broken stands there no more"
    path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    try:
        found = nursery.outcome(fault.test)
    finally:
        path.write_text(text, encoding="utf-8")
    # a test failed: 2 and above would be no test at all, and an exception of pytest itself is 1 too
    assert found["code"] == 1, found["said"]
    assert "\n1 failed" in found["said"], found["said"]


def test_what_is_not_broken_is_green_in_the_same_way(nursery: Nursery) -> None:
    found = nursery.outcome(f"{_GRADIENTS}[diagonal]")
    assert found["code"] == 0, found["said"]
