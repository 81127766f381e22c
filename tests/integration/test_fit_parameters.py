"""examples/fit_parameters.py, scaled down: parameters are recovered, from either side."""

import json
import sys
from pathlib import Path

import jax
import pytest

from spikax.units import ms, mV, pF

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
OTHER_SIDE = {
    "C_m": 120 * pF,
    "tau_m": 28 * ms,
    "E_L": -71 * mV,
    "V_th": -55 * mV,
    "V_reset": -64 * mV,
}


@pytest.fixture(scope="module")
def fit():
    for module in ("matplotlib", "optax"):
        pytest.importorskip(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        import fit_parameters

        yield fit_parameters
    sys.modules.pop("fit_parameters")


@pytest.fixture(scope="module", params=["the example's start", "the other side"])
def results(request, fit):
    with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion("standard"):
        if request.param == "the other side":
            patch.setattr(fit, "START", OTHER_SIDE)
        yield fit.run(milliseconds=200, iterations=250)


def test_every_parameter_is_found_from_30_to_50_percent_off(fit, results):
    figures, fitted = results
    for name in fit.TRUE:
        assert 0.3 <= fit.error(name, fitted.path[name][0]) <= 0.5, "the start is far off"
        assert figures["error"][name] < 0.02
    fit.check(figures)


def test_both_currents_say_what_they_should(results):
    _, fitted = results
    recorded = fitted.potentials[0]
    assert recorded[:, 0].max() < -50
    assert (recorded[1:, 1] - recorded[:-1, 1] < -5).sum() >= 3, "resets"
    assert ((fitted.potentials[2] - recorded) ** 2).mean() < 0.02
    assert ((fitted.potentials[1] - recorded) ** 2).mean() > 1


def test_it_is_reported_and_drawn(fit, results, tmp_path):
    figures, fitted = results
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert fit.table(figures).count("\n") == len(fit.TRUE)
    fit.picture(fitted, tmp_path / "fit.png")
    assert 10_000 < (tmp_path / "fit.png").stat().st_size < 150_000


def test_not_having_found_one_fails(fit):
    figures = {"true": {"C_m": 200.0}, "found": {"C_m": 210.0}, "error": {"C_m": 0.05}}
    with pytest.raises(SystemExit, match=r"C_m is 210, truly 200: 5\.0% off"):
        fit.check(figures)
