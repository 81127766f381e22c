"""TripartiteConnect: connections in which some get a third node, of a pool, beside their two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest import _kernel
from spikax_nest.pynest._collection import NodeCollection
from spikax_nest.pynest._connect import make, pairs_of, read_conn_spec, read_syn_specs
from spikax_nest.pynest._errors import NESTErrors

RULE = "third_factor_bernoulli_with_pool"
POOLS = ("random", "block")
PARTS = ("primary", "third_in", "third_out")


def TripartiteConnect(
    pre: NodeCollection,
    post: NodeCollection,
    third: NodeCollection,
    conn_spec: Any,
    third_factor_conn_spec: Mapping[str, Any],
    syn_specs: Mapping[str, Any] | None = None,
) -> None:
    """Connect nodes by a rule, and some of the pairs by a third node, as `nest.TripartiteConnect`.

    Args:
        pre: Sources.
        post: Targets.
        third: Third nodes.
        conn_spec: The rule by which source and target are connected.
        third_factor_conn_spec: With the rule "third_factor_bernoulli_with_pool": each pair gets a
            third node with probability `p` (1), of the pool of its target: `pool_size` nodes drawn
            at random (all of them), or with `pool_type` "block" those of its place.
        syn_specs: Synapses "primary", from source to "third_in" and from there, "third_out".

    Raises:
        NESTErrors.KernelException: One of its kinds, for whatever NEST refuses.
    """
    kernel, spec = _kernel.kernel(), read_conn_spec(conn_spec)
    third_spec, synapses = dict(third_factor_conn_spec), dict(syn_specs or {})
    _check(spec, third_spec, synapses, len(post), len(third))
    primary, into, out = (read_syn_specs(synapses.get(part)) for part in PARTS)
    try:
        pairs = pairs_of(kernel, pre, post, spec, primary)
        sources, targets = pre._live(), post._live()
        for one in primary:
            make(kernel, sources, targets, pairs, (pre, post), spec, one)
        has, which = _third(kernel.host_rng(), pairs[1], third_spec, len(post), len(third))
        nodes = third._live()[which]
        ends = (sources[pairs[0][has]], nodes, into), (nodes, targets[pairs[1][has]], out)
        each = np.arange(len(nodes)), np.arange(len(nodes))
        for begin, end, specs in ends:
            for one in specs:
                make(kernel, begin, end, each, (None, None), {"rule": "one_to_one"}, one)
    finally:
        kernel.engine.rewired()


def _check(spec: Any, third: Any, synapses: Any, n_post: int, n_third: int) -> None:
    if third.get("rule") != RULE:
        raise NESTErrors.IllegalConnection(
            f"{third.get('rule')!r} is no rule for third nodes; give {RULE!r}."
        )
    if spec.get("make_symmetric"):
        raise NESTErrors.BadProperty("Tripartite connections cannot be made symmetric.")
    known = {"rule", "p", "pool_size", "pool_type"}
    wrong = sorted(set(third) - known) + sorted(set(synapses) - set(PARTS))
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"{wrong[0]!r} is unknown; a third factor has {', '.join(sorted(known))}, its synapses "
            f"are {', '.join(PARTS)}."
        )
    _check_pool(third, n_post, n_third)


def _check_pool(third: Any, n_post: int, n_third: int) -> None:
    p, kind = third.get("p", 1.0), third.get("pool_type", "random")
    size = third.get("pool_size", n_third)
    if not 0 <= p <= 1:
        raise NESTErrors.BadProperty(f"The probability p is {p}; it must be from 0 to 1.")
    if kind not in POOLS:
        raise NESTErrors.BadProperty(f"pool_type is {kind!r}; choose {' or '.join(POOLS)}.")
    if not 1 <= size <= n_third:
        raise NESTErrors.BadProperty(
            f"pool_size is {size}; it must be from 1 to the number of third nodes, {n_third}."
        )
    fits = n_post * size == n_third or (size == 1 and n_post % n_third == 0)
    if kind == "block" and not fits:
        raise NESTErrors.BadProperty(
            f"Blocks of {size} of {n_third} third nodes do not fit {n_post} targets: as many third "
            "nodes as targets times pool_size are needed, or blocks of 1 and a divisor of targets."
        )


def _third(rng: Any, post: np.ndarray, spec: Any, n_post: int, n_third: int) -> Any:
    """Which pairs get a third node, and which it is."""
    size = spec.get("pool_size", n_third)
    has = np.flatnonzero(rng.random(len(post)) < spec.get("p", 1.0))
    within = rng.integers(0, size, len(has))
    target = post[has]
    if size == n_third:
        return has, within
    if spec.get("pool_type", "random") == "random":
        pools = np.stack([rng.choice(n_third, size, replace=False) for _ in range(n_post)])
        return has, pools[target, within]
    if n_post * size == n_third:
        return has, target * size + within
    return has, target // (n_post // n_third)
