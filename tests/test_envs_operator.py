"""The operator comes when the cell calls, takes the time it takes, and leaves events behind."""

import numpy as np
import pytest

import genba.envs as envs
from genba.agents import make
from genba.envs.operator import Desk, calls_for
from genba.scenarios import Operator
from genba.sim.people import Workplace
from genba.sim.state import Event, EventKind

WORK = (0.45, 0.0, 0.1)
KINDS = EventKind


def desk(seed=0, **settings):
    return Desk(Operator(**settings), np.random.default_rng(seed), Workplace())


def call(cause):
    event = Event(0.0, KINDS.PART_DROPPED, "part-1", {"where": "table"})
    calls = {
        "dropped_part": lambda: calls_for([event], False, None, False),
        "protective_stop": lambda: calls_for([], True, "joint_limits", False),
        "emergency_stop": lambda: calls_for([], True, "emergency_stop", False),
        "cycle_overtime": lambda: calls_for([], False, None, True),
    }
    (one,) = calls[cause]()
    assert one.cause == cause
    return one


def served(seed, cause):
    """(notice, seconds at work) of a call."""
    d = desk(seed)
    d.call(100.0, call(cause), WORK)
    arrived = d.arrive()
    done = d.finish(d.until)
    assert done.data["labour"] == pytest.approx(arrived.data["way"] + done.data["service"])
    assert arrived.time == pytest.approx(100.0 + arrived.data["notice"] + arrived.data["way"])
    return arrived.data["notice"], done.data["service"]


def test_notice_and_service_times_follow_their_laws():
    drawn = np.array([served(seed, "dropped_part") for seed in range(300)])
    assert 5.0 <= drawn[:, 0].min() and drawn[:, 0].max() <= 20.0
    assert drawn[:, 0].mean() == pytest.approx(12.5, abs=1.0)
    # 60 s of jam clearing and the walk to the reset button
    assert 58.0 < drawn[:, 1].mean() < 75.0
    resets = np.array([served(seed, "protective_stop")[1] for seed in range(300)])
    assert resets.mean() < drawn[:, 1].mean() - 15.0


def test_the_second_call_draws_the_same_whatever_the_first_was_for():
    notices = []
    for cause in ("dropped_part", "cycle_overtime"):
        d = desk(4)
        d.call(0.0, call(cause), WORK)
        d.arrive()
        d.finish(d.until)
        d.calls.clear()
        d.call(500.0, call("dropped_part"), WORK)
        notices.append(d.notice)
    assert notices[0] == notices[1]


def test_one_operator_on_the_way_sees_to_everything_and_is_asked_once():
    d = desk()
    first = d.call(0.0, call("dropped_part"), WORK)
    again = d.call(0.5, call("protective_stop"), WORK)
    assert [e.kind for e in first] == [KINDS.REQUEST] and again == []
    assert [c.cause for c in d.calls] == ["dropped_part", "protective_stop"]


def test_only_a_blow_above_the_limit_by_a_moving_robot_calls_for_help():
    def blow(ratio, speed):
        data = {"force_ratio": 3.0, "robot_force_ratio": ratio, "moving": speed >= 0.05}
        return calls_for([Event(0.0, KINDS.CONTACT, "visitor-1", data)], False, None, False)

    assert [c.cause for c in blow(1.2, 0.3)] == ["contact"]
    assert blow(0.8, 0.3) == [] and blow(1.2, 0.0) == []


def idle_cell(**overrides):
    sets = [f"{key}={value}" for key, value in {"seconds": 400, **overrides}.items()]
    return envs.make("kitting_alone", overrides=sets)


def test_the_robot_is_locked_out_while_the_clock_runs_and_the_person_is_there():
    env = idle_cell(cycle_timeout=2)
    agent = make("idle", env)
    observation, info = env.reset(seed=2)
    states, near = set(), False
    for _ in range(300):
        before = env.state.robots["robot"].q.copy(), env.time
        was_locked = info["state"] in ("waiting", "serving")
        observation, _, _, _, info = env.step(agent.act(observation))
        states.add(info["state"])
        if was_locked and info["state"] in ("waiting", "serving"):
            np.testing.assert_array_equal(before[0], env.state.robots["robot"].q)
            assert env.time - before[1] <= 1.0 + 1e-9
        if info["state"] == "serving" and "operator" in env.state.people:
            body = env.state.people["operator"].capsules
            near |= bool(np.linalg.norm(body[:, :2] - [0.45, 0.0], axis=1).min() < 1.0)
        if any(e.kind is KINDS.SERVICE_DONE for e in env.events):
            break
    assert {"idle", "waiting", "serving"} <= states
    assert near, "the operator is seen where the work is"
    env.close()


