"""Connection rules: which node of the sources goes to which of the targets, in NEST's order.

Every rule takes the ids of sources and targets and gives two arrays of indices into these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors, unknown_name

Rng = np.random.Generator
Pairs = tuple[np.ndarray, np.ndarray]
_TRIES = 1000
_AT_ONCE = 2**22  # numbers drawn at a time where each pair needs one


def one_to_one(
    sources: np.ndarray, targets: np.ndarray, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    """Source i to target i."""
    del rng
    if len(sources) != len(targets):
        raise NESTErrors.DimensionMismatch(
            f"one_to_one connects equally many nodes, got {len(sources)} and {len(targets)}."
        )
    index = np.arange(len(sources))
    return _without_autapses(index, index, sources, targets, spec)


def all_to_all(
    sources: np.ndarray, targets: np.ndarray, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    """Every source to every target."""
    del rng
    post, pre = np.divmod(np.arange(len(sources) * len(targets)), max(1, len(sources)))
    return _without_autapses(pre, post, sources, targets, spec)


def fixed_indegree(
    sources: np.ndarray, targets: np.ndarray, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    """`indegree` sources for each target."""
    k = degrees(spec["indegree"], len(targets), "indegree", rng)
    pre = _choices(targets, sources, k, rng, spec, "indegree")
    return pre, np.repeat(np.arange(len(targets), dtype=np.int32), k)


def fixed_outdegree(
    sources: np.ndarray, targets: np.ndarray, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    """`outdegree` targets for each source."""
    k = degrees(spec["outdegree"], len(sources), "outdegree", rng)
    post = _choices(sources, targets, k, rng, spec, "outdegree")
    return np.repeat(np.arange(len(sources), dtype=np.int32), k), post


def fixed_total_number(
    sources: np.ndarray, targets: np.ndarray, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    """`N` pairs, each drawn anew."""
    n = int(spec["N"])
    if not spec.get("allow_multapses", True):
        return _distinct_pairs(sources, targets, n, rng, spec)
    pre, post = (rng.integers(len(x), size=n, dtype=np.int32) for x in (sources, targets))
    if not spec.get("allow_autapses", True):
        for _ in range(_TRIES):
            bad = np.flatnonzero(sources[pre] == targets[post])
            if not bad.size:
                break
            pre[bad] = rng.integers(len(sources), size=bad.size)
            post[bad] = rng.integers(len(targets), size=bad.size)
    order = np.argsort(post, kind="stable")
    return pre[order], post[order]


def _distinct_pairs(
    sources: np.ndarray, targets: np.ndarray, n: int, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    cells = np.arange(len(sources) * len(targets))
    if not spec.get("allow_autapses", True):
        post, pre = np.divmod(cells, len(sources))
        cells = cells[sources[pre] != targets[post]]
    if n > cells.size:
        raise NESTErrors.BadProperty(
            f"N is {n}, but without multapses there are {cells.size} pairs to connect."
        )
    post, pre = np.divmod(np.sort(rng.choice(cells, n, replace=False)), len(sources))
    return pre, post


def pairwise_bernoulli(
    sources: np.ndarray, targets: np.ndarray, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    """Each pair with probability `p`."""
    p = float(spec["p"])
    if not 0 <= p <= 1:
        raise NESTErrors.BadProperty(f"p is {p:g}; a connection probability is from 0 to 1.")
    post, pre = np.divmod(_successes(len(sources) * len(targets), p, rng), max(1, len(sources)))
    return _without_autapses(pre, post, sources, targets, spec)


def _successes(n: int, p: float, rng: Rng) -> np.ndarray:
    """Which of n trials succeed: by the gaps between these, so that failures cost nothing."""
    if p in (0.0, 1.0) or n == 0:
        return np.arange(n if p else 0)
    found, last = [], -1
    while last < n:
        expected = (n - last) * p
        gaps = rng.geometric(p, int(expected + 6 * np.sqrt(expected) + 16))
        found.append(last + np.cumsum(gaps))
        last = int(found[-1][-1])
    all_found = np.concatenate(found)
    return all_found[all_found < n]


def pairwise_poisson(
    sources: np.ndarray, targets: np.ndarray, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    """Each pair as often as a Poisson count of mean `pairwise_avg_num_conns` says."""
    counts = rng.poisson(float(spec["pairwise_avg_num_conns"]), len(sources) * len(targets))
    cells = np.repeat(np.arange(counts.size), counts)
    post, pre = np.divmod(cells, max(1, len(sources)))
    return _without_autapses(pre, post, sources, targets, spec)


def symmetric_pairwise_bernoulli(
    sources: np.ndarray, targets: np.ndarray, rng: Rng, spec: Mapping[str, Any]
) -> Pairs:
    """Each pair with probability `p`, once for both directions; `make_symmetric` adds the other."""
    if not spec.get("make_symmetric"):
        raise NESTErrors.BadProperty(
            "symmetric_pairwise_bernoulli needs 'make_symmetric': True in the connection spec."
        )
    if spec.get("allow_autapses", True):
        raise NESTErrors.BadProperty(
            "symmetric_pairwise_bernoulli needs 'allow_autapses': False in the connection spec."
        )
    if not spec.get("allow_multapses", True):
        raise NESTErrors.BadProperty(
            "symmetric_pairwise_bernoulli needs 'allow_multapses': True in the connection spec."
        )
    return pairwise_bernoulli(sources, targets, rng, {**spec, "allow_autapses": False})


RULES: Mapping[str, Callable[..., Pairs]] = {
    rule.__name__: rule
    for rule in (
        all_to_all,
        fixed_indegree,
        fixed_outdegree,
        fixed_total_number,
        one_to_one,
        pairwise_bernoulli,
        pairwise_poisson,
        symmetric_pairwise_bernoulli,
    )
}
NEEDS = {
    "fixed_indegree": "indegree",
    "fixed_outdegree": "outdegree",
    "fixed_total_number": "N",
    "pairwise_bernoulli": "p",
    "symmetric_pairwise_bernoulli": "p",
    "pairwise_poisson": "pairwise_avg_num_conns",
}
OPTIONS = {"rule", "allow_autapses", "allow_multapses", "make_symmetric"}
SPATIAL = {"mask", "use_on_source", "p", "allow_oversized_mask"}


def check(spec: Mapping[str, Any], *, spatial: bool) -> None:
    """Raise for a rule, or a parameter of it, that does not exist."""
    rule = str(spec.get("rule"))
    if rule not in RULES:
        raise NESTErrors.BadProperty(unknown_name("connectivity rule", rule, RULES))
    needs = NEEDS.get(rule, "rule")
    if needs not in spec and not (spatial and needs == "p"):
        raise NESTErrors.BadProperty(f"the rule {rule} needs {needs!r} in the connection spec.")
    allowed = OPTIONS | {needs} | (SPATIAL if spatial else set())
    wrong = sorted(set(spec) - allowed)
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"Unaccessed elements in conn_spec, in function Connect:  {' '.join(wrong)} "
            f"(the rule {rule} takes {', '.join(sorted(allowed - {'rule'}))})"
        )


def _without_autapses(
    pre: np.ndarray, post: np.ndarray, sources: np.ndarray, targets: np.ndarray, spec: Any
) -> Pairs:
    if spec.get("allow_autapses", True):
        return pre, post
    kept = sources[pre] != targets[post]
    return pre[kept], post[kept]


def degrees(value: Any, n: int, name: str, rng: Rng) -> np.ndarray:
    """How many partners each node has: a number, or a Parameter drawn for each."""
    from spikax_nest.pynest._parameter import Context, Parameter

    if isinstance(value, Parameter):
        value = np.rint(value.values(Context(rng=rng, n=n)))
    degrees = np.broadcast_to(np.asarray(value, np.int64), n)
    if np.any(degrees < 0):
        raise NESTErrors.BadProperty(f"{name} is {degrees.min()}; it must not be negative.")
    return degrees


def _choices(
    nodes: np.ndarray, pool: np.ndarray, k: np.ndarray, rng: Rng, spec: Mapping[str, Any], name: str
) -> np.ndarray:
    """For each node as many members of the pool as it asks for; indices, node by node."""
    autapses, multapses = spec.get("allow_autapses", True), spec.get("allow_multapses", True)
    if k.max(initial=0) == 0:
        return np.zeros(0, np.int64)
    own = np.isin(nodes, pool) & (not autapses)
    if not multapses and np.any(k > len(pool) - own):
        raise NESTErrors.BadProperty(
            f"{name.capitalize()} is {k.max()}, but without multapses a node has at most "
            f"{len(pool) - own.max()} partners."
        )
    if multapses and len(pool) == 1 and own.any():
        raise NESTErrors.BadProperty("without autapses there is no partner to choose.")
    draw = _with_repeats if multapses else _without_repeats
    return draw(nodes, pool, k, rng, autapses)


def _with_repeats(
    nodes: np.ndarray, pool: np.ndarray, k: np.ndarray, rng: Rng, autapses: bool
) -> np.ndarray:
    nodes, pool = (ids.astype(np.int32) for ids in (nodes, pool))  # there can be very many
    chosen = rng.integers(len(pool), size=int(k.sum()), dtype=np.int32)
    owners = chosen if autapses else np.repeat(nodes, k)
    while not autapses:
        bad = np.flatnonzero(pool[chosen] == owners)
        if not bad.size:
            break
        chosen[bad] = rng.integers(len(pool), size=bad.size)
    return chosen


def _without_repeats(
    nodes: np.ndarray, pool: np.ndarray, k: np.ndarray, rng: Rng, autapses: bool
) -> np.ndarray:
    found, rows = list[np.ndarray](), max(1, _AT_ONCE // len(pool))
    for first in range(0, len(nodes), rows):
        some, counts = nodes[first : first + rows], k[first : first + rows]
        keys = rng.random((len(some), len(pool)))
        if not autapses:
            keys[some[:, None] == pool[None]] = 2.0  # last of all
        order = np.argsort(keys, axis=1)
        found.append(order[np.arange(len(pool))[None] < counts[:, None]])
    return np.concatenate(found)
