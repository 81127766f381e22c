"""NEST's neurons with substeps of their own: the contract, and the bound on the substeps."""

import jax
import pytest

import spikax as sx
from spikax.errors import NumericsError
from spikax.testing import check_dynamics
from spikax.units import ms, pA
from spikax_nest._models import MODELS
from spikax_nest.neurons._runge_kutta import RungeKutta

SYSTEMS = {m.name: m.load() for m in MODELS if ".neurons." in m.target}
SOLVED = [name for name, system in SYSTEMS.items() if issubclass(system, RungeKutta)]
OFTEN = {"iaf_cond_exp"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in OFTEN else [pytest.mark.grid]) for n in SOLVED]
)
def test_contract(name):
    check_dynamics(SYSTEMS[name](max_substeps=32), solver=True)


def upstroke(**options):
    """A network whose neuron fires hard."""
    model = SYSTEMS["aeif_cond_exp"](I_e=2000 * pA, **options)
    return sx.Simulation(
        sx.Network({"E": sx.Population(model, 1)}), dt=0.1 * ms, precision="float64"
    )


def test_a_bound_that_is_too_low_raises():
    with pytest.raises(NumericsError, match=r"E\.fault: neuron 0 reports fault 1"):
        upstroke(max_substeps=1).run(20 * ms)


def test_a_variable_that_runs_away_raises():
    sim = sx.Simulation(
        sx.Network({"E": sx.Population(SYSTEMS["aeif_cond_exp"](), 1)}),
        dt=0.1 * ms,
        precision="float64",
    )
    with pytest.raises(NumericsError, match="fault 2"):
        sim.run(50 * ms, inputs={"E.current": -1e6 * pA})


def test_without_a_bound_reverse_mode_says_what_to_do():
    """JAX's own message names the loop; the docstring of the model names max_substeps."""
    with jax.enable_x64(True):
        model = upstroke().model
        state = model.init_state()
        weights, rest = sx.select(model, "nodes.E.g_L")

        def potential(w):
            _, rows = sx.simulate(sx.merge(w, rest), state, 1 * ms, record={"E": "V_m"})
            return rows["E.V_m"].values.sum()

        with pytest.raises(ValueError, match="Reverse-mode differentiation"):
            jax.grad(potential)(weights)
    assert "max_substeps" in RungeKutta.__doc__
