"""Connectivity operators and formats against dense matrices in NumPy, and opaque kernels."""

import itertools
import re
import sys
import types
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikax import _ops as ops
from spikax import plugins
from spikax._connectivity import (
    all_to_all,
    explicit,
    fixed_outdegree,
    fixed_total_number,
    one_to_one,
    pairwise_bernoulli,
)
from spikax._formats import CSR, Dense, FixedFanOut, OneToOne, from_pairs
from spikax._pairs import Pairs, listed
from spikax.errors import ConfigError, PluginError, ShapeError, UnknownNameError
from spikax.plugins import Kernel, PluginWarning, Registry, hookimpl

N_PRE, N_POST, SLOTS = 7, 5, 4
STEPS = (0, 3, 1001)
CASES = {
    "random": (pairwise_bernoulli(0.3), None, CSR),
    "duplicates": (fixed_total_number(30), None, CSR),
    "row of none": (explicit([1, 1, 6], [0, 4, 2]), None, CSR),
    "empty": (pairwise_bernoulli(0.0), None, FixedFanOut),
    "empty csr": (pairwise_bernoulli(0.0), "csr", CSR),
    "fan-out": (fixed_outdegree(4), None, FixedFanOut),
    "fan-out csr": (fixed_outdegree(4), "csr", CSR),
    "full": (all_to_all(), None, Dense),
    "full by chance": (pairwise_bernoulli(1.0), None, Dense),
    "full csr": (all_to_all(), "csr", CSR),
    "full fan-out": (all_to_all(), "fixed_fan_out", FixedFanOut),
    "one to one": (one_to_one(), None, OneToOne),
    "one to one fan-out": (one_to_one(), "fixed_fan_out", FixedFanOut),
}
pytestmark = pytest.mark.usefixtures("x64")


class Case:
    """Random operands on one connectivity, as arrays of the format and as dense matrices."""

    def __init__(self, name):
        rule, prefer, self.kind = CASES[name]
        rng = np.random.default_rng(5)
        self.n_post = N_PRE if isinstance(rule, one_to_one) else N_POST
        self.pairs = rule.sample(N_PRE, self.n_post, rng)
        self.fmt = from_pairs(self.pairs, prefer)
        self.listed = rng.normal(size=len(self.pairs))
        self.delays = rng.integers(0, SLOTS, len(self.pairs)).astype(np.int32)
        self.w, self.d = (
            jnp.asarray(v.reshape(self.fmt.shape)) for v in (self.listed, self.delays)
        )
        sizes = N_PRE, self.n_post, (SLOTS, self.n_post)
        self.x, self.y, self.ring = (jnp.asarray(rng.normal(size=size)) for size in sizes)

    def dense(self, values):
        matrix = np.zeros((N_PRE, self.n_post))
        np.add.at(matrix, (self.pairs.pre, self.pairs.post), values)
        return matrix


def _silent(x):
    """Every third source is known not to learn."""
    return jnp.where(jnp.arange(len(x)) % 3 == 0, -0.0, x)


@jax.jit
def all_operators(fmt, w, scalar, x, y, d, ring, t):
    """Each operator on the same operands: one compilation for each connectivity."""
    _, pull = jax.vjp(partial(ops.forward, fmt), w, x)
    _, pull_scalar = jax.vjp(partial(ops.forward, fmt), scalar, x)
    return {
        "pre": fmt.pre_values(jnp.arange(N_PRE)),
        "post": fmt.targets,
        "forward": [ops.forward(fmt, weight, x) for weight in (w, scalar)],
        "transpose": [ops.transpose(fmt, weight, y) for weight in (w, scalar)],
        "gradient": ops.weight_gradient(fmt, x, y),
        "scatter": ops.scatter(fmt, w, x, d, ring, t),
        "scatter scalar": ops.scatter(fmt, scalar, x, d, ring, t),
        "one delay": ops.scatter(fmt, w, x, jnp.int32(2), ring, t),
        "each the same": ops.scatter(fmt, w, x, jnp.full(fmt.shape, 2, jnp.int32), ring, t),
        "collect": [ops.collect(fmt, v, _silent(x), d, ring, t, x) for v in (w, scalar)],
        "pulled": pull(y),
        "pulled scalar": pull_scalar(y),
    }


