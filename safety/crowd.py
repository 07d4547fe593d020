"""Everybody in the cell as one body of capsules, made once a tick for all rules about people."""

from __future__ import annotations

from math import inf, isfinite, nan, sqrt

import numpy as np
from numba import njit

from genba.safety.geometry import ball_of, faster_end
from genba.sim.state import Array, State

# Columns of a crowd, one row a capsule: the capsule itself (seven), the velocities of its ends
# (m/s), centre and radius (m) of the ball about it, the speed (m/s) of its faster end, and the
# first row of the body that it belongs to
MOVES, BALL, FASTER, FIRST, BODY = 7, 13, 17, 18, 19
EPS = 1e-12  # m^2, the way squared below which a capsule is a ball
WIDTH = 8  # distances that a processor may reckon at a time


@njit(cache=True, error_model="numpy")
def put(capsules: Array, velocities: Array, first: int, out: Array) -> float:
    """A body (m, 7) that moves with (m, 6) into the rows of a crowd (k, BODY) from `first` on.

    Velocities of another shape are no numbers: who needs them must act. Returns a sum that is
    finite where all capsules are.
    """
    total = 0.0
    if capsules.shape[1] != 7 or first + capsules.shape[0] > out.shape[0]:
        raise ValueError("a measured person has the wrong shape")
    known = velocities.shape[0] == capsules.shape[0] and velocities.shape[1] == 6
    for j in range(capsules.shape[0]):
        i = first + j
        for k in range(7):
            out[i, k] = capsules[j, k]
        for k in range(6):
            out[i, MOVES + k] = velocities[j, k] if known else nan
        x, y, z, r = ball_of(out, i, 0)
        out[i, BALL], out[i, BALL + 1], out[i, BALL + 2], out[i, BALL + 3] = x, y, z, r
        total += (x + y) + (z + r)
        out[i, FASTER], out[i, FIRST] = faster_end(out, i, MOVES), first
    return total


@njit(cache=True, error_model="numpy")
def distances(robot: Array, bodies: Array, total: float, lines: Array, out: Array) -> float:
    """Least distance (m) of a robot (c, 7) from a crowd (m, BODY), minus infinity where a number is
    bad (or `total`, which `put` gave): whoever asks how near a person is must then act.

    Into `out` (c, w + 1): the distances of all pairs, and in the last column the least of each row.
    The arithmetic is that of `separation.closest` (but for rounding), without a branch, so that
    several pairs are reckoned at a time. `lines` (9, w) is room to work in, w >= m a multiple of
    WIDTH: the last body capsule fills it up.
    """
    m, w = bodies.shape[0], lines.shape[1]
    if not isfinite(total + robot.sum()):
        out[:] = -inf
        return -inf
    for j in range(w):
        at = min(j, m - 1)
        x, y, z = bodies[at, 0], bodies[at, 1], bodies[at, 2]
        vx, vy, vz = bodies[at, 3] - x, bodies[at, 4] - y, bodies[at, 5] - z
        lines[0, j], lines[1, j], lines[2, j], lines[6, j] = x, y, z, bodies[at, 6]
        lines[3, j], lines[4, j], lines[5, j] = vx, vy, vz
        lines[7, j] = vx * vx + vy * vy + vz * vz
        lines[8, j] = 1.0 / lines[7, j] if lines[7, j] > EPS else 0.0
    nearest = inf
    for i in range(robot.shape[0]):
        row = out[i]
        _row(robot[i], lines, row[:w])
        a, b, c, d = inf, inf, inf, inf  # four at a time: one waits for the other
        for j in range(0, w, 4):
            a, b = min(a, row[j]), min(b, row[j + 1])
            c, d = min(c, row[j + 2]), min(d, row[j + 3])
        row[w] = min(min(a, b), min(c, d))
        nearest = min(nearest, row[w])
    return nearest


