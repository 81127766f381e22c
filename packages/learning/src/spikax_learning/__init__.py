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
    from spikax_learning.eprop import EProp as EProp

__all__ = ["EProp", "explain", "spikax_learning_rules"]

_HOMES = {"EProp": "spikax_learning.eprop", "explain": "spikax_learning._explain"}


@_hookimpl
def spikax_learning_rules() -> _Iterator[_LearningRule]:
    """The rules of this pack."""
    yield _LearningRule("eprop", "spikax_learning.eprop:EProp", reference="Bellec et al. 2020")


def __getattr__(name: str) -> object:
    # The plugin host imports this module to see what it offers: rules wait for their first use.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
