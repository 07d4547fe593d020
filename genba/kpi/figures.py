"""The catalogue of figures: what each is called, means and is measured in, and how it follows.

A figure is declared by the sums of a tally it is made of, so the same declaration gives its value,
its value over many episodes, its bootstrap interval and its line in docs/figures.md.
"""

from __future__ import annotations

from functools import partial
from math import inf, isfinite, perm

import numpy as np
from scipy.special import gammaincinv

from genba.kpi.figure import (
    Array,
    Better,
    Figure,
    Pool,
    divide,
    evaluate,
    extreme,
    percentile_95,
    ratio,
    share,
    total,
)
from genba.kpi.interventions import STATES
from genba.kpi.tally import Tally

HOUR = 3600.0  # s
MINUTES_PER_HOUR = 60.0  # labour / PBT in minutes of a person an hour of a robot


def queue_availability(failing: float | Array, serving: float | Array, cells: int) -> Array:
    """Share of the time a cell runs when one person looks after `cells` of them.

    failing is lambda = 1/NT, serving mu = 1/IT. Source: machine repair model, docs/standards.md
    section 6, P0 = 1 / sum N!/(N-n)! (lambda/mu)^n, availability = mu (1 - P0) / (N lambda).
    """
    if cells < 1:
        raise ValueError(f"one person looks after at least 1 cell, not {cells}")
    r = divide(np.asarray(failing, dtype=np.float64), np.asarray(serving, dtype=np.float64))
    finite = np.minimum(r, 1e30)  # its eighth power still is a number
    # 1 - P0 divided by r before it is rounded, so that no request at all gives exactly 1
    busy = sum((perm(cells, n) * finite ** (n - 1) for n in range(1, cells + 1)), 0.0 * finite)
    return np.where(np.isinf(r), 0.0, busy / (cells * (1.0 + busy * finite)))


def _availability(labour: Array, apt: Array, cells: int) -> Array:
    return queue_availability(labour, apt, cells)  # both are divided by the same count


def _rate_bound(events: Array, seconds: Array) -> Array:
    return divide(HOUR * gammaincinv(events + 1.0, 0.95), seconds)


def _cells(cells: int) -> Figure:
    pool = Pool(
        "function",
        ("labour",),
        ("apt",),
        shape=(f"queue(labour / apt, {cells})", partial(_availability, cells=cells)),
        limits=(0.0, 1.0),
    )
    text = f"availability of a cell when one person looks after {cells}"
    return Figure(f"cell_availability_{cells}", "1", "people", text, "high", pool)


# name, unit, what it says, which way is better, how it follows
Row = tuple[str, str, str, Better, Pool]

EXPOSURE: tuple[Row, ...] = (
    ("episodes", "episodes", "episodes", None, total("episodes")),
    ("pbt_hours", "h", "planned busy time (PBT)", None, total("pbt", 1 / HOUR)),
    ("cycles", "cycles", "parts finished or rightly rejected", None, total("cycles")),
    ("human_present_hours", "h", "hours with somebody in the cell", None,
     total("present", 1 / HOUR)),
)  # fmt: skip

