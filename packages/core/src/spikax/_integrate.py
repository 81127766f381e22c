"""One step of time: exponential Euler, its joint form, Runge-Kutta, and exact linear propagators.

Everything here is elementwise over the neuron axis and differentiable in forward and reverse mode.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import math
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

Tree = TypeVar("Tree")

# Where the Taylor series of phi1 takes over from the quotient, which loses a factor 1/|x| of
# precision with every derivative.
_PHI1_SWITCH = 0.5
_PHI1_SERIES = tuple(1 / math.factorial(k + 1) for k in range(16))
_SLOPE_SERIES = tuple((k + 1) / math.factorial(k + 2) for k in range(15))

# A block is halved 10 times before its series of degree 8 is summed: for a norm of 200 the series
# errs by (200 / 2^10)^9 / 10! = 1e-13, which squaring back turns into 2e-11.
_HALVINGS = 10
_BLOCK_SERIES = _PHI1_SERIES[:9]

_entries_alone: contextvars.ContextVar[bool] = contextvars.ContextVar("entries", default=False)


@contextlib.contextmanager
def by_entry() -> Generator[None]:
    """Multiply the blocks of `exp_euler_joint` entry by entry, with no array of blocks.

    For a kernel that cannot cut or join arrays. What is computed is the same, to the last bit, and
    faster; but XLA takes minutes to compile derivatives of it, since it fuses all there is.
    """
    token = _entries_alone.set(True)
    try:
        yield
    finally:
        _entries_alone.reset(token)


@jax.custom_jvp
def phi1(x: ArrayLike) -> Array:
    """Mean of e^(s x) over s from 0 to 1.

    (e^x - 1) / x, and 1 at 0. Value, first and second derivative are accurate to rounding
    everywhere, 0 included (Hochbruck & Ostermann 2010, section 2.1).
    """
    x = jnp.asarray(x)
    # At the switch the first term left out is below rounding; the long series is for derivatives.
    terms = 8 if x.dtype == jnp.float32 else 14
    return _near_or_far(x, _PHI1_SERIES[:terms], lambda far: (jnp.exp(far) - 1.0) / far)


@phi1.defjvp
def _phi1_jvp(primals: tuple[ArrayLike], tangents: tuple[ArrayLike]) -> tuple[Array, Array]:
    x = jnp.asarray(primals[0])
    slope = _near_or_far(
        x, _SLOPE_SERIES, lambda far: (jnp.expm1(far) * (far - 1.0) + far) / (far * far)
    )
    return phi1(x), slope * tangents[0]


def _near_or_far(x: Array, series: tuple[float, ...], formula: Callable[[Array], Array]) -> Array:
    """A power series where |x| is small, a formula elsewhere."""
    near = jnp.abs(x) < _PHI1_SWITCH
    # Each arm gets an argument that is harmless where the other one is taken: a NaN or an overflow
    # in the arm not taken would reach the derivative.
    inner = jnp.where(near, x, jnp.zeros_like(x))
    outer = jnp.where(near, jnp.ones_like(x), x)
    return jnp.where(near, _power_series(series, inner), formula(outer))


def _power_series(series: tuple[float, ...], x: Array) -> Array:
    """Sum of c_k x^k, in pairs of pairs: a processor works on several at once."""
    terms = [jnp.full_like(x, c) for c in series]
    while len(terms) > 1:
        odd = terms.pop() if len(terms) % 2 else None
        terms = [low + high * x for low, high in zip(terms[::2], terms[1::2], strict=True)]
        terms += [] if odd is None else [odd]
        x = x * x
    return terms[0]


def linearise(f: Callable[[Array], Array], y: Array) -> tuple[Array, Array]:
    """Value and slope (f(y), df/dy) of an elementwise function, by one tangent of ones."""
    value, slope = jax.jvp(f, (y,), (jnp.ones_like(y),))
    return value, slope


def exp_euler(f: Callable[[Array], Array], y: Array, dt: float) -> Array:
    """One step of exponential (Rosenbrock-)Euler for dy/dt = f(y), y one variable per neuron.

    y(t + dt) = y + dt phi1(dt f'(y)) f(y): exact where f is linear, of order 2 elsewhere, and
    stable however stiff the decay is. An f that depends on time keeps order 2 when it is taken
    at mid-step, as receptors are (Hochbruck & Ostermann 2010, section 2.4).
    """
    value, slope = linearise(f, y)
    return y + dt * phi1(dt * slope) * value


def linearise_jointly(
    f: Callable[[tuple[Array, ...]], tuple[Array, ...]], y: tuple[Array, ...]
) -> tuple[Array, Array]:
    """Rates (d, ..., N) and Jacobian block (d, d, ..., N) of d coupled variables, by d tangents.

    Row i, column j of the block is df_i/dy_j; every neuron has its own.
    """
    rates, columns = _linearised(f, y)
    return jnp.stack(rates), jnp.stack([jnp.stack(column) for column in columns], axis=1)


def _linearised(
    f: Callable[[tuple[Array, ...]], tuple[Array, ...]], y: tuple[Array, ...]
) -> tuple[tuple[Array, ...], list[tuple[Array, ...]]]:
    """Rates, and the columns of the block."""
    zeros = tuple(jnp.zeros_like(v) for v in y)
    rates: tuple[Array, ...] = ()
    columns: list[tuple[Array, ...]] = []
    for j, variable in enumerate(y):
        direction = (*zeros[:j], jnp.ones_like(variable), *zeros[j + 1 :])
        rates, column = jax.jvp(f, (y,), (direction,))
        columns.append(column)
    return rates, columns


def exp_euler_joint(
    f: Callable[[tuple[Array, ...]], tuple[Array, ...]], y: tuple[Array, ...], dt: float
) -> tuple[Array, ...]:
    """One step of exponential (Rosenbrock-)Euler for d coupled variables of each neuron.

    y(t + dt) = y + dt phi1(dt J) f(y) with J the d x d Jacobian block of the neuron: order 2, and
    exact where f is linear (Hochbruck & Ostermann 2010, section 2.4). Linearising each variable by
    itself would be of order 1.
    """
    if _entries_alone.get():
        rates, columns = _linearised(f, y)
        block = _entries([[dt * entry for entry in column] for column in columns]).T
        mean = phi1_block(block, _entries([rates])[0])
    else:
        rates, block = linearise_jointly(f, y)
        mean = phi1_block(dt * block, rates)
    return tuple(v + dt * rate for v, rate in zip(y, mean, strict=True))


def _entries(rows: Sequence[Sequence[Array]]) -> Any:
    """A matrix of arrays, one for each entry: NumPy multiplies such matrices entry by entry."""
    matrix = np.empty((len(rows), len(rows[0])), object)
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            matrix[i, j] = entry
    return matrix


def expm_block(block: Array) -> Array:
    """Matrix exponential of every neuron's d x d block, shape (d, d, ..., N).

    Scaling and squaring of e^A - 1, elementwise over the neurons. For norms up to 200 the error is
    below 1e-10 of the larger of 1 and the norm of e^A, in float64. The norm that counts is that
    after the best diagonal scaling: the units of the variables do not matter.
    """
    powers, _ = _scaled_series(block)
    for _ in range(_HALVINGS):
        powers = _squared(powers)
    return powers + _identity(block)


def phi1_block(block: Any, vector: Any) -> Any:
    """phi1(A) v for every neuron's d x d block A (d, d, ..., N) and vector v (d, ..., N).

    phi1(2A) = (e^A + 1) phi1(A) / 2 undoes the scaling; accuracy as of `expm_block`.
    """
    powers, series = _scaled_series(block)
    result = _apply(series, vector)
    for halving in range(_HALVINGS):
        result = result + 0.5 * _apply(powers, result)
        if halving < _HALVINGS - 1:
            powers = _squared(powers)
    return result


def _scaled_series(block: Any) -> tuple[Any, Any]:
    """(e^A - 1, phi1(A)) of the block after all halvings: nine terms in three groups of three."""
    a = block * 0.5**_HALVINGS
    a2 = _product(a, a)
    a3 = _product(a2, a)
    one = _identity(block)
    low, middle, high = (
        _BLOCK_SERIES[k] * one + _BLOCK_SERIES[k + 1] * a + _BLOCK_SERIES[k + 2] * a2
        for k in (0, 3, 6)
    )
    series = low + _product(a3, middle + _product(a3, high))
    return _product(a, series), series


def _squared(powers: Any) -> Any:
    # e^2A - 1 from e^A - 1. Squaring e^A itself would round a small A against the identity, ten
    # times over: in float32 little would be left of it.
    return 2.0 * powers + _product(powers, powers)


def _product(a: Any, b: Any) -> Any:
    if isinstance(a, np.ndarray):
        return a @ b
    # Column times row, summed: the neurons stay in the innermost, vectorised loop. A dot_general
    # would transpose them away, and rounds to fewer bits on accelerators.
    columns, rows = jnp.split(a, len(b), axis=1), jnp.split(b, len(b), axis=0)
    return functools.reduce(jnp.add, map(jnp.multiply, columns, rows))


def _apply(a: Any, v: Any) -> Any:
    return _product(a, v[:, None])[:, 0]


def _identity(block: Any) -> Any:
    if isinstance(block, np.ndarray):
        return np.eye(len(block), dtype=object)
    eye = jnp.eye(len(block), dtype=block.dtype)
    return eye.reshape(eye.shape + (1,) * (block.ndim - 2))


def rk4(f: Callable[[Tree, float], Tree], y: Tree, dt: float) -> Tree:
    """One step of the classical Runge-Kutta method (order 4) for dy/dt = f(y, tau).

    Args:
        f: Rate of change; tau is the offset within the step, 0, dt/2 or dt.
        y: Array or pytree of arrays.
        dt: Step.
    """

    def moved(slope: Tree, by: float) -> Tree:
        return jax.tree.map(lambda v, k: v + by * k, y, slope)

    k1 = f(y, 0.0)
    k2 = f(moved(k1, dt / 2), dt / 2)
    k3 = f(moved(k2, dt / 2), dt / 2)
    k4 = f(moved(k3, dt), dt)
    mean = jax.tree.map(lambda a, b, c, d: (a + 2.0 * b + 2.0 * c + d) / 6.0, k1, k2, k3, k4)
    return moved(mean, dt)


def membrane_propagators(tau_m: ArrayLike, C_m: ArrayLike, dt: float) -> tuple[Array, Array]:
    """Effect on V after dt of V itself and of a constant unit current, for C V' = -C V/tau_m + I.

    (e^(-dt/tau_m), tau_m/C_m (1 - e^(-dt/tau_m))), exact (Rotter & Diesmann 1999);
    tau_m may be infinite.
    """
    x = -dt / jnp.asarray(tau_m)
    return jnp.exp(x), dt / jnp.asarray(C_m) * phi1(x)


def exp_current_propagator(
    tau_m: ArrayLike, tau_syn: ArrayLike, C_m: ArrayLike, dt: float
) -> Array:
    """Effect on V after dt of an exponential current I' = -I/tau_syn that starts at 1.

    1/C_m times the integral of e^(-(dt - s)/tau_m) e^(-s/tau_syn) over the step (Rotter & Diesmann
    1999), which is dt/C_m e^(-dt/tau_m) phi1(dt/tau_m - dt/tau_syn). Nothing cancels
    or overflows, tau_m = tau_syn included.
    """
    slow, fast, _ = _ordered_rates(tau_m, tau_syn)
    return dt / jnp.asarray(C_m) * jnp.exp(-dt * slow) * phi1(-dt * (fast - slow))


def alpha_current_propagators(
    tau_m: ArrayLike, tau_syn: ArrayLike, C_m: ArrayLike, dt: float
) -> tuple[Array, Array]:
    """Effect on V after dt of the two variables of an alpha current: (of its slope, of itself).

    The pair is dI' = -dI/tau_syn, I' = dI - I/tau_syn. What starts as dI = 1 flows as s
    e^(-s/tau_syn); the effect is dt^2/C_m e^(-dt/tau_m) phi1'(dt/tau_m - dt/tau_syn). What starts
    as I = 1 is an exponential current (Rotter & Diesmann 1999). Nothing cancels or
    overflows, tau_m = tau_syn included.
    """
    slow, fast, membrane_is_slow = _ordered_rates(tau_m, tau_syn)
    whole, late = linearise(phi1, -dt * (fast - slow))
    # phi1'(x) weighs e^(s x) by s. With the roles of the two decays exchanged it is weighed by 1-s.
    ramp = jnp.where(membrane_is_slow, late, whole - late)
    scale = dt / jnp.asarray(C_m) * jnp.exp(-dt * slow)
    return dt * scale * ramp, scale * whole


def _ordered_rates(tau_m: ArrayLike, tau_syn: ArrayLike) -> tuple[Array, Array, Array]:
    """(lower rate, higher rate, whether the membrane's is the lower one).

    With the slower decay taken out in front, what is left is an exponential of a negative number.
    `where` rather than minimum: at equal rates each derivative must see one formula, not the mean.
    """
    membrane, synapse = 1.0 / jnp.asarray(tau_m), 1.0 / jnp.asarray(tau_syn)
    first = membrane < synapse
    return jnp.where(first, membrane, synapse), jnp.where(first, synapse, membrane), first
