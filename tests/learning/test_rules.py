"""The rules that go forward in time: against backpropagation, the papers' formulas, each other."""

import jax
import numpy as np
import pytest
from learning_networks import (
    N_IN,
    N_OUT,
    N,
    T,
    alive,
    backwards,
    by_path,
    cell,
    delta,
    difference,
    gradient,
    half_square,
    network,
    task,
    with_cut,
)

import spikax as sx
from spikax.errors import ConfigError
from spikax.ops import from_pairs
from spikax.units import ms, mV, pA
from spikax_learning import (
    DECOLLE,
    DRTRL,
    OTTT,
    RFLO,
    Adaptive,
    EProp,
    PPProp,
    Random,
    ThreeFactor,
    explain,
)

pytestmark = pytest.mark.usefixtures("x64")

RULES = {
    "DRTRL": DRTRL,
    "EProp, random feedback": lambda **k: EProp(feedback=Random(seed=3), **k),
    "PPProp": PPProp,
    "OTTT": OTTT,
    "OTTT, no filter": lambda **k: OTTT(filtered=False, **k),
    "RFLO": RFLO,
    "DECOLLE": lambda **k: DECOLLE(N_OUT, **k),
    "ThreeFactor": lambda **k: ThreeFactor(50 * ms, **k),
}


def recurrent(neuron=None, delay=3 * ms, **more):
    """Recurrent, with a delay, and as many weights as pairs."""
    neuron = neuron or sx.LIF(I_e=80 * pA, t_ref=2 * ms)
    return network(neuron, delta("in", "E", 2 * mV), delta("E", "E", delay=delay), **more)


@pytest.fixture(scope="module")
def given():
    with jax.enable_x64(True):
        return task(recurrent(readout_delay=2 * ms))


# Windows.


# What all but these share is how a window is cut: the grid has the others.
CUT = {"DRTRL", "OTTT", "ThreeFactor"}


@pytest.mark.parametrize(
    "rule",
    [pytest.param(r, id=n, marks=[] if n in CUT else [pytest.mark.grid]) for n, r in RULES.items()],
)
def test_the_length_of_a_window_changes_nothing(given, rule):
    whole = gradient(rule(chunk=T), given)
    alive(given, whole)
    for chunk in (1, 7):
        assert difference(gradient(rule(chunk=chunk), given), whole) < 1e-10


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_steps_sum_to_the_gradient_of_a_run(given, rule):
    rule = rule()
    carry, step = rule.init(given.net, given.state, half_square), jax.jit(rule.step)
    for spikes, target in zip(given.spikes, given.targets, strict=True):
        carry, _ = step(carry, {"in.spike": spikes}, target)
    assert difference(by_path(carry.gradients), gradient(rule, given)) < 1e-10


# Backpropagation with cut recurrence is the truth; parameters of models too.


def test_parameters_of_models_are_trained_as_weights_are(given):
    def train(leaf):
        return leaf.kind == "weight" or leaf.path in OF_MODELS

    found = gradient(DRTRL(chunk=11), given, train=train)
    given = task(recurrent(readout_delay=2 * ms))
    given.net = with_cut(given.net, "in->E", "E->E")
    expected = backwards(given, train)
    assert set(OF_MODELS) < set(found)
    assert difference(found, expected) < 1e-10
    alive(given, found)


OF_MODELS = ("nodes.E.tau_m", "nodes.E.V_th", "nodes.E.I_e", "nodes.out.tau")


def test_a_parameter_for_each_neuron():
    taus = np.linspace(10, 30, N) * ms
    given = task(recurrent(sx.LIF(I_e=80 * pA, tau_m=taus)))
    found = gradient(DRTRL(), given, train="nodes.E.tau_m")
    given.net = with_cut(given.net, "E->E")
    assert found["nodes.E.tau_m"].shape == (N,)
    assert difference(found, backwards(given, "nodes.E.tau_m")) < 1e-10


