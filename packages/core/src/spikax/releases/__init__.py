"""Releases (AlignPre): one set of variables per source neuron, for all its projections."""

from spikax.releases._stp import STP as STP