@pytest.fixture(scope="module", params=CASES)
def case(request):
    with jax.enable_x64(True):
        case = Case(request.param)
        operands = case.fmt, case.w, jnp.asarray(0.3), case.x, case.y, case.d, case.ring
        case.results = [all_operators(*operands, jnp.int32(t)) for t in STEPS]
    return case


@pytest.fixture
def sparse(x64):
    return Case("random")


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-13)


def test_the_smallest_format_is_chosen(case):
    assert type(case.fmt) is case.kind
    assert (case.fmt.n_pre, case.fmt.n_post) == (N_PRE, case.n_post)
    assert case.fmt.n_synapses == len(case.pairs)
    assert all(leaf.dtype == jnp.int32 for leaf in jax.tree.leaves(case.fmt))
    assert np.array_equal(np.ravel(case.results[0]["pre"]), case.pairs.pre)
    assert np.array_equal(np.ravel(case.results[0]["post"]), case.pairs.post)


def test_a_static_synapse_takes_four_bytes_besides_its_weight():
    for rule in (pairwise_bernoulli(0.1), fixed_outdegree(20)):
        fmt = from_pairs(rule.sample(200, 200, np.random.default_rng(0)))
        stored = sum(leaf.nbytes for leaf in jax.tree.leaves(fmt))
        assert stored <= 4 * (fmt.n_synapses + 201)
    assert not jax.tree.leaves(from_pairs(all_to_all().sample(3, 4, np.random.default_rng(0))))


def test_forward_is_the_matrix_product(case):
    per_synapse, scalar = case.results[0]["forward"]
    close(per_synapse, case.x @ case.dense(case.listed))
    close(scalar, case.x @ case.dense(0.3))


def test_transpose_is_the_product_with_the_transposed_matrix(case):
    per_synapse, scalar = case.results[0]["transpose"]
    close(per_synapse, case.dense(case.listed) @ case.y)
    close(scalar, case.dense(0.3) @ case.y)


def test_weight_gradient_is_the_outer_product_on_the_synapses(case):
    gradient = case.results[0]["gradient"]
    assert gradient.shape == case.fmt.shape
    close(np.ravel(gradient), np.outer(case.x, case.y)[case.pairs.pre, case.pairs.post])


def test_scatter_adds_where_the_delay_says(case):
    sent = np.asarray(case.x)[case.pairs.pre]
    for t, results in zip(STEPS, case.results, strict=True):
        for name, weight in (("scatter", case.listed), ("scatter scalar", 0.3)):
            expected = np.array(case.ring)
            np.add.at(expected, ((t + case.delays) % SLOTS, case.pairs.post), weight * sent)
            close(results[name], expected)
        close(results["one delay"], results["each the same"])


def test_collect_takes_from_where_the_delay_says(case):
    for t, results in zip(STEPS, case.results, strict=True):
        arrives = np.asarray(case.ring)[(t + case.delays) % SLOTS, case.pairs.post]
        for weight, got in zip((case.listed, 0.3), results["collect"], strict=True):
            taken = np.bincount(case.pairs.pre, weight * arrives, N_PRE).astype(float)
            close(got, case.x + np.where(np.arange(N_PRE) % 3 == 0, 0, taken))


def test_reverse_mode_is_the_transpose_and_the_weight_gradient(case):
    results = case.results[0]
    close(results["pulled"][0], results["gradient"])
    close(results["pulled"][1], results["transpose"][0])
    close(results["pulled scalar"][0], np.sum(np.outer(case.x, case.y) * case.dense(1.0)))
    close(results["pulled scalar"][1], results["transpose"][1])


OPERANDS = {
    "forward": lambda c: (c.w, c.x),
    "forward scalar": lambda c: (jnp.asarray(0.3), c.x),
    "transpose": lambda c: (c.w, c.y),
    "transpose scalar": lambda c: (jnp.asarray(0.3), c.y),
    "weight_gradient": lambda c: (c.x, c.y),
    "scatter": lambda c: (c.w, c.x, c.ring),
    "scatter scalar": lambda c: (jnp.asarray(0.3), c.x, c.ring),
    "collect": lambda c: (c.w, c.ring, c.x),
}


