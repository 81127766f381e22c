"""A small training that can be interrupted.

Run as a script, `python fit_case.py FILE EPOCHS`, it is the new process: it goes on with the
checkpoint that it finds in FILE up to so many epochs.
"""

import sys

import numpy as np
import optax

import spikax as sx
from spikax.units import ms, pA
from spikax_learning import EProp, cross_entropy, fit
from spikax_learning.metrics import accuracy
from spikax_learning.projections import dale, scale_by_spread

N_IN, N, CLASSES, STEPS, EXAMPLES = 6, 10, 2, 15, 22


def network():
    cell = sx.Cell(sx.LIF(I_e=80 * pA), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "E": sx.Population(cell, N),
            "out": sx.Population(sx.LeakyReadout(20 * ms), CLASSES),
        },
        [
            sx.Projection("in", "E", "syn", sx.all_to_all(), sx.Normal(60 * pA, 60 * pA)),
            sx.Projection("E", "E", "syn", sx.all_to_all(), sx.Normal(0 * pA, 30 * pA), 1 * ms),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0, 0.3)),
        ],
    ).build(dt=1 * ms, seed=1)


def examples(n=EXAMPLES, seed=0):
    """Half of the inputs fire more often, which half is the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=n)
    often = np.arange(N_IN) // (N_IN // CLASSES) == labels[:, None]
    spikes = rng.random((n, STEPS, N_IN)) < np.where(often, 0.4, 0.05)[:, None]
    return {"in.spike": spikes.astype(np.float32)}, labels


RULE, LOSS, METRICS = EProp(), cross_entropy("out"), {"accuracy": accuracy}
OPTIMIZER = optax.chain(optax.adam(0.03), scale_by_spread(), dale())


def train(epochs, **more):
    options = {"batch_size": 8, "validation": examples(16, seed=1), "metrics": METRICS} | more
    return fit(network(), examples(), RULE, OPTIMIZER, LOSS, epochs=epochs, **options)


if __name__ == "__main__":
    train(int(sys.argv[2]), checkpoint=sys.argv[1], resume=True)
