"""The connectivity operators and the formats that they work on, for packs and their kernels."""

from spikax._formats import CSR as CSR
from spikax._formats import Dense as Dense
from spikax._formats import FixedFanOut as FixedFanOut
from spikax._formats import Format as Format
from spikax._formats import OneToOne as OneToOne
from spikax._formats import from_pairs as from_pairs
from spikax._learning import Events as Events
from spikax._learning import Plastic as Plastic
from spikax._mesh_axes import axes_of as axes_of
from spikax._mesh_axes import spread as spread
from spikax._operands import fits as fits
from spikax._ops import REFERENCE as REFERENCE
from spikax._ops import Formats as Formats
from spikax._ops import Moving as Moving
from spikax._ops import add_weight_gradient as add_weight_gradient
from spikax._ops import collect as collect
from spikax._ops import forward as forward
from spikax._ops import scatter as scatter
from spikax._ops import transpose as transpose
from spikax._ops import use_kernels as use_kernels
from spikax._ops import weight_gradient as weight_gradient
from spikax._procedural import Procedural as Procedural
from spikax._procedural import delay_place as delay_place
from spikax._procedural import weight_place as weight_place
from spikax._random import scramble as scramble
