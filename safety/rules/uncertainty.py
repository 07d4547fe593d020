"""Uncertainty: a policy that does not know what it sees; split-conformal threshold (D)."""

from __future__ import annotations

from pydantic import Field

from genba.safety.conformal import THRESHOLD
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.sim.state import Command, State


class UncertaintyParameters(Parameters):
    """From which score a person is asked, and for how long the answer stands."""

    threshold: float = Field(
        default=THRESHOLD, gt=0.0, le=1e6, description="1, conformal threshold of the score (C)"
    )
    scale: float = Field(default=0.5, ge=0.0, le=1.0, description="1, of the speed until then (D)")
    stands: float = Field(
        default=10.0, ge=0.0, le=3600.0, description="s that a person's word stands (D)"
    )


class Uncertainty:
    """Half speed from `machines["uncertainty"]` above the threshold until a person has looked.

    That a person has is told by `machines["served"]`, the number of services so far.
    """

    name = "uncertainty"
    clause = "project rule (D), docs/standards.md 8: uncertainty, out of distribution"
    reaction = "scales to half speed, asks a person"
    reset = "manual"
    order = "task"
    Parameters = UncertaintyParameters
    MEMORY = ("_asked", "_trigger", "_until")
    NEEDS = ("uncertainty",)
    __slots__ = ("_asked", "_set", "_trigger", "_until")

    def __init__(
        self, parameters: UncertaintyParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._set = parameters
        self._asked: object = None  # services there had been when a person was asked
        self._trigger = 0.0  # the score for which
        self._until = -1.0  # s, until when the person's word stands

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: the score that asked for a person; limit: the threshold."""
        score = state.machines.get("uncertainty", 0.0)
        if self._asked is None and 0.0 <= score <= self._set.threshold:  # type: ignore[operator]  # else it raises: a stop
            return PASS
        served = state.machines.get("served", 0)
        if self._asked is None:
            if state.time < self._until:
                return PASS
            self._asked, self._trigger = served, float(score)
        elif served != self._asked:
            self._asked, self._until = None, state.time + self._set.stands
            return PASS
        reason = "the policy does not know what it sees: a person is asked"
        return Verdict(self._set.scale, None, False, reason, self._trigger, self._set.threshold)
