"""The report: one HTML file that opens without a network, made from a benchmark's folder alone.

Names of agents and scenarios, and whatever an error says, were written by others: the template
escapes them all, and the page's own policy forbids scripts and requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from genba.bench import results, scorecard
from genba.bench.results import Row
from genba.console import Refused, number
from genba.kpi import FIGURES
from genba.report import plots, texts
from genba.report.calls import calls
from genba.report.differences import differences
from genba.report.tables import table
from genba.report.timeline import causes, timeline
from genba.rule_names import rule_name
from genba.stats.exact import zero_event_bound

TEMPLATES = Path(__file__).parent / "templates"
SEPARATION = {"speed_separation", "ssm_reach"}  # rules that need to know where people are


def write(folder: Path, lang: str = "en") -> Path:
    """Renders `report.html` in the folder, and the scorecard anew; returns the report's path.

    Raises Refused where the folder holds no benchmark.
    """
    path = folder / results.REPORT
    results.write_atomically(path, render(folder, lang).encode())
    meta, rows = results.read_benchmark(folder)
    results.dump(folder / results.SCORECARD, scorecard.scorecard(rows, meta))
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
        "subtitle": _counts(meta, lang),
        "facts": _facts(meta, rows, agents, scenarios, words),
        "differences": differences(list(meta["scenarios"].values()), lang),
        "agents": agents,
        "column": max(4.9, 1 + 0.63 * min(16, max(len(a["label"]) for a in agents))),
        "scenarios": scenarios,
        "states": _states(scenarios, lang),
        "exposure": _exposure(rows, names, agents),
        "settings": [_settings(s, lang) for s in meta["scenarios"].values()],
        "sensing": any(SEPARATION & set(s["rules"]) for s in meta["scenarios"].values()),
        "regimes": _regimes(meta, lang),
        "failed": [row for row in rows if row["error"]],
        "sources": texts.sources(lang),
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
    """What the suite calls itself; one without a title, and a result of before it had one, not."""
    english, japanese = meta.get("titles", ("", ""))
    return (lang == "ja" and japanese) or english or _counts(meta, lang)


def _counts(meta: Row, lang: str) -> str:
    counts = len(meta["agents"]), len(meta["scenarios"])
    if lang == "ja":
        return f"スイート「{meta['suite']}」：{counts[0]}エージェント × {counts[1]}シナリオ"
    plural = ["" if n == 1 else "s" for n in counts]
    return f"Suite {meta['suite']}: {counts[0]} agent{plural[0]}, {counts[1]} scenario{plural[1]}"


def _facts(
    meta: Row, rows: Sequence[Row], agents: Sequence[Row], scenarios: Sequence[Row],
    words: Mapping[str, str],
) -> list[Row]:  # fmt: skip
    hours = sum(row["seconds"] for row in rows if not row["error"]) / 3600
    last = meta["seed"] + meta["episodes"] - 1
    facts = [
        (words["suite"], meta["suite"], ""),
        (words["scenarios"], len(meta["scenarios"]), ""),
        (words["safety_rules"], _listed((s["profile"] for s in scenarios), words), ""),
        (words["agents"], _listed((a["label"] for a in agents), words), ""),
        (words["episodes"], meta["episodes"], words["episodes_each"]),
        (words["seeds"], f"{meta['seed']}–{last}", words["same_seeds"]),
        (words["hours"], f"{number(hours)} {words['hours_unit']}", ""),
        (words["date"], meta["date"], ""),
        (words["version"], meta["genba"], ""),
    ]
    return [{"name": n, "value": v, "note": note} for n, v, note in facts]


def _listed(names: Iterable[str], words: Mapping[str, str]) -> str:
    return words["comma"].join(dict.fromkeys(names))


def _scenario(
    folder: Path, i: int, scenario: Row, agents: Sequence[Row], rows: Sequence[Row],
    card: scorecard.Card, worst: Mapping[tuple[str, str], Row], lang: str,
) -> Row:  # fmt: skip
    name = scenario["name"]
    mine = [row for row in rows if row["scenario"] == name and not row["error"]]
    shown = scorecard.headlines(card, name, (a["name"] for a in agents))
    fast = scorecard.too_fast(card, name, (a["name"] for a in agents))
    nearest = {agent: row for (where, agent), row in worst.items() if where == name}
    return {
        "name": name,
        "title": (lang == "ja" and scenario.get("title_ja")) or scenario.get("title", ""),
        "profile": texts.profile_name(scenario.get("safety"), scenario["rules"], lang),
        "unprotected": not scenario["rules"],
        "pareto": _pareto(f"p{i}", name, agents, card, lang),
        "headline": table(name, agents, card, shown, lang),
        "figures": table(name, agents, card, tuple(FIGURES), lang),
        "too_fast": [a["label"] for a in agents if a["name"] in fast],
        "counts": texts.words(lang)["comma"].join(
            f"{a['label']} {sum(row['agent'] == a['name'] for row in mine)}" for a in agents
        ),
        "timeline": timeline(folder, mine, agents, lang),
        "causes": causes(folder, f"b{i}", mine, agents, lang),
        "calls": calls(folder, f"c{i}", mine, agents, nearest, lang),
    }


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


def _settings(scenario: Row, lang: str) -> Row:
    return {
        "name": scenario["name"],
        "profile": texts.profile_name(scenario.get("safety"), scenario["rules"], lang),
        "safety": texts.words(lang)["comma"].join(rule_name(r, lang) for r in scenario["rules"]),
        "visits": number(scenario["people"]["visits_per_hour"]),
        "config": scenario["config"],
    }


def _regimes(meta: Row, lang: str) -> str:
    """What the separation was computed from, of the scenarios with people."""
    shared = [s for s in meta["scenarios"].values() if s["people"]["visits_per_hour"] > 0]
    found = sorted({s["regime"] for s in shared if s["regime"]})
    return texts.words(lang)["semicolon"].join(texts.regime_name(r, lang) for r in found)
