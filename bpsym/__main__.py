"""`python -m bpsym`, and the console script."""

import gc
import os
import sys


def main() -> int:
    """Run the process's command line and return its exit code; 130 where it is interrupted while it still loads.

    The process lives for less than a second, so what would only tidy up is left out: that is a third of the time
    that SymPy's import takes (tests/benchmarks/startup.py).
    """
    gc.set_threshold(1_000_000)
    os.environ.setdefault(
        "PYDANTIC_DISABLE_PLUGINS", "__all__"
    )  # it would search all installed packages for them
    try:
        from bpsym import cli

        return cli.main()
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()  # no last collection when Python ends


if __name__ == "__main__":
    sys.exit(main())
