"""A runner who homes in on the robot at the model's bound meets no robot that moves.

No physics: the arm is its own controller and kinematics, the body seventeen capsules that translate
as a whole, straight at the nearest capsule of the robot, through table and robot alike. In between
are the sensors with their delay and noise, the layer, and the referee.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from typing import Any

import numpy as np
import pytest

from genba.agents.adversaries import nearest
from genba.safety import PROFILES, SafetyLayer
from genba.sim.gait import body
from genba.sim.kinematics import chain_of
from genba.sim.motion import Follower
from genba.sim.referee import Referee, RefereeConfig
from genba.sim.sensors import SensorConfig, Sensors
from genba.sim.separation import closest
from genba.sim.state import Array, EventKind, Person, RobotState, State

TICK, CONTROL = 1.0 / 120.0, 6
BOUND = 1.6  # m/s, v_h
# S_p at 1.7 m/s is 3.7 m for a Panda (C), and it reaches 0.9 m: a runner may not appear nearer
AWAY, LEFT, RUN = 5.5, 60, 440  # m at which a run begins; ticks without and with the runner
MOVING = 0.05  # m/s


def standing(height=1.75):
    rows = np.zeros((17, 7))
    rows[:, :6] = body()[0][0].reshape(17, 6) * height
    rows[:, 6] = body()[0][1, :17] * height
    rows[:, [2, 5]] -= 0.75
    return rows


class Cell:
    """An arm without physics that drives at whoever runs at it, as fast as it is let."""

    def __init__(self, robot, safety, seed, gripper="parallel"):
        self.rng = np.random.default_rng(seed)
        self.chain, self.time = chain_of(robot, gripper), 0.0
        self.follower = Follower(self.chain.robot, TICK)
        self.layer = SafetyLayer(safety, {"robot": self.chain}, TICK)
        self.sensors = Sensors(SensorConfig(), np.random.default_rng(seed + 1))
        harm = RefereeConfig(deceleration=self.chain.robot.deceleration)
        self.referee = Referee({"robot": self.chain.effective_mass()}, harm)
        self.q: Array = self.chain.robot.home
        self.dq: Array = np.zeros(7)
        self.person: Any = None
        self.velocity, self.events = np.zeros(3), []
        self.moving = 0  # ticks with a runner in which the robot moved
        self.look()

    def look(self):
        tcp, velocity, capsules, speeds = self.chain.state(self.q, self.dq)
        robot = RobotState(self.q, self.dq, tcp, velocity, capsules, speeds, 0.0, False)
        people = {}
        if self.person is not None:
            rows = np.tile(self.velocity, (17, 2))
            people["ann"] = Person("visitor", "attacking", self.person, rows)
        self.state = State(self.time, {"robot": robot}, people)

    def run_at(self, speed):
        """One tick of the runner's way."""
        robot = self.state.robots["robot"].capsules
        _, i, j = nearest(robot, self.person)
        way = -np.array([*closest(robot[i], self.person[j])][3:])
        self.velocity = speed * way
        self.person = self.person.copy()
        self.person[:, :6] += np.tile(self.velocity * TICK, 2)

    def drive(self):
        """An action (7,), shares of the joints' top speeds: at whoever is there, or anywhere."""
        if self.person is None:
            return self.rng.uniform(-1.0, 1.0, 7)
        robot = self.state.robots["robot"].capsules
        _, i, j = nearest(robot, self.person)
        _, s, _, *way = closest(robot[i], self.person[j])
        rows = [self.chain.state(self.q, one)[3][i] for one in np.eye(7)]
        gains = np.array([((1 - s) * row[:3] + s * row[3:]) @ np.array(way) for row in rows])
        return np.sign(gains) * self.rng.choice([1.0, 0.3])

    def tick(self, asked):
        measured = self.sensors.measure(self.state)
        rates, action = asked * self.chain.robot.dq_max, np.append(asked, -1.0)
        command = self.chain.command(measured.robots["robot"].q, rates, -1.0, action)
        decision = self.layer.filter(measured, command)
        self.q, self.dq = self.follower.follow(decision.command.dq)
        self.time += TICK
        self.moving += bool(self.person is not None and np.abs(self.dq).max() > 0.1)
        if self.person is not None:
            self.run_at(BOUND)
        self.look()
        self.events += self.referee.watch(self.state, TICK)

    def attack(self):
        """Nobody for a while, then one run until it has reached the robot and stayed a moment."""
        self.person, asked = None, np.zeros(7)
        if self.layer.latched:  # as at a joint's limit: jogged home and reset
            self.q, self.dq = self.chain.robot.home, np.zeros(7)
            self.follower.reset(self.q)
            self.look()
            self.tick(np.zeros(7))
            assert self.layer.reset(self.time)
        for k in range(LEFT + RUN):
            if k == LEFT:
                around = self.rng.uniform(-np.pi, np.pi)
                at = AWAY * np.array([np.cos(around), np.sin(around)])
                self.person = standing()
                self.person[:, [0, 1, 3, 4]] += np.tile(at, 2)
            if k % CONTROL == 0:
                asked = self.drive()
            self.tick(asked)


def harm(robot, safety, runs, seed=0):
    """Events of harm by a robot that moves in so many runs at it, and seconds of its moving."""
    cell = Cell(robot, safety, seed)
    for _ in range(runs):
        cell.attack()
    cell.person = None
    cell.look()
    events = [*cell.events, *cell.referee.watch(cell.state, TICK)]
    moving = [e for e in events if e.kind is EventKind.CONTACT and e.data["robot_speed"] >= MOVING]
    breaches = [e for e in events if e.kind is EventKind.BREACH]
    return [*breaches, *moving], cell.moving * TICK


@pytest.mark.parametrize("robot", ["panda", "iiwa"])
@pytest.mark.parametrize("profile", [p for p in ("ssm_iso", "ssm_reach") if p in PROFILES])
def test_a_homing_runner_meets_no_robot_that_moves(profile, robot):
    events, seconds = harm(robot, profile, runs=6)
    if profile == "ssm_reach":  # S* is of the least deceleration anywhere, not of the path's own
        events = [e for e in events if e.kind is not EventKind.BREACH]
    assert not events and seconds > 1.0


def test_the_same_runner_meets_an_unprotected_robot_in_motion():
    assert len(harm("panda", "unprotected", runs=4)[0]) >= 4
