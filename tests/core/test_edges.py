"""The edge protocol carries more than static synapses; faults come out of pure code.

An edge that learns, reads its target and a modulator, is written here in a few lines: that is the
protocol plasticity is built on.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax._component import rebuild
from spikax._projection import Edge
from spikax._random import streams
from spikax.errors import NumericsError
from spikax.units import UNITLESS, ms, mV

N, STEPS = 4, 30


class LearningState(sx.State):
    """Plastic weights and the trace of the target."""

    weight: jax.Array = sx.cell(kind="weight")
    trace: jax.Array = sx.cell(mV, kind="trace")


class Learning(Edge):
    """Hebbian: a source's spike adds the target's filtered potential, times dopamine."""

    @property
    def reads(self):
        return {"pre": ("spike",), "post": ("V_m",), "mod": ("dopamine.spike",)}

    def init_state(self):
        return LearningState(weight=jnp.array(self.weight), trace=jnp.zeros(self.format.n_post))

    def update(self, state, pre, post, mod, *, t, dt):
        trace = state.trace * 0.9 + post["V_m"]
        change = 1e-3 * mod["dopamine.spike"].sum() * pre["spike"][:, None] * trace[None]
        arrived = pre["spike"] @ state.weight
        return LearningState(weight=state.weight + change, trace=trace), arrived


def learning_network():
    net = sx.Network(
        {
            "pre": sx.Population(sx.Relay(), N),
            "post": sx.Population(sx.LIF(V_th=1e3 * mV), N),
            "dopamine": sx.Population(sx.Relay(), 1),
        },
        [sx.Projection("pre", "post", "delta", sx.all_to_all(), sx.each(1 * mV), 1 * ms)],
    )
    model = net.build(dt=1 * ms)
    edge = model.edges["pre->post"]
    return rebuild(
        type(model), vars(model) | {"edges": {"pre->post": rebuild(Learning, vars(edge))}}
    )


@pytest.mark.usefixtures("x64")
def test_edge_reads_source_target_and_modulator_at_t():
    model = learning_network()
    rng = np.random.default_rng(0)
    spikes, dopamine = (rng.random((STEPS, N)) < 0.3) * 1.0, (rng.random((STEPS, 1)) < 0.5) * 1.0
    inputs = {"pre.spike": spikes, "dopamine.spike": dopamine}
    state, _ = sx.simulate(model, model.init_state(), STEPS * ms, inputs=inputs)
    w, trace, V, z, d = np.ones((N, N)), np.zeros(N), np.full(N, -60.0), np.zeros(N), 0.0
    for t in range(STEPS):
        trace = trace * 0.9 + V
        arrived = z @ w
        w = w + 1e-3 * d * z[:, None] * trace
        V = -60 + (V + 60) * np.exp(-1 / 20) + arrived
        z, d = spikes[t], dopamine[t, 0]
    assert np.allclose(state.edges["pre->post"].weight, w, rtol=1e-12)
    assert not np.allclose(w, 1)


@pytest.mark.usefixtures("x64")
def test_plastic_weights_are_named_leaves_of_the_state():
    state = learning_network().init_state()
    assert [leaf.path for leaf in sx.leaves(state) if leaf.kind == "weight"] == [
        "edges.pre->post.weight"
    ]


class FaultyState(sx.State):
    """A potential and a report."""

    V_m: jax.Array = sx.cell(mV)
    bad: jax.Array = sx.cell(kind="fault", init=0)


class Faulty(sx.Dynamics):
    """Reports fault 2 in neuron 1 at step 6."""

    State = FaultyState

    def update(self, state, inputs, *, t, dt):
        report = jnp.where((t == 6) & (jnp.arange(state.V_m.shape[-1]) == 1), 2, state.bad)
        return state.replace(bad=report.astype(jnp.int32))


def test_faults_of_pure_code_raise_with_population_and_neuron():
    model = sx.Network({"E": sx.Population(Faulty(), 3)}).build(dt=1 * ms)
    with pytest.raises(NumericsError, match=r"nodes\.E\.bad: neuron 1 reports fault 2"):
        sx.simulate(model, model.init_state(), 10 * ms)
    sx.simulate(model, model.init_state(), 6 * ms)


def test_weight_units_follow_port_and_signal():
    """A current reaches a potential port only through a weight in mV/pA."""
    source = sx.Population(sx.StepCurrent(), 1)
    net = sx.Network(
        {"I": source, "E": sx.Population(sx.LIF(), 1)},
        [
            sx.Projection(
                "I", "E", "delta", sx.all_to_all(), 2.0 * mV / sx.units.pA, signal="current"
            )
        ],
    )
    edge = net.build(dt=1 * ms).edges["I->E"]
    assert edge.unit.dim == (mV / sx.units.pA).dim
    assert float(edge.weight) == 2.0


def channels(weight):
    class Two(sx.Dynamics):
        """Adds up what arrives in each channel."""

        ports = {"syn": sx.Port(UNITLESS, ("ex", "in"), sx.by_sign)}

        class State(sx.State):
            ex: jax.Array = sx.cell()
            inh: jax.Array = sx.cell()

        def update(self, state, inputs, *, t, dt):
            ex, inh = inputs["syn"]
            return self.State(ex=state.ex + ex, inh=state.inh + inh)

    net = sx.Network(
        {"pre": sx.Population(sx.Relay(), 3), "post": sx.Population(Two(), 2)},
        [sx.Projection("pre", "post", "syn", sx.all_to_all(), weight, 1 * ms)],
    )
    model = net.build(dt=1 * ms)
    spikes = np.array([[1.0, 0, 1], [0, 1, 0], [0, 0, 0]])
    state, _ = sx.simulate(model, model.init_state(), 3 * ms, inputs={"pre.spike": spikes})
    return np.stack([state.nodes["post"].ex, state.nodes["post"].inh])


@pytest.mark.parametrize(
    "weight",
    [2.0, -3.0, np.array([[1.0, -2], [-4, 8], [16, 32]])],
    ids=["positive", "negative", "mixed"],
)
def test_route_sends_each_synapse_to_the_channel_of_its_sign(weight):
    full = np.broadcast_to(weight, (3, 2))
    expected = np.stack([np.maximum(full, 0).sum(0), np.minimum(full, 0).sum(0)])
    assert np.array_equal(channels(weight), expected)


class NoisyRelease(sx.Dynamics):
    """Holds a stream of noise."""

    ports = {"spike": sx.Port()}

    class State(sx.State):
        stream: jax.Array = sx.cell(kind="seed")
        release: jax.Array = sx.cell()

    def init_state(self, size, *, key, dt):
        return self.State(stream=streams(key, size), release=jnp.zeros(size))

    def update(self, state, inputs, *, t, dt):
        return state


def test_a_neuron_and_its_releases_have_noise_of_their_own():
    population = sx.Population(sx.Poisson(), 2, {"a": NoisyRelease(), "b": NoisyRelease()})
    state = sx.Network({"E": population}).build(dt=1 * ms).init_state().nodes["E"]
    own = (state.node.stream, *(r.stream for r in state.releases.values()))
    assert len({int(word) for words in own for word in words[0]}) == 6


WEIGHTS = [1 * mV, 0.001 * sx.units.volt, [1.0, 2.0] * mV, [1.0, 3.0] * mV, 1 * sx.units.pA, None]


@pytest.mark.parametrize("a", range(len(WEIGHTS)))
def test_projections_compare_by_value(a):
    made = [
        sx.Projection("E", "I", "delta", sx.all_to_all(), weight, delay=1 * ms)
        for weight in (*WEIGHTS, sx.Normal(1 * mV, 1 * mV))
    ]
    equal = [b for b, other in enumerate(made) if made[a] == other]
    assert equal == ([0, 1] if a < 2 else [a])
