"""Four states of a sparse random network: synchronous or not, regular or not.

Brunel (2000, J. Comput. Neurosci. 8:183), model A: 10000 excitatory and 2500 inhibitory leaky
integrate-and-fire neurons, each hearing a tenth of both and as many excitatory neurons outside,
which fire as Poisson processes. A spike moves the potential at once, 1.5 ms later, by J = 0.1 mV or
by -g J. The strength of inhibition, g, and the external rate, eta times the one that alone would
bring a neuron to threshold, choose the state. The points are those of Figure 8.

With `--synapse alpha` a spike starts a current instead, an alpha function of 0.5 ms, whose effect
peaks at J. The rates of the external spikes are lower then, for the same mean.

python -m pip install matplotlib; python examples/brunel_2000.py [--quick] [points ...]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from scipy.special import erfcx

import spikax as sx
from spikax.units import Hz, ms, mV, pA, pF

SEED = 1  # of the connections, the first potentials and the external spikes
TAU, T_REF, DELAY = 20.0, 2.0, 1.5  # ms
V_TH, V_RESET = 20.0, 10.0  # mV above rest
C_M, TAU_SYN = 250.0, 0.5  # pF, ms, of the network with currents
SETTLED, QUICK = 100 * ms, 400 * ms
STEP = 0.1  # ms


@dataclass(frozen=True)
class Point:
    """A point of Figure 8, and how long it is simulated."""

    name: str
    g: float
    eta: float
    duration: Any


POINTS = {
    "A": Point("synchronous regular", 3, 2, 200 * ms),
    "B": Point("synchronous irregular, fast", 6, 4, 1100 * ms),
    "C": Point("asynchronous irregular", 5, 2, 2100 * ms),
    "D": Point("synchronous irregular, slow", 4.5, 0.9, 2100 * ms),
}

SYNAPSES = {"delta": "delta", "alpha": "syn"}  # each with the port of the neuron that it ends on

# Table 1, simulation (Hz), as public re-implementations quote it.
PUBLISHED = {
    "B": {"rate": 60.7, "frequency": 180},
    "C": {"rate": 37.7},
    "D": {"rate": 5.5, "frequency": 22},
}


@dataclass(frozen=True)
class Size:
    """How many excitatory neurons there are, how many of them a neuron hears, by how much."""

    exc: int = 10_000
    indegree: int = 1000
    J: float = 0.1


FULL, SMALL = Size(), Size(exc=2500, indegree=500, J=0.2)


def network(point: Point, size: Size = FULL, synapse: str = "delta") -> sx.Network:
    """The network; what reaches a neuron from outside is one Poisson process, the sum of all."""
    sizes = {"E": size.exc, "I": size.exc // 4}
    each = point.eta * V_TH / (jump(size, synapse) * size.indegree * TAU) * 1000 * Hz
    outside = sx.Poisson(each, sources=size.indegree)
    weight = size.J * mV if synapse == "delta" else size.J / psp_peak(TAU, TAU_SYN, C_M) * pA
    weights, port = {"E": weight, "I": -point.g * weight}, SYNAPSES[synapse]
    others = {"allow_autapses": False, "allow_multapses": False}
    indegrees = {"E": size.indegree, "I": size.indegree // 4}
    recurrent = [
        sx.Projection(
            pre,
            ["E", "I"],
            port,
            sx.fixed_indegree(indegrees[pre], **others),
            weight=weights[pre],
            delay=DELAY * ms,
        )
        for pre in "EI"
    ]
    external = [
        sx.Projection(f"X{post}", post, port, sx.one_to_one(), weight=weights["E"]) for post in "EI"
    ]
    return sx.Network(
        {name: sx.Population(neuron(synapse), n) for name, n in sizes.items()}
        | {f"X{name}": sx.Population(outside, n) for name, n in sizes.items()},
        [*recurrent, *external],
    )


def neuron(synapse: str) -> sx.LIF | sx.Cell:
    """The neuron, whose potential jumps or which has a receptor for all its synapses."""
    membrane = sx.LIF(
        C_m=C_M * pF,
        tau_m=TAU * ms,
        E_L=0 * mV,
        V_th=V_TH * mV,
        V_reset=V_RESET * mV,
        t_ref=T_REF * ms,
        V_init=sx.Uniform(0 * mV, V_TH * mV),
    )
    if synapse == "delta":
        return membrane
    return sx.Cell(membrane, syn=sx.Receptor(sx.Alpha(TAU_SYN * ms), sx.CUBA()))


def psp_peak(tau_m: float, tau_syn: float, C_m: float) -> float:
    """The peak (mV) of the potential that an alpha current of peak 1 pA brings about.

    V(t) = e / (tau_syn C_m b) ((exp(-t / tau_m) - exp(-t / tau_syn)) / b - t exp(-t / tau_syn))
    with b = 1 / tau_syn - 1 / tau_m.
    """
    b = 1 / tau_syn - 1 / tau_m

    def potential(t: float) -> float:
        slow, fast = np.exp(-t / tau_m), np.exp(-t / tau_syn)
        return np.e / (tau_syn * C_m * b) * ((slow - fast) / b - t * fast)

    found = minimize_scalar(lambda t: -potential(t), bounds=(0, 10 * tau_syn), method="bounded")
    return -float(found.fun)


def jump(size: Size, synapse: str) -> float:
    """The jump of the potential (mV) that has the integral of one synapse's effect.

    An alpha current of peak I carries the charge I e tau_syn.
    """
    if synapse == "delta":
        return size.J
    return size.J / psp_peak(TAU, TAU_SYN, C_M) * np.e * TAU_SYN / C_M


def run(
    point: Point,
    size: Size = FULL,
    seed: int = SEED,
    progress: bool | None = None,
    synapse: str = "delta",
) -> tuple[dict[str, float], sx.Recording]:
    """Simulate one point; the measures leave out the first 100 ms.

    Returns:
        What is measured, and the recording.
    """
    simulation = sx.Simulation(network(point, size, synapse), dt=STEP * ms, seed=seed)
    recording = simulation.run(
        point.duration, record={"E": "spike", "I": "spike"}, progress=progress
    )
    return measure(recording), recording


def measure(recording: sx.Recording) -> dict[str, float]:
    """Rate (Hz), CV of the intervals, frequency (Hz) and modulation of the population's rate.

    The modulation is the standard deviation over the mean of the population's rate in bins of 1 ms.
    The CV is of neurons with four spikes or more, which at D, where few have so many, is too small.
    """
    spikes = [recording[f"{name}.spike"].after(SETTLED) for name in "EI"]
    _, rates = population_rate(recording, SETTLED)
    cv = np.concatenate([s.isi_cv(min_spikes=4) for s in spikes])
    coarse = rates.reshape(-1, 10).mean(axis=1)
    return {
        "rate": float(
            np.average([s.rate() / Hz for s in spikes], weights=[s.size for s in spikes])
        ),
        "cv": float(cv.mean()) if len(cv) else float("nan"),
        "frequency": 1000 / (STEP * period(rates)),
        "modulation": float(coarse.std() / coarse.mean()),
    }


def population_rate(recording: sx.Recording, start: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) of the steps from `start` on, and the rate (Hz) of all neurons in them."""
    spikes = [recording[f"{name}.spike"].after(start) for name in "EI"]
    first, stop = spikes[0].start, spikes[0].stop
    counts = sum(np.bincount(s.steps - first - 1, minlength=stop - first) for s in spikes)
    return STEP * np.arange(first, stop), counts / sum(s.size for s in spikes) / STEP * 1000


