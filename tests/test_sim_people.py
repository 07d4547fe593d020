"""People: bodies that hold together, move as people do, and depend on nothing but time."""

from functools import cache
from math import hypot, pi

import numpy as np
import pytest

from genba.sim.choreography import Reach, Turn, Wait, Walk
from genba.sim.people import (
    CAPSULE_REGIONS,
    Crew,
    PeopleConfig,
    Visit,
    Workplace,
    draw_visits,
)
from genba.sim.serving import PRESS, operator_visit
from genba.sim.state import REGIONS
from genba.sim.workplace import route

PLACE = Workplace()
BUSY = PeopleConfig(
    visits_per_hour=600.0,
    behaviours={"indifferent": 0.3, "helpful": 0.35, "antagonistic": 0.35},
)
RIGHT_HAND, LEFT_HAND, RIGHT_LEG, LEFT_LEG = 9, 12, 14, 16
TICK = 1 / 120


def straight_walk(speed=1.3):
    walk = Walk(((0.0, 9.0), (8.0, 9.0)), speed, from_rest=False, to_rest=False)
    return Visit(0.0, "ann", "visitor", "indifferent", (walk,))


def film(visit, seconds=None):
    """Capsules (f, 17, 7) and velocities (f, 17, 2, 3) of a visit at every safety tick."""
    crew = Crew((visit,))
    end = visit.ends()[-1] if seconds is None else visit.start + seconds
    seen = [crew.at(t)[visit.name] for t in np.arange(visit.start, end - 1e-6, TICK)]
    velocities = np.array([p.velocities for p in seen])
    return np.array([p.capsules for p in seen]), velocities.reshape(len(seen), 17, 2, 3)


@cache
def films():
    """A dozen visits of all behaviours with their films."""
    visits = draw_visits(np.random.default_rng(5), BUSY, PLACE, 90.0)[:14]
    assert {v.behaviour for v in visits} == {"indifferent", "helpful", "antagonistic"}
    return [(visit, *film(visit)) for visit in visits]


def test_a_body_has_all_twelve_regions():
    assert len(CAPSULE_REGIONS) == 17
    assert set(CAPSULE_REGIONS) == set(REGIONS)


@pytest.mark.parametrize("height", [1.5, 1.75, 2.0])
def test_a_person_stands_on_the_floor_and_is_as_tall_as_said(height):
    way = Walk(((3.0, 0.0), (2.0, 0.0)), 1.0)
    visit = Visit(0.0, "ann", "visitor", "helpful", (way, Wait(2.0)), height=height)
    body = Crew((visit,)).at(visit.ends()[0] + 1.0)["ann"].capsules
    tops = np.maximum(body[:, 2], body[:, 5]) + body[:, 6]
    soles = np.minimum(body[:, 2], body[:, 5]) - body[:, 6]
    assert tops.max() == pytest.approx(-0.75 + height, abs=1e-6)
    assert soles.min() == pytest.approx(-0.75, abs=1e-6)
    assert CAPSULE_REGIONS[int(tops.argmax())] == "skull"


def test_limbs_stay_attached_and_keep_their_length():
    for _, bodies, _ in films():
        ends = bodies[:, :, :6].reshape(len(bodies), 17, 2, 3)
        for near, far in [(7, 8), (8, 9), (10, 11), (11, 12), (13, 14), (15, 16)]:
            assert np.abs(ends[:, near, 1] - ends[:, far, 0]).max() < 1e-9
        lengths = np.linalg.norm(ends[:, 7:, 1] - ends[:, 7:, 0], axis=-1)
        assert np.ptp(lengths[:, :6], axis=0).max() < 0.02
        # knees blend between standing and walking: a leg may shorten for half a step
        assert np.ptp(lengths[:, 6:], axis=0).max() < 0.08


def test_feet_stay_on_the_floor_and_do_not_slide():
    bodies, velocities = film(straight_walk(), 5.0)
    feet = bodies[:, [RIGHT_LEG, LEFT_LEG]]
    soles = feet[..., 5] - feet[..., 6] + 0.75
    assert soles.min() > -1e-3
    assert soles.min(axis=1).max() < 0.04  # one foot at least is down
    planted = velocities[:, [RIGHT_LEG, LEFT_LEG], 1, :2]
    slide = np.linalg.norm(planted, axis=-1).min(axis=1)
    assert np.median(slide) < 0.2  # m/s, at 1.3 m/s of walking
    assert np.quantile(slide, 0.9) < 0.4


def test_arms_swing_against_the_legs():
    bodies, _ = film(straight_walk(), 5.0)
    ahead = bodies[:, :, 3] - bodies[:, 6:7, 3]
    assert np.corrcoef(ahead[:, RIGHT_HAND], ahead[:, RIGHT_LEG])[0, 1] < -0.7
    assert np.ptp(ahead[:, RIGHT_HAND]) > 0.3


