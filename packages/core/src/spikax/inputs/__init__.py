"""What drives a network from outside."""

from spikax.inputs._inhomogeneous_poisson import InhomogeneousPoisson as InhomogeneousPoisson
from spikax.inputs._ornstein_uhlenbeck import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from spikax.inputs._poisson import Poisson as Poisson
from spikax.inputs._ramp import Ramp as Ramp
from spikax.inputs._refractory_poisson import RefractoryPoisson as RefractoryPoisson
from spikax.inputs._relay import Relay as Relay
from spikax.inputs._sine import Sine as Sine
from spikax.inputs._spike_times import SpikeTimes as SpikeTimes
from spikax.inputs._step_current import StepCurrent as StepCurrent
from spikax.inputs._wiener import Wiener as Wiener
