"""The connectivity operators: all that ever happens along synapses.

Each operator has one signature, one reference in plain jnp, and any number of kernels that plugins
register for a format and a platform. Synapse s leads from neuron i(s) to neuron j(s); a weight w is
one number or an array in the layout of the format.

A kernel is a function with the signature of its operator. It need not be differentiable nor know of
batches: those rules are here, once for all. If it serves only some calls, it has an attribute
`supports`, a function of the same arguments that looks at shapes and dtypes and returns a bool. A
kernel of `scatter` that can serve several projections in one go has an attribute `together`, a
function `(formats, t, *weights, *delays, *xs, *rings) -> rings`; see `Formats`.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_batching import custom_vmap, sequential_vmap
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from spikax._columns import Columns
from spikax._formats import Dense, Format
from spikax._learning import Events, Plastic, Values
from spikax._learning import learn as _learn
from spikax._linear_pair import linear_pair
from spikax._procedural import Procedural
from spikax.errors import ConfigError, unknown

Operator = Callable[..., Any]

PLATFORMS = ("cpu", "gpu", "tpu")

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


def add_weight_gradient(
    fmt: Format, x: Array, delay: ArrayLike, ring: Array, t: ArrayLike, total: Array
) -> Array:
    """`total`, and to each synapse what it takes from its source to the ring's slot of its target.

    g_s + x_i(s) ring_j(s)[(t + d_s) mod D]; where it pays, only the synapses of sources that sent
    are touched.

    Args:
        fmt: The connectivity.
        x: (n_pre,), what each source sends at step t.
        delay: Steps up to D, integers, () or in the layout.
        ring: (D, n_post).
        t: The step, an integer scalar.
        total: In the layout.
    """
    t = jnp.asarray(t).astype(jnp.int32)
    return _call("add_weight_gradient", fmt, x, delay, ring, t, total)


def scatter(
    fmt: Format, weight: Array, x: Array, delay: ArrayLike, ring: Array, t: ArrayLike
) -> Array:
    """Add w_s x_i(s) to slot (t + d_s) mod D of its target, for every synapse.

    Args:
        fmt: The connectivity.
        weight: () or in the layout of `fmt`.
        x: (n_pre,), what each source sends at step t.
        delay: Steps up to D, integers, () or in the layout.
        ring: (D, n_post), what is on its way.
        t: The step, an integer scalar.
    """
    return _call("scatter", fmt, weight, x, delay, ring, jnp.asarray(t).astype(jnp.int32))


def collect(
    fmt: Format,
    weight: Array,
    x: Array,
    delay: ArrayLike,
    ring: Array,
    t: ArrayLike,
    total: Array,
) -> Array:
    """The way back of `scatter`: to `total`, (n_pre,), what each source takes from the ring.

    total_i + sum of w_s ring_j(s)[(t + d_s) mod D] over the synapses of source i; nothing where x_i
    is -0.0, by which a surrogate gradient of compact support says that it is zero.

    Args:
        fmt: The connectivity.
        weight: () or in the layout of `fmt`.
        x: (n_pre,), the spikes that each source sent at step t.
        delay: Steps up to D, integers, () or in the layout.
        ring: (D, n_post).
        t: The step, an integer scalar.
        total: (n_pre,).
    """
    return _call("collect", fmt, weight, x, delay, ring, jnp.asarray(t).astype(jnp.int32), total)


def learn(fmt: Format, columns: Columns, events: Events) -> Values:
    """Change plastic synapses: first `on_post` where spikes of targets arrive, then `on_pre`.

    Args:
        fmt: The connectivity.
        columns: Its synapses by target.
        events: What comes, and the synapses before it.

    Returns:
        The weight and the further variables of each synapse, in the layout.
    """
    operands, structure = jax.tree.flatten(events)
    return _call("learn", Plastic(fmt, columns, structure), *operands)


def update(node: Any, state: Any, inputs: Mapping[str, Array], t: Array, dt: float) -> Any:
    """`node.update(state, inputs, t=t, dt=dt)`, the state of a population one step later."""
    operands, structure = jax.tree.flatten((node, state, inputs, t))
    moving = Moving(structure, dt)
    kernel = kernel_for("update", moving, tuple(operands))
    if kernel is None:
        return node.update(state, inputs, t=t, dt=dt)
    return _with_rules(kernel, _update, in_turn=False)(moving, *_arrays(*operands))


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=[], meta_fields=["structure", "dt"]
)
@dataclass(frozen=True)
class Moving:
    """A step of a population: how (node, state, inputs, t) are made of an operator's operands."""

    structure: Any
    dt: float
    name = "population"

    def parts(self, operands: Sequence[Any]) -> tuple[Any, Any, Mapping[str, Any], Any]:
        """The operands, as what they mean."""
        return jax.tree.unflatten(self.structure, operands)

    def moved(self, operands: Sequence[Any]) -> Any:
        """The state one step later."""
        node, state, inputs, t = self.parts(operands)
        return node.update(state, inputs, t=t, dt=self.dt)


