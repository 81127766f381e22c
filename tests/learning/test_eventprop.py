"""EventProp against a solution of its own in NumPy, and that solution's finite differences.

The truth is the closed form of V(t), a sum over all arrivals since the last reset; spike times are
found by looking at V(t) on a fine grid and halving. It shares no code with the rule.
"""

import collections
import heapq
import itertools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, NumericsError, ShapeError, UnknownNameError
from spikax.testing import count_compilations
from spikax.units import ms, mV, pA, pF
from spikax_learning import EventProp, explain
from spikax_learning._crossing import Membranes, first_crossing

N_IN, N_HID, N_OUT, END = 4, 5, 3, 25.0
RULE = EventProp(duration=END * ms, max_spikes=200, first=2)


def cells(tau_s=5, **more):
    values = dict(tau_m=10 * ms, E_L=-60 * mV, V_th=-50 * mV, V_reset=-63 * mV, C_m=100 * pF)
    lif = sx.LIF(**values | {"t_ref": 0 * ms} | more)
    return sx.Cell(lif, syn=sx.Receptor(sx.Expon(tau_s * ms), sx.CUBA()))


def network(*projections, hidden=None, out=None):
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "H": sx.Population(hidden or cells(), N_HID),
            "O": sx.Population(out or cells(), N_OUT),
            "y": sx.Population(sx.LeakyReadout(8 * ms), 2),
        },
        [*projections, sx.Projection("H", "y", "input", sx.all_to_all(), sx.Normal(0.0, 1.0))],
    )


def syn(pre, post, rule, mean, spread, delay=None, **more):
    return sx.Projection(pre, post, "syn", rule, sx.Normal(mean * pA, spread * pA), delay, **more)


def layers():
    """Dense, nothing delayed, no recurrence."""
    return network(syn("in", "H", sx.all_to_all(), 130, 60), syn("H", "O", sx.all_to_all(), 90, 60))


def delayed():
    """Recurrent both ways; every format; delays of all kinds; neurons that differ."""
    delays = sx.Uniform(1 * ms, 4 * ms)
    return network(
        syn("in", "H", sx.pairwise_bernoulli(0.7), 200, 60, delays),
        syn("H", "H", sx.fixed_outdegree(2), 0, 80, 1.5 * ms),
        syn("H", "O", sx.all_to_all(), 110, 60, delays),
        syn("O", "H", sx.pairwise_bernoulli(0.6), 0, 80, 2 * ms),
        syn("O", "O", sx.one_to_one(), -60, 20, 1 * ms),
        hidden=cells(tau_m=[8, 10, 12, 9, 11] * ms, I_e=[0, 20, 40, 10, 30] * pA),
        # Slower synapses than membranes, and both equal: other branches of the closed form.
        out=cells(tau_s=10, tau_m=[7, 10, 14] * ms, I_e=30 * pA),
    )


def driven():
    """Neurons that fire by themselves; one weight for all synapses; two ports' factor."""
    return network(
        sx.Projection("in", "H", {"syn": 0.5}, sx.all_to_all(), 200 * pA, 1 * ms),
        syn("H", "O", sx.fixed_outdegree(2), -30, 20, 2 * ms),
        out=cells(I_e=[110, 140, 180] * pA),
    )


NETWORKS = [layers, delayed, driven]


# The truth.


def kernel(h, tau_m, tau_s):
    """Potential (mV) a time h after an arrival of 1 pA in 1 pF."""
    if np.isclose(tau_m, tau_s):
        return h * np.exp(-h / tau_m)
    scale = tau_m * tau_s / (tau_m - tau_s)
    return scale * (np.exp(-h / tau_m) - np.exp(-h / tau_s))


