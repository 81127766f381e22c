"""The conformance kit accepts a sound model and names what is wrong with any other."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import pytest

import spikax as sx
from spikax.testing import check_dynamics
from spikax.units import UNITLESS, ms, mV, pA


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


class Saturates(sx.Expon):
    """The more is there, the less is added."""

    def arrive(self, g, x):
        there = jnp.abs(x) + jnp.abs(g.g)
        return g.replace(g=g.g + x * jnp.abs(x) / jnp.where(there > 0, there, 1.0))


def test_kit_notices_a_synapse_that_does_not_superpose():
    with pytest.raises(AssertionError, match="receptor r is not linear"):
        check_dynamics(sx.Cell(sx.LIF(), r=sx.Receptor(Saturates(), sx.CUBA())))


def test_unit_check_sees_every_constant_of_mgblock():
    """The published 0.062 / mV as a bare number fails: the check finds what a paper hides."""

    class Bare(sx.MgBlock):
        def current(self, g, V):
            return g * (self.E - V) / (1 + jnp.exp(-0.062 * V) * self.c_Mg / self.c_half)

    with pytest.raises(AssertionError, match="hides a constant"):
        check_dynamics(sx.Cell(sx.LIF(E_L=-70 * mV), r=sx.Receptor(sx.Expon(), Bare(0 * mV))))


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_detached_reset_keeps_the_contract_but_for_its_gradient(reset):
    """Detaching is wanted to differ from finite differences: the kit must see that."""
    with pytest.raises(AssertionError, match="finite difference"):
        check_dynamics(sx.LIF(I_e=300 * pA, reset=reset, detach_reset=True))
