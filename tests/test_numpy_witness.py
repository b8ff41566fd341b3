"""The NumPy witness by itself, before it judges anything: central differences, PyTorch, published figures."""

from __future__ import annotations

import ast
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.witness.differences import central_differences
from tests.witness.numpy_trainer import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    OWN_ACTIVATIONS,
    OWN_LOSSES,
    SCHEDULES,
    Choice,
    Layer,
    Network,
    Parameters,
    Rule,
    Trainer,
    activation_of,
    in_order,
    loss_of,
    shuffled,
)
from tests.witness.rounding import Rounded, discrepancy, precise, rounded, values, with_scales

BIASES = ("none", "neuron", "layer")


def start(network: Network, seed: int = 1) -> Parameters:
    draw = random.Random(seed)
    return tuple(
        np.array([draw.uniform(-1, 1) for _ in range(math.prod(shape))]).reshape(shape)
        for shape in network.shapes()
    )


def data(network: Network, samples: int = 3, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    draw = random.Random(seed)
    x, t = (
        np.array([[draw.uniform(0.1, 0.9) for _ in range(width)] for _ in range(samples)])
        for width in (network.inputs, network.layers[-1].units)
    )
    return x - 0.5, t


def network_of(activation: str, loss: str, **more: Any) -> Network:
    """2-3-2-3, the activation in the middle, the outputs such as the loss allows."""
    outputs = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}.get(loss, "tanh")
    layers = (Layer(3, activation, "neuron"), Layer(2, "tanh", "layer"), Layer(3, outputs, "none"))
    return Network(2, layers, loss, **more)


CASES = [
    *(network_of(name, "squared_error") for name in ACTIVATIONS | OWN_ACTIVATIONS),
    *(Network(2, (Layer(3, name),), "huber") for name in ACTIVATIONS | OWN_ACTIVATIONS),
    *(network_of("silu", name) for name in LOSSES | OWN_LOSSES),
    *(Network(2, (Layer(3, name),), "cross_entropy") for name in ("softmax", "sigmoid")),
    *(Network(2, (Layer(3, name),), "binary_cross_entropy") for name in ("softmax", "sigmoid")),
    *(
        network_of("tanh", "half_squared_error", reduction=reduction, l1=0.3, l2=0.2)
        for reduction in ("mean", "sum")
    ),
    *(Network(2, (Layer(3, "tanh", bias), Layer(2, "sigmoid", bias)), l2=0.1) for bias in BIASES),
]


def title(network: Network) -> str:
    return "-".join(layer.activation for layer in network.layers) + f", {network.loss}"


@pytest.mark.parametrize("network", CASES, ids=title)
def test_its_gradients_are_the_slopes_of_its_loss(network: Network) -> None:
    witness, parameters, (x, t) = Trainer(network), start(network), data(network)
    shapes = network.shapes()

    def loss(flat: list[Any]) -> Any:
        numbers = iter(flat)
        at = [
            np.array([next(numbers) for _ in range(math.prod(shape))], dtype=object).reshape(shape)
            for shape in shapes
        ]
        return witness.loss(tuple(at), precise(x), precise(t))

    slopes = central_differences(loss, [float(entry) for p in parameters for entry in np.ravel(p)])
    found = witness.gradients(with_all_scales(parameters), with_scales(x), with_scales(t))
    flat = np.concatenate([np.ravel(g) for g in found])
    assert discrepancy([np.array(slopes, dtype=float)], [flat]) <= 1e-14


def with_all_scales(parameters: Parameters) -> Parameters:
    return tuple(map(with_scales, parameters))


def test_frozen_parameters_have_no_gradient_and_stay() -> None:
    layers = (Layer(3, "tanh", "neuron", ("weights",)), Layer(2, "tanh", "layer", ("biases",)))
    network = Network(2, layers, l1=0.3, l2=0.1)
    free = Network(2, (Layer(3, "tanh", "neuron"), Layer(2, "tanh", "layer")), l1=0.3, l2=0.1)
    parameters, (x, t) = start(network), data(network)
    gradients, others = (Trainer(one).gradients(parameters, x, t) for one in (network, free))
    for number, trained in enumerate((False, True, True, False)):
        assert np.array_equal(gradients[number], others[number] if trained else 0 * others[number])
    for name in OPTIMIZERS:
        after, _ = Trainer(network, Rule(Choice(name))).update(parameters, None, x, t, 0.1)
        moved = [not np.array_equal(before, now) for before, now in zip(parameters, after, strict=True)]
        assert moved == [False, True, True, False]


