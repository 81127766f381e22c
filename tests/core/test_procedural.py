"""Procedural connectivity: its published text, its statistics, and the same network stored."""

import hashlib
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import spikax as sx
from spikax import _ops as ops
from spikax._component import rebuild
from spikax._host_loop import _chunk
from spikax._kernel_check import check
from spikax._probes import probes
from spikax._procedural import TABLE, procedural
from spikax.errors import ConfigError
from spikax.plugins import Kernel, registry
from spikax.units import ms, mV, pA

GOLDEN = 0x9E3779B9
RULES = {
    "with autapses": sx.fixed_outdegree(30),
    "no autapses": sx.fixed_outdegree(600, allow_autapses=False),
    "none": sx.fixed_outdegree(0),
}
SMALL = 50


# The text of the module, once more in Python integers.


def mix(x):
    for shift, factor in ((16, 0x21F0AAAD), (15, 0xD35A2D97), (15, 1)):
        x = (x ^ x >> shift) * factor & 0xFFFFFFFF
    return x


def scramble(x, y):
    for r in (1, 3):
        x ^= mix(y ^ r * GOLDEN & 0xFFFFFFFF)
        y ^= mix(x ^ (r + 1) * GOLDEN & 0xFFFFFFFF)
    return x, y


def edge_words(seed, name):
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    x, y = scramble(seed >> 32, seed % 2**32)
    return scramble(x ^ number >> 32, y ^ number % 2**32)


def targets(rule, words, i, n_post, same=True):
    """(target, u) of each synapse of source i, slot by slot."""
    skip = same and not rule.allow_autapses
    a, b = scramble(words[0] ^ i, words[1])
    us = [mix(a ^ k) ^ b for k in range(rule.k)]
    js = [mix(u) * (n_post - skip) >> 32 for u in us]
    return [(j + (skip and j >= i), u) for j, u in zip(js, us, strict=True)]


def from_words(rule, words, n_pre, n_post, same=False):
    return procedural(rule).format(jnp.asarray(words, jnp.uint32), n_pre, n_post, same=same)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("n_post", [SMALL, 70_001])
def test_the_rows_are_those_of_the_text(name, n_post):
    rule, words = RULES[name], edge_words(2**40 + 5, "edge//E->E:syn")
    found = np.asarray(from_words(rule, words, 3, n_post, same=True).targets)
    for i in range(3):
        assert found[i].tolist() == [j for j, _ in targets(rule, words, i, n_post)]


def test_known_answers():
    words = (0x5C8D6C8D, 0xC77B06C3)
    assert edge_words(1, "edge//E->E:syn") == words
    fmt = from_words(sx.fixed_outdegree(6), words, 1000, 1000)
    assert np.asarray(fmt.targets)[[0, 1, 999]].tolist() == [
        [677, 593, 558, 167, 413, 448],
        [645, 856, 646, 997, 856, 21],
        [980, 639, 51, 314, 271, 510],
    ]
    table = jnp.arange(TABLE, dtype=jnp.int32)
    assert np.asarray(fmt.weights(table))[1].tolist() == [3114, 2772, 1413, 2193, 3526, 936]
    assert np.asarray(fmt.delays(table))[1].tolist() == [2207, 401, 2378, 3242, 3791, 502]


