"""The name under which NEST's suite imports its subject: here spikax's interface."""

import sys

import spikax_nest

for _name in ("random", "math", "logic", "spatial", "spatial_distributions"):
    sys.modules[f"nest.{_name}"] = getattr(spikax_nest, _name)
sys.modules["nest"] = spikax_nest
