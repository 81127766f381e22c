"""Networks, tasks and oracles that the tests of rules share."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

import spikax as sx
from spikax import Edge
from spikax._component import rebuild
from spikax.units import ms, mV, pA

N_IN, N, N_OUT, T = 6, 8, 2, 30


def half_square(y, target):
    return ((y - target) ** 2).sum() / 2


def network(neuron, *projections, readout_delay=None, **populations):
    """in and E, what is between them, and a readout of E."""
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "E": sx.Population(neuron, N),
            **populations,
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [
            *projections,
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0), readout_delay),
        ],
    )


def delta(pre, post, weight=0 * mV, spread=1 * mV, delay=1 * ms, rule=None, **more):
    """Jumps of the potential, each synapse its own."""
    rule = rule or sx.all_to_all()
    return sx.Projection(pre, post, "delta", rule, sx.Normal(weight, spread), delay, **more)


def task(net, seed=1, steps=T):
    """A built network with spikes to react to and targets to reach."""
    rng, net = np.random.default_rng(seed), net.build(dt=1 * ms, seed=seed)
    spikes = jnp.asarray(rng.random((steps, N_IN)) < 0.2, dtype=float)
    targets = jnp.asarray(rng.normal(0, 3, (steps, N_OUT)), dtype=float)
    return SimpleNamespace(net=net, state=net.init_state(), spikes=spikes, targets=targets)


def gradient(rule, given, loss=half_square, train="weight"):
    """By path, what a rule makes of a task."""
    inputs = {"in.spike": given.spikes}
    _, found = rule.gradient(given.net, given.state, inputs, given.targets, loss, train)
    return by_path(found)


def by_path(gradients):
    return {leaf.path: np.asarray(leaf.value) for leaf in sx.leaves(gradients)}


def assert_same_gradients(found, expected):
    """Equal to 1e-10 of the largest entry of each parameter; which of them there are not zero."""
    found, expected = by_path(found), by_path(expected)
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        scale = max(np.abs(value).max(), 1e-6)
        np.testing.assert_allclose(found[path], value, rtol=0, atol=1e-10 * scale, err_msg=path)
    moving = {path for path, value in expected.items() if np.abs(value).max() > 1e-9}
    assert {path for path in expected if path.endswith(".weight")} <= moving
    return moving


def difference(a, b):
    """The largest difference relative to the largest entry, over parameters."""
    assert a.keys() == b.keys()
    return max(np.abs(a[path] - b[path]).max() / np.abs(b[path]).max() for path in a)


def alive(given, gradients, name="E"):
    """The network fires, not always; every gradient has a size."""
    inputs = {"in.spike": given.spikes}
    _, seen = sx.simulate(
        given.net, given.state, len(given.spikes) * ms, inputs=inputs, record={name: "spike"}
    )
    size = dict(given.net.sizes)[name]
    rate = len(seen[f"{name}.spike"].ids) / (len(given.spikes) * size)
    assert 0.01 < rate < 0.5, rate
    for path, value in gradients.items():
        assert np.abs(value).max() > 1e-6, path


class CutEdge(Edge):
    """An edge through which no gradient passes."""

    def update(self, state, pre, post, mod, *, t, dt):
        return super().update(state, jax.lax.stop_gradient(pre), post, mod, t=t, dt=dt)


def with_cut(net, *names):
    """The network, its named edges cut."""
    edges = {
        name: rebuild(CutEdge, edge.__dict__) if name in names else edge
        for name, edge in net.edges.items()
    }
    return net.replace(edges=edges)


def backwards(given, train="weight", loss=half_square, read="out.y"):
    """By path, the gradient by backpropagation through time."""
    trained, fixed = sx.select(given.net, train)
    name, _, signal = read.partition(".")

    @jax.jit
    def run(trained, fixed, state, spikes, targets):
        def total(trained):
            inputs = {"in.spike": spikes}
            _, seen = sx.simulate(
                sx.merge(trained, fixed),
                state,
                len(spikes) * ms,
                inputs=inputs,
                record={name: signal},
            )
            return jax.vmap(loss)(seen[read].values, targets).sum()

        return jax.grad(total)(trained)

    return by_path(run(trained, fixed, given.state, given.spikes, given.targets))


def cell():
    """A neuron with one current of its own time constant."""
    receptor = sx.Receptor(sx.Expon(5 * ms), sx.CUBA())
    return sx.Cell(sx.LIF(I_e=80 * pA, t_ref=2 * ms), syn=receptor)