def test_a_walker_advances_at_the_speed_said():
    bodies, _ = film(straight_walk(1.5), 5.0)
    pelvis = bodies[:, 6, 0]
    assert (pelvis[-1] - pelvis[0]) / ((len(pelvis) - 1) * TICK) == pytest.approx(1.5, abs=0.03)


def test_nothing_jumps_and_velocities_are_those_of_the_positions():
    for _, bodies, velocities in films():
        ends = bodies[:, :, :6].reshape(len(bodies), 17, 2, 3)
        moved = np.diff(ends, axis=0) / TICK
        assert np.linalg.norm(moved, axis=-1).max() < 6.0
        middle = 0.5 * (velocities[1:] + velocities[:-1])
        assert np.abs(moved - middle).max() < 0.25
        change = np.linalg.norm(np.diff(velocities, axis=0), axis=-1) / TICK
        assert change[:, :7].max() < 60.0  # trunk and head, m/s^2
        assert change.max() < 160.0  # a swinging leg that meets the floor


def test_walkers_keep_to_the_speeds_of_people():
    for _, bodies, _ in films():
        trunk = bodies[:, 6, :2] + bodies[:, 6, 3:5]
        steps = np.linalg.norm(trunk[60:] - trunk[:-60], axis=1) / 2  # over half a second
        assert steps.max() / (60 * TICK) < 1.75


def standing(bodies):
    """Frames in which the pelvis does not travel."""
    pelvis = bodies[:, 6, :2]
    return np.append(np.linalg.norm(np.diff(pelvis, axis=0), axis=1) < 1e-7, False)


def test_a_reaching_hand_is_no_faster_than_two_metres_a_second():
    fastest = 0.0
    for _, bodies, velocities in films():
        speeds = np.linalg.norm(velocities[standing(bodies)], axis=-1)
        if speeds.size:
            fastest = max(fastest, speeds.max())
    assert 1.5 < fastest < 2.0


def gap_to_table(bodies):
    """Least distance of any capsule's surface to the table, a box from the floor to z = 0."""
    x0, x1, y0, y1 = PLACE.table
    least = np.inf
    for share in np.linspace(0.0, 1.0, 9):
        p = (1 - share) * bodies[..., :3] + share * bodies[..., 3:6]
        dx = np.maximum(0.0, np.maximum(x0 - p[..., 0], p[..., 0] - x1))
        dy = np.maximum(0.0, np.maximum(y0 - p[..., 1], p[..., 1] - y1))
        dz = np.maximum(0.0, p[..., 2])
        least = min(least, (np.sqrt(dx**2 + dy**2 + dz**2) - bodies[..., 6]).min())
    return least


def test_nobody_walks_or_reaches_through_the_table():
    assert min(gap_to_table(bodies) for _, bodies, _ in films()) > 0.005


def test_helpers_and_antagonists_reach_over_the_table_and_passers_by_do_not():
    def over_table(bodies):
        hands = bodies[:, [RIGHT_HAND, LEFT_HAND], 3:5]
        x0, x1, y0, y1 = PLACE.table
        inside = (x0 < hands[..., 0]) & (hands[..., 0] < x1)
        return bool((inside & (y0 < hands[..., 1]) & (hands[..., 1] < y1)).any())

    for visit, bodies, _ in films():
        assert over_table(bodies) == (visit.behaviour != "indifferent")


def reaching(target, station=(1.25, 0.0, pi), **how):
    x, y, yaw = station
    walk = Walk(((3.0, 0.0), (x, y)), 1.3)
    moves = (walk, Turn(yaw), Reach((target,), 0.8, 1.0, **how), Wait(0.1))
    return Visit(0.0, "ann", "visitor", "helpful", moves)


@pytest.mark.parametrize("target", [*PLACE.targets, (0.6, 0.0, 0.6), (0.85, -0.3, 0.1)])
def test_a_hand_arrives_where_it_reaches_to_and_comes_back(target):
    visit = reaching(target)
    start, end = visit.ends()[1:3]
    crew = Crew((visit,))
    hand = LEFT_HAND if target[1] < 0 else RIGHT_HAND  # the visitor faces the robot
    at_work = crew.at((start + end) / 2)["ann"].capsules[hand, 3:6]
    assert at_work == pytest.approx(target, abs=0.01)
    before, after = crew.at(start)["ann"].capsules, crew.at(end)["ann"].capsules
    assert np.abs(before - after).max() < 1e-6


def test_elbows_bend_downwards():
    for target in PLACE.targets:
        visit = reaching(target)
        start, end = visit.ends()[1:3]
        body = Crew((visit,)).at((start + end) / 2)["ann"].capsules
        first = 10 if target[1] < 0 else 7
        shoulder, elbow, tip = body[first, :3], body[first, 3:6], body[first + 2, 3:6]
        share = np.dot(elbow - shoulder, tip - shoulder) / np.dot(tip - shoulder, tip - shoulder)
        assert elbow[2] < (shoulder + share * (tip - shoulder))[2]


