"""The motion nearest to what was asked that keeps linear limits: a small quadratic program.

Nearest means least change of the tool's motion, with a little weight on the joints themselves, so
that a redundant joint does not wander. Where standing is allowed, the result is never larger than
what was asked in that same measure: a projection onto a convex set that holds 0 only shortens.
Solver: daqp, a dual active-set method; what it cannot solve has no answer, and the rule then stops.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import daqp
import numpy as np
from numba import njit
from numpy.typing import NDArray

from genba.safety.walls import ROWS, Look
from genba.sim.chain_kernels import consequence, frames_of, tool_jacobian
from genba.sim.kinematics import Chain
from genba.sim.state import Array, RobotState

TURN = 0.3  # m, the lever at which turning the tool weighs as much as moving it (D)
REST = 0.02  # weight of a joint's own change against the tool's, rad/s against m/s, squared (D)
ROUNDS = 4  # programs of one tick at most (D)
JOINTS = np.array([0.02, 0.0, 0.025])  # rad, -, s: as the defaults of the rule joint_limits
TOLERANCE = 1e-5  # m/s and rad/s by which the solver may miss a limit
NUDGE = 1e-6  # m/s, times the row
ITERATIONS = 200  # of the solver at most, so that its time is bounded
SOLVED = 1  # daqp: an optimal solution was found


@njit(cache=True)
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
def _rows(frames: Array, ends: Array) -> Array:
    """How fast (m/s) points move along directions per rad/s of each joint, shape (m, n).

    Rows of `ends`: frame of the chain that carries the point, its place (m), a unit direction.
    """
    n = frames.shape[0] - 2
    out = np.zeros((ends.shape[0], n))
    for r in range(ends.shape[0]):
        nx, ny, nz = ends[r, 4], ends[r, 5], ends[r, 6]
        for i in range(min(n, int(ends[r, 0]))):
            f = frames[i + 1]
            x, y, z = ends[r, 1] - f[9], ends[r, 2] - f[10], ends[r, 3] - f[11]
            a, b, c = f[2], f[5], f[8]
            out[r, i] = nx * (b * z - c * y) + ny * (c * x - a * z) + nz * (a * y - b * x)
    return out


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
def _program(
    q: Array, dq: Array, asked: Array, table: Array, limits: Array, known: Array
) -> tuple[bool, Array, Array, Array, Array, Array, NDArray[np.int32]]:
    """Whether all are numbers; size, gradient, rows, upper and lower limits and sense, for daqp."""
    n, m = q.size, known.shape[0]
    frames = frames_of(q, table)
    size = _measure(frames)
    low, high = joint_bounds(q, dq, asked, limits, JOINTS)
    gradient, upper, lower = np.zeros(n), np.empty(n + m), np.full(n + m, -np.inf)
    for i in range(n):
        upper[i], lower[i] = max(high[i], asked[i]), min(low[i], asked[i])
        for j in range(n):
            gradient[i] -= size[i, j] * asked[j]
    for r in range(m):
        # limits that are all but the same make the solver run in circles: tell them apart
        upper[n + r] = known[r, 7] + NUDGE * (r + 1)
    along = _rows(frames, known)
    finite = bool(np.isfinite(along.sum() + upper.sum() + gradient.sum()))
    return finite, size, gradient, along, upper, lower, np.zeros(n + m, np.int32)


class Keeper:
    """Changes motions of one robot as little as can be, until nothing is found against them.

    No joint is driven nearer to its own limits than asked: the rule of the joints comes first.
    """

    __slots__ = ("_limits", "_table", "rows")

    def __init__(self, chain: Chain) -> None:
        robot = chain.robot
        self._table = chain.table
        self._limits = np.array([robot.q_min, robot.q_max, robot.dq_max, robot.ddq_max])
        self.rows = np.empty((2 * ROWS, 8))  # what a look finds

    def keep(
        self, robot: RobotState, asked: Array, found: Look, look: Callable[[Array, Array], Look]
    ) -> Array | None:
        """The motion nearest to `asked` (n,) rad/s that `look` has no row against; None: no such.

        `found` is what it has against the asked one; `look` is given the velocities of the capsules
        and the twist of the tool that a motion gives. Both write to `rows`. What is found goes into
        the next round's program; what is still too fast after ROUNDS is scaled, which always ends,
        since standing is allowed.
        """
        q, table, known = robot.q, self._table, self.rows[: found[0]].copy()
        for _ in range(ROUNDS):
            finite, *program = _program(q, robot.dq, asked, table, self._limits, known)
            if not finite:
                return None
            motion: Array
            motion, _, flag, _ = daqp.solve(*program, primal_tol=TOLERANCE, iter_limit=ITERATIONS)
            if flag != SOLVED:
                return None
            twist, moves = consequence(q, motion, table)
            found = look(moves, twist)
            if found[0] == 0:
                return motion
            known = np.concatenate((known, self.rows[: found[0]]))
        return motion * found[1]
