"""`spikax doctor --selftest`: planted kernels that are right, wrong or refuse, and what it says."""

import dataclasses
import json
import math
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikax import _builtin, _cli, _kernel_cases, _kernel_selftest
from spikax._kernel_cases import LARGE, QUICK, Case, call, cases
from spikax._ops import REFERENCE
from spikax.plugins import Kernel, Registry, hookimpl, registry

KERNELS = """
import jax.numpy as jnp
from spikax._ops import REFERENCE

forward = REFERENCE["forward"]

def right(fmt, weight, x):
    return forward(fmt, weight, x)

def wrong(fmt, weight, x):
    return 2 * forward(fmt, weight, x)

def wrong_in_long_rows(fmt, weight, x):
    # As if only the first 128 synapses of a row were read.
    place = jnp.arange(fmt.n_synapses, dtype=jnp.int32) - fmt.indptr[fmt.sources]
    return forward(fmt, jnp.where(place < 128, weight, 0), x)

def overwriting(fmt, weight, x):
    # As an assignment where a target is met twice.
    return jnp.zeros(fmt.n_post, x.dtype).at[fmt.targets].set(weight * fmt.pre_values(x))

def single(fmt, weight, x):
    rounded = forward(fmt, weight.astype(jnp.float32), x.astype(jnp.float32))
    return rounded.astype(x.dtype)

def wrong_if_none_sent(fmt, weight, x):
    return forward(fmt, weight, x) / jnp.any(x != 0).astype(x.dtype)

def narrow(fmt, weight, x):
    return forward(fmt, weight, x).astype(jnp.float16)

def one_weight(fmt, weight, x):
    return forward(fmt, weight, x)

one_weight.supports = lambda fmt, weight, x: weight.ndim == 0

def refusing(fmt, weight, x):
    raise AssertionError("called although it supports nothing")

refusing.supports = lambda fmt, weight, x: False

def failing(fmt, weight, x):
    raise OSError("no compiler\\nits log")
"""


FEW = (
    QUICK,
    dataclasses.replace(QUICK, one_weight=True, double=True),
    dataclasses.replace(QUICK, spiking=0.0),
    Case(36, (127, 128, 129), 200),
    LARGE,
)


@pytest.fixture
def planted(tmp_path, monkeypatch, quick_compiler):
    """A module of kernels, a few cases, and a clock that does not wait."""
    monkeypatch.setattr(_kernel_cases, "_CASES", FEW)
    tmp_path.joinpath("sxt_planted.py").write_text(KERNELS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "sxt_planted", raising=False)
    monkeypatch.setattr(_kernel_selftest, "_PATIENCE", 0.0)


def kernel(target, platform="cpu", op="forward"):
    return Kernel("k", f"sxt_planted:{target}", op, "csr", platform)


def row(target, **given):
    (found,) = _kernel_selftest.selftest([kernel(target, **given)])
    return found


@pytest.mark.usefixtures("planted")
def test_a_right_kernel_is_ok_and_timed():
    found = row("right")
    assert (found["status"], found["reason"], found["failures"]) == ("ok", "", [])
    assert found["cases"] == len(cases("forward", "csr"))
    assert found["unsupported"] == 0
    assert found["error"] < 1e-6
    assert found["ratio"] == pytest.approx(found["reference_us"] / found["kernel_us"])
    assert 0 < found["kernel_us"] < 1e6


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("target", "fails"),
    [
        ("wrong", lambda case: case.spiking != 0),
        ("wrong_in_long_rows", lambda case: max(case.rows) > 128),
        ("overwriting", lambda case: case.spiking != 0),
        ("single", lambda case: case.double),
        ("wrong_if_none_sent", lambda case: case.spiking == 0),
        ("narrow", lambda case: True),
    ],
)
def test_a_wrong_kernel_fails_where_it_is_wrong(target, fails):
    found = row(target)
    failed = {failure["case"] for failure in found["failures"]}
    assert failed == {str(case) for case in cases("forward", "csr") if fails(case)}
    assert (found["status"], found["reason"]) == (
        "failed",
        f"{len(failed)} of {len(cases('forward', 'csr'))} cases",
    )
    json.dumps(found, allow_nan=False)


@pytest.mark.usefixtures("planted")
def test_what_a_kernel_raises_is_told_for_each_case():
    found = row("failing")
    assert len(found["failures"]) == found["cases"] == len(cases("forward", "csr"))
    assert {failure["reason"] for failure in found["failures"]} == {"OSError: no compiler\nits log"}
    assert found["error"] is found["kernel_us"] is None


@pytest.mark.usefixtures("planted")
def test_calls_that_a_kernel_does_not_support_are_not_made():
    found, every = row("one_weight"), cases("forward", "csr")
    assert found["cases"] == sum(case.one_weight for case in every) == 1
    assert found["cases"] + found["unsupported"] == len(every)
    assert found["status"] == "ok"
    assert found["kernel_us"] is None, "the large case has a weight for each synapse"


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("target", "given", "status", "reason"),
    [
        ("refusing", {}, "not run", f"supports none of {len(FEW)} cases"),
        ("wrong", {"platform": "gpu"}, "not run", "not on cpu"),
        ("missing", {}, "failed", "'sxt_planted:missing' did not load"),
        ("right", {"op": "forwrad"}, "failed", "did you mean 'forward'"),
    ],
)
def test_a_kernel_that_is_not_tried_says_why(target, given, status, reason):
    found = row(target, **given)
    assert found["status"] == status
    assert reason in found["reason"]
    assert (found["cases"], found["failures"], found["error"]) == (0, [], None)


