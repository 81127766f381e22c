"""Tasks hold what their papers say; data are what their sources counted."""

import dataclasses
import hashlib
import io
import json
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, ShapeError
from spikax.units import ms, pA
from spikax_learning import EProp, tasks
from spikax_learning.tasks import _archive, _japanese_vowels, _mnist, _randman
from spikax_learning.tasks._archive import Archive

# The reference of e-prop: the data are right if an independent program gets NEST's losses from it.


def learned(oracle, task, recipe):
    iterations = list(oracle.learn(task, recipe))
    for done in iterations:
        assert 0.01 < done.rate < 0.5
        assert all(np.abs(gradient).max() > 0 for gradient in done.gradient)
    return [done.loss for done in iterations]


def test_the_regression_has_the_losses_of_nest_and_of_the_authors_program(eprop_numpy):
    losses = learned(eprop_numpy, tasks.bsshslm_regression(), eprop_numpy.regression())
    np.testing.assert_allclose(losses, eprop_numpy.REGRESSION, rtol=1e-8)
    np.testing.assert_allclose(losses, eprop_numpy.REGRESSION_TENSORFLOW, rtol=1e-7)


@pytest.mark.parametrize("batch", [1, 2])
def test_the_classification_has_the_losses_of_nest(eprop_numpy, batch):
    task = tasks.bsshslm_classification(batch)
    losses = learned(eprop_numpy, task, eprop_numpy.classification())
    np.testing.assert_allclose(losses, eprop_numpy.CLASSIFICATION[batch], rtol=1e-8)
    if batch == 1:  # the authors' program computes in single precision
        np.testing.assert_allclose(losses, eprop_numpy.CLASSIFICATION_TENSORFLOW, rtol=1e-6)


def test_the_reference_leaves_the_global_generator_alone():
    before = np.random.get_state()[1].copy()
    tasks.bsshslm_classification()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


# Tasks that are made: what was shown is read back from the spikes.


def groups(spikes, count):
    """Spikes of each group of channels: (trials, steps, groups)."""
    return spikes.reshape(*spikes.shape[:2], count, -1).sum(axis=-1)


def test_evidence_is_where_the_cues_were():
    trials = tasks.evidence_accumulation(50, seed=0, p_spike=0.4)
    assert trials.inputs.shape == (50, 7 * 150 + 1050 + 150, 40)
    left, right, recall, noise = np.moveaxis(groups(trials.inputs, 4), -1, 0)
    np.testing.assert_array_equal(recall.any(axis=0), np.arange(2250) >= 2100)
    np.testing.assert_array_equal(trials.scored, np.tile(np.arange(2250) >= 2100, (50, 1)))
    # A cue of 100 steps and ten channels is silent with a probability of 0.6^1000.
    cues = np.stack([left, right])[..., :1050].reshape(2, 50, 7, 150)
    assert not cues[..., :50].any()
    shown = cues.any(axis=-1)
    assert (shown.sum(axis=0) == 1).all()
    assert not (left + right)[:, 1050:].any()
    np.testing.assert_array_equal(trials.targets, shown[1].sum(axis=-1) > 3)
    assert noise.sum() == pytest.approx(noise.size, rel=0.01)  # 10 channels of 0.4 / 4


def test_the_rates_of_evidence_are_those_of_the_paper():
    """Cues of 40 Hz, noise of 10 Hz, seven cues in ten on the favoured side."""
    trials = tasks.evidence_accumulation(200, seed=1)
    _, _, recall, noise = np.moveaxis(groups(trials.inputs, 4), -1, 0)
    assert recall[:, -150:].mean() / 10 == pytest.approx(0.04, rel=0.02)  # 5 sigma
    assert noise.mean() / 10 == pytest.approx(0.01, rel=0.03)  # 6 sigma
    cues = groups(trials.inputs, 4)[:, :1050, :2].reshape(200, 7, 150, 2).any(axis=2)
    majority = np.maximum(cues[..., 0].sum(axis=1), cues[..., 1].sum(axis=1)).mean() / 7
    # The mean share of the larger side, from the binomial distribution of seven cues.
    k = np.arange(8)
    ways = np.array([1, 7, 21, 35, 35, 21, 7, 1])
    expected = (np.maximum(k, 7 - k) * ways * 0.7**k * 0.3 ** (7 - k)).sum() / 7
    assert majority == pytest.approx(expected, abs=0.03)  # 3 sigma


