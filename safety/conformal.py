"""From which score a policy counts as uncertain: split-conformal, no guess."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf, isfinite

ALPHA = 0.05  # share of ordinary episodes that may ask a person for nothing (D)
THRESHOLD = 1.0  # an agent tells its score in units of its own threshold (agents/calibrate.py)


def conformal_threshold(scores: Sequence[float], alpha: float = ALPHA) -> float:
    """The score that a further, exchangeable one exceeds with a probability of at most alpha.

    The ceil((n + 1)(1 - alpha))-th least of n scores; infinite where n is too small for alpha.
    Scores of ticks of one episode are not exchangeable: give the greatest of each episode.
    Raises ValueError for an alpha outside (0, 1) or scores that are not finite.
    Source: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005 (R, unverified).
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    ordered = sorted(map(float, scores))
    if not all(map(isfinite, ordered)):
        raise ValueError("a score is not finite")
    # (n + 1)(1 - alpha) may be a whole number that rounding has lifted
    rank = ceil((len(ordered) + 1) * (1.0 - alpha) - 1e-9)
    return ordered[rank - 1] if rank <= len(ordered) else inf
