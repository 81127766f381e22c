"""`jax.grad` through `simulate`, by every weight and parameter, for every neuron x receptor.

The truth is finite differences, on a spike made smooth.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_neuron import DT, N, each_neuron, every_receptor, names, network, receptor

import spikax as sx
from spikax._conformance import smooth
from spikax.units import ms

pytestmark = pytest.mark.usefixtures("x64", "quick_compiler")
STEPS = 16


def check(net, dt):
    model = smooth(net.build(dt=dt * ms, seed=2))
    spikes = (np.random.default_rng(0).random((STEPS, N)) < 0.3) * 1.0
    info = [leaf for leaf in sx.leaves(model) if sx.floats(leaf)]
    params, rest = sx.select(model, sx.floats)
    point, structure = jax.tree.flatten(params)

    def loss(shift):
        """Every element of leaf i moved by shift[i]."""
        moved = jax.tree.unflatten(structure, [p + shift[i] for i, p in enumerate(point)])
        built, record = sx.merge(moved, rest), {"out": "y", "E": ["V_m", "spike"]}
        _, rec = sx.simulate(
            built, built.init_state(), STEPS * dt * ms, inputs={"in.spike": spikes}, record=record
        )
        y, V, z = (rec[p].values for p in ("out.y", "E.V_m", "E.spike"))
        return (y**2).sum() + 1e-3 * V.sum() + z.sum()

    widths = np.array([1e-5 * max(float(jnp.abs(p).max()), 0.1) for p in point])
    shifts = jnp.asarray(np.concatenate([np.diag(widths), -np.diag(widths)]))
    ahead, behind = np.asarray(jax.jit(jax.vmap(loss))(shifts)).reshape(2, -1)
    gradient = np.asarray(jax.jit(jax.grad(loss))(jnp.zeros(len(point))))
    expected = (ahead - behind) / (2 * widths)
    for leaf, got, wanted in zip(info, gradient, expected, strict=True):
        assert got == pytest.approx(wanted, rel=5e-5, abs=1e-6), leaf.path
    moving = {leaf.path for leaf, g in zip(info, gradient, strict=True) if g != 0}
    assert {leaf.path for leaf in info if leaf.kind == "weight"} <= moving
    common = {"C_m", "E_L", "I_e", "V_init"} & set(model.nodes["E"].neuron.declared)
    assert {f"nodes.E.neuron.{name}" for name in common} <= moving
    for name in model.nodes["E"].receptors:
        assert any(path.startswith(f"nodes.E.receptors.{name}.kinetics") for path in moving)


@pytest.mark.parametrize("neuron", each_neuron(names("neuron")))
def test_neuron_with_every_receptor(neuron):
    check(network(neuron, every_receptor()), DT.get(neuron, 0.25))


@pytest.mark.grid
@pytest.mark.parametrize("coupling", names("coupling"))
@pytest.mark.parametrize("synapse", names("synapse"))
@pytest.mark.parametrize("neuron", names("neuron"))
def test_grid_of_gradients(neuron, synapse, coupling):
    check(network(neuron, {"r": receptor(synapse, coupling)}), DT.get(neuron, 0.25))
