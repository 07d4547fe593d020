"""An entry as a small drawing of characters, seen from above: x to the right, y up."""

from __future__ import annotations

import numpy as np

from genba.audit.scene import Scene, bar
from genba.sim.state import Array

COLUMNS, ROWS = 68, 26
ASPECT = 2.0  # a character is twice as high as it is wide


def draw(scene: Scene) -> str:
    """At most COLUMNS wide and ROWS high, with a scale under it."""
    low, high = scene.box()
    wide, tall = (high - low)[:2]
    metre = min(COLUMNS / wide, ROWS * ASPECT / tall)  # columns a metre
    columns, rows = max(1, int(wide * metre)), max(1, int(tall * metre / ASPECT))
    x = low[0] + (np.arange(columns) + 0.5) / metre
    y = high[1] - (np.arange(rows) + 0.5) * ASPECT / metre
    grid = np.full((rows, columns), " ")
    names = list(scene.people)
    for name in reversed(names):
        grid[_covered(scene.people[name], x, y)] = "o" if name == names[0] else "."
    grid[_covered(scene.robot, x, y)] = "#"

    def put(point: Array, mark: str) -> None:
        column = int((point[0] - low[0]) * metre)
        row = int((high[1] - point[1]) * metre / ASPECT)
        if 0 <= row < rows and 0 <= column < columns:
            grid[row, column] = mark

    put(scene.robot[0, :3], "+")
    if scene.pair is not None:
        one, two = scene.pair
        for share in np.linspace(0.0, 1.0, 40)[1:-1]:
            put(one + share * (two - one), "-")
        put(one, "R")
        put(two, "P")
    length = bar(columns / metre)
    scale = "|" + "=" * max(1, round(length * metre) - 2) + f"| {length:g} m"
    return "\n".join("  " + "".join(row).rstrip() for row in [*grid, scale])


def _covered(capsules: Array, x: Array, y: Array) -> Array:
    """(rows, columns): the characters whose middle a capsule covers, or that its axis passes."""
    covered = np.zeros((len(y), len(x)), dtype=bool)
    grow = 0.5 * (x[1] - x[0]) if len(x) > 1 else 0.0
    for ax, ay, _, bx, by, _, radius in capsules:
        ux, uy = bx - ax, by - ay
        wx, wy = x[None, :] - ax, y[:, None] - ay
        square = ux * ux + uy * uy
        along = np.clip((wx * ux + wy * uy) / square, 0.0, 1.0) if square > 0.0 else 0.0
        covered |= np.hypot(wx - along * ux, wy - along * uy) <= max(radius, grow)
    return covered
