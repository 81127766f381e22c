"""NEST's `stdp_facetshw_synapse_hom`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import param, static
from spikax.errors import ConfigError
from spikax.units import ms
from spikax_nest.synapses._synapse import NO_BOUND, NestSynapse

TIC = 1e-3  # ms: NEST's times are whole numbers of it
TABLES = ("lookuptable_0", "lookuptable_1", "lookuptable_2")
ENTRIES = 16  # of a table: weights have 4 bits


class StdpFacetshwSynapseHom(NestSynapse):
    """Plasticity as in the FACETS wafer-scale hardware (NEST's `stdp_facetshw_synapse_hom`).

    At a spike of the source at t, t' its last one (0 before the first), of the target's spikes that
    arrive in (t', t] the first at f and the last at l count, once the weight was read out:

        a_causal <- a_causal + exp((t' - f) / tau_plus)
        a_acausal <- a_acausal + exp((l - t) / tau_minus_stdp)

    A controller reads out one driver after the other, of synapses_per_driver synapses each, in
    driver_readout_time, and begins again after readout_cycle_duration. At the first spike after its
    next_readout_time a synapse's weight w becomes e i, with e = weight_per_lut_entry and i the
    whole number next to w / e, or what a table has in place of i. The table, and which sums are
    reset to 0, are chosen by two bits, each of which compares the sums as its configuration c says:

        (a_thresh_tl + c2 a_causal + c1 a_acausal) / (1 + c2 + c1)
            > (a_thresh_th + c0 a_causal + c3 a_acausal) / (1 + c0 + c3)

    (1, 0) is table 0 and the first two of reset_pattern, (0, 1) table 1 and the next two, (1, 1)
    table 2 and the last two; (0, 0) changes nothing. What is sent has the new weight.

    Synapses get a synapse_id, 0, 1, 2, ..., when they first transmit, which says what driver they
    are on; no_synapses counts them, and with it the cycle gets longer. Sources that spike first in
    one slice, the steps of the shortest delay, are in the order of their node ids, whatever the
    step; where a run ends within a slice, those of each run by themselves. Without a `counter` ids
    and no_synapses stay as they are given. Of its target's spikes from before it was made, a
    synapse sees those on their way; NEST's sees what others had the target keep.

    Source: Pfeil et al. 2012, Front. Neurosci. 6:90; Friedmann et al. 2013; behaviour as of NEST
    3.10.
    """

    counter: str | None = static(None, doc="the population that numbers synapses, if there is one")
    begin: int = static(0, doc="its neuron that stands for the first source")
    lookuptable_0: tuple[int, ...] = static(
        (2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14, 15), doc="new entries, stronger"
    )
    lookuptable_1: tuple[int, ...] = static(
        (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13), doc="new entries, weaker"
    )
    lookuptable_2: tuple[int, ...] = static(tuple(range(ENTRIES)), doc="new entries, of both")
    configbit_0: tuple[int, ...] = static((0, 0, 1, 0), doc="how the first bit compares")
    configbit_1: tuple[int, ...] = static((0, 1, 0, 0), doc="how the second bit compares")
    reset_pattern: tuple[int, ...] = static((1,) * 6, doc="a_causal, a_acausal: if table resets it")
    a_causal: Array = param(0.0, doc="sum of causal pairs at the start")
    a_acausal: Array = param(0.0, doc="sum of anti-causal pairs at the start")
    a_thresh_th: Array = param(21.835, doc="threshold, on the right")
    a_thresh_tl: Array = param(21.835, doc="threshold, on the left")
    init_flag: Array = param(0.0, doc="whether it has a synapse_id at the start")
    synapse_id: Array = param(0.0, doc="which synapse it is, at the start")
    next_readout_time: Array = param(0 * ms, doc="when it may be read out, at the start")
    rank: Array = param(0.0, at_least=0, doc="synapses of its source that get an id before it")
    tau_plus: Array = param(20 * ms, above=0, doc="time constant of causal pairs")
    tau_minus_stdp: Array = param(20 * ms, above=0, doc="time constant of anti-causal pairs")
    Wmax: Array = param(100.0, doc="weight of the last entry")
    weight_per_lut_entry: Array = param(100.0 / (ENTRIES - 1), doc="weight of one entry")
    no_synapses: Array = param(0.0, doc="synapses with an id at the start")
    synapses_per_driver: Array = param(50.0, doc="synapses that are read out at once")
    driver_readout_time: Array = param(15 * ms, doc="how long one driver takes")
    readout_cycle_duration: Array = param(0 * ms, doc="how long all take, at the start")
    w_max: Any = NO_BOUND
    common = (
        *("tau_plus", "tau_minus_stdp", "Wmax", "weight_per_lut_entry", "no_synapses"),
        *("synapses_per_driver", "driver_readout_time", "readout_cycle_duration"),
    )
    lists = {**dict.fromkeys(TABLES, ENTRIES), "configbit_0": 4, "configbit_1": 4} | {
        "reset_pattern": 6
    }
    hidden = ("rank",)
    types = {"init_flag": bool, "synapse_id": int, "no_synapses": int, "synapses_per_driver": int}
    timed = True
    source_values = ("counted", "opening")
    variables = {
        **{n: n for n in ("a_causal", "a_acausal", "init_flag", "synapse_id", "next_readout_time")},
        **dict.fromkeys(("last_spike", "first_arrival", "last_arrival"), 0.0),  # steps
    }

    @property
    def modulators(self) -> tuple[str, ...]:
        if self.counter is None:
            return ()
        return tuple(f"{self.counter}.{n}" for n in self.source_values)

    def of_sources(self, mod: Mapping[str, Array], size: int) -> Mapping[str, Array]:
        if self.counter is None:
            return dict.fromkeys(self.source_values, jnp.zeros(size))
        mine = slice(self.begin, self.begin + size)
        return {n: mod[f"{self.counter}.{n}"][mine] for n in self.source_values}

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        now, first = at["step"], at["first_arrival"]
        return {
            "first_arrival": jnp.where(first > at["last_spike"], 0.0, now - first),
            "last_arrival": now - at["last_arrival"],
        }

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        now = {**at, **self.numbered(at)}
        now |= self.read_out(now)
        causal, acausal = self.paired(at)
        now |= {"a_causal": now["a_causal"] + causal, "a_acausal": now["a_acausal"] + acausal}
        now["last_spike"] = at["step"]
        changed = ("weight", *self.variables)
        return {n: now[n] - at[n] for n in changed if not n.endswith("arrival")}

    def numbered(self, at: Mapping[str, Array]) -> dict[str, Array]:
        """The synapse with an id, and the duration of a cycle as of then."""
        new = 1.0 - at["init_flag"]
        number, counted = at["synapse_id"], jnp.maximum(self.no_synapses, 1.0)
        cycle = self.cycle(counted)
        if self.counter is not None:
            number = jnp.where(new > 0, at["counted"] + self.rank, number)
            counted = at["counted"] + at["opening"] * (self.rank + new)
            longer = counted > self.no_synapses
            cycle = jnp.where(longer, self.cycle(counted), self.readout_cycle_duration)
        first = jnp.trunc(number / self.synapses_per_driver) * self.driver_readout_time
        return {
            "init_flag": jnp.ones_like(new),
            "synapse_id": number,
            "next_readout_time": jnp.where(new > 0, first, at["next_readout_time"]),
            "cycle": cycle,
        }

    def cycle(self, counted: Any) -> Array:
        """How long it takes to read out so many synapses."""
        drivers = (counted - 1.0) / self.synapses_per_driver + 1.0
        return jnp.trunc(drivers) * self.driver_readout_time

    def read_out(self, at: Mapping[str, Array]) -> dict[str, Array]:
        """What the controller leaves of a synapse, if it is time."""
        t = TIC * jnp.round(at["step"] * at["dt"] / TIC)
        due = t > at["next_readout_time"]
        entry = jnp.floor(at["weight"] / self.weight_per_lut_entry + 0.5)
        bits = self.bit(self.configbit_0, at), self.bit(self.configbit_1, at)
        kept = [jnp.ones_like(entry)] * 2
        new = entry
        for k, table in enumerate((self.lookuptable_0, self.lookuptable_1, self.lookuptable_2)):
            chosen = due & (bits[0] == (k != 1)) & (bits[1] == (k != 0))
            listed = jnp.asarray(table, float)[jnp.clip(entry, 0, ENTRIES - 1).astype(jnp.int32)]
            new = jnp.where(chosen, listed, new)
            resets = self.reset_pattern[2 * k : 2 * k + 2]
            kept = [
                jnp.where(chosen, 0.0, v) if r else v for v, r in zip(kept, resets, strict=True)
            ]
        return {
            "weight": jnp.where(due, new * self.weight_per_lut_entry, at["weight"]),
            "a_causal": at["a_causal"] * kept[0],
            "a_acausal": at["a_acausal"] * kept[1],
            "next_readout_time": jnp.where(due, _beyond(t, at), at["next_readout_time"]),
        }

    def bit(self, c: tuple[int, ...], at: Mapping[str, Array]) -> Array:
        """How sums and thresholds compare."""
        causal, acausal = at["a_causal"], at["a_acausal"]
        low = (self.a_thresh_tl + c[2] * causal + c[1] * acausal) / (1 + c[2] + c[1])
        return low > (self.a_thresh_th + c[0] * causal + c[3] * acausal) / (1 + c[0] + c[3])

    def paired(self, at: Mapping[str, Array]) -> tuple[Array, Array]:
        """What the arrivals since the source's last spike add to both sums."""
        some = at["last_arrival"] > at["last_spike"]
        after = jnp.where(some, at["first_arrival"] - at["last_spike"], 0.0) * at["dt"]
        ago = jnp.where(some, at["step"] - at["last_arrival"], 0.0) * at["dt"]
        causal, acausal = jnp.exp(-after / self.tau_plus), jnp.exp(-ago / self.tau_minus_stdp)
        return jnp.where(some, causal, 0.0), jnp.where(some, acausal, 0.0)

    @classmethod
    def with_values(cls, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        new = {**values, **given}
        for name, size in cls.lists.items():
            if len(new[name]) != size:
                raise ConfigError(f"{name} has {len(new[name])} entries; it must have {size}.")
            if name in TABLES and not np.all((new[name] >= 0) & (new[name] < ENTRIES)):
                raise ConfigError(
                    f"{name} is {new[name].tolist()}; entries must be from 0 to {ENTRIES - 1}."
                )
        if new["synapses_per_driver"] == 0:
            raise ConfigError("synapses_per_driver is 0; each driver has some synapses.")
        if "Wmax" in given and "weight_per_lut_entry" not in given:
            new["weight_per_lut_entry"] = new["Wmax"] / (ENTRIES - 1)
        if {"no_synapses", "synapses_per_driver", "driver_readout_time"} & given.keys():
            new["readout_cycle_duration"] = cycle_of(new)
        return new


def _beyond(t: Array, at: Mapping[str, Array]) -> Array:
    """The first readout that is not before t."""
    last, cycle = at["next_readout_time"], at["cycle"]
    later = last + jnp.ceil((t - last) / jnp.where(cycle > 0, cycle, jnp.inf)) * cycle
    return jnp.where(later < t, later + cycle, later)


def cycle_of(values: Mapping[str, Any]) -> float:
    """The duration of a readout cycle, of NEST's values of a model."""
    drivers = (values["no_synapses"] - 1.0) / values["synapses_per_driver"] + 1.0
    return int(drivers) * values["driver_readout_time"]
