"""The motion nearest to what was asked that keeps linear limits: a small quadratic program.

Nearest means least change of the tool's motion, with a little weight on the joints themselves, so
that a redundant joint does not wander. Where standing is allowed, the result is never larger than
what was asked in that same measure: a projection onto a convex set that holds 0 only shortens.
Solver: daqp, a dual active-set method; what it cannot solve has no answer, and the rule then stops.
A program in which few limits bind, nearly all are, is solved before it comes to that (active_set).
"""

from __future__ import annotations

from math import isfinite, sqrt

import daqp
import numpy as np
from numba import njit
from numpy.typing import NDArray

from genba.safety.active_set import inverse_factor, nothing_held, settle
from genba.safety.bystanders import Others, against
from genba.safety.crowd import BODY
from genba.safety.robot import RobotModel, kinematics, moved_of
from genba.safety.walls import ROWS, Look, World
from genba.sim.blocks import blocks
from genba.sim.chain_kernels import consequence, frames_of, moved, tool_jacobian
from genba.sim.compiled import kernel
from genba.sim.state import Array, RobotState

TURN = 0.3  # m, the lever at which turning the tool weighs as much as moving it (D)
REST = 0.02  # weight of a joint's own change against the tool's, rad/s against m/s, squared (D)
ROUNDS = 4  # programs of one tick at most (D)
JOINTS = np.array([0.02, 0.0, 0.025])  # rad, -, s: as the defaults of the rule joint_limits
TOLERANCE = 1e-5  # m/s and rad/s by which the solver may miss a limit
NUDGE = 1e-6  # m/s, times the row
ITERATIONS = 200  # of the solver at most, so that its time is bounded
SOLVED = 1  # daqp: an optimal solution was found
KEPT, OPEN, NOTHING = 0, 1, 2
NOBODY: Others = (np.empty((0, BODY)), np.empty((0, 1)))

# q, dq as measured, dq as asked (n,), limits as of `joint_bounds`, table of the chain
Arm = tuple[Array, Array, Array, Array, Array]
# capsules (c, 7), their velocities as measured (c, 6), the frames that carry them (c,), and whether
# they are no capsules of the chain but its tool
Body = tuple[Array, Array, Array, bool]


@kernel()
def stoppable(way: float, brake: float, delay: float) -> float:
    """The speed that stops within a way: v T + v^2 / (2 a) = way; 0 where there is none."""
    return brake * (sqrt(delay * delay + 2.0 * way / brake) - delay) if way > 0.0 else 0.0


@njit(cache=True)
def joint_bounds(
    q: Array, dq: Array, asked: Array, limits: Array, settings: Array
) -> tuple[Array, Array]:
    """The joint velocities (n,) from which every joint still stops within its range.

    Rows of limits: q_min, q_max, dq_max, ddq_max. settings: margin (rad), any, reaction time (s).
    """
    margin, delay = settings[0], settings[2]
    low, high = np.empty(q.shape[0]), np.empty(q.shape[0])
    for i in range(q.shape[0]):
        up = stoppable(limits[1, i] - margin - q[i], limits[3, i], delay)
        down = stoppable(q[i] - limits[0, i] - margin, limits[3, i], delay)
        high[i], low[i] = min(limits[2, i], up), -min(limits[2, i], down)
        if asked[i] > 0.0 and dq[i] > up:  # it is faster already: as much less as it is too fast
            high[i] = min(high[i], asked[i] * up / dq[i])
        if asked[i] < 0.0 and -dq[i] > down:
            low[i] = max(low[i], asked[i] * down / -dq[i])
    return low, high


@njit(cache=True, error_model="numpy")
def measure(q: Array, table: Array) -> Array:
    """H (n, n) of the size x' H x of a change x (n,) rad/s of the joints at q (n,) rad.

    `table` is that of a Chain. Size: metres a second squared, turning weighed by TURN.
    """
    return _measure(frames_of(q, table))


@njit(cache=True, error_model="numpy")
def _measure(frames: Array) -> Array:
    jac = tool_jacobian(frames)
    n = jac.shape[1]
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            s = REST if i == j else 0.0
            for k in range(6):
                weight = 1.0 if k < 3 else TURN * TURN
                s += weight * jac[k, i] * jac[k, j]
            out[i, j] = s
    return out


@njit(cache=True, error_model="numpy")
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


def nearest(
    size: Array,
    asked: Array,
    low: Array,
    high: Array,
    along: Array | None = None,
    caps: Array | None = None,
) -> Array | None:
    """The joint velocities x (n,) rad/s nearest to `asked` with low <= x <= high, along x <= caps.

    `size` (n, n) is what `measure` answers, `along` (m, n) how fast points move per rad/s of each
    joint, caps (m,) m/s. None where no x is found: then nothing is known to keep the limits.
    """
    if along is None or caps is None:
        along, upper, lower = np.empty((0, len(low))), high, low
    else:
        upper = np.concatenate((high, caps))
        lower = np.concatenate((low, np.full(len(caps), -np.inf)))
    gradient = -size @ asked
    if not (np.isfinite(along).all() and np.isfinite(gradient).all() and np.isfinite(upper).all()):
        return None  # the solver takes no number for one, and answers
    sense = np.zeros(len(upper), dtype=np.int32)
    x, _, flag, _ = daqp.solve(
        size, gradient, along, upper, lower, sense, primal_tol=TOLERANCE, iter_limit=ITERATIONS
    )
    if flag != SOLVED:
        return None
    out: Array = np.minimum(np.maximum(x, low), high)  # what the tolerance left
    return out


