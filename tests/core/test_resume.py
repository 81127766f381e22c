"""Exact resume: run(a + b) is run(a), save, a new process, load, run(b); bit for bit."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import spikax as sx

SCRIPT = Path(__file__).with_name("resume_cases.py")
_spec = importlib.util.spec_from_file_location("resume_cases", SCRIPT)
here = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(here)
CASES = here.cases()


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """The states at the end: in one go here, and by way of a file in another process."""
    folder, whole = tmp_path_factory.mktemp("states"), {}
    for i, (name, net) in enumerate(CASES.items()):
        model = here.build(net)
        middle = here.go_on(model, model.init_state(), seed=1)
        sx.save_state(folder / f"{i}.npz", middle, net=model)
        whole[name] = here.go_on(model, middle, seed=2)
    subprocess.run([sys.executable, SCRIPT, folder], check=True)
    return {
        name: (state, sx.load_state(folder / f"{i}.end.npz", like=state))
        for i, (name, state) in enumerate(whole.items())
    }


@pytest.mark.parametrize("name", CASES)
def test_resume_is_exact(name, ends):
    in_one_go, by_file = ends[name]
    for a, b in zip(jax.tree.leaves(in_one_go), jax.tree.leaves(by_file), strict=True):
        assert np.array_equal(a, b), name


def test_the_cases_move(ends):
    """A state that does not change would resume exactly whatever was lost."""
    for name, net in CASES.items():
        if name.split()[0] not in ("input", "encoder"):  # some of these are silent for long
            start, (end, _) = here.build(net).init_state(), ends[name]
            pairs = zip(jax.tree.leaves(start.nodes), jax.tree.leaves(end.nodes), strict=True)
            assert not all(np.array_equal(a, b) for a, b in pairs), name
