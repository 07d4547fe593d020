"""The robot's way to standstill, made once a tick for all rules that verify it."""

from __future__ import annotations

import numpy as np

from genba.safety.verified_stop import WAY, stopping_way
from genba.sim.state import Array, Command, RobotState

Key = tuple[float, ...]  # what the way depends on beside robot and command


class Ways:
    """Keeps the way of the latest command, while robot, command and key are the same."""

    __slots__ = ("_about", "_fits", "_key", "_way", "spare")

    def __init__(self) -> None:
        self._about: tuple[RobotState, Command] | None = None  # held: nobody takes their identity
        self._key: Key = ()
        self._way, self._fits = np.empty((0, WAY)), False
        self.spare = self._way  # of the same shape, for whoever tries other commands

    def of(
        self, robot: RobotState, command: Command, table: Array, limits: Array, settings: Array,
        key: Key,
    ) -> tuple[Array, bool]:  # fmt: skip
        """Rows (c + 1, WAY), and whether all numbers are good; see `stopping_way`.

        `key` stands for the limits and those of the settings that a way depends on.
        """
        about = self._about
        if about is not None and about[0] is robot and about[1] is command and key == self._key:
            return self._way, self._fits
        self._about = None
        rows = len(table) - len(robot.q) - 1
        if len(self._way) != rows:
            self._way, self.spare = np.empty((rows, WAY)), np.empty((rows, WAY))
        self._fits = stopping_way(robot.q, robot.dq, command.dq, table, limits, settings, self._way)
        self._about, self._key = (robot, command), key
        return self._way, self._fits


def ways_of(robot: object) -> Ways:
    """The ways that the rules of one robot share; of its own for a robot that has none."""
    shared = getattr(robot, "ways", None)
    return shared if isinstance(shared, Ways) else Ways()
