"""The referee: numbers worked out by hand, however short the touch, and no breach without cause."""

from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.sim.body_limits import LIMITS, severity
from genba.sim.people import CAPSULE_REGIONS
from genba.sim.referee import Referee, RefereeConfig
from genba.sim.state import REGIONS, EventKind, Person, RobotState, State

TICK = 1 / 120
PANDA = 9.73  # kg, m_R with M 18 kg and a hand of 0.73 kg
SKULL, CHEST, HAND = (CAPSULE_REGIONS.index(r) for r in ("skull", "chest", "hand"))


def ball(position, radius=0.05):
    return np.array([*position, *position, radius])


def arm(position=(0.0, 0.0, 0.5), velocity=(0.0, 0.0, 0.0), radius=0.05):
    """A robot of one moving ball and a base that is out of everybody's way."""
    zero = np.zeros(7)
    capsules = np.array([ball((-0.9, 0.0, 0.0)), ball(position, radius)])
    velocities = np.zeros((2, 6))
    velocities[1] = [*velocity, *velocity]
    return RobotState(zero, zero, zero, np.zeros(6), capsules, velocities, 0.0, False)


def someone(part, position, velocity=(0.0, 0.0, 0.0), radius=0.05):
    """A person of whom only one part is near; the rest stands well off."""
    capsules = np.array([ball((1.2, 1.2, 0.1 * k)) for k in range(17)])
    velocities = np.zeros((17, 6))
    capsules[part] = ball(position, radius)
    velocities[part] = [*velocity, *velocity]
    return Person("visitor", "helpful", capsules, velocities)


def state(time, robot, person=None):
    return State(time, {"panda": robot}, {} if person is None else {"ann": person})


def judge(**config):
    return Referee({"panda": PANDA}, RefereeConfig(obstacles=(), **config))


def play(referee, ticks, robot, person, start=0.0):
    """Watch `ticks` ticks of robot(t) and person(t), and close."""
    events = []
    for k in range(ticks):
        t = start + k * TICK
        events += referee.watch(state(t, robot(t), person(t)), TICK)
    return events


def flyby(speed, part=CHEST, gap=0.0):
    """A ball that passes a resting part at a lateral gap between the surfaces."""
    return (
        lambda t: arm((-0.5 + speed * t, 0.0, 0.5), (speed, 0.0, 0.0)),
        lambda t: someone(part, (0.0, 0.1 + gap, 0.5)),
    )


def head_on(speed, part=CHEST):
    """A ball that flies at a resting part until it is 2 cm deep, and stops."""

    def robot(t):
        x = min(-0.3 + speed * t, -0.08)
        return arm((x, 0.0, 0.5), (speed if x < -0.08 else 0.0, 0.0, 0.0))

    return robot, lambda t: someone(part, (0.0, 0.0, 0.5))


def only(events, kind):
    found = [e for e in events if e.kind == kind]
    assert len(found) == 1, [e.kind for e in events]
    return found[0]


def test_nobody_no_events_and_infinite_separation():
    referee = judge()
    assert referee.watch(state(0.0, arm()), TICK) == []
    assert referee.separation == inf
    assert referee.close(1.0) == []


def test_separation_is_the_distance_of_the_surfaces():
    referee = judge()
    referee.watch(state(0.0, arm(), someone(HAND, (0.4, 0.0, 0.5))), TICK)
    assert referee.separation == pytest.approx(0.3)
    assert referee.worst == (pytest.approx(0.3), 0.0, pytest.approx(0.3))


@pytest.mark.parametrize(
    ("region", "speed"), [("hand", 0.68), ("chest", 0.32)]
)  # docs/standards.md 2, check values
def test_two_body_model_reproduces_the_check_values(region, speed):
    held = severity(region, speed, PANDA, clamped=True)
    free = severity(region, 2 * speed, PANDA, clamped=False)
    assert held.force_ratio == pytest.approx(1.0, abs=0.02)
    assert free.force_ratio == pytest.approx(1.0, abs=0.02)


def test_every_region_has_limits_and_says_that_they_are_not_verified():
    assert tuple(LIMITS) == REGIONS
    assert not any(limit.verified for limit in LIMITS.values())
    assert all(limit.source for limit in LIMITS.values())


