"""Random values: `nest.random.uniform(min=1.0, max=2.0)`."""

from spikax_nest.pynest._parameter import exponential, lognormal, normal, uniform, uniform_int

__all__ = ["exponential", "lognormal", "normal", "uniform", "uniform_int"]
