"""The examples of learning, scaled down; at full size they are marked `reproduction`."""

import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LARGEST = 150_000  # bytes of a picture


@pytest.fixture
def example(request):
    for module in ("matplotlib", "optax"):
        pytest.importorskip(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        yield __import__(request.param)
    sys.modules.pop(request.param)


def of(name):
    return pytest.mark.parametrize("example", [name], indirect=True)


def grows(held, name):
    """How many times the bytes of the shortest run the longest takes."""
    sizes = [getattr(one, name) for one in held.values()]
    assert min(sizes) > 0
    return sizes[-1] / sizes[0]


@of("memory_of_learning")
def test_learning_online_takes_no_memory_for_the_past(example, tmp_path):
    drawn = tmp_path / "drawn.png"
    found = example.main(["--quick", "--picture", str(drawn)])
    longer = example.LENGTHS[-1] / example.LENGTHS[0]
    assert grows(found["held"], "online") <= 1.01
    assert grows(found["held"], "backwards") > 0.9 * longer
    losses = found["losses"]
    assert losses[-20:].mean() < losses[:20].mean() / 2
    assert drawn.stat().st_size < LARGEST


@pytest.mark.reproduction
@of("memory_of_learning")
def test_a_stream_of_a_million_steps_is_learned_on(example, tmp_path):
    losses = example.main(["--picture", str(tmp_path / "drawn.png")])["losses"]
    assert len(losses) * example.EVERY == 1_000_000
    tenths = losses.reshape(10, -1).mean(1)
    assert tenths[-1] < tenths[0] / 2


@pytest.mark.reproduction
@of("evidence_accumulation")
def test_a_cue_is_remembered(example, tmp_path):
    """The first lesson: one cue, a short delay; chance is one half."""
    drawn = tmp_path / "drawn.png"
    found = example.main(["--quick", "--updates", "40", "--picture", str(drawn)])
    assert found["first"] > 0.2
    assert found["error"] < example.GOAL
    assert drawn.stat().st_size < LARGEST
