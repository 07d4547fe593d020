"""Sensors: late by what was declared, wrong by no more than was declared, the same every time."""

import numpy as np
import pytest

from genba.sim.sensors import SensorConfig, Sensors
from genba.sim.state import Array, Part, Person, RobotState, State

TICK = 1 / 120
PERFECT = SensorConfig(
    delay=0.0, noise=0.0, joint_noise=0.0, joint_speed_noise=0.0, vision_noise=0.0, vision_angle=0.0
)


def sensors(seed=0, **config):
    return Sensors(SensorConfig(**config), np.random.default_rng(seed))


def walker(t, speed=1.0):
    """All capsules move in x at `speed`."""
    capsules = np.arange(17 * 7, dtype=float).reshape(17, 7)
    capsules[:, [0, 3]] += speed * t
    velocities = np.zeros((17, 6))
    velocities[:, [0, 3]] = speed + t  # so that one sees when they are from
    return Person("visitor", "helpful", capsules, velocities)


def truth(t, people=("ann",)):
    n: Array = np.arange(7, dtype=np.float64)
    robot = RobotState(
        n, n + 1, n + 2, np.ones(6), np.ones((5, 7)), np.ones((5, 6)), 0.04, True, 3.0
    )
    machines = {"belt": 0.2}
    return State(t, {"panda": robot}, {name: walker(t) for name in people}, {}, machines)


def run(device, ticks, **how):
    return [device.measure(truth(k * TICK, **how)) for k in range(ticks)]


def errors(measured, delay=0.1):
    """Position errors (ticks, 17, 2, 3) against the truth `delay` ago."""
    late = [m.people["ann"].capsules - walker(m.time - delay).capsules for m in measured]
    return np.array(late)[:, :, :6].reshape(len(late), 17, 2, 3)


def test_perfect_sensors_tell_the_truth():
    device = Sensors(PERFECT, np.random.default_rng(0))
    for k in range(30):
        now = truth(k * TICK)
        seen = device.measure(now)
        robot, real = seen.robots["panda"], now.robots["panda"]
        for name in RobotState._fields:
            assert np.array_equal(getattr(robot, name), getattr(real, name)), name
        assert np.array_equal(seen.people["ann"].capsules, now.people["ann"].capsules)
        assert seen.people_age == 0.0
        assert seen.time == now.time
        assert seen.machines == now.machines


def test_people_are_seen_as_they_were_when_the_report_was_taken():
    measured = run(sensors(noise=0.0), 60)[20:]
    assert np.abs(errors(measured)).max() < 1e-9
    for m in measured:
        assert m.people_age == 0.1
        assert m.people["ann"].velocities[0, 0] == pytest.approx(1.0 + m.time - 0.1)


def test_a_delay_between_two_ticks_makes_reports_a_little_older():
    for m in run(sensors(delay=0.09, noise=0.0), 60)[20:]:
        assert 0.09 <= m.people_age < 0.09 + TICK
        assert m.people["ann"].capsules[0, 0] == pytest.approx(m.time - m.people_age)


def test_the_error_moves_a_body_as_a_whole_and_never_exceeds_the_bound():
    error = errors(run(sensors(noise=0.03), 6000)[20:])
    assert np.ptp(error, axis=(1, 2)).max() < 1e-9
    size = np.linalg.norm(error[:, 0, 0], axis=1)
    assert size.max() <= 0.05 + 1e-12
    assert size.max() > 0.049  # the bound was put to the test


def test_the_error_has_the_spread_declared_and_wanders():
    error = errors(run(sensors(), 12000)[20:])[:, 0, 0]
    assert error.std(axis=0) == pytest.approx([0.015] * 3, rel=0.35)
    steps = np.diff(error, axis=0)
    assert steps.std() < 0.25 * error.std()
    half_second = np.corrcoef(error[:-60, 0], error[60:, 0])[0, 1]
    assert 0.1 < half_second < 0.7


def test_the_error_never_jumps():
    """Also where one block of noise ends and the next begins: a jump would be a speed."""
    error = errors(run(sensors(), 3000)[20:])[:, 0, 0]
    fresh = 0.015 * np.sqrt(1.0 - np.exp(-2.0 * TICK / 0.5))  # m, of a tick, each axis
    assert 2.0 * fresh < np.abs(np.diff(error, axis=0)).max() < 6.0 * fresh


def test_who_comes_and_goes_does_not_move_who_stays():
    device, seen = sensors(noise=0.03), []
    for k in range(1600):
        now = device.measure(truth(k * TICK, ("ann", "bob") if k % 100 < 50 else ("ann",)))
        seen.append(now.people["ann"].capsules[:, :6])
    assert np.abs(np.diff(seen, axis=0)[12:]).max() < 0.04


def test_two_people_have_errors_of_their_own():
    last = run(sensors(), 40, people=("ann", "bob"))[-1].people
    assert not np.allclose(last["ann"].capsules, last["bob"].capsules)


def test_who_comes_is_seen_late_and_who_left_too():
    device = sensors(noise=0.0)
    present = []
    for k in range(120):
        people = ("ann",) if 30 <= k < 80 else ()
        present.append("ann" in device.measure(truth(k * TICK, people)).people)
    assert present.index(True) == 42
    assert len(present) - present[::-1].index(True) == 92


