"""Figures of event lists worked out by hand; the arithmetic stands in the comments."""

from typing import Any

import pytest

from genba.kpi import (
    FIGURES,
    energy_ratio_by_region,
    force_ratio_by_region,
    kpis,
    pool,
    tally,
)
from genba.sim.state import Event, EventKind


def at(time: float, kind: str, subject: str = "cell", /, **data: Any) -> Event:
    return Event(time, EventKind(kind), subject, data)


def start(seconds: float, planned: float | None = 10.0, takt: float | None = 20.0) -> Event:
    return at(0, "episode_start", "cell_1", seconds=seconds, planned_cycle_time=planned, takt=takt)


def state(time: float, name: str) -> Event:
    return at(time, "state", state=name)


def started(time: float, part: str) -> Event:
    return at(time, "part_started", part, kind="gear")


def finished(time: float, part: str, good: bool = True, **data: Any) -> Event:
    flags = {"rework": False, "assisted": False, "reason": "", **data}
    return at(time, "part_finished", part, good=good, kind="gear", **flags)


def request(
    time: float, key: int, initiator: str = "robot", kind: str = "assist", notice: float = 600.0
) -> Event:
    data = {"id": key, "cause": "dropped_part", "initiator": initiator, "class": kind}
    data |= {"service": "rework", "part": None, "notice": notice}
    return Event(time, EventKind.REQUEST, "cell", data)


def arrived(time: float, key: int, notice: float, way: float) -> Event:
    return at(time, "operator_arrived", "operator", id=key, notice=notice, way=way)


def served(time: float, key: int, service: float, labour: float) -> Event:
    return at(time, "service_done", "operator", id=key, service=service, labour=labour)


def contact(time: float, person: str = "p1", /, **data: Any) -> Event:
    usual = {
        "start": time - 0.1, "duration": 0.1, "region": "hand", "link": "gripper",
        "relative_speed": 0.3, "robot_speed": 0.3, "force": 70.0, "energy": 0.1,
        "force_ratio": 0.25, "energy_ratio": 0.5, "clamped": False,
    }  # fmt: skip
    return at(time, "contact", person, **{**usual, **data})


def test_a_clean_hour() -> None:
    """Four parts in an hour, one of them scrap; a tray exchange; nobody called."""
    found = kpis(
        [
            start(3600, planned=300, takt=600),
            state(0, "starved"),
            state(400, "producing"),
            started(400, "a"), finished(800, "a"),
            started(1000, "b"), finished(1500, "b", good=False, reason="gap"),
            state(1600, "changeover"),
            at(1700, "tray_exchanged", "tray_1", parts=2, seconds=100.0),
            state(1700, "slowed"),
            started(2000, "c"), finished(2400, "c"),
            state(2400, "producing"),
            started(2500, "d"), finished(3000, "d"),
            started(3100, "e"),
            at(3600, "episode_end", "cell_1"),
        ],
        3600,
    )  # fmt: skip
    # starved 400, changeover 100, slowed 700, producing 1200 + 1200 = 2400: together 3600
    # APT = 3100. PRI PQ = 300 x 4 = 1200, PRI GQ = 900. A = 3100/3600, E = 1200/3100, QR = 3/4
    # OEE = 900/3600 = 0.25
    assert (found["oee"], found["quality_ratio"]) == (0.25, 0.75)
    assert found["availability"] == pytest.approx(3100 / 3600)
    assert found["effectiveness"] == pytest.approx(1200 / 3100)
    names = ("apt_seconds", "adet_seconds", "adot_seconds", "aust_seconds")
    assert [found[n] for n in names] == [3100, 400, 0, 100]
    # starts 400, 1000, 2000, 2500: cycles 600, 1000, 500, mean 700; 95 % of three is the third
    assert found["cycle_time_mean"] == 700 and found["cycle_time_p95"] == 1000
    assert found["cycle_time_to_takt"] == pytest.approx(700 / 600)
    assert found["takt_attainment"] == 0.5  # 3 good, 6 asked for
    # e is still in process: 3 good at the first attempt of 4
    assert found["first_pass_yield"] == 0.75
    assert (found["good_parts"], found["scrap_parts"], found["cycles"]) == (3, 1, 4)
    assert found["good_parts_per_hour"] == 3
    assert found["scaled_share"] == pytest.approx(700 / 3100)
    assert found["slowed_share"] == pytest.approx(700 / 3600)
    # nobody came: nothing to divide by
    for name in ("mtbi", "mtba", "mtbf", "mcbi", "fan_out", "mttr", "response_time_mean"):
        assert found[name] is None, name
    assert found["attention_demand"] == 0
    assert found["interventions"] == 0 and found["cell_availability_8"] == 1


