"""Compare a registered kernel with the reference of its operator, on a few synapses."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spikax import errors
from spikax._columns import columns
from spikax._connectivity import all_to_all, fixed_outdegree, one_to_one
from spikax._formats import Dense, Format, OneToOne, from_pairs
from spikax._learning import Events, Plastic
from spikax._ops import REFERENCE
from spikax._procedural import TABLE, Procedural, procedural
from spikax.errors import NumericsError, PluginError
from spikax.plasticity import PairSTDP
from spikax.plugins import Kernel

N_PRE, N_POST, FAN_OUT, SLOTS = 70, 110, 60, 4


def use(kernel: Kernel, kernels: Iterable[Kernel]) -> str:
    """Whether this machine calls a kernel: the last one of its platform that loads."""
    here = jax.default_backend()
    if kernel.platform != here:
        return f"not on {here}"
    if not _loads(kernel):
        return "does not load"
    call = kernel.op, kernel.format, here
    same = [k for k in kernels if (k.op, k.format, k.platform) == call]
    first = next(k for k in reversed(same) if _loads(k))
    return "first" if first.name == kernel.name else f"after {first.name}"


def _loads(kernel: Kernel) -> bool:
    try:
        kernel.load()
    except PluginError:
        return False
    return True


def check(kernel: Kernel) -> None:
    """Run a kernel on this machine.

    Raises:
        PluginError: it cannot be imported.
        NumericsError: it differs from the reference.
        UnknownNameError: its operator or format does not exist.
    """
    if kernel.op not in REFERENCE:
        raise errors.unknown(f"operator of kernel {kernel.name!r}:", kernel.op, REFERENCE)
    run, reference = kernel.load(), REFERENCE[kernel.op]
    if kernel.platform != jax.default_backend():
        return
    fmt: Any = _connectivity(kernel.format)
    operands = _operands(kernel.op, fmt)
    if kernel.op == "learn":
        fmt, operands = _plastic(fmt, *operands)
    supports = getattr(run, "supports", None)
    if supports is not None and not supports(fmt, *operands):
        return
    # One program each: operation by operation, the compiler would be called a hundred times.
    got, expected = (_listed(jax.jit(partial(f, fmt))(*operands)) for f in (run, reference))
    # Sums of a few terms of size 1 in float32, in any order.
    if not np.allclose(got, expected, rtol=1e-5, atol=1e-5):
        raise NumericsError(
            f"kernel {kernel.name!r} of {kernel.origin} differs from the reference of "
            f"{kernel.op!r} by up to {np.abs(got - expected).max():.3g}."
        )


def _listed(result: Any) -> np.ndarray:
    return np.concatenate([np.ravel(value) for value in jax.tree.leaves(result)])


def _plastic(fmt: Format, weight: jax.Array, x: jax.Array, delay: jax.Array, *more: Any) -> Any:
    """Synapses that learn by pairs of spikes, in the form that an operator gets them."""
    ring, t = more
    spikes = (x > 0).astype(x.dtype), (ring > 0).astype(x.dtype)
    events = Events(
        PairSTDP(None, A_plus=0.1, A_minus=0.1),
        jnp.float32(1),
        {"weight": jax.nn.sigmoid(weight)},
        {"spike": spikes[0], "x": x},
        {"spike": spikes[1], "y": ring},
        {},
        delay,
        t,
    )
    operands, structure = jax.tree.flatten(events)
    return Plastic(fmt, columns(fmt, delay, SLOTS - 1), structure), [*map(jnp.asarray, operands)]


def _connectivity(name: str) -> Format:
    if name == Procedural.name:
        key = jnp.arange(2, dtype=jnp.uint32)
        return procedural(fixed_outdegree(FAN_OUT)).format(key, N_PRE, N_POST)
    n_post = N_PRE if name == OneToOne.name else N_POST
    rules = {Dense.name: all_to_all(), OneToOne.name: one_to_one()}
    rule = rules.get(name, fixed_outdegree(FAN_OUT))
    return from_pairs(rule.sample(N_PRE, n_post, np.random.default_rng(0)), prefer=name)


def _operands(op: str, fmt: Format) -> tuple[Any, ...]:
    rng = np.random.default_rng(1)

    def normal(*shape: int) -> jax.Array:
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    shape = (TABLE,) if isinstance(fmt, Procedural) else fmt.shape
    weight, x, y = normal(*shape), normal(fmt.n_pre), normal(fmt.n_post)
    delay = jnp.asarray(rng.integers(1, SLOTS, shape), jnp.int32)
    ring, t = normal(SLOTS, fmt.n_post), jnp.int32(SLOTS + 1)
    if op in ("scatter", "learn"):
        return weight, x, delay, ring, t
    if op == "collect":
        return weight, x, delay, ring, t, normal(fmt.n_pre)
    if op == "add_weight_gradient":
        return x, delay, ring, t, weight
    return {"forward": (weight, x), "transpose": (weight, y), "weight_gradient": (x, y)}[op]
