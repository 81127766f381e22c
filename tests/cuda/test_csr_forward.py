"""The CSR kernel, interpreted: against dense matrices in NumPy and core's reference."""

import os
import subprocess
import sys
import types
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractDevice, AbstractMesh, use_abstract_mesh

from spikax import _kernel_check, ops, plugins
from spikax.ops import CSR, Dense
from spikax.plugins import Kernel, Registry, hookimpl
from spikax_cuda.csr_forward import csr_forward

# Every case has the same sizes, so that each kind of weight is compiled once; a block of the kernel
# is 128 synapses of a row.
N_PRE, N_POST, N_SYNAPSES = 12, 50, 900
ROWS = {
    "random": [81, 70, 69, 80, 72, 77, 68, 76, 73, 75, 79, 80],
    "around a block": [127, 128, 129, 0, 255, 256, 1, 2, 0, 1, 1, 0],
    "empty but two": [0, 0, 450, 0, 0, 0, 0, 0, 0, 0, 450, 0],
    "duplicate targets": [300, 3, 1, 1, 0, 295, 50, 50, 50, 50, 50, 50],
    "last alone": [0] * 11 + [900],
}

interpreted = partial(csr_forward, interpret=True)
interpreted.supports = csr_forward.supports
kernel = jax.jit(interpreted)


def connectivity(name):
    """Rows of these lengths, with random targets that may repeat."""
    indptr = np.concatenate([[0], np.cumsum(ROWS[name])])
    n_hit = 3 if name == "duplicate targets" else N_POST
    indices = np.random.default_rng(1).integers(0, n_hit, N_SYNAPSES)
    return CSR(jnp.asarray(indptr, jnp.int32), jnp.asarray(indices, jnp.int32), N_POST)


def sent(kind):
    """What the sources send: 0 or 1, or graded; binary fractions, so that no sum is rounded."""
    rng = np.random.default_rng(2)
    return {
        "some": rng.random(N_PRE) < 0.5,
        "all": np.ones(N_PRE),
        "none": np.zeros(N_PRE),
        "graded": rng.integers(-8, 8, N_PRE) / 4,
    }[kind]


def product(fmt, weight, x):
    """The vector times the dense matrix."""
    matrix = np.zeros((fmt.n_pre, fmt.n_post))
    sources = np.repeat(np.arange(fmt.n_pre), np.diff(fmt.indptr))
    np.add.at(matrix, (sources, np.asarray(fmt.indices)), weight)
    return x @ matrix


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scalar", [False, True], ids=["weights", "one weight"])
@pytest.mark.parametrize("kind", ["some", "all", "none", "graded"])
@pytest.mark.parametrize("rows", ROWS)
def test_equals_the_matrix_product_and_the_reference(rows, kind, scalar, dtype):
    fmt = connectivity(rows)
    listed = np.random.default_rng(4).integers(-16, 16, fmt.shape) / 8
    weight, x = np.asarray(1.5 if scalar else listed, dtype), sent(kind).astype(dtype)
    with jax.enable_x64(dtype == np.float64):
        operands = fmt, jnp.asarray(weight), jnp.asarray(x)
        arrived, reference = kernel(*operands), ops.REFERENCE["forward"](*operands)
    assert arrived.dtype == dtype
    assert np.array_equal(arrived, product(fmt, weight, x))
    assert np.array_equal(arrived, reference)


def test_no_synapses_bring_nothing():
    fmt = CSR(jnp.zeros(4, jnp.int32), jnp.zeros(0, jnp.int32), 6)
    for weight in (jnp.ones(()), jnp.ones(0)):
        assert np.array_equal(kernel(fmt, weight, jnp.ones(3)), np.zeros(6))


@pytest.mark.smoke
def test_rounds_like_the_reference_on_random_weights():
    fmt, rng = connectivity("random"), np.random.default_rng(7)
    weight, x = (jnp.asarray(rng.normal(size=n), jnp.float32) for n in (fmt.n_synapses, fmt.n_pre))
    reference = ops.REFERENCE["forward"](fmt, weight, x)
    np.testing.assert_allclose(kernel(fmt, weight, x), reference, rtol=1e-5, atol=1e-5)