class Neuron:
    """One neuron, by the list of all that arrived."""

    def __init__(self, model, index):
        def of(value):
            value = np.asarray(value)
            return float(value[index] if value.ndim else value)

        lif, receptor = model.neuron, model.receptors["syn"]
        self.tau_m, self.tau_s, self.C = of(lif.tau_m), of(receptor.kinetics.tau), of(lif.C_m)
        self.threshold, self.V_reset = of(lif.V_th), of(lif.V_reset)
        self.still = of(lif.E_L) + self.tau_m * of(lif.I_e) / self.C
        self.since, self.start = 0.0, of(lif.V_init)
        self.times, self.sizes = [], []
        self.look(0.0)

    def V(self, t):
        times, sizes = np.array(self.times), np.array(self.sizes)
        before = np.minimum(times, self.since)
        sizes = sizes * np.exp(-(self.since - before) / self.tau_s)
        h = np.maximum(np.subtract.outer(t, np.maximum(times, self.since)), 0.0)
        drive = kernel(h, self.tau_m, self.tau_s) @ sizes / self.C if len(times) else 0.0
        leak = np.exp(-(t - self.since) / self.tau_m)
        return self.still + (self.start - self.still) * leak + drive

    def look(self, now):
        """Find the part of a fine grid in which V reaches the threshold next, if nothing comes."""
        grid = np.arange(now, END + 0.05, 0.05)
        above = np.flatnonzero(self.V(grid)[1:] >= self.threshold)
        self.bracket = tuple(grid[above[0] : above[0] + 2]) if len(above) else (np.inf, np.inf)

    def crossing(self):
        """When V reaches the threshold in that part, by halving it."""
        low, high = self.bracket
        while low < (middle := (low + high) / 2) < high:
            low, high = (low, middle) if self.V(middle) >= self.threshold else (middle, high)
        return high

    def fire(self, t):
        self.since, self.start = t, self.V_reset
        self.look(t)

    def receive(self, t, weight):
        self.times.append(t)
        self.sizes.append(weight)
        self.look(t)


def solve(net, inputs, end=END):
    """Spike times by population and neuron, in continuous time; of "y", what arrives and when."""
    sizes, synapses, count = dict(net.sizes), outgoing(net), itertools.count()
    neurons = {(p, i): Neuron(net.nodes[p], i) for p in "HO" for i in range(sizes[p])}
    fired = {(p, i): [] for p, n in net.sizes for i in range(n)}
    queue = [(t, next(count), ("in", i), None) for i, train in enumerate(inputs.T) for t in train]
    heapq.heapify(queue)
    while True:
        until = min(queue[0][0], end) if queue else end
        first = min(n.bracket[1] for n in neurons.values())
        near = (k for k, n in neurons.items() if n.bracket[0] < min(first, until))
        crossing, key = min(((neurons[k].crossing(), k) for k in near), default=(np.inf, None))
        if crossing <= until:
            now, weight = crossing, None
            neurons[key].fire(now)
        elif until < end:
            now, _, key, weight = heapq.heappop(queue)
        else:
            return fired
        if weight is None:
            fired[key].append(now)
            for post, w, delay in synapses[key]:
                heapq.heappush(queue, (now + delay, next(count), post, w))
        elif key in neurons:
            neurons[key].receive(now, weight)
        else:
            fired[key].append((now, weight))


def outgoing(net):
    """The synapses of every neuron: target, weight and delay."""
    found = collections.defaultdict(list)
    for edge in net.edges.values():
        fmt = edge.format
        pre = np.asarray(fmt.pre_values(jnp.arange(fmt.n_pre))).ravel()
        weight = np.broadcast_to(np.asarray(edge.weight), fmt.shape).ravel() * edge.ports[0][1]
        delay = np.broadcast_to(np.asarray(edge.steps), fmt.shape).ravel() * net.dt
        rows = zip(pre, np.asarray(fmt.targets).ravel(), weight, delay, strict=True)
        for i, j, w, d in rows:
            found[edge.pre, int(i)].append(((edge.post, int(j)), float(w), float(d)))
    return found


def spike_table(fired, population, count, first):
    table = np.full((first, count), np.inf)
    for j in range(count):
        train = fired[population, j][:first]
        table[: len(train), j] = train
    return table


