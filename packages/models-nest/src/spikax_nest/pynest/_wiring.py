"""Which nodes can be connected by which synapses, and on which port of the target they end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spikax_nest._node import NestNode
from spikax_nest._synapses import COUPLED
from spikax_nest.pynest._arrays import as_slice, distinct, is_repeated
from spikax_nest.pynest._coupling import reason_against
from spikax_nest.pynest._detectors import DETECTORS, channels
from spikax_nest.pynest._errors import NESTErrors, unknown_name
from spikax_nest.pynest._synapse_models import COMPACT, SynapseModel
from spikax_nest.pynest._tables import Table

METERS = ("multimeter", "voltmeter")
CARRIES = {"current": "current", "rate": "rate", "rate_sent": "rate"}
"""What a signal is; all others are spikes."""


def kind_of(system: type[NestNode], carries: str = "spike") -> str:
    """What the connections of a node transmit: spikes, a current, a rate or a learning signal."""
    if carries == "learning" or carries in COUPLED:
        return carries
    return CARRIES.get(system.sends, "spike")


def ports_of(component: NestNode, kind: str) -> Mapping[int, str]:
    """The ports for what is transmitted, by receptor type."""
    return {
        "spike": component.spike_ports,
        "current": component.current_ports,
        "rate": component.rate_ports,
        "learning": component.learning_ports,
        **{carries: {0: carries} for carries in COUPLED},
    }[kind]


def shown_receptors(kernel: Any, targets: np.ndarray, receptors: np.ndarray) -> np.ndarray:
    """The receptors of connections as NEST shows them, by the models of their targets."""
    found = receptors.astype(np.int64)
    for table, _, where in kernel.nodes.by_table(targets):
        shown = {} if table.system is None else table.system.receptors_shown
        for number, other in shown.items():
            found[where[receptors[where] == number]] = other
    return found


def check_wiring(kernel: Any, model: SynapseModel, values: Mapping[str, Any]) -> None:
    """Raise if some of the new synapses cannot be."""
    n = len(values["source"])
    receptor = np.broadcast_to(values["receptor"], n)
    _check_generators(kernel, model, values["source"])
    for name in model.record.names:
        if model.nodes[name] is None:
            raise NESTErrors.BadProperty(
                f"No {name.replace('_', ' ')} has been assigned to {model.name}: create one and "
                f"name it by SetDefaults or CopyModel, {{{name!r}: node}}."
            )
    for source, target, where in _by_tables(kernel, values["source"], values["target"]):
        if source.system is None:
            _check_meter(kernel, source, target, values["source"][where], model)
        elif model.record.couples:
            _check_coupled(source, target, model, distinct(receptor[where]))
        elif not (source.system.sends or source.system.teaches or source.system.couples):
            raise _refused(
                "Source node does not send output.\n"
                f"  A {source.base} is named by synapse models, as their {source.base}."
            )
        elif not (source.system.sends or source.system.teaches):
            raise _refused(
                "Source node does not send output.\n"
                "  Note that recorders must be connected as Connect(neuron, recorder)."
            )
        elif source.system.element_type == "stimulator" and is_global(target):
            raise _refused(
                f"a {source.base} cannot be connected to a {target.base}, both are devices; "
                "put a parrot_neuron between them."
            )
        elif target.system is None:
            _check_recorder(source, target, model)
            _check_targets(target, model, np.ones(1))
            if target.base in DETECTORS:
                rows = kernel.nodes.row_of[distinct(values["target"][where]) - 1]
                _check_channels(target, rows, distinct(receptor[where]))
        else:
            _check_binary(source, target)
            _check_plastic(source, target, model)
            _check_targets(target, model, np.broadcast_to(values.get("delay", 1), n)[where])
            rows = kernel.nodes.row_of[distinct(values["target"][where]) - 1]
            _check_ports(source, target, rows, distinct(receptor[where]), model)
            _check_among(source, target, distinct(receptor[where]))


def is_global(table: Table) -> bool:
    """Whether nodes are neither neurons nor devices: NEST has one of them on every thread."""
    return table.system is not None and table.system.element_type == "other"


def _by_tables(
    kernel: Any, sources: np.ndarray, targets: np.ndarray
) -> Iterator[tuple[Table, Table, Any]]:
    tables = list(kernel.nodes.tables.values())
    pre, post = (kernel.nodes.places(gids)[0] for gids in (sources, targets))
    if is_repeated(pre) and is_repeated(post):
        yield tables[pre[0]], tables[post[0]], slice(0, len(pre))
        return
    key = pre * np.int32(len(tables)) + post
    for pair in np.flatnonzero(np.bincount(key)):
        source, target = divmod(int(pair), len(tables))
        yield tables[source], tables[target], as_slice(np.flatnonzero(key == pair))


def _refused(reason: str) -> Exception:
    return NESTErrors.IllegalConnection(
        f"Creation of connection is not possible because:\n{reason}"
    )


def _check_meter(
    kernel: Any,
    source: Table,
    target: Table,
    sources: np.ndarray,
    model: SynapseModel,
) -> None:
    if source.base not in METERS:
        raise _refused(
            "Source node does not send output.\n"
            "  Note that recorders must be connected as Connect(neuron, recorder)."
        )
    if target.system is None or not target.system.recordables:
        raise _refused(
            f"{target.base} has nothing that a {source.base} records.\n"
            "  Note that volt/multimeters must be connected as Connect(meter, neuron)."
        )
    if model.record.changes or model.record.couples or model.name.endswith(COMPACT):
        raise _refused(f"a {source.base} is connected by static_synapse, not {model.name}.")
    there = set(target.component(np.arange(len(target))).recordables)
    for meter in kernel.nodes.row_of[distinct(sources) - 1]:
        missing = [n for n in source.columns["record_from"][meter] if n not in there]
        if missing:
            raise _refused(unknown_name(f"recordable of {target.base}", missing[0], there))


def _check_generators(kernel: Any, model: SynapseModel, sources: np.ndarray) -> None:
    """All connections of a generator are of one synapse model."""
    sends = np.zeros(len(kernel.nodes) + 1, bool)
    sends[sources] = True
    for table in kernel.nodes.tables.values():
        if table.system is None or table.system.element_type != "stimulator":
            continue
        for gid in table.gids[sends[table.gids]]:
            other = kernel.generator_models.setdefault(int(gid), model.name)
            if other != model.name:
                raise _refused(
                    f"the {table.base} {gid} sends by {other}: all its connections must be of that "
                    f"synapse model, this one is of {model.name}."
                )


def _check_recorder(source: Table, target: Table, model: SynapseModel) -> None:
    assert source.system is not None
    takes = target.base in ("spike_recorder", "spin_detector", *DETECTORS)
    if not takes or kind_of(source.system) != "spike":
        raise _refused(
            "The target node or synapse model does not support "
            f"{'spike input' if kind_of(source.system) == 'spike' else 'this input'}.\n"
            "  Note that volt/multimeters must be connected as Connect(meter, neuron)."
        )
    if model.record.changes and source.system.element_type == "stimulator":
        raise _refused(f"a {source.base} is connected by static_synapse, not {model.name}.")


def _check_channels(target: Table, rows: np.ndarray, receptors: np.ndarray) -> None:
    for row in rows:
        n = channels(target.base, {name: column[row] for name, column in target.columns.items()})
        wrong = receptors[(receptors < 0) | (receptors >= n)]
        if wrong.size:
            raise NESTErrors.UnknownReceptorType(
                f"Receptor type {wrong[0]} is not available in {target.base}; there are 0 to "
                f"{n - 1}."
            )


def _check_binary(source: Table, target: Table) -> None:
    """Raise for spikes of neurons to a binary one, or its transitions to any other."""
    assert source.system is not None
    assert target.system is not None
    sends, takes = source.system.sends == "change", target.system.sends == "change"
    told = takes and source.system.element_type == "stimulator"
    if kind_of(source.system) != "spike" or sends == takes or told:
        return
    raise _refused(f"a {source.base} and a {target.base} do not speak of the same spikes.")


def _check_among(source: Table, target: Table, receptors: np.ndarray) -> None:
    """Raise for spikes that do not end where a model keeps its own apart from those of others."""
    assert source.system is not None
    assert target.system is not None
    if kind_of(source.system) != "spike" or not (source.system.among or target.system.among):
        return
    if source.base == target.base:
        if np.any(receptors != 1):
            raise _refused(f"{source.base} neurons must be connected via receptor_type 1.")
    elif source.system.among and target.component(np.arange(len(target))).timed:
        raise _refused(f"{source.base} neurons cannot be connected to a {target.base}.")
    elif target.system.among and np.any(receptors == 1):
        raise _refused(
            f"a {source.base} to receptor 1 of a {target.base}, which takes the spikes of "
            f"{target.base} neurons alone; in NEST those of others are multiplied by their offset "
            "there, which is 0 on the grid. Use receptor_type 0."
        )


def _check_plastic(source: Table, target: Table, model: SynapseModel) -> None:
    assert source.system is not None
    assert target.system is not None
    if not model.record.changes:
        return
    # E-prop synapses need no archive of spikes: their targets are checked by name.
    ends = target.system.archives or model.record.targets
    for table, may in ((source, source.system.feeds_plastic), (target, ends)):
        if not may:
            raise _refused(f"a {table.base} cannot be connected by the plastic {model.name}.")


def _check_coupled(
    source: Table, target: Table, model: SynapseModel, receptors: np.ndarray
) -> None:
    assert source.system is not None
    if reason := reason_against(source.system, target.system, model):
        raise _refused(reason)
    if np.any(receptors != 0):
        raise NESTErrors.UnknownReceptorType(
            f"Receptor type {receptors[receptors != 0][0]} is not available in {target.base}."
        )


def _check_targets(target: Table, model: SynapseModel, delays: np.ndarray) -> None:
    """Raise for a synapse model that asks more of its targets than this one can."""
    if not model.record.targets:
        return
    if target.base not in model.record.targets:
        raise _refused(
            f"{model.name} cannot end on a {target.base}; it ends on "
            f"{', '.join(model.record.targets)}."
        )
    if np.any(delays != 1):
        raise _refused(f"{model.name} needs a delay of one step, got {delays.max()} steps.")


def _check_ports(
    source: Table, target: Table, rows: np.ndarray, receptors: np.ndarray, model: SynapseModel
) -> None:
    assert source.system is not None
    carries = model.record.carries
    kind = kind_of(source.system, carries)
    teaches = carries == "learning" and source.system.teaches
    if (kind == "rate") != (carries == "rate") or (carries == "learning" and not teaches):
        raise _refused(
            f"a {source.base} sends {kind}s, which {model.name} does not transmit; "
            f"it transmits {carries}s."
        )
    component = target.component(rows)
    ports = ports_of(component, kind)
    if not ports:
        raise _refused(
            f"The target node or synapse model does not support {kind} input.\n"
            "  Note that volt/multimeters must be connected as Connect(meter, neuron)."
        )
    missing = [int(r) for r in receptors if int(r) not in ports]
    if missing:
        error = (
            NESTErrors.IncompatibleReceptorType
            if 0 not in ports and kind == "spike"
            else NESTErrors.UnknownReceptorType
        )
        raise error(
            f"Receptor type {missing[0]} is not available in {target.base}; "
            f"for {kind}s there are {sorted(ports)}."
        )
