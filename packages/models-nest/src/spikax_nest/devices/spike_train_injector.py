"""NEST's `spike_train_injector`."""

from __future__ import annotations

from spikax_nest.devices._spike_times import SpikeTimes


class SpikeTrainInjector(SpikeTimes):
    """A neuron that spikes at given times (NEST's `spike_train_injector`).

    As `spike_generator`, without weights; but its connections may be plastic, and of several
    models.

    Source: behaviour as of NEST 3.10.
    """

    element_type = "neuron"
    feeds_plastic = True
