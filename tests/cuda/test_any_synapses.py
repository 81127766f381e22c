"""The push and the pull of any network: rows of any length, any of the sources sending."""

import functools

import jax
import numpy as np
import pytest
import synapse_oracle as oracle

from spikax_cuda import outer, pull, push
from spikax_cuda.interpret import interpreted

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

pytestmark = pytest.mark.usefixtures("quick_compiler")

KERNELS = {
    "scatter": push.scatter,
    "collect": pull.collect,
    "add_weight_gradient": outer.add_weight_gradient,
}


@functools.cache
def compiled(op):
    def run(*given):
        with interpreted():
            return KERNELS[op](*given)

    return jax.jit(run)


# The sizes are the oracle's, so that each kernel is compiled once.
cuts = st.lists(st.integers(0, oracle.N_SYNAPSES), min_size=11, max_size=11).map(sorted)


@pytest.mark.parametrize("op", KERNELS)
@hypothesis.settings(max_examples=40, deadline=None, derandomize=True)
@hypothesis.given(
    cuts=cuts,
    targets=st.sampled_from([1, 3, oracle.N_POST]),
    kind=st.sampled_from(oracle.KINDS),
    seed=st.integers(0, 1000),
)
def test_equals_the_sums_over_synapses(op, cuts, targets, kind, seed):
    fmt = oracle.csr(np.diff([0, *cuts, oracle.N_SYNAPSES]), targets, seed)
    given = oracle.operands(op, fmt, kind, dtype=np.float32)
    assert np.array_equal(compiled(op)(fmt, *given), oracle.expected(op, fmt, *given))
