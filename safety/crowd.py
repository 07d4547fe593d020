"""Everybody in the cell as one body of capsules, made once a tick for all rules about people."""

from __future__ import annotations

from math import inf, isfinite, nan, sqrt

import numpy as np

from genba.safety.geometry import LARGEST, ball_of, faster_end
from genba.sim.compiled import ROOM, kernel
from genba.sim.state import Array, State

# Columns of a crowd, one row a capsule: the capsule itself (seven), the velocities of its ends
# (m/s), centre and radius (m) of the ball about it, the speed (m/s) of its faster end, and the
# first row of the body that it belongs to
MOVES, BALL, FASTER, FIRST, BODY = 7, 13, 17, 18, 19
EPS = 1e-12  # m^2, the way squared below which a capsule is a ball
WIDTH = 8  # distances that a processor may reckon at a time
# Rows of a sight, a column a body capsule and one more at its end. The bodies: start and way of the
# axis, radius, way squared and its inverse, velocities of the ends; then for c robot capsules the
# distances (m), in their last column the least of each, and the ways from axis to axis (x, y, z,
# c rows each); last a row to work in
START, AXIS, RADIUS, SQUARE, INVERSE, ENDS, GAPS = 0, 3, 6, 7, 8, 9, 15
SHAPE = "a measured person has the wrong shape"


@kernel(error_model="numpy")
def put(capsules: Array, velocities: Array, first: int, out: Array) -> None:
    """A body (m, 7) that moves with (m, 6) into the rows of a crowd (k, BODY) from `first` on.

    Velocities of another shape are no numbers: who needs them must act.
    """
    if capsules.shape[1] != 7 or first + capsules.shape[0] > out.shape[0]:
        raise ValueError(SHAPE)
    known = velocities.shape[0] == capsules.shape[0] and velocities.shape[1] == 6
    for j in range(capsules.shape[0]):
        i = first + j
        for k in range(7):
            out[i, k] = capsules[j, k]
        for k in range(6):
            out[i, MOVES + k] = velocities[j, k] if known else nan
        x, y, z, r = ball_of(out, i, 0)
        if not (out[i, 6] >= 0.0 and abs(x) + abs(y) + abs(z) + r < LARGEST):
            x = nan  # no body of this world: who asks how near it is must act
        out[i, BALL], out[i, BALL + 1], out[i, BALL + 2], out[i, BALL + 3] = x, y, z, r
        out[i, FASTER], out[i, FIRST] = faster_end(out, i, MOVES), first


@kernel(error_model="numpy")
def distances(robot: Array, bodies: Array, sight: Array) -> float:
    """Least distance (m) of a robot (c, 7) from a crowd (m, BODY), minus infinity where a number is
    bad: whoever asks how near a person is must then act.

    `sight` (GAPS + 4 c + 1, w + 1) is written, w >= m a multiple of WIDTH: the last body capsule
    fills it.
    """
    c, w, nearest = robot.shape[0], sight.shape[1] - 1, inf
    if sight.shape[0] != GAPS + 4 * c + 1 or w < bodies.shape[0]:
        raise ValueError(ROOM)
    if not isfinite(_spread_out(bodies, sight) + robot.sum()):
        sight[:] = -inf
        return -inf
    for i in range(c):
        _row(robot, i, sight)
        one, two, three, four = inf, inf, inf, inf  # four at a time: one waits for the other
        for j in range(0, w, 4):
            one, two = min(one, sight[GAPS + i, j]), min(two, sight[GAPS + i, j + 1])
            three, four = min(three, sight[GAPS + i, j + 2]), min(four, sight[GAPS + i, j + 3])
        sight[GAPS + i, w] = min(min(one, two), min(three, four))
        nearest = min(nearest, sight[GAPS + i, w])
    return nearest


@kernel(error_model="numpy")
def _spread_out(bodies: Array, sight: Array) -> float:
    """The rows of the bodies; a sum that is finite where all capsules and their lengths are."""
    m, total = bodies.shape[0], 0.0
    for j in range(m):
        x, y, z, r = bodies[j, 0], bodies[j, 1], bodies[j, 2], bodies[j, 6]
        vx, vy, vz = bodies[j, 3] - x, bodies[j, 4] - y, bodies[j, 5] - z
        square = vx * vx + vy * vy + vz * vz
        sight[START, j], sight[START + 1, j], sight[START + 2, j] = x, y, z
        sight[AXIS, j], sight[AXIS + 1, j], sight[AXIS + 2, j] = vx, vy, vz
        sight[RADIUS, j], sight[SQUARE, j] = r, square
        sight[INVERSE, j] = 1.0 / square if square > EPS else 0.0
        for k in range(6):
            sight[ENDS + k, j] = bodies[j, MOVES + k]
        total += bodies[j, BALL] + bodies[j, BALL + 1]
        total += bodies[j, BALL + 2] + bodies[j, BALL + 3]
    for j in range(m, sight.shape[1] - 1):
        for k in range(GAPS):
            sight[k, j] = sight[k, m - 1]
    return total


