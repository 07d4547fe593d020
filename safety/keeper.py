"""Changes a motion as little as can be until nothing is found that it would run into.

A program in which few limits bind, nearly all are, is solved on the spot (active_set); the others
are left to the solver (projection).
"""

from __future__ import annotations

from math import isfinite

import daqp
import numpy as np
from numba import njit
from numpy.typing import NDArray

from genba.safety.active_set import inverse_factor, settle
from genba.safety.bystanders import Others, against
from genba.safety.crowd import BODY
from genba.safety.projection import ITERATIONS, SOLVED, TOLERANCE, measure_into, stopping_bounds
from genba.safety.robot import RobotModel, kinematics, moved_of
from genba.safety.walls import ROWS, Look, World
from genba.sim.blocks import blocks
from genba.sim.chain_kernels import consequence, frames_into, frames_of, moved
from genba.sim.compiled import ROOM, kernel
from genba.sim.state import Array, RobotState

ROUNDS = 4  # programs of one tick at most (D)
JOINTS = np.array([0.02, 0.0, 0.025])  # rad, -, s: as the defaults of the rule joint_limits
NUDGE = 1e-6  # m/s, times the row
KEPT, OPEN, NOTHING = 0, 1, 2
NOBODY: Others = (np.empty((0, BODY)), np.empty((0, 1)))

# q, dq as measured, dq as asked (n,), limits as of `joint_bounds`, table of the chain
Arm = tuple[Array, Array, Array, Array, Array]
# capsules (c, 7), their velocities as measured (c, 6), the frames that carry them (c,), and whether
# they are no capsules of the chain but its tool
Body = tuple[Array, Array, Array, bool]


@kernel(error_model="numpy")
def _columns(frames: Array, known: Array, first: int, m: int, along: Array, caps: Array) -> float:
    """What looks found as a program is given it, from row `first` to m; a sum of all of it.

    Into `along` (n, k) how fast (m/s) points move along directions per rad/s of each joint, into
    `caps` (k,) the greatest such speeds, a column a row of `known`.
    """
    n, total = frames.shape[0] - 2, 0.0
    for r in range(first, m):
        nx, ny, nz = known[r, 4], known[r, 5], known[r, 6]
        carried = min(n, int(known[r, 0]))
        for i in range(carried):
            f = frames[i + 1]
            x, y, z = known[r, 1] - f[9], known[r, 2] - f[10], known[r, 3] - f[11]
            a, b, c = f[2], f[5], f[8]
            v = nx * (b * z - c * y) + ny * (c * x - a * z) + nz * (a * y - b * x)
            along[i, r] = v
            total += v
        for i in range(carried, n):
            along[i, r] = 0.0
        # limits that are all but the same make the solver run in circles: tell them apart
        caps[r] = known[r, 7] + NUDGE * (r + 1)
        total += caps[r]
    return total


@kernel(error_model="numpy")
def _bounds(q: Array, dq: Array, asked: Array, limits: Array, low: Array, high: Array) -> None:
    """`joint_bounds`, and never less than asked: whoever is beyond them is not driven back."""
    stopping_bounds(q, dq, asked, limits, JOINTS, low, high)
    for i in range(q.size):
        low[i], high[i] = min(low[i], asked[i]), max(high[i], asked[i])


@njit(cache=True, error_model="numpy")
def _program(
    arm: Arm, known: Array
) -> tuple[bool, Array, Array, Array, Array, Array, NDArray[np.int32]]:
    """Whether all are numbers; size, gradient, rows, upper and lower limits and sense, for daqp."""
    q, dq, asked, limits, table = arm
    n, m = q.size, known.shape[0]
    frames, size = frames_of(q, table), np.empty((n, n))
    measure_into(frames, np.empty((6, n)), size)
    upper, lower = np.empty(n + m), np.full(n + m, -np.inf)
    _bounds(q, dq, asked, limits, lower[:n], upper[:n])
    gradient = np.zeros(n)
    for i in range(n):
        for j in range(n):
            gradient[i] -= size[i, j] * asked[j]
    along = np.empty((n, m))
    total = _columns(frames, known, 0, m, along, upper[n:])
    finite = isfinite(total + upper[:n].sum() + gradient.sum())
    rows = np.ascontiguousarray(along.T)
    return finite, size, gradient, rows, upper, lower, np.zeros(n + m, np.int32)


@kernel(error_model="numpy")
def _look(
    body: Body, twist: Array, moves: Array, world: World, crowd: Others, ends: Array, out: Array
) -> Look:
    """What there is against a motion that gives the tool a twist (6,), the capsules moves (c, 6);
    `ends` (1, 6) is room to work in.
    """
    bodies, measured, frames, tool = body
    if tool:
        for k in range(3):
            ends[0, k] = ends[0, 3 + k] = twist[k]
        found: Look = against(bodies, ends, measured, frames, world, crowd, out)
        return found
    found = against(bodies, moves, measured, frames, world, crowd, out)
    return found


def _room(n: int, columns: int) -> Array:
    """What `_kept` works in."""
    return np.empty(18 * (n + 2) + 5 * n * n + 14 * n + (n + 2) * columns + 6)


