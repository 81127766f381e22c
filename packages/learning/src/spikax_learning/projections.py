"""Projections: what an optimiser's step must not do to the weights.

Each is a transformation of optax that changes an update so that the weights after it obey, and
stands last: `optax.chain(optax.adam(0.01), dale(), bounds(0 * pA, 200 * pA))`. `where` is a filter
of `select`, all trained parameters if not given. `by_path` gives parameters optimisers of their
own. For weights that must not be negative optax has `keep_params_nonnegative`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from spikax import Filter, leaves, merge, select
from spikax.errors import ConfigError, ShapeError
from spikax.units import Unit, to_coherent


def dale(where: Filter | None = None, *, sign: Any = None) -> optax.GradientTransformation:
    """Keep the sign of every weight (Dale's law): what would cross zero stops there.

    Args:
        where: Which parameters.
        sign: 1, -1 or an array of them that broadcasts to the weights; by default the signs at the
            start. A weight that is zero at the start then has no sign, and stays zero.
    """

    def init(params: Any) -> Any:
        def of(w: Array) -> Array:
            given = w if sign is None else jnp.asarray(sign, w.dtype)
            return jnp.broadcast_to(jnp.sign(given), w.shape)

        return _mapped(of, params, where)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        def kept(signs: Array, new: Array) -> Array:
            return jnp.where(signs * new > 0, new, 0)

        return _projected(kept, updates, params, where, state), state

    return optax.GradientTransformation(init, update)


def bounds(low: Any, high: Any, where: Filter | None = None) -> optax.GradientTransformation:
    """Keep weights in [low, high].

    Args:
        low: A quantity in the unit of the weights; None for no bound.
        high: The same.
        where: Which parameters.

    Raises:
        UnitError: A bound in another unit than the parameter has.
    """

    def update(updates: Any, params: Any) -> Any:
        def kept(at: tuple[str, Unit], new: Array) -> Array:
            ends = (None if v is None else to_coherent(v, at[1], at[0]) for v in (low, high))
            return jnp.clip(new, *(v if v is None else jnp.asarray(v, new.dtype) for v in ends))

        picked = _picked(params, where)
        units = [(leaf.path, leaf.unit) for leaf in leaves(picked)]
        named = jax.tree.unflatten(jax.tree.structure(picked), units)
        return _projected(kept, updates, params, where, named)

    return optax.stateless(update)


def mask(keep: Any, where: Filter | None = None) -> optax.GradientTransformation:
    """Train only some synapses; the others stay as they are.

    Args:
        keep: True where a synapse is trained, an array in the shape of the weights.
        where: Which parameter, if several are trained: `sx.weights("E->E")`.

    Raises:
        ShapeError: The mask has another shape than the weights.
    """
    keep = np.asarray(keep, dtype=bool)

    def update(updates: Any, params: Any) -> Any:
        del params

        def kept(update: Array) -> Array:
            if keep.shape != update.shape:
                raise ShapeError(
                    f"the mask has shape {keep.shape}, the weights {update.shape}; name the "
                    'parameter that it belongs to: mask(keep, sx.weights("E->E")).'
                )
            return jnp.where(keep, update, 0)

        return merge(_mapped(kept, updates, where), updates)

    return optax.stateless(update)


def scale_by_spread() -> optax.GradientTransformation:
    """Scale the update of every array of weights by its own spread at the start.

    Weights come in pA, nS or plain numbers, each kind of another size; with this one learning rate
    serves them all. The spread is the standard deviation; of equal weights, or of one, the size.
    """

    def spread(w: Array) -> Array:
        return jnp.where(w.std() > 1e-6 * abs(w).max(), w.std(), abs(w).max())

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        del params
        return jax.tree.map(jnp.multiply, updates, state), state

    return optax.GradientTransformation(lambda params: jax.tree.map(spread, params), update)


def by_path(labels: Mapping[Filter, Hashable]) -> Callable[[Any], Any]:
    """Labels for `optax.multi_transform`, by filters of `select`; the first that matches wins.

        rules = {"fast": optax.adam(0.01), "slow": optax.sgd(0.001)}
        optax.multi_transform(rules, by_path({"edges.in->*": "fast", "weight": "slow"}))

    Raises:
        ConfigError: A filter matches nothing, or a parameter is matched by none.
    """

    def label(params: Any) -> Any:
        trees = [
            jax.tree.map(lambda _, name=name: name, select(params, wanted)[0])
            for wanted, name in labels.items()
        ]
        found = merge(*trees)
        labelled = {leaf.path for leaf in leaves(found)}
        left = [leaf.path for leaf in leaves(params) if leaf.path not in labelled]
        if left:
            raise ConfigError(f"by_path has no label for {', '.join(left)}; add one for it.")
        return found

    return label


def _picked(params: Any, where: Filter | None) -> Any:
    if params is None:
        raise ConfigError("a projection needs them: optimizer.update(grads, state, params).")
    return params if where is None else select(params, where)[0]


def _mapped(f: Callable[[Array], Any], tree: Any, where: Filter | None) -> Any:
    return jax.tree.map(f, _picked(tree, where))


def _projected(
    kept: Callable[[Any, Array], Array], updates: Any, params: Any, where: Filter | None, more: Any
) -> Any:
    """Updates after which the picked parameters are what `kept` makes of them."""
    picked = _picked(params, where)
    ours = _like(updates, picked)

    def changed(w: Array, u: Array, m: Any) -> Array:
        value = kept(m, w + u)
        step = _landing(w, value, jnp.where(value < w + u, -jnp.inf, jnp.inf))
        return jnp.where(value == w + u, u, step)

    return merge(jax.tree.map(changed, picked, ours, more), updates)


def _landing(w: Array, value: Array, inwards: Array) -> Array:
    """The step from w to a value, never beyond it by rounding."""
    step = value - w
    beyond = jnp.sign(inwards) * (w + step - value) < 0
    return jnp.where(beyond, jnp.nextafter(step, inwards.astype(step.dtype)), step)


def _like(tree: Any, picked: Any) -> Any:
    """The leaves of a tree where `picked` has one."""
    return jax.tree.map(lambda p, t: None if p is None else t, picked, tree, is_leaf=_nothing)


def _nothing(x: Any) -> bool:
    return x is None
