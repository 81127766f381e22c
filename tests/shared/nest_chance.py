"""Models of chance in PyNEST, for NEST and spikax alike: what many nodes alike did, by name.

Each script takes the module that it is run with, random numbers for its values, the number of nodes
and the duration.
"""

import numpy as np
from nest_scripts import SILENT, reset, rng_of, told


def counted(nest, nodes, duration):
    """How often each node spiked, and when first; never is twice the duration."""
    recorder = nest.Create("spike_recorder")
    nest.Connect(nodes, recorder)
    nest.Simulate(duration)
    ids = np.asarray(recorder.events["senders"], int) - nodes[0].global_id
    first = np.full(len(nodes), 2 * duration)
    np.minimum.at(first, ids, np.asarray(recorder.events["times"], float))
    return {"count": np.bincount(ids, minlength=len(nodes)), "first": first}


def poisson(nest, rng, n, duration):
    generator = nest.Create("poisson_generator", params={"rate": rng.uniform(20.0, 3000.0)})
    nodes = nest.Create("parrot_neuron", n)
    nest.Connect(generator, nodes)
    return counted(nest, nodes, duration)


def trained(model, **drawn):
    """Targets of one generator, each with a train of its own."""

    def run(nest, rng, n, duration):
        values = {name: draw(rng) for name, draw in drawn.items()}
        nodes = nest.Create("parrot_neuron", n)
        nest.Connect(nest.Create(model, params=values), nodes)
        return spaced(nest, nodes, duration, values.get("frequency", 10.0))

    return run


def spaced(nest, nodes, duration, frequency=10.0):
    """How often nodes spiked, when first, after which time again, and in which part of a cycle."""
    recorder = nest.Create("spike_recorder")
    nest.Connect(nodes, recorder)
    nest.Simulate(duration)
    times = np.asarray(recorder.events["times"], float)
    ids = np.asarray(recorder.events["senders"], int) - nodes[0].global_id
    each = [np.sort(times[ids == k]) for k in range(len(nodes))]
    waits = [np.diff(t) if len(t) > 1 else np.array([2 * duration]) for t in each]
    angles = [2e-3 * np.pi * frequency * t for t in each]
    return {
        "count": np.array([len(t) for t in each]),
        "first": np.array([t[0] if len(t) else 2 * duration for t in each]),
        "second": np.array([t[0] for t in waits]),
        "shortest": np.array([t.min() for t in waits]),
        "sine": np.array([np.sin(a).sum() for a in angles]),
        "cosine": np.array([np.cos(a).sum() for a in angles]),
    }


def between(low, high):
    return lambda rng: rng.uniform(low, high)


def copies(nest, rng, n, duration):
    """Two targets of each generator: what each got, and what both."""
    values = {"rate": rng.uniform(100, 600), "p_copy": rng.uniform(0.2, 0.8)}
    devices = nest.Create("mip_generator", n, values)
    nodes, recorder = nest.Create("parrot_neuron", 2 * n), nest.Create("spike_recorder")
    nest.Connect(devices, nodes[:n], "one_to_one")
    nest.Connect(devices, nodes[n:], "one_to_one")
    nest.Connect(nodes, recorder)
    nest.Simulate(duration)
    steps = np.rint(np.asarray(recorder.events["times"]) / nest.resolution).astype(int)
    table = np.zeros((2 * n, steps.max() + 1))
    ids = np.asarray(recorder.events["senders"], int) - nodes[0].global_id
    np.add.at(table, (ids, steps), 1)
    one, other = table[:n], table[n:]
    return {"one": one.sum(1), "other": other.sum(1), "both": np.minimum(one, other).sum(1)}


