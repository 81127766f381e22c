"""The rate unit: a linear network in closed form, the fixed points of a saturating unit."""

import jax
import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

import spikax as sx
from spikax.testing import check_dynamics
from spikax.units import Hz, in_unit, ms

pytestmark = pytest.mark.usefixtures("x64")

TAU = 10.0
WEIGHT = np.array([[0.4, -0.9], [0.7, 0.2]])  # (pre, post)
DRIVE = np.array([20.0, 5.0])


def rates(unit, weight, duration, dt, start=None):
    """Rates (Hz) of two recurrent units by step."""
    net = sx.Network(
        {"R": sx.Population(unit, 2)},
        [
            sx.Projection(
                *("R", "R", "input", sx.all_to_all()),
                weight=weight,
                delay=dt * ms,
                signal="rate",
            )
        ],
    ).build(dt=dt * ms)
    state = net.init_state()
    if start is not None:
        nodes = state.nodes["R"].replace(rate=jax.numpy.asarray(start) / 1000)
        state = state.replace(nodes={"R": nodes})
    recorded = sx.simulate(net, state, duration * ms, record={"R": "rate"})[1]
    return np.asarray(in_unit(recorded["R.rate"].values, Hz))


def test_linear_network_converges_to_the_matrix_exponential():
    """tau dr/dt = -r + W r + drive, to order 1 in dt: a unit sees others at the step's start."""
    unit = sx.RateUnit(tau=TAU * ms, theta=-DRIVE * Hz, phi="linear")
    matrix = WEIGHT.T - np.eye(2)
    settled = -np.linalg.solve(matrix, DRIVE)
    exact = settled - expm(matrix * 20 / TAU) @ settled
    errors = [np.abs(rates(unit, WEIGHT, 20, dt)[-1] - exact).max() for dt in (1.0, 0.5, 0.25)]
    orders = np.log2(errors[:-1]) - np.log2(errors[1:])
    assert errors[-1] < 0.02 * np.abs(exact).max()
    assert orders == pytest.approx([1, 1], abs=0.1)


@pytest.mark.parametrize("start", [2.0, -2.0])
def test_saturating_unit_settles_where_it_drives_itself(start):
    """r = r_max tanh(w r / r_max) has two stable solutions where w > 1."""
    unit = sx.RateUnit(tau=TAU * ms, phi="tanh", r_max=80 * Hz)
    last = rates(unit, 1.5 * np.eye(2), 500, 1.0, start=[start, 0.0])[-1]
    fixed = brentq(lambda r: r - 80 * np.tanh(1.5 * r / 80), 1, 80)
    assert last == pytest.approx([np.sign(start) * fixed, 0.0], rel=1e-9)


@pytest.mark.parametrize(
    ("phi", "expected"),
    [
        ("linear", -20),
        ("relu", 0),
        ("tanh", 80 * np.tanh(-0.25)),
        ("sigmoid", 80 / (1 + np.exp(0.25))),
    ],
)
def test_response_by_shape(phi, expected):
    """With gain 2 and an input 10 Hz below threshold, long after the start."""
    unit = sx.RateUnit(tau=TAU * ms, gain=2.0, theta=10 * Hz, r_max=80 * Hz, phi=phi)
    assert rates(unit, np.zeros((2, 2)), 500, 1.0)[-1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("phi", ["linear", "tanh", "sigmoid"])
def test_shape_keeps_the_contract(phi):
    check_dynamics(sx.RateUnit(theta=-100 * Hz, r_max=2000 * Hz, phi=phi))