def test_what_is_not_finite_arrives_from_the_sources_that_send():
    fmt = CSR(jnp.array([0, 1, 2, 3], jnp.int32), jnp.array([0, 1, 2], jnp.int32), 3)
    weight, x = jnp.array([jnp.inf, jnp.inf, 1.0]), jnp.array([0.0, 1.0, jnp.nan])
    assert np.array_equal(kernel(fmt, weight, x), [0.0, np.inf, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("weight", "x", "yes"),
    [
        (("f4", ()), ("f4", (12,)), True),
        (("f4", (900,)), ("f4", (12,)), True),
        (("f8", (900,)), ("f8", (12,)), True),
        (("f4", (900,)), ("f8", (12,)), False),
        (("f2", (900,)), ("f2", (12,)), False),
        (("i4", (900,)), ("i4", (12,)), False),
        (("f4", (1,)), ("f4", (12,)), False),
        (("f4", (900,)), ("f4", (2, 12)), False),
        (("f4", (900,)), ("f4", (13,)), False),
    ],
)
def test_says_which_calls_it_supports(weight, x, yes):
    operands = (jax.ShapeDtypeStruct(shape, np.dtype(dtype)) for dtype, shape in (weight, x))
    assert csr_forward.supports(connectivity("random"), *operands) is yes


# Under core's rules.


@pytest.fixture
def dispatched(monkeypatch):
    """Core calls the interpreted kernel on the platform of the tests."""
    targets, plugin = types.ModuleType("sxt_targets"), types.ModuleType("sxt_plugin")
    targets.kernel = interpreted
    monkeypatch.setitem(sys.modules, targets.__name__, targets)

    @hookimpl
    def spikax_kernels():
        yield Kernel("k", "sxt_targets:kernel", "forward", "csr", jax.default_backend())

    plugin.spikax_kernels = spikax_kernels
    dist = types.SimpleNamespace(name="sxt", version="1")
    entry = types.SimpleNamespace(name="sxt", dist=dist, load=lambda: plugin)
    registry = Registry(strict=True, entry_points=[entry])
    monkeypatch.setattr(plugins, "registry", lambda: registry)


def value(fmt, weight, x):
    return jnp.sum(jnp.sin(ops.forward(fmt, weight, x)))


def last(fmt, weight, x):
    """Three steps of a network that feeds back to its sources."""
    back = CSR(fmt.indptr, fmt.indices % fmt.n_pre, fmt.n_pre)
    return jax.lax.scan(lambda x, _: (jnp.tanh(ops.forward(back, weight, x)), None), x, length=3)[0]


def batch(x):
    return jnp.stack([x, 2 * x, -x])


TRANSFORMED = {
    "plain": ops.forward,
    "jvp": lambda f, *v: jax.jvp(partial(ops.forward, f), v, tuple(map(jnp.cos, v))),
    "grad": jax.grad(value, (1, 2)),
    "vmap": lambda f, w, x: jax.vmap(partial(ops.forward, f, w))(batch(x)),
    "vmap of grad": lambda f, w, x: jax.vmap(jax.grad(value, (1, 2)), (None, None, 0))(
        f, w, batch(x)
    ),
    "scan": last,
    "grad of scan": jax.grad(lambda *v: jnp.sum(last(*v)), (1, 2)),
}


def every_transformation(*operands):
    return {name: function(*operands) for name, function in TRANSFORMED.items()}


@pytest.mark.parametrize("scalar", [False, True], ids=["weights", "one weight"])
def test_derivatives_and_batches_are_those_of_the_reference(dispatched, x64, scalar):
    fmt, rng = connectivity("random"), np.random.default_rng(5)
    weight = jnp.asarray(0.3 if scalar else rng.normal(size=fmt.shape))
    x = jnp.asarray(rng.normal(size=fmt.n_pre) * (rng.random(fmt.n_pre) < 0.7))
    for name, function in TRANSFORMED.items():
        assert "pallas_call" in str(jax.make_jaxpr(function)(fmt, weight, x)), name
    actual = jax.jit(every_transformation)(fmt, weight, x)
    with ops.use_kernels("reference"):
        # Another function, or JAX would find the first one compiled.
        expected = jax.jit(lambda *v: every_transformation(*v))(fmt, weight, x)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-12), actual, expected)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(actual))


