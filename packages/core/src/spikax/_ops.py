"""The connectivity operators: all that ever happens along synapses.

Each operator has one signature, one reference in plain jnp, and any number of kernels that plugins
register for a format and a platform. Synapse s leads from neuron i(s) to neuron j(s); a weight w is
one number or an array in the layout of the format.

A kernel is a function with the signature of its operator. It need not be differentiable nor know of
batches: those rules are here, once for all. If it serves only some calls, it has an attribute
`supports`, a function of the same arguments that looks at shapes and dtypes and returns a bool.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Generator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_batching import sequential_vmap
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from spikax._formats import Dense, Format
from spikax.errors import unknown

Operator = Callable[..., Array]

_kernels: contextvars.ContextVar[str | None] = contextvars.ContextVar("kernels", default=None)


def forward(fmt: Format, weight: Array, x: Array) -> Array:
    """What arrives at each target, (n_post,): y_j = sum of w_s x_i(s) over its synapses.

    Args:
        fmt: The connectivity.
        weight: () or in the layout of `fmt`.
        x: (n_pre,), what each source sends, of the dtype of `weight`.
    """
    return _call("forward", fmt, weight, x)


def transpose(fmt: Format, weight: Array, y: Array) -> Array:
    """The same backwards, (n_pre,): x_i = sum of w_s y_j(s) over the synapses of source i."""
    return _call("transpose", fmt, weight, y)


def weight_gradient(fmt: Format, x: Array, y: Array) -> Array:
    """The outer product on the synapses alone, in the layout: g_s = x_i(s) y_j(s)."""
    return _call("weight_gradient", fmt, x, y)


def scatter(
    fmt: Format, weight: Array, x: Array, delay: ArrayLike, ring: Array, t: ArrayLike
) -> Array:
    """Add w_s x_i(s) to slot (t + d_s) mod D of its target, for every synapse.

    Args:
        fmt: The connectivity.
        weight: () or in the layout of `fmt`.
        x: (n_pre,), what each source sends at step t.
        delay: Steps below D, int32, () or in the layout.
        ring: (D, n_post), what is on its way.
        t: The step, an integer scalar.
    """
    steps, now = (jnp.asarray(value).astype(jnp.int32) for value in (delay, t))
    return _call("scatter", fmt, weight, x, steps, ring, now)


@contextlib.contextmanager
def use_kernels(choice: str | None) -> Generator[None]:
    """Choose the implementation of the operators that are traced inside.

    What is compiled already keeps its implementation.

    Args:
        choice: "reference" for plain jnp everywhere; None for the kernels of the platform.
    """
    if choice not in (None, "reference"):
        raise unknown("choice of kernels", choice, ["reference"])
    token = _kernels.set(choice)
    try:
        yield
    finally:
        _kernels.reset(token)


def _forward(fmt: Format, weight: Array, x: Array) -> Array:
    if weight.ndim == 0:
        return weight * fmt.sum_to_post(fmt.pre_values(x))
    if isinstance(fmt, Dense):
        return jnp.matmul(x, weight, precision=jax.lax.Precision.HIGHEST)
    return fmt.sum_to_post(weight * fmt.pre_values(x))


def _transpose(fmt: Format, weight: Array, y: Array) -> Array:
    if weight.ndim == 0:
        return weight * fmt.sum_to_pre(fmt.post_values(y))
    if isinstance(fmt, Dense):
        return jnp.matmul(weight, y, precision=jax.lax.Precision.HIGHEST)
    return fmt.sum_to_pre(weight * fmt.post_values(y))


def _weight_gradient(fmt: Format, x: Array, y: Array) -> Array:
    return fmt.pre_values(x) * fmt.post_values(y)


def _scatter(fmt: Format, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    slot = (t + delay) % ring.shape[0]
    if delay.ndim == 0:
        return ring.at[slot].add(_forward(fmt, weight, x))
    return ring.at[slot, fmt.targets].add(weight * fmt.pre_values(x), mode="promise_in_bounds")


REFERENCE: Mapping[str, Operator] = {
    "forward": _forward,
    "transpose": _transpose,
    "weight_gradient": _weight_gradient,
    "scatter": _scatter,
}


def _call(op: str, fmt: Format, *given: ArrayLike) -> Array:
    operands = tuple(map(jnp.asarray, given))
    kernel = _kernel_for(op, fmt, operands)
    if kernel is None:
        return REFERENCE[op](fmt, *operands)
    return _with_rules(kernel, REFERENCE[op])(fmt, *operands)


def _kernel_for(op: str, fmt: Format, operands: tuple[Array, ...]) -> Operator | None:
    """The kernel of this platform that supports the call; a pack's comes before core's own."""
    if _kernels.get() == "reference":
        return None
    # Plugins may import spikax, so they are looked up when an operator is traced, never before.
    from spikax.plugins import Kernel, registry

    wanted = op, fmt.name, jax.default_backend()
    for record in reversed([*registry().records(Kernel).values()]):
        if (record.op, record.format, record.platform) == wanted:
            kernel = record.load()
            supports = getattr(kernel, "supports", None)
            if supports is None or supports(fmt, *operands):
                return kernel
    return None


@functools.cache
def _with_rules(kernel: Operator, reference: Operator) -> Operator:
    """Make an opaque kernel safe under every transformation.

    Tangents are those of the reference, which JAX can transpose; a batch is worked off one by one.
    """

    @jax.custom_jvp
    def call(fmt: Format, *operands: Array) -> Array:
        return sequential_vmap(kernel)(fmt, *operands)

    @functools.partial(call.defjvp, symbolic_zeros=True)
    def _rule(primals: Any, tangents: Any) -> tuple[Array, Array]:
        fmt, *operands = primals
        moving = [not isinstance(tangent, SymbolicZero) for tangent in tangents[1:]]

        def of_moving(*moved: Array) -> Array:
            values = iter(moved)
            given = zip(moving, operands, strict=True)
            return reference(fmt, *(next(values) if moves else value for moves, value in given))

        point = [value for moves, value in zip(moving, operands, strict=True) if moves]
        direction = [t for moves, t in zip(moving, tangents[1:], strict=True) if moves]
        return call(*primals), jax.jvp(of_moving, point, direction)[1]

    return call
