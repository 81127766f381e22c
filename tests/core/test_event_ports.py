"""Ports that keep events apart: what arrives, when, in which order, beside a list of all events."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import spikax as sx
from spikax.errors import ConfigError, NumericsError
from spikax.units import ms

N, DT, STEPS, LONGEST = 7, 0.5, 40, 4
pytestmark = pytest.mark.usefixtures("x64")


class SourceState(sx.State):
    """Two events per step, and their sum."""

    spike: jax.Array = sx.spike()
    events: jax.Array = sx.cell(doc="(2, neurons)")
    offset: jax.Array = sx.cell(ms, doc="(2, neurons)")


class Source(sx.Dynamics):
    """What comes at `first` and `second` goes out so long before the end of the step."""

    ports = {name: sx.Port() for name in ("first", "second", "early", "late")}
    State = SourceState

    @property
    def timed(self):
        return {"spike": "events"}

    def init_state(self, size, *, key, dt):
        pair = jnp.zeros((2, size))
        return super().init_state(size, key=key, dt=dt).replace(events=pair, offset=pair)

    def update(self, state, inputs, *, t, dt):
        events = jnp.stack([inputs["first"], inputs["second"]])
        offset = jnp.stack([inputs["early"], inputs["late"]]) * dt
        return SourceState(spike=events.sum(0), events=events, offset=offset)


class SinkState(sx.State):
    """What arrived in the last step."""

    weight: jax.Array = sx.cell(doc="(events, neurons)")
    offset: jax.Array = sx.cell(ms, doc="(events, neurons)")


class Sink(sx.Dynamics):
    """Keeps what arrives, of up to `most` events."""

    most: int = sx.static(24, doc="events")
    State = SinkState

    @property
    def ports(self):
        return {"syn": sx.Port(events=self.most)}

    def init_state(self, size, *, key, dt):
        none = jnp.zeros((self.most, size))
        return super().init_state(size, key=key, dt=dt).replace(weight=none, offset=none)

    def update(self, state, inputs, *, t, dt):
        return SinkState(weight=inputs["syn"].weight, offset=inputs["syn"].offset)


RNG = np.random.default_rng(0)
SYNAPSES = 3 * N
PRE, POST = RNG.integers(0, N, (2, SYNAPSES))
WEIGHT, DELAY = RNG.uniform(0.5, 2.0, SYNAPSES), RNG.integers(1, LONGEST + 1, SYNAPSES)
FIRST, SECOND = RNG.random((2, STEPS, N)) < 0.2
EARLY, LATE = np.sort(RNG.uniform(0, 1, (2, STEPS, N)), axis=0)[::-1]


def network(most=24, on_grid=False, delay=DELAY):
    source = sx.Relay() if on_grid else Source()
    synapses = sx.Projection(
        "in", "out", "syn", sx.explicit(PRE, POST), weight=WEIGHT, delay=delay * DT * ms
    )
    populations = {"in": sx.Population(source, N), "out": sx.Population(Sink(most=most), N)}
    return sx.Network(populations, [synapses]).build(dt=DT * ms, seed=1)


def inputs(on_grid=False):
    if on_grid:
        return {"in.spike": FIRST.astype(float)}
    given = {"first": FIRST, "second": SECOND, "early": EARLY, "late": LATE}
    return {f"in.{name}": values.astype(float) for name, values in given.items()}


def arrivals(model, given):
    """What is there after each step: (steps, events, neurons) of weights, and of offsets."""

    def step(state, now):
        after, _ = sx.simulate(model, state, DT * ms, inputs={n: v[None] for n, v in now.items()})
        return after, (after.nodes["out"].weight, after.nodes["out"].offset)

    return jax.lax.scan(step, model.init_state(), {n: jnp.asarray(v) for n, v in given.items()})[1]


def listed(step, target, on_grid=False):
    """The events that reach a neuron at the end of a step, by brute force."""
    found = []
    for s in np.flatnonzero(target == POST):
        sent = step - DELAY[s]
        if sent < 0:
            continue
        pairs = [(FIRST, EARLY)] if on_grid else [(FIRST, EARLY), (SECOND, LATE)]
        for there, offset in pairs:
            if there[sent, PRE[s]]:
                found.append((0.0 if on_grid else offset[sent, PRE[s]] * DT, WEIGHT[s]))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("on_grid", [False, True])
def test_all_events_arrive_in_time_the_earliest_first(on_grid):
    weight, offset = map(np.asarray, arrivals(network(on_grid=on_grid), inputs(on_grid)))
    seen = 0
    for step in range(STEPS):
        for target in range(N):
            expected = listed(step, target, on_grid)
            there = weight[step, :, target] != 0
            assert not np.any(there[len(expected) :])
            got = list(zip(offset[step, there, target], weight[step, there, target], strict=True))
            key = sorted(got, reverse=True) if on_grid else got
            np.testing.assert_allclose(
                np.reshape(key, (-1, 2)), np.reshape(expected, (-1, 2)), atol=1e-12
            )
            seen += len(expected)
    assert seen > 100


def test_a_delay_need_not_be_whole_steps():
    """Each event comes when it was sent and its delay later."""
    delay = DELAY + RNG.uniform(0, 1, SYNAPSES)
    weight, offset = map(np.asarray, arrivals(network(delay=delay), inputs()))
    step, _, target = np.nonzero(weight)
    found = [(step + 1) * DT - offset[weight != 0], weight[weight != 0], target]
    sent = [
        ((k + 1 + delay[s]) * DT - early[k, PRE[s]] * DT, WEIGHT[s], POST[s])
        for s in range(SYNAPSES)
        for there, early in ((FIRST, EARLY), (SECOND, LATE))
        for k in np.flatnonzero(there[:, PRE[s]])
    ]
    inside = sorted(event for event in sent if event[0] < STEPS * DT)
    assert len(inside) > 100
    found = np.transpose(found)
    np.testing.assert_allclose(found[np.lexsort(found.T[::-1])], inside, atol=1e-12)


def test_a_delay_below_a_step_is_refused():
    with pytest.raises(ConfigError, match=r"0\.25 ms, below one step"):
        network(delay=np.full(SYNAPSES, 0.5))


def test_a_sampled_delay_is_a_step_at_least_and_else_as_it_was_drawn():
    drawn = sx.Uniform(0.2 * DT * ms, 3 * DT * ms)
    populations = {"in": sx.Population(sx.Relay(), 40), "out": sx.Population(Sink(), 40)}
    synapses = sx.Projection("in", "out", "syn", sx.pairwise_bernoulli(0.9), 1.0, drawn)
    edge = sx.Network(populations, [synapses]).build(dt=DT * ms, seed=1).edges["in->out"]
    delay = np.asarray(edge.delays) * DT - np.asarray(edge.early)
    inside = delay[delay > DT * 1.001]
    assert delay.min() == DT
    assert np.mean(delay == DT) == pytest.approx(0.8 / 2.8, abs=0.05)
    assert stats.kstest(inside, stats.uniform(DT, 2 * DT).cdf).pvalue > 0.001


def test_what_finds_no_place_raises():
    with pytest.raises(NumericsError, match="overflow"):
        sx.simulate(network(most=1), network(most=1).init_state(), STEPS * DT * ms, inputs=inputs())


def test_the_gradient_of_what_arrives_is_that_of_each_weight():
    model = network()
    weights, rest = sx.select(model, sx.weights())

    def total(weights):
        return arrivals(sx.merge(weights, rest), inputs())[0].sum()

    found = np.asarray(jax.tree.leaves(jax.grad(total)(weights))[0])
    sent = FIRST.astype(int) + SECOND
    order = np.lexsort((POST, PRE))
    expected = [sent[: STEPS - DELAY[s], PRE[s]].sum() for s in order]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("more", [{}, {"solve": "fixed_point"}], ids=["in order", "together"])
def test_an_edge_without_delay_is_refused(more):
    with pytest.raises(ConfigError, match="keeps events apart"):
        sx.Network(
            {"in": sx.Population(Source(), N), "out": sx.Population(Sink(), N)},
            [sx.Projection("in", "out", "syn", sx.all_to_all(), weight=1.0, **more)],
        )


def test_an_input_is_refused():
    with pytest.raises(ConfigError, match="keeps events apart"):
        sx.simulate(network(), network().init_state(), DT * ms, inputs={"out.syn": np.ones(N)})