def test_a_hand_goes_as_far_as_it_can_towards_what_is_out_of_reach():
    visit = reaching((-2.0, 0.0, 0.3))
    start, end = visit.ends()[1:3]
    bodies, velocities = film(visit)
    assert np.isfinite(bodies).all()
    assert np.linalg.norm(velocities[standing(bodies)], axis=-1).max() < 2.0
    tip = Crew((visit,)).at((start + end) / 2)["ann"].capsules[RIGHT_HAND, 3:6]
    assert 0.0 < tip[0] < 0.6


def test_people_are_pure_functions_of_time():
    visits = draw_visits(np.random.default_rng(7), BUSY, PLACE, 300.0)
    times = np.linspace(0.0, 320.0, 200)
    crew = Crew(visits)
    forward = [crew.at(t) for t in times]
    shuffled = np.random.default_rng(0).permutation(len(times))
    other = Crew(tuple(reversed(visits)))
    assert max(len(people) for people in forward) > 1  # visits overlap
    for k in shuffled:
        again = other.at(times[k])
        assert again.keys() == forward[k].keys()
        for name, person in again.items():
            assert person.capsules.tobytes() == forward[k][name].capsules.tobytes()
            assert person.velocities.tobytes() == forward[k][name].velocities.tobytes()


def test_moments_made_ahead_are_those_made_alone():
    """Tick by tick over arrivals and leavings, past a jump of the clock and an operator's call."""
    visits = draw_visits(np.random.default_rng(7), BUSY, PLACE, 60.0)
    operator = operator_visit(20.0, 3.0, 8.0, (0.4, 0.0, 0.1), PLACE).visit
    tick, t = 1.0 / 120.0, 0.0
    crew, alone, there = Crew(visits, tick), visits, set()
    for k in range(5000):
        if k == 2400:
            crew.add(operator)
            alone = (*visits, operator)
        t += 1.0 if k == 3000 else tick
        people = crew.at(t)
        there.add(frozenset(people))
        if k % 37 == 0 or k in (2399, 2400, 2401, 3000, 3001):
            again = Crew(alone).at(t)
            assert people.keys() == again.keys()
            for name, person in again.items():
                assert person.capsules.tobytes() == people[name].capsules.tobytes()
                assert person.velocities.tobytes() == people[name].velocities.tobytes()
    assert len(there) > 5  # people came and went


def test_same_seed_same_visits_and_another_seed_others():
    def draw(seed):
        return draw_visits(np.random.default_rng(seed), BUSY, PLACE, 600.0)

    assert draw(3) == draw(3)
    assert draw(3) != draw(4)


def test_visits_come_at_the_rate_and_in_the_shares_asked_for():
    config = PeopleConfig(visits_per_hour=120.0)
    visits = draw_visits(np.random.default_rng(1), config, PLACE, 10 * 3600.0)
    assert abs(len(visits) - 1200) < 4 * 1200**0.5
    share = sum(v.behaviour == "indifferent" for v in visits) / len(visits)
    assert share == pytest.approx(0.8, abs=0.05)
    starts = [v.start for v in visits]
    assert starts == sorted(starts)
    assert len({v.name for v in visits}) == len(visits)


@pytest.mark.parametrize(
    "behaviour, slowest, fastest",
    [("indifferent", 0.6, 1.6), ("helpful", 0.6, 1.6), ("antagonistic", 1.4, 1.6)],
)
def test_however_widely_they_are_drawn_people_are_as_fast_and_tall_as_people(
    behaviour, slowest, fastest
):
    wide = PeopleConfig(
        visits_per_hour=300.0, behaviours={behaviour: 1.0}, speed_spread=1.0, height_spread=0.1
    )
    visits = draw_visits(np.random.default_rng(2), wide, PLACE, 3600.0)
    speeds = [m.speed for v in visits for m in v.movements if isinstance(m, Walk)]
    assert min(speeds) == pytest.approx(slowest, abs=0.01)
    assert max(speeds) == pytest.approx(fastest, abs=0.01)
    heights = [v.height for v in visits]
    assert min(heights) == pytest.approx(wide.height - 0.2) and max(heights) <= wide.height + 0.2


def test_no_rate_no_people():
    assert draw_visits(np.random.default_rng(1), PeopleConfig(), PLACE, 3600.0) == ()
    assert Crew().at(12.0) == {}


def test_an_unknown_behaviour_is_refused_by_name():
    config = PeopleConfig(visits_per_hour=1000.0, behaviours={"sleepy": 1.0})
    with pytest.raises(ValueError, match="sleepy"):
        draw_visits(np.random.default_rng(1), config, PLACE, 3600.0)


