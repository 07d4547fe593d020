"""The least distance of two bodies: no pair that matters is left out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.sim.separation import closest, least
from genba.sim.state import Array


def body(rng: np.random.Generator, capsules: int, away: float) -> Array:
    rows = np.hstack([rng.uniform(-0.6, 0.6, (capsules, 6)), rng.uniform(0.01, 0.1, (capsules, 1))])
    rows[:, [0, 3]] += away
    return rows


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 3.0), st.floats(0.2, 3.0))
def test_it_is_that_of_all_pairs_or_the_bound(seed: int, away: float, bound: float) -> None:
    rng = np.random.default_rng(seed)
    one, other = body(rng, 4, 0.0), body(rng, 6, away)
    every = min(closest(a, b)[0] for a in one for b in other)
    assert least(one, other, bound) == min(every, bound)


def test_bodies_that_reach_into_each_other_are_less_than_nothing_apart() -> None:
    bar = np.array([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.05]])
    across = np.array([[0.5, -1.0, 0.0, 0.5, 1.0, 0.0, 0.1], [9.0, 0.0, 0.0, 9.0, 0.0, 1.0, 0.1]])
    assert least(bar, across, 3.0) <= -0.1
