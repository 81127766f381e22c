"""Integrators: exponential Euler, exact propagators, Runge-Kutta, adaptive RKF45."""

from spikax._integrate import alpha_current_propagators as alpha_current_propagators
from spikax._integrate import by_entry as by_entry
from spikax._integrate import exp_current_propagator as exp_current_propagator
from spikax._integrate import exp_euler as exp_euler
from spikax._integrate import exp_euler_joint as exp_euler_joint
from spikax._integrate import expm_block as expm_block
from spikax._integrate import linearise as linearise
from spikax._integrate import linearise_jointly as linearise_jointly
from spikax._integrate import membrane_propagators as membrane_propagators
from spikax._integrate import phi1 as phi1
from spikax._integrate import phi1_block as phi1_block
from spikax._integrate import rk4 as rk4
from spikax._rkf45 import StepControl as StepControl
from spikax._rkf45 import evolve as evolve
