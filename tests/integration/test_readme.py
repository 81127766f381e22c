"""The code of README.md runs as it stands and does what the text around it says."""

import re
from pathlib import Path

import jax
import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def block(word):
    """The one block in which a word stands."""
    (found,) = [b for b in BLOCKS if word in b]
    return found


def test_every_block_is_run_here():
    assert {("Simulation" in b, "optax" in b, "hookimpl" in b) for b in BLOCKS} == {
        (True, False, False),
        (False, True, False),
        (False, False, True),
    }
    assert len(BLOCKS) == 3


def test_first_network(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    space = {}
    exec(block("Simulation"), space)
    rate = float(space["recording"]["E.spike"].rate().mantissa)
    assert 1 < rate < 60
    assert "4000 neurons" in capsys.readouterr().out
    assert (tmp_path / "raster.png").stat().st_size > 10_000


@pytest.mark.slow
def test_first_training(capsys):
    for module in ("optax", "sklearn"):
        pytest.importorskip(module)
    # optax itself needs JAX's ordinary promotion; the tests' own is strict.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        exec(block("optax"), {})
    share = re.search(r"([\d.]+)% of the held-out digits", capsys.readouterr().out)
    assert share is not None
    assert float(share[1]) > 93


def test_plugin_in_ten_lines():
    space = {}
    exec(block("hookimpl"), space)
    (record,) = space["spikax_models"]()
    assert record.name == "resonator"