ASSIST = [
    start(600),
    state(0, "producing"),
    started(10, "a"), finished(20, "a"),
    started(30, "b"),
    state(100, "stopped"),
    state(101, "waiting"), request(101, 1),
    arrived(121, 1, notice=10.0, way=10.0), state(121, "serving"),
    served(151, 1, service=30.0, labour=40.0),
    at(151, "reset", "process_guard", by="manual", duration=51.0),
    state(151, "producing"),
    finished(155, "b", assisted=True),
    # 8 s of work: the same intervention still
    state(159, "waiting"), request(159, 2),
    arrived(169, 2, notice=5.0, way=5.0), state(169, "serving"),
    served(179, 2, service=10.0, labour=15.0), state(179, "slowed"),
    state(184, "producing"),
    # 5 s slowed and 5 s more: over at 189; what comes then is a second one
    state(189, "waiting"), request(189, 3, "person"),
    arrived(209, 3, notice=12.0, way=8.0), state(209, "serving"),
    served(269, 3, service=60.0, labour=68.0), state(269, "producing"),
    started(300, "c"), finished(310, "c"),
    at(600, "episode_end", "cell_1"),
]  # fmt: skip


def test_what_is_triggered_within_ten_seconds_of_work_is_the_same_intervention() -> None:
    found = kpis(ASSIST, 600)
    assert (found["interventions"], found["assists"], found["failures"]) == (2, 2, 0)
    assert (found["interventions_by_robot"], found["interventions_by_person"]) == (1, 1)
    # producing 0-100, 151-159, 184-189, 269-600 = 444, slowed 179-184 = 5: APT 449
    assert found["apt_seconds"] == 449 and found["mtbi"] == 224.5
    # first 101-179 = 78 s, second 189-269 = 80 s
    assert found["recovery_time_mean"] == 79
    assert found["intervened_share"] == pytest.approx(158 / 600)
    # 20 s, 10 s and 20 s until somebody was there
    assert found["response_time_mean"] == pytest.approx(50 / 3)
    # labour 40 + 15 + 68 = 123 s in 600 s: 12.3 min/h; waiting is no labour
    assert found["human_minutes_per_robot_hour"] == pytest.approx(12.3)
    assert found["attention_demand"] == pytest.approx(123 / (123 + 449))
    assert found["fan_out"] == pytest.approx(572 / 123)
    # one cell and one person: NT/(NT + IT)
    assert found["cell_availability_1"] == pytest.approx(449 / 572)
    # 3 good parts of 3 cycles, b with help: good, but not at the first pass
    assert (found["good_parts"], found["aided_good_parts"]) == (3, 1)
    assert found["first_pass_yield"] == found["autonomous_share"] == pytest.approx(2 / 3)
    assert found["mcbi"] == 1.5 and found["interventions_per_hour"] == 12
    assert found["interventions_per_1000_good_parts"] == pytest.approx(2000 / 3)
    assert found["peak_requests_10min"] == 3