@kernel(error_model="numpy", inline="always")
def _row(robot: Array, i: int, sight: Array) -> None:
    """The distances of capsule i of a robot from everybody, and the ways, into its rows.

    The arithmetic is that of `separation.closest` (but for rounding), without a branch, so that
    several pairs are reckoned at a time.
    """
    row, more = GAPS + i, robot.shape[0]
    ax, ay, az, radius = robot[i, 0], robot[i, 1], robot[i, 2], robot[i, 6]
    ux, uy, uz = robot[i, 3] - ax, robot[i, 4] - ay, robot[i, 5] - az
    aa = ux * ux + uy * uy + uz * uz
    rod = aa > EPS
    inverse = 1.0 / aa if rod else 0.0
    for j in range(sight.shape[1] - 1):
        bx, by, bz, ee = sight[0, j], sight[1, j], sight[2, j], sight[SQUARE, j]
        vx, vy, vz = sight[AXIS, j], sight[AXIS + 1, j], sight[AXIS + 2, j]
        wx, wy, wz = ax - bx, ay - by, az - bz
        f = vx * wx + vy * wy + vz * wz
        c = ux * wx + uy * wy + uz * wz
        bb = ux * vx + uy * vy + uz * vz
        denom = aa * ee - bb * bb
        s = (bb * f - c * ee) / denom
        s = s if s > 0.0 else 0.0
        s = s if s < 1.0 else 1.0
        s = s if rod & (denom > EPS * aa * ee) else 0.0
        t = (bb * s + f) * sight[INVERSE, j]
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
        sight[row, j] = sqrt(dx * dx + dy * dy + dz * dz) - radius - sight[RADIUS, j]
        sight[row + more, j], sight[row + 2 * more, j], sight[row + 3 * more, j] = dx, dy, dz


@kernel(error_model="numpy")
def _one(robot: Array, capsules: Array, velocities: Array, bodies: Array, sight: Array) -> float:
    """`put` and `distances` of one person in one call, since that is what most ticks have."""
    put(capsules, velocities, 0, bodies)
    least: float = distances(robot, bodies, sight)
    return least


@kernel(error_model="numpy")
def _two(
    robot: Array, capsules: Array, velocities: Array, others: Array, moving: Array, bodies: Array,
    sight: Array,
) -> float:  # fmt: skip
    """The same of two people."""
    put(capsules, velocities, 0, bodies)
    put(others, moving, capsules.shape[0], bodies)
    least: float = distances(robot, bodies, sight)
    return least


class Crowd:
    """Stacks the capsules of all people, and keeps what it made while state and robot are the same.

    One array in place of several: a compiled rule is called once a tick, not once a person.
    """

    __slots__ = ("_robot", "_state", "bodies", "gaps", "nearest", "sight", "sizes")

    def __init__(self) -> None:
        # both held, so that no other can take their identity
        self._state: State | None = None
        self._robot: Array | None = None
        self.bodies: Array = np.empty((0, BODY))
        self.sizes: tuple[int, ...] = ()  # capsules of each body
        self.nearest = inf  # m
        self._room(0, 0)

    def of(self, state: State) -> Array:
        """Rows (m, BODY) of all people of a state; they stand until another state is asked about.

        ValueError for capsules that are none.
        """
        if state is self._state:
            return self.bodies
        self._state = self._robot = None
        sizes, known = self.sizes, len(self.sizes)
        index, first = 0, 0
        for person in state.people.values():
            capsules = person.capsules
            if index == known or len(capsules) != sizes[index]:
                return self._fit(state)
            put(capsules, person.velocities, first, self.bodies)
            first += sizes[index]
            index += 1
        if index != known:
            return self._fit(state)
        self._state = state
        return self.bodies

    def _fit(self, state: State) -> Array:
        """Makes room for other people than before."""
        people = state.people.values()
        if any(person.capsules.ndim != 2 or person.capsules.shape[1] != 7 for person in people):
            raise ValueError(SHAPE)
        self.sizes = tuple([len(person.capsules) for person in people])
        count = sum(self.sizes)
        self.bodies = np.empty((count, BODY))
        self._room(len(self.gaps), WIDTH * -(-count // WIDTH))
        return self.of(state)

    def _room(self, links: int, width: int) -> None:
        """For what `distances` writes; `gaps` (c, w + 1) are the distances alone."""
        self.sight: Array = np.empty((GAPS + 4 * links + 1, width + 1))
        self.gaps: Array = self.sight[GAPS : GAPS + links]

    def near(self, state: State, robot: Array) -> float:
        """Least distance (m) of a robot's capsules (c, 7) from anybody, as `distances`.

        `bodies` and `gaps` then hold everybody and the distance of every pair.
        """
        if robot is self._robot and state is self._state:
            return self.nearest
        if len(robot) != len(self.gaps):
            self._room(len(robot), self.sight.shape[1] - 1)
        if state is not self._state and self._both(state, robot):
            return self.nearest
        bodies = self.of(state)
        self._robot = None
        self.nearest = distances(robot, bodies, self.sight)
        self._robot = robot
        return self.nearest

    def _both(self, state: State, robot: Array) -> bool:
        """`near` of one or two people as many as before, in one call; whether that was so."""
        count, sizes = len(state.people), self.sizes
        if count != len(sizes) or not 0 < count < 3:
            return False
        self._state = self._robot = None
        if count == 1:
            ((_, _, one, moving),) = state.people.values()
            if len(one) != sizes[0]:
                return False
            self.nearest = _one(robot, one, moving, self.bodies, self.sight)
        else:
            (_, _, one, moving), (_, _, two, going) = state.people.values()
            if len(one) != sizes[0] or len(two) != sizes[1]:
                return False
            self.nearest = _two(robot, one, moving, two, going, self.bodies, self.sight)
        self._state, self._robot = state, robot
        return True


def crowd_of(robot: object) -> Crowd:
    """The crowd that the rules of one robot share; one of its own for a robot that has none."""
    shared = getattr(robot, "crowd", None)
    return shared if isinstance(shared, Crowd) else Crowd()
