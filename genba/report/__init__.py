"""The report: one HTML file that opens without a network, made from a benchmark's folder alone.

Names of agents and scenarios, and whatever an error says, were written by others: the template
escapes them all, and the page's own policy forbids scripts and requests.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from genba.bench import results, scorecard
from genba.bench.results import Row
from genba.console import Refused, number
from genba.kpi import FIGURES
from genba.report import plots, texts
from genba.report.timeline import causes, timeline
from genba.stats.exact import zero_event_bound

TEMPLATES = Path(__file__).parent / "templates"
ARROWS = {"high": "\u00a0↑", "low": "\u00a0↓"}


def write(folder: Path, lang: str = "en") -> Path:
    """Renders `report.html` in the folder, and the scorecard anew; returns the report's path.

    Raises Refused where the folder holds no benchmark.
    """
    path = folder / results.REPORT
    results.write_atomically(path, render(folder, lang).encode())
    rows = results.read_benchmark(folder)[1]
    results.dump(folder / results.SCORECARD, scorecard.scorecard(rows))
    return path


def render(folder: Path, lang: str = "en") -> str:
    """The report's HTML."""
    meta, rows = results.read_benchmark(folder)
    if not rows:
        raise Refused(f"{folder / results.RESULTS}: holds no episode")
    book = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return book.get_template("report.html.j2").render(context(folder, meta, rows, lang))


def context(folder: Path, meta: Row, rows: Sequence[Row], lang: str) -> Row:
    """Everything that the template prints."""
    words = texts.words(lang)
    agents = _agents(meta, rows)
    card = scorecard.by_figure(scorecard.scorecard(rows))
    names = [s for s in meta["scenarios"]]
    worst = scorecard.worst(rows)
    scenarios = [
        _scenario(folder, i, meta["scenarios"][s], agents, rows, card, worst, lang)
        for i, s in enumerate(names)
    ]
    return {
        "lang": lang,
        "w": words,
        "style": (TEMPLATES / "style.css").read_text(encoding="utf-8"),
        "meta": meta,
        "heading_text": _title(meta, lang),
        "facts": _facts(meta, rows, agents, words),
        "agents": agents,
        "scenarios": scenarios,
        "states": _states(scenarios, lang),
        "exposure": _exposure(rows, names, agents),
        "settings": [_settings(s) for s in meta["scenarios"].values()],
        "regimes": _regimes(meta, lang),
        "failed": [row for row in rows if row["error"]],
        "sources": texts.SOURCES,
    }


def _agents(meta: Row, rows: Sequence[Row]) -> list[Row]:
    played = {row["agent"] for row in rows}
    names = [name for name in meta["agents"] if name in played] or list(meta["agents"])
    found = []
    for i, name in enumerate(names):
        colour, marker = plots.COLOURS[i % 7], plots.MARKERS[i % 8]
        label = Path(name).name if "/" in name and "<" not in name else name
        if [Path(n).name for n in names].count(label) > 1:
            label = name
        found.append(
            {
                "name": name, "label": label[:80], "hash": meta["agents"][name], "colour": colour,
                "marker": marker, "mark": _mark(colour, marker),
            }
        )  # fmt: skip
    return found


def _mark(colour: str, marker: str) -> str:
    """A plot's marker, for a legend outside the plot."""
    shapes = {
        "o": '<circle cx="7" cy="7" r="5.5"/>',
        "s": '<path d="M2 2h10v10H2z"/>',
        "^": '<path d="M7 1l6 12H1z"/>',
        "D": '<path d="M7 0l6 7-6 7-6-7z"/>',
        "v": '<path d="M7 13L1 1h12z"/>',
        "P": '<path d="M5 1h4v4h4v4H9v4H5V9H1V5h4z"/>',
        "X": '<path d="M1 4l3-3 3 3 3-3 3 3-3 3 3 3-3 3-3-3-3 3-3-3 3-3z"/>',
        "p": '<path d="M7 1l6 5-2.5 7h-7L1 6z"/>',
    }
    return f'<svg viewBox="0 0 14 14" aria-hidden="true" fill="{colour}">{shapes[marker]}</svg>'


def _title(meta: Row, lang: str) -> str:
    counts = len(meta["agents"]), len(meta["scenarios"])
    if lang == "ja":
        return f"スイート「{meta['suite']}」：{counts[0]}エージェント × {counts[1]}シナリオ"
    plural = ["" if n == 1 else "s" for n in counts]
    return f"Suite {meta['suite']}: {counts[0]} agent{plural[0]}, {counts[1]} scenario{plural[1]}"


def _facts(
    meta: Row, rows: Sequence[Row], agents: Sequence[Row], words: Mapping[str, str]
) -> list[Row]:
    hours = sum(row["seconds"] for row in rows if not row["error"]) / 3600
    last = meta["seed"] + meta["episodes"] - 1
    facts = [
        (words["suite"], meta["suite"], ""),
        (words["scenarios"], len(meta["scenarios"]), ""),
        (words["agents"], ", ".join(a["label"] for a in agents), ""),
        (words["episodes"], meta["episodes"], words["episodes_each"]),
        (words["seeds"], f"{meta['seed']}–{last}", words["same_seeds"]),
        (words["hours"], f"{number(hours)} {words['hours_unit']}", ""),
        (words["date"], meta["date"], ""),
        (words["version"], meta["genba"], ""),
    ]
    return [{"name": n, "value": v, "note": note} for n, v, note in facts]


