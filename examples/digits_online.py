"""Handwritten digits, learned forwards in time by spiking neurons, beside backpropagation.

The 1797 images of 8 x 8 pixels that ship with scikit-learn. Each pixel sends its brightness in
every step, as a current, to recurrent neurons; a leaky readout names the digit. The same network,
the same images and the same optimiser, five times from other weights, by each rule.

python -m pip install matplotlib optax scikit-learn; python examples/digits_online.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optax
from matplotlib.figure import Figure
from scipy import ndimage

import spikax as sx
from spikax.units import ms, pA
from spikax_learning import BPTT, DRTRL, EProp, Fit, PPProp, Random, cross_entropy, fit
from spikax_learning.metrics import accuracy
from spikax_learning.projections import scale_by_spread
from spikax_learning.tasks import Examples, Shuffled, digits

STEPS, HIDDEN, BATCH = 20, 128, 64  # of 1 ms; neurons; images
EPOCHS, SEEDS = 25, 5
# With one population before the readout, D-RTRL is e-prop with symmetric feedback.
RULES = {
    "BPTT": BPTT(),
    "e-prop": EProp(),
    "e-prop, random feedback": EProp(Random()),
    "D-RTRL": DRTRL(),
    "pp-prop": PPProp(),
}
shift = partial(ndimage.shift, order=0)
COLOURS = ("#000000", "#0072B2", "#56B4E9", "#D55E00", "#009E73")  # Okabe and Ito's


def network() -> sx.Network:
    """Pixels to recurrent neurons to a readout; a weight of its own for every synapse."""
    cell = sx.Cell(sx.LIF(tau_m=10 * ms), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    strong, weak = sx.Normal(0 * pA, 30 * pA), sx.Normal(0 * pA, 40 * pA)
    everyone = sx.all_to_all()
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), 64),
            "hidden": sx.Population(cell, HIDDEN),
            "out": sx.Population(sx.LeakyReadout(20 * ms), 10),
        },
        [
            sx.Projection("in", "hidden", "syn", everyone, weight=strong),
            sx.Projection("hidden", "hidden", "syn", everyone, weight=weak, delay=1 * ms),
            sx.Projection("hidden", "out", "input", everyone, weight=sx.Normal(0.0, 1.0)),
        ],
    )


def shown(images: Examples) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Images, the same in every step, and what they show."""
    pixels = images.inputs.reshape(len(images), 1, -1)
    return {"in.spike": np.repeat(pixels, STEPS, axis=1)}, images.targets


def moved(images: Examples, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Half of the images a pixel to some side; what moves over an edge is lost."""
    by = [rng.integers(-1, 2, 2) * (rng.random() < 0.5) for _ in images.inputs]
    return shown(replace(images, inputs=np.array([*map(shift, images.inputs, by)])))


def learn(
    epochs: int, seeds: int, rules: Mapping[str, Any] = RULES
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """By rule: the share of test images read right, (seeds, epochs), and the seconds it took."""
    train, test = digits()
    steps = epochs * -(-len(train) // BATCH)
    loss = cross_entropy("out")
    # The same objects in every call: each rule is compiled once.
    optimizer = optax.chain(optax.adam(optax.cosine_decay_schedule(0.05, steps)), scale_by_spread())
    judged = {"validation": shown(test), "metrics": {"accuracy": accuracy}}

    def learned(rule: Any, seed: int) -> Fit:
        net, data = network().build(dt=1 * ms, seed=seed), Shuffled(train, BATCH, moved, seed)
        return fit(net, data, rule, optimizer, loss, epochs=epochs, **judged)

    return by_rule(rules, seeds, learned)


def by_rule(
    rules: Mapping[str, Any], seeds: int, learned: Callable[[Any, int], Fit]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """By rule: the accuracy of `learned(rule, seed)` by seed and epoch, and all its seconds."""
    curves, seconds = dict[str, np.ndarray](), dict[str, float]()
    for name, rule in rules.items():
        began = time.perf_counter()
        found = [learned(rule, seed) for seed in range(seeds)]
        curves[name] = np.array([one.history["accuracy"] for one in found])
        seconds[name] = time.perf_counter() - began
        say(name, curves[name], seconds[name])
    return curves, seconds


def say(name: str, curve: np.ndarray, seconds: float) -> None:
    """A row of the table."""
    reached = 100 * curve[:, -1]
    print(
        f"{name:24} {reached.mean():5.1f} +- {reached.std():3.1f} %  {seconds:5.0f} s", flush=True
    )


def picture(
    curves: Mapping[str, np.ndarray], path: Path, what: str = "test images read right"
) -> None:
    """How the share that is right rises, and where it ends."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    rising, ends = figure.subplots(1, 2)
    for row, (colour, (name, curve)) in enumerate(zip(COLOURS, curves.items(), strict=False)):
        epochs = np.arange(1, curve.shape[1] + 1)
        rising.plot(epochs, 100 * curve.mean(0), color=colour, label=name)
        ends.plot(100 * curve[:, -1], np.full(len(curve), row), "o", color=colour, alpha=0.5)
        ends.plot(100 * curve[:, -1].mean(), row, "|", color=colour, markersize=24)
    rising.set(xlabel="epoch", ylabel=f"{what} (%)", ylim=(90, 100))
    rising.legend(fontsize=8)
    ends.set(xlabel="at the end: each network, and the mean (%)", yticks=range(len(curves)))
    ends.set_yticklabels(list(curves))
    ends.invert_yaxis()
    figure.savefig(path, dpi=100)


def main(arguments: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Learn by every rule, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one network, few epochs")
    parser.add_argument("--picture", type=Path, default=Path("digits_online.png"))
    chosen = parser.parse_args(arguments)
    curves, _ = learn(*((3, 1) if chosen.quick else (EPOCHS, SEEDS)))
    picture(curves, chosen.picture)
    return curves


if __name__ == "__main__":
    main()
