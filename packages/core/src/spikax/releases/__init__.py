"""Releases, the AlignPre half: one set of variables per pre-synaptic neuron, read by any number of projections."""

from spikax.releases._stp import STP as STP

__all__ = ["STP"]
