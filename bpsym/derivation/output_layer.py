"""How error terms come out, where more cancels in them than a product shows, or outputs depend on a whole layer."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Dummy, Expr, Symbol, diff

from bpsym.calculus.backward import adjoint_name
from bpsym.calculus.nodes import Read
from bpsym.derivation.forms import (
    Block,
    Cited,
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
from bpsym.derivation.opening import numbered
from bpsym.derivation.setting import Setting
from bpsym.network import roles
from bpsym.network.losses import loss_of
from bpsym.notation.formulas import formula_form

I, J, K = map(Symbol, "ijk")  # noqa: E741  (as in the formulas)


def cancelled(setting: Setting) -> Iterator[Block]:
    """Where the slope of the last activation cancels: from the partials of loss and activation to the error term."""
    if not activation(setting, setting.layers[-1]).is_layer_wide and is_cancelled(setting):
        yield from _in_one_unit(setting)


def over_the_layer(setting: Setting, layer: int) -> Iterator[Block]:
    """The error term of unit i of a layer whose outputs depend on all of its sums; else nothing."""
    if activation(setting, layer).other_formulas:
        yield from _added_up(setting, layer)
        if layer == setting.layers[-1]:
            yield from _targets(setting)
        yield Remark("layer_units", {"layer": layer, "cited": Cited(((_label(setting, layer),),))})


def _label(setting: Setting, layer: int) -> str:
    return "output-error-term" if layer == setting.layers[-1] else f"layer-error-term-{layer}"


def is_cancelled(setting: Setting) -> bool:
    """Whether the slope of the last activation is not to be seen in its error terms."""
    layer = setting.layers[-1]
    before, after = (letter(setting, kind, layer, I) for kind in (roles.PRE_ACTIVATION, roles.ACTIVATION))
    slope = slope_at(setting, layer, before, after)
    return not slope.is_number and without_slope(_error_term(setting, layer), slope) is None


def _error_term(setting: Setting, layer: int) -> Expr:
    z = _sum(setting, layer, I)
    return setting.value_of(Read(adjoint_name(z.name), *z.at))


def _output(setting: Setting, layer: int, index: Symbol) -> Read:
    return letter(setting, roles.ACTIVATION, layer, index)


def _sum(setting: Setting, layer: int, index: Symbol) -> Read:
    return letter(setting, roles.PRE_ACTIVATION, layer, index)


def _target(setting: Setting, index: Symbol) -> Read:
    return letter(setting, roles.TARGET, setting.layers[-1], index)


def _loss(setting: Setting) -> Form:
    return Element(setting.shown(setting.tensor(roles.SAMPLE_LOSS))[0])


def _partial(of: Read, by: Read) -> Partial:
    return Partial(Element(of), Element(by))


def _loss_slope(setting: Setting, index: Symbol) -> Expr:
    """The loss by the output of a unit of the last layer, as the record has it."""
    return loss_of(setting.example.network.loss).slope_at(
        _output(setting, setting.layers[-1], index), _target(setting, index), setting.names.widths[-1]
    )


def _differentiated(setting: Setting, index: Symbol) -> Expr:
    """The same, as it comes from the loss by the rules."""
    loss, place = loss_of(setting.example.network.loss), Dummy(real=True)
    value = loss.factor_of(setting.names.widths[-1]) * loss.at(place, _target(setting, index))
    return diff(value, place).xreplace({place: _output(setting, setting.layers[-1], index)})


def _in_one_unit(setting: Setting) -> Iterator[Block]:
    layer = setting.layers[-1]
    a, z = _output(setting, layer, I), _sum(setting, layer, I)
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
            (Product((by_output, _partial(a, z))), product, setting.ordered(_error_term(setting, layer))),
        ),
    )
    yield Remark("output_cancels")
    yield Equations(steps)


def layer_partials(setting: Setting, layer: int) -> Iterator[Block]:
    """Every output of the layer by its own sum, and by another one, where it depends on all of them."""
    if not activation(setting, layer).other_formulas:
        return
    record, a = activation(setting, layer), _output(setting, layer, I)
    own, another = _sum(setting, layer, I), _sum(setting, layer, J)
    names = {"z": Element(own), "a": Element(a)}
    other = names | {"y": Element(another), "b": Element(_output(setting, layer, J))}
    calls = layer_calls(setting, layer, Symbol("l"))
    yield Remark("layer_partials", {"output": Element(a)})
    yield Equations(
        (
            Step("", Element(a), (formula_form(record.formula, names, calls),)),
            Step("layer-own", _partial(a, own), _lines(record.line_formulas, names, calls)),
            Step("layer-other", _partial(a, another), _lines(record.other_formulas, other, calls)),
        )
    )


def _lines(formulas: tuple[object, ...], names: dict[str, Form], calls: object) -> tuple[Form, ...]:
    return tuple(formula_form(one, names, calls) for one in formulas)  # type: ignore[arg-type]


def _added_up(setting: Setting, layer: int) -> Iterator[Block]:
    """dE/dz_i = sum_k dE/da_k da_k/dz_i"""
    others = activation(setting, layer).other_formulas[-1]
    is_fused = not setting.has_adjoint(roles.ACTIVATION, layer)
    a_i, a_k = _output(setting, layer, I), _output(setting, layer, K)
    by = _sum(setting, layer, I)

    def by_output(index: Symbol) -> Form:
        if is_fused:
            return setting.ordered(_loss_slope(setting, index))
        return Partial(_loss(setting), Element(_output(setting, layer, index)))

    partials = SumOver("k", Product((Partial(_loss(setting), Element(a_k)), _partial(a_k, by))))
    other = formula_form(others, {"a": Element(a_k), "b": Element(a_i)})
    put_in = Sum(
        (
            product_of(by_output(I), slope_form_of(setting, layer, a_i)),
            SumOver(r"k \ne i", product_of(by_output(K), other)),
        )
    )
    cancelled = _cancelled(setting) if is_fused else put_in
    forms = _unlike([partials, put_in, cancelled, setting.ordered(_error_term(setting, layer))])
    yield Remark("layer_error_terms")
    yield Equations((Step(_label(setting, layer), Partial(_loss(setting), Element(by)), forms),))


def _cancelled(setting: Setting) -> Form:
    """The same sum of the last layer, with the slopes of loss and activation multiplied."""
    layer = setting.layers[-1]
    a_i, a_k = _output(setting, layer, I), _output(setting, layer, K)
    own = _loss_slope(setting, I) * activation(setting, layer).slope_at(None, a_i)
    other = -_loss_slope(setting, K) * a_k * a_i
    return Sum((setting.ordered(own), SumOver(r"k \ne i", setting.ordered(other))))


def _unlike(forms: list[Form]) -> tuple[Form, ...]:
    return tuple(dict.fromkeys(forms))


def _targets(setting: Setting) -> Iterator[Block]:
    """What the sum of a sample's targets is, where it stands in the error terms."""
    data, term = setting.example.data, _error_term(setting, setting.layers[-1])
    if data is None or data.t is None or not term.has(_target(setting, I).args[0]):
        return
    other = [sample for sample, row in enumerate(data.t) if sum(row) != 1]
    if not other:
        yield Remark("targets_one")
    else:
        key = "targets_other" if len(other) == 1 else "targets_others"
        yield Remark(key, {"samples": numbered(other)})


__all__ = ["cancelled", "is_cancelled", "layer_partials", "over_the_layer"]
