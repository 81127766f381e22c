"""The models of NEST 3.10 for spikax, and the interface of PyNEST over them.

As models: `from spikax_nest import IafPscExp`, for networks of core. As PyNEST, in float64:

    import spikax_nest as nest

    neurons = nest.Create("iaf_psc_exp", 100, {"I_e": 376.0})
    nest.Simulate(100.0)
    net, state = nest.network()  # of core: to differentiate, to batch, to train
"""

import importlib as _importlib
import sys as _sys
import typing as _typing

from spikax_nest._models import MODELS as _MODELS
from spikax_nest._models import spikax_models as spikax_models
from spikax_nest.pynest._module import NestModule as _NestModule
from spikax_nest.pynest._names import FUNCTIONS as _FUNCTIONS
from spikax_nest.pynest._names import SUBMODULES as _SUBMODULES

__version__ = "3.10.0"
"""The version of PyNEST that is spoken."""

_submodules = (*_SUBMODULES, "pynest", "neurons", "devices", "synapses")
_CLASSES = {record.target.partition(":")[2]: record for record in _MODELS}

if _typing.TYPE_CHECKING:
    from spikax_nest.devices.ac_generator import AcGenerator as AcGenerator
    from spikax_nest.devices.dc_generator import DcGenerator as DcGenerator
    from spikax_nest.devices.noise_generator import NoiseGenerator as NoiseGenerator
    from spikax_nest.devices.poisson_generator import PoissonGenerator as PoissonGenerator
    from spikax_nest.devices.spike_generator import SpikeGenerator as SpikeGenerator
    from spikax_nest.devices.step_current_generator import (
        StepCurrentGenerator as StepCurrentGenerator,
    )
    from spikax_nest.neurons.aeif_cond_alpha import AeifCondAlpha as AeifCondAlpha
    from spikax_nest.neurons.aeif_cond_beta_multisynapse import (
        AeifCondBetaMultisynapse as AeifCondBetaMultisynapse,
    )
    from spikax_nest.neurons.aeif_cond_exp import AeifCondExp as AeifCondExp
    from spikax_nest.neurons.gif_psc_exp import GifPscExp as GifPscExp
    from spikax_nest.neurons.ginzburg_neuron import GinzburgNeuron as GinzburgNeuron
    from spikax_nest.neurons.hh_psc_alpha import HhPscAlpha as HhPscAlpha
    from spikax_nest.neurons.iaf_cond_alpha import IafCondAlpha as IafCondAlpha
    from spikax_nest.neurons.iaf_cond_exp import IafCondExp as IafCondExp
    from spikax_nest.neurons.iaf_psc_alpha import IafPscAlpha as IafPscAlpha
    from spikax_nest.neurons.iaf_psc_alpha_multisynapse import (
        IafPscAlphaMultisynapse as IafPscAlphaMultisynapse,
    )
    from spikax_nest.neurons.iaf_psc_delta import IafPscDelta as IafPscDelta
    from spikax_nest.neurons.iaf_psc_exp import IafPscExp as IafPscExp
    from spikax_nest.neurons.iaf_psc_exp_multisynapse import (
        IafPscExpMultisynapse as IafPscExpMultisynapse,
    )
    from spikax_nest.neurons.izhikevich import Izhikevich as Izhikevich
    from spikax_nest.neurons.lin_rate_ipn import LinRateIpn as LinRateIpn
    from spikax_nest.neurons.mat2_psc_exp import Mat2PscExp as Mat2PscExp
    from spikax_nest.neurons.parrot_neuron import ParrotNeuron as ParrotNeuron
    from spikax_nest.neurons.pp_psc_delta import PpPscDelta as PpPscDelta
    from spikax_nest.synapses.bernoulli_synapse import BernoulliSynapse as BernoulliSynapse
    from spikax_nest.synapses.stdp_synapse import StdpSynapse as StdpSynapse
    from spikax_nest.synapses.stdp_synapse import StdpSynapseHom as StdpSynapseHom
    from spikax_nest.synapses.tsodyks2_synapse import Tsodyks2Synapse as Tsodyks2Synapse
    from spikax_nest.synapses.tsodyks_synapse import TsodyksSynapse as TsodyksSynapse

__all__ = sorted([*_FUNCTIONS, *_SUBMODULES, *_CLASSES, "spikax_models"])  # pyright: ignore[reportUnsupportedDunderAll]


def _lazy(name: str) -> object:
    # The plugin host imports this module to see what it offers: the rest waits for its first use.
    if name in _FUNCTIONS:
        return getattr(_importlib.import_module(f"spikax_nest.pynest.{_FUNCTIONS[name]}"), name)
    if name in _SUBMODULES:
        return _importlib.import_module(f"spikax_nest.{name}")
    if name in _CLASSES:
        return _CLASSES[name].load()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


_sys.modules[__name__].__class__ = _NestModule
