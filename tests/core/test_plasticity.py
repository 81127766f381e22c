"""Weights that change: exact against every pair of spikes, and each rule keeps the contract.

The truth is written per synapse, event by event, from lists of spike times: no trace is stepped.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax import _conformance as kit
from spikax import _plastic_walk, ops
from spikax._fields import nested
from spikax._model_page import page
from spikax.errors import ConfigError, ShapeError, UnitError, UnknownNameError
from spikax.plugins import Model, registry
from spikax.testing import count_touched
from spikax.units import UNITLESS, Hz, ms, mV, nS, pA

pytestmark = pytest.mark.usefixtures("quick_compiler")

x64 = pytest.mark.usefixtures("x64")
PRE, POST, STEPS, DT, W_MAX = 5, 4, 160, 0.5, 10.0


class TargetState(sx.State):
    """Spikes, and what arrived in the last step."""

    spike: jax.Array = sx.spike()
    got: jax.Array = sx.cell(nS)
    got_slow: jax.Array = sx.cell(nS)


class Target(sx.Dynamics):
    """Spikes as it is told, and shows what arrives at `exc`."""

    ports = {
        "spike": sx.Port(),
        "exc": sx.Port(nS),
        "slow": sx.Port(nS),
        "syn": sx.Port(nS, ("a", "b")),
    }
    State = TargetState

    def update(self, state, inputs, *, t, dt):
        return TargetState(spike=inputs["spike"], got=inputs["exc"], got_slow=inputs["slow"])


def names():
    """Core's own rules; a plugin proves its own."""
    records = registry().records(Model).values()
    return [r.name for r in records if r.family == "plasticity" and r.target.startswith("spikax.")]


# Large enough for the weights of PairSTDP to reach the bounds, and of those that flow not to.
STRONG = {
    "PairSTDP": {"A_plus": 0.11, "A_minus": 0.13, "tau_plus": 9 * ms, "tau_minus": 14 * ms},
    "WeightDependentSTDP": {"A_plus": 0.11, "A_minus": 0.13, "tau_plus": 9 * ms, "mu": 0.4},
    "TripletSTDP": {"A2_plus": 0.05, "A3_plus": 0.04, "A2_minus": 0.07, "A3_minus": 0.02},
    "InhibitorySTDP": {"eta": 0.08, "rho_0": 12 * Hz, "tau": 11 * ms},
    "RewardSTDP": {
        "modulator": "dopamine.spike",
        "A_plus": 0.006,
        "A_minus": 0.007,
        "tau_c": 60 * ms,
        "tau_d": 25 * ms,
    },
    "HomeostaticScaling": {"rate": 40 * Hz, "beta": 0.05, "tau": 30 * ms},
}


def make(name, w_max=W_MAX * nS, **more):
    return sx.model(name)(w_max, **STRONG.get(name, {}), **more)


def trains(rng, size, rate=0.08):
    return (rng.random((STEPS, size)) < rate) * 1.0


RNG = np.random.default_rng(4)
SPIKES = {
    "pre.spike": trains(RNG, PRE),
    "post.spike": trains(RNG, POST),
    "dopamine.spike": trains(RNG, 2, 0.02),
}
WEIGHTS = sx.Uniform(0.2 * W_MAX * nS, 0.8 * W_MAX * nS)
DELAYS = sx.Uniform(1 * DT * ms, 9 * DT * ms)


def build(
    rule, connectivity=None, delay=DELAYS, weight=WEIGHTS, port="exc", release=(), n_pre=PRE, **more
):
    populations = {
        "pre": sx.Population(sx.Relay(), n_pre, dict(release)),
        "post": sx.Population(Target(), POST),
        "dopamine": sx.Population(sx.Relay(), 2),
    }
    projection = sx.Projection(
        "pre",
        "post",
        port,
        connectivity or sx.pairwise_bernoulli(0.6),
        weight,
        delay,
        plasticity=rule,
        **more,
    )
    return sx.Network(populations, [projection]).build(dt=DT * ms, seed=2)


RECORD = {"pre->post": "weight", "post": "got"}


def run(model, inputs=SPIKES, record=RECORD, chunk=STEPS):
    """Weights as they stand after each step, (STEPS, synapses), and what arrived."""
    return sx.simulate(
        model, model.init_state(), STEPS * DT * ms, inputs=inputs, record=record, chunk=chunk
    )


def synapses(edge):
    """Source, target, delay in steps and first weight of each synapse."""
    source = edge.format.pre_values(jnp.arange(edge.format.n_pre))
    delays = edge.delay if edge.delays is None else np.asarray(edge.delays, int)
    columns = (source, edge.format.targets, delays, edge.weight)
    return list(
        zip(*(np.ravel(np.broadcast_to(c, edge.format.shape)) for c in columns), strict=True)
    )


