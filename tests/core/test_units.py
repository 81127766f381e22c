"""Units: conversion is exact, and every parameter of every model refuses what has no right unit."""

import jax
import numpy as np
import pytest

import spikax as sx
from spikax import units as u
from spikax._fields import parameters
from spikax._plasticity import OfWeight
from spikax.errors import UnitError
from spikax.plugins import Model, registry

MODELS = list(registry().records(Model))
EACH_MODEL = pytest.mark.parametrize("model", MODELS)


def own_parameters(model):
    """All but what has the unit of a weight, which waits for the projection that says which."""
    return [p for p in parameters(sx.model(model)) if not isinstance(p, OfWeight)]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (250 * u.pF, u.pF, 250.0),
        (0.25 * u.nF, u.pF, 250.0),
        (0.1 * u.volt, u.mV, 100.0),
        (0.1 * u.second, u.ms, 100.0),
        (1 * u.MOhm, u.GOhm, 1e-3),
        (8000 * u.Hz, u.Hz, 8.0),
        (1 * u.siemens, u.nS, 1e9),
        (0.3 * u.nA, u.pA, 300.0),
        (4 / u.ms, 1 / u.second, 4.0),
        (0.5, u.UNITLESS, 0.5),
    ],
)
def test_conversion_is_correctly_rounded(value, unit, expected):
    assert u.to_coherent(value, unit, "x") == expected


def test_coherent_set_needs_no_factor():
    """nS * mV is pA and pA * ms / pF is mV: products of converted values are converted products."""
    g, V, dt, C = 3.7 * u.uS, 12 * u.volt, 3 * u.us, 0.4 * u.nF
    plain = [
        float(u.to_coherent(q, unit, "x"))
        for q, unit in ((g, u.nS), (V, u.mV), (dt, u.ms), (C, u.pF))
    ]
    assert np.isclose(plain[0] * plain[1], float(u.to_coherent(g * V, u.pA, "x")), rtol=1e-14)
    assert np.isclose(
        plain[0] * plain[1] * plain[2] / plain[3],
        float(u.to_coherent(g * V * dt / C, u.mV, "x")),
        rtol=1e-14,
    )


def test_round_trip_through_a_quantity():
    assert float(u.quantity(np.float64(8.0), u.Hz) / u.Hz) == 8000.0
    assert sx.LIF(tau_m=0.02 * u.second).quantity("tau_m").to_decimal(u.ms) == 20.0


@EACH_MODEL
def test_wrong_dimension_is_rejected(model):
    for p in own_parameters(model):
        with pytest.raises(UnitError, match=rf"\w+\.{p.name} needs .*did you mean"):
            sx.model(model)(**{p.name: 3.0 * u.volt * u.second})


@EACH_MODEL
def test_bare_number_is_rejected_where_there_is_a_unit(model):
    for p in own_parameters(model):
        plain = str(p.unit) == "1"
        message = p.name if plain else r"bare number 3.0; did you mean 3.0\*"
        with pytest.raises(UnitError, match=message):
            sx.model(model)(**{p.name: "three" if plain else 3.0})


def test_message_names_model_parameter_unit_value_and_likely_meaning():
    with pytest.raises(UnitError) as error:
        sx.LIF(tau_m=20 * u.mV)
    assert str(error.value) == (
        "LIF.tau_m needs a quantity in ms, got 20 mV, which is in mV; did you mean 20*ms?"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
@EACH_MODEL
def test_values_that_are_not_finite_are_rejected(model, value):
    for p in own_parameters(model):
        given = {p.name: value * p.unit if str(p.unit) != "1" else value}
        if not p.finite and np.isinf(value):  # a bound that is none
            sx.model(model)(**given)
            continue
        with pytest.raises(ValueError, match=r"must be (finite|a number)"):
            sx.model(model)(**given)


def test_parameters_are_float64_until_they_are_built():
    lif = sx.LIF(tau_m=20 * u.ms)
    assert all(leaf.dtype == np.float64 for leaf in jax.tree.leaves(lif))
    model = sx.Network({"E": sx.Population(lif, 2)}).build(dt=0.1 * u.ms)
    assert {leaf.value.dtype.name for leaf in sx.leaves(model) if leaf.kind == "parameter"} == {
        "float32"
    }
