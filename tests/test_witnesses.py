"""The witnesses of this suite against figures computed elsewhere, before they judge anything."""

from __future__ import annotations

import ast
import random
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest
from mpmath import mpf

from tests.witness import broadcast, differences, handwritten
from tests.witness.handwritten import Layer, LayerParameters, Network, Parameters, Scaled

WITNESSES = sorted((Path(__file__).parent / "witness").glob("*.py"))

BLOG = Network(2, (Layer(2, "sigmoid"), Layer(1, "sigmoid")))

# REFERENCE: 2-2-1, simultaneous, learning rate 1; recomputed with 40 digits
BLOG_GRADIENTS = [
    "0.000929071160809660",
    "0.00238904012779626883",
    "0.00286007577244545501",
    "0.00735448055771688431",
    "0.0276740349387178682",
    "0.0270016369910074140",
]
BLOG_AFTER_ONE = [
    "0.099070928839190339",
    "0.797610959872203731",
    "0.397139924227554544",
    "0.592645519442283115",
    "0.272325965061282131",
    "0.872998363008992585",
]
BLOG_AFTER_100 = [
    "0.099497286575",
    "0.798707308337",
    "0.356500280268",
    "0.488143577833",
    "-0.300472254293",
    "0.325336028224",
]
BROADCAST_AFTER_100 = [
    "0.099330895594",
    "0.642525402060",
    "0.399330895594",
    "0.442525402060",
    "-0.300323421024",
    "0.315087971334",
]


@pytest.fixture(autouse=True)
def forty_digits():
    with mpmath.workdps(40):
        yield


def blog_parameters() -> Parameters:
    return [
        LayerParameters([[mpf("0.1"), mpf("0.8")], [mpf("0.4"), mpf("0.6")]], []),
        LayerParameters([[mpf("0.3"), mpf("0.9")]], []),
    ]


def blog_data() -> tuple[handwritten.Rows, handwritten.Rows]:
    return [[mpf("0.35"), mpf("0.9")]], [[mpf("0.5")]]


def assert_digits(numbers, texts) -> None:
    """Each number, rounded to as many decimals as its text has, is the text (one unit in the last is allowed)."""
    assert len(numbers) == len(texts)
    for number, text in zip(numbers, texts, strict=True):
        mantissa, _, exponent = text.partition("e")
        unit = mpf(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
        assert abs(number - mpf(text)) <= unit, (mpmath.nstr(number, 20), text)


def test_the_witnesses_share_nothing_with_bpsym():
    assert len(WITNESSES) >= 4
    for path in WITNESSES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] in ("bpsym", "sympy")], path.name


# --- the blog's network ---------------------------------------------------------------------------------------------


def test_the_handwritten_forward_pass_is_the_blogs():
    x, _ = blog_data()
    hidden, output = handwritten.outputs_of_layers(BLOG, blog_parameters(), x[0])[1:]
    assert_digits(hidden, ["0.680267196698648451", "0.663738697404352670"])
    assert_digits(output, ["0.690283492907644405"])
    assert_digits([handwritten.loss(BLOG, blog_parameters(), *blog_data())], ["0.018103903836566779"])


def test_the_handwritten_error_terms_are_the_blogs():
    x, t = blog_data()
    outputs = handwritten.outputs_of_layers(BLOG, blog_parameters(), x[0])
    hidden, output = handwritten.error_terms(BLOG, blog_parameters(), outputs, t[0])
    assert_digits(hidden, ["0.00265448903088474314", "0.00817164506412987145"])
    assert_digits(output, ["0.0406811251123390391"])


def test_the_handwritten_gradients_and_step_are_the_blogs():
    x, t = blog_data()
    gradients = handwritten.gradients(BLOG, blog_parameters(), x, t)
    assert_digits(handwritten.flatten(gradients), BLOG_GRADIENTS)
    after = handwritten.step(BLOG, blog_parameters(), x, t, mpf(1))
    assert_digits(handwritten.flatten(after), BLOG_AFTER_ONE)
    assert_digits(handwritten.forward(BLOG, after, x)[0], ["0.682018583264294181"])
    assert_digits([handwritten.loss(BLOG, after, x, t)], ["0.016565382326770397"])


