"""Emergency stop; ISO 13850 and ISO 10218-2:2025 (R, unverified), IEC 60204-1 categories (P)."""

from __future__ import annotations

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.sim.state import Command, State


class EmergencyStopParameters(Parameters):
    """An emergency stop has nothing to set."""


class EmergencyStop:
    """Stops when `machines["emergency_stop"]` is set: category 1, or 0 where it says "fault"."""

    name = "emergency_stop"
    clause = "ISO 13850 (R, unverified); IEC 60204-1 stop categories (P)"
    reaction = "category 1, on a fault category 0"
    reset = "manual"
    order = "people"
    Parameters = EmergencyStopParameters
    silence = Silence(flags=("emergency_stop",))
    BLIND = True
    __slots__ = ()

    def __init__(
        self, parameters: EmergencyStopParameters, robot_name: str, robot: RobotModel
    ) -> None:
        pass

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: 1 while it is pressed; limit: 0."""
        pressed = state.machines.get("emergency_stop")
        if not pressed:
            return PASS
        if pressed == "fault":
            return Verdict(0.0, 0, True, "emergency stop on a fault", 1.0, 0.0)
        return Verdict(0.0, 1, True, "emergency stop", 1.0, 0.0)
