"""Write a plugin, or look up what the installed ones offer.

A plugin is a module that an entry point names, light to import, with one function for each kind of
record it offers. In its pyproject.toml:

    [project.entry-points.spikax]
    mylab = "spikax_mylab"

and in spikax_mylab/__init__.py:

    from spikax.plugins import Model, hookimpl

    @hookimpl
    def spikax_models():
        yield Model("resonator", "spikax_mylab.resonator:Resonator", reference="Izhikevich 2001")

The other kinds of record are in `hooks`, each with an example. A plugin that needs a later core
says so by `SPIKAX_API = 2`.
"""

from spikax._plugins import _hooks as hooks
from spikax._plugins._hooks import hookimpl as hookimpl
from spikax._plugins._hooks import hookspec as hookspec
from spikax._plugins._records import Connectivity as Connectivity
from spikax._plugins._records import Exporter as Exporter
from spikax._plugins._records import Kernel as Kernel
from spikax._plugins._records import LearningRule as LearningRule
from spikax._plugins._records import Model as Model
from spikax._plugins._records import Origin as Origin
from spikax._plugins._records import Record as Record
from spikax._plugins._registry import API as API
from spikax._plugins._registry import Plugin as Plugin
from spikax._plugins._registry import PluginWarning as PluginWarning
from spikax._plugins._registry import Registry as Registry
from spikax._plugins._registry import model as model
from spikax._plugins._registry import registry as registry

__all__ = [
    "API",
    "Connectivity",
    "Exporter",
    "Kernel",
    "LearningRule",
    "Model",
    "Origin",
    "Plugin",
    "PluginWarning",
    "Record",
    "Registry",
    "hookimpl",
    "hooks",
    "hookspec",
    "model",
    "registry",
]
