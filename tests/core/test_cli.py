"""The command line, run in this process: what it prints and its exit code."""

import functools
import json
import re
import sys
import types

import importlib_metadata
import jax
import pytest

from spikax import _cli, _kernel_check
from spikax._fields import parameters
from spikax.plugins import Exporter, Kernel, LearningRule, Model, Registry, hookimpl

pytestmark = pytest.mark.smoke


def entry(name, **attributes):
    """A plugin that is there without being installed."""
    plugin = types.SimpleNamespace(**attributes)
    dist = types.SimpleNamespace(name=f"spikax-{name}", version="1.2")
    return types.SimpleNamespace(name=name, dist=dist, load=lambda: plugin)


def broken():
    raise RuntimeError("no such driver")


@hookimpl
def spikax_models():
    yield Model("odd", "builtins:len", summary="a function")


@hookimpl
def spikax_learning_rules():
    yield LearningRule("lost", "no_such_module:Rule")


@hookimpl
def spikax_exporters():
    yield Exporter("listing", "json:dumps")


LAB = entry("lab", spikax_models=spikax_models, spikax_learning_rules=spikax_learning_rules)
GOOD = entry("good", spikax_exporters=spikax_exporters, SPIKAX_API=1)
BROKEN = types.SimpleNamespace(name="broken", dist=GOOD.dist, load=broken)


@pytest.fixture(scope="module")
def look_once():
    """Core's own kernels are tried once in each precision, those of a plugin whenever asked."""
    once = functools.cache(lambda kernel, x64, try_it=_kernel_check.check: try_it(kernel))

    def check(kernel, every=_kernel_check.check):
        own = kernel.origin.plugin == "spikax"
        return once(kernel, jax.config.read("jax_enable_x64")) if own else every(kernel)

    return check


@pytest.fixture
def run(monkeypatch, capsys, look_once):
    """Run a command with these plugins and no others."""
    monkeypatch.setattr(_kernel_check, "check", look_once)

    def run(*arguments, installed=()):
        def registry(strict=False):
            return Registry(strict, entry_points=installed)

        monkeypatch.setattr(_cli, "registry", registry)
        monkeypatch.setattr(_cli, "Registry", registry)
        code = _cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_plugins_lists_version_api_records_and_status(run):
    code, out, _ = run("plugins", installed=[GOOD])
    header, core, good = (line.split() for line in out.splitlines())
    assert code == 0
    assert header == ["name", "distribution", "version", "api", "records", "status"]
    assert core[:4] == ["spikax", "spikax", importlib_metadata.version("spikax"), "1"]
    assert good == ["good", "spikax-good", "1.2", "1", "1", "exporters", "ok"]


def test_plugins_says_why_one_failed_without_a_warning(run):
    code, out, _ = run("plugins", "--json", installed=[BROKEN])
    *_, row = json.loads(out)
    assert code == 0
    assert row["name"] == "broken"
    assert row["status"] == "error"
    assert row["error"].startswith("RuntimeError: no such driver. Upgrade it with")
    assert row["error"] in run("plugins", installed=[BROKEN])[1]


def test_models_lists_by_family(run):
    code, out, _ = run("models", installed=[LAB])
    assert code == 0
    families = out.split("\n\n")
    assert {f.partition(":")[0] for f in families} >= {"neuron", "synapse", "coupling", "input"}
    assert "LIF" in families[0]
    assert "a function" in out
    assert {row["name"] for row in json.loads(run("models", "--json")[1])} >= {"LIF", "Expon"}


@pytest.mark.parametrize("name", ["LIF", "HH", "Expon", "MgBlock", "STP", "Poisson"])
def test_page_of_a_model_has_what_its_class_declares(run, name):
    code, out, _ = run("models", name)
    page = json.loads(run("models", name, "--json")[1])
    model = Registry(entry_points=[]).find(Model, name).load()
    assert code == 0
    assert page["equations"].partition("\n")[0] in out
    assert page["reference"] in out
    assert [row["name"] for row in page["parameters"]] == [
        parameter.name for parameter in parameters(model)
    ]
    for part in ("parameters", "ports", "signals"):
        for row in page[part]:
            assert any(line.split()[:1] == [row["name"]] for line in out.splitlines())