@njit(cache=True, error_model="numpy")
def _bounds(q: Array, dq: Array, asked: Array, limits: Array) -> tuple[Array, Array]:
    """`joint_bounds`, and never less than asked: whoever is beyond them is not driven back."""
    low, high = joint_bounds(q, dq, asked, limits, JOINTS)
    for i in range(q.size):
        low[i], high[i] = min(low[i], asked[i]), max(high[i], asked[i])
    return low, high


@njit(cache=True, error_model="numpy")
def _program(
    arm: Arm, known: Array
) -> tuple[bool, Array, Array, Array, Array, Array, NDArray[np.int32]]:
    """Whether all are numbers; size, gradient, rows, upper and lower limits and sense, for daqp."""
    q, dq, asked, limits, table = arm
    n, m = q.size, known.shape[0]
    frames = frames_of(q, table)
    size = _measure(frames)
    upper, lower = np.empty(n + m), np.full(n + m, -np.inf)
    lower[:n], upper[:n] = _bounds(q, dq, asked, limits)
    gradient = np.zeros(n)
    for i in range(n):
        for j in range(n):
            gradient[i] -= size[i, j] * asked[j]
    along = np.empty((n, m))
    total = _columns(frames, known, 0, m, along, upper[n:])
    finite = isfinite(total + upper[:n].sum() + gradient.sum())
    rows = np.ascontiguousarray(along.T)
    return finite, size, gradient, rows, upper, lower, np.zeros(n + m, np.int32)


@njit(cache=True, error_model="numpy")
def _look(body: Body, twist: Array, moves: Array, world: World, crowd: Others, out: Array) -> Look:
    """What there is against a motion that gives the tool a twist (6,), the capsules moves (c, 6)"""
    bodies, measured, frames, tool = body
    if tool:
        moves = np.empty((1, 6))
        for k in range(3):
            moves[0, k] = moves[0, 3 + k] = twist[k]
    found: Look = against(bodies, moves, measured, frames, world, crowd, out)
    return found


@njit(cache=True, error_model="numpy")
def _kept(
    q: Array, dq: Array, asked: Array, limits: Array, table: Array, bodies: Array, measured: Array,
    carry: Array, tool: bool, walls: Array, zones: Array, settings: Array, others: Array,
    sight: Array, known: Array, count: int, out: Array,
) -> int:  # fmt: skip
    """`Keeper.keep` without the solver: KEPT, with motion, twist and moves in a row in `out`;
    OPEN: one of the programs is left to the solver; NOTHING: a number is bad.

    Arrays one by one: a tuple of them costs twice as much.
    """
    body, world, crowd = (bodies, measured, carry, tool), (walls, zones, settings), (others, sight)
    n, first, share, k = q.size, 0, 1.0, 0
    motion, twist = out[:n], out[n : n + 6]
    moves = out[n + 6 :].reshape((table.shape[0] - n - 2, 6))
    frames = frames_of(q, table)
    bounds = _bounds(q, dq, asked, limits)
    inverse, held = inverse_factor(_measure(frames)), nothing_held(n)
    along, caps = np.empty((n, known.shape[0])), np.empty(known.shape[0])
    total = inverse.sum() + bounds[0].sum() + bounds[1].sum()
    for _ in range(ROUNDS):
        total += _columns(frames, known, first, count, along, caps)
        if not isfinite(total):
            return NOTHING
        k = settle(asked, inverse, bounds, along, caps, count, held, k, motion)
        if k < 0:
            return OPEN
        moved(frames, motion, table, twist, moves)
        found = _look(body, twist, moves, world, crowd, known[count:])
        if found[0] == 0:
            return KEPT
        first, count, share = count, count + found[0], found[1]
    for i in range(n):
        motion[i] *= share
    moved(frames, motion, table, twist, moves)
    return KEPT


class Keeper:
    """Changes motions of one robot as little as can be, until nothing is found against them.

    No joint is driven nearer to its own limits than asked: the rule of the joints comes first.
    """

    __slots__ = ("_answers", "_frames", "_limits", "_moved", "_table", "_tool", "_world", "rows")

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
        self.rows = np.empty(((ROUNDS + 1) * 2 * ROWS, 8))  # what all looks of a tick find

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
        outcome = _kept(*arm, *body, *self._world, *crowd, self.rows, count, row)
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
            found = _look(body, *consequence(q, motion, self._table), self._world, crowd, self.rows)
            if found[0] == 0:
                return motion
            share, known = found[1], np.concatenate((known, self.rows[: found[0]]))
        return motion * share
