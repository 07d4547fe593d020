"""What rules about people share in a tick: everybody's capsules, all distances, one way to stop.

Bounds that spare arithmetic must not change an answer: each is held against looking at everything.
"""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, bystanders, human, walls, ways
from genba.safety import verified_stop as stop
from genba.safety.crowd import BALL, BODY, FASTER, FIRST, MOVES, Crowd, put
from genba.safety.inputs import Shares
from genba.safety.robot import guarded
from genba.sim.kinematics import chain_of
from genba.sim.people import CAPSULE_REGIONS
from genba.sim.separation import closest
from genba.sim.state import Command, Person, RobotState, State

TICK = 1.0 / 120.0
CHAIN = chain_of("panda", "parallel")
ROBOT = CHAIN.robot
BODIES = len(CAPSULE_REGIONS)


def capsules(rng, count, wide=1.0):
    """Some of them balls, some parallel to the first, some through each other."""
    rows = rng.uniform(-wide, wide, (count, 7))
    rows[:, 6] = rng.uniform(0.02, 0.15, count)
    for row in rows[rng.random(count) < 0.2]:
        row[3:6] = row[:3]
    for i in np.flatnonzero(rng.random(count) < 0.2):
        rows[i, 3:6] = rows[i, :3] + 0.7 * (rows[0, 3:6] - rows[0, :3])
        rows[i, :3] += rng.uniform(-0.1, 0.1, 3) * (rng.random() < 0.5)
    return rows


def person(rng, wide=1.0, count=BODIES):
    return Person("visitor", "helpful", capsules(rng, count, wide), rng.normal(0, 1, (count, 6)))


def robot(rng):
    q = np.clip(ROBOT.home + rng.uniform(-0.6, 0.6, 7), ROBOT.q_min + 0.2, ROBOT.q_max - 0.2)
    dq = rng.uniform(-0.9, 0.9, 7) * ROBOT.dq_max
    return RobotState(q, dq, *CHAIN.state(q, dq), 0.0, False)


def command(rng, arm):
    return CHAIN.command(arm.q, rng.uniform(-1, 1, 7) * ROBOT.dq_max, 0.0, np.zeros(7))


def state(arm, *people, time=0.0):
    named = {f"p{k}": one for k, one in enumerate(people)}
    return State(time, {"arm": arm}, named, people_age=0.1)


def rule(name, shared, **parameters):
    kind = RULES[name]
    return kind(kind.Parameters(**parameters), "arm", shared)


# Distances


@settings(deadline=None, max_examples=50)  # compiles on its first call
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.lists(st.integers(1, 20), max_size=3))
def test_every_distance_is_that_of_the_two_capsules(seed, links, sizes):
    rng = np.random.default_rng(seed)
    arm, crowd = capsules(rng, links), Crowd()
    everybody = [person(rng, count=size) for size in sizes]
    nearest = crowd.near(state(None, *everybody), arm)
    gaps = [[closest(link, part)[0] for one in everybody for part in one.capsules] for link in arm]
    # rods that are all but parallel may lie apart by a part of their rounding
    assert np.allclose(crowd.gaps[:, : sum(sizes)], np.reshape(gaps, (links, -1)), atol=1e-9)
    assert np.array_equal(crowd.gaps[:, -1], crowd.gaps[:, :-1].min(axis=1, initial=math.inf))
    assert nearest == crowd.gaps[:, -1].min()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_one_person_is_measured_as_in_a_crowd_whoever_was_there_before(seed, sizes):
    """One alone is stacked and measured in a call of its own."""
    rng = np.random.default_rng(seed)
    arm, often = capsules(rng, 9), Crowd()
    for size in sizes:
        one, other = person(rng, count=size), person(rng, count=3)
        often.near(state(None, one), arm)
        both = Crowd()
        both.near(state(None, one, other), arm)
        assert often.sizes == (size,)
        assert np.array_equal(often.bodies, both.bodies[:size])
        assert np.array_equal(often.gaps[:, :size], both.gaps[:, :size])
        assert often.nearest == often.gaps[:, :-1].min()
        if rng.random() < 0.5:  # others were there meanwhile
            often.near(state(None, other, one), arm)


