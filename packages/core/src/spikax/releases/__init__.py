"""Releases (AlignPre): one set of variables per source neuron, for all its projections."""

from spikax.releases._ampa import AMPA as AMPA
from spikax.releases._ampa import GABAa as GABAa
from spikax.releases._gabab import GABAb as GABAb
from spikax.releases._nmda import NMDA as NMDA
from spikax.releases._stp import STD as STD
from spikax.releases._stp import STP as STP