@pytest.mark.parametrize("reverse", [False, True])
def test_the_handwritten_training_is_the_blogs_after_100_steps(reverse):
    parameters, losses = handwritten.train(BLOG, blog_parameters(), *blog_data(), mpf(1), 100, reverse)
    assert_digits(handwritten.flatten(parameters), BLOG_AFTER_100)
    assert_digits([losses[2]], ["0.015126955254448"])
    assert_digits([handwritten.loss(BLOG, parameters, *blog_data())], ["2.918213772e-07"])


def test_floats_and_forty_digits_give_the_same():
    exact = handwritten.flatten(handwritten.gradients(BLOG, blog_parameters(), *blog_data()))
    plain = handwritten.unflatten(BLOG, [0.1, 0.8, 0.4, 0.6, 0.3, 0.9])
    numbers = handwritten.flatten(handwritten.gradients(BLOG, plain, [[0.35, 0.9]], [[0.5]]))
    assert all(isinstance(number, float) for number in numbers)
    for number, right in zip(numbers, exact, strict=True):
        assert abs(number - right) < mpf("1e-16")


# --- the blog's slip ------------------------------------------------------------------------------------------------


def broadcast_training(steps: int):
    w0, w1 = (p.weights for p in blog_parameters())
    return broadcast.train(w0, w1[0], [mpf("0.35"), mpf("0.9")], mpf("0.5"), steps)


def test_the_broadcast_slip_gives_the_blogs_printed_weights_and_series():
    w0, _, losses = broadcast_training(1)
    assert_digits([*w0[0], *w0[1]], ["0.09661944", "0.78985831", "0.39661944", "0.58985831"])
    w0, w1, losses = broadcast_training(100)
    assert_digits(losses[:3], ["0.0181039038", "0.0165262808", "0.0150615853"])
    assert_digits(losses[-1:], ["5.92944818e-07"])
    assert_digits([*w0[0], *w0[1], *w1], BROADCAST_AFTER_100)
    assert_digits([broadcast.loss(w0, w1, [mpf("0.35"), mpf("0.9")], mpf("0.5"))], ["5.337542491e-07"])


def test_the_broadcast_slip_moves_the_first_layer_too_far_by_the_known_factors():
    w0, w1, _ = broadcast_training(1)
    after = handwritten.step(BLOG, blog_parameters(), *blog_data(), mpf(1))
    start = blog_parameters()[0].weights
    factors = [
        (w0[i][j] - start[i][j]) / (after[0].weights[i][j] - start[i][j]) for i in range(2) for j in range(2)
    ]
    assert_digits(factors, ["3.639", "4.245", "1.182", "1.379"])
    assert all(abs(a - b) < mpf("1e-35") for a, b in zip(w1, after[1].weights[0], strict=True))


# --- Mazur's network ------------------------------------------------------------------------------------------------

MAZUR = Network(2, (Layer(2, "sigmoid", "layer"), Layer(2, "sigmoid", "layer")))


def mazur() -> tuple[Parameters, handwritten.Rows, handwritten.Rows]:
    numbers = ["0.15", "0.20", "0.25", "0.30", "0.35", "0.40", "0.45", "0.50", "0.55", "0.60"]
    parameters = handwritten.unflatten(MAZUR, [mpf(text) for text in numbers])
    return parameters, [[mpf("0.05"), mpf("0.10")]], [[mpf("0.01"), mpf("0.99")]]


def test_mazurs_network_has_his_outputs_loss_and_gradients():
    parameters, x, t = mazur()
    hidden, output = handwritten.outputs_of_layers(MAZUR, parameters, x[0])[1:]
    assert_digits(hidden, ["0.593269992", "0.596884378"])
    assert_digits(output, ["0.75136507", "0.772928465"])
    assert_digits([handwritten.loss(MAZUR, parameters, x, t)], ["0.29837110876000"])
    first, second = handwritten.gradients(MAZUR, parameters, x, t)
    assert_digits([second.weights[0][0], first.weights[0][0]], ["0.082167041", "0.000438568"])


