"""Good parts that fall out of their place again, worked out by hand in the comments."""

from typing import Any

import pytest

from genba.kpi import kpis, tally
from genba.sim.state import Event, EventKind


def at(time: float, kind: str, subject: str = "cell", /, **data: Any) -> Event:
    return Event(time, EventKind(kind), subject, data)


def start(cell: str = "kitting") -> Event:
    return at(0, "episode_start", "s", cell=cell, planned_cycle_time=36.0, takt=90.0)


def started(time: float, part: str) -> Event:
    return at(time, "part_started", part, kind="block")


def finished(time: float, part: str, good: bool = True, **data: Any) -> Event:
    flags = {"rework": False, "assisted": False, "reason": "", **data}
    return at(time, "part_finished", part, good=good, kind="block", **flags)


def made(time: float, part: str) -> list[Event]:
    return [started(time, part), finished(time + 2, part)]


def dropped(time: float, part: str, where: str = "floor") -> Event:
    return at(time, "part_dropped", part, where=where)


def exchanged(time: float, parts: int) -> Event:
    return at(time, "tray_exchanged", "tray-1", parts=parts, seconds=4.0)


COUNTS = ("produced", "good", "scrap", "tried", "first_pass", "autonomous_good", "aided_good")


def counts(*events: Event) -> list[float]:
    sums = tally(events, 360.0)["sums"]
    return [sums[name] for name in COUNTS]


KNOCKED = [start(), *made(10, "a"), *made(20, "b"), dropped(30, "b")]


def test_a_good_part_that_is_knocked_out_of_its_slot_is_good_no_more() -> None:
    assert counts(*KNOCKED[:-1]) == [2, 2, 0, 2, 2, 2, 0]
    assert counts(*KNOCKED) == [2, 1, 1, 2, 1, 1, 0]
    found = kpis([at(0, "state", state="producing"), *KNOCKED], 360.0)
    assert (found["good_parts"], found["scrap_parts"], found["dropped_parts"]) == (1, 1, 1)
    assert found["quality_ratio"] == found["first_pass_yield"] == 0.5
    assert found["autonomous_good_parts"] == 1 and found["autonomous_share"] == 1.0
    # 1 good in 0.1 h; 36 s of 360 s; 4 asked for by takt. The robot did work for two: 72 s of 360 s
    assert found["good_parts_per_hour"] == 10.0
    assert found["oee"] == pytest.approx(0.1) and found["takt_attainment"] == 0.25
    assert found["effectiveness"] == pytest.approx(0.2) and found["cycles"] == 2


def test_put_back_it_is_good_again_but_not_at_the_first_pass() -> None:
    again = finished(40, "b", rework=True)
    assert counts(*KNOCKED, again) == [2, 2, 0, 2, 1, 2, 0]
    # by a person, who lays it into its slot or back into the tote
    helped = finished(40, "b", rework=True, assisted=True)
    assert counts(*KNOCKED, helped) == [2, 2, 0, 2, 1, 1, 1]
    # and knocked out once more
    assert counts(*KNOCKED, helped, dropped(50, "b")) == [2, 1, 1, 2, 1, 1, 0]
    # put back wrong
    assert counts(*KNOCKED, finished(40, "b", False, rework=True)) == [2, 1, 1, 2, 1, 1, 0]


def test_a_name_that_falls_after_its_tray_has_gone_is_another_part() -> None:
    gone = [*KNOCKED[:-1], exchanged(30, 2)]
    # a new b is knocked out of the tote, before the robot took it on: it was not tried
    assert counts(*gone, dropped(50, "b")) == [2, 2, 0, 2, 2, 2, 0]
    # a person puts it back, and the robot makes a third good part of it
    third = [started(60, "b"), finished(62, "b", assisted=True)]
    assert counts(*gone, dropped(50, "b"), *third) == [3, 3, 0, 3, 2, 2, 1]
    # the new one is placed, and falls out of the next tray
    assert counts(*gone, *made(60, "b"), dropped(70, "b")) == [3, 2, 1, 3, 2, 2, 0]


def test_a_part_that_lies_about_does_not_leave_with_the_tray() -> None:
    # b is out, c took its slot: a and c go
    late = [*KNOCKED, *made(40, "c"), exchanged(50, 2)]
    assert counts(*late) == [3, 2, 1, 3, 2, 2, 0]
    assert counts(*late, dropped(55, "c")) == [3, 2, 1, 3, 2, 2, 0]  # a new c
    back = finished(60, "b", rework=True, assisted=True)  # into the next tray
    assert counts(*late, back) == [3, 3, 0, 3, 2, 2, 1]
    assert counts(*late, back, dropped(70, "b")) == [3, 2, 1, 3, 2, 2, 0]
    assert counts(*late, back, exchanged(65, 1), dropped(70, "b")) == [3, 3, 0, 3, 2, 2, 1]


def test_one_good_part_more_than_the_tray_had_slots_had_fallen_before_it_went() -> None:
    # b rolls on the floor while c takes its slot and the tray goes: its drop comes after that
    rolling = [*KNOCKED[:-1], *made(28, "c"), exchanged(31, 2)]
    assert counts(*rolling, dropped(32, "b")) == [3, 2, 1, 3, 2, 2, 0]
    # that was the one; a new c that falls out of the tote is another part
    assert counts(*rolling, dropped(32, "b"), dropped(33, "c")) == [3, 2, 1, 3, 2, 2, 0]
    # b was taken out by the robot, which no event tells, and put into the next tray
    back = finished(35, "b", rework=True)
    assert counts(*rolling, back) == [3, 3, 0, 3, 2, 3, 0]
    assert counts(*rolling, back, dropped(40, "c")) == [3, 3, 0, 3, 2, 3, 0]
    assert counts(*rolling, back, dropped(40, "b")) == [3, 2, 1, 3, 2, 2, 0]


def test_what_went_down_a_chute_does_not_fall_and_its_name_is_free_at_once() -> None:
    belt = [start("conveyor_sorting"), *made(10, "a")]
    # a new a is pushed off the belt before the robot took it on
    off = [*belt, dropped(20, "a", "table")]
    assert counts(*off) == [1, 1, 0, 1, 1, 1, 0]
    # a person takes it to its bin: a second good part, and the first is still the robot's own
    assert counts(*off, finished(40, "a", assisted=True)) == [2, 2, 0, 2, 1, 1, 1]
    # one that the robot had taken on and dropped is tried
    begun = [*belt, started(20, "a"), dropped(22, "a", "table")]
    assert counts(*begun) == [1, 1, 0, 2, 1, 1, 0]


def test_what_was_made_among_people_and_fell_was_not_made() -> None:
    came = at(5, "person_entered", "p", role="visitor", behaviour="indifferent")

    def shared(*more: Event) -> float | None:
        return kpis([start(), came, *KNOCKED[1:], *more], 365.0)["good_parts_per_hour_shared"]

    # 360 s with a visitor: a alone, and b with it once it lies in its slot again
    assert shared() == 10.0
    assert shared(finished(40, "b", rework=True)) == 20.0
    assert shared(finished(40, "b", rework=True), dropped(50, "a")) == 10.0
    # made once, whoever is there when it is finished again
    alone = [start(), *made(1, "a"), came, finished(10, "a")]
    assert kpis(alone, 365.0)["good_parts_per_hour_shared"] == 0.0
