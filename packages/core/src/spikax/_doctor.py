"""Look over an installation: versions, devices, plugins, targets, kernels."""

from __future__ import annotations

import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import importlib_metadata
import jax

from spikax import _gpu, _kernel_check
from spikax._kernel_cases import LARGE
from spikax._kernel_selftest import CAUTION, Row
from spikax._model_page import page
from spikax._plugins._records import KINDS
from spikax.errors import SpikaxError
from spikax.plugins import Kernel, Model, Plugin, Record, Registry

_PACKAGES = ("spikax", "jax", "jaxlib", "numpy", "brainunit", "pluggy")


def examine(registry: Registry) -> dict[str, Any]:
    """Facts about this installation, ready for JSON; `problems` lists what needs repair."""
    return _facts(registry, _kernel_check.check)


def examine_kernels(registry: Registry, rows: list[Row]) -> dict[str, Any]:
    """Facts about this installation, and what the self-test says of the kernels."""
    # It has run them already.
    facts = _facts(registry, _kernel_check.load)
    kernels = registry.records(Kernel)
    facts["selftest"] = {"timed": str(LARGE), "caution": CAUTION, "kernels": rows}
    facts["problems"] += [_failure(kernels[row["name"]], row) for row in rows if row["failures"]]
    return facts


def _failure(kernel: Kernel, row: Row) -> str:
    first = row["failures"][0]
    # The log of a compiler, which may follow, stands with the failures.
    what, _, _ = first["reason"].partition("\n")
    return (
        f"kernel {kernel.name!r} of {kernel.origin} failed {row['reason']} of the self-test; "
        f"the first, {first['case']}: {what}"
    )


def _facts(registry: Registry, check: Callable[[Kernel], object]) -> dict[str, Any]:
    devices, no_device = _devices()
    broken = [plugin.error for plugin in registry.plugins if plugin.status == "error"]
    records = [record for kind in KINDS for record in registry.records(kind).values()]
    kernels = [*registry.records(Kernel).values()]
    packages = {p: _version(p) for p in _PACKAGES} | dict(_gpu.plugin())
    return {
        "versions": {"python": platform.python_version()} | packages,
        "platform": f"{platform.system()} {platform.machine()}",
        "executable": sys.executable,
        "devices": devices,
        "nvidia_driver": _gpu.driver(),
        "x64": bool(jax.config.read("jax_enable_x64")),
        "nest": _version("nest-simulator"),
        "plugins": [summary(plugin) for plugin in registry.plugins],
        "kernels": [_kernel(k, kernels) for k in kernels],
        "waiting": _waiting(kernels),
        "problems": no_device + broken + ([] if no_device else _troubles(records, check)),
    }


def summary(plugin: Plugin) -> dict[str, Any]:
    """One plugin, ready for JSON."""
    return {
        "name": plugin.origin.plugin,
        "distribution": plugin.origin.distribution,
        "version": plugin.origin.version,
        "api": plugin.api,
        "records": dict(plugin.counts),
        "status": plugin.status,
        "error": plugin.error,
    }


def _version(distribution: str) -> str | None:
    try:
        return importlib_metadata.version(distribution)
    except importlib_metadata.PackageNotFoundError:
        return None


def _devices() -> tuple[list[str], list[str]]:
    try:
        return [f"{d.platform}:{d.id} ({d.device_kind})" for d in jax.devices()], []
    # A GPU plugin of JAX whose driver is missing; none, where JAX_PLATFORMS asks for one.
    except (RuntimeError, AssertionError) as cause:
        return [], [f"JAX finds no device: {str(cause) or _gpu.why_not(*_gpu.seen())}"]


def _waiting(kernels: Sequence[Kernel]) -> list[dict[str, Any]]:
    """The packs whose kernels wait for a GPU, and why there is none."""
    if _gpu.here() == "gpu":
        return []
    packs = Counter(k.origin.plugin for k in kernels if k.platform == "gpu" and k.origin)
    if not packs:
        return []
    reason = _gpu.why_not(*_gpu.seen())
    return [{"plugin": p, "kernels": n, "reason": reason} for p, n in packs.items()]


def _troubles(records: Iterable[Record], check: Callable[[Kernel], object]) -> list[str]:
    """What is wrong with the records; once where several of a plugin fail of one cause."""
    found: dict[tuple[Any, str], str] = {}
    for record in records:
        error = _trouble(record, check)
        if error is not None:
            cause = error.__cause__ or error
            found.setdefault((record.origin, str(cause)), _text(record, error))
    return list(found.values())


def _trouble(record: Record, check: Callable[[Kernel], object]) -> Exception | None:
    """Why a record cannot be used: it does not load, is no model, computes something else."""
    try:
        if isinstance(record, Model):
            page(record)
        elif isinstance(record, Kernel):
            check(record)
        else:
            record.load()
    # A kernel raises what it will on this machine: a compiler that is missing, a driver too old.
    except Exception as error:
        return error
    return None


def _text(record: Record, error: Exception) -> str:
    if isinstance(error, SpikaxError):
        return str(error)
    return f"{record.kind} {record.name!r} of {record.origin}: {type(error).__name__}: {error}"


def _kernel(kernel: Kernel, kernels: Iterable[Kernel]) -> dict[str, str]:
    return {
        "name": kernel.name,
        "op": kernel.op,
        "format": kernel.format,
        "platform": kernel.platform,
        "plugin": kernel.origin.plugin if kernel.origin else "",
        "used": _kernel_check.use(kernel, kernels),
    }
