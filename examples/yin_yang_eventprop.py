"""The yin-yang problem, learned by the exact gradient of a network of spiking neurons.

Points of a yin-yang sign are of one of three classes: yin, yang, dot (Kriener, Goeltz & Petrovici
2022). A point is four spikes, at times by x, y, 1 - x and 1 - y, after one that marks the
beginning. `EventProp` finds the spike times of the hidden neurons without a time step, and the
gradient of the loss by the adjoint equations (Wunderlich & Pehle 2021, who report 98 %).

python -m pip install matplotlib optax; python examples/yin_yang_eventprop.py
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import ms, mV, pA, pF
from spikax_learning import EventProp

FIRST, LAST, END = 2.0, 32.0, 50.0  # ms: the span of the inputs, and a run
TRAIN, TEST, BATCH = 5000, 1000, 50
GOAL = 0.95  # of the test points
COLOURS = ("#0072B2", "#D55E00", "#888888")
RULE = EventProp(duration=END * ms, max_spikes=300)


class Points(NamedTuple):
    """Points of the unit square, and the class of each."""

    xy: np.ndarray  # (points, 2)
    labels: np.ndarray  # 0 yin, 1 yang, 2 dot

    @property
    def times(self) -> np.ndarray:
        """(points, 1, 5), when the inputs fire (ms)."""
        x, y = self.xy.T
        values = np.stack([x, y, 1 - x, 1 - y, np.zeros_like(x)], axis=-1)
        return (FIRST + (LAST - FIRST) * values)[:, None].astype(np.float32)


def class_of(x: Any, y: Any, big: float = 0.5, small: float = 0.1) -> Any:
    """The class of points of the sign, whose radius is `big`; its dots have radius `small`."""
    right, left = np.hypot(x - 1.5 * big, y - big), np.hypot(x - 0.5 * big, y - big)
    yin = ((left > small) & (left <= big / 2)) | ((y > big) & (right > big / 2))
    return np.where((right < small) | (left < small), 2, np.where(yin, 0, 1))


def yin_yang(count: int, seed: int) -> Points:
    """Points of the sign, as many of each class."""
    rng, found, labels = np.random.default_rng(seed), [], np.arange(count) % 3
    for label in labels:
        point = rng.uniform(0, 1, 2)
        while np.hypot(*(point - 0.5)) > 0.5 or class_of(*point) != label:
            point = rng.uniform(0, 1, 2)
        found.append(point)
    return Points(np.array(found), labels)


def network(hidden: int) -> sx.Network:
    """Five inputs to hidden neurons to a readout of three; nothing is delayed."""
    lif = sx.LIF(C_m=100 * pF, E_L=0 * mV, V_th=1 * mV, V_reset=0 * mV, t_ref=0 * ms)
    cell = sx.Cell(lif, syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), 5),
            "hidden": sx.Population(cell, hidden),
            "out": sx.Population(sx.LeakyReadout(20 * ms), 3),
        },
        [
            sx.Projection("in", "hidden", "syn", sx.all_to_all(), sx.Normal(10 * pA, 10 * pA)),
            sx.Projection("hidden", "out", "input", sx.all_to_all(), sx.Normal(0.0, 3.0)),
        ],
    )


def cross_entropy(y: Any, label: Any) -> Any:
    """Loss of a run, whose targets are one row: y is the mean of the readout over all of it."""
    return -jax.nn.log_softmax(y)[label]


def largest(y: Any, label: Any) -> Any:
    """Not a loss: which output is the largest."""
    del label
    return jnp.argmax(y).astype(y.dtype)


def of_points(loss: Any, model: sx.BuiltNetwork, times: Any, labels: Any) -> tuple[Any, Any]:
    """The loss of each point, and its gradient."""
    start = model.init_state()

    def of(times: Any, label: Any) -> tuple[Any, Any]:
        return RULE.gradient(model, start, {"in.spike": times * ms}, label[None], loss)

    return jax.vmap(of)(times, labels)


@jax.jit
def answers(model: sx.BuiltNetwork, times: Any) -> Any:
    """The class that the network gives each point."""
    return of_points(largest, model, times, jnp.zeros(len(times)))[0].astype(int)


def bounded(slopes: Any, spread: Any) -> Any:
    """Gradients of points, none longer than nine in ten are.

    Where a potential hardly reaches the threshold, the spike time has a derivative without bound.
    """
    scaled = jax.tree.map(jnp.multiply, slopes, spread)
    length = jnp.sqrt(sum((x**2).sum(axis=(1, 2)) for x in jax.tree.leaves(scaled)))
    share = jnp.minimum(1, jnp.quantile(length, 0.9) / jnp.maximum(length, 1e-9))
    return jax.tree.map(lambda x: x * share[:, None, None], slopes)


def learn(
    model: sx.BuiltNetwork, train: Points, test: Points, epochs: int
) -> tuple[sx.BuiltNetwork, np.ndarray]:
    """The trained network, and after each epoch: loss, and share of test points read right."""
    weights, rest = sx.select(model, sx.weights())
    # Weights are in pA or plain numbers: each matrix moves in units of its own initial spread, so
    # that one learning rate serves them all.
    spread = jax.tree.map(jnp.std, weights)
    batches = len(train.labels) // BATCH
    optimizer = optax.adam(optax.cosine_decay_schedule(0.007, epochs * batches))

    @jax.jit
    def step(weights: Any, memory: Any, times: Any, labels: Any) -> tuple[Any, Any, Any]:
        loss, slopes = of_points(cross_entropy, sx.merge(weights, rest), times, labels)
        slope = jax.tree.map(lambda x: x.mean(axis=0), bounded(slopes, spread))
        move, memory = optimizer.update(slope, memory)
        moved = optax.apply_updates(weights, jax.tree.map(jnp.multiply, move, spread))
        return moved, memory, loss.mean()

    memory, rng, curve = optimizer.init(weights), np.random.default_rng(0), []
    for epoch in range(epochs):
        order, losses = rng.permutation(len(train.labels)), []
        for chosen in order[: batches * BATCH].reshape(batches, BATCH):
            points = train.times[chosen], train.labels[chosen]
            weights, memory, loss = step(weights, memory, *points)
            losses.append(float(loss))
        right = answers(sx.merge(weights, rest), test.times) == test.labels
        curve.append([np.mean(losses), np.mean(right)])
        print(f"epoch {epoch + 1}: loss {curve[-1][0]:.3f}, {curve[-1][1]:.1%} right", flush=True)
    return sx.merge(weights, rest), np.array(curve)


def run(
    hidden: int = 120, epochs: int = 12, train: int = TRAIN, test: int = TEST
) -> tuple[dict[str, Any], tuple[sx.BuiltNetwork, np.ndarray]]:
    """Train, and test on other points.

    Returns:
        The figures for the report, and what the picture shows.
    """
    began, cpu = time.perf_counter(), time.process_time()
    points = yin_yang(train, 1), yin_yang(test, 2)
    model, curve = learn(network(hidden).build(dt=1 * ms, seed=0), *points, epochs)
    figures = {
        "train_points": train,
        "test_points": test,
        "hidden_neurons": hidden,
        "epochs": epochs,
        "loss": round(float(curve[-1, 0]), 4),
        "test_accuracy": round(float(curve[-1, 1]), 4),
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(time.process_time() - cpu, 1),
    }
    return figures, (model, curve)


def check(figures: dict[str, Any]) -> None:
    """Stop with a message if it has not learned."""
    if figures["test_accuracy"] < GOAL:
        raise SystemExit(
            f"yin-yang: {figures['test_accuracy']:.1%} of the test points are read right; "
            f"expected {GOAL:.0%} or more."
        )


def picture(learned: tuple[sx.BuiltNetwork, np.ndarray], path: Path) -> None:
    """The learning curve, and the test points in the colours of the answers."""
    model, curve = learned
    points = yin_yang(TEST, 2)
    given = np.asarray(answers(model, points.times))
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    losses, shares, sign = figure.subplots(1, 3)
    epochs = np.arange(1, len(curve) + 1)
    losses.plot(epochs, curve[:, 0], "o-", color="black", markersize=3)
    losses.set(xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
    shares.plot(epochs, 100 * curve[:, 1], "o-", color="black", markersize=3)
    shares.set(xlabel="epoch", ylabel="test points read right (%)", ylim=(None, 100))
    for label, (colour, name) in enumerate(zip(COLOURS, ("yin", "yang", "dot"), strict=True)):
        sign.scatter(*points.xy[given == label].T, s=5, color=colour, label=name)
    missed = points.xy[given != points.labels].T
    sign.scatter(*missed, s=40, facecolors="none", edgecolors="black", label="wrong")
    sign.set(xlabel="x", ylabel="y", aspect="equal")
    sign.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    found, learned = run()
    print(found)
    picture(learned, Path("yin_yang_eventprop.png"))
    check(found)
