"""The charts of the report, as SVG that takes its ink and its font from the page around it."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

# Okabe and Ito's palette, told apart by the colour-blind, in an order that also prints well
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7B6FB0")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
INK, LINE, PAPER = "#010203", "#040506", "#070809"  # stand for the page's own colours
STILL = (
    0.25  # m/s; the axis of speeds reaches at least so far, or a standing robot's noise fills it
)
Triple = tuple[float, float, float]  # value, low, high


@dataclass(frozen=True, slots=True)
class Point:
    """One agent in the headline plot."""

    x: Triple  # human minutes per robot-hour
    y: Triple  # good parts per hour
    colour: str
    marker: str
    safe: bool


STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
}


def pareto(points: Sequence[Point], words: Mapping[str, str], name: str) -> str:
    """Good parts per hour against human minutes per robot-hour, with intervals and the front."""
    with _style(name):
        figure, axes = _figure(4.4, 3.4)
        for i, p in enumerate(points):
            x, y = p.x[0], p.y[0]
            size = max(13.0 - 2.0 * i, 7.0)  # so that what lies on the same spot is seen behind
            axes.errorbar(
                x, y, xerr=_bars(p.x), yerr=_bars(p.y),
                fmt=p.marker, ms=size, mew=2, color=p.colour, ecolor=p.colour, elinewidth=1.3,
                markerfacecolor=p.colour if p.safe else PAPER, capsize=2.5, zorder=3, clip_on=False,
            )  # fmt: skip
        _front(axes, [p for p in points if p.safe])
        top = max([p.y[2] for p in points] + [1.0])
        right = max([p.x[2] for p in points] + [1.0])
        axes.set_xlim(-0.04 * right, 1.08 * right)
        axes.set_ylim(-0.04 * top, 1.16 * top)
        axes.set_xlabel(words["pareto_x"])
        axes.set_ylabel(words["pareto_y"])
        better = "↖ " + words["better"]
        axes.text(0.99, 0.985, better, transform=axes.transAxes, ha="right", va="top")
        return _svg(figure, name)


def _bars(value: Triple) -> list[list[float]]:
    return [[max(value[0] - value[1], 0.0)], [max(value[2] - value[0], 0.0)]]


def _front(axes: Axes, points: Sequence[Point]) -> None:
    """A staircase through the points that no other point beats in both figures."""
    best = [
        p
        for p in points
        if not any(
            o.x[0] <= p.x[0] and o.y[0] >= p.y[0] and (o.x[0], o.y[0]) != (p.x[0], p.y[0])
            for o in points
        )
    ]
    best.sort(key=lambda p: p.x[0])
    if len(best) > 1:
        axes.step(
            [p.x[0] for p in best], [p.y[0] for p in best], where="post", color=INK, lw=1.2, ls="--"
        )


def causes(
    bars: Mapping[str, Mapping[str, float]],
    colours: Mapping[str, str],
    words: Mapping[str, str],
    name: str,
) -> str:
    """Interventions per hour by cause, a stacked bar an agent; `bars` is agent -> cause -> rate."""
    with _style(name):
        figure, axes = _figure(4.4, 1.1 + 0.42 * len(bars))
        for i, rates in enumerate(bars.values()):
            left = 0.0
            for cause, colour in colours.items():
                rate = rates.get(cause, 0.0)
                axes.barh(i, rate, left=left, color=colour, edgecolor=PAPER, height=0.62)
                left += rate
        axes.set_yticks(range(len(bars)), [_escape(agent) for agent in bars])
        axes.set_ylim(len(bars) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlim(left=0)
        axes.set_xlabel(words["causes_y"])
        return _svg(figure, name)


def closest_call(
    trace: Sequence[Sequence[Any]], when: float, words: Mapping[str, str], name: str
) -> str:
    """Separation, S_p and TCP speed around the worst moment, from the environment's trace."""
    times = [row[0] - when for row in trace]
    near, needed, speed = (
        [float("nan") if r[i] is None else r[i] for r in trace] for i in (1, 2, 3)
    )
    with _style(name):
        figure = Figure(figsize=(4.4, 3.6), layout="constrained")
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        axes.plot(times, near, color=COLOURS[0], lw=2)
        axes.plot(times, needed, color=COLOURS[1], lw=1.6, ls="--")
        seen = [v for v in near + needed if v == v]
        top, least = max(min(max(seen, default=1.0), 3.0), 0.2), min([0.0, *seen])
        axes.set_ylim(least and least - 0.05 * top, top * 1.05)  # a contact is below zero
        axes.set_ylabel(words["metres"])
        below.plot(times, speed, color=COLOURS[2], lw=1.6)
        fastest = max((v for v in speed if v == v), default=0.0)
        below.set_ylim(0, max(fastest, STILL) * 1.05)
        below.set_ylabel(words["speed_axis"].replace(" [", "\n["))
        below.set_xlabel(words["around_axis"])
        for part in (axes, below):
            part.axvline(0.0, color=INK, lw=1, ls=":")
            part.set_xlim(min(times, default=-1), max(times, default=1))
        figure.align_ylabels()
        return _svg(figure, name)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _style(name: str) -> Any:
    # the same chart has the same ids in every report, and two charts never share one
    style: Any = {**STYLE, "svg.hashsalt": name}
    return matplotlib.rc_context(style)


def _escape(label: str) -> str:
    """A name as plain text: no mathematics, no line breaks, no novel."""
    flat = " ".join(label.split()).replace("$", r"\$")
    return flat if len(flat) <= 18 else flat[:16] + "…"


def _svg(figure: Figure, name: str) -> str:
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # the page's font has the Japanese letters, the one used for measuring has not
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', text, count=1
    )
    # its style sheet would be the whole page's, and its font is the page's business
    text = re.sub(r"<style.*?</style>", "", text, flags=re.S)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    for stand_in, real in ((INK, "currentColor"), (LINE, "var(--line)"), (PAPER, "var(--paper)")):
        text = text.replace(stand_in, real)
    prefix = re.sub(r"\W", "", name)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", text)
