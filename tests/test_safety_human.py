"""What the laws of a body promise holds for everybody who walks, turns and reaches in a cell."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import human
from genba.safety import verified_stop as columns
from genba.safety.verified_stop import spread
from genba.sim.gait import PELVIS, body
from genba.sim.people import CAPSULE_REGIONS, PeopleConfig, Workplace, draw_visits
from genba.sim.pose import RATE, pose
from genba.sim.state import REGIONS

TICK = 1.0 / 120.0
AHEAD = (1, 3, 8, 16, 30, 48, 72)  # ticks
V_ERROR = 0.1  # m/s, what the rules allow a measured speed to be wrong
LAWS = human.laws(human.everywhere(0.0))


EVERYDAY = {"indifferent": 0.3, "helpful": 0.3, "antagonistic": 0.4}


def seen(seed, tall, speed, behaviours=EVERYDAY):
    """Ends (k, 17, 2, 3) and their speeds (k, 17) of one visit, a row a tick."""
    config = PeopleConfig(3600.0, behaviours, speed, 0.0, tall, 0.0)
    visit = draw_visits(np.random.default_rng(seed), config, Workplace(), 10.0)[0]
    script = visit.script()
    ends, speeds = [], []
    for k in range(int((len(script) - 4) / RATE / TICK)):
        capsules, moves = np.empty((17, 7)), np.empty((17, 6))
        pose(script, body()[0], (k * TICK, visit.height, visit.ground), capsules, moves)
        ends.append(capsules[:, :6].reshape(-1, 2, 3))
        speeds.append(np.linalg.norm(moves.reshape(-1, 2, 3), axis=2).max(axis=1))
    return np.array(ends), np.array(speeds)


@pytest.mark.parametrize(("tall", "speed"), [(1.89, 1.6), (1.61, 1.6), (1.75, 0.6)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_goes_further_than_the_laws_allow(seed, tall, speed):
    assert_within_the_laws(*seen(seed, tall, speed))


@pytest.mark.parametrize("seed", [6, 7, 8, 9])
def test_who_attacks_keeps_to_the_bounds_too(seed):
    """So that the trial's attackers run, lunge and feint as fast as the model lets anybody."""
    ends, speeds = seen(seed, 1.75, 1.3, {"attacking": 1.0})
    assert speeds.max() > 1.5
    assert_within_the_laws(ends, speeds)


def assert_within_the_laws(ends, speeds):
    for ahead in AHEAD:
        ways = np.linalg.norm(ends[ahead:] - ends[:-ahead], axis=3).max(axis=2)
        for k in range(0, len(ways), 5):
            for j in range(len(LAWS)):
                now, trunk = speeds[k, j] + V_ERROR, speeds[k, PELVIS] + V_ERROR
                own = spread(ahead * TICK, now, trunk, LAWS[j])
                assert ways[k, j] <= own, (CAPSULE_REGIONS[j], k, ahead)


@pytest.mark.parametrize("seed", [4, 5])
def test_knees_rise_no_higher_than_the_laws_allow(seed):
    ends, _ = seen(seed, 1.89, 1.6)
    high = ends[:, :, :, 2].max(axis=2)
    for ahead in AHEAD:
        risen = (high[ahead:] - high[:-ahead]).max(axis=0)
        assert (risen <= LAWS[:, columns.RISES]).all()


@settings(deadline=None)  # compiles on its first call
@given(
    st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.floats(0.0, 6.0), st.floats(0.0, 6.0),
    st.sampled_from(range(len(LAWS))),
)  # fmt: skip
def test_more_time_and_more_speed_lead_further(t, dt, v, dv, j):
    law = LAWS[j]
    near = spread(t, v, 0.5, law)
    assert -1e-12 <= near <= spread(t + dt, v, 0.5, law) + 1e-12
    assert near <= spread(t, v + dv, 0.5, law) + 1e-9
    assert near <= spread(t, v, 1.5, law) + 1e-9


def test_a_hand_at_rest_a_way_worked_out_by_hand():
    hand = LAWS[CAPSULE_REGIONS.index("hand")]
    # 50 m/s^2 bring it to 2 m/s in 0.04 s and 0.04 m, then 0.06 s at 2 m/s
    assert spread(0.1, 0.0, 0.0, hand) == pytest.approx(
        2.0 * 0.1 - 2.0**2 / (2 * (50.0 + 40.0 * 0.3))
    )


@pytest.mark.parametrize(("region", "once", "twice"), [("hand", 0.68, 1.36), ("chest", 0.32, 0.63)])
def test_contact_speeds_have_their_check_values(region, once, twice):
    """Of a Panda, m_R 9.73 kg; the energy table allows the hand a little less than twice."""
    assert human.contact_speed(region, 9.73, clamped=True) == pytest.approx(once, abs=0.006)
    transient = human.contact_speed(region, 9.73, clamped=False)
    assert transient <= twice + 0.005
    assert transient == pytest.approx(twice, rel=0.04)


@pytest.mark.parametrize("region", REGIONS)
def test_a_heavier_robot_and_a_clamped_part_are_slower(region):
    free = human.contact_speed(region, 9.73, clamped=False)
    assert human.contact_speed(region, 20.0, clamped=False) <= free
    assert human.contact_speed(region, 9.73, clamped=True) <= free
    assert (free == 0.0) == (region in ("skull", "face"))


def test_a_body_of_unknown_capsules_gets_the_widest_bounds():
    unknown = human.laws({**human.everywhere(0.3), "face": 0.1}, capsules=3)
    assert unknown.shape == (3, columns.LAWS)
    for column in (columns.GAIT, columns.A, columns.SWING, columns.RISES):
        assert (unknown[:, column] == LAWS[:, column].max()).all()
    assert (unknown[:, columns.ALLOWED] == 0.1).all()


def test_regions_that_are_none_are_named():
    with pytest.raises(ValueError, match="regions: no body region 'tail'"):
        human.but(["hand", "tail"])
    assert human.but(None) == {}
    assert "hand" not in human.but(["hand"])
