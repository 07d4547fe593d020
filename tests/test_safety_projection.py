"""Motions that are changed rather than scaled: within their limits, as near as can be to the asked.

A Panda with its gripper, at random places of its joints; where it matters it is driven for seconds
by the arm's own controller, through the layer.
"""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, SafetyLayer, projection
from genba.safety.robot import guarded
from genba.safety.walls import STILL
from genba.sim.kinematics import chain_of
from genba.sim.motion import Follower
from genba.sim.robots import PANDA
from genba.sim.separation import least
from genba.sim.state import Array, Person, RobotState, State

TICK = 1.0 / 120.0
CHAIN = chain_of("panda", "parallel")
N = 7
HOME = np.array(PANDA.home)
SHARES = st.lists(st.integers(-1000, 1000), min_size=N, max_size=N).map(lambda x: np.array(x) / 1e3)
MIDDLE, HALF = (PANDA.q_min + PANDA.q_max) / 2, (PANDA.q_max - PANDA.q_min) / 2


def rule(name, **parameters):
    kind = RULES[name]
    return kind(kind.Parameters(**parameters), "arm", guarded(CHAIN, TICK))


def state(q, dq=None, time=0.0, people=None):
    tcp, twist, capsules, moves = CHAIN.state(q, np.zeros(N) if dq is None else dq)
    dq = np.zeros(N) if dq is None else dq
    arm = RobotState(np.array(q), dq, tcp, twist, capsules, moves, 0.0, False)
    return State(time, {"arm": arm}, people or {})


def command(q, dq):
    return CHAIN.command(np.array(q), np.array(dq), 1.0, np.zeros(N))


def body(x, y, z, radius=0.1, velocity=(0.0, 0.0, 0.0)):
    moves = np.array([[*velocity, *velocity]])
    return Person("visitor", "indifferent", np.array([[x, y, z, x, y, z + 0.2, radius]]), moves)


def size(q, x):
    return float(x @ projection.measure(q, CHAIN.table) @ x)


def bounds(q, dq, asked, margin=0.02, delay=0.025):
    limits = np.array([PANDA.q_min, PANDA.q_max, PANDA.dq_max, PANDA.ddq_max])
    return projection.joint_bounds(q, dq, asked, limits, np.array([margin, 0.0, delay]))


def ends(q, motion, name="robot"):
    """Places, radii and velocities of the ends of the capsules that move."""
    _, _, where, moves = CHAIN.state(q, motion)
    where, moves = where[1:], moves[1:]
    points = np.concatenate((where[:, :3], where[:, 3:6]))
    return points, np.tile(where[:, 6], 2), np.concatenate((moves[:, :3], moves[:, 3:]))


# Joints


@given(place=SHARES, share=SHARES, doing=SHARES)
@settings(max_examples=150, deadline=None)
def test_every_joint_can_stop_in_its_range_and_the_change_is_no_greater_than_by_scaling(
    place, share, doing
):
    q, asked, dq = MIDDLE + 0.999 * HALF * place, 1.3 * PANDA.dq_max * share, 0.3 * doing
    verdict = rule("joint_limits").check(state(q, dq), command(q, asked))
    low, high = bounds(q, dq, asked)
    if verdict is PASS:
        assert (asked <= high + 1e-6).all() and (asked >= low - 1e-6).all()
        return
    assert (verdict.scale, verdict.category, verdict.latch) == (1.0, None, False)
    motion = verdict.motion
    assert (motion <= high).all() and (motion >= low).all()
    assert size(q, motion) <= size(q, asked) * (1 + 1e-6) + 1e-9
    share = min(1.0, *np.where(asked > 0, high, low)[asked != 0] / asked[asked != 0])
    assert size(q, motion - asked) <= size(q, share * asked - asked) * (1 + 1e-4) + 1e-7


def test_a_joint_at_its_limit_does_not_hold_the_others():
    q = HOME.copy()
    q[3] = PANDA.q_min[3] + 0.02
    asked = np.array([0.5, 0.0, 0.0, -0.5, 0.0, 0.0, 0.3])
    verdict = rule("joint_limits").check(state(q), command(q, asked))
    assert verdict.motion[3] == pytest.approx(0.0, abs=1e-9)
    assert abs(verdict.motion[0] - 0.5) < 0.05
    assert verdict.trigger < verdict.limit == pytest.approx(PANDA.q_min[3] + 0.02)


