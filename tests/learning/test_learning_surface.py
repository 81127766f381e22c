"""What a learning rule says of itself and of a network, what it refuses, and how it is found."""

import subprocess
import sys

import jax.numpy as jnp
import pytest

import spikax as sx
import spikax_learning
from spikax._plugins import _packs
from spikax.errors import ConfigError, ShapeError, UnitError, UnknownNameError
from spikax.plugins import LearningRule, registry
from spikax.units import UNITLESS, ms, mV, pA
from spikax_learning import EProp, explain, spikax_learning_rules

RULE = EProp()
READOUT = sx.LeakyReadout(20 * ms)


def half_square(y, target):
    return ((y - target) ** 2).sum() / 2


def chain(port, weight, *, model, readouts=("out",), readout=READOUT, delay=None):
    """in -> E -> first readout."""
    populations = {"in": sx.Population(sx.Relay(), 3), "E": sx.Population(model, 3)}
    return sx.Network(
        populations | {name: sx.Population(readout, 3) for name in readouts},
        [
            sx.Projection("in", "E", port, sx.all_to_all(), weight),
            *(
                sx.Projection("E", name, "input", sx.all_to_all(), 1.0, delay)
                for name in readouts[:1]
            ),
        ],
    )


def jumps(**more):
    return chain("delta", 1 * mV, model=sx.LIF(), **more)


def extended(net, *projections, **populations):
    populations = {name: sx.Population(sx.LIF(), 3) for name in populations}
    return sx.Network(net.populations | populations, [*net.projections, *projections])


def between(pre, post, delay=None):
    return sx.Projection(pre, post, "delta", sx.all_to_all(), 1 * mV, delay)


# What it says.


def told(net):
    return {e.path: (e.exact, e.why) for e in explain(net.build(dt=1 * ms), RULE)}


def test_without_recurrence_every_parameter_is_exact():
    every_way = True, "every way to y is followed"
    assert told(jumps()) == {"edges.in->E.weight": every_way, "edges.E->out.weight": every_way}


def test_recurrence_makes_what_comes_before_it_approximate():
    assert told(extended(jumps(), between("E", "E", 1 * ms))) == {
        "edges.E->E.weight": (False, "what goes by E->E is cut"),
        "edges.in->E.weight": (False, "what goes by E->E is cut"),
        "edges.E->out.weight": (True, "every way to y is followed"),
    }


def test_a_side_way_that_never_comes_back_takes_nothing():
    net = extended(jumps(), between("E", "aside"), aside=3).build(dt=1 * ms)
    assert all(e.exact for e in explain(net, RULE, sx.weights("in->E", "E->out")))


def test_an_explanation_prints_as_a_table():
    net = extended(jumps(), between("E", "E", 1 * ms)).build(dt=1 * ms)
    table = str(explain(net, RULE)).splitlines()
    assert len(table) == 3
    assert len({line.index("eligibility trace of") for line in table}) == 1


# What it refuses.


class Mean(sx.System):
    """A population whose neurons are not independent: each sends the mean of what arrives."""

    ports = {"input": sx.Port()}
    signals = {"spike": UNITLESS}

    def init_state(self, size, *, key, dt):
        return jnp.zeros(size)

    def update(self, state, inputs, *, t, dt):
        return jnp.full_like(state, inputs["input"].mean())

    def read(self, state, name):
        return state


class Channelled(sx.LIF):
    ports = {**sx.LIF.ports, "syn": sx.Port(pA, channels=("ex", "in"))}


