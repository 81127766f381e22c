"""Gradients through networks of NEST's neurons: finite differences, and D-RTRL."""

import functools

import jax
import jax.numpy as jnp
import nest_fuzz as fuzz
import numpy as np
import pytest
from learning_networks import assert_same_gradients, with_cut

import spikax as sx
from spikax.errors import ConfigError
from spikax.surrogates import Smooth
from spikax.units import ms, mV, pA
from spikax_learning import DRTRL, explain
from spikax_nest._models import MODELS
from spikax_nest.neurons._aeif import Aeif
from spikax_nest.neurons._gif import Gif
from spikax_nest.neurons._neuron import SpikingNode
from spikax_nest.neurons._precise_neuron import PreciseNeuron
from spikax_nest.neurons._runge_kutta import RungeKutta

pytestmark = pytest.mark.usefixtures("x64", "quick_compiler")
N, STEPS, DT = 3, 60, 0.25
SYSTEMS = {m.name: m.load() for m in MODELS if ".neurons." in m.target}
# Those of precise spikes have times to differentiate: tests/nest/test_precise.py.
DIFFERENTIABLE = [
    n
    for n, system in SYSTEMS.items()
    if issubclass(system, SpikingNode) and not issubclass(system, PreciseNeuron)
]
# The grid has the others.
OFTEN = {"iaf_psc_exp", "iaf_psc_delta", "iaf_cond_exp"}
EACH = [pytest.param(n, marks=[] if n in OFTEN else [pytest.mark.grid]) for n in DIFFERENTIABLE]


# The upstroke of these runs away within a step, or they spike where a substep ends: that hangs on
# the lengths of substeps, which a gradient holds fixed and a finite difference does not. Below
# threshold both see the same.
AEIF = {n for n, system in SYSTEMS.items() if issubclass(system, Aeif)}
QUIET = AEIF | {"ht_neuron"}


FEWER = [
    pytest.param(n, marks=[] if n == "iaf_psc_exp" else [pytest.mark.grid]) for n in DIFFERENTIABLE
]


# Where chance is on again, these spike often enough.
GIF = {n for n, system in SYSTEMS.items() if issubclass(system, Gif)}
DRIVE = fuzz.DRIVE | dict.fromkeys(GIF, (250.0, 450.0))


def neuron(name, surrogate, quiet):
    """A population's model with values around those that make it fire, or stay below."""
    system, (low, high) = SYSTEMS[name], DRIVE.get(name, (350.0, 600.0))
    low, high = (0.0, 100.0) if quiet else (low, high)
    more = {"max_substeps": 48} if issubclass(system, RungeKutta) else {}
    if name in AEIF and not quiet:
        more["V_peak"] = -40 * mV  # further up a potential hangs on the last by factors of 1e6
    if fuzz.has_mechanisms(name):
        more |= dict.fromkeys(fuzz.MECHANISMS, 1.0)
    if name == "glif_cond":
        more["tau_syn"] = [2.0, 2.0] * ms  # what arrives within 0.2 ms makes no spike
    if "I_e" in system.declared:
        more["I_e"] = np.linspace(low, high, N) * pA
    return system(surrogate=surrogate, **more)


def network(name, surrogate, quiet=False):
    """Spikes from outside into one population, on to a second with recurrence, to a readout."""
    model = neuron(name, surrogate, quiet)
    port = next(iter(model.spike_ports.values()))
    port += ".ex" if model.ports[port.partition(".")[0]].route else ""
    unit = model.ports[port.partition(".")[0]].unit
    w = fuzz.WEIGHT.get(name, 150.0) * (0.1 if quiet else 1.0)
    every, sparse = sx.all_to_all(), sx.pairwise_bernoulli(0.7)
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N),
            "first": sx.Population(model, N),
            "E": sx.Population(model, N),
            "out": sx.Population(sx.LeakyReadout(), 2),
        },
        [
            sx.Projection("in", "first", port, every, sx.each(w * unit)),
            sx.Projection("first", "E", port, every, sx.each(w * unit), 0.5 * ms),
            sx.Projection("E", "E", port, sparse, 0.5 * w * unit, 0.5 * ms, name="back"),
            sx.Projection("E", "out", "input", every, sx.each(sx.Normal(0, 1))),
        ],
    )


