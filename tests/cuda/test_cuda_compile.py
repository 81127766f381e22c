"""The kernels compiled for NVIDIA GPUs by XLA and ptxas, on a machine that has none.

Opt-in: skipped unless JAX's CUDA plugin and NVIDIA's assembler are installed (nox -s cuda_compile).
"""

import functools
import json
import re
from pathlib import Path

import gpus
import jax
import jax.numpy as jnp
import plastic_cases
import pytest
import synapse_oracle as oracle
from jax.experimental.pallas import triton

import spikax as sx
from spikax import ops
from spikax.plasticity import TripletSTDP
from spikax.plugins import Kernel, registry
from spikax.units import Hz, ms, mV, nS
from spikax_cuda._pallas import lanes, launch, load, store

pytestmark = [
    gpus.needs_compiler,
    pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated:DeprecationWarning"),
]
RECORDS = {n: k for n, k in registry().records(Kernel).items() if k.platform == "gpu"}
STORED = ("csr", "fixed_fan_out", "dense")
ATOMIC = ("forward", "scatter")  # the operators that add by atomics, but for one slot of a matrix
LARGE = 4000, 1000  # sources and targets: with 250 synapses each, a row has whole blocks
DTYPES = {
    op: (jnp.float32, jnp.float64)
    if op in ("learn", "update")
    else (jnp.float32, jnp.bfloat16, jnp.float64)
    for op in ops.REFERENCE
}
CASES = [
    pytest.param(name, dtype, id=f"{name}-{dtype.__name__}")
    for name, record in RECORDS.items()
    for dtype in DTYPES[record.op]
]


@pytest.fixture(params=gpus.GPUS)
def gpu(request):
    return gpus.absent(request.param)


@pytest.fixture(scope="module")
def report():
    """What was compiled, written for docs/write_gpu_kernels.py once all of it was."""
    found = {"kernels": [], "launches": {}}
    yield found
    if "microcircuit" in found["launches"]:
        reports = Path(__file__).parents[2] / "reports"
        reports.mkdir(exist_ok=True)
        (reports / "gpu-kernels.json").write_text(json.dumps(found, indent=1) + "\n")


def row(what, kernel, dtype, request):
    figures = {n: v for n, v in kernel._asdict().items() if n not in ("ptx", "instructions")}
    gpu = request.node.callspec.params["gpu"]
    return {"kernel": what, "dtype": dtype.__name__, "gpu": gpu, **figures}


def large(form):
    """A network whose arrays are described and not there."""
    like, (n_pre, n_post) = jax.ShapeDtypeStruct, LARGE
    if form == "csr":
        return ops.CSR(like((n_pre + 1,), jnp.int32), like((n_pre * 250,), jnp.int32), n_post)
    if form == "fixed_fan_out":
        return ops.FixedFanOut(like((n_pre, 250), jnp.int32), n_post)
    if form == "dense":
        return ops.Dense(n_pre, n_post)
    return ops.Procedural(like((2,), jnp.uint32), n_pre, n_post, False, 250)


def described(op, fmt, dtype):
    """Operands of an operator, described."""
    like, each = jax.ShapeDtypeStruct, oracle.per_synapse(fmt)
    weight, x, y = like(each, dtype), like((fmt.n_pre,), dtype), like((fmt.n_post,), dtype)
    # Not every GPU adds to bfloat16 by atomics: each delay of its own is left to the reference.
    shared = op == "scatter" and dtype == jnp.bfloat16
    delay, t = like(() if shared else each, jnp.int8), like((), jnp.int32)
    ring = like((17, fmt.n_post), dtype)
    return {
        "forward": (weight, x),
        "transpose": (weight, y),
        "weight_gradient": (x, y),
        "scatter": (weight, x, delay, ring, t),
        "collect": (weight, x, delay, ring, t, x),
        "add_weight_gradient": (x, delay, ring, t, like(fmt.shape, dtype)),
    }[op]


