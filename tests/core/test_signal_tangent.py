"""Gradients by what was sent cost with the neurons near threshold, where a surrogate is compact.

The truth is the plain rule of JAX, which asks every synapse in every step.
"""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax import _ops as ops
from spikax._connectivity import fixed_outdegree, pairwise_poisson
from spikax.surrogates import Boxcar, Surrogate, Triangular
from spikax.units import ms, mV, pA

pytestmark = pytest.mark.usefixtures("x64", "quick_compiler")
N = 90
RULES = {"csr": pairwise_poisson(0.8), "fan": fixed_outdegree(70)}
SURROGATES = {"triangle": Triangular(width=0.4), "box": Boxcar(width=0.6)}


@dataclasses.dataclass(frozen=True)
class TooNarrow(Triangular):
    """A triangle that claims to end where it does not."""

    @property
    def support(self) -> float:
        return self.width / 4


def problem(rule: str, surrogate: Surrogate):
    """A loss by the constant currents, which reach the other neurons through spikes alone."""
    rng = np.random.default_rng(3)
    lif = sx.LIF(V_init=np.linspace(-60, -50, N) * mV, surrogate=surrogate)
    weights = rng.normal(size=(N, N)) * 8 * pA
    delay = rng.integers(1, 9, (N, N)) * 0.1 * ms
    net = sx.Network(
        {"A": sx.Population(lif, N), "B": sx.Population(sx.LIF(), N)},
        [sx.Projection("A", "B", "current", RULES[rule], weights, delay=delay)],
    ).build(dt=0.1 * ms, seed=2)

    def run(current):
        state = net.init_state()
        return sx.simulate(
            net, state, 8 * ms, inputs={"A.current": current}, record={"A": "spike", "B": "V_m"}
        )[1]

    def loss(current):
        return jnp.sum((run(current)["B.V_m"].values + 60) ** 2)

    return net, run, loss, jnp.linspace(90.0, 180.0, N)


def gradient(rule, surrogate):
    _, _, loss, current = problem(rule, surrogate)
    return np.asarray(jax.jit(jax.grad(lambda i: loss(i * pA)))(current))


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("rule", RULES)
def test_the_gradient_is_that_of_the_plain_rule(rule, surrogate):
    got = gradient(rule, SURROGATES[surrogate])
    with ops.use_kernels("reference"):
        expected = gradient(rule, SURROGATES[surrogate])
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12 * scale)


def test_neurons_far_from_threshold_are_marked_and_left_out():
    _, run, _, current = problem("csr", SURROGATES["triangle"])
    spikes = np.asarray(jax.jit(lambda i: run(i * pA)["A.spike"].values)(current))
    assert set(np.unique(spikes)) == {0.0, 1.0}
    assert 0.2 < np.mean(np.signbit(spikes)) < 0.98
    narrow, true = (gradient("csr", s(width=0.4)) for s in (TooNarrow, Triangular))
    assert np.abs(narrow - true).max() > 0.1 * np.abs(true).max()


def test_a_graded_signal_has_a_gradient_where_it_is_minus_zero():
    """A relay passes on what it is given; only a neuron's own spikes are marked."""
    weights = np.random.default_rng(3).normal(size=(N, N)) * 8 * pA
    edge = sx.Projection("in", "B", "current", RULES["csr"], weights, delay=1 * ms)
    populations = {"in": sx.Population(sx.Relay(), N), "B": sx.Population(sx.LIF(), N)}
    net = sx.Network(populations, [edge]).build(dt=0.1 * ms)

    def loss(given):
        end, _ = sx.simulate(net, net.init_state(), 3 * ms, inputs={"in.spike": given})
        return end.nodes["B"].V_m.sum()

    plain, minus = (jax.jit(jax.grad(loss))(zero * jnp.ones(N)) for zero in (0.0, -0.0))
    assert np.count_nonzero(plain) > N / 2
    np.testing.assert_allclose(minus, plain, rtol=1e-12)


def test_no_step_of_the_backward_pass_asks_all_synapses():
    net, _, loss, current = problem("csr", SURROGATES["triangle"])
    size = net.edges["A->B"].format.n_synapses

    def computed():
        """What the program computes for every synapse, beside moving what it is given."""
        program = jax.jit(jax.grad(lambda i: loss(i * pA))).lower(current).compile().as_text()
        found = set(re.findall(rf"\[{size}(?:,1)?\]\S* ([\w-]+)\(", program))
        return found - {"constant", "parameter", "get-tuple-element", "tuple"}

    assert not computed()
    with ops.use_kernels("reference"):
        assert {"gather", "multiply"} <= computed()
