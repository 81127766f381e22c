"""Rate units: a gain of the summed input, with noise of the input, of the output, or none."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import Port, State, cell, param
from spikax.errors import ConfigError
from spikax.integrate import phi1
from spikax.noise import NoisyState, normal
from spikax.units import ms
from spikax_nest._node import NestNode

SIGNED = Port(channels=("ex", "in"), route=lambda weight: np.where(weight < 0, 1, 0))


class Inputs(State):
    """What arrived at the end of the last step."""

    rate: Array = cell(init="rate", doc="rate")
    ex: Array = cell(doc="sum of what arrived over positive weights")
    inh: Array = cell(doc="sum of what arrived over negative weights")


class InputNoiseState(NoisyState, Inputs):
    """Variables of a unit with noise of its input."""

    noise: Array = cell(doc="noise of the last step")


class OutputNoiseState(InputNoiseState):
    """Variables of a unit with noise of its output."""

    noisy_rate: Array = cell(doc="rate of the last step with noise")
    rate_sent: Array = cell(doc="what is transmitted: the rate with the noise of the next step")
    coming: Array = cell(doc="noise of the next step")


class RateUnit(NestNode):
    """A unit that sends a rate and takes rates, delayed at `rate` or of this step at `instant`."""

    rate: Array = param(0.0, doc="rate at the start")
    linear_summation: Array = param(1.0, doc="whether the gain acts on the sum of the inputs")
    types = {"linear_summation": bool}
    ports = {"rate": SIGNED, "instant": SIGNED}
    recordables = ("rate",)
    sends = "rate"
    uses_wfr = True
    is_linear = False

    def validate(self) -> None:
        one = self.linear_summation
        if isinstance(one, np.ndarray) and not self.is_linear and np.any(one == 0):
            raise ConfigError(
                f"{type(self).__name__}.linear_summation is False: a gain of each input by itself "
                "is not there yet; leave it True, the gain then acts on their sum."
            )

    @abstractmethod
    def gain(self, h: Array) -> Array:
        """The rate that an input leads to."""

    def driven(self, s: Any, inputs: Any) -> Array:
        """What the inputs of a step amount to."""
        return self.gain(s.ex + inputs["instant"][0] + s.inh + inputs["instant"][1])

    def arrived(self, inputs: Any) -> dict[str, Array]:
        """What arrives at the end of a step."""
        return {"ex": inputs["rate"][0], "inh": inputs["rate"][1]}


class Multiplied(RateUnit):
    """A unit that may weight what it gets over positive and over negative weights."""

    tau: Array = param(10 * ms, above=0, doc="time constant")
    mult_coupling: Array = param(0.0, doc="whether positive and negative inputs have gains apart")
    types = {"linear_summation": bool, "mult_coupling": bool}
    computed = {"noise": lambda v: 0.0}
    mean_name, std_name = "mu", "sigma"

    def factors(self, rate: Array) -> tuple[Any, Any]:
        """Of positive and negative inputs, where they have gains apart."""
        del rate
        return 1.0, 1.0

    def multiplied(self, s: Any, inputs: Any, rate: Array) -> Array:
        """What the inputs of a step amount to at a rate."""
        ex, inh = s.ex + inputs["instant"][0], s.inh + inputs["instant"][1]
        by_ex, by_in = self.factors(rate)
        apart = by_ex * self.gain(ex) + by_in * self.gain(inh)
        return jnp.where(self.mult_coupling != 0, apart, self.gain(ex + inh))

    @property
    def mean_input(self) -> Array:
        """The mean of what drives the unit beside its inputs."""
        return getattr(self, self.mean_name)

    @property
    def amplitude(self) -> Array:
        """The amplitude of the noise."""
        return getattr(self, self.std_name)


class InputNoise(Multiplied):
    """tau dX = (-lambda X + mu + phi(ex + in)) dt + sqrt(tau) sigma dW.

    ex and in are the sums of what arrives, rates times weights, over positive and negative weights.
    With mult_coupling the input is f_ex phi(ex) + f_in phi(in), where the factors are 1 unless the
    model says otherwise. With rectify_output X is rectify_rate at least. Exact where the input is
    held over a step; what arrives at the end of a step at `rate` is held over the next, at
    `instant` over this one.
    """

    lambda_: Array = param(1.0, at_least=0, doc="rate of passive decay, in units of 1 / tau")
    rectify_rate: Array = param(0.0, at_least=0, doc="lower bound of the rate")
    rectify_output: Array = param(0.0, doc="whether there is one")
    types = {"linear_summation": bool, "mult_coupling": bool, "rectify_output": bool}
    recordables = ("noise", "rate")
    State = InputNoiseState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> InputNoiseState:
        s, x = state, dt * self.lambda_ / self.tau
        held = dt / self.tau * phi1(-x)
        spread = jnp.sqrt(dt / self.tau * phi1(-2 * x))
        noise = self.amplitude * normal(s.stream, t, dtype=s.rate.dtype)
        given = self.mean_input + self.multiplied(s, inputs, s.rate)
        rate = jnp.exp(-x) * s.rate + held * given + spread * noise
        bounded = jnp.maximum(rate, self.rectify_rate)
        rate = jnp.where(self.rectify_output != 0, bounded, rate)
        return InputNoiseState(stream=s.stream, rate=rate, noise=noise, **self.arrived(inputs))


class OutputNoise(Multiplied):
    """tau dX/dt = -X + mu + phi(ex + in);  it sends Y = X + sqrt(tau / h) sigma z, z ~ N(0, 1).

    h is the step, z is drawn in each; ex, in and mult_coupling as for noise of the input, the
    factors being those of Y.
    """

    recordables = ("noise", "noisy_rate", "rate")
    computed = {"noise": lambda v: 0.0, "noisy_rate": lambda v: 0.0}
    sends = "rate_sent"
    shows = "noisy_rate"
    State = OutputNoiseState

    def init_state(self, size: int, *, key: Any, dt: float) -> OutputNoiseState:
        state = super().init_state(size, key=key, dt=dt)
        return state.replace(**self.output(state.stream, state.rate, jnp.int32(0), dt))

    def output(self, stream: Array, rate: Array, t: Array, dt: float) -> dict[str, Array]:
        """What is sent in step t, and its noise."""
        noise = self.amplitude * normal(stream, t, dtype=rate.dtype)
        return {"coming": noise, "rate_sent": rate + jnp.sqrt(self.tau / dt) * noise}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> OutputNoiseState:
        s = state
        given = self.mean_input + self.multiplied(s, inputs, s.rate_sent)
        rate = jnp.exp(-dt / self.tau) * s.rate - jnp.expm1(-dt / self.tau) * given
        return OutputNoiseState(
            stream=s.stream,
            rate=rate,
            noise=s.coming,
            noisy_rate=s.rate_sent,
            **self.arrived(inputs),
            **self.output(s.stream, rate, t + 1, dt),
        )


class Transformer(RateUnit):
    """X(t + h) = phi(ex + in): what arrives goes through the gain and is sent on.

    What arrives at `rate` at the end of a step acts in the next, at `instant` in this one.
    """

    State = Inputs

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Inputs:
        rate = self.driven(state, inputs)
        return Inputs(rate=rate, **self.arrived(inputs))
