"""Small networks for the test of exact resume: one of every registered model, rule and edge.

Run as a script, `python resume_cases.py FOLDER`, it is the new process: it goes on with every state
that it finds there and saves where it comes to.
"""

import sys
from pathlib import Path

import numpy as np

import spikax as sx
from spikax._conformance import _TYPICAL
from spikax.plugins import Model, registry
from spikax.units import exponents, ms, mV, nS, quantity

N, STEPS, DT = 4, 40, 0.1
DELAYS = {
    "none": None,
    "one step": DT * ms,
    "ring": 0.7 * ms,
    "per synapse": sx.Uniform(0.1 * ms, 1.2 * ms),
}
RULES = {
    "dense": sx.all_to_all(),
    "csr": sx.pairwise_bernoulli(0.5),
    "fan-out": sx.fixed_outdegree(2),
    "one to one": sx.one_to_one(),
}
WEIGHTS = {"scalar": 3 * nS, "array": sx.Normal(3 * nS, 1 * nS)}


def target(**receptors):
    return sx.Cell(sx.LIF(), **receptors or {"r": sx.Receptor(sx.Expon(), sx.COBA())})


def edges(rule):
    """An edge of every kind of weight and delay, each to a population of its own."""
    kinds = [(w, d) for w in WEIGHTS for d in DELAYS]
    posts = {f"{w}, {d}": sx.Population(target(), N) for w, d in kinds}
    projections = [
        sx.Projection("pre", f"{w}, {d}", "r", RULES[rule], WEIGHTS[w], DELAYS[d]) for w, d in kinds
    ]
    return sx.Network({"pre": relay()} | posts, projections)


def into_target(source, edge, cell=None, **options):
    populations = {"pre": source, "post": sx.Population(cell or target(), N)}
    return sx.Network(populations, [edge], **options)


def of_model(record):
    """A network with a model of its family in its usual place."""
    made = record.load()
    if record.family == "synapse":
        return into_target(relay(), edge(), target(r=sx.Receptor(made(), sx.COBA())))
    if record.family == "coupling":
        unit = made().unit
        cell = target(r=sx.Receptor(sx.Expon(), made()))
        return into_target(relay(), edge(weight=quantity(3.0, unit)), cell)
    if record.family == "plasticity":
        return into_target(relay(), edge(plasticity=rule(made)))
    if record.family == "release":
        signal = edge(signal="x")
        return into_target(sx.Population(sx.Relay(), N, {"x": made()}), signal)
    return sx.Network({"one": sx.Population(made(), N)})


def gap_junctions():
    """In both directions between two populations, and within one."""
    rule, weight = sx.pairwise_bernoulli(0.5), sx.Uniform(1 * nS, 3 * nS)
    cells = {name: sx.Population(sx.LIF(V_th=1e3 * mV), N) for name in ("pre", "post")}
    ends = (("pre", "post"), ("post", "post"))
    return sx.Network(cells, [sx.gap_junction(a, b, rule, weight) for a, b in ends])


def rule(made):
    return made(w_max=6 * nS, **{"modulator": "pre.spike"} if "modulator" in made.declared else {})


def relay():
    return sx.Population(sx.Relay(), N)


def edge(weight=WEIGHTS["array"], **options):
    delay = DELAYS["per synapse"]
    return sx.Projection("pre", "post", "r", RULES["csr"], weight, delay, **options)


def cases():
    """Every case by name."""
    models = {
        f"{r.family} {r.name}": of_model(r)
        for r in registry().records(Model).values()
        if r.target.startswith("spikax.")
    }
    return models | {f"edge {r}": edges(r) for r in RULES} | {"edge gap junctions": gap_junctions()}


def drive(model, seed):
    """Random arrivals at every port of every population that nothing else drives."""
    rng = np.random.default_rng(seed)
    return {
        path: quantity(np.where(there(rng, port), typical(rng, port.unit, port), 0.0), port.unit)
        for path, port in model.ports.items()
        if not port.channels
    }


def there(rng, port):
    return rng.random((STEPS, *port.shape(N))) < 0.4


def typical(rng, unit, port):
    scale = _TYPICAL.get(exponents(unit), 1.0)
    shape = (STEPS, *port.shape(N))
    return np.ones(shape) if scale == 1.0 else 3 * scale * rng.normal(1, 1, shape)


def go_on(model, state, seed):
    return sx.simulate(model, state, STEPS * DT * ms, inputs=drive(model, seed), chunk=STEPS)[0]


def build(net):
    return net.build(dt=DT * ms, seed=7)


if __name__ == "__main__":
    for i, net in enumerate(cases().values()):
        folder, model = Path(sys.argv[1]), build(net)
        state = sx.load_state(folder / f"{i}.npz", like=model.init_state(), net=model)
        sx.save_state(folder / f"{i}.end.npz", go_on(model, state, seed=2))
