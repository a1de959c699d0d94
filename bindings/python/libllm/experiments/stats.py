"""Intervals, paired tests and power. Everything is counted by item: several seeds of one item are averaged first,
because they are not independent items. All resampling is seeded, so that a table can be made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize, stats

RESAMPLES = 10_000
Combine = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, and how the interval was made."""

    value: float
    low: float
    high: float
    method: str


@dataclass(frozen=True)
class Paired:
    """The difference b - a over the same items."""

    difference: float
    low: float
    high: float
    p: float
    test: str
    n_items: int
    only_a: int | None = None  # items that only a has right; None if scores are not 0 or 1
    only_b: int | None = None


def mean(sums: np.ndarray) -> np.ndarray:
    """The usual combination: sums are [..., (score, count)]."""
    return sums[..., 0] / sums[..., 1]


def wilson(k: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of k successes in n; k may be fractional (averages over seeds)."""
    if n < 1:
        raise ValueError(f"wilson: n is {n}, expected at least 1 item")
    if not 0 <= k <= n:
        raise ValueError(f"wilson: k is {k}, expected 0 to n = {n}")
    if k == int(k):
        interval = stats.binomtest(int(k), n).proportion_ci(confidence, method="wilson")
        return float(interval.low), float(interval.high)
    z, p = float(stats.norm.ppf(0.5 + confidence / 2)), k / n
    middle, width = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float((middle - width) / (1 + z * z / n)), float((middle + width) / (1 + z * z / n))


def _resampled(vectors: np.ndarray, seed: int, n_resamples: int) -> np.ndarray:
    """Sums of statistics [n_items, k] over resampled items: [n_resamples, k]."""
    rng, n = np.random.default_rng(seed), len(vectors)
    step = max(1, 4_000_000 // n)
    parts = []
    for begin in range(0, n_resamples, step):
        counts = rng.multinomial(n, np.full(n, 1 / n), size=min(step, n_resamples - begin))
        parts.append(counts @ vectors)
    return np.concatenate(parts)


def mcnemar(only_a: int, only_b: int) -> float:
    """The exact two-sided p of McNemar's test."""
    n = only_a + only_b
    return 1.0 if n == 0 else float(stats.binomtest(only_a, n, 0.5).pvalue)


def _bonett_price(only_a: int, only_b: int, n: int, confidence: float) -> tuple[float, float]:
    """Interval of a difference of paired proportions (Bonett and Price, 2012)."""
    a, b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    width = float(stats.norm.ppf(0.5 + confidence / 2)) * float(np.sqrt((a + b - (b - a) ** 2) / (n + 2)))
    return max(-1.0, b - a - width), min(1.0, b - a + width)


def _exchanged(vectors: np.ndarray, seed: int, n_resamples: int) -> np.ndarray:
    """Sums of statistics [n_items, k] over random halves of the items, those that are exchanged: [n_resamples, k]."""
    rng, n = np.random.default_rng(seed), len(vectors)
    step = max(1, 4_000_000 // n)
    parts = []
    for begin in range(0, n_resamples, step):
        parts.append(rng.integers(0, 2, size=(min(step, n_resamples - begin), n)).astype(float) @ vectors)
    return np.concatenate(parts)


class Draws:
    """What is drawn over the items of several cells, once for all of them: the draws are those of the seed, whatever is
    compared, and take most of the time. vectors: of each cell, [n_items, k]."""

    def __init__(self, vectors: Sequence[np.ndarray], seed: int = 0, n_resamples: int = RESAMPLES) -> None:
        self.n_resamples = n_resamples
        self._of = [np.asarray(v, float) for v in vectors]
        self._ends = np.cumsum([v.shape[1] for v in self._of])[:-1]
        self._seed = seed

    @cached_property
    def resampled(self) -> list[np.ndarray]:
        """Sums over items drawn with repetition, by cell."""
        return np.split(_resampled(np.concatenate(self._of, axis=1), self._seed, self.n_resamples), self._ends, axis=1)

    @cached_property
    def exchanged(self) -> list[np.ndarray]:
        """Sums over the items that are exchanged with another cell, by cell."""
        return np.split(_exchanged(np.concatenate(self._of, axis=1), self._seed, self.n_resamples), self._ends, axis=1)

    def interval(self, values: np.ndarray, confidence: float) -> tuple[float, float]:
        low, high = np.nanquantile(values, [0.5 - confidence / 2, 0.5 + confidence / 2])
        return float(low), float(high)


def _whole(vectors: np.ndarray) -> bool:
    """Whether every item is right in all of its samples or in none."""
    scores = vectors[:, 0] / vectors[:, 1]
    return bool(np.isin(scores, (0, 1)).all())


def bootstrap(
    vectors: np.ndarray, combine: Combine = mean, confidence: float = 0.95, seed: int = 0, n_resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Percentile interval of combine(sum over items); vectors [n_items, k] holds one row an item, so that seeds of
    one item stay together."""
    draws = Draws([vectors], seed, n_resamples)
    return draws.interval(combine(draws.resampled[0]), confidence)


def estimate(
    vectors: np.ndarray,
    combine: Combine = mean,
    binary: bool = False,
    n_distinct: int = 1,
    confidence: float = 0.95,
    draws: Draws | None = None,
    place: int = 0,
) -> Estimate:
    """The value of a cell. binary with one distinct sample an item: Wilson. Otherwise the bootstrap over items; where
    all items agree on 0 or 1, which no resampling widens, Wilson over the items. draws: those in which the cell has
    this place; None: its own."""
    vectors = np.asarray(vectors, float)
    value = float(combine(vectors.sum(axis=0)))
    if binary:
        scores = vectors[:, 0] / vectors[:, 1]
        if n_distinct == 1 or np.ptp(scores) == 0:
            return Estimate(value, *wilson(float(np.round(scores.sum(), 9)), len(scores), confidence), "wilson")
    draws = draws or Draws([vectors])
    return Estimate(value, *draws.interval(combine(draws.resampled[place]), confidence), "bootstrap over items")


def paired(
    a: np.ndarray,
    b: np.ndarray,
    combine: Combine = mean,
    binary: bool = False,
    n_distinct: int = 1,
    confidence: float = 0.95,
    draws: Draws | None = None,
    places: tuple[int, int] = (0, 1),
) -> Paired:
    """Compares b with a; row i of both is the same item. Binary with one distinct sample an item: McNemar's exact
    test, also where the seeds of each item agree. Otherwise the paired bootstrap over items for the interval and
    exchanges within items for p. draws: those in which the two have these places; None: their own."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or not len(a):
        raise ValueError(f"paired: {len(a)} and {len(b)} items, expected the same items, at least one")
    n, value = len(a), float(combine(b.sum(axis=0)) - combine(a.sum(axis=0)))
    if binary and (n_distinct == 1 or _whole(a) and _whole(b)):
        right_a, right_b = a[:, 0] / a[:, 1] > 0.5, b[:, 0] / b[:, 1] > 0.5
        only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
        low, high = _bonett_price(only_a, only_b, n, confidence)
        return Paired(value, low, high, mcnemar(only_a, only_b), "McNemar, exact", n, only_a, only_b)
    draws, (at_a, at_b) = draws or Draws([a, b]), places
    interval = draws.interval(combine(draws.resampled[at_b]) - combine(draws.resampled[at_a]), confidence)
    moved = draws.exchanged[at_b] - draws.exchanged[at_a]
    null = np.abs(combine(b.sum(axis=0) - moved) - combine(a.sum(axis=0) + moved))  # if the labels mean nothing
    p = float((1 + (null >= abs(value) - 1e-12).sum()) / (1 + draws.n_resamples))
    return Paired(value, *interval, p, "exchange within items, bootstrap over items", n)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for the family they form (Holm, 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def _mcnemar_power(n: int, disagreement: float, difference: float, alpha: float) -> float:
    """Chance that the exact test finds a true difference, if the two disagree on this share of the items."""
    d = np.arange(n + 1)
    weight = stats.binom.pmf(d, n, disagreement)
    d, weight = d[weight > 1e-12], weight[weight > 1e-12]
    critical = stats.binom.ppf(alpha / 2, d, 0.5)  # the smallest c with a tail of at least alpha / 2
    critical = np.where(stats.binom.cdf(critical, d, 0.5) > alpha / 2, critical - 1, critical)
    share = (disagreement + difference) / (2 * disagreement)
    reject = stats.binom.cdf(critical, d, share) + stats.binom.sf(d - critical - 1, d, share)
    return float((weight * np.where(critical < 0, 0.0, reject)).sum())


def smallest_difference(
    n_items: int, disagreement: float = 0.5, power: float = 0.8, alpha: float = 0.05, n_tests: int = 1
) -> float | None:
    """The smallest difference of two accuracies that McNemar's exact test finds with this power on n_items pairs, the
    worst of n_tests under Holm's correction. disagreement: the share of items that just one of the two has right; 0.5
    is that of two coin flips. None: not even a difference as large as the disagreement."""
    alpha = alpha / n_tests
    if n_items < 1 or _mcnemar_power(n_items, disagreement, disagreement, alpha) < power:
        return None
    return float(
        optimize.brentq(lambda x: _mcnemar_power(n_items, disagreement, x, alpha) - power, 0, disagreement, xtol=1e-5)
    )


def smallest_effect(n_items: int, power: float = 0.8, alpha: float = 0.05, n_tests: int = 1) -> float:
    """The same for scores that are not 0 or 1, in standard deviations of the paired differences (normal theory)."""
    return float((stats.norm.ppf(1 - alpha / n_tests / 2) + stats.norm.ppf(power)) / np.sqrt(n_items))
