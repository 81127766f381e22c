"""The parameters of a neuron, found from its recorded potential by gradient descent.

A leaky integrate-and-fire neuron is recorded twice, under a current that keeps it below threshold
and under one that makes it fire. `jax.grad` through `simulate` recovers capacitance, time constant,
resting potential, threshold and reset from a start that is 33 to 40 % off.

What counts is the distance of the potentials, and that of the spike trains as van Rossum (2001,
Neural Comput. 13:751) measures it: without the latter a neuron that fires all the time at V_th =
V_reset would be a good answer.

python -m pip install matplotlib optax; python examples/fit_parameters.py
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

import spikax as sx
from spikax.testing import count_compilations
from spikax.units import ms, mV, pA, pF

DT = 0.1  # ms
TRUE = {"C_m": 200 * pF, "tau_m": 20 * ms, "E_L": -65 * mV, "V_th": -50 * mV, "V_reset": -60 * mV}
START = {"C_m": 280 * pF, "tau_m": 12 * ms, "E_L": -59 * mV, "V_th": -45 * mV, "V_reset": -56 * mV}
# What an error is measured in, and a step of the optimizer: for a potential, the way from rest to
# threshold, or from reset.
SCALE = {"C_m": 200.0, "tau_m": 20.0, "E_L": 15.0, "V_th": 15.0, "V_reset": 10.0}
FILTER, SPIKES = 10.0, 100.0  # ms; mV^2 for one spike too many, filtered
GOAL = 0.02  # largest error
# Okabe and Ito's palette: told apart by colour-blind readers too.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#BBBBBB"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00")


def network(parameters: dict[str, Any]) -> sx.Network:
    """One neuron, recorded twice: as two neurons that share their parameters."""
    neuron = sx.LIF(**parameters, V_init=-65 * mV, width=10 * mV)
    return sx.Network({"cell": sx.Population(neuron, 2)})


def injected(milliseconds: float) -> np.ndarray:
    """Fluctuating currents (pA), a row per step: weak in the first column, strong in the second."""
    decay, rng = np.exp(-DT / 10), np.random.default_rng(0)
    noise = np.zeros(round(milliseconds / DT))
    for i, kick in enumerate(rng.normal(size=noise.size - 1)):
        noise[i + 1] = decay * noise[i] + np.sqrt(1 - decay**2) * kick
    return np.stack([50 + 60 * noise, 160 + 120 * noise], axis=1)


def record(model: sx.BuiltNetwork, current: np.ndarray) -> tuple[Any, Any]:
    """Potentials and filtered spikes, (steps, 2); the backward pass keeps every 100th state."""
    inputs, what = {"cell.current": current * pA}, {"cell": ["V_m", "spike"]}
    duration, start = len(current) * DT * ms, model.init_state()
    _, found = sx.simulate(model, start, duration, inputs=inputs, record=what, chunk=100)
    kernel = np.exp(-np.arange(0, 5 * FILTER, DT) / FILTER)
    filtered = [jnp.convolve(s, kernel)[: len(s)] for s in found["cell.spike"].values.T]
    return found["cell.V_m"].values, jnp.stack(filtered, axis=1)


class Fitted(NamedTuple):
    """What the picture shows.

    Attributes:
        current: (steps, 2), pA.
        potentials: Recorded, simulated before and after, each (steps, 2), mV.
        path: The value of each parameter after each iteration.
    """

    current: np.ndarray
    potentials: tuple[Any, Any, Any]
    path: dict[str, np.ndarray]


def fit(
    model: sx.BuiltNetwork, current: np.ndarray, target: tuple[Any, Any], iterations: int
) -> tuple[sx.BuiltNetwork, dict[str, np.ndarray]]:
    """The fitted model, and each parameter after each iteration."""
    free, rest = sx.select(model, *(f"*.{name}" for name in TRUE))
    names = [leaf.path.rpartition(".")[2] for leaf in sx.leaves(free)]
    begin, structure = jax.tree.flatten(free)
    scale = jnp.array([SCALE[name] for name in names])
    optimizer = optax.adam(optax.cosine_decay_schedule(0.04, iterations))

    def moved(by: Any) -> sx.BuiltNetwork:
        values = jnp.stack(begin) + scale * by
        return sx.merge(jax.tree.unflatten(structure, list(values)), rest)

    def loss(by: Any) -> Any:
        potential, spikes = record(moved(by), current)
        return ((potential - target[0]) ** 2 + SPIKES * (spikes - target[1]) ** 2).mean()

    @jax.jit
    def step(by: Any, memory: Any) -> tuple[Any, Any, Any]:
        value, slope = jax.value_and_grad(loss)(by)
        move, memory = optimizer.update(slope, memory)
        return optax.apply_updates(by, move), memory, value

    by = jnp.zeros(len(begin))
    memory, path = optimizer.init(by), [by]
    for iteration in range(1, iterations + 1):
        by, memory, value = step(by, memory)
        path.append(by)
        if iteration % 100 == 0:
            print(f"iteration {iteration}: loss {float(value):.2g} mV^2", flush=True)
    values = np.stack(begin) + np.asarray(scale) * np.stack(path)
    return moved(by), dict(zip(names, values.T, strict=True))


def run(milliseconds: float = 400, iterations: int = 300) -> tuple[dict[str, Any], Fitted]:
    """Record the true neuron, and fit one that starts elsewhere to it.

    Returns:
        The figures for the report, and what the picture shows.
    """
    began = time.perf_counter()
    current = injected(milliseconds)
    with count_compilations() as compiled:
        true, start = (network(p).build(dt=DT * ms) for p in (TRUE, START))
        simulated = jax.jit(lambda model: record(model, current))
        target, before = simulated(true), simulated(start)
        fitted, path = fit(start, current, target, iterations)
        after = simulated(fitted)
    found = {name: float(path[name][-1]) for name in TRUE}
    figures = {
        "true": {name: float(value.mantissa) for name, value in TRUE.items()},
        "start": {name: float(value.mantissa) for name, value in START.items()},
        "found": {name: round(value, 3) for name, value in found.items()},
        "error": {name: round(error(name, found[name]), 5) for name in TRUE},
        "iterations": iterations,
        "seconds": {
            "all": round(time.perf_counter() - began, 2),
            "compiling": round(compiled.seconds, 2),
        },
    }
    return figures, Fitted(current, (target[0], before[0], after[0]), path)


def error(name: str, value: Any) -> Any:
    """The distance from the true value, in units of its scale."""
    return abs(value - float(TRUE[name].mantissa)) / SCALE[name]


def table(figures: dict[str, Any]) -> str:
    """Each parameter: what it is, where the fit began, and what it found."""
    rows = [f"{'':8} {'true':>8} {'start':>8} {'found':>8}   error"]
    for name, value in TRUE.items():
        numbers = " ".join(f"{figures[k][name]:8.2f}" for k in ("true", "start", "found"))
        rows.append(f"{name:8} {numbers} {figures['error'][name]:7.2%}  {value.unit}")
    return "\n".join(rows)


def check(figures: dict[str, Any]) -> None:
    """Stop with a message if a parameter was not found."""
    for name, wrong in figures["error"].items():
        if not wrong < GOAL:
            raise SystemExit(
                f"fit: {name} is {figures['found'][name]:g}, truly {figures['true'][name]:g}: "
                f"{wrong:.1%} off; expected less than {GOAL:.0%}."
            )


def picture(fitted: Fitted, path: Path) -> None:
    """Potentials under both currents, recorded, before and after; the way of the parameters."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplot_mosaic([["below", "path"], ["above", "path"]], width_ratios=(2, 1))
    styles = ((GREY, 4, "-", "recorded"), (ORANGE, 1.2, ":", "start"), (BLUE, 1, "-", "fitted"))
    times = DT * np.arange(1, len(fitted.current) + 1)
    for column, name in enumerate(("below", "above")):
        for potential, (colour, width, line, label) in zip(fitted.potentials, styles, strict=True):
            values = np.asarray(potential)[:, column]
            axes[name].plot(times, values, line, color=colour, lw=width, label=label)
        axes[name].set_ylabel("V_m (mV)")
    axes["below"].set_title("under a current that keeps it below threshold", fontsize=10)
    axes["above"].set_title("under a current that makes it fire", fontsize=10)
    axes["below"].legend(loc="upper center", ncols=3, fontsize=8)
    axes["below"].set_ylim(top=axes["below"].get_ylim()[1] + 3)
    axes["above"].set_xlabel("time (ms)")
    for colour, (name, values) in zip(COLOURS, fitted.path.items(), strict=True):
        axes["path"].semilogy(100 * error(name, values), color=colour, label=name)
    axes["path"].set(xlabel="iteration", ylabel="error (%)")
    axes["path"].set_title("distance from the true value", fontsize=10)
    axes["path"].legend()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    found, pictured = run()
    print(table(found))
    print(found)
    picture(pictured, Path("fit_parameters.png"))
    check(found)
