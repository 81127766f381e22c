"""The attributes of the kernel: which there are, what they may be set to."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._detectors import DETECTORS, follow_resolution
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._timers import Timers


class VerbosityLevel(enum.IntEnum):
    """How much is said."""

    ALL = 0
    DEBUG = 5
    STATUS = 7
    INFO = 10
    PROGRESS = 15
    DEPRECATED = 18
    WARNING = 20
    ERROR = 30
    FATAL = 40
    QUIET = 100


DEFAULTS: Mapping[str, Any] = {
    "adaptive_target_buffers": True,
    "buffer_size_spike_data": 2,
    "buffer_size_target_data": 2,
    "data_path": "",
    "data_prefix": "",
    "dict_miss_is_error": True,
    "eprop_learning_window": 1000.0,
    "eprop_reset_neurons_on_update": True,
    "eprop_update_interval": 1000.0,
    "growth_factor_buffer_spike_data": 1.5,
    "growth_factor_buffer_target_data": 1.5,
    "keep_source_table": True,
    "local_num_threads": 1,
    "max_buffer_size_target_data": 16777216,
    "overwrite_files": False,
    "precision": "float64",  # not an attribute of NEST, which has no other
    "print_time": False,
    "rng_seed": 143202461,
    "rng_type": "mt19937_64",
    "spike_buffer_grow_extra": 0.5,
    "spike_buffer_shrink_limit": 0.2,
    "spike_buffer_shrink_spare": 0.1,
    "structural_plasticity_synapses": {},
    "structural_plasticity_update_interval": 10000.0,
    "total_num_virtual_procs": 1,
    "use_compressed_spikes": True,
    "use_wfr": True,
    "verbosity": VerbosityLevel.INFO,
    "wfr_comm_interval": 1.0,
    "wfr_interpolation_order": 3,
    "wfr_max_iterations": 15,
    "wfr_tol": 0.0001,
}
"""What can be set and is kept as it was given; threads and buffers change nothing here."""

LARGEST_TIC = 1152921504606846.8  # ms: 2^60 tics
PRECISIONS = ("float32", "float64")
RNG_TYPES = ("Philox_32", "Philox_64", "Threefry_32", "Threefry_64", "mt19937", "mt19937_64")


def _build_info() -> dict[str, Any]:
    absent = ("hdf5", "libneurosim", "mpi", "music", "sionlib")
    present = ("boost", "gsl", "threads")
    found: dict[str, Any] = {f"have_{name}": False for name in absent}
    found |= {f"have_{name}": True for name in present}
    codes = {"success": 0, "skipped": 200, "unknownerror": 10, "userabort": 15}
    return found | {
        "built": "",
        "datadir": "",
        "docdir": "",
        "exitcode": 0,
        "ndebug": True,
        "prefix": "",
        "test_exitcodes": codes,
        "threads_model": "none",
        "version": "3.10.0",
    }


def _delay(position: int) -> Callable[[Any], float]:
    return lambda k: float(k.clock.ms(k.delay_extrema()[position]))


def _seconds(name: str) -> Callable[[Any], float]:
    return lambda k: k.timers.seconds[name]


READ: Mapping[str, Callable[[Any], Any]] = {
    "T_max": lambda k: LARGEST_TIC,
    "T_min": lambda k: -LARGEST_TIC,
    "biological_time": lambda k: float(k.clock.time),
    "build_info": lambda k: _build_info(),
    "connection_rules": lambda k: _rules(),
    "cycle_time_log": lambda k: {},
    "growth_curves": lambda k: ("gaussian", "linear", "sigmoid"),
    "local_spike_counter": lambda k: k.recordings.spikes,
    "max_delay": _delay(1),
    "max_num_syn_models": lambda k: 511,
    "max_update_time": lambda k: -np.inf,
    "memory_size": lambda k: _memory(),
    "min_delay": _delay(0),
    "min_update_time": lambda k: np.inf,
    "modules": lambda k: (),
    "mpi_rank": lambda k: 0,
    "ms_per_tic": lambda k: 1 / k.clock.tics_per_ms,
    "network_size": lambda k: len(k.nodes),
    "node_models": lambda k: tuple(k.catalogue.models),
    "num_connections": lambda k: len(k.synapses),
    "num_processes": lambda k: 1,
    "off_grid_spiking": lambda k: False,
    "prepared": lambda k: k.prepared,
    "recording_backends": lambda k: ("ascii", "memory", "screen"),
    "recv_buffer_size_secondary_events": lambda k: 0,
    "resolution": lambda k: float(k.clock.resolution),
    "rng_types": lambda k: RNG_TYPES,
    "send_buffer_size_secondary_events": lambda k: 0,
    "spike_buffer_resize_log": lambda k: {
        name: np.zeros(0) for name in ("global_max_spikes_sent", "new_buffer_size", "times")
    },
    "stimulation_backends": lambda k: (),
    "synapse_models": lambda k: tuple(sorted(k.synapse_catalogue.models)),
    "tics_per_ms": lambda k: float(k.clock.tics_per_ms),
    "tics_per_step": lambda k: k.clock.tics_per_step,
    **{name: _seconds(name) for name in Timers().seconds},
    "to_do": lambda k: 0,
    "update_time_limit": lambda k: np.inf,
}
"""What is computed when it is asked for."""


def _rules() -> tuple[str, ...]:
    from spikax_nest.pynest._rules import RULES

    return tuple(sorted(RULES))


def _memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def names() -> tuple[str, ...]:
    """All attributes."""
    return tuple(sorted({*DEFAULTS, *READ}))


def get(kernel: Any, name: str) -> Any:
    """An attribute; KeyError if there is none of this name."""
    if name in READ:
        return READ[name](kernel)
    return kernel.settings[name]


def put(kernel: Any, values: Mapping[str, Any]) -> None:
    """Set attributes.

    Raises:
        NESTErrors.KernelException: One of its kinds, for what cannot be set.
    """
    for name in sorted(values, key=_first):
        if name not in names():
            raise ValueError(
                f"`{name}` is not a valid kernel parameter, valid parameters are: "
                + ", ".join(map(repr, names()))
            )
        SETTERS.get(name, _keep(name))(kernel, values[name])
    if {"min_delay", "max_delay"} & values.keys():
        _set_delays(kernel, values)


def _first(name: str) -> tuple[int, str]:
    """The grain of time comes before what is measured by it."""
    order = ("tics_per_ms", "resolution", "use_wfr")
    return (order.index(name) if name in order else len(order), name)


def _keep(name: str) -> Callable[[Any, Any], None]:
    def setter(kernel: Any, value: Any) -> None:
        if name not in kernel.settings:
            raise NESTErrors.KernelException(f"{name} cannot be set.")
        kernel.settings[name] = value
        if name.startswith("eprop_"):
            kernel.engine.rewired()

    return setter


def _set_resolution(kernel: Any, value: Any) -> None:
    if len(kernel.nodes):
        raise NESTErrors.KernelException(
            "Nodes have already been created: time representation cannot be changed; set the "
            "resolution before the first Create(), after ResetKernel()."
        )
    kernel.clock.set_resolution(float(value))
    interval = float(value)
    if kernel.settings["use_wfr"]:
        interval = max(interval, kernel.settings["wfr_comm_interval"])
    kernel.settings["wfr_comm_interval"] = interval
    for name in DETECTORS:
        follow_resolution(name, kernel.catalogue[name].defaults, kernel.clock)


def _set_tics(kernel: Any, value: Any) -> None:
    if len(kernel.nodes):
        raise NESTErrors.KernelException(
            "Nodes have already been created: time representation cannot be changed."
        )
    resolution = kernel.clock.resolution
    kernel.clock.tics_per_ms = float(value)
    kernel.clock.tics_per_step = max(1, round(resolution * kernel.clock.tics_per_ms))


def _set_delays(kernel: Any, values: Mapping[str, Any]) -> None:
    if not {"min_delay", "max_delay"} <= values.keys():
        raise NESTErrors.BadProperty("min_delay and max_delay are set together.")
    if len(kernel.synapses):
        raise NESTErrors.BadProperty(
            "Connections already exist: set min_delay and max_delay before Connect()."
        )
    per_ms = kernel.clock.tics_per_ms / kernel.clock.tics_per_step
    low, high = (
        math.floor(values["min_delay"] * per_ms + 1e-9),
        math.ceil(values["max_delay"] * per_ms - 1e-9),
    )
    kernel.clock.delay_steps(kernel.clock.ms(low))  # raises below one step
    if low > high:
        raise NESTErrors.BadDelay("min_delay must be less than or equal to max_delay.")
    kernel.extrema = (int(low), int(high))


def _set_time(kernel: Any, value: Any) -> None:
    if float(value) != 0.0:
        raise NESTErrors.BadProperty("The simulation time can only be set back to 0.0 ms.")
    if kernel.clock.step:
        raise NESTErrors.NotImplemented("to set time back; use ResetKernel().")


def _set_threads(kernel: Any, value: Any) -> None:
    if len(kernel.nodes):
        raise NESTErrors.KernelException(
            "Nodes have already been created: the number of threads cannot be changed."
        )
    if int(value) < 1:
        raise NESTErrors.BadProperty(f"the number of threads is {value}; it must be at least 1.")
    kernel.settings |= {"local_num_threads": int(value), "total_num_virtual_procs": int(value)}


def _set_seed(kernel: Any, value: Any) -> None:
    if not 0 < int(value) < 2**32:
        raise NESTErrors.BadProperty(f"rng_seed is {value}; it must be from 1 to {2**32 - 1}.")
    kernel.settings["rng_seed"] = int(value)


def _set_rng(kernel: Any, value: Any) -> None:
    if value not in RNG_TYPES:
        raise NESTErrors.BadProperty(f"rng_type is {value!r}; choose one of {RNG_TYPES}.")
    kernel.settings["rng_type"] = value


def _set_precision(kernel: Any, value: Any) -> None:
    if value not in PRECISIONS:
        raise NESTErrors.BadProperty(f"precision is {value!r}; choose one of {PRECISIONS}.")
    if len(kernel.nodes):
        raise NESTErrors.KernelException(
            "Nodes have already been created: the precision cannot be changed; set it before the "
            "first Create(), after ResetKernel()."
        )
    kernel.settings["precision"] = value


def _set_wfr(kernel: Any, value: Any) -> None:
    if len(kernel.nodes):
        raise NESTErrors.KernelException(
            "Cannot enable/disable usage of waveform relaxation after nodes have been created. "
            "Please call ResetKernel first."
        )
    kernel.settings["use_wfr"] = bool(value)
    if not value:
        kernel.settings["wfr_comm_interval"] = float(kernel.clock.resolution)


def _set_wfr_interval(kernel: Any, value: Any) -> None:
    if not kernel.settings["use_wfr"]:
        raise NESTErrors.KernelException(
            "Cannot set waveform communication interval when usage of waveform relaxation is "
            "disabled. Set use_wfr to true first."
        )
    if len(kernel.synapses):
        raise NESTErrors.KernelException(
            "Cannot change waveform communication interval after connections have been created. "
            "Please call ResetKernel first."
        )
    if float(value) < kernel.clock.resolution:
        raise NESTErrors.KernelException(
            f"wfr_comm_interval is {value} ms; it must be {kernel.clock.resolution:g} ms, the "
            "resolution, or more."
        )
    kernel.settings["wfr_comm_interval"] = float(value)


def _set_wfr_number(
    name: str, kind: type, right: Callable[[Any], bool], must: str
) -> Callable[[Any, Any], None]:
    def setter(kernel: Any, value: Any) -> None:
        if not right(value):
            raise NESTErrors.KernelException(f"{name} is {value}; it must be {must}.")
        kernel.settings[name] = kind(value)

    return setter


SETTERS: Mapping[str, Callable[[Any, Any], None]] = {
    "biological_time": _set_time,
    "local_num_threads": _set_threads,
    "max_delay": lambda kernel, value: None,
    "min_delay": lambda kernel, value: None,
    "precision": _set_precision,
    "resolution": _set_resolution,
    "rng_seed": _set_seed,
    "rng_type": _set_rng,
    "tics_per_ms": _set_tics,
    "total_num_virtual_procs": _set_threads,
    "use_wfr": _set_wfr,
    "wfr_comm_interval": _set_wfr_interval,
    "wfr_interpolation_order": _set_wfr_number(
        "wfr_interpolation_order", int, lambda v: v in (0, 1, 3), "0, 1 or 3"
    ),
    "wfr_max_iterations": _set_wfr_number("wfr_max_iterations", int, lambda v: v > 0, "1 or more"),
    "wfr_tol": _set_wfr_number("wfr_tol", float, lambda v: v >= 0, "0 or more"),
}
