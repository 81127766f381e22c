"""Time courses of linear synapses; a weight is the peak of the response to one spike."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from spikax._fields import cell, param
from spikax._receptor import Kinetics, KineticState
from spikax._system import Array
from spikax.errors import ConfigError
from spikax.units import UNITLESS, ms


class ExponState(KineticState):
    """One exponential."""

    g: Array = cell(doc="conductance or current")


class Expon(Kinetics):
    """Exponential synapse: g jumps by the weight and decays, dg/dt = -g / tau.

    Source: Rotter & Diesmann 1999, section 3.
    """

    tau: Array = param(5 * ms, above=0, doc="decay time constant")
    State = ExponState

    def flow(self, g: Any, h: float) -> ExponState:
        return g.replace(g=g.g * jnp.exp(-h / self.tau))

    def arrive(self, g: Any, x: Array) -> ExponState:
        return g.replace(g=g.g + x)

    def value(self, g: Any) -> Array:
        return g.g


def check_rise(model: Any, instead: str) -> None:
    """Raise unless tau_rise is below tau_decay; `instead` says what to do."""
    pair = model.tau_rise, model.tau_decay
    if not all(isinstance(tau, np.ndarray) for tau in pair):
        return
    rise, decay = np.broadcast_arrays(*pair)
    wrong = rise >= decay
    if wrong.any():
        raise ConfigError(
            f"{type(model).__name__}.tau_rise = {rise[wrong].flat[0]:g} ms must be below "
            f"tau_decay = {decay[wrong].flat[0]:g} ms; {instead}."
        )


class DualExponState(KineticState):
    """Two exponentials."""

    rise: Array = cell(doc="the part that decays with tau_rise")
    decay: Array = cell(doc="the part that decays with tau_decay")


class DualExpon(Kinetics):
    """Synapse with a rise and a decay, a difference of exponentials of peak 1.

        g(t) = w (exp(-t / tau_decay) - exp(-t / tau_rise)) / n
        n = r^(r / (1 - r)) - r^(1 / (1 - r)),  r = tau_rise / tau_decay

    Source: Gerstner et al. 2014, eq. 3.2 with a finite rise; n from dg/dt = 0.
    """

    tau_rise: Array = param(1 * ms, above=0, doc="rise time constant")
    tau_decay: Array = param(5 * ms, above=0, doc="decay time constant")
    State = DualExponState

    def validate(self) -> None:
        check_rise(self, "for equal time constants use Alpha(tau)")

    def flow(self, g: Any, h: float) -> DualExponState:
        return g.replace(
            rise=g.rise * jnp.exp(-h / self.tau_rise), decay=g.decay * jnp.exp(-h / self.tau_decay)
        )

    def arrive(self, g: Any, x: Array) -> DualExponState:
        r = self.tau_rise / self.tau_decay
        jump = x / (r ** (r / (1 - r)) - r ** (1 / (1 - r)))
        return g.replace(rise=g.rise + jump, decay=g.decay + jump)

    def value(self, g: Any) -> Array:
        return g.decay - g.rise


class AlphaState(KineticState):
    """An alpha function and its drive."""

    g: Array = cell(doc="conductance or current")
    drive: Array = cell(UNITLESS / ms, doc="what makes g rise")


class Alpha(Kinetics):
    """Alpha synapse: g(t) = w (t / tau) exp(1 - t / tau), peak w at t = tau.

        dg/dt = -g / tau + drive,  d drive/dt = -drive / tau,  a spike adds w e / tau to the drive

    Source: Rall 1967; exact propagator after Rotter & Diesmann 1999, section 3.
    """

    tau: Array = param(2 * ms, above=0, doc="time to the peak")
    State = AlphaState

    def flow(self, g: Any, h: float) -> AlphaState:
        decay = jnp.exp(-h / self.tau)
        return g.replace(g=(g.g + g.drive * h) * decay, drive=g.drive * decay)

    def arrive(self, g: Any, x: Array) -> AlphaState:
        return g.replace(drive=g.drive + x * math.e / self.tau)

    def value(self, g: Any) -> Array:
        return g.g


class HeldState(KineticState):
    """What arrived last."""

    g: Array = cell(doc="conductance or current")


class Held(Kinetics):
    """Holds for a step what arrived at its start: for signals that are values, such as a gate.

    The neuron is then of order 1 in it. What is not sent again is gone.
    """

    State = HeldState

    def flow(self, g: Any, h: float) -> HeldState:
        del h
        return g

    def arrive(self, g: Any, x: Array) -> HeldState:
        return g.replace(g=x)

    def value(self, g: Any) -> Array:
        return g.g
