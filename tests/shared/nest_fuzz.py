"""Random cases of one model, written in PyNEST: the same code runs NEST and spikax.

Every node is a case of its own: parameters around the defaults, spikes of both signs on synapses of
different delay, a current that changes, and a run in pieces.
"""

from dataclasses import dataclass, field

import numpy as np

SOURCES, SPIKES, CHANGES, LONGEST = 4, 12, 5, 5.0

# Constant current (pA) and weights that make a model fire now and then; the default suits many.
# Where there is no I_e, the first is what the current that changes is measured by.
DRIVE = {
    "hh_psc_alpha": (300.0, 900.0),
    "ht_neuron": (200.0, 200.0),
    "aeif_cond_exp": (400.0, 900.0),
    "aeif_cond_alpha": (400.0, 900.0),
    "aeif_cond_alpha_multisynapse": (400.0, 900.0),
    "aeif_cond_beta_multisynapse": (400.0, 900.0),
    "aeif_psc_alpha": (400.0, 900.0),
    "aeif_psc_delta": (400.0, 900.0),
    "aeif_psc_exp": (400.0, 900.0),
    "izhikevich": (4.0, 14.0),
    "mat2_psc_exp": (200.0, 500.0),
    "gif_cond_exp": (150.0, 300.0),
    "gif_cond_exp_multisynapse": (150.0, 300.0),
    "gif_psc_exp": (150.0, 300.0),
    "gif_psc_exp_multisynapse": (150.0, 300.0),
    "pp_psc_delta": (0.0, 400.0),
    "iaf_cond_alpha_mc": (50.0, 250.0),
    "glif_cond": (400.0, 900.0),
    "glif_psc": (300.0, 800.0),
    "glif_psc_double_alpha": (300.0, 800.0),
    "iaf_chxk_2008": (1200.0, 2500.0),
    "iaf_cond_exp": (150.0, 500.0),
    "iaf_cond_alpha": (150.0, 500.0),
}
WEIGHT = {
    "eprop_iaf": 5.0,
    "eprop_iaf_adapt": 5.0,
    "eprop_iaf_adapt_bsshslm_2020": 5.0,
    "eprop_iaf_bsshslm_2020": 5.0,
    "eprop_iaf_psc_delta": 5.0,
    "eprop_iaf_psc_delta_adapt": 5.0,
    "iaf_chs_2007": 1.0,
    "iaf_chxk_2008": 30.0,
    "iaf_psc_delta": 3.0,
    "iaf_psc_delta_ps": 3.0,
    "izhikevich": 3.0,
    "pp_psc_delta": 3.0,
    "iaf_cond_exp": 10.0,
    "iaf_cond_alpha": 5.0,
    "iaf_cond_alpha_mc": 10.0,
    "aeif_cond_exp": 10.0,
    "aeif_cond_alpha": 5.0,
    "aeif_cond_alpha_multisynapse": 3.0,
    "aeif_cond_beta_multisynapse": 3.0,
    "aeif_psc_delta": 3.0,
    "gif_cond_exp": 3.0,
    "gif_cond_exp_multisynapse": 3.0,
    "gif_psc_exp": 30.0,
    "gif_psc_exp_multisynapse": 30.0,
    "glif_cond": 5.0,
    "hh_psc_alpha": 200.0,
    "ht_neuron": 15.0,
}
# So little noise that the threshold is sharp.
SHARP = {"Delta_V": 1e-9}
# Values that are not drawn around their default: what a range of their own makes sense for, or what
# a case without noise needs.
FIXED = {
    "iaf_psc_exp_ps_lossless": {"tau_syn_ex": 2.0, "tau_syn_in": 2.0},
    "iaf_psc_exp": {"delta": 0.0},
    "gif_cond_exp": SHARP,
    "gif_cond_exp_multisynapse": SHARP,
    "gif_psc_exp": SHARP,
    "gif_psc_exp_multisynapse": SHARP,
    # Where a gate is below 0 in a trial, a power that is not whole is no number: NEST's wheel then
    # goes by the errors of some of the variables, and may accept the trial.
    "ht_neuron": {"N_T": 3.0},
    "pp_psc_delta": {"c_2": 0.0},
    "lin_rate_ipn": {"sigma": 0.0, "std": 0.0},
}
# What the default of 0 would leave out.
ZEROS = {
    **dict.fromkeys(("g_ex", "g_in", "g_rr", "g_sfa", "dg_ex", "dg_in"), (0.0, 5.0)),
    **dict.fromkeys(("I_syn_ex", "I_syn_in", "dI_syn_ex", "dI_syn_in", "w"), (0.0, 50.0)),
    **dict.fromkeys(("E_ex", "E_rev_AMPA", "E_rev_NMDA", "E_rev_T"), (-5.0, 5.0)),
    "V_noise": (0.2, 1.0),
    "V_peak": (0.0, 10.0),
    "V_th_v": (-2.0, 2.0),
    "adaptation": (0.0, 1.0),
    "alpha_2": (0.5, 5.0),
    "beta": (-0.3, 0.3),
    "t_ref": (0.0, 3.0),
    **dict.fromkeys(("x", "y", "u"), (0.0, 0.5)),
}
FLAGS = ("ahp_bug", "refractory_input", "regular_spike_arrival")
FLAGS += ("instant_unblock_NMDA", "voltage_clamp")
# Flags of which NEST takes these combinations: each is drawn in turn.
MECHANISMS = ("spike_dependent_threshold", "after_spike_currents", "adapting_threshold")
COMBINATIONS = (
    *((False, False, False), (True, False, False), (False, True, False)),
    *((True, True, False), (True, True, True)),
)
# What can be set where a mechanism is on.
OF_MECHANISMS = {
    "spike_dependent_threshold": ("threshold_spike", (0.0, 5.0)),
    "after_spike_currents": ("ASCurrents", (-100.0, 20.0)),
    "adapting_threshold": ("threshold_voltage", (-2.0, 2.0)),
}
KEPT = {
    *("Ca", "beta_Ca", "tau_Ca", "tau_minus", "tau_minus_triplet", "t_spike", "post_trace"),
    *("ignore_and_spike_interval", "ignore_and_spike_offset", "gsl_error_tol", "V_min"),
    *("t_ref_remaining", "E_sfa", "I_stc", "noise", "mean", "std", "consistent_integration"),
    *("Act_m", "Act_n", "Inact_h", "V_th_alpha_1", "V_th_alpha_2", "flush_event_send_interval"),
}
TRIGGERED = {
    "tau_sfa": (20.0, 200.0),
    "q_sfa": (1.0, 10.0),
    "tau_stc": (20.0, 200.0),
    "q_stc": (-20.0, 20.0),
}
# In NEST asc_init changes nothing.
AFTER_SPIKES = {
    "asc_init": (-100.0, 20.0),
    "asc_decay": (0.003, 0.2),
    "asc_amps": (-150.0, 20.0),
    "asc_r": (0.0, 1.0),
}
VECTORS = {
    "iaf_chs_2007": {"noise": (-0.5, 0.5)},
    "iaf_psc_exp_multisynapse": {"tau_syn": (0.5, 10.0)},
    "iaf_psc_alpha_multisynapse": {"tau_syn": (0.5, 10.0)},
    "aeif_cond_alpha_multisynapse": {"tau_syn": (0.3, 10.0), "E_rev": (-85.0, 0.0)},
    "aeif_cond_beta_multisynapse": {
        "tau_rise": (0.3, 2.0),
        "tau_decay": (2.5, 20.0),
        "E_rev": (-85.0, 0.0),
    },
    "gif_cond_exp": TRIGGERED,
    "gif_cond_exp_multisynapse": TRIGGERED | {"tau_syn": (0.5, 10.0), "E_rev": (-85.0, 0.0)},
    "gif_psc_exp": TRIGGERED,
    "gif_psc_exp_multisynapse": TRIGGERED | {"tau_syn": (0.5, 10.0)},
    "glif_cond": AFTER_SPIKES | {"tau_syn": (0.3, 10.0), "E_rev": (-85.0, 0.0)},
    "glif_psc": AFTER_SPIKES | {"tau_syn": (0.5, 10.0)},
    "glif_psc_double_alpha": AFTER_SPIKES
    | {"tau_syn_fast": (0.5, 5.0), "tau_syn_slow": (2.0, 20.0), "amp_slow": (0.1, 1.0)},
    "pp_psc_delta": {"tau_sfa": (20.0, 200.0), "q_sfa": (1.0, 10.0)},
}
RECEPTORS = 3
# The receptors that spikes arrive at, and currents, where these are not 0, or 1 to RECEPTORS.
SPIKES_TO = {"ht_neuron": (1, 2, 3, 4), "iaf_cond_alpha_mc": (1, 2, 3, 4, 5, 6)}
CURRENTS_TO = {"iaf_cond_alpha_mc": (7, 8, 9)}
# NEST reads past the end of the noise.
LENGTHS = {"noise": 8000}
# Models whose input is no spikes and currents, or that chance drives: tested in files of their own.
ELSEWHERE = {"parrot_neuron", "parrot_neuron_ps", "siegert_neuron"}
ELSEWHERE |= {"eprop_readout", "eprop_readout_bsshslm_2020"}
ELSEWHERE |= {"erfc_neuron", "ginzburg_neuron", "mcculloch_pitts_neuron"}
POTENTIALS = (
    *("V_m", "V_th", "V_peak", "V_reset", "V_T"),
    *("E_L", "E_Na", "E_K", "E_ex", "E_in", "E_ahp"),
)
# Of the range of V_m: how far two runs of NEST that rounding alone sets apart have parted.
PARTED = 1e-10
# What only NEST has: how long an archive is that exists there alone.
MEMORY = {"eprop_history_duration"}
# Their noise is off here, and without it they do not spike.
SILENT = {"pp_psc_delta"}