def _scenario(
    folder: Path, i: int, scenario: Row, agents: Sequence[Row], rows: Sequence[Row],
    card: scorecard.Card, worst: Mapping[tuple[str, str], Row], lang: str,
) -> Row:  # fmt: skip
    name = scenario["name"]
    mine = [row for row in rows if row["scenario"] == name and not row["error"]]
    calls = [
        _call(folder, f"c{i}x{j}", a, worst.get((name, a["name"])), lang)
        for j, a in enumerate(agents)
    ]
    return {
        "name": name,
        "title": (lang == "ja" and scenario.get("title_ja")) or scenario.get("title", ""),
        "pareto": _pareto(f"p{i}", name, agents, card, lang),
        "headline": _table(name, agents, card, scorecard.HEADLINE, lang),
        "figures": _table(name, agents, card, tuple(FIGURES), lang),
        "counts": ", ".join(f"{a['label']} {_count(mine, a)}" for a in agents),
        "timeline": timeline(folder, mine, agents, lang),
        "causes": causes(folder, f"b{i}", mine, agents, lang),
        "calls": sorted((c for c in calls if c is not None), key=lambda c: float(c["order"])),
    }


def _count(rows: Sequence[Row], agent: Row) -> int:
    return sum(row["agent"] == agent["name"] for row in rows)


def _pareto(plot: str, name: str, agents: Sequence[Row], card: scorecard.Card, lang: str) -> str:
    points = []
    for agent in agents:
        x, y = (
            card.get((name, agent["name"], figure), {})
            for figure in ("human_minutes_per_robot_hour", "good_parts_per_hour")
        )
        if x.get("value") is None or y.get("value") is None:
            continue
        safe = not scorecard.unsafe(card, name, agent["name"])
        points.append(plots.Point(_triple(x), _triple(y), agent["colour"], agent["marker"], safe))
    return plots.pareto(points, texts.words(lang), plot) if points else ""


def _triple(row: Row) -> tuple[float, float, float]:
    value = row["value"]
    return value, *(value if row[k] is None else row[k] for k in ("low", "high"))


def _table(
    name: str, agents: Sequence[Row], card: scorecard.Card, figures: Sequence[str], lang: str
) -> list[Row]:
    rows = []
    for figure in figures:
        known = FIGURES[figure]
        found = [card.get((name, agent["name"], figure)) for agent in agents]
        values = [r["value"] for r in found if r is not None and r["value"] is not None]
        best = None
        if known.better is not None and len(set(values)) > 1:
            best = max(values) if known.better == "high" else min(values)
        rows.append(
            {
                "text": texts.figure_name(figure, known.text, lang),
                "unit": texts.unit_name(known.unit, lang),
                "arrow": ARROWS.get(known.better or "", ""),
                "cells": [_cell(figure, row, best, known.group != "exposure") for row in found],
            }
        )
    return rows


def _cell(figure: str, row: Row | None, best: float | None, spread: bool) -> Row:
    if row is None or row["value"] is None:
        return {
            "value": "–",
            "interval": "" if row is None else scorecard.bounds(row),
            "classes": "",
        }
    marks = ["best"] if best is not None and row["value"] == best else []
    if scorecard.is_unsafe(figure, row["value"]):
        marks.append("bad")
    interval = scorecard.bounds(row) if spread else ""
    return {"value": number(row["value"]), "interval": interval, "classes": " ".join(marks)}


def _call(folder: Path, plot: str, agent: Row, row: Row | None, lang: str) -> Row | None:
    """The worst moment of one agent in one scenario, or None where nobody came near."""
    if row is None:
        return None
    found = results.read_episode(folder / results.EPISODES / f"{row['file']}.json.gz")
    worst = (found or {}).get("worst") or {**row["worst"], "trace": []}
    words = texts.words(lang)
    return {
        "label": agent["label"],
        "order": worst["margin"],
        "breach": worst["margin"] < 0,
        "margin": f"{worst['margin']:+.2f} m",
        "separation": f"{worst['separation']:.2f} m",
        "seed": row["seed"],
        "time": f"{worst['time']:.1f} s",
        "svg": plots.closest_call(worst["trace"], worst["time"], words, plot),
        "picture": _picture(folder / results.EPISODES / f"{row['file']}.png"),
    }


def _picture(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _states(scenarios: Sequence[Row], lang: str) -> list[Row]:
    used = {
        b["state"]
        for s in scenarios
        if s["timeline"]
        for r in s["timeline"]["rows"]
        for b in r["bars"]
    }
    return [
        {"name": texts.state_name(state, lang), "colour": colour}
        for state, (_, _, colour) in texts.STATES.items()
        if state in used
    ]


def _exposure(rows: Sequence[Row], names: Sequence[str], agents: Sequence[Row]) -> list[Row]:
    found = []
    for name in names:
        for agent in agents:
            mine = [r for r in rows if r["scenario"] == name and r["agent"] == agent["name"]]
            good = [r for r in mine if not r["error"]]
            hours = sum(r["seconds"] for r in good) / 3600
            found.append(
                {
                    "scenario": name, "agent": agent["label"], "finished": len(good),
                    "failed": len(mine) - len(good), "hours": number(hours),
                    "bound": number(zero_event_bound(hours)) if hours > 0 else "–",
                }
            )  # fmt: skip
    return found


def _settings(scenario: Row) -> Row:
    return {
        "name": scenario["name"],
        "safety": ", ".join(rule.replace("_", " ") for rule in scenario["rules"]),
        "visits": number(scenario["people"]["visits_per_hour"]),
        "config": scenario["config"],
    }


def _regimes(meta: Row, lang: str) -> str:
    """What the separation was computed from, of the scenarios with people."""
    shared = [s for s in meta["scenarios"].values() if s["people"]["visits_per_hour"] > 0]
    found = sorted({s["regime"] for s in shared if s["regime"]})
    return "; ".join(texts.regime_name(regime, lang) for regime in found)