def test_a_share_of_a_command_is_every_speed_times_it_in_arrays_of_its_own():
    rng = np.random.default_rng(4)
    shares, made = Shares(7), []
    for rows in (11, 11, 3, 11) * 40:  # more than are cut from one allocation
        parts = rng.normal(0, 1, 7), rng.normal(0, 1, 6), rng.normal(0, 1, (rows, 6))
        asked, share = Command(*parts, 0.5, np.zeros(7), 0.01), rng.random()
        made.append((shares.of(asked, share), [share * part for part in parts], asked))
    for one, expected, asked in made:
        assert all(map(np.array_equal, one[:3], expected))
        assert one.asked is asked.asked and (one.grip, one.age) == (asked.grip, asked.age)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", range(7))
def test_whoever_is_nowhere_is_as_near_as_can_be(bad, column):
    rng = np.random.default_rng(1)
    arm, one = capsules(rng, 9), person(rng)
    one.capsules[5, column] = bad
    crowd = Crowd()
    assert crowd.near(state(None, person(rng), one), arm) == -math.inf
    assert np.all(crowd.gaps == -math.inf)


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("column", range(6))
def test_a_body_too_long_to_be_measured_is_as_near_as_can_be(column, others):
    rng = np.random.default_rng(1)
    arm, one = capsules(rng, 9), person(rng)
    one.capsules[5, column] = 1e200  # finite, but its square is not
    crowd = Crowd()
    assert crowd.near(state(None, *(person(rng) for _ in range(others)), one), arm) == -math.inf
    assert np.all(crowd.gaps == -math.inf)


def test_a_crowd_is_made_anew_for_another_state_another_robot_and_other_people():
    rng = np.random.default_rng(2)
    crowd, arm = Crowd(), capsules(rng, 9)
    sights = [state(None, *(person(rng) for _ in range(k))) for k in (2, 1, 0, 2, 2, 3)]
    for sight in sights:
        bodies = crowd.of(sight)
        assert crowd.of(sight) is bodies
        rows = [one.capsules for one in sight.people.values()]
        assert np.array_equal(bodies[:, :7], np.concatenate([np.empty((0, 7)), *rows]))
        for link in (arm, arm + 0.1, arm):
            gaps = [closest(a, b)[0] for a in link for b in bodies[:, :7]]
            expected = min(gaps, default=math.inf)
            assert crowd.near(sight, link) == pytest.approx(expected, abs=1e-9)


def test_a_row_of_a_crowd_says_where_a_capsule_is_how_fast_and_whose():
    rng = np.random.default_rng(3)
    one, two = person(rng), person(rng)
    bodies = Crowd().of(state(None, one, two))
    assert np.array_equal(bodies[BODIES:, MOVES : MOVES + 6], two.velocities)
    ends = two.capsules[:, :6].reshape(-1, 2, 3)
    assert np.allclose(bodies[BODIES:, BALL : BALL + 3], ends.mean(axis=1))
    half = 0.5 * np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    assert np.allclose(bodies[BODIES:, BALL + 3], half + two.capsules[:, 6])
    speeds = np.linalg.norm(two.velocities.reshape(-1, 2, 3), axis=2).max(axis=1)
    assert np.allclose(bodies[BODIES:, FASTER], speeds)
    assert set(bodies[:BODIES, FIRST]) == {0.0} and set(bodies[BODIES:, FIRST]) == {BODIES}


@pytest.mark.parametrize("name", ["barrier", "ssm_reach", "pfl"])
def test_velocities_that_do_not_fit_the_body_stop_the_rules_that_need_them(name):
    rng = np.random.default_rng(4)
    arm = robot(rng)
    one = person(rng, 0.3)._replace(velocities=np.zeros((3, 6)))
    verdict = rule(name, guarded(CHAIN, TICK)).check(state(arm, one), command(rng, arm))
    assert verdict.scale == 0.0 and verdict.category == 2


def test_a_body_that_does_not_fit_its_place_is_refused():
    with pytest.raises(ValueError, match="wrong shape"):
        put(np.zeros((3, 7)), np.zeros((3, 6)), 1, np.empty((3, BODY)))


