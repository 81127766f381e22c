"""The models of our lab. This module stays light: a target is imported when it is first used."""

from spikax.plugins import Model, hookimpl


@hookimpl
def spikax_models():
    """Offer the resonator, under the name by which `spikax.model` finds it."""
    target = "spikax_mylab.resonator:Resonator"
    yield Model("resonator", target, family="neuron", reference="Izhikevich 2001")
