"""Speed and separation monitoring; ISO 10218-2:2025 5.14.5 and Annex L, ISO/TS 15066 5.5.4 (S)."""

from __future__ import annotations

from math import inf
from typing import Literal

import numpy as np
from pydantic import Field

from genba.safety import standards
from genba.safety.crowd import crowd_of
from genba.safety.geometry import faster_end
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.sim.compiled import kernel
from genba.sim.separation import closest_rows
from genba.sim.state import Array, Command, State


class SpeedSeparationParameters(Parameters):
    """The terms of S_p, the sensor that C follows from, and the restart."""

    sensor: Literal["skeleton", "body", "light_curtain"] = Field(
        default="skeleton", description="what sees people; C follows from it (D)"
    )
    detection_capability: float = Field(
        default=0.040, gt=0.0, le=1.0, description="m, of a light curtain (S)"
    )
    human_speed: float | None = Field(
        default=None, ge=0.0, le=10.0, description="m/s, null: not measured, 1.6 or 2.0 (S)"
    )
    reaction_time: float = Field(
        default=standards.REACTION_TIME, ge=0.0, le=2.0, description="s, robot and control (D)"
    )
    sensor_delay: float = Field(
        default=standards.SENSOR_DELAY, ge=0.0, le=2.0, description="s, adds to T_r (D)"
    )
    deceleration: float | None = Field(
        default=None, ge=0.1, le=50.0, description="m/s^2, null: the least the robot realises (C)"
    )
    z_d: float = Field(default=standards.Z_D, ge=0.0, le=1.0, description="m, person (D)")
    z_r: float = Field(default=standards.Z_R, ge=0.0, le=1.0, description="m, robot (D)")
    min_speed: float = Field(
        default=0.01, gt=0.0, le=0.25, description="m/s, a lower cap is a stop (D)"
    )
    restart_margin: float = Field(
        default=standards.RESTART_MARGIN, ge=0.0, le=2.0, description="m above S_p(0) (D)"
    )
    restart_time: float = Field(
        default=standards.RESTART_TIME, ge=0.0, le=60.0, description="s it must stay so (D)"
    )

    @property
    def regime(self) -> str:
        """What C follows from, in words for a report."""
        return standards.regime(self.sensor, self.detection_capability)


# the settings' places in the array that the compiled part takes
_T_R, _A, _D0, _V_H, _MIN_SPEED = 0, 1, 2, 3, 4
_STILL = 1e-9  # m/s, rounding of a command that asks for nothing


@kernel()
def _s_p(v_r: float, v: float, settings: Array, late: float) -> float:
    t_r, a, d0 = settings[_T_R] + late, settings[_A], settings[_D0]
    if settings[_V_H] < 0.0:
        return standards.iso_separation(v_r, v, t_r, a, d0)
    return standards.separation_in_motion(v_r, v, settings[_V_H], t_r, a, d0)


@kernel()
def _scale(d: float, v_r: float, v: float, settings: Array, late: float) -> float:
    v_h = settings[_V_H]
    if v_h < 0.0:
        near = d <= standards.HAND_REACH
        v_h = standards.HUMAN_SPEED_REACHING if near else standards.HUMAN_SPEED_WALKING
    return standards.scale_in_motion(
        d, v_r, v, v_h, settings[_T_R] + late, settings[_A], settings[_D0]
    )


@kernel()
def _fastest(asked: Array, measured: Array) -> tuple[float, float, int]:
    """Speed (m/s) of the fastest end as asked and as measured, and the link that is asked it."""
    one, two, link, best = 0.0, 0.0, 0, -1.0
    for i in range(asked.shape[0]):
        v = faster_end(asked, i, 0)
        one, two = max(one, v), max(two, faster_end(measured, i, 0))
        if v > best:
            link, best = i, v
    return one, two, link


