"""Connection rules: exact degrees, the laws of the random ones, and what they must never make."""

import sys

import numpy as np
import pytest
from scipy import stats

from spikax import _blocks, _sampling
from spikax._connectivity import (
    all_to_all,
    explicit,
    fixed_indegree,
    fixed_outdegree,
    fixed_total_number,
    one_to_one,
    pairwise_bernoulli,
    pairwise_poisson,
    symmetric_pairwise_bernoulli,
)
from spikax.errors import ConfigError, ShapeError

N = 60
NO_AUTAPSES = {"allow_autapses": False}
NO_MULTAPSES = {"allow_multapses": False}
NEITHER = NO_AUTAPSES | NO_MULTAPSES

# Below and above the eighth and the half of a row, where the way to draw distinct cells changes.
DEGREES = (1, 7, 25, 45)
FIXED = [
    make(k, **options)
    for make in (fixed_indegree, fixed_outdegree)
    for k in DEGREES
    for options in ({}, NO_AUTAPSES, NO_MULTAPSES, NEITHER)
]
TOTALS = [
    fixed_total_number(n, **options)
    for n in (50, 900, 3000)
    for options in ({}, NO_AUTAPSES, NO_MULTAPSES, NEITHER)
]
PAIRWISE = [
    pairwise_bernoulli(0.1),
    pairwise_bernoulli(0.7, allow_autapses=False),
    pairwise_poisson(0.4),
    pairwise_poisson(2.5, allow_autapses=False),
    symmetric_pairwise_bernoulli(0.3),
]
WHOLE = [
    one_to_one(),
    one_to_one(allow_autapses=False),
    all_to_all(),
    all_to_all(allow_autapses=False),
    explicit([5, 3, 5, 3], [1, 2, 0, 2]),
]
RULES = [*FIXED, *TOTALS, *PAIRWISE, *WHOLE]


@pytest.fixture(params=[_blocks.BLOCK, 83], ids=["whole", "in blocks"])
def block(request, monkeypatch):
    """Synapses at a time: all of these small networks, or a few of their rows."""
    monkeypatch.setattr(_blocks, "BLOCK", request.param)


def draw(rule, seed=0, n_pre=N, n_post=N, same=True):
    return rule.sample(n_pre, n_post, np.random.default_rng(seed), same=same)


def counts(rule, draws, n_pre=N, n_post=N, same=True):
    """Number of synapses of each pair, (draws, n_pre, n_post)."""
    result = np.zeros((draws, n_pre, n_post), int)
    for seed in range(draws):
        pairs = draw(rule, seed, n_pre, n_post, same)
        np.add.at(result[seed], (pairs.pre, pairs.post), 1)
    return result


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_every_rule_gives_sorted_pairs_in_range_again_and_again(rule):
    pairs, again = draw(rule), draw(rule)
    for index, other in ((pairs.pre, again.pre), (pairs.post, again.post)):
        assert index.dtype == np.int32
        assert np.array_equal(index, other)
        assert not index.size or (index.min() >= 0 and index.max() < N)
    cells = pairs.pre.astype(int) * N + pairs.post
    assert np.all(np.diff(cells) >= 0)
    assert (pairs.n_pre, pairs.n_post, len(pairs)) == (N, N, cells.size)
    if not getattr(rule, "allow_autapses", True):
        assert not np.any(pairs.pre == pairs.post)
    if not getattr(rule, "allow_multapses", isinstance(rule, pairwise_poisson | explicit)):
        assert np.all(np.diff(cells) > 0)


@pytest.mark.parametrize("rule", [*FIXED, *PAIRWISE[:2]], ids=repr)
def test_another_seed_gives_other_pairs(rule):
    assert not np.array_equal(draw(rule, 0).post, draw(rule, 1).post)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("rule", FIXED, ids=repr)
