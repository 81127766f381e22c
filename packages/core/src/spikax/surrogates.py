"""Surrogate gradients: what a spike hands back in place of its derivative."""

from spikax._surrogate import ATan as ATan
from spikax._surrogate import Boxcar as Boxcar
from spikax._surrogate import Exponential as Exponential
from spikax._surrogate import Gaussian as Gaussian
from spikax._surrogate import MultiGaussian as MultiGaussian
from spikax._surrogate import Sigmoid as Sigmoid
from spikax._surrogate import Smooth as Smooth
from spikax._surrogate import SuperSpike as SuperSpike
from spikax._surrogate import Surrogate as Surrogate
from spikax._surrogate import Triangular as Triangular
from spikax._surrogate import arctan_derivative as arctan_derivative
from spikax._surrogate import fast_sigmoid_derivative as fast_sigmoid_derivative
from spikax._surrogate import heaviside as heaviside
from spikax._surrogate import piecewise_linear as piecewise_linear
from spikax._surrogate import two_sided_exponential as two_sided_exponential
