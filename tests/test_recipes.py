"""The recipes of CONTRIBUTING.md, each tried through the public API from outside the package."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest

import genba.envs as envs
from genba import bench, safety, scenarios
from genba.agents import ADVERSARIES, AGENTS, AgentError, make
from genba.agents.adversaries import Wander
from genba.agents.role import Action, Observation
from genba.envs.kitting import Kitting, KittingSettings
from genba.safety import PASS, RULES, Parameters, Verdict
from genba.sim.faults import FAULTS, What
from genba.sim.kinematics import chain_of
from genba.sim.robots import ROBOTS
from genba.sim.state import Command, EventKind, State
from genba.trial import plan


@pytest.fixture(autouse=True)
def catalogues_as_they_were():
    kept = [(c, dict(c)) for c in (envs.CELLS, RULES, ROBOTS, AGENTS, ADVERSARIES)]
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
    asked = bench.plan(suite, [scenarios.load("kitting_alone"), mine], [], 1, 1)
    assert [name for name, _ in asked.agents] == ["idle", "random", "scripted"]
    (line,) = asked.left_out
    assert line.startswith("trained does not play half_alone: trained: no policy ships")
    assert bench.plan(suite, [scenarios.load("kitting_alone")], [], 1, 1).left_out == ()
    with pytest.raises(AgentError, match="no policy ships"):  # who asks for it is told
        bench.plan(suite, [mine], ["trained"], 1, 1)


def test_a_robot_of_ones_own(tmp_path):
    panda, file = ROBOTS["panda"], tmp_path / "slow_parallel.urdf"
    text = panda.urdfs["parallel"].read_text(encoding="utf-8")
    joint = re.search(r'<joint name="tool_joint".*?xyz="0 0 (\S+)"', text, re.S)
    assert joint is not None
    longer = float(joint[1]) + 0.02  # m, the TCP of a hand of one's own
    file.write_text(text[: joint.start(1)] + str(longer) + text[joint.end(1) :], encoding="utf-8")
    slow = dataclasses.replace(
        panda, name="slow", urdfs={"parallel": file}, dq_max=panda.dq_max / 4
    )
    ROBOTS["slow"] = slow
    env = envs.make("kitting_alone", overrides=["robot=slow"])
    agent = make("scripted", env)
    observation, _ = env.reset(seed=1)
    tools = [
        chain_of(name, "parallel").state(panda.home, np.zeros(7))[0][2]
        for name in ("panda", "slow")
    ]
    assert tools[0] - tools[1] == pytest.approx(0.02, abs=1e-6)
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


def test_an_adversary_of_ones_own_is_tried_by_the_trial(monkeypatch):
    ADVERSARIES["mine"] = Wander
    monkeypatch.setattr(plan, "DRIVERS", (*plan.DRIVERS, ("mine", "twist")))
    hours = len(plan.cells()) * len(plan.DRIVERS) * plan.SECONDS / 3600.0
    jobs = [job for job in plan.adversaries(["ssm_iso"], hours, 0) if job.agent == "mine"]
    assert {(job.scenario.cell, job.scenario.robot) for job in jobs} == set(plan.cells())
    env = envs.make(jobs[0].scenario)
    steps(env, make("mine", env), seconds=1.0)
    env.close()


def test_every_fault_has_its_line_its_place_and_its_row():
    root = Path(__file__).parents[1]
    page = (root / "docs" / "faults.md").read_text(encoding="utf-8")
    table = page.partition("| `what` | what happens |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \|([^|]*)\|", table, re.M))
    assert set(rows) == {what.value for what in What} == {what.value for what in FAULTS}
    code = "".join(
        (root / p).read_text("utf-8") for p in ("sim/disturbed.py", "envs/disturbance.py")
    )
    for what, kind in FAULTS.items():
        assert re.search(rf"What\.{what.name}\b", code), f"{what.value} does nothing"
        assert (
            f"({kind.default:g})" in rows[what.value] if kind.unit else "(" not in rows[what.value]
        )
        assert ("served" in rows[what.value]) == kind.served