@pytest.mark.parametrize(("n_pre", "n_post", "same"), [(N, N, True), (50, 80, False)])
def test_fixed_degrees_are_exact(rule, n_pre, n_post, same):
    pairs = draw(rule, 0, n_pre, n_post, same)
    fixed, size = (pairs.post, n_post) if isinstance(rule, fixed_indegree) else (pairs.pre, n_pre)
    assert np.array_equal(np.bincount(fixed, minlength=size), np.full(size, rule.k))


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("rule", TOTALS, ids=repr)
def test_fixed_total_is_exact(rule):
    assert len(draw(rule)) == rule.n


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("rule", [*FIXED, *TOTALS], ids=repr)
def test_partners_are_uniform(rule):
    """Over many draws every pair is as frequent as any other.

    Without multapses a pair occurs at most once, which lowers the variance by 1 - share.
    """
    draws, n_pre, n_post = 200, 50, 60
    if isinstance(rule, fixed_total_number) and rule.n > n_pre * n_post * 0.95:
        rule = fixed_total_number(2000, allow_multapses=rule.allow_multapses)
    total = counts(rule, draws, n_pre, n_post, same=False).sum(0).ravel()
    expected = total.sum() / total.size
    spread = 1.0 if rule.allow_multapses else 1 - expected / draws
    statistic = np.sum((total - expected) ** 2) / expected / spread
    freedom = total.size - {fixed_indegree: n_post, fixed_outdegree: n_pre}.get(type(rule), 1)
    assert 0.001 < stats.chi2(freedom).cdf(statistic) < 0.999


@pytest.mark.parametrize("rule", [*FIXED[:3], TOTALS[4], *PAIRWISE], ids=repr)
def test_what_a_seed_gives_does_not_depend_on_the_cores(rule, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 83)
    drawn = []
    for cores in (1, 3):
        monkeypatch.setattr(_blocks, "cores", lambda cores=cores: cores)
        drawn.append(draw(rule))
    assert np.array_equal(drawn[0].degrees, drawn[1].degrees)
    assert np.array_equal(drawn[0].post, drawn[1].post)


def test_subsets_without_multapses_are_equally_likely():
    """All ten ways to choose two of five, and two of five to leave out, come up alike."""
    for k in (2, 3):
        rule = fixed_outdegree(k, allow_multapses=False)
        pairs = draw(rule, 0, 20_000, 5, same=False)
        ways = np.sum(2 ** pairs.post.reshape(-1, k).astype(int), axis=1)
        found = np.unique(ways, return_counts=True)[1]
        assert found.size == 10
        assert stats.chisquare(found).pvalue > 0.01


