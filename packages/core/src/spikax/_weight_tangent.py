"""Weights in a long simulation: a gradient that costs with the spikes, not with the synapses.

The backward pass of a scan adds, at each step, the cotangent of what the scan closes over: for
weights, an array as large as all synapses. What the scan *carries* has a cotangent that is carried
backwards, and that a step can update in place. So a copy of the weights is carried for its tangent
alone: it passes each step unchanged, and `link` says that the ring moves with it,

    ring_j[t + d_s] += x_i(s) dw_s,

while the weights that are multiplied are constants. The transpose of that,

    g_s += x_i(s) ring_j(s)[t + d_s],

touches only the synapses of the sources that sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from spikax import _ops as ops
from spikax._formats import Format
from spikax._linear_pair import at_front, linear_pair


def pays(fmt: Format, weight: Array) -> bool:
    """Whether weights are worth carrying: a kernel touches those of the sources that sent alone."""
    return (
        weight.ndim > 0
        and not jax.sharding.get_abstract_mesh().manual_axes
        and ops.kernel_for("add_weight_gradient", fmt, _like(fmt, weight)) is not None
    )


def _like(fmt: Format, weight: Array) -> Any:
    """Operands of `add_weight_gradient`, as far as a kernel's `supports` looks at them."""
    x, ring, each = (
        jax.ShapeDtypeStruct(shape, weight.dtype)
        for shape in ((fmt.n_pre,), (1, fmt.n_post), weight.shape)
    )
    step = jax.ShapeDtypeStruct((), jnp.int32)
    return x, step, ring, step, each


def link(
    fmt: Format, x: Array, delay: Array, t: Array, ring: Array, weight: Array
) -> tuple[Array, Array]:
    """The ring and the weights as they are; the ring's tangent has what `scatter` adds of dw.

    Args:
        fmt: The connectivity, CSR or fixed fan-out.
        x: (n_pre,), what each source sends at step t.
        delay: Steps, integers, () or in the layout.
        t: The step, an int32 scalar.
        ring: (D, n_post), to which the weights were added as constants.
        weight: In the layout; what is carried for its tangent.
    """
    leaves, tree = jax.tree.flatten((fmt, x, delay, t))
    ring, weight = _link.bind(ring, weight, *leaves, tree=tree, axes=())
    return ring, weight


def _pushed(fmt: Format, x: Array, delay: Array, t: Array, ring: Array, weight: Array) -> Any:
    operands = weight, x, delay, ring, t
    return _kernel("scatter", fmt, operands)(fmt, *operands), weight


def _pulled(fmt: Format, x: Array, delay: Array, t: Array, ring: Array, weight: Array) -> Any:
    operands = x, delay, ring, t, weight
    return ring, _kernel("add_weight_gradient", fmt, operands)(fmt, *operands)


def _kernel(op: str, fmt: Format, operands: Any) -> ops.Operator:
    return ops.kernel_for(op, fmt, operands) or ops.REFERENCE[op]


def _more_pushed(fmt: Format, dx: Array, delay: Array, t: Array, ring: Array, weight: Array) -> Any:
    """What the ring of `_pushed` moves by with x."""
    nothing = jnp.zeros_like(ring)
    return ops.REFERENCE["scatter"](fmt, weight, dx, delay, nothing, t), jnp.zeros_like(weight)


def _more_pulled(fmt: Format, dx: Array, delay: Array, t: Array, ring: Array, weight: Array) -> Any:
    """What the weights of `_pulled` move by with x."""
    del weight
    arrived = ring[(t + delay.astype(jnp.int32)) % len(ring), fmt.targets]
    return jnp.zeros_like(ring), fmt.pre_values(dx) * arrived


_pair = linear_pair("weights", (_pushed, _more_pushed), (_pulled, _more_pulled), shares=True)
_link = Primitive("link_weights")
_link.multiple_results = True


def _link_jvp(
    primals: Sequence[Any], tangents: Sequence[Any], *, tree: Any, axes: tuple[Any, ...]
) -> Any:
    # Not the ring and the weights themselves: further derivatives need the link too.
    values, moved = _link.bind(*primals, tree=tree, axes=axes), list(tangents[:2])
    if not isinstance(moved[1], ad.Zero):

        def push(ring: Array, weight: Array, *leaves: Any) -> Any:
            return _pair.push(*jax.tree.unflatten(tree, leaves), ring, weight)

        for each in axes:
            push = jax.vmap(push, each, (0, None if each[1] is None else 0))
        moved = push(ad.instantiate_zeros(moved[0]), moved[1], *primals[2:])
    return values, moved


def _link_batch(
    operands: Sequence[Any],
    dims: Sequence[int | None],
    *,
    tree: Any,
    axes: tuple[Any, ...],
) -> Any:
    """Still nothing to do, but to remember by which axes the tangents are batched."""
    given = at_front(operands, dims)
    size = next(len(x) for x, dim in zip(given, dims, strict=True) if dim is not None)
    if dims[0] is None:
        given[0] = jnp.broadcast_to(given[0][None], (size, *given[0].shape))
    each = (0, *(None if dim is None else 0 for dim in dims[1:]))
    return _link.bind(*given, tree=tree, axes=(*axes, each)), [0, each[1]]


def _unchanged(ring: Any, weight: Any, *_: Any, **__: Any) -> list[Any]:
    return [ring, weight]


_link.def_impl(_unchanged)
_link.def_abstract_eval(_unchanged)
mlir.register_lowering(_link, mlir.lower_fun(_unchanged, multiple_results=True))
ad.primitive_jvps[_link] = _link_jvp
batching.primitive_batchers[_link] = _link_batch
