"""EventProp: exact gradients of spike times, by the adjoint equations."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from spikax import BuiltNetwork, Filter, NetworkState, leaves, merge, select
from spikax.errors import ConfigError, NumericsError, ShapeError, unknown
from spikax.units import ms, to_coherent
from spikax_learning import _event_network as exact
from spikax_learning._event_signals import entering, first_spikes, is_time, means
from spikax_learning._events import Given, spikes
from spikax_learning._explain import Explained, Explanation
from spikax_learning._plan import Loss


@dataclass(frozen=True)
class EventProp:
    """EventProp: the exact gradient of the spiking network in continuous time.

        dV/dt = (E_L - V) / tau_m + (I + I_e) / C_m,   dI/dt = -I / tau_s
        V = V_th: V <- V_reset, and I <- I + w in each target, its delay later

    Spike times are roots of the closed solution, found event by event; no step of time is made, and
    no surrogate. Back in time go lambda_V and lambda_I (Wunderlich & Pehle 2021, table 1), which
    jump at spikes. So the gradient is that of the loss of these spike times, up to rounding; it
    does not see that a small change of a weight may add or remove a spike.

    Networks of `Relay`, `LeakyReadout` and `Cell(LIF(t_ref=0*ms), syn=Receptor(Expon(tau),
    CUBA()))`, with any stored synapses and delays. It keeps a number for every delay, source and
    neuron: for some thousand neurons.

    The loss has an attribute `reads`: with "out.spike", a population of cells, the loss of the run
    is `loss(times, target)`, where times (first, N) has the first spikes of each neuron (ms), inf
    where there is none. With "out.y", a `LeakyReadout` and the default, it is the sum over the rows
    of the targets of `loss(y, target)`: the rows divide the run into equal parts, and y is the mean
    of the readout over its part.

    Attributes:
        duration: How long a run is; if not given, as many steps as the inputs have rows.
        max_spikes: Room for the spikes of a run, those from outside included.
        first: How many spikes of each neuron a loss of spike times sees.
    """

    duration: Any = None
    max_spikes: int = 1000
    first: int = 1

    def gradient(
        self,
        net: BuiltNetwork,
        state: NetworkState,
        inputs: Mapping[str, Any],
        targets: Any,
        loss: Loss,
        train: Filter = "weight",
    ) -> tuple[Array, BuiltNetwork]:
        """The loss of a run and its gradient.

        Under a transform, where nothing can be raised, both are NaN if there is no room for the
        spikes, a neuron is refractory, spikes are on their way in the state, or a row of inputs has
        numbers other than 0 and 1.

        Args:
            net: A built network.
            state: Where it starts, with no spike on its way.
            inputs: Spikes from outside: `{"in.spike": times * ms}`, (K, N) in any order, inf for
                none; or one row of 0 and 1 for each step, which ends with the spike.
            targets: What the loss compares with; see above.
            loss: A function with an attribute `reads`; see above.
            train: A filter of `select` that picks weights; all if not given.

        Returns:
            The loss, and gradients in the structure of `select(net, train)[0]`.

        Raises:
            ConfigError: The network or a parameter is none that it can solve or train.
            NumericsError: There are more spikes than `max_spikes`.
        """
        plan = exact.layout(net)
        _trained(net, train)
        path, duration = _reads(net, plan, loss), self._duration(net, inputs)
        time, source, odd = entering(net, plan, inputs)
        _check(exact.refractory(net, plan), "a neuron has t_ref > 0; write LIF(t_ref=0*ms)")
        _check(
            exact.pending(state), "spikes are on their way in the state; start from a silent one"
        )
        _check(odd, "inputs have values other than 0 and 1, or times before 0")
        task = (self.max_spikes, self.first, plan, path, loss, train)
        total, gradients, full = _solve(task, net, state, (time, source, odd), duration, targets)
        if not isinstance(full, Tracer) and full:
            raise NumericsError(
                f"the run has more than {self.max_spikes} spikes, those from outside included; "
                "give EventProp(max_spikes=...) more room, or the network less drive."
            )
        return total, gradients

    def explain(
        self, net: BuiltNetwork, train: Filter = "weight", loss: Loss | None = None
    ) -> Explanation:
        """How each picked parameter is trained; see `spikax_learning.explain`."""
        del loss  # whatever it reads
        exact.layout(net)
        return Explanation(
            Explained(path, "adjoint of all spike times", True, "no time step, no surrogate")
            for path in _trained(net, train)
        )

    def _duration(self, net: BuiltNetwork, inputs: Mapping[str, Any]) -> Array:
        lengths = {jnp.shape(x)[0] for x in inputs.values() if not is_time(x)}
        if self.duration is not None:
            return jnp.asarray(to_coherent(self.duration, ms, "duration"), dtype=float)
        if len(lengths) != 1:
            raise ConfigError(
                f"the inputs have {sorted(lengths)} rows, so they do not say how long the run is; "
                "write EventProp(duration=50*ms)."
            )
        return jnp.asarray(lengths.pop() * net.dt, dtype=float)


def _trained(net: BuiltNetwork, train: Filter) -> list[str]:
    picked = leaves(select(net, train)[0])
    for leaf in picked:
        if leaf.kind != "weight":
            raise ConfigError(
                f"EventProp would leave out {leaf.path}: it trains weights of projections only. "
                "Pick those with train=weights(...)."
            )
    return [leaf.path for leaf in picked]


def _reads(net: BuiltNetwork, plan: exact.Layout, loss: Loss) -> tuple[str, str]:
    """Population and signal that the loss reads."""
    choices = [f"{n}.y" for n in plan.readouts] + [f"{n}.spike" for n, _ in plan.neurons]
    path = getattr(loss, "reads", None)
    if path is None and len(plan.readouts) != 1:
        raise ConfigError(
            f"the network has {len(plan.readouts)} populations of LeakyReadout, so the loss has to "
            f"say what it reads: loss.reads = {choices[0]!r}."
        )
    path = choices[0] if path is None else path
    if path not in choices:
        raise unknown("signal for a loss of EventProp", path, choices)
    population, _, signal = path.partition(".")
    return population, signal


def _check(wrong: Array, message: str) -> None:
    if not isinstance(wrong, Tracer) and wrong:
        raise ConfigError(f"EventProp: {message}.")


@functools.partial(jax.jit, static_argnums=0)
def _solve(
    task: tuple[Any, ...],
    net: BuiltNetwork,
    state: NetworkState,
    entering: tuple[Array, Array, Array],
    duration: Array,
    targets: Any,
) -> tuple[Array, BuiltNetwork, Array]:
    """Loss, gradients, and whether the spikes were too many."""
    size, first, plan, (population, signal), loss, train = task
    trained, rest = select(net, train)
    time, source, odd = entering
    membranes, x, J = exact.membranes(net, plan, state)
    lags = jnp.asarray(plan.lags, dtype=float) * net.dt
    watched = [first * ((n, "spike") == (population, signal)) for n, _ in plan.neurons]
    enough = np.repeat(np.array(watched, np.int32), [dict(net.sizes)[n] for n, _ in plan.neurons])
    given = Given(membranes, x, J, time, source, lags, duration, jnp.asarray(enough))

    def total(trained: BuiltNetwork) -> tuple[Array, Array]:
        now = merge(trained, rest)
        made = spikes(size, exact.weights(now, plan, [n for n, _ in plan.neurons]), given)
        wrong = made.full | odd | exact.refractory(net, plan) | exact.pending(state)
        if signal == "spike":
            offset, count = plan.first[population], dict(net.sizes)[population]
            value = _scalar(loss(first_spikes(made, offset, count, first), targets))
        else:
            jumps = exact.weights(now, plan, [population])
            y = means(now, made, jumps, given, state.nodes[population].y, population, targets)
            value = jnp.sum(jax.vmap(lambda *row: _scalar(loss(*row)))(y, targets))
        return value * jnp.where(wrong, jnp.nan, 1.0), made.full

    (value, full), gradients = jax.value_and_grad(total, has_aux=True)(trained)
    return value, gradients, full


def _scalar(value: Array) -> Array:
    if jnp.shape(value):
        raise ShapeError(f"the loss has shape {jnp.shape(value)}; expected a scalar.")
    return value
