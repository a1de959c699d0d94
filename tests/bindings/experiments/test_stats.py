"""Statistics: against independent implementations, and what they promise."""

import numpy as np
import pytest

from libllm.experiments import stats


def vectors(scores):
    return np.column_stack([scores, np.ones(len(scores))])


@pytest.mark.parametrize("k,n,low,high", [(0, 10, 0.0, 0.2775), (3, 10, 0.1078, 0.6032), (10, 10, 0.7225, 1.0)])
def test_wilson_is_the_published_interval(k, n, low, high):
    assert stats.wilson(k, n) == pytest.approx((low, high), abs=5e-4)


def test_wilson_of_a_fraction_lies_between_its_neighbours():
    assert stats.wilson(3, 10)[0] < stats.wilson(3.5, 10)[0] < stats.wilson(4, 10)[0]


def test_statsmodels_agrees():
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed")
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    multiple = pytest.importorskip("statsmodels.stats.multitest")
    for k, n in [(0, 7), (5, 9), (199, 200)]:
        assert stats.wilson(k, n) == pytest.approx(proportion.proportion_confint(k, n, method="wilson"), abs=1e-9)
    for b, c in [(0, 0), (1, 8), (12, 5), (30, 30)]:
        assert stats.mcnemar(b, c) == pytest.approx(tables.mcnemar([[3, b], [c, 4]], exact=True).pvalue)
    p = [0.04, 0.001, 0.03, 0.2, 0.01]
    assert stats.holm(p) == pytest.approx(multiple.multipletests(p, method="holm")[1])


def test_seeds_of_an_item_do_not_count_as_items():
    """Ten copies of each item say no more than one of each."""
    scores = np.random.default_rng(1).integers(0, 2, 40)
    once = stats.estimate(vectors(scores), binary=True, n_distinct=10)
    assert once.method == "bootstrap over items"
    wilson = stats.estimate(vectors(scores), binary=True)
    assert once.high - once.low == pytest.approx(wilson.high - wilson.low, rel=0.15)


def test_items_that_all_agree_have_no_interval_of_width_zero():
    assert stats.estimate(vectors(np.ones(20)), binary=True, n_distinct=3).low < 0.9


def test_bootstrap_covers_the_mean():
    rng, inside = np.random.default_rng(5), 0
    for i in range(200):
        low, high = stats.bootstrap(vectors(rng.normal(3, 1, 50)), seed=i, n_resamples=500)
        inside += low <= 3 <= high
    assert 0.88 * 200 <= inside <= 200


def test_mcnemar_finds_what_is_there_and_only_that():
    a, b = vectors([0] * 15 + [1] * 5), vectors([1] * 12 + [0] * 3 + [1] * 5)
    found = stats.paired(a, b, binary=True)
    assert (found.only_a, found.only_b, found.n_items) == (0, 12, 20)
    assert found.p == pytest.approx(2 * 0.5**12) and found.difference == pytest.approx(0.6)
    assert found.low > 0
    assert stats.paired(a, a, binary=True).p == 1


def test_exchanges_agree_with_the_paired_t_test():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(2)
    a = rng.normal(size=80)
    b = a + rng.normal(0.15, 0.5, 80)
    found = stats.paired(vectors(a), vectors(b))
    assert found.p == pytest.approx(ttest_rel(b, a).pvalue, abs=0.02)
    assert found.low < found.difference < found.high


def test_draws_are_shared_and_change_nothing():
    """All cells of a run see the same draws, so that they are drawn once; a comparison is what it is by itself."""
    rng = np.random.default_rng(4)
    cells = [vectors(rng.normal(size=50)), vectors(rng.normal(0.2, 1, 50)), vectors(rng.normal(0.5, 1, 50))]
    draws = stats.Draws(cells)
    for a, b in [(0, 1), (2, 0), (1, 2)]:
        alone, shared = stats.paired(cells[a], cells[b]), stats.paired(cells[a], cells[b], draws=draws, places=(a, b))
        assert (shared.low, shared.high) == pytest.approx((alone.low, alone.high), rel=1e-12) and shared.p == alone.p
    alone, shared = stats.estimate(cells[1]), stats.estimate(cells[1], draws=draws, place=1)
    assert (shared.value, shared.low, shared.high) == pytest.approx((alone.value, alone.low, alone.high), rel=1e-12)
    assert draws.resampled[0] is draws.resampled[0]


def test_the_smallest_difference_has_the_power_that_it_says():
    rng, n, disagreement = np.random.default_rng(3), 100, 0.4
    d = stats.smallest_difference(n, disagreement)
    found = 0
    for _ in range(1000):
        kind = rng.choice(3, size=n, p=[(disagreement + d) / 2, (disagreement - d) / 2, 1 - disagreement])
        found += stats.mcnemar(int((kind == 0).sum()), int((kind == 1).sum())) <= 0.05
    assert 0.76 < found / 1000 < 0.84


def test_more_items_find_smaller_differences_and_more_tests_larger_ones():
    assert stats.smallest_difference(400) < stats.smallest_difference(200)
    assert stats.smallest_difference(200, n_tests=10) > stats.smallest_difference(200)
    assert stats.smallest_difference(5) is None


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="k is 11, expected 0 to n = 10"):
        stats.wilson(11, 10)
    with pytest.raises(ValueError, match="3 and 2 items"):
        stats.paired(vectors([1, 0, 1]), vectors([1, 0]))