PRODUCTIVITY: tuple[Row, ...] = (
    ("good_parts", "parts", "good parts (GQ)", "high", total("good")),
    ("good_parts_per_hour", "parts/h", "good parts per hour", "high", ratio("good", "pbt", HOUR)),
    ("good_parts_per_hour_shared", "parts/h", "good parts per hour with a visitor in the cell",
     "high", ratio("shared_good", "shared", HOUR)),
    ("scrap_parts", "parts", "parts delivered that are not good (SQ)", "low",
     total("scrap", law="count")),
    ("lost_parts", "parts", "parts that ran off the belt", "low",
     total("lost", law="count")),
    ("dropped_parts", "count", "times a part was dropped", "low", total("dropped", law="count")),
    ("rejected_parts", "parts", "defective parts rightly taken out", None, total("rejected")),
    ("oee", "1", "overall equipment effectiveness (OEE)", "high",
     ratio("planned_good", "planned_pbt")),
    ("availability", "1", "availability (A)", "high", share("apt", "pbt")),
    ("effectiveness", "1", "effectiveness (E)", "high",
     ratio("planned_produced", "planned_apt")),
    ("quality_ratio", "1", "quality ratio (QR)", "high",
     ratio("good", "produced", 1, "proportion")),
    ("cycle_time_mean", "s", "mean cycle time", "low", ratio("cycle_seconds", "cycle_intervals")),
    ("cycle_time_p95", "s", "cycle time not exceeded by 95 %", "low",
     extreme("percentile", "cycle_times")),
    ("cycle_time_to_takt", "1", "mean cycle time over takt", "low",
     ratio("takt_cycles", "takt_planned")),
    ("takt_attainment", "1", "takt attainment, good parts over demand", "high",
     ratio("takt_good", "takt_pbt")),
    ("first_pass_yield", "1", "first-pass yield, without rework or assist", "high",
     ratio("first_pass", "tried", 1, "proportion")),
    ("mtbf", "s", "mean productive time between failures", "high",
     ratio("apt", "failures", 1, "per_count")),
    ("mttr", "s", "mean time from a failure to work again", "low", ratio("repair", "failures")),
    ("apt_seconds", "s", "actual production time (APT)", "high", total("apt")),
    ("adet_seconds", "s", "actual delay time (ADET)", "low", total("adet")),
    ("adot_seconds", "s", "actual down time (ADOT)", "low", total("adot")),
    ("aust_seconds", "s", "actual set-up time (AUST)", None, total("aust")),
    ("adet_share", "1", "share of delay time", "low", share("adet", "pbt")),
    ("adot_share", "1", "share of down time", "low", share("adot", "pbt")),
    ("aust_share", "1", "share of set-up time", None, share("aust", "pbt")),
    *((f"{state}_share", "1", f"share of time {state}", None, share(f"state.{state}", "pbt"))
      for state in STATES),
)  # fmt: skip

PEOPLE: tuple[Row, ...] = (
    ("interventions", "count", "interventions", "low", total("interventions", law="count")),
    ("interventions_per_hour", "1/h", "interventions per hour", "low",
     ratio("interventions", "pbt", HOUR, "count")),
    ("interventions_per_1000_good_parts", "1/1000 parts", "interventions per 1000 good parts",
     "low", ratio("interventions", "good", 1000)),
    ("interventions_by_robot", "count", "interventions the robot asked for", "low",
     total("by_robot", law="count")),
    ("interventions_by_person", "count", "interventions a person began", "low",
     total("by_person", law="count")),
    ("interventions_by_safety", "count", "interventions for a safety reset", "low",
     total("by_safety", law="count")),
    ("assists", "count", "assists", "low", total("assists", law="count")),
    ("failures", "count", "failures", "low", total("failures", law="count")),
    ("mtbi", "s", "mean productive time between interventions", "high",
     ratio("apt", "interventions", 1, "per_count")),
    ("mtba", "s", "mean productive time between assists", "high",
     ratio("apt", "assists", 1, "per_count")),
    ("mcbi", "cycles", "mean cycles between interventions", "high",
     ratio("cycles", "interventions", 1, "per_count")),
    ("mcba", "cycles", "mean cycles between assists", "high",
     ratio("cycles", "assists", 1, "per_count")),
    ("human_minutes_per_robot_hour", "min/h", "human minutes per robot-hour", "low",
     ratio("labour", "pbt", MINUTES_PER_HOUR)),
    ("response_time_mean", "s", "mean time from request to arrival", None,
     ratio("response", "requests")),
    ("recovery_time_mean", "s", "mean time from request to autonomous work", "low",
     ratio("intervened", "interventions")),
    ("intervened_share", "1", "share of time under intervention", "low",
     share("intervened", "pbt")),
    ("attention_demand", "1", "robot attention demand (RAD)", "low",
     share("labour", "labour + apt")),
    ("fan_out", "cells", "cells one person can look after (1/RAD)", "high",
     Pool("ratio", ("labour", "apt"), ("labour",), limits=(1.0, inf))),
    ("autonomous_good_parts", "parts", "good parts without assistance", "high",
     total("autonomous_good")),
    ("aided_good_parts", "parts", "good parts with assistance", None, total("aided_good")),
    ("autonomous_share", "1", "share of the good parts without assistance", "high",
     ratio("autonomous_good", "good", 1, "proportion")),
    ("cell_entries_per_hour", "1/h", "times somebody entered the cell, per hour", "low",
     ratio("entries", "pbt", HOUR)),
    ("peak_requests_10min", "count", "most requests within ten minutes", "low",
     extreme("max", "peak_requests")),
)  # fmt: skip

