"""Recorder health: no work without a record; this project's own rule (D)."""

from __future__ import annotations

from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.safety.standards import FINISH_TIME
from genba.sim.state import Command, State


class RecorderHealthParameters(Parameters):
    """How long the robot may take to finish what it has begun."""

    finish_within: float = Field(
        default=FINISH_TIME, ge=0.0, le=600.0, description="s until it stops in any case (D)"
    )


class RecorderHealth:
    """Once `machines["recorder_failed"]` is set the robot finishes its cycle and stops.

    The cycle is finished when the cell reports `machines["cycle_done"]`.
    """

    name = "recorder_health"
    clause = "project rule (D), docs/standards.md 8: recorder health"
    reaction = "finishes the cycle, then category 2"
    reset = "manual"
    order = "integrity"
    Parameters = RecorderHealthParameters
    MEMORY = ("_done", "_since")
    silence = Silence(flags=("recorder_failed",))
    BLIND = True
    __slots__ = ("_done", "_patience", "_since")

    def __init__(
        self, parameters: RecorderHealthParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._patience = parameters.finish_within
        self._since: float | None = None
        self._done = False

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: s since the record failed; limit: s that the cycle may take."""
        if not state.machines.get("recorder_failed"):
            self._since, self._done = None, False
            return PASS
        if self._since is None:
            self._since = state.time
        elapsed = state.time - self._since
        self._done = self._done or bool(state.machines.get("cycle_done"))
        if not self._done and elapsed < self._patience:
            reason = "no record is kept: the robot finishes its cycle"
            return Verdict(1.0, None, False, reason, elapsed, self._patience)
        return Verdict(0.0, 2, True, "no record is kept", elapsed, self._patience)
