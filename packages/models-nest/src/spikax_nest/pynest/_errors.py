"""The exceptions of the interface: `NESTErrors`, all kinds of `KernelException`."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable
from typing import Any

_KINDS = """
    BackendAlreadyRegistered BackendNotPrepared BackendPrepared BadDelay BadParameter
    BadParameterValue BadProperty DimensionMismatch DistributionError DynamicModuleManagementError
    GSLSolverFailure IOError IllegalConnection IncompatibleReceptorType InexistentConnection
    InternalError InvalidDefaultResolution InvalidTimeInModel KeyError LayerExpected
    LayerNodeExpected LocalNodeExpected MPIErrorCode MPIPortsFileMissing MPIPortsFileUnknown
    MUSICChannelAlreadyMapped MUSICChannelUnknown MUSICPortAlreadyPublished MUSICPortHasNoWidth
    MUSICPortUnconnected MUSICPortUnknown MUSICSimulationHasRun ModelInUse NamingConflict
    NewModelNameExists NoThreadSiblingsAvailable NodeWithProxiesExpected NotImplemented
    NumericalInstability RangeCheck StepMultipleRequired TimeMultipleRequired TypeMismatch
    UnaccessedDictionaryEntry UndefinedName UnexpectedEvent UnknownCompartment UnknownComponent
    UnknownModelName UnknownNode UnknownPort UnknownReceptorType UnknownSynapseType UnknownThread
    UnmatchedSteps UnsupportedEvent
""".split()
_FEW = 20  # names that are all listed when none is near


class KernelException(Exception):
    """What the kernel refuses; every class of `NESTErrors` is one."""

    __module__ = "NESTErrors"


class _Errors(types.ModuleType):
    """A module of exceptions, whose names need not be written down one by one."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"NESTErrors has no exception {name!r}")


def _made() -> Any:
    module = _Errors("NESTErrors", "The exceptions of the interface.")
    module.KernelException = KernelException
    for name in _KINDS:
        kind = type(name, (KernelException,), {"__module__": "NESTErrors", "__doc__": f"{name}."})
        setattr(module, name, kind)
    return module


NESTErrors: Any = _made()
NESTError = KernelException


def unknown_name(kind: str, name: Any, valid: Iterable[Any]) -> str:
    """What to say of a name that does not exist, with those near it."""
    names = sorted(map(str, valid))
    near = difflib.get_close_matches(str(name), names, n=3)
    if near:
        return f"{name} is not a known {kind}; did you mean {' or '.join(near)}?"
    if 0 < len(names) <= _FEW:
        return f"{name} is not a known {kind}; there are {', '.join(names)}."
    return f"{name} is not a known {kind}."