def times(table, neuron):
    """Stamps, in steps: the spike of row r is that of the step which ends at r + 1."""
    return (np.flatnonzero(table[:, neuron]) + 1).tolist()


def trace(stamps, now, tau, pairing):
    """The trace at `now` of the spikes strictly before."""
    past = [s for s in stamps if s < now]
    past = past[-1:] if pairing == "nearest" else past
    return sum(math.exp(-(now - s) * DT / tau) for s in past)


def value(rule, name):
    return float(getattr(rule, name))


def jump(rule, kind, now, pre, post, share):
    """The change of a synapse by one event, from all earlier spikes."""
    pairing = getattr(rule, "pairing", "all_to_all")

    def of(stamps, tau):
        return trace(stamps, now, value(rule, tau), pairing)

    if isinstance(rule, sx.TripletSTDP):
        r1, r2 = of(pre, "tau_plus"), of(pre, "tau_x")
        o1, o2 = of(post, "tau_minus"), of(post, "tau_y")
        if kind == "post":
            return r1 * (value(rule, "A2_plus") + value(rule, "A3_plus") * o2)
        return -o1 * (value(rule, "A2_minus") + value(rule, "A3_minus") * r2)
    if isinstance(rule, sx.InhibitorySTDP):
        if kind == "post":
            return value(rule, "eta") * of(pre, "tau")
        alpha = 2 * value(rule, "rho_0") * value(rule, "tau")
        return value(rule, "eta") * (of(post, "tau") - alpha)
    if isinstance(rule, sx.HomeostaticScaling):
        return 0.0
    mu = value(rule, "mu") if isinstance(rule, sx.WeightDependentSTDP) else 0.0
    if kind == "post":
        return value(rule, "A_plus") * (1 - share) ** mu * of(pre, "tau_plus")
    return -value(rule, "A_minus") * share**mu * of(post, "tau_minus")


class Synapse:
    """One synapse, from the spike times of its ends; `post` are the times at which it sees them."""

    def __init__(self, rule, w, pre, post, dopamine):
        self.rule, self.pre, self.post, self.dopamine = rule, pre, post, dopamine
        self.first, self.jumps, self.sent, self.steps = w, [], {}, []
        self.w = w
        events = sorted([(s, 0) for s in post] + [(s, 1) for s in pre])
        for now, is_pre in events:
            self.event(now, "pre" if is_pre else "post")

    def event(self, now, kind):
        w = self.at(now)
        change = jump(self.rule, kind, now, self.pre, self.post, w / W_MAX)
        if isinstance(self.rule, sx.RewardSTDP):
            self.jumps.append((now, change))
        elif not isinstance(self.rule, sx.HomeostaticScaling):
            self.w = min(max(w + W_MAX * change, 0.0), W_MAX)
            self.steps.append((now, self.w))
        if kind == "pre":
            self.sent[now] = self.at(now)

    def at(self, now):
        """The weight just before the next event, from closed forms alone."""
        if isinstance(self.rule, sx.RewardSTDP):
            return self.first + W_MAX * sum(self.reward(now, s, c) for s, c in self.jumps)
        if isinstance(self.rule, sx.HomeostaticScaling):
            tau, seen = value(self.rule, "tau"), [s for s in self.post if s < now]
            spikes = sum(1 - math.exp(-(now - s) * DT / tau) for s in seen)
            rate = value(self.rule, "rate")
            return self.first * math.exp(value(self.rule, "beta") * (rate * now * DT - spikes))
        return self.w

    def reward(self, now, s, c):
        """Integral of eligibility times dopamine, one product of exponentials for each pair."""
        tau_c, tau_d = value(self.rule, "tau_c"), value(self.rule, "tau_d")
        rate, total = 1 / tau_c + 1 / tau_d, 0.0
        for d, count in self.dopamine:
            both = max(s, d)
            if both < now:
                start = math.exp(-(both - s) * DT / tau_c - (both - d) * DT / tau_d) / tau_d
                total += count * c * start * (1 - math.exp(-(now - both) * DT * rate)) / rate
        return total

    def after(self, step):
        """The weight that a recording shows at the end of a step, before the events then."""
        if self.steps:
            return next((w for s, w in reversed(self.steps) if s < step), self.first)
        return self.at(step)


def reference(edge, rule, pre, post, dopamine, sends=None):
    """Weights after each step and arrivals, synapse by synapse, from tables of spikes."""
    sends = pre if sends is None else sends
    weights, arrived = [], np.zeros((STEPS, edge.format.n_post))
    rewards = [(s + 1, count) for s, count in enumerate(dopamine.sum(1)) if count]
    for i, j, delay, w in synapses(edge):
        seen = [s + int(delay) for s in times(post, j)]
        synapse = Synapse(rule, float(w), times(pre, i), seen, rewards)
        weights.append([synapse.after(step) for step in range(1, STEPS + 1)])
        for s, sent in synapse.sent.items():
            if s + delay <= STEPS:
                arrived[s + delay - 1, j] += sent * sends[s - 1, i]
    return np.array(weights).T, arrived


