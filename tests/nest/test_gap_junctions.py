"""Gap junctions: beside a live NEST, and beside a solver of the coupled equations."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import spikax as sx
import spikax_nest
from spikax.units import ms

MODELS = ("hh_psc_alpha_gap", "hh_cond_beta_gap_traub")
GATES = ("Act_m", "Inact_h", "Act_n", "Inact_p")
BOTH_WAYS = {"rule": "one_to_one", "make_symmetric": True}
G, DRIVE = 20.0, (200.0, 0.0)  # nS, pA


def pair(nest, model, h, *, g=G, **settings):
    """Two neurons of which one is driven, joined and reached by spikes."""
    nest.ResetKernel()
    nest.resolution = h
    nest.set(**settings)
    neurons = nest.Create(model, 2)
    neurons.I_e = list(DRIVE)
    neurons[1].V_m = -60.0
    synapse = {"synapse_model": "gap_junction", "weight": g}
    nest.Connect(neurons[0], neurons[1], BOTH_WAYS, synapse)
    return neurons


def recorded(nest, neurons, duration, h):
    """V_m as (steps, neurons) and the number of spikes, with spikes and a third neuron besides."""
    pulses = nest.Create("spike_generator", params={"spike_times": [4.0, 11.0]})
    nest.Connect(pulses, neurons, syn_spec={"weight": [[60.0], [-40.0]]})
    other = nest.Create(neurons.model[0], params={"I_e": 150.0})
    among = {"synapse_model": "gap_junction", "weight": 3.0}
    nest.Connect(neurons[1], other, BOTH_WAYS, among)
    meter, spikes = nest.Create("voltmeter"), nest.Create("spike_recorder")
    meter.interval = h
    nest.Connect(meter, neurons + other)
    nest.Connect(neurons + other, spikes)
    nest.Simulate(duration / 2)
    nest.Simulate(duration / 2)
    events = meter.events
    order = np.lexsort((events["senders"], events["times"]))
    return events["V_m"][order].reshape(-1, 3), spikes.n_events


@pytest.mark.nest
@pytest.mark.parametrize("model", MODELS)
def test_without_relaxation_potentials_are_those_of_nest(nest, model):
    (theirs, count), (mine, own) = (
        recorded(n, pair(n, model, 0.1, use_wfr=False), 30.0, 0.1) for n in (nest, spikax_nest)
    )
    assert count == own > 2
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-8)


@pytest.mark.nest
@pytest.mark.parametrize(
    ("model", "error", "order"),
    [(MODELS[0], 1e-6, 0), (MODELS[0], 1e-6, 1), (MODELS[0], 1e-6, 3), (MODELS[1], 1e-3, 3)],
)
def test_with_relaxation_they_are_those_of_nest_to_its_solvers_error(nest, model, error, order):
    # NEST does not set back the length of its substeps when it repeats them; what a substep may be
    # wrong by, `error`, the rise of a spike enlarges.
    settings = {"wfr_tol": 1e-10, "wfr_max_iterations": 50, "wfr_interpolation_order": order}
    (theirs, count), (mine, own) = (
        recorded(n, pair(n, model, 0.1, **settings), 30.0, 0.1) for n in (nest, spikax_nest)
    )
    assert count == own > 2
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=100 * error)


def fast_spiking(V, m, h, n, p, current):
    """Rates of V_m and the gates of `hh_psc_alpha_gap`, by its equations with its defaults."""
    up = (
        40 * (V - 75.5) / (1 - np.exp(-(V - 75.5) / 13.5)),
        0.0035 * np.exp(-V / 24.186),
        0.014 * (V + 44) / (1 - np.exp(-(V + 44) / 2.3)),
        (V - 95) / (1 - np.exp(-(V - 95) / 11.8)),
    )
    down = (
        1.2262 * np.exp(-V / 42.248),
        0.017 * (51.25 + V) / (1 - np.exp(-(51.25 + V) / 5.2)),
        0.0043 * np.exp(-(V + 44) / 34),
        0.025 * np.exp(-V / 22.222),
    )
    ionic = 4500 * m**3 * h * (V - 74) + (9 * n**4 + 9000 * p**2) * (V + 90) + 10 * (V + 70)
    gates = [a * (1 - x) - b * x for a, b, x in zip(up, down, (m, h, n, p), strict=True)]
    return [(current - ionic) / 40, *gates]


def solution(neurons, duration):
    """Both potentials at the end, by a solver of the coupled equations."""

    def rates(t, y):
        a, b = y[:5], y[5:]
        flow = G * (b[0] - a[0])
        return [*fast_spiking(*a, DRIVE[0] + flow), *fast_spiking(*b, DRIVE[1] - flow)]

    start = [float(n.get(name)) for n in neurons for name in ("V_m", *GATES)]
    y = solve_ivp(rates, (0, duration), start, method="DOP853", rtol=1e-11, atol=1e-12).y
    return y[[0, 5], -1]


@pytest.mark.parametrize("order", [0, 1, 3])
def test_potentials_converge_by_the_order_of_what_is_told(order):
    def error(h):
        settings = {"wfr_tol": 1e-12, "wfr_max_iterations": 50, "wfr_interpolation_order": order}
        neurons = pair(spikax_nest, MODELS[0], h, wfr_comm_interval=h, **settings)
        expected = solution(neurons, 8.0)
        spikax_nest.Simulate(8.0)
        return np.abs(np.array(neurons.V_m) - expected).max()

    assert error(0.4) / error(0.2) > 0.8 * 2 ** (order + 1)


@pytest.mark.parametrize("model", [MODELS[0], pytest.param(MODELS[1], marks=pytest.mark.grid)])
def test_a_gap_junction_has_a_gradient(model):
    pair(spikax_nest, model, 0.1, g=2.0)
    net, state = spikax_nest.network()

    def end(scale):
        edges = {
            n: e.replace(weight=scale * e.weight) if ":gap" in n else e
            for n, e in net.edges.items()
        }
        final, _ = sx.simulate(net.replace(edges=edges), state, 2 * ms)
        return final.nodes[model].V_m[1]

    with jax.enable_x64(True):
        slope = (end(1.001) - end(0.999)) / 0.002
        _, tangent = jax.jvp(end, (1.0,), (1.0,))
    np.testing.assert_allclose(tangent, slope, rtol=1e-4)
    assert abs(float(slope)) > 1e-3


def test_recorded_weights_and_refusals_are_those_of_nest():
    nest = spikax_nest
    nest.ResetKernel()
    neurons, recorder = nest.Create("hh_psc_alpha_gap", 2), nest.Create("weight_recorder")
    nest.SetDefaults("gap_junction", {"weight_recorder": recorder})
    synapse = {"synapse_model": "gap_junction", "weight": 2.0}
    with pytest.raises(nest.NESTErrors.BadProperty, match="make_symmetric"):
        nest.Connect(neurons[0], neurons[1], "one_to_one", synapse)
    with pytest.raises(nest.NESTErrors.BadProperty, match="no delay"):
        nest.Connect(neurons, neurons, "all_to_all", synapse | {"delay": 1.0})
    with pytest.raises(nest.NESTErrors.IllegalConnection, match="gap junction output"):
        nest.Connect(nest.Create("iaf_psc_exp"), neurons[0], BOTH_WAYS, synapse)
    nest.Connect(neurons[0], neurons[1], BOTH_WAYS, synapse)
    nest.Simulate(3.0)
    events = recorder.events
    np.testing.assert_array_equal(events["weights"], 2.0)
    np.testing.assert_allclose(events["times"], np.repeat([0.1, 1.1], 2))