def mean_of_readout(fired, rows, tau=8.0, end=END):
    """Exact means of y over equal parts of the run."""
    edges, y = np.linspace(0, end, rows + 1), np.zeros((rows, 2))
    for k in range(2):
        for t, w in fired["y", k]:
            integral = tau * (1 - np.exp(-np.maximum(edges - t, 0) / tau))
            y[:, k] += w * np.diff(integral)
    return y / (end / rows)


# Losses, of NumPy arrays and of JAX's.


def of_times(times, target):
    np_ = jnp if isinstance(times, jax.Array) else np
    late = np_.where(np_.isfinite(times), times, END)
    return np_.sum(np_.sin(late / 4) * (1 + late / 30) * target)


def of_y(y, target):
    return ((y - target) ** 2).sum()


of_times.reads = "O.spike"
of_y.reads = "y.y"
TARGETS = {
    of_times: np.random.default_rng(5).normal(0, 1, (2, N_OUT)),
    of_y: np.random.default_rng(6).normal(0, 1, (5, 2)),
}


def truth(net, inputs):
    """The losses, of times and of y."""
    fired = solve(net, inputs)
    means = mean_of_readout(fired, len(TARGETS[of_y]))
    by_times = of_times(spike_table(fired, "O", N_OUT, 2), TARGETS[of_times])
    return np.array([by_times, sum(map(of_y, means, TARGETS[of_y]))])


def slopes(net, edge, direction, inputs):
    """How the losses change as the weights of an edge move; differences of fourth order."""

    def at(k):
        weight = np.asarray(net.edges[edge].weight) + k * h * direction
        edges = {**net.edges, edge: net.edges[edge].replace(weight=weight)}
        return truth(net.replace(edges=edges), inputs)

    # Small: the mean of y over a part has a kink where an arrival passes from part to part.
    h = 2e-6 * np.abs(np.asarray(net.edges[edge].weight)).max()
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


def task(make, seed=1):
    rng, net = np.random.default_rng(seed), make().build(dt=0.5 * ms, seed=seed)
    return SimpleNamespace(net=net, inputs=np.sort(rng.uniform(0, 15, (3, N_IN)), axis=0))


def gradient(given, loss, rule=RULE, **more):
    inputs, state = {"in.spike": given.inputs * ms}, given.net.init_state()
    return rule.gradient(given.net, state, inputs, TARGETS[loss], loss, **more)


# Equality.


@pytest.fixture(scope="module", params=NETWORKS)
def solved(request):
    with jax.enable_x64(True):
        given = task(request.param)
        given.results = {loss: gradient(given, loss) for loss in TARGETS}
        return given


def test_losses_are_those_of_the_closed_form(solved):
    losses = [solved.results[loss][0] for loss in (of_times, of_y)]
    np.testing.assert_allclose(losses, truth(solved.net, solved.inputs), rtol=1e-12)


def test_gradients_are_differences_of_the_closed_form(solved):
    rng = np.random.default_rng(3)
    for name, edge in solved.net.edges.items():
        direction = rng.normal(size=np.shape(edge.weight))
        expected = slopes(solved.net, name, direction, solved.inputs)
        assert np.abs(expected).max() > 1e-5, name
        for loss, slope in zip((of_times, of_y), expected, strict=True):
            found = np.sum(np.asarray(solved.results[loss][1].edges[name].weight) * direction)
            # Differences of numbers of 1 to 50, 1e-6 apart, are known to about 1e-9.
            np.testing.assert_allclose(found, slope, rtol=1e-7, atol=1e-11, err_msg=name)


def test_every_population_is_alive(solved):
    fired = solve(solved.net, solved.inputs)
    for population, size in (("H", N_HID), ("O", N_OUT)):
        counts = [len(fired[population, i]) for i in range(size)]
        assert 0.5 <= np.mean(counts) <= 20


def test_gradient_has_the_structure_of_what_was_selected(solved):
    trained, _ = sx.select(solved.net, "weight")
    for _, found in solved.results.values():
        assert jax.tree.structure(found) == jax.tree.structure(trained)
        assert jax.tree.map(jnp.shape, found) == jax.tree.map(jnp.shape, trained)