def test_neither_waiting_for_parts_nor_a_stop_that_resets_itself_begins_the_ten_seconds_anew() -> (
    None
):
    def second_request_after(*between: Event) -> float | None:
        events = [
            state(0, "waiting"), request(0, 1), served(20, 1, 10.0, 15.0), state(20, "producing"),
            *between, state(60, "waiting"), request(60, 2),
        ]  # fmt: skip
        return kpis(events, 100)["interventions"]

    for pause in ("starved", "blocked", "changeover", "standstill"):
        # from 25 on: 5 s and 3 s of work, still one; with 55-60 it is 10 s: two
        assert second_request_after(state(25, pause), state(57, "producing")) == 1
        assert second_request_after(state(25, pause), state(55, "producing")) == 2
    # an idle robot does not work: 5 s and 5 s, but not on end
    assert second_request_after(state(25, "idle"), state(55, "producing")) == 1


def test_who_is_on_the_way_when_the_episode_ends_has_begun_to_work() -> None:
    on_the_way = [state(0, "waiting"), request(10, 1, notice=15.0)]
    assert kpis(on_the_way, 24)["human_minutes_per_robot_hour"] == 0.0
    assert kpis(on_the_way, 40)["human_minutes_per_robot_hour"] == pytest.approx(60 * 15 / 40)
    there = [*on_the_way, arrived(35, 1, 15.0, 10.0)]
    assert kpis(there, 40)["human_minutes_per_robot_hour"] == pytest.approx(60 * 15 / 40)
    # more is asked for of the visit under way: no second person, and one wait for the first
    more = [*there, request(37, 1, kind="failure", notice=15.0), served(60, 1, 25.0, 35.0)]
    found = kpis([*more, state(60, "producing")], 100)
    assert found["human_minutes_per_robot_hour"] == pytest.approx(60 * 35 / 100)
    assert found["response_time_mean"] == pytest.approx(25.0 / 2)
    assert (found["interventions"], found["failures"]) == (1, 1)


def test_work_while_a_request_is_open_does_not_end_the_intervention() -> None:
    """A robot in doubt works on until somebody has come: one intervention, from 10 s to 60 s."""
    doubt = [
        state(0, "producing"), request(10, 1), request(40, 2),
        arrived(50, 1, notice=30.0, way=10.0), served(60, 1, service=10.0, labour=20.0),
    ]  # fmt: skip
    found = kpis([*doubt, served(60, 2, service=0.0, labour=0.0)], 100)
    assert found["interventions"] == 1 and found["recovery_time_mean"] == 50
    # nobody has seen to the second: it lasts to the end
    assert kpis(doubt, 100)["recovery_time_mean"] == 90


def test_a_failure_an_unattended_request_and_an_unfinished_service_count_up_to_the_end() -> None:
    events = [
        start(1000),
        state(0, "producing"),
        state(200, "stopped"),
        at(200, "stop", "joint_limits", category=1, latch=True),
        state(210, "waiting"),
        request(210, 7, "safety", "failure"),
        request(220, 8, "robot", "assist", notice=900.0),  # nested in the first one
        arrived(240, 7, notice=20.0, way=10.0),
        state(240, "serving"),
        at(1000, "episode_end", "cell_1"),
    ]
    found = kpis(events, 1000)
    assert (found["interventions"], found["failures"], found["assists"]) == (1, 1, 0)
    assert found["interventions_by_safety"] == 1 and found["stops_latched"] == 1
    # walking since 230, working to the end: 770 s of labour
    assert found["human_minutes_per_robot_hour"] == pytest.approx(46.2)
    # 30 s for the first; nobody came for the second in 780 s
    assert found["response_time_mean"] == 405
    assert found["mttr"] == found["recovery_time_mean"] == 790
    # 200 s of work, one failure
    assert found["mtbf"] == found["mtbi"] == 200 and found["mtba"] is None
    assert found["adot_seconds"] == 800 and found["oee"] == 0


