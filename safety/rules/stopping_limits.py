"""Stopping time and distance limiting; ISO 10218-1:2025 5.5 and Annex H (R, unverified).

Predicted for a stop along the path, all joints as long as the slowest, at the maker's acceleration
and jerk limits, from joints that still accelerate as hard as they can. The motion asked for counts:
a robot that is faster brakes already.

The way of a point is not its speed now times the time: at constant joint speeds dq it becomes
faster as the arm unfolds. Joints that keep the direction of dq turn by dq L in a stop, L = T_r +
ramp + t / 2, so all stops in a direction lie on one path p(x) of q + x dq, and its length counts.
Of a point at r_j from joint j, at most R_j from its axis in any pose, d2p/dq_i dq_j (i <= j) is
z_i x (z_j x r_j), so |p''| <= A = sum over j of R_j |dq_j| (|dq_j| + 2 sum over i < j of |dq_i|).
With its speed v now and the chord c of a step h of the path

    way <= v x + A x^2 / 2, which is enough in ordinary ticks; else
    way <= sqrt(c^2 + A^2 h^4 / 12) over a step, <= y (c / h + A h / 2) over a part y of it.

The steps lie at the same places of the path however fast it is gone: slower is never judged worse.
"""

from __future__ import annotations

from math import inf, isfinite, sqrt

import numpy as np
from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.sim.chain_kernels import capsules_at
from genba.sim.compiled import ROOM, kernel
from genba.sim.kinematics import Chain
from genba.sim.state import Array, Command, State

STEPS = 16  # of the longest path
COARSE = 4  # of them at once, where that is enough


class StoppingLimitsParameters(Parameters):
    """Within what time and way the robot must stand."""

    time: float = Field(default=0.5, gt=0.0, le=10.0, description="s to standstill (D)")
    distance: float = Field(
        default=0.3, gt=0.0, le=10.0, description="m, way of any end of the robot's capsules (D)"
    )
    reaction_time: float = Field(
        default=0.025, ge=0.0, le=1.0, description="s before braking acts, three ticks (D)"
    )
    share: float = Field(
        default=1.0,
        gt=0.0,
        le=1.0,
        description="1, of the maker's acceleration, in braking",
    )


@kernel()
def predict(
    dq: Array, rows: Array, limits: Array, share: float
) -> tuple[float, float, float, float, float, float]:
    """(braking time s, jerk's part s, fastest end now m/s) of joints dq and ends of capsules
    `rows`; share of the joints' greatest speed; what the ends' speed (m/s) and acceleration (m/s^2)
    are below in any pose.

    Rows of limits: greatest acceleration a, jerk j and speed, `levers`. Jerk's part: a / j to take
    the acceleration back, a / 2 j for the speed gained meanwhile, a / j to build up and to take
    back the deceleration.
    """
    slow, ramp, pace, most, bend, turns = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(dq.shape[0]):
        a, speed = share * limits[0, i], abs(dq[i])
        slow = max(slow, speed / a)
        ramp = max(ramp, 2.5 * a / limits[1, i])
        pace = max(pace, speed / limits[2, i])
        most += limits[3, i] * speed
        bend += limits[3, i] * speed * (speed + 2.0 * turns)
        turns += speed
    top = 0.0
    for k in range(rows.shape[0]):
        for e in range(0, 6, 3):
            v = rows[k, e] ** 2 + rows[k, e + 1] ** 2 + rows[k, e + 2] ** 2
            top = max(top, v)
    return slow, ramp, sqrt(top), pace, most, bend


@kernel(error_model="numpy")
def _along(
    q: Array, dq: Array, length: float, step: float, most: float, bend: float, limit: float,
    table: Array, work: Array,
) -> tuple[float, float]:  # fmt: skip
    """The longest way (m) of an end on the path q + x dq up to `length` (s), and up to where (s) no
    way is longer than `limit` (m); seen at STEPS of so many s, beyond them at `most` m/s.
    """
    n, first = q.size, 12 * (q.size + 2)
    c = table.shape[0] - n - 2
    if work.shape[0] != first + n + 16 * c:
        raise ValueError(ROOM)
    frames, there, at = work[:first].reshape((n + 2, 12)), work[first : first + n], first + n
    here = work[at : at + 7 * c].reshape((c, 7))
    ahead = work[at + 7 * c : at + 14 * c].reshape((c, 7))
    gone = work[at + 14 * c :].reshape((c, 2))
    gone[:] = 0.0
    spread = bend * step * step
    capsules_at(q, table, frames, here)
    x, way, fits, total = 0.0, 0.0, inf, 0.0
    for s in range(STEPS):
        if not x < length:
            break
        for i in range(n):
            there[i] = q[i] + (x + step) * dq[i]
        capsules_at(there, table, frames, ahead)
        part, near = min(1.0, (length - x) / step), inf
        for k in range(c):
            for e in range(2):
                chord = 0.0
                for i in range(3 * e, 3 * e + 3):
                    chord += (ahead[k, i] - here[k, i]) ** 2
                    here[k, i] = ahead[k, i]
                whole = sqrt(chord + spread * spread / 12.0)
                fast = sqrt(chord) + 0.5 * spread
                left = limit - gone[k, e]
                if whole > left:
                    near = min(near, left / fast)
                gone[k, e] += min(whole, part * fast)
                way = max(way, gone[k, e])
                total += gone[k, e]
        if near < inf and fits == inf:
            fits = x + step * near
        x = (s + 1) * step
    if x < length:
        if fits == inf:
            fits = x + (limit - way) / most
        way += most * (length - x)
    if not isfinite(total):
        return inf, 0.0
    return way, fits


