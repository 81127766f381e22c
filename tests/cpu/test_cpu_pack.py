"""The C++ kernels in networks, in compiled programs, and as a plugin."""

import importlib
import json
import os
import re
import subprocess
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax import _cli, ops, plugins
from spikax.errors import PluginError
from spikax.ops import FixedFanOut
from spikax.plugins import Kernel, PluginWarning, Registry
from spikax.units import ms, mV, nS, pA

spikax_cpu = pytest.importorskip(
    "spikax_cpu", reason="spikax-cpu-ops takes a C++ compiler to install"
)
_library = importlib.import_module("spikax_cpu._library")

SLOTS, N, FAN_OUT = 10, 80, 7


def fan_out():
    targets = np.sort(np.random.default_rng(0).integers(0, N, (N, FAN_OUT)), axis=1)
    return FixedFanOut(jnp.asarray(targets, jnp.int32), N)


def network():
    """Excitation and inhibition, with one delay and with many; weights of both kinds."""
    cell = sx.Cell(
        sx.LIF(V_init=sx.Uniform(-70 * mV, -50 * mV), I_e=300 * pA),
        exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)),
        inh=sx.Receptor(sx.Expon(10 * ms), sx.COBA(-80 * mV)),
    )
    spread, rule = sx.Uniform(0.5 * ms, 1.5 * ms), sx.pairwise_bernoulli(0.2)
    return sx.Network(
        {"E": sx.Population(cell, 320), "I": sx.Population(cell, 80)},
        [
            sx.Projection("E", ["E", "I"], "exc", rule, weight=0.6 * nS, delay=1 * ms),
            sx.Projection("I", "E", "inh", rule, weight=sx.each(6 * nS), delay=spread),
            sx.Projection("I", "I", "inh", sx.fixed_outdegree(9), weight=6 * nS, delay=spread),
        ],
    )


def spikes(model, state):
    _, recording = sx.simulate(model, state, 50 * ms, record={"E": ["spike"], "I": ["spike"]})
    return recording


def test_a_network_spikes_the_same_with_and_without(x64):
    model = network().build(dt=0.1 * ms, seed=1)
    state = model.init_state(key=jax.random.key(0))

    def run(model, state):
        recording = spikes(model, state)
        return [recording[name]["spike"].values for name in ("E", "I")]

    program = jax.jit(lambda *v: run(*v)).lower(model, state)
    assert "spikax_cpu_scatter" in program.as_text()
    with ops.use_kernels("reference"):
        plain = jax.jit(lambda *v: run(*v)).lower(model, state)
    assert "spikax_cpu" not in plain.as_text()
    actual, wanted = program.compile()(model, state), plain.compile()(model, state)
    assert all(np.sum(wanted[k]) > 100 for k in range(2))
    assert all(map(np.array_equal, actual, wanted))


@pytest.mark.parametrize("double", [False, True])
def test_a_step_is_one_call_however_many_its_projections(double):
    with jax.enable_x64(double):
        model = network().build(dt=0.1 * ms, seed=1)
        state = model.init_state(key=jax.random.key(0))
        compiled = jax.jit(lambda m, s: sx.simulate(m, s, 10 * ms)).lower(model, state).compile()
    text = compiled.as_text()
    assert re.findall(r'custom_call_target="spikax_cpu_(\w+)"', text) == ["scatter"]
    # No edge is left to a loop of core's own, which alone would have one within the loop of steps.
    assert len(re.findall(r" while\(", text)) == 1


@pytest.mark.parametrize("delay", [2, [1, 2]], ids=["one delay", "delays"])
@pytest.mark.parametrize("weight", ["one", "each"])
def test_a_loop_keeps_its_ring_in_place(weight, delay):
    """A ring that is emptied, added to twice and read in each step: nothing of it is copied."""
    fmt = fan_out()
    w = jnp.float32(2) if weight == "one" else jnp.ones(fmt.shape)
    d = jnp.asarray(delay if delay == 2 else np.resize(delay, fmt.shape), jnp.int32)

    def step(carry, x):
        ring, t, _ = carry
        ring = jax.lax.dynamic_update_slice(ring, jnp.zeros(N), (t % SLOTS * N,))
        for _ in range(2):
            ring = ops.scatter(fmt, w, x, d, ring.reshape(SLOTS, N), t).reshape(-1)
        return (ring, t + 1, jax.lax.dynamic_slice(ring, ((t + 1) % SLOTS * N,), (N,))), None

    def loop(ring, xs):
        return jax.lax.scan(step, (ring, jnp.int32(0), jnp.zeros(N)), xs)[0]

    ring, xs = jnp.zeros(SLOTS * N), jnp.ones((30, N))
    text = jax.jit(loop, donate_argnums=0).lower(ring, xs).compile().as_text()
    assert text.count('custom_call_target="spikax_cpu_scatter"') == 2
    shapes = [f"f32[{SLOTS * N}]", f"f32[{SLOTS},{N}]"]
    shapes += [f"{dtype}[{N},{FAN_OUT}]" for dtype in ("f32", "s32")]
    copied = [line for line in text.splitlines() if re.search(r"copy\S* = |copy\(", line)]
    assert [line for line in copied if any(f"= {shape}" in line for shape in shapes)] == []


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from spikax import ops

rng = np.random.default_rng(0)
mesh = Mesh(np.array(jax.devices()), ("n",))
assert len(jax.devices()) == 2
targets = jnp.asarray(np.sort(rng.integers(0, 50, (2, 100, 60)), axis=2), jnp.int32)
w = jnp.asarray(rng.normal(size=targets.shape), jnp.float32)
d = jnp.asarray(rng.integers(1, 4, targets.shape), jnp.int32)
x = jnp.asarray(rng.random(100) < 0.1, jnp.float32)
y, ring = jnp.asarray(rng.normal(size=50), jnp.float32), jnp.zeros((4, 50))

