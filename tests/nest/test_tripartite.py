"""TripartiteConnect: pairs of which some get a third node of the pool of their target."""

import numpy as np
import pytest

import spikax_nest as nest

RULE = "third_factor_bernoulli_with_pool"
PRIMARY = {"rule": "pairwise_bernoulli", "p": 0.5}


def connected(n_third, **third):
    """Ends of the connections between three populations, as indices."""
    nest.ResetKernel()
    pre, post = nest.Create("parrot_neuron", 40), nest.Create("parrot_neuron", 30)
    thirds = nest.Create("parrot_neuron", n_third)
    synapses = {"third_in": {"weight": 2.0}, "third_out": {"delay": 3.0}}
    nest.TripartiteConnect(pre, post, thirds, PRIMARY, {"rule": RULE, **third}, synapses)
    found = []
    for ends in ((pre, post), (pre, thirds), (thirds, post)):
        synapses = nest.GetConnections(*ends)
        both = np.array([[k.source, k.target] for k in synapses]).reshape(-1, 2)
        found.append(both - [ends[0][0].global_id, ends[1][0].global_id])
    assert set(nest.GetConnections(pre, thirds).weight) == {2.0}
    assert set(nest.GetConnections(thirds, post).delay) == {3.0}
    return found


@pytest.mark.parametrize("p", [1.0, 0.3])
def test_a_third_node_stands_between_the_ends_of_a_pair(p):
    primary, into, out = connected(50, p=p, pool_size=4)
    expected = p * len(primary)
    assert abs(len(into) - expected) <= 4 * np.sqrt(expected * (1 - p))
    # Those of a pair are made together.
    pairs = {tuple(pair) for pair in primary}
    by_third = [
        {(s, t) for s in into[into[:, 1] == k, 0] for t in out[out[:, 0] == k, 1]}
        for k in range(50)
    ]
    assert len(into) == len(out)
    assert all(np.sum(into[:, 1] == k) == np.sum(out[:, 0] == k) for k in range(50))
    joined = set().union(*by_third)
    assert joined & pairs if p < 1 else pairs <= joined
    assert max(len(set(out[out[:, 1] == t, 0])) for t in range(30)) <= 4


@pytest.mark.parametrize(("n_third", "size"), [(90, 3), (10, 1)])
def test_blocks_are_those_of_the_target(n_third, size):
    _, _, out = connected(n_third, pool_size=size, pool_type="block")
    first = out[:, 1] * size if n_third == 30 * size else out[:, 1] // 3
    assert np.all((out[:, 0] >= first) & (out[:, 0] < first + size))


WRONG = {
    "rule": {"rule": "one_to_one"},
    "p": {"p": 1.5},
    "type": {"pool_type": "ring"},
    "size": {"pool_size": 60},
    "blocks": {"pool_size": 7, "pool_type": "block"},
}


@pytest.mark.nest
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_nest_refuses_is_refused_alike(nest, wrong):
    import spikax_nest

    raised = []
    for module in (nest, spikax_nest):
        module.ResetKernel()
        nodes = [module.Create("parrot_neuron", n) for n in (4, 5, 50)]
        with pytest.raises(module.NESTErrors.KernelException) as error:
            module.TripartiteConnect(*nodes, PRIMARY, {"rule": RULE, **wrong})
        raised.append(error.type.__name__)
    assert raised[0] == raised[1]
