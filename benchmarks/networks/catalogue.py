"""The networks that are compared, by name: which example describes each, and who is asked too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import spikax as sx
from spikax.units import ms

sys.path.append(str(Path(__file__).parents[2] / "examples"))
STEP = 0.1 * ms
EXACT = "The peers integrate exactly between spikes, ours by exponential Euler (order 2)."


@dataclass(frozen=True)
class Benchmark:
    """One network.

    Attributes:
        title: What the table is headed by; `{n}` and `{scale}` are filled in.
        make: The description, of the options as given or by default.
        options: Defaults of `n` and `scale`, where they change anything.
        peers: Who is asked.
        settle, duration: Model time (ms) before the first run, and of each run.
        listed: Whether peers are given the synapses that ours draws, one by one. Where rates
            differ much between two draws of a network, those of two sides would too.
        solver: A second integrator that ours is run with, where a peer's differs.
        note: What the table says besides.
        limit: A number of neurons, and the seconds that a step of so many takes at least.
    """

    title: str
    make: Callable[..., sx.Network]
    options: dict[str, Any] = field(default_factory=dict)
    peers: tuple[str, ...] = ("nest",)
    settle: float = 200.0
    duration: float = 1000.0
    listed: bool = False
    solver: str | None = None
    note: str = ""
    limit: tuple[int, float] | None = None


def _brette(kind: str) -> Callable[..., sx.Network]:
    def make(n: int, solver: str | None = None) -> sx.Network:
        import brette_2007

        neuron = brette_2007.AdaptiveLIF if solver else sx.LIF
        return brette_2007.network(kind, n, neuron=neuron)

    return make


def _brunel(synapse: str) -> Callable[..., sx.Network]:
    def make() -> sx.Network:
        import brunel_2000

        return brunel_2000.network(brunel_2000.POINTS["C"], synapse=synapse)

    return make


def _microcircuit(scale: float) -> sx.Network:
    import potjans_diesmann_2014

    return potjans_diesmann_2014.network(scale)


def _plastic(scale: float) -> sx.Network:
    import hpc_benchmark

    return hpc_benchmark.network(scale)


def _fly() -> sx.Network:
    import fly_brain

    return fly_brain.network()


NETWORKS = {
    "cuba": Benchmark(
        "CUBA (Brette et al. 2007, benchmark 2), {n:,} neurons",
        _brette("CUBA"),
        {"n": 4000},
        ("nest", "brian2"),
        note=EXACT,
        limit=(4000, 3e-6),
    ),
    "coba": Benchmark(
        "COBA (Brette et al. 2007, benchmark 1), {n:,} neurons",
        _brette("COBA"),
        {"n": 4000},
        ("nest", "brian2", "brainpy"),
        listed=True,
        solver="RKF45",
        note="All sides have the same synapses (rates of two draws differ by 5%, one standard "
        "deviation). NEST solves conductances by adaptive RKF45, the others by exponential Euler.",
    ),
    "microcircuit": Benchmark(
        "Cortical microcircuit (Potjans & Diesmann 2014), scale {scale:g}",
        _microcircuit,
        {"scale": 0.3},
        settle=100,
        note=EXACT,
    ),
    "brunel": Benchmark(
        "Brunel 2000, model A, asynchronous irregular, delta synapses",
        _brunel("delta"),
        peers=("nest", "brian2"),
        note="All sides integrate exactly.",
    ),
    "brunel_alpha": Benchmark(
        "Brunel 2000, model A, asynchronous irregular, alpha currents",
        _brunel("alpha"),
        note=EXACT,
    ),
    "hpc_benchmark": Benchmark(
        "Plastic network after hpc_benchmark, scale {scale:g}",
        _plastic,
        {"scale": 1.0},
        note=f"The STDP of both sides is that of Guetig et al. (2003). {EXACT}",
    ),
    "fly_brain": Benchmark(
        "A network of the size of a fly's brain",
        _fly,
        note=f"Both sides have the same list of connections. {EXACT}",
    ),
}


def network(name: str, options: dict[str, Any]) -> sx.Network:
    """The description of a network."""
    return NETWORKS[name].make(**options)
