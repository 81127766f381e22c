"""The resonator against its closed form and against what it is known for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from spikax_mylab.resonator import Resonator

import spikax
from spikax.testing import check_dynamics
from spikax.units import mV

DT = 0.1


def run(model, kicks):
    """V_m and spikes of one neuron that is kicked (mV) at the start of some steps."""

    def step(state, kick):
        state = model.update(state, {"kick": kick[None]}, t=0, dt=DT)
        return state, (state.V_m[0], state.spike[0])

    _, (V, spikes) = jax.lax.scan(step, model.init_state(1, key=0, dt=DT), jnp.asarray(kicks))
    return np.asarray(V), np.asarray(spikes)


def test_contract():
    check_dynamics(Resonator())


def test_it_is_found_by_its_name():
    assert spikax.model("resonator") is Resonator


def test_below_threshold_it_is_a_damped_oscillation():
    kicks = np.zeros(300)
    kicks[0] = 1.0
    V, spikes = run(Resonator(V_th=10 * mV), kicks)
    t = DT * np.arange(300)
    np.testing.assert_allclose(V, np.exp(-0.1 * t) * np.sin(t), atol=1e-5)
    assert spikes.sum() == 0


@pytest.mark.parametrize(("interval", "fires"), [(2 * np.pi, True), (np.pi, False)])
def test_it_fires_at_kicks_in_time_with_it(interval, fires):
    """Two kicks that fail alone fire it one period apart, not half a period."""
    kicks = np.zeros(300)
    kicks[[0, round(interval / DT)]] = 0.9
    _, spikes = run(Resonator(), kicks)
    assert bool(spikes.any()) is fires