def test_a_joint_in_its_margin_comes_back_as_asked():
    q = HOME.copy()
    q[3] = PANDA.q_min[3] + 0.001
    back = np.array([0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0])
    assert rule("joint_limits").check(state(q), command(q, back)) is PASS
    verdict = rule("joint_limits").check(state(q), command(q, -back))
    assert verdict.motion[3] == pytest.approx(0.0, abs=1e-9)


def test_a_joint_outside_its_range_stops_the_robot_for_a_person():
    q = HOME.copy()
    q[3] = PANDA.q_min[3] - 0.02
    verdict = rule("joint_limits").check(state(q), command(q, np.zeros(N)))
    assert verdict[1:3] == (1, True) and "joint 4" in verdict.reason


def test_limits_that_no_motion_keeps_stop_the_robot(monkeypatch):
    monkeypatch.setattr(projection, "nearest", lambda *_: None)
    q = HOME.copy()
    q[3] = PANDA.q_min[3] + 0.02
    asked = np.array([0.0, 0.0, 0.0, -0.5, 0.0, 0.0, 0.0])
    verdict = rule("joint_limits").check(state(q), command(q, asked))
    assert (verdict.scale, verdict.category, verdict.motion) == (0.0, 2, None)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_program_of_bad_numbers_has_no_answer(bad):
    square, asked, most = np.eye(N), np.zeros(N), np.ones(N)
    assert projection.nearest(square, asked, -most, most * bad) is None
    assert projection.nearest(square, asked + math.nan, -most, most) is None
    row = np.full((1, N), math.nan)
    assert projection.nearest(square, asked + 2.0, -most, most, row, np.zeros(1)) is None


def test_a_program_without_a_solution_has_no_answer():
    row = np.eye(N)[:1]
    found = projection.nearest(
        np.eye(N), np.zeros(N), np.ones(N), np.full(N, 2.0), row, np.array([0.5])
    )
    assert found is None


@given(asked=st.lists(SHARES, min_size=3, max_size=6))
@settings(max_examples=25, deadline=None)
def test_rates_of_the_command_are_within_acceleration_and_jerk(asked):
    limited = rule("joint_limits", rates="command")
    dq: Array = np.zeros(N)
    last: Array = np.zeros(N)
    for share in asked:
        motion = PANDA.dq_max * share
        verdict = limited.check(state(HOME, dq), command(HOME, motion))
        motion = motion if verdict is PASS else verdict.motion
        assert (np.abs(motion - dq) <= PANDA.ddq_max * TICK + 1e-9).all()
        change = (motion - dq) - (dq - last)
        assert (np.abs(change) <= PANDA.jerk_max * TICK * TICK + 1e-9).all()
        last, dq = dq, motion


def test_the_arms_own_controller_keeps_acceleration_whatever_is_asked():
    follower, rng = Follower(PANDA), np.random.default_rng(3)
    last: Array = np.zeros(N)
    for _ in range(100):
        _, dq = follower.follow(rng.uniform(-1, 1, N) * PANDA.dq_max)
        assert (np.abs(dq - last) <= PANDA.ddq_max * TICK * (1 + 1e-6)).all()
        last = dq


# Space


def floor(q, motion, z, margin=0.01, delay=0.025):
    """Whether every end that moves down can stop above z."""
    points, radii, moves = ends(q, motion)
    way, down = points[:, 2] - radii - z - margin, np.maximum(0.0, -moves[:, 2])
    stop = down * delay + down**2 / (2 * PANDA.deceleration)
    return bool(((stop <= np.maximum(way, 0.0) + 1e-4) | (down <= 3 * STILL)).all())


@given(share=SHARES, z=st.floats(-0.2, 0.15))
@settings(max_examples=80, deadline=None)
def test_the_predicted_stop_lies_above_the_floor(share, z):
    asked = PANDA.dq_max * share
    limits = rule("space_limits", planes=[[0.0, 0.0, -2.0, -2.0 * z]])
    verdict = limits.check(state(HOME), command(HOME, asked))
    if verdict is PASS:
        assert floor(HOME, asked, z)
        return
    if verdict.category == 1:
        assert z > ends(HOME, asked)[0][:, 2].min() - 0.2
        return
    assert not floor(HOME, asked, z)
    assert floor(HOME, verdict.motion, z)
    assert size(HOME, verdict.motion) <= size(HOME, asked) * (1 + 1e-4) + 1e-6


