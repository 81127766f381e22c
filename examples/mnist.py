"""MNIST, ten thousand images of it, by a feed-forward network of spiking neurons in a few minutes.

8,000 images to learn from and 2,000 to test. Each image is averaged to 14 x 14 pixels; a pixel
sends its brightness in every step, as a current, to hidden neurons, and a leaky readout names the
digit. It learns by backpropagation through time, from images moved by up to two pixels of the 28.
Sizes and rates were chosen by a part of the 8,000.

python -m pip install matplotlib optax; python examples/mnist.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optax
from matplotlib.figure import Figure
from scipy.ndimage import shift

import spikax as sx
from spikax.units import ms, pA
from spikax_learning import BPTT, Fit, cross_entropy, fit
from spikax_learning.metrics import accuracy
from spikax_learning.projections import scale_by_spread
from spikax_learning.tasks import Examples, Shuffled, mnist_subset

STEPS, PIXELS, HIDDEN = 12, 14 * 14, 256  # of 1 ms; after averaging; neurons
MOVED = 2  # pixels at most, in each direction
BATCH, EPOCHS, RATE = 100, 30, 0.03
BLUE, ORANGE = "#0072B2", "#D55E00"


def network() -> sx.Network:
    """Pixels to hidden neurons to a readout; a weight of its own for every synapse."""
    cell = sx.Cell(sx.LIF(tau_m=10 * ms), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    everyone = sx.all_to_all()
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), PIXELS),
            "hidden": sx.Population(cell, HIDDEN),
            "out": sx.Population(sx.LeakyReadout(20 * ms), 10),
        },
        [
            sx.Projection("in", "hidden", "syn", everyone, weight=sx.Normal(0 * pA, 30 * pA)),
            sx.Projection("hidden", "out", "input", everyone, weight=sx.Normal(0.0, 1.0)),
        ],
    )


def shown(images: np.ndarray) -> dict[str, np.ndarray]:
    """Images, averaged over 2 x 2 pixels, the same in every step."""
    coarse = images.reshape(len(images), 14, 2, 14, 2).mean((2, 4)).reshape(len(images), 1, -1)
    return {"in.spike": np.repeat(coarse, STEPS, axis=1)}


def moved(images: Examples, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Each image moved by some pixels; what moves over an edge is lost."""
    by = [rng.integers(-MOVED, MOVED + 1, 2) for _ in images.inputs]
    return shown(np.array([*map(partial(shift, order=0), images.inputs, by)])), images.targets


def learn(train: Examples, test: Examples, epochs: int, seed: int = 0) -> Fit:
    """Train, and judge by the test images after each epoch."""
    steps = epochs * -(-len(train) // BATCH)
    optimizer = optax.chain(optax.adam(optax.cosine_decay_schedule(RATE, steps)), scale_by_spread())
    return fit(
        network().build(dt=1 * ms, seed=seed),
        Shuffled(train, BATCH, moved, seed),
        BPTT(),
        optimizer,
        cross_entropy("out"),
        epochs=epochs,
        batch_size=BATCH,
        validation=(shown(test.inputs), test.targets),
        metrics={"accuracy": accuracy},
    )


def picture(history: Any, path: Path) -> None:
    """How the losses fall, and the share of images read right rises."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    losses, shares = figure.subplots(1, 2)
    epochs = np.arange(1, len(history["loss"]) + 1)
    losses.plot(epochs, history["loss"] / STEPS, "o--", color=BLUE, ms=3, label="moved, training")
    losses.plot(
        epochs, history["validation loss"] / STEPS, "s-", color=ORANGE, ms=3, label="held out"
    )
    shares.plot(epochs, 100 * history["accuracy"], "s-", color=ORANGE, ms=3)
    losses.set(xlabel="epoch", ylabel="cross-entropy in each step (nats)", yscale="log")
    shares.set(xlabel="epoch", ylabel="test images read right (%)")
    losses.legend()
    figure.savefig(path, dpi=100)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Learn, print the share of test images read right and the time, and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few images, few epochs")
    parser.add_argument("--picture", type=Path, default=Path("mnist.png"))
    chosen = parser.parse_args(arguments)
    train, test = mnist_subset()
    began = time.perf_counter()
    found = learn(*((train[:1000], test[:500], 3) if chosen.quick else (train, test, EPOCHS)))
    figures = {
        "accuracy": float(found.history["accuracy"][-1]),
        "seconds": time.perf_counter() - began,
    }
    print(f"{figures['accuracy']:.2%} of the test images read right, {figures['seconds']:.0f} s")
    picture(found.history, chosen.picture)
    return figures


if __name__ == "__main__":
    main()
