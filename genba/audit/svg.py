"""An entry as a drawing in SVG: from above and from the side, in metres."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from genba.audit.scene import Scene, bar
from genba.audit.texts import clean, text
from genba.sim.state import Array

WIDTH = 460.0  # px of a view
GAP = 24.0  # px
COLUMN = 110.0  # px, of the labels
INK, ROBOT, PERSON, OTHER, PAIR = "#24292f", "#d9822b", "#2f6fb5", "#a9b8c9", "#c62828"
FONT = "font-family='Helvetica, Arial, Noto Sans CJK JP, sans-serif'"


def svg(scene: Scene, title: str, lines: Sequence[tuple[str, str]], lang: str) -> str:
    """The whole file: a title, two views to one scale, a legend, and lines of text."""
    low, high = scene.box()
    low[2] = min(low[2], 0.0)
    size = high - low
    px = min(WIDTH / size[0], WIDTH / max(size[1], size[2]))  # px a metre
    top, head = 44.0, 20.0
    wide, deep, tall = size * px
    views = [
        _view(scene, (0, 1), low, high, px, (text(lang, "top"), "")),
        _view(scene, (0, 2), low, high, px, (text(lang, "side"), text(lang, "level"))),
    ]
    longest = max((len(said) for _, said in lines), default=0)
    total = max(2 * wide + 3 * GAP, 2 * GAP + COLUMN + 7.0 * longest)
    under = top + head + max(deep, tall) + 30.0
    body = [
        f"<text x='{GAP}' y='26' font-size='16' font-weight='bold'>{escape(title)}</text>",
        f"<g transform='translate({GAP:.1f} {top + head:.1f})'>{views[0]}</g>",
        f"<g transform='translate({2 * GAP + wide:.1f} {top + head:.1f})'>{views[1]}</g>",
        _scale(px, size[0], under),
        _legend(scene, under, lang),
    ]
    for i, (label, said) in enumerate(lines):
        y, x = under + 56 + 18 * i, GAP + (COLUMN if label else 0.0)
        body.append(f"<text x='{GAP}' y='{y:.0f}' font-size='13' fill='#57606a'>{label}</text>")
        body.append(f"<text x='{x}' y='{y:.0f}' font-size='13'>{escape(said)}</text>")
    height = under + 56 + 18 * len(lines)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{total:.0f}' height='{height:.0f}' "
        f"viewBox='0 0 {total:.0f} {height:.0f}' {FONT} fill='{INK}'>\n"
        f"<rect width='100%' height='100%' fill='white'/>\n" + "\n".join(body) + "\n</svg>\n"
    )


def _view(
    scene: Scene, axes: tuple[int, int], low: Array, high: Array, px: float, name: Sequence[str]
) -> str:
    """One view: the first axis to the right, the second up."""
    across, up = axes
    wide, tall = (high - low)[across] * px, (high - low)[up] * px

    def at(point: Array) -> tuple[float, float]:
        return (point[across] - low[across]) * px, (high[up] - point[up]) * px

    def body(rows: Array, colour: str) -> str:
        out = []
        for row in rows:
            (x1, y1), (x2, y2) = at(row[:3]), at(row[3:6])
            if np.hypot(x2 - x1, y2 - y1) < 0.1:
                x2 = x1 + 0.1  # a line of no length has no round ends
            out.append(
                f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' "
                f"stroke-width='{2 * row[6] * px:.1f}'/>"
            )
        lines = "".join(out)
        return f"<g stroke='{colour}' stroke-linecap='round' opacity='0.75'>{lines}</g>"

    out = [
        f"<text x='0' y='-6' font-size='12'>{escape(name[0])}</text>",
        f"<rect width='{wide:.1f}' height='{tall:.1f}' fill='#f6f8fa' stroke='#d0d7de'/>",
    ]
    if up == 2:
        y = at(np.zeros(3))[1]
        out.append(
            f"<line x1='0' y1='{y:.1f}' x2='{wide:.1f}' y2='{y:.1f}' stroke='#8c959f' "
            f"stroke-dasharray='4 3'/><text x='{wide - 4:.1f}' y='{y - 4:.1f}' font-size='11' "
            f"text-anchor='end' fill='#57606a'>{escape(name[1])}</text>"
        )
    people = list(scene.people.values())
    out += [body(rows, OTHER) for rows in people[:0:-1]]
    out += [body(rows, PERSON) for rows in people[:1]]
    out.append(body(scene.robot, ROBOT))
    if scene.pair is not None:
        (x1, y1), (x2, y2) = at(scene.pair[0]), at(scene.pair[1])
        out.append(
            f"<g stroke='{PAIR}' stroke-width='2' fill='{PAIR}'>"
            f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}'/>"
            f"<circle cx='{x1:.1f}' cy='{y1:.1f}' r='3'/>"
            f"<circle cx='{x2:.1f}' cy='{y2:.1f}' r='3'/>"
            "</g>"
        )
    return "".join(out)


def _scale(px: float, span: float, y: float) -> str:
    length = bar(span)
    end = GAP + length * px
    return (
        f"<path d='M{GAP} {y - 14:.1f} v8 M{GAP} {y - 10:.1f} H{end:.1f} M{end:.1f} "
        f"{y - 14:.1f} v8' stroke='{INK}' fill='none'/>"
        f"<text x='{end + 8:.1f}' y='{y - 6:.1f}' font-size='12'>{length:g} m</text>"
    )


def _legend(scene: Scene, y: float, lang: str) -> str:
    names = [(ROBOT, text(lang, "robot"))]
    names += [(PERSON if i == 0 else OTHER, clean(name)) for i, name in enumerate(scene.people)][:3]
    if scene.separation is not None:
        names.append((PAIR, f"{scene.separation:.3f} m"))
    out, x = [], GAP
    for colour, name in names:
        out.append(
            f"<rect x='{x:.0f}' y='{y + 10:.1f}' width='12' height='12' fill='{colour}'/>"
            f"<text x='{x + 18:.0f}' y='{y + 20:.1f}' font-size='12'>{escape(name)}</text>"
        )
        x += 40 + 7.5 * len(name)
    return "".join(out)
