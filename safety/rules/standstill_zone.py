"""Monitored standstill; ISO 10218-2:2025 5.14 and ISO/TS 15066 5.5.2 (clauses R, unverified)."""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from genba.safety import geometry
from genba.safety.crowd import crowd_of
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import (
    RESTART_TIME,
    STANDSTILL_JOINT,
    STANDSTILL_JOINT_SPEED,
    STANDSTILL_TCP,
)
from genba.sim.compiled import kernel
from genba.sim.state import Array, Command, RobotState, State


class StandstillZoneParameters(Parameters):
    """Where the robot may not move with a person, and how still is still."""

    zones: list[geometry.Box] = Field(
        default=[], description="m, exclusive boxes [x0, y0, z0, x1, y1, z1]"
    )
    distance: float = Field(
        default=0.0, ge=0.0, le=10.0, description="m, a person nearer to the robot is inside (D)"
    )
    clear_time: float = Field(
        default=RESTART_TIME, ge=0.0, le=60.0, description="s empty before the robot resumes (D)"
    )
    stop_time: float = Field(
        default=1.0, gt=0.0, le=10.0, description="s within which the robot must stand (D)"
    )
    drift_joint: float = Field(
        default=STANDSTILL_JOINT, gt=0.0, le=1.0, description="rad, of any joint (P)"
    )
    drift_tcp: float = Field(default=STANDSTILL_TCP, gt=0.0, le=1.0, description="m (P)")

    @model_validator(mode="after")
    def _somewhere(self) -> StandstillZoneParameters:
        if not self.zones and self.distance == 0.0:
            raise ValueError("needs `zones` or a `distance`")
        return self


@kernel()
def _drift(q: Array, tcp: Array, q0: Array, tcp0: Array) -> tuple[float, float]:
    joint, way = 0.0, 0.0
    for i in range(q.shape[0]):
        joint = max(joint, abs(q[i] - q0[i]))
    for i in range(3):
        way += (tcp[i] - tcp0[i]) ** 2
    return joint, way**0.5


class StandstillZone:
    """Stands while a body is inside; moving meanwhile, or not standing in time, is a fault."""

    name = "standstill_zone"
    clause = "monitored standstill (S); ISO 10218-2:2025 5.14, ISO/TS 15066 5.5.2 (R, unverified)"
    reaction = "category 2; drift of 5 deg or 40 mm category 1"
    reset = "automatic; after drift manual"
    order = "people"
    Parameters = StandstillZoneParameters
    MEMORY = ("_since", "_seen", "_stood")
    ABOUT_PEOPLE = True
    __slots__ = ("_crowd", "_robot", "_seen", "_set", "_since", "_stood", "_zones")

    def __init__(
        self, parameters: StandstillZoneParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._crowd = robot_name, crowd_of(robot)
        self._set = parameters
        self._zones = geometry.boxes(parameters.zones) if parameters.zones else None
        self._since: float | None = None  # when the standstill began
        self._seen = 0.0  # when somebody was last inside
        self._stood: tuple[Array, Array] | None = None  # q, tcp once the robot stood

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: 1 for a person inside, or the drift (rad, m, s); limit: in the same unit."""
        if state.people and self._inside(state):
            self._seen = state.time
            if self._since is None:
                self._since = state.time
        elif self._since is None:
            return PASS
        elif state.time - self._seen >= self._set.clear_time:
            self._since = self._stood = None
            return PASS
        return self._watch(state.robots[self._robot], state.time - self._since)

    def _inside(self, state: State) -> bool:
        distance = self._set.distance
        if self._zones is not None and geometry.touches(self._zones, self._crowd.of(state)):
            return True
        if not distance > 0.0:
            return False
        capsules = state.robots[self._robot].capsules
        return self._crowd.near(state, capsules) < distance

    def _watch(self, robot: RobotState, elapsed: float) -> Verdict:
        limits = self._set
        if self._stood is None:
            if float(np.abs(robot.dq).max()) <= STANDSTILL_JOINT_SPEED:
                self._stood = robot.q.copy(), robot.tcp.copy()
            elif elapsed > limits.stop_time:
                return Verdict(0.0, 1, True, "does not stand", elapsed, limits.stop_time)
            return Verdict(0.0, 2, False, "a person is in the zone", 1.0, 0.0)
        joint, way = _drift(robot.q, robot.tcp, *self._stood)
        if not joint <= limits.drift_joint:
            return Verdict(0.0, 1, True, "a joint drifts", joint, limits.drift_joint)
        if not way <= limits.drift_tcp:
            return Verdict(0.0, 1, True, "the tool drifts", way, limits.drift_tcp)
        return Verdict(0.0, 2, False, "a person is in the zone", 1.0, 0.0)
