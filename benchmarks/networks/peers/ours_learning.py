"""Our own side, for a rule that learns."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import spikax as sx
import spikax_learning
from peers._serve import Clock, Run, serve
from spikax.surrogates import Triangular
from spikax.units import ms, mV


def network(given: dict[str, Any], arrays: Any) -> sx.Network:
    neuron = sx.LIF(
        tau_m=given["tau"] * ms,
        E_L=0 * mV,
        V_th=1 * mV,
        V_reset=0 * mV,
        t_ref=0 * ms,
        reset="soft",
        surrogate=Triangular(given["height"], 1.0),
    )
    (n_in, n), n_out = arrays["in"].shape, arrays["out"].shape[1]
    every = sx.all_to_all()
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), n_in),
            "E": sx.Population(neuron, n),
            "out": sx.Population(sx.LeakyReadout(given["tau_out"] * ms), n_out),
        },
        [
            # The weights are replaced by those of the task, once the layout is known.
            sx.Projection("in", "E", "delta", every, sx.Normal(0 * mV, 1 * mV)),
            sx.Projection("E", "E", "delta", every, sx.Normal(0 * mV, 1 * mV), 1 * ms),
            sx.Projection("E", "out", "input", every, sx.Normal(0.0, 1.0)),
        ],
    )


def _loss(y: Any, target: Any) -> Any:
    return ((y - target) ** 2).sum() / 2


def build(task: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    jax.config.update("jax_enable_x64", task["x64"])
    arrays = np.load(task["arrays"])
    net = network(task, arrays).build(dt=1 * ms, seed=0)
    edges = {name: net.edges[name] for name in ("in->E", "E->E", "E->out")}
    weights = dict(zip(edges, (arrays["in"], arrays["E"], arrays["out"]), strict=True))
    edges = {n: e.replace(weight=jnp.asarray(weights[n], e.weight.dtype)) for n, e in edges.items()}
    net = net.replace(edges={**net.edges, **edges})
    rule = getattr(spikax_learning, task["rule"])(**task["options"])
    x, targets, state = jnp.asarray(arrays["x"]), jnp.asarray(arrays["targets"]), net.init_state()
    traced = 0

    def gradient(net: Any, state: Any, x: Any, targets: Any) -> Any:
        nonlocal traced
        traced += 1
        return rule.gradient(net, state, {"in.spike": x}, targets, _loss)

    gradient, clock, first = jax.jit(gradient), Clock(), {"graph": 0.0}
    for name in ("first", "second", "third"):
        total, found = jax.block_until_ready(gradient(net, state, x, targets))
        first[name] = clock.lap()
    if traced != 1:
        raise RuntimeError(f"traced {traced} times")
    by_name = {leaf.path: np.asarray(leaf.value) for leaf in sx.leaves(found)}
    names = {"in": "in->E", "E": "E->E", "out": "E->out"}
    np.savez(
        task["found"], loss=total, **{k: by_name[f"edges.{n}.weight"] for k, n in names.items()}
    )

    def run() -> dict[str, Any]:
        walls = []
        for _ in range(task["repeats"]):
            clock.lap()
            jax.block_until_ready(gradient(net, state, x, targets))
            walls.append(clock.lap())
        return {"wall": min(walls)}

    memory = gradient.lower(net, state, x, targets).compile().memory_analysis()
    versions = f"spikax-learning {version('spikax-learning')}, jax {jax.__version__}"
    return first | {"bytes": memory.temp_size_in_bytes, "version": versions}, run


if __name__ == "__main__":
    serve(build)
