"""The tables of a trial for people to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from genba.bench.results import Row
from genba.console import number, show_table
from genba.trial.plan import UNPROTECTED

HEAD = [
    "profile", "episodes", "ticks", "exposure h", "moving h", "breaches", "contacts", "moving",
    "over limit", "clampings", "failures", "beyond", "bound /h", "stopped by",
]  # fmt: skip


def show(out: TextIO, card: Row) -> None:
    """Every table that the trial has, and what it does not say."""
    if "adversaries" in card:
        rows = [[row["name"], *_line(row, row["name"])] for row in card["adversaries"]]
        show_table(out, "Adversaries at the robot and among the people", HEAD, rows)
        out.write(
            "exposure: somebody there and the robot not locked out; moving: of it, the robot in "
            "motion;\nbeyond: failures to people who were faster than the bound of the model, 2.0 "
            "m/s, in the half second before;\nbound: exact one-sided 95 % bound of the rate of "
            "failures per hour of exposure\n"
        )
        for row in card["adversaries"]:
            out.write(f"  failures of {row['name']}: {row['criterion']}\n")
    if "broken" in card:
        head = ["profile", "fault", "level", *HEAD[1:]]
        rows = [
            [row["profile"], row["fault"], f"{row['level']:g}", *_line(row, row["profile"])]
            for row in card["broken"]
        ]
        show_table(out, "Assumptions broken on purpose", head, rows, numbers=3)
    if "cost" in card:
        _cost(out, card)


def _line(row: Mapping[str, Any], profile: str) -> list[str]:
    numbers = [
        row["episodes"], row["ticks"], row["present_hours"], row["moving_hours"], row["breaches"],
        row["contacts"], row["contacts_moving"], row["over_limit"], row["clampings"],
    ]  # fmt: skip
    told = [_plain(value) for value in numbers]
    judged = profile != UNPROTECTED
    stops = ", ".join(f"{name} {n}" for name, n in list(row["stops"].items())[:3])
    bound = number(row["rate_upper"]) if judged else "–"
    failed = [str(row[key]) if judged else "–" for key in ("failures", "failures_beyond")]
    return [*told, *failed, bound, stops]


def _plain(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else number(value)


def _cost(out: TextIO, card: Row) -> None:
    head = [
        "scenario", "profile", "episodes", "good parts/h", "of unprotected", "interventions/h",
        "breaches", "moving", "over limit",
    ]  # fmt: skip
    rows = [
        [
            row["scenario"], row["profile"], str(row["episodes"]),
            _spread(row["good_parts_per_hour"]), _spread(row.get("of_unprotected")),
            number(row["interventions_per_hour"]), str(row["breaches"]),
            str(row["contacts_moving"]), str(row["over_limit"]),
        ]
        for row in card["cost"]
    ]  # fmt: skip
    show_table(out, "What safety costs: the scripted agent, same seeds", head, rows, numbers=2)
    rows = [
        [row["name"], _spread(row["ratio"]), "yes" if row["holds"] else "NO"]
        for row in card["order"]
    ]
    show_table(out, "The expected order", ["", "ratio", "holds"], rows)


def _spread(found: Sequence[float | None] | None) -> str:
    if found is None:
        return "–"
    value, low, high = found
    return f"{number(value)} ({number(low)} to {number(high)})"
