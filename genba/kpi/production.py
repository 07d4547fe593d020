"""What became of the parts, which of them at the first attempt, and how far apart in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from genba.kpi.interventions import datum, number
from genba.sim.state import Event, EventKind


@dataclass(slots=True)
class _Part:
    start: float | None = None  # s, first gripped
    outcome: str = ""  # "", "finished", "lost" or "rejected"
    dropped: bool = False
    good: bool = False
    rework: bool = False
    assisted: bool = False

    @property
    def tried(self) -> bool:
        """It counts for first-pass yield: the robot took it on, and it is decided how it ended."""
        if self.outcome == "lost":
            return self.start is not None
        return self.outcome == "finished" or (not self.outcome and self.dropped)


def _parts(events: Sequence[Event]) -> list[_Part]:
    """What became of each part. A name that comes back after its end is another part."""
    parts: list[_Part] = []
    named: dict[str, _Part] = {}

    def known(name: str, *outcomes: str) -> _Part:
        part = named.get(name)
        if part is None or part.outcome not in outcomes:
            part = named[name] = _Part()
            parts.append(part)
        return part

    for event in events:
        if event.kind is EventKind.PART_STARTED:
            part = known(event.subject, "")
            part.start = event.time if part.start is None else part.start
        elif event.kind is EventKind.PART_DROPPED:
            dropped = named.get(event.subject)
            if dropped is not None and not dropped.outcome:
                dropped.dropped = True
        elif event.kind is EventKind.PART_REJECTED:
            known(event.subject, "").outcome = "rejected"
        elif event.kind is EventKind.PART_LOST:
            part = known(event.subject, "")
            part.outcome = "lost"
            if part.start is None and datum(event, "started"):
                part.start = event.time
        elif event.kind is EventKind.PART_FINISHED:
            _finish(known(event.subject, "", "finished"), event)
    return parts


def _finish(part: _Part, event: Event) -> None:
    """A part finished a second time was reworked; its last verdict is the one that counts."""
    part.rework |= bool(datum(event, "rework")) or part.outcome == "finished"
    part.assisted |= bool(datum(event, "assisted"))
    part.good = bool(datum(event, "good"))
    part.outcome = "finished"


def add_parts(events: Sequence[Event], sums: dict[str, float]) -> list[float]:
    """Adds the parts to `sums`; returns the times between successive starts of finished parts."""
    parts = _parts(events)
    finished = [p for p in parts if p.outcome == "finished"]
    good = [p for p in finished if p.good]
    sums["produced"], sums["good"] = float(len(finished)), float(len(good))
    sums["scrap"] = sums["produced"] - sums["good"]
    sums["lost"] = float(sum(p.outcome == "lost" for p in parts))
    sums["rejected"] = float(sum(p.outcome == "rejected" for p in parts))
    sums["tried"] = float(sum(p.tried for p in parts))
    sums["first_pass"] = float(sum(not p.rework and not p.assisted for p in good))
    sums["aided_good"] = float(sum(p.assisted for p in good))
    sums["autonomous_good"] = sums["good"] - sums["aided_good"]
    sums["cycles"] = sums["produced"] + sums["rejected"]
    starts = sorted(p.start for p in finished if p.start is not None)
    times = sorted(round(b - a, 6) for a, b in zip(starts, starts[1:], strict=False))
    sums["cycle_seconds"], sums["cycle_intervals"] = fsum(times), float(len(times))
    return times


def add_plan(events: Sequence[Event], sums: dict[str, float]) -> None:
    """What the scenario planned, so that episodes of different plans can be added."""
    for event in events:
        if event.kind is not EventKind.EPISODE_START:
            continue
        if datum(event, "planned_cycle_time") is not None:
            planned = number(event, "planned_cycle_time")
            sums["planned_pbt"], sums["planned_apt"] = sums["pbt"], sums["apt"]
            sums["planned_produced"] = planned * sums["produced"]
            sums["planned_good"] = planned * sums["good"]
        if datum(event, "takt") is not None:
            sums["takt_cycles"] = sums["cycle_seconds"]
            sums["takt_planned"] = number(event, "takt") * sums["cycle_intervals"]
            sums["takt_good"] = number(event, "takt") * sums["good"]
            sums["takt_pbt"] = sums["pbt"]
        return