def period(rates: np.ndarray) -> int:
    """Steps from peak to peak of the rate: where it is most like itself, once it was unlike."""
    smooth = np.convolve(rates - rates.mean(), np.ones(10) / 10, "same")
    alike = np.correlate(smooth, smooth, "full")[len(smooth) - 1 :]
    unlike = int(np.argmax(alike < 0))
    return unlike + int(np.argmax(alike[unlike:1000]))


def theory(point: Point, size: Size = FULL) -> dict[str, float]:
    """Rate (Hz) and CV of the state in which nothing oscillates.

    Each neuron receives white noise of mean mu and variance sigma^2, which depend on the rate nu:

        mu = C J tau (nu_ext + nu (1 - g / 4)),  sigma^2 = C J^2 tau (nu_ext + nu (1 + g^2 / 4))
        1 / nu = t_ref + tau sqrt(pi) integral of exp(u^2) (1 + erf(u))
        CV^2 = 2 pi (nu tau)^2 integral over x of exp(x^2) integral to x of exp(y^2) (1 + erf(y))^2

    with u and x from (V_reset - mu) / sigma to (V_th - mu) / sigma.
    """

    def bounds(nu: float) -> tuple[float, float]:
        outside, g = point.eta * V_TH / (size.J * TAU), point.g
        mu = size.J * TAU * (outside + size.indegree * nu * (1 - g / 4))
        variance = size.J**2 * TAU * (outside + size.indegree * nu * (1 + g**2 / 4))
        return (V_RESET - mu) / variance**0.5, (V_TH - mu) / variance**0.5

    def surplus(nu: float) -> float:
        first_passage = quad(lambda u: erfcx(-u), *bounds(nu))[0]
        return 1 / (T_REF + TAU * np.pi**0.5 * first_passage) - nu

    def inner(x: float) -> float:
        return quad(lambda y: np.exp(x**2 - y**2) * erfcx(-y) ** 2, -np.inf, x)[0]

    nu = brentq(surplus, 1e-6, 1 / T_REF - 1e-6)
    return {"rate": 1000 * nu, "cv": (2 * np.pi * quad(inner, *bounds(nu))[0]) ** 0.5 * nu * TAU}


