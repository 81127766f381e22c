"""What a run is to do: the network, what comes from outside, for how long, what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from spikax._built import BuiltNetwork, NetworkState
from spikax._probes import Probe
from spikax._system import Port
from spikax.errors import ConfigError, ShapeError, unknown
from spikax.units import to_coherent


@dataclass(frozen=True)
class Plan:
    """A checked run.

    Attributes:
        net: The network.
        constant: Inputs that stay the same, by port.
        varying: Inputs with a row per step.
        n: Number of steps.
        probes: What is recorded.
        chunk: Steps per chunk, None for the usual number.
    """

    net: BuiltNetwork
    constant: Mapping[str, Any]
    varying: Mapping[str, Any]
    n: int
    probes: tuple[Probe, ...]
    chunk: int | None

    def step(self, state: NetworkState, inputs: Mapping[str, Any]) -> NetworkState:
        """The state one step later."""
        return self.net.update(state, inputs, t=state.t, dt=self.net.dt)


def split_inputs(
    net: BuiltNetwork, inputs: Mapping[str, Any], n: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split what comes from outside into what is constant and what has a row per step."""
    constant, varying, sizes = dict[str, Any](), dict[str, Any](), dict(net.sizes)
    for path, value in inputs.items():
        node, _, rest = path.partition(".")
        name, _, channel = rest.partition(".")
        if node not in sizes:
            raise unknown("population (input)", node, sizes)
        ports = net.nodes[node].ports
        if name not in ports:
            raise unknown(f"port of population {node!r} (input)", name, ports)
        if ports[name].events:
            raise ConfigError(
                f"input {path!r}: the port keeps events apart; let them come from a population, "
                "such as a generator of spikes at given times."
            )
        values = _fit(to_coherent(value, ports[name].unit, f"input {path!r}"), sizes[node], n, path)
        values = _into_channel(values, ports[name], channel, path)
        target = (
            varying
            if np.shape(values)[:1] == (n,) and np.ndim(values) == 2 + bool(channel)
            else constant
        )
        key = f"{node}.{name}"
        target[key] = target[key] + values if key in target else values
    for key in constant.keys() & varying.keys():  # channels of one port
        varying[key] = varying[key] + constant.pop(key)[None]
    return constant, varying


def _fit(values: Any, size: int, n: int, path: str) -> Any:
    if np.shape(values) not in ((), (size,), (n, size), (n, 1)):
        raise ShapeError(
            f"input {path!r} has shape {np.shape(values)}; expected one number, ({size},) for the "
            f"neurons, or ({n}, {size}) for the steps and neurons."
        )
    lead = np.shape(values)[:1] if np.ndim(values) == 2 else ()
    if isinstance(values, Tracer):
        return jnp.broadcast_to(jnp.asarray(values, dtype=float), (*lead, size))
    # By NumPy: by JAX each shape would be a program to compile.
    plain = np.asarray(values, dtype=jax.dtypes.canonicalize_dtype(float))
    return jax.device_put(np.broadcast_to(plain, (*lead, size)))


def _into_channel(values: Any, port: Port, channel: str, path: str) -> Any:
    if not port.channels:
        if channel:
            raise ConfigError(f"input {path!r}: the port has no channels.")
        return values
    if channel not in port.channels:
        raise unknown(f"channel (input {path!r})", channel, port.channels)
    index = port.channels.index(channel)
    shape = (*values.shape[:-1], len(port.channels), values.shape[-1])
    return jnp.zeros(shape, values.dtype).at[..., index, :].set(values)
