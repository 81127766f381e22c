"""A shared parameter is one leaf with the sum of the gradients."""

import jax
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, UnknownNameError
from spikax.units import ms, pA

pytestmark = pytest.mark.usefixtures("x64")
SHARE = [("E.tau_m", "I.neuron.tau_m")]


def network(share=SHARE, tau=20 * ms):
    cell = sx.Cell(sx.LIF(I_e=60 * pA, tau_m=tau), r=sx.Receptor(sx.Expon(), sx.CUBA()))
    lif = sx.LIF(I_e=90 * pA)
    return sx.Network({"E": sx.Population(lif, 2), "I": sx.Population(cell, 3)}, share=share)


def potentials(model):
    _, rec = sx.simulate(model, model.init_state(), 10 * ms, record={"E": "V_m", "I": "V_m"})
    return rec["E.V_m"].values.sum() + 2 * rec["I.V_m"].values.sum()


def test_gradient_of_the_owner_is_the_sum():
    shared, apart = (network(s).build(dt=0.5 * ms) for s in (SHARE, ()))
    assert len(jax.tree.leaves(apart)) == len(jax.tree.leaves(shared)) + 1
    assert potentials(shared) == potentials(apart)

    def slopes(model):
        params, rest = sx.select(model, "*.tau_m")
        gradient = jax.jit(jax.grad(lambda p: potentials(sx.merge(p, rest))))(params)
        return [float(g) for g in jax.tree.leaves(gradient)]

    (one,), (first, second) = slopes(shared), slopes(apart)
    assert one == pytest.approx(first + second, rel=1e-12)
    assert first != 0 != second


def test_a_change_reaches_both():
    """Half the time constant: both relax to E_L + tau I / C_m with the new one."""
    model = network().build(dt=0.5 * ms)
    owner, rest = sx.select(model, "*.tau_m")
    faster = sx.merge(jax.tree.map(lambda tau: tau / 2, owner), rest)
    record = {"E": "V_m", "I": "V_m"}
    _, rec = sx.simulate(faster, faster.init_state(), 10 * ms, record=record)
    t = np.arange(1, 21) * 0.5
    for name, drive in (("E", 90), ("I", 60)):
        slope = drive / 200
        expected = -60 + slope * 10 * (1 - np.exp(-t / 10))
        assert np.allclose(rec[f"{name}.V_m"].values[:, 0], expected, rtol=1e-12)


def test_values_that_differ_are_refused():
    with pytest.raises(ConfigError, match=r"E\.tau_m and I\.neuron\.tau_m are shared but differ"):
        network(tau=10 * ms).build(dt=0.5 * ms)


def test_unknown_path_is_named():
    with pytest.raises(UnknownNameError, match=r"'tau'; did you mean 'tau_m'"):
        network(share=[("E.tau", "I.neuron.tau_m")]).build(dt=0.5 * ms)