def one(weight, **more):
    """One input to one neuron of tau_m = 2 tau_s."""
    return sx.Network(
        {"in": sx.Population(sx.Relay(), 1), "O": sx.Population(cells(**more), 1)},
        [sx.Projection("in", "O", "syn", sx.all_to_all(), weight * pA)],
    ).build(dt=0.5 * ms)


def first_time(times, _):
    return times[0, 0]


first_time.reads = "O.spike"


def test_first_spike_is_that_of_the_formula(x64):
    """u = exp(-t / tau_m) solves k w (u - u^2) = theta, k = tau_s tau_m / ((tau_m - tau_s) C)."""
    net, k, theta, w = one(300.0), 10 / 100, 10.0, 300.0
    root = np.sqrt(1 - 4 * theta / (k * w)) if 4 * theta < k * w else np.nan
    assert np.isnan(root)  # too weak: never fires
    w, net = 500.0, one(500.0)
    root = np.sqrt(1 - 4 * theta / (k * w))
    u = (1 + root) / 2
    slope = -10 / u * theta / (k * w**2 * root)
    inputs = {"in.spike": np.zeros((1, 1)) * ms}
    time, found = RULE.gradient(net, net.init_state(), inputs, None, first_time)
    np.testing.assert_allclose(time, -10 * np.log(u), rtol=1e-13)
    np.testing.assert_allclose(found.edges["in->O"].weight, [[slope]], rtol=1e-12)
    never, flat = RULE.gradient(one(300.0), net.init_state(), inputs, None, first_time)
    assert np.isinf(never)
    assert np.all(flat.edges["in->O"].weight == 0)


def test_a_current_of_the_state_is_an_arrival_at_the_start(x64):
    net, none = one(500.0), {"in.spike": np.full((1, 1), np.inf) * ms}
    state = net.init_state()
    cell = state.nodes["O"]
    charged = cell.replace(receptors={"syn": cell.receptors["syn"].replace(g=jnp.array([500.0]))})
    state = state.replace(nodes={**state.nodes, "O": charged})
    time, _ = RULE.gradient(net, state, none, None, first_time)
    expected, _ = RULE.gradient(
        net, net.init_state(), {"in.spike": np.zeros((1, 1)) * ms}, None, first_time
    )
    np.testing.assert_allclose(time, expected, rtol=1e-14)


# The network that core simulates is the same one.


def test_spikes_of_simulate_converge_to_the_exact_ones(x64):
    """Spikes of `simulate` stand on the grid: each is late by up to a step, its effects too."""
    inputs = np.round(task(layers).inputs * 2) / 2
    exact = spike_table(solve(layers().build(dt=0.5 * ms, seed=1), inputs), "O", N_OUT, 2)
    steps, late = np.array([0.1, 0.05, 0.025]), []
    for dt in steps:
        net = layers().build(dt=dt * ms, seed=1)
        rows = np.zeros((round(END / dt), N_IN))
        rows[np.round(inputs / dt).astype(int) - 1, np.arange(N_IN)[None]] = 1
        _, seen = sx.simulate(
            *(net, net.init_state(), END * ms), inputs={"in.spike": rows}, record={"O": "spike"}
        )
        trains = {("O", i): [] for i in range(N_OUT)}
        for step, i in zip(seen["O.spike"].steps, seen["O.spike"].ids, strict=True):
            trains["O", int(i)].append(step * dt)
        late.append(np.mean(np.abs(spike_table(trains, "O", N_OUT, 2) - exact)))
    order = np.polyfit(np.log(steps), np.log(late), 1)[0]
    assert 0.7 < order < 1.3, (order, late)
    assert late[-1] < 2 * steps[-1]