def test_the_tool_slides_along_a_wall_that_it_is_driven_into():
    down_and_on = np.array([0.3, 0.0, -0.3, 0.0, 0.0, 0.0])
    asked = CHAIN.resolve(HOME, down_and_on)
    tool = float(state(HOME).robots["arm"].tcp[2])
    limits = rule("space_limits", of="tool", planes=[[0.0, 0.0, -1.0, -tool]], margin=0.0)
    verdict = limits.check(state(HOME), command(HOME, asked))
    twist = command(HOME, verdict.motion).tcp_velocity
    assert twist[0] == pytest.approx(0.3, abs=0.02)
    assert abs(twist[2]) < 1e-4


@pytest.mark.parametrize(
    "space",
    [
        {"within": [-0.5, -0.6, 0.02, 0.75, 0.6, 0.9]},
        {"planes": [[1.0, 0.0, 0.0, 0.65]], "keep_out": [[0.4, 0.3, -0.1, 0.6, 0.5, 0.4]]},
        {"keep_out": [[-0.3, -0.8, -0.1, 0.9, 0.8, 0.02]]},
    ],
)
def test_a_robot_that_is_driven_everywhere_never_leaves_its_space(space):
    layer = SafetyLayer({"joint_limits": {}, "space_limits": space}, {"arm": CHAIN}, TICK)
    follower, rng = Follower(PANDA), np.random.default_rng(1)
    q, acted = HOME, 0
    dq: Array = np.zeros(N)
    for i in range(900):
        if i % 40 == 0:
            asked = rng.uniform(-1, 1, N) * PANDA.dq_max
        decision = layer.filter(state(q, dq, i * TICK), command(q, asked))
        assert decision.category is None, decision.verdicts
        acted += "space_limits" in dict(decision.verdicts)
        q, dq = follower.follow(decision.command.dq)
        points, radii, _ = ends(q, dq)
        for low_high in [space["within"]] if "within" in space else []:
            assert (points - radii[:, None] >= np.array(low_high[:3])).all()
            assert (points + radii[:, None] <= np.array(low_high[3:])).all()
        for *normal, offset in space.get("planes", []):
            assert (points @ np.array(normal) + radii <= offset).all()
        for box in space.get("keep_out", []):
            near = np.clip(points, box[:3], box[3:])
            assert (np.linalg.norm(points - near, axis=1) >= radii).all()
    assert acted > 20


def test_a_robot_beyond_its_space_stops_until_a_person_resets_it():
    lowest = min(p[2] - r for p, r in zip(*ends(HOME, np.zeros(N))[:2], strict=True))
    for beyond, category in [(0.03, None), (0.05, 1)]:
        limits = rule("space_limits", planes=[[0.0, 0.0, -1.0, -(lowest + beyond)]])
        up = CHAIN.resolve(HOME, np.array([0.0, 0.0, 0.3, 0.0, 0.0, 0.0]))
        verdict = limits.check(state(HOME), command(HOME, up))
        assert verdict.category == category and verdict.latch == (category == 1)


def test_a_box_that_holds_a_link_is_a_breach():
    elbow = ends(HOME, np.zeros(N))[0][3]
    around = [*(elbow - 0.2), *(elbow + 0.2)]
    verdict = rule("space_limits", keep_out=[[float(x) for x in around]]).check(
        state(HOME), command(HOME, np.zeros(N))
    )
    assert verdict[1:3] == (1, True)


def test_a_state_of_another_robot_stops():
    layer = SafetyLayer({"space_limits": {"planes": [[0.0, 0.0, 1.0, 2.0]]}}, {"arm": CHAIN}, TICK)
    asked, now = command(HOME, np.zeros(N)), state(HOME)
    arm = now.robots["arm"]
    fewer = arm._replace(capsules=arm.capsules[:5], capsule_velocities=arm.capsule_velocities[:5])
    less = asked._replace(capsule_velocities=asked.capsule_velocities[:5])
    decision = layer.filter(now._replace(robots={"arm": fewer}), less)
    assert decision.category == 1 and layer.latched


