"""While the robot is locked out only the clock and the people move; the referee looks on."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from typing import Any

import numpy as np
import pytest

import genba.envs as envs
from genba import kpi
from genba.agents import make
from genba.sim.separation import least
from genba.sim.state import EventKind, Person

QUICK = {
    "safety": {}, "cycle_timeout": 2.0, "operator.notice": [1, 2],
    "operator.local_reset": {"mean": 3, "cv": 0},
}  # fmt: skip


def body(y):
    rows = [[0.35, y, z, 0.35, y, z, 0.12] for z in np.linspace(-0.7, 0.9, 17)]
    return Person("visitor", "helpful", np.array(rows), np.zeros((17, 6)))


def locked_out(place):
    """The cell after it was locked out once; somebody is at place(phase of the operator) m."""
    env: Any = envs.make("kitting_alone", overrides={**QUICK, "seconds": 60})
    env.reset(seed=1)
    crew, still, costs = env.crew.at, np.zeros(env.action_space.shape, np.float32), []
    env.crew.at = lambda t: {**crew(t), "visitor-1": body(place(env.desk.phase))}
    for _ in range(400):
        phase = env.desk.phase
        *_, info = env.step(still)
        costs.append(info["cost"])
        if phase == "working" and env.desk.phase == "free":
            break
    for _ in range(30):
        env.step(still)
    env.close()
    return env, costs


def contacts(env):
    return [e for e in env.events if e.kind is EventKind.CONTACT and e.subject == "visitor-1"]


def test_who_leans_on_a_robot_that_is_locked_out_is_seen_and_costs_the_policy_nothing():
    env, costs = locked_out(lambda phase: 0.1 if phase == "working" else 1.3)
    assert least(env.state.robots["robot"].capsules, body(0.1).capsules, 9.0) < 0.0
    found = contacts(env)
    assert found and not any(e.data["moving"] or e.data["clamped"] for e in found)
    assert not any(costs)


@pytest.mark.parametrize("answer", [np.nan, 2.0])
def test_a_policy_that_never_answers_is_idle_and_costs_an_intervention(answer):
    env: Any = envs.make("kitting_alone", overrides={"seconds": 40, "operator.notice": [1, 2]})
    _, info = env.reset(seed=1)
    states, done = {info["state"]}, False
    while not done:
        *_, done, info = env.step(np.full(7, answer))
        states.add(info["state"])
    env.close()
    figures = kpi.figures(kpi.tally(env.events, 40.0))
    assert figures["interventions"] == 1.0 and figures["standstill_share"] == 0.0
    assert {e.data["cause"] for e in env.events if e.kind is EventKind.REQUEST} == {
        "policy_failure"
    }
    assert states >= {"idle", "waiting", "serving"}


def test_who_changes_sides_during_a_lock_out_has_not_gone_through_the_robot():
    """They walk round it, here far away, while the physics does not run."""
    worked = []

    def place(phase):
        worked.extend([phase] * (phase == "working"))
        return 1.3 if not worked else 9.0 if len(worked) < 3 else -1.3

    env, _ = locked_out(place)
    assert len(worked) >= 3 and contacts(env) == []


@pytest.mark.parametrize("seconds", [7.01, 7.04])
@pytest.mark.parametrize("seed", [4, 6])
def test_what_happens_in_the_last_step_counts_though_it_lies_across_the_end(seconds, seed):
    told = {
        "safety": {}, "seconds": seconds, "people.visits_per_hour": 1200,
        "people.behaviours": {"attacking": 1},
    }  # fmt: skip
    env: Any = envs.make("kitting_shared", overrides=told)
    agent, done = make("scripted", env), False
    observation, info = env.reset(seed=seed)
    agent.reset(observation, info)
    while not done:
        observation, _, _, done, info = env.step(agent.act(observation))
    events = env.events
    env.close()
    assert max(e.time for e in events) <= seconds == info["time"] == env.state.time
    assert env.trace[:, 0].max() <= seconds
    lasted = [e for e in events if e.kind in (EventKind.BREACH, EventKind.CONTACT)]
    assert all(e.data["start"] + e.data["duration"] <= seconds + 1e-9 for e in lasted)
    figures = kpi.figures(kpi.tally(events, seconds))
    breaches = [e for e in events if e.kind is EventKind.BREACH]
    assert breaches and figures["ssm_breaches"] == len(breaches)


def test_a_reset_that_is_refused_cuts_no_contact_in_two_and_is_no_close_call():
    """The emergency stop is pressed again, and the operator tries every 5 s; somebody leans on."""
    stop = [{"what": "emergency_stop", "at": 1}]
    overrides = {**QUICK, "seconds": 40, "safety": "fence", "faults": stop}
    env: Any = envs.make("kitting_alone", overrides=overrides)
    env.reset(seed=1)
    crew, still = env.crew.at, np.zeros(env.action_space.shape, np.float32)

    def leaning(t):
        there = {"visitor-1": body(0.1)} if env.desk.phase == "working" else {}
        return {**crew(t), **there}

    env.crew.at = leaning
    done, stays, worst = False, 0, []
    while not done:
        phase, until = env.desk.phase, env.desk.until
        *_, done, _ = env.step(still)
        stays += phase == env.desk.phase == "working" and env.desk.until > until
        worst.append(env.referee.worst)
    events = [*env.events]
    env.close()
    assert stays >= 3  # the fence sees somebody inside
    assert len({one[0] for one in worst}) == 1  # nobody came but to a robot that was locked out
    touched = [e for e in events if e.kind is EventKind.CONTACT and e.subject == "visitor-1"]
    assert touched and len({(e.data["region"], e.data["link"]) for e in touched}) == len(touched)
    assert "operator" in crew(until)  # who is at the button still