@dataclass(frozen=True)
class Case:
    """Nodes of a model with their input."""

    model: str
    h: float
    params: list[dict]
    trains: list[np.ndarray]
    weights: np.ndarray
    delays: np.ndarray
    receptors: np.ndarray
    changes: np.ndarray
    current: np.ndarray
    gains: np.ndarray
    drive: np.ndarray
    pieces: list[float] = field(default_factory=list)


def params_of(nest, model, n, rng):
    """Values for each node, as a list of dicts, drawn anew until NEST takes them."""
    defaults = nest.GetDefaults(model)
    floats = [k for k, v in defaults.items() if isinstance(v, float) and k not in KEPT]
    names = [k for k in floats if is_settable(nest, model, k, defaults[k])]
    inner = [k for k, v in defaults.items() if isinstance(v, dict) and "C_m" in v]
    flags = [k for k in FLAGS if k in defaults and is_settable(nest, model, k, True)]
    found = []
    while len(found) < n:
        one = near(defaults, names, rng)
        for part in inner:
            one[part] = near(defaults[part], list(defaults[part]), rng)
            one[part]["I_e"] = rng.uniform(*DRIVE[model])
        one |= {k: bool(rng.integers(2)) for k in flags}
        one |= FIXED.get(model, {})
        if "I_e" in defaults:
            one["I_e"] = rng.uniform(*DRIVE.get(model, (250.0, 600.0)))
        for name, bounds in VECTORS.get(model, {}).items():
            one[name] = rng.uniform(*bounds, LENGTHS.get(name, RECEPTORS)).tolist()
        if has_mechanisms(model):
            one |= mechanisms(COMBINATIONS[len(found) % len(COMBINATIONS)], rng)
        try:
            nest.SetDefaults(model, one)
        except nest.NESTErrors.KernelException:
            continue
        found.append(one)
    nest.ResetKernel()
    return found


