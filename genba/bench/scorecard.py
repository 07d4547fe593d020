"""The scorecard: figures of all episodes of an agent in a scenario pooled, with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

from genba.bench.results import Row, plain
from genba.console import number
from genba.kpi import FIGURES
from genba.stats import intervals

Card = dict[tuple[str, str, str], Row]  # (scenario, agent, figure) -> row of the scorecard

HEADLINE = (
    "good_parts_per_hour",
    "oee",
    "availability",
    "effectiveness",
    "quality_ratio",
    "first_pass_yield",
    "cycle_time_mean",
    "takt_attainment",
    "cycle_time_to_takt",
    "interventions_per_hour",
    "human_minutes_per_robot_hour",
    "mtbi",
    "ssm_breaches",
    "contacts_moving",
    "max_force_ratio_moving",
    "clampings",
)
TAKT = ("takt_attainment", "cycle_time_to_takt")  # of a scenario without a takt there are none
# what no output makes up for: an agent above one of these is off the front
GATES = {"ssm_breaches": 0.0, "max_force_ratio_moving": 1.0, "clampings": 0.0}


def scorecard(rows: Sequence[Row], meta: Row | None = None) -> list[Row]:
    """Rows of scenario, agent, figure, value, low, high, unit, n, from the rows of episodes.

    It depends on which episodes were played and on nothing else: not on their order, not on the
    number of workers. Episodes that failed are left out, and `n` says how many were not. Scenarios
    and agents come as `meta` has them, in the order asked; without it by their names.
    """
    asked = meta or {"scenarios": (), "agents": ()}
    places = [{name: i for i, name in enumerate(asked[key])} for key in ("scenarios", "agents")]

    def place(played: tuple[tuple[str, str], list[Row]]) -> list[tuple[float, str]]:
        return [(at.get(name, inf), name) for at, name in zip(places, played[0], strict=True)]

    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if not row["error"]:
            groups.setdefault((row["scenario"], row["agent"]), []).append(row)
    card: list[Row] = []
    for (scenario, agent), group in sorted(groups.items(), key=place):
        group.sort(key=lambda row: int(row["seed"]))
        pooled = intervals([row["tally"] for row in group])
        for name, figure in FIGURES.items():
            found = pooled[name]
            card.append(
                {
                    "scenario": scenario, "agent": agent, "figure": name,
                    "value": plain(found.value), "low": plain(found.low), "high": plain(found.high),
                    "unit": figure.unit, "n": len(group),
                }
            )  # fmt: skip
    return card


def bounds(row: Row) -> str:
    """The interval of a row of the scorecard for people to read; empty where there is none."""
    low, high = row["low"], row["high"]
    if low is None:
        return "" if high is None else f"≤ {number(high)}"
    return f"≥ {number(low)}" if high is None else f"{number(low)}–{number(high)}"


def by_figure(card: Sequence[Row]) -> Card:
    """The rows of a scorecard by scenario, agent and figure."""
    return {(row["scenario"], row["agent"], row["figure"]): row for row in card}


def headline(values: Mapping[str, float | None]) -> tuple[str, ...]:
    """The headlines of an episode or of an agent: those of takt only where a takt was set."""
    takt = values.get(TAKT[0]) is not None
    return tuple(name for name in HEADLINE if takt or name not in TAKT)


def headlines(card: Card, scenario: str, agents: Iterable[str]) -> tuple[str, ...]:
    """The headlines of a scenario, the same for all who played it."""
    rows = (card.get((scenario, agent, TAKT[0]), {}) for agent in agents)
    found = next((row["value"] for row in rows if row.get("value") is not None), None)
    return headline({TAKT[0]: found})


def is_too_fast(effectiveness: float | None) -> bool:
    """Whether the planned cycle time cannot be right; OEE is as wrong as it."""
    return effectiveness is not None and effectiveness > 1.0


def too_fast(card: Card, scenario: str, agents: Iterable[str]) -> list[str]:
    """The agents that were faster in a scenario than its planned cycle time allows."""
    rows = ((agent, card.get((scenario, agent, "effectiveness"), {})) for agent in agents)
    return [agent for agent, row in rows if is_too_fast(row.get("value"))]


def is_unsafe(figure: str, value: float | None) -> bool:
    """Whether a figure alone takes an agent off the front."""
    return value is not None and figure in GATES and value > GATES[figure]


def unsafe(card: Card, scenario: str, agent: str) -> bool:
    """Whether an agent had a safety event in a scenario."""
    rows = (card.get((scenario, agent, figure)) for figure in GATES)
    return any(row is not None and is_unsafe(row["figure"], row["value"]) for row in rows)


def worst(rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """The episode with the least margin of each scenario and agent; of equals the lowest seed."""
    found: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: int(row["seed"])):
        if row["error"] or not row["worst"]:
            continue
        at = row["scenario"], row["agent"]
        if at not in found or row["worst"]["margin"] < found[at]["worst"]["margin"]:
            found[at] = row
    return found
