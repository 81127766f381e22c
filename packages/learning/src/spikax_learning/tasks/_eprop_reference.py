"""The two tasks by which NEST's e-prop is checked against the authors' own program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikax_learning.tasks._evidence_accumulation import CueTiming, drawn_trials
from spikax_learning.tasks._examples import Examples
from spikax_learning.tasks._pattern_generation import sines

ITERATIONS = 5


@dataclass(frozen=True, eq=False)
class EpropReference:
    """A recurrent network and what it is shown, as float64 from which nothing is left to chance.

    Attributes:
        w_in: (channels, recurrent), from the input.
        w_rec: (recurrent, recurrent), from row to column, without autapses.
        w_out: (recurrent, outputs), to the readout.
        feedback: (recurrent, outputs), from the errors to the recurrent neurons; it stays fixed.
        iterations: What is shown before each update of the weights; spikes never come in step 0.
    """

    w_in: np.ndarray
    w_rec: np.ndarray
    w_out: np.ndarray
    feedback: np.ndarray
    iterations: tuple[Examples, ...]


def bsshslm_regression() -> EpropReference:
    """A curve of 1000 steps from 100 inputs through 100 neurons, shown five times.

    The data of `test_eprop_regression` of NEST 3.10, which is named by the initials of the authors
    of e-prop: Bellec et al. 2020, Nat. Commun. 11:3625, pattern generation.
    """
    rng = np.random.RandomState(1)  # the reference uses this generator; its stream never changes
    w_in, w_rec = _normal(rng, 100, 100), _recurrent(rng, 100)
    w_out, feedback = _normal(rng, 100, 1), _normal(rng, 100, 1)
    spikes = rng.random_sample((1, 1000, 100)) < 0.05
    curve = sines(rng, 1000, (1, 2, 3, 5))
    shown = Examples(
        _from_the_second_step(spikes),
        curve[None, :, None],
        ("pattern", "step", "channel"),
        ("pattern", "step", "output"),
    )
    return EpropReference(w_in, w_rec, w_out, feedback, (shown,) * ITERATIONS)


def bsshslm_classification(batch: int = 1) -> EpropReference:
    """Evidence accumulation with 40 inputs and 100 neurons, five batches of 2250 steps.

    The data of `test_eprop_classification` of NEST 3.10, where the last fifty of the recurrent
    neurons adapt: Bellec et al. 2020, Nat. Commun. 11:3625, Fig. 3.

    Args:
        batch: Trials for each update of the weights; the reference has losses for 1 and 2.
    """
    rng = np.random.RandomState(1)
    w_in, w_rec = _normal(rng, 40, 100), _recurrent(rng, 100)
    limit = np.sqrt(6 / 102)  # Glorot & Bengio 2010
    w_out = _rounded(rng.uniform(-limit, limit, (100, 2)))
    feedback = _rounded(rng.standard_normal((100, 2)))
    iterations = tuple(_batch(rng, batch) for _ in range(ITERATIONS))
    return EpropReference(w_in, w_rec, w_out, feedback, iterations)


def _batch(rng: np.random.RandomState, size: int) -> Examples:
    drawn = drawn_trials(rng, size, timing=CueTiming())
    return Examples(
        _from_the_second_step(drawn.inputs),
        drawn.targets,
        drawn.axes,
        drawn.target_axes,
        drawn.scored,
    )


def _from_the_second_step(spikes: np.ndarray) -> np.ndarray:
    spikes = spikes.astype(np.float64)
    spikes[:, 0] = 0
    return spikes


def _rounded(weights: np.ndarray) -> np.ndarray:
    # The authors' program computes in single precision, so the reference starts from such weights.
    return weights.astype(np.float32).astype(np.float64)


def _normal(rng: np.random.RandomState, pre: int, post: int) -> np.ndarray:
    return _rounded(rng.standard_normal((pre, post)) / np.sqrt(pre))


def _recurrent(rng: np.random.RandomState, size: int) -> np.ndarray:
    weights = _normal(rng, size, size)
    np.fill_diagonal(weights, 0.0)
    return weights
