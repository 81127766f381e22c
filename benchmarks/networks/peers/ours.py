"""Our own side."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import catalogue
import jax
import numpy as np

import spikax as sx
from peers._serve import Clock, Run, serve
from spikax.units import ms


def build(task: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    clock = Clock()
    net = catalogue.network(task["name"], task["options"])
    simulation = sx.Simulation(
        net, dt=catalogue.STEP, seed=task["seed"], precision=task["precision"]
    )
    jax.block_until_ready(simulation.state)
    built = clock.lap()
    names = [edge.pre for edge in net.edges()]
    record = {name: "spike" for name in net.populations if _fires(net, name)}
    simulation.run(catalogue.STEP, record=record)
    compiled = clock.lap()
    if task["settle"]:
        simulation.run(task["settle"] * ms, record=record)
    outgoing = {name: _outgoing(net, name) for name in record if name in names}

    def run() -> dict[str, Any]:
        clock.lap()
        recording = simulation.run(task["duration"] * ms, record=record)
        wall = clock.lap()
        spikes = {name: recording[f"{name}.spike"].ids for name in record}
        events = sum(_events(spikes[name], out) for name, out in outgoing.items())
        return {"wall": wall, "events": events} | {
            "spikes": {name: len(ids) for name, ids in spikes.items()}
        }

    versions = f"spikax {version('spikax')}, jax {jax.__version__}"
    return {"build": built, "compile": compiled, "version": versions}, run


def _fires(net: sx.Network, name: str) -> bool:
    return not isinstance(net.populations[name].model, sx.Poisson)


def _outgoing(net: sx.Network, name: str) -> np.ndarray:
    """Synapses of each neuron of a population: of a list as they are, else on average."""
    n, found = net.populations[name].size, 0.0
    for edge in net.edges():
        rule, same = edge.projection.connectivity, edge.pre == edge.post
        if edge.pre == name and isinstance(rule, sx.explicit):
            found = found + np.bincount(rule.pre, minlength=n)
        elif edge.pre == name:
            found = found + rule.expected(n, net.populations[edge.post].size, same=same) / n
    return np.broadcast_to(found, n)


def _events(ids: np.ndarray, outgoing: np.ndarray) -> float:
    return float(outgoing[ids].sum())


if __name__ == "__main__":
    serve(build)
