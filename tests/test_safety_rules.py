"""Every safety rule acts, answers and lets go as it says of itself.

The robot of these tests is a ball of 5 cm on a rail along x: joint 1 is its place (m), joint 2
turns nothing. A person is a ball of 10 cm, or a pole.
"""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from genba.safety import PASS, RULES
from genba.sim.state import Array, Command, Person, RobotState, State

TICK = 1.0 / 120.0


@dataclass(frozen=True)
class Rail:
    q_min: Array = field(default_factory=lambda: np.array([-10.0, -1.0]))
    q_max: Array = field(default_factory=lambda: np.array([10.0, 1.0]))
    dq_max: Array = field(default_factory=lambda: np.array([3.0, 2.0]))
    ddq_max: Array = field(default_factory=lambda: np.array([10.0, 5.0]))
    tcp_speed_max: float = 1.7
    deceleration: float = 5.0


def rule(name, **parameters):
    kind = RULES[name]
    return kind(kind.Parameters(**parameters), "rail", Rail())


def robot(x=0.0, v=0.0, turn=0.0):
    capsules = np.array([[x, 0.0, 0.0, x, 0.0, 0.0, 0.05]])
    twist = np.array([v, 0.0, 0.0, 0.0, 0.0, 0.0])
    pose = np.array([x, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    moves = np.array([[v, 0.0, 0.0] * 2])
    return RobotState(
        np.array([x, turn]), np.array([v, 0.0]), pose, twist, capsules, moves, 0.0, False
    )


def person(x, radius=0.1):
    body = np.array([[x, 0.0, 0.0, x, 0.0, 0.0, radius]])
    return Person("visitor", "indifferent", body, np.zeros((1, 6)))


def state(time=0.0, arm=None, gap=None, **more):
    """`gap` (m): free way between the robot's ball at x and a person further along the rail."""
    arm = robot() if arm is None else arm
    people = {} if gap is None else {"ann": person(arm.q[0] + gap + 0.15)}
    return State(time, {"rail": arm}, people, **more)


def command(v=0.0, turn=0.0, asked=(0.0, 0.0), grip=1.0, age=0.0):
    twist = np.array([v, 0.0, 0.0, 0.0, 0.0, 0.0])
    moves = np.array([[v, 0.0, 0.0] * 2])
    return Command(np.array([v, turn]), twist, moves, grip, np.array(asked), age)


@pytest.mark.parametrize("asked", [(math.nan, 0.0), (0.0, math.inf), (1.1, 0.0), (0.0, -1.01)])
def test_an_answer_that_is_no_action_stops(asked):
    verdict = rule("finite_command").check(state(), command(asked=asked))
    assert (verdict.scale, verdict.category, verdict.latch) == (0.0, 2, False)


def test_an_action_at_the_edge_of_its_space_passes():
    assert rule("finite_command").check(state(), command(asked=(1.0, -1.0))) is PASS
    # a float32 may round up
    assert rule("finite_command").check(state(), command(asked=(1.0000001, 0.0))) is PASS


def test_a_grip_outside_its_space_is_no_action():
    assert rule("finite_command").check(state(), command(grip=1.5)).category == 2


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_joint_near_its_limit_is_slowed_so_that_its_stop_fits(side):
    verdict = rule("joint_limits", margin=0.02, reaction_time=0.025).check(
        state(arm=robot(x=side * 9.8)), command(v=side * 2.5)
    )
    speed = verdict.scale * 2.5
    assert speed * 0.025 + speed**2 / 20.0 == pytest.approx(0.18)
    assert verdict.category is None
    assert verdict.limit == pytest.approx(side * 9.98)
    assert side * verdict.trigger > 9.98


def test_a_joint_in_its_margin_may_only_come_back():
    edge = state(arm=robot(x=9.99))
    assert rule("joint_limits").check(edge, command(v=0.1)).scale == 0.0
    assert rule("joint_limits").check(edge, command(v=-2.0)) is PASS


def test_a_joint_measured_faster_than_asked_is_slowed_by_what_it_does():
    asked = command(v=0.5)
    calm = rule("joint_limits").check(state(arm=robot(x=9.85, v=0.5)), asked)
    fast = rule("joint_limits").check(state(arm=robot(x=9.85, v=2.0)), asked)
    assert calm is PASS
    assert fast.scale < 1.0


def test_a_joint_outside_its_range_is_a_breach_that_a_person_resets():
    verdict = rule("joint_limits").check(state(arm=robot(x=10.05)), command())
    assert (verdict.scale, verdict.category, verdict.latch) == (0.0, 1, True)
    assert (verdict.trigger, verdict.limit) == (10.05, 10.0)
    assert "joint 1" in verdict.reason


def test_a_joint_faster_than_its_maker_allows_is_scaled():
    verdict = rule("joint_limits").check(state(), command(v=1.0, turn=4.0))
    assert verdict.scale == pytest.approx(0.5)
    assert rule("joint_limits").check(state(), command(v=3.0, turn=2.0)) is PASS


def test_the_tool_is_held_to_the_lower_of_robot_and_scenario():
    assert rule("tcp_speed").check(state(), command(v=1.7)) is PASS
    assert rule("tcp_speed").check(state(), command(v=2.0)).scale == pytest.approx(0.85)
    assert rule("tcp_speed", limit=1.0).check(state(), command(v=2.0)).scale == pytest.approx(0.5)
    assert rule("tcp_speed", limit=9.0).check(state(), command(v=2.0)).scale == pytest.approx(0.85)


def test_a_tool_measured_too_fast_counts_beyond_its_tolerance():
    limited = rule("tcp_speed", limit=1.0)
    assert limited.check(state(arm=robot(v=1.04)), command(v=1.0)) is PASS
    assert limited.check(state(arm=robot(v=1.3)), command(v=1.0)).scale == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("parameters", "now", "slow"),
    [
        ({}, state(gap=0.01), False),
        ({}, state(machines={"reduced_speed": True}), True),
        ({}, state(machines={"reduced_speed": False}), False),
        ({"distance": 0.5}, state(gap=0.49), True),
        ({"distance": 0.5}, state(gap=0.51), False),
        ({"zones": [[1.0, -1.0, -1.0, 2.0, 1.0, 1.0]]}, state(gap=0.76), True),
        ({"zones": [[1.0, -1.0, -1.0, 2.0, 1.0, 1.0]]}, state(gap=0.74), False),
        ({"zones": [[1.0, -1.0, -1.0, 2.0, 1.0, 1.0]]}, state(), False),
    ],
)
def test_reduced_speed_is_for_people_near_and_for_cells_that_ask(parameters, now, slow):
    verdict = rule("reduced_speed", **parameters).check(now, command(v=1.0))
    assert verdict.scale == pytest.approx(0.25 if slow else 1.0)
    assert verdict.category is None
    assert rule("reduced_speed", **parameters).check(now, command(v=0.25)) is PASS


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(7))
@pytest.mark.parametrize(
    "where", [{"distance": 0.5}, {"zones": [[50.0, 0.0, 0.0, 51.0, 1.0, 1.0]]}]
)
def test_a_person_of_bad_numbers_is_near_and_in_the_zone(bad, place, where):
    nowhere = person(9.0)
    assert (
        rule("reduced_speed", **where).check(
            state()._replace(people={"ann": nowhere}), command(v=1.0)
        )
        is PASS
    )
    nowhere.capsules[0, place] = bad
    now = state()._replace(people={"ann": nowhere})
    assert rule("reduced_speed", **where).check(now, command(v=1.0)).scale < 1.0


