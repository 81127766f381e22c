"""Point neurons."""

from spikax.neurons._adexif import AdExIF as AdExIF
from spikax.neurons._alif import ALIF as ALIF
from spikax.neurons._hh import HH as HH
from spikax.neurons._lif import LIF as LIF

__all__ = ["ALIF", "HH", "LIF", "AdExIF"]