PLASTIC = sx.Projection(
    *("E", "E", "delta", sx.all_to_all(), sx.each(1 * mV), 1 * ms),
    plasticity=sx.PairSTDP(w_max=2 * mV),
)
DEPRESSING = sx.Network(
    jumps().populations | {"E": sx.Population(sx.LIF(), 3, release={"stp": sx.STP()})},
    jumps().projections,
)
ASIDE = extended(jumps(), between("in", "I"), I=3)
LATE_BEHIND = sx.Network(
    extended(jumps(readouts=()), F=3).populations | {"out": sx.Population(READOUT, 3)},
    [
        *jumps(readouts=()).projections,
        between("E", "F"),
        sx.Projection("F", "out", "input", sx.all_to_all(), 1.0, 2 * ms),
    ],
)
REFUSED = {
    "no parameter": (
        jumps(),
        "seed",
        r"leave out seed: it trains weights of projections and parameters of models only",
    ),
    "a release": (
        DEPRESSING,
        "*.tau_d",
        r"leave out nodes\.E\.releases\.stp\.tau_d: the release 'stp' is sent by no projection",
    ),
    "shared parameters": (
        sx.Network(ASIDE.populations, ASIDE.projections, share=[("E.tau_m", "I.tau_m")]),
        "nodes.E.tau_m",
        r"leave out nodes\.E\.tau_m: populations of this network share parameters",
    ),
    "not a Dynamics": (
        chain("input", 1.0, model=Mean()),
        "weight",
        r"leave out edges\.in->E\.weight: population 'E' is Mean\(\), a System that is not a Dynam",
    ),
    "no way to the readout": (
        ASIDE,
        "weight",
        r"leave out edges\.in->I\.weight: population 'I' has no projection to out\.y",
    ),
    "a rule of its own": (
        extended(jumps(), PLASTIC),
        "weight",
        r"leave out edges\.E->E\.weight: it is a PlasticEdge, which changes by a rule of its own",
    ),
    "no readout": (jumps(readouts=()), "weight", r"0 populations of LeakyReadout"),
    "two readouts": (
        jumps(readouts=("a", "b")),
        "weight",
        r"2 populations of LeakyReadout \(a, b\)",
    ),
    "many time constants": (
        jumps(readout=sx.LeakyReadout([10, 20, 30] * ms)),
        "weight",
        r"readout 'out' has a time constant for each neuron",
    ),
    "readout delays that differ": (
        jumps(delay=sx.Uniform(1 * ms, 9 * ms)),
        "weight",
        r"follows the signal of 'E' by E->out, whose synapses have delays of their own",
    ),
    "seen through a delay": (
        LATE_BEHIND,
        "weight",
        r"follows E->F through 'F', whose own way to the loss has a delay \(F->out\)",
    ),
    "nothing": (jumps(), sx.weights("E->E"), r"nothing matches"),
}


@pytest.mark.parametrize(("network", "train", "message"), REFUSED.values(), ids=REFUSED)
def test_what_would_be_left_out_is_refused_by_name(network, train, message):
    net = network.build(dt=1 * ms)
    with pytest.raises(ConfigError, match=message):
        RULE.init(net, net.init_state(), half_square, train)
    with pytest.raises(ConfigError, match=message):
        explain(net, RULE, train)


ROWS = jnp.zeros((5, 3))
MISUSED = {
    "unknown input": ({"im.spike": ROWS}, ROWS, UnknownNameError, "did you mean 'in.spike'"),
    "wrong unit": ({"E.current": ROWS * mV}, ROWS, UnitError, r"input 'E\.current'"),
    "wrong shape": ({"in.spike": ROWS[:4]}, ROWS, ShapeError, r"\(4, 3\).*\(5, 3\) for 5 steps"),
    "ragged targets": (
        {"in.spike": ROWS},
        (ROWS, ROWS[:2]),
        ShapeError,
        r"\[\(2,\), \(5,\)\] rows",
    ),
}


@pytest.mark.parametrize(("inputs", "targets", "error", "message"), MISUSED.values(), ids=MISUSED)
def test_misuse_is_named(inputs, targets, error, message):
    net = jumps().build(dt=1 * ms)
    with pytest.raises(error, match=message):
        RULE.gradient(net, net.init_state(), inputs, targets, half_square)


def test_a_loss_of_many_numbers_is_named():
    net = jumps().build(dt=1 * ms)
    with pytest.raises(ShapeError, match=r"has shape \(3,\); expected a scalar"):
        RULE.gradient(net, net.init_state(), {}, ROWS, lambda y, target: y - target)


# The plugin.


@pytest.mark.smoke
def test_the_rule_is_registered():
    assert registry().records(LearningRule)["eprop"].load() is EProp


@pytest.mark.smoke
def test_the_plugin_is_light():
    code = "assert not {'optax', 'spikax_learning.eprop'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", f"import sys, spikax_learning; {code}"], check=True)


def test_core_knows_the_names_of_these_rules():
    """It names the pack that has a rule, where the pack is not installed."""
    assert {*_packs.LEARNING_RULES} == {rule.name for rule in spikax_learning_rules()}


def test_what_is_exported_is_there():
    assert all(hasattr(spikax_learning, name) for name in spikax_learning.__all__)
    homes = {*spikax_learning._HOMES, "spikax_learning_rules"}
    assert homes == {*spikax_learning.__all__}
