"""The operator comes when the cell calls, takes the time it takes, and leaves events behind."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import genba.envs as envs
from genba.agents import make
from genba.envs import cell, company
from genba.envs.diary import Diary
from genba.envs.operator import CALLS, FREED, Call, Desk, calls_for
from genba.kpi.interventions import STATES
from genba.safety.standards import PERCEPTION_AREA
from genba.scenarios import Operator
from genba.sim import serving
from genba.sim.people import Workplace
from genba.sim.serving import operator_visit
from genba.sim.state import Event, EventKind, Person, State

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
    # 60 s of jam clearing, the walk to the reset button among them
    assert 54.0 < drawn[:, 1].mean() < 66.0
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
    again = d.call(0.5, call("protective_stop"), WORK)  # a reset is the end of any service
    assert [e.kind for e in first] == [KINDS.REQUEST] and again == []
    assert [c.cause for c in d.calls] == ["dropped_part", "protective_stop"]


@pytest.mark.parametrize("phase", ["coming", "working"])
def test_more_work_prolongs_the_visit_and_is_asked_for_under_its_id(phase):
    """A takeover of seconds must not set right a dropped part, which takes a minute."""
    d = desk()
    d.call(0.0, Call("uncertainty", *CALLS["uncertainty"]), WORK)
    if phase == "working":
        d.arrive()
    before = d.visit
    (asked,) = d.call(1.0, call("dropped_part"), WORK)
    assert (asked.data["id"], asked.data["cause"]) == (1, "dropped_part")
    assert asked.data["notice"] == d.notice and asked.data["service"] == "jam_clear"
    if phase == "coming":
        assert d.until == before.arrived
        d.arrive()
    alone = served(0, "dropped_part")[1]
    assert d.until - before.arrived == pytest.approx(alone, abs=1.5)
    assert d.finish(d.until).data["service"] == pytest.approx(alone, abs=1.5)
    assert d.crew.at(d.visit.reset - 0.1) and not d.crew.at(d.visit.gone)


def test_an_operator_whose_reset_is_refused_stays_in_the_cell():
    d = desk()
    d.call(0.0, call("protective_stop"), WORK)
    d.arrive()
    gone = d.visit.gone
    for _ in range(4):
        d.stay()
    assert d.until == d.visit.reset and d.visit.gone == pytest.approx(gone + 20.0)
    assert "operator" in d.crew.at(gone + 1.0)
    assert d.finish(d.until).data["service"] == d.until - d.visit.arrived


def test_a_shift_of_refused_resets_takes_no_longer_than_its_steps(monkeypatch):
    """The way in and out is reckoned once, whatever the number of tries; others are there too."""
    d = desk()
    d.call(0.0, call("protective_stop"), WORK)
    d.arrive()
    made: list[Any] = []

    def replaced(visit, **changes):
        made.append(changes)
        return replace(visit, **changes)

    monkeypatch.setattr(serving, "replace", replaced)
    for k in range(5760):
        if k % 1000 == 10:
            d.crew.add(operator_visit(d.until, 9.0, 30.0, WORK, Workplace()).visit)
        d.stay()
        assert d.visit.reset == d.until
    assert sum("movements" in k for k in made) == 1
    assert len(d.visit.visit.movements) < 30
    x, y = Workplace().reset[:2]
    for t in (d.until - 4.9, d.until - 2.0, d.until):
        pelvis = d.crew.at(t)["operator"].capsules[6].reshape(-1)
        assert np.hypot(0.5 * (pelvis[0] + pelvis[3]) - x, 0.5 * (pelvis[1] + pelvis[4]) - y) < 0.05
    assert "operator" not in d.crew.at(d.visit.gone)


def test_one_operator_is_in_one_place():
    """Called again at once, and heard at once: the way out of the cell comes first."""
    d = desk(notice=(0.1, 0.1), distance=0.0)
    d.call(0.0, call("protective_stop"), WORK)
    d.arrive()
    d.finish(d.until)
    gone = d.visit.gone
    d.calls.clear()
    (asked,) = d.call(d.until, call("dropped_part"), WORK)
    assert d.visit.visit.start >= gone and d.until > gone
    arrived = d.arrive()
    assert arrived.time == pytest.approx(asked.time + arrived.data["notice"] + arrived.data["way"])


def test_the_robot_works_on_only_while_all_that_is_asked_for_can_wait():
    doubt, stop = (Call(cause, *CALLS[cause]) for cause in ("uncertainty", "protective_stop"))
    for calls, locked in [
        ([doubt], False), ([stop], True), ([doubt, doubt], False),
        ([doubt, stop], True), ([stop, doubt], True), ([doubt, stop, doubt], True),
    ]:  # fmt: skip
        d = desk()
        for one in calls:
            d.call(0.0, one, WORK)
        assert d.busy is locked, [one.cause for one in calls]


def lost(role="visitor", away=1.0, seen=False):
    """Whether the operator sees that a person `away` m from the base is not on the track."""
    body = np.full((17, 7), 0.6 * away)
    body[0, 1] = 0.8 * away
    people = {"ann": Person(role, "indifferent", body, np.zeros((17, 6)))}
    robot: Any = SimpleNamespace(capsules=np.zeros((2, 7)))
    truth = State(0.0, {"robot": robot}, people)
    return company.overlooked(truth, truth if seen else truth._replace(people={}))


def test_the_operator_sees_whom_the_sensors_have_lost():
    assert lost() and lost(away=PERCEPTION_AREA - 0.01)
    assert not lost(seen=True)
    assert not lost(away=PERCEPTION_AREA + 0.01)
    assert not lost(role="operator")  # who knows where he is himself


def seen(*places):
    """What is observed of people who are balls of 0.1 m at places (x, y, z) m: a robot from its
    base up to 1 m, its TCP 1 m out from there.
    """
    people = {
        f"p{k}": Person("visitor", "helpful", np.array([[*at, *at, 0.1]]), np.zeros((1, 6)))
        for k, at in enumerate(places)
    }
    arm: Any = SimpleNamespace(
        tcp=np.array([1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        capsules=np.array([[0.0, 0, 0, 0, 0, 1, 0.1], [0.0, 0, 1, 1, 0, 1, 0.05]]),
    )
    out = np.empty(5, dtype=np.float32)
    company.view(State(0.0, {"robot": arm}, people), "robot", 0.5, out)
    return out.tolist()


def test_the_gap_is_to_whoever_is_nearest_to_the_tool_and_the_separation_to_the_nearest_of_all():
    base, tool, far = (-0.5, 0.0, 0.0), (1.0, 0.6, 1.0), (0.0, 4.0, 0.0)
    for order in ((base, tool, far), (tool, far, base), (far, base, tool)):
        assert seen(*order) == pytest.approx([0.0, 0.5, 0.0, 0.3, 0.5], abs=1e-6)
    assert seen(tool) == pytest.approx([0.0, 0.5, 0.0, 0.45, 0.5], abs=1e-6)
    assert seen(far) == seen() == [3.0, 0.0, 0.0, 3.0, 0.5]


SHORT: Any = SimpleNamespace(cycle_timeout=5.0)


def test_the_cell_has_worked_while_it_could_have_finished_a_part_and_no_longer():
    for state in STATES:
        diary = Diary(SHORT, state=state)
        diary.write([], 6.0, 6.0, {})
        assert diary.overtime() is (state in ("producing", "slowed", "idle")), state


def test_a_part_that_is_finished_or_taken_out_and_a_service_are_progress():
    for kind in KINDS:
        diary = Diary(SHORT, state="producing")
        diary.write([], 6.0, 6.0, {})
        diary.write([Event(6.0, kind, "part-1")], 6.0, 0.0, {})
        progress = kind in (KINDS.PART_FINISHED, KINDS.PART_REJECTED, KINDS.SERVICE_DONE)
        assert diary.overtime() is not progress, kind


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


def test_whoever_is_hit_hard_presses_the_emergency_stop():
    env = idle_cell()
    for ratio, pressed in ((0.8, False), (1.2, True)):
        env.reset(seed=3)
        blow = {"moving": True, "force_ratio": 3.0, "robot_force_ratio": ratio}
        asked = env._respond([Event(0.0, KINDS.CONTACT, "visitor-1", blow)], False)
        assert env.machines["emergency_stop"] is pressed
        assert [e.data["cause"] for e in asked] == ["contact"] * pressed
        env._tick(env.arm.hold())
        assert env.layer.latched == ("emergency_stop",) * pressed
    env.close()


@pytest.mark.parametrize("stopped", [True, False])
def test_nothing_is_released_while_somebody_is_overlooked_and_it_is_tried_again(
    monkeypatch, stopped
):
    """Whatever the operator came for: sight that was lost during a lock-out latched nothing."""
    env, looked = idle_cell(), []

    def overlooked(truth, measured):
        assert truth is env.state and measured is env.measured
        looked.append(env.time)
        return len(looked) < 4

    monkeypatch.setattr(company, "overlooked", overlooked)
    agent = make("idle", env)
    observation, _ = env.reset(seed=3)
    env.machines["emergency_stop"] = stopped
    if not stopped:
        env.desk.call(0.0, Call("dropped_part", *CALLS["dropped_part"]), WORK)
    while not (kinds := {e.kind for e in env.events}) & {KINDS.SERVICE_DONE, KINDS.EPISODE_END}:
        assert KINDS.RESET not in kinds
        observation = env.step(agent.act(observation))[0]
    assert np.diff(looked) == pytest.approx([5.0, 5.0, 5.0])
    done = next(e for e in env.events if e.kind is KINDS.SERVICE_DONE)
    resets = [e.time for e in env.events if e.kind is KINDS.RESET]
    assert done.time == looked[-1] and not env.layer.latched
    assert resets == [looked[-1]] * stopped
    env.close()


def locked_cell():
    """A cell that waits for a person, who was called for a part that had fallen."""
    env = idle_cell(**{"operator.jam_clear": "{mean: 5, cv: 0}"})
    env.reset(seed=3)
    env.desk.call(0.0, Call("dropped_part", *CALLS["dropped_part"]), WORK)
    env.step(np.zeros(7, np.float32))
    assert env.desk.busy and env.diary.state == "waiting"
    return env


def test_what_happens_while_the_robot_is_locked_out_calls_a_person_too(monkeypatch):
    env = locked_cell()
    blow = {"moving": True, "force_ratio": 3.0, "robot_force_ratio": 1.2}
    hurt = Event(env.time, KINDS.CONTACT, "visitor-1", blow)
    with monkeypatch.context() as patched:
        patched.setattr(company, "seen", lambda *_: [hurt])
        env.step(np.zeros(7, np.float32))
    assert env.machines["emergency_stop"] and "contact" in [one.cause for one in env.desk.calls]
    env.close()


def test_what_begins_in_the_tick_of_the_release_calls_a_person_anew(monkeypatch):
    env = locked_cell()
    doubt = Event(env.time, KINDS.RULE, "uncertainty", {"phase": "on"})
    tick = env._tick
    monkeypatch.setattr(env, "_tick", lambda asked: [*tick(asked), doubt])
    while env.desk.count == 1 and env.time < 50.0:
        env.step(np.zeros(7, np.float32))
    requests = [(e.data["id"], e.data["cause"]) for e in env.events if e.kind is KINDS.REQUEST]
    assert requests == [(2, "uncertainty")]
    assert KINDS.SERVICE_DONE in {e.kind for e in env.events}
    env.close()


def test_what_is_in_the_air_comes_down_before_the_robot_is_locked_out():
    env = idle_cell()
    env.reset(seed=3)
    part, up = env.task.in_tote[0], np.array([0.5, 0.0, 0.4, 0.0, 0.0, 0.0, 1.0])
    env.task.in_tote.remove(part)
    env.world.place(part, up)
    env.task.hands.let_go(part, 0.0)
    env.desk.call(0.0, Call("protective_stop", *CALLS["protective_stop"]), WORK)
    for _ in range(30):
        env.step(np.zeros(7, np.float32))
    assert env.desk.busy and env.time > 2.0
    assert env.world.pose(part)[2] < 0.05
    assert [e.data["where"] for e in env.events if e.kind is KINDS.PART_DROPPED] == ["table"]
    env.close()


def test_what_the_policy_sees_of_a_robot_that_is_locked_out_is_measured_all_the_same():
    env = locked_cell()
    env.step(np.zeros(7, np.float32))
    true, seen = env.state.robots["robot"].q, env.measured.robots["robot"].q
    assert 0.0 < np.abs(true - seen).max() < 1e-3 and env.measured.time == env.state.time
    env.close()


def test_who_frees_a_stuck_robot_jogs_it_home_and_who_only_resets_it_does_not():
    env = idle_cell()
    home = np.array(env.world.robot.home)
    for cause in (*FREED, "protective_stop", "dropped_part"):
        env.reset(seed=3)
        for _ in range(10):
            env.step(np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0], np.float32))
        helped: list[str] = []
        env.task.help = lambda world, why, part, time, helped=helped: helped.append(why) or []
        env.desk.call(env.time, Call(cause, *CALLS[cause]), WORK)
        env.desk.arrive()
        env._release()
        del env.task.help
        away = float(np.abs(env.state.robots["robot"].q - home).max())
        assert (away < 0.01) if cause in FREED else (away > 0.05), cause
        assert helped == ["cycle_overtime" if cause in FREED else cause]
    env.close()


def test_nobody_is_called_for_the_time_that_a_service_takes():
    env = idle_cell()
    for first, causes in [(None, ["cycle_overtime"]), ("dropped_part", ["dropped_part"])]:
        env.reset(seed=3)
        if first:
            env.desk.call(0.0, call(first), WORK)
        env.diary.productive = 1e6
        env._respond([], False)
        assert [one.cause for one in env.desk.calls] == causes
    env.close()


def test_people_and_the_operator_are_the_same_whatever_the_agent_does():
    """At the same moments in the same places, though the one calls for help and the other not."""

    def people(agent_name, press):
        sets = ["seconds=90", "people.visits_per_hour=300", "cycle_timeout=10"]
        env = envs.make("kitting_shared", overrides=sets)
        agent = make(agent_name, env)
        observation, info = env.reset(seed=8)
        done = False
        while not done:
            if info["time"] > 20.0 and press:
                env.machines["emergency_stop"], press = True, False
            observation, _, _, done, info = env.step(agent.act(observation))
        came = [
            (t, name, one.behaviour, one.capsules.tobytes(), one.velocities.tobytes())
            for t in np.arange(0.0, 90.0, 0.25).tolist()
            for name, one in sorted(env.crew.at(t).items())
            if one.role == "visitor"
        ]
        called = [e.data["cause"] for e in env.events if e.kind is KINDS.REQUEST]
        notices = [e.data["notice"] for e in env.events if e.kind is KINDS.OPERATOR_ARRIVED]
        env.close()
        return came, called, notices

    (one, overtime, soon), (two, pressed, late) = people("idle", False), people("scripted", True)
    assert len({name for _, name, *_ in one}) >= 3
    assert one == two
    assert (overtime[0], pressed[0]) == ("cycle_overtime", "emergency_stop")
    assert soon and late and all(a == b for a, b in zip(soon, late, strict=False))


def test_parts_people_sensors_operator_and_faults_draw_from_five_streams(monkeypatch):
    given = []

    def spy(owner, name):
        made = getattr(owner, name)

        def taken(first, rng, *more):
            given.append(rng)
            return made(first, rng, *more)

        monkeypatch.setattr(owner, name, taken)

    for owner, name in ((company, "crew"), (company, "sensors"), (cell, "disturbance_of")):
        spy(owner, name)
    env: Any = envs.make("conveyor_sorting_shared")
    env.reset(seed=5)
    streams = [*given, env.task.rng, env.desk.rng, env.np_random]
    keys = {stream.bit_generator.seed_seq.spawn_key for stream in streams}
    assert len(given) == 3 and len(keys) == len(streams)
    env.close()


def test_what_the_operator_draws_is_nobody_elses():
    env: Any = envs.make("conveyor_sorting_shared")
    action = np.zeros(env.action_space.shape, np.float32)

    def notice(env, before=lambda env: None):
        env.reset(seed=5)
        before(env)
        env.desk.call(0.0, call("dropped_part"), WORK)
        return env.desk.notice, env.desk.visit.reset

    def seen(before=lambda env: None):
        observation, _ = env.reset(seed=5)
        before(env)
        arrived = env.task.next_arrival
        while env.task.next_arrival == arrived:
            observation = env.step(action)[0]
        return env.time, observation.tobytes(), env.task.next_arrival

    expected = notice(env)
    assert notice(env, lambda env: env.task.rng.normal(size=9)) == expected
    assert seen(lambda env: env.desk.rng.normal(size=9)) == seen()
    env.close()
    busy = envs.make("conveyor_sorting_shared", overrides=["people.visits_per_hour=600"])
    assert notice(busy) == expected
    busy.close()


def test_a_stopped_robot_that_is_pushed_does_not_spring_back():
    """Somebody leans on it for half a second and lets go: it stays where it was pushed to."""
    env = idle_cell(safety="{emergency_stop: {}}")  # no braking ramp takes the path away
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
    # nor does it once it may move again: its path begins where it was pushed to
    assert np.abs(env.arm.follower._state[0] - env.arm.q).max() < 0.002
    env.close()


def test_a_service_that_lasts_far_beyond_the_episode_is_not_drawn_to_its_end():
    d = Desk(
        Operator.model_validate({"local_reset": {"mean": 604800, "cv": 0.0}}),
        np.random.default_rng(0), Workplace(), end=20.0,
    )  # fmt: skip
    d.call(5.0, call("protective_stop"), WORK)
    d.arrive()
    assert 20.0 < d.until < 200.0