def test_head_and_face_have_no_transient_allowance():
    for region in REGIONS:
        free = severity(region, 0.5, PANDA, clamped=False).force_ratio
        held = severity(region, 0.5, PANDA, clamped=True).force_ratio
        assert held / free == pytest.approx(1.0 if region in ("skull", "face") else 2.0)


def test_the_lower_of_the_two_energy_limits_counts():
    for region, limit in LIMITS.items():
        harm = severity(region, 1.0, PANDA, clamped=False)
        allowed = harm.energy / harm.energy_ratio
        from_force = (limit.transient * limit.force) ** 2 / (2 * limit.stiffness)
        assert allowed == pytest.approx(min(limit.energy, from_force))


def test_a_contact_has_the_figures_of_the_two_body_model():
    referee = judge()
    events = play(referee, 60, *head_on(0.5)) + referee.close(0.5)
    contact = only(events, EventKind.CONTACT)
    mu = 1 / (1 / 40 + 1 / PANDA)
    force = 0.5 * sqrt(mu * 25e3)
    assert contact.subject == "ann"
    assert contact.data["region"] == "chest"
    assert contact.data["link"] == "1"
    assert contact.data["relative_speed"] == pytest.approx(0.5)
    assert contact.data["robot_speed"] == pytest.approx(0.5)
    assert contact.data["force"] == pytest.approx(force)
    assert contact.data["energy"] == pytest.approx(mu * 0.25 / 2)
    assert contact.data["force_ratio"] == pytest.approx(force / 280)
    assert contact.data["start"] == pytest.approx(0.4, abs=TICK / 4)
    assert not contact.data["clamped"]


def test_links_can_have_names():
    referee = Referee({"panda": PANDA}, RefereeConfig(obstacles=()), {"panda": ("base", "tip")})
    events = play(referee, 60, *head_on(0.5)) + referee.close(0.5)
    assert only(events, EventKind.CONTACT).data["link"] == "tip"


def test_a_touch_between_two_ticks_is_seen():
    referee = judge()
    robot, person = flyby(2.4, gap=-0.0004)
    apart = []

    def watched(t):
        gap = np.linalg.norm(robot(t).capsules[1, :3] - person(t).capsules[CHEST, :3])
        apart.append(gap - 0.1)
        return robot(t)

    # 2 cm a tick: 0.5 ticks off the middle on either side
    events = play(referee, 60, watched, person, start=TICK / 2)
    assert min(apart) > 0.0
    contact = only(events + referee.close(1.0), EventKind.CONTACT)
    assert 0.0 < contact.data["duration"] < TICK


def test_passing_by_is_no_contact():
    referee = judge()
    events = play(referee, 80, *flyby(2.4, gap=0.001)) + referee.close(1.0)
    assert {e.kind for e in events} == {EventKind.BREACH}


def test_nothing_is_made_up_between_ticks_when_the_clock_was_advanced():
    referee = judge()
    there, here = arm((-0.5, 0.0, 0.5)), arm((0.5, 0.0, 0.5))
    person = someone(CHEST, (0.0, 0.0, 0.5))
    referee.watch(state(0.0, there, person), TICK)
    # whatever the caller says of the time since
    for told in (60.0, TICK):
        assert referee.watch(state(60.0, here, person), told) == []
        assert referee.close(60.0) == []
        referee.watch(state(0.0, there, person), TICK)


def test_a_touch_of_before_is_over_when_the_clock_was_advanced():
    referee = judge()
    person = someone(CHEST, (0.0, 0.0, 0.5))
    referee.watch(state(0.0, arm((0.0, 0.0, 0.5)), person), TICK)
    (event,) = referee.watch(state(20.0, arm((0.0, 0.0, 0.5)), person), TICK)
    assert event.kind == EventKind.CONTACT and event.data["duration"] <= TICK
    (event,) = referee.close(20.1)  # the one of now
    assert event.data["start"] == pytest.approx(20.0, abs=TICK) and not event.data["clamped"]


def test_a_resting_robot_that_is_touched_says_so():
    referee = judge()

    def person(t):
        return someone(HAND, (max(0.2 - 0.8 * t, 0.08), 0.0, 0.5), (-0.8, 0.0, 0.0))

    events = play(referee, 30, lambda t: arm(), person) + referee.close(0.3)
    contact = only(events, EventKind.CONTACT)
    assert contact.data["robot_speed"] == 0.0
    assert contact.data["relative_speed"] == pytest.approx(0.8)
    assert contact.data["force"] > 100.0