class Sending(NamedTuple):
    """What `scatter` takes of one projection.

    Attributes:
        fmt: The connectivity.
        weight: () or in the layout of `fmt`.
        delay: Steps, integers, () or in the layout.
        source: Which of the `xs` it sends.
        ring: Which of the rings it adds to.
        spikes: Whether these are spikes of 0 and 1, of which a -0.0 has no gradient.
    """

    fmt: Format
    weight: Array
    delay: ArrayLike
    source: int
    ring: int
    spikes: bool = False


def send(
    sendings: Sequence[Sending], xs: Sequence[Array], rings: Sequence[Array], t: Array
) -> list[Array]:
    """`scatter` of several projections, whose kernel may serve them together.

    Args:
        sendings: The projections, in the order in which they are added.
        xs: What each source sends at step t, (n_pre,).
        rings: The rings that they add to, each (D, n_post).
        t: The step, an int32 scalar.

    Returns:
        The rings.
    """
    rings, by_kernel = list(rings), dict[Any, list[Sending]]()
    for s in sendings:
        operands = _arrays(s.weight, xs[s.source], s.delay, rings[s.ring], t)
        together = getattr(kernel_for("scatter", s.fmt, operands), "together", None)
        by_kernel.setdefault(together and (together, operands[1].dtype), []).append(s)
    for s in by_kernel.pop(None, []):
        rings[s.ring] = scatter(s.fmt, s.weight, xs[s.source], s.delay, rings[s.ring], t)
    for (together, _), members in by_kernel.items():
        sources = sorted({s.source for s in members})
        into = sorted({s.ring for s in members})
        which = Formats(
            tuple(s.fmt for s in members),
            tuple(sources.index(s.source) for s in members),
            tuple(into.index(s.ring) for s in members),
            tuple(s.spikes for s in members),
        )
        given = [*_arrays(*(s.weight for s in members)), *_arrays(*(s.delay for s in members))]
        given += [xs[k] for k in sources] + [rings[k] for k in into]
        added = _with_rules(together, _in_turn)(which, t, *given)
        for k, ring in zip(into, added, strict=True):
            rings[k] = ring
    return rings


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["fmts"],
    meta_fields=["sources", "rings", "spikes"],
)
@dataclass(frozen=True)
class Formats:
    """Of several projections the format, the source, the ring, and whether they send spikes."""

    fmts: tuple[Format, ...]
    sources: tuple[int, ...]
    rings: tuple[int, ...]
    spikes: tuple[bool, ...] = ()

    def split(
        self, given: Sequence[Array]
    ) -> tuple[Sequence[Array], Sequence[Array], Sequence[Array], list[Array]]:
        """Weights and delays, by projection, what the sources send, and the rings."""
        n, end = len(self.fmts), 2 * len(self.fmts) + max(self.sources) + 1
        return given[:n], given[n : 2 * n], given[2 * n : end], list(given[end:])


def _in_turn(which: Formats, t: Array, *given: Array) -> tuple[Array, ...]:
    weights, delays, xs, rings = which.split(given)
    each = zip(which.fmts, weights, delays, which.sources, which.rings, which.spikes, strict=True)
    for fmt, weight, delay, source, k, spikes in each:
        rings[k] = _derivable_scatter(fmt, weight, xs[source], delay, rings[k], t, spikes)
    return tuple(rings)


@contextlib.contextmanager
def use_kernels(choice: str | None) -> Generator[None]:
    """Choose the implementation of the operators that are traced inside.

    What is compiled already keeps its implementation.

    Args:
        choice: "reference" for plain jnp everywhere; a platform, "cpu" or "gpu", for its kernels,
            to compile for a device that is not here; None for those of JAX's default platform.
    """
    if choice not in (None, "reference", *PLATFORMS):
        raise unknown("choice of kernels", choice, ["reference", *PLATFORMS])
    token = _kernels.set(choice)
    try:
        yield
    finally:
        _kernels.reset(token)


