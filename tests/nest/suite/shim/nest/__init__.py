"""The name under which NEST's suite and its examples import their subject: spikax's interface."""

import sys

import spikax_nest
from spikax_nest.pynest._names import SUBMODULES

for _name in SUBMODULES:
    sys.modules[f"nest.{_name}"] = getattr(spikax_nest, _name)
sys.modules["nest"] = spikax_nest