# Ways to standstill


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 0.8, 1.5]), st.booleans())
def test_the_bounds_of_a_verified_stop_change_no_answer(seed, wide, touching):
    rng = np.random.default_rng(seed)
    arm = robot(rng)
    crowd, sight = Crowd(), state(arm, person(rng, wide), person(rng, wide))
    crowd.near(sight, arm.capsules)
    bodies, gaps = crowd.bodies, crowd.gaps
    allowed = human.everywhere(0.25 if touching else 0.0)
    laws = np.concatenate([human.laws(allowed, BODIES, human.everywhere(0.1))] * 2)
    boxes = np.array([[-0.3, -0.8, -0.05, 0.9, 0.8, 0.0]])
    numbers = np.array([2 * TICK, TICK, 0.06, 0.1, TICK, 0.04, 0.2, 0.06])
    way = np.empty((len(arm.capsules) + 1, ways.WAY))
    worst, work, rest = np.empty(5), np.empty(ways.room(7)), stop.room(7, len(bodies))
    asked, table, limits = command(rng, arm).dq, CHAIN.table, np.array([ROBOT.ddq_max] * 2)
    for scale in (1.0, 0.3, 0.05):
        arms = arm.q, arm.dq, scale * asked, arm.capsule_velocities
        assert ways.stopping_way(*arms, table, limits, numbers, way, work)
        good = stop.clear(way, bodies, laws, gaps, boxes, numbers, 0.1, worst, rest, False)
        margin = looked_at_one_by_one(way, bodies, laws, gaps, boxes, numbers)
        assert good == (margin > 0.0)
        assert good or worst[0] == pytest.approx(margin, abs=1e-12)
        assert good == stop.clear(way, bodies, laws, gaps, boxes, numbers, 0.1, worst, rest, True)


def looked_at_one_by_one(way, bodies, laws, gaps, boxes, numbers):
    """The least margin (m) of all pairs, all instants, up to the first that is too small."""
    (react, brake), links = way[-1, :2], way[:-1]
    length, step = react + 0.5 * brake, (react + brake) / stop.LOOKS
    least = math.inf
    for j, body in enumerate(bodies):
        law, first = laws[j], int(body[FIRST])
        of_trunk = [k for k in range(first, first + BODIES) if laws[k, stop.TRUNK]]
        trunk = max(bodies[k, FASTER] for k in of_trunk) + numbers[ways.V_ERROR]
        ends = body[:6].reshape(2, 3)
        low, high = ends.min(axis=0) - body[6], ends.max(axis=0) + body[6]
        gap = numbers[ways.GAP]
        clamped = any((low - gap <= b[3:]).all() and (high + gap >= b[:3]).all() for b in boxes)
        touched = gaps[:, j].min() < numbers[ways.CONTACT]
        allowed = law[stop.CLAMPED if clamped or touched else stop.ALLOWED]
        for link in links:
            top, hold = link[ways.TOP], react
            if allowed > 0.0 and link[ways.NOW] > max(top, stop.NOISE * allowed):
                top, hold = link[ways.NOW], react + 2.0 * TICK
            if top <= max(allowed, stop.STILL):
                continue
            if link[ways.LOWEST] > high[2] + law[stop.RISES] + numbers[ways.Z]:
                continue
            for k in range(stop.LOOKS):
                begin, at = k * step, (k + 0.5) * step
                speed = top * min(1.0, 1.0 - (begin - hold) / brake)
                if speed <= allowed or (k > 0 and speed <= numbers[ways.STANDING]):
                    break
                gone = at - (0.5 * (at - react) ** 2 / brake if at > react else 0.0)
                share = 2.0 * gone / length
                one, f = (0, share) if share < 1.0 else (ways.MIDDLE, share - 1.0)
                there = link[one : one + 7] + f * (link[one + 7 : one + 14] - link[one : one + 7])
                far = stop.spread(
                    0.1 + begin + step + TICK, body[FASTER] + numbers[ways.V_ERROR], trunk, law
                )
                need = far + numbers[ways.Z] + 0.5 * step * speed
                margin = closest(np.append(there[:6], link[6]), body[:7])[0] - need
                least = min(least, margin)
                if not margin > 0.0:
                    break
    return least


def test_rules_that_verify_the_same_stop_reckon_one_way():
    rng = np.random.default_rng(5)
    arm, shared = robot(rng), guarded(CHAIN, TICK)
    asked, sight = command(rng, arm), state(arm, person(rng), person(rng))
    reach, pfl = rule("ssm_reach", shared), rule("pfl", shared)
    together = reach.check(sight, asked), pfl.check(sight, asked)
    alone = [rule(n, guarded(CHAIN, TICK)).check(sight, asked) for n in ("ssm_reach", "pfl")]
    assert together == tuple(alone)
    # another command, other brakes: another way
    other = command(rng, arm)
    fresh = rule("pfl", guarded(CHAIN, TICK), braking=0.5)
    weak = rule("pfl", shared, braking=0.5)
    assert reach.check(sight, other).trigger != together[0].trigger
    assert weak.check(sight, other) == fresh.check(sight, other)


