"""Memory: what the estimate says is what the built network takes, and too much is refused first."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import jax
import numpy as np
import pytest

import spikax as sx
from spikax import _blocks, _memory
from spikax.errors import ConfigError
from spikax.units import Hz, ms, mV, nS, pA

ONE, EACH = 1 * nS, sx.Normal(5 * nS, 1 * nS)
COMMON, OWN = 2 * ms, sx.Uniform(0.5 * ms, 3 * ms)
RULES = {
    "dense": sx.all_to_all(),
    "no autapses": sx.all_to_all(allow_autapses=False),
    "csr": sx.pairwise_bernoulli(0.2),
    "certain": sx.pairwise_bernoulli(1.0),
    "poisson": sx.pairwise_poisson(0.2),
    "symmetric": sx.symmetric_pairwise_bernoulli(0.2),
    "fan-in": sx.fixed_indegree(20),
    "fan-out": sx.fixed_outdegree(7),
    "total": sx.fixed_total_number(900),
    "one to one": sx.one_to_one(),
    "listed": sx.explicit(np.arange(200) % 30, np.arange(200) % 50),
}


def network(rule, weight=ONE, delay=COMMON, size=300, model=None):
    model = model or sx.Cell(
        sx.LIF(V_init=sx.Uniform(-60 * mV, -55 * mV)), exc=sx.Receptor(sx.Expon(), sx.COBA())
    )
    return sx.Network(
        {"E": sx.Population(model, size), "noise": sx.Population(sx.Poisson(5 * Hz), 40)},
        [sx.Projection("E", "E", "exc", rule, weight, delay)],
    )


def bytes_of(tree):
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(("weight", "delay"), [(ONE, COMMON), (EACH, COMMON), (EACH, OWN)])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_estimate_is_what_is_built(rule, weight, delay):
    net = network(rule, weight, delay)
    model = net.build(dt=0.1 * ms)
    memory = net.memory(dt=0.1 * ms)
    (edge,) = (row for row in memory.rows if row.name == "E->E")
    built = model.edges["E->E"]
    assert edge.connectivity == pytest.approx(bytes_of(built.format), rel=0.02)
    assert edge.values == pytest.approx(built.weight.nbytes, rel=0.02)
    assert edge.delays == pytest.approx(bytes_of(built.delays), rel=0.02)
    whole = bytes_of((model.nodes, model.edges, model.init_state()))
    assert memory.total == pytest.approx(whole, rel=0.02)


@pytest.mark.parametrize(("delay", "slots"), [(None, 0), (0.1 * ms, 0), (0.2 * ms, 2)])
def test_a_delay_of_one_step_needs_no_ring(delay, slots):
    net = sx.Network(
        {"a": sx.Population(sx.Poisson(5 * Hz), 4), "b": sx.Population(exciting(), 6)},
        [sx.Projection("a", "b", "exc", sx.all_to_all(), ONE, delay)],
    )
    assert sum(row.state for row in net.memory(dt=0.1 * ms).rows[2:]) == 4 * slots * 6
    assert bytes_of(net.build(dt=0.1 * ms).init_state().rings) == 4 * slots * 6


def test_edges_into_one_port_share_its_ring_which_has_the_longest_delay():
    population = sx.Population(exciting(), 6)
    edges = [
        sx.Projection("a", "a", "exc", sx.all_to_all(), ONE, delay, name=name)
        for name, delay in (("near", 0.2 * ms), ("far", 0.7 * ms))
    ]
    net = sx.Network({"a": population}, edges)
    (ring,) = net.memory(dt=0.1 * ms).rows[3:]
    assert (ring.name, ring.state) == ("to a.exc", 4 * 7 * 6)
    assert bytes_of(net.build(dt=0.1 * ms).init_state().rings) == 4 * 7 * 6


def test_double_precision_is_counted(x64):
    net = network(RULES["dense"], EACH)
    model = net.build(dt=0.1 * ms)
    whole = bytes_of((model.nodes, model.edges, model.init_state()))
    assert net.memory(dt=0.1 * ms).total == pytest.approx(whole, rel=0.001)


@pytest.mark.parametrize("rule", ["PairSTDP", "TripletSTDP"])
def test_what_a_plastic_synapse_keeps_is_counted(rule):
    plastic = getattr(sx, rule)(w_max=20 * nS)
    projection = sx.Projection(
        "E", "E", "exc", sx.fixed_indegree(20), sx.each(5 * nS), COMMON, plasticity=plastic
    )
    net = sx.Network({"E": sx.Population(exciting(), 300)}, [projection])
    state = net.build(dt=0.1 * ms).init_state()
    assert net.memory(dt=0.1 * ms).rows[1].state == pytest.approx(bytes_of(state.edges), rel=0.001)


@pytest.mark.parametrize("ends", [("E", "E"), ("E", "noise")])
def test_gap_junctions_are_counted_both_ways(ends):
    junction = sx.gap_junction(*ends, sx.pairwise_bernoulli(0.1), 1 * nS)
    populations = dict.fromkeys(ends, sx.Population(sx.LIF(), 300))
    net = sx.Network(populations, [junction])
    model = net.build(dt=0.1 * ms)
    rows = net.memory(dt=0.1 * ms).rows[len(populations) :]
    assert [row.name for row in rows] == list(model.edges)  # and no ring
    for row in rows:
        assert row.connectivity == pytest.approx(bytes_of(model.edges[row.name].format), rel=0.06)


class TwoChannels(sx.Dynamics):
    """Has a port whose channel is chosen by the sign of the weight."""

    ports = {"syn": sx.Port(pA, channels=("ex", "in"), route=sx.by_sign)}

    class State(sx.State):
        y: jax.Array = sx.cell(pA)
        spike: jax.Array = sx.spike()

    def update(self, state, inputs, *, t, dt):
        return state.replace(y=inputs["syn"][0])


@pytest.mark.parametrize("spread", [1, 100])
def test_a_ring_for_two_channels_is_twice_as_long(spread):
    weight = sx.Normal(50 * pA, spread * pA)
    population = sx.Population(TwoChannels(), 100)
    rule = sx.pairwise_bernoulli(0.5)
    net = sx.Network({"E": population}, [sx.Projection("E", "E", "syn", rule, weight, 40 * ms)])
    state = net.build(dt=0.1 * ms).init_state()
    assert net.memory(dt=0.1 * ms).rows[-1].state == bytes_of(state.rings)


@pytest.mark.parametrize("rule", [RULES["csr"], RULES["no autapses"], RULES["fan-in"]], ids=repr)
@pytest.mark.parametrize(("weight", "delay"), [(ONE, COMMON), (EACH, OWN)])
def test_build_takes_no_more_than_it_says(rule, weight, delay, monkeypatch):
    """NumPy's part, which is that of the sampling; what JAX holds is not seen here.

    On one core: whether the blocks of several are there at the same time is up to the system.
    """
    monkeypatch.setattr(_blocks, "cores", lambda: 1)
    net = network(rule, weight, delay, size=1000)
    tracemalloc.start()
    try:
        net.build(dt=0.1 * ms)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.5 < peak / net.memory(dt=0.1 * ms).building < 1.02


GROWTH = """
import re
from pathlib import Path
import jax
import spikax as sx
from spikax import _blocks
from spikax.units import ms, nS

