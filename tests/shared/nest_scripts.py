"""Random networks of devices, synapses and models of chance in PyNEST, for NEST and spikax alike.

Each script takes the module that it is run with, the number of the draw, the resolution, the number
of cases and the duration; the same draw is the same network.
"""

import nest_draws as draws
import nest_fuzz as fuzz
import numpy as np

from spikax_nest._models import MODELS

NEVER = float(np.finfo(float).max)
SILENT = {"V_th": 1e6}
SLICE = 5  # steps of the shortest delay between rate neurons


def rng_of(seed, name):
    return np.random.default_rng([seed, *name.encode()])


def reset(nest, h, seed=1):
    nest.ResetKernel()
    nest.set(resolution=h, rng_seed=seed)


def delays(rng, n, h):
    return h * rng.integers(1, round(fuzz.LONGEST / h) + 1, n)


def by_time(events, *names):
    """Columns of events, in one order whatever that of the recorder."""
    columns = [np.asarray(events[name], float) for name in names]
    order = np.lexsort(columns[::-1])
    return {name: column[order] for name, column in zip(names, columns, strict=True)}


def potentials(nest, nodes, h):
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": h})
    nest.Connect(meter, nodes)
    return lambda: by_time(meter.events, "times", "senders", "V_m")


def in_pieces(nest, h, duration, least=1):
    """A run of three pieces, the second of them as short as `least` steps."""
    short = h * least
    third = short * round(duration / 3 / short)
    for piece in (third, short, 2 * third, max(short, fuzz.LONGEST)):
        nest.Simulate(piece)


def trains(rng, n, h, duration):
    """Spike times of each of n generators."""
    last = round((duration - fuzz.LONGEST) / h)
    return [h * np.sort(rng.choice(np.arange(1, last), 25, False)) for _ in range(n)]


def told(nest, times):
    """Parrots that spike a step after the times given."""
    generators = nest.Create("spike_generator", len(times))
    generators.set([{"spike_times": train.tolist()} for train in times])
    parrots = nest.Create("parrot_neuron", len(times))
    nest.Connect(generators, parrots, "one_to_one", {"delay": nest.resolution})
    return parrots


def spiking(nest, rng, n):
    """Neurons that spike now and then."""
    return nest.Create(
        "iaf_psc_exp",
        n,
        {
            "I_e": rng.uniform(370.0, 480.0, n),
            "tau_minus": rng.uniform(10.0, 40.0, n),
            "tau_minus_triplet": rng.uniform(50.0, 150.0, n),
        },
    )


SYNAPSES = {
    "static_synapse": lambda rng, n: {"weight": rng.normal(0, 80, n)},
    "static_synapse_hom_w": lambda rng, n: {"weight": float(rng.normal(0, 80))},
    "ht_synapse": draws.pool,
    "jonke_synapse": draws.exponential,
    "quantal_stp_synapse": draws.quantal,
    "stdp_dopamine_synapse": draws.dopamine,
    "stdp_facetshw_synapse_hom": draws.hardware,
    "stdp_nn_pre_centered_synapse": draws.stdp,
    "stdp_nn_restr_synapse": draws.nearest,
    "stdp_nn_symm_synapse": draws.nearest,
    "stdp_pl_synapse_hom": draws.power_law,
    "stdp_synapse": draws.stdp,
    "stdp_synapse_hom": draws.hom,
    "stdp_triplet_synapse": draws.triplet,
    "tsodyks_synapse": draws.tsodyks,
    "tsodyks_synapse_hom": draws.tsodyks_hom,
    "tsodyks2_synapse": draws.tsodyks2,
    "vogels_sprekeler_synapse": draws.balancing,
    "bernoulli_synapse": draws.bernoulli,
}
SHOWN = {
    "ht_synapse": ("P",),
    "jonke_synapse": ("weight", "Kplus"),
    "quantal_stp_synapse": ("a", "u"),
    "stdp_facetshw_synapse_hom": (
        *("weight", "a_causal", "a_acausal", "init_flag", "next_readout_time", "synapse_id"),
    ),
    "stdp_nn_pre_centered_synapse": ("weight", "Kplus"),
    "stdp_nn_restr_synapse": ("weight",),
    "stdp_nn_symm_synapse": ("weight",),
    "stdp_pl_synapse_hom": ("weight", "Kplus"),
    "stdp_synapse": ("weight",),
    "stdp_synapse_hom": ("weight",),
    "stdp_triplet_synapse": ("weight", "Kplus", "Kplus_triplet"),
    "tsodyks_synapse": ("x", "y", "u"),
    "tsodyks_synapse_hom": ("x", "y", "u"),
    "tsodyks2_synapse": ("x", "u"),
    "vogels_sprekeler_synapse": ("weight", "Kplus"),
}