def call(name, case):
    """The operator as a function of its floating-point operands."""
    op = getattr(ops, name.split()[0])
    if op is ops.scatter:
        return lambda w, x, ring: op(case.fmt, w, x, case.d, ring, 2)
    if op is ops.collect:
        return lambda w, ring, total: op(case.fmt, w, _silent(case.x), case.d, ring, 2, total)
    return partial(op, case.fmt)


@pytest.mark.parametrize("kind", ["random", "duplicates", "fan-out", "full", "one to one"])
def test_derivatives_equal_finite_differences(kind):
    case = Case(kind)

    def all_of_them():
        return {name: derivatives(call(name, case), *OPERANDS[name](case)) for name in OPERANDS}

    for name, (tangent, difference, forwards, backwards) in jax.jit(all_of_them)().items():
        np.testing.assert_allclose(tangent, difference, 1e-12, 1e-12, err_msg=name)
        np.testing.assert_allclose(forwards, backwards, 1e-12, 1e-12, err_msg=name)


def derivatives(function, *operands):
    """Tangent, central difference, and one product through forward and through reverse mode."""
    direction = tuple(jnp.cos(3 * v) for v in operands)
    _, tangent = jax.jvp(function, operands, direction)
    value, pull = jax.vjp(function, *operands)
    weights = jnp.sin(value)
    backwards = [jnp.vdot(g, d) for g, d in zip(pull(weights), direction, strict=True)]
    # Of a bilinear function the difference is exact for steps of any length.
    there, back = (
        function(*(v + sign * d for v, d in zip(operands, direction, strict=True)))
        for sign in (1, -1)
    )
    return tangent, (there - back) / 2, jnp.vdot(weights, tangent), sum(backwards)


def stacked(values):
    return jnp.stack([values, 2 * values, values[::-1] if values.ndim else -values])


@pytest.mark.parametrize("kind", ["random", "fan-out", "full", "one to one"])
def test_a_batch_over_any_operands_is_a_loop(kind):
    case = Case(kind)

    def batches_and_loops():
        for name, choose in OPERANDS.items():
            function, operands = call(name, case), choose(case)
            for axes in itertools.product((0, None), repeat=len(operands)):
                if any(axis == 0 for axis in axes):
                    yield f"{name} {axes}", batch_and_loop(function, operands, axes)

    for label, (batch, loop) in jax.jit(lambda: dict(batches_and_loops()))().items():
        np.testing.assert_allclose(batch, loop, rtol=1e-13, atol=1e-13, err_msg=label)


def batch_and_loop(function, operands, axes):
    given = [stacked(v) if axis == 0 else v for v, axis in zip(operands, axes, strict=True)]
    one = [
        function(*(v[b] if axis == 0 else v for v, axis in zip(given, axes, strict=True)))
        for b in range(3)
    ]
    return jax.vmap(function, axes)(*given), jnp.stack(one)


@pytest.mark.parametrize("kind", ["random", "fan-out", "full", "one to one"])
def test_a_batch_over_delays_and_steps_is_a_loop(kind):
    case = Case(kind)
    delays, steps = jnp.stack([case.d, (case.d + 1) % SLOTS]), jnp.array([3, 8], jnp.int32)
    one = jax.jit(partial(ops.scatter, case.fmt, case.w, case.x))
    batched = jax.jit(jax.vmap(one, (0, None, 0)))(delays, case.ring, steps)
    for b in range(2):
        close(batched[b], one(delays[b], case.ring, steps[b]))


@pytest.mark.parametrize("kind", ["random", "fan-out"])
def test_a_batch_over_connectivities_is_a_loop(kind):
    case = Case(kind)
    mirrored = jax.tree.map(lambda v: N_POST - 1 - v if v is case.fmt.targets else v, case.fmt)
    both = jax.tree.map(lambda *v: jnp.stack(v), case.fmt, mirrored)
    batched = jax.jit(jax.vmap(ops.forward, (0, None, None)))
    plain, reversed_ = batched(both, case.w, case.x)
    close(plain, case.x @ case.dense(case.listed))
    close(reversed_, plain[::-1])


