"""Populations that act on each other within a step, against solved equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError
from spikax.units import ms, mV

pytestmark = pytest.mark.usefixtures("x64")
KEEP, STEPS, START = 0.9, 5, (1.0, -0.5, 2.0)
WEIGHTS = np.array([[0.0, 0.3, -0.1], [0.2, 0.0, 0.25], [-0.15, 0.1, 0.05]])
TIGHT = sx.FixedPoint(tolerance=1e-13, max_iterations=60)


class LinearState(sx.State):
    """One number per unit."""

    x: jax.Array = sx.cell(mV, init="x_init", doc="value")
    calls: jax.Array = sx.cell(doc="steps taken")


class Linear(sx.Dynamics):
    """x <- KEEP x + what arrives at the end of the step."""

    x_init: jax.Array = sx.param(0 * mV, doc="at the start")
    ports = {"drive": sx.Port(mV)}
    State = LinearState

    def update(self, state, inputs, *, t, dt):
        return LinearState(x=KEEP * state.x + inputs["drive"], calls=state.calls + 1)


def network(names="a", fixed_point=TIGHT, **more):
    """The three units in one population, or the first in one and the others in another."""
    units = {"a": START} if names == "a" else {"a": START[:1], "b": START[1:]}
    populations = {
        n: sx.Population(Linear(x_init=np.array(x) * mV), len(x)) for n, x in units.items()
    }
    at = {n: [START.index(v) for v in x] for n, x in units.items()}
    projections = [
        sx.Projection(
            *(pre, post, "drive", sx.all_to_all()),
            weight=WEIGHTS[np.ix_(at[pre], at[post])],
            signal="x",
            **({"solve": "fixed_point"} | more),
        )
        for pre in units
        for post in units
    ]
    return sx.Network(populations, projections, fixed_point=fixed_point)


def run(model):
    state, _ = sx.simulate(model, model.init_state(), STEPS * ms)
    return jnp.concatenate([state.nodes[n].x for n, _ in model.sizes])


def solved(weights, steps=STEPS):
    """x' = KEEP x + W^T x' in every step."""
    return np.linalg.matrix_power(KEEP * np.linalg.inv(np.eye(3) - weights.T), steps) @ START


@pytest.mark.parametrize("names", ["a", "ab"])
def test_a_step_ends_where_all_nodes_agree(names):
    x = run(network(names).build(dt=1 * ms))
    np.testing.assert_allclose(x, solved(WEIGHTS), rtol=1e-11)


def test_reverse_and_forward_gradients_are_those_of_the_solved_equations():
    model = network().build(dt=1 * ms)

    def loss(weight):
        edges = {"a->a": model.edges["a->a"].replace(weight=weight)}
        return jnp.sum(run(model.replace(edges=edges)) ** 2)

    weight = model.edges["a->a"].weight
    back, forward = jax.grad(loss)(weight), jax.jacfwd(loss)(weight)
    expected = np.zeros((3, 3))
    for k in np.ndindex(3, 3):
        up, down = (
            WEIGHTS + s * 1e-6 * (np.arange(9).reshape(3, 3) == 3 * k[0] + k[1]) for s in (1, -1)
        )
        expected[k] = (np.sum(solved(up) ** 2) - np.sum(solved(down) ** 2)) / 2e-6
    np.testing.assert_allclose(back.reshape(3, 3), expected, rtol=1e-6)
    np.testing.assert_allclose(forward, back, rtol=1e-9)


def test_a_step_is_taken_from_its_start_however_often_it_is_repeated():
    model = network().build(dt=1 * ms)
    state, _ = sx.simulate(model, model.init_state(), STEPS * ms)
    np.testing.assert_array_equal(state.nodes["a"].calls, STEPS)


def test_fewer_iterations_are_one_step_of_jacobi_each():
    stop = sx.FixedPoint(tolerance=0.0, max_iterations=2)
    model = network(fixed_point=stop).build(dt=1 * ms)
    state, _ = sx.simulate(model, model.init_state(), 1 * ms)
    x = start = np.array(START)
    for _ in range(3):  # the last one is the step itself
        x = KEEP * start + WEIGHTS.T @ x
    np.testing.assert_allclose(state.nodes["a"].x, x, rtol=1e-13)


def test_trials_of_a_batch_stop_by_themselves():
    model = network().build(dt=1 * ms)

    def end(scale):
        edge = model.edges["a->a"]
        return run(model.replace(edges={"a->a": edge.replace(weight=scale * edge.weight)}))

    scales = np.array([0.0, 0.5, 1.0])
    expected = [solved(s * WEIGHTS) for s in scales]
    np.testing.assert_allclose(jax.vmap(end)(scales), expected, rtol=1e-11)


def test_edges_without_delay_into_coupled_nodes_come_first():
    net = network("ab")
    source = sx.Population(Linear(x_init=np.array([3.0]) * mV), 1)
    into = sx.Projection("s", "a", "drive", sx.all_to_all(), weight=0.5, signal="x")
    model = sx.Network(
        {"a": net.populations["a"], "s": source, "b": net.populations["b"]},
        [*net.projections, into],
        fixed_point=TIGHT,
    ).build(dt=1 * ms)
    state, _ = sx.simulate(model, model.init_state(), 1 * ms)
    drive = KEEP * np.array(START) + [0.5 * KEEP * 3.0, 0, 0]
    x = jnp.concatenate([state.nodes[n].x for n in "ab"])
    np.testing.assert_allclose(x, np.linalg.solve(np.eye(3) - WEIGHTS.T, drive), rtol=1e-11)


def test_the_same_cycle_without_delay_names_the_way_out():
    with pytest.raises(ConfigError, match="fixed_point"):
        network("ab", solve="")


@pytest.mark.parametrize("more", [{"delay": 1 * ms}, {"diffusive": True}, {"solve": "newton"}])
def test_it_leaves_no_room_for_a_delay(more):
    with pytest.raises(ConfigError, match=r"within the step|can be 'fixed_point'"):
        network(**more)


@pytest.mark.parametrize("wrong", [{"max_iterations": 0}, {"tolerance": -1.0}])
def test_it_says_how_often_it_can_repeat(wrong):
    with pytest.raises(ConfigError, match="iterations at most"):
        sx.FixedPoint(**wrong)
