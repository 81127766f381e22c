"""AlignPost and AlignPre: one set of variables per neuron is exact, and small.

The truth is a simulation in NumPy that keeps every variable once per synapse.
"""

import jax
import numpy as np
import pytest

import spikax as sx
from spikax.units import ms, mV, nS, pA

PRE, POST, STEPS, DT = 12, 7, 400, 0.1
RNG = np.random.default_rng(0)
SPIKES = (RNG.random((STEPS, PRE)) < 0.05).astype(float)
WEIGHT = RNG.uniform(0.1, 2.0, (PRE, POST))
DELAY = RNG.integers(1, 25, (PRE, POST))


def arrived(delay):
    """Spikes by synapse as they arrive: (steps, pre, post); a spike stamped s acts at s + delay."""
    out = np.zeros((STEPS, PRE, POST))
    for s, i in zip(*np.nonzero(SPIKES), strict=True):
        for j in range(POST):
            if s + delay[i, j] < STEPS:
                out[s + delay[i, j], i, j] += 1
    return out


def run(populations, projections, record):
    net = sx.Network({"pre": sx.Population(sx.Relay(), PRE), **populations}, projections)
    model = net.build(dt=DT * ms)
    _, rec = sx.simulate(
        model, model.init_state(), STEPS * DT * ms, inputs={"pre.spike": SPIKES}, record=record
    )
    return model, rec


def per_synapse(kinetics, x):
    """Every synapse its own variables; the post neuron sees the sum."""
    tau = [float(v) for v in jax.tree.leaves(kinetics)]
    total, state = np.zeros((STEPS, POST)), np.zeros((2, PRE, POST))
    for t in range(STEPS):
        if isinstance(kinetics, sx.Expon):
            state[0] = state[0] * np.exp(-DT / tau[0]) + WEIGHT * x[t]
            total[t] = state[0].sum(0)
        elif isinstance(kinetics, sx.DualExpon):
            rise, decay = tau
            peak = rise * decay / (decay - rise) * np.log(decay / rise)
            norm = np.exp(-peak / decay) - np.exp(-peak / rise)
            state[0] = state[0] * np.exp(-DT / decay) + WEIGHT * x[t] / norm
            state[1] = state[1] * np.exp(-DT / rise) + WEIGHT * x[t] / norm
            total[t] = (state[0] - state[1]).sum(0)
        else:
            state[0] = (state[0] + DT * state[1]) * np.exp(-DT / tau[0])
            state[1] = state[1] * np.exp(-DT / tau[0]) + WEIGHT * x[t] * np.e / tau[0]
            total[t] = state[0].sum(0)
    return total


@pytest.mark.parametrize(
    "kinetics", [sx.Expon(5 * ms), sx.DualExpon(1 * ms, 4 * ms), sx.Alpha(2 * ms)]
)
@pytest.mark.usefixtures("x64")
def test_receptor_equals_one_variable_per_synapse(kinetics):
    cell = sx.Cell(sx.LIF(V_th=1e3 * mV), r=sx.Receptor(kinetics, sx.COBA()))
    projection = sx.Projection(
        "pre", "post", "r", sx.all_to_all(), weight=WEIGHT * nS, delay=DELAY * DT * ms
    )
    _, rec = run({"post": sx.Population(cell, POST)}, [projection], {"post": "r"})
    expected = per_synapse(kinetics, arrived(DELAY))
    assert np.abs(expected).max() > 1
    assert np.abs(rec["post.r"].values - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("projections", [1, 10])
def test_receptor_memory_does_not_grow_with_synapses(projections):
    """One conductance per post neuron, also when ten projections share the receptor."""
    cell = sx.Cell(sx.LIF(), r=sx.Receptor(sx.Expon(), sx.COBA()))
    many = [
        sx.Projection(
            "pre", "post", "r", sx.all_to_all(), weight=1 * nS, delay=DT * ms, name=f"p{i}"
        )
        for i in range(projections)
    ]
    net = sx.Network(
        {"pre": sx.Population(sx.Relay(), PRE), "post": sx.Population(cell, POST)}, many
    )
    state = net.build(dt=DT * ms).init_state()
    synaptic = [
        leaf
        for leaf in sx.leaves(state)
        if "receptors" in leaf.path or leaf.path.startswith("edges")
    ]
    assert sum(leaf.value.nbytes for leaf in synaptic) == 4 * POST


U, TAU_D, TAU_F = 0.3, 80.0, 40.0


def tsodyks_markram():
    """Short-term plasticity with variables at every synapse, from its solution between spikes."""
    out = np.zeros((STEPS, PRE, POST))
    for i in range(PRE):
        for j in range(POST):
            u, x, last = 0.0, 1.0, None
            for s in np.nonzero(SPIKES[:, i])[0]:
                if last is not None:
                    gap = (s - last) * DT
                    u, x = u * np.exp(-gap / TAU_F), 1 - (1 - x) * np.exp(-gap / TAU_D)
                u += U * (1 - u)
                if s + DELAY[i, j] < STEPS:
                    out[s + DELAY[i, j], i, j] += u * x
                x, last = x - u * x, s
    return out


@pytest.mark.usefixtures("x64")
def test_release_equals_variables_at_every_synapse():
    cell = sx.Cell(sx.LIF(V_th=1e3 * mV), r=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    release = {"stp": sx.STP(U, TAU_D * ms, TAU_F * ms)}
    net = sx.Network(
        {"pre": sx.Population(sx.Relay(), PRE, release), "post": sx.Population(cell, POST)},
        [
            sx.Projection(
                "pre",
                "post",
                "r",
                sx.all_to_all(),
                weight=WEIGHT * pA,
                delay=DELAY * DT * ms,
                signal="stp",
            )
        ],
    )
    model = net.build(dt=DT * ms)
    _, rec = sx.simulate(
        model,
        model.init_state(),
        STEPS * DT * ms,
        inputs={"pre.spike": SPIKES},
        record={"post": "r"},
    )
    expected = per_synapse(sx.Expon(5 * ms), tsodyks_markram())
    assert np.abs(rec["post.r"].values - expected).max() <= 1e-12 * np.abs(expected).max()


def test_release_memory_is_one_set_per_source_neuron():
    targets = {f"post{i}": sx.Population(sx.LIF(), POST) for i in range(5)}
    net = sx.Network(
        {"pre": sx.Population(sx.Relay(), PRE, {"stp": sx.STP()}), **targets},
        [
            sx.Projection(
                "pre",
                list(targets),
                "delta",
                sx.all_to_all(),
                weight=1 * mV,
                delay=DT * ms,
                signal="stp",
            ),
        ],
    )
    state = net.build(dt=DT * ms).init_state()
    release = [
        leaf
        for leaf in sx.leaves(state)
        if "releases" in leaf.path or leaf.path.startswith("edges")
    ]
    assert sum(leaf.value.nbytes for leaf in release) == 3 * 4 * PRE
