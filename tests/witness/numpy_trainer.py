"""Dense networks trained with NumPy, every rule written down by hand.

    z = a W^T + b                       a = f(z)                        one row a sample
    delta = dE/da f'(z)                 dE/da of the layer before = delta W
    dC/dW = delta^T a_before / m        dC/db = sum over samples of delta / m

Arrays may hold floats, mpf or `Rounded`: the same text gives the numbers, many digits of them, and how far rounding
may move them.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tests.witness.rounding import cos, erfc, exp, expm1, log, log1p, sin, sqrt, tanh

Array = Any  # np.ndarray of floats, mpf or Rounded
Parameters = tuple[Array, ...]  # layer by layer: W (units, inputs), then b (units,), or () where it is shared


# --- what is trained -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    units: int
    activation: str = "identity"
    bias: str = "neuron"  # "none", "neuron" (one each), "layer" (one shared)
    frozen: tuple[str, ...] = ()  # of "weights", "biases"


@dataclass(frozen=True)
class Network:
    """C = (1/m or 1) sum of the samples' losses + l1 sum |W| + l2/2 sum W^2"""

    inputs: int
    layers: tuple[Layer, ...]
    loss: str = "half_squared_error"
    reduction: str = "mean"
    l1: float = 0.0
    l2: float = 0.0

    def shapes(self) -> list[tuple[int, ...]]:
        """Of the parameters, in their order."""
        shapes: list[tuple[int, ...]] = []
        before = self.inputs
        for layer in self.layers:
            shapes.append((layer.units, before))
            shapes += {"none": [], "neuron": [(layer.units,)], "layer": [()]}[layer.bias]
            before = layer.units
        return shapes

    def trained(self) -> list[bool]:
        """Whether each parameter is."""
        trained = []
        for layer in self.layers:
            trained.append("weights" not in layer.frozen)
            trained += ["biases" not in layer.frozen] * (layer.bias != "none")
        return trained


