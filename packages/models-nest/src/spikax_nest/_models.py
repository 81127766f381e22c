"""Which models there are, by NEST's names; light to import."""

from __future__ import annotations

from collections.abc import Iterator

from spikax.plugins import Model, hookimpl

MODELS = (
    Model(
        "ac_generator",
        "spikax_nest.devices.ac_generator:AcGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="sinusoidal current",
    ),
    Model(
        "dc_generator",
        "spikax_nest.devices.dc_generator:DcGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="constant current",
    ),
    Model(
        "iaf_psc_exp",
        "spikax_nest.neurons.iaf_psc_exp:IafPscExp",
        family="nest",
        reference="NEST 3.10; Rotter & Diesmann 1999",
        summary="leaky integrate-and-fire, exponential synaptic currents",
    ),
    Model(
        "noise_generator",
        "spikax_nest.devices.noise_generator:NoiseGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="current of Gaussian noise",
    ),
    Model(
        "poisson_generator",
        "spikax_nest.devices.poisson_generator:PoissonGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="Poisson spike trains",
    ),
    Model(
        "spike_generator",
        "spikax_nest.devices.spike_generator:SpikeGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="spikes at given times",
    ),
    Model(
        "step_current_generator",
        "spikax_nest.devices.step_current_generator:StepCurrentGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="current that changes in steps",
    ),
)


@hookimpl
def spikax_models() -> Iterator[Model]:
    """This pack's models."""
    yield from MODELS
