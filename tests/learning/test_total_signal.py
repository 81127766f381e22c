"""With the total learning signal the factorisation of e-prop is the whole gradient.

dE/dW_ji = sum over t of dE/dz_j(t) e_ji(t), where dE/dz is how the loss of the run answers to a
spike by all that it does to others (Bellec et al. 2020, equation 1). Here dE/dz comes from
backpropagation, as the gradient by spikes of a relay that has the same synapses as the neurons; the
traces e are those of D-RTRL, whose loss is sum dE/dz(t) z(t).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning_networks import N, alive, backwards, delta, difference, half_square, network, task

import spikax as sx
from spikax.units import ms, mV, pA
from spikax_learning import DRTRL

pytestmark = pytest.mark.usefixtures("x64")


def linear(z, signal):
    return (z * signal).sum()


linear.reads = "E.spike"


def recurrent():
    lif = sx.LIF(I_e=80 * pA, t_ref=2 * ms)
    same = [delta(n, "E", delay=3 * ms, name=f"{n}->E") for n in ("E", "probe")]
    probe = sx.Population(sx.Relay(), N)
    net = network(lif, delta("in", "E", 2 * mV), *same, probe=probe)
    read = sx.Projection("probe", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0))
    return sx.Network(net.populations, [*net.projections, read])


@pytest.fixture(scope="module")
def given():
    with jax.enable_x64(True):
        given = task(recurrent())
        edges = dict(given.net.edges)
        for there in ("E", "out"):
            edges[f"probe->{there}"] = edges[f"probe->{there}"].replace(
                weight=edges[f"E->{there}"].weight
            )
        given.net = given.net.replace(edges=edges)
        return given


TRAINED = ("in->E", "E->E")


def picked(leaf):
    return leaf.path in {f"edges.{name}.weight" for name in TRAINED}


def total_signal(given):
    """dE/dz, (T, N)."""

    @jax.jit
    def loss(extra):
        inputs = {"in.spike": given.spikes, "probe.spike": extra}
        _, seen = sx.simulate(
            given.net, given.state, len(given.spikes) * ms, inputs=inputs, record={"out": "y"}
        )
        return jax.vmap(half_square)(seen["out.y"].values, given.targets).sum()

    return jax.grad(loss)(jnp.zeros((len(given.spikes), N)))


def by_traces(given, signal):
    inputs = {"in.spike": given.spikes}
    _, found = DRTRL().gradient(given.net, given.state, inputs, signal, linear, picked)
    return {leaf.path: np.asarray(leaf.value) for leaf in sx.leaves(found)}


def test_the_total_signal_makes_the_whole_gradient(given):
    expected = backwards(given, train=picked)
    alive(given, expected)
    assert difference(by_traces(given, total_signal(given)), expected) < 1e-10


def test_the_signal_of_the_readout_alone_does_not(given):
    inputs = {"in.spike": given.spikes}
    _, found = DRTRL().gradient(given.net, given.state, inputs, given.targets, half_square, picked)
    found = {leaf.path: np.asarray(leaf.value) for leaf in sx.leaves(found)}
    assert difference(found, backwards(given, train=picked)) > 0.1
