"""The sections of a derivation, in the order in which they are read; each is a function of the setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from bpsym.derivation.closing import code, vanishing
from bpsym.derivation.error_terms import error_terms
from bpsym.derivation.forms import Block, Call, Items, Remark, Section
from bpsym.derivation.gradients import gradients
from bpsym.derivation.kinks import SIGN
from bpsym.derivation.opening import conventions, given, network, symbols
from bpsym.derivation.passes import forward, loss
from bpsym.derivation.second_pass import second_pass
from bpsym.derivation.setting import Setting
from bpsym.derivation.updates import trained, update

ORDER: tuple[Callable[[Setting], Iterator[Section]], ...] = (
    symbols,
    conventions,
    network,
    given,
    forward,
    loss,
    gradients,
    error_terms,
    update,
    second_pass,
    trained,
    vanishing,
    code,
)

OF_TRAINING = (gradients, error_terms, second_pass, trained, vanishing)
"""What makes no sense where all parameters are frozen."""

ONCE = ("other_activation",)
"""The sentences that are said once in a derivation."""


def sections(setting: Setting) -> tuple[Section, ...]:
    """Everything that is shown, from the table of symbols to the trainer's code."""
    written = [write for write in ORDER if setting.trained() or write not in OF_TRAINING]
    found = _said_once(tuple(section for write in written for section in write(setting)))
    return found if "sign" in _called(found) else tuple(map(_without_sign, found))


def _said_once(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """The sections with the first only of the sentences that hold for all that is alike."""
    said: set[str] = set()

    def is_new(block: Block) -> bool:
        if not isinstance(block, Remark) or block.key not in ONCE:
            return True
        new = block.key not in said
        said.add(block.key)
        return new

    return tuple(replace(one, blocks=tuple(filter(is_new, one.blocks))) for one in sections)


def _called(part: Any) -> set[str]:
    """The names of the functions in the equations of a part of the derivation; sentences are left out."""
    if isinstance(part, tuple):
        return {name for one in part for name in _called(one)}
    if isinstance(part, Remark | Items) or not is_dataclass(part):
        return set()
    own = {part.name} if isinstance(part, Call) else set()
    return own.union(*(_called(getattr(part, each.name)) for each in fields(part)))


def _without_sign(section: Section) -> Section:
    """The section without the convention on the sign function."""

    def kept(block: Block) -> Block:
        if not isinstance(block, Items):
            return block
        return replace(block, remarks=tuple(one for one in block.remarks if one.key != SIGN))

    return replace(section, blocks=tuple(map(kept, section.blocks)))
