"""The arm's own controller: whatever it is told, its limits hold and braking takes its way."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruckig import Result, RuckigError

from genba.sim import motion
from genba.sim.kinematics import chain_of
from genba.sim.motion import TICK, Follower, realised_deceleration
from genba.sim.robots import ROBOTS, Robot
from genba.sim.state import Array

robots = st.sampled_from(list(ROBOTS.values()))
seeds = st.integers(0, 2**32 - 1)
wild = st.lists(
    st.one_of(st.floats(-20.0, 20.0), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e300])),
    min_size=7,
    max_size=7,
)


def shaken(robot: Robot, seed: int, ticks: int = 150, dt: float = TICK) -> tuple[Array, Array]:
    """Positions and velocities (ticks + 1, 7) under targets that jump about, from a random pose."""
    rng = np.random.default_rng(seed)
    follower = Follower(robot, dt)
    q = rng.uniform(robot.q_min, robot.q_max)
    follower.reset(q)
    rows: list[tuple[Array, Array]] = [(q, np.zeros(7))]
    target: Array = np.zeros(7)
    for _ in range(ticks):
        if rng.random() < 0.15:
            target = rng.uniform(-1.5, 1.5, 7) * robot.dq_max
        rows.append(follower.follow(target))
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows])


@settings(deadline=None, max_examples=40)
@given(robots, st.lists(wild, min_size=1, max_size=30))
def test_no_target_whatever_makes_it_raise_or_leave_its_limits(
    robot: Robot, targets: list[list[float]]
) -> None:
    follower = Follower(robot)
    before: Array = np.zeros(7)
    for target in targets:
        for _ in range(8):
            q, dq = follower.follow(np.array(target))
            assert np.all((q >= robot.q_min - 1e-6) & (q <= robot.q_max + 1e-6))
            assert np.all(np.abs(dq) <= robot.dq_max * (1 + 1e-9))
            assert np.all(np.abs(dq - before) <= robot.ddq_max * TICK * (1 + 1e-6))
            before = dq


@settings(deadline=None, max_examples=25)
@given(robots, seeds)
def test_velocity_and_acceleration_limits_hold_from_tick_to_tick(robot: Robot, seed: int) -> None:
    _, dq = shaken(robot, seed)
    assert np.all(np.abs(dq) <= robot.dq_max * (1 + 1e-9))
    assert np.all(np.abs(np.diff(dq, axis=0)) <= robot.ddq_max * TICK * (1 + 1e-6))


@settings(deadline=None, max_examples=15)
@given(robots, seeds)
def test_the_jerk_limit_holds_inside_the_tick(robot: Robot, seed: int) -> None:
    """Sampled so finely that a jump of the acceleration would show."""
    dt = 1e-4
    _, dq = shaken(robot, seed, ticks=400, dt=dt)
    second = np.abs(np.diff(dq, n=2, axis=0)) / dt**2
    assert np.all(second <= robot.jerk_max * (1 + 1e-3) + 1e-3)
    assert second.max() > 0.5 * robot.jerk_max.min()  # the sampling does see jerk


@settings(deadline=None, max_examples=25)
@given(robots, seeds)
def test_position_limits_hold_when_driven_into_them(robot: Robot, seed: int) -> None:
    rng = np.random.default_rng(seed)
    follower = Follower(robot)
    follower.reset(rng.uniform(robot.q_min, robot.q_max))
    target = rng.choice([-1.0, 1.0], 7) * robot.dq_max
    for _ in range(700):
        q, dq = follower.follow(target)
        assert np.all((q >= robot.q_min - 1e-6) & (q <= robot.q_max + 1e-6))
    edge = np.where(target > 0.0, robot.q_max, robot.q_min)
    np.testing.assert_allclose(q, edge, atol=0.01)  # as far as it may, and no further
    assert np.all(np.abs(dq) < 0.01)


@settings(deadline=None, max_examples=25)
@given(robots, seeds)
def test_position_is_the_integral_of_velocity(robot: Robot, seed: int) -> None:
    q, dq = shaken(robot, seed)
    trapezoid = np.diff(q, axis=0) - (dq[1:] + dq[:-1]) / 2.0 * TICK
    assert np.all(np.abs(trapezoid) <= robot.ddq_max * TICK**2 / 4.0 * (1 + 1e-6))


@settings(deadline=None, max_examples=60)
@given(robots, seeds, st.integers(0, 60))
def test_it_stands_within_the_time_and_the_way_that_were_predicted(
    robot: Robot, seed: int, ticks: int
) -> None:
    rng = np.random.default_rng(seed)
    follower = Follower(robot)
    follower.reset(robot.home)
    start = robot.home
    dq: Array = np.zeros(7)
    for _ in range(ticks):
        start, dq = follower.follow(rng.uniform(-1.0, 1.0, 7) * robot.dq_max)
    time, ways = follower.stopping(dq)
    for _ in range(int(np.ceil(time / TICK))):
        q, dq = follower.follow(np.zeros(7))
    np.testing.assert_allclose(dq, 0.0, atol=1e-9)
    assert np.all(np.abs(q - start) <= ways + 1e-9)


@pytest.mark.parametrize("robot", ROBOTS.values(), ids=lambda r: r.name)
def test_the_prediction_is_not_far_too_long(robot: Robot) -> None:
    follower = Follower(robot)
    dq = 0.8 * robot.dq_max
    time, ways = follower.stopping(dq)
    least = np.max(dq / robot.ddq_max)
    assert least < time < 1.3 * least
    assert np.all(ways < 1.5 * dq * least / 2.0 + 0.02)


@settings(deadline=None, max_examples=30)
@given(robots, seeds)
def test_braking_keeps_the_direction_of_the_motion(robot: Robot, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dq = rng.uniform(-0.5, 0.5, 7)
    follower = Follower(robot)
    follower.reset(robot.home, dq)
    while np.linalg.norm(dq) > 1e-3:
        _, after = follower.follow(np.zeros(7))
        assert np.linalg.norm(after) < np.linalg.norm(dq)
        np.testing.assert_allclose(after, dq * (after @ dq) / (dq @ dq), atol=1e-9)
        dq = after


def test_a_steady_target_is_reached_and_kept() -> None:
    robot = ROBOTS["panda"]
    target = np.array([0.1, -0.2, 0.1, 0.2, -0.1, 0.1, 0.3])
    follower = Follower(robot)
    for _ in range(30):
        _, dq = follower.follow(target)
    np.testing.assert_allclose(dq, target, atol=1e-9)


def test_a_target_too_fast_is_slowed_down_as_a_whole() -> None:
    robot = ROBOTS["panda"]
    target = np.array([4.35, 0.0, 0.0, -0.5, 0.0, 0.0, 1.0])
    follower = Follower(robot)
    for _ in range(40):
        _, dq = follower.follow(target)
    np.testing.assert_allclose(dq, target / 2.0, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(robots, seeds, seeds)
def test_after_a_reset_the_same_targets_give_the_same_bits(
    robot: Robot, seed: int, earlier: int
) -> None:
    def play(follower: Follower, number: int) -> list[tuple[Array, Array]]:
        rng = np.random.default_rng(number)
        follower.reset(robot.home)
        return [follower.follow(rng.normal(size=7)) for _ in range(40)]

    fresh, used = Follower(robot), Follower(robot)
    play(used, earlier)
    for a, b in zip(play(fresh, seed), play(used, seed), strict=True):
        assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])


def test_answers_share_no_memory() -> None:
    follower = Follower(ROBOTS["iiwa"])
    q, dq = follower.follow(np.full(7, 0.1))
    q[:], dq[:] = 9.0, 9.0
    again, _ = follower.follow(np.full(7, 0.1))
    assert np.all(np.abs(again - ROBOTS["iiwa"].home) < 0.01)


@pytest.mark.parametrize(
    "q", [np.full(7, np.nan), np.full(7, 9.0), np.append(ROBOTS["panda"].home[:6], 3.0)]
)
def test_it_refuses_to_start_past_its_limits(q: Array) -> None:
    with pytest.raises(ValueError, match="past the limits"):
        Follower(ROBOTS["panda"]).reset(q)
    with pytest.raises(ValueError, match="past the limits"):
        Follower(ROBOTS["panda"]).reset(ROBOTS["panda"].home, np.full(7, 3.0))


class Refusing:
    """A planner that gives up."""

    def __init__(self, n: int, dt: float) -> None:
        self.calls = 0

    def reset(self) -> None:
        pass

    def update(self, given: Any, answer: Any) -> Result:
        self.calls += 1
        if self.calls % 2:
            raise RuckigError("no")
        return Result.ErrorSynchronizationCalculation


def test_when_the_planner_gives_up_the_limits_hold_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(motion, "Ruckig", Refusing)
    robot = ROBOTS["panda"]
    follower = Follower(robot)
    before: Array = np.zeros(7)
    for _ in range(60):
        q, dq = follower.follow(np.full(7, 0.4))
        assert np.all(np.abs(dq - before) <= robot.ddq_max * TICK * (1 + 1e-9))
        before = dq
    np.testing.assert_allclose(dq, 0.4)
    np.testing.assert_allclose(q - robot.home, 60 * TICK * 0.4, atol=0.02)
    for _ in range(2000):
        q, dq = follower.follow(np.full(7, 2.0))
        assert np.all(q <= robot.q_max) and np.all(np.abs(dq) <= robot.dq_max)


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_tcp_decelerates_no_slower_than_the_least_that_was_measured(robot: str) -> None:
    """1,000 samples at 0.25, 0.5 and 1 m/s gave at least 1.4 m/s^2 (Panda) and 1.8 m/s^2 (iiwa)."""
    chain = chain_of(robot, "parallel")
    least = {"panda": 1.4, "iiwa": 1.8}[robot]
    for speed in (0.25, 1.0):
        sample = realised_deceleration(chain, speed, samples=25, seed=1)
        assert sample.shape == (25,)
        assert np.all(sample >= least)
        assert np.median(sample) < 12.0  # the joints' acceleration limits cannot give more
    again = realised_deceleration(chain, 1.0, samples=25, seed=1)
    assert np.array_equal(again, sample)


@pytest.mark.parametrize("name", ROBOTS)
def test_an_arm_that_is_held_back_gives_its_path_up_before_it_would_run_after_it(name: str) -> None:
    robot = ROBOTS[name]
    follower, q = Follower(robot), np.array(robot.home)
    lost, speeds, ticks = False, [0.0], 0
    while not lost and ticks < 60:
        speeds, lost = follower.servo(robot.dq_max, q, False)
        ticks += 1
    assert lost and np.abs(speeds).max() < 0.6 * robot.dq_max.max()
    follower.reset(q)
    for _ in range(60):  # and one that follows does not
        speeds, lost = follower.servo(robot.dq_max, q, False)
        q = q + np.array(speeds) * TICK
        assert not lost
