"""Which models there are, by NEST's names; light to import."""

from __future__ import annotations

from collections.abc import Iterator

from spikax.plugins import Model, hookimpl

MODELS = (
    Model(
        "iaf_psc_exp",
        "spikax_nest.neurons.iaf_psc_exp:IafPscExp",
        family="nest",
        reference="NEST 3.10; Rotter & Diesmann 1999",
        summary="leaky integrate-and-fire, exponential synaptic currents",
    ),
)


@hookimpl
def spikax_models() -> Iterator[Model]:
    """This pack's models."""
    yield from MODELS
