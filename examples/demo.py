"""The main job: simulate a balanced network, then train the same classes on handwritten digits.

The digits twice: as spikes, by `jax.grad`; then one network by backpropagation and by e-prop, which
learns forwards in time.

nox -s demo                                        # reports/demo.json and two pictures
nox -s demo -- --pictures docs/pictures            # the same, the README's pictures made anew
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import balanced_network
import digits_bptt
import digits_online
import jax

from spikax.testing import count_compilations
from spikax.units import second

REPORTS = Path(__file__).resolve().parents[1] / "reports"
LIBRARIES = ("spikax", "jax", "jaxlib", "brainunit", "numpy", "optax", "scikit-learn")
BOTH_WAYS = ("BPTT", "e-prop")


def run(
    pictures: Path,
    *,
    neurons: int = 4000,
    duration: Any = 1 * second,
    hidden: int = 200,
    epochs: int = 30,
    epochs_online: int = 12,
) -> dict[str, Any]:
    """Do the three parts, draw the pictures of two, and give the report."""
    pictures.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with count_compilations() as compiled:
        print(f"1 of 3: a balanced network of {neurons} neurons", flush=True)
        network, recording = balanced_network.run(neurons, duration)
        balanced_network.picture(recording, pictures / "balanced_network.png")
        second_part = time.perf_counter()
        print("\n2 of 3: digits, by backpropagation through time", flush=True)
        digits, trained = digits_bptt.run(hidden, epochs)
        digits_bptt.picture(trained, pictures / "digits_bptt.png")
        third_part = time.perf_counter()
        print("\n3 of 3: digits, backwards and forwards in time in one network", flush=True)
        both_ways = learn_both_ways(epochs_online)
    done = time.perf_counter()
    parts = {
        "balanced_network": second_part - began,
        "digits_bptt": third_part - second_part,
        "digits_online": done - third_part,
        "all": done - began,
    }
    return {
        **circumstances(),
        "balanced_network": network,
        "digits_bptt": digits,
        "digits_online": both_ways,
        "seconds": {name: round(t, 2) for name, t in parts.items()},
        "peak_memory_MiB": peak_memory(),
        "compilations": compiled.count,
    }


def learn_both_ways(epochs: int) -> dict[str, Any]:
    """The share of test images read right after training one network by each rule."""
    rules = {name: digits_online.RULES[name] for name in BOTH_WAYS}
    curves, seconds = digits_online.learn(epochs, 1, rules)
    return {
        "test_accuracy": {name: round(float(curve[0, -1]), 4) for name, curve in curves.items()},
        "seconds": {name: round(t, 2) for name, t in seconds.items()},
    }


def check_both_ways(figures: dict[str, Any]) -> None:
    """Stop with a message if a rule has not learned."""
    for name, share in figures["test_accuracy"].items():
        if not share >= digits_bptt.GOAL:
            raise SystemExit(
                f"digits: {share:.1%} of the held-out images are read right after learning by "
                f"{name}; expected {digits_bptt.GOAL:.0%} or more."
            )


def circumstances() -> dict[str, Any]:
    """When, where and with what."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "backend": jax.default_backend(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }


def peak_memory() -> float | None:
    """The most memory that this process ever held, in MiB; None on Windows, which does not say."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, else KiB
    return round(most / (2**20 if sys.platform == "darwin" else 2**10), 1)


def summary(report: dict[str, Any]) -> str:
    """The report in four lines."""
    network, digits = report["balanced_network"], report["digits_bptt"]
    rates, variation = network["rate_Hz"], network["cv_of_intervals"]
    fire = ", ".join(f"{n} {rates[n]} spikes/s (CV of intervals {variation[n]})" for n in rates)
    read, images = digits["test_accuracy"], digits["test_images"]
    by_rule = report["digits_online"]["test_accuracy"]
    return (
        f"balanced network: {fire}\n"
        f"digits: {read:.1%} of {images} held-out images read right\n"
        f"digits, one network: {', '.join(f'{by_rule[n]:.1%} by {n}' for n in by_rule)}\n"
        f"{report['seconds']['all']} s, {report['compilations']} programs compiled, "
        f"{report['peak_memory_MiB']} MiB at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=Path, default=REPORTS, help="folder of the pictures")
    report = run(parser.parse_args().pictures)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "demo.json").write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{summary(report)}\nreport: {REPORTS / 'demo.json'}")
    balanced_network.check(report["balanced_network"])
    digits_bptt.check(report["digits_bptt"])
    check_both_ways(report["digits_online"])


if __name__ == "__main__":
    main()
