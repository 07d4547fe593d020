"""The record of an episode: its events, the state the cell is in, and its worst moment."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter

import numpy as np

from genba.envs.operator import Desk
from genba.safety import SafetyLayer
from genba.safety.layer import LAYER
from genba.scenarios import Scenario
from genba.sim.state import Array, Event, EventKind, Person, State, Value

AUTONOMOUS = ("producing", "slowed", "idle")  # states in which the cell could finish a part
PROGRESS = (EventKind.PART_FINISHED, EventKind.PART_REJECTED, EventKind.SERVICE_DONE)
_time = attrgetter("time")
# who stops a robot whose policy gives no answer; what else the layer itself stops, it latches
POLICY = "policy_watchdog", "finite_command", LAYER
IDLE = 2.0  # s without motion, though nothing stops the robot, after which it counts as idle


@dataclass(slots=True)
class Diary:
    """Events in order of time; `trace` has a row a control step while a person is about."""

    scenario: Scenario
    events: list[Event] = field(default_factory=list)
    state: str = ""
    trace: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    worst: tuple[tuple[float, float, float], State] | None = None  # and what it looked like
    moved: float = 0.0  # s, when the robot last moved
    resumed: float = 0.0  # s of productive time at the last finished part or service
    productive: float = 0.0  # s spent so far in states in which a part could be finished
    present: dict[str, float] = field(default_factory=dict)  # person -> time of coming

    def open(self, safety: list[str], period: float, state: str) -> None:
        """The first events of an episode."""
        s = self.scenario
        data = {
            "cell": s.cell,
            "robot": s.robot,
            "seconds": s.seconds,
            "planned_cycle_time": s.planned_cycle_time,
            "takt": s.takt,
            "agent_period": period,
            "safety": safety,
        }
        self.events.append(Event(0.0, EventKind.EPISODE_START, s.name, data))
        self.enter(0.0, state)

    def write(
        self, new: Sequence[Event], time: float, seconds: float, people: Mapping[str, Person]
    ) -> list[Event]:
        """Note what happened in a step of `seconds`, and who came and went; returns it all."""
        if self.state in AUTONOMOUS:
            self.productive += seconds
        if people.keys() != self.present.keys():
            new = [*new, *self._traffic(time, people)]
        if not new:
            return []
        new = sorted(new, key=_time)
        if any(e.kind in PROGRESS for e in new):
            self.resumed = self.productive
        self.events += new
        return new

    def overtime(self) -> bool:
        """Whether the cell has worked for too long without finishing a part."""
        return self.productive - self.resumed > self.scenario.cycle_timeout

    def idle(self, time: float) -> bool:
        """Whether the robot has not moved for a while."""
        return time - self.moved > IDLE

    def watch(self, worst: tuple[float, float, float], state: State) -> None:
        """Keep the least margin so far (m), when (s), the separation then (m); and the state at the
        end of the step in which it was.
        """
        if worst[0] < inf and (self.worst is None or worst[0] < self.worst[0][0]):
            self.worst = (worst, state)

    def _traffic(self, time: float, people: Mapping[str, Person]) -> list[Event]:
        events = []
        for name, person in people.items():
            if name not in self.present:
                self.present[name] = time
                data = {"role": person.role, "behaviour": person.behaviour}
                events.append(Event(time, EventKind.PERSON_ENTERED, name, data))
        for name in [n for n in self.present if n not in people]:
            stayed = time - self.present.pop(name)
            events.append(Event(time, EventKind.PERSON_LEFT, name, {"duration": stayed}))
        return events

    def enter(self, time: float, state: str) -> None:
        """The cell is in this state from now on."""
        if state != self.state:
            self.state = state
            self.events.append(Event(time, EventKind.STATE, "cell", {"state": state}))

    def close(self, time: float) -> None:
        """The last event of an episode."""
        if self.events[-1].kind is not EventKind.EPISODE_END:
            self.events.append(Event(time, EventKind.EPISODE_END, self.scenario.name))

    def worst_moment(self) -> dict[str, float] | None:
        """Time s, margin d - S* m and separation m of the worst moment, if any."""
        if self.worst is None:
            return None
        margin, time, separation = self.worst[0]
        return {"time": time, "margin": margin, "separation": separation}

    def trace_array(self) -> Array:
        """(k, 5): time s, separation m, S_p m, TCP speed m/s, safety scale."""
        return np.array(self.trace, dtype=np.float64).reshape(-1, 5)


def recording(
    layer: SafetyLayer, machines: MutableMapping[str, Value], mended: bool = False
) -> None:
    """Tells the layer whether its recorder fails, if it has one; `mended`: a person saw to it."""
    recorder = layer.recorder
    if recorder is not None:
        machines["recorder_failed"] = not recorder.mend() if mended else recorder.failed


def condition(desk: Desk, layer: SafetyLayer, task: str, standing: bool, idle: bool) -> str:
    """The state of the cell, as docs/events.md lists them; `task` is the task's own word."""
    if desk.busy:
        if not standing:
            return "stopped"
        return "waiting" if desk.phase == "coming" else "serving"
    if layer.latched:
        return "stopped"
    if layer.stopped_by is not None:
        return "idle" if layer.stopped_by in POLICY else "standstill"
    if task != "producing":
        return task
    if layer.scale < 0.999:
        return "slowed"
    return "idle" if idle else "producing"
