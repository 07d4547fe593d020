"""The motion nearest to what was asked that keeps linear limits: a small quadratic program.

Nearest means least change of the tool's motion, with a little weight on the joints themselves, so
that a redundant joint does not wander. Where standing is allowed, the result is never larger than
what was asked in that same measure: a projection onto a convex set that holds 0 only shortens.
Solver: daqp, a dual active-set method; what it cannot solve has no answer, and the rule then stops.
"""

from __future__ import annotations

from math import sqrt

import daqp
import numpy as np
from numba import njit

from genba.sim.chain_kernels import frames_of, jacobian_into
from genba.sim.compiled import kernel
from genba.sim.state import Array

TURN = 0.3  # m, the lever at which turning the tool weighs as much as moving it (D)
REST = 0.02  # weight of a joint's own change against the tool's, rad/s against m/s, squared (D)
TOLERANCE = 1e-5  # m/s and rad/s by which the solver may miss a limit
ITERATIONS = 200  # of the solver at most, so that its time is bounded
SOLVED = 1  # daqp: an optimal solution was found


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
    low, high = np.empty(q.shape[0]), np.empty(q.shape[0])
    stopping_bounds(q, dq, asked, limits, settings, low, high)
    return low, high


@kernel()
def stopping_bounds(
    q: Array, dq: Array, asked: Array, limits: Array, settings: Array, low: Array, high: Array
) -> None:
    """`joint_bounds` into `low` and `high` (n,)."""
    margin, delay = settings[0], settings[2]
    for i in range(q.shape[0]):
        up = stoppable(limits[1, i] - margin - q[i], limits[3, i], delay)
        down = stoppable(q[i] - limits[0, i] - margin, limits[3, i], delay)
        high[i], low[i] = min(limits[2, i], up), -min(limits[2, i], down)
        if asked[i] > 0.0 and dq[i] > up:  # it is faster already: as much less as it is too fast
            high[i] = min(high[i], asked[i] * up / dq[i])
        if asked[i] < 0.0 and -dq[i] > down:
            low[i] = max(low[i], asked[i] * down / -dq[i])


@njit(cache=True, error_model="numpy")
def measure(q: Array, table: Array) -> Array:
    """H (n, n) of the size x' H x of a change x (n,) rad/s of the joints at q (n,) rad.

    `table` is that of a Chain. Size: metres a second squared, turning weighed by TURN.
    """
    out = np.empty((q.size, q.size))
    measure_into(frames_of(q, table), np.empty((6, q.size)), out)
    return out


@kernel(error_model="numpy")
def measure_into(frames: Array, jac: Array, out: Array) -> None:
    """`measure` of the frames of a pose into `out` (n, n); `jac` (6, n) is room to work in."""
    jacobian_into(frames, jac)
    n = jac.shape[1]
    for i in range(n):
        for j in range(n):
            s = REST if i == j else 0.0
            for k in range(6):
                weight = 1.0 if k < 3 else TURN * TURN
                s += weight * jac[k, i] * jac[k, j]
            out[i, j] = s


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
