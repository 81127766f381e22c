"""What every model has to prove, for core's own models, the packs' and third parties'.

from spikax.testing import check_dynamics

def test_resonator():
    check_dynamics(Resonator())
"""

from __future__ import annotations

from spikax._compilations import count_compilations as count_compilations
from spikax._conformance import check_dynamics as check_dynamics
from spikax._conformance import check_gradients as check_gradients
from spikax._touched import count_touched as count_touched
