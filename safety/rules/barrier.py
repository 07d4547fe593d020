"""Control barrier function filter (Ames et al., 2019; R, unverified); this project's own rule (D).

With h = d - d_min between every capsule of the robot and every one of a person or a zone, the
motion is changed so that dh/dt >= -gain h, as little as can be. Then h, once positive, stays so -
where the robot follows at once, the positions are true and nobody comes nearer faster than the
robot's own share makes up for. It never makes the robot flee: a person who walks on reaches a robot
that stands. So it smooths what a robot does near people; it is no separation monitoring and takes
the place of none.
"""

from __future__ import annotations

from math import inf

import numpy as np
from pydantic import Field

from genba.safety import geometry, projection, walls
from genba.safety.crowd import crowd_of
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import PASS, Parameters, Verdict
from genba.sim.state import Array, Command, RobotState, State


class BarrierParameters(Parameters):
    """How far the robot keeps, and how fast it may use up what is left."""

    distance: float = Field(
        default=0.10, ge=0.0, le=2.0, description="m, d_min to a person or zone (D)"
    )
    gain: float = Field(
        default=2.0, gt=0.0, le=50.0, description="1/s, alpha: share of h used up a second (D)"
    )
    people: bool = Field(default=True, description="1, whether people are kept from (D)")
    zones: list[geometry.Box] = Field(
        default=[], description="m, boxes [x0, y0, z0, x1, y1, z1] to keep from as well"
    )
    reaction_time: float = Field(
        default=0.1, ge=0.0, le=2.0, description="s before braking acts (D)"
    )
    deceleration: float | None = Field(
        default=None, ge=0.1, le=50.0, description="m/s^2, null: the least the robot realises (C)"
    )


class Barrier:
    """Bends the motion round people and zones, and slows it where there is no way round."""

    name = "barrier"
    clause = "control barrier functions, Ames et al. 2019 (R, unverified); project rule (D)"
    reaction = "projection, the distance to people and zones keeps"
    reset = "automatic"
    order = "people"
    Parameters = BarrierParameters
    __slots__ = (
        "_boxes", "_crowd", "_frames", "_keeper", "_people", "_robot", "_settings", "_zoned",
    )  # fmt: skip

    def __init__(self, parameters: BarrierParameters, robot_name: str, robot: RobotModel) -> None:
        self._robot = robot_name
        self._frames = np.array(kinematics(robot, self.name).capsule_links, dtype=np.float64) + 1.0
        self._people, self._crowd = parameters.people, crowd_of(robot)
        a = robot.deceleration if parameters.deceleration is None else parameters.deceleration
        self._settings = np.array(
            [parameters.distance, parameters.reaction_time, a, parameters.gain]
        )
        self._boxes, self._zoned = geometry.boxes(parameters.zones), bool(parameters.zones)
        world = np.empty((0, 4)), self._boxes, self._settings
        self._keeper = projection.Keeper(robot, self.name, self._frames, world)

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: speed (m/s) towards what is kept from; limit: what h leaves of it (m/s)."""
        if not state.people and not self._zoned:
            return PASS
        robot, crowd = state.robots[self._robot], projection.NOBODY
        if self._people and state.people:
            self._crowd.near(state, robot.capsules)
            crowd = self._crowd.bodies, self._crowd.gaps
        count, _, trigger, limit, _ = self._look(robot, command.capsule_velocities, crowd)
        if count == 0:
            return PASS
        body = robot.capsules, robot.capsule_velocities
        motion = self._keeper.keep(robot, command.dq, count, body, crowd)
        if motion is None:
            return Verdict(0.0, 2, False, "no motion keeps the distance", trigger, limit)
        return Verdict(1.0, None, False, "a person or zone is near", trigger, limit, motion)

    def _look(self, robot: RobotState, moves: Array, crowd: walls.Others) -> walls.Look:
        args = robot.capsules, moves, robot.capsule_velocities, self._frames
        found: walls.Look = NOTHING
        rows = self._keeper.rows
        if self._zoned:
            found = walls.boxes(*args, self._boxes, self._settings, rows)
            rows = rows[found[0] :]
        if not len(crowd[0]):
            return found
        other: walls.Look = walls.people(*args, *crowd, self._settings, rows)
        return walls.worse(found, other) if self._zoned else other


NOTHING: walls.Look = (0, 1.0, 0.0, 0.0, inf)