def test_other_weights_and_connections_of_equal_shape_compile_nothing():
    traces = []
    compiled = jax.jit(lambda *operands: traces.append(1) or ops.forward(*operands))
    for seed in range(2):
        pairs = fixed_total_number(9).sample(N_PRE, N_POST, np.random.default_rng(seed))
        compiled(from_pairs(pairs, "csr"), jnp.full(9, float(seed)), jnp.ones(N_PRE))
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("pre", "post", "sizes", "prefer", "error", "message"),
    [
        ([0, 7], [0, 0], (7, 5), None, ShapeError, "pre from 0 to 7"),
        ([0, 1], [-1, 0], (7, 5), None, ShapeError, "post from -1"),
        ([0, 1], [0, 5], (7, 5), None, ShapeError, "post from 0 to 5"),
        ([1, 0], [0, 0], (7, 5), None, ShapeError, "not sorted"),
        ([0, 0], [1, 0], (7, 5), None, ShapeError, "not sorted"),
        ([0, 2, 2], [4, 1, 0], (7, 5), None, ShapeError, "not sorted"),
        ([0, 1], [1, 0], (7, 5), "dense", ConfigError, "use 'csr'"),
        ([0, 1], [1, 0], (7, 5), "fixed_fan_out", ConfigError, "2 syn"),
        ([0], [1], (1, 2), "crs", UnknownNameError, "mean 'csr'"),
    ],
)
def test_what_fits_no_format_is_refused(pre, post, sizes, prefer, error, message):
    with pytest.raises(error, match=message):
        from_pairs(listed(np.array(pre), np.array(post), *sizes), prefer)


def test_a_rule_gives_as_many_targets_as_its_sources_have():
    with pytest.raises(ShapeError, match="2 synapses, but 3 by their sources"):
        from_pairs(Pairs(np.array([1, 2]), np.array([0, 1], np.int32), 3))


@pytest.mark.parametrize(
    ("pre", "post", "n_post"),
    [([0, 1, 2], [0, 2, 1], 3), ([0, 1], [0, 1], 3), ([0, 1, 2], [0, 1, 2], 4)],
)
def test_only_every_neuron_to_itself_is_one_to_one(pre, post, n_post):
    pairs = listed(np.array(pre), np.array(post), 3, n_post)
    assert not isinstance(from_pairs(pairs), OneToOne)
    with pytest.raises(ConfigError, match="'one_to_one'; use 'csr'"):
        from_pairs(pairs, "one_to_one")


def test_one_to_one_stores_nothing_and_is_one_product():
    """However many sources there are, no loop and no index is in the compiled operator."""
    fmt = from_pairs(one_to_one().sample(9000, 9000, np.random.default_rng(0)))
    assert not jax.tree.leaves(fmt)
    x, ring = jnp.arange(9000.0), jnp.zeros((3, 9000))
    for weight in (jnp.asarray(2.0), x):
        compiled = jax.jit(ops.forward).lower(fmt, weight, x).compile()
        close(compiled(fmt, weight, x), weight * x)
        delayed = jax.jit(ops.scatter).lower(fmt, weight, x, 2, ring, 5).compile()
        for text in (compiled.as_text(), delayed.as_text()):
            assert not re.search(r" (while|scatter|gather|sort)\(", text)


# Kernels: host functions, which JAX can neither differentiate nor batch by itself.


class Opaque:
    """A kernel that runs on the host, counts, and refuses float32."""

    def __init__(self, op):
        self.op, self.calls = op, 0

    def __call__(self, fmt, *operands):
        def host(leaves, *operands):
            self.calls += 1
            again = jax.tree.unflatten(structure, leaves)
            return np.asarray(on_host(self.op, again, *operands))

        leaves, structure = jax.tree.flatten(fmt)
        result = jax.eval_shape(ops.REFERENCE[self.op], fmt, *operands)
        return jax.pure_callback(host, result, leaves, *operands)

    def supports(self, fmt, *operands):
        return operands[0].dtype == jnp.float64


