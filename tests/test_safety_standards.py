"""The formulas under the safety rules: check values, monotony, exact inverse, bad numbers."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genba.safety import standards as s
from genba.sim.robots import ROBOTS

DOCS = Path(__file__).parents[1] / "docs"

# the check values of docs/standards.md, none of them in use:
# v_h 1.6 m/s, T_r 0.1 s, a 5 m/s^2, Z_d + Z_r 0.06 m
SPEEDS = (0.0, 0.25, 0.5, 1.0, 1.7)
TABLE = {
    0.850: (1.07, 1.18, 1.31, 1.59, 2.07),
    0.128: (0.35, 0.46, 0.58, 0.87, 1.35),
    0.0: (0.22, 0.33, 0.46, 0.74, 1.22),
}

speeds = st.floats(0.0, 3.0)
terms = st.tuples(st.floats(0.0, 0.5), st.floats(0.5, 10.0), st.floats(0.0, 1.2))
any_number = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize("c", TABLE)
def test_the_separation_distance_has_its_check_values(c):
    distances = [s.separation(v, 1.6, 0.1, 5.0, c + 0.06) for v in SPEEDS]
    # the table is rounded to the centimetre
    assert distances == pytest.approx(TABLE[c], abs=0.0051)


@pytest.mark.parametrize(
    ("robot", "table"),
    [("panda", (0.46, 0.74, 1.14, 2.08, 3.69)), ("iiwa", (0.46, 0.67, 0.99, 1.75, 3.03))],
)
def test_the_separation_in_use_is_the_documented_one(robot, table):
    t_r, a = s.REACTION_TIME + s.SENSOR_DELAY, ROBOTS[robot].deceleration
    distances = [s.iso_separation(v, v, t_r, a, s.Z_D + s.Z_R) for v in SPEEDS]
    assert distances == pytest.approx(table, abs=0.0051)
    assert " / ".join(f"{d:.2f}" for d in table) in (DOCS / "standards.md").read_text()


def test_a_separation_worked_out_by_hand():
    # 1.6 (0.1 + 0.5/5) + 0.5 * 0.1 + 0.25/10 + 0.06 = 0.32 + 0.05 + 0.025 + 0.06
    assert s.separation(0.5, 1.6, 0.1, 5.0, 0.06) == pytest.approx(0.455, abs=1e-12)


def test_intrusion_follows_from_the_detection_capability():
    assert s.intrusion("light_curtain", 0.030) == pytest.approx(0.128)
    assert s.intrusion("light_curtain", 0.040) == pytest.approx(0.208)
    assert s.intrusion("light_curtain", 0.014) == 0.0
    assert s.intrusion("light_curtain", 0.010) == 0.0
    assert s.intrusion("light_curtain", 0.041) == 0.850
    assert s.intrusion("body", 0.010) == 0.850
    assert s.intrusion("skeleton", 0.5) == 0.0


def test_the_regime_says_that_a_skeleton_is_a_research_deviation():
    assert "research deviation" in s.regime("skeleton", 0.04)
    assert "research" not in s.regime("body", 0.04)
    assert "30 mm" in s.regime("light_curtain", 0.03)


@settings(deadline=None)  # compiles on its first call
@given(speeds, st.floats(0.0, 3.0), terms)
def test_the_cap_is_the_exact_inverse_of_the_separation(v, v_h, setting):
    d = s.separation(v, v_h, *setting)
    # below a micrometre of way the distance itself has no more digits
    assert s.speed_cap(d, v_h, *setting) == pytest.approx(v, abs=1e-5)


@settings(deadline=None)  # compiles on its first call
@given(st.floats(0.0, 5.0), st.floats(0.0, 3.0), terms)
def test_a_robot_at_its_cap_needs_no_more_than_it_has(d, v_h, setting):
    cap = s.speed_cap(d, v_h, *setting)
    if cap > 0.0:
        assert s.separation(cap, v_h, *setting) == pytest.approx(d, abs=1e-9)
    else:
        assert s.separation(0.0, v_h, *setting) >= d - 1e-9


@settings(deadline=None)  # compiles on its first call
@given(speeds, speeds, st.floats(0.0, 3.0), terms)
def test_faster_robots_need_more_distance(v, w, v_h, setting):
    slow, fast = sorted((v, w))
    assert s.separation(slow, v_h, *setting) <= s.separation(fast, v_h, *setting)
    assert s.iso_separation(slow, slow, *setting) <= s.iso_separation(fast, fast, *setting) + 1e-12


@settings(deadline=None)  # compiles on its first call
@given(st.floats(0.0, 5.0), st.floats(0.0, 5.0), st.floats(0.0, 3.0), terms)
def test_more_distance_allows_more_speed(d, e, v_h, setting):
    near, far = sorted((d, e))
    assert s.speed_cap(near, v_h, *setting) <= s.speed_cap(far, v_h, *setting) + 1e-12
    assert s.iso_speed_cap(near, *setting) <= s.iso_speed_cap(far, *setting) + 1e-12


@settings(deadline=None)  # compiles on its first call
@given(st.floats(0.0, 5.0), terms)
def test_the_cap_for_an_unmeasured_person_keeps_their_separation(d, setting):
    cap = s.iso_speed_cap(d, *setting)
    if cap > 0.0:
        assert s.iso_separation(cap, cap, *setting) <= d + 1e-9
        # and no faster would do
        assert s.iso_separation(cap * 1.001 + 1e-6, 0.0, *setting) > d - 1e-9


def test_a_hand_within_reach_is_faster_than_a_walker():
    some = (0.1, 5.0, 0.06)
    assert s.iso_separation(0.0, 0.0, *some) == pytest.approx(2.0 * 0.1 + 0.06)
    assert s.iso_separation(1.0, 1.0, *some) == pytest.approx(s.separation(1.0, 1.6, *some))
    # 2.0 m/s gives 0.53 m, 1.6 m/s 0.46 m: not below the reach
    assert s.iso_separation(0.5, 0.5, *some) == 0.5


@settings(deadline=None)  # compiles on its first call
@given(st.floats(-5.0, 0.0), st.floats(0.0, 3.0), terms)
def test_a_receding_robot_earns_no_credit(v, v_h, setting):
    assert s.separation(v, v_h, *setting) == s.separation(0.0, v_h, *setting)


def test_who_walks_up_to_a_robot_that_passes_by_must_not_be_met_before_it_stands():
    # it passes at 1 m/s and needs 1/5 s to stop: 1.6 (0.1 + 0.2) + 0.06, nothing of its own way
    assert s.separation_in_motion(0.0, 1.0, 1.6, 0.1, 5.0, 0.06) == pytest.approx(0.54)
    assert s.separation_in_motion(-1.0, 1.0, 1.6, 0.1, 5.0, 0.06) == pytest.approx(0.54)


@settings(deadline=None)  # compiles on its first call
@given(st.floats(0.0, 4.0), st.floats(-2.0, 2.0), speeds, st.floats(0.0, 3.0), terms)
def test_the_scale_leaves_just_the_separation_there_is(d, v_r, v, v_h, setting):
    v = max(v, abs(v_r))
    scale = s.scale_in_motion(d, v_r, v, v_h, *setting)
    needed = s.separation_in_motion(scale * v_r, scale * v, v_h, *setting)
    assert 0.0 <= scale <= 1.0
    if scale == 1.0:
        assert needed <= d + 1e-9
    elif scale > 0.0:
        assert needed == pytest.approx(d, abs=1e-9)
    else:
        assert s.separation_in_motion(0.0, 0.0, v_h, *setting) >= d - 1e-9


@settings(deadline=None)  # compiles on its first call
@given(st.tuples(*[any_number] * 7))
@example((math.inf, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0))  # was no number
@example((0.0, 0.0, 0.0, 0.0, 0.0, 1.0, -math.inf))  # was 1
@example((1.0, 0.0, -math.inf, 0.0, 0.0, 1.0, 0.0))  # was 1
def test_bad_numbers_give_no_scale(numbers):
    scale = s.scale_in_motion(*numbers)
    assert 0.0 <= scale <= 1.0
    if not all(map(math.isfinite, numbers)):
        assert scale == 0.0


@settings(deadline=None)  # compiles on its first call
@given(st.tuples(any_number, any_number, any_number, any_number, any_number))
def test_bad_numbers_give_no_speed_and_no_way_through(numbers):
    cap, needed = s.speed_cap(*numbers), s.separation(*numbers)
    assert math.isfinite(cap) and cap >= 0.0
    assert not math.isnan(needed)
    if not all(map(math.isfinite, numbers)):
        assert cap == 0.0
    assert math.isfinite(s.iso_speed_cap(numbers[0], *numbers[2:]))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_one_bad_number_is_enough(bad):
    good = [1.0, 1.6, 0.1, 5.0, 0.06]
    for place in range(5):
        numbers = [*good[:place], bad, *good[place + 1 :]]
        assert s.speed_cap(*numbers) == 0.0
        assert s.separation(*numbers) == math.inf
    assert s.speed_cap(1.0, 1.6, 0.1, 0.0, 0.06) == 0.0
    assert s.speed_cap(1.0, 1.6, 0.1, -5.0, 0.06) == 0.0
