"""Adaptive Runge-Kutta-Fehlberg 4(5) with one persistent step size per neuron, as NEST has it.

Pair and step control are those of GSL's `rkf45` with `control_standard`, which NEST's conductance
models call: within a step of the simulation every neuron takes substeps of its own length, and
starts the next step with the length it ended with.

Near equilibrium the length hangs on how the error estimate, a difference of nearly equal numbers,
is rounded. Where a step is long against the fastest decay, two machines (or NEST) may then take
other substeps: results agree to the tolerance there, and not to the last digit.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax.errors import ConfigError, ShapeError

Y = TypeVar("Y")
Args = TypeVar("Args")
Rhs = Callable[[Any, Any], Any]
Event = Callable[[Any, Any], tuple[Any, Any]]
Pick = Callable[[Any], Any]

# Fehlberg 1969, table III: what each stage takes of the earlier ones, the solution of order five,
# and by how much it differs from the one of order four. That difference is written out: formed
# from the two solutions it would carry their rounding, which the step control amplifies. The time
# of a stage is not needed, for rhs does not depend on time.
STAGES = (
    (1 / 4,),
    (3 / 32, 9 / 32),
    (1932 / 2197, -7200 / 2197, 7296 / 2197),
    (439 / 216, -8.0, 3680 / 513, -845 / 4104),
    (-8 / 27, 2.0, -3544 / 2565, 1859 / 4104, -11 / 40),
)
ORDER_FIVE = (16 / 135, 0.0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55)
ERROR = (1 / 360, 0.0, -128 / 4275, -2197 / 75240, 1 / 50, 2 / 55)

# GSL's controller: a trial is rejected when its error is above 1.1 of the tolerance, and the next
# one may be longer when it is below 0.5; between, the length stays.
REJECT_ABOVE, GROW_BELOW = 1.1, 0.5
SAFETY, SHRINK_AT_MOST, GROW_AT_MOST = 0.9, 0.2, 5.0

MANY, FEW = 256, 1 / 8
"""Neurons of which, once no more than this share is left in a step, those go on by themselves."""


@dataclasses.dataclass(frozen=True)
class StepControl:
    """How large the error of a substep may be.

    A variable y with the rate y' may err by eps_abs + eps_rel (a_y |y| + a_dydt |h y'|) in a
    substep h. NEST's aeif models use StepControl(1e-6, 1e-6, a_y=0, a_dydt=1), its iaf_cond models
    StepControl(1e-3, 0). The tolerances are in the coherent units of the variables.

    Raises:
        ConfigError: eps_abs is not above 0. Where the rate jumps, a tolerance that shrinks with the
            substep is never met.
    """

    eps_abs: float | Array
    eps_rel: float | Array
    a_y: float = 1.0
    a_dydt: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.eps_abs, float | int) and not self.eps_abs > 0:
            raise ConfigError(
                f"StepControl: eps_abs is {self.eps_abs!r}; expected a number above 0, such as 1e-6"
            )


def evolve(
    rhs: Callable[[Y, Args], Y],
    event: Callable[[Y, Args], tuple[Y, Args]],
    y: Y,
    args: Args,
    h: Array,
    dt: float,
    *,
    control: StepControl,
    max_substeps: int | None = None,
    of_some: Callable[[Pick], tuple[Any, Any, StepControl]] | None = None,
) -> tuple[Y, Args, Array, Array]:
    """Advance every neuron by dt in adaptive substeps of its own.

    Gradients hold the lengths of the substeps fixed.

    Args:
        rhs: Rate of change dy/dt = rhs(y, args), elementwise over the neurons.
        event: `event(y, args)`, applied after every accepted substep: reset, clamp, count a spike.
        y: Pytree of arrays in the shape of h.
        args: What rhs and event read. Leaves in the shape of h belong to the neurons, and event may
            change them; any other leaf is shared and stays what it is.
        h: First trial length of each neuron (ms), to be kept from step to step; dt to begin with.
        dt: Step of the simulation (ms).
        control: Tolerances.
        max_substeps: Bound on the accepted substeps, needed for reverse mode, which replays them.
            Without it there is no bound, and forward mode only.
        of_some: rhs, event and control of some of the neurons: `of_some(pick)`, where `pick` takes
            their values of an array that ends with one for each. Without it all neurons take trials
            until the last one is done; with it those that need many soon do so alone.

    Returns:
        y, args and h after the step, and a flag per neuron: True where max_substeps did not reach
        the end of the step, and y is that of an earlier time.

    Raises:
        ShapeError: A leaf of y has another shape than h.
    """
    for leaf in jax.tree.leaves(y):
        if jnp.shape(leaf) != jnp.shape(h):
            raise ShapeError(
                f"evolve: a variable of shape {jnp.shape(leaf)} beside step sizes of shape "
                f"{jnp.shape(h)}; expected one value of each per neuron"
            )
    if max_substeps is None:
        start = _Lanes(y, args, jnp.zeros_like(h), lax.stop_gradient(h))
        y, args, _, h = _adapt(rhs, event, start, dt, control, of_some)
        return y, args, h, jnp.zeros(h.shape, bool)
    lengths, h, overflow = _record(rhs, event, y, args, h, dt, control, max_substeps)
    y, args = _replay(rhs, event, y, args, lengths)
    return y, args, h, overflow


class _Lanes(NamedTuple):
    """Where each neuron stands within the step: its variables, its time, its next trial length."""

    y: Any
    args: Any
    t: Array
    h: Array


def _adapt(
    rhs: Rhs,
    event: Event,
    lanes: _Lanes,
    dt: float,
    control: StepControl,
    of_some: Callable[[Pick], tuple[Any, Any, StepControl]] | None,
) -> _Lanes:
    def body(lanes: _Lanes) -> _Lanes:
        return _attempt(rhs, event, lanes, lanes.t < dt, dt, control)[0]

    n = lanes.h.size
    few = int(FEW * n) if of_some is not None and lanes.h.ndim == 1 and n >= MANY else 0
    lanes = lax.while_loop(lambda lanes: (lanes.t < dt).sum() > few, body, lanes)
    if of_some is None or not few:
        return lanes

    def finish(lanes: _Lanes) -> _Lanes:
        which = jnp.nonzero(lanes.t < dt, size=few, fill_value=n)[0]

        def pick(values: Any) -> Any:
            own = jnp.shape(values)[-1:] == (n,)
            return jnp.asarray(values).at[..., which].get(mode="clip") if own else values

        some = jax.tree.map(pick, lanes)._replace(t=jnp.where(which < n, pick(lanes.t), dt))
        left = _adapt(*_of_some(of_some, pick, some, dt))
        return jax.tree.map(lambda all, v: _put(all, which, v, n), lanes, left)

    return lax.cond((lanes.t < dt).any(), finish, lambda lanes: lanes, lanes)


def _of_some(of_some: Any, pick: Pick, some: _Lanes, dt: float) -> tuple[Any, ...]:
    """The arguments of `_adapt` for some neurons."""
    rhs, event, control = of_some(pick)
    return rhs, event, some, dt, control, lambda more: of_some(lambda v: more(pick(v)))


def _put(values: Any, which: Array, some: Any, n: int) -> Any:
    """Values with those of some neurons; what is shared stays."""
    return values.at[which].set(some, mode="drop") if jnp.shape(values) == (n,) else values


def _record(
    rhs: Rhs, event: Event, y: Any, args: Any, h: Array, dt: float, control: StepControl, bound: int
) -> tuple[Array, Array, Array]:
    """Lengths of the accepted substeps (bound, ..., N), 0 after the last; next h; overflow."""

    # Nothing here is differentiated, not even by what the two functions close over.
    def fixed_rhs(y: Any, args: Any) -> Any:
        return lax.stop_gradient(rhs(y, args))

    def fixed_event(y: Any, args: Any) -> tuple[Any, Any]:
        return lax.stop_gradient(event(y, args))

    def unfinished(lanes: _Lanes, count: Array) -> Array:
        return (lanes.t < dt) & (count < bound)

    def body(carry: tuple[_Lanes, Array, Array]) -> tuple[_Lanes, Array, Array]:
        lanes, count, lengths = carry
        live = unfinished(lanes, count)
        lanes, length = _attempt(fixed_rhs, fixed_event, lanes, live, dt, control)
        # A neuron at its bound has its row out of range: the update is dropped.
        lengths = lengths.at[(count, *neurons)].set(length, mode="drop")
        return lanes, count + (length > 0).astype(count.dtype), lengths

    neurons = jnp.indices(h.shape)
    start = lax.stop_gradient(_Lanes(y, args, jnp.zeros_like(h), h))
    nothing = jnp.zeros(h.shape, jnp.int32), jnp.zeros((bound, *h.shape), h.dtype)
    lanes, _, lengths = lax.while_loop(
        lambda carry: unfinished(carry[0], carry[1]).any(), body, (start, *nothing)
    )
    return lengths, lanes.h, lanes.t < dt


def _replay(rhs: Rhs, event: Event, y: Any, args: Any, lengths: Array) -> tuple[Any, Any]:
    def substep(carry: tuple[Any, Any], length: Array) -> tuple[tuple[Any, Any], None]:
        y, args = carry
        after = event(_moved(y, length, _slopes(rhs, y, args, length), ORDER_FIVE), args)
        return _where(length > 0, after, carry), None

    return lax.scan(substep, (y, args), lengths)[0]


def _attempt(
    rhs: Rhs, event: Event, lanes: _Lanes, live: Array, dt: float, control: StepControl
) -> tuple[_Lanes, Array]:
    """One trial substep of the live neurons, and its length where it was accepted, else 0."""
    y, args, t, h = lanes
    last = h > dt - t
    length = jnp.where(last, dt - t, h)
    slopes = _slopes(rhs, y, args, length)
    y_new = _moved(y, length, slopes, ORDER_FIVE)
    ratio = lax.stop_gradient(_error_ratio(rhs, y_new, args, length, slopes, control))
    # A trial that ran into infinity is too long; what is no number already will not become one.
    ratio = jnp.where(jnp.isnan(ratio), jnp.where(_finite(y), jnp.inf, 0.0), ratio)
    t_new = jnp.where(last, dt, t + length)
    shorter = length * jnp.maximum(SAFETY * ratio ** (-1 / 5), SHRINK_AT_MOST)
    longer = length * jnp.clip(SAFETY * ratio ** (-1 / 6), 1.0, GROW_AT_MOST)
    # A substep that would no longer move the time is taken whatever its error, as by GSL.
    retry = (ratio > REJECT_ABOVE) & (shorter < length) & (t_new + shorter != t_new)
    h_new = jnp.where(retry, shorter, jnp.where(ratio < GROW_BELOW, longer, length))
    accepted = live & ~retry
    y, args = _where(accepted, event(y_new, args), (y, args))
    lanes = _Lanes(y, args, jnp.where(accepted, t_new, t), jnp.where(live, h_new, h))
    return lanes, jnp.where(accepted, length, jnp.zeros_like(length))


def _finite(y: Any) -> Array:
    return functools.reduce(jnp.logical_and, map(jnp.isfinite, jax.tree.leaves(y)))


def _error_ratio(
    rhs: Rhs, y: Any, args: Any, h: Array, slopes: list[Any], control: StepControl
) -> Array:
    """Error of a trial over its tolerance, the worst of the variables of each neuron."""

    def ratio(y: Array, dydt: Array, *k: Array) -> Array:
        scale = control.a_y * jnp.abs(y) + control.a_dydt * jnp.abs(h * dydt)
        return jnp.abs(h * _weighted(ERROR, k)) / (control.eps_abs + control.eps_rel * scale)

    rates = rhs(y, args) if control.a_dydt else jax.tree.map(jnp.zeros_like, y)
    ratios = jax.tree.leaves(jax.tree.map(ratio, y, rates, *slopes))
    return jnp.maximum(functools.reduce(jnp.maximum, ratios), jnp.finfo(h.dtype).tiny)


def _slopes(rhs: Rhs, y: Any, args: Any, h: Array) -> list[Any]:
    slopes = [rhs(y, args)]
    for weights in STAGES:
        slopes.append(rhs(_moved(y, h, slopes, weights), args))
    return slopes


def _moved(y: Any, h: Array, slopes: list[Any], weights: tuple[float, ...]) -> Any:
    return jax.tree.map(lambda v, *k: v + h * _weighted(weights, k), y, *slopes)


def _weighted(weights: tuple[float, ...], k: tuple[Array, ...]) -> Array:
    terms = [weight * slope for weight, slope in zip(weights, k, strict=True) if weight]
    return functools.reduce(jnp.add, terms)


def _where(mask: Array, new: Any, old: Any) -> Any:
    # Only what belongs to the neurons: a shared leaf has no neuron to differ by.
    return jax.tree.map(
        lambda a, b: jnp.where(mask, a, b) if jnp.shape(b) == mask.shape else b, new, old
    )
