"""Where the functions and classes of the interface live: they are imported on their first use."""

from __future__ import annotations

from collections.abc import Mapping

_BY_MODULE: Mapping[str, tuple[str, ...]] = {
    "_api": (
        "Cleanup",
        "CopyModel",
        "Create",
        "GetDefaults",
        "GetKernelStatus",
        "GetLocalNodeCollection",
        "GetLocalVPs",
        "GetNodes",
        "GetStatus",
        "NumProcesses",
        "Prepare",
        "PrintNodes",
        "Rank",
        "ResetKernel",
        "Run",
        "RunManager",
        "SetDefaults",
        "SetKernelStatus",
        "SetStatus",
        "Simulate",
        "SyncProcesses",
        "get_verbosity",
        "message",
        "network",
        "set_verbosity",
        "to_json",
    ),
    "_collection": ("NodeCollection",),
    "_connect": ("CollocatedSynapses", "Connect"),
    "_errors": ("NESTError", "NESTErrors"),
    "_kernel_status": ("get", "set"),
    "_masks": ("CreateMask", "Mask"),
    "_spatial_functions": (
        "Displacement",
        "Distance",
        "DumpLayerConnections",
        "DumpLayerNodes",
        "FindCenterElement",
        "FindNearestElement",
        "GetPosition",
        "GetSourceNodes",
        "GetSourcePositions",
        "GetTargetNodes",
        "GetTargetPositions",
        "SelectNodesByMask",
    ),
    "_parameter": ("CreateParameter", "Parameter"),
    "_settings": ("VerbosityLevel",),
    "_synapse_collection": ("Disconnect", "GetConnections", "SynapseCollection"),
}
FUNCTIONS: Mapping[str, str] = {n: m for m, names in _BY_MODULE.items() for n in names}
SUBMODULES = (
    "logic",
    "math",
    "random",
    "raster_plot",
    "spatial",
    "spatial_distributions",
    "voltage_trace",
)
