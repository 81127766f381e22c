"""Whether a neuron answers to an arrival within the step in which it comes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from spikax import BuiltNetwork
from spikax.errors import ConfigError
from spikax_learning._linearise import reaches
from spikax_learning._plan import Target


def check_answers_at_once(rule: str, net: BuiltNetwork, target: Target) -> None:
    """Refuse edges whose gradient would be zero, where a trace has only the answer of the moment.

    Raises:
        ConfigError: What arrives by a trained edge changes the signals that are followed a step
            later, as through a receptor.
    """
    signals = tuple(dict.fromkeys(way.signal for way in target.ways))
    for name in target.edges:
        ports = [port for port, _ in net.edges[name].ports]
        if not _answers(net, target.population, ports, signals):
            raise ConfigError(
                f"{rule} would leave out edges.{name}.weight: what arrives at "
                f"{', '.join(ports)} of {target.population!r} changes its {', '.join(signals)} a "
                f"step later, and {rule} follows the answer of the moment alone. Send it to a port "
                'that acts within the step, such as "delta", or train by EProp() or DRTRL().'
            )


def _answers(net: BuiltNetwork, name: str, ports: list[str], signals: tuple[str, ...]) -> bool:
    node, size = net.nodes[name], dict(net.sizes)[name]
    state = jax.eval_shape(lambda: node.init_state(size, key=0, dt=net.dt))
    none = {port: jnp.zeros(spec.shape(size)) for port, spec in node.ports.items()}

    def answer(state: Any, arrivals: Any) -> list[Any]:
        new = node.update(state, none | arrivals, t=jnp.int32(0), dt=net.dt)
        return [node.read(new, signal) for signal in signals]

    return reaches(answer, state, {port: none[port] for port in ports})
