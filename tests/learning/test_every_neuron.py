"""D-RTRL is backpropagation with cut recurrence, for every neuron and every receptor of core.

By every weight and every parameter of the neuron and its receptors.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_neuron import DT, N, each_neuron, every_receptor, names, network, receptor
from learning_networks import assert_same_gradients, by_path, with_cut

import spikax as sx
from spikax.units import ms
from spikax_learning import DRTRL

pytestmark = pytest.mark.usefixtures("x64", "quick_compiler")
STEPS = 60


def trained(leaf):
    return sx.floats(leaf) and (leaf.kind == "weight" or leaf.path.startswith("nodes.E."))


def loss(seen, target):
    y, V = seen
    return ((y - target) ** 2).sum() / 2 + 1e-3 * V.sum()


loss.reads = ("out.y", "E.V_m")


def check(net, dt):
    model = net.build(dt=dt * ms, seed=2)
    state, rng = model.init_state(), np.random.default_rng(0)
    spikes = jnp.asarray(rng.random((STEPS, N)) < 0.3, dtype=float)
    targets = jnp.asarray(rng.normal(size=(STEPS, 2)))
    inputs = {"in.spike": spikes}
    _, found = DRTRL(chunk=25).gradient(model, state, inputs, targets, loss, trained)
    rate, expected = backwards(with_cut(model, "back"), state, spikes, targets)
    assert 0.01 <= rate < 0.5
    moving = assert_same_gradients(found, expected)
    assert len(moving) > len(by_path(expected)) / 2


@jax.jit
def backwards(net, state, spikes, targets):
    picked, rest = sx.select(net, trained)

    def total(picked):
        record = {"out": "y", "E": ["V_m", "spike"]}
        whole, inputs = sx.merge(picked, rest), {"in.spike": spikes}
        _, seen = sx.simulate(whole, state, STEPS * net.dt * ms, inputs=inputs, record=record)
        signals = seen["out.y"].values, seen["E.V_m"].values
        return jax.vmap(loss)(signals, targets).sum(), seen["E.spike"].values.mean()

    gradient, rate = jax.grad(total, has_aux=True)(picked)
    return rate, gradient


@pytest.mark.parametrize("neuron", each_neuron(names("neuron")))
def test_with_a_receptor(neuron):
    """Between them the neurons have every receptor; the grid has all pairs."""
    receptors = list(every_receptor().values())
    one = receptors[names("neuron").index(neuron) % len(receptors)]
    check(network(neuron, {"r": one}), DT.get(neuron, 0.25))


def test_with_all_receptors_at_once():
    check(network("ALIF", every_receptor()), 0.25)


@pytest.mark.grid
@pytest.mark.parametrize("coupling", names("coupling"))
@pytest.mark.parametrize("synapse", names("synapse"))
@pytest.mark.parametrize("neuron", names("neuron"))
def test_grid(neuron, synapse, coupling):
    check(network(neuron, {"r": receptor(synapse, coupling)}), DT.get(neuron, 0.25))
