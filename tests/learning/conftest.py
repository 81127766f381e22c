"""What several files of these tests compare with."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _quick(quick_compiler):
    """They compile for most of their time."""


@pytest.fixture(scope="session")
def eprop_numpy():
    """The module of that name, beside this file: e-prop in NumPy, and NEST's losses."""
    path = Path(__file__).with_name("eprop_numpy.py")
    spec = importlib.util.spec_from_file_location("eprop_numpy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
