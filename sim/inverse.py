"""Inverse kinematics under sim/kinematics.py: joint positions that bring the tool to a frame."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numba import njit

from genba.sim.chain_kernels import frames_of, solve, tool_jacobian
from genba.sim.state import Array


@njit(cache=True, error_model="numpy")
def _miss(frame: Array, goal: Array) -> Array:
    """Way and turn (m, rad for small turns) from a frame to a goal frame."""
    out = np.empty(6)
    for r in range(3):
        out[r] = goal[9 + r] - frame[9 + r]
    m = np.empty((3, 3))  # goal rotation times the inverse of the frame's
    for r in range(3):
        for c in range(3):
            m[r, c] = 0.0
            for k in range(3):
                m[r, c] += goal[3 * r + k] * frame[3 * c + k]
    x, y, z = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    # half-angle form: it keeps growing up to 180 degrees, where the sine would vanish
    scale = 1.0 / sqrt(max(1e-6, 1.0 + m[0, 0] + m[1, 1] + m[2, 2]))
    out[3], out[4], out[5] = x * scale, y * scale, z * scale
    return out


@njit(cache=True, error_model="numpy")
def inverse(goal: Array, q0: Array, limits: Array, table: Array) -> tuple[Array, float]:
    """Joint positions that bring the TCP to a frame (12,), within limits (2, n), and the miss."""
    q = q0.copy()
    pull = np.empty(q.size)
    miss = 1e9
    for _ in range(200):
        frames = frames_of(q, table)
        error = _miss(frames[q.size + 1], goal)
        miss = sqrt(np.sum(error * error))
        if miss < 1e-10:
            break
        for k in range(q.size):
            pull[k] = min(1.0, miss) * table[k + 1, 14] * (table[k + 1, 13] - q[k])
        step = solve(tool_jacobian(frames), error, pull)
        longest = max(1.0, np.max(np.abs(step)) / 0.3)
        for k in range(q.size):
            q[k] = min(limits[1, k], max(limits[0, k], q[k] + step[k] / longest))
    return q, miss
