"""The C++ kernels against core's reference, evaluated operation by operation."""

import importlib
import itertools
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikax import ops
from spikax.ops import CSR, REFERENCE, FixedFanOut

pytest.importorskip("spikax_cpu", reason="spikax-cpu-ops takes a C++ compiler to install")
kernels = importlib.import_module("spikax_cpu.kernels")

SLOTS, T = 5, 12
CHUNKS = (1, 3)


def csr(lengths, n_post, hit=None, shuffled=False):
    """Rows of these lengths, with random targets below `hit`, sorted unless shuffled."""
    rng = np.random.default_rng(1)
    rows = [rng.integers(0, hit or n_post, n) for n in lengths]
    targets = np.concatenate([row if shuffled else np.sort(row) for row in rows])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return CSR(jnp.asarray(indptr, jnp.int32), jnp.asarray(targets, jnp.int32), n_post)


def fan_out(n_pre, k, n_post):
    targets = np.sort(np.random.default_rng(2).integers(0, n_post, (n_pre, k)), axis=1)
    return FixedFanOut(jnp.asarray(targets, jnp.int32), n_post)


def full(n_pre, n_post):
    targets = jnp.tile(jnp.arange(n_post, dtype=jnp.int32), n_pre)
    return CSR(jnp.arange(n_pre + 1, dtype=jnp.int32) * n_post, targets, n_post)


def random_lengths(n, mean):
    return np.random.default_rng(3).poisson(mean, n)


FORMATS = {
    "random": lambda: csr(random_lengths(133, 20), 77),
    "blocks of 32": lambda: csr(random_lengths(64, 9), 64),
    "one more than blocks": lambda: csr(random_lengths(65, 9), 65),
    "empty rows": lambda: csr([0, 0, 40, 0, 1, 0, 33, 0], 50),
    "no synapses": lambda: csr([0] * 9, 6),
    "one synapse": lambda: csr([0, 1, 0], 4),
    "one source": lambda: csr([70], 9),
    "one target": lambda: csr([3, 0, 40, 1], 1),
    "full": lambda: full(9, 60),
    "duplicate targets": lambda: csr(random_lengths(40, 50), 90, hit=3),
    "not sorted": lambda: csr(random_lengths(40, 50), 90, shuffled=True),
    "fan-out": lambda: fan_out(100, 37, 81),
    "fan-out 1": lambda: fan_out(33, 1, 20),
    "fan-out 0": lambda: fan_out(5, 0, 20),
    "maximal fan-out": lambda: fan_out(31, 300, 40),
}
SENT = {
    "some": lambda rng, n: rng.random(n) < 0.1,
    "graded": lambda rng, n: (rng.random(n) < 0.5) * rng.normal(size=n),
    "none": lambda rng, n: np.zeros(n),
    "all": lambda rng, n: np.ones(n),
    "the last": lambda rng, n: np.arange(n) == n - 1,
    "the first, twice": lambda rng, n: 2 * (np.arange(n) == 0),
}


def operands(fmt, dtype):
    """By operator: what it is called with after the format, in every kind; x still to come."""
    rng = np.random.default_rng(4)

    def normal(*shape):
        return jnp.asarray(rng.normal(size=shape), dtype)

    steps = rng.integers(0, SLOTS + 1, fmt.shape)
    weights = {"weights": normal(*fmt.shape), "one weight": jnp.asarray(-1.7, dtype)}
    delays = {d: jnp.asarray(steps, d) for d in ("int8", "int16", "int32")}
    delays |= {f"one {d}": jnp.asarray(2, d) for d in ("int8", "int16", "int32")}
    ring, y, t = normal(SLOTS, fmt.n_post), normal(fmt.n_post), jnp.int32(T)
    calls = {"weight_gradient": ("weight_gradient", lambda x: (x, y))}
    for (name, w), (kind, d) in itertools.product(weights.items(), delays.items()):
        calls[f"forward {name}"] = "forward", lambda x, w=w: (w, x)
        calls[f"transpose {name}"] = "transpose", lambda x, w=w: (w, y)
        calls[f"scatter {name} {kind}"] = "scatter", lambda x, w=w, d=d: (w, x, d, ring, t)
    return calls


def expected(op, fmt, *given):
    if op == "scatter":
        w, x, d, ring, t = given
        # One delay is a delay per synapse: each term is added to the ring, not their sum.
        given = w, x, jnp.broadcast_to(d, fmt.shape), ring, t
    return np.asarray(REFERENCE[op](fmt, *given))


def check(op, label, got, wanted):
    # The reference sums the rows of a fixed fan-out as a tree, of a length that depends on jaxlib.
    if op == "transpose":
        eps = np.finfo(wanted.dtype).eps
        np.testing.assert_allclose(got, wanted, rtol=100 * eps, atol=300 * eps, err_msg=label)
    else:
        assert np.array_equal(got, wanted), label
    assert got.dtype == wanted.dtype, label


# One template serves both precisions: every shape in one, the most telling shapes in the other too.
TWICE = {"random", "empty rows", "duplicate targets", "fan-out"}
PRECISIONS = [(name, "float32") for name in FORMATS] + [
    pytest.param(name, "float64", marks=() if name in TWICE else pytest.mark.grid)
    for name in FORMATS
]


