"""Layers that bpsym does not offer yet: what their gradients are at kinks, and that they agree with each other.

`tests/programs.py` writes down their forward equations; `tests/test_calculus.py` holds all of them against witnesses.
"""

from __future__ import annotations
