"""Configuration integrity: no start with another configuration; this project's own rule (D)."""

from __future__ import annotations

from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.sim.state import Command, State


class ConfigurationIntegrityParameters(Parameters):
    """Which configuration the cell was released with."""

    declared: str | None = Field(
        default=None,
        max_length=128,
        description="hash the cell was released with, null: that of the episode's first tick",
    )


class ConfigurationIntegrity:
    """Keeps the robot from starting while `machines["configuration"]` is not the declared hash.

    A cell that reports none where one is declared does not start either.
    """

    name = "configuration_integrity"
    clause = "project rule (D), docs/standards.md 8: configuration integrity"
    reaction = "category 1: no start"
    reset = "manual"
    order = "integrity"
    Parameters = ConfigurationIntegrityParameters
    MEMORY = KEPT = ("_declared", "_known")
    BLIND = True
    __slots__ = ("_declared", "_known")

    def __init__(
        self, parameters: ConfigurationIntegrityParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._declared: object = parameters.declared
        self._known = parameters.declared is not None

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: 1 while the hashes differ; limit: 0. The reason names both."""
        found = state.machines.get("configuration")
        if not self._known:
            self._declared, self._known = found, True
        if found == self._declared:
            return PASS
        reason = f"configuration {_short(found)} is not the declared {_short(self._declared)}"
        return Verdict(0.0, 1, True, reason, 1.0, 0.0)


def _short(value: object) -> str:
    return "none" if value is None else str(value)[:16]
