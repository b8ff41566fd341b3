"""`python -m bpsym`, and the console script."""

import gc
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def main() -> int:
    """Run the process's command line and return its exit code; 130 where it is interrupted, while it still loads too.

    The process lives for less than a second, so what would only tidy up is left out: that is a third of the time
    that SymPy's import takes (tests/benchmarks/startup.py).
    """
    gc.set_threshold(1_000_000)
    os.environ.setdefault(
        "PYDANTIC_DISABLE_PLUGINS", "__all__"
    )  # it would search all installed packages for them
    try:
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
            signal.signal(signal.SIGINT, _interrupt_once)
        from bpsym import cli

        code = cli.main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        gc.freeze()  # no last collection when Python ends
    return code


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """KeyboardInterrupt; who goes on pressing Ctrl-C waits for the end, which would otherwise have no exit code."""
    del frame
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
