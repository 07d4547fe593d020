"""What became of the parts, which of them at the first attempt, and how far apart in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum

from genba.kpi.interventions import datum, number
from genba.sim.state import Event, EventKind

AT_ONCE = ("conveyor_sorting",)  # cells that a part leaves as it is finished; others: with its tray


@dataclass(slots=True)
class _Part:
    start: float | None = None  # s, first gripped
    outcome: str = ""  # "", "finished", "lost" or "rejected"
    dropped: bool = False
    good: bool = False  # by the last verdict, and not dropped since
    rework: bool = False
    assisted: bool = False
    made: float | None = None  # s, first finished good by the robot
    left: bool = False  # with its tray

    @property
    def tried(self) -> bool:
        """It counts for first-pass yield: the robot took it on, and it is decided how it ended."""
        if self.outcome == "lost":
            return self.start is not None
        return self.outcome == "finished" or (not self.outcome and self.dropped)


@dataclass(slots=True)
class _Book:
    """The parts, and whose a name is now: it comes back for another part once one has ended."""

    parts: list[_Part] = field(default_factory=list)
    named: dict[str, _Part] = field(default_factory=dict)
    at_once: bool = False  # a part leaves the cell as it is finished
    astray: int = 0  # of those that seem to have left: good parts that the trays had no slot for

    def known(self, name: str, *outcomes: str) -> _Part:
        part = self.named.get(name)
        if part is None or part.outcome not in outcomes:
            part = self.named[name] = _Part()
            self.parts.append(part)
        return part

    def drop(self, name: str) -> None:
        """A good part that falls out of its place is good no more. One that has left cannot: then
        it is the next of its name that fell, before the robot took it on.
        """
        part = self.named.get(name)
        if part is None or (part.left and not self.astray):
            return
        self._found(part)
        part.dropped, part.good = True, False

    def exchange(self, slots: int) -> None:
        """The good parts leave with their tray. Of more than it has slots some lie about: those
        whose drop is written when they have come to rest, or that are finished again.
        """
        there = [p for p in self.named.values() if p.good and not p.left]
        self.astray += max(0, len(there) - slots)
        for part in there:
            part.left = True

    def finish(self, event: Event) -> None:
        """A part finished a second time was reworked; its last verdict is the one that counts."""
        part = self.known(event.subject, "", "finished")
        self._found(part)
        part.rework |= bool(datum(event, "rework")) or part.outcome == "finished"
        part.assisted |= bool(datum(event, "assisted"))
        part.good = bool(datum(event, "good"))
        part.outcome = "finished"
        if part.good and part.made is None and not datum(event, "rework"):
            part.made = event.time
        if self.at_once:
            del self.named[event.subject]

    def _found(self, part: _Part) -> None:
        if part.left:
            part.left, self.astray = False, max(0, self.astray - 1)


def _parts(events: Sequence[Event]) -> list[_Part]:
    """What became of each part."""
    book = _Book()
    for event in events:
        if event.kind is EventKind.EPISODE_START:
            book.at_once = event.data.get("cell") in AT_ONCE
        elif event.kind is EventKind.PART_STARTED:
            part = book.known(event.subject, "")
            part.start = event.time if part.start is None else part.start
        elif event.kind is EventKind.PART_DROPPED:
            book.drop(event.subject)
        elif event.kind is EventKind.TRAY_EXCHANGED:
            book.exchange(int(number(event, "parts")))
        elif event.kind is EventKind.PART_REJECTED:
            book.known(event.subject, "").outcome = "rejected"
        elif event.kind is EventKind.PART_LOST:
            part = book.known(event.subject, "")
            part.outcome = "lost"
            if part.start is None and datum(event, "started"):
                part.start = event.time
        elif event.kind is EventKind.PART_FINISHED:
            book.finish(event)
    return book.parts


def made(events: Sequence[Event]) -> list[float]:
    """When (s) the robot made each of the parts that are good in the end."""
    return [p.made for p in _parts(events) if p.good and p.made is not None]


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