def test_rows_of_steps_are_spikes_at_their_ends(x64):
    given = task(delayed)
    rows = (np.random.default_rng(2).random((50, N_IN)) < 0.1).astype(float)
    times = np.where(rows > 0, (np.arange(50)[:, None] + 1) * 0.5, np.inf)
    state, target = given.net.init_state(), TARGETS[of_y]
    by_rows = EventProp(max_spikes=200).gradient(given.net, state, {"in.spike": rows}, target, of_y)
    by_times = RULE.gradient(given.net, state, {"in.spike": times * ms}, target, of_y)
    assert float(by_rows[0]) > 0
    for a, b in zip(jax.tree.leaves(by_rows), jax.tree.leaves(by_times), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# Crossings.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_crossing_is_missed(dtype):
    """Against a fine grid: rising to a maximum, from a minimum on, not at all, with any taus."""
    rng, n, horizon = np.random.default_rng(0), 3000, 30.0
    tau_m, tau_s = rng.uniform(2, 20, (2, n))
    tau_s[: n // 10] = tau_m[: n // 10]
    threshold, reset = rng.normal(0, 5, n), np.zeros(n)
    x, J = threshold - rng.uniform(0.01, 10, n), rng.normal(0, 4, n)
    with jax.enable_x64(dtype == "float64"):
        m = Membranes(*(jnp.asarray(v, dtype) for v in (tau_m, tau_s, threshold, reset)))
        given = jnp.asarray(x, dtype), jnp.asarray(J, dtype), jnp.asarray(horizon, dtype)
        found = np.asarray(first_crossing(m, *given))
    grid = np.linspace(0, horizon, 3001)[:, None]
    V = x * np.exp(-grid / tau_m)
    for i in range(n):
        V[:, i] += J[i] * kernel(grid[:, 0], tau_m[i], tau_s[i])
    above = threshold <= V
    expected = np.where(above.any(0), grid[above.argmax(0), 0], np.inf)
    kinds = np.isfinite(expected), np.isinf(expected)
    assert min(kind.sum() for kind in kinds) > n / 10
    # A maximum within this much of the threshold may be seen by one and not by the other.
    clear = np.abs(V.max(0) - threshold) > 1e-3
    same = np.isinf(found) & np.isinf(expected)
    with np.errstate(invalid="ignore"):
        near = (found <= expected + 1e-4) & (found >= expected - 0.01 - 1e-4)
    assert np.all((same | near)[clear])


# Use.


def test_a_batch_is_its_members_under_jit():
    given, state = task(delayed), None
    state = given.net.init_state()

    @jax.jit
    def batch(net, times):
        def of(times):
            inputs = {"in.spike": times * ms}
            return RULE.gradient(net, state, inputs, TARGETS[of_y], of_y)

        return jax.vmap(of)(times)

    many = jnp.stack([jnp.asarray(given.inputs, float), jnp.full((3, N_IN), jnp.inf)])
    losses, gradients = batch(given.net, many)
    loss, expected = gradient(given, of_y)
    np.testing.assert_allclose(losses[0], loss, rtol=1e-5)
    for a, b in zip(jax.tree.leaves(gradients), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a[0], b, rtol=1e-3, atol=1e-3 * np.abs(b).max())


def test_other_weights_and_inputs_compile_nothing():
    given = task(layers)
    gradient(given, of_y)
    edges = jax.tree.map(lambda w: 1.01 * w, given.net.edges["H->y"].weight)
    edges = {**given.net.edges, "H->y": given.net.edges["H->y"].replace(weight=edges)}
    other = SimpleNamespace(net=given.net.replace(edges=edges), inputs=given.inputs + 0.25)
    with count_compilations() as seen:
        gradient(other, of_y)
    assert seen.count == 0


def test_too_many_spikes_are_an_error_or_nan():
    given, small = task(layers), EventProp(duration=END * ms, max_spikes=20)
    with pytest.raises(NumericsError, match="more than 20 spikes"):
        gradient(given, of_y, small)
    with jax.numpy_dtype_promotion("standard"):
        total, found = jax.jit(lambda: gradient(given, of_y, small))()
    assert np.isnan(total)
    assert np.isnan(found.edges["H->y"].weight).all()


def test_explanation_calls_every_weight_exact():
    told = explain(delayed().build(dt=0.5 * ms), RULE)
    assert len(told) == 6
    assert all(e.exact for e in told)


# What it refuses.


def with_(population, model, port="syn", **more):
    net = layers()
    populations = {**net.populations, population: sx.Population(model, N_HID)}
    extra = [sx.Projection("in", population, port, sx.all_to_all(), **more)] if more else []
    return sx.Network(populations, [*net.projections, *extra])


CUBA, COBA = sx.Receptor(sx.Expon(5 * ms), sx.CUBA()), sx.Receptor(sx.Expon(5 * ms), sx.COBA())
STILL = sx.LIF(t_ref=0 * ms)
REFUSED = {
    "another neuron": (
        with_("X", sx.Cell(sx.ALIF(t_ref=0 * ms), syn=CUBA)),
        "population 'X'.*ALIF",
    ),
    "no receptor": (with_("X", sx.LIF(t_ref=0 * ms)), "population 'X'.*it is LIF"),
    "two receptors": (with_("X", sx.Cell(STILL, a=CUBA, b=CUBA)), "'X': it has 2 receptors"),
    "conductances": (with_("X", sx.Cell(STILL, syn=COBA)), "receptor 'syn' is .*COBA"),
    "a soft reset": (with_("X", cells(reset="soft")), "'X': its reset is soft or detached"),
    "refractoriness": (with_("X", cells(t_ref=2 * ms)), "a neuron has t_ref > 0"),
    "jumps": (with_("X", cells(), "delta", weight=1 * mV), "'in->X': it ends on delta of 'X'"),
    "procedural": (
        network(syn("in", "H", sx.procedural(sx.fixed_outdegree(2)), 90, 60)),
        "'in->H': it is a Edge that sends 'spike' by procedural",
    ),
}


@pytest.mark.parametrize(("net", "message"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_exact_solution_is_refused_by_name(net, message):
    given = SimpleNamespace(net=net.build(dt=0.5 * ms), inputs=np.zeros((1, N_IN)))
    with pytest.raises(ConfigError, match=message):
        gradient(given, of_y)


def test_misuse_is_named():
    net = layers().build(dt=0.5 * ms)
    state, rows = net.init_state(), np.zeros((50, N_IN))

    def call(loss=of_y, rule=RULE, state=state, train="weight", **inputs):
        inputs = {path.replace("_", "."): x for path, x in inputs.items()}
        return rule.gradient(net, state, inputs, TARGETS[of_y], loss, train)

    def reading(path):
        def loss(y, target):
            return y.sum()

        loss.reads = path
        return loss

    with pytest.raises(UnknownNameError, match=r"did you mean 'O\.spike'"):
        call(reading("O.spikes"))
    with pytest.raises(UnknownNameError, match=r"input for spikes 'H\.current'"):
        call(H_current=rows)
    with pytest.raises(ShapeError, match=r"has shape \(50, 3\); expected \(spikes, 4\)"):
        call(in_spike=rows[:, :3])
    with pytest.raises(ConfigError, match="values other than 0 and 1"):
        call(in_spike=rows + 0.5)
    with pytest.raises(ConfigError, match="do not say how long the run is"):
        call(rule=EventProp(), in_spike=rows * ms)
    with pytest.raises(ConfigError, match=r"leave out nodes\.H\.neuron\.V_th"):
        call(train="nodes.H.neuron.*")
    with pytest.raises(ShapeError, match=r"the loss has shape \(2,\)"):
        call(lambda y, target: y - target)
    moved, _ = sx.simulate(
        *(net, state, 12 * ms), inputs={"in.spike": np.ones((24, N_IN))}, record={}
    )
    fired = state.nodes["H"].replace(neuron=moved.nodes["H"].neuron.replace(spike=jnp.ones(N_HID)))
    with pytest.raises(ConfigError, match="spikes are on their way in the state"):
        call(state=state.replace(nodes={**state.nodes, "H": fired}))
