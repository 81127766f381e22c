"""A decision between two directions of motion, made by slow competition in one network.

Wang (2002, Neuron 36:955): 1600 pyramidal cells and 400 interneurons, all connected to all. Two
groups of 240 pyramidal cells, A and B, prefer opposite directions; within a group synapses are 1.7
times as strong. The input of each follows the share of dots that move its way, the coherence. NMDA
synapses let the difference grow over hundreds of milliseconds until one group fires and the other
is silent. The more coherent the motion, the more often the right one wins.

All synapses of one kind between two groups are equal, so each kind is one number. The numbers are
those of the network's versions for Brian and NEST, which agree; the paper was not at hand.

python -m pip install matplotlib; python examples/wang_2002.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import minimize

import spikax as sx
from spikax.units import Hz, ms, mV, nS, pF

SEED = 1  # of the first potentials, the flicker of the input and all spikes from outside
ONSET, END, QUICK = 300.0, 1800.0, 1000.0  # ms: when the motion starts, when a trial ends
FLICKER = 50.0  # ms for which the rate of an input is constant
BACKGROUND, MEAN, SPREAD = 2400.0, 40.0, 4.0  # Hz: always; with motion; its standard deviation
BIN, LATE = 10.0, 100.0  # ms: of the rates; at the end of a trial, where its choice is read
FIRES = 15.0  # Hz: the rate at which a group has decided
GROUPS = {"A": 240, "B": 240, "rest": 1120}
INTERNEURONS = 400
BLOCK = 12  # trials that run at once
TRIALS = {3.2: 60, 6.4: 60, 12.8: 60, 25.6: 24, 51.2: 12}  # by coherence in percent

ALPHA, BETA = 9.2, 1.5  # Wang's fit: right = 1 - exp(-(coherence / alpha)^beta) / 2


def network() -> sx.Network:
    """The network; its inputs to A and B have a table of rates, here constant."""
    gate = sx.NMDA()

    def cell(capacitance: float, leak: float, t_ref: float) -> sx.Cell:
        return sx.Cell(
            sx.LIF(
                C_m=capacitance * pF,
                tau_m=capacitance / leak * ms,
                E_L=-70 * mV,
                V_th=-50 * mV,
                V_reset=-55 * mV,
                t_ref=t_ref * ms,
                V_init=sx.Uniform(-60 * mV, -50 * mV),
            ),
            ampa=sx.Receptor(sx.Expon(2 * ms), sx.COBA(0 * mV)),
            nmda=gate.receptor(),
            gaba=sx.Receptor(sx.Expon(5 * ms), sx.COBA(-70 * mV)),
        )

    pyramidal, interneuron = cell(500, 25, 2), cell(200, 20, 1)
    steady = sx.Poisson(BACKGROUND * Hz)
    moving = sx.InhomogeneousPoisson(changes() * ms, np.full(len(changes()), BACKGROUND) * Hz)
    populations = {"I": sx.Population(interneuron, INTERNEURONS)}
    for name, size in GROUPS.items():
        populations[name] = sx.Population(pyramidal, size, release={"gate": gate})
    for name, size in {**GROUPS, "I": INTERNEURONS}.items():
        populations[f"to_{name}"] = sx.Population(moving if name in "AB" else steady, size)
    return sx.Network(populations, projections())


def projections() -> list[sx.Projection]:
    """All connections; conductances in nS."""
    everyone = [*GROUPS, "I"]

    def recurrent(pre: str, post: Any, port: str, nS_each: float, **how: Any) -> sx.Projection:
        delay = 0.5 * ms
        return sx.Projection(pre, post, port, sx.all_to_all(), nS_each * nS, delay, **how)

    found = [
        recurrent("I", list(GROUPS), "gaba", 1.3),
        recurrent("I", "I", "gaba", 1.0),
    ]
    for pre in GROUPS:
        for post in everyone:
            ampa, nmda = (0.04, 0.13) if post == "I" else (0.05, 0.165)
            w = strength(pre, post)
            found.append(recurrent(pre, post, "ampa", w * ampa))
            found.append(recurrent(pre, post, "nmda", w * nmda, signal="gate"))
    for post in everyone:
        weight = (1.62 if post == "I" else 2.1) * nS
        found.append(sx.Projection(f"to_{post}", post, "ampa", sx.one_to_one(), weight))
    return found


def strength(pre: str, post: str, own: float = 1.7) -> float:
    """Relative strength of pyramidal synapses: more within A or B, less into them from outside."""
    if post not in "AB":
        return 1.0
    share = GROUPS[post] / sum(GROUPS.values())
    return own if pre == post else 1 - share * (own - 1) / (1 - share)


def changes() -> np.ndarray:
    """Times (ms) of the table of rates, two for each interval in which the rate is constant."""
    starts = np.arange(ONSET, END, FLICKER)
    ends = np.append(starts[1:], END) - 0.05
    return np.concatenate([[0.0, ONSET - 0.05], np.stack([starts, ends], axis=1).ravel()])


def motion(coherence: float, trials: int, rng: np.random.Generator) -> jax.Array:
    """Rates (1/ms) at these times, (A or B, trials, times)."""
    toward = MEAN * (1 + np.array([1, -1]) * coherence / 100)
    intervals = (len(changes()) - 2) // 2
    added = rng.normal(toward[:, None, None], SPREAD, (2, trials, intervals))
    silent = np.zeros((2, trials, 1))
    rates = BACKGROUND + np.maximum(np.concatenate([silent, added], axis=2), 0)
    return jnp.asarray(np.repeat(rates, 2, axis=2) / 1000, dtype=float)


def experiment(end: float = END) -> Callable[[jax.Array, jax.Array, jax.Array], jax.Array]:
    """One program for many trials: rates (Hz) of A and B, (trials, 2, bins), of keys and inputs."""
    model = network().build(dt=0.1 * ms, seed=SEED)
    tables, rest = sx.select(model, "*.rates")
    inputs = jax.tree.structure(tables)
    record = {name: sx.mean(BIN * ms, "spike") for name in "AB"}

    def trial(key: jax.Array, to_A: jax.Array, to_B: jax.Array) -> jax.Array:
        net = sx.merge(jax.tree.unflatten(inputs, [to_A, to_B]), rest)
        _, found = sx.simulate(net, net.init_state(key=key), end * ms, record=record)
        return jnp.stack([found[f"{name}.spike.mean"].values[:, 0] for name in "AB"]) * 1000

    return jax.jit(jax.vmap(trial))


def run(
    coherence: float, trials: int, decide: Callable[..., jax.Array], block: int = BLOCK
) -> np.ndarray:
    """Rates of A and B in all trials of one coherence, A being right: (trials, 2, bins)."""
    rng = np.random.default_rng([SEED, round(10 * coherence)])
    keys = jax.random.split(jax.random.key(round(10 * coherence)), trials)
    inputs = motion(coherence, trials, rng)
    blocks = [slice(first, first + block) for first in range(0, trials, block)]
    return np.concatenate([np.asarray(decide(keys[b], *inputs[:, b])) for b in blocks])


def measure(rates: np.ndarray) -> dict[str, float]:
    """How often A won, how clearly, and when."""
    late = rates[..., -round(LATE / BIN) :].mean(axis=-1)
    reached = smoothed(rates).max(axis=1) > FIRES
    when = BIN * (np.argmax(reached, axis=-1)[reached.any(axis=-1)] + 2.5) - ONSET
    return {
        "trials": len(rates),
        "right": float(np.mean(late[:, 0] > late[:, 1])),
        "winner": float(late.max(axis=1).mean()),
        "loser": float(late.min(axis=1).mean()),
        "decision_ms": float(when.mean()) if len(when) else float("nan"),
    }


def smoothed(rates: np.ndarray) -> np.ndarray:
    """Means of five bins."""
    return np.lib.stride_tricks.sliding_window_view(rates, 5, axis=-1).mean(axis=-1)


def weibull(coherence: Any, alpha: float = ALPHA, beta: float = BETA) -> Any:
    """Share of right choices at a coherence (percent)."""
    return 1 - 0.5 * np.exp(-((np.asarray(coherence) / alpha) ** beta))


def fit(found: Mapping[float, dict[str, float]]) -> tuple[float, float]:
    """The alpha and beta under which the choices are most likely."""
    n = np.array([figures["trials"] for figures in found.values()])
    right = n * [figures["right"] for figures in found.values()]

    def surprise(logs: np.ndarray) -> float:
        p = np.clip(weibull(list(found), *np.exp(logs)), 1e-9, 1 - 1e-9)
        return -float(np.sum(right * np.log(p) + (n - right) * np.log(1 - p)))

    alpha, beta = np.exp(minimize(surprise, np.log([ALPHA, BETA]), method="Nelder-Mead").x)
    return float(alpha), float(beta)


def picture(
    shown: np.ndarray, coherence: float, found: Mapping[float, dict[str, float]], path: Path
) -> None:
    """The rates of both groups in some trials, and the share of right choices by coherence."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    smooth = smoothed(shown)
    times = BIN * (np.arange(smooth.shape[-1]) + 2.5)
    for rates in smooth:
        for group, color in zip(rates, ("C0", "C1"), strict=True):
            left.plot(times, group, color=color, linewidth=0.8)
    left.axvline(ONSET, color="black", linestyle="--", linewidth=0.8)
    left.axhline(FIRES, color="gray", linestyle=":", linewidth=0.8)
    left.set(title=f"{len(shown)} trials at {coherence:g} % coherence")
    left.set(xlabel="time (ms)", ylabel="rate (Hz)", xlim=(0, times[-1]), ylim=(0, None))
    left.legend(left.lines[:2], ["A, the right one", "B"], loc="upper left")
    axis = np.geomspace(1, 100, 200)
    n = np.array([figures["trials"] for figures in found.values()])
    p = weibull(list(found))
    share = [figures["right"] for figures in found.values()]
    right.plot(axis, weibull(axis), color="black", label="Wang 2002, α = 9.2 %, β = 1.5")
    right.errorbar(
        list(found),
        share,
        2 * np.sqrt(p * (1 - p) / n),
        fmt="o",
        color="C0",
        label="spikax, ± 2 SE",
    )
    right.set(xscale="log", xlabel="coherence (%)", ylabel="share of right choices")
    right.set(title="The psychometric function", xlim=(1, 100), ylim=(0.45, 1.2))
    right.set_yticks(np.linspace(0.5, 1, 6))
    right.legend(loc="upper left")
    figure.savefig(path, dpi=85)


