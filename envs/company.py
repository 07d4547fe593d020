"""The people as a cell's policy sees them, and where they walk, stand and reach."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numba import njit

from genba.safety import standards
from genba.scenarios import Scenario
from genba.sim.people import PeopleConfig
from genba.sim.separation import closest
from genba.sim.state import Array, State

FAR = 3.0  # m, the separation told when nobody is nearer
FIELDS: Mapping[str, int] = {"person_gap": 3, "separation": 1, "safety_scale": 1}


def fields(scenario: Scenario) -> Mapping[str, int]:
    """What is observed of people: nothing where none come."""
    return FIELDS if scenario.people.visits_per_hour > 0 else {}


def people_config(scenario: Scenario) -> PeopleConfig:
    """The scenario's people as the choreography takes them."""
    return PeopleConfig(
        scenario.people.visits_per_hour, {str(k): v for k, v in scenario.people.behaviours.items()}
    )


def protective(speed: float) -> float:
    """S_p (m) at a TCP speed with the layer's defaults: the line that reports draw."""
    delay = standards.REACTION_TIME + standards.SENSOR_DELAY
    return standards.iso_separation(
        speed, speed, delay, standards.DECELERATION, standards.Z_D + standards.Z_R
    )


def view(measured: State, robot: str, scale: float) -> list[float]:
    """Gap (3) m from the TCP to the nearest body capsule, separation m, scale of the layer."""
    me = measured.robots[robot]
    nearest = np.array([0.0, 0.0, 0.0, FAR])
    nearest[0] = FAR
    for person in measured.people.values():
        seen = _view(me.tcp, me.capsules, person.capsules)
        if seen[3] < nearest[3]:
            nearest = seen
    return [*nearest.tolist(), scale]


@njit(cache=True)
def _view(tcp: Array, robot: Array, body: Array) -> Array:
    out = np.zeros(4)
    point = np.zeros(7)
    point[0:3] = tcp[0:3]
    point[3:6] = tcp[0:3]
    best = 1e9
    least = 1e9
    for j in range(body.shape[0]):
        d, _, _, nx, ny, nz = closest(point, body[j])
        if d < best:
            best = d
            out[0], out[1], out[2] = nx * d, ny * d, nz * d
        for i in range(robot.shape[0]):
            least = min(least, closest(robot[i], body[j])[0])
    out[3] = least
    return out
