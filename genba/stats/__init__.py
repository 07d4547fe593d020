"""How sure a figure is: intervals, comparisons of agents and corrections for many claims.

Seeds are the unit: within one seed people, parts and faults go together, so parts or hours are no
independent trials. An interval is the wider of a percentile bootstrap over seeds and Student's t
over seeds, or, of counts, of the bootstrap and an exact one; seeds that are all equal tell no
spread, and where no exact law holds there is then no interval. Every agent plays the same seeds and
every interval of one size uses the same resamples, so differences are paired. The exact bounds are
in genba/stats/exact.py; how often the intervals hold the truth is in docs/figures.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Literal

import numpy as np
from scipy.stats import trim_mean

from genba.kpi.figure import Array, Pool
from genba.kpi.figures import FIGURES, figures
from genba.kpi.tally import Tally, add
from genba.stats.exact import clopper_pearson, poisson_interval
from genba.stats.seeds import (
    CONFIDENCE,
    NOTHING,
    Bounds,
    Look,
    Seeds,
    clipped,
    p_value,
    percentiles,
    student,
    wider,
)

RESAMPLES = 2000


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

    For a figure with an exact law (counts per exposure, so many of so many) it is the wider of the
    bootstrap and the exact one, so that neither zero events nor ten equal seeds look certain; for
    every other the wider of bootstrap and Student's t, and none where all seeds are equal. Greatest
    and least values, and bounds, have none.
    """
    names = list(names)
    unknown = [n for n in names if n not in FIGURES]
    if unknown:
        raise ValueError(f"no figure is called '{unknown[0]}'")
    pooled = add(tallies)
    values = figures(pooled)
    seeds = Seeds(tallies, resamples, seed)
    found = {}
    for name in names:
        pool = FIGURES[name].pool
        look = seeds.look(pool)
        other = student(look) if pool.law is None else _exact(pool, pooled["sums"])
        bounds = clipped(wider(percentiles(look.drawn), other), pool.limits, look.size)
        found[name] = _interval(values[name], bounds, len(tallies))
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
    """Figure of `ours` minus that of `theirs`, both on the same seeds in the same order.

    The wider of bootstrap and Student's t over the seeds' differences; None where all are equal.
    """
    a, b = _looks(ours, theirs, name, resamples, seed)
    with np.errstate(invalid="ignore"):  # infinite minus infinite is unknown, not a fault
        drawn = a.drawn - b.drawn
    look = Look(a.value - b.value, drawn, a.moves - b.moves, max(a.size, b.size))
    bounds = clipped(wider(percentiles(look.drawn), student(look)), (-inf, inf), look.size)
    return _interval(look.value, bounds, len(ours), p_value(look))


def paired_ratio(
    ours: Sequence[Tally],
    theirs: Sequence[Tally],
    name: str,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Figure of `ours` over that of `theirs`, both on the same seeds in the same order."""
    a, b = _looks(ours, theirs, name, resamples, seed)
    ratio = a.value / b.value if b.value else nan
    with np.errstate(invalid="ignore", divide="ignore"):  # over nothing is unknown, not a fault
        drawn, moves = a.drawn / b.drawn, (a.moves - ratio * b.moves) / b.value
    look = Look(ratio, drawn, moves, ratio)
    bounds = clipped(wider(percentiles(look.drawn), student(look)), (0.0, inf), look.size)
    return _interval(look.value, bounds, len(ours))


def _looks(
    ours: Sequence[Tally], theirs: Sequence[Tally], name: str, resamples: int, seed: int
) -> tuple[Look, Look]:
    if len(ours) != len(theirs):
        raise ValueError(f"paired agents need the same seeds: {len(ours)} against {len(theirs)}")
    pool = FIGURES[name].pool
    return Seeds(ours, resamples, seed).look(pool), Seeds(theirs, resamples, seed).look(pool)


def _exact(pool: Pool, sums: Mapping[str, float]) -> Bounds:
    top = sum(sums[k] for k in pool.numerator if k in sums)
    bottom = sum(sums[k] for k in pool.denominator) if pool.denominator else 1.0
    if pool.law is None or (bottom <= 0.0 and pool.law != "per_count"):
        return NOTHING
    if pool.law == "proportion":
        return clopper_pearson(top, bottom, CONFIDENCE)
    if pool.law == "count":
        return poisson_interval(top, bottom / pool.scale, CONFIDENCE)
    if top <= 0.0:
        return NOTHING
    low, high = poisson_interval(bottom, pool.scale * top, CONFIDENCE)
    return 1.0 / high, (1.0 / low if low > 0.0 else inf)


def _interval(value: float | None, bounds: Bounds, n: int, p: float | None = None) -> Interval:
    low, high = (_known(end) for end in bounds)
    return Interval(None if value is None else _known(value), low, high, n, p)


def _known(number: float) -> float | None:
    return float(number) if isfinite(number) else None


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
    bounds = percentiles(trim_mean(drawn, 0.25, axis=1)) if n > 1 else NOTHING
    return _interval(value, clipped(bounds, (-inf, inf), abs(value)), n)


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
    bounds = percentiles(drawn) if min(n, m) > 1 else NOTHING
    return _interval(float(wins.mean()), clipped(bounds, (0.0, 1.0), 1.0), n)


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
