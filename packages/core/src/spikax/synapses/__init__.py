"""Synapses: time courses (kinetics) and their effect on the membrane (couplings)."""

from spikax.synapses._couplings import COBA as COBA
from spikax.synapses._couplings import CUBA as CUBA
from spikax.synapses._couplings import MgBlock as MgBlock
from spikax.synapses._kinetics import Alpha as Alpha
from spikax.synapses._kinetics import DualExpon as DualExpon
from spikax.synapses._kinetics import Expon as Expon
from spikax.synapses._kinetics import Held as Held
