"""What some seeds tell of a figure: its resamples, and how far each seed moves it.

Ends of an interval are NaN where there is none and infinite where it does not end.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, isfinite, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from genba.kpi.figure import Array, Pool, evaluate, percentile_95
from genba.kpi.tally import SUMS, Tally

CONFIDENCE = 0.95
TAILS = ((1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0)
BINS = 512  # of cycle times in resampling; the value itself is exact
STEP = 1e-4  # of a seed's weight: its square is the error of a derivative, 1e-12 its rounding
EQUAL = 1e-9  # of a figure's size: a spread below this is rounding, and the seeds were all equal

Bounds = tuple[float, float]
NOTHING = (np.nan, np.nan)


class Look(NamedTuple):
    """A figure of all seeds, NaN where undefined, and of what they say about its spread."""

    value: float
    drawn: Array  # of every resample; none where resampling says nothing about it
    moves: Array  # (n,) by how much it changes for a little more of each seed, over that little
    size: float  # of the figures that it is made of, which their rounding goes by


@lru_cache(maxsize=8)
def _weights(n: int, resamples: int, seed: int) -> Array:
    """How often each of n seeds was drawn, (resamples, n); none where n seeds tell no spread."""
    if n < 2:
        return np.zeros((0, n))
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=resamples)
    weights = drawn.astype(np.float64)
    weights.setflags(write=False)  # it is kept for the next figure
    return weights


class Seeds:
    """The tallies of every resample at once: sums of seeds are one product of matrices."""

    def __init__(self, tallies: Sequence[Tally], resamples: int, seed: int) -> None:
        self.tallies, self.weights = tallies, _weights(len(tallies), resamples, seed)
        rows = np.array([[t["sums"].get(k, 0.0) for k in SUMS] for t in tallies])
        self._rows = rows.reshape(len(tallies), len(SUMS))
        self._drawn = self._columns(self.weights)

    def _columns(self, weights: Array) -> dict[str, Array]:
        return dict(zip(SUMS, (weights @ self._rows).T, strict=True))

    def look(self, pool: Pool) -> Look:
        """The figure as these seeds show it; of extremes and bounds they show no spread."""
        n = len(self.tallies)
        if pool.kind in ("max", "min", "bound"):
            return Look(np.nan, np.zeros(0), np.zeros(0), np.nan)
        if pool.kind == "percentile":
            return self._percentile_95()
        value = float(evaluate(pool, self._columns(np.ones((1, n))))[0])
        steps = STEP * np.eye(n)
        with np.errstate(invalid="ignore"):  # what is infinite has no slope
            more, less = (evaluate(pool, self._columns(1.0 + s)) for s in (steps, -steps))
            moves = (more - less) / (2.0 * STEP)
        return Look(value, evaluate(pool, self._drawn), moves, abs(value))

    def _percentile_95(self) -> Look:
        every = np.sort([c for t in self.tallies for c in t["cycle_times"]])
        value, times = percentile_95(every), np.unique(every)
        if not len(times) or not len(self.weights):
            return Look(value, np.zeros(0), np.zeros(0), value)
        if len(times) > BINS:  # the upper edges of bins that hold about equally many
            times = np.unique(times[np.linspace(0, len(times) - 1, BINS).round().astype(int)])
        counts = np.zeros((len(self.tallies), len(times)))
        for row, t in zip(counts, self.tallies, strict=True):
            np.add.at(row, np.searchsorted(times, t["cycle_times"]), 1.0)
        reached = np.cumsum(self.weights @ counts, axis=1)
        total = reached[:, -1]
        # The least time that 95 % do not exceed; 1e-9 of a cycle absorbs 0.95 not being exact.
        first = (reached < (0.95 * total - 1e-9)[:, None]).sum(axis=1)
        drawn = np.where(total > 0, times[np.minimum(first, len(times) - 1)], np.nan)
        # It is a step of the weights, without a slope: how it goes with them over the resamples.
        some = ~np.isnan(drawn)
        moves = (self.weights[some] - 1.0).T @ (drawn[some] - drawn[some].mean()) / some.sum()
        return Look(value, drawn, moves, value)


def percentiles(drawn: Array) -> Bounds:
    """The middle 95 % of resamples, those left out that are undefined."""
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return NOTHING
    drawn = np.sort(drawn)  # np.quantile would make NaN of two infinite neighbours
    low, high = (max(0, ceil(q * len(drawn) - 1e-9) - 1) for q in TAILS)
    return float(drawn[low]), float(drawn[high])


def _error(moves: Array) -> float:
    """Standard error of a figure, linear in the seeds (the delta method); NaN where unknown."""
    n = len(moves)
    if n < 2 or not np.isfinite(moves).all():
        return np.nan
    return sqrt(n / (n - 1) * float(((moves - moves.mean()) ** 2).sum()))


def student(look: Look) -> Bounds:
    """Student's t interval, n - 1 degrees of freedom: what few seeds leave open.

    The percentile bootstrap of n seeds is narrow by (n - 1)/n and by the tails of t.
    """
    error = _error(look.moves)
    if not (isfinite(error) and isfinite(look.value)):
        return NOTHING
    reach = float(stdtrit(len(look.moves) - 1, TAILS[1])) * error
    return look.value - reach, look.value + reach


def p_value(look: Look) -> float | None:
    """Of "the figure is 0", two-sided: the greater of bootstrap and t, None where t is unknown."""
    error, drawn = _error(look.moves), look.drawn[~np.isnan(look.drawn)]
    if not len(drawn) or not isfinite(look.value) or not error > EQUAL * look.size:
        return None
    least = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    t = float(stdtr(len(look.moves) - 1, -abs(look.value) / error))
    return min(1.0, 2.0 * max((least + 1) / (len(drawn) + 1), t))


def wider(a: Bounds, b: Bounds) -> Bounds:
    """From the lesser low to the greater high of those that there are."""
    return float(np.fmin(a[0], b[0])), float(np.fmax(a[1], b[1]))


def clipped(bounds: Bounds, limits: Bounds, size: float) -> Bounds:
    """Bounds within what a figure can be; none where they have no width, as equal seeds leave it.

    Seeds that are all equal show no spread, and an interval of no width would call that certainty.
    """
    if bounds[1] - bounds[0] <= EQUAL * size < np.inf:
        return NOTHING
    low, high = (float(np.clip(end, *limits)) for end in bounds)
    return low, high
