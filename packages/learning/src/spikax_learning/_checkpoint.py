"""Training that was interrupted goes on as if it had not been: weights, optimiser, history."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from typing import Any

import jax
import numpy as np
import optax

from spikax import leaves, load_state, save_state
from spikax.errors import ConfigError

Checkpoint = dict[str, Any]


def settings(optimizer: optax.GradientTransformation, weights: Any, memory: Any) -> dict[str, Any]:
    """What tells an optimiser from another of the same structure: the program that it is."""
    with jax.numpy_dtype_promotion("standard"):
        program = str(jax.make_jaxpr(optimizer.update)(weights, memory, weights))
    # Functions are printed with their address, which is another in each process.
    return {
        "program": _digest(re.sub(r"0x[0-9a-f]+", "", program)),
        "jax": _digest(jax.__version__),
    }


def save(path: Any, checkpoint: Checkpoint) -> None:
    """Write it, all or nothing; the name is taken as it is."""
    save_state(path, checkpoint)


def load(path: Any, like: Checkpoint) -> Checkpoint:
    """Read what `save` wrote.

    Args:
        path: The file.
        like: A checkpoint of the same training; of its history only the names count.

    Raises:
        ConfigError: It was saved with another optimiser, seed or batch size.
        StateError: It is no checkpoint, or that of other weights or of another history.
    """
    there = _contents(path)
    _same_optimizer(path, there, like)
    done = there.get("history.loss", {"shape": [0]})["shape"]
    history = {n: np.zeros(done, column.dtype) for n, column in like["history"].items()}
    found: Checkpoint = load_state(path, like=like | {"history": history})
    for name in ("seed", "batch_size"):
        if found[name] != like[name]:
            raise ConfigError(
                f"{path} was saved with {name} = {int(found[name])}, now it is {int(like[name])}; "
                "to go on exactly as before it must be the same."
            )
    _same_program(path, found["settings"], like["settings"])
    return found | {"history": {n: np.asarray(column) for n, column in found["history"].items()}}


def _contents(path: Any) -> dict[str, Any]:
    """The leaves in a file by path; what is wrong with a file that has none, `load_state` says."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return json.loads(str(archive["header.json"]))["leaves"]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def _same_optimizer(path: Any, there: dict[str, Any], like: Checkpoint) -> None:
    saved = {p: e["shape"] for p, e in there.items() if p.startswith("optimizer.")}
    now = {x.path: list(np.shape(x.value)) for x in leaves({"optimizer": like["optimizer"]})}
    if there and saved != now:
        raise ConfigError(
            f"{path} was saved with another optimizer: its memory has {_told(saved)}, this one's "
            f"has {_told(now)}. Go on with the same, or start anew with the network that it gave."
        )


def _told(memory: dict[str, Any]) -> str:
    return f"{len(memory)} arrays ({', '.join(list(memory)[:3])}, ...)" if memory else "nothing"


def _same_program(path: Any, saved: Any, now: Any) -> None:
    """Another release of JAX may print the same program in another way."""
    if np.array_equal(saved["jax"], now["jax"]) and not np.array_equal(
        saved["program"], now["program"]
    ):
        raise ConfigError(
            f"{path} was saved with an optimizer of other settings, such as another learning rate. "
            "Go on with the same, or start anew with the network that it gave."
        )


def _digest(text: str) -> np.ndarray:
    return np.frombuffer(hashlib.blake2b(text.encode(), digest_size=8).digest(), np.uint32)