def test_the_greatest_closing_speed_of_a_contact_counts():
    def robot(t):
        speed = 0.1 if t < 0.1 else 0.4
        return arm((-0.09, 0.0, 0.5), (speed, 0.0, 0.0))

    referee = judge()
    events = play(referee, 40, robot, lambda t: someone(CHEST, (0.0, 0.0, 0.5)))
    contact = only(events + referee.close(0.4), EventKind.CONTACT)
    assert contact.data["relative_speed"] == pytest.approx(0.4)


def touching(times):
    """Robot at rest in touch with a hand during the given spans of time."""

    def person(t):
        near = any(a <= t <= b for a, b in times)
        return someone(HAND, (0.09 if near else 0.3, 0.0, 0.5))

    return lambda t: arm(), person


def test_touches_in_quick_succession_are_one_contact():
    referee = judge()
    events = play(referee, 120, *touching([(0.1, 0.2), (0.3, 0.4)])) + referee.close(1.0)
    contact = only(events, EventKind.CONTACT)
    assert contact.data["duration"] == pytest.approx(0.3, abs=2 * TICK)


def test_touches_far_apart_are_two_contacts_and_events_are_in_order():
    referee = judge()
    events = play(referee, 180, *touching([(0.1, 0.2), (0.8, 0.9)])) + referee.close(1.5)
    assert [e.kind for e in events] == [EventKind.CONTACT] * 2
    assert events[0].time < events[1].time
    assert events[0].data["start"] < 0.11 < 0.7 < events[1].data["start"]


def test_a_contact_of_more_than_half_a_second_with_a_moving_robot_is_clamping():
    for seconds, speed, clamped in ((0.4, 0.1, False), (0.7, 0.1, True), (0.7, 0.01, False)):
        referee = judge()
        _, person = touching([(0.1, 0.1 + seconds)])
        events = play(referee, 150, lambda t, v=speed: arm(velocity=(v, 0.0, 0.0)), person)
        events += referee.close(2.0)
        assert only(events, EventKind.CONTACT).data["clamped"] is clamped
        if clamped:
            clamping = only(events, EventKind.CLAMPING)
            assert clamping.data["start"] == pytest.approx(0.6, abs=2 * TICK)
            assert clamping.data["duration"] == pytest.approx(0.2, abs=2 * TICK)


@pytest.mark.parametrize(("push", "clamped"), [(-1.0, True), (1.0, False)])
def test_a_hand_between_robot_and_table_is_clamped_at_once(push, clamped):
    """Pressed down on the table it is; lifted from it by the same robot it is not."""
    referee = Referee({"panda": PANDA})
    hand = someone(HAND, (0.4, 0.0, 0.06))  # 1 cm over the table

    def robot(t):
        height = 0.06 - push * (0.11 - 0.3 * t)
        return arm((0.4, 0.0, height), (0.0, 0.0, 0.3 * push))

    events = play(referee, 8, robot, lambda t: hand) + referee.close(0.1)
    contact = only(events, EventKind.CONTACT)
    assert contact.data["clamped"] is clamped
    limit = 140.0 * (1.0 if clamped else 2.0)
    assert contact.data["force_ratio"] == pytest.approx(contact.data["force"] / limit)
    assert len([e for e in events if e.kind == EventKind.CLAMPING]) == clamped


@pytest.mark.parametrize(
    ("gap", "velocity", "breach"),
    [
        (0.41, (1.0, 0.0, 0.0), True),  # S* = 1.6 / 5 + 1 / 10 = 0.42
        (0.43, (1.0, 0.0, 0.0), False),
        (0.41, (-1.0, 0.0, 0.0), False),  # receding
        (0.41, (0.0, 1.0, 0.0), False),  # passing
        (0.01, (0.0, 0.0, 0.0), False),  # standing still
        (-0.01, (0.0, 0.0, 0.0), False),  # and touched
    ],
)
def test_a_breach_is_less_separation_than_braking_takes(gap, velocity, breach):
    referee = judge()
    person = someone(CHEST, (0.1 + gap, 0.0, 0.5))
    referee.watch(state(1.0, arm(velocity=velocity), person), TICK)
    events = referee.close(1.1)
    assert [e.kind for e in events if e.kind == EventKind.BREACH] == [EventKind.BREACH] * breach
    if breach:
        assert events[0].data["margin"] == pytest.approx(-0.01)
        assert events[0].data["separation"] == pytest.approx(0.41)
        assert events[0].data["speed"] == pytest.approx(1.0)
        assert referee.worst == (pytest.approx(-0.01), 1.0, pytest.approx(0.41))