def test_core_takes_its_reference_where_the_kernel_does_not_serve(dispatched):
    fmt, x = connectivity("random"), jnp.ones(N_PRE)
    half = x.astype(jnp.float16)
    for operands in ((fmt, half[0], half), (Dense(N_PRE, 6), jnp.ones((N_PRE, 6)), x)):
        assert "pallas_call" not in str(jax.make_jaxpr(ops.forward)(*operands))
    assert "pallas_call" in str(jax.make_jaxpr(ops.forward)(fmt, x[0], x))


SHARDED = """
from functools import partial
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from spikax._ops import _with_rules
from spikax.ops import CSR, REFERENCE
from spikax_cuda.csr_forward import csr_forward

reference = REFERENCE["forward"]
kernel = _with_rules(partial(csr_forward, interpret=True), reference)
fmt = CSR(jnp.array([0, 2, 4], jnp.int32), jnp.array([0, 2, 2, 1], jnp.int32), 3)
weight, x = jnp.arange(8.0).reshape(2, 4), jnp.array([1.0, 2.0])
mesh = Mesh(np.array(jax.devices()), ("n",))

def on_two(forward):
    split = dict(mesh=mesh, in_specs=(P("n"), P()), out_specs=P("n"))
    local = jax.shard_map(lambda w, x: forward(fmt, w[0], x), **split)
    return jax.value_and_grad(lambda w: (local(w, x) ** 2).sum())(weight)

assert len(jax.devices()) == 2
(value, gradient), expected = jax.jit(partial(on_two, kernel))(), on_two(reference)
assert np.array_equal(value, expected[0]) and np.array_equal(gradient, expected[1])
assert value > 0 and gradient.any()
"""


def run(program, **environment):
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_each_device_adds_to_its_own_targets():
    run(SHARDED, XLA_FLAGS="--xla_force_host_platform_device_count=2")


# As a plugin, and as a program for a GPU.


def test_core_finds_the_record_of_this_pack():
    record = plugins.registry().find(Kernel, "cuda_csr_forward")
    assert (record.op, record.format, record.platform) == ("forward", "csr", "gpu")
    assert record.origin.distribution == "spikax-cuda-ops"
    assert record.load() is csr_forward


def test_discovery_imports_no_kernel():
    run(
        "import sys; from spikax.plugins import Kernel, registry\n"
        "assert 'cuda_csr_forward' in registry().records(Kernel)\n"
        "late = {'spikax_cuda.csr_forward', 'jax.experimental.pallas.triton'} & set(sys.modules)\n"
        "assert not late, late"
    )


def test_doctor_says_that_the_kernel_waits_for_a_gpu():
    kernels = plugins.registry().records(Kernel)
    assert _kernel_check.use(kernels["cuda_csr_forward"], kernels.values()) == "not on cpu"
    _kernel_check.check(kernels["cuda_csr_forward"])


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated:DeprecationWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (50,)], ids=["one weight", "weights"])
def test_lowers_for_cuda_without_a_gpu(shape, dtype):
    fmt = CSR(jax.ShapeDtypeStruct((9,), jnp.int32), jax.ShapeDtypeStruct((50,), jnp.int32), 5)
    # JAX 0.10 takes an H100 where it sees no GPU; later ones want to be told.
    mesh = AbstractMesh((1,), ("n",), abstract_device=AbstractDevice("NVIDIA H100", None, "cuda"))
    with jax.enable_x64(dtype == np.float64), use_abstract_mesh(mesh):
        weight, x = (jax.ShapeDtypeStruct(s, dtype) for s in (shape, (8,)))
        traced = jax.jit(csr_forward).trace(fmt, weight, x)
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "xla.gpu.triton" in text
    assert "spikax_csr_forward" in text
