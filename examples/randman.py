"""Random manifolds of spike times, learned by backpropagation and by rules that go forwards only.

Ten classes, each a smooth random surface along which a hundred units fire once in a hundred steps
(Zenke & Vogels 2021, Neural Comput. 33:899). A hundred recurrent neurons are trained by
backpropagation through time and by rules that go forwards only, from the same weights with the same
batches; the gradient of each is compared with that of backpropagation, at the start and in the
network that the rule has trained. Neurons receive by the port "delta": OTTT and RFLO need an answer
within the step.

python -m pip install matplotlib optax; python examples/randman.py [--quick]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optax
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import ms, mV
from spikax_learning import BPTT, DRTRL, OTTT, RFLO, EProp, Fit, PPProp, Random, fit
from spikax_learning.compare import compare_gradients
from spikax_learning.losses import cross_entropy
from spikax_learning.metrics import accuracy
from spikax_learning.projections import scale_by_spread
from spikax_learning.tasks import randman

CLASSES, UNITS, NEURONS = 10, 100, 100
TRAIN, TEST, COMPARED, BATCH, EPOCHS, RATE = 2000, 1000, 50, 50, 12, 0.05
SEEDS = (1, 2, 3)  # of manifolds and weights; settings were chosen with 0
LOSS = cross_entropy("out")
# With one population before the readout, D-RTRL is e-prop with symmetric feedback.
RULES = {
    "BPTT": BPTT(),
    "D-RTRL": DRTRL(),
    "pp-prop": PPProp(),
    "e-prop, random feedback": EProp(Random()),
    "OTTT": OTTT(),
    "RFLO": RFLO(),
}
PATHS = ("in->E", "E->E", "E->out")
COLOURS = ("#0072B2", "#D55E00", "#009E73")  # Okabe and Ito's


def network() -> sx.Network:
    """Units to recurrent neurons to a readout."""
    everyone = sx.all_to_all()
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), UNITS),
            "E": sx.Population(sx.LIF(), NEURONS),
            "out": sx.Population(sx.LeakyReadout(20 * ms), CLASSES),
        },
        [
            sx.Projection("in", "E", "delta", everyone, sx.Normal(0 * mV, 4 * mV)),
            sx.Projection("E", "E", "delta", everyone, sx.Normal(0 * mV, 1 * mV), 1 * ms),
            sx.Projection("E", "out", "input", everyone, sx.Normal(0.0, 0.1)),
        ],
    )


def task(seed: int, train: int, test: int) -> tuple[Any, Any]:
    """Examples to learn from and examples to be judged by, of the same manifolds."""
    drawn = randman(train + test, seed, classes=CLASSES, units=UNITS)
    parts = drawn[:train], drawn[train:]
    return tuple(({"in.spike": part.inputs}, part.targets) for part in parts)


def learn(net: sx.BuiltNetwork, rule: Any, train: Any, test: Any, epochs: int) -> Fit:
    """The trained network, and after each epoch the share of test examples told right."""
    schedule = optax.cosine_decay_schedule(RATE, epochs * -(-len(train[1]) // BATCH))
    optimizer = optax.chain(optax.adam(schedule), scale_by_spread())
    judge: dict[str, Any] = {"validation": test, "metrics": {"accuracy": accuracy}}
    return fit(net, train, rule, optimizer, LOSS, epochs=epochs, batch_size=BATCH, **judge)


def cosines(net: sx.BuiltNetwork, name: str, test: Any) -> list[float]:
    """Of the gradients of a rule to those of backpropagation, by each of `PATHS`."""
    spikes, labels = test[0]["in.spike"][:COMPARED], test[1][:COMPARED]
    batch = {"in.spike": spikes}, np.repeat(labels[:, None], spikes.shape[1], axis=1)
    found = compare_gradients(net, {name: RULES[name]}, batch, LOSS)
    return [found.cosine(name, f"edges.{path}.weight") for path in PATHS]


def measure(seed: int, train: int, test: int, epochs: int) -> np.ndarray:
    """By rule: accuracy, cosines at the start, cosines in the network that it trained."""
    shown, judged = task(seed, train, test)
    net, rows = network().build(dt=1 * ms, seed=seed), []
    for name, rule in RULES.items():
        found = learn(net, rule, shown, judged, epochs)
        share = float(found.history["accuracy"][-1])
        rows.append([share, *cosines(net, name, judged), *cosines(found.net, name, judged)])
        print(f"seed {seed}: {name:24} {share:6.1%}", flush=True)
    return np.array(rows)


def table(found: np.ndarray) -> str:
    """A row for each rule; of cosines the mean at the start and after training."""
    lines = ["| rule | accuracy | " + " | ".join(f"cosine {p}" for p in PATHS) + " |"]
    lines.append("|---" * (2 + len(PATHS)) + "|")
    for name, row, spread in zip(RULES, found.mean(0), found[..., 0].std(0), strict=True):
        pairs = row[1:].reshape(2, -1).T
        cells = " | ".join(f"{start:.3f}, {end:.3f}" for start, end in pairs)
        lines.append(f"| {name} | {100 * row[0]:.1f} +- {100 * spread:.1f} % | {cells} |")
    return "\n".join(lines)


def picture(found: np.ndarray, path: Path) -> None:
    """How much each rule learns, and how its gradient lies to that of backpropagation."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    reached, angles = figure.subplots(1, 2, sharey=True)
    rows, shares = np.arange(len(RULES)), 100 * found[..., 0]
    reached.barh(rows, shares.mean(0), color="#BBBBBB")
    reached.plot(shares.T, rows, "k.")
    reached.set(xlabel="test examples told right (%)", xlim=(0, 100), ylim=(len(RULES) - 0.5, -0.5))
    reached.set_yticks(rows, list(RULES))
    for i, (name, colour) in enumerate(zip(PATHS, COLOURS, strict=True)):
        start, end = found.mean(0)[:, 1:].reshape(len(rows), 2, -1)[..., i].T
        at = rows + 0.2 * (i - 1)
        angles.plot(start, at, "o", color=colour, markerfacecolor="white")
        angles.plot(end, at, "o", color=colour, label=name)
    angles.set(xlabel="cosine to backpropagation; open: at the start")
    angles.legend(loc="upper left")
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> np.ndarray:
    """Learn by every rule, compare gradients, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one network, few examples")
    parser.add_argument("--picture", type=Path, default=Path("randman.png"))
    chosen = parser.parse_args(arguments)
    sizes = (1000, 200, 3) if chosen.quick else (TRAIN, TEST, EPOCHS)
    found = np.stack([measure(seed, *sizes) for seed in SEEDS[: 1 if chosen.quick else None]])
    print(table(found))
    picture(found, chosen.picture)
    return found


if __name__ == "__main__":
    main()
