"""A network of spikax as plain numbers, from which a peer builds the same one.

The parameters of a network are stated once, in its example. What is written here is JSON in ms, mV,
pA, nS, pF and kHz; arrays of one value per synapse stand in files beside it. It covers what the
networks of the benchmarks are made of: LIF neurons with linear receptors, Poisson sources, STDP.
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

import spikax as sx
from spikax.units import ms, mV, to_coherent

LIF = ("C_m", "tau_m", "E_L", "V_th", "V_reset", "t_ref", "I_e")
STDP = ("A_plus", "A_minus", "tau_plus", "tau_minus")


def describe(net: sx.Network, dt: Any, folder: Path, seed: int | None = None) -> dict[str, Any]:
    """The populations and projections of a network; arrays go into the folder.

    With a seed, the synapses between neurons are listed as spikax draws them with that seed.
    """
    write = _Writer(folder)
    drawn = None if seed is None else net.build(dt=dt, seed=seed)
    sizes = {name: population.size for name, population in net.populations.items()}
    return {
        "dt": float(to_coherent(dt, ms, "dt")),
        "populations": [
            {"name": name, "size": population.size} | _model(population.model, write)
            for name, population in net.populations.items()
        ],
        "projections": [
            _projection(edges, net.weight_unit(edges[0]), sizes, write, drawn)
            for edges in _by_source(net)
        ],
    }


def _by_source(net: sx.Network) -> list[list[Any]]:
    """The edges of each projection from one population, which a peer may join."""
    groups = itertools.groupby(net.edges(), key=lambda edge: (id(edge.projection), edge.pre))
    return [list(edges) for _, edges in groups]


class _Writer:
    """Turns values into JSON: numbers, laws, names of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def value(self, value: Any, unit: Any) -> Any:
        if hasattr(value, "numbers") and dataclasses.is_dataclass(value):
            stated = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            numbers = {
                n: float(to_coherent(v, unit, n)) for n, v in stated.items() if v is not None
            }
            constant = isinstance(value, type(sx.each(0 * ms)))
            return numbers["value"] if constant else {"law": type(value).__name__} | numbers
        numbers = np.asarray(to_coherent(value, unit, "value"))
        return self.array(numbers) if numbers.ndim else float(numbers)

    def array(self, values: np.ndarray) -> dict[str, str]:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.npy"
        np.save(path, values)
        return {"file": str(path)}


def _model(model: Any, write: _Writer) -> dict[str, Any]:
    if isinstance(model, sx.Poisson):
        return {"model": "poisson", "rate": float(model.rate), "sources": float(model.sources)}
    cell = model if isinstance(model, sx.Cell) else sx.Cell(model)
    if not isinstance(cell.neuron, sx.LIF):
        raise TypeError(f"no peer is told what {type(cell.neuron).__name__} is")
    values = {name: _number(getattr(cell.neuron, name), write) for name in LIF}
    V_init = cell.neuron.V_init
    first = write.value(V_init, mV) if hasattr(V_init, "numbers") else _number(V_init, write)
    receptors = {name: _receptor(r) for name, r in sorted(cell.receptors.items())}
    return {"model": "lif", "values": values, "V_init": first, "receptors": receptors}


def _number(value: Any, write: _Writer) -> Any:
    """A parameter of a model: these are numbers of the coherent set already."""
    return write.array(np.asarray(value)) if np.ndim(value) else float(value)


def _receptor(receptor: sx.Receptor) -> dict[str, Any]:
    kinetics, coupling = receptor.kinetics, receptor.coupling
    found = {"kinetics": type(kinetics).__name__, "tau": float(kinetics.tau)}
    found |= {"coupling": type(coupling).__name__}
    return found | ({"E": float(coupling.E)} if isinstance(coupling, sx.COBA) else {})


def _projection(
    edges: list[Any], unit: Any, sizes: dict[str, int], write: _Writer, drawn: Any
) -> dict[str, Any]:
    edge, projection, posts = edges[0], edges[0].projection, [e.post for e in edges]
    (port,) = projection.factors
    listed = drawn is not None and projection.delay is not None
    found = {
        "pre": edge.pre,
        "posts": posts,
        "port": port,
        "rule": _listed(edges, drawn, sizes, write) if listed else _rule(projection, write),
        "weight": write.value(projection.weight, unit),
        "delay": None if projection.delay is None else write.value(projection.delay, ms),
        "synapses": sum(
            projection.connectivity.expected(sizes[edge.pre], sizes[post], same=edge.pre == post)
            for post in posts
        ),
    }
    if (rule := projection.plasticity) is not None:
        values = {
            n: float(getattr(rule, n)) for n in ("A_plus", "A_minus", "tau_plus", "tau_minus")
        }
        values |= {"mu": float(rule.mu)} if isinstance(rule, sx.WeightDependentSTDP) else {}
        w_max = {"w_max": float(to_coherent(rule.w_max, unit, "w_max"))}
        found["plasticity"] = {"rule": type(rule).__name__} | values | w_max
    return found


def _listed(edges: list[Any], drawn: Any, sizes: dict[str, int], write: _Writer) -> dict[str, Any]:
    """Synapses one by one; targets are numbered through the populations they are in."""
    pre, post, before = [], [], 0
    for edge in edges:
        synapses, n = drawn.edges[edge.name].format, sizes[edge.post]
        pre.append(np.ravel(synapses.pre_values(jnp.arange(sizes[edge.pre]))))
        post.append(np.ravel(synapses.targets) % n + before)  # without the channel
        before += n
    ends = {"pre": np.concatenate(pre), "post": np.concatenate(post)}
    return {"name": "explicit"} | {name: write.array(ids) for name, ids in ends.items()}


def _rule(projection: sx.Projection, write: _Writer) -> dict[str, Any]:
    rule = projection.connectivity
    values = {field.name: getattr(rule, field.name) for field in dataclasses.fields(rule)}
    plain = {n: write.array(v) if isinstance(v, np.ndarray) else v for n, v in values.items()}
    return {"name": type(rule).__name__} | plain