@pytest.mark.parametrize("network", CASES, ids=title)
def test_its_numbers_are_the_same_with_scales_and_with_reversed_sums(network: Network) -> None:
    parameters, (x, t) = start(network), data(network)
    scaled = (with_all_scales(parameters), with_scales(x), with_scales(t))
    rule = Rule(Choice("adam"), clip=Choice("norm", {"max_norm": 0.1}))
    right, control, exact = (Trainer(network, rule, reverse) for reverse in (False, True, False))
    for trainer in (right, control):
        found = trainer.gradients(parameters, x, t)
        assert discrepancy(found, exact.gradients(*scaled)) <= 1e-15
        assert discrepancy([trainer.loss(parameters, x, t)], [exact.loss(*scaled)]) <= 1e-15
        after, _ = trainer.update(parameters, None, x, t, 0.1)
        assert discrepancy(after, exact.update(scaled[0], None, *scaled[1:], 0.1)[0]) <= 1e-15


def test_a_scale_is_the_sum_of_the_absolute_values_of_the_terms() -> None:
    total = rounded(3.0) * rounded(2.0) - rounded(6.0)
    assert total.value == 0
    assert 6 + 6 <= total.scale <= 3 * 6 + 1e-9
    assert discrepancy([1e-11], [total]) < 1e-12
    assert discrepancy([math.nan], [total]) == math.inf
    assert rounded(1e-9).sqrt().scale < 1e-4
    assert Rounded(0.0, 1.0).sqrt().scale == 1.0
    assert values([total]) == [0.0]


# At kinks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("z / (1 + abs(z))", 1.0)]
)
def test_slopes_at_kinks_are_those_of_the_contract(name: str, slope: float) -> None:
    zero = np.zeros((1, 1))
    activation = activation_of(name)
    assert activation.back(np.ones((1, 1)), zero, activation.value(zero)) == slope


def test_absolute_values_have_slope_zero_at_zero() -> None:
    assert loss_of("absolute_error").slope(np.array([[0.5]]), np.array([[0.5]])) == 0
    network = Network(1, (Layer(1, bias="none"),), l1=0.5)
    (gradient,) = Trainer(network).gradients((np.zeros((1, 1)),), np.ones((1, 1)), np.zeros((1, 1)))
    assert gradient == 0


# By hand ---------------------------------------------------------------------------------------------------------


def test_losses_are_those_computed_by_hand() -> None:
    """a = (0.8, 0.3), t = (0.5, 2): d = (0.3, -1.7). Cross-entropies with t = (1, 0): -ln 0.8 and -ln 0.8 - ln 0.7."""
    a = np.array([[0.8, 0.3]])
    by_hand = {
        "half_squared_error": (0.09 + 2.89) / 2,
        "squared_error": 2.98,
        "mean_squared_error": 1.49,
        "absolute_error": 2.0,
        "huber": 0.045 + 1.2,
    }
    for name, right in by_hand.items():
        assert loss_of(name).error(a, np.array([[0.5, 2.0]])).sum() == pytest.approx(right, rel=1e-14)
    one = np.array([[1.0, 0.0]])
    assert loss_of("cross_entropy").error(a, one).sum() == pytest.approx(0.22314355131420976, rel=1e-14)
    both = 0.22314355131420976 + 0.35667494393873245
    assert loss_of("binary_cross_entropy").error(a, one).sum() == pytest.approx(both, rel=1e-14)


def test_the_first_steps_of_optimisers_are_those_computed_by_hand() -> None:
    """One weight 1, input 1, target 0, half the squared error: g = w. Learning rate 0.1."""
    network = Network(1, (Layer(1, bias="none"),))
    x, t = np.ones((1, 1)), np.zeros((1, 1))
    after_two = {
        "sgd": 0.9 * 0.9,
        "momentum": 0.9 - 0.1 * (0.9 * 1 + 0.9),
        "nesterov": 0.81 - 0.1 * (0.81 + 0.9 * (0.9 + 0.81)),
        "adagrad": 0.9 - 0.1 * 0.9 / math.sqrt(1 + 0.81),
        "rmsprop": -0.1 * 0 / math.sqrt(0.0099 + 0),
        "adam": 0.9 - 0.1 * (0.09 + 0.09) / 0.19 / math.sqrt((0.000999 + 0.00081) / 0.001999),
    }
    for name, right in after_two.items():
        (found,), _, _ = Trainer(network, Rule(Choice(name))).train((np.ones((1, 1)),), x, t, 0.1, 2)
        assert found.item() == pytest.approx(right, rel=1e-7, abs=1e-6), name


