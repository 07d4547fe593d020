"""What the cell was doing, and why people had to come: the parts of the report read from events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genba import kpi
from genba.bench import results
from genba.bench.results import Row
from genba.report import plots, texts

LEAST = 1.0  # of 1000; a stop that is too short to see is drawn this wide


def timeline(folder: Path, rows: Sequence[Row], agents: Sequence[Row], lang: str) -> Row | None:
    """One episode an agent, all of one seed, as bars of states; None where there is none."""
    seed = _typical_seed(rows)
    if seed is None:
        return None
    lines = []
    for agent in agents:
        mine = [r for r in rows if r["agent"] == agent["name"] and r["seed"] == seed]
        found = results.read_episode(_file(folder, mine[0])) if mine else None
        if found is not None:
            spans = states(found["events"], mine[0]["seconds"])
            lines.append({"label": agent["label"], **_bars(spans, mine[0]["seconds"], lang)})
    if not lines:
        return None
    seconds = max(r["seconds"] for r in rows if r["seed"] == seed)
    ticks = [f"{seconds * i / 4:.0f}" for i in range(5)]
    return {"seed": seed, "rows": lines, "ticks": ticks}


def _file(folder: Path, row: Row) -> Path:
    return folder / results.EPISODES / f"{row['file']}.json.gz"


def _typical_seed(rows: Sequence[Row]) -> int | None:
    """The seed all agents played whose output is, over the agents, nearest to their means."""
    agents = {r["agent"] for r in rows}
    good: dict[tuple[str, int], float] = {
        (r["agent"], r["seed"]): float(r["figures"].get("good_parts") or 0.0) for r in rows
    }
    mean = {a: _mean([v for (who, _), v in good.items() if who == a]) for a in agents}
    seeds = sorted({r["seed"] for r in rows})
    full = [s for s in seeds if all((a, s) in good for a in agents)] or seeds

    def oddness(seed: int) -> float:
        return sum(abs(good[a, seed] - mean[a]) for a in agents if (a, seed) in good)

    return min(full, key=oddness, default=None)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def states(events: Sequence[Row], seconds: float) -> list[tuple[float, float, str]]:
    """(start, end, state) without gaps from the events of an episode, in s."""
    spans: list[tuple[float, float, str]] = []
    since, state = 0.0, "idle"
    for event in events:
        if event["kind"] == "state":
            if event["time"] > since:
                spans.append((since, event["time"], state))
            since, state = event["time"], str(event["data"]["state"])
    if seconds > since:
        spans.append((since, seconds, state))
    return spans


def _bars(spans: Sequence[tuple[float, float, str]], seconds: float, lang: str) -> Row:
    bars: list[Row] = []
    working = 0.0
    for start, end, state in spans:
        working += end - start if state in ("producing", "slowed") else 0.0
        name, colour = (
            texts.state_name(state, lang),
            texts.STATES.get(state, ("", "", texts.UNKNOWN))[2],
        )
        x, width = 1000 * start / seconds, max(1000 * (end - start) / seconds, LEAST)
        title = f"{name}: {start:.1f}–{end:.1f} s"
        bars.append(
            {
                "x": f"{x:.2f}",
                "width": f"{width:.2f}",
                "colour": colour,
                "state": state,
                "title": title,
            }
        )
    return {"bars": bars, "share": f"{100 * working / seconds:.0f} %"}


def causes(folder: Path, name: str, rows: Sequence[Row], agents: Sequence[Row], lang: str) -> Any:
    """Interventions per hour by cause: a chart and its legend; None where nobody had to come."""
    rates = {
        a["label"]: per_hour(folder, [r for r in rows if r["agent"] == a["name"]]) for a in agents
    }
    order = [*texts.CAUSES, *sorted({c for bars in rates.values() for c in bars} - {*texts.CAUSES})]
    known = [c for c in order if any(c in bars for bars in rates.values())]
    if not known:
        return None
    colours = {c: texts.cause_colour(c) for c in known}
    legend = [{"name": texts.cause_name(c, lang), "colour": colours[c]} for c in known]
    return {"legend": legend, "svg": plots.causes(rates, colours, texts.words(lang), name)}


def per_hour(folder: Path, rows: Sequence[Row]) -> dict[str, float]:
    """Interventions per hour by cause over the episodes whose events were kept."""
    count, hours = Counter[str](), 0.0
    for row in rows:
        found = results.read_episode(_file(folder, row))
        if found is not None:
            count += kpi.causes([results.event(e) for e in found["events"]], row["seconds"])
            hours += row["tally"]["sums"]["pbt"] / 3600
    return {cause: n / hours for cause, n in count.items()} if hours else {}
