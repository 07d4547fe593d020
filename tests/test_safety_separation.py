"""Speed and separation monitoring: the cap in every direction, the restart, and runs at the robot.

The robot is a ball of 5 cm on a rail along x, or a bar; a person is a ball of 10 cm.
"""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, standards
from genba.sim.separation import closest
from genba.sim.state import Command, Person, RobotState, State

TICK = 1.0 / 120.0
ANY_ROBOT: Any = None  # the rule asks nothing of the robot
SETTINGS = (0.2, 5.0, 0.06)  # T_r with the sensor's delay, a, C + Z_d + Z_r by default


def ssm(**parameters):
    kind = RULES["speed_separation"]
    return kind(kind.Parameters(**{"deceleration": 5.0, **parameters}), "rail", ANY_ROBOT)


def ball(x, y=0.0, radius=0.1):
    return np.array([[x, y, 0.0, x, y, 0.0, radius]])


def arm(x=0.0, v=0.0, vy=0.0):
    moves = np.array([[v, vy, 0.0] * 2])
    return RobotState(
        np.array([x]),
        np.array([v]),
        np.zeros(7),
        np.zeros(6),
        ball(x, radius=0.05),
        moves,
        0.0,
        False,
    )


def at(gap, time=0.0, robot=None, age=0.1):
    robot = arm() if robot is None else robot
    body = ball(robot.capsules[0, 0] + gap + 0.15)
    ann = Person("visitor", "indifferent", body, np.zeros((1, 6)))
    return State(time, {"rail": robot}, {"ann": ann}, people_age=age)


def command(v=0.0, vy=0.0):
    moves = np.array([[v, vy, 0.0] * 2])
    return Command(np.array([v]), np.zeros(6), moves, 0.0, np.zeros(1))


@settings(deadline=None)  # compiles on its first call
@given(st.floats(0.55, 2.0), st.floats(0.0, 3.0))
def test_an_approach_is_held_to_its_cap(gap, speed):
    verdict = ssm().check(at(gap), command(v=speed))
    cap = standards.iso_speed_cap(gap, *SETTINGS)
    assert verdict.scale * speed == pytest.approx(min(speed, cap), rel=1e-9)
    if verdict is not PASS:
        assert verdict.category is None
        assert verdict.trigger == pytest.approx(gap)
        assert verdict.limit >= gap  # S_p of the speed asked


@settings(deadline=None)  # compiles on its first call
@given(st.floats(0.47, 2.0), st.floats(0.0, 2.0), st.booleans())
def test_a_robot_that_recedes_or_passes_by_must_still_stop_in_time(gap, speed, passing):
    """Its way earns no credit: the person comes on for as long as it takes to stop."""
    verdict = ssm().check(at(gap), command(vy=speed) if passing else command(v=-speed))
    v_h = 1.6 if gap > 0.5 else 2.0
    fits = (gap - 0.06 - v_h * 0.2) / v_h * 5.0  # m/s
    assert verdict.scale * speed == pytest.approx(min(speed, fits), rel=1e-9)


def test_a_robot_that_stands_is_let_through():
    assert ssm().check(at(0.47), command()) is PASS