@kernel(error_model="numpy")
def judge(
    robot: Array, measured: Array, asked: Array, bodies: Array, gaps: Array, settings: Array,
    late: float,
) -> tuple[float, float, float]:  # fmt: skip
    """(scale, d, the S_p needed there) of a robot (n, 7) and a crowd (m, BODY).

    A scale of 0 asks for a stop. `gaps`: the crowd's, from this robot. Late: s beyond the declared
    delay. Pairs that cannot bring the scale lower are skipped, so the one that most likely is the
    worst comes first: the fastest link and the body capsule nearest to it.

    A body lies wholly beyond the plane through its nearest point; velocity and way to that plane
    are linear along the link. So both ends of the link are held against their own way to it: that
    covers the nearest point, also one that jumps along a parallel link.
    """
    one, two, first = _fastest(asked, measured)
    # The top speed says how long a stop takes. What the robot really does counts where it is more,
    # but noise on a standing robot does not.
    top = two if two > one and two > settings[_MIN_SPEED] else one
    scale, at, fast, far = 1.0, inf, 0.0, inf
    m, last = bodies.shape[0], gaps.shape[1] - 1
    if gaps[0, last] == -inf:
        return 0.0, -inf, _s_p(0.0, top, settings, late)
    best = 0
    for j in range(last):
        if gaps[first, j] < gaps[first, best]:
            best = j
    for turn in range(-1, robot.shape[0]):
        i = first if turn < 0 else turn
        if turn == 0:  # beyond this distance nobody is held back, whatever the link
            far = _s_p(scale * max(one, two), scale * top, settings, late)
        if gaps[i, last] > far:
            continue
        own = max(faster_end(asked, i, 0), faster_end(measured, i, 0))
        if not own > _STILL:
            continue  # a link that stands is no more than an obstacle
        # beyond this distance nothing that moves like this is held back
        reach = _s_p(scale * own, scale * top, settings, late)
        if gaps[i, last] > reach:
            continue
        begin, end = (best, best + 1) if turn < 0 else (0, m)
        for j in range(begin, end):
            if gaps[i, j] > reach:
                continue
            d, s, _, nx, ny, nz = closest_rows(robot, i, bodies, j)
            if d + robot[i, 6] + bodies[j, 6] < 1e-6:  # through each other: no direction is away
                return 0.0, d, _s_p(own, top, settings, late)
            slope = (robot[i, 3] - robot[i, 0]) * nx + (robot[i, 4] - robot[i, 1]) * ny
            slope += (robot[i, 5] - robot[i, 2]) * nz
            for e in range(2):
                k = 3 * e
                v = asked[i, k] * nx + asked[i, k + 1] * ny + asked[i, k + 2] * nz
                now = measured[i, k] * nx + measured[i, k + 1] * ny + measured[i, k + 2] * nz
                v = now if now > v and now > settings[_MIN_SPEED] else v
                way = d + max(0.0, (s - e) * slope)
                fits = _scale(way, v, top, settings, late)
                if fits < scale:
                    scale, at, fast = fits, way, v
                    if scale == 0.0:
                        return scale, at, _s_p(fast, top, settings, late)
                    reach = _s_p(scale * own, scale * top, settings, late)
    if scale < 1.0 and not scale * top >= settings[_MIN_SPEED]:
        scale = 0.0  # what is left is not worth moving at
    return scale, at, _s_p(fast, top, settings, late) if scale < 1.0 else 0.0


class SpeedSeparation:
    """Keeps S_p of every robot capsule to every body capsule, with directed speeds.

    S_h runs over the whole stopping time T_s, and that follows from how fast the robot is,
    whichever way it moves: who walks into a robot that passes by is met by it as well.
    """

    name = "speed_separation"
    clause = "ISO 10218-2:2025 5.14.5 and Annex L, ISO/TS 15066 5.5.4 (S)"
    reaction = "scales to the speed at which S_p = d; no speed left: category 2"
    reset = "automatic once d >= S_p(0) + 0.10 m for 0.5 s"
    order = "people"
    Parameters = SpeedSeparationParameters
    MEMORY = ("_stopped", "_clear")
    ABOUT_PEOPLE = True
    __slots__ = (
        "_clear",
        "_crowd",
        "_delay",
        "_floor",
        "_robot",
        "_set",
        "_settings",
        "_stopped",
        "regime",
    )

    def __init__(
        self, parameters: SpeedSeparationParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._crowd = robot_name, crowd_of(robot)
        self._set = parameters
        self._delay = parameters.sensor_delay
        c = standards.intrusion(parameters.sensor, parameters.detection_capability)
        human = -1.0 if parameters.human_speed is None else parameters.human_speed
        a = robot.deceleration if parameters.deceleration is None else parameters.deceleration
        self._settings = np.array([
            parameters.reaction_time + parameters.sensor_delay, a,
            c + parameters.z_d + parameters.z_r, human,
            parameters.min_speed,
        ])  # fmt: skip
        self.regime = parameters.regime
        self._floor: float = _s_p(0.0, 0.0, self._settings, 0.0)
        self._stopped = False
        self._clear: float | None = None  # since when the way is clear

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: distance d (m) of the pair that acted; limit: the S_p it needed (m)."""
        people = state.people
        if not people and not self._stopped:
            return PASS
        scale, at, needed, least, floor = 1.0, inf, 0.0, inf, self._floor
        if people:
            robot, crowd = state.robots[self._robot], self._crowd
            late = state.people_age - self._delay  # who is seen later than declared came nearer
            if late <= 1e-9:
                late = 0.0
            else:
                floor = _s_p(0.0, 0.0, self._settings, late)
            least = crowd.near(state, robot.capsules)
            scale, at, needed = judge(
                robot.capsules, robot.capsule_velocities, command.capsule_velocities,
                crowd.bodies, crowd.gaps, self._settings, late,
            )  # fmt: skip
            if least < floor and scale > 0.0:
                # closer than even a robot that stands may let anybody come: receding is no credit
                scale, at, needed = 0.0, least, floor
        if scale == 1.0 and not self._stopped:
            return PASS
        if scale == 0.0:
            self._stopped, self._clear = True, None
            return Verdict(0.0, 2, False, "no speed keeps the separation", at, needed)
        rest = floor + self._set.restart_margin
        if self._stopped and not self._may_restart(state.time, least, rest):
            return Verdict(0.0, 2, False, "waits until the way is clear", least, rest)
        if scale == 1.0:
            return PASS
        return Verdict(scale, None, False, "separation below S_p", at, needed)

    def _may_restart(self, time: float, least: float, rest: float) -> bool:
        if not least >= rest:
            self._clear = None
            return False
        if self._clear is None:
            self._clear = time
        if time - self._clear < self._set.restart_time:
            return False
        self._stopped, self._clear = False, None
        return True
