"""The way to standstill that `stopping_limits` predicts, against that of the arm's own controller.

Both robots, at random places of their joints and at up to the full speed of all of them.
"""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, SafetyLayer
from genba.safety.robot import guarded
from genba.safety.rules.stopping_limits import levers, room, scale
from genba.sim.kinematics import chain_of
from genba.sim.motion import Follower
from genba.sim.state import RobotState, State

TICK = 1.0 / 120.0
CHAINS = [chain_of(r, g) for r in ("panda", "iiwa") for g in ("parallel", "vacuum")]
LIMIT = 0.3  # m, the rule's default
REACTION = 3  # ticks, as well
ONES = st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7).map(np.array)
SPEEDS = st.one_of(
    st.lists(st.floats(-1.0, 1.0), min_size=7, max_size=7),
    st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=7, max_size=7),
).map(np.array)


def rule(chain, **parameters):
    kind = RULES["stopping_limits"]
    return kind(kind.Parameters(**parameters), "arm", guarded(chain, TICK))


def pose(chain, share):
    return chain.robot.q_min + share * (chain.robot.q_max - chain.robot.q_min)


def moment(chain, q, dq, asked, time=0.0):
    tcp, twist, capsules, moves = chain.state(q, dq)
    arm = RobotState(q, dq, tcp, twist, capsules, moves, 0.0, False)
    return State(time, {"arm": arm}), chain.command(q, asked, 1.0, np.zeros(7))


def ends(chain, q):
    return chain.state(q, np.zeros(7))[2][:, :6].reshape(-1, 3)


def farthest(chain, follower, q, first=0, asked=None):
    """Straight and along its path (m), of the end that goes farthest until the arm stands."""
    start = before = ends(chain, q)
    length, straight, still = np.zeros(len(start)), 0.0, np.zeros(7)
    for k in range(90):
        q, dq = follower.follow(asked if k < first else still)
        here = ends(chain, q)
        length += np.linalg.norm(here - before, axis=1)
        straight = max(straight, np.linalg.norm(here - start, axis=1).max())
        before = here
        if k >= first and np.abs(dq).max() < 1e-4:
            break
    return straight, length.max()


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(CHAINS), ONES, SPEEDS)
def test_no_end_goes_further_than_the_limit_until_the_arm_stands(chain, share, speeds):
    q, asked = pose(chain, share), speeds * chain.robot.dq_max
    layer = SafetyLayer({"joint_limits": {}, "stopping_limits": {}}, {"arm": chain}, TICK)
    dq = layer.filter(*moment(chain, q, np.zeros(7), asked)).command.dq
    for first in (0, REACTION):
        follower = Follower(chain.robot)
        follower.reset(q, dq)
        assert max(farthest(chain, follower, q, first, dq)) <= 1.02 * LIMIT


