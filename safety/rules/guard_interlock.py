"""Guard interlock; ISO 14119 and ISO 10218-2:2025 on interlocked guards (R, unverified)."""

from __future__ import annotations

from pydantic import Field

from genba.safety import geometry
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.safety.zones import anybody_inside
from genba.sim.state import Command, State


class GuardInterlockParameters(Parameters):
    """Where the fence stands. Without a place only the guard's own switch counts."""

    zones: list[geometry.Box] = Field(
        default=[], description="m, fenced boxes [x0, y0, z0, x1, y1, z1] that nobody may be in"
    )
    distance: float = Field(
        default=0.0, ge=0.0, le=10.0, description="m, a person nearer to the robot is inside (D)"
    )


class GuardInterlock:
    """Stops for good when `machines["guard_open"]` is set or anybody is inside the fence."""

    name = "guard_interlock"
    clause = "ISO 14119, ISO 10218-2:2025 whole-body access (R, unverified)"
    reaction = "category 1"
    reset = "manual"
    order = "people"
    Parameters = GuardInterlockParameters
    BLIND = True
    ABOUT_PEOPLE = True
    __slots__ = ("_distance", "_fenced", "_robot", "_zones", "silence")

    def __init__(
        self, parameters: GuardInterlockParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot = robot_name
        self._distance = parameters.distance
        self._zones = geometry.boxes(parameters.zones) if parameters.zones else None
        self._fenced = self._zones is not None or self._distance > 0.0
        self.silence = None if self._fenced else Silence(flags=("guard_open",))

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: 1 while the guard is open or a person inside; limit: 0."""
        if state.machines.get("guard_open"):
            return Verdict(0.0, 1, True, "the guard is open", 1.0, 0.0)
        if not (self._fenced and state.people):
            return PASS
        if anybody_inside(state, self._robot, self._zones, self._distance):
            return Verdict(0.0, 1, True, "a person is inside the fence", 1.0, 0.0)
        return PASS