@pytest.mark.parametrize(
    ("name", "settings", "right"),
    [
        ("step", {"step_size": 2}, [1, 1, 0.1, 0.1, 0.01]),
        ("exponential", {"gamma": 0.5}, [1, 0.5, 0.25, 0.125, 0.0625]),
        ("cosine", {"T_max": 2, "eta_min": 0.2}, [1, 0.6, 0.2, 0.6, 1]),
        ("warmup", {"steps": 4}, [0.25, 0.5, 0.75, 1, 1]),
    ],
)
def test_schedules_give_the_rates_computed_by_hand(name: str, settings: Any, right: list[float]) -> None:
    assert [SCHEDULES[name](1.0, n, **settings) for n in range(5)] == pytest.approx(right, rel=1e-14)


def test_clipping_by_value_and_by_norm() -> None:
    """One weight -3, input 1, target 1: g = -4 by hand."""
    network = Network(1, (Layer(1, bias="none"),))
    at = ((np.array([[-3.0]]),), None, np.ones((1, 1)), np.ones((1, 1)), 1.0)
    for clip, right in (
        (Choice("value", {"clip_value": 0.5}), -2.5),
        (Choice("norm", {"max_norm": 2.0}), -1.0),
        (Choice("norm", {"max_norm": 5.0}), 1.0),
    ):
        (found,), _ = Trainer(network, Rule(clip=clip)).update(*at)
        assert found.item() == pytest.approx(right, rel=1e-14)


def test_batches_in_order_end_with_what_is_left() -> None:
    assert in_order(5, 2, 4) == [[0, 1], [2, 3], [4], [0, 1]]


def test_shuffled_batches_see_every_sample_once_an_epoch_in_an_order_of_its_own() -> None:
    order = shuffled(5, 2, 6, seed=3)
    assert list(map(len, order)) == [2, 2, 1, 2, 2, 1]
    first, second = ([row for rows in half for row in rows] for half in (order[:3], order[3:]))
    assert sorted(first) == sorted(second) == list(range(5))
    assert len({tuple(first), tuple(second), tuple(range(5))}) == 3
    assert order == shuffled(5, 2, 6, seed=3) != shuffled(5, 2, 6, seed=4)


# Published figures -----------------------------------------------------------------------------------------------

MAZUR = Network(2, (Layer(2, "sigmoid", "layer", ("biases",)), Layer(2, "sigmoid", "layer", ("biases",))))
MAZUR_START = tuple(
    map(np.asarray, ([[0.15, 0.2], [0.25, 0.3]], 0.35, [[0.4, 0.45], [0.5, 0.55]], 0.6))
)  # fmt: skip
MAZUR_X, MAZUR_T = np.array([[0.05, 0.1]]), np.array([[0.01, 0.99]])


def test_mazurs_figures() -> None:
    """REFERENCE: E 0.29837110876000; after a round 0.291027774 (simultaneous), 0.29102792390544 (sequential)."""
    witness = Trainer(MAZUR)
    (last,) = witness.passes(MAZUR_START, MAZUR_X)[1:]
    assert last.z[0, 0] == pytest.approx(1.105905967, abs=6e-10)
    assert last.a[0] == pytest.approx([0.75136507, 0.772928465], abs=6e-9)
    assert witness.loss(MAZUR_START, MAZUR_X, MAZUR_T) == pytest.approx(0.29837110876000, abs=6e-15)
    gradients = witness.gradients(MAZUR_START, MAZUR_X, MAZUR_T)
    assert gradients[2][0, 0] == pytest.approx(0.082167041, abs=6e-10)
    assert gradients[0][0, 0] == pytest.approx(0.000438568, abs=6e-10)
    after, _ = witness.update(MAZUR_START, None, MAZUR_X, MAZUR_T, 0.5)
    assert after[2].ravel() == pytest.approx([0.35891648, 0.408666186, 0.511301270, 0.561370121], abs=6e-9)
    assert after[0].ravel() == pytest.approx([0.149780716, 0.19956143, 0.24975114, 0.29950229], abs=6e-9)
    assert witness.loss(after, MAZUR_X, MAZUR_T) == pytest.approx(0.291027774, abs=6e-10)
    sequential = Trainer(MAZUR, Rule(update="sequential"))
    after, _ = sequential.update(MAZUR_START, None, MAZUR_X, MAZUR_T, 0.5)
    assert witness.loss(after, MAZUR_X, MAZUR_T) == pytest.approx(0.29102792390544, abs=6e-15)


