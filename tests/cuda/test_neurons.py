"""A step of a population as a kernel, interpreted: against the neuron's own update."""

import jax
import jax.numpy as jnp
import numpy as np
import plastic_cases
import pytest

import spikax as sx
from spikax._surrogate import Smooth
from spikax.units import ms, mV
from spikax_cuda.interpret import interpreted
from spikax_cuda.neurons import update

pytestmark = pytest.mark.usefixtures("quick_compiler")


@pytest.mark.parametrize("size", [1, 127, 300])
@pytest.mark.parametrize("name", plastic_cases.NODES)
def test_moves_as_the_neuron_does(name, size, x64):
    moving, operands = plastic_cases.population(plastic_cases.NODES[name], jnp.float64, size)
    assert update.supports(moving, *operands)
    with interpreted():
        moved = jax.jit(lambda *v: update(moving, *v))(*operands)
    expected = moving.moved(operands)
    assert jax.tree.structure(moved) == jax.tree.structure(expected)
    for got, value in zip(jax.tree.leaves(moved), jax.tree.leaves(expected), strict=True):
        assert got.dtype == value.dtype
        np.testing.assert_allclose(got, value, rtol=1e-12, atol=1e-12)
    before = jax.tree.leaves(moving.parts(operands)[1])
    assert any(np.any(a != b) for a, b in zip(before, jax.tree.leaves(moved), strict=True))


def test_a_parameter_of_each_neuron(x64):
    each = np.linspace(5, 30, 300)
    moving, operands = plastic_cases.population(sx.LIF(tau_m=each * ms), jnp.float64)
    with interpreted():
        moved = update(moving, *operands)
    np.testing.assert_allclose(moved.V_m, moving.moved(operands).V_m, rtol=1e-12)


@pytest.mark.parametrize(
    "node",
    [
        sx.HH(),
        sx.Cell(sx.LIF(), a=sx.Receptor(sx.Alpha(5 * ms), sx.CUBA())),
        sx.Cell(sx.LIF(), a=sx.Receptor(sx.Expon(5 * ms), sx.MgBlock(0 * mV))),
        sx.LIF(surrogate=Smooth()),
    ],
)
def test_leaves_other_models_to_xla(node):
    assert not update.supports(*(lambda m, o: (m, *o))(*plastic_cases.population(node)))
