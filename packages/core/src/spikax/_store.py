"""Save a state to a file and load it again.

The file is a NumPy archive of one array per leaf, named by its path, and a JSON header: format
version, dtypes, units, the versions and the machine type that made it. Nothing in it is ever
executed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from spikax._select import LeafInfo, leaves
from spikax.errors import StateError

FORMAT = 1
_HEADER = "header.json"
T = TypeVar("T")


def save_state(path: Any, state: Any, *, net: Any = None) -> None:
    """Write every leaf of a state (or of any model) to `path`, all or nothing.

    The file appears whole: it is written beside its place and moved there. With the built network
    `net` it also says which network the state belongs to: its dt, its seed, a digest of its values.
    """
    info = leaves(state)
    arrays = {leaf.path: np.asarray(leaf.value) for leaf in info}
    header = {
        "format": FORMAT,
        "made by": _environment(),
        "network": _identity(net),
        "leaves": {leaf.path: _entry(leaf) for leaf in info},
    }
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            # Named by their order, since a path may hold what an archive cannot.
            columns = {f"leaf_{i}": a for i, a in enumerate(arrays.values())}
            np.savez(file, **{_HEADER: np.array(json.dumps(header))}, **cast(Any, columns))
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_state(path: Any, *, like: T, net: Any = None) -> T:
    """Read a state of the structure of `like`.

    Args:
        path: A file that `save_state` wrote.
        like: A state of the same network, for example `model.init_state()`.
        net: The built network that is to go on: where the file says of which network it is, that
            must be one of the same dt and seed; other parameters or weights give a warning.

    Raises:
        StateError: The file is no state, of a newer format, of another structure (each
            difference is named by path), or of another dt or seed.
    """
    header, arrays = _read(Path(path))
    if header["format"] > FORMAT:
        raise StateError(
            f"{path} has format {header['format']}, this spikax reads up to {FORMAT}; "
            "upgrade spikax."
        )
    saved, here = header.get("network"), _identity(net)
    if saved and here:
        _compare_networks(saved, here, path)
    _compare(header["leaves"], {leaf.path: _entry(leaf) for leaf in leaves(like)}, path)
    if saved and here and saved["values"] != here["values"]:
        warnings.warn(
            f"{path} was saved with other parameters, weights or connectivity than the network "
            "has that goes on with it.",
            stacklevel=2,
        )
    if header["made by"] != _environment():
        warnings.warn(
            f"{path} was made by {header['made by']}, this is {_environment()}: "
            "going on is exact only up to rounding.",
            stacklevel=2,
        )
    # By path: the cells may have been declared in another order when the file was written.
    values = [jnp.array(arrays[leaf.path]) for leaf in leaves(like)]
    return jax.tree.unflatten(jax.tree.structure(like), values)


def _entry(leaf: LeafInfo) -> dict[str, Any]:
    value = leaf.value if hasattr(leaf.value, "dtype") else np.asarray(leaf.value)
    return {
        "dtype": str(value.dtype),
        "shape": list(value.shape),
        "unit": str(leaf.unit),
        "kind": leaf.kind,
    }


def _identity(net: Any) -> dict[str, Any] | None:
    """What tells a built network from others."""
    if net is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    for leaf in jax.tree.leaves(net):
        digest.update(np.asarray(leaf).tobytes())
    high, low = np.asarray(net.seed).tolist()
    return {"dt": net.dt, "seed": high << 32 | low, "values": digest.hexdigest()}


def _compare_networks(saved: dict[str, Any], here: dict[str, Any], path: Any) -> None:
    for name in ("dt", "seed"):
        if saved[name] != here[name]:
            raise StateError(
                f"{path} was saved at {name} = {saved[name]}, the network that is to go on has "
                f"{name} = {here[name]}; build it with the same dt and seed."
            )


def _environment() -> dict[str, str]:
    return {
        "spikax": version("spikax"),
        "jax": version("jax"),
        "machine": f"{platform.system()} {platform.machine()} {jax.default_backend()}",
    }


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            header = json.loads(str(archive[_HEADER]))
            return header, {p: archive[f"leaf_{i}"] for i, p in enumerate(header["leaves"])}
    except FileNotFoundError:
        raise
    except Exception as error:
        raise StateError(
            f"{path} is not a state that spikax saved, or it is damaged: {error}"
        ) from error


def _compare(saved: dict[str, Any], expected: dict[str, Any], path: Any) -> None:
    differences = [f"{p} is missing" for p in expected if p not in saved]
    differences += [f"{p} is not in this network" for p in saved if p not in expected]
    for p in (p for p in expected if p in saved and saved[p] != expected[p]):
        keys = [k for k in expected[p] if saved[p].get(k) != expected[p][k]]
        differences.append(
            ", ".join(f"{p} has {k} {saved[p].get(k)}, expected {expected[p][k]}" for k in keys)
        )
    if differences:
        shown = "; ".join(differences[:5]) + (
            f"; and {len(differences) - 5} more" if len(differences) > 5 else ""
        )
        raise StateError(f"{path} holds the state of another network or precision: {shown}.")
