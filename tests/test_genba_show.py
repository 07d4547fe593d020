"""Figures and scorecards for people to read: what a terminal and a report say of the same run."""

import io

import pytest

from genba import kpi
from genba.bench import scorecard, show
from genba.console import number
from genba.kpi import FIGURES
from genba.report import tables
from genba.sim.state import Event, EventKind

SECONDS = 600.0
DONE = {"good": True, "kind": "a", "rework": False, "assisted": False, "reason": ""}


def tally(takt: float | None = None, planned: float = 2.0, good: int = 17) -> kpi.Tally:
    """Parts every 3 s from the start, then nothing: the robot is stopped to the end."""
    plan = {"planned_cycle_time": planned, "takt": takt}
    events = [
        Event(0.0, EventKind.EPISODE_START, "s", plan),
        Event(0.0, EventKind.STATE, "cell", {"state": "producing"}),
    ]
    for i in range(good):
        events.append(Event(3.0 * i, EventKind.PART_STARTED, f"p{i}", {"kind": "a"}))
        events.append(Event(3.0 * i, EventKind.PART_FINISHED, f"p{i}", DONE))
    return kpi.tally([*events, Event(51.0, EventKind.STATE, "cell", {"state": "stopped"})], SECONDS)


def rows(**scenarios: kpi.Tally) -> list[dict[str, object]]:
    """Two episodes of two agents each."""
    return [
        {"scenario": name, "agent": agent, "seed": seed, "error": None, "tally": found}
        for name, found in scenarios.items()
        for agent in ("zeta", "alpha")
        for seed in (1, 2)
    ]


def said(card: list[dict[str, object]]) -> str:
    out = io.StringIO()
    show.scorecard(out, card)
    return out.getvalue()


def test_a_cell_that_stood_to_the_end_does_not_keep_takt() -> None:
    found = kpi.figures(tally(takt=6.0))
    assert found["takt_attainment"] == pytest.approx(0.17)  # 17 parts, 100 asked for
    assert found["cycle_time_to_takt"] == pytest.approx(0.5)  # the stop lies between no two


def test_scenarios_and_agents_come_in_the_order_asked() -> None:
    played = rows(before=tally(), after=tally())[::-1]
    asked: dict[str, object] = {"scenarios": ["before", "after"], "agents": ["zeta", "alpha"]}
    card = scorecard.scorecard(played, asked)
    order = [("before", "zeta"), ("before", "alpha"), ("after", "zeta"), ("after", "alpha")]
    assert list(dict.fromkeys((row["scenario"], row["agent"]) for row in card)) == order
    shown = said(card)
    assert shown.index("before, 2") < shown.index("after, 2")
    assert shown.index("zeta") < shown.index("alpha")


def test_takt_is_told_where_there_is_one() -> None:
    for takt, told in ((6.0, True), (None, False)):
        out = io.StringIO()
        show.figures(out, "run", kpi.figures(tally(takt)))
        assert all((name in out.getvalue()) == told for name in scorecard.TAKT)
    with_takt, without = said(scorecard.scorecard(rows(a=tally(6.0), b=tally()))).split("b, 2 epi")
    assert all(name in with_takt and name not in without for name in scorecard.TAKT)
    idle = scorecard.by_figure(scorecard.scorecard(rows(a=tally(6.0, good=0))))
    shown = scorecard.headlines(idle, "a", ["zeta", "alpha"])
    assert shown == scorecard.HEADLINE  # nothing was made, and that is told of takt too
    named = [row["text"] for row in tables.table("a", [{"name": "zeta"}], idle, shown, "en")]
    assert FIGURES["takt_attainment"].text in named


def test_a_planned_cycle_time_that_cannot_be_is_told_with_whom() -> None:
    card = scorecard.scorecard(rows(fast=tally(planned=60.0), right=tally()))
    fast, right = said(card).split("right, 2 episodes")
    assert f"{show.TOO_FAST}: alpha, zeta" in fast and show.TOO_FAST not in right
    found = scorecard.by_figure(card)
    assert scorecard.too_fast(found, "fast", ["zeta"]) == ["zeta"]
    assert scorecard.too_fast(found, "right", ["zeta"]) == []


def test_a_small_share_is_written_out() -> None:
    small = {
        8e-05: "0.00008",
        0.00049: "0.0005",
        -0.0003: "-0.0003",
        9.6e-05: "0.0001",
        2e-9: "2e-09",
    }
    assert {value: number(value) for value in small} == small
    assert number(0.004) == "0.004" and number(0.0) == "0"
