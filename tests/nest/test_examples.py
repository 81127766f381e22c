"""NEST's example scripts that draw no random numbers: trace by trace as in NEST."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SUITE = Path(__file__).with_name("suite")
SCRIPTS = [
    "one_neuron.py",
    "twoneurons.py",
    "testiaf.py",
    "brette_gerstner_fig_2c.py",
    "brette_gerstner_fig_3d.py",
    "aeif_cond_beta_multisynapse.py",
    "evaluate_tsodyks2_synapse.py",
    "hh_psc_alpha.py",
]


def traced(script, folder, name, path):
    """Events of the recorders of a script, by recorder and column."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path), "NPROC": "1"}
    out = folder / f"{name}.npz"
    command = [sys.executable, str(SUITE / "trace.py"), str(script), str(out)]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return dict(np.load(out))


@pytest.mark.nest_live
@pytest.mark.parametrize("script", SCRIPTS)
def test_traces_are_nests(nest, script, tmp_path):
    path = Path(nest.__file__).parent / "doc/examples/pynest" / script
    theirs = traced(path, tmp_path, "nest", [])
    ours = traced(path, tmp_path, "spikax", [str(SUITE / "shim")])
    assert ours.keys() == theirs.keys()
    assert any(values.size for values in theirs.values())
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-6, atol=1e-6, err_msg=name)
