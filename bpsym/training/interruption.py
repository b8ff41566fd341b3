"""Ctrl-C while a step is made: it is made to its end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHELLS = 128
"""What a shell adds to the number of the signal that ended a program."""


class Interruption:
    """Whether a signal has asked to stop; may_break: whether a second one breaks off what is being done."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.may_break = True

    def __call__(self) -> bool:
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        return SHELLS + (self.signal or 0)

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Remember the signal; who asks twice does not wait for the step, and is heard no more."""
        del frame
        again, self.signal = self.signal is not None, self.signal or number
        if again and self.may_break:
            self.may_break = False
            raise KeyboardInterrupt


@contextmanager
def after_the_step() -> Iterator[Interruption]:
    """Signals that end a program are only remembered; one that is ignored stays so."""
    interruption = Interruption()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    listened = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    try:
        for number in listened:
            signal.signal(number, interruption.ask)
        yield interruption
    finally:
        for number, handler in listened.items():
            signal.signal(number, handler)
