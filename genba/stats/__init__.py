"""How sure a figure is: intervals, comparisons of agents and corrections for many claims.

Seeds are the unit that is resampled: within one seed people, parts and faults go together, so parts
or hours are no independent trials. Every agent plays the same seeds and every interval of one size
uses the same resamples, so differences are paired. The exact bounds are in genba/exact.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, isfinite
from typing import Literal

import numpy as np
from scipy.stats import trim_mean

from genba.kpi.figure import Array, Pool, evaluate
from genba.kpi.figures import FIGURES, figures
from genba.kpi.tally import SUMS, Tally, add
from genba.stats.exact import clopper_pearson, poisson_interval

CONFIDENCE = 0.95
TAILS = ((1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0)
RESAMPLES = 2000
BINS = 512  # of cycle times in resampling; the value itself is exact


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval; None where undefined, unbounded or not known from n seeds."""

    value: float | None
    low: float | None
    high: float | None
    n: int  # seeds
    p: float | None = None  # of "no difference", two-sided; only from `paired`


def intervals(
    tallies: Sequence[Tally],
    names: Iterable[str] = FIGURES,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Interval]:
    """Figures of `tallies`, one a seed, pooled, each with its interval.

    The interval is the percentile bootstrap over seeds; for a figure with an exact law (counts per
    exposure, so many of so many) it is the wider of that and the exact one, so that neither zero
    events nor ten equal seeds look certain. Greatest and least values, and bounds, have none.
    """
    names = list(names)
    unknown = [n for n in names if n not in FIGURES]
    if unknown:
        raise ValueError(f"no figure is called '{unknown[0]}'")
    pooled = add(tallies)
    values = figures(pooled)
    drawn = _Drawn(tallies, _weights(len(tallies), resamples, seed))
    found = {}
    for name in names:
        pool = FIGURES[name].pool
        low, high = _wider(_percentiles(drawn.values(pool)), _exact(pool, pooled["sums"]))
        found[name] = Interval(values[name], _known(low), _known(high), len(tallies))
    return found


def interval(
    tallies: Sequence[Tally], name: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """One figure of `tallies` (one a seed), pooled, with its interval; see `intervals`."""
    return intervals(tallies, [name], resamples=resamples, seed=seed)[name]


def paired(
    ours: Sequence[Tally],
    theirs: Sequence[Tally],
    name: str,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Figure of `ours` minus that of `theirs`, both on the same seeds in the same order."""
    if len(ours) != len(theirs):
        raise ValueError(f"paired agents need the same seeds: {len(ours)} against {len(theirs)}")
    weights = _weights(len(ours), resamples, seed)
    pool = FIGURES[name].pool
    a, b = figures(add(ours))[name], figures(add(theirs))[name]
    with np.errstate(invalid="ignore"):  # infinite minus infinite is unknown, not a fault
        drawn = _Drawn(ours, weights).values(pool) - _Drawn(theirs, weights).values(pool)
    low, high = _percentiles(drawn)
    value = None if a is None or b is None else a - b
    return Interval(value, _known(low), _known(high), len(ours), _p_value(drawn))


def paired_ratio(
    ours: Sequence[Tally],
    theirs: Sequence[Tally],
    name: str,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Figure of `ours` over that of `theirs`, both on the same seeds in the same order."""
    if len(ours) != len(theirs):
        raise ValueError(f"paired agents need the same seeds: {len(ours)} against {len(theirs)}")
    weights = _weights(len(ours), resamples, seed)
    pool = FIGURES[name].pool
    a, b = figures(add(ours))[name], figures(add(theirs))[name]
    with np.errstate(invalid="ignore", divide="ignore"):  # over nothing is unknown, not a fault
        drawn = _Drawn(ours, weights).values(pool) / _Drawn(theirs, weights).values(pool)
    low, high = _percentiles(drawn)
    value = None if a is None or not b else a / b
    return Interval(value, _known(low), _known(high), len(ours))


def _p_value(drawn: Array) -> float | None:
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return None
    least = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2.0 * (least + 1) / (len(drawn) + 1))


@lru_cache(maxsize=8)
def _weights(n: int, resamples: int, seed: int) -> Array:
    """How often each of n seeds was drawn, (resamples, n); none where n seeds tell no spread."""
    if n < 2:
        return np.zeros((0, n))
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=resamples)
    weights = drawn.astype(np.float64)
    weights.setflags(write=False)  # it is kept for the next figure
    return weights