def test_an_arm_that_unfolds_at_constant_joint_speeds_stops_within_the_limit():
    chain = CHAINS[0]
    asked = chain.robot.dq_max * [1, 1, -1, 1, -1, 1, 1]
    layer = SafetyLayer("ssm_iso", {"arm": chain}, TICK)
    q = np.array([-2.031, 0.142, -0.096, -1.265, 1.731, 2.233, -1.906])
    dq, follower, longest = np.zeros(7), Follower(chain.robot), 0.0
    follower.reset(q)
    for k in range(60):
        state, command = moment(chain, q, dq, asked, k * TICK)
        decision = layer.filter(state._replace(people_age=0.1), command)
        if decision.category is not None:
            break
        q, dq = follower.follow(decision.command.dq)
        if k > 30 and k % 3 == 0:  # told to stand now
            stop = Follower(chain.robot)
            stop.reset(q, dq)
            longest = max(longest, *farthest(chain, stop, q))
    assert k > 45 and 0.5 * LIMIT < longest <= LIMIT


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(CHAINS), ONES, SPEEDS, st.floats(0.02, 0.4), st.floats(0.0, 1.0))
def test_what_is_scaled_passes_as_does_all_that_is_slower(chain, share, speeds, distance, slower):
    q, asked = pose(chain, share), speeds * chain.robot.dq_max
    limits = rule(chain, distance=distance, time=5.0)
    verdict = limits.check(*moment(chain, q, asked, asked))
    fits = asked * verdict.scale * (1 - 1e-9)
    assert limits.check(*moment(chain, q, fits, fits)) is PASS
    assert limits.check(*moment(chain, q, fits, fits * slower)) is PASS
    if verdict is not PASS:
        assert 0.0 < verdict.scale < 1.0 and verdict.trigger > verdict.limit == distance
        again = limits.check(*moment(chain, q, fits, fits * 1.01))
        assert again.scale == pytest.approx(1 / 1.01, rel=1e-6)  # no more than must be is taken


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(CHAINS), ONES, SPEEDS)
def test_the_way_is_bounded_closely(chain, share, speeds):
    q, dq = pose(chain, share), speeds * chain.robot.dq_max
    limits = rule(chain, distance=0.02, time=5.0)
    verdict = limits.check(*moment(chain, q, dq, dq))
    if verdict is PASS:
        return
    brake = np.max(np.abs(dq) / chain.robot.ddq_max)
    ramp = 2.5 * np.max(chain.robot.ddq_max / chain.robot.jerk_max)
    path = q + np.linspace(0.0, 0.025 + ramp + brake / 2, 400)[:, None] * dq
    places = np.array([ends(chain, x) for x in path])
    true = np.linalg.norm(np.diff(places, axis=0), axis=2).sum(axis=0).max()
    assert true * (1 - 1e-6) <= verdict.trigger <= 1.1 * true + 0.002


@given(st.sampled_from(CHAINS), ONES)
@settings(deadline=None, max_examples=60)
def test_no_end_is_farther_from_an_axis_than_its_lever(chain, share):
    q, table = pose(chain, share), chain.table
    most = levers(chain)
    for j in range(7):
        dq = np.zeros(7)
        dq[j] = 1.0  # so that speeds are distances
        moves = chain.state(q, dq)[3].reshape(-1, 3)
        assert np.linalg.norm(moves, axis=1).max() <= most[j] + 1e-9
    assert most.max() < 1.3 and table.shape[1] == 15


def test_limits_without_kinematics_know_the_speed_at_this_pose_alone():
    chain = CHAINS[0]
    model = guarded(chain, TICK)
    names = ("q_min", "q_max", "dq_max", "ddq_max", "tcp_speed_max", "deceleration")
    bare = type("Bare", (), {k: getattr(model, k) for k in names})()
    kind = RULES["stopping_limits"]
    limits = kind(kind.Parameters(distance=0.1), "arm", bare)
    q, asked = np.array(chain.robot.home), chain.robot.dq_max * 0.8
    state, command = moment(chain, q, asked, asked)
    top = np.linalg.norm(command.capsule_velocities.reshape(-1, 3), axis=1).max()
    brake = np.max(asked / chain.robot.ddq_max)
    verdict = limits.check(state, command)
    assert verdict.trigger == pytest.approx(top * (0.025 + brake / 2))
    slower = chain.command(q, asked * verdict.scale * (1 - 1e-9), 1.0, np.zeros(7))
    assert 0.0 < verdict.scale < 1.0 and limits.check(state, slower) is PASS


@pytest.mark.parametrize("off", [-1, 1])
def test_a_room_of_another_size_is_refused_not_written_past(off):
    chain = CHAINS[0]
    limits, numbers, table, _ = rule(chain, distance=0.01).silence.stop
    q, dq = np.array(chain.robot.home), chain.robot.dq_max
    work = np.empty(room(7, len(chain.capsule_names)) + off)
    moves = chain.command(q, dq, 1.0, q).capsule_velocities
    with pytest.raises(ValueError, match="room"):
        scale(q, dq, moves, limits, numbers, table, work)


def test_what_is_no_number_does_not_pass():
    chain = CHAINS[0]
    q, dq = np.array(chain.robot.home), chain.robot.dq_max
    state, command = moment(chain, q, dq, dq)
    for bad in (np.nan, np.inf):
        arm = state.robots["arm"]._replace(q=np.full(7, bad))
        verdict = rule(chain, distance=0.1).check(State(0.0, {"arm": arm}), command)
        assert verdict.scale < 1.0