def test_of_many_people_the_one_who_is_nearest_keeps_the_robot_back():
    rng = np.random.default_rng(6)
    passed = slowed = 0
    for _ in range(300):
        arm = robot(rng)._replace(dq=np.zeros(7))
        asked = command(rng, arm)
        people = []
        for _ in range(3):
            at, one = np.array([*rng.uniform(-2.5, 2.5, 2), 0.0] * 2 + [0.0]), person(rng, 0.4)
            people.append(one._replace(capsules=one.capsules + at))
        sights = [state(arm, one) for one in people]
        single = [rule("ssm_reach", guarded(CHAIN, TICK)).check(s, asked).scale for s in sights]
        crowd = rule("ssm_reach", guarded(CHAIN, TICK)).check(state(arm, *people), asked)
        assert crowd.scale <= min(single)
        passed += crowd is PASS
        slowed += 0.0 < crowd.scale < 1.0
    assert passed > 3 and slowed > 3


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([0.02, 0.2, 1]))
def test_a_stop_that_touches_nobody_is_let_through_by_pfl_as_if_it_had_looked(seed, wide, share):
    rng = np.random.default_rng(seed)
    arm, shared = robot(rng), guarded(CHAIN, TICK)
    asked = CHAIN.command(arm.q, share * command(rng, arm).dq, 0.0, np.zeros(7))
    far = person(rng, wide)
    far.capsules[:, [0, 3]] += 1.2
    sight = state(arm, far, person(rng, 0.1)._replace(capsules=far.capsules + 0.01))
    first = rule("ssm_reach", shared).check(sight, asked)
    for later in ({}, {"sensor_delay": 0.5}, {"z_d": 0.3}, {"regions": ["hand"]}):
        alone = rule("pfl", guarded(CHAIN, TICK), **later).check(sight, asked)
        assert rule("pfl", shared, **later).check(sight, asked) == alone
    assert rule("ssm_reach", shared).check(sight, asked) == first


# What a barrier looks at


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.4, 1.0]), st.sampled_from([0.02, 0.3, 1]))
def test_a_barrier_holds_back_every_end_that_goes_too_fast_and_no_other(seed, wide, share):
    rng = np.random.default_rng(seed)
    arm, crowd = robot(rng), Crowd()
    asked = share * command(rng, arm).capsule_velocities
    moving = [one._replace(velocities=share * one.velocities) for one in (person(rng, wide),) * 2]
    moving[1] = moving[1]._replace(capsules=capsules(rng, BODIES, wide))
    crowd.near(state(arm, *moving), arm.capsules)
    frames, terms = np.array(CHAIN.capsule_links) + 1.0, np.array([0.1, 0.1, 5.0, 2.0])
    out = np.empty((walls.ROWS, 8))
    there = arm.capsules, asked, arm.capsule_velocities, frames
    count = bystanders.people(*there, crowd.bodies, crowd.sight, terms, out)[0]
    expected = held_one_by_one(*there, crowd.bodies, terms)
    assert count == min(len(expected), walls.ROWS)
    assert np.allclose(out[:count], expected[:count], atol=1e-9)


def held_one_by_one(arm, asked, measured, frames, bodies, terms):
    rows = []
    for link, v, m, frame in zip(arm, asked, measured, frames, strict=True):
        ends = v.reshape(2, 3), m.reshape(2, 3)
        if frame == 0.0 or np.linalg.norm(ends[0], axis=1).max() <= walls.STILL:
            continue
        for body in bodies:
            d, s, _, *n = closest(link, body[:7])
            meets = max(-body[MOVES : MOVES + 3] @ n, -body[MOVES + 3 : MOVES + 6] @ n)
            along = (link[3:6] - link[:3]) @ n
            for e in range(2):
                way = d - terms[0] + max(0.0, (s - e) * along)
                most = walls.allowed(ends[0][e] @ n, ends[1][e] @ n, way, meets, terms)
                if most < math.inf:
                    rows.append([frame, *link[3 * e : 3 * e + 3], *n, most])
    return np.array(rows).reshape(-1, 8)
