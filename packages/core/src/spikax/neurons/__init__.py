"""Point neurons."""

from spikax.neurons._adexif import AdExIF as AdExIF
from spikax.neurons._alif import ALIF as ALIF
from spikax.neurons._expif import ExpIF as ExpIF
from spikax.neurons._fitzhugh_nagumo import FitzHughNagumo as FitzHughNagumo
from spikax.neurons._gif import GIF as GIF
from spikax.neurons._hh import HH as HH
from spikax.neurons._hindmarsh_rose import HindmarshRose as HindmarshRose
from spikax.neurons._if import IF as IF
from spikax.neurons._izhikevich import Izhikevich as Izhikevich
from spikax.neurons._lif import LIF as LIF
from spikax.neurons._morris_lecar import MorrisLecar as MorrisLecar
from spikax.neurons._quaif import AdQuaIF as AdQuaIF
from spikax.neurons._quaif import QuaIF as QuaIF
from spikax.neurons._rate_unit import RateUnit as RateUnit
from spikax.neurons._wang_buzsaki import WangBuzsaki as WangBuzsaki
