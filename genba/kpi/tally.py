"""What one episode adds up to: sums, greatest and least values, from which every figure follows.

A tally is a plain dictionary that goes to a file and back as JSON. The tallies of several episodes
add up to the tally of all of them: a figure of ten seeds is a ratio of sums, no mean of ratios.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import fsum, isfinite
from typing import Any, TypedDict

import numpy as np

from genba.kpi.harm import add_breaches, add_contacts, add_stops
from genba.kpi.interventions import (
    BEFORE_ANY_STATE,
    STATES,
    TOLERANCE,
    WORKING,
    datum,
    interventions,
    number,
    word,
)
from genba.kpi.presence import add_presence
from genba.kpi.production import add_parts, add_plan
from genba.sim.state import Event, EventKind

WINDOW = 600.0  # s; operator load is counted in ten minutes (EEMUA 191)

# docs/standards.md section 5: the ISO 22400-2 time element of each state (project default)
TIME_ELEMENTS = {
    "apt": WORKING,
    "adet": ("standstill", "idle", "starved", "blocked"),
    "adot": ("stopped", "waiting", "serving"),
    "aust": ("changeover",),
}

SUMS = (
    "episodes", "pbt", *TIME_ELEMENTS, *(f"state.{s}" for s in STATES),
    "planned_pbt", "planned_apt", "planned_produced", "planned_good", "takt_cycles", "takt_planned",
    "takt_good", "takt_pbt",
    "produced", "good", "scrap", "lost", "rejected", "dropped", "tried", "first_pass",
    "autonomous_good", "aided_good", "cycles", "cycle_seconds", "cycle_intervals",
    "interventions", "by_robot", "by_person", "by_safety", "assists", "failures",
    "intervened", "repair", "requests", "response", "labour", "entries", "present", "shared",
    "shared_good",
    "breaches", "breach_seconds", "contacts", "contacts_moving", "clampings", "hazards",
    "stops_automatic", "stops_latched",
)  # fmt: skip
HIGHS = ("force_ratio", "force_ratio_moving", "energy_ratio", "peak_requests")  # 0 where none
# also, where there was one: force_ratio.<region>, energy_ratio.<region>; lows: margin


class Tally(TypedDict):
    """Sums (counts and seconds), greatest and least values, and the cycle times in s, sorted."""

    sums: dict[str, float]
    highs: dict[str, float]
    lows: dict[str, float]
    cycle_times: list[float]


def tally(events: Sequence[Event], seconds: float) -> Tally:
    """Adds up one episode that was planned to last `seconds` (planned busy time PBT).

    It ends at its `episode_end` if that is earlier; what comes later is left out. Raises
    ValueError, one line, for events out of order or not as docs/events.md has them.
    """
    events, end = _within(events, seconds)
    sums = dict.fromkeys(SUMS, 0.0)
    highs = dict.fromkeys(HIGHS, 0.0)
    lows: dict[str, float] = {}
    sums["episodes"], sums["pbt"] = 1.0, end
    _add_states(events, end, sums)
    cycle_times = add_parts(events, sums)
    sums["dropped"] = _count(events, EventKind.PART_DROPPED)
    add_plan(events, sums)
    _add_interventions(events, end, sums)
    _add_services(events, end, sums, highs)
    add_presence(events, end, sums)
    add_breaches(events, sums, lows)
    add_contacts(events, sums, highs)
    add_stops(events, sums)
    return {"sums": sums, "highs": highs, "lows": lows, "cycle_times": cycle_times}


def causes(events: Sequence[Event], seconds: float) -> Counter[str]:
    """Interventions of an episode by the cause of their first request.

    They add up to the figure `interventions`. Raises ValueError as `tally` does.
    """
    inside, end = _within(events, seconds)
    return Counter(found.cause for found in interventions(inside, end))


def add(tallies: Sequence[Tally]) -> Tally:
    """The tally of several episodes; their order does not matter. None at all gives zeros."""
    rows = [t["sums"] for t in tallies]
    sums = {k: fsum(r.get(k, 0.0) for r in rows) for k in dict.fromkeys([*SUMS, *_keys(rows)])}
    tops = [dict.fromkeys(HIGHS, 0.0), *(t["highs"] for t in tallies)]
    highs = {k: max(t[k] for t in tops if k in t) for k in _keys(tops)}
    bottoms = [t["lows"] for t in tallies]
    lows = {k: min(t[k] for t in bottoms if k in t) for k in _keys(bottoms)}
    cycle_times = sorted(c for t in tallies for c in t["cycle_times"])
    return {"sums": sums, "highs": highs, "lows": lows, "cycle_times": cycle_times}


def _keys(rows: Sequence[dict[str, float]]) -> list[str]:
    return sorted({k for row in rows for k in row})


def _within(events: Sequence[Event], seconds: float) -> tuple[list[Event], float]:
    """The events of the episode, and its length in s."""
    if not (isfinite(seconds) and seconds >= 0.0):
        raise ValueError(f"an episode cannot last {seconds} s")
    last, end = 0.0, float(seconds)
    for event in events:
        if not event.time >= last:
            raise ValueError(f"events out of order: {event.time} s comes after {last} s")
        last = event.time
        if event.kind is EventKind.EPISODE_END:
            end = min(end, event.time)
    # A tick's rounding may put the last events a hair behind the end: they count, at the end.
    inside = [e for e in events if e.time <= end + TOLERANCE]
    return [e if e.time <= end else Event(end, e.kind, e.subject, e.data) for e in inside], end


def _count(events: Sequence[Event], kind: EventKind) -> float:
    return float(sum(e.kind is kind for e in events))


def _add_states(events: Sequence[Event], end: float, sums: dict[str, float]) -> None:
    state, since = BEFORE_ANY_STATE, 0.0
    for event in events:
        if event.kind is EventKind.STATE:
            sums[f"state.{state}"] += event.time - since
            state, since = word(event, "state", STATES), event.time
    sums[f"state.{state}"] += end - since
    for element, states in TIME_ELEMENTS.items():
        sums[element] = fsum(sums[f"state.{s}"] for s in states)


def _add_interventions(events: Sequence[Event], end: float, sums: dict[str, float]) -> None:
    for found in interventions(events, end):
        sums["interventions"] += 1.0
        sums[f"by_{found.initiator}"] += 1.0
        sums["failures" if found.failure else "assists"] += 1.0
        sums["intervened"] += found.resumed - found.start
        sums["repair"] += found.resumed - found.start if found.failure else 0.0


def _add_services(
    events: Sequence[Event], end: float, sums: dict[str, float], highs: dict[str, float]
) -> None:
    """Requests, how long the person took to come, and labour; what is open counts so far."""
    asked: dict[Any, list[float]] = {}  # id -> when, of those nobody has come for
    working: dict[Any, float] = {}  # id -> when the person leaves for the cell, once noticed
    times: list[float] = []
    for event in events:
        if event.kind is EventKind.REQUEST:
            key = datum(event, "id")
            asked.setdefault(key, []).append(event.time)
            working.setdefault(key, event.time + number(event, "notice"))
            times.append(event.time)
        elif event.kind is EventKind.OPERATOR_ARRIVED:
            key = datum(event, "id")
            sums["response"] += fsum(event.time - t for t in asked.pop(key, ()))
            working[key] = event.time - number(event, "way")
        elif event.kind is EventKind.SERVICE_DONE:
            key = datum(event, "id")
            began = event.time - number(event, "service")
            sums["response"] += fsum(max(0.0, began - t) for t in asked.pop(key, ()))
            sums["labour"] += number(event, "labour")
            working.pop(key, None)
    sums["requests"] = float(len(times))
    sums["response"] += fsum(end - t for some in asked.values() for t in some)
    sums["labour"] += fsum(max(0.0, end - t) for t in working.values())
    ahead = np.searchsorted(times, np.asarray(times) + WINDOW, side="left")
    highs["peak_requests"] = float(np.max(ahead - np.arange(len(times)), initial=0))
