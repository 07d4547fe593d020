"""The recipes of CONTRIBUTING.md, each tried through the public API from outside the package."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import numpy as np
import pytest

import genba.envs as envs
from genba import safety, scenarios
from genba.agents import AGENTS, AgentError, make
from genba.agents.role import Action, Observation
from genba.bench import plan
from genba.envs.kitting import Kitting, KittingSettings
from genba.safety import PASS, RULES, Parameters, Verdict
from genba.sim.robots import ROBOTS
from genba.sim.state import Command, EventKind, State


@pytest.fixture(autouse=True)
def catalogues_as_they_were():
    kept = [(c, dict(c)) for c in (envs.CELLS, RULES, ROBOTS, AGENTS)]
    yield
    for catalogue, content in kept:
        catalogue.clear()
        catalogue.update(content)


def steps(env, agent, seconds=20.0):
    observation, info = env.reset(seed=1)
    agent.reset(observation, info)
    while info["time"] < seconds:
        observation, _, _, _, info = env.step(agent.act(observation))
    return env.events


def test_a_scenario_of_ones_own(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\ncell: kitting\nseconds: 30\ntask:\n  parts: 4\n")
    env = envs.make(file)
    events = steps(env, make("scripted", env))
    assert sum(e.kind is EventKind.PART_FINISHED for e in events) >= 3
    env.close()


def test_a_cell_of_ones_own():
    class HalfKitting(Kitting):
        """A stand-in for a file of one's own: half the parts."""

        def __init__(self, robot, gripper, settings):
            super().__init__(robot, gripper, KittingSettings(parts=settings.parts // 2))

    envs.CELLS["half_kitting"] = HalfKitting
    env = envs.make(scenarios.Scenario(name="mine", cell="half_kitting", task={"parts": 8}))
    steps(env, make("scripted", env), seconds=5.0)
    assert len(env.world.in_play()) == 4
    env.close()


def test_a_benchmark_of_a_cell_of_ones_own_is_played_by_those_that_can(tmp_path):
    class HalfKitting(Kitting):
        """The same cell by another name, for which no policy was trained."""

    envs.CELLS["half_kitting"] = HalfKitting
    file = tmp_path / "half_alone.yaml"
    file.write_text("name: half_alone\ncell: half_kitting\n")
    suite, mine = scenarios.load_suite(file), scenarios.load(file)
    asked = plan(suite, [scenarios.load("kitting_alone"), mine], [], 1, 1)
    assert [name for name, _ in asked.agents] == ["idle", "random", "scripted"]
    (line,) = asked.left_out
    assert line.startswith("trained does not play half_alone: trained: no policy ships")
    assert plan(suite, [scenarios.load("kitting_alone")], [], 1, 1).left_out == ()
    with pytest.raises(AgentError, match="no policy ships"):  # who asks for it is told
        plan(suite, [mine], ["trained"], 1, 1)


def test_a_robot_of_ones_own():
    slow = dataclasses.replace(ROBOTS["panda"], name="slow", dq_max=ROBOTS["panda"].dq_max / 4)
    ROBOTS["slow"] = slow
    env = envs.make("kitting_alone", overrides=["robot=slow"])
    agent = make("scripted", env)
    observation, _ = env.reset(seed=1)
    for _ in range(60):
        observation = env.step(agent.act(observation))[0]
        assert (np.abs(env.state.robots["robot"].dq) < slow.dq_max * 1.05 + 0.01).all()
    env.close()


def test_a_safety_rule_of_ones_own():
    class NightShift:
        """Stops the robot after a time; a clause would stand here."""

        name: ClassVar[str] = "night_shift"
        clause: ClassVar[str] = "none"
        reaction: ClassVar[str] = "category 2"
        reset: ClassVar[str] = "automatic"
        order: ClassVar[str] = "task"

        class Parameters(Parameters):
            after: float = 1.0  # s

        def __init__(self, parameters: Any, robot_name: str, robot: safety.RobotModel) -> None:
            self.after = parameters.after

        def check(self, state: State, command: Command) -> Verdict:
            late = state.time > self.after
            return Verdict(0.0, 2, False, "night", state.time, self.after) if late else PASS

    RULES["night_shift"] = cast(Any, NightShift)  # its nested Parameters confuse mypy
    env = envs.make("kitting_alone", overrides=["safety={night_shift: {after: 2.0}}"])
    events = steps(env, make("scripted", env), seconds=5.0)
    stop = next(e for e in events if e.kind is EventKind.STOP)
    assert stop.subject == "night_shift" and stop.time == pytest.approx(2.0, abs=0.02)
    assert env.diary.state == "standstill"
    assert any(row["name"] == "night_shift" for row in safety.describe())
    env.close()


def test_an_agent_of_ones_own():
    class Still:
        fingerprint = "still"

        def __init__(self, env: Any) -> None:
            self.action = np.zeros(env.action_space.shape, np.float32)

        def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
            """Nothing to forget."""

        def act(self, observation: Observation) -> Action:
            return self.action

    AGENTS["still"] = Still
    env = envs.make("kitting_alone")
    events = steps(env, make("still", env), seconds=4.0)
    assert [e.data["state"] for e in events if e.kind is EventKind.STATE][-1] == "idle"
    env.close()


def test_an_agent_that_lacks_something_is_refused_in_one_line():
    AGENTS["odd"] = cast(Any, lambda env: object())
    AGENTS["made"] = cast(Any, "an instance, not its maker")
    AGENTS["bare"] = cast(Any, lambda: object())
    with pytest.raises(AgentError, match="agent odd: object has no fingerprint and no reset"):
        make("odd", None)
    for name in ("made", "bare"):
        with pytest.raises(AgentError, match=f"agent {name}: cannot be called with an env"):
            make(name, None)
