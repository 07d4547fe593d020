"""The tables of figures: what a row holds, how sure it is, and which agent has the best of it."""

from __future__ import annotations

from collections.abc import Sequence

from genba.bench import scorecard
from genba.bench.results import Row
from genba.console import number
from genba.kpi import FIGURES
from genba.kpi.figure import Better
from genba.report import texts

ARROWS = {"high": "\u00a0↑", "low": "\u00a0↓"}


def table(
    name: str, agents: Sequence[Row], card: scorecard.Card, figures: Sequence[str], lang: str
) -> list[Row]:
    """Rows of figures of one scenario, a cell an agent."""
    made = [card.get((name, a["name"], "good_parts"), {}).get("value") for a in agents]
    rows = []
    for figure in figures:
        known = FIGURES[figure]
        found = [card.get((name, agent["name"], figure)) for agent in agents]
        tinted = best(
            [row if n else None for row, n in zip(found, made, strict=True)], known.better
        )
        cells = zip(found, tinted, strict=True)
        rows.append(
            {
                "text": texts.figure_name(figure, known.text, lang),
                "unit": texts.unit_name(known.unit, lang),
                "arrow": ARROWS.get(known.better or "", ""),
                "cells": [_cell(figure, row, tint, known.group) for row, tint in cells],
            }
        )
    return rows


def best(found: Sequence[Row | None], better: Better) -> list[bool]:
    """Which rows hold the best value; a None is out of the comparison.

    What has a lower bound and no value was divided by events that never came: it is more than any
    number. A value that is missing for another reason compares with nothing, so nothing is best.
    """
    ranks = [None if row is None else _rank(row, better) for row in found]
    compared = [rank for rank in ranks if rank is not None]
    if better is None or any(rank != rank for rank in compared) or len(set(compared)) < 2:
        return [False] * len(found)
    top = max(compared) if better == "high" else min(compared)
    return [rank == top for rank in ranks]


def _rank(row: Row, better: Better) -> float:
    if row["value"] is not None:
        return float(number(row["value"]).replace(",", ""))  # equal to the eye, equally good
    return float("inf") if better == "high" and row["low"] is not None else float("nan")


def _cell(figure: str, row: Row | None, tint: bool, group: str) -> Row:
    value = None if row is None else row["value"]
    marks = ["best"] if tint else []
    if scorecard.is_unsafe(figure, value):
        marks.append("bad")
    exact = row is None or (group == "exposure" and value is not None)
    return {
        "value": "–" if value is None else number(value),
        "interval": "" if exact or row is None else scorecard.bounds(row),
        "classes": " ".join(marks),
    }