def has_mechanisms(model):
    """Whether it is one of those with the flags MECHANISMS, which have no I_e."""
    return model.startswith("glif")


def mechanisms(flags, rng):
    """A combination of mechanisms, with first values of what belongs to those that are on."""
    found = dict(zip(MECHANISMS, flags, strict=True))
    for name, bounds in [OF_MECHANISMS[k] for k, on in found.items() if on]:
        values = rng.uniform(*bounds, RECEPTORS)
        found[name] = values.tolist() if name == "ASCurrents" else values[0]
    return found


def has_receptors(model):
    """Whether spikes arrive at receptors 1 to n."""
    return "multisynapse" in model or has_mechanisms(model)


def is_settable(nest, model, name, value):
    """Whether it is no value that only follows from others."""
    try:
        nest.SetDefaults(model, {name: value})
    except nest.NESTErrors.KernelException:
        return False
    return True


def near(defaults, names, rng):
    """Values near the defaults, or what is drawn where these are 0."""
    one = {k: around(k, defaults[k], rng) for k in names}
    return one | {k: rng.uniform(*ZEROS[k]) for k in names if k in ZEROS and not defaults[k]}


def around(name, value, rng):
    """A value near the default."""
    if (name.startswith(("V_", "E_", "U_")) or name == "c") and value:
        return value + rng.uniform(-3.0, 3.0)
    return value * rng.uniform(0.7, 1.3)