@dataclass(frozen=True)
class Choice:
    """Something that is chosen by name, with its settings."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{key}={value}" for key, value in self.settings.items())])


@dataclass(frozen=True)
class Rule:
    optimizer: Choice = Choice("sgd")
    update: str = "simultaneous"
    schedule: Choice | None = None
    clip: Choice | None = None


class State(NamedTuple):
    step: int  # how many steps were made
    memory: tuple[tuple[Array, ...], ...]  # what the optimiser remembers of each parameter


# --- activations ---------------------------------------------------------------------------------------------------


def _choose(condition: Array, here: Array, there: Array) -> Array:
    return np.where(np.asarray(condition, dtype=bool), here, there)


def _sigmoid(z: Array) -> Array:
    return 1 / (1 + exp(-z))


def _normal_distribution(z: Array) -> Array:
    return erfc(-z / math.sqrt(2)) / 2


def _normal_density(z: Array) -> Array:
    return exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _mish_slope(z: Array, _: Array) -> Array:
    tanh_of_softplus = tanh(log1p(exp(z)))
    return tanh_of_softplus + z * (1 - tanh_of_softplus**2) * _sigmoid(z)


@dataclass(frozen=True)
class Activation:
    """a = value(z), elementwise, and its slope(z, a); kinks: where it has none, or jumps."""

    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    kinks: tuple[float, ...] = ()

    def back(self, passed_back: Array, z: Array, a: Array) -> Array:
        """dE/dz from dE/da."""
        return passed_back * self.slope(z, a)


class Softmax:
    """a_i = exp(z_i) / sum_j exp(z_j), over the units of a sample; da_i/dz_j = a_i ([i = j] - a_j)."""

    kinks = ()

    @staticmethod
    def value(z: Array) -> Array:
        powers = exp(z)
        return powers / powers.sum(axis=1, keepdims=True)

    @staticmethod
    def back(passed_back: Array, z: Array, a: Array) -> Array:
        return a * (passed_back - (passed_back * a).sum(axis=1, keepdims=True))


ACTIVATIONS: dict[str, Activation | Softmax] = {
    "identity": Activation(lambda z: 1.0 * z, lambda z, a: np.ones(z.shape)),
    "sigmoid": Activation(_sigmoid, lambda z, a: a * (1 - a)),
    "tanh": Activation(tanh, lambda z, a: 1 - a**2),
    "relu": Activation(lambda z: _choose(z > 0, z, 0.0), lambda z, a: _choose(z > 0, 1.0, 0.0), (0.0,)),
    "leaky_relu": Activation(
        lambda z: _choose(z > 0, z, 0.01 * z), lambda z, a: _choose(z > 0, 1.0, 0.01), (0.0,)
    ),
    "elu": Activation(
        lambda z: _choose(z > 0, z, expm1(_choose(z > 0, 0.0, z))),
        lambda z, a: _choose(z > 0, 1.0, exp(_choose(z > 0, 0.0, z))),
        (0.0,),
    ),
    "softplus": Activation(lambda z: log1p(exp(z)), lambda z, a: _sigmoid(z)),
    "silu": Activation(
        lambda z: z * _sigmoid(z), lambda z, a: _sigmoid(z) * (1 + z * (1 - _sigmoid(z)))
    ),
    "gelu": Activation(
        lambda z: z * _normal_distribution(z),
        lambda z, a: _normal_distribution(z) + z * _normal_density(z),
    ),
    "softmax": Softmax(),
}  # fmt: skip

OWN_ACTIVATIONS: dict[str, Activation | Softmax] = {
    "z / (1 + abs(z))": Activation(lambda z: z / (1 + abs(z)), lambda z, a: 1 / (1 + abs(z)) ** 2, (0.0,)),
    "z * tanh(log(1 + exp(z)))": Activation(lambda z: z * tanh(log1p(exp(z))), _mish_slope),
    "sin(z) + z / 2": Activation(lambda z: sin(z) + z / 2, lambda z, a: cos(z) + 0.5),
    "exp(-z**2)": Activation(lambda z: exp(-(z**2)), lambda z, a: -2 * z * a),
    "max(0, z)**2": Activation(
        lambda z: _choose(z > 0, z**2, 0.0), lambda z, a: _choose(z > 0, 2 * z, 0.0), (0.0,)
    ),
    "sqrt(z**2 + 1) - 1": Activation(lambda z: sqrt(z**2 + 1) - 1, lambda z, a: z / sqrt(z**2 + 1)),
}
"""What a person may write in an example instead of a name."""


# --- losses --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loss:
    """error(a, t) of each output, summed over the outputs of a sample, and its slope by a; kinks: of a - t."""

    error: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    kinks: tuple[float, ...] = ()


def _sign(d: Array) -> Array:
    """1, 0 or -1; 0 at 0."""
    return _choose(d > 0, 1.0, _choose(d < 0, -1.0, 0.0))


LOSSES: dict[str, Loss] = {
    "half_squared_error": Loss(lambda a, t: (a - t) ** 2 / 2, lambda a, t: a - t),
    "squared_error": Loss(lambda a, t: (a - t) ** 2, lambda a, t: 2 * (a - t)),
    "mean_squared_error": Loss(lambda a, t: (a - t) ** 2 / a.shape[1], lambda a, t: 2 * (a - t) / a.shape[1]),
    "absolute_error": Loss(lambda a, t: abs(a - t), lambda a, t: _sign(a - t), (0.0,)),
    "huber": Loss(
        lambda a, t: _choose(abs(a - t) <= 1, (a - t) ** 2 / 2, abs(a - t) - 0.5),
        lambda a, t: _choose(abs(a - t) <= 1, a - t, _sign(a - t)),
        (-1.0, 1.0),
    ),
    "binary_cross_entropy": Loss(
        lambda a, t: -(t * log(a) + (1 - t) * log(1 - a)), lambda a, t: (1 - t) / (1 - a) - t / a
    ),
    "cross_entropy": Loss(lambda a, t: -t * log(a), lambda a, t: -t / a),
}

OWN_LOSSES: dict[str, Loss] = {
    "(a - t)**4": Loss(lambda a, t: (a - t) ** 4, lambda a, t: 4 * (a - t) ** 3),
    "log(1 + (a - t)**2)": Loss(
        lambda a, t: log1p((a - t) ** 2), lambda a, t: 2 * (a - t) / (1 + (a - t) ** 2)
    ),
    "sqrt(1 + (a - t)**2) - 1": Loss(
        lambda a, t: sqrt(1 + (a - t) ** 2) - 1, lambda a, t: (a - t) / sqrt(1 + (a - t) ** 2)
    ),
}

SHORT_ERROR_TERMS: dict[tuple[str, str], Callable[[Array, Array], Array]] = {
    ("sigmoid", "binary_cross_entropy"): lambda a, t: a - t,
    ("softmax", "cross_entropy"): lambda a, t: a * t.sum(axis=1, keepdims=True) - t,
}
"""delta of the outputs where the slope of the loss and that of the activation cancel."""


def activation_of(text: str) -> Activation | Softmax:
    return (ACTIVATIONS | OWN_ACTIVATIONS)[text]


def loss_of(text: str) -> Loss:
    return (LOSSES | OWN_LOSSES)[text]


# --- learning rates and clipping -----------------------------------------------------------------------------------


def _after_steps(eta: float, n: int, step_size: int, gamma: float = 0.1) -> float:
    return eta * gamma ** (n // step_size)


def _exponential(eta: float, n: int, gamma: float) -> float:
    return eta * gamma**n


def _cosine(eta: float, n: int, T_max: int, eta_min: float = 0.0) -> float:
    return eta_min + (eta - eta_min) * (1 + math.cos(math.pi * n / T_max)) / 2


def _warmup(eta: float, n: int, steps: int) -> float:
    return eta * (n + 1) / steps if n < steps else eta


SCHEDULES: dict[str, Callable[..., float]] = {
    "step": _after_steps,
    "exponential": _exponential,
    "cosine": _cosine,
    "warmup": _warmup,
}
"""The learning rate after n steps."""


def _clip_norm(gradients: Parameters, max_norm: float) -> Parameters:
    """All gradients times min(1, max_norm / ||g||), ||g|| over all of them."""
    norm = sqrt(np.asarray(sum((np.ravel(g) ** 2).sum() for g in gradients)))[()]
    return tuple(g * (max_norm / norm) for g in gradients) if norm > max_norm else gradients


def _clip_value(gradients: Parameters, clip_value: float) -> Parameters:
    """Every entry brought into [-clip_value, clip_value]."""
    return tuple(
        np.asarray(_choose(g > clip_value, clip_value, _choose(g < -clip_value, -clip_value, g)))
        for g in gradients
    )


CLIPS: dict[str, Callable[..., Parameters]] = {"norm": _clip_norm, "value": _clip_value}


# --- optimisers: (parameter, gradient, learning rate, number of the step from 1, memory) -> (parameter, memory) ----

Memory = tuple[Array, ...]
Moved = tuple[Array, Memory]


def _sgd(p: Array, g: Array, eta: float, n: int, memory: Memory) -> Moved:
    return p - eta * g, ()


def _momentum(
    p: Array, g: Array, eta: float, n: int, memory: Memory, momentum: float = 0.9, dampening: float = 0.0
) -> Moved:
    velocity = g if n == 1 else momentum * memory[0] + (1 - dampening) * g
    return p - eta * velocity, (velocity,)


def _nesterov(p: Array, g: Array, eta: float, n: int, memory: Memory, momentum: float = 0.9) -> Moved:
    velocity = g if n == 1 else momentum * memory[0] + g
    return p - eta * (g + momentum * velocity), (velocity,)


def _adagrad(
    p: Array,
    g: Array,
    eta: float,
    n: int,
    memory: Memory,
    lr_decay: float = 0.0,
    eps: float = 1e-10,
    initial_accumulator_value: float = 0.0,
) -> Moved:
    squares = (memory[0] if n > 1 else initial_accumulator_value) + g**2
    return p - eta / (1 + (n - 1) * lr_decay) * g / (sqrt(squares) + eps), (squares,)


def _rmsprop(
    p: Array,
    g: Array,
    eta: float,
    n: int,
    memory: Memory,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    centered: bool = False,
) -> Moved:
    squares, mean, velocity = memory if n > 1 else (0.0 * g, 0.0 * g, 0.0 * g)
    squares = alpha * squares + (1 - alpha) * g**2
    mean = alpha * mean + (1 - alpha) * g
    spread = sqrt(squares - mean**2 if centered else squares)
    velocity = momentum * velocity + g / (spread + eps)
    return p - eta * velocity, (squares, mean, velocity)


def _adam(
    p: Array,
    g: Array,
    eta: float,
    n: int,
    memory: Memory,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> Moved:
    first, second = memory if n > 1 else (0.0 * g, 0.0 * g)
    first = betas[0] * first + (1 - betas[0]) * g
    second = betas[1] * second + (1 - betas[1]) * g**2
    unbiased_first = first / (1 - betas[0] ** n)
    unbiased_second = second / (1 - betas[1] ** n)
    return p - eta * unbiased_first / (sqrt(unbiased_second) + eps), (first, second)


def _adamw(
    p: Array, g: Array, eta: float, n: int, memory: Memory, weight_decay: float = 0.01, **settings: Any
) -> Moved:
    return _adam(p - eta * weight_decay * p, g, eta, n, memory, **settings)


OPTIMIZERS: dict[str, Callable[..., Moved]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
}


# --- the trainer ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pass:
    """What the forward pass of a layer leaves: what came in, the pre-activations, the activations; (samples, units)."""

    before: Array
    z: Array
    a: Array


@dataclass(frozen=True)
class Trainer:
    """reverse: every sum the other way round, for a control that is as right and rounds otherwise."""

    network: Network
    rule: Rule = Rule()
    reverse: bool = False

    def forward(self, parameters: Parameters, x: Array) -> Array:
        """(samples, outputs)"""
        return self.passes(parameters, x)[-1].a

    def loss(self, parameters: Parameters, x: Array, t: Array) -> Any:
        errors = loss_of(self.network.loss).error(self.forward(parameters, x), t)
        total = self._sum(self._sum(errors, axis=1), axis=0) * self._share(x)
        for weights, _ in self._by_layers(parameters):
            total = total + self.network.l1 * self._sum(abs(weights).ravel(), axis=0)
            total = total + self.network.l2 / 2 * self._sum((weights**2).ravel(), axis=0)
        return total

    def gradients(self, parameters: Parameters, x: Array, t: Array) -> Parameters:
        """dC/dp of every parameter p; 0 for a frozen one."""
        by_layers = self._by_layers(parameters)
        return self._backward(parameters, x, t, lambda number, _: by_layers[number][0])

    def update(
        self, parameters: Parameters, state: State | None, x: Array, t: Array, learning_rate: float
    ) -> tuple[Parameters, State]:
        """The parameters and the state after one step."""
        state = state or State(0, ((),) * len(parameters))
        eta = self._rate(learning_rate, state.step)
        if self.rule.update == "sequential":
            return self._sequential(parameters, x, t, eta), state._replace(step=state.step + 1)
        return self._simultaneous(parameters, state, self._clipped(self.gradients(parameters, x, t)), eta)

    def train(
        self,
        parameters: Parameters,
        x: Array,
        t: Array,
        learning_rate: float,
        steps: int,
        batches: Iterable[Sequence[int]] | None = None,
        state: State | None = None,
    ) -> tuple[Parameters, list[Any], State]:
        """(parameters after the steps, the loss of the step's batch before each, the state)

        batches: the rows of each step, for at least as many steps; all rows where there are none.
        """
        everything = range(len(x))
        order = iter([everything] * steps if batches is None else batches)
        state = state or State(0, ((),) * len(parameters))
        losses = []
        for _ in range(steps):
            rows = list(next(order))
            losses.append(self.loss(parameters, x[rows], t[rows]))
            parameters, state = self.update(parameters, state, x[rows], t[rows], learning_rate)
        return parameters, losses, state

    def passes(self, parameters: Parameters, x: Array) -> list[Pass]:
        """Of each layer."""
        passes = []
        for layer, (weights, biases) in zip(self.network.layers, self._by_layers(parameters), strict=True):
            z = self._product(x, weights.T)
            z = z if biases is None else z + biases
            passes.append(Pass(x, z, activation_of(layer.activation).value(z)))
            x = passes[-1].a
        return passes

    def _backward(
        self,
        parameters: Parameters,
        x: Array,
        t: Array,
        weights_back: Callable[[int, Parameters], Array],
    ) -> Parameters:
        """The gradients, from the last layer to the first.

        weights_back(number, its gradients): the weights over which layer `number` sends its error terms back.
        """
        passes = self.passes(parameters, x)
        delta = self._error_terms_of_outputs(passes[-1], t)
        gradients: list[Parameters] = []
        for number in range(len(passes) - 1, -1, -1):
            found = self._gradients_of_layer(number, parameters, delta, passes[number].before)
            gradients.insert(0, found)
            if number > 0:
                passed_back = self._product(delta, weights_back(number, found))
                below = passes[number - 1]
                delta = activation_of(self.network.layers[number - 1].activation).back(
                    passed_back, below.z, below.a
                )
        return tuple(g for of_layer in gradients for g in of_layer)

    def _error_terms_of_outputs(self, last: Pass, t: Array) -> Array:
        """dE/dz of the last layer, each sample's own."""
        activation, loss = self.network.layers[-1].activation, self.network.loss
        if short := SHORT_ERROR_TERMS.get((activation, loss)):
            return short(last.a, t)
        return activation_of(activation).back(loss_of(loss).slope(last.a, t), last.z, last.a)

    def _gradients_of_layer(
        self, number: int, parameters: Parameters, delta: Array, before: Array
    ) -> Parameters:
        layer, (weights, _) = self.network.layers[number], self._by_layers(parameters)[number]
        share = self._share(before)
        of_weights = self._product(delta.T, before) * share
        of_weights = of_weights + self.network.l1 * _sign(weights) + self.network.l2 * weights
        found = [0.0 * weights if "weights" in layer.frozen else of_weights]
        if layer.bias != "none":
            of_biases = self._sum(delta, axis=0) * share
            if layer.bias == "layer":
                of_biases = np.asarray(self._sum(of_biases, axis=0))
            found.append(0.0 * of_biases if "biases" in layer.frozen else of_biases)
        return tuple(map(np.asarray, found))

    def _simultaneous(
        self, parameters: Parameters, state: State, gradients: Parameters, eta: float
    ) -> tuple[Parameters, State]:
        optimizer = self.rule.optimizer
        move = partial(OPTIMIZERS[optimizer.name], eta=eta, n=state.step + 1, **optimizer.settings)
        after, memory = [], []
        for p, g, remembered, trained in zip(
            parameters, gradients, state.memory, self.network.trained(), strict=True
        ):
            moved, kept = move(p, g, memory=remembered) if trained else (p, remembered)
            after.append(np.asarray(moved))
            memory.append(kept)
        return tuple(after), State(state.step + 1, tuple(memory))

    def _sequential(self, parameters: Parameters, x: Array, t: Array, eta: float) -> Parameters:
        """Gradient descent in which a layer sends its error terms back over its new weights; nothing is clipped."""
        by_layers = self._by_layers(parameters)

        def weights_back(number: int, gradients: Parameters) -> Array:
            return by_layers[number][0] - eta * gradients[0]

        gradients = self._backward(parameters, x, t, weights_back)
        return tuple(np.asarray(p - eta * g) for p, g in zip(parameters, gradients, strict=True))

    def _clipped(self, gradients: Parameters) -> Parameters:
        clip = self.rule.clip
        return gradients if clip is None else CLIPS[clip.name](gradients, **clip.settings)

    def _rate(self, learning_rate: float, steps_made: int) -> float:
        schedule = self.rule.schedule
        if schedule is None:
            return learning_rate
        return SCHEDULES[schedule.name](learning_rate, steps_made, **schedule.settings)

    def _share(self, rows: Array) -> float:
        """What a sample's loss counts in that of all."""
        return 1 / len(rows) if self.network.reduction == "mean" else 1.0

    def _by_layers(self, parameters: Parameters) -> list[tuple[Array, Array | None]]:
        numbers = iter(parameters)
        return [
            (next(numbers), next(numbers) if layer.bias != "none" else None) for layer in self.network.layers
        ]

    def _sum(self, terms: Array, axis: int) -> Array:
        return (np.flip(terms, axis) if self.reverse else terms).sum(axis=axis)

    def _product(self, left: Array, right: Array) -> Array:
        return left[:, ::-1] @ right[::-1] if self.reverse else left @ right


def in_order(samples: int, batch_size: int, steps: int) -> list[list[int]]:
    """The rows of each step: the next so many, the last batch of an epoch perhaps fewer, then from the first again."""
    return batches(itertools.repeat(range(samples)), batch_size, steps)


def shuffled(samples: int, batch_size: int, steps: int, seed: int) -> list[list[int]]:
    """The same, with the rows of each epoch as Python's generator shuffles them from the text "seed epoch"."""

    def epochs() -> Iterator[list[int]]:
        for epoch in itertools.count():
            rows = list(range(samples))
            random.Random(f"{seed} {epoch}").shuffle(rows)
            yield rows

    return batches(epochs(), batch_size, steps)


def batches(epochs: Iterable[Sequence[int]], batch_size: int, steps: int) -> list[list[int]]:
    """The first so many batches of the epochs, each of which is used up before the next."""
    cut = (
        list(rows[first : first + batch_size]) for rows in epochs for first in range(0, len(rows), batch_size)
    )
    return list(itertools.islice(cut, steps))
