"""A network of the size of an adult fly's brain: 138,639 neurons, 15.1 million connections.

Every neuron is a leaky integrate-and-fire neuron with the parameters that Shiu et al. (2024, Nature
634:210) gave to the whole connectome of Drosophila, and a connection is as strong as the synapses
it consists of are many. Which neurons are connected is drawn at random here, with the shape of the
connectome's distributions: numbers of partners and of synapses are log-normal, so that a few
neurons reach thousands of others. All synapses of a neuron have one sign. At rest the network is
silent, as it is in that paper; some neurons are driven at 150 Hz, and activity spreads from there.

python -m pip install matplotlib; python examples/fly_brain.py [--quick] [--driven 1000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import Hz, ms, mV, pA, pF

SEED, STEP = 1, 0.1 * ms
NEURONS, CONNECTIONS = 138_639, 15_100_000
INHIBITORY = 0.4  # share of the neurons
DEGREE = 1.0  # standard deviation of the logarithm of the number of targets, and of sources
SYNAPSES = 1.9, 1.0  # of a connection: the median, and the standard deviation of the logarithm
DRIVE = 150 * Hz
C_M, TAU_M, TAU_SYN = 200.0, 20.0, 5.0  # pF, ms
W_SYN = 0.275  # mV: to this a synapse takes the potential if its current did not decay


def connections(neurons: int, total: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, target and signed number of synapses of each connection.

    A pair is drawn with a probability in proportion to a log-normal weight of each end.
    """
    rng = np.random.default_rng(seed)
    out, into = rng.lognormal(sigma=DEGREE, size=(2, neurons))
    pre = np.repeat(np.arange(neurons), rng.multinomial(total, out / out.sum()))
    post = np.repeat(np.arange(neurons), rng.multinomial(total, into / into.sum()))
    rng.shuffle(post)
    synapses = np.ceil(rng.lognormal(np.log(SYNAPSES[0]), SYNAPSES[1], total))
    sign = np.where(rng.random(neurons) < INHIBITORY, -1, 1)
    return pre, post, sign[pre] * synapses


def network(
    neurons: int = NEURONS, connected: int = CONNECTIONS, driven: int = 1000, seed: int = SEED
) -> sx.Network:
    """The network, of which the first neurons are driven."""
    cell = sx.Cell(
        sx.LIF(
            C_m=C_M * pF,
            tau_m=TAU_M * ms,
            E_L=-52 * mV,
            V_th=-45 * mV,
            V_reset=-52 * mV,
            t_ref=2.2 * ms,
        ),
        syn=sx.Receptor(sx.Expon(TAU_SYN * ms), sx.CUBA()),
    )
    pre, post, synapses = connections(neurons, connected, seed)
    one = W_SYN * C_M / TAU_M  # pA: a constant current of that size moves the potential by W_SYN
    first = sx.explicit(np.arange(driven), np.arange(driven))
    return sx.Network(
        {
            "brain": sx.Population(cell, neurons),
            "stimulus": sx.Population(sx.Poisson(DRIVE), driven),
        },
        [
            sx.Projection(
                "brain",
                "brain",
                "syn",
                sx.explicit(pre, post),
                weight=synapses * one * pA,
                delay=1.8 * ms,
            ),
            # As strong as 250 synapses: one spike from outside makes its target fire.
            sx.Projection("stimulus", "brain", "syn", first, weight=250 * one * pA),
        ],
    )


def run(
    net: sx.Network, duration: Any, seed: int = SEED, progress: bool | None = None
) -> tuple[dict[str, float], sx.Recording]:
    """Simulate a network.

    Returns:
        What is measured, and the recording.
    """
    simulation = sx.Simulation(net, dt=STEP, seed=seed)
    recording = simulation.run(duration, record={"brain": "spike"}, progress=progress)
    return measure(recording, net.populations["stimulus"].size), recording


def measure(recording: sx.Recording, driven: int) -> dict[str, float]:
    """Rates of the driven neurons and of the others, and how many of these fire at all."""
    rates = np.asarray(recording["brain.spike"].rates() / Hz)
    others = rates[driven:]
    return {
        "rate_driven": float(rates[:driven].mean()),
        "rate": float(others.mean()),
        "active": float((others > 0).mean()),
        "rate_active": float(others[others > 0].mean()) if others.any() else 0.0,
    }


def picture(net: sx.Network, recording: sx.Recording, path: Path) -> None:
    """How many targets a neuron has; the rates of the neurons that fire; the rate in time."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    degrees, rates, time_course = figure.subplots(1, 3)
    outgoing = np.bincount(net.projections[0].connectivity.pre)
    degrees.hist(outgoing, np.geomspace(1, outgoing.max() + 1, 50))
    degrees.set(xscale="log", yscale="log", xlabel="targets of a neuron", ylabel="neurons")
    spikes = recording["brain.spike"]
    found = np.asarray(spikes.rates() / Hz)
    rates.hist(found[found > 0], 50)
    rates.set(yscale="log", xlabel="rate (Hz)", ylabel="neurons")
    course = spikes.psth(5 * ms)
    time_course.plot(np.asarray(course.times / ms), np.ravel(course.values) * 1000)
    time_course.set(xlabel="time (ms)", ylabel="rate of all (Hz)", ylim=(0, None))
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Run, print and draw; the figures of the network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--driven", type=int, default=1000, help="neurons that are driven")
    parser.add_argument("--duration", type=float, default=300, help="ms")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the network, 100 ms")
    parser.add_argument("--picture", type=Path, default=Path("fly_brain.png"))
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    share, duration = (20, 100) if given.quick else (1, given.duration)
    net = network(NEURONS // share, CONNECTIONS // share, given.driven // share)
    outgoing = np.bincount(net.projections[0].connectivity.pre)
    found, recording = run(net, duration * ms)
    print(f"{duration:g} ms after {time.perf_counter() - began:.0f} s")
    print(
        f"targets of a neuron: median {np.median(outgoing):.0f}, mean {outgoing.mean():.0f}, "
        f"largest {outgoing.max()}"
    )
    for name, value in found.items():
        print(f"{name:12}{value:9.3f}")
    picture(net, recording, given.picture)
    return found


if __name__ == "__main__":
    main()