def receptors_of(model):
    """Where spikes arrive."""
    several = range(1, RECEPTORS + 1) if has_receptors(model) else (0,)
    return np.array(SPIKES_TO.get(model, several))


def draw(nest, model, seed, n, h, duration):
    """Random cases; their shapes do not depend on the seed."""
    rng = np.random.default_rng([seed, *model.encode()])
    params = params_of(nest, model, n, rng)

    def moments(k):
        return h * np.sort(rng.choice(np.arange(1, round((duration - LONGEST) / h)), k, False))

    scale = WEIGHT.get(model, 150.0)
    weights = scale * rng.normal(size=n * SOURCES)
    ports = receptors_of(model)
    receptors = ports[rng.integers(len(ports), size=n * SOURCES)]
    if len(ports) > 1 and "psc" not in model:
        weights = np.abs(weights)
    third = h * round(duration / 3 / h)
    measure = DRIVE.get(model, (0.0,))[0]
    currents = np.array([abs(p.get("I_e", measure)) for p in params])
    drive = np.zeros(n)
    if has_mechanisms(model):
        currents = drive = rng.uniform(*DRIVE[model], n)
    return Case(
        model,
        h,
        params,
        [moments(SPIKES) for _ in range(n * SOURCES)],
        weights,
        h * rng.integers(1, round(LONGEST / h) + 1, n * SOURCES),
        receptors,
        moments(CHANGES),
        rng.normal(size=CHANGES),
        0.2 * currents,
        drive,
        [third, h, duration - third - h, LONGEST],
    )


def simulate(nest, case):
    """Run a case: recorded variables by name as (steps, nodes), and spikes as such a table."""
    nest.ResetKernel()
    nest.resolution = case.h
    if "_gap" in case.model:  # repeating a step that nothing couples changes NEST's substeps alone
        nest.use_wfr = False
    n = len(case.params)
    nodes = nest.Create(case.model, n)
    nodes.set(case.params)
    status = nodes[0].get()
    generators = nest.Create("spike_generator", len(case.trains))
    generators.set([{"spike_times": train.tolist()} for train in case.trains])
    targets = np.repeat(np.array(nodes.tolist()), SOURCES)
    synapses = {"weight": case.weights, "delay": case.delays, "receptor_type": case.receptors}
    nest.Connect(np.array(generators.tolist()), targets, "one_to_one", synapses)
    if case.drive.any():
        constant = nest.Create("dc_generator", params={"amplitude": 1.0})
        nest.Connect(
            constant, nodes, "all_to_all", {"weight": case.drive[:, None], "delay": case.h}
        )
    if case.gains.any():
        steps = {"amplitude_times": case.changes, "amplitude_values": case.current}
        current = nest.Create("step_current_generator", params=steps)
        for port in CURRENTS_TO.get(case.model, (0,)):
            synapses = {"weight": case.gains[:, None], "delay": case.h, "receptor_type": port}
            nest.Connect(current, nodes, "all_to_all", synapses)
    names = [str(name) for name in status.get("recordables", ()) if name not in MEMORY]
    meter = nest.Create("multimeter", params={"record_from": names, "interval": case.h})
    recorder = nest.Create("spike_recorder")
    if names:
        nest.Connect(meter, nodes)
    nest.Connect(nodes, recorder)
    for piece in case.pieces:
        nest.Simulate(piece)
    length = round(sum(case.pieces[:-1]) / case.h)
    events = meter.events
    found = {name: table(nodes, case.h, length, events, events[name]) for name in names}
    return found, table(nodes, case.h, length, recorder.events, None)


