"""NEST, as a peer.

Neurons by the kinetics and the coupling of their receptors. Of two receptors the sign of a weight
chooses, in NEST negative weights go to the inhibitory one. A Poisson source is a generator that
gives each of its targets a train of its own.
"""

from __future__ import annotations

from typing import Any

import nest
import numpy as np

from peers._serve import Clock, Run, serve

MODELS = {
    None: "iaf_psc_delta",
    ("Expon", "CUBA"): "iaf_psc_exp",
    ("Expon", "COBA"): "iaf_cond_exp",
    ("Alpha", "CUBA"): "iaf_psc_alpha",
}
LAWS = {
    "Uniform": lambda low, high: nest.random.uniform(low, high),
    "Normal": lambda mean, std, low=-np.inf, high=np.inf: nest.math.redraw(
        nest.random.normal(mean, std), low, high
    ),
    "LogNormal": lambda mean, std: nest.random.lognormal(
        np.log(mean) - np.log1p((std / mean) ** 2) / 2, np.log1p((std / mean) ** 2) ** 0.5
    ),
}
COUNTS = {"fixed_indegree": "indegree", "fixed_outdegree": "outdegree", "fixed_total_number": "N"}


def build(task: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    clock, net = Clock(), task["network"]
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution, nest.local_num_threads = net["dt"], task["threads"]
    nest.rng_seed = task["seed"]
    if "precision" in task:  # of spikax alone
        nest.precision = task["precision"]
    found = {p["name"]: p for p in net["populations"]}
    cells = {name: _create(p, net) for name, p in found.items() if p["model"] == "lif"}
    for projection in net["projections"]:
        source, posts = found[projection["pre"]], [cells[name] for name in projection["posts"]]
        target = found[projection["posts"][0]]
        if source["model"] == "poisson":
            for post in posts:
                _drive(source, post, projection, net)
        else:
            _connect(cells[source["name"]], posts, projection, target)
    recorders = {name: nest.Create("spike_recorder") for name in cells}
    for name, recorder in recorders.items():
        nest.Connect(cells[name], recorder)
    nest.Simulate(net["dt"])
    built = clock.lap()
    nest.Simulate(task["settle"])

    def run() -> dict[str, Any]:
        for recorder in recorders.values():
            recorder.n_events = 0
        clock.lap()
        nest.Simulate(task["duration"])
        wall = clock.lap()
        return {"wall": wall, "spikes": {n: int(r.n_events) for n, r in recorders.items()}}

    return {"build": built, "version": f"NEST {nest.__version__}"}, run


def value(given: Any) -> Any:
    """A number, a parameter that NEST draws, or an array from its file."""
    if not isinstance(given, dict):
        return given
    if "file" in given:
        return np.load(given["file"])
    return LAWS[given["law"]](**{name: v for name, v in given.items() if name != "law"})


def _create(population: dict[str, Any], net: dict[str, Any]) -> Any:
    receptors = population["receptors"]
    kinds = {(r["kinetics"], r["coupling"]) for r in receptors.values()} or {None}
    (kind,) = kinds
    values = {name: value(v) for name, v in population["values"].items()}
    if kind is not None:
        values |= _receptors(receptors, kind, net)
    if kind == ("Expon", "COBA"):
        values["g_L"] = values["C_m"] / values.pop("tau_m")
    for rule in _rules(net, population["name"]):
        values["tau_minus"] = rule["tau_minus"]
    cells = nest.Create(MODELS[kind], population["size"], values)
    cells.V_m = value(population["V_init"])
    return cells


def _rules(net: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The plasticity of what ends on a population; its trace of the target is the neuron's."""
    return [p["plasticity"] for p in net["projections"] if name in p["posts"] and "plasticity" in p]


def _receptors(
    receptors: dict[str, Any], kind: tuple[str, str], net: dict[str, Any]
) -> dict[str, float]:
    ports = sorted(receptors, key=lambda port: _sign(receptors[port], port, net))
    inh, exc = receptors[ports[0]], receptors[ports[-1]]
    values = {"tau_syn_ex": exc["tau"], "tau_syn_in": inh["tau"]}
    return values | ({"E_ex": exc["E"], "E_in": inh["E"]} if kind[1] == "COBA" else {})


def _sign(receptor: dict[str, Any], port: str, net: dict[str, Any]) -> float:
    """Orders the receptors of a cell, the inhibitory one first."""
    if "E" in receptor:
        return receptor["E"]
    return max(_mean(p["weight"]) for p in net["projections"] if p["port"] == port)


def _mean(weight: Any) -> float:
    return weight.get("mean", 0.0) if isinstance(weight, dict) else weight


def _connect(
    pre: Any, posts: list[Any], projection: dict[str, Any], target: dict[str, Any]
) -> None:
    rule = dict(projection["rule"])
    name = rule.pop("name")
    receptor = target["receptors"].get(projection["port"], {})
    below = receptor.get("E", 0.0) < target["values"]["V_th"]
    sign = -1 if receptor.get("coupling") == "COBA" and below else 1
    synapse = {"weight": value(projection["weight"]) * sign, "delay": value(projection["delay"])}
    if "plasticity" in projection:
        synapse["synapse_model"] = _plastic(projection["plasticity"])
    if name == "explicit":
        _connect_list(pre, posts, rule, synapse)
        return
    if name in COUNTS:
        rule[COUNTS[name]] = rule.pop("n" if name == "fixed_total_number" else "k")
    for post in posts:
        nest.Connect(pre, post, {"rule": name} | rule, synapse)


def _connect_list(
    pre: Any, posts: list[Any], rule: dict[str, Any], synapse: dict[str, Any]
) -> None:
    """Synapses one by one; NEST takes an array of each of their values."""
    ids = {"pre": pre.tolist(), "post": [i for post in posts for i in post.tolist()]}
    ends = [np.array(ids[end])[value(rule[end])] for end in ids]
    listed = {k: np.broadcast_to(v, len(ends[0])) for k, v in synapse.items()}
    nest.Connect(*ends, "one_to_one", listed)


def _drive(
    source: dict[str, Any], post: Any, projection: dict[str, Any], net: dict[str, Any]
) -> None:
    """Independent trains, one source to one target; their delay is of no account."""
    rate = source["rate"] * source["sources"] * 1000  # Hz
    generator = nest.Create("poisson_generator", params={"rate": rate})
    if projection["rule"]["name"] == "explicit":
        post = post[[int(i) for i in value(projection["rule"]["post"])]]
    nest.Connect(
        generator, post, "all_to_all", {"weight": projection["weight"], "delay": _shortest(net)}
    )


def _shortest(net: dict[str, Any]) -> float:
    """The shortest delay between neurons: a shorter one would make NEST exchange more often."""
    delays = [p["delay"] for p in net["projections"] if p["delay"] is not None]
    return min(net["dt"] if isinstance(d, dict) else d for d in delays)


def _plastic(rule: dict[str, Any]) -> str:
    """STDP whose parameters all synapses share: additive where no exponent is given."""
    nest.CopyModel("stdp_synapse_hom", "plastic")
    nest.SetDefaults(
        "plastic",
        {
            "tau_plus": rule["tau_plus"],
            "lambda": rule["A_plus"],
            "alpha": rule["A_minus"] / rule["A_plus"],
            "mu_plus": rule.get("mu", 0.0),
            "mu_minus": rule.get("mu", 0.0),
            "Wmax": rule["w_max"],
        },
    )
    return "plastic"


if __name__ == "__main__":
    serve(build)
