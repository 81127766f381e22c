"""Learning signals: what the loss says to each neuron."""

from __future__ import annotations

from functools import reduce

import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork
from spikax.ops import transpose
from spikax_learning._linearise import Jacobians
from spikax_learning._routes import Route


def symmetric(net: BuiltNetwork, route: Route, error: Array, readout: Jacobians) -> Array:
    """The error, carried back by the very weights of the readout: L_j = sum_k W_jk error_k.

    Args:
        net: The network.
        route: How the population reaches the readout; the readout itself gets the error as it is.
        error: dE/dy_k.
        readout: The Jacobians of the readout.
    """
    if not route.feedback:
        return error
    edges = [(net.edges[name], _gain(readout, name)) for name in route.feedback]
    carried = [transpose(edge.format, edge.weight, error * gain) for edge, gain in edges]
    return reduce(jnp.add, carried)


def _gain(readout: Jacobians, edge: str) -> Array:
    """How y answers to what arrives by an edge."""
    return (readout.read * readout.injected[edge]).sum(0)
