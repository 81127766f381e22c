"""Network.check: each finding on a network that deserves it, none on one that does not."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

import spikax as sx
from spikax.units import Hz, ms, mV, nS, pA, pF

README = (Path(__file__).parents[2] / "README.md").read_text()


def cell(**parameters):
    return sx.Cell(
        sx.LIF(**parameters),
        exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)),
        cur=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()),
    )


def network(post, port="exc", rule=None, weight=1 * nS, delay=1 * ms, pre=None):
    pre = pre or sx.Poisson(100 * Hz)
    projection = sx.Projection("in", "E", port, rule or sx.all_to_all(), weight, delay)
    return sx.Network({"in": sx.Population(pre, 4), "E": sx.Population(post, 4)}, [projection])


def alone(model, **more):
    return sx.Network({"E": sx.Population(model, 4, **more)})


FINDINGS = {
    "silent": (alone(cell()), 0.1, "population 'E': no projection ends there.*stays silent.*I_e"),
    "silent, held down": (alone(sx.LIF(I_e=-10 * pA)), 0.1, "stays silent"),
    "silent, exponential": (alone(sx.AdExIF()), 0.1, "stays silent"),
    "silent, driven by inputs only": (alone(sx.LIF()), 0.1, r"inputs=\{'E.current': ...\}"),
    "read by nobody": (
        sx.Network({"E": sx.Population(sx.Poisson(5 * Hz), 4)}),
        0.1,
        "population 'E': no projection reads it",
    ),
    "coarse for a membrane": (
        network(cell(tau_m=2 * ms)),
        0.5,
        r"E\.neuron\.tau_m: 2 ms is less than 5 steps of 0\.5 ms; use dt = 0\.4 ms",
    ),
    "coarse for one of many": (
        network(cell(tau_m=sx.Uniform(1 * ms, 20 * ms))),
        1.0,
        r"E\.neuron\.tau_m: \d[.\d]* ms is less",
    ),
    "coarse for a synapse": (
        network(cell(t_ref=2.5 * ms), delay=2.5 * ms),
        1.25,
        r"E\.receptors\.(cur|exc)\.kinetics\.tau: 5 ms",
    ),
    "coarse for capacitance over leak": (
        alone(sx.AdExIF(C_m=15 * pF, I_e=100 * pA)),
        0.125,
        r"E\.C_m / g_L: 0\.5 ms is less than 5 steps",
    ),
    "coarse for gates": (
        alone(sx.WangBuzsaki()),
        0.1,
        r"E: WangBuzsaki is not accurate with steps of 0\.1 ms; use dt = 0\.05 ms",
    ),
    "reset above threshold": (
        network(cell(V_reset=-45 * mV)),
        0.1,
        r"E\.neuron\.V_reset: -45 mV is not below V_th.*put it below -50 mV",
    ),
    "reset above the peak": (
        alone(sx.AdExIF(V_reset=-40 * mV, I_e=100 * pA)),
        0.1,
        "is not below V_peak",
    ),
    "negative conductance": (
        network(cell(), weight=-1 * nS),
        0.1,
        "weight of edge 'in->E': 100% of the weights into the conductance 'exc' are below 0",
    ),
    "some negative conductances": (
        network(cell(), weight=sx.Normal(1 * nS, 1 * nS)),
        0.1,
        r"1\d% of the weights into the conductance",
    ),
    "negative by its factor": (
        network(cell(), port={"exc": -0.5}),
        0.1,
        "100% of the weights into the conductance 'exc'",
    ),
    "delays below one step": (
        network(cell(), delay=sx.Uniform(0 * ms, 0.4 * ms)),
        0.1,
        r"delay of edge 'in->E': 2\d% of the delays are shorter than a step",
    ),
}


@pytest.mark.parametrize(("net", "dt", "match"), FINDINGS.values(), ids=FINDINGS)
def test_finding(net, dt, match):
    found = net.check(dt=dt * ms)
    assert [f for f in found if re.search(match, str(f))], found
    assert len({f.where for f in found}) <= 2, "and nothing else"


class ByConductance(sx.Dynamics):
    """Has a conductance port whose channel is chosen by the sign of the weight."""

    ports = {"syn": sx.Port(nS, channels=("ex", "in"), route=sx.by_sign)}

    class State(sx.State):
        y: jax.Array = sx.cell(nS)

    def update(self, state, inputs, *, t, dt):
        return self.State(y=inputs["syn"][0])


class NoisyState(sx.State):
    """Variables of a noisy neuron."""

    V_m: jax.Array = sx.cell(mV, init="V_init")
    spike: jax.Array = sx.spike()
    refractory: jax.Array = sx.clock()
    stream: jax.Array = sx.cell(kind="seed")


class Noisy(sx.LIF):
    """Has a stream of noise."""

    State = NoisyState


NOTHING = {
    "driven from outside": (network(cell()), 0.1),
    "driven by a constant current": (alone(sx.LIF(I_e=101 * pA)), 0.1),
    "driven by less than it needs": (alone(sx.LIF(I_e=5 * pA)), 0.1),  # not said, not sure
    "resting above threshold": (alone(sx.LIF(E_L=-45 * mV)), 0.1),
    "lifted over threshold by its upstroke": (alone(sx.ExpIF(E_L=-50.5 * mV, V_th=-50 * mV)), 0.1),
    "one of them starts above": (alone(sx.LIF(V_init=np.array([-60, -60, -60, -45.0]) * mV)), 0.1),
    "noisy": (alone(Noisy()), 0.1),
    "its own pacemaker": (alone(sx.HH()), 0.1),
    "a burster, reset above the exponential's threshold": (
        alone(sx.AdExIF(V_reset=-47 * mV, I_e=100 * pA)),
        0.1,
    ),
    "a soft reset": (network(cell(V_reset=-40 * mV, reset="soft")), 0.1),
    "a negative current": (network(cell(), port="cur", weight=-20 * pA), 0.1),
    "a sign that chooses the channel": (network(ByConductance(), "syn", weight=-1 * nS), 0.1),
    "refractory for a step": (network(cell(t_ref=0.1 * ms)), 0.1),
    "within the same step": (network(cell(), delay=None), 0.1),
    "five steps in a time constant": (network(cell(tau_m=0.5 * ms)), 0.1),
    "spikes at dates": (network(cell(), pre=sx.SpikeTimes([0.1, 0.3] * ms)), 0.1),
    "Wang and Buzsaki in small steps": (alone(sx.WangBuzsaki()), 0.05),
}


@pytest.mark.parametrize(("net", "dt"), NOTHING.values(), ids=NOTHING)
def test_nothing_to_say(net, dt):
    assert net.check(dt=dt * ms) == []


def readme_network(word):
    """The network that a block of README.md makes; what comes after it is not run."""
    (block,) = [
        b
        for b in re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
        if word in b
    ]
    space = {"np": np}
    start = block.index("cell = sx.Cell(")
    exec("import spikax as sx\nfrom spikax.units import *\n", space)
    exec(block[start : block.index("\n)\n", block.index("net = ")) + 3], space)
    return space["net"]


@pytest.mark.parametrize(("word", "dt"), [("Simulation", 0.1), ("optax", 1.0)])
def test_the_networks_of_the_readme_are_clean(word, dt):
    assert readme_network(word).check(dt=dt * ms) == []


def test_a_modulator_is_read():
    rule = sx.RewardSTDP(w_max=2 * nS, modulator="reward.spike")
    plastic = sx.Projection(
        "in", "E", "exc", sx.all_to_all(), sx.each(1 * nS), 1 * ms, plasticity=rule
    )
    source = sx.Population(sx.Poisson(100 * Hz), 4)
    populations = {"in": source, "reward": source, "E": sx.Population(cell(), 4)}
    assert sx.Network(populations, [plastic]).check(dt=0.1 * ms) == []
