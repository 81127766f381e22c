"""Pattern generation: frozen noise is turned into curves, learned online by e-prop.

A hundred inputs fire at 50 Hz, the same spikes in every presentation. A hundred recurrent neurons
and a leaky readout are to make three curves of one second of them, each a sum of sines of 1, 2, 3
and 5 Hz (Bellec et al. 2020, Nat. Commun. 11:3625). The weights change after each presentation.

python -m pip install matplotlib optax; python examples/pattern_generation.py [--quick]
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
from spikax_learning import EProp, Random, fit, squared_error
from spikax_learning.projections import scale_by_spread
from spikax_learning.tasks import Examples, pattern_generation

CHANNELS, NEURONS, CURVES = 100, 100, 3
PRESENTATIONS, RATE, SEED = 1000, 0.1, 1
RULES = {"random feedback": EProp(Random()), "symmetric feedback": EProp()}


def network() -> sx.Network:
    """Noise to recurrent neurons to a readout of each curve."""
    everyone, others = sx.all_to_all(), sx.all_to_all(allow_autapses=False)
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), CHANNELS),
            "E": sx.Population(sx.LIF(tau_m=30 * ms), NEURONS),
            "out": sx.Population(sx.LeakyReadout(30 * ms), CURVES),
        },
        [
            sx.Projection("in", "E", "delta", everyone, sx.Normal(0 * mV, 1 * mV)),
            sx.Projection("E", "E", "delta", others, sx.Normal(0 * mV, 1 * mV), 1 * ms),
            sx.Projection("E", "out", "input", everyone, sx.Normal(0.0, 0.03)),
        ],
    )


def learn(
    net: sx.BuiltNetwork, rule: EProp, pattern: Examples, presentations: int
) -> tuple[sx.BuiltNetwork, np.ndarray]:
    """The network, and in each presentation the squared error over that of silence."""
    schedule = optax.cosine_decay_schedule(RATE, presentations)
    optimizer = optax.chain(optax.adam(schedule), scale_by_spread())
    data = {"in.spike": pattern.inputs}, pattern.targets
    found = fit(
        net, data, rule, optimizer, squared_error("out"), epochs=presentations, progress=False
    )
    return found.net, 2 * found.history["loss"] / (pattern.targets**2).sum()


def made(net: sx.BuiltNetwork, pattern: Examples) -> Any:
    """What the network makes of the noise: its spikes and its curves."""
    spikes, record = pattern.inputs[0], {"E": "spike", "out": "y"}
    inputs, length = {"in.spike": spikes}, len(spikes) * ms
    return sx.simulate(net, net.init_state(), length, inputs=inputs, record=record)[1]


def picture(errors: dict[str, np.ndarray], nets: Any, pattern: Examples, path: Path) -> None:
    """The error by presentation; the curves of the first and last net; the spikes of the last."""
    first, seen = (made(net, pattern) for net in nets)
    before, after = (each["out.y"].values for each in (first, seen))
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    falling, curves, raster = figure.subplots(1, 3)
    for name, error in errors.items():
        falling.semilogy(np.arange(1, len(error) + 1), error, label=name)
    falling.set(xlabel="presentation", ylabel="squared error (1: silence)")
    falling.legend()
    for k in range(CURVES):
        for values, style in ((pattern.targets[0], "k-"), (before, "C0:"), (after, "C1-")):
            curves.plot(np.asarray(values)[:, k] - 2.5 * k, style)
    curves.set(xlabel="time (ms)", yticks=[], title="asked for, made at first and at last")
    seen.plot_raster("E", ax=raster)
    figure.savefig(path, dpi=60)


def main(arguments: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Learn with either feedback, print and draw; the errors."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="100 presentations")
    parser.add_argument("--picture", type=Path, default=Path("pattern_generation.png"))
    chosen = parser.parse_args(arguments)
    pattern = pattern_generation(1, SEED, channels=CHANNELS, outputs=CURVES)
    net, errors = network().build(dt=1 * ms, seed=SEED), dict[str, np.ndarray]()
    trained = net
    for name, rule in RULES.items():
        began = time.perf_counter()
        trained, errors[name] = learn(net, rule, pattern, 100 if chosen.quick else PRESENTATIONS)
        first, last = errors[name][[0, -1]]
        seconds = time.perf_counter() - began
        print(f"{name}: error {first:.3f}, at last {last:.4f}, {first / last:.0f} times smaller")
        print(f"  in {len(errors[name])} presentations, {seconds:.0f} s", flush=True)
    picture(errors, (net, trained), pattern, chosen.picture)
    return errors


if __name__ == "__main__":
    main()