@njit(cache=True, error_model="numpy")
def _row(a: Array, lines: Array, out: Array) -> None:
    """The distances (m,) of one capsule from others: start and way of the axis, radius, way squared
    and its inverse.
    """
    ax, ay, az, radius = a[0], a[1], a[2], a[6]
    ux, uy, uz = a[3] - ax, a[4] - ay, a[5] - az
    aa = ux * ux + uy * uy + uz * uz
    rod = aa > EPS
    inverse = 1.0 / aa if rod else 0.0
    for j in range(out.shape[0]):
        bx, by, bz, ee = lines[0, j], lines[1, j], lines[2, j], lines[7, j]
        vx, vy, vz = lines[3, j], lines[4, j], lines[5, j]
        wx, wy, wz = ax - bx, ay - by, az - bz
        f = vx * wx + vy * wy + vz * wz
        c = ux * wx + uy * wy + uz * wz
        bb = ux * vx + uy * vy + uz * vz
        denom = aa * ee - bb * bb
        s = (bb * f - c * ee) / denom
        s = s if s > 0.0 else 0.0
        s = s if s < 1.0 else 1.0
        s = s if rod & (denom > EPS * aa * ee) else 0.0
        t = (bb * s + f) * lines[8, j]
        t = t if ee > EPS else -1.0
        end = (-c if t < 0.0 else bb - c) * inverse
        end = end if end > 0.0 else 0.0
        end = end if end < 1.0 else 1.0
        s = end if rod & ((t < 0.0) | (t > 1.0)) else s
        t = t if t > 0.0 else 0.0
        t = t if t < 1.0 else 1.0
        dx = bx + t * vx - ax - s * ux
        dy = by + t * vy - ay - s * uy
        dz = bz + t * vz - az - s * uz
        out[j] = sqrt(dx * dx + dy * dy + dz * dz) - radius - lines[6, j]


class Crowd:
    """Stacks the capsules of all people, and keeps what it made while state and robot are the same.

    One array in place of several: a compiled rule is called once a tick, not once a person.
    """

    __slots__ = ("_robot", "_room", "_state", "_total", "bodies", "gaps", "nearest", "sizes")

    def __init__(self) -> None:
        # both held, so that no other can take their identity
        self._state: State | None = None
        self._robot: Array | None = None
        self.bodies: Array = np.empty((0, BODY))
        self.sizes: tuple[int, ...] = ()  # capsules of each body
        self._room: Array = np.empty((9, 0))
        self._total = 0.0
        self.gaps: Array = np.empty((0, 1))  # (c, w + 1) as `distances` writes them
        self.nearest = inf  # m

    def of(self, state: State) -> Array:
        """Rows (m, BODY) of all people of a state; they stand until another state is asked about.

        ValueError for capsules that are none.
        """
        if state is self._state:
            return self.bodies
        self._state = self._robot = None
        sizes, known = self.sizes, len(self.sizes)
        index, first, total = 0, 0, 0.0
        for person in state.people.values():
            capsules = person.capsules
            if index == known or len(capsules) != sizes[index]:
                return self._fit(state)
            total += put(capsules, person.velocities, first, self.bodies)
            first += sizes[index]
            index += 1
        if index != known:
            return self._fit(state)
        self._state, self._total = state, total
        return self.bodies

    def _fit(self, state: State) -> Array:
        """Makes room for other people than before."""
        people = state.people.values()
        if any(person.capsules.ndim != 2 or person.capsules.shape[1] != 7 for person in people):
            raise ValueError("a measured person has the wrong shape")
        self.sizes = tuple([len(person.capsules) for person in people])
        count = sum(self.sizes)
        self.bodies = np.empty((count, BODY))
        self._room = np.empty((9, WIDTH * -(-count // WIDTH)))
        return self.of(state)

    def near(self, state: State, robot: Array) -> float:
        """Least distance (m) of a robot's capsules (c, 7) from anybody, as `distances`.

        `bodies` and `gaps` then hold everybody and the distance of every pair.
        """
        bodies = self.bodies if state is self._state else self.of(state)
        if robot is not self._robot:
            shape = len(robot), self._room.shape[1] + 1
            if self.gaps.shape != shape:
                self.gaps = np.empty(shape)
            self.nearest = distances(robot, bodies, self._total, self._room, self.gaps)
            self._robot = robot
        return self.nearest


def crowd_of(robot: object) -> Crowd:
    """The crowd that the rules of one robot share; one of its own for a robot that has none."""
    shared = getattr(robot, "crowd", None)
    return shared if isinstance(shared, Crowd) else Crowd()