def test_a_person_is_there_from_the_start_to_the_end_of_the_visit():
    visit = straight_walk()
    crew = Crew((visit,))
    end = visit.ends()[-1]
    assert crew.at(-0.01) == {}
    assert list(crew.at(0.0)) == ["ann"]
    assert list(crew.at(end - 1e-6)) == ["ann"]
    assert crew.at(end) == {}


def test_someone_can_be_called_while_others_are_there():
    visit = straight_walk()
    crew = Crew((visit,))
    crew.at(1.0)
    called = operator_visit(0.5, 8.0, 5.0, (0.5, 0.0, 0.1), PLACE)
    crew.add(called.visit)
    assert set(crew.at(called.visit.start + 0.1)) == {"ann", "operator"}


def test_the_operator_is_at_the_work_for_the_service_and_then_at_the_button():
    work = (0.45, 0.2, 0.1)
    stay = operator_visit(20.0, 12.0, 30.0, work, PLACE)
    assert stay.arrived == pytest.approx(32.0, abs=1e-9)
    assert stay.reset - stay.arrived == pytest.approx(30.0, abs=0.5)
    assert stay.arrived + 20.0 < stay.served < stay.reset < stay.gone
    crew = Crew((stay.visit,))
    assert crew.at(stay.gone) == {}
    person = crew.at(stay.reset - 0.1)["operator"]
    assert person.role == person.behaviour == "operator"
    assert beside(person, PLACE.reset)
    times = np.arange(stay.arrived, stay.served, 0.1).tolist()
    tips = [crew.at(t)["operator"].capsules[[RIGHT_HAND, LEFT_HAND], 3:6] for t in times]
    reached = [np.linalg.norm(tip - work, axis=1).min() < 0.02 for tip in tips]
    assert np.mean(reached) > 0.4


def beside(person, station):
    x, y = person.capsules[6, :2] + person.capsules[6, 3:5]
    return hypot(x / 2 - station[0], y / 2 - station[1]) < 0.05


@pytest.mark.parametrize("service", [0.0, 0.5, 1.0, 2.7, 6.0, 9.0, 10.0, 11.0, 13.0, 45.0, 300.0])
def test_a_service_takes_as_long_as_it_is_said_to(service):
    stay = operator_visit(20.0, 12.0, service, (0.45, 0.2, 0.1), PLACE)
    assert stay.arrived == pytest.approx(32.0, abs=1e-9)
    steps = 0.04 * (3.0 + service)  # what it is made of lasts whole rows of a script
    assert -1e-9 <= stay.reset - stay.arrived - max(PRESS, service) <= steps
    assert stay.served <= stay.reset < stay.gone
    assert beside(Crew((stay.visit,)).at(stay.reset)["operator"], PLACE.reset)


def test_who_must_stay_longer_stays_at_the_button():
    stay = operator_visit(20.0, 12.0, 30.0, (0.45, 0.2, 0.1), PLACE)
    more = stay.longer(25.0)
    assert (more.arrived, more.served) == (stay.arrived, stay.served)
    assert more.reset == pytest.approx(stay.reset + 25.0)
    assert more.gone == pytest.approx(stay.gone + 25.0)
    crew, still = Crew((straight_walk(), stay.visit)), Crew((more.visit,))
    for t in (stay.arrived, stay.served + 1.0, stay.reset):
        before = crew.at(t)["operator"].capsules
        assert np.array_equal(before, still.at(t)["operator"].capsules)
    crew.exchange(stay.visit, more.visit)
    assert np.array_equal(before, crew.at(stay.reset)["operator"].capsules)
    for t in (stay.reset + 1.0, stay.gone + 1.0, more.reset):
        assert beside(crew.at(t)["operator"], PLACE.reset)
    assert crew.at(more.gone) == {}


def test_an_operator_asked_to_be_too_quick_arrives_when_walking_allows():
    stay = operator_visit(20.0, 0.5, 3.0, (0.5, 0.0, 0.1), PLACE)
    assert stay.visit.start == 20.0
    assert 21.5 < stay.arrived < 25.0


def test_ways_lead_round_the_table():
    way = route((0.4, 1.5), (0.4, -1.5), PLACE)
    assert len(way) == 4
    for a, b in zip(way[:-1], way[1:], strict=True):
        for share in np.linspace(0.0, 1.0, 50):
            x, y = (1 - share) * np.array(a) + share * np.array(b)
            assert not (-0.3 < x < 0.9 and -0.8 < y < 0.8)
    assert route((4.0, 0.0), (1.4, 0.0), PLACE) == ((4.0, 0.0), (1.4, 0.0))


def test_a_station_in_the_table_is_refused():
    with pytest.raises(ValueError, match="closer than"):
        Workplace(stations=((1.0, 0.0, pi),))
