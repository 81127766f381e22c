"""Online and gradient-based learning rules for spikax.

import spikax as sx
from spikax_learning import EProp, explain

train = sx.weights("in->E", "E->E")
print(explain(net, EProp(), train))
total, gradients = EProp().gradient(net, state, inputs, targets, loss, train)
"""

import importlib as _importlib
import typing as _typing
from collections.abc import Iterator as _Iterator

from spikax.plugins import LearningRule as _LearningRule
from spikax.plugins import hookimpl as _hookimpl

if _typing.TYPE_CHECKING:
    from spikax_learning._explain import explain as explain
    from spikax_learning._fit import Fit as Fit
    from spikax_learning._fit import early_stopping as early_stopping
    from spikax_learning._fit import fit as fit
    from spikax_learning._signals import Adaptive as Adaptive
    from spikax_learning._signals import Random as Random
    from spikax_learning._signals import Symmetric as Symmetric
    from spikax_learning._stream import StreamFit as StreamFit
    from spikax_learning._stream import fit_stream as fit_stream
    from spikax_learning.bptt import BPTT as BPTT
    from spikax_learning.compare import Comparison as Comparison
    from spikax_learning.compare import compare_gradients as compare_gradients
    from spikax_learning.d_rtrl import DRTRL as DRTRL
    from spikax_learning.d_rtrl import OSTL as OSTL
    from spikax_learning.decolle import DECOLLE as DECOLLE
    from spikax_learning.eprop import EProp as EProp
    from spikax_learning.eventprop import EventProp as EventProp
    from spikax_learning.losses import count_cross_entropy as count_cross_entropy
    from spikax_learning.losses import count_mse as count_mse
    from spikax_learning.losses import cross_entropy as cross_entropy
    from spikax_learning.losses import first_spike_cross_entropy as first_spike_cross_entropy
    from spikax_learning.losses import first_spike_mse as first_spike_mse
    from spikax_learning.losses import max_cross_entropy as max_cross_entropy
    from spikax_learning.losses import mse as mse
    from spikax_learning.losses import rate_mse as rate_mse
    from spikax_learning.losses import squared_error as squared_error
    from spikax_learning.losses import van_rossum as van_rossum
    from spikax_learning.ottt import OTTT as OTTT
    from spikax_learning.pp_prop import PPProp as PPProp
    from spikax_learning.regularisers import l1_rate as l1_rate
    from spikax_learning.regularisers import rate_regulariser as rate_regulariser
    from spikax_learning.regularisers import running_rate_regulariser as running_rate_regulariser
    from spikax_learning.regularisers import silence_regulariser as silence_regulariser
    from spikax_learning.regularisers import sparsity_regulariser as sparsity_regulariser
    from spikax_learning.regularisers import voltage_regulariser as voltage_regulariser
    from spikax_learning.regularisers import weight_regulariser as weight_regulariser
    from spikax_learning.rflo import RFLO as RFLO
    from spikax_learning.rtrl import RTRL as RTRL
    from spikax_learning.snap import SnAp as SnAp
    from spikax_learning.three_factor import ThreeFactor as ThreeFactor
    from spikax_learning.uoro import UORO as UORO

_RULES = {
    "d_rtrl": ("d_rtrl", "DRTRL", "Wang et al. 2024"),
    "ostl": ("d_rtrl", "OSTL", "Bohnstingl et al. 2022"),
    "eprop": ("eprop", "EProp", "Bellec et al. 2020"),
    "eventprop": ("eventprop", "EventProp", "Wunderlich & Pehle 2021"),
    "pp_prop": ("pp_prop", "PPProp", "Wang et al. 2024"),
    "ottt": ("ottt", "OTTT", "Xiao et al. 2022"),
    "rflo": ("rflo", "RFLO", "Murray 2019"),
    "decolle": ("decolle", "DECOLLE", "Kaiser, Mostafa & Neftci 2020"),
    "three_factor": ("three_factor", "ThreeFactor", "Fremaux & Gerstner 2016"),
    "bptt": ("bptt", "BPTT", "Werbos 1990"),
    "rtrl": ("rtrl", "RTRL", "Williams & Zipser 1989"),
    "snap": ("snap", "SnAp", "Menick et al. 2021"),
    "uoro": ("uoro", "UORO", "Tallec & Ollivier 2017"),
}
_HOMES = {
    **{name: module for module, name, _ in _RULES.values()},
    "Adaptive": "_signals",
    "Random": "_signals",
    "Symmetric": "_signals",
    "explain": "_explain",
}
_AROUND = {
    "_fit": "Fit early_stopping fit",
    "_stream": "StreamFit fit_stream",
    "compare": "Comparison compare_gradients",
    "losses": "count_cross_entropy count_mse cross_entropy first_spike_cross_entropy "
    "first_spike_mse max_cross_entropy mse rate_mse squared_error van_rossum",
    "regularisers": "l1_rate rate_regulariser running_rate_regulariser silence_regulariser "
    "sparsity_regulariser voltage_regulariser weight_regulariser",
}
_HOMES |= {name: home for home, names in _AROUND.items() for name in names.split()}

__all__ = [
    "BPTT",
    "DECOLLE",
    "DRTRL",
    "OSTL",
    "OTTT",
    "RFLO",
    "RTRL",
    "UORO",
    "Adaptive",
    "Comparison",
    "EProp",
    "EventProp",
    "Fit",
    "PPProp",
    "Random",
    "SnAp",
    "StreamFit",
    "Symmetric",
    "ThreeFactor",
    "compare_gradients",
    "count_cross_entropy",
    "count_mse",
    "cross_entropy",
    "early_stopping",
    "explain",
    "first_spike_cross_entropy",
    "first_spike_mse",
    "fit",
    "fit_stream",
    "l1_rate",
    "max_cross_entropy",
    "mse",
    "rate_mse",
    "rate_regulariser",
    "running_rate_regulariser",
    "silence_regulariser",
    "sparsity_regulariser",
    "spikax_learning_rules",
    "squared_error",
    "van_rossum",
    "voltage_regulariser",
    "weight_regulariser",
]


@_hookimpl
def spikax_learning_rules() -> _Iterator[_LearningRule]:
    """The rules of this pack."""
    for name, (module, rule, reference) in _RULES.items():
        yield _LearningRule(name, f"spikax_learning.{module}:{rule}", reference=reference)


def __getattr__(name: str) -> object:
    # The plugin host imports this module to see what it offers: rules wait for their first use.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_importlib.import_module(f"spikax_learning.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
