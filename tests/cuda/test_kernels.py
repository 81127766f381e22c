"""Each kernel of the connectivity operators, interpreted: against NumPy and core's reference."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import synapse_oracle as oracle

from spikax import ops
from spikax.plugins import Kernel, registry
from spikax_cuda.interpret import interpreted

pytestmark = pytest.mark.usefixtures("quick_compiler")

RECORDS = {
    name: record
    for name, record in registry().records(Kernel).items()
    if record.platform == "gpu" and record.op not in ("learn", "update")
}
SHARED = {  # which operands may be one number for all synapses
    "forward": ({}, {"one_weight": True}),
    "transpose": ({}, {"one_weight": True}),
    "weight_gradient": ({},),
    "scatter": ({}, {"one_weight": True}, {"one_delay": True}),
    "collect": ({}, {"one_weight": True}, {"one_delay": True}),
    "add_weight_gradient": ({}, {"one_delay": True}),
}
CASES = [
    pytest.param(name, shared, dtype, id=f"{name}-{'-'.join(shared) or 'each'}-{dtype.__name__}")
    for name, record in RECORDS.items()
    for shared in SHARED[record.op]
    for dtype in (jnp.float32, jnp.bfloat16, jnp.float64)
    # What is shared changes nothing that the dtype does, but for the atomics of `scatter`.
    if dtype == jnp.float32 or (dtype == jnp.bfloat16 and record.op == "scatter") == bool(shared)
    if dtype != jnp.bfloat16 or shared != {"one_weight": True} or record.op != "scatter"
]


@functools.cache
def compiled(name):
    kernel = RECORDS[name].load()

    def run(*given):
        with interpreted():
            return kernel(*given)

    return jax.jit(run)


@pytest.mark.parametrize(("name", "shared", "dtype"), CASES)
def test_equals_the_sums_over_synapses(name, shared, dtype):
    op, form = RECORDS[name].op, RECORDS[name].format
    with jax.enable_x64(dtype == jnp.float64):
        for rows in oracle.ROWS if form == "csr" else ("random",):
            fmt = oracle.connectivity(form, rows)
            for kind in oracle.KINDS:
                given = oracle.operands(op, fmt, kind, dtype=dtype, **shared)
                assert RECORDS[name].load().supports(fmt, *given)
                result = compiled(name)(fmt, *given)
                assert result.dtype == dtype
                expected = oracle.expected(op, fmt, *given)
                assert np.array_equal(np.asarray(result, np.float64), expected), (rows, kind)


@pytest.mark.smoke
@pytest.mark.parametrize("name", RECORDS)
def test_rounds_like_the_reference(name):
    op, fmt = RECORDS[name].op, oracle.connectivity(RECORDS[name].format)
    rng = np.random.default_rng(7)
    given = [
        v if v.dtype == np.int32 else jnp.asarray(rng.normal(size=v.shape), jnp.float32)
        for v in oracle.operands(op, fmt, "some", dtype=np.float32)
    ]
    got, reference = compiled(name)(fmt, *given), jax.jit(ops.REFERENCE[op])(fmt, *given)
    np.testing.assert_allclose(got, reference, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in RECORDS if "procedural" not in n and "csr" in n])
@pytest.mark.parametrize("synapses", [0, 1, 127, 129, 1025])
def test_any_number_of_synapses(name, synapses):
    op, targets = RECORDS[name].op, np.arange(synapses) * 7 % oracle.N_POST
    indptr = np.minimum([0, synapses // 2, synapses // 2, synapses], synapses)
    fmt = ops.CSR(jnp.asarray(indptr, jnp.int32), jnp.asarray(targets, jnp.int32), oracle.N_POST)
    given = oracle.operands(op, fmt, "all", dtype=np.float32)
    assert np.array_equal(compiled(name)(fmt, *given), oracle.expected(op, fmt, *given))


@pytest.mark.parametrize("name", ["cuda_scatter_csr", "cuda_collect_csr"])
def test_a_hundred_thousand_synapses(name):
    lengths = np.random.default_rng(3).multinomial(100_000, np.ones(500) / 500)
    lengths[7] += 20_000  # one long row
    fmt, op = oracle.csr(lengths), RECORDS[name].op
    given = oracle.operands(op, fmt, "some", dtype=np.float32)
    assert np.array_equal(compiled(name)(fmt, *given), oracle.expected(op, fmt, *given))


@pytest.mark.parametrize("name", ["cuda_forward_csr", "cuda_forward_dense", "cuda_scatter_csr"])
def test_what_is_not_finite_arrives_from_the_sources_that_send(name):
    form, op = RECORDS[name].format, RECORDS[name].op
    sparse = ops.CSR(jnp.arange(4, dtype=jnp.int32), jnp.zeros(3, jnp.int32), 1)
    fmt = ops.Dense(3, 1) if form == "dense" else sparse
    weight, x = jnp.full(fmt.shape, jnp.inf), jnp.array([0.0, 0.0, 1.0])
    more = (jnp.int32(1), jnp.zeros((2, 1)), jnp.int32(0)) if op == "scatter" else ()
    assert np.max(compiled(name)(fmt, weight, x, *more)) == np.inf


@pytest.mark.parametrize(
    ("weight", "x", "yes"),
    [
        (("f4", ()), ("f4", (12,)), True),
        (("f4", (900,)), ("f4", (12,)), True),
        (("f8", (900,)), ("f8", (12,)), True),
        (("bfloat16", (900,)), ("bfloat16", (12,)), True),
        (("f4", (900,)), ("f8", (12,)), False),
        (("f2", (900,)), ("f2", (12,)), False),
        (("i4", (900,)), ("i4", (12,)), False),
        (("f4", (1,)), ("f4", (12,)), False),
        (("f4", (900,)), ("f4", (2, 12)), False),
        (("f4", (900,)), ("f4", (13,)), False),
    ],
)
def test_says_which_calls_it_supports(weight, x, yes):
    given = (jax.ShapeDtypeStruct(shape, jnp.dtype(dtype)) for dtype, shape in (weight, x))
    supports = RECORDS["cuda_forward_csr"].load().supports
    assert supports(oracle.connectivity("csr"), *given) is yes


def test_each_delay_of_its_own_in_bfloat16_is_left_to_the_reference():
    for name in ("cuda_scatter_csr", "cuda_scatter_dense"):
        fmt = oracle.connectivity(RECORDS[name].format)
        given = oracle.operands("scatter", fmt, "some", dtype=jnp.bfloat16)
        assert not RECORDS[name].load().supports(fmt, *given)


def test_says_no_where_places_do_not_fit_an_int32():
    fmt, like = ops.Dense(50_000, 50_000), jax.ShapeDtypeStruct
    given = like((50_000, 50_000), jnp.float32), like((50_000,), jnp.float32)
    assert not RECORDS["cuda_forward_dense"].load().supports(fmt, *given)


def test_no_sources_bring_nothing():
    fmt = ops.CSR(jnp.zeros(1, jnp.int32), jnp.zeros(0, jnp.int32), 6)
    arrived = compiled("cuda_forward_csr")(fmt, jnp.ones(0), jnp.ones(0))
    assert np.array_equal(arrived, np.zeros(6))


@pytest.mark.parametrize("n", [1, 31, 1023, 1024, 1025, 4097])
def test_sources_are_listed_in_order(n):
    from spikax_cuda._active import active

    rng = np.random.default_rng(n)
    for share in (0.0, 0.02, 1.0):
        x = np.where(rng.random(n) < share, rng.integers(1, 4, n), -0.0).astype(np.float32)
        with interpreted():
            count, index = jax.jit(active)(x)
        assert np.array_equal(index[: count[0]], np.flatnonzero(x))
