"""The factory cell as a Gymnasium environment: the only `gym.Env` and the only `step` there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import gymnasium as gym
import numpy as np
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils import EzPickle
from numpy.typing import NDArray

from genba.envs import company
from genba.envs.arm import Arm, still
from genba.envs.catalogue import build_layer, build_task
from genba.envs.diary import Diary, condition, recording
from genba.envs.disturbance import OBSERVED, disturbance_of
from genba.envs.instruments import Instruments, tickets
from genba.envs.operator import FREED, Desk, calls_for
from genba.envs.task import parts_of
from genba.safety import fingerprint
from genba.scenarios import Scenario
from genba.sim.render import Renderer
from genba.sim.state import Array, Event, Part, State
from genba.sim.world import World

CONTROL_HZ = 20
TICKS = 6  # safety ticks a control step: 120 Hz
SUBSTEPS = 2  # physics ticks a safety tick: 240 Hz
PERIOD = 1.0 / CONTROL_HZ  # s
TICK = PERIOD / TICKS  # s
TOUCH = 0.15  # m of separation below which a touch within the tick is possible
LOCKED_STEP = 1.0  # s that pass in a step while the cell waits for a person: no physics runs
ROBOT = "robot"  # the arm's name in states and in the layer
_new = tuple.__new__  # a named tuple without the call in Python of its own constructor

Observation = NDArray[np.float32]
Picture = NDArray[np.uint8]
Stepped = tuple[Observation, float, bool, bool, dict[str, Any]]


class CellEnv(gym.Env[Observation, NDArray[np.float32]], EzPickle):
    """A robot cell with people, a safety layer and an operator. A copy of one is new, unplayed.

    Action: seven numbers in [-1, 1] (TCP velocity x y z, TCP turning x y z, grip), or with
    `action: joint_velocity` one a joint and the grip. A positive grip closes, a negative one opens
    to that share. Observation: `fields` names its parts and their lengths, in order.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": CONTROL_HZ}

    def __init__(self, scenario: Scenario, render_mode: str | None = None) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode: expected rgb_array or None, got {render_mode!r}")
        EzPickle.__init__(self, scenario, render_mode)
        self.scenario, self.render_mode = scenario, render_mode
        self.task = build_task(scenario)
        self.world = World(self.task.layout())
        try:
            self._furnish(scenario)
        except BaseException:  # whose traceback may be kept, and this world with it
            self.world.close()
            raise

    def _furnish(self, scenario: Scenario) -> None:
        """Everything about the physics: robot, layer, instruments, referee and spaces."""
        self.arm = Arm(self.world, scenario, TICK)
        self.layer = build_layer(scenario, {ROBOT: self.arm.chain}, TICK)
        self.instruments = Instruments(self.layer, self.world, fingerprint(scenario.safety))
        self.machines = self.instruments.machines
        self.sensing = company.sensing(scenario, self.instruments)
        self.referee = company.referee(ROBOT, self.arm.chain, self.world.robot)
        self.diary = Diary(scenario)
        self.fields = {**self.arm.fields, **self.task.fields, **company.fields(scenario)}
        self._size = size = sum(self.fields.values())
        start = sum(self.arm.fields.values())
        self._task = slice(start, start + sum(self.task.fields.values()))  # in an observation
        self.observation_space = gym.spaces.Box(-OBSERVED, OBSERVED, (size,), np.float32)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (self.arm.actions,), np.float32)
        self._renderer: Renderer | None = None
        self._begun = False
        # bound once: they run 120 and 240 times a simulated second, and `genba speed` times them
        self.filter, self.physics = self.layer.filter, self.world.step

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; the same seed starts the same one, whatever was played before."""
        if self.world.client < 0:
            self._refuse()
        super().reset(seed=seed)
        parts, people, sensors, operator, faults = self.np_random.spawn(5)
        s, self.time = self.scenario, 0.0
        self.task.reset(self.world, parts)
        self.arm.reset()
        self.layer.start()
        self.disturbance = disturbance_of(s, faults, self.arm, self.instruments)
        self.sensors = company.sensors(self.sensing, sensors, self.disturbance)
        self.referee.reset()
        self.crew = company.crew(s, people, self.task.workplace, TICK)
        self.desk = Desk(s.operator, operator, self.task.workplace, s.seconds, self.crew)
        self.machines = self.instruments.reset()
        self._parts: dict[str, Part] = parts_of(self.task, self.world, {})
        self.state = self._look()
        self.measured = self.sensors.measure(self.state)
        self.diary = Diary(s)
        state = self._condition(still(self.state.robots[ROBOT]))
        self.diary.open([*self.layer.rules], PERIOD, state)
        self._begun = True
        return self._observe(), {"time": 0.0, "cost": 0.0, "state": self.diary.state}

    def step(self, action: NDArray[Any]) -> Stepped:
        """One control step of 0.05 s, or up to a second of waiting while a person is called."""
        if not self._begun:
            self._refuse()
        since = self.time
        recording(self.layer, self.machines)
        self.desk.lock(since)
        falling = self.task.hands.falling(since)  # what is in the air comes down first
        if locked := (self.desk.busy and still(self.state.robots[ROBOT]) and not falling):
            new = self._wait()
        else:
            asked = self.arm.hold() if self.desk.busy else self.arm.hear(action)
            end, tick = self.scenario.seconds, self._tick
            new = [event for _ in range(TICKS) if self.time < end for event in tick(asked)]
            self.arm.feel()
            new += self.task.advance(self.world, self.state.robots[ROBOT], self.time)
        new += self._respond(new, locked)
        done = self.time >= self.scenario.seconds - 1e-9
        self.instruments.read(new, self.time, self.arm)
        # before the last step closes what is open; a robot that is locked out harms nobody, and
        # earns nothing: it is the operator who works
        cost = float(self.referee.harming and not locked)
        new = self._write(new, since, done)
        terms = self.task.reward(self.state.robots[ROBOT], () if locked else new)
        info = {"time": self.time, "cost": cost, "state": self.diary.state, "reward_terms": terms}
        return self._observe(), float(sum(terms.values())), False, done, info

    def _tick(self, asked: Array) -> Sequence[Event]:
        """One safety tick: measure, command, filter, move, and see who was harmed."""
        measured = self.measured = self.sensors.measure(self.state)
        if self.disturbance is None:
            decision = self.filter(measured, self.arm.command(measured.robots[ROBOT], asked))
        else:
            decision = self.disturbance.decide(self.filter, measured, asked, ROBOT)
        self.arm.carry_out(decision.command, decision.category)
        if self.referee.separation < TOUCH:
            self._pushed()
        else:
            self.physics(SUBSTEPS)
        self.time = min(self.time + TICK, self.scenario.seconds)
        self.state = self._look()
        harm = self.referee.watch(self.state, TICK)
        return (*decision.events, *harm) if decision.events or harm else ()

    def _pushed(self) -> None:
        """The physics of a tick while bodies that are touched resist the robot."""
        links, forces = self.arm.chain.capsule_links, self.referee.penalty(self.state)
        self.instruments.push(forces)
        for _ in range(SUBSTEPS):
            for capsule, point, force in forces:
                self.world.push(links[capsule], point, force)
            self.physics()

    def _wait(self) -> list[Event]:
        """The robot is locked out: only the clock and the people move."""
        # one who came to a robot that ran on has waited until it stood
        self.desk.until = max(self.desk.until, self.time)
        self.time = min(self.time + LOCKED_STEP, self.desk.until, self.scenario.seconds)
        new = company.seen(self.referee, self.crew, self.state, self.time, TICK)
        if self.time >= self.desk.until:
            new += [self.desk.arrive()] if self.desk.phase == "coming" else self._release()
        self.state = self._look()
        self.measured = self.sensors.measure(self.state)
        return new

    def _release(self) -> list[Event]:
        """The operator has done what was asked, steps out and resets the cell."""
        jogged = any(call.cause in FREED for call in self.desk.calls)
        new = self.referee.close(self.time) if jogged else []  # that is no way through people
        worst = self.referee.worst
        for call in self.desk.calls:
            freed = call.cause in FREED
            cause = "cycle_overtime" if freed else call.cause
            new += self.task.help(self.world, cause, call.part, self.time)
            if freed:
                self.arm.go_home()
        self.desk.calls.clear()
        self.instruments.served()
        recording(self.layer, self.machines, mended=True)
        if self.disturbance is not None:
            self.disturbance.faults.serve(self.time)
        self.layer.skip()
        self.state = self._look()
        new += self._tick(self.arm.hold())
        self.referee.worst = worst  # at a robot that is locked out nobody has a close call
        missed = company.overlooked(self.state, self.measured)
        reset = () if missed else self.layer.reset(self.time)
        if missed or self.layer.latched:
            self.desk.stay()
            return new
        return [*new, *reset, self.desk.finish(self.time)]

    def _respond(self, new: Sequence[Event], locked: bool) -> list[Event]:
        """Call the operator for what latched, jammed, fell or hit somebody."""
        overtime = not (locked or self.desk.busy) and self.diary.overtime()
        latched = not locked and bool(self.layer.latched)  # else the operator is here for it
        if not (new or latched or overtime):
            return []
        events = tickets(new)
        for call in calls_for(new, latched, self.layer.stopped_by, overtime):
            if call.cause == "contact":
                self.machines["emergency_stop"] = True
            if call not in self.desk.calls:
                events += self.desk.call(self.time, call, self.task.work_point(call.part))
        return events

    def _condition(self, standing: bool) -> str:
        """The state of the cell, as docs/events.md lists them."""
        idle = self.diary.idle(self.time)
        return condition(self.desk, self.layer, self.task.condition(), standing, idle)

    def _write(self, new: Sequence[Event], since: float, done: bool) -> list[Event]:
        """Everything of this step into the diary."""
        self._parts = parts_of(self.task, self.world, self._parts)
        self.state = state = self.state._replace(parts=self._parts)
        robot, diary = state.robots[ROBOT], self.diary
        if not (standing := still(robot)):
            diary.moved = self.time
        if done:
            new = [*new, *self.referee.close(self.time)]
        written = diary.write(new, self.time, self.time - since, state.people)
        diary.enter(self.time, self._condition(standing))
        diary.watch(self.referee.worst, state)
        if state.people and not self.desk.busy:
            now = self.referee.separation, self.layer.scale, self.world.robot.deceleration
            diary.trace.append(company.trace_row(state, robot, *now))
        if done:
            diary.close(self.time)
        return written

    def _look(self) -> State:
        """The truth now."""
        now, robots = self.time, {ROBOT: self.instruments.feel(self.arm.state())}
        return _new(State, (now, robots, self.crew.at(now), self._parts, self.machines, 0.0))

    def _observe(self) -> Observation:
        """`fields`, in order, from what is measured."""
        robot, seen = self.measured.robots[ROBOT], np.empty(self._size, dtype=np.float32)
        self.arm.observe(robot, seen)
        seen[self._task] = self.task.observe(robot)
        if self._task.stop < self._size:
            company.view(self.measured, ROBOT, self.layer.scale, seen[self._task.stop :])
        return seen if self.disturbance is None else self.disturbance.blur(seen)

    @property
    def events(self) -> list[Event]:
        """All events of the episode so far, in order of time."""
        return self.diary.events

    @property
    def trace(self) -> Array:
        """(k, 5) while people are about: time s, separation m, S_p m, TCP speed m/s, scale."""
        return self.diary.trace_array()

    @property
    def worst(self) -> dict[str, float] | None:
        """Time s, margin d - S* m and separation m of the episode's worst moment, if any."""
        return self.diary.worst_moment()

    def worst_image(self) -> Picture | None:
        """(h, w, 3) uint8 of the cell at its worst moment, None if nobody came."""
        return None if self.diary.worst is None else self.picture(self.diary.worst[1])

    def picture(self, state: State | None = None, size: tuple[int, int] = (640, 480)) -> Picture:
        """(h, w, 3) uint8 of the cell now, or as it was in `state`."""
        if not self._begun:
            self._refuse()
        if self._renderer is None:
            self._renderer = Renderer(self.task.layout(), wide=bool(company.fields(self.scenario)))
        return self._renderer.image(self.state if state is None else state, size)

    def render(self) -> Picture | None:
        """(h, w, 3) uint8 where `render_mode` is rgb_array."""
        return self.picture() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Give the physics clients back."""
        self._begun = False
        self.world.close()
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _refuse(self) -> NoReturn:
        """Whoever asks for a step or a picture of what is closed, or was never reset."""
        if self.world.client < 0:
            raise ClosedEnvironmentError("the environment is closed; make another one")
        raise ResetNeeded("call reset() first")