SAFETY: tuple[Row, ...] = (
    ("ssm_breaches", "count", "times the separation was breached", "low",
     total("breaches", law="count")),
    ("breach_seconds", "s", "time with the separation breached", "low", total("breach_seconds")),
    ("worst_margin", "m", "least margin of breaches, d - S* of the referee", "high",
     extreme("min", "margin")),
    ("contacts", "count", "contacts with people", "low", total("contacts", law="count")),
    ("contacts_moving", "count", "contacts by a moving robot", "low",
     total("contacts_moving", law="count")),
    ("clampings", "count", "clampings", "low", total("clampings", law="count")),
    ("max_force_ratio", "1", "greatest force over its limit", "low",
     extreme("max", "force_ratio")),
    ("max_force_ratio_moving", "1", "greatest force over its limit, robot moving", "low",
     extreme("max", "force_ratio_moving")),
    ("max_energy_ratio", "1", "greatest energy over its limit", "low",
     extreme("max", "energy_ratio")),
    ("stops_automatic_per_hour", "1/h", "stops that reset themselves, per hour", "low",
     ratio("stops_automatic", "pbt", HOUR)),
    ("stops_latched", "count", "stops that a person must reset", "low",
     total("stops_latched", law="count")),
    ("scaled_share", "1", "share of the working time slowed by safety", "low",
     share("state.slowed", "apt")),
    ("hazard_rate_upper", "1/h", "95 % bound of forces over the limit per hour with people", "low",
     Pool("bound", ("hazards",), ("present",),
          shape=("3600 chi2_0.95(2 hazards + 2) / (2 present)", _rate_bound))),
)  # fmt: skip


def _catalogue() -> dict[str, Figure]:
    groups = {"exposure": EXPOSURE, "productivity": PRODUCTIVITY, "people": PEOPLE}
    found = [
        Figure(name, unit, group, text, better, pool)
        for group, rows in {**groups, "safety": SAFETY}.items()
        for name, unit, text, better, pool in rows
    ]
    last = 1 + max(i for i, f in enumerate(found) if f.name == "fan_out")
    return {f.name: f for f in (*found[:last], *(_cells(n) for n in range(1, 9)), *found[last:])}


FIGURES: dict[str, Figure] = _catalogue()


def figures(tally: Tally) -> dict[str, float | None]:
    """Every figure of the catalogue, in its order; None where it is undefined or has no bound."""
    entries = {"margin": np.inf, **tally["sums"], **tally["highs"], **tally["lows"]}
    columns = {key: np.asarray(value, dtype=np.float64) for key, value in entries.items()}
    times = np.asarray(tally["cycle_times"], dtype=np.float64)
    found = {}
    for name, figure in FIGURES.items():
        percentile = figure.pool.kind == "percentile"
        value = percentile_95(times) if percentile else float(evaluate(figure.pool, columns))
        found[name] = value if isfinite(value) else None
    return found
