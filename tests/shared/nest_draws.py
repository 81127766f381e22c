"""Random values of NEST's devices and synapses."""

import numpy as np


def windows(rng, n, h):
    """Times of activity: with and without start, stop and origin."""
    steps = rng.integers(0, 40, (n, 3)) * (rng.random((n, 3)) < 0.6)
    stop = np.where(steps[:, 1] > 0, steps[:, 0] + steps[:, 1], np.inf)
    stop = np.where(np.isinf(stop), np.finfo(float).max, stop * h)
    return [
        {"start": s * h, "stop": e, "origin": o * h}
        for s, e, o in zip(steps[:, 0], stop, steps[:, 2], strict=True)
    ]


def vectors(rng, h, offgrid):
    """Increasing times and a value for each."""
    k = rng.integers(0, 9)
    steps = np.sort(rng.choice(np.arange(1, 90), k, replace=False))
    shift = rng.uniform(0.05, 0.95, k) if offgrid else 0.0
    return (steps - shift) * h, rng.normal(0, 300, k)


def device(model, rng, h):
    """Values of a generator, but for those of its window."""
    if model == "dc_generator":
        return {"amplitude": rng.normal(0, 300)}
    if model == "ac_generator":
        return {
            "amplitude": rng.normal(0, 300),
            "offset": rng.normal(0, 300),
            "phase": rng.uniform(-400, 400),
            "frequency": rng.uniform(0, 500),
        }
    if model == "step_current_generator":
        offgrid = rng.random() < 0.5
        times, values = vectors(rng, h, offgrid)
        return {
            "allow_offgrid_times": offgrid,
            "amplitude_times": times,
            "amplitude_values": values,
        }
    if model == "noise_generator":
        return {"mean": rng.normal(0, 300), "dt": h * rng.integers(1, 9)}
    offgrid, precise = [(0, 0), (1, 0), (0, 1)][rng.integers(3)]
    times, values = vectors(rng, h, offgrid or precise)
    twice = rng.integers(1, 3, len(times))
    times, values = np.repeat(times, twice), np.repeat(values, twice)
    weights = {"spike_weights": values * rng.normal(size=len(times)) / 300}
    return {
        "allow_offgrid_times": offgrid,
        "precise_times": precise,
        "spike_times": times,
        "spike_multiplicities": rng.integers(0, 4, len(times)),
    } | (weights if model == "spike_generator" else {})


def certain(model, rng, h):
    """Values of a generator of random trains of which it is certain in which steps it spikes."""
    often = 5e4 / h
    if model == "gamma_sup_generator":
        return {"rate": often, "gamma_shape": 2, "n_proc": int(rng.integers(2, 60))}
    if model == "inhomogeneous_poisson_generator":
        times, values = vectors(rng, h, offgrid := bool(rng.integers(2)))
        values = np.where(values > 0, often, -1.0)
        return {"allow_offgrid_times": offgrid, "rate_times": times, "rate_values": values}
    if model == "ppd_sup_generator":
        return {"rate": 1e3 / h, "n_proc": int(rng.integers(2, 60))}
    if model == "pulsepacket_generator":
        # What NEST does not learn of at the start of a slice it may lose.
        slices = np.sort(rng.choice(np.arange(18), rng.integers(0, 9), replace=False))
        late = rng.uniform(0, min(5 * h, 1.0)) * rng.integers(2)
        return {"pulse_times": 5 * h * slices + late, "activity": 3}
    if model == "spike_dilutor":
        return {}
    if model == "mip_generator":
        return {"rate": often}
    waves = {"frequency": rng.uniform(0, 200 / h), "phase": rng.uniform(-400, 400)}
    # Expected spikes without one are few: in NEST the hazard is none where they are many.
    rate = often if model == "sinusoidal_poisson_generator" else 1.5e3 / h
    return waves | {"rate": rate, "amplitude": rate * rng.uniform(0, 0.3)}


def stdp(rng, n):
    """Some weights reach their bounds."""
    w_max = rng.uniform(5, 100, n)
    return {
        "Wmax": w_max,
        "weight": w_max * rng.uniform(0, 1, n),
        "tau_plus": rng.uniform(5, 40, n),
        "lambda": rng.uniform(0.01, 0.2, n),
        "alpha": rng.uniform(0.5, 1.5, n),
        "mu_plus": rng.choice([0.0, 0.4, 1.0], n),
        "mu_minus": rng.choice([0.0, 0.4, 1.0], n),
        "Kplus": rng.uniform(0, 2, n) * (rng.random(n) < 0.5),
    }


def inhibitory(rng, n):
    values = stdp(rng, n)
    return values | {name: -values[name] for name in ("Wmax", "weight")}


def hom(rng, n):
    values = {k: float(v[0]) for k, v in stdp(rng, n).items()}
    each = {"weight": values["Wmax"] * rng.uniform(0, 1, n), "Kplus": rng.uniform(0, 2, n)}
    return values | each


def nearest(rng, n):
    return {k: v for k, v in stdp(rng, n).items() if k != "Kplus"}