def test_mazurs_weights_after_one_round_with_the_biases_left_alone():
    parameters, x, t = mazur()
    moved = [
        LayerParameters(new.weights, old.biases)
        for old, new in zip(parameters, handwritten.step(MAZUR, parameters, x, t, mpf("0.5")), strict=True)
    ]
    assert_digits(
        [w for row in moved[0].weights for w in row],
        ["0.149780716", "0.19956143", "0.24975114", "0.29950229"],
    )
    assert_digits(
        [w for row in moved[1].weights for w in row],
        ["0.35891648", "0.408666186", "0.511301270", "0.561370121"],
    )
    assert_digits([handwritten.loss(MAZUR, moved, x, t)], ["0.291027774"])


# --- one neuron with a bias, trained (Nielsen) ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "before", "after", "weight", "bias"),
    [
        (("0.6", "0.9"), "0.817574", "0.093956", "-1.283132", "-0.983132"),
        (("2", "2"), "0.982014", "0.202848", "-0.684293", "-0.684293"),
    ],
)
def test_nielsens_neuron_learns_as_published(start, before, after, weight, bias):
    network = Network(1, (Layer(1, "sigmoid", "neuron"),))
    parameters = handwritten.unflatten(network, [mpf(text) for text in start])
    assert_digits(handwritten.forward(network, parameters, [[mpf(1)]])[0], [before])
    trained, _ = handwritten.train(network, parameters, [[mpf(1)]], [[mpf(0)]], mpf("0.15"), 300)
    assert_digits(handwritten.forward(network, trained, [[mpf(1)]])[0], [after])
    assert_digits(handwritten.flatten(trained), [weight, bias])


def test_a_batch_is_summed_as_in_the_eleven_lines():
    """iamtrask's 3-1 network: four samples, gradient summed, 10,000 updates."""
    network = Network(3, (Layer(1, "sigmoid"),), reduction="sum")
    x = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
    t = [[0.0], [0.0], [1.0], [1.0]]
    start = handwritten.unflatten(network, [-0.165955990594852, 0.4406489868843162, -0.9997712503653102])
    before, _ = handwritten.train(network, start, x, t, 1.0, 9999)
    outputs = [row[0] for row in handwritten.forward(network, before, x)]
    assert_digits(outputs, ["0.00966449", "0.00786506", "0.99358898", "0.99211957"])
    after = handwritten.step(network, before, x, t, 1.0)
    assert_digits(handwritten.flatten(after), ["9.67299303", "-0.2078435", "-4.62963669"])


# --- differences ----------------------------------------------------------------------------------------------------


def test_central_differences_are_the_slopes_of_known_functions():
    slopes = differences.central_differences(
        lambda p: p[0] ** 3 * p[1] + mpmath.exp(p[1]), ["0.5", Fraction(1, 4)]
    )
    with mpmath.workdps(50):
        right = [3 * mpf("0.5") ** 2 / 4, mpf("0.5") ** 3 + mpmath.exp(mpf("0.25"))]
        for slope, value in zip(slopes, right, strict=True):
            assert abs(slope - value) < mpf("1e-30")


VARIED = [
    Network(2, (Layer(2, "sigmoid"), Layer(1, "sigmoid"))),
    Network(3, (Layer(2, "tanh", "neuron"), Layer(2, "identity", "layer")), "squared_error", "mean"),
    Network(
        1,
        (Layer(3, "sigmoid", "layer"), Layer(2, "tanh"), Layer(2, "sigmoid", "neuron")),
        "squared_error",
        "sum",
    ),
    Network(
        2, (Layer(2, "identity", "neuron"), Layer(2, "tanh", "layer"), Layer(1, "identity")), reduction="sum"
    ),
    Network(2, (Layer(4, "relu", "neuron"), Layer(2, "sigmoid", "layer"))),
]


def drawn(network: Network, samples: int = 3) -> tuple[list[Fraction], list, list]:
    draw = random.Random(7)
    size, columns = 0, network.inputs
    for layer in network.layers:
        size += columns * layer.units + {"none": 0, "neuron": layer.units, "layer": 1}[layer.bias]
        columns = layer.units

    def numbers(count: int) -> list[Fraction]:
        return [Fraction(draw.randint(-150, 150), 100) for _ in range(count)]

    rows = ([numbers(network.inputs) for _ in range(samples)], [numbers(columns) for _ in range(samples)])
    return numbers(size), *rows


def exact_rows(rows):
    return [[differences.number(value) for value in row] for row in rows]