def test_the_deceleration_is_a_parameter():
    referee = judge(deceleration=1.0)
    assert referee.horizon > 4.0
    person = someone(CHEST, (1.0, 0.0, 0.5))
    referee.watch(state(0.0, arm(velocity=(1.0, 0.0, 0.0)), person), TICK)
    assert referee.worst[0] == pytest.approx(0.9 - 1.6 - 0.5)


def test_breaches_in_quick_succession_are_one():
    def robot(t):
        fast = t < 0.2 or 0.3 < t < 0.5 or t > 1.0
        return arm(velocity=(1.0 if fast else 0.0, 0.0, 0.0))

    referee = judge()
    events = play(referee, 150, robot, lambda t: someone(CHEST, (0.3, 0.0, 0.5)))
    events += referee.close(1.25)
    assert [e.kind for e in events] == [EventKind.BREACH] * 2
    assert events[0].data["duration"] == pytest.approx(0.5, abs=2 * TICK)


def test_what_is_open_is_written_when_the_person_leaves():
    referee = judge()
    person = someone(CHEST, (0.3, 0.0, 0.5))
    referee.watch(state(0.0, arm(velocity=(1.0, 0.0, 0.0)), person), TICK)
    events = referee.watch(state(TICK, arm()), TICK)
    assert [e.kind for e in events] == [EventKind.BREACH]
    assert referee.watch(state(2 * TICK, arm()), TICK) == []


def test_reset_forgets_what_is_open():
    referee = judge()
    person = someone(CHEST, (0.3, 0.0, 0.5))
    referee.watch(state(0.0, arm(velocity=(1.0, 0.0, 0.0)), person), TICK)
    referee.reset()
    assert referee.close(1.0) == []
    assert referee.worst[0] == inf


def test_robots_and_people_are_judged_pair_by_pair():
    referee = Referee({"a": PANDA, "b": PANDA}, RefereeConfig(obstacles=()))
    robots = {"a": arm((0.0, 0.0, 0.5)), "b": arm((0.0, 0.5, 0.5))}
    people = {
        "ann": someone(CHEST, (0.09, 0.0, 0.5)),
        "bob": someone(HAND, (0.09, 0.5, 0.5)),
        "cyd": someone(HAND, (0.9, 0.5, 0.5)),
    }
    referee.watch(State(0.0, robots, people), TICK)
    found = {(e.subject, e.data["region"]) for e in referee.close(1.0) if "region" in e.data}
    assert found == {("ann", "chest"), ("bob", "hand")}


T_R, BRAKE, V_H, D0 = 0.1, 5.0, 1.6, 0.06


def cap(distance):
    """The exact inverse of S_p (docs/standards.md 1), written here anew."""
    root = V_H**2 + (BRAKE * T_R) ** 2 + 2 * BRAKE * (distance - D0)
    return max(0.0, sqrt(max(0.0, root)) - (BRAKE * T_R + V_H)) if distance > D0 else 0.0


def chase(person_speed, error, guarded, start=2.5):
    """A robot that makes for a person who makes for it, under an ideal SSM with its reaction."""
    referee = judge()
    x, v, body, t = 0.0, 0.0, start, 0.0
    seen = []  # caps as they were decided, obeyed T_r later
    events = []
    while t < 3.0 and body - x > 0.0:
        seen.append(cap(body - x - 0.1 + error) if guarded else 1.7)
        allowed = min(seen[max(0, len(seen) - 1 - round(T_R / TICK)) :])
        want = 1.7 if len(seen) > 12 else 0.0
        v = min(want, v + 13.0 * TICK, max(allowed, v - BRAKE * TICK))
        x += v * TICK
        body -= person_speed * TICK
        t += TICK
        robot = arm((x, 0.0, 0.5), (v, 0.0, 0.0))
        person = someone(CHEST, (body, 0.0, 0.5), (-person_speed, 0.0, 0.0))
        events += referee.watch(state(t, robot, person), TICK)
    return [e for e in events + referee.close(t) if e.kind == EventKind.BREACH]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.floats(0.0, 1.6), st.floats(-0.05, 0.05))
