"""Delivery: rings shared by ports stay in place, projections of one source share their loops."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax import ops, plugins
from spikax._host_loop import _chunk
from spikax._probes import probes
from spikax.plugins import Registry
from spikax.units import Hz, ms, mV, nS, pA

N = 300
CELL = sx.Cell(
    sx.LIF(I_e=260 * pA, V_init=sx.Uniform(-60 * mV, -50 * mV)),
    exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)),
    inh=sx.Receptor(sx.Expon(10 * ms), sx.COBA(-80 * mV)),
)
DELAYS = {"one step": 0.1 * ms, "one": 1.5 * ms, "each": sx.Uniform(0.3 * ms, 1.5 * ms)}


def network(delay, weight=None, rule=sx.pairwise_bernoulli(0.2)):  # noqa: B008
    """Two populations, all edges large enough for the event-driven operators."""
    return sx.Network(
        {"E": sx.Population(CELL, N), "I": sx.Population(CELL, N // 2)},
        [
            sx.Projection(
                "E", ["E", "I"], "exc", rule, weight or sx.Normal(1 * nS, 0.1 * nS), delay
            ),
            sx.Projection("I", ["E", "I"], "inh", rule, weight or 4 * nS, delay),
        ],
    )


def step_of(model):
    """The compiled text of what runs in every step: all but the entry of a chunk."""
    recorded = probes(model, dict.fromkeys({"E", "I"} & model.nodes.keys(), "spike"))
    given = (model, {}, {}), model.init_state(), {}, np.int32(50)
    compiled = _chunk.lower(*given, probes=recorded, length=64).compile()
    return compiled.as_text().partition("\nENTRY ")[0]


@pytest.fixture(scope="module", params=DELAYS)
def built(request):
    """The kind of delay, the network, and its compiled step."""
    model = network(DELAYS[request.param]).build(dt=0.1 * ms, seed=1)
    return request.param, model, step_of(model)


@pytest.fixture
def core_alone(monkeypatch):
    """No kernel of a pack; what is compiled with one is forgotten."""
    registry = Registry(entry_points=[])
    monkeypatch.setattr(plugins, "registry", lambda: registry)
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.fixture(params=["with packs", "core alone"])
def kernels(request):
    """The kernels that are installed, and those of core."""
    if request.param == "core alone":
        request.getfixturevalue("core_alone")
    return request.param


def test_no_ring_and_no_weight_is_copied_in_a_step(built, kernels):
    kind, model, text = built
    text = step_of(model) if kernels == "core alone" else text
    copied = {int(np.prod([int(n) for n in dims.split(",") if n])) for dims in copies(text)}
    rings = {ring.sums.size for ring in model.init_state().rings.values()}
    weights = {edge.weight.size for edge in model.edges.values()} - {1}
    assert len(rings) == (0 if kind == "one step" else 2)  # as wide as E, as wide as I
    assert weights
    assert not copied & (rings | weights)


def test_one_to_one_and_others_share_a_ring_without_a_copy(kernels):
    """What a generator sends to each is added to the ring before the loop over synapses."""
    net = sx.Network(
        {"drive": sx.Population(sx.Poisson(900 * Hz), N), "E": sx.Population(CELL, N)},
        [
            sx.Projection("drive", "E", "exc", sx.one_to_one(), 2 * nS, 1.5 * ms),
            sx.Projection("E", "E", "exc", sx.pairwise_bernoulli(0.2), 1 * nS, 1.5 * ms),
        ],
    )
    model = net.build(dt=0.1 * ms, seed=1)
    (ring,) = model.init_state().rings.values()
    sizes = {int(np.prod([int(n) for n in d.split(",") if n])) for d in copies(step_of(model))}
    assert ring.sums.size == 15 * N
    assert ring.sums.size not in sizes


def copies(text):
    """The shapes of all copies."""
    return re.findall(r"\[([\d,]*)\]\S* copy\(", text)


def test_a_copy_would_be_seen():
    """The array of the step before is kept beside the new one."""

    def step(i, pair):
        return pair[0].at[i].set(1.0), pair[0]

    run = jax.jit(lambda x: jax.lax.fori_loop(0, 9, step, (x, x)))
    assert "64,3" in copies(run.lower(jnp.ones((64, 3))).compile().as_text())


def test_projections_of_a_source_share_a_loop(built, core_alone):
    text = step_of(built[1])
    parts = re.findall(r"^%([\w.]+) [^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    adding = {name for name, body in parts if " scatter(" in body}
    added = [sum(name in adding for name in re.findall(r"calls=%([\w.]+)", b)) for _, b in parts]
    assert [n for n in added if n] == [2, 2], "each of the two sources adds to two rings"


def test_rows_are_cut_from_flat_arrays(core_alone):
    """From a matrix a loop would cut them index by index, eight times slower."""
    weight = sx.Normal(1 * nS, 0.1 * nS)
    text = step_of(network(DELAYS["each"], weight, sx.fixed_outdegree(70)).build(dt=0.1 * ms))
    parts = re.findall(r"^%([\w.]+) [^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    adding = {name for name, body in parts if " scatter(" in body}
    loops = [body for _, body in parts if adding & {*re.findall(r"calls=%([\w.]+)", body)}]
    assert loops
    assert all(f"[{N * 70}]" in body or f"[{N // 2 * 70}]" in body for body in loops)
    assert not any(f"[{n},70]" in body for body in loops for n in (N, N // 2))


@pytest.mark.parametrize(
    ("delay", "weight"),
    [
        ("one step", 1 * nS),
        ("each", None),
        # Both of these have been seen above: the grid has the other pairs.
        pytest.param("one", None, marks=pytest.mark.grid),
        pytest.param("each", 1 * nS, marks=pytest.mark.grid),
    ],
)
def test_networks_spike_as_with_the_reference(delay, weight, kernels, x64):
    model = network(DELAYS[delay], weight).build(dt=0.1 * ms, seed=1)

    def run():
        record = {"E": ["spike", sx.every(1 * ms, "exc")], "I": "spike"}
        return sx.simulate(model, model.init_state(), 40 * ms, record=record)

    _, fast = run()
    jax.clear_caches()  # what is compiled keeps its kernels
    with ops.use_kernels("reference"):
        _, slow = run()
    jax.clear_caches()
    for name in ("E.spike", "I.spike"):
        assert len(fast[name].ids) > 100
        assert np.array_equal(fast[name].ids, slow[name].ids)
        assert np.array_equal(fast[name].steps, slow[name].steps)
    np.testing.assert_allclose(fast["E.exc"].values, slow["E.exc"].values, rtol=1e-12)


def test_a_signal_that_one_edge_alters_is_its_own(x64):
    """Edges share what they send only where it is the same array."""
    from spikax._component import rebuild
    from spikax._projection import Edge, Sends

    class Doubling(Edge):
        def update(self, state, pre, post, mod, *, t, dt):
            return state, Sends(self.weight, 2 * pre[self.signal])

    rule = sx.all_to_all()
    net = sx.Network(
        {"a": sx.Population(sx.Relay(), 3), "b": sx.Population(CELL, 2)},
        [sx.Projection("a", "b", port, rule, 1 * nS, 0.1 * ms) for port in ("exc", "inh")],
    )
    model = net.build(dt=0.1 * ms)
    first = next(iter(model.edges))
    edges = dict(model.edges) | {first: rebuild(Doubling, vars(model.edges[first]))}
    model = model.replace(edges=edges)
    inputs = {"a.spike": np.ones((3, 3))}
    _, rec = sx.simulate(
        model, model.init_state(), 0.3 * ms, inputs=inputs, record={"b": ["exc", "inh"]}
    )
    exc, inh = (np.asarray(rec[f"b.{port}"].values[1]) for port in ("exc", "inh"))
    assert np.array_equal(exc, 2 * inh)
    assert inh.min() > 0
