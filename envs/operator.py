"""Who comes when the cell calls: one operator with a notice, a way and a time of service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, inf, log, sqrt
from typing import Literal

import numpy as np

from genba.scenarios import Operator
from genba.sim.people import Crew, Workplace
from genba.sim.serving import OperatorVisit, operator_visit
from genba.sim.state import Event, EventKind

Initiator = Literal["robot", "person", "safety"]
Kind = Literal["assist", "failure"]  # SEMI E10
Service = Literal["takeover", "local_reset", "jam_clear", "rework", "failure"]
AGAIN = 5.0  # s until the operator tries again where a reset was refused


@dataclass(frozen=True, slots=True)
class Call:
    """Why the cell calls a person."""

    cause: str
    initiator: Initiator
    kind: Kind
    service: Service
    part: str | None = None


CALLS: dict[str, tuple[Initiator, Kind, Service]] = {
    "dropped_part": ("robot", "assist", "jam_clear"),
    "misplaced_part": ("robot", "assist", "rework"),
    "cycle_overtime": ("robot", "assist", "local_reset"),
    "protective_stop": ("safety", "assist", "local_reset"),
    "emergency_stop": ("person", "assist", "local_reset"),
    "contact": ("person", "failure", "failure"),
    "clamping": ("person", "failure", "failure"),
    "takeover": ("person", "assist", "takeover"),
    "guard_interlock": ("safety", "assist", "local_reset"),
    "configuration": ("safety", "assist", "local_reset"),
    "recorder": ("safety", "assist", "local_reset"),
    "collision": ("safety", "assist", "jam_clear"),
    "brakes": ("safety", "failure", "failure"),
    "policy_failure": ("robot", "assist", "takeover"),
    "process": ("robot", "assist", "jam_clear"),
    "uncertainty": ("robot", "assist", "takeover"),
}
# the cause of a latched stop, by the rule that leads it; any other is a protective stop
LATCHED = {
    "emergency_stop": "emergency_stop",
    "contact_force": "contact",
    "clamping": "clamping",
    "human_authority": "takeover",
    "guard_interlock": "guard_interlock",
    "configuration_integrity": "configuration",
    "recorder_health": "recorder",
    "collision": "collision",
    "braking_ramp": "brakes",
    "policy_watchdog": "policy_failure",
    "process_guard": "process",
}
# what the robot holds is taken from it, and it is jogged home
FREED = ("cycle_overtime", "process", "collision", "clamping")
# the robot works on until somebody comes
SOFT = ("uncertainty",)


def calls_for(
    new: Sequence[Event], latched: bool, stopped_by: str | None, overtime: bool
) -> list[Call]:
    """What calls a person: hurt, latched stops, doubt, parts lying about, no part for too long."""
    calls = []
    for event in new:
        if event.kind is EventKind.PART_DROPPED:
            where = event.data["where"]
            cause = "misplaced_part" if where == "tray" else "dropped_part"
            calls.append(_call(cause, event.subject))
        elif event.kind is EventKind.CONTACT and _hurts(event):
            calls.append(_call("contact"))
        elif event.kind is EventKind.RULE and event.subject == "uncertainty":
            if event.data["phase"] == "on":
                calls.append(_call("uncertainty"))
    if latched:
        calls.append(_call(LATCHED.get(stopped_by or "", "protective_stop")))
    if overtime:
        calls.append(_call("cycle_overtime"))
    return calls


def _call(cause: str, part: str | None = None) -> Call:
    initiator, kind, service = CALLS[cause]
    return Call(cause, initiator, kind, service, part)


def _hurts(event: Event) -> bool:
    """A blow above the limit by the robot's own motion: the person presses the emergency stop."""
    return bool(event.data["moving"] and event.data["robot_force_ratio"] > 1.0)


BEYOND = 60.0  # s after the end of the episode that an operator is drawn at work


