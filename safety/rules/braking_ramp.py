"""Braking ramp monitoring: SS1-r and SS2-r of IEC 61800-5-2 (S); this project's own values (D).

A robot that is told to slow down must need less and less time to stand, a second less each second.
Every other rule counts on that deceleration; this one holds the robot to it.
"""

from __future__ import annotations

from math import ceil, inf

import numpy as np
from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import TICK
from genba.safety.verdicts import Decision
from genba.sim.compiled import kernel
from genba.sim.state import Array, Command, State

STOOD = 0.005  # s of braking or less: the robot has stood, what moves it now is no bad brake (D)
MISSED = 3.5  # ticks without a look, after which nothing is known of what the robot was told


class BrakingRampParameters(Parameters):
    """The ramp, and how far the robot may lie above it."""

    reaction_time: float = Field(
        default=0.025, ge=0.0, le=1.0, description="s before braking acts, three ticks (D)"
    )
    share: float = Field(
        default=1.0, gt=0.0, le=1.0, description="1, of the maker's deceleration to be held (D)"
    )
    stopping: float = Field(
        default=0.02, ge=0.0, le=1.0, description="s of braking above the ramp of a stop (D)"
    )
    slowing: float = Field(
        default=0.05, ge=0.0, le=1.0,
        description="s above the ramp of a robot that is slowed, whose controller also corrects"
        " its path, or that has stood and may be pushed (D)",
    )  # fmt: skip
    ticks: int = Field(default=3, ge=1, le=1000, description="ticks in a row above it (D)")


@kernel()
def braking_time(dq: Array, limits: Array) -> float:
    """s that joints at dq (n,) rad/s need to stand at their deceleration (n,) rad/s^2, all evenly.

    What is no number stays none.
    """
    longest, total = 0.0, 0.0
    for i in range(dq.shape[0]):
        longest = max(longest, abs(dq[i]) / limits[i])
        total += dq[i]
    return longest + 0.0 * total


class BrakingRamp:
    """Stops a robot for good that does not slow down as its maker declares.

    The ramp starts at the braking time of the fastest command let through during the last
    `reaction_time`; it falls by a second each second, and no lower than the command asks for. Once
    the robot has stood, a person may push it without its brakes being to blame. A joint that is
    pushed harder counts as one that does not do what it was told.
    """

    name = "braking_ramp"
    clause = "braking ramp monitoring, IEC 61800-5-2 SS1-r, SS2-r (S); project values (D)"
    reaction = "category 0"
    reset = "manual"
    order = "integrity"
    Parameters = BrakingRampParameters
    MEMORY = ("_bound", "_over", "_recent", "_stood", "_time", "_told")
    __slots__ = (
        "_bound", "_limits", "_longest", "_over", "_recent", "_robot", "_slowing", "_stood",
        "_stopping", "_ticks", "_time", "_told",
    )  # fmt: skip

    def __init__(
        self, parameters: BrakingRampParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._ticks = robot_name, parameters.ticks
        self._stopping, self._slowing = parameters.stopping, parameters.slowing  # s
        self._limits = np.asarray(robot.ddq_max, dtype=np.float64) * parameters.share
        tick: float = getattr(robot, "tick", TICK)
        self._longest = MISSED * tick
        self._time = -inf  # s, of the latest look
        self._told = 0.0  # s, braking time of what was let through then
        self._recent = (0.0,) * (1 + ceil(parameters.reaction_time / tick - 1e-9))  # s, so far
        self._bound = 0.0  # s, the ramp
        self._over = 0  # ticks in a row above it
        self._stood = False  # since it was told to

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: s that the robot still needs to stand; limit: s that the ramp leaves it."""
        now, time = braking_time(state.robots[self._robot].dq, self._limits), state.time
        gap = time - self._time
        self._time = time
        if not 0.0 <= gap <= self._longest:
            self._recent, self._bound, self._over = (now,) * len(self._recent), now, 0
            self._stood = False
            return PASS
        self._recent = recent = self._recent[1:] + (self._told,)
        asked, bound = max(recent), self._bound - gap
        self._bound = bound = bound if bound > asked else asked
        self._stood = stood = self._told == 0.0 and (self._stood or now <= STOOD)
        bound += self._slowing if stood or asked > 0.0 else self._stopping
        if now <= bound:
            self._over = 0
            return PASS
        self._over += 1
        if self._over < self._ticks:
            return PASS
        return Verdict(0.0, 0, True, "the robot slows down less than declared", now, bound)

    def heed(self, decision: Decision) -> None:
        """What the robot was let do until the next tick."""
        self._told = braking_time(decision.command.dq, self._limits)
