"""The closest call of each agent: how near somebody came to a robot that was not locked out."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from genba.bench import results
from genba.bench.results import Row
from genba.report import plots, texts

NEAR = 1.0  # m of margin; beyond, a chart shows no call and the picture hardly anybody


def calls(
    folder: Path, plot: str, rows: Sequence[Row], agents: Sequence[Row],
    worst: Mapping[str, Row], lang: str,
) -> Row:  # fmt: skip
    """The calls of a scenario, the worst first, and the agents that nobody came near.

    `rows` are its episodes, `worst` the one with the least margin of each agent that has any.
    """
    shown, far = [], []
    played = {row["agent"] for row in rows}
    for j, agent in enumerate(agents):
        row = worst.get(agent["name"])
        if row is not None and row["worst"]["margin"] < NEAR:
            shown.append(_call(folder, f"{plot}x{j}", agent, row, lang))
        elif agent["name"] in played:
            far.append(agent["label"])
    shown.sort(key=lambda call: float(call["order"]))
    return {"shown": shown, "far": texts.words(lang)["comma"].join(far)}


def _call(folder: Path, plot: str, agent: Row, row: Row, lang: str) -> Row:
    found = results.read_episode(folder / results.EPISODES / f"{row['file']}.json.gz")
    worst = (found or {}).get("worst") or {**row["worst"], "trace": []}
    words = texts.words(lang)
    return {
        "label": agent["label"],
        "order": worst["margin"],
        "breach": worst["margin"] < 0,
        "margin": margin(worst["margin"]),
        "separation": separation(worst["separation"], words),
        "seed": row["seed"],
        "time": f"{worst['time']:.1f} s",
        "svg": _chart(worst, words, plot),
        "picture": _picture(folder / results.EPISODES / f"{row['file']}.png"),
    }


def _chart(worst: Row, words: Mapping[str, str], plot: str) -> str:
    """The chart, where there is a line to draw: a single moment, or none, is an empty frame."""
    seen = sum(row[1] is not None for row in worst["trace"])
    return plots.closest_call(worst["trace"], worst["time"], words, plot) if seen > 1 else ""


def margin(metres: float) -> str:
    """With its sign; nothing at all has none."""
    rounded = round(metres, 2)
    return f"{rounded:+.2f} m" if rounded else "0.00 m"


def separation(metres: float, words: Mapping[str, str]) -> str:
    """A distance, or that there was none left."""
    if metres <= 0:
        return f"d{words['colon']}{words['contact']}"
    return f"d = {metres:.2f} m" if metres >= 0.005 else "d < 0.01 m"


def _picture(path: Path) -> str:
    data = results.read_kept(path)
    if data is None:
        return ""
    return "data:image/png;base64," + base64.b64encode(data).decode()