def test_a_leg_through_a_zone_counts_though_both_its_ends_are_outside():
    pole = np.array([[1.5, 0.0, -5.0, 1.5, 0.0, 5.0, 0.05]])
    now = state()._replace(people={"ann": Person("visitor", "indifferent", pole, np.zeros((1, 6)))})
    zone = [[1.0, -1.0, -1.0, 2.0, 1.0, 1.0]]
    assert rule("reduced_speed", zones=zone).check(now, command(v=1.0)).scale < 1.0


ZONE = {"zones": [[1.0, -1.0, -1.0, 2.0, 1.0, 1.0]]}


def test_a_person_in_the_zone_stops_the_robot_until_it_is_empty_for_a_while():
    zone = rule("standstill_zone", **ZONE, clear_time=0.5)
    assert zone.check(state(0.0, gap=0.5), command(v=1.0)) is PASS
    assert zone.check(state(0.1, gap=1.0), command(v=1.0)).category == 2
    assert zone.check(state(0.2), command(v=1.0)).category == 2
    assert zone.check(state(0.59), command(v=1.0)).category == 2
    assert zone.check(state(0.61), command(v=1.0)) is PASS


def test_somebody_who_comes_back_starts_the_wait_again():
    zone = rule("standstill_zone", distance=0.5, clear_time=0.5)
    assert zone.check(state(0.0, gap=0.4), command()).category == 2
    assert zone.check(state(0.4), command()).category == 2
    assert zone.check(state(0.45, gap=0.4), command()).category == 2
    assert zone.check(state(0.9), command()).category == 2
    assert zone.check(state(0.96), command()) is PASS


@pytest.mark.parametrize(
    ("moved", "reason"), [({"x": 0.041}, "tool"), ({"turn": math.radians(5.1)}, "joint")]
)
def test_drifting_while_it_should_stand_is_a_fault(moved, reason):
    zone = rule("standstill_zone", **ZONE, drift_joint=math.radians(5.0))
    far = {"ann": person(1.5)}
    assert zone.check(state(0.0)._replace(people=far), command()).category == 2
    near = state(0.1, arm=robot(x=0.03))._replace(people=far)
    assert zone.check(near, command()).category == 2
    gone = state(0.2, arm=robot(**moved))._replace(people=far)
    verdict = zone.check(gone, command())
    assert (verdict.category, verdict.latch) == (1, True)
    assert reason in verdict.reason
    assert verdict.trigger > verdict.limit


