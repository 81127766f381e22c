"""Brian2 with C++ standalone, as a peer.

All neurons are one group, for they share a model: that is fastest in Brian2. A run is the whole
program anew; what is timed is its last part, after the network has settled, by Brian2's own clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import brian2 as b
import numpy as np

from peers._serve import Clock, Run, serve

UNITS = {"C_m": b.pF, "tau_m": b.ms, "t_ref": b.ms, "I_e": b.pA}  # mV else
WEIGHT = {"CUBA": b.pA, "COBA": b.nS, None: b.mV}
MEMBRANE = "dv/dt = (E_L - v) / tau_m + (I_e{current}) / C_m : volt (unless refractory)"
KINETICS = {
    "Expon": "dg_{0}/dt = -g_{0} / tau_{0} : {unit}",
    "Alpha": "dg_{0}/dt = -g_{0} / tau_{0} + x_{0} : {unit}\n"
    "dx_{0}/dt = -x_{0} / tau_{0} : {unit} / second",
}
ARRIVAL = {
    "Expon": "g_{0}_post += weight",
    "Alpha": "x_{0}_post += weight * e / tau_{0}",
    None: "v_post += weight * int(not_refractory_post)",
}


def build(task: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    clock, folder = Clock(), tempfile.mkdtemp()
    b.set_device("cpp_standalone", build_on_run=False)
    b.prefs.devices.cpp_standalone.openmp_threads = task["threads"] if task["threads"] > 1 else 0
    b.seed(task["seed"])
    net = task["network"]
    b.defaultclock.dt = net["dt"] * b.ms
    group, parts = _neurons(net)
    objects = [_input(p, net, group, parts) for p in net["projections"]]
    monitor = b.SpikeMonitor(group)
    network = b.Network(group, monitor, *objects)
    network.run(task["settle"] * b.ms)
    network.run(task["duration"] * b.ms)
    b.device.build(folder, run=False)
    compiled = clock.lap()
    program = _Program(Path(folder), monitor, parts, task["settle"])
    first = program.run()
    once = {name: first[name] for name in ("build", "peak")}
    return once | {"compile": compiled, "version": f"Brian2 {b.__version__}"}, program.run


def _neurons(net: dict[str, Any]) -> tuple[Any, dict[str, slice]]:
    cells = [p for p in net["populations"] if p["model"] == "lif"]
    first = {k: cells[0][k] for k in ("values", "receptors", "V_init")}
    if any({k: p[k] for k in first} != first for p in cells):
        sys.exit("populations of different neurons are one group here: give --peers without brian2")
    values, receptors = first["values"], first["receptors"]
    names = {name: v * UNITS.get(name, b.mV) for name, v in values.items()}
    names |= {f"tau_{port}": r["tau"] * b.ms for port, r in receptors.items()}
    names |= {f"E_{port}": r["E"] * b.mV for port, r in receptors.items() if "E" in r}
    linear = not any("E" in r for r in receptors.values())
    group = b.NeuronGroup(
        sum(p["size"] for p in cells),
        _equations(receptors),
        threshold="v >= V_th",
        reset="v = V_reset",
        refractory=values["t_ref"] * b.ms,
        method="exact" if linear else "exponential_euler",
        namespace=names,
        name="cells",
    )
    group.v = _law(first["V_init"])
    ends = np.cumsum([0, *(p["size"] for p in cells)])
    parts = {
        p["name"]: slice(int(i), int(j)) for p, i, j in zip(cells, ends, ends[1:], strict=False)
    }
    return group, parts


def _equations(receptors: dict[str, Any]) -> str:
    lines, current = [], ""
    for port, r in receptors.items():
        unit = "siemens" if "E" in r else "amp"
        lines.append(KINETICS[r["kinetics"]].format(port, unit=unit))
        current += f" + g_{port} * (E_{port} - v)" if "E" in r else f" + g_{port}"
    return "\n".join([MEMBRANE.format(current=current), *lines])


def _law(value: Any) -> Any:
    if not isinstance(value, dict):
        return value * b.mV
    if value["law"] == "Uniform":
        low, high = value["low"], value["high"]
        return f"({low} + rand() * ({high - low})) * mV"
    return f"({value['mean']} + randn() * ({value['std']})) * mV"


def _input(
    projection: dict[str, Any], net: dict[str, Any], group: Any, parts: dict[str, slice]
) -> Any:
    found = {p["name"]: p for p in net["populations"]}
    source, port = found[projection["pre"]], projection["port"]
    receptor = found[projection["posts"][0]]["receptors"].get(port, {})
    weight = projection["weight"] * WEIGHT[receptor.get("coupling")]
    target = group[_span([parts[post] for post in projection["posts"]])]
    if source["model"] == "poisson":
        return _drive(source, target, port, receptor, weight)
    synapses = b.Synapses(
        group[parts[source["name"]]],
        target,
        on_pre=ARRIVAL[receptor.get("kinetics")].format(port),
        delay=projection["delay"] * b.ms,
        namespace=group.namespace | {"weight": weight, "e": np.e},
    )
    synapses.connect(**_rule(projection["rule"]))
    return synapses


def _span(slices: list[slice]) -> slice:
    """One slice of populations that follow each other."""
    return slice(slices[0].start, slices[-1].stop)


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    if rule["name"] == "explicit":
        return {"i": np.load(rule["pre"]["file"]), "j": np.load(rule["post"]["file"])}
    if rule["name"] == "pairwise_bernoulli":
        return {"p": rule["p"]}
    if rule["name"] == "fixed_indegree":  # without multapses
        return {"i": f"k for k in sample(N_pre, size={rule['k']})"}
    sys.exit(f"the rule {rule['name']} is not written for Brian2: give --peers without brian2")


def _drive(
    source: dict[str, Any], target: Any, port: str, receptor: dict[str, Any], weight: Any
) -> Any:
    variable, jump = f"g_{port}", weight
    if receptor.get("kinetics") == "Alpha":
        variable, jump = f"x_{port}", weight * np.e / (receptor["tau"] * b.ms)
    elif not receptor:
        variable = "v"
    return b.PoissonInput(target, variable, int(source["sources"]), source["rate"] * b.kHz, jump)


class _Program:
    """The compiled network; it prints nothing, its results are files."""

    def __init__(self, folder: Path, monitor: Any, parts: dict[str, slice], settle: float) -> None:
        self.folder, self.parts, self.settle = folder, parts, settle
        names = (b.device.get_array_filename(monitor.variables[v], basedir=None) for v in "ti")
        self.t, self.i = (folder / "results" / name for name in names)

    def run(self) -> dict[str, Any]:
        """Run it; the rest of its time is that of building the network and of settling."""
        clock = Clock()
        process = subprocess.Popen(["./main"], cwd=self.folder)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"Brian2's program ended with status {status}")
        whole = clock.lap()
        wall = float((self.folder / "results/last_run_info.txt").read_text().split()[0])
        late = np.fromfile(self.t) > self.settle * 1e-3
        ids = np.fromfile(self.i, np.int32)[late]
        counts = np.histogram(ids, [0, *(p.stop for p in self.parts.values())])[0]
        spikes = dict(zip(self.parts, map(int, counts), strict=True))
        return {
            "wall": wall,
            "spikes": spikes,
            "peak": usage.ru_maxrss * 1024,
            "build": whole - wall,
        }


if __name__ == "__main__":
    serve(build)
