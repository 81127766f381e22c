"""Devices, synapses, and models that chance drives, against a live NEST in random networks.

What is not random agrees event by event; what is has the same distribution. The full run
(nox -s nest_live) writes the second and third table of docs/nest/parity.md into
reports/nest-live-scripts.json.
"""

from pathlib import Path

import nest_chance as chance
import nest_scripts as scripts
import numpy as np
import pytest
from nest_report import keep_rows
from scipy import stats

import spikax_nest

REPORT = Path(__file__).parents[2] / "reports/nest-live-scripts.json"
RESOLUTIONS = (0.05, 0.1, 0.25, 1.0)
TOLERANCE = 1e-9
ALIKE = 400
DRAWS = 8


def compared(nest, model, seeds, h, n, duration):
    """A row of the second table."""
    script = scripts.EXACT[model]
    both = [
        [script(module, model, seed, h, n, duration) for module in (spikax_nest, nest)]
        for seed in seeds
    ]
    return {
        "model": model,
        "resolution_ms": h,
        "cases": n * len(seeds),
        "values": sum(v.size for _, theirs in both for v in theirs.values()),
        "largest_error": max(scripts.apart(*pair) for pair in both),
    }


def likely(nest, model, seeds, h, n, duration):
    """A row of the third table: the smallest p of a two-sided Kolmogorov-Smirnov test."""
    found, varied = [], []
    for seed in seeds:
        ours, theirs = (
            chance.by_chance(module, model, seed, h, n, duration) for module in (spikax_nest, nest)
        )
        found += [
            stats.ks_2samp(ours[name], theirs[name], method="asymp").pvalue for name in theirs
        ]
        varied += [np.ptp(values) > 0 for values in theirs.values()]
    return {
        "model": model,
        "resolution_ms": h,
        "cases": len(seeds),
        "nodes": n,
        "statistics": len(found),
        "smallest_p": float(min(found)),
        "varied": float(np.mean(varied)),
    }


def check(row):
    assert row["values"] > 0
    assert row["largest_error"] <= TOLERANCE, row


def check_likely(row, of):
    assert row["smallest_p"] > 0.01 / of, row
    assert row["varied"] > 0.8, row


@pytest.mark.nest
@pytest.mark.parametrize("model", scripts.EXACT)
def test_a_few_random_networks(nest, model):
    check(compared(nest, model, (1,), 0.1, 8, 120.0))


# Chance has its own long comparison: these few show that it would run.
FEW = {"poisson_generator", "bernoulli_synapse"}


@pytest.mark.nest
@pytest.mark.parametrize(
    "model",
    [pytest.param(m, marks=[] if m in FEW else [pytest.mark.grid]) for m in chance.CHANCE],
)
def test_one_distribution(nest, model):
    row = likely(nest, model, (1,), 0.1, ALIKE, 60.0)
    check_likely(row, row["statistics"] * len(chance.CHANCE))


def test_another_distribution_is_found():
    """The control: the same model with other values is told apart."""
    one, other = (chance.by_chance(spikax_nest, "gif_psc_exp", s, 0.1, ALIKE, 60.0) for s in (1, 2))
    assert stats.ks_2samp(one["count"], other["count"]).pvalue < 1e-6


@pytest.mark.nest_live
@pytest.mark.parametrize("model", scripts.EXACT)
def test_many_random_networks(nest, model):
    rows = [compared(nest, model, (1, 2), h, 32, 300.0) for h in RESOLUTIONS]
    keep_rows(REPORT, "exact", rows)
    for row in rows:
        check(row)


@pytest.mark.nest_live
@pytest.mark.parametrize("model", chance.CHANCE)
def test_many_distributions(nest, model):
    rows = [likely(nest, model, range(DRAWS), h, ALIKE, 100.0) for h in (0.1, 1.0)]
    keep_rows(REPORT, "chance", rows)
    for row in rows:
        check_likely(row, sum(r["statistics"] for r in rows) * len(chance.CHANCE))
