"""examples/demo.py, scaled down: its parts run, are reported whole, and never fail silently."""

import json
import sys
from pathlib import Path

import jax
import pytest

from spikax.units import ms

EXAMPLES = Path(__file__).parents[2] / "examples"
PICTURES = {"balanced_network.png", "digits_bptt.png"}


@pytest.fixture(scope="module")
def demo():
    for module in ("matplotlib", "optax", "sklearn"):
        pytest.importorskip(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        import demo

        yield demo
    for name in ("demo", "balanced_network", "digits_bptt", "digits_online"):
        sys.modules.pop(name)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def report(demo, pictures):
    with jax.numpy_dtype_promotion("standard"):  # optax takes a float to an integer power
        small = {"neurons": 500, "hidden": 32, "epochs": 3, "epochs_online": 2}
        return demo.run(pictures, duration=100 * ms, **small)


def test_report_is_whole(demo, report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert set(report) == {
        *("date", "platform", "cpus", "backend", "versions"),
        *("balanced_network", "digits_bptt", "digits_online"),
        *("seconds", "peak_memory_MiB", "compilations"),
    }
    assert set(report["versions"]) == {"python", *demo.LIBRARIES}
    assert set(report["seconds"]) == {"balanced_network", "digits_bptt", "digits_online", "all"}
    network, digits = report["balanced_network"], report["digits_bptt"]
    assert set(network["rate_Hz"]) == set(network["cv_of_intervals"]) == {"E", "I"}
    assert network["simulated_ms"] == 100.0
    assert (digits["train_images"], digits["test_images"]) == (1437, 360)
    assert report["compilations"] >= network["compilations"]["first_run"] + digits["compilations"]


def test_another_duration_compiles_nothing(report):
    assert report["balanced_network"]["compilations"]["second_run_of_another_duration"] == 0


def test_small_network_is_active(demo, report):
    demo.balanced_network.check(report["balanced_network"])
    assert "spikes/s" in demo.summary(report)


def test_few_neurons_learn_within_three_epochs(report):
    """Chance is a tenth; 32 neurons get past seven tenths in seconds."""
    assert report["digits_bptt"]["test_accuracy"] > 0.7


def test_one_network_learns_both_ways(demo, report):
    """Within two epochs, by each rule."""
    reached = report["digits_online"]["test_accuracy"]
    assert set(reached) == set(demo.BOTH_WAYS)
    assert min(reached.values()) > 0.7
    assert all(f"by {name}" in demo.summary(report) for name in reached)


def test_pictures_fit_into_a_readme(report, pictures):
    drawn = {path.name: path.stat().st_size for path in pictures.iterdir()}
    assert set(drawn) == PICTURES
    assert max(drawn.values()) < 150_000


@pytest.mark.parametrize("rate", [0.0, 0.9, 61.0, float("nan")])
def test_silent_or_running_away_fails(demo, rate):
    with pytest.raises(SystemExit, match=rf"population I fires {rate:g} spikes/s.*1 to 60"):
        demo.balanced_network.check({"rate_Hz": {"E": 20.0, "I": rate}})


def test_not_having_learned_fails(demo):
    demo.digits_bptt.check({"test_accuracy": 0.93})
    with pytest.raises(SystemExit, match=r"92\.5% of the held-out images.*93%"):
        demo.digits_bptt.check({"test_accuracy": 0.925})


def test_not_having_learned_online_fails(demo):
    demo.check_both_ways({"test_accuracy": {"BPTT": 0.96, "e-prop": 0.93}})
    for share in (0.925, float("nan")):
        with pytest.raises(SystemExit, match=rf"{share:.1%} of the held-out images.*e-prop.*93%"):
            demo.check_both_ways({"test_accuracy": {"BPTT": 0.96, "e-prop": share}})


def test_brightest_pixel_fires_first_and_black_never(demo):
    import numpy as np

    (spikes,) = demo.digits_bptt.latency_coded(np.array([[16.0, 8.0, 1.0, 0.0]]))
    assert [np.flatnonzero(train).tolist() for train in spikes.T] == [[0], [7], [13], []]


def test_pictures_of_the_readme_are_there_and_small():
    for name in PICTURES:
        path = EXAMPLES.parent / "docs/pictures" / name
        assert path.stat().st_size < 150_000