def on_host(op, fmt, *operands):
    indptr, indices, *operands = (np.asarray(v) for v in (fmt.indptr, fmt.indices, *operands))
    sources = np.repeat(np.arange(fmt.n_pre), np.diff(indptr))
    if op == "weight_gradient":
        return operands[0][sources] * operands[1][indices]
    weight, values = operands[:2]
    if op == "scatter":
        delay, ring, t = operands[2], operands[3].copy(), operands[4]
        slots = np.broadcast_to((t + delay) % len(ring), indices.shape)
        np.add.at(ring, (slots, indices), weight * values[sources])
        return ring
    if op == "collect":
        delay, ring, t, total = operands[2:]
        taken = weight * ring[(t + delay) % len(ring), indices]
        dead = (values == 0) & np.signbit(values)
        return total + np.where(dead, 0, np.bincount(sources, taken, fmt.n_pre))
    read, write, size = (sources, indices, fmt.n_post)
    if op == "transpose":
        read, write, size = indices, sources, fmt.n_pre
    return np.bincount(write, weight * values[read], size)


@pytest.fixture
def kernels(monkeypatch):
    """A registry with one opaque CSR kernel for each operator."""
    opaque = {op: Opaque(op) for op in ops.REFERENCE}
    targets = types.ModuleType("sxt_opaque_targets")
    vars(targets).update(opaque)
    monkeypatch.setitem(sys.modules, "sxt_opaque_targets", targets)
    plugin = types.ModuleType("sxt_opaque")

    @hookimpl
    def spikax_kernels():
        for op in opaque:
            # This one must never be chosen: its target does not exist.
            yield Kernel(f"gpu_{op}", "sxt_none:none", op=op, format="csr", platform="gpu")
            yield Kernel(
                f"opaque_{op}", f"sxt_opaque_targets:{op}", op=op, format="csr", platform="cpu"
            )

    plugin.spikax_kernels = spikax_kernels
    dist = types.SimpleNamespace(name="spikax-opaque", version="1.0")
    entry = types.SimpleNamespace(name="opaque", dist=dist, load=lambda: plugin)
    registry = Registry(strict=True, entry_points=[entry])
    lookups = []
    monkeypatch.setattr(plugins, "registry", lambda: lookups.append(1) or registry)
    opaque["lookups"] = lookups
    return opaque


def by_reference(function, *operands):
    with ops.use_kernels("reference"):
        return function(*operands)


def transformations(function, count):
    """Every transformation of one operator; all in one compilation."""

    def value(*operands):
        return jnp.sum(jnp.sin(function(*operands)))

    def tangents(operands):
        return tuple(jnp.cos(v) for v in operands)

    every = tuple(range(count))
    return {
        "plain": function,
        "jvp": lambda *v: jax.jvp(function, v, tangents(v)),
        "jvp in one": lambda *v: jax.jvp(lambda a: function(a, *v[1:]), v[:1], tangents(v)[:1]),
        "vjp": jax.grad(value, every),
        "vmap": lambda *v: jax.vmap(function)(*map(stacked, v)),
        "vmap of grad": lambda *v: jax.vmap(jax.grad(value, every))(*map(stacked, v)),
        "grad of vmap": jax.grad(lambda *v: jnp.sum(jax.vmap(value)(*map(stacked, v))), every),
        "hessian-vector": lambda *v: jax.jvp(jax.grad(value, every), v, tangents(v)),
        "checkpoint": jax.grad(jax.checkpoint(value), every),
    }


@pytest.mark.parametrize(
    "name", ["forward", "forward scalar", "transpose", "weight_gradient", "scatter", "collect"]
)
def test_an_opaque_kernel_is_safe_under_every_transformation(kernels, sparse, name):
    kernel, operands = kernels[name.split()[0]], OPERANDS[name](sparse)

    def all_of_them(*operands):
        results = {}
        for label, transform in transformations(call(name, sparse), len(operands)).items():
            # What is traced once may be taken from JAX's cache: the program says what it calls.
            program = str(jax.make_jaxpr(transform)(*operands))
            assert ("pure_callback" in program) is opaque, label
            results[label] = transform(*operands)
        return results

    opaque = True
    actual = jax.block_until_ready(jax.jit(all_of_them)(*operands))
    assert kernel.calls
    opaque = False
    # Another function, or JAX would find the first one compiled.
    expected = by_reference(jax.jit(lambda *v: all_of_them(*v)), *operands)
    jax.tree.map(close, actual, expected)