def picture(results: Mapping[str, tuple[dict[str, float], sx.Recording]], path: Path) -> None:
    """As in Figure 8: the spikes of 50 neurons above the rate of all, at the end of the run."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    panels = figure.subfigures(2, 2).flat
    for panel, (label, (found, recording)) in zip(panels, results.items(), strict=False):
        point, spikes = POINTS[label], recording["E.spike"]
        shown = spikes.after((spikes.stop * STEP - (200 if label == "D" else 100)) * ms)
        few = shown.ids < 50
        above, below = panel.subplots(2, sharex=True, height_ratios=(3, 2))
        above.plot(shown.steps[few] * STEP, shown.ids[few], "|", markersize=3, color="C0")
        above.set(ylabel="neuron", yticks=(0, 49))
        above.set_title(f"{label}: {point.name} (g = {point.g:g}, η = {point.eta:g})", fontsize=10)
        below.plot(*population_rate(recording, shown.start * STEP * ms), linewidth=0.6, color="C1")
        below.axhline(found["rate"], color="black", linestyle="--", linewidth=0.8)
        below.set(xlabel="time (ms)", ylabel="rate (Hz)", ylim=(0, None))
        below.set_xlim(shown.start * STEP, shown.stop * STEP)
    figure.savefig(path, dpi=80)


def compare(
    results: Mapping[str, tuple[dict[str, float], sx.Recording]], size: Size = FULL
) -> None:
    """Print what was measured beside theory and Table 1; at A, all is synchronous: no theory."""
    print("      rate   theory   Brunel    frequency   Brunel      CV   theory   modulation")
    for label, (found, _) in results.items():
        expected = {"rate": np.nan, "cv": np.nan} if label == "A" else theory(POINTS[label], size)
        table = PUBLISHED.get(label, {}) if size == FULL else {}
        print(
            f"{label}  {found['rate']:6.1f} {expected['rate']:8.1f} {table.get('rate', '-'):>8} Hz"
            f" {found['frequency']:9.0f} {table.get('frequency', '-'):>8} Hz"
            f"{found['cv']:8.2f} {expected['cv']:8.2f} {found['modulation']:12.2f}"
        )


def main(arguments: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Run, print and draw; the figures of each point."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("points", nargs="*", default=list(POINTS), help="letters of Figure 8")
    parser.add_argument("--quick", action="store_true", help="a small network, 400 ms")
    parser.add_argument("--picture", type=Path, default=Path("brunel_2000.png"))
    parser.add_argument("--synapse", choices=SYNAPSES, default="delta")
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    size, results = (SMALL if given.quick else FULL), {}
    for label in given.points:
        point = replace(POINTS[label], duration=QUICK) if given.quick else POINTS[label]
        results[label] = run(point, size, synapse=given.synapse)
        print(f"{label} done after {time.perf_counter() - began:.0f} s", flush=True)
    compare(results, replace(size, J=jump(size, given.synapse)))
    picture(results, given.picture)
    return {label: found for label, (found, _) in results.items()}


if __name__ == "__main__":
    main()
