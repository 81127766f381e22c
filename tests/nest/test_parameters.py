"""Parameters against those of a live NEST: the same expression on both sides."""

import numpy as np
import pytest

import spikax_nest
from spikax_nest.pynest._errors import unknown_name

pytestmark = pytest.mark.nest
POINTS = [[0.1, 0.2], [-0.4, 0.3], [1.0, 2.0], [0.0, 0.0], [4.0, -3.0]]


def outcome(nest, expression, **names):
    """What an expression gives, or the class of its error."""
    nest.ResetKernel()
    names |= {"nest": nest, "np": np, "C": lambda x: constant(nest, x), "S": nest.spatial}
    names |= {"D": nest.spatial_distributions, "P": POINTS, "nodes": lambda: placed(nest)}
    try:
        return eval(expression, names)
    except Exception as error:
        return type(error).__name__


def constant(nest, value):
    return nest.CreateParameter("constant", {"value": float(value)})


def placed(nest):
    space = nest.spatial.free([[0.0, 0.0]], extent=[10.0, 10.0])
    return nest.Create("parrot_neuron", positions=space)


def same(nest, expression):
    live, ours = (outcome(n, expression) for n in (nest, spikax_nest))
    if isinstance(live, str) or isinstance(ours, str):
        assert ours == live, expression
    else:
        np.testing.assert_allclose(ours, live, rtol=1e-13, atol=1e-300, err_msg=expression)


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "**"])
def test_operators(nest, symbol):
    for pair in ("C(3) {} C(2)", "C(3) {} 2", "2.5 {} C(3)", "C(3) {} 3.0", "C(3) {} 'x'"):
        same(nest, f"({pair.format(symbol)}).GetValue()")
    same(nest, f"(np.float64(2) {symbol} C(3)).GetValue()")


FUNCTIONS = [
    "(-C(3)).GetValue()",
    "(C(3) / 0).GetValue()",
    "nest.math.exp(C(3)).GetValue()",
    "nest.math.sin(C(3)).GetValue()",
    "nest.math.cos(2.0)",
    "nest.math.min(C(3), 2).GetValue()",
    "nest.math.max(C(3), C(4)).GetValue()",
    "nest.math.redraw(C(1), 2, 3).GetValue()",
    "nest.math.redraw(C(1), 3, 2)",
    "nest.logic.conditional(C(3) > C(2), 1, C(2)).GetValue()",
    "nest.logic.conditional(C(3) < C(2), 1, C(2)).GetValue()",
    "nest.logic.conditional(1, 1, 2)",
    "hash(C(1))",
]


@pytest.mark.parametrize("expression", FUNCTIONS)
def test_functions(nest, expression):
    same(nest, expression)


MADE = [
    ("foo", {}),
    ("constant", {}),
    ("constant", {"value": 1.0, "x": 2}),
    ("constant", {"value": "x"}),
    ("uniform", {"min": 1.0, "max": 0.0}),
    ("normal", {"std": 0.0}),
    ("lognormal", {"std": -1.0}),
    ("uniform_int", {"max": 0}),
    ("position", {}),
    ("position", {"dimension": 0, "synaptic_endpoint": 3}),
    ("constant", 3),
]


@pytest.mark.parametrize("made", MADE)
def test_wrong_arguments(nest, made):
    same(nest, f"nest.CreateParameter(*{made}).GetValue()")


PROFILES = [
    "S.distance",
    "S.distance.x",
    "S.distance.n(0)",
    "S.distance.n(2)",
    "S.distance.z",
    "S.source_pos.x",
    "S.target_pos.y",
    "S.pos.x",
    "D.exponential(S.distance, beta=2.0)",
    "D.gaussian(S.distance, mean=0.5, std=2.0)",
    "D.gamma(S.distance + 0.1, kappa=1.5, theta=2.0)",
    "D.gaussian2D(S.distance.x, S.distance.y, 0.1, 0.2, 0.5, 2.0, 0.3)",
    "D.gabor(S.target_pos.x, S.target_pos.y, 30.0, 0.7, 0.5, 1.5, 20.0)",
    "D.exponential(S.distance, beta=0.0)",
    "D.gaussian(1.0)",
    "D.gaussian2D(S.distance.x, S.distance.y, rho=1.0)",
    "D.gabor(S.distance.x, S.distance.y, gamma=0.0)",
]


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_of_positions(nest, profile):
    same(nest, f"({profile}).apply(nodes(), P)")


def test_positions_of_nodes(nest):
    grid = "nest.Create('parrot_neuron', positions=S.grid([2, 3]))"
    for parameter in ("S.pos.x + 10 * S.pos.y", "S.pos.z", "S.source_pos.x", "S.distance"):
        same(nest, f"({parameter}).apply({grid})")
    for points in ("[1.0, 2.0]", "[[1.0, 2.0, 3.0]]", "[[1.0], [1.0, 2.0]]", "[]"):
        same(nest, f"S.distance.apply(nodes(), {points})")


DISTRIBUTIONS = {
    "uniform": ({"min": 1.0, "max": 3.0}, 2.0, 1 / 3),
    "uniform_int": ({"max": 5}, 2.0, 2.0),
    "normal": ({"mean": 1.0, "std": 2.0}, 1.0, 4.0),
    "exponential": ({"beta": 2.0}, 2.0, 4.0),
    "lognormal": ({"mean": 0.0, "std": 0.5}, np.exp(0.125), (np.exp(0.25) - 1) * np.exp(0.25)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_moments(name):
    arguments, mean, variance = DISTRIBUTIONS[name]
    spikax_nest.ResetKernel()
    parameter = getattr(spikax_nest.random, name)(**arguments)
    nodes = spikax_nest.Create("parrot_neuron", 20000)
    values = np.array(parameter.apply(nodes))
    assert abs(values.mean() - mean) < 5 * np.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 0.1


def test_redrawn_values_are_inside_and_independent_of_the_others():
    spikax_nest.ResetKernel()
    parameter = spikax_nest.math.redraw(spikax_nest.random.normal(), -0.5, 1.0)
    values = np.array(parameter.apply(spikax_nest.Create("parrot_neuron", 5000)))
    assert -0.5 <= values.min() < values.max() <= 1.0
    assert np.unique(values).size == values.size


def test_values_follow_the_seed():
    drawn = []
    for seed in (1, 1, 2):
        spikax_nest.ResetKernel()
        spikax_nest.rng_seed = seed
        drawn.append(spikax_nest.random.uniform().GetValue())
    assert drawn[0] == drawn[1] != drawn[2]


def test_errors_are_those_of_nest(nest):
    live = {n for n in dir(nest.NESTErrors) if not n.startswith("_")}
    assert live == {n for n in dir(spikax_nest.NESTErrors) if not n.startswith("_")}
    for name in live:
        assert issubclass(getattr(spikax_nest.NESTErrors, name), spikax_nest.NESTError)


def test_unknown_names_are_explained():
    assert "did you mean V_m" in unknown_name("parameter", "V_n", ["V_m", "tau_m"])
    assert "a, b" in unknown_name("rule", "zzzzzz", ["b", "a"])
