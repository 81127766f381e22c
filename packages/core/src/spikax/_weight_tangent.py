"""Weights in a long simulation: a gradient that costs with the spikes, not with the synapses.

The backward pass of a scan adds, at each step, the cotangent of what the scan closes over: for
weights, an array as large as all synapses. What the scan *carries* has a cotangent that is carried
backwards, and that a step can update in place. So a copy of the weights is carried for its tangent
alone: it passes each step unchanged, and `link` says that the ring moves with it,

    ring_j[t + d_s] += x_i(s) dw_s,

while the weights that are multiplied are constants. The transpose of that,

    g_s += x_i(s) ring_j(s)[t + d_s],

touches only the synapses of the sources that sent. Both are primitives of their own, transposes of
each other, because no public wrapper of JAX gives a linear map a transpose and a batching rule.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_batching import sequential_vmap
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from spikax import _event_driven as event_driven
from spikax import _ops as ops
from spikax._formats import CSR, FixedFanOut, Format


def pays(fmt: Format, weight: Array) -> bool:
    """Whether weights are worth carrying: there are many, and the loops are those of a CPU."""
    return (
        isinstance(fmt, CSR | FixedFanOut)
        and weight.ndim > 0
        and event_driven.large(fmt)
        and jax.default_backend() == "cpu"
        and ops.chosen() != "reference"
        and not jax.sharding.get_abstract_mesh().manual_axes
    )


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
    return _bind(_link, fmt, x, delay, t, ring, weight)


def add_weight_gradient(
    fmt: Format, x: Array, delay: Array, ring: Array, t: Array, total: Array
) -> Array:
    """`total`, and to each synapse what it takes from its source to the ring's slot of its target.

    g_s + x_i(s) ring_j(s)[(t + d_s) mod D]; where it pays, only the synapses of sources that sent
    are touched.

    Args:
        fmt: The connectivity.
        x: (n_pre,), what each source sends at step t.
        delay: Steps, integers, () or in the layout.
        ring: (D, n_post).
        t: The step, an integer scalar.
        total: In the layout.
    """
    t = jnp.asarray(t).astype(jnp.int32)
    if pays(fmt, total):
        return sequential_vmap(event_driven.add_weight_gradient)(fmt, x, delay, ring, t, total)
    slot = (t + fmt.delays(delay).astype(jnp.int32)) % len(ring)
    if delay.ndim:
        return total + fmt.pre_values(x) * ring.at[slot, fmt.targets].get(mode="promise_in_bounds")
    return total + fmt.pre_values(x) * fmt.post_values(ring[slot])


def _bind(primitive: Primitive, fmt: Format, *operands: Array) -> tuple[Array, Array]:
    leaves, tree = jax.tree.flatten((fmt, *operands[:-2]))
    more: dict[str, Any] = {"axes": ()} if primitive is _link else {}
    ring, weight = primitive.bind(*operands[-2:], *leaves, tree=tree, **more)
    return ring, weight


def _pushed(fmt: Format, x: Array, delay: Array, t: Array, ring: Array, weight: Array) -> Any:
    return event_driven.scatter(fmt, weight, x, delay, ring, t), weight


def _pulled(fmt: Format, x: Array, delay: Array, t: Array, ring: Array, weight: Array) -> Any:
    return ring, event_driven.add_weight_gradient(fmt, x, delay, ring, t, weight)


def _more_pushed(fmt: Format, dx: Array, delay: Array, t: Array, ring: Array, weight: Array) -> Any:
    """What the ring of `_pushed` moves by with x."""
    nothing = jnp.zeros_like(ring)
    return ops.REFERENCE["scatter"](fmt, weight, dx, delay, nothing, t), jnp.zeros_like(weight)


def _more_pulled(fmt: Format, dx: Array, delay: Array, t: Array, ring: Array, weight: Array) -> Any:
    """What the weights of `_pulled` move by with x."""
    del weight
    arrived = ring[(t + delay.astype(jnp.int32)) % len(ring), fmt.targets]
    return jnp.zeros_like(ring), fmt.pre_values(dx) * arrived


def _primitive(name: str) -> Primitive:
    primitive = Primitive(name)
    primitive.multiple_results = True
    return primitive


_link, _push, _pull = map(_primitive, ("link_weights", "push_weights", "pull_weights"))


def _define(primitive: Primitive, transposed: Primitive, value: Any, more: Any) -> None:
    """The rules of one of the two: linear in (ring, weight), and in x with these held."""

    def run(ring: Any, weight: Any, *leaves: Any, tree: Any, rule: Any = value) -> Any:
        return list(rule(*jax.tree.unflatten(tree, leaves), ring, weight))

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], *, tree: Any) -> Any:
        linear = [ad.instantiate_zeros(tangent) for tangent in tangents[:2]]
        moved = primitive.bind(*linear, *primals[2:], tree=tree)
        dx = jax.tree.unflatten(tree, tangents[2:])[1]
        if not isinstance(dx, ad.Zero):
            fmt, _, delay, t = jax.tree.unflatten(tree, primals[2:])
            further = more(fmt, dx, delay, t, *primals[:2])
            moved = [a + b for a, b in zip(moved, further, strict=True)]
        return primitive.bind(*primals, tree=tree), moved

    def transpose(cotangents: Sequence[Any], *operands: Any, tree: Any) -> Any:
        given = [ad.instantiate_zeros(cotangent) for cotangent in cotangents]
        back = transposed.bind(*given, *operands[2:], tree=tree)
        asked = map(ad.is_undefined_primal, operands[:2])
        wanted = [ct if ask else None for ask, ct in zip(asked, back, strict=True)]
        return [*wanted, *[None] * len(operands[2:])]

    def batch(operands: Sequence[Any], dims: Sequence[int | None], *, tree: Any) -> Any:
        given = _at_front(operands, dims)
        return _one_by_one(primitive, given, [dim is not None for dim in dims], tree)

    primitive.def_impl(jax.jit(run, static_argnames="tree"))
    primitive.def_abstract_eval(lambda ring, weight, *_, tree: [ring, weight])
    mlir.register_lowering(primitive, mlir.lower_fun(run, multiple_results=True))
    ad.primitive_jvps[primitive] = jvp
    ad.primitive_transposes[primitive] = transpose
    batching.primitive_batchers[primitive] = batch


def _one_by_one(primitive: Primitive, operands: list[Any], batched: list[bool], tree: Any) -> Any:
    """A batch in turn; weights that all share, and only read, are carried through it as well.

    The cotangent of shared weights is thus summed in place over the batch, as over time.
    """
    size = next(len(x) for x, has in zip(operands, batched, strict=True) if has)
    shared = primitive is _push and not batched[1]
    ring, weight, *others = operands
    if not batched[0]:
        ring = jnp.broadcast_to(ring[None], (size, *ring.shape))
    if not batched[1] and not shared:
        weight = jnp.broadcast_to(weight[None], (size, *weight.shape))

    def one(carried: Any, each: tuple[Any, Any, list[Any]]) -> Any:
        mine = iter(each[2])
        given = [next(mine) if has else x for x, has in zip(others, batched[2:], strict=True)]
        ring, weight = primitive.bind(each[0], carried if shared else each[1], *given, tree=tree)
        return (weight, (ring, None)) if shared else (None, (ring, weight))

    rows = [x for x, has in zip(others, batched[2:], strict=True) if has]
    carried, (rings, weights) = lax.scan(
        one, weight if shared else None, (ring, None if shared else weight, rows)
    )
    # JAX's name for "not batched" is None.
    return [rings, carried if shared else weights], [0, None if shared else 0]


def _link_jvp(
    primals: Sequence[Any], tangents: Sequence[Any], *, tree: Any, axes: tuple[Any, ...]
) -> Any:
    # Not the ring and the weights themselves: further derivatives need the link too.
    values, moved = _link.bind(*primals, tree=tree, axes=axes), list(tangents[:2])
    if not isinstance(moved[1], ad.Zero):
        push = functools.partial(_push.bind, tree=tree)
        for each in axes:
            push = jax.vmap(push, each, [0, None if each[1] is None else 0])
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
    given = _at_front(operands, dims)
    size = next(len(x) for x, dim in zip(given, dims, strict=True) if dim is not None)
    if dims[0] is None:
        given[0] = jnp.broadcast_to(given[0][None], (size, *given[0].shape))
    each = (0, *(None if dim is None else 0 for dim in dims[1:]))
    return _link.bind(*given, tree=tree, axes=(*axes, each)), [0, each[1]]


def _unchanged(ring: Any, weight: Any, *_: Any, **__: Any) -> list[Any]:
    return [ring, weight]


def _at_front(operands: Sequence[Any], dims: Sequence[int | None]) -> list[Any]:
    pairs = zip(operands, dims, strict=True)
    return [x if dim is None else jnp.moveaxis(x, dim, 0) for x, dim in pairs]


_link.def_impl(_unchanged)
_link.def_abstract_eval(_unchanged)
mlir.register_lowering(_link, mlir.lower_fun(_unchanged, multiple_results=True))
ad.primitive_jvps[_link] = _link_jvp
batching.primitive_batchers[_link] = _link_batch
_define(_push, _pull, _pushed, _more_pushed)
_define(_pull, _push, _pulled, _more_pulled)
