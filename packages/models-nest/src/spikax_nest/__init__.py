"""The models of NEST 3.10 for spikax: NEST's names, units, defaults and order of operations.

from spikax_nest import IafPscExp

Compared with a live NEST in float64: `Simulation(net, dt=0.1*ms, precision="float64")`.
"""

import typing as _typing

from spikax_nest._models import MODELS as _MODELS
from spikax_nest._models import spikax_models as spikax_models

if _typing.TYPE_CHECKING:
    from spikax_nest.devices.ac_generator import AcGenerator as AcGenerator
    from spikax_nest.devices.dc_generator import DcGenerator as DcGenerator
    from spikax_nest.devices.noise_generator import NoiseGenerator as NoiseGenerator
    from spikax_nest.devices.poisson_generator import PoissonGenerator as PoissonGenerator
    from spikax_nest.devices.spike_generator import SpikeGenerator as SpikeGenerator
    from spikax_nest.devices.step_current_generator import (
        StepCurrentGenerator as StepCurrentGenerator,
    )
    from spikax_nest.neurons.iaf_psc_exp import IafPscExp as IafPscExp

__all__ = [
    "AcGenerator",
    "DcGenerator",
    "IafPscExp",
    "NoiseGenerator",
    "PoissonGenerator",
    "SpikeGenerator",
    "StepCurrentGenerator",
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