def local(targets, w, d, x, y, ring):
    fmt, w, d = ops.FixedFanOut(targets[0], 50), w[0], d[0]
    results = (
        ops.forward(fmt, w, x),
        ops.forward(fmt, w[0, 0], x),
        ops.transpose(fmt, w, y),
        ops.weight_gradient(fmt, x, y),
        ops.scatter(fmt, w, x, d, ring, 3),
        ops.scatter(fmt, w, x, 2, ring, 3),
        jax.grad(lambda w: (ops.forward(fmt, w, x) ** 2).sum())(w),
    )
    return jax.tree.map(lambda v: v[None], results)

split = jax.shard_map(local, mesh=mesh, in_specs=(P("n"),) * 3 + (P(),) * 3, out_specs=P("n"))
operands = targets, w, d, x, y, ring
assert "spikax_cpu_scatter" in str(jax.make_jaxpr(split)(*operands))
got = jax.jit(split)(*operands)
for k in range(2):
    wanted = local(*(v[k:k + 1] for v in operands[:3]), x, y, ring)
    for a, b in zip(got, wanted):
        assert np.any(b) and np.array_equal(a[k], b[0])

trials = jnp.asarray(rng.random((4, 100)) < 0.1, jnp.float32)
fmt, w, d = ops.FixedFanOut(targets[0], 50), w[0], d[0]
for run in (lambda x: ops.forward(fmt, w, x), lambda x: ops.scatter(fmt, w, x, d, ring, 3)):
    half = jax.shard_map(jax.vmap(run), mesh=mesh, in_specs=P("n"), out_specs=P("n"))
    assert np.array_equal(jax.jit(half)(trials), jax.vmap(run)(trials))
print("same on two devices")
"""


def run(program, **environment):
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_shards_on_two_devices():
    """Edges and trials under shard_map over two forced host devices, in a process of its own."""
    said = run(SHARDED, XLA_FLAGS="--xla_force_host_platform_device_count=2")
    assert "same on two devices" in said


def test_discovery_imports_no_kernel():
    run(
        "import sys; from spikax.plugins import Kernel, registry\n"
        "assert 'cpu_forward_csr' in registry().records(Kernel)\n"
        "late = {'spikax_cpu.kernels', 'spikax_cpu._library'} & set(sys.modules)\n"
        "assert not late, late"
    )


@pytest.mark.smoke
def test_doctor_says_that_the_kernels_are_used_and_right(capsys):
    _cli.main(["doctor", "--json"])
    facts = json.loads(capsys.readouterr().out)
    used = {k["name"]: k["used"] for k in facts["kernels"] if k["plugin"] == "cpu"}
    assert len(used) == 8
    assert set(used.values()) == {"first"}
    assert not [problem for problem in facts["problems"] if "cpu" in problem]


# A library that is missing, or that is none.


def test_a_file_that_is_no_library_does_not_load(tmp_path):
    (tmp_path / _library.NAMES[0]).write_text("not for this system")
    with pytest.raises(OSError, match=str(tmp_path)):
        _library.register([tmp_path])


@pytest.fixture
def uncompiled(monkeypatch):
    """The pack as it is where it was installed without a compiler."""
    monkeypatch.setattr(_library, "NAMES", ())
    monkeypatch.delitem(sys.modules, "spikax_cpu.kernels", raising=False)
    dist = types.SimpleNamespace(name="spikax-cpu-ops", version="0.1.0")
    return types.SimpleNamespace(name="cpu", dist=dist, load=lambda: spikax_cpu)


def forward():
    return ops.forward(fan_out(), jnp.float32(2), jnp.ones(N))


def three_operators():
    return forward(), forward(), ops.transpose(fan_out(), jnp.float32(2), jnp.ones(N))


def test_without_the_library_core_warns_once_and_computes(uncompiled, monkeypatch):
    with ops.use_kernels("reference"):
        wanted = three_operators()
    registry = Registry(strict=False, entry_points=[uncompiled])
    monkeypatch.setattr(plugins, "registry", lambda: registry)
    with pytest.warns(PluginWarning) as said:
        results = three_operators()
    assert len(said) == 1
    for text in ("spikax-cpu-ops 0.1.0", "no C++ compiler", "SPIKAX_DISABLE_PLUGINS=cpu"):
        assert text in str(said[0].message)
    assert all(map(np.array_equal, results, wanted))


def test_without_the_library_a_strict_host_raises(uncompiled, monkeypatch):
    registry = Registry(strict=True, entry_points=[uncompiled])
    monkeypatch.setattr(plugins, "registry", lambda: registry)
    with pytest.raises(PluginError, match=r"compiled library is not in .*spikax_cpu"):
        forward()


def test_without_the_library_doctor_names_one_problem(uncompiled, monkeypatch, capsys):
    monkeypatch.setattr(_cli, "_lenient", lambda: Registry(strict=False, entry_points=[uncompiled]))
    assert _cli.main(["doctor", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    (problem,) = facts["problems"]
    assert "its compiled library is not in" in problem
    used = {k["name"]: k["used"] for k in facts["kernels"]}
    assert used["cpu_forward_csr"] == "does not load"
    assert used["event_driven_forward_csr"] == "first"


def test_core_finds_the_records_of_this_pack():
    record = plugins.registry().find(Kernel, "cpu_scatter_csr")
    assert (record.op, record.format, record.platform) == ("scatter", "csr", "cpu")
    assert record.origin.distribution == "spikax-cpu-ops"
