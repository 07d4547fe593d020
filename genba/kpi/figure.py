"""What a figure is: a declared way from the sums of a tally, or of many at once, to a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Better = Literal["high", "low"] | None
# "function" is one of a numerator and a denominator; a "bound" is one that is a limit already
Kind = Literal["sum", "ratio", "function", "bound", "max", "min", "percentile"]
# How the counts in a figure scatter, where an exact interval is known: events per exposure,
# exposure per event, or so many of so many.
Law = Literal["count", "per_count", "proportion"] | None
Shape = Callable[[Array, Array], Array]


@dataclass(frozen=True, slots=True)
class Pool:
    """How a figure follows from a tally, and so how episodes are pooled: sums first, then this."""

    kind: Kind
    numerator: tuple[str, ...]  # these are added up; for max, min and percentile the one name
    denominator: tuple[str, ...] = ()
    scale: float = 1.0
    law: Law = None
    shape: tuple[str, Shape] | None = None  # of a function: how it is written, what it does
    limits: tuple[float, float] = (0.0, inf)  # what it can be, for the ends of its interval

    @property
    def formula(self) -> str:
        """The formula as docs/figures.md prints it, in the names of genba/kpi/tally.py."""
        top, bottom = " + ".join(self.numerator), " + ".join(self.denominator)
        if self.shape is not None:
            return self.shape[0]
        if self.kind in ("max", "min", "percentile"):
            return f"{'95th percentile' if self.kind == 'percentile' else self.kind} of {top}"
        top = f"({top})" if bottom and len(self.numerator) > 1 else top
        if self.scale < 1.0:
            return f"{top} / {1.0 / self.scale:g}"
        top = top if self.scale == 1.0 else f"{self.scale:g} {top}"
        bottom = f"({bottom})" if len(self.denominator) > 1 else bottom
        return f"{top} / {bottom}" if bottom else top


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the catalogue."""

    name: str
    unit: str
    group: str  # exposure, productivity, people or safety
    text: str  # what it says, in one line
    better: Better
    pool: Pool


def total(key: str, scale: float = 1.0, law: Law = None) -> Pool:
    """`scale` x one sum of the tally."""
    return Pool("sum", (key,), (), scale, law)


def ratio(numerator: str, denominator: str, scale: float = 1.0, law: Law = None) -> Pool:
    """`scale` x numerator / denominator; either may be a sum, written "a + b"."""
    return Pool("ratio", tuple(numerator.split(" + ")), tuple(denominator.split(" + ")), scale, law)


def share(numerator: str, denominator: str) -> Pool:
    """A ratio of a part to what it is part of: 1 at most."""
    return replace(ratio(numerator, denominator), limits=(0.0, 1.0))


def extreme(kind: Literal["max", "min", "percentile"], key: str) -> Pool:
    """The greatest, the least, or the 95th percentile of the values under one key."""
    return Pool(kind, (key,))


def evaluate(pool: Pool, columns: Mapping[str, Array]) -> Array:
    """Values of a figure from columns of a tally's entries, all of one shape.

    NaN where it is undefined, infinite where only its denominator is zero. Not for percentiles.
    """
    top = sum((columns[k] for k in pool.numerator[1:]), columns[pool.numerator[0]])
    if not pool.denominator:
        return np.asarray(pool.scale * top, dtype=np.float64)
    bottom = sum((columns[k] for k in pool.denominator[1:]), columns[pool.denominator[0]])
    if pool.shape is not None:
        return pool.shape[1](top, bottom)
    return divide(pool.scale * top, bottom)


def divide(top: Array, bottom: Array) -> Array:
    """top / bottom, both at least 0: infinite where only bottom is zero, NaN where both are."""
    empty = np.where(top > 0.0, np.inf, np.nan)
    with np.errstate(over="ignore"):  # per next to nothing is as good as infinite
        return np.where(bottom > 0.0, top / np.where(bottom > 0.0, bottom, 1.0), empty)


def percentile_95(values: Array) -> float:
    """The least of `values` that 95 % of them do not exceed; NaN of none."""
    return float(np.quantile(values, 0.95, method="inverted_cdf")) if len(values) else np.nan
