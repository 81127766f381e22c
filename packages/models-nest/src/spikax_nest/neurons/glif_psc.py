"""NEST's `glif_psc`."""

from __future__ import annotations

from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.neurons._glif_psc import AlphaGlif


class GlifPsc(AlphaGlif):
    """Generalised leaky integrate-and-fire neuron with synaptic currents (NEST's `glif_psc`).

        C_m dV/dt = -g (V - E_L) + sum_k I_syn_k + sum_j ASCurrents_j + I
        I_syn_k: a spike of weight w adds w e t / tau_syn_k exp(-t / tau_syn_k), whose peak is w
        threshold = V_th + threshold_spike + threshold_voltage
        V > threshold:  spike, V <- V_reset, held for t_ref

    with any number of receptors k = 1 to n, and three mechanisms. With spike_dependent_threshold,

        dthreshold_spike/dt = -th_spike_decay threshold_spike
        spike:  threshold_spike <- th_spike_add + exp(-th_spike_decay t_ref) threshold_spike
                V <- E_L + voltage_reset_fraction (V - E_L) + voltage_reset_add

    of the V of the step before; with after_spike_currents,

        dASCurrents_j/dt = -asc_decay_j ASCurrents_j
        spike:  ASCurrents_j <- asc_amps_j + asc_r_j exp(-asc_decay_j t_ref) ASCurrents_j

    and with these two, adapting_threshold:

        dthreshold_voltage/dt = th_voltage_index (V - E_L) - th_voltage_decay threshold_voltage

    Exact between the points of the grid, g / C_m = th_voltage_decay included, for an ASCurrents
    that is its mean over the step. As in NEST, threshold_voltage takes no notice of what synapses
    do to V within a step; in the refractory period nothing but synapses moves; V_reset is for
    neurons without spike_dependent_threshold; and asc_init has no effect: ASCurrents is what these
    start from, the rest of it zeros; a script must give as many of it as of asc_decay, where NEST
    leaves some out or reads past the end. NEST checks rates, fractions and the lengths of lists
    where their mechanism is on, this model always.

    Source: Teeter et al. 2018, Nat. Commun. 9:709; behaviour as of NEST 3.10.
    """

    tau_syn: Array = param([2.0] * ms, above=0, free=True, doc="time to the peak of each current")
    pads = {**AlphaGlif.pads, "tau_syn": 1e30}  # a time constant that no membrane has

    @property
    def taus(self) -> Array:
        return self.tau_syn
