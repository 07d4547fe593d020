"""Exact bounds for counted events: rates, proportions, and how much evidence a claim needs."""

from __future__ import annotations

from math import ceil, inf, log

from scipy.special import betaincinv, gammaincinv


def _positive(name: str, value: float) -> None:
    if not 0.0 < value < inf:
        raise ValueError(f"{name} must be a positive number, not {value}")


def _share(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must lie between 0 and 1, not {value}")


def _count(name: str, value: float) -> None:
    if not 0.0 <= value < inf:
        raise ValueError(f"{name} must be a count of 0 or more, not {value}")


def poisson_interval(
    count: float, exposure: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Two-sided exact (Garwood) interval of a rate, from `count` events in `exposure` hours or so.

    Returns (low, high) in events per unit of exposure. Zero events give low = 0 and, at 95 %,
    high = 3.69 / exposure; the one-sided 3.00 / exposure is `rate_upper`.
    """
    _count("count", count)
    _positive("exposure", exposure)
    _share("confidence", confidence)
    tail = (1.0 - confidence) / 2.0
    low = float(gammaincinv(count, tail)) if count > 0 else 0.0
    return low / exposure, float(gammaincinv(count + 1.0, 1.0 - tail)) / exposure


def clopper_pearson(
    successes: float, trials: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Two-sided exact interval of a proportion, from `successes` in `trials`."""
    _positive("trials", trials)
    _share("confidence", confidence)
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie between 0 and {trials}, not {successes}")
    tail = (1.0 - confidence) / 2.0
    failures = trials - successes
    low = float(betaincinv(successes, failures + 1.0, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1.0, failures, 1.0 - tail)) if failures > 0 else 1.0
    return low, high


def rate_upper(events: float, hours: float, confidence: float = 0.95) -> float:
    """One-sided upper bound of a rate per hour: chi2_confidence(2 r + 2) / (2 T).

    Source: docs/standards.md section 7. chi2_p(2 k) / 2: p-quantile of a gamma law of shape k.
    """
    _count("events", events)
    _positive("hours", hours)
    _share("confidence", confidence)
    return float(gammaincinv(events + 1.0, confidence)) / hours


def zero_event_bound(hours: float, confidence: float = 0.95) -> float:
    """Rate per hour that `hours` without a single event rule out: 3.00 / hours at 95 %."""
    return rate_upper(0, hours, confidence)


def hours_needed(rate: float, events: int = 0, confidence: float = 0.95) -> float:
    """Hours that support "fewer than `rate` per hour" when `events` events were seen in them."""
    _positive("rate", rate)
    return rate_upper(events, 1.0, confidence) / rate


def episodes_needed(success: float, confidence: float = 0.95) -> int:
    """Episodes without one failure that support a success rate of `success`: 59 for 95 %."""
    _share("success", success)
    _share("confidence", confidence)
    return ceil(log(1.0 - confidence) / log(success))
