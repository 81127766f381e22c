"""The connectivity operators and the formats that they work on, for packs and their kernels."""

from spikax._formats import CSR as CSR
from spikax._formats import Dense as Dense
from spikax._formats import FixedFanOut as FixedFanOut
from spikax._formats import Format as Format
from spikax._formats import OneToOne as OneToOne
from spikax._formats import from_pairs as from_pairs
from spikax._ops import REFERENCE as REFERENCE
from spikax._ops import Formats as Formats
from spikax._ops import collect as collect
from spikax._ops import forward as forward
from spikax._ops import scatter as scatter
from spikax._ops import transpose as transpose
from spikax._ops import use_kernels as use_kernels
from spikax._ops import weight_gradient as weight_gradient
from spikax._procedural import Procedural as Procedural
from spikax._weight_tangent import add_weight_gradient as add_weight_gradient