@pytest.mark.parametrize(
    ("update", "outputs"),
    [("simultaneous", [0.015913620444, 0.984064273515]), ("sequential", [0.015912196, 0.984065734])],
)
def test_mazurs_figures_after_ten_thousand_steps(update: str, outputs: list[float]) -> None:
    witness = Trainer(MAZUR, Rule(update=update))
    after, losses, _ = witness.train(MAZUR_START, MAZUR_X, MAZUR_T, 0.5, 10_000)
    assert witness.forward(after, MAZUR_X)[0] == pytest.approx(outputs, abs=6e-10)
    if update == "simultaneous":
        assert witness.loss(after, MAZUR_X, MAZUR_T) == pytest.approx(3.51018778e-05, abs=6e-14)
        assert losses[-1] == pytest.approx(0.0000351085, abs=6e-11)


IAMTRASK_X = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])


def test_iamtrasks_two_layer_network() -> None:
    network = Network(3, (Layer(1, "sigmoid", "none"),), reduction="sum")
    witness, t = Trainer(network), np.array([[0.0], [0], [1], [1]])
    parameters: Parameters = (np.array([[-0.165955990594852, 0.4406489868843162, -0.9997712503653102]]),)
    parameters, _, _ = witness.train(parameters, IAMTRASK_X, t, 1.0, 9_999)
    published = [0.00966449, 0.00786506, 0.99358898, 0.99211957]
    assert witness.forward(parameters, IAMTRASK_X).ravel() == pytest.approx(published, abs=6e-9)
    (weights,), _ = witness.update(parameters, None, IAMTRASK_X, t, 1.0)
    assert weights.ravel() == pytest.approx([9.67299303, -0.2078435, -4.62963669], abs=6e-9)


def test_iamtrasks_three_layer_network() -> None:
    network = Network(3, (Layer(4, "sigmoid", "none"), Layer(1, "sigmoid", "none")), reduction="sum")
    t = np.array([[0.0], [1], [1], [0]])
    first = [
        [-0.165955990594852, 0.4406489868843162, -0.9997712503653102, -0.39533485473632046],
        [-0.7064882183657739, -0.8153228104624044, -0.6274795772446582, -0.3088785459139045],
        [-0.20646505153866013, 0.07763346800671389, -0.1616109711934104, 0.370439000793519],
    ]
    second = [[-0.5910955005369651, 0.7562348727818908, -0.9452248136041477, 0.34093502035680445]]
    at: Parameters = (np.array(first).T, np.array(second))
    published = [
        0.496410031903, 0.00858452565325, 0.00578945986251,
        0.00462917677677, 0.00395876528027, 0.00351012256786,
    ]  # fmt: skip
    witness, parameters = Trainer(network), at
    for number, right in enumerate(published):
        if number:
            parameters, _, _ = witness.train(parameters, IAMTRASK_X, t, 1.0, 10_000)
        error = np.abs(t - witness.forward(parameters, IAMTRASK_X)).mean()
        assert error == pytest.approx(right, rel=2e-12)
    sequential = Trainer(network, Rule(update="sequential"))
    parameters, _, _ = sequential.train(at, IAMTRASK_X, t, 1.0, 10_000)
    error = np.abs(t - sequential.forward(parameters, IAMTRASK_X)).mean()
    assert error == pytest.approx(0.00858507, abs=6e-9)


