"""The robot as the policy meets it: how it stops without power, how fast an action may ask."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import numpy as np
import pybullet as p
import pytest

import genba.envs as envs
from genba.envs.arm import _twist
from genba.safety import Decision

TICK = 1.0 / 120.0
SWEEP = np.array([0.0, 1.0, 0.3, 0.0, 0.0, 1.0, -1.0])


@pytest.fixture(params=["panda", "iiwa"])
def env(request):
    """A cell whose arm sweeps across the table at a metre a second or so."""
    more = [f"robot={request.param}", "safety={}", "tcp_speed=1.7", "tcp_turn=2.5"]
    env = envs.make("kitting_alone", overrides=more)
    env.reset(seed=1)
    while tool(env)[1] > -0.35:
        env._tick(-SWEEP)
    while tool(env)[1] < 0.0:
        env._tick(SWEEP)
    assert np.linalg.norm(env.state.robots["robot"].tcp_velocity[:3]) > 0.8
    yield env
    env.close()


def tool(env):
    return env.state.robots["robot"].tcp[:3]


def stop(env, category, ticks=60):
    """Joint positions and velocities (ticks + 1, n) from the tick of the stop on."""
    env.filter = lambda state, command: Decision(
        command._replace(dq=np.zeros(env.arm.joints)), 0.0, category, (), ()
    )
    rows = [env.state.robots["robot"]]
    for _ in range(ticks):
        env._tick(env.arm.hold())
        rows.append(env.state.robots["robot"])
    return np.array([r.q for r in rows]), np.array([r.dq for r in rows])


def test_without_power_each_joint_is_braked_for_itself_and_no_harder_than_its_drive_may(env):
    hardest = env.arm.world.robot.ddq_max
    q, dq = stop(env, 0)
    assert (np.abs(np.diff(dq, axis=0)) <= 1.02 * hardest * TICK + 1e-3).all()
    moving = np.abs(dq) > 0.005
    ticks = np.where(moving.any(axis=0), len(dq) - moving[::-1].argmax(axis=0), 0)
    assert np.abs(ticks * TICK - np.abs(dq[0]) / hardest).max() < 2 * TICK
    # no sooner than the real arms of docs/standards.md 4, and nothing sags meanwhile
    assert 0.092 < ticks.max() * TICK < 0.53
    way = dq[0] * np.abs(dq[0]) / (2.0 * hardest) - 0.5 * dq[0] * TICK  # it brakes from tick 1 on
    assert np.abs(q[ticks.max()] - q[0] - way).max() < 0.004
    assert np.abs(q[-1] - q[ticks.max()]).max() < 0.001


def test_brakes_neither_let_go_of_who_is_pushed_nor_drive_on_who_was_held_up(env):
    stop(env, 0, ticks=5)
    world, left = env.world, env.state.robots["robot"].dq.copy()
    push, hold = 0, int(np.abs(left[1:]).argmax()) + 1
    q = env.arm.q
    p.resetJointState(world.body, push, q[push], 1.2 * left[push], physicsClientId=world.client)
    p.resetJointState(world.body, hold, q[hold], 0.0, physicsClientId=world.client)
    env.state = env._look()
    _, dq = stop(env, 0, ticks=1)
    assert abs(dq[1, push]) < abs(left[push]) and abs(dq[1, hold]) < 0.01


def test_a_controlled_stop_goes_on_from_where_the_brakes_let_the_arm(env):
    hardest = env.arm.world.robot.ddq_max
    dq = np.concatenate([stop(env, 0, ticks=6)[1], stop(env, 1)[1]])
    assert env.arm.follower.standing and np.abs(dq[-1]).max() < 0.005
    # the controller also pulls the joints back onto its path
    assert (np.abs(np.diff(dq, axis=0)) <= 1.5 * hardest * TICK).all()


def test_a_speed_that_is_no_number_is_braked_to_0(env):
    env.arm.dq = np.full(env.arm.joints, np.nan)
    assert not env.arm._braked().any()


@pytest.mark.parametrize("rows", [slice(0, 3), slice(3, 6)], ids=["velocity", "turning"])
def test_a_tcp_velocity_and_a_turning_are_each_kept_within_their_ball(rows):
    speed = np.array([1.0] * 3 + [2.0] * 3)
    rng = np.random.default_rng(0)
    for way in [np.ones(3), np.array([1.0, -1.0, 0.0]), *rng.uniform(-1.5, 1.5, (50, 3))]:
        action = np.zeros(7)
        action[rows] = way
        rates = _twist(action, speed)
        cut = np.clip(way, -1.0, 1.0)
        cut /= max(1.0, np.linalg.norm(cut))
        assert rates[rows] == pytest.approx(cut * speed[rows])
        assert np.count_nonzero(rates) <= 3  # the other ball is its own
    action[rows] = (1.0, np.nan, 1.0)
    assert list(np.isnan(_twist(action, speed)[rows])) == [False, True, False]


def test_a_tool_turns_no_faster_than_it_may_about_an_oblique_axis():
    env = envs.make("kitting_alone", overrides=["safety={}"])
    env.reset(seed=1)
    top = 0.0
    for _ in range(12):
        env.step(np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0]))
        top = max(top, float(np.linalg.norm(env.state.robots["robot"].tcp_velocity[3:])))
    assert 1.9 < top < 1.02 * env.scenario.tcp_turn
    env.close()