def network(connectivity, weight=20 * pA, delay=1 * ms, n=SMALL, **given):
    lif = sx.LIF(I_e=sx.Uniform(100 * pA, 400 * pA), V_init=sx.Uniform(-70 * mV, -52 * mV))
    cell = sx.Cell(lif, syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    projection = sx.Projection("E", "E", "syn", connectivity, weight, delay, **given)
    return sx.Network({"E": sx.Population(cell, n)}, [projection])


def built(*args, seed=3, **given):
    return network(*args, **given).build(dt=0.1 * ms, seed=seed)


def test_a_built_edge_is_that_of_the_text():
    """Words, targets, weights and delays of a network, computed by the text alone."""
    rule = sx.fixed_outdegree(7)
    weight, delay = sx.Normal(20 * pA, 5 * pA), sx.Uniform(0.5 * ms, 3 * ms)
    edge = built(procedural(rule), weight, delay, seed=12345).edges["E->E"]
    words = edge_words(12345, "edge//E->E:syn")
    assert edge.format.key.tolist() == list(words)
    at = (np.arange(4096) + 0.5) / 4096
    table = stats.norm(20, 5).ppf(at)
    steps = np.round((0.5 + 2.5 * at) / 0.1)
    _, weights, delays = edge.format.listed(edge.weight, edge.delays)
    for i in (0, 49):
        here = slice(7 * i, 7 * i + 7)
        us = [u for _, u in sorted(targets(rule, words, i, SMALL), key=lambda pair: pair[0])]
        expected = [table[mix(u ^ GOLDEN) >> 20] for u in us]
        np.testing.assert_allclose(weights[here], expected, rtol=1e-6)
        expected = [steps[mix(u ^ 2 * GOLDEN & 0xFFFFFFFF) >> 20] for u in us]
        assert delays[here].tolist() == expected


def test_nothing_is_kept_per_synapse():
    few, many = (built(procedural(sx.fixed_outdegree(k)), n=100) for k in (1, 1000))
    stored = [sum(x.nbytes for x in jax.tree.leaves(net.edges)) for net in (few, many)]
    assert stored == [12, 12]
    assert "100000" in many.summary()
    estimated = network(procedural(sx.fixed_outdegree(10**6)), n=10**5).memory(dt=0.1 * ms)
    assert estimated.rows[1].total == 12
    assert estimated.building == estimated.total


def test_the_estimate_is_what_tables_take():
    weight, delay = sx.Normal(20 * pA, 5 * pA), sx.Uniform(0.5 * ms, 3 * ms)
    net = network(procedural(sx.fixed_outdegree(7)), weight, delay)
    edges = net.build(dt=0.1 * ms, seed=3).edges
    taken = sum(x.nbytes for x in jax.tree.leaves(edges))
    assert net.memory(dt=0.1 * ms).rows[1].total == taken == 8 + 4 * 4096 + 4096


@pytest.mark.parametrize("weight", [20 * pA, sx.Normal(20 * pA, 10 * pA)], ids=["one", "normal"])
@pytest.mark.parametrize("delay", [None, 1 * ms, sx.Uniform(0.1 * ms, 4 * ms)], ids=str)
def test_it_spikes_like_the_same_network_stored(weight, delay):
    with jax.enable_x64(True):
        cell = sx.Cell(sx.LIF(), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
        driven = sx.LIF(I_e=sx.Uniform(200 * pA, 500 * pA))
        ends = {"in": sx.Population(driven, SMALL), "E": sx.Population(cell, SMALL + 3)}
        rule = procedural(sx.fixed_outdegree(30))
        net = sx.Network(ends, [sx.Projection("in", "E", "syn", rule, weight, delay)])
        model = net.build(dt=0.1 * ms, seed=1)
        edge = model.edges["in->E"]
        fmt, weights, delays = edge.format.listed(edge.weight, jnp.asarray(edge.steps))
        stored = {"format": fmt, "weight": weights, "delays": delays if delays.ndim else None}
        same = rebuild(type(edge), vars(edge) | stored)
        other = rebuild(type(model), vars(model) | {"edges": {"in->E": same}})
        spikes = [
            sx.simulate(m, m.init_state(), 50 * ms, record={"E": "spike"})[1]["E.spike"]
            for m in (model, other)
        ]
    assert len(spikes[0].steps) > 100
    assert np.array_equal(spikes[0].steps, spikes[1].steps)
    assert np.array_equal(spikes[0].ids, spikes[1].ids)


def test_the_ring_is_not_copied_in_a_step():
    weight, delay = sx.Normal(20 * pA, 5 * pA), sx.Uniform(0.5 * ms, 3 * ms)
    model = built(procedural(sx.fixed_outdegree(30)), weight, delay)
    given = (model, {}, {}), model.init_state(), {}, np.int32(50)
    compiled = _chunk.lower(*given, probes=probes(model, {"E": "spike"}), length=64).compile()
    step = compiled.as_text().partition("\nENTRY ")[0]
    assert " scatter(" in step
    copied = re.findall(r"\[([\d,]*)\]\S* copy\(", step)
    assert not {"1500", "30,50", "4096"} & set(copied)


@pytest.mark.parametrize("name", RULES)
def test_kernels_equal_the_reference(name):
    rng = np.random.default_rng(0)
    fmt = from_words(RULES[name], [0, 1], SMALL, SMALL, same=True)
    table = jnp.asarray(rng.normal(size=TABLE), jnp.float32)
    delays = jnp.asarray(rng.integers(1, 5, TABLE), jnp.int8)
    ring = jnp.asarray(rng.normal(size=(4, SMALL)), jnp.float32)
    kernel, reference = (jax.jit(lambda *v: ops.scatter(*v)) for _ in range(2))
    for share in (0.3, 0.0, 1.1):
        x = jnp.asarray((rng.random(SMALL) < share) * rng.normal(size=SMALL), jnp.float32)
        for weight, delay in itertools.product((jnp.float32(0.25), table), (jnp.int32(2), delays)):
            call = fmt, weight, x, delay, ring, jnp.int32(7)
            with ops.use_kernels("reference"):
                expected = reference(*call)
            np.testing.assert_allclose(kernel(*call), expected, rtol=1e-5, atol=1e-4)


def test_kernels_are_registered_and_check_themselves():
    records = registry().records(Kernel).values()
    kernels = [k for k in records if (k.format, k.platform) == ("procedural", "cpu")]
    assert [k.load().__module__ for k in kernels] == ["spikax._rows"] * 2
    for kernel in kernels:
        check(kernel)


@pytest.mark.parametrize("kernels", [None, "reference"])
def test_operators_are_those_of_the_dense_matrix(kernels):
    fmt = from_words(RULES["with autapses"], [0, 1], SMALL, 70)
    rng = np.random.default_rng(0)
    table, x, y = (jnp.asarray(rng.normal(size=n), jnp.float32) for n in (TABLE, SMALL, 70))
    stored, weights, _ = fmt.listed(table, jnp.int32(1))
    matrix = np.zeros((SMALL, 70))
    np.add.at(matrix, (np.asarray(stored.sources), np.asarray(stored.indices)), np.asarray(weights))
    close = {"rtol": 1e-4, "atol": 1e-4}
    batch = jnp.stack([x, -x])
    with ops.use_kernels(kernels):
        np.testing.assert_allclose(ops.forward(fmt, table, x), x @ matrix, **close)
        np.testing.assert_allclose(ops.transpose(fmt, table, y), matrix @ y, **close)
        by_table, by_x = jax.vjp(lambda w, x: ops.forward(fmt, w, x), table, x)[1](y)
        many = jax.jit(jax.vmap(lambda x: ops.forward(fmt, table, x)))(batch)
        with pytest.raises(ConfigError, match="no weights of their own"):
            ops.weight_gradient(fmt, x, y)
    np.testing.assert_allclose(by_x, matrix @ y, **close)
    np.testing.assert_allclose(by_table @ table, x @ matrix @ y, rtol=1e-3)
    np.testing.assert_allclose(many, batch @ matrix, **close)


def test_degrees_and_weights_have_their_distribution():
    n, k = 1000, 200
    law = sx.Normal(20 * pA, 5 * pA)
    edge = built(procedural(sx.fixed_outdegree(k)), law, n=n).edges["E->E"]
    found = np.asarray(edge.format.targets)
    assert stats.chisquare(np.bincount(found.ravel(), minlength=n)).pvalue > 1e-3
    # Rows of k independent targets have so many different ones.
    distinct = np.mean([len(np.unique(row)) for row in found])
    assert abs(distinct / n - (1 - (1 - 1 / n) ** k)) < 0.001
    w = np.asarray(edge.format.weights(edge.weight), np.float64).ravel()
    assert abs(w.mean() - 20) < 4 * 5 / np.sqrt(w.size)
    assert abs(w.std() / 5 - 1) < 4 / np.sqrt(2 * w.size) + 1e-3  # the table ends at 3.7 sigma
    assert abs(np.corrcoef(w, found.ravel())[0, 1]) < 4 / np.sqrt(w.size)


@pytest.mark.parametrize(
    ("law", "frozen"),
    [
        (sx.Uniform(1, 3), stats.uniform(1, 2)),
        (sx.Normal(1, 2), stats.norm(1, 2)),
        (sx.Normal(1, 2, low=0, high=4), stats.truncnorm(-0.5, 1.5, 1, 2)),
        (sx.Exponential(3), stats.expon(scale=3)),
        (sx.LogNormal(2, 1), stats.lognorm(np.sqrt(np.log(1.25)), scale=2 / np.sqrt(1.25))),
    ],
    ids=["uniform", "normal", "clipped", "exponential", "lognormal"],
)
def test_quantiles_are_those_of_scipy(law, frozen):
    at = (np.arange(TABLE) + 0.5) / TABLE
    np.testing.assert_allclose(law.quantiles(at, np.asarray), frozen.ppf(at), rtol=1e-9, atol=1e-12)


def test_pictures_show_the_synapses():
    plt = pytest.importorskip("matplotlib.pyplot")
    net = built(procedural(sx.fixed_outdegree(7)), sx.Normal(20 * pA, 5 * pA))
    image = net.plot_connectivity("E->E").collections[0]
    assert np.sum(image.get_array()) == 7 * SMALL
    assert sum(bar.get_height() for bar in net.plot_weights("E->E").patches) == 7 * SMALL
    plt.close("all")


def test_a_sharded_network_says_that_it_cannot():
    net = built(procedural(sx.fixed_outdegree(7)))
    sharded = rebuild(type(net), vars(net) | {"axis": "neurons"})

    def step(state):
        return sharded.update(state, {}, t=jnp.int32(0), dt=0.1)

    with pytest.raises(ConfigError, match="cannot be cut by target"):
        jax.vmap(step, in_axes=None, axis_name="neurons", axis_size=1)(net.init_state())


RULE = procedural(sx.fixed_outdegree(3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: procedural(sx.fixed_indegree(3)), "what can is fixed_outdegree"),
        (lambda: procedural(sx.pairwise_bernoulli(0.1)), "what can is fixed_outdegree"),
        (lambda: procedural(sx.fixed_outdegree(3, allow_multapses=False)), "allow_multapses=False"),
        (lambda: network(RULE, sx.each(1 * pA)), "one number or a distr"),
        (lambda: network(RULE, np.ones((50, 50)) * pA), "one number or a distr"),
        (lambda: network(RULE, symmetric=True), "symmetric"),
        (lambda: network(RULE, plasticity=sx.PairSTDP(w_max=30 * pA)), "plasticity"),
        (lambda: built(RULE, delay=0.55 * ms, n=5), "not a multiple of dt"),
        (
            lambda: built(procedural(sx.fixed_outdegree(3, allow_autapses=False)), n=1),
            "edge 'E->E'.*possible partners",
        ),
    ],
)
def test_what_is_not_possible_says_so(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
