"""One tick of a rule that lets nothing through unless a stop after it is verified to be clear."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

import numpy as np
from pydantic import Field

from genba.safety import human, standards
from genba.safety.crowd import crowd_of
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.verified_stop import LEVELS, clear, greatest_level, room, stops_clear
from genba.safety.ways import ways_of
from genba.sim.state import Array, Command, State

NOWHERE: Array = np.empty((0, 6))
NOBODY: Array = np.empty((0, 1))


class Clamping(NamedTuple):
    """Where a body part can be clamped or is touched, and how fast it may be touched there."""

    boxes: Array  # (k, 6) m, fixed
    gap: float  # m to a box, below which a part can be
    contact: float  # m to the robot, below which it counts as touched
    allowed: Mapping[str, float]  # region -> m/s


class WatchParameters(Parameters):
    """What a verified stop is reckoned with."""

    reaction_time: float = Field(
        default=2.0 / 120.0, ge=0.0, le=1.0,
        description="s between a decision and the brakes, two ticks (D)",
    )  # fmt: skip
    sensor_delay: float = Field(
        default=standards.SENSOR_DELAY, ge=0.0, le=2.0, description="s, people are no fresher (D)"
    )
    braking: float = Field(
        default=1.0, gt=0.0, le=1.0, description="share of the maker's joint deceleration (P)"
    )
    z_d: float = Field(default=standards.Z_D, ge=0.0, le=1.0, description="m, person (D)")
    z_r: float = Field(default=standards.Z_R, ge=0.0, le=1.0, description="m, robot (D)")
    velocity_error: float = Field(
        default=0.1, ge=0.0, le=5.0, description="m/s, of a person's measured speed (D)"
    )
    standing_speed: float = Field(
        default=0.8 * standards.TOOL_SPEED_TOLERANCE, ge=0.0, le=standards.TOOL_SPEED_TOLERANCE,
        description="m/s, a braking link below it counts as standing (P, tool speed tolerance)",
    )  # fmt: skip
    min_scale: float = Field(
        default=0.05, gt=0.0, le=1.0, description="1, a lower one is a stop (D)"
    )
    restart_time: float = Field(
        default=0.3, ge=0.0, le=60.0, description="s it must be clear before it moves again (D)"
    )


class Watch:
    """Asks for the greatest clear scale; after a stop it waits until the way stays clear.

    The rules of this kind say what may be touched. `memory` is (whether it is stopped, since when
    the way is clear (s) or None), `level` what the latest search for a scale found.
    """

    MEMORY = ("level", "memory")
    __slots__ = (
        "_allowed", "_body", "_boxes", "_clamped", "_crowd", "_delay", "_key", "_laws", "_least",
        "_limits", "_reckoned", "_restart", "_robot", "_rows", "_settings", "_strict", "_table",
        "_ways", "_worst", "level", "memory",
    )  # fmt: skip

    def __init__(
        self, parameters: WatchParameters, robot_name: str, robot: RobotModel, rule: str,
        allowed: Mapping[str, float], clamping: Clamping | None = None,
    ) -> None:  # fmt: skip
        """`allowed`: region -> m/s at which the robot may touch it; `clamping`: and where it can be
        clamped. ValueError: no kinematics.
        """
        self._robot, self._delay = robot_name, parameters.sensor_delay
        self._least, self._restart = parameters.min_scale, parameters.restart_time
        self._allowed, self._clamped = allowed, None if clamping is None else clamping.allowed
        self._boxes = NOWHERE if clamping is None else clamping.boxes
        self._table = kinematics(robot, rule).table
        self._rows = len(self._table) - len(robot.ddq_max) - 1  # of a way
        drives = np.asarray(robot.ddq_max, dtype=np.float64)
        self._limits = np.array([drives, drives * parameters.braking])
        tick = float(getattr(robot, "tick", standards.TICK))
        # the second tick: the jerk limit lets a deceleration grow within a tick
        self._settings = np.array([
            parameters.reaction_time, tick, parameters.z_d + parameters.z_r,
            parameters.velocity_error, tick, parameters.standing_speed,
            *((0.0, 0.0) if clamping is None else (clamping.gap, clamping.contact)),
        ])  # fmt: skip
        self._crowd, self._ways = crowd_of(robot), ways_of(robot)
        self._key = parameters.reaction_time, parameters.braking
        # who lets nobody be touched answers for all that reckon with the same
        self._strict = clamping is None and not any(allowed.values())
        self._reckoned = *self._settings[:6].tolist(), *self._key, parameters.sensor_delay
        self._laws: dict[tuple[int, ...], tuple[Array, Array]] = {}
        self._body = human.laws(allowed, clamped=self._clamped)  # made now: it takes ticks' time
        self._worst = np.empty(5)
        self.memory: tuple[bool, float | None] = (False, None)
        self.level = 0

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: distance (m) of the pair that keeps the scale down; limit: the way it needs."""
        if not state.people:
            return self._answer(state.time, 1.0, inf, 0.0) if self.memory[0] else PASS
        robot, ways, table = state.robots[self._robot], self._ways, self._table
        known = ways.holds(state, command, self._key, self._rows)
        if known and ways.is_clear(state, self._reckoned):
            return self._answer(state.time, 1.0, inf, 0.0) if self.memory[0] else PASS
        crowd, late, gaps = self._crowd, state.people_age, NOBODY
        if late < self._delay:
            late = self._delay
        if self._clamped is not None:
            crowd.near(state, robot.capsules)
            gaps = crowd.gaps
        bodies, known_laws = crowd.of(state), self._laws.get(crowd.sizes)
        laws, work = self._learn(crowd.sizes) if known_laws is None else known_laws
        arm = robot.q, robot.dq, command.dq, robot.capsule_velocities
        way, worst = ways.way, self._worst
        rest = bodies, laws, gaps, self._boxes, self._settings, late, worst, work
        if known:
            good = ways.fits and clear(way, *rest, False)
        else:
            fits, good = stops_clear(arm, table, self._limits, way, *rest)
            ways.keep(state, command, self._key, fits)
        if good:
            if self._strict:
                ways.found_clear(state, self._reckoned)
            return self._answer(state.time, 1.0, inf, 0.0) if self.memory[0] else PASS
        at, need = (float(worst[1]), float(worst[2])) if ways.fits else (inf, 0.0)
        find = arm, table, self._limits, way, ways.spare, *rest, self._least, self.level
        self.level = greatest_level(*find)  # from tick to tick it changes little
        return self._answer(state.time, self.level / LEVELS, at, need)

    def _learn(self, sizes: tuple[int, ...]) -> tuple[Array, Array]:
        """The laws of bodies of so many capsules, rows as the crowd's, and room to work in."""
        rows = [
            self._body
            if size == len(self._body)
            else human.laws(self._allowed, size, self._clamped)
            for size in sizes
        ]
        work = room(self._limits.shape[1], sum(sizes))
        known = self._laws[sizes] = np.concatenate(rows), work
        return known

    def _answer(self, time: float, scale: float, at: float, need: float) -> Verdict:
        stopped, since = self.memory
        low = not scale >= self._least
        if low:
            self.memory = (True, None)
            return Verdict(0.0, 2, False, "no stop would be clear of a person", at, need)
        if stopped:
            since = time if since is None else since
            if time - since < self._restart:
                self.memory = (True, since)
                return Verdict(0.0, 2, False, "waits until the way stays clear", at, need)
            self.memory = (False, None)
        if scale == 1.0:
            return PASS
        return Verdict(scale, None, False, "a stop at full speed would not be clear", at, need)