def triplet(rng, n):
    """Weights of either sign; some reach a bound."""
    w_max = rng.uniform(20, 60, n) * rng.choice([-1, 1], n)
    return {
        "Wmax": w_max,
        "weight": w_max * rng.uniform(0, 1, n),
        "tau_plus": rng.uniform(5, 40, n),
        "tau_plus_triplet": rng.uniform(40, 200, n),
        "Aplus": rng.uniform(0, 5, n),
        "Aminus": rng.uniform(0, 5, n),
        "Aplus_triplet": rng.uniform(0, 5, n),
        "Aminus_triplet": rng.uniform(0, 5, n),
        "Kplus": rng.uniform(0, 2, n),
        "Kplus_triplet": rng.uniform(0, 2, n),
    }


def exponential(rng, n):
    """Some weights reach a bound."""
    return {
        "Wmax": 40.0,
        "weight": rng.uniform(0, 40, n),
        "tau_plus": float(rng.uniform(5, 40)),
        "lambda": float(rng.uniform(0.5, 3)),
        "alpha": float(rng.uniform(0.5, 1.5)),
        "beta": float(rng.uniform(0, 0.5)),
        "mu_plus": float(rng.uniform(-0.05, 0.05)),
        "mu_minus": float(rng.uniform(-0.05, 0.05)),
        "Kplus": rng.uniform(0, 2, n),
    }


def hardware(rng, n):
    """Many drivers, each read out at times that have no rounding; all tables are used."""
    return {
        "weight": rng.uniform(0, 100, n),
        "Wmax": float(rng.uniform(90, 150)),
        "a_thresh_th": rng.uniform(0, 1, n),
        "a_thresh_tl": rng.uniform(0, 1, n),
        "tau_plus": float(rng.uniform(5, 40)),
        "tau_minus_stdp": float(rng.uniform(5, 40)),
        "synapses_per_driver": int(rng.integers(2, 9)),
        "driver_readout_time": float(rng.choice([0.5, 2.5, 15.0])),
        **{f"lookuptable_{k}": rng.integers(0, 16, 16).tolist() for k in range(3)},
        **{f"configbit_{k}": rng.integers(0, 2, 4).tolist() for k in range(2)},
        "reset_pattern": rng.integers(0, 2, 6).tolist(),
    }


def pool(rng, n):
    return {
        "weight": rng.normal(0, 50, n),
        "tau_P": rng.uniform(10, 500, n),
        "delta_P": rng.uniform(0, 1, n),
        "P": rng.uniform(0, 1, n),
    }


def tsodyks2(rng, n):
    return {
        "weight": rng.normal(0, 50, n),
        "U": rng.uniform(0, 1, n),
        "tau_rec": rng.uniform(10, 500, n),
        "tau_fac": rng.uniform(5, 300, n) * (rng.random(n) < 0.7),
        "u": rng.uniform(0, 1, n),
        "x": rng.uniform(0, 1, n),
    }


def tsodyks(rng, n):
    values = tsodyks2(rng, n) | {"tau_psc": rng.uniform(1, 9, n)}
    return values | {"x": rng.uniform(0, 0.6, n), "y": rng.uniform(0, 0.4, n)}


def tsodyks_hom(rng, n):
    values = tsodyks(rng, n)
    common = ("U", "tau_fac", "tau_psc", "tau_rec", "weight")
    return values | {k: float(values[k][0]) for k in common}


def power_law(rng, n):
    """Some weights reach 0."""
    values = {k: v for k, v in hom(rng, n).items() if k not in ("Wmax", "mu_plus", "mu_minus")}
    return values | {"mu": float(rng.choice([0.0, 0.4, 1.0]))}


def balancing(rng, n):
    """Weights of either sign; some reach 0 or their bound."""
    w_max = rng.uniform(20, 60, n) * rng.choice([-1, 1], n)
    return {
        "Wmax": w_max,
        "weight": w_max * rng.uniform(0, 1, n),
        "tau": rng.uniform(5, 40, n),
        "alpha": rng.uniform(0.1, 2, n),
        "eta": rng.uniform(0.5, 9, n),
        "Kplus": rng.uniform(0, 2, n),
    }


def bernoulli(rng, n):
    return {"weight": rng.normal(0, 50, n), "p_transmit": rng.integers(0, 2, n).astype(float)}


def quantal(rng, n):
    """All sites that are ready release, or none; none recovers, or all do."""
    sites, U = rng.integers(1, 6, n), rng.integers(0, 2, n).astype(float)
    return {
        "weight": rng.normal(0, 50, n),
        "n": sites,
        "a": rng.integers(0, sites + 1),
        "U": U,
        "u": U,
        "tau_rec": rng.choice([1e-3, 1e12], n, p=[0.8, 0.2]),
    }


def dopamine(rng, n):
    """Weights reach both bounds."""
    return {
        "A_plus": float(rng.uniform(0.5, 2)),
        "A_minus": float(rng.uniform(0.5, 2)),
        "b": float(rng.uniform(0, 0.01)),
        "tau_c": float(rng.uniform(100, 1000)),
        "tau_n": float(rng.uniform(20, 200)),
        "tau_plus": float(rng.uniform(5, 30)),
        "Wmin": float(rng.uniform(0, 20)),
        "Wmax": float(rng.uniform(30, 60)),
        "weight": rng.uniform(20, 30, n),
        "c": rng.normal(0, 5, n),
        "n": rng.uniform(0, 0.05, n),
        "Kplus": rng.uniform(0, 2, n),
    }