@pytest.mark.parametrize(
    ("loss", "w", "b", "before", "after", "w_after", "b_after"),
    [
        ("half_squared_error", 0.6, 0.9, 0.817574, 0.093956, -1.283132, -0.983132),
        ("half_squared_error", 2.0, 2.0, 0.982014, 0.202848, -0.684293, -0.684293),
        ("binary_cross_entropy", 2.0, 2.0, 0.982014, 0.012009, -2.205020, -2.205020),
    ],
)
def test_nielsens_neuron(
    loss: str, w: float, b: float, before: float, after: float, w_after: float, b_after: float
) -> None:
    witness = Trainer(Network(1, (Layer(1, "sigmoid"),), loss))
    start, x, t = (np.array([[w]]), np.array([b])), np.ones((1, 1)), np.zeros((1, 1))
    end, _, _ = witness.train(start, x, t, 0.15, 300)
    assert witness.forward(start, x).item() == pytest.approx(before, abs=6e-7)
    assert witness.forward(end, x).item() == pytest.approx(after, abs=6e-7)
    assert [end[0].item(), end[1].item()] == pytest.approx([w_after, b_after], abs=6e-7)


# PyTorch ---------------------------------------------------------------------------------------------------------

RULES = [
    *(Rule(Choice(name)) for name in OPTIMIZERS),
    Rule(Choice("momentum", {"momentum": 0.5, "dampening": 0.2})),
    Rule(Choice("nesterov", {"momentum": 0.6})),
    Rule(Choice("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.3})),
    Rule(Choice("rmsprop", {"alpha": 0.8, "momentum": 0.4})),
    Rule(Choice("rmsprop", {"alpha": 0.8, "centered": True})),
    Rule(Choice("adam", {"betas": (0.7, 0.9), "eps": 1e-3})),
    Rule(Choice("adamw", {"betas": (0.7, 0.9), "weight_decay": 0.2})),
    Rule(schedule=Choice("step", {"step_size": 3})),
    Rule(schedule=Choice("exponential", {"gamma": 0.9})),
    Rule(schedule=Choice("cosine", {"T_max": 7, "eta_min": 0.01})),
    Rule(schedule=Choice("warmup", {"steps": 5})),
    Rule(clip=Choice("value", {"clip_value": 0.02})),
]


@pytest.mark.torch
@pytest.mark.parametrize("network", [one for one in CASES if "(" not in title(one)], ids=title)
def test_its_outputs_losses_and_gradients_are_those_of_pytorch(network: Network) -> None:
    from tests.witness import torch_trainer

    witness, parameters, (x, t) = Trainer(network), start(network), data(network)
    scaled = (with_all_scales(parameters), with_scales(x), with_scales(t))
    assert (
        discrepancy([torch_trainer.forward(network, parameters, x)], [witness.forward(*scaled[:2])]) <= 1e-14
    )
    _, losses = torch_trainer.train(network, Rule(), parameters, x, t, 0.1, 1)
    assert discrepancy(losses, [witness.loss(*scaled)]) <= 1e-14
    assert (
        discrepancy(torch_trainer.gradients(network, parameters, x, t), witness.gradients(*scaled)) <= 1e-14
    )


@pytest.mark.torch
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_its_training_is_that_of_pytorch(rule: Rule) -> None:
    from tests.witness import torch_trainer

    layers = (Layer(3, "silu", "neuron"), Layer(3, "tanh", "layer", ("biases",)), Layer(2, "sigmoid"))
    network = Network(2, layers, "binary_cross_entropy", l1=0.02, l2=0.01)
    parameters, (x, t) = start(network), data(network)
    found, losses, _ = Trainer(network, rule).train(parameters, x, t, 0.05, 20)
    right, right_losses = torch_trainer.train(network, rule, parameters, x, t, 0.05, 20)
    assert losses == pytest.approx(right_losses, rel=1e-12)
    for ours, theirs in zip(found, right, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-13)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_slopes_at_kinks_are_those_of_pytorch(name: str) -> None:
    from tests.witness import torch_trainer

    network = Network(1, (Layer(1, name, "none"),), "absolute_error", l1=0.5)
    at = ((np.zeros((1, 1)),), np.ones((1, 1)), np.full((1, 1), 0.5))
    assert torch_trainer.gradients(network, *at) == Trainer(network).gradients(*at)
    at_target = ((np.zeros((1, 1)),), np.ones((1, 1)), np.zeros((1, 1)))
    assert torch_trainer.gradients(network, *at_target) == Trainer(network).gradients(*at_target) == (0.0,)


def test_the_witness_imports_nothing_of_bpsym() -> None:
    for name in ("numpy_trainer", "rounding", "torch_trainer"):
        tree = ast.parse((Path(__file__).parent / "witness" / f"{name}.py").read_text(encoding="utf-8"))
        imported = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert imported
        assert not [module for module in imported if module.partition(".")[0] == "bpsym"]