def test_the_cell_works_again_after_a_dropped_part():
    env = idle_cell()
    agent = make("scripted", env)
    observation, _ = env.reset(seed=3)
    while env.task.hands.held is None:
        observation = env.step(agent.act(observation))[0]
    part = env.task.hands.held
    env.world.set_grip(-1.0)
    env.world.place(part, np.array([0.75, 0.6, 0.1, 0.0, 0.0, 0.0, 1.0]))  # it flew off
    for _ in range(600):
        observation = env.step(agent.act(observation))[0]
    kinds = [e.kind for e in env.events]
    drop = kinds.index(KINDS.PART_DROPPED)
    assert env.events[drop].subject == part and env.events[drop].data["where"] == "table"
    assert KINDS.REQUEST in kinds[drop:] and KINDS.SERVICE_DONE in kinds[drop:]
    after = kinds[kinds.index(KINDS.SERVICE_DONE) :]
    assert sum(k is KINDS.PART_FINISHED for k in after) >= 3
    env.close()


def test_an_emergency_stop_latches_until_a_person_resets_it():
    env = idle_cell()
    agent = make("scripted", env)
    observation, _ = env.reset(seed=3)
    for _ in range(20):
        observation = env.step(agent.act(observation))[0]
    env.machines["emergency_stop"] = True
    for _ in range(400):
        observation = env.step(agent.act(observation))[0]
    stop = next(e for e in env.events if e.kind is KINDS.STOP)
    assert (stop.subject, stop.data["category"], stop.data["latch"]) == ("emergency_stop", 1, True)
    request = next(e for e in env.events if e.kind is KINDS.REQUEST)
    assert (request.data["cause"], request.data["initiator"]) == ("emergency_stop", "person")
    reset = next(e for e in env.events if e.kind is KINDS.RESET)
    done = next(e for e in env.events if e.kind is KINDS.SERVICE_DONE)
    assert reset.data["by"] == "manual" and abs(done.time - reset.time) < 0.1
    assert any(e.kind is KINDS.PART_FINISHED and e.time > done.time for e in env.events)
    env.close()


def test_people_are_the_same_whatever_the_agent_does():
    def visitors(agent_name):
        env = envs.make("kitting_shared", overrides=["seconds=90", "people.visits_per_hour=300"])
        agent = make(agent_name, env)
        observation, info = env.reset(seed=8)
        done = False
        while not done:
            observation, _, _, done, info = env.step(agent.act(observation))
        came = [
            (e.subject, e.data["behaviour"])
            for e in env.events
            if e.kind is KINDS.PERSON_ENTERED and e.data["role"] == "visitor"
        ]
        env.close()
        return came

    assert len(visitors("idle")) >= 3
    assert visitors("idle") == visitors("scripted")


def test_a_stopped_robot_that_is_pushed_does_not_spring_back():
    """Somebody leans on it for half a second and lets go: it stays where it was pushed to."""
    env = idle_cell()
    agent = make("scripted", env)
    observation, _ = env.reset(seed=3)
    for _ in range(20):
        observation = env.step(agent.act(observation))[0]
    env.machines["emergency_stop"] = True
    asked = env.arm.hold()
    for _ in range(60):
        env._tick(asked)
    step, before = env.physics, env.state.robots["robot"].tcp[:3].copy()

    def leaned_on(ticks=1):
        for _ in range(ticks):
            env.world.push(7, env.state.robots["robot"].tcp[:3], np.array([0.0, 120.0, 0.0]))
            step()

    env.physics = leaned_on
    for _ in range(60):
        env._tick(asked)
    env.physics = step
    pushed = env.state.robots["robot"].tcp[:3]
    assert np.linalg.norm(pushed - before) > 0.02
    fastest = 0.0
    for tick in range(60):
        env._tick(asked)
        speed = float(np.linalg.norm(env.state.robots["robot"].tcp_velocity[:3]))
        fastest = max(fastest, speed) if tick > 2 else fastest  # the push itself dies out
    assert fastest < 0.05
    env.close()


def test_a_service_that_lasts_far_beyond_the_episode_is_not_drawn_to_its_end():
    d = Desk(
        Operator.model_validate({"local_reset": {"mean": 604800, "cv": 0.0}}),
        np.random.default_rng(0), Workplace(), end=20.0,
    )  # fmt: skip
    d.call(5.0, call("protective_stop"), WORK)
    d.arrive()
    assert 20.0 < d.until < 200.0
