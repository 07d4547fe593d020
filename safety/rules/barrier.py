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

from genba.safety import bystanders, geometry, keeper, walls
from genba.safety.crowd import crowd_of
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import PASS, Parameters, Verdict
from genba.sim.state import NONE, Command, State


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
    ABOUT_PEOPLE = True
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
        self._keeper = keeper.Keeper(robot, self.name, self._frames, world)

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: speed (m/s) towards what is kept from; limit: what h leaves of it (m/s)."""
        people = state.people if self._people else NONE
        if not people and not self._zoned:
            return PASS
        robot, moves, crowd = state.robots[self._robot], command.capsule_velocities, self._crowd
        where, doing, settings = robot.capsules, robot.capsule_velocities, self._settings
        found, others, rows = NOTHING, keeper.NOBODY, self._keeper.rows
        if self._zoned:
            found = walls.boxes(where, moves, doing, self._frames, self._boxes, settings, rows)
        if people:
            crowd.near(state, where)
            bodies, sight = others = crowd.bodies, crowd.sight
            rows = rows[found[0] :] if self._zoned else rows
            look = bystanders.people(
                where, moves, doing, self._frames, bodies, sight, settings, rows
            )
            found = walls.worse(found, look) if self._zoned else look
        count, _, trigger, limit, _ = found
        if count == 0:
            return PASS
        motion = self._keeper.keep(robot, command.dq, count, (where, doing), others)
        if motion is None:
            return Verdict(0.0, 2, False, "no motion keeps the distance", trigger, limit)
        return Verdict(1.0, None, False, "a person or zone is near", trigger, limit, motion)


NOTHING: walls.Look = (0, 1.0, 0.0, 0.0, inf)
