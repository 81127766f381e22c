"""examples/yin_yang_eventprop.py, scaled down: the sign is right, and a little is learned."""

import sys
from pathlib import Path

import jax
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def yin_yang():
    for module in ("matplotlib", "optax"):
        pytest.importorskip(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        import yin_yang_eventprop

        yield yin_yang_eventprop
    sys.modules.pop("yin_yang_eventprop")


def test_a_turn_by_half_changes_yin_for_yang(yin_yang):
    """The sign is its own opposite under a turn about the middle; areas are those of circles."""
    x, y = np.random.default_rng(0).uniform(0, 1, (2, 200_000))
    inside = np.hypot(x - 0.5, y - 0.5) < 0.5
    x, y = x[inside], y[inside]
    here, there = yin_yang.class_of(x, y), yin_yang.class_of(1 - x, 1 - y)
    np.testing.assert_array_equal(there, np.array([1, 0, 2])[here])
    # Two dots of radius 0.1 in a circle of radius 0.5: 8 %; the rest is halved. Four sigma.
    shares = np.bincount(here) / len(here)
    np.testing.assert_allclose(shares, [0.46, 0.46, 0.08], atol=4 * np.sqrt(0.25 / len(here)))


def test_the_example_learns_and_draws(yin_yang, tmp_path):
    with jax.numpy_dtype_promotion("standard"):  # optax takes a float to an integer power
        figures, learned = yin_yang.run(hidden=40, epochs=2, train=1500, test=150)
    assert figures["test_accuracy"] > 0.5  # a third by chance; four sigma are 0.16
    curve = learned[1]
    assert curve[1, 0] < curve[0, 0] / 2
    yin_yang.picture(learned, tmp_path / "sign.png")
    assert (tmp_path / "sign.png").stat().st_size > 10_000
    with pytest.raises(SystemExit, match=r"expected 95%"):
        yin_yang.check({"test_accuracy": 0.94})
