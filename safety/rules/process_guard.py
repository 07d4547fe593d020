"""Process guard: what goes wrong with the work itself; this project's own rule (D)."""

from __future__ import annotations

from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import INSERTION_FORCE, RETRIES
from genba.sim.state import Command, State


class ProcessGuardParameters(Parameters):
    """How much may go wrong before a person looks."""

    force: float = Field(
        default=INSERTION_FORCE, gt=0.0, le=1000.0, description="N on the part in hand (D)"
    )
    retries: int = Field(default=RETRIES, ge=0, le=100, description="grips in vain in a row (D)")


class ProcessGuard:
    """Holds the robot for what the cell's controllers report of the work.

    `machines["insertion_force"]` (N on the part in hand), `["retries"]` (grips in a row that got
    hold of nothing), `["part_dropped"]` and `["wrong_part"]` (until a person has seen to it).
    """

    name = "process_guard"
    clause = "project rule (D), docs/standards.md 8: process guard"
    reaction = "category 2 (hold), a person assists"
    reset = "manual"
    order = "task"
    Parameters = ProcessGuardParameters
    NEEDS = ("insertion_force", "process")
    __slots__ = ("_force", "_retries")

    def __init__(
        self, parameters: ProcessGuardParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._force, self._retries = parameters.force, parameters.retries

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: N, grips, or 1 for a flag; limit: in the same unit."""
        machines = state.machines
        if machines.get("part_dropped"):
            return Verdict(0.0, 2, True, "a part was dropped", 1.0, 0.0)
        if machines.get("wrong_part"):
            return Verdict(0.0, 2, True, "a part is in the wrong place", 1.0, 0.0)
        retries = machines.get("retries", 0)
        if not 0 <= retries <= self._retries:  # type: ignore[operator]  # else it raises: a stop
            reason = "grip after grip gets hold of nothing"
            return Verdict(0.0, 2, True, reason, float(retries), float(self._retries))
        force = machines.get("insertion_force", 0.0)
        if not 0.0 <= force <= self._force:  # type: ignore[operator]  # else it raises: a stop
            return Verdict(0.0, 2, True, "the part in hand jams", float(force), self._force)
        return PASS
