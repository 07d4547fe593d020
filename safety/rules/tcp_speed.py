"""Tool speed limiting; ISO 10218-1:2025 5.5 speed limits (R, unverified), makers' values (P)."""

from __future__ import annotations

from pydantic import Field

from genba.safety import geometry
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.safety.standards import TOOL_SPEED_TOLERANCE
from genba.sim.state import Command, State


class TcpSpeedParameters(Parameters):
    """How fast the tool may be."""

    limit: float | None = Field(
        default=None, gt=0.0, le=20.0, description="m/s, null: the robot's own maximum (P)"
    )


def tool_limit_scale(state: State, robot: str, command: Command, limit: float) -> Verdict:
    """Scales a command to a tool speed (m/s); a robot measured faster than that counts too."""
    measured = state.robots[robot].tcp_velocity
    speed: float = geometry.tool_speed(command.tcp_velocity, measured, TOOL_SPEED_TOLERANCE)
    if speed <= limit * (1.0 + 1e-9):
        return PASS
    # a number that is none compares false and ends here
    scale = limit / speed
    return Verdict(scale if scale == scale else 0.0, None, False, "tool too fast", speed, limit)


class TcpSpeed:
    """Scales a command whose tool speed is above the limit."""

    name = "tcp_speed"
    clause = "ISO 10218-1:2025 speed limiting (R, unverified); makers' limits (P)"
    reaction = "scales the speed"
    reset = "automatic"
    order = "physical"
    Parameters = TcpSpeedParameters
    __slots__ = ("_limit", "_robot", "silence")

    def __init__(self, parameters: TcpSpeedParameters, robot_name: str, robot: RobotModel) -> None:
        self._robot = robot_name
        own = float(robot.tcp_speed_max)
        self._limit = own if parameters.limit is None else min(own, parameters.limit)
        self.silence = Silence(tool=self._limit)

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: tool speed (m/s), asked or measured; limit: m/s."""
        return tool_limit_scale(state, self._robot, command, self._limit)
