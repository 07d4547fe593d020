"""Faults are data: when they act is drawn, what they do to the sensing is as they say."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import numpy as np
import pytest

from genba import scenarios
from genba.sim.disturbed import DisturbedSensors
from genba.sim.faults import FAULTS, Fault, Faults, Plan, What, schedule
from genba.sim.sensors import SensorConfig, Sensors, Tracks
from genba.sim.state import Person, RobotState, State

TICK = 1.0 / 120.0
EXACT = SensorConfig(noise=1e-9, joint_noise=1e-9, joint_speed_noise=1e-9)


def rng(seed=0):
    return np.random.default_rng(seed)


def truth(time, where=1.0):
    """A person who walks along x at 1 m/s, and a robot at the origin."""
    x = where + time
    body = np.tile(np.array([x, 0.0, 0.5, x, 0.0, 0.6, 0.1]), (17, 1))
    person = Person("visitor", "indifferent", body, np.zeros((17, 6)))
    robot = RobotState(
        np.zeros(7), np.zeros(7), np.zeros(7), np.zeros(6), np.zeros((8, 7)), np.zeros((8, 6)),
        0.0, False,
    )  # fmt: skip
    return State(time, {"robot": robot}, {"ann": person}, machines={"emergency_stop": False})


def watch(config, *faults, seconds=3.0, where=1.0):
    """(time, measured state) of every tick under the faults."""
    sensors = DisturbedSensors(Sensors(config, rng()), Faults(faults), rng(1))
    return [(i * TICK, sensors.measure(truth(i * TICK, where))) for i in range(int(seconds / TICK))]


def fault(what, value=None, begin=1.0, end=2.0):
    return Fault(what, begin, end, FAULTS[what].default if value is None else value)


def behind(time, seen, where=1.0):
    """How long ago (s) the person was where the state has them."""
    return float(time + where - seen.people["ann"].capsules[0, 0])


# When


def test_every_fault_says_what_it_does():
    for what, kind in FAULTS.items():
        assert kind.text and kind.low <= kind.default <= kind.high, what
        assert bool(kind.unit) or kind.default == 1.0


def test_a_fault_at_a_time_acts_from_then_for_as_long_as_it_says():
    (found,) = schedule([Plan(What.GUARD_OPEN, at=2.0, seconds=3.0)], rng(), 60.0)
    assert (found.begin, found.end) == (2.0, 5.0)
    at = [bool(Faults([found]).now(t)) for t in (1.99, 2.0, 4.99, 5.0)]
    assert at == [False, True, True, False]


def test_faults_at_random_are_as_many_as_asked_for_and_the_same_for_the_same_seed():
    plan = Plan(What.TAKEOVER, per_hour=30.0, seconds=5.0)
    counts = [len(schedule([plan], rng(seed), 3600.0)) for seed in range(200)]
    assert np.mean(counts) == pytest.approx(30.0, abs=1.5)
    assert schedule([plan], rng(7), 3600.0) == schedule([plan], rng(7), 3600.0)
    assert schedule([plan], rng(7), 3600.0) != schedule([plan], rng(8), 3600.0)


def test_faults_at_random_come_at_any_time_and_in_order():
    plan = Plan(What.TAKEOVER, per_hour=3600.0, seconds=5.0)
    begins = [f.begin for f in schedule([plan, Plan(What.JAM, at=100.0)], rng(), 3600.0)]
    assert begins == sorted(begins) and 0.0 <= begins[0] and begins[-1] <= 3600.0
    assert np.histogram(begins, 4, (0.0, 3600.0))[0] == pytest.approx([900] * 4, rel=0.15)
    assert len(begins) == pytest.approx(3600, abs=180)


def test_without_an_end_a_fault_acts_to_the_end_and_of_two_of_a_kind_the_later():
    first, other = Plan(What.CLOCK_SKEW, at=1.0), Plan(What.CLOCK_SKEW, at=5.0, value=0.7)
    for plans in ([first, other], [other, first]):
        faults = Faults(schedule(plans, rng(), 60.0))
        found = [faults.now(t).get(What.CLOCK_SKEW) for t in (0.5, 1.0, 4.9, 5.0, 59.9)]
        assert found == [None, 0.2, 0.2, 0.7, 0.7]


def test_one_more_fault_does_not_move_those_before_it():
    plan = Plan(What.TAKEOVER, per_hour=30.0, seconds=5.0)
    alone = schedule([plan], rng(7), 3600.0)
    both = schedule([plan, Plan(What.JAM, per_hour=60.0)], rng(7), 3600.0)
    assert tuple(f for f in both if f.what is What.TAKEOVER) == alone


def test_a_person_sets_right_what_a_person_can():
    faults = Faults([fault(What.GUARD_OPEN, end=9.0), fault(What.CLOCK_SKEW, end=9.0)])
    assert set(faults.now(3.0)) == {What.GUARD_OPEN, What.CLOCK_SKEW}
    faults.serve(3.0)
    assert set(faults.now(3.1)) == {What.CLOCK_SKEW}
    later = Faults([fault(What.GUARD_OPEN, begin=5.0, end=9.0)])
    later.serve(3.0)
    assert later.now(6.0)


# The sensing


def test_a_fault_that_does_not_act_changes_not_a_bit():
    plain = Sensors(SensorConfig(), rng())
    for (time, seen), i in zip(
        watch(SensorConfig(), fault(What.CLOCK_SKEW)), range(120), strict=False
    ):
        now = plain.measure(truth(i * TICK))
        assert np.array_equal(now.people["ann"].capsules, seen.people["ann"].capsules)
        assert np.array_equal(now.robots["robot"].q, seen.robots["robot"].q) and time < 1.0


@pytest.mark.parametrize(("what", "told"), [(What.SENSOR_DELAY, True), (What.CLOCK_SKEW, False)])
def test_reports_come_later_than_declared_and_may_say_so(what, told):
    for time, seen in watch(EXACT, fault(what, 0.3)):
        if 0.3 < time < 0.99 or 2.01 < time:
            assert behind(time, seen) == pytest.approx(0.1, abs=0.01)
        elif 1.0 <= time < 2.0:
            assert behind(time, seen) == pytest.approx(0.4, abs=0.01)
            assert seen.people_age == pytest.approx(0.4 if told else 0.1, abs=0.01)


def test_while_the_tracking_is_lost_the_last_report_stands_and_grows_old():
    for time, seen in watch(EXACT, fault(What.TRACKING_LOST)):
        if 1.0 <= time < 2.0:
            assert behind(time, seen) == pytest.approx(seen.people_age, abs=0.01)
            assert seen.people_age == pytest.approx(time - 0.9, abs=0.01)


def test_noise_goes_beyond_its_bound_by_the_factor_and_no_further():
    config = SensorConfig(noise=0.03, correlation=0.05, delay=0.0)
    errors = {False: 0.0, True: 0.0}
    for time, seen in watch(config, fault(What.SENSOR_NOISE, 3.0, end=40.0), seconds=20.0):
        at = seen.people["ann"].capsules[0, :3] - [1.0 + time, 0.0, 0.5]
        errors[time >= 1.0] = max(errors[time >= 1.0], float(np.linalg.norm(at)))
    assert errors[False] <= 0.05 + 1e-9 < 0.08 < errors[True] <= 0.15 + 1e-9


def test_a_person_who_is_lost_is_gone_from_the_track_and_comes_back():
    for time, seen in watch(EXACT, fault(What.PERSON_LOST), where=-1.0):
        assert bool(seen.people) == (not 1.0 <= time < 2.0 - 1e-6)


def test_nobody_is_lost_who_is_not_near():
    assert all(seen.people for _, seen in watch(EXACT, fault(What.PERSON_LOST), where=4.0))


REPORTED = {
    What.GUARD_OPEN: ("guard_open", True),
    What.TAKEOVER: ("takeover", True),
    What.RECORDER_FAILED: ("recorder_failed", True),
    What.WRONG_PART: ("wrong_part", True),
    What.REDUCED_SPEED: ("reduced_speed", True),
    What.EMERGENCY_STOP: ("emergency_stop", True),
    What.CONFIGURATION_CHANGED: ("configuration", "changed"),
    What.JAM: ("insertion_force", 150.0),
    What.RETRIES: ("retries", 3.0),
    What.UNCERTAINTY: ("uncertainty", 2.0),
    What.OPERATOR_LOAD: ("operator_requests", 6.0),
    What.TRACKERS_DISAGREE: ("tracker_disagreement", 0.3),
}


@pytest.mark.parametrize("what", REPORTED)
def test_what_controllers_report_they_report_while_the_fault_acts(what):
    key, value = REPORTED[what]
    for time, seen in watch(EXACT, fault(what)):
        told = seen.machines.get(key)
        assert (told == value) if 1.0 <= time < 2.0 - 1e-6 else not told


def test_an_emergency_stop_may_come_from_a_fault():
    seen = dict(watch(EXACT, fault(What.EMERGENCY_STOP, 0.0)))
    assert next(s for t, s in seen.items() if t > 1.5).machines["emergency_stop"] == "fault"


def test_an_encoder_that_is_off_turns_joint_1_alone():
    seen = [s for t, s in watch(EXACT, fault(What.ENCODER_OFFSET, 4.0)) if 1.0 <= t < 2.0 - 1e-6]
    for s in seen:
        assert s.robots["robot"].q == pytest.approx([4.0, 0, 0, 0, 0, 0, 0], abs=1e-6)


# The second tracker and the force


def test_two_sound_trackers_never_disagree_by_more_than_both_bounds():
    sensors = Sensors(SensorConfig(noise=0.05, correlation=0.02, second_tracker=True), rng(3))
    told = [sensors.measure(truth(i * TICK)).machines for i in range(3000)]
    apart = [float(machines["tracker_disagreement"]) for machines in told]
    assert 0.05 < max(apart) <= 0.1


def test_what_is_told_of_the_trackers_is_of_whom_they_differ_most_about():
    config = SensorConfig(noise=0.05, correlation=0.02, second_tracker=True)
    tracks = Tracks(config, rng(3), rng(4))
    twins = [Tracks(config, rng(3), rng(4)) for _ in range(2)]
    ann = truth(0.0).people["ann"]
    for tick in range(200):
        both = tracks.shifted({"ann": ann, "bob": ann})[1]
        alone = twins[0].shifted({"ann": ann})[1]
        swapped = twins[1].shifted({"bob": ann, "ann": ann})[1]
        assert both >= alone and both == swapped, tick


def test_a_force_that_is_felt_is_no_less_than_nothing():
    sensors = Sensors(SensorConfig(force_noise=1.0), rng())
    felt = [sensors.measure(truth(i * TICK)).robots["robot"].wrench for i in range(600)]
    assert min(felt) >= 0.0 and np.mean(felt) == pytest.approx(np.sqrt(2.0 / np.pi), rel=0.1)


def test_a_second_tracker_leaves_the_first_its_bits():
    one, two = Sensors(SensorConfig(), rng()), Sensors(SensorConfig(second_tracker=True), rng())
    for i in range(400):
        a, b = (s.measure(truth(i * TICK)) for s in (one, two))
        assert np.array_equal(a.people["ann"].capsules, b.people["ann"].capsules)


def test_the_force_is_measured_with_noise_where_it_is_read():
    now = truth(0.0)
    pressed = now._replace(robots={"robot": now.robots["robot"]._replace(wrench=30.0)})
    sensors = Sensors(SensorConfig(force_noise=1.0), rng())
    felt = [sensors.measure(pressed).robots["robot"].wrench for _ in range(2000)]
    assert np.mean(felt) == pytest.approx(30.0, abs=0.1) and np.std(felt) == pytest.approx(1, 0.1)
    assert Sensors(SensorConfig(), rng()).measure(now).robots["robot"].wrench == 0.0


# The scenario


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{what: gard_open, at: 1}", ["faults.0.what", "no such fault", "guard_open"]),
        ("{what: guard_open}", ["faults.0", "`at`"]),
        ("{what: guard_open, at: 1, per_hour: 2}", ["faults.0", "not both"]),
        ("{what: guard_open, at: 1, value: 2}", ["faults.0", "takes no value"]),
        ("{what: slow_brakes, at: 1, value: 2}", ["faults.0", "between 0.01 and 1"]),
        ("{what: guard_open, at: -1}", ["faults.0.at"]),
        ("{what: guard_open, at: .nan}", ["faults.0.at"]),
        ("{what: guard_open, at: 1, seconds: 0}", ["faults.0.seconds"]),
        ("{what: guard_open, at: 1, colour: red}", ["faults.0.colour", "unknown key"]),
    ],
)
def test_a_fault_that_cannot_be_is_one_line(tmp_path, line, words):
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: mine\ncell: kitting\nfaults: [{line}]\n")
    with pytest.raises(scenarios.ScenarioError) as error:
        scenarios.load(file)
    assert "\n" not in str(error.value)
    assert all(word in str(error.value) for word in words), str(error.value)