def test_a_pattern_holds_its_sines_alone():
    patterns = tasks.pattern_generation(4, seed=0, outputs=3)
    assert patterns.targets.shape == (4, 1000, 3)
    assert patterns.inputs.mean() == pytest.approx(0.05, rel=0.01)
    np.testing.assert_array_equal(patterns.targets[:, 0], 0)
    np.testing.assert_allclose(np.abs(patterns.targets).max(axis=1), 1, rtol=1e-6)
    # The last step closes the period that the first one opens.
    amplitude = np.abs(np.fft.rfft(patterns.targets[:, :-1].astype(float), axis=1))
    shown = [1, 2, 3, 5]
    assert (np.delete(amplitude, [0, *shown], axis=1) < 1e-3).all()
    assert (np.ptp(np.log(amplitude[:, shown]), axis=1) < np.log(2 / 0.5)).all()


def test_a_match_is_the_sample_again():
    trials = tasks.delayed_match_to_sample(40, seed=0, stimuli=3, p_spike=0.5, p_noise=0.01)
    assert trials.inputs.shape == (40, 1500, 30)
    spikes = groups(trials.inputs, 3)
    sample, test = spikes[:, 100:300].sum(axis=1), spikes[:, 1300:].sum(axis=1)
    np.testing.assert_array_equal(trials.targets, sample.argmax(axis=1) == test.argmax(axis=1))
    assert trials.targets.sum() == 20
    assert spikes[:, 300:1300].mean() / 10 == pytest.approx(0.01, rel=0.03)
    np.testing.assert_array_equal(trials.scored[0], np.arange(1500) >= 1300)
    assert {*sample.argmax(axis=1)} == {0, 1, 2}


def test_the_bit_that_is_asked_for_is_the_one_that_was_stored():
    trials = tasks.store_recall(30, seed=0, items=7, item=20, recalls=2, p_spike=0.5)
    on = groups(trials.inputs, 4).reshape(30, 7, 20, 4).any(axis=2)
    targets = trials.targets.reshape(30, 7, 20)
    scored = trials.scored.reshape(30, 7, 20)
    for items, answers, counted in zip(on, targets, scored, strict=True):
        bit = 0
        for (zero, one, store, recall), answer, counts in zip(items, answers, counted, strict=True):
            assert zero + one == 1 - recall
            bit = int(one) if store else bit
            assert (answer == bit).all()
            assert (counts == recall).all()
        kinds = items[:, 2:].argmax(axis=1)[items[:, 2:].any(axis=1)]
        assert [*kinds] == [0, 1, 0, 1]


def test_each_unit_of_randman_fires_once_and_each_class_fills_the_time():
    data = tasks.randman(300, seed=0, classes=3, units=20, steps=50)
    assert data.inputs.shape == (300, 50, 20)
    assert (data.inputs.sum(axis=1) == 1).all()
    when = data.inputs.argmax(axis=1)
    for label in range(3):
        mine = when[data.targets == label]
        assert len(mine) == 100
        assert (mine.min(axis=0) == 0).all()
        assert (mine.max(axis=0) == 49).all()


def test_randman_is_the_formula_of_the_paper():
    found = _randman._on_manifold(np.random.default_rng(3), 4, 5, 2, 2.0)
    rng = np.random.default_rng(3)
    a, b, c = rng.random((3, 2, 5, 32))  # 32^-2 is the first to be less than 1/1000
    x = rng.random((2, 4))
    for point in range(4):
        for unit in range(5):
            value = 1.0
            for d in range(2):
                value *= sum(
                    a[d, unit, k]
                    / (k + 1) ** 2
                    * np.sin(2 * np.pi * (k * x[d, point] * b[d, unit, k] + c[d, unit, k]))
                    for k in range(1, 32)
                )
            assert found[point, unit] == pytest.approx(value, rel=1e-12)


def nearest(alpha):
    """How much spike times differ between neighbours on a manifold, in share of all time."""
    data = tasks.randman(200, 0, classes=1, units=20, dim=1, steps=1000, alpha=alpha)
    when = data.inputs.argmax(axis=1)
    apart = np.abs(when[:, None] - when[None]).mean(axis=-1) + 1000 * np.eye(200)
    return apart.min(axis=1).mean() / 1000


def test_a_larger_alpha_is_smoother():
    assert nearest(3.0) < nearest(1.0) / 3


