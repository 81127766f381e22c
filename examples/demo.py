"""The main job: simulate a balanced network, then train the same classes on handwritten digits.

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
import jax

from spikax.testing import count_compilations
from spikax.units import second

REPORTS = Path(__file__).resolve().parents[1] / "reports"
LIBRARIES = ("spikax", "jax", "jaxlib", "brainunit", "numpy", "optax", "scikit-learn")


def run(
    pictures: Path,
    *,
    neurons: int = 4000,
    duration: Any = 1 * second,
    hidden: int = 200,
    epochs: int = 30,
) -> dict[str, Any]:
    """Do both parts, draw their pictures, and give the report."""
    pictures.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with count_compilations() as compiled:
        print(f"1 of 2: a balanced network of {neurons} neurons", flush=True)
        network, recording = balanced_network.run(neurons, duration)
        balanced_network.picture(recording, pictures / "balanced_network.png")
        between = time.perf_counter()
        print("\n2 of 2: digits, by backpropagation through time", flush=True)
        digits, trained = digits_bptt.run(hidden, epochs)
        digits_bptt.picture(trained, pictures / "digits_bptt.png")
    done = time.perf_counter()
    parts = {"balanced_network": between - began, "digits_bptt": done - between}
    return {
        **circumstances(),
        "balanced_network": network,
        "digits_bptt": digits,
        "seconds": {name: round(t, 2) for name, t in {**parts, "both": done - began}.items()},
        "peak_memory_MiB": peak_memory(),
        "compilations": compiled.count,
    }


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
    """The report in three lines."""
    network, digits = report["balanced_network"], report["digits_bptt"]
    rates, variation = network["rate_Hz"], network["cv_of_intervals"]
    fire = ", ".join(f"{n} {rates[n]} spikes/s (CV of intervals {variation[n]})" for n in rates)
    read, images = digits["test_accuracy"], digits["test_images"]
    return (
        f"balanced network: {fire}\n"
        f"digits: {read:.1%} of {images} held-out images read right\n"
        f"{report['seconds']['both']} s, {report['compilations']} programs compiled, "
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


if __name__ == "__main__":
    main()