def test_encoders_have_the_noise_declared():
    measured = run(sensors(), 3000, people=())
    real = truth(0.0).robots["panda"]
    q = np.array([m.robots["panda"].q - real.q for m in measured])
    dq = np.array([m.robots["panda"].dq - real.dq for m in measured])
    assert q.std() == pytest.approx(1e-4, rel=0.05)
    assert dq.std() == pytest.approx(1e-3, rel=0.05)
    assert abs(q.mean()) < 1e-5
    assert abs(np.corrcoef(q[1:, 0], q[:-1, 0])[0, 1]) < 0.1


def test_a_lost_track_stands_still_and_grows_old():
    device = sensors(noise=0.0, dropout=1.0, dropout_seconds=0.3)
    measured = run(device, 2400)
    ages = np.array([m.people_age for m in measured])
    lost = ages > 0.1 + 1e-9
    assert 0.05 < lost.mean() < 0.6
    assert not lost[-1] or not lost[:-1].all()
    assert (~lost[1:] & lost[:-1]).sum() >= 3  # it came back
    for m in measured[20:]:
        assert m.people["ann"].capsules[0, 0] == pytest.approx(m.time - m.people_age, abs=1e-6)


def test_the_track_is_lost_as_often_and_for_as_long_as_declared():
    device = sensors(dropout=1.0, dropout_seconds=0.3)
    lost = np.array([m.people_age > 0.1 + 1e-9 for m in run(device, 72_000, people=())])
    begins = np.sum(lost[1:] & ~lost[:-1])
    assert begins / 600.0 == pytest.approx(1.0 / 1.3, rel=0.08)  # 1/s: 1 s on, 0.3 s off
    assert lost.mean() == pytest.approx(0.3 / 1.3, rel=0.12)
    lengths = np.diff(np.flatnonzero(np.diff(lost)))[0::2] * TICK
    assert lengths.std() > 0.5 * lengths.mean()  # not all alike


def test_without_dropouts_the_age_is_the_delay():
    assert {m.people_age for m in run(sensors(), 500)} == {0.1}


def test_after_the_clock_was_advanced_nobody_is_seen_where_they_were():
    device = sensors(noise=0.0)
    run(device, 30)
    seen = device.measure(truth(60.0))
    assert seen.people["ann"].capsules[0, 0] == pytest.approx(60.0)
    assert seen.people_age == 0.1


def bits(measured):
    """Everything measured, as bytes."""
    rows = []
    for m in measured:
        robot = m.robots["panda"]
        rows += [robot.q.tobytes(), robot.dq.tobytes()]
        rows += [p.capsules.tobytes() for p in m.people.values()]
    return b"".join(rows)


def test_same_seed_same_bits():
    assert bits(run(sensors(3), 600)) == bits(run(sensors(3), 600))
    assert bits(run(sensors(3), 60)) != bits(run(sensors(4), 60))


def test_a_reset_with_the_same_generator_state_starts_again():
    device = sensors(3)
    first = bits(run(device, 60))
    device.reset(np.random.default_rng(3))
    assert bits(run(device, 60)) == first
    device.reset()
    assert bits(run(device, 60)) != first


def parts(count=500):
    pose = np.array([0.4, 0.1, 0.02, 0.5, 0.5, 0.5, 0.5])
    return {f"part-{k}": Part(pose, "gear", k % 2 == 0) for k in range(count)}


def test_the_camera_has_the_error_declared_and_keeps_quaternions_whole():
    real = parts()
    seen = sensors().see_parts(real)
    poses = np.array([p.pose for p in seen.values()])
    assert (poses[:, :3] - [0.4, 0.1, 0.02]).std() == pytest.approx(1e-3, rel=0.1)
    assert np.linalg.norm(poses[:, 3:], axis=1) == pytest.approx(np.ones(500))
    turn = 2 * np.degrees(np.arccos(np.clip(poses[:, 3:] @ real["part-0"].pose[3:], -1, 1)))
    assert np.sqrt((turn**2).mean() / 3) == pytest.approx(0.5, rel=0.1)
    assert all(seen[k].kind == "gear" and seen[k].defective == p.defective for k, p in real.items())


def test_measured_parts_are_those_last_seen():
    device = sensors()
    assert device.measure(truth(0.0)).parts == {}
    seen = device.see_parts(parts(3))
    assert device.measure(truth(TICK)).parts is seen
    device.see_parts({})
    assert device.measure(truth(2 * TICK)).parts == {}


def test_looking_at_parts_does_not_change_what_is_seen_of_people():
    looking, plain = sensors(3), sensors(3)
    looking.see_parts(parts(5))
    assert bits(run(looking, 60)) == bits(run(plain, 60))


def test_the_truth_is_left_alone():
    device = sensors()
    now = truth(0.0)
    device.measure(now)
    assert np.array_equal(now.people["ann"].capsules, walker(0.0).capsules)
    assert np.array_equal(now.robots["panda"].q, np.arange(7.0))
