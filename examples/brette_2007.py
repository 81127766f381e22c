"""CUBA and COBA, the two networks that simulators of spiking neurons have been compared by.

Sparse networks of integrate-and-fire neurons after Vogels & Abbott (2005, J. Neurosci. 25:10786),
with the parameters of benchmarks 1 (conductances, COBA) and 2 (currents, CUBA) of Brette et al.
(2007, J. Comput. Neurosci. 23:349, Appendix 2): four fifths excitatory, 80 synapses onto a neuron
at any size. CUBA is active by itself, its neurons rest above their threshold. COBA, which the paper
starts by random spikes (vogels_abbott_2005.py), has a constant current here, so that it can be run
for any time.

python -m pip install matplotlib; python examples/brette_2007.py [--quick] [--n 40000] [CUBA COBA]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import spikax as sx
from spikax.integrate import StepControl, evolve
from spikax.units import Hz, ms, mV, nS, pA, pF

SEED, STEP = 1, 0.1 * ms
SYNAPSES = 80  # onto a neuron, on average
SETTLED = 200 * ms


@dataclass(frozen=True)
class Kind:
    """What the two networks do not share."""

    E_L: Any
    I_e: Any
    exc: sx.Coupling
    inh: sx.Coupling
    weights: tuple[Any, Any]


KINDS = {
    "CUBA": Kind(-49 * mV, 0 * pA, sx.CUBA(), sx.CUBA(), (16.2 * pA, -90 * pA)),
    "COBA": Kind(-60 * mV, 200 * pA, sx.COBA(0 * mV), sx.COBA(-80 * mV), (6 * nS, 67 * nS)),
}


class AdaptiveState(sx.State):
    """Variables of a neuron with substeps of its own."""

    V_m: Any = sx.cell(mV, init="V_init")
    spike: Any = sx.spike()
    refractory: Any = sx.clock()
    substep: Any = sx.cell(ms, doc="length of the next substep to be tried")


class AdaptiveLIF(sx.LIF):
    """The neuron of the network solved by RKF45, as NEST solves its conductance-based ones."""

    State = AdaptiveState

    def init_state(self, size: int, *, key: Any, dt: float) -> AdaptiveState:
        return super().init_state(size, key=key, dt=dt).replace(substep=jnp.full(size, dt))

    def propagate(self, s: Any, current: Any, active: Any, dt: float) -> AdaptiveState:
        def slopes(y: tuple[Any, Any], args: Any) -> tuple[Any, Any]:
            V, elapsed = y  # the time within the step is a variable too: synapses decay by it
            flow = self.leak(V, current(V, elapsed))
            return jnp.where(active, flow, 0.0), jnp.ones_like(elapsed)

        y = s.V_m, jnp.zeros_like(s.V_m)
        control = StepControl(eps_abs=1e-3, eps_rel=0.0)
        (V, _), _, substep, _ = evolve(slopes, _nothing, y, (), s.substep, dt, control=control)
        return s.replace(V_m=V, substep=substep)


def _nothing(y: Any, args: Any) -> tuple[Any, Any]:
    return y, args


def network(
    kind: str = "COBA", neurons: int = 4000, *, I_e: Any = None, neuron: type[sx.LIF] = sx.LIF
) -> sx.Network:
    """One of the two networks, with another constant current if one is given."""
    chosen = KINDS[kind]
    cell = sx.Cell(
        neuron(
            C_m=200 * pF,
            tau_m=20 * ms,
            E_L=chosen.E_L,
            V_th=-50 * mV,
            V_reset=-60 * mV,
            t_ref=5 * ms,
            I_e=chosen.I_e if I_e is None else I_e,
            V_init=sx.Uniform(-60 * mV, -50 * mV),
        ),
        exc=sx.Receptor(sx.Expon(5 * ms), chosen.exc),
        inh=sx.Receptor(sx.Expon(10 * ms), chosen.inh),
    )
    inhibitory, random = neurons // 5, sx.pairwise_bernoulli(SYNAPSES / neurons)
    return sx.Network(
        {"E": sx.Population(cell, neurons - inhibitory), "I": sx.Population(cell, inhibitory)},
        [
            sx.Projection(pre, ["E", "I"], port, random, weight=weight, delay=STEP)
            for pre, port, weight in zip("EI", ("exc", "inh"), chosen.weights, strict=True)
        ],
    )


def run(
    kind: str, neurons: int = 4000, duration: Any = 1200 * ms, seed: int = SEED
) -> tuple[dict[str, float], sx.Recording]:
    """Simulate one network.

    Returns:
        What is measured, from 200 ms on, and the recording.
    """
    simulation = sx.Simulation(network(kind, neurons), dt=STEP, seed=seed)
    recording = simulation.run(duration, record={"E": "spike", "I": "spike"})
    return measure(recording), recording


def measure(recording: sx.Recording, start: Any = SETTLED) -> dict[str, float]:
    """Rates (Hz), the irregularity of the excitatory neurons and the correlation of their pairs."""
    exc, inh = (recording[f"{name}.spike"].after(start) for name in "EI")
    return {
        "rate_E": float(exc.rate() / Hz),
        "rate_I": float(inh.rate() / Hz),
        "cv": float(np.mean(exc.isi_cv(min_spikes=5))),
        "correlation": correlation(exc),
    }


def correlation(spikes: sx.Spikes, bin_ms: float = 5.0, neurons: int = 500) -> float:
    """Mean correlation of the spike counts of pairs of neurons: 0 asynchronous, 1 all as one."""
    bins = int((spikes.stop - spikes.start) * spikes.dt / bin_ms)
    when = ((spikes.steps - spikes.start - 1) * spikes.dt / bin_ms).astype(int)
    counts = np.zeros((neurons, bins + 1))
    few = spikes.ids < neurons
    np.add.at(counts, (spikes.ids[few], when[few]), 1)
    active = counts[counts.std(axis=1) > 0]
    pairs = np.corrcoef(active)
    return float((pairs.sum() - len(pairs)) / (len(pairs) * (len(pairs) - 1)))


def picture(recordings: Mapping[str, sx.Recording], path: Path) -> None:
    """The spikes of some neurons of each network in the last 300 ms."""
    figure = Figure(figsize=(8, 3 * len(recordings)), layout="constrained")
    parts = figure.subplots(len(recordings), squeeze=False)[:, 0]
    for part, (kind, recording) in zip(parts, recordings.items(), strict=True):
        end = recording["E.spike"].stop * float(STEP / ms)
        recording.plot_raster("E", "I", ax=part, max_neurons=100)
        part.set(title=kind, xlim=(end - 300, end))
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Run, print and draw; the figures of each network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kinds", nargs="*", default=list(KINDS), help="CUBA, COBA")
    parser.add_argument("--n", type=int, default=4000, help="number of neurons")
    parser.add_argument("--quick", action="store_true", help="400 ms")
    parser.add_argument("--picture", type=Path, default=Path("brette_2007.png"))
    given = parser.parse_args(arguments)
    duration = 400 * ms if given.quick else 1200 * ms
    results = {}
    print(f"{'':6}{'rate E':>8}{'rate I':>8}{'CV':>7}{'correlation':>13}")
    for kind in given.kinds:
        began = time.perf_counter()
        results[kind] = found, _ = run(kind, given.n, duration)
        print(
            f"{kind:6}{found['rate_E']:8.2f}{found['rate_I']:8.2f}{found['cv']:7.2f}"
            f"{found['correlation']:13.4f}   after {time.perf_counter() - began:.1f} s",
            flush=True,
        )
    picture({kind: recording for kind, (_, recording) in results.items()}, given.picture)
    return {kind: found for kind, (found, _) in results.items()}


if __name__ == "__main__":
    main()
