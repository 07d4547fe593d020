"""Figures and scorecards for people to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from genba.bench.results import Row
from genba.bench.scorecard import (
    bounds,
    by_figure,
    headline,
    headlines,
    is_too_fast,
    too_fast,
)
from genba.console import clean, number, show_table
from genba.kpi import FIGURES

TOO_FAST = "effectiveness above 1: planned_cycle_time is longer than a part took"


def figures(out: TextIO, title: str, found: Mapping[str, float | None]) -> None:
    """A table of the figures of one episode: headlines, exposure, and what went wrong."""
    first = headline(found)
    names = [
        n
        for n, f in FIGURES.items()
        if n in first or f.group == "exposure" or (f.better and found[n] and f.unit != "1")
    ]
    rows = [[n, number(found[n]), _unit(FIGURES[n].unit), FIGURES[n].text] for n in names]
    show_table(out, title, ["figure", "value", "unit", ""], rows, numbers=4)
    if is_too_fast(found["effectiveness"]):
        out.write(f"{TOO_FAST}\n")


def scorecard(out: TextIO, card: Sequence[Row]) -> None:
    """A table a scenario: its headlines with their intervals, agent beside agent."""
    found = by_figure(card)
    agents = list(dict.fromkeys(row["agent"] for row in card))
    for scenario in dict.fromkeys(row["scenario"] for row in card):
        rows = []
        for figure in headlines(found, scenario, agents):
            cells = [found.get((scenario, agent, figure)) for agent in agents]
            unit = next((_unit(c["unit"]) for c in cells if c), "")
            rows.append([figure, unit, *(_with_interval(c) for c in cells)])
        n = max(row["n"] for row in card if row["scenario"] == scenario)
        title = f"{scenario}, {n} episodes an agent, 95 % intervals"
        show_table(out, title, ["figure", "unit", *agents], rows, numbers=2)
        if fast := too_fast(found, scenario, agents):
            out.write(f"{TOO_FAST}: {', '.join(map(clean, fast))}\n")


def _unit(unit: str) -> str:
    return "" if unit in ("1", "count") else unit


def _with_interval(row: Row | None) -> str:
    if row is None:
        return "–"
    spread = bounds(row)
    return f"{number(row['value'])} ({spread})" if spread else number(row["value"])