def test_a_working_separation_monitor_never_breaches(person_speed, error):
    assert chase(person_speed, error, guarded=True) == []


def test_without_one_the_same_robot_does():
    assert len(chase(1.0, 0.0, guarded=False)) == 1


def test_a_body_pushes_the_robot_away():
    referee = judge(damping=0.0)
    now = state(0.0, arm(), someone(CHEST, (0.099, 0.0, 0.5)))
    referee.watch(now, TICK)
    [(link, point, force)] = referee.penalty(now)
    assert link == 1
    assert point == pytest.approx([0.05, 0.0, 0.5])
    assert force == pytest.approx([-25e3 * 0.001, 0.0, 0.0])


def test_the_push_has_a_bound_and_needs_a_touch():
    referee = judge(cap=50.0)
    deep = state(0.0, arm(), someone(CHEST, (0.03, 0.0, 0.5)))
    referee.watch(deep, TICK)
    [(_, _, force)] = referee.penalty(deep)
    assert np.linalg.norm(force) == pytest.approx(50.0)
    apart = state(TICK, arm(), someone(CHEST, (0.2, 0.0, 0.5)))
    referee.watch(apart, TICK)
    assert referee.penalty(apart) == []
    assert referee.penalty(state(TICK, arm())) == []


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_separation_agrees_with_a_search_over_points(seed):
    """However the kernel prunes: sample both axes of every pair densely."""
    rng = np.random.default_rng(seed)
    robot, person = arm(), someone(CHEST, (1.0, 0.0, 0.5))
    robot.capsules[:] = np.c_[rng.uniform(-0.5, 0.5, (2, 6)), rng.uniform(0.02, 0.1, 2)]
    person.capsules[:] = np.c_[rng.uniform(0.0, 1.5, (17, 6)), rng.uniform(0.02, 0.1, 17)]
    referee = judge()
    for k in range(2):  # the second tick starts from the nearest pair of the first
        referee.watch(state(k * TICK, robot, person), TICK)
    share = np.linspace(0.0, 1.0, 41)[:, None]
    best = inf
    for a in robot.capsules:
        p = a[:3] + share * (a[3:6] - a[:3])
        for b in person.capsules:
            q = b[:3] + share * (b[3:6] - b[:3])
            gaps = np.linalg.norm(p[:, None] - q[None], axis=-1)
            best = min(best, gaps.min() - a[6] - b[6])
    assert referee.separation <= best + 1e-9
    assert referee.separation == pytest.approx(best, abs=0.02)


def test_a_robot_that_passes_by_must_be_able_to_stand_before_who_comes_on_is_there():
    """It passes a person at 1 m/s and needs 0.2 s to stand, 1.6 m/s for 0.2 s."""
    referee = judge()
    referee.watch(state(0.0, arm(velocity=(0.0, 1.0, 0.0)), someone(CHEST, (0.4, 0.0, 0.5))), TICK)
    assert referee.worst[0] == pytest.approx(0.3 - 1.6 * 0.2)


def test_the_time_to_stand_follows_from_the_joints_where_their_brakes_are_known():
    brakes = {"panda": np.array([10.0, 2.0])}
    referee = Referee({"panda": PANDA}, RefereeConfig(obstacles=()), brakes=brakes)
    robot = arm(velocity=(1.0, 0.0, 0.0))._replace(dq=np.array([1.0, -0.5]))
    referee.watch(state(0.0, robot, someone(CHEST, (0.8, 0.0, 0.5))), TICK)
    assert referee.worst[0] == pytest.approx(0.7 - (1.6 + 0.5) * 0.25)