def test_page_gives_unit_default_and_range(run):
    page = json.loads(run("models", "LIF", "--json")[1])
    rows = {row["name"]: row for row in page["parameters"]}
    assert (rows["tau_m"]["default"], rows["tau_m"]["unit"]) == (20.0, "ms")
    assert rows["tau_m"]["range"] == "> 0"
    # The scale of the surrogate follows the others: |V_th - V_reset|.
    assert rows["width"]["default"] == rows["V_th"]["default"] - rows["V_reset"]["default"]
    assert rows["width"]["derived"]
    assert {"name": "current", "unit": "pA", "channels": ""} in page["ports"]
    assert {row["name"]: row["unit"] for row in page["signals"]} == {"V_m": "mV", "spike": "1"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("LIFF", "no model 'LIFF'; did you mean 'LIF'"),
        ("iaf_psc_exp", 'pip install "spikax[nest]"'),
        ("odd", "model 'odd' of plugin 'lab' (spikax-lab 1.2) names 'builtins:len'"),
    ],
)
def test_name_that_is_no_model_exits_with_2(run, name, message):
    code, out, err = run("models", name, installed=[LAB])
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("arguments", [[], ["modles"], ["models", "--xml"]])
def test_wrong_call_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        _cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: spikax" in capsys.readouterr().err


def test_doctor_finds_nothing_wrong_with_core(run):
    code, out, _ = run("doctor")
    facts = json.loads(run("doctor", "--json")[1])
    assert (code, facts["problems"]) == (0, [])
    assert facts["versions"]["spikax"] == importlib_metadata.version("spikax")
    assert facts["x64"] is False
    assert facts["devices"][0] == "cpu:0 (cpu)"
    for text in ("jax 0", "float64: off", "devices: cpu:0", "problems:\n  none"):
        assert text in out


def test_doctor_knows_float64(run, x64):
    assert json.loads(run("doctor", "--json")[1])["x64"] is True


def test_doctor_names_what_is_broken_and_exits_with_1(run):
    code, out, _ = run("doctor", "--json", installed=[LAB, BROKEN, GOOD])
    problems = json.loads(out)["problems"]
    assert code == 1
    assert len(problems) == 3
    assert "no such driver" in problems[0]
    assert "'builtins:len'" in problems[1]
    assert "learning rule 'lost' of plugin 'lab'" in problems[2]


KERNELS = """
from spikax._ops import REFERENCE

def right(fmt, *operands):
    return REFERENCE["scatter"](fmt, *operands)

def wrong(fmt, weight, x):
    return 2 * REFERENCE["forward"](fmt, weight, x)

def picky(fmt, *operands):
    raise AssertionError("called although it does not support the call")

picky.supports = lambda fmt, *operands: False

def failing(fmt, *operands):
    raise OSError("no compiler")
"""


@pytest.mark.parametrize(
    ("target", "op", "format", "platform", "problem"),
    [
        ("right", "scatter", "csr", "cpu", None),
        ("right", "scatter", "fixed_fan_out", "cpu", None),
        ("right", "scatter", "one_to_one", "cpu", None),
        ("wrong", "forward", "dense", "cpu", "'k' of plugin 'fast' .* differs .* 'forward' by up"),
        ("wrong", "forward", "dense", "gpu", None),
        ("picky", "weight_gradient", "csr", "cpu", None),
        ("failing", "transpose", "csr", "cpu", "kernel 'k' of plugin 'fast' .* no compiler"),
        ("right", "scater", "csr", "cpu", "no operator of kernel 'k': 'scater'; did you mean"),
        ("right", "scatter", "crs", "cpu", "no format 'crs'; did you mean 'csr'"),
    ],
)
def test_doctor_tries_kernels(run, tmp_path, monkeypatch, target, op, format, platform, problem):
    tmp_path.joinpath("sxt_kernels.py").write_text(KERNELS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "sxt_kernels", raising=False)

    @hookimpl
    def spikax_kernels():
        yield Kernel("k", f"sxt_kernels:{target}", op, format, platform)
        yield Kernel("k2", "sxt_kernels:picky", op, format, "cpu")

    code, out, _ = run("doctor", "--json", installed=[entry("fast", spikax_kernels=spikax_kernels)])
    facts = json.loads(out)
    used = {kernel["name"]: kernel["used"] for kernel in facts["kernels"]}
    assert used["k"] == ("after k2" if platform == "cpu" else "not on cpu")
    assert used["k2"] == "first"
    assert all(used[core] for core in used if core.startswith("event_driven"))
    assert code == (problem is not None)
    if problem is None:
        assert facts["problems"] == []
    else:
        assert re.search(problem, facts["problems"][0])
