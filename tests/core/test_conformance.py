"""Every registered model keeps the contract, and the kit notices a model that does not."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import spikax as sx
from spikax.plugins import Model, registry
from spikax.testing import check_dynamics
from spikax.units import UNITLESS, Hz, ms, mV, pA

# What makes a model active, so that a case has spikes in it.
ACTIVE = {
    "LIF": {"I_e": 300 * pA},
    "ALIF": {"I_e": 300 * pA},
    "AdExIF": {"I_e": 900 * pA},
    "HH": {"I_e": 900 * pA},
    "IF": {"I_e": 300 * pA},
    "ExpIF": {"I_e": 200 * pA},
    "QuaIF": {"I_e": 400 * pA},
    "AdQuaIF": {"I_e": 400 * pA},
    "GIF": {"I_e": 400 * pA, "a": 0.005 / ms, "A_1": 2000 * pA, "A_2": -120 * pA},
    "Izhikevich": {"I_e": 1000 * pA},
    "FitzHughNagumo": {"I_e": 150 * pA},
    "HindmarshRose": {"I_e": 600 * pA},
    "MorrisLecar": {"I_e": 100 * pA},
    "WangBuzsaki": {"I_e": 400 * pA},
    "RateUnit": {"theta": -100 * Hz, "r_max": 2000 * Hz},
    "Poisson": {"rate": 2000 * Hz},
    "InhomogeneousPoisson": {"times": [1, 4] * ms, "rates": [0, 2000] * Hz},
    "RefractoryPoisson": {"rate": 600 * Hz, "t_ref": 0.5 * ms},
    "RateEncoder": {"max_rate": 3000 * Hz},
    "PopulationEncoder": {"max_rate": 3000 * Hz, "width": 0.6},
    "LatencyEncoder": {"tau": 1 * ms, "theta": 0.05},
    "DeltaEncoder": {"threshold": 0.3, "x_init": 0.05},
    "SpikeTimes": {"times": [0.3, 2.5, 2.8, 2.8] * ms},
}


def names(*families: str) -> list[str]:
    return [
        n
        for n, m in registry().records(Model).items()
        if m.family in families and m.target.startswith("spikax.")
    ]


def create(name: str) -> Any:
    return sx.model(name)(**ACTIVE.get(name, {}))


def with_all_receptors(neuron: Any) -> sx.Cell:
    """One compile proves a neuron with every receptor: each kinetics, each coupling once."""
    kinetics, couplings = names("synapse"), names("coupling")
    pairs = [(kinetics[i % len(kinetics)], c) for i, c in enumerate(couplings)]
    pairs += [(k, couplings[0]) for k in kinetics[len(couplings) :]]
    return sx.Cell(
        neuron, **{f"r{i}": sx.Receptor(create(k), create(c)) for i, (k, c) in enumerate(pairs)}
    )


# One neuron of each kind meets every receptor. A receptor is to a neuron one function of V, so the
# others meet one, whose current depends on V.
THOROUGH = ("LIF", "ALIF", "AdExIF", "HH")


@pytest.mark.parametrize("name", THOROUGH)
def test_neuron_with_every_receptor(name):
    check_dynamics(with_all_receptors(create(name)))


@pytest.mark.parametrize("name", sorted(set(names("neuron")) - set(THOROUGH)))
def test_neuron_with_a_receptor(name):
    check_dynamics(sx.Cell(create(name), r=sx.Receptor(sx.Expon(), sx.COBA())))


@pytest.mark.parametrize("name", names("synapse"))
def test_synapse_on_lif(name):
    check_dynamics(sx.Cell(create("LIF"), r=sx.Receptor(create(name), sx.COBA())))


@pytest.mark.parametrize("name", names("coupling"))
def test_coupling_on_lif(name):
    check_dynamics(sx.Cell(create("LIF"), r=sx.Receptor(sx.Expon(), create(name))))


@pytest.mark.parametrize("name", names("rate", "release", "input", "encoder", "readout"))
def test_device(name):
    check_dynamics(create(name))


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_detached_reset_keeps_the_contract_but_for_its_gradient(reset):
    """Detaching is wanted to differ from finite differences: the kit must see that."""
    with pytest.raises(AssertionError, match="finite difference"):
        check_dynamics(sx.LIF(I_e=300 * pA, reset=reset, detach_reset=True))


@pytest.mark.grid
@pytest.mark.parametrize("coupling", names("coupling"))
@pytest.mark.parametrize("synapse", names("synapse"))
@pytest.mark.parametrize("neuron", names("neuron"))
def test_grid(neuron, synapse, coupling):
    check_dynamics(sx.Cell(create(neuron), r=sx.Receptor(create(synapse), create(coupling))))


class OneState(sx.State):
    """A potential and a count."""

    V_m: jax.Array = sx.cell(mV)
    spike: jax.Array = sx.spike()


class Sound(sx.Dynamics):
    """A leaky integrator that keeps the contract."""

    tau: jax.Array = sx.param(10 * ms)
    V_0: jax.Array = sx.param(5 * mV)
    ports: Mapping[str, sx.Port] = {"current": sx.Port(pA)}
    State = OneState

    def update(self, state, inputs, *, t, dt):
        return OneState(V_m=self.moved(state, inputs, dt), spike=state.spike * 0)

    def moved(self, state, inputs, dt):
        return (
            state.V_m
            + dt / self.tau * (self.V_0 - state.V_m)
            + 0 * state.V_m * inputs["current"] / 1e9
        )


class AddsUnits(Sound):
    """mV + pA."""

    def moved(self, state, inputs, dt):
        return state.V_m * jnp.exp(-dt / self.tau) + inputs["current"]


class HidesConstant(Sound):
    """A potential of -70 (mV) that no parameter declares."""

    def moved(self, state, inputs, dt):
        return state.V_m + dt / self.tau * (-70.0 - state.V_m)


class Couples(Sound):
    """Each neuron sees the mean of all."""

    def moved(self, state, inputs, dt):
        return state.V_m + dt / self.tau * (state.V_m.mean() - state.V_m)


class ChangesType(Sound):
    """float32 out."""

    def moved(self, state, inputs, dt):
        return state.V_m.astype(jnp.float32)


class HasWrongGradient(Sound):
    """The value moves with V_0, the gradient does not."""

    def moved(self, state, inputs, dt):
        return state.V_m * jnp.exp(-dt / self.tau) + jax.lax.stop_gradient(self.V_0)


class Branches(Sound):
    """Python looks at a value."""

    def moved(self, state, inputs, dt):
        return state.V_m if float(state.V_m[0]) > 0 else state.V_m * 1


class HasReverseOnlyGradient(Sound):
    """A custom_vjp, which forward mode cannot pass."""

    def moved(self, state, inputs, dt):
        return _reverse_only(state.V_m)


@jax.custom_vjp
def _reverse_only(x):
    return x


_reverse_only.defvjp(lambda x: (x, None), lambda _, g: (g,))


class CountsWrongly(Sound):
    """A signal whose unit is not what is declared."""

    @property
    def signals(self):
        return {"V_m": UNITLESS, "spike": UNITLESS}


def test_kit_accepts_a_sound_model():
    check_dynamics(Sound())


@pytest.mark.parametrize(
    ("model", "error", "match"),
    [
        (AddsUnits, AssertionError, "wrong in its units"),
        (HidesConstant, AssertionError, "hides a constant"),
        (Couples, AssertionError, "not elementwise"),
        (ChangesType, AssertionError, "update turns V_m"),
        (HasWrongGradient, AssertionError, "V_0.*finite difference"),
        (HasReverseOnlyGradient, TypeError, "custom_vjp"),
        (Branches, jax.errors.ConcretizationTypeError, "traced"),
        (CountsWrongly, AssertionError, "does not have its declared unit"),
    ],
)
def test_kit_notices(model, error, match):
    with pytest.raises(error, match=match):
        check_dynamics(model())


def test_unit_check_sees_every_constant_of_mgblock():
    """The published 0.062 / mV as a bare number fails: the check finds what a paper hides."""

    class Bare(sx.MgBlock):
        def current(self, g, V):
            return g * (self.E - V) / (1 + jnp.exp(-0.062 * V) * self.c_Mg / self.c_half)

    with pytest.raises(AssertionError, match="hides a constant"):
        check_dynamics(sx.Cell(sx.LIF(E_L=-70 * mV), r=sx.Receptor(sx.Expon(), Bare(0 * mV))))