_blocks.cores = lambda: 2

def network(n):
    cell = sx.Cell(sx.LIF(), exc=sx.Receptor(sx.Expon(), sx.COBA()))
    weight, delay = sx.Normal(5 * nS, 1 * nS), sx.Normal(1.5 * ms, 0.75 * ms, low=0.1 * ms)
    rules = {rules}
    edges = [sx.Projection("E", "E", "exc", rule, weight, delay, name=str(i))
             for i, rule in enumerate(rules)]
    return sx.Network({{"E": sx.Population(cell, 10_000)}}, edges)

def peak():
    # Not getrusage: what that says a process may have inherited from the one that started it.
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

network(1000).build(dt=0.1 * ms)
before = peak()
model = jax.block_until_ready(network({n}).build(dt=0.1 * ms))
print(peak() - before, network({n}).memory(dt=0.1 * ms).building)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells its peak there")
@pytest.mark.parametrize(
    "rules",
    [
        "[sx.fixed_total_number(4 * n)] * 2",
        "[sx.fixed_indegree(n // 1250)]",
    ],
)
def test_the_process_grows_by_what_the_estimate_says(rules):
    """All of it, NumPy's part and JAX's: twenty million synapses, two threads.

    What is freed and not given back to the system is not part of the estimate.
    """
    code = GROWTH.format(rules=rules, n=2_500_000)
    grown, said = map(int, subprocess.check_output([sys.executable, "-c", code]).split())
    assert 0.8 * said < grown < said + 2**26


def test_an_impossible_network_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(_memory, "machine_bytes", lambda pages="": 2**34)
    net = network(sx.all_to_all(), EACH, OWN, size=10**6, model=exciting())
    tracemalloc.start()
    try:
        with pytest.raises(
            ConfigError,
            match=r"needs 5e\+12 bytes while it is built, there are 1.72e\+10; the biggest parts "
            r"are 'E->E' \(5e\+12, 1e\+12 synapses\).*fewer synapses, one number instead",
        ):
            net.build(dt=0.1 * ms)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**24


def exciting():
    return sx.Cell(sx.LIF(), exc=sx.Receptor(sx.Expon(), sx.COBA()))


def test_the_limit_of_a_device_counts_as_well(monkeypatch):
    monkeypatch.setattr(_memory, "device_bytes", lambda: 1000)
    with pytest.raises(ConfigError, match=r"bytes to run, there are 1e\+03"):
        network(RULES["csr"]).build(dt=0.1 * ms)


def test_nothing_is_refused_where_nothing_is_known(monkeypatch):
    monkeypatch.setattr(_memory, "machine_bytes", lambda pages="": None)
    assert network(RULES["fan-out"]).build(dt=0.1 * ms).edges["E->E"].format.n_synapses == 2100


def test_a_machine_that_does_not_tell(monkeypatch):
    assert _memory.machine_bytes() > 2**28
    monkeypatch.delattr(_memory.os, "sysconf")
    assert _memory.machine_bytes() is None


def test_printed_it_is_a_table():
    shown = repr(network(RULES["csr"], EACH).memory(dt=0.1 * ms))
    assert "connectivity" in shown
    assert "E->E" in shown
    assert "while it is built" in shown
