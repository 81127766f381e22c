"""`jax.grad` through `simulate`, by every weight and parameter, for every neuron x receptor.

The truth is finite differences, on a spike made smooth.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax._conformance import smooth
from spikax.plugins import Model, registry
from spikax.units import ms, pA

pytestmark = pytest.mark.usefixtures("x64")
STEPS, N = 16, 3
DRIVE = {"LIF": 260, "ALIF": 260, "AdExIF": 700, "HH": 700}
DRIVE |= {"IF": 260, "ExpIF": 200, "QuaIF": 400, "AdQuaIF": 400, "GIF": 400, "Izhikevich": 1000}
DRIVE |= {"FitzHughNagumo": 150, "HindmarshRose": 600, "MorrisLecar": 100, "WangBuzsaki": 400}
# The upstroke of its sodium channels outgrows a step of 0.25 ms.
DT = {"WangBuzsaki": 0.05}


def names(family):
    """Core's own models; a plugin proves its own. Held has no parameters to look at."""
    records = registry().records(Model).items()
    own = [n for n, m in records if m.family == family and m.target.startswith("spikax.")]
    return [n for n in own if n != "Held"]


def network(neuron, receptors):
    """Spikes from outside through every receptor, recurrence with a delay, a readout."""
    cell = sx.Cell(sx.model(neuron)(I_e=np.linspace(0.9, 1.2, N) * DRIVE[neuron] * pA), **receptors)
    inputs = [
        sx.Projection("in", "E", name, sx.all_to_all(), sx.each(8 * receptor.coupling.unit))
        for name, receptor in receptors.items()
    ]
    first, receptor = next(iter(receptors.items()))
    back = sx.Projection(
        "E",
        "E",
        first,
        sx.pairwise_bernoulli(0.7),
        4 * receptor.coupling.unit,
        0.5 * ms,
        name="back",
    )
    out = sx.Projection("E", "out", "input", sx.all_to_all(), sx.each(sx.Normal(0, 1)))
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N),
            "E": sx.Population(cell, N),
            "out": sx.Population(sx.LeakyReadout(), 2),
        },
        [*inputs, back, out],
    )


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


@pytest.mark.parametrize("neuron", names("neuron"))
def test_neuron_with_every_receptor(neuron):
    kinetics, couplings = names("synapse"), names("coupling")
    pairs = zip(kinetics, couplings, strict=True)
    receptors = {f"r{i}": receptor(*pair) for i, pair in enumerate(pairs)}
    check(network(neuron, receptors), DT.get(neuron, 0.25))


@pytest.mark.grid
@pytest.mark.parametrize("coupling", names("coupling"))
@pytest.mark.parametrize("synapse", names("synapse"))
@pytest.mark.parametrize("neuron", names("neuron"))
def test_grid_of_gradients(neuron, synapse, coupling):
    check(network(neuron, {"r": receptor(synapse, coupling)}), DT.get(neuron, 0.25))


def receptor(kinetics, coupling):
    return sx.Receptor(sx.model(kinetics)(), sx.model(coupling)())
