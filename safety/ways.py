"""A robot's way to standstill: how it is made, and kept for all rules that verify it.

Within the tick its joint speeds come as near to the commanded ones as its acceleration allows; it
goes on like that for the reaction time, then brakes along the path.
"""

from __future__ import annotations

from math import inf, isfinite, sqrt

import numpy as np

from genba.safety.geometry import ball_of, faster_end
from genba.sim.chain_kernels import capsules_at
from genba.sim.compiled import ROOM, kernel
from genba.sim.state import Array, Command, State

# The settings' places in the array that the kernels take; GAP: m to a box that can clamp, CONTACT:
# m to the robot, nearer a part counts as touched
REACTION, TICK, Z, V_ERROR, RISE, STANDING, GAP, CONTACT = range(8)
# Columns of a way to standstill, one row a robot capsule: where it is at the beginning, in the
# middle and at the end (seven each), top speed (m/s), lowest z (m), of the ball about it in the
# middle centre and radius (m), and how fast it is measured to be now (m/s): a controller may change
# its speeds more slowly than its drives can. One more row: s of reaction and of braking.
MIDDLE, END, TOP, LOWEST, AROUND, NOW, WAY = 7, 14, 21, 22, 23, 27, 28
Key = tuple[float, ...]  # what an answer depends on beside robot, command and people


@kernel(error_model="numpy")
def braking(
    dq: Array, asked: Array, share: float, limits: Array, settings: Array, out: Array
) -> float:
    """Joint speeds (n,) when braking begins into `out`; the time (s) it takes from there.

    Rows of limits (2, n) rad/s^2: what the joints' drives reach, what their brakes are sure of.
    """
    time = 0.0
    for i in range(dq.size):
        gain = 2.0 * limits[0, i] * settings[TICK]
        out[i] = dq[i] + min(gain, max(-gain, share * asked[i] - dq[i]))
        time = max(time, abs(out[i]) / limits[1, i])
    whole: float = time + settings[RISE]
    return whole


@kernel(error_model="numpy")
def stopping_way(
    q: Array, dq: Array, asked: Array, moves: Array, table: Array, limits: Array, settings: Array,
    way: Array, work: Array,
) -> bool:  # fmt: skip
    """Into `way` (c + 1, WAY): how a robot moves that does what is asked for a tick, then brakes.

    q, dq, asked (n,) as measured and commanded, `moves` (c, 6) of its capsules; `table` of the
    chain; `limits` (2, n) as those of `braking`; `work` as `room` makes it. False where a number is
    bad.
    """
    if moves.shape[0] != way.shape[0] - 1:
        raise ValueError(ROOM)
    frames = work[: 12 * (q.size + 2)].reshape((q.size + 2, 12))
    capsules_at(q, table, frames, way[: way.shape[0] - 1, :MIDDLE])
    fastest = 0.0
    for i in range(moves.shape[0]):
        way[i, NOW] = faster_end(moves, i, 0)
        fastest += way[i, NOW]
    return isfinite(fastest) and bool(onward(q, dq, asked, 1.0, table, limits, settings, way, work))


@kernel(error_model="numpy")
def onward(
    q: Array, dq: Array, asked: Array, share: float, table: Array, limits: Array, settings: Array,
    way: Array, work: Array,
) -> bool:  # fmt: skip
    """`stopping_way` of a share of what is asked, where `way` holds its beginning already: that is
    the same for all shares.
    """
    n, c, react = q.size, way.shape[0] - 1, settings[REACTION]
    first = 12 * (n + 2)
    if work.shape[0] != first + 2 * n:
        raise ValueError(ROOM)
    frames = work[:first].reshape((n + 2, 12))
    speeds, there = work[first : first + n], work[first + n : first + 2 * n]
    brake = braking(dq, asked, share, limits, settings, speeds)
    total = brake
    for i in range(n):
        total += speeds[i] + q[i]
    length = react + 0.5 * brake  # s at full speed that cover the whole way
    for p in range(1, 3):
        for i in range(n):
            there[i] = q[i] + speeds[i] * 0.5 * p * length
        capsules_at(there, table, frames, way[:c, 7 * p : 7 * p + 7])
    for i in range(c):
        top = max(_longer(way, i, 0, MIDDLE), _longer(way, i, MIDDLE, END))
        way[i, TOP] = top / (0.5 * length)
        low = inf
        for at in (0, MIDDLE, END):
            low = min(low, min(way[i, at + 2], way[i, at + 5]))
        way[i, LOWEST] = low - way[i, 6]
        x, y, z, r = ball_of(way, i, MIDDLE)
        way[i, AROUND], way[i, AROUND + 1], way[i, AROUND + 2], way[i, AROUND + 3] = x, y, z, r
    way[c, 0], way[c, 1] = react, brake
    return isfinite(total)


def room(joints: int) -> int:
    """How many numbers `stopping_way` works in."""
    return 12 * (joints + 2) + 2 * joints


@kernel(error_model="numpy", inline="always")
def _longer(way: Array, i: int, one: int, two: int) -> float:
    """The longer way (m) of the two ends of robot capsule i between two places in its row."""
    top = 0.0
    for e in (0, 3):
        x = way[i, two + e] - way[i, one + e]
        y = way[i, two + e + 1] - way[i, one + e + 1]
        z = way[i, two + e + 2] - way[i, one + e + 2]
        top = max(top, x * x + y * y + z * z)
    return sqrt(top)


class Ways:
    """Keeps the way of the latest command, while state, command and key are the same.

    Also whether that way was found clear of everybody, at whatever speed: then it is clear for all
    rules that reckon alike, those included that let the robot touch somebody slowly.
    """

    __slots__ = ("_about", "_clear", "_key", "fits", "spare", "way")

    def __init__(self) -> None:
        self._about: tuple[State, Command] | None = None  # held: nobody takes their identity
        self._key: Key = ()
        self._clear: tuple[State, Key] | None = None
        self.way, self.fits = np.empty((0, WAY)), False  # (c + 1, WAY); whether numbers are good
        self.spare = self.way  # of the same shape, for whoever tries other commands

    def holds(self, state: State, command: Command, key: Key, rows: int) -> bool:
        """Whether `way` is that of the command; else it is room of `rows` for whoever makes it.

        `key` stands for the limits and those of the settings that a way depends on.
        """
        about = self._about
        if about is not None and about[0] is state and about[1] is command and key == self._key:
            return True
        self._about = self._clear = None
        if len(self.way) != rows:
            self.way, self.spare = np.empty((rows, WAY)), np.empty((rows, WAY))
        return False

    def keep(self, state: State, command: Command, key: Key, fits: bool) -> None:
        """`way` is that of the command now."""
        self._about, self._key, self.fits = (state, command), key, fits

    def found_clear(self, state: State, key: Key) -> None:
        """The way touches nobody of this state; `key`: all that this was reckoned with."""
        self._clear = state, key

    def is_clear(self, state: State, key: Key) -> bool:
        """Whether the way was found clear for the same."""
        clear = self._clear
        return clear is not None and clear[0] is state and clear[1] == key


def ways_of(robot: object) -> Ways:
    """The ways that the rules of one robot share; of its own for a robot that has none."""
    shared = getattr(robot, "ways", None)
    return shared if isinstance(shared, Ways) else Ways()