def test_a_loss_that_reads_a_potential():
    """Not the readout's output: the population itself, at once."""

    def loss(V, target):
        return ((V - target[0]) ** 2).sum() / 100

    def reading(V, target):
        return loss(V, target)

    reading.reads = "E.V_m"
    given = task(recurrent())
    train = sx.weights("in->E", "E->E")
    found = gradient(DRTRL(chunk=4), given, reading, train)
    given.net = with_cut(given.net, "E->E")
    assert difference(found, backwards(given, train, loss, "E.V_m")) < 1e-10


def test_a_loss_of_two_signals_is_the_sum_of_its_parts(given):
    def of_spikes(z, target):
        return 3 * ((z - 0.1) ** 2).sum()

    def both(y, target):
        return half_square(y[0], target) + of_spikes(y[1], target)

    both.reads = ("out.y", "E.spike")
    of_spikes.reads = "E.spike"
    train = sx.weights("in->E", "E->E")
    parts = [gradient(DRTRL(), given, loss, train) for loss in (half_square, of_spikes)]
    whole = gradient(DRTRL(chunk=4), given, both, train)
    assert difference(whole, {path: parts[0][path] + parts[1][path] for path in whole}) < 1e-10


# Populations behind populations.


def layered():
    return network(
        sx.LIF(I_e=80 * pA),
        delta("in", "first", 2 * mV, delay=None),
        delta("first", "E", 1 * mV, delay=None),
        first=sx.Population(sx.LIF(I_e=80 * pA), 7),
    )


def test_a_population_behind_another_is_told_what_acts_at_once():
    """The oracle holds what the later population and the readout keep from earlier steps."""
    given = task(layered())
    found = gradient(DRTRL(chunk=4), given)
    expected = at_once(given)
    plain = backwards(given)
    alive(given, found)
    assert difference({LATER: found[LATER]}, {LATER: plain[LATER]}) < 1e-10
    assert difference({EARLIER: found[EARLIER]}, {EARLIER: expected}) < 1e-10
    cosine = (found[EARLIER] * plain[EARLIER]).sum() / np.sqrt(
        (found[EARLIER] ** 2).sum() * (plain[EARLIER] ** 2).sum()
    )
    assert 0.3 < cosine < 0.9999


EARLIER, LATER = "edges.in->first.weight", "edges.first->E.weight"


def at_once(given):
    """dE/dW of the first layer where later states are held before each step."""
    net, name = given.net, "in->first"

    def move(state, spikes):
        return net.update(state, {"in.spike": spikes}, t=state.t, dt=net.dt), state

    _, held = jax.jit(lambda state, spikes: jax.lax.scan(move, state, spikes))(
        given.state, given.spikes
    )

    def total(weight):
        edge = net.edges[name].replace(weight=weight)
        changed = net.replace(edges={**net.edges, name: edge})

        def step(first, row):
            state, spikes, target = row
            state = state.replace(nodes={**state.nodes, "first": first})
            new = changed.update(state, {"in.spike": spikes}, t=state.t, dt=net.dt)
            return new.nodes["first"], half_square(new.nodes["out"].y, target)

        rows = (held, given.spikes, given.targets)
        return jax.lax.scan(step, given.state.nodes["first"], rows)[1].sum()

    return np.asarray(jax.jit(jax.grad(total))(net.edges[name].weight))


# Identities between rules.


def textbook():
    """Jumps of the potential; a soft reset that carries no gradient."""
    neuron = sx.LIF(I_e=80 * pA, t_ref=0 * ms, reset="soft", detach_reset=True)
    return network(neuron, delta("in", "E", 2 * mV), delta("E", "E"))


def test_ottt_is_the_exact_trace_where_the_reset_carries_no_gradient():
    given = task(textbook())
    assert difference(gradient(OTTT(), given), gradient(DRTRL(), given)) < 1e-10


def test_ottt_is_not_where_it_does(given):
    assert difference(gradient(OTTT(), given), gradient(DRTRL(), given)) > 0.01


def test_rflo_with_symmetric_feedback_is_it_too_but_for_when_the_slope_is_taken():
    given = task(textbook())
    exact = gradient(DRTRL(), given)
    rule = RFLO(feedback=EProp().feedback)
    found = gradient(rule, given)
    assert difference({OUT: found[OUT]}, {OUT: exact[OUT]}) < 1e-10
    assert difference(found, exact) > 0.01


