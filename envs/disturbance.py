"""Carries out what goes wrong between the policy, the layer and the robot (sim/faults.py)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genba.envs.arm import Arm
from genba.envs.instruments import Instruments
from genba.safety import Decision
from genba.scenarios import Scenario
from genba.sim.disturbed import DisturbedSensors
from genba.sim.faults import Faults, What, schedule
from genba.sim.sensors import Sensors
from genba.sim.state import Array, Command, RobotState, State

OBSERVED = 20.0  # what every value of an observation lies within, either way
_Filter = Callable[[State, Command], Decision]


def disturbance_of(
    scenario: Scenario, rng: np.random.Generator, arm: Arm, instruments: Instruments
) -> Disturbance | None:
    """The scenario's faults for one episode, None where it has none."""
    return Disturbance(scenario, rng, arm, instruments) if scenario.faults else None


class Disturbance:
    """The faults of one episode, in the cell that asks for them."""

    def __init__(
        self, scenario: Scenario, rng: np.random.Generator, arm: Arm, instruments: Instruments
    ) -> None:
        when, people, self._view = rng.spawn(3)
        plans = [fault.plan() for fault in scenario.faults]
        self.faults = Faults(schedule(plans, when, scenario.seconds))
        self._people, self._arm, self._instruments = people, arm, instruments
        self._acting: dict[What, float] = {}
        self._heard: deque[tuple[float, Array]] = deque()  # s, and what the policy answered
        self._decided: Decision | None = None
        self._asked_for = 0  # ticks since the layer was asked
        self._dq: Array | None = None  # rad/s, of an arm that brakes badly

    def sensors(self, sensors: Sensors) -> DisturbedSensors:
        """The sensors with their faults."""
        return DisturbedSensors(sensors, self.faults, self._people)

    def blur(self, seen: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the policy sees."""
        spread = self._acting.get(What.OBSERVATION_NOISE)
        if spread is None:
            return seen
        noisy = self._view.normal(seen, spread).clip(-OBSERVED, OBSERVED)
        return noisy.astype(np.float32)

    def decide(self, ask: _Filter, measured: State, asked: Array, robot: str) -> Decision:
        """One safety tick between the policy's answer and the arm."""
        self._acting = acting = self.faults.now(measured.time)
        answer, age = self._answer(measured.time, asked)
        command = self._arm.command(measured.robots[robot], answer, age)
        decision = self._ask(ask, measured, command)
        command, category = decision.command, decision.category
        if What.GRIP_LOST in acting:
            command = command._replace(grip=-1.0)
        if What.SLOW_BRAKES in acting:
            command = self._brake(command, measured.robots[robot])
            category = 1 if category == 0 else category  # its brakes are as weak
        else:
            self._dq = None
        if What.COLLISION in acting:
            self._collide(acting[What.COLLISION], measured.robots[robot])
        return decision._replace(command=command, category=category)

    def _answer(self, time: float, asked: Array) -> tuple[Array, float]:
        """What comes of the policy's answer, and by how much it is late (s)."""
        acting, heard = self._acting, self._heard
        if not heard or heard[-1][1] is not asked:
            heard.append((time, asked))
            while len(heard) > 1 and time - heard[1][0] > 10.0:
                heard.popleft()
        if not asked[:-1].any():
            return asked, 0.0  # it holds, and is not asked
        if What.POLICY_NAN in acting:
            return np.full_like(asked, np.nan), 0.0
        if What.POLICY_OUT_OF_SPACE in acting:
            return asked * acting[What.POLICY_OUT_OF_SPACE], 0.0
        late = acting.get(What.POLICY_LATE, 0.0)
        if not late:
            return asked, 0.0
        old = [answer for since, answer in heard if since <= time - late]
        return (old[-1] if old else heard[0][1]), late

    def _ask(self, ask: _Filter, measured: State, command: Command) -> Decision:
        """A layer that is late is asked every so many ticks; meanwhile its old word stands."""
        self._asked_for += 1
        every = self._acting.get(What.LAYER_LATE, 1.0)
        if self._decided is None or self._asked_for >= every:
            self._decided, self._asked_for = ask(measured, command), 0
            return self._decided
        return self._decided._replace(events=())

    def _brake(self, command: Command, robot: RobotState) -> Command:
        """The joint speeds of an arm whose brakes are weaker than declared, along its path."""
        before = robot.dq if self._dq is None else self._dq
        if np.linalg.norm(command.dq) >= np.linalg.norm(before):
            self._dq = None
            return command
        model = self._arm.world.robot
        most = self._acting[What.SLOW_BRAKES] * model.ddq_max * self._arm.tick
        change = command.dq - before
        share = min(1.0, float((most / np.maximum(np.abs(change), 1e-9)).min()))
        self._dq = before + share * change
        return command._replace(dq=self._dq)

    def _collide(self, force: float, robot: RobotState) -> None:
        """Something pushes the tool back towards the robot's base."""
        world = self._arm.world
        push = np.array([-force, 0.0, 0.0])
        # a push lasts one physics tick of the two in a safety tick
        world.push(world.robot.tool_link, robot.tcp[:3], 2.0 * push)
        self._instruments.pushed = self._instruments.pushed + push
