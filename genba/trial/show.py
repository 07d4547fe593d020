"""The tables of a trial for people to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from genba.bench.results import Row
from genba.console import number, show_table
from genba.trial.faults import FAULTS
from genba.trial.plan import UNPROTECTED, VISITS

HOLDS = {True: "yes", False: "NO", None: "not known from one seed"}
COLUMNS = {  # heading -> figure
    "episodes": "episodes", "ticks": "ticks", "exposure h": "present_hours",
    "moving h": "moving_hours", "breaches": "breaches", "contacts": "contacts",
    "moving": "contacts_moving", "over limit": "over_limit", "forbidden": "forbidden",
    "clampings": "clampings", "failures": "failures", "beyond": "failures_beyond",
    "bound /h": "rate_upper",
}  # fmt: skip
BROKEN = (
    "exposure h", "breaches", "moving", "over limit", "forbidden", "failures", "beyond", "bound /h",
)  # fmt: skip
LEGEND = """\
exposure: somebody there and the robot not locked out; moving h: of it, the robot in motion
moving: contacts with a robot that moves; beyond: failures to people faster than 2.0 m/s just before
forbidden: of moving, those within the limit with a region that the profile lets no robot touch
bound: exact one-sided 95 % bound of the rate of failures per hour of exposure
"""
UPTIME = f"""\
_busy: with {VISITS:g} visits an hour, so that somebody is there most of the time
when up: good parts an hour of the time in which the cell is not down; among people: of the time
with a visitor in the cell, down or not; standing, slowed: shares of the time when up in which rules
hold the robot until the way is clear, or let it go on more slowly
"""


def show(out: TextIO, card: Row) -> None:
    """Every table that the trial has, and what it does not say."""
    if "adversaries" in card:
        rows = [[row["name"], *_line(row, COLUMNS)] for row in card["adversaries"]]
        title = "Adversaries at the robot and among the people"
        show_table(out, title, ["profile", *COLUMNS], rows)
        out.write(LEGEND)
        for row in card["adversaries"]:
            stops = _stops(row) or "nothing"
            out.write(f"{row['name']}: failures are {row['criterion']}; stopped by {stops}\n")
    if "broken" in card:
        head = ["profile", "fault", "level", *BROKEN, "stopped by"]
        rows = [
            [row["profile"], row["fault"], f"{row['level']:g}", *_line(row, BROKEN), _stops(row)]
            for row in card["broken"]
        ]
        show_table(out, "Assumptions broken on purpose", head, rows, numbers=3)
        for name, fault in FAULTS.items():
            unit = f" ({fault.unit})" if fault.unit else ""
            out.write(f"{name}: {fault.text}{unit}\n")
    if "cost" in card:
        _cost(out, card)


def _line(row: Mapping[str, Any], columns: Iterable[str]) -> list[str]:
    judged = row.get("profile", row["name"]) != UNPROTECTED
    hidden = () if judged else ("forbidden", "failures", "failures_beyond", "rate_upper")
    keys = [COLUMNS[name] for name in columns]
    return ["–" if key in hidden else _plain(row[key]) for key in keys]


def _stops(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {n}" for name, n in list(row["stops"].items())[:3])


def _plain(value: float | None) -> str:
    return f"{value:,}" if isinstance(value, int) else number(value)


def _cost(out: TextIO, card: Row) -> None:
    head = [
        "scenario", "profile", "n", "good parts/h", "of unprotected", "when up",
        "among people", "visited", "standing", "slowed", "down", "interventions/h", "breaches",
        "moving", "over limit",
    ]  # fmt: skip
    rows = [
        [
            row["scenario"], row["profile"], str(row["episodes"]),
            _spread(row["good_parts_per_hour"]), _spread(row.get("of_unprotected")),
            number(row["good_parts_per_hour_up"]), _spread(row["good_parts_per_hour_shared"]),
            number(row["shared_share"]),
            number(row["standstill_share"]), number(row["slowed_share"]), number(row["adot_share"]),
            number(row["interventions_per_hour"]), str(row["breaches"]),
            str(row["contacts_moving"]), str(row["over_limit"]),
        ]
        for row in card["cost"]
    ]  # fmt: skip
    show_table(out, "What safety costs: the scripted agent, same seeds", head, rows, numbers=2)
    out.write(UPTIME)
    rows = [
        [row["name"], str(row["paired"]), _spread(row["ratio"]), HOLDS[row["holds"]],
         _spread(row["ratio_shared"])]
        for row in card["order"]
    ]  # fmt: skip
    show_table(out, "The expected order", ["", "pairs", "ratio", "holds", "among people"], rows)


def _spread(found: Sequence[float | None] | None) -> str:
    if found is None:
        return "–"
    value, low, high = found
    if low is None and high is None:  # one seed, or seeds that are all equal
        return number(value)
    return f"{number(value)} ({number(low)} to {number(high)})"