MADE = {
    "evidence": lambda seed: tasks.evidence_accumulation(3, seed),
    "pattern": lambda seed: tasks.pattern_generation(3, seed),
    "match": lambda seed: tasks.delayed_match_to_sample(3, seed),
    "recall": lambda seed: tasks.store_recall(3, seed),
    "randman": lambda seed: tasks.randman(30, seed),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_seed_makes_the_same_again_and_another_does_not(make):
    one, same, other = make(0), make(0), make(1)
    np.testing.assert_array_equal(one.inputs, same.inputs)
    np.testing.assert_array_equal(one.targets, same.targets)
    assert (one.inputs != other.inputs).any()
    assert one.inputs.dtype == np.float32
    assert len(one.axes) == one.inputs.ndim


REFUSED = {
    "groups": (lambda: tasks.evidence_accumulation(1, 0, channels=42), ShapeError, "multiple of 4"),
    "one stimulus": (
        lambda: tasks.delayed_match_to_sample(1, 0, stimuli=1),
        ConfigError,
        "2 or more",
    ),
    "empty batches": (
        lambda: tasks.Shuffled(tasks.store_recall(2, 0), 0, lambda examples, rng: ({}, None)),
        ConfigError,
        "size is 0; a batch has at least one",
    ),
    "too few items": (lambda: tasks.store_recall(1, 0, items=3), ConfigError, "3 items for 2 rec"),
    "empty classes": (lambda: tasks.randman(19, 0), ConfigError, "20 or more"),
    "axes": (
        lambda: tasks.Examples(np.zeros((2, 3)), np.zeros(2), ("trial",)),
        ShapeError,
        r"inputs of shape \(2, 3\); expected the axes \('trial',\)",
    ),
    "targets": (
        lambda: tasks.Examples(np.zeros(2), np.zeros(3), ("trial",)),
        ShapeError,
        "3 targets for 2 examples",
    ),
    "scored": (
        lambda: tasks.Examples(
            np.zeros((2, 3)), np.zeros(2), ("trial", "step"), scored=np.ones((3, 2), bool)
        ),
        ShapeError,
        r"scored has shape \(3, 2\); expected \(2, 3\)",
    ),
}


@pytest.mark.parametrize(("make", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_misuse_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_epoch_shows_each_example_once_in_a_new_order_and_anew():
    examples = tasks.Examples(np.arange(7.0)[:, None], np.arange(7), ("example", "channel"))

    def noisy(some, rng):
        return {"in.x": some.inputs + rng.uniform(0, 0.5, some.inputs.shape)}, some.targets

    data, again = (tasks.Shuffled(examples, 3, noisy, seed=4) for _ in range(2))
    epochs = [[*data], [*data]]
    orders, inputs = [], []
    for epoch in epochs:
        assert [len(targets) for _, targets in epoch] == [3, 3, 1]
        orders.append(np.concatenate([targets for _, targets in epoch]))
        inputs.append(np.concatenate([shown["in.x"][:, 0] for shown, _ in epoch]))
        assert np.array_equal(np.sort(orders[-1]), np.arange(7))
        assert np.array_equal(np.floor(inputs[-1]), orders[-1])
    assert not np.array_equal(*orders)
    first, second = (shown[np.argsort(order)] for shown, order in zip(inputs, orders, strict=True))
    assert np.all(first != second)
    for (shown, _), (expected, _) in zip(again, epochs[0], strict=True):
        assert np.array_equal(shown["in.x"], expected["in.x"])


def test_examples_are_picked_whole():
    trials = tasks.delayed_match_to_sample(5, seed=0)
    for chosen in (slice(1, 3), np.array([4, 0]), 2, trials.targets == 1):
        some = trials[chosen]
        for name in ("inputs", "targets", "scored"):
            expected = getattr(trials, name)[chosen]
            np.testing.assert_array_equal(getattr(some, name).squeeze(), expected.squeeze())
        assert len(some) == len(some.targets)


# Into a network, as they are.


def test_a_rule_learns_from_a_trial_as_it_is():
    trial = tasks.evidence_accumulation(1, 0, timing=tasks.CueTiming(cue=10, spacing=5, delay=20))
    cell = sx.Cell(sx.LIF(), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    net = sx.Network(
        {
            "in": sx.Population(sx.Relay(), 40),
            "E": sx.Population(cell, 5),
            "out": sx.Population(sx.LeakyReadout(20 * ms), 2),
        },
        [
            sx.Projection("in", "E", "syn", sx.all_to_all(), sx.Normal(400 * pA, 100 * pA)),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0)),
        ],
    ).build(dt=1 * ms, seed=0)
    target = jnp.zeros((trial.inputs.shape[1], 2)).at[:, trial.targets[0]].set(1.0)
    inputs = {"in.spike": trial.inputs[0]}

    def loss(y, target):
        return ((y - target) ** 2).sum()

    total, gradients = EProp().gradient(net, net.init_state(), inputs, target, loss)
    assert total > 0
    for edge in ("in->E", "E->out"):
        assert jnp.abs(gradients.edges[edge].weight).max() > 0


# Data of packages: read from small ones made here.

TS = """\
# a comment
@problemName Vowels
@timeStamps false
@missing false
@classLabel true a B
@data
"""
TRAIN = f"{TS}1,2,3:4,5,6:B\n-1.5:2e-1:a\n"
TEST = f"{TS}7,8:9,10:a\n"


def test_a_ts_file_is_read():
    series, labels = _japanese_vowels.parse_ts(TRAIN)
    np.testing.assert_array_equal(series[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(series[1], [[-1.5, 0.2]])
    np.testing.assert_array_equal(labels, [1, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TS.replace("true", "false") + "1:a", "@classLabel true"),
        (TRAIN.replace("@data", ""), "@data"),
        (TRAIN.replace("@missing false", "@missing true"), "@missing true"),
        (TRAIN.replace("@timeStamps false", "@timeStamps true"), "@timestamps true"),
    ],
)
def test_a_ts_file_of_another_kind_is_refused(text, message):
    with pytest.raises(tasks.DataError, match=message):
        _japanese_vowels.parse_ts(text)


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Lay a small package where a loader looks for its own."""

    def put(module, content):
        checksum = hashlib.sha256(content).hexdigest()
        monkeypatch.setattr(
            module, "ARCHIVE", dataclasses.replace(module.ARCHIVE, sha256=checksum, client="none")
        )
        (tmp_path / module.ARCHIVE.file).write_bytes(content)
        return tmp_path

    return put


def test_vowels_are_padded_to_the_longest(put):
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as members:
        members.writestr(_japanese_vowels.MEMBER.format("TRAIN"), TRAIN)
        members.writestr(_japanese_vowels.MEMBER.format("TEST"), TEST)
    train, test = tasks.japanese_vowels(put(_japanese_vowels, wheel.getvalue()))
    np.testing.assert_array_equal(test.inputs, [[[7, 9], [8, 10], [0, 0]]])
    np.testing.assert_array_equal(test.scored, [[True, True, False]])
    np.testing.assert_array_equal(train.scored.sum(axis=1), [3, 1])
    np.testing.assert_array_equal(train.targets, [1, 0])


def test_digits_are_shuffled_with_their_labels(put):
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w:gz") as members:
        for digit in range(10):
            text = json.dumps({"data": [digit / 10] * 784 * 2}).encode()
            member = tarfile.TarInfo(_mnist.MEMBER.format(digit))
            member.size = len(text)
            members.addfile(member, io.BytesIO(text))
    train, test = tasks.mnist_subset(put(_mnist, package.getvalue()))
    assert train.inputs.shape == (16, 28, 28)
    assert test.inputs.shape == (4, 28, 28)
    labels = np.concatenate([train.targets, test.targets])
    np.testing.assert_array_equal(np.bincount(labels), 2)
    assert (np.diff(labels) < 0).any()
    for part in (train, test):
        expected = np.broadcast_to(part.targets[:, None, None] / 10, part.inputs.shape)
        np.testing.assert_allclose(part.inputs, expected, rtol=1e-6)


# How they are fetched.

CONTENT = b"data"


def archive(code="open('a.whl', 'wb').write(b'data')", **changes):
    return Archive(
        **{
            "file": "a.whl",
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "client": sys.executable,
            "arguments": ("-c", code),
            **changes,
        }
    )


def test_a_package_is_fetched_once(tmp_path):
    folder = tmp_path / "new"
    path = archive().path(folder)
    assert path.read_bytes() == CONTENT
    assert archive("raise SystemExit(1)").path(folder) == path
    assert [*folder.iterdir()] == [path]


@pytest.mark.parametrize(
    ("broken", "error", "message"),
    [
        ({"client": "no-such-program"}, tasks.FetchError, "no-such-program is not installed"),
        (
            {"code": "raise SystemExit('no network')"},
            tasks.FetchError,
            r"says:\nno network\n(.|\n)*SPIKAX_DATA",
        ),
        ({"sha256": "0"}, tasks.DataError, "expected 0"),
    ],
)
def test_what_cannot_be_fetched_is_said_and_leaves_nothing(tmp_path, broken, error, message):
    with pytest.raises(error, match=message):
        archive(**broken).path(tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_file_that_was_changed_is_refused(tmp_path):
    (tmp_path / "a.whl").write_bytes(CONTENT[:-1])
    with pytest.raises(tasks.DataError, match=r"a\.whl has the sha256 .*Remove it"):
        archive().path(tmp_path)


FOLDERS = {
    "chosen": ("linux", {"SPIKAX_DATA": "/chosen"}, "/chosen"),
    "xdg": ("linux", {"XDG_CACHE_HOME": "/caches"}, "/caches/spikax"),
    "linux": ("linux", {}, "HOME/.cache/spikax"),
    "mac": ("darwin", {}, "HOME/Library/Caches/spikax"),
    "windows": ("win32", {"LOCALAPPDATA": "/local"}, "/local/spikax/Cache"),
}


@pytest.mark.parametrize(("platform", "variables", "folder"), FOLDERS.values(), ids=FOLDERS)
def test_data_lie_where_the_platform_keeps_them(platform, variables, folder, monkeypatch):
    for name in ("SPIKAX_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(_archive.sys, "platform", platform)
    assert tasks.data_folder() == Path(folder.replace("HOME", str(Path.home())))


# The real data; skipped where they are neither kept nor to be fetched.


@pytest.fixture(scope="module")
def real(pytestconfig):
    """What calls a loader, with the data in the clone's own cache unless SPIKAX_DATA is set."""
    folder = os.environ.get("SPIKAX_DATA") or pytestconfig.rootpath / ".cache/data"

    def real(load):
        try:
            return load(folder)
        except tasks.FetchError as error:
            pytest.skip(str(error))

    return real


def test_the_vowels_are_those_of_the_archive(real):
    """The counts that the donors state in the UCI repository."""
    train, test = real(tasks.japanese_vowels)
    assert train.inputs.shape == (270, 29, 12)
    assert test.inputs.shape == (370, 29, 12)
    np.testing.assert_array_equal(np.bincount(train.targets), 30)
    np.testing.assert_array_equal(np.bincount(test.targets), [31, 35, 88, 44, 29, 24, 40, 50, 29])
    lengths = np.concatenate([part.scored.sum(axis=1) for part in (train, test)])
    assert (lengths.min(), lengths.max()) == (7, 29)
    np.testing.assert_allclose(train.inputs[0, 0, :2], [1.860936, -0.207383])
    for part in (train, test):
        assert not part.inputs[~part.scored].any()


def test_the_speech_makes_spikes_by_an_encoder_of_core(real):
    train, _ = real(tasks.japanese_vowels)
    values = train.inputs[0][train.scored[0]]
    net = sx.Network({"enc": sx.Population(sx.DeltaEncoder(threshold=0.05), 12)}, [])
    net = net.build(dt=1 * ms)
    inputs, record = {"enc.x": values}, {"enc": ("spike", "level")}
    _, seen = sx.simulate(net, net.init_state(), len(values) * ms, inputs=inputs, record=record)
    spikes, level = seen["enc.spike"], np.asarray(seen["enc.level"].values)
    # What the spikes say so far is never further from the value than one spike tells.
    assert np.abs(level - values).max() < 0.05 + 1e-5
    rises = np.argwhere(np.diff(level, axis=0, prepend=0) > 0.025)
    np.testing.assert_array_equal(np.unique([spikes.steps - 1, spikes.ids], axis=1).T, rises)


def test_the_images_are_those_of_mnist(real):
    train, test = real(tasks.mnist_subset)
    assert train.inputs.shape == (8000, 28, 28)
    assert test.inputs.shape == (2000, 28, 28)
    everything = np.concatenate([train.inputs, test.inputs])
    # Mean and spread of all 60,000 training images, known from how they are usually normalised.
    assert everything.mean() == pytest.approx(0.1307, rel=0.02)
    assert everything.std() == pytest.approx(0.3081, rel=0.02)
    assert (everything.min(), everything.max()) == (0, 1)
    counts = np.bincount(np.concatenate([train.targets, test.targets]))
    np.testing.assert_array_equal(counts, [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978])
    # A mean image of each digit tells most others: labels and images belong together.
    means = np.stack([train.inputs[train.targets == digit].mean(axis=0) for digit in range(10)])
    apart = ((test.inputs[:, None] - means) ** 2).sum(axis=(2, 3))
    assert (apart.argmin(axis=1) == test.targets).mean() > 0.75


def test_the_digits_are_those_of_scikit_learn():
    load = pytest.importorskip("sklearn.datasets").load_digits
    train, test = tasks.digits()
    assert (len(train), len(test)) == (1437, 360)
    pixels, labels = load(return_X_y=True)
    found = np.concatenate([train.inputs, test.inputs]).reshape(-1, 64)
    assert {row.tobytes() for row in found} == {
        row.tobytes() for row in (pixels / 16).astype(np.float32)
    }
    share = np.bincount(test.targets) / np.bincount(labels)
    np.testing.assert_allclose(share, 360 / 1797, atol=0.01)


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ConfigError, match="pip install scikit-learn"):
        tasks.digits()
