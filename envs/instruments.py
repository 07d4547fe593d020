"""What the cell's own controllers report: forces, how the work goes, how the operator fares.

Only what a rule of the layer asks for is measured (`NEEDS` of the rule).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from genba.envs.arm import Arm
from genba.safety import SafetyLayer
from genba.sim.contacts import equipment_force, part_force
from genba.sim.state import Array, Event, EventKind, RobotState, Value
from genba.sim.world import World

Machines = dict[str, float | int | bool | str]
WINDOW = 600.0  # s over which the operator's load is counted (EEMUA 191)
# what a person sets right while serving the cell
SERVED = ("emergency_stop", "guard_open", "takeover", "recorder_failed", "part_dropped",
          "wrong_part")  # fmt: skip
DONE = (EventKind.PART_FINISHED, EventKind.PART_REJECTED)
PUSHES = Sequence[tuple[int, Array, Array]]


class Instruments:
    """Fills `State.machines` and `RobotState.wrench` of the truth."""

    def __init__(self, layer: SafetyLayer, world: World, configuration: str) -> None:
        needs = {need for rule in layer.rules.values() for need in getattr(rule, "NEEDS", ())}
        self._world = world
        self.wrench = "wrench" in needs
        self._insertion = "insertion_force" in needs
        self._process = "process" in needs
        self._load = "operator_load" in needs
        self.second_tracker = "tracker_disagreement" in needs
        self._configuration = configuration
        self.reset()

    def reset(self) -> Machines:
        """An episode begins; returns what is reported from now on, kept up to date in place."""
        self.machines: Machines = {
            "emergency_stop": False, "configuration": self._configuration, "served": 0
        }  # fmt: skip
        self.pushed: Array = np.zeros(3)  # N, of everything but fixtures during the tick
        self._gripping = self._got = False
        self._requests: list[float] = []  # s
        self._services: list[tuple[float, float]] = []  # s, from and to
        self._began: float | None = None
        return self.machines

    def push(self, pushes: PUSHES) -> None:
        """People push the robot; the same pushes in each physics tick count once."""
        total: Array = np.zeros(3)
        for _, _, force in pushes:
            total = total + force
        self.pushed = total

    def feel(self, robot: RobotState) -> RobotState:
        """The robot with the external force of the tick that is over."""
        if self._insertion:
            self.machines["insertion_force"] = part_force(self._world)
        if not self.wrench:
            return robot
        total = equipment_force(self._world) + self.pushed
        self.pushed = np.zeros(3)
        return robot._replace(wrench=float(np.linalg.norm(total)))

    def read(self, new: Sequence[Event], time: float, arm: Arm) -> None:
        """Once a control step, with what happened in it."""
        machines = self.machines
        machines["cycle_done"] = any(event.kind in DONE for event in new)
        if self._process:
            self._watch(new, arm)
        if self._load:
            self._count(new, time)

    def _watch(self, new: Sequence[Event], arm: Arm) -> None:
        machines = self.machines
        for event in new:
            if event.kind is EventKind.PART_DROPPED:
                machines["part_dropped"] = True
            elif event.kind is EventKind.PART_FINISHED and not event.data["good"]:
                machines["wrong_part"] = True
        gripping = arm.grip > 0.0
        if gripping:
            self._got = self._got or arm.holding
        elif self._gripping:  # it has opened: was there anything?
            machines["retries"] = 0 if self._got else int(machines.get("retries", 0)) + 1
            self._got = False
        self._gripping = gripping

    def _count(self, new: Sequence[Event], time: float) -> None:
        for event in new:
            if event.kind is EventKind.REQUEST:
                self._requests.append(event.time)
            elif event.kind is EventKind.OPERATOR_ARRIVED:
                self._began = event.time - float(event.data["way"])
            elif event.kind is EventKind.SERVICE_DONE and self._began is not None:
                self._services.append((self._began, event.time))
                self._began = None
        since = time - WINDOW
        self._requests = [t for t in self._requests if t > since]
        self._services = [s for s in self._services if s[1] > since]
        busy = sum(end - max(begin, since) for begin, end in self._services)
        if self._began is not None:
            busy += time - max(self._began, since)
        self.machines["operator_requests"] = float(len(self._requests))
        # of the ten minutes, also where fewer have passed: one early service is no overload
        self.machines["attention_demand"] = busy / WINDOW

    def served(self) -> None:
        """A person has set right what a person can."""
        machines = self.machines
        for flag in SERVED:
            if machines.get(flag):
                machines[flag] = False
        machines["retries"] = 0
        machines["served"] = int(machines["served"]) + 1


def tickets(new: Sequence[Event]) -> list[Event]:
    """What the next improvement cycle should look at: each time the operator load acts."""
    return [
        Event(event.time, EventKind.TICKET, event.subject, _ticket(event.data))
        for event in new
        if event.kind is EventKind.RULE
        and event.subject == "operator_load"
        and event.data["phase"] == "on"
    ]


def _ticket(data: Mapping[str, Value | None]) -> dict[str, Value | None]:
    return {key: data[key] for key in ("reason", "trigger", "limit")}
