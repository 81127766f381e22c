"""Two linear maps along synapses that are each other's transpose, as JAX needs to know them.

    push(ring, moved) = ring + A moved, moved
    pull(ring, moved) = ring, moved + A' ring

A is given by what is held: a format, one array that A is linear in, and further ones. Both are
primitives, because no public wrapper of JAX gives a linear map a transpose and a batching rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Map: TypeAlias = Callable[..., tuple[Array, Array]]
"""A function of `(fmt, held, ..., ring, moved)`."""


class LinearPair(NamedTuple):
    """The two maps, each a function of `(fmt, held, ..., ring, moved)`."""

    push: Map
    pull: Map


def linear_pair(
    name: str, push: tuple[Map, Map], pull: tuple[Map, Map], *, shares: bool = False
) -> LinearPair:
    """Give two maps their rules.

    Args:
        name: What they carry, for who reads a jaxpr.
        push: The map, and what its result moves by with the array held after the format, where the
            tangent of that array is in its place.
        pull: The same of its transpose.
        shares: Whether a whole batch mostly moves by one and the same array, as weights are; the
            cotangent of that is then summed in place over the batch.
    """
    there, back = Primitive(f"push_{name}"), Primitive(f"pull_{name}")
    _define(there, back, *push, shares=shares)
    _define(back, there, *pull, shares=False)
    return LinearPair(_bound(there), _bound(back))


def _bound(primitive: Primitive) -> Map:
    def bound(*given: Any) -> tuple[Array, Array]:
        leaves, tree = jax.tree.flatten(given[:-2])
        ring, moved = primitive.bind(*given[-2:], *leaves, tree=tree)
        return ring, moved

    return bound


def _define(
    primitive: Primitive, transposed: Primitive, value: Map, more: Map, *, shares: bool
) -> None:
    """The rules of one of the two: linear in (ring, moved), and in what is held with these held."""
    primitive.multiple_results = True

    def run(ring: Any, moved: Any, *leaves: Any, tree: Any) -> Any:
        return list(value(*jax.tree.unflatten(tree, leaves), ring, moved))

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], *, tree: Any) -> Any:
        linear = [ad.instantiate_zeros(tangent) for tangent in tangents[:2]]
        result = primitive.bind(*linear, *primals[2:], tree=tree)
        direction = jax.tree.unflatten(tree, tangents[2:])[1]
        if not isinstance(direction, ad.Zero):
            fmt, _, *others = jax.tree.unflatten(tree, primals[2:])
            further = more(fmt, direction, *others, *primals[:2])
            result = [a + b for a, b in zip(result, further, strict=True)]
        return primitive.bind(*primals, tree=tree), result

    def transpose(cotangents: Sequence[Any], *operands: Any, tree: Any) -> Any:
        given = [ad.instantiate_zeros(cotangent) for cotangent in cotangents]
        back = transposed.bind(*given, *operands[2:], tree=tree)
        asked = map(ad.is_undefined_primal, operands[:2])
        wanted = [ct if ask else None for ask, ct in zip(asked, back, strict=True)]
        return [*wanted, *[None] * len(operands[2:])]

    def batch(operands: Sequence[Any], dims: Sequence[int | None], *, tree: Any) -> Any:
        batched = [dim is not None for dim in dims]
        return _one_by_one(primitive, at_front(operands, dims), batched, tree, shares)

    primitive.def_impl(jax.jit(run, static_argnames="tree"))
    primitive.def_abstract_eval(lambda ring, moved, *_, tree: [ring, moved])
    mlir.register_lowering(primitive, mlir.lower_fun(run, multiple_results=True))
    ad.primitive_jvps[primitive] = jvp
    ad.primitive_transposes[primitive] = transpose
    batching.primitive_batchers[primitive] = batch


def _one_by_one(
    primitive: Primitive, operands: list[Any], batched: list[bool], tree: Any, shares: bool
) -> Any:
    """A batch in turn; what all move by together is carried through it."""
    size = next(len(x) for x, has in zip(operands, batched, strict=True) if has)
    shared = shares and not batched[1]
    ring, moved, *others = operands
    if not batched[0]:
        ring = jnp.broadcast_to(ring[None], (size, *ring.shape))
    if not batched[1] and not shared:
        moved = jnp.broadcast_to(moved[None], (size, *moved.shape))

    def one(carried: Any, each: tuple[Any, Any, list[Any]]) -> Any:
        mine = iter(each[2])
        given = [next(mine) if has else x for x, has in zip(others, batched[2:], strict=True)]
        ring, moved = primitive.bind(each[0], carried if shared else each[1], *given, tree=tree)
        return (moved, (ring, None)) if shared else (None, (ring, moved))

    rows = [x for x, has in zip(others, batched[2:], strict=True) if has]
    carried, (rings, each) = lax.scan(
        one, moved if shared else None, (ring, None if shared else moved, rows)
    )
    # JAX's name for "not batched" is None.
    return [rings, carried if shared else each], [0, None if shared else 0]


def at_front(operands: Sequence[Any], dims: Sequence[int | None]) -> list[Any]:
    """Operands with their batch axis first, where they have one."""
    pairs = zip(operands, dims, strict=True)
    return [x if dim is None else jnp.moveaxis(x, dim, 0) for x, dim in pairs]