def test_sparse_rows_redraw_without_bias():
    """The way for few cells of a row, with rows short enough that cells come up again."""
    cells = _sampling.distinct(np.random.default_rng(3), 40_000, 24, 3)
    rows = (cells % 24).reshape(-1, 3)
    assert np.array_equal(cells // 24, np.repeat(np.arange(40_000), 3))
    ways = np.unique(np.sum(2**rows, axis=1), return_counts=True)[1]
    assert ways.size == 24 * 23 * 22 // 6
    assert stats.chisquare(ways).pvalue > 0.01


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("p", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("autapses", [True, False])
def test_bernoulli_is_binomial_in_every_direction(p, autapses):
    draws = 200
    found = counts(pairwise_bernoulli(p, allow_autapses=autapses), draws)
    allowed = np.ones((N, N), bool) if autapses else ~np.eye(N, dtype=bool)
    assert found.max() <= 1
    assert not found[:, ~allowed].any()
    frequency = found.sum(0)[allowed]
    statistic = np.sum((frequency - draws * p) ** 2) / (draws * p * (1 - p))
    assert 0.001 < stats.chi2(frequency.size).cdf(statistic) < 0.999
    trials = N if autapses else N - 1
    for axis in (1, 2):
        degrees = found.sum(axis).ravel()
        assert fits(degrees, stats.binom(trials, p))
    total = stats.binom(draws * N * trials, p)
    assert 0.001 < total.cdf(found.sum()) < 0.999


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("mean", [0.05, 0.8, 3.0])
def test_pairwise_poisson_is_poisson(mean):
    found = counts(pairwise_poisson(mean), 50, 40, 60, same=False)
    assert fits(found.ravel(), stats.poisson(mean))
    assert fits(found.sum(1).ravel(), stats.poisson(40 * mean))
    assert fits(found.sum(2).ravel(), stats.poisson(60 * mean))


def fits(values, law, least=5):
    """Chi-square test against a discrete law, rare values pooled; True if it is not rejected."""
    edges = np.unique(law.ppf(np.linspace(0, 1, 22)[1:-1]))
    observed = np.bincount(np.searchsorted(edges, values), minlength=edges.size + 1)
    expected = np.diff(np.concatenate([[0], law.cdf(edges), [1]])) * values.size
    keep = expected >= least
    observed = np.append(observed[keep], observed[~keep].sum() + 1e-9)
    expected = np.append(expected[keep], expected[~keep].sum() + 1e-9)
    return stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-3


def test_symmetric_is_symmetric():
    found = counts(symmetric_pairwise_bernoulli(0.3), 100)
    assert np.array_equal(found, found.swapaxes(1, 2))
    assert found.max() == 1
    assert not np.trace(found, axis1=1, axis2=2).any()
    upper = found[:, *np.triu_indices(N, 1)]
    assert fits(upper.sum(1), stats.binom(upper.shape[1], 0.3), least=2)
    statistic = np.sum((upper.sum(0) - 30) ** 2) / (100 * 0.3 * 0.7)
    assert 0.001 < stats.chi2(upper.shape[1]).cdf(statistic) < 0.999


@pytest.mark.usefixtures("block")
def test_empty_and_full():
    for empty in (
        pairwise_bernoulli(0.0),
        pairwise_poisson(0.0),
        symmetric_pairwise_bernoulli(0.0),
        fixed_indegree(0),
        fixed_outdegree(0, allow_multapses=False),
        fixed_total_number(0),
        fixed_total_number(0, allow_multapses=False),
        explicit([], []),
    ):
        assert len(draw(empty)) == 0
    full = draw(all_to_all())
    assert full.dense
    for rule in (
        pairwise_bernoulli(1.0),
        fixed_indegree(N, allow_multapses=False),
        fixed_outdegree(N, allow_multapses=False),
        fixed_total_number(N * N, allow_multapses=False),
    ):
        pairs = draw(rule)
        assert np.array_equal(pairs.pre, full.pre)
        assert np.array_equal(pairs.post, full.post)
    others = draw(all_to_all(allow_autapses=False))
    both = draw(symmetric_pairwise_bernoulli(1.0))
    assert not others.dense
    assert np.array_equal(others.pre, both.pre)
    assert np.array_equal(others.post, both.post)
    assert len(others) == N * (N - 1)


def test_autapses_exist_within_one_population_only():
    for rule in (all_to_all(**NO_AUTAPSES), one_to_one(**NO_AUTAPSES)):
        assert np.any(draw(rule, same=False).pre == draw(rule, same=False).post)
    rule = fixed_indegree(5, **NEITHER)
    assert np.bincount(draw(rule, 0, 5, 3, same=False).pre).sum() == 15


def test_more_than_65536_targets_sort_as_few():
    pairs = draw(fixed_indegree(2), 0, 200_000, 70_000, same=False)
    assert np.all(np.diff(pairs.pre.astype(int) * 70_000 + pairs.post) >= 0)
    assert np.array_equal(np.bincount(pairs.post), np.full(70_000, 2))
    assert fits(np.bincount(pairs.pre, minlength=200_000), stats.binom(140_000, 1 / 200_000))


def test_an_explicit_list_says_where_its_synapses_went():
    pre, post = np.array([5, 3, 5, 3]), np.array([1, 2, 0, 2])
    pairs = draw(explicit(pre, post))
    assert pairs.pre.tolist() == [3, 3, 5, 5]
    assert pairs.post.tolist() == [2, 2, 0, 1]
    assert pairs.order.tolist() == [1, 3, 2, 0]
    assert draw(explicit([0, 1], [1, 0])).order is None
    assert explicit([0, 1], [1, 0]) == explicit(np.array([0, 1]), [1, 0]) != explicit([0], [1])


def test_rules_print_and_compare_as_written():
    assert repr(explicit([0, 1], [1, 0])) == "explicit(<2 synapses>)"
    assert repr(symmetric_pairwise_bernoulli(0.1)) == "symmetric_pairwise_bernoulli(p=0.1)"
    assert fixed_indegree(10) == fixed_indegree(10) != fixed_indegree(10, allow_autapses=False)


def count_lines(rule, n):
    """Lines of spikax that run while `n` neurons are connected."""
    lines = 0

    def local(frame, event, arg):
        nonlocal lines
        lines += event == "line"
        return local

    def trace(frame, event, arg):
        return local if "spikax" in frame.f_code.co_filename else None

    sys.settrace(trace)
    try:
        draw(rule, 0, n, n)
    finally:
        sys.settrace(None)
    return lines


@pytest.mark.parametrize(
    "rule",
    [
        one_to_one(),
        all_to_all(),
        *(
            make(9, **options)
            for make in (fixed_indegree, fixed_outdegree)
            for options in ({}, NEITHER)
        ),
        fixed_indegree(25, allow_multapses=False),
        pairwise_bernoulli(0.1),
        pairwise_poisson(0.1),
        symmetric_pairwise_bernoulli(0.1),
    ],
    ids=repr,
)
def test_no_python_loop_runs_over_synapses_or_neurons(rule):
    """A hundred times the synapses add a few rounds of redrawing at most, of nine lines each."""
    few, many = count_lines(rule, 50), count_lines(rule, 1500)
    assert few > 3
    assert many - few < 120


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: pairwise_bernoulli(1.5), ConfigError, r"pairwise_bernoulli\(p=1.5.*\[0, 1\]"),
        (lambda: pairwise_bernoulli(-0.1), ConfigError, r"\[0, 1\]"),
        (lambda: pairwise_bernoulli(float("nan")), ConfigError, r"\[0, 1\]"),
        (lambda: symmetric_pairwise_bernoulli(2), ConfigError, r"\[0, 1\]"),
        (lambda: pairwise_poisson(-1), ConfigError, "0 or more"),
        (lambda: pairwise_poisson(float("inf")), ConfigError, "finite"),
        (lambda: fixed_indegree(-1), ConfigError, "integer, 0 or more"),
        (lambda: fixed_outdegree(2.5), ConfigError, "integer"),
        (lambda: fixed_total_number(True), ConfigError, "integer"),
        (lambda: explicit([0.5], [1]), ConfigError, r"explicit\.pre .* indices"),
        (lambda: explicit([[0]], [[1]]), ConfigError, r"shape \(1, 1\)"),
        (lambda: explicit([0, 1], [1]), ShapeError, "2 sources and 1 targets"),
        (lambda: draw(explicit([0, N], [1, 1])), ShapeError, rf"0 to {N}; the population has {N}"),
        (lambda: draw(explicit([0], [-1])), ShapeError, r"explicit\.post .* -1"),
        (lambda: draw(one_to_one(), 0, 3, 4, False), ShapeError, "3 and 4 neurons"),
        (lambda: draw(fixed_indegree(N + 1, **NO_MULTAPSES)), ConfigError, f"only {N} possible"),
        (lambda: draw(fixed_indegree(N, **NEITHER)), ConfigError, f"only {N - 1} possible"),
        (lambda: draw(fixed_outdegree(4, **NO_MULTAPSES), 0, 9, 3, False), ConfigError, "only 3"),
        (
            lambda: draw(fixed_total_number(10, **NO_MULTAPSES), 0, 3, 3),
            ConfigError,
            "only 9 pairs",
        ),
        (lambda: draw(fixed_indegree(2, **NO_AUTAPSES), 0, 1, 1), ConfigError, "no possible"),
        (lambda: draw(symmetric_pairwise_bernoulli(0.1), same=False), ConfigError, "with itself"),
        (lambda: draw(all_to_all(), 0, 10**5, 10**5), ConfigError, "more than 2147483647"),
        (lambda: draw(fixed_indegree(30_000), 0, 10**5, 10**5), ConfigError, "more than"),
        (lambda: draw(pairwise_bernoulli(0.3), 0, 10**5, 10**5), ConfigError, "3e.09 synapses"),
    ],
)
def test_what_makes_no_connection_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