def call_of(record, dtype):
    """A kernel as a function, and operands for it."""
    kernel = record.load()
    if record.op == "update":
        moving, operands = plastic_cases.population(sx.AdExIF(), dtype)
        return lambda *given: kernel(moving, *given), operands
    if record.op == "learn":
        which, operands = plastic_cases.synapses(record.format, TripletSTDP, dtype)
        return kernel, (which, *operands)
    fmt = large(record.format)
    return kernel, (fmt, *described(record.op, fmt, dtype))


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_compiles_without_spilling(gpu, name, dtype, report, tmp_path, request):
    record = RECORDS[name]
    with jax.enable_x64(dtype == jnp.float64):
        function, operands = call_of(record, dtype)
        kernels, _ = gpus.compiled(function, gpu, operands, tmp_path)
    assert kernels
    for kernel in kernels:
        report["kernels"].append(row(name, kernel, dtype, request))
        assert kernel.spilled == 0
        assert not {i for i in kernel.instructions if i.startswith(("STL", "LDL"))}
        # With 32 threads to a program, 32 programs fill a multiprocessor: 65536 registers.
        assert kernel.registers <= (128 if dtype == jnp.float64 else 64)
        adds = re.findall(r"\b(?:atom|red)\.\S+", kernel.ptx)
        meant = record.op in ATOMIC and kernel.name == "spikax_push"
        assert bool(adds) == meant, (kernel.name, adds)


@pytest.mark.parametrize(
    "name", [n for n, k in RECORDS.items() if k.format in STORED and k.op != "learn"]
)
def test_a_thread_loads_four_weights_at_once(gpu, name, tmp_path):
    function, operands = call_of(RECORDS[name], jnp.float32)
    (kernel,) = (
        k for k in gpus.compiled(function, gpu, operands, tmp_path)[0] if "active" not in k.name
    )
    assert re.search(r"ld\.global\S*\.v4\.\w32", kernel.ptx)
    if kernel.instructions:
        assert any(i.startswith("LDG") and ".128" in i for i in kernel.instructions)


def test_every_rule_that_is_learnt_by_compiles(gpu, tmp_path):
    for name, rule in plastic_cases.RULES.items():
        (folder := tmp_path / name).mkdir()
        which, operands = plastic_cases.synapses("csr", rule)
        learn = RECORDS["cuda_learn_csr"].load()
        assert learn.supports(which, *operands)
        kernels, _ = gpus.compiled(learn, gpu, (which, *operands), folder)
        assert not any(kernel.spilled for kernel in kernels), name


def test_every_population_that_is_updated_compiles(gpu, tmp_path):
    update = RECORDS["cuda_update_population"].load()
    for name, node in plastic_cases.NODES.items():
        (folder := tmp_path / name).mkdir()
        moving, operands = plastic_cases.population(node)
        assert update.supports(moving, *operands)
        run = functools.partial(update, moving)
        (kernel,), _ = gpus.compiled(run, gpu, operands, folder)
        assert not kernel.spilled, name


# A whole network.


