"""The examples that learn real data: small ones get far above chance, full ones reach the goals.

`nox -s reproductions` runs the full ones.
"""

import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LARGEST = 150_000  # bytes of a picture


@pytest.fixture(scope="module")
def digits_online():
    for module in ("matplotlib", "optax", "sklearn"):
        pytest.importorskip(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        import digits_online

        yield digits_online
    sys.modules.pop("digits_online")


def reached(curves):
    """By rule, the mean share of test images read right after the last epoch."""
    return {name: float(curve[:, -1].mean()) for name, curve in curves.items()}


@pytest.mark.slow
def test_every_rule_reads_digits_after_three_epochs(digits_online, tmp_path):
    """Chance is a tenth. Errors that come back by random weights learn more slowly."""
    drawn = tmp_path / "drawn.png"
    found = reached(digits_online.main(["--quick", "--picture", str(drawn)]))
    assert drawn.stat().st_size < LARGEST
    assert set(found) == set(digits_online.RULES)
    assert found.pop("e-prop, random feedback") > 0.6
    assert min(found.values()) > 0.85


@pytest.mark.reproduction
def test_digits_online_close_to_backpropagation(digits_online, tmp_path, record_property):
    found = reached(digits_online.main(["--picture", str(tmp_path / "drawn.png")]))
    for name, share in found.items():
        record_property(f"digits_online {name}", round(share, 4))
    backwards = found.pop("BPTT")
    assert backwards >= 0.97
    assert max(found.values()) >= backwards - 0.015
