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

import numpy as np

import spikax as sx
from spikax.units import ms, mV, to_coherent

LIF = ("C_m", "tau_m", "E_L", "V_th", "V_reset", "t_ref", "I_e")
STDP = ("A_plus", "A_minus", "tau_plus", "tau_minus")


def describe(net: sx.Network, dt: Any, folder: Path) -> dict[str, Any]:
    """The populations and projections of a network; arrays go into the folder."""
    write = _Writer(folder)
    sizes = {name: population.size for name, population in net.populations.items()}
    return {
        "dt": float(to_coherent(dt, ms, "dt")),
        "populations": [
            {"name": name, "size": population.size} | _model(population.model, write)
            for name, population in net.populations.items()
        ],
        "projections": [
            _projection(edges[0], [e.post for e in edges], net.weight_unit(edges[0]), sizes, write)
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
    edge: Any, posts: list[str], unit: Any, sizes: dict[str, int], write: _Writer
) -> dict[str, Any]:
    projection = edge.projection
    (port,) = projection.factors
    found = {
        "pre": edge.pre,
        "posts": posts,
        "port": port,
        "rule": _rule(projection.connectivity, write),
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


def _rule(rule: Any, write: _Writer) -> dict[str, Any]:
    values = {field.name: getattr(rule, field.name) for field in dataclasses.fields(rule)}
    plain = {n: write.array(v) if isinstance(v, np.ndarray) else v for n, v in values.items()}
    return {"name": type(rule).__name__} | plain
