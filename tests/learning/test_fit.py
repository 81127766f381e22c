"""Training: against least squares and steps by hand, exact resume, and what goes wrong."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import spikax as sx
from spikax.errors import ConfigError, NumericsError, ShapeError, StateError
from spikax.testing import count_compilations
from spikax.units import ms, mV, pA
from spikax_learning import (
    EProp,
    count_cross_entropy,
    cross_entropy,
    early_stopping,
    fit,
    fit_stream,
    l1_rate,
    mse,
    silence_regulariser,
    squared_error,
)
from spikax_learning._evaluate import series
from spikax_learning.metrics import accuracy

sys.path.insert(0, str(Path(__file__).parent))
import fit_case

RULE = EProp()
TRAINED = "edges.in->out.weight"


def by_path(tree):
    return {leaf.path: np.asarray(leaf.value) for leaf in sx.leaves(tree)}


# A readout alone: the loss is a sum of squares, whose minimum is known.

N_IN, N_OUT, STEPS, EXAMPLES = 3, 2, 12, 10


def readout():
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [sx.Projection("in", "out", "input", sx.all_to_all(), sx.Normal(0, 1))],
    ).build(dt=1 * ms, seed=1)


def regression(n=EXAMPLES):
    rng = np.random.default_rng(2)
    spikes = (rng.random((n, STEPS, N_IN)) < 0.3).astype(float)
    return {"in.spike": spikes}, rng.normal(size=(n, STEPS, N_OUT))


def features(spikes):
    """What the readout keeps of each input."""
    kept, seen = np.zeros(spikes[:, 0].shape), []
    for t in range(spikes.shape[1]):
        kept = np.exp(-1 / 20) * kept + spikes[:, t]
        seen.append(kept)
    return np.stack(seen, axis=1)


def summed(spikes, targets, weights):
    """The loss of a run, the mean over the examples."""
    return ((features(spikes) @ weights - targets) ** 2).sum((1, 2)).mean() / 2


def test_gradient_descent_reaches_least_squares(x64):
    (inputs, targets), net = regression(), readout()
    X = features(inputs["in.spike"]).reshape(-1, N_IN)
    best = np.linalg.lstsq(X, targets.reshape(-1, N_OUT), rcond=None)[0]
    curvature = np.linalg.eigvalsh(X.T @ X / EXAMPLES)
    # Of steps 2 / (largest + smallest) the error shrinks by this factor each.
    shrink = (curvature[-1] - curvature[0]) / (curvature[-1] + curvature[0])
    epochs = int(np.ceil(np.log(1e-7) / np.log(shrink)))
    sgd = optax.sgd(2 / (curvature[-1] + curvature[0]))
    found = fit(net, (inputs, targets), RULE, sgd, squared_error("out"), epochs=epochs)
    start = by_path(net)[TRAINED]
    error = np.abs(by_path(found.net)[TRAINED] - best).max()
    assert error < 1e-6 * np.abs(start - best).max()
    least = summed(inputs["in.spike"], targets, best)
    np.testing.assert_allclose(found.history["loss"][-1], least, rtol=1e-10)
    # The first is the loss before anything was learned.
    begin = summed(inputs["in.spike"], targets, start)
    np.testing.assert_allclose(found.history["loss"][0], begin, rtol=1e-10)
    assert found.epochs == epochs
    assert begin > 1.5 * least


def test_a_ragged_batch_is_the_mean_over_what_it_has(x64):
    (inputs, targets), net, rate = regression(), readout(), 0.01
    found = fit(
        net,
        [({"in.spike": inputs["in.spike"][s]}, targets[s]) for s in (slice(0, 8), slice(8, 10))],
        RULE,
        optax.sgd(rate),
        squared_error("out"),
        epochs=1,
    )
    weights, losses = by_path(net)[TRAINED], []
    for chosen in (slice(0, 8), slice(8, 10)):
        x, wanted = features(inputs["in.spike"][chosen]), targets[chosen]
        losses.append(summed(inputs["in.spike"][chosen], wanted, weights))
        slope = np.einsum("eti,eto->io", x, x @ weights - wanted) / len(x)
        weights = weights - rate * slope
    np.testing.assert_allclose(by_path(found.net)[TRAINED], weights, rtol=1e-10)
    mean = (8 * losses[0] + 2 * losses[1]) / 10
    np.testing.assert_allclose(found.history["loss"], [mean], rtol=1e-10)


def test_one_program_serves_every_batch_and_every_call():
    sgd, loss = optax.sgd(0.01), squared_error("out")

    def train(epochs, n=EXAMPLES):
        return fit(
            readout(), regression(n), RULE, sgd, loss, epochs=epochs, batch_size=4, validation=data
        )

    data = regression(6)
    train(1)  # batches of 4, 4 and 2, validation of 4 and 2
    with count_compilations() as seen:
        train(3, n=13)
    assert seen.count == 0


def test_arrays_are_shuffled_by_the_seed():
    def end(seed):
        sgd = optax.sgd(0.01)
        found = fit(
            readout(), regression(), RULE, sgd, mse("out"), epochs=1, batch_size=4, seed=seed
        )
        return by_path(found.net)[TRAINED]

    np.testing.assert_array_equal(end(0), end(0))
    assert (end(0) != end(1)).any()


# A spiking network, and exact resume.


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "ten.npz"
    return path, fit_case.train(10, checkpoint=path)


def test_it_learns_and_is_judged_on_other_data(trained):
    history = trained[1].history
    assert list(history) == ["loss", "validation loss", "accuracy"]
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    assert history["validation loss"][-1] < 0.7 * history["validation loss"][0]
    assert history["accuracy"][-1] > 0.9
    net, (inputs, labels) = trained[1].net, fit_case.examples(16, seed=1)

    def answer(spikes):
        _, seen = sx.simulate(
            net,
            net.init_state(),
            fit_case.STEPS * ms,
            inputs={"in.spike": spikes},
            record={"out": "y"},
        )
        return seen["out.y"].values

    y = jax.vmap(answer)(jnp.asarray(inputs["in.spike"]))
    assert float(accuracy(y, jnp.asarray(labels))) == history["accuracy"][-1]
    losses = optax.softmax_cross_entropy_with_integer_labels(
        y, jnp.broadcast_to(jnp.asarray(labels)[:, None], y.shape[:2])
    )
    np.testing.assert_allclose(losses.sum(1).mean(), history["validation loss"][-1], rtol=1e-5)


def test_signs_were_kept_by_the_projection(trained):
    before, after = by_path(fit_case.network()), by_path(trained[1].net)
    for path in (p for p in before if p.endswith(".weight")):
        assert (np.sign(before[path]) * after[path] >= 0).all()
        assert (before[path] != after[path]).any()


def test_five_and_five_epochs_in_another_process_are_ten_bit_by_bit(trained, tmp_path):
    whole, path = trained[0], tmp_path / "five.npz"
    fit_case.train(5, checkpoint=path)
    command = [sys.executable, fit_case.__file__, str(path), "10"]
    subprocess.run(command, check=True, env=os.environ)
    with np.load(whole) as a, np.load(path) as b:
        assert a.files == b.files
        for name in a.files:
            assert a[name].dtype == b[name].dtype
            assert a[name].tobytes() == b[name].tobytes(), name


def test_resume_of_what_is_done_gives_what_was(trained):
    again = fit_case.train(10, checkpoint=trained[0], resume=True)
    for name, column in trained[1].history.items():
        np.testing.assert_array_equal(again.history[name], column)
    jax.tree.map(np.testing.assert_array_equal, again.net, trained[1].net)


OTHERS = {
    "another": (optax.sgd(0.1), {}, ConfigError, r"saved with another optimizer: its memory has"),
    "another rate": (
        optax.chain(optax.adam(0.02), *()),
        {},
        ConfigError,
        r"saved with another optimizer",
    ),
    "another seed": (fit_case.OPTIMIZER, {"seed": 3}, ConfigError, r"seed = 0, now it is 3"),
    "another batch": (fit_case.OPTIMIZER, {"batch_size": 4}, ConfigError, r"batch_size = 8"),
    "other metrics": (
        fit_case.OPTIMIZER,
        {"metrics": {"share": accuracy}},
        StateError,
        r"history\.share is missing",
    ),
    "other weights": (fit_case.OPTIMIZER, {"train": "edges.in->*"}, ConfigError, "optimizer"),
}


@pytest.mark.parametrize(("optimizer", "more", "error", "message"), OTHERS.values(), ids=OTHERS)
def test_resume_with_another_is_refused(trained, monkeypatch, optimizer, more, error, message):
    monkeypatch.setattr(fit_case, "OPTIMIZER", optimizer)
    with pytest.raises(error, match=message):
        fit_case.train(11, checkpoint=trained[0], resume=True, **more)


def test_resume_with_another_learning_rate_is_refused(tmp_path):
    def train(rate, **more):
        return fit(
            readout(),
            regression(),
            RULE,
            optax.adam(rate),
            mse("out"),
            epochs=2,
            checkpoint=tmp_path / "adam.npz",
            **more,
        )

    train(0.01)
    train(0.01, resume=True)
    with pytest.raises(ConfigError, match=r"adam\.npz.*other settings, such as another learning"):
        train(0.02, resume=True)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "no.npz"
    with pytest.raises(FileNotFoundError):
        fit_case.train(1, checkpoint=path, resume=True)
    path.write_bytes(b"nothing")
    with pytest.raises(StateError, match=r"no\.npz is not a state"):
        fit_case.train(1, checkpoint=path, resume=True)


# Losses of whole runs, and sums.


class Backpropagation:
    """The gradient of `simulate`, as a rule."""

    whole_runs = True

    def gradient(self, net, state, inputs, targets, loss, train):
        picked, rest = sx.select(net, train)

        def total(picked):
            y = series(sx.merge(picked, rest), state, inputs, fit_case.STEPS, loss)
            return loss(y, targets)

        return jax.value_and_grad(total)(picked)


def test_a_loss_of_whole_runs_trains_by_backpropagation():
    """Spike counts of two neurons that say the class; each may fire, and not too often."""
    net = sx.Network(
        {
            "in": sx.Population(sx.Relay(), fit_case.N_IN),
            "E": sx.Population(sx.LIF(I_e=100 * pA, t_ref=1 * ms), 2),
        },
        [sx.Projection("in", "E", "delta", sx.all_to_all(), sx.Normal(1 * mV, 1 * mV))],
    ).build(dt=1 * ms, seed=1)
    loss = count_cross_entropy("E") + silence_regulariser("E", 1, 0.1) + l1_rate("E", 0.01)
    assert loss.whole_run
    found = fit(
        net,
        fit_case.examples(),
        Backpropagation(),
        optax.adam(0.1),
        loss,
        epochs=15,
        validation=fit_case.examples(16, seed=1),
        metrics={"accuracy": accuracy},
    )
    assert found.history["loss"][-1] < 0.7 * found.history["loss"][0]
    assert found.history["accuracy"][-1] > 0.8
    assert found.history["validation loss"][-1] < 0.8 * found.history["validation loss"][0]


def test_a_sum_of_losses_is_learned_online_as_it_is_judged():
    """In one batch: an epoch is judged by the loss that the next one begins with."""
    alone, data = cross_entropy("out"), fit_case.examples()
    found = fit(
        fit_case.network(),
        data,
        RULE,
        optax.sgd(0.003),
        alone + l1_rate("E", 0.5),
        epochs=2,
        validation=data,
        metrics={"alone": lambda y, target: jax.vmap(alone)(y, target).sum()},
    )
    history = found.history
    np.testing.assert_allclose(history["loss"][1], history["validation loss"][0], rtol=1e-5)
    assert (history["validation loss"] > history["alone"] + 0.5).all()  # a spike in each example
    assert history["loss"][1] < history["loss"][0]


# Callbacks.


def test_early_stopping_waits_for_the_best():
    stop = early_stopping("loss", patience=2)

    def at(*values):
        return stop(type("Now", (), {"history": {"loss": np.asarray(values)}}))

    assert [at(3, 2), at(3, 2, 2.5), at(3, 2, 2.5, 2.1), at(3, 2, 2.5, 1.9)] == [
        False,
        False,
        True,
        False,
    ]
    rising = early_stopping("loss", patience=1, largest=True)
    assert rising(type("Now", (), {"history": {"loss": np.asarray([0.1, 0.9, 0.8])}}))


def test_a_callback_sees_each_epoch_and_can_end_it():
    seen = []

    def call(now):
        seen.append((now.epochs, by_path(now.net)[TRAINED]))
        return now.epochs == 2

    found = fit(
        readout(),
        regression(),
        RULE,
        optax.sgd(0.01),
        mse("out"),
        epochs=5,
        callbacks=[call, lambda now: None],
    )
    assert [epochs for epochs, _ in seen] == [1, 2]
    assert found.stopped
    assert found.epochs == 2
    assert (seen[0][1] != seen[1][1]).any()
    with pytest.raises(ConfigError, match="no 'validation loss' in"):
        early_stopping()(found)


def test_the_history_can_be_drawn(trained):
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    ax = trained[1].plot(ax=Figure().subplots())
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    assert set(lines) == {"loss", "validation loss"}
    np.testing.assert_array_equal(lines["loss"], trained[1].history["loss"])
    assert len(trained[1].plot("accuracy", ax=Figure().subplots()).get_lines()) == 1


def test_progress_is_shown_on_demand(capsys):
    pytest.importorskip("tqdm")
    for wanted, shown in ((True, True), (False, False), (None, False)):
        fit(
            readout(),
            regression(),
            RULE,
            optax.sgd(0.01),
            mse("out"),
            epochs=2,
            progress=wanted,
        )
        assert ("/2 [" in capsys.readouterr().err) == shown


# What goes wrong.


def test_values_that_are_not_finite_stop_it_and_keep_what_was(tmp_path):
    (inputs, targets), path = regression(), tmp_path / "good.npz"
    bad, epoch = targets.copy(), itertools.count(1)

    class Data:
        def __iter__(self):
            wanted = bad if next(epoch) == 3 else targets
            yield {"in.spike": inputs["in.spike"][:5]}, targets[:5]
            yield {"in.spike": inputs["in.spike"][5:]}, wanted[5:]

    bad[7] = np.nan
    sgd = optax.sgd(0.01)
    with pytest.raises(NumericsError, match="epoch 3, step 2: the loss is nan") as caught:
        fit(readout(), Data(), RULE, sgd, mse("out"), epochs=5, checkpoint=path)
    reached = caught.value.state
    assert reached.epochs == 2
    assert np.isfinite(by_path(reached.net)[TRAINED]).all()
    good = fit(
        readout(),
        [({"in.spike": inputs["in.spike"][s]}, targets[s]) for s in (slice(0, 5), slice(5, 10))],
        RULE,
        sgd,
        mse("out"),
        epochs=2,
        checkpoint=path,
        resume=True,
    )
    np.testing.assert_array_equal(good.history["loss"], reached.history["loss"])


def test_a_learning_rate_that_is_too_high_stops_it():
    with pytest.raises(NumericsError, match=r"epoch \d+, step 1: the loss is .*Lower the learning"):
        fit(readout(), regression(), RULE, optax.sgd(1e25), squared_error("out"), epochs=9)


INPUTS, TARGETS = regression()
NO_STEPS = {"in.spike": INPUTS["in.spike"][:, 0]}
WRONG = {
    "other examples": ((INPUTS, TARGETS[:4]), {}, ShapeError, "in.spike 10, targets 4"),
    "other outputs": (
        (INPUTS, TARGETS[..., :1]),
        {},
        ShapeError,
        r"\(2,\).*target of shape \(1,\)",
    ),
    "other steps": ((INPUTS, TARGETS[:, :5]), {}, ShapeError, r"\(5, 3\) for 5 steps"),
    "no steps": ((NO_STEPS, np.zeros(10)), {}, ShapeError, "no input has a row for each step"),
    "none": (({"in.spike": np.zeros((0, 2, 3))}, np.zeros(0)), {}, ShapeError, "at least one"),
    "a generator": ((x for x in [(INPUTS, TARGETS)]), {}, ConfigError, "a generator, which can be"),
    "no batches": ([], {}, ConfigError, "gave no batch"),
    "no pair": ([INPUTS], {}, ConfigError, "it has dict"),
    "a loss of runs": (
        (INPUTS, np.zeros(10, int)),
        {"loss": count_cross_entropy("out.y")},
        ConfigError,
        r"EProp\(.*\) sees one step at a time.*SpikeCount.*CountCrossEntropy\(signal='out\.y'\)",
    ),
    "no epochs": ((INPUTS, TARGETS), {"epochs": 0}, ConfigError, "epochs is 0"),
    "no batch size": ((INPUTS, TARGETS), {"batch_size": 0}, ConfigError, "batch_size is 0"),
    "no file": ((INPUTS, TARGETS), {"resume": True}, ConfigError, "say which"),
    "no validation": (
        (INPUTS, TARGETS),
        {"metrics": {"accuracy": accuracy}},
        ConfigError,
        "give some: validation",
    ),
    "a description": ((INPUTS, TARGETS), {"net": fit_case}, ConfigError, "needs a built network"),
}


@pytest.mark.parametrize(("data", "more", "error", "message"), WRONG.values(), ids=WRONG)
def test_misuse_is_named(data, more, error, message):
    options = {"net": readout(), "loss": mse("out"), "epochs": 2} | more
    with pytest.raises(error, match=message):
        fit(data=data, rule=RULE, optimizer=optax.sgd(0.1), **options)


def test_inputs_with_units_and_a_loss_that_names_no_signal():
    """A constant current for each example; the loss is a plain function."""
    cell = sx.LIF(I_e=0 * pA)
    net = sx.Network(
        {"E": sx.Population(cell, 4), "out": sx.Population(sx.LeakyReadout(20 * ms), 1)},
        [sx.Projection("E", "out", "input", sx.all_to_all(), sx.each(0.0))],
    ).build(dt=1 * ms)
    currents = np.asarray([[300.0] * 4, [600.0] * 4]) * pA
    targets = np.ones((2, 30, 1))
    found = fit(
        net,
        ({"E.current": currents}, targets),
        RULE,
        optax.sgd(1e-3),
        lambda y, target: ((y - target) ** 2).sum(),
        epochs=2,
        validation=({"E.current": currents}, targets),
    )
    np.testing.assert_allclose(found.history["loss"][0], 30)  # y is 0 throughout
    np.testing.assert_allclose(found.history["loss"][1], found.history["validation loss"][0])
    assert found.history["loss"][1] < 25


# Streams.


def stream(n=24):
    inputs, targets = regression(n)
    return {"in.spike": inputs["in.spike"][:, 0]}, targets[:, 0]


@pytest.mark.parametrize("every", [1, 3])
def test_a_stream_is_learned_step_by_step(x64, every):
    (inputs, targets), net, rate = stream(), readout(), 0.05
    options = {"update_every": every, "chunk": 9}
    found = fit_stream(
        net, (inputs, targets), RULE, optax.sgd(rate), squared_error("out"), **options
    )
    weights, kept, y = by_path(net)[TRAINED], np.zeros(N_IN), np.zeros(N_OUT)
    slope, losses = np.zeros_like(weights), []
    for t in range(24):
        kept = np.exp(-1 / 20) * kept + inputs["in.spike"][t]
        y = np.exp(-1 / 20) * y + inputs["in.spike"][t] @ weights  # with the weights of its time
        losses.append(((y - targets[t]) ** 2).sum() / 2)
        slope += np.outer(kept, y - targets[t])
        if t % every == every - 1:
            weights, slope = weights - rate * slope, np.zeros_like(weights)
    np.testing.assert_allclose(by_path(found.net)[TRAINED], weights, rtol=1e-10)
    expected = np.reshape(losses, (-1, every)).mean(1)
    np.testing.assert_allclose(found.losses, expected, rtol=1e-10)
    assert int(found.state.t) == 24


def test_a_stream_in_pieces_is_the_same_stream():
    inputs, targets = stream()
    adam, loss = optax.adam(0.05), squared_error("out")
    whole = fit_stream(readout(), (inputs, targets), RULE, adam, loss)
    parts = [({"in.spike": inputs["in.spike"][s]}, targets[s]) for s in (slice(0, 8), slice(8, 16))]
    first = fit_stream(readout(), parts, RULE, adam, loss)
    rest = {"in.spike": inputs["in.spike"][16:]}, targets[16:]
    last = fit_stream(readout(), rest, RULE, adam, loss, go_on=first)
    jax.tree.map(np.testing.assert_array_equal, last.net, whole.net)
    np.testing.assert_array_equal(np.append(first.losses, last.losses), whole.losses)


def test_a_stream_stops_where_it_is_not_finite():
    inputs, targets = stream()
    targets[13] = np.nan
    options = {"update_every": 2, "chunk": 6}
    with pytest.raises(NumericsError, match="steps 12 to 13 of the stream") as caught:
        fit_stream(
            readout(), (inputs, targets), RULE, optax.sgd(0.01), squared_error("out"), **options
        )
    assert np.isfinite(by_path(caught.value.state.net)[TRAINED]).all()
    assert len(caught.value.state.losses) == 6


def test_a_stream_that_cannot_be_cut_is_named():
    with pytest.raises(ShapeError, match=r"24 steps.*updates of 5.*the last 4"):
        fit_stream(readout(), stream(), RULE, optax.sgd(0.01), squared_error("out"), update_every=5)
    with pytest.raises(ConfigError, match="update_every is 0"):
        fit_stream(readout(), stream(), RULE, optax.sgd(0.01), mse("out"), update_every=0)


def test_a_stream_holds_no_more_for_more_steps():
    from spikax_learning._stream import _learned

    net, sgd = readout(), optax.sgd(0.01)
    carry = RULE.init(net, net.init_state(), squared_error("out"))

    def temporary(updates):
        rows = {"in.spike": jnp.zeros((updates, 1, N_IN))}, jnp.zeros((updates, 1, N_OUT))
        lowered = _learned.lower(carry, sgd.init(carry.weights), rows, rule=RULE, optimizer=sgd)
        return lowered.compile().memory_analysis().temp_size_in_bytes

    short, long = temporary(100), temporary(10_000)
    assert long <= 1.01 * short


def test_cross_entropy_can_ask_for_the_last_steps_alone():
    (inputs, labels), net = fit_case.examples(), fit_case.network()
    last = np.broadcast_to(np.arange(fit_case.STEPS) >= 10, (len(labels), fit_case.STEPS))
    options = {"epochs": 1, "metrics": {"accuracy": accuracy}}
    data = inputs, (labels, last.astype(float))
    found = fit(net, data, RULE, optax.sgd(0.0), cross_entropy("out"), validation=data, **options)

    def answer(spikes):
        _, seen = sx.simulate(
            net, net.init_state(), 15 * ms, inputs={"in.spike": spikes}, record={"out": "y"}
        )
        return seen["out.y"].values[10:]

    y = jax.vmap(answer)(jnp.asarray(inputs["in.spike"]))
    asked = jnp.broadcast_to(jnp.asarray(labels)[:, None], y.shape[:2])
    losses = optax.softmax_cross_entropy_with_integer_labels(y, asked).sum(1)
    np.testing.assert_allclose(found.history["loss"], losses.mean(), rtol=1e-5)
    np.testing.assert_allclose(found.history["validation loss"], losses.mean(), rtol=1e-5)
    expected = (y.sum(1).argmax(-1) == asked[:, 0]).mean()
    np.testing.assert_allclose(found.history["accuracy"], expected, rtol=1e-6)
