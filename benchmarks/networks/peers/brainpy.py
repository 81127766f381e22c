"""brainpy.state, as a peer.

Of the networks it is given it builds those of two populations E and I with conductances "exc" and
"inh", whose synapses are listed.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import brainevent
import brainpy
import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from peers._serve import Clock, Run, serve

state = brainpy.state


class Listed(brainstate.nn.Module):
    """Synapses one by one, of one weight."""

    def __init__(self, rule: dict[str, Any], weight: Any, shape: tuple[int, int]) -> None:
        super().__init__()
        self.in_size, self.out_size = shape
        pre, post = (np.load(rule[end]["file"]) for end in ("pre", "post"))
        order = np.argsort(pre, kind="stable")
        indptr = np.cumsum([0, *np.bincount(pre, minlength=shape[0])])
        numbers = (jnp.asarray(ids, jnp.int32) for ids in (post[order], indptr))
        self.synapses = brainevent.CSR((weight[None], *numbers), shape=shape)

    def update(self, spikes: Any) -> Any:
        return brainevent.EventArray(spikes) @ self.synapses


class Network(brainstate.nn.Module):
    """All neurons as one group, the excitatory ones first, which is fastest."""

    def __init__(self, net: dict[str, Any]) -> None:
        super().__init__()
        E, I = net["populations"]
        values, first = E["values"], E["V_init"]
        self.exc, n = E["size"], E["size"] + I["size"]
        resistance = values["tau_m"] / values["C_m"] * u.Gohm
        self.I_e = values["I_e"] * u.pA
        self.cells = state.LIFRef(
            n,
            R=resistance,
            V_rest=values["E_L"] * u.mV,
            V_th=values["V_th"] * u.mV,
            V_reset=values["V_reset"] * u.mV,
            tau=values["tau_m"] * u.ms,
            tau_ref=values["t_ref"] * u.ms,
            V_initializer=brainstate.nn.init.Uniform(first["low"], first["high"], unit=u.mV),
            spk_reset="hard",
        )
        by_pre = {p["pre"]: p for p in net["projections"]}
        self.E = self._projection(by_pre["E"], E, E["size"], n)
        self.I = self._projection(by_pre["I"], E, I["size"], n)

    def _projection(self, given: dict[str, Any], cell: dict[str, Any], pre: int, post: int) -> Any:
        receptor = cell["receptors"][given["port"]]
        comm = Listed(given["rule"], jnp.asarray(given["weight"]) * u.nS, (pre, post))
        return state.AlignPostProj(
            comm=comm,
            syn=state.Expon.desc(post, tau=receptor["tau"] * u.ms),
            out=state.COBA.desc(E=receptor["E"] * u.mV),
            post=self.cells,
        )

    def update(self, t: Any) -> Any:
        with brainstate.environ.context(t=t):
            spikes = self.cells.get_spike() != 0.0
            self.E(spikes[: self.exc])
            self.I(spikes[self.exc :])
            self.cells(self.I_e)
            return self.cells.get_spike() != 0.0


def build(task: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    clock, given = Clock(), task["network"]
    brainstate.random.seed(task["seed"])
    dt = given["dt"]
    brainstate.environ.set(dt=dt * u.ms)
    net = Network(given)
    brainstate.nn.init_all_states(net)
    built = clock.lap()
    steps = {name: round(task[name] / dt) for name in ("settle", "duration")}

    @brainstate.transform.jit
    def simulate(first: Any) -> Any:
        times = (first + np.arange(steps["duration"])) * (dt * u.ms)
        return brainstate.transform.for_loop(net.update, times)

    at = 0
    clock.lap()
    jax.block_until_ready(simulate(at))
    once = clock.lap()

    def run() -> dict[str, Any]:
        nonlocal at
        at += steps["duration"]
        clock.lap()
        spikes = np.asarray(simulate(at))
        wall = clock.lap()
        return {
            "wall": wall,
            "spikes": {"E": int(spikes[:, : net.exc].sum()), "I": int(spikes[:, net.exc :].sum())},
        }

    packages = ", ".join(f"{name} {version(name)}" for name in ("brainpy", "brainpy-state", "jax"))
    return {"build": built, "compile": once - run()["wall"], "version": packages}, run


if __name__ == "__main__":
    serve(build)