# People


def gap(one, other):
    """Least distance (m) between two sets of capsules."""
    return least(one, other, 1e3)


@given(share=SHARES, x=st.floats(0.3, 0.9), y=st.floats(-0.5, 0.5), z=st.floats(-0.2, 0.6))
@settings(max_examples=80, deadline=None)
def test_a_barrier_leaves_no_speed_that_uses_up_more_than_its_share(share, x, y, z):
    asked, ann = PANDA.dq_max * share, body(x, y, z)
    now = state(HOME, people={"ann": ann})
    verdict = rule("barrier", distance=0.1, gain=2.0).check(now, command(HOME, asked))
    motion = asked if verdict is PASS else verdict.motion
    assert verdict is PASS or size(HOME, motion) <= size(HOME, asked) * (1 + 1e-4) + 1e-6
    d = gap(now.robots["arm"].capsules[1:], ann.capsules)
    step = 1e-4
    later = CHAIN.state(HOME + step * motion, motion)[2][1:]
    shrinks = (d - gap(later, ann.capsules)) / step
    assert shrinks <= max(0.0, 2.0 * (d - 0.1)) + 5e-3


@pytest.mark.parametrize("seed", range(3))
def test_a_robot_that_is_driven_at_people_who_stand_keeps_its_distance(seed):
    people = {"ann": body(0.62, 0.25, 0.1), "bob": body(0.55, -0.35, 0.3)}
    layer = SafetyLayer({"joint_limits": {}, "barrier": {"distance": 0.05}}, {"arm": CHAIN}, TICK)
    follower, rng = Follower(PANDA), np.random.default_rng(seed)
    q, acted = HOME, 0
    dq: Array = np.zeros(N)
    for i in range(600):
        if i % 60 == 0:
            asked = rng.uniform(-1, 1, N) * PANDA.dq_max
        decision = layer.filter(state(q, dq, i * TICK, people), command(q, asked))
        acted += "barrier" in dict(decision.verdicts)
        q, dq = follower.follow(decision.command.dq)
        where = CHAIN.state(q, dq)[2][1:]
        assert min(gap(where, p.capsules) for p in people.values()) >= 0.05
    assert acted > 10


def test_a_person_who_comes_nearer_leaves_the_robot_less():
    forward = CHAIN.resolve(HOME, np.array([0.5, 0.0, 0.0, 0.0, 0.0, 0.0]))
    speeds = []
    for v in (0.0, -0.3, -2.0, 2.0):
        now = state(HOME, people={"ann": body(0.9, 0.0, 0.3, velocity=(v, 0.0, 0.0))})
        verdict = rule("barrier").check(now, command(HOME, forward))
        motion = forward if verdict is PASS else verdict.motion
        speeds.append(float(command(HOME, motion).tcp_velocity[0]))
    still, comes, runs, goes = speeds
    assert goes == pytest.approx(still) and comes < still and runs == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("place", range(7))
def test_a_person_of_bad_numbers_stops_the_robot(place):
    ann = body(0.6, 0.0, 0.3)
    ann.capsules[0, place] = math.nan
    layer = SafetyLayer({"barrier": {}}, {"arm": CHAIN}, TICK)
    forward = CHAIN.resolve(HOME, np.array([0.5, 0.0, 0.0, 0.0, 0.0, 0.0]))
    decision = layer.filter(state(HOME, people={"ann": ann}), command(HOME, forward))
    assert not decision.command.dq.any()


