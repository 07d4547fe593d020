"""The scripted agent: what a cell programmer would write, a law of the observation alone.

It keeps no memory: every answer follows from what is observed, so it recovers from whatever
happens in between, and what it does can be learnt from pairs of observation and action.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genba.agents.fingerprints import of_module
from genba.agents.role import Action, AgentError, Observation

BRAKING = 2.2  # m/s^2 with which speeds fall towards a goal
GAIN = 7.0  # 1/s near a goal
SINKING = 1.2  # m/s^2 on the way down: what is off the axis has time to come onto it
SINK_GAIN = 6.0  # 1/s on the way down
TURN_GAIN = 5.0  # 1/s
TILT_GAIN = 4.0  # 1/s
CLEAR = 0.10  # m over a goal at which one travels
FUNNEL = 8.0  # m of height a metre off the axis
NEAR = 0.004  # m off the axis at which one is over the goal
READY = -0.62  # grip: the opening with which one reaches between parts
ARM = ("tool_tilt", "holding", "grip_asked", "part_gap", "part_yaw")
KITTING = (*ARM, "slot_gap", "slot_yaw", "tray_ready", "parts_in_tote")  # what the laws read
SORTING = (*ARM, "bin_gap", "bin_yaw", "part_offered", "part_speed")
Vector = NDArray[np.float64]
Values = Mapping[str, Vector]


def for_env(env: Any) -> Scripted:
    """The scripted agent of an environment. Raises AgentError where no law fits it."""
    cell = env.unwrapped
    if cell.scenario.action != "twist":
        raise AgentError(f"scripted: plays `action: twist`, not {cell.scenario.action}")
    if not any(set(law) <= set(cell.fields) for law in (KITTING, SORTING)):
        raise AgentError(f"scripted: has no law for the cell {cell.scenario.cell!r}")
    return Scripted(cell.fields, cell.scenario.tcp_speed, cell.scenario.tcp_turn)


class Scripted:
    """Plays the cells of this package by the names of their observations."""

    def __init__(self, fields: Mapping[str, int], tcp_speed: float, tcp_turn: float) -> None:
        self.tcp_speed, self.tcp_turn = tcp_speed, tcp_turn
        self.at: dict[str, slice] = {}
        start = 0
        for name, length in fields.items():
            self.at[name] = slice(start, start + length)
            start += length
        self.decide = self._sort if "bin_gap" in self.at else self._kit
        self.fingerprint = of_module(__name__)

    def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Action:
        """(7,) action of an observation."""
        seen = observation.astype(np.float64)
        o = {name: seen[at] for name, at in self.at.items()}
        velocity, yaw, grip = self.decide(o)
        action = np.zeros(7)
        action[:3] = velocity / self.tcp_speed
        action[3] = -TILT_GAIN * o["tool_tilt"][1] / self.tcp_turn
        action[4] = TILT_GAIN * o["tool_tilt"][0] / self.tcp_turn
        action[5] = TURN_GAIN * yaw / self.tcp_turn
        action[6] = grip
        return np.clip(action, -1.0, 1.0).astype(np.float32)

    def _kit(self, o: Values) -> tuple[Vector, float, float]:
        if o["holding"][0] > 0.5:
            gap, yaw = o["slot_gap"], float(o["slot_yaw"][0])
            if o["tray_ready"][0] < 0.5:  # wait over the tray's place
                gap = gap + (0.0, 0.0, CLEAR)
                return self._towards(gap), yaw, 1.0
            there = hypot(gap[0], gap[1]) < 0.0035 and abs(yaw) < 0.04 and gap[2] > -0.0035
            return self._descend(gap, yaw, 0.0), yaw, READY if there else 1.0
        gap, yaw = o["part_gap"], float(o["part_yaw"][0])
        if o["parts_in_tote"][0] <= 0.0:
            return self._towards(gap + (0.0, 0.0, CLEAR)), 0.0, READY
        there = hypot(gap[0], gap[1]) < 0.006 and abs(yaw) < 0.08 and abs(gap[2]) < 0.006
        closing = o["grip_asked"][0] > 0.0 and hypot(gap[0], gap[1]) < 0.012 and abs(gap[2]) < 0.01
        if there or closing:
            return gap * 3.0, 0.0, 1.0
        return self._descend(gap, yaw, 0.0), yaw, READY

    def _sort(self, o: Values) -> tuple[Vector, float, float]:
        if o["holding"][0] > 0.5:
            gap, yaw = o["bin_gap"], float(o["bin_yaw"][0])
            over = hypot(gap[0], gap[1]) < 0.03 and abs(gap[2]) < 0.03
            return self._towards(gap), yaw, -1.0 if over else 1.0
        gap, yaw = o["part_gap"], float(o["part_yaw"][0])
        if o["part_offered"][0] < 0.5:
            return self._towards(gap), yaw, -1.0
        belt = np.array([0.0, float(o["part_speed"][0]), 0.0])
        velocity = self._descend(gap, 0.0, -0.002) + belt
        close = hypot(gap[0], gap[1]) < 0.012 and abs(gap[2]) < 0.012
        return velocity, yaw, 1.0 if close else -1.0

    def _descend(self, gap: Vector, yaw: float, press: float) -> Vector:
        """Over the goal first, then straight down: the height follows a funnel around the axis."""
        off = hypot(gap[0], gap[1]) + 0.05 * max(0.0, abs(yaw) - 0.04)
        above = min(CLEAR, max(0.0, off - NEAR) * FUNNEL)
        return self._towards(gap + (0.0, 0.0, above + press))

    def _towards(self, gap: Vector) -> Vector:
        """Velocity (3,) m/s to close a gap: fast, braking in time, sideways only when clear."""
        rise = float(gap[2])
        free = 1.0 if rise < 0.03 else max(0.0, 1.0 - (rise - 0.03) / 0.04)
        flat = self._speed(hypot(gap[0], gap[1])) * free
        across = np.array([gap[0], gap[1]]) / max(1e-9, hypot(gap[0], gap[1]))
        up = self._speed(rise) if rise > 0 else -self._speed(-rise, SINKING, SINK_GAIN)
        return np.array([flat * across[0], flat * across[1], up])

    def _speed(self, distance: float, braking: float = BRAKING, gain: float = GAIN) -> float:
        return min(self.tcp_speed, gain * distance, sqrt(2.0 * braking * distance))
