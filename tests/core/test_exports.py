"""What a package exports is exactly what it names: `__all__` against the module itself."""

import importlib
import types

import pytest

pytestmark = pytest.mark.smoke

PACKAGES = ["spikax", "spikax_nest", "spikax_learning", "spikax_cuda"]


@pytest.fixture(params=PACKAGES)
def package(request):
    if request.param == "spikax":
        return importlib.import_module("spikax")
    return pytest.importorskip(request.param)


def isort_order(name):
    """The order in which ruff keeps `__all__`: constants, classes, functions."""
    return (not (len(name) > 1 and name.isupper()), not name[0].isupper(), name)


def is_submodule(module, name):
    value = getattr(module, name)
    return isinstance(value, types.ModuleType) and value.__name__ == f"{module.__name__}.{name}"


def public_names(module):
    """The names without underscore; a submodule only where it is exported on purpose."""
    names = {name for name in dir(module) if not name.startswith("_")}
    return {name for name in names if name in module.__all__ or not is_submodule(module, name)}


def test_all_is_sorted_and_has_no_name_twice(package):
    assert list(package.__all__) == sorted(set(package.__all__), key=isort_order)


def test_all_is_the_public_names(package):
    assert set(package.__all__) == public_names(package)


def test_every_exported_name_is_there(package):
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