def case():
    rng = np.random.default_rng(0)
    spikes = jnp.asarray(rng.random((STEPS, N)) < 0.2, dtype=float)
    return {"in.spike": spikes}, jnp.asarray(rng.normal(size=(STEPS, 2)))


def loss(seen, target):
    y, V = seen
    return ((y - target) ** 2).sum() / 2 + 1e-3 * V.sum()


def potential(net):
    """The signal of the potential, that of the soma where there are several."""
    return "V_m" if "V_m" in net.nodes["E"].signals else "V_m.s"


def reading(net):
    """The loss, and what it reads."""
    found = functools.partial(loss)
    found.reads = ("out.y", f"E.{potential(net)}")
    return found


def trained(leaf):
    return sx.floats(leaf) and (leaf.kind == "weight" or leaf.path.startswith("nodes.E."))


def is_list(leaf):
    """Whether it has a length of its own, as that of receptors: no trace of a neuron follows it."""
    return leaf.kind == "parameter" and np.shape(leaf.value) not in ((), (N,))


@jax.jit
def total(net, state, inputs, targets):
    V = potential(net)
    record = {"out": "y", "E": [V, "spike"]}
    _, seen = sx.simulate(net, state, STEPS * DT * ms, inputs=inputs, record=record)
    signals = seen["out.y"].values, seen[f"E.{V}"].values
    return jax.vmap(loss)(signals, targets).sum(), seen["E.spike"].values.mean()


@pytest.mark.parametrize("name", EACH)
def test_gradient_of_two_layers_is_that_of_finite_differences(name):
    """In a direction that moves every parameter and weight a little."""
    model = network(name, Smooth(), name in QUIET).build(dt=DT * ms, seed=2)
    state, (inputs, targets) = model.init_state(), case()
    picked, rest = sx.select(model, lambda leaf: trained(leaf) and np.all(np.isfinite(leaf.value)))
    gradient = jax.grad(lambda p: total(sx.merge(p, rest), state, inputs, targets)[0])(picked)
    rng = np.random.default_rng(3)

    def along(value):
        # Values that stand for infinity do not move.
        small = jnp.where(jnp.abs(value) < 1e30, value, 0.0)
        return jnp.asarray(rng.uniform(-1, 1, np.shape(value))) * small

    direction = jax.tree.map(along, picked)
    slope = sum(
        float((g * d).sum())
        for g, d in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
    )

    def at(step):
        moved = jax.tree.map(lambda p, d: p + step * d, picked, direction)
        return float(total(sx.merge(moved, rest), state, inputs, targets)[0])

    found = [(at(h) - at(-h)) / (2 * h) for h in (1e-6, 3e-7)]
    assert abs(slope) > 1e-6
    # A finite difference moves the lengths of substeps, too; the gradient holds them fixed.
    tolerance = 5e-3 if issubclass(SYSTEMS[name], RungeKutta) else 1e-4
    assert min(abs(f / slope - 1) for f in found) < tolerance, (slope, found)


@pytest.mark.parametrize("name", FEWER)
def test_d_rtrl_is_backpropagation_with_cut_recurrence(name):
    net = network(name, sx.SuperSpike())
    model = net.build(dt=DT * ms, seed=2)
    state, (inputs, targets) = model.init_state(), case()

    def chosen(leaf):
        return trained(leaf) and not leaf.path.startswith("edges.in") and not is_list(leaf)

    _, found = DRTRL(chunk=25).gradient(model, state, inputs, targets, reading(model), chosen)
    picked, rest = sx.select(with_cut(model, "back"), chosen)
    rate = total(model, state, inputs, targets)[1]
    expected = jax.grad(lambda p: total(sx.merge(p, rest), state, inputs, targets)[0])(picked)
    assert 0.005 <= rate < 0.5
    assert_same_gradients(found, expected)


@pytest.mark.parametrize("name", EACH)
def test_what_online_rules_cannot_follow_is_named(name):
    model = network(name, sx.SuperSpike()).build(dt=DT * ms, seed=2)
    lists = [leaf.path for leaf in sx.leaves(model) if trained(leaf) and is_list(leaf)]
    for path in lists:
        with pytest.raises(ConfigError, match=f"would leave out {path}"):
            explain(model, DRTRL(), lambda leaf, path=path: leaf.path == path, reading(model))
    others = explain(
        model, DRTRL(), lambda leaf: trained(leaf) and not is_list(leaf), reading(model)
    )
    assert len(others) > 5