def check_exact(rule, model, inputs=SPIKES, chunk=STEPS):
    _, rec = run(model, inputs, chunk=chunk)
    weights, arrived = reference(model.edges["pre->post"], rule, *inputs.values())
    assert np.abs(rec["pre->post.weight"].values - weights).max() <= 1e-12 * W_MAX
    assert np.abs(rec["post.got"].values - arrived).max() <= 1e-12 * W_MAX
    assert np.abs(weights - weights[0]).max() > 0.05 * W_MAX
    return weights


RULES = {name: make(name) for name in names()}
RULES |= {
    f"{name}, nearest": make(name, pairing="nearest")
    for name in ("PairSTDP", "WeightDependentSTDP", "TripletSTDP", "RewardSTDP")
}


@x64
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_weights_and_arrivals_are_those_of_every_event(rule):
    """A sparse projection whose synapses have delays of their own; many spikes coincide."""
    weights = check_exact(rule, build(rule))
    if type(rule) is sx.PairSTDP:
        assert weights.min() == 0 or weights.max() == W_MAX


LAYOUTS = {
    "dense, one step": (sx.all_to_all(), "dense", DT * ms),
    "dense, one delay": (sx.all_to_all(), "dense", 4 * DT * ms),
    "dense, a delay each": (sx.all_to_all(), "dense", DELAYS),
    "one to one, one step": (sx.one_to_one(), "one_to_one", DT * ms),
    "one to one, one delay": (sx.one_to_one(), "one_to_one", 4 * DT * ms),
    "one to one, a delay each": (sx.one_to_one(), "one_to_one", DELAYS),
    "csr, one delay": (sx.fixed_indegree(3), "csr", 4 * DT * ms),
    "fan-out, one step": (sx.fixed_outdegree(3), "fixed_fan_out", DT * ms),
    "fan-out, a delay each": (sx.fixed_outdegree(3), "fixed_fan_out", DELAYS),
}


@x64
@pytest.mark.parametrize(("connectivity", "name", "delay"), LAYOUTS.values(), ids=LAYOUTS)
def test_every_format_and_kind_of_delay_is_exact(connectivity, name, delay):
    rule, n_pre = make("PairSTDP"), POST if name == "one_to_one" else PRE
    model = build(rule, connectivity, delay, n_pre=n_pre)
    assert model.edges["pre->post"].format.name == name
    check_exact(rule, model, SPIKES | {"pre.spike": SPIKES["pre.spike"][:, :n_pre]})


LARGE = {name: layout for name, layout in LAYOUTS.items() if not name.startswith("one to one")}


