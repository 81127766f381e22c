"""Noise for models: numbers that depend on (seed, population, neuron, step, draw) and no more."""

from spikax._counts import POISSON_LIMIT as POISSON_LIMIT
from spikax._counts import poisson as poisson
from spikax._random import bits as bits
from spikax._random import normal as normal
from spikax._random import uniform as uniform
from spikax.inputs._noise import NoisyState as NoisyState
