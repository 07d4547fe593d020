"""Power and force limiting of possible contacts; ISO 10218-2:2025 5.14.6, ISO/TS 15066 (S)."""

from __future__ import annotations

import numpy as np
from numba import njit
from pydantic import Field

from genba.safety import geometry, human
from genba.safety.geometry import bounding_ball
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import Verdict
from genba.safety.verified_stop import ALLOWED
from genba.safety.watch import Watch, WatchParameters
from genba.sim.separation import closest
from genba.sim.state import REGIONS, Array, Command, State


class PflParameters(WatchParameters):
    """What the robot weighs when it touches, and where a body part can be clamped."""

    load: float = Field(default=0.0, ge=0.0, le=50.0, description="kg, carried (D)")
    share: float = Field(
        default=0.9, gt=0.0, le=1.0, description="1, of the limits that may be used (D)"
    )
    obstacles: list[geometry.Box] = Field(
        default=[[-0.3, -0.8, -0.05, 0.9, 0.8, 0.0]],
        description="m, fixed boxes a part can be clamped against; the table top (D)",
    )
    contact_gap: float = Field(
        default=0.06, ge=0.0, le=1.0,
        description="m to the robot; nearer a part counts as touched, with the limit of what"
        " presses on (D)",
    )  # fmt: skip
    clamping_gap: float = Field(
        default=0.3, ge=0.0, le=5.0, description="m to an obstacle, below which it can be (D)"
    )
    regions: list[str] | None = Field(
        default=None, description="of the body that are looked after, null: all (D)"
    )


@njit(cache=True, error_model="numpy")
def _choose(
    body: Array, robot: Array, boxes: Array, gaps: tuple[float, float], speeds: Array, out: Array
) -> None:
    """The free or the clamped speed, rows of `speeds` (2, m), of each body capsule into the laws.

    `gaps` (m) to boxes and to the robot (c, 7). A capsule counts as near a box where the box that
    encloses it is.
    """
    for j in range(body.shape[0]):
        near = False
        for k in range(boxes.shape[0]):
            inside = True
            for axis in range(3):
                low = min(body[j, axis], body[j, axis + 3]) - body[j, 6] - gaps[0]
                high = max(body[j, axis], body[j, axis + 3]) + body[j, 6] + gaps[0]
                if low > boxes[k, axis + 3] or high < boxes[k, axis]:
                    inside = False
            near = near or inside
        x, y, z, r = bounding_ball(body[j])
        for i in range(robot.shape[0]):
            if near:
                break
            u, v, w, s = bounding_ball(robot[i])
            far = r + s + gaps[1]
            if (x - u) ** 2 + (y - v) ** 2 + (z - w) ** 2 <= far * far:
                near = closest(robot[i], body[j])[0] < gaps[1]
        out[j, ALLOWED] = speeds[1, j] if near else speeds[0, j]


class Pfl:
    """Wherever the robot could touch somebody before it stands, it is slow enough to be let.

    Slow enough: the two-body model's force and energy of the robot's own speed stay below the
    transient limit of the region, near an obstacle and once it touches below the quasi-static one.
    Skull and face must not be touched by a robot that moves.
    """

    name = "pfl"
    clause = "ISO 10218-2:2025 5.14.6, Annexes M, N (S); ISO/TS 15066 Annex A (R, unverified)"
    reaction = "scales to v_max of the region within reach; else category 2"
    reset = "automatic"
    order = "people"
    MEMORY = ("memory",)
    Parameters = PflParameters
    __slots__ = ("_boxes", "_gaps", "_capsules", "_laws", "_robot", "_speeds", "_watch")

    def __init__(self, parameters: PflParameters, robot_name: str, robot: RobotModel) -> None:
        mass = kinematics(robot, self.name).effective_mass(parameters.load)
        # the share of an energy is the square of that of a speed: the lower of both
        speeds = [
            {region: parameters.share * human.contact_speed(region, mass, c) for region in REGIONS}
            for c in (False, True)
        ]
        for table in speeds:
            table.update(human.but(parameters.regions))
        self._watch = Watch(parameters, robot_name, robot, self.name, speeds[0])
        self._speeds, self._robot = speeds, robot_name
        self._boxes = geometry.boxes(parameters.obstacles)
        self._gaps = parameters.clamping_gap, parameters.contact_gap
        self._laws: dict[int, tuple[Array, Array]] = {}

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: distance (m) of the pair that acted; limit: the way it may need to close (m)."""
        if state.people:
            self._capsules = state.robots[self._robot].capsules
        return self._watch.check(state, command, self.laws)

    def laws(self, body: Array) -> Array:
        """The laws (m, LAWS) of a body (m, 7): how fast each capsule may be touched where it is."""
        m = len(body)
        if m not in self._laws:
            tables = [human.laws(table, m) for table in self._speeds]
            self._laws[m] = np.array([table[:, ALLOWED] for table in tables]), tables[0]
        speeds, out = self._laws[m]
        _choose(body, self._capsules, self._boxes, self._gaps, speeds, out)
        return out

    @property
    def memory(self) -> tuple[bool, float | None]:
        """Whether it is stopped, and since when the way is clear (s)."""
        return self._watch.memory

    @memory.setter
    def memory(self, value: tuple[bool, float | None]) -> None:
        self._watch.memory = (bool(value[0]), value[1])