@pytest.mark.parametrize(
    "network", VARIED, ids=lambda network: "-".join(x.activation for x in network.layers)
)
def test_the_hand_gradients_are_the_central_differences(network):
    flat, x, t = drawn(network)
    with mpmath.workdps(50):
        x, t = exact_rows(x), exact_rows(t)
        slopes = differences.central_differences(
            lambda p: handwritten.loss(network, handwritten.unflatten(network, p), x, t), flat
        )
        parameters = handwritten.unflatten(network, [differences.number(value) for value in flat])
        for slope, gradient in zip(
            slopes, handwritten.flatten(handwritten.gradients(network, parameters, x, t)), strict=True
        ):
            assert abs(slope - gradient) < mpf("1e-28")


# --- scales and the reversed control --------------------------------------------------------------------------------


def test_a_scale_is_the_sum_of_the_absolute_values_of_all_terms():
    """One identity neuron: z = 2*3 - 5*1 + 0.5, residual z - 1; the gradient is residual * x."""
    network = Network(2, (Layer(1, "identity", "neuron"),))
    parameters = handwritten.scaled_parameters([LayerParameters([[2.0, -5.0]], [0.5])])
    x, t = handwritten.scaled_rows([[3.0, 1.0]]), handwritten.scaled_rows([[1.0]])
    assert handwritten.forward(network, parameters, x) == [[Scaled(1.5, 11.5)]]
    assert handwritten.loss(network, parameters, x, t) == Scaled(0.125, 78.125)
    assert handwritten.flatten(handwritten.gradients(network, parameters, x, t)) == [
        Scaled(1.5, 37.5),
        Scaled(0.5, 12.5),
        Scaled(0.5, 12.5),
    ]
    assert handwritten.flatten(handwritten.step(network, parameters, x, t, 2.0))[0] == Scaled(-1.0, 77.0)


def test_a_scale_never_falls_below_its_entry_and_values_are_unchanged():
    for network in VARIED:
        flat, x, t = drawn(network)
        plain = handwritten.unflatten(network, [float(value) for value in flat])
        rows = [[[float(value) for value in row] for row in table] for table in (x, t)]
        lifted = [handwritten.scaled_rows(table) for table in rows]
        gradients = handwritten.gradients(network, handwritten.scaled_parameters(plain), *lifted)
        for entry, number in zip(
            handwritten.flatten(gradients),
            handwritten.flatten(handwritten.gradients(network, plain, *rows)),
            strict=True,
        ):
            assert entry.value == number
            assert entry.scale >= abs(number) * (1 - 1e-15)


def test_reversed_sums_differ_in_floats_by_rounding_only():
    assert handwritten.add([1e16, 1.0, -1e16], reverse=False) == 0.0
    assert handwritten.add([1e16, 1.0, -1e16, 3.0], reverse=True) != handwritten.add(
        [1e16, 1.0, -1e16, 3.0], False
    )
    for network in VARIED:
        flat, x, t = drawn(network)
        plain = handwritten.unflatten(network, [float(value) for value in flat])
        rows = [[[float(value) for value in row] for row in table] for table in (x, t)]
        lifted = [handwritten.scaled_rows(table) for table in rows]
        gradients = handwritten.gradients(network, handwritten.scaled_parameters(plain), *lifted)
        backwards = handwritten.gradients(network, plain, *rows, reverse=True)
        assert handwritten.discrepancy(handwritten.flatten(backwards), handwritten.flatten(gradients)) < 1e-14


def test_a_discrepancy_sees_a_wrong_number_and_what_is_not_finite():
    right = [Scaled(1.0, 2.0), Scaled(0.0, 1.0)]
    assert handwritten.discrepancy([1.0, 0.0], right) == 0.0
    assert handwritten.discrepancy([1.0, 1e-9], right) == pytest.approx(1e-9)
    assert handwritten.discrepancy([1.5, 0.0], right) == 0.25
    assert not handwritten.discrepancy([float("nan"), 0.0], right) < 1e300
    assert not handwritten.discrepancy([float("inf"), 0.0], right) < 1e300
    with pytest.raises(ValueError, match="1 numbers against 2"):
        handwritten.discrepancy([1.0], right)


def test_a_saturated_neuron_overflows_nowhere():
    for name in ("sigmoid", "tanh"):
        for z in (-1e4, -745.0, 745.0, 1e4):
            assert abs(handwritten.activation(name, z)) <= 1