def coba(size):
    """Vogels & Abbott's network (2005), driven by Poisson spikes."""
    cell = sx.Cell(
        sx.LIF(),
        exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)),
        inh=sx.Receptor(sx.Expon(10 * ms), sx.COBA(-80 * mV)),
    )

    def edge(pre, port, weight):
        rule = sx.pairwise_bernoulli(0.02)
        return sx.Projection(pre, ["E", "I"], port, rule, weight=weight * nS, delay=0.8 * ms)

    drive = sx.Projection("P", "E", "exc", sx.fixed_indegree(1), weight=6 * nS, delay=0.1 * ms)
    populations = {
        "E": sx.Population(cell, size * 4 // 5),
        "I": sx.Population(cell, size // 5),
        "P": sx.Population(sx.Poisson(20 * Hz), size),
    }
    edges = [edge("E", "exc", 6), edge("I", "inh", 67), drive]
    return sx.Network(populations, edges).build(dt=0.1 * ms, seed=1)


def test_a_whole_simulation_compiles(gpu, report, tmp_path, request):
    net = coba(4000)
    state = net.init_state()

    def run(net, state):
        return sx.simulate(net, state, 100 * ms, record={"E": ["spike"]})

    with ops.use_kernels("gpu"):
        kernels, text = gpus.compiled(run, gpu, (net, state), tmp_path)
    names = {kernel.name.partition("__")[0] for kernel in kernels}
    assert names >= {"spikax_push", "spikax_update_neurons", "spikax_list_active"}
    assert not any(kernel.spilled for kernel in kernels)
    # What a source sent is listed and pushed once, however many projections it has.
    assert text.count('"__gpu$xla.gpu.triton"') == 3 * 3 + 2
    for ring in state.rings.values():
        size = ring.sums.size
        assert not re.findall(rf"f32\[{size}\]\S* copy\(", text), size
    # Lists, pushes and updates; the draws; each ring read and emptied.
    assert gpus.launches(tmp_path) <= 40
    report["kernels"] += [row("simulate, COBA 4000", k, jnp.float32, request) for k in kernels]


def test_a_step_of_the_microcircuit_is_few_launches(gpu, report, tmp_path, monkeypatch):
    """Eight populations, 63 projections; at any scale."""
    for module in ("matplotlib", "scipy"):
        pytest.importorskip(module)
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "examples")
    import potjans_diesmann_2014

    net = potjans_diesmann_2014.network(0.02).build(dt=0.1 * ms, seed=1)

    def run(net, state):
        return sx.simulate(net, state, 100 * ms)

    with ops.use_kernels("gpu"):
        kernels, _ = gpus.compiled(run, gpu, (net, net.init_state()), tmp_path)
    assert not any(kernel.spilled for kernel in kernels)
    report["launches"]["microcircuit"] = gpus.launches(tmp_path)
    assert gpus.launches(tmp_path) <= 100


# Kernels that must not pass.


def test_shared_memory_that_no_gpu_has_is_rejected(gpu, tmp_path):
    def multiply(x, y, out):
        out[...] = triton.dot(x[...], y[...])

    def run(x):
        return launch(multiply, x, x, new=[((512, 512), jnp.float32)], grid=(1,), warps=4)

    like = jax.ShapeDtypeStruct((512, 512), jnp.float32)
    with pytest.raises(jax.errors.JaxRuntimeError, match=r"RESOURCE_EXHAUSTED|[Ss]hared memory"):
        gpus.compiled(run, gpu, (like,), tmp_path)


def test_instructions_that_do_not_exist_are_rejected(gpu, tmp_path):
    def nonsense(x, out):
        text = {"args": [x[...]], "constraints": "=f,f", "pack": 1}
        like = [jax.ShapeDtypeStruct((128,), jnp.float32)]
        (out[...],) = triton.elementwise_inline_asm(
            "bogus.f32 $0, $1;", result_shape_dtypes=like, **text
        )

    def run(x):
        return launch(nonsense, x, new=[((128,), jnp.float32)], grid=(1,), warps=1)

    like = jax.ShapeDtypeStruct((128,), jnp.float32)
    with pytest.raises(jax.errors.JaxRuntimeError, match="ptxas"):
        gpus.compiled(run, gpu, (like,), tmp_path)


def test_a_kernel_that_spills_is_seen(gpu, tmp_path):
    def greedy(x, out):
        rows = [load(x, lanes(1024) + 1024 * k) for k in range(8)]
        total = sum(jnp.cumsum(row) for row in rows)
        for k, row in enumerate(rows):
            store(out, lanes(1024) + 1024 * k, row * total)

    def run(x):
        return launch(greedy, x, new=[((8192,), jnp.float32)], grid=(1,), warps=1)

    like = jax.ShapeDtypeStruct((8192,), jnp.float32)
    (kernel,), _ = gpus.compiled(run, gpu, (like,), tmp_path)
    assert kernel.spilled > 0
