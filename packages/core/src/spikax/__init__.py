"""spikax: one differentiable substrate for brain simulation and brain-inspired computing.

import spikax as sx
from spikax.units import ms, mV, nS

cell = sx.Cell(sx.LIF(), exc=sx.Receptor(sx.Expon(5*ms), sx.COBA(0*mV)))
net = sx.Network({"E": sx.Population(cell, 100)}, [...])
result = sx.Simulation(net, dt=0.1*ms, seed=1).run(1000*ms, record={"E": "spike"})
"""

from spikax._built import BuiltNetwork as BuiltNetwork
from spikax._built import NetworkState as NetworkState
from spikax._component import Component as Component
from spikax._connectivity import all_to_all as all_to_all
from spikax._connectivity import explicit as explicit
from spikax._connectivity import fixed_indegree as fixed_indegree
from spikax._connectivity import fixed_outdegree as fixed_outdegree
from spikax._connectivity import fixed_total_number as fixed_total_number
from spikax._connectivity import one_to_one as one_to_one
from spikax._connectivity import pairwise_bernoulli as pairwise_bernoulli
from spikax._connectivity import pairwise_poisson as pairwise_poisson
from spikax._connectivity import symmetric_pairwise_bernoulli as symmetric_pairwise_bernoulli
from spikax._distributions import Exponential as Exponential
from spikax._distributions import LogNormal as LogNormal
from spikax._distributions import Normal as Normal
from spikax._distributions import Uniform as Uniform
from spikax._distributions import each as each
from spikax._fields import cell as cell
from spikax._fields import clock as clock
from spikax._fields import param as param
from spikax._fields import part as part
from spikax._fields import spike as spike
from spikax._fields import static as static
from spikax._network import Network as Network
from spikax._neuron import Crossing as Crossing
from spikax._neuron import Evolving as Evolving
from spikax._neuron import Firing as Firing
from spikax._neuron import IntegrateAndFire as IntegrateAndFire
from spikax._neuron import Membrane as Membrane
from spikax._neuron import Neuron as Neuron
from spikax._neuron import refractory_after as refractory_after
from spikax._neuron import surrogate_width as surrogate_width
from spikax._population import Population as Population
from spikax._projection import Edge as Edge
from spikax._projection import Projection as Projection
from spikax._receptor import Cell as Cell
from spikax._receptor import Coupling as Coupling
from spikax._receptor import Kinetics as Kinetics
from spikax._receptor import KineticState as KineticState
from spikax._receptor import Receptor as Receptor
from spikax._recording import Recording as Recording
from spikax._recording import Series as Series
from spikax._recording import Spikes as Spikes
from spikax._recording import every as every
from spikax._select import Filter as Filter
from spikax._select import floats as floats
from spikax._select import leaves as leaves
from spikax._select import merge as merge
from spikax._select import select as select
from spikax._select import weights as weights
from spikax._simulate import simulate as simulate
from spikax._simulation import Simulation as Simulation
from spikax._state import State as State
from spikax._store import load_state as load_state
from spikax._store import save_state as save_state
from spikax._surrogate import ATan as ATan
from spikax._surrogate import SuperSpike as SuperSpike
from spikax._system import Dynamics as Dynamics
from spikax._system import Port as Port
from spikax._system import System as System
from spikax._system import by_sign as by_sign
from spikax.inputs import Poisson as Poisson
from spikax.inputs import Relay as Relay
from spikax.inputs import SpikeTimes as SpikeTimes
from spikax.inputs import StepCurrent as StepCurrent
from spikax.neurons import ALIF as ALIF
from spikax.neurons import GIF as GIF
from spikax.neurons import HH as HH
from spikax.neurons import IF as IF
from spikax.neurons import LIF as LIF
from spikax.neurons import AdExIF as AdExIF
from spikax.neurons import AdQuaIF as AdQuaIF
from spikax.neurons import ExpIF as ExpIF
from spikax.neurons import FitzHughNagumo as FitzHughNagumo
from spikax.neurons import HindmarshRose as HindmarshRose
from spikax.neurons import Izhikevich as Izhikevich
from spikax.neurons import MorrisLecar as MorrisLecar
from spikax.neurons import QuaIF as QuaIF
from spikax.neurons import WangBuzsaki as WangBuzsaki
from spikax.plugins import model as model
from spikax.readouts import LeakyReadout as LeakyReadout
from spikax.releases import STP as STP
from spikax.synapses import COBA as COBA
from spikax.synapses import CUBA as CUBA
from spikax.synapses import Alpha as Alpha
from spikax.synapses import DualExpon as DualExpon
from spikax.synapses import Expon as Expon
from spikax.synapses import MgBlock as MgBlock

__all__ = [
    "ALIF",
    "COBA",
    "CUBA",
    "GIF",
    "HH",
    "IF",
    "LIF",
    "STP",
    "ATan",
    "AdExIF",
    "AdQuaIF",
    "Alpha",
    "BuiltNetwork",
    "Cell",
    "Component",
    "Coupling",
    "Crossing",
    "DualExpon",
    "Dynamics",
    "Edge",
    "Evolving",
    "ExpIF",
    "Expon",
    "Exponential",
    "Filter",
    "Firing",
    "FitzHughNagumo",
    "HindmarshRose",
    "IntegrateAndFire",
    "Izhikevich",
    "KineticState",
    "Kinetics",
    "LeakyReadout",
    "LogNormal",
    "Membrane",
    "MgBlock",
    "MorrisLecar",
    "Network",
    "NetworkState",
    "Neuron",
    "Normal",
    "Poisson",
    "Population",
    "Port",
    "Projection",
    "QuaIF",
    "Receptor",
    "Recording",
    "Relay",
    "Series",
    "Simulation",
    "SpikeTimes",
    "Spikes",
    "State",
    "StepCurrent",
    "SuperSpike",
    "System",
    "Uniform",
    "WangBuzsaki",
    "all_to_all",
    "by_sign",
    "cell",
    "clock",
    "each",
    "every",
    "explicit",
    "fixed_indegree",
    "fixed_outdegree",
    "fixed_total_number",
    "floats",
    "leaves",
    "load_state",
    "merge",
    "model",
    "one_to_one",
    "pairwise_bernoulli",
    "pairwise_poisson",
    "param",
    "part",
    "refractory_after",
    "save_state",
    "select",
    "simulate",
    "spike",
    "static",
    "surrogate_width",
    "symmetric_pairwise_bernoulli",
    "weights",
]
