"""What a package exports is its own: what it states, and nothing that leaked."""

import ast
import importlib
import inspect
import types

import pytest

pytestmark = pytest.mark.smoke

PACKAGES = ["spikax", "spikax_nest", "spikax_learning", "spikax_cuda", "spikax_cpu"]


@pytest.fixture(params=PACKAGES)
def package(request):
    if request.param == "spikax":
        return importlib.import_module("spikax")
    return pytest.importorskip(request.param)


def stated(module):
    """Names that are exported on purpose: `from a import X as X`, or in `__all__`."""
    imports = [
        n for n in ast.walk(ast.parse(inspect.getsource(module))) if type(n) is ast.ImportFrom
    ]
    same = [a.name for n in imports for a in n.names if a.asname == a.name]
    return {*same, *getattr(module, "__all__", ())}


def is_submodule(module, name):
    value = getattr(module, name)
    return isinstance(value, types.ModuleType) and value.__name__ == f"{module.__name__}.{name}"


def test_public_names_are_those_stated(package):
    names = {name for name in dir(package) if not name.startswith("_")}
    public = {n for n in names if n in stated(package) or not is_submodule(package, n)}
    assert public == stated(package)


def test_every_exported_name_is_there(package):
    assert [name for name in stated(package) if not hasattr(package, name)] == []
