"""Intervals and comparisons, held to hand values and to docs/standards.md section 7."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from genba.kpi import FIGURES, Tally, add, figures
from genba.stats import (
    Interval,
    holm,
    interval,
    intervals,
    iqm,
    paired,
    paired_ratio,
    probability_of_improvement,
)
from genba.stats.exact import (
    clopper_pearson,
    episodes_needed,
    hours_needed,
    poisson_interval,
    rate_upper,
    zero_event_bound,
)
from genba.stats.seeds import Seeds, percentiles


def episode(**sums: Any) -> Tally:
    """A tally of an hour with the given sums."""
    cycle_times = sums.pop("cycle_times", [])
    highs = sums.pop("highs", {})
    whole = add([])
    whole["sums"].update({"episodes": 1.0, "pbt": 3600.0, "apt": 3600.0, **sums})
    whole["highs"].update(highs)
    return {**whole, "cycle_times": sorted(cycle_times)}


def ends(found: Interval) -> tuple[float, float]:
    """The interval, where it has both ends."""
    assert found.low is not None and found.high is not None
    return found.low, found.high


@pytest.mark.parametrize(
    ("events", "confidence", "over_rate"),
    [(0, 0.95, 3.00), (0, 0.99, 4.61), (1, 0.95, 4.74), (2, 0.95, 6.30), (3, 0.95, 7.75),
     (5, 0.95, 10.5)],
)  # fmt: skip
def test_hours_that_a_claim_on_a_rate_needs(
    events: int, confidence: float, over_rate: float
) -> None:
    assert hours_needed(1.0, events, confidence) == pytest.approx(over_rate, abs=0.02)
    hours = hours_needed(0.001, events, confidence)
    assert rate_upper(events, hours, confidence) == pytest.approx(0.001)


def test_performance_level_d_is_out_of_reach_of_a_simulation() -> None:
    assert hours_needed(1e-6) == pytest.approx(3e6, rel=0.01)
    assert zero_event_bound(3.0) == pytest.approx(-np.log(0.05) / 3.0)


@pytest.mark.parametrize(("success", "episodes"), [(0.95, 59), (0.99, 299), (0.999, 2995)])
def test_episodes_without_failure_that_a_success_rate_needs(success: float, episodes: int) -> None:
    assert episodes_needed(success) == episodes
    assert success**episodes <= 0.05 < success ** (episodes - 1)


def test_exact_intervals_of_rates_and_proportions() -> None:
    # Garwood's table: 0 -> (0, 3.689), 1 -> (0.0253, 5.572), 10 -> (4.795, 18.390)
    assert poisson_interval(0, 1.0) == pytest.approx((0, 3.689), abs=1e-3)
    assert poisson_interval(1, 1.0) == pytest.approx((0.0253, 5.572), abs=1e-3)
    assert poisson_interval(10, 2.0) == pytest.approx((4.795 / 2, 18.390 / 2), abs=1e-3)
    # 0 of 10: 1 - 0.025^(1/10) = 0.3085; 5 of 10: (0.1871, 0.8129)
    assert clopper_pearson(0, 10) == pytest.approx((0, 0.3085), abs=1e-4)
    assert clopper_pearson(10, 10) == pytest.approx((0.6915, 1), abs=1e-4)
    assert clopper_pearson(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [lambda: poisson_interval(-1, 1), lambda: poisson_interval(1, 0), lambda: hours_needed(0),
     lambda: clopper_pearson(3, 2), lambda: episodes_needed(1.0), lambda: rate_upper(0, 1, 95)],
)  # fmt: skip
def test_impossible_counts_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must"):
        wrong()


def test_no_intervention_in_ten_hours_is_not_never() -> None:
    ten = [episode() for _ in range(10)]
    found = interval(ten, "interventions_per_hour")
    # exact: 3.689 events in 10 h
    assert (found.value, found.low, found.n) == (0, 0, 10)
    assert found.high == pytest.approx(0.3689, abs=1e-4)
    # and MTBI is unknown, but above 36,000 s/3.689
    assert interval(ten, "mtbi").value is None
    assert interval(ten, "mtbi").low == pytest.approx(36000 / 3.689, rel=1e-3)
    assert interval(ten, "mtbi").high is None


def test_clustered_interventions_are_less_sure_than_a_poisson_process() -> None:
    """Fifty in one bad hour of ten say less of the rate than five in each of them."""
    clustered = [episode(interventions=50.0), *(episode() for _ in range(9))]
    even = [episode(interventions=5.0) for _ in range(10)]
    wide, narrow = (interval(t, "interventions_per_hour") for t in (clustered, even))
    assert wide.value == narrow.value == 5
    assert (narrow.low, narrow.high) == pytest.approx(poisson_interval(50, 10.0))
    assert ends(wide)[0] == 0 and ends(wide)[1] > 12


@pytest.mark.parametrize(
    ("name", "count"), [("mtbi", "interventions"), ("mtbf", "failures"), ("mcba", "assists")]
)
def test_a_time_between_events_is_the_inverse_of_an_exact_rate(name: str, count: str) -> None:
    found = interval([episode(cycles=3600.0, **{count: 4.0})], name)
    low, high = poisson_interval(4, 3600.0)
    assert found.value == 900 and ends(found) == pytest.approx((1 / high, 1 / low))
    never = interval([episode(cycles=3600.0)], name)
    assert never.value is never.high is None
    assert never.low == pytest.approx(3600 / 3.6889, rel=1e-4)


def test_a_perfect_yield_of_few_parts_is_not_a_certain_one() -> None:
    found = interval([episode(first_pass=2.0, tried=2.0) for _ in range(5)], "first_pass_yield")
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(clopper_pearson(10, 10)[0])


def test_one_seed_has_no_spread_and_says_so() -> None:
    found = intervals([episode(good=300.0, interventions=2.0)])
    assert found["good_parts_per_hour"].value == 300
    assert found["good_parts_per_hour"].low is found["good_parts_per_hour"].high is None
    assert found["interventions"].low == pytest.approx(poisson_interval(2, 1.0)[0])


def test_the_bootstrap_is_the_one_done_by_hand() -> None:
    """Against the same resampling with tallies added up one by one."""
    rng = np.random.default_rng(5)
    seeds = [
        episode(
            good=float(rng.integers(0, 50)), interventions=float(rng.integers(0, 4)),
            labour=float(rng.uniform(0, 900)), cycle_times=rng.uniform(5, 30, 20).tolist(),
        )
        for _ in range(6)
    ]  # fmt: skip
    drawn = np.random.default_rng(0).multinomial(6, np.full(6, 1 / 6), size=200)
    names = ("good_parts_per_hour", "cycle_time_p95", "cell_availability_4", "fan_out")
    for name in names:
        look = Seeds(seeds, 200, 0).look(FIGURES[name].pool)
        low, high = percentiles(look.drawn)
        by_hand = sorted(
            figures(add([t for t, n in zip(seeds, row, strict=True) for _ in range(n)]))[name]
            or 0.0
            for row in drawn
        )
        # 2.5 % and 97.5 % of 200: the fifth and the 195th
        assert (low, high) == pytest.approx((by_hand[4], by_hand[194])), name
        assert look.value == pytest.approx(figures(add(seeds))[name])
        found = interval(seeds, name, resamples=200)
        assert ends(found)[0] <= low < high <= ends(found)[1]


def test_many_cycle_times_are_binned_in_resampling_but_not_in_the_value() -> None:
    rng = np.random.default_rng(1)
    seeds = [episode(cycle_times=rng.gamma(9, 1, 2000).tolist()) for _ in range(8)]
    found = interval(seeds, "cycle_time_p95")
    together = np.sort(np.concatenate([s["cycle_times"] for s in seeds]))
    assert found.value == together[int(np.ceil(0.95 * 16000)) - 1]
    low, high = ends(found)
    assert low <= together[int(np.ceil(0.95 * 16000)) - 1] <= high < low + 0.6


def test_two_seeds_leave_open_what_students_t_leaves_open_of_a_cycle_time_too() -> None:
    """Resamples of 10 s and 20 s: two of one 10, both or two of the other 20; 17.5 on average.

    One more of a seed goes with (10 - 17.5)/4 - (20 - 17.5)/4 = -2.5 s, of the other with 2.5 s:
    a standard error of 5 s, and t of one degree of freedom is 12.706.
    """
    seeds = [episode(cycle_times=[10.0] * 20), episode(cycle_times=[20.0] * 20)]
    found = interval(seeds, "cycle_time_p95")
    assert found.value == 20
    assert ends(found)[1] == pytest.approx(20 + 5 * 12.706, rel=0.05)  # 2,000 resamples


def test_extremes_and_bounds_have_no_interval() -> None:
    seeds = [episode(present=3600.0, highs={"force_ratio": r}) for r in (0.1, 0.9)]
    for name in ("max_force_ratio", "worst_margin", "hazard_rate_upper", "peak_requests_10min"):
        found = interval(seeds, name)
        assert found.low is found.high is None, name
    assert interval(seeds, "max_force_ratio").value == 0.9


def test_intervals_cover_the_value_and_are_the_same_twice_and_in_any_company() -> None:
    rng = np.random.default_rng(2)
    seeds = [episode(good=float(rng.integers(50)), tried=50.0, first_pass=40.0) for _ in range(10)]
    found = intervals(seeds)
    assert list(found) == list(FIGURES) and found == intervals(seeds)
    for name, one in found.items():
        assert interval(seeds, name) == one
        if one.value is not None:
            assert one.low is None or one.low <= one.value, name
            assert one.high is None or one.value <= one.high, name


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="no figure is called 'profit'"):
        intervals([episode()], ["profit"])


def test_paired_seeds_see_a_difference_that_unpaired_ones_do_not() -> None:
    """Seeds differ by 20 parts an hour, the agents by one on most seeds."""
    theirs = [episode(good=100.0 + 20 * k) for k in range(10)]
    ours = [episode(good=101.0 + 20 * k + (k == 0)) for k in range(10)]
    found = paired(ours, theirs, "good_parts_per_hour")
    # differences of mean 1.1, standard error 0.1; t of nine degrees of freedom: 2.2622
    assert found.value == pytest.approx(1.1)
    assert ends(found) == pytest.approx((1.1 - 0.22622, 1.1 + 0.22622), abs=1e-4)
    assert found.p == pytest.approx(2 / 2001)
    assert ends(interval(ours, "good_parts_per_hour"))[0] < 190  # which is the mean of theirs
    with pytest.raises(ValueError, match="the same seeds"):
        paired(ours, theirs[:-1], "good_parts_per_hour")
    # one has no intervention at all: the difference of MTBIs is not known, and nothing breaks
    assert paired(ours, [episode(interventions=1.0)] * 10, "mtbi").value is None


def coverage(law: str, n: int, trials: int = 600) -> float:
    """How often the interval of good parts per hour from n seeds holds the truth of 30.

    Seeds are normal (sd 6) or lognormal (sigma 1, skew 6). docs/figures.md has what it gives.
    """
    rng = np.random.default_rng(1)
    draw = {"normal": lambda: rng.normal(30, 6, n), "lognormal": lambda: rng.lognormal(2.9, 1, n)}
    truth = {"normal": 30.0, "lognormal": float(np.exp(3.4))}[law]
    hits = 0
    for _ in range(trials):
        found = interval([episode(good=max(0.0, x)) for x in draw[law]()], "good_parts_per_hour")
        low, high = ends(found)
        hits += low <= truth <= high
    return hits / trials


@pytest.mark.parametrize("n", [5, 10])
def test_intervals_of_few_seeds_hold_the_truth_as_often_as_they_say(n: int) -> None:
    assert coverage("normal", n, 300) >= 0.93


def test_two_seeds_leave_open_what_students_t_leaves_open() -> None:
    seeds = [episode(good=30.0), episode(good=32.0)]
    # mean 31, standard error 1, t of one degree of freedom 12.706
    assert ends(interval(seeds, "good_parts_per_hour")) == pytest.approx((18.294, 43.706), abs=1e-3)
    # a total of 62, twice as wide; nothing is below zero
    assert ends(interval(seeds, "good_parts")) == pytest.approx((36.588, 87.412), abs=1e-3)
    lame = [episode(labour=0.0, apt=3600.0), episode(labour=900.0, apt=2700.0)]
    assert interval(lame, "human_minutes_per_robot_hour").low == 0
    assert (
        ends(interval(lame, "attention_demand")) == ends(interval(lame, "availability")) == (0, 1)
    )


def test_the_error_of_a_ratio_is_the_linearised_one() -> None:
    rng = np.random.default_rng(3)
    top, bottom = rng.uniform(100, 200, 5), rng.uniform(5, 15, 5)
    seeds = [episode(cycle_seconds=a, cycle_intervals=b) for a, b in zip(top, bottom, strict=True)]
    found = interval(seeds, "cycle_time_mean")
    ratio = top.sum() / bottom.sum()
    error = np.sqrt(5 / 4 * ((top - ratio * bottom) ** 2).sum()) / bottom.sum()
    # t of four degrees of freedom: 2.776
    assert ends(found) == pytest.approx((ratio - 2.7764 * error, ratio + 2.7764 * error), rel=1e-4)
    assert found.value == pytest.approx(ratio)


def test_equal_seeds_are_no_certainty() -> None:
    for seeds in ([episode(good=1.1, pbt=p) for p in (3600.0,) * 3], [episode()] * 10):
        found = intervals(seeds)
        assert found["good_parts_per_hour"].low is found["good_parts_per_hour"].high is None
        assert found["human_minutes_per_robot_hour"].value == 0
        assert found["human_minutes_per_robot_hour"].high is None
        assert ends(found["contacts"])[1] > 3  # a count has its exact one
    thirds = [episode(cycle_seconds=k / 3, cycle_intervals=k) for k in (1.0, 3.0, 7.0)]
    assert interval(thirds, "cycle_time_mean").low is None  # equal but for rounding
    for one in intervals([episode(cycle_times=[4.0, 5.0])] * 4).values():
        assert one.low is None or one.low != one.high


def test_a_difference_that_is_the_same_on_every_seed_has_no_interval() -> None:
    theirs = [episode(good=100.0 + 20 * k) for k in range(10)]
    ours = [episode(good=101.0 + 20 * k) for k in range(10)]
    found = paired(ours, theirs, "good_parts_per_hour")
    assert found == Interval(found.value, None, None, 10) and found.value == pytest.approx(1)
    assert paired(theirs, theirs, "good_parts_per_hour") == Interval(0, None, None, 10)
    same = paired_ratio(theirs, theirs, "good_parts_per_hour")
    assert (same.value, same.low, same.high) == (1, None, None)
    assert paired_ratio(ours, [episode()] * 10, "good_parts_per_hour").value is None


def test_two_paired_seeds_prove_nothing() -> None:
    theirs = [episode(good=100.0), episode(good=120.0)]
    ours = [episode(good=101.0), episode(good=123.0)]
    found = paired(ours, theirs, "good_parts_per_hour")
    # mean 2, standard error 1: t = 2 of one degree of freedom, p = 1 - 2 atan(2)/pi
    assert found.p == pytest.approx(1 - 2 * np.arctan(2) / np.pi)
    assert ends(found)[0] < 0
    ratio = paired_ratio(ours, theirs, "good_parts_per_hour")
    # linearised: residuals 101 - q 100 and 123 - q 120 over 220, q = 224/220
    residual = (101 - 224 / 220 * 100) / 220
    reach = 12.7062 * np.sqrt(2 / 1 * 2 * residual**2)
    assert ends(ratio) == pytest.approx((224 / 220 - reach, 224 / 220 + reach), rel=1e-4)


def test_interquartile_mean() -> None:
    # 1..8: the middle half is 3, 4, 5, 6
    found = iqm(np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 800.0]]))
    assert found.value == 4.5 and ends(found)[0] < 4.5 < ends(found)[1]
    # each scenario is resampled by itself, so constant ones show no spread
    constant = iqm(np.array([[1.0, 10.0], [1.0, 10.0], [1.0, 10.0], [1.0, 10.0]]))
    assert (constant.low, constant.value, constant.high) == (None, 5.5, None)
    # the seed of one scenario says nothing of that of another: they do not make up for each other
    opposite = iqm(np.array([[0.0, 3.0], [1.0, 2.0], [2.0, 1.0], [3.0, 0.0]]))
    assert opposite.value == 1.5 and ends(opposite)[0] < 1.3 < 1.7 < ends(opposite)[1]
    with pytest.raises(ValueError, match="finite"):
        iqm(np.array([[1.0, np.nan]]))


def test_probability_of_improvement() -> None:
    # 2 beats 1 of (1, 3), 3 beats one and ties one: (1 + 1.5)/4
    found = probability_of_improvement(np.array([[2.0], [3.0]]), np.array([[1.0], [3.0]]))
    assert found.value == 0.625
    better = probability_of_improvement(np.full((5, 2), 2.0), np.ones((4, 2)))
    assert (better.value, better.low, better.high) == (1, None, None)
    worse = probability_of_improvement(np.full((5, 2), 2.0), np.ones((4, 2)), "low")
    assert worse.value == 0
    with pytest.raises(ValueError, match="1 scenarios against 2"):
        probability_of_improvement(np.ones((3, 1)), np.ones((3, 2)))


def test_holm() -> None:
    # sorted 0.01, 0.02, 0.03, 0.04: 4 x 0.01, 3 x 0.02, then never less than the one before
    p = {"c": 0.03, "a": 0.01, "d": 0.04, "b": 0.02}
    assert holm(p) == pytest.approx({"c": 0.06, "a": 0.04, "d": 0.06, "b": 0.06})
    assert list(holm(p)) == ["c", "a", "d", "b"]
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}