class _Drawn:
    """The tallies of every resample at once: sums of seeds are one product of matrices."""

    def __init__(self, tallies: Sequence[Tally], weights: Array) -> None:
        rows = np.array([[t["sums"].get(k, 0.0) for k in SUMS] for t in tallies])
        drawn = weights @ rows.reshape(len(tallies), len(SUMS))
        self.columns = dict(zip(SUMS, drawn.T, strict=True))
        self.tallies, self.weights = tallies, weights

    def values(self, pool: Pool) -> Array:
        """The figure of each resample; none where resampling says nothing about it."""
        if pool.kind in ("max", "min", "bound"):
            return np.zeros(0)
        if pool.kind == "percentile":
            return self._percentile_95()
        return evaluate(pool, self.columns)

    def _percentile_95(self) -> Array:
        times = np.array(sorted({c for t in self.tallies for c in t["cycle_times"]}))
        if not len(times) or not len(self.weights):
            return np.zeros(0)
        if len(times) > BINS:  # the upper edges of bins that hold about equally many
            times = np.unique(times[np.linspace(0, len(times) - 1, BINS).round().astype(int)])
        counts = np.zeros((len(self.tallies), len(times)))
        for row, t in zip(counts, self.tallies, strict=True):
            np.add.at(row, np.searchsorted(times, t["cycle_times"]), 1.0)
        reached = np.cumsum(self.weights @ counts, axis=1)
        total = reached[:, -1]
        # The least time that 95 % do not exceed; 1e-9 of a cycle absorbs 0.95 not being exact.
        first = (reached < (0.95 * total - 1e-9)[:, None]).sum(axis=1)
        return np.where(total > 0, times[np.minimum(first, len(times) - 1)], np.nan)


Bounds = tuple[float, float]  # NaN where there are none, infinite where there is no end
NOTHING = (np.nan, np.nan)


def _percentiles(drawn: Array) -> Bounds:
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return NOTHING
    drawn = np.sort(drawn)  # np.quantile would make NaN of two infinite neighbours
    low, high = (max(0, ceil(q * len(drawn) - 1e-9) - 1) for q in TAILS)
    return float(drawn[low]), float(drawn[high])


def _exact(pool: Pool, sums: Mapping[str, float]) -> Bounds:
    top = sum(sums[k] for k in pool.numerator if k in sums)
    bottom = sum(sums[k] for k in pool.denominator) if pool.denominator else 1.0
    if pool.law is None or (bottom <= 0.0 and pool.law != "per_count"):
        return NOTHING
    if pool.law == "proportion":
        return clopper_pearson(top, bottom, CONFIDENCE)
    if pool.law == "count":
        low, high = poisson_interval(top, bottom / pool.scale, CONFIDENCE)
        return low, high
    if top <= 0.0:
        return NOTHING
    low, high = poisson_interval(bottom, pool.scale * top, CONFIDENCE)
    return 1.0 / high, (1.0 / low if low > 0.0 else inf)


def _wider(a: Bounds, b: Bounds) -> Bounds:
    return float(np.fmin(a[0], b[0])), float(np.fmax(a[1], b[1]))


def _known(bound: float) -> float | None:
    return float(bound) if isfinite(bound) else None


def iqm(scores: Array, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Interquartile mean of `scores` (seeds, scenarios), resampled within each scenario.

    Source: rliable's aggregate_iqm and stratified bootstrap: the mean of the middle half of all
    scores together.
    """
    scores = _scores(scores)
    n, scenarios = scores.shape
    rows = np.random.default_rng(seed).integers(0, n, size=(resamples, n, scenarios))
    drawn = scores[rows, np.arange(scenarios)].reshape(resamples, -1)
    value = float(trim_mean(scores, 0.25, axis=None))
    low, high = _percentiles(trim_mean(drawn, 0.25, axis=1)) if n > 1 else NOTHING
    return Interval(value, _known(low), _known(high), n)


def probability_of_improvement(
    ours: Array,
    theirs: Array,
    better: Literal["high", "low"] = "high",
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Chance that a run of ours beats one of theirs, a tie counting half, mean over scenarios.

    ours (n, scenarios), theirs (m, scenarios). Source: rliable's probability_of_improvement,
    the Mann-Whitney statistic over n m; both sides are resampled within each scenario.
    """
    ours, theirs = _scores(ours), _scores(theirs)
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(f"{ours.shape[1]} scenarios against {theirs.shape[1]}")
    sign = 1.0 if better == "high" else -1.0
    wins = 0.5 + 0.5 * np.sign(sign * (ours[:, None, :] - theirs[None, :, :]))  # (n, m, scenarios)
    n, m, scenarios = wins.shape
    rng = np.random.default_rng(seed)
    drawn = np.zeros(resamples)
    for k in range(scenarios):
        rows = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples)
        columns = rng.multinomial(m, np.full(m, 1.0 / m), size=resamples)
        drawn += ((rows @ wins[:, :, k]) * columns).sum(axis=1) / (n * m * scenarios)
    low, high = _percentiles(drawn) if min(n, m) > 1 else NOTHING
    return Interval(float(wins.mean()), _known(low), _known(high), n)


def _scores(scores: Array) -> Array:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers, one row a seed, one column a scenario")
    return scores


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values: claims under 0.05 hold together at 95 %."""
    adjusted, least = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda k: p_values[k])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}