def test_conveyor_with_rejects_losses_and_drops() -> None:
    events = [
        start(3600, planned=100, takt=None),
        state(0, "producing"),
        started(10, "a"), finished(20, "a"),
        started(30, "b"), at(40, "part_rejected", "b", kind="gear"),
        at(45, "part_lost", "c", reason="ran_off", started=False),
        started(50, "d"), at(55, "part_dropped", "d", where="belt"),
        at(58, "part_lost", "d", reason="ran_off", started=True),
        started(60, "e"), at(62, "part_dropped", "e", where="table"), finished(90, "e"),
        started(100, "f"), finished(110, "f", good=False, reason="wrong bin"),
        finished(400, "f"),  # once more: so it was reworked
        started(500, "g"), at(510, "part_dropped", "g", where="floor"),
        started(600, "a"), finished(610, "a"),  # the name comes back: another part
        started(700, "i"), finished(710, "i", rework=True),
        started(3590, "h"),
    ]  # fmt: skip
    found = kpis(events, 3600)
    # finished: a, e, f (good after rework), a again, i = 5 good of 5
    assert (found["good_parts"], found["scrap_parts"], found["quality_ratio"]) == (5, 0, 1)
    assert (found["rejected_parts"], found["lost_parts"], found["dropped_parts"]) == (1, 2, 3)
    # tried: a, d (lost), e, f, g (dropped, never seen again), a, i. Not b (rejected), c (never
    # started), h (in process). First pass: a, e, a
    assert found["first_pass_yield"] == 3 / 7
    assert found["cycles"] == 6
    # starts of finished parts 10, 60, 100, 600, 700: 50, 40, 500, 100
    assert found["cycle_time_mean"] == pytest.approx(172.5)
    assert found["cycle_time_to_takt"] is None and found["takt_attainment"] is None
    assert found["oee"] == pytest.approx(500 / 3600)


def test_people_present_at_the_same_time_are_counted_once() -> None:
    events = [
        at(100, "person_entered", "p1", role="visitor", behaviour="indifferent"),
        at(150, "person_entered", "p2", role="visitor", behaviour="helpful"),
        at(200, "person_left", "p1", duration=100.0),
        at(300, "person_left", "p2", duration=150.0),
        at(330, "person_left", "p3", duration=20.0),  # nobody saw this one come
        at(900, "person_entered", "p1", role="visitor", behaviour="indifferent"),
    ]
    found = kpis(events, 1000)
    # 100-300, 310-330 and 900-1000: 320 s
    assert found["human_present_hours"] == pytest.approx(320 / 3600)
    assert found["cell_entries_per_hour"] == pytest.approx(3 * 3.6)


def test_what_is_made_among_people_counts_the_time_with_a_visitor_down_or_not() -> None:
    events = [
        state(0, "producing"),
        finished(50, "alone"),
        at(100, "person_entered", "p1", role="visitor", behaviour="indifferent"),
        finished(110, "a"),
        at(150, "person_entered", "p2", role="visitor", behaviour="helpful"),
        state(160, "standstill"),  # held by a rule: that is what sharing costs
        state(180, "producing"),
        finished(190, "b"),
        finished(195, "scrap", good=False, reason="gap"),
        at(200, "person_left", "p1", duration=100.0),
        state(210, "waiting"),  # a fence costs time so
        at(220, "person_entered", "operator", role="operator", behaviour="operator"),
        state(230, "serving"),
        finished(240, "c", rework=True, assisted=True),
        state(260, "producing"),
        at(300, "person_left", "p2", duration=150.0),
        finished(310, "with the operator"),
        at(320, "person_left", "operator", duration=100.0),
        finished(350, "alone again"),
    ]
    found = kpis(events, 1000)
    assert found["good_parts_per_hour_shared"] == pytest.approx(2 * 3600 / 200)  # a, b; 100-300
    assert found["human_present_hours"] == pytest.approx(220 / 3600)
    assert kpis(events[:2], 1000)["good_parts_per_hour_shared"] is None