def synapses(nest, model, seed, h, n, duration):
    """Each synapse with values of its own, from spikes that are given to a neuron that spikes."""
    rng = rng_of(seed, model)
    values = SYNAPSES[model](rng, n) | {"delay": delays(rng, n, h)}
    times = trains(rng, n, h, duration)
    reset(nest, h)
    weights = nest.Create("weight_recorder")
    common = {k: v for k, v in values.items() if not isinstance(v, np.ndarray)}
    if model == "stdp_dopamine_synapse":
        common["volume_transmitter"] = dopamine(nest, rng, h, duration)
    nest.CopyModel(model, "recorded", {"weight_recorder": weights, **common})
    each = {k: v for k, v in values.items() if k not in common}
    pre, post = told(nest, times), spiking(nest, rng, n)
    nest.Connect(pre, post, "one_to_one", {"synapse_model": "recorded", **each})
    V, recorder = potentials(nest, post, h), nest.Create("spike_recorder")
    nest.Connect(post, recorder)
    in_pieces(nest, h, duration)
    found = {f"V_m of targets: {k}": v for k, v in V().items()}
    found |= {f"sent: {k}": v for k, v in by_time(weights.events, *SENT).items()}
    found |= {f"spikes: {k}": v for k, v in by_time(recorder.events, "times", "senders").items()}
    connections = nest.GetConnections(pre, post)
    order = np.argsort(np.asarray(connections.get("source")))
    for name in SHOWN.get(model, ()):
        found[f"shown: {name}"] = np.asarray(connections.get(name), float)[order]
    return found


def dopamine(nest, rng, h, duration):
    """One of two transmitters that spikes reach on connections of different delay."""
    transmitters = nest.Create("volume_transmitter", 2)
    for k in (0, 1):
        cells = told(nest, trains(rng, 2, h, duration))
        nest.Connect(cells, transmitters[k], syn_spec={"delay": h * rng.integers(1, 20)})
    return transmitters[1]


SENT = ("times", "senders", "targets", "weights")
GENERATORS = (
    "dc_generator",
    "ac_generator",
    "step_current_generator",
    "noise_generator",
    "spike_generator",
)


def generators(nest, model, seed, h, n, duration):
    """Each generator with values and a window of its own, to a neuron of its own."""
    rng = rng_of(seed, model)
    cases = [draws.device(model, rng, h) | w for w in draws.windows(rng, n, h)]
    reset(nest, h)
    devices = nest.Create(model, n)
    devices.set([{k: plain(k, v) for k, v in case.items() if np.size(v)} for case in cases])
    neurons = nest.Create("iaf_psc_exp", n, SILENT)
    synapses = {"weight": rng.normal(0, 2, n), "delay": delays(rng, n, h)}
    nest.Connect(devices, neurons, "one_to_one", synapses)
    V = potentials(nest, neurons, h)
    in_pieces(nest, h, duration)
    return V()


def injectors(nest, model, seed, h, n, duration):
    """Neurons that spike when told, by static synapses and by such that change."""
    found = generators(nest, model, seed, h, n, duration)
    rng = rng_of(seed, "told")
    times = trains(rng, n, h, duration)
    values = draws.stdp(rng, n) | {"delay": delays(rng, n, h)}
    reset(nest, h)
    nodes, post = nest.Create(model, n), spiking(nest, rng, n)
    nodes.set([{"spike_times": train.tolist()} for train in times])
    nest.Connect(nodes, post, "one_to_one", {"synapse_model": "stdp_synapse", **values})
    in_pieces(nest, h, duration)
    weights = np.asarray(nest.GetConnections(nodes, post).get("weight"), float)
    return found | {"spike times": np.concatenate(nodes.get("spike_times")), "weights": weights}


