"""The order in which NEST lists synapses."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax_nest.pynest._synapse_table import SynapseTable


def nests_order(kernel: Any, table: SynapseTable) -> tuple[np.ndarray, np.ndarray]:
    """The synapses of a model as NEST lists them, with their ports.

    Those between neurons by their sources, then those that end on devices, then those that begin at
    devices.
    """
    c = table.columns
    rows = np.flatnonzero(c["alive"])
    is_device = kernel.nodes.device_mask()
    from_device, to_device = is_device[c["source"][rows] - 1], is_device[c["target"][rows] - 1]
    group = np.where(from_device, 2, np.where(to_device, 1, 0))
    sort_by = c["source"][rows]
    if not kernel.settings["use_compressed_spikes"]:
        sort_by = np.where(group == 0, 0, sort_by)
    order = np.lexsort((sort_by, group))
    rows, group = rows[order], group[order]
    ports = np.zeros(len(rows), np.int64)
    neurons = np.flatnonzero(group == 0)
    ports[neurons] = np.arange(len(neurons))
    for which in (1, 2):
        ends = np.flatnonzero(group == which)
        source = c["source"][rows[ends]]
        first = np.searchsorted(source, source) if len(ends) else source
        ports[ends] = np.arange(len(ends)) - first if which == 2 else 0
    return rows, ports