@x64
@pytest.mark.parametrize(("connectivity", "name", "delay"), LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("kind", ["PairSTDP", "TripletSTDP"])
def test_the_loops_that_large_projections_take_are_exact(
    connectivity, name, delay, kind, monkeypatch
):
    """The same truth, event by event, for the loops over rows and columns."""
    monkeypatch.setattr(_plastic_walk, "FEWEST", 0)
    rule = make(kind)
    model = build(rule, connectivity, delay)
    edge = model.edges["pre->post"]
    silent = {"spike": jnp.zeros(PRE)}, {"spike": jnp.zeros(POST)}
    assert count_touched(edge, edge.init_state(), *silent, t=jnp.int32(9), dt=DT) == 0
    # Another length of chunk is another program: those of the tests above have no loops.
    check_exact(rule, model, chunk=STEPS + 1)


class Counting(sx.Plasticity):
    """Each spike of the source is counted; the weight, which is sent, stays as it is."""

    variables = ("count",)

    def on_pre(self, at):
        return {"count": jnp.ones_like(at["count"])}


@x64
@pytest.mark.parametrize("chunk", [STEPS, 7])
def test_what_a_loop_changes_beside_a_weight_that_stays_is_kept(chunk, monkeypatch):
    """Nothing orders the loop that counts and the one that sends: XLA once lost the counts."""
    monkeypatch.setattr(_plastic_walk, "FEWEST", 0)
    model = build(Counting(None), LISTED)
    end, _ = run(model, SPIKES, {}, chunk=chunk)
    spikes = model.edges["pre->post"].format.pre_values(jnp.asarray(SPIKES["pre.spike"].sum(0)))
    np.testing.assert_array_equal(end.edges["pre->post"].variables["count"], spikes)


@x64
@pytest.mark.parametrize("name", ["PairSTDP", "TripletSTDP"])
def test_recurrent_network_learns_from_its_own_spikes(name):
    """The spikes that the network made, taken as lists, explain every weight."""
    rule, size = make(name, W_MAX * mV), 6
    rng = np.random.default_rng(1)
    cell = sx.LIF(tau_m=10 * ms, I_e=rng.uniform(300, 600, size) * pA)
    weight = sx.Uniform(0.1 * W_MAX * mV, 0.5 * W_MAX * mV)
    projection = sx.Projection(
        "E", "E", "delta", sx.pairwise_bernoulli(0.5), weight, DELAYS, plasticity=rule
    )
    model = sx.Network({"E": sx.Population(cell, size)}, [projection]).build(dt=DT * ms, seed=3)
    _, rec = run(model, {}, {"E->E": "weight", "E": "spike"})
    table = np.zeros((STEPS, size))
    table[rec["E.spike"].steps - 1, rec["E.spike"].ids] = 1
    weights, _ = reference(model.edges["E->E"], rule, table, table, np.zeros((STEPS, 1)))
    assert table.sum() > 20
    assert np.abs(weights - weights[0]).max() > 0.05 * W_MAX
    assert np.abs(rec["E->E.weight"].values - weights).max() <= 1e-12 * W_MAX


@x64
def test_spikes_teach_whatever_is_sent():
    """A release with short-term plasticity scales what arrives, the weights learn from spikes."""
    rule = make("PairSTDP")
    model = build(rule, release={"stp": sx.STP()}, signal="stp")
    _, rec = run(model, record={**RECORD, "pre": "stp"})
    sends = rec["pre.stp"].values
    weights, arrived = reference(model.edges["pre->post"], rule, *SPIKES.values(), sends)
    assert np.abs(rec["pre->post.weight"].values - weights).max() <= 1e-12 * W_MAX
    assert np.abs(rec["post.got"].values - arrived).max() <= 1e-12 * W_MAX
    assert 0 < sends[sends > 0].min() < 0.5 * sends.max()


@x64
def test_negative_weights_mirror_positive_ones():
    rule = make("InhibitorySTDP")
    start = np.random.default_rng(0).uniform(1, 9, (PRE, POST)) * nS
    rows = [
        run(build(rule.replace(w_max=sign * W_MAX * nS), sx.all_to_all(), weight=sign * start))[1]
        for sign in (1, -1)
    ]
    for path in ("pre->post.weight", "post.got"):
        assert np.array_equal(rows[0][path].values, -rows[1][path].values)
    assert rows[0]["post.got"].values.max() > 1


class SynapsesState(sx.State):
    """The state of an edge, and what it delivered last."""

    edge: object = nested()
    out: jax.Array = sx.cell(nS)


class Synapses(sx.System):
    """A plastic edge alone, as a system that the conformance kit can take."""

    edge: object = sx.part()
    ports = {"pre": sx.Port(), "post": sx.Port(), "mod": sx.Port()}
    signals = {"weight": nS, "out": nS}

    def init_state(self, size=None, *, key=None, dt=DT):
        return SynapsesState(edge=self.edge.init_state(), out=jnp.zeros(self.edge.format.n_post))

    def update(self, state, inputs, *, t, dt):
        pre, post = ({"spike": inputs[end]} for end in ("pre", "post"))
        mod = dict.fromkeys(self.edge.reads["mod"], inputs["mod"])
        edge, sent = self.edge.update(state.edge, pre, post, mod, t=t, dt=dt)
        return SynapsesState(edge=edge, out=ops.forward(self.edge.format, sent.weight, sent.x))

    def read(self, state, name):
        return state.out if name == "out" else self.edge.read(state.edge, name)


def arrivals(steps, seed=3):
    rng = np.random.default_rng(seed)
    shapes = {"pre": PRE, "post": POST, "mod": 2}
    return {n: jnp.asarray((rng.random((steps, size)) < 0.12) * 1.0) for n, size in shapes.items()}


def alone(rule):
    """Synapses with weights far from the bounds."""
    weight, delay = sx.Uniform(4 * nS, 6 * nS), sx.Uniform(1 * DT * ms, 4 * DT * ms)
    return Synapses(build(rule, delay=delay, weight=weight).edges["pre->post"])


@x64
@pytest.mark.parametrize("name", names())
def test_rule_keeps_the_contract(name, tmp_path):
    """In mid-flight: jit, vmap, split scans, a file, other base units."""
    model, half = alone(make(name)), kit.STEPS // 2

    @jax.jit
    def run(state, inputs, t):
        return kit._run(kit.Case(model, state, inputs, DT, t))[0]

    @jax.jit
    def step(state, inputs, t):
        return model.update(state, inputs, t=t, dt=DT)

    t, inputs = jnp.int32(kit.STEPS), arrivals(kit.STEPS, 7)
    state = run(model.init_state(), arrivals(kit.STEPS), 0)
    synapses = kit.Case(model, state, inputs, DT, kit.STEPS)
    kit._units(synapses)
    one = (state, synapses.first)
    kit._same(synapses.step(*one, t), step(*one, t), "jit differs from eager", rtol=1e-12)
    both = jax.tree.map(lambda x: jnp.stack([x, x * 0.7]), one)
    mapped = jax.jit(jax.vmap(step, in_axes=(0, 0, None)))(*both, t)
    for i in range(2):
        given, got = (jax.tree.map(lambda x, i=i: x[i], tree) for tree in (both, mapped))
        kit._same(step(*given, t), got, "vmap differs from a loop", rtol=1e-12)
    sx.save_state(tmp_path / "state", state)
    loaded = sx.load_state(tmp_path / "state", like=model.init_state())
    first, last = ({n: v[part] for n, v in inputs.items()} for part in np.split(range(8), [half]))
    middle = run(loaded, first, t)
    end = run(middle, last, t + half)
    kit._same(run(state, inputs, t), end, "a loaded state or a split scan goes on differently")


@x64
@pytest.mark.parametrize("rule", [*map(make, names()), make("TripletSTDP", pairing="nearest")])
def test_gradients_by_parameters_first_weights_and_spikes(rule):
    """Forward mode, reverse mode and finite differences, each leaf along a random direction."""
    steps, rng, model = 20, np.random.default_rng(8), alone(rule)
    point = [leaf.value for leaf in sx.leaves(model) if sx.floats(leaf)]
    point += arrivals(steps).values()
    directions = [rng.uniform(0.5, 1.5, np.shape(p)) for p in point]
    by_signal = {n: rng.uniform(0.5, 1.5, steps) for n in Synapses.signals}

    def rows(shift):
        moved = [p + shift[i] * directions[i] for i, p in enumerate(point)]
        inputs = dict(zip(("pre", "post", "mod"), moved[-3:], strict=True))
        moving = kit._fill(model, moved[:-3])
        return kit._run(kit.Case(moving, moving.init_state(), inputs, DT, 0))[1]

    def value(shift):
        return sum(jnp.sum(by_signal[n] @ row) for n, row in rows(shift).items())

    widths = np.array([1e-5 * max(float(jnp.abs(p).max()), 1e-2) for p in point])
    shifts = jnp.asarray(np.concatenate([np.diag(widths), -np.diag(widths)]))
    moved = jax.jit(jax.vmap(rows))(shifts)
    assert 0.01 * W_MAX < moved["weight"].min() < moved["weight"].max() < 0.99 * W_MAX
    ahead, behind = np.split(sum((by_signal[n] @ row).sum(-1) for n, row in moved.items()), 2)
    still, along = jnp.zeros(len(point)), jnp.asarray(rng.normal(size=len(point)))
    reverse = jax.jit(jax.grad(value))(still)
    here, forward = jax.jit(lambda s: jax.jvp(value, (s,), (along,)))(still)
    assert np.isclose(forward, reverse @ along, rtol=1e-10)
    noise = 1e-9 * abs(float(here)) / widths
    difference = (ahead - behind) / (2 * widths)
    assert np.all(np.abs(reverse - difference) < 1e-6 * np.abs(difference) + noise)
    assert np.count_nonzero(reverse) >= len(point) - 2


@x64
@pytest.mark.parametrize("name", ["PairSTDP", "WeightDependentSTDP"])
@pytest.mark.parametrize("start", [0.0, W_MAX])
def test_weights_on_a_bound_keep_their_gradient(name, start):
    model = alone(make(name))

    @jax.jit
    @jax.grad
    def gradient(w, inputs):
        state = model.init_state()
        state = state.replace(edge=state.edge.replace(weight=w))
        return kit._run(kit.Case(model, state, inputs, DT, 0))[0].edge.weight.sum()

    w, inputs = jnp.full_like(model.edge.weight, start), arrivals(kit.STEPS)
    assert np.array_equal(gradient(w, jax.tree.map(jnp.zeros_like, inputs)), np.ones(w.shape))
    assert np.all(np.isfinite(gradient(w, inputs)))


def sizes(state):
    """Numbers that a state holds, by kind."""
    by_kind = {}
    for leaf in sx.leaves(state):
        by_kind[leaf.kind] = by_kind.get(leaf.kind, 0) + leaf.value.size
    return by_kind


@pytest.mark.parametrize("delay", [3 * DT * ms, sx.each(3 * DT * ms)], ids=["one", "each"])
@pytest.mark.parametrize("k", [2, 20])
def test_a_state_holds_the_weights_and_one_number_per_neuron_and_trace(k, delay):
    """Twenty multapses in place of two: more weights, and nothing else."""
    edge = build(make("TripletSTDP"), sx.fixed_outdegree(k), delay).edges["pre->post"]
    traces, history = 2 * (PRE + POST), 4 * 3 * POST
    expected = {"weight": k * PRE, "trace": traces + history}
    assert sizes(edge.init_state()) == expected


def test_only_eligibility_is_kept_per_synapse():
    edge = build(make("RewardSTDP"), sx.fixed_outdegree(50), DT * ms).edges["pre->post"]
    assert edge.signals == {"weight": nS, "eligibility": UNITLESS}
    per_neuron = PRE + POST + 1 + 2 * 2 * POST
    assert sizes(edge.init_state()) == {"weight": 50 * PRE, "trace": 50 * PRE + per_neuron}


def test_one_weight_serves_several_receptors():
    net = build(make("PairSTDP"), port={"exc": 1, "slow": 0.25})
    _, rec = sx.simulate(
        net,
        net.init_state(),
        10 * DT * ms,
        inputs={"pre.spike": np.ones((10, PRE))},
        record={"post": ["got", "got_slow"]},
    )
    exc, slow = (np.asarray(rec[f"post.{name}"].values) for name in ("got", "got_slow"))
    assert exc.max() > 0
    assert np.array_equal(slow, 0.25 * exc)


def test_a_named_channel_takes_plastic_synapses():
    edge = build(make("PairSTDP"), sx.all_to_all(), DT * ms, port="syn.b").edges["pre->post"]
    spikes = {"spike": jnp.ones(PRE)}, {"spike": jnp.zeros(POST)}
    state, sent = edge.update(edge.init_state(), *spikes, {}, t=jnp.int32(0), dt=DT)
    arrived = edge.at_ports(ops.forward(edge.format, sent.weight, sent.x))
    assert edge.channel == 1
    assert np.allclose(arrived["syn"], state.weight.sum(0))


@pytest.mark.parametrize("name", names())
def test_a_rule_has_a_page(name):
    content = page(registry().find(Model, name))
    rows = {row["name"]: row for row in content["parameters"]}
    assert rows["w_max"]["default"] == "required"
    assert all(row["meaning"] for row in rows.values())
    assert content["reference"].split()[0] in content["equations"]


WRONG = {
    "no rule": (
        lambda: build(0.1),
        ConfigError,
        r"plasticity is 0.1; give a rule such as PairSTDP",
    ),
    "scalar weight": (
        lambda: build(make("PairSTDP"), weight=5 * nS),
        ConfigError,
        r"PairSTDP on edge 'pre->post' .* write weight=sx\.each\(5\.?\*nS\)",
    ),
    "weights too large": (
        lambda: build(make("PairSTDP"), weight=sx.each(11 * nS)),
        ConfigError,
        r"weights of edge 'pre->post' lie between 11 and 11 nS, .* between 0 and w_max = 10",
    ),
    "weights of the other sign": (
        lambda: build(make("PairSTDP"), weight=sx.each(-1 * nS)),
        ConfigError,
        "lie between -1 and -1",
    ),
    "no room for weights": (
        lambda: build(make("PairSTDP", 0 * nS), weight=sx.each(0 * nS)),
        ConfigError,
        "between 0 and w_max = 0",
    ),
    "no delay": (
        lambda: build(make("PairSTDP"), delay=None),
        ConfigError,
        "PairSTDP on edge 'pre->post' needs a delay of dt or more",
    ),
    "no w_max": (lambda: sx.PairSTDP(), ConfigError, "PairSTDP needs a value for w_max"),
    "unit of w_max": (
        lambda: build(make("PairSTDP", 10 * pA)),
        UnitError,
        r"PairSTDP\.w_max on edge 'pre->post' needs a quantity in nS, got .* pA",
    ),
    "w_max without a unit": (
        lambda: build(make("PairSTDP", 10.0)),
        UnitError,
        r"bare number 10\.0; did you mean 10\.0\*nS",
    ),
    "w_max that is not finite": (
        lambda: build(make("PairSTDP", np.inf * nS)),
        ConfigError,
        "must be finite",
    ),
    "w_max per synapse": (
        lambda: build(sx.PairSTDP([11.0, 12.0] * nS)),
        ShapeError,
        r"PairSTDP\.w_max of edge 'pre->post' has shape \(2,\); expected one number, \(\d+,\) for",
    ),
    "a parameter per synapse": (
        lambda: build(sx.PairSTDP(W_MAX * nS, A_plus=[0.1, 0.2])),
        ShapeError,
        r"PairSTDP\.A_plus of edge 'pre->post' has shape \(2,\)",
    ),
    "a time constant per synapse": (
        lambda: sx.PairSTDP(1 * nS, tau_plus=[10.0, 20.0] * ms),
        ConfigError,
        r"PairSTDP\.tau_plus is .*; a trace decays by one number",
    ),
    "a distribution of time constants": (
        lambda: sx.PairSTDP(1 * nS, tau_minus=sx.Uniform(10 * ms, 20 * ms)),
        ConfigError,
        r"PairSTDP\.tau_minus is Uniform.*; a trace decays by one number",
    ),
    "channels": (
        lambda: build(make("PairSTDP"), port="syn"),
        ConfigError,
        r"ends on one channel of port 'syn'; name it, 'syn\.a'",
    ),
    "diffusive": (
        lambda: build(make("PairSTDP"), diffusive=True),
        ConfigError,
        "is diffusive and has a delay",
    ),
    "pairing": (
        lambda: make("PairSTDP", pairing="some"),
        UnknownNameError,
        r"choice for PairSTDP\.pairing 'some'",
    ),
    "no modulator": (
        lambda: sx.RewardSTDP(1 * nS),
        ConfigError,
        "RewardSTDP needs a value for modulator",
    ),
    "modulator": (
        lambda: build(sx.RewardSTDP(10 * nS, modulator="dopa.spike")),
        UnknownNameError,
        r"population \(modulator of RewardSTDP on edge 'pre->post'\) 'dopa'; did you mean",
    ),
    "signal of the modulator": (
        lambda: build(sx.RewardSTDP(10 * nS, modulator="dopamine.spikes")),
        UnknownNameError,
        "signal of population 'dopamine' 'spikes'; did you mean 'spike'",
    ),
    "unit of the modulator": (
        lambda: build(sx.RewardSTDP(10 * nS, modulator="post.got")),
        UnitError,
        r"modulator 'post\.got', which is in nS; it needs plain numbers, such as 'post\.spike'",
    ),
}


@pytest.mark.parametrize(("attempt", "error", "match"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_learnt_is_refused(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()


def test_a_target_that_does_not_spike_is_refused():
    with pytest.raises(UnknownNameError, match="signal of population 'out' 'spike'"):
        sx.Network(
            {"pre": sx.Population(sx.Relay(), 1), "out": sx.Population(sx.LeakyReadout(), 1)},
            [
                sx.Projection(
                    "pre",
                    "out",
                    "input",
                    sx.all_to_all(),
                    sx.each(0.5),
                    1 * ms,
                    plasticity=sx.PairSTDP(1.0),
                )
            ],
        )


@pytest.fixture(params=[0, 10**9], ids=["loops", "all synapses"])
def either_way(request, monkeypatch):
    """By the loops of large projections, and without them."""
    monkeypatch.setattr(_plastic_walk, "FEWEST", request.param)
    jax.clear_caches()


PAIRS = np.random.default_rng(3).permutation(PRE * POST)[:12]
LISTED = sx.explicit(PAIRS // POST, PAIRS % POST)


@x64
@pytest.mark.usefixtures("either_way")
def test_each_synapse_may_have_parameters_and_a_bound_of_its_own():
    """Listed in any order; each is as in a projection where all have its values."""
    kinds = [
        {"w_max": W_MAX * nS, "A_plus": 0.11, "A_minus": 0.02},
        {"w_max": 2 * W_MAX * nS, "A_plus": 0.03, "A_minus": 0.13},
    ]
    which = np.arange(12) % 2
    alike = [run(build(sx.PairSTDP(**kind), LISTED))[1]["pre->post.weight"] for kind in kinds]
    each = {
        "w_max": np.array([W_MAX, 2 * W_MAX])[which] * nS,
        "A_plus": np.array([0.11, 0.03])[which],
        "A_minus": np.array([0.02, 0.13])[which],
    }
    weights = run(build(sx.PairSTDP(**each), LISTED))[1]["pre->post.weight"].values
    for k, synapse in enumerate(np.argsort(PAIRS)):
        assert np.array_equal(weights[:, k], alike[which[synapse]].values[:, k])


@x64
def test_parameters_may_be_drawn():
    edge = build(sx.InhibitorySTDP(W_MAX * nS, eta=sx.Uniform(0.1, 0.2))).edges
    eta = edge["pre->post"].rule.eta
    assert eta.shape == edge["pre->post"].format.shape
    assert 0.1 <= eta.min() < eta.max() <= 0.2


@x64
def test_traces_of_neurons_may_decay_each_by_its_own():
    class OfNeurons(sx.PairSTDP):
        per_neuron = ("tau_plus", "tau_minus")

    taus = {"tau_plus": np.linspace(5, 20, PRE) * ms, "tau_minus": np.linspace(5, 30, POST) * ms}
    weights = run(build(OfNeurons(W_MAX * nS, A_plus=0.05, A_minus=0.06, **taus), LISTED))[1]
    for k, pair in enumerate(np.sort(PAIRS)):
        i, j = divmod(int(pair), POST)
        own = {"tau_plus": taus["tau_plus"][i], "tau_minus": taus["tau_minus"][j]}
        alike = build(sx.PairSTDP(W_MAX * nS, A_plus=0.05, A_minus=0.06, **own), LISTED)
        expected = run(alike)[1]["pre->post.weight"].values[:, k]
        assert np.array_equal(weights["pre->post.weight"].values[:, k], expected)
    with pytest.raises(ShapeError, match=rf"OfNeurons\.tau_plus .* or \({PRE},\) for the neurons"):
        build(OfNeurons(W_MAX * nS, tau_plus=[1.0, 2.0] * ms))


class Releasing(sx.Plasticity):
    """Sends a random share of a weight that has no bounds, and keeps what it saw."""

    start: jax.Array = sx.param(3.0, doc="what `age` is at first")
    pre_clocks = {"since": 0, "since_spike": -1e30}
    variables = {"age": "start", "first": 0.5, "sent": "weight"}
    sends = "sent"
    random = True

    def on_pre(self, at):
        return {
            "age": at["since"] - at["age"],
            "first": jnp.where(at["since_spike"] > 1e20, 1.0, 0.0) - at["first"],
            "sent": at["weight"] * at["uniform"] - at["sent"],
        }


@x64
@pytest.mark.usefixtures("either_way")
def test_a_synapse_sees_the_last_spike_and_random_numbers_and_sends_what_the_rule_says():
    rule = Releasing(None, start=np.arange(12.0))
    model = build(rule, LISTED, weight=sx.Uniform(-5 * nS, 5 * nS))
    record = {"pre->post": ["age", "first", "sent"], "post": "got"}
    _, rec = run(model, record=record)
    age, first, sent = (rec[f"pre->post.{n}"] for n in ("age", "first", "sent"))
    assert (age.unit, sent.unit) == (UNITLESS, nS)
    arrived, shares = np.zeros((STEPS + 20, POST)), []
    for k, (i, j, delay, w) in enumerate(synapses(model.edges["pre->post"])):
        stamps = [s for s in times(SPIKES["pre.spike"], i) if s < STEPS]
        assert age.values[0, k] == np.argsort(PAIRS)[k]
        assert first.values[0, k] == 0.5
        assert np.allclose(age.values[stamps, k], np.diff(stamps, prepend=0) * DT)
        assert np.array_equal(first.values[stamps, k], np.arange(len(stamps)) == 0)
        np.add.at(arrived[:, j], np.array(stamps) + int(delay) - 1, sent.values[stamps, k])
        shares.append(sent.values[stamps, k] / w)
    assert np.allclose(rec["post.got"].values, arrived[:STEPS], atol=1e-12)
    shares = np.concatenate(shares)
    assert len(np.unique(shares)) == len(shares) > 100
    assert shares.min() >= 0
    assert shares.max() < 1
    assert abs(shares.mean() - 0.5) < 4 / np.sqrt(12 * len(shares))


class InTurn(sx.Plasticity):
    """Notes what it sees of its source at each event, and when that is."""

    variables = ("turn", "turn_late", "time")
    sends = "turn"
    source_values = ("turns",)
    timed = True
    modulators = ("pre.spike",)

    def of_sources(self, mod, size):
        return {"turns": jnp.cumsum(mod["pre.spike"])[:size]}

    def on_post(self, at):
        return {"turn_late": at["turns"] - at["turn_late"]}

    def on_pre(self, at):
        return {"turn": at["turns"] - at["turn"], "time": at["step"] * at["dt"] - at["time"]}


@x64
@pytest.mark.usefixtures("either_way")
def test_a_synapse_sees_what_modulators_say_of_its_source():
    """Here of how many sources that spike in the same step it is the turn up to its own."""
    model = build(InTurn(None), LISTED)
    _, rec = run(model, record={"pre->post": ["turn", "turn_late", "time"]})
    turn, late, time = (rec[f"pre->post.{n}"].values for n in ("turn", "turn_late", "time"))
    expected = np.cumsum(SPIKES["pre.spike"], axis=1)
    assert expected.max() > 1
    for k, (i, j, delay, _) in enumerate(synapses(model.edges["pre->post"])):
        stamps = np.array([s for s in times(SPIKES["pre.spike"], i) if s < STEPS])
        assert np.array_equal(turn[stamps, k], expected[stamps - 1, i])
        assert np.array_equal(time[stamps, k], stamps * DT)
        arrivals = np.array(times(SPIKES["post.spike"], j)) + int(delay)
        arrivals = arrivals[arrivals < STEPS]
        assert np.array_equal(late[arrivals, k], expected[arrivals - 1, i])


@x64
def test_random_numbers_depend_on_the_seed_and_on_nothing_else(monkeypatch):
    model, sent = build(Releasing(None), LISTED), []
    for fewest, chunk, key in ((0, STEPS, 1), (10**9, STEPS, 1), (10**9, 37, 1), (10**9, 37, 2)):
        monkeypatch.setattr(_plastic_walk, "FEWEST", fewest)
        jax.clear_caches()
        _, rec = sx.simulate(
            model,
            model.init_state(key=key),
            STEPS * DT * ms,
            inputs=SPIKES,
            record={"pre->post": "sent"},
            chunk=chunk,
        )
        sent.append(rec["pre->post.sent"].values)
    assert np.array_equal(sent[0], sent[1])
    assert np.array_equal(sent[1], sent[2])
    assert not np.array_equal(sent[2], sent[3])