WINDOWED = (
    *("gamma_sup_generator", "inhomogeneous_poisson_generator", "mip_generator"),
    *("ppd_sup_generator", "pulsepacket_generator", "sinusoidal_gamma_generator"),
    *("sinusoidal_poisson_generator", "spike_dilutor"),
)


def windowed(nest, model, seed, h, n, duration):
    """In which steps generators spike that spike for certain, and the rates of those that show it.

    Slices have several steps: some of them are active for whole slices.
    """
    rng = rng_of(seed, model)
    cases = [draws.certain(model, rng, h) | w for w in draws.windows(rng, n, h)]
    reset(nest, h)
    devices, nodes = nest.Create(model, n), nest.Create("parrot_neuron", n)
    devices.set([{k: plain(k, v) for k, v in case.items()} for case in cases])
    if model == "spike_dilutor":
        sources = nest.Create("spike_generator", n)
        given = trains(rng, n, h, duration)
        sources.set([{"spike_times": since(w, t)} for w, t in zip(cases, given, strict=True)])
        nest.Connect(sources, devices, "one_to_one", {"delay": SLICE * h, "weight": -2.0})
    late = {"delay": SLICE * h * rng.integers(1, 4, n)}
    nest.Connect(devices, nodes, "one_to_one", late)
    recorder, found = nest.Create("spike_recorder"), {}
    nest.Connect(nodes, recorder, syn_spec={"delay": SLICE * h})
    if model.startswith("sinusoidal"):
        meter = nest.Create("multimeter", params={"record_from": ["rate"], "interval": h})
        nest.Connect(meter, devices, syn_spec={"delay": SLICE * h})
    in_pieces(nest, h, duration)
    if model.startswith("sinusoidal"):
        found = {f"rates: {k}": v for k, v in by_time(meter.events, *RATED).items()}
    pairs = np.stack([recorder.events["times"], recorder.events["senders"]])
    some = np.unique(np.round(pairs, 6), axis=1)
    return found | {"spikes: times": some[0], "spikes: senders": some[1]}


def since(window, times):
    """Times at which a device is active: in NEST what came before appears again, later."""
    return times[times > window["origin"] + window["start"] + 1e-9].tolist()


RATED = ("times", "senders", "rate")


def plain(name, value):
    """A value as PyNEST takes it."""
    if np.ndim(value):
        return [int(v) for v in value] if name.endswith("multiplicities") else list(value)
    if name in ("activity", "gamma_shape", "n_proc"):
        return int(value)
    return bool(value) if name in ("allow_offgrid_times", "precise_times") else float(value)


RECORDERS = ("spike_recorder", "multimeter", "voltmeter", "weight_recorder")


def recorders(nest, model, seed, h, n, duration):
    """Each recorder with a window, and a meter with a rhythm, of its own."""
    rng = rng_of(seed, model)
    windows = draws.windows(rng, n, h)
    reset(nest, h)
    neurons, found = spiking(nest, rng, n), {}
    if model in ("multimeter", "voltmeter"):
        for window in windows:
            window |= {"interval": h * rng.integers(1, 9), "offset": h * rng.integers(0, 9)}
            if model == "multimeter":
                window["record_from"] = ["V_m", "I_syn_ex"]
    devices = nest.Create(model, n)
    devices.set(windows)
    if model == "weight_recorder":
        pre = told(nest, trains(rng, n, h, duration))
        for k in range(n):
            nest.CopyModel("static_synapse", f"seen {k}", {"weight_recorder": devices[k]})
            synapse = {"synapse_model": f"seen {k}", "weight": 10.0 + k}
            nest.Connect(pre[k], neurons[k], syn_spec=synapse)
    elif model == "spike_recorder":
        nest.Connect(neurons, devices, "one_to_one")
    else:
        nest.Connect(devices, neurons, "one_to_one")
    in_pieces(nest, h, duration)
    for k, device in enumerate(devices):
        for name, values in device.events.items():
            found[f"{k}: {name}"] = np.asarray(values, float)
    return found


