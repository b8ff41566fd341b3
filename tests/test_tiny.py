"""The whole system on the blog's network, in a second."""

from __future__ import annotations

import pytest

import bpsym


def test_the_blogs_network_is_derived_generated_and_trained() -> None:
    example = bpsym.load("blog")
    latex = bpsym.derive(example).to_latex()
    assert r"\frac{\partial C}{\partial w_{31}}" in latex
    assert r"2.91821 \cdot 10^{-7}" in latex
    trainer = bpsym.trainer(example, target="python")
    parameters, losses = trainer.train(trainer.INITIAL, [[0.35, 0.9]], [[0.5]], 1.0, 100)
    assert losses[0] == pytest.approx(0.018103903836566779, rel=1e-14)
    assert trainer.loss(parameters, [[0.35, 0.9]], [[0.5]]) == pytest.approx(2.918213772e-07, rel=1e-9)
    assert parameters.w53 == pytest.approx(-0.300472254293, abs=1e-12)
