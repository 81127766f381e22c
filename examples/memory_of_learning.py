"""What learning has to remember: nothing that grows with the run, or all of it.

The same recurrent network, trained by D-RTRL step by step and by backpropagation through time. The
bytes are those that XLA reserves for the compiled programs, so no long run is needed to know them.
Then a stream of a million steps is learned on, the weights changed every hundred.

python -m pip install optax matplotlib; python examples/memory_of_learning.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import ms, mV, pA
from spikax_learning import DRTRL

CHANNELS, NEURONS, EVERY, PERIOD = 20, 50, 100, 1000  # EVERY and PERIOD in steps
LENGTHS = (100, 1000, 10_000, 100_000)


def network() -> sx.Network:
    """Noise to recurrent neurons to one output."""
    everyone = sx.all_to_all()
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), CHANNELS),
            "E": sx.Population(sx.LIF(I_e=80 * pA), NEURONS),
            "out": sx.Population(sx.LeakyReadout(20 * ms), 1),
        },
        [
            sx.Projection("in", "E", "delta", everyone, sx.Normal(0 * mV, 3 * mV)),
            sx.Projection("E", "E", "delta", everyone, sx.Normal(0 * mV, 0.5 * mV), 1 * ms),
            sx.Projection("E", "out", "input", everyone, sx.Normal(0.0, 0.1)),
        ],
    )


def loss(y: Any, target: Any) -> Any:
    """Half the squared difference."""
    return ((y - target) ** 2).sum() / 2


def given(key: Any, start: Any, steps: int) -> tuple[Any, Any]:
    """Spikes whose rates turn round once a period, and a sine of that period to be made of them."""
    angle = 2 * jnp.pi / PERIOD * ((start + jnp.arange(steps)) % PERIOD).astype(float)
    phase = jnp.linspace(0, 2 * jnp.pi, CHANNELS, endpoint=False)
    p = 0.1 * (1 + jnp.cos(angle[:, None] - phase[None]))
    return jax.random.bernoulli(key, p).astype(float), jnp.sin(angle)[:, None]


class Bytes(NamedTuple):
    """What a compiled program holds besides its arguments and its answer."""

    online: int
    backwards: int


def measured(net: sx.BuiltNetwork, steps: int) -> Bytes:
    """Of learning from a run of so many steps, by either way."""
    state, (weights, fixed) = net.init_state(), sx.select(net, sx.weights())
    rule = DRTRL()
    spikes = jax.ShapeDtypeStruct((steps, CHANNELS), float)
    targets = jax.ShapeDtypeStruct((steps, 1), float)

    def forwards(carry: Any, spikes: Any, targets: Any) -> Any:
        def step(carry: Any, row: Any) -> tuple[Any, Any]:
            carry, metrics = rule.step(carry, {"in.spike": row[0]}, row[1])
            return carry, metrics["loss"]

        carry, losses = jax.lax.scan(step, carry, (spikes, targets))
        return carry.gradients, losses

    def total(weights: Any, spikes: Any, targets: Any) -> Any:
        now, inputs = sx.merge(weights, fixed), {"in.spike": spikes}
        _, seen = sx.simulate(now, state, steps * ms, inputs=inputs, record={"out": "y"})
        return jax.vmap(loss)(seen["out.y"].values, targets).sum()

    return Bytes(
        _temporary(forwards, rule.init(net, state, loss, sx.weights()), spikes, targets),
        _temporary(jax.grad(total), weights, spikes, targets),
    )


def _temporary(function: Any, *arguments: Any) -> int:
    compiled = jax.jit(function).lower(*arguments).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def learn(net: sx.BuiltNetwork, steps: int) -> tuple[np.ndarray, float]:
    """The loss of a step, mean by update of the weights, and seconds per step."""
    rule, optimizer = DRTRL(chunk=EVERY), optax.adam(2e-3)

    def update(learner: tuple[Any, Any], index: Any) -> tuple[tuple[Any, Any], Any]:
        carry, memory = learner
        spikes, targets = given(jax.random.fold_in(jax.random.key(1), index), index * EVERY, EVERY)
        carry, metrics = rule.steps(carry, {"in.spike": spikes}, targets)
        with jax.numpy_dtype_promotion("standard"):  # what optax needs
            changes, memory = optimizer.update(carry.gradients, memory)
            weights = optax.apply_updates(carry.weights, changes)
        carry = carry.learned(weights)
        return (carry, memory), metrics["loss"].mean()

    @partial(jax.jit, donate_argnums=0)
    def many(learner: Any, indices: Any) -> tuple[Any, Any]:
        return jax.lax.scan(update, learner, indices)

    carry = rule.init(net, net.init_state(), loss, sx.weights())
    learner, losses = (carry, optimizer.init(carry.weights)), list[np.ndarray]()
    pieces = np.arange(steps // EVERY, dtype=np.int32).reshape(10, -1)
    many = many.lower(learner, pieces[0]).compile()
    began = time.perf_counter()
    for number, piece in enumerate(pieces, 1):
        learner, found = many(learner, piece)
        losses.append(np.asarray(found))
        print(f"{number * steps // 10:9,} steps: loss {losses[-1].mean():.4f}", flush=True)
    return np.concatenate(losses), (time.perf_counter() - began) / steps


def picture(held: dict[int, Bytes], losses: np.ndarray, path: Path) -> None:
    """Bytes by the length of the run, and the loss in the stream."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    sizes, stream = figure.subplots(1, 2)
    for name, label in (("backwards", "backpropagation"), ("online", "D-RTRL, step by step")):
        values = [getattr(one, name) / 1e6 for one in held.values()]
        sizes.loglog(list(held), values, "o-", label=label)
    sizes.set(xlabel="steps of the run", ylabel="temporary memory (MB)")
    sizes.legend()
    width = max(1, len(losses) // 200)
    means = losses[: len(losses) // width * width].reshape(-1, width).mean(1)
    stream.semilogy((np.arange(len(means)) + 0.5) * width * EVERY, means)
    stream.set(xlabel="step of one stream", ylabel="loss of a step")
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, learn, print and draw; the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=1_000_000, help="of the stream")
    parser.add_argument("--quick", action="store_true", help="20,000 steps of it")
    parser.add_argument("--picture", type=Path, default=Path("memory_of_learning.png"))
    chosen = parser.parse_args(arguments)
    net = network().build(dt=1 * ms, seed=1)
    held = {steps: measured(net, steps) for steps in LENGTHS}
    for steps, one in held.items():
        print(f"{steps:9,} steps: online {one.online:,} bytes, backwards {one.backwards:,} bytes")
    losses, seconds = learn(net, 20_000 if chosen.quick else chosen.steps)
    print(f"{seconds * 1e6:.1f} microseconds for each step of the stream")
    picture(held, losses, chosen.picture)
    return {"held": held, "losses": losses, "seconds": seconds}


if __name__ == "__main__":
    main()
