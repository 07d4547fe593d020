"""People at the bound of the model: as fast as it allows, no faster, and from every side."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from functools import cache

import numpy as np
import pytest

from genba.sim.attack import FAR, Charge, Lunge, attack
from genba.sim.gait import CAPSULE_REGIONS
from genba.sim.people import Crew, PeopleConfig, Visit, draw_visits
from genba.sim.workplace import Workplace

PLACE = Workplace()
HANDS = [i for i, region in enumerate(CAPSULE_REGIONS) if region == "hand"]
ROUNDING = 1.01  # between the rows of a script


def visits(n=40, haste=1.0):
    rng = np.random.default_rng(3)
    return [
        Visit(0.0, "ann", "visitor", "attacking", attack(rng, PLACE, haste), 1.75, PLACE.ground)
        for _ in range(n)
    ]


@cache
def films(n=40, haste=1.0):
    """Of each visit: capsules (t, 17, 7), speeds of capsule ends (t, 17, 2)."""
    out = []
    for visit in visits(n, haste):
        crew, end = Crew((visit,)), visit.ends()[-1]
        people = [crew.at(t)["ann"] for t in np.arange(0.0, end - 1e-6, 1 / 60)]
        speeds = np.array([p.velocities for p in people]).reshape(-1, 17, 2, 3)
        out.append((np.array([p.capsules for p in people]), np.linalg.norm(speeds, axis=3)))
    return out


def test_no_limb_is_faster_than_a_hand_may_be_and_many_are_as_fast():
    fastest = [speeds.max() for _, speeds in films()]
    assert max(fastest) <= 2.0 * ROUNDING
    assert np.median(fastest) >= 1.9


def test_who_runs_comes_on_as_a_whole_at_the_speed_of_the_standard():
    runs = [v for v in visits() if v.movements[0].speed > 1.5]
    assert len(runs) >= 10
    for visit in runs:
        crew = Crew((visit,))
        velocities = [crew.at(t)["ann"].velocities for t in np.arange(0.7, 1.9, 0.1).tolist()]
        speeds = np.linalg.norm(np.array(velocities).reshape(-1, 3), axis=1)
        assert speeds.min() >= 1.55 and speeds.max() <= 1.6 * ROUNDING


def test_haste_makes_them_faster_than_the_model():
    assert max(speeds.max() for _, speeds in films(10, 1.5)) == pytest.approx(3.0, rel=0.02)


def test_nobody_appears_where_the_robot_could_not_have_stopped():
    for capsules, _ in films():
        first = np.hypot(capsules[0, :, 0], capsules[0, :, 1]).min()
        assert first > FAR[0] - 1.0


def test_hands_come_to_points_all_over_the_work_and_from_every_side():
    hands = np.concatenate([c[:, HANDS, 3:6].reshape(-1, 3) for c, _ in films()])
    over = hands[(np.abs(hands[:, 0]) < 0.8) & (np.abs(hands[:, 1]) < 0.8) & (hands[:, 2] > 0)]
    squares = {(round(x / 0.3), round(y / 0.3)) for x, y, _ in over}
    assert len(squares) >= 12
    middles = np.concatenate([c[:, 6, :2] for c, _ in films()])
    near = middles[np.hypot(*middles.T) < 2.0]
    assert {(x > 0, y > 0) for x, y in near} == {(a, b) for a in (0, 1) for b in (0, 1)}


def test_nobody_walks_into_the_table():
    x0, x1, y0, y1 = PLACE.table
    for capsules, _ in films():
        x, y = capsules[:, 6, 0], capsules[:, 6, 1]
        assert not ((x0 < x) & (x < x1) & (y0 < y) & (y < y1)).any()


def test_attacks_are_drawn_like_any_other_behaviour():
    config = PeopleConfig(600.0, {"attacking": 1.0})
    one, two = (draw_visits(np.random.default_rng(1), config, PLACE, 60.0) for _ in range(2))
    assert one == two and {v.behaviour for v in one} == {"attacking"}
    assert all(isinstance(m, Charge | Lunge) for v in one for m in v.movements)