def test_contacts_clampings_and_breaches() -> None:
    breach = {"start": 90.0, "duration": 3.0, "margin": -0.2, "separation": 0.3, "speed": 0.4}
    clamping = {"start": 299.9, "duration": 0.6, "region": "hand", "link": "gripper"}
    events = [
        at(10, "person_entered", "p1", role="visitor", behaviour="indifferent"),
        at(93, "breach", "p1", **breach),
        at(95, "breach", "p1", **{**breach, "start": 94.0, "duration": 1.0, "margin": -0.05}),
        contact(200, robot_speed=0.0, force_ratio=1.5, region="chest", energy_ratio=2.0),
        contact(220, force_ratio=0.8),
        # clamped: a contact and a clamping of the same hand by the same link are one hazard
        contact(300, start=299.5, duration=0.5, force_ratio=1.2, clamped=True),
        at(300.5, "clamping", "p1", force=200.0, force_ratio=1.4, **clamping),
        contact(400, force_ratio=1.1),
    ]
    found = kpis(events, 3600 + 10)
    assert (found["ssm_breaches"], found["breach_seconds"], found["worst_margin"]) == (2, 4, -0.2)
    assert (found["contacts"], found["contacts_moving"], found["clampings"]) == (4, 3, 1)
    # 1.5 was a person who walked into a standing robot
    assert found["max_force_ratio"] == 1.5 and found["max_force_ratio_moving"] == 1.4
    assert found["max_energy_ratio"] == 2.0
    # two hazards in one hour with people: chi2_0.95(6)/2 = 6.2958 (docs/standards.md: 6.30)
    assert found["hazard_rate_upper"] == pytest.approx(6.2958, abs=1e-4)
    whole = tally(events, 3610)
    assert force_ratio_by_region(whole) == {"chest": 1.5, "hand": 1.4}
    assert energy_ratio_by_region(whole) == {"chest": 2.0, "hand": 0.5}


def test_no_events_at_all() -> None:
    found = kpis([], 3600)
    assert list(found) == list(FIGURES)
    assert found["idle_share"] == 1 and found["adet_seconds"] == 3600
    assert found["good_parts_per_hour"] == 0 and found["interventions_per_hour"] == 0
    assert found["contacts"] == 0 and found["max_force_ratio"] == 0
    for name in ("oee", "quality_ratio", "worst_margin", "hazard_rate_upper", "attention_demand"):
        assert found[name] is None, name
    assert set(kpis([], 0).values()) == {0, 1, None}  # 1 is the episode


def test_an_idle_robot_that_is_served_over_and_over_demands_all_attention() -> None:
    events = [state(0, "idle"), request(50, 1), served(100, 1, 40.0, 45.0)]
    found = kpis(events, 200)
    assert found["attention_demand"] == found["fan_out"] == 1
    assert found["cell_availability_1"] == 0 and found["mtbi"] == 0


def test_episodes_are_pooled_as_one_long_run() -> None:
    """MTBI of several episodes is time over interventions, not the mean of MTBIs."""
    quiet = [start(1000), state(0, "producing"), started(1, "a"), finished(9, "a")]
    found = pool([(ASSIST, 600), (quiet, 1000)])
    # (449 + 1000)/2; good parts (3 + 1) in 1600 s; OEE 10 x 4/1600
    assert found["mtbi"] == 724.5 and found["episodes"] == 2
    assert found["good_parts_per_hour"] == 9 and found["oee"] == 0.025
    assert found["mtbf"] is None  # no failure in 1449 s of work
    assert found["peak_requests_10min"] == 3


def test_without_a_planned_cycle_time_there_is_no_oee_and_nothing_else_is_missing() -> None:
    events = [start(1000, planned=None), state(0, "producing"), started(1, "a"), finished(9, "a")]
    found = kpis(events, 1000)
    assert found["oee"] is None and found["effectiveness"] is None
    assert found["availability"] == 1 and found["good_parts_per_hour"] == 3.6


def test_the_time_between_failures_does_not_hang_on_how_the_time_was_cut() -> None:
    quiet = [start(300), state(0, "producing"), started(1, "a"), finished(9, "a")]
    failed = [start(300), state(0, "producing"), request(299, 1, "robot", "failure")]
    cut = pool([(failed, 300), (quiet, 300), (quiet, 300)])
    assert cut["mtbf"] == pool([(failed, 300), (quiet, 600)])["mtbf"] == 900


