"""Parameters that are drawn: one number for each node or synapse."""

from __future__ import annotations

from spikax_nest.pynest._parameter import exponential, lognormal, normal, uniform, uniform_int

__all__ = ["exponential", "lognormal", "normal", "uniform", "uniform_int"]