@kernel(error_model="numpy")
def _kept(
    q: Array, dq: Array, asked: Array, limits: Array, table: Array, bodies: Array, measured: Array,
    carry: Array, tool: bool, walls: Array, zones: Array, settings: Array, others: Array,
    sight: Array, known: Array, count: int, out: Array, work: Array,
) -> int:  # fmt: skip
    """`Keeper.keep` without the solver: KEPT, with motion, twist and moves in a row in `out`;
    OPEN: one of the programs is left to the solver; NOTHING: a number is bad.

    Arrays one by one: a tuple of them costs twice as much.
    """
    body, world, crowd = (bodies, measured, carry, tool), (walls, zones, settings), (others, sight)
    n, m, first, share, k = q.size, known.shape[0], 0, 1.0, 0
    motion, twist = out[:n], out[n : n + 6]
    moves = out[n + 6 :].reshape((table.shape[0] - n - 2, 6))
    square, at = n * n, 18 * (n + 2)
    frames = work[: 12 * (n + 2)].reshape((n + 2, 12))
    speeds = work[12 * (n + 2) : at].reshape((n + 2, 6))
    jac, at = work[at : at + 6 * n].reshape((6, n)), at + 6 * n
    size, at = work[at : at + square].reshape((n, n)), at + square
    low, at = work[at : at + square].reshape((n, n)), at + square
    inverse, at = work[at : at + square].reshape((n, n)), at + square
    normals, at = work[at : at + square].reshape((n, n)), at + square
    gram, at = work[at : at + square].reshape((n, n)), at + square
    bounds, at = (work[at : at + n], work[at + n : at + 2 * n]), at + 2 * n
    y, pulls, taken = work[at : at + n], work[at + n : at + 2 * n], work[at + 2 * n : at + 3 * n]
    at += 3 * n
    normal, shares, rest = work[at : at + n], work[at + n : at + 2 * n], work[at + 2 * n :][:n]
    at += 2 * n + n
    ends, at = work[at : at + 6].reshape((1, 6)), at + 6
    along, at = work[at : at + n * m].reshape((n, m)), at + n * m
    caps, missed = work[at : at + m], work[at + m : at + 2 * m]
    if work.shape[0] != at + 2 * m:
        raise ValueError(ROOM)
    held = y, normals, pulls, taken, normal, shares, rest, gram, missed
    frames_into(q, table, frames)
    _bounds(q, dq, asked, limits, bounds[0], bounds[1])
    measure_into(frames, jac, size)
    inverse_factor(size, low, inverse)
    total = 0.0
    for i in range(n):
        y[i] = 0.0
        total += bounds[0][i] + bounds[1][i]
        for j in range(n):
            total += inverse[i, j]
    for _ in range(ROUNDS):
        total += _columns(frames, known, first, count, along, caps)
        if not isfinite(total):
            return NOTHING
        k = settle(asked, inverse, bounds, along, caps, count, held, k, motion)
        if k < 0:
            return OPEN
        moved(frames, motion, table, speeds, twist, moves)
        found = _look(body, twist, moves, world, crowd, ends, known[count:])
        if found[0] == 0:
            return KEPT
        first, count, share = count, count + found[0], found[1]
    for i in range(n):
        motion[i] *= share
    moved(frames, motion, table, speeds, twist, moves)
    return KEPT


class Keeper:
    """Changes motions of one robot as little as can be, until nothing is found against them.

    No joint is driven nearer to its own limits than asked: the rule of the joints comes first.
    """

    __slots__ = (
        "_answers",
        "_frames",
        "_limits",
        "_moved",
        "_table",
        "_tool",
        "_work",
        "_world",
        "rows",
    )

    def __init__(
        self, robot: RobotModel, rule: str, frames: Array, world: World, tool: bool = False
    ) -> None:
        """`frames` (c,) carry what is kept out of the world: the capsules, or the `tool` alone.

        ValueError: no kinematics.
        """
        chain = kinematics(robot, rule)
        self._table, self._frames, self._world, self._tool = chain.table, frames, world, tool
        self._limits = np.array([robot.q_min, robot.q_max, robot.dq_max, robot.ddq_max])
        self._answers = blocks((len(robot.q_min),), (6,), (len(chain.capsule_links), 6))
        self._moved = moved_of(robot)
        self.rows: Array = np.empty(((ROUNDS + 1) * 2 * ROWS, 8))  # what all looks of a tick find
        self._work = _room(len(robot.q_min), len(self.rows))

    def keep(
        self, robot: RobotState, asked: Array, count: int, bodies: tuple[Array, Array],
        crowd: Others = NOBODY,
    ) -> Array | None:  # fmt: skip
        """The motion nearest to `asked` (n,) rad/s that no look has a row against; None: no such.

        `count` rows were found against the asked one; they are in `rows`. `bodies`: where the
        robot's capsules are (c, 7), or the tool is (1, 7), and how they move. What is found goes
        into the next round's program; what is still too fast after ROUNDS is scaled, which always
        ends, since standing is allowed.
        """
        arm = robot.q, robot.dq, asked, self._limits, self._table
        body = *bodies, self._frames, self._tool
        row, motion, twist, moves = next(self._answers)
        outcome = _kept(*arm, *body, *self._world, *crowd, self.rows, count, row, self._work)
        if outcome == OPEN:
            return self._solved(arm, body, crowd, count)
        if outcome == NOTHING:
            return None
        self._moved.keep(robot.q, motion, twist, moves)
        return motion

    def _solved(self, arm: Arm, body: Body, crowd: Others, count: int) -> Array | None:
        """`keep` by the solver."""
        q, known, share = arm[0], self.rows[:count].copy(), 1.0
        for _ in range(ROUNDS):
            finite, *program = _program(arm, known)
            if not finite:
                return None
            motion: Array
            motion, _, flag, _ = daqp.solve(*program, primal_tol=TOLERANCE, iter_limit=ITERATIONS)
            if flag != SOLVED:
                return None
            does = consequence(q, motion, self._table)
            found = _look(body, *does, self._world, crowd, np.empty((1, 6)), self.rows)
            if found[0] == 0:
                return motion
            share, known = found[1], np.concatenate((known, self.rows[: found[0]]))
        return motion * share
