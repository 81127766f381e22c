"""E-prop in NumPy, dense, step by step, in float64: what NEST's reference losses come from.

Written from the equations of Bellec et al. 2020, Nat. Commun. 11:3625, and from what NEST's
documentation says of eprop_iaf_bsshslm_2020, eprop_iaf_adapt_bsshslm_2020 and
eprop_readout_bsshslm_2020. It shares no code with spikax.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# test_eprop_bsshslm_2020_plasticity.py of NEST 3.10 and, by the authors' program, of TensorFlow.
REGRESSION = [
    101.964356999041,
    103.466731126205,
    103.340607074771,
    103.680244037686,
    104.412775748752,
]
REGRESSION_TENSORFLOW = [
    101.964363098144,
    103.466735839843,
    103.340606689453,
    103.680244445800,
    104.412780761718,
]
CLASSIFICATION = {
    1: [0.741152550006, 0.740388187700, 0.665785233177, 0.663644193322, 0.729428962844],
    2: [0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268],
}
CLASSIFICATION_TENSORFLOW = [
    0.741152524948,
    0.740388214588,
    0.665785133838,
    0.663644134998,
    0.729429066181,
]


class Weights(NamedTuple):
    """From row to column."""

    w_in: np.ndarray
    w_rec: np.ndarray
    w_out: np.ndarray


class Iteration(NamedTuple):
    """One batch: the mean of its losses and gradients, and the weights that these led to."""

    loss: float
    gradient: Weights
    weights: Weights
    rate: float


@dataclass(frozen=True)
class Recipe:
    """Constants of a task; times in steps."""

    tau_m: float
    tau_out: float
    V_th: float
    input_factor: float
    t_ref: int = 0
    tau_a: float = 2000.0
    beta: np.ndarray | float = 0.0
    window: int = 0
    classes: bool = False
    c_reg: float = 300.0
    target_rate: float = 0.01


def regression():
    return Recipe(tau_m=30, tau_out=30, V_th=0.03, input_factor=1 - np.exp(-1 / 30), window=1000)


def classification():
    beta = 1.7 * (1 - np.exp(-1 / 2000)) / (1 - np.exp(-1 / 20))
    return Recipe(
        tau_m=20,
        tau_out=20,
        V_th=0.6,
        input_factor=1,
        t_ref=5,
        beta=np.repeat([0, beta], 50),
        window=150,
        classes=True,
    )


def trial(task, weights, recipe, spikes, targets):
    """The loss of one sequence, its gradient by e-prop, and its mean rate."""
    a, kappa, rho = (np.exp(-1 / tau) for tau in (recipe.tau_m, recipe.tau_out, recipe.tau_a))
    steps, (channels, size), outputs = len(spikes), weights.w_in.shape, weights.w_out.shape[1]
    v, z, adapt, blocked = (np.zeros(size) for _ in range(4))
    y, z_out, count, loss = np.zeros(outputs), np.zeros(size), np.zeros(size), 0.0
    z_in = np.zeros(channels + size)
    e, e_a, e_out, e_sum, to_hidden = (np.zeros((channels + size, size)) for _ in range(5))
    to_out = np.zeros_like(weights.w_out)
    into = np.concatenate([weights.w_in, weights.w_rec])

    for step in range(steps):
        arriving = np.concatenate([spikes[step], z])
        v = a * v + recipe.input_factor * (arriving @ into) - recipe.V_th * z
        adapt = rho * adapt + z
        threshold = recipe.V_th + recipe.beta * adapt
        blocked = np.maximum(blocked - 1, 0)
        free = blocked == 0
        psi = 0.3 / recipe.V_th * np.maximum(0, 1 - np.abs(v - threshold) / recipe.V_th) * free
        z = ((v >= threshold) & free).astype(float)
        blocked[z > 0] = recipe.t_ref
        count += z

        z_in = a * z_in + recipe.input_factor * arriving
        e = psi * (z_in[:, None] - recipe.beta * e_a)
        e_a = rho * e_a + e
        e_out = kappa * e_out + (1 - kappa) * e
        e_sum += e

        z_out = kappa * z_out + (1 - kappa) * z
        y = kappa * y + (1 - kappa) * (z @ weights.w_out)
        if step >= steps - recipe.window:
            one_loss, error = (
                cross_entropy(y, targets) if recipe.classes else square(y, targets[step])
            )
            loss += one_loss
            to_hidden += e_out * (task.feedback @ error)
            to_out += np.outer(z_out, error)
    to_hidden += recipe.c_reg * (count / steps - recipe.target_rate) / steps * e_sum
    return loss, Weights(to_hidden[:channels], to_hidden[channels:], to_out), count.mean() / steps


def square(y, target):
    return ((y - target) ** 2).sum() / 2, y - target


def cross_entropy(y, label):
    softmax = np.exp(y) / np.exp(y).sum()
    return -np.log(softmax[label]), softmax - np.eye(len(y))[label]


def learn(task, recipe):
    """Each iteration of a task: `Iteration`s, one for each update of the weights."""
    weights = Weights(task.w_in, task.w_rec, task.w_out)
    update = Adam() if recipe.classes else descend
    for shown in task.iterations:
        each = [
            trial(task, weights, recipe, *one)
            for one in zip(shown.inputs, shown.targets, strict=True)
        ]
        per = len(each) * (recipe.window if recipe.classes else 1)
        gradient = Weights(*(sum(g) / per for g in zip(*(x[1] for x in each), strict=True)))
        np.fill_diagonal(gradient.w_rec, 0.0)
        weights = update(weights, gradient)
        yield Iteration(
            sum(x[0] for x in each) / per, gradient, weights, np.mean([x[2] for x in each])
        )


def descend(weights, gradient):
    return Weights(*(w - 1e-4 * g for w, g in zip(weights, gradient, strict=True)))


class Adam:
    """Kingma & Ba 2014, in the form at the end of their section 2: epsilon joins the raw root."""

    def __init__(self):
        self.m, self.v, self.t = (0.0,) * 3, (0.0,) * 3, 0

    def __call__(self, weights, gradient):
        self.t += 1
        self.m = [0.9 * m + 0.1 * g for m, g in zip(self.m, gradient, strict=True)]
        self.v = [0.999 * v + 0.001 * g**2 for v, g in zip(self.v, gradient, strict=True)]
        rate = 5e-3 * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        moves = (rate * m / (np.sqrt(v) + 1e-8) for m, v in zip(self.m, self.v, strict=True))
        return Weights(*(w - move for w, move in zip(weights, moves, strict=True)))
