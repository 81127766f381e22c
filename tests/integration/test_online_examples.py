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


@pytest.mark.reproduction
@of("evidence_accumulation")
def test_evidence_is_accumulated(example, tmp_path, record_property):
    """Bellec et al. 2020: an error below 7 % after 200 to 500 updates of 32 trials."""
    found = example.main(["--picture", str(tmp_path / "drawn.png")])
    for name in ("error", "updates"):
        record_property(f"evidence_accumulation {name}", round(float(found[name]), 4))
    assert found["error"] < example.GOAL


@pytest.mark.reproduction
@of("randman")
def test_rules_learn_random_manifolds(example, tmp_path):
    """Chance is a tenth; the cosines are those that each rule's approximations allow."""
    drawn = tmp_path / "drawn.png"
    (found,) = example.main(["--quick", "--picture", str(drawn)])
    rows = dict(zip(example.RULES, found, strict=True))
    start = {name: row[1:4] for name, row in rows.items()}
    assert min(rows[name][0] for name in ("BPTT", "D-RTRL", "pp-prop", "OTTT")) > 0.5
    for cosines in start.values():
        assert cosines[2] == pytest.approx(1, abs=1e-4)  # the readout's weights: no approximation
    assert start["BPTT"] == pytest.approx(1, abs=1e-4)
    for i in (0, 1):
        assert 1 > start["D-RTRL"][i] > start["pp-prop"][i] > start["OTTT"][i] > 0.5
        random = rows["e-prop, random feedback"][[1 + i, 4 + i]]
        assert abs(random[0]) < 0.1 < 2 * random[1]  # forward weights turn towards the feedback
    assert drawn.stat().st_size < LARGEST


@pytest.mark.reproduction
@of("randman")
def test_online_rules_come_near_backpropagation_on_random_manifolds(example, tmp_path):
    found = example.main(["--picture", str(tmp_path / "drawn.png")])
    reached = dict(zip(example.RULES, found[..., 0].mean(0), strict=True))
    assert reached["BPTT"] > 0.93
    assert reached["D-RTRL"] > reached["BPTT"] - 0.02
    assert min(reached[name] for name in example.RULES if name != "RFLO") > reached["BPTT"] - 0.05


@pytest.mark.slow
@of("pattern_generation")
def test_curves_are_made_of_noise(example, tmp_path):
    """An error of one is that of silence."""
    drawn = tmp_path / "drawn.png"
    errors = example.main(["--quick", "--picture", str(drawn)])
    assert errors["symmetric feedback"][-1] < 0.1
    assert errors["random feedback"][-1] < 0.5
    assert drawn.stat().st_size < LARGEST


@pytest.mark.reproduction
@of("delayed_match")
def test_a_sample_is_matched_after_a_short_delay(example, tmp_path):
    """Chance is one half, four standard deviations of 128 trials are 18 %."""
    drawn = tmp_path / "drawn.png"
    right = example.main(["--quick", "--picture", str(drawn)])
    assert right["BPTT"][-1] > 0.75
    assert right["e-prop"][-1] > 0.7
    assert drawn.stat().st_size < LARGEST


@pytest.mark.reproduction
@of("delayed_match")
def test_a_sample_is_matched_after_a_second(example, tmp_path):
    right = example.main(["--picture", str(tmp_path / "drawn.png")])
    assert min(right["BPTT"][-1], right["e-prop"][-1]) > 0.95
