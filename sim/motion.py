"""How an arm follows a velocity: under its maker's limits, one safety tick ahead, never past them.

This is the robot's own controller. It stands behind the safety layer and owes it nothing.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray
from ruckig import (
    ControlInterface,
    InputParameter,
    OutputParameter,
    Result,
    Ruckig,
    RuckigError,
    Synchronization,
)  # fmt: skip

from genba.sim.compiled import kernel
from genba.sim.kinematics import Chain
from genba.sim.robots import Robot
from genba.sim.state import Array

TICK = 1.0 / 120.0  # s, a safety tick
GENTLE = 0.5  # share of the acceleration used to slow down ahead of a position limit (D)
_PLANNED = (Result.Working, Result.Finished)
DRIFT_GAIN = 15.0  # 1/s, pulls the joints back onto the reference
PULL = 0.3  # rad/s with which a joint is pulled back at most
HOLD = 0.015  # rad/s, the same once a stopped arm stands: enough against gravity, no spring
BRAKED = 1e-4  # rad/s below which every joint of a braking arm stands
PUSHED = 0.002  # rad a braked joint is off its place when something has pushed it
LOST = 0.02  # rad of following error, four times the usual: what holds it back lets go one day
ROUNDING = 1e-9  # rad by which a braking way may seem to end past a limit

Rows = tuple[tuple[float, ...], ...]  # of a state (3, n), as the planner gives them


class Follower:
    """Turns target joint velocities into references that an arm of n joints can follow."""

    def __init__(self, robot: Robot, dt: float = TICK) -> None:
        self._dt = dt
        self._table = _limits(robot)
        self._otg = Ruckig(len(robot.home), dt)
        self._planned = False
        self.reset(robot.home)

    def reset(self, q: Array, dq: Array | None = None) -> None:
        """Stand at joint positions q (n,) rad, or move there with dq (n,) rad/s unaccelerated.

        Raises ValueError where q or dq is not finite or past the limits.
        """
        (low, high, speed), n = self._table[:3], self._table.shape[1]
        state = np.zeros((3, n))  # position, velocity, acceleration
        state[0] = q
        state[1] = 0.0 if dq is None else dq
        inside = (state[0] >= low - 1e-6) & (state[0] <= high + 1e-6)
        if not np.all(inside & (np.abs(state[1]) <= speed * (1 + 1e-9))):
            raise ValueError(f"joint positions or velocities past the limits: {state[:2].tolist()}")
        state[0] = np.clip(state[0], low, high)
        self._otg.reset()
        self._out = OutputParameter(n)
        self._in = InputParameter(n)
        self._in.control_interface = ControlInterface.Velocity
        self._in.synchronization = Synchronization.Phase
        limits = self._table[2:].tolist()
        self._in.max_velocity, self._in.max_acceleration, self._in.max_jerk = limits
        self._state, self._spare = state, np.empty_like(state)  # now, and room for the next
        self._target, self._room = np.empty(n), (np.empty(n), np.empty(n, dtype=np.bool_))
        self.standing = not state[1].any()  # whether the reference does not move
        self._tell(state)

    def follow(self, dq_target: Array) -> tuple[Array, Array]:
        """Joint positions and velocities (n,) to have one tick from now, on the way to dq_target.
        The joints keep the direction of their motion where they can (phase synchronised). A target
        that is too fast is slowed down as a whole; one that is not finite means standing still.
        """
        self.servo(dq_target, self._state[0], False)
        return self._state[0].copy(), self._state[1].copy()

    def servo(self, dq_target: Array, q: Array, stopped: bool) -> tuple[list[float], bool]:
        """`follow`, as joint speeds (n,) for the motors of an arm that is at q (n,) now.

        They pull what has drifted off the reference back onto it; gently once a `stopped` arm
        stands, or who pushed it would be hit. Also whether it is held off its place or path.
        """
        before, after = self._state, self._spare
        table, target, room = self._table, self._target, self._room
        _aim(dq_target, before, table, self._dt, target)
        rows = self._advance(target)
        late, pushed, fastest = _servo(rows, before, q, table, stopped, after, *room)
        if late:
            rows = self._brake(after)
            _, pushed, fastest = _servo(rows, before, q, table, stopped, after, *room)
        self._state, self._spare = after, before
        self.standing = fastest < BRAKED
        if late or not self._planned:
            self._tell(after)
        else:
            self._out.pass_to_input(self._in)
        return room[0].tolist(), pushed

    def _brake(self, state: Array) -> Rows:
        """`state` anew, with the joints that are late braked as hard as they can be."""
        self._in.synchronization = Synchronization.No  # each for itself
        aim, braking = self._target, np.zeros(state.shape[1], dtype=np.bool_)
        rows: Rows = tuple(map(tuple, state.tolist()))
        while _mark_late(state, self._table, braking):
            rows = self._advance(np.where(braking, 0.0, aim))
            state = np.array(rows)
        self._in.synchronization = Synchronization.Phase
        return rows

    def stopping(self, dq: Array) -> tuple[float, Array]:
        """Time (s) and joint ways (n,) rad within which the arm stands if told to brake at dq (n,).

        An upper bound: each joint is taken to be accelerating as hard as it can.
        """
        out: tuple[float, Array] = _stopping(dq, self._table, self._dt)
        return out

    def _advance(self, aim: Array) -> Rows:
        """Position, velocity and acceleration (3, n) one tick from now."""
        self._in.target_velocity = aim.tolist()
        out = self._out
        try:
            result = self._otg.update(self._in, out)
        except RuckigError:
            result = Result.Error
        self._planned = result in _PLANNED
        if not self._planned:
            return tuple(map(tuple, _ramp(self._state, aim, self._table, self._dt).tolist()))
        return tuple(out.new_position), tuple(out.new_velocity), tuple(out.new_acceleration)

    def _tell(self, state: Array) -> None:
        """The planner goes on from here."""
        given, rows = self._in, state.tolist()
        given.current_position, given.current_velocity, given.current_acceleration = rows


def _limits(robot: Robot) -> Array:
    """Rows: least and greatest position, greatest velocity, acceleration and jerk."""
    rows = (robot.q_min, robot.q_max, robot.dq_max, robot.ddq_max, robot.jerk_max)
    return np.array(rows, dtype=np.float64)


@kernel(error_model="numpy")
def _aim(target: Array, state: Array, table: Array, dt: float, aim: Array) -> None:
    """Into `aim` the target within the speed limits, and low enough to stop gently at the position
    limits.
    """
    n = table.shape[1]
    worst = 1.0
    for i in range(n):
        if not np.isfinite(target[i]):
            aim[:] = 0.0
            return
        worst = max(worst, abs(target[i]) / table[2, i])
    for i in range(n):
        slow = 2.0 * GENTLE * table[3, i]
        q = state[0, i] + state[1, i] * dt  # where it will be when it has this velocity
        below = sqrt(slow * max(0.0, q - table[0, i]))
        above = sqrt(slow * max(0.0, table[1, i] - q))
        aim[i] = max(-below, min(above, target[i] / worst))


@kernel(error_model="numpy")
def _braking(v: float, a: float, hardest: float, jerk: float) -> tuple[float, float, float]:
    """Time until it stands, way to there, and way to where it turns back before that (or 0).

    For a joint at velocity v and acceleration a that brakes as hard as it can: jerk, constant
    deceleration, jerk.
    """
    rest = v + a * abs(a) / (2.0 * jerk)  # velocity left once the acceleration is taken back
    sign = 1.0 if rest >= 0.0 else -1.0
    v, a = v * sign, a * sign
    peak = min(hardest, sqrt(max(0.0, jerk * v + a * a / 2.0)))
    t1, t3 = (a + peak) / jerk, peak / jerk
    way = v * t1 + a * t1 * t1 / 2.0 - jerk * t1 * t1 * t1 / 6.0
    v1 = v + a * t1 - jerk * t1 * t1 / 2.0
    t2 = max(0.0, (v1 - peak * peak / (2.0 * jerk)) / peak) if peak > 0.0 else 0.0
    way += v1 * t2 - peak * t2 * t2 / 2.0
    v2 = v1 - peak * t2
    way += v2 * t3 - peak * t3 * t3 / 2.0 + jerk * t3 * t3 * t3 / 6.0
    turn = 0.0
    if v < 0.0:  # it decelerates too hard to stop without turning
        t = (a - sqrt(max(0.0, a * a + 2.0 * jerk * v))) / jerk
        turn = v * t + a * t * t / 2.0 - jerk * t * t * t / 6.0
    return t1 + t2 + t3, sign * way, sign * turn


@kernel(error_model="numpy")
def _mark_late(state: Array, table: Array, late: NDArray[np.bool_]) -> bool:
    """Mark the joints that could no longer stop within their limits; whether there are new ones."""
    new = False
    for i in range(table.shape[1]):
        _, way, turn = _braking(state[1, i], state[2, i], table[3, i], table[4, i])
        low = state[0, i] + min(0.0, way, turn)
        high = state[0, i] + max(0.0, way, turn)
        if not late[i] and (low < table[0, i] - ROUNDING or high > table[1, i] + ROUNDING):
            late[i] = new = True
    return new


@kernel(error_model="numpy")
def _servo(
    rows: Rows, before: Array, q: Array, table: Array, stopped: bool, state: Array, speeds: Array,
    marks: NDArray[np.bool_],
) -> tuple[bool, bool, float]:  # fmt: skip
    """Whether `_mark_late` finds a joint; whether the arm is held off its place or path; the
    greatest speed of the reference (rad/s). Into `state` the rows, into `speeds` joint speeds (n,)
    that follow the reference and pull q back onto it; into `marks` the joints that are late.
    """
    n = table.shape[1]
    for i in range(n):
        marks[i] = False
        state[0, i], state[1, i], state[2, i] = rows[0][i], rows[1][i], rows[2][i]
    late = _mark_late(state, table, marks)
    off, fastest = 0.0, 0.0
    for i in range(n):
        off = max(off, abs(before[0, i] - q[i]))
        fastest = max(fastest, abs(state[1, i]))
    standing = stopped and fastest < BRAKED
    pull = HOLD if standing else PULL
    for i in range(n):
        drift = before[0, i] - q[i]
        speeds[i] = state[1, i] + min(pull, max(-pull, DRIFT_GAIN * drift))
    return late, off > LOST or (off > PUSHED and standing), fastest


@njit(cache=True, error_model="numpy")
def _ramp(state: Array, aim: Array, table: Array, dt: float) -> Array:
    """One tick towards aim under the acceleration limits alone, where the planner gave up."""
    out = np.zeros_like(state)
    for i in range(table.shape[1]):
        change = table[3, i] * dt
        v = min(table[2, i], max(-table[2, i], state[1, i]))
        out[1, i] = v + min(change, max(-change, aim[i] - v))
        q = state[0, i] + (v + out[1, i]) / 2.0 * dt
        out[0, i] = min(table[1, i], max(table[0, i], q))
        if out[0, i] != q:
            out[1, i] = 0.0
    return out


@njit(cache=True, error_model="numpy")
def _stopping(dq: Array, table: Array, dt: float) -> tuple[float, Array]:
    time = 0.0
    n = table.shape[1]
    ways = np.empty(n)
    for i in range(n):
        v = min(abs(dq[i]), table[2, i])
        t, ways[i], _ = _braking(v, table[3, i], table[3, i], table[4, i])
        time = max(time, t)
    for i in range(n):  # all joints take as long as the slowest
        gain = table[3, i] ** 2 / (2.0 * table[4, i])
        ways[i] = max(ways[i], (abs(dq[i]) + gain) * (time / 2.0 + 2.0 * table[3, i] / table[4, i]))
    return time + dt, ways


def realised_deceleration(chain: Chain, speed: float, samples: int, seed: int = 0) -> Array:
    """What decelerations v^2/(2 s) (m/s^2) the TCP really has when braking at once from `speed`.

    Tool down at random places of the table (x 0.3..0.6, y -0.4..0.4, z 0.05..0.4 m), moving in a
    random direction of space; s is the length of the way to standstill. Places out of reach, and
    directions in which the joints allow less than 90 % of the speed, are drawn again.
    """
    rng = np.random.default_rng(seed)
    follower = Follower(chain.robot)
    out: list[float] = []
    while len(out) < samples:
        place = rng.uniform((0.3, -0.4, 0.05), (0.6, 0.4, 0.4))
        way = rng.normal(size=3)
        twist = np.concatenate([speed * way / np.linalg.norm(way), np.zeros(3)])
        try:
            q = chain.ik(place, np.array([1.0, 0.0, 0.0, 0.0]))
        except ValueError:
            continue
        dq = chain.resolve(q, twist)
        tcp, velocity, _, _ = chain.state(q, dq)
        start = float(np.linalg.norm(velocity[:3]))
        if start >= 0.9 * speed:
            follower.reset(q, dq)
            out.append(start**2 / (2.0 * _way_to_stop(chain, follower, tcp[:3])))
    return np.array(out)


def _way_to_stop(chain: Chain, follower: Follower, start: Array) -> float:
    length, here, still = 0.0, start, np.zeros(len(chain.robot.home))
    for _ in range(240):
        q, dq = follower.follow(still)
        here, before = chain.state(q, dq)[0][:3], here
        length += float(np.linalg.norm(here - before))
        if not dq.any():
            break
    return length