def spins(nest, model, seed, h, n, duration):
    """Transitions of trains: of two spikes in a step, and of one.

    Of lone spikes of several senders in one step NEST loses all but one.
    """
    rng = rng_of(seed, model)
    windows = draws.windows(rng, n, h)
    last = round((duration - fuzz.LONGEST) / h)
    own = rng.permutation(np.arange(1, last))[: last // n * n].reshape(n, -1)[:, :25]
    times = [h * np.sort(np.append(t, t[rng.random(len(t)) < 0.5])) for t in own]
    reset(nest, h)
    parrots, devices = told(nest, times), nest.Create(model, n)
    devices.set(windows)
    for k in range(n):
        nest.Connect(parrots[: k + 1], devices[k])
    in_pieces(nest, h, duration)
    return {
        f"{k}: {name}": values
        for k, device in enumerate(devices)
        for name, values in by_time(device.events, "times", "senders", "state").items()
    }


def correlated_spins(nest, model, seed, h, n, duration):
    """Each detector with bins and a window of its own, of the states of three channels."""
    rng = rng_of(seed, model)
    reset(nest, h)
    last = round((duration - fuzz.LONGEST) / h)
    values = [{"delta_tau": h * w, "tau_max": h * w * b} for w, b in rng.integers(1, 6, (n, 2))]
    devices = nest.Create(model, n)
    devices.set([{"N_channels": 3, "Tstart": 5 * h, **v} for v in values])
    for k in range(3 * n):
        changes = np.sort(rng.choice(np.arange(1, last), 24, False))
        times = h * np.repeat(changes, np.tile([2, 1], 12))
        generator = nest.Create("spike_generator", params={"spike_times": times.tolist()})
        nest.Connect(generator, devices[k // 3], syn_spec={"receptor_type": k % 3, "delay": 1.0})
    in_pieces(nest, h, duration)
    return {f"{k}: covariance": np.asarray(d.count_covariance) for k, d in enumerate(devices)}


DETECTORS = ("correlation_detector", "correlomatrix_detector")


def detectors(nest, model, seed, h, n, duration):
    """Each detector with bins and windows of its own, of spikes of three trains or two."""
    rng = rng_of(seed, model)
    channels = 2 if model == "correlation_detector" else 3
    windows = draws.windows(rng, n, h)
    reset(nest, h)
    for window in windows:
        width = h * (2 * rng.integers(0, 4) + 1)
        window |= {"delta_tau": width, "tau_max": width * rng.integers(1, 6)}
        window |= {"Tstart": h * rng.integers(0, 20), "Tstop": h * rng.integers(60, 900)}
        window |= {"N_channels": 3} if channels == 3 else {}
    found, parrots = {}, told(nest, trains(rng, n * channels, h, duration))
    devices = nest.Create(model, n)
    devices.set(windows)
    for k in range(n * channels):
        synapse = {"weight": rng.normal(), "receptor_type": k % channels, "delay": 1.0}
        nest.Connect(parrots[k], devices[k // channels], syn_spec=synapse)
    in_pieces(nest, h, duration)
    for k, device in enumerate(devices):
        for name, values in device.get().items():
            if isinstance(values, np.ndarray) and name != "histogram_correction":  # of rounding
                found[f"{k}: {name}"] = np.asarray(values, float)
    return found


def parrots(nest, model, seed, h, n, duration):
    """Spikes of several at once go through two parrots, and those to receptor 1 do not."""
    rng = rng_of(seed, model)
    reset(nest, h)
    times = trains(rng, n, h, duration)
    sources = nest.Create("spike_generator", n)
    counts = [rng.integers(1, 4, len(train)).tolist() for train in times]
    sources.set(
        [
            {"spike_times": t.tolist(), "spike_multiplicities": c}
            for t, c in zip(times, counts, strict=True)
        ]
    )
    first, second = nest.Create(model, n), nest.Create(model, n)
    synapses = {"weight": rng.normal(size=n), "delay": delays(rng, n, h)}
    nest.Connect(sources, first, "one_to_one", synapses)
    synapses = {"delay": delays(rng, n, h), "receptor_type": np.arange(n) % 2}
    nest.Connect(first, second, "one_to_one", synapses)
    recorder = nest.Create("spike_recorder")
    nest.Connect(first + second, recorder)
    in_pieces(nest, h, duration)
    return by_time(recorder.events, "times", "senders")


RATE_MODELS = tuple(m.name for m in MODELS if "rate_" in m.name and ".neurons." in m.target)
# What the fuzz does not draw around a default of 0 or infinity.
RATE_VALUES = {
    "alpha": (0.5, 3.0),
    "mean": (-2.0, 2.0),
    "mu": (-2.0, 2.0),
    "rate": (-2.0, 2.0),
    "sigma": (0.5, 2.0),
    "theta": (-1.0, 1.0),
    "theta_ex": (-1.0, 1.0),
    "theta_in": (-1.0, 1.0),
}
RATE_SWITCHES = ("mult_coupling", "rectify_output")


def rates(nest, model, seed, h, n, duration):
    """Rate neurons without noise, each with inputs of both signs and of different delay.

    Pieces of the run are whole slices of the shortest delay: in the middle of one NEST forgets the
    rates that are on their way.
    """
    model = "lin_rate_ipn" if model == "rate_connection_delayed" else model
    rng = rng_of(seed, model)
    reset(nest, h)
    defaults = nest.GetDefaults(model)
    params = fuzz.params_of(nest, model, n, rng)
    for one in params:
        one |= {k: rng.uniform(*bounds) for k, bounds in RATE_VALUES.items() if k in defaults}
        one |= {k: bool(rng.integers(2)) for k in RATE_SWITCHES if k in defaults}
        one |= {"std": 0.0} if "std" in defaults else {}
        if "sigma" in defaults and "gauss" not in model:
            one["sigma"] = 0.0
        if model.startswith(("lin", "rate_transformer_lin")):
            one["linear_summation"] = bool(rng.integers(2))
        if "gauss" in model and "mean" in one:
            one["mean"] = rng.normal()
        elif "mean" in one:
            one["mean"] = one["mu"]
    reset(nest, h)
    nodes = nest.Create(model, n)
    nodes.set(params)
    drive = nest.Create("lin_rate_ipn", n, {"sigma": 0.0, "mu": 1.0})
    drive.rate = rng.normal(0, 2, n)
    pairs = rng.integers(1, n + 1, (2, 4 * n))
    slices = rng.permutation(np.arange(4 * n) % 4 + 1)
    weak = 0.05 if "lin_rate" in model else 0.4  # with mult_coupling a strong one runs away
    synapse = {"weight": rng.normal(0, weak, 4 * n), "delay": SLICE * h * slices}
    synapse["synapse_model"] = "rate_connection_delayed"
    nest.Connect(pairs[0], pairs[1], "one_to_one", synapse)
    driven = {"weight": rng.normal(0, 1, n), "delay": SLICE * h}
    driven["synapse_model"] = "rate_connection_delayed"
    nest.Connect(drive, nodes, "one_to_one", driven)
    names = [str(name) for name in defaults["recordables"]]
    meter = nest.Create("multimeter", params={"record_from": names, "interval": h})
    nest.Connect(meter, nodes, syn_spec={"delay": SLICE * h})
    in_pieces(nest, h, duration, least=SLICE)
    return by_time(meter.events, "times", "senders", *names)


INSTANT = {  # what makes each sure to settle
    "lin_rate_ipn": {"sigma": 0.0},
    "rate_transformer_threshold_lin": {"alpha": 3.0},
    "sigmoid_rate_ipn": {"sigma": 0.0},
    "tanh_rate_opn": {"sigma": 0.0},
}


def relaxing(nest, h, seed):
    """Waveform relaxation in networks of even number, iterated until nothing changes."""
    reset(nest, h)
    nest.set(use_wfr=seed % 2 == 0)
    if seed % 2 == 0:
        nest.set(wfr_comm_interval=SLICE * h, wfr_tol=1e-12, wfr_max_iterations=100)


def instant(nest, model, seed, h, n, duration):
    """Rate neurons of several models, coupled without delay and with one."""
    rng = rng_of(seed, model)
    relaxing(nest, h, seed)
    each, nodes = -(-n // len(INSTANT)), None
    for name, values in INSTANT.items():
        group = nest.Create(name, each, values)
        group.rate = rng.normal(0, 2, each)
        nodes = group if nodes is None else nodes + group
    pairs = rng.integers(1, len(nodes) + 1, (2, 4 * n))
    synapse = {"weight": rng.normal(0, 0.3, 4 * n), "synapse_model": model}
    nest.Connect(pairs[0], pairs[1], "one_to_one", synapse)
    synapse |= {"delay": np.full(4 * n, SLICE * h), "synapse_model": "rate_connection_delayed"}
    nest.Connect(pairs[1], pairs[0], "one_to_one", synapse)
    return recorded_rates(nest, nodes, h, duration)


def recorded_rates(nest, nodes, h, duration):
    meter = nest.Create("multimeter", params={"record_from": ["rate"], "interval": h})
    nest.Connect(meter, nodes, syn_spec={"delay": SLICE * h})
    in_pieces(nest, h, duration, least=SLICE)
    return by_time(meter.events, *RATED)


def diffusion(nest, model, seed, h, n, duration):
    """Mean-field rates below and above threshold, with coloured noise and with none."""
    rng = rng_of(seed, model)
    relaxing(nest, h, seed)
    nodes = nest.Create("siegert_neuron", n)
    nodes.set(
        [
            {
                "mean": rng.uniform(0, 10),
                "rate": rng.uniform(0, 30),
                "t_ref": rng.uniform(0, 3),
                "tau": rng.uniform(1, 9),
                "tau_m": rng.uniform(5, 20),
                "tau_syn": rng.uniform(0, 2) * rng.integers(2),
                "theta": rng.uniform(5, 18),
                "V_reset": rng.uniform(-3, 3),
            }
            for _ in range(n)
        ]
    )
    pairs = rng.integers(1, n + 1, (2, 4 * n))
    noise = rng.uniform(0, 0.2, 4 * n) * (pairs[1] % 4 > 0)
    drift = np.where(pairs[1] % 4 > 0, rng.normal(0.3, 0.3, 4 * n), -0.1)
    synapse = {"drift_factor": drift, "diffusion_factor": noise}
    synapse["synapse_model"] = "diffusion_connection"
    nest.Connect(pairs[0], pairs[1], "one_to_one", synapse)
    return recorded_rates(nest, nodes, h, duration)


EXACT = (
    dict.fromkeys(SYNAPSES, synapses)
    | dict.fromkeys(GENERATORS, generators)
    | {"spike_train_injector": injectors}
    | dict.fromkeys(WINDOWED, windowed)
    | dict.fromkeys(RECORDERS, recorders)
    | dict.fromkeys(DETECTORS, detectors)
    | {"correlospinmatrix_detector": correlated_spins, "spin_detector": spins}
    | dict.fromkeys(RATE_MODELS, rates)
    | {"parrot_neuron": parrots, "rate_connection_delayed": rates}
    | {"diffusion_connection": diffusion, "rate_connection_instantaneous": instant}
    | {"siegert_neuron": diffusion}
)


def apart(ours, theirs):
    """The largest difference of two answers over the range of what it is; infinite if of events."""
    if ours.keys() != theirs.keys():
        return np.inf
    errors = [0.0]
    for name, values in theirs.items():
        if ours[name].shape != values.shape:
            return np.inf
        if name.endswith(("times", "senders", "targets", "receptors", "ports")):
            agree = np.allclose(ours[name], values, rtol=0, atol=1e-9)
            errors.append(0.0 if agree else np.inf)
        elif values.size:
            reach = max(np.ptp(values), np.abs(values).max(), 1e-12)
            errors.append(float(np.abs(ours[name] - values).max() / reach))
    return max(errors)
