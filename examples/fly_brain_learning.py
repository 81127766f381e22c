"""A network of the size of an adult fly's brain learns: 15.1 million trained weights, online.

The network of `fly_brain.py`, each neuron with a current of its own so that the brain is active.
Eight groups of neurons are to fire at rates that differ from those they have. Every recurrent
weight is trained by D-RTRL while the network runs: a trace for each synapse, the weights changed
every 10 ms, nothing of the past stored.

python -m pip install optax matplotlib; python examples/fly_brain_learning.py [--quick]
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from fly_brain import CONNECTIONS, NEURONS, SEED, STEP
from fly_brain import network as brain
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import ms, pA
from spikax_learning import DRTRL

GROUPS, EVERY, WINDOW = 8, 100, 20  # EVERY and WINDOW in steps
TAU = 50.0  # ms, over which a group's rate is taken
RATE = 0.04  # times the neurons, for each is a smaller part of its group in a larger brain


def network(neurons: int, connected: int, seed: int = SEED) -> sx.Network:
    """The brain, its neurons driven by currents of their own, and the rates of its groups."""
    net = brain(neurons, connected, driven=10, seed=seed)
    cell = net.populations["brain"].model.replace(
        neuron=net.populations["brain"].model.neuron.replace(I_e=sx.Uniform(40 * pA, 76 * pA))
    )
    group = np.arange(neurons) * GROUPS // neurons
    mean = 1.0 / np.bincount(group)[group]
    return sx.Network(
        {
            **net.populations,
            "brain": sx.Population(cell, neurons),
            "rates": sx.Population(sx.RateReadout(TAU * ms), GROUPS),
        },
        [
            *net.projections,
            sx.Projection(
                "brain", "rates", "input", sx.explicit(np.arange(neurons), group), weight=mean
            ),
        ],
    )


def loss(rates: Any, target: Any) -> Any:
    """Squared difference of rates, in Hz."""
    return jnp.mean((rates * 1000.0 - target) ** 2)


loss.reads = "rates.rate"  # type: ignore[attr-defined]


class Progress(NamedTuple):
    """One update of the weights.

    Attributes:
        loss: Mean over its steps.
        seconds: Wall time.
        rates: Rates of the groups, Hz.
    """

    loss: float
    seconds: float
    rates: np.ndarray


def learn(net: sx.BuiltNetwork, updates: int) -> Iterator[Progress]:
    """Run and learn; a `Progress` for each update."""
    rule, optimizer = DRTRL(chunk=WINDOW), optax.sgd(RATE * dict(net.sizes)["brain"])
    state, before = settle(net, net.init_state())
    wanted = before.mean() * 1000.0 * jnp.linspace(0.5, 1.5, GROUPS)
    targets = jnp.broadcast_to(wanted, (EVERY, GROUPS))

    @partial(jax.jit, donate_argnums=(0, 1))
    def update(carry: Any, memory: Any) -> tuple[Any, Any, Any, Any]:
        carry, metrics = rule.steps(carry, {}, targets)
        gradients = jax.tree.map(lambda g: g / EVERY, carry.gradients)
        changes, memory = optimizer.update(gradients, memory)
        rates = carry.net.read(carry.state, "rates.rate")
        carry = carry.learned(optax.apply_updates(carry.weights, changes))
        return carry, memory, metrics["loss"].mean(), rates

    carry = rule.init(net, state, loss, sx.weights("brain->brain"))
    memory = optimizer.init(carry.weights)
    for _ in range(updates):
        began = time.perf_counter()
        carry, memory, value, rates = update(carry, memory)
        yield Progress(float(value), time.perf_counter() - began, np.asarray(rates) * 1000.0)


@jax.jit
def settle(net: sx.BuiltNetwork, state: Any) -> tuple[Any, Any]:
    """The state after 200 ms, and the rates of the groups, per ms."""
    state, seen = sx.simulate(net, state, 200 * ms, record={"rates": "rate"})
    return state, seen["rates.rate"].values[-1]


def picture(found: Sequence[Progress], path: Path) -> None:
    """The loss, and the rates of the groups, by update."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    losses, rates = figure.subplots(1, 2)
    losses.plot([one.loss for one in found])
    losses.set(xlabel="update of 15 million weights (every 10 ms)", ylabel="loss", ylim=(0, None))
    rates.plot(np.array([one.rates for one in found]))
    rates.set(xlabel="update", ylabel="rate of a group (Hz)", ylim=(0, None))
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Learn, print and draw; the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--updates", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the network")
    parser.add_argument("--picture", type=Path, default=Path("fly_brain_learning.png"))
    given = parser.parse_args(arguments)
    share = 20 if given.quick else 1
    net = network(NEURONS // share, CONNECTIONS // share).build(dt=STEP, seed=SEED)
    found = list[Progress]()
    for one in learn(net, given.updates):
        found.append(one)
        print(f"update {len(found):3}: loss {one.loss:.3f} Hz^2, {one.seconds:.2f} s", flush=True)
    seconds = float(np.median([one.seconds for one in found[1:]]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{net.edges['brain->brain'].format.n_synapses:,} trained weights; a step of 0.1 ms takes "
        f"{seconds / EVERY * 1000:.0f} ms, of which nothing is kept; {peak:.1f} GiB at most"
    )
    picture(found, given.picture)
    return {"first": found[0].loss, "last": found[-1].loss, "seconds": seconds, "GiB": peak}


if __name__ == "__main__":
    main()