def platform() -> str:
    """The platform that programs are traced for."""
    choice = _kernels.get()
    return choice if choice in PLATFORMS else jax.default_backend()


def _forward(fmt: Format, weight: Array, x: Array) -> Array:
    if not isinstance(fmt, Dense):
        return fmt.sum_to_post(fmt.weights(weight) * fmt.pre_values(x))
    if weight.ndim == 0:
        return jnp.broadcast_to(weight * jnp.sum(x), (fmt.n_post,))
    return jnp.matmul(x, weight, precision=jax.lax.Precision.HIGHEST)


def _transpose(fmt: Format, weight: Array, y: Array) -> Array:
    if weight.ndim == 0:
        return weight * fmt.sum_to_pre(fmt.post_values(y))
    if isinstance(fmt, Dense):
        return jnp.matmul(weight, y, precision=jax.lax.Precision.HIGHEST)
    return fmt.sum_to_pre(fmt.weights(weight) * fmt.post_values(y))


def _weight_gradient(fmt: Format, x: Array, y: Array) -> Array:
    if isinstance(fmt, Procedural):
        raise ConfigError(
            "procedural synapses hold no weights of their own, so there is no gradient by each; "
            "store the synapses (leave out procedural), or differentiate by what the edge holds"
        )
    return fmt.pre_values(x) * fmt.post_values(y)


def _add_weight_gradient(
    fmt: Format, x: Array, delay: Array, ring: Array, t: Array, total: Array
) -> Array:
    return total + fmt.pre_values(x) * _arriving(fmt, delay, ring, t)


