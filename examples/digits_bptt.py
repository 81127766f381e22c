"""Handwritten digits, learned by backpropagation through time in a network of spiking neurons.

The 1797 images of 8 x 8 pixels that ship with scikit-learn; the brighter a pixel, the earlier its
one spike. `jax.grad` goes through `simulate` of an ordinary network, recurrent, with delays.

python -m pip install matplotlib optax scikit-learn; python examples/digits_bptt.py
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import spikax as sx
from spikax.testing import count_compilations
from spikax.units import ms, pA

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None

STEPS, LAST_SPIKE = 20, 14  # of 1 ms
TEST_IMAGES, BATCH = 360, 64
GOAL = 0.93  # of the test images
BLUE, ORANGE = "#0072B2", "#D55E00"  # told apart by colour-blind readers too


class Images(NamedTuple):
    """Images as spikes, and what they show."""

    spikes: np.ndarray  # (images, steps, pixels), 0 or 1
    labels: np.ndarray

    def drawn(self, order: np.ndarray, rng: np.random.Generator) -> Images:
        """Some of the images, each without a fifth of its spikes, lest a few of them decide."""
        spikes = self.spikes[order]
        return Images(spikes * (rng.random(spikes.shape) < 0.8), self.labels[order])


def latency_coded(pixels: np.ndarray) -> np.ndarray:
    """One spike per pixel that is not black: the brightest at once, the darkest last."""
    when = np.round((1 - pixels / 16) * LAST_SPIKE).astype(int)
    image, pixel = np.nonzero(pixels)
    spikes = np.zeros((len(pixels), STEPS, pixels.shape[1]), np.float32)
    spikes[image, when[image, pixel], pixel] = 1
    return spikes


def digits() -> tuple[Images, Images]:
    """What is learned from, and what is held out: as many of each digit in proportion."""
    pixels, labels = load_digits(return_X_y=True)
    parts = train_test_split(
        latency_coded(pixels), labels, test_size=TEST_IMAGES, stratify=labels, random_state=0
    )
    return Images(parts[0], parts[2]), Images(parts[1], parts[3])


def network(hidden: int) -> sx.Network:
    """Pixels to recurrent hidden neurons to a readout; a weight of its own for every synapse."""
    cell = sx.Cell(sx.LIF(tau_m=10 * ms), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    strong, weak = sx.Normal(0 * pA, 80 * pA), sx.Normal(0 * pA, 40 * pA)
    everyone = sx.all_to_all()
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), 64),
            "hidden": sx.Population(cell, hidden),
            "out": sx.Population(sx.LeakyReadout(20 * ms), 10),
        },
        [
            sx.Projection("in", "hidden", "syn", everyone, weight=strong),
            sx.Projection("hidden", "hidden", "syn", everyone, weight=weak, delay=1 * ms),
            sx.Projection("hidden", "out", "input", everyone, weight=sx.Normal(0.0, 1.0)),
        ],
    )


def learn(
    model: sx.BuiltNetwork, train: Images, test: Images, epochs: int
) -> tuple[sx.BuiltNetwork, np.ndarray]:
    """The trained network, and after each epoch: loss and accuracy in training and in test."""
    start = model.init_state()
    weights, rest = sx.select(model, sx.weights())
    # Weights are in pA or plain numbers: each matrix moves in units of its own initial spread, so
    # that one learning rate serves them all.
    spread = jax.tree.map(jnp.std, weights)
    batches = len(train.labels) // BATCH
    optimizer = optax.adam(optax.cosine_decay_schedule(0.05, epochs * batches))

    def logits(weights: Any, spikes: Any) -> Any:
        now = sx.merge(weights, rest)
        inputs = {"in.spike": spikes}
        _, recording = sx.simulate(now, start, STEPS * ms, inputs=inputs, record={"out": "y"})
        return recording["out.y"].values.mean(axis=0)

    @jax.jit
    def score(weights: Any, images: Images) -> tuple[Any, Any]:
        of_digit = jax.vmap(logits, in_axes=(None, 0))(weights, images.spikes)
        loss = optax.softmax_cross_entropy_with_integer_labels(of_digit, images.labels)
        return loss.mean(), (of_digit.argmax(axis=-1) == images.labels).mean()

    @jax.jit
    def step(weights: Any, memory: Any, images: Images) -> tuple[Any, Any]:
        slope, _ = jax.grad(score, has_aux=True)(weights, images)
        move, memory = optimizer.update(slope, memory)
        return optax.apply_updates(weights, jax.tree.map(jnp.multiply, move, spread)), memory

    memory, rng, curve = optimizer.init(weights), np.random.default_rng(0), []
    for epoch in with_progress(epochs):
        order = rng.permutation(len(train.labels))
        for chosen in order[: batches * BATCH].reshape(batches, BATCH):
            weights, memory = step(weights, memory, train.drawn(chosen, rng))
        curve.append([*score(weights, train), *score(weights, test)])
        if epoch % 5 == 4:
            say(epoch + 1, *curve[-1])
    return sx.merge(weights, rest), np.asarray(curve)


def with_progress(epochs: int) -> Iterable[int]:
    """The epochs, with a bar where tqdm is installed and somebody is watching."""
    if tqdm is None:
        return range(epochs)
    return tqdm(range(epochs), unit=" epochs", leave=False, disable=None)


def say(epoch: int, loss: float, accuracy: float, test_loss: float, test_accuracy: float) -> None:
    show = print if tqdm is None else tqdm.write
    show(
        f"epoch {epoch}: loss {loss:.3f}, {accuracy:.1%} read right; "
        f"held out: loss {test_loss:.3f}, {test_accuracy:.1%} read right"
    )


class Trained(NamedTuple):
    """What the picture shows: the learning curve, and the answer to one image."""

    curve: np.ndarray
    answer: sx.Recording
    label: int


def run(hidden: int = 200, epochs: int = 30) -> tuple[dict[str, Any], Trained]:
    """Train on most images, test on the held-out ones.

    Returns:
        The figures for the report, and what the picture shows.
    """
    began = time.perf_counter()
    train, test = digits()
    with count_compilations() as compiled:
        model = network(hidden).build(dt=1 * ms, seed=0)
        print(model.summary(), flush=True)
        trained, curve = learn(model, train, test, epochs)
        answer = respond(trained, test.spikes[0])
    loss, accuracy, test_loss, test_accuracy = (round(float(x), 4) for x in curve[-1])
    figures = {
        "train_images": len(train.labels),
        "test_images": len(test.labels),
        "epochs": epochs,
        "steps_per_image": STEPS,
        "loss": loss,
        "train_accuracy": accuracy,
        "test_loss": test_loss,
        "test_accuracy": test_accuracy,
        "seconds": {
            "all": round(time.perf_counter() - began, 2),
            "compiling": round(compiled.seconds, 2),
        },
        "compilations": compiled.count,
    }
    return figures, Trained(curve, answer, int(test.labels[0]))


def respond(model: sx.BuiltNetwork, spikes: np.ndarray) -> sx.Recording:
    """The trained network is a network like any other: run it on one image."""
    record = {"in": "spike", "hidden": "spike", "out": "y"}
    start, inputs = model.init_state(), {"in.spike": spikes}
    _, recording = sx.simulate(model, start, STEPS * ms, inputs=inputs, record=record)
    return recording


def check(figures: dict[str, Any]) -> None:
    """Stop with a message if it has not learned."""
    if figures["test_accuracy"] < GOAL:
        raise SystemExit(
            f"digits: {figures['test_accuracy']:.1%} of the held-out images are read right; "
            f"expected {GOAL:.0%} or more."
        )


def picture(trained: Trained, path: Path) -> None:
    """The learning curve, and one held-out image on its way through the network."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    losses, shares, raster = figure.subplots(1, 3)
    epochs = np.arange(1, len(trained.curve) + 1)
    for axes, columns in ((losses, trained.curve[:, ::2]), (shares, 100 * trained.curve[:, 1::2])):
        axes.plot(epochs, columns[:, 0], "o--", color=BLUE, markersize=3, label="training")
        axes.plot(epochs, columns[:, 1], "s-", color=ORANGE, markersize=3, label="held out")
        axes.set_xlabel("epoch")
        axes.legend()
    losses.set(ylabel="cross-entropy (nats)", yscale="log")
    shares.set(ylabel="images read right (%)", ylim=(None, 100.5))
    trained.answer.plot_raster("in", "hidden", ax=raster)
    for dots in raster.lines:
        dots.set_markersize(4)
    raster.set_ylim(top=1.2 * raster.get_ylim()[1])
    raster.legend(loc="upper left", ncols=2)
    read = int(np.asarray(trained.answer["out.y"].values).mean(axis=0).argmax())
    raster.set_title(f"the spikes of a held-out {trained.label}, read as {read}", fontsize=10)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    found, learned = run()
    print(found)
    picture(learned, Path("digits_bptt.png"))
    check(found)