@pytest.mark.parametrize(("name", "dtype"), PRECISIONS)
def test_every_operator_equals_the_reference_whatever_the_chunks(name, dtype, monkeypatch):
    """Bit for bit: each weight and delay, by one thread and by several."""
    with jax.enable_x64(dtype == "float64"):
        fmt = FORMATS[name]()
        calls = operands(fmt, dtype)

        @jax.jit
        def run(x):
            results = {}
            for chunks, (label, (op, given)) in itertools.product(CHUNKS, calls.items()):
                monkeypatch.setattr(kernels, "CHUNKS", chunks)
                kernel = getattr(kernels, op)
                assert kernel.supports(fmt, *given(x)), label
                results[chunks, label] = kernel(fmt, *given(x))
            return results

        for sent, draw in SENT.items():
            x = jnp.asarray(draw(np.random.default_rng(5), fmt.n_pre), dtype)
            results = jax.tree.map(np.asarray, run(x))
            for label, (op, given) in calls.items():
                wanted = expected(op, fmt, *given(x))
                for chunks in CHUNKS:
                    check(op, f"{label}, {sent}, {chunks} chunks", results[chunks, label], wanted)


@pytest.mark.smoke
def test_a_large_step_on_the_threads_of_xla_equals_one_thread():
    """On three threads, whatever the tests themselves have."""
    script, environment = Path(__file__).with_name("on_threads.py"), os.environ | {"NPROC": "3"}
    command = [sys.executable, script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "equal on threads" in done.stdout, done.stderr[-3000:]


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_several_projections_equal_the_reference_in_turn(dtype, chunks, monkeypatch):
    """Three sources, one of them silent, two rings of other lengths, every kind of projection."""
    monkeypatch.setattr(kernels, "CHUNKS", chunks)
    with jax.enable_x64(dtype == "float64"):
        rng = np.random.default_rng(9)

        def normal(*shape):
            return jnp.asarray(rng.normal(size=shape), dtype)

        def some(n, share):
            return jnp.where(rng.random(n) < share, normal(n), 0.0)

        xs = [some(100, 0.3), some(133, 1), some(9, 0)]
        rings = [normal(SLOTS, 77), normal(1, 81)]
        formats = (csr(random_lengths(133, 20), 77), fan_out(100, 37, 81), csr([4] * 9, 77))
        formats += (fan_out(133, 30, 81), csr(random_lengths(100, 9), 77, shuffled=True))
        which = ops.Formats(formats, sources=(1, 0, 2, 1, 0), rings=(0, 1, 0, 1, 0))
        weights = [normal(*formats[0].shape), *normal(2), *(normal(*f.shape) for f in formats[3:])]
        delays = [
            jnp.asarray(rng.integers(1, SLOTS, formats[0].shape), jnp.int8),
            jnp.int32(1),
            jnp.int16(SLOTS),
            jnp.ones(formats[3].shape, jnp.int16),
            jnp.asarray(rng.integers(1, SLOTS, formats[4].shape), jnp.int32),
        ]
        got = jax.jit(kernels.together)(which, jnp.int32(T), *weights, *delays, *xs, *rings)
        each = zip(formats, weights, delays, which.sources, which.rings, strict=True)
        for fmt, weight, delay, source, k in each:
            rings[k] = jnp.asarray(expected("scatter", fmt, weight, xs[source], delay, rings[k], T))
        assert all(map(np.array_equal, got, rings))


def test_what_is_not_finite_arrives_from_the_sources_that_send():
    fmt = CSR(jnp.array([0, 1, 2, 3], jnp.int32), jnp.array([0, 1, 2], jnp.int32), 3)
    weight, x = jnp.array([jnp.inf, jnp.inf, 1.0]), jnp.array([0.0, 1.0, jnp.nan])
    assert np.array_equal(kernels.forward(fmt, weight, x), [0.0, np.inf, np.nan], equal_nan=True)


def test_the_step_may_be_any():
    fmt, rng = csr([4, 4], 6), np.random.default_rng(7)
    w, delay = jnp.ones(8), jnp.asarray(rng.integers(0, SLOTS + 1, 8), jnp.int16)
    for t in (0, 1, SLOTS, 2**31 - 1 - SLOTS):
        given = w, jnp.ones(2), delay, jnp.zeros((SLOTS, 6)), jnp.int32(t)
        assert np.array_equal(kernels.scatter(fmt, *given), expected("scatter", fmt, *given))


F4, F8, I4 = np.float32, np.float64, np.int32


@pytest.mark.parametrize(
    ("op", "given", "yes"),
    [
        ("forward", [(F4, ()), (F4, (3,))], True),
        ("forward", [(F8, (9,)), (F8, (3,))], True),
        ("forward", [(F4, (9,)), (F8, (3,))], False),
        ("forward", [(np.float16, (9,)), (np.float16, (3,))], False),
        ("forward", [(I4, (9,)), (I4, (3,))], False),
        ("forward", [(F4, (1,)), (F4, (3,))], False),
        ("forward", [(F4, (9,)), (F4, (2, 3))], False),
        ("transpose", [(F4, (9,)), (F4, (4,))], True),
        ("transpose", [(F4, (9,)), (F4, (3,))], False),
        ("weight_gradient", [(F4, (3,)), (F4, (4,))], True),
        ("weight_gradient", [(F4, (3,)), (F8, (4,))], False),
        ("scatter", [(F4, ()), (F4, (3,)), (np.int8, ()), (F4, (5, 4)), (I4, ())], True),
        ("scatter", [(F4, ()), (F4, (3,)), (np.int64, (9,)), (F4, (5, 4)), (I4, ())], False),
        ("scatter", [(F4, ()), (F4, (3,)), (I4, (3,)), (F4, (5, 4)), (I4, ())], False),
        ("scatter", [(F4, ()), (F4, (3,)), (I4, (9,)), (F8, (5, 4)), (I4, ())], False),
        ("scatter", [(F4, ()), (F4, (3,)), (I4, (9,)), (F4, (5, 3)), (I4, ())], False),
        ("scatter", [(F4, ()), (F4, (3,)), (I4, (9,)), (F4, (0, 4)), (I4, ())], False),
        ("scatter", [(F4, ()), (F4, (3,)), (I4, (9,)), (F4, (5, 4)), (np.int64, ())], False),
    ],
)
def test_says_which_calls_it_supports(op, given, yes):
    """The library reads dtypes only when it runs, so a wrong call has to be refused before."""
    structs = (jax.ShapeDtypeStruct(shape, dtype) for dtype, shape in given)
    assert getattr(kernels, op).supports(csr([3, 3, 3], 4), *structs) is yes


# Under core's rules.


def value(op, *given):
    return jnp.sum(jnp.sin(op(*given)))


def stacked(v):
    return jnp.stack([v, 2 * v, -v])


def transformations(op, given):
    """Every transformation of one operator over its floating-point operands."""
    every = tuple(range(len(given)))
    tangents = tuple(map(jnp.cos, given))
    return {
        "plain": op(*given),
        "jvp": jax.jvp(op, given, tangents),
        "grad": jax.grad(partial(value, op), every)(*given),
        "vmap": jax.vmap(op)(*map(stacked, given)),
        "vmap of one": jax.vmap(op, (0, *[None] * (len(given) - 1)))(stacked(given[0]), *given[1:]),
        "vmap of grad": jax.vmap(jax.grad(partial(value, op), every))(*map(stacked, given)),
        "hessian": jax.jvp(jax.grad(partial(value, op), every), given, tangents),
        "checkpoint": jax.grad(jax.checkpoint(partial(value, op)), every)(*given),
    }


def bind(name, fmt, rng):
    """An operator as core calls it, and its floating-point operands."""

    def normal(*shape):
        return jnp.asarray(rng.normal(size=shape))

    weight = normal() if "one weight" in name else normal(*fmt.shape)
    x, y = normal(fmt.n_pre).at[::3].set(0.0), normal(fmt.n_post)
    delay = jnp.asarray(2 if "one delay" in name else rng.integers(0, SLOTS, fmt.shape), jnp.int32)
    op = name.split(",")[0]
    given = {
        "forward": (weight, x),
        "transpose": (weight, y),
        "weight_gradient": (x, y),
        "scatter": (weight, x, normal(SLOTS, fmt.n_post)),
    }[op]
    if op == "scatter":
        return lambda w, x, ring: ops.scatter(fmt, w, x, delay, ring, T), given
    return partial(getattr(ops, op), fmt), given


@pytest.mark.parametrize("form", ["random", "fan-out"])
@pytest.mark.parametrize(
    "name",
    [
        "forward",
        "forward, one weight",
        "transpose",
        "weight_gradient",
        "scatter",
        "scatter, one weight",
        "scatter, one weight, one delay",
    ],
)
def test_derivatives_and_batches_are_those_of_the_reference(form, name, x64):
    op, given = bind(name, FORMATS[form](), np.random.default_rng(8))
    assert f"target_name=spikax_cpu_{name.split(',')[0]}" in str(jax.make_jaxpr(op)(*given))
    actual = jax.jit(lambda *v: transformations(op, v))(*given)
    with ops.use_kernels("reference"):
        wanted = jax.jit(lambda *v: transformations(op, v))(*given)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-12), actual, wanted)


def test_gradients_through_a_loop(x64):
    fmt = fan_out(30, 8, 30)

    def last(weight):
        def step(x, _):
            return jnp.tanh(ops.forward(fmt, weight, x)), None

        return jnp.sum(jax.lax.scan(step, jnp.ones(30), length=4)[0])

    weight = jnp.linspace(-1, 1, 240).reshape(30, 8)
    with ops.use_kernels("reference"):
        wanted = jax.jit(jax.grad(lambda w: last(w)))(weight)
    for transform in (jax.grad, jax.jacfwd):
        np.testing.assert_allclose(jax.jit(transform(last))(weight), wanted, 1e-12, 1e-12)
