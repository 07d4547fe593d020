"""Finite and in-space commands; this project's own rule (D), docs/standards.md 8."""

from __future__ import annotations

from pydantic import Field

from genba.safety import geometry
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.sim.state import Command, State


class FiniteCommandParameters(Parameters):
    """What counts as a number inside the action space."""

    tolerance: float = Field(
        default=1e-3, ge=0.0, le=1.0, description="1, how far beyond [-1, 1] an action may lie (D)"
    )


class FiniteCommand:
    """Stops the robot for as long as the policy's answer is no number or outside its space.

    That the velocities made of it are numbers is checked by the layer itself, rule or no rule.
    """

    name = "finite_command"
    clause = "project rule (D), docs/standards.md 8: policy watchdog"
    reaction = "category 2"
    reset = "automatic"
    order = "integrity"
    Parameters = FiniteCommandParameters
    __slots__ = ("_bound", "silence")

    def __init__(
        self, parameters: FiniteCommandParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._bound = 1.0 + parameters.tolerance
        self.silence = Silence(size=self._bound)

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: size of the largest component asked; limit: 1 + tolerance."""
        if geometry.size(command.asked, command.grip) <= self._bound:
            return PASS
        kind, worst = geometry.answer(command.asked, command.grip, self._bound)
        if kind == geometry.OUT_OF_SPACE:
            return Verdict(0.0, 2, False, "the action is outside its space", worst, self._bound)
        return Verdict(0.0, 2, False, "the action is not finite", worst, self._bound)