def test_what_is_kept_from_may_be_a_zone():
    forward = CHAIN.resolve(HOME, np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    near = rule("barrier", zones=[[0.7, -0.3, 0.0, 0.9, 0.3, 0.5]])
    far = rule("barrier", zones=[[1.7, -0.3, 0.0, 1.9, 0.3, 0.5]])
    assert near.check(state(HOME), command(HOME, forward)).motion is not None
    assert far.check(state(HOME), command(HOME, forward)) is PASS


# Stopping


@given(share=SHARES, distance=st.floats(0.05, 0.4), time=st.floats(0.1, 0.6))
@settings(max_examples=60, deadline=None)
def test_a_scaled_motion_stops_in_time_and_way(share, distance, time):
    asked = PANDA.dq_max * share
    limits = rule("stopping_limits", distance=distance, time=time)
    verdict = limits.check(state(HOME), command(HOME, asked))
    slower = asked * verdict.scale
    assert limits.check(state(HOME), command(HOME, slower * (1 - 1e-9))) is PASS
    if verdict is PASS:
        return
    assert 0.0 < verdict.scale < 1.0 and verdict.trigger > verdict.limit
    again = limits.check(state(HOME), command(HOME, slower * 1.01))
    assert again.scale == pytest.approx(1 / 1.01, rel=1e-6)  # no more is taken than must be


@given(share=SHARES)
@settings(max_examples=40, deadline=None)
def test_the_arm_really_stops_within_what_is_predicted(share):
    dq = PANDA.dq_max * share
    follower = Follower(PANDA)
    follower.reset(HOME, dq)
    limits = rule("stopping_limits", distance=0.01, time=0.03, reaction_time=TICK)
    verdict = limits.check(state(HOME), command(HOME, dq))
    if verdict is PASS or "long" not in verdict.reason:
        return
    for _ in range(1 + math.floor(verdict.trigger / TICK)):
        _, left = follower.follow(np.zeros(N))
    assert np.abs(left).max() < 1e-6


def test_the_ordinary_speed_of_a_cell_stops_within_the_defaults():
    for way in np.eye(3):
        dq = CHAIN.resolve(HOME, np.concatenate([1.0 * way, np.zeros(3)]))
        assert rule("stopping_limits").check(state(HOME), command(HOME, dq)) is PASS


@pytest.mark.parametrize("name", ["space_limits", "barrier"])
def test_a_rule_that_needs_kinematics_says_so(name):
    model = guarded(CHAIN, TICK)
    bare = type("Bare", (), {k: getattr(model, k) for k in ("q_min", "q_max", "dq_max",
        "ddq_max", "tcp_speed_max", "deceleration")})()  # fmt: skip
    config = {name: {"planes": [[0.0, 0.0, 1.0, 1.0]]} if name == "space_limits" else {}}
    with pytest.raises(ValueError, match=rf"safety.{name}: needs the robot's kinematics"):
        SafetyLayer(config, {"arm": bare}, TICK)


@pytest.mark.parametrize(
    "space", [{}, {"planes": [[0.0, 0.0, 0.0, 1.0]]}, {"within": [0.0, 0.0, 0.0, -1.0, 1.0, 1.0]}]
)
def test_a_space_that_is_none_is_refused(space):
    with pytest.raises(ValueError, match=r"safety\.space_limits"):
        SafetyLayer({"space_limits": space}, {"arm": CHAIN}, TICK)


def test_a_barrier_does_not_lead_the_robot_out_of_its_space_or_over_its_speed():
    """It is asked after the physical limits: these are asked anew of the motion that it makes."""
    q = np.array([-0.38, 0.10056821, 0.22, -2.70148469, 0.4, 1.9020529, 1.08539816])
    twist = np.array([0.059, -0.742, -0.059, 1.98, -0.36, -1.08])
    ball = np.array([[0.26, -0.22, 0.09, 0.26, -0.22, 0.09, 0.06]])
    people = {"ann": Person("visitor", "helpful", ball, np.zeros((1, 6)))}
    top = float(CHAIN.state(q, np.zeros(N))[0][2]) + 0.012
    space = {"planes": [[0.0, 0.0, 1.0, top]], "of": "tool"}
    rules: dict[str, dict[str, Any]] = {
        "space_limits": space,
        "tcp_speed": {"limit": 0.25},
        "barrier": {},
    }
    layer, follower = SafetyLayer(rules, {"arm": CHAIN}, TICK), Follower(PANDA)
    follower.reset(q)
    dq: Array = np.zeros(N)
    conflicts = 0
    for k in range(120):
        asked = command(q, CHAIN.resolve(q, twist))
        decision = layer.filter(state(q, dq, k * TICK, people), asked)
        assert not layer.latched
        assert np.linalg.norm(decision.command.tcp_velocity[:3]) <= 0.25 + 1e-6
        conflicts += any("no motion suits both" in v.reason for _, v in decision.verdicts)
        q, dq = follower.follow(decision.command.dq)
        assert CHAIN.state(q, dq)[0][2] <= top
    assert conflicts
