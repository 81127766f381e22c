"""Projections: what holds after every step of an optimiser that pulls against it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import spikax as sx
from spikax.errors import ConfigError, ShapeError, UnitError
from spikax.units import ms, mV, nA, pA
from spikax_learning.projections import bounds, by_path, dale, mask, scale_by_spread

CELL = sx.Cell(sx.LIF(), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
NET = sx.Network(
    {
        "in": sx.Population(sx.Relay(), 4),
        "E": sx.Population(CELL, 3),
        "out": sx.Population(sx.LeakyReadout(20 * ms), 2),
    },
    [
        sx.Projection("in", "E", "syn", sx.all_to_all(), sx.Normal(0 * pA, 50 * pA)),
        sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0, 1)),
    ],
).build(dt=1 * ms, seed=1)
WEIGHTS, _ = sx.select(NET, "weight")
INTO, OUT = "edges.in->E.weight", "edges.E->out.weight"


def by_name(tree):
    return {leaf.path: np.asarray(leaf.value) for leaf in sx.leaves(tree)}


START = by_name(WEIGHTS)


def walk(optimizer, steps=30, weights=WEIGHTS):
    """All weights on the way, pushed about at random, compiled."""
    memory, seen = optimizer.init(weights), []

    @jax.jit
    def step(weights, memory, push):
        with jax.numpy_dtype_promotion("standard"):
            updates, memory = optimizer.update(push, memory, weights)
            return optax.apply_updates(weights, updates), memory

    rng = np.random.default_rng(1)
    for _ in range(steps):
        push = jax.tree.map(lambda w: 40 * rng.normal(size=w.shape).astype(np.float32), weights)
        weights, memory = step(weights, memory, push)
        seen.append(by_name(weights))
    return {path: np.stack([s[path] for s in seen]) for path in seen[0]}


FREE = walk(optax.sgd(1.0))


def test_without_a_projection_signs_and_bounds_are_broken():
    assert (np.sign(FREE[INTO]) != np.sign(START[INTO])).any()
    assert np.abs(FREE[INTO]).max() > 60


def test_signs_are_kept_and_what_would_cross_stops_at_zero():
    seen = walk(optax.chain(optax.sgd(1.0), dale()))
    for path in (INTO, OUT):
        assert (seen[path] * np.sign(START[path]) >= 0).all()
        assert (seen[path] == 0).any()
        assert (seen[path] != 0).any()


def test_a_sign_can_be_given_for_some():
    signs = np.sign(np.arange(4) - 1.5)[:, None]
    seen = walk(optax.chain(optax.sgd(1.0), dale(sx.weights("in->E"), sign=signs)))
    assert (seen[INTO] * signs >= 0).all()
    np.testing.assert_array_equal(seen[OUT], FREE[OUT])


def test_a_weight_without_a_sign_stays_zero():
    weights = jax.tree.map(lambda w: w.at[0].set(0.0), WEIGHTS)
    seen = walk(optax.chain(optax.sgd(1.0), dale()), weights=weights)
    assert (seen[INTO][:, 0] == 0).all()
    assert (seen[INTO][:, 1:] != 0).any()


def test_nonnegative_is_that_of_optax():
    weights = jax.tree.map(jnp.abs, WEIGHTS)
    ours, theirs = dale(), optax.keep_params_nonnegative()
    a, b = (walk(optax.chain(optax.sgd(1.0), p), weights=weights) for p in (ours, theirs))
    for path in (INTO, OUT):
        np.testing.assert_allclose(a[path], b[path], atol=1e-5)


def test_bounds_hold_to_the_last_bit_in_any_unit():
    limit = optax.chain(optax.sgd(1.0), bounds(-0.0131 * nA, 33.3 * pA, sx.weights("in->E")))
    seen = walk(limit, 300)[INTO]
    low, high = np.float32(-13.1), np.float32(33.3)
    assert (seen >= low).all()
    assert (seen <= high).all()
    near = [(np.abs(seen - end) < 1e-5).mean() for end in (low, high)]
    assert min(near) > 0.2  # where it is pushed, it lies
    one_sided = walk(optax.chain(optax.sgd(1.0), bounds(None, 33.3 * pA, sx.weights("in->E"))))
    assert one_sided[INTO].max() <= high
    assert one_sided[INTO].min() < -60


def test_inside_the_bounds_nothing_changes():
    wide = walk(optax.chain(optax.sgd(1.0), bounds(-1 * nA, 1 * nA, sx.weights("in->E"))))
    np.testing.assert_array_equal(wide[INTO], FREE[INTO])


def test_masked_synapses_stay():
    keep = np.arange(12).reshape(4, 3) % 2 == 0
    seen = walk(optax.chain(optax.sgd(1.0), mask(keep, sx.weights("in->E"))))
    np.testing.assert_array_equal(seen[INTO][:, ~keep], np.tile(START[INTO][~keep], (30, 1)))
    np.testing.assert_array_equal(seen[INTO][:, keep], FREE[INTO][:, keep])
    np.testing.assert_array_equal(seen[OUT], FREE[OUT])


def test_spread_scales_each_kind_of_weight():
    seen = walk(optax.chain(optax.sgd(1.0), scale_by_spread()), 1)
    for path in (INTO, OUT):
        np.testing.assert_allclose(
            seen[path][0] - START[path],
            START[path].std() * (FREE[path][0] - START[path]),
            rtol=1e-4,
            atol=1e-4,
        )
    equal = scale_by_spread().init({"a": jnp.full((50,), 0.3), "b": jnp.asarray(-2.0)})
    np.testing.assert_allclose([equal["a"], equal["b"]], [0.3, 2.0], rtol=1e-6)


def test_each_group_has_its_optimizer():
    groups = optax.multi_transform(
        {"fast": optax.sgd(1.0), "none": optax.set_to_zero()},
        by_path({sx.weights("in->E"): "fast", "weight": "none"}),
    )
    seen = walk(groups)
    np.testing.assert_array_equal(seen[INTO], FREE[INTO])
    np.testing.assert_array_equal(seen[OUT], np.tile(START[OUT], (30, 1, 1)))


def test_a_projection_works_within_a_group():
    bounded = optax.chain(optax.sgd(1.0), bounds(-10 * pA, 10 * pA))
    groups = {"bounded": bounded, "free": optax.sgd(1.0)}
    labels = by_path({"edges.in->*": "bounded", "edges.E->*": "free"})
    seen = walk(optax.multi_transform(groups, labels))
    assert np.abs(seen[INTO]).max() == 10
    np.testing.assert_array_equal(seen[OUT], FREE[OUT])


REFUSED = {
    "a bound in another unit": (bounds(0 * mV, 1 * mV, "edges.in->*"), UnitError, "got 0 mV"),
    "a filter that matches nothing": (dale("edges.X*"), ConfigError, "nothing matches"),
    "a mask of another shape": (mask(np.ones((2, 2))), ShapeError, r"\(2, 2\), the weights"),
    "a parameter without a label": (
        optax.multi_transform({"a": optax.sgd(1.0)}, by_path({"edges.in->*": "a"})),
        ConfigError,
        r"no label for edges\.E->out\.weight",
    ),
}


@pytest.mark.parametrize(("rule", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_misuse_is_named(rule, error, message):
    with pytest.raises(error, match=message):
        rule.update(WEIGHTS, rule.init(WEIGHTS), WEIGHTS)


def test_parameters_are_needed():
    with pytest.raises(ConfigError, match=r"optimizer\.update\(grads, state, params\)"):
        bounds(0 * pA, 1 * pA).update(WEIGHTS, optax.EmptyState())