def test_a_robot_that_stands_and_is_pushed_does_not_move():
    """Its own drives hold it; who leans on it moves it by 0.2 m/s, and is no victim of it."""
    for driven in (False, True):
        referee = judge()
        events = play(
            referee,
            100,
            lambda t, driven=driven: arm(velocity=(0.2, 0.0, 0.0))._replace(driven=driven),
            lambda t: someone(CHEST, (0.09, 0.0, 0.5), (-0.2, 0.0, 0.0)),
        )
        contact = next(e for e in [*events, *referee.close(1.0)] if e.kind.value == "contact")
        assert contact.data["moving"] is driven and contact.data["clamped"] is driven
        assert (contact.data["robot_force_ratio"] > 0.0) is driven
        assert contact.data["relative_speed"] == pytest.approx(0.4)
        assert contact.data["robot_force_ratio"] < contact.data["force_ratio"]


def test_a_robot_that_is_only_pushed_breaches_nothing():
    """At 1 m/s towards a person 0.41 m away S* is 0.42 m, where it is its drives that move it."""
    for driven in (False, True):
        referee = judge()
        robot = arm(velocity=(1.0, 0.0, 0.0))._replace(driven=driven)
        referee.watch(state(1.0, robot, someone(CHEST, (0.51, 0.0, 0.5))), TICK)
        assert [e.kind for e in referee.close(1.1)] == [EventKind.BREACH] * driven
        assert referee.worst[:2] == (pytest.approx(-0.01 if driven else 0.41), 1.0)


def test_the_robots_own_force_that_presses_on_is_held_against_the_quasi_static_limit():
    """A hand on the table, pressed at 0.9 m/s: over the limit of 0.68, under that of a blow."""
    referee = Referee({"panda": PANDA})
    hand = someone(HAND, (0.4, 0.0, 0.06))
    events = play(
        referee,
        4,
        lambda t: arm((0.4, 0.0, 0.17 - 0.9 * t), (0.0, 0.0, -0.9)),
        lambda t: hand,
    )
    found = only(events + referee.close(0.1), EventKind.CONTACT).data
    blow, press = (severity("hand", 0.9, PANDA, clamped).force_ratio for clamped in (False, True))
    assert found["clamped"] and blow < 1.0 < press
    assert found["robot_force_ratio"] == pytest.approx(press)
    assert found["robot_energy_ratio"] == pytest.approx(
        severity("hand", 0.9, PANDA, True).energy_ratio
    )


def test_a_breach_begins_a_tick_before_it_is_seen_and_no_earlier():
    for dt, before in ((TICK, TICK), (60.0, 0.05)):
        referee = judge()
        person = someone(CHEST, (0.3, 0.0, 0.5))
        referee.watch(state(70.0, arm(velocity=(1.0, 0.0, 0.0)), person), dt)
        (breach,) = referee.close(70.0)
        assert breach.data["start"] == pytest.approx(70.0 - before, abs=1e-9)
        assert breach.data["duration"] == pytest.approx(before, abs=1e-9)


def test_clamping_begins_where_the_part_is_pressed_or_has_been_touched_for_too_long():
    """Touched 0.1 m over the table and brought down at 0.3 m/s it is held after 0.27 s."""
    referee = Referee({"panda": PANDA})
    events = play(
        referee,
        60,
        lambda t: arm((0.4, 0.0, 0.24 - 0.3 * t), (0.0, 0.0, -0.3)),
        lambda t: someone(HAND, (0.4, 0.0, 0.15 - 0.3 * t), (0.0, 0.0, -0.3)),
    )
    clamping = only(events + referee.close(0.5), EventKind.CLAMPING).data
    assert clamping["start"] == pytest.approx(0.08 / 0.3, abs=1.1 * TICK)
    referee = judge()
    _, person = touching([(0.1, 0.8)])
    events = play(referee, 150, lambda t: arm(velocity=(0.1, 0.0, 0.0)), person)
    events += referee.close(2.0)
    start = only(events, EventKind.CONTACT).data["start"]
    assert only(events, EventKind.CLAMPING).data["start"] == pytest.approx(start + 0.5, abs=1e-9)


def test_all_that_push_share_one_bound():
    """It is people who give way, not each of their limbs, nor each of them."""
    referee = judge(cap=50.0)
    ann = someone(CHEST, (0.03, 0.0, 0.5))
    ann.capsules[HAND] = ball((0.0, 0.03, 0.5))
    now = State(0.0, {"panda": arm()}, {"ann": ann, "bob": someone(SKULL, (0.0, -0.03, 0.5))})
    referee.watch(now, TICK)
    forces = [force for _, _, force in referee.penalty(now)]
    assert len(forces) == 3
    assert sum(np.linalg.norm(force) for force in forces) == pytest.approx(50.0)
    assert all(np.linalg.norm(force) == pytest.approx(50.0 / 3.0) for force in forces)


