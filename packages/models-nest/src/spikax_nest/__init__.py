"""The models of NEST 3.10 for spikax: NEST's names, units, defaults and order of operations.

from spikax_nest import IafPscExp

Compared with a live NEST in float64: `Simulation(net, dt=0.1*ms, precision="float64")`.
"""

import typing as _typing

from spikax_nest._models import MODELS as _MODELS
from spikax_nest._models import spikax_models as spikax_models

if _typing.TYPE_CHECKING:
    from spikax_nest.neurons.gif_psc_exp import GifPscExp as GifPscExp
    from spikax_nest.neurons.ginzburg_neuron import GinzburgNeuron as GinzburgNeuron
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

__all__ = [
    "GifPscExp",
    "GinzburgNeuron",
    "IafPscAlpha",
    "IafPscAlphaMultisynapse",
    "IafPscDelta",
    "IafPscExp",
    "IafPscExpMultisynapse",
    "Izhikevich",
    "LinRateIpn",
    "Mat2PscExp",
    "ParrotNeuron",
    "PpPscDelta",
    "spikax_models",
]


def __getattr__(name: str) -> object:
    # The plugin host imports this module to see what it offers: models wait for their first use.
    for record in _MODELS:
        if record.target.endswith(f":{name}"):
            return record.load()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
