"""How the error terms of the last layer come out, where more cancels in them than a product shows."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Dummy, Expr, Symbol, diff

from bpsym.calculus.backward import adjoint_name
from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import (
    Block,
    Element,
    Equations,
    Form,
    Partial,
    Product,
    Remark,
    Step,
    Sum,
    SumOver,
    product_of,
)
from bpsym.derivation.functions import activation, layer_calls, letter, slope_at, slope_form_of, without_slope
from bpsym.derivation.setting import Setting
from bpsym.network import roles
from bpsym.network.losses import loss_of
from bpsym.notation.formulas import formula_form

I, J, K = map(Symbol, "ijk")  # noqa: E741  (as in the formulas)


def output_layer(setting: Setting) -> Iterator[Block]:
    """The lines from the partials of loss and activation to the error term of unit i, as general formulas."""
    record = activation(setting, setting.layers[-1])
    if record.is_layer_wide and not record.other_formulas:
        return
    if record.is_layer_wide:
        yield from _layer_partials(setting)
        yield from _over_the_layer(setting)
        yield from _targets(setting)
    elif _is_cancelled(setting):
        yield from _in_one_unit(setting)


def _is_cancelled(setting: Setting) -> bool:
    """Whether the slope of the last activation is not to be seen in its error terms."""
    layer = setting.layers[-1]
    before, after = (letter(setting, kind, layer, I) for kind in (roles.PRE_ACTIVATION, roles.ACTIVATION))
    slope = slope_at(setting, layer, before, after)
    return not slope.is_number and without_slope(_error_term(setting), slope) is None


def _error_term(setting: Setting) -> Expr:
    z = _sum(setting, I)
    return setting.value_of(Read(adjoint_name(z.name), *z.at))


def _output(setting: Setting, index: Symbol) -> Read:
    return letter(setting, roles.ACTIVATION, setting.layers[-1], index)


def _sum(setting: Setting, index: Symbol) -> Read:
    return letter(setting, roles.PRE_ACTIVATION, setting.layers[-1], index)


def _target(setting: Setting, index: Symbol) -> Read:
    return letter(setting, roles.TARGET, setting.layers[-1], index)


def _loss(setting: Setting) -> Form:
    return Element(setting.elements(setting.tensor(roles.SAMPLE_LOSS))[0])


def _partial(of: Read, by: Read) -> Partial:
    return Partial(Element(of), Element(by))


def _loss_slope(setting: Setting, index: Symbol) -> Expr:
    """The loss by the output of a unit, as the record has it."""
    return loss_of(setting.example.network.loss).slope_at(
        _output(setting, index), _target(setting, index), setting.names.widths[-1]
    )


def _differentiated(setting: Setting, index: Symbol) -> Expr:
    """The same, as it comes from the loss by the rules."""
    loss, place = loss_of(setting.example.network.loss), Dummy(real=True)
    value = loss.factor_of(setting.names.widths[-1]) * loss.at(place, _target(setting, index))
    return diff(value, place).xreplace({place: _output(setting, index)})


def _in_one_unit(setting: Setting) -> Iterator[Block]:
    layer, a, z = setting.layers[-1], _output(setting, I), _sum(setting, I)
    slope = _loss_slope(setting, I)
    by_output = Partial(_loss(setting), Element(a))
    lines = _unlike([setting.ordered(_differentiated(setting, I)), setting.ordered(slope)])
    textbook = slope_form_of(setting, layer, a)
    product = product_of(setting.ordered(slope), textbook)
    steps = (
        Step("", by_output, lines),
        Step("", _partial(a, z), (textbook,)),
        Step(
            "output-error-term",
            Partial(_loss(setting), Element(z)),
            (Product((by_output, _partial(a, z))), product, setting.ordered(_error_term(setting))),
        ),
    )
    yield Remark("output_cancels")
    yield Equations(steps)


def _layer_partials(setting: Setting) -> Iterator[Block]:
    """Every output of the layer by its own sum, and by another one."""
    record, a = activation(setting, setting.layers[-1]), _output(setting, I)
    names = {"z": Element(_sum(setting, I)), "a": Element(a)}
    other = names | {"y": Element(_sum(setting, J)), "b": Element(_output(setting, J))}
    calls = layer_calls(setting, setting.layers[-1], Symbol("l"))
    yield Remark("layer_partials")
    yield Equations(
        (
            Step("", Element(a), (formula_form(record.formula, names, calls),)),
            Step("layer-own", _partial(a, _sum(setting, I)), _lines(record.line_formulas, names, calls)),
            Step("layer-other", _partial(a, _sum(setting, J)), _lines(record.other_formulas, other, calls)),
        )
    )


def _lines(formulas: tuple[object, ...], names: dict[str, Form], calls: object) -> tuple[Form, ...]:
    return tuple(formula_form(one, names, calls) for one in formulas)  # type: ignore[arg-type]


def _over_the_layer(setting: Setting) -> Iterator[Block]:
    """dE/dz_i = sum_k dE/da_k da_k/dz_i"""
    record = activation(setting, setting.layers[-1])
    others = record.other_formulas[-1]
    a_i, a_k = _output(setting, I), _output(setting, K)
    by = _sum(setting, I)
    partials = SumOver("k", Product((Partial(_loss(setting), Element(a_k)), _partial(a_k, by))))
    put_in = Sum(
        (
            product_of(
                setting.ordered(_loss_slope(setting, I)), slope_form_of(setting, setting.layers[-1], a_i)
            ),
            SumOver(
                r"k \ne i",
                product_of(
                    setting.ordered(_loss_slope(setting, K)),
                    formula_form(others, {"a": Element(a_k), "b": Element(a_i)}),
                ),
            ),
        )
    )
    cancelled = Sum(
        (
            setting.ordered(_loss_slope(setting, I) * record.slope_at(None, a_i)),
            SumOver(r"k \ne i", setting.ordered(-_loss_slope(setting, K) * a_k * a_i)),
        )
    )
    forms = _unlike([partials, put_in, cancelled, setting.ordered(_error_term(setting))])
    yield Remark("layer_error_terms")
    yield Equations((Step("output-error-term", Partial(_loss(setting), Element(by)), forms),))


def _unlike(forms: list[Form]) -> tuple[Form, ...]:
    return tuple(dict.fromkeys(forms))


def _targets(setting: Setting) -> Iterator[Block]:
    """What the sum of a sample's targets is, where it stands in the error terms."""
    data = setting.example.data
    if data is None or data.t is None or not _error_term(setting).has(_target(setting, I).args[0]):
        return
    other = tuple(number for number, row in enumerate(data.t, start=1) if sum(row) != 1)
    if not other:
        yield Remark("targets_one")
    else:
        yield Remark("targets_other", {"samples": tuple(map(str, other[:5]))})


__all__ = ["output_layer"]
