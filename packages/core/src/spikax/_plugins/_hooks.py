"""The hooks that a plugin may implement, one for each kind of record."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from spikax._plugins._records import Connectivity, Exporter, Kernel, LearningRule, Model

hookspec = pluggy.HookspecMarker("spikax")
hookimpl = pluggy.HookimplMarker("spikax")


@hookspec
def spikax_models() -> Iterable[Model]:  # pyright: ignore[reportReturnType]
    """Yield the models of this plugin: neurons, synapses, inputs and the like.

    A target is a subclass of `spikax.System`, or of `spikax.Kinetics` or `spikax.Coupling` for a
    receptor; `spikax.testing.check_dynamics` proves that a `Dynamics` keeps the contract.
    The whole plugin:

        from spikax.plugins import Model, hookimpl

        @hookimpl
        def spikax_models():
            yield Model(
                "resonator",
                "spikax_mylab.resonator:Resonator",
                family="neuron",
                reference="Izhikevich 2001",
            )
    """


@hookspec
def spikax_kernels() -> Iterable[Kernel]:  # pyright: ignore[reportReturnType]
    """Yield implementations of core's connectivity operators.

    A target is called like the operator, `kernel(fmt, *operands)`; where its attribute `supports`
    says no to a call, the next kernel or core's reference takes it. Derivatives and batching are
    core's. The whole plugin:

        from spikax.plugins import Kernel, hookimpl

        @hookimpl
        def spikax_kernels():
            yield Kernel(
                "mylab_csr_forward",
                "spikax_mylab.kernels:csr_forward",
                op="forward",
                format="csr",
                platform="gpu",
            )
    """


@hookspec
def spikax_learning_rules() -> Iterable[LearningRule]:  # pyright: ignore[reportReturnType]
    """Yield rules that change weights.

    The whole plugin:

        from spikax.plugins import LearningRule, hookimpl

        @hookimpl
        def spikax_learning_rules():
            yield LearningRule(
                "slow_eprop", "spikax_mylab.rules:SlowEProp", reference="Bellec et al. 2020"
            )
    """


@hookspec
def spikax_connectivity() -> Iterable[Connectivity]:  # pyright: ignore[reportReturnType]
    """Yield rules that say who connects to whom.

    The whole plugin:

        from spikax.plugins import Connectivity, hookimpl

        @hookimpl
        def spikax_connectivity():
            yield Connectivity(
                "small_world", "spikax_mylab.graphs:small_world", reference="Watts & Strogatz 1998"
            )
    """


@hookspec
def spikax_exporters() -> Iterable[Exporter]:  # pyright: ignore[reportReturnType]
    """Yield functions that write a network down in another format.

    The whole plugin:

        from spikax.plugins import Exporter, hookimpl

        @hookimpl
        def spikax_exporters():
            yield Exporter("edge_list", "spikax_mylab.export:edge_list")
    """