OUT = "edges.E->out.weight"


def test_pp_prop_is_exact_in_the_first_step_and_near_the_membranes_decay_later(given):
    def first(path):
        short = task(recurrent(sx.LIF(I_e=300 * pA)), steps=1)
        short.targets = short.targets[:1]
        return gradient(DRTRL(), short)[path], gradient(PPProp(), short)[path]

    exact, found = first("edges.in->E.weight")
    kept = 1 - np.exp(-1 / 20)
    np.testing.assert_allclose(found, kept * exact, rtol=1e-12)
    cosines = [cosine(PPProp(tau * ms), task(textbook(), steps=100)) for tau in (1, 20)]
    assert cosines[0] < cosines[1]
    assert cosines[1] > 0.95


def cosine(rule, given, path="edges.in->E.weight"):
    a, b = gradient(rule, given)[path], gradient(DRTRL(), given)[path]
    return (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())


# Formulas.


def filtered(x, decay):
    """y(t) = decay y(t - 1) + x(t)."""
    y = np.zeros_like(x)
    for t in range(len(x)):
        y[t] = (decay * y[t - 1] if t else 0) + x[t]
    return y


@pytest.fixture(scope="module")
def lesson():
    """A run of the textbook's neuron: what was seen, and its slopes."""
    with jax.enable_x64(True):
        given = task(textbook())
        record = {"E": ["spike", "V_m"], "out": "y"}
        _, seen = jax.jit(
            lambda net, state, spikes: sx.simulate(
                net, state, T * ms, inputs={"in.spike": spikes}, record=record
            )
        )(given.net, given.state, given.spikes)
        seen = {path: np.asarray(series.values) for path, series in seen.items()}
        lif = given.net.nodes["E"]
        V = seen["E.V_m"] + seen["E.spike"] * (lif.V_th - lif.V_reset)
        seen["psi"] = 1 / (1 + 10 * np.abs((V - lif.V_th) / lif.width)) ** 2 / lif.width
        sent = np.asarray(given.spikes)
        seen["sent"] = np.concatenate([np.zeros_like(sent[:1]), sent[:-1]])
        seen["error"] = seen["out.y"] - np.asarray(given.targets)
        return given, seen, np.exp(-1 / lif.tau_m), np.exp(-1 / given.net.nodes["out"].tau)


def test_random_feedback(lesson):
    given, seen, alpha, kappa = lesson
    B = np.random.default_rng(5).normal(size=(N, N_OUT))
    rule = EProp(feedback=Random(matrices={"E": B}))
    e = seen["psi"][:, None, :] * filtered(seen["sent"], alpha)[:, :, None]
    expected = np.einsum("tj,tij->ij", seen["error"] @ B.T, filtered(e, kappa))
    assert_allclose(gradient(rule, given)["edges.in->E.weight"], expected)


def test_rflo(lesson):
    given, seen, alpha, kappa = lesson
    B = np.random.default_rng(6).normal(size=(N, N_OUT))
    psi_x = seen["psi"][:, None, :] * seen["sent"][:, :, None]
    trace = filtered(filtered(psi_x, alpha), kappa)
    expected = np.einsum("tj,tij->ij", seen["error"] @ B.T, trace)
    found = gradient(RFLO(feedback=Random(matrices={"E": B})), given)
    assert_allclose(found["edges.in->E.weight"], expected)


def test_three_factors(lesson):
    given, seen, alpha, _ = lesson
    e = seen["psi"][:, None, :] * filtered(seen["sent"], alpha)[:, :, None]
    modulator = (seen["error"] ** 2).sum(1) / 2
    expected = np.einsum("t,tij->ij", modulator, filtered(e, np.exp(-1 / 50)))
    found = gradient(ThreeFactor(50 * ms), given, train=sx.weights("in->E"))
    assert_allclose(found["edges.in->E.weight"], expected)


def test_decolle(lesson):
    given, seen, alpha, _ = lesson
    rule = DECOLLE(N_OUT, seed=4)
    carry = rule.init(given.net, given.state, half_square)
    G = np.asarray(carry.feedback["E>out"])
    local = (seen["E.spike"] @ G - np.asarray(given.targets)) @ G.T
    expected = np.einsum("tj,tj,ti->ij", local, seen["psi"], filtered(seen["sent"], alpha))
    assert_allclose(gradient(rule, given)["edges.in->E.weight"], expected)