def table(nodes, h, length, events, values):
    """Events as (steps, nodes)."""
    steps = np.rint(np.asarray(events["times"]) / h).astype(int)
    ids = np.asarray(events["senders"]).astype(int) - nodes.tolist()[0]
    inside = steps <= length
    found = np.zeros((length, len(nodes)))
    some = np.ones(len(steps)) if values is None else np.asarray(values)
    np.add.at(found, (steps[inside] - 1, ids[inside]), some[inside])
    return found


def shifted(case, by, names=("V_th", "V_peak", "omega", "V_T_star", "theta_eq")):
    """The same with all thresholds, or other parameters, moved."""
    moved = [{k: v + by if k in names else v for k, v in p.items()} for p in case.params]
    return Case(**{**vars(case), "params": moved})


def differences(case, ours, theirs, simulate_ours):
    """A row of the table: how far apart the two are.

    A node whose spikes hang on 1e-8 mV of its threshold is left out and counted.
    """
    (mine, spikes), (nests, nests_spikes) = ours, theirs
    wrong = (spikes != nests_spikes).any(axis=0)
    near = np.zeros(len(wrong), bool)
    if wrong.any():
        for by in (-1e-8, 1e-8):
            near |= (simulate_ours(shifted(case, by))[1] != spikes).any(axis=0)
    # NEST itself can run away where a step is too long for its solver.
    lost = np.any([~np.isfinite(values).all(axis=0) for values in nests.values()], axis=0)
    clear = ~(wrong & near) & ~lost
    errors = {
        name: float(np.abs(mine[name] - nests[name])[:, clear].max() / span(nests[name][:, clear]))
        for name in nests
        if clear.any()
    }
    return {
        "model": case.model,
        "resolution_ms": case.h,
        "cases": int(clear.sum()),
        "near_threshold": int((wrong & near & ~lost).sum()),
        "not_finite_in_nest": int(lost.sum()),
        "spikes": int(nests_spikes[:, clear].sum()),
        "spike_mismatches": int((spikes != nests_spikes)[:, clear].sum()),
        "largest_error": max(errors.values(), default=0.0),
        "errors": errors,
    }


def own_difference(nest, case, theirs):
    """How far NEST is from itself with all potentials moved by 16 mV: rounding, and no more."""
    values, moved = theirs[0], simulate(nest, shifted(case, 16.0, POTENTIALS))[0]
    moved["V_m"] = moved["V_m"] - 16.0
    there = np.all(
        [np.isfinite(v).all(axis=0) for d in (values, moved) for v in d.values()], axis=0
    )
    apart = [
        np.abs(moved[n][:, there] - v[:, there]).max() / span(v[:, there])
        for n, v in values.items()
        if there.any()
    ]
    return float(max(apart, default=0.0))


def until_parted(nest, case, ours, theirs):
    """Both runs, each node up to where NEST is no longer what it is with all potentials moved."""
    (values, spikes), V = theirs, theirs[0]["V_m"]
    moved = simulate(nest, shifted(case, 16.0, POTENTIALS))
    apart = (np.abs(moved[0]["V_m"] - 16.0 - V) > PARTED * span(V)) | (moved[1] != spikes)
    parted = np.maximum.accumulate(apart, axis=0)
    mine = {name: np.where(parted, values[name], ours[0][name]) for name in values}
    return (mine, np.where(parted, 0, ours[1])), (values, np.where(parted, 0, spikes))


def span(values):
    """The range of a variable over all cases."""
    return max(float(values.max() - values.min()), 1e-12)