@settings(deadline=None)
@given(st.floats(-0.1, 0.45), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_within_s_p_of_a_standing_robot_it_stands_whichever_way_it_would_move(gap, v, vy):
    verdict = ssm().check(at(gap), command(v=v, vy=vy))
    assert (verdict.scale, verdict.category, verdict.latch) == (0.0, 2, False)


def test_nobody_there_nothing_held_back():
    assert ssm().check(State(0.0, {"rail": arm()}), command(v=3.0)) is PASS


@pytest.mark.parametrize("sensor", ["skeleton", "body", "light_curtain"])
def test_the_declared_sensor_decides_how_near_is_near(sensor):
    rule = ssm(sensor=sensor, detection_capability=0.03)
    d0 = {"skeleton": 0.06, "body": 0.91, "light_curtain": 0.188}[sensor]
    for gap in (0.6, 0.9, 1.5, 2.5):
        verdict = ssm(sensor=sensor, detection_capability=0.03).check(at(gap), command(v=2.0))
        cap = standards.iso_speed_cap(gap, 0.2, 5.0, d0)
        assert verdict.scale * 2.0 == pytest.approx(min(2.0, cap))
    assert ("deviation" in rule.regime) == (sensor == "skeleton")


def test_a_robot_faster_than_asked_counts_with_what_it_does():
    slow = command(v=0.2)
    assert ssm().check(at(0.8, robot=arm(v=0.2)), slow) is PASS
    verdict = ssm().check(at(0.8, robot=arm(v=1.5)), slow)
    assert verdict.scale == pytest.approx(standards.iso_speed_cap(0.8, *SETTINGS) / 1.5)


def test_a_robot_still_closing_in_is_stopped_whatever_is_asked():
    assert ssm().check(at(0.3, robot=arm(v=0.5)), command(v=-1.0)).category == 2
    assert ssm().check(at(0.5, robot=arm(v=0.005)), command(v=0.0)) is PASS  # noise


def test_people_seen_later_than_declared_count_as_nearer():
    verdict = ssm().check(at(1.0, age=0.3), command(v=2.0))
    assert verdict.scale * 2.0 == pytest.approx(standards.iso_speed_cap(1.0, 0.4, 5.0, 0.06))
    assert ssm().check(at(1.0, age=math.nan), command(v=0.1)).scale == 0.0


def test_no_speed_left_is_a_stop_that_waits_for_a_clear_way():
    rule = ssm()
    rest = standards.iso_separation(0.0, 0.0, *SETTINGS) + 0.10
    assert rule.check(at(0.4, 0.0), command(v=0.5)).category == 2
    assert rule.check(at(rest - 0.01, 0.1), command(v=0.5)).category == 2
    assert rule.check(at(rest + 0.01, 0.2), command(v=0.05)).category == 2
    assert rule.check(at(rest + 0.01, 0.69), command(v=0.05)).category == 2
    assert rule.check(at(rest + 0.01, 0.71), command(v=0.05)) is PASS


def test_a_stop_does_not_end_by_receding_and_the_wait_begins_again():
    rule = ssm()
    rest = standards.iso_separation(0.0, 0.0, *SETTINGS) + 0.10
    assert rule.check(at(0.4, 0.0), command(v=0.5)).category == 2
    assert rule.check(at(0.4, 0.1), command(v=-0.5)).category == 2
    assert rule.check(at(rest + 0.1, 0.2), command()).category == 2
    assert rule.check(at(rest - 0.1, 0.5), command()).category == 2
    assert rule.check(at(rest + 0.1, 0.6), command()).category == 2
    assert rule.check(at(rest + 0.1, 1.05), command()).category == 2
    assert rule.check(at(rest + 0.1, 1.15), command()) is PASS


def test_a_person_who_leaves_the_cell_clears_the_way():
    rule = ssm()
    assert rule.check(at(0.4, 0.0), command(v=0.5)).category == 2
    empty = State(1.0, {"rail": arm()})
    assert rule.check(empty, command(v=0.5)).category == 2
    assert rule.check(empty._replace(time=1.5), command(v=0.5)) is PASS


def test_the_nearest_of_several_people_decides():
    both = at(0.8)._replace(people={"ann": at(0.8).people["ann"], "bob": at(0.6).people["ann"]})
    assert ssm().check(both, command(v=2.0)) == ssm().check(at(0.6), command(v=2.0))


def bar(v0, v1):
    """A bar along y in front of a person at its middle; its ends move along x."""
    capsules = np.array([[0.0, -0.3, 0.0, 0.0, 0.3, 0.0, 0.05]])
    moves = np.array([[v0, 0.0, 0.0, v1, 0.0, 0.0]])
    robot = RobotState(
        np.zeros(1), np.zeros(1), np.zeros(7), np.zeros(6), capsules, np.zeros((1, 6)), 0.0, False
    )
    return robot, Command(np.zeros(1), np.zeros(6), moves, 0.0, np.zeros(1))


def test_the_end_that_swings_forward_counts_though_the_middle_stands():
    robot, swing = bar(-1.0, 1.0)
    verdict = ssm().check(at(0.6, robot=robot), swing)
    assert verdict.scale == pytest.approx(standards.iso_speed_cap(0.6, *SETTINGS))


def least_scale(robot, speeds, body):
    """The scale by the definition: every end of every capsule, no pair left out."""
    least = 1.0
    top = max(float(np.linalg.norm(part)) for v in speeds for part in (v[:3], v[3:]))
    for a, v in zip(robot, speeds, strict=True):
        for b in body:
            d, s, _, *n = closest(a, b)
            for end, part in ((0.0, v[:3]), (1.0, v[3:])):
                way = d + max(0.0, (s - end) * float(np.dot(a[3:6] - a[:3], n)))
                v_h = 1.6 if way > 0.5 else 2.0
                v_r = float(np.dot(part, n))
                least = min(least, standards.scale_in_motion(way, v_r, top, v_h, *SETTINGS))
    return least


def test_leaving_out_far_pairs_changes_nothing_and_every_pair_keeps_its_separation():
    rng = np.random.default_rng(7)
    scaled = 0
    for _ in range(1500):
        robot = np.hstack([rng.uniform(-0.6, 0.6, (4, 6)), rng.uniform(0.02, 0.1, (4, 1))])
        body = np.hstack([rng.uniform(-0.6, 0.6, (5, 6)), rng.uniform(0.02, 0.1, (5, 1))])
        body[:, [0, 3]] += 1.5
        speeds = rng.uniform(-1.5, 1.5, (4, 6)) * rng.uniform(0.0, 1.0, (4, 1))
        rest = RobotState(
            np.zeros(1), np.zeros(1), np.zeros(7), np.zeros(6), robot, np.zeros((4, 6)), 0.0, False
        )
        ann = Person("visitor", "indifferent", body, np.zeros((5, 6)))
        now = State(0.0, {"rail": rest}, {"ann": ann}, people_age=0.1)
        verdict = ssm().check(now, Command(np.zeros(1), np.zeros(6), speeds, 0.0, np.zeros(1)))
        if verdict.category is None:
            assert verdict.scale == pytest.approx(min(1.0, least_scale(robot, speeds, body)))
            scaled += verdict.scale < 1.0
        moving = verdict.scale * speeds
        top = max(float(np.linalg.norm(part)) for v in moving for part in (v[:3], v[3:]))
        for a, v in zip(robot, moving, strict=True):
            for b in body:
                d, s, _, *n = closest(a, b)
                directed = float(np.dot((1.0 - s) * v[:3] + s * v[3:], n))
                if top > 0.0:
                    v_h = 1.6 if d > 0.5 else 2.0
                    assert standards.separation_in_motion(directed, top, v_h, *SETTINGS) <= d + 1e-9
    assert scaled > 300


def approach(rule, human_speed, start, reaction, delay, a):
    """A person runs at a robot that drives at them at 1.7 m/s as fast as it is let.

    The robot obeys `reaction` seconds late and then changes its speed by `a`; the person is seen
    `delay` seconds late. Returns the least gap (m) while the robot still moved.
    """
    lag, seen = round(reaction / TICK), round(delay / TICK)
    x, v, p, least = 0.0, 1.7, start, start
    asked, gaps = [1.7] * (lag + 1), [start + human_speed(start) * delay] * (seen + 1)
    for tick in range(2000):
        gap = p - x - 0.15
        gaps.append(p - 0.15)
        now = at(gaps[-1 - seen] - x, tick * TICK, arm(x, v))
        asked.append(rule.check(now, command(v=1.7)).scale * 1.7)
        goal = asked[-1 - lag]
        v += max(-a * TICK, min(a * TICK, goal - v))
        x, p = x + v * TICK, p - human_speed(gap) * TICK
        if v > 1e-9:
            least = min(least, p - x - 0.15)
        elif tick > lag and gap < 0.0:
            return least
    return least


@pytest.mark.parametrize("sensor", ["skeleton", "body"])
@pytest.mark.parametrize("a", [1.0, 5.0])
@pytest.mark.parametrize("start", [1.0, 2.03, 3.5, 6.0])
@pytest.mark.parametrize("speed", [1.6, 2.0])
def test_a_runner_is_never_met_by_a_moving_robot(sensor, a, start, speed):
    """The person keeps the speed that the rule is told: 1.6 m/s, or a measured 2.0 m/s."""
    needed = standards.separation(1.7, speed, 0.2, a, standards.intrusion(sensor, 0.04) + 0.06)
    rule = ssm(sensor=sensor, deceleration=a, human_speed=speed)
    least = approach(rule, lambda gap: speed, max(start, needed + 0.2), 0.1, 0.1, a)
    assert least > 0.0


def iso(gap):
    return 1.6 if gap > 0.5 else 2.0


def test_the_unmeasured_person_of_iso_13855_is_never_met_either():
    rule = ssm(sensor="body")
    assert approach(rule, iso, 5.5, 0.1, 0.1, 5.0) > 0.0
    assert approach(ssm(), lambda gap: 1.6, 5.5, 0.1, 0.1, 5.0) > 0.0


def test_the_runs_would_find_a_layer_that_does_nothing_or_promises_too_much():
    class Blind:
        def check(self, state, command):
            return PASS

    assert approach(Blind(), lambda gap: 1.6, 5.5, 0.1, 0.1, 5.0) < 0.0
    # the robot brakes at 1 m/s^2 where 5 were declared
    assert approach(ssm(), lambda gap: 1.6, 5.5, 0.1, 0.1, 1.0) < 0.0
    # a skeleton sees all of the body (C = 0): nothing is left for one who speeds up within reach
    assert approach(ssm(), iso, 5.5, 0.1, 0.1, 5.0) < 0.0


def test_through_each_other_no_direction_is_away():
    inside = at(-0.15)
    assert ssm().check(inside, command(v=-0.5)).category == 2
    assert ssm().check(inside, command(vy=0.5)).category == 2
    assert ssm().check(inside, command()).category == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_body_of_bad_numbers_stops(bad):
    for place in range(7):
        body = ball(30.0)
        body[0, place] = bad
        ann = Person("visitor", "indifferent", body, np.zeros((1, 6)))
        now = State(0.0, {"rail": arm()}, {"ann": ann})
        assert ssm().check(now, command(v=0.1)).category == 2
