"""What drives a network from outside."""

from spikax.inputs._poisson import Poisson as Poisson
from spikax.inputs._ramp import Ramp as Ramp
from spikax.inputs._relay import Relay as Relay
from spikax.inputs._sine import Sine as Sine
from spikax.inputs._spike_times import SpikeTimes as SpikeTimes
from spikax.inputs._step_current import StepCurrent as StepCurrent
