"""What a derivation ends with: vanishing gradients, and the code."""

from __future__ import annotations

from collections.abc import Iterator

from bpsym.derivation.forms import (
    Applied,
    Block,
    Comparison,
    Element,
    Equations,
    Listing,
    Remark,
    Section,
    Step,
    Variable,
    product_of,
)
from bpsym.derivation.functions import activation, first_of_each_activation, slope_form
from bpsym.derivation.gradients import link_slope
from bpsym.derivation.output_layer import is_cancelled
from bpsym.derivation.setting import Setting
from bpsym.network import roles
from bpsym.notation.formulas import formula_form


def vanishing(setting: Setting) -> Iterator[Section]:
    """The slopes that this network's chains are multiplied with."""
    layers = [layer for layer in setting.reached() if _has_slopes(setting, layer)]
    if setting.indexed or not layers or setting.before is None:
        return
    steps = tuple(step for layer in reversed(layers) for step in _slopes(setting, layer))
    lead = Remark("vanishing_lead" if len(steps) > 1 else "vanishing_lead_one")
    blocks: list[Block] = [lead, Equations(steps, compact=True), *_left_out(setting)]
    bounds = tuple(_bounds(setting, layers))
    if bounds:
        blocks.append(Remark("bounded", {"bounds": bounds}))
    if layers == setting.reached():
        blocks += _product_of_slopes(setting)
    yield Section("vanishing", (*blocks, Remark("vanishing_end")))


def _bounds(setting: Setting, layers: list[int]) -> Iterator[Comparison]:
    """f'(z) <= its least upper bound, where that is known; = where the slope is the same everywhere."""
    for layer in first_of_each_activation(setting, layers):
        record = activation(setting, layer)
        if record.steepest_formula is not None:
            slope = Applied(layer, record.name, Variable("z"), order=1)
            sign = "=" if record.slope == record.steepest else "<="
            yield Comparison(slope, sign, formula_form(record.steepest_formula, {}))


def _has_slopes(setting: Setting, layer: int) -> bool:
    """Whether a chain is multiplied by a slope of its own there: none that the loss's slope cancels."""
    record = activation(setting, layer)
    cancels = layer == setting.layers[-1] and not record.is_layer_wide and is_cancelled(setting)
    return not (record.is_layer_wide or record.is_unspecified or cancels)


def _left_out(setting: Setting) -> Iterator[Remark]:
    """Why there are no slopes of some layers."""
    layers = setting.reached()
    if any(activation(setting, layer).is_layer_wide for layer in layers):
        yield Remark("vanishing_layer_wide")
    elif layers[-1] == setting.layers[-1] and not _has_slopes(setting, layers[-1]):
        yield Remark("vanishing_cancelled")


def _slopes(setting: Setting, layer: int) -> Iterator[Step]:
    z, a = setting.tensor(roles.PRE_ACTIVATION, layer), setting.tensor(roles.ACTIVATION, layer)
    for before, after in zip(setting.elements(z), setting.elements(a), strict=True):
        slope = slope_form(setting, layer, before, after)
        value = setting.worth(slope)
        lhs = Applied(layer, setting.activation(layer), Element(before), order=1)
        forms = (slope,) if slope != lhs else (lhs,)
        yield Step("", lhs, forms, value)


def _product_of_slopes(setting: Setting) -> list[Block]:
    """The slopes on the first path to the first parameter that is trained, multiplied; where there are several."""
    parameter = setting.elements(setting.trained()[0])[0]
    path = next(setting.chains.each_path(parameter))
    links = [link for link in path if link.equation.tensor.role.kind == roles.ACTIVATION]
    if len(links) == 1:
        return []
    layers = [link.equation.tensor.role.layer for link in links]
    signs = [
        Applied(layer, setting.activation(layer), Element(link.by), order=1)
        for layer, link in zip(layers, links, strict=True)
    ]
    slopes = product_of(*(link_slope(setting, link) for link in links))
    value = setting.worth(slopes)
    key = "vanishing_product" if setting.chains.count(parameter) == 1 else "vanishing_path"
    return [
        Remark(key, {"parameter": Element(parameter)}),
        Equations((Step("", product_of(*signs), (slopes,), value),), compact=True),
    ]


def code(setting: Setting) -> Iterator[Section]:
    """The trainer; where a line for each parameter would be too much, that for arrays."""
    target = "numpy" if setting.indexed else "python"
    if any(activation(setting, layer).is_unspecified for layer in setting.layers):
        return
    yield Section("code", (Remark("code_lead"), Listing(target)))
