"""Who is speaking? Japanese vowels as spikes, learned forwards in time and by backpropagation.

Nine speakers say "ae": 12 cepstrum coefficients in 7 to 29 frames (Kudo, Toyama & Shimbo 1999), 270
utterances to learn from and 370 to test. Each coefficient is shown to a population of neurons that
prefer different values; their spikes go to recurrent neurons, and a leaky readout names the
speaker. Noise, epochs and when to ask were chosen by folds of the training part.

python -m pip install matplotlib optax; python examples/japanese_vowels.py [--quick]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optax
from digits_online import by_rule, picture

import spikax as sx
from spikax.units import Hz, ms, pA
from spikax_learning import BPTT, EProp, Fit, PPProp, cross_entropy, fit
from spikax_learning.metrics import accuracy
from spikax_learning.projections import scale_by_spread
from spikax_learning.tasks import Examples, Shuffled, japanese_vowels

FRAME = 2  # steps of 1 ms
TUNED, HIDDEN, SPEAKERS = 8, 100, 9  # neurons for each coefficient; neurons; readouts
OF_FRAME, OF_UTTERANCE = 0.5, 0.3  # noise on what is learned from, in standard deviations
BATCH, EPOCHS, SEEDS = 30, 100, 3
RULES = {"BPTT": BPTT(), "e-prop": EProp(), "pp-prop": PPProp()}
Shown = tuple[dict[str, np.ndarray], tuple[np.ndarray, np.ndarray]]


def network(coefficients: int = 12) -> sx.Network:
    """Populations of tuned neurons to recurrent neurons to a readout."""
    centre = np.tile(np.linspace(-2, 2, TUNED), coefficients)
    tuned = sx.PopulationEncoder(centre=centre, width=4 / (TUNED - 1), max_rate=500 * Hz)
    cell = sx.Cell(sx.LIF(tau_m=10 * ms), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    strong, weak = sx.Normal(0 * pA, 60 * pA), sx.Normal(0 * pA, 40 * pA)
    everyone = sx.all_to_all()
    return sx.Network(
        {
            "in": sx.Population(tuned, len(centre)),
            "hidden": sx.Population(cell, HIDDEN),
            "out": sx.Population(sx.LeakyReadout(20 * ms), SPEAKERS),
        },
        [
            sx.Projection("in", "hidden", "syn", everyone, weight=strong),
            sx.Projection("hidden", "hidden", "syn", everyone, weight=weak, delay=1 * ms),
            sx.Projection("hidden", "out", "input", everyone, weight=sx.Normal(0.0, 1.0)),
        ],
    )


def normal(speech: Examples, like: Examples) -> np.ndarray:
    """Coefficients with the mean and spread of `like` taken out."""
    frames = like.inputs[like.scored]
    return (speech.inputs - frames.mean(0)) / frames.std(0)


def shown(values: np.ndarray, speech: Examples) -> Shown:
    """What each neuron sees in each step, and the speaker, asked for in the second half."""
    frames = speech.scored.sum(1, keepdims=True)
    asked = speech.scored & (np.arange(speech.scored.shape[1]) >= frames // 2)
    weight = np.repeat(asked / asked.sum(1, keepdims=True) / FRAME, FRAME, axis=1)
    seen = np.repeat(np.repeat(values, FRAME, axis=1), TUNED, axis=2)
    speaker = np.repeat(speech.targets[:, None], weight.shape[1], axis=1)
    return {"in.x": seen.astype(np.float32)}, (speaker, weight.astype(np.float32))


def blurred(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With noise of each frame, and of each utterance as a whole."""
    of_frames = OF_FRAME * rng.standard_normal(values.shape)
    return values + of_frames + OF_UTTERANCE * rng.standard_normal(values[:, :1].shape)


def learn(epochs: int, seeds: int) -> dict[str, np.ndarray]:
    """By rule: the share of test utterances whose speaker is found, (seeds, epochs)."""
    train, test = japanese_vowels()
    loss, steps = cross_entropy("out"), epochs * -(-len(train) // BATCH)
    optimizer = optax.chain(optax.adam(optax.cosine_decay_schedule(0.03, steps)), scale_by_spread())
    validation = shown(normal(test, train), test)
    judged = {"validation": validation, "metrics": {"accuracy": accuracy}}

    def noisy(speech: Examples, rng: np.random.Generator) -> Shown:
        return shown(blurred(normal(speech, train), rng), speech)

    def learned(rule: Any, seed: int) -> Fit:
        net, data = network().build(dt=1 * ms, seed=seed), Shuffled(train, BATCH, noisy, seed)
        return fit(net, data, rule, optimizer, loss, epochs=epochs, **judged)

    return by_rule(RULES, seeds, learned)[0]


def main(arguments: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Learn by every rule, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one network, few epochs")
    parser.add_argument("--picture", type=Path, default=Path("japanese_vowels.png"))
    chosen = parser.parse_args(arguments)
    curves = learn(*((10, 1) if chosen.quick else (EPOCHS, SEEDS)))
    picture(curves, chosen.picture, "speakers recognised")
    return curves


if __name__ == "__main__":
    main()
