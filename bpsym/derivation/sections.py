"""The sections of a derivation, in the order in which they are read; each is a function of the setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bpsym.derivation.closing import code, vanishing
from bpsym.derivation.error_terms import error_terms
from bpsym.derivation.forms import Section
from bpsym.derivation.gradients import gradients
from bpsym.derivation.opening import conventions, given, network, symbols
from bpsym.derivation.passes import forward, loss, second_pass
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


def sections(setting: Setting) -> tuple[Section, ...]:
    """Everything that is shown, from the table of symbols to the trainer's code."""
    written = [write for write in ORDER if setting.trained() or write not in OF_TRAINING]
    return tuple(section for write in written for section in write(setting))