def assert_allclose(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_adaptive_feedback_gets_the_changes_of_the_weights(given):
    rule = EProp(feedback=Adaptive(seed=2))
    carry = rule.init(given.net, given.state, half_square)
    moved = jax.tree.map(lambda w: w + 0.25, carry.weights)
    before, after = carry.feedback["E>out"], carry.learned(moved).feedback["E>out"]
    np.testing.assert_allclose(after, before + 0.25, rtol=1e-12)


# Layouts.


def test_layouts_agree():
    """The same synapses as a matrix, as rows and as a fixed fan-out."""
    found = []
    for prefer in ("dense", "fixed_fan_out", "csr"):
        given = task(recurrent())
        edge = given.net.edges["E->E"]
        pairs = sx.all_to_all().sample(N, N, np.random.default_rng(0))
        fmt = from_pairs(pairs, prefer)
        edge = edge.replace(format=fmt, weight=edge.weight.reshape(fmt.shape))
        given.net = given.net.replace(edges={**given.net.edges, "E->E": edge})
        result = gradient(DRTRL(chunk=7), given)
        found.append({path: value.reshape(-1) for path, value in result.items()})
    assert difference(found[1], found[0]) < 1e-10
    assert difference(found[2], found[0]) < 1e-10


# What arrives late, and what is forgotten at once.


def through_a_receptor():
    syn = sx.Projection("in", "E", "syn", sx.all_to_all(), sx.Normal(60 * pA, 30 * pA))
    return task(network(cell(), syn))


@pytest.mark.parametrize("rule", [OTTT(), RFLO(), DECOLLE(N_OUT)], ids=["OTTT", "RFLO", "DECOLLE"])
def test_an_edge_whose_neuron_answers_a_step_later_is_refused(rule):
    given = through_a_receptor()
    message = r"would leave out edges\.in->E\.weight: what arrives at syn of 'E' .* a step later"
    with pytest.raises(ConfigError, match=message):
        gradient(rule, given)
    with pytest.raises(ConfigError, match=message):
        explain(given.net, rule)
    assert explain(given.net, rule, train=sx.weights("E->out"))


@pytest.mark.parametrize("rule", [PPProp(), ThreeFactor(50 * ms), DRTRL()])
def test_rules_that_remember_the_arrival_train_it(rule):
    given = through_a_receptor()
    alive(given, gradient(rule, given))


@pytest.mark.parametrize(
    ("neuron", "lasting"),
    [(sx.LIF(), 1), (sx.ALIF(), 3), (sx.LIF(detach_reset=True), 1), (cell(), 2)],
    ids=["LIF", "ALIF", "detached", "LIF and a receptor"],
)
def test_a_trace_follows_the_variables_that_last(neuron, lasting):
    """V, what a receptor keeps, what adapts and the spike that it adapts to; not LIF's spike.

    One number more is what the readout keeps.
    """
    port = "syn" if isinstance(neuron, sx.Cell) else "delta"
    weight = 9 * pA if port == "syn" else 1 * mV
    net = network(neuron, sx.Projection("in", "E", port, sx.all_to_all(), sx.each(weight)))
    given = task(net)
    carry = DRTRL().init(given.net, given.state, half_square)
    assert carry.traces["edges.in->E.weight"].shape == (lasting + 1, N_IN, N)


# Words.


def test_every_rule_says_what_it_leaves_out(given):
    said = {name: explain(given.net, rule()) for name, rule in RULES.items()}
    why = {name: {e.path: e.why for e in each}["edges.in->E.weight"] for name, each in said.items()}
    assert why["DRTRL"] == "what goes by E->E is cut"
    assert "errors come by random feedback" in why["EProp, random feedback"]
    assert "meets the answer of the moment" in why["OTTT"]
    assert "what the readout remembers is not followed" in why["OTTT, no filter"]
    assert all(not e.exact for each in said.values() for e in each if e.path != OUT)