def test_a_blow_is_held_against_the_transient_limit_and_what_presses_on_against_the_other():
    """A hand is hit at 1.0 m/s (limit 1.36) and then leant upon at 0.1 m/s (limit 0.68) for 1 s."""

    def robot(t):
        slow = t > 0.1
        x = -0.17 + (1.0 * 0.1 + 0.1 * (t - 0.1) if slow else 1.0 * t)
        return arm((x, 0.0, 0.5), (0.1 if slow else 1.0, 0.0, 0.0))

    hand = CAPSULE_REGIONS.index("hand")
    referee = judge()
    events = play(referee, 130, robot, lambda t: someone(hand, (0.0, 0.0, 0.5)))
    contact = next(e for e in [*events, *referee.close(2.0)] if e.kind.value == "contact").data
    assert contact["clamped"] and contact["relative_speed"] == pytest.approx(1.0)
    limit = severity("hand", 1.0, PANDA, clamped=False)
    assert contact["force_ratio"] == pytest.approx(limit.force_ratio) and limit.force_ratio < 1.0
    assert contact["robot_force_ratio"] == pytest.approx(limit.force_ratio)


def test_who_is_free_when_the_robot_is_locked_out_leans_on_one_that_stands():
    """What a moving robot began ends there, but for a part that it presses on a table."""
    for height, pressed in ((0.5, False), (0.06, True)):
        referee = Referee({"panda": PANDA})
        person = someone(CHEST, (0.0, 0.0, height))
        tool = arm((0.0, 0.0, height + 0.09), velocity=(0.0, 0.0, -0.3))
        for tick in range(10):
            referee.watch(state(tick * TICK, tool, person), TICK)
        ended = referee.stand(10 * TICK)
        assert [e.data["clamped"] for e in ended] == ([] if pressed else [False])
        assert all(e.data["moving"] for e in ended)
        still = tool._replace(driven=False)
        for tick in range(10, 130):
            referee.watch(state(tick * TICK, still, person), TICK)
        (contact, *clampings) = referee.close(130 * TICK)
        assert contact.data["moving"] == contact.data["clamped"] == bool(clampings) == pressed


def test_nothing_lasts_beyond_the_end_of_an_episode_that_ends_within_a_tick():
    referee = judge()
    person = someone(CHEST, (0.0, 0.0, 0.5))
    referee.watch(state(1.0, arm((0.0, 0.0, 0.5), velocity=(1.0, 0.0, 0.0)), person), TICK)
    for event in referee.close(0.997):
        assert event.data["start"] + event.data["duration"] <= 0.997 + 1e-12


def test_a_link_that_moves_is_not_hidden_by_one_that_stands_and_is_hit_faster():
    """A forearm swings onto a link that stands, while another, moving, link meets its other end."""
    part = CAPSULE_REGIONS.index("lower_arm")

    def robot(t):
        x = 0.18 - 1.5 * (0.2 - min(t, 0.2))
        rods = [[0.0, -0.3, 0.5, 0.0, -0.3, 0.6, 0.05], [x, 0.3, 0.5, x, 0.3, 0.6, 0.05]]
        moves = np.zeros((2, 6))
        moves[1, [0, 3]] = 1.5
        return arm()._replace(capsules=np.array(rods), capsule_velocities=moves)

    def person(t):
        swings = someone(part, (9.0, 9.0, 0.0))
        swings.capsules[part] = [max(0.25 - 2.0 * t, 0.05), -0.3, 0.5, 0.25, 0.3, 0.5, 0.05]
        swings.velocities[part, 0] = -2.0
        return swings

    referee = judge()
    events = [*play(referee, 60, robot, person), *referee.close(60 * TICK)]
    (touch,) = [e for e in events if e.kind is EventKind.CONTACT]
    assert touch.data["robot_speed"] == 0.0  # of the pair that met fastest
    assert touch.data["moving"] and touch.data["robot_force_ratio"] > 1.0
