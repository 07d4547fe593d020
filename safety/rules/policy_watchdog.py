"""Policy watchdog: no answer, a late one or no number; this project's own rule (D)."""

from __future__ import annotations

from collections import deque

from pydantic import Field

from genba.safety import geometry
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import WATCHDOG_HOLDS, WATCHDOG_TICKS, WATCHDOG_WINDOW
from genba.sim.state import Command, State


class PolicyWatchdogParameters(Parameters):
    """How long a policy may fail before it is held, and how often before a person takes over."""

    ticks: int = Field(
        default=WATCHDOG_TICKS, ge=1, le=1000, description="bad safety ticks in a row (D)"
    )
    holds: int = Field(
        default=WATCHDOG_HOLDS, ge=1, le=1000, description="holds in the window that latch (D)"
    )
    window: float = Field(
        default=WATCHDOG_WINDOW, gt=0.0, le=86400.0, description="s over which they count (D)"
    )
    max_age: float = Field(
        default=0.0, ge=0.0, le=10.0, description="s by which an answer may be late (D)"
    )
    tolerance: float = Field(
        default=1e-3, ge=0.0, le=1.0, description="1, how far beyond [-1, 1] an action may lie (D)"
    )


class PolicyWatchdog:
    """Holds the robot while the policy fails; after several holds a person must take over."""

    name = "policy_watchdog"
    clause = "project rule (D), docs/standards.md 8: policy watchdog"
    reaction = "category 2 (hold); 3 holds in 60 s hand over to a person"
    reset = "automatic; after 3 holds manual"
    order = "integrity"
    Parameters = PolicyWatchdogParameters
    MEMORY = ("_streak", "_holds")
    __slots__ = ("_bound", "_holds", "_oldest", "_set", "_streak")

    def __init__(
        self, parameters: PolicyWatchdogParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._set = parameters
        self._bound = 1.0 + parameters.tolerance
        self._oldest = parameters.max_age + 1e-9
        self._streak = 0
        self._holds: deque[float] = deque(maxlen=parameters.holds)

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: bad ticks in a row; limit: the ticks allowed."""
        late = not (command.age <= self._oldest)
        if not late and geometry.size(command.asked, command.grip) <= self._bound:
            self._streak = 0
            return PASS
        self._streak += 1
        if self._streak < self._set.ticks:
            return PASS
        if self._streak == self._set.ticks:
            self._holds.append(state.time)
        often = len(self._holds) == self._set.holds
        latch = often and self._holds[-1] - self._holds[0] <= self._set.window
        reason = "the policy is late" if late else "the policy's answer is no action"
        if latch:
            reason += ", again and again: a person takes over"
        return Verdict(0.0, 2, latch, reason, float(self._streak), float(self._set.ticks))
