"""What befell the people: breaches, contacts, clampings; and how often the robot was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Any

from genba.kpi.interventions import datum, number
from genba.sim.state import Event, EventKind

MOVING = 0.05  # m/s; slower it was standing: tool speed tolerance of a real PL d arm (P)
FORCE_LIMIT = 1.0  # F/F_limit


def add_breaches(events: Sequence[Event], sums: dict[str, float], lows: dict[str, float]) -> None:
    """Breaches of the protective separation: how many, how long (s), the least margin (m)."""
    found = [e for e in events if e.kind is EventKind.BREACH]
    sums["breaches"] = float(len(found))
    sums["breach_seconds"] = fsum(number(e, "duration") for e in found)
    if found:
        lows["margin"] = min(number(e, "margin") for e in found)


def add_contacts(events: Sequence[Event], sums: dict[str, float], highs: dict[str, float]) -> None:
    """Contacts, clampings, their greatest ratios to the limits, and the hazards among them."""
    hazards: list[tuple[Any, float, float]] = []  # where on whom, from, to
    for event in events:
        clamping = event.kind is EventKind.CLAMPING
        if not clamping and event.kind is not EventKind.CONTACT:
            continue
        region, force = str(datum(event, "region")), number(event, "force_ratio")
        moving = clamping or bool(event.data.get("moving", number(event, "robot_speed") >= MOVING))
        ratios = {"force_ratio": force, f"force_ratio.{region}": force}
        if moving:
            ratios["force_ratio_moving"] = force
        if clamping:
            sums["clampings"] += 1.0
        else:
            sums["contacts"] += 1.0
            sums["contacts_moving"] += moving
            energy = number(event, "energy_ratio")
            ratios |= {"energy_ratio": energy, f"energy_ratio.{region}": energy}
        for key, ratio in ratios.items():
            highs[key] = max(highs.get(key, 0.0), ratio)
        if moving and force > FORCE_LIMIT:
            start = number(event, "start")
            where = (event.subject, region, datum(event, "link"))
            hazards.append((where, start, start + number(event, "duration")))
    sums["hazards"] = float(_apart(hazards))


def _apart(spans: Sequence[tuple[Any, float, float]]) -> int:
    """How many there are when a clamping and the contact it is part of are one."""
    reached: dict[Any, float] = {}
    count = 0
    for where, start, stop in sorted(spans, key=lambda s: (s[1], s[2])):
        count += where not in reached or start > reached[where]
        reached[where] = max(stop, reached.get(where, stop))
    return count


def add_stops(events: Sequence[Event], sums: dict[str, float]) -> None:
    """Stops, by whether a person must reset them."""
    for event in events:
        if event.kind is EventKind.STOP:
            sums["stops_latched" if datum(event, "latch") else "stops_automatic"] += 1.0
