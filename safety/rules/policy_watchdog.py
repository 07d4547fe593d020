"""Policy watchdog: no answer, a late one or no number; this project's own rule (D)."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from genba.safety import geometry
from genba.safety.retreat import draw_back, nobody_near, standing
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.safety.standards import (
    RECOVERY_AFTER,
    RECOVERY_WAY,
    WATCHDOG_HOLDS,
    WATCHDOG_LONGEST,
    WATCHDOG_TICKS,
    WATCHDOG_WINDOW,
)
from genba.sim.kinematics import Chain
from genba.sim.state import Array, Command, RobotState, State

_UP: Array = np.array([0.0, 0.0, 1.0])


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
    longest: float = Field(
        default=WATCHDOG_LONGEST, gt=0.0, le=86400.0, description="s of a hold that latches (D)"
    )
    max_age: float = Field(
        default=0.0, ge=0.0, le=10.0, description="s by which an answer may be late (D)"
    )
    tolerance: float = Field(
        default=1e-3, ge=0.0, le=1.0, description="1, how far beyond [-1, 1] an action may lie (D)"
    )
    recover_after: float = Field(
        default=RECOVERY_AFTER, ge=0.0, le=60.0, description="s of hold until it recovers (D)"
    )
    recovery: float = Field(
        default=RECOVERY_WAY, ge=0.0, le=0.2, description="m that the tool is lifted by (D)"
    )


class PolicyWatchdog:
    """Holds the robot while the policy fails; after several holds, or a long one, a person must
    take over.

    A hold that lasts is given to the recovery controller: it lifts the tool out of the work, slower
    than what counts as moving, and holds it there. It needs the robot's kinematics.
    """

    name = "policy_watchdog"
    clause = "project rule (D), docs/standards.md 8: policy watchdog"
    reaction = "category 2 (hold), lifts the tool; 3 holds in 60 s or 10 s of one hand over"
    reset = "automatic; once handed over manual"
    order = "integrity"
    Parameters = PolicyWatchdogParameters
    MEMORY = ("_from", "_holds", "_streak")
    __slots__ = (
        "_bound", "_chain", "_from", "_holds", "_oldest", "_robot", "_set", "_streak", "silence",
    )  # fmt: skip

    def __init__(
        self, parameters: PolicyWatchdogParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._set = robot_name, parameters
        self._chain: Chain | None = getattr(robot, "chain", None)
        self._bound = 1.0 + parameters.tolerance
        self._oldest = parameters.max_age + 1e-9
        self.silence = Silence(size=self._bound, age=self._oldest)
        self._streak = 0
        self._holds: tuple[float, ...] = ()  # s, when the latest ones began
        self._from: Array | None = None  # m, where the tool was when recovery began

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: bad ticks in a row; limit: the ticks allowed."""
        late = not 0.0 <= command.age <= self._oldest
        if not late and geometry.size(command.asked, command.grip) <= self._bound:
            self._streak = 0
            return PASS
        self._streak += 1
        if self._streak < self._set.ticks:
            return PASS
        if self._streak == self._set.ticks:
            self._holds = (*self._holds, state.time)[-self._set.holds :]
            self._from = None
        often = len(self._holds) == self._set.holds
        latch = often and self._holds[-1] - self._holds[0] <= self._set.window
        reason = "the policy is late" if late else "the policy's answer is no action"
        long = state.time - self._holds[-1] >= self._set.longest
        if latch or long:
            reason += (
                ", again and again: a person takes over"
                if latch
                else ", for too long: a person takes over"
            )
        latch = latch or long
        motion = None if latch else self._recover(state, state.robots[self._robot])
        return Verdict(0.0, 2, latch, reason, float(self._streak), float(self._set.ticks), motion)

    def _recover(self, state: State, robot: RobotState) -> Array | None:
        """Joint velocities (n,) of the recovery controller, None while it has nothing to do."""
        if self._chain is None or state.time - self._holds[-1] < self._set.recover_after:
            return None
        if not nobody_near(state, robot):
            return None
        if self._from is None:
            if not standing(robot):
                return None
            self._from = robot.tcp[:3].copy()
        return draw_back(self._chain, robot, self._from, _UP, self._set.recovery)
