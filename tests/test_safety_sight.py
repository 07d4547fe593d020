"""What the layer is told of people may be gone, old or no body at all: then the robot stands."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
# mypy: disable-error-code="attr-defined"

import math
from typing import Any

import numpy as np
import pytest

import genba.envs as envs
from genba.agents import make
from genba.envs.company import overlooked
from genba.safety import LAYER, PROFILES, SafetyLayer
from genba.sim.kinematics import chain_of
from genba.sim.state import EventKind, Person, RobotState, State

TICK = 1.0 / 120.0
CHAIN = chain_of("panda", "parallel")
HOME = CHAIN.robot.home
PROTECTED = sorted(set(PROFILES) - {"unprotected"})
SEEING = sorted(set(PROTECTED) - {"fence"})  # profiles that let the robot move while people are far


def robot(**changes):
    tcp, twist, capsules, moves = CHAIN.state(HOME, np.zeros(7))
    arm = RobotState(HOME, np.zeros(7), tcp, twist, capsules, moves, 0.0, False)
    return arm._replace(**changes)


def column(x, radius=0.15):
    """Somebody upright at x (m) in front of the robot."""
    return np.array([[x, 0.0, -0.75, x, 0.0, 1.0, radius]])


def person(body):
    return Person("visitor", "indifferent", body, np.zeros((len(body), 6)))


def state(tick, body=None, age=0.1, arm=None, name="ann"):
    people = {} if body is None else {name: person(body)}
    return State(tick * TICK, {"arm": arm or robot()}, people, people_age=age)


ASKED = CHAIN.command(HOME, 0.1 * CHAIN.robot.dq_max, 1.0, np.zeros(7))


def layer(profile):
    return SafetyLayer(profile, {"arm": CHAIN}, TICK)


# Bodies that are none


@pytest.mark.parametrize("profile", PROTECTED)
@pytest.mark.parametrize(
    "body",
    [np.empty((0, 7)), column(1.0, -5.0), column(1e200), column(math.inf), column(1.0, math.nan)],
    ids=["empty", "thin", "far", "infinite", "none"],
)
def test_a_body_that_is_none_stops_the_robot(profile, body):
    decision = layer(profile).filter(state(0, body), ASKED)
    assert decision.category is not None and not decision.command.dq.any()


@pytest.mark.parametrize("profile", PROTECTED)
def test_a_robot_of_less_than_no_thickness_is_not_believed(profile):
    thin = robot().capsules.copy()
    thin[:, 6] = -3.0
    decision = layer(profile).filter(state(0, arm=robot(capsules=thin)), ASKED)
    assert decision.verdicts[0][0] == LAYER and decision.category == 1


# Who is gone after a gap


@pytest.mark.parametrize("profile", PROTECTED)
def test_who_was_there_before_a_gap_must_be_there_after_it(profile):
    guard, before = layer(profile), column(2.5)
    for tick in range(5):
        guard.filter(state(tick, before), ASKED)
    for tick in range(5, 30):
        guard.filter(state(tick, before, age=0.1 + 0.02 * (tick - 4)), ASKED)
    for tick in range(30, 400):
        assert guard.filter(state(tick), ASKED).category is not None
    assert guard.latched


@pytest.mark.parametrize("profile", SEEING)
@pytest.mark.parametrize(
    "at, blind, missed", [(3.4, 1.0, True), (4.6, 1.0, True), (5.4, 1.0, False), (3.4, 0.05, False)]
)
def test_who_can_have_come_in_while_nobody_was_tracked_must_be_there_too(
    profile, at, blind, missed
):
    """Somebody who was beside the monitored area when the sight of them was lost."""
    guard, before, back = layer(profile), column(at), 5 + round(blind / TICK)
    for tick in range(back):
        guard.filter(state(tick, before, age=0.1 + TICK * max(0, tick - 4)), ASKED)
    for tick in range(back, back + 300):
        decision = guard.filter(state(tick), ASKED)
        assert (decision.category is not None) == missed
    assert bool(guard.latched) == missed


@pytest.mark.parametrize("profile", SEEING)
def test_a_gap_after_which_everybody_is_there_resets_itself(profile):
    guard, there = layer(profile), column(3.9)
    for tick in range(120):
        old = 0.3 if 5 <= tick < 30 else 0.1
        decision = guard.filter(state(tick, there, age=old), ASKED)
    assert decision.category is None and not guard.latched


@pytest.mark.parametrize("profile", SEEING)
def test_who_was_seen_before_a_lock_out_may_be_gone_after_it(profile):
    """The rule cannot know: that nobody is overlooked is up to who releases the robot."""
    guard = layer(profile)
    guard.filter(state(0, column(2.5)), ASKED)
    guard.skip()
    for tick in range(5000, 5200):
        decision = guard.filter(state(tick), ASKED)
    assert decision.category is None and not guard.latched


@pytest.mark.parametrize("profile", SEEING)
def test_a_person_resets_who_stays_lost_and_a_track_that_was_renamed(profile):
    guard = layer(profile)
    for tick in range(5):
        guard.filter(state(tick, column(2.5)), ASKED)
    for tick in range(5, 400):
        guard.filter(state(tick, column(2.5), name="bob"), ASKED)
    assert guard.latched
    assert guard.reset(400 * TICK)
    for tick in range(400, 500):
        decision = guard.filter(state(tick, column(3.9), name="bob"), ASKED)
    assert decision.category is None


# Nobody looks


@pytest.mark.parametrize(
    "rule",
    [
        {"ssm_reach": {}}, {"pfl": {}}, {"speed_separation": {}}, {"barrier": {}},
        {"standstill_zone": {"distance": 1.0}}, {"reduced_speed": {"distance": 1.0}},
        {"guard_interlock": {"distance": 1.0}}, {"contact_force": {}}, {"clamping": {}},
        {"collision": {"people": 0.5}},
    ],
)  # fmt: skip
@pytest.mark.parametrize("age", [1e9, math.nan, -1.0])
def test_a_rule_of_ones_own_about_people_does_not_believe_an_old_sight(rule, age):
    assert layer(rule).filter(state(0, age=0.1), ASKED).category is None
    assert layer(rule).filter(state(0, age=age), ASKED).category == 1


def test_a_rule_that_looks_at_nobody_does_not_ask_how_old_the_sight_is():
    rules: list[dict[str, dict[str, Any]]] = [
        {"joint_limits": {}}, {"reduced_speed": {}}, {"guard_interlock": {}},
        {"barrier": {"people": False}}, {"collision": {}},
    ]  # fmt: skip
    for rule in rules:
        assert layer(rule).filter(state(0, age=1e9), ASKED).category is None


def test_the_age_that_is_believed_follows_what_the_rule_declares():
    guard = layer({"speed_separation": {"sensor_delay": 0.5}})
    assert guard.filter(state(0, age=0.59), ASKED).category is None
    assert guard.filter(state(1, age=0.61), ASKED).category == 1


# In a cell


@pytest.mark.parametrize("seed", range(2))
def test_nobody_is_hit_who_is_lost_while_the_tracking_is(seed):
    lost = "[{what: tracking_lost, at: 8.5, seconds: 0.3}, {what: person_lost, at: 8.6}]"
    told = {
        "seconds": 20, "safety": "ssm_reach", "people.visits_per_hour": 1200,
        "people.behaviours": "{antagonistic: 1}", "faults": lost,
    }  # fmt: skip
    env = envs.make("kitting_shared", overrides=[f"{k}={v}" for k, v in told.items()])
    agent, done = make("scripted", env), False
    observation, info = env.reset(seed=seed)
    agent.reset(observation, info)
    while not done:
        observation, _, _, done, _ = env.step(agent.act(observation))
    events = env.unwrapped.events
    assert [e.data["latch"] for e in events if e.kind is EventKind.STOP][-1]
    assert not [e for e in events if e.kind is EventKind.BREACH]
    env.close()


def test_the_operator_resets_no_cell_with_somebody_in_it_whom_the_sensors_have_lost():
    near, gone = state(0, column(1.0)), state(0)
    assert overlooked(near, gone)
    assert not overlooked(state(0, column(3.5)), gone)
    assert not overlooked(near, near)


# Buffers, and names that are given anew


@pytest.mark.parametrize("profile", SEEING)
@pytest.mark.parametrize("filled", [math.nan, 50.0])
def test_who_is_lost_is_missed_though_the_buffer_was_filled_anew(profile, filled):
    guard, buffer = layer(profile), column(2.5)
    guard.filter(state(0, buffer), ASKED)
    buffer[:] = filled
    decision = guard.filter(state(1), ASKED)
    assert "perception_integrity" in dict(decision.verdicts) and decision.category == 2


@pytest.mark.parametrize("profile", SEEING)
def test_a_name_that_is_somewhere_else_at_once_is_somebody_elses(profile):
    guard = layer(profile)
    guard.filter(state(0, column(2.5)), ASKED)
    decision = guard.filter(state(1, column(-2.5)), ASKED)
    assert "vanished" in dict(decision.verdicts)["perception_integrity"].reason
    for tick in range(2, 200):  # the other one stays: the first is still lost
        guard.filter(state(tick, column(-2.5)), ASKED)
    assert guard.stopped_by == "perception_integrity"


def test_who_runs_as_fast_as_the_model_has_it_is_not_lost_nor_after_a_gap_in_the_tracking():
    guard = layer({"perception_integrity": {}})
    for tick in range(120):
        body = column(2.9 - 2.0 * tick * TICK + 0.05 * (-1) ** tick)
        assert guard.filter(state(tick, body), ASKED).category is None
    seen = guard.filter(state(120, column(0.9)), ASKED)
    for tick in range(121, 240):  # the last report stands, then there is a fresh one
        seen = guard.filter(state(tick, column(0.9), age=0.1 + (tick - 120) * TICK), ASKED)
    assert seen.category == 2
    assert guard.filter(state(240, column(2.9)), ASKED).category is None


def test_somebody_who_comes_back_where_they_can_have_walked_to_is_found():
    guard = layer({"perception_integrity": {}})
    guard.filter(state(0, column(2.0)), ASKED)
    for tick in range(1, 90):
        body = column(-2.0) if tick == 60 else None  # half a second: too far
        assert guard.filter(state(tick, body), ASKED).category == 2
    guard = layer({"perception_integrity": {}})
    guard.filter(state(0, column(2.0)), ASKED)
    for tick in range(1, 90):
        assert guard.filter(state(tick), ASKED).category == 2
    assert guard.filter(state(90, column(1.0)), ASKED).category is None


@pytest.mark.parametrize("rule", [
    {"perception_integrity": {}}, {"guard_interlock": {"distance": 0.5}},
    {"ssm_reach": {}}, {"pfl": {}}, {"speed_separation": {}}, {"barrier": {}},
])  # fmt: skip
@pytest.mark.parametrize("body", [column(2.0, -1.0), column(math.nan)], ids=["thin", "none"])
def test_a_rule_of_ones_own_does_not_believe_a_body_that_is_none(rule, body):
    assert layer(rule).filter(state(0, column(2.0)), ASKED).category is None
    assert layer(rule).filter(state(0, body), ASKED).category is not None


def test_who_was_lost_is_not_found_in_another_who_goes_by_their_name():
    """However long the other one stands where the one who is lost could have walked to by now."""
    guard = layer({"perception_integrity": {}})
    guard.filter(state(0, column(2.5)), ASKED)
    for tick in range(1, 300):
        decision = guard.filter(state(tick, column(-0.5)), ASKED)
        assert decision.category == 2
    assert guard.latched == ("perception_integrity",)


def test_a_state_that_raises_whatever_it_is_asked_stops_the_robot():
    class Odd:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    odd: Any = Odd()
    assert layer("ssm_iso").filter(odd, ASKED).category == 1


@pytest.mark.parametrize("profile", SEEING)
def test_a_robot_of_fewer_capsules_than_it_has_is_none(profile):
    """Of what is not told no distance is known: nothing must be let through."""
    for rows in (len(CHAIN.capsule_links) - 1, 1, 0):
        guard, arm = layer(profile), robot()
        arm = arm._replace(
            capsules=arm.capsules[:rows], capsule_velocities=arm.capsule_velocities[:rows]
        )
        asked = ASKED._replace(capsule_velocities=ASKED.capsule_velocities[:rows])
        for tick in range(3):
            decision = guard.filter(state(tick, column(0.9), arm=arm), asked)
            assert not decision.command.dq.any() and decision.category == 1
        assert LAYER in guard.latched
        decision = guard.filter(state(3, column(0.9)), asked)  # the robot is whole, the command not
        assert not decision.command.dq.any()


def limbs(count):
    """Somebody 1.2 m from the robot, of so many pieces: a column, and an arm towards the tool."""
    pieces = [column(1.2)[0]] + [
        [1.2 - 0.2 * k, 0, 0.4, 1.0 - 0.2 * k, 0, 0.4, 0.04] for k in (1, 2)
    ]
    return np.array(pieces[:count])


@pytest.mark.parametrize("profile", SEEING)
def test_who_loses_an_arm_in_the_track_is_not_whole_and_a_person_must_look(profile):
    guard = layer(profile)
    for tick in range(60):
        guard.filter(state(tick, limbs(3)), ASKED)
    lost = [guard.filter(state(tick, limbs(1)), ASKED) for tick in range(60, 420)]
    assert not any(d.command.dq.any() for d in lost)
    assert "vanished" in dict(lost[5].verdicts)["perception_integrity"].reason
    assert guard.latched == ("perception_integrity",)  # after two seconds
    # the arm comes back in time: it goes on by itself
    guard = layer(profile)
    for tick in range(60):
        guard.filter(state(tick, limbs(3)), ASKED)
    for tick in range(60, 90):
        assert "perception_integrity" in dict(guard.filter(state(tick, limbs(1)), ASKED).verdicts)
    decision = guard.filter(state(90, limbs(3)), ASKED)
    assert "perception_integrity" not in dict(decision.verdicts) and not guard.latched
    # more of a body than before is no loss
    fresh = layer(profile)
    fresh.filter(state(0, limbs(1)), ASKED)
    for tick in (1, 2):
        found = dict(fresh.filter(state(tick, limbs(3)), ASKED).verdicts)
        assert "perception_integrity" not in found


@pytest.mark.parametrize("apart", [5.0, math.nan, math.inf])
def test_trackers_that_disagree_on_whether_anybody_is_there_are_not_believed(apart):
    guard = layer("ssm_iso")
    for tick in range(3):
        told = state(tick)._replace(machines={"tracker_disagreement": apart})
        assert guard.filter(told, ASKED).category == 2