# The cases.


def test_cases_have_what_kernels_stumble_over():
    every = cases("scatter", "csr")
    lengths = np.concatenate([case.lengths for case in every])
    assert {0, 1, 127, 128, 129, 255, 256, 257} <= set(lengths)
    for chosen in ({"one_weight": True}, {"one_delay": True}, {"double": True}, {"spiking": 0.0}):
        assert any(chosen.items() <= vars(case).items() for case in every), chosen
    fmt, (weight, _, delay, *_) = call(LARGE, "scatter", "csr")
    assert math.isclose(fmt.n_synapses, 1e5, rel_tol=0.01)
    assert weight.shape == delay.shape == fmt.shape


def test_cases_of_an_operator_without_weights_are_not_repeated():
    every = cases("weight_gradient", "csr")
    assert len(every) == len(set(every)) < len(cases("scatter", "csr"))
    assert not any(case.one_weight or case.one_delay for case in every)


def test_neurons_are_far_from_the_threshold_and_some_spike():
    case = QUICK.fitted("update", "population")
    moving, operands = call(case, "update", "population")
    before = moving.parts(operands)[1].neuron
    after = REFERENCE["update"](moving, *operands).neuron
    assert 0.1 < np.mean(after.spike) < 0.9
    reached = np.asarray(before.V_m) + 40.0 * (np.asarray(after.spike) > 0)
    assert np.min(np.abs(reached + 50)) > 4


KINDS = sorted({(k.op, k.format) for k in registry().records(Kernel).values()})


@pytest.mark.parametrize(("op", "format"), KINDS)
@pytest.mark.parametrize("double", [False, True], ids=["float32", "float64"])
def test_a_case_is_a_call_of_one_precision(op, format, double):
    with jax.enable_x64(double):
        case = next(case for case in cases(op, format) if case.double == double)
        fmt, operands = call(case, op, format)
        expected = jax.eval_shape(REFERENCE[op], fmt, *operands)
    leaves = jax.tree.leaves((operands, expected))
    floats = {v.dtype for v in leaves if jnp.issubdtype(v.dtype, jnp.floating)}
    assert floats == {np.dtype(np.float64 if double else np.float32)}


# The command.


@pytest.fixture
def doctor(monkeypatch, capsys, planted):
    """`spikax doctor --selftest` with these kernels of a plugin and none of core."""

    def run(*targets, arguments=()):
        @hookimpl
        def none():
            return iter(())

        @hookimpl
        def spikax_kernels():
            for target in targets:
                platform = "gpu" if target == "elsewhere" else "cpu"
                yield Kernel(target, f"sxt_planted:{target}", "forward", "csr", platform)

        dist = types.SimpleNamespace(name="spikax-fast", version="1.2")
        plugin = types.SimpleNamespace(spikax_kernels=spikax_kernels)
        entry = types.SimpleNamespace(name="fast", dist=dist, load=lambda: plugin)
        monkeypatch.setattr(_builtin, "spikax_kernels", none)
        monkeypatch.setattr(_kernel_cases, "_CASES", (QUICK, LARGE))
        monkeypatch.setattr(_cli, "_lenient", lambda: Registry(False, entry_points=[entry]))
        code = _cli.main(["doctor", "--selftest", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_command_is_content_with_right_kernels(doctor):
    code, out, err = doctor("right", "refusing")
    assert code == 0
    (right,) = (
        line.split() for line in out.splitlines() if line.startswith("  right ") and "ok" in line
    )
    assert right[:4] == ["right", "forward", "csr", "2"]
    assert float(right[4]) < 1e-6
    assert float(right[7]) > 0
    assert "not run: supports none of 2 cases" in out
    assert "It is no benchmark." in out
    assert "devices: cpu:0 (cpu)" in out
    assert "problems:\n  none" in out
    assert err == "", "not a terminal"


def test_the_command_exits_with_1_for_a_wrong_kernel_and_says_which(doctor):
    code, out, _ = doctor("right", "wrong", "failing", arguments=["--json"])
    facts = json.loads(out)
    assert code == 1
    rows = {found["name"]: found["status"] for found in facts["selftest"]["kernels"]}
    assert rows == {"right": "ok", "wrong": "failed", "failing": "failed"}
    wrong, failing = facts["problems"]
    assert "kernel 'wrong' of plugin 'fast' (spikax-fast 1.2) failed 2 of 2 cases" in wrong
    assert "differs from the reference of 'forward' by up to 1 of" in wrong
    assert "OSError: no compiler" in failing
    code, out, _ = doctor("wrong", "failing")
    assert code == 1
    assert "failed: 2 of 2 cases" in out
    assert f"failing, {QUICK}: OSError: no compiler\n" in out


def test_a_module_that_does_not_load_is_one_problem(doctor):
    code, out, _ = doctor("missing", arguments=["--json"])
    (problem,) = json.loads(out)["problems"]
    assert code == 1
    assert "did not load" in problem


def test_progress_is_told_on_standard_error(doctor, monkeypatch):
    clock = iter(range(10_000))
    monkeypatch.setattr("spikax._progress._watched", lambda: True)
    monkeypatch.setattr("spikax._progress.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("spikax._progress.importlib.util.find_spec", lambda name: None)
    _, out, err = doctor("right", arguments=["--json"])
    assert "2 of 2 calls" in err
    json.loads(out)
