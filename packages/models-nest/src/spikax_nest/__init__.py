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
    from spikax_nest._classes import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]

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