def _scatter(fmt: Format, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    slot = (t + fmt.delays(delay).astype(jnp.int32)) % ring.shape[0]
    if delay.ndim:
        values = fmt.weights(weight) * fmt.pre_values(x)
        return ring.at[slot, fmt.targets].add(values, mode="promise_in_bounds")
    row = _forward(fmt, weight, x)
    if len(ring) == 1:  # the usual case of layers without delay, and the fastest
        return ring + row[None]
    # Slots end to end, as a loop has them: a change of shape in between would cost a copy.
    flat, at = ring.reshape(-1), (slot * row.size,)
    row = jax.lax.dynamic_slice(flat, at, row.shape) + row
    return jax.lax.dynamic_update_slice(flat, row, at).reshape(ring.shape)


def _collect(
    fmt: Format, weight: Array, x: Array, delay: Array, ring: Array, t: Array, total: Array
) -> Array:
    taken = fmt.sum_to_pre(fmt.weights(weight) * _arriving(fmt, delay, ring, t))
    return total + jnp.where(learns(x), taken, 0.0)


def _arriving(fmt: Format, delay: Array, ring: Array, t: Array) -> Array:
    """What each synapse finds in its slot of the ring, in the layout."""
    slot = (t + fmt.delays(delay).astype(jnp.int32)) % ring.shape[0]
    if delay.ndim:
        return ring.at[slot, fmt.targets].get(mode="promise_in_bounds")
    return fmt.post_values(ring[slot])


def learns(spikes: Array) -> Array:
    """Whether a cotangent passes a spike: not where it is -0.0, see `Surrogate.support`."""
    return (spikes != 0) | ~jnp.signbit(spikes)


def _derivable_scatter(
    fmt: Format,
    weight: Array,
    x: Array,
    delay: Array,
    ring: Array,
    t: Array,
    spikes: bool = False,
) -> Array:
    """The reference of `scatter`, whose way back is a kernel of `collect` if there is one."""
    if kernel_for("collect", fmt, (weight, x, delay, ring, t, x)) is None:
        return _scatter(fmt, weight, x, delay, ring, t)
    # Of what is no spike a -0.0 says nothing.
    says = x if spikes else jnp.ones_like(x)
    return _signals.push(fmt, weight, says, delay, t, ring, x)[0]


def _push(
    fmt: Format, weight: Array, x: Array, delay: Array, t: Array, ring: Array, dx: Array
) -> tuple[Array, Array]:
    del x
    return _scatter(fmt, weight, dx, delay, ring, t), dx


def _pull(
    fmt: Format, weight: Array, x: Array, delay: Array, t: Array, ring: Array, total: Array
) -> tuple[Array, Array]:
    operands = weight, x, delay, ring, t, total
    kernel = kernel_for("collect", fmt, operands) or _collect
    return ring, kernel(fmt, *operands)


def _more_pushed(
    fmt: Format, dw: Array, x: Array, delay: Array, t: Array, ring: Array, dx: Array
) -> tuple[Array, Array]:
    nothing = jnp.zeros_like(ring)
    return _push(fmt, dw, x, delay, t, nothing, dx)[0], jnp.zeros_like(dx)


def _more_pulled(
    fmt: Format, dw: Array, x: Array, delay: Array, t: Array, ring: Array, total: Array
) -> tuple[Array, Array]:
    nothing = jnp.zeros_like(total)
    return jnp.zeros_like(ring), _pull(fmt, dw, x, delay, t, ring, nothing)[1]


def _update(moving: Moving, *operands: Array) -> Any:
    return moving.moved(operands)


_signals = linear_pair("signals", (_push, _more_pushed), (_pull, _more_pulled))

REFERENCE: Mapping[str, Operator] = {
    "forward": _forward,
    "transpose": _transpose,
    "weight_gradient": _weight_gradient,
    "add_weight_gradient": _add_weight_gradient,
    "scatter": _scatter,
    "collect": _collect,
    "learn": _learn,
    "update": _update,
}


def _call(op: str, fmt: Any, *given: ArrayLike) -> Any:
    operands = _arrays(*given)
    kernel = kernel_for(op, fmt, operands)
    if kernel is None:
        return REFERENCE[op](fmt, *operands)
    reference = _derivable_scatter if op == "scatter" else REFERENCE[op]
    return _with_rules(kernel, reference)(fmt, *operands)


def _arrays(*given: ArrayLike) -> tuple[Array, ...]:
    return tuple(map(jnp.asarray, given))


def kernel_for(op: str, fmt: Any, operands: tuple[Array, ...]) -> Operator | None:
    """The kernel of this platform that supports the call; a pack's comes before core's own."""
    if _kernels.get() == "reference":
        return None
    # Plugins may import spikax, so they are looked up when an operator is traced, never before.
    from spikax.plugins import Kernel, registry

    known, wanted = registry(), (op, fmt.name, platform())
    for record in reversed([*known.records(Kernel).values()]):
        if (record.op, record.format, record.platform) == wanted:
            kernel = known.usable(record)
            supports = getattr(kernel, "supports", None)
            if kernel is not None and (supports is None or supports(fmt, *operands)):
                return kernel
    return None


@functools.cache
def _with_rules(kernel: Operator, reference: Operator, *, in_turn: bool = True) -> Operator:
    """Make an opaque kernel safe under every transformation.

    Tangents are those of the reference, which JAX can transpose; a batch is worked off one by one,
    or by the reference.
    """
    # JAX drops the rule of what a gradient through a scan knows beforehand, and inlines it. The
    # second rule is what a tangent of that gradient then finds: a batching rule keeps it in place.
    ruled = _differentiated(kernel, reference)
    if in_turn:
        return _differentiated(lambda *given: sequential_vmap(ruled)(*given), reference)
    return _differentiated(_batched_by(reference, ruled), reference)


def _batched_by(reference: Operator, function: Operator) -> Operator:
    """The function, for one; the reference for a batch."""
    call = custom_vmap(function)

    @call.def_vmap
    def _rule(size: int, batched: Any, *given: Any) -> Any:
        axes = jax.tree.map(lambda has: 0 if has else None, batched)
        out = jax.vmap(reference, axes, axis_size=size)(*given)
        return out, jax.tree.map(lambda _: True, out)

    return call


def _differentiated(function: Operator, reference: Operator) -> Operator:
    """The function, with the derivatives of the reference."""
    call = jax.custom_jvp(lambda fmt, *operands: function(fmt, *operands))

    @functools.partial(call.defjvp, symbolic_zeros=True)
    def _rule(primals: Any, tangents: Any) -> Any:
        fmt, *operands = primals
        moving = [not isinstance(tangent, SymbolicZero) for tangent in tangents[1:]]

        def of_moving(*moved: Array) -> Any:
            values = iter(moved)
            given = zip(moving, operands, strict=True)
            return reference(fmt, *(next(values) if moves else value for moves, value in given))

        point = [value for moves, value in zip(moving, operands, strict=True) if moves]
        direction = [t for moves, t in zip(moving, tangents[1:], strict=True) if moves]
        return call(*primals), jax.jvp(of_moving, point, direction)[1]

    return call
