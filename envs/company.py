"""The people of an episode: who comes, how they are sensed and seen, who judges their harm."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot, inf

import numpy as np
from numba import njit
from numpy.typing import NDArray

from genba.envs.disturbance import Disturbance
from genba.envs.instruments import Instruments
from genba.safety import standards
from genba.scenarios import Scenario
from genba.sim.disturbed import DisturbedSensors
from genba.sim.kinematics import Chain
from genba.sim.people import Crew, PeopleConfig, Workplace, draw_visits
from genba.sim.referee import Referee, RefereeConfig
from genba.sim.robots import Robot
from genba.sim.sensors import SensorConfig, Sensors
from genba.sim.separation import closest, least
from genba.sim.state import Array, Event, RobotState, State

FAR = 3.0  # m, the separation told when nobody is nearer
FIELDS: Mapping[str, int] = {"person_gap": 3, "separation": 1, "safety_scale": 1}
_NOBODY = np.array([FAR, 0.0, 0.0, FAR, 1.0], dtype=np.float32)  # what they are then


def fields(scenario: Scenario) -> Mapping[str, int]:
    """What is observed of people: nothing where none come."""
    return FIELDS if scenario.people.visits_per_hour > 0 else {}


def sensing(scenario: Scenario, instruments: Instruments) -> SensorConfig:
    """The scenario's sensors; what no rule asks for is not measured."""
    declared = scenario.sensors.model_dump()
    if not instruments.wrench:
        declared["force_noise"] = 0.0
    return SensorConfig(**declared, second_tracker=instruments.second_tracker)


def sensors(
    declared: SensorConfig, rng: np.random.Generator, disturbance: Disturbance | None
) -> Sensors | DisturbedSensors:
    """The sensors of an episode, with their faults."""
    sound = Sensors(declared, rng)
    return sound if disturbance is None else disturbance.sensors(sound)


def crew(scenario: Scenario, rng: np.random.Generator, workplace: Workplace, tick: float) -> Crew:
    """The scenario's people in one episode."""
    people = scenario.people
    shares = {str(k): v for k, v in people.behaviours.items()}
    config = PeopleConfig(people.visits_per_hour, shares, haste=people.haste)
    return Crew(draw_visits(rng, config, workplace, scenario.seconds), tick)


def referee(name: str, chain: Chain, robot: Robot) -> Referee:
    """Who measures what harm the robot does them."""
    masses, names = {name: chain.effective_mass()}, {name: chain.capsule_names}
    harm = RefereeConfig(deceleration=robot.deceleration)
    return Referee(masses, harm, names, {name: robot.ddq_max})


def seen(referee: Referee, crew: Crew, state: State, until: float, tick: float) -> list[Event]:
    """What the referee sees up to `until` (s), tick by tick, while a robot that is locked out
    stands as in `state` and only the people move.
    """
    time, worst = state.time, referee.worst
    events = referee.stand(time)
    while time < until:
        time, before = min(time + tick, until), time
        now = state._replace(time=time, people=crew.at(time))
        events += referee.watch(now, time - before)
    referee.worst = worst  # whoever leans on such a robot is no closest call
    return events


def overlooked(truth: State, measured: State) -> bool:
    """Whether the operator, who looks before the robot is released, sees somebody whom the sensors
    have lost: of who was there before it was locked out no rule knows any more.
    """
    base = next(iter(truth.robots.values())).capsules[0]
    return any(
        person.role != "operator"
        and name not in measured.people
        and hypot(*(person.capsules[0, :2] - base[:2]).tolist()) < standards.PERCEPTION_AREA
        for name, person in truth.people.items()
    )


def protective(speed: float, deceleration: float) -> float:
    """S_p (m) at a TCP speed (m/s) of a robot that brakes with `deceleration` (m/s^2), all else
    the layer's defaults: the line that reports draw.
    """
    delay = standards.REACTION_TIME + standards.SENSOR_DELAY
    return standards.iso_separation(
        speed, speed, delay, deceleration, standards.Z_D + standards.Z_R
    )


def trace_row(
    state: State, robot: RobotState, separation: float, scale: float, deceleration: float
) -> tuple[float, float, float, float, float]:
    """Time s, separation m, S_p m, TCP speed m/s, scale: what reports draw of a control step."""
    speed = hypot(*robot.tcp_velocity[:3].tolist())
    return state.time, separation, protective(speed, deceleration), speed, scale


def view(measured: State, robot: str, scale: float, out: NDArray[np.float32]) -> None:
    """Into `out` the values of FIELDS: gap (3) m from the TCP to the nearest body capsule of who is
    within FAR of the robot, separation m, scale of the layer.
    """
    out[:] = _NOBODY
    out[-1] = scale
    me, nearest = measured.robots[robot], inf
    for person in measured.people.values():
        nearest = _view(me.tcp, me.capsules, person.capsules, nearest, out)


@njit(cache=True, error_model="numpy")
def _view(tcp: Array, robot: Array, body: Array, bound: float, out: NDArray[np.float32]) -> float:
    """Set the separation where that is below its own, and the gap where it is below `bound`;
    returns the lesser gap (m).
    """
    apart = least(robot, body, out[3])
    if not apart < FAR:
        return bound
    if apart < out[3]:
        out[3] = apart
    point = np.zeros(7)
    point[0:3] = tcp[0:3]
    point[3:6] = tcp[0:3]
    for j in range(body.shape[0]):
        d, _, _, nx, ny, nz = closest(point, body[j])
        if d < bound:
            bound = d
            out[0], out[1], out[2] = nx * d, ny * d, nz * d
    return bound
