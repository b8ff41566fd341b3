"""The course of a run as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from bpsym.errors import MissingProgramError
from bpsym.training.loop import Look

SUFFIXES = (".png", ".svg")
_METADATA: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}}
"""The same run gives the same bytes: neither a date nor a version."""


def require() -> None:
    """MissingProgramError where matplotlib is not installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise MissingProgramError(
            "--plot needs matplotlib, which is not installed (pip install 'bpsym[plots]')", "bpsym[plots]"
        ) from None


def drawn(looks: Sequence[Look], title: str, suffix: str) -> bytes:
    """Losses over steps, and the accuracy on an axis of its own, as PNG or SVG."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "bpsym", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        axes.set(title=title, xlabel="step", ylabel="loss")
        _curve(axes, looks, "loss", "loss", "C0")
        _curve(axes, looks, "validation_loss", "validation loss", "C1")
        if all(look.loss > 0 for look in looks):
            axes.set_yscale("log")
        if looks[0].accuracy is not None:
            right = axes.twinx()
            right.set(ylabel="accuracy", ylim=(0, 1.02))
            _curve(right, looks, "accuracy", "accuracy", "C2")
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        stream = BytesIO()
        kind = suffix.removeprefix(".")
        figure.savefig(stream, format=kind, dpi=150, metadata=_METADATA[kind])
    return stream.getvalue()


def _curve(axes: Any, looks: Sequence[Look], field: str, label: str, colour: str) -> None:
    points = [(look.step, getattr(look, field)) for look in looks if getattr(look, field) is not None]
    if points:
        steps, values = zip(*points, strict=True)
        axes.plot(steps, values, label=label, color=colour)