def test_the_kernel_itself_is_opaque(kernels, sparse):
    kernel = partial(kernels["forward"], sparse.fmt, sparse.w)
    with pytest.raises(ValueError, match="JVP"):
        jax.jvp(kernel, (sparse.x,), (sparse.x,))


def test_gradients_through_a_loop_of_kernels(kernels):
    pairs = fixed_total_number(20).sample(N_PRE, N_PRE, np.random.default_rng(0))
    fmt = from_pairs(pairs, "csr")

    def last(weight):
        def step(x, _):
            return jnp.tanh(ops.forward(fmt, weight, x)), None

        return jnp.sum(jax.lax.scan(step, jnp.ones(N_PRE), length=4)[0])

    weight = jnp.linspace(-1, 1, 20)
    expected = by_reference(jax.jit(jax.grad(lambda w: last(w))), weight)
    for transform in (jax.grad, jax.jacfwd):
        close(jax.jit(transform(last))(weight), expected)
    assert kernels["forward"].calls


def test_kernels_are_looked_up_when_traced_and_never_at_run_time(kernels, sparse):
    compiled = jax.jit(partial(ops.forward, sparse.fmt))
    compiled(sparse.w, sparse.x)
    traced = len(kernels["lookups"])
    compiled(sparse.w, sparse.x).block_until_ready()
    assert traced > 0
    assert len(kernels["lookups"]) == traced
    assert kernels["forward"].calls == 2


def test_a_kernel_gets_only_what_it_supports(kernels, sparse):
    single = [v.astype(jnp.float32) for v in (sparse.w, sparse.x)]
    ops.forward(sparse.fmt, *single)
    ops.forward(Dense(N_PRE, N_POST), jnp.ones((N_PRE, N_POST)), sparse.x)
    assert kernels["forward"].calls == 0
    ops.forward(sparse.fmt, sparse.w, sparse.x).block_until_ready()
    assert kernels["forward"].calls == 1


def test_the_choice_of_kernels_ends_with_its_block(kernels, sparse):
    with ops.use_kernels("reference"):
        with ops.use_kernels(None):
            ops.forward(sparse.fmt, sparse.w, sparse.x).block_until_ready()
        assert kernels["forward"].calls == 1
        ops.forward(sparse.fmt, sparse.w, sparse.x).block_until_ready()
    assert kernels["forward"].calls == 1
    with pytest.raises(UnknownNameError, match="reference"), ops.use_kernels("refrence"):
        pass


@pytest.mark.parametrize("strict", [False, True])
def test_a_kernel_that_does_not_load_is_reported_once_and_passed_over(monkeypatch, sparse, strict):
    plugin = types.ModuleType("sxt_lost")

    @hookimpl
    def spikax_kernels():
        for op in ops.REFERENCE:
            yield Kernel(f"lost_{op}", f"sxt_none:{op}", op, "csr", "cpu")

    plugin.spikax_kernels = spikax_kernels
    dist = types.SimpleNamespace(name="spikax-lost", version="1.0")
    entry = types.SimpleNamespace(name="lost", dist=dist, load=lambda: plugin)
    registry = Registry(strict=strict, entry_points=[entry])
    monkeypatch.setattr(plugins, "registry", lambda: registry)

    def two_operators():
        return ops.forward(sparse.fmt, sparse.w, sparse.x), ops.transpose(
            sparse.fmt, sparse.w, sparse.y
        )

    if strict:
        with pytest.raises(PluginError, match="SPIKAX_DISABLE_PLUGINS=lost"):
            two_operators()
        return
    with pytest.warns(PluginWarning, match="spikax-lost 1.0") as said:
        results = two_operators()
    assert len(said) == 1
    jax.tree.map(close, results, by_reference(two_operators))