def packets(nest, rng, n, duration):
    """One target of each generator: pulses that overlap, one of them cut off by the start."""
    pulses = {"pulse_times": [3.0, duration / 2, duration / 2 + 4], "activity": 7, "sdev": 3.0}
    nodes = nest.Create("parrot_neuron", n)
    devices = nest.Create("pulsepacket_generator", n, pulses | {"start": rng.uniform(1, 3) // 1})
    nest.Connect(devices, nodes, "one_to_one")
    return spaced(nest, nodes, duration)


def diluted(nest, rng, n, duration):
    """Targets of one dilutor, to which the same spikes come, some several at a time."""
    times = np.sort(rng.choice(np.arange(1, int(duration) - 10), 25, False)) * 1.0
    counts = [1] * 5 + [int(k) for k in rng.choice([1, 2, 30, 200], 20)]
    values = {"spike_times": times.tolist(), "spike_multiplicities": counts}
    source, nodes = nest.Create("spike_generator", params=values), nest.Create("parrot_neuron", n)
    dilutor = nest.Create("spike_dilutor", params={"p_copy": rng.uniform(0.05, 0.8)})
    nest.Connect(source, dilutor)
    nest.Connect(dilutor, nodes)
    return counted(nest, nodes, duration)


def noise(nest, rng, n, duration):
    """Potentials at the end of the run and before: each target has a current of its own."""
    values = {"mean": rng.normal(0, 100), "std": rng.uniform(10, 300)}
    values |= {"std_mod": 0.5 * values["std"], "frequency": 25.0}
    values["dt"] = nest.resolution * rng.integers(1, 9)
    generator = nest.Create("noise_generator", params=values)
    nodes = nest.Create("iaf_psc_exp", n, SILENT)
    nest.Connect(generator, nodes)
    nest.Simulate(duration / 2)
    half = np.asarray(nodes.V_m)
    nest.Simulate(duration / 2)
    return {"V_m at half": half, "V_m": np.asarray(nodes.V_m)}


def noisy(model, **bounds):
    """Nodes of a model with values drawn between bounds, which spike by chance."""

    def run(nest, rng, n, duration):
        values = {name: rng.uniform(*pair) for name, pair in bounds.items()}
        return counted(nest, nest.Create(model, n, values), duration)

    return run


def ginzburg(nest, rng, n, duration):
    values = {"theta": rng.uniform(-1, 1), "tau_m": rng.uniform(2, 20)}
    values |= {"c_1": 0.0, "c_2": rng.uniform(0.3, 1.0), "c_3": rng.uniform(0.2, 2.0)}
    nodes = nest.Create("ginzburg_neuron", n, values)
    found = counted(nest, nodes, duration)
    return found | {"S": np.asarray(nodes.S, float)}


def error_function(nest, rng, n, duration):
    values = {
        "theta": rng.uniform(-1, 1),
        "sigma": rng.uniform(0.3, 3),
        "tau_m": rng.uniform(2, 20),
    }
    nodes = nest.Create("erfc_neuron", n, values)
    found = counted(nest, nodes, duration)
    return found | {"S": np.asarray(nodes.S, float)}


def mcculloch(nest, rng, n, duration):
    """Each follows two neurons that are active by chance, one of them inhibitory."""
    sources = nest.Create("ginzburg_neuron", 2 * n, {"tau_m": 5.0})
    nodes = nest.Create("mcculloch_pitts_neuron", n, {"theta": 0.5, "tau_m": rng.uniform(2, 5)})
    nest.Connect(sources[:n], nodes, "one_to_one", {"weight": 1.0})
    nest.Connect(sources[n:], nodes, "one_to_one", {"weight": -1.0})
    found = counted(nest, nodes, duration)
    return found | {"S": np.asarray(nodes.S, float)}


def noisy_rates(nest, rng, n, duration):
    values = {"sigma": rng.uniform(0.1, 2), "mu": rng.normal(), "tau": rng.uniform(2, 20)}
    nodes = nest.Create("lin_rate_ipn", n, values | {"lambda": rng.uniform(0.5, 2)})
    nest.Simulate(duration)
    return {"rate": np.asarray(nodes.rate)}


def passed(nest, rng, n, duration):
    times = np.sort(rng.choice(np.arange(1, int(duration) - 10), 40, False)) * 1.0
    sources = told(nest, [times] * n)
    nodes = nest.Create("parrot_neuron", n)
    synapse = {"synapse_model": "bernoulli_synapse", "p_transmit": rng.uniform(0.1, 0.9)}
    nest.Connect(sources, nodes, "one_to_one", synapse)
    return counted(nest, nodes, duration)


def released(nest, rng, n, duration):
    """How many sites of each synapse release at its spikes, first and second, and in all."""
    times = np.sort(rng.choice(np.arange(1, int(duration) - 10), 25, False)) * 1.0
    sources, weights = told(nest, [times] * n), nest.Create("weight_recorder")
    nodes = nest.Create("iaf_psc_exp", n)
    sites = int(rng.integers(2, 9))
    values = {"n": sites, "a": sites, "U": rng.uniform(0.2, 0.8), "u": rng.uniform(0.2, 0.8)}
    values |= {"tau_rec": rng.uniform(3, 50), "tau_fac": rng.uniform(0, 50)}
    nest.CopyModel("quantal_stp_synapse", "recorded", {"weight_recorder": weights, **values})
    nest.Connect(sources, nodes, "one_to_one", {"synapse_model": "recorded"})
    nest.Simulate(duration)
    steps = np.rint(np.asarray(weights.events["times"]) / nest.resolution).astype(int)
    table = np.zeros((n, steps.max() + 1))
    ids = np.asarray(weights.events["senders"], int) - sources[0].global_id
    np.add.at(table, (ids, steps), np.asarray(weights.events["weights"]))
    some = table[:, np.unique(steps)]
    return {"first": some[:, 0], "second": some[:, 1], "last": some[:, -1], "all": some.sum(1)}


CHANCE = {
    "poisson_generator": poisson,
    "noise_generator": noise,
    "bernoulli_synapse": passed,
    "quantal_stp_synapse": released,
    "gamma_sup_generator": trained(
        "gamma_sup_generator",
        rate=between(20, 80),
        gamma_shape=lambda rng: int(rng.integers(1, 9)),
        n_proc=lambda rng: int(rng.choice([1, 3, 40])),
    ),
    "inhomogeneous_poisson_generator": trained(
        "inhomogeneous_poisson_generator",
        rate_times=lambda rng: np.sort(rng.choice(np.arange(1.0, 50.0), 5, False)).tolist(),
        rate_values=lambda rng: rng.uniform(-50, 300, 5).tolist(),
    ),
    "mip_generator": copies,
    "ppd_sup_generator": trained(
        "ppd_sup_generator",
        rate=between(40, 90),
        dead_time=between(0, 10),
        n_proc=lambda rng: int(rng.choice([1, 3, 40])),
        frequency=between(20, 100),
        relative_amplitude=between(0, 1),
    ),
    "pulsepacket_generator": packets,
    "sinusoidal_gamma_generator": trained(
        "sinusoidal_gamma_generator",
        rate=between(60, 150),
        amplitude=between(0, 60),
        frequency=between(10, 100),
        phase=between(-400, 400),
        order=between(1, 9),
    ),
    "sinusoidal_poisson_generator": trained(
        "sinusoidal_poisson_generator",
        rate=between(60, 150),
        amplitude=between(0, 200),
        frequency=between(10, 100),
        phase=between(-400, 400),
    ),
    "spike_dilutor": diluted,
    "erfc_neuron": error_function,
    "ginzburg_neuron": ginzburg,
    "mcculloch_pitts_neuron": mcculloch,
    "lin_rate_ipn": noisy_rates,
    "iaf_psc_exp": noisy("iaf_psc_exp", delta=(0.5, 4), rho=(1, 50), I_e=(200, 450)),
    **{
        model: noisy(model, Delta_V=(0.5, 4), lambda_0=(1, 50), I_e=(120, 220))
        for model in (
            *("gif_cond_exp", "gif_cond_exp_multisynapse"),
            *("gif_psc_exp", "gif_psc_exp_multisynapse"),
        )
    },
    "pp_psc_delta": noisy("pp_psc_delta", c_1=(0, 20), c_2=(1, 20), c_3=(0.1, 0.5), I_e=(0, 200)),
}


def by_chance(nest, model, seed, h, n, duration):
    """What each of n nodes alike did."""
    reset(nest, h, seed + 100)
    return CHANCE[model](nest, rng_of(seed, model), n, duration)