def main(arguments: Sequence[str] | None = None) -> dict[float, dict[str, float]]:
    """Run, print and draw; the figures of each coherence."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="four trials of the easiest motion")
    parser.add_argument("--picture", type=Path, default=Path("wang_2002.png"))
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    plan, block = ({51.2: 4}, 4) if given.quick else (TRIALS, BLOCK)
    decide, found, trials = experiment(QUICK if given.quick else END), {}, {}
    print("coherence  trials  right   Wang  2 SE   winner   loser  decision")
    for coherence, n in plan.items():
        trials[coherence] = run(coherence, n, decide, block)
        found[coherence] = one = measure(trials[coherence])
        p = weibull(coherence)
        print(
            f"{coherence:7.1f} %{n:8d}{one['right']:7.2f}{p:7.2f}"
            f"{2 * (p * (1 - p) / n) ** 0.5:6.2f}{one['winner']:6.1f} Hz{one['loser']:5.1f} Hz"
            f"{one['decision_ms']:7.0f} ms   [{time.perf_counter() - began:.0f} s]",
            flush=True,
        )
    if not given.quick:
        print("alpha = {:.1f} %, beta = {:.1f}; Wang: 9.2 %, 1.5".format(*fit(found)))
    middle = list(plan)[len(plan) // 2]
    picture(trials[middle][:10], middle, found, given.picture)
    return found


if __name__ == "__main__":
    main()