@dataclass(slots=True)
class Desk:
    """The operator's day: free, on the way, at work."""

    settings: Operator
    rng: np.random.Generator
    workplace: Workplace
    end: float = inf  # s, of the episode
    crew: Crew = field(default_factory=Crew)  # in which the operator appears
    phase: Literal["free", "coming", "working"] = "free"
    calls: list[Call] = field(default_factory=list)
    until: float = 0.0  # s, when the phase ends
    count: int = 0
    notice: float = 0.0  # s
    start: float = 0.0  # s, of the request being served
    visit: OperatorVisit | None = None
    soft: bool = False  # the robot works on until the operator is there
    pace: float = 0.0  # of the operator in this visit, standard normal
    service: float = 0.0  # s, what the visit takes

    @property
    def busy(self) -> bool:
        """Whether the robot is locked out for a person."""
        return self.phase != "free" and not self.soft

    def lock(self, time: float) -> None:
        """Once the operator is there, at `time` (s), a robot that worked on must stand."""
        if self.soft and time >= self.until - 1e-9:
            self.soft, self.until = False, time

    def call(self, time: float, call: Call, work_point: tuple[float, float, float]) -> list[Event]:
        """Ask for the operator. One already on the way sees to this too, and is asked again only
        for what takes longer than what the visit was for.

        The k-th visit draws the k-th notice and pace whatever it is for, so that two agents meet
        the same operator.
        """
        self.calls.append(call)
        soft = call.cause in SOFT
        if self.phase != "free":
            self.soft = self.soft and soft
            return self._prolong(time, call)
        self.soft = soft
        lo, hi = self.settings.notice
        self.notice, self.pace = float(self.rng.uniform(lo, hi)), float(self.rng.normal())
        self.service = self._service(call.service, time)
        noticed = time + self.notice
        if self.visit is not None:  # who is still on the way out of the cell is not yet back
            noticed = max(noticed, self.visit.gone)
        way = self.settings.distance / self.settings.walking_speed
        self.visit = operator_visit(noticed, way, self.service, work_point, self.workplace)
        self.crew.add(self.visit.visit)
        self.count += 1
        self.phase, self.start, self.until = "coming", time, self.visit.arrived
        return [self._request(time, call)]

    def _prolong(self, time: float, call: Call) -> list[Event]:
        """More to do in the visit under way: it takes as long as the longest service does."""
        service = self._service(call.service, time)
        if self.visit is None or service <= self.service:
            return []
        self._change(self.visit.longer(service - self.service))
        self.service = service
        return [self._request(time, call)]

    def _change(self, visit: OperatorVisit) -> None:
        assert self.visit is not None
        self.crew.exchange(self.visit.visit, visit.visit)
        self.visit = visit
        if self.phase == "working":
            self.until = self.visit.reset

    def _request(self, time: float, call: Call) -> Event:
        data = {
            "id": self.count, "cause": call.cause, "initiator": call.initiator,
            "class": call.kind, "service": call.service, "part": call.part, "notice": self.notice,
        }  # fmt: skip
        return Event(time, EventKind.REQUEST, "cell", data)

    def arrive(self) -> Event:
        """The operator is at the cell and starts to work."""
        assert self.visit is not None
        time, self.phase, self.until = self.until, "working", self.visit.reset
        data = {"id": self.count, "notice": self.notice, "way": self._way(time)}
        return Event(time, EventKind.OPERATOR_ARRIVED, "operator", data)

    def stay(self) -> None:
        """The cell could not be released; try again a little later."""
        assert self.visit is not None
        self._change(self.visit.waiting(AGAIN))

    def finish(self, time: float) -> Event:
        """The work is done, the reset button pressed and the robot released."""
        assert self.visit is not None
        self.phase = "free"
        service = time - self.visit.arrived
        labour = service + self._way(self.visit.arrived)
        data = {"id": self.count, "service": service, "labour": labour}
        return Event(time, EventKind.SERVICE_DONE, "operator", data)

    def _way(self, arrived: float) -> float:
        return arrived - self.start - self.notice

    def _service(self, kind: Service, time: float) -> float:
        """Seconds, lognormal with the mean and coefficient of variation of the settings.

        What would be done long after the episode's end need not be drawn.
        """
        law = getattr(self.settings, kind)
        variance = log(1.0 + law.cv**2)
        drawn = float(law.mean * exp(sqrt(variance) * self.pace - variance / 2.0))
        return min(drawn, max(0.0, self.end - time) + BEYOND)