def test_every_standstill_has_a_place_of_its_own():
    zone = rule("standstill_zone", **ZONE, clear_time=0.0)
    there = {"ann": person(1.5)}
    assert zone.check(state(0.0)._replace(people=there), command()).category == 2
    assert zone.check(state(1.0), command()) is PASS
    elsewhere = state(2.0, arm=robot(x=0.8))._replace(people=there)
    assert zone.check(elsewhere, command()).category == 2
    assert not zone.check(elsewhere._replace(time=2.1), command()).latch


def test_braking_is_no_drift_but_must_end():
    zone = rule("standstill_zone", **ZONE, stop_time=1.0)
    for time in (0.0, 0.5, 1.0):
        moving = state(time, arm=robot(x=time, v=1.0))._replace(people={"ann": person(1.5)})
        assert zone.check(moving, command()).category == 2
    late = state(1.1, arm=robot(x=1.1, v=1.0))._replace(people={"ann": person(1.5)})
    assert zone.check(late, command()).latch


def bad_tick(watchdog, time):
    return watchdog.check(state(time), command(asked=(math.nan, 0.0)))


def test_a_policy_that_never_answers_again_is_handed_over_to_a_person():
    watchdog = rule("policy_watchdog", longest=4.0)
    latched = [bad_tick(watchdog, i * TICK) for i in range(round(6.0 / TICK))]
    first = next(i for i, verdict in enumerate(latched) if verdict is not PASS and verdict.latch)
    assert first * TICK == pytest.approx(4.0 + 2 * TICK) and "too long" in latched[first].reason


def hold(watchdog, time):
    """Three bad ticks, then a good one; the verdicts of the bad ones."""
    verdicts = [bad_tick(watchdog, time + i * TICK) for i in range(3)]
    assert watchdog.check(state(time + 3 * TICK), command()) is PASS
    return verdicts


def test_three_bad_ticks_hold_the_robot_until_the_policy_is_fine():
    first, second, third = hold(rule("policy_watchdog"), 0.0)
    assert first is PASS and second is PASS
    assert (third.scale, third.category, third.latch) == (0.0, 2, False)


@pytest.mark.parametrize(
    "bad", [{"age": 0.01}, {"age": math.nan}, {"asked": (2.0, 0.0)}, {"grip": math.nan}]
)
def test_late_and_out_of_space_count_as_bad(bad):
    watchdog = rule("policy_watchdog")
    verdicts = [watchdog.check(state(i * TICK), command(**bad)) for i in range(3)]
    assert verdicts[-1].category == 2


def test_the_third_hold_in_a_minute_calls_a_person():
    watchdog = rule("policy_watchdog")
    assert [hold(watchdog, time)[-1].latch for time in (0.0, 20.0, 59.0)] == [False, False, True]


def test_holds_that_lie_further_apart_do_not():
    watchdog = rule("policy_watchdog")
    assert [hold(watchdog, time)[-1].latch for time in (0.0, 31.0, 62.0)] == [False] * 3
    # the first is forgotten, the last three lie within the window
    assert hold(watchdog, 80.0)[-1].latch


@pytest.mark.parametrize(("value", "category"), [(True, 1), (1, 1), ("pressed", 1), ("fault", 0)])
def test_an_emergency_stop_is_reset_by_a_person(value, category):
    verdict = rule("emergency_stop").check(state(machines={"emergency_stop": value}), command())
    assert (verdict.scale, verdict.category, verdict.latch) == (0.0, category, True)


@pytest.mark.parametrize("machines", [{}, {"emergency_stop": False}, {"emergency_stop": ""}])
def test_a_released_emergency_stop_passes(machines):
    assert rule("emergency_stop").check(state(machines=machines), command()) is PASS


def test_blind_for_a_moment_stops_and_blind_for_longer_latches():
    eyes = rule("perception_integrity", max_age=0.1, sensor_delay=0.1)
    assert eyes.check(state(0.0, people_age=0.2), command()) is PASS
    assert eyes.check(state(0.1, people_age=0.21), command())[1:3] == (2, False)
    assert eyes.check(state(0.2, people_age=0.1), command()) is PASS
    assert eyes.check(state(0.3, people_age=0.3), command())[1:3] == (2, False)
    assert eyes.check(state(2.29, people_age=2.0), command())[1:3] == (2, False)
    assert eyes.check(state(2.31, people_age=2.1), command())[1:3] == (2, True)


@pytest.mark.parametrize("age", [math.nan, math.inf, -1.0])
def test_an_age_that_is_none_is_blind(age):
    assert rule("perception_integrity").check(state(people_age=age), command()).category == 2
