"""Plasticity as a kernel, interpreted: against the reference, which looks at every synapse."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import plastic_cases
import pytest

import spikax as sx
from spikax import ops
from spikax.plasticity import PairSTDP, TripletSTDP
from spikax_cuda.interpret import interpreted
from spikax_cuda.learn import learn

pytestmark = pytest.mark.usefixtures("quick_compiler")


def both(which, operands):
    """What the kernel makes of synapses, and what the reference does."""
    with interpreted():
        changed = jax.jit(functools.partial(learn, which))(*operands)
    return changed, jax.jit(functools.partial(ops.REFERENCE["learn"], which))(*operands)


def check(which, operands, rtol):
    assert learn.supports(which, *operands)
    before = which.events(operands).synapse
    changed, expected = both(which, operands)
    assert changed.keys() == expected.keys()
    for name, value in expected.items():
        assert changed[name].dtype == value.dtype
        np.testing.assert_allclose(changed[name], value, rtol=rtol, atol=rtol)
    assert any(np.any(expected[name] != before[name]) for name in expected)


@pytest.mark.parametrize("name", plastic_cases.RULES)
def test_every_rule_of_core(name, x64):
    rule = plastic_cases.RULES[name]
    which, operands = plastic_cases.synapses("csr", rule, jnp.float64)
    if (rule.on_pre, rule.on_post) == (sx.Plasticity.on_pre, sx.Plasticity.on_post):
        assert (
            learn(which, *operands).keys() == which.events(operands).synapse.keys()
        )  # a flow alone
        return
    check(which, operands, 1e-12)


@pytest.mark.parametrize("one_delay", [False, True], ids=["delays", "one delay"])
@pytest.mark.parametrize("form", ["csr", "fixed_fan_out", "dense"])
def test_every_format(form, one_delay):
    rule = TripletSTDP
    check(*plastic_cases.synapses(form, rule, one_delay=one_delay), 1e-5)


@pytest.mark.parametrize("rows", ["around a block", "duplicate targets", "last alone"])
def test_rows_of_any_length(rows):
    check(*plastic_cases.synapses("csr", PairSTDP, rows=rows), 1e-5)


def test_a_parameter_of_each_synapse():
    each = np.random.default_rng(4).random(900)
    check(*plastic_cases.synapses("csr", PairSTDP, A_plus=each), 1e-5)


def test_random_rules_are_left_to_the_reference():
    which, operands = plastic_cases.synapses("csr", PairSTDP)
    events = which.events(operands)._replace(stream=jnp.zeros(2, jnp.uint32))
    operands, structure = jax.tree.flatten(events)
    which = ops.Plastic(which.fmt, which.columns, structure)
    assert not learn.supports(which, *operands)


def test_rules_of_other_packages_are_left_to_the_reference():
    class Foreign(PairSTDP):
        pass

    assert not learn.supports(*(lambda w, o: (w, *o))(*plastic_cases.synapses("csr", Foreign)))
