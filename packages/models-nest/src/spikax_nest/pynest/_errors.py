"""NEST's error classes, by NEST's names."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable
from typing import Any


class KernelException(Exception):
    """What all errors of NEST derive from."""

    __module__ = "NESTErrors"


NAMES = (
    *("BackendAlreadyRegistered", "BackendNotPrepared", "BackendPrepared", "BadDelay"),
    *("BadParameter", "BadParameterValue", "BadProperty", "DimensionMismatch", "DistributionError"),
    *("DynamicModuleManagementError", "GSLSolverFailure", "IOError", "IllegalConnection"),
    *("IncompatibleReceptorType", "InexistentConnection", "InternalError"),
    *("InvalidDefaultResolution", "InvalidTimeInModel", "KeyError", "LayerExpected"),
    *("LayerNodeExpected", "LocalNodeExpected", "MPIErrorCode", "MPIPortsFileMissing"),
    *("MPIPortsFileUnknown", "MUSICChannelAlreadyMapped", "MUSICChannelUnknown"),
    *("MUSICPortAlreadyPublished", "MUSICPortHasNoWidth", "MUSICPortUnconnected"),
    *("MUSICPortUnknown", "MUSICSimulationHasRun", "ModelInUse", "NamingConflict"),
    *("NewModelNameExists", "NoThreadSiblingsAvailable", "NodeWithProxiesExpected"),
    *("NotImplemented", "NumericalInstability", "RangeCheck", "StepMultipleRequired"),
    *("TimeMultipleRequired", "TypeMismatch", "UnaccessedDictionaryEntry", "UndefinedName"),
    *("UnexpectedEvent", "UnknownCompartment", "UnknownComponent", "UnknownModelName"),
    *("UnknownNode", "UnknownPort", "UnknownReceptorType", "UnknownSynapseType", "UnknownThread"),
    *("UnmatchedSteps", "UnsupportedEvent"),
)

NESTErrors: Any = types.ModuleType("NESTErrors", "The error classes of NEST.")
NESTError = NESTErrors.KernelException = KernelException
for _name in NAMES:
    _members = {"__module__": "NESTErrors", "__doc__": f"NEST's {_name}."}
    setattr(NESTErrors, _name, type(_name, (KernelException,), _members))

_FEW = 20


def unknown_name(kind: str, name: Any, valid: Iterable[Any]) -> str:
    """A sentence about a name that there is not, with those that may have been meant."""
    names = sorted(map(str, valid))
    near = difflib.get_close_matches(str(name), names, 3)
    if near:
        return f"{name} is not a known {kind}; did you mean {' or '.join(near)}?"
    listed = f"; there are {', '.join(names)}." if 0 < len(names) <= _FEW else "."
    return f"{name} is not a known {kind}{listed}"