@kernel()
def scale(
    q: Array, dq: Array, rows: Array, limits: Array, settings: Array, table: Array, work: Array
) -> tuple[float, float, float, float, float]:
    """(scale, time s, way m) and the shares that time and way leave; settings as parameters, and
    the step of a path (s, at the greatest speed). Without a `table` there is no pose but this one.

    With the share s of the motion the time grows as a + b s, the place on its path where it stands
    as s (a + b s / 2), so that the share that fits is exact.
    """
    slow, ramp, top, pace, most, bend = predict(dq, rows, limits, settings[3])
    delay = settings[2] + ramp
    time, length = delay + slow, delay + 0.5 * slow
    way = length * (top + 0.5 * bend * length)
    by_time, by_way = 1.0, 1.0
    if not time <= settings[0]:
        by_time = max(0.0, (settings[0] - delay) / slow) if slow > 0.0 else 0.0
    if not way <= settings[1]:
        fits = 2.0 * settings[1] / (top + sqrt(top * top + 2.0 * bend * settings[1]))
        if table.shape[0] > 0 and pace > 0.0:
            for steps in (COARSE, 1):  # the fewer poses often do
                step = steps * settings[4] / pace
                far, reached = _along(
                    q, dq, length, step, most, bend, settings[1], table, work
                )  # fmt: skip
                way, fits = min(way, far), max(fits, reached)
                if way <= settings[1]:
                    return by_time, time, way, by_time, 1.0
        by_way = 2.0 * fits / (delay + sqrt(delay * delay + 2.0 * slow * fits))
        if not by_way <= 1.0:
            by_way = 1.0 if by_way > 1.0 else 0.0
    return min(by_time, by_way), time, way, by_time, by_way


def room(joints: int, capsules: int) -> int:
    """How many numbers `scale` works in."""
    return 12 * (joints + 2) + joints + 16 * capsules


def levers(chain: Chain) -> Array:
    """(n,) m: how far from each joint's axis an end of a capsule can be, whatever the pose.

    Link lengths added up: exact for the link itself, and the next joint's place.
    """
    n, table = len(chain.robot.home), chain.table
    ends = [table[n + 2 :][table[n + 2 :, 0] == k, 1:7].reshape(-1, 3) for k in range(n + 2)]
    out, beyond = np.zeros(n), _longest(ends[n + 1])  # m from the next frame's origin
    for k in range(n, 0, -1):
        offset = table[k + 1, 9:12]
        out[k - 1] = max(_longest(ends[k][:, :2]), float(np.hypot(*offset[:2])) + beyond)
        beyond = max(_longest(ends[k]), float(np.linalg.norm(offset)) + beyond)
    return out


def _longest(rows: Array) -> float:
    return float(np.linalg.norm(rows, axis=1).max(initial=0.0))


class StoppingLimits:
    """Scales the motion so that a stop takes no longer and no further than allowed.

    Assumed: joints that keep the direction of the motion asked for and slow down evenly, after the
    reaction time. The way is that of the ends of the capsules' axes. Where the layer was given
    limits without kinematics, their speeds at the present pose are taken to last.
    """

    name = "stopping_limits"
    clause = "ISO 10218-1:2025 stopping time and distance limiting (R, unverified)"
    reaction = "scales the speed"
    reset = "automatic"
    order = "physical"
    Parameters = StoppingLimitsParameters
    __slots__ = ("_known", "_robot", "silence")

    def __init__(
        self, parameters: StoppingLimitsParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot = robot_name
        chain: Chain | None = getattr(robot, "chain", None)
        a, speed = (np.asarray(row, dtype=np.float64) for row in (robot.ddq_max, robot.dq_max))
        # a model of limits alone knows no jerk: then acceleration is taken to come at once
        jerk, reach = np.full(len(a), inf), np.zeros(len(a))
        table, work = np.empty((0, 0)), np.empty(0)
        if chain is not None:
            jerk, reach, table = np.asarray(chain.robot.jerk_max), levers(chain), chain.table
            work = np.empty(room(len(a), len(chain.capsule_names)))
        brake = parameters.share * a
        longest = parameters.reaction_time + np.max(2.5 * brake / jerk) + np.max(speed / brake) / 2
        settings = np.array([
            parameters.time, parameters.distance, parameters.reaction_time, parameters.share,
            longest / STEPS,
        ])  # fmt: skip
        self._known = np.array([a, jerk, speed, reach]), settings, table, work
        self.silence = Silence(stop=self._known)

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: predicted time (s) or way (m) to standstill; limit: in the same unit."""
        share, time, way, by_time, by_way = scale(
            state.robots[self._robot].q, command.dq, command.capsule_velocities, *self._known
        )
        if share == 1.0:
            return PASS
        share = share if share == share else 0.0
        settings = self._known[1]
        if by_time <= by_way:
            reason, trigger, limit = "it would take too long to stop", time, settings[0]
        else:
            reason, trigger, limit = "it would go too far to stop", way, settings[1]
        return Verdict(share, None, False, reason, trigger, float(limit))
