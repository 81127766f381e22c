"""Delayed match to sample: a stimulus, a second of nothing, a stimulus: the same one again?

Each of two stimuli has ten input channels (after Miller, Erickson & Desimone 1996, J. Neurosci.
16:5154). A hundred recurrent neurons have thresholds that rise with each of their spikes and fall
back over seconds: what has been seen lately is answered more weakly. They are trained by
backpropagation through time and by e-prop, which goes forwards only.

python -m pip install matplotlib optax; python examples/delayed_match.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optax
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import ms, mV
from spikax_learning import BPTT, EProp, Fit, Random, cross_entropy, fit
from spikax_learning.metrics import accuracy
from spikax_learning.projections import scale_by_spread
from spikax_learning.tasks import Examples, delayed_match_to_sample

NEURONS, BATCH, TRAIN, TEST = 100, 32, 320, 512
EPOCHS, RATE, SEED = 10, 0.02, 1
RULES = {"BPTT": BPTT(), "e-prop": EProp(), "e-prop, random feedback": EProp(Random())}


def network(channels: int) -> sx.Network:
    """Stimuli to recurrent neurons that adapt to a readout: another one, the same one."""
    everyone, others = sx.all_to_all(), sx.all_to_all(allow_autapses=False)
    adaptive = sx.ALIF(tau_a=2000 * ms, beta=1 * mV)
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), channels),
            "E": sx.Population(adaptive, NEURONS),
            "out": sx.Population(sx.LeakyReadout(20 * ms), 2),
        },
        [
            sx.Projection("in", "E", "delta", everyone, sx.Normal(0 * mV, 3 * mV)),
            sx.Projection("E", "E", "delta", others, sx.Normal(0 * mV, 1 * mV), 1 * ms),
            sx.Projection("E", "out", "input", everyone, sx.Normal(0.0, 0.1)),
        ],
    )


def shown(trials: Examples) -> tuple[Any, Any]:
    """Spikes; the answer, and in which steps it counts."""
    return {"in.spike": trials.inputs}, (trials.targets, np.asarray(trials.scored, np.float32))


def learn(net: sx.BuiltNetwork, rule: Any, train: Any, test: Any, epochs: int) -> Fit:
    """The trained network, and after each epoch the share of new trials answered right."""
    schedule = optax.cosine_decay_schedule(RATE, epochs * -(-len(train[1][0]) // BATCH))
    optimizer = optax.chain(optax.adam(schedule), scale_by_spread())
    judge: dict[str, Any] = {"validation": test, "metrics": {"accuracy": accuracy}}
    loss = cross_entropy("out")
    return fit(net, train, rule, optimizer, loss, epochs=epochs, batch_size=BATCH, **judge)


def spikes(net: sx.BuiltNetwork, trials: Examples) -> Any:
    """Of the neurons, in the first trial."""
    inputs, length = {"in.spike": trials.inputs[0]}, trials.inputs.shape[1] * ms
    return sx.simulate(net, net.init_state(), length, inputs=inputs, record={"E": "spike"})[1]


def picture(curves: dict[str, np.ndarray], seen: Any, path: Path) -> None:
    """The share of trials answered right, and the spikes of one trial."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    right, raster = figure.subplots(1, 2)
    for name, curve in curves.items():
        right.plot(np.arange(1, len(curve) + 1), 100 * curve, ".-", label=name)
    right.set(xlabel=f"epoch of {TRAIN} trials", ylabel="new trials answered right (%)")
    right.axhline(50, color="gray", linestyle=":")
    right.legend()
    seen.plot_raster("E", ax=raster)
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Learn by every rule, print and draw; the share answered right by epoch."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a short delay, few epochs, two rules")
    parser.add_argument("--picture", type=Path, default=Path("delayed_match.png"))
    chosen = parser.parse_args(arguments)
    delay, epochs, tested = (100, 4, 128) if chosen.quick else (1000, EPOCHS, TEST)
    train = delayed_match_to_sample(TRAIN, SEED, delay=delay)
    test = delayed_match_to_sample(tested, 10**6 + SEED, delay=delay)
    net = network(train.inputs.shape[-1]).build(dt=1 * ms, seed=SEED)
    curves, trained = dict[str, np.ndarray](), net
    for name, rule in list(RULES.items())[: 2 if chosen.quick else None]:
        began = time.perf_counter()
        found = learn(net, rule, shown(train), shown(test), epochs)
        curves[name], trained = found.history["accuracy"], found.net
        seconds = time.perf_counter() - began
        print(f"{name}: {curves[name][-1]:.1%} of {tested} new trials, {seconds:.0f} s", flush=True)
    picture(curves, spikes(trained, test), chosen.picture)
    return curves


if __name__ == "__main__":
    main()
