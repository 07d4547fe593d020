"""Faults in a cell: off they leave no trace, on they do what they say, and a person ends them."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from typing import Any, cast

import numpy as np
import pytest

import genba.envs as envs
from genba.agents import make
from genba.envs import instruments as of_instruments
from genba.envs.instruments import Instruments
from genba.envs.operator import CALLS, LATCHED
from genba.safety import PROFILES, RULES, Decision, SafetyLayer
from genba.sim.faults import FAULTS
from genba.sim.kinematics import chain_of
from genba.sim.state import Event, EventKind, RobotState

KINDS = EventKind


def cell(scenario="kitting_alone", **changes):
    return envs.make(
        scenario, overrides=[f"{k}={v}" for k, v in {"seconds": 60, **changes}.items()]
    )


def play(env, seconds, agent="scripted", seed=0, each=lambda env: None):
    """Observations, as bytes."""
    agent = make(agent, env)
    observation, info = env.reset(seed=seed)
    agent.reset(observation, info)
    seen = [observation.tobytes()]
    while info["time"] < seconds - 1e-6:
        observation, _, _, _, info = env.step(agent.act(observation))
        seen.append(observation.tobytes())
        each(env)
    return seen


def story(env):
    return [(e.time, e.kind, e.subject, dict(e.data)) for e in env.events[1:]]


def rules(env, name):
    return [e for e in env.events if e.kind is KINDS.RULE and e.subject == name]


# Off, and the same again


def test_a_fault_that_has_not_come_yet_leaves_no_trace():
    plain, waiting = (
        cell("kitting_shared"),
        cell("kitting_shared", faults="[{what: takeover, at: 50}]"),
    )
    assert play(plain, 8.0, seed=3) == play(waiting, 8.0, seed=3)
    assert story(plain) == story(waiting)
    plain.close()
    waiting.close()


def test_the_same_seed_brings_the_same_faults_and_the_same_bits():
    nothing = "{what: policy_nan, per_hour: 3000, seconds: 0.3}"
    env = cell(faults=f"[{nothing}, {{what: observation_noise, at: 2, value: 0.01}}]")
    first = play(env, 6.0, seed=5), story(env)
    assert (play(env, 6.0, seed=6), story(env)) != first
    assert (play(env, 6.0, seed=5), story(env)) == first
    assert any(e[1] is KINDS.STOP for e in first[1])
    env.close()


def test_faults_leave_people_and_parts_as_they_were():
    def visitors(**changes):
        env = cell("kitting_shared", **{"people.visits_per_hour": 600, **changes})
        play(env, 12.0, seed=4)
        found = [(e.time, e.subject) for e in env.events if e.kind is KINDS.PERSON_ENTERED]
        parts = {name: p.pose.tobytes() for name, p in env.state.parts.items()}
        env.close()
        return found, parts

    plain = visitors(safety="{}")
    assert visitors(safety="{}", faults="[{what: recorder_failed, at: 1}]") == plain


# The robot and its layer


def stopping_way(faults):
    """Way (m) of the tool from an emergency stop in full motion to standstill."""
    env = cell(safety="{emergency_stop: {}}", faults=faults)
    env.reset(seed=1)
    start = None
    for step in range(60):
        env.step(np.array([0.0, 1.0, 0, 0, 0, 0, -1], np.float32))
        if step == 7:
            env.machines["emergency_stop"] = True
            start = env.state.robots["robot"].tcp[:3].copy()
    way = float(np.linalg.norm(env.state.robots["robot"].tcp[:3] - start))
    env.close()
    return way


def test_weak_brakes_take_a_longer_way():
    ways = [stopping_way("[]")]
    ways += [stopping_way(f"[{{what: slow_brakes, at: 0, value: {v}}}]") for v in (0.5, 0.25, 0.1)]
    assert ways == sorted(ways) and ways[-1] > 2.0 * ways[0]


def test_weak_brakes_do_not_fall_in_with_full_torque():
    """Those of a stop without power would be as declared; category 1 brakes as weakly as it can."""
    for at, categories in ((0.0, [1, 1, 2, None]), (50.0, [0, 1, 2, None])):
        env = cell(faults=f"[{{what: slow_brakes, at: {at}}}]")
        env.reset(seed=1)
        asked = env.arm.hold()
        done = [
            env.disturbance.decide(
                lambda state, command, c=c: Decision(command, 0.0, c, (), ()),
                env.measured, asked, "robot",
            )
            for c in (0, 1, 2, None)
        ]  # fmt: skip
        assert [decision.category for decision in done] == categories
        env.close()


@pytest.mark.parametrize(("every", "stale"), [(2, False), (3, False), (5, True)])
def test_a_layer_that_is_late_decides_less_often_and_notices_when_it_is_too_late(every, stale):
    env = cell(faults=f"[{{what: layer_late, at: 0, value: {every}}}]")
    count, ask = [0], env.filter

    def asked(*args):
        count[0] += 1
        return ask(*args)

    env.filter = asked
    play(env, 2.0)
    assert bool(env.layer.latched) == stale
    if not stale:
        assert count[0] == pytest.approx(240 / every, abs=2)
    env.close()


def deciding(*faults, action=None, ticks=1):
    """(commands that the layer is asked about, decisions) of safety ticks under the faults.

    The policy asks for `action`, or is not asked and the arm holds; a layer without rules has an
    event to tell each time.
    """
    env = cell(safety="{}", faults=f"[{', '.join(faults)}]")
    env.reset(seed=1)
    asked = env.arm.hold() if action is None else env.arm.hear(np.array(action, np.float32))
    commands, decisions = [], []

    def ask(state, command):
        commands.append(command)
        return Decision(command, 1.0, None, (), (Event(state.time, KINDS.RULE, "one"),))

    for tick in range(ticks):
        now = env.measured._replace(time=tick / 120.0)
        decisions.append(env.disturbance.decide(ask, now, asked, "robot"))
    env.close()
    return commands, decisions


MOVE = [0.5, 0, 0, 0, 0, 0, 1.0]


def test_a_policy_that_is_not_asked_does_nothing_wrong():
    for fault in ("{what: policy_nan, at: 0}", "{what: policy_late, at: 0}"):
        ((command,), _), ((held,), _) = deciding(fault, action=MOVE), deciding(fault)
        assert np.isnan(command.dq).all() or command.age == 0.2
        assert not held.dq.any() and held.age == 0.0


def test_an_answer_out_of_its_space_is_that_many_times_the_answer():
    ((command,), _) = deciding("{what: policy_out_of_space, at: 0, value: 5}", action=MOVE)
    assert command.asked == pytest.approx([2.5, 0, 0, 0, 0, 0, 5.0])


def test_what_a_late_layer_had_to_tell_is_told_once():
    commands, decisions = deciding("{what: layer_late, at: 0, value: 3}", action=MOVE, ticks=7)
    assert [len(decision.events) for decision in decisions] == [1, 0, 0, 1, 0, 0, 1]
    assert len(commands) == 3


def test_a_grip_that_is_lost_opens_whatever_the_layer_lets_through():
    _, (decision,) = deciding("{what: grip_lost, at: 0}", action=MOVE)
    assert decision.command.grip == -1.0 and decision.command.asked[-1] == 1.0


def test_the_noise_on_what_the_policy_sees_is_as_great_as_it_says():
    env = cell(faults="[{what: observation_noise, at: 0, value: 0.3}]")
    env.reset(seed=1)
    env.step(np.zeros(7, np.float32))
    seen = env.disturbance.blur(np.ones(4000, np.float32))
    assert (seen.mean(), seen.std()) == pytest.approx((1.0, 0.3), abs=0.02)
    env.close()


def test_what_is_in_the_way_pushes_the_tool_back_and_is_felt(monkeypatch):
    safety = "{collision: {hard: 900, soft: 900}}"
    env = cell(safety=safety, faults="[{what: collision, at: 0, value: 60}]")
    env.reset(seed=1)
    pushes, push = [], env.world.push

    def noted(link, at, force):
        pushes.append((link, at, force))
        push(link, at, force)

    monkeypatch.setattr(env.world, "push", noted)
    env.step(np.zeros(7, np.float32))
    assert len(pushes) == 6 and all(link == env.world.robot.tool_link for link, _, _ in pushes)
    tool = pushes[0][1]
    assert tool[0] > 0.3 and pushes[0][2] == pytest.approx([-120.0, 0.0, 0.0])
    # a push lasts one of the two physics ticks of a safety tick
    assert env.state.robots["robot"].wrench == pytest.approx(60.0)
    env.close()


def test_a_late_policy_acts_on_what_it_saw_then():
    env = cell(safety="{}", faults="[{what: policy_late, at: 0, value: 0.25}]")
    env.reset(seed=1)
    commands = []
    ask = env.filter

    def asked(state, command):
        commands.append(command)
        return ask(state, command)

    env.filter = asked
    for step in range(20):
        env.step(np.array([0.1 + 0.01 * step, 0, 0, 0, 0, 0, -1], np.float32))
    assert commands[-1].age == 0.25
    assert commands[-1].asked[0] == pytest.approx(0.1 + 0.01 * 14, abs=0.011)
    env.close()


# The people who see to it


@pytest.mark.parametrize("what", ["guard_open", "takeover", "jam", "configuration_changed"])
def test_what_a_person_has_set_right_lets_the_cell_work_again(what):
    env = envs.make(f"rules/{rule_of(what)}", overrides=[f"faults=[{{what: {what}, at: 2.0}}]"])
    play(env, 30.0)
    reset = next(e for e in env.events if e.kind is KINDS.RESET)
    assert reset.data["by"] == "manual"
    assert any(e.kind is KINDS.PART_FINISHED and e.time > reset.time for e in env.events)
    assert len(rules(env, rule_of(what))) == 2  # on and off, once
    env.close()


def test_an_encoder_that_is_off_stops_the_robot_until_somebody_has_mended_it():
    changes = ["safety={joint_limits: {}}", "faults=[{what: encoder_offset, at: 2.0}]"]
    env = envs.make("rules/emergency_stop", overrides=changes)  # a quick operator
    play(env, 30.0)
    stop, reset = (next(e for e in env.events if e.kind is k) for k in (KINDS.STOP, KINDS.RESET))
    assert (stop.subject, stop.data["category"], reset.data["by"]) == ("joint_limits", 1, "manual")
    assert any(e.kind is KINDS.PART_FINISHED and e.time > reset.time for e in env.events)
    env.close()


def rule_of(what):
    return {
        "guard_open": "guard_interlock", "takeover": "human_authority", "jam": "process_guard",
        "configuration_changed": "configuration_integrity",
    }[what]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "cause", "initiator"),
    [
        ("guard_open", "guard_interlock", "safety"),
        ("takeover", "takeover", "person"),
        ("jam", "process", "robot"),
    ],
)
def test_a_request_says_why_and_who_wanted_it(what, cause, initiator):
    env = envs.make(f"rules/{rule_of(what)}", overrides=[f"faults=[{{what: {what}, at: 1.0}}]"])
    play(env, 2.0)
    (request,) = [e for e in env.events if e.kind is KINDS.REQUEST]
    assert (request.data["cause"], request.data["initiator"]) == (cause, initiator)
    env.close()


def test_every_latch_has_a_cause_that_can_be_served():
    assert set(LATCHED) <= set(RULES) and set(LATCHED.values()) <= set(CALLS)
    assert all("manual" in RULES[name].reset for name in LATCHED)


def test_a_robot_in_doubt_works_on_at_half_speed_until_somebody_comes():
    env = envs.make("rules/uncertainty")
    states = []
    play(env, 30.0, each=lambda e: states.append((e.time, e.diary.state)))
    events = {e.kind: e for e in env.events if e.kind in (KINDS.REQUEST, KINDS.OPERATOR_ARRIVED)}
    asked, came = events[KINDS.REQUEST].time, events[KINDS.OPERATOR_ARRIVED].time
    between = {s for t, s in states if asked + 0.1 < t < came - 1.2}
    assert events[KINDS.REQUEST].data["cause"] == "uncertainty"
    assert "slowed" in between and not between & {"stopped", "waiting", "serving"}
    assert "serving" in {s for t, s in states if came <= t}
    assert [e.time for e in env.events] == sorted(e.time for e in env.events)
    done = next(e.time for e in env.events if e.kind is KINDS.SERVICE_DONE)
    assert any(e.kind is KINDS.PART_STARTED and asked < e.time < came for e in env.events)
    assert "producing" in {s for t, s in states if t > done + 0.5}
    env.close()


# The instruments


def test_what_the_robot_presses_on_is_felt_where_a_rule_asks_for_it():
    felt = {}
    for safety in ("{}", "{collision: {hard: 900, soft: 900}}"):
        env = cell(safety=safety)
        env.reset(seed=1)
        for _ in range(25):
            env.step(np.array([0.0, 0.0, -0.5, 0, 0, 0, 1], np.float32))
        felt[safety] = env.state.robots["robot"].wrench
        env.close()
    assert felt.pop("{}") == 0.0
    assert felt.popitem()[1] > 25.0


def test_who_leans_on_the_robot_is_felt_too():
    env = envs.make("rules/clamping", overrides=["safety={contact_force: {}}"])
    top = []
    play(env, 12.0, each=lambda e: top.append(e.state.robots["robot"].wrench))
    assert 10.0 < max(top) <= 51.0
    env.close()


def instruments(*needs):
    chain = chain_of("panda", "parallel")
    layer = SafetyLayer({name: {} for name in needs}, {"robot": chain})
    return Instruments(layer, cast(Any, None), "configuration")


class Grip:
    def __init__(self, grip, holding):
        self.grip, self.holding = grip, holding


def test_grips_in_vain_are_counted_until_one_holds():
    tools = instruments("process_guard")
    counts = []
    for grip, holding in [(-1, 0), (1, 0), (1, 0), (-1, 0), (1, 0), (-1, 0), (1, 1), (-1, 0)]:
        tools.read([], 0.0, Grip(float(grip), bool(holding)))
        counts.append(tools.machines.get("retries", 0))
    assert counts == [0, 0, 0, 1, 1, 2, 2, 0]


def test_drops_and_wrong_parts_are_reported_until_somebody_has_served():
    tools = instruments("process_guard")
    bad = {"good": False, "kind": "a", "rework": False, "assisted": False, "reason": "a in bin b"}
    new = [
        Event(1.0, KINDS.PART_DROPPED, "p", {"where": "table"}),
        Event(1.0, KINDS.PART_FINISHED, "q", bad),
    ]
    tools.read(new, 1.0, Grip(0.0, False))
    assert tools.machines["part_dropped"] and tools.machines["wrong_part"]
    assert tools.machines["cycle_done"]
    tools.served()
    assert not tools.machines["part_dropped"] and not tools.machines["wrong_part"]
    assert tools.machines["served"] == 1


def test_all_that_a_person_can_set_right_is_right_once_they_have_served():
    tools = instruments("process_guard")
    flags = [f"{what.value}" for what, kind in FAULTS.items() if kind.served and not kind.unit]
    mended = {"emergency_stop", "part_dropped", *flags} - {"configuration_changed"}
    tools.machines.update(dict.fromkeys(mended, True), retries=3)
    tools.served()
    assert {name for name in mended if tools.machines[name]} == set()
    assert (tools.machines["retries"], tools.machines["served"]) == (0, 1)
    assert tools.machines["configuration"] == "configuration"


@pytest.mark.parametrize("kind", [KINDS.PART_FINISHED, KINDS.PART_REJECTED])
def test_a_cycle_is_done_in_the_step_in_which_a_part_is_and_in_no_other(kind):
    tools, good = instruments("recorder_health"), {"good": True, "kind": "a"}
    for new, done in (([Event(1.0, kind, "p", good)], True), ([], False)):
        tools.read(new, 1.0, Grip(0.0, False))
        assert tools.machines["cycle_done"] is done


def test_forces_that_act_together_are_felt_as_one_and_no_longer_than_they_act(monkeypatch):
    tools, none = instruments("collision"), np.zeros(7)
    arm = RobotState(none, none, none, none[:6], none[None], none[None, :6], 0.0, False)
    monkeypatch.setattr(of_instruments, "equipment_force", lambda world: np.array([3.0, 0, 0]))
    tools.push([(4, none, np.array([5.0, 0, 0])), (5, none, np.array([0, 6.0, 0]))])
    assert tools.feel(arm).wrench == pytest.approx(10.0)
    assert tools.feel(arm).wrench == pytest.approx(3.0)


def test_the_force_on_the_part_in_hand_is_reported_where_a_rule_asks_for_it(monkeypatch):
    monkeypatch.setattr(of_instruments, "part_force", lambda world: 42.0)
    for needs, told in (("process_guard", 42.0), ("emergency_stop", None)):
        tools = instruments(needs)
        tools.feel(cast(Any, None))
        assert tools.machines.get("insertion_force") == told


def test_a_ticket_is_written_each_time_that_the_operators_load_begins_to_act():
    why = {"reason": "too often", "trigger": 3.0, "limit": 1.0}
    new = [
        Event(1.0, KINDS.RULE, "operator_load", {"phase": "on", "scale": 0.5, **why}),
        Event(2.0, KINDS.RULE, "operator_load", {"phase": "off", "duration": 1.0}),
        Event(3.0, KINDS.RULE, "uncertainty", {"phase": "on", **why}),
    ]
    assert of_instruments.tickets(new) == [Event(1.0, KINDS.TICKET, "operator_load", why)]


def test_the_operators_load_is_that_of_the_last_ten_minutes():
    tools = instruments("operator_load")
    steps = [
        (100.0, KINDS.REQUEST, {}), (120.0, KINDS.OPERATOR_ARRIVED, {"way": 10.0}),
        (170.0, KINDS.SERVICE_DONE, {}), (400.0, KINDS.REQUEST, {}),
    ]  # fmt: skip
    for time, kind, data in steps:
        tools.read([Event(time, kind, "", data)], time, Grip(0.0, False))
    assert tools.machines["operator_requests"] == 2.0
    assert tools.machines["attention_demand"] == pytest.approx(60.0 / 600.0)
    tools.read([], 740.0, Grip(0.0, False))
    assert tools.machines["operator_requests"] == 1.0
    assert tools.machines["attention_demand"] == pytest.approx(30.0 / 600.0)
    # 30 s of the first are within ten minutes, and whoever is there now came 10 s ago from 5 s away
    tools.read([Event(730.0, KINDS.OPERATOR_ARRIVED, "", {"way": 5.0})], 740.0, Grip(0.0, False))
    assert tools.machines["attention_demand"] == pytest.approx(45.0 / 600.0)


def test_nothing_is_measured_that_no_rule_asks_for():
    tools = instruments("emergency_stop")
    assert not tools.wrench and not tools.second_tracker
    tools.read([Event(1.0, KINDS.PART_DROPPED, "p", {"where": "table"})], 1.0, Grip(1.0, False))
    assert set(tools.machines) == {"emergency_stop", "configuration", "served", "cycle_done"}


# The fence


def test_whoever_comes_inside_the_fence_stops_everything():
    people = {"people.visits_per_hour": 240, "people.behaviours": "{antagonistic: 1}"}
    env = cell("kitting_shared", safety="fence", **people)
    play(env, 45.0, seed=1)
    stops = [e for e in env.events if e.kind is KINDS.STOP]
    assert stops and {e.subject for e in stops} == {"guard_interlock"}
    assert all(e.data["latch"] for e in stops)
    assert not [e for e in env.events if e.kind is KINDS.BREACH]
    # who leans on the robot that is locked out is seen all the same
    assert not any(e.data["moving"] for e in env.events if e.kind is KINDS.CONTACT)
    env.close()


def test_the_profiles_that_protect_wait_for_the_flags_of_the_cell():
    flags = {"guard_interlock", "human_authority", "configuration_integrity", "recorder_health"}
    assert all(flags <= set(PROFILES[name]) for name in set(PROFILES) - {"unprotected"})


def test_what_is_observed_stays_within_its_space_whatever_the_noise():
    env = cell(faults="[{what: observation_noise, at: 0, value: 10}]")
    env.reset(seed=1)
    for _ in range(40):
        seen, *_ = env.step(np.zeros(7, np.float32))
        assert env.observation_space.contains(seen)
    env.close()