def test_the_ten_minutes_of_a_peak_end_before_the_tenth() -> None:
    for second, peak in ((600.0, 1), (599.0, 2)):
        events = [state(0, "waiting"), request(0, 1), request(second, 2)]
        assert kpis(events, 1000)["peak_requests_10min"] == peak


def test_who_served_without_having_been_seen_to_arrive_has_arrived_all_the_same() -> None:
    found = kpis([state(0, "waiting"), request(10, 1), served(100, 1, 40.0, 45.0)], 200)
    assert found["response_time_mean"] == pytest.approx(50.0)


def test_a_part_belongs_to_whoever_was_there_while_it_was_made() -> None:
    """Finished as somebody enters it was made alone; as they leave, among people."""
    came = at(100, "person_entered", "p1", role="visitor", behaviour="indifferent")
    left = at(200, "person_left", "p1", duration=100.0)
    events = [state(0, "producing"), finished(100, "a"), came, finished(200, "b"), left]
    assert kpis(events, 1000)["good_parts_per_hour_shared"] == pytest.approx(3600 / 100)


def test_ten_seconds_made_of_ticks_are_ten_seconds_and_only_failures_are_repaired() -> None:
    """16.4 - 6.4 is a little less than 10."""
    assert 16.4 - 6.4 < 10.0
    events = [
        state(0, "waiting"), request(0, 1), served(6.4, 1, 3.0, 5.0), state(6.4, "producing"),
        state(16.4, "waiting"), request(16.4, 2, kind="failure"), served(60, 2, 20.0, 25.0),
        state(60, "producing"),
    ]  # fmt: skip
    found = kpis(events, 100)
    assert (found["interventions"], found["failures"]) == (2, 1)
    assert found["mttr"] == pytest.approx(60 - 16.4)
    assert found["recovery_time_mean"] == pytest.approx((6.4 + 60 - 16.4) / 2)


def test_a_force_at_the_limit_is_no_hazard_and_what_goes_on_is_one() -> None:
    def touch(start: float, duration: float, ratio: float) -> Event:
        return at(
            start + duration, "contact", "p1", start=start, duration=duration, region="hand",
            link="hand", robot_speed=0.3, moving=True, force_ratio=ratio, energy_ratio=0.1,
        )  # fmt: skip

    there = [at(0, "person_entered", "p1", role="visitor", behaviour="indifferent")]

    def bound(*touches: Event) -> float | None:
        return kpis([state(0, "producing"), *there, *touches], 3600)["hazard_rate_upper"]

    none, one, two = 2.9957, 4.7439, 6.2958  # exact, per hour of exposure
    assert bound(touch(10, 1, 1.0)) == pytest.approx(none, rel=1e-3)
    assert bound(touch(10, 1, 1.01)) == pytest.approx(one, rel=1e-3)
    # one begins as the other ends, or within a longer one that goes on after it
    assert bound(touch(10, 1, 2.0), touch(11, 1, 2.0)) == pytest.approx(one, rel=1e-3)
    nested = touch(11, 1, 2.0), touch(10, 9, 2.0), touch(15, 1, 2.0)
    assert bound(*sorted(nested, key=lambda e: e.time)) == pytest.approx(one, rel=1e-3)
    assert bound(touch(10, 1, 2.0), touch(12, 1, 2.0)) == pytest.approx(two, rel=1e-3)


def test_the_worst_of_many_episodes_is_the_worst() -> None:
    def breach(margin: float) -> Event:
        data = {"start": 4.0, "duration": 1.0, "separation": 0.3, "speed": 0.4}
        return at(5, "breach", "p1", margin=margin, **data)

    assert pool([([breach(m)], 10.0) for m in (-0.05, -0.2, -0.1)])["worst_margin"] == -0.2
